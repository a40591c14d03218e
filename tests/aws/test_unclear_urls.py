"""URLs of which two libraries find two hosts: a token or a password must not reach the one that was not checked."""

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
    ("url", "says"),
    [
        (r"http://127.0.0.2:18765\@localhost/x", "holds a backslash"),
        (r"http://127.0.0.2:18765/\@localhost/x", "holds a backslash"),
        ("http://127.0.0.2:18765@localhost/x", "names a user before the host"),
        ("http://localhost /x", "holds white space or a control character"),
        ("http://local\thost/x", "holds white space or a control character"),
        ("http://localhost/\x1bx", "holds white space or a control character"),
        ("https://ho%73t/x", "can be read as that of another host"),
        ("http://localhost:x/", "is not a URL"),
        ("https:///x", "names no host"),
        ("ftp://127.0.0.1/", "does not begin with http:// or https://"),
        ("file://localhost/etc/passwd", "does not begin with http:// or https://"),
    ],
)
def test_a_container_url_that_can_be_read_as_two_hosts_is_sent_nothing(
    monkeypatch: pytest.MonkeyPatch, other_host: list[str], url: str, says: str
) -> None:
    """botocore checks the host that urllib.parse finds, and urllib3 connects to the one that it finds itself."""
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
    with pytest.raises(Problem, match=f"AWS_CONTAINER_CREDENTIALS_FULL_URI {says}: nothing was sent"):
        connect(region="eu-west-1").caller()
    assert other_host == []


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("@localhost/x", "does not begin with a slash"),
        (".evil.example/x", "does not begin with a slash"),
        (r"\@localhost/x", "does not begin with a slash"),
        (":80@localhost/x", "does not begin with a slash"),
        ("", "does not begin with a slash"),
        (r"/\@localhost/x", "holds a backslash"),
        ("/a b", "holds white space"),
    ],
)
def test_a_container_path_that_changes_the_host_is_sent_nothing(
    monkeypatch: pytest.MonkeyPatch, other_host: list[str], path: str, says: str
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", path)
    with pytest.raises(Problem, match=f"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI {says}"):
        connect(region="eu-west-1").caller()
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


def test_a_metadata_service_whose_url_is_unclear_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, other_host: list[str]
) -> None:
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", r"http://127.0.0.2:1\@169.254.169.254/")
    with pytest.raises(Problem, match=r"METADATA_SERVICE_ENDPOINT holds a backslash|not a URL"):
        connect(region="eu-west-1").caller()
    assert other_host == []


@pytest.mark.parametrize("proxy", [r"http://127.0.0.2:1\me:secret@proxy:2", "http://me:secret@pro xy:2"])
def test_a_proxy_whose_url_is_unclear_gets_no_password(
    no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch, other_host: list[str], proxy: str
) -> None:
    config(no_aws_settings, KEYS)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(Problem, match=r"^The URL of the proxy for https holds") as caught:
        connect(region="eu-west-1").caller()
    assert "secret" not in str(caught.value)
    assert other_host == []


def test_a_proxy_may_need_a_password(
    no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch, other_host: list[str]
) -> None:
    config(no_aws_settings, KEYS)
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "me:secret@proxy:2")
    with pytest.raises(Problem, match="proxy"):
        connect(region="eu-west-1").caller()
    assert set(other_host) == {"proxy:2"}
