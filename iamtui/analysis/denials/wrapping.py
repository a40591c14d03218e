"""What tools write around a message: the error code, the API operation, the service, request ids.

The forms are those of the AWS CLI and the SDKs for Python, Go (and so Terraform), Java, JavaScript and .NET.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_REACH: Final = 600
_BETWEEN: Final = 3
"""How many characters (quotes) may stand between a wrapping and its message."""

_CLI: Final = re.compile(
    r"An ?error ?occurred ?\(([A-Za-z0-9.]{1,60})\) ?when ?calling ?the ?([A-Za-z0-9]{1,80}?)operation"
    r"(?:\([^)]{0,80}\))?:",
    re.IGNORECASE,
)
_GO: Final = re.compile(r"operationerror([A-Za-z0-9]{1,60}):([A-Za-z0-9]{1,80}),", re.IGNORECASE)
_GO_CODE: Final = re.compile(r"apierror([A-Za-z0-9.]{1,60}):", re.IGNORECASE)
_JAVA: Final = re.compile(r"\((?:Service|service):([^;,()]{1,60})[;,]StatusCode:\d{3}", re.IGNORECASE)
_JAVA_CODE: Final = re.compile(r"ErrorCode:([A-Za-z.]{1,60})", re.IGNORECASE)
_DOTNET: Final = re.compile(r"Amazon\.([A-Za-z0-9]{2,40})\.", re.IGNORECASE)
_JAVA_CLASS: Final = re.compile(r"(?:services|awssdk)\.(?:services\.)?([a-z0-9]{2,40})\.model\.", re.IGNORECASE)
_CODE_BEFORE: Final = re.compile(r"([A-Z][a-z][A-Za-z]{1,50}(?:Denied|Exception|Error|Operation|NotAuthorized)):$")
_CODE_HERE: Final = re.compile(
    r"(?:Client\.)?(?:AccessDenied|UnauthorizedOperation|AuthorizationError)(?:Exception|Error)?"
)
_REQUEST_ID: Final = re.compile(
    r"request[ _-]?id[\"']?(?: ?[:=>] ?| )[\"']?([A-Za-z0-9][A-Za-z0-9-]{7,63})(?![A-Za-z0-9-])", re.IGNORECASE
)
_AUTHORIZATION_ID: Final = re.compile(r"authorization[ ]id:\s{0,8}([0-9A-Za-z]{4,128})", re.IGNORECASE)
_AUTHORIZATION_LINK: Final = re.compile(r"authorization-details/([0-9A-Za-z]{4,128})")


@dataclass(frozen=True, slots=True)
class Wrapping:
    """What stands in front of a message.

    Args:
        start: where it starts in the packed text.
        end: where it ends.
    """

    start: int
    end: int
    code: str = ""
    operation: str = ""
    service: str = ""


@dataclass(frozen=True, slots=True)
class Ids:
    """Ids to look the request up by, or ""."""

    request: str = ""
    authorization: str = ""


def wrapping_before(packed: str, at: int, floor: int, tail: int, *, at_code: bool = False) -> Wrapping:
    """What stands in front of `at`, no further back than `floor`.

    Args:
        packed: the text without white space.
        tail: how far what belongs to the message reaches.
        at_code: there is no message: `at` is the error code itself, and its wrapping goes on behind it.
    """
    low = max(floor, at - _REACH, 0)
    after = packed[at : max(tail, at)]
    window = packed[low:at]
    for cli in _CLI.finditer(packed[low : at + 200] if at_code else window):
        if _belongs(cli.start() + low, cli.end() + low, at, at_code=at_code):
            return Wrapping(low + cli.start(), low + cli.end(), cli[1], cli[2].removesuffix("the"))
    service = _service(window, after)
    code_before = _CODE_BEFORE.search(window)
    code_here = _CODE_HERE.search(packed, max(low, at - 40), at + 60) if at_code else None
    java_code = _JAVA_CODE.search(after)
    go, go_code = _last(_GO, window), _last(_GO_CODE, window)
    if not at_code and (go_code is None or at - low - go_code.end() > _BETWEEN):
        go = go_code = None
    # Where words stand right in front of it, the packed text tells not where the code starts.
    behind = max(code_before[1].rfind("AccessDenied"), 0) if code_before is not None else 0
    code = ""
    for found in (go_code, code_before, java_code):
        if found is not None and not code:
            code = found[1][behind if found is code_before else 0 :]
    if not code and code_here is not None:
        code = code_here.group().removeprefix("apierror")
    if go is not None:
        return Wrapping(low + go.start(), at, code, go[2], go[1])
    start = low + code_before.start() + behind if code_before is not None else at
    return Wrapping(start, at, code, "", service)


def _belongs(start: int, end: int, at: int, *, at_code: bool) -> bool:
    """Whether the CLI's words belong to what is at `at`: right in front of a message, or around a bare code."""
    return start <= at < end if at_code else 0 <= at - end <= _BETWEEN


def _service(window: str, after: str) -> str:
    java = _JAVA.search(after)
    if java is not None:
        return java[1].removeprefix("Amazon").removeprefix("AWS")
    for pattern in (_DOTNET, _JAVA_CLASS):
        found = _last(pattern, window[-160:])
        if found is not None:
            return found[1]
    return ""


def _last(pattern: re.Pattern[str], window: str) -> re.Match[str] | None:
    return next(reversed(list(pattern.finditer(window))), None)


def request_ids(flat: str) -> Ids:
    """The ids in the part of a text that belongs to one message."""
    near = flat[:6000].replace("\0", "")
    request = _REQUEST_ID.search(near)
    authorization = _AUTHORIZATION_ID.search(near) or _AUTHORIZATION_LINK.search(near)
    return Ids(request[1] if request else "", authorization[1] if authorization else "")
