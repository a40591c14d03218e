"""Writes the demo account: `python -m tools.demo`, or `--check` to compare what is there with the story."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Final

from tools.demo.build import snapshot

TARGET: Final = Path(__file__).parents[2] / "iamtui" / "sources" / "demo_data" / "puffin-parcel.json"


def main() -> int:
    """Write the file, or check it; 1 when the check finds another text."""
    parser = argparse.ArgumentParser(prog="python -m tools.demo", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the file is not up to date")
    check = parser.parse_args().check
    text = json.dumps(snapshot(), indent=1, ensure_ascii=False) + "\n"
    if check:
        current = TARGET.read_text(encoding="utf-8") if TARGET.exists() else ""
        if current != text:
            print(f"{TARGET.name} is not what the story says; run: python -m tools.demo", file=sys.stderr)
            return 1
        return 0
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text, encoding="utf-8")
    print(f"{TARGET.name}: {len(text):,} characters")
    return 0


if __name__ == "__main__":
    sys.exit(main())
