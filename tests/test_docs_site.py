"""The documentation's site: every page is in it, its links lead somewhere, and it loads nothing from the web."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.docs_site import PAGES_OF_ROOT, gather

ROOT = Path(__file__).parent.parent
SITE = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]


def named(entries: list[dict[str, Any]]) -> Iterator[str]:
    for entry in entries:
        for value in entry.values():
            yield from [value] if isinstance(value, str) else named(value)


def test_every_page_is_in_the_navigation() -> None:
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} | set(PAGES_OF_ROOT.values())
    assert sorted(named(SITE["nav"])) == sorted(pages)


def test_links_of_the_gathered_pages_stay_within_the_site(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    gather(ROOT, folder)
    links = 0
    for page in folder.glob("*.md"):
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\((?!http)([^)#]+)", text):
            links += 1
            assert (folder / target).resolve().is_relative_to(folder.resolve()), (page.name, target)
            assert (folder / target).exists(), (page.name, target)
    assert links > 60


@pytest.fixture(scope="module")
def zensical(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The builder, in an environment of its own, in the version that is pinned."""
    folder = tmp_path_factory.mktemp("docs-environment")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=120)
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["docs"]
    install = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", *wanted]
    subprocess.run(install, check=True, timeout=600)
    return folder / "bin" / "zensical"


def built(zensical: Path, root: Path) -> subprocess.CompletedProcess[str]:
    program = [zensical.with_name("python"), root / "tools" / "docs_site.py"]
    return subprocess.run(program, cwd=root, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_site_is_built_strictly_and_loads_nothing_from_the_web(zensical: Path, tmp_path: Path) -> None:
    for name in ("docs", "screenshots"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "tools").mkdir()
    for name in ("tools/docs_site.py", "zensical.toml", *PAGES_OF_ROOT):
        shutil.copy(ROOT / name, tmp_path / name)
    done = built(zensical, tmp_path)
    assert done.returncode == 0, done
    site = tmp_path / "build" / "site"
    for page in named(SITE["nav"]):
        html = (site / page).with_suffix(".html").read_text(encoding="utf-8")
        assert not re.search(r'<(?:script|link|img)[^>]*(?:src|href)="?(?:https?:)?//', html), page
    # A picture of the look is among them.
    assert (site / "screenshots" / "ask.svg").exists()
    with (tmp_path / "docs" / "quick-start.md").open("a") as page:
        page.write("\n[nowhere](nowhere.md)\n")
    assert built(zensical, tmp_path).returncode != 0
    text = (tmp_path / "docs" / "quick-start.md").read_text().replace("(nowhere.md)", "(permissions.md#nowhere)")
    (tmp_path / "docs" / "quick-start.md").write_text(text)
    assert built(zensical, tmp_path).returncode != 0
