"""The keys that sort a table by its columns; whoever has them has `action_sort_by`."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding, BindingType

SORT_KEYS: Final[tuple[BindingType, ...]] = (
    Binding(
        "less_than_sign,comma", "sort_by(-1)", "Sort left", key_display="<", show=False,
        id="table.sort-left", tooltip="Sort by the column to the left",
    ),
    Binding(
        "greater_than_sign,full_stop", "sort_by(1)", "Sort", key_display=">",
        id="table.sort-right", tooltip="Sort by the column to the right",
    ),
)  # fmt: skip
