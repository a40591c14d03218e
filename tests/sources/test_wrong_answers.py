"""An answer that is not the operation's costs what it would have told, never the account; and nothing is guessed."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from iamtui.account.model import Account, Known, Missing, Role
from iamtui.aws.operations import READ
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.sources import identity_center
from iamtui.sources.identity_center import read_identity_center
from iamtui.sources.on_demand_facts import load_account_facts, load_last_accessed, load_user_details
from iamtui.sources.organization import read_accounts
from iamtui.sources.resource_policy_loader import load_resource_policy
from iamtui.sources.simulator import Simulation, simulate
from iamtui.workspace.ask.denials import decode_authorization_message
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.canned_aws import ACCOUNT, GOOD, OF_A_RESOURCE, SSO_ROLE, CannedAws
from tests.support.live_account import load_live
from tests.support.slow import crossed, one_quick

Pair = tuple[str, str]

LAYERS: dict[Pair, str] = {
    ("sts", "GetCallerIdentity"): "the caller's identity",
    ("iam", "ListUsers"): "last use of passwords",
    ("iam", "ListRoles"): "descriptions and longest sessions of roles",
    ("iam", "ListAccountAliases"): "the account alias",
    ("iam", "ListInstanceProfiles"): "instance profiles without a role",
    ("iam", "ListSAMLProviders"): "identity providers",
    ("iam", "ListOpenIDConnectProviders"): "identity providers",
    ("iam", "GetOpenIDConnectProvider"): "identity providers",
    ("organizations", "DescribeOrganization"): "organization: SCPs and RCPs",
    ("organizations", "DescribeAccount"): "organization: SCPs and RCPs",
    ("organizations", "ListParents"): "organization: SCPs and RCPs",
    ("organizations", "DescribeOrganizationalUnit"): "organization: SCPs and RCPs",
    ("organizations", "ListRoots"): "organization: SCPs and RCPs",
}
"""What opening an account loses with each operation, as its list of gaps calls it."""

DELEGATES = ("organizations", "ListDelegatedAdministrators")

ACCOUNTS = (("organizations", "ListAccountsForParent"), ("organizations", "ListOrganizationalUnitsForParent"))

SCPS = (("organizations", "ListPoliciesForTarget"), ("organizations", "DescribePolicy"))

DETAILS = ("iam", "GetAccountAuthorizationDetails")

ONE_BY_ONE: dict[Pair, str] = {
    ("iam", "ListGroups"): "all groups",
    ("iam", "ListPolicies"): "all policies",
    ("iam", "GetUser"): "tags of 1 user",
    ("iam", "GetRole"): "tags of 1 role",
    ("iam", "ListUserPolicies"): "inline policies of 1 user",
    ("iam", "ListGroupPolicies"): "inline policies of 1 group",
    ("iam", "ListRolePolicies"): "inline policies of 1 role",
    ("iam", "GetUserPolicy"): "inline policies of 1 user",
    ("iam", "GetGroupPolicy"): "inline policies of 1 group",
    ("iam", "GetRolePolicy"): "inline policies of 1 role",
    ("iam", "ListAttachedUserPolicies"): "attached policies of 1 user",
    ("iam", "ListAttachedGroupPolicies"): "attached policies of 1 group",
    ("iam", "ListAttachedRolePolicies"): "attached policies of 1 role",
    ("iam", "GetPolicyVersion"): "documents of 1 customer managed policy",
}
"""What the account lacks with each of the calls that stand in for the inventory."""

IN_THEIR_PLACE = {
    ("iam", "GetGroup"): ("iam", "ListGroupsForUser"),
    ("iam", "GetPolicy"): ("iam", "ListPolicies"),
}
"""Two ways to the same; without both it is unread."""

OF_A_USER: dict[Pair, str] = {
    ("iam", "ListAccessKeys"): "access_keys",
    ("iam", "GetAccessKeyLastUsed"): "access_keys",
    ("iam", "ListMFADevices"): "mfa_devices",
    ("iam", "GetLoginProfile"): "login_profile",
}

OF_THE_ACCOUNT: dict[Pair, str] = {
    ("iam", "GetAccountSummary"): "summary",
    ("iam", "GetAccountPasswordPolicy"): "password_policy",
    ("iam", "ListServerCertificates"): "server_certificates",
    ("iam", "GenerateCredentialReport"): "credential_report",
    ("iam", "GetCredentialReport"): "credential_report",
}

LAST_ACCESSED = (("iam", "GenerateServiceLastAccessedDetails"), ("iam", "GetServiceLastAccessedDetails"))

PEOPLE: dict[Pair, str] = {
    ("sso-admin", "ListInstances"): "all",
    ("sso-admin", "ListPermissionSetsProvisionedToAccount"): "all",
    ("sso-admin", "DescribePermissionSet"): "permission set",
    ("sso-admin", "ListAccountAssignments"): "assignees",
    ("identitystore", "DescribeGroup"): "name of the group",
    ("identitystore", "ListGroupMemberships"): "members",
    ("identitystore", "DescribeUser"): "names",
}
"""What is not known of the people behind roles without each operation."""

OF_A_STORE = {("s3", "ListObjectsV2"), ("s3", "GetObject")}
"""Reads of an organization's store, not of an account: tests/workspace/test_organization_store.py."""

BLOCKS = (("s3", "GetPublicAccessBlock"), ("s3control", "GetPublicAccessBlock"))
SIMULATE = ("iam", "SimulatePrincipalPolicy")
DECODE = ("sts", "DecodeAuthorizationMessage")

NO_ANSWERS = {
    "nothing": b"",
    "white space": b" \n ",
    "empty object": b"{}",
    "list": b"[]",
    "text": b'"x"',
    "number": b"5",
    "null": b"null",
    "html": b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><p>Hello</p></body></html>",
    "other xml": b'<Other xmlns="urn:x"><Result>1</Result></Other>',
    "binary": bytes(range(256)),
    "not utf-8": b'{"Policy": "\xff\xfe"}',
    "cut": b'{"Organization": {"Id": "o-1", "Na',
    "deep": b"[" * 20_000,
    "deep xml": b"<a>" * 20_000,
}


@pytest.fixture(scope="module")
def shared_aws() -> CannedAws:
    return CannedAws()


@pytest.fixture
def aws(shared_aws: CannedAws, quick_retries: None) -> CannedAws:
    shared_aws.wrong.clear()
    shared_aws.denied.clear()
    shared_aws.asked.clear()
    return shared_aws


def test_the_table_names_every_read(aws: CannedAws) -> None:
    tables = {*LAYERS, *SCPS, DELEGATES, DETAILS, *OF_A_USER, *OF_A_RESOURCE, *BLOCKS, SIMULATE, DECODE, *ACCOUNTS}
    tables |= {*PEOPLE, *OF_THE_ACCOUNT, *LAST_ACCESSED, *ONE_BY_ONE, *IN_THEIR_PLACE, *IN_THEIR_PLACE.values()}
    assert tables == READ.keys() - OF_A_STORE == GOOD.keys()


def test_good_answers_leave_nothing_out(aws: CannedAws) -> None:
    account = load_live(aws.connection)
    assert account.gaps == ()
    alice = load_user_details(aws.connection, account, "alice").users[0]
    assert all(isinstance(getattr(alice, name), Known) for name in OF_A_USER.values())
    for arn in OF_A_RESOURCE.values():
        loaded = load_resource_policy(aws.connection, account, arn)
        assert loaded.resource_policies[loaded.kms_aliases.get(arn, arn)].state == "present"
        assert loaded.gaps == ()
    assert simulate(aws.connection, SIMULATION)
    assert [one.id for one in read_accounts(aws.connection)] == [ACCOUNT]
    assert isinstance(read_identity_center(aws.connection, with_sso_role(account)), Known)
    facts = load_account_facts(aws.connection, account)
    assert all(isinstance(getattr(facts, name), Known) for name in OF_THE_ACCOUNT.values())
    used, missing = load_last_accessed(aws.connection, account, [alice.arn])
    assert [service.service for service in used.last_accessed[alice.arn].services] == ["s3", "sqs"]
    assert not missing
    assert decode_authorization_message(workspace(aws), "x") == "{}"
    aws.denied.add(DETAILS)
    assert load_live(aws.connection).gaps == ()
    for first in (IN_THEIR_PLACE.keys(), IN_THEIR_PLACE.values()):
        aws.denied |= set(first)
        load_live(aws.connection)
    assert set(aws.asked) == READ.keys() - OF_A_STORE


@crossed("pair", LAYERS, "body", NO_ANSWERS)
def test_what_is_no_answer_costs_its_layer_and_says_so(aws: CannedAws, pair: Pair, body: bytes) -> None:
    aws.wrong[pair] = body

    account = load_live(aws.connection)

    assert [gap.what for gap in account.gaps] == [LAYERS[pair]]
    assert [user.name for user in account.users] == ["alice"]
    if pair[0] == "organizations":
        assert isinstance(account.organization, Missing)


@crossed("pair", OF_THE_ACCOUNT, "body", NO_ANSWERS)
def test_what_is_no_answer_costs_one_fact_of_the_account(aws: CannedAws, pair: Pair, body: bytes) -> None:
    aws.wrong[pair] = body

    facts = load_account_facts(aws.connection, load_live(aws.connection), waits=())

    fields = (*OF_THE_ACCOUNT.values(), "users")
    lost = {name for name in fields if isinstance(getattr(facts, name), Missing)}
    assert lost == {OF_THE_ACCOUNT[pair]}


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS)
@pytest.mark.parametrize("pair", LAST_ACCESSED, ids=":".join)
def test_what_is_no_answer_leaves_the_last_use_of_services_missing(aws: CannedAws, pair: Pair, body: bytes) -> None:
    aws.wrong[pair] = body
    account = load_live(aws.connection)

    used, missing = load_last_accessed(aws.connection, account, [account.users[0].arn], waits=())

    assert used.last_accessed == {}
    assert list(missing) == [account.users[0].arn]


@pytest.mark.parametrize(
    "text", ["1." * 1_000_000, "1 " * 1_000_000, "9" * 1_000_000], ids=["dots", "blanks", "digits"]
)
def test_a_date_of_a_million_characters_takes_no_minutes(aws: CannedAws, text: str) -> None:
    aws.wrong["iam", "ListUsers"] = GOOD["iam", "ListUsers"].replace(b"2026-01-02T03:04:05Z", text.encode())
    started = time.process_time()

    account = load_live(aws.connection)

    assert time.process_time() - started < 5
    assert [gap.what for gap in account.gaps] == ["last use of passwords"]


def test_a_level_whose_id_is_none_in_aws_costs_the_organization(aws: CannedAws) -> None:
    aws.wrong["organizations", "ListParents"] = b'{"Parents": [{"Id": "r-x;$(x)", "Type": "ROOT"}]}'

    assert isinstance(load_live(aws.connection).organization, Missing)


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS)
@pytest.mark.parametrize("pair", SCPS, ids=":".join)
def test_scps_that_do_not_come_are_missing_and_never_none(aws: CannedAws, pair: Pair, body: bytes) -> None:
    aws.wrong[pair] = body

    organization = load_live(aws.connection).organization

    assert isinstance(organization, Known)
    assert organization.value is not None
    assert all(isinstance(level.scps, Missing) for level in organization.value.path)


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_without_the_inventory_there_is_no_account_but_a_sentence(aws: CannedAws, body: bytes) -> None:
    aws.wrong[DETAILS] = body

    with pytest.raises(Problem, match="GetAccountAuthorizationDetails with something that is not an AWS answer"):
        load_live(aws.connection)


@crossed("pair", ONE_BY_ONE, "body", NO_ANSWERS)
def test_one_by_one_what_is_no_answer_is_unread_and_said(aws: CannedAws, pair: Pair, body: bytes) -> None:
    aws.denied.add(DETAILS)
    aws.wrong[pair] = body

    account = load_live(aws.connection)

    assert [user.name for user in account.users] == ["alice"]
    assert ONE_BY_ONE[pair] in [gap.what for gap in account.gaps]
    if "Group" not in pair[1] and "Polic" in pair[1] and pair[1] not in ("ListPolicies", "GetPolicyVersion"):
        assert any(entity.unread for entity in (*account.users, *account.roles))


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS)
@pytest.mark.parametrize(("pair", "other"), IN_THEIR_PLACE.items(), ids=str)
def test_without_both_ways_it_is_unread(aws: CannedAws, pair: Pair, other: Pair, body: bytes) -> None:
    aws.denied.add(DETAILS)
    aws.wrong[pair] = aws.wrong[other] = body

    account = load_live(aws.connection)

    assert account.gaps
    assert account.users[0].unread or account.policies == ()


@crossed("pair", OF_A_USER, "body", NO_ANSWERS)
def test_what_is_no_answer_about_a_user_costs_that_detail(aws: CannedAws, pair: Pair, body: bytes) -> None:
    account = load_live(aws.connection)
    aws.wrong[pair] = body

    alice = load_user_details(aws.connection, account, "alice").users[0]

    lost = {name for name in OF_A_USER.values() if isinstance(getattr(alice, name), Missing)}
    assert lost == {OF_A_USER[pair]}


@crossed("pair", OF_A_RESOURCE, "body", NO_ANSWERS)
def test_what_is_no_answer_about_a_resource_is_never_the_absence_of_a_policy(
    aws: CannedAws, pair: Pair, body: bytes
) -> None:
    aws.wrong[pair] = body
    arn = OF_A_RESOURCE[pair]
    try:
        found = load_resource_policy(aws.connection, Account(ACCOUNT), arn).resource_policies[arn]
    except Problem:
        return
    # S3 answers with the policy's text itself, so that whatever comes is one: it cannot be read, and says so.
    assert pair == ("s3", "GetBucketPolicy")
    assert found.document is not None
    assert found.document.error is not None


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS)
@pytest.mark.parametrize("pair", BLOCKS, ids=":".join)
def test_a_public_access_block_that_does_not_come_is_not_known(aws: CannedAws, pair: Pair, body: bytes) -> None:
    aws.wrong[pair] = body

    account = load_resource_policy(aws.connection, Account(ACCOUNT), "arn:aws:s3:::bucket")

    assert account.public_access_blocks == {}
    assert [gap.what for gap in account.gaps] == ["public access block of bucket bucket"]


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_simulator_and_decoding_say_that_no_answer_came(aws: CannedAws, body: bytes) -> None:
    aws.wrong[SIMULATE] = aws.wrong[DECODE] = body

    with pytest.raises(Problem, match="not an AWS answer"):
        simulate(aws.connection, SIMULATION)
    with pytest.raises(Problem, match="not an AWS answer"):
        decode_authorization_message(workspace(aws), "x")


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_delegated_administrators_that_do_not_come_are_not_known(aws: CannedAws, body: bytes) -> None:
    aws.wrong[DELEGATES] = body

    organization = load_live(aws.connection).organization

    assert isinstance(organization, Known)
    assert organization.value is not None
    assert organization.value.delegated_administrators is None


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS)
@pytest.mark.parametrize("pair", [*ACCOUNTS, ("organizations", "ListRoots")], ids=":".join)
def test_accounts_of_the_organization_that_do_not_come_are_not_none(aws: CannedAws, pair: Pair, body: bytes) -> None:
    aws.wrong[pair] = body

    with pytest.raises(Problem, match="not an AWS answer"):
        read_accounts(aws.connection)


def with_sso_role(account: Account) -> Account:
    path = "/aws-reserved/sso.amazonaws.com/eu-west-1/"
    role = Role(SSO_ROLE, path, f"arn:aws:iam::{ACCOUNT}:role{path}{SSO_ROLE}", "AROA", None, PolicyDocument("{}"))
    return replace(account, roles=(role,))


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS)
@pytest.mark.parametrize("pair", PEOPLE, ids=":".join)
def test_what_is_no_answer_of_identity_center_is_unknown_and_never_nobody(
    aws: CannedAws, pair: Pair, body: bytes
) -> None:
    aws.wrong[pair] = body

    found = read_identity_center(aws.connection, with_sso_role(Account(ACCOUNT)))

    if PEOPLE[pair] == "all":
        assert isinstance(found, Missing)
        assert found.permission == f"sso:{pair[1]}"
        return
    assert isinstance(found, Known)
    behind = found.value.behind(SSO_ROLE)
    if pair[1] == "DescribePermissionSet":
        assert behind is None
    elif pair[1] == "ListAccountAssignments":
        assert behind is not None
        assert behind.unknown == ("whom it is assigned to",)
    else:
        assert behind is not None
        ids = {one.person.id for one in behind.people}
        assert ids == ({"u-ana"} if pair[1] == "ListGroupMemberships" else {"u-ana", "u-ben"})
        assert behind.unknown == (("the members of Devs",) if pair[1] == "ListGroupMemberships" else ())
    assert found.value.unread == (f"{pair[0].removesuffix('-admin')}:{pair[1]}",)


def test_more_people_than_any_organization_has_are_unknown(aws: CannedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity_center, "_MOST_LISTED", 0)
    found = read_identity_center(aws.connection, with_sso_role(Account(ACCOUNT)))
    assert isinstance(found, Known)
    assert found.value.unread == ("sso:ListAccountAssignments",)
    behind = found.value.behind(SSO_ROLE)
    assert behind is not None
    assert behind.unknown == ("whom it is assigned to",)
    monkeypatch.setattr(identity_center, "_MOST_SETS", 0)
    found = read_identity_center(aws.connection, with_sso_role(Account(ACCOUNT)))
    assert isinstance(found, Missing)
    assert "more than 0 permission sets" in found.reason


@one_quick("pair", sorted(READ.keys() - OF_A_STORE), ids=":".join)
def test_each_part_of_each_answer_may_be_wrong(aws: CannedAws, pair: Pair) -> None:
    """Every value of a good answer in turn left out, or replaced by one of another type."""
    read = _reader(aws, pair)
    variants = list(_variants(GOOD[pair]))
    assert len(variants) > 5
    for body in variants:
        aws.wrong[pair] = body
        try:
            read()
        except Problem as problem:
            assert pair not in LAYERS
            assert pair not in (*SCPS, DELEGATES)
            assert pair not in OF_A_USER
            assert pair not in BLOCKS
            # An entity that contradicts itself refuses the account, as in a snapshot.
            refused_whole = problem.sentence.startswith("The account ")
            assert pair not in ONE_BY_ONE or refused_whole


SIMULATION = Simulation(f"arn:aws:iam::{ACCOUNT}:user/alice", "s3:GetObject", ("arn:aws:s3:::b/x",))


def workspace(aws: CannedAws) -> Workspace:
    return Workspace(Account(ACCOUNT), SourceInfo(SourceKind.LIVE, "live"), aws.connection)


def _reader(aws: CannedAws, pair: Pair) -> Callable[[], object]:
    if pair in OF_A_USER:
        account = load_live(aws.connection)
        return lambda: load_user_details(aws.connection, account, "alice")
    if pair in OF_A_RESOURCE:
        return lambda: load_resource_policy(aws.connection, Account(ACCOUNT), OF_A_RESOURCE[pair])
    if pair in BLOCKS:
        return lambda: load_resource_policy(aws.connection, Account(ACCOUNT), "arn:aws:s3:::bucket")
    if pair == SIMULATE:
        return lambda: simulate(aws.connection, SIMULATION)
    if pair == DECODE:
        return lambda: decode_authorization_message(workspace(aws), "x")
    if pair in PEOPLE:
        return lambda: read_identity_center(aws.connection, with_sso_role(Account(ACCOUNT)))
    if pair in ACCOUNTS:
        return lambda: read_accounts(aws.connection)
    if pair in ONE_BY_ONE or pair in {*IN_THEIR_PLACE, *IN_THEIR_PLACE.values()}:
        aws.denied.add(DETAILS)
        aws.denied |= {first for first, second in IN_THEIR_PLACE.items() if second == pair}
        aws.denied |= {second for first, second in IN_THEIR_PLACE.items() if first == pair and pair[1] == "GetPolicy"}
    return lambda: load_live(aws.connection)


def _variants(body: bytes) -> Iterator[bytes]:
    if body.startswith(b"<"):
        yield from _xml_variants(ET.fromstring(body))
    else:
        for changed in _json_variants(json.loads(body)):
            yield json.dumps(changed).encode()


OTHER_VALUES: tuple[Any, ...] = (None, 5, -1.5, True, "x", "", [], {}, ["x"], {"x": 1}, [[]], [{}], [None])


def _json_variants(value: Any) -> Iterator[Any]:
    yield from OTHER_VALUES
    if isinstance(value, dict):
        for key, item in value.items():
            yield {name: other for name, other in value.items() if name != key}
            for changed in _json_variants(item):
                yield {**value, key: changed}
    elif isinstance(value, list):
        for index, item in enumerate(value):
            for changed in _json_variants(item):
                yield [*value[:index], changed, *value[index + 1 :]]


def _xml_variants(root: ET.Element) -> Iterator[bytes]:
    for index, _ in enumerate(root.iter()):
        for change in (_emptied, _with_text, _with_child, _doubled, _renamed):
            changed = copy.deepcopy(root)
            change(list(changed.iter())[index])
            yield ET.tostring(changed)


def _emptied(element: ET.Element) -> None:
    element.text = None
    del element[:]


def _with_text(element: ET.Element) -> None:
    del element[:]
    element.text = "x"


def _with_child(element: ET.Element) -> None:
    element.text = None
    del element[:]
    ET.SubElement(element, "x")


def _doubled(element: ET.Element) -> None:
    element.extend(copy.deepcopy(list(element)))


def _renamed(element: ET.Element) -> None:
    element.tag = "Other"
