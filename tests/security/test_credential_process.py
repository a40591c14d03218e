"""No order of botocore's credential providers runs a credential_process unseen or unasked."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from iamtui.aws.credential_process import DEPTH
from tests.support.moto_server import ACCOUNT, MotoServer, trust
from tests.support.program_on_terminal import PROGRAM, ROOT, Run, environment, run_on_terminal
from tests.support.slow import all_but

pytestmark = pytest.mark.screen

ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
ANSWER = '{"Version": 1, "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "x"}'


class Machine:
    """A home with AWS files, a command that leaves a marker, and iamtui run in it, with and without a terminal."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        self.marker = home / "ran"
        self.command = home / "get-keys"
        self.command.write_text(f"#!/bin/sh\necho x >> {self.marker}\necho '{ANSWER}'\n")
        self.command.chmod(0o700)
        self.words = ["list", "users", "--region", "us-east-1", "--endpoint-url", url]
        self.environ = {
            "AWS_CONFIG_FILE": str(home / "aws-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(home / "none"),
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @property
    def runs(self) -> int:
        return len(self.marker.read_text().split()) if self.marker.exists() else 0

    def config(self, text: str) -> None:
        (self.home / "aws-config").write_text(text.replace("RUNS", f"credential_process = {self.command}\n"))

    def without_terminal(self, *words: str, stdin: int = subprocess.DEVNULL) -> subprocess.CompletedProcess[str]:
        variables = {**environment(self.home), **self.environ}
        return subprocess.run(
            [*PROGRAM, *self.words, *words],
            env=variables,
            cwd=ROOT,
            capture_output=True,
            stdin=stdin,
            text=True,
            start_new_session=True,
            timeout=120,
            check=False,
        )

    def on_terminal(
        self,
        *words: str,
        keys: bytes,
        more_keys: Sequence[bytes] = (),
        after: bytes = b"now and later?",
        program: tuple[str, ...] = PROGRAM,
    ) -> Run:
        # The terminal that is opened first by the leader of a session becomes its controlling one.
        opens = ("sh", "-c", 'exec 3<>"$(tty)"; "$@"', "sh", *program)
        return run_on_terminal(
            [*self.words, *words],
            home=self.home,
            program=opens,
            keys=[keys, *more_keys],
            after=after,
            environ=self.environ,
        )


@pytest.fixture
def machine(tmp_path: Path, moto: MotoServer, monkeypatch: pytest.MonkeyPatch) -> Machine:
    moto.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=trust())
    for name in [*os.environ]:
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    return Machine(tmp_path, moto.url)


def by_default(machine: Machine) -> None:
    machine.config("[default]\nRUNS")


def by_container(machine: Machine) -> None:
    machine.config("[default]\nRUNS")
    machine.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://127.0.0.1:9/creds"


def by_relative_container(machine: Machine) -> None:
    machine.config("[default]\nRUNS")
    machine.environ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/creds"


def by_web_identity(machine: Machine) -> None:
    machine.config(f"[default]\nrole_arn = {ROLE}\nsource_profile = base\n[profile base]\nRUNS")
    (machine.home / "token").write_text("a.b.c")
    machine.environ["AWS_WEB_IDENTITY_TOKEN_FILE"] = str(machine.home / "token")
    machine.environ["AWS_ROLE_ARN"] = ROLE


def by_variable_in_the_path(machine: Machine) -> None:
    machine.config("[default]\nRUNS")
    machine.environ["AWS_CONFIG_FILE"] = "$HOME/aws-config"


def by_source_profiles(machine: Machine) -> None:
    machine.config(
        f"[default]\nrole_arn = {ROLE}\nsource_profile = a\n"
        f"[profile a]\nrole_arn = {ROLE}\nsource_profile = b\n[profile b]\nRUNS"
    )


ORDERS = [
    by_default,
    by_container,
    by_relative_container,
    by_web_identity,
    by_variable_in_the_path,
    by_source_profiles,
]

Order = Callable[[Machine], None]


@pytest.mark.slow
@pytest.mark.parametrize("order", all_but(by_default, ORDERS))
def test_without_a_terminal_no_unnamed_profile_runs_its_command(machine: Machine, order: Order) -> None:
    order(machine)
    done = machine.without_terminal()
    assert machine.runs == 0
    assert done.returncode == 2
    assert done.stdout == ""
    assert str(machine.command) in done.stderr
    assert "--profile" in done.stderr


@pytest.mark.parametrize("order", all_but(by_default, ORDERS))
def test_on_a_terminal_it_is_shown_and_asked_about_once(machine: Machine, order: Order) -> None:
    order(machine)
    refused = machine.on_terminal(keys=b"n\n")
    assert machine.runs == 0
    assert refused.code == 2
    assert str(machine.command) in refused.text
    taken = machine.on_terminal(keys=b"y\n")
    assert machine.runs == 1
    assert taken.code == 0, taken.text
    again = machine.on_terminal(keys=b"n\n")
    assert machine.runs == 2
    assert "now and later?" not in again.text


@pytest.mark.parametrize("order", all_but(by_default, [by_default, by_container]))
def test_redirected_errors_keep_it_from_nobody(machine: Machine, order: Order) -> None:
    """The question comes on the controlling terminal, with the command, whatever stderr is."""
    order(machine)
    quiet = ("sh", "-c", 'exec "$@" >/dev/null 2>&1', "sh", *PROGRAM)
    refused = machine.on_terminal(keys=b"n\n", program=quiet)
    assert machine.runs == 0
    assert refused.code == 2
    assert str(machine.command) in refused.text


def test_a_long_command_is_shown_to_its_end_and_safely(machine: Machine) -> None:
    machine.config(f"[default]\ncredential_process = {machine.command} {'x' * 9_000} \x1b]52;c;cHduZWQ=\x07 the-end\n")
    refused = machine.on_terminal(keys=b"n\n")
    assert machine.runs == 0
    assert "␛]52;c;cHduZWQ=␇ the-end" in refused.text
    assert "\x1b]52" not in refused.text


@pytest.mark.slow
@pytest.mark.parametrize("name", all_but("AWS_PROFILE", ["--profile", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"]))
def test_without_a_terminal_a_profile_that_was_named_goes_on_and_says_so(machine: Machine, name: str) -> None:
    machine.config(f"[profile ci]\nrole_arn = {ROLE}\nsource_profile = base\n[profile base]\nRUNS")
    if name != "--profile":
        machine.environ[name] = "ci"
    done = machine.without_terminal(*(("--profile", "ci") if name == "--profile" else ()))
    assert machine.runs == 1
    assert done.returncode == 0, done.stderr
    assert f"runs this command for its credentials: {machine.command}" in done.stderr


@pytest.mark.slow
def test_the_profile_of_our_own_config_is_not_named_by_that(machine: Machine) -> None:
    machine.config("[profile ci]\nRUNS")
    folder = machine.home / "config" / "iamtui"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('[source]\nprofile = "ci"\n')
    done = machine.without_terminal()
    assert machine.runs == 0
    assert done.returncode == 2
    assert "--profile" in done.stderr


@pytest.mark.slow
def test_a_credential_process_of_iamtui_asks_nobody_over_its_screen(machine: Machine) -> None:
    """The iamtui that runs another one may have a screen on the terminal."""
    machine.config("[default]\nRUNS")
    machine.environ[DEPTH] = "1"
    done = machine.on_terminal(keys=b"y\n")
    assert machine.runs == 0
    assert done.code == 2
    assert "now and later?" not in done.text


@pytest.mark.slow
def test_a_profile_that_another_profiles_command_names_is_not_named_by_the_user(machine: Machine) -> None:
    """What the iamtui in between says is seen by nobody: only its answer is read."""
    machine.config("[profile inner]\nRUNS")
    machine.environ[DEPTH] = "1"
    done = machine.without_terminal("--profile", "inner")
    assert machine.runs == 0
    assert done.returncode == 2
    assert f"not by you, so it was not run: {machine.command}" in done.stderr
    assert "iamtui --profile inner in a terminal" in done.stderr
    del machine.environ[DEPTH]
    assert machine.on_terminal("--profile", "inner", keys=b"y\n").code == 0
    machine.environ[DEPTH] = "1"
    assert machine.without_terminal("--profile", "inner").returncode == 0, "once confirmed, it may run"


# The terminal of a command


def tells_its_terminal(machine: Machine) -> Path:
    """A command that writes what its standard input is, and whether it can open the terminal by its name."""
    told = machine.home / "told"
    machine.command.write_text(
        f"#!/bin/sh\n{{ readlink /proc/self/fd/0; (: </dev/tty) 2>/dev/null && echo terminal || echo none; }} >{told}\n"
        f"echo '{ANSWER}'\n"
    )
    machine.config("[profile p]\nRUNS")
    return told


@pytest.mark.slow
def test_on_the_command_line_a_command_can_ask_on_the_terminal(machine: Machine) -> None:
    told = tells_its_terminal(machine)
    piped = ("sh", "-c", 'echo data | "$@"', "sh", *PROGRAM)
    done = machine.on_terminal("--profile", "p", keys=b"y\n", program=piped)
    assert done.code == 0, done.text
    assert told.read_text().split() == ["/dev/tty", "terminal"]


def test_without_a_terminal_a_command_does_not_read_what_is_piped_to_iamtui(machine: Machine) -> None:
    told = tells_its_terminal(machine)
    done = machine.without_terminal("--profile", "p", stdin=subprocess.PIPE)
    assert done.returncode == 0, done.stderr
    assert told.read_text().split() == ["/dev/null", "none"]


@pytest.mark.slow
def test_a_command_takes_no_keys_from_the_screen(machine: Machine) -> None:
    told = tells_its_terminal(machine)
    machine.words = machine.words[2:]
    done = machine.on_terminal("--profile", "p", keys=b"y", more_keys=[b"q", b"q"], after=b"now and later")
    assert done.code == 0, done.text
    assert told.read_text().split() == ["/dev/null", "none"]


@pytest.mark.slow
@pytest.mark.parametrize("number", all_but(signal.SIGHUP, [signal.SIGHUP, signal.SIGTERM]))
def test_a_command_ends_with_the_screen_when_a_signal_ends_that(machine: Machine, number: signal.Signals) -> None:
    told = machine.home / "pid"
    machine.command.write_text(f"#!/bin/sh\necho $$ >{told}\nsleep 1; kill -{int(number)} $PPID\nexec sleep 100\n")
    machine.config("[profile p]\nRUNS")
    machine.words = machine.words[2:]
    done = machine.on_terminal("--profile", "p", keys=b"y", after=b"now and later")
    assert done.code in (-number, 128 + number), done.text
    pid = int(told.read_text())
    for _ in range(100):
        if not _runs(pid):
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the command goes on")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Where nobody waits for it, what has ended stays.
    return "Z (zombie)" not in Path(f"/proc/{pid}/status").read_text()
