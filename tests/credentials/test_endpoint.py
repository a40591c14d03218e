"""The container endpoint: every defence, and the SDKs that must get through."""

from __future__ import annotations

import http.client
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from iamtui.credentials import variables
from iamtui.credentials.renewal import Failures, Held
from iamtui.credentials.server import Counts, CredentialsEndpoint
from tests.credentials.test_formats import SESSION
from tests.support.fault_proxy import FaultProxy
from tests.support.sdk_clients import Found, ask_boto3, ask_javascript, call_with_aws_cli
from tests.support.sts_answers import KEY_ID, SECRET_KEY, TOKEN

EXPECTED = Found(KEY_ID, SECRET_KEY, TOKEN)


@dataclass
class Holder:
    """What the endpoint reads."""

    held: Held

    def __call__(self) -> Held:
        return self.held


@pytest.fixture
def holder() -> Holder:
    now = datetime.now(UTC)
    return Holder(Held(replace(SESSION, assumed_at=now, expires_at=now + timedelta(hours=1))))


@pytest.fixture
def endpoint(holder: Holder) -> Iterator[CredentialsEndpoint]:
    running = CredentialsEndpoint(holder)
    running.start()
    yield running
    running.stop()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def ask(
    endpoint: CredentialsEndpoint, *, method: str = "GET", path: str | None = None, **headers: str | None
) -> Answer:
    """One request; a header that is None is not sent, an underscore in its name is a hyphen."""
    parts = urlsplit(endpoint.uri.reveal())
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    given = {"Authorization": endpoint.token.reveal(), "Host": parts.netloc}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}  # type: ignore[misc]
    connection.putrequest(method, path or parts.path, skip_host=True, skip_accept_encoding=True)
    for name, value in given.items():
        if value is not None:
            connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    connection.close()
    return answer


def test_the_right_request_gets_the_session(endpoint: CredentialsEndpoint, holder: Holder) -> None:
    answer = ask(endpoint)
    assert answer.status == 200
    assert json.loads(answer.body) == {
        "AccessKeyId": KEY_ID,
        "SecretAccessKey": SECRET_KEY,
        "Token": TOKEN,
        "Expiration": f"{holder.held.session.expires_at:%Y-%m-%dT%H:%M:%SZ}",
        "AccountId": "123456789012",
    }
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert not [name for name in answer.headers if name.startswith("access-control")]


WRONG = [
    (403, {"Authorization": None}),
    (403, {"Authorization": ""}),
    (403, {"Authorization": "x" * 43}),
    (403, {"Authorization": "Bearer x"}),
    (404, {"path": "/"}),
    (404, {"path": "/role-arn/arn:aws:iam::123456789012:role/Admin"}),
    (404, {"path": "/latest/api/token"}),
    (405, {"method": "POST"}),
    (405, {"method": "PUT"}),
    (405, {"method": "HEAD"}),
    (405, {"method": "OPTIONS"}),
    (403, {"Host": "evil.example"}),
    (403, {"Host": "localhost"}),
    (403, {"Host": None}),
    (403, {"Origin": "http://127.0.0.1"}),
    (403, {"Referer": "http://127.0.0.1/"}),
    (403, {"Sec_Fetch_Site": "same-origin"}),
    (403, {"X_Forwarded_For": "10.0.0.1"}),
]


@pytest.mark.parametrize(("status", "change"), WRONG, ids=str)
def test_every_wrong_request_is_refused(endpoint: CredentialsEndpoint, status: int, change: dict[str, str]) -> None:
    answer = ask(endpoint, **change)
    assert answer.status == status
    assert answer.body == b""
    assert endpoint.counts == Counts(0, 1)


def test_a_path_that_only_begins_or_ends_right_is_wrong(endpoint: CredentialsEndpoint) -> None:
    path = urlsplit(endpoint.uri.reveal()).path
    for wrong in (path[:-1], f"{path}/", f"{path}?x=1", f"/x/..{path}", path.swapcase(), f"{path}%20"):
        assert ask(endpoint, path=wrong).status == 404
    token = endpoint.token.reveal()
    for wrong in (token[:-1], f"{token}x", token.swapcase(), f"Bearer {token}"):
        assert ask(endpoint, Authorization=wrong).status == 403


def test_port_path_and_token_cannot_be_guessed(holder: Holder) -> None:
    first, second = CredentialsEndpoint(holder), CredentialsEndpoint(holder)
    try:
        assert len(first.token.reveal()) == 43, "32 random bytes"
        assert first.token != second.token
        assert len(urlsplit(first.uri.reveal()).path) == 23, "16 random bytes"
        assert urlsplit(first.uri.reveal()).path != urlsplit(second.uri.reveal()).path
        assert first.token.reveal() not in repr(first) + repr(vars(first))
    finally:
        first.stop()
        second.stop()


def test_requests_are_counted_and_nothing_is_logged(
    endpoint: CredentialsEndpoint, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        ask(endpoint)
        ask(endpoint)
        ask(endpoint, path="/")
    assert endpoint.counts == Counts(2, 1)
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_after_the_end_it_tells_so_in_the_form_that_sdks_read(endpoint: CredentialsEndpoint, holder: Holder) -> None:
    failures = Failures(3, datetime.now(UTC), "AWS denied sts:AssumeRole.")
    holder.held = Held(replace(SESSION, expires_at=datetime.now(UTC) - timedelta(seconds=1)), failures)
    answer = ask(endpoint)
    assert answer.status == 400
    assert json.loads(answer.body) == {
        "Code": "ExpiredToken",
        "Message": "The session of arn:aws:iam::123456789012:role/Deployer has expired. Renewing it failed: "
        "AWS denied sts:AssumeRole.",
    }
    assert SECRET_KEY.encode() not in answer.body


# The SDKs


def variables_of(endpoint: CredentialsEndpoint) -> dict[str, str]:
    return {variables.CONTAINER_URI: endpoint.uri.reveal(), variables.CONTAINER_TOKEN: endpoint.token.reveal()}


def test_boto3_works_against_it(endpoint: CredentialsEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask_boto3(variables_of(endpoint), monkeypatch) == EXPECTED
    assert endpoint.counts == Counts(1, 0)


def test_the_aws_cli_works_against_it(endpoint: CredentialsEndpoint, fault_proxy: FaultProxy) -> None:
    done = call_with_aws_cli(variables_of(endpoint), fault_proxy.url)
    assert done.returncode == 0, done.stderr
    [call] = fault_proxy.calls
    assert f"Credential={KEY_ID}/" in call.headers["authorization"]
    assert call.headers["x-amz-security-token"] == TOKEN
    assert endpoint.counts == Counts(1, 0)


@pytest.mark.parametrize("provider", ["fromNodeProviderChain", "fromHttp", "fromContainerMetadata"])
def test_the_javascript_sdk_works_against_it(endpoint: CredentialsEndpoint, provider: str) -> None:
    assert ask_javascript(variables_of(endpoint), provider) == EXPECTED
    assert endpoint.counts == Counts(1, 0)


def test_sdks_with_a_wrong_token_get_nothing(endpoint: CredentialsEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.utils.time.sleep", lambda _seconds: None)
    wrong = {**variables_of(endpoint), variables.CONTAINER_TOKEN: "wrong"}
    assert ask_boto3(wrong, monkeypatch).error
    assert ask_javascript(wrong, "fromHttp").error
    assert endpoint.counts.served == 0


def test_the_javascript_sdk_tells_its_user_that_the_session_has_ended(
    endpoint: CredentialsEndpoint, holder: Holder
) -> None:
    holder.held = Held(replace(SESSION, expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    assert "has expired" in ask_javascript(variables_of(endpoint), "fromHttp").error


def test_boto3_gets_the_renewed_session_when_it_asks_again(
    endpoint: CredentialsEndpoint, holder: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With less than 15 minutes left botocore asks before each use."""
    import botocore.session

    short = replace(holder.held.session, expires_at=datetime.now(UTC) + timedelta(minutes=14))
    lasting, holder.held = holder.held.session, Held(short)
    for name, value in variables_of(endpoint).items():
        monkeypatch.setenv(name, value)
    credentials = botocore.session.Session().get_credentials()
    assert credentials is not None
    assert credentials.get_frozen_credentials().access_key == KEY_ID
    holder.held = Held(replace(lasting, access_key_id="ASIARENEWED0000000AB"), renewals=1)
    assert credentials.get_frozen_credentials().access_key == "ASIARENEWED0000000AB"
