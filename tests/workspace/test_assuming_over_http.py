"""Assuming over HTTP: a moto server that enforces policies, and a proxy that fails as AWS and networks do."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem
from iamtui.credentials.assume_role import AssumeRoleInput, InvalidRequest, MfaWay
from iamtui.credentials.session import AssumeExtras
from iamtui.engine.decision import Outcome
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.workspace.assume.assume import Renewal, as_session, assume
from iamtui.workspace.assume.assume_plan import plan_assume
from iamtui.workspace.assume.mfa import MfaSessions
from iamtui.workspace.source.opening import connect, open_source, reconnected
from iamtui.workspace.source.workspace import SourceChoice, SourceKind, Workspace
from tests.support.fault_proxy import Answer, Fault, FaultProxy, Reset, Stall, Truncate, error
from tests.support.moto_server import ACCOUNT, MotoServer, allow, policy, trust
from tests.support.slow import one_quick
from tests.support.sts_gate import BAD_JSON, CHAINED, EXPIRED, TOO_LARGE, TOO_LONG, WRONG_CODE, StsGate, gate_for_alice

ROLE = f"arn:aws:iam::{ACCOUNT}:role/ops/Deployer"
EXTERNAL_ID = {"StringEquals": {"sts:ExternalId": "partner-1"}}
ENTERED = AssumeRoleInput(ROLE, "alice", 900)


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
    plan = plan_assume(space, AssumeRoleInput(ROLE, external_id="partner-1"))
    assert plan.decision is not None
    assert plan.decision.outcome is Outcome.ALLOWED
    assert plan.longest_seconds == 7200
    session = assume(space, AssumeRoleInput(ROLE, plan.default_session_name, 900, "partner-1"))
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
        assume(opened(moto.url), AssumeRoleInput(ROLE, "alice", 900, "guessed"))
    assert problem.value.code == "AccessDenied"
    assert problem.value.sentence == (
        "AWS denied sts:AssumeRole. By our own reading: The external id is not the one that the role's trust policy "
        "asks for."
    )
    assert problem.value.next_step == "Enter the right external id."


@pytest.fixture
def faulty(fault_proxy: FaultProxy, moto: MotoServer, monkeypatch: pytest.MonkeyPatch) -> tuple[Workspace, FaultProxy]:
    """The account opened through the proxy, which has not failed yet."""
    fill(moto, monkeypatch)
    return opened(fault_proxy.url), fault_proxy


READ_AS_A_PERSON = [
    (
        error(403, "ExpiredToken", EXPIRED),
        1,
        "The credentials have expired (ExpiredToken from sts:AssumeRole).",
        "Renew them where they came from (aws sso login, or new AWS_* variables), then start again",
    ),
    (
        error(403, "InvalidClientTokenId", "The security token included in the request is invalid."),
        1,
        "does not know the access key of the credentials (InvalidClientTokenId from sts:AssumeRole).",
        "Check that the key exists, is active and belongs to this partition; a temporary key also needs its session",
    ),
    (
        error(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature"),
        1,
        "refused the signature of the request (SignatureDoesNotMatch from sts:AssumeRole).",
        "Check the secret access key: it does not belong to the access key, or was copied incompletely.",
    ),
    (
        error(403, "SignatureDoesNotMatch", "Signature expired: 20261125T100000Z is now earlier than 20261125T101500Z"),
        1,
        "refused the signature of the request: this machine's clock is wrong.",
        "Set the clock",
    ),
    (
        error(403, "RegionDisabledException", "STS is not activated in this region for account:123456789012. Your a"),
        1,
        "STS is not activated in this region for the account.",
        "Choose another region with --region, or have STS activated there in the account settings of IAM.",
    ),
    (
        error(400, "MalformedPolicyDocument", BAD_JSON),
        1,
        "STS cannot read the session policy: This policy contains invalid Json.",
        "iamtui lint shows what is wrong with a document.",
    ),
    (
        error(400, "PackedPolicyTooLarge", TOO_LARGE),
        1,
        "The session policies and tags together are too large for STS (PackedPolicyTooLarge: Packed policy consumes",
        "Shorten the session policy, or pass fewer policies and tags",
    ),
    (
        error(400, "ValidationError", CHAINED),
        1,
        f"STS refused the duration: {CHAINED}.",
        "The caller's credentials are temporary themselves (role chaining), so ask for 3600 seconds or less.",
    ),
    (
        error(400, "ValidationError", TOO_LONG),
        1,
        f"STS refused the duration: {TOO_LONG}",
        "Ask for at most the role's maximum session duration.",
    ),
    (
        error(400, "ValidationError", "1 validation error detected: Value '' at 'tokenCode' failed to satisfy"),
        1,
        "STS refused the MFA code: 1 validation error detected: Value '' at 'tokenCode' failed to satisfy.",
        "An MFA code is exactly six digits.",
    ),
    (
        error(403, "AccessDenied", WRONG_CODE),
        1,
        "refused the MFA code: invalid MFA one time pass code.",
        "Wait for the next code, since each works once, and check that the device is the caller's own.",
    ),
    (
        error(400, "Throttling", "Rate exceeded"),
        3,
        "answered sts:AssumeRole with Throttling at every try: too many calls in this account.",
        "Wait a minute and try again.",
    ),
    (
        error(503, "ServiceUnavailable"),
        3,
        "failed inside while answering sts:AssumeRole (ServiceUnavailable), at each of 3 tries.",
        "Check that --endpoint-url names an AWS-compatible endpoint that is running.",
    ),
    (Reset(), 3, "was cut during sts:AssumeRole.", "Try again; a proxy or VPN in between may cut connections."),
    (Stall(), 3, "did not answer sts:AssumeRole in time.", "Try again; a proxy or VPN in between may hold the answer"),
]
"""What goes wrong, how often it is tried, and what is said: what, why, and the next step. CREDENTIALS's A2, each."""


@one_quick(("fault", "calls", "sentence", "step"), READ_AS_A_PERSON)
@pytest.mark.usefixtures("quick_retries")
def test_whatever_sts_answers_is_one_sentence_and_a_next_step(
    faulty: tuple[Workspace, FaultProxy],
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    calls: int,
    sentence: str,
    step: str,
) -> None:
    monkeypatch.setattr("iamtui.aws.http.READ_SECONDS", 0.3)
    space, proxy = faulty
    space = reconnected(space)
    proxy.on("AssumeRole", fault)
    with pytest.raises(AwsProblem) as problem:
        assume(space, ENTERED)
    said = problem.value
    assert sentence in said.sentence
    assert said.sentence.endswith(".")
    assert said.sentence[0].isupper() or said.sentence.startswith("http"), "an endpoint's URL keeps its letters"
    assert said.next_step.startswith(step)
    assert said.next_step.endswith(".")
    assert proxy.operations().count("AssumeRole") == calls


def test_nobody_there_is_said(faulty: tuple[Workspace, FaultProxy]) -> None:
    space, proxy = faulty
    space = reconnected(space)
    proxy.stop()
    with pytest.raises(AwsProblem, match="Nothing answers at http://127") as problem:
        assume(space, ENTERED)
    assert problem.value.next_step == "Start the endpoint, or correct --endpoint-url."


@pytest.mark.usefixtures("quick_retries")
def test_a_way_that_leads_nowhere_is_said(
    faulty: tuple[Workspace, FaultProxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listener that accepts nobody: once its queue is full, the system answers no more."""
    monkeypatch.setattr("iamtui.aws.http.CONNECT_SECONDS", 0.2)
    space, _ = faulty
    with socket.socket() as listener, ExitStack() as waiting:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        for _ in range(4):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        nowhere = Connection.open(profile=None, region=None, endpoint_url=url)
        with pytest.raises(AwsProblem, match=f"Nothing answers at {url}") as problem:
            assume(replace(space, connection=nowhere), ENTERED)
    assert problem.value.code == "ConnectTimeoutError"
    assert problem.value.next_step == "Start the endpoint, or correct --endpoint-url."


# With the rules of STS that moto lacks


@pytest.fixture
def gated(faulty: tuple[Workspace, FaultProxy]) -> tuple[Workspace, FaultProxy, StsGate]:
    space, proxy = faulty
    gate = gate_for_alice(ROLE)
    proxy.rules.append(gate)
    return space, proxy, gate


SERIAL = f"arn:aws:iam::{ACCOUNT}:mfa/alice"
WITH_MFA = replace(ENTERED, mfa_serial=SERIAL)


def refused(space: Workspace, entered: AssumeRoleInput) -> AwsProblem:
    with pytest.raises(AwsProblem) as problem:
        assume(space, entered)
    return problem.value


def test_a_code_works_once_and_shared_it_is_enough_for_all(gated: tuple[Workspace, FaultProxy, StsGate]) -> None:
    space, proxy, gate = gated
    gate.needs_mfa = True
    sessions = MfaSessions()
    assert "AWS denied sts:AssumeRole" in refused(space, ENTERED).sentence
    choice = sessions.choice(space, WITH_MFA)
    assert choice.way is MfaWay.SHARED
    code = Secret("123456")
    assume(space, replace(WITH_MFA, mfa_way=choice.way, mfa_code=code), mfa_sessions=sessions)
    for _ in range(2):
        choice = sessions.choice(space, WITH_MFA)
        assert choice.way is MfaWay.REUSED
        assume(space, replace(WITH_MFA, mfa_way=choice.way), mfa_sessions=sessions)
    assert proxy.operations().count("GetSessionToken") == 1
    problem = refused(space, replace(WITH_MFA, mfa_code=code))
    assert problem.wrong_mfa_code, "used once, it does not work again"


def test_more_than_an_hour_goes_past_the_shared_session(gated: tuple[Workspace, FaultProxy, StsGate]) -> None:
    space, proxy, gate = gated
    gate.needs_mfa = True
    long = replace(WITH_MFA, duration_seconds=7200)
    sessions = MfaSessions()
    choice = sessions.choice(space, long)
    assert choice.way is MfaWay.DIRECT
    assume(space, replace(long, mfa_way=choice.way, mfa_code=Secret("123456")), mfa_sessions=sessions)
    assert "GetSessionToken" not in proxy.operations()


def test_of_a_role_that_is_not_loaded_sts_says_what_is_too_long(
    gated: tuple[Workspace, FaultProxy, StsGate],
) -> None:
    _, proxy, gate = gated
    gate.max_seconds = 3600
    bare = connect(SourceChoice(SourceKind.LIVE, endpoint_url=proxy.url))
    assert plan_assume(bare, AssumeRoleInput(ROLE)).longest_seconds == 43_200, "nobody knows better before the call"
    problem = refused(bare, replace(ENTERED, duration_seconds=7200))
    assert problem.sentence == f"STS refused the duration: {TOO_LONG}"


def test_a_chain_has_an_hour_and_ends_with_its_session(gated: tuple[Workspace, FaultProxy, StsGate]) -> None:
    space, _, gate = gated
    first = assume(space, ENTERED)
    onward = as_session(space, first)
    assert plan_assume(onward, AssumeRoleInput(ROLE)).longest_seconds == 3600
    with pytest.raises(InvalidRequest, match="role chaining"):
        assume(onward, replace(ENTERED, duration_seconds=3601))
    assert assume(onward, ENTERED).source_arn.endswith(":assumed-role/Deployer/alice")
    gate.ended.add(first.access_key_id)
    problem = refused(onward, ENTERED)
    assert problem.sentence == "The session that this role is assumed from has expired."
    assert problem.next_step == "Renew it or assume its role again, then go on from it."


@pytest.mark.parametrize(
    ("rules", "entered", "sentence", "step"),
    [
        ({"trusts": False}, ENTERED, "By our own reading the policies that are loaded allow it.", "Perhaps "),
        ({"external_id": "x-1"}, ENTERED, "By our own reading the policies that are loaded allow it.", "Perhaps "),
        (
            {},
            replace(ENTERED, extras=AssumeExtras(policy='{"Statement":[],"Id":"' + "x" * 1600 + '"}')),
            "too large for STS",
            "Shorten",
        ),
    ],
)
def test_what_the_gate_refuses_is_explained(
    gated: tuple[Workspace, FaultProxy, StsGate],
    rules: dict[str, Any],
    entered: AssumeRoleInput,
    sentence: str,
    step: str,
) -> None:
    space, _, gate = gated
    for name, value in rules.items():
        setattr(gate, name, value)
    problem = refused(space, entered)
    assert sentence in problem.sentence
    assert problem.next_step.startswith(step)


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
    assume(space, AssumeRoleInput(ROLE, "alice", 900, "partner-1", serial, Secret("123456")))
    sent = next(call.parameters for call in proxy.calls if call.operation == "AssumeRole")
    assert (sent["SerialNumber"], sent["TokenCode"], sent["ExternalId"]) == (serial, "123456", "partner-1")


def test_each_renewal_is_scoped_down_anew(faulty: tuple[Workspace, FaultProxy]) -> None:
    space, proxy = faulty
    answer = assumed_xml(datetime.now(UTC) + timedelta(minutes=10)).replace(b"AssumeRole", b"GetScopedCredentials")
    proxy.on("GetScopedCredentials", Answer(200, answer))
    narrow = policy(allow("s3:GetObject"))
    entered = replace(ENTERED, extras=AssumeExtras(scope_down=narrow))
    first, second = assume(space, entered), Renewal(space, entered)(None)
    assert first.access_key_id == second.access_key_id == "ASIAIOSFODNN7EXAMPLE"
    sent = [call.parameters for call in proxy.calls if call.operation == "GetScopedCredentials"]
    assert [parameters["Policy"] for parameters in sent] == [narrow, narrow]


def test_an_endpoint_without_scoped_credentials_is_one_sentence(faulty: tuple[Workspace, FaultProxy]) -> None:
    space, _ = faulty
    with pytest.raises(Problem, match=r"^The session was not scoped down, so it was dropped: [^\n]*GetScopedCred"):
        assume(space, replace(ENTERED, extras=AssumeExtras(scope_down=policy(allow("s3:GetObject")))))
