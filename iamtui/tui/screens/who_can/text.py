"""What the who-can screen says of its rows: question, counts, filters, what was not evaluated. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from textual.content import Content

from iamtui.analysis.inquiry import Inquiry
from iamtui.evaluation.decision import Layer
from iamtui.problem import Problem
from iamtui.tui.safe import line, lines, plain
from iamtui.tui.screens.who_can.rows import Bucket, Row, Rows
from iamtui.tui.widgets.question.terms import terms_of
from iamtui.workspace.questions.verdict import SHORT_LAYER_NAMES
from iamtui.workspace.questions.verdict_words import LIMITED
from iamtui.workspace.questions.who_can import Everybody


@dataclass(frozen=True, slots=True)
class Filter:
    """A kind of answers to show: its mark and word, and how they look. No bucket: all."""

    bucket: Bucket | None
    mark: str
    word: str
    style: str


FILTERS: Final = (
    Filter(None, "", "all", "$foreground"),
    Filter(Bucket.ALLOWED, "[+] ", "allowed", "$verdict-allowed"),
    Filter(Bucket.DEPENDS, "[?] ", "depends", "$verdict-depends"),
    Filter(Bucket.EXPLICIT, "[x] ", "explicit", "$verdict-denied"),
    Filter(Bucket.NO_ALLOW, "[-] ", "no allow", "$verdict-denied"),
)
"""In the order of the keys 1 to 5."""


def heading(inquiry: Inquiry, left_out: str = "") -> Content:
    """The question, and below it what was given with it, and what was half typed and so is left out."""
    actions, on_what = ", ".join(inquiry.actions), ", ".join(inquiry.resources)
    parts: list[object] = [("Who can do ", "bold $heading"), (actions, "bold")]
    if on_what != "*":
        parts += [" on ", on_what]
    parts.append("?")
    terms = terms_of(inquiry)
    rows = [line(*parts)]
    if left_out:
        word = plain(left_out, "bold $verdict-depends", limit=64)
        rows.append(line(("Without  ", "$verdict-depends"), word, ", which is half typed"))
    if terms:
        rows.append(line(("Given    ", "$muted"), terms))
    return lines(*rows)


def counts(rows: Rows, *, asking: int | None, draft: bool) -> Content:
    """How many answers of which kind.

    Args:
        asking: how many principals are being asked; None when all have answered.
        draft: whether answers before a draft stand beside those with it.
    """
    denied = rows.counts[Bucket.EXPLICIT] + rows.counts[Bucket.NO_ALLOW]
    allowed, depends = rows.counts[Bucket.ALLOWED], rows.counts[Bucket.DEPENDS]
    parts: list[object] = [
        (f"{allowed:,} allowed", "bold $verdict-allowed" if allowed else "$muted"),
        (f" ({rows.limited:,}{LIMITED})" if rows.limited else "", "$verdict-allowed"),
        (", ", "$muted"),
        (f"{depends:,} depend{'s' if depends == 1 else ''}", "bold $verdict-depends" if depends else "$muted"),
        (", ", "$muted"),
        (f"{denied:,} denied", "$verdict-denied" if denied else "$muted"),
        (f" of {len(rows.all):,}", "$muted"),
    ]
    if asking is not None:
        parts.append((f"   asking … {len(rows.all) * 100 // max(1, asking)} %", "bold $match"))
    if draft:
        parts.append((f"   {rows.changed:,} changed", "bold $match" if rows.changed else "$muted"))
    if rows.needle or rows.bucket is not None or rows.only_changed:
        parts.append((f"   {len(rows.shown):,} shown", "bold $match"))
    parts.append((f"   {rows.order.title}", "$faint"))
    return line(*parts)


def filters(rows: Rows, *, draft: bool) -> Content:
    """What can be shown, each with its key, and what is."""
    chips: list[object] = []
    for number, entry in enumerate(FILTERS, 1):
        active = entry.bucket is rows.bucket and not rows.only_changed
        chip = f"{'▸' if active else ' '}{number} {entry.mark}{entry.word}"
        chips.append((chip, f"bold underline {entry.style}" if active else "$muted"))
    if draft:
        chip = f"{'▸' if rows.only_changed else ' '}6 changed"
        chips.append((chip, "bold underline $match" if rows.only_changed else "$muted"))
    if rows.needle:
        chips.append((f" / {rows.needle}", "bold $match"))
    return line(*chips)


def not_evaluated(found: Everybody, unloaded: Collection[Layer]) -> str:
    """Whom the list lacks, and what could change its answers; "" when nothing."""
    words = found.lacks
    layers = ", ".join(SHORT_LAYER_NAMES[layer] for layer in Layer if layer in unloaded)
    return f"{words} Not evaluated, and could change some answers: {layers}.".lstrip() if layers else words


def empty(rows: Rows, problem: Problem | None, *, done: bool) -> Content | None:
    """What stands in the place of the list; None when there is a list."""
    if problem is not None:
        return line(("! ", "bold $verdict-denied"), str(problem))
    if rows.shown:
        return None
    if not done:
        return plain("Asking …")
    if not rows.all:
        return plain("This account has no users and no roles to ask about.")
    return plain("Nobody matches this filter. Press 1 for all, or Escape to end the text filter.")


def verdict(row: Row) -> Content:
    """The answer of a row."""
    style = next(entry.style for entry in FILTERS if entry.bucket is row.bucket)
    return line((f"{row.words.mark} {row.words.word}", f"bold {style}"), (f" {row.words.rest}", style))


def answer(row: Row) -> Content:
    """The answer of a row, with the one before the draft where that changes it."""
    if row.before is None or not row.changed:
        return verdict(row)
    return line((str(row.before), "$muted"), (" → ", "bold $match"), verdict(row))
