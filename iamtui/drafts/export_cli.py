"""A draft as a POSIX shell script of AWS CLI commands, in an order that works.

Documents go to the CLI's standard input as here-documents (`file:///dev/stdin`), so that no text of a policy is read
by the shell. Names and options are those of the AWS CLI Command Reference.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from iamtui.account.model import Account, Missing, User
from iamtui.drafts.edits import (
    AddUserToGroup,
    AttachPolicy,
    DeleteInlinePolicy,
    DeletePermissionsBoundary,
    DeleteResourcePolicy,
    DetachOrganizationPolicy,
    DetachPolicy,
    Draft,
    Edit,
    PutInlinePolicy,
    PutManagedPolicy,
    PutOrganizationPolicy,
    PutPermissionsBoundary,
    PutResourcePolicy,
    RemoveUserFromGroup,
    UpdateTrustPolicy,
)
from iamtui.drafts.net_edits import (
    SCP,
    holder_of,
    level_of,
    organization_policy,
    organization_policy_anywhere,
    other_levels,
    policies_at,
    same_text,
)
from iamtui.policy.arn import Arn, parse_arn
from iamtui.policy.document import PolicyDocument
from iamtui.policy.json_text import json_text
from iamtui.problem import Problem
from iamtui.service_specs import SERVICE_SPECS
from iamtui.text import safe_text

# The AWS CLI calls that write or remove the policy of a resource.


Call = tuple[tuple[str, ...], str]
"""The words behind `aws`, and what the call reads from standard input ("" for nothing)."""


def write_command(resource_arn: str, document: str) -> Call:
    """The call that gives a resource this policy.

    Args:
        document: JSON text in ASCII.

    Raises:
        Problem: no single call writes the policy of such a resource.
    """
    arn = _known(resource_arn)
    return _call(arn, SERVICE_SPECS[arn.service].writes, document)


def remove_command(resource_arn: str) -> Call:
    """The call that takes the policy of a resource away.

    Raises:
        Problem: no call does that for such a resource.
    """
    arn = _known(resource_arn)
    words = SERVICE_SPECS[arn.service].removes
    if not words:
        raise Problem(
            f"The policy of {safe_text(resource_arn, limit=256)} cannot be removed, only replaced.",
            "Put the policy into the draft that should stand in its place.",
        )
    return _call(arn, words, "")


def _known(resource_arn: str) -> Arn:
    arn = parse_arn(resource_arn)
    writable = sorted(service for service, spec in SERVICE_SPECS.items() if spec.writes)
    if arn is None or arn.service not in writable:
        services = ", ".join(writable)
        raise Problem(
            f"No single AWS CLI call writes the policy of {safe_text(resource_arn, limit=256)}.",
            f"One does for {services}; export without this edit.",
        )
    return arn


def _call(arn: Arn, words: tuple[str, ...], document: str) -> Call:
    """A call with these words; where its service reads an attribute, the document is one ("" empties it)."""
    attribute = SERVICE_SPECS[arn.service].attribute
    filled = tuple(arn.filled(word) for word in words)
    region = ("--region", arn.region) if arn.region else ()
    return (*filled, *region), json.dumps({attribute: document}, indent=2) if attribute else document


# What the exports have in common: their heads, and which account's credentials a call needs.


def header(what: str, draft: Draft, before: Account, note: str) -> Iterator[str]:
    """The first lines of an export, safe to stand in a comment."""
    alias = "" if isinstance(before.alias, Missing) or not before.alias.value else f" ({before.alias.value})"
    name = f"the draft {draft.name}" if draft.name else "a draft without a name"
    yield safe_text(f"{what} for account {before.id}{alias},")
    yield safe_text(f"written by iamtui from {name}.")
    if note:
        yield safe_text(note)


def organization_account(account: Account) -> str:
    """The id of the organization's management account, or "" when it is not known."""
    fact = account.organization
    return "" if isinstance(fact, Missing) or fact.value is None else fact.value.management_account


MOST_VERSIONS: Final = 5
"""Versions a managed policy may have (IAM User Guide: IAM and STS quotas)."""

MOST_ATTACHED: Final = {"user": 10, "group": 10, "role": 20}
"""Managed policies on a holder, unless the quota was raised (the same page)."""

MOST_GROUPS: Final = 10
"""Groups that a user may be in (the same page)."""

_STDIN: Final = "file:///dev/stdin"


@dataclass(frozen=True, slots=True)
class Command:
    """One call.

    Args:
        words: the words behind `aws`, raw.
        document: what the call reads from standard input, or "".
        remarks: comment lines above it, raw.
    """

    words: tuple[str, ...]
    document: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(slots=True)
class _Section:
    """Calls that need credentials of one account."""

    account: str
    what: str
    lines: list[str] = field(default_factory=list)


def cli_script(edits: Sequence[Edit], draft: Draft, before: Account, note: str) -> str:
    """The script, ending with a line break. It stops at the first call that fails, and in a wrong account."""
    organization = [edit for edit in edits if isinstance(edit, PutOrganizationPolicy | DetachOrganizationPolicy)]
    own = _Section(before.id, "the account itself")
    for command in _own_commands([edit for edit in edits if edit not in organization], before):
        own.lines += [*_lines(command), ""]
    above = _Section(organization_account(before), "its organization (the management account's credentials)")
    for lines in _organization_lines(organization, before):
        above.lines += [*lines, ""]
    sections = [section for section in (own, above) if section.lines]
    head = [
        "#!/bin/sh",
        *(f"# {row}" for row in header("AWS CLI commands", draft, before, note)),
        "# iamtui never runs them: read them, then run them with the account's credentials.",
        "set -eu",
        "",
    ]
    if not sections:
        return "\n".join([*head[:-2], "# The draft changes nothing in this account."]) + "\n"
    rows = [*head, *_guarded(sections)]
    while rows and not rows[-1]:
        rows.pop()
    return "\n".join(rows) + "\n"


def _guarded(sections: Sequence[_Section]) -> Iterator[str]:
    yield "caller=$(aws sts get-caller-identity --query Account --output text)"
    if len({section.account for section in sections}) == 1:
        account = sections[0].account
        if account:
            yield f'if [ "$caller" != {shlex.quote(account)} ]; then'
            yield f'    echo "These commands are for account {account}, not for $caller." >&2'
            yield "    exit 1"
            yield "fi"
        yield ""
        for section in sections:
            yield from section.lines
        return
    yield "# Two accounts take part: run the script once with the credentials of each."
    yield "ran=0"
    yield ""
    for section in sections:
        yield f"# Calls to {section.what}."
        yield f'if [ "$caller" = {shlex.quote(section.account)} ]; then' if section.account else "if :; then"
        yield "ran=1"
        yield ""
        yield from section.lines
        yield "fi"
        yield ""
    yield 'if [ "$ran" = 0 ]; then'
    accounts = " or ".join(section.account for section in sections if section.account)
    yield f'    echo "These commands are for account {accounts}, not for $caller." >&2'
    yield "    exit 1"
    yield "fi"


def _lines(command: Command) -> Iterator[str]:
    for remark in command.remarks:
        yield f"# {safe_text(remark)}"
    call = "aws " + " ".join(shlex.quote(word) for word in command.words)
    if not command.document:
        yield call
        return
    # No line of rendered JSON is a bare word, so the text cannot end the here-document.
    yield f"{call} <<'POLICY'"
    yield command.document
    yield "POLICY"


def ascii_document(text: str) -> str:
    """A policy document as indented JSON in ASCII, so that it reads the same in every locale and hides nothing."""
    return json_text(PolicyDocument(text).value, indent=2, ensure_ascii=True)


def _own_commands(edits: Sequence[Edit], before: Account) -> Iterator[Command]:
    """Policies before what attaches them, what limits before what grants, what adds before what takes away."""
    for phase in _PHASES:
        for edit in edits:
            if phase(edit):
                yield from _commands_of(edit, edits, before)


_PHASES: Final[tuple[Callable[[Edit], bool], ...]] = (
    lambda edit: isinstance(edit, PutManagedPolicy),
    lambda edit: isinstance(edit, PutPermissionsBoundary),
    lambda edit: isinstance(edit, PutInlinePolicy | AttachPolicy | AddUserToGroup),
    lambda edit: isinstance(edit, UpdateTrustPolicy | PutResourcePolicy),
    lambda edit: isinstance(edit, RemoveUserFromGroup | DetachPolicy | DeleteInlinePolicy | DeleteResourcePolicy),
    lambda edit: isinstance(edit, DeletePermissionsBoundary),
)


def _commands_of(edit: Edit, edits: Sequence[Edit], before: Account) -> Iterator[Command]:
    words: tuple[str, ...]
    options: tuple[str, ...]
    match edit:
        case PutManagedPolicy():
            yield from _managed(edit, before)
        case AttachPolicy():
            # A full holder has the detachments of the same draft made first.
            yield from _room_on(edit, edits, before)
            kind, name = _kind_and_name(edit.holder_arn)
            words = ("iam", f"attach-{kind}-policy", f"--{kind}-name", name, "--policy-arn", edit.policy_arn)
            yield Command(words)
        case DetachPolicy():
            if not _full(edit.holder_arn, edits, before):
                yield _detach(edit)
        case PutInlinePolicy():
            kind, name = _kind_and_name(edit.holder_arn)
            options = (f"--{kind}-name", name, "--policy-name", edit.name, "--policy-document", _STDIN)
            yield Command(("iam", f"put-{kind}-policy", *options), ascii_document(edit.document))
        case DeleteInlinePolicy():
            kind, name = _kind_and_name(edit.holder_arn)
            yield Command(("iam", f"delete-{kind}-policy", f"--{kind}-name", name, "--policy-name", edit.name))
        case AddUserToGroup():
            yield from _room_in_groups(edit, edits, before)
            yield _membership("add-user-to-group", edit)
        case RemoveUserFromGroup():
            if not _in_all_groups(edit.user_arn, edits, before):
                yield _membership("remove-user-from-group", edit)
        case PutPermissionsBoundary():
            kind, name = _kind_and_name(edit.holder_arn)
            call = f"put-{kind}-permissions-boundary"
            yield Command(("iam", call, f"--{kind}-name", name, "--permissions-boundary", edit.policy_arn))
        case DeletePermissionsBoundary():
            kind, name = _kind_and_name(edit.holder_arn)
            remark = "Without its boundary it may do whatever its policies allow."
            call = f"delete-{kind}-permissions-boundary"
            yield Command(("iam", call, f"--{kind}-name", name), remarks=(remark,))
        case UpdateTrustPolicy():
            _, name = _kind_and_name(edit.role_arn)
            options = ("--role-name", name, "--policy-document", _STDIN)
            yield Command(("iam", "update-assume-role-policy", *options), ascii_document(edit.document))
        case PutResourcePolicy():
            words, document = write_command(edit.resource_arn, ascii_document(edit.document))
            yield Command(words, document)
        case DeleteResourcePolicy():
            words, document = remove_command(edit.resource_arn)
            yield Command(words, document)


def _managed(edit: PutManagedPolicy, before: Account) -> Iterator[Command]:
    policy = before.policy(edit.policy_arn)
    options: tuple[str, ...]
    document = ascii_document(edit.document)
    if policy is None:
        arn = parse_arn(edit.policy_arn)
        name, path = (arn.name, arn.path) if arn is not None else (edit.policy_arn, "/")
        yield Command(
            ("iam", "create-policy", "--policy-name", name, "--path", path, "--policy-document", _STDIN), document
        )
        return
    if len(policy.versions) >= MOST_VERSIONS:
        others = [version for version in policy.versions if not version.is_default]
        oldest = min(others, key=lambda version: _number(version.id), default=None)
        if oldest is not None:
            remark = (
                f"It has {len(policy.versions)} versions, the most there can be: {oldest.id}, the oldest, goes first."
            )
            options = ("--policy-arn", policy.arn, "--version-id", oldest.id)
            yield Command(("iam", "delete-policy-version", *options), remarks=(remark,))
    options = ("--policy-arn", policy.arn, "--policy-document", _STDIN, "--set-as-default")
    yield Command(("iam", "create-policy-version", *options), document)


def _number(version_id: str) -> int:
    """7 of "v7": AWS counts versions up and never gives a number again."""
    digits = version_id.lstrip("v")
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _room_on(edit: AttachPolicy, edits: Sequence[Edit], before: Account) -> Iterator[Command]:
    first = next(other for other in edits if isinstance(other, AttachPolicy) and other.holder_arn == edit.holder_arn)
    if edit is first and _full(edit.holder_arn, edits, before):
        for other in edits:
            if isinstance(other, DetachPolicy) and other.holder_arn == edit.holder_arn:
                yield _detach(other, ("Detached first, because both at once may be more than the quota lets it have.",))


def _full(holder_arn: str, edits: Sequence[Edit], before: Account) -> bool:
    """Whether there is no room on a holder for what is attached before anything is detached."""
    holder = holder_of(before, holder_arn)
    most = MOST_ATTACHED.get(_kind_and_name(holder_arn)[0], 0)
    added = sum(isinstance(edit, AttachPolicy) and edit.holder_arn == holder_arn for edit in edits)
    return holder is not None and bool(added) and len(holder.attached_policies) + added > most


def _detach(edit: DetachPolicy, remarks: tuple[str, ...] = ()) -> Command:
    kind, name = _kind_and_name(edit.holder_arn)
    words = ("iam", f"detach-{kind}-policy", f"--{kind}-name", name, "--policy-arn", edit.policy_arn)
    return Command(words, remarks=remarks)


def _membership(call: str, edit: AddUserToGroup | RemoveUserFromGroup, remarks: tuple[str, ...] = ()) -> Command:
    user, group = (_kind_and_name(arn)[1] for arn in (edit.user_arn, edit.group_arn))
    return Command(("iam", call, "--user-name", user, "--group-name", group), remarks=remarks)


def _room_in_groups(edit: AddUserToGroup, edits: Sequence[Edit], before: Account) -> Iterator[Command]:
    first = next(other for other in edits if isinstance(other, AddUserToGroup) and other.user_arn == edit.user_arn)
    if edit is first and _in_all_groups(edit.user_arn, edits, before):
        for other in edits:
            if isinstance(other, RemoveUserFromGroup) and other.user_arn == edit.user_arn:
                remark = "Removed first, because a user is in no more groups than the quota lets it be."
                yield _membership("remove-user-from-group", other, (remark,))


def _in_all_groups(user_arn: str, edits: Sequence[Edit], before: Account) -> bool:
    """Whether a user can join no more groups before it has left some."""
    user = before.by_arn(user_arn)
    added = sum(isinstance(edit, AddUserToGroup) and edit.user_arn == user_arn for edit in edits)
    return isinstance(user, User) and bool(added) and len(user.groups) + added > MOST_GROUPS


def _kind_and_name(arn: str) -> tuple[str, str]:
    """("user", NAME), ("group", NAME) or ("role", NAME) of an ARN."""
    resource = arn.split(":", 5)[-1]
    return resource.partition("/")[0], resource.rsplit("/", 1)[-1]


# SCPs and RCPs.


def _organization_lines(edits: Sequence[Edit], before: Account) -> Iterator[list[str]]:
    made: dict[tuple[str, str], str] = {}
    updated: set[tuple[str, str]] = set()
    for edit in edits:
        if not isinstance(edit, PutOrganizationPolicy):
            continue
        key = (edit.type, edit.name)
        known = organization_policy_anywhere(before, edit.type, edit.name)
        if known is None and key not in made:
            made[key] = f"$policy_{len(made) + 1}"
            yield _create(edit, made[key][1:])
        elif known is not None and key not in updated and not same_text(known.document, edit.document):
            updated.add(key)
            yield list(_lines(_update(edit, known.arn, before)))
        if organization_policy(before, edit.type, edit.level_id, edit.name) is None:
            policy_id = shlex.quote(_policy_id(known.arn)) if known is not None else f'"{made[key]}"'
            target = shlex.quote(edit.level_id)
            yield [f"aws organizations attach-policy --policy-id {policy_id} --target-id {target}"]
    for edit in edits:
        if isinstance(edit, DetachOrganizationPolicy):
            yield list(_detach_from_level(edit, edits, before))


def _create(edit: PutOrganizationPolicy, variable: str) -> list[str]:
    """A function that creates the policy and prints its id: a here-document inside $(...) confuses older shells."""
    words = (
        *("organizations", "create-policy", "--name", edit.name, "--description", "", "--type", edit.type),
        *("--content", _STDIN, "--query", "Policy.PolicySummary.Id", "--output", "text"),
    )
    made = f"create_{variable}"
    call = _lines(Command(words, ascii_document(edit.document)))
    return [f"{made}() {{", *call, "}", f"{variable}=$({made})"]


def _update(edit: PutOrganizationPolicy, arn: str, before: Account) -> Command:
    others = [*other_levels(before, edit.type, edit.name, edit.level_id)]
    remark = "It is one policy wherever it is attached: this changes it at every root, OU and account that has it"
    remark += f" ({', '.join(others)} on the way to this account)." if others else "."
    words = ("organizations", "update-policy", "--policy-id", _policy_id(arn), "--content", _STDIN)
    return Command(words, ascii_document(edit.document), (remark,))


def _detach_from_level(edit: DetachOrganizationPolicy, edits: Sequence[Edit], before: Account) -> Iterator[str]:
    known = organization_policy(before, edit.type, edit.level_id, edit.name)
    level = level_of(before, edit.level_id)
    if known is None or level is None:
        yield f"# The id of {safe_text(edit.name)} at {safe_text(edit.level_id)} is not known here:"
        words = ("organizations", "list-policies-for-target", "--target-id", edit.level_id, "--filter", edit.type)
        yield "# aws " + safe_text(" ".join(shlex.quote(word) for word in words), limit=None)
        yield "# then: aws organizations detach-policy --policy-id ID --target-id " + safe_text(edit.level_id)
        yield "echo 'One policy could not be detached: its id is not known. See the script.' >&2"
        yield "exit 1"
        return
    left = {policy.name for policy in policies_at(level, edit.type)}
    left |= {e.name for e in edits if isinstance(e, PutOrganizationPolicy) and _same_place(e, edit)}
    left -= {e.name for e in edits if isinstance(e, DetachOrganizationPolicy) and _same_place(e, edit)}
    remarks: tuple[str, ...] = ()
    if edit.type == SCP and not left:
        remarks = ("AWS refuses to detach the last SCP of a level: attach another one first.",)
    words = ("organizations", "detach-policy", "--policy-id", _policy_id(known.arn), "--target-id", edit.level_id)
    yield from _lines(Command(words, remarks=remarks))


def _same_place(one: PutOrganizationPolicy | DetachOrganizationPolicy, other: DetachOrganizationPolicy) -> bool:
    return (one.type, one.level_id) == (other.type, other.level_id)


def _policy_id(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]
