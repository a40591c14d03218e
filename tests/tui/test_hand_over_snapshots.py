"""The dialogs that hand a session over, as they look at the three sizes, and with hostile text in the session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from iamtui.credentials.session import Session
from iamtui.tui.content import line
from iamtui.tui.dialogs.list_dialogs import MenuDialog
from iamtui.tui.sessions.export_dialog import ExportDialog, copy_items
from iamtui.workspace.source.reference_commands import Provenance, format_reference, references
from iamtui.workspace.source.workspace import SourceInfo, SourceKind
from tests.support.hostile_text import assert_clean
from tests.support.panel_apps import ScreenApp, settle
from tests.support.panel_sessions import session
from tests.support.slow import EACH_SIZE, SIZES, one_quick

HOSTILE = ("[/oops]", "[red]x[/] [@click=app.quit]y[/]", "\x1b]52;c;cHduZWQ=\x07", "a\nb\u202e\u200b", "\x9b1m")
SnapCompare = Callable[..., bool]
LIVE = Provenance(SourceInfo(SourceKind.LIVE, "prod", region="eu-west-1", profile="prod"))
TITLE = line("Copy of ", ("deploy-prod", "bold"), "  123456789012  59m 30s")


def held(**more: object) -> Session:
    return session(region="eu-west-1", source_arn="arn:aws:iam::123456789012:user/iamtui-alice", **more)


def copy_menu(one: Session, provenance: Provenance = LIVE) -> ScreenApp:
    return ScreenApp(MenuDialog(TITLE, copy_items(one, references(one, provenance, "fish"), "fish")))


def export(one: Session, provenance: Provenance = LIVE) -> ScreenApp:
    return ScreenApp(ExportDialog(TITLE, one, partial(format_reference, one, provenance), "fish"))


@pytest.mark.parametrize("size", EACH_SIZE)
def test_copy_menu(snap_compare: SnapCompare, size: str) -> None:
    assert snap_compare(copy_menu(held()), terminal_size=SIZES[size], run_before=settle)


@pytest.mark.parametrize("size", EACH_SIZE)
def test_export(snap_compare: SnapCompare, size: str) -> None:
    assert snap_compare(export(held(demo=True)), terminal_size=SIZES[size], run_before=settle)


@one_quick("make", [copy_menu, export])
@one_quick("text", HOSTILE)
async def test_hostile_text_does_nothing(text: str, make: Callable[[Session, Provenance], ScreenApp]) -> None:
    one = replace(held(), role_arn=f"arn:aws:iam::123456789012:role/{text}/x", region=text, session_name=text)
    source = SourceInfo(SourceKind.LIVE, text, region=text, profile=text, endpoint_url=text)
    app = make(one, Provenance(source, via=(text,)))
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        for _ in range(25):
            await pilot.press("down")
            assert_clean(app)
