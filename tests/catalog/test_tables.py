"""The tables of what AWS documents in prose."""

from __future__ import annotations

import pytest

from iamtui.catalog import RCP_SERVICES, catalogue, companions, service_data, synthetic_resource, unique_id_kind
from iamtui.catalog.tables import _COMPANIONS, _SYNTHETIC


def test_rcp_services_are_services() -> None:
    assert {"s3", "sts", "kms", "sqs", "secretsmanager"} <= RCP_SERVICES
    assert "ec2" not in RCP_SERVICES
    assert all(catalogue().is_service(service) for service in RCP_SERVICES)


def test_rcp_list_differs_from_the_data_set_only_by_what_was_added_since() -> None:
    assert RCP_SERVICES.issubset(service_data.rcp_services())


def test_actions_in_the_tables_exist() -> None:
    for checks in _COMPANIONS.values():
        for check in checks:
            assert catalogue().knows(check.action), check.action
    for action in _SYNTHETIC:
        assert catalogue().knows(action), action


@pytest.mark.parametrize(
    ("call", "actions"),
    [
        ("s3:ListObjectsV2", ["s3:ListBucket"]),
        ("S3:COPYOBJECT", ["s3:GetObject", "s3:PutObject", "kms:Decrypt", "kms:GenerateDataKey"]),
        ("lambda:CreateFunction", ["lambda:CreateFunction", "iam:PassRole"]),
        ("sts:AssumeRole", ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]),
        ("ec2:RunInstances", ["ec2:RunInstances", "ec2:CreateTags", "iam:PassRole"]),
        ("s3:Unknown", []),
    ],
)
def test_companions(call: str, actions: list[str]) -> None:
    assert [check.action for check in companions(call)] == actions


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
