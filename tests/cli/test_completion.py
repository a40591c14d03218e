"""Shell completion: the scripts in the shells themselves, live names, and what is never put on a command line."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import click
import pytest

from iamtui import paths
from iamtui.account.model import Known
from iamtui.account.snapshot_writer import snapshot_of
from iamtui.cli.completion import OFFERS
from iamtui.cli.main import ENTRIES
from iamtui.workspace.source.opening import keep_account, last_kept_account
from tests.support.cli_runner import Cli
from tests.support.external_tools import need
from tests.support.sample_account import sample_account


def completed(line: str, home: Path, **environ: str) -> list[str]:
    """What the end of a line completes to, as iamtui tells bash."""
    given = {"_IAMTUI_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": "-1", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-m", "iamtui"],
        env={**given, "HOME": str(home), **environ}, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    return [row.removeprefix("plain,") for row in done.stdout.splitlines() if row]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        pytest.param("iamtui si", ["simulate"], marks=pytest.mark.slow),
        ("iamtui can --sna", ["--snapshot", "--snapshot-account"]),
        ("iamtui can --demo deploy-p", ["deploy-prod"]),
        pytest.param("iamtui can --demo role/deploy-p", ["role/deploy-prod"], marks=pytest.mark.slow),
        ("iamtui can --demo deploy-prod s3:getobjectat", ["s3:GetObjectAttributes"]),
        ("iamtui who-can signin:batchrev", ["signin:BatchRevokeSessions"]),
        pytest.param("iamtui who-can dynamo", ["dynamodb:"], marks=pytest.mark.slow),
        ("iamtui who-can s3:GetObject --demo --on arn:aws:s3:::puffin-data-l", ["arn:aws:s3:::puffin-data-lake"]),
        pytest.param("iamtui can alice s3:GetObject -c aws:sourceip", ["aws:SourceIp="], marks=pytest.mark.slow),
        pytest.param("iamtui assume --demo analytics-lake-r", ["analytics-lake-reader"], marks=pytest.mark.slow),
        pytest.param("iamtui config ch", ["check"], marks=pytest.mark.slow),
        pytest.param("iamtui draft exp", ["export"], marks=pytest.mark.slow),
        pytest.param("iamtui show --demo group/no-such-gro", [], marks=pytest.mark.slow),
        ("iamtui lint pol", ["file,pol"]),
    ],
)
def test_names_complete(line: str, offered: list[str], tmp_path: Path) -> None:
    found = completed(line, tmp_path)
    assert found[: len(offered)] == offered if offered and ":puffin" in line else found == offered


@pytest.mark.slow
def test_profiles_and_the_roles_they_assume_complete(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(
        "[profile prod-admin]\nrole_arn = arn:aws:iam::111122223333:role/x\nsource_profile = prod\n"
        "[profile prod]\nregion = eu-west-1\ncredential_process = touch " + str(tmp_path / "was-run") + "\n"
        "[profile prod;reboot]\nregion = eu-west-1\n"
    )
    assert completed("iamtui can --profile pro", tmp_path) == ["prod-admin", "prod"]
    assert completed("iamtui assume prod", tmp_path) == ["prod-admin"]
    assert completed("iamtui can --profile prod dep", tmp_path) == []
    assert not (tmp_path / "was-run").exists()


def test_names_of_a_snapshot_that_a_shell_would_run_are_not_offered(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    account = snapshot_of(sample_account())
    first = account["UserDetailList"][0]
    bad = ["$(reboot)", "`reboot`", "a;reboot", "a b", "a*", "-rf", "=x", "a'b", "a\nb", "~root", "a,b", "a&b", "a|b"]
    account["UserDetailList"] = [
        {**first, "UserName": name, "Arn": f"arn:aws:iam::123456789012:user/{name}", "UserId": f"AIDA{number:017}"}
        for number, name in enumerate([*bad, "plain"])
    ]
    account.pop("user_details", None)
    file.write_text(json.dumps(account))
    found = completed(f"iamtui can --snapshot {file} ", tmp_path)
    assert "plain" in found
    assert "user/plain" in found
    assert all(re.fullmatch(r"[A-Za-z0-9_.:/@+][A-Za-z0-9_.:/@+=-]*", name) for name in found)
    file.write_text("not an account")
    assert completed(f"iamtui can --snapshot {file} ", tmp_path) == []


def test_names_of_a_live_account_are_those_read_last(cli: Cli, tmp_path: Path) -> None:
    assert last_kept_account("") is None
    account = replace(
        sample_account(), caller_arn=Known("arn:aws:iam::123456789012:user/alice"), taken_at=datetime.now(UTC)
    )
    whole = replace(account, gaps=())
    assert keep_account(whole, "")
    kept = last_kept_account("")
    assert kept is not None
    assert [user.name for user in kept.users] == [user.name for user in account.users]
    assert last_kept_account("http://127.0.0.1:5000") is None
    # Tests keep nothing where a program of its own would look.
    shutil.copytree(paths.accounts_folder(), cli.home / "xdg_cache_home" / "iamtui" / "accounts")
    assert completed("iamtui can car", tmp_path, XDG_CACHE_HOME=str(cli.home / "xdg_cache_home")) == ["carol"]


def test_every_name_that_completes_is_one_of_a_parameter() -> None:
    names = set()
    for entry in ENTRIES.values():
        command = getattr(import_module(entry.module), entry.name)
        commands = [command]
        if isinstance(command, click.Group):
            context = click.Context(command)
            commands = [one for name in command.list_commands(context) if (one := command.get_command(context, name))]
        names |= {parameter.name for one in commands for parameter in one.params}
    assert set(OFFERS) <= names


DRIVERS = {
    "bash": 'source "$1"; COMP_LINE="$2"; COMP_POINT=${#2}; COMP_WORDS=(x); COMP_CWORD=0; compopt() { :; }; '
    '_iamtui_completion "$3/iamtui"; printf "%s\\n" "${COMPREPLY[@]}"',
    "fish": 'source $argv[1]; complete -C "$argv[2]"',
    "zsh": 'autoload -U compinit; compinit -u; source "$1"; words=(${(z)2}); CURRENT=${#words}; '
    "compadd() { print -l -- ${(P)${@[-1]}}; }; _describe() { print -l -- ${(P)3}; }; _iamtui_completion",
}


@pytest.mark.slow
@pytest.mark.parametrize("shell", list(DRIVERS))
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("iamtui can --demo role/deploy-p", "role/deploy-prod"),
        ("iamtui can --demo deploy-prod s3:GetObjectAtt", "s3:GetObjectAttributes"),
        (
            "iamtui who-can s3:GetObject --demo --on arn:aws:iam::111122223333:role/deploy-p",
            "arn:aws:iam::111122223333:role/deploy-prod",
        ),
    ],
)
def test_the_shells_complete(shell: str, line: str, offered: str, cli: Cli, tmp_path: Path) -> None:
    need(shell)
    script = tmp_path / "script"
    script.write_text(cli("completion", shell).out)
    programs = str(Path(sys.executable).parent)
    environ = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(tmp_path), "TERM": "dumb"}
    done = subprocess.run(
        [shell, "-c", DRIVERS[shell], *([] if shell == "fish" else ["x"]), str(script), line, programs],
        env=environ, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    # Bash has already what stands before the last colon of the word.
    assert done.stdout.splitlines()[:1] == [offered.rpartition(":")[2] if shell == "bash" else offered], done
