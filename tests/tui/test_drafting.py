"""What-if drafts on the screen: edits where the cursor is, before and after, saving, leaving."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.widgets import Input

from iamtui.account.drafts.draft import (
    AddUserToGroup,
    AttachPolicy,
    DeleteInlinePolicy,
    DeletePermissionsBoundary,
    DeleteResourcePolicy,
    DetachPolicy,
    PutInlinePolicy,
    PutManagedPolicy,
    PutOrganizationPolicy,
    PutResourcePolicy,
    RemoveUserFromGroup,
    UpdateTrustPolicy,
)
from iamtui.account.drafts.file import read_draft
from iamtui.account.drafts.words import SCP
from iamtui.analysis.inquiry import Inquiry
from iamtui.analysis.question import Question
from iamtui.evaluation.decision import Outcome
from iamtui.tui.dialogs.prompts import ChoiceDialog, LineDialog
from iamtui.tui.screens.drafts.editor import DraftEditorScreen
from iamtui.tui.screens.drafts.export import DraftExportScreen
from iamtui.tui.screens.drafts.impact import DraftImpactScreen
from iamtui.tui.screens.drafts.screen import DraftScreen
from iamtui.tui.widgets.draft.compared import ComparedVerdict
from iamtui.tui.widgets.message_line import MessageLine
from iamtui.tui.widgets.question.verdict_look import PENDING
from iamtui.workspace.questions.saved_questions import QuestionStore
from tests.support.draft_accounts import BUCKET, OPEN_BUCKET, OU, drafting_workspace, text
from tests.support.drafting import app_of, ask, draft, laid, lay, until
from tests.support.panel_apps import screen_text
from tests.support.sample_account import ADMIN_ARN, BOUNDARY, ID, LAKE_READ, allow, iam
from tests.support.screen_app import RecordingCopier, make_app, opened, press, settle

CAROL, BOB, ALICE, DEPLOY = iam("user/carol"), iam("user/data/bob"), iam("user/alice"), iam("role/deploy-prod")
QUESTION = ("s3:GetObject", "arn:aws:s3:::data-lake/x")


@pytest.fixture(autouse=True)
def _own_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in ("iamtui.workspace.drafts.files", "iamtui.workspace.questions.saved_questions"):
        monkeypatch.setattr(f"{module}.data_folder", lambda: tmp_path / "data")


def message(pilot: object) -> str:
    return pilot.app.query_one(MessageLine).words  # type: ignore[attr-defined, no-any-return]


async def choose(pilot: object, text: str) -> None:
    """Choose the line of the open dialog that has this text."""
    dialog = pilot.app.screen  # type: ignore[attr-defined]
    assert isinstance(dialog, ChoiceDialog)
    at = next(
        i for i, choice in enumerate(dialog.lines.shown) if choice.key and text in f"{choice.label} {choice.note}"
    )
    dialog.lines.move_to(at)
    await press(pilot, "enter")  # type: ignore[arg-type]


# From an answer.


async def test_one_key_drafts_what_would_allow_a_denied_question() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await ask(pilot, CAROL, *QUESTION)
        assert main.question.answer is not None
        assert main.question.answer.outcome is Outcome.IMPLICIT_DENY
        await press(pilot, "A")
        await until(pilot, lambda: main.drafted is not None and main.question.answer is not None)
        await until(pilot, lambda: main.question.answer is not None and main.question.answer.allowed)
        assert main.open_draft is not None
        [edit] = main.open_draft.draft.edits
        assert isinstance(edit, PutInlinePolicy)
        assert edit.holder_arn == CAROL
        text = screen_text(app_of(pilot))
        assert "DRAFT (1 edit, unsaved)" in text
        assert "[-]*>[+]*" in text
        assert "CHANGED by the draft" in text
        assert "[-] DENIED no allow" in text
        assert "[+] ALLOWED" in text


@pytest.mark.parametrize(("key", "words"), [(DEPLOY, "allowed already"), ("", "Ask a question first")])
async def test_what_needs_no_draft_says_so(key: str, words: str) -> None:
    async with opened() as pilot:
        if key:
            await ask(pilot, key, *QUESTION)
        await press(pilot, "A")
        assert words in message(pilot)
        assert app_of(pilot).main.open_draft is None


async def test_the_account_of_the_source_stays_as_it_is() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await lay(pilot, AttachPolicy(CAROL, ADMIN_ARN))
        assert main.source_workspace is not None
        assert main.workspace is not None
        assert not main.source_workspace.account.user("carol").attached_policies  # type: ignore[union-attr]
        assert main.workspace.account.user("carol").attached_policies  # type: ignore[union-attr]
        assert main.before_workspace is not None


# Edits where the cursor is.


@pytest.mark.parametrize(
    ("key", "choice", "edit"),
    [
        (DEPLOY, "Detach data-lake-read", DetachPolicy(DEPLOY, LAKE_READ.arn)),
        (BOB, "Drop the permissions boundary", DeletePermissionsBoundary(BOB)),
        (BOB, "Delete scratch-bucket", DeleteInlinePolicy(BOB, "scratch-bucket")),
        (ALICE, "Remove from group admins", RemoveUserFromGroup(ALICE, iam("group/admins"))),
        (iam("group/admins"), "Remove user alice", RemoveUserFromGroup(ALICE, iam("group/admins"))),
    ],
)
async def test_an_edit_that_needs_no_more(key: str, choice: str, edit: object) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to(key)
        await press(pilot, "E")
        await choose(pilot, choice)
        await laid(pilot)
        assert main.open_draft is not None
        assert main.open_draft.draft.edits == (edit,)
        assert "Drafted:" in message(pilot)


@pytest.mark.parametrize(
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
        await press(pilot, "E")
        await choose(pilot, choice)
        assert isinstance(pilot.app.screen, ChoiceDialog)
        pilot.app.screen.query_one(Input).value = then
        await settle(pilot)
        await press(pilot, "enter")
        await laid(pilot)
        assert main.open_draft is not None
        assert main.open_draft.draft.edits == (edit,)


async def test_policies_of_aws_can_be_attached_by_name() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to(CAROL)
        await press(pilot, "E")
        await choose(pilot, "Attach a policy")
        dialog = pilot.app.screen
        assert isinstance(dialog, ChoiceDialog)
        dialog.query_one(Input).value = "securityaudit"
        await until(pilot, lambda: any(choice.label == "SecurityAudit" for choice in dialog.lines.shown))
        await press(pilot, "enter")
        await laid(pilot)
        assert main.open_draft is not None
        assert main.open_draft.draft.edits == (AttachPolicy(CAROL, "arn:aws:iam::aws:policy/SecurityAudit"),)


async def test_the_policy_under_the_cursor_comes_first() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to(DEPLOY)
        await press(pilot, "2", "E")
        dialog = pilot.app.screen
        assert isinstance(dialog, ChoiceDialog)
        assert dialog.lines.shown[0].label == "The policy under the cursor"
        assert main.subject.policy_under_cursor[0] in dialog.lines.shown[1].label


async def test_the_menu_of_a_branch_and_of_an_instance_profile() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to("customer policies:")
        await press(pilot, "E")
        assert "Create a policy" in screen_text(app_of(pilot))
        await press(pilot, "escape")
        main.go_to("users:")
        await press(pilot, "E")
        assert "Nothing can be edited here" in screen_text(app_of(pilot))


async def test_a_statement_is_made_from_the_question() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await ask(pilot, CAROL, *QUESTION)
        await press(pilot, "E")
        await choose(pilot, "Add a statement from the question")
        await choose(pilot, "new inline policy")
        await until(pilot, lambda: main.question.answer is not None and main.question.answer.allowed)
        assert main.open_draft is not None
        [edit] = main.open_draft.draft.edits
        assert isinstance(edit, PutInlinePolicy)
        assert json.loads(edit.document)["Statement"][0]["Action"] == QUESTION[0]


# Around the account.


async def made(pilot: object) -> object:
    """The only edit of the draft, once it is laid."""
    await laid(pilot)  # type: ignore[arg-type]
    found = app_of(pilot).main.open_draft  # type: ignore[arg-type]
    assert found is not None
    [edit] = found.draft.edits
    return edit


async def test_an_scp_that_is_attached_elsewhere_is_attached_with_its_document() -> None:
    async with opened(make_app(drafting_workspace())) as pilot:
        app_of(pilot).main.go_to(CAROL)
        await press(pilot, "E")
        await choose(pilot, "Attach an SCP")
        await choose(pilot, f"account {ID}")
        await choose(pilot, "no-leaving")
        edit = await made(pilot)
        assert isinstance(edit, PutOrganizationPolicy)
        assert (edit.type, edit.level_id, edit.name) == (SCP, ID, "no-leaving")
        assert "organizations:LeaveOrganization" in edit.document


async def test_a_new_scp_has_a_name_of_its_own_and_a_document() -> None:
    async with opened(make_app(drafting_workspace())) as pilot:
        app_of(pilot).main.go_to(CAROL)
        await press(pilot, "E")
        await choose(pilot, "Attach an SCP")
        await choose(pilot, OU)
        field = pilot.app.screen.query_one(Input)
        field.value = "no-leaving"
        await press(pilot, "enter")
        assert "one of this name already" in screen_text(app_of(pilot))
        field.value = "fence"
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, DraftEditorScreen)
        assert "new SCP fence at Production (ou-ab12-prod)" in screen_text(app_of(pilot))
        await press(pilot, "ctrl+s")
        edit = await made(pilot)
        assert isinstance(edit, PutOrganizationPolicy)
        assert (edit.level_id, edit.name) == (OU, "fence")


@pytest.mark.parametrize(
    ("resource", "choice", "kind"),
    [
        (BUCKET, "Delete the policy of data-lake", DeleteResourcePolicy),
        (BUCKET, "Edit the policy of data-lake", PutResourcePolicy),
        (OPEN_BUCKET, "it has none yet", PutResourcePolicy),
        ("arn:aws:s3:::elsewhere", "not loaded", PutResourcePolicy),
        (iam("role/web-server"), "Edit the trust policy of web-server", UpdateTrustPolicy),
    ],
)
async def test_the_policy_of_the_resource_asked_about_is_edited(resource: str, choice: str, kind: type) -> None:
    async with opened(make_app(drafting_workspace())) as pilot:
        action = "sts:AssumeRole" if ":role/" in resource else "s3:ListBucket"
        await ask(pilot, CAROL, action, resource)
        await press(pilot, "E")
        await choose(pilot, choice)
        screen = pilot.app.screen
        if isinstance(screen, DraftEditorScreen):
            if choice == "not loaded":
                assert "not loaded: all is replaced" in screen_text(app_of(pilot))
            elif kind is UpdateTrustPolicy:
                screen.editor.load_text(
                    text({"Effect": "Allow", "Principal": {"AWS": CAROL}, "Action": "sts:AssumeRole"})
                )
            else:
                screen.editor.load_text(text(allow("s3:*", resource, Principal="*")))
            await press(pilot, "ctrl+s")
        assert isinstance(await made(pilot), kind)


async def test_a_policy_that_bounds_others_is_offered_first_as_a_boundary() -> None:
    async with opened() as pilot:
        app_of(pilot).main.go_to(CAROL)
        await press(pilot, "E")
        await choose(pilot, "Set the permissions boundary")
        dialog = pilot.app.screen
        assert isinstance(dialog, ChoiceDialog)
        first = dialog.lines.shown[0]
        assert (first.key, first.note) == (BOUNDARY.arn, "boundary of 2, customer managed")


async def test_a_deny_made_from_the_question_is_called_one() -> None:
    async with opened() as pilot:
        await ask(pilot, DEPLOY, *QUESTION)
        await press(pilot, "E")
        await choose(pilot, "Add a statement from the question")
        await choose(pilot, "a new inline policy deny-s3-GetObject")
        edit = await made(pilot)
        assert isinstance(edit, PutInlinePolicy)
        assert edit.name == "deny-s3-GetObject"


# The editor.


async def test_a_document_that_cannot_be_read_is_taken_over_only_when_asked_twice() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to(BOB)
        await press(pilot, "E")
        await choose(pilot, "Edit scratch-bucket")
        screen = pilot.app.screen
        assert isinstance(screen, DraftEditorScreen)
        screen.editor.load_text('{"Version": ')
        await press(pilot, "ctrl+s")
        assert pilot.app.screen is screen
        assert "cannot be read" in screen_text(app_of(pilot))
        await press(pilot, "ctrl+s")
        assert pilot.app.screen is main
        await until(pilot, lambda: main.drafted is not None)
        assert "Edit 1 does not fit" in message(pilot)


async def test_a_policy_is_edited_in_place_with_findings() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to(BOB)
        await press(pilot, "E")
        await choose(pilot, "Edit scratch-bucket")
        screen = pilot.app.screen
        assert isinstance(screen, DraftEditorScreen)
        statement = '{"Effect": "Allow", "Action": "s3:Gett", "Resource": "*"}'
        screen.editor.load_text(f'{{"Version": "2012-10-17",\n "Statement": [{statement}]}}')
        await until(pilot, lambda: any("s3:Gett" in finding.message for finding in screen.found.findings))
        assert "error" in screen_text(app_of(pilot))
        await press(pilot, "f4")
        assert screen.editor.cursor_location[0] == 1
        await press(pilot, "ctrl+s")
        assert pilot.app.screen is screen
        assert "AWS would refuse this, or it cannot work: 1 error. F4 goes there" in screen_text(app_of(pilot))
        await press(pilot, "ctrl+s")
        await laid(pilot)
        assert main.open_draft is not None
        [edit] = main.open_draft.draft.edits
        assert isinstance(edit, PutInlinePolicy)
        assert "s3:Gett" in edit.document


async def test_a_document_that_cannot_be_read_is_kept_and_the_account_shown_without_the_draft() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await lay(pilot, PutInlinePolicy(CAROL, "p", '{"Version": '))
        assert main.drafted is not None
        assert main.drafted.problems
        assert main.before_workspace is None
        assert main.workspace is main.source_workspace
        assert "does not fit" in message(pilot)
        await press(pilot, "d")
        assert "It does not fit" in screen_text(app_of(pilot))


async def test_leaving_the_editor_with_changes_asks_once() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to(DEPLOY)
        await press(pilot, "E")
        await choose(pilot, "Edit the trust policy")
        screen = pilot.app.screen
        assert isinstance(screen, DraftEditorScreen)
        await press(pilot, "x", "escape")
        assert pilot.app.screen is screen
        await press(pilot, "escape")
        assert pilot.app.screen is main
        assert main.open_draft is None


async def test_the_trust_policy_is_edited() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to(DEPLOY)
        await press(pilot, "E")
        await choose(pilot, "Edit the trust policy")
        screen = pilot.app.screen
        assert isinstance(screen, DraftEditorScreen)
        screen.editor.load_text(text({"Effect": "Allow", "Principal": {"AWS": CAROL}, "Action": "sts:AssumeRole"}))
        await press(pilot, "ctrl+s")
        await laid(pilot)
        assert main.open_draft is not None
        [edit] = main.open_draft.draft.edits
        assert isinstance(edit, UpdateTrustPolicy)


async def test_a_new_policy_has_a_name_and_a_document() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to("customer policies:")
        await press(pilot, "E")
        await choose(pilot, "Create a policy")
        assert isinstance(pilot.app.screen, LineDialog)
        field = pilot.app.screen.query_one(Input)
        field.value = "not a name"
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, LineDialog)
        field.value = "new"
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, DraftEditorScreen)
        await press(pilot, "ctrl+s")
        await laid(pilot)
        assert main.open_draft is not None
        [edit] = main.open_draft.draft.edits
        assert isinstance(edit, PutManagedPolicy)
        assert edit.policy_arn == iam("policy/new")
        main.go_to(iam("policy/new"))
        await settle(pilot)
        assert "+ DRAFTED" in screen_text(app_of(pilot))


async def test_pasted_control_characters_become_escapes() -> None:
    async with opened() as pilot:
        app_of(pilot).main.go_to(BOB)
        await press(pilot, "E")
        await choose(pilot, "Edit scratch-bucket")
        screen = pilot.app.screen
        assert isinstance(screen, DraftEditorScreen)
        screen.editor.insert("a\x1b[31m\u202eb\r\n\tc\U000e0041")
        assert "a\\u001b[31m\\u202eb\n  c\\udb40\\udc41" in screen.editor.text
        assert "\x1b" not in screen.editor.text


# The list of edits.


async def test_the_draft_is_undone_and_taken_apart() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await lay(
            pilot,
            AttachPolicy(CAROL, LAKE_READ.arn),
            AddUserToGroup(CAROL, iam("group/auditors")),
            DetachPolicy(DEPLOY, ADMIN_ARN),
        )
        await press(pilot, "d")
        text = screen_text(app_of(pilot))
        assert "Attach" in text
        assert "group/auditors" in text
        await press(pilot, "u")
        await laid(pilot)
        assert main.open_draft is not None
        assert len(main.open_draft.draft.edits) == 2
        await press(pilot, "x")
        await laid(pilot)
        assert main.open_draft.draft.edits == (AddUserToGroup(CAROL, iam("group/auditors")),)
        await press(pilot, "u")
        await laid(pilot)
        assert len(main.open_draft.draft.edits) == 2, "what was taken out last comes back first"
        await press(pilot, "u", "u")
        await laid(pilot)
        assert "The draft has no edits" in screen_text(app_of(pilot))
        assert "0 edits left" in screen_text(app_of(pilot))
        await press(pilot, "r", "r")
        await laid(pilot)
        assert main.open_draft.draft.edits == (
            AttachPolicy(CAROL, LAKE_READ.arn),
            AddUserToGroup(CAROL, iam("group/auditors")),
        )
        await press(pilot, "escape")
        assert pilot.app.screen is main


async def test_the_document_of_an_edit_is_edited_again() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await lay(pilot, PutInlinePolicy(CAROL, "p", text(allow("s3:GetObject"))))
        await press(pilot, "d", "enter")
        screen = pilot.app.screen
        assert isinstance(screen, DraftEditorScreen)
        screen.editor.load_text(text({**allow("s3:GetObject"), "Sid": "again"}))
        await press(pilot, "ctrl+s")
        await laid(pilot)
        assert main.open_draft is not None
        [edit] = main.open_draft.draft.edits
        assert isinstance(edit, PutInlinePolicy)
        assert "again" in edit.document
        assert isinstance(pilot.app.screen, DraftScreen)


async def test_the_document_that_an_edit_had_before_is_put_back() -> None:
    first = PutInlinePolicy(CAROL, "p", text(allow("s3:GetObject")))
    other = AddUserToGroup(CAROL, iam("group/auditors"))
    async with opened() as pilot:
        main = app_of(pilot).main
        await lay(pilot, first, other)
        await press(pilot, "d", "enter")
        screen = pilot.app.screen
        assert isinstance(screen, DraftEditorScreen)
        screen.editor.load_text(text({**allow("s3:GetObject"), "Sid": "again"}))
        await press(pilot, "ctrl+s")
        await laid(pilot)
        assert "r puts it back as it was before" in screen_text(app_of(pilot))
        await press(pilot, "x")
        await laid(pilot)
        assert main.open_draft is not None
        assert main.open_draft.draft.edits == (other,)
        await press(pilot, "r")
        await laid(pilot)
        [again, _] = main.open_draft.draft.edits
        assert isinstance(again, PutInlinePolicy)
        assert "again" in again.document, "what was done last is put back first"
        await press(pilot, "r")
        await laid(pilot)
        assert main.open_draft.draft.edits == (first, other)
        await press(pilot, "r")
        assert main.open_draft.draft.edits == (first, other)


async def test_what_was_drafted_here_is_taken_back_from_the_menu() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to(CAROL)
        await settle(pilot)
        inline = PutInlinePolicy(CAROL, "p", text(allow("s3:GetObject")))
        await lay(pilot, inline, DetachPolicy(DEPLOY, ADMIN_ARN), AttachPolicy(CAROL, LAKE_READ.arn))
        main.explorer.tree_view.focus()
        await press(pilot, "E")
        shown = screen_text(app_of(pilot))
        assert "Drafted here" in shown
        assert "Take back: detach" not in shown, "that is on another one"
        await choose(pilot, "Take back: give user/carol the inline policy p")
        await laid(pilot)
        assert main.open_draft is not None
        assert main.open_draft.draft.edits == (DetachPolicy(DEPLOY, ADMIN_ARN), AttachPolicy(CAROL, LAKE_READ.arn))


async def test_a_draft_is_saved_discarded_and_opened_again(tmp_path: Path) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        edit = AttachPolicy(CAROL, LAKE_READ.arn)
        await lay(pilot, edit)
        await press(pilot, "d", "s")
        pilot.app.screen.query_one(Input).value = "let carol read"
        await press(pilot, "enter")
        await until(pilot, lambda: main.open_draft is not None and not main.open_draft.unsaved)
        [path] = (tmp_path / "data" / "drafts").iterdir()
        assert read_draft(path.read_text()) == draft(edit, name="let carol read")
        await press(pilot, "X")
        assert main.open_draft is None
        await press(pilot, "d", "o")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        await choose(pilot, "let carol read")
        await until(pilot, lambda: main.open_draft is not None)
        await laid(pilot)
        assert main.open_draft is not None
        assert main.open_draft.draft.edits == (edit,)
        assert not main.open_draft.unsaved


async def test_discarding_what_is_not_saved_asks_once() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn))
        await press(pilot, "d", "X")
        assert main.open_draft is not None
        assert "not saved" in screen_text(app_of(pilot))
        await press(pilot, "X")
        assert main.open_draft is None
        assert pilot.app.screen is main
        assert main.workspace is main.source_workspace


async def test_a_file_that_is_no_draft_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    async with opened() as pilot:
        await press(pilot, "d", "o")
        await choose(pilot, "Another file")
        await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
        pilot.app.screen.query_one(Input).value = str(tmp_path / "x.json")
        await press(pilot, "enter")
        await until(pilot, lambda: "cannot be read" in screen_text(app_of(pilot)))
        assert app_of(pilot).main.open_draft is None


# Export.


@pytest.mark.parametrize(
    ("form", "words"), [("CLI", "aws iam attach-user-policy"), ("Terraform", "aws_iam_user_policy"), ("Diff", "+++ b/")]
)
async def test_an_export_is_shown_copied_and_written(form: str, words: str, tmp_path: Path) -> None:
    copier = RecordingCopier()
    async with opened(make_app(copier=copier)) as pilot:
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn))
        await press(pilot, "d", "e")
        await choose(pilot, form)
        screen = pilot.app.screen
        assert isinstance(screen, DraftExportScreen)
        await until(pilot, lambda: bool(screen.text))
        assert words in screen.text
        assert words in screen_text(app_of(pilot))
        await press(pilot, "c")
        assert copier.copied == [screen.text]
        target = tmp_path / "out"
        for _ in range(2):
            await press(pilot, "s")
            pilot.app.screen.query_one(Input).value = str(target)
            await press(pilot, "enter")
            await settle(pilot)
        assert target.read_text() == screen.text
        assert target.stat().st_mode & 0o077 == 0
        assert "is there already" in screen_text(app_of(pilot))


# Impact.


async def test_the_impact_lists_whose_answers_change() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await ask(pilot, CAROL, *QUESTION)
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn), DetachPolicy(iam("role/web-server"), LAKE_READ.arn))
        await press(pilot, "I")
        screen = pilot.app.screen
        assert isinstance(screen, DraftImpactScreen)
        await until(pilot, lambda: screen.lines.total == 2)
        text = screen_text(app_of(pilot))
        assert "1 gain, 1 lose" in text
        assert "[-] DENIED*, now [+] ALLOWED as far as loaded" in text
        assert "now [-] DENIED no allow" in text
        await press(pilot, "f")
        assert screen.lines.total == len(main.source_workspace.account.users) + len(  # type: ignore[union-attr]
            main.source_workspace.account.roles  # type: ignore[union-attr]
        )
        await press(pilot, "f", "enter")
        assert pilot.app.screen is main
        assert main.subject.node.name == "carol"  # type: ignore[union-attr]


async def test_an_impact_without_question_or_draft_says_what_to_do() -> None:
    async with opened() as pilot:
        await press(pilot, "I")
        assert "no draft" in message(pilot)
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn))
        await press(pilot, "I")
        assert "No question is asked" in screen_text(app_of(pilot))


async def test_the_saved_questions_are_a_regression_set() -> None:
    store = QuestionStore(ID)
    terms = Question("", "*")
    lake = Inquiry((QUESTION[0],), (QUESTION[1],), terms)
    store.save("web reads the lake", lake, "role/web-server", expect=Outcome.ALLOWED)
    store.save("carol reads no lake", lake, "user/carol", expect=Outcome.IMPLICIT_DENY)
    store.save("nobody", lake, "user/gone")
    async with opened() as pilot:
        await lay(pilot, DetachPolicy(iam("role/web-server"), LAKE_READ.arn))
        await press(pilot, "I", "s")
        screen = pilot.app.screen
        assert isinstance(screen, DraftImpactScreen)
        await until(pilot, lambda: screen.lines.total == 2)
        assert [(row.label, row.effect) for row in screen.lines.rows] == [
            ("web reads the lake", "broken"),
            ("nobody", "problem"),
        ]
        text = screen_text(app_of(pilot))
        assert "BROKEN" in text
        assert "expected allowed" in text
        assert "1 broken" in text
        await press(pilot, "f")
        assert screen.lines.total == 3
        await press(pilot, "s")
        assert "No question is asked" in screen_text(app_of(pilot))


async def test_a_saved_question_that_names_nobody_is_asked_for_the_one_chosen_and_what_it_gains_is_told() -> None:
    terms = Question("", "*")
    QuestionStore(ID).save("mine", Inquiry((QUESTION[0], "ec2:RunInstances"), (QUESTION[1], "*"), terms))
    async with opened() as pilot:
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn))
        app_of(pilot).main.go_to(CAROL)
        await ask(pilot, CAROL, *QUESTION)
        await press(pilot, "I", "s")
        screen = pilot.app.screen
        assert isinstance(screen, DraftImpactScreen)
        await until(pilot, lambda: screen.lines.total == 1)
        (row,) = screen.lines.rows
        assert (row.label, row.effect) == ("mine (user/carol)", "gained")
        assert row.verdict is not None
        assert row.verdict.word == "ALLOWED"
        assert row.note.endswith(" pairs")


async def test_without_saved_questions_the_list_says_how_to_save_one() -> None:
    async with opened() as pilot:
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn))
        await press(pilot, "I", "s")
        assert "No question is saved" in screen_text(app_of(pilot))


async def test_verdicts_in_the_tree_know_the_one_before() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await ask(pilot, CAROL, *QUESTION)
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn))
        await until(pilot, lambda: main._pinned is not None and main._pinned.before is not None)
        assert main._pinned is not None
        assert main.workspace is not None
        for entity in (main.workspace.account.user("carol"), main.workspace.account.role("deploy-prod")):
            await until(pilot, lambda entity=entity: main._pinned(entity) is not PENDING)
        carol = main._pinned(main.workspace.account.user("carol"))  # type: ignore[arg-type]
        deploy = main._pinned(main.workspace.account.role("deploy-prod"))  # type: ignore[arg-type]
        assert isinstance(carol, ComparedVerdict)
        assert carol.changed
        assert carol.words.plain == (
            "was [-] DENIED no allow, as far as loaded (resource not evaluated), "
            "now [+] ALLOWED as far as loaded (resource, SCP, RCP not evaluated)"
        )
        assert isinstance(deploy, ComparedVerdict)
        assert not deploy.changed
        main.go_to("users:")
        await settle(pilot)
        assert "[-]*>[+] ALLOWED*" in screen_text(app_of(pilot))


# Other data, other accounts.


async def test_a_reload_keeps_the_draft() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn))
        await press(pilot, "r")
        await laid(pilot)
        assert main.workspace is not None
        assert main.workspace.account.user("carol").attached_policies  # type: ignore[union-attr]
