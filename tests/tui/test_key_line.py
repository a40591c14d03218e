"""The line of keys: those that do something where the focus is, and always the way to the help."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iamtui.tui.question.answer_lists import LayersList
from iamtui.tui.question.completing_input import ActionField, Offer
from iamtui.tui.sessions.panel import SessionsPanel
from iamtui.tui.widgets.status import KeyLine
from tests.support.drafting import ask
from tests.support.panel_apps import screen_text
from tests.support.panel_sessions import session
from tests.support.sample_account import iam, sample_workspace
from tests.support.screen_app import make_app, opened, press, settle
from tests.support.slow import one_quick
from tests.support.sts_answers import CannedSts


@pytest.mark.slow
@one_quick("width", [60, 80, 120, 200])
async def test_help_and_quit_always_fit(width: int) -> None:
    async with opened(size=(width, 30)) as pilot:
        pilot.app.query_one(SessionsPanel).add_session(session())
        pilot.app.main.go_to(iam("role/deploy-prod"))
        await settle(pilot)
        for view in (pilot.app.main.explorer.tree_view, pilot.app.main.subject.active_view):
            view.focus()
            await settle(pilot)
            shown = pilot.app.query_one(KeyLine).render().plain
            assert "? Help" in shown
            assert "q Back" in shown
            assert len(shown) <= width


async def test_only_keys_that_do_something_are_shown() -> None:
    workspace = replace(sample_workspace(), connection=CannedSts().connection())
    async with opened(make_app(workspace)) as pilot:
        keys = pilot.app.query_one(KeyLine)
        assert "Assume" not in keys.render().plain
        assert "Copy" not in keys.render().plain
        assert "Why" not in keys.render().plain

        pilot.app.main.go_to(iam("role/deploy-prod"))
        await settle(pilot)
        assert "a Assume" in keys.render().plain


@pytest.mark.slow
async def test_in_a_snapshot_no_key_is_shown_for_assuming_a_role() -> None:
    async with opened() as pilot:
        pilot.app.main.go_to(iam("role/deploy-prod"))
        await settle(pilot)
        assert "Assume" not in pilot.app.query_one(KeyLine).render().plain


@pytest.mark.slow
async def test_in_a_narrow_answer_there_is_room_for_what_can_be_done_about_it() -> None:
    async with opened(size=(80, 24)) as pilot:
        main = pilot.app.main
        await ask(pilot, iam("user/carol"), "s3:GetObject", "arn:aws:s3:::data-lake/x")
        main.query_one(LayersList).focus()
        await settle(pilot)
        shown = pilot.app.query_one(KeyLine).render().plain
        assert main.question.answer is not None
        assert main.question.answer.denied
        assert shown.split("  ") == [
            " ⏎ Statement", "space On/off", "w Why", "W Who can", "f Draft a fix", "? Help", "q Back "
        ]  # fmt: skip
        main.explorer.tree_view.focus()
        await settle(pilot)
        assert " s Ask " in pilot.app.query_one(KeyLine).render().plain


async def test_in_a_field_only_keys_that_do_not_print_are_shown() -> None:
    async with opened() as pilot:
        await press(pilot, "slash")
        shown = pilot.app.query_one(KeyLine).render().plain
        assert "To the hits" in shown
        assert "F5 Ask" in shown
        assert "F1 Help" in shown
        assert "esc Clear" in shown
        assert "s Ask" not in shown
        assert " z " not in shown


@pytest.mark.slow
async def test_escape_says_what_it_does_with_completions_and_is_not_asked_again_at_each_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[KeyLine] = []
    look = KeyLine._look
    monkeypatch.setattr(KeyLine, "_look", lambda line: (looked.append(line), look(line))[1])
    async with opened(size=(120, 40)) as pilot:
        keys = pilot.app.query_one(KeyLine)
        field = pilot.app.query_one("#question-action", ActionField)
        await press(pilot, "s", "s", "3", "colon")
        assert "esc Close completions" in keys.render().plain
        looked.clear()
        await press(pilot, "G", "e")
        assert field.is_open
        assert not looked
        await press(pilot, "escape")
        assert "esc Back" in keys.render().plain

        # It is asked while nobody knows whether there will be a list.
        for offers in ((Offer("s3:GetObject"),), ()):
            field._offered.clear()
            field._refused = False
            pilot.app.screen.refresh_bindings()
            await settle(pilot)
            assert "esc Close completions" in keys.render().plain
            field.offer(offers, "s3:Ge")
            await settle(pilot)
            assert ("esc Close completions" in keys.render().plain) is bool(offers)


@pytest.mark.slow
async def test_in_a_field_of_a_narrow_window_help_and_the_way_out_still_fit() -> None:
    async with opened(size=(60, 24)) as pilot:
        await press(pilot, "s")
        assert pilot.app.query_one(KeyLine).render().plain.endswith(" esc Back  F1 Help ")
        await press(pilot, "f1")
        assert type(pilot.app.screen).__name__ == "HelpScreen"


async def test_q_says_whether_it_goes_back_or_quits() -> None:
    async with opened() as pilot:
        keys = pilot.app.query_one(KeyLine)
        assert "q Quit" in keys.render().plain
        for there, back in (("z", "z"), ("slash a enter", "q")):
            await press(pilot, *there.split())
            assert "q Back" in keys.render().plain
            await press(pilot, back)
            assert "q Quit" in keys.render().plain
        pilot.app.main.go_to(iam("role/deploy-prod"))
        await settle(pilot)
        assert "q Back" in keys.render().plain
        await press(pilot, "q")
        assert "q Quit" in keys.render().plain


@pytest.mark.slow
async def test_jump_mode_is_among_the_keys() -> None:
    for size in ((80, 24), (120, 40)):
        async with opened(size=size) as pilot:
            assert "^o Jump" in pilot.app.query_one(KeyLine).render().plain


async def test_a_click_presses_the_key() -> None:
    async with opened() as pilot:
        keys = pilot.app.query_one(KeyLine)
        await pilot.click(KeyLine, offset=(keys.render().plain.index("Help"), 0))
        await settle(pilot)
        assert type(pilot.app.screen).__name__ == "HelpScreen"


async def test_the_sessions_panel_offers_a_sessions_keys_only_with_a_session() -> None:
    app = make_app()
    async with opened(app) as pilot:
        await press(pilot, "g", "s")
        shown = app.query_one(KeyLine).render().plain
        for words in ("Session …", "Copy exports", "Assume on", "Forget", "Renew"):
            assert words not in shown, shown
        app.main.sessions.add_session(session())
        await settle(pilot)
        assert "Copy exports" in app.query_one(KeyLine).render().plain


async def test_mfa_is_said_where_its_field_is_not_shown() -> None:
    async with opened(size=(80, 24)) as pilot:
        for said in ("yes", "no", "not said"):
            await press(pilot, "ctrl+t")
            assert f"MFA of the caller, in the next question: {said}." in screen_text(pilot.app)


async def test_only_a_branch_is_expanded() -> None:
    async with opened() as pilot:
        tree = pilot.app.main.explorer.tree_view
        tree.focus()
        await settle(pilot)
        assert pilot.app.screen.active_bindings["space"].binding.action == "toggle_branch"
        pilot.app.main.go_to(iam("role/deploy-prod"))
        await settle(pilot)
        assert pilot.app.screen.active_bindings["space"].binding.action == "compare('mark')"
