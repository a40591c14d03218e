"""Fixtures of the command line."""

from tests.support.cli_runner import cli

__all__ = ["cli"]
