"""The layers of a decision as a list: state and why, Enter leads to the statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from iamtui.evaluation.decision import Decision, Layer, LayerState, StatementRef
from iamtui.tui.widgets.question.layer_text import absent_layers_line, layer_block, layer_line
from iamtui.tui.widgets.wrapped import wrap

_BEHIND_MARK: Final = "    "


class LayersList(OptionList):
    """Every layer in evaluation order; those that do not apply share the last line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False, id="layers.down"),
        Binding("k", "cursor_up", "Up", show=False, id="layers.up"),
        Binding("enter,o", "jump", "Go to the statement", id="layers.jump"),
        Binding("space", "switch", "Layer on/off", id="layers.switch"),
    ]

    DEFAULT_CSS = """
    LayersList {
        height: auto;
        border: none;
        margin: 0 1;
        background: transparent;
        scrollbar-size-vertical: 1;
        text-wrap: nowrap;
        text-overflow: ellipsis;

        &:focus {
            border: none;
            background: transparent;
        }
        & > .option-list--option {
            padding: 0;
        }
        & > .option-list--option-highlighted {
            background: transparent;
            color: $foreground;
            text-style: none;
        }
        &:focus > .option-list--option-highlighted {
            background: $cursor;
            color: $foreground;
            text-style: none;
        }
    }
    """

    @dataclass
    class Jump(Message):
        """The user wants to see a statement of this layer; `ref` is None when no statement of it took part."""

        layer: Layer
        ref: StatementRef | None

    @dataclass
    class Switched(Message):
        """The user switched a layer off, or on again."""

        layer: Layer

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, compact=True)
        self._layers: tuple[Layer, ...] = ()
        self._decision: Decision | None = None
        self._rows: list[Content] = []

    def show(self, decision: Decision | None, *, compact: bool = False, column: int = 0) -> None:
        """Show the layers of a decision; None empties the list.

        The cursor stays on its layer while the question is the same; for another it goes to the layer that decides.

        Args:
            compact: without columns, for a narrow panel.
            column: the width of a narrow, high panel in cells, where every reason is written out; else 0.
        """
        kept = self._layer_under_cursor() if _same_question(decision, self._decision) else _deciding_layer(decision)
        self._decision = decision
        reports = () if decision is None else decision.layers
        applying = [report for report in reports if report.state is not LayerState.NOT_APPLICABLE]
        absent = [report for report in reports if report.state is LayerState.NOT_APPLICABLE]
        self._layers = tuple(report.layer for report in applying)
        rows: list[Content] = []
        if decision is not None and column:
            rows = [_written_out(layer_block(report, decision), column) for report in applying]
        elif decision is not None:
            rows = [layer_line(report, decision, compact=compact) for report in applying]
        if absent:
            rows.append(_written_out(absent_layers_line(absent), column))
        if len(rows) == len(self._rows) and all(map(Content.is_same, rows, self._rows)):
            if kept in self._layers:
                self.highlighted = self._layers.index(kept)
            return
        self._rows = rows
        options = [Option(row) for row in rows]
        if absent:
            options[-1].disabled = True
        self.set_options(options)
        if self._layers:
            self.highlighted = self._layers.index(kept) if kept in self._layers else 0

    @property
    def line_count(self) -> int:
        """How many lines the rows take, none wrapped."""
        return sum(row.plain.count("\n") + 1 for row in self._rows)

    def _layer_under_cursor(self) -> Layer | None:
        at = self.highlighted
        return self._layers[at] if at is not None and at < len(self._layers) else None

    def action_jump(self) -> None:
        """Go to the statement of the layer under the cursor."""
        layer = self._layer_under_cursor()
        if layer is not None and self._decision is not None:
            self.post_message(self.Jump(layer, statement_of(self._decision, layer)))

    def action_switch(self) -> None:
        """Leave the layer under the cursor out of the evaluation, or take it in again."""
        layer = self._layer_under_cursor()
        if layer is not None:
            self.post_message(self.Switched(layer))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click on a layer goes to its statement."""
        event.stop()
        self.action_jump()


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


def _same_question(one: Decision | None, other: Decision | None) -> bool:
    if one is None or other is None:
        return False
    return (one.request.action, one.request.resource) == (other.request.action, other.request.resource)


def _deciding_layer(decision: Decision | None) -> Layer | None:
    """The layer of the deciding statement, else the first that does not pass; None: the first of all."""
    if decision is None:
        return None
    if decision.deciding is not None:
        return decision.deciding.layer
    return next((reason.layer for reason in decision.reasons), None)


def statement_of(decision: Decision, layer: Layer) -> StatementRef | None:
    """The statement to show for a layer: a denying one first, then one that matched."""
    denying = [ref for reason in decision.reasons if reason.layer is layer for ref in reason.statements]
    matched = sorted((ref for ref in decision.matched if ref.layer is layer), key=lambda ref: ref.effect != "Deny")
    return next(iter([*denying, *matched]), None)


def nothing_to_jump_to(layer: Layer) -> str:
    """The sentence for a layer none of whose statements took part."""
    return f"No statement of the {layer.value.replace('_', ' ')} layer took part in this decision."
