from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from iamtui.account.authorization_details import load_account
from iamtui.account.model import REST_OF_ACCOUNT, Known, Missing
from iamtui.account.snapshot_writer import snapshot_of
from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem
from iamtui.sources.live import PAGE_SIZE, LiveReading, _Part
from tests.support.canned_aws import GOOD, WHEN, CannedAws
from tests.support.fault_proxy import Answer, Fault, FaultProxy, Reset, Stall, Truncate, error, json_error
from tests.support.live_account import load_live
from tests.support.moto_server import ACCOUNT, MotoServer, allow, policy, trust
from tests.support.slow import one_quick


def connect(url: str) -> Connection:
    return Connection.open(profile=None, region=None, endpoint_url=url)


def fill(moto: MotoServer, users: int = 1) -> None:
    """One of everything."""
    iam = moto.client("iam")
    own = iam.create_policy(
        PolicyName="reader", Path="/teams/", PolicyDocument=policy(allow("s3:Get*")), Description="reads"
    )["Policy"]["Arn"]
    bound = iam.create_policy(PolicyName="bound", PolicyDocument=policy(allow("*")))["Policy"]["Arn"]
    iam.create_group(GroupName="devs")
    iam.put_group_policy(GroupName="devs", PolicyName="g", PolicyDocument=policy(allow("sqs:*")))
    for number in range(users):
        name = f"user-{number}"
        iam.create_user(UserName=name, Path="/staff/", Tags=[{"Key": "team", "Value": "blue & [red]"}])
        iam.add_user_to_group(UserName=name, GroupName="devs")
    iam.attach_user_policy(UserName="user-0", PolicyArn=own)
    iam.put_user_policy(
        UserName="user-0", PolicyName="odd", PolicyDocument=policy(allow("s3:PutObject", "arn:aws:s3:::b/a%2Bb+c d"))
    )
    iam.create_role(
        RoleName="deploy",
        Path="/ci/",
        AssumeRolePolicyDocument=trust(Condition={"StringEquals": {"sts:ExternalId": "a%20b"}}),
        Description="ships é",
        MaxSessionDuration=7200,
        PermissionsBoundary=bound,
    )
    iam.create_instance_profile(InstanceProfileName="hosts")
    iam.add_role_to_instance_profile(InstanceProfileName="hosts", RoleName="deploy")
    iam.create_instance_profile(InstanceProfileName="spare")
    iam.create_account_alias(AccountAlias="acme-prod")
    iam.create_open_id_connect_provider(
        Url="https://token.example.com", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["a" * 40]
    )
    iam.create_saml_provider(Name="idp", SAMLMetadataDocument="x" * 1000)


def test_everything_arrives_over_http(moto: MotoServer) -> None:
    fill(moto)
    before = datetime.now(UTC)

    account = load_live(connect(moto.url))

    assert (account.id, account.partition, account.alias) == (ACCOUNT, "aws", Known("acme-prod"))
    assert isinstance(account.caller_arn, Known)
    assert account.taken_at is not None
    assert before <= account.taken_at <= datetime.now(UTC)
    user = account.user("user-0")
    assert user is not None
    assert (user.path, user.groups, user.tags) == ("/staff/", ("devs",), (("team", "blue & [red]"),))
    assert user.created is not None
    assert user.created.tzinfo is not None
    assert user.password_last_used == Known(None)
    assert user.access_keys == Missing("not loaded", "iam:ListAccessKeys")
    role = account.role("deploy")
    assert role is not None
    assert (role.description, role.max_session_seconds) == (Known("ships é"), Known(7200))
    assert role.boundary_arn == f"arn:aws:iam::{ACCOUNT}:policy/bound"
    assert [(one.name, one.roles) for one in account.instance_profiles] == [("hosts", ("deploy",)), ("spare", ())]
    assert isinstance(account.providers, Known)
    assert [(one.type, one.name, one.audiences) for one in account.providers.value] == [
        ("SAML", "idp", ()),
        ("OIDC", "token.example.com", ("sts.amazonaws.com",)),
    ]
    reader = account.policy(f"arn:aws:iam::{ACCOUNT}:policy/teams/reader")
    assert reader is not None
    assert (reader.name, reader.path, reader.description) == ("reader", "/teams/", Known("reads"))
    assert account.holders(reader.arn) == (user,)
    assert account.organization == Known(None)
    assert account.gaps == ()


def test_documents_are_exactly_what_was_put(moto: MotoServer) -> None:
    """Percent signs in a document are data: botocore's own decoding would change some of them."""
    fill(moto)

    account = load_live(connect(moto.url))

    user, role = account.user("user-0"), account.role("deploy")
    assert user is not None
    assert role is not None
    assert user.inline_policies[0].document.policy.statements[0].resources == ("arn:aws:s3:::b/a%2Bb+c d",)
    assert role.trust.policy.statements[0].conditions[0].values == ("a%20b",)


def test_a_live_account_can_be_kept_as_a_snapshot(moto: MotoServer) -> None:
    fill(moto)
    account = load_live(connect(moto.url))

    again = load_account(json.dumps(snapshot_of(account)).encode())

    assert [one.arn for one in again.entities()] == [one.arn for one in account.entities()]
    assert again.taken_at == account.taken_at
    assert snapshot_of(again)["RoleDetailList"] == snapshot_of(account)["RoleDetailList"]


def test_real_pages_are_put_together(
    fault_proxy: FaultProxy, moto: MotoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(moto, users=7)
    whole = load_live(connect(moto.url))
    monkeypatch.setattr("iamtui.sources.live.PAGE_SIZE", 3)
    told: list[tuple[str, int]] = []

    account = load_live(connect(fault_proxy.url), lambda what, done, _waiting="": told.append((what, done)))

    assert fault_proxy.page_size_asked == [3, 3, 3, 3]
    assert list(account.entities()) == list(whole.entities())
    assert account.gaps == ()
    counts = [done for what, done in told if what.startswith("users")]
    assert counts == sorted(counts)
    assert counts[-1] == 11


def test_pages_are_of_a_size_that_keeps_the_screen_alive(fault_proxy: FaultProxy) -> None:
    load_live(connect(fault_proxy.url))

    assert fault_proxy.page_size_asked == [PAGE_SIZE]
    assert 100 <= PAGE_SIZE <= 300


def test_only_reading_calls_are_made(fault_proxy: FaultProxy, moto: MotoServer) -> None:
    fill(moto)

    load_live(connect(fault_proxy.url))

    assert all(operation.startswith(("Get", "List", "Describe")) for operation in fault_proxy.operations())
    assert len(fault_proxy.operations()) == len(set(fault_proxy.operations())) == 10


def test_without_any_list_nothing_loads(fault_proxy: FaultProxy) -> None:
    for operation in ("GetAccountAuthorizationDetails", "ListUsers", "ListGroups", "ListRoles", "ListPolicies"):
        fault_proxy.on(operation, error(403, "AccessDenied", "no"))

    with pytest.raises(AwsProblem) as raised:
        load_live(connect(fault_proxy.url))

    assert "iam:GetAccountAuthorizationDetails" in raised.value.sentence
    assert "--snapshot" in raised.value.next_step
    assert raised.value.permission == "iam:GetAccountAuthorizationDetails"


def test_what_moto_denies_is_read_one_by_one_as_far_as_it_may_be(
    moto: MotoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(moto)
    whole = load_live(connect(moto.url))
    iam = moto.client("iam")
    iam.create_user(UserName="poor")
    keys = iam.create_access_key(UserName="poor")["AccessKey"]
    reads = ["iam:ListUsers", "iam:GetUser", "iam:ListUserPolicies", "iam:ListAttachedUserPolicies"]
    iam.put_user_policy(UserName="poor", PolicyName="p", PolicyDocument=policy(allow(reads)))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys["SecretAccessKey"])
    moto.enforce_policies()

    account = load_live(connect(moto.url))

    assert [user.name for user in account.users] == ["user-0", "poor"]
    user, before = account.users[0], whole.users[0]
    assert (user.tags, user.attached_policies, user.path) == (before.tags, before.attached_policies, before.path)
    assert {unread.part: unread.permission for unread in user.unread} == {
        "groups": "iam:ListGroupsForUser",
        "inline policies": "iam:GetUserPolicy",
    }
    gaps = {gap.what: gap.permission for gap in account.gaps}
    assert gaps["all roles"] == "iam:ListRoles"
    assert gaps["groups of 2 users"] == "iam:ListGroupsForUser"


def test_moto_says_the_same_one_by_one(fault_proxy: FaultProxy, moto: MotoServer) -> None:
    fill(moto, users=3)
    whole = load_live(connect(moto.url))
    fault_proxy.on("GetAccountAuthorizationDetails", error(403, "AccessDenied", "no"))

    account = load_live(connect(fault_proxy.url))

    assert account.users == whole.users
    assert account.groups == whole.groups
    assert [(role.trust.raw, role.tags, role.boundary_arn, role.inline_policies) for role in account.roles] == [
        (role.trust.raw, role.tags, role.boundary_arn, role.inline_policies) for role in whole.roles
    ]
    assert [(one.name, one.roles) for one in account.instance_profiles] == [("hosts", ("deploy",)), ("spare", ())]
    assert account.gaps == ()


DENIED = error(403, "AccessDenied")


@one_quick(
    ("operation", "fault", "permission", "what", "reason"),
    [
        ("ListUsers", DENIED, "iam:ListUsers", "last use of passwords", "access denied"),
        ("ListUsers", error(400, "Weird"), "iam:ListUsers", "last use of passwords", "with Weird"),
        ("ListRoles", DENIED, "iam:ListRoles", "descriptions and longest sessions of roles", "access denied"),
        ("ListAccountAliases", DENIED, "iam:ListAccountAliases", "the account alias", "access denied"),
        ("ListInstanceProfiles", DENIED, "iam:ListInstanceProfiles", "instance profiles without a role", "denied"),
        ("ListSAMLProviders", DENIED, "iam:ListSAMLProviders", "identity providers", "access denied"),
        ("ListOpenIDConnectProviders", DENIED, "iam:ListOpenIDConnectProviders", "identity providers", "denied"),
        ("GetOpenIDConnectProvider", DENIED, "iam:GetOpenIDConnectProvider", "identity providers", "denied"),
        ("GetOpenIDConnectProvider", Truncate(99), "iam:GetOpenIDConnectProvider", "identity providers", "not an AWS"),
        (
            "DescribeOrganization",
            json_error(400, "AccessDeniedException"),
            "organizations:DescribeOrganization",
            "organization: SCPs and RCPs",
            "access denied",
        ),
    ],
)
def test_what_else_fails_is_missing_and_said(
    fault_proxy: FaultProxy,
    moto: MotoServer,
    quick_retries: None,
    operation: str,
    fault: Answer,
    permission: str,
    what: str,
    reason: str,
) -> None:
    fill(moto)
    fault_proxy.on(operation, fault)

    account = load_live(connect(fault_proxy.url))

    (gap,) = account.gaps
    assert (gap.what, gap.permission) == (what, permission)
    assert reason in gap.error
    assert [one.name for one in account.users] == ["user-0"]
    user, role = account.users[0], account.roles[0]
    missing = {
        "ListUsers": user.password_last_used,
        "ListRoles": role.max_session_seconds,
        "ListAccountAliases": account.alias,
        "ListSAMLProviders": account.providers,
        "DescribeOrganization": account.organization,
    }.get(operation)
    if missing is not None:
        assert isinstance(missing, Missing)
        assert missing.permission == permission
        assert reason in missing.reason


def test_when_the_network_goes_nothing_is_waited_for_again(
    fault_proxy: FaultProxy, moto: MotoServer, quick_retries: None
) -> None:
    fill(moto)
    for operation in (
        "ListUsers", "ListRoles", "ListAccountAliases", "ListInstanceProfiles", "ListSAMLProviders",
        "DescribeOrganization",
    ):  # fmt: skip
        fault_proxy.on(operation, Reset())

    account = load_live(connect(fault_proxy.url))

    assert "DescribeOrganization" not in fault_proxy.operations()
    assert {gap.what for gap in account.gaps} == {
        "last use of passwords",
        "descriptions and longest sessions of roles",
        "the account alias",
        "instance profiles without a role",
        "identity providers",
        "organization: SCPs and RCPs",
    }
    assert isinstance(account.organization, Missing)
    assert "was cut" in account.organization.reason


@one_quick(
    ("fault", "reason"),
    [
        (Reset(), "was cut"),
        (Truncate(300), "not an AWS answer"),
        (Answer(200, b"<html></html>", "text/html"), "not an AWS answer"),
        (Answer(200, b"{}"), "not an AWS answer"),
        (error(400, "Throttling"), "too many calls"),
        (error(500, "InternalFailure"), "failed inside"),
        (error(403, "ExpiredToken"), "have expired"),
        (error(403, "RequestTimeTooSkewed"), "clock"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_listing_that_breaks_off_keeps_its_pages_and_goes_on_from_there(
    fault_proxy: FaultProxy,
    moto: MotoServer,
    monkeypatch: pytest.MonkeyPatch,
    quick_retries: None,
    fault: Fault,
    reason: str,
) -> None:
    fill(moto, users=5)
    whole = load_live(connect(moto.url))
    monkeypatch.setattr("iamtui.sources.live.PAGE_SIZE", 3)
    fault_proxy.rules.append(lambda call: fault if call.parameters.get("Marker") == "6" else None)
    reading = LiveReading()

    part = reading.read(connect(fault_proxy.url))

    assert 0 < len(list(part.users)) <= 5
    (rest,) = [gap for gap in part.gaps if gap.what == REST_OF_ACCOUNT]
    assert reason in rest.error
    assert reading.may_go_on
    fault_proxy.rules.clear()
    fault_proxy.page_size_asked.clear()
    account = reading.read(connect(fault_proxy.url))
    assert len(fault_proxy.page_size_asked) == 1, "what was read is not read again"
    assert list(account.entities()) == list(whole.entities())
    assert account.gaps == ()
    assert not reading.may_go_on


def test_a_marker_that_is_too_old_has_the_listing_begin_anew(
    fault_proxy: FaultProxy, moto: MotoServer, monkeypatch: pytest.MonkeyPatch, quick_retries: None
) -> None:
    fill(moto, users=5)
    monkeypatch.setattr("iamtui.sources.live.PAGE_SIZE", 3)
    fault_proxy.rules.append(lambda call: Reset() if call.parameters.get("Marker") else None)
    reading = LiveReading()
    reading.read(connect(fault_proxy.url))
    fault_proxy.rules.clear()
    fault_proxy.on("GetAccountAuthorizationDetails", error(400, "ValidationError", "Invalid Marker."), times=1)

    account = reading.read(connect(fault_proxy.url))

    assert [user.name for user in account.users] == [f"user-{number}" for number in range(5)]
    assert account.gaps == ()


def test_a_reading_goes_on_with_the_credentials_of_another_account_from_the_start(
    fault_proxy: FaultProxy, moto: MotoServer, monkeypatch: pytest.MonkeyPatch, quick_retries: None
) -> None:
    fill(moto, users=5)
    monkeypatch.setattr("iamtui.sources.live.PAGE_SIZE", 3)
    fault_proxy.rules.append(lambda call: Reset() if call.parameters.get("Marker") else None)
    reading = LiveReading()
    reading.read(connect(fault_proxy.url))
    other = CannedAws()
    other.wrong["sts", "GetCallerIdentity"] = GOOD["sts", "GetCallerIdentity"].replace(b"123456789012", b"999999999999")
    for pair in (("iam", "GetAccountAuthorizationDetails"), ("iam", "ListInstanceProfiles")):
        other.wrong[pair] = GOOD[pair].replace(b"123456789012", b"999999999999")

    account = reading.read(other.connection)

    assert account.id == "999999999999"
    assert [user.name for user in account.users] == ["alice"]


def test_of_an_entity_that_changes_meanwhile_the_last_reading_counts(fault_proxy: FaultProxy) -> None:
    good = GOOD["iam", "GetAccountAuthorizationDetails"]
    first = good.replace(b"<IsTruncated>false<", b"<Marker>m</Marker><IsTruncated>true<")
    assert first != good
    changed = good.replace(b"<PolicyName>own<", b"<PolicyName>new<").replace(b"user/alice", b"user/moved/alice")
    fault_proxy.rules.append(
        lambda call: (
            Answer(200, changed if "Marker" in call.parameters else first)
            if call.operation == "GetAccountAuthorizationDetails"
            else None
        )
    )

    account = load_live(connect(fault_proxy.url))

    (alice,) = account.users
    assert [policy.name for policy in alice.inline_policies] == ["new"]
    assert alice.path == "/"
    assert len(account.policies) == len(account.roles) == 1


MORE = b"<Marker>m</Marker><Users>"


def test_of_a_user_who_is_listed_twice_the_last_page_counts(fault_proxy: FaultProxy) -> None:
    fault_proxy.on("GetAccountAuthorizationDetails", Answer(200, GOOD["iam", "GetAccountAuthorizationDetails"]))
    last = GOOD["iam", "ListUsers"]
    first = last.replace(WHEN.encode(), b"2025-01-01").replace(b">false<", b">true<").replace(b"<Users>", MORE)
    pages = [first, last]
    fault_proxy.rules.append(
        lambda call: Answer(200, pages["Marker" in call.parameters]) if call.operation == "ListUsers" else None
    )

    account = load_live(connect(fault_proxy.url))

    (alice,) = account.users
    assert alice.password_last_used == Known(datetime.fromisoformat(WHEN))
    assert fault_proxy.operations().count("ListUsers") == 2


def test_a_number_that_is_too_large_costs_its_part(fault_proxy: FaultProxy) -> None:
    good = GOOD["iam", "ListRoles"]
    wrong = good.replace(b">3600<", b">%d<" % 10**20)
    assert wrong != good
    fault_proxy.on("GetAccountAuthorizationDetails", Answer(200, GOOD["iam", "GetAccountAuthorizationDetails"]))
    fault_proxy.on("ListRoles", Answer(200, wrong))

    account = load_live(connect(fault_proxy.url))

    assert len(account.roles) == 1
    (gap,) = (gap for gap in account.gaps if gap.permission == "iam:ListRoles")
    assert gap.what == "descriptions and longest sessions of roles"


def test_bad_credentials_end_the_load_at_the_first_call(fault_proxy: FaultProxy) -> None:
    fault_proxy.on("*", error(403, "InvalidClientTokenId"))

    with pytest.raises(AwsProblem, match="access key"):
        load_live(connect(fault_proxy.url))
    assert fault_proxy.operations() == ["GetCallerIdentity"]


def test_an_endpoint_without_sts_still_loads(fault_proxy: FaultProxy, moto: MotoServer) -> None:
    fill(moto)
    fault_proxy.on("GetCallerIdentity", error(404, "404"))

    account = load_live(connect(fault_proxy.url))

    assert account.id == ACCOUNT
    assert isinstance(account.caller_arn, Missing)
    assert "the caller's identity" in [gap.what for gap in account.gaps]


class Stop(Exception):
    pass


@pytest.mark.parametrize("at", range(3))
def test_a_load_can_be_cancelled_although_nothing_answers(fault_proxy: FaultProxy, moto: MotoServer, at: int) -> None:
    fill(moto)
    fault_proxy.on(("GetCallerIdentity", "GetAccountAuthorizationDetails", "DescribeOrganization")[at], Stall())
    stalled = ("GetCallerIdentity", "GetAccountAuthorizationDetails", "DescribeOrganization")[at]

    def step(_what: str, _done: int, _waiting: str = "") -> None:
        if stalled in fault_proxy.operations():
            raise Stop

    with pytest.raises(Stop):
        load_live(connect(fault_proxy.url), step)
    assert fault_proxy.operations().count(stalled) == 1, "it would be asked again, had its answer been waited for"


def test_a_part_may_fail_while_the_failures_of_others_are_looked_at() -> None:
    reading = LiveReading()

    class Interrupted(AwsProblem):
        """Looking at it takes as long as another thread needs to note that its part failed."""

        fatal = property(lambda _self: other(), lambda _self, _value: None)  # type: ignore[assignment]

    def other() -> bool:
        reading._failed[f"part {len(reading._failed)}"] = AwsProblem("Denied.", code="AccessDenied")
        return False

    def fails(_connection: Connection) -> list[dict[str, Any]]:
        raise Interrupted("Denied.", code="AccessDenied")

    reading._read_part(CannedAws().connection, _Part("first", "", fails))

    assert list(reading._failed)[:2] == ["first", "part 1"]


def test_an_empty_account(moto: MotoServer) -> None:
    account = load_live(connect(moto.url))

    assert list(account.entities()) == []
    assert account.id == ACCOUNT
    assert account.alias == Known(None)
    assert account.gaps == ()
