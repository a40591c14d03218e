"""What the form is told before the call. Blocking: for a thread. No widget."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Label, Static

from iamtui.account.model import Missing
from iamtui.credentials.assume_role import SHORTEST_SECONDS
from iamtui.credentials.session import duration_text
from iamtui.engine.decision import Outcome
from iamtui.tui.content import line, plain
from iamtui.workspace import assume as assuming
from iamtui.workspace.assume import AssumePlan, AssumeRoleInput, MfaSessions, MfaWay
from iamtui.workspace.assume_decision import EXTERNAL_ID, MFA_KEYS, role_of
from iamtui.workspace.assume_plan import Side, SideAnswer, Sides, sides_of
from iamtui.workspace.workspace import SourceKind, Workspace


@dataclass(frozen=True, slots=True)
class Planned:
    """What is known about a call that has not been made.

    Args:
        typed: what had been entered; ANY_CODE in the place of an MFA code.
        plan: our own answer and what the role asks for.
        sides: the same answer, the role's side and the caller's apart.
        bounds: how long the session may last, in a few words.
        why_bounds: why, when that is not simply the role's maximum, else "".
        chained: whether a session assumes the role.
        is_foreign: whether the role's trust policy is not known, so that it may ask for anything.
        is_demo: whether our own answer is final.
    """

    typed: AssumeRoleInput
    plan: AssumePlan
    sides: Sides
    bounds: str
    why_bounds: str
    chained: bool
    is_foreign: bool
    is_demo: bool

    @property
    def reuses_a_code(self) -> bool:
        """Whether an MFA code that was given before counts."""
        return self.plan.mfa is not None and self.plan.mfa.way is MfaWay.REUSED

    @property
    def wants_external_id(self) -> bool:
        """Whether the answer still depends on an external id."""
        return self.plan.needs_external_id and self._depends_on(frozenset((EXTERNAL_ID.lower(),)))

    @property
    def wants_mfa(self) -> bool:
        """Whether the answer still depends on MFA."""
        return self.plan.needs_mfa and self._depends_on(MFA_KEYS)

    @property
    def will_be_refused(self) -> bool:
        decision = self.plan.decision
        return decision is not None and decision.outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY)

    def _depends_on(self, keys: frozenset[str]) -> bool:
        decision = self.plan.decision
        if decision is None or decision.outcome is not Outcome.DEPENDS:
            return False
        return not keys.isdisjoint(key.lower() for key in decision.missing_context)


def make_plan(
    own: Workspace, typed: AssumeRoleInput, mfa_sessions: MfaSessions | None = None, *, chained: bool
) -> Planned:
    """Ask our own engine about a call.

    Args:
        own: the workspace of whoever is to assume the role.
        mfa_sessions: where an MFA code that was given before may still count.
        chained: whether that is a session.

    Raises:
        Problem: the call cannot be planned.
    """
    plan = assuming.plan_assume(own, typed, mfa_sessions=mfa_sessions)
    role = role_of(own, typed.role_arn)
    if role is None and plan.mfa is None and plan.mfa_serial and mfa_sessions is not None:
        # Whether this role asks for MFA is not known, so the caller's device may be needed.
        plan = assuming.plan_assume(own, replace(typed, mfa_serial=plan.mfa_serial), mfa_sessions=mfa_sessions)
    longest = duration_text(plan.longest_seconds)
    most = role.max_session_seconds if role is not None else None
    of_role = most is not None and not isinstance(most, Missing) and most.value == plan.longest_seconds
    if chained:
        bounds = f"{duration_text(SHORTEST_SECONDS)} to {longest} (role chaining)"
    elif of_role:
        bounds = f"{duration_text(SHORTEST_SECONDS)} to {longest}, the role's most"
    else:
        bounds = f"{duration_text(SHORTEST_SECONDS)} to {longest}"
    why = "" if of_role and not chained else plan.duration_note
    return Planned(
        typed, plan, sides_of(own, plan), bounds, why, chained, role is None, own.source.kind is SourceKind.DEMO
    )


# SidesView: what the role's side and the caller's side say to sts:AssumeRole, a line each.


_WORDS: Final = {
    SideAnswer.YES: ("[+] yes:", "$verdict-allowed"),
    SideAnswer.DENIED: ("[x] no:", "$verdict-denied"),
    SideAnswer.NOTHING: ("[-] no:", "$verdict-denied"),
    SideAnswer.DEPENDS: ("[?]", "$verdict-depends"),
    SideAnswer.UNKNOWN: ("[?] not known:", "$verdict-depends"),
}


class SidesView(Vertical):
    """Two lines, and a third for what they mean together."""

    DEFAULT_CSS = """
    SidesView {
        height: auto;
        margin-bottom: 1;

        & Horizontal {
            height: auto;
        }
        & Static {
            width: 1fr;
            height: auto;
        }
        & Label {
            width: 16;
            color: $muted;
        }
        & #assume-outlook.-empty {
            display: none;
        }
    }
    """

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Label("Trust")
            yield Static(id="assume-trust")
        with Horizontal():
            yield Label("Your side")
            yield Static(id="assume-own")
        yield Static(id="assume-outlook", classes="-empty")

    def show(self, sides: Sides, outlook: Content) -> None:
        self.query_one("#assume-trust", Static).update(side_content(sides.trust))
        self.query_one("#assume-own", Static).update(side_content(sides.own))
        self._look(outlook)

    def wait(self, words: Content) -> None:
        """Say why there is no answer yet."""
        self.query_one("#assume-trust", Static).update(words)
        self.query_one("#assume-own", Static).update(plain("…", "$muted"))
        self._look(Content(""))

    def _look(self, outlook: Content) -> None:
        self.query_one("#assume-outlook", Static).update(outlook)
        self.query_one("#assume-outlook").set_class(not outlook, "-empty")


def side_content(side: Side) -> Content:
    """Mark, word and reason of one side."""
    words, style = _WORDS[side.answer]
    return line((words, f"bold {style}"), " ", side.why)
