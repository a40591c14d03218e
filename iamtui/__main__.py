"""The only place that knows both doors: the command line and the screen."""

from __future__ import annotations

import sys


def main() -> None:
    """Run iamtui and exit with its code."""
    from iamtui.cli.main import run  # noqa: PLC0415 - nothing heavy before --help and the first frame

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
