"""RevokeDialog: what would cut a role's older sessions off, and the command to copy. Nothing is run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from iamtui.credentials.session import Session
from iamtui.presentation.verdict import aged, verdict_words
from iamtui.problem import Problem
from iamtui.tui import clock
from iamtui.tui.background import get_in_thread
from iamtui.tui.clipboard import Copier
from iamtui.tui.content import document, line, lines, plain, styled, wrong
from iamtui.tui.dialogs.dialogs import Dialog, DialogBox, scroll_bindings
from iamtui.tui.sessions.text import role_name
from iamtui.workspace.assume.revocation import POLICY_NAME, Revocation, plan_revocation, server_now
from iamtui.workspace.source.workspace import Workspace


class RevokeDialog(Dialog[None]):
    """Shows the policy, its effect on the sessions held here, and the AWS CLI command."""

    HELP_ABOUT: ClassVar[str] = (
        "Temporary credentials cannot be taken back one by one. A policy that denies everything to sessions "
        "that began before now ends them all; it is shown here for you to put in place."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Close", id="revoke.close", tooltip="Close the dialog"),
        Binding("enter,c,y", "copy", "Copy command", id="revoke.copy", tooltip="Copy the AWS CLI command"),
        Binding("p", "copy_policy", "Copy policy", id="revoke.policy", tooltip="Copy the policy document"),
        Binding("u", "copy_undo", "Copy undo", id="revoke.undo", tooltip="Copy the command that takes it away again"),
        Binding(
            "s",
            "copy_sign_in",
            "Copy sign-in",
            id="revoke.sign-in",
            tooltip="Copy the command that ends the role's sign-in sessions",
        ),
        *scroll_bindings("revoke"),
    ]

    DEFAULT_CSS = """
    RevokeDialog {
        & > DialogBox {
            width: 90;
        }
        & #revoke-scroll {
            height: auto;
            max-height: 100%;
            scrollbar-size-vertical: 1;
        }
        & #revoke-said {
            dock: bottom;
            background: $surface;
        }
        & #revoke-said.-empty {
            display: none;
        }
    }
    """

    def __init__(self, workspace: Workspace, role_arn: str, sessions: Sequence[Session], copier: Copier) -> None:
        super().__init__()
        self._workspace = workspace
        self._role_arn = role_arn
        self._sessions = tuple(sessions)
        self._copier = copier
        self._plan: Revocation | None = None

    def compose(self) -> ComposeResult:
        title = line("Revoke older sessions of ", (self._role_arn.rsplit("/", 1)[-1], "bold"))
        with DialogBox(title, "c copy command  p policy  u undo  s sign-in sessions  j k scroll  Esc close"):
            with VerticalScroll(id="revoke-scroll", can_focus=False):
                yield Static(plain("Asking AWS for its time …", "$muted"), id="revoke-plan")
            yield Static(id="revoke-said", classes="-empty")

    def on_mount(self) -> None:
        """Plan in a thread: it may call AWS for its time."""
        get_in_thread(
            self,
            self._make_plan,
            self._planned,
            lambda problem: self._show_plan(_words(problem)),
            name="planning",
            group="plan",
        )

    def _make_plan(self) -> Revocation:
        now = server_now(self._workspace, self._sessions, clock.now)
        return plan_revocation(self._workspace, self._role_arn, now, self._sessions)

    def _planned(self, plan: Revocation) -> None:
        self._plan = plan
        self._show_plan(plan_content(plan, self._workspace.age))

    def _show_plan(self, content: Content) -> None:
        self.query_one("#revoke-plan", Static).update(content)

    def action_copy(self) -> None:
        if self._plan is not None:
            self._copy(self._plan.command, "Command")

    def action_copy_undo(self) -> None:
        if self._plan is not None:
            self._copy(self._plan.undo, "Undo command")

    def action_copy_sign_in(self) -> None:
        if self._plan is not None:
            self._copy(self._plan.sign_in, "Command")

    def action_copy_policy(self) -> None:
        if self._plan is not None:
            self._copy(self._plan.document, "Policy")

    def _copy(self, text: str, what: str) -> None:
        """In a thread: the clipboard's tools may take seconds."""
        copy = self._copier.copy_document if "\n" in text else self._copier.copy_text
        get_in_thread(
            self, partial(copy, text, what), lambda said: self._say(plain(said)),
            lambda problem: self._say(_words(problem)), name="copying", group="copy",
        )  # fmt: skip

    def _say(self, content: Content) -> None:
        said = self.query_one("#revoke-said", Static)
        said.update(content)
        said.set_class(not content, "-empty")

    def action_scroll(self, rows: int) -> None:
        self.query_one("#revoke-scroll", VerticalScroll).scroll_relative(y=rows, animate=False)

    def drop_secrets(self) -> None:
        self._sessions, self._plan = (), None


def _words(problem: Problem) -> Content:
    return wrong((str(problem), "$verdict-denied"))


def plan_content(plan: Revocation, age: str) -> Content:
    """The plan for the dialog: effect, what to think of, who may, the command, the policy."""
    warnings = [line(("! ", "bold $session-warning"), (words, "$session-warning")) for words in plan.warnings]
    # In the wrong account it would change a role there: that is said before anything else.
    first, later = (warnings[:1], warnings[1:]) if plan.elsewhere else ([], warnings)
    rows = [
        *first,
        line("Cuts off every session issued before ", (plan.moment, "bold"), "; later ones are not touched."),
        line(("Nothing is changed here: copy the command, and run it as somebody who may.", "$muted")),
        plain(""),
        plain("Sessions held here", "bold $heading"),
        *_effects(plan),
        plain(""),
    ]
    rows += later
    if plan.decision is not None:
        verdict = styled(aged(verdict_words(plan.decision).row, age))
        rows.append(line(verdict, ("  iam:PutRolePolicy on the role, for you", "$muted")))
    rows += [line(("- ", "$muted"), sentence) for sentence in plan.notes]
    rows += [
        plain(""),
        line(
            ("The command", "bold $heading"),
            (f", for account {plan.elsewhere} only" if plan.elsewhere else "", "bold $session-warning"),
            ("   c copies it", "$muted"),
        ),
        plain(plan.command, limit=None),
        plain(""),
        line(("Sign-in sessions", "bold $heading"), ("   s copies the command that ends them", "$muted")),
        plain(plan.sign_in, limit=None),
        plain(""),
        line((POLICY_NAME, "bold $heading"), ("   p copies it", "$muted")),
        document(plan.document),
    ]
    return lines(*rows)


def _effects(plan: Revocation) -> list[Content]:
    if not plan.effects:
        return [plain("  none that is alive", "$muted")]
    width = max(len(role_name(effect.session)) for effect in plan.effects)
    return [
        line(
            ("  [x] cut off  ", "$verdict-denied") if effect.cut else ("  [+] goes on  ", "$verdict-allowed"),
            (role_name(effect.session).ljust(width), "bold"),
            (f"  {effect.session.masked_access_key_id}  ", "$muted"),
            (effect.why, "$muted"),
        )
        for effect in plan.effects
    ]
