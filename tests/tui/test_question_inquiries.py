"""The question panel with several questions at once, companions, drafts, callers, and what is remembered."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from iamtui.analysis.inquiry import Inquiry
from iamtui.analysis.question import Question
from iamtui.catalog.api_calls import Check
from iamtui.evaluation.decision import Decision
from iamtui.evaluation.request import Mode, Principal, PrincipalKind
from iamtui.tui.dialogs.prompts import ChoiceDialog
from iamtui.tui.widgets.question.context_view import ContextView, key_rows
from iamtui.tui.widgets.question.matrix import MatrixView
from iamtui.tui.widgets.question.panel import QuestionPanel
from iamtui.workspace.questions import inquiries
from iamtui.workspace.questions.answers import Answer, Companion
from iamtui.workspace.questions.saved_questions import QuestionStore
from iamtui.workspace.workspace import Workspace
from tests.support import panel_records as records
from tests.support.panel_apps import PanelApp, screen_text, settle, type_text

SESSION_POLICY = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}'
X, Y = "arn:aws:s3:::data-lake/x", "arn:aws:s3:::data-lake/y"


class Listener(PanelApp):
    """Keeps what the panel says."""

    def __init__(self, panel: QuestionPanel) -> None:
        super().__init__(panel)
        self.question_panel = panel

    def on_question_panel_answered(self, event: QuestionPanel.Answered) -> None:
        self.heard.append(event)

    def on_question_panel_copy(self, event: QuestionPanel.Copy) -> None:
        self.heard.append(event)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Inquiry]:
    """The engine replaced by canned answers; keeps what it was asked."""
    heard: list[Inquiry] = []

    def answer(workspace: Workspace, principal: Principal, inquiry: Inquiry, **options: Any) -> Answer | None:
        heard.append(inquiry)
        return records.canned_inquiry(workspace, principal, inquiry, **options)

    monkeypatch.setattr(inquiries, "answer", answer)
    return heard


def listener() -> Listener:
    return Listener(QuestionPanel(catalogue=records.FewActions()))


async def opened(pilot: Pilot[object], app: Listener) -> QuestionPanel:
    app.question_panel.set_workspace(records.small_workspace())
    app.question_panel.set_principal(records.role_principal(), "role/deploy-prod")
    await settle(pilot)
    return app.question_panel


def shown(app: PanelApp, name: str) -> str:
    return " ".join(str(app.query_one(f"#question-{name}", Static).content).split())


async def test_several_actions_and_resources_make_a_matrix_with_the_worst_first(asked: list[Inquiry]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject, s3:DeleteObject", f"{X} {Y}")
        await settle(pilot)

        assert asked[-1].actions == ("s3:GetObject", "s3:DeleteObject")
        assert asked[-1].resources == (X, Y)
        rows = [row for row in screen_text(app).split("\n") if row.count("DENIED") == 2 or row.count("ALLOWED") == 2]
        assert rows[0].index("s3:DeleteObject") < rows[0].index("[x] DENIED")
        assert rows[1].index("s3:GetObject") < rows[1].index("[+] ALLOWED*")
        assert shown(app, "summary").startswith("2 denied, 2 allowed (2*) of 4")
        assert shown(app, "verdict") == "s3:DeleteObject: [x] DENIED explicit"
        assert panel.answer is not None
        assert panel.question is not None
        assert panel.question.action == "s3:DeleteObject"


async def test_resources_have_the_room_that_there_is(asked: list[Inquiry]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject, s3:DeleteObject", f"{X} {Y}")
        await settle(pilot)
        header = next(
            row for row in screen_text(app).split("\n") if row.count("arn:aws:s3") == 2 and "Resource" not in row
        )
        assert X in header


async def test_the_cursor_in_the_matrix_chooses_what_is_told_below(asked: list[Inquiry]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject s3:DeleteObject", f"{X} {Y}")
        await settle(pilot)
        app.query_one(MatrixView).focus()
        await pilot.press("j", "l")
        await settle(pilot)

        assert shown(app, "verdict").startswith("s3:GetObject: [+] ALLOWED")
        heard = [event for event in app.heard if isinstance(event, QuestionPanel.Answered)][-1]
        assert (heard.question.action, heard.question.resource) == ("s3:GetObject", Y)
        assert heard.inquiry == replace(asked[-1], actions=("s3:GetObject",), resources=(Y,))
        assert panel.question == heard.question


async def test_a_narrow_panel_lists_the_pairs(asked: list[Inquiry]) -> None:
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject s3:DeleteObject", " ".join([X, Y, f"{X}z"]))
        await settle(pilot)

        rows = [row for row in screen_text(app).split("\n") if "[x] DENIED    s3:DeleteObject" in row]
        assert rows
        assert panel.whole_answer is not None
        assert len(panel.whole_answer.cells) == 6


async def test_enter_in_the_matrix_opens_the_trace(asked: list[Inquiry], monkeypatch: pytest.MonkeyPatch) -> None:
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


async def test_a_companion_that_decides_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    passing = Question("iam:PassRole", "arn:aws:iam::123456789012:role/x")
    denied = records.not_allowed()

    def answer(workspace: Workspace, principal: Principal, inquiry: Inquiry, **_options: object) -> Answer:
        whole = records.answer_of(principal, inquiry, [records.allowed_fully()])
        needed = Companion(Check("iam:PassRole", "the execution role"), passing, denied, decides=True)
        cell = replace(whole.cells[0], companions=(needed,), deciding=denied)
        return replace(whole, cells=(cell,), worst=cell)

    monkeypatch.setattr(inquiries, "answer", answer)
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject", X)
        await settle(pilot)

        assert shown(app, "verdict") == "[-] DENIED no allow for iam:PassRole, which the call needs too"
        assert "The action itself: [+] ALLOWED" in shown(app, "because")
        assert f"Needs also iam:PassRole on {passing.resource}: [-] DENIED" in shown(app, "because")
        assert panel.answer is denied
        assert panel.question is not None
        assert panel.question.action == "s3:GetObject"


async def test_with_a_draft_the_verdict_without_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    original = records.small_workspace()

    def answer(workspace: Workspace, principal: Principal, inquiry: Inquiry, **_options: object) -> Answer:
        decision = records.not_allowed() if workspace is original else records.allowed_fully()
        return records.answer_of(principal, inquiry, [decision])

    monkeypatch.setattr(inquiries, "answer", answer)
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject", X)
        await settle(pilot)
        assert "Without the draft" not in shown(app, "because")

        panel.set_before(original)
        await settle(pilot)
        assert shown(app, "verdict") == "[+] ALLOWED"
        assert shown(app, "because").startswith("Without the draft: [-] DENIED no allow")

        panel.set_before(None)
        await settle(pilot)
        assert "Without the draft" not in shown(app, "because")


async def test_an_action_without_resources_skips_the_field(asked: list[Inquiry]) -> None:
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


async def test_completions_show_level_and_description(asked: list[Inquiry]) -> None:
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


async def test_a_wrong_value_is_said_at_once_and_takes_the_verdict_away(asked: list[Inquiry]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject", X, "aws:SourceIp=203.0.113")
        await settle(pilot)

        assert shown(app, "verdict") == "! aws:SourceIp takes an IP address or network; 203.0.113 is not one."
        assert panel.answer is None
        assert asked == []


async def test_a_time_in_words_keeps_its_moment_while_the_principal_changes(asked: list[Inquiry]) -> None:
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


async def test_the_keys_of_an_answer_are_listed_with_their_source(asked: list[Inquiry]) -> None:
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
    request = replace(
        decision.request,
        context={"aws:SourceVpc": ()},
        derived=({"aws:principaltag/team": ("data",), "aws:securetransport": ("true",)},),
    )
    rows = key_rows(replace(decision, request=request, assumptions=("aws:SecureTransport = true",)))

    assert [(row.key, row.words, row.source) for row in rows] == [
        ("aws:MultiFactorAuthPresent", "not given", "unknown"),
        ("aws:SourceIp", "not given", "unknown"),
        ("aws:SourceVpc", "absent", "given"),
        ("aws:SecureTransport", "true", "assumed"),
        ("aws:PrincipalTag/team", "data", "derived"),
    ]


async def test_presets_fill_the_context_and_the_mode(asked: list[Inquiry]) -> None:
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


async def test_typing_narrows_the_presets(asked: list[Inquiry]) -> None:
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


async def test_a_caller_with_a_session_policy_chained_from_a_role(asked: list[Inquiry]) -> None:
    policy = records.READ_LAKE.raw
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        whole = Inquiry(
            ("s3:GetObject",),
            (X,),
            Question(
                "", session_policies=(policy,), mode=Mode.STRICT, context={"aws:SourceIp": ()}, region="eu-north-1"
            ),
            "arn:aws:iam::123456789012:role/deploy-prod",
            {"kms:Decrypt": ()},
        )
        panel.ask_inquiry(whole)
        await settle(pilot)

        assert asked[-1] == whole
        assert "Caller" in screen_text(app)

        panel.ask("s3:GetObject", X)
        await settle(pilot)
        assert asked[-1].chained_from == ""
        assert asked[-1].terms.session_policies == ()
        assert "Caller" not in screen_text(app)


async def test_up_walks_through_the_questions_asked_before(asked: list[Inquiry]) -> None:
    store = QuestionStore(records.ACCOUNT)
    terms = Question("")
    store.add_to_history(Inquiry(("s3:ListBucket",), ("arn:aws:s3:::data-lake",), terms))
    store.add_to_history(Inquiry(("s3:DeleteObject",), (X,), terms))
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


async def test_a_question_that_was_meant_is_remembered(asked: list[Inquiry]) -> None:
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
        assert kept.inquiry == asked[-1]
        assert kept.principal == records.role_principal().arn


@pytest.mark.parametrize("misspelt", ["s3:GetObjct", "s3:Gxt*"])
async def test_up_brings_back_a_misspelt_question_until_another_is_asked_and_it_is_kept_nowhere(
    misspelt: str, asked: list[Inquiry]
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
        assert [entry.inquiry.actions for entry in QuestionStore(records.ACCOUNT).history()] == [("s3:DeleteObject",)]
        panel.action_questions()
        await settle(pilot)
        assert "s3:DeleteObject" in screen_text(app)
        assert f"{misspelt} on" not in screen_text(app)
        await pilot.press("escape")

        await ask("s3:GetObject")
        await walk(("up", "s3:DeleteObject"), ("up", "s3:DeleteObject"), ("down", "s3:GetObject"), ("down", ""))


async def test_a_question_is_saved_under_a_name_and_chosen_again(asked: list[Inquiry]) -> None:
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


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_questions_asked_before_differ_by_their_context_on_the_list(
    size: tuple[int, int], asked: list[Inquiry]
) -> None:
    app = listener()
    async with app.run_test(size=size) as pilot:
        panel = await opened(pilot, app)
        for used in ("true", "false"):
            panel._memory.remember(
                Inquiry(
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


async def test_a_question_is_saved_with_its_answer_as_what_is_expected(asked: list[Inquiry]) -> None:
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


async def test_a_faulty_file_of_questions_is_said_and_kept(asked: list[Inquiry]) -> None:
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


async def test_the_command_that_asks_the_same_is_copied(asked: list[Inquiry]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject s3:PutObject", X, "aws:SourceIp=10.0.0.1")
        await settle(pilot)
        panel.action_copy_command()
        await settle(pilot)

        [copied] = [event for event in app.heard if isinstance(event, QuestionPanel.Copy)]
        assert copied.text.startswith("iamtui can arn:aws:iam::123456789012:role/deploy-prod s3:GetObject s3:PutObject")
        assert "-c aws:SourceIp=10.0.0.1" in copied.text
        assert copied.also == ""
        assert asked
        panel.set_before(records.small_workspace())
        await settle(pilot)
        panel.action_copy_command()
        await settle(pilot)
        with_draft = [event for event in app.heard if isinstance(event, QuestionPanel.Copy)][-1]
        assert with_draft.also.startswith("It asks without the draft")


async def test_a_session_policy_from_a_file_is_copied_by_its_name_and_one_without_has_to_be_written(
    asked: list[Inquiry], tmp_path: Path
) -> None:
    file = tmp_path / "mine only.json"
    file.write_text(SESSION_POLICY)
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject", X)
        await settle(pilot)
        panel.action_caller()
        await type_text(pilot, f"'session={file}'")
        await pilot.press("escape", "enter")
        await settle(pilot)
        assert asked[-1].terms.session_policies == (SESSION_POLICY,)
        panel.action_copy_command()
        await settle(pilot)
        panel.ask_inquiry(asked[-1])
        await settle(pilot)
        panel.action_copy_command()
        await settle(pilot)
        by_name, to_write = [event for event in app.heard if isinstance(event, QuestionPanel.Copy)]
        assert f"--session-policy '{file}'" in by_name.text
        assert by_name.also == ""
        assert "--session-policy session-policy-1.json" in to_write.text
        assert to_write.also == "It reads session-policy-1.json, which you have to write."


async def test_the_answer_keeps_its_height_while_a_question_is_pinned(asked: list[Inquiry]) -> None:
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


async def test_a_caller_whom_no_command_names_is_not_copied_as_somebody_else_nor_expected_anything_of(
    asked: list[Inquiry],
) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.set_principal(Principal(PrincipalKind.IDENTITY_PROVIDER, "accounts.google.com"), "accounts.google.com")
        panel.ask("s3:DeleteObject", X)
        await settle(pilot)
        assert panel.answer is not None
        panel.action_copy_command()
        await settle(pilot)
        assert "No command names accounts.google.com as the caller" in app.notices[-1]
        assert not [event for event in app.heard if isinstance(event, QuestionPanel.Copy)]
        panel.action_save()
        await settle(pilot)
        assert "also expects this answer" not in screen_text(app)
        await pilot.press("escape")
        panel.set_principal(records.role_principal(), "role/deploy-prod")
        await settle(pilot)
        panel.action_save()
        await settle(pilot)
        assert "also expects this answer" in screen_text(app)
