"""Writing HCL, Terraform's language: quoted strings, templates, names (Terraform Language: Strings and Templates)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from iamtui.text import safe_text

_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_TEMPLATE: Final = re.compile(r"([$%]*)([$%])\{")
_NO_IDENTIFIER: Final = re.compile(r"[^A-Za-z0-9_-]+")


def quoted(text: str) -> str:
    """Text as a quoted string whose value is exactly this text."""
    return f'"{_without_templates("".join(_escaped(character) for character in text))}"'


def _escaped(character: str) -> str:
    known = _ESCAPES.get(character)
    if known is not None:
        return known
    code = ord(character)
    if 0x20 <= code < 0x7F:
        return character
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _without_templates(text: str) -> str:
    r"""Escape what would begin a template; behind another $ or %, doubling means something else, so \u stands there.

    Both quoted strings and the JSON in a here-document read \u0024 as $.
    """

    def escape(match: re.Match[str]) -> str:
        before, mark = match.groups()
        if before:
            return f"{before}\\u{ord(mark):04x}{{"
        return f"{mark}{mark}{{"

    return _TEMPLATE.sub(escape, text)


def json_heredoc(document: str) -> list[str]:
    """The lines of a here-document that holds JSON: the opening one ends an argument's line.

    Args:
        document: indented JSON text in ASCII; no line of it is a bare word.
    """
    return ["<<POLICY", *_without_templates(document).split("\n"), "POLICY"]


def comment(text: str) -> str:
    """One comment line of raw text."""
    return f"# {safe_text(text, limit=None)}"


def block(kind: str, labels: Iterable[str], arguments: Mapping[str, str | list[str]], more: Iterable[str] = ()) -> str:
    """A block of arguments whose values are HCL already; several lines make a here-document.

    Args:
        labels: raw texts.
        more: lines below the arguments, indented here.
    """
    rows = [" ".join([kind, *(quoted(label) for label in labels)]) + " {"]
    single = [name for name, value in arguments.items() if isinstance(value, str)]
    width = max((len(name) for name in single), default=0)
    for name, value in arguments.items():
        if isinstance(value, str):
            rows.append(f"  {name.ljust(width)} = {value}")
        else:
            rows += [f"  {name} = {value[0]}", *value[1:]]
    rows += [f"  {row}" if row else "" for row in more]
    return "\n".join([*rows, "}"])


class Names:
    """Gives each resource a valid name that no other of its type has."""

    def __init__(self) -> None:
        self._given: set[tuple[str, str]] = set()

    def name(self, resource_type: str, *parts: str) -> str:
        """A name for a resource made of raw texts, such as those of a role and a policy."""
        words = [_NO_IDENTIFIER.sub("_", part).strip("_") for part in parts]
        base = "_".join(word for word in words if word)[:200] or "unnamed"
        if not (base[0].isalpha() or base[0] == "_"):
            base = f"_{base}"
        name, count = base, 1
        while (resource_type, name.lower()) in self._given:
            count += 1
            name = f"{base}_{count}"
        self._given.add((resource_type, name.lower()))
        return name
