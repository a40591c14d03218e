"""PrincipalMarks: marks beside names for administrators, for entities to compare, and for changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from iamtui.account.model import Account, Entity, Role, User
from iamtui.tui.background import Work, in_thread, yield_to_user
from iamtui.tui.content import line, plain
from iamtui.tui.drafts.controller import DraftController
from iamtui.tui.explorer.detail_pane import DetailPane
from iamtui.tui.explorer.listings import ADMINISTRATOR, CERTAIN, POSSIBLE
from iamtui.tui.main.paned import PanedScreen
from iamtui.tui.widgets.lists.line_list import Piece
from iamtui.workspace.source.unknown_facts import is_searched_unasked
from iamtui.workspace.source.workspace import SourceInfo, Workspace

if TYPE_CHECKING:
    from iamtui.tui.reports.report_screen import Compared


MARKED: Final = Piece(" =", "match")
"""Mark of the user or role that others are compared with."""

CHANGED: Final = Piece(" •", "match")
"""Mark of an entity that changed when it was read again."""


class PrincipalMarks:
    """Puts marks beside the users and roles of a screen's tree and tables."""

    def __init__(self, screen: PanedScreen, drafts: DraftController) -> None:
        self._screen = screen
        self.comparing = Comparing(screen, drafts, self._draw)
        self._account: Account | None = None
        self._escalations: Mapping[str, Piece] | None = None
        self._changed: frozenset[str] = frozenset()

    def mark_changed(self, arns: Collection[str]) -> None:
        """Mark what is not as it was shown before, until another account is shown or this one is read again."""
        self._changed = frozenset(arns)

    def of(self, entity: Entity) -> list[Piece]:
        mark = (self._escalations or {}).get(entity.arn)
        changed = [CHANGED] if entity.arn in self._changed else []
        return [*([mark] if mark else []), *([MARKED] if self.comparing.is_marked(entity) else []), *changed]

    def show(self, workspace: Workspace) -> None:
        """Mark the users and roles of an account: once it is found, in a thread, who can become administrator."""
        self._account, self._escalations = workspace.account, None
        self._draw()
        if not workspace.account.is_being_read:
            self._begin(partial(self._search, workspace))

    def look_again(self) -> None:
        """Mark what another screen has found meanwhile: of a large account only the one that is opened for it does."""
        if self._account is not None and self._escalations is None:
            self._begin(partial(self._take, self._account))

    def _begin(self, work: Callable[[Work], None]) -> None:
        in_thread(self._screen, work, name="looking for ways to become administrator", group=_GROUP)

    def _search(self, workspace: Workspace, work: Work) -> None:
        work.let_draw()
        if is_searched_unasked(workspace.account):
            from iamtui.workspace.review.escalations import find_escalations

            find_escalations(workspace, yield_to_user(work.cancelled))
        self._take(workspace.account, work)

    def _take(self, account: Account, work: Work) -> None:
        from iamtui.workspace.review.escalations import kept_escalations

        found = kept_escalations(account)
        if found is not None:
            marks = dict.fromkeys((entity.arn for entity in found.administrators), ADMINISTRATOR)
            marks |= {one.principal.arn: CERTAIN if one.certain else POSSIBLE for one in found.escalations}
            work.tell(self._found, marks)

    def _found(self, marks: Mapping[str, Piece]) -> None:
        self._escalations = marks
        self._draw()

    def _draw(self) -> None:
        explorer, table = self._screen.explorer, self._screen.subject.table
        counts = Counter((self._escalations or {}).values())
        known = f"{CERTAIN.text} {counts[CERTAIN]:,}{POSSIBLE.text} {counts[POSSIBLE]:,}"
        words = f"{CERTAIN.text} ?" if self._escalations is None else known
        explorer.border_title = line("Account", (f" {words}", "$muted"))
        explorer.tree_view.notes.set_signs(self.of)
        table.notes.set_signs(self.of)


# Comparing what two users or roles can do.


_GROUP: Final = "escalations"


class _Marked(NamedTuple):
    """A user or role, and the account as it was when it was marked."""

    workspace: Workspace
    entity: User | Role


class Comparing:
    """Knows which user or role is marked. It stays marked when another account is opened, to be compared across."""

    def __init__(self, screen: PanedScreen, drafts: DraftController, draw: Callable[[], object]) -> None:
        self._screen = screen
        self._drafts = drafts
        self._draw = draw
        self._marked: _Marked | None = None

    def is_marked(self, entity: Entity) -> bool:
        return self._marked is not None and entity.arn == self._marked.entity.arn

    def mark(self) -> None:
        """Mark the user or role under the cursor; the marked one is marked no more."""
        screen, entity, marked = self._screen, self._screen.subject.entity, self._marked
        workspace = screen.workspace
        if workspace is None or not isinstance(entity, User | Role):
            screen.say(plain("Put the cursor on a user or role to mark it."))
        elif marked is not None and marked.workspace is workspace and marked.entity.arn == entity.arn:
            self._marked = None
            screen.say(line((entity.name, "bold"), " is no longer marked."))
        else:
            self._marked = _Marked(workspace, entity)
            screen.say(line("Marked ", (entity.name, "bold"), ": = compares it with the one under the cursor."))
        self._draw()

    def compare(self) -> None:
        """Show what the one under the cursor can do, and the other cannot, and the other way round.

        The other is the marked one; of the same user or role, or where none is marked, it is that before the draft. An
        account that was opened since the mark was set is compared with the one before.
        """
        workspace, after = self._screen.workspace, self._screen.subject.entity
        if workspace is None or not isinstance(after, User | Role):
            self._screen.say(plain("Put the cursor on a user or role to compare it."))
            return
        here, marked, draft = _Marked(workspace, after), self._marked, self._drafts.before_workspace
        if marked is not None and marked.entity.arn != after.arn:
            self._show(_today(marked, workspace), here)
        elif draft is not None:
            was = draft.account.by_arn(after.arn)
            if isinstance(was, User | Role):
                self._show(_Marked(draft, was), here, "before the draft", "with it")
            else:
                self._screen.say(line((after.name, "bold"), " is new in the draft: nothing to compare it with."))
        elif marked is not None and marked.workspace.account is not workspace.account:
            self._show(marked, here, *(() if _origin(marked) != _origin(here) else ("when marked", "now")))
        elif marked is not None:
            self._screen.say(plain("This is the marked one: put the cursor on another user or role."))
        else:
            self._screen.say(
                plain("None is marked: space marks the user or role under the cursor, = compares with it.")
            )

    def _show(self, before: _Marked, after: _Marked, was: str = "", now: str = "") -> None:
        from iamtui.tui.reports.report_screen import compared_title, comparison

        elsewhere = _origin(before) != _origin(after)
        sides = _side(before, was, elsewhere=elsewhere), _side(after, now, elsewhere=elsewhere)
        title = compared_title(*sides)
        self._screen.post_message(DetailPane.Listed(title, partial(comparison, *sides)))


def _side(marked: _Marked, when: str, *, elsewhere: bool) -> Compared:
    from iamtui.tui.reports.report_screen import Compared

    where = f"in {marked.workspace.source.label}" if elsewhere else ""
    name = marked.workspace.account.short_name(marked.entity.arn)
    return Compared(*marked, " ".join(filter(None, (name, where, when))))


def _today(marked: _Marked, workspace: Workspace) -> _Marked:
    """The marked one as it is in the account on screen, where that comes from the same source."""
    entity = workspace.account.by_arn(marked.entity.arn)
    here = _Marked(workspace, entity) if isinstance(entity, User | Role) else marked
    return here if _origin(here) == _origin(marked) else marked


def _origin(side: _Marked) -> SourceInfo:
    """The source, whenever it was read."""
    return replace(side.workspace.source, taken_at=None)
