"""TerminalApp: an app that leaves the terminal as it was, whoever takes it: a program, a signal, a hang-up."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import time
from codecs import getincrementaldecoder
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING, Final
from weakref import ref

from rich.console import RenderableType
from rich.text import Text
from textual import events
from textual._xterm_parser import XTermParser
from textual.actions import ActionParseResult
from textual.app import App, SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding, Keymap
from textual.dom import DOMNode
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import Screen

from iamtui.input_files import wait_for_input
from iamtui.text import error_lines
from iamtui.tui.textual_internals import ForgettingWorkers

if TYPE_CHECKING:
    from iamtui.tui.clipboard import Copier


# What the user sees when iamtui ends by an error of its own.


def crash_report(error: BaseException | None) -> str:
    """Report of a crash and its place, in safe text, without values of variables or likely secrets."""
    lines = ["iamtui stopped because of an error of its own. Nothing was changed in any account."]
    if error is not None:
        lines += error_lines(error)
    return "\n".join(lines)


# KeyOrder: keys are obeyed one after the other, however fast they come.


_ROUNDS: Final = 3
"""How often the widgets on the way of a key are waited for: what it made its target post comes the second time, and
what that made it post the third."""

_LOOK_SECONDS: Final = 0.1
"""How often a key looks whether what it waits for was taken away."""

MOST_SECONDS: Final = 6.0
"""How long a key waits for the one before at most."""


class KeyOrder:
    """Hands a key on when what the one before has done is done.

    Textual gives all keys that are there to the widget that has the focus, and looks for the binding of one only when
    it has gone up from there to the app. Of what is typed ahead, sent over a slow line or by a macro, everything
    behind a key that opens a screen or moves the focus would go to the wrong place, and characters would come before
    the Backspace in front of them.

    Args:
        app: whose keys these are.
        obey: what Textual's own app does with an event.
    """

    def __init__(self, app: App[None], obey: Callable[[events.Event], Awaitable[None]]) -> None:
        self._app = app
        self._obey = obey
        self._typed: deque[events.Event] = deque()
        self._way: asyncio.Task[None] | None = None
        """Ends with what the key before has done."""
        self._handed: deque[tuple[ref[events.Event], ref[Screen[object]]]] = deque(maxlen=4)
        """The keys that were handed on last, and the screens they are for; neither what was typed nor a screen that
        was closed is kept for it."""

    @property
    def is_waiting(self) -> bool:
        return bool(self._typed)

    async def take(self, event: events.Event, *, is_urgent: bool) -> None:
        """Take an event; a key or a paste from the terminal in its turn, or at once in place of those that wait."""
        if not isinstance(event, (events.Key, events.Paste)) or event.is_forwarded:
            # A key that comes up only when another screen has come is not for that: it could unlock a lock.
            if not any(handed() is event and screen() is not self._app.screen for handed, screen in self._handed):
                await self._obey(event)
            return
        if is_urgent:
            self.forget()
        self._typed.append(event)
        await self._hand_on()

    def forget(self) -> None:
        """Drop the keys that wait, and wait for none before the next."""
        self._typed.clear()
        if self._way is not None:
            self._way.cancel()
            self._way = None

    async def _hand_on(self) -> None:
        while self._typed and self._way is None:
            if not (self._app.screen_stack and self._app.screen.is_mounted):
                # Typed before the first screen is there.
                self._app.set_timer(_LOOK_SECONDS, self._hand_on)
                return
            event, screen = self._typed.popleft(), self._app.screen
            target = self._app.focused or screen
            # Characters for a field stay in their order, and a pasted text has many.
            is_text = isinstance(event, events.Key) and target.check_consume_key(event.key, event.character)
            self._handed.append((ref(event), ref(screen)))
            await self._obey(event)
            if not is_text:
                # A key that was obeyed before it was handed to anything has no way to go.
                start = target if event.is_forwarded else self._app
                self._way = asyncio.create_task(self._go(start, screen))

    async def _go(self, start: DOMNode, screen: Screen[object]) -> None:
        """Wait for all that a key passes on its way up to the app, again and again, and for what it opens."""
        with suppress(TimeoutError):
            async with asyncio.timeout(MOST_SECONDS):
                while not await self._went(start, screen):
                    # What the key was for may be gone; what it has opened has to be ready.
                    start = screen = self._app.screen
        self._way = None
        self._app.call_later(self._hand_on)

    async def _went(self, start: DOMNode, screen: Screen[object]) -> bool:
        """Wait until everything up from there has handled its messages; False when another screen has come."""
        for node in [*start.ancestors_with_self, self._app] * _ROUNDS:
            handled = asyncio.Event()
            node.call_later(handled.set)
            while node.is_running and not handled.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(handled.wait(), _LOOK_SECONDS)
                if self._app.screen_stack and self._app.screen is not screen:
                    return False
        return True


# Whether the terminal is still there, and giving it back to the shell that job control stops this process for.


LOOK_SECONDS: Final = 2.0
"""How often the screen looks whether its terminal is still there."""

_STOP_SECONDS: Final = 0.05
"""How long it takes at most until a signal that stops the process has done so."""


def terminal_is_gone() -> bool:
    """Check that the terminal on standard input has hung up: nothing reads it any more."""
    if sys.__stdin__ is None or not hasattr(select, "poll"):
        return False
    try:
        watched = select.poll()
        watched.register(sys.__stdin__.fileno(), 0)
        return any(event & select.POLLHUP for _, event in watched.poll(0))
    except (OSError, ValueError):
        return False


def hang_up() -> None:
    """Do what the system does when a terminal goes: SIGHUP, whose handlers clear the clipboard and end the process.

    A process without a controlling terminal gets no such signal, and Textual would read the end of its input for
    ever. Where SIGHUP is ignored (`nohup`), SIGTERM does the same: without its terminal a screen cannot go on.
    """
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    os.kill(os.getpid(), signal.SIGTERM if ignored else signal.SIGHUP)


class JobControl:
    """Stops the process for its shell (SIGTSTP, `ctrl+z`), and tells when it is continued (SIGCONT, `fg`).

    Textual's own handlers stop with SIGSTOP, which also freezes a process that no shell can continue, leave a program
    that started this one (`uvx`, `make`) waiting in the foreground, and take a SIGCONT after somebody else's SIGSTOP
    for one after their own.

    Args:
        stop: called for SIGTSTP.
        continued: called for a SIGCONT that follows no `stop_here`.

    Both are called inside signal handlers, in the main thread.
    """

    def __init__(self, stop: Callable[[], object], continued: Callable[[], object]) -> None:
        self._stop = stop
        self._continued = continued
        self._is_stopping = False
        self._continuations = 0

    def install(self) -> None:
        signal.signal(signal.SIGTSTP, lambda *_: self._stop())
        signal.signal(signal.SIGCONT, self._note_continuation)

    def stop_here(self) -> bool:
        """Stop this process and those that were started with it, as a terminal does for its key, until `fg`.

        Returns:
            False when there is no shell that could continue them: the system then stops nobody.
        """
        was_stopped, self._is_stopping = False, True
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        try:
            while True:
                before = self._continuations
                os.kill(0, signal.SIGTSTP)
                # Another thread may be the one that the system stops the process by.
                time.sleep(_STOP_SECONDS)
                if self._continuations == before:
                    return was_stopped
                was_stopped = True
                # After `bg` it runs without the terminal, and could only wait for it.
                if _has_terminal():
                    return True
        finally:
            signal.signal(signal.SIGTSTP, handler)
            self._is_stopping = False

    def _note_continuation(self, *_: object) -> None:
        self._continuations += 1
        if not self._is_stopping:
            self._continued()


def stop_at_once() -> None:
    """Stop this process alone, while another program has the terminal."""
    os.kill(os.getpid(), signal.SIGSTOP)


def _has_terminal() -> bool:
    try:
        return sys.__stdin__ is None or os.tcgetpgrp(sys.__stdin__.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return True


MOUSE_OFF: Final = "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l"
"""Escape sequence that switches off the mouse reports which the driver switched on."""


# TerminalDriver: what comes from the terminal, whatever it sends.


class TerminalDriver(LinuxDriver):
    """Reads keys from a terminal that may send anything: what is not UTF-8, or no key, does not end the app.

    Textual's own decodes strictly and calls the app's `panic` for a key report with a number that is too large. It also
    waits in a read where somebody else, such as the shell that has the terminal meanwhile, takes what was there.
    """

    def run_input_thread(self) -> None:
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        parser = XTermParser()
        terminal = _opened_to_never_wait(self.fileno)
        try:
            while not self.exit_event.is_set():
                ready = wait_for_input(terminal, _WAIT_FOR_KEYS_SECONDS)
                try:
                    typed = os.read(terminal, _MOST_READ_BYTES) if ready else b""
                except OSError:
                    typed = b""
                if ready and not typed:
                    # It was taken meanwhile, or the terminal is not ours at the moment, or has hung up for good: then
                    # there is always something to read, and it is nothing.
                    self.exit_event.wait(_WAIT_FOR_KEYS_SECONDS)
                text = decode(typed)
                try:
                    for message in parser.feed(text) if text else ():
                        self.process_message(message)
                    for message in parser.tick():
                        self.process_message(message)
                except Exception:  # noqa: BLE001 - whatever a report makes Textual's parser raise, it is not a key
                    parser = XTermParser()
        finally:
            os.close(terminal)


def _opened_to_never_wait(fileno: int) -> int:
    """The terminal opened once more: that a read does not wait must not hold for the shell, which shares ours."""
    try:
        return os.open(os.ttyname(fileno), os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return os.dup(fileno)


_WAIT_FOR_KEYS_SECONDS: Final = 0.1
_MOST_READ_BYTES: Final = 4096


class TerminalApp(App[None]):
    """Corrects what Textual does with the terminal, with keys as they are printed, and with text that may be secret."""

    _is_away = False
    is_leaving = False
    copier: Copier
    _jobs: JobControl | None = None

    def __init__(self) -> None:
        super().__init__()
        self._workers = ForgettingWorkers(self)
        # All is said on the message line; their empty widgets have each new screen laid out once more.
        self._disable_notifications = self._disable_tooltips = True
        self.key_order = KeyOrder(self, super().on_event)
        self._urgent_keys = self._keys_that_end({})

    def get_driver_class(self) -> type[Driver]:
        driver = super().get_driver_class()
        return TerminalDriver if driver is LinuxDriver else driver

    def set_keymap(self, keymap: Keymap) -> None:
        super().set_keymap(keymap)
        self._urgent_keys = self._keys_that_end(keymap)

    def _keys_that_end(self, keymap: Keymap) -> frozenset[str]:
        """The keys that lock or end, which wait for no others."""
        ends = (one for one in self.BINDINGS if isinstance(one, Binding) and one.action in ("lock", "quit"))
        return frozenset(key for one in ends for key in keymap.get(one.id or "", one.key).split(","))

    async def on_event(self, event: events.Event) -> None:
        is_urgent = isinstance(event, events.Key) and event.key in self._urgent_keys
        await self.key_order.take(event, is_urgent=is_urgent)

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
        asked_for: set[Callable[[], None]] = set()

        def answer(do: Callable[[], None]) -> None:
            asked_for.discard(do)
            do()

        def in_turn(do: Callable[[], None], otherwise: Callable[[], None]) -> None:
            # A signal may come in the middle of anything, and many of them at once.
            if not self.is_running or self._is_away:
                otherwise()
            elif do not in asked_for:
                asked_for.add(do)
                loop.call_soon_threadsafe(answer, do)

        self._jobs = JobControl(
            partial(in_turn, self.action_suspend_process, stop_at_once),
            partial(in_turn, self._take_terminal_again, lambda: None),
        )
        self._jobs.install()

    def on_unmount(self) -> None:
        self.key_order.forget()

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
        self.is_leaving = True
        super().exit(result, return_code, message)

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Perform an action, unless the app is ending: its screens may be gone."""
        return not self.is_leaving and await super().run_action(action, default_namespace, namespaces)

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
        """Hook for clean-up when a signal ends the app."""

    @contextmanager
    def suspend(self) -> Iterator[None]:
        """Give the terminal to another program; a copied secret is taken off the clipboard in time even so."""
        with super().suspend():
            back = Event()
            self._is_away = True
            Thread(target=self._watch_clipboard, args=(back,), daemon=True).start()
            # The terminal's keys interrupt all who were started from it, and so us, too: Ctrl+C is for the program.
            # A handler, unlike a signal that is ignored, is not handed on to it.
            before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGQUIT)}
            try:
                yield
            finally:
                if terminal_is_gone():
                    # Taking back a terminal that has hung up would wait for it for ever.
                    hang_up()
                for number, handler in before.items():
                    signal.signal(number, handler)
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
