from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.credentials
import pytest
from botocore.hooks import HierarchicalEmitter
from botocore.signers import RequestSigner

from iamtui.aws import session as sdk_session
from iamtui.aws.session import asks_metadata_service, parse_timestamp
from iamtui.problem import Problem
from tests.support.connecting import Listener, config, connect, run_it
from tests.support.fault_proxy import FaultProxy
from tests.support.moto_server import ACCOUNT, KEY_ID, SECRET, MotoServer, trust


def test_a_configured_endpoint_is_ignored(
    no_aws_settings: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch, fault_proxy: FaultProxy
) -> None:
    config(
        no_aws_settings,
        f"[profile dev]\naws_access_key_id=A\naws_secret_access_key=B\nregion=eu-west-1\n"
        f"endpoint_url={listener.url}\nservices=s\n[services s]\nsts =\n  endpoint_url={listener.url}\n",
    )
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_ENDPOINT_URL", listener.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", listener.url)

    assert connect(profile="dev").client("sts").meta.endpoint_url == "https://sts.eu-west-1.amazonaws.com"
    assert connect(fault_proxy.url, profile="dev").caller().account
    assert len(fault_proxy.calls) == 1
    assert listener.visitors == 0


def test_the_calls_of_botocore_itself_ignore_it_too(
    no_aws_settings: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profile that assumes a role makes botocore call STS: not where a config file sends it."""
    config(
        no_aws_settings,
        f"[profile base]\naws_access_key_id=A\naws_secret_access_key=B\n"
        f"[profile dev]\nrole_arn=arn:aws:iam::{ACCOUNT}:role/r\nsource_profile=base\nregion=eu-west-1\n"
        f"endpoint_url={listener.url}\n",
    )
    urls: list[str] = []

    def note(self: Any, request: Any) -> Any:
        urls.append(request.url)
        raise OSError("no network in tests")

    monkeypatch.setattr("iamtui.aws.http.HttpSender.send", note)
    with pytest.raises(Problem):
        connect(profile="dev").caller()

    assert urls
    assert all(url.startswith("https://sts.eu-west-1.amazonaws.com") for url in urls)
    assert listener.visitors == 0


def test_the_calls_of_botocore_itself_go_to_the_endpoint_that_is_given(
    no_aws_settings: Path, moto: MotoServer, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    moto.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    config(
        no_aws_settings,
        f"[profile base]\naws_access_key_id={KEY_ID}\naws_secret_access_key={SECRET}\n"
        f"[profile dev]\nrole_arn=arn:aws:iam::{ACCOUNT}:role/r\nsource_profile=base\nregion=eu-west-1\n",
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    assert ":assumed-role/r/" in connect(profile="dev", url=fault_proxy.url).caller().arn
    assert fault_proxy.operations() == ["AssumeRole", "GetCallerIdentity"]


def test_a_sign_in_at_aws_is_refused_beside_an_endpoint(
    no_aws_settings: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    config(
        no_aws_settings,
        "[profile dev]\nsso_start_url=https://x.awsapps.com/start\nsso_region=eu-west-1\n"
        f"sso_account_id={ACCOUNT}\nsso_role_name=dev\nregion=eu-west-1\n",
    )
    monkeypatch.setattr("iamtui.aws.http.HttpSender.send", lambda *_: pytest.fail("something was called"))
    with pytest.raises(Problem, match="signs in at AWS itself, and with --endpoint-url nothing but the endpoint"):
        connect(profile="dev", url=listener.url).caller()


def test_a_proxy_of_the_environment_does_not_see_loopback_calls(
    moto: MotoServer, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", listener.url)
    monkeypatch.setenv("http_proxy", listener.url)

    assert connect(moto.url).caller().account == ACCOUNT
    assert listener.visitors == 0


def test_only_the_chosen_profile_runs_its_command(no_aws_settings: Path, tmp_path: Path) -> None:
    marker, chosen = tmp_path / "other", tmp_path / "chosen"
    answer = '{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "B"}'
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch \"$1\"\necho '{answer}'\n")
    script.chmod(0o700)
    config(
        no_aws_settings,
        f"[default]\ncredential_process={script} {marker}\n"
        f"[profile other]\ncredential_process={script} {marker}\n"
        f"[profile good]\ncredential_process={script} {chosen}\n",
    )

    assert connect(profile="good", approve=run_it).profile == "good"
    assert chosen.exists()
    assert not marker.exists()


@pytest.mark.parametrize(
    "lacks", ["ProfileProviderBuilder._create_process_provider", "ProcessProvider.METHOD", "AssumeRoleProvider.METHOD"]
)
def test_a_botocore_of_other_providers_runs_no_command(
    no_aws_settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacks: str
) -> None:
    """One that is newer than this iamtui may have them under other names: nothing is run past the approval."""
    config(no_aws_settings, f"[profile p]\ncredential_process=touch {tmp_path / 'ran'}\n")
    owner, name = lacks.split(".")
    kind: Any = getattr(botocore.credentials, owner)
    if name == "METHOD":
        monkeypatch.setattr(kind, name, "renamed")
    else:
        monkeypatch.setattr(kind, "_renamed", getattr(kind, name), raising=False)
        monkeypatch.setattr(kind, "providers", lambda self, profile_name, **_more: [self._renamed(profile_name)])
        monkeypatch.delattr(kind, name)
    with pytest.raises(Problem):
        connect(profile="p").caller()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("false", "credential_process"),
        ("/no/such/program", ""),
        ("echo nonsense", "credential_process"),
        ("echo '{\"Version\": 9}'", "credential_process"),
    ],
)
def test_a_command_that_fails_is_said(no_aws_settings: Path, command: str, says: str) -> None:
    config(no_aws_settings, f"[profile broken]\ncredential_process={command}\n")

    with pytest.raises(Problem) as raised:
        connect(profile="broken", approve=run_it).caller()

    assert says in raised.value.sentence
    assert raised.value.next_step


@pytest.mark.parametrize(
    ("settings", "says", "step"),
    [
        ("sso_session=corp\nsso_account_id=1\nsso_role_name=r", "Identity Center", "aws sso login --profile p"),
        (f"role_arn=arn:aws:iam::{ACCOUNT}:role/r\nsource_profile=gone", '"gone"', "Correct the file"),
        (f"role_arn=arn:aws:iam::{ACCOUNT}:role/r", "incomplete", "Complete them"),
        ("aws_access_key_id=A", "incomplete", "Complete them"),
        (f"role_arn=arn:aws:iam::{ACCOUNT}:role/r\nweb_identity_token_file=/no/token", "/no/token", "Correct"),
        ("", "has no credentials", "--demo"),
    ],
)
def test_profiles_that_give_no_credentials(
    no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: str, says: str, step: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    session = "[sso-session corp]\nsso_start_url=https://example.awsapps.com/start\nsso_region=eu-west-1\n"
    config(no_aws_settings, f"{session}[profile p]\nregion=eu-west-1\n{settings}\n")

    with pytest.raises(Problem) as raised:
        connect(profile="p").caller()

    assert says in raised.value.sentence
    assert step in raised.value.next_step


def test_profiles_that_lead_in_a_circle(no_aws_settings: Path) -> None:
    role = f"role_arn=arn:aws:iam::{ACCOUNT}:role/r"
    config(no_aws_settings, f"[profile a]\n{role}\nsource_profile=b\n[profile b]\n{role}\nsource_profile=a\n")

    with pytest.raises(Problem, match="circle"):
        connect(profile="a")


def test_a_config_file_that_is_none(no_aws_settings: Path) -> None:
    config(no_aws_settings, "[profile a\nx")

    with pytest.raises(Problem, match="cannot be read"):
        connect(profile="a")


def test_an_mfa_code_is_never_asked_for_on_the_terminal(no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config(
        no_aws_settings,
        f"[profile base]\naws_access_key_id=A\naws_secret_access_key=B\n"
        f"[profile dev]\nrole_arn=arn:aws:iam::{ACCOUNT}:role/r\nsource_profile=base\nregion=eu-west-1\n"
        f"mfa_serial=arn:aws:iam::{ACCOUNT}:mfa/me\n",
    )
    asked: list[str] = []
    monkeypatch.setattr("getpass.getpass", lambda *text: asked.append(str(text)) or "123456")

    with pytest.raises(Problem, match="MFA code"):
        connect(profile="dev").caller()
    assert asked == []


@pytest.mark.parametrize(
    ("environ", "vendor", "asks"),
    [
        ({}, "Dell Inc.", False),
        ({}, "Amazon EC2", True),
        ({"AWS_EC2_METADATA_DISABLED": "true"}, "Amazon EC2", False),
        ({"AWS_EC2_METADATA_DISABLED": "false"}, "Dell Inc.", True),
        ({"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1"}, "Dell Inc.", True),
    ],
)
def test_the_metadata_service_is_asked_where_there_is_one(
    tmp_path: Path, environ: dict[str, str], vendor: str, asks: bool
) -> None:
    (tmp_path / "vendor").write_text(vendor + "\n")

    assert asks_metadata_service(environ, tmp_path / "vendor") is asks
    assert asks_metadata_service({}, tmp_path / "missing") is False


def test_the_metadata_service_is_out_of_the_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the metadata service was asked")

    monkeypatch.setattr("botocore.utils.InstanceMetadataFetcher.retrieve_iam_role_credentials", refuse)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "")
    monkeypatch.setattr("iamtui.aws.session.asks_metadata_service", lambda _environ: False)

    with pytest.raises(Problem, match="No AWS credentials"):
        connect()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2024-03-01T10:00:00Z", datetime(2024, 3, 1, 10, tzinfo=UTC)),
        ("2024-03-01T10:00:00.123Z", datetime(2024, 3, 1, 10, 0, 0, 123000, tzinfo=UTC)),
        ("2024-03-01T12:00:00+02:00", datetime(2024, 3, 1, 10, tzinfo=UTC)),
        ("Fri, 01 Mar 2024 10:00:00 GMT", datetime(2024, 3, 1, 10, tzinfo=UTC)),
        (1709287200, datetime(2024, 3, 1, 10, tzinfo=UTC)),
        ("1709287200", datetime(2024, 3, 1, 10, tzinfo=UTC)),
        ("20240301", datetime(1970, 8, 23, 6, 18, 21, tzinfo=UTC)),
        ("2024-03-01T10:00:00", datetime(2024, 3, 1, 10, tzinfo=UTC)),
        ("2024-03-01T10:00:00.1234567Z", datetime(2024, 3, 1, 10, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_timestamps_of_every_protocol(text: Any, read: datetime) -> None:
    assert parse_timestamp(text) == read
    assert parse_timestamp(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["1 Jan 2024,,,,", "Thursday, January 01, 2024 at m", "1e40", "nan", "", "0" * 41, None]
)
def test_what_is_no_timestamp_is_not_guessed_at(text: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Its guesses take 150 microseconds each, of which a page could ask for hundreds of thousands.
    monkeypatch.setattr("dateutil.parser.parse", lambda *_args, **_more: pytest.fail("dateutil was asked"))
    with pytest.raises(ValueError, match="timestamp"):
        parse_timestamp(text)


@pytest.mark.parametrize("hook", ["before-parameter-build", "before-sign", "before-send", "needs-retry"])
def test_a_botocore_that_calls_a_hook_no_more_is_not_used(monkeypatch: pytest.MonkeyPatch, hook: str) -> None:
    really = HierarchicalEmitter.emit

    def emit(self: Any, event_name: str, **more: Any) -> Any:
        return [] if event_name.startswith(hook) else really(self, event_name, **more)

    monkeypatch.setattr(HierarchicalEmitter, "emit", emit)
    sdk_session.check_sdk.cache_clear()
    with pytest.raises(Problem, match=rf"botocore .* lacks .*\({hook}\b.*nothing was sent") as caught:
        connect(region="eu-west-1")
    assert "Install the version of botocore" in caught.value.next_step


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("credentials.AssumeRoleProvider", "TypeError: "),
        ("signers.RequestSigner.get_auth_instance", "request_credentials"),
    ],
)
def test_a_botocore_that_takes_other_arguments_is_not_used(
    monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    really = RequestSigner.get_auth_instance

    def other(*args: Any, request_credentials: Any = None, **more: Any) -> Any:
        if not args:
            raise TypeError("an argument of another name")
        return really(*args, **more)

    monkeypatch.setattr(f"botocore.{name}", other)
    sdk_session.check_sdk.cache_clear()
    with pytest.raises(Problem, match=rf"lacks .*\({says}"):
        connect(region="eu-west-1")
