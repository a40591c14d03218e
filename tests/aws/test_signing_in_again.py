"""Profiles that rest on a sign-in: when it has ended, the problem names the command, and afterwards all goes on."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from iamtui.aws import sdk_settings
from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem, problem_from
from iamtui.aws.profiles import SsoLogin, login_command_of, login_profile_of
from iamtui.aws.session import SdkSession, available_profiles
from iamtui.secret import Secret

ACCOUNT = "123456789012"
START = "https://example.awsapps.com/start"
CONFIG = f"""
[sso-session corp]
sso_start_url = {START}
sso_region = eu-west-1
sso_registration_scopes = sso:account:access
[profile base]
sso_session = corp
sso_account_id = {ACCOUNT}
sso_role_name = dev
region = eu-west-1
[profile old]
sso_start_url = {START}
sso_region = eu-west-1
sso_account_id = {ACCOUNT}
sso_role_name = dev
region = eu-west-1
[profile deploy]
role_arn = arn:aws:iam::{ACCOUNT}:role/deploy
source_profile = base
region = eu-west-1
[profile keys]
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
aws_secret_access_key = secret
[profile ci]
role_arn = arn:aws:iam::{ACCOUNT}:role/ci
web_identity_token_file = TOKEN
region = eu-west-1
"""


@pytest.fixture
def home(no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    token = tmp_path / "token"
    token.write_text("a.b.c")
    (no_aws_settings / "config").write_text(CONFIG.replace("TOKEN", str(token)))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def sso_cache(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the sign-ins are kept in: botocore works it out when it is imported."""
    cache = home / ".aws" / "sso" / "cache"
    monkeypatch.setattr("iamtui.aws.sdk_settings.LOGIN_FOLDER", str(cache))
    return cache


def sign_in(cache: Path, name: str, life: timedelta) -> None:
    """What `aws sso login` leaves."""
    cache.mkdir(parents=True, exist_ok=True)
    token = {
        "startUrl": START,
        "region": "eu-west-1",
        "accessToken": "access",
        "expiresAt": (datetime.now(UTC) + life).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    (cache / f"{hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()}.json").write_text(json.dumps(token))


def connect(profile: str) -> Connection:
    return Connection.open(profile=profile, region=None, endpoint_url=None)


class _Raw:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_more: Any) -> list[bytes]:
        return [self._content]


class _Network:
    """Answers what was begun last, in the place of the network."""

    def __init__(self) -> None:
        self.answer = (404, "", "")

    def send(self, request: Any) -> AWSResponse:
        status, body, content_type = self.answer
        return AWSResponse(request.url, status, {"Content-Type": content_type}, _Raw(body.encode()))

    def close(self) -> None:
        pass


def answering(connection: Connection, event: str, status: int, body: str, content_type: str = "text/xml") -> None:
    """Answer one operation in the place of AWS."""
    session = connection._botocore_session()
    if not isinstance(session._sender, _Network):
        session._sender = _Network()

    def begin(**_more: Any) -> None:
        session._sender.answer = (status, body, content_type)

    session.get_component("event_emitter").register_first(event, begin)


IDENTITY = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::123456789012:assumed-role/x/y</Arn>"
    "<UserId>u</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)
PORTAL = json.dumps(
    {
        "roleCredentials": {
            "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
            "secretAccessKey": "s" * 40,
            "sessionToken": "t",
            "expiration": int((datetime.now(UTC) + timedelta(hours=1)).timestamp() * 1000),
        }
    }
)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("profile", "login"), [("base", "base"), ("old", "old"), ("deploy", "base"), ("keys", ""), ("gone", "")]
)
def test_the_profile_to_sign_in_with_is_found_along_the_chain(profile: str, login: str) -> None:
    profiles = SdkSession().full_config["profiles"]
    assert login_profile_of(profile, profiles) == login


@pytest.mark.parametrize(
    ("profile", "step"),
    [
        ("base", "Run aws sso login --profile base, then refresh"),
        ("deploy", "Run aws sso login --profile base, then refresh"),
        ("a b", "Run aws login --profile 'a b', then refresh"),
        ("keys", "Renew them where they came from, then refresh"),
    ],
)
def test_keys_that_have_expired_are_renewed_where_they_came_from(
    no_aws_settings: Path, profile: str, step: str
) -> None:
    (no_aws_settings / "config").write_text(f'{CONFIG}[profile "a b"]\nlogin_session = arn:aws:iam::{ACCOUNT}:user/x\n')
    login = login_command_of(profile, SdkSession().full_config["profiles"])
    expired = ClientError({"Error": {"Code": "ExpiredToken"}}, "ListUsers")
    problem = problem_from(expired, service="iam", profile=profile, login=login)
    assert problem.next_step.startswith(step)


@pytest.mark.parametrize("profile", ["base", "old", "deploy"])
@pytest.mark.parametrize("ended", [False, True])
def test_an_ended_sign_in_names_its_command(profile: str, ended: bool, sso_cache: Path) -> None:
    if ended:
        for name in ("corp", START):
            sign_in(sso_cache, name, timedelta(minutes=-5))
    with pytest.raises(AwsProblem) as raised:
        connect(profile).caller()
    command = f"aws sso login --profile {'old' if profile == 'old' else 'base'}"
    assert raised.value.login_command == command
    assert raised.value.next_step == f"Run: {command}"
    assert f'of profile "{profile}" is missing or has expired' in raised.value.sentence
    assert raised.value.fatal


@pytest.mark.parametrize("anew", [False, True])
def test_after_signing_in_again_the_same_connection_works(sso_cache: Path, anew: bool) -> None:
    def answered(connection: Connection) -> Connection:
        answering(connection, "before-send.sso.GetRoleCredentials", 200, PORTAL, "application/json")
        answering(connection, "before-send.sts.GetCallerIdentity", 200, IDENTITY)
        return connection

    connection = answered(connect("base"))
    with pytest.raises(AwsProblem):
        connection.caller()
    sign_in(sso_cache, "corp", timedelta(hours=1))
    if anew:
        connection = answered(connection.reopened())
    assert connection.caller().account == ACCOUNT


@pytest.mark.usefixtures("home")
def test_a_web_identity_token_that_has_expired_is_told_as_such() -> None:
    connection = connect("ci")
    error = "<Code>ExpiredTokenException</Code><Message>Token expired: current date must be before</Message>"
    body = f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>"
    answering(connection, "before-send.sts.AssumeRoleWithWebIdentity", 400, body)
    with pytest.raises(AwsProblem) as raised:
        connection.call("iam", "ListUsers", dict)
    assert raised.value.sentence == (
        'The web identity token of profile "ci" has expired or was refused: Token expired: current date must be before.'
    )
    assert "web_identity_token_file" in raised.value.next_step
    assert raised.value.login_command == ""
    assert raised.value.permission == "sts:AssumeRoleWithWebIdentity", "not an action of the call that was made"


@pytest.mark.usefixtures("home")
def test_explicit_credentials_stay_when_reopened() -> None:
    connection = connect("keys").with_credentials("ASIAIOSFODNN7EXAMPLE", Secret("secret"), Secret("token"))
    assert connection.reopened() is connection


@pytest.mark.usefixtures("home")
def test_what_needs_no_sign_in_has_no_command() -> None:
    assert {profile.name for profile in available_profiles() if profile.login_profile} == {"base", "old", "deploy"}


def test_profiles_say_when_their_login_ends(sso_cache: Path) -> None:
    sign_in(sso_cache, "corp", timedelta(hours=1))
    now = datetime.now(UTC)
    found = {profile.name: profile.login for profile in available_profiles()}
    assert found["keys"] is None
    assert found["ci"] is None
    for name in ("base", "deploy"):
        login = found[name]
        assert login is not None
        assert login.command == "aws sso login --profile base"
        assert login.ends_at is not None
        assert abs(login.ends_at - now - timedelta(hours=1)) < timedelta(minutes=5)
        assert not login.has_ended(now)
        assert login.has_ended(now + timedelta(hours=2))
    assert found["old"] == SsoLogin("aws sso login --profile old")
    assert "access" not in repr(found)


@pytest.mark.parametrize(("name", "profile"), [("corp", "base"), (START, "old")])
def test_a_login_renews_itself_only_where_botocore_renews_it(sso_cache: Path, name: str, profile: str) -> None:
    """botocore renews those of an sso-session that have a refresh token and a client that is still registered."""
    sign_in(sso_cache, name, timedelta(minutes=-5))
    (file,) = sso_cache.iterdir()
    kept = json.loads(file.read_text()) | {"refreshToken": "r", "clientId": "c", "clientSecret": "s"}
    for days, renews in ((30, profile == "base"), (-1, False)):
        until = (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        file.write_text(json.dumps(kept | {"registrationExpiresAt": until}))
        login = next(one.login for one in available_profiles() if one.name == profile)
        assert login is not None
        assert login.renews_itself is renews
        assert login.has_ended(datetime.now(UTC)) is not renews


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", '{"accessToken": "a"}', '{"accessToken": "a", "expiresAt": 5}', "x" * 2**20,
     '{"accessToken": "a", "expiresAt": "9999-99-99"}', "[" * 100_000, '{"expiresAt": "2999-01-01T00:00:00Z"}'],
)  # fmt: skip
def test_a_damaged_file_of_a_login_is_none(sso_cache: Path, content: str) -> None:
    sign_in(sso_cache, "corp", timedelta(hours=1))
    (file,) = sso_cache.iterdir()
    file.write_text(content)
    login = next(one.login for one in available_profiles() if one.name == "base")
    assert login == SsoLogin("aws sso login --profile base")


def test_the_file_of_a_login_is_read_once_for_all_its_profiles(
    sso_cache: Path, no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of profiles have one login."""
    sign_in(sso_cache, "corp", timedelta(hours=3))
    more = CONFIG.partition("[profile base]")[2].partition("[profile")[0]
    with (no_aws_settings / "config").open("a") as file:
        file.writelines(f"[profile p{number}]{more}" for number in range(9))
    read: list[str] = []
    really = sdk_settings.JSONFileCache.__getitem__
    monkeypatch.setattr(
        sdk_settings.JSONFileCache, "__getitem__", lambda self, key: read.append(key) or really(self, key)
    )
    logins = {profile.name: profile.login for profile in available_profiles() if profile.login is not None}
    assert len(logins) == 12
    assert logins["p8"] is not None
    assert logins["p8"].ends_at is not None
    assert len(read) == len(set(read))
