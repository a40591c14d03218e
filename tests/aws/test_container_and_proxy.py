"""Hosts that are connected to for the credentials of a container, and proxies with a password."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iamtui.problem import Problem
from tests.support.connecting import config, connect

KEYS = "[default]\naws_access_key_id=AKIAIOSFODNN7EXAMPLE\naws_secret_access_key=secret\n"


@pytest.fixture
def other_host(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The hosts that are connected to, where nobody answers."""
    heard: list[str] = []

    def connect_to(address: tuple[str, int], *_more: Any, **_named: Any) -> Any:
        heard.append(f"{address[0]}:{address[1]}")
        raise OSError(errno.ECONNREFUSED, "nobody listens")

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect_to)
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "the token of the container")
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
    return heard


@pytest.mark.parametrize(
    ("name", "value", "host"),
    [
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x?id=@a", "169.254.170.2:80"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://LOCALHOST:81/x", "localhost:81"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://[fd00:ec2::23]/v1/x", "fd00:ec2::23:80"),
    ],
)
def test_a_container_is_asked_where_its_variable_says(
    monkeypatch: pytest.MonkeyPatch, other_host: list[str], name: str, value: str, host: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Problem):
        connect(region="eu-west-1").caller()
    assert set(other_host) == {host}


def test_a_proxy_may_need_a_password(
    no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch, other_host: list[str]
) -> None:
    config(no_aws_settings, KEYS)
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "me:secret@proxy:2")
    with pytest.raises(Problem, match="proxy"):
        connect(region="eu-west-1").caller()
    assert set(other_host) == {"proxy:2"}
