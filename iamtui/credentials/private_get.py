"""HTTP GET of a secret address: nothing logs it, follows it elsewhere or repeats it in an error.

The standard library's client, and not the one of botocore: urllib3 writes addresses into its log, at WARNING too.
"""

from __future__ import annotations

import base64
import http.client
import io
import ssl
import time
import urllib.request
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from iamtui.aws.answer_limits import CountedReads
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.text import safe_text

CONNECT_SECONDS: Final = 3
READ_SECONDS: Final = 10

WHOLE_SECONDS: Final = 30
"""How long the answers of the proxy and the host are waited for when they come drop by drop."""

LARGEST_ANSWER: Final = 64 * 1024
"""Bytes of the body; all that the proxy and the host send may have twice as many."""

_STEP: Final = "Check the network, the proxy (HTTPS_PROXY, NO_PROXY) and the certificates (AWS_CA_BUNDLE)."


@dataclass(frozen=True, slots=True)
class Host:
    """Who is asked. Without TLS only this machine's loopback address is."""

    name: str
    port: int = 443
    tls: bool = True

    @property
    def origin(self) -> str:
        """As a URL begins: scheme and host, and the port unless it is the usual one."""
        usual = 443 if self.tls else 80
        return f"{'https' if self.tls else 'http'}://{self.name}{f':{self.port}' if self.port != usual else ''}"


@dataclass(frozen=True, slots=True)
class PrivateAnswer:
    """What came back; the text is secret as the question was."""

    status: int
    text: Secret


def private_get(host: Host, path: Secret, *, ca_bundle: str = "") -> PrivateAnswer:
    """GET a path. Blocking, for half a minute at worst.

    A redirect is an answer like any other. A proxy of the environment is used by CONNECT, and sees the host's name.

    Args:
        path: path and query, percent-encoded.
        ca_bundle: a file or folder of certificates to check the host's with; "" for the system's.

    Raises:
        Problem: the host cannot be reached, is not who it should be, or does not answer properly.
    """
    try:
        return _get(host, path, ca_bundle)
    except Problem as found:
        problem = found
    except ssl.SSLCertVerificationError as error:
        why = safe_text(error.verify_message, limit=200)
        problem = Problem(f"{host.name} has no certificate that is trusted here ({why}); nothing was sent.", _STEP)
    except TimeoutError:
        problem = Problem(f"{host.name} does not answer in time.", _STEP)
    except (OSError, http.client.HTTPException) as error:
        problem = Problem(f"{host.name} cannot be asked: {_kind(error)}.", _STEP)
    # The frames of the call hold the address, and the error behind the Problem may.
    problem.__context__ = problem.__cause__ = None
    raise problem.with_traceback(None)


def _kind(error: Exception) -> str:
    """What failed, without the words of an answer."""
    if str(error).startswith("Tunnel connection failed: 407"):
        return "the proxy asks for credentials (407)"
    words = safe_text(error.strerror, limit=200) if isinstance(error, OSError) and error.strerror else ""
    return words or type(error).__name__


class _Limits:
    """The time and bytes that are left for all that comes back, headers and interim answers included."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._end = time.monotonic() + WHOLE_SECONDS
        self._left = 2 * LARGEST_ANSWER

    def check(self) -> None:
        if time.monotonic() > self._end:
            raise TimeoutError

    def count(self, read: int) -> None:
        self._left -= read
        if self._left < 0:
            raise _too_large(self._host)


def _too_large(host: Host) -> Problem:
    return Problem(f"{host.name} answered with more than {LARGEST_ANSWER:,} bytes; nothing of it was used.")


class _LimitedResponse(http.client.HTTPResponse):
    def __init__(self, limits: _Limits, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Nothing has been read of it yet.
        raw: Any = self.fp
        self.fp = io.BufferedReader(CountedReads(raw.detach(), limits.check, limits.count))


def _get(host: Host, path: Secret, ca_bundle: str) -> PrivateAnswer:
    connection = _connection(host, ca_bundle)
    # Also for the proxy's answer to CONNECT.
    connection.response_class = partial(_LimitedResponse, _Limits(host))  # type: ignore[assignment]
    try:
        connection.connect()
        connection.sock.settimeout(READ_SECONDS)
        connection.request("GET", path.reveal(), headers={"Accept": "application/json", "Accept-Encoding": "identity"})
        response = connection.getresponse()
        return PrivateAnswer(response.status, _read(response, host))
    finally:
        connection.close()


def _connection(host: Host, ca_bundle: str) -> http.client.HTTPConnection:
    if not host.tls:
        if host.name not in ("127.0.0.1", "::1"):
            raise Problem(f"{host.name} is not asked without TLS: the credentials could be read on the way.")
        return http.client.HTTPConnection(host.name, host.port, timeout=CONNECT_SECONDS)
    context = _trust(ca_bundle)
    proxy = "" if urllib.request.proxy_bypass(host.name) else urllib.request.getproxies().get("https", "")
    if not proxy:
        return http.client.HTTPSConnection(host.name, host.port, timeout=CONNECT_SECONDS, context=context)
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if parts.scheme != "http" or not parts.hostname:
        raise Problem("The proxy for https is not an http:// URL, which is all that is understood here.", _STEP)
    connection = http.client.HTTPSConnection(
        parts.hostname, parts.port or 8080, timeout=CONNECT_SECONDS, context=context
    )
    connection.set_tunnel(host.name, host.port, _proxy_headers(parts.username, parts.password))
    return connection


def _proxy_headers(user: str | None, password: str | None) -> dict[str, str]:
    if user is None:
        return {}
    pair = f"{unquote(user)}:{unquote(password or '')}".encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}


def _trust(ca_bundle: str) -> ssl.SSLContext:
    # Not ssl.create_default_context: it opens the file of SSLKEYLOGFILE for the keys of all connections.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not ca_bundle:
        context.load_default_certs()
        return context
    try:
        if Path(ca_bundle).is_dir():
            context.load_verify_locations(capath=ca_bundle)
        else:
            context.load_verify_locations(cafile=ca_bundle)
        return context
    except OSError as error:
        why = safe_text(error.strerror or type(error).__name__)
        raise Problem(f"The certificates of {safe_text(ca_bundle)} cannot be read: {why}.", _STEP) from None


def _read(response: http.client.HTTPResponse, host: Host) -> Secret:
    """The body, as far as it may be long.

    Raises:
        Problem: it is longer.
    """
    pieces = bytearray()
    while piece := response.read1(LARGEST_ANSWER):
        pieces += piece
        if len(pieces) > LARGEST_ANSWER:
            raise _too_large(host)
    return Secret(pieces.decode("utf-8", "replace"))
