"""Containers of which nothing is seen but their border, as they are covered by what is in them.

Textual draws all of a container whenever it moves or changes its size, line by line, and cuts each line where
another widget begins, before it finds that nothing of it is seen. With a dozen of them one in the other that took a
quarter of a frame.
"""

from __future__ import annotations

from typing import Self

from textual.containers import Horizontal, Vertical
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from iamtui.tui.textual_internals import EdgeTitle


class Covered(Widget):
    """Draws its borders, and between them no line where it has no ground of its own, else the same line for all."""

    border_title = EdgeTitle()
    border_subtitle = EdgeTitle()

    _kept: tuple[Region, Size, list[Strip]] | None = None

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        if repaint:
            self._kept = None
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def notify_style_update(self) -> None:
        """Have it drawn again, in other styles."""
        self._kept = None
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a part; fewer where there is nothing to draw in those that would follow."""
        if self._kept is None or self._kept[:2] != (crop, self.outer_size):
            self._kept = crop, self.outer_size, self._draw_lines(crop)
        return self._kept[2]

    def _draw_lines(self, crop: Region) -> list[Strip]:
        gutter = self.styles.gutter
        x, y, width, height = crop
        first, last = max(y, gutter.top), min(y + height, self.outer_size.height - gutter.bottom)
        if last <= first:
            return super().render_lines(crop)
        if last == y + height and self._is_clear:
            return super().render_lines(Region(x, y, width, first - y)) if first > y else []
        above = super().render_lines(Region(x, y, width, first + 1 - y))
        below = super().render_lines(Region(x, last, width, y + height - last)) if y + height > last else []
        return [*above, *[above[-1]] * (last - first - 1), *below]

    @property
    def _is_clear(self) -> bool:
        styles = self.styles
        return not (styles.background.a or styles.border_left[0] or styles.border_right[0])


class Column(Vertical, Covered):
    """One below the other."""


class Row(Horizontal, Covered):
    """Side by side."""


class Pane(Column):
    """A column under a line with its title, which has the class `-lit` while the focus is in the pane.

    With `:focus-within` Textual works out the styles of everything in both panes whenever the focus goes from one to
    the other, which takes longer than a frame may. No style of what is in a pane may depend on the class.
    """

    def on_descendant_focus(self) -> None:
        self._light()

    def on_descendant_blur(self) -> None:
        """Light the line no more, unless the focus stays in the pane."""
        self._light()

    def _light(self) -> None:
        if self.has_class("-lit") is not self.has_focus_within:
            self.set_class(self.has_focus_within, "-lit", update=False)
            self.app.stylesheet.apply(self)
