"""A profile of IAM Identity Center against a portal over TLS: from a login to its end, and on after the next one."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from iamtui.aws.errors import AwsProblem
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.workspace import CacheUse, SourceChoice, SourceKind
from tests.support.cli_runner import Cli
from tests.support.moto_server import ACCOUNT, MotoServer
from tests.support.tls_server import TlsServer, connect_proxy, tls_server

CONFIG = f"""
[sso-session corp]
sso_start_url = https://example.awsapps.com/start
sso_region = eu-west-1
sso_registration_scopes = sso:account:access
[profile work]
sso_session = corp
sso_account_id = {ACCOUNT}
sso_role_name = Reader
region = eu-west-1
"""
ENDED = ("The IAM Identity Center session of profile", "is missing or has expired", "aws sso login --profile work")


class Portal:
    """Identity Center's portal, which gives credentials for the access tokens that hold, and AWS behind it.

    Args:
        aws: answers every other call.
    """

    def __init__(self, aws: MotoServer) -> None:
        self._aws = aws
        self.holds: set[str] = set()
        self.life = timedelta(hours=1)
        self.given = 0

    def __call__(self, request: bytes) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if headers["host"].startswith("portal.sso."):
            return self._credentials(headers.get("x-amz-sso_bearer_token", ""))
        method, path, _ = first.split()
        asked = Request(self._aws.url + urlsplit(path).path, body or None, method=method)
        for name in ("authorization", "content-type", "x-amz-date", "x-amz-security-token"):
            if name in headers:
                asked.add_header(name, headers[name])
        with urlopen(asked, timeout=60) as answer:
            return _answer(200, answer.read(), "text/xml")

    def _credentials(self, token: str) -> bytes:
        if token not in self.holds:
            return _answer(401, b'{"message":"Session token not found or invalid"}', kind="UnauthorizedException")
        self.given += 1
        ends = int((datetime.now(UTC) + self.life).timestamp() * 1000)
        keys = {"accessKeyId": f"ASIAIOSFODNN7EXAMP{self.given:02}", "secretAccessKey": "s" * 40}
        given = {"roleCredentials": {**keys, "sessionToken": "dG9rZW4=", "expiration": ends}}
        return _answer(200, json.dumps(given).encode())


def _answer(status: int, body: bytes, content_type: str = "application/json", kind: str = "") -> bytes:
    of_kind = f"x-amzn-ErrorType: {kind}\r\n" if kind else ""
    head = f"HTTP/1.1 {status} x\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{of_kind}"
    return f"{head}Connection: close\r\n\r\n".encode() + body


class SignIn:
    """`aws sso login`, as it leaves its token for the SDKs, and the portal that gave it."""

    def __init__(self, portal: Portal, cache: Path) -> None:
        self.portal = portal
        self._cache = cache

    def __call__(self, token: str, life: timedelta = timedelta(hours=8)) -> None:
        self.portal.holds.add(token)
        self._cache.mkdir(parents=True, exist_ok=True)
        kept = {
            "startUrl": "https://example.awsapps.com/start",
            "region": "eu-west-1",
            "accessToken": token,
            "expiresAt": (datetime.now(UTC) + life).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        name = hashlib.sha1(b"corp", usedforsecurity=False).hexdigest()
        (self._cache / f"{name}.json").write_text(json.dumps(kept))


@pytest.fixture
def login(moto: MotoServer, monkeypatch: pytest.MonkeyPatch, no_aws_settings: Path, tmp_path: Path) -> Iterator[SignIn]:
    moto.client("iam").create_user(UserName="alice")
    (no_aws_settings / "config").write_text(CONFIG)
    cache = tmp_path / "sso-cache"
    monkeypatch.setattr("iamtui.aws.sdk_settings.LOGIN_FOLDER", str(cache))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    portal = Portal(moto)
    names = ("*.amazonaws.com", "*.sso.eu-west-1.amazonaws.com", "*.eu-west-1.amazonaws.com")
    with tls_server(tmp_path, portal, *names) as server, connect_proxy(server.port) as proxy:
        _use(monkeypatch, server, proxy.port)
        yield SignIn(portal, cache)


def _use(monkeypatch: pytest.MonkeyPatch, server: TlsServer, port: int) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(server.certificate))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")


def test_a_command_from_login_to_its_end_and_after_the_next_login(cli: Cli, login: SignIn) -> None:
    words = ("list", "users", "--profile", "work", "--no-cache")
    cli(*words).failed_with(*ENDED)
    login("first")
    result = cli(*words)
    assert (result.code, "alice" in result.out) == (0, True), result
    # The portal has ended it, whatever the file says; then the file says so.
    login.portal.holds.clear()
    cli(*words).failed_with(*ENDED)
    login("second", life=timedelta(minutes=-1))
    cli(*words).failed_with(*ENDED)
    login("third")
    result = cli(*words)
    assert (result.code, "alice" in result.out) == (0, True), result
    assert not re.search("first|second|third|dG9rZW4", result.out + result.err)


def test_an_open_account_whose_login_ends_goes_on_after_the_next_one(login: SignIn) -> None:
    login("first")
    login.portal.life = timedelta(seconds=30)
    choice = SourceChoice(SourceKind.LIVE, profile="work", cache=CacheUse.NOTHING)
    connection = open_source(choice).connection
    assert connection is not None
    login.portal.holds.clear()
    with pytest.raises(AwsProblem) as raised:
        connection.call("iam", "ListUsers", dict)
    assert raised.value.login_command == "aws sso login --profile work"
    login("second")
    assert connection.call("iam", "ListUsers", dict)["Users"][0]["UserName"] == "alice"
    assert open_source(choice).account.users[0].name == "alice"
