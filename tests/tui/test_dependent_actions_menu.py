"""Saying on the screen what a call does besides its action: which role it passes, whether it sets tags."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from iamtui.tui.app import IamtuiApp
from iamtui.tui.dialogs.dialogs import ChoiceDialog, LineDialog
from tests.support.drafting import app_of, ask, until
from tests.support.panel_apps import screen_text, type_text
from tests.support.sample_account import iam
from tests.support.screen_app import RecordingCopier, make_app, opened, press, settle
from tests.support.slow import one_quick

OPS = iam("role/deploy-prod")


def words(app: IamtuiApp) -> str:
    return " ".join(screen_text(app).replace("│", " ").split())


async def choose_check(pilot: Pilot[None], action: str) -> None:
    """Open the presets and choose the line of a check."""
    await press(pilot, "f2")
    screen = app_of(pilot).screen
    assert isinstance(screen, ChoiceDialog)
    lines = screen.lines
    lines.move_to(next(index for index, choice in enumerate(lines.shown) if choice.label == action))
    await press(pilot, "enter")


def named(pilot: Pilot[None]) -> object:
    question_matrix = app_of(pilot).main.question.question_matrix
    assert question_matrix is not None
    return question_matrix.with_checks


@one_quick("size", [(80, 24), (120, 40)])
async def test_the_role_that_is_passed_is_chosen_and_copied_with_the_command(size: tuple[int, int]) -> None:
    copier = RecordingCopier()
    app = make_app(copier=copier)
    async with opened(app, size=size) as pilot:
        await ask(pilot, iam("user/alice"), "lambda:CreateFunction")
        await choose_check(pilot, "iam:PassRole")
        assert "The call also needs iam:PassRole on the execution role" in words(app)
        await type_text(pilot, "deploy-prod")
        await press(pilot, "enter")
        await until(pilot, lambda: named(pilot) == {"iam:PassRole": (OPS,)})
        await press(pilot, "ctrl+y")
        assert f"--with iam:PassRole={OPS}" in copier.copied[-1]
        await press(pilot, "f2")
        assert "on the execution role:" in words(app)
        await press(pilot, "escape")
        main = app.main
        main.question.ask_matrix(main.question.question_matrix)  # type: ignore[arg-type]
        await settle(pilot)
        assert named(pilot) == {"iam:PassRole": (OPS,)}, "it is kept with the question"


@pytest.mark.slow
async def test_another_arn_is_typed_and_has_to_be_of_the_right_type() -> None:
    app = make_app()
    async with opened(app) as pilot:
        await ask(pilot, iam("user/alice"), "lambda:CreateFunction")
        await choose_check(pilot, "iam:PassRole")
        await type_text(pilot, "another")
        await press(pilot, "enter")
        assert isinstance(app.screen, LineDialog)
        await type_text(pilot, "arn:aws:s3:::bucket")
        await press(pilot, "enter")
        assert "That is not the execution role." in words(app)
        await press(pilot, "ctrl+u")
        await type_text(pilot, "arn:aws:iam::999999999999:role/far")
        await press(pilot, "enter")
        assert named(pilot) == {"iam:PassRole": ("arn:aws:iam::999999999999:role/far",)}


@pytest.mark.slow
async def test_a_check_of_the_resource_itself_is_said_to_be_made_or_not() -> None:
    app = make_app()
    async with opened(app) as pilot:
        await ask(pilot, iam("user/alice"), "lambda:CreateFunction")
        await choose_check(pilot, "lambda:TagResource")
        assert "Another ARN" not in words(app)
        await press(pilot, "enter")
        assert named(pilot) == {"lambda:TagResource": ()}
        await choose_check(pilot, "lambda:TagResource")
        await press(pilot, "down", "enter")
        assert named(pilot) == {}


@pytest.mark.slow
async def test_what_was_said_of_one_call_is_not_said_of_another() -> None:
    app = make_app()
    async with opened(app) as pilot:
        await ask(pilot, iam("user/alice"), "lambda:CreateFunction")
        await choose_check(pilot, "lambda:TagResource")
        await press(pilot, "enter")
        await press(pilot, "s")
        await type_text(pilot, "s3:GetObject")
        await until(pilot, lambda: app.main.question.answer is not None)
        assert named(pilot) == {}


async def test_without_companions_the_presets_are_as_they_were() -> None:
    app = make_app()
    async with opened(app) as pilot:
        await ask(pilot, iam("user/alice"), "iam:GetUser")
        await press(pilot, "f2")
        assert "What the call does besides" not in words(app)
