"""For every test: no AWS settings of the machine, no credentials, no proxy, no metadata service."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from iamtui.aws.credential_process import ASKING

pytest_plugins = [
    "tests.support.moto_server",
    "tests.support.fault_proxy",
    "tests.support.federation",
    "tests.support.connecting",
]

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@pytest.fixture(autouse=True)
def no_aws_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Clear all AWS variables and point the AWS files at empty ones; returns the folder of those."""
    for name in [*os.environ]:
        if name.startswith("AWS_") or name in _PROXIES:
            monkeypatch.delenv(name)
    folder = tmp_path_factory.mktemp("aws")
    for variable, file in (("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")):
        (folder / file).touch()
        monkeypatch.setenv(variable, str(folder / file))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    yield folder
    # A process that has asked a profile says so to those that it starts; the next test is another one.
    os.environ.pop(ASKING, None)
