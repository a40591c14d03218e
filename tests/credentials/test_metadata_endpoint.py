"""IMDSv2 on the loopback address: a token first, and what SDKs that were written for instances find."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from botocore.credentials import InstanceMetadataProvider
from botocore.utils import InstanceMetadataFetcher

from iamtui.credentials import variables
from iamtui.credentials.renewal import Failures, Held
from iamtui.credentials.server import Counts, MetadataEndpoint
from tests.credentials.test_formats import SESSION
from tests.support.sdk_clients import Found, ask_javascript
from tests.support.sts_answers import KEY_ID, SECRET_KEY, TOKEN

ROLES = "/latest/meta-data/iam/security-credentials/"
TTL = "X-aws-ec2-metadata-token-ttl-seconds"
WITH_TOKEN = "X-aws-ec2-metadata-token"


@dataclass
class World:
    held: Held
    now: datetime

    def clock(self) -> datetime:
        return self.now


@pytest.fixture
def world() -> World:
    now = datetime.now(UTC)
    return World(Held(replace(SESSION, assumed_at=now, expires_at=now + timedelta(hours=1))), now)


@pytest.fixture
def endpoint(world: World) -> Iterator[MetadataEndpoint]:
    running = MetadataEndpoint(lambda: world.held, clock=world.clock)
    running.start()
    yield running
    running.stop()


def ask(endpoint: MetadataEndpoint, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(endpoint.url).netloc, timeout=60)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, body


def token_of(endpoint: MetadataEndpoint, seconds: str = "60") -> str:
    status, token = ask(endpoint, "/latest/api/token", "PUT", **{TTL: seconds})
    assert status == 200
    return token


def test_without_a_token_nothing_is_told(endpoint: MetadataEndpoint) -> None:
    for path in (ROLES, f"{ROLES}Deployer", "/", "/latest/meta-data/"):
        assert ask(endpoint, path) == (401, "")
        assert ask(endpoint, path, **{WITH_TOKEN: "guess"}) == (401, "")


def test_with_a_token_the_role_and_its_credentials_are(endpoint: MetadataEndpoint, world: World) -> None:
    given = {WITH_TOKEN: token_of(endpoint)}
    assert ask(endpoint, ROLES, **given) == (200, "Deployer")
    status, body = ask(endpoint, f"{ROLES}Deployer", **given)
    assert status == 200
    record = json.loads(body)
    assert record["Code"] == "Success"
    assert record["Type"] == "AWS-HMAC"
    assert (record["AccessKeyId"], record["SecretAccessKey"], record["Token"]) == (KEY_ID, SECRET_KEY, TOKEN)
    assert record["Expiration"] == f"{world.held.session.expires_at:%Y-%m-%dT%H:%M:%SZ}"
    assert ask(endpoint, f"{ROLES}Admin", **given)[0] == 404
    assert ask(endpoint, "/latest/user-data", **given)[0] == 404
    assert ask(endpoint, "/latest/meta-data/placement/region", **given) == (200, "eu-central-1")


def test_a_token_ends(endpoint: MetadataEndpoint, world: World) -> None:
    given = {WITH_TOKEN: token_of(endpoint, "10")}
    world.now += timedelta(seconds=9)
    assert ask(endpoint, ROLES, **given)[0] == 200
    world.now += timedelta(seconds=1)
    assert ask(endpoint, ROLES, **given)[0] == 401


@pytest.mark.parametrize("ttl", ["", "0", "-1", "21601", "1e3", "60 ", "\u0661", "x", "9" * 400])
def test_a_token_needs_a_life_of_one_second_to_six_hours(endpoint: MetadataEndpoint, ttl: str) -> None:
    headers = {TTL: ttl.encode().decode("latin-1")} if ttl else {}
    status = ask(endpoint, "/latest/api/token", "PUT", **headers)[0]
    assert status == (200 if ttl == "60 " else 400)


@pytest.mark.parametrize(
    "header",
    [{"Host": "evil.example"}, {"Host": "169.254.169.254"}, {"X_Forwarded_For": "10.0.0.1"}, {"Origin": "null"}],
)
def test_browsers_and_proxies_get_no_token(endpoint: MetadataEndpoint, header: dict[str, str]) -> None:
    assert ask(endpoint, "/latest/api/token", "PUT", **{TTL: "60"}, **header)[0] == 403


def test_other_methods_are_refused(endpoint: MetadataEndpoint) -> None:
    assert ask(endpoint, "/latest/api/token")[0] == 405
    assert ask(endpoint, "/latest/api/token", "POST")[0] == 405
    assert ask(endpoint, ROLES, "PUT", **{WITH_TOKEN: token_of(endpoint)})[0] == 405


def test_other_processes_that_ask_for_tokens_end_nobodys(endpoint: MetadataEndpoint) -> None:
    first = token_of(endpoint)
    for _ in range(2000):
        endpoint._new_token("60")
    assert ask(endpoint, ROLES, **{WITH_TOKEN: first})[0] == 200


def test_a_token_is_good_for_its_endpoint_and_its_time_only(endpoint: MetadataEndpoint, world: World) -> None:
    token = token_of(endpoint, "60")
    other = MetadataEndpoint(lambda: world.held, clock=world.clock)
    assert endpoint._knows(token)
    assert not other._knows(token)
    # Its end stands in it, and cannot be moved.
    for place, character in enumerate(token):
        forged = f"{token[:place]}{chr(ord(character) ^ 1)}{token[place + 1 :]}"
        assert not endpoint._knows(forged), place
    for wrong in ("", "\u00e9", "A" * 72, token[:-1], token + "A", token + "=", f" {token}", token * 40):
        assert not endpoint._knows(wrong), wrong
    world.now += timedelta(seconds=60)
    assert not endpoint._knows(token)


def test_after_the_end_it_tells_so(endpoint: MetadataEndpoint, world: World) -> None:
    given = {WITH_TOKEN: token_of(endpoint)}
    world.held = Held(replace(world.held.session, expires_at=world.now), Failures(1, world.now, "No network."))
    status, body = ask(endpoint, f"{ROLES}Deployer", **given)
    assert status == 200
    assert json.loads(body)["Code"] == "ExpiredToken"
    assert "No network." in json.loads(body)["Message"]
    assert SECRET_KEY not in body


def environ(endpoint: MetadataEndpoint) -> dict[str, str]:
    return {
        variables.METADATA_ENDPOINT: endpoint.url,
        "AWS_EC2_METADATA_DISABLED": "false",
        # A proxy that nothing answers at: what goes there is lost.
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


def test_boto3_reads_it_as_that_of_an_instance(endpoint: MetadataEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environ(endpoint).items():
        monkeypatch.setenv(name, value)
    fetcher = InstanceMetadataFetcher(
        base_url=endpoint.url, env={"AWS_EC2_METADATA_DISABLED": "false"}, config={"ec2_metadata_v1_disabled": True}
    )
    credentials = InstanceMetadataProvider(fetcher).load()
    assert credentials is not None
    frozen = credentials.get_frozen_credentials()
    assert (frozen.access_key, frozen.secret_key, frozen.token) == (KEY_ID, SECRET_KEY, TOKEN)
    assert endpoint.counts == Counts(3, 0)


def test_the_javascript_sdk_reads_it_as_that_of_an_instance(endpoint: MetadataEndpoint) -> None:
    assert ask_javascript(environ(endpoint), "fromInstanceMetadata") == Found(KEY_ID, SECRET_KEY, TOKEN)
