"""At 80x24 the sessions take the question's place, and what one has become is said until one goes on."""

from __future__ import annotations

import pytest

from iamtui.credentials.assume_role import AssumeRoleInput
from iamtui.tui import clock
from iamtui.tui.app import IamtuiApp
from iamtui.tui.assume.dialog import AssumeResult
from iamtui.tui.question.panel import QuestionPanel
from iamtui.tui.sessions.panel import SessionsPanel
from iamtui.tui.sessions.text import assumed_words
from iamtui.tui.widgets.status import MessageLine
from tests.support.panel_apps import screen_text
from tests.support.panel_sessions import START, session
from tests.support.sample_account import iam
from tests.support.screen_app import opened, press, settle


def question_lines(app: IamtuiApp) -> list[str]:
    region = app.query_one(QuestionPanel).region
    rows = screen_text(app).split("\n")[region.y : region.bottom]
    return [row[region.x : region.right].rstrip() for row in rows]


async def test_s_shows_the_sessions_in_place_of_the_question_and_back() -> None:
    async with opened(size=(80, 24)) as pilot:
        app = pilot.app
        app.query_one(SessionsPanel).add_session(session())
        await press(pilot, "g", "s")
        assert app.query_one(SessionsPanel).has_focus
        assert app.query_one(SessionsPanel).region.area
        assert not app.query_one(QuestionPanel).region.area
        assert "  key" in screen_text(app)
        await press(pilot, "g", "s")
        assert app.main.explorer.tree_view.has_focus
        assert app.query_one(QuestionPanel).region.area
        assert not app.query_one(SessionsPanel).region.area


@pytest.mark.slow
async def test_an_answer_that_came_while_the_sessions_were_shown_is_wrapped_to_the_room_of_the_question() -> None:
    async with opened(size=(80, 24)) as pilot:
        app = pilot.app
        app.main.go_to(iam("role/deploy-prod"))
        await press(pilot, "s", *"s3:DeleteObject", "escape", "escape")
        await settle(pilot)
        seen = question_lines(app)
        await press(pilot, "g", "s")
        app.main.go_to(iam("user/alice"))
        await settle(pilot)
        app.main.go_to(iam("role/deploy-prod"))
        await settle(pilot)
        await press(pilot, "g", "s")
        await settle(pilot)
        assert question_lines(app) == seen


@pytest.mark.slow
async def test_asking_and_escape_bring_the_question_back() -> None:
    async with opened(size=(80, 24)) as pilot:
        for key in ("f5", "escape"):
            await press(pilot, "g", "s", key)
            assert pilot.app.query_one(QuestionPanel).region.area
            await press(pilot, "escape", "escape")


async def test_who_one_has_become_is_said_until_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: START)
    async with opened(size=(80, 24)) as pilot:
        app = pilot.app
        app.main.go_to(iam("role/deploy-prod"))
        await settle(pilot)
        result = AssumeResult(session(), AssumeRoleInput(session().role_arn, "iamtui-alice", 3600))
        app.main.lifecycle.assumed(app.main.source_workspace, result)
        await settle(pilot)
        said = app.query_one(MessageLine)
        assert "deploy-prod" in said.words
        assert "copies its export lines" in said.words
        assert said.waits
        await press(pilot, "enter", "s")
        assert said.words
        app.main.go_to(iam("user/alice"))
        await settle(pilot)
        assert not said.words


def test_the_words_name_who_and_how_long() -> None:
    words = assumed_words(session(), START).plain

    assert words.startswith("You are assumed-role/deploy-prod/")
    assert "1h" in words


async def test_a_long_message_is_readable_to_its_end() -> None:
    async with opened(size=(80, 24)) as pilot:
        pilot.app.main.say("word " * 18 + "end")
        await settle(pilot)
        assert screen_text(pilot.app).split("\n")[-2].strip().endswith("end")
