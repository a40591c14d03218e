"""The help, which reads every key that works from the live bindings, and the tour of five keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
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
from iamtui.tui.widgets.status import MessageLine, TitleLine
from iamtui.workspace.source.explained import EntityExplanation, explained, explained_kind

if TYPE_CHECKING:
    from iamtui.tui.main.paned import PanedScreen

_KEY_WIDTH: Final = 18
_EXPLAINED: Final = 74
"""How wide explanations are set: they fit 80 columns."""


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
    (CERTAIN, "can become administrator by a known path; g e shows the steps"),
    (POSSIBLE, "could on a condition, or if something is there that is not known"),
    (ADMINISTRATOR, "is administrator"),
    (MARKED, "marked with space; = compares it with the one under the cursor"),
)
_UNMARKED: Final = (
    "Without a mark no known path was found. Where the tree's title says ▲ ? nothing is known: it is being looked for, "
    "or waits for g e in an account of more than 2,000 users and roles."
)


_JOBS: Final[Mapping[str, tuple[str, ...]]] = {
    "Here": (),
    "Move": (
        "list", "tree", "text", "matrix", "layers", "choice", "completion", "overview", "tab",
        "report.open", "impact.go", "trace.fold", "trace.jump", "go.top", "go.tree", "sessions.down", "sessions.up",
        "chooser.down", "chooser.up", "confirm.down", "confirm.up", "confirm.page-down", "confirm.page-up",
    ),
    "Find": (
        "filter", "find", "document", "jump", "palette", "report", "go.filter", "go.jump", "app.palette",
        "text.search", "text.next", "text.previous", "impact.filter",
    ),
    "Ask": ("question", "save-question", "opinion", "denial", "compare", "trace", "impact", "report.why"),
    "Fix": ("draft", "draft-editor", "report.draft", "session.revoke"),
    "Assume": ("assume", "session-policy", "code", "login", "session.assume", "session.assume-any", "session.roles"),
    "Hand over": (
        "session", "sessions", "endpoint", "export", "draft-export", "copy", "console", "account.snapshot",
        "question.copy_command", "report.export", "text.copy",
    ),
    "Go": (
        "account", "go", "app.go", "app.source", "app.organization", "app.region", "app.back", "view.editor",
        "text.back", "report.leave", "whocan.back", "trace.back", "question.leave",
    ),
    "Window": ("app", "view", "table", "columns"),
}  # fmt: skip
"""What a key is for, by the id of its binding or the first part of that; the help's sections, in their order."""

JOB_OF: Final = {name: job for job, names in _JOBS.items() for name in names}

_PANES: Final = {
    "app.focus_next": "Next pane or field; ? there shows the keys of that",
    "app.focus_previous": "Pane or field before",
}
"""Textual's own actions that a user of any screen needs, in our words."""


class HelpScreen(TextScreen):
    """The help for a screen, as it is when this is made: the marks and the keys that work there, by what they are for.

    A second page explains what is under the cursor in terms of IAM, and its meaning in this account.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "back", "Back", show=False, id="help.back", tooltip="Close the help"),
        Binding("tab", "other_page", "Other page", show=False, id="help.page", tooltip="Keys, or what IAM says here"),
        Binding("1", "page(1)", "Keys", show=False, id="help.keys", tooltip="The keys that work here"),
        Binding("2", "page(2)", "IAM", id="help.iam", tooltip="What is under the cursor, and what it means here"),
        Binding("enter", "tour", "Tour", id="help.tour", tooltip="Take the tour of five keys"),
    ]

    def __init__(self, screen: Screen[object], about: tuple[Account, Node] | None = None) -> None:
        self._sections = help_sections(screen)
        self._purpose = [plain(row) for row in wrap(getattr(screen, "HELP_ABOUT", ""), _EXPLAINED)]
        self._about = [*_about_node(about)]
        self._page = 1
        self._width = screen.app.size.width
        super().__init__(self._titled(), self._all_rows())

    async def action_tour(self) -> None:
        self.dismiss(None)
        await self.app.run_action("app.tour")

    def action_other_page(self) -> None:
        self.action_page(3 - self._page)

    def action_page(self, number: int) -> None:
        self._page = number
        self.query_one(TitleLine).update(self._titled())
        self.view.show(self._all_rows())
        self.view.scroll_home(animate=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Most screens have no second page."""
        return bool(self._about) if action in ("page", "other_page") else super().check_action(action, parameters)

    def _titled(self) -> Content:
        pages = [
            part
            for number, name in enumerate(("Keys", "IAM here"), 1)
            for part in ("   ", (f"{number} {name}", "bold $match" if number == self._page else "$muted"))
        ]
        return line(
            ("Help", "bold $heading"), *(pages if self._about else ()), ("   / finds, Escape goes back", "$muted")
        )

    def _all_rows(self) -> list[Content]:
        return self._about if self._page == 2 else rows(self._sections, self._width, self._purpose)

    def on_resize(self, event: events.Resize) -> None:
        if event.size.width != self._width:
            self._width = event.size.width
            self.view.show(self._all_rows())


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


def help_sections(screen: Screen[object]) -> dict[str, dict[str, str]]:
    """The keys that work on a screen where the focus is: by what they are for, the words of each to its keys."""
    found: dict[str, dict[str, list[str]]] = {job: {} for job in _JOBS}
    for active in screen.active_bindings.values():
        binding = active.binding
        words = (binding.tooltip or binding.description) if binding.id else _PANES.get(binding.action)
        if not active.enabled or not words:
            continue
        name = binding.id or "list"  # A key from pane to pane moves, as those of lists do.
        job = JOB_OF.get(name) or JOB_OF.get(name.partition(".")[0], "Here")
        keys, shown = found[job].setdefault(words, []), screen.app.get_key_display(binding)
        if shown not in keys:
            keys.append(shown)
    return {job: {words: " ".join(keys) for words, keys in each.items()} for job, each in found.items() if each}


_TWO_COLUMNS: Final = 120
"""Columns from which on sections are side by side."""

_BETWEEN: Final = 4
_MARK_WIDTH: Final = _KEY_WIDTH + 2


_PURPOSE: Final = "Browse the account, ask what a principal may do, assume a role. Nothing is ever written to AWS."


def rows(sections: Mapping[str, Mapping[str, str]], width: int, purpose: Sequence[Content] = ()) -> list[Content]:
    """The purpose of a screen, the marks and the sections, in a window of this width.

    Words align with words, never with keys.
    """
    two = width >= _TWO_COLUMNS
    room = (width - 3 - _BETWEEN) // 2 if two else max(40, width - 3)
    first = purpose or [plain(_PURPOSE)]
    blocks = [_section(job, keys, room) for job, keys in sections.items()]
    half = sum(map(len, blocks)) / 2
    at = next((at for at in range(len(blocks)) if sum(map(len, blocks[: at + 1])) >= half), 0) + 1
    parts = [([_legend_rows(room)], [_beside(room)]), (blocks[:at], blocks[at:])]
    shown = [*first, plain("")]
    for sides in parts:
        left, right = ([row for block in side for row in block] for side in sides)
        if two:
            pairs = zip_longest(left, right, fillvalue=plain(""))
            shown += [line(one, " " * (room - one.cell_length + _BETWEEN), other) for one, other in pairs]
        else:
            shown += [*left, *right]
    return shown


def _described(name: Content, words: str, width: int, room: int, style: str = "") -> Iterator[Content]:
    """A name and the words behind it, whose further lines begin where the first does."""
    first, *more = wrap(words, max(20, room - 2 - width - 1)) or [""]
    padding = " " * max(0, width - name.cell_length)
    yield line("  ", name, padding, " ", (first, style))
    yield from (line(" " * (2 + width + 1), (rest, style)) for rest in more)


def _section(job: str, keys: Mapping[str, str], room: int) -> list[Content]:
    shown = [plain(job, "bold $heading")]
    for words, names in keys.items():
        shown += _described(plain(names, "bold $match"), words, _KEY_WIDTH, room)
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
    shown += (plain(f"  {row}", "$muted") for row in wrap(_UNMARKED, min(_EXPLAINED, room - 2)))
    return [*shown, plain("")]


class TourStep(NamedTuple):
    """A key of the tour: the id of its binding, and what it is for.

    Args:
        typing: what to type where the key leads to a field; the step is done when that was typed and left.
    """

    binding: str
    words: str
    typing: str = ""


STEPS: Final = (
    TourStep("go.filter", "filters by name or ARN.", "Type part of a name; Enter goes to the hits."),
    TourStep("question.ask", "asks what a user or role may do.", "Type an action, as s3:GetObject; esc goes back."),
    TourStep("question.why", "shows why: every policy that took part."),
    TourStep("session.assume", "assumes a role; c then copies its credentials."),
    TourStep("app.help", "shows every key; Enter there repeats this tour."),
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
        self._is_entered = False
        """True once the key of a step that leads to a field was pressed."""

    def on_mount(self) -> None:
        self.watch(self._main, "focused", self._show, init=False)
        self.watch(self._main.explorer.filter_input, "value", self._show, init=False)
        self.begin()

    def begin(self) -> None:
        self._at, self._is_entered = 0, False
        self._show()

    def saw(self, event: events.Key) -> None:
        """A key was pressed: the tour goes on where it is the one that is meant. What is typed into a field is text."""
        if self.app.screen is self._main and any(binding.key == event.key for binding in self._bindings_here()):
            if STEPS[self._at].typing:
                self._is_entered = True
            else:
                self._go_on()

    def _go_on(self) -> None:
        self._at, self._is_entered = self._at + 1, False
        self.remove() if self._at == len(STEPS) else self._show()

    @property
    def _was_typed(self) -> bool:
        filtered, asked = self._main.explorer.filter_input.value, self._main.question.question
        typed = {"go.filter": bool(filtered), "question.ask": asked is not None}
        return self._is_entered and not self._is_typing and typed.get(STEPS[self._at].binding, False)

    @property
    def _is_typing(self) -> bool:
        return isinstance(self._main.focused, Input)

    def _bindings_here(self) -> list[Binding]:
        """Those of the step, as the user's keymap has them; in a field, what does not print."""
        name, live = STEPS[self._at].binding, self._main.active_bindings.values()
        found = [active.binding for active in live if active.binding.id == name]
        return [one for one in found if not self._is_typing or len(self.app.get_key_display(one)) > 1]

    def _show(self) -> None:
        if self._was_typed:
            self._go_on()
        else:
            self.update(self._words())

    def _words(self) -> Content:
        shown = min(map(self.app.get_key_display, self._bindings_here()), key=len, default="")
        shown, does = (shown, STEPS[self._at].words) if shown else ("esc", "leaves the field.")
        if self._is_entered and self._is_typing:
            shown, does = "", STEPS[self._at].typing
        explorer = self._main.explorer
        ends = self._main.focused is explorer.tree_view and not explorer.filter_input.value
        way_out = " (esc ends it)" if ends else ""
        return line(
            (f"Tour {self._at + 1} of {len(STEPS)}{way_out}  ", "$muted"),
            (shown, "bold $match"),
            f" {does}" if shown else does,
        )


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
