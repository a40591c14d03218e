"""A limit on how much of an answer is read, so that an endpoint cannot fill the memory."""

from __future__ import annotations

from typing import Any, Final, Protocol

LARGEST_ANSWER: Final = 64 * 1024 * 1024
"""Bytes of one HTTP answer. The largest real ones, pages of GetAccountAuthorizationDetails, stay below a tenth."""


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
        return b"".join(pieces)


class _Read:
    """An answer that has been read, in the form in which botocore reads one."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> list[bytes]:
        return [self._content]
