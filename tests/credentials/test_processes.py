"""Programs in our place and as our children: exit codes, signals, the terminal, and nothing secret in arguments."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from iamtui.credentials.child_process import ChildEnvironment, NotStarted, replace_process, run_child, shell_of
from tests.credentials.test_leaks import leaked, shown_everywhere
from tests.support.external_tools import need
from tests.support.slow import one_quick
from tests.support.sts_answers import SECRET_KEY, TOKEN

ROOT = Path(__file__).parents[2]
PLAIN = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TEST_SECRET": SECRET_KEY}
ENVIRON = ChildEnvironment(PLAIN)


def with_path(folder: Path) -> ChildEnvironment:
    return ChildEnvironment({**PLAIN, "PATH": f"{folder}:{PLAIN['PATH']}"})


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder of things that are no good programs."""
    for name, text, mode in (
        ("plain", "#!/bin/sh\nexit 3\n", 0o644),
        ("lost", "#!/no/such/interpreter\n", 0o755),
        ("noise", "\x00\x01\x02", 0o755),
    ):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)
    (tmp_path / "folder").mkdir()
    return tmp_path


BAD = [
    ("no-such-program", 127, "There is no program no-such-program."),
    ("/no/such/program", 127, "There is no program /no/such/program."),
    ("{}/plain", 126, "cannot be executed: Permission denied"),
    ("plain", 126, "cannot be executed: Permission denied"),
    ("{}/folder", 126, "cannot be executed"),
    ("{}/lost", 126, "interpreter"),
    ("{}/noise", 126, "cannot be executed: Exec format error"),
    ("{}/plain/x", 127, "There is no program"),
]


@pytest.mark.parametrize(("program", "code", "said"), BAD)
@pytest.mark.parametrize("start", [run_child, replace_process])
def test_what_cannot_be_started_is_told_and_shows_no_secret(
    programs: Path, start: object, program: str, code: int, said: str
) -> None:
    environ = with_path(programs)
    assert callable(start)
    with pytest.raises(NotStarted) as problem:
        start([program.format(programs), "x"], environ)
    assert problem.value.code == code
    assert said in problem.value.sentence
    assert problem.value.next_step
    assert leaked(shown_everywhere(problem.value)) == []


def test_words_with_a_nul_are_no_crash() -> None:
    with pytest.raises(NotStarted) as problem:
        run_child(["true", "a\0b"], ENVIRON)
    assert problem.value.code == 125


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -9 $$", 137)]
)
def test_a_childs_ending_is_told_as_a_shell_tells_it(script: str, code: int) -> None:
    assert run_child(["sh", "-c", script], ENVIRON) == code


def test_the_childs_own_path_finds_it(programs: Path) -> None:
    (programs / "mine").write_text("#!/bin/sh\nexit 9\n")
    (programs / "mine").chmod(0o755)
    assert run_child(["mine"], with_path(programs)) == 9


_RUNS = """
import os, sys
from iamtui.credentials.child_process import ChildEnvironment
from iamtui.credentials.child_process import run_child
sys.exit(run_child(sys.argv[1:], ChildEnvironment(os.environ)))
"""
_BECOMES = """
import os, sys
from iamtui.credentials.child_process import ChildEnvironment
from iamtui.credentials.child_process import replace_process
replace_process(sys.argv[1:], ChildEnvironment(os.environ))
"""


@pytest.mark.parametrize("code", [_RUNS, _BECOMES])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1])
def test_signals_reach_the_child(code: str, number: signal.Signals) -> None:
    name = number.name.removeprefix("SIG")
    script = f"trap 'echo got {name}; exit 5' {name}; echo ready; while :; do sleep 0.05; done"
    # A shell cannot trap what was ignored when it started, as SIGINT is in a test run in the background.
    code = f"import signal; signal.signal({number:d}, signal.SIG_DFL)\n{code}"
    with subprocess.Popen(
        [sys.executable, "-c", code, "bash", "-c", script], stdout=subprocess.PIPE, cwd=ROOT, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        assert process.stdout.read() == f"got {name}\n".encode()
        assert process.wait(60) == 5


def test_a_signal_that_is_ignored_stays_so_for_the_child_too() -> None:
    """A job under nohup goes on when the terminal is closed."""
    ignoring = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    done = subprocess.run(
        [sys.executable, "-c", ignoring + _RUNS, "sh", "-c", "kill -HUP $PPID; kill -HUP $$; echo goes on"],
        cwd=ROOT, capture_output=True, check=False, timeout=60, start_new_session=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, b"goes on\n")


def test_a_program_in_our_place_gets_pipes_as_they_were() -> None:
    """Python ignores SIGPIPE; `yes | head` would never end with that inherited."""
    done = subprocess.run(
        [sys.executable, "-c", _BECOMES, "bash", "-c", "yes | head -1; echo ${PIPESTATUS[0]}"],
        cwd=ROOT, capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == b"y\n141\n"


def test_our_handlers_are_back_afterwards() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)}
    run_child(["true"], ENVIRON)
    with pytest.raises(NotStarted):
        replace_process(["/no/such"], ENVIRON)
    assert {number: signal.getsignal(number) for number in before} == before


def test_a_thread_can_run_a_child_too() -> None:
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(run_child(["sh", "-c", "exit 4"], ENVIRON)))
    thread.start()
    thread.join(60)
    assert codes == [4]


def test_no_secret_stands_in_the_arguments_of_any_process() -> None:
    """Read from /proc while the child, which holds the secret in its environment, runs."""
    need("sh")
    found: list[bytes] = []

    def look(child: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 60
        while SECRET_KEY.encode() not in Path(f"/proc/{child.pid}/environ").read_bytes():
            assert time.monotonic() < deadline
            time.sleep(0.005)
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                found.append(path.read_bytes())

    if not Path("/proc/self/environ").exists():
        pytest.skip("the system has no /proc")
    run_child(["sh", "-c", "sleep 1"], ChildEnvironment({**PLAIN, "AWS_SESSION_TOKEN": TOKEN}), started=look)
    assert any(b"sleep 1" in line for line in found)
    assert not [line for line in found if SECRET_KEY.encode() in line or TOKEN.encode() in line]


def test_the_users_shell_is_found(programs: Path) -> None:
    assert shell_of({"SHELL": "/bin/sh"}) == "/bin/sh"
    for environ in ({}, {"SHELL": str(programs / "plain")}, {"SHELL": "/no/such"}):
        assert os.access(shell_of(environ), os.X_OK)


_SUB_SHELL = """
import os, sys, signal
from tests.credentials.test_formats import SESSION
from dataclasses import replace
from datetime import timedelta
from iamtui.credentials.session import utc_now
from iamtui.credentials.child_process import run_shell
session = replace(SESSION, expires_at=utc_now() + timedelta(hours=1))
print("before", flush=True)
code = run_shell(session)
print("code", code, "ours", os.tcgetpgrp(0) == os.getpgrp(), flush=True)
"""


@one_quick("shell", ["bash", "zsh", "fish", "dash"])
def test_a_sub_shell_has_the_terminal_and_gives_it_back(shell: str, tmp_path: Path) -> None:
    need(shell)
    import shutil

    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        environ = {
            "PATH": os.environ["PATH"], "HOME": str(tmp_path), "SHELL": shutil.which(shell) or "", "TERM": "dumb",
            "AWS_PROFILE": "old",
        }  # fmt: skip
        os.execve(sys.executable, [sys.executable, "-c", _SUB_SHELL], environ)
    shown = _until(terminal, b"before")
    time.sleep(0.3)
    # A command that is stopped and continued needs job control, and so the terminal.
    os.write(terminal, b'echo "key=$AWS_ACCESS_KEY_ID profile=[$AWS_PROFILE] mark=$IAMTUI_SESSION"\n')
    shown += _until(terminal, b"mark=Deployer@123456789012")
    os.write(terminal, b"exit 6\n")
    shown += _until(terminal, b"ours True")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert b"key=ASIAIOSFODNN7EXAMPLE profile=[] mark=Deployer@123456789012" in shown
    assert b"code 6 ours True" in shown


def _until(terminal: int, wanted: bytes, seconds: float = 90) -> bytes:
    import select

    shown, deadline = b"", time.monotonic() + seconds
    while wanted not in shown and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:
                break
    assert wanted in shown, shown
    return shown
