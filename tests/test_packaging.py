"""The wheel: what is inside, and that an installed copy works away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support import wording

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built as a front end builds it, by the backend of this environment: no network."""
    folder = tmp_path_factory.mktemp("wheel")
    code = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, check=True, capture_output=True, timeout=120)
    return next(folder.glob("iamtui-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel in it."""
    target = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", "--target", str(target)]
    subprocess.run([*command, str(wheel)], check=True, capture_output=True, timeout=120)
    return target


def run(installed: Path, code: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run code that sees the installed copy and not the checkout."""
    # -P and another working directory: the checkout must not be found by accident. The copy comes before the
    # editable install of the checkout, which stands in the same environment.
    environ = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(
        [sys.executable, "-P", "-c", code, *words],
        cwd=installed, env=environ, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


MAIN = "import sys; sys.argv[0] = 'iamtui'; from iamtui.__main__ import main; main()"


def test_themes_styles_and_the_demo_are_inside_and_tests_are_not(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for theme in (ROOT / "themes").glob("*.toml"):
        assert f"iamtui/themes/{theme.name}" in names
    for style in (ROOT / "iamtui" / "tui" / "styles").glob("*.tcss"):
        assert f"iamtui/tui/styles/{style.name}" in names
    data = [path for path in (ROOT / "iamtui").rglob("*") if path.suffix in (".json", ".gz", ".xz", ".zst", ".typed")]
    assert data
    for path in data:
        assert path.relative_to(ROOT).as_posix() in names
    assert {name.split("/")[0] for name in names} == {
        "iamtui",
        next(n for n in names if ".dist-info" in n).split("/")[0],
    }


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < 2_000_000


def test_the_metadata_names_the_command_and_the_licence(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    entry_points = next(name for name in archive.namelist() if name.endswith("entry_points.txt"))
    assert "iamtui = iamtui.__main__:main" in archive.read(entry_points).decode()
    assert any(name.endswith("licenses/LICENSE") for name in archive.namelist())


@pytest.mark.slow
def test_the_installed_copy_runs(installed: Path) -> None:
    where = run(installed, "import iamtui; print(iamtui.__file__)")
    assert where.stdout.startswith(str(installed)), where
    version = run(installed, MAIN, "--version")
    assert (version.returncode, version.stdout) == (0, "iamtui 0.1.0\n"), version


def test_the_installed_copy_finds_its_themes(installed: Path) -> None:
    code = "from iamtui.tui.themes import load_themes; print(*[t.name for t in load_themes().themes])"
    done = run(installed, code)
    assert {path.stem for path in (ROOT / "themes").glob("*.toml")} <= set(done.stdout.split()), done
    shown = run(installed, "from iamtui.paths import shipped_themes; print(shipped_themes())")
    assert shown.stdout.strip() == str(installed / "iamtui" / "themes")


def test_the_checkout_finds_its_themes_too() -> None:
    from iamtui.paths import shipped_themes

    assert shipped_themes() == ROOT / "themes"


def test_the_installed_copy_answers_from_its_demo(installed: Path) -> None:
    done = run(
        installed, MAIN, "can", "amara.diallo", "s3:GetObject", "--on", "arn:aws:s3:::puffin-data-lake/x", "--demo"
    )
    assert done.returncode == 0, done
    assert done.stdout.startswith(f"{wording.ALLOWED}\n")


def test_the_installed_screen_opens(installed: Path) -> None:
    code = """
from iamtui.tui.app import IamtuiApp
IamtuiApp.on_ready = lambda self: self.exit()
app = IamtuiApp()
app.run(headless=True, size=(80, 24))
print(app.theme)
raise SystemExit(app.return_code)
"""
    done = run(installed, code)
    assert done.returncode == 0, done
    assert done.stdout.strip() == "iamtui-dark", done
