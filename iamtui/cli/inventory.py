"""`iamtui list` and `iamtui show`: what an account holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import click

from iamtui.account.identity_center import Person
from iamtui.account.model import UNLISTED, Account, Entity, Group, ManagedPolicy, Missing, Role, User
from iamtui.cli.command import command, output_options
from iamtui.cli.listing import print_listing
from iamtui.cli.opening import (
    all_or_open,
    draft_option,
    open_workspace,
    whole_or_open,
    with_draft,
    with_people,
    with_user_details,
)
from iamtui.cli.output import Exit, Output, Span, Style, note, stdout
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.policy.document import PolicyDocument
from iamtui.presentation.listing import Listing
from iamtui.presentation.reports import controls, entities
from iamtui.problem import Problem
from iamtui.text import counted, safe_text
from iamtui.workspace.source.explained import explained
from iamtui.workspace.source.inventory import (
    KINDS,
    ORGANIZATION,
    AttachedControl,
    control_record_to_json,
    entities_of,
    find_controls,
    find_in_accounts,
    full_name,
    organization_controls,
    record_to_json,
)
from iamtui.workspace.source.workspace import Workspace

T = TypeVar("T")

_LABEL: Final = 20

_SINGULAR: Final = {"policy": "policies", **{kind.removesuffix("s"): kind for kind in KINDS}}


class _KindArgument(click.Choice[str]):
    """A kind in the plural; the singular is accepted."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(_SINGULAR.get(value, value), param, ctx)


@command("list")
@click.argument("kind", type=_KindArgument((*KINDS, ORGANIZATION)), metavar="KIND")
@click.option("--filter", "needle", default="", metavar="TEXT", help="Only rows that contain this text.")
@output_options("text", "json", "jsonl", "csv", "markdown")
@draft_option
@source_options
def list_kind(kind: str, needle: str, form: str, draft: str | None, source: SourceOptions) -> Exit:
    """List the KIND of an account: users, groups, roles, policies, instance-profiles or providers.

    `organization` lists the SCPs and RCPs of every level above the account.
    """
    workspace = with_draft(open_workspace(source, several=True, shows_facts=True), draft)
    if kind == ORGANIZATION:
        return _list_organization(workspace, needle, form)
    several = len(workspace.accounts) > 1
    found: list[tuple[Account, Entity]] = []
    code = all_or_open(workspace)
    for account in workspace.accounts:
        those = entities_of(account, kind)
        if not isinstance(those, Missing):
            found += ((account, entity) for entity in those.value)
            continue
        need = f" (needs {those.permission})" if those.permission else ""
        lacking = f"{those.reason}{need}."
        if not several:
            raise Problem(f"The {kind} of this account are not known: {lacking}", "Choose another source.")
        note(f"The {kind} of account {account.id} are not known: {lacking}")
        code = Exit.OPEN
    plural = kind.replace("-", " ")
    is_part = plural in UNLISTED and any(account.why_unlisted(plural) for account in workspace.accounts)
    if is_part:
        code = Exit.OPEN
    shown = _print_list(entities(workspace, kind), found, needle, form)
    number = counted(shown, "policy" if kind == "policies" else plural.removesuffix("s"), plural)
    over = f" of {len(workspace.accounts)} accounts" if several else ""
    if is_part and not found:
        note(f"No {plural}{over} were read, and there may be some.")
    else:
        note(f"{number}{over}{', and perhaps more that were not read' if is_part else ''}.")
    return code


def _print_list(listing: Listing[T], rows: Sequence[T], needle: str, form: str) -> int:
    """Print the rows that contain a text.

    Returns:
        How many they are.
    """
    shown = [row for row in rows if needle.lower() in listing.haystack(row)] if needle else rows
    print_listing(stdout(), form, listing, shown)
    return len(shown)


def _list_organization(workspace: Workspace, needle: str, form: str) -> Exit:
    """List the SCPs and RCPs of the accounts that are open, and where each is attached."""
    several = len(workspace.accounts) > 1
    code = Exit.OPEN if workspace.not_opened else Exit.OK
    found: list[tuple[Account, AttachedControl]] = []
    for account in workspace.accounts:
        those = organization_controls(account)
        if isinstance(those, Missing):
            need = f" (needs {those.permission})" if those.permission else ""
            words = f"The organization of account {account.id} is not known: {those.reason}{need}."
            if not several:
                raise Problem(words, "Name a profile that may read it: --organization-profile.")
            note(words)
            code = Exit.OPEN
        else:
            found += ((account, control) for control in those.value)
            _note_organization(account)
    if any(isinstance(control.policy, Missing) for _, control in found):
        code = Exit.OPEN
    _print_list(controls(workspace), found, needle, form)
    return code


def _note_organization(account: Account) -> None:
    """Say where SCPs and RCPs bind nobody."""
    organization = account.organization.value_or(None)
    if organization is None:
        note(f"Account {account.id} is in no organization: no SCP or RCP applies.")
    elif organization.management_account == account.id:
        note(f"Account {account.id} is the management account: SCPs and RCPs do not bind it.")


@command()
@click.argument("name")
@output_options("text", "json")
@click.option("--explain", "explain", is_flag=True, help="Explain what it is, and what it means in this account.")
@draft_option
@source_options
def show(name: str, form: str, explain: bool, draft: str | None, source: SourceOptions) -> Exit:
    """Show everything known about NAME: an ARN, a unique id, KIND/NAME, or a name that only one entity has."""
    workspace = with_draft(open_workspace(source, several=True, shows_facts=True), draft)
    controls = next(filter(None, (find_controls(account, name) for account in workspace.accounts)), None)
    if controls is not None and not explain:
        _show_control(controls, as_json=form == "json")
        return Exit.OK
    workspace, entity = find_in_accounts(workspace, name)
    if isinstance(entity, User):
        workspace = with_user_details(workspace, entity)
        entity = workspace.account.user(entity.name) or entity
    elif isinstance(entity, Role) and entity.sso_reserved:
        workspace = with_people(workspace, source, drafted=draft is not None)
    out = stdout()
    if explain:
        if form == "json":
            raise Problem("--explain and --json exclude each other.", "Give one of them.")
        _print_explanation(out, workspace, entity)
    elif form == "json":
        out.json(record_to_json(workspace.account, entity), indent=2)
    else:
        _print_record(out, workspace, entity)
    # Who is in a group, who has a policy and what else an explanation counts, others say, who may not have been read.
    rests_on_others = explain or isinstance(entity, (Group, ManagedPolicy))
    return whole_or_open(workspace.account) if rests_on_others else Exit.OK


def _show_control(places: list[AttachedControl], *, as_json: bool) -> None:
    """Print an SCP or RCP: where it is attached, and its document."""
    out, policy = stdout(), places[0].policy
    if as_json:
        out.json(control_record_to_json(places), indent=2)
    elif not isinstance(policy, Missing):
        out.line(Span(f"{places[0].kind}/{policy.name}", Style.STRONG))
        if policy.arn:
            out.line("  ", Span(policy.arn, Style.QUIET))
        for number, place in enumerate(places):
            label = "" if number else "attached to"
            words = f"{place.level.name or place.level.id} ({place.level.id})"
            out.paragraph(safe_text(words), indent=_LABEL + 2, first=(f"  {label}",))
        out.blank()
        _print_document(out, "document", policy.document)


def _print_explanation(out: Output, workspace: Workspace, entity: Entity) -> None:
    found = explained(workspace.account, entity)
    out.line(Span(full_name(entity), Style.STRONG), "  ", Span(found.title.lower(), Style.QUIET))
    for sentence in found.general:
        out.paragraph(safe_text(sentence), indent=2, first=("  ",))
    out.line(Span("In this account", Style.STRONG))
    for sentence in found.here:
        out.paragraph(safe_text(sentence), indent=2, first=("  ",))


_HEADINGS: Final = {
    "id": "id", "created": "created", "last_used": "last used", "description": "description", "groups": "groups",
    "members": "members", "boundary_arn": "boundary", "attached_policies": "attached", "tags": "tags",
    "password_last_used": "password used", "login_profile": "console password", "access_keys": "access keys",
    "mfa_devices": "MFA devices", "max_session_seconds": "longest session", "instance_profiles": "instance profiles",
    "permission_set": "permission set", "people": "people", "people_more": "", "people_not_known": "not known",
    "services_last_used": "services used",
    "updated": "updated", "attached_to": "attached to", "boundary_of": "boundary of", "roles": "roles",
    "type": "type", "audiences": "audiences",
}  # fmt: skip
"""The facts of a record that are shown, in this order, and what they are called."""


def _print_record(out: Output, workspace: Workspace, entity: Entity) -> None:
    record = record_to_json(workspace.account, entity)
    missing = {entry["what"]: entry for entry in record.get("missing", ())}
    out.line(Span(full_name(entity), Style.STRONG))
    out.line("  ", Span(entity.arn, Style.QUIET))
    if isinstance(entity, User):
        # A user's last use is that of the password and of the access keys.
        missing.setdefault("last_used", missing.get("password_last_used") or missing.get("access_keys"))
    for field, heading in _HEADINGS.items():
        if field == "last_used" and not isinstance(entity, (User, Role)):
            continue
        if field in record:
            lines = _fact_lines(field, record[field], missing.get(field))
            for number, words in enumerate(lines):
                label = heading if number == 0 else ""
                out.paragraph(words, indent=_LABEL + 2, first=(f"  {label}",))
    for title, document in _documents(entity):
        out.blank()
        _print_document(out, title, document)


def _fact_lines(field: str, value: Any, lacking: dict[str, Any] | None) -> list[str]:
    unknown = f"unknown: {lacking['reason']}" + (f" (needs {lacking['permission']})" if lacking["permission"] else "") \
        if lacking else ""  # fmt: skip
    if value is None:
        empty = {"last_used": "never", "password_last_used": "never", "created": "unknown"}
        return [unknown or empty.get(field, "none")]
    if field == "people_more":
        return [f"and {value:,} more, who are not named here"]
    if field == "max_session_seconds":
        return [f"{value} seconds"]
    if field == "login_profile":
        reset = ", must be changed at the next sign-in" if value["password_reset_required"] else ""
        return [f"since {value['created'] or 'an unknown time'}{reset}"]
    if field == "permission_set":
        duration = value.get("session_duration")
        return [f"{value['name']}{f', sessions of {duration}' if duration else ''}"]
    if isinstance(value, dict):
        return [f"{key} = {item}" for key, item in value.items()] or ["none"]
    if isinstance(value, list):
        return [_item(item) for item in value] or ["none"]
    return [str(value) or "none"]


def _item(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    if "user_name" in item:
        name = Person(item["id"], item["user_name"] or "", item["name"] or "").words
        return f"{name}, {'by ' + ', '.join(item['groups']) if item['groups'] else 'directly'}"
    if "arn" in item:
        return str(item["arn"])
    if "serial" in item:
        return f"{item['serial']}, since {item['enabled'] or 'an unknown time'}"
    used = f"last used {item['last_used']}" if item["last_used"] else "never used"
    if "service" in item:
        return f"{item['service']}  {used}{' in ' + item['region'] if item['region'] else ''}"
    through = f" for {item['last_service']} in {item['last_region']}" if item["last_service"] else ""
    return f"{item['id']}  {item['status']}, created {item['created'] or 'unknown'}, {used}{through}"


def _documents(entity: Entity) -> list[tuple[str, PolicyDocument]]:
    if isinstance(entity, ManagedPolicy):
        version = entity.default_version
        return [(f"document ({version.id}, the default)", version.document)] if version is not None else []
    found: list[tuple[str, PolicyDocument]] = []
    if isinstance(entity, Role) and entity.trust.raw:
        found.append(("trust policy", entity.trust))
    if isinstance(entity, (User, Group, Role)):
        found += [(f"inline policy {policy.name}", policy.document) for policy in entity.inline_policies]
    return found


def _print_document(out: Output, title: str, document: PolicyDocument) -> None:
    if document.error is not None:
        out.line("  ", Span(title, Style.STRONG), "  ", Span("[x] unreadable", Style.BAD), f" {document.error}")
        out.document(document.raw, indent=4)
        return
    out.line("  ", Span(title, Style.STRONG))
    out.document(document.text, indent=4)
