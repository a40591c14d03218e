from __future__ import annotations

import pytest

from iamtui.aws.profiles import check_endpoint_url
from iamtui.problem import Problem
from tests.support.connecting import connect


@pytest.mark.parametrize(
    "url",
    [
        "https://aws.example.com",
        "http://localhost:5000",
        "http://127.0.0.1:5000",
        "http://[::1]:80",
        "https://h:8443/x",
    ],
)
def test_endpoints_that_may_be_called(url: str) -> None:
    assert check_endpoint_url(url) == url


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://aws.example.com", "unencrypted"),
        ("http://localhost.evil.example", "unencrypted"),
        ("http://127.0.0.1.evil.example", "unencrypted"),
        ("http://0.0.0.0:5000", "unencrypted"),
        ("ftp://localhost", "not an http or https URL"),
        ("localhost:5000", "not an http or https URL"),
        ("https://", "not an http or https URL"),
        ("https://a b", "not an http or https URL"),
        ("https://a\x1b", "not an http or https URL"),
        ("https://me:pw@host", "user name"),
        ("http://127.0.0.2:1\\@localhost/", "not an http or https URL"),
        ("https://aws.example.com\\", "not an http or https URL"),
        ("https://host/?a=1", "query"),
        ("http://localhost:99999", "not a URL"),
        ("http://[::1", "not a URL"),
    ],
)
def test_endpoints_that_may_not_be_called(url: str, says: str) -> None:
    with pytest.raises(Problem, match="--endpoint-url") as raised:
        check_endpoint_url(url)

    assert says in raised.value.sentence
    assert raised.value.next_step
    with pytest.raises(Problem):
        connect(url)
