"""Formats: read back by the real shells and by botocore; nothing that is not checked gets out."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.aws.caller import CallerIdentity
from iamtui.credentials.export import FORMATS, Layout, find_format, hand_over
from iamtui.credentials.export_values import DEMO_LABEL, Exportable, exportable
from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.secret import Secret
from tests.support.external_tools import need
from tests.support.sts_answers import KEY_ID, SECRET_KEY, TOKEN

START = datetime(2026, 11, 25, 10, tzinfo=UTC)
SESSION = Session(
    role_arn="arn:aws:iam::123456789012:role/Deployer",
    session_name="alice",
    access_key_id=KEY_ID,
    secret_access_key=Secret(SECRET_KEY),
    session_token=Secret(TOKEN),
    expires_at=START + timedelta(hours=1),
    assumed_at=START,
    identity=CallerIdentity("arn:aws:sts::123456789012:assumed-role/Deployer/alice", "123456789012", "AROAX:alice"),
    region="eu-central-1",
)
SHELLS = {"bash": "bash", "zsh": "bash", "dash": "posix", "fish": "fish"}
EXPECTED = {
    "AWS_ACCESS_KEY_ID": KEY_ID,
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    "AWS_SESSION_TOKEN": TOKEN,
    "AWS_CREDENTIAL_EXPIRATION": "2026-11-25T11:00:00Z",
    "AWS_ACCOUNT_ID": "123456789012",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
}


def handed(session: Session = SESSION, name: str = "bash", *, for_paste: bool = False) -> str:
    return hand_over(session, name, for_paste=for_paste, now=START).reveal()


def environment_after(shell: str, text: str, folder: Path) -> dict[str, str]:
    """The AWS variables of a process that the shell starts after `eval "$(cat FILE)"`."""
    need(shell)
    (folder / "handed").write_text(text)
    old = {"AWS_PROFILE": "old", "AWS_DEFAULT_PROFILE": "old", "AWS_SECURITY_TOKEN": "old", "AWS_ACCOUNT_ID": "9"}
    run = subprocess.run(
        [shell, "-c", "cat handed | source; env -0" if shell == "fish" else 'eval "$(cat handed)" && env -0'],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **old},
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert run.stderr == b""
    pairs = (entry.split("=", 1) for entry in run.stdout.decode().split("\0") if entry)
    return {name: value for name, value in pairs if name.startswith("AWS_")}


@pytest.mark.parametrize("for_paste", [False, True])
@pytest.mark.parametrize("demo", [False, True])
@pytest.mark.parametrize("shell", SHELLS)
def test_shells_read_the_export_lines_back(shell: str, demo: bool, for_paste: bool, tmp_path: Path) -> None:
    text = handed(replace(SESSION, demo=demo), SHELLS[shell], for_paste=for_paste)
    assert environment_after(shell, text, tmp_path) == EXPECTED


@pytest.mark.parametrize("shell", SHELLS)
def test_an_account_that_is_not_known_is_not_left_from_before(shell: str, tmp_path: Path) -> None:
    found = environment_after(shell, handed(replace(SESSION, identity=None), SHELLS[shell]), tmp_path)
    assert "AWS_ACCOUNT_ID" not in found


def test_the_export_lines_as_they_are() -> None:
    assert handed().splitlines() == [
        "unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SECURITY_TOKEN",
        f"export AWS_ACCESS_KEY_ID={KEY_ID}",
        f"export AWS_SECRET_ACCESS_KEY={SECRET_KEY}",
        f"export AWS_SESSION_TOKEN='{TOKEN}'",
        "export AWS_CREDENTIAL_EXPIRATION=2026-11-25T11:00:00Z",
        "export AWS_ACCOUNT_ID=123456789012",
        "export AWS_REGION=eu-central-1",
        "export AWS_DEFAULT_REGION=eu-central-1",
    ]
    assert handed().endswith("\n")


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"docker"}))
def test_without_a_region_none_is_exported(name: str) -> None:
    assert "region" not in handed(replace(SESSION, region=""), name).lower()


def test_demo_credentials_say_so() -> None:
    demo = replace(SESSION, demo=True)
    assert handed(demo).splitlines()[0] == f"# {DEMO_LABEL}"
    assert json.loads(handed(demo, "json"))["Comment"] == DEMO_LABEL
    assert "DEMO" in DEMO_LABEL


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_demo_exactly_when_it_is(name: str) -> None:
    assert "DEMO" not in handed(name=name)
    assert (DEMO_LABEL in handed(replace(SESSION, demo=True), name)) is FORMATS[name].secret


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"docker"}))
def test_every_format_tells_the_end(name: str) -> None:
    assert "2026-11-25T11:00:00Z" in handed(name=name)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_ends_its_last_line(name: str) -> None:
    assert handed(name=name).endswith("\n")
    assert handed(name=name).isascii()


def test_lines_for_pasting_start_with_a_space_and_hold_no_comment() -> None:
    lines = handed(replace(SESSION, demo=True), for_paste=True).splitlines()
    assert all(line.startswith(" ") for line in lines)
    assert not [line for line in lines if line.lstrip().startswith("#")]
    assert DEMO_LABEL in lines[0]


@pytest.mark.parametrize(
    ("shell", "setting", "history"),
    [
        ("bash", "HISTCONTROL=ignorespace; set -o history", "history"),
        ("zsh", "setopt hist_ignore_space; HISTSIZE=100", "fc -l 1"),
    ],
)
def test_pasted_lines_stay_out_of_the_history_of_shells_set_up_so(
    shell: str, setting: str, history: str, tmp_path: Path
) -> None:
    """The shell is interactive and reads the lines one by one, as it does when they are pasted."""
    need(shell)
    arguments = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"]}[shell]
    script = f"{setting}\n{handed(for_paste=True)}echo key=$AWS_ACCESS_KEY_ID\n{history}\nexit\n"
    run = subprocess.run(
        [shell, *arguments],
        input=script.encode(),
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "dumb"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=False,
        start_new_session=True,
    )
    said = run.stdout.decode()
    assert f"key={KEY_ID}" in said
    recorded = said.partition(f"key={KEY_ID}")[2]
    assert "echo key=" in recorded, "the history is on"
    assert SECRET_KEY not in recorded
    assert "unset AWS_PROFILE" not in recorded


def test_json_is_what_a_credential_process_prints() -> None:
    text = handed(name="json")
    assert text.isascii()
    assert json.loads(text) == {
        "Version": 1,
        "AccessKeyId": KEY_ID,
        "SecretAccessKey": SECRET_KEY,
        "SessionToken": TOKEN,
        "Expiration": "2026-11-25T11:00:00Z",
        "AccountId": "123456789012",
    }
    assert "AccountId" not in json.loads(handed(replace(SESSION, identity=None), "json"))


@pytest.mark.parametrize("demo", [False, True])
def test_botocore_takes_the_json_from_a_credential_process(
    demo: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lasting = replace(SESSION, demo=demo, expires_at=datetime.now(UTC) + timedelta(hours=1))
    (tmp_path / "answer").write_text(hand_over(lasting, "json").reveal())
    (tmp_path / "config").write_text(f"[profile p]\ncredential_process = cat {tmp_path}/answer\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    credentials = botocore.session.Session(profile="p").get_credentials()
    assert credentials is not None
    frozen = credentials.get_frozen_credentials()
    assert (frozen.access_key, frozen.secret_key, frozen.token) == (KEY_ID, SECRET_KEY, TOKEN)


HOSTILE = [
    "\nid",
    ";id",
    "$(id)",
    "`id`",
    "'",
    '"',
    " ",
    "\x1b[31m",
    "\u202e",
    "é",
    "\ud800",
    "|",
    "&",
    "\\",
    "\x00",
    "#",
]


@pytest.mark.parametrize("bad", HOSTILE)
@pytest.mark.parametrize("name", FORMATS)
def test_a_value_that_could_be_code_is_refused(name: str, bad: str) -> None:
    hostile = [
        replace(SESSION, access_key_id=KEY_ID + bad),
        replace(SESSION, secret_access_key=Secret(SECRET_KEY + bad)),
        replace(SESSION, session_token=Secret(TOKEN + bad)),
        replace(SESSION, region="eu-central-1" + bad),
        replace(SESSION, identity=CallerIdentity("arn", "123456789012" + bad, "id")),
    ]
    for session in hostile:
        with pytest.raises(Problem) as problem:
            hand_over(session, name, now=START)
        assert SECRET_KEY not in str(problem.value)
        assert TOKEN not in str(problem.value)


def test_empty_values_are_refused() -> None:
    for session in (
        replace(SESSION, access_key_id=""),
        replace(SESSION, secret_access_key=Secret("")),
        replace(SESSION, session_token=Secret("")),
    ):
        with pytest.raises(Problem):
            hand_over(session, "bash", now=START)


def test_an_expired_session_is_not_handed_over() -> None:
    with pytest.raises(Problem, match="has expired") as problem:
        hand_over(SESSION, "bash", now=START + timedelta(hours=1))
    assert problem.value.next_step == "Assume the role again."


@pytest.mark.parametrize(
    "region", ["us-east-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-isob-east-1", "ap-southeast-5"]
)
def test_regions_of_every_partition_are_taken(region: str) -> None:
    assert exportable(replace(SESSION, region=region), START).region == region


def test_an_unknown_format_names_the_nearest() -> None:
    with pytest.raises(Problem) as problem:
        find_format("bsh")
    assert problem.value.sentence == 'There is no format "bsh".'
    assert problem.value.next_step.startswith('Did you mean "bash"? Formats: bash, posix, fish,')


def test_every_format_is_listed_under_its_name_with_a_label() -> None:
    assert {name: entry.name for name, entry in FORMATS.items()} == {name: name for name in FORMATS}
    assert all(entry.label for entry in FORMATS.values())


BASE64 = st.text(alphabet="ABCXYZabcxyz0189+/=", min_size=16, max_size=80)


@given(secret=BASE64, token=BASE64, demo=st.booleans(), for_paste=st.booleans())
def test_export_lines_split_into_what_went_in(secret: str, token: str, demo: bool, for_paste: bool) -> None:
    session = replace(SESSION, secret_access_key=Secret(secret), session_token=Secret(token), demo=demo)
    words = shlex.split(handed(session, for_paste=for_paste), comments=True)
    assert f"AWS_SECRET_ACCESS_KEY={secret}" in words
    assert f"AWS_SESSION_TOKEN={token}" in words


@given(st.text(max_size=30))
def test_quoting_holds_even_for_values_that_the_check_would_refuse(value: str) -> None:
    """The second wall: `render` alone never makes more than one word of a value."""
    if "\0" in value:
        return
    values = Exportable(
        replace(
            SESSION,
            access_key_id="K",
            secret_access_key=Secret(value),
            session_token=Secret("t"),
            identity=None,
            region="",
        )
    )
    words = shlex.split(FORMATS["bash"].render(values, Layout()).reveal())
    assert words == [
        *("unset", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SECURITY_TOKEN", "AWS_ACCOUNT_ID"),
        *("export", "AWS_ACCESS_KEY_ID=K", "export", f"AWS_SECRET_ACCESS_KEY={value}"),
        *("export", "AWS_SESSION_TOKEN=t", "export", "AWS_CREDENTIAL_EXPIRATION=2026-11-25T11:00:00Z"),
    ]


ROLE_WITH_SYNTAX = "arn:aws:iam::123456789012:role/$(id)'`x`/Deployer"


@pytest.mark.parametrize("shell", ["bash", "zsh", "dash", "fish"])
def test_the_reference_names_the_role_as_one_word(shell: str, tmp_path: Path) -> None:
    need(shell)
    command = FORMATS[SHELLS[shell]].command(ROLE_WITH_SYNTAX)
    (tmp_path / "iamtui").write_text('#!/bin/sh\nprintf "%s\\n" "$@" >words\n')
    (tmp_path / "iamtui").chmod(0o755)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    subprocess.run([shell, "-c", command], cwd=tmp_path, env=environ, check=True, timeout=60)
    expected = ["assume", ROLE_WITH_SYNTAX, "--format", SHELLS[shell]]
    assert (tmp_path / "words").read_text().splitlines() == expected


def test_a_role_that_cmd_could_misread_gets_no_reference_there() -> None:
    assert "'iamtui assume prod --format cmd'" in FORMATS["cmd"].command("prod")
    with pytest.raises(Problem, match="cannot be named in a command for cmd"):
        FORMATS["cmd"].command("arn:aws:iam::123456789012:role/a&b/x")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_a_reference_without_a_secret(name: str) -> None:
    command = FORMATS[name].command("prod")
    assert "iamtui" in command
    assert "prod" in command
    assert "{" not in command


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_credentials_of_somebody_else_are_not_handed_over(name: str) -> None:
    stranger = CallerIdentity("arn:aws:iam::999999999999:user/x", "999999999999", "AIDAX")
    with pytest.raises(Problem, match="belong to somebody else"):
        hand_over(SESSION.identified(stranger, "These credentials belong to somebody else."), name, now=START)


def test_credentials_whose_identity_could_not_be_asked_are_handed_over() -> None:
    assert hand_over(replace(SESSION, identity=None, identity_error="The call failed."), "bash", now=START)
