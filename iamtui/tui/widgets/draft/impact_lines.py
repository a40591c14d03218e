"""The impact of a draft, one line for each principal or saved question: what changes, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import cell_len

from iamtui.evaluation.request import Principal, PrincipalKind
from iamtui.text import safe_text
from iamtui.tui.safe import fit
from iamtui.tui.widgets.draft.compared import ComparedVerdict, compared, verdict_pieces
from iamtui.tui.widgets.drawn_lines import Piece
from iamtui.tui.widgets.line_view import LineView
from iamtui.tui.widgets.question.verdict import verdict

if TYPE_CHECKING:
    from iamtui.workspace.drafts.drafting import Comparison
    from iamtui.workspace.drafts.regression import SavedComparison

WORDS: Final = {
    "broken": "BROKEN",
    "unmet": "unmet",
    "problem": "unasked",
    "fixed": "fixed",
    "gained": "gains",
    "lost": "loses",
    "changed": "changes",
    "same": "same",
}
"""What stands in front of a row, in the order in which rows are listed."""

ORDER: Final = {effect: place for place, effect in enumerate(WORDS)}

_STYLES: Final = {
    "broken": "denied",
    "unmet": "denied",
    "problem": "depends",
    "fixed": "allowed",
    "gained": "allowed",
    "lost": "denied",
    "changed": "depends",
    "same": "faint",
}


_EFFECT: Final = 8
_GAP: Final = 2
_MEASURED: Final = 1000
"""Of so many rows the columns are as wide as the longest."""


@dataclass(frozen=True, slots=True)
class ImpactRow:
    """One principal, or one saved question, before and after.

    Args:
        arn: whom to go to; an outsider is in no tree.
        label: who or which question; raw.
        effect: a key of WORDS.
        verdict: after, knowing the one before; None when it could not be asked.
        note: why not, or what was expected; raw.
    """

    arn: str
    label: str
    effect: str
    verdict: ComparedVerdict | None
    note: str = ""

    @property
    def matters(self) -> bool:
        """Whether the row stays when only changes are shown."""
        return self.effect != "same"


def row_of(comparison: Comparison) -> ImpactRow:
    """The row of a principal; of several pairs the one that changes most."""
    principal = comparison.principal
    return ImpactRow(
        principal.role_arn or principal.arn,
        label_of(principal),
        comparison.effect.value,
        _changed_verdict(comparison),
        _how_many(comparison),
    )


def row_of_saved(found: SavedComparison) -> ImpactRow:
    """The row of a saved question: first of all whether its expectation is kept."""
    comparison, expect = found.comparison, found.saved.expect
    if comparison is None:
        return ImpactRow("", found.saved.name, "problem", None, str(found.problem or ""))
    effect = comparison.effect.value
    if found.met_after is False:
        effect = "broken" if found.met_before else "unmet"
    elif found.met_after and found.met_before is False:
        effect = "fixed"
    arn = comparison.principal.role_arn or comparison.principal.arn
    label = found.saved.name if found.saved.principal else f"{found.saved.name} ({label_of(comparison.principal)})"
    if expect is not None and effect in ("broken", "unmet", "fixed"):
        note = "" if effect == "fixed" else f"expected {expect.value}"
        return ImpactRow(arn, label, effect, _verdict(comparison), note)
    return ImpactRow(arn, label, effect, _changed_verdict(comparison), _how_many(comparison))


def _verdict(comparison: Comparison) -> ComparedVerdict:
    """The worst of all pairs, before and after."""
    before = verdict(comparison.before.worst.deciding)
    return compared(before, verdict(comparison.after.worst.deciding))


def _changed_verdict(comparison: Comparison) -> ComparedVerdict:
    """The pair that shows best what the row says."""
    before, after = comparison.telling
    return compared(verdict(before), verdict(after))


def _how_many(comparison: Comparison) -> str:
    """Such as `2 of 5 pairs`, where some pairs of action and resource change and others do not."""
    changed, total = len(comparison.changed_cells), len(comparison.cells)
    return f"{changed} of {total} pairs" if 0 < changed < total else ""


def label_of(principal: Principal) -> str:
    """`role/deploy-prod`; an ARN, a service or `anonymous` for others."""
    if principal.kind in (PrincipalKind.USER, PrincipalKind.ROLE):
        kind, _, rest = principal.arn.split(":", 5)[-1].partition("/")
        return f"{kind}/{rest.rsplit('/', 1)[-1]}"
    return principal.arn or "anonymous"


class ImpactLines(LineView):
    """The rows: what changes, for whom, before and after."""

    HELP_TITLE: ClassVar[str] = "Impact"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._rows: Sequence[ImpactRow] = ()
        self._label = self._says = 0

    @property
    def row(self) -> ImpactRow | None:
        """The row under the cursor."""
        return self._rows[self.cursor] if self._rows else None

    @property
    def rows(self) -> Sequence[ImpactRow]:
        """The rows that are listed."""
        return self._rows

    def show(self, rows: Sequence[ImpactRow]) -> None:
        """Show these rows; the cursor stays on its row where that is still there."""
        at = self.row
        self._rows = rows
        self._label = max((cell_len(safe_text(row.label)) for row in rows[:_MEASURED]), default=0)
        self._says = max((cell_len(_says(row)) for row in rows[:_MEASURED]), default=0)
        self.set_total(len(rows), cursor=next((i for i, row in enumerate(rows) if row == at), 0))

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """Effect, who, `was ..., now ...` as far as there is room."""
        row = self._rows[index]
        room = width - 2 - _EFFECT - _GAP
        label_width = min(self._label, max(12, room // 3, room - self._says))
        label = fit(safe_text(row.label), label_width)
        pieces = [
            Piece(WORDS[row.effect].ljust(_EFFECT), _STYLES[row.effect]),
            Piece(label + " " * (label_width - cell_len(label) + _GAP)),
        ]
        room -= label_width
        if row.verdict is None:
            return [*pieces, Piece(fit(safe_text(row.note), room), "muted")]
        if row.note:
            note = fit(f"{safe_text(row.note)}: ", room)
            pieces.append(Piece(note, "muted"))
            room -= cell_len(note)
        return [*pieces, *_verdict_pieces(row.verdict, room)]


def _says(row: ImpactRow) -> str:
    """What stands behind the label, without the words of the verdict before."""
    note, now = safe_text(row.note), row.verdict
    if now is None:
        return note
    before = f"{now.before.short}, now " if now.before is not None and now.changed else ""
    return f"{note}: {before}{now.text}" if note else f"{before}{now.text}"


def _verdict_pieces(now: ComparedVerdict, room: int) -> list[Piece]:
    was, marks = now.before, verdict_pieces(now)
    if was is None or not now.changed:
        return [Piece(now.mark, marks[-1].style), Piece(fit(f" {now.word} {now.rest}".rstrip(), room - 3), "muted")]
    before, after = f"{was.mark} {was.word}", f"{now.mark} {now.word}"
    if cell_len(f"was {was.text}, now {now.text}") <= room:
        return [
            Piece("was ", "muted"), Piece(before, marks[0].style), Piece(f" {was.rest}".rstrip()),
            Piece(", now ", "muted"), Piece(after, marks[-1].style), Piece(f" {now.rest}".rstrip()),
        ]  # fmt: skip
    left = room - cell_len(f"{was.short}, now ")
    says = now.text if cell_len(now.text) <= left else f"{now.short} {now.rest}".rstrip()
    return [
        Piece(was.short, marks[0].style), Piece(", now ", "muted"),
        Piece(fit(says, left), marks[-1].style),
    ]  # fmt: skip
