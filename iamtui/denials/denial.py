"""Denial: a request that AWS refused, as far as a message or a CloudTrail record tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from iamtui.catalog.actions import ENGINE_CATALOGUE
from iamtui.engine.decision import Layer


class DenialForm(StrEnum):
    """Form of a denial's source (IAM User Guide: Troubleshoot access denied error messages)."""

    MESSAGE = "message"
    """`User: ... is not authorized to perform: ...`, in any wrapping."""
    CONSOLE = "console"
    """Text that the AWS console offers to copy: User, Action, On resource(s), Context."""
    BARE = "bare"
    """`Access Denied` or an error code, without the request."""
    OWN_TEXT = "own_text"
    """A service's own words (KMS, SQS, STS)."""
    ENCODED = "encoded"
    """EC2's encoded authorization message, not decoded."""
    DECODED = "decoded"
    """The JSON of a decoded authorization message."""
    CLOUDTRAIL = "cloudtrail"
    """A CloudTrail record."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Why AWS says that it refused.

    Args:
        kind: "implicit" (no Allow), "explicit" (a Deny), or "" when the message does not say.
        layers: the layers it names; one mostly, none when it names none or one unknown here.
        words: the layer as the message calls it, or "".
        policy: ARN of the policy that denies, where the message names one, or "".
    """

    kind: str = ""
    layers: tuple[Layer, ...] = ()
    words: str = ""
    policy: str = ""


@dataclass(frozen=True, slots=True)
class SourcePlace:
    """Where something was found.

    Args:
        line: from 1, in the text as given.
        offset: characters from the start of the text.
        record: the number of a record in a file of records, from 1, or None.
    """

    line: int
    offset: int
    record: int | None = None


@dataclass(frozen=True, slots=True)
class Denial:
    """One request that was refused (or a record of one that was not).

    Args:
        place: where it was first found.
        caller: ARN of the caller, a service name or "anonymous"; "" when it is not told.
        action: the IAM action, "service:Operation"; "" when it is not told.
        resource: ARN, pattern, "*", or a name as the message has it; "" when it is not told.
        denied: False for a record of a call that was not denied.
        service: the service as the wrapping names it ("S3"), or "".
        context: condition keys of the request that are told; an empty tuple says that the key is absent.
        credentials: "long_term" or "temporary" when that is told, else "".
        issuer: the ARN of the user behind a federated user, or "".
        account: the caller's account when it is told without an ARN, or "".
        resource_account: owner of the resource as told, or "".
        unknown: what cannot be told from it, one sentence each.
        notes: what a reader should know of how it was read, one sentence each.
    """

    form: DenialForm
    place: SourcePlace
    caller: str = ""
    action: str = ""
    resource: str = ""
    claim: Claim = Claim()
    denied: bool = True
    code: str = ""
    operation: str = ""
    service: str = ""
    encoded: str = ""
    request_id: str = ""
    authorization_id: str = ""
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    credentials: str = ""
    issuer: str = ""
    account: str = ""
    resource_account: str = ""
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    count: int = 1

    @property
    def same_request(self) -> tuple[object, ...]:
        """Equal for two findings of the same request and claim."""
        told = (self.caller, self.action.lower(), self.resource, self.claim, self.denied)
        if self.form is DenialForm.CLOUDTRAIL:
            lasting = {key: self.context[key] for key in self.context if key not in _OF_THE_MOMENT}
            return (*told, tuple(sorted(lasting.items())), self.operation)
        if self.action:
            return told
        return (*told, self.form, self.code, self.operation, self.service, self.encoded)

    @property
    def resource_words(self) -> str:
        """The resource, raw, or words for its absence."""
        if self.resource:
            return self.resource
        return "none: the action has no resource type" if needs_no_resource(self.action) else "not given"


def needs_no_resource(action: str) -> bool:
    """True for an action without a resource type, whose message is complete without a resource."""
    return bool(action) and ENGINE_CATALOGUE.has_resource_type(action) is False


CALLER_UNKNOWN: Final = "It does not say who called."
"""Entry of `unknown` for a denial without its caller."""

_OF_THE_MOMENT = frozenset(("aws:CurrentTime", "aws:TokenIssueTime", "aws:UserAgent"))


@dataclass(frozen=True, slots=True)
class Findings:
    """Denials and notes found in a text.

    Args:
        denials: each request once, in the order of their first place.
        left_out: how many findings were left out because there are too many.
        not_denied: how many records of calls that were not denied were passed over, because others were denied.
        notes: what was not read and why, one sentence each.
    """

    denials: tuple[Denial, ...]
    records: int = 0
    left_out: int = 0
    notes: tuple[str, ...] = ()
    not_denied: int = 0
