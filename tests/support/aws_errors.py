"""Errors as AWS sends them in each protocol of its services."""

from __future__ import annotations

import json
from typing import NamedTuple


class ErrorAnswer(NamedTuple):
    """The parts of an HTTP answer."""

    status: int
    body: bytes
    headers: dict[str, str]


def aws_error(protocol: str, status: int, code: str, message: str = "no") -> ErrorAnswer:
    """An error of a service that speaks a protocol ("query", "json", "rest-json", "rest-xml")."""
    if protocol == "query":
        said = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        body = f'<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">{said}<RequestId>r</RequestId></ErrorResponse>'
        return ErrorAnswer(status, body.encode(), {"Content-Type": "text/xml"})
    if protocol == "rest-xml":
        body = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>r</RequestId></Error>"
        return ErrorAnswer(status, body.encode(), {"Content-Type": "application/xml"})
    if protocol == "rest-json":
        said_json = json.dumps({"message": message}).encode()
        return ErrorAnswer(status, said_json, {"Content-Type": "application/json", "x-amzn-errortype": code})
    assert protocol == "json", protocol
    said_json = json.dumps({"__type": code, "message": message}).encode()
    return ErrorAnswer(status, said_json, {"Content-Type": "application/x-amz-json-1.1"})
