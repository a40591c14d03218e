"""What is loaded only when it is wanted: the policy of the resource asked about, a user's details."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iamtui.account.model import Known, Missing, ResourcePolicy
from iamtui.engine.decision import Outcome
from iamtui.problem import Problem
from iamtui.tui.widgets.status import MessageLine
from iamtui.workspace.source import opening as resource_policies
from iamtui.workspace.source.workspace import Workspace
from tests.support.panel_apps import type_text
from tests.support.sample_account import document, iam, sample_workspace
from tests.support.screen_app import make_app, opened, press, settle

BUCKET = "arn:aws:s3:::quiet"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A source that can be asked; what was asked of it."""
    seen: list[str] = []

    def load_policy(workspace: Workspace, carrier: str) -> Workspace:
        seen.append(carrier)
        if carrier != BUCKET:
            raise Problem("There is no such bucket.", "Check its name.")
        deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"{BUCKET}/*"}
        policies = {**workspace.account.resource_policies, BUCKET: ResourcePolicy("present", document(deny))}
        return workspace.with_account(replace(workspace.account, resource_policies=policies))

    def load_user(workspace: Workspace, name: str) -> Workspace:
        seen.append(name)
        users = tuple(
            replace(user, access_keys=Known(()), mfa_devices=Known(()), login_profile=Known(None))
            if user.name == name
            else user
            for user in workspace.account.users
        )
        return workspace.with_account(replace(workspace.account, users=users))

    monkeypatch.setattr(Workspace, "can_call_aws", property(lambda _self: True))
    monkeypatch.setattr(resource_policies, "load_resource_policy", load_policy)
    monkeypatch.setattr(resource_policies, "load_user_details", load_user)
    return seen


async def ask(pilot: object, resource: str) -> None:
    await press(pilot, "f5")  # type: ignore[arg-type]
    await type_text(pilot, "s3:getobject")  # type: ignore[arg-type]
    await press(pilot, "enter")  # type: ignore[arg-type]
    await type_text(pilot, resource)  # type: ignore[arg-type]
    await press(pilot, "enter")  # type: ignore[arg-type]
    await settle(pilot)  # type: ignore[arg-type]


async def test_enter_loads_the_policy_that_decides(asked: list[str]) -> None:
    async with opened() as pilot:
        pilot.app.main.go_to(iam("user/alice"))
        await ask(pilot, f"{BUCKET}/x")
        assert asked == [BUCKET]
        answer = pilot.app.main.question.answer
        assert answer is not None
        assert answer.outcome is Outcome.EXPLICIT_DENY
        assert pilot.app.query_one(MessageLine).words == f"Loaded the policy of {BUCKET}."

        await press(pilot, "r")
        await settle(pilot)
        assert asked == [BUCKET, BUCKET]
        answer = pilot.app.main.question.answer
        assert answer is not None
        assert answer.outcome is Outcome.EXPLICIT_DENY


@pytest.mark.slow
async def test_what_cannot_be_loaded_is_said_and_not_asked_for_again(asked: list[str]) -> None:
    async with opened() as pilot:
        pilot.app.main.go_to(iam("user/alice"))
        await ask(pilot, "arn:aws:s3:::gone/x")
        assert asked == ["arn:aws:s3:::gone"]
        assert "There is no such bucket." in pilot.app.query_one(MessageLine).words


@pytest.mark.slow
async def test_a_snapshot_is_not_asked() -> None:
    async with opened() as pilot:
        pilot.app.main.go_to(iam("user/alice"))
        await ask(pilot, f"{BUCKET}/x")
        assert "Loaded" not in pilot.app.query_one(MessageLine).words


async def test_l_loads_what_is_missing_of_a_user(asked: list[str]) -> None:
    workspace = sample_workspace()
    account = workspace.account
    bare = tuple(replace(user, access_keys=Missing("not loaded")) for user in account.users)
    app = make_app(workspace.with_account(replace(account, users=bare)))
    async with opened(app) as pilot:
        app.main.go_to(iam("user/alice"))
        await press(pilot, "L")
        await settle(pilot)
        assert asked == ["alice"]
        assert "keys, MFA devices and password of alice" in pilot.app.query_one(MessageLine).words
        assert app.main.subject.node == app.main.workspace.account.user("alice")
