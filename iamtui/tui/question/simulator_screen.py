"""SecondOpinionScreen: AWS's own simulator beside our answer, run on the user's request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar, Final, TypeAlias

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Label, Static

from iamtui.engine.decision import Decision
from iamtui.engine.request import Principal
from iamtui.presentation.verdict import (
    absent_layers,
    aged,
    because,
    comparison_rows,
    decision_layers,
    layer_row,
    their_rows,
    verdict_words,
)
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.tui.background import Work, in_thread
from iamtui.tui.content import line, lines, plain, styled, wrong
from iamtui.tui.widgets.status import KeyLine
from iamtui.workspace.ask.aws_simulator import SecondOpinion, Simulation, second_opinion, simulation_of
from iamtui.workspace.source.workspace import Workspace

# Two answers to one question in words: ours, AWS's, and why they differ. Pure.


def request_rows(simulation: Simulation) -> list[Content]:
    rows = [
        line(("Principal  ", "$muted"), simulation.source_arn),
        line(("Action     ", "$muted"), simulation.action),
        line(("Resource   ", "$muted"), ", ".join(simulation.resources)),
    ]
    for entry in simulation.context:
        values = ", ".join(entry.values)
        rows.append(
            line(("Context    ", "$muted"), entry.key, (" = ", "$muted"), values, (f"  {entry.type}", "$faint"))
        )
    if simulation.resource_policy:
        size = len(simulation.resource_policy)
        rows.append(line(("Policy     ", "$muted"), f"the resource's own, {size:,} characters"))
    if simulation.resource_owner:
        rows.append(line(("Owner      ", "$muted"), f"account {simulation.resource_owner}"))
    return rows


def our_rows(decision: Decision, age: str) -> list[Content]:
    rows = [styled(aged(verdict_words(decision).row, age))]
    why = styled(because(decision))
    if why:
        rows.append(why)
    rows.append(Content(""))
    layers = decision_layers(decision)
    rows += [styled(layer_row(layer, compact=True)) for layer in layers.applying]
    if layers.absent:
        rows.append(styled(absent_layers(layers.absent)))
    return rows


Asker: TypeAlias = Callable[[Workspace, Principal, Question, Callable[[], bool]], SecondOpinion | None]

_GROUP: Final = "second opinion"


class SecondOpinionScreen(Screen[None]):
    """First what would be sent, then both answers: side by side, in a narrow window one above the other."""

    HORIZONTAL_BREAKPOINTS = [(0, "-stacked"), (100, "-beside")]  # noqa: RUF012 - declared so by the base class

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,S", "ask", "Ask AWS", id="opinion.ask", tooltip="Ask AWS's simulator; it changes nothing"),
        Binding("j,down", "scroll(1)", "Down", show=False, id="opinion.down", tooltip="Scroll down"),
        Binding("k,up", "scroll(-1)", "Up", show=False, id="opinion.up", tooltip="Scroll up"),
        Binding("escape,q", "back", "Back", id="opinion.back", tooltip="Stop asking, or go back"),
    ]

    DEFAULT_CSS = """
    SecondOpinionScreen {
        background: $background;

        & #opinion-title {
            height: 1;
            width: 100%;
            padding: 0 1;
            background: $panel;
        }
        & #opinion-body {
            height: 1fr;
            scrollbar-size-vertical: 1;
        }
        & #opinion-answers {
            height: auto;
            layout: vertical;
        }
        &.-beside #opinion-answers {
            layout: grid;
            grid-size: 2 1;
            grid-gutter: 0 2;
            grid-rows: auto;
        }
        & #opinion-answers Static {
            height: auto;
            width: 1fr;
            padding: 0 1;
            border-top: solid $rule;
            border-title-color: $heading;
        }
        & #opinion-words {
            height: auto;
            padding: 0 1;
            border-top: solid $rule;
            border-title-color: $heading;
        }
    }
    """

    def __init__(
        self,
        workspace: Workspace,
        principal: Principal,
        question: Question,
        decision: Decision,
        *,
        asker: Asker = second_opinion,
        left_out: str = "",
        now: datetime | None = None,
    ) -> None:
        """Make the screen.

        Args:
            decision: our answer, on screen already.
            asker: what asks AWS; it is given what says whether its answer is still wanted.
            left_out: what was half typed, and is not asked with; "" for nothing.
            now: the time of the request, UTC; None: the clock.
        """
        super().__init__()
        self._left_out = left_out
        self._now = now
        self._workspace = workspace
        self._principal = principal
        self._question = question
        self._decision = decision
        self._asker = asker
        self._asking = False

    def compose(self) -> ComposeResult:
        who = self._principal.arn.split(":", 5)[-1]
        without = plain(self._left_out, "bold $verdict-depends", limit=64)
        yield Label(
            line(
                ("Second opinion  ", "bold $heading"),
                line("without ", without, "  ") if self._left_out else "",
                (who, "bold"),
                (f"  {self._question.action}", "$muted"),
            ),
            id="opinion-title",
        )
        with VerticalScroll(id="opinion-body", can_focus=True):
            yield Static(id="opinion-words")
            with Container(id="opinion-answers"):
                yield Static(id="opinion-ours")
                yield Static(id="opinion-theirs")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        self.query_one("#opinion-body").focus()
        self._show("#opinion-ours", "iamtui", our_rows(self._decision, self._workspace.age))
        try:
            simulation = simulation_of(self._workspace, self._principal, self._question, now=self._now)
        except Problem as problem:
            self._refuse(problem)
            return
        target = self._workspace.source.endpoint_url or "AWS"
        ready = [
            line("Enter asks ", (target, "bold"), ": one read call, iam:SimulatePrincipalPolicy. It changes nothing."),
            Content(""),
            *request_rows(simulation),
        ]
        self._show("#opinion-theirs", "AWS's simulator: not asked yet", ready)
        self.query_one("#opinion-words").display = False

    def _show(self, selector: str, title: str, rows: Sequence[Content]) -> None:
        pane = self.query_one(selector, Static)
        pane.border_title = line(title)
        pane.update(lines(*rows))
        pane.display = True

    def action_ask(self) -> None:
        if self._asking:
            return
        self._asking = True
        waiting = [plain("Asking … Escape stops waiting.", "bold $match")]
        self._show("#opinion-theirs", "AWS's simulator", waiting)
        self.query_one("#opinion-words").display = False
        in_thread(self, self._ask, self._refused, name="asking AWS", group=_GROUP)

    def _ask(self, work: Work) -> None:
        work.tell(self._answered, self._asker(self._workspace, self._principal, self._question, work.cancelled))

    def _answered(self, opinion: SecondOpinion | None) -> None:
        self._asking = False
        if opinion is None:
            return
        self._show("#opinion-ours", "iamtui", our_rows(opinion.ours, self._workspace.age))
        self._show("#opinion-theirs", "AWS's simulator", [styled(row) for row in their_rows(opinion.theirs)])
        self._show("#opinion-words", "Compared", [styled(row) for row in comparison_rows(opinion)])

    def _refused(self, problem: Problem) -> None:
        self._asking = False
        self._refuse(problem)

    def _refuse(self, problem: Problem) -> None:
        rows = [wrong(problem.sentence), plain(problem.next_step, "$muted")]
        self._show("#opinion-theirs", "AWS's simulator", rows)

    def action_scroll(self, direction: int) -> None:
        self.query_one("#opinion-body", VerticalScroll).scroll_relative(y=direction, animate=False)

    def action_back(self) -> None:
        if not self._asking:
            self.dismiss(None)
            return
        self._asking = False
        self.workers.cancel_group(self, _GROUP)
        stopped = [plain("Stopped. Enter asks again, Escape goes back.")]
        self._show("#opinion-theirs", "AWS's simulator", stopped)
