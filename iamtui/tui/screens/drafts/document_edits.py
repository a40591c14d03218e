"""DocumentEdits: policy documents, opened in the editor; and a statement made from the question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from textual.content import Content

from iamtui.account.drafts.draft import (
    DeleteResourcePolicy,
    Edit,
    PutInlinePolicy,
    PutManagedPolicy,
    PutOrganizationPolicy,
    PutResourcePolicy,
    UpdateTrustPolicy,
)
from iamtui.account.drafts.words import SCP, describe_edit
from iamtui.account.model import ManagedPolicy, Role, User
from iamtui.policy.document import render
from iamtui.policy.kinds import PolicyType
from iamtui.problem import Problem
from iamtui.tui.dialogs.prompts import LineDialog, policy_name_fault
from iamtui.tui.safe import line, plain
from iamtui.tui.screens.drafts.hand import EditHand
from iamtui.tui.widgets.draft.option_lines import Choice

if TYPE_CHECKING:
    from iamtui.workspace.drafts.documents import Place

_KINDS: Final = {
    "inline": PolicyType.IDENTITY,
    "managed": PolicyType.IDENTITY,
    "trust": PolicyType.TRUST,
    "resource": PolicyType.RESOURCE,
    "scp": PolicyType.SCP,
    "rcp": PolicyType.RCP,
}

_PUT_KINDS: Final[dict[type, PolicyType]] = {
    PutInlinePolicy: PolicyType.IDENTITY,
    PutManagedPolicy: PolicyType.IDENTITY,
    UpdateTrustPolicy: PolicyType.TRUST,
    PutResourcePolicy: PolicyType.RESOURCE,
}

_NEW: Final = render(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)
_NEW_RESOURCE: Final = render(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket", "Resource": "*"}],
    }
)


class DocumentEdits(EditHand):
    """Edits that put a document somewhere."""

    def edit(
        self, title: str, text: str, kind: PolicyType, name: str, then: Callable[[str], None], *, first: str = ""
    ) -> None:
        """Open the editor; `then` is given the text when it was saved and differs.

        Args:
            title: what is edited, raw.
            text: the document as it stands, or "".
            kind: what it is used as.
            name: a name for the file in the user's own editor, raw.
            first: a text to begin with that counts as typed: saving it as it is counts as a change.
        """
        from iamtui.tui.screens.drafts.editor import DraftEditorScreen  # noqa: PLC0415 - the catalogue, on demand

        def saved(new: str | None) -> None:
            if new is not None and new != text:
                then(new)
            elif new is not None:
                self.say(plain("Nothing was changed."))

        screen = DraftEditorScreen(line(("Edit  ", "bold $heading"), title), text, kind, self.account.id, name)
        if first:
            screen.start_with(first)
        self.app.push_screen(screen, saved)

    def edit_place(self, place: Place) -> None:
        """Edit the document that stands at a place."""
        text = place.document.text if place.document is not None else _NEW
        shared = f"   applies to {place.others} more" if place.others else ""
        self.edit(
            f"{place.title}{shared}",
            text,
            _KINDS[place.kind],
            place.name or place.owner.rsplit("/", 1)[-1],
            lambda new: self.add(place.put(new)),
        )

    def inline(self, name: str) -> None:
        """Edit the inline policy of this name."""
        from iamtui.workspace.drafts.documents import inline_place  # noqa: PLC0415 - only with a draft

        self.edit_place(inline_place(self.account, self.holder, name))

    def managed(self, arn: str) -> None:
        """Edit the default version of a managed policy.

        Raises:
            Problem: it is AWS's own, or not loaded.
        """
        from iamtui.workspace.drafts.documents import managed_place  # noqa: PLC0415 - only with a draft

        self.edit_place(managed_place(self.account, arn))

    def trust(self, role_arn: str = "") -> None:
        """Edit the trust policy of a role: the one that the user is on, or of this ARN."""
        from iamtui.workspace.drafts.documents import trust_place  # noqa: PLC0415 - only with a draft

        role = self.account.by_arn(role_arn) if role_arn else self.holder
        assert isinstance(role, Role)
        self.edit_place(trust_place(role))

    def resource(self, *, delete: bool = False) -> None:
        """Edit or delete the policy of the resource that is asked about; one that is not loaded is written anew.

        Raises:
            Problem: no single resource is asked about.
        """
        from iamtui.analysis.policies_in_force import resource_policy_arn  # noqa: PLC0415 - the engine, on demand
        from iamtui.workspace.drafts.documents import resource_place  # noqa: PLC0415 - only with a draft

        question = self.screen.question.question
        if question is None or question.resource == "*":
            raise Problem("No single resource is asked about.", "Ask about one (F5), then edit its policy.")
        arn = resource_policy_arn(question.resource)
        known = self.account.resource_policies.get(arn)
        if delete:
            self.add(DeleteResourcePolicy(arn))
        elif known is not None and known.state == "present":
            self.edit_place(resource_place(self.account, arn))
        else:
            put = partial(PutResourcePolicy, arn)
            now = "it has none yet" if known is not None and known.state == "none" else "not loaded: all is replaced"
            title = f"policy of {arn}   {now}"
            self.edit(title, "", PolicyType.RESOURCE, arn, lambda text: self.add(put(text)), first=_NEW_RESOURCE)

    # New ones.

    def new_inline(self) -> None:
        """Name a new inline policy, then write it."""
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
        """Name a new policy, then write it."""
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
        from iamtui.workspace.drafts.statements import (  # noqa: PLC0415 - the engine, on demand
            edit_adding_statement,
            statement_from_question,
            statement_places,
        )
        from iamtui.workspace.principals import principal_for  # noqa: PLC0415 - likewise

        question, node, workspace = self.screen.question.question, self.node, self.screen.workspace
        if question is None or workspace is None:
            raise Problem("No question is asked.", "Ask one first (F5).")
        if not isinstance(node, User | Role):
            raise Problem("A statement is made for the user or role that asks.", "Go to one and press E again.")
        principal = principal_for(workspace, node)
        found: dict[str, tuple[str, Place]] = {}
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
            self.add(edit_adding_statement(place, statement))

        self.pick(line("Add a statement"), choices, then)

    # Edits that are there already.

    def edit_again(self, index: int) -> None:
        """Open the document of an edit once more."""
        found, source = self.screen.open_draft, self.screen.source_workspace
        if found is None or source is None or index >= len(found.draft.edits):
            return
        edits = found.draft.edits
        made: Edit = edits[index]
        if not isinstance(
            made, PutInlinePolicy | PutManagedPolicy | UpdateTrustPolicy | PutOrganizationPolicy | PutResourcePolicy
        ):
            screen = self.screen.draft_screen
            if screen is not None:
                screen.say(plain("This edit has no document to change: x removes it."))
            return
        if isinstance(made, PutOrganizationPolicy):
            kind = PolicyType.SCP if made.type == SCP else PolicyType.RCP
        else:
            kind = _PUT_KINDS[type(made)]
        put = made
        self.edit(
            f"{index + 1}: {describe_edit(made, source.account, edits[:index])}",
            made.document,
            kind,
            "draft-edit",
            lambda text: self.screen.replace_edit(index, replace(put, document=text)),
        )


def _text_of(policy: ManagedPolicy | None) -> str:
    version = policy.default_version if policy is not None else None
    return version.document.text if version is not None else ""
