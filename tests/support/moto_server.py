"""moto over HTTP, in a process of its own: its backends are process-wide, and the demo's live in this one."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

ACCOUNT = "123456789012"
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
REGION = "us-east-1"

_SERVE = """
import logging, sys
import moto.backends
from moto.server import ThreadedMotoServer
logging.getLogger("werkzeug").setLevel(logging.ERROR)
# moto would look through its folder at each request, which takes longer than answering.
services = [*moto.backends.list_of_moto_modules()]
moto.backends.list_of_moto_modules = lambda: services
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class MotoServer:
    """A running moto server; `client` makes the clients that fill it, which are none of iamtui's."""

    url: str

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
        )

    def client_with(self, service: str, keys: dict[str, Any]) -> Any:
        """A client with the Credentials that STS gave."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    def reset(self) -> None:
        self._post("reset", b"")

    def enforce_policies(self) -> None:
        """From now on moto checks identity policies (part of them)."""
        self._post("reset-auth", b"0")

    def stop_enforcing(self) -> None:
        self._post("reset-auth", b"1000000000")

    def _post(self, what: str, body: bytes) -> None:
        plain = {"Content-Type": "text/plain"}
        request = urllib.request.Request(f"{self.url}/moto-api/{what}", data=body, headers=plain, method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()


@pytest.fixture(scope="session")
def running_moto() -> Iterator[MotoServer]:
    with subprocess.Popen(
        [sys.executable, "-c", _SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        port = process.stdout.readline()
        while port and not port.strip().isdigit():
            port = process.stdout.readline()
        yield MotoServer(f"http://127.0.0.1:{int(port)}")
        process.stdin.close()
        process.terminate()


def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait longer for an answer than for one of AWS: on a busy machine a server of the tests may take its time."""
    monkeypatch.setattr("iamtui.aws.http.READ_SECONDS", 90)


@pytest.fixture
def moto(running_moto: MotoServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[MotoServer]:
    """An empty moto server, and keys for it in the environment."""
    running_moto.reset()
    patient(monkeypatch)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    yield running_moto
    running_moto.stop_enforcing()


def policy(*statements: dict[str, Any]) -> str:
    """The text of a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def trust(principal: Any = "*", **more: Any) -> str:
    return policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more})
