"""Which ARN carries the policy that speaks of a resource, and what can have none."""

from __future__ import annotations

import pytest

from iamtui.policy.patterns import parse_arn
from iamtui.policy.resource import may_have_policy, resource_policy_arn

HERE = "eu-west-1:111122223333"


@pytest.mark.parametrize(
    ("resource", "carrier"),
    [
        ("arn:aws:s3:::bucket/a/b", "arn:aws:s3:::bucket"),
        (f"arn:aws:dynamodb:{HERE}:table/t/index/i", f"arn:aws:dynamodb:{HERE}:table/t"),
        (f"arn:aws:dynamodb:{HERE}:table/t/stream/2026", f"arn:aws:dynamodb:{HERE}:table/t/stream/2026"),
        (f"arn:aws:lambda:{HERE}:function:f:$LATEST", f"arn:aws:lambda:{HERE}:function:f"),
        (f"arn:aws:lambda:{HERE}:function:f:live", f"arn:aws:lambda:{HERE}:function:f:live"),
        (f"arn:aws:logs:{HERE}:log-group:g", f"arn:aws:logs:{HERE}:log-group:g"),
        (f"arn:aws:logs:{HERE}:log-group:/a/b:*", f"arn:aws:logs:{HERE}:log-group:/a/b"),
        (f"arn:aws:logs:{HERE}:log-group:g:log-stream:s", f"arn:aws:logs:{HERE}:log-group:g"),
        (f"arn:aws:logs:{HERE}:destination:d", f"arn:aws:logs:{HERE}:destination:d"),
        (f"arn:aws:es:{HERE}:domain/d/index/_search", f"arn:aws:es:{HERE}:domain/d"),
        (f"arn:aws:execute-api:{HERE}:a1b2/prod/GET/x", f"arn:aws:execute-api:{HERE}:a1b2"),
        (f"arn:aws:glue:{HERE}:table/db/t", f"arn:aws:glue:{HERE}:catalog"),
        (f"arn:aws:glue:{HERE}:catalog", f"arn:aws:glue:{HERE}:catalog"),
        (f"arn:aws:codeartifact:{HERE}:package/dom/repo/npm/ns/n", f"arn:aws:codeartifact:{HERE}:repository/dom/repo"),
        (f"arn:aws:codeartifact:{HERE}:domain/dom", f"arn:aws:codeartifact:{HERE}:domain/dom"),
        (f"arn:aws:kinesis:{HERE}:stream/s/consumer/c:1", f"arn:aws:kinesis:{HERE}:stream/s/consumer/c:1"),
        (f"arn:aws:backup:{HERE}:backup-vault:v", f"arn:aws:backup:{HERE}:backup-vault:v"),
        ("*", "*"),
    ],
)
def test_the_policy_of_a_resource_is_that_of_its_carrier(resource: str, carrier: str) -> None:
    assert resource_policy_arn(resource) == carrier
    arn = parse_arn(resource)
    assert arn is None or may_have_policy(arn)


@pytest.mark.parametrize(
    "resource",
    [
        f"arn:aws:ec2:{HERE}:instance/i-1",
        f"arn:aws:states:{HERE}:stateMachine:s",
        f"arn:aws:glue:{HERE}:job/j",
        f"arn:aws:glue:{HERE}:crawler/*",
        f"arn:aws:dynamodb:{HERE}:table/t/backup/1",
        f"arn:aws:notaservice:{HERE}:x",
    ],
)
def test_a_resource_that_can_have_no_policy_is_known(resource: str) -> None:
    arn = parse_arn(resource)
    assert arn is not None
    assert not may_have_policy(arn)


@pytest.mark.parametrize("resource", ["*", "t*", "*/x", "tab*/db/t"])
def test_a_pattern_that_may_be_about_what_has_a_policy_is_not_ruled_out(resource: str) -> None:
    arn = parse_arn(f"arn:aws:glue:{HERE}:{resource}")
    assert arn is not None
    assert may_have_policy(arn)
    assert resource_policy_arn(str(arn)) == str(arn)
