"""AWS's console sign-in (/federation), answered by the fault proxy in its place."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pytest

from iamtui.credentials.console_url import Host
from tests.support.fault_proxy import Answer, Call, Fault, FaultProxy

SIGN_IN_TOKEN = "VCQgs5qZZt3Q6fn8Tr5EXAMPLEJmLnwB7JjUc-SxwnUUabcRdnWsi4DBn-dvC_CZ85wrD0nmldUcZEXAMPLE-vXYH4Q__mleuF"


@dataclass
class Federation:
    """The sign-in: what it was asked, and what it says.

    Args:
        host: where it is.
        asked: the parameters of every question for a token.
        fault: answered instead of a token.
        chained: refuse SessionDuration, as AWS does for role chaining.
    """

    host: Host
    asked: list[dict[str, str]] = field(default_factory=list)
    fault: Fault | None = None
    chained: bool = False

    def rule(self, call: Call) -> Fault | None:
        """Answer what is asked of /federation, and leave the rest to others."""
        parts = urlsplit(call.path)
        if parts.path != "/federation":
            return None
        asked = {name: values[0] for name, values in parse_qs(parts.query, strict_parsing=True).items()}
        self.asked.append(asked)
        if self.fault is not None:
            return self.fault
        session = json.loads(asked["Session"])
        good = asked["Action"] == "getSigninToken" and session.keys() == {"sessionId", "sessionKey", "sessionToken"}
        if not good or (self.chained and "SessionDuration" in asked):
            return Answer(400, b"Invalid credentials parameter", "text/html")
        return Answer(200, json.dumps({"SigninToken": SIGN_IN_TOKEN}).encode(), "application/json")


@pytest.fixture
def federation(fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> Federation:
    """A sign-in that every session is sent to, wherever its credentials come from."""
    port = urlsplit(fault_proxy.url).port
    assert port is not None
    found = Federation(Host("127.0.0.1", port, tls=False))
    fault_proxy.rules.append(found.rule)
    monkeypatch.setattr("iamtui.credentials.console_url.sign_in_host", lambda *_args, **_kwargs: found.host)
    monkeypatch.setattr("iamtui.cli.console.check_endpoint", lambda _endpoint_url: None)
    return found
