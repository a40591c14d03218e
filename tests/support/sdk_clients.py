"""Asking real SDKs for the credentials they find in an environment."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

import botocore.session
import pytest

from iamtui.credentials.variables import ALL
from tests.support.external_tools import aws_cli, javascript_sdk


@dataclass(frozen=True)
class Found:
    """What an SDK found, or why it found nothing."""

    access_key_id: str = ""
    secret_access_key: str = ""
    session_token: str = ""
    error: str = ""


def ask_boto3(environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Found:
    """botocore, in this process, with these variables more."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    try:
        credentials = botocore.session.Session().get_credentials()
        if credentials is None:
            return Found(error="none")
        frozen = credentials.get_frozen_credentials()
    except Exception as error:  # noqa: BLE001 - whatever it is, the test reads its text
        return Found(error=str(error))
    return Found(frozen.access_key, frozen.secret_key, frozen.token)


def call_with_aws_cli(environ: Mapping[str, str], url: str) -> subprocess.CompletedProcess[str]:
    """The AWS CLI calls STS at `url` with the credentials that it finds; what it signs with is seen there."""
    return subprocess.run(
        [aws_cli(), "sts", "get-caller-identity", "--endpoint-url", url, "--region", "us-east-1"],
        env=_environ(environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


_NODE = """
const providers = require('@aws-sdk/credential-providers');
providers[process.argv[1]]()().then(
  (found) => console.log(JSON.stringify(found)),
  (error) => { console.error(String(error), error.Message); process.exit(1); },
);
"""


def ask_javascript(environ: Mapping[str, str], provider: str = "fromNodeProviderChain") -> Found:
    """The JavaScript SDK, by one of its credential providers."""
    done = subprocess.run(
        ["node", "-e", _NODE, provider],
        cwd=javascript_sdk(),
        env=_environ(environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return _found(done, "accessKeyId", "secretAccessKey", "sessionToken")


def _environ(environ: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in ALL}
    return {**inherited, **environ}


def _found(done: subprocess.CompletedProcess[str], *names: str) -> Found:
    if done.returncode != 0:
        return Found(error=done.stderr or "no reason")
    record = json.loads(done.stdout)
    return Found(*(record[name] for name in names))
