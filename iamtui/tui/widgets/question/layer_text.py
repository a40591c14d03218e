"""The layers of a decision in words: mark, state and why. Pure, no widget.

Red is for layers that stand in the way. A layer that says nothing although nothing asks it to (the resource's policy,
where the identity's own policies allow within the account) is told in words, in a neutral colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.content import Content

from iamtui.evaluation.decision import Decision, Layer, LayerReport, LayerState
from iamtui.text import safe_text
from iamtui.tui.widgets.question.verdict_look import ALLOWED, DENIED, DEPENDS, QUIET
from iamtui.tui.widgets.wrapped import wrap
from iamtui.workspace.questions.verdict import SHORT_LAYER_NAMES as LAYER_NAMES
from iamtui.workspace.questions.verdict import layers_that_depend

_STATE_WORDS: Final = {
    LayerState.ALLOWS: ("[+]", "allows", ALLOWED),
    LayerState.DENIES: ("[x]", "denies", DENIED),
    LayerState.SILENT: ("[-]", "no allow", DENIED),
    LayerState.NOT_APPLICABLE: (" · ", "does not apply", QUIET),
    LayerState.NOT_EVALUATED: ("[?]", "not evaluated", DEPENDS),
}

_NOT_NEEDED: Final = (" · ", "no allow", QUIET)
_BEHIND_MARK: Final = "    "
_CONDITIONAL: Final = ("[?]", "depends", DEPENDS)


def layer_parts(report: LayerReport, decision: Decision) -> tuple[str, str, str]:
    """Mark, words and style of a layer's state in a decision."""
    if report.state is LayerState.SILENT and report.layer not in _in_the_way(decision):
        return _CONDITIONAL if report.layer.value in layers_that_depend(decision) else _NOT_NEEDED
    return _STATE_WORDS[report.state]


def _in_the_way(decision: Decision) -> set[Layer]:
    return {*decision.blocked_by, *(reason.layer for reason in decision.reasons)}


def _why(report: LayerReport, words: str) -> str:
    """Why a layer says so, without what its state says already, and first what could change it."""
    why = report.why
    if report.state is LayerState.NOT_EVALUATED:
        why = why.removeprefix("Not evaluated: ")
        why = why[:1].upper() + why[1:]
    elif words == _CONDITIONAL[1] and ", unless " in why:
        head, _, unless = why.removesuffix(".").partition(", unless ")
        why = f"unless {unless}. {head}."
    return safe_text(why)


def layer_line(report: LayerReport, decision: Decision, *, compact: bool = False) -> Content:
    """One layer as one line: mark, name, state in words and why; `compact` does without columns."""
    mark, words, style = layer_parts(report, decision)
    name = LAYER_NAMES[report.layer]
    return Content.assemble(
        (f"{mark} ", style),
        f"{name} " if compact else name.ljust(13),
        (f"{words}: " if compact else words.ljust(15), style),
        (_why(report, words), QUIET),
    )


def layer_block(report: LayerReport, decision: Decision) -> Content:
    """One layer as two lines, for a column that is narrow and high: why it says so stands below."""
    mark, words, style = layer_parts(report, decision)
    head = Content.assemble((f"{mark} ", style), LAYER_NAMES[report.layer].ljust(13), (words, style))
    return Content("\n").join([head, Content.styled(_why(report, words), QUIET)])


def absent_layers_line(reports: Sequence[LayerReport]) -> Content:
    """The layers that do not apply, together on one line."""
    mark, words, style = _STATE_WORDS[LayerState.NOT_APPLICABLE]
    names = ", ".join(LAYER_NAMES[report.layer] for report in reports)
    return Content.assemble((f"{mark} {words}: {names}", style))


def layer_rows(decision: Decision, *, compact: bool = False, column: int = 0) -> list[tuple[Layer | None, Content]]:
    """Every layer of a decision with its row, in evaluation order; those that do not apply share the last row.

    Args:
        compact: without columns, for a narrow panel.
        column: the width of a narrow, high panel in cells, where every reason is written out, so that a row has
            several lines; else 0.
    """
    applying = [report for report in decision.layers if report.state is not LayerState.NOT_APPLICABLE]
    absent = [report for report in decision.layers if report.state is LayerState.NOT_APPLICABLE]
    rows: list[tuple[Layer | None, Content]] = []
    for report in applying:
        row = (
            _written_out(layer_block(report, decision), column)
            if column
            else layer_line(report, decision, compact=compact)
        )
        rows.append((report.layer, row))
    if absent:
        rows.append((None, _written_out(absent_layers_line(absent), column)))
    return rows


def _written_out(row: Content, width: int) -> Content:
    """A row whose lines fit the width, those below the first indented behind the mark; width 0 leaves it alone."""
    if not width:
        return row
    first, *rest = row.split("\n")
    head, *more = wrap(first, width)
    below = [piece for part in (*map(_flush, more), *rest) for piece in wrap(part, width - len(_BEHIND_MARK))]
    return Content("\n").join([head, *(Content(_BEHIND_MARK).append(piece) for piece in below)])


def _flush(row: Content) -> Content:
    """A row without the spaces in front."""
    return row[len(row.plain) - len(row.plain.lstrip()) :]


def deciding_layer(decision: Decision) -> Layer | None:
    """The layer of the deciding statement, else the first that does not pass; None: the first of all."""
    if decision.deciding is not None:
        return decision.deciding.layer
    return next((reason.layer for reason in decision.reasons), None)
