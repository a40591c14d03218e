"""Each feature works with the policy that `iamtui permissions` prints for it, and with no action less.

Every feature runs through a proxy that denies, as AWS does, what the printed policies do not allow.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from iamtui.account.model import Account, Group, Known, Missing, Role, User
from iamtui.account.snapshot_writer import snapshot_of
from iamtui.problem import Problem
from iamtui.sources.organization import read_accounts
from iamtui.sources.resource_policy_loader import load_resource_policy
from iamtui.sources.simulator import Simulation, simulate
from iamtui.workspace.ask.denials import decode_authorization_message
from iamtui.workspace.review.overview import begun_overview
from iamtui.workspace.source.opening import (
    load_account_facts,
    load_last_accessed,
    load_user_details,
    open_source,
    read_again,
)
from iamtui.workspace.source.organization import with_identity_center
from iamtui.workspace.source.permissions import FEATURES, find_feature, policy_for
from iamtui.workspace.source.workspace import CacheUse, SourceChoice, SourceKind, Workspace
from tests.support.canned_aws import OF_A_RESOURCE
from tests.support.fault_proxy import FaultProxy
from tests.support.moto_server import ACCOUNT, MotoServer
from tests.support.permission_gate import CANNED, STORE, PermissionGate

BROWSE = "iam:GetAccountAuthorizationDetails"


class Found(NamedTuple):
    """What a feature gave.

    Args:
        value: all of it, as it can be compared.
        lacking: the permissions that it named as missing.
    """

    value: Any
    lacking: set[str]


def opened(url: str) -> Workspace:
    return open_source(SourceChoice(SourceKind.LIVE, endpoint_url=url, cache=CacheUse.NOTHING))


def connection_to(workspace: Workspace) -> Any:
    assert workspace.connection is not None
    return workspace.connection


def lacking(account: Account) -> set[str]:
    holders: tuple[User | Group | Role, ...] = (*account.users, *account.groups, *account.roles)
    unread = (one for entity in holders for one in entity.unread)
    return {gap.permission for gap in account.gaps} | {one.permission for one in unread}


def named(fact: object) -> set[str]:
    return {fact.permission} if isinstance(fact, Missing) else set()


ENTITIES = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")


def entities(account: Account) -> Any:
    """Users, groups, roles and policies, without what the details add."""
    written = json.loads(json.dumps(snapshot_of(account), default=str))
    return {name: sorted(written.get(name, ()), key=lambda one: str(one["Arn"])) for name in ENTITIES}


def browse(url: str) -> Found:
    account = opened(url).account
    return Found(entities(account), lacking(account))


def browse_one_by_one(url: str) -> Found:
    """All of it, then one user, group, role and policy by itself."""
    workspace = opened(url)
    found, missing = entities(workspace.account), lacking(workspace.account)
    for kind in ("users", "groups", "roles", "policies"):
        for entity in getattr(workspace.account, kind)[:1]:
            workspace = read_again(workspace, entity)
    return Found((found, entities(workspace.account)), missing)


def details(url: str) -> Found:
    account = opened(url).account
    facts = (account.alias, account.providers, account.instance_profiles)
    users = [(user.name, user.password_last_used) for user in account.users]
    roles = [(role.name, role.description, role.max_session_seconds) for role in account.roles]
    return Found((facts, users, roles), lacking(account).union(*map(named, facts)))


def user_details(url: str) -> Found:
    alice = load_user_details(opened(url), "alice").account.user("alice")
    assert alice is not None
    facts = (alice.access_keys, alice.mfa_devices, alice.login_profile)
    return Found(facts, set().union(*map(named, facts)))


def account_facts(url: str) -> Found:
    account = load_account_facts(opened(url)).account
    facts = (account.summary, account.password_policy, account.server_certificates)
    report = account.credential_report
    # It says when it was made.
    users = [one.user for one in report.value.rows] if isinstance(report, Known) else report
    return Found((facts, users), set().union(*map(named, (*facts, report))))


def last_accessed(url: str) -> Found:
    alice = f"arn:aws:iam::{ACCOUNT}:user/alice"
    workspace, missing = load_last_accessed(opened(url), [alice])
    return Found(workspace.account.last_accessed, set().union(*map(named, missing.values())))


def organization(url: str) -> Found:
    workspace = opened(url)
    fact = workspace.account.organization
    if isinstance(fact, Missing):
        return Found(fact, named(fact))
    assert fact.value is not None
    facts = [policies for level in fact.value.path for policies in (level.scps, level.rcps)]
    said = " ".join(begun_overview(workspace).lacking)
    return Found(fact.value, set(re.findall("organizations:[A-Za-z]+", said)).union(*map(named, facts)))


def organization_accounts(url: str) -> Found:
    return Found([one.id for one in read_accounts(connection_to(opened(url)))], set())


def organization_store(url: str) -> Found:
    from iamtui.workspace.organization.organization_store import account_in, open_store  # a leaf

    store = open_store(STORE, SourceChoice(SourceKind.LIVE, endpoint_url=url))
    day = store.day()
    return Found([account_in(store.pages(day.date, id_), day.date, id_).id for id_ in day.ids], set())


def identity_center(url: str) -> Found:
    fact = with_identity_center(opened(url)).account.identity_center
    return Found(fact, named(fact) if isinstance(fact, Missing) else set(fact.value.unread))


def resource_policies(url: str) -> Found:
    workspace = opened(url)
    account, failed = workspace.account, set()
    for arn in OF_A_RESOURCE.values():
        try:
            account = load_resource_policy(connection_to(workspace), account, arn)
        except Problem as problem:
            failed.add(str(getattr(problem, "permission", "")))
    policies = account.resource_policies
    missing = failed | {one.permission for one in policies.values()} | lacking(account)
    # What is said of them names the address of the proxy.
    blocks = [(gap.what, gap.permission) for gap in account.gaps if gap.what.startswith("public access block")]
    return Found((policies, account.kms_aliases, account.public_access_blocks, blocks), missing)


def decode(url: str) -> Found:
    return Found(decode_authorization_message(opened(url), "x"), set())


def second_opinion(url: str) -> Found:
    asked = Simulation(f"arn:aws:iam::{ACCOUNT}:user/alice", "s3:GetObject", ("arn:aws:s3:::b/x",))
    return Found(simulate(connection_to(opened(url)), asked), set())


RUNS: dict[str, Callable[[str], Found]] = {
    "browse": browse,
    "browse-one-by-one": browse_one_by_one,
    "details": details,
    "user-details": user_details,
    "account-facts": account_facts,
    "last-accessed": last_accessed,
    "organization": organization,
    "organization-accounts": organization_accounts,
    "organization-store": organization_store,
    "identity-center": identity_center,
    "resource-policies": resource_policies,
    "decode": decode,
    "second-opinion": second_opinion,
}

NOT_BY_A_PROXY = {
    # The account's id is part of the host name, which an endpoint URL has no place for:
    # test_the_stricter_public_access_block_counts asks a stub instead.
    "s3:GetAccountPublicAccessBlock": "Block Public Access of the account",
}
"""What no test here can reach, and what needs it."""


def test_every_feature_is_run() -> None:
    assert RUNS.keys() == {feature.name for feature in FEATURES}
    assert NOT_BY_A_PROXY.keys() <= {action for feature in FEATURES for action in feature.actions}


def printed(*names: str) -> set[str]:
    """The actions that the printed policy of some features allows."""
    return {
        action
        for statement in policy_for(find_feature(name) for name in names)["Statement"]
        for action in statement["Action"]
    }


def with_base(name: str) -> set[str]:
    """Every feature but the two that list the account stands on the first of them."""
    return printed(name) if name.startswith("browse") else printed("browse", name)


@pytest.mark.parametrize("name", RUNS)
def test_the_printed_policy_is_enough_and_each_of_its_actions_is_used(
    gated_proxy: FaultProxy, filled_account: MotoServer, name: str
) -> None:
    gate = PermissionGate(gated_proxy, with_base(name), canned=CANNED)
    found = RUNS[name](gated_proxy.url)
    assert printed(name) - gate.used == NOT_BY_A_PROXY.keys() & printed(name)
    assert found.lacking.isdisjoint(printed(name) - NOT_BY_A_PROXY.keys())

    # Through whatever proxy it comes, it is the same.
    other = FaultProxy(filled_account)
    try:
        PermissionGate(other, denied={BROWSE} - with_base(name), canned=CANNED)
        assert RUNS[name](other.url).value == found.value
    finally:
        other.stop()


def each_action() -> Iterator[Any]:
    """Every feature with each of its actions; all but its first are slow."""
    for name in RUNS:
        actions = sorted(printed(name) - NOT_BY_A_PROXY.keys())
        for action in actions:
            yield pytest.param(name, action, marks=[] if action == actions[0] else pytest.mark.slow)


@pytest.fixture(scope="module")
def values(filled_account: MotoServer) -> dict[str, Any]:
    """What each feature gives of the account with all of its actions, once it was run."""
    return {}


@pytest.mark.parametrize(("name", "action"), each_action())
def test_with_an_action_less_something_is_missing_and_the_action_is_named(
    gated_proxy: FaultProxy, values: dict[str, Any], name: str, action: str
) -> None:
    if name not in values:
        PermissionGate(gated_proxy, with_base(name), canned=CANNED)
        values[name] = RUNS[name](gated_proxy.url).value
        gated_proxy.rules.clear()
    PermissionGate(gated_proxy, with_base(name) - {action}, canned=CANNED)

    try:
        found = RUNS[name](gated_proxy.url)
    except Problem as problem:
        found = Found(str(problem), {action} if action in str(problem) else set())
    assert found.value != values[name]
    assert action in found.lacking
