"""What the README and the pages in docs/ show is real: commands, options, the scenario, the pictures, the links."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import click
import msgspec
import pytest

from iamtui.account.snapshot_format import SnapshotShape
from iamtui.cli.main import ENTRIES
from iamtui.cli.main import cli as program
from iamtui.config import load_config, settings
from iamtui.credentials.export import FORMATS
from iamtui.engine.evaluator import evaluate
from iamtui.engine.request import DEFAULT_OPTIONS
from iamtui.engine.scenarios.scenario import OPTION_NAMES, parse_scenario
from iamtui.workspace.source.permissions import FEATURES
from tests.support.cli_runner import Cli, cli
from tests.support.slow import all_but

__all__ = ["cli"]

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = (README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
TEXTS = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in PAGES}
BLOCKS = [
    (name, kind, text) for name, page in TEXTS.items() for kind, text in re.findall(r"```(\w*)\n(.*?)```", page, re.S)
]


def shown_commands() -> list[str]:
    blocks = [text.replace("\\\n", " ") for _, kind, text in BLOCKS if kind in ("sh", "console", "yaml")]
    lines = [line for text in blocks for line in text.splitlines()]
    return [found[0] for line in lines for found in re.findall(r"(\biamtui (?:[a-z-]+|--)[^|#\n)\"`]*)(.?)", line)]


def the_block(page: str, kind: str) -> str:
    return next(text for name, found, text in BLOCKS if (name, found) == (page, kind))


def headings(text: str) -> set[str]:
    """The anchors that a code host makes of the headings."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_there_are_commands_to_look_at() -> None:
    assert len(shown_commands()) > 40


@pytest.mark.parametrize("line", shown_commands())
def test_every_command_and_option_that_is_shown_exists(line: str) -> None:
    words = line.split(" -- ", maxsplit=1)[0].split()[1:]
    command: click.Command = program
    if not words[0].startswith("-"):
        entry = ENTRIES[words[0]]
        command = getattr(import_module(entry.module), entry.name)
        if isinstance(command, click.Group) and len(words) > 1:
            found = command.get_command(click.Context(command), words[1])
            assert found is not None, f"{words[0]} has no command {words[1]}"
            command = found
    options = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("-") and word != "-"} <= options


def demo_lines(page: str) -> list[str]:
    """The shell commands of a page that ask the demo account."""
    text = "\n".join(text for name, kind, text in BLOCKS if name == page and kind in ("sh", "console"))
    lines = text.replace("\\\n", " ").splitlines()
    return [line.removeprefix("$ ") for line in lines if "--demo" in line and not line.startswith(("uvx", "docker"))]


IN_A_SHELL = re.compile(r"[$>|]| (?:exec|serve) ")
"""What of an example needs a shell, or runs a program."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", all_but("README.md", [page for page in TEXTS if demo_lines(page)]))
def test_every_example_on_the_demo_account_runs(
    page: str, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
    }
    for line in demo_lines(page):
        if IN_A_SHELL.search(line):
            done = subprocess.run(
                ["bash", "-c", line], env=environ, capture_output=True, text=True, timeout=120, check=False
            )
            code, said = done.returncode, done.stderr
        else:
            name, *words = shlex.split(line, comments=True)
            assert name == "iamtui"
            result = cli(*words)
            code, said = result.code, result.err
        assert code in (0, 1, 3), f"{line}\n{said}"
        assert "iamtui: " not in said, f"{line}\n{said}"


def test_every_command_is_mentioned() -> None:
    for name in ENTRIES:
        assert f"`iamtui {name}`" in TEXTS["docs/command-line.md"]


def test_the_readme_fits_two_screens() -> None:
    lines = TEXTS["README.md"].splitlines()
    assert len(lines) <= 100
    assert max(map(len, lines)) <= 120


def test_the_scenario_decides_as_it_expects() -> None:
    scenario = parse_scenario(json.loads(the_block("docs/ci.md", "json")))
    assert scenario.expect is not None
    assert scenario.expect.met_by(evaluate(scenario.request, scenario.policies, scenario.options).outcome)


def test_the_config_that_is_shown_has_no_problems(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(the_block("docs/configuration.md", "toml"))
    config, problems = load_config(file, {})
    assert problems == ()
    assert config.source.profile == "prod"


def test_every_setting_is_in_the_table_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([\w.]+)` \|([^|]*)\|", TEXTS["docs/configuration.md"], re.MULTILINE))
    assert list(rows) == [setting.name for setting in settings()]
    for setting in settings():
        if setting.default not in ("", {}):
            assert rows[setting.name].strip("` ").lower() == str(setting.default).lower()


def test_every_engine_option_is_in_the_table_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| (yes|no) \|$", TEXTS["docs/decisions.md"], re.MULTILINE))
    assert rows == {name: "yes" if getattr(DEFAULT_OPTIONS, name) else "no" for name in OPTION_NAMES}


def test_every_format_is_in_the_table_with_its_command() -> None:
    rows = dict(re.findall(r"^\| `([\w-]+)`[^|]* \| (.+) \|$", TEXTS["docs/sessions.md"], re.MULTILINE))
    shown = {name: rows[name].strip("`").replace("\\|", "|").partition(" -e ")[0] for name in rows if name in FORMATS}
    expected = {name: form.reference.format(role="ROLE").partition(" -e ")[0] for name, form in FORMATS.items()}
    assert shown == expected


def test_every_permission_is_in_the_table() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| [^|]+ \| [^|]+ \|$", TEXTS["docs/permissions.md"], re.MULTILINE)
    assert rows == [feature.name for feature in FEATURES]


def test_every_key_of_a_snapshot_is_in_the_table() -> None:
    rows = re.findall(r"^\| (`[\w`, ]+`) \| [^|]+ \|$", TEXTS["docs/snapshot-format.md"], re.MULTILINE)
    own = [field.name for field in msgspec.structs.fields(SnapshotShape) if field.name == field.encode_name]
    assert re.findall(r"\w+", " ".join(rows)) == own


@pytest.mark.parametrize(
    "picture",
    [(page, picture) for page, text in TEXTS.items() for picture in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)],
)
def test_pictures_are_there_small_and_load_nothing_from_the_web(picture: tuple[str, str]) -> None:
    page, target = picture
    text = ((ROOT / page).parent / target).read_text(encoding="utf-8")
    assert len(text) < 500_000
    assert "url(http" not in text
    assert "@import" not in text


@pytest.mark.parametrize("page", TEXTS)
def test_links_within_the_project_lead_somewhere(page: str) -> None:
    for target, anchor in re.findall(r"\]\((?!http)([^)#]*)#?([^)]*)\)", TEXTS[page]):
        file = (ROOT / page).parent / target if target else ROOT / page
        assert file.exists(), target
        if anchor:
            assert anchor in headings(file.read_text(encoding="utf-8")), f"{target}#{anchor}"


@pytest.mark.parametrize("page", [page for page in TEXTS if page.startswith("docs/")])
def test_the_index_of_the_documentation_leads_to_every_page(page: str) -> None:
    assert page == "docs/index.md" or f"]({page.removeprefix('docs/')})" in TEXTS["docs/index.md"]


def test_the_readme_leads_to_the_index() -> None:
    assert "](docs/index.md)" in TEXTS["README.md"]


def test_the_version_is_in_the_changelog() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert version is not None
    assert f"## [{version[1]}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_documentation_names_the_repository_of_the_project() -> None:
    repository = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Repository"]
    name = repository.removeprefix("https://github.com/")
    named = {page: re.findall(r"(?:github\.com/|uses: )([\w.-]+/iamtui)\b", text) for page, text in TEXTS.items()}
    assert named["docs/ci.md"]
    assert {one for names in named.values() for one in names} == {name}


def test_extras_are_installed_from_a_checkout() -> None:
    sources = {str(file): file.read_text(encoding="utf-8") for file in (ROOT / "iamtui").rglob("*.py")}
    assert [place for place, text in (TEXTS | sources).items() if "iamtui[" in text] == []
