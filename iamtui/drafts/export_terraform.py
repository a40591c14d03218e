"""A draft as a Terraform configuration for the AWS provider: resources, and import blocks for what exists already.

Resource types, arguments and import ids are those of the AWS provider's documentation. What a draft takes away
cannot be said by a resource, so it stands as comments with the address and the id to import.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from iamtui.account.model import Account, Known, Role, Tags, User
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
from iamtui.drafts.export_cli import ascii_document, header, organization_account
from iamtui.drafts.net_edits import (
    holder_of,
    inline_document,
    organization_policy,
    organization_policy_anywhere,
    same_text,
)
from iamtui.policy.arn import Arn, parse_arn
from iamtui.problem import Problem
from iamtui.service_specs import SERVICE_SPECS, TerraformPolicy
from iamtui.text import safe_text

# Writing HCL, Terraform's language: quoted strings, templates, names (Terraform Language: Strings and Templates).


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


_Arguments = dict[str, str | list[str]]


def terraform_configuration(edits: Sequence[Edit], draft: Draft, before: Account, note: str) -> str:
    """The configuration, ending with a line break."""
    writer = _Writer(edits, before)
    parts = [part for part in writer.parts() if part]
    head = [comment(row) for row in header("Terraform", draft, before, note)]
    head += [
        "# iamtui applies nothing. Import blocks (Terraform 1.5) bring what exists already",
        "# under its control: leave out what your configuration manages elsewhere, and",
        "# read `terraform plan` before you apply.",
    ]
    if not parts:
        parts = ["# The draft changes nothing in this account."]
    return "\n\n".join(["\n".join(head), *parts]) + "\n"


class _Writer:
    """Writes the blocks of one draft."""

    def __init__(self, edits: Sequence[Edit], before: Account) -> None:
        self._edits = edits
        self._before = before
        self._names = Names()
        self._created: dict[str, str] = {}
        """Reference to the ARN or id of a policy that this configuration creates, by ARN or by type and name."""

    def parts(self) -> Iterator[str]:
        """Blocks and comments, policies first."""
        for edit in self._edits:
            if isinstance(edit, PutManagedPolicy):
                yield self._managed(edit)
        yield from self._entities()
        yield from self._groups()
        for edit in self._edits:
            yield from self._of(edit)
        yield from self._organization()
        for edit in self._edits:
            yield self._taken_away(edit)

    def _of(self, edit: Edit) -> Iterator[str]:
        match edit:
            case AttachPolicy():
                kind, name = _kind_and_name(edit.holder_arn)
                arguments: _Arguments = {kind: quoted(name), "policy_arn": self._policy_reference(edit.policy_arn)}
                resource_type = f"aws_iam_{kind}_policy_attachment"
                yield self._resource(resource_type, (name, edit.policy_arn.rsplit("/", 1)[-1]), arguments)
            case PutInlinePolicy():
                kind, name = _kind_and_name(edit.holder_arn)
                arguments = {
                    "name": quoted(edit.name),
                    kind: quoted(name),
                    "policy": json_heredoc(ascii_document(edit.document)),
                }
                exists = inline_document(self._before, edit.holder_arn, edit.name) is not None
                import_id = f"{name}:{edit.name}" if exists else ""
                yield self._resource(f"aws_iam_{kind}_policy", (name, edit.name), arguments, import_id)
            case PutResourcePolicy():
                yield self._resource_policy(edit)

    # Blocks.

    def _resource(
        self,
        resource_type: str,
        parts: Sequence[str],
        arguments: _Arguments,
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
            self._created[reference] = f"{resource_type}.{name}.{attribute}"
        if import_id:
            text = block("import", (), {"to": f"{resource_type}.{name}", "id": quoted(import_id)}) + "\n\n" + text
        return text

    def _policy_reference(self, arn: str) -> str:
        return self._created.get(arn) or quoted(arn)

    def _managed(self, edit: PutManagedPolicy) -> str:
        policy = self._before.policy(edit.policy_arn)
        arn = parse_arn(edit.policy_arn)
        name, path = (arn.name, arn.path) if arn is not None else (edit.policy_arn, "/")
        if policy is not None:
            name, path = policy.name, policy.path
        arguments: _Arguments = {"name": quoted(name), "path": quoted(path)}
        unknown: list[str] = []
        if policy is not None:
            # A description that differs would make Terraform replace the policy instead of changing it.
            if isinstance(policy.description, Known):
                if policy.description.value:
                    arguments["description"] = quoted(policy.description.value)
            else:
                unknown.append("description")
            _add_tags(arguments, policy.tags, unknown)
        arguments["policy"] = json_heredoc(ascii_document(edit.document))
        import_id = edit.policy_arn if policy is not None else ""
        return self._resource("aws_iam_policy", (name,), arguments, import_id, unknown, edit.policy_arn)

    def _entities(self) -> Iterator[str]:
        """Users and roles whose boundary or trust policy changes, each once."""
        wanted: dict[str, dict[str, str | None]] = {}
        for edit in self._edits:
            if isinstance(edit, PutPermissionsBoundary):
                wanted.setdefault(edit.holder_arn, {})["boundary"] = edit.policy_arn
            elif isinstance(edit, DeletePermissionsBoundary):
                wanted.setdefault(edit.holder_arn, {})["boundary"] = None
            elif isinstance(edit, UpdateTrustPolicy):
                wanted.setdefault(edit.role_arn, {})["trust"] = edit.document
        for arn, changes in wanted.items():
            entity = holder_of(self._before, arn)
            if isinstance(entity, Role | User):
                yield self._entity(entity, changes)

    def _entity(self, entity: User | Role, changes: dict[str, str | None]) -> str:
        arguments: _Arguments = {"name": quoted(entity.name), "path": quoted(entity.path)}
        unknown: list[str] = []
        boundary = changes.get("boundary", entity.boundary_arn)
        if isinstance(entity, Role):
            if isinstance(entity.description, Known):
                if entity.description.value:
                    arguments["description"] = quoted(entity.description.value)
            else:
                unknown.append("description")
            if isinstance(entity.max_session_seconds, Known):
                arguments["max_session_duration"] = str(entity.max_session_seconds.value)
            else:
                unknown.append("max_session_duration")
        if boundary is not None:
            arguments["permissions_boundary"] = self._policy_reference(boundary)
        _add_tags(arguments, entity.tags, unknown)
        if isinstance(entity, Role):
            trust = changes.get("trust") or entity.trust.source_text
            arguments["assume_role_policy"] = json_heredoc(ascii_document(trust))
        kind = "aws_iam_role" if isinstance(entity, Role) else "aws_iam_user"
        dropped = "boundary" in changes and boundary is None
        remark = comment("permissions_boundary is gone: what its policies allow is no longer capped.") + "\n"
        return (remark if dropped else "") + self._resource(kind, (entity.name,), arguments, entity.name, unknown)

    def _groups(self) -> Iterator[str]:
        """New memberships, one resource for each user; it leaves other memberships alone."""
        added: dict[str, list[str]] = {}
        for edit in self._edits:
            if isinstance(edit, AddUserToGroup):
                added.setdefault(edit.user_arn, []).append(edit.group_arn)
        for user_arn, group_arns in added.items():
            user = _kind_and_name(user_arn)[1]
            groups = ", ".join(quoted(_kind_and_name(arn)[1]) for arn in group_arns)
            yield self._resource(
                "aws_iam_user_group_membership", (user,), {"user": quoted(user), "groups": f"[{groups}]"}
            )

    def _organization(self) -> Iterator[str]:
        management = organization_account(self._before)
        first = True
        for edit in self._edits:
            if not isinstance(edit, PutOrganizationPolicy):
                continue
            if first and management and management != self._before.id:
                yield comment(f"What follows needs a provider with the credentials of account {management}.")
            first = False
            yield from self._organization_policy(edit)

    def _organization_policy(self, edit: PutOrganizationPolicy) -> Iterator[str]:
        key = f"{edit.type}/{edit.name}"
        known = organization_policy_anywhere(self._before, edit.type, edit.name)
        policy_id = known.arn.rsplit("/", 1)[-1] if known is not None else ""
        if key not in self._created and (known is None or not same_text(known.document, edit.document)):
            arguments: _Arguments = {
                "name": quoted(edit.name),
                "type": quoted(edit.type),
                "content": json_heredoc(ascii_document(edit.document)),
            }
            unknown = ("description", "tags", "tags_all") if known is not None else ()
            yield self._resource("aws_organizations_policy", (edit.name,), arguments, policy_id, unknown, key)
        if organization_policy(self._before, edit.type, edit.level_id, edit.name) is None:
            reference = self._created.get(key) or quoted(policy_id)
            yield self._resource(
                "aws_organizations_policy_attachment",
                (edit.name, edit.level_id),
                {"policy_id": reference, "target_id": quoted(edit.level_id)},
            )

    def _resource_policy(self, edit: PutResourcePolicy) -> str:
        arn = parse_arn(edit.resource_arn)
        form = _terraform_of(arn)
        if arn is None or form is None:
            known = sorted(service for service, spec in SERVICE_SPECS.items() if spec.terraform is not None)
            raise Problem(
                f"No Terraform resource is known for the policy of {safe_text(edit.resource_arn, limit=256)}.",
                f"There is one for {', '.join(known)}; export without this edit.",
            )
        owner = arn.filled(form.owner)
        arguments: _Arguments = {form.argument: quoted(owner), "policy": json_heredoc(ascii_document(edit.document))}
        found = self._before.resource_policies.get(edit.resource_arn)
        # A key always has a policy; others are imported when they are known to have one.
        exists = (found is not None and found.state == "present") or arn.service == "kms"
        region = [comment(f"In {arn.region}.") + "\n"] if arn.region else [""]
        text = self._resource(form.type, (arn.resource,), arguments, owner if exists else "")
        return region[0] + text

    # What is taken away.

    def _taken_away(self, edit: Edit) -> str:
        match edit:
            case DetachPolicy():
                kind, name = _kind_and_name(edit.holder_arn)
                parts = (name, edit.policy_arn.rsplit("/", 1)[-1])
                what = f"Detach {edit.policy_arn} from {kind} {name}"
                return self._removal(what, f"aws_iam_{kind}_policy_attachment", parts, f"{name}/{edit.policy_arn}")
            case DeleteInlinePolicy():
                kind, name = _kind_and_name(edit.holder_arn)
                what = f"Delete the inline policy {edit.name} of {kind} {name}"
                return self._removal(what, f"aws_iam_{kind}_policy", (name, edit.name), f"{name}:{edit.name}")
            case RemoveUserFromGroup():
                user, group = (_kind_and_name(arn)[1] for arn in (edit.user_arn, edit.group_arn))
                what = f"Remove user {user} from group {group}"
                return self._removal(what, "aws_iam_user_group_membership", (user, group), f"{user}/{group}")
            case DetachOrganizationPolicy():
                known = organization_policy(self._before, edit.type, edit.level_id, edit.name)
                policy_id = known.arn.rsplit("/", 1)[-1] if known is not None else "POLICY_ID"
                what = f"Detach {edit.name} from {edit.level_id}"
                parts = (edit.name, edit.level_id)
                return self._removal(what, "aws_organizations_policy_attachment", parts, f"{edit.level_id}:{policy_id}")
            case DeleteResourcePolicy():
                arn = parse_arn(edit.resource_arn)
                form = _terraform_of(arn)
                what = f"Remove the policy of {edit.resource_arn}"
                if arn is None or form is None:
                    return comment(f"{what}: no Terraform resource is known for it.")
                return self._removal(what, form.type, (arn.resource,), arn.filled(form.owner))
        return ""

    def _removal(self, what: str, resource_type: str, parts: Sequence[str], import_id: str) -> str:
        address = f"{resource_type}.{self._names.name(resource_type, *parts)}"
        rows = [
            f"{what}: delete its resource from the configuration that has it. Where none has it, write an empty",
            f'resource "{resource_type}" "{address.partition(".")[2]}", then:',
            f"  terraform import {shlex.quote(address)} {shlex.quote(import_id)}",
            f"  terraform destroy -target={shlex.quote(address)}",
        ]
        return "\n".join(comment(row) for row in rows)


def _add_tags(arguments: _Arguments, tags: Tags, unknown: list[str]) -> None:
    """Tags that are there stay: a resource without them would have Terraform take them away."""
    if not tags:
        unknown += ["tags", "tags_all"]
        return
    arguments["tags"] = "{ " + ", ".join(f"{quoted(key)} = {quoted(value)}" for key, value in tags) + " }"


def _kind_and_name(arn: str) -> tuple[str, str]:
    resource = arn.split(":", 5)[-1]
    return resource.partition("/")[0], resource.rsplit("/", 1)[-1]


def _terraform_of(arn: Arn | None) -> TerraformPolicy | None:
    spec = SERVICE_SPECS.get(arn.service) if arn is not None else None
    return spec.terraform if spec is not None else None
