"""An endpoint that is hostile, or broken, neither holds us up nor fills the memory."""

from __future__ import annotations

import gzip
import itertools
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

import iamtui
from iamtui.aws import answers
from iamtui.aws.answers import shaped
from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem
from tests.support.fault_proxy import Answer, FaultProxy
from tests.support.hostile_endpoint import Bytes, answering, dripping, repeated, whole

PACKAGE = Path(iamtui.__file__).parent

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

SLOW: dict[str, Bytes] = {
    "body": lambda: itertools.chain([OK + b"Content-Length: 5000\r\n\r\n"], dripping(b"x" * 5000)),
    "body without length": lambda: itertools.chain([OK + b"\r\n"], dripping(b"x" * 5000)),
    "chunks": lambda: itertools.chain([CHUNKED], dripping(b"1\r\nx\r\n" * 5000)),
    "one chunk": lambda: itertools.chain([CHUNKED, b"ffff\r\n"], dripping(b"x" * 5000)),
}

LARGE: dict[str, Bytes] = {
    "body": whole(b"x" * 200_000),
    "body without end": lambda: itertools.chain([OK + b"\r\n"], repeated(b"x" * 10_000)),
    "chunks without end": lambda: itertools.chain([CHUNKED], repeated(b"2710\r\n" + b"x" * 10_000 + b"\r\n")),
}
NO_ANSWER: Final = whole(b"<a/>")

UNREADABLE: dict[str, Bytes] = {
    "gzip": whole(gzip.compress(b"<a>" + b" " * 50_000_000 + b"</a>"), b"Content-Encoding: gzip\r\n"),
    "no http": lambda: [b"SSH-2.0-OpenSSH_9.2\r\n"],
    "endless headers": lambda: itertools.chain([OK], repeated(b"A: b\r\n")),
    "endless header": lambda: itertools.chain([OK, b"A: "], repeated(b"b" * 10_000)),
}


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch, keys_in_environment: None, quick_retries: None) -> None:
    monkeypatch.setattr(answers, "LARGEST", 100_000)
    monkeypatch.setattr(answers, "LONGEST", 50.0)


@pytest.fixture
def short_deadline(monkeypatch: pytest.MonkeyPatch, keys_in_environment: None, quick_retries: None) -> None:
    monkeypatch.setattr(answers, "LONGEST", 0.5)


@pytest.fixture
def keys_in_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")


def refused(sends: Bytes) -> tuple[AwsProblem, int]:
    """What sts:GetCallerIdentity fails with, and how often it was sent; it must not take long."""
    with answering(sends) as endpoint:
        aws = Connection.open(profile=None, region="eu-west-1", endpoint_url=endpoint.url)
        aws.client("sts")
        started = time.monotonic()
        with pytest.raises(AwsProblem, match="sts:GetCallerIdentity") as caught:
            aws.caller()
        assert time.monotonic() - started < 60
        return caught.value, endpoint.requests


@pytest.mark.parametrize("sends", SLOW.values(), ids=SLOW)
def test_an_answer_has_a_deadline_as_a_whole(short_deadline: None, sends: Bytes) -> None:
    problem, requests = refused(sends)
    assert problem.code == "AnswerTooSlow"
    assert "within 0.5 seconds" in problem.sentence
    assert requests == 1


@pytest.mark.parametrize("sends", LARGE.values(), ids=LARGE)
def test_an_answer_has_a_size(small_limits: None, sends: Bytes) -> None:
    problem, requests = refused(sends)
    assert problem.code == "AnswerTooLarge"
    assert "MiB" in problem.sentence
    assert requests == 1


def test_some_interim_answers_are_waited_through(keys_in_environment: None, quick_retries: None) -> None:
    problem, _ = refused(lambda: [b"HTTP/1.1 100 Continue\r\n\r\n" * 9, *NO_ANSWER()])
    assert "not an AWS answer" in problem.sentence


@pytest.mark.parametrize("sends", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_answer_is_said_to_be_none(small_limits: None, sends: Bytes) -> None:
    refused(sends)


@pytest.mark.usefixtures("keys_in_environment", "quick_retries")
def test_an_answer_that_is_cut_is_not_taken_for_whole() -> None:
    body = (
        b"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/x</Arn>"
        b"<UserId>u</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    )
    with answering(whole(body)) as endpoint:
        aws = Connection.open(profile=None, region="eu-west-1", endpoint_url=endpoint.url)
        assert aws.caller().user_id == "u"
    with answering(lambda: [OK + b"Content-Length: %d\r\n\r\n" % (len(body) + 1), body]) as endpoint:
        aws = Connection.open(profile=None, region="eu-west-1", endpoint_url=endpoint.url)
        with pytest.raises(AwsProblem, match=r"connection to .* was cut during sts:GetCallerIdentity") as caught:
            aws.caller()
        assert caught.value.code == "ConnectionClosedError"
        assert endpoint.requests > 1


def listing(*pages: str, key: str = "Users") -> Callable[[Any], Answer | None]:
    """A rule for the fault proxy: these pages in turn, the last one for ever."""
    left = list(pages)

    def rule(call: Any) -> Answer | None:
        if call.operation != "ListUsers":
            return None
        page = left.pop(0) if len(left) > 1 else left[0]
        return Answer(200, f"<R><ListUsersResult>{page}</ListUsersResult></R>".encode())

    return rule


USER = "<Users><member><UserName>alice</UserName></member></Users>"
MORE = "<IsTruncated>true</IsTruncated>"


def given_up(fault_proxy: FaultProxy, rule: Callable[[Any], Answer | None]) -> AwsProblem:
    fault_proxy.rules.append(rule)
    aws = Connection.open(profile=None, region="eu-west-1", endpoint_url=fault_proxy.url)
    with pytest.raises(AwsProblem, match="iam:ListUsers") as caught:
        list(aws.pages("iam", "ListUsers", dict))
    return caught.value


def test_some_empty_pages_are_waited_through(fault_proxy: FaultProxy) -> None:
    empty = [f"{MORE}<Marker>{count}</Marker>" for count in range(19)]
    again = [f"{MORE}<Marker>more{count}</Marker>" for count in range(19)]
    pages = [*empty, f"{USER}{MORE}<Marker>x</Marker>", *again, f"{USER}<IsTruncated>false</IsTruncated>"]
    fault_proxy.rules.append(listing(*pages))
    aws = Connection.open(profile=None, region="eu-west-1", endpoint_url=fault_proxy.url)
    assert sum(len(page.get("Users") or ()) for page in aws.pages("iam", "ListUsers", dict)) == 2


@pytest.mark.parametrize("markers", ["aa", "aba", "abca"])
def test_a_listing_that_goes_round_is_given_up(fault_proxy: FaultProxy, markers: Iterable[str]) -> None:
    problem = given_up(fault_proxy, listing(*(f"{USER}{MORE}<Marker>{marker}</Marker>" for marker in markers)))
    assert "the same page again" in problem.sentence
    assert len(fault_proxy.calls) == len(list(markers))


@pytest.mark.parametrize(
    "page",
    [
        f"{USER}{MORE}",
        f"{USER}<IsTruncated>True</IsTruncated><Marker>x</Marker>",
        f"{USER}<Marker>x</Marker>",
    ],
)
def test_a_listing_that_may_go_on_is_not_taken_for_whole(fault_proxy: FaultProxy, page: str) -> None:
    assert "whether and where the listing goes on" in given_up(fault_proxy, listing(page)).sentence


AT_WORK: list[int] = [0, 0]
"""How many threads work out what a type is made of, and the most of them at once."""


def worked_out() -> type[str]:
    """The type of a field, as msgspec evaluates its annotation."""
    AT_WORK[0] += 1
    AT_WORK[1] = max(AT_WORK)
    time.sleep(0.02)
    AT_WORK[0] -= 1
    return str


def test_what_a_type_is_made_of_is_worked_out_by_one_thread_at_a_time() -> None:
    """msgspec ends the process where two threads do it at once."""
    kinds = [msgspec.defstruct(f"Shape{number}", [("text", "worked_out()")], module=__name__) for number in range(4)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda kind: shaped({"text": "x"}, kind), kinds * 4))
    assert [one.text for one in made] == ["x"] * 16
    assert AT_WORK == [0, 1]
