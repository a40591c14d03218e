"""Typing a question, as somebody new to it does: nothing that is half typed takes an answer away or moves the focus."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from textual.pilot import Pilot

from iamtui.account.model import Account, InlinePolicy, ResourcePolicy
from iamtui.tui.app import IamtuiApp
from iamtui.tui.dialogs.prompts import ChoiceDialog
from iamtui.tui.screens.session_policy_editor import SessionPolicyEditor
from iamtui.tui.screens.who_can.screen import WhoCanScreen
from iamtui.tui.widgets.explorer_tree import ExplorerTree
from iamtui.tui.widgets.question.answer import AnswerView
from iamtui.tui.widgets.question.catalogue import LoadedCatalogue
from iamtui.tui.widgets.question.completing import Completer, Surroundings
from iamtui.tui.widgets.question.context_view import ContextView
from iamtui.tui.widgets.question.field import CompletingInput
from iamtui.tui.widgets.question.form import QuestionForm
from iamtui.tui.widgets.question.layer_text import layer_parts
from iamtui.tui.widgets.question.layers import LayersList
from iamtui.tui.widgets.question.matrix import MatrixView
from iamtui.tui.widgets.question.panel import QuestionPanel
from tests.support.panel_apps import screen_text, type_text
from tests.support.sample_account import allow, deny, document, iam, sample_workspace
from tests.support.screen_app import RecordingCopier, make_app, opened, press, settle

LAKE_OBJECT = "arn:aws:s3:::data-lake/x"
OFFICE = "203.0.113.0/24"


@pytest.fixture
def account() -> Account:
    """The sample account, whose lake is open to the office alone."""
    account = sample_workspace().account
    policy = document(
        deny("s3:*", "*", Sid="OfficeOnly", Principal="*", Condition={"NotIpAddress": {"aws:SourceIp": OFFICE}})
    )
    return replace(
        account,
        resource_policies={**account.resource_policies, "arn:aws:s3:::data-lake": ResourcePolicy("present", policy)},
    )


def panel_of(pilot: Pilot[None]) -> QuestionPanel:
    return pilot.app.screen.query_one(QuestionPanel)


def form_of(pilot: Pilot[None]) -> QuestionForm:
    return pilot.app.screen.query_one(QuestionForm)


async def asked(
    pilot: Pilot[None], who: str = "role/web-server", action: str = "s3:GetObject", resource: str = LAKE_OBJECT
) -> QuestionPanel:
    app: IamtuiApp = pilot.app  # type: ignore[assignment]
    app.main.go_to(iam(who))
    panel_of(pilot).ask(action, resource)
    await settle(pilot)
    return panel_of(pilot)


async def typed(pilot: Pilot[None], field: CompletingInput, text: str) -> None:
    field.focus()
    await pilot.pause()
    await type_text(pilot, text)
    await settle(pilot)


async def test_a_key_that_is_being_typed_says_nothing_yet(account: Account) -> None:
    async with opened(account=account) as pilot:
        panel = await asked(pilot)
        field = form_of(pilot).context_field
        await typed(pilot, field, "aws:SourceI")
        assert panel.answer is not None
        assert panel.inquiry is not None
        assert not panel.inquiry.terms.context
        await press(pilot, "enter")
        assert field.value == "aws:SourceIp="
        assert field.has_focus
        assert panel.answer is not None
        assert [offer.value for offer in field.completions.offers] == [f"aws:SourceIp={OFFICE}"]
        await press(pilot, "enter")
        assert field.value == f"aws:SourceIp={OFFICE}"
        assert panel.answer.allowed


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


async def test_no_completion_is_marked_while_enter_keeps_what_is_typed() -> None:
    async with opened() as pilot:
        await asked(pilot)
        field = form_of(pilot).resource_field
        field.value = ""
        await typed(pilot, field, "arn:aws:s3:::data-l")
        assert field.is_open
        assert field.completions.highlighted == -1
        await press(pilot, "down")
        assert field.completions.highlighted == 0
        chosen = field.completions.offers[0].value
        await press(pilot, "enter")
        assert field.value == chosen


async def test_part_of_a_roles_name_is_completed_by_enter() -> None:
    async with opened() as pilot:
        panel = await asked(pilot)
        await press(pilot, "f4")
        field = form_of(pilot).caller_row.field
        await type_text(pilot, "chain")
        await settle(pilot)
        await press(pilot, "enter")
        assert field.value == "from="
        await type_text(pilot, "deploy")
        await settle(pilot)
        await press(pilot, "enter")
        assert field.value == "from=role/deploy-prod"
        await settle(pilot)
        assert panel.inquiry is not None
        assert panel.inquiry.chained_from == iam("role/deploy-prod")
        assert "chained from role/deploy-prod" in screen_text(pilot.app)


@pytest.mark.parametrize(
    ("word", "offered"),
    [
        ("aws:SourceIp=", ["aws:SourceIp=203.0.113.0/24"]),
        ("AWS:sourceip=203", ["AWS:sourceip=203.0.113.0/24"]),
        ("aws:SourceIp=203.0.113.0/24", []),
        ("aws:SourceVpce=", []),
    ],
)
def test_the_values_that_policies_name_are_offered(word: str, offered: list[str]) -> None:
    around = Surroundings(None, "", ("s3:GetObject",), wanted={"aws:sourceip": (OFFICE,)})
    found = Completer(LoadedCatalogue()).context(word, around, datetime(2026, 1, 1, tzinfo=UTC))
    assert [offer.value for offer in found] == offered


def offered_keys(word: str, action: str, **around: object) -> list[str]:
    here = Surroundings(None, "", (action,), **around)  # type: ignore[arg-type]
    return [offer.value for offer in Completer(LoadedCatalogue()).context(word, here, datetime(2026, 1, 1, tzinfo=UTC))]


@pytest.mark.parametrize(
    ("word", "first"),
    [
        ("mfa", ["aws:MultiFactorAuthPresent=", "aws:MultiFactorAuthAge="]),
        ("factorauth", ["aws:MultiFactorAuthPresent=", "aws:MultiFactorAuthAge="]),
        ("aws:mfaa", ["aws:MultiFactorAuthAge="]),
        ("sourcei", ["aws:SourceIp=", "ec2:SourceInstanceArn=", "ssm:SourceInstanceArn="]),
        ("!mfa", ["!aws:MultiFactorAuthPresent", "!aws:MultiFactorAuthAge"]),
        ("!tag", ["!aws:TagKeys"]),
    ],
)
def test_keys_complete_as_actions_do(word: str, first: list[str]) -> None:
    assert offered_keys(word, "s3:GetObject")[: len(first)] == first


def test_a_key_of_any_letters_is_offered_once_and_missing_ones_come_first() -> None:
    found = offered_keys("source", "s3:GetObject", missing_keys=("AWS:sourcearn", "aws:RequestTag/source\nü"))
    assert found[0] == "AWS:sourcearn="
    assert [name.lower() for name in found].count("aws:sourcearn=") == 1
    assert found[-1] == "aws:RequestTag/source\nü="


def test_what_an_identity_provider_claims_is_offered_where_it_takes_part() -> None:
    assert not any("accounts.google.com" in key or "saml:" in key for key in offered_keys("", "sts:AssumeRole"))
    assert "sts:ExternalId=" in offered_keys("", "sts:AssumeRole")
    assert "accounts.google.com:aud=" in offered_keys("", "sts:AssumeRoleWithWebIdentity")
    assert "saml:aud=" in offered_keys("", "sts:AssumeRoleWithSAML")
    assert offered_keys("google", "sts:AssumeRole")[0] == "accounts.google.com:aud=", "sessions that come from there"
    missing = offered_keys("", "sts:AssumeRole", missing_keys=("accounts.google.com:aud",))
    assert missing[0] == "accounts.google.com:aud="


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


async def test_the_keys_begin_with_the_one_that_matters_whenever_they_are_shown(account: Account) -> None:
    async with opened(size=(80, 24), account=account) as pilot:
        await asked(pilot)
        await press(pilot, "f9")
        keys = pilot.app.screen.query_one(ContextView)
        await press(pilot, "j", "j")
        assert keys.cursor == 2
        await press(pilot, "f9", "f9")
        assert keys.cursor == 0


async def test_what_is_cut_and_what_is_kept_back_is_said_in_a_small_window(account: Account) -> None:
    async with opened(size=(80, 24), account=account) as pilot:
        panel = await asked(pilot, action="s3:PutBucketAcl", resource="arn:aws:s3:::data-lake")
        assert panel.answer is not None
        assert panel.answer.notes
        assert f"{len(panel.answer.notes)} note" in screen_text(pilot.app)
        await asked(pilot)
        assert "3 other checks" in screen_text(pilot.app)


async def test_that_aws_never_asks_this_stands_with_the_verdict(account: Account) -> None:
    async with opened(size=(80, 24), account=account) as pilot:
        await asked(pilot, action="s3:ListBucket")
        assert "[!] AWS never asks this: s3:ListBucket is about" in screen_text(pilot.app)


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


async def test_a_session_policy_is_written_to_ask_with_it_not_for_a_draft() -> None:
    async with opened() as pilot:
        await asked(pilot)
        await press(pilot, "f4")
        await type_text(pilot, "session=written")
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, SessionPolicyEditor)
        assert "Ask with it" in screen_text(pilot.app)
        await press(pilot, "ctrl+s")
        inquiry = panel_of(pilot).inquiry
        assert inquiry is not None
        assert len(inquiry.terms.session_policies) == 1


async def test_an_account_without_principals_says_that_nobody_can_be_asked_for() -> None:
    async with opened(account=Account(id="123456789012")) as pilot:
        panel_of(pilot).ask("s3:GetObject", LAKE_OBJECT)
        await settle(pilot)
        assert "there is nobody to ask for" in screen_text(pilot.app)


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_the_layers_stay_in_sight_below_the_longest_answer(size: tuple[int, int]) -> None:
    statements = [
        deny("s3:Get*", "*", Sid="x" * 120),
        allow("s3:*", [f"arn:aws:s3:::{'b' * 50}-{n}/*" for n in range(9)]),
    ]
    account = sample_workspace().account
    web = account.role("web-server")
    assert web is not None
    wordy = replace(web, inline_policies=(InlinePolicy("p" * 120, document(*statements)),))
    roles = tuple(wordy if role is web else role for role in account.roles)
    async with opened(size=size, account=replace(account, roles=roles)) as pilot:
        for action in ("s3:GetObject", "s3:PutObject"):
            panel = await asked(pilot, action=action, resource="arn:aws:s3:::b*")
            assert panel.answer is not None
            layers = pilot.app.screen.query_one(LayersList)
            side = pilot.app.screen.query_one("#side")
            assert layers.region.height == 2
            assert layers.region.bottom <= side.region.bottom
            assert "not evaluated" in screen_text(pilot.app)


async def test_the_layers_stay_in_sight_beside_condition_keys_and_a_matrix() -> None:
    async with opened(size=(80, 24)) as pilot:

        def in_sight() -> bool:
            layers, side = pilot.app.screen.query_one(LayersList), pilot.app.screen.query_one("#side")
            return layers.region.height == 2 and layers.region.bottom <= side.region.bottom

        await asked(pilot, action="s3:GetObject", resource=LAKE_OBJECT)
        await press(pilot, "f9")
        assert in_sight()
        await press(pilot, "escape")
        assert in_sight()
        await asked(pilot, action="s3:GetObject, s3:DeleteObject, s3:PutObject, s3:Get*", resource=LAKE_OBJECT)
        assert in_sight()


@pytest.mark.parametrize("half", ["s3:GetObj", "s3:Gxt*", "s3:GetObject"])
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
        assert [inquiry.actions for inquiry in panel._memory.history] == ([(half,)] if answered else [])


async def test_another_answer_puts_the_cursor_on_the_layer_that_decides_and_a_switch_leaves_it() -> None:
    async with opened() as pilot:
        panel = await asked(pilot, "user/alice", "s3:DeleteObject")
        layers = pilot.app.screen.query_one(LayersList)
        layers.focus()
        await press(pilot, "j")
        assert layers.cursor == 1
        await press(pilot, "space")
        await settle(pilot)
        assert layers.cursor == 1
        panel.ask("s3:DeleteObject", LAKE_OBJECT, "aws:SourceIp=203.0.113.7")
        await settle(pilot)
        assert layers.cursor == 0
        assert "▶[x] identity" in screen_text(pilot.app)


async def test_the_keys_can_be_read_and_left_in_the_smallest_window(account: Account) -> None:
    async with opened(size=(60, 20), account=account) as pilot:
        await asked(pilot)
        layers = pilot.app.screen.query_one(LayersList)
        layers.focus()
        await press(pilot, "f9")
        text = screen_text(pilot.app)
        assert "aws:SourceIp" in text
        assert "not given  unknown" in text
        assert "esc Back" in text
        await press(pilot, "j")
        keys = pilot.app.screen.query_one(ContextView)
        assert keys.cursor == 2
        await press(pilot, "escape")
        assert layers.has_focus
        assert not keys.display
        await press(pilot, "f9", "f9")
        assert layers.has_focus


async def test_a_smaller_window_leaves_no_empty_lines_and_a_larger_one_says_again_what_would_help() -> None:
    async with opened() as pilot:
        panel = await asked(pilot, "user/carol")
        assert "Would help" in screen_text(pilot.app)
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert "" not in [row.partition("│")[2].strip() for row in screen_text(pilot.app).split("\n")[11:22]]
        await pilot.resize_terminal(120, 40)
        await settle(pilot)
        assert panel.answer is not None
        assert "Would help" in screen_text(pilot.app)


async def test_a_field_says_where_it_is_cut() -> None:
    async with opened(size=(80, 24)) as pilot:
        await asked(pilot, resource=f"{LAKE_OBJECT}{'y' * 60}z")
        row = next(row for row in screen_text(pilot.app).split("\n") if "Resource " in row)
        assert row.rstrip().endswith("…")
        form_of(pilot).resource_field.focus()
        await press(pilot, "end")
        row = next(row for row in screen_text(pilot.app).split("\n") if "Resource " in row)
        assert "Resource …yyy" in row
        assert row.rstrip().endswith("z")


async def test_nobody_is_told_to_choose_from_a_list_that_is_not_there() -> None:
    async with opened() as pilot:
        panel = await asked(pilot)
        panel.action_ask()
        await type_text(pilot, "s3:GetObjectTorren")
        await settle(pilot)
        assert "Choose one from the list" in screen_text(pilot.app)
        await press(pilot, "escape")
        assert "Choose one from the list" not in screen_text(pilot.app)
        assert "press Enter to ask anyway" in screen_text(pilot.app)


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


async def test_the_names_of_keys_are_read_in_a_column_too(account: Account) -> None:
    async with opened(size=(200, 60), account=account) as pilot:
        await asked(pilot, "user/alice")
        text = screen_text(pilot.app)
        assert "aws:SecureTransport " in text
        assert "aws:RequestedRegion " in text


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


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
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
        assert panel.inquiry is not None
        assert panel.inquiry.terms.context == {"aws:SourceIp": ("203.0.113.9",)}
        form_of(pilot).open_caller()
        await settle(pilot)
        for letter in "from=role/deploy-pro":
            await type_text(pilot, letter)
            await settle(pilot)
            assert panel.answer is not None, letter
        assert panel.inquiry.chained_from == ""
        assert "Without from=role/deploy-pro, can role/web-server do" in screen_text(pilot.app)
        await type_text(pilot, "d")
        await settle(pilot)
        assert panel.inquiry.chained_from == iam("role/deploy-prod")
        assert "Without" not in str(panel.border_title)
        await press(pilot, "backspace")
        pilot.app.screen.query_one(ExplorerTree).focus()
        await settle(pilot)
        assert panel.answer is None
        assert "No role of this account is role/deploy-pro." in screen_text(pilot.app)
        keys = screen_text(pilot.app).splitlines()[-1]
        assert "Who can" not in keys
        assert "Why" not in keys


async def test_what_is_wrong_with_the_context_is_not_hidden_by_completions(account: Account) -> None:
    async with opened(account=account) as pilot:
        panel = await asked(pilot)
        field = form_of(pilot).context_field
        await typed(pilot, field, "aws:SourceIp=nowhere ")
        assert panel.answer is None
        assert not field.is_open
        assert "aws:SourceIp takes an IP address or network; nowhere is not one." in screen_text(pilot.app)


async def test_a_key_that_aws_does_not_document_is_remarked_on(account: Account) -> None:
    async with opened(account=account) as pilot:
        panel = panel_of(pilot)
        await asked(pilot)
        panel.ask("s3:GetObject", LAKE_OBJECT, "aws:SuorceIp=203.0.113.9")
        await settle(pilot)
        assert panel.answer is not None
        assert "AWS documents no condition key aws:SuorceIp" in screen_text(pilot.app)
        assert "Nearest: aws:SourceIp." in screen_text(pilot.app)


async def test_keys_given_already_are_not_offered_again_behind_them(account: Account) -> None:
    async with opened(account=account) as pilot:
        await asked(pilot)
        field = form_of(pilot).context_field
        await typed(pilot, field, "aws:MultiFactorAuthPresent=true mfa")
        assert [offer.value for offer in field.completions.offers] == ["aws:MultiFactorAuthAge="]
        assert "MFA yes" in screen_text(pilot.app)


@pytest.mark.parametrize(("size", "front"), [((80, 24), "Step"), ((120, 40), "Layers of step")])
async def test_the_layers_of_a_chain_say_which_step_they_are_of(size: tuple[int, int], front: str) -> None:
    async with opened(size=size) as pilot:
        panel = await asked(pilot)
        assert panel.inquiry is not None
        panel.ask_inquiry(replace(panel.inquiry, chained_from=iam("role/deploy-prod")))
        await settle(pilot)
        assert panel.whole_answer is not None
        chain = panel.whole_answer.chain
        assert chain is not None
        first = panel.answer is chain.decision
        words = "deploy-prod assumes web-server" if first else "web-server does s3:GetObject"
        assert f"{front} {1 if first else 2} of 2: {words}" in screen_text(pilot.app)
        layers = pilot.app.screen.query_one(LayersList)
        assert layers.region.height >= 2
        assert layers.region.bottom <= pilot.app.screen.query_one("#side").region.bottom
        panel.ask_inquiry(replace(panel.inquiry, chained_from=""))
        await settle(pilot)
        assert "of 2: " not in screen_text(pilot.app)


@pytest.mark.parametrize("size", [(120, 40), (190, 30), (190, 40), (200, 60)])
async def test_the_layer_that_denies_is_in_sight_below_a_matrix(size: tuple[int, int]) -> None:
    async with opened(size=size) as pilot:
        panel = await asked(
            pilot,
            "user/carol",
            "s3:Get* s3:Put* s3:List*",
            f"{LAKE_OBJECT} arn:aws:s3:::data-lake arn:aws:s3:::other/x",
        )
        assert panel.answer is not None
        layers, side = pilot.app.screen.query_one(LayersList), pilot.app.screen.query_one("#side")
        for key in ("f9", "escape", "j", "l", "j"):
            await press(pilot, key)
            assert layers.region.bottom <= side.region.bottom
            assert layers.region.height >= 2
            assert f"{layer_parts(panel.answer.layers[0], panel.answer)[0]} identity" in screen_text(pilot.app)


async def test_the_worst_of_a_matrix_is_looked_at_first() -> None:
    async with opened(size=(120, 40)) as pilot:
        panel = await asked(
            pilot, "user/carol", "s3:GetObject s3:ListBucket", "arn:aws:s3:::other arn:aws:s3:::other/x"
        )
        assert panel.whole_answer is not None
        assert pilot.app.screen.query_one(MatrixView).chosen == 1
        assert panel.question is not None
        assert (panel.question.action, panel.question.resource) == ("s3:GetObject", "arn:aws:s3:::other/x")
