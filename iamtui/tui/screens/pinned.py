"""The pinned question, answered for whichever principal is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iamtui.account.model import Entity, Role, User
from iamtui.analysis.question import Question
from iamtui.problem import Problem
from iamtui.tui.widgets.question.verdict import Verdict, verdict
from iamtui.workspace.workspace import Workspace

if TYPE_CHECKING:
    from iamtui.workspace.asking import Poll


class PinnedQuestion:
    """Answers one question about one workspace for any user or role, once for each.

    Lists call it for the lines they draw, so a list of any length costs what its visible part costs.
    """

    def __init__(self, workspace: Workspace, question: Question) -> None:
        self.workspace = workspace
        self.question = question
        self._known: dict[str, Verdict | None] = {}
        self._poll: Poll | None = None

    def __call__(self, entity: Entity) -> Verdict | None:
        """The verdict, or None when the entity is no principal or the question cannot be asked."""
        if not isinstance(entity, (User, Role)):
            return None
        if entity.arn not in self._known:
            self._known[entity.arn] = self._ask(entity)
        return self._known[entity.arn]

    def _ask(self, entity: User | Role) -> Verdict | None:
        from iamtui.workspace.asking import Poll  # noqa: PLC0415 - the engine is not loaded before the first frame
        from iamtui.workspace.principals import principal_for  # noqa: PLC0415 - likewise

        try:
            if self._poll is None:
                self._poll = Poll(self.workspace, self.question)
            return verdict(self._poll.ask(principal_for(self.workspace, entity)))
        except Problem:
            return None
