"""What every test of the screen needs: a clock that stands still, and nothing of the user's own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from textual.css.model import RuleSet
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.screen import Screen

from iamtui.tui import clock, themes
from iamtui.workspace.ask import saved_questions
from tests.support.sample_account import NOW
from tests.support.settling import handled, handled_and_painted, painted_at_rest, screen_at_rest
from tests.support.shared_handlers import found_once
from tests.support.shared_styles import applied_once, parsed_once, theme_read_once

HERE = Path(__file__).parent
SNAPSHOT_PYTHON = (3, 11)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark every test here; snapshots are made and compared on one Python only: others may draw in other bytes."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.screen)
    if sys.version_info[:2] == SNAPSHOT_PYTHON:
        return
    wanted = ".".join(map(str, SNAPSHOT_PYTHON))
    if config.getoption("update_snapshots", default=False):
        raise pytest.UsageError(f"Snapshots are updated on Python {wanted} only.")
    skip = pytest.mark.skip(reason=f"snapshots are compared on Python {wanted}")
    for item in items:
        if "snap_compare" in getattr(item, "fixturenames", ()):
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch, no_aws_settings: Path) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr("textual.app.wait_for_idle", handled)
    monkeypatch.setattr("textual.pilot.wait_for_idle", handled_and_painted)
    monkeypatch.setattr(Pilot, "_wait_for_screen", screen_at_rest)
    monkeypatch.setattr(Screen, "_compositor_refresh", painted_at_rest)
    # However long a test lasts, the app does not take over the collector, nor keep the place before it ends.
    monkeypatch.setattr("iamtui.tui.background.STARTED_SECONDS", 1_000_000)
    monkeypatch.setattr("iamtui.tui.main.screen_state.LOOK_SECONDS", 1_000_000)
    monkeypatch.setattr("textual.css.stylesheet.Stylesheet._parse_rules", parsed_once)
    monkeypatch.setattr("textual.css.stylesheet.Stylesheet.apply", applied_once)
    monkeypatch.setattr(MessagePump, "_get_dispatch_methods", found_once)
    # A rule is hashed by its identity, half a million times in ten starts: here without a call of Python for each.
    monkeypatch.setattr(RuleSet, "__hash__", object.__hash__)
    monkeypatch.setattr(themes, "read_theme", theme_read_once)
    monkeypatch.setattr(themes, "user_themes", lambda: no_aws_settings / "no-themes")
    monkeypatch.setattr(saved_questions, "data_folder", lambda: no_aws_settings / "data")
    monkeypatch.setenv("XDG_DATA_HOME", str(no_aws_settings / "data-home"))
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.delenv("NO_COLOR", raising=False)
