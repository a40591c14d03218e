"""Which settings botocore may read: every variable of its table is looked at, and what people rely on works."""

from __future__ import annotations

import ast
import hashlib
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import botocore
import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES as VARIABLES
from botocore.configprovider import DEFAULT_PROXIES_CONFIG_VARS, DEFAULT_S3_CONFIG_VARS

from iamtui.aws.errors import AwsProblem
from iamtui.aws.sdk_settings import (
    ENVIRONMENT_ONLY,
    FIXED,
    PROFILE_SETTINGS,
    READ,
)
from iamtui.aws.session import SdkSession
from iamtui.credentials.console_url import Host, private_get
from iamtui.problem import Problem
from iamtui.secret import Secret
from tests.support.connecting import Listener, config, connect
from tests.support.fault_proxy import Answer, FaultProxy, error
from tests.support.moto_server import ACCOUNT, MotoServer

KEYS = "aws_access_key_id=AKIAIOSFODNN7EXAMPLE\naws_secret_access_key=secret\n"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"


def environment_names(name: str) -> list[str]:
    found = VARIABLES[name][1]
    return [found] if isinstance(found, str) else list(found or ())


# The table


def test_every_variable_of_botocore_is_read_or_fixed() -> None:
    """A new one fails here: decide whether it is read (READ) or has a value of ours (FIXED)."""
    assert READ.keys() | FIXED.keys() == VARIABLES.keys()
    assert not READ.keys() & FIXED.keys()


@pytest.mark.parametrize("name", sorted(FIXED))
def test_what_is_fixed_is_read_from_nowhere(no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for value in ("true", "/elsewhere", "7"):
        config(no_aws_settings, f"[default]\n{VARIABLES[name][0]}={value}\n")
        for variable in environment_names(name):
            monkeypatch.setenv(variable, value)
        session = SdkSession()
        assert session.get_config_variable(name) == FIXED[name]
        assert VARIABLES[name][0] not in session.get_scoped_config()


def test_the_sections_of_a_profile_are_read_from_nowhere(
    no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"  {name} = true" for name in DEFAULT_S3_CONFIG_VARS]
    lines += [f"{name} = /elsewhere" for name in DEFAULT_PROXIES_CONFIG_VARS]
    config(no_aws_settings, "[default]\nendpoint_url = https://a\nservices = s\ns3 =\n" + "\n".join(lines) + "\n")
    for name, (_, variable, _, _) in DEFAULT_S3_CONFIG_VARS.items():
        if variable:
            monkeypatch.setenv(variable, "true")
        assert name not in PROFILE_SETTINGS or name in READ
    session = SdkSession()
    assert session.get_scoped_config() == {}
    assert session.get_config_variable("s3") is None
    assert session.get_config_variable("proxies_config") is None


def test_whom_to_ask_for_metadata_is_said_by_the_environment_alone(
    no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ENVIRONMENT_ONLY:
        config(no_aws_settings, f"[default]\n{VARIABLES[name][0]}=http://127.0.0.1:1/\n")
        assert SdkSession().get_config_variable(name) is None
        monkeypatch.setenv(environment_names(name)[0], "http://127.0.0.1:2/")
        assert SdkSession().get_config_variable(name) == "http://127.0.0.1:2/"


ELSEWHERE = {
    # Credentials, and where they are: what people rely on.
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": "credentials",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "credentials",
    "AWS_CREDENTIAL_FILE": "credentials: keys in a file of the EC2 tools",
    "AWS_EC2_METADATA_DISABLED": "credentials",
    "AWS_LOGIN_CACHE_DIRECTORY": "credentials",
    "BOTO_CONFIG": "credentials: keys in a file of boto 2",
    "REQUESTS_CA_BUNDLE": "certificates",
    # The name of a program or of a call in a header of the request.
    "AWS_EXECUTION_ENV": "header",
    "AWS_LAMBDA_FUNCTION_NAME": "header",
    "_X_AMZN_TRACE_ID": "header",
    # Read, and without effect here.
    "AWS_DEFAULT_REGION": "only where defaults_mode is auto, which is fixed",
    "AWS_ENDPOINT_URL": "ignored by ignore_configured_endpoint_urls, which is fixed",
    "AWS_REGION": "only where defaults_mode is auto, which is fixed",
    "BOTOCORE_EXPERIMENTAL__PLUGINS": "modules to import: a session registers no plugins",
    "BOTO_DISABLE_CRT": "which library signs",
    "BOTO_EXPERIMENTAL__ADD_PROXY_HOST_HEADER": "a header for the proxy",
    "BOTO_EXPERIMENTAL__NO_EMPTY_CONTINUE": "a header of uploads, of which there are none",
    "SSLKEYLOGFILE": "a file of the user's own, for the keys of connections",
}
"""What botocore asks the environment for by name beside its table, and why that may stay."""

BY_MAPPING = {
    "configprovider.py": "the variables of the table, and AWS_ENDPOINT_URL_<SERVICE>",
    "credentials.py": "AWS_ACCESS_KEY_ID and its kin, AWS_ROLE_ARN and its kin, AWS_CONTAINER_CREDENTIALS_*",
    "tokens.py": "AWS_BEARER_TOKEN_<SERVICE>, of services that are not called",
    "utils.py": "AWS_BEARER_TOKEN_<SERVICE>; the variables of the instance metadata service",
}
"""Where it keeps the environment as a whole, and for which variables."""


@pytest.mark.slow
def test_what_botocore_reads_of_the_environment_beside_its_table_is_known() -> None:
    names: set[str] = set()
    files: set[str] = set()
    root = Path(botocore.__file__).parent
    for path in sorted(root.glob("**/*.py")):
        if "vendored" in path.parts:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        for node in ast.walk(tree):
            if ast.unparse(node) not in ("os.environ", "self._environ", "environ", "env", "os.getenv"):
                continue
            if isinstance(node, (ast.Attribute, ast.Name)) and (name := _asked_for(node, parents)) is not None:
                names.add(name)
            elif ast.unparse(node) == "os.environ":
                files.add(path.name)
    known = {variable for name in VARIABLES for variable in environment_names(name)}
    assert names - known | {"AWS_DEFAULT_REGION"} == ELSEWHERE.keys() - {
        # Asked for by the name of a constant.
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "BOTO_CONFIG",
        "AWS_ENDPOINT_URL",
    }
    assert files == BY_MAPPING.keys()


def _asked_for(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> str | None:
    """The variable that an expression asks the environment for, where it stands there literally."""
    above = parents[node]
    if isinstance(above, ast.Attribute) and isinstance(call := parents[above], ast.Call) and call.args:
        asked = call.args[0]
    elif isinstance(above, ast.Subscript):
        asked = above.slice
    elif isinstance(above, ast.Compare):
        asked = above.left
    else:
        return None
    return asked.value if isinstance(asked, ast.Constant) and isinstance(asked.value, str) else None


# What sends secrets, or runs something


CSM = {"csm_enabled": "AWS_CSM_ENABLED", "csm_host": "AWS_CSM_HOST", "csm_port": "AWS_CSM_PORT"}


@pytest.fixture
def datagrams() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(0.3)
        yield listening


@pytest.mark.parametrize("by", ["file", "environment"])
def test_client_side_monitoring_sends_nothing(
    no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch, moto: MotoServer, datagrams: socket.socket, by: str
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "SECRET-TOKEN")
    values = ("true", "127.0.0.1", str(datagrams.getsockname()[1]))
    if by == "file":
        lines = (f"{name}={value}\n" for name, value in zip(CSM, values, strict=True))
        config(no_aws_settings, f"[default]\n{''.join(lines)}")
    else:
        for variable, value in zip(CSM.values(), values, strict=True):
            monkeypatch.setenv(variable, value)
    botocore.session.get_session().create_client("sts", "eu-west-1", endpoint_url=moto.url).get_caller_identity()
    assert b"SECRET-TOKEN" in b"".join(datagrams.recv(65536) for _ in range(2)), "botocore by itself sends the token"

    connection = connect(moto.url, region="eu-west-1")
    assert connection.caller().account == ACCOUNT
    with pytest.raises(TimeoutError):
        datagrams.recv(65536)
    assert connection._botocore_session()._get_internal_component("monitor") is None


def test_no_plugin_of_the_environment_is_imported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, moto: MotoServer
) -> None:
    ran = tmp_path / "ran"
    (tmp_path / "evil_plugin.py").write_text(f"from pathlib import Path\nPath({str(ran)!r}).touch()\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("BOTOCORE_EXPERIMENTAL__PLUGINS", "evil=evil_plugin")
    assert connect(moto.url).caller().account == ACCOUNT
    assert not ran.exists()


# What people rely on


class Sent:
    """Answers requests in the place of the network, by the start of their hosts, and notes them."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.answers: dict[str, str] = {"sts": IDENTITY}

    @property
    def urls(self) -> list[str]:
        return [request.url.partition("?")[0] for request in self.requests]

    def send(self, request: Any) -> AWSResponse:
        self.requests.append(request)
        host = request.url.partition("//")[2]
        body = next(body for start, body in self.answers.items() if host.startswith(start))
        if "AssumeRoleWithWebIdentity" in str(request.body):
            body = ASSUMED
        kind = "text/xml" if body.startswith("<") else "application/json"
        return AWSResponse(request.url, 200, {"Content-Type": kind}, _Raw(body.encode()))


class _Raw:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_more: Any) -> list[bytes]:
        return [self._content]


SOON = datetime.now(UTC) + timedelta(hours=1)
IDENTITY = (
    f"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::{ACCOUNT}:assumed-role/x/y</Arn>"
    f"<UserId>u</UserId><Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)
ASSUMED = (
    "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
    "<AccessKeyId>ASIAWEB</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
    f"<Expiration>{SOON:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials><AssumedRoleUser>"
    f"<Arn>arn:aws:sts::{ACCOUNT}:assumed-role/r/x</Arn><AssumedRoleId>i</AssumedRoleId></AssumedRoleUser>"
    "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    found = Sent()
    monkeypatch.setattr("iamtui.aws.http.HttpSender.send", lambda _self, request: found.send(request))
    return found


def signed_by(request: Any) -> str:
    return str(request.headers["Authorization"]).partition("Credential=")[2].partition("/")[0].removesuffix("'")


@pytest.mark.parametrize("file", ["config", "credentials"])
def test_profiles_of_both_files_and_their_region(no_aws_settings: Path, sent: Sent, file: str) -> None:
    config(no_aws_settings, "[profile p]\nregion=eu-north-1\n" + (KEYS if file == "config" else ""))
    if file == "credentials":
        (no_aws_settings / "credentials").write_text(f"[p]\n{KEYS}")
    connection = connect(profile="p")
    assert connection.region == "eu-north-1"
    connection.caller()
    assert sent.urls == ["https://sts.eu-north-1.amazonaws.com/"]
    assert signed_by(sent.requests[0]) == "AKIAIOSFODNN7EXAMPLE"


ENDPOINTS = [
    ({}, "https://sts.eu-west-1.amazonaws.com/"),
    ({"use_fips_endpoint": "true"}, "https://sts-fips.eu-west-1.amazonaws.com/"),
    ({"use_dualstack_endpoint": "true"}, "https://sts.eu-west-1.api.aws/"),
    ({"sts_regional_endpoints": "legacy"}, "https://sts.amazonaws.com/"),
    ({"sts_regional_endpoints": "regional"}, "https://sts.eu-west-1.amazonaws.com/"),
]


@pytest.mark.parametrize("by", ["file", "environment"])
@pytest.mark.parametrize(("settings", "url"), ENDPOINTS)
def test_fips_dual_stack_and_regional_endpoints(
    no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch, sent: Sent, by: str, settings: dict[str, str], url: str
) -> None:
    in_file = "".join(f"{name}={value}\n" for name, value in settings.items()) if by == "file" else ""
    config(no_aws_settings, f"[profile p]\nregion=eu-west-1\n{KEYS}{in_file}")
    if by == "environment":
        for name, value in settings.items():
            monkeypatch.setenv(environment_names(name)[0], value)
    connect(profile="p").caller()
    assert sent.urls == [url]


@pytest.mark.parametrize("by", ["file", "environment"])
@pytest.mark.parametrize(
    ("attempts", "mode", "calls"), [("2", "standard", 2), ("5", "legacy", 5), ("99", "standard", 10), ("0", "", 1)]
)
@pytest.mark.usefixtures("quick_retries")
def test_retry_settings_count_within_bounds(
    no_aws_settings: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault_proxy: FaultProxy,
    by: str,
    attempts: str,
    mode: str,
    calls: int,
) -> None:
    settings = {"max_attempts": attempts, **({"retry_mode": mode} if mode else {})}
    if by == "file":
        config(no_aws_settings, "[default]\n" + "".join(f"{name}={value}\n" for name, value in settings.items()))
    else:
        for name, value in settings.items():
            monkeypatch.setenv(environment_names(name)[0], value)
    fault_proxy.on("GetCallerIdentity", error(400, "Throttling"))
    with pytest.raises(Problem):
        connect(fault_proxy.url).caller()
    assert len(fault_proxy.calls) == calls


@pytest.mark.parametrize(("variable", "says"), [("AWS_MAX_ATTEMPTS", "whole number"), ("AWS_RETRY_MODE", "standard")])
def test_a_retry_setting_that_is_none_is_said(
    monkeypatch: pytest.MonkeyPatch, moto: MotoServer, variable: str, says: str
) -> None:
    monkeypatch.setenv(variable, "often")
    with pytest.raises(Problem, match=f"'often' .*{says}") as raised:
        connect(moto.url).caller()
    assert raised.value.next_step


@pytest.mark.parametrize(
    ("variable", "says"),
    [
        ("AWS_STS_REGIONAL_ENDPOINTS", "STS regional endpoints option often"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "endpoint mode: often"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "endpoint: often"),
    ],
)
def test_what_is_wrong_with_a_setting_is_not_blamed_on_aws(
    monkeypatch: pytest.MonkeyPatch, moto: MotoServer, variable: str, says: str
) -> None:
    monkeypatch.setenv(variable, "often")
    if "EC2" in variable:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name, raising=False)
    with pytest.raises(Problem, match=f"The AWS configuration cannot be read: .*{says}") as raised:
        connect(moto.url).caller()
    assert raised.value.next_step == "Correct the file, or the AWS_ variable."


@pytest.mark.parametrize("by", ["file", "environment", "requests"])
def test_a_bundle_of_certificates_counts(no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    bundle = str(no_aws_settings / "ca.pem")
    config(
        no_aws_settings, f"[profile p]\nregion=eu-west-1\n{KEYS}" + (f"ca_bundle={bundle}\n" if by == "file" else "")
    )
    if by != "file":
        monkeypatch.setenv("AWS_CA_BUNDLE" if by == "environment" else "REQUESTS_CA_BUNDLE", bundle)
    connection = connect(profile="p")
    assert connection.ca_bundle() == bundle
    with pytest.raises(Problem, match=bundle):
        connection.caller()


def test_a_proxy_of_the_environment_is_used(
    no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch, listener: Listener
) -> None:
    config(no_aws_settings, f"[profile p]\nregion=eu-west-1\nmax_attempts=1\n{KEYS}")
    monkeypatch.setenv("HTTPS_PROXY", listener.url)
    with pytest.raises(Problem, match="proxy"):
        connect(profile="p").caller()
    assert listener.visitors == 1


@pytest.mark.parametrize("said", ["407 Proxy Authentication Required", "403 Forbidden"])
def test_a_proxy_that_refuses_is_named_without_its_password(
    no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    config(no_aws_settings, f"[profile p]\nregion=eu-west-1\nmax_attempts=1\n{KEYS}")
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def refuse() -> None:
            with suppress(OSError):
                while True:
                    visitor, _ = proxy.accept()
                    with visitor:
                        visitor.recv(65_536)
                        visitor.sendall(f"HTTP/1.1 {said}\r\nContent-Length: 0\r\n\r\n".encode())

        Thread(target=refuse, daemon=True).start()
        address = f"127.0.0.1:{proxy.getsockname()[1]}"
        monkeypatch.setenv("HTTPS_PROXY", f"http://someone:not-to-be-told@{address}")
        with pytest.raises(AwsProblem) as raised:
            connect(profile="p").caller()
        with pytest.raises(Problem) as sign_in:
            private_get(Host("signin.aws.amazon.com"), Secret("/federation"))
        proxy.shutdown(socket.SHUT_RDWR)
    told = f"{raised.value} {raised.value.next_step} {sign_in.value}"
    assert f"The HTTP proxy http://{address}" in told
    assert "not-to-be-told" not in told
    assert "someone" not in told
    assert said[:3] in str(raised.value)
    assert ("asks for credentials" in told) is said.startswith("407")
    assert ("the proxy asks for credentials (407)" in str(sign_in.value)) is said.startswith("407")


def test_the_region_is_that_of_aws_region_before_that_of_aws_default_region(
    no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the AWS CLI; also for the calls that get a profile its credentials, which botocore makes by itself."""
    config(no_aws_settings, f"[profile p]\nrole_arn={ROLE}\nsource_profile=b\n[profile b]\nregion=eu-north-1\n")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert SdkSession("p").get_config_variable("region") == "eu-west-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    assert SdkSession("p").get_config_variable("region") == "eu-west-1"
    monkeypatch.delenv("AWS_REGION")
    assert SdkSession("p").get_config_variable("region") == "us-west-2"


def test_a_config_is_parsed_once_however_often_a_call_fails(
    no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch, fault_proxy: FaultProxy
) -> None:
    config(no_aws_settings, f"[profile p]\nregion=eu-west-1\n{KEYS}")
    aws = connect(fault_proxy.url, profile="p")
    monkeypatch.setattr("configparser.RawConfigParser.read", lambda *_: pytest.fail("it was parsed again"))
    fault_proxy.on("GetCallerIdentity", error(403, "AccessDenied"))
    with pytest.raises(Problem, match=r"AccessDenied|may not|denied"):
        aws.caller()


def test_a_container_token_is_shown_to_the_container(
    no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault_proxy: FaultProxy
) -> None:
    (tmp_path / "token").write_text("t0ken")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{fault_proxy.url}/creds")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
    seen: list[str] = []

    def rule(call: Any) -> Answer:
        seen.append({name.lower(): value for name, value in call.headers.items()}.get("authorization", ""))
        expires = "2099-01-01T00:00:00Z"
        keys = {"AccessKeyId": "ASIA", "SecretAccessKey": "s", "Token": "t", "Expiration": expires}
        return Answer(200, json.dumps(keys).encode(), "application/json")

    fault_proxy.rules.append(rule)
    assert connect(profile=None, region="eu-west-1").is_temporary()
    assert seen[0] == "t0ken"


@pytest.mark.slow
def test_a_config_with_thousands_of_profiles_is_read(no_aws_settings: Path) -> None:
    profile = "[profile account-{}]\nsso_session = corp\n# a comment\ns3 =\n  a = b\nregion: eu-west-1\n{}\n"
    config(no_aws_settings, "".join(profile.format(number, KEYS) for number in range(5_000)))
    assert connect(profile="account-4999").region == "eu-west-1"


SSO_PROFILE = (
    "[sso-session corp]\nsso_start_url=https://x.awsapps.com/start\nsso_region=eu-west-1\n"
    f"[profile s]\nregion=eu-west-1\nsso_session=corp\nsso_account_id={ACCOUNT}\nsso_role_name=dev\n"
)


def keep_sign_in(monkeypatch: pytest.MonkeyPatch, home: Path, folder: Path, by: str, content: str) -> Path:
    """The profile s, signed in as the AWS CLI notes it, and one with a role that starts from it."""
    monkeypatch.setattr("iamtui.aws.sdk_settings.LOGIN_FOLDER", str(folder))
    monkeypatch.setattr("botocore.credentials.EC", object())
    monkeypatch.setenv("AWS_LOGIN_CACHE_DIRECTORY", str(folder))
    signs_in = "[profile s]\nlogin_session=me\nregion=eu-west-1\n" if by == "login" else SSO_PROFILE
    if by == "old sso":
        signs_in = signs_in.replace("sso_session=corp", "sso_start_url=corp\nsso_region=eu-west-1")
    config(home, f"{signs_in}[profile role]\nregion=eu-west-1\nrole_arn={ROLE}\nsource_profile=s\n")
    name = hashlib.sha256(b"me") if by == "login" else hashlib.sha1(b"corp", usedforsecurity=False)
    path = folder / f"{name.hexdigest()}.json"
    path.write_text(content)
    return path


SIGNED_IN = {"accessToken": "a", "expiresAt": f"{SOON:%Y-%m-%dT%H:%M:%SZ}"}
LOGIN_KEYS = {"accessKeyId": "ASIALOGIN", "secretAccessKey": "s", "sessionToken": "t", "accountId": ACCOUNT}
LOGIN_KEYS["expiresAt"] = SIGNED_IN["expiresAt"]
LOGIN = {"accessToken": LOGIN_KEYS, "refreshToken": "r", "dpopKey": "k", "clientId": "c"}


@pytest.mark.parametrize("held", ["[]", "x", "", '{"accessToken": "hunter2", "expiresAt": 7}', '{"accessToken": 5}'])
@pytest.mark.parametrize("by", ["sso", "old sso", "login"])
@pytest.mark.parametrize("profile", ["s", "role"])
def test_a_damaged_file_of_a_sign_in_gets_one_sentence(
    no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sent: Sent, by: str, held: str, profile: str
) -> None:
    keep_sign_in(monkeypatch, no_aws_settings, tmp_path, by, held)
    with pytest.raises(Problem) as caught:
        connect(profile=profile).caller()
    assert f"aws {'login' if by == 'login' else 'sso login'} --profile s" in caught.value.next_step
    assert "hunter2" not in str(caught.value)
    assert sent.requests == []


@pytest.mark.parametrize("by", ["file", "environment"])
def test_web_identity(
    no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sent: Sent, by: str
) -> None:
    token = tmp_path / "token"
    token.write_text("a.b.c")
    if by == "file":
        config(no_aws_settings, f"[profile p]\nregion=eu-west-1\nrole_arn={ROLE}\nweb_identity_token_file={token}\n")
    else:
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
        monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    connect(profile="p" if by == "file" else None).caller()
    assert [signed_by(request) if "Authorization" in request.headers else "" for request in sent.requests] == [
        "",
        "ASIAWEB",
    ]


def test_identity_center(no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sent: Sent) -> None:
    config(
        no_aws_settings,
        "[sso-session corp]\nsso_start_url=https://x.awsapps.com/start\nsso_region=eu-west-1\n"
        f"[profile p]\nregion=eu-west-1\nsso_session=corp\nsso_account_id={ACCOUNT}\nsso_role_name=dev\n",
    )
    monkeypatch.setattr("iamtui.aws.sdk_settings.LOGIN_FOLDER", str(tmp_path))
    name = hashlib.sha1(b"corp", usedforsecurity=False).hexdigest()
    (tmp_path / f"{name}.json").write_text(json.dumps(SIGNED_IN))
    role = {"accessKeyId": "ASIASSO", "secretAccessKey": "s", "sessionToken": "t"}
    role["expiration"] = int(SOON.timestamp() * 1000)  # type: ignore[assignment]
    sent.answers["portal.sso"] = json.dumps({"roleCredentials": role})
    connect(profile="p").caller()
    assert sent.urls == [
        "https://portal.sso.eu-west-1.amazonaws.com/federation/credentials",
        "https://sts.eu-west-1.amazonaws.com/",
    ]
    assert signed_by(sent.requests[1]) == "ASIASSO"


def test_aws_login(no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sent: Sent) -> None:
    config(no_aws_settings, "[profile p]\nregion=eu-west-1\nlogin_session=me\n")
    monkeypatch.setattr("botocore.credentials.EC", object())
    monkeypatch.setenv("AWS_LOGIN_CACHE_DIRECTORY", str(tmp_path))
    (tmp_path / f"{hashlib.sha256(b'me').hexdigest()}.json").write_text(json.dumps(LOGIN))
    connect(profile="p").caller()
    assert signed_by(sent.requests[0]) == "ASIALOGIN"


class _Machine(BaseHTTPRequestHandler):
    """The credentials of a container and of an instance."""

    def do_PUT(self) -> None:
        self._answer("token")

    def do_GET(self) -> None:
        keys = {"AccessKeyId": f"ASIA{'CONTAINER' if 'mine' in self.path else 'INSTANCE'}", "SecretAccessKey": "s"}
        more = {"Token": "t", "Expiration": f"{SOON:%Y-%m-%dT%H:%M:%SZ}", "Code": "Success"}
        listing = self.path.endswith("security-credentials/")
        self._answer("role" if listing else json.dumps({**keys, **more}))

    def _answer(self, text: str) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_words: Any) -> None:
        pass


@pytest.fixture
def machine() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Machine)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("kind", ["CONTAINER", "INSTANCE"])
def test_containers_and_instances(monkeypatch: pytest.MonkeyPatch, machine: str, kind: str, listener: Listener) -> None:
    monkeypatch.setenv("HTTP_PROXY", listener.url)
    monkeypatch.setenv("http_proxy", listener.url)
    if kind == "CONTAINER":
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{machine}/mine")
    else:
        monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", machine)
        with pytest.raises(Problem, match="would go through the proxy") as caught:
            connect(region="eu-west-1")
        assert "no_proxy" in caught.value.next_step
        monkeypatch.setenv("no_proxy", "127.0.0.1")
    connection = connect(region="eu-west-1")
    assert connection.is_temporary()
    assert connection._botocore_session().get_credentials().access_key == f"ASIA{kind}"
    assert listener.visitors == 0, "credentials in the clear are for no proxy"
