"""An HTTP endpoint that answers as no server should: what it sends is a stream of bytes, with pauses in it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Iterator

Bytes = Callable[[], Iterable[bytes | float]]
"""Gives what is sent: bytes, or a number of seconds to wait."""


class HostileEndpoint:
    """Answers each request with the bytes that `sends` gives, then closes; counts the requests."""

    def __init__(self, sends: Bytes) -> None:
        self.requests = 0
        self._sends = sends
        self._stopping = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def stop(self) -> None:
        self._stopping.set()
        self._socket.close()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            self.requests += 1
            threading.Thread(target=self._answer, args=(peer,), daemon=True).start()

    def _answer(self, peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError):
            peer.recv(65536)
            for piece in self._sends():
                if self._stopping.is_set():
                    return
                if isinstance(piece, bytes):
                    peer.sendall(piece)
                else:
                    # Not time.sleep, which some tests replace.
                    self._stopping.wait(piece)
            # Closed with something of the request unread, the connection would be reset.
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(65536):
                pass


@contextlib.contextmanager
def answering(sends: Bytes) -> Iterator[HostileEndpoint]:
    endpoint = HostileEndpoint(sends)
    try:
        yield endpoint
    finally:
        endpoint.stop()


def dripping(data: bytes, pause: float = 0.05) -> Iterator[bytes | float]:
    """One byte after the other."""
    for byte in data:
        yield bytes((byte,))
        yield pause


def repeated(data: bytes, pause: float = 0.0) -> Iterator[bytes | float]:
    """The same for ever."""
    while True:
        yield data
        if pause:
            yield pause


def whole(body: bytes, headers: bytes = b"") -> Bytes:
    """An answer with its length, at once."""
    return lambda: [b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n" % (headers, len(body)), body]
