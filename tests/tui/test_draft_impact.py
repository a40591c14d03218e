"""What-if drafts on the screen: whose answers they change."""

from __future__ import annotations

import pytest

from iamtui.drafts.edits.principals import AttachPolicy, DetachPolicy, UpdateTrustPolicy
from iamtui.engine.decision import Outcome
from iamtui.engine.request import principal_from_text
from iamtui.presentation.verdict import PENDING
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.tui.drafts.impact_screen import DraftImpactScreen, rows_of_whole
from iamtui.workspace.ask.saved_questions import QuestionStore
from iamtui.workspace.change.draft_session import Effect
from iamtui.workspace.change.impact import AccessShift, Impact
from tests.support import wording
from tests.support.draft_accounts import drafting_account
from tests.support.drafting import app_of, ask, lay, message, own_data_folder, until
from tests.support.panel_apps import screen_text
from tests.support.sample_account import ID, LAKE_READ, iam, trust
from tests.support.screen_app import opened, press, settle

__all__ = ["own_data_folder"]

CAROL, WEB = iam("user/carol"), iam("role/web-server")
UNHEARD = "arn:aws:iam::aws:policy/Unheard"
CALLER = principal_from_text(CAROL)
QUESTION = ("s3:GetObject", "arn:aws:s3:::data-lake/x")


async def test_the_impact_lists_whose_answers_change() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await ask(pilot, CAROL, *QUESTION)
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn), DetachPolicy(iam("role/web-server"), LAKE_READ.arn))
        await press(pilot, "i")
        screen = pilot.app.screen
        assert isinstance(screen, DraftImpactScreen)
        await until(pilot, lambda: screen.lines.total == 2)
        text = screen_text(app_of(pilot))
        assert "1 gain, 1 lose" in text
        assert f"{wording.NOT_ALLOWED}*, now {wording.ALLOWED} {wording.AS_LOADED}" in text
        assert f"now {wording.IMPLICIT_DENY}" in text
        await press(pilot, "space")
        assert screen.lines.total == len(main.source_workspace.account.users) + len(  # type: ignore[union-attr]
            main.source_workspace.account.roles  # type: ignore[union-attr]
        )
        await press(pilot, "f", "enter")
        assert pilot.app.screen is main
        assert main.subject.node.name == "carol"  # type: ignore[union-attr]


@pytest.mark.slow
async def test_the_impact_says_why_before_and_after_and_quotes_the_statement() -> None:
    async with opened() as pilot:
        await ask(pilot, CAROL, *QUESTION)
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn), DetachPolicy(iam("role/web-server"), LAKE_READ.arn))
        await press(pilot, "i")
        screen = pilot.app.screen
        assert isinstance(screen, DraftImpactScreen)
        await until(pilot, lambda: screen.lines.total == 2)
        await settle(pilot)
        gains = screen_text(app_of(pilot))
        assert "⏎ Go there" in gains
        assert " before  no Allow in: identity policies" in gains
        assert " after   by data-lake-read / ReadLake (lines 4-15)" in gains
        assert '"Sid": "ReadLake"' in gains
        await press(pilot, "j")
        loses = screen_text(app_of(pilot))
        assert " before  by data-lake-read / ReadLake (lines 4-15)" in loses
        assert " after   no Allow in: identity policies" in loses
        assert '"Sid": "ReadLake"' in loses
        await press(pilot, "space", "G")
        assert " before " not in screen_text(app_of(pilot)).replace(" before  █", "").replace(" before  ▒", "")


async def test_without_a_question_the_impact_counts_the_whole_account() -> None:
    async with opened() as pilot:
        await press(pilot, "i")
        assert "no draft" in message(pilot)
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn))
        await press(pilot, "i")
        screen = pilot.app.screen
        assert isinstance(screen, DraftImpactScreen)
        await until(pilot, lambda: screen.lines.total > 0 or screen._problem is not None, 30)
        assert screen._problem is None, str(screen._problem)
        text = " ".join(screen_text(app_of(pilot)).split())
        assert "the whole account" in text
        assert "gains user/carol actions: 3 gained" in text
        assert "gains s3 Read actions: 1 gained" in text
        assert "gained s3:" in text.partition("gains s3 Read")[2]
        await press(pilot, "end")
        detail = " ".join(screen_text(app_of(pilot)).split()).rpartition("gained s3:")[2]
        assert "on arn:aws:s3:::data-lake" in detail
        assert "user/carol" in detail


def test_a_thousand_actions_of_one_kind_are_said_once() -> None:
    found = Impact(
        (
            AccessShift(
                Effect.LOST,
                tuple(f"s3:a{n}" for n in range(1500)),
                "*",
                Outcome.ALLOWED,
                Outcome.IMPLICIT_DENY,
                (CALLER,),
            ),
        )
    )
    assert next(rows_of_whole(drafting_account(), found)).note == "actions: 1,500 lost"


async def test_with_a_question_the_whole_account_is_a_key_away() -> None:
    async with opened() as pilot:
        await ask(pilot, CAROL, *QUESTION)
        await lay(pilot, UpdateTrustPolicy(WEB, trust({"AWS": CAROL}).text))
        await press(pilot, "i")
        screen = pilot.app.screen
        assert isinstance(screen, DraftImpactScreen)
        await until(pilot, lambda: screen._done, 30)
        assert "nobody's answer to this question. space shows everybody, 1 the whole account." in screen_text(
            app_of(pilot)
        )
        await press(pilot, "1")
        await until(pilot, lambda: screen._done, 30)
        assert "its trust opens to user/carol" in screen_text(app_of(pilot))
        await press(pilot, "1")
        await until(pilot, lambda: screen._done, 30)
        assert "its trust opens" not in screen_text(app_of(pilot))


async def test_the_impact_of_a_trust_policy_is_not_called_nothing() -> None:
    """What opens, and what could not be compared, stands in the list as it does on the command line."""
    async with opened() as pilot:
        await lay(pilot, UpdateTrustPolicy(WEB, trust({"AWS": CAROL}).text), AttachPolicy(CAROL, UNHEARD))
        await press(pilot, "i")
        screen = pilot.app.screen
        assert isinstance(screen, DraftImpactScreen)
        await until(pilot, lambda: screen.lines.total > 0 or screen._problem is not None, 30)
        text = " ".join(screen_text(app_of(pilot)).split())
        assert "gains role/web-server its trust opens to user/carol" in text
        assert "loses role/web-server its trust closes to ec2.amazonaws.com" in text
        assert f"unasked not compared What the policy {UNHEARD} says is not known." in text


async def test_the_saved_questions_are_a_regression_set() -> None:
    store = QuestionStore(ID)
    terms = Question("", "*")
    lake = QuestionMatrix((QUESTION[0],), (QUESTION[1],), terms)
    store.save("web reads the lake", lake, "role/web-server", expect=Outcome.ALLOWED)
    store.save("carol reads no lake", lake, "user/carol", expect=Outcome.IMPLICIT_DENY)
    store.save("nobody", lake, "user/gone")
    async with opened() as pilot:
        await lay(pilot, DetachPolicy(iam("role/web-server"), LAKE_READ.arn))
        await press(pilot, "i", "2")
        screen = pilot.app.screen
        assert isinstance(screen, DraftImpactScreen)
        await until(pilot, lambda: screen.lines.total == 2)
        assert [(row.label, row.effect) for row in screen.lines.shown] == [
            ("web reads the lake", "broken"),
            ("nobody", "problem"),
        ]
        text = screen_text(app_of(pilot))
        assert "BROKEN" in text
        assert "expected allowed" in text
        assert "1 broken" in text
        await press(pilot, "space")
        assert screen.lines.total == 3
        await press(pilot, "2")
        await until(pilot, lambda: "the whole account" in screen_text(app_of(pilot)))


@pytest.mark.slow
async def test_a_saved_question_that_names_nobody_is_asked_for_the_one_chosen_and_what_it_gains_is_told() -> None:
    terms = Question("", "*")
    QuestionStore(ID).save("mine", QuestionMatrix((QUESTION[0], "ec2:RunInstances"), (QUESTION[1], "*"), terms))
    async with opened() as pilot:
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn))
        app_of(pilot).main.go_to(CAROL)
        await ask(pilot, CAROL, *QUESTION)
        await press(pilot, "i", "2")
        screen = pilot.app.screen
        assert isinstance(screen, DraftImpactScreen)
        await until(pilot, lambda: screen.lines.total == 1)
        (row,) = screen.lines.shown
        assert (row.label, row.effect) == ("mine (user/carol)", "gained")
        assert row.verdict is not None
        assert row.verdict.word == "ALLOWED"
        assert row.note.endswith(" pairs")


@pytest.mark.slow
async def test_without_saved_questions_the_list_says_how_to_save_one() -> None:
    async with opened() as pilot:
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn))
        await press(pilot, "i", "2")
        assert "No question is saved" in screen_text(app_of(pilot))


async def test_verdicts_in_the_tree_know_the_one_before() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await ask(pilot, CAROL, *QUESTION)
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn))
        await until(pilot, lambda: main._pinning.pinned is not None and main._pinning.pinned.before is not None)
        assert main._pinning.pinned is not None
        assert main.workspace is not None
        for entity in (main.workspace.account.user("carol"), main.workspace.account.role("deploy-prod")):
            await until(pilot, lambda entity=entity: main._pinning.pinned(entity) is not PENDING)
        carol = main._pinning.pinned(main.workspace.account.user("carol"))  # type: ignore[arg-type]
        deploy = main._pinning.pinned(main.workspace.account.role("deploy-prod"))  # type: ignore[arg-type]
        assert carol is not None
        assert carol.changed
        assert str(carol.before) == f"{wording.IMPLICIT_DENY}, {wording.AS_LOADED} (resource not evaluated)"
        assert str(carol) == f"{wording.ALLOWED} {wording.AS_LOADED} (resource, SCP, RCP not evaluated)"
        assert deploy is not None
        assert deploy.before is not None
        assert not deploy.changed
        main.go_to("users:")
        await settle(pilot)
        assert f"[-]*>{wording.ALLOWED}*" in screen_text(app_of(pilot))
