"""Which condition keys go together in one request (IAM User Guide: global condition context keys)."""

from __future__ import annotations

from typing import Any

import pytest

from iamtui.engine.possible_requests import Occasion, why_impossible
from iamtui.engine.request import PrincipalKind
from iamtui.policy.document import PolicyDocument
from iamtui.proofs.documents import find_broader
from iamtui.proofs.texts import Bounds

USER, ROLE = PrincipalKind.USER, PrincipalKind.ROLE
YES, NO = ("true",), ("false",)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        # Temporary credentials alone carry the time of issue, and a role has no others.
        (ROLE, {"aws:tokenissuetime": ()}),
        (USER, {"aws:tokenissuetime": (), "aws:multifactorauthpresent": YES}),
        (USER, {"aws:tokenissuetime": ("2099-01-01T00:00:00Z",), "aws:multifactorauthpresent": ()}),
        (ROLE, {"aws:multifactorauthpresent": YES, "aws:multifactorauthage": ()}),
        (ROLE, {"aws:multifactorauthpresent": NO, "aws:multifactorauthage": ("5",)}),
        (ROLE, {"aws:tokenissuetime": ("2099-02-01T00:00:00Z",), "aws:currenttime": ("2099-01-01T00:00:00Z",)}),
        # Through an endpoint a request carries all of these, and else none.
        (ROLE, {"aws:sourcevpc": ("vpc-1",), "aws:sourcevpce": ()}),
        (ROLE, {"aws:sourcevpce": ("vpce-1",), "aws:sourceip": ("192.0.2.1",)}),
        (ROLE, {"aws:sourcevpce": (), "aws:sourceip": ()}),
        (ROLE, {"aws:principalorgid": ("o-aaaaaaaaaa",), "aws:principalorgpaths": ()}),
        (ROLE, {"aws:principalorgid": ("o-aaaaaaaaaa",), "aws:principalorgpaths": ("o-bbbbbbbbbb/r-1111/",)}),
        (ROLE, {"aws:calledvia": (), "aws:viaawsservice": YES}),
        (ROLE, {"aws:calledvia": ("a.amazonaws.com",), "aws:calledviafirst": ("b.amazonaws.com",)}),
        (USER, {"aws:sourceidentity": ("x",)}),
        (USER, {"aws:userid": ("AROAEXAMPLEEXAMPLE123:session",)}),
        (ROLE, {"aws:userid": ("AIDAEXAMPLEEXAMPLE123",)}),
        (ROLE, {"aws:username": ("x",)}),
        (None, {"aws:username": ("x",), "aws:principaltype": ("AssumedRole",)}),
        (None, {"aws:principalarn": ("arn:aws:iam::111122223333:role/x",), "aws:tokenissuetime": ()}),
        (None, {"aws:tagkeys": ("a",), "aws:requesttag/b": ("x",)}),
    ],
)
def test_what_no_request_carries_at_once(kind: PrincipalKind | None, values: dict[str, tuple[str, ...]]) -> None:
    assert why_impossible(values, Occasion(kind))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (USER, {"aws:tokenissuetime": (), "aws:multifactorauthpresent": ()}),
        (USER, {"aws:tokenissuetime": ("2099-01-01T00:00:00Z",), "aws:multifactorauthpresent": NO}),
        (ROLE, {"aws:multifactorauthpresent": YES, "aws:multifactorauthage": ("5",)}),
        # A session that came through SAML has a time of issue and says nothing of MFA.
        (ROLE, {"aws:tokenissuetime": ("2099-01-01T00:00:00Z",), "aws:multifactorauthpresent": ()}),
        (ROLE, {"aws:sourcevpc": ("vpc-1",), "aws:sourcevpce": ("vpce-1",), "aws:sourceip": ()}),
        (None, {"aws:username": ("x",), "aws:sourceidentity": ()}),
        (None, {"aws:username": (), "aws:sourceidentity": ("x",)}),
        (ROLE, {"aws:principalorgid": ("o-aaaaaaaaaa",), "aws:principalorgpaths": ("o-aaaaaaaaaa/r-1111/",)}),
    ],
)
def test_what_a_request_can_carry_at_once(kind: PrincipalKind | None, values: dict[str, tuple[str, ...]]) -> None:
    assert not why_impossible(values, Occasion(kind))


def allow_if(condition: dict[str, Any]) -> PolicyDocument:
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*", "Condition": condition}
    return PolicyDocument.of({"Version": "2012-10-17", "Statement": statement})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, {"Null": {"aws:MultiFactorAuthAge": "false"}}),
        ({"Null": {"aws:SourceIdentity": "false"}}, {"Null": {"aws:username": "true"}}),
        ({"Null": {"aws:SourceVpc": "false"}}, {"Null": {"aws:SourceVpce": "false"}}),
    ],
)
def test_an_example_is_not_made_of_keys_that_exclude_each_other(one: dict[str, Any], other: dict[str, Any]) -> None:
    found = find_broader(allow_if(one), allow_if(other), Bounds())
    assert found.example is None
    assert "no request is known that can have" in found.reasons[0]
