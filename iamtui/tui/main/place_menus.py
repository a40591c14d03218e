"""Ways from where the user is: what to copy of the entity under the cursor, bookmarks, and jump mode."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar, NamedTuple
from urllib.parse import quote

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from iamtui.account.model import Account, Entity, Group, ManagedPolicy, Role, User
from iamtui.credentials.console_url import console_site
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.tui.content import line, plain
from iamtui.tui.dialogs.dialogs import Choice, ChoiceDialog
from iamtui.tui.dialogs.list_dialogs import MenuDialog, MenuItem
from iamtui.tui.explorer.listings import TabBar
from iamtui.tui.explorer.tab_contents import record_text
from iamtui.tui.main.inventory import Branch, key_of, kind_word, title_of
from iamtui.tui.question.form import QuestionForm
from iamtui.tui.sessions.text import role_name
from iamtui.tui.textual_internals import is_displayed, lay_out_now
from iamtui.workspace.ask.questions import source_words

if TYPE_CHECKING:
    from iamtui.tui.main.paned import PanedScreen
    from iamtui.tui.sessions.hand_over import HandOver
    from iamtui.workspace.source.workspace import SourceInfo, Workspace


NO_ACCOUNT = "Open an account first: g a chooses one."


class Copyable(NamedTuple):
    """A text of an entity that can be copied.

    Args:
        shown: of it in the menu.
        text: makes it.
    """

    what: str
    letter: str
    shown: str
    text: Callable[[], str]


def texts_of(workspace: Workspace, entity: Entity) -> Iterator[Copyable]:
    """Texts of an entity that can be copied; nothing of it is secret."""
    source = workspace.source
    name, command = safe_text(entity.name, limit=None), command_for(workspace, entity)
    yield Copyable("ARN", "y", entity.arn, lambda: safe_text(entity.arn, limit=None))
    yield Copyable("Name", "n", name, lambda: name)
    yield Copyable("JSON", "j", "everything known about it", partial(record_text, entity))
    yield Copyable("Command", "c", command, lambda: command)
    link = console_link(workspace.account, source, entity)
    if link:
        yield Copyable("Console link", "l", link, lambda: link)


def command_for(workspace: Workspace, entity: Entity) -> str:
    """The `iamtui show ...` line that prints an entity, quoted for a POSIX shell."""
    source = workspace.source
    return shlex.join(["iamtui", "show", safe_text(entity.arn, limit=None), *source_words([source], source.region)])


_PAGES = {User: "users", Group: "groups", Role: "roles", ManagedPolicy: "policies"}
"""Pages of the IAM console by kind of entity."""


def console_link(account: Account, source: SourceInfo, entity: Entity) -> str:
    """The page of an entity in the console of its partition; "" where there is none, or where that is not known."""
    page = _PAGES.get(type(entity))
    if page is None or source.endpoint_url:
        return ""
    named = entity.arn if isinstance(entity, ManagedPolicy) else entity.name
    try:
        # IAM has one console for all Regions.
        return console_site(account.partition).address(f"/iam/home#/{page}/details/{quote(named, safe='')}", "")
    except Problem:
        return ""


def open_copies(main: PanedScreen, hand_over: HandOver) -> None:
    """List what can be copied of what is under the cursor, and of the active session."""
    workspace, entity, session = main.workspace, main.subject.entity, main.sessions.active
    texts = {} if workspace is None or entity is None else {one.what: one for one in texts_of(workspace, entity)}
    items = [MenuItem(one.what, one.what, one.letter, one.shown, one.shown) for one in texts.values()]
    if session is not None:
        name = role_name(session)
        items += [
            MenuItem(_EXPORTS, "Export lines", "e", name, "Of the session; taken back after a while."),
            MenuItem(_OF_SESSION, "Of the session …", "s", name, "A command, a field, or another format."),
        ]
    if not items:
        main.say(plain("Put the cursor on a user, group, role or policy to copy something of it."))
        return

    def chosen(what: str | None) -> None:
        if what == _EXPORTS:
            hand_over.copy_exports()
        elif what == _OF_SESSION:
            hand_over.copy_menu()
        elif what is not None:
            hand_over.copy_text(texts[what].text(), what)

    title = line("Copy") if entity is None else line("Copy of ", (entity.name, "bold"))
    main.app.push_screen(MenuDialog(title, items), chosen)


_EXPORTS, _OF_SESSION = "exports", "session"


def bookmark_here(main: PanedScreen) -> None:
    """Set a bookmark on what is under the cursor, or take it away."""
    node, kept = main.subject.entity or main.subject.node, main.browsing.bookmarks
    if main.workspace is None or node is None:
        main.say(plain(NO_ACCOUNT))
        return
    here, name = key_of(node), title_of(node) if isinstance(node, Branch) else node.name
    if here in kept:
        kept.remove(here)
        main.say(line("The bookmark on ", (name, "bold"), " is removed."))
    else:
        main.browsing.bookmark(here)
        main.say(line("Bookmarked ", (name, "bold"), ": g b goes there."))


def open_bookmarks(main: PanedScreen) -> None:
    """List the bookmarks of the account to go to one."""
    kept = main.browsing.bookmarks
    if main.workspace is None or not kept:
        main.say(plain(NO_ACCOUNT if main.workspace is None else "No bookmark is set: m sets one on what is here."))
        return

    def chosen(key: str | None) -> None:
        if key is not None:
            main.browsing.go_to(key)

    main.app.push_screen(ChoiceDialog(line("Bookmarks"), [_choice(main, key) for key in reversed(kept)]), chosen)


def _choice(main: PanedScreen, key: str) -> Choice:
    node = main.browsing.node_of(key)
    if node is None:
        return Choice(key, key, "not in the account as loaded")
    return (
        Choice(key, title_of(node), "branch") if isinstance(node, Branch) else Choice(key, node.name, kind_word(node))
    )


# The card of what may follow g.


class CardEntry(NamedTuple):
    """One line of a card: an action of the screen it was opened from, and its letter.

    Args:
        letter, label, id, tooltip: as of a Binding; the keymap can give it another letter.
        action: as of a Binding of the main screen.
    """

    letter: str
    action: str
    label: str
    id: str
    tooltip: str


TO_THE_TOP = "top"

GO = (
    CardEntry("g", TO_THE_TOP, "Top", "go.top", "The first line of the list or document"),
    CardEntry("o", "overview", "Overview", "go.overview", "The account in numbers"),
    CardEntry(
        "f", "report('findings')", "Findings", "account.findings",
        "Audit the account: findings by severity, each with its fix",
    ),
    CardEntry(
        "e", "report('escalations')", "Escalations", "account.escalations", "Who can become administrator, step by step"
    ),
    CardEntry("t", "report('trust')", "Trust", "account.trust", "Who may assume which role, from inside and outside"),
    CardEntry("u", "tab('access')", "Used", "account.used", "What the user or role here can do, and what it used"),
    CardEntry("d", "draft", "Draft", "draft.open", "Show the what-if draft: its edits, impact and export"),
    CardEntry("s", "sessions", "Sessions", "go.sessions", "Go to the sessions, and back"),
    CardEntry(
        "n", "paste_denial", "Denied", "denial.paste",
        "Why was I denied: paste an AccessDenied message, a log or CloudTrail records",
    ),
    CardEntry(
        "q", "in_question('questions')", "Questions", "go.questions", "Choose a question that was asked before or saved"
    ),
    CardEntry("b", "menu('bookmarks')", "Bookmarks", "go.bookmarks", "Go to a bookmark; m sets one"),
    CardEntry("a", "app.choose_source", "Account", "app.source", "Open another: a profile, a snapshot, the demo"),
    CardEntry(
        "O", "app.choose_unit", "Organization", "app.organization",
        "Open every account of the organization, or of a unit of it, by a role",
    ),
)  # fmt: skip
"""Where g leads."""


class GoCard(MenuDialog):
    """What may follow g; gives the action of the entry that was chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            one.letter, f"take({index})", one.label, show=False, priority=True, id=one.id,
            tooltip=f"After g: {one.tooltip}",
        )
        for index, one in enumerate(GO)
    ]  # fmt: skip

    def __init__(self, keymap: Mapping[str, str]) -> None:
        items = [MenuItem(one.action, one.label, keymap.get(one.id, one.letter), one.tooltip) for one in GO]
        super().__init__(line("Go to"), items)

    def action_take(self, index: int) -> None:
        self.dismiss(GO[index].action)


def open_go_card(main: PanedScreen, keymap: Mapping[str, str], go_to_top: Callable[[], object]) -> None:
    """Open the card, over any screen; every place but the top is one of the main screen."""
    app = main.app

    async def chosen(action: str | None) -> None:
        if action == TO_THE_TOP:
            go_to_top()
        elif action is not None:
            while app.screen is not main:
                app.pop_screen()
            await app.run_action(action, main)

    app.push_screen(GoCard(keymap), chosen)


# Jump mode: a letter on every pane and field, a digit on every tab; pressed, it takes the focus there.


class JumpTarget(NamedTuple):
    """Where a letter is drawn, and what it does."""

    at: Offset
    go: Callable[[], object]


def jump(main: PanedScreen) -> None:
    # The key may come at once behind one that has gone elsewhere.
    lay_out_now(main)
    targets = dict(jump_targets(main))

    def chosen(letter: str | None) -> None:
        if letter is not None:
            targets[letter].go()

    main.app.push_screen(JumpScreen({letter: target.at for letter, target in targets.items()}), chosen)


def jump_targets(main: PanedScreen) -> Iterator[tuple[str, JumpTarget]]:
    form = main.query_one(QuestionForm)
    panes: tuple[tuple[str, Widget, Callable[[], object]], ...] = (
        ("e", main.explorer, main.explorer.tree_view.focus),
        ("d", main.subject, main.subject.go_into),
        ("q", main.question, main.question.action_ask),
        ("s", main.sessions, main.show_sessions),
    )
    for letter, pane, go in panes:
        if _is_seen(pane):
            yield letter, JumpTarget(Offset(pane.region.x + 1, pane.region.y), go)
    fields = ("f", main.explorer.filter_input), ("r", form.resource_field), ("c", form.context_field)
    for letter, field in fields:
        if _is_seen(field):
            yield letter, JumpTarget(Offset(field.region.x, field.region.y), field.focus)
    bar = main.query_one(TabBar)
    for number, (tab, x) in enumerate(bar.places() if _is_seen(bar) else (), 1):
        if tab:
            yield str(number), JumpTarget(Offset(bar.region.x + x, bar.region.y), partial(_go_to_tab, main, tab))


def _go_to_tab(main: PanedScreen, tab: str) -> None:
    main.subject.detail.select_tab(tab)
    main.subject.go_into()


def _is_seen(widget: Widget) -> bool:
    return is_displayed(widget) and bool(widget.region.area)


class JumpScreen(ModalScreen[str | None]):
    """Gives the letter or digit that was pressed, or None."""

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
