"""`make docs`: gathers the pages of the documentation in build/docs, and builds them into a static site in build/site.

In the repository, pages link to pictures and to the files beside README.md; here these become parts of the site. A
link that leads nowhere ends the build.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
PAGES_OF_ROOT: Final = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
"""Files beside README.md that are pages of the site."""


def gather(root: Path, folder: Path) -> None:
    """Copy every page and picture into a folder, with the links as they are there."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root / "docs", folder, ignore=shutil.ignore_patterns("*.1"))
    (folder / "screenshots").mkdir()
    for picture in sorted((root / "screenshots").glob("*.svg")):
        shutil.copy(picture, folder / "screenshots")
    for name, page in PAGES_OF_ROOT.items():
        shutil.copy(root / name, folder / page)
    for file in folder.glob("*.md"):
        file.write_text(_linked(file.read_text(encoding="utf-8")), encoding="utf-8")


def _linked(text: str) -> str:
    for name, page in PAGES_OF_ROOT.items():
        text = re.sub(rf"\]\((?:\.\./)?{name}(?=[)#])", f"]({page}", text)
    return re.sub(r"\]\((?:\.\./)(?=screenshots/)|\]\(docs/", "](", text)


def build(root: Path = ROOT) -> int:
    """Build the site; returns the exit code of the builder."""
    gather(root, root / "build" / "docs")
    command = [str(Path(sys.executable).with_name("zensical")), "build", "--clean", "--strict"]
    return subprocess.run(command, cwd=root, check=False).returncode


if __name__ == "__main__":
    sys.exit(build())
