"""Which condition keys a check does not carry because they speak of the call's other resources."""

from __future__ import annotations

import pytest

from iamtui.catalog.actions import keys_of_other_resources

IMAGE = "arn:aws:ec2:us-east-1::image/ami-1"
INSTANCES = "arn:aws:ec2:*:111111111111:instance/*"


def test_the_image_of_a_call_has_no_keys_of_the_instance() -> None:
    keys = keys_of_other_resources("ec2:RunInstances", IMAGE)
    assert {"ec2:InstanceType", "aws:RequestTag/*", "aws:TagKeys"} <= set(keys)
    assert not {"ec2:Owner", "ec2:Region", "aws:ResourceTag/*", "ec2:ResourceTag/*"} & set(keys)


def test_the_instance_keeps_its_own_and_lacks_those_of_the_image() -> None:
    keys = keys_of_other_resources("EC2:runinstances", INSTANCES)
    assert {"ec2:ImageType", "ec2:Owner", "aws:ResourceTag/*"} <= set(keys)
    assert not {"ec2:InstanceType", "aws:RequestTag/*", "ec2:LaunchTemplate"} & set(keys)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("ec2:RunInstances", "*"),
        ("ec2:RunInstances", "arn:aws:ec2:*:*:*"),
        ("ec2:RunInstances", "arn:aws:s3:::b"),
        ("ec2:RunInstances", "arn:aws:ec2:us-east-1:111111111111:no-such-type/x"),
        ("ec2:NoSuchAction", IMAGE),
        ("s3:GetObject", "arn:aws:s3:::b/k"),
        ("rds:CreateDBInstance", "arn:aws:rds:us-east-1:111111111111:db:x"),
    ],
)
def test_nothing_is_known_to_be_absent_where_the_type_or_the_reference_leaves_it_open(
    action: str, resource: str
) -> None:
    assert keys_of_other_resources(action, resource) == ()
