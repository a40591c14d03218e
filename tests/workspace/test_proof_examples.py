"""Examples of proofs that exist: found where one is plain, and requests that can be made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from iamtui.catalog.tables import REGIONS
from iamtui.engine.possible_requests import Occasion, why_impossible
from iamtui.workspace.ask.proof_result import Counterexample, Proof, ProofStatus
from iamtui.workspace.source.workspace import Workspace
from tests.support.alice_and_dev import BUCKET, workspace
from tests.support.sample_account import ID, allow, deny, document
from tests.workspace.test_proofs import never

OBJECTS = f"{BUCKET}/*"


def example(proof: Proof) -> Counterexample:
    assert proof.counterexample is not None, proof.reasons
    found = proof.counterexample
    known = {key.lower(): values for key, values in found.context.items()}
    assert not why_impossible(known, Occasion(found.principal.kind, found.action, found.resource, "aws"))
    return found


def with_session_tags(found: Workspace) -> Workspace:
    """The same, but that sessions of the role may have tags."""
    (role,) = found.account.roles
    trust = allow(["sts:AssumeRole", "sts:TagSession"])
    trusting = document({key: value for key, value in trust.items() if key != "Resource"} | {"Principal": {"AWS": ID}})
    return found.with_account(replace(found.account, roles=(replace(role, trust=trusting),)))


@pytest.mark.parametrize("resource", ["arn:aws:ec2:eu-west-?:*:instance/*", "arn:aws:ec2:eu-*:*:instance/*"])
def test_a_resource_is_asked_for_in_its_own_region(resource: str) -> None:
    regions = {"StringLike": {"aws:RequestedRegion": ["*-1", "eu-*"]}}
    account = workspace(allow("ec2:StopInstances", "*", Condition=regions), deny("ec2:*", resource))
    found = example(never(account, "ec2:StopInstances"))
    assert found.context["aws:RequestedRegion"] == (found.resource.split(":")[3],)


@pytest.mark.parametrize("region", ["us-*", "*-1", "eu-*", "??-*-3", "*"])
def test_a_resource_is_in_a_region_that_is_known(region: str) -> None:
    account = workspace(allow("ec2:StopInstances", f"arn:aws:ec2:{region}:*:instance/*"))
    assert example(never(account, "ec2:StopInstances")).resource.split(":")[3] in REGIONS["aws"]


def test_a_region_that_aws_may_add_is_no_example() -> None:
    account = workspace(
        allow("ec2:StopInstances", "arn:aws:ec2:e*:*:instance/*"), deny("ec2:*", "arn:aws:ec2:eu-*:*:*")
    )
    proof = never(account, "ec2:StopInstances")
    assert proof.status is ProofStatus.NOT_PROVED
    assert "only a resource like" in next(iter(proof.reasons))


@pytest.mark.parametrize(
    ("action", "key", "type_"),
    [
        ("ec2:CreateVolume", "aws:RequestTag/team", "volume/"),
        ("ec2:CreateSubnet", "aws:RequestTag/team", "subnet/"),
        ("ec2:RunInstances", "ec2:InstanceType", "instance/"),
    ],
)
def test_a_resource_is_one_whose_check_carries_the_key(action: str, key: str, type_: str) -> None:
    account = workspace(allow(action, Condition={"StringEquals": {key: "red"}}))
    assert example(never(account, action)).resource.split(":")[5].startswith(type_)


@pytest.mark.parametrize(
    "condition",
    [
        {"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{ID}:role/${{aws:PrincipalTag/team}}"}},
        {"StringEquals": {"aws:RequestTag/team": "${aws:PrincipalTag/team}"}},
        {"StringEquals": {"aws:RequestTag/team": "${aws:PrincipalTag/cost, 'none'}"}},
    ],
)
def test_a_session_need_not_have_tags_of_its_own(condition: dict[str, Any]) -> None:
    account = workspace(allow("ec2:CreateVolume", Condition=condition), tags=(("team", "red"),))
    example(never(with_session_tags(account), "ec2:CreateVolume", "role/dev"))


def test_a_tag_of_a_session_in_a_resource_is_put_in() -> None:
    account = workspace(allow("s3:GetObjectTagging", f"{BUCKET}/${{aws:PrincipalTag/team}}/*"), tags=(("team", "red"),))
    assert example(never(with_session_tags(account), who="role/dev")).resource == f"{BUCKET}/red/"


def test_a_name_with_a_star_does_not_hide_an_example() -> None:
    account = workspace(allow("s3:GetObjectTagging", OBJECTS), deny("s3:*", f"{BUCKET}/x${{*}}y"))
    example(never(account))


@pytest.mark.parametrize("key", ["aws:CurrentTime", "aws:EpochTime", "aws:TokenIssueTime"])
def test_a_time_that_has_to_be_there_is_one_to_come(key: str) -> None:
    account = workspace(allow("s3:GetObjectTagging", OBJECTS, Condition={"Null": {key: "false"}}))
    example(never(account, who="role/dev"))


def test_a_request_without_an_address_comes_through_an_endpoint() -> None:
    # IAM User Guide: aws:SourceIp is in all requests but those through a VPC endpoint.
    account = workspace(allow("s3:GetObjectTagging", OBJECTS, Condition={"Null": {"aws:SourceIp": "true"}}))
    proof = never(account)
    assert proof.counterexample is None
    assert "the policy of a VPC endpoint is not loaded" in proof.reasons
