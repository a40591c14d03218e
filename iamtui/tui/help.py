"""The help, which reads every key that works from the live bindings, and the palette that searches all commands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from textwrap import wrap
from typing import ClassVar, Final, NamedTuple

from textual import events, on
from textual.app import App, ComposeResult
from textual.binding import ActiveBinding, Binding, BindingsMap, BindingType
from textual.command import Command, CommandList, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.dom import DOMNode
from textual.fuzzy import Matcher
from textual.geometry import Offset
from textual.screen import ModalScreen, Screen
from textual.types import IgnoreReturnCallbackType
from textual.widgets import Input, Static
from textual.worker import WorkerError

from iamtui.account.model import Account
from iamtui.engine.decision import Outcome
from iamtui.presentation.verdict import OUTCOME_WORDS
from iamtui.text import safe_text
from iamtui.tui.content import TONES, line, plain
from iamtui.tui.explorer.explorer import ADMINISTRATOR, CERTAIN, MARKED, POSSIBLE
from iamtui.tui.inventory import Branch, Node
from iamtui.tui.text_screens import TextScreen
from iamtui.tui.textual_internals import WatchedPalette
from iamtui.workspace.explained import EntityExplanation, explained, explained_kind

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
"""What the marks mean: mark, style, words, meaning."""

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
    ]

    def __init__(
        self,
        screen: Screen[object],
        keymap: Mapping[str, str] | None = None,
        about: tuple[Account, Node] | None = None,
    ) -> None:
        sections = help_sections(screen, keymap or {})
        super().__init__(
            line(("Help", "bold $heading"), ("   / searches, Escape goes back", "$muted")),
            [*_about_screen(screen), *_about_node(about), *rows(sections)],
        )


def _about_screen(screen: Screen[object]) -> Iterator[Content]:
    """What a screen or dialog is for, as its class says it (HELP_ABOUT)."""
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
    """What the thing under the cursor is, and means in this account."""
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
    """What the class calls itself (HELP_TITLE), else its name in words ("Question panel"); the app is everywhere."""
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
            if live is not None and not _works(live.get(binding.key), node, binding):
                continue
            if words and not binding.system:
                keys = actions.setdefault((binding.action, words), [])
                shown = _display(app, binding)
                if shown not in keys:
                    keys.append(shown)
    for (_action, words), keys in actions.items():
        yield KeyHelp(" ".join(keys), words)


def _works(active: ActiveBinding | None, node: DOMNode, binding: Binding) -> bool:
    return active is not None and active.node is node and active.binding.action == binding.action


def _display(app: App[object], binding: Binding) -> str:
    return app.get_key_display(binding)


def rows(sections: Sequence[HelpSection]) -> list[Content]:
    shown: list[Content] = [
        plain("Browse the account in the tree, ask what a principal may do, assume a role. Nothing is ever written."),
        plain(""),
    ]
    for section in sections:
        where = "" if section.here else "  (when the focus is there)"
        shown.append(line((section.title, "bold $heading"), (where, "$muted")))
        shown += [line("  ", (key.keys.ljust(_KEY_WIDTH), "bold $match"), " ", key.words) for key in section.keys]
        shown.append(plain(""))
    shown.append(plain("Verdicts", "bold $heading"))
    for mark, style, words, meaning in LEGEND:
        shown.append(line("  ", (f"{mark} {words}".ljust(_KEY_WIDTH + 2), f"bold {style}"), (meaning, "$muted")))
    shown += (plain(""), plain("Beside users and roles", "bold $heading"))
    shown += [line("  ", (sign.text.strip().ljust(4), "bold"), (meaning, "$muted")) for sign, meaning in _BESIDE]
    shown += [plain(f"  {row}", "$muted") for row in wrap(_UNMARKED, _EXPLAINED)]
    return shown


# Jump mode: a letter on every pane, and the letter moves the focus there.


class JumpScreen(ModalScreen[str | None]):
    """Gives the letter that was pressed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Cancel", id="jump.cancel", tooltip="Stay where you are"),
    ]

    DEFAULT_CSS = """
    JumpScreen {
        background: $background 40%;
        & .jump-label {
            position: absolute;
            width: auto;
            height: 1;
            padding: 0 1;
            background: $accent;
            color: $background;
            text-style: bold;
        }
    }
    """

    def __init__(self, places: Mapping[str, Offset]) -> None:
        super().__init__()
        self._places = places

    def compose(self) -> ComposeResult:
        for letter, offset in self._places.items():
            label = Static(plain(letter), classes="jump-label")
            label.absolute_offset = offset
            yield label

    def on_key(self, event: events.Key) -> None:
        if event.key in self._places:
            event.stop()
            self.dismiss(event.key)


class ActionPalette(WatchedPalette):
    """Textual's palette fills its list a moment after each character; until then the list is about another text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "next", "Next command", show=False, id="palette.next", tooltip="Next command"),
    ]

    async def _searched(self) -> None:
        for worker in self.searches():
            with suppress(WorkerError):
                await worker.wait()

    @on(Input.Submitted)
    async def _run_what_was_typed(self, event: Input.Submitted) -> None:
        event.stop()
        event.prevent_default()
        await self._searched()
        commands = self.query_one(CommandList)
        if commands.highlighted is not None:
            option = commands.get_option_at_index(commands.highlighted)
            if isinstance(option, Command):
                # As the base class does, but once the palette is gone: a dialog that the command opens is drawn then.
                self.stop_searching()
                self.dismiss()
                self.app.call_after_refresh(option.hit.command)

    async def action_next(self) -> None:
        await self._searched()
        self.cursor_down()

    def list_filled(self, commands: CommandList) -> None:
        if not self.query_one(Input).value.strip():
            # Nothing was chosen yet: Enter by mistake runs nothing.
            commands.highlighted = None


# The command palette's provider: every action that a key does right now, and nothing else.


_WEIGHTS: Final = (10_000, 5_000, 1_000)
"""More than letters alone can reach."""


class _Command(NamedTuple):
    title: str
    help: str
    action: str
    node: DOMNode
    key: str

    def score(self, matcher: Matcher) -> float:
        """How well it fits what was typed: its name from the front, then any word of it, then letters of it.

        What quits comes first of those that fit alike: "q" is to quit, not to go back, and no question.
        """
        query, name = matcher.query.lower(), self.title.lower()
        score = max(matcher.match(self.title), matcher.match(self.help) * 0.8)
        if not score:
            return 0
        front = name.startswith(query), f" {name}".find(f" {query}") >= 0, self.action == "quit" and "quit" in name
        return score + sum(weight for holds, weight in zip(front, _WEIGHTS, strict=True) if holds)


class ActionCommands(Provider):
    """The live bindings of the screen that the palette was opened from."""

    async def startup(self) -> None:
        """Read the bindings once for this palette."""
        self._commands = self._live()

    def _live(self) -> list[_Command]:
        found: dict[str, _Command] = {}
        # What would only say that there is nothing to do is no command now, as it is no key on the key line.
        idle: frozenset[str] = getattr(self.screen, "idle_actions", frozenset)()
        for key, active in self.screen.active_bindings.items():
            binding = active.binding
            if binding.system or not binding.description or not active.enabled or binding.action in idle:
                continue
            if not (binding.id or "").strip() or not type(active.node).__module__.startswith("iamtui."):
                continue
            title = f"{binding.description}  ({self.app.get_key_display(binding) or key})"
            found.setdefault(
                binding.id or key,
                _Command(title, _help(binding), binding.action, active.node, key),
            )
        return sorted(found.values(), key=lambda command: command.title.lower())

    async def search(self, query: str) -> Hits:
        """Commands whose title or help fits the query."""
        matcher = self.matcher(query)
        for command in self._commands:
            score = command.score(matcher)
            if score > 0:
                yield Hit(
                    score, self._marked(matcher, command.title), self._runner(command), command.title, command.help
                )

    async def discover(self) -> Hits:
        """All commands, before anything is typed."""
        for command in self._commands:
            yield DiscoveryHit(plain(command.title), self._runner(command), command.title, command.help)

    def _marked(self, matcher: Matcher, title: str) -> Content:
        """The title with the letters that matched; Matcher.highlight would read it as markup, and `[` is a key."""
        content = plain(title)
        score, offsets = matcher.fuzzy_search.match(matcher.query, title)
        for offset in offsets if score else ():
            if not title[offset].isspace():
                content = content.stylize(matcher.match_style, offset, offset + 1)
        return content

    def _runner(self, command: _Command) -> IgnoreReturnCallbackType:
        return partial(self.app.run_action, command.action, command.node)


def _help(binding: Binding) -> str:
    """The words of a binding for the palette, which reads them as markup: brackets become parentheses."""
    return (binding.tooltip or binding.description).replace("[", "(").replace("]", ")")
