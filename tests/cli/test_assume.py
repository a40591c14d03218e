"""`iamtui assume`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from iamtui.credentials.export import FORMATS
from tests.support import wording
from tests.support.cli_runner import Cli
from tests.support.external_tools import need
from tests.support.fault_proxy import FaultProxy, error
from tests.support.mfa_alice import AliceWithMfa
from tests.support.moto_server import ACCOUNT, MotoServer, trust
from tests.support.program_on_terminal import in_a_terminal
from tests.support.slow import all_but, one_quick

ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"


@pytest.fixture
def role(moto: MotoServer) -> str:
    moto.client("iam").create_role(RoleName="deploy", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    return ROLE


def test_prints_exports_that_a_shell_takes(cli: Cli) -> None:
    result = cli("assume", "ops-readonly", "--demo")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].startswith("# DEMO")
    assert lines[1] == "unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SECURITY_TOKEN"
    assert any(line.startswith("export AWS_SESSION_TOKEN=") for line in lines)
    assert wording.ALLOWED in result.err
    assert re.search(r"(59m \d\ds|1h 00m) left", result.err)
    assert "maya.okafor in puffin-prod; " in result.err
    assert "PRODUCTION: the role or its account is marked as such." in result.err
    cli.monkeypatch.setenv("IAMTUI_PRODUCTION", "live-*")
    assert "PRODUCTION" not in cli("assume", "ops-readonly", "--demo").err


def test_json_is_what_a_credential_process_prints(cli: Cli) -> None:
    record = cli("assume", "ops-readonly", "--format", "json", "--demo").json
    assert record["Version"] == 1
    assert record["AccessKeyId"].startswith("ASIA")


def test_eval_in_bash_gives_the_shell_the_credentials() -> None:
    need("bash")
    script = (
        f'export AWS_PROFILE=x; eval "$({sys.executable} -m iamtui assume ops-readonly --demo 2>/dev/null)";'
        'echo "${AWS_ACCESS_KEY_ID:0:4} ${AWS_PROFILE-unset} ${#AWS_SESSION_TOKEN}"'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    key, profile, token = done.stdout.split()
    assert (key, profile) == ("ASIA", "unset")
    assert int(token) > 100


FISH_SAYS = "echo (string sub -l 4 $AWS_ACCESS_KEY_ID) (set -q AWS_PROFILE; and echo set; or echo unset)"


@pytest.mark.slow
@pytest.mark.parametrize("form", all_but("eval ({0})", ["eval ({0})", "{0} | source"]))
@pytest.mark.parametrize("named", all_but("", ["", " --format fish"]))
def test_fish_takes_the_credentials_both_ways_and_by_itself(form: str, named: str, tmp_path: Path) -> None:
    need("fish")
    command = f"{sys.executable} -m iamtui assume ops-readonly --demo{named} 2>/dev/null"
    script = f"set -Ux AWS_PROFILE x; set -gx AWS_PROFILE y; {form.format(command)}; and {FISH_SAYS}"
    environ = {**os.environ, "HOME": str(tmp_path), "SHELL": "/bin/bash"}
    done = subprocess.run(["fish", "-c", script], env=environ, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("ASIA unset\n", "")


@one_quick(
    ("shell", "script"),
    [
        ("bash", 'eval "$({0})" && echo went on'),
        ("dash", 'set -e; eval "$({0})"; echo went on'),
        ("zsh", 'eval "$({0} --format zsh)" && echo went on'),
        ("fish", "eval ({0}); and echo went on"),
        ("fish", "{0} | source; and echo went on"),
    ],
)
@pytest.mark.parametrize(
    "words", all_but("pick --demo", ["assume nobody --demo", "assume --what", "pick --demo", "serve nobody --demo"])
)
def test_a_shell_stops_where_nothing_was_handed_over(shell: str, script: str, words: str) -> None:
    need(shell)
    command = f"{sys.executable} -m iamtui {words} 2>/dev/null"
    done = subprocess.run([shell, "-c", script.format(command)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")


def test_a_program_gets_nothing_but_the_sentence(cli: Cli) -> None:
    for words in (("--format", "json"), ("--format=dotenv",), ("--write-profile", "x")):
        found = cli("assume", "nobody", "--demo", *words)
        assert (found.code, found.out) == (2, "")
    assert cli("assume", "nobody", "--demo", "--format", "powershell").out.startswith("throw ")
    assert cli("assume", "nobody", "--demo", "--format", "jsno").out == "false\n"
    assert cli("serve", "nobody", "--demo", "--", "true").out == ""


def test_an_interrupted_question_lets_the_shell_fail_too(cli: Cli) -> None:
    def interrupt(_prompt: str) -> str:
        raise KeyboardInterrupt

    cli.monkeypatch.setattr("iamtui.cli.input.TERMINAL", Path(os.devnull))
    cli.monkeypatch.setattr("getpass.getpass", interrupt)
    found = cli("assume", "deploy-prod", "--demo")
    assert (found.code, found.out) == (130, "false\n")


def test_our_refusal_is_final_in_the_demo(cli: Cli) -> None:
    result = cli("assume", "terraform-apply", "--demo")
    result.failed_with("AWS would refuse this, so the demo does")
    assert wording.IMPLICIT_DENY in result.err


def test_a_role_by_arn_reads_nothing_of_the_account(cli: Cli, role: str, fault_proxy: FaultProxy) -> None:
    result = cli("assume", role, "--endpoint-url", fault_proxy.url)
    assert result.code == 0
    assert fault_proxy.operations() == ["GetCallerIdentity", "AssumeRole", "GetCallerIdentity"]
    assert "NOT AWS" in result.err
    assert "is not checked" in result.err


def test_a_role_by_name_is_looked_up_and_checked(
    cli: Cli, role: str, moto: MotoServer, fault_proxy: FaultProxy
) -> None:
    moto.client("iam").create_user(UserName="dora")
    key = moto.client("iam").create_access_key(UserName="dora")["AccessKey"]
    cli.monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    cli.monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    result = cli("assume", "deploy", "--endpoint-url", fault_proxy.url, "--session-name", "me", "--duration", "900")
    assert result.code == 0
    assert "GetAccountAuthorizationDetails" in fault_proxy.operations()
    call = next(call for call in fault_proxy.calls if call.operation == "AssumeRole")
    assert call.parameters["RoleSessionName"] == "me"
    assert call.parameters["DurationSeconds"] == "900"
    assert f"{wording.IMPLICIT_DENY}   sts:AssumeRole on {role}" in result.err


def test_a_profile_names_its_role_source_and_external_id(
    cli: Cli, role: str, fault_proxy: FaultProxy, no_aws_settings: Path
) -> None:
    (no_aws_settings / "config").write_text(
        f"[profile prod]\nrole_arn = {role}\nsource_profile = base\nexternal_id = abc-1\n"
        "role_session_name = ci-run\nduration_seconds = 1800\n[profile base]\n"
        "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n"
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        cli.monkeypatch.delenv(name)
    result = cli("assume", "prod", "--endpoint-url", fault_proxy.url)
    assert result.code == 0, result
    call = next(call for call in fault_proxy.calls if call.operation == "AssumeRole")
    assert call.parameters["RoleArn"] == role
    assert call.parameters["ExternalId"] == "abc-1"
    assert (call.parameters["RoleSessionName"], call.parameters["DurationSeconds"]) == ("ci-run", "1800")
    result = cli("assume", "prod", "--endpoint-url", fault_proxy.url, "--session-name", "mine", "--duration", "900")
    assert result.code == 0, result
    call = [call for call in fault_proxy.calls if call.operation == "AssumeRole"][-1]
    assert (call.parameters["RoleSessionName"], call.parameters["DurationSeconds"]) == ("mine", "900")


def test_a_profile_of_a_web_identity_is_a_caller(cli: Cli, role: str, no_aws_settings: Path) -> None:
    (no_aws_settings / "config").write_text(f"[profile ci]\nrole_arn = {role}\nweb_identity_token_file = /token\n")
    cli("assume", "ci").failed_with("The profile ci gets the role", "by a web identity token", "--profile ci")


def test_a_profile_whose_base_runs_a_command_is_a_caller_too(
    cli: Cli, role: str, fault_proxy: FaultProxy, no_aws_settings: Path, tmp_path: Path
) -> None:
    answer = {
        "Version": 1,
        "AccessKeyId": "AKIAIOSFODNN7EXAMPLE",
        "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    }
    (tmp_path / "answer.json").write_text(json.dumps(answer))
    (no_aws_settings / "config").write_text(
        f"[profile prod]\nrole_arn = {role}\nsource_profile = base\n"
        f"[profile base]\ncredential_process = cat {tmp_path / 'answer.json'}\n"
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        cli.monkeypatch.delenv(name)
    cli("assume", "prod", "--endpoint-url", fault_proxy.url).failed_with(
        "The profile base runs a command for its credentials. Nobody named the profile, and there is no terminal",
        "Name it with --profile or AWS_PROFILE",
    )
    result = cli("assume", "prod", "--profile", "base", "--endpoint-url", fault_proxy.url)
    assert result.code == 0, result
    assert "The profile base runs this command for its credentials: cat " in result.err


@pytest.mark.parametrize("words", [("assume",), ("exec",), ("serve",), ("console",)])
@pytest.mark.parametrize("base", ["base", "default"])
def test_a_profile_that_only_the_config_names_runs_no_command(
    cli: Cli, no_aws_settings: Path, tmp_path: Path, words: tuple[str, ...], base: str
) -> None:
    section = base if base == "default" else f"profile {base}"
    (no_aws_settings / "config").write_text(
        f"[profile prod]\nrole_arn = arn:aws:iam::{ACCOUNT}:role/prod\nsource_profile = {base}\n"
        f"[profile safe]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {'w' * 40}\n"
        f"[{section}]\ncredential_process = touch {tmp_path / 'ran'}\n"
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        cli.monkeypatch.delenv(name, raising=False)
    more = ("--", "true") if words == ("exec",) else ()
    for named in (None, "safe"):
        if named is not None:
            cli.monkeypatch.setenv("AWS_PROFILE", named)
        result = cli(*words, "prod", *more)
        assert "Nobody named the profile, and there is no terminal" in result.err, result
        assert not (tmp_path / "ran").exists()


def test_an_ended_sign_in_names_the_command_that_renews_it(cli: Cli, role: str, no_aws_settings: Path) -> None:
    (no_aws_settings / "config").write_text(
        "[sso-session corp]\nsso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1\n"
        "[profile dev]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = dev\nregion = eu-west-1\n"
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        cli.monkeypatch.delenv(name)
    cli("assume", role, "--profile", "dev").failed_with(
        'The IAM Identity Center session of profile "dev" is missing or has expired', "Run: aws sso login --profile dev"
    )


def test_denied_by_aws_is_two(cli: Cli, role: str, fault_proxy: FaultProxy) -> None:
    fault_proxy.on("AssumeRole", error(403, "AccessDenied", "not authorized"))
    cli("assume", role, "--endpoint-url", fault_proxy.url).failed_with("AWS denied sts:AssumeRole")


def test_values_that_sts_refuses_are_not_sent(cli: Cli, role: str, fault_proxy: FaultProxy) -> None:
    words = ("assume", role, "--endpoint-url", fault_proxy.url)
    cli(*words, "--duration", "60").failed_with("duration")
    cli(*words, "--session-name", "a b").failed_with("session name")
    cli(*words, "--external-id", "x").failed_with("external id")
    cli("assume", "arn:aws:s3:::b", "--endpoint-url", fault_proxy.url).failed_with("is not a role ARN")
    assert "AssumeRole" not in fault_proxy.operations()


def test_an_unknown_format_and_role_name_the_nearest(cli: Cli) -> None:
    cli("assume", "ops-readonly", "--format", "jsom", "--demo").failed_with('Did you mean "json"?')
    cli("assume", "ops-readnly", "--demo").failed_with("No role of this account", "role/ops-readonly")
    cli("assume", "user/maya.okafor", "--demo").failed_with("No role of this account")


def test_a_snapshot_cannot_assume(cli: Cli, snapshot: str) -> None:
    cli("assume", "deploy-prod", "--snapshot", snapshot).failed_with("snapshot")
    cli("assume", ROLE, "--snapshot", snapshot).failed_with("A snapshot has no credentials")


def test_an_mfa_code_is_never_read_from_standard_input(cli: Cli, tmp_path: Path) -> None:
    cli.monkeypatch.setattr("iamtui.cli.input.TERMINAL", tmp_path / "no-terminal")
    cli("assume", "deploy-prod", "--demo", stdin="123456\n").failed_with(
        "An MFA code is needed, and there is no terminal to ask for it."
    )


def test_an_mfa_code_is_asked_on_the_terminal_and_sent(cli: Cli) -> None:
    asked: list[str] = []

    def type_it(prompt: str) -> str:
        asked.append(prompt)
        return "123456"

    cli.monkeypatch.setattr("iamtui.cli.input.TERMINAL", Path(os.devnull))
    cli.monkeypatch.setattr("getpass.getpass", type_it)
    result = cli("assume", "deploy-prod", "--demo")
    assert result.code == 0, result
    assert asked == ["MFA code of arn:aws:iam::111122223333:mfa/maya.okafor: "]
    assert "123456" not in result.out + result.err
    cli.monkeypatch.setattr("getpass.getpass", lambda _prompt: "12345")
    cli("assume", "deploy-prod", "--demo").failed_with("MFA code is exactly six digits")


def test_a_role_that_does_not_need_a_code_asks_for_none(cli: Cli) -> None:
    cli.monkeypatch.setattr("getpass.getpass", lambda _prompt: pytest.fail("asked"))
    assert cli("assume", "ops-readonly", "--demo").code == 0


@one_quick(("answer", "device"), [("2\n", "alice-phone"), ("\n", "alice"), ("1\n", "alice")])
def test_one_of_several_mfa_devices_is_chosen(
    cli: Cli, moto: MotoServer, fault_proxy: FaultProxy, tmp_path: Path, answer: str, device: str
) -> None:
    alice = AliceWithMfa(moto, fault_proxy, cli.monkeypatch)
    for name in ("alice", "alice-phone"):
        made = moto.client("iam").create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
        moto.client("iam").enable_mfa_device(
            UserName="alice",
            SerialNumber=made["SerialNumber"],
            AuthenticationCode1="123456",
            AuthenticationCode2="654321",
        )
    words = ("assume", alice.role, "--mfa", "--endpoint-url", fault_proxy.url)
    (tmp_path / "terminal").write_text(answer)
    cli.monkeypatch.setattr("iamtui.cli.input.TERMINAL", tmp_path / "terminal")
    result = cli(*words)
    assert result.code == 0, result
    assert "You have several MFA devices:" in result.err
    asked = next(call for call in fault_proxy.calls if call.operation == "AssumeRole")
    assert asked.parameters["SerialNumber"] == f"arn:aws:iam::{ACCOUNT}:mfa/{device}"
    for ended_or_wrong in ("", "3\n"):
        (tmp_path / "terminal").write_text(ended_or_wrong)
        cli(*words).failed_with("You have several MFA devices, and none of them was chosen.")
    cli.monkeypatch.setattr("iamtui.cli.input.TERMINAL", tmp_path / "none")
    cli(*words).failed_with("there is no terminal to ask which one. Name one with --mfa-serial.")


# In a terminal of their own.


def test_a_terminal_is_refused_and_told_how() -> None:
    words = ("assume", "ops-readonly", "--format", "bash", "--session-name", "me", "--tag", "a=b c", "--tag", "d=e")
    code, shown = in_a_terminal(*words, "--mfa", "--demo")
    assert code == 2
    again = "ops-readonly --session-name me --mfa --tag 'a=b c' --tag 'd=e' --demo"
    assert f'Use eval "$(iamtui assume {again} --format bash)", send' in " ".join(shown.split())
    assert "AWS_SECRET_ACCESS_KEY" not in shown


@pytest.mark.slow
def test_a_terminal_gets_them_when_it_insists() -> None:
    code, shown = in_a_terminal("assume", "ops-readonly", "--demo", "--reveal", "--format", "json")
    assert code == 0
    assert "SecretAccessKey" in shown


def test_the_code_that_is_typed_is_not_shown() -> None:
    code, shown = in_a_terminal("assume", "deploy-prod", "--demo", "--reveal", typed=b"654321\n")
    assert code == 0, shown
    assert "AWS_SESSION_TOKEN" in shown
    assert "654321" not in shown


def test_no_secret_stands_in_argv_or_the_log(cli: Cli) -> None:
    result = cli("assume", "ops-readonly", "--format", "json", "--demo")
    secret = json.loads(result.out)["SecretAccessKey"]
    assert secret not in result.err
    assert not cli.log.exists()


# What else can be sent, and where else the credentials can go.


@pytest.mark.parametrize("name", [name for name, entry in FORMATS.items() if entry.secret])
def test_every_format_is_printed(cli: Cli, name: str) -> None:
    result = cli("assume", "ops-readonly", "--format", name, "--demo")
    assert result.code == 0
    assert "DEMO" in result.out
    assert "ASIA" in result.out


def test_dockers_options_hold_no_value_and_need_no_session(cli: Cli) -> None:
    result = cli("assume", "deploy-prod", "--format", "docker", "--demo")
    assert result.code == 0
    assert result.out.startswith("-e AWS_ACCESS_KEY_ID -e ")
    assert "nothing was assumed" in result.err
    words = ("--profile", "my base", "--region", "eu-west-1", "--endpoint-url", "http://127.0.0.1:1")
    said = " ".join(cli("assume", "deploy-prod", "--format", "docker", *words).err.split())
    again = "deploy-prod --profile 'my base' --region eu-west-1 --endpoint-url http://127.0.0.1:1 -- docker run"
    assert f"iamtui exec {again} -e AWS_ACCESS_KEY_ID" in said


def test_a_profile_is_written_and_used(cli: Cli, no_aws_settings: Path) -> None:
    file = no_aws_settings / "credentials"
    file.write_text("# mine\n[other]\nregion = x\n")
    file.chmod(0o600)
    words = ("assume", "ops-readonly", "--demo", "--write-profile")
    result = cli(*words, "work")
    assert (result.code, result.out) == (0, "")
    assert f"Written to {file} as profile work" in result.err
    assert file.read_text().startswith("# mine\n[other]\nregion = x\n\n[work]\n")
    assert cli(*words, "work").code == 0
    cli(*words, "other").failed_with("section [other] that iamtui did not write", "--overwrite")
    assert cli(*words, "other", "--overwrite").code == 0
    cli(*words, "a]b").failed_with("cannot be the name of a profile")
    cli(*words, "work", "--format", "bash").failed_with("cannot be combined")
    cli("assume", "ops-readonly", "--demo", "--overwrite").failed_with("only with --write-profile")
    file.chmod(0o644)
    cli(*words, "work").failed_with("can be read or written by others", "chmod 600")


@pytest.mark.parametrize("wrong", ["foreign", "mode", "link", "folder"])
def test_a_profile_that_cannot_be_written_costs_no_code(
    cli: Cli, no_aws_settings: Path, tmp_path: Path, wrong: str
) -> None:
    cli.monkeypatch.setattr("getpass.getpass", lambda _prompt: pytest.fail("asked"))
    file = no_aws_settings / "credentials"
    file.unlink(missing_ok=True)
    if wrong == "folder":
        file.mkdir()
    elif wrong == "link":
        (tmp_path / "target").touch(0o600)
        file.symlink_to(tmp_path / "target")
    else:
        file.write_text("[work]\nregion = x\n")
        file.chmod(0o644 if wrong == "mode" else 0o600)
    found = cli("assume", "deploy-prod", "--demo", "--write-profile", "work")
    assert (found.code, found.out) == (2, "")
    assert "DEMO" not in found.err, "the account was not even opened"


@pytest.mark.parametrize(("typed", "seconds"), [("20m", "1200"), ("1h30m", "5400"), ("1H", "3600"), ("900s", "900")])
def test_a_duration_is_taken_as_in_the_form(
    cli: Cli, role: str, fault_proxy: FaultProxy, typed: str, seconds: str
) -> None:
    assert cli("assume", role, "--endpoint-url", fault_proxy.url, "--duration", typed).code == 0
    sent = next(call for call in fault_proxy.calls if call.operation == "AssumeRole").parameters
    assert sent["DurationSeconds"] == seconds


def test_a_duration_that_is_none_or_too_long_is_told_as_it_is_typed(cli: Cli) -> None:
    cli("assume", "ops-readonly", "--demo", "--duration", "soon").failed_with('soon is not a time: write it as "1h"')
    cli("assume", "ops-readonly", "--demo", "--duration", "0").failed_with("The duration is 0")
    words = ("assume", "ops-readonly", "--demo", "--duration", "11h")
    cli(*words).failed_with("A duration of 11h (39,600 seconds) is more than the ")
    cli(*words[:-1], "13h").failed_with("The duration is 13h (46,800 seconds); STS takes 15m to 12h.")


@pytest.mark.parametrize(
    ("option", "sentence"),
    [("--duration", "The duration is 13h (46,800 seconds)"), ("--console-duration", "cannot stay signed in for 13h")],
)
def test_an_impossible_duration_is_named_before_the_account_is_opened(cli: Cli, option: str, sentence: str) -> None:
    command = "console" if option == "--console-duration" else "assume"
    cli(command, "ops-readonly", "--snapshot", "no-such-file.json", option, "13h").failed_with(sentence)


def test_everything_that_sts_takes_is_sent(cli: Cli, role: str, fault_proxy: FaultProxy, tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text('{\n  "Version": "2012-10-17",\n  "Statement": []\n}\n')
    result = cli(
        *("assume", role, "--endpoint-url", fault_proxy.url, "--policy", file, "--source-identity", "dora"),
        *("--policy-arn", "arn:aws:iam::aws:policy/ReadOnlyAccess", "--tag", "team=a=b", "--tag", "cost center="),
        *("--transitive", "team"),
    )
    assert result.code == 0, result
    sent = next(call for call in fault_proxy.calls if call.operation == "AssumeRole").parameters
    assert sent["Policy"] == '{"Version":"2012-10-17","Statement":[]}'
    assert sent["PolicyArns.member.1.arn"] == "arn:aws:iam::aws:policy/ReadOnlyAccess"
    assert (sent["Tags.member.1.Key"], sent["Tags.member.1.Value"]) == ("team", "a=b")
    assert sent["Tags.member.2.Key"] == "cost center"
    assert sent["TransitiveTagKeys.member.1"] == "team"
    assert sent["SourceIdentity"] == "dora"


def test_what_cannot_be_sent_is_told(cli: Cli, role: str, fault_proxy: FaultProxy, tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    words = ("assume", role, "--endpoint-url", fault_proxy.url)
    cli(*words, "--policy", file).failed_with(f"iamtui: The session policy {file} does not exist. Check the path.")
    assert "iamtui lint" not in cli(*words, "--policy", "-", stdin="{").err
    file.write_text("{")
    cli(*words, "--policy", file).failed_with("The session policy cannot be read (line 1): Not JSON", "iamtui lint")
    file.write_text("[]")
    cli(*words, "--policy", file).failed_with("is not a JSON object")
    file.write_text(json.dumps({"x": "y" * 3000}))
    cli(*words, "--policy", file).failed_with("STS takes 2048 at most")
    cli(*words, "--tag", "team").failed_with("--tag team has no value")
    cli(*words, "--transitive", "team").failed_with("is not among the session tags")
    cli(*words, "--policy-arn", "ReadOnly").failed_with("is not a policy ARN")
    assert "AssumeRole" not in fault_proxy.operations()


def test_roles_are_chained(cli: Cli, role: str, moto: MotoServer, fault_proxy: FaultProxy) -> None:
    moto.client("iam").create_role(RoleName="last", AssumeRolePolicyDocument=trust({"AWS": role}))
    last = f"arn:aws:iam::{ACCOUNT}:role/last"
    result = cli("assume", last, "--via", role, "--endpoint-url", fault_proxy.url, "--external-id", "abc")
    assert result.code == 0, result
    calls = [call for call in fault_proxy.calls if call.operation == "AssumeRole"]
    assert [call.parameters["RoleArn"] for call in calls] == [role, last]
    assert [call.parameters.get("ExternalId") for call in calls] == [None, "abc"]
    assert "AKIA" in calls[0].headers["authorization"]
    assert "ASIA" in calls[1].headers["authorization"]
    assert "assumed-role/deploy/" in result.err
    assert "assumed-role/last/" in result.err
    words = ("assume", last, "--via", role, "--endpoint-url", fault_proxy.url)
    cli(*words, "--duration", "7200").failed_with("role chaining", "one hour at most")
    cli("assume", "last", "--via", role, "--endpoint-url", fault_proxy.url).failed_with("Name it by its ARN")


def test_the_demo_answers_for_the_session_on_the_way(cli: Cli) -> None:
    result = cli("assume", "terraform-apply", "--via", "ops-readonly", "--demo")
    result.failed_with("AWS would refuse this, so the demo does")
    assert f"{wording.ALLOWED}   sts:AssumeRole on arn:aws:iam::111122223333:role/ops-readonly" in result.err
