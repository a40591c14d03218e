from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from iamtui.account.authorization_details import account_from_pages, load_account
from iamtui.account.model import AccessKey, Account, Known, LoginProfile, Missing, PublicAccessBlock
from iamtui.account.snapshot_parts import parse_time
from iamtui.account.snapshot_reader import decode_pages
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from tests.support.snapshot_builder import (
    ID,
    allow,
    as_bytes,
    attached,
    complete,
    document,
    group,
    iam,
    inline,
    policy,
    role,
    snapshot,
    trust,
    user,
)


def load(value: Any) -> Account:
    return load_account(value if isinstance(value, bytes) else as_bytes(value))


def gap_names(account: Account) -> set[str]:
    return {gap.what for gap in account.gaps}


def test_every_key_of_the_format_arrives() -> None:
    account = load(complete())

    assert (account.id, account.partition, account.alias) == (ID, "aws", Known("acme"))
    assert account.caller_arn == Known(iam("user/staff/alice"))
    assert account.taken_at == datetime(2026, 11, 24, 9, tzinfo=UTC)
    alice = account.user("alice")
    assert alice is not None
    assert (alice.path, alice.groups, alice.boundary_arn) == ("/staff/", ("devs",), iam("policy/teams/bound"))
    assert alice.tags == (("team", "blue"), ("empty", ""))
    assert alice.created == datetime(2024, 3, 1, 10, tzinfo=UTC)
    assert alice.password_last_used == Known(datetime(2026, 10, 1, tzinfo=UTC))
    assert isinstance(alice.access_keys, Known)
    assert alice.access_keys.value[0].last_service == "s3"
    assert alice.access_keys.value[1] == AccessKey("AKIAOLD", "Inactive", datetime(2024, 3, 1, 10, tzinfo=UTC))
    assert isinstance(alice.mfa_devices, Known)
    assert alice.mfa_devices.value[0].serial == iam("mfa/alice")
    assert alice.login_profile == Known(LoginProfile(datetime(2024, 3, 1, 10, tzinfo=UTC), True))
    deploy = account.role("deploy")
    assert deploy is not None
    assert (deploy.description, deploy.max_session_seconds) == (Known("ships"), Known(7200))
    assert deploy.last_used == Known(datetime(2026, 11, 1, 8, 30, tzinfo=UTC))
    assert deploy.last_used_region == "eu-central-1"
    assert [(profile.name, profile.roles) for profile in account.instance_profiles] == [
        ("deploy-hosts", ("deploy",)),
        ("spare", ()),
    ]
    assert isinstance(account.providers, Known)
    assert [(one.type, one.name, one.audiences) for one in account.providers.value] == [
        ("SAML", "idp", ()),
        ("OIDC", "token.example.com", ("sts.amazonaws.com",)),
    ]
    assert isinstance(account.organization, Known)
    assert account.organization.value is not None
    root, unit, own = account.organization.value.path
    assert isinstance(root.scps, Known)
    assert root.scps.value[0].document.policy.statements[0].actions == ("*",)
    assert isinstance(root.rcps, Missing)
    assert isinstance(unit.scps, Missing)
    assert (unit.rcps, own.scps) == (Known(()), Known(()))
    states = {arn: found.state for arn, found in account.resource_policies.items()}
    assert states == {"arn:aws:s3:::open": "present", "arn:aws:s3:::plain": "none", "arn:aws:s3:::shut": "denied"}
    assert account.resource_policies["arn:aws:s3:::shut"].permission == "s3:GetBucketPolicy"
    assert account.public_access_blocks == {"open": PublicAccessBlock(True)}
    assert gap_names(account) == {"resource policies of queues"}


def test_asked_and_none_differs_from_not_asked() -> None:
    account = load(complete())
    bob, idle = account.user("bob"), account.role("idle")

    assert bob is not None
    assert idle is not None
    assert (bob.password_last_used, bob.access_keys, bob.mfa_devices, bob.login_profile) == (
        Known(None),
        Known(()),
        Known(()),
        Known(None),
    )
    assert idle.last_used == Known(None)
    assert idle.description == Missing("not in the snapshot", "iam:ListRoles")

    bare = load(snapshot(users=[user()], roles=[{**role(), "RoleLastUsed": None}]))
    assert bare.users[0].password_last_used == Missing("not in the snapshot", "iam:ListUsers")
    assert bare.users[0].access_keys == Missing("not in the snapshot", "iam:ListAccessKeys")
    assert bare.users[0].mfa_devices == Missing("not in the snapshot", "iam:ListMFADevices")
    assert bare.users[0].login_profile == Missing("not in the snapshot", "iam:GetLoginProfile")
    assert isinstance(bare.roles[0].last_used, Missing)
    assert isinstance(bare.organization, Missing)
    assert isinstance(bare.providers, Missing)
    assert isinstance(bare.alias, Missing)
    assert load(snapshot(users=[user()], organization=None)).organization == Known(None)
    assert load(snapshot(users=[user()], iamtui={"alias": None})).alias == Known(None)


DOCUMENT = document(allow("s3:GetObject", "arn:aws:s3:::b/a%20b+c", Sid="é"))


@pytest.mark.parametrize(
    "written",
    [
        DOCUMENT,
        json.dumps(DOCUMENT),
        json.dumps(DOCUMENT, indent=2, ensure_ascii=False),
        quote(json.dumps(DOCUMENT), safe=""),
        quote(json.dumps(DOCUMENT, ensure_ascii=False)),
    ],
    ids=["object", "text", "pretty text", "percent-encoded", "percent-encoded utf-8"],
)
def test_documents_come_as_objects_text_and_percent_encoded(written: Any) -> None:
    account = load(
        snapshot(
            users=[user(UserPolicyList=[inline("p", written)])],
            roles=[role(AssumeRolePolicyDocument=written)],
            policies=[policy(body=written)],
        )
    )

    default = account.policies[0].default_version
    assert default is not None
    for found in (account.users[0].inline_policies[0].document, account.roles[0].trust, default.document):
        assert found.value == DOCUMENT


def test_equal_documents_are_one_object() -> None:
    account = load(snapshot(roles=[role("a"), role("b")]))

    assert account.roles[0].trust is account.roles[1].trust


PAGE_1 = {"UserDetailList": [user("a")], "IsTruncated": True, "Marker": "m"}
PAGE_2 = {"UserDetailList": [user("b"), user("a")], "RoleDetailList": [role()], "IsTruncated": False}


@pytest.mark.parametrize(
    "pages",
    [
        as_bytes([PAGE_1, PAGE_2]),
        as_bytes(PAGE_1) + b"\n" + as_bytes(PAGE_2),
        json.dumps(PAGE_1).encode() + json.dumps(PAGE_2).encode(),
        json.dumps(PAGE_1).encode() + b"\n" + json.dumps(PAGE_2).encode() + b"\n",
    ],
    ids=["list", "one after the other", "no space between", "json lines"],
)
def test_pages_are_put_together(pages: bytes) -> None:
    account = load(pages)

    assert [one.name for one in account.users] == ["a", "b"]
    assert [one.name for one in account.roles] == ["deploy"]
    assert "the rest of the account" not in gap_names(account)
    assert {"all groups", "all policies"} <= gap_names(account)


@pytest.mark.parametrize("ending", [{"IsTruncated": True, "Marker": "m"}, {"Marker": "m"}, {"NextToken": "t"}], ids=str)
def test_a_listing_that_stopped_early_says_so(ending: dict[str, Any]) -> None:
    assert "the rest of the account" in gap_names(load(snapshot(users=[user()], **ending)))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-8"])
def test_text_encodings_of_other_shells(encoding: str) -> None:
    text = json.dumps(snapshot(roles=[role(Tags=[{"Key": "k", "Value": "zażółć"}])]), ensure_ascii=False)

    assert load(text.encode(encoding)).roles[0].tags == (("k", "zażółć"),)
    if encoding == "utf-16":
        assert load(codecs.BOM_UTF16_BE + text.encode("utf-16-be")).roles[0].tags == (("k", "zażółć"),)


def test_names_and_paths_come_from_arns() -> None:
    account = load(
        {
            "UserDetailList": [{"Arn": iam("user/a/b/carol")}],
            "RoleDetailList": [{"Arn": iam("role/x"), "AssumeRolePolicyDocument": trust()}],
            "GroupDetailList": [{"GroupName": "g"}],
            "Policies": [{"Arn": iam("policy/p/q"), "PolicyVersionList": policy()["PolicyVersionList"]}],
        }
    )

    assert (account.users[0].name, account.users[0].path) == ("carol", "/a/b/")
    assert (account.roles[0].name, account.roles[0].path) == ("x", "/")
    assert account.groups[0].arn == iam("group/g")
    assert (account.policies[0].name, account.policies[0].path) == ("q", "/p/")


def test_partition_and_id_come_from_arns() -> None:
    arn = "arn:aws-cn:iam::210987654321:user/u"

    account = load({"UserDetailList": [{"Arn": arn}]})

    assert (account.id, account.partition) == ("210987654321", "aws-cn")
    assert load({"UserDetailList": []}).id == ""
    assert "the account id" in gap_names(load({"UserDetailList": []}))


def test_two_accounts_in_one_file_are_refused() -> None:
    with pytest.raises(Problem, match="several accounts"):
        load({"UserDetailList": [user(), {"Arn": "arn:aws:iam::210987654321:user/u"}]})


def test_policies_that_stand_among_the_roles_are_policies() -> None:
    account = load(snapshot(roles=[role(), policy("stray")]))

    assert [one.name for one in account.roles] == ["deploy"]
    assert [one.name for one in account.policies] == ["stray"]
    assert account.policies[0].default_version is not None


def test_the_default_version_is_found_by_its_id_when_no_mark_is_there() -> None:
    versions = [{"VersionId": name, "Document": document(allow(f"s3:{name}"))} for name in ("v1", "v2")]

    account = load(snapshot(policies=[policy(DefaultVersionId="v2", PolicyVersionList=versions)]))

    default = account.policies[0].default_version
    assert default is not None
    assert default.id == "v2"


def test_what_is_named_but_not_given_is_a_gap() -> None:
    aws = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    bound = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": iam("policy/bound")}
    account = load(
        snapshot(
            users=[user(GroupList=["ghosts"], AttachedManagedPolicies=[attached(aws)])],
            roles=[{**role(PermissionsBoundary=bound), "AssumeRolePolicyDocument": None}, {"Arn": iam("role/r2")}],
            policies=[policy("bound", PolicyVersionList=[])],
        )
    )

    gaps = {gap.what: gap for gap in account.gaps}
    assert aws in gaps["documents of 1 AWS managed policy"].error
    assert gaps["documents of 1 customer managed policy"].permission == "iam:GetPolicyVersion"
    assert "ghosts" in gaps["1 group that users are in"].error
    assert "r2" in gaps["trust policies of 1 role"].error
    assert "organization: SCPs and RCPs" in gaps
    assert account.policy(aws) is None


def test_a_complete_listing_has_no_gap_beyond_what_the_api_never_says() -> None:
    account = load(snapshot(users=[user(GroupList=["devs"])], groups=[group()], roles=[role()], policies=[policy()]))

    assert gap_names(account) == {
        "organization: SCPs and RCPs",
        "last use of passwords",
        "descriptions and longest sessions of roles",
        "access keys",
        "MFA devices",
        "console passwords",
        "identity providers",
        "instance profiles without a role",
        "resource policies",
    }


@pytest.mark.parametrize("lacking", [lambda entry, key: entry.pop(key), lambda entry, key: entry.update({key: None})])
@pytest.mark.parametrize(
    ("kind", "key", "part"),
    [
        ("users", "GroupList", "groups"),
        ("users", "AttachedManagedPolicies", "attached policies"),
        ("users", "Tags", "tags"),
        ("groups", "GroupPolicyList", "inline policies"),
        ("groups", "AttachedManagedPolicies", "attached policies"),
        ("roles", "RolePolicyList", "inline policies"),
        ("roles", "AttachedManagedPolicies", "attached policies"),
        ("roles", "Tags", "tags"),
    ],
)
def test_a_list_that_aws_always_prints_is_unread_without_it(
    kind: str, key: str, part: str, lacking: Callable[[dict[str, Any], str], object]
) -> None:
    entry = {"users": user(), "groups": group(), "roles": role()}[kind]
    lacking(entry, key)
    account = load(snapshot(**{kind: [entry]}))

    [entity] = getattr(account, kind)
    assert [(one.part, one.permission) for one in entity.unread] == [(part, "iam:GetAccountAuthorizationDetails")]


def test_a_user_without_inline_policies_lacks_nothing() -> None:
    # IAM leaves out UserPolicyList, and only that, where there are none.
    account = load(snapshot(users=[user()]))
    assert account.users[0].unread == ()


def test_the_tags_that_iamtui_leaves_out_are_none() -> None:
    entries = {"users": [user()], "roles": [role()]}
    for entry in (*entries["users"], *entries["roles"]):
        del entry["Tags"]
    account = load({**snapshot(**entries), "iamtui": {"version": 1}})
    assert [one.unread for one in (*account.users, *account.roles)] == [(), ()]


UNREADABLE = [
    pytest.param('{"Statement": [', "Not JSON", id="cut off"),
    pytest.param("%7B%22Statement%22", "Not JSON", id="cut off, encoded"),
    pytest.param({"Version": "2012-10-17"}, "needs a Statement", id="no statement"),
    pytest.param("[1]", "JSON object", id="a list"),
    pytest.param("null", "JSON object", id="null"),
    pytest.param('{"Statement": [], "Statement": []}', "appears twice", id="repeated key"),
]


@pytest.mark.parametrize(("written", "why"), UNREADABLE)
def test_an_unreadable_document_is_kept_and_the_rest_loads(written: Any, why: str) -> None:
    account = load(snapshot(users=[user(UserPolicyList=[inline("bad", written), inline("good")])], roles=[role()]))

    bad, good = account.users[0].inline_policies
    assert why in str(bad.document.error)
    assert good.document.error is None
    assert account.roles[0].trust.error is None


def test_a_repeated_key_in_a_document_is_seen_on_every_way_in() -> None:
    # The last of two keys would win in a plain JSON parser, and turn this Deny into an Allow.
    text = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}]}'
    entry = as_bytes(snapshot(roles=[role("x", RolePolicyList=[inline("p", "HERE")])])).decode()
    fast = entry.replace('"HERE"', text).encode()
    slow = fast + b'{"UserDetailList": []}'

    for data in (fast, slow):
        found = load(data).roles[0].inline_policies[0].document
        assert "appears twice" in str(found.error)


def test_what_json_has_not_is_refused_with_its_place() -> None:
    broken = as_bytes(snapshot(users=[user(Tags=[{"Key": "k", "Value": "\ud800"}])]))
    for data, line in ((broken, r"\d+"), (b'{"UserDetailList": [],\n "x": NaN}', "2")):
        with pytest.raises(Problem, match=rf"not JSON, or breaks off: .* at line {line}, column \d+"):
            load(data)


_NOT_OF_AN_ACCOUNT = "where an ARN of IAM has the 12 digits of an account"
_WIDE = "".join(chr(ord(digit) + 0xFEE0) for digit in "111122223333")


@pytest.mark.parametrize(
    ("before_name", "said"),
    [
        ("arn:aws:iam::11112222333:", _NOT_OF_AN_ACCOUNT),
        (f"arn:aws:iam::{_WIDE}:", _NOT_OF_AN_ACCOUNT),
        ("arn:aws:iam::111122223333\n:", _NOT_OF_AN_ACCOUNT),
        ("arn:aws:iam:::", _NOT_OF_AN_ACCOUNT),
        ("arn:aws:iam:us-east-1:111122223333:", "where an ARN of IAM has no Region"),
        ("arn:AWS:iam::111122223333:", "where an ARN has a partition, such as aws"),
        ("arn:aws-cn:iam::111122223333:", "where the partition of the account is aws"),
    ],
)
@pytest.mark.parametrize(
    ("where", "kind", "entry"),
    [
        ("UserDetailList", "user", {"UserName": "x"}),
        ("GroupDetailList", "group", {"GroupName": "x"}),
        ("RoleDetailList", "role", {"RoleName": "x"}),
        ("Policies", "policy", {"PolicyName": "x"}),
        ("identity_providers", "saml-provider", {}),
    ],
)
def test_an_arn_that_no_entity_can_have_is_refused_with_its_place(
    where: str, kind: str, entry: dict[str, Any], before_name: str, said: str
) -> None:
    key = "arn" if where == "identity_providers" else "Arn"
    header = {"account_id": "111122223333", "partition": "aws"}
    value = {"iamtui": header, "UserDetailList": [], where: [{**entry, key: f"{before_name}{kind}/x"}]}
    with pytest.raises(Problem) as raised:
        load(value)
    assert f"at $.{where}[0].{key}, {said}." in raised.value.sentence


@pytest.mark.parametrize("count", [500, 2_000])
def test_a_trust_policy_that_iam_would_never_take_is_refused_with_its_place(count: int) -> None:
    # With more than a thousand conditions each of a few users takes seconds.
    accounts = range(200_000_000_000, 200_000_000_000 + count)
    statements = [
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "sts:AssumeRole",
            "Condition": {"StringLike": {"aws:userid": f"{one}*"}},
        }
        for one in accounts
    ]
    trusting = {"Version": "2012-10-17", "Statement": statements}
    spread = json.dumps(trusting, indent=12) if count < 1_000 else json.dumps(trusting)
    for given in (trusting, spread, quote(spread)):
        large = role(RoleName="x", Arn=iam("role/x"), AssumeRolePolicyDocument=given)
        value = {"RoleDetailList": [role(), large]}
        if count < 1_000:
            assert len(load(value).roles) == 2, "spaces and percent-encoding do not count"
            continue
        with pytest.raises(Problem) as raised:
            load(value)
        said = "characters at $.RoleDetailList[1].AssumeRolePolicyDocument, more than the 131,072 that IAM takes."
        assert said in raised.value.sentence


def test_only_a_policy_may_belong_to_aws() -> None:
    assert load({"Policies": [{"PolicyName": "x", "Arn": "arn:aws:iam::aws:policy/x"}]}).policies[0].name == "x"
    with pytest.raises(Problem, match=_NOT_OF_AN_ACCOUNT):
        load({"RoleDetailList": [{"RoleName": "x", "Arn": "arn:aws:iam::aws:role/x"}]})


@pytest.mark.parametrize("arn", ["bucket", "arn:aws:sqs:eu-west-1:11112222333:q", f"arn:aws:sqs:eu-west-1:{_WIDE}:q"])
def test_the_policy_of_what_is_not_a_resource_is_refused_with_its_place(arn: str) -> None:
    with pytest.raises(Problem) as raised:
        load({"Policies": [], "resource_policies": {arn: {"state": "none"}}})
    assert f"at $.resource_policies[{arn!r}]: expected an ARN" in raised.value.sentence


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"UserDetailList": [{"UserName": 3}]}, "$.UserDetailList[0].UserName"),
        ({"UserDetailList": {"a": 1}}, "$.UserDetailList"),
        ({"UserDetailList": [user(), {}]}, "$.UserDetailList[1]"),
        ({"Policies": [policy(PolicyVersionList=[1])]}, "$.Policies[0].PolicyVersionList[0]"),
        ({"RoleDetailList": [role(Tags=[{"Value": "v"}])]}, "$.RoleDetailList[0].Tags[0]"),
        ({"UserDetailList": [{"Arn": "no arn"}]}, "$.UserDetailList[0].Arn"),
        ({"Policies": [], "organization": "o-1"}, "$.organization"),
        ({"Policies": [], "resource_policies": {"arn:x": {"state": "maybe"}}}, "$.resource_policies['arn:x']"),
        ({"Policies": [], "resource_policies": {"arn:x": {"state": "present"}}}, "$.resource_policies['arn:x']"),
        ([3], "$[0]"),
    ],
)
def test_another_shape_is_one_sentence_with_the_path(value: Any, path: str) -> None:
    with pytest.raises(Problem) as raised:
        load(value)

    assert path in raised.value.sentence
    assert "get-account-authorization-details" in raised.value.next_step
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b" \n ", "is empty"),
        (b"{}", "an empty object"),
        (b'{"a": 1, "b": 2}', "found a, b"),
        (b"[]", "not an account"),
        (b"nonsense", "not JSON"),
        (b'{"UserDetailList": [', "not JSON"),
        (b'{"UserDetailList": []} trailing', "line 1, column 28"),
        (b'{"UserDetailList": [{"UserName": "\xff"}]}', "not valid UTF-8"),
        (codecs.BOM_UTF16_LE + b"\x00", "not valid UTF-16"),
        pytest.param(b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply", id="deep"),
        (b'{"iamtui": {"version": 3}}', "format version 3"),
    ],
)
def test_what_is_no_account_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(Problem) as raised:
        load(data)

    assert words in raised.value.sentence
    assert raised.value.next_step


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2024-03-01T10:00:00Z", datetime(2024, 3, 1, 10, tzinfo=UTC)),
        ("2024-03-01T11:00:00+01:00", datetime(2024, 3, 1, 10, tzinfo=UTC)),
        ("2024-03-01 10:00:00+00:00", datetime(2024, 3, 1, 10, tzinfo=UTC)),
        ("2024-03-01T10:00:00", datetime(2024, 3, 1, 10, tzinfo=UTC)),
        (1709287200, datetime(2024, 3, 1, 10, tzinfo=UTC)),
        ("1709287200.0", datetime(2024, 3, 1, 10, tzinfo=UTC)),
        ("yesterday", None),
        (1e300, None),
        ("", None),
        (None, None),
    ],
)
def test_dates(written: Any, read: datetime | None) -> None:
    assert parse_time(written) == read
    assert load(snapshot(users=[user(CreateDate=written)])).users[0].created == read


def test_the_document_of_a_role_without_one_is_an_error_not_a_policy() -> None:
    assert load({"RoleDetailList": [{"Arn": iam("role/r")}]}).roles[0].trust == PolicyDocument("")
    assert load({"RoleDetailList": [{"Arn": iam("role/r")}]}).roles[0].trust.error is not None


def test_a_list_that_a_complete_answer_of_aws_leaves_out_is_empty() -> None:
    page = decode_pages(as_bytes({"UserDetailList": [user()], "IsTruncated": False}))

    assert account_from_pages(page, absent="not loaded").gaps == ()
    assert "all groups" in gap_names(account_from_pages(page))


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (user(Arn="alice"), ("no ARN of a user", "$.UserDetailList[1].Arn", "alice")),
        (user(Arn=iam("role/alice")), ("no ARN of a user", "$.UserDetailList[1].Arn", "role/alice")),
        (user("carol", Arn=iam("user/dave")), ("names 'carol'", "$.UserDetailList[1]", "user/dave")),
        (user("bob", GroupList=["devs"]), ("twice, and differently", "$.UserDetailList[0] and [1]", "user/bob")),
    ],
)
def test_an_entry_that_contradicts_itself_or_another_is_refused(entry: Any, says: tuple[str, ...]) -> None:
    with pytest.raises(Problem) as refused:
        load(snapshot([user("bob"), entry]))
    for words in says:
        assert words in str(refused.value)


def test_an_entry_that_comes_twice_as_pages_do_is_there_once() -> None:
    assert [one.name for one in load(snapshot([user("bob"), user("carol"), user("bob")])).users] == ["bob", "carol"]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("account_summary", {"Users": "two"}, "$.account_summary"),
        ("password_policy", {"MinimumPasswordLength": "long"}, "$.password_policy.MinimumPasswordLength"),
        ("password_policy", {}, "$.password_policy"),
        ("credential_report", {"Rows": [{"arn": "x"}]}, "$.credential_report.Rows[0]"),
        ("credential_report", {"Rows": [{"user": "a"}, {"user": "a"}]}, "Rows[1]: 'a' has a row already"),
        ("credential_report", {"Rows": [{"user": "a", "mfa_active": "maybe"}]}, "Rows[0].mfa_active: expected"),
        ("server_certificates", [{"Arn": "x"}], "$.server_certificates[0]"),
        ("service_last_accessed", {"arn": {"ServicesLastAccessed": [{}]}}, "ServicesLastAccessed[0]"),
    ],
)
def test_a_fact_of_another_form_is_refused_with_its_place(key: str, value: Any, said: str) -> None:
    with pytest.raises(Problem) as caught:
        load(snapshot(users=[user()], **{key: value}))
    assert said in caught.value.sentence
    assert "not an account at" in caught.value.sentence
