from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding
from textual.command import CommandPalette
from textual.content import Content
from textual.widgets import Static

from iamtui.engine.decision import Decision
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.tui.app import named_bindings
from iamtui.tui.assume.dialog import AssumeDialog
from iamtui.tui.dialogs.help import JOB_OF, HelpScreen, help_sections
from iamtui.tui.dialogs.palette import ActionCommands
from iamtui.tui.dialogs.text_screens import TextScreen
from iamtui.tui.question.panel import QuestionPanel
from iamtui.tui.question.trace_screen import TraceScreen
from iamtui.tui.widgets.lists.wrapped_text import wrap, wrap_all
from iamtui.workspace.ask import questions as asking
from tests.support import panel_records as records
from tests.support import wording
from tests.support.panel_apps import PanelApp, ScreenApp, screen_text, settle, type_text, until
from tests.support.sample_account import iam
from tests.support.screen_app import make_app, opened, press
from tests.support.slow import one_quick

ASKED = Question("s3:GetObject", "arn:aws:s3:::data-lake/x")


@pytest.mark.parametrize("width", [10, 23, 40, 200])
def test_wrapping_keeps_every_word_and_fits(width: int) -> None:
    text = "    one two three 世界世界世界世界世界 " + "x" * 50 + " four"

    rows = wrap(Content(text), width)

    assert all(cell_len(row.plain) <= width for row in rows)
    assert "".join("".join(row.plain.split()) for row in rows) == "".join(text.split())
    assert all(row.plain.startswith("    ") for row in rows)


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("- one two three four", "  "),
        ("[x] one two three four", "    "),
        ("  [+] one two three four", "      "),
        ("Context  one two three four", "         "),
        ("One two three four five", ""),
        ("[one] two three four five", ""),
    ],
)
def test_what_is_wrapped_goes_on_behind_its_dash_mark_or_label(text: str, begins: str) -> None:
    _first, *others = (row.plain for row in wrap(Content(text), 18))
    assert others
    assert {row[: len(row) - len(row.lstrip())] for row in others} == {begins}


def test_wrapping_keeps_styles() -> None:
    row = Content.assemble("aaaa bbbb ", ("cccc dddd", "bold"))

    rows = wrap(row, 10)

    assert [piece.plain for piece in rows] == ["aaaa bbbb", "cccc dddd"]
    assert [str(span.style) for span in rows[1].spans] == ["bold"]


async def test_search_marks_counts_and_goes_round() -> None:
    rows = [Content(f"line {number}" + (" needle" if number % 40 == 0 else "")) for number in range(200)]
    app = ScreenApp(TextScreen(Content("Title"), rows))
    async with app.run_test(size=(60, 20)) as pilot:
        await settle(pilot)
        await pilot.press("slash")
        await type_text(pilot, "NEEDLE")
        await settle(pilot)
        assert "1 of 5" in screen_text(app)

        await pilot.press("enter", "n")
        await settle(pilot)
        assert "2 of 5" in screen_text(app)
        assert "line 40 needle" in screen_text(app)
        await pilot.press("N", "N")
        await settle(pilot)
        assert "5 of 5" in screen_text(app)
        assert "line 160 needle" in screen_text(app)

        await pilot.press("escape")
        assert app.returned == []
        await pilot.press("escape")
        await settle(pilot)
        assert app.returned == [None]


async def test_search_that_finds_nothing_says_so() -> None:
    app = ScreenApp(TextScreen(Content("Title"), [Content("abc")]))
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("slash")
        await type_text(pilot, "xyz")
        await settle(pilot)
        assert "no match; Esc ends" in screen_text(app)


async def test_the_text_wraps_anew_when_the_window_changes() -> None:
    app = ScreenApp(TextScreen(Content("Title"), [Content("word " * 30)]))
    async with app.run_test(size=(60, 20)) as pilot:
        await settle(pilot)
        narrow = screen_text(app).count("word ")
        lines = [row for row in screen_text(app).split("\n") if "word" in row]
        assert len(lines) == 3
        await pilot.resize_terminal(120, 20)
        await settle(pilot)
        assert len([row for row in screen_text(app).split("\n") if "word" in row]) == 2
        assert screen_text(app).count("word ") == narrow


async def test_the_trace_screen_shows_every_statement_that_was_looked_at() -> None:
    workspace = records.small_workspace()
    principal = records.role_principal()
    decision = asking.ask(workspace, principal, ASKED)
    app = ScreenApp(TraceScreen(workspace, decision, principal, ASKED, "role/deploy-prod"))
    async with app.run_test(size=(120, 100)) as pilot:
        await settle(pilot)
        text = screen_text(app)
        assert wording.ALLOWED in text
        assert "Allow matches  data-lake-read / ReadLake (lines 4-15)" in text
        assert "did not match: action" in text
        assert "may call s3:GetObject" in text


async def test_a_denial_comes_with_what_would_allow_it() -> None:
    workspace = records.small_workspace()
    principal = records.user_principal("bob")
    decision = asking.ask(workspace, principal, ASKED)
    app = ScreenApp(TraceScreen(workspace, decision, principal, ASKED, "user/bob"))
    async with app.run_test(size=(120, 60)) as pilot:
        await settle(pilot)
        text = screen_text(app)
        assert wording.IMPLICIT_DENY in text
        assert "The smallest change that would allow it" in text
        assert '"Action": "s3:GetObject"' in text


async def test_a_trace_that_cannot_be_made_leaves_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object) -> Decision:
        raise ValueError("data")

    monkeypatch.setattr(asking, "ask_and_trace", fail)
    screen = TraceScreen(records.small_workspace(), records.allowed(), records.role_principal(), ASKED, "role/x")
    app = ScreenApp(screen)
    async with app.run_test(size=(120, 60)) as pilot:
        await until(pilot, lambda: "an error in iamtui" in screen_text(app))
        text = screen_text(app)
        assert wording.ALLOWED in text
        assert "ValueError, an error in iamtui" in text


async def test_a_trace_with_a_problem_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> Decision:
        raise Problem("The account changed.", "Ask again.")

    monkeypatch.setattr(asking, "ask_and_trace", refuse)
    screen = TraceScreen(records.small_workspace(), records.allowed(), records.role_principal(), ASKED, "role/x")
    app = ScreenApp(screen)
    async with app.run_test(size=(120, 60)) as pilot:
        await settle(pilot)
        assert "The account changed. Ask again." in screen_text(app)


# Help and commands, both from the live bindings


def panel_app() -> PanelApp:
    return PanelApp(QuestionPanel(catalogue=records.FewActions()))


async def test_the_help_lists_the_keys_that_work_by_what_they_are_for() -> None:
    app = panel_app()
    async with app.run_test(size=(80, 24)) as pilot:
        app.query_one("#question-layers").focus()
        await settle(pilot)
        app.set_keymap({"question.ask": "ctrl+r"})
        sections = help_sections(app.screen)

        assert sections["Ask"]["Ask: go to the action field"] == "^r"
        assert sections["Move"]["Move to the next line"] == "j ↓"
        words = [words for keys in sections.values() for words in keys]
        assert len(words) == len(set(words)), "each once"
        listed = {*words}
        for binding in QuestionPanel.BINDINGS:
            assert isinstance(binding, Binding)
            assert (binding.tooltip or binding.description) in listed, binding.id


def test_the_jobs_of_the_help_name_bindings_that_there_are() -> None:
    names = {name for name, _key, _words in named_bindings()}
    rooms = {name.partition(".")[0] for name in names}
    assert {*JOB_OF} - names - rooms == set()


async def test_no_key_of_the_main_screen_is_left_without_a_job() -> None:
    async with opened() as pilot:
        sections = help_sections(pilot.app.screen)
        assert list(sections) == ["Move", "Find", "Ask", "Fix", "Assume", "Hand over", "Go", "Window"]
        assert sections["Move"]["Next pane or field; ? there shows the keys of that"] == "tab"


@pytest.mark.slow
async def test_the_help_screen_explains_the_marks() -> None:
    app = panel_app()
    async with app.run_test(size=(100, 120)) as pilot:
        await settle(pilot)
        app.push_screen(HelpScreen(app.screen))
        await settle(pilot)
        text = screen_text(app)
        for words in (
            wording.ALLOWED,
            wording.EXPLICIT_DENY,
            wording.IMPLICIT_DENY,
            wording.DEPENDS,
            "*  behind a verdict",
        ):
            assert words in text
        await pilot.press("question_mark")
        await settle(pilot)
        assert not isinstance(app.screen, HelpScreen)


class PaletteApp(PanelApp):
    """The panel with a palette of actions."""

    ENABLE_COMMAND_PALETTE = True
    COMMANDS = {ActionCommands}  # noqa: RUF012 - declared so by the base class

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield Static("end")


async def test_the_palette_runs_the_action_a_key_does() -> None:
    app = PaletteApp(QuestionPanel(catalogue=records.FewActions()))
    async with app.run_test(size=(100, 40)) as pilot:
        app.query_one("#question-layers").focus()
        await settle(pilot)
        app.action_command_palette()
        await settle(pilot)
        assert isinstance(app.screen, CommandPalette)
        await until(pilot, lambda: "Ask  (f5)" in screen_text(app))

        await type_text(pilot, "ask")
        await until(pilot, lambda: "Why  (f7)" not in screen_text(app) and "Ask  (f5)" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, CommandPalette))
        await until(pilot, lambda: app.focused is app.query_one("#question-action"))


@pytest.mark.slow
async def test_the_palette_shows_keys_that_could_be_read_as_markup() -> None:
    app = make_app()
    async with app.run_test(size=(120, 60)) as pilot:
        await settle(pilot)
        app.action_command_palette()
        await until(pilot, lambda: "Back  ([)" in screen_text(app))
        await type_text(pilot, "forward")
        await until(pilot, lambda: "Forward  (])" in screen_text(app))

        await pilot.press(*["backspace"] * len("forward"))
        await type_text(pilot, "back")
        await until(pilot, lambda: "Forward  (])" not in screen_text(app) and "Back  ([)" in screen_text(app))


def test_what_is_cut_off_fills_its_last_line_also_with_part_of_a_long_word() -> None:
    row = Content("denied by policy of arn:aws:s3:::a-bucket-with-a-long-name / NoWrites")
    assert [piece.plain for piece in wrap_all([row], 34, 1)] == ["denied by policy of arn:aws:s3:::…"]
    assert [piece.plain for piece in wrap_all([row, row], 70, 1)] == [f"{row.plain}…"]


@one_quick(("place", "title"), [("roles:", "Roles"), ("overview:", "An account"), ("users:", "Users")])
async def test_help_on_a_branch_has_a_page_about_what_its_things_are(place: str, title: str) -> None:
    async with opened() as pilot:
        pilot.app.main.go_to(place)  # type: ignore[attr-defined]
        await settle(pilot)
        await press(pilot, "question_mark", "2")
        shown = screen_text(pilot.app)
        assert shown.splitlines()[1].strip() == title
        assert "In this account" in shown


@pytest.mark.slow
async def test_help_opens_from_a_field_of_a_dialog_and_says_what_the_dialog_is_for() -> None:
    async with opened() as pilot:
        main = pilot.app.main  # type: ignore[attr-defined]
        main.go_to(iam("role/deploy-prod"))
        main.explorer.tree_view.focus()
        await press(pilot, "a")
        dialog = pilot.app.screen
        assert isinstance(dialog, AssumeDialog)
        await press(pilot, "f1")
        assert isinstance(pilot.app.screen, HelpScreen)
        assert "temporary credentials" in screen_text(pilot.app)
        await press(pilot, "escape")
        assert pilot.app.screen is dialog


async def test_a_locked_screen_shows_no_help() -> None:
    async with opened() as pilot:
        await press(pilot, "f12")
        locked = pilot.app.screen
        await press(pilot, "f1")
        assert pilot.app.screen is locked


@pytest.mark.slow
async def test_the_help_has_two_columns_from_120_on_the_marks_first_and_words_under_words() -> None:
    app = make_app()
    async with opened(app, size=(120, 40)) as pilot:
        await press(pilot, "question_mark")
        rows = screen_text(app).split("\n")
        first = next(row for row in rows if row.startswith(" Verdicts"))
        assert first.split() == ["Verdicts", "Beside", "users", "and", "roles"]
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        rows = screen_text(app).split("\n")
        first = next(row for row in rows if row.startswith(" Verdicts"))
        assert "Beside" not in first
        await press(pilot, "pagedown")
        keys = [row for row in screen_text(app).split("\n") if row.startswith("   ") and row.strip()]
        assert all(row[3] != " " or row.startswith(" " * 22) for row in keys if len(row) > 3)
        await press(pilot, "slash")
        await type_text(pilot, "bookmark")
        await press(pilot, "enter")
        assert "bookmark" in screen_text(app)
