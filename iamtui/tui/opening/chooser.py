"""ChooserScreen: what to open: the demo (Enter is enough), a profile, or a snapshot file; waiting for a login."""

from __future__ import annotations

import stat
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from iamtui.paths import home_expanded
from iamtui.problem import Problem
from iamtui.tui import clock
from iamtui.tui.background import get_in_thread
from iamtui.tui.content import line, lines, plain, wrong
from iamtui.tui.dialogs.dialogs import ConfirmDialog
from iamtui.tui.widgets.inputs import PathInput
from iamtui.workspace.source import workspace as opening
from iamtui.workspace.source.workspace import SourceChoice, SourceKind

if TYPE_CHECKING:
    from iamtui.workspace.source.workspace import Profile


class ChooserScreen(ModalScreen[SourceChoice | None]):
    """Returns what was chosen, or None. Profiles are listed without connecting to or running anything.

    Given a way to open a choice, it stays until that is open: it shows the progress, and why it failed. What is open
    already is marked, and of a profile whose login has ended it names the command that renews it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "move(1)", "Down", show=False, id="chooser.down"),
        Binding("k", "move(-1)", "Up", show=False, id="chooser.up"),
        Binding(
            "f5", "again", "Try again", show=False, id="chooser.again", tooltip="Try again what could not be opened"
        ),
        Binding("escape,q", "leave", "Back", id="chooser.back", tooltip="Choose nothing"),
    ]

    DEFAULT_CSS = """
    ChooserScreen {
        align: center middle;
        background: $background 60%;

        & > #chooser-box {
            width: 78;
            max-width: 96%;
            height: auto;
            max-height: 92%;
            padding: 1 1 0 1;
            border: round $rule-focused;
            border-title-color: $heading;
            border-subtitle-color: $muted;
            background: $surface;
        }
        & OptionList {
            height: auto;
            max-height: 16;
            border: none;
            padding: 0;
            background: transparent;
            scrollbar-size-vertical: 1;
            text-wrap: nowrap;
            text-overflow: ellipsis;
        }
        & OptionList:focus {
            border: none;
            background: transparent;
        }
        & OptionList > .option-list--option-highlighted, & OptionList:focus > .option-list--option-highlighted {
            background: $cursor;
            color: $foreground;
            text-style: none;
        }
        & #chooser-file {
            height: 1;
            margin-top: 1;
            display: none;
        }
        &.-file #chooser-file {
            display: block;
        }
        &.-busy OptionList, &.-busy #chooser-file {
            opacity: 50%;
        }
        & #chooser-file Label {
            width: 7;
            color: $muted;
        }
        & #chooser-path {
            width: 1fr;
            background: $foreground 10%;
        }
        & #chooser-note {
            height: auto;
            margin-top: 1;
        }
    }
    """

    _options = getters.query_one("#chooser-list", OptionList)

    def __init__(
        self,
        list_profiles: Callable[[], Sequence[Profile]] | None = None,
        opening: Callable[[SourceChoice], None] | None = None,
        cancelling: Callable[[], None] = lambda: None,
        endpoint_url: str | None = None,
        opened: Collection[tuple[SourceKind, str]] = (),
        last: Mapping[str, str] | None = None,
    ) -> None:
        """Make the screen.

        Args:
            list_profiles: lists what can be chosen, blocking; None: the profiles of the AWS configuration.
            opening: starts to open a choice, and later calls `show_progress`, `show_problem` or `finish`;
                None: the screen is left at once with the choice.
            cancelling: stops what was started.
            endpoint_url: what a profile's calls go to instead of AWS.
            opened: what is open: of each source its kind and profile.
            last: what was opened in the run before (kind, profile, file), where the cursor begins.
        """
        super().__init__()
        self._list_profiles = list_profiles
        self._opening = opening
        self._cancelling = cancelling
        self._endpoint_url = endpoint_url
        self._opened = opened
        last = last or {}
        self._last_kind, self._last_file = last.get("kind", ""), last.get("file", "")
        self._last_profile = last.get("profile", "") if self._last_kind == SourceKind.LIVE else ""
        self._chosen_early = False
        """True where the last profile was chosen before the profiles were listed."""
        self._busy = False
        self._finished = False
        self._profiles: dict[str, Profile] = {}
        self._note_of_list = plain("")
        self._notes_login = False
        self._refused: str | None = None
        """The path that cannot be opened, as it was typed."""
        self._tried: tuple[SourceChoice, str] | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="chooser-box") as box:
            box.border_title = line("Open an account")
            box.border_subtitle = line("Enter open  j k move  Esc back")
            demo, file = (self._is_open(kind) for kind in (SourceKind.DEMO, SourceKind.SNAPSHOT))
            made_up = "a made-up company, on screen at once, nothing to set up"
            yield OptionList(
                Option(_row("Demo account", "", made_up, is_open=demo), id="demo"),
                Option(
                    _row("Snapshot file", "", "what iamtui snapshot or the AWS CLI has written", is_open=file),
                    id="snapshot",
                ),
                compact=True,
                id="chooser-list",
            )
            with Horizontal(id="chooser-file"):
                yield Label("File")
                yield PathInput(self._last_file, suffixes=_SUFFIXES, id="chooser-path")
            yield Static(plain("Looking for AWS profiles …", "$muted"), id="chooser-note")

    def on_mount(self) -> None:
        """The cursor begins on what was opened last, else on the demo; look for profiles in a thread."""
        if self._last_profile:
            # It stands first from the beginning: nothing moves under the cursor.
            self._options.add_option(
                Option(_row("Profile", self._last_profile, ""), id=f"profile:{self._last_profile}")
            )
        self._options.highlighted = 2 if self._last_profile else int(self._last_kind == SourceKind.SNAPSHOT)
        self._options.focus()
        find = self._list_profiles or opening.list_profiles
        get_in_thread(
            self, find, self._found, lambda problem: self._note(plain(problem, "$verdict-denied")),
            name="listing the AWS profiles", group="profiles",
        )  # fmt: skip

    def _found(self, profiles: Sequence[Profile]) -> None:
        self._profiles = {profile.name: profile for profile in profiles}
        last = self._last_profile
        rows = [
            Option(self._profile_row(one), id=f"profile:{one.name}")
            for one in self._profiles.values()
            if one.name != last
        ]
        self._options.add_options(rows)
        if last in self._profiles:
            self._options.replace_option_prompt(f"profile:{last}", self._profile_row(self._profiles[last]))
        elif last:
            self._options.remove_option(f"profile:{last}")
            self._options.highlighted = 0
        words = "Profiles are only listed: nothing is connected to before you choose one."
        note = plain(words if self._profiles else "No AWS profiles were found in the configuration files.", "$muted")
        if self._endpoint_url:
            note = lines(note, line(("NOT AWS: ", "bold $verdict-depends"), f"a profile calls {self._endpoint_url}."))
        self._note_of_list = note
        self._note(note)
        if self._chosen_early and last in self._profiles:
            self._choose_profile(self._profiles[last])

    def _is_open(self, kind: SourceKind, profile: str = "") -> bool:
        return (kind, profile) in self._opened

    def _profile_row(self, profile: Profile) -> Content:
        login = profile.login
        state = login.words(clock.now()) if login is not None else ""
        about = "  ".join(filter(None, (state, profile.region, profile.kind)))
        ended = login is not None and login.has_ended(clock.now())
        return _row("Profile", profile.name, about, is_open=self._is_open(SourceKind.LIVE, profile.name), warns=ended)

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        profile = self._profiles.get((event.option.id or "").partition(":")[2])
        login = profile.login if profile is not None else None
        if self._busy:
            return
        if profile is not None and login is not None and login.has_ended(clock.now()):
            self._notes_login = True
            state = line((profile.name, "bold"), f": {login.words(clock.now())}.")
            self._note(lines(state, _renewal(login.command)))
        elif self._notes_login:
            self._notes_login = False
            self._note(self._note_of_list)

    def show_progress(self, words: Content) -> None:
        if self._busy:
            self._note(line(words, ("   Esc cancels", "$muted")))

    def finish(self) -> None:
        """Close once the chosen source is open, under another screen as soon as that is left."""
        self._finished = True
        if self.is_active:
            self.dismiss(None)

    def on_screen_resume(self) -> None:
        """Go away if there is nothing left to choose."""
        if self._finished:
            self.dismiss(None)

    def show_problem(self, problem: Problem) -> None:
        """Say why what was chosen cannot be opened, and what to do; something else can be chosen."""
        self._rest()
        self._note(
            lines(
                wrong(plain(problem.sentence, limit=None)),
                plain(problem.next_step, "$muted", limit=None),
                *((line("Then ", ("Enter", "bold $match"), " tries again."),) if problem.login_command else ()),
            )
        )

    def _choose(self, choice: SourceChoice, name: str) -> None:
        if self._opening is None:
            self.dismiss(choice)
            return
        self._busy = True
        self._tried = choice, name
        self.add_class("-busy")
        self._note(line("Opening ", (name, "bold"), " …   ", ("Esc cancels", "$muted")))
        self._opening(choice)

    def _rest(self) -> None:
        self._busy = False
        self.remove_class("-busy")

    def _note(self, words: Content) -> None:
        self.query_one("#chooser-note", Static).update(words)

    # Keys

    def action_move(self, step: int) -> None:
        if step > 0:
            self._options.action_cursor_down()
        else:
            self._options.action_cursor_up()

    def action_again(self) -> None:
        if self._tried is not None and not self._busy:
            self._choose(*self._tried)

    def action_leave(self) -> None:
        if self._busy:
            self._rest()
            self._note(plain("Cancelled. Choose something else, or Esc to go back.", "$muted"))
            self._cancelling()
        elif self.has_class("-file"):
            self.remove_class("-file")
            self._options.focus()
            self._note(self._note_of_list)
        else:
            self.dismiss(None)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        chosen = event.option.id or ""
        if self._busy:
            return
        if chosen == "demo":
            self._choose(SourceChoice(SourceKind.DEMO), "the demo account")
        elif chosen == "snapshot":
            self.add_class("-file")
            self.query_one("#chooser-path", Input).focus()
            self._note(plain(_WHAT_FILE, "$muted"))
        else:
            profile = self._profiles.get(chosen.partition(":")[2])
            self._chosen_early = profile is None
            if profile is not None:
                self._choose_profile(profile)

    def _choose_profile(self, profile: Profile) -> None:
        choice = SourceChoice(
            SourceKind.LIVE, profile=profile.name, region=profile.region or None, endpoint_url=self._endpoint_url
        )
        self._choose(choice, f"profile {profile.name}")

    @on(PathInput.Matched)
    def _matched(self, event: PathInput.Matched) -> None:
        """Show the completions of the path, whose text has changed since it was refused."""
        event.stop()
        if not self._busy and self.has_class("-file") and event.matches.typed != self._refused:
            self._refused = None
            self._note(event.matches.words() or plain(_WHAT_FILE, "$muted"))

    @on(Input.Submitted, "#chooser-path")
    def _file_entered(self, event: Input.Submitted) -> None:
        event.stop()
        if self._busy:
            return
        text = event.value.strip()
        path = home_expanded(text)
        what = _why_unreadable(path)
        self._refused = event.value
        if not text:
            self._note(plain("Type the path of a snapshot file.", "$verdict-depends"))
        elif what:
            self._note(
                wrong(
                    f"{text} {what}.",
                    (" Make one with the AWS CLI: aws iam get-account-authorization-details > FILE", "$muted"),
                )
            )
        else:
            # A file of that name; standard input is the terminal.
            path = path.absolute() if text == "-" else path
            self._choose(SourceChoice(SourceKind.SNAPSHOT, snapshot=path), path.name)


_SUFFIXES: Final = (".json", ".gz", ".zst")
_WHAT_FILE: Final = "What iamtui snapshot, or aws iam get-account-authorization-details, has written."


def _why_unreadable(path: Path) -> str:
    """Problem with a path that should lead to a file, as the rest of a sentence, or ""."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "does not exist"
    except (OSError, ValueError) as error:
        return f"cannot be read: {error.strerror if isinstance(error, OSError) else 'the path is not valid'}"
    return "" if stat.S_ISREG(mode) else "is a folder" if stat.S_ISDIR(mode) else "is not a file"


def _row(kind: str, name: str, about: str, *, is_open: bool = False, warns: bool = False) -> Content:
    shown = f"{kind.partition(' ')[0]}, open" if is_open else kind
    return line(
        (f"{shown:<15}", "" if name else "bold"),
        (f"{name:<20} ", "bold") if name else "",
        (about, "$verdict-depends" if warns else "$muted"),
    )


def _renewal(command: str) -> Content:
    """How a login is renewed; `command` is raw."""
    return line("Run ", (command, "bold"), " in a shell, then ", ("Enter", "bold $match"), " opens it.")


class LoginDialog(ConfirmDialog):
    """Waits until the user has signed in again; gives whether to try once more then."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "agree", "Try again", id="login.again", tooltip="Try again, once you have signed in"),
    ]

    def __init__(self, problem: Problem) -> None:
        words = lines(
            plain(problem.sentence, limit=None),
            plain(""),
            line("Run ", (problem.login_command, "bold"), " in another shell."),
        )
        super().__init__(line("Signed out"), words, "tries again", "not now", key="Enter")
