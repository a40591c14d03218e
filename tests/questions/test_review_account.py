"""What an account does not say must not vanish: organization levels, loaded policies, endpoints, owners, tags."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from iamtui.account.model import (
    InlinePolicy,
    Known,
    Missing,
    Organization,
    OrganizationLevel,
    OrganizationPolicy,
    PublicAccessBlock,
    ResourcePolicy,
)
from iamtui.engine.decision import Layer, LayerState, Outcome
from iamtui.engine.request import Mode
from iamtui.policy.document import PolicyDocument
from iamtui.questions.question import Question
from iamtui.workspace.ask.questions import ask_and_trace
from iamtui.workspace.source.principals import resolve_principal
from tests.questions.test_questions import (
    FULL_ACCESS,
    ID,
    NO_QUEUES,
    NOW,
    OBJECT,
    OTHER,
    allow,
    answer,
    arn,
    deny,
    document,
    level,
    state,
    workspace,
)

QUEUE = f"arn:aws:sqs:eu-west-1:{ID}:q"
NOT_READ = Missing("access denied", "organizations:ListPoliciesForTarget")


def organization(*path: OrganizationLevel) -> Known[Organization | None]:
    return Known(Organization("o-1", OTHER, path))


def unread(name: str, type_: str) -> OrganizationLevel:
    return OrganizationLevel(name, name, type_, NOT_READ, NOT_READ)


def test_a_level_that_is_not_loaded_does_not_hide_what_the_others_deny() -> None:
    ws = workspace(
        organization=organization(
            level("root", FULL_ACCESS, NO_QUEUES, type="ROOT"), unread("prod", "ORGANIZATIONAL_UNIT"),
            level(ID, FULL_ACCESS, type="ACCOUNT"),
        )
    )  # fmt: skip
    decision = answer(ws, "alice", "sqs:SendMessage", QUEUE)
    assert decision.outcome is Outcome.EXPLICIT_DENY
    assert [(r.layer, r.level, r.level_name) for r in decision.reasons] == [(Layer.SCP, 0, "root")]
    assert decision.blocked_by == (Layer.SCP,)
    other = answer(ws, "alice", "s3:GetObject", OBJECT)
    assert other.outcome is Outcome.ALLOWED
    assert not other.complete
    assert state(other, Layer.SCP) is LayerState.NOT_EVALUATED
    assert "prod" in next(report.why for report in other.layers if report.layer is Layer.SCP)


def test_a_level_behind_one_that_is_not_loaded_keeps_its_place() -> None:
    ws = workspace(
        organization=organization(
            unread("root", "ROOT"), level("prod", FULL_ACCESS), level("mine", FULL_ACCESS, NO_QUEUES, type="ACCOUNT")
        )
    )
    decision = answer(ws, "alice", "sqs:SendMessage", QUEUE)
    assert [(r.level, r.level_name) for r in decision.reasons] == [(2, "mine")]
    nothing = workspace(organization=organization(unread("root", "ROOT"), level("mine", type="ACCOUNT")))
    assert answer(nothing, "alice", "sqs:SendMessage", QUEUE).outcome is Outcome.IMPLICIT_DENY


@pytest.mark.parametrize(
    "path",
    [
        (),
        (level("root", FULL_ACCESS, type="ROOT"),),
        (level("mine", FULL_ACCESS, type="ACCOUNT"),),
    ],
)
def test_an_organization_without_all_its_levels_is_not_taken_for_none(path: tuple[OrganizationLevel, ...]) -> None:
    decision = answer(workspace(organization=organization(*path)), "alice", "s3:GetObject", OBJECT)
    assert decision.outcome is Outcome.ALLOWED
    assert state(decision, Layer.SCP) is LayerState.NOT_EVALUATED
    assert state(decision, Layer.RCP) is LayerState.NOT_EVALUATED


def test_the_organization_path_is_unknown_without_its_root() -> None:
    only_under = {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-1/mine/*"}}
    ws = workspace(organization=organization(level("mine", FULL_ACCESS), level(ID, FULL_ACCESS, type="ACCOUNT")))
    group = replace(ws.account.groups[0], inline_policies=(
        InlinePolicy("own", document(allow("sqs:SendMessage", Condition=only_under))),))  # fmt: skip
    ws = ws.with_account(replace(ws.account, groups=(group,)))
    assert answer(ws, "alice", "sqs:SendMessage", QUEUE).outcome is Outcome.DEPENDS


def everyone(effect: str, action: str, resource: str) -> ResourcePolicy:
    statement = {"Effect": effect, "Principal": "*", "Action": action, "Resource": resource}
    return ResourcePolicy("present", document(statement))


@pytest.mark.parametrize(
    ("action", "resource", "carrier"),
    [
        # A service that is not on the list of those with resource policies, but the policy is there.
        ("glacier:X", f"arn:aws:newservice:eu-west-1:{ID}:thing/a", f"arn:aws:newservice:eu-west-1:{ID}:thing/a"),
        # The alias of a function has a policy of its own.
        (
            "lambda:InvokeFunction",
            f"arn:aws:lambda:eu-west-1:{ID}:function:f:live",
            f"arn:aws:lambda:eu-west-1:{ID}:function:f:live",
        ),
        (
            "lambda:InvokeFunction",
            f"arn:aws:lambda:eu-west-1:{ID}:function:f:$LATEST",
            f"arn:aws:lambda:eu-west-1:{ID}:function:f",
        ),
        # So has a stream of a table; an index has not.
        (
            "dynamodb:GetRecords",
            f"arn:aws:dynamodb:eu-west-1:{ID}:table/t/stream/2026",
            f"arn:aws:dynamodb:eu-west-1:{ID}:table/t/stream/2026",
        ),
        (
            "dynamodb:Query",
            f"arn:aws:dynamodb:eu-west-1:{ID}:table/t/index/i",
            f"arn:aws:dynamodb:eu-west-1:{ID}:table/t",
        ),
        ("s3:GetObject", OBJECT, "arn:aws:s3:::lake"),
    ],
)
def test_a_loaded_policy_takes_part(action: str, resource: str, carrier: str) -> None:
    ws = workspace()
    user = replace(ws.account.users[0], inline_policies=(InlinePolicy("all", document(allow("*"))),))
    denied = {carrier: everyone("Deny", "*", "*")}
    ws = ws.with_account(replace(ws.account, users=(user,), resource_policies=denied))
    assert answer(ws, "alice", action, resource).outcome is Outcome.EXPLICIT_DENY


def test_a_functions_policy_says_nothing_of_its_alias() -> None:
    function = f"arn:aws:lambda:eu-west-1:{ID}:function:f"
    ws = workspace(resource_policies={function: everyone("Allow", "lambda:InvokeFunction", "*")})
    assert answer(ws, "alice", "lambda:InvokeFunction", function).outcome is Outcome.ALLOWED
    decision = answer(ws, "alice", "lambda:InvokeFunction", f"{function}:live")
    assert decision.outcome is Outcome.IMPLICIT_DENY
    assert state(decision, Layer.RESOURCE) is LayerState.NOT_EVALUATED


@pytest.mark.parametrize("key", ["aws:SourceVpce", "AWS:sourcevpc", "aws:VpcSourceIp", "aws:VpceAccount"])
def test_every_key_of_an_endpoint_says_that_there_is_one(key: str) -> None:
    decision = answer(workspace(), "alice", "s3:GetObject", OBJECT, context={key: ("x",)})
    assert state(decision, Layer.VPC_ENDPOINT) is LayerState.NOT_EVALUATED


def test_a_bucket_whose_policy_may_not_be_read_is_only_assumed_to_be_ours() -> None:
    ws = workspace(resource_policies={"arn:aws:s3:::lake": ResourcePolicy("denied", permission="s3:GetBucketPolicy")},
                   public_access_blocks={"lake": PublicAccessBlock()})  # fmt: skip
    assert any("belongs to" in said for said in answer(ws, "alice", "s3:GetObject", OBJECT).assumptions)
    assert answer(ws, arn("user/eve", OTHER), "s3:GetObject", OBJECT).request.resource_account == ID


def test_that_no_session_tag_replaces_a_roles_tag_is_said_where_tags_matter() -> None:
    ws = workspace()
    not_red: dict[str, Any] = {"StringEquals": {"aws:PrincipalTag/Team": "red"}}

    def ask_as_deploy(*statements: dict[str, Any], mode: Mode = Mode.DISCOVER) -> tuple[str, ...]:
        role = replace(ws.account.roles[0], tags=(("Team", "blue"),),
                       inline_policies=(InlinePolicy("mine", document(*statements)),))  # fmt: skip
        tagged = ws.with_account(replace(ws.account, roles=(role,)))
        decision = answer(tagged, "deploy", "sqs:SendMessage", QUEUE, mode=mode)
        assert decision.outcome is Outcome.ALLOWED
        return tuple(said for said in decision.assumptions if "session tag" in said)

    said = ("no session tag replaces a tag of deploy",)
    assert ask_as_deploy(allow("*"), deny("*", Condition=not_red)) == said
    assert ask_as_deploy(allow("*"), deny("*", Condition=not_red), mode=Mode.STRICT) == said
    assert ask_as_deploy(allow("*")) == ()


def test_an_unreadable_scp_of_one_level_leaves_the_others_in_force() -> None:
    broken = OrganizationPolicy("arn:p-broken", "broken", PolicyDocument("{"))
    ws = workspace(
        organization=organization(
            level("root", FULL_ACCESS, broken, type="ROOT"), level(ID, FULL_ACCESS, NO_QUEUES, type="ACCOUNT")
        )
    )
    assert answer(ws, "alice", "sqs:SendMessage", QUEUE).outcome is Outcome.EXPLICIT_DENY


def test_the_trace_shows_the_levels_that_are_loaded() -> None:
    ws = workspace(
        organization=organization(
            level("root", FULL_ACCESS, type="ROOT"), unread("prod", "ORGANIZATIONAL_UNIT"),
            level(ID, FULL_ACCESS, NO_QUEUES, type="ACCOUNT"),
        )
    )  # fmt: skip
    alice = resolve_principal(ws, "alice")
    decision, traced, explanation = ask_and_trace(ws, alice, Question("sqs:SendMessage", QUEUE), now=NOW)
    scps = [(layer.level, layer.level_name) for layer in traced if layer.layer is Layer.SCP]
    assert scps == [(0, "root"), (2, ID)]
    assert decision.outcome is Outcome.EXPLICIT_DENY
    assert "no-queues" in explanation.suggestions[0].policy
