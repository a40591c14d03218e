"""Sends botocore's requests by botocore's own HTTP session, with a limit on each answer.

Loaded with botocore, not before.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import urllib3
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError, SSLError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from iamtui.aws import answers
from iamtui.aws.answers import AnswerTooLarge, AnswerTooSlow, UnclearHost
from iamtui.aws.profiles import is_loopback

CONNECT_SECONDS = 3
READ_SECONDS = 10
"""Connect and read timeouts in seconds."""

_PORTION: Final = 64 * 1024


class HttpSender:
    """Sends a request of botocore and returns the response, read to its end within the limits. Thread-safe.

    No compression is asked for, and none unpacked. Errors are botocore's, so that its retries treat them as such.

    Args:
        certificates: the file that servers are checked with.
        seconds: connect and read timeout.
        uses_proxies: whether those of the environment are used, for hosts that are not this machine.
    """

    def __init__(
        self,
        certificates: str,
        seconds: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
        *,
        uses_proxies: bool = True,
    ) -> None:
        self._certificates = certificates
        self._seconds = seconds
        self._uses_proxies = uses_proxies
        self._lock = threading.Lock()
        self._sessions: dict[frozenset[tuple[str, str]], URLLib3Session] = {}

    def send(self, request: Any) -> AWSResponse:
        """The response to an AWSPreparedRequest. Blocking.

        Raises:
            AnswerTooLarge, AnswerTooSlow: the endpoint's answer is beyond a limit.
            UnclearHost: the URL, or that of a proxy, may be read as one of another host.
        """
        is_object, url = request.stream_output, request.url
        if is_unclear(url) or urlsplit(url).username is not None:
            raise UnclearHost("The URL of the request")
        size, seconds = (
            (answers.LARGEST_OBJECT, answers.LONGEST_OBJECT) if is_object else (answers.LARGEST, answers.LONGEST)
        )
        deadline = time.monotonic() + seconds
        uses_proxies = self._uses_proxies and not is_loopback(urlsplit(url).hostname or "")
        proxies: dict[str, str] = get_environ_proxies(url) if uses_proxies else {}
        if any(map(is_unclear, proxies.values())):
            raise UnclearHost("The URL of the proxy")
        if not Path(self._certificates).exists():
            raise SSLError(endpoint_url=url, error=FileNotFoundError(self._certificates))
        with self._lock:
            key = frozenset(proxies.items())
            if key not in self._sessions:
                how: dict[str, Any] = {"verify": self._certificates, "proxies": proxies, "timeout": self._seconds}
                self._sessions[key] = URLLib3Session(**how)
            session = self._sessions[key]
        # So that the body is left to us, whose size and time have a limit.
        request.stream_output = True
        response = session.send(request)
        raw: Any = response.raw
        body = ReadBody()
        try:
            while piece := raw.read1(_PORTION, decode_content=False):
                body.write(piece)
                if body.tell() > size:
                    raise AnswerTooLarge(f"{size / 1024**2:g} MiB")
                if time.monotonic() > deadline:
                    raise AnswerTooSlow(f"{seconds:g} seconds")
        except urllib3.exceptions.ReadTimeoutError as error:
            raise ReadTimeoutError(endpoint_url=url, error=error) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ConnectionClosedError(endpoint_url=url, error=error) from error
        finally:
            # The connection of one that was read to its end is free for the next request already.
            raw.close()
        expected = response.headers.get("Content-Length", "")
        if expected.isdigit() and int(expected) != body.tell() and request.method != "HEAD":
            raise ConnectionClosedError(endpoint_url=url, error="it ended too early")
        body.seek(0)
        headers: Any = response.headers
        return AWSResponse(url, response.status_code, headers, body)

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        with self._lock:
            sessions, self._sessions = tuple(self._sessions.values()), {}
        for session in sessions:
            session.close()


def is_unclear(url: str) -> bool:
    """Whether libraries find different hosts in a URL: one checks the host, another one connects."""
    if "//" not in url:
        url = f"http://{url}"
    try:
        checked, connected = urlsplit(url).hostname, urllib3.util.parse_url(url).host
    except ValueError:
        return True
    return (checked or "").replace("%25", "%") != (connected or "").strip("[]")


class ReadBody(io.BytesIO):
    """An answer that has been read, in the form in which botocore reads one."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()
