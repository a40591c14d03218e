"""assume_role: what it asks, what it believes of the answer, and what it says when it fails."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from iamtui.aws.caller import CallerIdentity
from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem
from iamtui.credentials.assume_role import AssumeRoleInput, assume_role
from iamtui.problem import Problem
from iamtui.secret import Secret
from tests.support.moto_server import MotoServer
from tests.support.sts_answers import KEY_ID, ROLE_ARN, SECRET_KEY, TOKEN, CannedSts, sts_error

NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)
REQUEST = AssumeRoleInput(ROLE_ARN, "alice")


def test_the_answer_becomes_a_session() -> None:
    sts = CannedSts(now=NOW)
    session = assume_role(
        sts.connection(), REQUEST, source_arn="arn:aws:iam::123456789012:user/alice", clock=lambda: NOW
    )
    assert session.role_arn == ROLE_ARN
    assert session.session_name == "alice"
    assert session.access_key_id == KEY_ID
    assert session.secret_access_key.reveal() == SECRET_KEY
    assert session.session_token.reveal() == TOKEN
    assert session.expires_at == NOW + timedelta(hours=1)
    assert session.assumed_at == NOW
    assert session.clock_skew == timedelta()
    assert session.source_arn == "arn:aws:iam::123456789012:user/alice"
    assert session.region == "eu-central-1"
    assert session.identity == CallerIdentity(
        "arn:aws:sts::123456789012:assumed-role/Deployer/alice", "123456789012", "AROAEXAMPLE:alice"
    )
    assert session.identity_error == ""
    assert not session.demo
    assert session.time_left_words(NOW + timedelta(seconds=30)) == "59m 30s"


def test_what_was_entered_is_what_is_sent() -> None:
    sts = CannedSts()
    request = AssumeRoleInput(
        ROLE_ARN, "alice", 900, "partner-1", "arn:aws:iam::123456789012:mfa/alice", Secret("012345")
    )
    assume_role(sts.connection(), request)
    assert {name: sts.requests[0].get(name) for name in ("RoleArn", "RoleSessionName", "DurationSeconds")} == {
        "RoleArn": ROLE_ARN,
        "RoleSessionName": "alice",
        "DurationSeconds": "900",
    }
    assert sts.requests[0]["ExternalId"] == "partner-1"
    assert sts.requests[0]["SerialNumber"] == "arn:aws:iam::123456789012:mfa/alice"
    assert sts.requests[0]["TokenCode"] == "012345"
    assert sts.requests[1]["Action"] == "GetCallerIdentity"


@pytest.mark.parametrize("minutes", [-7, 7, 60 * 24 * 365])
def test_the_end_is_told_by_the_servers_clock(minutes: int) -> None:
    server = NOW + timedelta(minutes=minutes)
    session = assume_role(CannedSts(now=server).connection(), REQUEST, clock=lambda: NOW)
    assert session.clock_skew == timedelta(minutes=minutes)
    assert session.assumed_at == server
    assert session.time_left(NOW) == timedelta(hours=1)


def test_a_second_of_difference_is_no_skew() -> None:
    session = assume_role(
        CannedSts(now=NOW).connection(), REQUEST, clock=lambda: NOW + timedelta(seconds=1, microseconds=900_000)
    )
    assert session.clock_skew == timedelta()


def test_without_a_date_the_local_clock_counts() -> None:
    sts = CannedSts(now=None)
    session = assume_role(sts.connection(), REQUEST)
    assert session.clock_skew == timedelta()


@pytest.mark.parametrize(
    ("credentials", "said"),
    [
        ({"AccessKeyId": None}, "AccessKeyId"),
        ({"AccessKeyId": "ASIA$(touch /tmp/x)"}, "AccessKeyId"),
        ({"AccessKeyId": "asiaiosfodnn7example"}, "AccessKeyId"),
        ({"AccessKeyId": "ASIASHORT"}, "AccessKeyId"),
        ({"AccessKeyId": KEY_ID + "\nexport PATH=/tmp"}, "AccessKeyId"),
        ({"SecretAccessKey": None}, "SecretAccessKey"),
        ({"SecretAccessKey": ""}, "SecretAccessKey"),
        ({"SecretAccessKey": SECRET_KEY[:-1] + "'"}, "SecretAccessKey"),
        ({"SecretAccessKey": SECRET_KEY + ";id"}, "SecretAccessKey"),
        ({"SessionToken": None}, "SessionToken"),
        ({"SessionToken": TOKEN + "\n; touch x"}, "SessionToken"),
        ({"SessionToken": "`id`"}, "SessionToken"),
        ({"SessionToken": "A" * 70_000}, "SessionToken"),
        ({"Expiration": None}, "Expiration"),
        ({"Expiration": "2026-11-25T09:59:59Z"}, "already expired"),
        ({"Expiration": "2026-11-25T10:00:00Z"}, "already expired"),
        ({"Expiration": "2026-11-26T22:00:01Z"}, "longer than 36 hours"),
        ({"Expiration": "9999-12-31T23:59:59Z"}, "longer than 36 hours"),
    ],
)
def test_an_answer_that_sts_would_not_give_is_refused(credentials: dict[str, str | None], said: str) -> None:
    sts = CannedSts(now=NOW, credentials=credentials)
    with pytest.raises(Problem) as problem:
        assume_role(sts.connection(), REQUEST, clock=lambda: NOW)
    assert said in problem.value.sentence
    assert problem.value.next_step
    for value in credentials.values():
        assert not value or value not in str(problem.value)
    assert len(sts.requests) == 1, "nothing was done with the credentials"


def test_36_hours_are_the_limit() -> None:
    session = assume_role(CannedSts(now=NOW, life=timedelta(hours=36)).connection(), REQUEST, clock=lambda: NOW)
    assert session.time_left(NOW) == timedelta(hours=36)


def test_an_answer_without_credentials_is_refused() -> None:
    sts = CannedSts(refusal=(200, "<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>"))
    with pytest.raises(Problem, match="no valid AccessKeyId"):
        assume_role(sts.connection(), REQUEST)


def test_something_that_is_no_answer_at_all_is_refused() -> None:
    sts = CannedSts(refusal=(200, "<html>Please sign in"))
    with pytest.raises(Problem):
        assume_role(sts.connection(), REQUEST)


def test_a_failing_identity_call_does_not_lose_the_session() -> None:
    sts = CannedSts(identity=sts_error("AccessDenied", "explicit deny in a service control policy"))
    session = assume_role(sts.connection(), REQUEST)
    assert session.access_key_id == KEY_ID
    assert session.identity is None
    assert "sts:GetCallerIdentity" in session.identity_error


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sts::999999999999:assumed-role/Deployer/alice",
        "arn:aws:sts::123456789012:assumed-role/Admin/alice",
        "arn:aws:sts::123456789012:assumed-role/Deployer/bob",
        "arn:aws-cn:sts::123456789012:assumed-role/Deployer/alice",
        "arn:aws:iam::123456789012:user/alice",
    ],
)
def test_somebody_elses_credentials_are_noticed(arn: str) -> None:
    session = assume_role(CannedSts(identity=arn).connection(), REQUEST)
    assert session.identity is not None
    assert session.identity.arn == arn
    assert session.identity_error == f"These credentials belong to {arn}, not to the session that was asked for."


@pytest.mark.parametrize(
    ("code", "status", "message", "said"),
    [
        ("AccessDenied", 403, "User: x is not authorized to perform: sts:AssumeRole on resource: y", "sts:AssumeRole"),
        ("ExpiredToken", 400, "The security token included in the request is expired", "expired"),
        ("InvalidClientTokenId", 403, "The security token included in the request is invalid", "access key"),
        ("SignatureDoesNotMatch", 403, "The request signature we calculated does not match", "signature"),
        ("RegionDisabledException", 403, "STS is not activated in this region", "not activated in this region"),
        ("MalformedPolicyDocument", 400, "bad", "session policy"),
        ("PackedPolicyTooLarge", 400, "Packed size", "too large"),
        ("ValidationError", 400, "exceeds the 1 hour session limit for roles assumed by role chaining", "duration"),
        ("ValidationError", 400, "exceeds the MaxSessionDuration set for this role", "duration"),
    ],
)
def test_a_refusal_is_said_in_words(code: str, status: int, message: str, said: str) -> None:
    sts = CannedSts(refusal=sts_error(code, message, status))
    with pytest.raises(AwsProblem) as problem:
        assume_role(sts.connection(), REQUEST)
    assert problem.value.code == code
    assert said in problem.value.sentence
    assert problem.value.next_step
    assert len(sts.requests) == 1


def test_a_demo_session_is_marked() -> None:
    assert assume_role(CannedSts().connection(), REQUEST, demo=True).demo


@pytest.mark.parametrize("seconds", [900, 7200, 43200])
def test_against_moto(moto: MotoServer, seconds: int) -> None:
    request = AssumeRoleInput("arn:aws:iam::210987654321:role/ops/Deployer", "alice@example", seconds)
    session = assume_role(Connection.open(profile=None, region="eu-central-1", endpoint_url=moto.url), request)
    assert session.identity is not None
    assert session.identity.arn == "arn:aws:sts::210987654321:assumed-role/Deployer/alice@example"
    assert session.identity.account == "210987654321"
    assert session.identity_error == ""
    assert timedelta() <= timedelta(seconds=seconds) - session.time_left() < timedelta(minutes=2)


def test_a_caller_without_a_network_gets_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    connection = Connection.open(profile=None, region="eu-central-1", endpoint_url="http://127.0.0.1:9")
    with pytest.raises(Problem) as problem:
        assume_role(connection, REQUEST)
    assert "127.0.0.1:9" in problem.value.sentence


def test_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "iamtui"):
        assume_role(CannedSts().connection(), REQUEST)
    assert not [record for record in caplog.records if record.name.startswith("iamtui")]
