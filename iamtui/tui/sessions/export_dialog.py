"""ExportDialog: a session in every format, masked, and the ways to hand that over."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from functools import partial
from typing import Any, ClassVar, Final

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Label, Static

from iamtui.credentials.export import FORMATS, preview
from iamtui.credentials.export_values import aws_time
from iamtui.credentials.session import Session, parse_duration
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.tui.content import line, lines, plain, wrong
from iamtui.tui.dialogs.dialogs import ConfirmDialog, Dialog, DialogBox
from iamtui.tui.dialogs.list_dialogs import MenuItem, MenuLines
from iamtui.tui.sessions.text import MASK
from iamtui.tui.widgets.inputs import CODE_LENGTH, SecretInput
from iamtui.tui.widgets.lists.line_list import LineView
from iamtui.workspace.source.credential_commands import ProfileCodeNeeded, UnconfirmedCommand, UserNeeded, about_command
from iamtui.workspace.source.reference_commands import Reference

# What can be copied of a session, as a menu: a reference, one field, one format. Pure, no widget.


REFERENCE, FIELD, FORMAT = "reference", "field", "format"
"""Kinds of a key, before its colon."""

_REFERENCE_LETTERS: Final = {"shell": "r", "exec": "x", "serve": "v", "process": "p"}

HOLDS_SECRET: Final = "Holds the secret: it is taken off the clipboard again, but a clipboard manager may keep a copy."


@dataclass(frozen=True, slots=True)
class CopyField:
    """One value of a session.

    Args:
        label: what it is called.
        shown: what the menu shows, masked where it is secret.
        secret: the text when it is to be taken back, else None.
        text: the text when it is not.
    """

    label: str
    shown: str
    secret: Callable[[], Secret] | None = None
    text: str = ""


def copy_fields(session: Session) -> dict[str, CopyField]:
    from iamtui.workspace.assume.assume import session_arn

    arn = session.identity.arn if session.identity is not None else session_arn(session)
    end = aws_time(session.expires_at)
    return {
        "1": CopyField("Access key id", session.masked_access_key_id, lambda: Secret(session.access_key_id)),
        "2": CopyField("Secret access key", MASK, lambda: session.secret_access_key),
        "3": CopyField("Session token", MASK, lambda: session.session_token),
        "y": CopyField("Session ARN", arn, text=arn),
        "4": CopyField("Account", session.account, text=session.account),
        "5": CopyField("Role ARN", session.role_arn, text=session.role_arn),
        "6": CopyField("Expiry", end, text=end),
    }


def copy_items(session: Session, commands: Sequence[Reference], default_format: str) -> list[MenuItem]:
    """The menu for a session; its first line is the reference command of the user's shell.

    Args:
        session: the session.
        commands: its reference commands.
        default_format: what the key that copies without a menu copies.
    """
    items = [MenuItem("", "By reference: a command, without the secret")]
    for found in commands:
        value = found.command or "cannot be written"
        items.append(
            MenuItem(f"{REFERENCE}:{found.key}", found.label, _REFERENCE_LETTERS[found.key], value, found.note)
        )
    items.append(MenuItem("", "One field"))
    for digit, field in copy_fields(session).items():
        detail = HOLDS_SECRET if field.secret is not None else "No secret: it stays on the clipboard."
        items.append(MenuItem(f"{FIELD}:{digit}", field.label, digit, field.shown, detail))
    items.append(MenuItem("", "One format, with the secret"))
    for name, entry in FORMATS.items():
        value = "what c copies" if name == default_format else "" if entry.secret else "holds no secret"
        detail = HOLDS_SECRET if entry.secret else "Names of variables only: use it where they are set."
        items.append(MenuItem(f"{FORMAT}:{name}", entry.label, entry.letter, value, detail))
    return items


class ExportWay(StrEnum):
    """How the text is handed over."""

    COPY = "copy"
    FILE = "file"
    PROFILE = "profile"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """Chosen way, and the name of the format."""

    way: ExportWay
    format: str


class ExportDialog(Dialog[ExportChoice | None]):
    """Choice of an export, or None. Holds no secret: the preview is made from placeholders."""

    HELP_ABOUT: ClassVar[str] = (
        "Temporary credentials are three values that belong together: access key ID, secret access key and "
        "session token. Each format hands all three to a shell, a program or a file; they stop working when "
        "the session expires."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Cancel", id="export.cancel", tooltip="Hand nothing over"),
        Binding("c", "take('copy')", "Copy", id="export.copy", tooltip="Copy it; it is taken back after a while"),
        Binding("F", "take('file')", "File", id="export.file", tooltip="Write it to a file that only you can read"),
        Binding(
            "p", "take('profile')", "Profile", id="export.profile", tooltip="Write a profile of ~/.aws/credentials"
        ),
        Binding(
            "r", "take('reference')", "Reference", id="export.reference",
            tooltip="Copy the command that gets the same, without the secret",
        ),
    ]  # fmt: skip

    DEFAULT_CSS = """
    ExportDialog {
        & > DialogBox {
            width: 94%;
            max-width: 104;
            height: 94%;
            max-height: 34;
        }
        & MenuLines {
            height: 11;
            max-height: 35%;
        }
        & VerticalScroll {
            height: 1fr;
            border-top: solid $rule;
            border-title-color: $muted;
            scrollbar-size-vertical: 1;
        }
        & #export-reference {
            min-height: 2;
            max-height: 4;
            border-top: solid $rule;
            border-title-color: $muted;
            color: $muted;
        }
    }
    """

    def __init__(
        self, title: Content, session: Session, reference: Callable[[str], Reference], format_name: str
    ) -> None:
        """Make the dialog.

        Args:
            session: whose credentials.
            reference: gives the reference command of a format.
            format_name: where the cursor begins.
        """
        super().__init__()
        self._title = title
        self._session = session
        self._reference = reference
        self._first = format_name

    def compose(self) -> ComposeResult:
        items = [MenuItem(name, entry.label, entry.letter) for name, entry in FORMATS.items()]
        with DialogBox(self._title, "c copy  F file  p profile  r reference  Esc"):
            yield MenuLines(items, id="export-formats")
            with VerticalScroll(can_focus=False) as scroll:
                scroll.border_title = line("Masked")
                yield Static(id="export-preview", markup=False)
            reference = Static(id="export-reference", markup=False)
            reference.border_title = line("By reference")
            yield reference

    def on_mount(self) -> None:
        formats = self.query_one(MenuLines)
        formats.focus()
        self.call_after_refresh(formats.move_to, list(FORMATS).index(self._first))

    @on(LineView.CursorMoved)
    def _moved(self, event: LineView.CursorMoved) -> None:
        event.stop()
        name = self.query_one(MenuLines).item.key
        try:
            rows = [plain(row) for row in preview(self._session, name).rstrip("\n").split("\n")]
        except Problem as problem:
            rows = [line(("! ", "bold $verdict-denied"), plain(problem))]
        self.query_one("#export-preview", Static).update(lines(*rows))
        found = self._reference(name)
        self.query_one("#export-reference", Static).update(
            lines(plain(found.command, "$foreground"), plain(found.note)) if found.command else plain(found.note)
        )

    @on(MenuLines.ItemChosen)
    def _chosen(self, event: MenuLines.ItemChosen) -> None:
        """A letter shows a format; Enter copies the one that is shown."""
        event.stop()
        if event.by_letter:
            self.query_one(MenuLines).move_to(list(FORMATS).index(event.item.key))
        else:
            self.action_take(ExportWay.COPY)

    def action_take(self, way: str) -> None:
        self.dismiss(ExportChoice(ExportWay(way), self.query_one(MenuLines).item.key))


# LeaveDialog: asks once before the screen ends with what would be lost by that.


class Leaving(StrEnum):
    """Decisions of the user about leaving."""

    LEAVE = "leave"
    DRAFT = "draft"
    PICK = "pick"


class LeaveDialog(Dialog[Leaving | None]):
    """Gives what the user decided, or None to stay.

    The key that opened it agrees too, unless work that is not saved would be lost: pressed twice by habit it must not.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "agree", "Leave", id="leave.agree", tooltip="Leave all the same"),
        Binding("q", "again", "Leave", show=False, id="leave.again", tooltip="Leave, where no draft would be lost"),
        Binding(
            "d", "draft", "Show the draft", id="leave.draft", tooltip="Stay, and show the draft; ctrl+s saves it there"
        ),
        Binding("c", "pick", "Hand over", id="leave.pick", tooltip="Hand the active session over, and leave with that"),
        Binding("escape,n", "dismiss", "Stay", id="leave.stay", tooltip="Stay; nothing is lost"),
    ]

    DEFAULT_CSS = """
    LeaveDialog {
        & > DialogBox {
            width: 70;
            overflow-y: auto;
        }
        & #leave-keys {
            margin-top: 1;
            color: $muted;
        }
    }
    """

    def __init__(
        self, words: Callable[[], Content], *, unsaved: bool = False, draft: bool = False, pick: bool = False
    ) -> None:
        """Make the dialog.

        Args:
            words: what would be lost; asked every second.
            unsaved: whether drafts that are not saved would be.
            draft: whether the draft of the account on screen can be shown.
            pick: whether the active session can be handed over.
        """
        super().__init__()
        self._words = words
        self.unsaved = unsaved
        """True where a second request to leave is no agreement."""
        self._can = {"draft": draft, "pick": pick, "again": not unsaved}

    def compose(self) -> ComposeResult:
        with DialogBox(line("Leave iamtui?"), classes="-warning"):
            yield Static(self._words(), id="leave-words", markup=False)
            yield Static(self._keys(), id="leave-keys", markup=False)

    def _keys(self) -> Content:
        offers = (("c", " hands the session over   ", "pick"), ("d", " shows the draft   ", "draft"))
        more = [part for key, does, action in offers if self._can[action] for part in ((key, "bold $match"), does)]
        leaves = " or Enter leaves without saving   " if self.unsaved else ", Enter or q leaves   "
        return line(("y", "bold $match"), leaves, *more, ("Esc", "bold $match"), " stays")

    def on_mount(self) -> None:
        self.set_interval(1, self._count)

    def _count(self) -> None:
        self.query_one("#leave-words", Static).update(self._words())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what there is can be shown or handed over, and habit drops no draft."""
        return self._can.get(action, True) and super().check_action(action, parameters)

    def action_agree(self) -> None:
        self.dismiss(Leaving.LEAVE)

    def action_again(self) -> None:
        self.action_agree()

    def action_draft(self) -> None:
        self.dismiss(Leaving.DRAFT)

    def action_pick(self) -> None:
        self.dismiss(Leaving.PICK)


# CodeDialog: asks for the MFA code that renewing a session, or opening a profile, takes.


class CodeDialog(Dialog[Secret | None]):
    """Input of an MFA code, or None. It leaves the field at once, and has to be typed anew when it is not six
    digits."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Not now", id="code.cancel", tooltip="Let the session be; r in the sessions asks"),
    ]

    DEFAULT_CSS = """
    CodeDialog {
        & > DialogBox {
            width: 60;
        }
        & Horizontal {
            height: 1;
            margin: 1 0;
        }
        & Label {
            width: 11;
            color: $muted;
        }
        & Input {
            width: 12;
            background: $foreground 16%;
        }
        & #code-hint {
            color: $muted;
        }
    }
    """

    def __init__(self, title: Content, words: Callable[[], Content], use: str = "renews") -> None:
        """Make the dialog.

        Args:
            title: whose code.
            words: what it is for, and how much time is left; asked every second.
            use: what Enter does.
        """
        super().__init__()
        self._title = title
        self._words = words
        self._use = use

    def compose(self) -> ComposeResult:
        with DialogBox(self._title):
            yield Static(self._words(), id="code-words", markup=False)
            with Horizontal():
                yield Label(plain("MFA code"))
                yield SecretInput(id="code", max_length=CODE_LENGTH)
            yield Static(plain(f"Enter {self._use}, Escape leaves it for now"), id="code-hint", markup=False)

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self.set_interval(1, self._count)

    def _count(self) -> None:
        self.query_one("#code-words", Static).update(self._words())

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        length = len(event.value.strip())
        digits = event.value.strip().isdecimal() and event.value.isascii()
        code = self.query_one(SecretInput).take()
        if length == CODE_LENGTH and digits:
            self.dismiss(code)
        else:
            wrong = line(("! ", "bold $verdict-denied"), f"A code has {CODE_LENGTH} digits: type it again.")
            self.query_one("#code-hint", Static).update(wrong)

    def action_cancel(self) -> None:
        self.query_one(SecretInput).value = ""
        self.dismiss(None)


def credentials_dialog(needed: UserNeeded) -> Dialog[Any]:
    """Shows the command that a profile runs for its credentials, before it is run, or asks for its MFA code."""
    if isinstance(needed, ProfileCodeNeeded):
        about = line("Its role takes a code of ", (needed.serial, "bold"), ".")
        why = (wrong(plain(needed.why)),) if needed.why else ()
        title = line("Open profile ", (needed.profile, "bold"))
        return CodeDialog(title, lambda: lines(about, *why), "opens it")
    assert isinstance(needed, UnconfirmedCommand)
    words = lines(*(plain(sentence, limit=None) for sentence in about_command(needed.command)))
    return ConfirmDialog(line("A command for credentials"), words, "run it, now and later", "do not run it")


def ask_for_credentials(
    app: App[Any], needed: UserNeeded, go_on: Callable[[Callable[[], None]], object], refused: Callable[[], object]
) -> None:
    """Ask for what the credentials of a profile take.

    Args:
        go_on: is given the function that uses the answer, for a thread; it raises UserNeeded where that failed.
        refused: is called where nothing was given.
    """

    def answered(given: Any) -> None:
        if given:
            go_on(partial(needed.answer, given))
        else:
            refused()

    app.push_screen(credentials_dialog(needed), answered)


# Moments as a person types them: "in 15m", "at 18:00". Pure.


_CLOCK: Final = re.compile(r"(?:at\s+)?([01]?\d|2[0-3])[:.]([0-5]\d)", re.IGNORECASE | re.ASCII)
_AFTER: Final = re.compile(r"(?:in\s+)?(.*)", re.IGNORECASE)

MOMENT_HINT: Final = 'Write it as a time to wait ("15m", "1h30m") or a time of day ("18:00").'


def parse_moment(text: str, now: datetime, zone: tzinfo | None = None) -> datetime | None:
    """Read "15m", "in 1h30m" or "18:00" (today or, when that is past, tomorrow); None when it is none of them.

    A bare number is none: it could mean minutes as well as seconds.

    Args:
        now: the time, aware; the result has its zone.
        zone: where the time of day is meant; None: where this machine is.
    """
    text = text.strip()
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        here = now.astimezone(zone).replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
        while here <= now:
            # Without its zone, so that the same time of day is meant where daylight saving begins or ends.
            naive = here.replace(tzinfo=None) + timedelta(days=1)
            here = naive.astimezone() if zone is None else naive.replace(tzinfo=zone)
        return here.astimezone(now.tzinfo)
    after = _AFTER.fullmatch(text)
    seconds = parse_duration(after[1]) if after is not None and not after[1].strip().isdigit() else None
    return now + timedelta(seconds=seconds) if seconds else None
