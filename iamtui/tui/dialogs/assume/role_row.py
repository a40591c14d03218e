"""RoleRow: the ARN of any role, completed from those that are known here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

from textual import on
from textual.message import Message
from textual.widgets import Input
from textual.worker import get_current_worker

from iamtui.account.model import Account
from iamtui.tui.dialogs.assume.rows import InputRow
from iamtui.tui.widgets.question.completion import best_matches
from iamtui.tui.widgets.question.field import CompletingInput, Completions, Offer
from iamtui.workspace.assume.role_arns import role_arns

_MOST: Final = 50


class RoleField(CompletingInput):
    """A role's ARN; part of a name is enough to find it."""

    HELP_TITLE: ClassVar[str] = "Role, while it offers completions"

    def is_part(self, value: str) -> bool:  # noqa: ARG002 - as in the base class
        """Taking a role only shows what it asks for."""
        return True


class RoleRow(InputRow):
    """The role as an input of the form."""

    @dataclass(eq=False, repr=False)
    class _Found(Message):
        text: str
        offers: Sequence[Offer]

    def __init__(self, account: Account, recent: Sequence[str]) -> None:
        """Make the row.

        Args:
            account: whose roles are offered, and those that its policies name.
            recent: ARNs that were used before, newest first.
        """
        field = RoleField(Completions(), placeholder="ARN, or part of a name to find it", id="assume-role")
        super().__init__("Role", field, classes="-long", below=field.completions, shortest=20)
        self._account = account
        self._recent = tuple(recent)

    @on(Input.Changed)
    def _complete(self, event: Input.Changed) -> None:
        if event.input.has_focus:
            find = partial(self._find, event.value)
            self.run_worker(find, thread=True, exclusive=True, group="role completion", exit_on_error=False)

    def _find(self, text: str) -> None:
        """In a thread."""
        worker = get_current_worker()
        known = role_arns(self._account, self._recent)
        found = best_matches(text.strip(), known, _MOST) if text.strip() else list(known)[:_MOST]
        if not worker.is_cancelled:
            self.post_message(self._Found(text, [Offer(arn, known[arn]) for arn in found]))

    @on(_Found)
    def _offer(self, event: _Found) -> None:
        event.stop()
        if self.field.value == event.text and isinstance(self.field, RoleField):
            only_itself = [offer.value for offer in event.offers] == [event.text.strip()]
            self.field.offer(() if only_itself else event.offers, event.text.strip())
