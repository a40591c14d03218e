"""HolderEdits: what a user, group or role has: attached policies, groups, members, the permissions boundary."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.content import Content

from iamtui.account.drafts.draft import (
    AddUserToGroup,
    AttachPolicy,
    DeletePermissionsBoundary,
    PutPermissionsBoundary,
    RemoveUserFromGroup,
)
from iamtui.account.model import Entity, Group, User
from iamtui.problem import Problem
from iamtui.tui.safe import line
from iamtui.tui.screens.drafts.choices import aws_policy_choices, boundary_choices, entity_choices, policy_choices
from iamtui.tui.screens.drafts.hand import EditHand
from iamtui.tui.widgets.draft.option_lines import Choice


class HolderEdits(EditHand):
    """Edits that are made by choosing from lists."""

    def attach(self) -> None:
        """Attach a policy to where the user is."""
        holder = self.holder
        taken = [policy.arn for policy in holder.attached_policies]
        self._pick_policy(
            line("Attach a policy"),
            policy_choices(self.account, taken),
            taken,
            lambda arn: self.add(AttachPolicy(holder.arn, arn)),
        )

    def attach_to(self, policy_arn: str) -> None:
        """Attach the policy where the user is to somebody."""
        account = self.account
        having = [holder.arn for holder in account.holders(policy_arn)]
        everyone: list[Entity] = [*account.users, *account.groups, *account.roles]
        name = policy_arn.rsplit("/", 1)[-1]
        self.pick(
            line("Attach ", (name, "bold"), " to"),
            entity_choices(everyone, having),
            lambda arn: self.add(AttachPolicy(arn, policy_arn)),
            empty="Everybody has it already.",
        )

    def boundary(self, *, drop: bool) -> None:
        """Set or drop the permissions boundary."""
        holder = self.holder
        if drop:
            self.add(DeletePermissionsBoundary(holder.arn))
            return
        now = holder.boundary_arn if not isinstance(holder, Group) else None
        taken = [now] if now else []
        self._pick_policy(
            line("Permissions boundary of ", (holder.name, "bold")),
            boundary_choices(self.account, taken),
            taken,
            lambda policy: self.add(PutPermissionsBoundary(holder.arn, policy)),
        )

    def _pick_policy(
        self, title: Content, choices: Sequence[Choice], taken: Sequence[str], then: Callable[[str], None]
    ) -> None:
        def more() -> Sequence[Choice]:
            from iamtui.workspace.drafts.names import aws_managed_policy_arns  # noqa: PLC0415 - reads a large file

            return aws_policy_choices(aws_managed_policy_arns(), taken)

        self.pick(title, choices, then, more=more)

    def membership(self, what: str, parts: Sequence[str]) -> None:
        """Change who is in which group.

        Args:
            what: "group-add", "group-remove", "member-add" or "member-remove".
            parts: the group's name, or the member's ARN, where something goes.

        Raises:
            Problem: the group is not loaded.
        """
        account, node = self.account, self.holder
        if what == "group-add" and isinstance(node, User):
            user = node.arn
            left = [group for group in account.groups if group.name not in node.groups]
            self.pick(
                line("Add ", (node.name, "bold"), " to the group"),
                entity_choices(left),
                lambda arn: self.add(AddUserToGroup(user, arn)),
                empty="There is no other group.",
            )
        elif what == "group-remove" and isinstance(node, User):
            group = account.group(parts[0])
            if group is None:
                raise Problem(f"The group {parts[0]} is not loaded.")
            self.add(RemoveUserFromGroup(node.arn, group.arn))
        elif what == "member-add":
            members = [user.arn for user in account.members(node.name)]
            into = node.arn
            self.pick(
                line("Add to the group ", (node.name, "bold")),
                entity_choices(account.users, members),
                lambda arn: self.add(AddUserToGroup(arn, into)),
                empty="Every user is in it already.",
            )
        elif what == "member-remove":
            self.add(RemoveUserFromGroup(parts[0], node.arn))
