"""What a principal used, in the Access tab: a trail is read in a thread, told of meanwhile, and can be stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from iamtui.presentation.styled_words import text_of
from iamtui.sources.demo import load_demo_account
from iamtui.tui.dialogs.dialogs import LineDialog
from iamtui.tui.explorer.detail_pane import DetailPane
from iamtui.tui.reports.report_screen import ReportScreen
from iamtui.tui.widgets.status import MessageLine
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.cli.test_used import ROLE, event, trail
from tests.support.panel_apps import until
from tests.support.screen_app import make_app, press, settle
from tests.tui.test_access_and_trust_tabs import demo, go_to


async def open_trail(pilot: Pilot[None], detail: DetailPane, path: str) -> None:
    to_row(detail)
    await press(pilot, "enter")
    dialog = pilot.app.screen
    assert isinstance(dialog, LineDialog)
    dialog.query_one(Input).value = path
    await pilot.press("enter")


def to_row(detail: DetailPane, label: str = "trail") -> None:
    detail.facts.focus()
    detail.facts.move_to([row.label for row in detail.facts.rows].index(label))


def shown(detail: DetailPane) -> str:
    return "\n".join(f"{row.label} {row.value} {row.note}" for row in detail.facts.rows)


async def test_used_stands_beside_granted_when_a_trail_was_read(tmp_path: Path) -> None:
    path = trail(tmp_path, event("glue", "Other"))
    app = make_app(demo())
    async with app.run_test(size=(120, 40)) as pilot:
        detail = await go_to(pilot, ROLE, "access")
        labels = [row.label for row in detail.facts.rows]
        assert labels[:2] == ["What it used", "trail"], "seen before the services, however many"
        to_row(detail)
        await press(pilot, "j")
        assert detail.facts.cursor == labels.index("Service") + 1, "the names of the columns are passed over"
        await open_trail(pilot, detail, path)
        await until(pilot, lambda: "events" in shown(detail))
        await settle(pilot)
        assert "used 3 actions used in 15 events, 24d ago; " in shown(detail), "a time as elsewhere"
        assert next(row.note for row in detail.facts.rows if row.label == "s3") == "used 2 of 4"
        used_behind = [row.value for row in detail.facts.rows if row.note.startswith("used")]
        assert len(set(map(len, used_behind))) == 1, "what was used stands in a column"
        assert "[!] Not complete: 1 event could not be mapped to an action" in shown(detail)

        to_row(detail, "used")
        await press(pilot, "enter")
        screen = app.screen
        assert isinstance(screen, ReportScreen)
        rows = {row.name: row for row in screen.list.shown}
        assert rows["s3:GetObject"].kind == "used"
        assert rows["s3:GetObject"].text == "12 times, 24d ago"
        assert "2026-11-01T10:00:00Z" in text_of(rows["s3:GetObject"].details[0]), "exact below the list"
        for at, row in enumerate(screen.list.shown):
            if len(row.name) + len(row.text) < 80 - len("[!] not granted") - 6:
                assert row.name in "".join(piece.text for piece in screen.list.pieces(at, 80)), "a name has its room"
        kinds = [row.kind for row in screen.list.shown]
        assert kinds == sorted(kinds, key=["used", "not granted", "not used", "not recorded"].index)
        assert rows["s3:PutObject"].kind == "not used"
        assert rows["athena:StartQueryExecution"].kind == "not granted"
        await press(pilot, "escape")

        # The trail stays read for the next principal.
        detail = await go_to(pilot, ROLE.replace("data-engineer", "analytics-lake-reader"), "access")
        assert "used no event of it among 16" in shown(detail)


@pytest.mark.slow
async def test_on_the_demo_its_own_trail_is_filled_in() -> None:
    app = make_app(Workspace(load_demo_account(), SourceInfo(SourceKind.DEMO, "DEMO", region="eu-west-1")))
    async with app.run_test(size=(120, 40)) as pilot:
        detail = await go_to(pilot, ROLE, "access")
        to_row(detail)
        await press(pilot, "enter")
        assert app.screen.query_one("#line-hint").size.height == 2, "what is expected is wrapped, not cut"
        await pilot.press("enter")
        await until(pilot, lambda: "used 2 actions used in 62 events" in shown(detail))


@pytest.mark.slow
async def test_a_trail_that_cannot_be_read_is_said_and_another_can_be_named(tmp_path: Path) -> None:
    app = make_app(demo())
    async with app.run_test(size=(120, 40)) as pilot:
        detail = await go_to(pilot, ROLE, "access")
        await open_trail(pilot, detail, str(tmp_path / "missing.json"))
        await settle(pilot)
        assert "Enter reads CloudTrail's events" in shown(detail)
        assert "missing.json" in str(app.query_one(MessageLine).words)


async def test_reading_a_trail_is_told_of_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # It tells once how far it has come, and then goes on until nobody wants it any more.
    ended = Event()
    monkeypatch.setattr("iamtui.tui.explorer.used_section._TELL_SECONDS", 0)

    def reading(_path: str, told: Callable[[int, int], bool]) -> None:
        stop = told(1, 2_000)
        monkeypatch.setattr("iamtui.tui.explorer.used_section._TELL_SECONDS", float("inf"))
        while not stop:
            ended.wait(0.01)
            stop = told(1, 2_000)
        ended.set()

    monkeypatch.setattr("iamtui.tui.explorer.used_section.read_until", reading)
    app = make_app(demo())
    async with app.run_test(size=(120, 40)) as pilot:
        detail = await go_to(pilot, ROLE, "access")
        await open_trail(pilot, detail, trail(tmp_path))
        await until(pilot, lambda: "reading … 1 file, 2,000 events; Enter stops" in shown(detail))
        to_row(detail)
        await pilot.press("enter")
        await until(pilot, ended.is_set)
        await settle(pilot)
        assert "Enter reads CloudTrail's events" in shown(detail)


@pytest.mark.slow
async def test_standard_input_is_not_a_trail_on_the_screen(tmp_path: Path) -> None:
    app = make_app(demo())
    async with app.run_test(size=(120, 40)) as pilot:
        detail = await go_to(pilot, ROLE, "access")
        await open_trail(pilot, detail, "-")
        assert isinstance(app.screen, LineDialog)


@pytest.mark.slow
def test_the_access_tab_with_what_was_used(snap_compare: Callable[..., bool], tmp_path: Path) -> None:
    path = trail(tmp_path, event("glue", "Other"))

    async def run(pilot: Pilot[None]) -> None:
        detail = await go_to(pilot, ROLE, "access")
        await open_trail(pilot, detail, path)
        await until(pilot, lambda: "events" in shown(detail))
        await press(pilot, "z")
        # That it is zoomed is said for some seconds only.
        pilot.app.screen.query_one(MessageLine).clear()
        await settle(pilot)

    assert snap_compare(make_app(demo()), terminal_size=(120, 40), run_before=run)
