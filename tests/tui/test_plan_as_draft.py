"""A Terraform plan opened on the screen: its changes are a draft, and what is not in it is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from iamtui.account.model import Known
from iamtui.drafts.edits.principals import AttachPolicy, DetachPolicy
from iamtui.tui.app import IamtuiApp
from iamtui.tui.dialogs.dialogs import LineDialog
from iamtui.tui.drafts.draft_screen import DraftScreen
from tests.support.drafting import app_of, choose, lay, until
from tests.support.panel_apps import screen_text
from tests.support.plans import plan_document, planned
from tests.support.sample_account import ADMIN_ARN, LAKE_READ, iam, sample_account
from tests.support.screen_app import SAMPLE, RecordingCopier, opened, press, sample_workspace, settle


def shown(pilot: Pilot[None]) -> str:
    return " ".join(screen_text(app_of(pilot)).split())


CAROL = iam("user/carol")
ATTACHED = {"user": "carol", "policy_arn": LAKE_READ.arn}


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    change = planned("aws_iam_user_policy_attachment.carol", "create", after=ATTACHED)
    path.write_text(json.dumps(plan_document(change, complete=False)))
    return path


async def test_the_screen_starts_on_the_draft_of_a_plan(plan: Path) -> None:
    app = IamtuiApp(SAMPLE, opener=lambda *_: sample_workspace(), copier=RecordingCopier(), plan=str(plan))
    async with opened(app) as pilot:
        await until(pilot, lambda: app.main.drafts.open_draft is not None)
        await until(pilot, lambda: "Opened the plan plan.json as a draft of 1 edit." in shown(pilot))
        assert "Not in it: the plan is not complete: changes were put off." in shown(pilot)
        found = app.main.drafts.open_draft
        assert found is not None
        assert found.draft.edits == (AttachPolicy(CAROL, LAKE_READ.arn),)
        assert found.draft.name == "plan.json"
        assert found.path is None, "it is not saved over the plan"
        assert "Attach data-lake-read to user/carol" in shown(pilot)


async def test_a_plan_is_opened_from_the_draft_screen(plan: Path) -> None:
    async with opened() as pilot:
        await press(pilot, "g", "d", "f3")
        await choose(pilot, "A Terraform plan")
        await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
        pilot.app.screen.query_one(Input).value = str(plan)
        await press(pilot, "enter")
        await until(pilot, lambda: "Attach data-lake-read to user/carol" in shown(pilot))
        assert isinstance(pilot.app.screen, DraftScreen)


@pytest.mark.parametrize(
    ("content", "words"),
    [("{}", "plan.json"), ("", "plan.json"), (None, "does not exist")],
    ids=["no plan", "empty", "missing"],
)
async def test_what_is_no_plan_is_refused_in_one_sentence(content: str | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    if content is not None:
        path.write_text(content)
    app = IamtuiApp(SAMPLE, opener=lambda *_: sample_workspace(), copier=RecordingCopier(), plan=str(path))
    async with opened(app) as pilot:
        await until(pilot, lambda: "x The plan" in shown(pilot))
        assert words in shown(pilot)
        assert app.main.drafts.open_draft is None


async def test_a_draft_that_is_not_saved_stays_in_place_of_a_plan(plan: Path) -> None:
    async with opened() as pilot:
        await lay(pilot, DetachPolicy(iam("role/web-server"), LAKE_READ.arn))
        app_of(pilot).main.drafts.show_draft(plan)
        await settle(pilot)
        assert "Save the draft first" in shown(pilot)
        found = app_of(pilot).main.drafts.open_draft
        assert found is not None
        assert len(found.draft.edits) == 1


async def test_no_answer_speaks_for_what_is_left_out_of_the_plan(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    stranger = {"user": "nobody", "policy_arn": LAKE_READ.arn}
    path.write_text(json.dumps(plan_document(planned("aws_iam_user_policy_attachment.x", "create", after=stranger))))
    account = replace(sample_account(), organization=Known(None))
    async with opened(account=account) as pilot:
        drafts = app_of(pilot).main.drafts
        drafts.show_draft(path)
        await until(pilot, lambda: "None of the plan's changes is among the edits" in shown(pilot))
        assert "PART OF THE PLAN" in shown(pilot)
        drafts.add_edits([DetachPolicy(iam("role/deploy-prod"), ADMIN_ARN)])
        await until(pilot, lambda: "of the rest of the plan it is not known: aws_iam_user_policy" in shown(pilot))
        assert "(proved)" not in shown(pilot)
        await press(pilot, "i")
        assert "PART OF THE PLAN" in shown(pilot)
        await press(pilot, "q", "q")
        assert "PART OF THE PLAN" in shown(pilot)
