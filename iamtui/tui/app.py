"""IamtuiApp: wires screens, themes, settings, keymap and the clipboard together, and decides nothing."""

from __future__ import annotations

import asyncio
import os
import pkgutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from msgspec import structs
from rich.console import Console, RenderableType
from textual import constants, events, on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.theme import Theme
from textual.widget import Widget
from textual.worker import Worker, WorkerState

import iamtui.tui
from iamtui.account.model import REST_OF_ACCOUNT
from iamtui.config import Config, load_config
from iamtui.credentials.clipboard import ClipboardOptions
from iamtui.problem import Problem
from iamtui.text import counted, first_names
from iamtui.tui import clock
from iamtui.tui.background import (
    STARTED_SECONDS,
    Work,
    get_in_thread,
    in_thread,
    note_input,
    worker_failure,
)
from iamtui.tui.clipboard import Copier
from iamtui.tui.content import Severity, line
from iamtui.tui.dialogs.dialogs import ThemeDialog
from iamtui.tui.dialogs.help import HelpScreen, start_tour
from iamtui.tui.main.main_screen import MainScreen
from iamtui.tui.main.screen_state import PlaceMemory, ScreenState
from iamtui.tui.opening.source_opening import Opener, SourceOpening, open_blocking
from iamtui.tui.sessions.controller import LockScreen
from iamtui.tui.sessions.hand_over import HandOver
from iamtui.tui.terminal_app import TerminalApp
from iamtui.tui.themes import (
    DEFAULT_DARK,
    THEME_LOOK_SECONDS,
    ThemeFiles,
    fallback_variables,
    first_theme,
    load_themes,
    read_own_theme,
    terminal_theme,
)
from iamtui.tui.widgets.lists.line_list import LineView
from iamtui.workspace.source.workspace import OrganizationSource, SourceChoice, Workspace

if TYPE_CHECKING:
    from iamtui.credentials.session import Session
    from iamtui.tui.dialogs.help import Tour

_MOST_PROBLEMS: Final = 4
"""How many faults of the settings and the themes one message has room for."""

IDLE_LOOK_SECONDS: Final = 1.0
"""How often the screen looks whether it was left alone for long enough to be locked."""


class IdleLock:
    """Counts from the last time the user was there.

    Args:
        minutes: how long the user may be away; 0: for ever.
    """

    def __init__(self, minutes: int) -> None:
        self._minutes = minutes
        self._used_at = clock.now()

    def touch(self) -> None:
        self._used_at = clock.now()

    @property
    def since(self) -> timedelta:
        return clock.now() - self._used_at

    @property
    def is_over(self) -> bool:
        return bool(self._minutes) and self.since >= timedelta(minutes=self._minutes)

    @property
    def why(self) -> str:
        return f"Nothing was pressed for {counted(self._minutes, 'minute')}."


class IamtuiApp(TerminalApp):
    """The screen of iamtui."""

    TITLE = "iamtui"
    CSS_PATH = ["styles/lines.tcss", "styles/main.tcss"]  # noqa: RUF012 - declared so by the base class
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("colon,ctrl+p", "command_palette", "Commands", key_display=":", id="app.palette",
                tooltip="Find a command, or whatever has a name"),
        Binding("ctrl+g", "choose_region", "Region", show=False, id="app.region",
                tooltip="Choose the Region that questions are about and calls go to"),
        Binding("r", "reload", "Refresh", show=False, id="app.refresh",
                tooltip="Read again what is under the cursor, for the overview what it lacks; "
                "of an account that was read in part, read the rest"),
        Binding("R", "reload(True)", "Refresh all", show=False, id="app.refresh-all",
                tooltip="Read the whole account again"),
        Binding("question_mark", "help", "Help", key_display="?", id="app.help", tooltip="Show every key that works"),
        Binding("f1", "help", "Help", show=False, priority=True, id="app.help-anywhere", tooltip="Also from a dialog"),
        Binding("t", "change_theme", "Theme", show=False, id="app.theme", tooltip="Choose a theme"),
        Binding("q", "back_or_quit", "Quit", id="app.back", tooltip="One step back; with none left, quit"),
        Binding("f12", "lock", "Lock", show=False, priority=True, id="app.lock",
                tooltip="Lock: forget every session, stop endpoints, clear the clipboard, hide the screen"),
        Binding("ctrl+q", "quit", "Quit now", show=False, priority=True, id="app.quit", tooltip="Quit from anywhere"),
        Binding("ctrl+z", "suspend_process", "Suspend", show=False, priority=True, id="app.suspend",
                tooltip="Back to the shell, until fg; a copied secret is taken back before"),
    ]  # fmt: skip

    def __init__(
        self,
        choice: SourceChoice | None = None,
        *,
        config: Config | None = None,
        opener: Opener = open_blocking,
        copier: Copier | None = None,
        problems: Sequence[str] = (),
        fresh: bool = False,
        tour: bool = False,
        default_theme: str = DEFAULT_DARK,
        plan: str | None = None,
    ) -> None:
        """Make the app.

        Args:
            choice: what to open; None: ask first.
            config: the user's settings; None: the defaults.
            opener: loads what is chosen.
            copier: copies to the clipboard; None: the real one.
            problems: sentences about the config, said at the start.
            fresh: use nothing of what was remembered from runs before, and remember nothing of this one.
            tour: offer the tour of five keys where nothing is remembered yet.
            default_theme: the name of the theme where neither the settings nor an earlier run names one.
            plan: the file of a Terraform plan, opened as a draft of the first account.
        """
        self._plan = plan
        self._config = config or Config()
        self._problems = list(problems)
        loaded = load_themes()
        self._problems += loaded.problems
        self._themes = {theme.name: theme for theme in loaded.themes}
        self._theme_files = ThemeFiles()
        # Before the base class, which begins with the styles: chosen later, a theme has them worked out twice.
        self._state = ScreenState(fresh=fresh)
        self._tour_waits = tour and self._state.is_first
        name, problem = first_theme(self._config.theme, self._themes, self._state.theme, default_theme)
        self._problems += [*problem, *filter(None, (self._state.problem,))]
        self.set_reactive(IamtuiApp.theme, name)
        super().__init__()
        for theme in loaded.themes:
            self.register_theme(theme)
        self.copier = copier or self._real_copier()
        self._idle = IdleLock(self._config.lock.idle_minutes)
        self._keymap_is_checked = False
        self.main = MainScreen(self.copier, self._config.assume, self._config.production)
        elsewhere = OrganizationSource(self._config.organization.profile, self._config.organization.role)
        self.opening = SourceOpening(
            self, self.main, choice, opener, self.say_opened, elsewhere, last=self._state.source
        )
        self.action_choose_source, self.action_choose_region = self.opening.choose, self.opening.choose_region
        self.action_choose_unit, self.action_browse_as = self.opening.choose_unit, self.opening.browse_as
        self._places = PlaceMemory(self.main, self._state, lambda: self.opening.opened)

    @property
    def is_fresh(self) -> bool:
        """True where nothing of other runs is used, and nothing of this one kept."""
        return self._state.is_fresh

    # Start and end.

    def on_mount(self) -> None:
        # A thread that reads an account otherwise keeps the screen waiting for 5 ms at every turn.
        sys.setswitchinterval(0.001)
        if self._config.lock.idle_minutes:
            self.set_interval(IDLE_LOOK_SECONDS, self._lock_when_idle)
        if self._config.keymap:
            self.set_keymap(dict(self._config.keymap))
        self.set_interval(1, self.opening.look_after_session)
        self._places.begin()
        self.set_interval(THEME_LOOK_SECONDS, self.look_for_themes)
        self.set_timer(STARTED_SECONDS, lambda: Thread(target=_import_ahead, daemon=True).start())
        self.call_after_refresh(self.opening.open_or_choose)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.InputEvent):
            self._idle.touch()
            note_input()
            if isinstance(event, events.Key) and not event.is_forwarded:
                for tour in self.main.query_children("#tour"):
                    cast("Tour", tour).saw(event)
        await super().on_event(event)

    def before_end(self) -> None:
        self.opening.end_commands()

    def exit(self, result: None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        self._places.keep_now()
        super().exit(result, return_code, message)

    def _lock_when_idle(self) -> None:
        if self.main.lifecycle.holds_secrets and self._idle.is_over:
            self.main.lifecycle.lock_up(self._idle.why)

    def came_back(self) -> None:
        """Another program had the terminal: its user was there, and time has passed."""
        self._idle.touch()
        self.main.sessions.keeper.away()

    def before_stop(self) -> None:
        """Take a copied secret back: a process that is stopped could not do so in time."""
        if self.copier.time_left() is not None:
            self.copier.clear_now()

    def after_stop(self) -> None:
        """Time has passed, perhaps enough to lock, and nobody was here."""
        self._lock_when_idle()
        self.main.sessions.keeper.away()

    def has_no_shell(self) -> None:
        self.say(line("No shell started iamtui, so there is none to go back to."), Severity.WARNING)

    def get_theme(self, theme_name: str) -> Theme | None:
        """Our themes and the user's are known before the base class can have registered them."""
        return self._themes.get(theme_name) or super().get_theme(theme_name)

    def _real_copier(self) -> Copier:
        settings = self._config.clipboard
        options = ClipboardOptions.from_environment(os.environ)
        options = structs.replace(
            options,
            command=settings.command or options.command,
            local_over_ssh=settings.local_over_ssh,
            secrets_through_terminal=settings.secrets_through_terminal,
            clear_after_seconds=settings.seconds,
        )
        copier = Copier(
            self.write_to_terminal,
            options,
            export_format=self._config.export.format,
            clock=_now,
            on_signal=self.leave_terminal,
        )
        copier.install()
        return copier

    def get_default_screen(self) -> Screen[None]:
        self.main.begin_at(self.size)
        return self.main

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Values for our own variables in themes that do not know them."""
        return {**super().get_theme_variable_defaults(), **fallback_variables(self.current_theme)}

    # Messages.

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A worker that fails in an unforeseen way ends nothing: its error becomes a sentence."""
        if event.state is WorkerState.ERROR:
            self.say(worker_failure(event.worker), Severity.ERROR)

    @on(MainScreen.StopWaiting)
    def _stop_waiting(self) -> None:
        self.opening.stop()

    def say(self, text: Content | str, severity: Severity = Severity.INFORMATION, *, stays: bool = False) -> None:
        if self.main.is_mounted:
            self.main.say(text, severity, stays=stays)

    def _keymap_checked(self, problems: Sequence[str]) -> None:
        self._problems += problems
        self._say_problems()

    def _say_problems(self, so: str = "") -> bool:
        """Say what is wrong with the config, once, and what follows from it (`so`); False when nothing is."""
        if not self._problems:
            return False
        rest = len(self._problems) - _MOST_PROBLEMS
        more = f" ({rest} more: iamtui config check)" if rest > 0 else ""
        self.say(" ".join(self._problems[:_MOST_PROBLEMS]) + more + so, Severity.WARNING)
        self._problems.clear()
        return True

    def say_opened(self, workspace: Workspace, news: str = "") -> None:
        """Say what is wrong with the settings, once; after that what the account holds, and what of it is new."""
        if self._config.keymap and not self._keymap_is_checked:
            self._keymap_is_checked = True
            # The module is named in the thread, as it imports all of the screen.
            get_in_thread(
                self.main, lambda: keymap_problems(self._config.keymap), self._keymap_checked,
                name="checking the keymap", group="keymap",
            )  # fmt: skip
        if not self._say_problems():
            self.say_account(workspace, news)
        if self._tour_waits:
            self.action_tour()
        if self._plan is not None:
            plan, self._plan = self._plan, None
            self.main.drafts.show_draft(Path(plan))

    def action_tour(self) -> None:
        self._tour_waits = False
        start_tour(self.main)

    def say_account(self, workspace: Workspace, news: str = "") -> None:
        """Say what an account holds, what of it is not loaded, and what is new since it was shown last."""
        words = _counts_of(workspace)
        if workspace.not_opened:
            more = f" And {len(workspace.not_opened) - 1} more." if len(workspace.not_opened) > 1 else ""
            self.say(f"{words}. {workspace.not_opened[0].words}{more}", Severity.WARNING)
            return
        if news:
            words = f"{words}. {news}"
        if workspace.remark:
            again = "; r reads the rest" if workspace.source.cached else ""
            self.say(f"{workspace.remark.removesuffix('.')}{again}. {words}", Severity.WARNING)
            return
        rest = next((gap for gap in workspace.account.gaps if gap.what == REST_OF_ACCOUNT), None)
        # The overview lists all of them.
        gaps = first_names((gap.what for gap in workspace.account.gaps), _MOST_GAPS)
        if rest is not None:
            again = ". r reads the rest." if workspace.reading is not None else ". r reads it again."
            unnamed = f" ({rest.permission})" if rest.permission and rest.permission not in rest.error else ""
            why = f"{rest.error or 'not read'}{unnamed}"
            self.say(line(f"{words}, and no more: ", (why, "bold"), again), Severity.WARNING)
        elif gaps:
            again = "; r tries again" if workspace.reading is not None else ""
            self.say(line(f"{words}. Not loaded: ", (gaps, "bold"), again), Severity.WARNING)
        else:
            self.say(line(words, ("   / filter   s ask   ? help", "$muted")))

    # Actions.

    def action_reload(self, everything: bool = False) -> None:
        if everything:
            self.opening.open_anew()
        elif not (self.opening.is_settled and self.screen is self.main and self.main.on_demand.read_again_here()):
            self.opening.open_or_choose()

    def action_go(self) -> None:
        """Open the card of what may follow g; in a dialog go to the top of its list."""
        if self.screen.is_modal:
            self._go_to_top(self.focused)
        else:
            self.main.open_go_card(self._config.keymap, partial(self._go_to_top, self.focused))

    def _go_to_top(self, focused: Widget | None) -> None:
        if isinstance(focused, LineView):
            focused.action_cursor_first()
        elif focused is not None:
            focused.scroll_home(animate=False)

    def action_help(self) -> None:
        if not isinstance(self.screen, HelpScreen | LockScreen):
            about = self.main.about if self.screen is self.main else None
            self.push_screen(HelpScreen(self.screen, about))

    def action_back_or_quit(self) -> None:
        """One step back on the main screen; with nothing to leave, or where no step could be seen, quit."""
        if self.main.is_too_small or not self.main.browsing.step_back():
            self.main.lifecycle.leave(self.exit)
        else:
            self.main.keys_changed()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While only the sentence shows that the window is too small, its keys quit, lock and suspend, and no more."""
        hidden = self.screen_stack and self.screen is self.main and self.main.is_too_small
        if hidden and action not in ("back_or_quit", "quit", "lock", "suspend_process"):
            return False
        if action == "suspend_process" and hasattr(self.focused, "action_undo"):
            # In a text editor the key is the editor's own. (Its class is not loaded before the first frame.)
            return False
        return super().check_action(action, parameters)

    def action_help_quit(self) -> None:
        """Name the key that quits, since Ctrl+C, which copies in fields, quits nothing."""
        quits = next((key for key, live in self.active_bindings.items() if live.binding.id == "app.quit"), "")
        if quits:
            self.say(line(("ctrl+c", "bold"), " does not quit; ", (quits, "bold $match"), " does."))

    def action_command_palette(self) -> None:
        from iamtui.tui.dialogs.palette import AccountPlaces, ActionCommands, ActionPalette

        if not isinstance(self.screen, ActionPalette):
            self.push_screen(
                ActionPalette(
                    [ActionCommands, AccountPlaces],
                    placeholder="Find a command, user, role, policy, resource, statement or question",
                )
            )

    def search_themes(self) -> None:
        dialog = ThemeDialog([*self.available_themes], self._themes, self.theme)
        self.push_screen(dialog, self._theme_chosen)

    def look_for_themes(self) -> None:
        changed = self._theme_files.changed()
        if changed:
            get_in_thread(
                self.main, lambda: [read_own_theme(file) for file in changed], self._themes_read,
                name="reading a theme", group="themes",
            )  # fmt: skip

    def _themes_read(self, found: Sequence[tuple[Theme | None, Sequence[str]]]) -> None:
        """Show the themes that are right; one with a fault stays as it was."""
        for theme, problems in found:
            self._problems += problems
            if theme is None or problems:
                continue
            self._themes[theme.name] = theme
            self.register_theme(theme)
            if theme.name == self.theme:
                self.mutate_reactive(IamtuiApp.theme)
            self.say(line("Theme ", (theme.name, "bold"), " was read."))
        self._say_problems(" The look stays as it was.")

    def _theme_chosen(self, name: str | None) -> None:
        if name is None:
            return
        if self._config.theme:
            self.say(line(("theme", "bold"), " in the config names another for the next run."), Severity.WARNING)
            return
        in_thread(self.main, partial(self._remember_theme, name), name="remembering the theme", group="theme")

    def _remember_theme(self, name: str, work: Work) -> None:
        try:
            self._state.keep(theme=name)
        except Problem as problem:
            work.tell(self.say, f"{problem.sentence} {problem.next_step}", Severity.WARNING)

    def action_lock(self) -> None:
        self.main.lifecycle.lock_up()

    async def action_quit(self) -> None:
        """Quit; unsaved work is confirmed once."""
        self.main.lifecycle.leave(self.exit)


_MOST_GAPS: Final = 4
"""Gaps of an account that the message line names."""


def _counts_of(workspace: Workspace) -> str:
    """How many users, groups and roles an account has, and how many accounts are open."""
    account = workspace.account
    words = ", ".join(
        f"{kind}s unknown"
        if not found and account.why_unlisted(f"{kind}s") and not account.is_being_read
        else counted(len(found), kind)
        for kind, found in (("user", account.users), ("group", account.groups), ("role", account.roles))
    )
    return f"{len(workspace.accounts)} accounts; {account.id}: {words}" if workspace.beside else words


def _import_ahead() -> None:
    """Import what one key opens while the user is idle, since the import would freeze the screen."""
    from iamtui.tui.assume import dialog  # noqa: F401 - only loaded
    from iamtui.tui.dialogs import palette  # noqa: F401
    from iamtui.tui.question import trace_screen, who_can_screen  # noqa: F401
    from iamtui.tui.reports import report_screen  # noqa: F401


def _now() -> datetime:
    return clock.now()


def _theme_of_terminal() -> str:
    # As Textual does.
    console = Console(color_system=constants.COLOR_SYSTEM, force_terminal=True)  # type: ignore[arg-type]
    colours = console.color_system
    return terminal_theme(os.environ, colours)


def run_app(choice: SourceChoice | None, fresh: bool, plan: str | None = None) -> int:
    """Run the screen until the user leaves it.

    Args:
        choice: what to open; None: ask first.
        fresh: use nothing of what was remembered from runs before, and remember nothing of this one.
        plan: the file of a Terraform plan, whose changes are the draft.

    Returns:
        The exit code: 0, or not 0 after a crash.
    """
    config, problems = load_config()
    app = IamtuiApp(
        choice, config=config, problems=problems, fresh=fresh, tour=True, plan=plan,
        default_theme=_theme_of_terminal(),
    )  # fmt: skip
    # A loop of our own is left as it is; asyncio.run would first wait for every thread that is still loading.
    app.run(loop=asyncio.new_event_loop())
    return app.return_code or 0


# Picking: the screen on which a session is made for another program, which gets it when the screen ends.


PICKING: Final = line(
    ("Pick for your shell: ", "bold"), ("a", "bold $match"), " assumes the role under the cursor, ",
    ("c", "bold $match"), " hands the session over, ", ("q", "bold $match"), " nothing.",
)  # fmt: skip
"""First words on the message line of a picker."""


class PickerApp(IamtuiApp):
    """The screen, ended by a key that hands the active session over."""

    def __init__(
        self,
        format_name: str,
        choice: SourceChoice | None = None,
        **settings: Any,
    ) -> None:
        """Make the app.

        Args:
            format_name: the format that the session is picked for. IamtuiApp says what the others mean.
        """
        super().__init__(choice, **settings)
        self.picked: Session | None = None
        """The picked session, once the app has ended."""
        self.main.hand_over.pick_for(format_name)

    def say_account(self, workspace: Workspace, news: str = "") -> None:  # noqa: ARG002 - declared by IamtuiApp
        self.say(PICKING, stays=True)

    def action_suspend_process(self) -> None:
        """Stop nothing: a shell that waits for what is picked could neither be used nor continue this."""
        self.say(line("Your shell waits for what is picked here; ", ("q", "bold $match"), " hands nothing over."))

    @on(HandOver.Picked)
    def _picked(self, event: HandOver.Picked) -> None:
        """End with a session for whoever started the picker."""

        def leave() -> None:
            self.picked = event.session
            self.main.sessions.keeper.let_go(event.session)
            self.exit()

        if event.agreed:
            leave()
        else:
            self.main.lifecycle.leave(leave, picked=True)


def run_picker(choice: SourceChoice | None, format_name: str) -> Session | None:
    """Run the screen until the user picks a session, or leaves.

    Args:
        choice: what to open; None: ask first.
        format_name: the format that the session is picked for.

    Raises:
        Problem: the screen ended by an error.
    """
    config, problems = load_config()
    app = PickerApp(format_name, choice, config=config, problems=problems, default_theme=_theme_of_terminal())
    app.run(loop=asyncio.new_event_loop())
    if app.return_code:
        raise Problem("The screen ended by an error, so nothing was picked.", "Start it again.")
    return app.picked


# Checking the user's keymap against the bindings that exist. Textual itself drops one of two without a word.


def load_every_pane() -> None:
    """Import every module of the screen: bindings are declared by classes that are otherwise loaded when needed."""
    for module in pkgutil.walk_packages(iamtui.tui.__path__, "iamtui.tui."):
        import_module(module.name)


def named_bindings() -> Iterator[tuple[str, str, str]]:
    """Every binding that the config can change: its id, its keys and what it does, by id."""
    load_every_pane()
    found: dict[str, Binding] = {}
    for node in _subclasses(DOMNode):
        for binding in _bindings(node) if node.__module__.startswith("iamtui.") else ():
            # One id may have bindings of a pane and of the screen around it, which has more keys for it.
            if binding.id and len(binding.key) > len(found[binding.id].key if binding.id in found else ""):
                found[binding.id] = binding
    for name, binding in sorted(found.items()):
        yield name, binding.key, binding.tooltip or binding.description


def keymap_problems(keymap: Mapping[str, str]) -> list[str]:
    """One sentence for every id that no binding has, and for every key that two actions of one pane would share.

    Loads every pane to know their ids, which takes a while: call it in a thread.
    """
    load_every_pane()
    declared = [list(_bindings(node)) for node in _subclasses(DOMNode)]
    problems = [*_unknown(keymap, declared), *_clashes(keymap, declared)]
    return list(dict.fromkeys(problems))


def _unknown(keymap: Mapping[str, str], declared: list[list[Binding]]) -> Iterator[str]:
    known = sorted({binding.id for bindings in declared for binding in bindings if binding.id})
    for name in keymap:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "`iamtui info` lists them."
            yield f"The keymap names {name}, which no binding has; {hint}"


def _clashes(keymap: Mapping[str, str], declared: list[list[Binding]]) -> Iterator[str]:
    for bindings in declared:
        users: dict[str, set[str]] = {}
        for binding in bindings:
            for key in keymap.get(binding.id or "", binding.key).split(","):
                users.setdefault(key.strip(), set()).add(binding.id or binding.description)
        for key, names in users.items():
            if len(names) > 1 and names & set(keymap):
                yield f"The keymap gives the key {key} to {' and '.join(sorted(names))}; only one of them has it."


def _bindings(node: type[DOMNode]) -> Iterator[Binding]:
    """The bindings that a class itself declares, which share one place in the order of looking up keys."""
    return (binding for binding in node.__dict__.get("BINDINGS", ()) if isinstance(binding, Binding))


def _subclasses(node: type[DOMNode]) -> list[type[DOMNode]]:
    """Every class below one, the nearest first: of two that declare the same binding, the general one says it."""
    found = [node]
    for each in found:
        found += each.__subclasses__()
    return found[1:]
