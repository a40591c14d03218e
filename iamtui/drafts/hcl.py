"""Writing HCL, Terraform's language, for the AWS provider: quoted strings, blocks, names, import blocks."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from iamtui.account.model import Tags
from iamtui.drafts.aws_values import POLICY_ARN, TAG_KEY, TAG_VALUE
from iamtui.text import safe_text

# Terraform Language: Strings and Templates.

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
    r"""Escape the start of a template; behind another $ or %, where doubling means something else, as \u.

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


Arguments = dict[str, str | list[str]]


class TerraformBlocks:
    """Writes the blocks of one configuration."""

    def __init__(self) -> None:
        self._names = Names()
        self.created: dict[str, str] = {}
        """Reference to the ARN or id of a policy, or the name of a role, that this configuration creates, by ARN or by
        type and name."""

    def resource(
        self,
        resource_type: str,
        parts: Sequence[str],
        arguments: Arguments,
        import_id: str = "",
        unknown: Sequence[str] = (),
        reference: str = "",
    ) -> str:
        """A resource block, and an import block where it exists already.

        Args:
            unknown: arguments whose present values are not known, which Terraform shall leave as they are.
            reference: under which key others refer to its `arn` or `id`.
        """
        name = self._names.name(resource_type, *parts)
        more: list[str] = []
        if unknown:
            more = ["", "lifecycle {", f"  ignore_changes = [{', '.join(unknown)}]", "}"]
        text = block("resource", (resource_type, name), arguments, more)
        if reference:
            attribute = "arn" if resource_type == "aws_iam_policy" else "id"
            self.created[reference] = f"{resource_type}.{name}.{attribute}"
        if import_id:
            text = block("import", (), {"to": f"{resource_type}.{name}", "id": quoted(import_id)}) + "\n\n" + text
        return text

    def holder_reference(self, arn: str, name: str) -> str:
        """The name of a user, group or role, by which Terraform knows what it makes first."""
        return self.created.get(arn) or quoted(name)

    def policy_reference(self, arn: str) -> str:
        return self.created.get(arn) or quoted(POLICY_ARN.checked(arn))

    def removal(self, what: str, resource_type: str, parts: Sequence[str], import_id: str) -> str:
        address = f"{resource_type}.{self._names.name(resource_type, *parts)}"
        rows = [
            f"{what}: delete its resource from the configuration that has it. Where none has it, write an empty",
            f'resource "{resource_type}" "{address.partition(".")[2]}", then:',
            f"  terraform import {shlex.quote(address)} {shlex.quote(import_id)}",
            f"  terraform destroy -target={shlex.quote(address)}",
        ]
        return "\n".join(comment(row) for row in rows)


def add_tags(arguments: Arguments, tags: Tags, unknown: list[str]) -> None:
    """Tags that are there stay: a resource without them would have Terraform take them away."""
    if not tags:
        unknown += ["tags", "tags_all"]
        return
    own = [(key, value) for key, value in tags if not key.startswith("aws:")]  # AWS alone sets and keeps the others.
    pairs = (f"{quoted(TAG_KEY.checked(key))} = {quoted(TAG_VALUE.checked(value))}" for key, value in own)
    arguments["tags"] = "{ " + ", ".join(pairs) + " }"
