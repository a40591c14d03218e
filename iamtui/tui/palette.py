"""ActionPalette: a command palette whose Enter runs what was typed, however fast it was."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import ClassVar, Final, NamedTuple

from textual import on
from textual.binding import Binding, BindingType
from textual.command import Command, CommandList, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.dom import DOMNode
from textual.fuzzy import Matcher
from textual.types import IgnoreReturnCallbackType
from textual.widgets import Input
from textual.worker import WorkerError

from iamtui.tui.content import plain
from iamtui.tui.textual_internals import WatchedPalette


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
