"""What-if drafts on the screen: the organization, resource policies and boundaries around an account."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from iamtui.drafts.aws_values import SCP
from iamtui.drafts.edits.organization import PutOrganizationPolicy
from iamtui.drafts.edits.policies import DeleteResourcePolicy, PutInlinePolicy, PutResourcePolicy
from iamtui.drafts.edits.principals import UpdateTrustPolicy
from iamtui.tui.dialogs.dialogs import ChoiceDialog
from iamtui.tui.drafts.editor_screen import DraftEditorScreen
from iamtui.tui.main.inventory import Branch, Kind, key_of
from tests.support.draft_accounts import BUCKET, OPEN_BUCKET, OU, drafting_workspace, text
from tests.support.drafting import app_of, ask, choose, made, own_data_folder
from tests.support.panel_apps import screen_text, type_text
from tests.support.sample_account import BOUNDARY, ID, allow, iam
from tests.support.screen_app import make_app, opened, press, settle
from tests.support.slow import one_quick

__all__ = ["own_data_folder"]

CAROL, DEPLOY = iam("user/carol"), iam("role/deploy-prod")
QUESTION = ("s3:GetObject", "arn:aws:s3:::data-lake/x")


@pytest.mark.slow
async def test_an_scp_that_is_attached_elsewhere_is_attached_with_its_document() -> None:
    async with opened(make_app(drafting_workspace())) as pilot:
        app_of(pilot).main.go_to(CAROL)
        await press(pilot, "e")
        await choose(pilot, "Attach an SCP")
        await choose(pilot, f"account {ID}")
        await choose(pilot, "no-leaving")
        edit = await made(pilot)
        assert isinstance(edit, PutOrganizationPolicy)
        assert (edit.type, edit.level_id, edit.name) == (SCP, ID, "no-leaving")
        assert "organizations:LeaveOrganization" in edit.document


@pytest.mark.slow
async def test_what_no_scp_is_called_becomes_the_name_of_a_new_one() -> None:
    async with opened(make_app(drafting_workspace()), size=(80, 24)) as pilot:
        app_of(pilot).main.go_to(CAROL)
        await press(pilot, "e")
        await choose(pilot, "Attach an SCP")
        await choose(pilot, f"account {ID}")
        await type_text(pilot, "fence")
        await settle(pilot)
        assert "▏A new SCP …" in screen_text(app_of(pilot))
        await press(pilot, "enter")
        assert pilot.app.screen.query_one(Input).value == "fence"
        await press(pilot, "enter")
        assert "new SCP fence at example-prod" in screen_text(app_of(pilot))


@one_quick("size", [(80, 24), (120, 40)])
async def test_at_a_level_of_the_organization_its_policies_are_edited(size: tuple[int, int]) -> None:
    async with opened(make_app(drafting_workspace()), size=size) as pilot:
        app_of(pilot).main.go_to(key_of(Branch(Kind.ORGANIZATION, ID)))
        await press(pilot, "e")
        await choose(pilot, "Attach an SCP")
        await choose(pilot, "no-leaving")
        edit = await made(pilot)
        assert isinstance(edit, PutOrganizationPolicy)
        assert (edit.level_id, edit.name) == (ID, "no-leaving")


async def test_the_policy_under_the_cursor_of_a_level_comes_first() -> None:
    async with opened(make_app(drafting_workspace())) as pilot:
        main = app_of(pilot).main
        main.go_to(key_of(Branch(Kind.ORGANIZATION, OU)))
        main.subject.detail.show_statement("no-leaving", 0)
        main.subject.active_view.focus()
        await press(pilot, "e")
        dialog = pilot.app.screen
        assert isinstance(dialog, ChoiceDialog)
        assert [choice.label for choice in dialog.lines.shown[:3]] == [
            "The policy under the cursor", "Edit the SCP no-leaving", "Detach the SCP no-leaving",
        ]  # fmt: skip
        listed = [(choice.label, choice.note) for choice in dialog.lines.shown if choice.key]
        assert len(listed) == len(set(listed)), "it is not listed again"


@pytest.mark.slow
async def test_a_new_scp_has_a_name_of_its_own_and_a_document() -> None:
    async with opened(make_app(drafting_workspace())) as pilot:
        app_of(pilot).main.go_to(CAROL)
        await press(pilot, "e")
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


@one_quick(
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
        await press(pilot, "e")
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


@pytest.mark.slow
async def test_a_policy_that_bounds_others_is_offered_first_as_a_boundary() -> None:
    async with opened() as pilot:
        app_of(pilot).main.go_to(CAROL)
        await press(pilot, "e")
        await choose(pilot, "Set the permissions boundary")
        dialog = pilot.app.screen
        assert isinstance(dialog, ChoiceDialog)
        first = dialog.lines.shown[0]
        assert (first.key, first.note) == (BOUNDARY.arn, "boundary of 2, customer managed")


@pytest.mark.slow
async def test_a_deny_made_from_the_question_is_called_one() -> None:
    async with opened() as pilot:
        await ask(pilot, DEPLOY, *QUESTION)
        await press(pilot, "e")
        await choose(pilot, "Add a statement from the question")
        await choose(pilot, "a new inline policy deny-s3-GetObject")
        edit = await made(pilot)
        assert isinstance(edit, PutInlinePolicy)
        assert edit.name == "deny-s3-GetObject"
