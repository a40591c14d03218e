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


FULL, RELATIVE = "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (FULL, r"http://127.0.0.2:18765\@localhost/x"),
        (FULL, "http://127.0.0.2:18765@localhost/x"),
        (FULL, "http://local\thost/x"),
        (RELATIVE, ":x@127.0.0.2:18765/x"),
        (RELATIVE, ".evil.example/x"),
        (RELATIVE, r"\@localhost/x"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", r"http://127.0.0.2:1\@169.254.169.254/"),
    ],
)
def test_a_host_that_is_not_the_one_that_was_checked_gets_no_token(
    monkeypatch: pytest.MonkeyPatch, other_host: list[str], name: str, value: str
) -> None:
    """botocore checks the host that urllib.parse finds, and urllib3 connects to the one that it finds itself."""
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv(name, value)
    with pytest.raises(Problem, match="can be read as that of another host: nothing was sent"):
        connect(region="eu-west-1").caller()
    assert other_host == []


@pytest.mark.parametrize("proxy", [r"http://127.0.0.2:1\me:secret@proxy:2", "http://me:secret@pro xy:2"])
def test_a_proxy_whose_host_is_unclear_gets_no_password(
    no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch, other_host: list[str], proxy: str
) -> None:
    config(no_aws_settings, KEYS)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(Problem, match="The URL of the proxy can be read as that of another host") as caught:
        connect(region="eu-west-1").caller()
    assert "secret" not in str(caught.value)
    assert other_host == []


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
