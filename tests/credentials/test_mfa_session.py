"""sts:GetSessionToken with an MFA code: what is asked, what is believed, and that nothing of it leaks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from iamtui.aws.errors import AwsProblem
from iamtui.credentials.assume_role import InvalidRequest, MfaSession, start_mfa_session
from iamtui.problem import Problem
from iamtui.secret import Secret
from tests.credentials.test_leaks import LONG_TERM_SECRET, MFA_CODE, SECRET_KEY, TOKEN, leaked, shown_everywhere
from tests.support.sts_answers import CannedSts, sts_error

ALICE = "arn:aws:iam::123456789012:user/alice"
SERIAL = "arn:aws:iam::123456789012:mfa/alice"
NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)


def start(sts: CannedSts, code: str = MFA_CODE, serial: str = SERIAL, seconds: int = 3600) -> MfaSession:
    return start_mfa_session(
        sts.connection(), caller_arn=ALICE, serial=serial, code=Secret(code), seconds=seconds, clock=lambda: NOW
    )


def test_what_is_asked_and_what_comes_back() -> None:
    sts = CannedSts(now=NOW)
    session = start(sts, seconds=7200)
    assert {name: sts.requests[0][name] for name in ("Action", "DurationSeconds", "SerialNumber", "TokenCode")} == {
        "Action": "GetSessionToken",
        "DurationSeconds": "7200",
        "SerialNumber": SERIAL,
        "TokenCode": MFA_CODE,
    }
    assert (session.caller_arn, session.serial, session.access_key_id) == (ALICE, SERIAL, sts.mfa_key)
    assert session.time_left(NOW) == timedelta(hours=2)
    assert session.age(NOW + timedelta(minutes=5)) == timedelta(minutes=5)


def test_times_follow_the_servers_clock() -> None:
    ahead = timedelta(hours=1)
    session = start(CannedSts(now=NOW + ahead))
    assert session.clock_skew == ahead
    assert session.time_left(NOW) == timedelta(hours=1)
    assert session.age(NOW) == timedelta()
    assert session.code_at == NOW


def test_the_connection_is_the_same_with_other_credentials() -> None:
    sts = CannedSts(now=NOW)
    connection = sts.connection(region="eu-west-3")
    session = start(sts)
    theirs = session.connection(connection)
    assert theirs.is_temporary()
    assert theirs.region == "eu-west-3"
    theirs.caller()
    assert sts.signed_by[-1] == sts.mfa_key


@pytest.mark.parametrize(
    ("code", "serial", "sentence"),
    [
        ("", SERIAL, "The MFA code is missing"),
        ("12345", SERIAL, "exactly six digits"),
        (MFA_CODE, "", "The MFA device is missing"),
        (MFA_CODE, "short", "not a serial number or ARN"),
        ("", "", "The MFA code is missing"),
    ],
)
def test_what_sts_would_refuse_is_not_sent(code: str, serial: str, sentence: str) -> None:
    sts = CannedSts(now=NOW)
    with pytest.raises(InvalidRequest) as problem:
        start(sts, code, serial)
    assert sentence in problem.value.sentence
    assert sts.requests == []


@pytest.mark.parametrize(
    "credentials",
    [
        {"AccessKeyId": "bad id"},
        {"AccessKeyId": None},
        {"SecretAccessKey": SECRET_KEY + "\n"},
        {"SessionToken": TOKEN + ";"},
        {"SessionToken": ""},
        {"Expiration": "2020-01-01T00:00:00Z"},
        {"Expiration": "2026-11-27T00:00:00Z"},
        {"Expiration": "9999-12-31T23:59:59Z"},
        {"Expiration": None},
    ],
)
def test_a_hostile_answer_is_not_believed(credentials: dict[str, Any]) -> None:
    with pytest.raises(Problem, match="sts:GetSessionToken") as problem:
        start(CannedSts(now=NOW, credentials=credentials))
    assert leaked(shown_everywhere(problem.value)) == []


@pytest.mark.parametrize(
    "sts",
    [
        CannedSts(now=NOW, mfa_refusal=sts_error("AccessDenied", "Cannot call GetSessionToken with session keys")),
        CannedSts(now=NOW, mfa_refusal=sts_error("ValidationError", "no", 400)),
        CannedSts(now=NOW, mfa_refusal=(200, "<html>")),
        CannedSts(now=NOW, mfa_refusal=(500, "")),
    ],
    ids=lambda sts: str(sts.mfa_refusal)[:40],
)
@pytest.mark.usefixtures("quick_retries")
def test_a_failing_call_shows_nothing_secret(sts: CannedSts) -> None:
    with pytest.raises(AwsProblem) as problem:
        start(sts)
    assert leaked(shown_everywhere(problem.value)) == []


def test_a_bug_after_the_call_shows_nothing_secret() -> None:
    def broken_clock() -> datetime:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as failure:
        start_mfa_session(
            CannedSts(now=NOW).connection(),
            caller_arn=ALICE,
            serial=SERIAL,
            code=Secret(MFA_CODE),
            seconds=900,
            clock=broken_clock,
        )
    shown = shown_everywhere(failure.value)
    assert "answer = " in shown, "the frame that holds the answer is in it"
    assert leaked(shown) == []


def test_nothing_of_it_is_told() -> None:
    told = repr(start(CannedSts(now=NOW)))
    assert ALICE in told
    assert not any(secret in told for secret in (SECRET_KEY, TOKEN, LONG_TERM_SECRET, MFA_CODE))
