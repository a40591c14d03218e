"""The tables of what AWS documents in prose."""

from __future__ import annotations

import botocore.session
import pytest

from iamtui.catalog import service_data
from iamtui.catalog.actions import Knowledge, catalogue, knowledge
from iamtui.catalog.dependent_actions import COMPANIONS, companions
from iamtui.catalog.tables import (
    _SYNTHETIC,
    RCP_SERVICES,
    REGIONS,
    RETIRED_SERVICES,
    synthetic_resource,
    unique_id_kind,
)
from iamtui.policy.patterns import parse_arn


def test_rcp_services_are_services() -> None:
    assert {"s3", "sts", "kms", "sqs", "secretsmanager"} <= RCP_SERVICES
    assert "ec2" not in RCP_SERVICES
    assert all(catalogue().is_service(service) for service in RCP_SERVICES)


def test_rcp_list_differs_from_the_data_set_only_by_what_was_added_since() -> None:
    assert RCP_SERVICES.issubset(service_data._read("rcpSupportedServices.json"))


def test_actions_in_the_tables_exist() -> None:
    for checks in COMPANIONS.values():
        for check in checks:
            assert knowledge(check.action) is not Knowledge.UNKNOWN, check.action
    for action in _SYNTHETIC:
        assert catalogue().knows(action), action


def test_a_call_that_is_an_action_begins_with_it_and_any_other_with_the_action_it_is_authorized_as() -> None:
    for call, (first, *_) in COMPANIONS.items():
        if catalogue().knows(call):
            assert first.action.lower() == call
            assert not first.arn


def test_forms_of_other_resources_can_be_filled_in_and_are_arns() -> None:
    for checks in COMPANIONS.values():
        for check in checks:
            filled = check.arn.format(partition="aws", region="eu-west-1", account="1" * 12, bucket="b")
            assert filled in ("", "*") or parse_arn(filled) is not None
            assert bool(check.arn) or check.action != "iam:PassRole"


@pytest.mark.parametrize(
    ("call", "always", "sometimes"),
    [
        ("s3:ListObjectsV2", ["s3:ListBucket"], []),
        ("S3:DELETEOBJECTS", ["s3:DeleteObject"], ["s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"]),
        ("s3:PutBucketReplication", ["s3:PutReplicationConfiguration", "iam:PassRole"], []),
        ("iam:CreateUser", ["iam:CreateUser"], ["iam:TagUser"]),
        ("ecs:RunTask", ["ecs:RunTask"], ["iam:PassRole"]),
        ("ssm:SendCommand", ["ssm:SendCommand"], ["iam:PassRole"]),
        (
            "autoscaling:UpdateAutoScalingGroup",
            ["autoscaling:UpdateAutoScalingGroup"],
            ["ec2:RunInstances", "ec2:CreateTags", "iam:PassRole"],
        ),
        ("states:CreateStateMachine", ["states:CreateStateMachine", "iam:PassRole"], ["states:TagResource"]),
        ("sts:AssumeRole", ["sts:AssumeRole"], ["sts:TagSession", "sts:SetSourceIdentity"]),
        ("kms:CreateAlias", ["kms:CreateAlias", "kms:CreateAlias"], []),
        ("s3:Unknown", [], []),
    ],
)
def test_companions(call: str, always: list[str], sometimes: list[str]) -> None:
    checks = companions(call)
    assert [check.action for check in checks if not check.when] == always
    assert [check.action for check in checks if check.when] == sometimes


def test_a_passed_role_names_the_service_it_is_passed_to() -> None:
    (passed,) = (check for check in companions("lambda:CreateFunction") if check.action == "iam:PassRole")
    assert passed.context == (("iam:PassedToService", "lambda.amazonaws.com"),)
    assert not passed.when


def test_synthetic_resource() -> None:
    assert synthetic_resource("iam:LISTROLES", "111111111111") == "arn:aws:iam::111111111111:role/*"
    assert synthetic_resource("iam:ListRoles", "1" * 12, "aws-cn") == "arn:aws-cn:iam::111111111111:role/*"
    assert synthetic_resource("s3:GetObject", "111111111111") is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("AIDAJQABLZS4A3QDU576Q", "IAM user"),
        ("AROAJQABLZS4A3QDU576Q", "role"),
        ("ASIAJQABLZS4A3QDU576", "temporary access key"),
        ("AIDA", None),
        ("XYZAJQABLZS4A3QDU576Q", None),
        ("aidajqablzs4a3qdu576q", None),
    ],
)
def test_unique_id_kind(text: str, kind: str | None) -> None:
    assert unique_id_kind(text) == kind


def test_the_sdk_knows_all_the_regions() -> None:
    partitions = botocore.session.get_session().get_data("partitions")["partitions"]
    known = {partition["id"]: set(partition["regions"]) for partition in partitions}
    assert all(regions <= known[partition] for partition, regions in REGIONS.items())


def test_retired_services_are_not_listed() -> None:
    assert not [service for service in RETIRED_SERVICES if catalogue().is_service(service)]
