"""What may stand where a command takes a file: pipes are waited for, not for ever; devices are refused."""

from __future__ import annotations

import io
import json
import os
import pty
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from iamtui import input_files
from iamtui.input_files import PORTION, MissingFile, open_input, open_standard_input, read_document, read_whole
from iamtui.problem import Problem
from tests.support.cli_runner import Cli
from tests.support.input_kinds import COMMANDS, STANDARD_INPUT, command
from tests.support.slow import one_quick

pytestmark = pytest.mark.screen

REQUEST = {"principal": "arn:aws:iam::123456789012:user/x", "action": "s3:GetObject", "resource": "arn:aws:s3:::b/x"}
SCENARIO = json.dumps({"request": REQUEST}).encode()
MESSAGE = (
    b"An error occurred (AccessDenied) when calling the GetObject operation: User: "
    b"arn:aws:iam::111122223333:user/engineering/aoife.brennan is not authorized to perform: s3:GetObject on resource: "
    b'"arn:aws:s3:::puffin-data-lake/x" because no identity-based policy allows the s3:GetObject action\n'
)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_files, "PATIENCE_SECONDS", 0.2)


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_pipe_that_nobody_writes_into_is_given_up(
    cli: Cli, impatient: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    result = cli(*command(kind, "pipe"))
    assert result.code == 2
    assert "pipe is a pipe without a writer. Start the program that writes to it first" in result.err


@pytest.mark.parametrize("kind", COMMANDS)
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/tty"])
def test_devices_are_refused(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, device: str) -> None:
    monkeypatch.chdir(tmp_path)
    result = cli(*command(kind, device))
    assert result.code == 2
    assert f"{device} is a device, which is not read. Name a file." in result.err


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_directory_and_a_socket_are_refused(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        assert "socket is a socket, which is not read" in cli(*command(kind, "socket")).err
    if kind not in ("trail", "trail of a role"):  # which is often a folder
        assert "is a directory" in cli(*command(kind, str(tmp_path))).err


@one_quick("kind", sorted(STANDARD_INPUT))
def test_devices_on_standard_input_are_refused(tmp_path: Path, kind: str) -> None:
    with Path("/dev/zero").open("rb") as zeros:
        done = run(kind, "-", zeros, tmp_path)
    assert done.returncode == 2
    assert b"on standard input is a device, which is not read" in done.stderr


@one_quick("kind", sorted(STANDARD_INPUT))
def test_standard_input_without_anything_is_empty(tmp_path: Path, kind: str) -> None:
    done = run(kind, "-", subprocess.DEVNULL, tmp_path)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert b"device" not in done.stderr


def run(kind: str, file: str, stdin: object, folder: Path) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder / "data")}
    return subprocess.run(
        [sys.executable, "-m", "iamtui", *command(kind, file)],
        stdin=stdin,  # type: ignore[arg-type]
        capture_output=True,
        timeout=60,
        cwd=folder,
        env=environment,
        check=False,
    )


@contextmanager
def running(*words: str, stderr: int = subprocess.PIPE) -> Iterator[subprocess.Popen[bytes]]:
    # A suite that runs in the background ignores ctrl+c, and its children would inherit that.
    interrupted = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "iamtui", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr
        )
    finally:
        signal.signal(signal.SIGINT, interrupted)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


@pytest.mark.parametrize("where", ["/dev/stdout", "pipe"])
def test_no_pipe_is_edited_as_a_draft(tmp_path: Path, where: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    words = ("draft", "edit", where, "undo", "--demo")
    done = subprocess.run(
        [sys.executable, "-m", "iamtui", *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
        cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert f"The draft {where} is a pipe, which is not read." in " ".join(done.stderr.decode().split())


def test_slow_lines_are_answered_one_by_one() -> None:
    with running("simulate", "-", "--json") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(3):
            process.stdin.write(SCENARIO + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["decision"] == "implicitDeny"
        time.sleep(0.3)
        process.stdin.write(SCENARIO + b"\n")
        process.stdin.close()
        assert json.loads(process.stdout.readline())
        assert process.wait(60) == 0


def test_a_slow_log_is_waited_for() -> None:
    with running("explain", "-", "--demo") as process:
        assert process.stdin is not None
        for start in range(0, len(MESSAGE), 100):
            time.sleep(0.05)
            process.stdin.write(MESSAGE[start : start + 100])
            process.stdin.flush()
        out, _ = process.communicate(timeout=60)
        assert process.returncode in (0, 3)
        assert b"s3:GetObject" in out


@one_quick("words", [("explain", "-"), ("simulate", "-"), ("lint", "-"), ("explain", "PIPE", "--demo")])
def test_control_c_ends_a_long_reading(tmp_path: Path, words: tuple[str, ...]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)
    try:
        with running(*(str(pipe) if word == "PIPE" else word for word in words)) as process:
            assert process.stdin is not None
            # More than a pipe holds: when all of it is written, some of it has been read.
            into = writer if "PIPE" in words else process.stdin.fileno()
            for _ in range(4):
                os.write(into, b" " * 50_000)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
            assert process.stderr is not None
            assert b"Traceback" not in process.stderr.read()
    finally:
        os.close(writer)


def test_control_c_ends_the_reading_of_what_has_no_end() -> None:
    with running("lint", "-") as process, subprocess.Popen(["yes"], stdout=process.stdin) as endless:
        assert process.stdin is not None
        # What this pipe takes beyond what it holds has been read.
        for _ in range(4):
            with suppress(BrokenPipeError):
                os.write(process.stdin.fileno(), b" " * 50_000)
        process.send_signal(signal.SIGINT)
        code = process.wait(60)
        endless.kill()
    # A policy document has an end: it may have been refused by then.
    assert code in (2, 130)


def test_a_terminal_is_told_how_far_a_reading_has_come() -> None:
    controller, terminal = pty.openpty()
    with running("explain", "-", "--demo", stderr=terminal) as process:
        os.close(terminal)
        assert process.stdin is not None
        process.stdin.write(b"x" * 3 * 1024 * 1024)
        process.stdin.flush()
        shown = b""
        deadline = time.monotonic() + 90
        while b"MB so far" not in shown and time.monotonic() < deadline:
            if select.select([controller], [], [], 0.5)[0]:
                shown += os.read(controller, 4096)
        assert b"Reading standard input: 3.0 MB so far; ctrl+c stops." in shown
    os.close(controller)


def test_nothing_is_told_where_no_terminal_is() -> None:
    with running("explain", "-", "--demo") as process:
        assert process.stdin is not None
        time.sleep(3)
        process.stdin.write(MESSAGE)
        _, err = process.communicate(timeout=60)
        assert b"so far" not in err


# The reader itself


def test_a_document_has_an_end(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 1025)
    assert read_document(file, "It", most=1025) == b"x" * 1025
    with pytest.raises(Problem, match="It has 1,025 bytes, more than the 1 kB that are read"):
        read_document(file, "It", most=1024)
    with pytest.raises(Problem, match="It has more than the 1 kB that are read"):
        read_whole(io.BytesIO(b"x" * 1025), "It", most=1024)


def test_what_does_not_exist_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match=r"It does not exist\. Check the path\."):
        read_document(tmp_path / "none", "It")
    for path in ("a\0b", "x" * 5000, str(tmp_path / "none" / "\ud800")):
        with pytest.raises(Problem), open_input(path, "It"):
            pass


def test_an_error_of_the_one_who_reads_is_not_the_files(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    with pytest.raises(BrokenPipeError), open_input(file, "It"):
        raise BrokenPipeError


def test_an_error_while_reading_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        with (
            pytest.raises(Problem, match="It cannot be read: Is a directory"),
            io.BufferedReader(input_files._Input(descriptor, "It", input_files.tell_nobody, patience=None)) as file,
        ):
            file.read()
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(fileno=lambda: descriptor))
        with pytest.raises(Problem, match="It is a directory"), open_standard_input("It"):
            pass
    finally:
        os.close(descriptor)


def test_a_pipe_is_read_to_its_end_however_it_comes(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    script = f"sleep 0.2; for i in 1 2 3; do printf 12345; sleep 0.1; done > {pipe}"
    with subprocess.Popen(["/bin/sh", "-c", script]):
        assert read_document(pipe, "It") == b"12345" * 3


def test_descriptors_are_closed(tmp_path: Path, impatient: None) -> None:
    os.mkfifo(tmp_path / "pipe")
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(3):
        with pytest.raises(Problem):
            read_document(tmp_path / "pipe", "It")
    (tmp_path / "file").write_bytes(b"x")
    read_document(tmp_path / "file", "It")
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_a_thousand_descriptors_may_be_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with ExitStack() as stack:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < 1200:
            resource.setrlimit(resource.RLIMIT_NOFILE, (1200, hard))
            stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        opened = 0
        while opened < 1024:
            opened = os.open(os.devnull, os.O_RDONLY)
            stack.callback(os.close, opened)
        assert read_document(tmp_path / "file", "It") == b"x"
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(fileno=lambda: opened))
        with open_standard_input("It") as file:
            assert file.read() == b""


@pytest.mark.parametrize("swap", ["replaced", "pipe", "removed", "cut"])
def test_a_file_that_is_swapped_while_it_is_read_is_the_one_that_was_opened(tmp_path: Path, swap: str) -> None:
    file = tmp_path / "it"
    before = b"a" * (4 * PORTION)
    file.write_bytes(before)
    other = tmp_path / "other"
    other.write_bytes(b"b" * len(before))

    def told(size: int) -> None:
        if size >= 2 * PORTION and not done:
            done.append(size)
            if swap == "cut":
                os.truncate(file, 0)
            elif swap == "replaced":
                other.replace(file)
            else:
                file.unlink()
                if swap == "pipe":
                    os.mkfifo(file)

    done: list[int] = []
    with open_input(file, "It", told=told) as opened:
        found = read_whole(opened, "It")
    assert found == before[: done[0] if swap == "cut" else None]


def test_what_is_swapped_for_a_device_before_it_is_opened_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "it"
    file.write_bytes(b"{}")
    open_file = os.open

    def swapped(path: Path, flags: int) -> int:
        file.unlink()
        file.symlink_to("/dev/zero")
        return open_file(path, flags)

    monkeypatch.setattr(os, "open", swapped)
    with pytest.raises(Problem, match="It is a device, which is not read"):
        read_document(file, "It")
