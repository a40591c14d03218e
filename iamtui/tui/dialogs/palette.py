"""The command palette: every action that a key does now, and what can be gone to: entities, statements, questions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, TypeAlias

from textual import on
from textual.binding import Binding, BindingType
from textual.command import Command, CommandList, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.dom import DOMNode
from textual.fuzzy import Matcher
from textual.types import IgnoreReturnCallbackType
from textual.widgets import Input
from textual.worker import WorkerError

from iamtui.account.model import Account, Entity, Group, ManagedPolicy, Role, User
from iamtui.policy.document import DocumentError, PolicyDocument
from iamtui.policy.patterns import parse_arn
from iamtui.presentation.listing import StatementPlace
from iamtui.text import safe_text
from iamtui.tui.content import line, plain
from iamtui.tui.main.inventory import Branch, OtherAccount, key_of, kind_word, title_of
from iamtui.tui.main.main_screen import MainScreen
from iamtui.tui.main.place_menus import GO
from iamtui.tui.textual_internals import WatchedPalette
from iamtui.tui.widgets.status import idle_actions

if TYPE_CHECKING:
    from iamtui.tui.main.inventory import Hit as Found


class ActionPalette(WatchedPalette):
    """Textual's palette fills its list a moment after each character; until then the list is about another text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "next", "Next command", show=False, id="palette.next", tooltip="Next command"),
        Binding(
            "tab",
            "complete",
            "Complete",
            show=False,
            priority=True,
            id="palette.complete",
            tooltip="Complete what was typed to the command under the cursor, or the first one",
        ),
    ]

    DEFAULT_CSS = """
    ActionPalette {
        & > Vertical {
            margin-top: 2;
            width: 94%;
            max-width: 100;
        }
        & SearchIcon {
            display: none;
        }
        & #--input, & #--input.--list-visible {
            border: round $rule-focused;
            border-title-color: $heading;
            border-subtitle-color: $muted;
            background: $surface;
            padding: 0 1;
        }
        & CommandInput, & CommandInput:focus {
            height: 1;
            border: none;
        }
        & CommandList, & CommandList:focus {
            border: round $rule;
            padding: 0 1;
            background: $surface;
            text-wrap: nowrap;
            text-overflow: ellipsis;
            & > .option-list--option {
                text-style: none;
            }
        }
        & LoadingIndicator {
            border-bottom: none;
        }
    }
    """

    def on_mount(self) -> None:
        box = self.query_one("#--input")
        box.border_title = line("Commands, names, statements")
        box.border_subtitle = line("Enter go  Tab complete  Esc back")

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

    async def action_complete(self) -> None:
        await self._searched()
        commands, field = self.query_one(CommandList), self.query_one(Input)
        if commands.option_count:
            option = commands.get_option_at_index(commands.highlighted or 0)
            if isinstance(option, Command) and option.hit.text:
                field.value = option.hit.text.partition("  (")[0]
                field.cursor_position = len(field.value)

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

_ALSO_CALLED: Final = 7_000.0
"""Score of a synonym of a command: more than a name of the account that begins so."""

_ALSO: Final[Mapping[str, str]] = {
    "account.trust": "outside",
    "account.used": "access trail cloudtrail replay activity permissions effective",
    "account.escalations": "admin administrator privilege escalate",
    "account.findings": "password unused admin administrator audit mfa security report",
    "account.snapshot": "export save backup dump offline",
    "app.back": "exit leave close",
    "app.help": "keys keyboard shortcuts bindings",
    "app.lock": "hide forget",
    "app.organization": "units accounts",
    "app.quit": "exit leave close",
    "app.refresh": "reload update",
    "app.refresh-all": "reload update",
    "app.source": "profile login sign-in sso account switch snapshot demo",
    "app.theme": "dark light colour color contrast appearance",
    "compare.now": "diff difference",
    "copy.menu": "yank arn json name command link url",
    "denial.paste": "deny error accessdenied cloudtrail explain",
    "draft.edit": "lint change",
    "draft.impact": "diff blast",
    "draft.open": "plan terraform proof prove what-if simulate changes",
    "draft.suggestion": "fix deny",
    "go.bookmarks": "favourite favorite",
    "question.ask": "simulate simulation simulator can question test",
    "question.context": "condition context",
    "question.presets": "pass passrole address vpc endpoint ip",
    "question.saved": "history saved",
    "question.second_opinion": "simulate simulation simulator",
    "question.why": "explain reason trace deny",
    "report.export": "csv json markdown save",
    "session.assume": "login sign-in credentials creds switch sts role",
    "session.assume-any": "assume",
    "session.console": "login sign-in browser web url",
    "session.copy": "env environment credentials creds clipboard export",
    "session.export": "env environment credentials creds profile json file",
    "session.roles": "assume assumable switch reach my",
    "session.shell": "env environment terminal exec",
    "view.resize-down": "size height",
    "view.resize-left": "size width",
    "view.resize-right": "size width",
    "view.resize-up": "size height",
    "view.zoom": "size maximize fullscreen",
}
"""Synonyms of commands by the id of their binding."""


class _PaletteCommand(NamedTuple):
    """A command.

    Args:
        also: words that stand for it, too.
        is_idle: whether it would only say what it lacks, and so is found by a word of it alone.
    """

    title: str
    help: str
    action: str
    node: DOMNode
    key: str
    also: str = ""
    is_idle: bool = False

    def score(self, matcher: Matcher) -> float:
        """How well it fits what was typed: its name from the front, then any word of it, then letters of it.

        What quits comes first of those that fit alike: "q" is to quit, not to go back, and no question.
        """
        query, name = matcher.query.strip().lower(), self.title.lower()
        # In a sentence the letters of any word are found somewhere: there it must stand as it was typed.
        score = matcher.match(self.title) or matcher.match(self.help) * 0.8 * (query in self.help.lower())
        if len(query) >= _LEAST_LETTERS:
            words, typed = self.also.split(), query.split()
            every = [*words, *name.split()]
            if any(word.startswith(part) for word in words for part in typed) and all(
                any(word.startswith(part) for word in every) for part in typed
            ):
                score = max(score, _ALSO_CALLED + 500 * (query in words))
        if not score or (self.is_idle and score < _ALSO_CALLED and f" {name}".find(f" {query}") < 0):
            return 0
        front = name.startswith(query), f" {name}".find(f" {query}") >= 0, self.action == "quit" and "quit" in name
        return score + sum(weight for holds, weight in zip(front, _WEIGHTS, strict=True) if holds)


_NAMES: Final = 34
"""Columns of the names in the palette; what they do stands behind."""

_MATCHED: Final = "bold $match"


class ActionCommands(Provider):
    """The live bindings of the screen that the palette was opened from."""

    async def startup(self) -> None:
        self._commands = self._live()

    def _live(self) -> list[_PaletteCommand]:
        found: dict[str, _PaletteCommand] = {}
        # What would only say that there is nothing to do is not listed, as it is no key on the key line. Who looks for
        # it by its name is told what it lacks.
        idle = idle_actions(self.screen)
        for key, active in self.screen.active_bindings.items():
            binding = active.binding
            if binding.system or not binding.description or not active.enabled:
                continue
            if not (binding.id or "").strip() or not type(active.node).__module__.startswith("iamtui."):
                continue
            if binding.action == "command_palette":
                continue
            shown = self.app.get_key_display(binding) or key
            before = found.get(binding.action)
            # One action may have several bindings, of the panel and of the screen around it: the shortest key is named.
            if before is None or len(shown) < len(before.key):
                title = f"{binding.description}  ({shown})"
                also, is_idle = _ALSO.get(binding.id or "", ""), binding.action in idle
                command = _PaletteCommand(
                    title, binding.tooltip or binding.description, binding.action, active.node, shown, also, is_idle
                )
                found[binding.action] = command
        if isinstance(self.screen, MainScreen):
            for one in GO:
                title, also = f"{one.label}  (g {one.letter})", _ALSO.get(one.id, "")
                found[one.action] = _PaletteCommand(title, one.tooltip, one.action, self.screen, "", also)
        return sorted(found.values(), key=lambda command: command.title.lower())

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self._commands:
            score = command.score(matcher)
            if score > 0:
                shown = _entry(self._marked(matcher, command.title), command.help)
                yield Hit(score, shown, self._runner(command), command.title)

    async def discover(self) -> Hits:
        for command in (one for one in self._commands if not one.is_idle):
            shown = _entry(plain(command.title), command.help)
            yield DiscoveryHit(shown, self._runner(command), command.title)

    def _marked(self, matcher: Matcher, title: str) -> Content:
        """The title with the letters that matched; Matcher.highlight would read it as markup, and `[` is a key."""
        content = plain(title)
        score, offsets = matcher.fuzzy_search.match(matcher.query, title)
        for offset in offsets if score else ():
            if not title[offset].isspace():
                content = content.stylize(matcher.match_style, offset, offset + 1)
        return content

    def _runner(self, command: _PaletteCommand) -> IgnoreReturnCallbackType:
        return partial(self.app.run_action, command.action, command.node)


def _entry(name: Content, about: str) -> Content:
    """One line: the name, and behind it what it does."""
    return line(name, " " * (2 + max(0, _NAMES - name.cell_length)), (about, "$muted"))


# The command palette's provider of what can be gone to from the main screen.


_EXACT, _FRONT, _INSIDE, _ELSEWHERE = 9_000.0, 6_000.0, 2_500.0, 300.0
"""Below a command whose name begins so, and above what only has such letters somewhere."""

_OF_STATEMENTS: Final = 0.5
"""A statement of that very name comes behind whoever's name begins so."""

_MOST_OF_A_KIND: Final = 12
_MOST_STATEMENTS: Final = 20_000
_LEAST_LETTERS: Final = 2


class _FoundPlace(NamedTuple):
    """Something that can be gone to.

    Args:
        name: raw.
        about: what it is, and where.
    """

    name: str
    about: str
    go: Callable[[], object]

    def score(self, query: str) -> float:
        name = self.name.lower()
        if name == query:
            return _EXACT
        return _FRONT if name.startswith(query) else _INSIDE if query in name else _ELSEWHERE


_Statements: TypeAlias = tuple[tuple[str, str, str, StatementPlace], ...]


class AccountPlaces(Provider):
    """Entities, SCPs and RCPs, statements, resources, saved questions and sessions of the account that is open."""

    _finding: asyncio.Future[_Statements] | None = None
    """The statements with a Sid, once there was something to look for."""

    async def search(self, query: str) -> Hits:
        """Best matches of the query of each kind; statements last, as all policies are parsed."""
        main, typed = self.screen, query.strip()
        query = typed.lower()
        if not isinstance(main, MainScreen) or main.workspace is None or len(query) < _LEAST_LETTERS:
            return
        resources = _resources(main, main.workspace.account, typed)
        for places in (self._entities(main, query), self._texts(main, query), resources):
            for hit in _hits(places, query):
                yield hit
        if self._finding is None:
            self._finding = asyncio.ensure_future(asyncio.to_thread(_statements_of, main.workspace.account))
        # The next character ends this search, and not what the next one waits for as well.
        for hit in _hits(self._statements(main, query, await asyncio.shield(self._finding)), query, _OF_STATEMENTS):
            yield hit

    def _entities(self, main: MainScreen, query: str) -> Iterator[_FoundPlace]:
        result = main.explorer.tree_view.look_up(query)
        for hit in result.hits if result is not None else ():
            entity, where = hit.entity, f", {hit.where}" if hit.where else ""
            if isinstance(entity, OtherAccount):
                yield _FoundPlace(entity.id, "account that is open", partial(main.browsing.look_at, entity.id, ""))
                continue
            kind = "organization" if isinstance(entity, Branch) else kind_word(entity)
            name = hit.policy or (title_of(entity) if isinstance(entity, Branch) else entity.name)
            account = f" of {hit.account}" if hit.account else ""
            yield _FoundPlace(name, f"{kind}{account}{where}", partial(_go_to_hit, main, hit))

    def _texts(self, main: MainScreen, query: str) -> Iterator[_FoundPlace]:
        for saved in main.question.saved_questions:
            if query in saved.name.lower():
                yield _FoundPlace(
                    saved.name, "saved question", partial(main.question.ask_matrix, saved.question_matrix)
                )
        for kept in main.sessions.keeper:
            session = kept.session
            name = session.role_arn.rpartition("/")[2]
            if query in name.lower() or query in session.session_name.lower():
                yield _FoundPlace(name, f"session {session.session_name}", partial(_go_to_session, main, kept.key))

    def _statements(self, main: MainScreen, query: str, named: _Statements) -> Iterator[_FoundPlace]:
        for sid, holder, key, place in named:
            if query in sid.lower():
                yield _FoundPlace(sid, f"statement of {holder}", partial(main.go_to, key, None, place))


def _hits(places: Iterator[_FoundPlace], query: str, weight: float = 1) -> Iterator[Hit]:
    for number, place in zip(range(_MOST_OF_A_KIND), places, strict=False):
        name, at = plain(place.name), safe_text(place.name).lower().find(query)
        if at >= 0:
            name = name.stylize(_MATCHED, at, at + len(query))
        yield Hit(place.score(query) * weight - number, _entry(name, place.about), place.go, safe_text(place.name))


def _go_to_hit(main: MainScreen, hit: Found) -> None:
    assert not isinstance(hit.entity, OtherAccount)
    key = key_of(hit.entity)
    if hit.account:
        main.browsing.look_at(hit.account, key)
    elif main.go_to(key) and hit.policy:
        main.subject.go_into(hit.policy)


def _resources(main: MainScreen, account: Account, typed: str) -> Iterator[_FoundPlace]:
    """Resources with a policy of their own, which no branch of the tree has, and any other that is typed in full."""
    found = [arn for arn in account.resource_policies if typed.lower() in arn.lower()]
    if parse_arn(typed) is not None and typed not in found:
        found.append(typed)
    for arn in found:
        if account.by_arn(arn) is None:
            about = "resource with a policy" if arn in account.resource_policies else "resource"
            yield _FoundPlace(arn, f"{about}: ask who can use it", partial(_ask_about, main, arn))


def _ask_about(main: MainScreen, arn: str) -> None:
    main.question.ask("", arn)
    main.question.action_ask()


def _go_to_session(main: MainScreen, key: str) -> None:
    main.show_sessions()
    if main.sessions.keeper.get(key) is not None:
        main.sessions.highlighted = main.sessions.get_option_index(key)


def _statements_of(account: Account) -> _Statements:
    """The Sid of each statement that has one, what holds it, the key of that, and where it is there; in a thread."""
    found: list[tuple[str, str, str, StatementPlace]] = []
    for entity in account.entities():
        for policy, document in _documents_of(entity):
            holder = f"{policy} of {entity.name}" if policy else f"the trust policy of {entity.name}"
            holder = entity.name if policy == entity.name else holder
            with suppress(DocumentError):
                for statement in document.policy.statements:
                    place = StatementPlace(policy, statement.index, not policy)
                    if statement.sid:
                        found.append((statement.sid, holder, entity.arn, place))
        if len(found) >= _MOST_STATEMENTS:
            break
    return tuple(found)


def _documents_of(entity: Entity) -> Iterator[tuple[str, PolicyDocument]]:
    if isinstance(entity, (User, Group, Role)):
        yield from ((policy.name, policy.document) for policy in entity.inline_policies)
    if isinstance(entity, Role):
        yield "", entity.trust
    if isinstance(entity, ManagedPolicy) and entity.document is not None:
        yield entity.name, entity.document
