"""The layers of a decision as a list: state and why, Enter leads to the statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from iamtui.engine.decision import Layer
from iamtui.presentation.layers import DecisionLayers, LayerText, absent_layers, layer_block, layer_row, pipeline
from iamtui.tui.content import lines, styled
from iamtui.tui.widgets.lists.line_list import LineView, Piece, pieces_of
from iamtui.tui.widgets.lists.wrapped_text import wrap

if TYPE_CHECKING:
    from iamtui.engine.decision import StatementRef


LayerRow = tuple[LayerText | None, Content]


class LayersList(LineView):
    """Every layer in evaluation order, those that do not apply in the last row; or all of them in one line.

    A row may have several lines; the cursor moves from row to row, and is seen only where keys move it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,o", "open_line", "Statement", id="layers.jump", tooltip="Go to the statement"),
        Binding(
            "space", "switch", "Layer on/off", id="layers.switch", tooltip="Ask without the layer, or with it again"
        ),
    ]

    CURSOR_BAR: ClassVar[str] = "▶"

    DEFAULT_CSS = """
    LayersList {
        height: auto;
        margin: 0 1 0 0;
    }
    """

    @dataclass(eq=False, repr=False)
    class Jump(Message):
        """The user wants to see a statement of this layer; `ref` is None when no statement of it took part."""

        layer: Layer
        ref: StatementRef | None

    @dataclass(eq=False, repr=False)
    class Switched(Message):
        """The user switched a layer off, or on again."""

        layer: Layer

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._layers: DecisionLayers | None = None
        self._rows: list[LayerRow] = []
        self._lines: list[tuple[int, Content]] = []
        """The lines, each with the index of its row."""

    def show(self, layers: DecisionLayers | None, rows: Sequence[LayerRow] = ()) -> None:
        """Show the layers of a decision as `layer_rows` or `pipeline_row` made them; None empties the list.

        The cursor stays on its layer while the request is the same; for another it goes to the layer that decides.
        """
        here = self._under_cursor
        kept = here.layer if here is not None else None
        if layers is not None and (self._layers is None or layers.request != self._layers.request):
            kept = layers.deciding
        self._layers = layers
        if not _alike(rows, self._rows):
            self._lines = [(at, line) for at, (_layer, row) in enumerate(rows) for line in row.split("\n")]
            self._rows = [*rows]
            self.set_total(len(self._lines), cursor=self._line_of(kept))
        else:
            self._rows = [*rows]
            self.move_to(self._line_of(kept))

    @property
    def line_count(self) -> int:
        return len(self._lines)

    def _line_of(self, layer: Layer | None) -> int:
        for at, (row, _line) in enumerate(self._lines):
            text = self._rows[row][0]
            if text is not None and text.layer is layer:
                return at
        return 0

    @property
    def _under_cursor(self) -> LayerText | None:
        return self._rows[self._lines[self.cursor][0]][0] if self._lines else None

    # What LineView draws.

    def is_stop(self, index: int) -> bool:
        row = self._lines[index][0]
        return self._rows[row][0] is not None and (not index or self._lines[index - 1][0] != row)

    def is_under_cursor(self, index: int) -> bool:
        return self.has_focus and self._lines[index][0] == self._lines[self.cursor][0]

    def pieces(self, index: int, width: int) -> Sequence[Piece]:  # noqa: ARG002 - declared by LineView
        return pieces_of(self._lines[index][1], "strong" if self.is_under_cursor(index) else "")

    def refresh_row(self, index: int) -> None:  # noqa: ARG002 - declared by LineView
        """Draw all of it: a row may have several lines."""
        self.refresh()

    def on_line_view_cursor_moved(self, event: LineView.CursorMoved) -> None:
        event.stop()

    # Keys and mouse.

    def on_line_view_line_opened(self, event: LineView.LineOpened) -> None:
        event.stop()
        here = self._under_cursor
        if here is not None:
            self.post_message(self.Jump(here.layer, here.statement))

    def action_switch(self) -> None:
        here = self._under_cursor
        if here is not None:
            self.post_message(self.Switched(here.layer))


def _alike(rows: Sequence[LayerRow], others: Sequence[LayerRow]) -> bool:
    return len(rows) == len(others) and all(
        (one and one.layer) is (other and other.layer) and row.is_same(content)
        for (one, row), (other, content) in zip(rows, others, strict=True)
    )


def nothing_to_jump_to(layer: Layer) -> str:
    return f"No statement of the {layer.value.replace('_', ' ')} layer took part in this decision."


_BEHIND_MARK: Final = "    "


def layer_rows(
    layers: DecisionLayers, *, compact: bool = False, column: int = 0, short: bool = False
) -> list[LayerRow]:
    """Every layer of a decision with its row, in evaluation order; those that do not apply share the last row.

    Args:
        compact: without columns, for a narrow panel.
        column: the width of a narrow, high panel in cells, where every reason is written out, so that a row has
            several lines; else 0.
        short: why only where a layer is open, in one row that is cut at the edge.
    """
    rows: list[LayerRow] = []
    for layer in layers.applying:
        row = styled(layer_row(layer, compact=compact, short=short))
        if column and not short:
            row = written_out(lines(*map(styled, layer_block(layer))), column)
        rows.append((layer, row))
    if layers.absent:
        rows.append((None, written_out(styled(absent_layers(layers.absent, short=short)), column)))
    return rows


def pipeline_row(layers: DecisionLayers, width: int) -> list[LayerRow]:
    """All layers in one line, which stands for the one that decides."""
    deciding = next((layer for layer in layers.every if layer.layer is layers.deciding), layers.every[0])
    return [(deciding, styled(pipeline(layers, width)))]


def written_out(row: Content, width: int) -> Content:
    """A row whose lines fit the width, those below the first indented behind the mark; width 0 leaves it alone."""
    if not width:
        return row
    first, *rest = row.split("\n")
    head = wrap(first, width)[0]
    below = [piece for part in (_flush(first[len(head) :]), *rest) for piece in wrap(part, width - len(_BEHIND_MARK))]
    below = [piece for piece in below if piece]
    return Content("\n").join([head, *(Content(_BEHIND_MARK).append(piece) for piece in below)])


def _flush(row: Content) -> Content:
    return row[len(row.plain) - len(row.plain.lstrip()) :]
