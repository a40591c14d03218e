"""A gate in a proxy in front of moto that denies what a policy does not allow, as AWS says it in each protocol."""

from __future__ import annotations

import re
from collections.abc import Collection

from iamtui.aws.operations import READ, iam_action
from tests.support.aws_errors import aws_error
from tests.support.canned_aws import GOOD
from tests.support.fault_proxy import Answer, Call, FaultProxy

CALLER = "arn:aws:iam::123456789012:user/reader"
FREE = ("sts", "GetCallerIdentity")
"""What needs no permission."""


class PermissionGate:
    """A rule of a proxy.

    Args:
        allowed: the IAM actions that the caller may use; None: all.
        denied: those that it may not use all the same.
        canned: the operations that are answered here, because moto has none or other answers.
    """

    def __init__(
        self,
        proxy: FaultProxy,
        allowed: Collection[str] | None = None,
        denied: Collection[str] = (),
        canned: Collection[tuple[str, str]] = (),
    ) -> None:
        self.used: set[str] = set()
        self.refused: set[str] = set()
        self._allowed = allowed
        self._denied = denied
        self._canned = canned
        proxy.rules.append(self._answer)

    def _answer(self, call: Call) -> Answer | None:
        pair = operation_of(call)
        action = iam_action(*pair)
        may = (self._allowed is None or action in self._allowed) and action not in self._denied
        if pair != FREE:
            (self.used if may else self.refused).add(action)
        protocol = READ[pair].protocol
        if not may and pair != FREE:
            return _denial(protocol, action)
        if pair not in self._canned:
            return None
        return Answer(200, GOOD[pair], "application/json" if "json" in protocol else "text/xml")


def _denial(protocol: str, action: str) -> Answer:
    code = "AccessDeniedException" if "json" in protocol else "AccessDenied"
    message = (
        f"User: {CALLER} is not authorized to perform: {action} on resource: * "
        f"because no identity-based policy allows the {action} action"
    )
    # Services that speak JSON over POST say it with 400, all others with 403.
    error = aws_error(protocol, 400 if protocol == "json" else 403, code, message)
    headers = dict(error.headers)
    return Answer(error.status, error.body, headers.pop("Content-Type"), headers)


def operation_of(call: Call) -> tuple[str, str]:
    """The operation that a call is, among those that iamtui reads with."""
    for pair, request in READ.items():
        if iam_action(*pair).partition(":")[0] != call.service:
            continue
        if request.protocol in ("query", "json"):
            if call.operation == pair[1]:
                return pair
        elif call.method == request.method and not call.operation and _is_at(request.uri, call.path):
            return pair
    raise AssertionError(f"{call.method} {call.path} ({call.service} {call.operation}) is not a read of the list")


def _is_at(uri: str, path: str) -> bool:
    """Whether a path is one of a template of the service model, with all of the template's query."""
    template, _, wanted = uri.partition("?")
    place, _, query = path.partition("?")
    pattern = "[^/]+".join(map(re.escape, re.split(r"\{[^}]*\}", template)))
    given = {one.partition("=")[0] for one in query.split("&")}
    return re.fullmatch(pattern, place) is not None and (not wanted or wanted in given)
