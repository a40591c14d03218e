"""Lint of a document as a whole: its size against the quotas of IAM and Organizations, and what it repeats."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from iamtui.lint.actions import action_glob
from iamtui.lint.subject import CheckedDocument, Level, named, quoted, resource_glob, resource_tokens
from iamtui.policy.document import Statement
from iamtui.policy.json_text import json_text
from iamtui.policy.patterns import Token, Wild, is_pattern, parse_pieces, tokens_of
from iamtui.policy.types import PolicyType

OF_IAM: Final = (PolicyType.IDENTITY, PolicyType.BOUNDARY, PolicyType.SESSION, PolicyType.TRUST)
"""The policy types that the IAM API takes."""

_ISSUES: Final = {
    PolicyType.IDENTITY: "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA",
    PolicyType.RESOURCE: "POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA",
    PolicyType.TRUST: "POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA",
    PolicyType.SCP: "POLICY_SIZE_EXCEEDS_SCP_QUOTA",
    PolicyType.RCP: "POLICY_SIZE_EXCEEDS_RCP_QUOTA",
}


def check_size(subject: CheckedDocument) -> None:
    """Size against the quotas of customers; AWS's own managed policies are larger."""
    given = subject.document.source_text
    if subject.kind in OF_IAM:
        _check_iam_size(subject, sum(not c.isspace() for c in given), len(given))
        strange = next((c for c in given if ord(c) > 0xFF), None)
        if strange is not None:
            subject.place("$").error(
                "character-not-allowed",
                f"The character U+{ord(strange):04X} is outside U+0020 to U+00FF, so the IAM API refuses the document.",
            )
        return
    compact = len(json_text(subject.document.value, separators=(",", ":")))
    if subject.kind is PolicyType.SCP and len(given) > 10_240:
        _organization_size(subject, "SCP", len(given), compact, 10_240)
    elif subject.kind is PolicyType.RCP and len(given) > 5_120:
        _organization_size(subject, "RCP", len(given), compact, 5_120)
    elif subject.kind is PolicyType.VPC_ENDPOINT and len(given) > 20_480:
        _too_large(subject, len(given), 20_480, "a VPC endpoint policy, white space included")
    elif subject.kind is PolicyType.RESOURCE:
        size = len(json_text(subject.document.value, separators=(",", ":")).encode(errors="surrogatepass"))
        service = _only_service(subject)
        if service == "s3" and size > 20 * 1024:
            _too_large(subject, size, 20 * 1024, "a bucket policy")
        elif service == "kms" and size > 32 * 1024:
            _too_large(subject, size, 32 * 1024, "a key policy")


def _only_service(subject: CheckedDocument) -> str | None:
    actions = [
        action
        for statement in subject.policy.statements
        for action in (statement.actions or statement.not_actions or ())
    ]
    services = {action.partition(":")[0].lower() for action in actions}
    return services.pop() if len(services) == 1 else None


def _check_iam_size(subject: CheckedDocument, size: int, with_spaces: int) -> None:
    if with_spaces > 131_072:
        _too_large(subject, with_spaces, 131_072, "any document given to the IAM API")
    elif subject.kind is PolicyType.TRUST and size > 2_048:
        if size > 8_192:
            _too_large(subject, size, 8_192, "a role trust policy, at the highest quota")
        else:
            _large(subject, size, "2,048 is the default quota of a role trust policy, which can be raised to 8,192")
    elif subject.kind is PolicyType.SESSION and size > 2_048:
        _large(subject, size, "an inline session policy may have 2,048, managed ones included")
    elif subject.kind is PolicyType.BOUNDARY and size > 6_144:
        _too_large(subject, size, 6_144, "a managed policy, which a boundary is")
    elif subject.kind is PolicyType.IDENTITY and size > 6_144:
        if size > 10_240:
            _too_large(subject, size, 10_240, "any identity-based policy")
        else:
            _large(subject, size, "a managed policy may have 6,144, and only inline policies of a role 10,240 together")


def _too_large(subject: CheckedDocument, size: int, limit: int, what: str) -> None:
    subject.place("$").error(
        "too-large",
        f"The document has {size:,} characters, more than the {limit:,} of {what}; split it.",
        aws=_ISSUES.get(subject.kind),
    )


def _large(subject: CheckedDocument, size: int, why: str) -> None:
    """Over a default quota. As an inline policy of a role an identity-based policy may have that size."""
    inline = subject.kind is PolicyType.IDENTITY
    subject.place("$").report(
        Level.SUGGESTION if inline else Level.WARNING,
        "large",
        f"The document has {size:,} characters without white space; {why}.",
        aws=None if inline else _ISSUES.get(subject.kind),
    )


def _organization_size(subject: CheckedDocument, name: str, given: int, compact: int, limit: int) -> None:
    """SCP quotas were raised in 2026, so going over one is shown without calling the document refused."""
    issue = _ISSUES[subject.kind]
    if compact <= limit:
        message = f"The {name} has {given:,} characters with white space, which counts; written compactly it fits."
        subject.place("$").warning("large", message, aws=issue)
    elif name == "SCP":
        message = f"The SCP has {compact:,} characters without white space; the quota is {limit:,}; split it."
        subject.place("$").warning("large", message, aws=issue)
    else:
        _too_large(subject, compact, limit, "an RCP")


# Entries and statements that another one makes superfluous.


_WILD: Final = re.compile(r"[*?]")
_MOST_PAIRS: Final = 1_000_000
"""Lists with more pairs of a wildcard entry and another entry are not searched for entries that cover others."""
_MOST_CHARACTERS: Final = 500_000
"""Characters that are tested against patterns for one list."""


def check_repetition(subject: CheckedDocument, statement: Statement) -> None:
    """Actions and resources of one statement that another entry of the same list covers."""
    variables = subject.policy.substitutes_variables

    def covers_resource(wide: str, entry: str) -> bool:
        # What a variable stands for is not known, so an entry with one covers only its like.
        known = not variables or "${" not in wide
        return wide == "*" or (known and resource_glob(wide, variables).covers(_any(resource_tokens(entry, variables))))

    for element, entries in (("Action", statement.actions), ("NotAction", statement.not_actions)):
        lowered = [entry.lower() for entry in entries or ()]
        _report(subject, statement, element, entries or (), lowered, _covers_entry, "action")
    for element, entries in (("Resource", statement.resources), ("NotResource", statement.not_resources)):
        _report(subject, statement, element, entries or (), list(entries or ()), covers_resource, "resource")


def _covers_entry(wide: str, entry: str) -> bool:
    """True if an Action entry matches everything another one matches; the service is compared literally."""
    if wide in ("*", "*:*"):
        return True
    same_service = wide.partition(":")[0] == entry.partition(":")[0]
    return same_service and action_glob(wide).covers(_any(tokens_of(parse_pieces(entry, variables=False))))


def _any(tokens: Sequence[Token]) -> list[Token]:
    """Tokens with each question mark widened to a star: a pattern that covers them covers the entry."""
    wider = {Wild.ONE: Wild.STAR, Wild.FIELD_ONE: Wild.FIELD_STAR}
    return [wider.get(token, token) if isinstance(token, Wild) else token for token in tokens]


def _report(
    subject: CheckedDocument,
    statement: Statement,
    element: str,
    entries: tuple[str, ...],
    compared: list[str],
    covers: Callable[[str, str], bool],
    what: str,
) -> None:
    """One finding for each entry that makes others superfluous."""
    for at, superfluous in _superfluous(compared, covers).items():
        first = superfluous[0]
        if all(compared[i] == compared[at] for i in superfluous):
            times = len(superfluous) + 1
            message = (
                f"{quoted(entries[first])} is listed {'twice' if times == 2 else f'{times} times'}; keep one of them."
            )
        else:
            names = list(dict.fromkeys(entries[i] for i in superfluous))
            verb = "is" if len(names) == 1 else "are"
            message = f"{named(names)} {verb} already covered by {quoted(entries[at])}; keep one or the other."
        subject.at(statement, element, first).report(
            Level.SUGGESTION, f"redundant-{what}", message, aws=f"REDUNDANT_{what.upper()}", count=len(superfluous)
        )


def _superfluous(entries: Sequence[str], covers: Callable[[str, str], bool]) -> dict[int, list[int]]:
    """For each entry that covers others, which; of two that cover each other the first stays."""
    # What stands before its first wildcard spares most comparisons.
    wide = {i: _WILD.split(entry, maxsplit=1)[0] for i, entry in enumerate(entries) if is_pattern(entry)}
    if len(wide) * len(entries) > _MOST_PAIRS:
        wide = {}
    left = _MOST_CHARACTERS
    firsts: dict[str, int] = {}
    found: dict[int, list[int]] = {}
    for i, entry in enumerate(entries):
        first = firsts.setdefault(entry, i)
        if first != i:
            found.setdefault(first, []).append(i)
            continue
        for j, start in wide.items():
            if entries[j] == entry or not entry.startswith(start):
                continue
            left -= len(entry)
            if left < 0:
                break
            if covers(entries[j], entry) and not (i < j and covers(entry, entries[j])):
                found.setdefault(j, []).append(i)
                break
    return {at: sorted(found[at]) for at in sorted(found)}


def check_statements(subject: CheckedDocument) -> None:
    """Statements that say the same as an earlier one, whatever their Sid."""
    firsts: dict[object, Statement] = {}
    for statement in subject.policy.statements:
        first = firsts.setdefault(_meaning(statement), statement)
        if first is not statement:
            subject.at(statement).suggestion(
                "redundant-statement",
                f"The statement says the same as statement {first.index + 1}; remove one of them.",
                aws="REDUNDANT_STATEMENT",
            )


def _meaning(statement: Statement) -> object:
    def as_set(entries: tuple[str, ...] | None) -> frozenset[str] | None:
        return None if entries is None else frozenset(entries)

    def lowered(entries: tuple[str, ...] | None) -> frozenset[str] | None:
        return None if entries is None else frozenset(entry.lower() for entry in entries)

    return (
        statement.effect,
        None if statement.principals is None else frozenset(statement.principals),
        None if statement.not_principals is None else frozenset(statement.not_principals),
        lowered(statement.actions),
        lowered(statement.not_actions),
        as_set(statement.resources),
        as_set(statement.not_resources),
        frozenset((line.operator.lower(), line.key.lower(), as_set(line.values)) for line in statement.conditions),
    )
