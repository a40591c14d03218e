"""EditMaker: the menu of what can be edited where the user is, and who makes each edit of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from msgspec import structs
from textual.content import Content

from iamtui.account.model import Entity, Group, ManagedPolicy, Role, User
from iamtui.drafts.aws_values import RCP, SCP, level_words, short_type
from iamtui.drafts.draft import DOCUMENT_KINDS, Edit
from iamtui.drafts.edits.base import describe_edit
from iamtui.drafts.edits.deletions import (
    DeleteAccessKey,
    DeleteLoginProfile,
    DeletePolicy,
    DeleteRole,
    DeleteUser,
)
from iamtui.drafts.edits.organization import DetachOrganizationPolicy, PutOrganizationPolicy
from iamtui.drafts.edits.policies import (
    DeleteInlinePolicy,
    DeleteResourcePolicy,
    PutInlinePolicy,
    PutManagedPolicy,
    PutResourcePolicy,
)
from iamtui.drafts.edits.principals import (
    LONGEST_ROLE_NAME,
    AddUserToGroup,
    AttachPolicy,
    CreateRole,
    DeletePermissionsBoundary,
    DetachPolicy,
    PutPermissionsBoundary,
    RemoveUserFromGroup,
)
from iamtui.policy.document import render
from iamtui.policy.resource import resource_policy_arn
from iamtui.policy.types import PolicyType
from iamtui.problem import Problem
from iamtui.tui import lazy
from iamtui.tui.content import line, plain
from iamtui.tui.dialogs import Choice, ChoiceDialog, LineDialog, policy_name_fault
from iamtui.tui.drafts.edit_context import (
    SEPARATOR,
    EditContext,
    EditedFrom,
    attachable,
    attachable_choices,
    aws_policy_choices,
    boundary_choices,
    edit_choices,
    entity_choices,
    level_choices,
    policy_choices,
)
from iamtui.tui.drafts.open_drafts import touched_by
from iamtui.tui.inventory import Branch
from iamtui.workspace.principals import principal_for

if TYPE_CHECKING:
    from iamtui.workspace.draft_documents import DocumentPlace


class EditMaker(EditContext):
    """Makes edits where the user is, on behalf of what keeps the draft."""

    def __init__(self, drafts: EditedFrom) -> None:
        super().__init__(drafts)
        self._documents = DocumentEdits(drafts)
        self._holders = HolderEdits(drafts)
        self._organization = OrganizationEdits(drafts)

    def menu(self) -> None:
        screen = self.screen
        if screen.workspace is None:
            self.say(plain("Open an account first: P chooses one."))
            return
        node = self.node or screen.subject.node
        asked, resource = self._asked()
        here = {resource} if resource else set()
        if node is not None and not isinstance(node, Branch):
            # A policy that is edited is edited for whoever has it.
            here |= {node.arn, *(policy.arn for policy in getattr(node, "attached_policies", ()))}
        drafted = [*self._drafted(frozenset(here))]
        choices = edit_choices(self.account, node, screen.subject.policy_under_cursor, asked, resource, drafted)
        title = line("Edit in the draft")
        if node is not None and not isinstance(node, Branch):
            title = line("Edit in the draft: ", (node.name, "bold"))
        dialog = ChoiceDialog(
            title,
            choices,
            empty="Nothing can be edited here: go to a user, group, role or policy and press E again.",
        )
        self.app.push_screen(dialog, self.doing(self._make))

    def _drafted(self, here: frozenset[str]) -> Iterator[tuple[int, str]]:
        """The edits that the draft makes on what has one of these ARNs, or around the account."""
        found = self.drafts.open_draft
        for index, edit in enumerate(found.draft.edits if found is not None else ()):
            if found is not None and (here & touched_by(edit) or edit.of_organization):
                yield index, self.drafts.words_of(found.draft, index)

    def _asked(self) -> tuple[str, str]:
        """The action of the question on screen, and what carries the policy of its resource; "" each for none."""
        question = self.screen.question.question
        if question is None:
            return "", ""
        single = "*" not in question.resource and "?" not in question.resource
        return question.action, resource_policy_arn(question.resource) if single else ""

    def edit_again(self, index: int) -> None:
        self._documents.edit_again(index)

    def edit_policy(self, name: str, statement: int) -> None:
        """Edit the managed policy where the user is, or the inline policy of this name there, from a statement on."""
        node, documents = self.node, self._documents
        edit = (
            partial(documents.managed, node.arn) if isinstance(node, ManagedPolicy) else partial(documents.inline, name)
        )
        self.doing(lambda _: edit(statement))("")

    def _make(self, chosen: str) -> None:
        what, *parts = chosen.split(SEPARATOR)
        documents, holders = self._documents, self._holders
        match what, parts:
            case "attach", []:
                holders.attach()
            case "attach-to", [arn]:
                holders.attach_to(arn)
            case "detach", [arn]:
                self.add(DetachPolicy(self.holder.arn, arn))
            case (("boundary" | "boundary-drop"), []):
                holders.boundary(drop=what == "boundary-drop")
            case (("group-add" | "group-remove" | "member-add" | "member-remove"), _):
                holders.membership(what, parts)
            case "inline", [name]:
                documents.inline(name)
            case "inline-new", []:
                documents.new_inline()
            case "inline-delete", [name]:
                self.add(DeleteInlinePolicy(self.holder.arn, name))
            case "managed", [arn]:
                documents.managed(arn)
            case "copy", [arn]:
                documents.copy_managed(arn)
            case "create", []:
                documents.create_managed()
            case "create-role", []:
                documents.create_role()
            case "trust", _:
                documents.trust(*parts)
            case (("delete" | "delete-key" | "delete-password" | "delete-policy"), _):
                self.add(_deletion(self.node, what, *parts))
            case "take", [index]:
                self.drafts.remove_edit(int(index))
            case "statement", []:
                documents.statement()
            case (("resource" | "resource-delete"), []):
                documents.resource(delete=what == "resource-delete")
            case _:
                self._organization.make(what, parts, self._documents)


def _deletion(node: Entity | None, what: str, part: str = "") -> Edit:
    """The edit that deletes what the menu named.

    Args:
        part: the id of the access key, or the ARN of the policy.
    """
    if what == "delete-policy":
        return DeletePolicy(part)
    assert node is not None
    if what == "delete-key":
        return DeleteAccessKey(node.arn, part)
    if what == "delete-password":
        return DeleteLoginProfile(node.arn)
    return DeleteUser(node.arn) if isinstance(node, User) else DeleteRole(node.arn)


_NEW: Final = render(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)
_NEW_TRUST: Final = render(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
_LONG_ROLE_NAME: Final = f"Use at most {LONGEST_ROLE_NAME} characters."
_NEW_RESOURCE: Final = render(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket", "Resource": "*"}],
    }
)


class DocumentEdits(EditContext):
    """Edits that put a document somewhere."""

    def edit(
        self,
        title: str,
        text: str,
        kind: PolicyType,
        name: str,
        then: Callable[[str], None],
        *,
        first: str = "",
        line_number: int = 0,
    ) -> None:
        """Open the editor; `then` is given the text when it was saved and differs.

        Args:
            title: what is edited, raw.
            text: the document as it stands, or "".
            kind: what it is used as.
            name: a name for the file in the user's own editor, raw.
            first: a text to begin with that counts as typed: saving it as it is counts as a change.
            line_number: where the cursor begins, from 0.
        """

        def saved(new: str | None) -> None:
            if new is not None and new != text:
                then(new)
            elif new is not None:
                self.say(plain("Nothing was changed."))

        screen = lazy.editor_screen.DraftEditorScreen(
            line(("Edit  ", "bold $heading"), title), text, kind, self.account.id, name
        )
        screen.start_with(first, line_number)
        self.app.push_screen(screen, saved)

    def edit_place(self, place: DocumentPlace, statement: int = 0) -> None:
        text = place.document.text if place.document is not None else _NEW
        spans = place.document.lines if place.document is not None and statement else ()
        shared = f"   applies to {place.others} more" if place.others else ""
        self.edit(
            f"{place.title}{shared}",
            text,
            DOCUMENT_KINDS[place.kind].policy_type,
            place.name or place.owner.rsplit("/", 1)[-1],
            lambda new: self.add(place.put(new)),
            line_number=spans[statement][0] - 1 if statement < len(spans) else 0,
        )

    def inline(self, name: str, statement: int = 0) -> None:
        self.edit_place(lazy.draft_documents.inline_place(self.account, self.holder, name), statement)

    def managed(self, arn: str, statement: int = 0) -> None:
        """Edit the default version of a managed policy.

        Raises:
            Problem: it is AWS's own, or not loaded.
        """
        self.edit_place(lazy.draft_documents.managed_place(self.account, arn), statement)

    def trust(self, role_arn: str = "") -> None:
        """Edit the trust policy of a role: the one that the user is on, or of this ARN."""
        role = self.account.by_arn(role_arn) if role_arn else self.holder
        assert isinstance(role, Role)
        self.edit_place(lazy.draft_documents.trust_place(role))

    def resource(self, *, delete: bool = False) -> None:
        """Edit or delete the policy of the resource that is asked about; one that is not loaded is written anew.

        Raises:
            Problem: no single resource is asked about.
        """
        question = self.screen.question.question
        if question is None or question.resource == "*":
            raise Problem("No single resource is asked about.", "Go back and ask about one (F5), then edit its policy.")
        arn = resource_policy_arn(question.resource)
        known = self.account.resource_policies.get(arn)
        if delete:
            self.add(DeleteResourcePolicy(arn))
        elif known is not None and known.state == "present":
            self.edit_place(lazy.draft_documents.resource_place(self.account, arn))
        else:
            put = partial(PutResourcePolicy, arn)
            now = "it has none yet" if known is not None and known.state == "none" else "not loaded: all is replaced"
            title = f"policy of {arn}   {now}"
            self.edit(title, "", PolicyType.RESOURCE, arn, lambda text: self.add(put(text)), first=_NEW_RESOURCE)

    # New ones.

    def new_inline(self) -> None:
        holder = self.holder
        taken = {policy.name.lower() for policy in holder.inline_policies}

        def check(name: str) -> str:
            wrong = policy_name_fault(name)
            return wrong or (
                "It has an inline policy of this name already: E edits that." if name.lower() in taken else ""
            )

        def named(name: str) -> None:
            put = partial(PutInlinePolicy, holder.arn, name)
            title = f"new inline policy {name} of {holder.name}"
            self.edit(title, "", PolicyType.IDENTITY, name, lambda text: self.add(put(text)), first=_NEW)

        hint = plain("The name of the inline policy. Enter goes on to its document.", "$muted")
        self._name(line("Inline policy of ", (holder.name, "bold")), "", hint, check, named)

    def copy_managed(self, arn: str) -> None:
        """Name a policy of the account's own with the text of another, then write it."""
        self._name_managed(_text_of(self.account.policy(arn)) or _NEW, f"{arn.rsplit('/', 1)[-1]}-copy")

    def create_managed(self) -> None:
        self._name_managed(_NEW, "")

    def _name_managed(self, text: str, suggested: str) -> None:
        account = self.account
        taken = {policy.name.lower() for policy in account.policies if not policy.aws_managed}

        def check(name: str) -> str:
            wrong = policy_name_fault(name)
            return wrong or ("The account has a policy of this name already." if name.lower() in taken else "")

        def named(name: str) -> None:
            put = partial(PutManagedPolicy, f"arn:{account.partition}:iam::{account.id}:policy/{name}")
            self.edit(f"new policy {name}", "", PolicyType.IDENTITY, name, lambda new: self.add(put(new)), first=text)

        hint = plain("The name of the policy. Enter goes on to its document.", "$muted")
        self._name(line("Create a policy"), suggested, hint, check, named)

    def create_role(self) -> None:
        account = self.account
        taken = {role.name.lower() for role in account.roles}

        def check(name: str) -> str:
            wrong = policy_name_fault(name) or ("" if len(name) <= LONGEST_ROLE_NAME else _LONG_ROLE_NAME)
            return wrong or ("The account has a role of this name already." if name.lower() in taken else "")

        def named(name: str) -> None:
            put = partial(CreateRole, f"arn:{account.partition}:iam::{account.id}:role/{name}")
            title = f"trust policy of the new role {name}"
            self.edit(title, "", PolicyType.TRUST, name, lambda text: self.add(put(text)), first=_NEW_TRUST)

        hint = plain("The name of the role. Enter goes on to its trust policy.", "$muted")
        self._name(line("Create a role"), "", hint, check, named)

    def _name(
        self, title: Content, first: str, hint: Content, check: Callable[[str], str], then: Callable[[str], None]
    ) -> None:
        self.app.push_screen(LineDialog(title, first, hint, check=check), self.doing(then))

    # From the question.

    def statement(self) -> None:
        """Choose an effect and a place for a statement made from the question.

        Raises:
            Problem: nothing is asked, or the user is on nobody who could ask.
        """
        question, node, workspace = self.screen.question.question, self.node, self.screen.workspace
        if question is None or workspace is None:
            raise Problem("No question is asked.", "Go back and ask one first (F5).")
        if not isinstance(node, User | Role):
            raise Problem("A statement is made for the user or role that asks.", "Go to one and press E again.")
        principal = principal_for(workspace, node)
        found: dict[str, tuple[str, DocumentPlace]] = {}
        choices: list[Choice] = []
        for effect in ("Allow", "Deny"):
            choices.append(Choice("", f"{effect} {question.action} on {question.resource}"))
            for index, place in enumerate(
                lazy.denied_question.statement_places(workspace, principal, question, effect)
            ):
                chosen = f"{effect}-{index}"
                found[chosen] = (effect, place)
                shared = f"applies to {place.others} more" if place.others else ""
                choices.append(Choice(chosen, f"in {place.title}", shared))

        def then(chosen: str) -> None:
            effect, place = found[chosen]
            statement: dict[str, Any] = lazy.denied_question.statement_from_question(principal, question, effect, place)
            self.add(lazy.denied_question.edit_adding_statement(place, statement))

        self.pick(line("Add a statement"), choices, then)

    # Edits that are there already.

    def edit_again(self, index: int) -> None:
        found, source = self.drafts.open_draft, self.drafts.source_workspace
        if found is None or source is None or index >= len(found.draft.edits):
            return
        edits = found.draft.edits
        made = edits[index]
        if made.document is None:
            screen = self.drafts.draft_screen
            if screen is not None:
                screen.say(plain("This edit has no document to change: x removes it."))
            return
        self.edit(
            f"{index + 1}: {describe_edit(made, source.account, edits[:index])}",
            made.document,
            made.policy_type,
            "draft-edit",
            lambda text: self.drafts.replace_edit(index, structs.replace(made, document=text)),
        )


def _text_of(policy: ManagedPolicy | None) -> str:
    document = policy.document if policy is not None else None
    return document.text if document is not None else ""


# HolderEdits: what a user, group or role has: attached policies, groups, members, the permissions boundary.


class HolderEdits(EditContext):
    """Edits that are made by choosing from lists."""

    def attach(self) -> None:
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
        name = policy_arn.rsplit("/", 1)[-1]
        self.pick(
            line("Attach ", (name, "bold"), " to"),
            entity_choices(account.identities, having),
            lambda arn: self.add(AttachPolicy(arn, policy_arn)),
            empty="Everybody has it already.",
        )

    def boundary(self, *, drop: bool) -> None:
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
            return aws_policy_choices(lazy.draft_documents.aws_managed_policy_arns(), taken)

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


# OrganizationEdits: SCPs and RCPs at the levels above the account and at its own.


_NEW_POLICY: Final = {
    SCP: render(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*"}]}
    ),
    RCP: render(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket", "Resource": "*"}],
        }
    ),
}


class OrganizationEdits(EditContext):
    """Attaches, edits and detaches policies of the organization."""

    def make(self, what: str, parts: Sequence[str], documents: DocumentEdits) -> None:
        """Do what the menu named.

        Args:
            what: "organization-detach", "organization-edit" or "organization-add".
            parts: type, level and name of the policy; of one to add the type, and the level where that is known.
            documents: who opens the editor.
        """
        match what, parts:
            case "organization-detach", [type_, level, name]:
                self.add(DetachOrganizationPolicy(type_, level, name))
            case "organization-edit", [type_, level, name]:
                documents.edit_place(lazy.draft_documents.organization_place(self.account, type_, level, name))
            case "organization-add", [type_, level]:
                self._choose_policy(documents, type_, level)
            case "organization-add", [type_]:
                title = line(f"Attach an {short_type(type_)} to")
                then = partial(self._choose_policy, documents, type_)
                self.pick(title, level_choices(self.account), then)

    def _choose_policy(self, documents: DocumentEdits, type_: str, level: str) -> None:
        """Choose one that is attached elsewhere, or a new one."""
        known = attachable(self.account, type_, level)
        if not known:
            self._name_policy(documents, type_, level)
            return

        def then(name: str) -> None:
            if name in known:
                self.add(PutOrganizationPolicy(type_, level, name, known[name].document.text))
            else:
                self._name_policy(documents, type_, level, name.strip())

        where = level_words(self.account, level)
        self.pick(
            line(f"{short_type(type_)} at ", (where, "bold")), attachable_choices(self.account, type_, level), then
        )

    def _name_policy(self, documents: DocumentEdits, type_: str, level: str, typed: str = "") -> None:
        where = level_words(self.account, level)
        taken = attachable(self.account, type_, "").keys()

        def check(name: str) -> str:
            if not 0 < len(name) <= 128:
                return "Use 1 to 128 characters."
            return "There is one of this name already: edit it, or attach it from the list." if name in taken else ""

        def named(name: str) -> None:
            put = partial(PutOrganizationPolicy, type_, level, name)
            kind = PolicyType.SCP if type_ == SCP else PolicyType.RCP
            title = f"new {short_type(type_)} {name} at {where}"
            documents.edit(title, "", kind, name, lambda text: self.add(put(text)), first=_NEW_POLICY[type_])

        hint = plain("The name of the new policy. Enter goes on to its document.", "$muted")
        dialog = LineDialog(line(f"{short_type(type_)} at ", (where, "bold")), typed, hint, check=check)
        self.app.push_screen(dialog, self.doing(named))
