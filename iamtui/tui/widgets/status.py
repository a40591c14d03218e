"""The status line: whose account this is, as whom one looks, where the data came from, and the active session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from rich.cells import cell_len
from textual import events
from textual.app import App
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static

from iamtui.account.model import Account, Missing
from iamtui.credentials.session import Session
from iamtui.text import safe_text
from iamtui.tui import clock
from iamtui.tui.content import Severity, line, plain
from iamtui.tui.sessions.text import PRODUCTION, SHORTEST_BAR, chip
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace

_GAP: Final = "  "

WORDS_WIDTH: Final = 110
"""Least width of a countdown in words."""

BAR_WIDTH: Final = 140
"""From this many columns on, a countdown has a bar beside its time; what says more has room first."""

_LONGEST: Final = 40
"""Characters of the name of a draft or of who one acts as."""

_AIR: Final = 4
"""Cells that stay free beside parts that may go."""

_NEEDED: Final = 94
"""The rank from which on a part is always in sight: rather than that it goes, others are shortened."""

_READ_ONLY: Final = 98
"""The rank of the badge that stays with the account's name, until there is room for nothing but the account's id."""

_TIGHT, _BY_NAME, _TIGHTEST = 3, 4, 5
"""From where on names of roles and drafts are short, an account with a name has no id, and one has its id alone."""

SHORT_NAME: Final = 12
"""Cells for a role's name in a narrow line with two countdowns."""


class StatusLine(Widget):
    """One line. When it gets narrow, the least important parts go first; the account never does."""

    _workspace: Workspace | None = None
    _session: Session | None = None
    _production = False
    _draft = _picking = ""
    _clipboard: timedelta | None = None

    def on_mount(self) -> None:
        """Keep ages and the countdown true."""
        self.set_interval(1.0, self._tick)

    def set_workspace(self, workspace: Workspace | None) -> None:
        self._workspace = workspace
        self.set_class(workspace is not None and bool(workspace.source.endpoint_url), "-not-aws")
        self.refresh()

    def set_session(self, session: Session | None, *, production: bool = False) -> None:
        self._session = session
        self._production = production
        self.refresh()

    def set_draft(self, words: str) -> None:
        self._draft = words
        self.refresh()

    def set_picking(self, name: str) -> None:
        """Show that a session is picked for another program, in the format of this name; "": none is."""
        self._picking = name
        self.refresh()

    def set_clipboard(self, left: timedelta | None) -> None:
        if left != self._clipboard:
            self._clipboard = left
            self.refresh()

    def _tick(self) -> None:
        if self._session is not None or self._workspace is not None:
            self.refresh()

    def render(self) -> Content:
        width = self.content_size.width
        for tightness in range(_TIGHTEST + 1):
            left, right = self._parts(tightness)
            needed = _width([part for part in (*left, *right) if part[0] >= _NEEDED])
            if needed <= width:
                # A draft is named in full where there is room.
                left, right = self._parts(tightness, width - needed)
                break
        while len(left) + len(right) > 2:
            rank, part = min([*left, *right], key=lambda pair: pair[0])
            if _width([*left, *right]) + (0 if rank >= _NEEDED else _AIR) <= width:
                break
            (left if (rank, part) in left else right).remove((rank, part))
        start = Content(_GAP).join([part for _, part in left])
        end = Content(_GAP).join([part for _, part in right])
        gap = max(1, width - start.cell_length - end.cell_length)
        return Content.assemble(start, " " * gap, end)

    def _parts(self, tightness: int, spare: int = 0) -> tuple[list[tuple[int, Content]], list[tuple[int, Content]]]:
        """Parts for the left and the right side with their rank: the lowest goes first.

        Args:
            tightness: how much of the endpoint (1, 2), of role, draft and session (3), and of account (4, 5), is left
                out.
            spare: cells left for the draft's name.
        """
        name = plain("iamtui", "bold $accent")
        left = [(97, _chip(f"PICK {self._picking}", "bold $accent")) if self._picking else (30, name)]
        if self._workspace is None:
            left.append((90, plain("no account open", "$muted")))
            return left, [(100, _chip("READ-ONLY", "$muted"))]
        account, source = self._workspace.account, self._workspace.source
        left += self._account_parts(account, source, tightness, spare)
        right = self._countdowns(tightness)
        taken = source.taken_at or account.taken_at
        if self._workspace.age:
            # An old answer must not be taken for one of now.
            right.append((_NEEDED, _chip(self._workspace.age, "bold $session-warning")))
        elif taken is not None and source.kind is not SourceKind.DEMO:
            right.append((50, plain(f"read {clock.ago(taken)}", "$faint")))
        # What is read here must not be taken for one's own account.
        right.append((_NEEDED if source.kind is SourceKind.DEMO else 60, _source_part(source.kind, source.label)))
        right.append((_READ_ONLY if tightness < _TIGHTEST else _NEEDED - 1, _chip("READ-ONLY", "$muted")))
        return left, right

    def _account_parts(
        self, account: Account, source: SourceInfo, tightness: int, spare: int
    ) -> Iterator[tuple[int, Content]]:
        longest = 16 if tightness >= _TIGHT else _LONGEST
        if source.endpoint_url:
            yield 98, line((f" {_not_aws(source.endpoint_url, tightness)} ", "bold $banner-text on $banner"))
        alias = account.alias.value_or(None)
        if tightness == _TIGHTEST or (tightness == _BY_NAME and not alias):
            yield 99, line((account.id, "bold $foreground"))
        elif tightness == _BY_NAME:
            # No two accounts of AWS have the same.
            yield 99, line((alias, "bold $foreground"))
        else:
            yield 99, line((alias or "account", "bold $foreground"), " ", (account.id, "$muted"))
        if source.acting_as:
            yield 96, _chip(f"AS {safe_text(source.acting_as, limit=longest)}", "bold $accent")
        if self._draft:
            yield 97, _chip(safe_text(self._draft, limit=min(_LONGEST, longest + spare)), "bold $verdict-depends")
        if not isinstance(account.caller_arn, Missing):
            yield 20, line(("as ", "$faint"), (account.caller_arn.value.split(":", 5)[-1], "$muted"))
        if source.region:
            yield 40, plain(source.region, "$muted")

    def _countdowns(self, tightness: int) -> list[tuple[int, Content]]:
        parts = []
        narrow = self.content_size.width < WORDS_WIDTH
        if self._clipboard is not None:
            seconds = -(-self._clipboard // timedelta(seconds=1))
            words = "clip" if narrow else "clipboard clears in"
            parts.append((96, _chip(f"{words} {seconds} s", "bold $session-warning")))
        if self._session is not None:
            # Both must fit beside the account.
            mark_width = cell_len(PRODUCTION[0]) if self._production else 0
            short = narrow and (self._clipboard is not None or tightness >= _TIGHT)
            name_width = SHORT_NAME - mark_width if short else None
            bar = SHORTEST_BAR if self.content_size.width >= BAR_WIDTH else 0
            shown = chip(
                self._session, clock.now(), name_width=name_width, production=self._production, bar_width=bar
            )  # fmt: skip
            parts.append((95, shown))
        return parts


def _not_aws(url: str, tightness: int) -> str:
    where = (f" {url}", f" {url.partition('://')[2] or url}", "", "", "", "")[tightness]
    return f"NOT AWS{where}"


def _source_part(kind: SourceKind, label: str) -> Content:
    if kind is SourceKind.DEMO:
        return _chip("DEMO", "bold $accent")
    return line((f"{kind.value} ", "$faint"), (label, "$muted"))


def _chip(text: str, style: str) -> Content:
    return plain(f" {text} ", f"{style} on $chip")


def _width(parts: list[tuple[int, Content]]) -> int:
    """Cells of parts with a gap between each two, also between those at the left and those at the right edge."""
    return sum(part.cell_length for _, part in parts) + len(_GAP) * (len(parts) - 1)


# KeyLine: the keys that matter where the focus is, as many as fit on one line.


LAST: Final = ("back_or_quit", "help")
"""The actions that always have room, at the right end: the way out, and the rest of the keys."""

_WAY_OUT: Final = "escape"
"""The key that leaves a field, where it always has room, too: what else leaves a screen is a letter there."""


def idle_actions(screen: Screen[Any]) -> frozenset[str]:
    """The actions whose keys would do nothing now, where a screen says so with a method of this name."""
    idle: frozenset[str] = getattr(screen, "idle_actions", frozenset)()
    return idle


class _Hint(NamedTuple):
    key: str
    words: str
    binding: Binding

    @property
    def width(self) -> int:
        return cell_len(self.key) + cell_len(self.words) + 3


class KeyLine(Widget):
    """One line in place of a footer. The focused pane's keys come first; what does not fit is left to the help."""

    DEFAULT_CSS = """
    KeyLine {
        height: 1;
        dock: bottom;
        background: $footer-background;
    }
    """

    _shown: Sequence[_Hint] | None = None
    """The hints that are drawn; None: they were not looked for yet."""
    _looks_again = False

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_updated)

    def on_resize(self) -> None:
        self._look()

    def _bindings_updated(self, _screen: Screen[object]) -> None:
        self.look_again()

    def look_again(self) -> None:
        """Draw the keys that matter now, where they are others than those that were drawn.

        They are looked for once what made them matter is on screen: that need not wait for them.
        """
        if not self._looks_again:
            self._looks_again = True
            self.call_after_refresh(self._look)

    def _look(self) -> None:
        self._looks_again = False
        if not self.is_attached:
            # Its screen was left meanwhile.
            return
        hints = self._hints()
        if self._shown is None or _words(hints) != _words(self._shown):
            self.refresh()
        self._shown = hints

    def render(self) -> Content:
        if self._shown is None:
            self._shown = self._hints()
        parts = [
            line(
                (f" {hint.key} ", "bold $footer-key-foreground"),
                plain(f"{hint.words} ", "$footer-description-foreground"),
            )
            for hint in self._shown
        ]
        return Content("").join(parts)

    def on_click(self, event: events.Click) -> None:
        at = 0
        for hint in self._shown or ():
            if at <= event.x < at + hint.width:
                self.app.simulate_key(hint.binding.key)
                return
            at += hint.width

    def _hints(self) -> list[_Hint]:
        typing, idle = isinstance(self.screen.focused, Input), idle_actions(self.screen)
        own: list[_Hint] = []
        common: list[_Hint] = []
        last: list[_Hint] = []
        for (action, _), keys in self._live(idle, typing).items():
            hint = self._hint([binding for binding, _is_own in keys], typing)
            if hint is not None:
                is_last = action in LAST or (typing and hint.binding.key == _WAY_OUT)
                is_own = any(is_own for _binding, is_own in keys)
                (last if is_last else own if is_own else common).append(hint)
        room = self.size.width - sum(hint.width for hint in last)
        shown: list[_Hint] = []
        for hint in (*own, *common):
            if hint.width <= room:
                shown.append(hint)
                room -= hint.width
        return [*shown, *last]

    def _live(self, idle: frozenset[str], typing: bool) -> dict[tuple[str, str], list[tuple[Binding, bool]]]:
        """The bindings to show, and whether they are the focused pane's own, by action and description.

        In a field, where a letter is typed, also those that another key of the same action stands for elsewhere.
        """
        found: dict[tuple[str, str], list[tuple[Binding, bool]]] = {}
        others = self._other_words()
        for node, binding, enabled, _tooltip in self.screen.active_bindings.values():
            shown = (
                binding.show
                or binding.action in others
                or (typing and (binding.key == _WAY_OUT or binding.action in LAST))
            )
            if shown and enabled and binding.description and binding.action not in idle:
                is_own = not isinstance(node, Screen | App)
                found.setdefault((binding.action, binding.description), []).append((binding, is_own))
        return found

    def _hint(self, bindings: list[Binding], typing: bool) -> _Hint | None:
        """The shortest key of an action; in a field only one that does not print."""
        keys = [(self.app.get_key_display(binding), binding) for binding in bindings]
        if typing:
            keys = [(key, binding) for key, binding in keys if binding.key == "enter" or len(key) > 1]
        if not keys:
            return None
        key, binding = min(keys, key=lambda pair: len(pair[0]))
        words = self._other_words().get(binding.action, binding.description)
        return _Hint(key, words, binding) if words else None

    def _other_words(self) -> Mapping[str, str]:
        """Descriptions of keys that differ from their bindings' now, or are shown nowhere else; by action.

        "" where the line need not name it.
        """
        words: Mapping[str, str] = getattr(self.screen, "other_words", dict)()
        return words


def _words(hints: Sequence[_Hint]) -> list[tuple[str, str]]:
    return [(hint.key, hint.words) for hint in hints]


def _keys_now(widget: Widget, *ids: str) -> dict[str, tuple[str, str]]:
    """The shortest key of bindings and what it does, by their ids; in a field, where a letter is typed, another one."""
    typing = isinstance(widget.screen.focused, Input)
    keys: dict[str, tuple[str, str]] = {}
    for _node, binding, _enabled, _tooltip in widget.screen.active_bindings.values():
        key = widget.app.get_key_display(binding)
        fits = not typing or binding.key == "enter" or len(key) > 1
        if binding.id in ids and fits and len(key) < len(keys.get(binding.id, (key + " ", ""))[0]):
            keys[binding.id] = key, binding.description
    return keys


def key_of(widget: Widget, binding_id: str) -> str:
    """The key that a binding has where the focus is; "" where it has none."""
    return _keys_now(widget, binding_id).get(binding_id, ("", ""))[0]


def key_hints(widget: Widget, *ids: str) -> Content:
    """The keys that bindings have now, by their ids, for the foot of a frame: `w Why  W Who can`."""
    keys = _keys_now(widget, *ids)
    hints = (
        line((keys[one][0], "$footer-key-foreground"), (f" {keys[one][1]}", "$muted")) for one in ids if one in keys
    )
    return Content("  ").join(hints)


# Notice: what a widget or dialog wants said on the one message line.


@dataclass(eq=False, repr=False)
class Notice(Message):
    """One sentence for the message line; `until_next` keeps it there until the user goes somewhere else, and
    with `until_answer` it goes when a question has been answered."""

    content: Content
    severity: Severity = Severity.INFORMATION
    until_next: bool = False
    until_answer: bool = False


# The one place where the screen says something: a line above the footer.


_MARKS = {Severity.INFORMATION: "", Severity.WARNING: "! ", Severity.ERROR: "x "}
_STYLES = {Severity.INFORMATION: "$foreground", Severity.WARNING: "$verdict-depends", Severity.ERROR: "$verdict-denied"}

LINE_SECONDS: Final = 8
"""How long a message stays for each line that it takes."""

ERROR_SECONDS: Final = 60
"""How long one about an error stays, which may come while nobody looks."""

_LOOK_SECONDS: Final = 0.5
"""How often a message is looked at that goes by itself."""

MOST_LINES: Final = 5
"""How many lines a message may take; the style sheets say the same."""


def fitted(words: Content, width: int) -> Content:
    """A message in MOST_LINES lines or fewer: a longer one loses its middle, as its end is what to do."""
    if width <= 0 or len(words.wrap(width)) <= MOST_LINES:
        return words
    tail = words[-width * (MOST_LINES - 2) :]
    for head in range(width * 2, 0, -1):
        shorter = Content.assemble(words[:head].rstrip(), " … ", tail[tail.plain.find(" ") + 1 :])
        if len(shorter.wrap(width)) <= MOST_LINES:
            return shorter
    return tail


class MessageLine(Static):
    """Shows the last message until what it is about goes, or its time is over; progress stays until it is replaced."""

    DEFAULT_CSS = """
    MessageLine {
        height: auto;
        min-height: 1;
        max-height: 5;
        padding: 0 1;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, markup=False)
        self._words: Content = Content("")
        self._drawn = self._words
        self._goes_at: datetime | None = None
        self._waits = False
        self._is_of_place = False
        self._until_answer = False

    def on_mount(self) -> None:
        self._looks = self.set_interval(_LOOK_SECONDS, self.look_at_clock, pause=True)

    @property
    def words(self) -> str:
        return self._words.plain

    @property
    def waits(self) -> bool:
        return self._waits

    def say(
        self,
        text: Content | str,
        severity: Severity = Severity.INFORMATION,
        *,
        stays: bool = False,
        until_next: bool = False,
        until_answer: bool = False,
        of_place: bool = False,
    ) -> None:
        """Show a message in place of the one before.

        Args:
            text: Content from the helpers of `tui.content`, or raw text, which is made safe here.
            severity: also told by a mark in front, not by colour alone.
            stays: keep it until the next message.
            until_next: keep it until the user goes somewhere else, or the next message.
            until_answer: it is not true any more once a question has been answered.
            of_place: a warning about where the user is, which goes with that, as news does.
        """
        words = text if isinstance(text, Content) else plain(text)
        before = self._words
        self._words = line((_MARKS[severity], f"bold {_STYLES[severity]}"), words.stylize_before(_STYLES[severity]))
        if self._words != before:
            self._show()
        self._waits = until_next
        self._until_answer = until_answer
        self._is_of_place = not stays and (severity is Severity.INFORMATION or of_place)
        self._goes_at = None
        if not stays and not until_next:
            lines = len(self._drawn.wrap(self.content_size.width or WORDS_WIDTH))
            seconds = ERROR_SECONDS if severity is Severity.ERROR else LINE_SECONDS * lines
            self._goes_at = clock.now() + timedelta(seconds=seconds)
            self._looks.resume()

    def look_at_clock(self) -> None:
        if self._goes_at is None:
            self._looks.pause()
        elif clock.now() >= self._goes_at:
            self.clear()

    def moved(self) -> None:
        if self._waits or self._is_of_place:
            self.clear()

    def focus_moved(self) -> None:
        """Clear the message of a pane or field that has lost the focus."""
        if self._is_of_place and not self._waits:
            self.clear()

    def answered(self) -> None:
        """A question has been answered: what was true only before that goes."""
        if self._until_answer:
            self.clear()

    def clear(self) -> None:
        self._until_answer = self._waits = self._is_of_place = False
        self._goes_at = None
        self._words = Content("")
        self._show()

    def _show(self) -> None:
        """Draw the words; the screen is laid out again only for words that take, or took, more than a line."""
        width = self.content_size.width
        fitting = fitted(self._words, width)
        long = any(words.cell_length > width for words in (self._drawn, fitting))
        self._drawn = fitting
        self.update(fitting, layout=long)

    def on_resize(self) -> None:
        if fitted(self._words, self.content_size.width) != self._drawn:
            self._show()


class TitleLine(Static):
    """First line of a screen over the main one, with its subject."""

    DEFAULT_CSS = """
    TitleLine {
        height: 1;
        width: 100%;
        padding: 0 1;
        background: $panel;
    }
    """
