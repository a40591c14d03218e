"""The denials that were found in a text, one a line, and the one under the cursor in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.content import Content

from iamtui.analysis.denials.denial import Denial, DenialForm, Place
from iamtui.policy.arn import parse_arn
from iamtui.text import safe_text
from iamtui.tui.safe import fit, line, lines, plain
from iamtui.tui.screens.denials.report import agreement_mark
from iamtui.tui.widgets.drawn_lines import Piece
from iamtui.tui.widgets.line_view import LineView
from iamtui.workspace.denials.comparison import Agreement
from iamtui.workspace.questions.verdict import SHORT_LAYER_NAMES

_CLAIM_COLUMNS = 20
_PLACE_COLUMNS = 12
_MARK_COLUMNS = 4


class DenialList(LineView):
    """What was found. Enter asks the account about the line under the cursor."""

    HELP_TITLE: ClassVar[str] = "Denials found"
    HEADER_LINES = 1

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._denials: Sequence[Denial] = ()
        self._answers: Mapping[int, Agreement] = {}

    def show(self, denials: Sequence[Denial], answers: Mapping[int, Agreement] | None = None) -> None:
        """List these; the cursor stays on the line it was on.

        Args:
            answers: how the account's answer stood to AWS's, by the place in the list of a denial that was explained.
        """
        self._denials = denials
        self._answers = answers or {}
        self.set_total(len(denials), cursor=min(self.cursor, max(len(denials) - 1, 0)))

    @property
    def denial(self) -> Denial | None:
        """What the cursor is on."""
        return self._denials[self.cursor] if self._denials else None

    def header_pieces(self, y: int, width: int) -> Sequence[Piece]:  # noqa: ARG002 - one line only
        """The columns' names."""
        room = width - 1 - self._mark_columns
        columns = "".join(_columns("where", "who", "action", "resource", "AWS says", room))
        return [Piece(" " * (1 + self._mark_columns) + columns, "header")]

    @property
    def _mark_columns(self) -> int:
        return _MARK_COLUMNS if self._answers else 0

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """How the account answered, once it did; where, who, what, on what, and why AWS says so."""
        denial = self._denials[index]
        where, who, action, resource, claim = _columns(
            place_words(denial.place, denial.count),
            short_name(denial.caller) or "?",
            denial.action or denial.operation or denial.code or "?",
            short_resource(denial.resource) or "?",
            short_claim(denial),
            width - 1 - self._mark_columns,
        )
        answer = self._answers.get(index)
        mark, style = agreement_mark(answer) if answer is not None else ("", "")
        return [
            Piece(mark.ljust(self._mark_columns), style.removeprefix("$verdict-")),
            Piece(where, "muted"),
            Piece(who, "strong"),
            Piece(action),
            Piece(resource),
            Piece(claim, "denied" if denial.denied else "muted"),
        ]


def _columns(where: str, who: str, action: str, resource: str, claim: str, width: int) -> list[str]:
    """The texts of one line, each cut and padded to its column."""
    room = max(width - _PLACE_COLUMNS - _CLAIM_COLUMNS, 24)
    who_columns = min(max(room * 3 // 10, 8), 32)
    action_columns = min(max(room * 7 // 20, 8), 34)
    resource_columns = min(room - who_columns - action_columns, 72)
    widths = (_PLACE_COLUMNS, who_columns, action_columns, resource_columns, _CLAIM_COLUMNS)
    texts = (where, who, action, resource, claim)
    return [_cell(text, columns) for text, columns in zip(texts, widths, strict=True)]


def _cell(text: str, columns: int) -> str:
    cut = fit(safe_text(text), columns - 1)
    return cut + " " * (columns - cell_len(cut))


def place_words(place: Place, count: int) -> str:
    """`line 12`, `rec 3`, with how often it was found."""
    where = f"rec {place.record}" if place.record is not None else f"line {place.line}"
    return f"{where} x{count}" if count > 1 else where


def short_name(arn: str) -> str:
    """The part of a caller's ARN that tells it apart: `deploy/ci-17`."""
    found = parse_arn(arn)
    if found is None:
        return arn
    parts = found.resource.split("/")
    return "/".join(parts[1:]) if parts[0] == "assumed-role" else parts[-1]


def short_resource(arn: str) -> str:
    """The last field of a resource's ARN."""
    found = parse_arn(arn)
    return found.resource if found is not None else arn


def short_claim(denial: Denial) -> str:
    """Why AWS says so, in a narrow column."""
    claim = denial.claim
    if not denial.denied:
        return "not denied"
    if denial.encoded and not claim.kind:
        return "encoded"
    if not claim.kind:
        return "no reason given"
    layers = "+".join(SHORT_LAYER_NAMES[layer] for layer in claim.layers) or claim.words or "?"
    return f"{layers}: {'Deny' if claim.kind == 'explicit' else 'no allow'}"


def in_full(denial: Denial, claim: str) -> Content:
    """Caller, resource, reason and what is not told, in four lines.

    Args:
        claim: what AWS said, as a sentence.
    """
    unknown = " ".join(denial.unknown) or "The message tells the whole request."
    encoded = " d decodes it through STS." if denial.encoded and denial.form is not DenialForm.DECODED else ""
    return lines(
        line(("caller    ", "$muted"), denial.caller or "not told"),
        line(("resource  ", "$muted"), denial.resource or "not told"),
        line(("AWS said  ", "$muted"), claim),
        plain(unknown + encoded, "$muted"),
    )
