"""Requests that can exist: resources, values of keys, and which of them go together."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from iamtui.engine.possible_requests import Occasion, Values, why_impossible
from iamtui.engine.request import PrincipalKind


def at(hours: int) -> Values:
    return (f"{datetime.fromtimestamp(time.time(), UTC) + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}",)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        # An account has 12 digits, a principal an ARN of its account (IAM User Guide: IAM identifiers).
        ({"aws:resourceaccount": ("????????????",)}, "an account has 12 digits"),
        ({"aws:principalarn": ("arn:aws:iam:::role/x",)}, "no principal has such an ARN"),
        ({"aws:principalarn": ("arn:aws:iam::????????????:role/x",)}, "no principal has such an ARN"),
        ({"aws:userid": ("AROA:",)}, "no principal has such an id"),
        ({"aws:requestedregion": ("eu-north-99",)}, "no Region of this name is known"),
        ({"s3:max-keys": ("10.5",)}, "whole numbers"),
        ({"s3:max-keys": ("-1",)}, "whole numbers"),
        # A request is made now or later, with credentials of a session that has not ended.
        ({"aws:currenttime": at(-2)}, "is past"),
        ({"aws:epochtime": ("1000",)}, "is past"),
        ({"aws:tokenissuetime": at(-40)}, "is past"),
        # One tag of a resource, under the names of two keys.
        ({"aws:resourcetag/env": ("a",), "ec2:resourcetag/env": ()}, "no request can have"),
        ({"aws:resourcetag/env": ("a",), "ec2:resourcetag/env": ("b",)}, "no request can have"),
        ({"aws:resourceaccount": ()}, "no request can have"),
        (
            {"aws:principalarn": ("arn:aws:iam::111122223333:role/x",), "aws:principalaccount": ("444455556666",)},
            "no request can have",
        ),
    ],
)
def test_what_no_request_has(values: dict[str, Values], words: str) -> None:
    assert words in why_impossible(values, Occasion(action="ec2:StopInstances"))


@pytest.mark.parametrize(
    ("resource", "values"),
    [
        ("arn:aws:s3:::", {}),
        ("arn:aws:s3:::/x", {}),
        ("arn:aws:sqs:eu-west-1:????????????:q", {}),
        ("arn:aws:sqs:eu-west-1:1234:q", {}),
        ("arn:aws:sqs:eu-*:123456789012:q", {}),
        # A resource of one Region asked for in another, or as that of another account.
        ("arn:aws:sqs:eu-west-1:123456789012:q", {"aws:requestedregion": ("us-east-1",)}),
        ("arn:aws:sqs:eu-west-1:123456789012:q", {"aws:resourceaccount": ("444455556666",)}),
        ("arn:aws:s3:::b", {"aws:requestedregion": ("cn-north-1",)}),
    ],
)
def test_what_no_request_is_about(resource: str, values: dict[str, Values]) -> None:
    assert why_impossible(values, Occasion(resource=resource))


@pytest.mark.parametrize(
    ("resource", "values"),
    [
        ("*", {}),
        ("arn:aws:s3:::data/", {"aws:requestedregion": ("eu-west-1",), "aws:resourceaccount": ("444455556666",)}),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", {}),
        ("arn:aws:sqs:eu-west-1:123456789012:q", {"aws:requestedregion": ("eu-west-1",), "aws:currenttime": at(2)}),
        # An action of which no tag key of its service is known.
        ("*", {"aws:resourcetag/env": ("a",), "sqs:resourcetag/env": ()}),
    ],
)
def test_what_requests_are_about(resource: str, values: dict[str, Values]) -> None:
    assert not why_impossible(values, Occasion(PrincipalKind.ROLE, "sqs:SendMessage", resource))
