"""A question asked and typed on the main screen, of the sample account."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from iamtui.account.model import Account, ResourcePolicy
from iamtui.tui.app import IamtuiApp
from iamtui.tui.question.completing_input import CompletingInput
from iamtui.tui.question.form import QuestionForm
from iamtui.tui.question.panel import QuestionPanel
from tests.support.panel_apps import type_text
from tests.support.sample_account import deny, document, iam, sample_workspace
from tests.support.screen_app import settle

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
    """The question panel."""
    return pilot.app.screen.query_one(QuestionPanel)


def form_of(pilot: Pilot[None]) -> QuestionForm:
    """The fields of the question."""
    return pilot.app.screen.query_one(QuestionForm)


async def asked(
    pilot: Pilot[None], who: str = "role/web-server", action: str = "s3:GetObject", resource: str = LAKE_OBJECT
) -> QuestionPanel:
    """Go to somebody and ask about them."""
    app: IamtuiApp = pilot.app  # type: ignore[assignment]
    app.main.go_to(iam(who))
    panel_of(pilot).ask(action, resource)
    await settle(pilot)
    return panel_of(pilot)


async def typed(pilot: Pilot[None], field: CompletingInput, text: str) -> None:
    """Type into a field, as somebody who has just come to it."""
    field.focus()
    await pilot.pause()
    await type_text(pilot, text)
    await settle(pilot)
