"""What others write is read: the AWS CLI with pages and filters, dumps of several accounts, AWS Config."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from iamtui.account import authorization_details
from iamtui.account.authorization_details import load_account
from iamtui.account.model import REST_OF_ACCOUNT, Account, Missing
from iamtui.engine.decision import Outcome
from iamtui.engine.request import Principal, PrincipalKind
from iamtui.problem import Problem
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question
from tests.support.snapshot_builder import (
    ID,
    allow,
    attached,
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

OTHER = "777777777777"
Json = dict[str, Any]


def read(value: Any, account_id: str | None = None) -> Account:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return load_account(data, account_id=account_id)


def gaps(account: Account) -> dict[str, str]:
    return {gap.what: gap.error for gap in account.gaps}


def refusal(value: Any, account_id: str | None = None) -> Problem:
    with pytest.raises(Problem) as raised:
        read(value, account_id)
    assert raised.value.next_step
    return raised.value


def may(account: Account, name: str, action: str) -> Outcome:
    principal = Principal(PrincipalKind.USER, iam(f"user/{name}"), ID)
    return QuestionEvaluator(account, Question(action)).decide(principal).outcome


# The AWS CLI.


def test_a_filtered_listing_says_that_lists_may_lack() -> None:
    member = user(GroupList=["devs"], AttachedManagedPolicies=[attached(iam("policy/reader"))])
    account = read(snapshot(users=[member]))
    assert gaps(account)["all roles"] == "the RoleDetailList is empty, as --filter leaves it"
    assert account.why_unlisted("roles") is not None
    assert account.why_unlisted("users") is None
    assert gaps(account)["1 group that users are in"] == "named but not given: devs"
    assert "documents of 1 customer managed policy" in gaps(account)
    assert may(account, "alice", "s3:GetObject") is Outcome.DEPENDS
    assert "all users" in gaps(read(snapshot(roles=[role()])))
    assert not {"all users", "all roles"} & set(gaps(read(snapshot(users=[user()], roles=[role()]))))
    ours = snapshot(users=[user()], iamtui={"version": 1, "account_id": ID})
    assert "roles" not in gaps(read(ours)), "what iamtui writes is whole"


def test_one_page_of_several_says_that_it_is_incomplete() -> None:
    page = {**snapshot(users=[user()], roles=[role()]), "IsTruncated": True, "Marker": "abc"}
    assert "the rest of the account" in gaps(read(page))
    last = {**snapshot(users=[user("bob")]), "IsTruncated": False}
    whole = json.dumps(page).encode() + b"\n" + json.dumps(last).encode()
    assert [one.name for one in read(whole).users] == ["alice", "bob"]
    assert "the rest of the account" not in gaps(read(whole))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_powershell_writes_utf_16(encoding: str) -> None:
    text = ("\ufeff" if encoding == "utf-16-be" else "") + json.dumps(snapshot(users=[user("zoë")]), ensure_ascii=False)
    assert read(text.encode(encoding)).users[0].name == "zoë"


# Several accounts in one file.


def of(account_id: str, value: Json) -> Json:
    text = json.dumps(value).replace(ID, account_id)
    found: Json = json.loads(text)
    return found


MINE = snapshot(users=[user("alice")], roles=[role()], user_details={"alice": {}})
THEIRS = of(OTHER, snapshot(users=[user("bob")], policies=[policy()], user_details={"bob": {}}))
MIXED = {key: [*MINE[key], *THEIRS[key]] for key in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")}


@pytest.mark.parametrize(
    "dump",
    [
        [MINE, THEIRS],
        json.dumps(MINE).encode() + b"\n" + json.dumps(THEIRS).encode(),
        {ID: MINE, OTHER: THEIRS},
        {ID: [MINE], OTHER: [THEIRS]},
        MIXED,
    ],
    ids=["pages", "lines", "by id", "pages by id", "mixed"],
)
def test_one_account_of_several_is_chosen(dump: Any) -> None:
    mine, theirs = read(dump, ID), read(dump, OTHER)
    assert (mine.id, [one.name for one in mine.users], len(mine.roles)) == (ID, ["alice"], 1)
    assert (theirs.id, [one.name for one in theirs.users], len(theirs.policies)) == (OTHER, ["bob"], 1)
    problem = refusal(dump)
    assert "mixes several accounts" in problem.sentence
    assert "--snapshot-account ID" in str(problem)
    problem = refusal(dump, "999999999999")
    assert "has no account 999999999999" in problem.sentence
    assert f"{ID}, {OTHER}" in str(problem)


def organization_with(account: str) -> Json:
    full = document(allow("*", Resource="*"))
    scps = [{"arn": "arn:aws:organizations::aws:policy/p-F", "name": "F", "document": full}]
    levels = [("r-ab12", "ROOT"), (account, "ACCOUNT")]
    path = [{"id": id_, "name": id_, "type": type_, "scps": scps, "rcps": []} for id_, type_ in levels]
    return {"id": "o-abc123", "management_account": "999999999999", "path": path}


OF_ONE_ACCOUNT: Json = {
    "organization": organization_with(OTHER),
    "account_summary": {"Users": 77},
    "password_policy": {"MinimumPasswordLength": 33},
    "server_certificates": [],
    "resource_policies": {"arn:aws:s3:::open": {"state": "none"}},
    "public_access_block": {"open": {"RestrictPublicBuckets": True}},
}
"""What two accounts can say differently, and what does not name its account."""


@pytest.mark.parametrize(
    "dump",
    [
        {**MINE, "organization": organization_with(OTHER)},
        [MINE, {"organization": organization_with(OTHER)}],
        [MINE, {"iamtui": {"version": 1, "account_id": OTHER}, "password_policy": None}],
    ],
    ids=["one object", "pages", "header"],
)
def test_facts_of_another_account_are_never_taken_for_this_one(dump: Any) -> None:
    assert f"mixes several accounts ({ID}, {OTHER})" in refusal(dump).sentence
    mine = read(dump, ID)
    assert [one.name for one in mine.users] == ["alice"]
    assert isinstance(mine.organization, Missing)
    assert isinstance(mine.password_policy, Missing)


@pytest.mark.parametrize(
    "dump",
    [
        {**MIXED, **OF_ONE_ACCOUNT},
        [MINE, THEIRS, OF_ONE_ACCOUNT],
        [MINE, THEIRS, {name: fact for name, fact in OF_ONE_ACCOUNT.items() if name != "organization"}],
    ],
    ids=["mixed", "a page of the other", "a page of nobody"],
)
def test_what_could_be_of_any_account_of_a_file_is_unknown(dump: Any) -> None:
    mine = read(dump, ID)
    facts = (mine.organization, mine.summary, mine.password_policy, mine.server_certificates)
    assert all(isinstance(fact, Missing) for fact in facts)
    assert (mine.resource_policies, mine.public_access_blocks) == ({}, {})


def test_what_mixed_pages_say_by_name_alone_belongs_to_nobody() -> None:
    account = read({**MIXED, "access_keys": {"alice": []}}, ID)
    assert isinstance(account.users[0].access_keys, Missing)
    nameless = {**MIXED, "UserDetailList": [*MIXED["UserDetailList"], {"UserName": "carol"}]}
    assert "does not say whose the entry 2 of its users is" in refusal(nameless, ID).sentence


def test_the_account_of_a_file_with_one_can_be_named_too() -> None:
    assert read(MINE, ID) == read(MINE)
    assert f"It has: {ID}." in str(refusal(MINE, OTHER))


def test_an_account_that_is_wrong_is_named_with_its_place() -> None:
    assert (
        f"at $.{OTHER}.UserDetailList[0].UserName"
        in refusal({ID: MINE, OTHER: {"UserDetailList": [{"UserName": 7}]}}).sentence
    )


# AWS Config.


def camel(value: Any) -> Any:
    if isinstance(value, list):
        return [camel(one) for one in value]
    if isinstance(value, dict):
        encoded = ("PolicyDocument", "AssumeRolePolicyDocument", "Document")
        return {
            key[:1].lower() + key[1:]: quote(json.dumps(one)) if key in encoded else camel(one)
            for key, one in value.items()
        }
    return value


def item(kind: str, entity: Json, **more: Any) -> Json:
    """A configuration item as AWS Config delivers it."""
    configuration = {"permissionsBoundary": None, **camel(entity)} if kind in ("User", "Role") else camel(entity)
    return {
        "configurationItemVersion": "1.3",
        "configurationItemCaptureTime": "2026-11-24T09:00:00.000Z",
        "configurationItemStatus": "ResourceDiscovered",
        "configurationStateId": 1700000000000,
        "awsAccountId": ID,
        "resourceType": f"AWS::IAM::{kind}",
        "resourceId": "X",
        "ARN": entity["Arn"],
        "awsRegion": "global",
        "tags": {},
        "relatedEvents": [],
        "relationships": [],
        "configuration": configuration,
        "supplementaryConfiguration": {},
        **more,
    }


BUCKET = {
    "resourceType": "AWS::S3::Bucket",
    "awsAccountId": ID,
    "ARN": "arn:aws:s3:::b",
    "configuration": {"name": "b"},
}
ENTITIES = (
    (
        "User",
        user("alice", UserPolicyList=[inline("own")], GroupList=["devs"], Tags=[{"Key": "team", "Value": "blue"}]),
    ),
    ("Group", group("devs", AttachedManagedPolicies=[attached(iam("policy/reader"))], GroupPolicyList=[])),
    (
        "Role",
        role(
            "deploy",
            AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}),
            PermissionsBoundary={"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": iam("policy/reader")},
            InstanceProfileList=[{"InstanceProfileName": "hosts", "Arn": iam("instance-profile/hosts"), "Roles": []}],
            RoleLastUsed=None,
        ),
    ),
    ("Policy", policy("reader", body=document(allow("s3:ListBucket")), Description="reads")),
)
ITEMS = [
    BUCKET,
    *(item(kind, {"UserPolicyList": [], **entity} if kind == "User" else entity) for kind, entity in ENTITIES),
]


def config(*items: Json) -> Json:
    return {"fileVersion": "1.0", "configSnapshotId": "7c0f", "configurationItems": list(items)}


def test_a_configuration_snapshot_is_read() -> None:
    account = read(config(*ITEMS))
    expected = read(
        snapshot(
            users=[ENTITIES[0][1]],
            groups=[ENTITIES[1][1]],
            roles=[{key: value for key, value in ENTITIES[2][1].items() if key != "RoleLastUsed"}],
            policies=[ENTITIES[3][1]],
        )
    )
    for name in ("id", "groups", "instance_profiles"):
        assert getattr(account, name) == getattr(expected, name), name
    assert account.users[0].tags == (("team", "blue"),)
    assert account.users[0].inline_policies[0].document.value == document()
    assert account.roles[0].trust.value == trust({"Service": "ec2.amazonaws.com"})
    assert account.roles[0].boundary_arn == iam("policy/reader")
    assert account.policies[0].default_version is not None
    assert account.policies[0].default_version.document.value == document(allow("s3:ListBucket"))
    assert isinstance(account.roles[0].last_used, Missing)
    assert may(account, "alice", "s3:ListBucket") is Outcome.ALLOWED
    assert may(account, "alice", "s3:PutObject") is Outcome.IMPLICIT_DENY


@pytest.mark.parametrize("form", ["history", "batch", "query"])
def test_what_the_cli_prints_of_config_is_read(form: str) -> None:
    items = [{**one, "configuration": json.dumps(one["configuration"]), "accountId": ID} for one in ITEMS[1:]]
    for one in items:
        one["arn"] = one.pop("ARN")
        del one["awsAccountId"]
    printed: Json = {
        "history": {"configurationItems": items, "nextToken": "x"},
        "batch": {"baseConfigurationItems": items, "unprocessedResourceKeys": []},
        "query": {"Results": [json.dumps(one) for one in items], "QueryInfo": {"SelectFields": []}},
    }[form]
    account = read(printed)
    assert [len(many) for many in (account.users, account.groups, account.roles, account.policies)] == [1, 1, 1, 1]
    assert account.id == ID


def test_the_newest_item_counts_and_what_is_deleted_is_gone() -> None:
    old = item("User", user("alice", UserPolicyList=[]), configurationItemCaptureTime="2026-01-01T00:00:00Z")
    new = item("User", user("alice", UserPolicyList=[inline("new")]))
    bob = item("User", user("bob", UserPolicyList=[]))
    gone = {**bob, "configurationItemStatus": "ResourceDeleted", "configuration": None,
            "configurationItemCaptureTime": "2026-11-25T00:00:00Z"}  # fmt: skip
    for items in ((old, new, bob, gone), (gone, bob, new, old)):
        account = read(config(*items))
        assert [(one.name, len(one.inline_policies)) for one in account.users] == [("alice", 1)]
    unrecorded = {**bob, "configurationItemStatus": "ResourceNotRecorded", "configuration": None}
    assert "1 resources that AWS Config does not record" in gaps(read(config(new, unrecorded)))


@pytest.mark.parametrize("backwards", [False, True])
def test_the_newest_item_counts_over_several_pages(backwards: bool) -> None:
    """A page of its own made a deleted user live, and refused a history as a contradiction."""
    old = item("User", user("alice", UserPolicyList=[]), configurationItemCaptureTime="2026-01-01T00:00:00Z")
    new = item("User", user("alice", UserPolicyList=[inline("new")]))
    bob = item("User", user("bob", UserPolicyList=[]))
    gone = {**bob, "configurationItemStatus": "ResourceDeleted", "configuration": None,
            "configurationItemCaptureTime": "2026-11-25T00:00:00Z"}  # fmt: skip
    pages = [config(old, bob), config(BUCKET), config(new), config(gone)]
    text = "\n".join(map(json.dumps, pages[::-1] if backwards else pages)).encode()
    account = read(text)
    assert [(one.name, len(one.inline_policies)) for one in account.users] == [("alice", 1)]


def test_what_is_unknown_is_counted_over_all_pages() -> None:
    users = [item("User", user(name, UserPolicyList=[])) for name in ("alice", "bob")]
    for one in users:
        del one["configuration"]["permissionsBoundary"]
    assert "permissions boundaries of 2 users and roles" in gaps(read([config(one) for one in users]))


def test_items_that_end_with_a_marker_are_a_part() -> None:
    query = {"Results": [json.dumps(one) for one in ITEMS[1:]], "NextToken": "x"}
    assert "it ends with a marker for a next page" in gaps(read(query))[REST_OF_ACCOUNT]
    assert REST_OF_ACCOUNT not in gaps(read([query, {**query, "NextToken": None}]))


def test_what_config_does_not_say_is_unknown_and_never_none() -> None:
    account = read(config(*[one for one in ITEMS if one["resourceType"] != "AWS::IAM::Policy"]))
    assert gaps(account)["all policies"] == "there is no Policies"
    assert may(account, "alice", "s3:ListBucket") is Outcome.DEPENDS
    alice = item("User", user("alice", UserPolicyList=[inline("own")]))
    del alice["configuration"]["permissionsBoundary"]
    account = read(config(alice))
    assert "permissions boundaries of 1 users and roles" in gaps(account)
    assert may(account, "alice", "s3:GetObject") is Outcome.DEPENDS, "a boundary may hold it back"
    assert "there is no RoleDetailList" in gaps(account)["all roles"]


def test_items_of_several_accounts() -> None:
    theirs = of(OTHER, item("User", user("bob", UserPolicyList=[])))
    both = config(*ITEMS, theirs)
    assert [one.name for one in read(both, OTHER).users] == ["bob"]
    assert "mixes several accounts" in refusal(both).sentence


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"configuration": {"userName": "x"}}, "at $.configurationItems[1].configuration: it has no userPolicyList"),
        ({"configuration": "{"}, "at $.configurationItems[1].configuration: it is not JSON"),
        ({"configuration": [1]}, "at $.configurationItems[1].configuration: expected an object"),
        ({"resourceType": 7}, "at $.configurationItems[1].resourceType"),
    ],
)
def test_a_wrong_item_is_named_with_its_place(change: Json, says: str) -> None:
    assert says in refusal(config(BUCKET, {**ITEMS[1], **change})).sentence


def test_a_wrong_value_inside_an_item_is_named_with_its_place() -> None:
    wrong = json.loads(json.dumps(ITEMS[1]))
    wrong["configuration"]["groupList"] = [7]
    assert "at $.configurationItems[0].configuration.GroupList[0]" in refusal(config(wrong)).sentence


def is_parsed(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except RecursionError:
        return False
    return True


@pytest.mark.parametrize("depth", [2000, 20_000])
@pytest.mark.parametrize("where", ["document", "unknown key", "text"])
def test_an_item_that_is_nested_deeply_is_refused(depth: int, where: str) -> None:
    nested = '{"a":' * depth + "1" + "}" * depth
    if where == "document":
        text = json.dumps(item("User", user("alice", UserPolicyList=[{"PolicyName": "p", "PolicyDocument": "DEEP"}])))
    else:
        text = json.dumps(item("User", user("alice", UserPolicyList=[], x="DEEP")))
    text = text.replace('"%22DEEP%22"', nested).replace('"DEEP"', nested)
    assert "DEEP" not in text
    made: Any = {"Results": [text]} if where == "text" else f'{{"configurationItems":[{text}]}}'.encode()
    if where == "document" and is_parsed(nested):
        # How deep the JSON parser goes depends on Python's version; the engine reads no document that is so deep.
        assert may(read(made), "alice", "s3:GetObject") is Outcome.DEPENDS
    else:
        assert "nested too deeply" in refusal(made).sentence


def test_an_item_with_the_usual_nesting_is_read() -> None:
    nested = json.loads('{"a":' * 90 + "1" + "}" * 90)
    assert len(read(config(item("User", user("alice", UserPolicyList=[], x=nested)))).users) == 1


def test_items_of_more_resources_than_an_account_may_have_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    users = [item("User", user(f"u{number}", UserPolicyList=[])) for number in range(4)]
    monkeypatch.setattr(authorization_details, "MOST_ENTITIES", 4)
    assert len(read(config(*users, *users, *[BUCKET] * 9)).users) == 4
    monkeypatch.setattr(authorization_details, "MOST_ENTITIES", 3)
    assert "has items of more than 3 resources of IAM" in refusal(config(*users)).sentence
    assert "has items of more than 3 resources of IAM" in refusal([config(one) for one in users]).sentence


def test_items_that_say_more_than_an_account_does_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    old = item("User", user("alice", UserPolicyList=[inline(str(number)) for number in range(50)]),
               configurationItemCaptureTime="2026-01-01T00:00:00Z")  # fmt: skip
    few = item("User", user("alice", UserPolicyList=[]))
    monkeypatch.setattr(authorization_details, "_MOST_PARTS", 100)
    assert len(read(config(old, few)).users) == 1, "older items are not made anything of"
    assert "has more than 100 values in its items of IAM" in refusal([config(old), config(BUCKET)]).sentence


@pytest.mark.slow
def test_an_account_of_five_times_the_default_quotas_is_read_from_config() -> None:
    """IAM quotas: 5,000 users, 300 groups, 1,000 roles, 1,500 policies of one's own."""
    kinds = {"User": 25_000, "Group": 1_500, "Role": 5_000, "Policy": 7_500}
    bodies = {
        "User": lambda name: user(name, UserPolicyList=[inline("own")], GroupList=["g1", "g2", "g3"]),
        "Group": lambda name: group(name, GroupPolicyList=[inline("own")], AttachedManagedPolicies=[]),
        "Role": lambda name: role(name, RolePolicyList=[inline("a"), inline("b")]),
        "Policy": policy,
    }
    pages = [
        config(*(item(kind, bodies[kind](f"{kind[0].lower()}{number}")) for number in range(count)))
        for kind, count in kinds.items()
    ]
    account = read(pages)
    assert [len(account.users), len(account.groups), len(account.roles), len(account.policies)] == [*kinds.values()]


def test_config_without_iam_is_refused() -> None:
    assert "none of an IAM user, group, role or policy" in refusal(config(BUCKET)).sentence
    assert "at $.Results[0]" in refusal({"Results": ["{"]}).sentence
