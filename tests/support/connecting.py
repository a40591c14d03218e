"""Connections of tests, the config files they read, and ports that nobody may call."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from iamtui.aws.connection import Connection
from iamtui.aws.credential_process import Approve, CredentialCommand, refuse_command


def connect(
    url: str | None = None,
    profile: str | None = None,
    region: str | None = None,
    approve: Approve = refuse_command,
) -> Connection:
    return Connection.open(profile=profile, region=region, endpoint_url=url, approve=approve)


def run_it(_command: CredentialCommand) -> bool:
    """Approve every credential_process."""
    return False


def config(folder: Path, text: str) -> None:
    (folder / "config").write_text(text)


class Listener:
    """A port that notes whether anybody connects."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.visitors = 0
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                visitor, _ = self.socket.accept()
            except OSError:
                return
            self.visitors += 1
            visitor.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    yield found
    found.socket.close()
