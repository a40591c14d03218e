"""Action, NotAction, Resource and NotResource."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .context import Context
from .logic import Truth, conjunction, disjunction, kleene_or
from .patterns import Token, Unknown, covers, glob, plain, resolve, shares, tokens_of

LIST_BUCKETS = "s3:listallmybuckets"
INVALID = "invalid"
"""A short ARN that takes the whole statement out when it stands in NotResource."""


@dataclass(frozen=True)
class Target:
    """What is asked for.

    `wildcard_only`: the action has no resource type, so that the resource is "*". `single`: one resource out of a set,
    in which a star is a character like any other.
    """

    action: str
    resource: str
    wildcard_only: bool
    single: bool = False

    @property
    def is_pattern(self) -> bool:
        """Whether a set of resources is asked about."""
        return not self.wildcard_only and not self.single and "*" in self.resource

    @property
    def tokens(self) -> list[Token]:
        """The tokens of the resource."""
        return [("char", character) for character in self.resource] if self.single else request_tokens(self.resource)


def as_list(value: Any) -> list[Any]:
    """A single value is a list of one."""
    return value if isinstance(value, list) else [value]


def action_entry_matches(entry: str, action: str) -> bool:
    """Whether one Action entry names the action."""
    if entry in ("*", "*:*"):
        return True
    if ":" not in entry:
        return False
    prefix, name = entry.lower().split(":", 1)
    asked_prefix, asked_name = action.lower().split(":", 1)
    return prefix == asked_prefix and name != "" and glob(tokens_of(plain(name)), asked_name)


def action_matches(statement: dict[str, Any], action: str) -> bool:
    """Whether Action or NotAction takes in the action; an empty list takes in nothing."""
    if "Action" in statement:
        return any(action_entry_matches(entry, action) for entry in as_list(statement["Action"]))
    entries = as_list(statement.get("NotAction", []))
    return bool(entries) and not any(action_entry_matches(entry, action) for entry in entries)


def pattern_tokens(head_and_rest: str, rest: list[Token] | None, options: dict[str, Any]) -> list[Token]:
    """Tokens of an ARN pattern: wildcards before the fifth colon stay in their field, unless they end it.

    `rest` replaces the sixth field when it is given.
    """
    fields = head_and_rest.split(":", 5)
    result: list[Token] = []
    for number, text in enumerate(fields):
        if number:
            result.append(("char", ":"))
        if number == 5:
            result += rest if rest is not None else tokens_of(plain(text))
            continue
        for place, character in enumerate(text):
            ends_field = place == len(text) - 1 and options["trailing_star_crosses_colons"]
            if character == "*":
                result.append(("run", ends_field))
            elif character == "?":
                result.append(("one", False))
            else:
                result.append(("char", character))
    return result


COLONS_IN_NAMES = {
    **dict.fromkeys(("dynamodb", "ec2", "ecr", "eks", "iam", "kms", "sns", "sqs"), 0),
    "secretsmanager": 1,
}
"""How many colons a service's names have, but for the path of a user and the label of a stream."""


def request_tokens(resource: str) -> list[Token]:
    """Tokens of the resource asked about, where only `*` is a wildcard; some services have no colon in any name."""
    result: list[Token] = []
    fields = resource.split(":")
    full = len(fields) > 5 and fields[2] in COLONS_IN_NAMES and len(fields) - 6 >= COLONS_IN_NAMES[fields[2]]
    for place, character in enumerate(resource):
        if character == "*":
            ends_text = place == len(resource) - 1
            in_name = resource[:place].count(":") >= 5
            result.append(("run", not full if in_name else ends_text))
        else:
            result.append(("char", character))
    return result


def _short_arn_reading(entry: str, layer: str, options: dict[str, Any]) -> str:
    """How an ARN of fewer than six fields is read in a kind of policy: "pad", "nothing" or INVALID."""
    if not options["short_arns_match"]:
        return "nothing"
    if layer in ("identity", "boundary", "session", "scope_down"):
        return "pad"
    if layer == "rcp":
        return INVALID
    if layer == "scp":
        return "pad" if entry.endswith("*") else INVALID
    return "pad" if "*" in entry else "nothing"


def resource_entry_matches(
    entry: str,
    target: Target,
    layer: str,
    *,
    whole: bool,
    version: str | None,
    context: Context,
    options: dict[str, Any],
) -> bool | str | Unknown:
    """Whether one entry matches: True, False, INVALID or Unknown.

    `whole`: for a pattern request, whether the entry must cover all of it rather than share some of it.
    """
    if entry == "*":
        return True
    if not entry.startswith("arn:"):
        return False
    short = entry.count(":") < 5
    reading = _short_arn_reading(entry, layer, options) if short else ""
    if reading == INVALID:
        return INVALID
    if target.wildcard_only:
        return (
            target.action.lower() == LIST_BUCKETS
            and entry == "arn:aws:s3:::*"
            and bool(options["list_buckets_on_bucket_arn"])
        )
    compare = covers if whole else shares
    if reading == "nothing":
        return False
    read = entry_patterns(entry, version=version, context=context, options=options)
    if isinstance(read, Unknown):
        return read if compare(whatever_it_becomes(entry, options), target.tokens) else False
    return any(compare(pattern, target.tokens) for pattern in read)


def whatever_it_becomes(entry: str, options: dict[str, Any]) -> list[Token]:
    """The pattern of an entry with a run for each variable."""
    starred = re.sub(r"[$][{][^}]*[}]", "*", entry.split(":", 5)[5])
    return pattern_tokens(entry, tokens_of(plain(starred)), options)


def entry_patterns(
    entry: str, *, version: str | None, context: Context, options: dict[str, Any]
) -> list[list[Token]] | Unknown:
    """What an entry that is an ARN stands for: a pattern, of a short ARN two, and none without a variable's value."""
    if entry.count(":") < 5:
        padded = entry + ":*" * (5 - entry.count(":"))
        return [pattern_tokens(text, None, options) for text in (entry, padded)]
    resolved = resolve(
        entry.split(":", 5)[5],
        context,
        version=version,
        wildcards_in_values=options["wildcards_in_substituted_values"],
    )
    if isinstance(resolved, Unknown):
        return resolved
    return [] if isinstance(resolved, str) else [pattern_tokens(entry, tokens_of(resolved), options)]


_LOG_GROUP_ALONE = re.compile(r"arn:[^:]*:(logs|[^:]*[*?][^:]*):[^:]*:[^:]*:(?!.*:log-stream:).*[^*]", re.DOTALL)


def resource_truth(
    statement: dict[str, Any],
    target: Target,
    layer: str,
    *,
    version: str | None,
    context: Context,
    options: dict[str, Any],
    source: dict[str, Any],
) -> Truth:
    """Whether Resource or NotResource takes in what is asked for."""
    if "Resource" not in statement and "NotResource" not in statement:
        return layer == "resource"
    element = "Resource" if "Resource" in statement else "NotResource"
    entries = as_list(statement[element])
    if not entries:
        return False
    whole = (statement["Effect"] == "Deny") == (element == "Resource")

    def matches(entry: str) -> bool | str | Unknown:
        return resource_entry_matches(
            entry, target, layer, whole=whole, version=version, context=context, options=options
        )

    found = []
    for entry in entries:
        truth = matches(entry)
        # To keep callers out of a log group by its name alone may work: AWS asks about `NAME:log-stream:`.
        if truth is False and whole and _LOG_GROUP_ALONE.fullmatch(entry):
            longer = matches(f"{entry}:log-stream:")
            truth = Unknown("CloudWatch Logs") if longer is True else longer
        found.append((entry, truth))
    if element == "NotResource" and any(truth == INVALID for _, truth in found):
        return False
    settled = kleene_or(None if isinstance(truth, Unknown) else truth is True for _, truth in found)
    if settled is not None:
        return settled if element == "Resource" else not settled
    by_key: dict[str, list[str]] = {}
    for entry, truth in found:
        if isinstance(truth, Unknown):
            by_key.setdefault(truth.key, []).append(entry)
    leaves = [
        {"op": element, "key": key, "values": values, "holds": True, "source": source} for key, values in by_key.items()
    ]
    return disjunction(leaves) if element == "Resource" else conjunction(leaves)
