"""Credentials stay out of core dumps."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PR_GET_DUMPABLE = 3

_CONNECT = """
from iamtui.aws.connection import Connection
from iamtui.secret import Secret
{connect}
"""

_REPORT = f"""
import ctypes, resource
print(resource.getrlimit(resource.RLIMIT_CORE)[0], ctypes.CDLL(None).prctl({_PR_GET_DUMPABLE}, 0, 0, 0, 0))
"""

_STUB = "Connection.with_stub(lambda request: None, access_key_id='A', secret_access_key='b', region='eu-west-1')"


def _output(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    return done.stdout.split()


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
@pytest.mark.parametrize(
    "connect",
    [
        "Connection.open(profile=None, region='eu-west-1', endpoint_url='http://127.0.0.1:1')",
        f"{_STUB}.with_credentials('ASIA', Secret('secret'), Secret('token'))",
    ],
)
def test_a_process_with_credentials_writes_no_core_dump(connect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-real-secret")
    assert _output(_CONNECT.format(connect=connect) + _REPORT) == ["0", "0"]


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_a_child_may_be_debugged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    child = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {_REPORT!r}], check=True)\n"
    connect = "Connection.open(profile=None, region='eu-west-1', endpoint_url='http://127.0.0.1:1')"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-real-secret")
    assert _output(_CONNECT.format(connect=connect) + child)[1] == "1"
