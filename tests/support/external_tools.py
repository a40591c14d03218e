"""External tools that tests drive: on the CI machine they must be there, elsewhere the test is skipped."""

from __future__ import annotations

import importlib
import os
import pty
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


def need(*tools: str) -> None:
    """Go on only when every tool is there: fail when CI=true, else skip with the reason."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        reason = f"not installed: {', '.join(missing)}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


def optional_module(name: str) -> Any:
    """A module that iamtui can do without; where it is missing the test fails when CI=true, else it is skipped."""
    try:
        return importlib.import_module(name)
    except ImportError:
        reason = f"not installed: {name}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


SDK_CLIENTS = Path(__file__).parents[2] / ".sdk-clients"
"""Where `make sdk-clients` puts the AWS CLI, the JavaScript SDK and Terraform, which no part of iamtui needs."""


def aws_cli() -> Path:
    """The AWS CLI; without it the test fails when CI=true, else it is skipped."""
    return _sdk_client(SDK_CLIENTS / "aws-cli" / "bin" / "aws")


def terraform() -> Path:
    """The folder of Terraform and of a Python with what its provider of the tests needs; else as for `aws_cli`."""
    return _sdk_client(SDK_CLIENTS / "terraform" / "bin" / "terraform").parent


def javascript_sdk() -> Path:
    """The folder from which node finds the JavaScript SDK; without it as for `aws_cli`."""
    need("node")
    return _sdk_client(SDK_CLIENTS / "node_modules" / "@aws-sdk" / "credential-providers").parents[2]


def _sdk_client(path: Path) -> Path:
    if not path.exists():
        reason = f"{path.name} is not installed: run `make sdk-clients`"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@contextmanager
def x_server() -> Iterator[str]:
    """A private X server; yields what DISPLAY must be."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "64x64x8", "-nolisten", "tcp"],
        pass_fds=[writing],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as ready:
            number = ready.readline().strip()
        if not number:
            pytest.fail("Xvfb did not start")
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(60)


@contextmanager
def tmux_server(folder: Path, *settings: str) -> Iterator[Tmux]:
    """A private tmux server with one session and an attached terminal; `settings` are lines of its config."""
    config = folder / "tmux.conf"
    config.write_text("".join(f"{line}\n" for line in settings))
    # Not in `folder`: the path of a socket has a limit of about a hundred characters.
    with tempfile.TemporaryDirectory(prefix="tmux-") as short:
        tmux = Tmux(Path(short) / "s", config)
        try:
            tmux.run("new-session", "-d", "-x", "80", "-y", "24", "exec sleep 600")
            tmux.attach()
            yield tmux
        finally:
            tmux.close()


class Tmux:
    """A tmux server on a socket of its own.

    Attributes:
        environ: what a program in its session would have in its environment.
    """

    def __init__(self, socket: Path, config: Path) -> None:
        self._start = ["tmux", "-S", str(socket), "-f", str(config)]
        self._plain = {"PATH": os.environ["PATH"], "HOME": str(config.parent), "TERM": "xterm-256color"}
        self._plain["LANG"] = "C.UTF-8"
        self._terminal: int | None = None
        self._client: subprocess.Popen[bytes] | None = None
        self.environ = {**self._plain, "TERM": "tmux-256color", "TMUX": f"{socket},1,0", "TMUX_PANE": "%0"}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one tmux command."""
        return subprocess.run(
            [*self._start, *words],
            env=self._plain,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def attach(self) -> None:
        """Attach a client on a pseudo terminal, and wait until the server knows it."""
        self._terminal, theirs = pty.openpty()
        self._client = subprocess.Popen(
            [*self._start, "attach"],
            env=self._plain,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.outer_bytes(until=b"\x1b[")

    def outer_bytes(self, until: bytes, seconds: float = 60) -> bytes:
        """What the outer terminal receives, until `until` is in it or the time is over."""
        assert self._terminal is not None
        received = b""
        deadline = time.monotonic() + seconds
        while until not in received and (left := deadline - time.monotonic()) > 0:
            if select.select([self._terminal], [], [], left)[0]:
                received += os.read(self._terminal, 65536)
        return received

    def buffer(self, name: str) -> str | None:
        """What a named buffer holds, or None when there is none."""
        shown = self.run("show-buffer", "-b", name)
        return shown.stdout if shown.returncode == 0 else None

    def close(self) -> None:
        """End the client and the server."""
        self.run("kill-server")
        if self._client is not None:
            self._client.terminate()
            self._client.wait(60)
        if self._terminal is not None:
            os.close(self._terminal)
