"""With only a part of the read permissions, each panel names the action that is missing, also in 80 columns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot

from iamtui.tui.main.inventory import Branch, Kind, key_of
from iamtui.tui.widgets.status import MessageLine
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.workspace import CacheUse, SourceChoice, SourceKind
from tests.support.fault_proxy import FaultProxy
from tests.support.moto_server import ACCOUNT
from tests.support.panel_apps import screen_text, type_text
from tests.support.permission_gate import CANNED, PermissionGate
from tests.support.screen_app import make_app, opened, press, settle
from tests.support.slow import one_quick

INVENTORY = "iam:GetAccountAuthorizationDetails"
ALICE, CI = f"arn:aws:iam::{ACCOUNT}:user/alice", f"arn:aws:iam::{ACCOUNT}:role/ci"
STREAM = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s"


@asynccontextmanager
async def without(proxy: FaultProxy, *denied: str) -> AsyncIterator[Pilot[Any]]:
    """The screen at 80x24 on an account of which all but these actions may be read."""
    PermissionGate(proxy, denied=denied, canned=CANNED)
    choice = SourceChoice(SourceKind.LIVE, endpoint_url=proxy.url, cache=CacheUse.NOTHING)
    app = make_app(open_source(choice), first_branch=Branch(Kind.OVERVIEW))
    async with opened(app, size=(80, 24)) as pilot:
        yield pilot


async def test_the_tree_names_what_lists_a_branch(gated_proxy: FaultProxy) -> None:
    needs = {
        Kind.USERS: "iam:ListUsers",
        Kind.GROUPS: "iam:ListGroups",
        Kind.ROLES: "iam:ListRoles",
        Kind.PROVIDERS: "iam:ListSAMLProviders",
        Kind.ORGANIZATION: "organizations:DescribeOrganization",
    }
    async with without(gated_proxy, INVENTORY, *needs.values()) as pilot:
        for kind, denied in needs.items():
            pilot.app.main.go_to(key_of(Branch(kind)))
            await settle(pilot)
            assert denied in screen_text(pilot.app).replace("\n", " ")


async def test_how_the_organization_is_read_otherwise_is_said_whole(gated_proxy: FaultProxy) -> None:
    async with without(gated_proxy, "organizations:DescribeOrganization") as pilot:
        pilot.app.main.go_to(key_of(Branch(Kind.ORGANIZATION)))
        await settle(pilot)
        assert "L: with another profile or a file" in screen_text(pilot.app)


@one_quick(
    ("denied", "label"),
    [
        ("iam:ListGroupsForUser", "Groups"),
        ("iam:ListUserPolicies", "Inline"),
        ("iam:ListAttachedUserPolicies", "Attached"),
        ("iam:GetUser", "Boundary"),
    ],
)
async def test_the_facts_of_a_user_name_what_reads_each(gated_proxy: FaultProxy, denied: str, label: str) -> None:
    async with without(gated_proxy, INVENTORY, "iam:GetGroup", denied) as pilot:
        pilot.app.main.go_to(ALICE)
        await settle(pilot)
        rows = screen_text(pilot.app).splitlines()
        assert any(label in row and denied in row for row in rows)
        assert not any("Groups" in row and "none" in row for row in rows)


@pytest.mark.slow
async def test_the_answer_and_its_layers_name_what_reads_the_policy_of_a_resource(gated_proxy: FaultProxy) -> None:
    async with without(gated_proxy, "kinesis:GetResourcePolicy") as pilot:
        pilot.app.main.go_to(ALICE)
        await press(pilot, "f5")
        await type_text(pilot, "kinesis:GetRecords")
        await press(pilot, "enter")
        await type_text(pilot, STREAM)
        await press(pilot, "enter")
        await settle(pilot)
        message = pilot.app.query_one(MessageLine).words.removeprefix("! ")
        assert message == f"The policy of {STREAM} may not be read: access denied. It needs kinesis:GetResourcePolicy."
        answer = pilot.app.main.question.answer
        assert answer is not None
        assert [one.why for one in answer.layers if "kinesis:GetResourcePolicy" in one.why]
