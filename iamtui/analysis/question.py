"""Question: what is asked, as a record that can be made and shown without loading the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from iamtui.evaluation.request import Mode

if TYPE_CHECKING:
    # Only for the annotation: a question is made before the first frame, decisions come later.
    from iamtui.evaluation.decision import Layer


@dataclass(frozen=True, slots=True)
class Question:
    """One action on one resource in one context; who asks is kept apart, so that it can change.

    Args:
        action: "service:Operation".
        resource: ARN, ARN pattern or "*".
        context: condition key to values, as given by the user; an empty tuple says that the key is absent.
        mode: discover (a key nobody gave is unknown) or strict (it is absent).
        resource_account: the resource's owner when it is not the account in its ARN, or None.
        session_policies: JSON texts of session policies the caller's session was made with.
        layers_off: layers the user switched off; shown as not evaluated.
        region: the region of the request when the resource does not name one, or "".
    """

    action: str
    resource: str = "*"
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mode: Mode = Mode.DISCOVER
    resource_account: str | None = None
    session_policies: tuple[str, ...] = ()
    layers_off: frozenset[Layer] = frozenset()
    region: str = ""
