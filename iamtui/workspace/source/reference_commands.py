"""Handing over by reference: commands that get a session's credentials anew, so that no secret travels with them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from iamtui.credentials.export import find_format
from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.workspace.source.workspace import SourceInfo, SourceKind

if TYPE_CHECKING:
    # It brings in the whole engine.
    from iamtui.credentials.assume_role import AssumeRoleInput

DEFAULT_SECONDS: Final = 3600
"""How long a session lasts that nobody asks a duration for (STS API reference: AssumeRole)."""

EACH_USE: Final = "One STS call each time, and one MFA prompt where the role needs a code."


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a session came about, as far as a command can repeat it.

    Args:
        source: where the account was read from.
        entered: what was sent to STS, without the MFA code; None when it is not known.
        via: the roles that were assumed on the way, by ARN.
    """

    source: SourceInfo
    entered: AssumeRoleInput | None = None
    via: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """One command.

    Args:
        key: names it in menus.
        label: what it is for.
        command: the command, to be run by the user; "" when it cannot be written.
        note: what to know before using it, one or two sentences; or why it cannot be written.
    """

    key: str
    label: str
    command: str
    note: str


def references(session: Session, provenance: Provenance, format_name: str) -> tuple[Reference, ...]:
    """The commands that hand over a session's role, the one for the format first.

    Args:
        session: whose role.
        provenance: how it came about, so that the command assumes the same.
        format_name: the format of the first command.
    """
    lost = _lost(provenance)
    found = [_reference("shell", "into this shell", session, provenance, format_name, f"{EACH_USE}{lost}")]
    found.append(
        _program(
            "exec", "into one program", session, provenance,
            f"The credentials go into the environment of the command, and nothing renews them.{lost}",
        )
    )  # fmt: skip
    found.append(
        _program(
            "serve", "to one program, renewed", session, provenance,
            f"Answers the program's SDK from memory and renews in time; an MFA code is asked for once.{lost}",
        )
    )  # fmt: skip
    found.append(
        _reference(
            "process", "for ~/.aws/config", session, provenance, "json",
            f"One STS call and one MFA prompt for every program that starts: iamtui serve asks once, for all.{lost}",
        )
    )  # fmt: skip
    return tuple(found)


def format_reference(session: Session, provenance: Provenance, format_name: str) -> Reference:
    """The command that hands over a session's role in one format."""
    return _reference(
        "format", find_format(format_name).label, session, provenance, format_name, EACH_USE + _lost(provenance)
    )


def _reference(key: str, label: str, session: Session, provenance: Provenance, name: str, note: str) -> Reference:
    try:
        return Reference(
            key, label, find_format(name).command(session.role_arn, *reference_options(session, provenance)), note
        )
    except Problem as problem:
        return Reference(key, label, "", str(problem))


def _program(command: str, label: str, session: Session, provenance: Provenance, note: str) -> Reference:
    words = find_format("posix").quote
    options = [session.role_arn, *reference_options(session, provenance)]
    try:
        line = " ".join(words(option) for option in options)
    except Problem as problem:
        return Reference(command, label, "", str(problem))
    return Reference(command, label, f"iamtui {command} {line} -- COMMAND", note)


def reference_options(session: Session, provenance: Provenance) -> Sequence[str]:
    """The options that make a command assume a session's role as it was assumed."""
    source, entered = provenance.source, provenance.entered
    words: list[str] = []
    if source.kind is SourceKind.DEMO:
        words.append("--demo")
    else:
        for option, value in (
            ("--profile", source.profile),
            ("--region", source.region),
            ("--endpoint-url", source.endpoint_url),
        ):
            words += [option, value] if value else []
    before = () if source.read_through in provenance.via else (source.read_through,)
    for role in filter(None, (*before, *provenance.via)):
        words += ["--via", role]
    if entered is None:
        return words
    if session.session_name != re.split("[:/]", session.source_arn)[-1]:
        # The command's own default is the name of the caller.
        words += ["--session-name", session.session_name]
    if entered.duration_seconds != DEFAULT_SECONDS:
        words += ["--duration", str(entered.duration_seconds)]
    extras = entered.extras
    for option, value in (
        ("--external-id", entered.external_id),
        ("--mfa-serial", entered.mfa_serial),
        ("--source-identity", extras.source_identity),
    ):
        words += [option, value] if value else []
    for arn in extras.policy_arns:
        words += ["--policy-arn", arn]
    for tag, value in extras.tags:
        words += ["--tag", f"{tag}={value}"]
    for tag in extras.transitive_tag_keys:
        words += ["--transitive", tag]
    return words


def _lost(provenance: Provenance) -> str:
    """Notes on inputs that a command line cannot carry, or had better not, a sentence each, or ""."""
    entered = provenance.entered
    if entered is None:
        return ""
    policy = " The inline session policy is not in it: name its file with --policy." if entered.extras.policy else ""
    shown = " It holds the external id, which every user of this machine can read while it runs."
    return f"{policy}{shown if entered.external_id else ''}"
