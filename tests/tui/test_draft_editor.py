"""What-if drafts on the screen: documents that are written, and what is wrong with them."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from iamtui.drafts.edits.policies import PutInlinePolicy, PutManagedPolicy
from iamtui.drafts.edits.principals import UpdateTrustPolicy
from iamtui.tui.dialogs.dialogs import LineDialog
from iamtui.tui.drafts.editor_screen import DraftEditorScreen
from tests.support.draft_accounts import text
from tests.support.drafting import app_of, choose, laid, lay, message, own_data_folder, until
from tests.support.panel_apps import screen_text
from tests.support.sample_account import iam
from tests.support.screen_app import opened, press, settle

__all__ = ["own_data_folder"]

CAROL, BOB, DEPLOY = iam("user/carol"), iam("user/data/bob"), iam("role/deploy-prod")


@pytest.mark.slow
async def test_a_document_that_cannot_be_read_is_taken_over_only_when_asked_twice() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to(BOB)
        await press(pilot, "e")
        await choose(pilot, "Edit scratch-bucket")
        screen = pilot.app.screen
        assert isinstance(screen, DraftEditorScreen)
        screen.editor.load_text('{"Version": ')
        await press(pilot, "ctrl+s")
        assert pilot.app.screen is screen
        assert "cannot be read" in screen_text(app_of(pilot))
        await press(pilot, "ctrl+s")
        assert pilot.app.screen is main
        await until(pilot, lambda: main.drafts.drafted is not None)
        assert "Edit 1 does not fit" in message(pilot)


async def test_a_policy_is_edited_in_place_with_findings() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to(BOB)
        await press(pilot, "e")
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
        assert main.drafts.open_draft is not None
        [edit] = main.drafts.open_draft.draft.edits
        assert isinstance(edit, PutInlinePolicy)
        assert "s3:Gett" in edit.document


async def test_a_document_that_cannot_be_read_is_kept_and_the_account_shown_without_the_draft() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await lay(pilot, PutInlinePolicy(CAROL, "p", '{"Version": '))
        assert main.drafts.drafted is not None
        assert main.drafts.drafted.problems
        assert main.drafts.before_workspace is None
        assert main.workspace is main.source_workspace
        assert "does not fit" in message(pilot)
        await press(pilot, "g", "d")
        assert "It does not fit" in screen_text(app_of(pilot))


async def test_what_a_key_said_stands_when_the_findings_come_later() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to(BOB)
        await press(pilot, "e")
        await choose(pilot, "Edit scratch-bucket")
        screen = pilot.app.screen
        assert isinstance(screen, DraftEditorScreen)
        statement = '{"Effect": "Allow", "Action": "s3:Gett", "Resource": "*"}'
        screen.editor.load_text(f'{{"Version": "2012-10-17", "Statement": [{statement}]}}')
        await press(pilot, "escape")
        await until(pilot, lambda: any("s3:Gett" in finding.message for finding in screen.found.findings))
        assert "Your changes would be lost" in screen_text(app_of(pilot))
        await press(pilot, "space")
        await until(pilot, lambda: "1 error" in screen_text(app_of(pilot)))


@pytest.mark.slow
async def test_leaving_the_editor_with_changes_asks_once() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to(DEPLOY)
        await press(pilot, "e")
        await choose(pilot, "Edit the trust policy")
        screen = pilot.app.screen
        assert isinstance(screen, DraftEditorScreen)
        await press(pilot, "x", "escape")
        assert pilot.app.screen is screen
        await press(pilot, "escape")
        assert pilot.app.screen is main
        assert main.drafts.open_draft is None


@pytest.mark.slow
async def test_the_trust_policy_is_edited() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to(DEPLOY)
        await press(pilot, "e")
        await choose(pilot, "Edit the trust policy")
        screen = pilot.app.screen
        assert isinstance(screen, DraftEditorScreen)
        screen.editor.load_text(text({"Effect": "Allow", "Principal": {"AWS": CAROL}, "Action": "sts:AssumeRole"}))
        await press(pilot, "ctrl+s")
        await laid(pilot)
        assert main.drafts.open_draft is not None
        [edit] = main.drafts.open_draft.draft.edits
        assert isinstance(edit, UpdateTrustPolicy)


@pytest.mark.slow
async def test_a_new_policy_has_a_name_and_a_document() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to("customer policies:")
        await press(pilot, "e")
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
        assert main.drafts.open_draft is not None
        [edit] = main.drafts.open_draft.draft.edits
        assert isinstance(edit, PutManagedPolicy)
        assert edit.policy_arn == iam("policy/new")
        main.go_to(iam("policy/new"))
        await settle(pilot)
        assert "+ DRAFTED" in screen_text(app_of(pilot))


async def test_pasted_control_characters_become_escapes() -> None:
    async with opened() as pilot:
        app_of(pilot).main.go_to(BOB)
        await press(pilot, "e")
        await choose(pilot, "Edit scratch-bucket")
        screen = pilot.app.screen
        assert isinstance(screen, DraftEditorScreen)
        screen.editor.insert("a\x1b[31m\u202eb\r\n\tc\U000e0041")
        assert "a\\u001b[31m\\u202eb\n  c\\udb40\\udc41" in screen.editor.text
        assert "\x1b" not in screen.editor.text
