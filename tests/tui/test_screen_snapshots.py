"""The screen as it looks, in every layout."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from iamtui.tui.explorer.document_view import DocumentView
from iamtui.tui.widgets.status import MessageLine
from tests.support.sample_account import iam
from tests.support.screen_app import make_app, press, settle
from tests.support.slow import EACH_SIZE, SIZES

SnapCompare = Callable[..., bool]


def at(key: str, *keys: str, theme: str = "iamtui-dark") -> Callable[[Pilot[None]], Awaitable[None]]:
    """Go to a node, then press keys."""

    async def run(pilot: Pilot[None]) -> None:
        await settle(pilot)
        pilot.app.theme = theme
        if key:
            pilot.app.main.go_to(key)  # type: ignore[attr-defined]
        # A screen that a key opens on top shows what was drawn below it.
        pilot.app.query_one(MessageLine).clear()
        await settle(pilot)
        for each in keys:
            # What a tab shows is found in a thread, before which its rows are others.
            await press(pilot, each)
        # The message goes by itself after a while, which a slow machine must not decide about.
        pilot.app.query_one(MessageLine).clear()
        await pilot.pause()

    return run


@pytest.mark.parametrize("size", EACH_SIZE)
def test_a_branch_as_a_table(snap_compare: SnapCompare, size: str) -> None:
    assert snap_compare(make_app(), terminal_size=SIZES[size], run_before=at("roles:"))


@pytest.mark.parametrize("size", EACH_SIZE)
def test_overview_of_a_user(snap_compare: SnapCompare, size: str) -> None:
    assert snap_compare(make_app(), terminal_size=SIZES[size], run_before=at(iam("user/alice"), "1"))


@pytest.mark.parametrize("size", EACH_SIZE)
def test_policies_of_a_role(snap_compare: SnapCompare, size: str) -> None:
    assert snap_compare(make_app(), terminal_size=SIZES[size], run_before=at(iam("role/deploy-prod"), "2"))


@pytest.mark.slow
def test_trust_of_a_role(snap_compare: SnapCompare) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await at(iam("role/deploy-prod"), "3")(pilot)
        # Where the document stands when its list grows depends on when what it appends is found.
        for view in pilot.app.query(DocumentView):
            view.scroll_home(animate=False)
        await settle(pilot)

    assert snap_compare(make_app(), terminal_size=SIZES["medium"], run_before=run)


@pytest.mark.slow
def test_json_of_a_group_in_the_light_theme(snap_compare: SnapCompare) -> None:
    run = at(iam("group/data/analysts"), "4", theme="iamtui-light")
    assert snap_compare(make_app(), terminal_size=SIZES["medium"], run_before=run)


def test_filter(snap_compare: SnapCompare) -> None:
    assert snap_compare(make_app(), terminal_size=SIZES["medium"], run_before=at("", "slash", "d", "a", "t", "a"))


@pytest.mark.slow
def test_jump_letters(snap_compare: SnapCompare) -> None:
    assert snap_compare(make_app(), terminal_size=SIZES["medium"], run_before=at("", "ctrl+o"))


def test_too_small(snap_compare: SnapCompare) -> None:
    assert snap_compare(make_app(), terminal_size=(59, 19), run_before=at(""))
