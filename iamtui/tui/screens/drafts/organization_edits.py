"""OrganizationEdits: SCPs and RCPs at the levels above the account and at its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from iamtui.account.drafts.draft import DetachOrganizationPolicy, PutOrganizationPolicy
from iamtui.account.drafts.words import RCP, SCP, level_words, short_type
from iamtui.policy.document import render
from iamtui.policy.kinds import PolicyType
from iamtui.tui.dialogs.prompts import LineDialog
from iamtui.tui.safe import line, plain
from iamtui.tui.screens.drafts.choices import attachable, attachable_choices, level_choices
from iamtui.tui.screens.drafts.document_edits import DocumentEdits
from iamtui.tui.screens.drafts.hand import EditHand

_NEW: Final = {
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


class OrganizationEdits(EditHand):
    """Attaches, edits and detaches policies of the organization."""

    def make(self, what: str, parts: Sequence[str], documents: DocumentEdits) -> None:
        """Do what the menu named.

        Args:
            what: "organization-detach", "organization-edit" or "organization-add".
            parts: type, level and name of the policy; of one to add the type.
            documents: who opens the editor.
        """
        from iamtui.workspace.drafts.documents import organization_place  # noqa: PLC0415 - only with a draft

        match what, parts:
            case "organization-detach", [type_, level, name]:
                self.add(DetachOrganizationPolicy(type_, level, name))
            case "organization-edit", [type_, level, name]:
                documents.edit_place(organization_place(self.account, type_, level, name))
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
            documents.edit(title, "", kind, name, lambda text: self.add(put(text)), first=_NEW[type_])

        hint = plain("The name of the new policy. Enter goes on to its document.", "$muted")
        dialog = LineDialog(line(f"{short_type(type_)} at ", (where, "bold")), typed, hint, check=check)
        self.app.push_screen(dialog, self.doing(named))
