"""EditMaker: the menu of what can be edited where the user is, and who makes each edit of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from iamtui.drafts.edits import DeleteInlinePolicy, DetachPolicy
from iamtui.policy.arn import resource_policy_arn
from iamtui.tui.content import line, plain
from iamtui.tui.dialogs import ChoiceDialog
from iamtui.tui.drafts.document_edits import DocumentEdits, HolderEdits, OrganizationEdits
from iamtui.tui.drafts.edit_context import SEPARATOR, DraftKeeper, EditContext, edit_choices
from iamtui.tui.drafts.open_drafts import touched_by
from iamtui.tui.inventory import Branch


class EditMaker(EditContext):
    """Makes edits where the user is, on behalf of what keeps the draft."""

    def __init__(self, drafts: DraftKeeper) -> None:
        super().__init__(drafts)
        self._documents = DocumentEdits(drafts)
        self._holders = HolderEdits(drafts)
        self._organization = OrganizationEdits(drafts)

    def menu(self) -> None:
        """List what can be edited where the user is."""
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
        """Open the document of an edit once more."""
        self._documents.edit_again(index)

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
            case "trust", _:
                documents.trust(*parts)
            case "take", [index]:
                self.drafts.remove_edit(int(index))
            case "statement", []:
                documents.statement()
            case (("resource" | "resource-delete"), []):
                documents.resource(delete=what == "resource-delete")
            case _:
                self._organization_edit(what, parts)

    def _organization_edit(self, what: str, parts: Sequence[str]) -> None:
        self._organization.make(what, parts, self._documents)
