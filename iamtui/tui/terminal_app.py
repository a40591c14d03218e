"""TerminalApp: an app that leaves the terminal as it was, whoever takes it: a program, a signal, a hang-up."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

from rich.console import RenderableType
from rich.text import Text
from textual.actions import ActionParseResult
from textual.app import SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

from iamtui.tui.crash import crash_report
from iamtui.tui.ordered_keys import OrderedKeysApp
from iamtui.tui.terminal import LOOK_SECONDS, JobControl, hang_up, stop_at_once, terminal_is_gone

if TYPE_CHECKING:
    from iamtui.tui.copying import Copier

MOUSE_OFF: Final = "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l"
"""What ends the reports of the mouse that the driver asked the terminal for."""


class TerminalApp(OrderedKeysApp):
    """Corrects what Textual does with the terminal, with keys as they are printed, and with text that may be secret."""

    _is_away = False
    _is_leaving = False
    _jobs: JobControl | None = None

    @property
    def copier(self) -> Copier:
        """Copies to the clipboard."""
        raise NotImplementedError

    def came_back(self) -> None:
        """The terminal was given away, and is ours again."""

    def before_stop(self) -> None:
        """The process is about to be stopped, and can do nothing until it is continued."""

    def after_stop(self) -> None:
        """The process was stopped, and goes on."""

    def has_no_shell(self) -> None:
        """The process could not be stopped: no shell would continue it."""

    def on_mount(self) -> None:
        """Look whether the terminal is still there, and take the signals of job control."""
        if self.is_headless:
            return
        self.set_interval(LOOK_SECONDS, self._leave_without_terminal)
        loop = asyncio.get_running_loop()

        def in_turn(do: Callable[[], None], otherwise: Callable[[], None]) -> None:
            # A signal may come in the middle of anything.
            if self.is_running and not self._is_away:
                loop.call_soon_threadsafe(do)
            else:
                otherwise()

        self._jobs = JobControl(
            partial(in_turn, self.action_suspend_process, stop_at_once),
            partial(in_turn, self._take_terminal_again, lambda: None),
        )
        self._jobs.install()

    def action_suspend_process(self) -> None:
        """Give the terminal back to the shell until it continues this process."""
        if self._driver is None or self._jobs is None:
            return
        self.before_stop()
        self._driver.suspend_application_mode()
        self._is_away = True
        try:
            was_stopped = self._jobs.stop_here()
        finally:
            self._is_away = False
        self._take_back()
        if was_stopped:
            self.after_stop()
        else:
            self.has_no_shell()

    def _take_terminal_again(self) -> None:
        """After a SIGSTOP, which cannot be seen coming: whoever had the terminal meanwhile has changed it."""
        if self._driver is not None:
            self._driver.suspend_application_mode()
            self._take_back()
            self.after_stop()

    def _take_back(self) -> None:
        """Take the terminal back from whoever had it, and paint everything anew."""
        if terminal_is_gone():
            # Taking back a terminal that has hung up would wait for it for ever.
            hang_up()
        if self._driver is not None:
            self._driver.resume_application_mode()
            self.refresh(layout=True)

    def _leave_without_terminal(self) -> None:
        if terminal_is_gone():
            hang_up()

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

    def exit(self, result: None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """End the app; what was pressed behind the key that ended it does nothing any more."""
        self._is_leaving = True
        super().exit(result, return_code, message)

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Perform an action, unless the app is ending: its screens may be gone."""
        return not self._is_leaving and await super().run_action(action, default_namespace, namespaces)

    def write_to_terminal(self, sequence: str) -> None:
        """Send a control sequence to the terminal; when the screen does not have it, straight to it."""
        if self._driver is not None and self.is_running and not self._is_away:
            self._driver.write(sequence)
        elif sys.__stderr__ is not None and sys.__stderr__.isatty():
            sys.__stderr__.write(sequence)
            sys.__stderr__.flush()

    def leave_terminal(self, _number: int) -> None:
        """Before a signal ends the process: leave the terminal as it was. After a hang-up there is none left."""
        self.before_end()
        if self._driver is not None and not self._is_away:
            # Outside the main thread the driver fails to do this itself.
            self._driver.write(MOUSE_OFF)
            self._driver.stop_application_mode()
            self._driver.close()

    def before_end(self) -> None:
        """What else a signal must not leave behind."""

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
                self.came_back()

    def _watch_clipboard(self, back: Event) -> None:
        """In a thread: what the main screen does while it has the terminal."""
        while not back.wait(1.0):
            left = self.copier.time_left()
            if left is not None and left <= timedelta():
                self.copier.clear_now()

    def _fatal_error(self) -> None:
        """End after an unhandled exception: its frames, but no local variables, which may be secret."""
        self._exit_renderables.append(Text(crash_report(sys.exc_info()[1])))
        self._close_messages_no_wait()
