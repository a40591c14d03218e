"""The help, which reads every key that works from the live bindings, and the tour of five keys."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from textual import events
from textual.app import App
from textual.binding import ActiveBinding, Binding, BindingsMap, BindingType
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Input, Static

from iamtui.account.model import Account
from iamtui.engine.decision import Outcome
from iamtui.presentation.verdict import OUTCOME_WORDS
from iamtui.text import safe_text
from iamtui.tui.content import TONES, line, plain
from iamtui.tui.dialogs.text_screens import TextScreen
from iamtui.tui.explorer.listings import ADMINISTRATOR, CERTAIN, POSSIBLE
from iamtui.tui.main.inventory import Branch, Node
from iamtui.tui.main.marks import MARKED
from iamtui.tui.widgets.status import MessageLine
from iamtui.workspace.source.explained import EntityExplanation, explained, explained_kind

if TYPE_CHECKING:
    from iamtui.tui.main.paned import PanedScreen

_KEY_WIDTH: Final = 18
_EXPLAINED: Final = 74
"""How wide explanations are set: they fit 80 columns."""
_CAPITAL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def _legend(outcome: Outcome, meaning: str) -> tuple[str, str, str, str]:
    words = OUTCOME_WORDS[outcome]
    return words.mark, TONES[words.tone], f"{words.word} {words.rest}".rstrip(), meaning


LEGEND: Final = (
    _legend(Outcome.ALLOWED, "on all that was asked about"),
    _legend(Outcome.EXPLICIT_DENY, "a Deny statement matches"),
    _legend(Outcome.IMPLICIT_DENY, "no statement allows it"),
    _legend(Outcome.DEPENDS, "on a condition or a document that is not known"),
    (" * ", "$foreground", "behind a verdict", "only on some resources, or as far as loaded: the panel says which"),
    (" · ", "$muted", "no allow", "a layer that says nothing, and need not; or one that does not apply"),
)
"""Legend of the marks: mark, style, words, meaning."""

_BESIDE: Final = (
    (CERTAIN, "can become administrator by a known path; U shows the steps"),
    (POSSIBLE, "could on a condition, or if something is there that is not known"),
    (ADMINISTRATOR, "is administrator"),
    (MARKED, "marked with m; = compares it with the one under the cursor"),
)
_UNMARKED: Final = (
    "Without a mark no known path was found. Where the tree's title says ▲ ? nothing is known: it is being looked for, "
    "or waits for U in an account of more than 2,000 users and roles."
)


@dataclass(frozen=True, slots=True)
class KeyHelp:
    """One action and the keys that do it."""

    keys: str
    words: str


@dataclass(frozen=True, slots=True)
class HelpSection:
    """The keys of one pane; `here` when they work where the focus is."""

    title: str
    keys: tuple[KeyHelp, ...]
    here: bool


class HelpScreen(TextScreen):
    """The help for a screen, as it is when this is made."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "back", "Back", show=False, id="help.back", tooltip="Close the help"),
        Binding("T", "tour", "Tour", id="help.tour", tooltip="Take the tour of five keys"),
    ]

    def __init__(
        self,
        screen: Screen[object],
        keymap: Mapping[str, str] | None = None,
        about: tuple[Account, Node] | None = None,
    ) -> None:
        self._sections = help_sections(screen, keymap or {})
        self._about = [*_about_screen(screen), *_about_node(about)]
        title = line(("Help", "bold $heading"), ("   / finds, Escape goes back", "$muted"))
        self._width = screen.app.size.width
        super().__init__(title, self._all_rows(self._width))

    async def action_tour(self) -> None:
        self.dismiss(None)
        await self.app.run_action("app.tour")

    def _all_rows(self, width: int) -> list[Content]:
        return [*self._about, *rows(self._sections, width)]

    def on_resize(self, event: events.Resize) -> None:
        if event.size.width != self._width:
            self._width = event.size.width
            self.view.show(self._all_rows(self._width))


def _about_screen(screen: Screen[object]) -> Iterator[Content]:
    """Purpose of a screen or dialog, from its class (HELP_ABOUT)."""
    about = getattr(screen, "HELP_ABOUT", "")
    if about:
        yield plain(_title(screen), "bold $heading")
        yield from (plain(f"  {row}") for row in wrap(about, _EXPLAINED))
        yield plain("")


def _about_node(about: tuple[Account, Node] | None) -> Iterator[Content]:
    if about is not None:
        account, node = about
        found = explained_kind(account, node.kind) if isinstance(node, Branch) else explained(account, node)
        if found is not None:
            yield from explanation_rows(found)


def explanation_rows(found: EntityExplanation) -> Iterator[Content]:
    """Explanation of the entity under the cursor, and its meaning in this account."""
    yield plain(found.title, "bold $heading")
    yield from (plain(f"  {row}") for sentence in found.general for row in wrap(safe_text(sentence), _EXPLAINED))
    yield plain("In this account", "bold $heading")
    yield from (plain(f"  {row}") for sentence in found.here for row in wrap(safe_text(sentence), _EXPLAINED))
    yield plain("")


def help_sections(screen: Screen[object], keymap: Mapping[str, str]) -> list[HelpSection]:
    """The keys of every pane of a screen: the focus and what is around it first, then the other panes.

    Where the focus is, only those that work now: a pane may have taken a key of what is around it, or have no use for
    one of its own.

    Args:
        screen: the screen to describe.
        keymap: binding id to keys, for keys the user changed.
    """
    focus_chain = list(screen.focused.ancestors_with_self) if screen.focused is not None else [screen]
    nodes = [*focus_chain, screen, screen.app, *screen.walk_children()]
    sections: list[HelpSection] = []
    seen: set[type] = set()
    live = screen.active_bindings
    for node in nodes:
        if type(node) in seen or not _is_ours(node):
            continue
        seen.add(type(node))
        here = node in focus_chain or node is screen.app
        keys = tuple(_keys(screen.app, node, keymap, live if here else None))
        if keys and keys not in (section.keys for section in sections):
            sections.append(HelpSection(_title(node), keys, here))
    return sorted(sections, key=lambda section: not section.here)


def _is_ours(node: DOMNode) -> bool:
    return type(node).__module__.startswith("iamtui.")


def _title(node: DOMNode) -> str:
    """Title of the class (HELP_TITLE), else its name in words ("Question panel"); the app is everywhere."""
    if isinstance(node, App):
        return "Everywhere"
    own = getattr(node, "HELP_TITLE", None)
    if isinstance(own, str):
        return own
    return _CAPITAL.sub(" ", type(node).__name__).capitalize()


def _keys(
    app: App[object], node: DOMNode, keymap: Mapping[str, str], live: Mapping[str, ActiveBinding] | None
) -> Iterator[KeyHelp]:
    """The bindings that a class of ours declares, those of its own base classes included, one row for an action.

    Args:
        live: the keys that work now, to leave others out; None: list all.
    """
    actions: dict[tuple[str, str], list[str]] = {}
    for base in type(node).__mro__:
        if not base.__module__.startswith("iamtui."):
            continue
        bindings = BindingsMap(base.__dict__.get("BINDINGS", ()))
        bindings.apply_keymap(dict(keymap))
        for _key, binding in bindings:
            words = binding.tooltip or binding.description
            active = live.get(binding.key) if live is not None else None
            works = active is not None and active.node is node and active.binding.action == binding.action
            if live is not None and not works:
                continue
            if words and not binding.system:
                keys = actions.setdefault((binding.action, words), [])
                shown = app.get_key_display(binding)
                if shown not in keys:
                    keys.append(shown)
    for (_action, words), keys in actions.items():
        yield KeyHelp(" ".join(keys), words)


_TWO_COLUMNS: Final = 120
"""Columns from which on sections are side by side."""

_BETWEEN: Final = 4
_MARK_WIDTH: Final = _KEY_WIDTH + 2


def rows(sections: Sequence[HelpSection], width: int) -> list[Content]:
    """The sections and the legend in a window of this width; words align with words, never with keys."""
    two = width >= _TWO_COLUMNS
    room = (width - 3 - _BETWEEN) // 2 if two else max(40, width - 3)
    blocks = [_section(section, room) for section in sections]
    blocks += [_legend_rows(room), _beside(room)]
    shown = [
        plain("Browse the account, ask what a principal may do, assume a role. Nothing is ever written to AWS."),
        plain(""),
    ]
    if not two:
        return [*shown, *(row for block in blocks for row in block)]
    half, left = sum(map(len, blocks)) / 2, 0
    at = 0
    while at < len(blocks) and (left + len(blocks[at]) / 2 <= half or not at):
        left += len(blocks[at])
        at += 1
    sides = ([row for block in part for row in block] for part in (blocks[:at], blocks[at:]))
    pairs = zip_longest(*sides, fillvalue=plain(""))
    return [*shown, *(line(one, " " * (room - one.cell_length + _BETWEEN), other) for one, other in pairs)]


def _described(name: Content, words: str, width: int, room: int, style: str = "") -> Iterator[Content]:
    """A name and the words behind it, whose further lines begin where the first does."""
    first, *more = wrap(words, max(20, room - 2 - width - 1)) or [""]
    padding = " " * max(0, width - name.cell_length)
    yield line("  ", name, padding, " ", (first, style))
    yield from (line(" " * (2 + width + 1), (rest, style)) for rest in more)


def _section(section: HelpSection, room: int) -> list[Content]:
    where = "" if section.here else "  (when the focus is there)"
    shown = [line((section.title, "bold $heading"), (where, "$muted"))]
    for key in section.keys:
        shown += _described(plain(key.keys, "bold $match"), key.words, _KEY_WIDTH, room)
    return [*shown, plain("")]


def _legend_rows(room: int) -> list[Content]:
    shown = [plain("Verdicts", "bold $heading")]
    for mark, style, words, meaning in LEGEND:
        shown += _described(plain(f"{mark} {words}", f"bold {style}"), meaning, _MARK_WIDTH, room, "$muted")
    return [*shown, plain("")]


def _beside(room: int) -> list[Content]:
    shown = [plain("Beside users and roles", "bold $heading")]
    for sign, meaning in _BESIDE:
        shown += _described(plain(sign.text.strip(), "bold"), meaning, 3, room, "$muted")
    return [*shown, *(plain(f"  {row}", "$muted") for row in wrap(_UNMARKED, min(_EXPLAINED, room - 2)))]


class TourStep(NamedTuple):
    """A key of the tour: the id of its binding, and what it is for."""

    binding: str
    words: str


STEPS: Final = (
    TourStep("go.filter", "filters by name or ARN; Enter goes to the hits."),
    TourStep("question.ask", "asks what a user or role may do: type an action."),
    TourStep("question.why", "shows why: every policy that took part."),
    TourStep("session.assume", "assumes a role; c then copies its credentials."),
    TourStep("app.help", "shows every key; T there takes this tour again."),
)


class Tour(Static):
    """The line; it goes when its last key was pressed, or with an Escape that has nothing else to leave."""

    DEFAULT_CSS = """
    Tour {
        height: auto;
        padding: 0 1;
        background: $chip;
    }
    """

    def __init__(self, main: PanedScreen) -> None:
        super().__init__(id="tour", markup=False)
        self._main = main
        self._at = 0

    def on_mount(self) -> None:
        self.watch(self._main, "focused", self._show, init=False)
        self.watch(self._main.explorer.filter_input, "value", self._show, init=False)
        self.begin()

    def begin(self) -> None:
        self._at = 0
        self._show()

    def saw(self, event: events.Key) -> None:
        """A key was pressed: the tour goes on where it is the one that is meant. What is typed into a field is text."""
        if self.app.screen is not self._main:
            return
        if any(binding.key == event.key for binding in self._bindings_here()):
            self._at += 1
            self.remove() if self._at == len(STEPS) else self._show()

    @property
    def _is_typing(self) -> bool:
        return isinstance(self._main.focused, Input)

    def _bindings_here(self) -> list[Binding]:
        """Those of the step, as the user's keymap has them; in a field, what does not print."""
        name, live = STEPS[self._at].binding, self._main.active_bindings.values()
        found = [active.binding for active in live if active.binding.id == name]
        return [one for one in found if not self._is_typing or len(self.app.get_key_display(one)) > 1]

    def _show(self) -> None:
        self.update(self._words())

    def _words(self) -> Content:
        shown = min(map(self.app.get_key_display, self._bindings_here()), key=len, default="")
        shown, does = (shown, STEPS[self._at].words) if shown else ("esc", "leaves the field.")
        explorer = self._main.explorer
        ends = self._main.focused is explorer.tree_view and not explorer.filter_input.value
        way_out = " (esc ends it)" if ends else ""
        return line((f"Tour {self._at + 1} of {len(STEPS)}{way_out}  ", "$muted"), (shown, "bold $match"), f" {does}")


def start_tour(main: PanedScreen) -> None:
    there = [*main.query(Tour)]
    if there:
        there[0].begin()
    else:
        main.mount(Tour(main), before=main.query_one(MessageLine))


def end_tour(main: PanedScreen) -> bool:
    there = [*main.query(Tour)]
    for tour in there:
        tour.remove()
    return bool(there)
