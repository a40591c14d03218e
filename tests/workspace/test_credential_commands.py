"""The commands of profiles are confirmed once, as they stand."""

from __future__ import annotations

import shlex
import stat
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from iamtui.aws.credential_process import ANYWHERE, CredentialCommand, approved_run, command_of
from iamtui.paths import data_folder
from iamtui.problem import Problem
from iamtui.workspace import credential_commands
from iamtui.workspace.credential_commands import UnconfirmedCommand, about_command, confirm, confirm_here, is_confirmed
from iamtui.workspace.opening import connect, open_source, reconnected
from iamtui.workspace.workspace import SourceChoice, SourceKind
from tests.support.moto_server import MotoServer

CI = CredentialCommand("ci", "/opt/get-keys --password hunter2", ANYWHERE)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return data_folder() / "commands.json"


def test_what_was_confirmed_is_not_asked_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_confirmed(CI)
    confirm(CI)
    confirm(CredentialCommand("other", "x", ANYWHERE))
    monkeypatch.setattr(credential_commands, "_here", set())
    assert is_confirmed(CI)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "hunter2" not in file.read_text()


@pytest.mark.parametrize("changed", [{"text": "/opt/evil"}, {"profile": "ci2"}, {"folder": "/srv"}])
def test_a_changed_command_is_a_new_one(file: Path, changed: dict[str, str]) -> None:
    confirm(CI)
    assert not is_confirmed(CI._replace(**changed))


@pytest.mark.parametrize(
    ("confirmed", "other"),
    [
        (("ci", "get\0/srv", ANYWHERE), ("ci", "get", "/srv")),
        (("ci\0get", "now", ANYWHERE), ("ci", "get\0now", ANYWHERE)),
        (("ci", "get", ""), ("ci", "get", ANYWHERE)),
        (("ci", "get \udcff", ANYWHERE), ("ci", "get \\udcff", ANYWHERE)),
    ],
)
def test_what_reads_alike_when_it_is_joined_is_not_the_same(
    file: Path, confirmed: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    confirm(CredentialCommand(*confirmed))
    assert not is_confirmed(CredentialCommand(*other))


NAMING = (
    "./get-keys",
    "sh get-keys",
    "sh GET-KEYS",
    "tools/get-keys",
    "../mine/get-keys",
    "sh -c './get-keys | jq .'",
    'sh -c "python3 creds.py"',
    "sh -c 'cd tools; sh x'",
    "python3 -m creds",
    "python3 -m creds.main",
    "python3 -c 'import creds; creds.main()'",
    "env A=b node creds",
    "env PYTHONPATH=tools python3 -m x",
    "env TOOL=creds.py get",
    "sh -c '. $PWD/creds.py'",
    "get-it --file=creds.py",
    "get-it a:creds.py",
    'get-it "my file"',
    # What a shell expands may be anything.
    'sh -c "sh $(readlink /proc/$PPID/cwd)/it"',
    "sh -c 'sh `pwd`/it'",
    "sh -c 'sh ${X}it'",
    "sh -c 'sh /pr*/1234/cwd/it'",
    "sh -c 'sh /pro[c]/1234/cwd/it'",
    "sh -c 'sh /pro?/1234/cwd/it'",
    "sh /proc/1234/cwd/it",
    "sh -c 'cd /proc; sh 1234/cwd/it'",
    "python3 -c 'import os; exec(open(f\"/proc/{os.getppid()}/cwd/it\").read())'",
)


@pytest.mark.parametrize("command", NAMING)
def test_a_command_that_names_files_of_a_folder_is_confirmed_for_that_folder(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """A config file that comes with a folder, and names what lies beside it, must not run another folder's."""
    for name in ("mine", "hostile"):
        (tmp_path / name / "tools").mkdir(parents=True)
        for place in ("get-keys", "tools/get-keys", "creds.py", "my file"):
            (tmp_path / name / place).write_text("")
    monkeypatch.chdir(tmp_path / "mine")
    confirm(command_of("ci", command))
    assert is_confirmed(command_of("ci", command))
    assert f"of this folder: {tmp_path / 'mine'}" in " ".join(about_command(command_of("ci", command)))
    monkeypatch.chdir(tmp_path / "hostile")
    assert not is_confirmed(command_of("ci", command))


ELSEWHERE = (
    "/opt/get-keys a",
    "get-keys --for ci",
    "sh /opt/get-keys",
    f"x {'y' * 9000}",
    "aws-vault exec prod --json",
    "aws sso login --profile prod",
    "sh -c '/opt/get-keys | jq .'",
    "/opt/processor/get-it",
    "sh -c '~/bin/get-keys'",
    "get --role=arn:aws:iam::123456789012:role/ci --url https://get-keys/x",
    "",
)


@pytest.mark.parametrize("command", ELSEWHERE)
def test_any_other_command_is_confirmed_for_every_folder(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    (tmp_path / "get-keys").write_text("")
    monkeypatch.chdir(tmp_path)
    confirm(command_of("ci", command))
    monkeypatch.chdir("/")
    assert is_confirmed(command_of("ci", command))


def test_a_file_that_the_aws_variables_set_binds_a_command_to_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "aws.conf").write_text("")
    monkeypatch.chdir(tmp_path)
    assert command_of("ci", "aws x", {"AWS_CONFIG_FILE": "aws.conf"}).folder == str(tmp_path)
    assert command_of("ci", "aws x", {"AWS_CONFIG_FILE": str(tmp_path / "aws.conf")}).folder == ANYWHERE
    assert command_of("ci", "aws x", {"AWS_PROFILE": "aws.conf"}).folder == ANYWHERE


def test_in_a_folder_that_is_gone_a_command_is_run_in_the_root_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert command_of("ci", "sh ../x").folder == ANYWHERE


RUNS = {
    "python3 creds.py": True,
    'sh -c "python3 creds.py"': True,
    "python3 -m creds": True,
    "python3 -c 'import creds'": True,
    "sh -c 'sh creds.sh'": True,
    "sh -c '. ./creds.sh'": True,
    "sh -c '. $PWD/creds.sh'": True,
    "env sh creds.sh": True,
    "sh -c '. ${PWD}/creds.sh'": True,
    "sh -c '. ${OLDPWD}/creds.sh'": False,
    "sh -c 'cre=eds; . $(pwd)/cr$cre.sh'": True,
    "sh -c 'for file in *.sh; do sh $file; done'": True,
    'sh -c "sh $(readlink /proc/$PPID/cwd)/creds.sh"': True,
    # What no reading of the words finds.
    "make": False,
}
"""Commands that run a file of the folder, and whether they find it: OLDPWD they are not given."""


@pytest.mark.parametrize("command", RUNS)
def test_what_was_confirmed_in_one_folder_runs_nothing_of_another(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """A file of the same name lies in a folder of somebody else, where nobody is asked."""
    for name in ("mine", "hostile"):
        folder = tmp_path / name
        folder.mkdir()
        ran = folder / "ran"
        (folder / "creds.py").write_text(f"open({str(ran)!r}, 'w')")
        (folder / "creds.sh").write_text(f"echo > {shlex.quote(str(ran))}")
        (folder / "Makefile").write_text(f"all:\n\techo > {shlex.quote(str(ran))}\n")
        monkeypatch.setenv("OLDPWD", str(folder))
        monkeypatch.setenv("PWD", str(folder))
        monkeypatch.chdir(folder)

        def approve(asked: CredentialCommand, name: str = name) -> bool:
            if name == "mine":
                confirm(asked)
            elif not is_confirmed(asked):
                raise UnconfirmedCommand(asked)
            return False

        run = approved_run("ci", lambda: {"profiles": {"ci": {"credential_process": command}}}, approve)
        with suppress(UnconfirmedCommand, FileNotFoundError):
            run(shlex.split(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE).communicate()
    assert (tmp_path / "mine" / "ran").exists() == RUNS[command]
    assert not (tmp_path / "hostile" / "ran").exists()


def test_a_command_runs_in_the_folder_that_was_approved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def approve(_asked: CredentialCommand) -> bool:
        (tmp_path / "creds.sh").write_text("touch ran")
        return False

    run = approved_run("ci", lambda: {"profiles": {"ci": {"credential_process": "sh creds.sh"}}}, approve)
    run(["sh", "creds.sh"], stdout=subprocess.PIPE, stderr=subprocess.PIPE).communicate()
    assert [entry.name for entry in tmp_path.iterdir()] == ["creds.sh"]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"confirmed": 7}', '{"confirmed": [7]}', "[" * 100_000])
def test_a_damaged_file_confirms_nothing(file: Path, damage: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(damage)
    assert not is_confirmed(CI)
    confirm(CI)
    assert is_confirmed(CI)


@pytest.mark.parametrize("where", ["file", "folder"])
def test_what_others_could_have_confirmed_counts_for_nothing(
    file: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm(CI)
    place = file if where == "file" else file.parent
    place.chmod(place.stat().st_mode | 0o020)
    monkeypatch.setattr(credential_commands, "_here", set())
    assert not is_confirmed(CI)
    with pytest.raises(Problem, match=r"is not saved: .* can be written by others") as caught:
        confirm(CI)
    assert f"chmod go-w {place}" in caught.value.next_step
    assert is_confirmed(CI), "for this process"


def test_a_command_is_shown_to_its_end() -> None:
    assert about_command(CredentialCommand("ci", "x" * 100_000 + ";last", ANYWHERE))[0].endswith(";last")


def test_where_it_cannot_be_kept_that_is_said_and_it_counts_for_now(file: Path) -> None:
    file.mkdir(parents=True)
    assert not is_confirmed(CI)
    with pytest.raises(Problem, match="cannot be saved"):
        confirm(CI)
    assert is_confirmed(CI)


def test_what_counts_for_this_process_is_not_kept(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    confirm_here(CI)
    assert is_confirmed(CI)
    monkeypatch.setattr(credential_commands, "_here", set())
    assert not is_confirmed(CI)


def test_a_command_that_is_iamtui_itself_is_remarked_on() -> None:
    assert "iamtui serve" in about_command(command_of("own", "iamtui assume R --profile base"))[1]
    assert len(about_command(command_of("own", "get-keys"))) == 1


def _runs(folder: Path, command: str, made: Path) -> None:
    script = folder / command
    answer = '{"Version": 1, "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "x"}'
    script.write_text(f"#!/bin/sh\necho {command} >> {made}\necho '{answer}'\n")
    script.chmod(0o700)
    (folder / "config").write_text(f"[profile ci]\nregion = eu-west-1\ncredential_process = {script}\n")


def test_a_command_that_was_changed_meanwhile_is_not_run(
    no_aws_settings: Path, tmp_path: Path, moto: MotoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    made = tmp_path / "made"
    _runs(no_aws_settings, "first", made)
    confirm(command_of("ci", str(no_aws_settings / "first")))
    choice = SourceChoice(SourceKind.LIVE, profile="ci", endpoint_url=moto.url)
    space = open_source(choice)
    reconnected(space)
    assert set(made.read_text().split()) == {"first"}
    _runs(no_aws_settings, "evil", made)
    for again in (lambda: reconnected(space), lambda: open_source(choice), lambda: connect(choice)):
        with pytest.raises(UnconfirmedCommand, match=r"runs this command for its credentials: \S+/evil"):
            again()
    assert "evil" not in made.read_text()
    confirm(command_of("ci", str(no_aws_settings / "evil")))
    open_source(choice)
    assert "evil" in made.read_text()
