"""A server with a certificate of its own, and a proxy that leads to it by CONNECT."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class TlsServer:
    """Answers every request the same way. `received` are the requests that came through TLS."""

    port: int
    certificate: Path
    received: list[bytes] = field(default_factory=list)


@contextmanager
def tls_server(
    folder: Path, answer: bytes | Callable[[bytes], bytes], name: str = "localhost", *more_names: str
) -> Iterator[TlsServer]:
    """Serve `answer`, or what it gives for a request, under a certificate for the names."""
    certificate, key = _certificate(folder, name, *more_names)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))
    server = TlsServer(listener.getsockname()[1], certificate)

    def serve(connection: socket.socket) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) as secure:
                request = _request(secure)
                server.received.append(request)
                # A connection that was opened in vain asks nothing.
                if request or not callable(answer):
                    secure.sendall(answer(request) if callable(answer) else answer)
        except OSError:
            pass

    with _accepting(listener, serve):
        yield server


def _request(secure: ssl.SSLSocket) -> bytes:
    """A request with its body, as long as its head says."""
    request = secure.recv(65536)
    head, _, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length: *(\d+)", head)
    while length is not None and len(body) < int(length[1]):
        more = secure.recv(65536)
        if not more:
            break
        request, body = request + more, body + more
    return request


@dataclass
class Proxy:
    """`asked` are the heads of the requests that it saw."""

    port: int
    asked: list[bytes] = field(default_factory=list)


@contextmanager
def connect_proxy(target_port: int) -> Iterator[Proxy]:
    """A proxy that knows CONNECT only, and leads to a port of this machine."""
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = Proxy(listener.getsockname()[1])

    def serve(connection: socket.socket) -> None:
        with connection:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += connection.recv(1)
            proxy.asked.append(head)
            if not head.startswith(b"CONNECT "):
                connection.sendall(b"HTTP/1.1 405 no\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", target_port)) as target:
                connection.sendall(b"HTTP/1.1 200 ok\r\n\r\n")
                back = threading.Thread(target=_pump, args=(target, connection), daemon=True)
                back.start()
                _pump(connection, target)
                back.join(5)

    with _accepting(listener, serve):
        yield proxy


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@contextmanager
def _accepting(listener: socket.socket, serve: object) -> Iterator[None]:
    assert callable(serve)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _certificate(folder: Path, name: str, *more_names: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([*map(x509.DNSName, (name, *more_names))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private
