"""SessionPolicyScreen: a session policy to write, with a meter, findings and what the session could still do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Final

from msgspec import structs
from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from iamtui.credentials.assume_role import LONGEST_POLICIES, policy_characters
from iamtui.credentials.session import AssumeExtras
from iamtui.engine.decision import Outcome
from iamtui.lint.subject import Finding, Level
from iamtui.policy.types import PolicyType
from iamtui.presentation.verdict import verdict_words
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.text import safe_text
from iamtui.tui.content import fit, line, plain
from iamtui.tui.drafts.editor_screen import DraftEditorScreen
from iamtui.tui.widgets.lists.line_list import LineView, Piece
from iamtui.workspace.assume.assume_plan import STARTING_POLICY, compact_policy, readable_policy
from iamtui.workspace.assume.session_preview import PreviewRow, SessionPreview, preview_session
from iamtui.workspace.source.workspace import Workspace

_STYLES: Final = {
    Outcome.ALLOWED: "allowed",
    Outcome.EXPLICIT_DENY: "denied",
    Outcome.IMPLICIT_DENY: "denied",
    Outcome.DEPENDS: "depends",
}

_LOST: Final = "taken away  "
_DOUBTFUL: Final = "not known   "


class PreviewLines(LineView):
    """A few questions, each with the answer for the session; what the policy takes away says so."""

    HELP_TITLE: ClassVar[str] = "What the session could still do"
    HAS_CURSOR: ClassVar[bool] = False

    _rows: Sequence[PreviewRow] = ()

    def show(self, rows: Sequence[PreviewRow]) -> None:
        self._rows = rows
        self.set_total(len(rows))

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        row = self._rows[index]
        words = verdict_words(row.after)
        head = (
            f" {words.mark}{words.star or ' '}{_LOST if row.lost else _DOUBTFUL if row.doubtful else ' ' * len(_LOST)}"
        )
        question = f"{row.question.action}  {row.question.resource if row.question.resource != '*' else ''}"
        shown = fit(safe_text(question), max(0, width - cell_len(head)))
        return [Piece(head, _STYLES[row.after.outcome]), Piece(shown, "" if row.lost or row.doubtful else "muted")]


class SessionPolicyScreen(DraftEditorScreen, inherit_bindings=False):
    """Gives the policy as STS gets it, "" for none, or None when it was left as it was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Use it", priority=True, id="session-policy.save", tooltip="Use it for the session"),
        Binding(
            "f4", "next_finding", "Next finding", id="session-policy.next", tooltip="Go to the next finding's line"
        ),
        Binding("f3", "tidy", "Tidy", id="session-policy.tidy", tooltip="Indent the document canonically"),
        Binding("f2", "external", "$EDITOR", id="session-policy.external", tooltip="Edit it in your own editor"),
        Binding("escape", "leave", "Back", priority=True, id="session-policy.leave", tooltip="Leave it as it was"),
    ]

    DEFAULT_CSS = """
    SessionPolicyScreen {
        & #preview-head {
            height: auto;
            max-height: 2;
            padding: 0 1;
            border-top: solid $rule;
        }
        & PreviewLines {
            height: auto;
            max-height: 8;
        }
        & FindingLines {
            max-height: 4;
        }
    }
    """

    def __init__(
        self, workspace: Workspace, role_arn: str, extras: AssumeExtras, questions: Iterable[Question] = ()
    ) -> None:
        """Make the screen.

        Args:
            workspace: the account.
            role_arn: the role whose session it is for.
            extras: what has been entered besides, with the policy as it is.
            questions: what the preview answers first.
        """
        name = role_arn.rsplit("/", 1)[-1]
        title = line(("Session policy  ", "bold $heading"), "for a session of ", (name or "a role", "bold"))
        text = readable_policy(extras.policy) if extras.policy else STARTING_POLICY
        super().__init__(title, text, PolicyType.SESSION, workspace.account.id, f"session-policy-{name}")
        self._workspace = workspace
        self._role_arn = role_arn
        self._extras = extras
        self._questions = tuple(questions)
        self._characters = policy_characters(extras.policy, extras.policy_arns)

    def more_widgets(self) -> Iterable[Widget]:
        yield Static(plain("Working out what the session could still do …", "$muted"), id="preview-head")
        yield PreviewLines(id="preview")

    def examine(self, text: str, cancelled: Callable[[], bool]) -> tuple[Finding, ...]:
        """Findings, and in a message of its own the preview. In a thread."""
        extras = structs.replace(self._extras, policy=_as_sent(text))
        preview = preview_session(self._workspace, self._role_arn, extras, self._questions, cancelled=cancelled)
        if not cancelled():
            self.call_later(self._show_preview, text, preview)
        # The lines of what is on screen, not of what is sent.
        return super().examine(text, cancelled) if text.strip() else ()

    def _show_preview(self, text: str, preview: SessionPreview) -> None:
        if text != self.editor.text:
            return
        self._characters = preview.characters
        self.query_one("#preview-head", Static).update(_head(preview))
        self.query_one(PreviewLines).show(preview.rows)

    def state_words(self, found: Sequence[Finding], *, changed: bool) -> Content:
        """The meter, and how many findings there are."""
        over = self._characters > LONGEST_POLICIES
        meter = (f"{self._characters:,} of {LONGEST_POLICIES:,} characters", "bold $verdict-denied" if over else "bold")
        words = super().state_words(found, changed=changed)
        arns = " with the managed ones" if self._extras.policy_arns else ""
        return line(meter, (f"{arns} as sent  ", "$muted"), words)

    def action_save(self) -> None:
        text = self.editor.text
        try:
            self.dismiss(compact_policy(text) if text.strip() else "")
        except Problem as problem:
            self.say(line(("! ", "bold $verdict-denied"), str(problem)))


def _as_sent(text: str) -> str:
    try:
        return compact_policy(text) if text.strip() else ""
    except Problem:
        return text


def _head(preview: SessionPreview) -> Content:
    if preview.problems:
        return line(("! ", "bold $verdict-denied"), (preview.problems[0], "$verdict-denied"))
    unread = any(finding.level is Level.ERROR for finding in preview.findings)
    if preview.rows:
        title = ("What the session could still do", "bold $heading")
        if unread:
            return line(title, ("  while it has errors AWS takes none of it", "$verdict-denied"))
        lost = f"{preview.lost} of {len(preview.rows)} taken away" if preview.lost else "nothing of it taken away"
        lost += f", {preview.doubtful} not known" if preview.doubtful else ""
        return line(title, (f"  {lost}", "$muted"))
    return plain(preview.notes[0] if preview.notes else "The role may do nothing that is known here.", "$muted")


# SessionPolicyEditor: a session policy to write for the caller of a question, with findings while typing.


class SessionPolicyEditor(DraftEditorScreen):
    """Gives the text to ask with, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+s", "save", "Ask with it", priority=True, id="draft-editor.save",
            tooltip="Ask as a session made with this policy",
        ),
    ]  # fmt: skip

    def __init__(self, text: str, account: str) -> None:
        """Make the screen.

        Args:
            text: the policy to begin with; "" begins a new one.
            account: the account it belongs to, 12 digits.
        """
        super().__init__(line("Session policy"), text or STARTING_POLICY, PolicyType.SESSION, account, "session")
