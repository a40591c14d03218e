"""Limits on an answer and on a listing of them: bytes, seconds and parts, so that no endpoint can hold us up or fill
the memory."""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, Protocol

from iamtui.aws.answer_markup import LONGEST_TEXT, Markup, too_much_markup


class AnswerLimits(NamedTuple):
    """What one HTTP answer may have.

    Args:
        size: bytes of its body; all that comes with it may have as many again, and WIRE_OVERHEAD.
        seconds: from the sending of the request to the last byte.
        parts: tags of XML, or brackets and commas of JSON, before a parser builds objects of them.
    """

    size: int
    seconds: float
    parts: int


ORDINARY: Final = AnswerLimits(4 * 1024 * 1024, 20.0, 200_000)
"""The largest real one, a policy of a bucket or key, has 32 kB."""

INVENTORY: Final = AnswerLimits(16 * 1024 * 1024, 60.0, 1_000_000)
"""AWS's largest, pages of GetAccountAuthorizationDetails, have some 2 MB. moto sends an account at AWS's default quotas
as one page, of 14 MB."""

METADATA: Final = AnswerLimits(64 * 1024, 5.0, 1_000)
"""What a machine's own services say about credentials has 2 kB, and comes from nearby."""

_INVENTORIES: Final = frozenset(
    (
        ("iam", "GetAccountAuthorizationDetails"),
        ("iam", "ListInstanceProfiles"),
        ("iam", "ListRoles"),
        ("iam", "ListUsers"),
    )
)
"""The listings whose pages hold hundreds of entities."""

WIRE_OVERHEAD: Final = 1024 * 1024
"""Bytes of status, headers, chunk sizes and trailers, beside as many again as the body may have."""

MOST_CHUNKS: Final = 100_000
"""Pieces in which one answer comes, each of which costs time. Servers send thousands of bytes in one."""

LARGEST_LISTING: Final = 256 * 1024 * 1024
"""Bytes that all pages of one listing take as text: an account at AWS's highest quotas has 80 MB. One wide character
makes all of a text take two or four times its bytes, for which whole pages are counted so often."""

MOST_LISTED_PARTS: Final = 4_000_000
"""Parts of all pages of one listing, which become objects that are kept: twice what such an account has."""

_FOUR_BYTES: Final = re.compile(rb"[\xf0-\xff]|&#x?0*[0-9A-Fa-f]{3}|\\u")
_TWO_BYTES: Final = re.compile(rb"[\xc4-\xef]")


class AnswerTooLarge(Exception):
    """An endpoint answered with more bytes than the limit, which the text names."""


class AnswerTooSlow(Exception):
    """An endpoint did not come to the end of its answer in the time that the text names."""


class AnswerTooComplex(Exception):
    """An endpoint answered with XML or JSON of more parts, or nested more deeply, than any answer of AWS."""


class _Here(threading.local):
    """What counts for the call that the thread is making."""

    limits: AnswerLimits = ORDINARY
    seconds: float = 0
    size: int = ORDINARY.size
    deadline: float = float("inf")
    wire: int = 0
    """Bytes that have come from the socket."""


_HERE: Final = _Here()


@contextmanager
def limits_of(service: str, operation: str) -> Iterator[None]:
    """Hold the calling thread's calls to the limits of an operation."""
    before = _HERE.limits
    _HERE.limits = INVENTORY if (service, operation) in _INVENTORIES else ORDINARY
    try:
        yield
    finally:
        _HERE.limits = before


def check_deadline() -> None:
    """To be called while an answer comes.

    Raises:
        AnswerTooSlow: it should have come to its end.
    """
    if time.monotonic() > _HERE.deadline:
        raise AnswerTooSlow(f"{_HERE.seconds:g} seconds")


def count_wire(count: int) -> None:
    """To be told how many bytes came from the socket: what stands around a body may be without end as well.

    Raises:
        AnswerTooLarge: no body within the limit comes with so many.
    """
    _HERE.wire += count
    if _HERE.wire > 2 * _HERE.size + WIRE_OVERHEAD:
        raise _too_large(_HERE.size)


class CountedReads(io.RawIOBase):
    """A socket's bytes, counted, with a look at the clock before each read: one waits for the read timeout at most.

    Args:
        raw: the socket, as a file.
        check: called before each read.
        count: called after it with the number of bytes.
    """

    def __init__(self, raw: io.RawIOBase, check: Callable[[], None], count: Callable[[int], None]) -> None:
        super().__init__()
        self._raw = raw
        self._check = check
        self._count = count

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        """Read into a buffer, as far as check and count allow."""
        self._check()
        read = self._raw.readinto(buffer)
        self._count(read or 0)
        return read

    def close(self) -> None:
        """Close the socket's file too."""
        self._raw.close()
        super().close()


def _too_large(size: int) -> AnswerTooLarge:
    return AnswerTooLarge(f"{size / 1024**2:g} MiB")


class HttpSession(Protocol):
    """What botocore sends requests through."""

    def send(self, request: Any) -> Any:
        """Send one prepared request and return botocore's AWSResponse."""

    def close(self) -> None:
        """Close the connections."""


class LimitedHttpSession:
    """Sends through another session and reads no more of each answer than the limits allow.

    The bytes that came are what counts: botocore asks for no compression, and unpacks none. Errors while reading are
    botocore's own, so that its retries and our sentences treat them as they treat others.

    Args:
        session: what sends.
        limits: for every answer; None: those of the call that the thread is making.
    """

    def __init__(self, session: HttpSession, limits: AnswerLimits | None = None) -> None:
        self._session = session
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
        """
        import botocore.awsrequest  # noqa: PLC0415 - heavy
        from botocore.exceptions import HTTPClientError  # noqa: PLC0415 - heavy

        limits = self._limits or _HERE.limits
        streamed = request.stream_output
        request.stream_output = True
        _HERE.seconds, _HERE.deadline = limits.seconds, time.monotonic() + limits.seconds
        _HERE.size, _HERE.wire = limits.size, 0
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
            _HERE.deadline = float("inf")
        _check_markup(body, limits)
        self._thread.read = self.read_here + len(body) * _width(body)
        self._thread.parts = self.parts_here + max(body.count(b"<"), body.count(b","))
        raw = _Read(body)
        return botocore.awsrequest.AWSResponse(response.url, response.status_code, response.headers, raw)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _read(self, request: Any, raw: Any, largest: int) -> bytes:
        import urllib3.exceptions  # noqa: PLC0415 - heavy
        from botocore.exceptions import ConnectionClosedError, ReadTimeoutError  # noqa: PLC0415 - heavy

        body = bytearray()
        chunks = 0
        room = largest
        try:
            for piece in raw.stream():
                room -= len(piece)
                if room < 0:
                    raw.close()
                    raise _too_large(largest)
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


def _width(body: bytes) -> int:
    """How many bytes a character of its texts takes in memory, at most."""
    return 4 if _FOUR_BYTES.search(body) else 2 if _TWO_BYTES.search(body) else 1


def _check_markup(body: bytes, limits: AnswerLimits) -> None:
    found = too_much_markup(body, limits.parts)
    if found is Markup.DEEP:
        raise AnswerTooComplex("nested too deeply")
    if found is Markup.UTF_16:
        raise AnswerTooComplex("in UTF-16")
    if found is Markup.DECLARATIONS:
        raise AnswerTooComplex("with entities or default attributes")
    if found is Markup.NAMESPACE:
        raise AnswerTooComplex("with too long a namespace")
    if found is Markup.TEXT:
        raise AnswerTooComplex(f"with a text of more than {LONGEST_TEXT // 1024**2} MiB")
    if found is Markup.MANY:
        raise AnswerTooComplex(f"of more than {limits.parts:,} parts")


def limit_answers(client: Any) -> Any:
    """Hold the answers that a client of botocore reads to the limits of the call that is made; returns it."""
    from iamtui.aws.timed_connection import time_answers  # noqa: PLC0415 - heavy

    endpoint = client._endpoint  # noqa: SLF001 - botocore has no other way
    time_answers(endpoint.http_session)
    endpoint.http_session = LimitedHttpSession(endpoint.http_session)
    return client


def limit_metadata(fetcher: Any, seconds: int) -> None:
    """Hold the answers that a fetcher of botocore gets from the machine's container or metadata service to limits.

    They hold credentials in the clear, and come from nearby: no proxy of the environment may see them.

    Args:
        seconds: how long bytes are waited for.
    """
    from botocore.httpsession import URLLib3Session  # noqa: PLC0415 - heavy

    from iamtui.aws.timed_connection import time_answers  # noqa: PLC0415 - heavy

    session = URLLib3Session(timeout=seconds)
    time_answers(session)
    fetcher._session = LimitedHttpSession(session, METADATA)  # noqa: SLF001 - as above


def read_here(client: Any) -> int:
    """How many bytes a limited client's answers that the calling thread has read so far take as text, at most."""
    session: LimitedHttpSession = client._endpoint.http_session  # noqa: SLF001 - as above
    return session.read_here


def parts_here(client: Any) -> int:
    """How many parts a limited client's answers had that the calling thread has read so far."""
    session: LimitedHttpSession = client._endpoint.http_session  # noqa: SLF001 - as above
    return session.parts_here


class _Read:
    """An answer that has been read, in the form in which botocore reads one."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> list[bytes]:
        return [self._content]
