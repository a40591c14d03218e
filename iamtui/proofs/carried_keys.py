"""Condition keys that a request can carry: by kind of caller and action, and which of them go together.

IAM User Guide: global condition context keys, which says of each key when it is in a request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from iamtui.engine.possible_requests import Occasion, Values, carries, proper_key
from iamtui.engine.request import PrincipalKind, Request
from iamtui.policy.patterns import Token
from iamtui.text import safe_text

ALWAYS_THERE: Final = frozenset(
    (
        "aws:securetransport",
        "aws:currenttime",
        "aws:epochtime",
        "aws:viaawsservice",
        "aws:requestedregion",
    )
)
"""Keys that every request carries."""


@dataclass(frozen=True)
class Carried:
    """Known contexts of the requests of one kind; keys in lower case, () is absent.

    Args:
        likely: values that they are known to have.
        doubt: why it is not certain that they can have a value, or "".
        occasion: what is known of the requests besides their keys.
        always: keys that they always have, besides those of all requests.
        never: values that a key cannot have, as patterns.
        only: the values that a key can have, as patterns; of keys with one text.
    """

    likely: Mapping[str, Values] = field(default_factory=dict)
    doubt: Callable[[str, Values], str] = lambda _key, _values: ""
    occasion: Occasion | None = None
    always: frozenset[str] = frozenset()
    never: Mapping[str, tuple[tuple[Token, ...], ...]] = field(default_factory=dict)
    only: Mapping[str, tuple[tuple[Token, ...], ...]] = field(default_factory=dict)


ANYTHING: Final = Carried()

TAGS_OF_PRINCIPAL: Final = "aws:principaltag/"
WITHOUT_SESSION_TAGS: Final = (PrincipalKind.USER, PrincipalKind.ROOT)
_SESSIONS: Final = (PrincipalKind.ROLE, PrincipalKind.ROLE_SESSION, PrincipalKind.FEDERATED_USER)
_SIGNED: Final = (*_SESSIONS, PrincipalKind.USER, PrincipalKind.ROOT)
_OF_SIGNED: Final = frozenset(
    ("aws:principalarn", "aws:principalaccount", "aws:principaltype", "aws:principalisawsservice", "aws:userid")
)
"""Keys that every signed request of a user, a role or the root user carries."""
_VIA_A_SERVICE: Final = ("aws:viaawsservice", ("true",))


def always_carried(kind: PrincipalKind) -> frozenset[str]:
    """The keys that every request of such a caller carries, besides those of all requests."""
    if kind not in _SIGNED:
        return frozenset()
    return _OF_SIGNED | {"aws:tokenissuetime"} if kind in _SESSIONS else _OF_SIGNED


def may_have_session_tags(kind: PrincipalKind, request: Request) -> bool:
    """True where the caller's session may have tags of its own, which replace those of a role."""
    return kind not in WITHOUT_SESSION_TAGS and "aws:PrincipalTag/*" not in request.known_absent


def doubt_about(
    kind: PrincipalKind, action: str, likely: Mapping[str, Values], key: str, values: Values, *, own_tags: bool = True
) -> str:
    """Why it is not certain that a request carries values of a key, or carries none; "" where it can.

    Args:
        likely: what is known of the caller.
        own_tags: whether the tags of the caller are known.
    """
    if own_tags and key.startswith(TAGS_OF_PRINCIPAL) and kind not in WITHOUT_SESSION_TAGS:
        return "" if likely.get(key, ()) == values else "a session tag that the role's session would need"
    if (key, values) == ("aws:sourceip", ()) or (values and key.startswith(("aws:sourcevp", "aws:vpc"))):
        return "the policy of a VPC endpoint is not loaded"
    if not values:
        return ""
    if key.startswith(("aws:calledvia", "aws:chatbot", "aws:assumedroot")) or (key, values) == _VIA_A_SERVICE:
        return f"a request that comes through an AWS service or tool ({proper_key(key)})"
    if key.startswith("s3:dataaccesspoint"):
        return "the policy of an access point is not loaded"
    if key == "aws:sourceowner":
        return "AWS does not document who carries aws:SourceOwner"
    if not key.startswith("aws:") and not carries(action, key):
        return f"{action} is not known to carry {safe_text(key, limit=100)}"
    return ""
