"""The overview of an account: its numbers as lines, each the way to its list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct, structs

from iamtui.presentation.styled_words import ASCII_FILLS, FILLS, Row, Tone, Word, bar, row_of, stacked_bar, text_of
from iamtui.presentation.verdict import verdict_words
from iamtui.workspace.review.overview import KEY_AGES, LAST_USES, Breakdown, Figure, Overview, QuestionBar
from iamtui.workspace.source.unknown_facts import FindingSeverity

# Without the brackets that the marks of decisions have: a finding is neither allowed nor denied.
SEVERITY_WORDS: Final[Mapping[FindingSeverity, Word]] = {
    FindingSeverity.HIGH: Word("!!! high", Tone.DENIED, bold=True),
    FindingSeverity.MEDIUM: Word(" !! medium", Tone.DEPENDS, bold=True),
    FindingSeverity.LOW: Word("  ! low", Tone.QUIET),
}


class OverviewLine(Struct, frozen=True):
    """A line of the overview.

    Args:
        label: what is counted, or a heading where there is nothing to count and nothing to say; safe to show.
        figure, parts: the number, and what makes it up.
        report: the report that lists it in full, and its kind; ("", "") where the members do.
        words: what stands behind the number.
    """

    label: str
    figure: Figure | None = None
    parts: tuple[Figure, ...] = ()
    report: tuple[str, str] = ("", "")
    words: Row = ()

    @property
    def is_heading(self) -> bool:
        return self.figure is None and not self.words


_REPORTED: Final = {
    "escalations": ("escalations", "certain"),
    "escalations.possible": ("escalations", "possible"),
    "trust-outside": ("trust", "outside"),
    **{f"findings.{severity}": ("findings", str(severity)) for severity in FindingSeverity},
}
_ANSWER_TONES: Final = (Tone.ALLOWED, Tone.DEPENDS, Tone.QUIET)
_LEAST_BAR: Final = 6
_LEAST_LEGEND: Final = 40
"""Columns for a bar from which on the legends fit in full words."""
_SHORT_USES: Final = ("30 d", "90 d", "1 y", "older", "never", "unknown")
_MOST_BAR: Final = 60


def overview_lines(found: Overview, width: int, *, ascii_only: bool) -> list[OverviewLine]:
    """The overview, its bars as wide as the room behind labels and numbers is."""
    room = max(_LEAST_BAR, min(width, _MOST_BAR))
    rows = [OverviewLine("Watch"), *map(_number, found.risks), OverviewLine("Findings")]
    most = max((figure.count for figure in found.findings), default=0)
    for figure in found.findings:
        drawn = bar(figure.count, most, room, ascii_only=ascii_only)
        tone = SEVERITY_WORDS[FindingSeverity(figure.label)].tone
        rows.append(structs.replace(_number(figure), words=(Word(drawn, tone),)))
    is_narrow = width < _LEAST_LEGEND
    texts = [*(text for _, text, _ in LAST_USES), "never", "not known"]
    title, gap = ("Used", " ") if is_narrow else ("Last used", "  ")
    uses = _legend(_SHORT_USES if is_narrow else texts, gap, ascii_only=ascii_only)
    rows.append(OverviewLine(f"{title}{gap}{uses}"))
    most = max((one.whole.count for one in found.principals), default=0)
    rows += (_stacked(one, most, room, ascii_only=ascii_only) for one in found.principals)
    ages = _legend([text for _, text, _ in KEY_AGES], gap, ascii_only=ascii_only)
    rows.append(OverviewLine(f"Created{gap}{ages}"))
    rows.append(_stacked(found.keys, found.keys.whole.count, room, ascii_only=ascii_only))
    rows += (OverviewLine("Besides"), *map(_number, found.others))
    if found.questions:
        rows.append(OverviewLine("Saved questions"))
        rows += (_question(question, room, ascii_only=ascii_only) for question in found.questions)
    if found.lacking:
        rows.append(OverviewLine("Not known"))
        rows += (OverviewLine("", words=row_of(f"- {text}", limit=None)) for text in found.lacking)
    return rows


def _number(figure: Figure) -> OverviewLine:
    return OverviewLine(_safe(figure.label), figure, report=_REPORTED.get(figure.id, ("", "")))


def _legend(texts: Sequence[str], gap: str, *, ascii_only: bool) -> str:
    fills = ASCII_FILLS if ascii_only else FILLS
    return gap.join(f"{fill} {text}" for fill, text in zip(fills, texts, strict=False))


def _stacked(breakdown: Breakdown, most: int, room: int, *, ascii_only: bool) -> OverviewLine:
    # As the legend above it, and less heavy than text.
    drawn = Word(breakdown_bar(breakdown, most, room, ascii_only=ascii_only), Tone.HEADING)
    return OverviewLine(_safe(breakdown.whole.label), breakdown.whole, breakdown.parts, words=(drawn,))


def breakdown_bar(breakdown: Breakdown, most: int, room: int, *, ascii_only: bool) -> str:
    """The parts of a number as a bar, as long as the number beside the largest; each part can be seen."""
    counts = [part.count for part in breakdown.parts]
    width = max(sum(map(bool, counts)), round(room * breakdown.whole.count / most)) if most else 0
    return "".join(stacked_bar(counts, width, ascii_only=ascii_only))


def _question(question: QuestionBar, room: int, *, ascii_only: bool) -> OverviewLine:
    if question.problem:
        words = row_of(Word(f"cannot be asked: {question.problem}", Tone.DEPENDS), limit=None)
        return OverviewLine(_safe(question.name), words=words)
    counts = [part.count for part in question.answers]
    members = tuple(member for part in question.answers for member in part.members)
    everybody = Figure("", question.name, members, question.answers[0].unknown)
    pieces = stacked_bar(counts, min(10, room), ascii_only=ascii_only)
    drawn = tuple(Word(piece, tone) for piece, tone in zip(pieces, _ANSWER_TONES, strict=True))
    depends = f", {question.answers[1].words} depend" if counts[1] else ""
    count = Word(f"  {question.answers[0].words} allowed{depends}  ")
    verdict = verdict_words(question.decision).row if question.decision is not None else ()
    return OverviewLine(_safe(question.name), everybody, question.answers, words=(*drawn, count, *verdict))


def _safe(value: object) -> str:
    return text_of(row_of(value, limit=None))
