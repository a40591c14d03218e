"""AWS's own simulator beside our answer: what it says, and what explains a difference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from iamtui.presentation.styled_words import Row, Tone, Word, row_of
from iamtui.presentation.verdict import OUTCOME_WORDS

if TYPE_CHECKING:
    # It brings in what calls AWS, which no answer needs.
    from iamtui.workspace.aws_simulator import SecondOpinion, SimulatedResult

_MOST_STATEMENTS: Final = 8


def their_rows(result: SimulatedResult) -> Iterator[Row]:
    """AWS's answer, with the statements that it names; then, behind an empty row, what it says besides."""
    words = OUTCOME_WORDS.get(result.decision)
    yield words.row if words else row_of(Word(f"[?] {result.decision or 'no decision'}", Tone.DEPENDS, bold=True))
    for statement in result.matched[:_MOST_STATEMENTS]:
        kind = f"  {statement.policy_type}" if statement.policy_type else ""
        at = f" (AWS's lines {statement.lines[0]}-{statement.lines[1]})" if statement.lines else ""
        policy = Word(statement.policy, Tone.STRONG)
        yield row_of(Word("by ", Tone.QUIET), policy, Word(f"{kind}{at}", Tone.QUIET))
    if len(result.matched) > _MOST_STATEMENTS:
        yield (Word(f"and {len(result.matched) - _MOST_STATEMENTS} more statements", Tone.QUIET),)
    if not result.matched:
        yield (Word("no statement named", Tone.QUIET),)
    yield ()
    yield _flag("The SCPs allow it", "The SCPs do not allow it", result.allowed_by_organizations, "SCPs")
    yield _flag("The boundary allows it", "The boundary does not allow it", result.allowed_by_boundary, "a boundary")
    if result.missing_context:
        yield row_of(Word("[?] keys not given: ", Tone.DEPENDS), ", ".join(result.missing_context))
    for source, said in result.details.items():
        yield row_of(Word(f"{source}: ", Tone.QUIET), said)


def _flag(yes: str, no: str, allowed: bool | None, name: str) -> Row:
    """What AWS says of a cap; it says nothing where there is none."""
    if allowed is None:
        return (Word(f" ·  AWS says nothing of {name}", Tone.QUIET),)
    return (Word(f"[+] {yes}", Tone.ALLOWED) if allowed else Word(f"[-] {no}", Tone.DENIED),)


def comparison_rows(opinion: SecondOpinion) -> Iterator[Row]:
    if opinion.agree:
        yield (Word("Both agree.", Tone.ALLOWED, bold=True),)
    else:
        yield (Word("The answers differ.", Tone.DEPENDS, bold=True),)
    for sentence in opinion.differences:
        unexplained = sentence == opinion.unexplained
        tone = Tone.DENIED if unexplained else Tone.PLAIN
        yield row_of(Word(f"- {sentence}", tone, bold=unexplained), limit=None)
    if opinion.remarks and not opinion.agree:
        yield ()
    yield from (row_of(Word(f"- {remark}", Tone.QUIET), limit=None) for remark in opinion.remarks)
    if opinion.endpoint:
        yield row_of(Word(f"- Answered by {opinion.endpoint}, which is not AWS.", Tone.DEPENDS))
