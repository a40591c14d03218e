"""Inquiry: several actions on several resources, asked together as one matrix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from iamtui.analysis.question import Question


@dataclass(frozen=True, slots=True)
class Inquiry:
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
