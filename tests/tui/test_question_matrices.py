"""The question panel with several questions at once, companions, drafts and callers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from msgspec import structs
from textual.widgets import Input

from iamtui.engine.decision import Decision
from iamtui.engine.request import Mode, Principal
from iamtui.questions.answers import Answer
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.tui.dialogs.dialogs import ChoiceDialog
from iamtui.tui.question.answer_lists import MatrixView
from iamtui.tui.question.context_field import ContextView, key_rows
from iamtui.tui.question.panel import QuestionPanel
from iamtui.workspace.ask import answers as matrix_answers
from iamtui.workspace.source.workspace import Workspace
from tests.support import panel_records as records
from tests.support import wording
from tests.support.panel_apps import screen_text, settle, type_text
from tests.support.question_panel import X, Y, asked, listener, opened, shown

__all__ = ["asked"]


async def test_several_actions_and_resources_make_a_matrix_with_the_worst_first(asked: list[QuestionMatrix]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject, s3:DeleteObject", f"{X} {Y}")
        await settle(pilot)

        assert asked[-1].actions == ("s3:GetObject", "s3:DeleteObject")
        assert asked[-1].resources == (X, Y)
        rows = [row for row in screen_text(app).split("\n") if row.count("DENIED") == 2 or row.count("ALLOWED") == 2]
        assert rows[0].index("s3:DeleteObject") < rows[0].index(wording.DENIED_EXPLICITLY)
        assert rows[1].index("s3:GetObject") < rows[1].index(f"{wording.ALLOWED}*")
        assert shown(app, "summary").startswith("2 denied, 2 allowed (2*) of 4")
        assert shown(app, "verdict").startswith(f"s3:DeleteObject: {wording.EXPLICIT_DENY} by ")
        assert panel.answer is not None
        assert panel.question is not None
        assert panel.question.action == "s3:DeleteObject"


@pytest.mark.slow
async def test_resources_have_the_room_that_there_is(asked: list[QuestionMatrix]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject, s3:DeleteObject", f"{X} {Y}")
        await settle(pilot)
        header = next(
            row for row in screen_text(app).split("\n") if row.count("arn:aws:s3") == 2 and "Resource" not in row
        )
        assert X in header


async def test_the_cursor_in_the_matrix_chooses_what_is_told_below(asked: list[QuestionMatrix]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject s3:DeleteObject", f"{X} {Y}")
        await settle(pilot)
        app.query_one(MatrixView).focus()
        await pilot.press("j", "l")
        await settle(pilot)

        assert shown(app, "verdict").startswith(f"s3:GetObject: {wording.ALLOWED}")
        heard = [event for event in app.heard if isinstance(event, QuestionPanel.Answered)][-1]
        assert (heard.question.action, heard.question.resource) == ("s3:GetObject", Y)
        assert heard.question_matrix == replace(asked[-1], actions=("s3:GetObject",), resources=(Y,))
        assert panel.question == heard.question


@pytest.mark.slow
async def test_a_narrow_panel_lists_the_pairs(asked: list[QuestionMatrix]) -> None:
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject s3:DeleteObject", " ".join([X, Y, f"{X}z"]))
        await settle(pilot)

        rows = [row for row in screen_text(app).split("\n") if f"{wording.DENIED_EXPLICITLY}    s3:DeleteObject" in row]
        assert rows
        assert panel.whole_answer is not None
        assert len(panel.whole_answer.cells) == 6


async def test_enter_in_the_matrix_opens_the_trace(
    asked: list[QuestionMatrix], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened_for: list[Decision | None] = []
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        monkeypatch.setattr(QuestionPanel, "action_why", lambda panel: opened_for.append(panel.answer))
        panel.ask("s3:GetObject s3:DeleteObject", X)
        await settle(pilot)
        app.query_one(MatrixView).focus()
        await pilot.press("enter")
        await settle(pilot)

        assert opened_for == [panel.answer]
        assert asked


async def test_with_a_draft_the_verdict_without_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    original = records.small_workspace()

    def answer(
        workspace: Workspace, principal: Principal, question_matrix: QuestionMatrix, **_options: object
    ) -> Answer:
        decision = records.not_allowed() if workspace is original else records.allowed_fully()
        return records.answer_of(principal, question_matrix, [decision])

    monkeypatch.setattr(matrix_answers, "answer", answer)
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject", X)
        await settle(pilot)
        assert "Without the draft" not in shown(app, "because")

        panel.set_before(original)
        await settle(pilot)
        assert shown(app, "verdict").startswith(f"{wording.ALLOWED} by ")
        assert shown(app, "because").startswith(f"Without the draft: {wording.IMPLICIT_DENY}")

        panel.set_before(None)
        await settle(pilot)
        assert "Without the draft" not in shown(app, "because")


@pytest.mark.slow
async def test_an_action_without_resources_skips_the_field(asked: list[QuestionMatrix]) -> None:
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.action_ask()
        await type_text(pilot, "createu")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)

        assert app.query_one("#question-resource", Input).placeholder == "needs no resource"
        assert app.focused is app.query_one("#question-layers")
        assert asked[-1].resources == ("*",)


@pytest.mark.slow
async def test_completions_show_level_and_description(asked: list[QuestionMatrix]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.action_ask()
        await type_text(pilot, "s3:GetObject s3:listb")
        await settle(pilot)
        [row] = [row for row in screen_text(app).split("\n") if "s3:ListBucket" in row]
        assert "List" in row
        assert "ListBucket of s3" in row

        await pilot.press("enter")
        await settle(pilot)
        assert asked[-1].actions == ("s3:GetObject", "s3:ListBucket")


async def test_a_wrong_value_is_said_at_once_and_takes_the_verdict_away(asked: list[QuestionMatrix]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject", X, "aws:SourceIp=203.0.113")
        await settle(pilot)

        assert shown(app, "verdict") == "! aws:SourceIp takes an IP address or network; 203.0.113 is not one."
        assert panel.answer is None
        assert asked == []


async def test_a_time_in_words_keeps_its_moment_while_the_principal_changes(asked: list[QuestionMatrix]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject", X, "aws:CurrentTime=now+1h")
        await settle(pilot)
        panel.set_principal(records.user_principal("bob"), "user/bob")
        await settle(pilot)

        [first, second] = asked
        assert first == second
        moment = first.terms.context["aws:CurrentTime"][0]
        assert datetime.fromisoformat(moment).tzinfo is not None


@pytest.mark.slow
async def test_the_keys_of_an_answer_are_listed_with_their_source(asked: list[QuestionMatrix]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObjectAcl", X)
        await settle(pilot)
        panel.action_keys()
        await settle(pilot)
        view = app.query_one(ContextView)
        assert view.has_focus
        assert "[?] unknown" in screen_text(app)

        await pilot.press("enter")
        await settle(pilot)
        assert app.query_one("#question-context", Input).value == "aws:MultiFactorAuthPresent="
        await type_text(pilot, "true")
        await settle(pilot)
        assert asked[-1].terms.context == {"aws:MultiFactorAuthPresent": ("true",)}


def test_rows_of_keys_name_given_assumed_derived_and_unknown() -> None:
    decision = records.depends()
    request = structs.replace(
        decision.request,
        context={"aws:SourceVpc": ()},
        derived=({"aws:principaltag/team": ("data",), "aws:securetransport": ("true",)},),
    )
    rows = key_rows(decision.with_parts(request=request, assumptions=("aws:SecureTransport = true",)))

    assert [(row.key, row.words, row.source) for row in rows] == [
        ("aws:MultiFactorAuthPresent", "not given", "unknown"),
        ("aws:SourceIp", "not given", "unknown"),
        ("aws:SourceVpc", "absent", "given"),
        ("aws:SecureTransport", "true", "assumed"),
        ("aws:PrincipalTag/team", "data", "derived"),
    ]


async def test_presets_fill_the_context_and_the_mode(asked: list[QuestionMatrix]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject", X)
        await settle(pilot)
        panel.action_presets()
        await settle(pilot)
        assert isinstance(app.screen, ChoiceDialog)
        app.screen.dismiss("no-mfa")
        await settle(pilot)
        assert asked[-1].terms.context == {"aws:MultiFactorAuthPresent": ("false",), "aws:MultiFactorAuthAge": ()}

        panel.action_switch_mode()
        await settle(pilot)
        assert asked[-1].terms.mode is Mode.STRICT
        assert panel.border_title is not None
        assert "strict" in panel.border_title


@pytest.mark.slow
async def test_typing_narrows_the_presets(asked: list[QuestionMatrix]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject", X)
        await settle(pilot)
        for typed in ("strict", "discover", "without"):
            panel.action_presets()
            await settle(pilot)
            await type_text(pilot, typed)
            await pilot.press("enter")
            await settle(pilot)
            if typed == "strict":
                assert asked[-1].terms.mode is Mode.STRICT
                assert not asked[-1].terms.context
        assert asked[-1].terms.mode is Mode.DISCOVER
        assert asked[-1].terms.context["aws:MultiFactorAuthPresent"] == ("false",)


async def test_a_caller_with_a_session_policy_chained_from_a_role(asked: list[QuestionMatrix]) -> None:
    policy = records.READ_LAKE.raw
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        whole = QuestionMatrix(
            ("s3:GetObject",),
            (X,),
            Question(
                "",
                session_policies=(policy,),
                scope_downs=(policy, policy),
                mode=Mode.STRICT,
                context={"aws:SourceIp": ()},
                region="eu-north-1",
            ),
            "arn:aws:iam::123456789012:role/deploy-prod",
            {"kms:Decrypt": ()},
        )
        panel.ask_matrix(whole)
        await settle(pilot)

        assert asked[-1] == whole
        assert "Caller" in screen_text(app)

        panel.ask("s3:GetObject", X)
        await settle(pilot)
        assert asked[-1].chained_from == ""
        assert asked[-1].terms.session_policies == ()
        assert asked[-1].terms.scope_downs == ()
        assert "Caller" not in screen_text(app)


@pytest.mark.slow
async def test_the_answer_keeps_its_height_while_a_question_is_pinned(asked: list[QuestionMatrix]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObjectAcl", X)
        await settle(pilot)
        high = panel.region.height
        app.query_one("#question-action", Input).value = "s3:GetObject"
        await settle(pilot)
        assert panel.region.height == high

        panel.ask("s3:GetObject", X)
        await settle(pilot)
        assert panel.region.height < high
