"""Endpoints of a session on the loopback address, and the thread that renews it. For `serve` and for the screen.

Container credentials, and instance metadata (IMDSv2).
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import Any, Final, TypeAlias

from msgspec import Struct

from iamtui.credentials.export_values import aws_time, proved_account
from iamtui.credentials.renewal import Held, Renewer
from iamtui.credentials.session import Clock, Session, utc_now
from iamtui.secret import Secret

_Address: TypeAlias = tuple[str, int]

# A small HTTP server on the loopback address, for programs of this machine and against everybody else.


HOST: Final = "127.0.0.1"

REQUEST_SECONDS: Final = 2.0
"""How long a client may be silent."""

_FOREIGN_HEADERS: Final = ("origin", "referer", "forwarded", "via", "cookie", "x-real-ip")
_FOREIGN_BEGINNINGS: Final = ("sec-", "x-forwarded-")


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


class LoopbackServer(ThreadingTCPServer):
    """Listens on 127.0.0.1 at a port that the system picks, from `start` to `stop`.

    Args:
        answer: answers a request whose form and origin have been checked; must not block. What it raises becomes a
            bare 500.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 32
    timeout = 0.5
    """After how many seconds the end is looked for, where closing the socket does not tell."""

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler], Response]) -> None:
        super().__init__((HOST, 0), _Handler)
        self._answer = answer
        self._address: _Address = self.socket.getsockname()
        self.port: int = self._address[1]
        self._lock = threading.Lock()
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

    def count(self, *, served: bool) -> None:
        """Count one more."""
        with self._lock:
            self._served += served
            self._refused += not served

    def start(self) -> None:
        """Begin to answer, in threads of its own that hold up no exit."""
        self._thread = threading.Thread(target=self._accept, name="iamtui endpoint", daemon=True)
        self._thread.start()

    def stop(self, *, wait: bool = True) -> None:
        """Stop listening, and answer nobody any more. May be called more than once.

        Args:
            wait: also for the end of the thread that listens; without it, this never blocks.
        """
        if self._stopped.is_set():
            return
        self._stopped.set()
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.server_close()
        if wait and self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(REQUEST_SECONDS)

    def let_go(self) -> None:
        """After a fork, in the process that does not answer: forget the socket without closing it for the other."""
        self._stopped.set()
        self.server_close()

    def _accept(self) -> None:
        # A socket that was closed meanwhile has no number to wait for.
        with suppress(OSError, ValueError):
            while not self._stopped.is_set():
                self.handle_request()

    def verify_request(self, _request: Any, client_address: Any) -> bool:
        """Refuse connections of another user, who gets no answer."""
        ours = _is_ours(client_address, self._address)
        if not ours:
            self.count(served=False)
        return ours

    def handle_error(self, _request: Any, _client_address: Any) -> None:
        """Print nothing about a connection that broke."""

    def respond(self, request: BaseHTTPRequestHandler) -> Response:
        """Response to a request, or the refusal of what a program of this machine would not send."""
        headers = request.headers
        names = [name.lower() for name in headers]
        if self._stopped.is_set() or headers.get_all("Host") != [self.authority]:
            return Response(403)
        if any(name in _FOREIGN_HEADERS or name.startswith(_FOREIGN_BEGINNINGS) for name in names):
            return Response(403)
        if headers.defects or "transfer-encoding" in names or headers.get("Content-Length", "0") != "0":
            return Response(400)
        try:
            return self._answer(request)
        except Exception:  # noqa: BLE001 - its text could hold what it is about
            return Response(500)


class _Handler(BaseHTTPRequestHandler):
    """One request of one connection. Nothing is logged, and no version is sent."""

    server: LoopbackServer
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(REQUEST_SECONDS)
        self._counted = False

    def handle(self) -> None:
        self.handle_one_request()

    def finish(self) -> None:
        if not self._counted:
            self.server.count(served=False)
        super().finish()

    def _respond(self) -> None:
        self._send(self.server.respond(self))

    do_GET = do_PUT = _respond  # noqa: N815 - as http.server names them

    def send_error(self, code: int, _message: str | None = None, _explain: str | None = None) -> None:
        self._send(Response(405 if code == 501 else code))

    def log_message(self, *_words: object) -> None:
        pass

    def _send(self, response: Response) -> None:
        self._counted = True
        self.server.count(served=response.status == 200)
        self.send_response_only(response.status)
        headers = {
            "Content-Type": response.content_type,
            "Content-Length": str(len(response.body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Connection": "close",
            **response.headers,
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.body)


_TABLES: Final = ("/proc/net/tcp", "/proc/net/tcp6")
"""Linux's connections, each with the user whose socket it is; a socket of IPv6 can connect to 127.0.0.1, too."""

WHO_IS_ANSWERED: Final = (
    "every program of yours" if Path(_TABLES[0]).exists() else "every user and every program of this machine"
)
"""Who gets an answer that needs no token."""


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


# The container credentials endpoint: SDKs ask it for a session's credentials, and again before these end.


JSON: Final = "application/json"


class CredentialsEndpoint(LoopbackServer):
    """Answers GET on one path that nobody can guess, with one token that nobody can guess, for one session.

    There is no way to ask for another role, and nothing is renewed while a client waits (the JavaScript SDK waits a
    second, botocore two).
    """

    def __init__(self, held: Callable[[], Held], *, clock: Clock = utc_now) -> None:
        super().__init__(self._answer_to)
        self._held = held
        self._clock = clock
        self._path = Secret(f"/{secrets.token_urlsafe(16)}")
        self.token: Final = Secret(secrets.token_urlsafe(32))

    @property
    def uri(self) -> Secret:
        """The URL, for AWS_CONTAINER_CREDENTIALS_FULL_URI."""
        return Secret(f"http://{self.authority}{self._path.reveal()}")

    def _answer_to(self, request: BaseHTTPRequestHandler) -> Response:
        if not _same(request.path, self._path):
            return Response(404)
        if request.command != "GET":
            return Response(405, headers={"Allow": "GET"})
        if not _same(request.headers.get("Authorization", ""), self.token):
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


class MetadataEndpoint(LoopbackServer):
    """Answers what SDKs ask an instance for its role's credentials; version 1, without a token, is refused."""

    def __init__(self, held: Callable[[], Held], *, clock: Clock = utc_now) -> None:
        super().__init__(self._answer_to)
        self._held = held
        self._clock = clock
        # A token carries its own end, signed: no table of them that somebody else could fill up.
        self._key = Secret(secrets.token_hex(32))

    @property
    def url(self) -> str:
        """For AWS_EC2_METADATA_SERVICE_ENDPOINT."""
        return f"http://{self.authority}/"

    def _answer_to(self, request: BaseHTTPRequestHandler) -> Response:
        if request.path == TOKEN_PATH:
            if request.command != "PUT":
                return Response(405, headers={"Allow": "PUT"})
            return self._new_token(request.headers.get(TTL_HEADER, "").strip())
        if request.command != "GET":
            return Response(405, headers={"Allow": "GET"})
        if not self._knows(request.headers.get(TOKEN_HEADER, "")):
            return Response(401)
        return self._read(request.path)

    def _new_token(self, ttl: str) -> Response:
        if not (ttl.isascii() and ttl.isdigit() and len(ttl) <= 5 and 1 <= int(ttl) <= LONGEST_TTL):
            return Response(400)
        end = (self._clock() + timedelta(seconds=int(ttl))).isoformat()
        return Response(200, f"{end}/{self._signature(end)}".encode(), headers={TTL_HEADER: ttl})

    def _knows(self, token: str) -> bool:
        end, _, signature = token.partition("/")
        return _same(signature, Secret(self._signature(end))) and self._clock() < datetime.fromisoformat(end)

    def _signature(self, end: str) -> str:
        return hmac.new(bytes.fromhex(self._key.reveal()), end.encode("latin-1"), "sha256").hexdigest()

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
