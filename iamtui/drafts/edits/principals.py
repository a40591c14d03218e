"""Edits of users, groups and roles: attached policies, group memberships, permissions boundaries, trust policies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Final, Self

from msgspec import Meta, Struct, structs

from iamtui.account.model import Account, Group, Known, Missing, Role, User
from iamtui.drafts.aws_values import (
    NAME,
    PATH,
    POLICY_ARN,
    ROLE_DESCRIPTION,
    SESSION_SECONDS,
    TAG_KEY,
    TAG_VALUE,
    entity_name,
    iam_kind_and_name,
    policy_name,
)
from iamtui.drafts.edits.base import (
    STDIN,
    AccountAfterEdits,
    Arguments,
    BaseEdit,
    BoundedArn,
    Document,
    GroupArn,
    HolderArn,
    NewRoleArn,
    PolicyArn,
    RoleArn,
    TerraformBlocks,
    UserArn,
    add_tags,
    ascii_document,
    call,
    comment,
    folder,
    holder_of,
    json_heredoc,
    option,
    quoted,
)
from iamtui.drafts.ledger import Ledger, Misfit, listed, not_there
from iamtui.policy.document import PolicyDocument
from iamtui.policy.json_text import json_text
from iamtui.policy.patterns import parse_arn
from iamtui.policy.types import PolicyType
from iamtui.text import safe_text

MOST_ATTACHED: Final = {"user": 10, "group": 10, "role": 20}
"""Managed policies on a holder, unless the quota was raised (IAM User Guide: IAM and STS quotas)."""

MOST_GROUPS: Final = 10
"""Groups that a user may be in (the same page)."""


class _AttachmentEdit(BaseEdit, frozen=True):
    """An edit of whether a managed policy is attached to a user, group or role."""

    adds: ClassVar[bool]
    holder_arn: HolderArn
    policy_arn: PolicyArn
    subject_parts = ("attachment", "holder_arn", "policy_arn")

    def changes_nothing(self, current: AccountAfterEdits) -> bool:
        holder = holder_of(current.account, self.holder_arn)
        if holder is None:
            return False
        return self.adds is any(policy.arn == self.policy_arn for policy in holder.attached_policies)

    def call(self, verb: str, *remarks: str) -> list[str]:
        kind, name = iam_kind_and_name(self.holder_arn)
        options = option(f"--{kind}-name", name), option("--policy-arn", POLICY_ARN.checked(self.policy_arn))
        return call(("iam", f"{verb}-{kind}-policy", *options), remarks=remarks)


class AttachPolicy(_AttachmentEdit, frozen=True):
    """Attach a managed policy, the account's own or one of AWS."""

    says = "attach {policy} to {holder}"
    commands = (("attach",),)
    adds = True
    cli_phase = 2
    terraform_phase = 3

    @property
    def brought_policy(self) -> str:
        return self.policy_arn

    def apply(self, ledger: Ledger) -> None:
        holder = ledger.holder(self.holder_arn)
        attached = ledger.attachable(self.policy_arn)
        if any(entry.arn == attached.arn for entry in holder.attached_policies):
            ledger.find("no effect", f"{policy_name(attached.arn)} is already attached to {entity_name(holder.arn)}.")
            return
        ledger.put(replace(holder, attached_policies=(*holder.attached_policies, attached)))
        ledger.count(attached.arn, attachments=1)

    def resolved(self, after: Account) -> Self:
        return structs.replace(self, policy_arn=resolved_policy(after, self.holder_arn, self.policy_arn))

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        first = next(edit for edit in edits if isinstance(edit, AttachPolicy) and edit.holder_arn == self.holder_arn)
        if self is first and _full(self.holder_arn, edits, before):
            for edit in edits:
                if isinstance(edit, DetachPolicy) and edit.holder_arn == self.holder_arn:
                    remark = "Detached first, because both at once may be more than the quota lets it have."
                    yield edit.call("detach", remark)
        yield self.call("attach")

    def terraform(self, blocks: TerraformBlocks, edits: Sequence[BaseEdit], before: Account) -> Iterator[str]:
        kind, name = iam_kind_and_name(self.holder_arn)
        yield blocks.resource(
            f"aws_iam_{kind}_policy_attachment",
            (name, self.policy_arn.rsplit("/", 1)[-1]),
            {
                kind: blocks.holder_reference(self.holder_arn, name),
                "policy_arn": blocks.policy_reference(self.policy_arn),
            },
        )


class DetachPolicy(_AttachmentEdit, frozen=True):
    """Detach a managed policy."""

    says = "detach {policy} from {holder}"
    commands = (("detach",),)
    adds = False
    cli_phase = 4

    @property
    def detachment(self) -> str:
        return f"{policy_name(self.policy_arn)} no longer applies to {entity_name(self.holder_arn)}"

    def replaced(self, current: AccountAfterEdits) -> PolicyDocument | None:
        return current.managed(self.policy_arn)

    def apply(self, ledger: Ledger) -> None:
        holder = ledger.holder(self.holder_arn)
        left = tuple(entry for entry in holder.attached_policies if entry.arn != self.policy_arn)
        if len(left) == len(holder.attached_policies):
            raise Misfit(
                f"{safe_text(policy_name(self.policy_arn))} is not attached to {safe_text(entity_name(holder.arn))}",
                not_there("Attached", (policy_name(entry.arn) for entry in holder.attached_policies)),
            )
        ledger.put(replace(holder, attached_policies=left))
        ledger.count(self.policy_arn, attachments=-1)

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        if not _full(self.holder_arn, edits, before):
            yield self.call("detach")

    def terraform(self, blocks: TerraformBlocks, edits: Sequence[BaseEdit], before: Account) -> Iterator[str]:
        kind, name = iam_kind_and_name(self.holder_arn)
        yield blocks.removal(
            f"Detach {self.policy_arn} from {kind} {name}",
            f"aws_iam_{kind}_policy_attachment",
            (name, self.policy_arn.rsplit("/", 1)[-1]),
            f"{name}/{POLICY_ARN.checked(self.policy_arn)}",
        )


def resolved_policy(after: Account, holder_arn: str, policy: str) -> str:
    """The ARN of a policy that may be given by the name it has with AWS."""
    if policy.startswith("arn:"):
        return policy
    holder = holder_of(after, holder_arn)
    known = {entry.name: entry.arn for entry in holder.attached_policies} if holder is not None else {}
    known.update({entry.name: entry.arn for entry in after.policies if entry.aws_managed})
    return known.get(policy, policy)


def _full(holder_arn: str, edits: Sequence[BaseEdit], before: Account) -> bool:
    """True if a holder has no room for the attached policies before anything is detached."""
    holder = holder_of(before, holder_arn)
    most = MOST_ATTACHED.get(iam_kind_and_name(holder_arn)[0], 0)
    added = sum(isinstance(edit, AttachPolicy) and edit.holder_arn == holder_arn for edit in edits)
    return holder is not None and bool(added) and len(holder.attached_policies) + added > most


class _MembershipEdit(BaseEdit, frozen=True):
    """An edit of whether a user is in a group."""

    adds: ClassVar[bool]
    user_arn: UserArn
    group_arn: GroupArn
    subject_parts = ("membership", "user_arn", "group_arn")

    @property
    def group(self) -> str:
        return self.group_arn

    @property
    def names(self) -> tuple[str, str]:
        return iam_kind_and_name(self.user_arn)[1], iam_kind_and_name(self.group_arn)[1]

    def user_and_group(self, ledger: Ledger) -> tuple[User, Group]:
        user = ledger.user(self.user_arn, "Only users are members of groups; correct the ARN.")
        group = ledger.entity(self.group_arn)
        if not isinstance(group, Group):
            raise Misfit(
                f"expected a group of account {ledger.base.id}, "
                f"and {safe_text(self.group_arn) or 'an empty text'} is none",
                listed("Its groups", (group.name for group in ledger.base.groups)),
            )
        ledger.holder(user.arn)
        return user, group

    def changes_nothing(self, current: AccountAfterEdits) -> bool:
        user = current.account.by_arn(self.user_arn)
        return isinstance(user, User) and self.adds is (self.group_arn.rsplit("/", 1)[-1] in user.groups)

    def call(self, verb: str, *remarks: str) -> list[str]:
        user, group = self.names
        return call(("iam", verb, option("--user-name", user), option("--group-name", group)), remarks=remarks)


class AddUserToGroup(_MembershipEdit, frozen=True):
    """Put a user into a group."""

    says = "add {user} to {group}"
    commands = (("add-to-group",),)
    adds = True
    cli_phase = 2
    terraform_phase = 2

    def apply(self, ledger: Ledger) -> None:
        user, group = self.user_and_group(ledger)
        if group.name in user.groups:
            ledger.find("no effect", f"{entity_name(user.arn)} is already in {entity_name(group.arn)}.")
            return
        ledger.put(replace(user, groups=(*user.groups, group.name)))

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        first = next(edit for edit in edits if isinstance(edit, AddUserToGroup) and edit.user_arn == self.user_arn)
        if self is first and _in_all_groups(self.user_arn, edits, before):
            for edit in edits:
                if isinstance(edit, RemoveUserFromGroup) and edit.user_arn == self.user_arn:
                    remark = "Removed first, because a user is in no more groups than the quota lets it be."
                    yield edit.call("remove-user-from-group", remark)
        yield self.call("add-user-to-group")

    def terraform(self, blocks: TerraformBlocks, edits: Sequence[BaseEdit], before: Account) -> Iterator[str]:
        """One resource for all that a user joins; it leaves other memberships alone."""
        joined = [edit for edit in edits if isinstance(edit, AddUserToGroup) and edit.user_arn == self.user_arn]
        if self is joined[0]:
            user = self.names[0]
            groups = ", ".join(quoted(edit.names[1]) for edit in joined)
            arguments: dict[str, str | list[str]] = {"user": quoted(user), "groups": f"[{groups}]"}
            yield blocks.resource("aws_iam_user_group_membership", (user,), arguments)


class RemoveUserFromGroup(_MembershipEdit, frozen=True):
    """Take a user out of a group."""

    says = "remove {user} from {group}"
    commands = (("remove-from-group",),)
    adds = False
    cli_phase = 4

    def apply(self, ledger: Ledger) -> None:
        user, group = self.user_and_group(ledger)
        if group.name not in user.groups:
            raise Misfit(
                f"{safe_text(entity_name(user.arn))} is not in {safe_text(entity_name(group.arn))}",
                not_there("Its groups", user.groups),
            )
        ledger.put(replace(user, groups=tuple(name for name in user.groups if name != group.name)))

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        if not _in_all_groups(self.user_arn, edits, before):
            yield self.call("remove-user-from-group")

    def terraform(self, blocks: TerraformBlocks, edits: Sequence[BaseEdit], before: Account) -> Iterator[str]:
        user, group = self.names
        what = f"Remove user {user} from group {group}"
        yield blocks.removal(what, "aws_iam_user_group_membership", (user, group), f"{user}/{group}")


def _in_all_groups(user_arn: str, edits: Sequence[BaseEdit], before: Account) -> bool:
    """True if a user can join no more groups before it has left some."""
    user = before.by_arn(user_arn)
    added = sum(isinstance(edit, AddUserToGroup) and edit.user_arn == user_arn for edit in edits)
    return isinstance(user, User) and bool(added) and len(user.groups) + added > MOST_GROUPS


# The record of a user or role: its permissions boundary, its trust policy.


class _EntityEdit(BaseEdit, frozen=True):
    """An edit of the record of one user or role, whose ARN is the second part of the subject."""

    terraform_phase = 1

    def terraform(self, blocks: TerraformBlocks, edits: Sequence[BaseEdit], before: Account) -> Iterator[str]:
        """The block of a user or role with all that is edited of it, once."""
        arn = self.subject[1]
        changes = [other for other in edits if isinstance(other, _EntityEdit) and other.subject[1] == arn]
        created = next((change.role() for change in changes if isinstance(change, CreateRole)), None)
        entity = created or holder_of(before, arn)
        if self is not changes[0] or not isinstance(entity, Role | User):
            return
        name = NAME.checked(entity.name)
        unknown: list[str] = []
        arguments: Arguments = {"name": quoted(name), "path": quoted(PATH.checked(entity.path))}
        if isinstance(entity, Role):
            _describe_role(entity, arguments, unknown)
        boundary = _boundary_after(entity, changes)
        if boundary:
            arguments["permissions_boundary"] = blocks.policy_reference(boundary)
        if entity.tags or created is None:
            add_tags(arguments, entity.tags, unknown)
        if isinstance(entity, Role):
            trusts = [change.document for change in changes if change.document]
            trust = trusts[-1] if trusts else entity.trust.source_text
            arguments["assume_role_policy"] = json_heredoc(ascii_document(trust))
        kind = "aws_iam_role" if isinstance(entity, Role) else "aws_iam_user"
        import_id, reference = (name, "") if created is None else ("", arn)
        yield _uncapped(changes) + blocks.resource(kind, (name,), arguments, import_id, unknown, reference)


def _boundary_after(entity: User | Role, changes: Sequence[BaseEdit]) -> str | None:
    """The ARN of the permissions boundary that an entity has in the end."""
    boundaries = [change.brought_policy for change in changes if isinstance(change, _BoundaryEdit)]
    return boundaries[-1] if boundaries else entity.boundary_arn


def _uncapped(changes: Sequence[BaseEdit]) -> str:
    """A remark where a boundary is dropped."""
    if any(isinstance(change, DeletePermissionsBoundary) for change in changes):
        return comment("permissions_boundary is gone: what its policies allow is no longer capped.") + "\n"
    return ""


def _describe_role(role: Role, arguments: Arguments, unknown: list[str]) -> None:
    """Add what Terraform would reset of a role that a block leaves it out of, or name it where it is not known."""
    if isinstance(role.description, Missing):
        unknown.append("description")
    elif role.description.value:
        arguments["description"] = quoted(ROLE_DESCRIPTION.checked(role.description.value))
    if isinstance(role.max_session_seconds, Missing):
        unknown.append("max_session_duration")
    else:
        arguments["max_session_duration"] = SESSION_SECONDS.checked(str(role.max_session_seconds.value))


class _BoundaryEdit(_EntityEdit, frozen=True):
    holder_arn: BoundedArn
    subject_parts = ("boundary", "holder_arn")

    def changes_nothing(self, current: AccountAfterEdits) -> bool:
        bounded = current.account.by_arn(self.holder_arn)
        return isinstance(bounded, User | Role) and bounded.boundary_arn == (self.brought_policy or None)


class PutPermissionsBoundary(_BoundaryEdit, frozen=True):
    """Set a permissions boundary."""

    policy_arn: PolicyArn
    says = "set the permissions boundary of {holder} to {policy}"
    commands = (("set-boundary",),)
    cli_phase = 1

    @property
    def brought_policy(self) -> str:
        return self.policy_arn

    def apply(self, ledger: Ledger) -> None:
        holder = _bounded(ledger, self.holder_arn)
        boundary = ledger.attachable(self.policy_arn)
        if holder.boundary_arn == boundary.arn:
            sentence = f"{policy_name(boundary.arn)} already is the boundary of {entity_name(holder.arn)}."
            ledger.find("no effect", sentence)
            return
        if holder.boundary_arn is not None:
            ledger.count(holder.boundary_arn, boundaries=-1)
        ledger.put(replace(holder, boundary_arn=boundary.arn))
        ledger.count(boundary.arn, boundaries=1)

    def resolved(self, after: Account) -> Self:
        return structs.replace(self, policy_arn=resolved_policy(after, self.holder_arn, self.policy_arn))

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        if any(isinstance(edit, CreateRole) and edit.role_arn == self.holder_arn for edit in edits):
            return  # It is made with it.
        kind, name = iam_kind_and_name(self.holder_arn)
        boundary = option("--permissions-boundary", POLICY_ARN.checked(self.policy_arn))
        yield call(("iam", f"put-{kind}-permissions-boundary", option(f"--{kind}-name", name), boundary))


class DeletePermissionsBoundary(_BoundaryEdit, frozen=True):
    """Drop a permissions boundary."""

    says = "drop the permissions boundary of {holder}"
    commands = (("drop-boundary",),)
    cli_phase = 5

    def taken_away(self, current: AccountAfterEdits) -> PolicyDocument | None:
        return current.managed(current.boundary(self.holder_arn))

    def apply(self, ledger: Ledger) -> None:
        holder = _bounded(ledger, self.holder_arn)
        if holder.boundary_arn is None:
            who = safe_text(entity_name(self.holder_arn))
            raise Misfit(f"{who} has no permissions boundary", "Take the edit out if it has been made already.")
        ledger.count(holder.boundary_arn, boundaries=-1)
        ledger.put(replace(holder, boundary_arn=None))

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        kind, name = iam_kind_and_name(self.holder_arn)
        remark = "Without its boundary it may do whatever its policies allow."
        yield call(("iam", f"delete-{kind}-permissions-boundary", option(f"--{kind}-name", name)), remarks=(remark,))


def _bounded(ledger: Ledger, arn: str) -> User | Role:
    holder = ledger.holder(arn)
    if isinstance(holder, Group):
        raise Misfit(
            f"{safe_text(entity_name(arn))} is a group, and only users and roles have a permissions boundary",
            "Name a user or a role.",
        )
    return holder


class _TrustEdit(_EntityEdit, frozen=True):
    """An edit that gives a role its trust policy."""

    role_arn: RoleArn
    document: Document

    @property
    def document_title(self) -> str:
        return f"The trust policy of {safe_text(self.role_arn, limit=256)}"

    @property
    def diff_path(self) -> str:
        return f"{folder(self.role_arn)}/trust.json"

    @property
    def policy_type(self) -> PolicyType:
        return PolicyType.TRUST

    def replaced(self, current: AccountAfterEdits) -> PolicyDocument | None:
        return current.trust(self.role_arn)


class UpdateTrustPolicy(_TrustEdit, frozen=True):
    """Replace a role's trust policy."""

    says = "replace the trust policy of {role}"
    commands = (("set-trust",),)
    cli_phase = 3
    subject_parts = ("trust", "role_arn")

    def apply(self, ledger: Ledger) -> None:
        role = ledger.role(self.role_arn)
        document = ledger.document(self.document, role.trust)
        if document is role.trust:
            ledger.find("no effect", f"The trust policy of {entity_name(role.arn)} already says this.")
            return
        ledger.put(replace(role, trust=document))

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        _, name = iam_kind_and_name(self.role_arn)
        options = option("--role-name", name), option("--policy-document", STDIN)
        yield call(("iam", "update-assume-role-policy", *options), ascii_document(self.document))


class Tag(Struct, frozen=True, forbid_unknown_fields=True):
    """A tag of a role that is made."""

    key: str
    value: str


class CreateRole(_TrustEdit, frozen=True, omit_defaults=True):
    """Make a role; edits that follow give it its policies and its boundary."""

    role_arn: NewRoleArn
    tags: Annotated[tuple[Tag, ...], Meta(description='a list of tags: {"key": "…", "value": "…"}')] = ()
    says = "create {role}"
    commands = (("create-role",),)
    # Behind the policies that may be its boundary, with which it is made.
    cli_phase = 1
    subject_parts = ("role", "role_arn")

    def role(self, trust: PolicyDocument | None = None) -> Role:
        """Its record.

        Args:
            trust: its document, where that was read already.
        """
        arn = parse_arn(self.role_arn)
        assert arn is not None
        return Role(
            arn.name,
            arn.path,
            str(arn),
            "",
            None,
            trust if trust is not None else PolicyDocument(self.document),
            tags=tuple((tag.key, tag.value) for tag in self.tags),
            description=Known(""),
            max_session_seconds=Known(_SESSION_OF_A_NEW_ROLE),
            last_used=Known(None),
        )

    def apply(self, ledger: Ledger) -> None:
        account = ledger.base
        arn = parse_arn(self.role_arn)
        shown = safe_text(self.role_arn, limit=512) or "an empty text"
        if (
            arn is None
            or (arn.partition, arn.service, arn.account) != (account.partition, "iam", account.id)
            or arn.resource_type != "role"
            or not NAME.test(arn.name)
            or len(arn.name) > LONGEST_ROLE_NAME
            or not PATH.test(arn.path)
        ):
            raise Misfit(
                f"expected the ARN of a new role of account {account.id}, and {shown} is none",
                f"Write it as arn:{account.partition}:iam::{account.id}:role/NAME, with a name of at most "
                f"{LONGEST_ROLE_NAME} characters.",
            )
        made = self.role(ledger.document(self.document))
        if made.service_linked or made.sso_reserved:
            raise Misfit(f"{shown} is a role that only AWS makes", "Give it another path and name.")
        # IAM keeps apart no names that differ in case alone.
        same = next((role for role in ledger.roles() if role.name.lower() == made.name.lower()), None)
        if same is not None:
            raise Misfit(
                f"account {account.id} already has role/{safe_text(same.name)}",
                "Choose another name, or take the edit out if it has been made already.",
            )
        ledger.put(made)

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        made = self.role()
        options = [option("--role-name", NAME.checked(made.name)), option("--path", PATH.checked(made.path))]
        boundary = next(
            (edit for edit in edits if isinstance(edit, PutPermissionsBoundary) and edit.holder_arn == self.role_arn),
            None,
        )
        if boundary is not None:
            options.append(option("--permissions-boundary", POLICY_ARN.checked(boundary.policy_arn)))
        if self.tags:
            tags = [{"Key": TAG_KEY.checked(tag.key), "Value": TAG_VALUE.checked(tag.value)} for tag in self.tags]
            options.append(option("--tags", json_text(tags, ensure_ascii=True)))
        options.append(option("--assume-role-policy-document", STDIN))
        yield call(("iam", "create-role", *options), ascii_document(self.document))


LONGEST_ROLE_NAME: Final = 64
"""IAM User Guide: quotas."""
_SESSION_OF_A_NEW_ROLE: Final = 3600
