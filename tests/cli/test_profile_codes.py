"""Commands with a profile whose role takes an MFA code: asked on the terminal, and said where there is none."""

from __future__ import annotations

from pathlib import Path

from tests.support.cli_runner import Cli
from tests.support.mfa_alice import AliceWithMfa
from tests.support.mfa_profiles import SERIAL
from tests.support.program_on_terminal import in_a_terminal


def test_a_command_asks_on_its_terminal_once_for_two_profiles(alice_in_profiles: AliceWithMfa) -> None:
    alice = alice_in_profiles
    words = ["list", "users", "--profile", "dev", "--organization-profile", "ops", "--endpoint-url", alice.proxy.url]
    code, shown = in_a_terminal(*words, typed=b"123456\n")
    assert code == 0, shown
    assert shown.count(f"MFA code of {SERIAL}") == 1
    assert "alice" in shown
    assert "123456\r" not in shown
    assert [name for name in alice.operations() if name == "GetSessionToken"] == ["GetSessionToken"]


def test_a_refused_code_is_said_as_that(alice_in_profiles: AliceWithMfa) -> None:
    words = ["list", "users", "--profile", "dev", "--endpoint-url", alice_in_profiles.proxy.url]
    code, shown = in_a_terminal(*words, typed=b"999999\n")
    assert code == 2
    assert "refused the MFA code: invalid MFA one time pass code" in " ".join(shown.split())


def test_without_a_terminal_the_way_is_named(cli: Cli, alice_in_profiles: AliceWithMfa, tmp_path: Path) -> None:
    cli.monkeypatch.setattr("iamtui.cli.input.TERMINAL", tmp_path / "no-terminal")
    result = cli("list", "users", "--profile", "dev", "--endpoint-url", alice_in_profiles.proxy.url)
    result.failed_with(
        f"The profile dev needs an MFA code of {SERIAL}, and there is no terminal to ask for it.",
        "iamtui exec dev -- iamtui … in a terminal asks once, and hands the session on.",
    )
    assert alice_in_profiles.operations() == []
