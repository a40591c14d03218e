"""Credentials endpoint of a session, and the thread that renews it. For `serve` and for the screen.

Not with http.server, which waits for a request without end, starts a thread for every connection, and takes what no SDK
sends.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeAlias

from msgspec import Struct

from iamtui.credentials.export_values import aws_time, proved_account
from iamtui.credentials.renewal import Held, Renewer
from iamtui.credentials.session import Clock, Session, utc_now
from iamtui.secret import Secret

_Address: TypeAlias = tuple[str, int]

# A small HTTP server on the loopback address, for programs of this machine and against everybody else.


HOST: Final = "127.0.0.1"

LARGEST_REQUEST: Final = 16 * 1024
"""Bytes of request line and headers together; SDKs send a few hundred."""

MOST_HEADERS: Final = 64

REQUEST_SECONDS: Final = 2.0
"""How long a client may take for its whole request, and again for taking the answer."""

MOST_CONNECTIONS: Final = 32
"""At the same time; the one that has kept its request waiting longest makes room for a new one."""

_FOREIGN_HEADERS: Final = ("origin", "referer", "forwarded", "via", "cookie", "x-real-ip")
_FOREIGN_BEGINNINGS: Final = ("sec-", "x-forwarded-")
_REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
}


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request whose form and origin have been checked.

    Args:
        path: as sent, without any normalising.
        headers: by name in lower case; not for printing: they hold tokens.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; its body is not for printing."""

    status: int
    body: bytes = field(default=b"", repr=False)
    content_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Counts(Struct, frozen=True):
    """Counts of a server's responses.

    Args:
        refused: all others, connections without a whole request among them.
    """

    served: int = 0
    refused: int = 0


class LoopbackServer:
    """Listens on 127.0.0.1 at a port that the system picks, from `start` to `stop`.

    Args:
        answer: answers a checked request; must not block. What it raises becomes a bare 500.
    """

    def __init__(self, answer: Callable[[HttpRequest], Response]) -> None:
        self._answer = answer
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._listener.bind((HOST, 0))
            self._listener.listen(MOST_CONNECTIONS)
        except BaseException:
            self._listener.close()
            raise
        self._listener_name: _Address = self._listener.getsockname()
        self.port: int = self._listener_name[1]
        self._lock = threading.Lock()
        self._waiting: dict[socket.socket, float] = {}
        self._served = 0
        self._refused = 0
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def authority(self) -> str:
        """Host and port, as a client must name them."""
        return f"{HOST}:{self.port}"

    @property
    def counts(self) -> Counts:
        """Counts of the responses so far."""
        with self._lock:
            return Counts(self._served, self._refused)

    def start(self) -> None:
        """Begin to answer, in threads of its own that hold up no exit."""
        self._thread = threading.Thread(target=self._accept, name="iamtui endpoint", daemon=True)
        self._thread.start()

    def stop(self, *, wait: bool = True) -> None:
        """Stop listening and cut every connection. May be called more than once.

        Args:
            wait: also for the end of the thread that listens; without it, this never blocks.
        """
        if self._stopped.is_set():
            return
        self._stopped.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            connections = list(self._waiting)
        for connection in connections:
            _cut(connection)
        if wait and self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(REQUEST_SECONDS)

    def let_go(self) -> None:
        """After a fork, in the process that does not answer: forget the socket without closing it for the other."""
        self._stopped.set()
        self._listener.close()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, peer = self._listener.accept()
            except OSError:
                if self._stopped.is_set():
                    return
                # Out of file descriptors, or the client is gone again.
                time.sleep(0.05)
                continue
            if not _is_ours(peer, self._listener_name):
                # Another user's, who gets no answer, and takes no place from those who do.
                connection.close()
                with self._lock:
                    self._refused += 1
                continue
            self._make_room()
            with self._lock:
                self._waiting[connection] = time.monotonic()
            threading.Thread(target=self._serve, args=(connection,), name="iamtui request", daemon=True).start()

    def _make_room(self) -> None:
        with self._lock:
            if len(self._waiting) < MOST_CONNECTIONS:
                return
            oldest = min(self._waiting, key=self._waiting.__getitem__)
            del self._waiting[oldest]
        _cut(oldest)

    def _serve(self, connection: socket.socket) -> None:
        try:
            response = self._respond(connection)
            # From here on the client cannot be made to wait, and a new one need not take its place.
            with self._lock:
                if response.status == 200:
                    self._served += 1
                else:
                    self._refused += 1
            connection.settimeout(REQUEST_SECONDS)
            connection.sendall(_encoded(response))
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        finally:
            with self._lock:
                self._waiting.pop(connection, None)
            connection.close()

    def _respond(self, connection: socket.socket) -> Response:
        received = _read_head(connection, time.monotonic() + REQUEST_SECONDS)
        if isinstance(received, Response):
            return received
        request = parse_request(received, self.authority)
        if isinstance(request, Response):
            return request
        try:
            return self._answer(request)
        except Exception:  # noqa: BLE001 - its text could hold what it is about
            return Response(500)


_TABLES: Final = ("/proc/net/tcp", "/proc/net/tcp6")
"""Linux's connections, each with the user whose socket it is; a socket of IPv6 can connect to 127.0.0.1, too."""


def _is_ours(peer: _Address, here: _Address) -> bool:
    """True if the socket at the other end of a connection is of the user who runs this process.

    Where Linux does not show its connections, and elsewhere, there is no telling, and the rest decides alone.
    """
    ends = [f"{_in_table(peer)} {_in_table(here)}", f"{_MAPPED}{_in_table(peer)} {_MAPPED}{_in_table(here)}"]
    seen = False
    for table in _TABLES:
        try:
            text = Path(table).read_text(encoding="ascii")
        except (OSError, ValueError):
            continue
        seen = True
        for row in text.splitlines():
            words = row.split()
            if len(words) > 7 and f"{words[1]} {words[2]}" in ends:
                return words[7] == str(os.geteuid())
    # Gone again, or of another network: nobody to answer.
    return not seen


_MAPPED: Final = "0000000000000000FFFF0000" if sys.byteorder == "little" else "00000000000000000000FFFF"
"""Prefix of an IPv4 address in an IPv6 one, as the kernel writes it."""


def _in_table(address: _Address) -> str:
    """An address and its port as the kernel's tables write them."""
    return f"{int.from_bytes(socket.inet_aton(address[0]), sys.byteorder):08X}:{address[1]:04X}"


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _read_head(connection: socket.socket, deadline: float) -> bytes | Response:
    """Request line and headers, or the refusal of what does not end in time or is too large."""
    received = b""
    while b"\r\n\r\n" not in received:
        left = deadline - time.monotonic()
        if left <= 0:
            return Response(408)
        connection.settimeout(left)
        try:
            block = connection.recv(4096)
        except TimeoutError:
            return Response(408)
        if not block:
            return Response(400)
        received += block
        if len(received) > LARGEST_REQUEST:
            return Response(431)
    return received.partition(b"\r\n\r\n")[0]


def parse_request(head: bytes, authority: str) -> HttpRequest | Response:
    """Request line and headers as a Request, or the refusal of what a program of this machine would not send.

    Args:
        head: without the empty line at its end.
        authority: the only value of Host that is taken.
    """
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0") or not words[0].isalpha() or not words[0].isascii():
        return Response(400)
    method, path, _ = words
    if not path.startswith("/") or not all("!" <= character <= "~" for character in path):
        return Response(400)
    if len(lines) - 1 > MOST_HEADERS:
        return Response(431)
    headers = _headers(lines[1:])
    if headers is None:
        return Response(400)
    if headers.get("host") != authority:
        return Response(403)
    if any(name in headers for name in _FOREIGN_HEADERS) or any(
        name.startswith(_FOREIGN_BEGINNINGS) for name in headers
    ):
        return Response(403)
    if "transfer-encoding" in headers or headers.get("content-length", "0") != "0":
        return Response(400)
    return HttpRequest(method.upper(), path, headers)


def _headers(lines: list[str]) -> dict[str, str] | None:
    """The headers by lower-case name; None where a line is not a header, or one comes twice."""
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        lowered = name.lower()
        if not colon or not _is_token(name) or lowered in headers or any(c in value for c in "\r\n\0"):
            return None
        headers[lowered] = value.strip(" \t")
    return headers


def _is_token(name: str) -> bool:
    """True if it can be the name of a header (RFC 9110: token)."""
    return bool(name) and all(c.isascii() and (c.isalnum() or c in "!#$%&'*+-.^_`|~") for c in name)


def _encoded(response: Response) -> bytes:
    headers = {
        "Content-Type": response.content_type,
        "Content-Length": str(len(response.body)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Connection": "close",
        **response.headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    start = f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Error')}\r\n"
    return f"{start}{head}\r\n".encode("latin-1") + response.body


# The container credentials endpoint: SDKs ask it for a session's credentials, and again before these end.


JSON: Final = "application/json"


class SessionEndpoint(LoopbackServer):
    """Answers for one session from what is held; nothing is renewed while a client waits (the JavaScript SDK waits a
    second, botocore two).
    """

    def __init__(self, held: Callable[[], Held], *, clock: Clock = utc_now) -> None:
        super().__init__(self._respond_to)
        self._held = held
        self._clock = clock

    def _respond_to(self, request: HttpRequest) -> Response:
        raise NotImplementedError


class CredentialsEndpoint(SessionEndpoint):
    """Answers GET on one path that nobody can guess, with one token that nobody can guess, for one session.

    There is no way to ask for another role.
    """

    def __init__(self, held: Callable[[], Held], *, clock: Clock = utc_now) -> None:
        super().__init__(held, clock=clock)
        self._path = Secret(f"/{secrets.token_urlsafe(16)}")
        self.token: Final = Secret(secrets.token_urlsafe(32))

    @property
    def uri(self) -> Secret:
        """The URL, for AWS_CONTAINER_CREDENTIALS_FULL_URI."""
        return Secret(f"http://{self.authority}{self._path.reveal()}")

    def _respond_to(self, request: HttpRequest) -> Response:
        if not _same(request.path, self._path):
            return Response(404)
        if request.method != "GET":
            return Response(405, headers={"Allow": "GET"})
        if not _same(request.headers.get("authorization", ""), self.token):
            return Response(403)
        held = self._held()
        if not held.session.expired(self._clock()):
            return Response(200, credentials_json(held.session), JSON)
        return Response(400, expired_json(held), JSON)


def _same(given: str, expected: Secret) -> bool:
    """Compare in a time that tells nothing of where they differ."""
    return hmac.compare_digest(given.encode("latin-1"), expected.reveal().encode("latin-1"))


def credentials_json(session: Session, **more: str) -> bytes:
    """A session as both protocols name its parts, after `more`."""
    account = proved_account(session)
    return json.dumps(
        {
            **more,
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret_access_key.reveal(),
            "Token": session.session_token.reveal(),
            "Expiration": aws_time(session.expires_at),
            **({"AccountId": account} if account else {}),
        }
    ).encode("ascii")


def expired_json(held: Held) -> bytes:
    """Response to a client when the session has ended."""
    why = f" Renewing it failed: {held.failures.sentence}" if held.failures.sentence else ""
    message = f"The session of {held.session.role_arn} has expired.{why}"
    return json.dumps({"Code": "ExpiredToken", "Message": message}).encode("ascii")


# An instance metadata service (IMDSv2) on the loopback address, for programs that were written for instances.


TOKEN_PATH: Final = "/latest/api/token"
ROLES_PATH: Final = "/latest/meta-data/iam/security-credentials/"
REGION_PATH: Final = "/latest/meta-data/placement/region"
TTL_HEADER: Final = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN_HEADER: Final = "X-aws-ec2-metadata-token"

LONGEST_TTL: Final = 21_600
"""Seconds: six hours, as on an instance."""

_END_BYTES: Final = 8
_NONCE_BYTES: Final = 14
"""Makes tokens distinct, and their length a multiple of three bytes, for which base64 has one form only."""

_SIGNATURE_BYTES: Final = 32


class MetadataEndpoint(SessionEndpoint):
    """Answers what SDKs ask an instance for its role's credentials; version 1, without a token, is refused."""

    def __init__(self, held: Callable[[], Held], *, clock: Clock = utc_now) -> None:
        super().__init__(held, clock=clock)
        # A token carries its own end, signed: no table of them that somebody else could fill up.
        self._key = Secret(secrets.token_hex(32))

    @property
    def url(self) -> str:
        """For AWS_EC2_METADATA_SERVICE_ENDPOINT."""
        return f"http://{self.authority}/"

    def _respond_to(self, request: HttpRequest) -> Response:
        if request.path == TOKEN_PATH:
            if request.method != "PUT":
                return Response(405, headers={"Allow": "PUT"})
            return self._new_token(request.headers.get(TTL_HEADER.lower(), ""))
        if request.method != "GET":
            return Response(405, headers={"Allow": "GET"})
        if not self._knows(request.headers.get(TOKEN_HEADER.lower(), "")):
            return Response(401)
        return self._read(request.path)

    def _new_token(self, ttl: str) -> Response:
        if not (ttl.isascii() and ttl.isdigit() and len(ttl) <= 5 and 1 <= int(ttl) <= LONGEST_TTL):
            return Response(400)
        end = _microseconds(self._clock() + timedelta(seconds=int(ttl))).to_bytes(_END_BYTES, "big")
        signed = end + secrets.token_bytes(_NONCE_BYTES)
        return Response(200, base64.urlsafe_b64encode(signed + self._signature(signed)), headers={TTL_HEADER: ttl})

    def _knows(self, token: str) -> bool:
        try:
            content = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error):
            return False
        signed, signature = content[:-_SIGNATURE_BYTES], content[-_SIGNATURE_BYTES:]
        is_whole = len(signed) == _END_BYTES + _NONCE_BYTES and len(token) * 3 == len(content) * 4
        if not is_whole or not hmac.compare_digest(signature, self._signature(signed)):
            return False
        return _microseconds(self._clock()) < int.from_bytes(signed[:_END_BYTES], "big")

    def _signature(self, signed: bytes) -> bytes:
        return hmac.digest(bytes.fromhex(self._key.reveal()), signed, "sha256")

    def _read(self, path: str) -> Response:
        held = self._held()
        role = held.session.role_arn.rsplit("/", 1)[-1]
        if path in (ROLES_PATH, ROLES_PATH.rstrip("/")):
            return Response(200, role.encode("latin-1", "replace"))
        if path == ROLES_PATH + role:
            if held.session.expired(self._clock()):
                # An instance answers a failure with status 200 too.
                return Response(200, expired_json(held), JSON)
            updated = aws_time(held.session.assumed_at)
            return Response(
                200, credentials_json(held.session, Code="Success", LastUpdated=updated, Type="AWS-HMAC"), JSON
            )
        if path == REGION_PATH and held.session.region:
            return Response(200, held.session.region.encode("ascii", "replace"))
        return Response(404)


def _microseconds(moment: datetime) -> int:
    """Since 1970, whole: a float would round them."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


class ServiceStatus(Struct, frozen=True):
    """Status of a service, for a screen.

    Args:
        metadata_counts: requests to the instance metadata service, or None when there is none.
    """

    held: Held
    counts: Counts
    metadata_counts: Counts | None
    running: bool

    @property
    def answered(self) -> tuple[int, int]:
        """How many requests were served, and how many refused, in both ways."""
        both = [counts for counts in (self.counts, self.metadata_counts) if counts is not None]
        return sum(counts.served for counts in both), sum(counts.refused for counts in both)


class CredentialsService:
    """Offers a session on the loopback address until `stop`, or until the session has ended and nothing renews it.

    Args:
        with_metadata: whether to offer it as an instance metadata service too, which knows no authentication.
    """

    def __init__(self, renewer: Renewer, *, with_metadata: bool = False, clock: Clock = utc_now) -> None:
        self.renewer = renewer
        self._clock = clock
        self.endpoint = CredentialsEndpoint(self._held, clock=clock)
        self.metadata = MetadataEndpoint(self._held, clock=clock) if with_metadata else None
        self._wake = threading.Event()
        self._ended = threading.Event()

    def _held(self) -> Held:
        return self.renewer.held

    @property
    def status(self) -> ServiceStatus:
        """Status of the service. Never blocks."""
        return ServiceStatus(
            self._held(),
            self.endpoint.counts,
            self.metadata.counts if self.metadata is not None else None,
            not self._ended.is_set(),
        )

    def start(self) -> None:
        """Begin to answer and to renew, in threads that hold up no exit."""
        self.endpoint.start()
        if self.metadata is not None:
            self.metadata.start()
        threading.Thread(target=self._keep_fresh, name="iamtui renewal", daemon=True).start()

    def offer_metadata(self) -> None:
        """Answer as an instance metadata service from now on, too. Call it after `start`, in the same thread."""
        if self.metadata is None and not self._ended.is_set():
            self.metadata = MetadataEndpoint(self._held, clock=self._clock)
            self.metadata.start()

    def stop(self, *, wait: bool = True) -> None:
        """Stop answering and renewing, for good; without `wait` this never blocks. May be called more than once."""
        self._ended.set()
        self._wake.set()
        self.endpoint.stop(wait=wait)
        if self.metadata is not None:
            self.metadata.stop(wait=wait)

    def let_go(self) -> None:
        """After a fork, in the process that does not answer: leave the sockets to the other."""
        self._ended.set()
        self.endpoint.let_go()
        if self.metadata is not None:
            self.metadata.let_go()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it has stopped, or for so long; returns whether it has."""
        return self._ended.wait(seconds)

    def _keep_fresh(self) -> None:
        while not self._ended.is_set():
            self.renewer.tick()
            if self.renewer.over:
                self.stop()
                return
            self._wake.wait(self.renewer.wait_seconds())
