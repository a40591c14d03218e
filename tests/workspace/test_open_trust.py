"""What leaves a role open: the audit, lint, trust, who-can and a proof of the same trust policy say the same of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from iamtui.account.model import Known, Organization, ResourcePolicy, Role
from iamtui.lint.check_document import findings as lint_findings
from iamtui.policy.types import PolicyType
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.workspace.ask.access import who_has_access
from iamtui.workspace.ask.proof_result import ProofStatus
from iamtui.workspace.ask.trust import POSSIBLE, Opening, TrustReader
from iamtui.workspace.ask.who_can import everybody
from iamtui.workspace.prove.public_proofs import prove_not_public
from iamtui.workspace.review.audit import audit
from iamtui.workspace.source.workspace import Workspace
from tests.support.sample_account import ID, document, iam, sample_workspace

GITHUB = "token.actions.githubusercontent.com"
PROVIDER = {"Federated": iam(f"oidc-provider/{GITHUB}")}
OTHER = "999999999999"
OPEN_CODES = {"trust-everyone", "trust-without-external-id"}

CONFINED: tuple[dict[str, Any], ...] = (
    {"StringEquals": {"aws:PrincipalOrgID": "o-own1234567"}},
    {"StringLike": {"aws:PrincipalOrgID": "o-own1234567"}},
    {"StringEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}},
    {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-own1234567/r-1/*"}},
    {"StringEquals": {"aws:PrincipalAccount": ID}},
    {"StringEqualsIfExists": {"aws:PrincipalAccount": ID}},
    {"ArnLike": {"aws:PrincipalArn": iam("role/*")}},
    {"StringEquals": {"aws:PrincipalOrgID": "o-own1234567", "sts:ExternalId": "x"}},
)
OPEN: tuple[dict[str, Any], ...] = (
    {},
    {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-own1234567"}},
    {"StringNotEquals": {"aws:PrincipalOrgID": "o-own1234567"}},
    {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-own1234567"}},
    {"Null": {"aws:PrincipalOrgID": "true"}},
    {"Null": {"aws:PrincipalOrgID": "false"}},
    {"StringLike": {"aws:PrincipalOrgID": "o-*"}},
    {"StringLike": {"aws:PrincipalOrgID": "*"}},
    {"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-own1234567/*"}},
    {"ForAnyValue:StringNotLike": {"aws:PrincipalOrgPaths": "o-own1234567/*"}},
    {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-*"}},
    {"StringNotEquals": {"aws:PrincipalAccount": OTHER}},
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/Deploy*"}},
    {"StringEquals": {"sts:ExternalId": "x"}},
    {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-own1234567", "sts:ExternalId": "x"}},
    {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
)
ELSEWHERE: tuple[dict[str, Any], ...] = (
    {"StringEquals": {"aws:PrincipalOrgID": "o-other12345"}},
    {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-other12345/*"}},
    {"StringEquals": {"aws:PrincipalOrgID": ["o-own1234567", "o-other12345"]}},
)
DENY = {"Effect": "Deny", "Principal": "*", "Action": "sts:*"}
CLOSING: tuple[dict[str, Any], ...] = (
    {"StringNotEquals": {"aws:PrincipalOrgID": "o-own1234567"}},
    {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-own1234567"}},
    {"ForAllValues:StringNotLike": {"aws:PrincipalOrgPaths": "o-own1234567/*"}},
    {"StringNotEquals": {"aws:PrincipalAccount": ID}},
)
NOT_CLOSING: tuple[dict[str, Any], ...] = (
    {"StringEquals": {"aws:PrincipalOrgID": "o-other12345"}},
    {"StringNotEquals": {"aws:PrincipalOrgID": "o-own1234567"}, "Null": {"aws:PrincipalOrgID": "false"}},
    {"ForAnyValue:StringNotLike": {"aws:PrincipalOrgPaths": "o-own1234567/*"}},
    {"StringNotLike": {"aws:PrincipalOrgID": "o-*"}},
)


def workspace_of(*statements: dict[str, Any]) -> tuple[Workspace, Role]:
    workspace = sample_workspace()
    role = replace(workspace.account.roles[0], name="r", arn=iam("role/r"), trust=document(*statements))
    organization = Known(Organization("o-own1234567", ID, ()))
    account = replace(workspace.account, roles=(role,), organization=organization)
    return replace(workspace, account=account), role


def allowing(condition: dict[str, Any], principal: Any = "*", action: str = "sts:AssumeRole") -> dict[str, Any]:
    conditions = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Principal": principal, "Action": action, **conditions}


CASES = [
    *(((allowing(one),), None) for one in CONFINED),
    *(((allowing(one),), Opening.EVERYONE) for one in OPEN),
    *(((allowing(one),), Opening.ORGANIZATION) for one in ELSEWHERE),
    *(((allowing({}), {**DENY, "Condition": one}), None) for one in CLOSING),
    *(((allowing({}), {**DENY, "Condition": one}), Opening.EVERYONE) for one in NOT_CLOSING),
]


@pytest.mark.parametrize(("statements", "opening"), CASES)
def test_all_say_the_same_of_a_trust_in_everybody(
    statements: tuple[dict[str, Any], ...], opening: Opening | None
) -> None:
    workspace, role = workspace_of(*statements)
    edges = [edge for edge in TrustReader(workspace).edges(role, inside=False) if edge.is_outside]
    assert {edge.opening for edge in edges} - {None} == ({opening} if opening else set())

    findings = {finding.code for finding in audit(workspace)}
    assert bool(findings & OPEN_CODES) is (opening is not None)
    assert ("trust-everyone" in findings) is (opening is Opening.EVERYONE)

    lint = {finding.code for finding in lint_findings(role.trust, PolicyType.TRUST, account=ID)}
    # A document does not say whose organization is the own one.
    assert ("trust-anyone" in lint) is (opening is Opening.EVERYONE)

    (proof,) = prove_not_public(workspace, [role.arn], organization=True).values()
    assert proof.status is (ProofStatus.COUNTEREXAMPLE if opening else ProofStatus.PROVED)

    asked = QuestionMatrix(("sts:AssumeRole",), (role.arn,), Question(""))
    rows = who_has_access(workspace, asked, everybody(workspace, asked).asked)
    outside = {one.principal.account for one in rows if one.outcome in POSSIBLE} - {ID, None}
    assert outside == {edge.principal.account for edge in edges}


QUEUE = f"arn:aws:sqs:us-east-1:{ID}:q"


def sending(condition: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**allowing(condition, action="sqs:SendMessage"), "Resource": "*", **more}


def keeping_out(condition: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**DENY, "Action": "sqs:*", "Resource": "*", **({"Condition": condition} if condition else {}), **more}


OWN_ORGANIZATION = {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-own1234567"}}
OTHERS_KEPT_OUT: tuple[tuple[dict[str, Any], ...], ...] = (
    *((sending({}), keeping_out(one)) for one in CLOSING),
    (sending({}), keeping_out({})),
    (sending({}), keeping_out({**OWN_ORGANIZATION, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}})),
    (
        sending({}),
        {**keeping_out({}, NotPrincipal={"AWS": [f"arn:aws:iam::{ID}:root", iam("user/alice")]}), "Principal": 0},
    ),
    (
        sending({}, Action=["sqs:SendMessage", "sqs:ReceiveMessage"]),
        keeping_out(OWN_ORGANIZATION, Action="sqs:Send*"),
        keeping_out(OWN_ORGANIZATION, Action="sqs:ReceiveMessage"),
    ),
    (sending({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-own1234567/r-1/*/ou-2/*"}}),),
    (sending({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "${aws:ResourceOrgID}/*"}}),),
    (sending({}, Action=["sqs:DeleteQueue", "sqs:TagQueue"]),),
)
LET_IN_ALL_THE_SAME: tuple[tuple[dict[str, Any], ...], ...] = (
    *((sending({}), keeping_out(one)) for one in NOT_CLOSING),
    # Anonymous callers have no such key.
    (sending({}), keeping_out({**OWN_ORGANIZATION, "Bool": {"aws:PrincipalIsAWSService": "false"}})),
    (sending({}, Action=["sqs:SendMessage", "sqs:ReceiveMessage"]), keeping_out(OWN_ORGANIZATION, Action="sqs:Send*")),
    (sending({}, Action="sqs:*"), keeping_out(OWN_ORGANIZATION, Action="sqs:Send*")),
    (sending({}, Action=["sqs:DeleteQueue", "sqs:SendMessage"]),),
    (sending({"StringNotEquals": {"aws:SourceOwner": ID}}),),
    (sending({"StringNotEquals": {"kms:CallerAccount": ID}}),),
    # Everybody has the organization, and the account, that it has.
    (sending({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "${aws:PrincipalOrgID}/*"}}),),
    (sending({"StringEquals": {"kms:CallerAccount": "${aws:PrincipalAccount}"}}),),
)


@pytest.mark.parametrize(
    ("statements", "is_open"),
    [*((one, False) for one in OTHERS_KEPT_OUT), *((one, True) for one in LET_IN_ALL_THE_SAME)],
)
def test_all_say_the_same_of_a_resource_whose_policy_keeps_some_out(
    statements: tuple[dict[str, Any], ...], is_open: bool
) -> None:
    workspace, _ = workspace_of(allowing({"StringEquals": {"aws:PrincipalAccount": ID}}))
    read = [{key: value for key, value in one.items() if value != 0} for one in statements]
    policy = ResourcePolicy("present", document(*read))
    workspace = replace(workspace, account=replace(workspace.account, resource_policies={QUEUE: policy}))
    found = [one for one in audit(workspace) if one.code == "resource-everyone"]
    assert [one.subject for one in found] == ([QUEUE] if is_open else [])
    lint = {finding.code for finding in lint_findings(policy.document, PolicyType.RESOURCE, account=ID)}
    # Lint is not told of which service the resource is.
    assert "sqs:TagQueue" in read[0]["Action"] or ("public" in lint) is is_open
    (proof,) = prove_not_public(workspace, [QUEUE], organization=True).values()
    assert proof.status is not (ProofStatus.PROVED if is_open else ProofStatus.COUNTEREXAMPLE), proof


@pytest.mark.parametrize("condition", [*CONFINED, *OPEN, *ELSEWHERE])
def test_all_say_the_same_of_a_resource_that_is_open(condition: dict[str, Any]) -> None:
    statement = sending(condition)
    queue = QUEUE
    workspace, _ = workspace_of(allowing({"StringEquals": {"aws:PrincipalAccount": ID}}))
    policy = ResourcePolicy("present", document(statement))
    workspace = replace(workspace, account=replace(workspace.account, resource_policies={queue: policy}))
    (proof,) = prove_not_public(workspace, [queue], organization=True).values()
    asked = QuestionMatrix(("sqs:SendMessage",), (queue,), Question(""))
    concerned = everybody(workspace, asked)
    outsiders = concerned.asked[len(workspace.account.principals) :]
    let_in = [one for one in who_has_access(workspace, asked, outsiders) if one.outcome in POSSIBLE]
    lint = {finding.code for finding in lint_findings(policy.document, PolicyType.RESOURCE, account=ID)}

    audited = {finding.code for finding in audit(workspace)}
    assert ("resource-everyone" in audited) is ("public" in lint)
    if "public" in lint:
        assert proof.status is not ProofStatus.PROVED
    if proof.status is ProofStatus.COUNTEREXAMPLE:
        assert let_in
    assert (proof.status is ProofStatus.PROVED) is (condition in CONFINED)


@pytest.mark.parametrize(
    ("condition", "is_open"),
    [
        ({}, True),
        ({"StringLike": {f"{GITHUB}:sub": "*"}}, True),
        ({"StringLike": {f"{GITHUB}:sub": "repo:*"}}, True),
        ({"StringLike": {f"{GITHUB}:sub": "repo:*/*:ref:refs/heads/main"}}, True),
        ({"StringLike": {f"{GITHUB}:sub": "repo:acme*"}}, True),
        ({"StringLike": {f"{GITHUB}:sub": ["repo:acme/app:*", "repo:?cme/*"]}}, True),
        ({"StringEqualsIfExists": {f"{GITHUB}:sub": "repo:acme/app:ref:refs/heads/main"}}, True),
        ({"StringNotEquals": {f"{GITHUB}:sub": "repo:acme/app:ref:refs/heads/main"}}, True),
        ({"ForAllValues:StringEquals": {f"{GITHUB}:sub": "repo:acme/app:ref:refs/heads/main"}}, True),
        ({"Null": {f"{GITHUB}:sub": "false"}}, True),
        ({"StringEquals": {f"{GITHUB}:sub": "repo:acme/app:ref:refs/heads/main"}}, False),
        ({"StringLike": {f"{GITHUB}:sub": "repo:acme/*"}}, False),
        ({"StringLike": {f"{GITHUB}:sub": "repo:acme@1/app@2:*"}}, False),
    ],
)
def test_a_subject_that_confines_nobody_is_found(condition: dict[str, Any], *, is_open: bool) -> None:
    audience = {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}}
    both = {
        operator: {**audience.get(operator, {}), **condition.get(operator, {})}
        for operator in {**audience, **condition}
    }
    workspace, role = workspace_of(allowing(both, PROVIDER, "sts:AssumeRoleWithWebIdentity"))
    assert ("oidc-without-subject" in {finding.code for finding in audit(workspace)}) is is_open
    lint = {finding.code for finding in lint_findings(role.trust, PolicyType.TRUST, account=ID)}
    assert ("github-any-repository" in lint) is is_open
    (edge,) = (edge for edge in TrustReader(workspace).edges(role, inside=False) if edge.action != "sts:AssumeRole")
    assert edge.opening is (Opening.EVERY_IDENTITY if is_open else None)
