"""The real program shows a hostile account on a real terminal, and none of its payloads gets there."""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path

import pytest

from tests.support.evil_account import EVIL, evil_snapshot
from tests.support.external_tools import Tmux, need, tmux_server
from tests.support.program_on_terminal import (
    PROGRAM,
    environment,
    hostile_in_lines,
    hostile_in_screen,
    run_on_terminal,
)
from tests.support.slow import all_but
from tests.support.snapshot_builder import as_bytes

pytestmark = pytest.mark.screen

ACCOUNT = "123456789012"
ATTACK = "\x1b]52;c;cHduZWQ=\x07 \u202e\x9b31m[red]\u200b"
"""What a user may be made to paste as an argument."""

WALK = (
    *(b"\x1b[B", b"\x1b[C") * 6,
    *(b"\t", b"]", b"]", b"]", b"]", b"\t", b"\t"),
    *(b"/", b"mal", b"\r", b"s", b"\x1b", b"w", b"\x1b", b"\x10", b"\x1b", b"\x11"),
)
"""From the overview, opens branches, tabs, filter, question, trace and palette, and leaves with ctrl+q."""

STARTED = "administrators"
"""What the overview counts first: it is on screen once all of the account is read."""


@pytest.fixture
def snapshot(tmp_path: Path) -> str:
    file = tmp_path / "evil.json"
    file.write_bytes(as_bytes(evil_snapshot()))
    return str(file)


@pytest.fixture
def policy(tmp_path: Path) -> str:
    """A document that is hostile in every place that lint and simulate quote."""
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(_document()))
    return str(file)


@pytest.fixture
def scenarios(tmp_path: Path) -> str:
    """Scenarios that are hostile where they are right, and where they are wrong."""
    request = {"principal": f"arn:aws:iam::{ACCOUNT}:user/x", "action": "s3:GetObject", "resource": "*"}
    arn = f"arn:aws:s3:::{ATTACK}"
    lines = (
        {"id": EVIL, "request": {**request, "resource": arn, "context": {ATTACK: ATTACK}}},
        {"id": ATTACK, "request": request, "identity_policies": [{"name": EVIL, "document": _document(ATTACK)}]},
        {"id": EVIL, "request": request, EVIL: 1},
        {"id": EVIL, "request": {**request, "action": EVIL}},
    )
    file = tmp_path / "scenarios.json"
    file.write_text("\n".join(json.dumps(line) for line in lines))
    return str(file)


def _document(text: str = EVIL) -> dict[str, object]:
    statement = {
        "Sid": text,
        "Effect": "Allow",
        "Action": [text, f"s3:{text}", "s3:GetObject"],
        "Resource": ["*", text],
        "Condition": {"StringEquals": {f"aws:PrincipalTag/{text}": text}},
    }
    return {"Version": "2012-10-17", "Id": text, "Statement": [statement, {**statement, text: text}]}


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), pytest.param(200, 60, marks=pytest.mark.slow)])
def test_the_screen_writes_no_payload(snapshot: str, tmp_path: Path, columns: int, lines: int) -> None:
    words = ["--snapshot", snapshot]
    run = run_on_terminal(words, home=tmp_path, keys=WALK, after=STARTED.encode(), columns=columns, lines=lines)
    assert run.code == 0, run.text[-2000:]
    assert hostile_in_screen(run.text) == set()
    assert "␛]52" in run.text, "no payload was on screen, so nothing is proved"


COMMANDS: dict[str, list[str]] = {
    "list users": ["list", "users", "--snapshot", "SNAPSHOT"],
    "list groups": ["list", "groups", "--snapshot", "SNAPSHOT"],
    "list roles": ["list", "roles", "--snapshot", "SNAPSHOT"],
    "list policies": ["list", "policies", "--snapshot", "SNAPSHOT"],
    "show": ["show", "mallory", "--snapshot", "SNAPSHOT"],
    "can": ["can", "mallory", "s3:GetObject", "--on", f"arn:aws:s3:::{ATTACK}", "--snapshot", "SNAPSHOT"],
    "what-can": ["what-can", "mallory", "--service", "s3", "--snapshot", "SNAPSHOT"],
    "who-can": ["who-can", "s3:GetObject", "--snapshot", "SNAPSHOT"],
    "lint": ["lint", "POLICY", "SNAPSHOT"],
    "simulate": ["simulate", "SCENARIOS"],
    "simulate with a trace": ["simulate", "SCENARIOS", "--trace"],
    "info": ["info", "--profile", ATTACK, "--region", ATTACK],
}


@pytest.mark.parametrize("name", all_but("can", COMMANDS))
def test_a_command_writes_no_payload(name: str, snapshot: str, policy: str, scenarios: str, tmp_path: Path) -> None:
    places = {"SNAPSHOT": snapshot, "POLICY": policy, "SCENARIOS": scenarios}
    words = [places.get(word, word) for word in COMMANDS[name]]
    run = run_on_terminal(words, home=tmp_path)
    assert "error in iamtui itself" not in run.text
    assert hostile_in_lines(run.text) == set()
    assert "␛]52" in run.text, "no payload was printed, so nothing is proved"

    if name == "simulate with a trace":
        words.remove("--trace")
    as_json = run_on_terminal([*words, "--json"], home=tmp_path, environ={"NO_COLOR": "1"})
    assert as_json.code == run.code
    assert hostile_in_lines(as_json.text) == set()
    # What is not data is narration, which is made safe but is no ASCII.
    assert "\\u001b]52" in as_json.text


REFUSED: dict[str, list[str | bytes]] = {
    "an unknown entity": ["show", f"x{ATTACK}", "--snapshot", "SNAPSHOT"],
    "an unknown kind": ["list", ATTACK, "--snapshot", "SNAPSHOT"],
    "an unknown role": ["assume", ATTACK, "--demo", "--reveal"],
    "an unknown format": ["assume", "ops-readonly", "--demo", "--reveal", "--format", ATTACK],
    "a wrong session name": ["assume", "ops-readonly", "--demo", "--reveal", "--session-name", ATTACK],
    "a snapshot that assumes nothing": ["assume", "mallory", "--reveal", "--snapshot", "SNAPSHOT"],
    "no such command": [ATTACK],
    "no such option": [f"--{ATTACK}"],
    "no such file": ["list", "users", "--snapshot", ATTACK],
    "no such document": ["lint", ATTACK],
    "no such profile": ["list", "users", "--profile", ATTACK],
    "no endpoint": ["list", "users", "--endpoint-url", ATTACK],
    "not UTF-8": ["show", b"\xff\xfe\x1b]52;c;cHduZWQ=\x07", "--snapshot", "SNAPSHOT"],
}


@pytest.mark.parametrize("name", all_but("an unknown entity", REFUSED))
def test_a_refusal_writes_no_payload(name: str, snapshot: str, tmp_path: Path) -> None:
    words: list[str | bytes] = [snapshot if word == "SNAPSHOT" else word for word in REFUSED[name]]
    run = run_on_terminal(words, home=tmp_path)
    assert run.code == 2
    assert "iamtui: " in run.text
    assert "error in iamtui itself" not in run.text
    assert hostile_in_lines(run.text) == set()


def _type(tmux: Tmux, shown: str, *keys: str) -> str:
    """Wait until the window shows a text, then type; returns what was shown."""
    text = ""
    deadline = time.monotonic() + 90
    while shown not in text and time.monotonic() < deadline:
        text = tmux.run("capture-pane", "-p", "-t", "evil").stdout
        # The client must be read from, or it stops and the server with it.
        tmux.outer_bytes(until=b"never", seconds=0.05)
    assert shown in text
    for key in keys:
        tmux.run("send-keys", "-t", "evil", key)
        tmux.outer_bytes(until=b"never", seconds=0.2)
    return text


def test_the_clipboard_of_a_terminal_multiplexer_stays_as_it_was(snapshot: str, tmp_path: Path) -> None:
    need("tmux")
    variables = [word for name, value in environment(tmp_path).items() for word in ("-e", f"{name}={value}")]
    with tmux_server(tmp_path, "set -g set-clipboard on", "set -g remain-on-exit on") as tmux:

        def start(command: str) -> None:
            tmux.run("kill-window", "-t", "evil")
            tmux.run("new-window", "-n", "evil", *variables, command)

        def buffers() -> str:
            return tmux.run("list-buffers").stdout + tmux.run("show-buffer").stdout

        start(f"{shlex.join(PROGRAM)} --snapshot {shlex.quote(snapshot)}")
        _type(tmux, STARTED, "Down", "Right", "Down")
        _type(tmux, "mallory", "Down", "Right", "Down", "Down", "Tab", "]", "]", "C-q")
        for words in ("list roles", "show mallory", "who-can s3:GetObject"):
            start(f"{shlex.join(PROGRAM)} {words} --snapshot {shlex.quote(snapshot)}; echo all said; exec sleep 600")
            _type(tmux, "all said")
        assert buffers() == ""

        start(r"printf '\033]52;c;cHduZWQ=\007'; echo all said; exec sleep 600")
        _type(tmux, "all said")
        assert "pwned" in buffers(), "this terminal writes no clipboard, so nothing is proved"
