"""OpeningApp: opens sources in threads, with progress, cancel and a chooser, and says what came of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final

from textual import on, work
from textual.content import Content
from textual.message import Message
from textual.worker import get_current_worker

from iamtui.problem import Problem
from iamtui.tui.compiling import compile_all
from iamtui.tui.garbage import making
from iamtui.tui.inventory import Inventory
from iamtui.tui.safe import line, lines, plain
from iamtui.tui.screens.main import MainScreen
from iamtui.tui.terminal_app import TerminalApp
from iamtui.tui.widgets.notice import Severity
from iamtui.workspace.opening import OpeningCancelled, Progress, ProgressReport, SourceChoice
from iamtui.workspace.workspace import SourceKind, Workspace

if TYPE_CHECKING:
    from iamtui.account.model import Account
    from iamtui.tui.screens.chooser import ChooserScreen
    from iamtui.tui.search import SearchIndex
    from iamtui.workspace.credential_commands import UnconfirmedCommand

Opener = Callable[[SourceChoice, ProgressReport, Callable[[], bool]], Workspace]
"""Loads what a choice names, blocking; the app calls it in a thread."""

_LOADING: Final = "loading"


def open_blocking(choice: SourceChoice, report: ProgressReport, cancelled: Callable[[], bool]) -> Workspace:
    """The real opener."""
    from iamtui.workspace.opening import open_source  # noqa: PLC0415 - its sources load boto3: only in the worker

    return open_source(choice, report, cancelled)


class OpeningApp(TerminalApp):
    """Shows on its main screen whatever source was opened last; what is open stays open until the next one is."""

    @dataclass(eq=False, repr=False)
    class SourceOpened(Message):
        """A worker loaded an account."""

        choice: SourceChoice
        workspace: Workspace
        inventory: Inventory
        index: SearchIndex

    @dataclass(eq=False, repr=False)
    class SourceFailed(Message):
        """A worker could not; `problem` is None when the user cancelled."""

        choice: SourceChoice
        problem: Problem | None

    @dataclass(eq=False, repr=False)
    class SourceProgress(Message):
        """How far a worker has come."""

        progress: Progress

    def __init__(self, choice: SourceChoice | None, opener: Opener) -> None:
        """Make the app.

        Args:
            choice: what to open; None: ask first.
            opener: loads what is chosen.
        """
        super().__init__()
        self._choice = choice
        self._endpoint_url = choice.endpoint_url if choice is not None else None
        """Given for this run, whatever account is chosen later: keys for an emulator must not go to AWS."""
        self._opened: SourceChoice | None = None
        self._chooser: ChooserScreen | None = None
        self._opener = opener
        self._end_commands: Callable[[], None] = lambda: None

    def before_end(self) -> None:
        """A command for credentials has no terminal here, so that nothing tells it when ours has gone."""
        self._end_commands()

    @property
    def main(self) -> MainScreen:
        """The main screen, which lies under all others."""
        raise NotImplementedError

    @property
    def choice(self) -> SourceChoice | None:
        """The source that is open or being opened."""
        return self._choice

    def on_mount(self) -> None:
        """Open the source, or let the user choose."""
        if self._choice is not None:
            self.call_after_refresh(self.open, self._choice)
        else:
            self.call_after_refresh(self.action_choose_source)

    def say(self, text: Content | str, severity: Severity = Severity.INFORMATION, *, stays: bool = False) -> None:
        """Show one sentence on the message line; raw text is made safe."""
        if self.main.is_mounted:
            self.main.say(text, severity, stays=stays)

    def open(self, choice: SourceChoice, confirmed: UnconfirmedCommand | None = None) -> None:
        """Load a source in a worker; one that is still loading is cancelled.

        Args:
            confirmed: the command for credentials that the user has just agreed to.
        """
        self._choice = choice
        self.main.tries_again = False
        self.main.show_opening(_name_of(choice))
        self.say(line("Opening ", (_name_of(choice), "bold"), " …"), stays=True)
        self._load(choice, confirmed)

    @work(thread=True, exclusive=True, exit_on_error=False, group=_LOADING, name="opening the account")
    def _load(self, choice: SourceChoice, confirmed: UnconfirmedCommand | None) -> None:
        from iamtui.tui.search import SearchIndex  # noqa: PLC0415 - not before the first frame

        worker = get_current_worker()

        def report(progress: Progress) -> None:
            if not worker.is_cancelled:
                self.post_message(self.SourceProgress(progress))

        if choice.kind is SourceKind.LIVE:
            from iamtui.workspace.credential_commands import end_commands  # noqa: PLC0415 - not before the first frame

            self._end_commands = end_commands
        if confirmed is not None:
            from iamtui.workspace.credential_commands import confirm  # noqa: PLC0415 - not before the first frame

            # Where it cannot be kept, it counts for this run.
            with suppress(Problem):
                confirm(confirmed.profile, confirmed.command)
        try:
            workspace = self._opener(choice, report, lambda: worker.is_cancelled)
            import_module("iamtui.workspace.principals")
            with making(stays=True):
                inventory, index = Inventory(workspace.account), SearchIndex(workspace.account)
        except OpeningCancelled:
            return
        except Problem as problem:
            if not worker.is_cancelled:
                self.post_message(self.SourceFailed(choice, problem))
            return
        if not worker.is_cancelled:
            self.post_message(self.SourceOpened(choice, workspace, inventory, index))

    @work(thread=True, exclusive=True, exit_on_error=False, group="engine", name="getting the policies ready")
    def _load_engine(self, workspace: Workspace) -> None:
        """Get ready to answer once the account is on screen, so that the first question need not wait."""
        worker = get_current_worker()
        compile_all(workspace, lambda: worker.is_cancelled)

    @on(SourceProgress)
    def _progressed(self, event: SourceProgress) -> None:
        progress = event.progress
        total = f" of {progress.total:,}" if progress.total is not None else ""
        count = f" {progress.done:,}{total}" if progress.done or progress.total else ""
        words = line(f"{progress.step[:1].upper()}{progress.step[1:]}{count} …")
        if self._chooser is not None:
            self._chooser.show_progress(words)
        else:
            self.say(line(words, ("  esc cancels", "$muted")), stays=True)

    @on(SourceOpened)
    def _source_opened(self, event: SourceOpened) -> None:
        if event.choice is not self._choice or self._is_leaving:
            return
        self._opened = event.choice
        self._close_chooser()
        self.main.set_workspace(event.workspace, event.inventory, event.index)
        self.call_after_refresh(self._load_engine, event.workspace)
        self.say_opened(event.workspace.account)

    def say_opened(self, account: Account) -> None:
        """Say what matters about an account that has just been opened."""
        self.say_account(account)

    def say_account(self, account: Account) -> None:
        """Say what an account holds, and what of it is not loaded."""
        words = ", ".join(
            f"{len(found):,} {kind}{'' if len(found) == 1 else 's'}"
            for kind, found in (("user", account.users), ("group", account.groups), ("role", account.roles))
        )
        gaps = ", ".join(gap.what for gap in account.gaps)
        if gaps:
            self.say(line(f"{words}. Not loaded: ", (gaps, "bold")), Severity.WARNING)
        else:
            self.say(line(words, ("   / find   s ask   ? help", "$muted")))

    @on(SourceFailed)
    def _source_failed(self, event: SourceFailed) -> None:
        if event.choice is not self._choice or event.problem is None:
            return
        from iamtui.workspace.connecting import login_command  # noqa: PLC0415 - brings the ways to AWS
        from iamtui.workspace.credential_commands import UnconfirmedCommand  # noqa: PLC0415 - likewise

        if isinstance(event.problem, UnconfirmedCommand):
            self._ask_about_command(event.choice, event.problem)
            return
        self.main.show_nothing_open()
        if self._chooser is not None:
            # The line below said that it is being opened.
            self.say("")
            self._chooser.show_problem(event.problem)
        else:
            self.main.tries_again = bool(login_command(event.problem)) and self.main.workspace is None
            key = "F5" if self.main.tries_again else "r"
            again = f"  ({key} then tries again.)" if login_command(event.problem) else ""
            self.say(f"{event.problem}{again}", Severity.ERROR)
        self._choice = self._opened or self._choice

    def _ask_about_command(self, choice: SourceChoice, unconfirmed: UnconfirmedCommand) -> None:
        """Show the command that the profile runs for its credentials, and open the source once it may run."""
        from iamtui.tui.dialogs.confirm import ConfirmDialog  # noqa: PLC0415 - not before the first frame
        from iamtui.workspace.credential_commands import about_command  # noqa: PLC0415 - brings the ways to AWS

        def answered(agreed: bool | None) -> None:
            if choice is not self._choice:
                return
            if agreed:
                self.open(choice, unconfirmed)
            else:
                name = unconfirmed.profile
                refused = Problem(f"The command of the profile {name} was not run.", "Choose another source with P.")
                self.post_message(self.SourceFailed(choice, refused))

        words = about_command(unconfirmed.profile, unconfirmed.command)
        title = line("A command for credentials")
        body = lines(*(plain(sentence, limit=None) for sentence in words))
        self.push_screen(ConfirmDialog(title, body, "run it, now and later", "do not run it"), answered)

    @on(MainScreen.StopWaiting)
    def _stop_waiting(self) -> None:
        """Stop a load that is running; what is open stays open."""
        running = [worker for worker in self.workers if worker.group == _LOADING and worker.is_running]
        for worker in running:
            worker.cancel()
        self._choice = self._opened or self._choice
        if running:
            self.main.show_nothing_open()
            self.say(plain("Cancelled. Press P to choose a source, r to try again."))

    def action_choose_source(self) -> None:
        """Let the user choose what to open."""
        from iamtui.tui.screens.chooser import ChooserScreen  # noqa: PLC0415 - needed only without a source

        if self._chooser is None:
            self.main.show_nothing_open()
            self._chooser = ChooserScreen(
                opening=self.open, cancelling=self._stop_waiting, endpoint_url=self._endpoint_url
            )
            self.push_screen(self._chooser, self._chooser_left)

    def _close_chooser(self) -> None:
        if self._chooser is not None:
            self._chooser.finish()

    def _chooser_left(self, _choice: SourceChoice | None) -> None:
        self._chooser = None
        if self.main.workspace is None and self._opened is None:
            self.say(plain("Nothing chosen. Press P to choose what to open, q to quit."), stays=True)

    def action_reload(self) -> None:
        """Read the same source again."""
        if self._choice is None:
            self.action_choose_source()
        else:
            self.open(self._choice)


def _name_of(choice: SourceChoice) -> str:
    if choice.kind is SourceKind.SNAPSHOT and choice.snapshot is not None:
        return choice.snapshot.name
    if choice.kind is SourceKind.DEMO:
        return "the demo account"
    return f"profile {choice.profile}" if choice.profile else "the AWS account"
