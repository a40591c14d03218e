"""The fixtures of the command line's tests."""

from tests.support.cli_runner import cli, snapshot

__all__ = ["cli", "snapshot"]
