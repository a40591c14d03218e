"""WhoCanScreen: the question put to everybody; the list of answers is declared in `presentation.who_can`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from iamtui.engine.request import Principal
from iamtui.presentation.who_can import who_can_report
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.tui.content import line, lines, plain
from iamtui.tui.question.panel_text import terms_of
from iamtui.tui.reports.report_screen import AS_FOUND, Arrangement, Load, ReportScreen, show_list
from iamtui.workspace.ask.who_can import Provider, who_can
from iamtui.workspace.source.workspace import Workspace

if TYPE_CHECKING:
    from iamtui.tui.main.main_view import MainView
    from iamtui.tui.question.panel import QuestionPanel


class WhoCanScreen(ReportScreen):
    """Answers come from a thread that ends with the screen; after an edit or a refresh everybody is asked again."""

    HELP_ABOUT: ClassVar[str] = (
        "The question is put to every user and role, and to whoever the resource's policy names besides. Each "
        "answer is what AWS would decide after all policies; what depends on a condition says on which."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6", "leave_at_once", "Back to one", id="whocan.back", tooltip="Back to one principal"),
    ]

    def __init__(
        self,
        workspace: Workspace,
        question_matrix: QuestionMatrix,
        *,
        before: Workspace | None = None,
        left_out: str = "",
        provider: Provider = who_can,
        arrangement: Arrangement = AS_FOUND,
    ) -> None:
        """Make the screen.

        Args:
            before: the workspace without the draft that `workspace` holds: every row then shows both answers.
            left_out: what was half typed, and is not asked with; "" for nothing.
            provider: what answers.
        """
        self.question_matrix = question_matrix
        self._before = before
        self.left_out = left_out
        self._provider = provider
        super().__init__(workspace, "Who can", self._asking_everybody(), arrangement=arrangement)

    def _asking_everybody(self) -> Load:
        return partial(who_can_report, self.question_matrix, self._before, self._provider)

    def set_workspace(self, workspace: Workspace, before: Workspace | None = None) -> None:
        """Ask again where the account is another, or the one before its draft."""
        if workspace is not self._workspace or before is not self._before:
            self._workspace, self._before = workspace, before
            self.load(self._asking_everybody())

    def again(self) -> Callable[[Workspace, Workspace | None], WhoCanScreen]:
        """Makes the screen anew as it was left, of a workspace and the one without its draft; it asks everybody again.

        What it makes it from keeps this screen no longer.
        """
        question_matrix, left_out, provider = self.question_matrix, self.left_out, self._provider
        arrangement = self.arrangement

        def make(workspace: Workspace, before: Workspace | None) -> WhoCanScreen:
            return WhoCanScreen(
                workspace, question_matrix, before=before, left_out=left_out, provider=provider, arrangement=arrangement
            )

        return make

    def heading(self, *more: object) -> Content:
        """The question, what is said beside it, and below it what was given with it, and what was half typed."""
        actions, on_what = ", ".join(self.question_matrix.actions), ", ".join(self.question_matrix.resources)
        on = (" on ", on_what) if on_what != "*" else ()
        rows = [line(("Who can do ", "bold $heading"), (actions, "bold"), *on, "?", *more)]
        if self.left_out:
            word = plain(self.left_out, "bold $verdict-depends", limit=64)
            rows.append(line(("Without  ", "$verdict-depends"), word, ", which is half typed"))
        if terms := terms_of(self.question_matrix):
            rows.append(line(("Given    ", "$muted"), terms))
        return lines(*rows)

    @property
    def asked(self) -> tuple[Principal, Question, str] | None:
        """The request that decided: where a role chaining comes first and decides, that of its first role."""
        row = self.list.row
        if row is None:
            return None
        request, requester = row.request, row.request.principal
        terms = self.question_matrix.terms
        question = replace(terms, action=request.action, resource=request.resource, context=request.context)
        label = f"{row.kind}/{row.name}"
        if requester != row.principal:
            label = f"{label}, chained from {requester.arn.rpartition(':')[2]}"
        return requester, question, label

    def action_leave_at_once(self) -> None:
        self.leave()


def show_who_can(
    main: MainView,
    panel: QuestionPanel,
    workspace: Workspace,
    question_matrix: QuestionMatrix,
    before: Workspace | None,
) -> None:
    """Put a question to everybody; of the same question the list is as it was left."""

    def remember(arrangement: Arrangement) -> None:
        panel.who_can_left = question_matrix, arrangement

    asked, as_left = panel.who_can_left or (None, AS_FOUND)
    arrangement = as_left if asked == question_matrix else AS_FOUND
    left_out = panel.left_out
    screen = WhoCanScreen(workspace, question_matrix, before=before, left_out=left_out, arrangement=arrangement)
    show_list(main, screen, remember)
