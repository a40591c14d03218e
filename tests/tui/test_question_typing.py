"""Typing a question, as somebody new to it does: nothing that is half typed takes an answer away or moves the focus."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iamtui.account.model import Account
from iamtui.tui.dialogs.dialogs import ChoiceDialog
from iamtui.tui.drafts.editor_screen import SessionPolicyEditor
from iamtui.tui.explorer.explorer import ExplorerTree
from iamtui.tui.question.answer_view import AnswerView
from iamtui.tui.question.context_field import ContextView
from iamtui.tui.question.who_can_screen import WhoCanScreen
from tests.support.panel_apps import screen_text, type_text
from tests.support.question_asked import LAKE_OBJECT, OFFICE, account, asked, form_of, panel_of, typed
from tests.support.sample_account import iam, sample_workspace
from tests.support.screen_app import RecordingCopier, make_app, opened, press, settle
from tests.support.slow import one_quick

__all__ = ["account"]


@pytest.mark.slow
async def test_a_key_that_is_being_typed_says_nothing_yet(account: Account) -> None:
    async with opened(account=account) as pilot:
        panel = await asked(pilot)
        field = form_of(pilot).context_field
        await typed(pilot, field, "aws:SourceI")
        assert panel.answer is not None
        assert panel.question_matrix is not None
        assert not panel.question_matrix.terms.context
        await press(pilot, "enter")
        assert field.value == "aws:SourceIp="
        assert field.has_focus
        assert panel.answer is not None
        assert [offer.value for offer in field.completions.offers] == [f"aws:SourceIp={OFFICE}"]
        await press(pilot, "enter")
        assert field.value == f"aws:SourceIp={OFFICE}"
        assert panel.answer.allowed


@pytest.mark.slow
async def test_enter_on_what_cannot_be_asked_stays_in_the_field(account: Account) -> None:
    async with opened(account=account) as pilot:
        panel = await asked(pilot)
        for field, text in (
            (form_of(pilot).context_field, "aws:SourceIp=nowhere"),
            (form_of(pilot).resource_field, "nowhere"),
        ):
            field.value = ""
            await typed(pilot, field, text)
            await press(pilot, "enter")
            assert panel.answer is None
            assert field.has_focus
            field.value = ""


async def test_an_action_that_aws_does_not_have_gets_a_sentence_and_no_verdict(account: Account) -> None:
    async with opened(account=account) as pilot:
        panel = await asked(pilot)
        assert panel.answer is not None
        field = form_of(pilot).action_field
        field.value = ""
        await typed(pilot, field, "s3:GetObjekt")
        await press(pilot, "escape", "enter")
        await settle(pilot)
        shown = " ".join(screen_text(pilot.app).split())
        assert panel.answer is None
        assert "AWS has no action s3:GetObjekt" in shown
        assert "Nearest: s3:GetObject" in shown
        field.value = ""
        await typed(pilot, field, "sts:GetScopedCredentials")
        await press(pilot, "escape", "enter")
        await settle(pilot)
        assert panel.answer is not None
        assert not panel.answer.allowed


async def test_the_keys_of_the_question_work_from_the_tree(account: Account) -> None:
    async with opened(account=account) as pilot:
        await asked(pilot)
        pilot.app.screen.query_one(ExplorerTree).focus()
        await press(pilot, "f2")
        assert isinstance(pilot.app.screen, ChoiceDialog)
        await press(pilot, "escape")
        await press(pilot, "f9")
        keys = pilot.app.screen.query_one(ContextView)
        assert keys.has_focus
        assert keys.row is not None
        assert (keys.row.key, keys.row.source) == ("aws:SourceIp", "unknown")


@pytest.mark.slow
async def test_the_keys_begin_with_the_one_that_matters_whenever_they_are_shown(account: Account) -> None:
    async with opened(size=(80, 24), account=account) as pilot:
        await asked(pilot)
        await press(pilot, "f9")
        keys = pilot.app.screen.query_one(ContextView)
        await press(pilot, "j", "j")
        assert keys.cursor == 2
        await press(pilot, "f9", "f9")
        assert keys.cursor == 0


@pytest.mark.slow
async def test_who_can_says_on_what_terms_it_is_asked(account: Account) -> None:
    async with opened(size=(80, 24), account=account) as pilot:
        await asked(pilot)
        form = form_of(pilot)
        form.set_keys({"aws:SourceIp": ("203.0.113.9",)})
        form.switch_mode()
        await settle(pilot)
        await press(pilot, "f6")
        assert isinstance(pilot.app.screen, WhoCanScreen)
        assert "Given    aws:SourceIp=203.0.113.9  strict" in screen_text(pilot.app)
        assert "Not evaluated, and could change some answers: SCP, RCP." in screen_text(pilot.app)


@pytest.mark.slow
async def test_a_session_policy_is_written_to_ask_with_it_not_for_a_draft() -> None:
    async with opened() as pilot:
        await asked(pilot)
        await press(pilot, "f4")
        await type_text(pilot, "session=written")
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, SessionPolicyEditor)
        assert "Ask with it" in screen_text(pilot.app)
        await press(pilot, "ctrl+s")
        question_matrix = panel_of(pilot).question_matrix
        assert question_matrix is not None
        assert len(question_matrix.terms.session_policies) == 1


async def test_an_account_without_principals_says_that_nobody_can_be_asked_for() -> None:
    async with opened(account=Account(id="123456789012")) as pilot:
        panel_of(pilot).ask("s3:GetObject", LAKE_OBJECT)
        await settle(pilot)
        assert "there is nobody to ask for" in screen_text(pilot.app)


@one_quick("half", ["s3:GetObj", "s3:Gxt*", "s3:GetObject"])
async def test_only_what_was_answered_is_remembered_although_enter_was_pressed(half: str) -> None:
    async with opened() as pilot:
        panel = await asked(pilot)
        field = form_of(pilot).resource_field
        panel.ask(half, "")
        await settle(pilot)
        field.focus()
        await type_text(pilot, LAKE_OBJECT)
        await settle(pilot)
        field.close()
        await press(pilot, "enter")
        await settle(pilot)
        answered = half == "s3:GetObject"
        assert [question_matrix.actions for question_matrix in panel._memory.history] == ([(half,)] if answered else [])


@pytest.mark.slow
async def test_nothing_is_left_of_the_keys_of_an_answer_that_is_gone() -> None:
    async with opened() as pilot:
        panel = await asked(pilot)
        panel.ask("", "")
        await settle(pilot)
        await press(pilot, "f9")
        assert "There is no answer yet whose condition keys" in screen_text(pilot.app)
        await asked(pilot)
        await press(pilot, "f9", "escape")
        assert "aws:SecureTransport" in screen_text(pilot.app)
        panel.ask("", "")
        await settle(pilot)
        assert "No condition key to show" not in screen_text(pilot.app)


@pytest.mark.slow
async def test_an_answer_without_what_is_half_typed_says_so_and_what_is_left_half_typed_has_none(
    account: Account,
) -> None:
    copier = RecordingCopier()
    async with opened(make_app(replace(sample_workspace(), account=account), copier=copier)) as pilot:
        panel = await asked(pilot)
        view = pilot.app.screen.query_one(AnswerView)
        await typed(pilot, form_of(pilot).context_field, "aws:SourceI")
        assert panel.answer is not None
        assert "Without aws:SourceI, can role/web-server do" in screen_text(pilot.app)
        assert view.has_class("-aside")
        await press(pilot, "escape")
        await type_text(pilot, "p=")
        await settle(pilot)
        assert "Without aws:SourceIp, can role/web-server do" in screen_text(pilot.app)
        await press(pilot, "backspace", "backspace", "escape", "ctrl+y")
        assert "-c" not in copier.copied[-1].split()
        assert "It asks without aws:SourceI, which is half typed." in screen_text(pilot.app)
        assert "! aws:SourceI is half typed: what follows is answered without it." in screen_text(pilot.app)
        pilot.app.screen.query_one(ExplorerTree).focus()
        await settle(pilot)
        assert panel.answer is None
        assert "The context has 'aws:SourceI' without a value." in screen_text(pilot.app)
        await press(pilot, "j")
        await settle(pilot)
        assert panel.answer is None, "moving on makes no sense of it"
        await typed(pilot, form_of(pilot).context_field, f"p={OFFICE}")
        assert panel.answer is not None
        assert not view.has_class("-aside")
        assert "Without" not in str(panel.border_title)


@pytest.mark.slow
@one_quick("size", [(80, 24), (120, 40)])
async def test_what_an_answer_leads_to_says_that_it_leaves_out_what_is_half_typed(
    account: Account, size: tuple[int, int]
) -> None:
    left_out = "aws:SourceI is half typed: finish it or take it out, then draft."
    async with opened(account=account, size=size) as pilot:
        await asked(pilot, action="s3:DeleteObject")
        await typed(pilot, form_of(pilot).context_field, "aws:SourceI")
        await press(pilot, "escape", "f10")
        assert left_out in screen_text(pilot.app)
        await press(pilot, "f7")
        await settle(pilot)
        assert "Why  Without aws:SourceI, can role/web-server do s3:DeleteObject?" in screen_text(pilot.app)
        await press(pilot, "f10")
        assert left_out in screen_text(pilot.app)
        await press(pilot, "escape", "f6")
        await settle(pilot)
        assert "Without  aws:SourceI, which is half typed" in screen_text(pilot.app)
        await press(pilot, "w")
        await settle(pilot)
        assert "Why  Without aws:SourceI, can " in screen_text(pilot.app)
        await press(pilot, "escape", "escape")
        await type_text(pilot, f"p={OFFICE}")
        await settle(pilot)
        await press(pilot, "f6")
        await settle(pilot)
        assert "Without" not in screen_text(pilot.app)


@pytest.mark.slow
async def test_half_a_value_or_half_a_word_about_the_caller_leaves_the_answer_standing_and_says_so(
    account: Account,
) -> None:
    async with opened(account=account) as pilot:
        panel = await asked(pilot)
        await typed(pilot, form_of(pilot).context_field, "aws:SourceIp=203.")
        assert panel.answer is not None
        assert "Without aws:SourceIp=203., can role/web-server do" in screen_text(pilot.app)
        await press(pilot, "escape", "ctrl+s")
        assert "aws:SourceIp=203. is half typed: finish it or take it out, then save." in screen_text(pilot.app)
        await type_text(pilot, "0.113.9")
        await settle(pilot)
        assert panel.question_matrix is not None
        assert panel.question_matrix.terms.context == {"aws:SourceIp": ("203.0.113.9",)}
        form_of(pilot).open_caller()
        await settle(pilot)
        for letter in "from=role/deploy-pro":
            await type_text(pilot, letter)
            await settle(pilot)
            assert panel.answer is not None, letter
        assert panel.question_matrix.chained_from == ""
        assert "Without from=role/deploy-pro, can role/web-server do" in screen_text(pilot.app)
        await type_text(pilot, "d")
        await settle(pilot)
        assert panel.question_matrix.chained_from == iam("role/deploy-prod")
        assert "Without" not in str(panel.border_title)
        await press(pilot, "backspace")
        pilot.app.screen.query_one(ExplorerTree).focus()
        await settle(pilot)
        assert panel.answer is None
        assert "No role of this account is role/deploy-pro." in screen_text(pilot.app)
        keys = screen_text(pilot.app).splitlines()[-1]
        assert "Who can" not in keys
        assert "Why" not in keys


@pytest.mark.slow
async def test_a_key_that_aws_does_not_document_is_remarked_on(account: Account) -> None:
    async with opened(account=account) as pilot:
        panel = panel_of(pilot)
        await asked(pilot)
        panel.ask("s3:GetObject", LAKE_OBJECT, "aws:SuorceIp=203.0.113.9")
        await settle(pilot)
        assert panel.answer is not None
        assert "AWS documents no condition key aws:SuorceIp" in screen_text(pilot.app)
        assert "Nearest: aws:SourceIp." in screen_text(pilot.app)
