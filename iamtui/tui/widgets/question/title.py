"""The line above a question: in words, what the verdict below it answers. Pure, no widget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from iamtui.tui.safe import line

if TYPE_CHECKING:
    # It brings in the engine, which is not loaded before the first frame.
    from iamtui.tui.widgets.question.shown import Shown


def title_of(shown: Shown | None, label: str, aside: str, *, short: bool, strict: bool) -> Content:
    """What is asked, and about whom: that may lag behind the tree's cursor.

    Args:
        shown: the answer on screen, or None.
        label: whom the next answer is about, or ""; raw text, as is `aside`.
        aside: what the cursor is on, where that cannot ask; else "".
        short: whether there is room for a word about that only.
        strict: whether keys that nobody gave are read as absent.
    """
    label = shown.asked.label if shown is not None else label
    if not label:
        return line("Question")
    who = line("Can ", (label, "bold"))
    if shown is not None and shown.left_out:
        # In front: what lists the completions lies over the answer, and a title is cut at its end.
        who = line("Without ", (shown.left_out, "bold $verdict-depends"), ", can ", (label, "bold"))
    if shown is not None:
        who = line(who, " do ", (shown.cell.question.action, "bold"), "?")
    if aside and short:
        who = line(who, ("  (kept)", "$muted"))
    elif aside:
        who = line(who, ("  (", "$muted"), (aside, "$muted"), (" cannot ask: last principal kept)", "$muted"))
    return line(who, ("  strict", "$muted")) if strict else who
