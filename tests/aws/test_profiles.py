from __future__ import annotations

from pathlib import Path

import pytest

from iamtui.aws import profiles
from iamtui.aws.profiles import Profile
from iamtui.aws.session import available_profiles
from iamtui.problem import Problem
from tests.support.connecting import connect, run_it
from tests.support.evil_account import EVIL_CONFIG


def test_no_files_no_profiles() -> None:
    assert available_profiles() == ()


def test_profiles_say_what_they_are_and_run_nothing(no_aws_settings: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    (no_aws_settings / "config").write_text(
        f"""
[default]
region = eu-west-1
[profile admin]
role_arn = arn:aws:iam::123456789012:role/admin
source_profile = cmd
[profile cmd]
credential_process = touch {marker}
[profile sso]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = dev
[profile old-sso]
sso_start_url = https://example.awsapps.com/start
[profile web]
role_arn = arn:aws:iam::123456789012:role/web
web_identity_token_file = /token
[profile empty]
"""
    )
    (no_aws_settings / "credentials").write_text("[default]\naws_access_key_id = A\naws_secret_access_key = B\n")

    found = {profile.name: profile for profile in available_profiles()}

    assert found["default"] == Profile("default", "eu-west-1", "access key", has_keys=True)
    assert found["admin"].kind == "assumes a role"
    assert found["admin"].role_arn == "arn:aws:iam::123456789012:role/admin"
    assert found["admin"].command == f"touch {marker}"
    assert found["cmd"] == Profile("cmd", kind="runs a command", command=f"touch {marker}")
    assert found["sso"].kind == found["old-sso"].kind == "Identity Center"
    assert found["web"].kind == "web identity"
    assert found["empty"] == Profile("empty")
    assert not marker.exists()


def test_every_command_that_could_run_is_shown(no_aws_settings: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {ran}\nexit 1\n")
    script.chmod(0o700)
    (no_aws_settings / "config").write_text(
        f"""
[profile a]
role_arn = arn:aws:iam::123456789012:role/a
source_profile = b
credential_process = harmless
[profile b]
credential_process = {script}
"""
    )
    found = {profile.name: profile.command for profile in available_profiles()}
    assert not ran.exists()
    with pytest.raises(Problem):
        connect(profile="a", region="eu-central-1", approve=run_it).caller()
    assert ran.exists(), "botocore runs the command of the source profile"
    assert str(script) in found["a"]
    assert "harmless" in found["a"]


def test_source_profiles_in_a_circle_are_listed(no_aws_settings: Path) -> None:
    (no_aws_settings / "config").write_text(
        "[profile a]\nrole_arn=r\nsource_profile=b\n[profile b]\nrole_arn=r\nsource_profile=a\n"
    )

    assert [profile.command for profile in available_profiles()] == ["", ""]


def test_hostile_names_are_kept_as_they_are(no_aws_settings: Path) -> None:
    (no_aws_settings / "config").write_text(EVIL_CONFIG)

    (profile,) = available_profiles()

    assert "\x1b]52;c;cHduZWQ=\x07" in profile.name
    assert "[red]x[/]" in profile.name


@pytest.mark.parametrize("content", [b"[profile a\nx", b"\xff\xfe\x00[", b"no section = 1\n"])
def test_a_file_that_cannot_be_read_is_a_problem(no_aws_settings: Path, content: bytes) -> None:
    (no_aws_settings / "config").write_bytes(content)

    with pytest.raises(Problem) as raised:
        available_profiles()
    assert raised.value.next_step


def test_the_commands_of_a_long_chain_of_profiles_are_not_repeated_for_each(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    link = "[profile p{0}]\nsource_profile = p{1}\ncredential_process = /bin/{0}-{2}\n"
    config = tmp_path / "config"
    config.write_text("".join(link.format(number, number + 1, "x" * 19_000) for number in range(200)))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    found = available_profiles()
    assert len(found) == 200
    assert all("/bin/" in profile.command for profile in found)
    assert sum(len(profile.command) for profile in found) < 10 * config.stat().st_size


def test_a_very_long_chain_of_profiles_is_listed_quickly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    link = "[profile p{0}]\nrole_arn = arn:aws:iam::111111111111:role/r\nsource_profile = p{1}\n"
    config = tmp_path / "config"
    config.write_text("".join(link.format(number, number + 1) for number in range(5_000)))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    steps = 0

    def counted(value: object) -> str:
        nonlocal steps
        steps += 1
        return value if isinstance(value, str) else ""

    monkeypatch.setattr(profiles, "_text", counted)
    assert len(available_profiles()) == 5_000
    assert steps < 5_000 * 200
