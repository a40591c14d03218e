"""The wheel: what is inside, and that an installed copy works away from the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata

from iamtui import __version__
from tests.support import wording

ROOT = Path(__file__).parent.parent
STEM = f"iamtui-{__version__}"


def built(kind: str, source: Path, folder: Path) -> Path:
    """The "wheel" or "sdist" of a source tree, in a folder."""
    code = f"import sys; from hatchling.build import build_{kind}; print(build_{kind}(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(command, cwd=source, check=True, capture_output=True, text=True, timeout=120)
    return folder / done.stdout.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built as a front end builds it, by the backend of this environment: no network."""
    folder = tmp_path_factory.mktemp("wheel")
    return built("wheel", ROOT, folder)


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
    assert {name.split("/")[0] for name in names} == {"iamtui", f"{STEM}.dist-info", f"{STEM}.data"}
    assert [name for name in names if ".data/" in name] == [f"{STEM}.data/data/share/man/man1/iamtui.1"]


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < 2_100_000


def test_the_metadata_is_valid_and_whole(wheel: Path) -> None:
    text = zipfile.ZipFile(wheel).read(f"{STEM}.dist-info/METADATA")
    metadata = Metadata.from_email(text, validate=True)
    assert (metadata.name, str(metadata.version)) == ("iamtui", __version__)
    assert metadata.summary
    assert metadata.description is not None
    assert metadata.description.startswith("# iamtui\n")
    assert metadata.description_content_type == "text/markdown"
    assert metadata.license_expression == "Apache-2.0"
    assert str(metadata.requires_python) == ">=3.11"
    assert {requirement.name for requirement in metadata.requires_dist or []} >= {"boto3", "click", "moto", "textual"}
    assert "Typing :: Typed" in (metadata.classifiers or [])


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


@pytest.mark.slow
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


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source distribution, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(built("sdist", ROOT, folder)) as archive:
        archive.extractall(folder, filter="data")
    return folder / STEM


def files_below(folder: Path, parts: tuple[str, ...]) -> set[str]:
    found = (path for part in parts for path in (folder / part).rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix() for path in found if "__pycache__" not in path.parts}


@pytest.mark.slow
def test_the_sdist_has_tests_pictures_and_all_that_they_need(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    parts = ("iamtui", "themes", "docs", "screenshots", "tests", "tools", "benchmarks")
    made_by_runs = {name for name in files_below(ROOT, parts) if name.endswith(".pyc")}
    assert files_below(sdist, parts) == files_below(ROOT, parts) - made_by_runs
    for name in ("README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "constraints.txt", "PKG-INFO"):
        assert (sdist / name).is_file()
    from_sdist = zipfile.ZipFile(built("wheel", sdist, tmp_path))
    from_checkout = zipfile.ZipFile(wheel)
    assert from_sdist.namelist() == from_checkout.namelist()
    for name in from_checkout.namelist():
        assert from_sdist.read(name) == from_checkout.read(name), name


@pytest.mark.slow
def test_tests_of_the_sdist_run_in_it(sdist: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(sdist), "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/policy/test_pattern.py"],
        cwd=sdist, env=environ, capture_output=True, text=True, check=False, timeout=170,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", ["3.11", "3.13"])
def test_it_installs_into_an_empty_environment_and_runs(version: str, wheel: Path, tmp_path: Path) -> None:
    python = sys.executable if sys.version_info[:2] == (3, int(version[2:])) else interpreter(version)
    if python is None:
        pytest.skip(f"there is no python{version} that can make an environment")
    subprocess.run([python, "-m", "venv", str(tmp_path / "venv")], check=True, capture_output=True, timeout=120)
    programs = tmp_path / "venv" / "bin"
    # Compiling all that boto3 and moto bring takes longer than installing it, and most of it is never imported.
    options = ["--quiet", "--no-compile", "--constraint", str(ROOT / "constraints.txt")]
    subprocess.run([programs / "python", "-m", "pip", "install", *options, wheel], check=True, timeout=800)
    environ = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(tmp_path)}

    def said(*words: str) -> str:
        return subprocess.run(
            words, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True, timeout=120
        ).stdout

    assert said("iamtui", "--version") == f"iamtui {__version__}\n"
    asked = ("amara.diallo", "s3:GetObject", "--on", "arn:aws:s3:::puffin-data-lake/x", "--demo")
    assert said("iamtui", "can", *asked).startswith(f"{wording.ALLOWED}\n")
    assert said("iamtui", "config", "check") == ""
    assert said("iamtui", "assume", "ops-readonly", "--demo", "--format", "json").startswith("{")
    assert Path(said("iamtui", "config", "path", "--schema").strip()).is_file()
    assert "complete" in said("iamtui", "completion", "bash")
    code = "from iamtui import api; print(api.open_demo().account_id)"
    assert said("python", "-c", code) == "111122223333\n"
    assert (tmp_path / "venv" / "share" / "man" / "man1" / "iamtui.1").read_text().startswith(".TH IAMTUI 1")
    screen = "from iamtui.tui.app import IamtuiApp as A; A.on_ready = lambda self: self.exit(); a = A()"
    assert said("python", "-c", f"{screen}; a.run(headless=True, size=(80, 24)); print(a.return_code)") == "0\n"
    installed = said("python", "-m", "pip", "list", "--format", "freeze").lower()
    assert "pytest" not in installed
    assert "ruff" not in installed


def interpreter(version: str) -> str | None:
    """A Python of this version that can make environments."""
    for folder in ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", None):
        found = shutil.which(f"python{version}", path=folder)
        command = [found, "-c", "import venv, ensurepip"] if found else []
        if command and subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return found
    return None
