"""The words of the question panel around its answer, its room for them, its keys, and a question in a line. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from textual.binding import Binding
from textual.content import Content
from textual.geometry import Size

from iamtui.engine.condition_words import LAYER_NAMES
from iamtui.engine.request import Mode
from iamtui.presentation.styled_words import Tone
from iamtui.presentation.verdict import VerdictWords
from iamtui.tui.content import line
from iamtui.tui.question.context_field import write_context
from iamtui.tui.widgets.lists.line_list import Piece

if TYPE_CHECKING:
    from iamtui.engine.request import Principal
    from iamtui.presentation.answer import Shown
    from iamtui.questions.question import QuestionMatrix
    from iamtui.workspace.source.workspace import Workspace

NARROW, MEDIUM, WIDE = "-compact", "-medium", "-wide"
"""The verdict and two layers; all layers; a whole column."""

_COMPACT_COLUMNS: Final = 100
_COMPACT_ROWS: Final = 30
_WIDE_COLUMNS: Final = 180


def room_in(window: Size) -> str:
    if window.width < _COMPACT_COLUMNS or window.height < _COMPACT_ROWS:
        return NARROW
    return WIDE if window.width >= _WIDE_COLUMNS else MEDIUM


# The line above a question: in words, what the verdict below it answers.


def title_of(shown: Shown | None, label: str, aside: str, *, room: int, strict: bool) -> Content:
    """The question and its principal, which may lag behind the tree's cursor.

    Args:
        shown: the answer on screen, or None.
        label: whom the next answer is about, or ""; raw text, as is `aside`.
        aside: what the cursor is on, where that cannot ask; else "".
        room: how many columns there are; where what the cursor is on does not fit, a word stands for it.
        strict: whether keys that nobody gave, and that AWS sends only sometimes, are read as absent.
    """
    label = shown.asked.label if shown is not None else label
    if not label:
        return line("Question")
    who = line("Can ", (label, "bold"))
    if shown is not None and shown.left_out:
        # In front: what lists the completions lies over the answer, and a title is cut at its end.
        who = line("Without ", (shown.left_out, "bold $verdict-depends"), ", can ", (label, "bold"))
    if shown is not None:
        who = line(who, " do ", (shown.cell.question.action, "bold"), "?")
    mode = line(("  strict", "$muted")) if strict else line()
    if aside:
        in_full = line(who, ("  (", "$muted"), (aside, "$muted"), (" cannot ask)", "$muted"), mode)
        return in_full if in_full.cell_length <= room else line(who, ("  (kept)", "$muted"), mode)
    return line(who, mode)


# Why nothing is answered, and what to do about it: where there is no question, or nobody to ask it for.


def why_not(
    question_matrix: QuestionMatrix, workspace: Workspace | None, principal: Principal | None, how_to_ask: str
) -> str:
    """A sentence that says what is missing for an answer, or "" when nothing is; `how_to_ask` without a question."""
    if workspace is None:
        return "Open an account to ask about it."
    if not question_matrix.actions:
        return how_to_begin(how_to_ask)
    if principal is not None:
        return ""
    if not (workspace.account.users or workspace.account.roles):
        return "This account has no user and no role: there is nobody to ask for."
    return "Move to a user or role in the tree: the question is answered for it."


def how_to_begin(how_to_ask: str) -> str:
    return f"{how_to_ask[:1].upper()}{how_to_ask[1:]} such as s3:GetObject."


# A question matrix in a line: what is asked, and on what terms. Raw text.


def summary_of(question_matrix: QuestionMatrix) -> str:
    actions, resources = " ".join(question_matrix.actions), " ".join(question_matrix.resources)
    return f"{actions} on {resources}" if resources != "*" else actions


def terms_of(question_matrix: QuestionMatrix) -> str:
    """Context, mode, layers left out, where, and how the caller comes; "" when all of it is as usual."""
    terms = question_matrix.terms
    parts = [write_context(terms.context)] if terms.context else []
    if terms.mode is Mode.STRICT:
        parts.append("strict")
    if terms.layers_off:
        parts.append(f"without {', '.join(LAYER_NAMES[layer].short for layer in sorted(terms.layers_off))}")
    if terms.resource_account:
        parts.append(f"resource of account {terms.resource_account}")
    if terms.region:
        parts.append(f"region {terms.region}")
    if question_matrix.chained_from:
        parts.append(f"chained from {question_matrix.chained_from}")
    if terms.session_policies:
        parts.append("with a session policy")
    if terms.scope_downs:
        parts.append("scoped down")
    if question_matrix.with_checks:
        parts.append(f"with {', '.join(question_matrix.with_checks)}")
    return "  ".join(parts)


# Verdicts as pieces of lines: alone, or before and after a draft.


def verdict_pieces(verdict: VerdictWords | None) -> list[Piece]:
    """A verdict's mark in three cells, with a star if it has a limit; where a draft changes it, both (`[-]>[+]*`)."""
    if verdict is None:
        return [Piece("   ")]
    return [*_before_pieces(verdict), Piece(verdict.mark + verdict.star, _style(verdict))]


def verdict_word_pieces(verdict: VerdictWords, width: int) -> list[Piece]:
    """A verdict's mark and word in `width` cells; where a draft changes it, `[-]>[+] ALLOWED`.

    A limit is written out where there is room; else a star stands for it.
    """
    before = _before_pieces(verdict)
    room = width - sum(len(piece.text) for piece in before)
    written = f"{verdict.mark} {verdict.word} {verdict.limit}".rstrip()
    text = written if len(written) <= room else verdict.short
    return [*before, Piece(text.ljust(room), _style(verdict))]


def _before_pieces(verdict: VerdictWords) -> list[Piece]:
    before = verdict.before
    if before is None or not verdict.changed:
        return []
    return [Piece(before.mark + before.star, _style(before)), Piece(">", "muted")]


def _style(verdict: VerdictWords) -> str:
    return "muted" if verdict.tone is Tone.QUIET else verdict.tone


# The keys of a question, once for its panel and once for the screen around it.


class QuestionKey(NamedTuple):
    """A key of the question.

    Args:
        action: the panel's action.
        key: does not print, so that it works while a field is typed into.
        label, id, tooltip: as of a Binding.
        letter: another key, which works outside of fields.
        shown: whether the panel's key line shows it.
        owned: whether the screen has an action of the same name.
    """

    action: str
    key: str
    label: str
    id: str
    tooltip: str
    letter: str = ""
    shown: bool = False
    owned: bool = False


_KEYS: Final = (
    QuestionKey("ask", "f5", "Ask", "question.ask", "Ask: go to the action field", "s", shown=True, owned=True),
    QuestionKey(
        "cycle_mfa", "ctrl+t", "MFA", "question.mfa", "The caller used MFA: yes, no, unknown", shown=True
    ),
    QuestionKey("why", "f7", "Why", "question.why", "Show the whole trace of the answer", "w", shown=True, owned=True),
    QuestionKey(
        "presets", "f2", "Presets", "question.presets",
        "Say how the request comes: with MFA, from an address, through an endpoint, in an hour; which role it passes",
        shown=True,
    ),
    QuestionKey(
        "questions", "f3", "Questions", "question.saved", "Choose a question that was asked before or saved"
    ),
    QuestionKey("save", "ctrl+s", "Save", "question.save", "Save the question under a name"),
    QuestionKey(
        "copy_command", "ctrl+y", "Copy as command", "question.copy_command",
        "Copy the iamtui can line that asks the same",
    ),
    QuestionKey(
        "caller", "f4", "Caller", "question.caller",
        "Say how the caller comes: chained from another role, with a session policy, with MFA",
    ),
    QuestionKey(
        "keys", "f9", "Keys", "question.context",
        "Show the condition keys of the answer: given, assumed, derived or unknown",
    ),
    QuestionKey(
        "switch_mode", "ctrl+l", "Strict", "question.mode",
        "Take keys that nobody gave as unknown (discover), or as absent unless AWS always sends them (strict)",
    ),
)  # fmt: skip

_BY_ACTION: Final[Mapping[str, QuestionKey]] = {key.action: key for key in _KEYS}


def in_panel() -> list[Binding]:
    return [Binding(key.key, key.action, key.label, show=key.shown, id=key.id, tooltip=key.tooltip) for key in _KEYS]


def from_screen(*actions: str) -> list[Binding]:
    """Those of these actions, for the screen around the panel, which hands them on with `in_question`."""
    return [_outside(_BY_ACTION[action]) for action in actions]


def _outside(key: QuestionKey) -> Binding:
    keys = f"{key.key},{key.letter}" if key.letter else key.key
    action = key.action if key.owned else f"in_question('{key.action}')"
    return Binding(keys, action, key.label, show=key.owned, id=key.id, tooltip=key.tooltip)


def keys_to_name(shown: Shown | None, *, in_action: bool, types: bool) -> tuple[str, ...]:
    """The ids of the keys that the foot of the panel names.

    Args:
        shown: the answer on screen, or None.
        in_action: whether the focus is in the field of the action.
        types: whether it is in any field.
    """
    typed = ("typed",) if types else ()
    if shown is None:
        return typed if in_action else ("question.ask", *typed)
    helped = () if shown.decision.allowed else ("draft.suggestion",)
    return ("question.why", "question.who_can", *helped, *typed)
