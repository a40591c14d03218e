"""Limits on how much is read of an answer, and of a listing's answers, so that an endpoint cannot fill the memory."""

from __future__ import annotations

import threading
from typing import Any, Final, Protocol

LARGEST_ANSWER: Final = 64 * 1024 * 1024
"""Bytes of one HTTP answer. The largest real ones, pages of GetAccountAuthorizationDetails, stay below a tenth."""


LARGEST_LISTING: Final = 1024 * 1024 * 1024
"""Bytes of all pages of one listing: twice what an account at AWS's highest quotas could need, with every version of
every policy."""


class AnswerTooLarge(Exception):
    """An endpoint answered with more than LARGEST_ANSWER bytes."""


class HttpSession(Protocol):
    """What botocore sends requests through."""

    def send(self, request: Any) -> Any:
        """Send one prepared request and return botocore's AWSResponse."""

    def close(self) -> None:
        """Close the connections."""


class LimitedHttpSession:
    """Sends through another session and reads no more than `largest` bytes of each answer.

    Errors while reading are botocore's own, so that its retries and our sentences treat them as they treat others.
    """

    def __init__(self, session: HttpSession, largest: int = LARGEST_ANSWER) -> None:
        self._session = session
        self._largest = largest
        self._thread = threading.local()

    @property
    def read_here(self) -> int:
        """How many bytes of answers the calling thread has read so far."""
        return int(getattr(self._thread, "read", 0))

    def send(self, request: Any) -> Any:
        """As botocore's session does.

        Raises:
            AnswerTooLarge: the endpoint sends more than that.
        """
        import botocore.awsrequest  # noqa: PLC0415 - heavy

        streamed = request.stream_output
        request.stream_output = True
        try:
            response = self._session.send(request)
        finally:
            request.stream_output = streamed
        if streamed:
            return response
        raw = _Read(self._read(request, response.raw))
        return botocore.awsrequest.AWSResponse(response.url, response.status_code, response.headers, raw)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _read(self, request: Any, raw: Any) -> bytes:
        import urllib3.exceptions  # noqa: PLC0415 - heavy
        from botocore.exceptions import ConnectionClosedError, ReadTimeoutError  # noqa: PLC0415 - heavy

        pieces: list[bytes] = []
        room = self._largest
        try:
            for piece in raw.stream():
                room -= len(piece)
                if room < 0:
                    raw.close()
                    raise AnswerTooLarge
                pieces.append(piece)
        except urllib3.exceptions.ReadTimeoutError as error:
            raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
        except urllib3.exceptions.ProtocolError as error:
            raise ConnectionClosedError(endpoint_url=request.url, error=error, request=request) from error
        finally:
            self._thread.read = self.read_here + self._largest - max(room, 0)
        return b"".join(pieces)


def limit_answers(client: Any) -> Any:
    """Let a client of botocore read no more than LARGEST_ANSWER bytes of an answer; returns it."""
    endpoint = client._endpoint  # noqa: SLF001 - botocore has no other way
    endpoint.http_session = LimitedHttpSession(endpoint.http_session)
    return client


def read_here(client: Any) -> int:
    """How many bytes of a limited client's answers the calling thread has read so far."""
    session: LimitedHttpSession = client._endpoint.http_session  # noqa: SLF001 - as above
    return session.read_here


class _Read:
    """An answer that has been read, in the form in which botocore reads one."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> list[bytes]:
        return [self._content]
