"""Keys that arrive in one burst: typed ahead, sent over a slow line, or by a macro."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from threading import Event

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from iamtui.drafts.edits.principals import AttachPolicy
from iamtui.tui.app import IamtuiApp
from iamtui.tui.assume.dialog import AssumeDialog
from iamtui.tui.assume.rows import RoleField
from iamtui.tui.content import line
from iamtui.tui.dialogs.dialogs import Choice, ChoiceDialog
from iamtui.tui.dialogs.palette import ActionPalette
from iamtui.tui.drafts import draft_screen
from iamtui.tui.question.completing_input import Offer
from iamtui.tui.question.completion import Completer
from iamtui.tui.question.form import QuestionForm
from iamtui.tui.sessions.controller import LockScreen
from iamtui.workspace.change import draft_session as draft_files
from iamtui.workspace.source.workspace import Workspace
from tests.support.drafting import app_of, draft, until
from tests.support.panel_apps import screen_text
from tests.support.sample_account import LAKE_READ, iam, sample_workspace
from tests.support.screen_app import make_app, opened, press, settle
from tests.support.slow import one_quick
from tests.tui.test_handing_over import held


def burst(pilot: Pilot[None], *keys: str) -> None:
    """Post keys without waiting for what each of them does."""
    for key in keys:
        pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))


TYPED = {
    ("a", "b", "c", "ctrl+u", "x", "y"): "xy",
    ("a", "b", "c", "d", "backspace", "backspace", "x", "y"): "abxy",
    ("a", "b", "home", "x", "y"): "xyab",
    ("a", "b", "home", "x", "end", "y"): "xaby",
}


@one_quick("field", ["s", "slash"])
async def test_a_field_obeys_its_keys_in_their_order(field: str) -> None:
    async with opened() as pilot:
        await press(pilot, field)
        assert isinstance(pilot.app.focused, Input)
        for keys, value in TYPED.items():
            pilot.app.focused.value = ""
            burst(pilot, *keys)
            await settle(pilot)
            assert pilot.app.focused.value == value


@pytest.mark.slow
async def test_a_pasted_text_and_an_editor_do_so_too() -> None:
    async with opened() as pilot:
        await press(pilot, "g", "n")
        area = pilot.app.focused
        assert isinstance(area, TextArea)
        burst(pilot, "a", "b", "home", "x", "end", "backspace", "y")
        await settle(pilot)
        assert area.text == "xay"


@one_quick("key", ["d", "question_mark", "a", "f6"])
async def test_what_is_pressed_behind_the_key_that_quits_does_nothing(key: str) -> None:
    app = make_app()
    async with opened(app) as pilot:
        burst(pilot, "q", key)
        await settle(pilot)
    assert app.return_code == 0


def typed(pilot: Pilot[None], text: str) -> None:
    """Post the keys of a text, Enter for each line end and Tab for each tab, without waiting."""
    names = {"\n": "enter", "\t": "tab", ":": "colon", "/": "slash", "*": "asterisk", "-": "minus"}
    for character in text:
        pilot.app.post_message(events.Key(names.get(character, character), character))


async def test_what_is_typed_behind_a_key_that_opens_a_screen_is_typed_there() -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        burst(pilot, "e", *"inline")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog))
        assert app.screen.query_one(Input).value == "inline"


async def test_what_is_typed_behind_the_key_that_closes_one_is_obeyed_below() -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        burst(pilot, "question_mark", "escape", "colon", "escape", "slash", "b", "o", "enter", "z")
        await settle(pilot)
        assert app.screen is app.main
        assert app.main.explorer.filter_input.value == "bo"
        assert app.main.has_class("-zoomed")


async def test_a_pasted_text_keeps_its_place_between_keys() -> None:
    async with opened() as pilot:
        burst(pilot, "g", "n")
        pilot.app.post_message(events.Paste("one"))
        burst(pilot, "backspace")
        pilot.app.post_message(events.Paste("two"))
        await settle(pilot)
        area = pilot.app.focused
        assert isinstance(area, TextArea)
        assert area.text == "ontwo"


# The palette.


@pytest.mark.slow
async def test_the_palette_runs_what_was_typed_however_fast() -> None:
    app = make_app()
    async with opened(app) as pilot:
        typed(pilot, ":zoom\n")
        await until(pilot, lambda: app.main.has_class("-zoomed"))
        assert app.screen is app.main


@pytest.mark.slow
async def test_q_in_the_palette_quits_from_anywhere() -> None:
    app = make_app()
    async with opened(app) as pilot:
        app.main.go_to(iam("role/deploy-prod"))
        await settle(pilot)
        typed(pilot, ":q\n")
        await until(pilot, lambda: app._exit)


@pytest.mark.slow
async def test_q_quits_also_where_questions_are_at_hand() -> None:
    app = make_app()
    async with opened(app) as pilot:
        app.main.question.query_one("#question-layers").focus()
        await settle(pilot)
        typed(pilot, ":q\n")
        await until(pilot, lambda: app._exit)


@pytest.mark.slow
async def test_enter_in_a_palette_without_a_choice_runs_nothing() -> None:
    app = make_app()
    async with opened(app) as pilot:
        typed(pilot, ":\n")
        await until(pilot, lambda: "Any role" in screen_text(app))
        assert isinstance(app.screen, ActionPalette)
        await press(pilot, "down", "enter")
        assert not isinstance(app.screen, ActionPalette)


@pytest.mark.slow
async def test_nothing_that_fits_is_no_reason_to_run_anything() -> None:
    app = make_app()
    async with opened(app) as pilot:
        typed(pilot, ":xyzzy\n")
        await settle(pilot)
        assert isinstance(app.screen, ActionPalette)
        await press(pilot, "escape")
        assert app.screen is app.main


@pytest.mark.slow
async def test_the_way_down_the_palette_is_through_what_was_searched_for() -> None:
    app = make_app()
    async with opened(app) as pilot:
        typed(pilot, ":qu")
        burst(pilot, "down")
        typed(pilot, "\n")
        await settle(pilot)
        assert not app._exit
        assert not isinstance(app.screen, ActionPalette)


@pytest.mark.slow
async def test_a_theme_is_the_one_that_was_typed() -> None:
    app = make_app()
    async with opened(app) as pilot:
        typed(pilot, "tdracula\n")
        await until(pilot, lambda: app.theme == "dracula")


# Completions.


@pytest.fixture
def _slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Completions take longer than a person does for a whole word, and than a key waits for one that is lost."""
    for name in ("actions", "resources", "context"):
        found = getattr(Completer, name)

        def slowly(*words: object, found: Callable[..., object] = found) -> object:
            time.sleep(0.5)
            return found(*words)

        monkeypatch.setattr(Completer, name, slowly)


@pytest.mark.usefixtures("_slow")
async def test_enter_takes_the_completion_of_what_was_typed_however_fast() -> None:
    app = make_app()
    async with opened(app) as pilot:
        typed(pilot, "sassumerole\ndeploy-p\n")
        form = app.main.question.query_one(QuestionForm)
        await until(pilot, lambda: form.resource_field.value == iam("role/deploy-prod"))
        assert form.action_field.value == "sts:AssumeRole"
        typed(pilot, "sassumerole\n\tmulti\n")
        await until(pilot, lambda: form.context_field.value == "aws:MultiFactorAuthPresent=")


@pytest.mark.slow
@pytest.mark.usefixtures("_slow")
async def test_the_way_down_the_completions_waits_for_them() -> None:
    app = make_app()
    async with opened(app) as pilot:
        burst(pilot, "s", *"assumerole", "down", "enter")
        form = app.main.question.query_one(QuestionForm)
        await until(pilot, lambda: form.resource_field.has_focus)
        assert form.action_field.value == "sts:AssumeRoleWithSAML"


@pytest.mark.usefixtures("_slow")
async def test_escape_refuses_completions_that_are_still_to_come() -> None:
    app = make_app()
    async with opened(app) as pilot:
        burst(pilot, "s", *"assumerole", "escape", "enter")
        form = app.main.question.query_one(QuestionForm)
        await until(pilot, lambda: form.resource_field.has_focus)
        assert form.action_field.value == "assumerole"


@pytest.mark.slow
@pytest.mark.usefixtures("_slow")
async def test_what_stands_alone_is_kept_however_fast() -> None:
    app = make_app()
    async with opened(app) as pilot:
        typed(pilot, "ss3:get*\narn:aws:s3:::anything\n")
        form = app.main.question.query_one(QuestionForm)
        await until(pilot, lambda: not form.has_focus_within and not form.resource_field.is_waiting)
        assert form.action_field.value == "s3:get*"
        assert form.resource_field.value == "arn:aws:s3:::anything"


@pytest.mark.slow
async def test_any_role_is_found_by_part_of_its_name_however_fast() -> None:
    app = make_app()
    async with opened(app) as pilot:
        burst(pilot, "ctrl+r", *"deploy-pr", "enter")
        await until(pilot, lambda: isinstance(app.screen, AssumeDialog) and bool(app.screen.query(RoleField)))
        field = app.screen.query_one(RoleField)
        await until(pilot, lambda: field.value == iam("role/deploy-prod"))


@pytest.mark.slow
async def test_a_choice_that_is_still_to_come_is_taken_by_what_was_typed() -> None:
    app = make_app()
    taken: list[str | None] = []

    def more() -> list[Choice]:
        time.sleep(0.4)
        return [Choice("late", "A late choice")]

    async with opened(app) as pilot:
        app.push_screen(ChoiceDialog(line("Choose"), [Choice("early", "An early one")], more=more), taken.append)
        typed(pilot, "late\n:zoom\n")
        await until(pilot, lambda: taken == ["late"])
        await until(pilot, lambda: app.main.has_class("-zoomed"))


# Before anything is there.


def opening_slowly() -> IamtuiApp:
    def slowly(*_: object) -> Workspace:
        time.sleep(0.5)
        return sample_workspace()

    return make_app(opener=slowly)


async def test_what_is_typed_before_the_account_is_open_is_about_that() -> None:
    app = opening_slowly()
    async with app.run_test(size=(120, 40)) as pilot:
        typed(pilot, "/deploy-prod\nz")
        await until(pilot, lambda: app.main.workspace is not None)
        assert app.main.explorer.filter_input.value == "deploy-prod"
        await until(pilot, lambda: app.main.subject.json_text() is not None)
        assert app.main.has_class("-zoomed")


@pytest.mark.slow
async def test_a_filter_typed_before_the_account_is_open_that_finds_nothing_there_leaves_its_first_list() -> None:
    app = opening_slowly()
    async with app.run_test(size=(120, 40)) as pilot:
        typed(pilot, "/xyzzy\n")
        await until(pilot, lambda: app.main.workspace is not None)
        assert "no match" in screen_text(app)
        assert "No account is open" not in screen_text(app)
        assert "alice" in screen_text(app)


@pytest.mark.slow
async def test_what_is_typed_behind_the_key_that_lists_drafts_chooses_one(monkeypatch: pytest.MonkeyPatch) -> None:
    found = draft_files.saved_drafts

    def slowly(account_id: str) -> object:
        time.sleep(0.4)
        return found(account_id)

    monkeypatch.setattr(draft_screen, "saved_drafts", slowly)
    edit = AttachPolicy(iam("user/carol"), LAKE_READ.arn)
    draft_files.save_draft_file(draft(edit, name="xxx"), draft_files.suggested_path(draft(name="xxx")))
    app = make_app()
    async with opened(app) as pilot:
        # A d that comes to the draft would take an edit out of it.
        burst(pilot, "g", "d", "f3", *"xxx", "enter")
        await until(pilot, lambda: app.main.drafts.open_draft is not None)
        assert app.main.drafts.open_draft is not None
        assert app.main.drafts.open_draft.draft.edits == (edit,)


@pytest.mark.slow
async def test_locking_waits_for_nothing_that_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    released = Event()

    def late(*_: object) -> list[Offer]:
        released.wait()
        return []

    monkeypatch.setattr(Completer, "actions", late)
    app = make_app()
    async with opened(app) as pilot:
        app.main.sessions.add_session(held())
        burst(pilot, "s", *"assumerole", "enter", *"data-lake", "f12")
        try:
            async with asyncio.timeout(60):
                while not isinstance(app.screen, LockScreen):
                    await asyncio.sleep(0.05)
            assert app.main.sessions.sessions == ()
        finally:
            released.set()
        await settle(pilot)
        assert isinstance(app.screen, LockScreen)


async def test_a_key_on_its_way_does_not_unlock() -> None:
    app = make_app()
    async with opened(app) as pilot:
        # It is with the tree when the lock comes, as that of an idle screen does at any time.
        await app.on_event(events.Key("enter", None))
        app.main.lifecycle.lock_up()
        await settle(pilot)
        assert isinstance(app.screen, LockScreen)
        await press(pilot, "enter")
        assert app.screen is app.main
