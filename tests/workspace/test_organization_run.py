"""Work over the accounts of a store: each once and in their order, whatever comes to an end meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from iamtui.problem import Problem
from iamtui.workspace.organization.organization_run import Here, Processes, Workers, over_accounts, workers_for

IDS = [f"{number:012}" for number in range(40)]


def length(data: bytes) -> int:
    return len(data)


def fails(data: bytes) -> int:
    if data == b"x" * 3:
        raise Problem("It is damaged.", "Fetch it.")
    if data == b"x" * 4:
        raise RecursionError
    return len(data)


def ends_its_process(data: bytes) -> int:
    if data == b"x" * 3:
        os._exit(9)
    return len(data)


def read(account: str) -> bytes:
    return b"x" * int(account)


WAYS: list[Callable[[], Workers]] = [Here, lambda: Processes(2)]


@pytest.mark.parametrize("workers", WAYS)
def test_each_account_is_done_once_and_in_order(workers: Callable[[], Workers]) -> None:
    told: list[int] = []
    found = [*over_accounts(IDS, read, length, workers(), told.append)]
    assert [(one.account, one.found, one.problem) for one in found] == [(id_, int(id_), None) for id_ in IDS]
    assert told == [*range(41)]


@pytest.mark.parametrize("workers", WAYS)
def test_an_account_that_fails_is_said_and_the_others_go_on(workers: Callable[[], Workers]) -> None:
    found = {one.account: one for one in over_accounts(IDS, read, fails, workers())}
    assert str(found[IDS[3]].problem) == "It is damaged. Fetch it."
    assert "An error in iamtui itself (RecursionError)" in str(found[IDS[4]].problem)
    assert sum(one.found is not None for one in found.values()) == 38


@pytest.mark.slow
def test_an_account_that_ends_its_process_is_given_up_and_no_other() -> None:
    found = [*over_accounts(IDS, read, ends_its_process, Processes(2))]
    assert [one.account for one in found] == IDS
    assert [one.account for one in found if one.problem is not None] == [IDS[3]]
    assert "The process that read account 000000000003 came to an end" in str(found[3].problem)


def blocks_interrupts(_data: bytes) -> bool:
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_ctrl_c_is_for_the_process_that_started_the_others() -> None:
    found = [*over_accounts(IDS[:2], read, blocks_interrupts, Processes(2))]
    assert [one.found for one in found] == [True, True]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


STARTS_WORKERS = """
import os, signal
from tests.workspace.test_organization_run import IDS, length, read
from iamtui.workspace.organization.organization_run import Processes, over_accounts
if __name__ == "__main__":
    for one in over_accounts(IDS, read, length, Processes(2)):
        print(one.found, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_processes_end_with_the_one_that_started_them_however_it_ends(tmp_path: Path) -> None:
    script = tmp_path / "starts_workers.py"
    script.write_text(STARTS_WORKERS)
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    # Its output ends when the last of them, which have it open too, has come to an end.
    command = [sys.executable, str(script)]
    done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, timeout=120, check=False)
    assert (done.returncode, len(done.stdout.splitlines())) == (-signal.SIGKILL, 40)


def test_what_cannot_be_read_is_said() -> None:
    def broken(account: str) -> bytes:
        if account == IDS[1]:
            raise Problem("It is not there.")
        return b""

    found = [*over_accounts(IDS[:3], broken, length, Here())]
    assert [str(one.problem) if one.problem else one.found for one in found] == [0, "It is not there.", 0]


def test_no_more_accounts_are_read_than_are_soon_asked_about() -> None:
    reading: list[str] = []
    lock = threading.Lock()

    def counted(account: str) -> bytes:
        with lock:
            reading.append(account)
        return b""

    for number, _ in enumerate(over_accounts(IDS, counted, length, Here())):
        assert len(reading) <= number + 3


def test_workers_are_as_many_as_are_worth_it() -> None:
    assert isinstance(workers_for(3, None), Here)
    assert isinstance(workers_for(300, 1), Here)
    chosen = workers_for(300, 3)
    assert chosen.at_once == 3
    chosen.close()


def test_the_folder_one_stands_in_supplies_no_modules(tmp_path: Path) -> None:
    """In a process of its own: multiprocessing starts one of its helpers only once."""
    (tmp_path / "multiprocessing.py").write_text("open('ran', 'w')\n")
    program = """if __name__ == "__main__":
        from iamtui.workspace.organization.organization_run import Processes
        workers = Processes(1)
        print(workers.submit(len, b"xxx", "111122223333")())
        workers.close()
    """
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "program.py").write_text(program)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    done = subprocess.run(
        [sys.executable, "sub/program.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("3\n", "")
    assert not (tmp_path / "ran").exists()
