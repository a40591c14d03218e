"""Assuming over HTTP: a moto server that enforces policies, and a proxy that fails as AWS and networks do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from iamtui.aws.errors import AwsProblem
from iamtui.evaluation.decision import Outcome
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.workspace.assuming import AssumeInput, assume, plan_assume
from iamtui.workspace.opening import SourceChoice, open_source
from iamtui.workspace.workspace import SourceKind, Workspace
from tests.support.fault_proxy import Answer, FaultProxy, Reset, Truncate, error
from tests.support.moto_server import ACCOUNT, MotoServer, allow, policy, trust

ROLE = f"arn:aws:iam::{ACCOUNT}:role/ops/Deployer"
EXTERNAL_ID = {"StringEquals": {"sts:ExternalId": "partner-1"}}
ENTERED = AssumeInput(ROLE, "alice", 900)


def fill(moto: MotoServer, monkeypatch: pytest.MonkeyPatch, **role: Any) -> None:
    """A user alice, whose keys the environment then holds, and the role, which trusts her."""
    iam = moto.client("iam")
    alice = iam.create_user(UserName="alice")["User"]["Arn"]
    iam.put_user_policy(UserName="alice", PolicyName="all", PolicyDocument=policy(allow("*")))
    iam.create_role(
        RoleName="Deployer",
        Path="/ops/",
        AssumeRolePolicyDocument=trust({"AWS": alice}, **role),
        MaxSessionDuration=7200,
    )
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])


def opened(url: str) -> Workspace:
    return open_source(SourceChoice(SourceKind.LIVE, endpoint_url=url))


def test_a_role_is_assumed_where_policies_are_enforced(moto: MotoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(moto, monkeypatch, Condition=EXTERNAL_ID)
    moto.enforce_policies()
    space = opened(moto.url)
    plan = plan_assume(space, ROLE, external_id="partner-1")
    assert plan.decision is not None
    assert plan.decision.outcome is Outcome.ALLOWED
    assert plan.longest_seconds == 7200
    session = assume(space, AssumeInput(ROLE, plan.default_session_name, 900, "partner-1"))
    assert session.identity is not None
    assert session.identity.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/Deployer/alice"
    assert session.identity_error == ""
    assert session.source_arn == f"arn:aws:iam::{ACCOUNT}:user/alice"
    assert timedelta(minutes=13) < session.time_left() <= timedelta(minutes=15)


def test_a_real_refusal_and_our_reading_of_it_agree(moto: MotoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a wrong external id; to one that is missing moto has no objection, even when it enforces policies."""
    fill(moto, monkeypatch, Condition=EXTERNAL_ID)
    moto.enforce_policies()
    with pytest.raises(AwsProblem) as problem:
        assume(opened(moto.url), AssumeInput(ROLE, "alice", 900, "guessed"))
    assert problem.value.code == "AccessDenied"
    assert "No statement of the role's trust policy lets the caller in." in problem.value.sentence
    assert problem.value.next_step.startswith("Have the policy named here changed")


@pytest.fixture
def faulty(fault_proxy: FaultProxy, moto: MotoServer, monkeypatch: pytest.MonkeyPatch) -> tuple[Workspace, FaultProxy]:
    """The account opened through the proxy, which has not failed yet."""
    fill(moto, monkeypatch)
    return opened(fault_proxy.url), fault_proxy


@pytest.mark.parametrize(
    ("status", "code", "calls"),
    [
        (403, "AccessDenied", 1),
        (400, "ExpiredToken", 1),
        (403, "InvalidClientTokenId", 1),
        (403, "SignatureDoesNotMatch", 1),
        (403, "RegionDisabledException", 1),
        (400, "MalformedPolicyDocument", 1),
        (400, "PackedPolicyTooLarge", 1),
        (400, "ValidationError", 1),
        (400, "Throttling", 3),
        (503, "ServiceUnavailable", 3),
    ],
)
@pytest.mark.usefixtures("quick_retries")
def test_an_error_of_sts_is_one_sentence_and_a_next_step(
    faulty: tuple[Workspace, FaultProxy], status: int, code: str, calls: int
) -> None:
    space, proxy = faulty
    proxy.on("AssumeRole", error(status, code))
    with pytest.raises(AwsProblem) as problem:
        assume(space, ENTERED)
    assert problem.value.code == code
    assert problem.value.sentence.endswith(".")
    assert problem.value.next_step
    assert proxy.operations().count("AssumeRole") == calls


@pytest.mark.usefixtures("quick_retries")
def test_throttling_that_ends_is_not_noticed(faulty: tuple[Workspace, FaultProxy]) -> None:
    space, proxy = faulty
    proxy.on("AssumeRole", error(400, "Throttling"), times=2)
    assert assume(space, ENTERED).identity is not None


@pytest.mark.parametrize("fault", [Reset(), Truncate(150), Answer(200, b"<html>sign in</html>", "text/html")])
@pytest.mark.usefixtures("quick_retries")
def test_a_broken_answer_is_a_problem(faulty: tuple[Workspace, FaultProxy], fault: Any) -> None:
    space, proxy = faulty
    proxy.on("AssumeRole", fault)
    with pytest.raises(Problem) as problem:
        assume(space, ENTERED)
    assert problem.value.sentence
    assert problem.value.next_step


@pytest.mark.usefixtures("quick_retries")
def test_a_cut_identity_call_keeps_the_session(faulty: tuple[Workspace, FaultProxy]) -> None:
    space, proxy = faulty
    proxy.on("GetCallerIdentity", Reset())
    session = assume(space, ENTERED)
    assert session.identity is None
    assert session.identity_error


def assumed_xml(expiration: datetime, token: str = "dG9rZW4=") -> bytes:
    return (
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>"
        f"<SecretAccessKey>{'s' * 40}</SecretAccessKey><SessionToken>{token}</SessionToken>"
        f"<Expiration>{expiration:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    ).encode()


@pytest.mark.parametrize(
    ("life", "token"),
    [(timedelta(hours=37), "dG9rZW4="), (timedelta(minutes=-1), "dG9rZW4="), (timedelta(hours=1), "a;id")],
)
def test_a_hostile_endpoint_is_not_believed(faulty: tuple[Workspace, FaultProxy], life: timedelta, token: str) -> None:
    space, proxy = faulty
    proxy.on("AssumeRole", Answer(200, assumed_xml(datetime.now(UTC) + life, token)))
    with pytest.raises(Problem, match="sts:AssumeRole"):
        assume(space, ENTERED)


def test_mfa_and_external_id_are_sent(faulty: tuple[Workspace, FaultProxy]) -> None:
    space, proxy = faulty
    serial = f"arn:aws:iam::{ACCOUNT}:mfa/alice"
    assume(space, AssumeInput(ROLE, "alice", 900, "partner-1", serial, Secret("123456")))
    sent = next(call.parameters for call in proxy.calls if call.operation == "AssumeRole")
    assert (sent["SerialNumber"], sent["TokenCode"], sent["ExternalId"]) == (serial, "123456", "partner-1")
