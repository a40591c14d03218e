"""The pictures of the documentation are what the screen shows now."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tui.conftest import SNAPSHOT_PYTHON

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
@pytest.mark.screen
@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.version_info[:2] != SNAPSHOT_PYTHON, reason="pictures are compared on one Python")
def test_the_pictures_are_current_and_a_stale_one_is_named(tmp_path: Path) -> None:
    """All are compared in one run; one that has been changed beforehand is the only one that must be found."""
    pictures = sorted((ROOT / "screenshots").glob("*.svg"))
    for picture in pictures:
        shutil.copy(picture, tmp_path)
    changed = tmp_path / "ask.svg"
    changed.write_text(changed.read_text().replace("NoDelete", "NoWrite"))
    code = "import sys; from pathlib import Path; from screenshots import make; make.FOLDER = Path(sys.argv[1]); "
    code += "print(*sorted(f'{picture.name}.svg' for picture in make.PICTURES)); sys.exit(make.main(check=True))"
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
    made, _, said = done.stdout.partition("\n")
    assert made.split() == [picture.name for picture in pictures], done
    stale = [line.split(" is not")[0] for line in said.splitlines() if line.endswith(" is not what the screen shows:")]
    assert stale == ["ask.svg"], f"run: make screenshots\n{said}{done.stderr}"
    assert [line[2:] for line in said.splitlines() if "NoWrite" in line and line.startswith("-")]
    assert done.returncode == 1
