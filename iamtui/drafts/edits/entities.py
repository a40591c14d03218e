"""Edits of the record of a user or role: its permissions boundary, its trust policy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Self

from msgspec import structs

from iamtui.account.model import Account, Group, Known, Role, User
from iamtui.drafts.aws_values import (
    NAME,
    PATH,
    POLICY_ARN,
    ROLE_DESCRIPTION,
    SESSION_SECONDS,
    iam_kind_and_name,
)
from iamtui.drafts.edits.attachments import resolved_policy
from iamtui.drafts.edits.base import (
    STDIN,
    BaseEdit,
    BoundedArn,
    Document,
    PolicyArn,
    RoleArn,
    Standing,
    ascii_document,
    call,
    folder,
    holder_of,
    option,
    same_text,
)
from iamtui.drafts.hcl import Arguments, TerraformBlocks, add_tags, comment, json_heredoc, quoted
from iamtui.drafts.ledger import Ledger, Misfit
from iamtui.drafts.words import entity_name, policy_name
from iamtui.policy.document import PolicyDocument
from iamtui.policy.types import PolicyType
from iamtui.text import safe_text


class _EntityEdit(BaseEdit, frozen=True):
    """An edit of the record of one user or role, whose ARN is the second part of the subject."""

    terraform_phase = 1

    def terraform(self, blocks: TerraformBlocks, edits: Sequence[BaseEdit], before: Account) -> Iterator[str]:
        """The block of a user or role with all that is edited of it, once."""
        arn = self.subject[1]
        changes = [other for other in edits if isinstance(other, _EntityEdit) and other.subject[1] == arn]
        entity = holder_of(before, arn)
        if self is not changes[0] or not isinstance(entity, Role | User):
            return
        name = NAME.checked(entity.name)
        arguments: Arguments = {"name": quoted(name), "path": quoted(PATH.checked(entity.path))}
        unknown: list[str] = []
        boundary = entity.boundary_arn
        for change in changes:
            if not isinstance(change, UpdateTrustPolicy):
                boundary = change.brought_policy or None
        if isinstance(entity, Role):
            if isinstance(entity.description, Known):
                if entity.description.value:
                    arguments["description"] = quoted(ROLE_DESCRIPTION.checked(entity.description.value))
            else:
                unknown.append("description")
            if isinstance(entity.max_session_seconds, Known):
                arguments["max_session_duration"] = SESSION_SECONDS.checked(str(entity.max_session_seconds.value))
            else:
                unknown.append("max_session_duration")
        if boundary is not None:
            arguments["permissions_boundary"] = blocks.policy_reference(boundary)
        add_tags(arguments, entity.tags, unknown)
        if isinstance(entity, Role):
            trust = next((change.document for change in changes if change.document), entity.trust.source_text)
            arguments["assume_role_policy"] = json_heredoc(ascii_document(trust))
        kind = "aws_iam_role" if isinstance(entity, Role) else "aws_iam_user"
        remark = ""
        if any(isinstance(change, DeletePermissionsBoundary) for change in changes):
            remark = comment("permissions_boundary is gone: what its policies allow is no longer capped.") + "\n"
        yield remark + blocks.resource(kind, (name,), arguments, name, unknown)


class _BoundaryEdit(_EntityEdit, frozen=True):
    """An edit of a permissions boundary."""

    holder_arn: BoundedArn

    @property
    def subject(self) -> tuple[str, ...]:
        return "boundary", self.holder_arn


class PutPermissionsBoundary(_BoundaryEdit, frozen=True):
    """Set a permissions boundary."""

    policy_arn: PolicyArn
    commands = (("set-boundary",),)
    cli_phase = 1

    @property
    def brought_policy(self) -> str:
        return self.policy_arn

    def words(self, standing: Standing) -> str:
        return f"set the permissions boundary of {entity_name(self.holder_arn)} to {policy_name(self.policy_arn)}"

    def lay(self, ledger: Ledger) -> None:
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

    def changes_nothing(self, standing: Standing) -> bool:
        return _has_boundary(standing.account, self.holder_arn, self.policy_arn)

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        kind, name = iam_kind_and_name(self.holder_arn)
        boundary = option("--permissions-boundary", POLICY_ARN.checked(self.policy_arn))
        yield call(("iam", f"put-{kind}-permissions-boundary", option(f"--{kind}-name", name), boundary))


class DeletePermissionsBoundary(_BoundaryEdit, frozen=True):
    """Drop a permissions boundary."""

    commands = (("drop-boundary",),)
    cli_phase = 5

    def words(self, standing: Standing) -> str:
        return f"drop the permissions boundary of {entity_name(self.holder_arn)}"

    def taken_away(self, standing: Standing) -> PolicyDocument | None:
        return standing.managed(standing.boundary(self.holder_arn))

    def lay(self, ledger: Ledger) -> None:
        holder = _bounded(ledger, self.holder_arn)
        if holder.boundary_arn is None:
            who = safe_text(entity_name(self.holder_arn))
            raise Misfit(f"{who} has no permissions boundary", "Take the edit out if it has been made already.")
        ledger.count(holder.boundary_arn, boundaries=-1)
        ledger.put(replace(holder, boundary_arn=None))

    def changes_nothing(self, standing: Standing) -> bool:
        return _has_boundary(standing.account, self.holder_arn, None)

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


def _has_boundary(account: Account, holder_arn: str, policy_arn: str | None) -> bool:
    bounded = account.by_arn(holder_arn)
    return isinstance(bounded, User | Role) and bounded.boundary_arn == policy_arn


class UpdateTrustPolicy(_EntityEdit, frozen=True):
    """Replace a role's trust policy."""

    role_arn: RoleArn
    document: Document
    commands = (("set-trust",),)
    cli_phase = 3

    @property
    def subject(self) -> tuple[str, ...]:
        return "trust", self.role_arn

    @property
    def document_title(self) -> str:
        return f"The trust policy of {safe_text(self.role_arn, limit=256)}"

    @property
    def diff_path(self) -> str:
        return f"{folder(self.role_arn)}/trust.json"

    @property
    def policy_type(self) -> PolicyType:
        return PolicyType.TRUST

    def words(self, standing: Standing) -> str:
        return f"replace the trust policy of {entity_name(self.role_arn)}"

    def replaced(self, standing: Standing) -> PolicyDocument | None:
        return standing.trust(self.role_arn)

    def lay(self, ledger: Ledger) -> None:
        role = ledger.role(self.role_arn)
        document = ledger.document(self.document, role.trust)
        if document is role.trust:
            ledger.find("no effect", f"The trust policy of {entity_name(role.arn)} already says this.")
            return
        ledger.put(replace(role, trust=document))

    def changes_nothing(self, standing: Standing) -> bool:
        return same_text(standing.trust(self.role_arn), self.document)

    def aws_cli(self, edits: Sequence[BaseEdit], before: Account) -> Iterator[list[str]]:
        _, name = iam_kind_and_name(self.role_arn)
        options = option("--role-name", name), option("--policy-document", STDIN)
        yield call(("iam", "update-assume-role-policy", *options), ascii_document(self.document))
