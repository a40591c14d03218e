"""The server on the loopback address: what it takes, what it refuses, and that nobody keeps others waiting."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from iamtui.credentials import server as loopback_http
from iamtui.credentials.server import Counts, LoopbackServer, Response

PORT = "PORT"
MANY = 32


def head(*lines: str, first: str = "GET /x HTTP/1.1", host: str = f"127.0.0.1:{PORT}") -> bytes:
    return "\r\n".join((first, *((f"Host: {host}",) if host else ()), *lines)).encode("latin-1")


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    running = LoopbackServer(lambda request: Response(200, request.path.encode()))
    running.start()
    yield running
    running.stop()


def talk(server: LoopbackServer, data: bytes, seconds: float = 20) -> bytes:
    """Send some bytes and read until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as connection:
        connection.sendall(data.replace(PORT.encode(), str(server.port).encode()))
        received = b""
        with suppress(ConnectionError):
            while block := connection.recv(65536):
                received += block
        return received


def ask(server: LoopbackServer) -> bytes:
    return talk(server, head() + b"\r\n\r\n")


def status(server: LoopbackServer, given: bytes) -> int:
    return int(talk(server, given + b"\r\n\r\n")[9:12])


def test_a_plain_request_is_taken(server: LoopbackServer) -> None:
    assert status(server, head("Accept: */*", "X-Y:\t z ", "Content-Length: 0")) == 200


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost:PORT",
        "127.0.0.1",
        "127.0.0.1:80",
        "evil.example:PORT",
        f"127.0.0.1:{PORT}.evil.example",
        "[::1]:PORT",
        f"127.0.0.1:0{PORT}",
        "0x7f.1:PORT",
        "127.1:PORT",
        "user@127.0.0.1:PORT",
    ],
)
def test_another_name_for_it_is_refused(server: LoopbackServer, host: str) -> None:
    """DNS rebinding: the browser believes to talk to evil.example, and says so."""
    assert status(server, head(host=host)) == 403


@pytest.mark.parametrize(
    "header",
    [
        "Origin: https://evil.example",
        "Origin: null",
        "origin:",
        "Referer: http://127.0.0.1:PORT/",
        "Sec-Fetch-Site: none",
        "Sec-Fetch-Mode: cors",
        "Sec-CH-UA: x",
        "sec-websocket-key: x",
        "X-Forwarded-For: 10.0.0.1",
        "X-Forwarded-Host: iamtui.example",
        "Forwarded: for=x",
        "Via: 1.1 proxy",
        "Cookie: a=b",
        "X-Real-IP: 10.0.0.1",
    ],
)
def test_what_browsers_and_proxies_add_is_refused(server: LoopbackServer, header: str) -> None:
    assert status(server, head(header)) == 403


@pytest.mark.parametrize(
    "given",
    [
        head(first="GET"),
        head(first="GET /x HTTP/2.0"),
        head(first="G\xcbT /x HTTP/1.1"),
        head("no colon"),
        head("Name : x"),
        head("Host: 127.0.0.1:PORT"),
        head("Transfer-Encoding: chunked"),
        head("Content-Length: 5"),
        head("Content-Length: -0"),
        head(*(f"x-{number}: y" for number in range(200))),
        head("X: " + "y" * 70_000),
        head(first="GET /" + "x" * 70_000 + " HTTP/1.1"),
    ],
)
def test_what_is_not_well_formed_is_refused(server: LoopbackServer, given: bytes) -> None:
    assert b"200" not in talk(server, given + b"\r\n\r\n")[:20]
    assert server.counts == Counts(refused=1)


def test_an_answer_may_not_be_kept_or_shared(server: LoopbackServer) -> None:
    answer = ask(server).decode().lower()
    assert answer.startswith("http/1.1 200 ok\r\n")
    assert answer.endswith("\r\n\r\n/x")
    assert "cache-control: no-store\r\n" in answer
    assert "connection: close\r\n" in answer
    assert "access-control" not in answer
    assert "server:" not in answer
    assert server.counts == Counts(1, 0)


_ANOTHER = """
import os, socket, sys
os.setgid(65534), os.setuid(int(sys.argv[1]))
family, host = (socket.AF_INET6, "::ffff:127.0.0.1") if sys.argv[3] == "6" else (socket.AF_INET, "127.0.0.1")
with socket.socket(family) as connection:
    connection.settimeout(20)
    connection.connect((host, int(sys.argv[2])))
    try:
        connection.sendall(f"GET /x HTTP/1.1\\r\\nHost: 127.0.0.1:{sys.argv[2]}\\r\\n\\r\\n".encode())
        print(connection.recv(99)[9:12].decode())
    except OSError:
        print()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose a socket is")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
@pytest.mark.parametrize("family", ["4", "6"])
@pytest.mark.parametrize(("uid", "answer"), [(0, "200"), (65534, "")])
def test_on_linux_only_the_user_who_started_it_is_answered(
    server: LoopbackServer, uid: int, answer: str, family: str
) -> None:
    words = [sys.executable, "-c", _ANOTHER, str(uid), str(server.port), family]
    made = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True, cwd="/")
    assert made.stdout.strip() == answer
    # The client may see the end of its connection before the server has counted it.
    end = time.monotonic() + 10
    while server.counts == Counts() and time.monotonic() < end:
        time.sleep(0.01)
    assert server.counts == (Counts(served=1) if answer else Counts(refused=1))


def test_the_owner_of_a_connection_is_read_from_the_kernels_tables(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    peer, here = ("127.0.0.1", 40001), ("127.0.0.1", 40002)
    ends = [loopback_http._in_table(one) for one in (peer, here)]
    table = tmp_path / "tcp"
    monkeypatch.setattr(loopback_http, "_TABLES", (str(table),))
    assert loopback_http._is_ours(peer, here), "no table, as on macOS: nothing can be said"
    for beginning in ("", loopback_http._MAPPED):
        for uid in (os.geteuid(), os.geteuid() + 1):
            other = f"0: {beginning}{ends[1]} {beginning}{ends[0]} 01 0:0 00:0 0 {os.geteuid()} 0 2"
            table.write_text(f"{other}\n1: {beginning}{ends[0]} {beginning}{ends[1]} 01 0:0 00:0 0 {uid} 0 1\n")
            assert loopback_http._is_ours(peer, here) is (uid == os.geteuid())
    table.write_text("")
    assert not loopback_http._is_ours(peer, here), "nobody's"


def test_it_listens_on_the_loopback_address_only(server: LoopbackServer) -> None:
    assert server.socket.getsockname()[0] == "127.0.0.1"
    second = LoopbackServer(lambda _request: Response(200))
    assert second.port != server.port
    second.stop()


def test_a_client_that_says_nothing_or_little_is_cut_off(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loopback_http, "REQUEST_SECONDS", 0.2)
    assert talk(server, b"") == b""
    assert talk(server, b"GET /x HTTP/1.1\r\n") == b""
    assert server.counts == Counts(refused=2)


def test_slow_clients_do_not_block_others(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loopback_http, "REQUEST_SECONDS", 60)
    slow = [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(3 * MANY)]
    try:
        for connection in slow:
            with suppress(OSError):
                connection.sendall(b"GET /x HTTP/1.1\r\n")
        for _ in range(5):
            assert ask(server).startswith(b"HTTP/1.1 200")
    finally:
        for connection in slow:
            connection.close()


def test_many_clients_at_once_are_all_answered(server: LoopbackServer) -> None:
    answers: list[bytes] = []
    threads = [threading.Thread(target=lambda: answers.append(ask(server))) for _ in range(MANY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [answer[:12] for answer in answers] == [b"HTTP/1.1 200"] * (MANY)


def test_an_error_inside_is_told_without_its_text(capfd: pytest.CaptureFixture[str]) -> None:
    def broken(_request: BaseHTTPRequestHandler) -> Response:
        raise RuntimeError("secret")

    server = LoopbackServer(broken)
    server.start()
    answer = ask(server)
    server.stop()
    assert answer.startswith(b"HTTP/1.1 500")
    assert b"secret" not in answer
    assert capfd.readouterr() == ("", ""), "nothing is logged"


def test_after_the_stop_nothing_answers(server: LoopbackServer) -> None:
    waiting = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    assert ask(server).startswith(b"HTTP/1.1 200")
    server.stop()
    server.stop()
    with suppress(ConnectionError):
        assert b"200" not in waiting.recv(100)
    waiting.close()
    with pytest.raises(OSError, match=r"refused|reset"):
        ask(server)
