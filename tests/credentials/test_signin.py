"""Signing in to the console: which hosts are asked what, and that neither credentials nor URL go anywhere else."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from iamtui.aws.caller import CallerIdentity
from iamtui.credentials import console_url as signin
from iamtui.credentials.console_url import SITES, Host, console_page, console_site, private_get, sign_in, sign_in_host
from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.secret import Secret
from tests.credentials.test_leaks import log, shown_everywhere
from tests.support.fault_proxy import Answer, Fault, FaultProxy, Reset, Stall
from tests.support.federation import SIGN_IN_TOKEN, Federation
from tests.support.sts_answers import SECRET_KEY, TOKEN
from tests.support.tls_server import connect_proxy, tls_server

__all__ = ["log"]

NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)
ARN = "arn:{}:iam::123456789012:role/team/deploy"
SECRETS = (SECRET_KEY, "wJalrXUtnFEMI%2FK7MDENG", TOKEN[:30], SIGN_IN_TOKEN)


def session(partition: str = "aws", **more: object) -> Session:
    values: dict[str, object] = {
        "role_arn": ARN.format(partition),
        "session_name": "alice",
        "access_key_id": "ASIAIOSFODNN7EXAMPLE",
        "secret_access_key": Secret(SECRET_KEY),
        "session_token": Secret(TOKEN),
        "expires_at": NOW + timedelta(hours=1),
        "assumed_at": NOW,
        "identity": CallerIdentity(f"arn:{partition}:sts::123456789012:assumed-role/deploy/alice", "123456789012", "A"),
        "from_long_term": True,
    }
    return Session(**(values | more))  # type: ignore[arg-type]


def clock() -> datetime:
    return NOW


def leaked(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


# Where.


@pytest.mark.parametrize(
    ("partition", "region", "sign_in_name", "regional", "home"),
    [
        ("aws", "", "signin.aws.amazon.com", "signin.aws.amazon.com", "console.aws.amazon.com"),
        (
            "aws",
            "us-east-1",
            "signin.aws.amazon.com",
            "signin.aws.amazon.com",
            "us-east-1.console.aws.amazon.com",
        ),
        (
            "aws",
            "eu-west-1",
            "signin.aws.amazon.com",
            "eu-west-1.signin.aws.amazon.com",
            "eu-west-1.console.aws.amazon.com",
        ),
        ("aws", "cn-north-1", "signin.aws.amazon.com", "signin.aws.amazon.com", "console.aws.amazon.com"),
        (
            "aws-us-gov",
            "us-gov-west-1",
            "signin.amazonaws-us-gov.com",
            "us-gov-west-1.signin.amazonaws-us-gov.com",
            "us-gov-west-1.console.amazonaws-us-gov.com",
        ),
        (
            "aws-us-gov",
            "us-east-1",
            "signin.amazonaws-us-gov.com",
            "signin.amazonaws-us-gov.com",
            "console.amazonaws-us-gov.com",
        ),
        (
            "aws-cn",
            "cn-north-1",
            "signin.amazonaws.cn",
            "cn-north-1.signin.amazonaws.cn",
            "cn-north-1.console.amazonaws.cn",
        ),
        (
            "aws-eusc",
            "",
            "eusc-de-east-1.signin.amazonaws-eusc.eu",
            "eusc-de-east-1.signin.amazonaws-eusc.eu",
            "eusc-de-east-1.console.amazonaws-eusc.eu",
        ),
    ],
)
def test_hosts_come_from_a_table(partition: str, region: str, sign_in_name: str, regional: str, home: str) -> None:
    held = session(partition, region=region)
    site = console_site(partition)
    assert sign_in_host(held, site, regional=False) == Host(sign_in_name)
    assert sign_in_host(held, site, regional=True) == Host(regional)
    assert urlsplit(console_page(held, "")).hostname == home
    assert console_page(held, "iam").startswith(f"https://{home}/iam/home")


@pytest.mark.parametrize("region", ["eu-west-1.evil.com/", "eu-west-1/", "@evil.com", "x" * 100])
def test_a_region_makes_no_host(region: str) -> None:
    for partition, site in SITES.items():
        for regional in (False, True):
            assert sign_in_host(session(partition, region=region), site, regional=regional).name.endswith(site.sign_in)
        assert (urlsplit(site.address("", region)).hostname or "").endswith(site.console)


@pytest.mark.parametrize(
    ("wanted", "page"),
    [
        ("", "https://eu-west-1.console.aws.amazon.com/console/home?region=eu-west-1"),
        ("s3", "https://eu-west-1.console.aws.amazon.com/s3/home?region=eu-west-1"),
        ("sqs", "https://eu-west-1.console.aws.amazon.com/sqs/v3/home?region=eu-west-1"),
        ("/iam/home#/roles/x", "https://eu-west-1.console.aws.amazon.com/iam/home#/roles/x"),
        ("//evil.com", "https://eu-west-1.console.aws.amazon.com//evil.com"),
        ("/go?to=https://x", "https://eu-west-1.console.aws.amazon.com/go?to=https://x"),
        ("https://s3.console.aws.amazon.com/s3/x", "https://s3.console.aws.amazon.com/s3/x"),
        ("https://console.aws.amazon.com/", "https://console.aws.amazon.com/"),
    ],
)
def test_pages_of_the_console(wanted: str, page: str) -> None:
    assert console_page(session(region="eu-west-1"), wanted) == page


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.com/",
        "https://console.aws.amazon.com.evil.com/",
        "https://evilconsole.aws.amazon.com/",
        "https://evil.com/console.aws.amazon.com",
        "https://console.amazonaws.cn/",
        "https://a@console.aws.amazon.com/",
        "https://console.aws.amazon.com@evil.com/",
        "https://console.aws.amazon.com:444/",
        "https://console.aws.amazon.com:x/",
        "http://console.aws.amazon.com/",
        "https://[console.aws.amazon.com/",
        "https://-.console.aws.amazon.com/",
        "https://evil.com\\.console.aws.amazon.com/",
        "javascript:alert(1)",
        "s3 x",
        "s3/home",
        "/a\nb",
        "/\x1b]52;c;x",
        "/é",
        "/" + "x" * 2001,
    ],
)
def test_other_places_are_refused(wanted: str) -> None:
    with pytest.raises(Problem) as problem:
        console_page(session(), wanted)
    assert "Give the name of a service" in problem.value.next_step
    assert str(problem.value).isprintable()


@pytest.mark.parametrize("partition", ["aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"])
def test_isolated_partitions_are_refused_with_a_sentence(partition: str) -> None:
    with pytest.raises(Problem, match=f"partition {partition} signs in is not public"):
        sign_in(session(partition), clock=clock)
    with pytest.raises(Problem, match="There is no partition aws-mars"):
        sign_in(session("aws-mars"), clock=clock)


# What is asked, and what comes of it.


def test_the_url_is_the_documented_one(federation: Federation) -> None:
    made = sign_in(session(region="eu-west-1"), wanted="iam", clock=clock)
    asked = {**federation.asked[0]}
    assert json.loads(asked.pop("Session")) == {
        "sessionId": "ASIAIOSFODNN7EXAMPLE",
        "sessionKey": SECRET_KEY,
        "sessionToken": TOKEN,
    }
    assert asked == {"Action": "getSigninToken"}
    url = urlsplit(made.url.reveal())
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{federation.host.origin}/federation"
    assert parse_qs(url.query) == {
        "Action": ["login"],
        "Issuer": ["iamtui"],
        "Destination": ["https://eu-west-1.console.aws.amazon.com/iam/home?region=eu-west-1"],
        "SigninToken": [SIGN_IN_TOKEN],
    }
    assert made.lasts == "as long as the credentials: 1h 00m"
    assert leaked(repr(made)) == []


def test_a_duration_is_sent_only_where_aws_takes_it(federation: Federation) -> None:
    made = sign_in(session(), seconds=7200, clock=clock)
    assert federation.asked[-1]["SessionDuration"] == "7200"
    assert made.lasts == "for 2h 00m, longer than the credentials: only cutting the role's sessions off ends it before"
    assert sign_in(session(), seconds=1800, clock=clock).lasts == "for 30m 00s"
    with pytest.raises(Problem, match="role chaining"):
        sign_in(session(from_long_term=False), seconds=7200, clock=clock)
    for seconds in (0, 899, 43_201):
        with pytest.raises(Problem, match="Give 15m to 12h"):
            sign_in(session(), seconds=seconds, clock=clock)
    assert len(federation.asked) == 2
    federation.chained = True
    sign_in(session(from_long_term=False), clock=clock)
    assert "SessionDuration" not in federation.asked[-1]


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (session(demo=True), "The demo account has no AWS console"),
        (session(expires_at=NOW), "has expired"),
        (session(identity_error="it is somebody else"), "Nothing is handed over"),
        (session(session_token=Secret(TOKEN + "\n")), "characters that no session token has"),
    ],
)
def test_what_has_no_console_is_not_sent(held: Session, said: str, federation: Federation) -> None:
    with pytest.raises(Problem, match=said):
        sign_in(held, clock=clock)
    assert federation.asked == []


def test_credentials_of_an_emulator_are_not_sent_to_aws() -> None:
    with pytest.raises(Problem, match=r"http://127.0.0.1:5000, which is not AWS"):
        sign_in(session(endpoint_url="http://127.0.0.1:5000"), clock=clock)


# What can go wrong.


def body(text: str | bytes, status: int = 200) -> Answer:
    return Answer(status, text.encode() if isinstance(text, str) else text, "application/json")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (body("Invalid credentials parameter", 400), "refused the credentials (HTTP 400"),
        (body(f"you sent {SECRET_KEY}", 403), "refused the credentials (HTTP 403"),
        (body("", 500), "failed (HTTP 500"),
        (body(SIGN_IN_TOKEN, 204), "HTTP 204"),
        (body("<html>"), "without a sign-in token"),
        (body(""), "without a sign-in token"),
        (body("[]"), "without a sign-in token"),
        (body('{"SigninToken": null}'), "without a sign-in token"),
        (body('{"SigninToken": ""}'), "without a sign-in token"),
        (body(json.dumps({"SigninToken": SIGN_IN_TOKEN + "&Destination=https://evil"})), "without a sign-in token"),
        (body(json.dumps({"SigninToken": SIGN_IN_TOKEN + "\n"})), "without a sign-in token"),
        (body("[" * 20_000), "without a sign-in token"),
        (body(b"\xff\xfe"), "without a sign-in token"),
        (body(b"x" * 70_000), "more than 65,536 bytes"),
        (Reset(), "cannot be asked"),
    ],
)
def test_bad_answers_are_one_sentence_without_secrets(
    fault: Fault, said: str, federation: Federation, log: io.StringIO
) -> None:
    federation.fault = fault
    with pytest.raises(Problem) as problem:
        sign_in(session(), clock=clock)
    assert said in problem.value.sentence
    assert leaked(shown_everywhere(problem.value)) == []
    assert leaked(log.getvalue()) == []


def test_a_refused_duration_can_be_left_out(federation: Federation) -> None:
    federation.chained = True
    with pytest.raises(Problem, match=r"AWS takes it only where .* long-term keys of a user"):
        sign_in(session(), seconds=3600, clock=clock)


def test_a_redirect_is_not_followed(federation: Federation, fault_proxy: FaultProxy) -> None:
    federation.fault = Answer(302, b"", headers={"Location": f"{fault_proxy.url}/elsewhere"})
    with pytest.raises(Problem, match=r"sent us elsewhere .HTTP 302., where the credentials were not taken"):
        sign_in(session(), clock=clock)
    assert len(fault_proxy.calls) == 1


def test_silence_ends(federation: Federation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signin, "READ_SECONDS", 0.05)
    federation.fault = Stall()
    with pytest.raises(Problem, match="does not answer in time"):
        sign_in(session(), clock=clock)


def test_an_answer_drop_by_drop_ends(federation: Federation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signin, "WHOLE_SECONDS", -1)
    with pytest.raises(Problem, match="does not answer in time"):
        sign_in(session(), clock=clock)


def test_nothing_goes_without_tls_to_another_machine() -> None:
    with pytest.raises(Problem, match="is not asked without TLS"):
        private_get(Host("localhost", 1, tls=False), Secret("/"))


def test_nobody_there() -> None:
    with pytest.raises(Problem, match="cannot be asked: Connection refused"):
        private_get(Host("127.0.0.1", 1, tls=False), Secret("/"))


def test_nothing_is_logged(federation: Federation, log: io.StringIO) -> None:
    sign_in(session(), clock=clock)
    assert leaked(log.getvalue()) == []


# TLS and proxies.

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n" + b'{"SigninToken":"x"}'


def ask(host: Host, ca_bundle: Path | None = None) -> str:
    answer = private_get(host, Secret("/federation?Session=s3cret"), ca_bundle=str(ca_bundle or ""))
    assert answer.status == 200
    return answer.text.reveal()


def test_a_certificate_that_nobody_vouches_for_is_sent_nothing(tmp_path: Path) -> None:
    with tls_server(tmp_path, GOOD) as server:
        with pytest.raises(Problem, match=r"no certificate that is trusted here .*nothing was sent") as problem:
            ask(Host("localhost", server.port))
        assert "s3cret" not in shown_everywhere(problem.value)
        assert server.received == []
        assert ask(Host("localhost", server.port), server.certificate) == '{"SigninToken":"x"}'
        assert b"s3cret" in server.received[0]
        with pytest.raises(Problem, match="cannot be read: No such file"):
            ask(Host("localhost", server.port), tmp_path / "nothing")


def test_a_certificate_of_another_host_is_sent_nothing(tmp_path: Path) -> None:
    with tls_server(tmp_path, GOOD, name="other.example") as server:
        with pytest.raises(Problem, match="no certificate that is trusted here"):
            ask(Host("localhost", server.port), server.certificate)
        assert server.received == []


def test_a_proxy_sees_the_name_of_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with tls_server(tmp_path, GOOD) as server, connect_proxy(server.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://us%40er:pass@127.0.0.1:{proxy.port}")
        ask(Host("localhost", server.port), server.certificate)
        assert proxy.asked[0].startswith(f"CONNECT localhost:{server.port} HTTP/1.".encode())
        assert b"Proxy-Authorization: Basic dXNAZXI6cGFzcw==" in proxy.asked[0]
        assert b"s3cret" not in proxy.asked[0]
        monkeypatch.setenv("NO_PROXY", "localhost")
        ask(Host("localhost", server.port), server.certificate)
        assert len(proxy.asked) == 1
        monkeypatch.delenv("NO_PROXY")
        monkeypatch.setenv("HTTPS_PROXY", f"https://127.0.0.1:{proxy.port}")
        with pytest.raises(Problem, match="proxy for https is not an http:// URL"):
            ask(Host("localhost", server.port), server.certificate)


@pytest.mark.parametrize(
    "proxy", ["http://user:pa#ss@proxy:8080", "http://proxy:99999", "http://[::1", f"http://{'a' * 64}.example:80"]
)
def test_a_proxy_that_is_not_a_url_is_said(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(Problem, match="URL of the proxy for https cannot be used") as raised:
        private_get(Host("signin.aws.amazon.com"), Secret("/federation"))
    assert raised.value.__context__ is None
    assert proxy not in str(raised.value)


# How the session came about.


@pytest.mark.parametrize("broken", [False, True])
def test_a_caller_whose_keys_are_unknown_counts_as_temporary(broken: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from iamtui.aws.connection import Connection
    from tests.credentials.test_leaks import assumed

    def no(_self: Connection) -> bool:
        raise Problem("no")

    assert assumed().from_long_term
    temporary: Callable[[Connection], bool] = no if broken else lambda _self: True
    monkeypatch.setattr(Connection, "is_temporary", temporary)
    assert not assumed().from_long_term


def test_a_session_keeps_what_decides_about_the_console() -> None:
    held = replace(session(), identity=None)
    assert signin.may_choose_duration(held)
    assert not signin.may_choose_duration(replace(held, from_long_term=False))
