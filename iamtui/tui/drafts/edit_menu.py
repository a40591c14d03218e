"""EditMenu: what can be edited where the user is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from iamtui.account.model import Account, Group, ManagedPolicy, Missing, OrganizationLevel, Role, User
from iamtui.drafts.aws_values import RCP, SCP, attached, level_words, short_type
from iamtui.drafts.draft import Edit
from iamtui.drafts.edits.deletions import (
    DeleteAccessKey,
    DeleteLoginProfile,
    DeletePolicy,
    DeleteRole,
    DeleteUser,
)
from iamtui.drafts.edits.organization import DetachOrganizationPolicy
from iamtui.drafts.edits.policies import DeleteInlinePolicy, DeleteResourcePolicy
from iamtui.drafts.edits.principals import DeletePermissionsBoundary, DetachPolicy, RemoveUserFromGroup
from iamtui.policy.patterns import parse_arn
from iamtui.policy.resource import resource_policy_arn
from iamtui.tui.content import line, plain
from iamtui.tui.dialogs.dialogs import Choice, ChoiceDialog
from iamtui.tui.drafts.edit_makers import (
    DocumentEdits,
    EditContext,
    EditedFrom,
    HolderEdits,
    OrganizationEdits,
    names_at,
)
from iamtui.tui.main.inventory import Branch, Kind, Node


class MenuEntry(NamedTuple):
    """A line of the menu: what is called with what when it is chosen; a heading without that."""

    label: str
    note: str = ""
    do: Callable[..., None] | None = None
    args: tuple[object, ...] = ()

    @property
    def does(self) -> tuple[object, ...]:
        return self.do, self.args


class EditMenu(EditContext):
    """The menu of the edits for a place, which goes into the draft of what keeps it."""

    def __init__(self, drafts: EditedFrom) -> None:
        super().__init__(drafts)
        self._documents = DocumentEdits(drafts)
        self._holders = HolderEdits(drafts)
        self._organization = OrganizationEdits(drafts)

    def show(self) -> None:
        screen = self.screen
        if screen.workspace is None:
            self.say(plain("Open an account first: g a chooses one."))
            return
        node = self.node or screen.subject.node
        title = line("Edit in the draft")
        if node is not None and not isinstance(node, Branch):
            title = line("Edit in the draft: ", (node.name, "bold"))
        entries = self._entries(node, screen.subject.policy_under_cursor)
        dialog = ChoiceDialog(
            title,
            [Choice(str(at) if one.do is not None else "", one.label, one.note) for at, one in enumerate(entries)],
            empty="Nothing can be edited here: go to a user, group, role or policy and press e again.",
        )

        def chosen(at: str) -> None:
            entry = entries[int(at)]
            if entry.do is not None:
                entry.do(*entry.args)

        self.app.push_screen(dialog, self.doing(chosen))

    def edit_again(self, index: int) -> None:
        self._documents.edit_again(index)

    def edit_policy(self, name: str, statement: int) -> None:
        """Edit the managed policy where the user is, or the inline policy of this name there, from a statement on."""
        node, documents = self.node, self._documents
        edit = (
            partial(documents.managed, node.arn) if isinstance(node, ManagedPolicy) else partial(documents.inline, name)
        )
        self.doing(lambda _: edit(statement))("")

    def _entries(self, node: Node | None, policy: Sequence[str]) -> list[MenuEntry]:
        """The menu for a place.

        Args:
            node: what the cursor is on.
            policy: names of the policy under the detail pane's cursor (name, ARN), or none.
        """
        entries: list[MenuEntry] = []
        if isinstance(node, User | Group | Role):
            here = [*self._of_policy(node, policy)]
            entries += _titled("The policy under the cursor", here)
            entries += [MenuEntry(f"{type(node).__name__} {node.name}"), *self._of_holder(node)]
            entries += _titled("Its policies", _others(self._of_policies(node), here))
        elif isinstance(node, ManagedPolicy):
            entries += [MenuEntry(f"Policy {node.name}"), *self._of_managed(node)]
        elif isinstance(node, Branch) and node.kind in (Kind.POLICIES, Kind.CUSTOMER_POLICIES):
            create = MenuEntry("Create a policy", "customer managed", self._documents.create_managed)
            entries += _titled("Policies", [create])
        elif isinstance(node, Branch) and node.kind is Kind.ORGANIZATION:
            entries += self._of_organization(node, policy)
        elif isinstance(node, Branch) and node.kind is Kind.ROLES:
            entries += _titled(
                "Roles", [MenuEntry("Create a role", "and its trust policy", self._documents.create_role)]
            )
        resource = self._resource_asked()
        entries += _titled("The resource asked about", [*self._of_resource(resource, node)])
        entries += _titled("Drafted here", [*self._drafted(node, resource)])
        around = _others(self._around(), entries)
        if isinstance(self.account.organization, Missing) and entries:
            entries.append(MenuEntry("SCPs and RCPs: the organization is not loaded"))
        return entries + _titled("Around the account", around)

    def _adding(self, edit: Edit, label: str, note: str = "") -> MenuEntry:
        return MenuEntry(label, note, self.add, (edit,))

    def _drafted(self, node: Node | None, resource: str) -> Iterator[MenuEntry]:
        """Taking back the edits that the draft makes on what is here, or around the account."""
        here = frozenset((resource,)) if resource else frozenset()
        if node is not None and not isinstance(node, Branch):
            # A policy that is edited is edited for whoever has it.
            here |= {node.arn, *(policy.arn for policy in getattr(node, "attached_policies", ()))}
        found = self.drafts.open_draft
        for index, edit in enumerate(found.draft.edits if found is not None else ()):
            if found is not None and (here & edit.touched or edit.of_organization):
                words = self.drafts.words_of(found.draft, index)
                yield MenuEntry(f"Take back: {words}", "", self.drafts.remove_edit, (index,))

    def _resource_asked(self) -> str:
        """The ARN that carries the policy of the resource in question, or ""."""
        question = self.screen.question.question
        single = question is not None and "*" not in question.resource and "?" not in question.resource
        return resource_policy_arn(question.resource) if question is not None and single else ""

    def _of_resource(self, resource: str, node: Node | None) -> Iterator[MenuEntry]:
        arn = parse_arn(resource)
        if arn is None:
            return
        role = self.account.by_arn(resource)
        if isinstance(role, Role):
            if role is not node:
                label = f"Edit the trust policy of {role.name}"
                yield MenuEntry(label, "who may assume it", self._documents.trust, (role,))
            return
        if arn.service in ("iam", "sts"):
            return
        name = arn.resource or resource
        known = self.account.resource_policies.get(resource)
        state = {"present": "", "none": "it has none yet"}.get(known.state if known is not None else "", "not loaded")
        yield MenuEntry(f"Edit the policy of {name}", state, self._documents.resource, (resource,))
        if known is not None and known.state == "present" and arn.service != "kms":
            yield self._adding(DeleteResourcePolicy(resource), f"Delete the policy of {name}")

    def _of_policy(self, holder: User | Group | Role, names: Sequence[str]) -> Iterator[MenuEntry]:
        """The policy of these names (name, ARN), where the holder has it."""
        arn = next((one for one in names if one.startswith("arn:")), "")
        if arn:
            yield from self._of_attached(holder, arn, names[0])
        elif names and names[0] in [policy.name for policy in holder.inline_policies]:
            yield from self._of_inline(holder, names[0])

    def _of_policies(self, holder: User | Group | Role) -> Iterator[MenuEntry]:
        for policy in holder.attached_policies:
            yield from self._of_attached(holder, policy.arn, policy.name)
        for inline in holder.inline_policies:
            yield from self._of_inline(holder, inline.name)

    def _of_attached(self, holder: User | Group | Role, arn: str, name: str) -> Iterator[MenuEntry]:
        policy = self.account.policy(arn)
        if policy is not None and not policy.aws_managed:
            users = len(self.account.holders(arn))
            shared = f"managed, for all {users} that have it" if users > 1 else "managed"
            yield MenuEntry(f"Edit {name}", shared, self._documents.managed, (arn,))
        if arn in [policy.arn for policy in holder.attached_policies]:
            yield self._adding(DetachPolicy(holder.arn, arn), f"Detach {name}", "managed")

    def _of_inline(self, holder: User | Group | Role, name: str) -> Iterator[MenuEntry]:
        yield MenuEntry(f"Edit {name}", "inline", self._documents.inline, (name,))
        yield self._adding(DeleteInlinePolicy(holder.arn, name), f"Delete {name}", "inline")

    def _of_holder(self, holder: User | Group | Role) -> Iterator[MenuEntry]:
        documents, holders, question = self._documents, self._holders, self.screen.question.question
        if question is not None:
            yield MenuEntry("Add a statement from the question", question.action, documents.statement)
        yield MenuEntry("Attach a policy", "the account's or AWS's", holders.attach)
        yield MenuEntry("Add an inline policy", "", documents.new_inline)
        if isinstance(holder, Role):
            yield MenuEntry("Edit the trust policy", "who may assume it", documents.trust, (holder,))
        if isinstance(holder, User):
            yield MenuEntry("Add to a group", "", holders.add_to_group)
            for name in holder.groups:
                yield MenuEntry(f"Remove from group {name}", "", holders.remove_from_group, (name,))
        if isinstance(holder, Group):
            yield MenuEntry("Add a user", "", holders.add_member)
            for user in self.account.members(holder.name)[:20]:
                yield self._adding(RemoveUserFromGroup(user.arn, holder.arn), f"Remove user {user.name}")
        if not isinstance(holder, Group):
            now = holder.boundary_arn.rsplit("/", 1)[-1] if holder.boundary_arn else "none"
            yield MenuEntry("Set the permissions boundary", f"now {now}", holders.boundary)
            if holder.boundary_arn:
                yield self._adding(DeletePermissionsBoundary(holder.arn), "Remove the permissions boundary", now)
        yield from self._deletions(holder)

    def _deletions(self, holder: User | Group | Role) -> Iterator[MenuEntry]:
        inside = "and the policies inside it"
        if isinstance(holder, User):
            for key in holder.access_keys.value_or(()):
                if key.id:
                    yield self._adding(DeleteAccessKey(holder.arn, key.id), f"Delete the access key {key.id}")
            if holder.login_profile.value_or(None) is not None:
                yield self._adding(DeleteLoginProfile(holder.arn), "Delete the console password")
            yield self._adding(DeleteUser(holder.arn), "Delete the user", inside)
        elif isinstance(holder, Role) and not holder.service_linked:
            yield self._adding(DeleteRole(holder.arn), "Delete the role", inside)

    def _of_managed(self, policy: ManagedPolicy) -> Iterator[MenuEntry]:
        documents, arn = self._documents, policy.arn
        if policy.aws_managed:
            note = "AWS's own cannot be edited"
            yield MenuEntry("Create a policy of your own from it", note, documents.copy_managed, (arn,))
        else:
            yield MenuEntry("Edit the document", "a new default version", documents.managed, (arn,))
        yield MenuEntry("Attach it to a user, group or role", "", self._holders.attach_to, (arn,))
        if not policy.aws_managed and not self.account.holders(arn) and not self.account.bounded_by(arn):
            yield self._adding(DeletePolicy(arn), "Delete the policy", "nobody has it")

    def _around(self) -> Iterator[MenuEntry]:
        if self.account.organization.value_or(None) is None:
            return
        for of in (SCP, RCP):
            label, note = f"Attach an {short_type(of)}", "to the root, an OU or the account"
            yield MenuEntry(label, note, self._organization.choose_level, (of,))
            for level in self.account.organization_levels:
                for name in names_at(level, of):
                    yield from self._of_control(level, of, name)

    def _of_control(self, level: OrganizationLevel, of: str, name: str) -> Iterator[MenuEntry]:
        word, where = short_type(of), level.name or level.id
        if not _is_of_aws(self.account, of, name):
            edit = self._organization.edit_policy
            yield MenuEntry(f"Edit the {word} {name}", f"at {where}", edit, (of, level.id, name))
        detach = DetachOrganizationPolicy(of, level.id, name)
        yield self._adding(detach, f"Detach the {word} {name}", f"from {where}")

    def _of_organization(self, branch: Branch, policy: Sequence[str]) -> Iterator[MenuEntry]:
        """Edits at a level of the organization, the policy under the cursor first; or at any level."""
        account = self.account
        levels = [level for level in account.organization_levels if branch.folder in ("", level.id)]
        controls = [(level, of, name) for level in levels for of in (SCP, RCP) for name in names_at(level, of)]
        here = [one for one in controls if one[2] in policy]
        if here:
            yield MenuEntry("The policy under the cursor")
        for one in here:
            yield from self._of_control(*one)
        if branch.folder and levels:
            yield MenuEntry(level_words(account, branch.folder))
            for of in (SCP, RCP):
                choose = self._organization.choose_policy
                yield MenuEntry(f"Attach an {short_type(of)}", "", choose, (of, branch.folder))
            for one in controls:
                if one not in here:
                    yield from self._of_control(*one)


def _titled(title: str, entries: Sequence[MenuEntry]) -> list[MenuEntry]:
    return [MenuEntry(title), *entries] if entries else []


def _others(entries: Iterator[MenuEntry], known: Sequence[MenuEntry]) -> list[MenuEntry]:
    """The entries that do what none of the known ones does."""
    done = [one.does for one in known]
    return [one for one in entries if one.does not in done]


def _is_of_aws(account: Account, policy_type: str, name: str) -> bool:
    """True for an SCP or RCP of AWS's own, which nobody else can edit."""
    for level in account.organization_levels:
        for policy in attached(level, policy_type).value_or(()):
            arn = parse_arn(policy.arn)
            if policy.name == name and arn is not None and arn.account == "aws":
                return True
    return False
