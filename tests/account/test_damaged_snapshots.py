"""Whatever happens to a file, reading it gives an account or one sentence."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iamtui.account.authorization_details import load_account
from iamtui.account.model import Account
from iamtui.account.snapshot_writer import snapshot_of
from iamtui.problem import Problem
from tests.support.snapshot_builder import complete

WHOLE = complete()
TEXT = json.dumps(WHOLE).encode()

STRANGE = st.sampled_from([None, 1, -1.5, "x", "\ud800", [], {}, True, [None], {"a": 1}, {"\ud800": 1}, 10**30])


def read(data: bytes) -> Account | Problem:
    try:
        return load_account(data)
    except Problem as problem:
        return problem


def reads_or_refuses(data: bytes) -> None:
    account = read(data)
    if isinstance(account, Problem):
        assert "\n" not in str(account)
        assert account.next_step
        return
    again = load_account(json.dumps(snapshot_of(account)).encode())
    assert [entity.arn for entity in again.entities()] == [entity.arn for entity in account.entities()]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in below for place in places(item, (*path, key)))]


PLACES = places(WHOLE)[1:]


@settings(deadline=None)
@given(place=st.sampled_from(PLACES), strange=STRANGE)
@example(place=("UserDetailList", 0, "UserName"), strange="\ud800")
@example(place=("UserDetailList", 0), strange={"\ud800": 1})
@example(place=("Policies", 0, "AttachmentCount"), strange="\ud800")
def test_a_value_of_another_kind_anywhere(place: tuple[Any, ...], strange: Any) -> None:
    damaged = json.loads(TEXT)
    inside = damaged
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = strange

    reads_or_refuses(json.dumps(damaged).encode())


@settings(deadline=None)
@given(place=st.sampled_from(PLACES))
def test_a_value_that_is_missing_anywhere(place: tuple[Any, ...]) -> None:
    damaged = json.loads(TEXT)
    inside = damaged
    for key in place[:-1]:
        inside = inside[key]
    del inside[place[-1]]

    reads_or_refuses(json.dumps(damaged).encode())


@settings(deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, len(TEXT) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_bytes_that_changed(changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(TEXT)
    for position, value in changes:
        damaged[position] = value

    reads_or_refuses(bytes(damaged))


@settings(deadline=None)
@given(end=st.integers(0, len(TEXT) - 1))
def test_a_file_that_was_cut(end: int) -> None:
    reads_or_refuses(TEXT[:end])


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"RoleDetailList": [], "UserDetailList": [], "RoleDetailList": []}', "the key RoleDetailList twice at $,"),
        (
            '{"UserDetailList": [{"UserName": "a", "AttachedManagedPolicies": [], "AttachedManagedPolicies": []}]}',
            "the key AttachedManagedPolicies twice at $.UserDetailList[0],",
        ),
        ('[{"RoleDetailList": []}, {"Policies": [], "Policies": []}]', "the key Policies twice at $[1],"),
        ('{"RoleDetailList": []}\n{"Policies": [], "Policies": []}', "the key Policies twice at $,"),
    ],
)
def test_a_key_that_stands_twice_in_one_object_is_refused(text: str, where: str) -> None:
    with pytest.raises(Problem) as caught:
        load_account(text.encode())
    assert where in caught.value.sentence


def test_a_key_that_stands_twice_in_a_policy_document_is_that_documents_fault_alone() -> None:
    text = TEXT.decode().replace('{"Version": ', '{"Version": "2008-10-17", "Version": ', 1)
    assert text.encode() != TEXT
    account = load_account(text.encode())
    holders = (*account.users, *account.groups, *account.roles)
    inline = [policy.document for holder in holders for policy in holder.inline_policies]
    versions = [version.document for policy in account.policies for version in policy.versions]
    documents = [*inline, *versions, *(role.trust for role in account.roles)]
    assert ["appears twice" in str(document.error) for document in documents].count(True) == 1


@pytest.mark.parametrize("text", ["", "r-", "r-AB12", "ou-ab12", "$(x)", "--x", "12345", "r-ab12\n", "r-[red]\x1b[31m"])
def test_an_id_of_the_organization_that_is_none_in_aws_is_refused(text: str) -> None:
    for where in ("management_account", "path", "delegated_administrators"):
        damaged = json.loads(TEXT)
        organization = damaged["organization"]
        if where == "path":
            organization["path"][0]["id"] = text
        elif where == "management_account":
            organization[where] = text or "x"
        else:
            organization[where] = {"iam.amazonaws.com": [text]}
        found = read(json.dumps(damaged).encode())
        assert isinstance(found, Problem)
        assert re.match(
            rf"The snapshot is JSON, but not an account at \$\.organization\.{where}(\[\S+\])*(\.id)?: expected "
            r"(the id of a root \(r-…\), an OU \(ou-…\) or an account|the 12 digits of an account)\.$",
            found.sentence,
        )


def with_role(**role: Any) -> dict[str, Any]:
    arn = f"arn:aws:iam::123456789012:role/{'r' * 20}"
    return {"iamtui": {"version": 1, "account_id": "123456789012"}, "RoleDetailList": [{"Arn": arn, **role}]}


@pytest.mark.parametrize(
    ("role", "where"),
    [
        ({"RoleName": "n" * 513}, "RoleName"),
        ({"RoleName": "r", "Path": f"/{'n' * 600}/"}, "Path"),
        ({"RoleName": "r", "RolePolicyList": [{"PolicyName": "n" * 100_000}]}, "RolePolicyList[0].PolicyName"),
        ({"RoleName": "r", "AttachedManagedPolicies": [{"PolicyArn": "n" * 3000}]}, "AttachedManagedPolicies[0]"),
    ],
)
def test_a_name_longer_than_any_of_aws_is_refused(role: dict[str, Any], where: str) -> None:
    refused = read(json.dumps(with_role(**role)).encode())
    assert isinstance(refused, Problem)
    assert f"$.RoleDetailList[0].{where}" in refused.sentence
    assert "a text of at most" in refused.sentence
    assert len(refused.sentence) < 200


def test_the_longest_names_of_aws_are_read() -> None:
    path = f"/{'p' * 510}/"
    arn = f"arn:aws:iam::123456789012:role{path}{'r' * 64}"
    policies = [{"PolicyName": "n" * 128, "PolicyDocument": {"Statement": []}}]
    account = read(json.dumps(with_role(Arn=arn, RoleName="r" * 64, Path=path, RolePolicyList=policies)).encode())
    assert isinstance(account, Account)
    assert account.roles[0].path == path


NUMBER = "123456789012"
ALIAS = f"arn:aws:kms:eu-west-1:{NUMBER}:alias/x"
DENY = {"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
ALLOW = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def page(**more: Any) -> dict[str, Any]:
    return {"iamtui": {"version": 1, "account_id": NUMBER}, **more}


def user(name: str = "u", path: str = "/", **more: Any) -> dict[str, Any]:
    return {"UserName": name, "Path": path, "Arn": f"arn:aws:iam::{NUMBER}:user{path}{name}", **more}


def policy(*versions: tuple[str, bool, Any], default: str | None = None) -> dict[str, Any]:
    return {
        "PolicyName": "p",
        "Arn": f"arn:aws:iam::{NUMBER}:policy/p",
        "DefaultVersionId": default,
        "PolicyVersionList": [
            {"VersionId": name, "IsDefaultVersion": is_default, "Document": document}
            for name, is_default, document in versions
        ],
    }


def bucket(**more: Any) -> dict[str, Any]:
    return page(resource_policies={"arn:aws:s3:::b": more})


@pytest.mark.parametrize(
    ("pages", "where"),
    [
        ([bucket(state="present", document=DENY), bucket(state="none")], "$.resource_policies"),
        ([page(organization=json.loads(TEXT)["organization"]), page(organization=None)], "$.organization"),
        ([page(kms_aliases={ALIAS: f"key/{number}"}) for number in (1, 2)], "$.kms_aliases"),
        ([page(Policies=[policy(("v1", True, ALLOW), ("v2", True, DENY))])], "$.Policies[0]"),
        ([page(Policies=[policy(("v1", True, ALLOW), ("v2", False, DENY), default="v2")])], "$.Policies[0]"),
        ([page(Policies=[policy(("v1", True, ALLOW), ("v1", False, DENY))])], "$.Policies[0].PolicyVersionList"),
        (
            [
                page(
                    GroupDetailList=[
                        {"GroupName": "g", "Path": path, "Arn": f"arn:aws:iam::{NUMBER}:group{path}g"}
                        for path in ("/", "/x/")
                    ]
                )
            ],
            "$.GroupDetailList[0] and [1]",
        ),
        ([page(UserDetailList=[user(), user(path="/x/")])], "$.UserDetailList[0] and [1]"),
        ([page(UserDetailList=[user(PermissionsBoundary={"PermissionsBoundaryType": "Policy"})])], "[0].Permissions"),
        ([page(UserDetailList=[user(Tags=[{"Key": "x", "Value": "1"}, {"Key": "X", "Value": "2"}])])], "[0].Tags"),
    ],
    ids=["bucket", "organization", "aliases", "defaults", "default", "version", "groups", "users", "boundary", "tags"],
)
def test_a_snapshot_that_says_two_things_is_refused(pages: list[dict[str, Any]], where: str) -> None:
    found = read(json.dumps(pages).encode())
    assert isinstance(found, Problem)
    assert where in found.sentence


@pytest.mark.parametrize("digits", [19, 400, 5000])
def test_a_number_that_none_can_be_is_refused(digits: int) -> None:
    text = '{"UserDetailList": [], "account_summary": {"Users": %s}}' % ("9" * digits)
    with pytest.raises(Problem, match=r"account_summary.*(at most 18 digits|out of range)") as raised:
        load_account(text.encode())
    assert len(str(raised.value)) < 400
