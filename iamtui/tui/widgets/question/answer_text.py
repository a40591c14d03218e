"""An answer in lines, as many as there is room for. Pure, no widget; loaded with the first answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual.content import Content

from iamtui.account.model import Account
from iamtui.evaluation.decision import Decision, Outcome, StatementRef
from iamtui.evaluation.request import Principal
from iamtui.tui.safe import line, plain
from iamtui.tui.statements import document_of, statement_text
from iamtui.tui.widgets.question.caller import SESSION
from iamtui.tui.widgets.question.room import MEDIUM, NARROW, WIDE
from iamtui.tui.widgets.question.shown import Shown
from iamtui.tui.widgets.question.verdict import because, conditions, notes, statement_name, verdict
from iamtui.tui.widgets.question.verdict_look import QUIET
from iamtui.tui.widgets.question.words import QUOTES
from iamtui.tui.widgets.wrapped import wrap, wrap_all

if TYPE_CHECKING:
    from iamtui.evaluation.suggestions import Suggestion
    from iamtui.workspace.questions.answers import Companion


@dataclass(frozen=True, slots=True)
class _Room:
    """How many lines each kind of reason may take, and how to tell requests that do not decide."""

    because: int
    companions: int
    notes: int
    others: str


_ROOMS: Final[Mapping[str, _Room]] = {
    NARROW: _Room(3, 2, 0, "none"),
    MEDIUM: _Room(3, 4, 5, "marks"),
    WIDE: _Room(6, 20, 12, "lines"),
}

_INDENT: Final = "  "
_NEVER_ASKED, _REMARKS = 2, 3
_ANY: Final = 400


def reasons(shown: Shown, suggestions: tuple[Suggestion, ...], room: str, width: int) -> Iterator[Content]:
    """What stands below the verdict: why, the other requests behind the call, and what else is to know."""
    decision, most = shown.decision, _ROOMS[room]
    never_asked = shown.cell.never_asked
    yield from wrap_all([_warning(never_asked)], width, _NEVER_ASKED)
    yield from wrap_all([_warning(remark) for remark in shown.remarks], width, _REMARKS)
    yield from wrap_all([before_line(shown)], width, 1)
    yield from wrap_all([because(decision, short=room == WIDE)], width, most.because)
    yield from with_rest_counted(list(companion_lines(shown, others=most.others)), width, most.companions)
    if room == WIDE:
        yield from wrap_all([conditions(decision)], width, most.notes)
    elif not most.notes:
        yield from _kept_back(shown)
    else:
        # How to get around a Deny is told by its name, which stands above.
        useful = suggestions if decision.outcome is Outcome.IMPLICIT_DENY and not never_asked else ()
        told = [*_short_suggestion(useful), *notes(decision, besides=never_asked)]
        yield from wrap_all(told, width, most.notes)


def with_rest_counted(rows: list[Content], width: int, most: int) -> list[Content]:
    """As many rows as fit into so many lines, whole, and how many more there are; one alone is cut."""
    found: list[Content] = []
    for at, row in enumerate(rows):
        pieces = wrap_all([row], width, _ANY)
        rest = len(rows) - at
        room = most - len(found) - (1 if rest > 1 else 0)
        if len(pieces) <= room:
            found += pieces
        elif not found:
            return wrap_all(rows, width, most)
        else:
            return [*found, line((f"and {rest} more: w", "$muted"))]
    return found


def _warning(sentence: str) -> Content:
    return (
        line(("[!] ", "bold $verdict-depends"), plain(sentence, "$verdict-depends", limit=None))
        if sentence
        else Content("")
    )


def left_out_lines(shown: Shown) -> Iterator[Content]:
    """What is typed and not part of the question that is answered."""
    if shown.left_out:
        word = plain(shown.left_out, "bold", limit=64)
        # A whole path may stand there: only Enter says that it does.
        why = "not read yet (Enter reads it)" if shown.left_out.lstrip(QUOTES).startswith(SESSION) else "half typed"
        yield line(("! ", "bold $verdict-depends"), word, f" is {why}: what follows is answered without it.")


def verdict_line(shown: Shown) -> Content:
    """The verdict; among several of which action; where another request decides, of which one."""
    says = verdict(shown.decision).content
    if len(shown.answer.cells) > 1:
        if not shown.takes_part:
            says = line(("takes no part: the action is about other resources", "$muted"))
        says = line((f"{shown.cell.question.action}: ", "bold"), says)
    decider = shown.decider
    if decider is None:
        return says
    if decider is shown.answer.chain:
        return line(says, (" for the role chaining that comes first", "$muted"))
    return line(says, (f" for {decider.check.action}, which the call needs too", "$muted"))


def layers_of(shown: Shown, room: str) -> Content:
    """Which request the layers are of, where the question comes to more than one that could be meant; else empty."""
    decider, chain = shown.decider, shown.answer.chain
    if chain is None and decider is None:
        return Content("")
    front = "Layers of " if room == MEDIUM else ""
    step = front if chain is None else f"{front}step {1 if decider is chain else 2} of 2: "
    session, role = _name_of(shown.answer.inquiry.chained_from), _name_of(shown.answer.principal.arn)
    if decider is None:
        does: Content = line((role, "bold"), (" does ", QUIET), (shown.cell.question.action, "bold"))
    elif decider is chain:
        does = line((session, "bold"), (" assumes ", QUIET), (role, "bold"))
    else:
        does = line((decider.check.action, "bold"), (", which the call needs too", QUIET))
    return line((step[:1].upper() + step[1:], QUIET), does)


def _name_of(arn: str) -> str:
    """The name alone: whose it is stands above."""
    return arn.rpartition("/")[2]


def before_line(shown: Shown) -> Content:
    """What the verdict was without the draft; empty when no draft is open."""
    before = shown.before_decision
    if before is None:
        return Content("")
    was, now = verdict(before), verdict(shown.decision)
    if was.text == now.text:
        return line(("Without the draft: the same", QUIET))
    return line(("Without the draft: ", QUIET), was.content)


def companion_lines(shown: Shown, *, others: str) -> Iterator[Content]:
    """The other requests behind the call, those that decide first.

    Args:
        others: how to tell those that do not decide: "none", "marks" (all on one line), or "lines" (one each).
    """
    chain = shown.answer.chain
    if chain is not None:
        role = shown.answer.inquiry.chained_from
        yield line(_short(chain), (" chained from ", QUIET), role.rpartition(":")[2], (" (assuming this role)", QUIET))
    if shown.decider is not None:
        yield line(("The action itself: ", QUIET), verdict(shown.cell.decision).content)
    deciding = [one for one in shown.cell.companions if one.decides]
    for one in deciding:
        yield line(
            ("Needs also ", QUIET),
            (one.check.action, "bold"),
            (f" on {_on(one)}: ", QUIET),
            _short(one),
        )
    optional = [one for one in shown.cell.companions if not one.decides]
    if others == "lines":
        for one in optional:
            when = f" ({one.check.when})" if one.check.when else ""
            yield line(("May need ", QUIET), one.check.action, (f" on {_on(one)}{when}: ", QUIET), _short(one))
    elif others == "marks" and optional:
        parts: list[object] = [("May need also: ", QUIET)]
        for one in optional:
            says = verdict(one.decision)
            parts += [", " if len(parts) > 1 else "", f"{one.check.action} ", (says.mark + says.star, says.style)]
        yield line(*parts)


def _on(one: Companion) -> str:
    resource = one.question.resource
    return one.check.resource if resource == "*" or "*" in resource else resource


def _short(one: Companion) -> Content:
    shown = verdict(one.decision)
    return line((shown.short, f"bold {shown.style}"))


def _kept_back(shown: Shown) -> Iterator[Content]:
    """What a small panel has no room for, counted."""
    checks = sum(1 for one in shown.cell.companions if not one.decides)
    notes_ = sum(1 for note in shown.decision.notes if note != shown.cell.never_asked)
    parts = [
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((checks, "other check"), (notes_, "note"))
        if count
    ]
    if parts:
        yield line((f"{' and '.join(parts)}: F7", "$muted"))


def _short_suggestion(suggestions: tuple[Suggestion, ...]) -> Iterator[Content]:
    if suggestions:
        more = f"  (and {len(suggestions) - 1} more: w)" if len(suggestions) > 1 else ""
        yield line(("Would help: ", "$muted"), plain(suggestions[0].change, limit=None), (more, "$muted"))


def more(shown: Shown, account: Account, suggestions: tuple[Suggestion, ...], width: int) -> Iterator[Content]:
    """What a whole column has room for: the deciding statement, what would help, the notes."""
    decision = shown.decision
    ref = decision.deciding
    if ref is not None:
        yield from _statement(decision, shown.principal, account, ref, width)
    if suggestions and not shown.cell.never_asked:
        yield plain("What would allow it (all of it is needed)", "bold $heading")
        for suggestion in suggestions:
            yield plain(f"- {suggestion.change}", limit=None)
            if suggestion.statement is not None:
                text = json.dumps(suggestion.statement, indent=2, ensure_ascii=False)
                yield from (plain(_INDENT + row, "$muted", limit=None) for row in text.split("\n"))
        yield Content("")
    yield from notes(decision, long=True, besides=shown.cell.never_asked)


def _statement(
    decision: Decision, principal: Principal, account: Account, ref: StatementRef, width: int
) -> Iterator[Content]:
    """The statement's lines with their numbers, as far left as they can stand."""
    document = document_of(account, principal, decision.request.resource, ref)
    rows = statement_text(document, ref) if document is not None else []
    if not rows:
        return
    yield plain(statement_name(ref), "bold $heading")
    margin = min(len(text) - len(text.lstrip()) for _number, text in rows)
    for number, text in rows:
        front = f"{number:>4}  "
        for piece in wrap(plain(text[margin:], limit=None), width - len(front)):
            yield line((front, "$faint"), piece)
            front = " " * len(front)
    yield Content("")
