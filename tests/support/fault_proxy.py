"""A proxy in front of the moto server that does what AWS and networks do, and moto does not.

Rules see each call and may answer in moto's place; GetAccountAuthorizationDetails comes in real pages.
"""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import TypeAlias
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree as ET

import pytest

from benchmarks.iam_pager import IamPager
from tests.support.moto_server import MotoServer


@dataclass(frozen=True)
class Call:
    """One call: the service as it is signed for, the operation where the body or a header names it."""

    service: str
    operation: str
    parameters: dict[str, str]
    headers: dict[str, str]
    path: str = ""
    method: str = "POST"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes
    content_type: str = "text/xml"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reset:
    """Cut the connection with a TCP RST."""


@dataclass(frozen=True)
class Stall:
    """Answer nothing until the proxy stops."""


@dataclass(frozen=True)
class Truncate:
    """Let moto answer, and send that many bytes of it as if it were all."""

    keep: int


Fault: TypeAlias = Answer | Reset | Stall | Truncate
Rule: TypeAlias = Callable[[Call], Fault | None]


def error(status: int, code: str, message: str = "no") -> Answer:
    """An error as the query protocol (IAM, STS) sends it."""
    said = f"<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>"
    body = f"<ErrorResponse><Error>{said}</Error></ErrorResponse>"
    return Answer(status, body.encode())


def json_error(status: int, code: str, message: str = "no") -> Answer:
    """An error as the JSON protocols (Organizations, KMS) send it."""
    return Answer(status, f'{{"__type": "{code}", "message": "{message}"}}'.encode(), "application/x-amz-json-1.1")


class FaultProxy:
    """The proxy: add rules with `on`, read `calls` afterwards, and of calls of STS also `sts_answers`.

    Args:
        behind: what answers: moto, or a server that gives real pages itself.
    """

    def __init__(self, behind: MotoServer | IamPager) -> None:
        self.calls: list[Call] = []
        self.sts_answers: list[bytes] = []
        self.rules: list[Rule] = []
        self.page_size_asked: list[int] = []
        self._behind = urlsplit(behind.url).netloc
        self._has_pages = isinstance(behind, IamPager)
        self._stopping = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def on(self, operation: str, fault: Fault, *, times: int | None = None) -> None:
        """Answer calls of an operation ("*": of any) with a fault, the first `times` times or always."""
        left = [times]

        def rule(call: Call) -> Fault | None:
            if operation not in ("*", call.operation) or left[0] == 0:
                return None
            if left[0] is not None:
                left[0] -= 1
            return fault

        self.rules.append(rule)

    def operations(self) -> list[str]:
        return [call.operation for call in self.calls]

    def stop(self) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body are written apart; the second would wait 40 ms for the acknowledgement of the first.
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                proxy._serve(self)

            do_GET = do_PUT = do_HEAD = do_POST  # noqa: N815 - names of http.server

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - name of http.server
                pass

        return Handler

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        call = _call(handler, body)
        self.calls.append(call)
        fault = next((found for rule in self.rules if (found := rule(call)) is not None), None)
        if isinstance(fault, Reset):
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.close_connection = True
            handler.connection.close()
            return
        if isinstance(fault, Stall):
            self._stopping.wait()
            handler.close_connection = True
            return
        answer = fault if isinstance(fault, Answer) else self._forward(handler, body, call)
        if isinstance(fault, Truncate):
            answer = Answer(answer.status, answer.body[: fault.keep], answer.content_type)
        if call.service == "sts":
            self.sts_answers.append(answer.body)
        handler.send_response(answer.status)
        handler.send_header("Content-Type", answer.content_type)
        handler.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(answer.body)

    def _forward(self, handler: BaseHTTPRequestHandler, body: bytes, call: Call) -> Answer:
        connection = http.client.HTTPConnection(self._behind, timeout=60)
        try:
            connection.request(handler.command, handler.path, body, dict(handler.headers.items()))
            response = connection.getresponse()
            answer = Answer(response.status, response.read(), response.headers.get("Content-Type", "text/xml"))
        finally:
            connection.close()
        if call.operation == "GetAccountAuthorizationDetails" and answer.status == 200 and not self._has_pages:
            return self._one_page(answer, call)
        return answer

    def _one_page(self, whole: Answer, call: Call) -> Answer:
        """Cut moto's single page: MaxItems entities from Marker on, lists without entries left out, as AWS may."""
        size = int(call.parameters.get("MaxItems", "100"))
        self.page_size_asked.append(size)
        start = int(call.parameters.get("Marker", "0"))
        root = ET.fromstring(whole.body)
        namespace = root.tag.partition("}")[0] + "}"
        result = root[0]
        entities: list[tuple[str, ET.Element]] = []
        for part in list(result):
            name = part.tag.removeprefix(namespace)
            if name in _LISTS:
                entities.extend((part.tag, one) for one in list(part))
            if name in (*_LISTS, "IsTruncated", "Marker"):
                result.remove(part)
        shown: dict[str, ET.Element] = {}
        for tag, one in entities[start : start + size]:
            if tag not in shown:
                shown[tag] = ET.SubElement(result, tag)
            shown[tag].append(one)
        more = start + size < len(entities)
        ET.SubElement(result, f"{namespace}IsTruncated").text = "true" if more else "false"
        if more:
            ET.SubElement(result, f"{namespace}Marker").text = str(start + size)
        return Answer(200, ET.tostring(root))


_LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
_SCOPE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")


def _call(handler: BaseHTTPRequestHandler, body: bytes) -> Call:
    headers = {name.lower(): value for name, value in handler.headers.items()}
    scope = _SCOPE.search(headers.get("authorization", ""))
    is_form = "urlencoded" in headers.get("content-type", "")
    parameters = dict(parse_qsl(body.decode("utf-8", "replace"))) if is_form else {}
    operation = parameters.get("Action") or headers.get("x-amz-target", "").rpartition(".")[2]
    return Call(scope.group(1) if scope else "", operation, parameters, headers, handler.path, handler.command)


@pytest.fixture
def fault_proxy(moto: MotoServer) -> Iterator[FaultProxy]:
    proxy = FaultProxy(moto)
    yield proxy
    proxy.stop()


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries without the waiting between them, botocore's and a load's."""
    import botocore.endpoint

    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _seconds: None))
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
    monkeypatch.setattr("iamtui.aws.retries.pause", lambda stopped, _seconds: stopped.is_set())
