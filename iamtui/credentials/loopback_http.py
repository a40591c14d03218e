"""A small HTTP server on the loopback address, for programs of this machine and against everybody else.

What listens on 127.0.0.1 can be reached by every user of the machine, and by every web page in a browser on it.
So it takes only small, strictly formed requests that name it by its own address (against DNS rebinding), refuses
whatever a browser or a proxy adds, writes no log, and lets no slow or greedy client keep others waiting.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

HOST: Final = "127.0.0.1"

LARGEST_REQUEST: Final = 16 * 1024
"""Bytes of request line and headers together; SDKs send a few hundred."""

MOST_HEADERS: Final = 64

REQUEST_SECONDS: Final = 2.0
"""How long a client may take for its whole request, and again for taking the answer."""

MOST_CONNECTIONS: Final = 32
"""At the same time; the one that has kept its request waiting longest makes room for a new one."""

_FOREIGN_HEADERS: Final = ("origin", "referer", "x-forwarded-for", "forwarded", "via", "cookie", "x-real-ip")
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
class Request:
    """A request whose form and origin have been checked.

    Args:
        method: in capitals.
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


@dataclass(frozen=True, slots=True)
class Counts:
    """What a server has answered.

    Args:
        served: requests that got what they asked for (status 200).
        refused: all others, connections without a whole request among them.
    """

    served: int = 0
    refused: int = 0


class LoopbackServer:
    """Listens on 127.0.0.1 at a port that the system picks, from `start` to `stop`.

    Args:
        answer: answers a checked request; must not block. What it raises becomes a bare 500.
    """

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        self._answer = answer
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._listener.bind((HOST, 0))
            self._listener.listen(MOST_CONNECTIONS)
        except BaseException:
            self._listener.close()
            raise
        self.port: int = self._listener.getsockname()[1]
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
        """What has been answered so far."""
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
                connection, _ = self._listener.accept()
            except OSError:
                if self._stopped.is_set():
                    return
                # Out of file descriptors, or the client is gone again.
                time.sleep(0.05)
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


def parse_request(head: bytes, authority: str) -> Request | Response:
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
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        lowered = name.lower()
        if not colon or not _is_token(name) or lowered in headers or any(c in value for c in "\r\n\0"):
            return Response(400)
        headers[lowered] = value.strip(" \t")
    if headers.get("host") != authority:
        return Response(403)
    if any(name in headers for name in _FOREIGN_HEADERS) or any(name.startswith("sec-") for name in headers):
        return Response(403)
    if "transfer-encoding" in headers or headers.get("content-length", "0") != "0":
        return Response(400)
    return Request(method.upper(), path, headers)


def _is_token(name: str) -> bool:
    """Whether it is the name of a header (RFC 9110: token)."""
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
