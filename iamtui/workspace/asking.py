"""Asking: one question, for one principal or for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from iamtui.evaluation.decision import Decision, Layer
from iamtui.evaluation.request import Mode, Principal
from iamtui.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Question:
    """One action on one resource in one context; who asks is kept apart, so that it can change.

    Args:
        action: "service:Operation".
        resource: ARN, ARN pattern or "*".
        context: condition key to values, as given by the user.
        mode: discover (a key nobody gave is unknown) or strict (it is absent).
        resource_account: the resource's owner when it is not the account in its ARN, or None.
        session_policies: JSON texts of session policies the caller's session was made with.
        layers_off: layers the user switched off; shown as not evaluated.
    """

    action: str
    resource: str = "*"
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mode: Mode = Mode.DISCOVER
    resource_account: str | None = None
    session_policies: tuple[str, ...] = ()
    layers_off: frozenset[Layer] = frozenset()


def check_question(question: Question) -> None:
    """Refuse a question that cannot be asked.

    Raises:
        Problem: an action without a service, a resource that is neither `*` nor an ARN, and the like.
    """
    raise NotImplementedError


def ask(workspace: Workspace, principal: Principal, question: Question) -> Decision:
    """Answer one question for one principal, locally.

    Raises:
        Problem: the question cannot be asked.
    """
    raise NotImplementedError


def ask_all(
    workspace: Workspace, question: Question, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[tuple[Principal, Decision]]:
    """Answer the question for every user and role of the account, in the account's order; stops when cancelled."""
    raise NotImplementedError


def as_command(workspace: Workspace, principal: Principal, question: Question) -> str:
    """The `iamtui can ...` line that asks the same, quoted for a POSIX shell."""
    raise NotImplementedError
