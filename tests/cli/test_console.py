"""`iamtui console`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.cli.test_assume import in_a_terminal, role
from tests.support.cli_runner import Cli
from tests.support.fault_proxy import FaultProxy
from tests.support.federation import SIGN_IN_TOKEN, Federation
from tests.support.moto_server import ACCOUNT, MotoServer, trust

__all__ = ["role"]


def test_a_pipe_gets_the_url_and_nothing_else(cli: Cli, role: str, federation: Federation) -> None:
    result = cli("console", role, "--endpoint-url", federation.host.origin, "--service", "iam", "--region", "eu-west-1")
    assert result.code == 0, result
    url = urlsplit(result.out.rstrip("\n"))
    asked = parse_qs(url.query)
    assert asked["SigninToken"] == [SIGN_IN_TOKEN]
    assert asked["Destination"] == ["https://eu-west-1.console.aws.amazon.com/iam/home?region=eu-west-1"]
    assert result.out.count("\n") == 1
    assert SIGN_IN_TOKEN not in result.err
    assert "treat it as a password" in result.err
    assert "assumed-role/deploy/" in result.err
    assert "stays signed in as long as the credentials: " in result.err
    assert "SessionDuration" not in federation.asked[0]


def test_a_duration_is_for_long_term_keys_only(
    cli: Cli, role: str, moto: MotoServer, fault_proxy: FaultProxy, federation: Federation
) -> None:
    words = ("--endpoint-url", fault_proxy.url, "--console-duration")
    assert cli("console", role, *words, "7200").code == 0
    assert federation.asked[-1]["SessionDuration"] == "7200"
    cli("console", role, *words, "60").failed_with("cannot stay signed in for 1m (60 seconds)")
    moto.client("iam").create_role(RoleName="last", AssumeRolePolicyDocument=trust({"AWS": role}))
    last = f"arn:aws:iam::{ACCOUNT}:role/last"
    fault_proxy.calls.clear()
    cli("console", last, "--via", role, *words, "7200").failed_with("role chaining", "Leave it out")
    cli("console", role, *words, "43201").failed_with("Give 15m to 12h")
    assert "AssumeRole" not in fault_proxy.operations()
    assert len(federation.asked) == 1
    federation.chained = True
    assert cli("console", last, "--via", role, "--endpoint-url", fault_proxy.url).code == 0
    assert "SessionDuration" not in federation.asked[-1]


def test_copying_says_the_route_and_clears(cli: Cli, role: str, federation: Federation, tmp_path: Path) -> None:
    command = tmp_path / "clip"
    command.write_text(f"#!/bin/sh\ncat > {tmp_path}/$$.clip; echo $$.clip >> {tmp_path}/order\n")
    command.chmod(0o755)
    cli.monkeypatch.setenv("IAMTUI_CLIPBOARD_CMD", str(command))
    cli.monkeypatch.setenv("IAMTUI_CLIPBOARD_SECONDS", "1")
    result = cli("console", role, "--endpoint-url", federation.host.origin, "--copy")
    assert (result.code, result.out) == (0, ""), result
    copied = [(tmp_path / name).read_text() for name in (tmp_path / "order").read_text().split()]
    assert SIGN_IN_TOKEN in copied[0]
    assert copied[1:] == [" "]
    assert SIGN_IN_TOKEN not in result.err
    assert "your clipboard command" in result.err
    assert "Cleared in 1 s" in result.err
    assert "Overwritten through" in result.err


def test_a_copy_that_is_not_taken_back_does_not_wait(
    cli: Cli, role: str, federation: Federation, tmp_path: Path
) -> None:
    cli.monkeypatch.setenv("IAMTUI_CLIPBOARD_CMD", f"tee {tmp_path}/copied")
    cli.monkeypatch.setenv("IAMTUI_CLIPBOARD_SECONDS", "0")
    result = cli("console", role, "--endpoint-url", federation.host.origin, "--copy", "--reveal")
    assert result.code == 0
    assert (tmp_path / "copied").read_text() == result.out.rstrip("\n")
    assert "It stays there." in result.err


def test_opening_says_who_can_see_it(cli: Cli, role: str, federation: Federation, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    cli.monkeypatch.setenv("BROWSER", f"{browser} %s")
    result = cli("console", role, "--endpoint-url", federation.host.origin, "--open")
    assert (result.code, result.out) == (0, ""), result
    assert SIGN_IN_TOKEN in (tmp_path / "opened").read_text()
    assert "every user of this machine can read the URL" in result.err
    # No browser of the machine may stand in for the one that fails.
    cli.monkeypatch.setenv("BROWSER", f"{shutil.which('false')} %s")
    cli.monkeypatch.setenv("PATH", str(tmp_path))
    cli("console", role, "--endpoint-url", federation.host.origin, "--open").failed_with("No browser could be started")


def test_what_cannot_sign_in_is_told_before_anything_is_assumed(
    cli: Cli, role: str, fault_proxy: FaultProxy, snapshot: str
) -> None:
    cli("console", "ops-readonly", "--demo").failed_with("The demo account has no AWS console", "--profile")
    cli("console", role, "--snapshot", snapshot).failed_with("A snapshot has no credentials")
    cli("console", role, "--endpoint-url", fault_proxy.url, "--service", "a b").failed_with("cannot be an address")
    assert "AssumeRole" not in fault_proxy.operations()


def test_an_emulators_credentials_do_not_reach_aws(cli: Cli, role: str, fault_proxy: FaultProxy) -> None:
    cli("console", role, "--endpoint-url", fault_proxy.url).failed_with("which is not AWS and has no console")
    assert fault_proxy.calls == [], "nothing was assumed in vain"


def test_a_terminal_is_refused_and_told_how(role: str) -> None:
    code, shown = in_a_terminal("console", role, "--service", "iam", "--region", "eu-west-1")
    assert code == 2
    assert f"iamtui console {role} --service iam --region eu-west-1 --copy or --open" in " ".join(shown.split())


@pytest.fixture(autouse=True)
def no_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "TMUX"):
        monkeypatch.delenv(name, raising=False)
    assert os.environ.get("DISPLAY") is None
