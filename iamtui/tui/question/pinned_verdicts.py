"""The pinned question, answered for whichever principal is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import structs

from iamtui.account.model import Entity, Role, User
from iamtui.engine.decision import Layer
from iamtui.presentation.verdict import PENDING, VerdictWords, verdict_words
from iamtui.problem import Problem
from iamtui.questions.question import QuestionMatrix
from iamtui.tui import clock
from iamtui.tui.background import Work, in_thread
from iamtui.tui.content import plain
from iamtui.tui.explorer.detail_pane import SubjectPane
from iamtui.tui.main.inventory import document_of, entity_of
from iamtui.tui.main.main_view import JumpToStatement, MainView
from iamtui.tui.main.paned import PanedScreen
from iamtui.tui.question.panel import QuestionPanel
from iamtui.tui.widgets.status import Notice
from iamtui.workspace.source.workspace import SourceKind, Workspace

if TYPE_CHECKING:
    from iamtui.account.model import Account
    from iamtui.engine.decision import StatementRef
    from iamtui.engine.request import Principal
    from iamtui.presentation.answer import AnsweredQuestion
    from iamtui.tui.question.asking import Alongside
    from iamtui.workspace.ask.answers import BulkMatrixEvaluator


_SHOWN_SECONDS: Final = 0.05
"""How long verdicts are collected before they are shown."""

_AHEAD_SECONDS: Final = 0.02
"""How long an answer may be kept back for the verdicts that are painted with it."""


class PinnedQuestion:
    """Answers one question about one workspace for any user or role, once for each, in a thread.

    Lists call it for the lines they draw, so a list of any length costs what its visible part costs. Policies are
    compiled the first time they decide, which takes longer than a frame may: what is not known yet is wanted.
    """

    def __init__(
        self,
        workspace: Workspace,
        question_matrix: QuestionMatrix,
        before: Workspace | None = None,
        *,
        wanted: Callable[[PinnedQuestion], object],
    ) -> None:
        """Take a question.

        Args:
            question_matrix: the question, of which the worst decides.
            before: the account without the draft that `workspace` holds: verdicts then know the one before.
            wanted: called when verdicts are wanted and no thread is at it: to have one run `find`.
        """
        self.workspace = workspace
        self.before = before
        self.question_matrix = question_matrix
        self._known: dict[str, VerdictWords | None] = {}
        self._want = wanted
        self._wanted: dict[str, User | Role] = {}
        self._lock = Lock()
        self._at_work = False
        self._polls: tuple[BulkMatrixEvaluator, BulkMatrixEvaluator | None] | None = None

    def is_about(self, workspace: Workspace, question_matrix: QuestionMatrix, before: Workspace | None) -> bool:
        return self.workspace is workspace and self.before is before and self.question_matrix == question_matrix

    def __call__(self, entity: Entity) -> VerdictWords | None:
        """The verdict, PENDING, or None when the entity is no principal or has no answer."""
        if not isinstance(entity, (User, Role)):
            return None
        if entity.arn in self._known:
            return self._known[entity.arn]
        with self._lock:
            self._wanted[entity.arn] = entity
            start, self._at_work = not self._at_work, True
        if start:
            self._want(self)
        return PENDING

    def find_first(self, entities: Iterable[Entity], cancelled: Callable[[], bool]) -> None:
        """Find verdicts before anybody asks for them, in a thread: of so many as can be found in a moment."""
        start = monotonic()
        # Whatever cannot be found is wanted again when it is drawn, and `find` says what is wrong.
        with suppress(Exception):
            for entity in entities:
                if cancelled() or monotonic() - start >= _AHEAD_SECONDS:
                    return
                if isinstance(entity, (User, Role)):
                    self._known[entity.arn] = self._ask(entity)

    def find(self, cancelled: Callable[[], bool], found: Callable[[], object]) -> None:
        """Find what is wanted, in a thread; `found` is called when there is something new to draw."""
        shown = monotonic()
        while (entity := self._next()) is not None:
            if cancelled():
                return
            if entity.arn not in self._known:
                self._known[entity.arn] = self._ask(entity)
            now = monotonic()
            if now - shown >= _SHOWN_SECONDS:
                found()
                shown = now
        found()

    def _next(self) -> User | Role | None:
        with self._lock:
            if self._wanted:
                return self._wanted.pop(next(iter(self._wanted)))
            self._at_work = False
            return None

    def _ask(self, entity: User | Role) -> VerdictWords | None:
        from iamtui.workspace.ask.answers import BulkMatrixEvaluator

        try:
            if self._polls is None:
                # One time for both, or a condition on the time could look like the draft's doing.
                now = clock.now()
                make = partial(BulkMatrixEvaluator, question_matrix=self.question_matrix, now=now)
                self._polls = make(self.workspace), make(self.before) if self.before is not None else None
            poll, poll_before = self._polls
            after = _deciding(poll, self.workspace, entity)
            if self.before is None or poll_before is None:
                return after
            before = _deciding(poll_before, self.before, entity)
            return structs.replace(after, before=before)
        except Problem:
            return None


def _deciding(poll: BulkMatrixEvaluator, workspace: Workspace, entity: User | Role) -> VerdictWords:
    from iamtui.workspace.source.principals import principal_for

    return verdict_words(poll.decide(principal_for(workspace, entity)))


# What the screens that lie over the main one may ask of it.


class AskedFrom(MainView, Protocol):
    """The main screen, as the screens know it that are opened from its question."""

    @property
    def subject(self) -> SubjectPane:
        """Where the user is."""

    @property
    def question(self) -> QuestionPanel:
        """The question and its answer."""


# The way from the main screen to the screens of answers: who can, a second opinion, a document. Loads them late.


def open_who_can(main: AskedFrom, before: Workspace | None = None) -> None:
    """Put the question to everybody on a screen of its own; choosing somebody there goes to them in the tree.

    Args:
        before: the account without the draft that is open, or None.
    """
    workspace, question_matrix = main.workspace, main.question.question_matrix
    if workspace is None or question_matrix is None:
        main.question.post_message(
            Notice(
                plain(f"There is no question to ask about everybody yet: {main.question.how_to_ask}."),
                until_answer=True,
            )
        )
        return

    from iamtui.tui.question.who_can_screen import show_who_can

    show_who_can(main, main.question, workspace, question_matrix, before)


def tell_screens(main: AskedFrom, workspace: Workspace) -> None:

    if len(main.app.screen_stack) < 2:
        return

    from iamtui.tui.question.who_can_screen import WhoCanScreen

    for screen in main.app.screen_stack:
        if isinstance(screen, WhoCanScreen):
            screen.set_workspace(workspace, main.drafts.before_workspace)


def show_statement(main: AskedFrom, wanted: JumpToStatement) -> bool:
    """Show a statement that took part in an answer in its policy, in the tree or on a screen of its own.

    False when it is not loaded.
    """
    if main.workspace is None:
        return False
    account = main.workspace.account
    ref, principal, resource = wanted.ref, wanted.principal, wanted.resource
    entity = entity_of(account, principal)
    role = account.by_arn(resource)
    shown = False
    if ref.layer in (Layer.IDENTITY, Layer.BOUNDARY) and entity is not None:
        shown = main.go_to(entity.arn, wanted.above) and main.subject.detail.show_statement(ref.policy, ref.statement)
    elif ref.layer is Layer.RESOURCE and isinstance(role, Role):
        shown = main.go_to(role.arn, wanted.above) and main.subject.detail.show_trust_statement(ref.statement)
    # SCPs and the policies of resources are not in the tree.
    return shown or any(_show_document(main, one, principal, resource, ref) for one in main.workspace.accounts)


def _show_document(main: AskedFrom, account: Account, principal: Principal, resource: str, ref: StatementRef) -> bool:
    """Show the document of a statement that is not in the tree; False when it is not loaded."""
    document = document_of(account, principal, resource, ref)
    if document is not None:
        from iamtui.tui.question.trace_screen import DocumentScreen

        main.app.push_screen(DocumentScreen(document, ref))
    return document is not None


def has_simulator(workspace: Workspace | None) -> bool:
    """True where the source may have AWS's simulator behind it."""
    return workspace is not None and workspace.can_call_aws and workspace.source.kind is not SourceKind.DEMO


def open_second_opinion(main: AskedFrom, before: Workspace | None = None) -> None:
    """Show what AWS's own simulator says beside our answer; it knows no draft.

    Args:
        before: the account without the draft that is open, or None.
    """
    if before is not None:
        main.say(plain("AWS answers for the account as it is: close the draft first (d, then X)."))
        return
    question, principal, decision = main.question.question, main.question.principal, main.question.answer
    workspace = main.workspace
    if workspace is None or question is None or decision is None or principal is None:
        main.question.post_message(
            Notice(
                plain(f"There is no answer to get a second opinion on yet: {main.question.how_to_ask}."),
                until_answer=True,
            )
        )
        return

    from iamtui.workspace.ask.aws_simulator import can_ask_aws

    refused = can_ask_aws(workspace, principal)
    if refused is not None:
        main.say(str(refused))
        return
    left_out = main.question.left_out

    from iamtui.tui.question.simulator_screen import SecondOpinionScreen

    screen = SecondOpinionScreen
    main.app.push_screen(screen(workspace, principal, question, decision, left_out=left_out))


# Pinning: the question that was answered last, whose verdicts stand in the tree and in the tables.


_GROUP: Final = "pinned"
_WORK: Final = "answering the pinned question"


class Pinning:
    """Pins questions on the lists of a screen, and has their verdicts found in a thread."""

    def __init__(self, screen: PanedScreen) -> None:
        self._screen = screen
        self._pinned: PinnedQuestion | None = None
        self._next: PinnedQuestion | None = None
        """The question whose answer is being looked for; it is pinned when that is there."""

    @property
    def pinned(self) -> PinnedQuestion | None:
        return self._pinned

    def forget(self) -> None:
        """Pin nothing, and drop the question that waits for its answer."""
        self.unpin()
        self._next = None

    def unpin(self) -> None:
        if self._pinned is not None:
            self._pin(None)

    def pin(self, workspace: Workspace, question_matrix: QuestionMatrix, before: Workspace | None) -> None:
        """Pin a question that was answered, unless it is pinned already.

        Args:
            before: the account without the draft that `workspace` holds, or None.
        """
        about = workspace, question_matrix, before
        if self._pinned is not None and self._pinned.is_about(*about):
            return
        ahead, self._next = self._next, None
        if ahead is None or not ahead.is_about(*about):
            ahead = PinnedQuestion(*about, wanted=self._find)
        self._pin(ahead)

    def ahead(self, asked: AnsweredQuestion) -> Alongside | None:
        """Have the verdicts of the lines in sight found with the answer, where its question is not pinned yet."""
        about = asked.workspace, asked.question_matrix, asked.before
        if self._pinned is not None and self._pinned.is_about(*about):
            return None
        ahead = self._next = PinnedQuestion(*about, wanted=self._find)
        return partial(
            ahead.find_first, (*self._screen.explorer.tree_view.in_sight(), *self._screen.subject.in_sight())
        )

    def _found(self, pinned: PinnedQuestion) -> None:
        if pinned is self._pinned:
            self._screen.explorer.tree_view.redraw_unfinished()
            self._screen.subject.table.redraw_unfinished()

    def _pin(self, pinned: PinnedQuestion | None) -> None:
        self._pinned = pinned
        self._screen.explorer.set_verdicts(pinned)
        self._screen.subject.set_verdicts(pinned)

    def _find(self, pinned: PinnedQuestion) -> None:
        def find(work: Work) -> None:
            pinned.find(work.cancelled, lambda: work.tell(self._found, pinned))

        in_thread(self._screen, find, name=_WORK, group=_GROUP)
