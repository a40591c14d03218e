"""What-if drafts on the screen: from an answer, edits where the cursor is, and other data."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from textual.widgets import Input

from iamtui.drafts.draft import Edit
from iamtui.drafts.edits.deletions import (
    DeleteAccessKey,
    DeleteLoginProfile,
    DeletePolicy,
    DeleteRole,
    DeleteUser,
)
from iamtui.drafts.edits.policies import DeleteInlinePolicy, PutInlinePolicy
from iamtui.drafts.edits.principals import (
    AddUserToGroup,
    AttachPolicy,
    CreateRole,
    DeletePermissionsBoundary,
    DetachPolicy,
    RemoveUserFromGroup,
)
from iamtui.engine.decision import Outcome
from iamtui.tui.dialogs.dialogs import ChoiceDialog
from iamtui.tui.drafts.editor_screen import DraftEditorScreen
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.workspace import SourceChoice, SourceKind
from tests.support import wording
from tests.support.drafting import app_of, ask, choose, laid, lay, message, own_data_folder, until
from tests.support.panel_apps import screen_text
from tests.support.sample_account import ADMIN_ARN, LAKE_READ, iam, sample_account
from tests.support.screen_app import make_app, opened, press, settle
from tests.support.slow import one_quick

__all__ = ["own_data_folder"]

CAROL, BOB, ALICE, DEPLOY = iam("user/carol"), iam("user/data/bob"), iam("user/alice"), iam("role/deploy-prod")
QUESTION = ("s3:GetObject", "arn:aws:s3:::data-lake/x")


# From an answer.


async def test_one_key_drafts_what_would_allow_a_denied_question() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await ask(pilot, CAROL, *QUESTION)
        assert main.question.answer is not None
        assert main.question.answer.outcome is Outcome.IMPLICIT_DENY
        await press(pilot, "f")
        await until(pilot, lambda: main.drafts.drafted is not None and main.question.answer is not None)
        await until(pilot, lambda: main.question.answer is not None and main.question.answer.allowed)
        assert main.drafts.open_draft is not None
        [edit] = main.drafts.open_draft.draft.edits
        assert isinstance(edit, PutInlinePolicy)
        assert edit.holder_arn == CAROL
        text = screen_text(app_of(pilot))
        assert "DRAFT (1 edit, unsaved)" in text
        assert "[-]*>[+]*" in text
        assert "CHANGED by the draft" in text
        assert wording.IMPLICIT_DENY in text
        assert wording.ALLOWED in text


@pytest.mark.slow
async def test_every_deny_from_which_the_caller_is_excepted_is_named_with_its_policy() -> None:
    async with opened(make_app(open_source(SourceChoice(SourceKind.DEMO)))) as pilot:
        main = app_of(pilot).main
        lake = "arn:aws:s3:::puffin-data-lake"
        await ask(pilot, "arn:aws:iam::111122223333:role/data/analytics-lake-reader", "s3:DeleteObject", f"{lake}/x")
        await press(pilot, "f")
        await until(pilot, lambda: main.question.answer is not None and main.question.answer.allowed)
        said = message(pilot)
        assert "is excepted from the Deny NoDelete (policy data-lake-read)" in said
        assert " Also: role/analytics-lake-reader is excepted from the Deny NobodyDeletesButTheLakeTeam" in said
        assert f"(policy of {lake})" in said


@pytest.mark.slow
@pytest.mark.parametrize(("key", "words"), [(DEPLOY, "allowed already"), ("", "Ask a question first")])
async def test_what_needs_no_draft_says_so(key: str, words: str) -> None:
    async with opened() as pilot:
        if key:
            await ask(pilot, key, *QUESTION)
        await press(pilot, "f")
        assert words in message(pilot)
        assert app_of(pilot).main.drafts.open_draft is None


async def test_the_account_of_the_source_stays_as_it_is() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await lay(pilot, AttachPolicy(CAROL, ADMIN_ARN))
        assert main.source_workspace is not None
        assert main.workspace is not None
        assert not main.source_workspace.account.user("carol").attached_policies  # type: ignore[union-attr]
        assert main.workspace.account.user("carol").attached_policies  # type: ignore[union-attr]
        assert main.drafts.before_workspace is not None


# Edits where the cursor is.


SIMPLE = (
    (DEPLOY, "Detach data-lake-read", DetachPolicy(DEPLOY, LAKE_READ.arn)),
    (BOB, "Remove the permissions boundary", DeletePermissionsBoundary(BOB)),
    (BOB, "Delete scratch-bucket", DeleteInlinePolicy(BOB, "scratch-bucket")),
    (ALICE, "Remove from group admins", RemoveUserFromGroup(ALICE, iam("group/admins"))),
    (iam("group/admins"), "Remove user alice", RemoveUserFromGroup(ALICE, iam("group/admins"))),
    (ALICE, "Delete the access key AKIAALICE00000000002", DeleteAccessKey(ALICE, "AKIAALICE00000000002")),
    (BOB, "Delete the console password", DeleteLoginProfile(BOB)),
    (CAROL, "Delete the user", DeleteUser(CAROL)),
    (DEPLOY, "Delete the role", DeleteRole(DEPLOY)),
)


@one_quick("cases", [SIMPLE[:1], SIMPLE[1:]], ids=["first", "others"])
async def test_an_edit_that_needs_no_more(cases: tuple[tuple[str, str, Edit], ...]) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        for key, choice, edit in cases:
            main.go_to(key)
            main.explorer.tree_view.focus()
            await press(pilot, "e")
            await choose(pilot, choice)
            await laid(pilot)
            assert main.drafts.open_draft is not None
            assert main.drafts.open_draft.draft.edits == (edit,)
            assert "Drafted:" in message(pilot)
            main.drafts.undo_edit()
            await laid(pilot)


@pytest.mark.slow
async def test_a_policy_that_nobody_has_can_be_deleted() -> None:
    unused = replace(LAKE_READ, name="old", arn=iam("policy/old"))
    account = sample_account()
    async with opened(account=replace(account, policies=(*account.policies, unused))) as pilot:
        main = app_of(pilot).main
        main.go_to(LAKE_READ.arn)
        await press(pilot, "e")
        assert "Delete the policy" not in screen_text(app_of(pilot))
        await press(pilot, "escape")
        main.go_to(unused.arn)
        await press(pilot, "e")
        await choose(pilot, "Delete the policy")
        await laid(pilot)
        assert main.drafts.open_draft is not None
        assert main.drafts.open_draft.draft.edits == (DeletePolicy(unused.arn),)
        assert main.workspace is not None
        assert main.workspace.account.policy(unused.arn) is None


@pytest.mark.slow
async def test_a_role_is_created_with_its_trust_policy() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to("roles:")
        await press(pilot, "e")
        await choose(pilot, "Create a role")
        name = pilot.app.screen.query_one(Input)
        name.value = "deploy-prod"
        await press(pilot, "enter")
        assert "The account has a role of this name already." in screen_text(app_of(pilot))
        name.value = "n" * 65
        await press(pilot, "enter")
        assert "Use at most 64 characters." in screen_text(app_of(pilot))
        name.value = "runner"
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, DraftEditorScreen)
        await press(pilot, "ctrl+s")
        await laid(pilot)
        assert main.drafts.open_draft is not None
        [edit] = main.drafts.open_draft.draft.edits
        assert isinstance(edit, CreateRole)
        assert edit.role_arn == iam("role/runner")
        assert main.workspace is not None
        assert main.workspace.account.role("runner") is not None


@one_quick(
    ("key", "choice", "then", "edit"),
    [
        (CAROL, "Add to a group", "auditors", AddUserToGroup(CAROL, iam("group/auditors"))),
        (iam("group/auditors"), "Add a user", "carol", AddUserToGroup(CAROL, iam("group/auditors"))),
        (CAROL, "Attach a policy", "data-lake-read", AttachPolicy(CAROL, LAKE_READ.arn)),
        (LAKE_READ.arn, "Attach it", "carol", AttachPolicy(CAROL, LAKE_READ.arn)),
    ],
)
async def test_an_edit_that_is_picked(key: str, choice: str, then: str, edit: object) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to(key)
        await press(pilot, "e")
        await choose(pilot, choice)
        assert isinstance(pilot.app.screen, ChoiceDialog)
        pilot.app.screen.query_one(Input).value = then
        await settle(pilot)
        await press(pilot, "enter")
        await laid(pilot)
        assert main.drafts.open_draft is not None
        assert main.drafts.open_draft.draft.edits == (edit,)


@pytest.mark.slow
async def test_policies_of_aws_can_be_attached_by_name() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to(CAROL)
        await press(pilot, "e")
        await choose(pilot, "Attach a policy")
        dialog = pilot.app.screen
        assert isinstance(dialog, ChoiceDialog)
        dialog.query_one(Input).value = "securityaudit"
        await until(pilot, lambda: any(choice.label == "SecurityAudit" for choice in dialog.lines.shown))
        await press(pilot, "enter")
        await laid(pilot)
        assert main.drafts.open_draft is not None
        assert main.drafts.open_draft.draft.edits == (AttachPolicy(CAROL, "arn:aws:iam::aws:policy/SecurityAudit"),)


async def test_the_policy_under_the_cursor_comes_first() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to(DEPLOY)
        await press(pilot, "2", "e")
        dialog = pilot.app.screen
        assert isinstance(dialog, ChoiceDialog)
        assert dialog.lines.shown[0].label == "The policy under the cursor"
        assert main.subject.policy_under_cursor[0] in dialog.lines.shown[1].label


@pytest.mark.slow
async def test_the_menu_of_a_branch_and_of_an_instance_profile() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to("customer policies:")
        await press(pilot, "e")
        assert "Create a policy" in screen_text(app_of(pilot))
        await press(pilot, "escape")
        main.go_to("users:")
        await press(pilot, "e")
        assert "Nothing can be edited here" in screen_text(app_of(pilot))


@pytest.mark.slow
async def test_a_statement_is_made_from_the_question() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await ask(pilot, CAROL, *QUESTION)
        await press(pilot, "e")
        await choose(pilot, "Add a statement from the question")
        await choose(pilot, "new inline policy")
        await until(pilot, lambda: main.question.answer is not None and main.question.answer.allowed)
        assert main.drafts.open_draft is not None
        [edit] = main.drafts.open_draft.draft.edits
        assert isinstance(edit, PutInlinePolicy)
        assert json.loads(edit.document)["Statement"][0]["Action"] == QUESTION[0]


# Other data, other accounts.


@pytest.mark.slow
async def test_a_reload_keeps_the_draft() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn))
        await press(pilot, "r")
        await laid(pilot)
        assert main.workspace is not None
        assert main.workspace.account.user("carol").attached_policies  # type: ignore[union-attr]
