"""The pinned question, answered for whichever principal is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iamtui.account.model import Entity, Role, User
from iamtui.analysis.inquiry import Inquiry
from iamtui.analysis.question import Question
from iamtui.problem import Problem
from iamtui.tui.widgets.draft.compared import compared
from iamtui.tui.widgets.question.verdict import Verdict, verdict
from iamtui.workspace.workspace import Workspace

if TYPE_CHECKING:
    from iamtui.workspace.inquiries import InquiryPoll


class PinnedQuestion:
    """Answers one question about one workspace for any user or role, once for each.

    Lists call it for the lines they draw, so a list of any length costs what its visible part costs.
    """

    def __init__(
        self,
        workspace: Workspace,
        question: Question,
        before: Workspace | None = None,
        *,
        inquiry: Inquiry | None = None,
    ) -> None:
        """Take a question.

        Args:
            before: the account without the draft that `workspace` holds: verdicts then know the one before.
            inquiry: the same with what an answer rests on besides: role chaining, companions of the call; one action
                on one resource. None: only the companions that always belong to the call.
        """
        self.workspace = workspace
        self.question = question
        self.before = before
        self.inquiry = inquiry or Inquiry((question.action,), (question.resource,), question)
        self._known: dict[str, Verdict | None] = {}
        self._poll: InquiryPoll | None = None
        self._poll_before: InquiryPoll | None = None

    def __call__(self, entity: Entity) -> Verdict | None:
        """The verdict, or None when the entity is no principal or the question cannot be asked."""
        if not isinstance(entity, (User, Role)):
            return None
        if entity.arn not in self._known:
            self._known[entity.arn] = self._ask(entity)
        return self._known[entity.arn]

    def _ask(self, entity: User | Role) -> Verdict | None:
        from iamtui.workspace.inquiries import InquiryPoll  # noqa: PLC0415 - the engine is not loaded before a frame

        try:
            if self._poll is None:
                self._poll = InquiryPoll(self.workspace, self.inquiry)
            after = _deciding(self._poll, self.workspace, entity)
            if self.before is None or after is None:
                return after
            if self._poll_before is None:
                self._poll_before = InquiryPoll(self.before, self.inquiry)
            before = _deciding(self._poll_before, self.before, entity)
            return compared(before, after) if before is not None else after
        except Problem:
            return None


def _deciding(poll: InquiryPoll, workspace: Workspace, entity: User | Role) -> Verdict | None:
    from iamtui.workspace.principals import principal_for  # noqa: PLC0415 - the engine is not loaded before a frame

    answer = poll.answer(principal_for(workspace, entity))
    return verdict(answer.worst.deciding) if answer is not None else None
