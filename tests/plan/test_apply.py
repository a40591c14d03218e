"""Calls of planned changes: certain, possible, not mapped; and who may make them."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from iamtui.account.model import Known, Missing
from iamtui.engine.calls.planned_calls import planned_calls
from iamtui.plan.terraform import PlanChange, read_plan
from iamtui.workspace.gate.plan_apply import CallVerdict, PlanApply, plan_apply
from iamtui.workspace.source.principals import resolve_principal
from tests.support.question_matrices import role, workspace_of
from tests.support.sample_account import ID, allow

STANDALONE = Known(None)
QUEUE = f"arn:aws:sqs:eu-west-1:{ID}:jobs"


def change(type_: str, *actions: str, before: Any = None, after: Any = None, **unknown: bool) -> PlanChange:
    value = {
        "address": f"{type_}.this",
        "type": type_,
        "name": "this",
        "change": {"actions": [*actions], "before": before, "after": after, "after_unknown": unknown},
    }
    plan = {"format_version": "1.2", "resource_changes": [value]}
    (found,) = read_plan(json.dumps(plan).encode(), "The plan").changes
    return found


def applied(*changes: PlanChange, statements: Any = (), organization: Any = STANDALONE) -> PlanApply:
    workspace = workspace_of(role("deploy", *statements), role("app"), region="eu-west-1")
    workspace = replace(workspace, account=replace(workspace.account, organization=organization))
    return plan_apply(workspace, resolve_principal(workspace, "role/deploy"), changes)


@pytest.mark.parametrize(
    ("type_", "actions", "attributes", "certain"),
    [
        ("aws_sqs_queue", ("create",), {"name": "jobs"}, {"sqs:CreateQueue": (QUEUE,)}),
        ("aws_sqs_queue", ("delete",), {"name": "jobs"}, {"sqs:DeleteQueue": (QUEUE,)}),
        ("aws_sqs_queue", ("no-op",), {"name": "jobs"}, {}),
        ("aws_sqs_queue", ("forget",), {"name": "jobs"}, {}),
        ("aws_s3_bucket", ("create",), {"bucket": "b"}, {"s3:CreateBucket": ("arn:aws:s3:::b",)}),
        (
            "aws_iam_role",
            ("create",),
            {"name": "r", "path": "/x/"},
            {"iam:CreateRole": (f"arn:aws:iam::{ID}:role/x/r",)},
        ),
        (
            "aws_lambda_function",
            ("create",),
            {"function_name": "f", "role": f"arn:aws:iam::{ID}:role/app"},
            {
                "lambda:CreateFunction": (f"arn:aws:lambda:eu-west-1:{ID}:function:f",),
                "iam:PassRole": (f"arn:aws:iam::{ID}:role/app",),
            },
        ),
    ],
)
def test_certain_calls_come_with_arns_and_dependent_actions(
    type_: str, actions: tuple[str, ...], attributes: dict[str, Any], certain: dict[str, Any]
) -> None:
    found = planned_calls(type_, actions, attributes, attributes, account=ID, region="eu-west-1")
    assert found.mapped
    assert {one.action: one.resources for one in found.certain} == certain


def test_a_replacement_deletes_and_creates() -> None:
    found = applied(change("aws_sqs_queue", "delete", "create", before={"name": "old"}, after={"name": "jobs"}))
    assert found.pairs == (("sqs:DeleteQueue", QUEUE.replace("jobs", "old")), ("sqs:CreateQueue", QUEUE))
    assert len(found.of(CallVerdict.DENIED)) == 2


@pytest.mark.parametrize(
    ("resource", "name", "verdict"),
    [
        (QUEUE, "jobs", CallVerdict.AS_LOADED),
        (QUEUE, "other", CallVerdict.DENIED),
        (QUEUE, None, CallVerdict.DEPENDS),
        ("*", None, CallVerdict.AS_LOADED),
    ],
)
def test_what_is_not_known_until_apply_is_neither_allowed_nor_denied(
    resource: str, name: str | None, verdict: CallVerdict
) -> None:
    found = applied(
        change("aws_sqs_queue", "create", after={"name": name}), statements=[allow("sqs:CreateQueue", resource)]
    )
    assert [one.verdict for one in found.certain] == [verdict]


def test_a_path_that_is_not_known_is_not_taken_for_the_root() -> None:
    created = change("aws_iam_role", "create", after={"name": "new"}, path=True)
    granted = [allow("iam:CreateRole", f"arn:aws:iam::{ID}:role/new")]
    assert [one.verdict for one in applied(created, statements=granted).certain] == [CallVerdict.DEPENDS]


def test_a_deleted_role_has_the_path_of_its_arn() -> None:
    arn = f"arn:aws:iam::{ID}:role/teams/old"
    found = applied(change("aws_iam_role", "delete", before={"name": "old", "arn": arn}))
    assert found.pairs == (("iam:DeleteRole", arn),)


def test_types_that_are_not_mapped_are_named_and_possible_calls_deny_nothing() -> None:
    found = applied(change("aws_no_such_thing", "create"), change("aws_sqs_queue", "update", after={"name": "jobs"}))
    assert found.not_mapped == {"aws_no_such_thing": ("aws_no_such_thing.this",)}
    assert "sqs:SetQueueAttributes" in found.possible["aws_sqs_queue.this"]
    assert found.certain == ()


def test_what_a_guardrail_that_is_not_loaded_may_deny_is_not_called_allowed() -> None:
    created = change("aws_iam_role", "create", after={"name": "new"})
    granted = [allow("iam:CreateRole")]
    assert [one.verdict for one in applied(created, statements=granted).certain] == [CallVerdict.ALLOWED]
    missing = Missing("access denied", "organizations:DescribeOrganization")
    found = applied(created, statements=granted, organization=missing)
    assert [one.verdict for one in found.certain] == [CallVerdict.AS_LOADED]


@pytest.mark.slow
def test_500_changes_are_answered_in_3_seconds() -> None:
    changes = [change("aws_sqs_queue", "create", after={"name": f"q{number}"}) for number in range(500)]
    start = time.process_time()
    assert len(applied(*changes, statements=[allow("sqs:*", "*")]).of(CallVerdict.AS_LOADED)) == 500
    assert time.process_time() - start < 3
