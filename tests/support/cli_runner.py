"""Running the command line in this process, with its own home, and looking at what comes out."""

from __future__ import annotations

import io
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from iamtui.account.snapshot_writer import snapshot_of
from iamtui.cli.main import run
from iamtui.cli.output import KeyBinding, Screen
from iamtui.credentials.session import Session
from iamtui.workspace.source.workspace import SourceChoice
from tests.support.sample_account import sample_account


@dataclass(frozen=True)
class Result:
    """What a run left."""

    code: int
    out: str
    err: str
    nothing: str = ""
    """What a failure prints: nothing, or the line that lets a shell fail that evaluates it."""

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def json_lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]

    def failed_with(self, *parts: str, code: int = 2) -> None:
        """It ended with this code, printed no data, and said one sentence (and a next step) with all the parts."""
        assert self.code == code, self
        assert self.out == self.nothing, self
        last = self.err.strip().splitlines()[-1]
        assert last.startswith("iamtui: "), self
        assert "Traceback" not in self.err, self
        for part in parts:
            assert part in last, (part, last)


@dataclass
class Cli:
    """Runs commands; `opened` are the sources that the bare command opened the screen on."""

    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    home: Path
    opened: list[SourceChoice | None] = field(default_factory=list)
    screen_code: int = 0
    fresh: bool = False
    plan: str | None = None

    def __call__(self, *arguments: str | Path, stdin: str | bytes = "") -> Result:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
        self.capsys.readouterr()
        code = run([str(argument) for argument in arguments], Screen(self._open, self._bindings, self._pick))
        captured = self.capsys.readouterr()
        return Result(int(code), captured.out, captured.err, _nothing([str(argument) for argument in arguments]))

    def _open(self, choice: SourceChoice | None, fresh: bool, plan: str | None) -> int:
        self.opened.append(choice)
        self.fresh, self.plan = fresh, plan
        return self.screen_code

    def _pick(self, choice: SourceChoice | None, _format_name: str) -> Session | None:
        self.opened.append(choice)
        return None

    def _bindings(self) -> Sequence[KeyBinding]:
        return (KeyBinding("question.ask", "f5", "Ask"),)

    @property
    def log(self) -> Path:
        return next(iter(self.home.rglob("iamtui.log")), self.home / "iamtui.log")


def _nothing(arguments: Sequence[str]) -> str:
    """What a command prints that fails: those for shells let the shell fail."""
    if arguments[:1] not in (["assume"], ["pick"], ["serve"]) or "--" in arguments or "--write-profile" in arguments:
        return ""
    name = arguments[arguments.index("--format") + 1] if "--format" in arguments else ""
    return "" if name in ("json", "docker", "dotenv", "credentials", "terraform", "docker-env-file") else FAILS[name]


FAILS: defaultdict[str, str] = defaultdict(lambda: "false\n", fish="false;\n")


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    home = tmp_path / "home"
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(home / variable.lower()))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SHELL", "/bin/bash")
    monkeypatch.setattr("iamtui.cli.assume_options.parent_program", lambda: "")
    return Cli(capsys, monkeypatch, home)


@pytest.fixture
def snapshot(tmp_path: Path) -> str:
    """The sample account as a file; one inline policy of user/ci-deploy is not JSON."""
    file = tmp_path / "account.json"
    file.write_text(json.dumps(snapshot_of(sample_account())))
    return str(file)
