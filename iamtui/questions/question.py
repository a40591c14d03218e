"""Question: the terms of a request, as a record that can be made and shown without loading the engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from iamtui.engine.request import Mode

if TYPE_CHECKING:
    from iamtui.engine.decision import Layer


@dataclass(frozen=True, slots=True)
class Question:
    """One action on one resource in one context; who asks is kept apart, so that it can change.

    Args:
        action: "service:Operation".
        resource: ARN, ARN pattern or "*".
        context: condition key to values, as given by the user; an empty tuple says that the key is absent.
        mode: how a key that nobody gave is read.
        resource_account: the resource's owner when it is not the account in its ARN, or None.
        session_policies: JSON texts of session policies the caller's session was made with.
        layers_off: layers the user switched off; shown as not evaluated.
        region: the region of the request when the resource does not name one, or "".
        made_now: whether it is asked of a call that is made now, with TLS and by the caller itself, which would
            otherwise be left open.
        scope_downs: JSON texts of policies that the caller's credentials are scoped down by; each has to allow.
    """

    action: str
    resource: str = "*"
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mode: Mode = Mode.DISCOVER
    resource_account: str | None = None
    session_policies: tuple[str, ...] = ()
    layers_off: frozenset[Layer] = frozenset()
    region: str = ""
    made_now: bool = True
    scope_downs: tuple[str, ...] = ()


# QuestionMatrix: several actions on several resources, asked together as one matrix.


@dataclass(frozen=True, slots=True)
class QuestionMatrix:
    """Every action on every resource, in one context; who asks is kept apart, so that it can change.

    Args:
        actions: as typed: "service:Operation", or a pattern with `*` and `?` (which of its actions: counted).
        resources: ARNs, ARN patterns or "*".
        terms: context, mode, session policies, switched-off layers; its action and resource are not read.
        chained_from: ARN of the role whose session assumes the asking role (role chaining), or "".
        with_checks: companions that the call does make, by action ("iam:PassRole"), to the resources they are
            made on (the role passed, the key used); no resource: made, on whatever fits. They then decide.
    """

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    terms: Question
    chained_from: str = ""
    with_checks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def questions(self) -> Iterator[Question]:
        """One question for every pair of action and resource as typed, row by row; patterns are not expanded."""
        for action in self.actions:
            for resource in self.resources:
                yield replace(self.terms, action=action, resource=resource)
