"""The moto behind the demo: it says what the file says, and it answers nobody but the demo."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from msgspec import structs

from iamtui.account.model import (
    Account,
    InlinePolicy,
    Known,
    LoginProfile,
    ManagedPolicy,
    Missing,
    PolicyVersion,
    ResourcePolicy,
    User,
)
from iamtui.aws.connection import Connection
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.sources.demo import DEMO_REGION, demo_connection, load_demo_account
from iamtui.sources.on_demand_facts import load_user_details
from iamtui.sources.resource_policy_loader import load_resource_policy
from tests.support.live_account import load_live

FILE = load_demo_account()
CALLER = "arn:aws:iam::111122223333:user/platform/maya.okafor"


@cache
def connection_to(service: str) -> Connection:
    """One connection for all tests of a service: making its clients takes most of the time."""
    return demo_connection()


@pytest.fixture(scope="module")
def live() -> Account:
    """The seeded account, read through the live source.

    Sessions of the demo that earlier tests of this process used have left their mark: AWS and moto note a role's
    last use.
    """
    from moto.iam.models import iam_backends

    connection = connection_to("iam")
    connection.caller()
    used = {role.name: role.last_used for role in FILE.roles}
    for role in iam_backends[FILE.id][FILE.partition].roles.values():
        known = used[role.name]
        role.last_used = known.value.replace(tzinfo=None) if isinstance(known, Known) and known.value else None
    return load_live(connection)


def document(found: PolicyDocument) -> PolicyDocument:
    """The document in one spelling: moto sends inline policies percent-encoded."""
    return PolicyDocument.of(found.value)


def inline(policies: tuple[InlinePolicy, ...]) -> tuple[InlinePolicy, ...]:
    return tuple(InlinePolicy(policy.name, document(policy.document)) for policy in policies)


def versions(found: tuple[PolicyVersion, ...]) -> tuple[PolicyVersion, ...]:
    return tuple(structs.replace(version, document=document(version.document)) for version in found)


USER_LIMITS = {
    "boundary_arn": "moto has no permissions boundaries of users",
    "access_keys": "read on demand, compared below",
    "mfa_devices": "read on demand, compared below",
    "login_profile": "read on demand, compared below",
}
POLICY_LIMITS = {
    "id": "moto's GetAccountAuthorizationDetails has no PolicyId",
    "boundary_count": "moto's GetAccountAuthorizationDetails has no PermissionsBoundaryUsageCount",
    "description": "the file has none for AWS's policies, where moto says the empty text",
    "tags": "moto's GetAccountAuthorizationDetails has no tags of policies",
}


def without(entity: Any, limits: dict[str, str]) -> Any:
    """The entity less what moto cannot hold."""
    return replace(entity, **dict.fromkeys(limits))


def test_the_account_is_the_same(live):
    for name in ("id", "partition", "alias", "caller_arn", "providers", "instance_profiles"):
        assert getattr(live, name) == getattr(FILE, name), name
    assert live.gaps == ()


def test_users_are_the_same(live):
    def comparable(user: User) -> User:
        return without(replace(user, inline_policies=inline(user.inline_policies)), USER_LIMITS)

    assert [comparable(user) for user in live.users] == [comparable(user) for user in FILE.users]


def test_groups_and_roles_are_the_same(live):
    for kind in ("groups", "roles"):
        ours, theirs = (
            [replace(entity, inline_policies=inline(entity.inline_policies)) for entity in getattr(account, kind)]
            for account in (FILE, live)
        )
        if kind == "roles":
            ours, theirs = ([replace(role, trust=document(role.trust)) for role in roles] for roles in (ours, theirs))
        assert theirs == ours


def test_policies_are_the_same(live):
    def comparable(policy: ManagedPolicy) -> ManagedPolicy:
        return without(replace(policy, versions=versions(policy.versions)), POLICY_LIMITS)

    def by_arn(policy: ManagedPolicy) -> str:
        return policy.arn

    ours, theirs = sorted(FILE.policies, key=by_arn), sorted(live.policies, key=by_arn)
    assert [comparable(policy) for policy in theirs] == [comparable(policy) for policy in ours]
    described = {p.arn: p.description for p in FILE.policies if isinstance(p.description, Known)}
    assert {p.arn: p.description for p in theirs if p.arn in described} == described


def test_the_organization_is_the_same(live):
    def comparable(account: Account) -> list[Any]:
        assert isinstance(account.organization, Known)
        found = account.organization.value
        assert found is not None
        levels = []
        for level in found.path:
            attached = []
            for fact in (level.scps, level.rcps):
                assert isinstance(fact, Known)
                attached.append([(policy.arn, policy.name, policy.document.value) for policy in fact.value])
            levels.append((level.id, level.name, level.type, attached))
        return [found.id, found.management_account, found.delegated_administrators, levels]

    assert comparable(live) == comparable(FILE)


@pytest.mark.parametrize("alias", FILE.kms_aliases)
def test_aliases_of_keys_are_the_same(live, alias):
    loaded = load_resource_policy(connection_to(alias.split(":")[2]), live, alias)
    assert loaded.kms_aliases[alias] == FILE.kms_aliases[alias]
    assert FILE.kms_aliases[alias] in loaded.resource_policies


MOTO_REFUSES_NOBODY = "arn:aws:s3:::puffin-hr-exports"
"""Its policy is unreadable for the demo's caller, by a Deny that moto does not heed."""


@pytest.mark.parametrize("arn", [arn for arn in FILE.resource_policies if arn != MOTO_REFUSES_NOBODY])
def test_resource_policies_are_the_same(live, arn):
    loaded = load_resource_policy(connection_to(arn.split(":")[2]), live, arn)
    expected, found = FILE.resource_policies[arn], loaded.resource_policies[arn]
    assert found.state == expected.state
    if expected.document is not None:
        assert found.document is not None
        # moto names every Lambda policy "default", as Lambda does.
        assert found.document.value == expected.document.value
    assert isinstance(found, ResourcePolicy)


@pytest.mark.parametrize("bucket", FILE.public_access_blocks)
def test_public_access_blocks_are_the_same(live, bucket):
    loaded = load_resource_policy(connection_to("s3"), live, f"arn:aws:s3:::{bucket}")
    assert loaded.public_access_blocks[bucket] == FILE.public_access_blocks[bucket]


@pytest.mark.parametrize("name", [user.name for user in FILE.users])
def test_keys_devices_and_passwords_are_the_same(live, name):
    found = load_user_details(connection_to("iam"), live, name).user(name)
    expected = FILE.user(name)
    assert found is not None
    assert expected is not None
    assert found.mfa_devices == expected.mfa_devices
    # moto says the user's own date for the password's.
    assert profile_without_date(found) == profile_without_date(expected)
    assert isinstance(found.access_keys, Known)
    assert isinstance(expected.access_keys, Known)
    if expected.arn == CALLER:
        # The calls of this test are the newest use of the caller's key.
        assert [key.id for key in found.access_keys.value] == [key.id for key in expected.access_keys.value]
    else:
        assert found.access_keys == expected.access_keys


def profile_without_date(user: User) -> LoginProfile | None:
    assert isinstance(user.login_profile, Known)
    profile = user.login_profile.value
    return None if profile is None else structs.replace(profile, created=None)


def test_the_caller_is_the_demos_engineer():
    caller = demo_connection().caller()
    expected = FILE.by_arn(CALLER)
    assert isinstance(expected, User)
    assert (caller.arn, caller.account, caller.user_id) == (CALLER, "111122223333", expected.id)


@pytest.mark.parametrize(
    ("role", "account"),
    [
        ("arn:aws:iam::111122223333:role/ops-readonly", "111122223333"),
        ("arn:aws:iam::111122223333:role/payments/payments-oncall", "111122223333"),
        ("arn:aws:iam::444455556666:role/deploy-staging", "444455556666"),
    ],
)
def test_assuming_a_role_makes_the_caller_that_role(role, account):
    connection = demo_connection()
    answer = connection.call("sts", "AssumeRole", dict, RoleArn=role, RoleSessionName="maya", DurationSeconds=900)
    keys = answer["Credentials"]
    assert keys["AccessKeyId"].startswith("ASIA")
    session = connection.with_credentials(
        keys["AccessKeyId"], Secret(keys["SecretAccessKey"]), Secret(keys["SessionToken"])
    )
    caller = session.caller()
    assert caller.arn == f"arn:aws:sts::{account}:assumed-role/{role.rpartition('/')[2]}/maya"
    assert caller.account == account
    known = FILE.by_arn(role)
    assert known is None or caller.user_id == f"{known.id}:maya"  # type: ignore[union-attr]
    assert connection.caller().arn == CALLER


def test_the_demos_sts_keeps_only_its_newest_sessions():
    connection = demo_connection()
    role = "arn:aws:iam::111122223333:role/ops-readonly"
    for number in range(40):
        keys = connection.call("sts", "AssumeRole", dict, RoleArn=role, RoleSessionName=f"t{number}")["Credentials"]
    from moto.sts.models import AssumedRole

    gc.collect()
    assert sum(type(one) is AssumedRole for one in gc.get_objects()) < 36
    session = connection.with_credentials(
        keys["AccessKeyId"], Secret(keys["SecretAccessKey"]), Secret(keys["SessionToken"])
    )
    assert session.caller().arn.endswith(":assumed-role/ops-readonly/t39")


@pytest.mark.slow
def test_eight_threads_may_call_at_once():
    connection = demo_connection()

    def work(number: int) -> int:
        connection.call(
            "sts",
            "AssumeRole",
            dict,
            RoleArn="arn:aws:iam::111122223333:role/ops-readonly",
            RoleSessionName=f"t{number}",
        )
        return len(load_live(connection).roles)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(work, range(16))) == {len(FILE.roles)}


@pytest.mark.slow
def test_a_service_that_the_demo_does_not_know_is_a_problem_and_not_a_traceback():
    with pytest.raises(Problem):
        demo_connection().call("efs", "DescribeFileSystemPolicy", dict, FileSystemId="fs-0123456789abcdef0")


def in_a_new_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_the_environment_is_left_alone():
    code = (
        "import os; before = dict(os.environ);"
        "from iamtui.sources.demo import demo_connection; demo_connection().caller();"
        "import boto3; assert boto3.DEFAULT_SESSION is None;"
        "print(dict(os.environ) == before)"
    )
    assert in_a_new_process(code) == "True"


@pytest.mark.slow
def test_other_clients_of_the_process_are_not_answered():
    """A plain client, made after the demo has answered, goes to its own endpoint: nobody listens there."""
    code = """
import boto3, botocore.config, botocore.exceptions
from iamtui.sources.demo import demo_connection
connection = demo_connection()
connection.caller()
settings = botocore.config.Config(connect_timeout=1, retries={"total_max_attempts": 1}, proxies={})
keys = dict(aws_access_key_id="AKIAEXAMPLEEXAMPLE00", aws_secret_access_key="none")
plain = dict(region_name="eu-west-1", config=settings, **keys)
for number, client in enumerate((
    boto3.client("sts", endpoint_url="http://127.0.0.1:9", **plain),
    boto3.Session().client("iam", endpoint_url="http://127.0.0.1:9", **plain),
)):
    try:
        client.get_caller_identity() if number == 0 else client.list_users()
    except botocore.exceptions.EndpointConnectionError:
        print("not answered")

seen = []
def stop(request, **_):
    seen.append(request.url)
    raise RuntimeError("left for the network")
import botocore.session
session = botocore.session.Session()
session.get_component("event_emitter").register_last("before-send", stop)
try:
    boto3.Session(botocore_session=session).client("iam", **plain).list_users()
except RuntimeError:
    print("would go to", seen[0])
print(connection.caller().arn)
"""
    assert in_a_new_process(code).splitlines() == [
        "not answered",
        "not answered",
        "would go to https://iam.amazonaws.com/",
        CALLER,
    ]


@pytest.mark.slow
def test_the_first_call_seeds_whatever_thread_makes_it():
    code = (
        "import threading; from iamtui.sources.demo import demo_connection\n"
        "found = []\n"
        "def work(): found.append(demo_connection().caller().arn)\n"
        "threads = [threading.Thread(target=work) for _ in range(8)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        "print(len(found), set(found))"
    )
    assert in_a_new_process(code) == f"8 {{{CALLER!r}}}"


def test_its_settings():
    connection = demo_connection()
    assert connection.region == DEMO_REGION
    assert connection.endpoint_url == ""
    assert connection.profile == ""
    assert "AWS_ACCESS_KEY_ID" not in os.environ or os.environ["AWS_ACCESS_KEY_ID"] != "FOOBARKEY"


def test_what_moto_cannot_hold_it_does_not_hold(live):
    """The lists of limits are no longer than they must be."""
    bounded = [user for user in FILE.users if user.boundary_arn]
    assert bounded
    assert not any(live.user(user.name).boundary_arn for user in bounded)
    missing: dict[str, Callable[[ManagedPolicy], bool]] = {
        "id": lambda policy: policy.id == "",
        "boundary_count": lambda policy: isinstance(policy.boundary_count, Missing),
        "tags": lambda policy: policy.tags == (),
    }
    for lacks in missing.values():
        assert all(lacks(policy) for policy in live.policies)
    loaded = load_resource_policy(connection_to("s3"), live, MOTO_REFUSES_NOBODY)
    assert loaded.resource_policies[MOTO_REFUSES_NOBODY].state == "none"
    assert FILE.resource_policies[MOTO_REFUSES_NOBODY].state == "denied"
