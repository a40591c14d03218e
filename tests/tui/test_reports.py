"""Findings and escalation paths on the screen: filter, kinds, ways to the tree and to the question, and back."""

from __future__ import annotations

import csv
import io
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from iamtui.drafts.draft import Edit
from iamtui.presentation.findings import JudgedFinding
from iamtui.presentation.listing import Report
from iamtui.presentation.reports import ReportRow, lines_report
from iamtui.presentation.styled_words import Word
from iamtui.problem import Problem
from iamtui.sources.demo import load_demo_account
from iamtui.sources.snapshot import read_snapshot
from iamtui.tui.app import IamtuiApp
from iamtui.tui.drafts.editor_screen import DraftEditorScreen
from iamtui.tui.file_exports import ExportScreen
from iamtui.tui.reports import report_screen
from iamtui.tui.reports.report_screen import ReportScreen, findings
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.evil_account import evil_account
from tests.support.hostile_text import assert_clean
from tests.support.open_account import FINDINGS, MENDED, open_snapshot
from tests.support.panel_apps import ScreenApp, screen_text, settle, type_text, until
from tests.support.panel_records import small_workspace
from tests.support.screen_app import make_app
from tests.support.screen_app import press as press_in_app
from tests.support.screen_app import settle as settle_app
from tests.support.slow import SIZES
from tests.support.snapshot_builder import write

SIZE = (120, 40)


def demo() -> Workspace:
    return Workspace(load_demo_account(), SourceInfo(SourceKind.SNAPSHOT, "puffin.json", region="eu-west-1"))


async def move_to_a_statement(screen: ReportScreen, pilot: Pilot[Any]) -> JudgedFinding:
    """Move to a finding in a statement of a policy."""
    targets = [screen._report and screen._report.listing.target(row) for row in screen.list.shown]
    at = next(i for i, target in enumerate(targets) if target and target.place and target.place.policy)
    screen.list.move_to(at)
    await settle(pilot)
    found: JudgedFinding = screen.list.shown[at]
    return found


def report_on(screen: object) -> ReportScreen:
    assert isinstance(screen, ReportScreen)
    return screen


async def test_findings_are_narrowed_by_severity_and_by_text() -> None:
    screen = ReportScreen(demo(), "Findings", findings)
    async with ScreenApp(screen).run_test(size=SIZE) as pilot:
        await settle(pilot)
        everything = len(screen.list.shown)
        keys = pilot.app.screen.active_bindings
        assert ("4" in keys, "5" in keys) == (True, False), "all, high, medium and low"
        await pilot.press("2")
        await settle(pilot)
        assert {row.kind for row in screen.list.shown} == {"high"}
        await pilot.press("l")
        await settle(pilot)
        assert {row.kind for row in screen.list.shown} == {"medium"}
        await pilot.press("1", "slash")
        await type_text(pilot, "mfa")
        await settle(pilot)
        assert 0 < len(screen.list.shown) < everything
        await pilot.press("escape")
        await settle(pilot)
        assert len(screen.list.shown) == everything


@pytest.mark.slow
async def test_enter_on_a_finding_shows_the_fact_that_it_is_about() -> None:
    """Whatever tab was looked at before."""
    app = make_app(demo())
    async with app.run_test(size=SIZE) as pilot:
        await settle_app(pilot)
        app.main.go_to("arn:aws:iam::111122223333:role/deploy-prod")
        await press_in_app(pilot, "3")
        for code, label in (("access-key-old", "Access keys"), ("role-unused", "Last used"), ("console-w", "MFA")):
            await press_in_app(pilot, "g", "f")
            screen = report_on(app.screen)
            at = next(i for i, row in enumerate(screen.list.shown) if row.finding.code.startswith(code))
            screen.list.move_to(at)
            await press_in_app(pilot, "enter")
            facts = app.main.subject.detail.facts
            assert facts.display
            assert facts.row is not None
            assert facts.row.label == label


@pytest.mark.slow
async def test_enter_on_a_finding_in_a_policy_shows_its_statement_and_back_shows_the_finding() -> None:
    app = make_app(demo())
    async with app.run_test(size=SIZE) as pilot:
        await settle_app(pilot)
        await press_in_app(pilot, "g", "f")
        screen = report_on(app.screen)
        row = await move_to_a_statement(screen, pilot)
        await press_in_app(pilot, "enter")
        assert app.screen is app.main
        assert app.main.subject.detail.entity is not None
        assert app.main.subject.detail.entity.arn == row.finding.subject
        assert app.main.subject.detail.active_tab == "policies"

        await press_in_app(pilot, "left_square_bracket")
        again = report_on(app.screen)
        assert again.list.row is row
        # And Enter goes there once more.
        await press_in_app(pilot, "enter")
        assert app.screen is app.main
        assert app.main.subject.detail.active_tab == "policies"


async def test_a_list_is_exported_as_it_is_shown() -> None:
    app = make_app(demo())
    async with app.run_test(size=SIZE) as pilot:
        await settle_app(pilot)
        await press_in_app(pilot, "g", "f", "2")
        rows = report_on(app.screen).list.shown
        await press_in_app(pilot, "x", "enter")
        export = app.screen
        assert isinstance(export, ExportScreen)
        [columns, *lines] = csv.reader(io.StringIO(export.text))
        assert columns == ["severity", "subject", "message", "fix", "code", "cis", "suppressed", "complete"]
        assert [line[:2] for line in lines] == [[row.finding.severity, row.finding.subject] for row in rows]
        assert len(lines) == len(rows) > 0


async def test_a_key_drafts_what_mends_a_finding() -> None:
    app = make_app(demo())
    async with app.run_test(size=SIZE) as pilot:
        await settle_app(pilot)
        await press_in_app(pilot, "g", "f")
        screen = report_on(app.screen)
        at = next(i for i, row in enumerate(screen.list.shown) if row.finding.code == "inline-policy")
        row = screen.list.shown[at]
        screen.list.move_to(at)
        await settle_app(pilot)
        assert "A, in a draft: makes them managed policies with the same documents." in screen_text(app)
        await press_in_app(pilot, "f")
        await until(pilot, lambda: app.main.drafts.drafted is not None)
        assert app.main.drafts.drafted is not None
        assert not app.main.drafts.drafted.problems
        assert getattr(app.main.subject.node, "arn", "") == row.finding.subject
        await press_in_app(pilot, "g", "f")
        screen = report_on(app.screen)
        assert row not in screen.list.shown


@pytest.mark.slow
async def test_findings_that_the_demo_does_not_have(tmp_path: Path) -> None:
    """Each is shown and becomes a draft that mends it, or is edited at its place where none can."""
    app = make_app(small_workspace().with_account(read_snapshot(write(tmp_path, open_snapshot()))))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle_app(pilot)
        for code, arn in FINDINGS.items():
            await press_in_app(pilot, "g", "f")
            screen = report_on(app.screen)
            at = next(i for i, row in enumerate(screen.list.shown) if row.finding.code == code)
            assert screen.list.shown[at].finding.subject == arn
            screen.list.move_to(at)
            await settle_app(pilot)
            if code not in MENDED:
                await press_in_app(pilot, "f")
                assert isinstance(app.screen, DraftEditorScreen)
                await press_in_app(pilot, "escape")
                continue
            assert f"A, in a draft: {MENDED[code]}" in " ".join(screen_text(app).split())
            await press_in_app(pilot, "f")
            await until(pilot, lambda: app.main.drafts.drafted is not None)
            drafted = app.main.drafts.drafted
            assert drafted is not None
            assert not drafted.problems
            await press_in_app(pilot, "g", "f")
            left = [row.finding for row in report_on(app.screen).list.shown]
            assert (code, arn) not in [(one.code, one.subject) for one in left]
            await press_in_app(pilot, "q")


@pytest.mark.slow
async def test_where_no_edit_is_known_the_statement_is_edited() -> None:
    app = make_app(demo())
    async with app.run_test(size=SIZE) as pilot:
        await settle_app(pilot)
        await press_in_app(pilot, "g", "f")
        screen = report_on(app.screen)
        await move_to_a_statement(screen, pilot)
        await press_in_app(pilot, "f")
        assert isinstance(app.screen, DraftEditorScreen)


async def test_suppressed_findings_stand_aside_with_their_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".iamtui-audit.toml").write_text(
        '[[suppress]]\ncode = "console-without-mfa"\nreason = "sign-in goes through the identity center"\n'
    )
    app = make_app(demo())
    async with app.run_test(size=SIZE) as pilot:
        await settle_app(pilot)
        await press_in_app(pilot, "g", "f")
        screen = report_on(app.screen)
        assert not any(row.kind == "suppressed" for row in screen.list.shown)
        await press_in_app(pilot, "5")
        assert {row.kind for row in screen.list.shown} == {"suppressed"}
        assert "Accepted because: sign-in goes through the identity center" in screen_text(app)


@pytest.mark.slow
async def test_enter_on_a_step_asks_its_question() -> None:
    app = make_app(demo())
    async with app.run_test(size=SIZE) as pilot:
        await settle_app(pilot)
        await press_in_app(pilot, "g", "e")
        screen = report_on(app.screen)
        first, step = screen.list.shown[:2]
        assert screen.list.outer[0] is first
        _move, asked_step = step.step
        await press_in_app(pilot, "j", "enter")
        assert app.screen is app.main
        assert app.main.subject.detail.entity is not None
        assert app.main.subject.detail.entity.arn == first.arn
        asked = app.main.question.question
        assert asked is not None
        assert (asked.action, asked.resource) == (asked_step.action, asked_step.resource)
        assert app.main.question.answer is not None
        assert app.main.question.answer.outcome.value == "allowed"


@pytest.mark.slow
async def test_columns_of_findings_are_chosen_and_kept() -> None:
    app = make_app(demo())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle_app(pilot)
        await press_in_app(pilot, "g", "f")
        await until(pilot, lambda: report_on(app.screen).done)
        finding = report_on(app.screen).list.shown[0].finding
        name = app.main.workspace.short_name(finding.subject) if app.main.workspace else ""

        def first_line() -> str:
            rows = report_on(app.screen_stack[-1]).list
            return "".join(piece.text for piece in rows.pieces(0, 200))

        assert name in first_line()
        assert finding.code not in first_line()
        await press_in_app(pilot, "v", "j", "space", "j", "j", "j", "space", "escape")
        assert name not in first_line()
        assert first_line().startswith("!!! high")
        assert finding.message in first_line()
        assert f"[{finding.code[:8]}" in first_line(), "a column that is not one of the usual"
        await press_in_app(pilot, "q", "g", "f")
        await until(pilot, lambda: report_on(app.screen).done)
        assert name not in first_line()
        await press_in_app(pilot, "v", "u", "escape")
        assert name in first_line()


async def test_columns_that_an_earlier_version_remembered_leave_the_usual_ones() -> None:
    screen = ReportScreen(demo(), "Findings", report_screen.REPORTS["findings"])
    async with ScreenApp(screen).run_test(size=SIZE) as pilot:
        await settle(pilot)
        usual = screen.list.shown_columns
        screen.list.show_columns(("mark", "name"))
        assert screen.list.shown_columns == usual != []


async def test_rows_are_sorted_by_a_column_and_steps_stay_with_their_path() -> None:
    screen = ReportScreen(demo(), "Escalations", report_screen.REPORTS["escalations"])
    async with ScreenApp(screen).run_test(size=SIZE) as pilot:
        await settle(pilot)
        found, first = screen.list.outer, screen.list.row
        await pilot.press("greater_than_sign", "greater_than_sign")
        await settle(pilot)
        assert screen.list.outer == sorted(found, key=lambda row: row.arn.lower())
        assert screen.list.row == first, "the cursor stays on its row"
        assert "principal ↑" in screen_text(pilot.app)
        await pilot.press("o")
        await settle(pilot)
        assert screen.list.outer == sorted(found, key=lambda row: row.arn.lower(), reverse=True)
        path, step = screen.list.shown[:2]
        assert (path.step, step.path) == (None, path.path)


async def test_leaving_cancels_what_is_being_looked_for() -> None:
    ended = threading.Event()

    def endless(_workspace: Workspace, cancelled: Callable[[], bool]) -> Report[Any]:
        while not cancelled():
            time.sleep(0.01)  # else the test waits for it as for one that works
        ended.set()
        return lines_report("Findings")

    screen = ReportScreen(small_workspace(), "Findings", endless)
    app = ScreenApp(screen)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "looking" in screen_text(app))
        await pilot.press("q")
        await until(pilot, ended.is_set)
        assert app.returned == [None]


async def test_what_fails_is_said_in_a_sentence() -> None:
    def refuse(_workspace: Workspace, _cancelled: Callable[[], bool]) -> Report[Any]:
        raise Problem("It cannot be read.", "Try another account.")

    def fail(_workspace: Workspace, _cancelled: Callable[[], bool]) -> Report[Any]:
        raise ValueError("AKIA")

    for load, words in ((refuse, "It cannot be read."), (fail, "ValueError, an error in iamtui")):
        app = ScreenApp(ReportScreen(small_workspace(), "Findings", load))
        async with app.run_test(size=SIZE) as pilot:
            await settle(pilot)
            assert words in screen_text(app)


@pytest.mark.slow
async def test_a_step_of_an_escalation_is_mended_in_the_statement_that_grants_it() -> None:
    app = make_app(demo())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle_app(pilot)
        await press_in_app(pilot, "g", "e")
        screen = report_on(app.screen)
        assert "Closed without policy/engineering/release-tools" in screen_text(app)
        await press_in_app(pilot, "j")
        assert "by release-tools" in screen_text(app)
        assert "f Draft a fix" in screen_text(app)
        await press_in_app(pilot, "f")
        editor = app.screen
        assert isinstance(editor, DraftEditorScreen)
        row, _column = editor.editor.cursor_location
        assert '"Sid": "MaintainPolicies"' in editor.editor.document.get_line(row + 1)
        assert '"Sid": "MaintainPolicies"' in screen_text(app)
        await press_in_app(pilot, "escape", "left_square_bracket")
        screen = report_on(app.screen)
        row_there = screen.list.row
        assert row_there is not None
        _move, step = row_there.step
        assert step.action == "iam:CreatePolicyVersion", "the way back leads to the step"


@pytest.mark.parametrize("name", [*report_screen.REPORTS])
async def test_hostile_names_are_shown_harmless(name: str) -> None:
    workspace = small_workspace().with_account(evil_account())
    app = ScreenApp(ReportScreen(workspace, name.capitalize(), report_screen.REPORTS[name]))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert_clean(app)


@pytest.mark.parametrize(("name", "size"), [("findings", "narrow"), ("escalations", "medium")])
def test_a_report(snap_compare: Callable[..., bool], size: str, name: str) -> None:
    screen = ReportScreen(demo(), name.capitalize(), report_screen.REPORTS[name])
    assert snap_compare(ScreenApp(screen), terminal_size=SIZES[size], run_before=settle)


@pytest.mark.slow
@pytest.mark.parametrize(("many", "room"), [(20, 3), (4, 7), (0, 11)])
async def test_notes_that_have_no_room_end_with_an_ellipsis(many: int, room: int) -> None:
    long = " ".join(f"word-{number}" for number in range(200))
    rows = [ReportRow(Word("!"), f"user/u{number}", "text", "high") for number in range(many)]
    report = lines_report("Findings", rows, (), (long,), "The audit finds nothing.")
    app = ScreenApp(ReportScreen(small_workspace(), "Findings", lambda *_: report))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "word-0" in screen_text(app))
        shown = [line for line in screen_text(app).splitlines() if "word-" in line]
        assert len(shown) == room
        assert shown[-1].rstrip().endswith("…")
        await pilot.resize_terminal(120, 40)
        # A tall window has more room.
        await until(pilot, lambda: sum("word-" in line for line in screen_text(app).splitlines()) > room)


@pytest.mark.slow
async def test_a_name_gives_up_its_path_where_there_is_no_room_for_it() -> None:
    app = make_app(demo())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle_app(pilot)
        await press_in_app(pilot, "g", "e")
        assert "user/…/clara.moreau " in screen_text(app)
        assert "iam:UpdateAssumeRolePolicy " in screen_text(app)
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: "user/engineering/clara.moreau " in screen_text(app))


def edits_of(app: IamtuiApp) -> tuple[Edit, ...]:
    return app.main.drafts.drafted.draft.edits if app.main.drafts.drafted is not None else ()


@pytest.mark.timeout(600)
@pytest.mark.slow
async def test_findings_about_unused_principals_and_keys_become_drafts() -> None:
    app = make_app(demo())
    async with app.run_test(size=SIZE) as pilot:
        await settle_app(pilot)
        app.main.question.ask("s3:GetObject")
        await settle_app(pilot)
        for code, words in (
            ("service-account", "Create role/"),
            ("user-unused", "Delete "),
            ("role-unused", "Delete "),
            ("access-key-unused", "Delete the access key"),
        ):
            await press_in_app(pilot, "g", "f")
            screen = report_on(app.screen)
            await settle_app(pilot)
            at = next(i for i, row in enumerate(screen.list.shown) if row.finding.code == code)
            screen.list.move_to(at)
            await settle_app(pilot)
            await press_in_app(pilot, "f")
            await until(pilot, lambda: edits_of(app) != ())
            drafted = app.main.drafts.drafted
            assert drafted is not None, code
            assert not drafted.problems, code
            await settle_app(pilot)
            await press_in_app(pilot, "g", "d")
            await until(pilot, lambda: "DRAFT (" in screen_text(app).splitlines()[0])
            assert words in screen_text(app), code
            await press_in_app(pilot, *["u"] * len(drafted.draft.edits), "q")
            await settle_app(pilot)
            assert app.screen is app.main, code
            assert edits_of(app) == (), code
