"""The question panel remembers: questions asked before, and those saved under a name."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from iamtui.questions.question import Question, QuestionMatrix
from iamtui.workspace.ask.saved_questions import QuestionStore
from tests.support import panel_records as records
from tests.support.panel_apps import screen_text, settle, type_text
from tests.support.question_panel import X, asked, listener, opened
from tests.support.slow import one_quick

__all__ = ["asked"]


async def test_up_walks_through_the_questions_asked_before(asked: list[QuestionMatrix]) -> None:
    store = QuestionStore(records.ACCOUNT)
    terms = Question("")
    store.add_to_history(QuestionMatrix(("s3:ListBucket",), ("arn:aws:s3:::data-lake",), terms))
    store.add_to_history(QuestionMatrix(("s3:DeleteObject",), (X,), terms))
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.action_ask()
        action = app.query_one("#question-action", Input)
        for pressed, expected in (
            ("up", "s3:DeleteObject"),
            ("up", "s3:ListBucket"),
            ("up", "s3:ListBucket"),
            ("down", "s3:DeleteObject"),
            ("down", ""),
        ):
            await pilot.press(pressed)
            await settle(pilot)
            assert action.value == expected
        assert asked[-1].actions == ("s3:DeleteObject",)


@pytest.mark.slow
async def test_a_question_that_was_meant_is_remembered(asked: list[QuestionMatrix]) -> None:
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.action_ask()
        await type_text(pilot, "s3:GetObject")
        await settle(pilot)
        await pilot.press("enter")
        await type_text(pilot, X)
        await pilot.press("enter")
        await settle(pilot)

        [kept] = QuestionStore(records.ACCOUNT).history()
        assert kept.question_matrix == asked[-1]
        assert kept.principal == records.role_principal().arn


@pytest.mark.slow
@one_quick("misspelt", ["s3:GetObjct", "s3:Gxt*"])
async def test_up_brings_back_a_misspelt_question_until_another_is_asked_and_it_is_kept_nowhere(
    misspelt: str, asked: list[QuestionMatrix]
) -> None:
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        action = app.query_one("#question-action", Input)

        async def ask(text: str) -> None:
            panel.action_ask()
            await type_text(pilot, text)
            await settle(pilot)
            await pilot.press("escape", "enter")
            await type_text(pilot, X)
            await pilot.press("enter")
            await settle(pilot)

        async def walk(*steps: tuple[str, str]) -> None:
            panel.action_ask()
            for key, expected in steps:
                await pilot.press(key)
                await settle(pilot)
                assert action.value == expected

        await ask("s3:DeleteObject")
        await ask(misspelt)
        await walk(("up", "s3:DeleteObject"), ("down", misspelt), ("down", ""), ("up", misspelt))
        assert [entry.question_matrix.actions for entry in QuestionStore(records.ACCOUNT).history()] == [
            ("s3:DeleteObject",)
        ]
        panel.action_questions()
        await settle(pilot)
        assert "s3:DeleteObject" in screen_text(app)
        assert f"{misspelt} on" not in screen_text(app)
        await pilot.press("escape")

        await ask("s3:GetObject")
        await walk(("up", "s3:DeleteObject"), ("up", "s3:DeleteObject"), ("down", "s3:GetObject"), ("down", ""))


async def test_a_question_is_saved_under_a_name_and_chosen_again(asked: list[QuestionMatrix]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.action_save()
        await settle(pilot)
        assert "no question to save" in app.notices[-1]

        panel.ask("s3:DeleteObject", X)
        await settle(pilot)
        panel.action_save()
        await settle(pilot)
        await type_text(pilot, "lake")
        await pilot.press("enter")
        await settle(pilot)
        assert [entry.name for entry in QuestionStore(records.ACCOUNT).saved()] == ["lake"]
        assert "Saved as lake" in app.notices[-1]

        panel.ask("s3:GetObject", X)
        await settle(pilot)
        panel.action_questions()
        await settle(pilot)
        assert "lake" in screen_text(app)
        await type_text(pilot, "lake")
        await pilot.press("enter")
        await settle(pilot)
        assert asked[-1].actions == ("s3:DeleteObject",)


@pytest.mark.slow
@one_quick("size", [(80, 24), (120, 40)])
async def test_questions_asked_before_differ_by_their_context_on_the_list(
    size: tuple[int, int], asked: list[QuestionMatrix]
) -> None:
    app = listener()
    async with app.run_test(size=size) as pilot:
        panel = await opened(pilot, app)
        for used in ("true", "false"):
            panel._memory.remember(
                QuestionMatrix(
                    ("s3:GetObject",),
                    ("arn:aws:s3:::a-data-lake-with-a-long-name/raw/events/2026/part-0001",),
                    Question("", context={"aws:MultiFactorAuthPresent": (used,)}),
                ),
                "",
            )
        panel.action_questions()
        await settle(pilot)
        rows = [row for row in screen_text(app).split("\n") if "s3:GetObject on" in row]
        assert len(rows) == 2
        for row, used in zip(rows, ("false", "true"), strict=True):
            assert f"aws:MultiFactorAuthPresent={used}" in row
            assert "part-0001" in row
        await type_text(pilot, "present=true")
        await pilot.press("enter")
        await settle(pilot)
        assert asked[-1].terms.context == {"aws:MultiFactorAuthPresent": ("true",)}


async def test_a_question_is_saved_with_its_answer_as_what_is_expected(asked: list[QuestionMatrix]) -> None:
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:DeleteObject", X)
        await settle(pilot)
        answered = panel.answer
        assert answered is not None
        panel.action_save()
        await settle(pilot)
        await type_text(pilot, "no deleting")
        await pilot.press("f2")
        await settle(pilot)
        assert "Expected for role/deploy-prod" in screen_text(app)
        assert "role/deploy-prod" in screen_text(app)
        await pilot.press("enter")
        await settle(pilot)
        [saved] = QuestionStore(records.ACCOUNT).saved()
        assert (saved.name, saved.expect) == ("no deleting", answered.outcome)
        assert saved.principal == records.role_principal().arn


async def test_a_faulty_file_of_questions_is_said_and_kept(asked: list[QuestionMatrix]) -> None:
    path = QuestionStore(records.ACCOUNT).path
    path.parent.mkdir(parents=True)
    path.write_text("not json")
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        assert app.notices
        assert str(path.name) in app.notices[-1]
        panel.ask("s3:GetObject", X)
        await settle(pilot)
        assert asked
        assert path.read_text() == "not json"
