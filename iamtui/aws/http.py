"""Sends botocore's requests, with a limit on each answer; urllib3 is what botocore itself sends them with.

Loaded with botocore, not before.
"""

from __future__ import annotations

import socket
import ssl
import threading
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import urllib3
import urllib3.connection
from botocore.awsrequest import AWSResponse
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.httpsession import mask_proxy_url
from botocore.utils import get_environ_proxies

from iamtui.aws import answers
from iamtui.aws.answers import AnswerLimit, LimitedResponse, tls_context
from iamtui.aws.profiles import is_loopback

CONNECT_SECONDS = 3
READ_SECONDS = 10
"""Connect and read timeouts in seconds."""

_PORTION: Final = 64 * 1024
_MOST_HOSTS: Final = 32
"""Hosts, one for each service and Region, with connections that are kept."""


class _Sending(threading.local):
    limit: AnswerLimit | None = None


_sending: Final = _Sending()
"""The limit of the answer to what the thread is sending, which the response takes over."""


def _response(*args: Any, **kwargs: Any) -> LimitedResponse:
    return LimitedResponse(_sending.limit, *args, **kwargs)


class _HttpConnection(urllib3.connection.HTTPConnection):
    response_class = staticmethod(_response)  # type: ignore[assignment]


class _HttpsConnection(urllib3.connection.HTTPSConnection):
    response_class = staticmethod(_response)  # type: ignore[assignment]


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


_ERRORS: Final[tuple[tuple[Any, Any], ...]] = (
    (urllib3.exceptions.SSLError, SSLError),
    ((urllib3.exceptions.NewConnectionError, socket.gaierror), EndpointConnectionError),
    (urllib3.exceptions.ProxyError, ProxyConnectionError),
    (urllib3.exceptions.ConnectTimeoutError, ConnectTimeoutError),
    (urllib3.exceptions.ReadTimeoutError, ReadTimeoutError),
    (urllib3.exceptions.ProtocolError, ConnectionClosedError),
    (Exception, HTTPClientError),
)
"""The error of botocore for each of urllib3."""


class HttpSender:
    """Sends a request of botocore and returns the response, read to its end within the limits.

    Errors are those of botocore's own HTTP session, so that its retries and our sentences treat them as such. No
    compression is asked for, and none unpacked. Thread-safe.

    Args:
        certificates: the file (or folder) that servers are checked with.
        timeout: connect and read timeout.
        uses_proxies: whether those of the environment are used, for hosts that are not this machine.
    """

    def __init__(
        self,
        certificates: str,
        timeout: urllib3.Timeout | None = None,
        *,
        uses_proxies: bool = True,
    ) -> None:
        self._certificates = certificates
        self._timeout = timeout or urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        self._uses_proxies = uses_proxies
        self._lock = threading.Lock()
        self._tls: ssl.SSLContext | None = None
        self._managers: dict[str, urllib3.PoolManager] = {}

    def send(self, request: Any) -> AWSResponse:
        """The response to an AWSPreparedRequest. Blocking.

        Raises:
            AnswerTooLarge, AnswerTooSlow: the endpoint's answer is beyond a limit.
        """
        is_object = request.stream_output
        size, seconds = (
            (answers.LARGEST_OBJECT, answers.LONGEST_OBJECT) if is_object else (answers.LARGEST, answers.LONGEST)
        )
        url, proxy = urlsplit(request.url), self._proxy_for(request.url)
        pool = self._manager_for(url.scheme, proxy, request.url).connection_from_url(request.url)
        _sending.limit = AnswerLimit(size, seconds)
        try:
            response = pool.urlopen(
                request.method,
                f"{url.path or '/'}{'?' if url.query else ''}{url.query}",
                body=request.body,
                headers=request.headers,
                retries=urllib3.Retry(False),
                assert_same_host=False,
                preload_content=False,
                decode_content=False,
            )
            raw = response if is_object else ReadBody(b"".join(response.stream(_PORTION)))
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            kind = next(ours for theirs, ours in _ERRORS if isinstance(error, theirs))
            raise kind(endpoint_url=request.url, proxy_url=mask_proxy_url(proxy), error=error) from error
        finally:
            _sending.limit = None
        headers: Any = response.headers
        return AWSResponse(request.url, response.status, headers, raw)

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        with self._lock:
            managers, self._managers = tuple(self._managers.values()), {}
        for manager in managers:
            manager.clear()

    def _proxy_for(self, url: str) -> str:
        """The proxy of the environment for a URL, or "": none reaches this machine, or may see what goes there."""
        seen = urlsplit(url)
        if not self._uses_proxies or is_loopback(seen.hostname or ""):
            return ""
        found: str = get_environ_proxies(url).get(seen.scheme, "")
        return found if not found or "://" in found else f"http://{found.removeprefix('//')}"

    def _manager_for(self, scheme: str, proxy: str, url: str) -> urllib3.PoolManager:
        with self._lock:
            found = self._managers.get(proxy)
            if found is None:
                tls = self._context(url) if scheme == "https" or proxy.startswith("https") else None
                how: dict[str, Any] = {"timeout": self._timeout, "maxsize": 10, "ssl_context": tls}
                if proxy:
                    user = urlsplit(proxy).netloc.rpartition("@")[0]
                    headers = urllib3.make_headers(proxy_basic_auth=unquote(user)) if user else None
                    found = urllib3.ProxyManager(
                        proxy, _MOST_HOSTS, proxy_headers=headers, proxy_ssl_context=tls, **how
                    )
                else:
                    found = urllib3.PoolManager(_MOST_HOSTS, **how)
                found.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
                self._managers[proxy] = found
            return found

    def _context(self, url: str) -> ssl.SSLContext:
        if self._tls is None:
            try:
                self._tls = tls_context(self._certificates)
            except OSError as error:
                raise SSLError(endpoint_url=url, error=error) from error
        return self._tls


class ReadBody:
    """An answer that has been read, in the form in which botocore reads one."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> list[bytes]:
        return [self._content]
