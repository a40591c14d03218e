"""Writes the demo account and its trail: `python -m tools.demo`, or `--check` to compare them with the story."""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from pathlib import Path
from typing import Final

from tools.demo.activity import events
from tools.demo.build import snapshot

FOLDER: Final = Path(__file__).parents[2] / "iamtui" / "sources" / "demo_data"


def main() -> int:
    """Write the files, or check them; 1 when the check finds another text."""
    parser = argparse.ArgumentParser(prog="python -m tools.demo", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is not up to date")
    check = parser.parse_args().check
    account = (json.dumps(snapshot(), indent=1, ensure_ascii=False) + "\n").encode()
    trail = json.dumps({"Records": events()}, separators=(",", ":"), ensure_ascii=False).encode()
    stale = []
    for name, data in (("puffin-parcel.json", account), ("puffin-parcel-trail.json.gz", trail)):
        file = FOLDER / name
        is_packed = name.endswith(".gz")
        if check:
            # Not the packed bytes, which differ between versions of zlib.
            found = file.read_bytes() if file.exists() else b""
            if (gzip.decompress(found) if is_packed and found else found) != data:
                stale.append(name)
            continue
        FOLDER.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(data, 9, mtime=0) if is_packed else data)
        print(f"{name}: {len(data):,} bytes")
    for name in stale:
        print(f"{name} is not what the story says; run: python -m tools.demo", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
