"""`iamtui what-can`: the effective permissions of one principal, compared and as one policy."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from iamtui.cli.command import command, output_options
from iamtui.cli.listing import print_listing
from iamtui.cli.opening import draft_option, open_workspace, with_draft
from iamtui.cli.output import Exit, Output, Span, Style, note, stdout
from iamtui.cli.questions import (
    QuestionOptions,
    load_resource_policies,
    matrix_of,
    question_options,
    say_assumed,
)
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.presentation.access import (
    ACTIONS,
    OVER_TIME,
    SHORT_LEVELS,
    ActionRow,
    ChangeRow,
    DifferenceWords,
    access_changes,
    level_cell,
    of_two,
    permission_json,
    unloaded_words,
)
from iamtui.presentation.styled_words import needs_ascii, shades
from iamtui.problem import Problem
from iamtui.text import counted, first_names
from iamtui.workspace.ask.access import levels_of
from iamtui.workspace.ask.effective_policy import MANAGED_POLICY_SIZE, effective_policy
from iamtui.workspace.ask.policy_reads import refused_statements
from iamtui.workspace.ask.what_can import (
    LEVELS,
    EffectiveAccess,
    LevelCount,
    ServiceAccess,
    compare_access,
)
from iamtui.workspace.ask.what_can import what_can as find_what_can
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.principals import is_not_there, resolve_principal
from iamtui.workspace.source.workspace import SourceChoice, SourceKind

if TYPE_CHECKING:
    from iamtui.questions.question import QuestionMatrix
    from iamtui.workspace.source.workspace import Workspace

_MOST_NAMED: Final = 8

_EPILOG: Final = """\
Each cell of the table counts the allowed actions of an access level; "+2?" is 2 more that depend on a condition. What a
resource's policy allows by itself counts where that policy is loaded.
"""


@command("what-can", epilog=_EPILOG)
@click.argument("principal")
@question_options
@click.option(
    "--service", "services", multiple=True, metavar="SERVICE", help="List the actions of a service, such as s3."
)
@click.option("--policy", "as_policy", is_flag=True, help="Print the permissions as one policy document.")
@click.option("--against", metavar="PRINCIPAL", help="Print what this principal can do otherwise, or not at all.")
@click.option("--against-snapshot", metavar="FILE", help="Print what has changed since this snapshot.")
@output_options("text", "json", "jsonl", "csv", "markdown")
@draft_option
@source_options
def what_can(
    principal: str,
    asked: QuestionOptions,
    services: tuple[str, ...],
    as_policy: bool,
    against: str | None,
    against_snapshot: str | None,
    form: str,
    draft: str | None,
    source: SourceOptions,
) -> Exit:
    """List what PRINCIPAL can do after every layer: policies, groups, boundary, SCPs, RCPs and resource policies.

    Counts actions by service and access level; --service lists them with their resources and the conditions that
    remain. With --draft or --against-snapshot: what is gained, lost or changed; with --against: what only one can do.
    """
    if sum(one is not None for one in (against, against_snapshot, draft)) > 1:
        raise Problem("--against, --against-snapshot and --draft exclude each other.", "Give one of them.")
    _check(asked, as_policy=as_policy, otherwise=bool(against or against_snapshot))
    made = matrix_of(("sts:GetCallerIdentity",), asked)
    wanted = tuple(dict.fromkeys(service.lower().removesuffix(":*") for service in services))
    workspace = load_resource_policies(open_workspace(source), made)
    if as_policy:
        _print_policy(with_draft(workspace, draft), principal, wanted, as_json=form != "text")
        return Exit.OK
    changed = with_draft(workspace, draft)
    made_by_draft = changed is not workspace and is_not_there(workspace, resolve_principal(changed, principal))
    found = _ask(changed if made_by_draft else workspace, principal, made, wanted)
    out = stdout()
    other: EffectiveAccess | None = None
    if made_by_draft:
        note("The draft makes this principal: all of it is gained.")
    elif against is not None:
        other = _ask(workspace, against, made, wanted)
    elif draft is not None:
        other = _ask(changed, found.principal.arn, made, wanted)
    elif against_snapshot is not None:
        before = open_source(SourceChoice(SourceKind.SNAPSHOT, Path(against_snapshot)))
        other, found = found, _ask(load_resource_policies(before, made), found.principal.arn, made, wanted)
    if other is not None:
        words = _words_of(workspace, found, other) if against is not None else OVER_TIME
        changed_access = compare_access(found, other)
        print_listing(out, form, access_changes(words), map(ChangeRow, changed_access))
        note(words.sentence(changed_access))
    elif form in ("json", "jsonl"):
        out.json(_to_json(found), indent=2 if form == "json" else None)
    elif wanted or form != "text":
        print_listing(out, form, ACTIONS, _actions(found))
    else:
        _print_heat_map(out, found, ascii_only=needs_ascii(os.environ, getattr(sys.stdout, "encoding", None)))
    _say_limits(found, *(() if other is None else (other,)))
    say_assumed(workspace, made.terms, principal=found.principal)
    if other is None:
        note(_summary(workspace, found))
    return Exit.OK


def _words_of(workspace: Workspace, found: EffectiveAccess, other: EffectiveAccess) -> DifferenceWords:
    if found.principal == other.principal:
        return OVER_TIME
    return of_two(*(workspace.short_name(one.principal.arn) for one in (found, other)))


def _check(asked: QuestionOptions, *, as_policy: bool, otherwise: bool) -> None:
    """Refuse options that do not go together; `otherwise`: whether something else than a policy is to be printed."""
    if as_policy and (otherwise or asked.given):
        raise Problem(
            "--policy prints what holds on every resource in every context, as JSON.",
            "Leave the other options out; --service and --draft narrow and change it, --json adds what is left out.",
        )
    if asked.chained_from or asked.with_checks:
        raise Problem("what-can takes neither --chained-from nor --with.", "They are for `iamtui can`.")


def _ask(workspace: Workspace, principal: str, made: QuestionMatrix, services: tuple[str, ...]) -> EffectiveAccess:
    who = resolve_principal(workspace, principal)
    return find_what_can(workspace, who, made.resources, made.terms, services=services or None)


def _print_policy(workspace: Workspace, principal: str, services: tuple[str, ...], *, as_json: bool) -> None:
    """The effective permissions as one identity policy; what it lacks on stderr, or beside it in one object."""
    who = resolve_principal(workspace, principal)
    made = effective_policy(workspace, who, services or None)
    if as_json:
        lacks = {"left_out": list(made.left_out), "caps_complete": made.caps_complete}
        stdout().json({"policy": made.document, **lacks})
    else:
        stdout().json(made.document, indent=2, alone=True)
    if made.left_out:
        note(
            "Left out in part, because no single statement says it or all of them would be longer than IAM takes: "
            f"{first_names(made.left_out, _MOST_NAMED)}. The policy grants less of it, never more."
        )
    if not made.caps_complete:
        note("Not evaluated, and could take some of it away: SCP.")
    note("What the policies of resources allow by themselves is not in it.")
    refused = refused_statements(workspace.account, principal=who)
    if refused:
        note(refused)
    if made.size > MANAGED_POLICY_SIZE:
        note(f"It has {made.size:,} characters; a managed policy may have {MANAGED_POLICY_SIZE:,}.")


def _print_heat_map(out: Output, found: EffectiveAccess, *, ascii_only: bool) -> None:
    """The services, with how many actions of each access level are allowed."""
    services = found.services
    if not services:
        return
    headings = ("SERVICE", *(SHORT_LEVELS.get(level, level) for level in LEVELS))
    rows = [
        [one.service, *(level_cell(one.levels.get(level), ascii_only=ascii_only) for level in LEVELS)]
        for one in services
    ]
    widths = [max(len(row[column]) for row in (headings, *rows)) for column in range(len(headings))]
    out.line(Span("  ".join(f"{text:<{width}}" for text, width in zip(headings, widths, strict=True)), Style.QUIET))
    for service, row in zip(services, rows, strict=True):
        parts: list[str | Span] = [f"{row[0]:<{widths[0]}}"]
        for level, text, width in zip(LEVELS, row[1:], widths[1:], strict=True):
            parts += ("  ", Span(f"{text:<{width}}", _level_style(level, service.levels.get(level))))
        out.line(*parts)
    note(f"{shades(ascii_only=ascii_only)} of the actions; ? on a condition.")


def _level_style(level: str, count: LevelCount | None) -> Style:
    if count is None or not count.allowed + count.depends:
        return Style.QUIET
    if level in ("List", "Read"):
        return Style.GOOD
    return Style.BAD if level == "Permissions management" else Style.OPEN


def _actions(found: EffectiveAccess) -> list[ActionRow]:
    """The actions by service."""
    return [
        (action, one)
        for service in found.services
        for action, one in sorted(
            ((action, one) for one in service.permissions for action in one.actions), key=lambda line: line[0].lower()
        )
    ]


def _say_limits(*answers: EffectiveAccess) -> None:
    unloaded = unloaded_words(one for answer in answers for one in answer.permissions)
    for words in dict.fromkeys((unloaded, *(answer.refused for answer in answers))):
        if words:
            note(words)


def _summary(workspace: Workspace, found: EffectiveAccess) -> str:
    services = found.services
    allowed, depends = sum(one.allowed for one in services), sum(one.depends for one in services)
    on = "" if found.resources == ("*",) else f" on {', '.join(found.resources)}"
    name = workspace.short_name(found.principal.arn)
    of = counted(len(services), "service")
    return f"{name}{on}: {counted(allowed, 'action')} allowed, {depends:,} on a condition, of {of}."


def _to_json(found: EffectiveAccess) -> dict[str, Any]:
    return {
        "principal": found.principal.arn,
        "resources": list(found.resources),
        "notes": [found.refused] if found.refused else [],
        "services": [_service_json(service) for service in found.services],
        "actions": [
            {"action": action, "access_levels": list(levels_of(action)), **permission_json(one)}
            for one in found.permissions
            for action in one.actions
        ],
    }


def _service_json(service: ServiceAccess) -> dict[str, Any]:
    return {
        "service": service.service,
        "allowed": service.allowed,
        "depends": service.depends,
        "actions": service.total,
        "access_levels": {level: count._asdict() for level, count in service.levels.items()},
    }
