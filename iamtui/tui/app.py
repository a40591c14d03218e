"""IamtuiApp: wires screens, themes, settings and the clipboard together, and decides nothing."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, Final

from textual import events, on, work
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.theme import Theme, ThemeProvider
from textual.worker import Worker, WorkerState, get_current_worker

from iamtui.config import Config, load_config
from iamtui.credentials.clipboard import ClipboardOptions
from iamtui.problem import Problem
from iamtui.tui import clock, lazy
from iamtui.tui.background import (
    begin_rounds,
    compile_all,
    look_through_all,
    look_through_closed,
    look_through_new,
    making,
)
from iamtui.tui.clipboard import ClipboardCopier, Copier
from iamtui.tui.content import line, lines, plain
from iamtui.tui.inventory import Inventory
from iamtui.tui.main_screen import MainScreen
from iamtui.tui.palette import ActionCommands, ActionPalette
from iamtui.tui.terminal_app import IdleLock, TerminalApp, worker_failure
from iamtui.tui.textual_internals import forget_drawn_widgets
from iamtui.tui.themes import fallback_variables, first_theme, load_themes
from iamtui.tui.widgets.status import Severity
from iamtui.workspace.credential_commands import UnconfirmedCommand, about_command, confirm, end_commands, login_command
from iamtui.workspace.workspace import OpeningCancelled, Progress, ProgressReport, SourceChoice, SourceKind, Workspace

if TYPE_CHECKING:
    from iamtui.account.model import Account
    from iamtui.tui.chooser import ChooserScreen
    from iamtui.tui.explorer.search import SearchIndex


# OpeningApp: opens sources in threads, with progress, cancel and a chooser, and says what came of it.


Opener = Callable[[SourceChoice, ProgressReport, Callable[[], bool]], Workspace]
"""Loads what a choice names, blocking; the app calls it in a thread."""

_LOADING: Final = "loading"


def open_blocking(choice: SourceChoice, report: ProgressReport, cancelled: Callable[[], bool]) -> Workspace:
    return lazy.opening.open_source(choice, report, cancelled)


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
        self.main.browsing.show_opening(_name_of(choice))
        self.say(line("Opening ", (_name_of(choice), "bold"), " …"), stays=True)
        self._load(choice, confirmed)

    @work(thread=True, exclusive=True, exit_on_error=False, group=_LOADING, name="opening the account")
    def _load(self, choice: SourceChoice, confirmed: UnconfirmedCommand | None) -> None:
        worker = get_current_worker()

        def report(progress: Progress) -> None:
            if not worker.is_cancelled:
                self.post_message(self.SourceProgress(progress))

        if choice.kind is SourceKind.LIVE:
            self._end_commands = end_commands
        if confirmed is not None:
            # Where it cannot be kept, it counts for this run.
            with suppress(Problem):
                confirm(confirmed.profile, confirmed.command)
        try:
            workspace = self._opener(choice, report, lambda: worker.is_cancelled)
            import_module("iamtui.workspace.principals")
            with making(stays=True):
                inventory, index = Inventory(workspace.account), lazy.search.SearchIndex(workspace.account)
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
        self.main.drafts.show_account(event.workspace, event.inventory, event.index)
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
        if isinstance(event.problem, UnconfirmedCommand):
            self._ask_about_command(event.choice, event.problem)
            return
        self.main.browsing.show_nothing_open()
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
        self.push_screen(lazy.dialogs.ConfirmDialog(title, body, "run it, now and later", "do not run it"), answered)

    @on(MainScreen.StopWaiting)
    def _stop_waiting(self) -> None:
        """Stop a load that is running; what is open stays open."""
        running = [worker for worker in self.workers if worker.group == _LOADING and worker.is_running]
        for worker in running:
            worker.cancel()
        self._choice = self._opened or self._choice
        if running:
            self.main.browsing.show_nothing_open()
            self.say(plain("Cancelled. Press P to choose a source, r to try again."))

    def action_choose_source(self) -> None:
        if self._chooser is None:
            self.main.browsing.show_nothing_open()
            self._chooser = lazy.chooser.ChooserScreen(
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


IDLE_LOOK_SECONDS: Final = 1.0
"""How often the screen looks whether it was left alone for long enough to be locked."""

LULL_SECONDS: Final = 20.0
"""How long nobody has done anything when garbage is looked for in everything, and how often."""

PAUSE_SECONDS: Final = 0.15
"""How long after a key, when what it changed is on screen, garbage is looked for in what was made meanwhile."""

STARTED_SECONDS: Final = 1.0
"""How long after the first frame the start is taken to be over."""


class IamtuiApp(OpeningApp):
    """The screen of iamtui."""

    TITLE = "iamtui"
    CSS_PATH = ["styles/lines.tcss", "styles/main.tcss"]  # noqa: RUF012 - declared so by the base class
    COMMANDS = {ActionCommands}  # noqa: RUF012 - declared so by the base class
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("colon,ctrl+p", "command_palette", "Commands", key_display=":", id="app.palette",
                tooltip="Search all commands"),
        Binding("P", "choose_source", "Profile", show=False, id="app.source", tooltip="Open another account"),
        Binding("r", "reload", "Refresh", show=False, id="app.refresh", tooltip="Read the account again"),
        Binding("question_mark", "help", "Help", key_display="?", id="app.help", tooltip="Show every key that works"),
        Binding("t", "change_theme", "Theme", show=False, id="app.theme", tooltip="Choose a theme"),
        Binding("q", "back_or_quit", "Quit", id="app.back", tooltip="One step back; with none left, quit"),
        Binding("f12", "lock", "Lock", show=False, priority=True, id="app.lock",
                tooltip="Lock: drop every session, stop endpoints, clear the clipboard, hide the screen"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, id="app.quit", tooltip="Quit from anywhere"),
        Binding("ctrl+z", "suspend_process", "Suspend", show=False, priority=True, id="app.suspend",
                tooltip="Back to the shell, until fg; a copied secret is taken back before"),
    ]  # fmt: skip

    @dataclass(eq=False, repr=False)
    class KeymapChecked(Message):
        """A worker has looked at the user's keymap."""

        problems: list[str]

    def __init__(
        self,
        choice: SourceChoice | None = None,
        *,
        config: Config | None = None,
        opener: Opener = open_blocking,
        copier: Copier | None = None,
        problems: Sequence[str] = (),
    ) -> None:
        """Make the app.

        Args:
            choice: what to open; None: ask first.
            config: the user's settings; None: the defaults.
            opener: loads what is chosen.
            copier: copies to the clipboard; None: the real one.
            problems: sentences about the config, said at the start.
        """
        self._config = config or Config()
        self._problems = list(problems)
        loaded = load_themes()
        self._problems += loaded.problems
        self._themes = {theme.name: theme for theme in loaded.themes}
        # Before the base class, which begins with the styles: chosen later, a theme has them worked out twice.
        name, problem = first_theme(self._config.theme, self._themes)
        self._problems += problem
        self.set_reactive(IamtuiApp.theme, name)
        super().__init__(choice, opener)
        for theme in loaded.themes:
            self.register_theme(theme)
        self._copier = copier or self._real_copier()
        self._idle = IdleLock(self._config.lock.idle_minutes)
        self._keymap_is_checked = False
        self._pauses = False
        self._has_closed = False
        self._is_lull = False
        self._main = MainScreen(self._copier, self._config.assume, self._config.production)

    @property
    def main(self) -> MainScreen:
        return self._main

    @property
    def copier(self) -> Copier:
        return self._copier

    # Start and end.

    def on_mount(self) -> None:
        """Garbage, the lock, keys."""
        if not gc.isenabled():
            self.set_timer(STARTED_SECONDS, begin_rounds)
            self.set_interval(LULL_SECONDS, self._use_lull)
        if self._config.lock.idle_minutes:
            self.set_interval(IDLE_LOOK_SECONDS, self._lock_when_idle)
        if self._config.keymap:
            self.set_keymap(dict(self._config.keymap))

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.InputEvent):
            self._idle.touch()
            self._is_lull = False
            self._look_in_a_pause()
        await super().on_event(event)

    def pop_screen(self) -> AwaitComplete:
        """Note that a screen has been closed, perhaps by an answer that took its time."""
        self._has_closed = True
        self._look_in_a_pause()
        return super().pop_screen()

    def _look_in_a_pause(self) -> None:
        if not self._pauses:
            self._pauses = True
            self.set_timer(PAUSE_SECONDS, self._use_pause)

    def _use_pause(self) -> None:
        self._pauses = False
        if self._has_closed and len(self.screen_stack) == 1:
            self._has_closed = False
            forget_drawn_widgets()
            look_through_closed()
        else:
            look_through_new()

    def _use_lull(self) -> None:
        """Once in each time that the user does nothing."""
        if not self._is_lull and self._idle.since >= timedelta(seconds=LULL_SECONDS):
            self._is_lull = True
            look_through_all()

    def _lock_when_idle(self) -> None:
        if self._main.lifecycle.holds_secrets and self._idle.is_over:
            self._main.lifecycle.lock_up(self._idle.why)

    def came_back(self) -> None:
        """Another program had the terminal: its user was there, and time has passed."""
        self._idle.touch()
        self._main.sessions.keeper.away()

    def before_stop(self) -> None:
        """Take a copied secret back: a process that is stopped could not do so in time."""
        if self._copier.time_left() is not None:
            self._copier.clear_now()

    def after_stop(self) -> None:
        """Time has passed, perhaps enough to lock, and nobody was here."""
        self._lock_when_idle()
        self._main.sessions.keeper.away()

    def has_no_shell(self) -> None:
        """Say why nothing happened."""
        self.say(line("No shell started iamtui, so there is none to go back to."), Severity.WARNING)

    def get_theme(self, theme_name: str) -> Theme | None:
        """Our themes and the user's are known before the base class can have registered them."""
        return self._themes.get(theme_name) or super().get_theme(theme_name)

    def _real_copier(self) -> ClipboardCopier:
        settings = self._config.clipboard
        options = ClipboardOptions.from_environment(os.environ)
        options = replace(
            options,
            command=settings.command or options.command,
            local_over_ssh=settings.local_over_ssh,
            clear_after_seconds=settings.seconds,
        )
        copier = ClipboardCopier(
            self.write_to_terminal,
            options,
            export_format=self._config.export.format,
            clock=_now,
            on_signal=self.leave_terminal,
        )
        copier.install()
        return copier

    def get_default_screen(self) -> Screen[None]:
        """The main screen lies under all others."""
        self._main.begin_at(self.size)
        return self._main

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Values for our own variables in themes that do not know them."""
        return {**super().get_theme_variable_defaults(), **fallback_variables(self.current_theme)}

    # Messages.

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A worker that fails in an unforeseen way ends nothing: its error becomes a sentence."""
        if event.state is WorkerState.ERROR:
            self.say(worker_failure(event.worker), Severity.ERROR)

    @work(thread=True, exclusive=True, exit_on_error=False, group="keymap", name="checking the keymap")
    def _check_keymap(self) -> None:
        self.post_message(self.KeymapChecked(lazy.keymap.keymap_problems(self._config.keymap)))

    @on(KeymapChecked)
    def _keymap_checked(self, event: KeymapChecked) -> None:
        self._problems += event.problems
        self._say_problems()

    def _say_problems(self) -> bool:
        """Say what is wrong with the config, once; False when nothing is."""
        if not self._problems:
            return False
        more = f" ({len(self._problems) - 1} more: iamtui info)" if len(self._problems) > 1 else ""
        self.say(self._problems[0] + more, Severity.WARNING)
        self._problems.clear()
        return True

    def say_opened(self, account: Account) -> None:
        """Say what is wrong with the settings, once; after that what the account holds."""
        if self._config.keymap and not self._keymap_is_checked:
            self._keymap_is_checked = True
            self._check_keymap()
        if not self._say_problems():
            super().say_opened(account)

    # Actions.

    def action_help(self) -> None:
        """Show the keys of the screen that is open."""
        if not isinstance(self.screen, lazy.help.HelpScreen):
            self.push_screen(lazy.help.HelpScreen(self.screen, self._config.keymap))

    def action_back_or_quit(self) -> None:
        """One step back on the main screen; with nothing to leave, or where no step could be seen, quit."""
        if self._main.is_too_small or not self._main.browsing.step_back():
            self._main.lifecycle.leave(self.exit)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While only the sentence shows that the window is too small, its keys quit, lock and suspend, and no more."""
        hidden = self.screen_stack and self.screen is self._main and self._main.is_too_small
        if hidden and action not in ("back_or_quit", "quit", "lock", "suspend_process"):
            return False
        if action == "suspend_process" and hasattr(self.focused, "action_undo"):
            # In a text editor the key is the editor's own. (Its class is not loaded before the first frame.)
            return False
        return super().check_action(action, parameters)

    def action_help_quit(self) -> None:
        """Ctrl+C, which copies in fields, quits nothing: say what does, on the message line, as everything is said."""
        quits = next((key for key, live in self.active_bindings.items() if live.binding.id == "app.quit"), "")
        if quits:
            self.say(line(("ctrl+c", "bold"), " does not quit; ", (quits, "bold $match"), " does."))

    def action_command_palette(self) -> None:

        if not isinstance(self.screen, ActionPalette):
            self.push_screen(ActionPalette())

    def search_themes(self) -> None:
        """Let the user choose a theme."""

        self.push_screen(ActionPalette([ThemeProvider], placeholder="Search for themes…"))

    def action_lock(self) -> None:
        """Drop every secret and hide the screen."""
        self._main.lifecycle.lock_up()

    async def action_quit(self) -> None:
        """Quit; what would be lost by that is asked about once."""
        self._main.lifecycle.leave(self.exit)

    def copy_document(self, text: str, what: str) -> str:
        """Copy a text of several lines to the clipboard; blocking. Returns the sentence to show."""
        return self._copier.copy_document(text, what)


def _now() -> datetime:
    return clock.now()


def run_app(choice: SourceChoice | None) -> int:
    """Run the screen until the user leaves it.

    Args:
        choice: what to open; None: ask first.

    Returns:
        The exit code: 0, or not 0 after a crash.
    """
    config, problems = load_config()
    app = IamtuiApp(choice, config=config, problems=problems)
    # A loop of our own is left as it is; asyncio.run would first wait for every thread that is still loading.
    app.run(loop=asyncio.new_event_loop())
    return app.return_code or 0
