"""EditMaker: from a line of the edit menu, through pickers and the editor, to an edit of the draft."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from textual.app import App
from textual.content import Content

from iamtui.account.draft import (
    AddUserToGroup,
    AttachPolicy,
    DeleteInlinePolicy,
    DeletePermissionsBoundary,
    DetachOrganizationPolicy,
    DetachPolicy,
    Edit,
    PutInlinePolicy,
    PutManagedPolicy,
    PutOrganizationPolicy,
    PutPermissionsBoundary,
    PutResourcePolicy,
    RemoveUserFromGroup,
    UpdateTrustPolicy,
)
from iamtui.account.model import Account, Entity, Group, ManagedPolicy, Role, User
from iamtui.policy.document import render
from iamtui.policy.kinds import PolicyType
from iamtui.problem import Problem
from iamtui.tui.inventory import Branch
from iamtui.tui.safe import line, plain
from iamtui.tui.screens.draft_choices import (
    RCP,
    SCP,
    SEPARATOR,
    SHORT,
    aws_policy_choices,
    edit_choices,
    entity_choices,
    level_choices,
    policy_choices,
)
from iamtui.tui.screens.draft_keeper import DraftKeeper
from iamtui.tui.screens.draft_prompts import ChoiceDialog, LineDialog
from iamtui.tui.widgets.draft.option_lines import Choice
from iamtui.tui.widgets.notice import Severity

if TYPE_CHECKING:
    from iamtui.workspace.draft_documents import Place

_POLICY_NAME: Final = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
_LONG: Final = 12
"""From this many lines on, a menu can be narrowed by typing."""

_KINDS: Final = {
    "inline": PolicyType.IDENTITY,
    "managed": PolicyType.IDENTITY,
    "trust": PolicyType.TRUST,
    "resource": PolicyType.RESOURCE,
    "scp": PolicyType.SCP,
    "rcp": PolicyType.RCP,
}

_NEW: Final = render(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)
_NEW_DENY: Final = render(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*"}]}
)
_NEW_RCP: Final = render(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket", "Resource": "*"}],
    }
)


class EditMaker:
    """Makes edits where the user is, on behalf of the screen that keeps the draft."""

    def __init__(self, screen: DraftKeeper) -> None:
        self._screen = screen

    # What it works on.

    @property
    def _app(self) -> App[object]:
        return self._screen.app

    @property
    def _account(self) -> Account:
        """The account as it is on screen: with the draft, so that edits build on each other."""
        workspace = self._screen.workspace
        assert workspace is not None
        return workspace.account

    @property
    def _node(self) -> Entity | None:
        screen = self._screen
        node = screen.subject.node
        if isinstance(node, Branch):
            return screen.subject.table.entity if screen.subject.table.has_focus else None
        return node

    def _holder(self) -> User | Group | Role:
        node = self._node
        assert isinstance(node, User | Group | Role)
        return node

    def _add(self, *edits: Edit) -> None:
        self._screen.add_edits(edits)

    def _say(self, words: Content | str, severity: Severity = Severity.INFORMATION) -> None:
        self._screen.say(words, severity)

    # The menu.

    def menu(self) -> None:
        """List what can be edited where the user is."""
        screen = self._screen
        if screen.workspace is None:
            self._say(plain("Open an account first: P chooses one."))
            return
        node = self._node or screen.subject.node
        question = screen.question.question
        asked = question.action if question is not None else ""
        choices = edit_choices(self._account, node, screen.subject.policy_under_cursor, asked)
        title = line("Edit in the draft")
        if node is not None and not isinstance(node, Branch):
            title = line("Edit in the draft: ", (node.name, "bold"))
        count = sum(1 for choice in choices if choice.key)
        dialog = ChoiceDialog(
            title,
            choices,
            filtered=count > _LONG,
            empty="Nothing can be edited here: go to a user, group, role or policy and press E again.",
        )
        self._app.push_screen(dialog, self._chosen)

    def _chosen(self, chosen: str | None) -> None:
        if chosen is None:
            return
        what, *parts = chosen.split(SEPARATOR)
        try:
            self._make(what, parts)
        except Problem as problem:
            self._say(str(problem), Severity.WARNING)

    def _make(self, what: str, parts: Sequence[str]) -> None:
        match what, parts:
            case "attach", []:
                taken = [policy.arn for policy in self._holder().attached_policies]
                holder = self._holder().arn
                self._pick_policy(line("Attach a policy"), taken, lambda arn: self._add(AttachPolicy(holder, arn)))
            case "detach", [arn]:
                self._add(DetachPolicy(self._holder().arn, arn))
            case "inline", [name]:
                self._edit_inline(self._holder(), name)
            case "inline-new", []:
                self._name_inline(self._holder())
            case "inline-delete", [name]:
                self._add(DeleteInlinePolicy(self._holder().arn, name))
            case "managed", [arn]:
                self._edit_managed(arn)
            case "copy", [arn]:
                self._name_managed(_text_of(self._account.policy(arn)) or _NEW, arn.rsplit("/", 1)[-1])
            case "create", []:
                self._name_managed(_NEW, "")
            case "attach-to", [arn]:
                self._pick_holder(arn)
            case "trust", []:
                self._edit_trust(self._holder())
            case "statement", []:
                self._pick_statement()
            case "resource", []:
                self._edit_resource()
            case (("boundary" | "boundary-drop"), []):
                self._boundary(drop=what == "boundary-drop")
            case (("group-add" | "group-remove" | "member-add" | "member-remove"), _):
                self._membership(what, parts)
            case _:
                self._organization(what, parts)

    # Pickers.

    def _pick(
        self, title: Content, choices: Sequence[Choice], then: Callable[[str], None], *, empty: str = "",
        more: Callable[[], Sequence[Choice]] | None = None,
    ) -> None:  # fmt: skip
        def taken(chosen: str | None) -> None:
            if chosen is not None:
                try:
                    then(chosen)
                except Problem as problem:
                    self._say(str(problem), Severity.WARNING)

        dialog = ChoiceDialog(title, choices, filtered=True, empty=empty or "There is nothing to choose.", more=more)
        self._app.push_screen(dialog, taken)

    def _pick_policy(self, title: Content, taken: Sequence[str], then: Callable[[str], None]) -> None:
        def more() -> Sequence[Choice]:
            from iamtui.workspace.draft_names import aws_managed_policy_arns  # noqa: PLC0415 - reads a large file

            return aws_policy_choices(aws_managed_policy_arns(), taken)

        self._pick(title, policy_choices(self._account, taken), then, more=more)

    def _pick_holder(self, policy_arn: str) -> None:
        account = self._account
        having = [holder.arn for holder in account.holders(policy_arn)]
        everyone: list[Entity] = [*account.users, *account.groups, *account.roles]
        name = policy_arn.rsplit("/", 1)[-1]
        self._pick(
            line("Attach ", (name, "bold"), " to"),
            entity_choices(everyone, having),
            lambda arn: self._add(AttachPolicy(arn, policy_arn)),
            empty="Everybody has it already.",
        )

    def _membership(self, what: str, parts: Sequence[str]) -> None:
        account, node = self._account, self._holder()
        if what == "group-add" and isinstance(node, User):
            user = node.arn
            left = [group for group in account.groups if group.name not in node.groups]
            self._pick(
                line("Add ", (node.name, "bold"), " to the group"),
                entity_choices(left),
                lambda arn: self._add(AddUserToGroup(user, arn)),
                empty="There is no other group.",
            )
        elif what == "group-remove" and isinstance(node, User):
            group = account.group(parts[0])
            if group is None:
                raise Problem(f"The group {parts[0]} is not loaded.")
            self._add(RemoveUserFromGroup(node.arn, group.arn))
        elif what == "member-add":
            members = [user.arn for user in account.members(node.name)]
            into = node.arn
            self._pick(
                line("Add to the group ", (node.name, "bold")),
                entity_choices(account.users, members),
                lambda arn: self._add(AddUserToGroup(arn, into)),
                empty="Every user is in it already.",
            )
        elif what == "member-remove":
            self._add(RemoveUserFromGroup(parts[0], node.arn))

    def _boundary(self, *, drop: bool) -> None:
        holder = self._holder()
        if drop:
            self._add(DeletePermissionsBoundary(holder.arn))
            return
        now = holder.boundary_arn if not isinstance(holder, Group) else None
        arn = holder.arn
        self._pick_policy(
            line("Permissions boundary of ", (holder.name, "bold")),
            [now] if now else [],
            lambda policy: self._add(PutPermissionsBoundary(arn, policy)),
        )

    # Documents.

    def _edit(self, title: str, text: str, kind: PolicyType, name: str, then: Callable[[str], None]) -> None:
        """Open the editor; `then` is given the text when it was saved and differs."""
        from iamtui.tui.screens.draft_editor import DraftEditorScreen  # noqa: PLC0415 - the catalogue, on demand

        def saved(new: str | None) -> None:
            if new is not None and new != text:
                then(new)
            elif new is not None:
                self._say(plain("Nothing was changed."))

        screen = DraftEditorScreen(line(("Edit  ", "bold $heading"), title), text, kind, self._account.id, name)
        self._app.push_screen(screen, saved)

    def _edit_place(self, place: Place) -> None:
        text = place.document.text if place.document is not None else _NEW
        shared = f"   applies to {place.others} more" if place.others else ""
        self._edit(
            f"{place.title}{shared}",
            text,
            _KINDS[place.kind],
            place.name or place.owner.rsplit("/", 1)[-1],
            lambda new: self._add(place.put(new)),
        )

    def _edit_inline(self, holder: User | Group | Role, name: str) -> None:
        from iamtui.workspace.draft_documents import inline_place  # noqa: PLC0415 - only with a draft

        self._edit_place(inline_place(self._account, holder, name))

    def _edit_managed(self, arn: str) -> None:
        from iamtui.workspace.draft_documents import managed_place  # noqa: PLC0415 - only with a draft

        self._edit_place(managed_place(self._account, arn))

    def _edit_trust(self, role: User | Group | Role) -> None:
        from iamtui.workspace.draft_documents import trust_place  # noqa: PLC0415 - only with a draft

        assert isinstance(role, Role)
        self._edit_place(trust_place(role))

    def _edit_resource(self) -> None:
        from iamtui.analysis.policies_in_force import resource_policy_arn  # noqa: PLC0415 - the engine, on demand
        from iamtui.workspace.draft_documents import resource_place  # noqa: PLC0415 - only with a draft

        question = self._screen.question.question
        if question is None or question.resource == "*":
            raise Problem("No single resource is asked about.", "Ask about one (F5), then edit its policy.")
        place = resource_place(self._account, resource_policy_arn(question.resource))
        if place.document is None:
            edit = partial(PutResourcePolicy, place.owner)
            self._edit(place.title, _NEW_RCP, PolicyType.RESOURCE, place.owner, lambda text: self._add(edit(text)))
        else:
            self._edit_place(place)

    def _name_inline(self, holder: User | Group | Role) -> None:
        taken = {policy.name.lower() for policy in holder.inline_policies}

        def check(name: str) -> str:
            if not _POLICY_NAME.fullmatch(name):
                return "Use 1 to 128 letters, digits and characters of +=,.@-_."
            return "It has an inline policy of this name already: E edits that." if name.lower() in taken else ""

        def named(name: str | None) -> None:
            if name:
                put = partial(PutInlinePolicy, holder.arn, name)
                title = f"new inline policy {name} of {holder.name}"
                self._edit(title, "", PolicyType.IDENTITY, name, lambda text: self._add(put(text)))
                self._fill(_NEW)

        hint = plain("The name of the inline policy. Enter goes on to its document.", "$muted")
        self._app.push_screen(
            LineDialog(line("Inline policy of ", (holder.name, "bold")), "", hint, check=check), named
        )

    def _fill(self, text: str) -> None:
        """Put a first text into the editor that is being opened, as if it were typed: saving it counts as a change."""
        from iamtui.tui.screens.draft_editor import DraftEditorScreen  # noqa: PLC0415 - as above

        screen = self._app.screen
        if isinstance(screen, DraftEditorScreen):
            screen.start_with(text)

    def _name_managed(self, text: str, name: str) -> None:
        account = self._account
        taken = {policy.name.lower() for policy in account.policies if not policy.aws_managed}

        def check(wanted: str) -> str:
            if not _POLICY_NAME.fullmatch(wanted):
                return "Use 1 to 128 letters, digits and characters of +=,.@-_."
            return "The account has a policy of this name already." if wanted.lower() in taken else ""

        def named(wanted: str | None) -> None:
            if wanted:
                arn = f"arn:{account.partition}:iam::{account.id}:policy/{wanted}"
                self._edit(
                    f"new policy {wanted}", "", PolicyType.IDENTITY, wanted,
                    lambda new: self._add(PutManagedPolicy(arn, new)),
                )  # fmt: skip
                self._fill(text)

        hint = plain("The name of the policy. Enter goes on to its document.", "$muted")
        first = f"{name}-copy" if name else ""
        self._app.push_screen(LineDialog(line("Create a policy"), first, hint, check=check), named)

    # From the question.

    def _pick_statement(self) -> None:
        from iamtui.workspace.draft_statements import statement_places  # noqa: PLC0415 - the engine, on demand
        from iamtui.workspace.principals import principal_for  # noqa: PLC0415 - likewise

        screen = self._screen
        question, node, workspace = screen.question.question, self._node, screen.workspace
        if question is None or workspace is None:
            raise Problem("No question is asked.", "Ask one first (F5).")
        if isinstance(node, User | Role):
            principal = principal_for(workspace, node)
            places: Sequence[Place] = statement_places(workspace, principal, question)
        else:
            raise Problem("A statement is made for the user or role that asks.", "Go to one and press E again.")
        found: dict[str, tuple[str, Place]] = {}
        choices: list[Choice] = []
        for effect in ("Allow", "Deny"):
            choices.append(Choice("", f"{effect} {question.action} on {question.resource}"))
            for index, place in enumerate(places):
                chosen = f"{effect}-{index}"
                found[chosen] = (effect, place)
                shared = f"applies to {place.others} more" if place.others else ""
                choices.append(Choice(chosen, f"in {place.title}", shared))

        def then(chosen: str | None) -> None:
            from iamtui.workspace.draft_statements import (  # noqa: PLC0415 - as above
                edit_adding_statement,
                statement_from_question,
            )

            if chosen is None:
                return
            effect, place = found[chosen]
            try:
                statement: dict[str, Any] = statement_from_question(principal, question, effect, place)
                self._add(edit_adding_statement(place, statement))
            except Problem as problem:
                self._say(str(problem), Severity.WARNING)

        self._app.push_screen(ChoiceDialog(line("Add a statement"), choices, filtered=len(choices) > _LONG), then)

    # SCPs and RCPs.

    def _organization(self, what: str, parts: Sequence[str]) -> None:
        from iamtui.workspace.draft_documents import organization_place  # noqa: PLC0415 - only with a draft

        match what, parts:
            case "organization-detach", [policy_type, level, name]:
                self._add(DetachOrganizationPolicy(policy_type, level, name))
            case "organization-edit", [policy_type, level, name]:
                self._edit_place(organization_place(self._account, policy_type, level, name))
            case "organization-add", [policy_type]:
                title = line(f"Attach an {SHORT[policy_type]} to")
                self._pick(title, level_choices(self._account), lambda level: self._name_policy(policy_type, level))

    def _name_policy(self, policy_type: str, level: str) -> None:
        def named(name: str | None) -> None:
            if name:
                put = partial(PutOrganizationPolicy, policy_type, level, name)
                kind = PolicyType.SCP if policy_type == SCP else PolicyType.RCP
                title = f"{SHORT[policy_type]} {name} at {level}"
                self._edit(title, "", kind, name, lambda text: self._add(put(text)))
                self._fill(_NEW_RCP if policy_type == RCP else _NEW_DENY)

        hint = plain("The name of the policy: a new one, or one that is attached elsewhere.", "$muted")

        def check(name: str) -> str:
            return "" if 0 < len(name) <= 128 else "Use 1 to 128 characters."

        self._app.push_screen(
            LineDialog(line(f"{SHORT[policy_type]} at ", (level, "bold")), "", hint, check=check), named
        )

    # Edits that are there already.

    def edit_again(self, index: int) -> None:
        """Open the document of an edit once more."""
        found = self._screen.open_draft
        if found is None or index >= len(found.draft.edits):
            return
        edit = found.draft.edits[index]
        kinds: dict[type, PolicyType] = {
            PutInlinePolicy: PolicyType.IDENTITY,
            PutManagedPolicy: PolicyType.IDENTITY,
            UpdateTrustPolicy: PolicyType.TRUST,
            PutResourcePolicy: PolicyType.RESOURCE,
        }
        kind = kinds.get(type(edit))
        if isinstance(edit, PutOrganizationPolicy):
            kind = PolicyType.SCP if edit.type == SCP else PolicyType.RCP
        if kind is None or not isinstance(
            edit, PutInlinePolicy | PutManagedPolicy | UpdateTrustPolicy | PutOrganizationPolicy | PutResourcePolicy
        ):
            screen = self._screen.draft_screen
            if screen is not None:
                screen.say(plain("This edit has no document to change: x removes it."))
            return
        made = edit
        self._edit(
            f"edit {index + 1} of the draft",
            made.document,
            kind,
            "draft-edit",
            lambda text: self._screen.replace_edit(index, replace(made, document=text)),
        )


def _text_of(policy: ManagedPolicy | None) -> str:
    version = policy.default_version if policy is not None else None
    return version.document.text if version is not None else ""
