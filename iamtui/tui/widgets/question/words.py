"""The words of a field: where each begins, so that the last one can be completed, and what they say. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

QUOTES: Final = "'\""


class Word(NamedTuple):
    """One word of a field: where it begins, how it is written, and what it says without its quotes."""

    start: int
    written: str
    says: str


def words(text: str, *, commas: bool) -> list[Word]:
    """Cut a text at spaces.

    A word that begins with a quote runs to the same quote before a space or the end, so that an ARN may hold
    spaces; a quote that is not closed, or stands inside a word, is a letter like any other (S3 keys hold them).

    Args:
        commas: whether a comma ends a word wherever it stands; else only at a word's end, or before `arn:`, since
            ARNs may hold commas.
    """
    found: list[Word] = []
    at = 0
    while at < len(text):
        if text[at].isspace() or (commas and text[at] == ","):
            at += 1
            continue
        end = _closing(text, at) if text[at] in QUOTES else 0
        if end:
            found.append(Word(at, text[at : end + 1], text[at + 1 : end]))
            at = end + 1
            continue
        end = _end(text, at, commas)
        written = text[at:end]
        # A comma at the end belongs to the word only when nothing follows it.
        says = written.rstrip(",") if not commas and text[end:].strip() else written
        if says:
            found.append(Word(at, written, says))
        at = end
    return found


def _closing(text: str, opening: int) -> int:
    """Where the quote that opens a word closes it, or 0."""
    quote = text[opening]
    at = text.find(quote, opening + 1)
    while at >= 0:
        if at + 1 == len(text) or text[at + 1].isspace() or text[at + 1] == ",":
            return at
        at = text.find(quote, at + 1)
    return 0


def _end(text: str, start: int, commas: bool) -> int:
    at = start
    while at < len(text) and not text[at].isspace():
        if text[at] == "," and (commas or text.startswith("arn:", at + 1)):
            return at if commas else at + 1
        at += 1
    return at


def said(text: str, *, commas: bool) -> tuple[str, ...]:
    """What the words of a text say, each once, in their order."""
    return tuple(dict.fromkeys(word.says for word in words(text, commas=commas)))


def last_word(text: str, *, commas: bool) -> tuple[str, str]:
    """The text cut before its last word, which is the one being typed; empty behind a space or comma."""
    found = words(text, commas=commas)
    if not found:
        return text, ""
    last = found[-1]
    if last.start + len(last.written) < len(text):
        return text, ""
    return text[: last.start], last.written


def joined(values: Iterable[str]) -> str:
    """Values as the words of a field: one with spaces, or that begins with a quote, in quotes."""
    return " ".join(_quoted(value) for value in values)


def _quoted(value: str) -> str:
    if not any(c.isspace() for c in value) and value[:1] not in QUOTES:
        return value
    quote = "'" if "'" not in value else '"'
    return f"{quote}{value}{quote}"
