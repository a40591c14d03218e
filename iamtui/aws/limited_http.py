"""The HTTP session, connections and parsers of a botocore client, held to the limits of answers, headers included.

A read timeout starts anew with every byte, so that an endpoint which sends one now and then would be waited for
without end. Loaded with botocore, not before.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import botocore.awsrequest
import botocore.parsers
import urllib3.exceptions
from botocore.exceptions import ConnectionClosedError, HTTPClientError, MetadataRetrievalError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from urllib3.util import parse_url

from iamtui.aws.answer_limits import (
    CURRENT_CALL,
    METADATA,
    MOST_CHUNKS,
    MOST_INTERIM,
    AnswerLimits,
    AnswerTooComplex,
    AnswerTooLarge,
    AnswerTooSlow,
    CountedReads,
    answer_too_large,
    character_width,
    check_deadline,
    check_markup,
    count_wire,
)
from iamtui.aws.errors import AwsProblem


def refuse_unclear_url(url: str, what: str, *, may_name_user: bool = False) -> None:
    """Refuse a URL of another scheme than HTTP, or one that may lead elsewhere than it seems to: botocore and we check
    the host that urllib.parse finds in it, and urllib3 connects to the one that it finds itself.

    Args:
        what: what the URL is, as the beginning of a sentence.
        may_name_user: whether a user and a password may stand in front of the host and any scheme before those, as in
            a proxy's URL.

    Raises:
        AwsProblem: it is one; the URL may hold a password, and is not shown.
    """
    fault = _unclear(url) or ("" if may_name_user else _strange(url))
    if fault:
        form = "http://USER:PASSWORD@HOST:PORT, other characters as %5C" if may_name_user else "http://HOST:PORT/PATH"
        raise AwsProblem(f"{what} {fault}: nothing was sent there.", f"Write it as {form}.", code="UnclearUrl")


def _strange(url: str) -> str:
    """What only the URL of a proxy may have."""
    seen = urlsplit(url)
    if seen.scheme not in ("http", "https"):
        return "does not begin with http:// or https://"
    return "names a user before the host" if "@" in seen.netloc else ""


def _unclear(url: str) -> str:
    if "\\" in url:
        return "holds a backslash"
    if any(character.isspace() or not character.isprintable() for character in url):
        return "holds white space or a control character"
    try:
        seen, used = urlsplit(url), parse_url(url)
        seen_host = (seen.hostname or "").replace("%25", "%")
        used_host = (used.host or "").strip("[]")
        same = (seen.scheme, seen_host, seen.port) == (used.scheme, used_host.lower(), used.port)
    except (ValueError, urllib3.exceptions.LocationParseError):
        return "is not a URL"
    if not seen_host:
        return "names no host"
    return "" if same else "can be read as that of another host"


class LimitedHttpSession:
    """Sends through another HTTP session of botocore and reads no more of each answer than the limits allow.

    The bytes that came are what counts: botocore asks for no compression, and unpacks none. Errors while reading are
    botocore's own, so that its retries and our sentences treat them as they treat others.

    Args:
        limits: for every answer; None: those of the call that the thread is making.
        url_is: what the URLs are, as the beginning of a sentence.
    """

    def __init__(self, session: Any, limits: AnswerLimits | None = None, url_is: str = "The URL of a call") -> None:
        self._session = session
        self._url_is = url_is
        self._limits = limits
        self._thread = threading.local()

    @property
    def read_here(self) -> int:
        """How many bytes the answers that the calling thread has read so far take as text, at most."""
        return int(getattr(self._thread, "read", 0))

    @property
    def parts_here(self) -> int:
        """How many parts the answers had that the calling thread has read so far."""
        return int(getattr(self._thread, "parts", 0))

    def send(self, request: Any) -> Any:
        """As botocore's session does.

        Raises:
            AnswerTooLarge, AnswerTooSlow, AnswerTooComplex: the endpoint's answer is beyond a limit.
            AwsProblem: the host that the URL names, and that was checked, is not the one that would be connected to.
        """
        refuse_unclear_url(request.url, self._url_is)
        limits = self._limits or CURRENT_CALL.limits
        streamed = request.stream_output
        request.stream_output = True
        CURRENT_CALL.seconds, CURRENT_CALL.deadline = limits.seconds, time.monotonic() + limits.seconds
        CURRENT_CALL.size, CURRENT_CALL.wire = limits.size, 0
        try:
            response = self._session.send(request)
            if streamed:
                return response
            body = self._read(request, response.raw, limits.size)
        except HTTPClientError as error:
            cause = error.kwargs.get("error")
            raise cause if isinstance(cause, AnswerTooSlow | AnswerTooLarge) else error from None
        finally:
            request.stream_output = streamed
            CURRENT_CALL.deadline = float("inf")
        check_markup(body, limits)
        self._thread.read = self.read_here + len(body) * character_width(body)
        self._thread.parts = self.parts_here + max(body.count(b"<"), body.count(b","))
        raw = _Read(body)
        return botocore.awsrequest.AWSResponse(response.url, response.status_code, response.headers, raw)

    def close(self) -> None:
        self._session.close()

    def _read(self, request: Any, raw: Any, largest: int) -> bytes:
        body = bytearray()
        chunks = 0
        room = largest
        try:
            for piece in raw.stream():
                room -= len(piece)
                if room < 0:
                    raw.close()
                    raise answer_too_large(largest)
                check_deadline()
                chunks += 1
                if chunks > MOST_CHUNKS:
                    raw.close()
                    raise AnswerTooComplex(f"of more than {MOST_CHUNKS:,} chunks")
                body += piece
        except urllib3.exceptions.ReadTimeoutError as error:
            raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
        except urllib3.exceptions.ProtocolError as error:
            raise ConnectionClosedError(endpoint_url=request.url, error=error, request=request) from error
        if getattr(raw, "length_remaining", 0):
            # botocore has urllib3 take it for whole.
            cut = f"{raw.length_remaining:,} bytes are missing"
            raise ConnectionClosedError(endpoint_url=request.url, error=cut, request=request)
        return bytes(body)


class _MetadataHttpSession(LimitedHttpSession):
    """Sends to the machine's container or metadata service, whose answers are none of AWS or of an endpoint."""

    def send(self, request: Any) -> Any:
        try:
            return super().send(request)
        except AnswerTooSlow as error:
            why = f"it did not finish its answer within {error}"
        except AnswerTooLarge as error:
            why = f"its answer has more than {error}"
        except AnswerTooComplex as error:
            why = f"its answer is JSON {error}"
        raise MetadataRetrievalError(error_msg=why)


class _Read:
    """An answer that has been read, in the form in which botocore reads one."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> list[bytes]:
        return [self._content]


class _TimedResponse(botocore.awsrequest.AWSHTTPResponse):
    def __init__(self, *args: Any, status_tuple: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, status_tuple=status_tuple, **kwargs)
        # Nothing has been read of it yet.
        self.fp = io.BufferedReader(CountedReads(self.fp.detach(), check_deadline, count_wire))
        self._statuses = 0

    def _read_status(self) -> Any:
        # Called again after each interim answer, of which a megabyte of shortest ones would take a second.
        self._statuses += 1
        if self._statuses > MOST_INTERIM:
            raise AnswerTooLarge(f"{MOST_INTERIM} interim answers")
        return super()._read_status()  # type: ignore[misc]  # the stubs lack it


class _HttpConnection(botocore.awsrequest.AWSHTTPConnection):
    response_class = _TimedResponse


class _HttpsConnection(botocore.awsrequest.AWSHTTPSConnection):
    response_class = _TimedResponse


class _HttpPool(botocore.awsrequest.AWSHTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(botocore.awsrequest.AWSHTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


def time_answers(http_session: Any) -> None:
    """Let botocore's HTTP session make connections of this kind, to the endpoint and through proxies."""
    pools = http_session._pool_classes_by_scheme  # noqa: SLF001 - botocore has no other way
    pools.update(http=_HttpPool, https=_HttpsPool)


def limit_answers(client: Any) -> Any:
    """Hold the answers that a client of botocore reads to the limits of the call that is made; returns it."""
    endpoint = client._endpoint  # noqa: SLF001 - botocore has no other way
    proxies = endpoint.http_session._proxy_config._proxies  # noqa: SLF001 - as above
    for scheme, proxy in proxies.items():
        url = proxy if "://" in proxy else f"http://{proxy.removeprefix('//')}"
        refuse_unclear_url(url, f"The URL of the proxy for {scheme}", may_name_user=True)
    time_answers(endpoint.http_session)
    endpoint.http_session = LimitedHttpSession(endpoint.http_session)
    return client


def limit_metadata(fetcher: Any, seconds: int, variable: str) -> None:
    """Hold the answers that a fetcher of botocore gets from the machine's container or metadata service to limits.

    They hold credentials in the clear, and come from nearby: no proxy of the environment may see them.

    Args:
        variable: the one that says where the service is.
    """
    session = URLLib3Session(timeout=seconds)
    time_answers(session)
    fetcher._session = _MetadataHttpSession(session, METADATA, variable)  # noqa: SLF001 - as above


_PIECE: Final = 64 * 1024
"""Bytes of XML that are parsed at once. Meanwhile nothing else runs: a page of 2 MB would keep the screen waiting for
20 ms, and a piece is parsed in less than one."""


class AnswerParsers(botocore.parsers.ResponseParserFactory):
    """Makes botocore's parsers of answers, which let other threads run while they read XML."""

    def __init__(self) -> None:
        super().__init__()
        self.set_parser_defaults(timestamp_parser=parse_timestamp)

    def create_parser(self, protocol_name: str) -> Any:
        parser: Any = super().create_parser(protocol_name)
        at_once = getattr(parser, "_parse_xml_string_to_dom", None)
        if at_once is not None:
            parser._parse_xml_string_to_dom = partial(_parse_xml, at_once)  # noqa: SLF001 - botocore has no other way
        return parser


def _parse_xml(parse_at_once: Callable[[bytes], ET.Element], body: bytes) -> ET.Element:
    """The root of an answer in XML; of one that is not well-formed botocore says what is wrong."""
    parser = ET.XMLParser(target=ET.TreeBuilder(), encoding="utf-8")  # noqa: S314 - as botocore's; see check_markup
    try:
        for start in range(0, len(body), _PIECE):
            parser.feed(body[start : start + _PIECE])
        return parser.close()
    except ET.ParseError:
        return parse_at_once(body)


_LONGEST_TIMESTAMP: Final = 40


def parse_timestamp(value: Any) -> datetime:
    """A timestamp of an AWS answer as a datetime in UTC.

    The forms of AWS's protocols: ISO 8601, seconds since 1970, RFC 822. botocore's own parser accepts almost anything,
    for which it takes half of the time of a large answer, and half a minute of a hostile one.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, str) and len(value) > _LONGEST_TIMESTAMP:
        raise ValueError(f"a timestamp of {len(value):,} characters")
    for read in (_from_seconds, datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = read(value)
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, TypeError, OverflowError, OSError):
            continue
    raise ValueError("a timestamp of an unknown form")


def _from_seconds(value: Any) -> datetime:
    return datetime.fromtimestamp(float(value), UTC)
