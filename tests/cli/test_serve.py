"""`iamtui serve`: for one program, for a shell through eval, and in the foreground."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from iamtui.cli import input as asking
from iamtui.cli.assume_options import Wanted, assumed
from iamtui.cli.source_options import SourceOptions
from iamtui.problem import Problem
from iamtui.workspace.assume.mfa import MfaSessions
from tests.support.cli_runner import Cli
from tests.support.external_tools import need
from tests.support.fault_proxy import FaultProxy, error
from tests.support.mfa_alice import SERIAL, AliceWithMfa
from tests.support.moto_server import MotoServer, trust
from tests.support.slow import all_but, one_quick

pytestmark = pytest.mark.screen

SHELLS = (("zsh", "zsh"), ("dash", "posix"), ("fish", "fish"))

DEMO = ("serve", "ops-readonly", "--demo")
PROGRAM = (sys.executable, "-m", "iamtui")

ASK = """
import json, os, urllib.request
request = urllib.request.Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"])
request.add_header("Authorization", os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
    print(json.dumps({**json.load(answer), "environ": dict(os.environ)}))
"""


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *words], env={**os.environ, **environ}, capture_output=True, text=True, check=False, timeout=120
    )


def gone(pid: int, seconds: float = 60) -> bool:
    """Whether a process ends in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        # A child of a test that nobody waits for stays as a zombie.
        with suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z"):
                return True
        time.sleep(0.05)
    return False


def test_a_program_asks_and_ends_with_its_own_code() -> None:
    done = run(*DEMO, "--", sys.executable, "-c", ASK + "raise SystemExit(7)", AWS_ACCESS_KEY_ID="OLD", AWS_PROFILE="x")
    assert done.returncode == 7, done.stderr
    found = json.loads(done.stdout)
    assert found["AccessKeyId"].startswith("ASIA")
    assert not {"AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "AWS_PROFILE"} & set(found["environ"])
    assert found["environ"]["AWS_REGION"] == "eu-west-1"
    assert "1 request answered, 0 refused" in done.stderr
    assert found["SecretAccessKey"] not in done.stderr
    assert found["environ"]["AWS_CONTAINER_AUTHORIZATION_TOKEN"] not in done.stderr


@pytest.mark.slow
@one_quick(
    ("given", "kept"),
    [
        ({"NO_PROXY": "corp.local", "no_proxy": ""}, "corp.local,127.0.0.1"),
        ({"NO_PROXY": "", "no_proxy": "a, b"}, "a,b,127.0.0.1"),
        ({"NO_PROXY": "a", "no_proxy": "127.0.0.1,b"}, "a,127.0.0.1,b"),
        ({"NO_PROXY": "a", "no_proxy": "*"}, "*"),
    ],
)
def test_a_program_keeps_what_no_proxy_holds_in_both_spellings(given: dict[str, str], kept: str) -> None:
    show = "import os; print(os.environ['NO_PROXY'], os.environ['no_proxy'])"
    done = run(*DEMO, "--imds", "--", sys.executable, "-c", show, **given)
    assert done.stdout == f"{kept} {kept}\n"


def test_nothing_is_asked_on_the_terminal_while_the_program_has_it(cli: Cli, tmp_path: Path) -> None:
    """A renewal in the background may run a credential_process, which would take the program's keys."""
    _, terminal = pty.openpty()
    cli.monkeypatch.setattr(asking, "TERMINAL", Path(os.ttyname(terminal)))
    cli.monkeypatch.setattr(os, "tcgetpgrp", lambda _number: os.getpgrp())
    answers: list[bool] = []

    def instead(*_: object) -> int:
        answers.append(asking.can_ask())
        return 0

    cli.monkeypatch.setattr("iamtui.cli.serve.run_child", instead)
    assert cli("serve", "ops-readonly", "--demo", "--", "true").code == 0
    assert answers == [False]
    assert asking.can_ask()


@pytest.mark.slow
def test_the_endpoint_ends_with_the_program() -> None:
    done = run(*DEMO, "--", "sh", "-c", "echo $AWS_CONTAINER_CREDENTIALS_FULL_URI")
    assert done.returncode == 0
    after = subprocess.run(
        [sys.executable, "-c", ASK],
        env={
            "PATH": os.environ["PATH"],
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": done.stdout.strip(),
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "x",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Connection refused" in after.stderr


@pytest.mark.slow
def test_a_default_profile_is_hidden_from_the_program(no_aws_settings: Path) -> None:
    (no_aws_settings / "credentials").write_text("[default]\naws_access_key_id = AKIA\naws_secret_access_key = x\n")
    done = run(*DEMO, "--", "sh", "-c", "echo $AWS_SHARED_CREDENTIALS_FILE $AWS_CONFIG_FILE")
    assert done.stdout == "/dev/null /dev/null\n"
    assert "The AWS files are hidden from the program" in done.stderr
    done = run(*DEMO, "--foreground", "--format", "nonsense")
    assert done.returncode == 2


@pytest.mark.slow
def test_signals_end_the_program_and_the_endpoint() -> None:
    script = "trap 'echo ended; exit 3' TERM; echo ready; while :; do sleep 0.05; done"
    with subprocess.Popen(
        [*PROGRAM, *DEMO, "--", "bash", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "ended\n"
        assert process.wait(60) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shell", "name"),
    [("bash", "bash"), *(pytest.param(*more, marks=pytest.mark.slow) for more in SHELLS)],
)
def test_a_shell_evaluates_it_and_goes_on(shell: str, name: str, tmp_path: Path) -> None:
    need(shell)
    (tmp_path / "ask.py").write_text(ASK)
    serve = f"{' '.join(PROGRAM)} {' '.join(DEMO)} --format {name} 2>{tmp_path}/err"
    start = f"{serve} | source" if shell == "fish" else f'eval "$({serve})"'
    script = f"{start}; {sys.executable} {tmp_path}/ask.py; echo pid=$IAMTUI_ENDPOINT_PID; kill $IAMTUI_ENDPOINT_PID"
    done = subprocess.run(
        [shell, "-c", script],
        env={**os.environ, "AWS_SECURITY_TOKEN": "old", "AWS_ACCESS_KEY_ID": "old", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[0])
    assert found["AccessKeyId"].startswith("ASIA")
    assert not {"AWS_ACCESS_KEY_ID", "AWS_SECURITY_TOKEN"} & set(found["environ"])
    pid = re.search(r"pid=(\d+)", done.stdout)
    assert pid is not None
    assert gone(int(pid[1]))


def test_in_the_background_it_holds_no_pipe_that_the_shell_has_open() -> None:
    """Whoever reads the pipe to its end would wait for the end of the session."""
    script = f'eval "$({" ".join(PROGRAM)} {" ".join(DEMO)} 2>/dev/null)"; echo $IAMTUI_ENDPOINT_PID'
    reader, writer = os.pipe()
    with os.fdopen(reader):
        done = subprocess.run(
            ["bash", "-c", script], pass_fds=(writer,), stdout=subprocess.PIPE, text=True, check=True, timeout=120
        )
        os.close(writer)
        pid = int(done.stdout)
        try:
            assert select.select([reader], [], [], 20)[0]
            os.kill(pid, 0)
        finally:
            os.kill(pid, signal.SIGTERM)
    assert gone(pid)


@pytest.mark.slow
def test_in_the_background_it_ends_with_the_terminal(tmp_path: Path) -> None:
    """The terminal is closed, and the shell on it, without a word to the endpoint."""
    child, terminal = pty.fork()
    if child == 0:
        script = (
            f'eval "$({" ".join(PROGRAM)} {" ".join(DEMO)})"; echo pid=$IAMTUI_ENDPOINT_PID >{tmp_path}/pid; sleep 60'
        )
        os.execvpe("bash", ["bash", "-c", script], dict(os.environ))
    deadline = time.monotonic() + 60
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    pid = int((tmp_path / "pid").read_text().strip().removeprefix("pid="))
    os.kill(pid, 0)
    os.close(terminal)
    assert gone(pid)
    os.waitpid(child, 0)


def test_no_token_stands_in_the_arguments_of_any_process(tmp_path: Path) -> None:
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("the system has no /proc")
    look = "; ".join(
        (
            "import glob, os",
            "token = os.environ['AWS_CONTAINER_AUTHORIZATION_TOKEN'].encode()",
            "lines = [open(path, 'rb').read() for path in glob.glob('/proc/[0-9]*/cmdline') if os.path.exists(path)]",
            "print(len(lines), sum(token in line for line in lines))",
        )
    )
    (tmp_path / "look.py").write_text(look.replace("; ", "\n"))
    done = run(*DEMO, "--", sys.executable, str(tmp_path / "look.py"))
    processes, found = map(int, done.stdout.split())
    assert processes > 2
    assert found == 0


@pytest.mark.slow
@pytest.mark.parametrize("number", all_but(signal.SIGTERM, [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]))
def test_in_the_foreground_a_signal_ends_it_well(number: signal.Signals) -> None:
    # SIGINT is ignored in a test run in the background, and would stay so.
    begin = f"import signal; signal.signal({number:d}, signal.SIG_DFL); from iamtui.__main__ import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", begin, *DEMO, "--foreground", "--imds"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "NO_PROXY": "example.com", "no_proxy": "corp.local,example.com"},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [process.stdout.readline()]
        while "IAMTUI_ENDPOINT_PID" not in lines[-1]:
            assert lines[-1]
            lines.append(process.stdout.readline())
        said = []
        while not said or "until Ctrl+C" not in said[-1]:
            assert said[-1:] != [""]
            said.append(process.stderr.readline())
        process.send_signal(number)
        assert process.wait(60) == 0
        rest = process.stderr.read()
    text = "".join(lines)
    assert f"export IAMTUI_ENDPOINT_PID={process.pid}" in text
    assert re.search(r"^export AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:\d+/$", text, re.MULTILINE)
    assert "export NO_PROXY=example.com,corp.local,127.0.0.1" in text
    assert "export no_proxy=example.com,corp.local,127.0.0.1" in text
    assert "WARNING: the instance metadata service has no authentication" in "".join(said)
    assert "0 requests answered, 0 refused" in rest


def test_a_terminal_is_refused_and_told_how(tmp_path: Path) -> None:
    controller, terminal = pty.openpty()
    done = subprocess.run(
        [*PROGRAM, *DEMO], stdin=terminal, stdout=terminal, stderr=subprocess.PIPE, text=True, check=False, timeout=60
    )
    os.close(terminal)
    os.close(controller)
    assert done.returncode == 2
    assert 'Use eval "$(iamtui serve ops-readonly --demo --format bash)", or run' in done.stderr
    assert "iamtui serve ops-readonly --demo -- COMMAND" in done.stderr
    assert "--reveal" in done.stderr


def test_failures_are_two_without_and_125_with_a_program(cli: Cli) -> None:
    cli("serve", "nobody", "--demo").failed_with("No role of this account")
    cli("serve", "nobody", "--demo", "--", "true").failed_with("No role of this account", code=125)
    cli(*DEMO, "--format", "json").failed_with('The format "json" is for no shell')
    assert cli(*DEMO, "--", "no-such-program").code == 127


def test_a_chain_is_renewed_from_its_first_caller_on(
    moto: MotoServer, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sessions on the way may have ended when the last is renewed."""
    iam = moto.client("iam")
    alice = iam.create_user(UserName="alice")["User"]["Arn"]
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    first = iam.create_role(RoleName="first", AssumeRolePolicyDocument=trust({"AWS": alice}))["Role"]["Arn"]
    last = iam.create_role(RoleName="last", AssumeRolePolicyDocument=trust({"AWS": first}))["Role"]["Arn"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    found = assumed(last, Wanted(via=(first,)), SourceOptions(endpoint_url=fault_proxy.url))
    assert found.session.role_arn == last
    fault_proxy.calls.clear()
    assert found.again().access_key_id != found.session.access_key_id
    asked = [call.parameters["RoleArn"] for call in fault_proxy.calls if call.operation == "AssumeRole"]
    assert asked == [first, last]


@pytest.fixture
def alice(moto: MotoServer, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> AliceWithMfa:
    return AliceWithMfa(moto, fault_proxy, monkeypatch)


def test_one_mfa_code_renews_for_as_long_as_it_serves(alice: AliceWithMfa) -> None:
    sessions = MfaSessions()
    found = assumed(alice.role, Wanted(mfa_serial=SERIAL), alice.source, mfa_sessions=sessions)
    assert found.with_mfa
    assert not found.needs_code()
    assert found.again().access_key_id != found.session.access_key_id
    assert alice.codes == ["234567"]
    assert alice.operations() == ["GetSessionToken", "AssumeRole", "AssumeRole"]
    sessions.forget_all()
    assert found.needs_code()
    with pytest.raises(Problem, match="needs a new MFA code"):
        found.again()


def test_a_longer_session_needs_its_code_in_the_call(alice: AliceWithMfa) -> None:
    wanted = Wanted(mfa_serial=SERIAL, duration=7200)
    found = assumed(alice.role, wanted, alice.source, mfa_sessions=MfaSessions())
    assert found.needs_code()
    assert found.unshared.startswith("More than 1 hour needs a code in the call itself")
    assert alice.operations() == ["AssumeRole"]


def test_where_sts_shares_no_code_another_goes_with_the_call(
    alice: AliceWithMfa, capsys: pytest.CaptureFixture[str]
) -> None:
    denied = error(403, "AccessDenied", "User is not authorized to perform: sts:GetSessionToken with an explicit deny")
    alice.proxy.on("GetSessionToken", denied)
    found = assumed(alice.role, Wanted(mfa_serial=SERIAL), alice.source, mfa_sessions=MfaSessions())
    assert found.needs_code()
    assert alice.codes == []
    assert alice.proxy.operations().count("AssumeRole") == 1
    assert "STS refused this caller a session for several roles. Another one is needed." in capsys.readouterr().err


def test_a_wrong_code_is_not_asked_again(alice: AliceWithMfa) -> None:
    alice.codes = ["999999"]
    with pytest.raises(Problem, match="MFA code"):
        assumed(alice.role, Wanted(mfa_serial=SERIAL), alice.source, mfa_sessions=MfaSessions())
    assert alice.operations() == ["GetSessionToken"]


def test_a_chain_is_renewed_with_the_code_of_its_first_caller(alice: AliceWithMfa, moto: MotoServer) -> None:
    trusted = trust({"AWS": alice.role})
    last = moto.client("iam").create_role(RoleName="last", AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
    alice.gate.others = {last}
    sessions = MfaSessions()
    wanted = Wanted(via=(alice.role,), mfa_serial=SERIAL)
    found = assumed(last, wanted, alice.source, mfa_sessions=sessions)
    assert found.with_mfa
    assert not found.needs_code()
    found.again()
    assert alice.operations() == ["GetSessionToken", *["AssumeRole"] * 4]
    sessions.forget_all()
    assert found.needs_code()
