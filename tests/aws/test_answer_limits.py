"""An endpoint that is hostile, or broken, neither holds us up nor fills the memory."""

from __future__ import annotations

import gzip
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

import iamtui
from iamtui.aws import answer_limits, limited_http
from iamtui.aws.answer_limits import ENTITIES, INVENTORY, MOST_INTERIM, ORDINARY, AnswerLimits, limits_for, shaped
from iamtui.aws.connection import MOST_EMPTY_PAGES, Connection
from iamtui.aws.errors import AwsProblem
from iamtui.aws.limited_http import LimitedHttpSession
from iamtui.problem import Problem
from tests.support.fault_proxy import Answer, FaultProxy, error
from tests.support.hostile_endpoint import Bytes, answering, dripping, repeated, whole
from tests.support.slow import one_quick

PACKAGE = Path(iamtui.__file__).parent

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

SLOW: dict[str, Bytes] = {
    "status line": lambda: dripping(b"HTTP/1.1 200 " + b"x" * 1000),
    "headers": lambda: itertools.chain([OK], dripping(b"A: b\r\n" * 1000)),
    "body": lambda: itertools.chain([OK + b"Content-Length: 5000\r\n\r\n"], dripping(b"x" * 5000)),
    "body without length": lambda: itertools.chain([OK + b"\r\n"], dripping(b"x" * 5000)),
    "chunks": lambda: itertools.chain([CHUNKED], dripping(b"1\r\nx\r\n" * 5000)),
    "one chunk": lambda: itertools.chain([CHUNKED, b"ffff\r\n"], dripping(b"x" * 5000)),
    "interim answers": lambda: repeated(b"HTTP/1.1 100 Continue\r\n\r\n", 0.01),
    "trailers": lambda: itertools.chain([CHUNKED, b"0\r\n"], repeated(b"A: b\r\n", 0.01)),
}

LARGE: dict[str, Bytes] = {
    "body": whole(b"x" * 200_000),
    "body without end": lambda: itertools.chain([OK + b"\r\n"], repeated(b"x" * 10_000)),
    "chunks without end": lambda: itertools.chain([CHUNKED], repeated(b"2710\r\n" + b"x" * 10_000 + b"\r\n")),
    "trailers without end": lambda: itertools.chain([CHUNKED, b"0\r\n"], repeated(b"A: b\r\n" * 1_000)),
}
NO_ANSWER: Final = whole(b"<a/>")

COMPLEX: dict[str, bytes] = {
    "tags": b"<a>" + b"<b/>" * 10_000 + b"</a>",
    "unclosed tags": b"<a>" * 10_000,
    "deep": b"<a>" * 500 + b"</a>" * 500,
    "attributes": b"<a " + b" ".join(b'b%d=""' % number for number in range(10_000)) + b"/>",
    "entities": (
        b'<!DOCTYPE a [<!ENTITY b "'
        + b"x" * 5000
        + b'">'
        + b"".join(b'<!ENTITY c%d "%b">' % (number, b"&b;" * 100) for number in range(100))
        + b"]><a>"
        + b"".join(b"&c%d;" % number for number in range(100))
        + b"</a>"
    ),
    "deep json": b"[" * 500 + b"]" * 500,
    "json": json.dumps([[]] * 10_000).encode(),
    "tags after spaces": b" " * 1_000 + b"<a>" + b"<b/>" * 10_000 + b"</a>",
    "UTF-16": ("<a>" + "<b/>" * 10_000 + "</a>").encode("utf-16"),
    "big-endian UTF-16 without a mark": ("<a>" + "<b/>" * 10_000 + "</a>").encode("utf-16-be"),
    "entities of tags": b'<!DOCTYPE a [<!ENTITY b "' + b"<b/>" * 4_000 + b'">]><a>' + b"&b;" * 500 + b"</a>",
    "attributes by default": b"<!DOCTYPE a [<!ATTLIST b " + b'c CDATA "d" ' * 100 + b"]><a>" + b"<b/>" * 100 + b"</a>",
    "long namespace": b'<a xmlns="' + b"x" * 10_000 + b'">' + b"<b/>" * 100 + b"</a>",
}

UNREADABLE: dict[str, Bytes] = {
    "gzip": whole(gzip.compress(b"<a>" + b" " * 50_000_000 + b"</a>"), b"Content-Encoding: gzip\r\n"),
    "no http": lambda: [b"SSH-2.0-OpenSSH_9.2\r\n"],
    "chunk size without end": lambda: itertools.chain([CHUNKED], repeated(b"0" * 10_000)),
    "chunk extension without end": lambda: itertools.chain([CHUNKED, b"1;"], repeated(b"a" * 10_000)),
    "trailer without end": lambda: itertools.chain([CHUNKED, b"0\r\n"], repeated(b"a" * 10_000)),
    "endless headers": lambda: itertools.chain([OK], repeated(b"A: b\r\n")),
    "endless header": lambda: itertools.chain([OK, b"A: "], repeated(b"b" * 10_000)),
}


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch, keys_in_environment: None, quick_retries: None) -> None:
    monkeypatch.setattr(answer_limits, "ORDINARY", AnswerLimits(100_000, 50, 5_000))


@pytest.fixture
def short_deadline(monkeypatch: pytest.MonkeyPatch, keys_in_environment: None, quick_retries: None) -> None:
    monkeypatch.setattr(answer_limits, "ORDINARY", AnswerLimits(100_000, 0.5, 5_000))


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


@pytest.mark.parametrize("interim", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/ 100\n\n"])
@pytest.mark.parametrize("endless", [True, False])
def test_interim_answers_are_counted(keys_in_environment: None, interim: bytes, endless: bool) -> None:
    """A megabyte of the shortest takes seconds, and many fit into the bytes that may stand around a body."""
    sends = (lambda: repeated(interim * 1_000)) if endless else (lambda: [interim * (MOST_INTERIM + 1), *NO_ANSWER()])
    problem, requests = refused(sends)
    assert f"more than {MOST_INTERIM} interim answers" in problem.sentence
    assert (problem.code, requests) == ("AnswerTooLarge", 1)


def test_some_interim_answers_are_waited_through(keys_in_environment: None, quick_retries: None) -> None:
    problem, _ = refused(lambda: [b"HTTP/1.1 100 Continue\r\n\r\n" * 9, *NO_ANSWER()])
    assert "not an AWS answer" in problem.sentence


@pytest.mark.parametrize("body", COMPLEX.values(), ids=COMPLEX)
def test_an_answer_has_a_number_of_parts_and_levels(small_limits: None, body: bytes) -> None:
    problem, requests = refused(whole(body))
    assert problem.code == "AnswerTooComplex"
    assert requests == 1


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


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
@pytest.mark.usefixtures("keys_in_environment")
def test_retries_end_after_a_minute(fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    import botocore.endpoint

    from iamtui.aws import session as sdk_session

    # A clock that goes only while somebody sleeps, with the longest pauses that there can be.
    passed = [0.0]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        passed[0] += seconds

    monkeypatch.setattr(sdk_session, "monotonic", lambda: passed[0])
    monkeypatch.setattr(botocore.endpoint.time, "sleep", sleep)
    monkeypatch.setattr("random.random", lambda: 1.0)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "10")
    monkeypatch.setenv("AWS_RETRY_MODE", mode)
    code = "InternalFailure" if mode == "legacy" else "Throttling"
    fault_proxy.on("GetCallerIdentity", error(500, code))
    with pytest.raises(AwsProblem, match=r"at each of \d tries" if mode == "legacy" else "at every try"):
        Connection.open(profile=None, region="eu-west-1", endpoint_url=fault_proxy.url).caller()
    assert len(slept) == len(fault_proxy.calls) - 1
    assert sum(slept) <= sdk_session.LONGEST_RETRIES
    if mode == "legacy":
        assert slept == [1, 2, 4, 8, 16]


def test_inventory_pages_may_be_larger_and_slower_than_other_answers() -> None:
    assert all(more >= less for more, less in zip(INVENTORY, ORDINARY, strict=True))
    assert INVENTORY.size > ORDINARY.size
    assert INVENTORY.seconds > ORDINARY.seconds
    with answer_limits.limits_of("iam", "GetAccountAuthorizationDetails"):
        assert answer_limits.CURRENT_CALL.limits == INVENTORY
        with answer_limits.limits_of("sts", "AssumeRole"):
            assert answer_limits.CURRENT_CALL.limits == ORDINARY
        assert answer_limits.CURRENT_CALL.limits == INVENTORY


_PEAK = """
import itertools, sys
from iamtui.aws.connection import Connection
from iamtui.problem import Problem
from tests.support.hostile_endpoint import answering, repeated, whole
from tests.support.peak_memory import peak_megabytes
OK = b"HTTP/1.1 200 OK\\r\\n"
with answering({sends}) as endpoint:
    aws = Connection.open(profile=None, region="eu-west-1", endpoint_url=endpoint.url)
    try:
        list(aws.pages("iam", "GetAccountAuthorizationDetails"))
    except Problem as problem:
        print(problem.code, peak_megabytes())
"""


@one_quick(
    "sends",
    [
        'whole(b"<a>" * 5_000_000)',
        'whole(b"<a>" + "\u0100\\n".encode() * 5_000_000 + b"</a>")',
        'whole(b"<a>" + b"&#256;" * 2_500_000 + b"</a>")',
        'whole(b"<a><![CDATA[" + "\u0100]".encode() * 5_000_000 + b"]]></a>")',
        'whole(b"<a>" + b"a" * 15_000_000 + "\U0001f600</a>".encode())',
        'lambda: itertools.chain([OK + b"Transfer-Encoding: chunked\\r\\n\\r\\n"], repeated(b"2\\r\\n..\\r\\n" * 999))',
    ],
    ids=["tags", "lines", "references", "CDATA", "wide text", "chunks"],
)
def test_an_answer_that_a_parser_would_swell_is_not_parsed(keys_in_environment: None, sends: str) -> None:
    script = _PEAK.replace("{sends}", sends)
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=True)
    code, megabytes = run.stdout.split()
    assert code == "AnswerTooComplex"
    assert int(megabytes) < 200


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
        list(aws.pages("iam", "ListUsers"))
    return caught.value


def test_a_listing_of_large_pages_is_given_up(fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_limits, "ENTITIES", ENTITIES._replace(listing_size=100_000))
    pages = (f"{MORE}<Marker>{count}</Marker><!--{'x' * 30_000}-->" for count in range(1000))
    problem = given_up(fault_proxy, listing(*pages))
    assert problem.code == "AnswerTooLarge"
    assert len(fault_proxy.calls) == 4
    aws = Connection.open(profile=None, region="eu-west-1", endpoint_url=fault_proxy.url)
    list(zip(range(3), aws.pages("iam", "ListUsers"), strict=False))


@pytest.mark.parametrize(("text", "width"), [("\u00ff", 1), ("\u0100", 2), ("\U0001f600", 4), ("&#x1f600;", 4)])
def test_a_listing_is_as_large_as_its_text_in_memory(
    fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, text: str, width: int
) -> None:
    monkeypatch.setattr(answer_limits, "ENTITIES", ENTITIES._replace(listing_size=160_000))
    pages = (f"{USER}{MORE}<Marker>{count}</Marker><!--{'x' * 30_000}{text}-->" for count in range(1000))
    assert given_up(fault_proxy, listing(*pages)).code == "AnswerTooLarge"
    assert len(fault_proxy.calls) == {1: 6, 2: 3, 4: 2}[width]


def test_a_listing_of_many_small_entries_is_given_up(fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_limits, "ENTITIES", ENTITIES._replace(listing_parts=3_000))
    many = "<Users>" + "<member/>" * 1_000 + "</Users>"
    pages = (many + MORE + f"<Marker>{number}</Marker>" for number in range(10))
    problem = given_up(fault_proxy, listing(*pages))
    assert problem.code == "AnswerTooComplex"
    assert "more than 3,000 parts" in problem.sentence


def users(count: int, page: object) -> str:
    """A page of users, each with the elements that AWS gives it."""
    one = (
        "<member><Path>/</Path><UserName>u{0}</UserName><UserId>AIDA{0}</UserId><Arn>arn:aws:iam::{1}:user/u{0}</Arn>"
        "<CreateDate>2024-01-01T00:00:00Z</CreateDate><PasswordLastUsed>2024-01-01T00:00:00Z</PasswordLastUsed></member>"
    )
    listed = "".join(one.format(f"{page}-{number}", "1" * 12) for number in range(count))
    return f"<Users>{listed}</Users>{MORE}<Marker>{page}</Marker>"


def test_a_listing_of_many_entries_is_given_up(fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_limits, "ENTITIES", ENTITIES._replace(listing_entries=25))
    problem = given_up(fault_proxy, listing(*(users(10, page) for page in range(10))))
    assert problem.code == "PaginationError"
    assert "more than 25 entries" in problem.sentence
    assert len(fault_proxy.calls) == 3


@pytest.mark.slow
@pytest.mark.parametrize("count", [1000, 1])
def test_an_endless_list_of_ever_new_users_ends_soon(fault_proxy: FaultProxy, count: int) -> None:
    """It took 14 seconds of processor time and 270 MB."""
    problem = given_up(fault_proxy, listing(*(users(count, page) for page in range(2_000))))
    assert "the listing was given up" in problem.sentence
    assert len(fault_proxy.calls) <= (100 if count > 1 else 1_000)


@pytest.mark.parametrize("operation", ["ListUsers", "ListRoles", "ListInstanceProfiles"])
def test_an_account_of_five_times_the_default_quotas_is_listed(operation: str) -> None:
    """IAM quotas: 5,000 users, 1,000 roles, 1,000 instance profiles; AWS raises roles to 10,000."""
    most = {"ListUsers": (25_000, 16), "ListRoles": (10_000, 40), "ListInstanceProfiles": (5_000, 60)}
    entries, parts = most[operation]
    limits = limits_for("iam", operation)
    assert entries * parts < limits.listing_parts
    assert entries < limits.listing_entries
    assert entries / 100 < limits.listing_pages, "as few in a page as AWS gives when it is not asked for more"


def test_a_listing_of_empty_pages_is_given_up(fault_proxy: FaultProxy) -> None:
    problem = given_up(fault_proxy, listing(*(f"{MORE}<Marker>{count}</Marker>" for count in range(1000))))
    assert f"{MOST_EMPTY_PAGES} empty pages" in problem.sentence
    assert len(fault_proxy.calls) == MOST_EMPTY_PAGES


def test_some_empty_pages_are_waited_through(fault_proxy: FaultProxy) -> None:
    empty = [f"{MORE}<Marker>{count}</Marker>" for count in range(MOST_EMPTY_PAGES - 1)]
    again = [f"{MORE}<Marker>more{count}</Marker>" for count in range(MOST_EMPTY_PAGES - 1)]
    pages = [*empty, f"{USER}{MORE}<Marker>x</Marker>", *again, f"{USER}<IsTruncated>false</IsTruncated>"]
    fault_proxy.rules.append(listing(*pages))
    aws = Connection.open(profile=None, region="eu-west-1", endpoint_url=fault_proxy.url)
    assert sum(len(page.get("Users") or ()) for page in aws.pages("iam", "ListUsers")) == 2


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


def test_clients_that_botocore_makes_by_itself_are_limited_too(no_aws_settings: Path) -> None:
    """Those that get a profile's credentials: they are made by botocore's session, whose own there is none else."""
    (no_aws_settings / "config").write_text(
        "[profile one]\nrole_arn = arn:aws:iam::123456789012:role/one\nsource_profile = base\n"
        "[profile base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n"
    )
    aws = Connection.open(profile="one", region="eu-west-1", endpoint_url=None)
    made = aws._botocore_session().create_client("sts", region_name="eu-west-1")
    assert isinstance(made._endpoint.http_session, LimitedHttpSession)


METADATA_URLS = {
    "container": ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "/role"),
    "instance": ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "/"),
}


@pytest.mark.parametrize("hostile", ["slow", "large", "deep"])
@pytest.mark.parametrize("machine", METADATA_URLS)
@pytest.mark.usefixtures("quick_retries")
def test_what_a_machine_says_of_credentials_is_limited_too(
    monkeypatch: pytest.MonkeyPatch, machine: str, hostile: str
) -> None:
    """The container's and the instance's services are asked by botocore without a client."""
    monkeypatch.setattr(limited_http, "METADATA", AnswerLimits(100_000, 0.3, 5_000))
    sends = {"slow": SLOW["body"], "large": LARGE["body without end"], "deep": whole(b"[" * 90_000)}[hostile]
    variable, path = METADATA_URLS[machine]
    with answering(sends) as endpoint:
        monkeypatch.delenv("AWS_EC2_METADATA_DISABLED", raising=False)
        monkeypatch.setenv(variable, endpoint.url + path)
        started = time.monotonic()
        with pytest.raises(Problem) as caught:
            Connection.open(profile=None, region="eu-west-1", endpoint_url=None)
        assert time.monotonic() - started < 60
        assert endpoint.requests
    assert "recursion" not in str(caught.value)
    assert "credentials" in caught.value.sentence
    assert "AWS" not in caught.value.sentence, "it did not answer"


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("plain", 1), ("é ¿ \u00c3", 1), ("Ā", 2), ("€", 2), ("\uffff", 2), ("😀", 4), ("é😀", 4), ("&#12;", 1),
        ("&#233;", 4), ("&#x1F600;", 4), ("&#x0000001F6;", 4), ("&# 128", 1), ("\\u00e9", 4), ("\\ u", 1), ("é\\u", 4),
        ("€&#xA;", 2),
    ],
)  # fmt: skip
def test_how_wide_the_characters_of_an_answer_may_be(text: str, width: int) -> None:
    assert answer_limits.character_width(f"<a>{text}</a>".encode()) == width


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
