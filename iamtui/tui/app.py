"""IamtuiApp: wires screens, themes and workers together, and decides nothing."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from importlib import import_module
from threading import Event, Thread
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual import events, on, work
from textual.app import App, SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.theme import BUILTIN_THEMES, Theme
from textual.worker import Worker, WorkerState, get_current_worker

from iamtui.config import Config, load_config
from iamtui.credentials.clipboard import ClipboardOptions
from iamtui.problem import Problem
from iamtui.tui import clock
from iamtui.tui.commands import ActionCommands
from iamtui.tui.compiling import compile_all
from iamtui.tui.copying import ClipboardCopier, Copier
from iamtui.tui.crash import crash_report, worker_failure
from iamtui.tui.inventory import Inventory
from iamtui.tui.safe import line, plain
from iamtui.tui.screens.main import MainScreen
from iamtui.tui.terminal import LOOK_SECONDS, hang_up, terminal_is_gone
from iamtui.tui.themes import DEFAULT_DARK, fallback_variables, load_themes
from iamtui.tui.widgets.notice import Severity
from iamtui.workspace.opening import OpeningCancelled, Progress, ProgressReport, SourceChoice
from iamtui.workspace.workspace import SourceKind, Workspace

if TYPE_CHECKING:
    from iamtui.credentials.session import Session
    from iamtui.tui.screens.chooser import ChooserScreen
    from iamtui.tui.search import SearchIndex

Opener = Callable[[SourceChoice, ProgressReport, Callable[[], bool]], Workspace]
"""Loads what a choice names, blocking; the app calls it in a thread."""

_LOADING: Final = "loading"
_TEXTUAL_DARK: Final = "textual-dark"

IDLE_LOOK_SECONDS: Final = 1.0
"""How often the screen looks whether it was left alone for long enough to be locked."""

PICKING: Final = line(
    ("Pick for your shell: ", "bold"), ("a", "bold $match"), " assumes the role under the cursor, ",
    ("c", "bold $match"), " hands the session over, ", ("q", "bold $match"), " nothing.",
)  # fmt: skip
"""What the message line of a picker says first."""

MOUSE_OFF: Final = "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l"
"""What ends the reports of the mouse that the driver asked the terminal for."""

STARTED_SECONDS: Final = 1.0
"""How long after the first frame the start is taken to be over."""


def _open(choice: SourceChoice, report: ProgressReport, cancelled: Callable[[], bool]) -> Workspace:
    from iamtui.workspace.opening import open_source  # noqa: PLC0415 - its sources load boto3: only in the worker

    return open_source(choice, report, cancelled)


class IamtuiApp(App[None]):
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
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, id="app.quit", tooltip="Quit at once"),
    ]  # fmt: skip

    @dataclass
    class SourceOpened(Message):
        """A worker loaded an account."""

        choice: SourceChoice
        workspace: Workspace
        inventory: Inventory
        index: SearchIndex

    @dataclass
    class SourceFailed(Message):
        """A worker could not; `problem` is None when the user cancelled."""

        choice: SourceChoice
        problem: Problem | None

    @dataclass
    class KeymapChecked(Message):
        """A worker has looked at the user's keymap."""

        problems: list[str]

    @dataclass
    class SourceProgress(Message):
        """How far a worker has come."""

        progress: Progress

    def __init__(
        self,
        choice: SourceChoice | None = None,
        *,
        config: Config | None = None,
        opener: Opener = _open,
        copier: Copier | None = None,
        problems: Sequence[str] = (),
        picking: str = "",
    ) -> None:
        """Make the app.

        Args:
            choice: what to open; None: ask first.
            config: the user's settings; None: the defaults.
            opener: loads what is chosen.
            copier: copies to the clipboard; None: the real one.
            problems: sentences about the config, said at the start.
            picking: the format in which a session is picked for another program (`picked`); "": the usual screen.
        """
        self._config = config or Config()
        self._problems = list(problems)
        loaded = load_themes()
        self._problems += loaded.problems
        self._themes = {theme.name: theme for theme in loaded.themes}
        # Before the base class, which begins with the styles: chosen later, a theme has them worked out twice.
        self.set_reactive(IamtuiApp.theme, self._first_theme(self._config.theme))
        super().__init__()
        for theme in loaded.themes:
            self.register_theme(theme)
        if copier is None:
            copier = self._real_copier()
        self._used_at = clock.now()
        self._choice = choice
        self._opened: SourceChoice | None = None
        self._chooser: ChooserScreen | None = None
        self._opener = opener
        self._copier = copier
        self.copier = copier
        self._is_away = False
        self._keymap_is_checked = False
        self._main = MainScreen(copier, self._config.assume, self._config.production)
        self.picked: Session | None = None
        """What was picked, once the app has ended."""
        if picking:
            self._main.pick_for(picking)

    @property
    def main(self) -> MainScreen:
        """The main screen."""
        return self._main

    @property
    def choice(self) -> SourceChoice | None:
        """The source that is open or being opened."""
        return self._choice

    # Start and end.

    def on_mount(self) -> None:
        """Keys, then the source or the chooser."""
        if not gc.isenabled():
            self.set_timer(STARTED_SECONDS, _collect_garbage)
        if not self.is_headless:
            self.set_interval(LOOK_SECONDS, self._leave_without_terminal)
        if self._config.lock.idle_minutes:
            self.set_interval(IDLE_LOOK_SECONDS, self._lock_when_idle)
        if self._config.keymap:
            self.set_keymap(dict(self._config.keymap))
        if self._choice is not None:
            self.call_after_refresh(self.open, self._choice)
        else:
            self.call_after_refresh(self.action_choose_source)

    def _leave_without_terminal(self) -> None:
        if terminal_is_gone():
            hang_up()

    async def on_event(self, event: events.Event) -> None:
        """Note that the user is there."""
        if isinstance(event, events.InputEvent):
            self._used_at = clock.now()
        await super().on_event(event)

    def _lock_when_idle(self) -> None:
        minutes = self._config.lock.idle_minutes
        if self._main.holds_secrets and clock.now() - self._used_at >= timedelta(minutes=minutes):
            self._main.lock_up(f"Nothing was pressed for {minutes} minute{'' if minutes == 1 else 's'}.")

    def _first_theme(self, wanted: str) -> str:
        known = {**BUILTIN_THEMES, **self._themes}
        if wanted and wanted not in known:
            near = get_close_matches(wanted, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "t lists them."
            self._problems.append(f"There is no theme {wanted}; {hint}")
        return next((name for name in (wanted, DEFAULT_DARK) if name in known), _TEXTUAL_DARK)

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
            on_signal=self._leave_terminal,
        )
        copier.install()
        return copier

    def get_default_screen(self) -> Screen[None]:
        """The main screen lies under all others."""
        return self._main

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Values for our own variables in themes that do not know them."""
        return {**super().get_theme_variable_defaults(), **fallback_variables(self.current_theme)}

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Textual's commands without the screenshot, which would write what is on screen to a readable file."""
        yield from (command for command in super().get_system_commands(screen) if command.title != "Screenshot")

    def copy_to_clipboard(self, text: str) -> None:
        """Copy by the terminal, and keep no copy in the app that a paste into another field would bring back."""
        super().copy_to_clipboard(text)
        self._clipboard = ""

    def get_key_display(self, binding: Binding) -> str:
        """Function keys in capitals, as they are printed on keyboards."""
        shown = super().get_key_display(binding)
        return shown.upper() if shown[:1] == "f" and shown[1:].isdigit() else shown

    def pop_screen(self) -> AwaitComplete:
        """Leave a screen; a key that was pressed while it was being left finds none, and must not end the app."""
        return super().pop_screen() if len(self.screen_stack) > 1 else AwaitComplete()

    def write_to_terminal(self, sequence: str) -> None:
        """Send a control sequence to the terminal; when the screen does not have it, straight to it."""
        if self._driver is not None and self.is_running and not self._is_away:
            self._driver.write(sequence)
        elif sys.__stderr__ is not None and sys.__stderr__.isatty():
            sys.__stderr__.write(sequence)
            sys.__stderr__.flush()

    def _leave_terminal(self, _number: int) -> None:
        """Before a signal ends the process: leave the terminal as it was. After a hang-up there is none left."""
        if self._driver is not None and not self._is_away:
            # Outside the main thread the driver fails to do this itself.
            self._driver.write(MOUSE_OFF)
            self._driver.stop_application_mode()
            self._driver.close()

    @contextmanager
    def suspend(self) -> Iterator[None]:
        """Give the terminal to another program; a copied secret is taken off the clipboard in time even so."""
        with super().suspend():
            back = Event()
            self._is_away = True
            Thread(target=self._watch_clipboard, args=(back,), daemon=True).start()
            try:
                yield
            finally:
                if terminal_is_gone():
                    # Taking back a terminal that has hung up would wait for it for ever.
                    hang_up()
                self._is_away = False
                back.set()
                self._used_at = clock.now()
                self._main.sessions.keeper.away()

    def _watch_clipboard(self, back: Event) -> None:
        """In a thread: what the main screen does while it has the terminal."""
        while not back.wait(1.0):
            left = self._copier.time_left()
            if left is not None and left <= timedelta():
                self._copier.clear_now()

    def _fatal_error(self) -> None:
        """End after an unhandled exception: its frames, but no local variables, which may be secret."""
        self._exit_renderables.append(Text(crash_report(sys.exc_info()[1])))
        self._close_messages_no_wait()

    # Messages.

    def say(self, text: Content | str, severity: Severity = Severity.INFORMATION, *, stays: bool = False) -> None:
        """Show one sentence on the message line; raw text is made safe."""
        if self._main.is_mounted:
            self._main.say(text, severity, stays=stays)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A worker that fails in an unforeseen way ends nothing: its error becomes a sentence."""
        if event.state is WorkerState.ERROR:
            self.say(worker_failure(event.worker), Severity.ERROR)

    # Opening a source.

    def open(self, choice: SourceChoice) -> None:
        """Load a source in a worker; one that is still loading is cancelled."""
        self._choice = choice
        self.say(line("Opening ", (_name_of(choice), "bold"), " …"), stays=True)
        self._load(choice)

    @work(thread=True, exclusive=True, exit_on_error=False, group=_LOADING, name="opening the account")
    def _load(self, choice: SourceChoice) -> None:
        from iamtui.tui.search import SearchIndex  # noqa: PLC0415 - not before the first frame

        worker = get_current_worker()

        def report(progress: Progress) -> None:
            if not worker.is_cancelled:
                self.post_message(self.SourceProgress(progress))

        try:
            workspace = self._opener(choice, report, lambda: worker.is_cancelled)
            import_module("iamtui.workspace.principals")
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

    @work(thread=True, exclusive=True, exit_on_error=False, group="keymap", name="checking the keymap")
    def _check_keymap(self) -> None:
        from iamtui.tui.keys import keymap_problems  # noqa: PLC0415 - loads every pane: only in a thread

        self.post_message(self.KeymapChecked(keymap_problems(self._config.keymap)))

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
        if event.choice is not self._choice:
            return
        self._opened = event.choice
        self._close_chooser()
        self._main.set_workspace(event.workspace, event.inventory, event.index)
        self.call_after_refresh(self._load_engine, event.workspace)
        account = event.workspace.account
        words = ", ".join(
            f"{len(found):,} {kind}{'' if len(found) == 1 else 's'}"
            for kind, found in (("user", account.users), ("group", account.groups), ("role", account.roles))
        )
        gaps = ", ".join(gap.what for gap in account.gaps)
        if self._config.keymap and not self._keymap_is_checked:
            self._keymap_is_checked = True
            self._check_keymap()
        if self._say_problems():
            return
        if self._main.picking:
            self.say(PICKING, stays=True)
        elif gaps:
            self.say(line(f"{words}. Not loaded: ", (gaps, "bold")), Severity.WARNING)
        else:
            self.say(line(words, ("   / find   s ask   ? help", "$muted")))

    @on(SourceFailed)
    def _source_failed(self, event: SourceFailed) -> None:
        if event.choice is not self._choice or event.problem is None:
            return
        if self._chooser is not None:
            self._chooser.show_problem(event.problem)
        else:
            self.say(str(event.problem), Severity.ERROR)
        self._choice = self._opened or self._choice

    @on(MainScreen.StopWaiting)
    def _stop_waiting(self) -> None:
        """Stop a load that is running; what is open stays open."""
        running = [worker for worker in self.workers if worker.group == _LOADING and worker.is_running]
        for worker in running:
            worker.cancel()
        self._choice = self._opened or self._choice
        if running:
            self.say(plain("Cancelled. Press P to choose a source, r to try again."))

    # Actions.

    def action_help(self) -> None:
        """Show the keys of the screen that is open."""
        from iamtui.tui.dialogs.help import HelpScreen  # noqa: PLC0415 - not before the first frame

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen, self._config.keymap))

    def action_choose_source(self) -> None:
        """Let the user choose what to open."""
        from iamtui.tui.screens.chooser import ChooserScreen  # noqa: PLC0415 - needed only without a source

        if self._chooser is None:
            self._chooser = ChooserScreen(opening=self.open, cancelling=self._stop_waiting)
            self.push_screen(self._chooser, self._chooser_left)

    def _close_chooser(self) -> None:
        if self._chooser is not None:
            self._chooser.finish()

    def _chooser_left(self, _choice: SourceChoice | None) -> None:
        self._chooser = None
        if self._main.workspace is None and self._opened is None:
            self.say(plain("Nothing chosen. Press P to choose what to open, q to quit."), stays=True)

    def action_reload(self) -> None:
        """Read the same source again."""
        if self._choice is None:
            self.action_choose_source()
        else:
            self.open(self._choice)

    def action_back_or_quit(self) -> None:
        """One step back on the main screen; with nothing to leave, quit."""
        if not self._main.step_back():
            self._main.leave(self.exit)

    def action_lock(self) -> None:
        """Drop every secret and hide the screen."""
        self._main.lock_up()

    @on(MainScreen.Picked)
    def _picked(self, event: MainScreen.Picked) -> None:
        """End with a session for whoever started the picker."""

        def leave() -> None:
            self.picked = event.session
            self.exit()

        self._main.leave(leave)

    async def action_quit(self) -> None:
        """Quit; a draft that is not saved is asked about once."""
        self._main.leave(self.exit)

    def copy_document(self, text: str, what: str) -> str:
        """Copy a text of several lines to the clipboard; blocking. Returns the sentence to show."""
        return self._copier.copy_document(text, what)


def _collect_garbage() -> None:
    """Look for garbage from now on, but not in what the start made: that stays."""
    gc.freeze()
    gc.enable()


def _now() -> datetime:
    return clock.now()


def _name_of(choice: SourceChoice) -> str:
    if choice.kind is SourceKind.SNAPSHOT and choice.snapshot is not None:
        return choice.snapshot.name
    if choice.kind is SourceKind.DEMO:
        return "the demo account"
    return f"profile {choice.profile}" if choice.profile else "the AWS account"


def run_picker(choice: SourceChoice | None, format_name: str) -> Session | None:
    """Run the screen until the user picks a session, or leaves.

    Args:
        choice: what to open; None: ask first.
        format_name: the format that the session is picked for.

    Raises:
        Problem: the screen ended by an error.
    """
    config, problems = load_config()
    app = IamtuiApp(choice, config=config, problems=problems, picking=format_name)
    app.run(loop=asyncio.new_event_loop())
    if app.return_code:
        raise Problem("The screen ended by an error, so nothing was picked.", "Start it again.")
    return app.picked


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
