"""Makers of the edits that the menu offers: editors of documents, and lists to choose from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from msgspec import structs
from textual.app import App
from textual.content import Content

from iamtui.account.model import (
    Account,
    Entity,
    Group,
    ManagedPolicy,
    OrganizationLevel,
    OrganizationPolicy,
    Role,
    User,
)
from iamtui.drafts.aws_values import RCP, SCP, attached, level_words, short_type
from iamtui.drafts.draft import DOCUMENT_KINDS, Edit
from iamtui.drafts.edits.base import describe_edit
from iamtui.drafts.edits.organization import PutOrganizationPolicy
from iamtui.drafts.edits.policies import PutInlinePolicy, PutManagedPolicy, PutResourcePolicy
from iamtui.drafts.edits.principals import (
    LONGEST_ROLE_NAME,
    AddUserToGroup,
    AttachPolicy,
    CreateRole,
    PutPermissionsBoundary,
    RemoveUserFromGroup,
)
from iamtui.policy.document import render
from iamtui.policy.types import PolicyType
from iamtui.problem import Problem
from iamtui.tui.content import Severity, line, plain
from iamtui.tui.dialogs.dialogs import Choice, ChoiceDialog, LineDialog, policy_name_fault
from iamtui.tui.drafts.editor_screen import DraftEditorScreen
from iamtui.tui.main.inventory import Branch
from iamtui.tui.main.main_view import DraftKeeper
from iamtui.workspace.change.denied_question import statement_from_question, statement_places
from iamtui.workspace.change.draft_documents import (
    aws_managed_policy_arns,
    inline_place,
    managed_place,
    organization_place,
    resource_place,
    trust_place,
)
from iamtui.workspace.source.principals import principal_for

if TYPE_CHECKING:
    from iamtui.tui.drafts.draft_screen import DraftScreen
    from iamtui.tui.main.paned import PanedScreen
    from iamtui.workspace.change.draft_documents import DocumentPlace


class EditedFrom(DraftKeeper, Protocol):
    """Keeps a draft of the account that a screen shows."""

    screen: PanedScreen

    @property
    def draft_screen(self) -> DraftScreen | None:
        """The list of edits, while it is on screen."""


class EditContext:
    """Works on behalf of what keeps the draft."""

    def __init__(self, drafts: EditedFrom) -> None:
        self.drafts = drafts
        self.screen = drafts.screen

    @property
    def app(self) -> App[object]:
        return self.screen.app

    @property
    def account(self) -> Account:
        """The account as it is on screen: with the draft, so that edits build on each other."""
        workspace = self.screen.workspace
        assert workspace is not None
        return workspace.account

    @property
    def node(self) -> Entity | None:
        """The entity under the cursor, in the tree or in the table of a branch."""
        screen = self.screen
        node = screen.subject.node
        if isinstance(node, Branch):
            return screen.subject.table.entity if screen.subject.table.has_focus else None
        return node

    @property
    def holder(self) -> User | Group | Role:
        node = self.node
        assert isinstance(node, User | Group | Role)
        return node

    def add(self, *edits: Edit) -> None:
        self.drafts.add_edits(edits)

    def say(self, words: Content | str, severity: Severity = Severity.INFORMATION) -> None:
        self.screen.say(words, severity)

    def doing(self, then: Callable[[str], None]) -> Callable[[str | None], None]:
        """Callback for a dialog: it does nothing for no choice, and shows why something cannot be done."""

        def taken(chosen: str | None) -> None:
            if chosen is not None:
                try:
                    then(chosen)
                except Problem as problem:
                    self.say(str(problem), Severity.WARNING)

        return taken

    def pick(
        self, title: Content, choices: Sequence[Choice], then: Callable[[str], None], *, empty: str = "",
        more: Callable[[], Sequence[Choice]] | None = None,
    ) -> None:  # fmt: skip
        dialog = ChoiceDialog(title, choices, empty=empty or "There is nothing to choose.", more=more)
        self.app.push_screen(dialog, self.doing(then))


# What there is to choose from. Pure.


def names_at(level: OrganizationLevel, policy_type: str) -> list[str]:
    return [policy.name for policy in attached(level, policy_type).value_or(())]


def policy_choices(account: Account, taken: Sequence[str] = ()) -> list[Choice]:
    own = [policy for policy in account.policies if policy.arn not in taken]
    own.sort(key=lambda policy: (policy.aws_managed, policy.name.lower()))
    return [Choice(p.arn, p.name, "AWS managed" if p.aws_managed else "customer managed") for p in own]


def boundary_choices(account: Account, taken: Sequence[str] = ()) -> list[Choice]:
    """The account's managed policies, those that are somebody's permissions boundary first."""
    counts = Counter(holder.boundary_arn for holder in account.principals if holder.boundary_arn)
    choices = policy_choices(account, taken)
    used = [replace(one, note=f"boundary of {counts[one.key]}, {one.note}") for one in choices if one.key in counts]
    return [*used, *(one for one in choices if one.key not in counts)]


def aws_policy_choices(arns: Sequence[str], taken: Sequence[str] = ()) -> list[Choice]:
    return [Choice(arn, arn.rsplit("/", 1)[-1], "AWS managed") for arn in arns if arn not in taken]


def entity_choices(entities: Sequence[Entity], but: Sequence[str] = ()) -> list[Choice]:
    kept = [entity for entity in entities if entity.arn not in but]
    return [Choice(entity.arn, entity.name, type(entity).__name__.lower()) for entity in kept]


def attachable(account: Account, policy_type: str, level_id: str) -> dict[str, OrganizationPolicy]:
    """The SCPs or RCPs that are attached at other levels than this one, by name; a policy of AWS too."""
    here = {
        name for level in account.organization_levels if level.id == level_id for name in names_at(level, policy_type)
    }
    found: dict[str, OrganizationPolicy] = {}
    for level in account.organization_levels:
        for policy in attached(level, policy_type).value_or(()):
            if policy.name not in here:
                found.setdefault(policy.name, policy)
    return found


def attachable_choices(account: Account, policy_type: str, level_id: str) -> list[Choice]:
    """A new policy, whose key is a blank and the name that was typed, and those that are attached at other levels."""
    known = attachable(account, policy_type, level_id)
    new = Choice(" ", f"A new {short_type(policy_type)} …", "its name and document", makes_new=True)
    return [new, *(Choice(name, name, "attached at another level") for name in known)]


def level_choices(account: Account) -> list[Choice]:
    words = {"ROOT": "root", "ORGANIZATIONAL_UNIT": "OU", "ACCOUNT": "account"}
    return [
        Choice(lv.id, lv.name or lv.id, f"{words.get(lv.type, lv.type)} {lv.id}") for lv in account.organization_levels
    ]


# DocumentEdits: documents to write.


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

        screen = DraftEditorScreen(line(("Edit  ", "bold $heading"), title), text, kind, self.account.id, name)
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
        self.edit_place(inline_place(self.account, self.holder, name), statement)

    def managed(self, arn: str, statement: int = 0) -> None:
        """Edit the default version of a managed policy.

        Raises:
            Problem: it is AWS's own, or not loaded.
        """
        self.edit_place(managed_place(self.account, arn), statement)

    def trust(self, role: Role) -> None:
        self.edit_place(trust_place(role))

    def resource(self, arn: str) -> None:
        """Edit the policy of a resource; one that is not loaded is written anew."""
        known = self.account.resource_policies.get(arn)
        if known is not None and known.state == "present":
            self.edit_place(resource_place(self.account, arn))
            return
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
                "It has an inline policy of this name already: e edits that." if name.lower() in taken else ""
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
            raise Problem("A statement is made for the user or role that asks.", "Go to one and press e again.")
        principal = principal_for(workspace, node)
        found: dict[str, tuple[str, DocumentPlace]] = {}
        choices: list[Choice] = []
        for effect in ("Allow", "Deny"):
            choices.append(Choice("", f"{effect} {question.action} on {question.resource}"))
            for index, place in enumerate(statement_places(workspace, principal, question, effect)):
                chosen = f"{effect}-{index}"
                found[chosen] = (effect, place)
                shared = f"applies to {place.others} more" if place.others else ""
                choices.append(Choice(chosen, f"in {place.title}", shared))

        def then(chosen: str) -> None:
            effect, place = found[chosen]
            statement: dict[str, Any] = statement_from_question(principal, question, effect, place)
            self.add(place.adding(statement))

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
                screen.say(plain("This edit has no document to change: d removes it."))
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

    def boundary(self) -> None:
        holder = self.holder
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
            return aws_policy_choices(aws_managed_policy_arns(), taken)

        self.pick(title, choices, then, more=more)

    def add_to_group(self) -> None:
        user = self.holder
        assert isinstance(user, User)
        self.pick(
            line("Add ", (user.name, "bold"), " to the group"),
            entity_choices([group for group in self.account.groups if group.name not in user.groups]),
            lambda arn: self.add(AddUserToGroup(user.arn, arn)),
            empty="There is no other group.",
        )

    def remove_from_group(self, name: str) -> None:
        """Take the user out of a group.

        Raises:
            Problem: the group is not loaded.
        """
        group = self.account.group(name)
        if group is None:
            raise Problem(f"The group {name} is not loaded.")
        self.add(RemoveUserFromGroup(self.holder.arn, group.arn))

    def add_member(self) -> None:
        group, account = self.holder, self.account
        self.pick(
            line("Add to the group ", (group.name, "bold")),
            entity_choices(account.users, [user.arn for user in account.members(group.name)]),
            lambda arn: self.add(AddUserToGroup(arn, group.arn)),
            empty="Every user is in it already.",
        )


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


class OrganizationEdits(DocumentEdits):
    """Attaches and edits policies of the organization."""

    def edit_policy(self, type_: str, level: str, name: str) -> None:
        self.edit_place(organization_place(self.account, type_, level, name))

    def choose_level(self, type_: str) -> None:
        title = line(f"Attach an {short_type(type_)} to")
        self.pick(title, level_choices(self.account), partial(self.choose_policy, type_))

    def choose_policy(self, type_: str, level: str) -> None:
        """Choose one that is attached elsewhere, or a new one."""
        known = attachable(self.account, type_, level)
        if not known:
            self._name_policy(type_, level)
            return

        def then(name: str) -> None:
            if name in known:
                self.add(PutOrganizationPolicy(type_, level, name, known[name].document.text))
            else:
                self._name_policy(type_, level, name.strip())

        where = level_words(self.account, level)
        self.pick(
            line(f"{short_type(type_)} at ", (where, "bold")), attachable_choices(self.account, type_, level), then
        )

    def _name_policy(self, type_: str, level: str, typed: str = "") -> None:
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
            self.edit(title, "", kind, name, lambda text: self.add(put(text)), first=_NEW_POLICY[type_])

        hint = plain("The name of the new policy. Enter goes on to its document.", "$muted")
        dialog = LineDialog(line(f"{short_type(type_)} at ", (where, "bold")), typed, hint, check=check)
        self.app.push_screen(dialog, self.doing(named))
