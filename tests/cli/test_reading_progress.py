"""The reading of a live account on a terminal: how far it is, what it waits for, and ctrl+c."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fault_proxy import Call, Fault, FaultProxy, Reset, Stall, error
from tests.support.slow import one_quick
from tests.support.terminal_session import TerminalSession


def command(proxy: FaultProxy, *words: str) -> list[str]:
    return [sys.executable, "-m", "iamtui", *words, "--endpoint-url", proxy.url]


def environ(home: Path, **more: str) -> dict[str, str]:
    given = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    return {**given, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "TERM": "xterm-256color", **more}


def only_first_page(proxy: FaultProxy, fault: Fault) -> None:
    def rule(call: Call) -> Fault | None:
        is_listing = call.operation == "GetAccountAuthorizationDetails"
        return fault if is_listing and "Marker" in call.parameters else None

    proxy.rules.append(rule)


@pytest.mark.screen
def test_counts_are_told_and_ctrl_c_ends_a_reading_that_gets_no_answer(large_proxy: FaultProxy, tmp_path: Path) -> None:
    only_first_page(large_proxy, Stall())
    with TerminalSession(command(large_proxy, "list", "users"), environ(tmp_path), tmp_path) as session:
        session.until("Users, groups, roles and policies 200 … ctrl+c stops")
        session.process.send_signal(signal.SIGINT)
        assert session.wait() == 130
        asked = [call for call in large_proxy.calls if call.operation == "GetAccountAuthorizationDetails"][1:]
        assert len(asked) == 1, "it would have been asked again, had its answer been waited for"
        assert "Traceback" not in session.text()


@pytest.mark.slow
@pytest.mark.screen
def test_what_is_waited_for_is_told(large_proxy: FaultProxy, tmp_path: Path) -> None:
    only_first_page(large_proxy, error(400, "Throttling"))
    with TerminalSession(command(large_proxy, "list", "users"), environ(tmp_path), tmp_path) as session:
        session.until("policies 200, waiting for AWS: throttled, try 4 … ctrl+c stops")


@pytest.mark.slow
@one_quick("fault", [Reset(), error(403, "ExpiredToken")], ids=["reset", "expired"])
def test_without_a_terminal_the_part_that_came_is_listed_and_the_lack_is_said(
    large_proxy: FaultProxy, tmp_path: Path, fault: Fault
) -> None:
    only_first_page(large_proxy, fault)
    words = command(large_proxy, "list", "users")
    done = subprocess.run(
        words, env=environ(tmp_path, AWS_MAX_ATTEMPTS="1"), capture_output=True, text=True, check=False, timeout=90
    )
    assert done.returncode == 3
    assert len(done.stdout.splitlines()) >= 200
    assert "Only a part of the account was read: " in done.stderr
    assert "\r" not in done.stderr


@pytest.mark.slow
@pytest.mark.screen
def test_the_screen_quits_although_nothing_answers(large_proxy: FaultProxy, tmp_path: Path) -> None:
    only_first_page(large_proxy, Stall())
    with TerminalSession(command(large_proxy), environ(tmp_path), tmp_path) as session:
        session.until("roles and policies 200 …")
        session.type(b"\x11")
        assert session.wait() == 0
        asked = [call for call in large_proxy.calls if call.operation == "GetAccountAuthorizationDetails"][1:]
        assert len(asked) == 1, "it would have been asked again, had its answer been waited for"
