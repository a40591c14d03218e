"""State of the screen between runs: the state file, and the last place in each account.

One JSON object in the state folder (`iamtui info` says where), for its owner alone:

    "version":  1
    "theme":    the name of the theme that was chosen last
    "source":   {"kind", "profile", "file"}    what was opened last; it is preselected, and never opened unasked
    "accounts": [{"key", "place", "tab", "question", "sorts", "columns", "bookmarks", "sizes"}]     the latest first

    key         a digest of account, caller, endpoint and kind of source, as the cache of accounts tells them apart
    question    as in the file of saved questions, without sts:ExternalId

Nothing in it is a secret. What is damaged, too large, or could have been written by others is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct, field

from iamtui.credentials.secure_files import locked, replace_file
from iamtui.input_files import read_document
from iamtui.paths import exposure, is_there, screen_state
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.tui.background import Work, get_in_thread, in_thread
from iamtui.tui.explorer.table_columns import MOST_COLUMNS
from iamtui.tui.main.inventory import key_of
from iamtui.tui.main.paned import LARGEST_SIZE, MOST_BOOKMARKS, MOST_SIZES
from iamtui.typed_json import prepared
from iamtui.workspace.ask.saved_questions import QuestionRecord, matrix_of_record, remembered_record_of

if TYPE_CHECKING:
    from iamtui.questions.question import QuestionMatrix
    from iamtui.tui.main.main_screen import MainScreen
    from iamtui.workspace.source.workspace import SourceChoice, Workspace

VERSION: Final = 1
LARGEST: Final = 512 * 1024
"""Bytes of the file."""

MOST_ACCOUNTS: Final = 24
LARGEST_ACCOUNT: Final = 16 * 1024
"""Accounts that are remembered, and the bytes of one; a question that makes it larger is left out."""

_Name = Annotated[str, Meta(max_length=64)]
_Key = Annotated[str, Meta(max_length=700)]
"""Of a node: IAM's longest ARN has a path of 512 characters and a name of 128."""

_Size = Annotated[int, Meta(ge=1, le=LARGEST_SIZE)]

_NEWER: Final = "a newer iamtui wrote it"


class AccountState(Struct, frozen=True, omit_defaults=True):
    """Where the user was in one account.

    Args:
        key: tells accounts apart, as they are seen by different callers at different endpoints.
        place: the key of the node under the tree's cursor.
        tab: of the detail pane.
        question: as in the file of saved questions, unread.
        sorts: by kind of branch: the column, and whether in reverse.
        columns: by kind of branch, those that the user wants.
        bookmarks: keys of nodes.
        sizes: of panes, as PaneSizes has them.
    """

    key: _Name
    place: _Key = ""
    tab: _Name = ""
    question: dict[str, Any] | None = None
    sorts: Annotated[dict[_Name, tuple[_Name, bool]], Meta(max_length=16)] = field(default_factory=dict)
    columns: Annotated[
        dict[_Name, Annotated[tuple[_Name, ...], Meta(max_length=MOST_COLUMNS)]], Meta(max_length=16)
    ] = field(default_factory=dict)
    bookmarks: Annotated[list[_Key], Meta(max_length=MOST_BOOKMARKS)] = field(default_factory=list)
    sizes: Annotated[dict[_Name, _Size], Meta(max_length=MOST_SIZES)] = field(default_factory=dict)


class ScreenState:
    """The state file as it was read at the start.

    Args:
        fresh: as if there was none; nothing is written either.
    """

    def __init__(self, *, fresh: bool = False) -> None:
        self.is_fresh = fresh
        self.is_first = not fresh and not is_there(screen_state())
        """True where there was no file."""
        whole, self.problem = ({}, "") if fresh else _read()
        theme, source = whole.get("theme"), whole.get("source")
        self.theme = theme if isinstance(theme, str) else ""
        self.source = _texts(source)
        self.accounts = {one.key: one for one in _accounts(whole)}

    def keep(self, **changes: object) -> None:
        """Keep values under their names in the file, beside what else it has. Blocking for file access.

        Raises:
            Problem: the file cannot be written, or a newer iamtui wrote it.
        """
        if not self.is_fresh:
            _change(lambda _: changes)

    def keep_places(self, states: Mapping[str, AccountState], source: Mapping[str, str]) -> None:
        """Keep where the user is in some accounts, and what was opened last. Blocking for file access.

        Raises:
            Problem: the file cannot be written, or a newer iamtui wrote it.
        """

        def changed(whole: Mapping[str, Any]) -> Mapping[str, object]:
            others = [one for one in _accounts(whole) if one.key not in states]
            return {
                "source": source or _texts(whole.get("source")),
                "accounts": [*states.values(), *others][:MOST_ACCOUNTS],
            }

        if not self.is_fresh:
            _change(changed)


def _read() -> tuple[dict[str, Any], str]:
    """Contents of the file, and why they are not used, or ""."""
    path = screen_state()
    if not is_there(path):
        return {}, ""
    exposed = exposure(path)
    if exposed is not None:
        return {}, _unused(f"{safe_text(exposed.path)} {exposed.reason}")
    try:
        whole = msgspec.json.decode(read_document(path, "It", most=LARGEST, pipes=False), type=dict[str, Any])
    except Problem as problem:
        return {}, _unused(problem.sentence)
    except (ValueError, RecursionError):
        return {}, _unused("it is damaged")
    return ({}, _unused(_NEWER)) if _is_newer(whole) else (whole, "")


def _is_newer(whole: Mapping[str, Any]) -> bool:
    version = whole.get("version", VERSION)
    return isinstance(version, int) and version > VERSION


def _unused(why: str) -> str:
    return f"What the screen remembers ({safe_text(screen_state())}) is not used: {why.rstrip('.')}."


def _accounts(whole: Mapping[str, Any]) -> Sequence[AccountState]:
    found, accounts = [], whole.get("accounts")
    for one in accounts[:MOST_ACCOUNTS] if isinstance(accounts, list) else ():
        with suppress(msgspec.ValidationError):
            found.append(msgspec.convert(one, prepared(AccountState)))
    return found


def _texts(found: object) -> dict[str, str]:
    return {name: text for name, text in found.items() if isinstance(text, str)} if isinstance(found, dict) else {}


def _change(change: Callable[[Mapping[str, Any]], Mapping[str, object]]) -> None:
    path = screen_state()
    try:
        with locked(path):
            whole, unused = _read()
            if _NEWER in unused:
                raise Problem(unused, "Use a newer iamtui, or move the file away.")
            data = msgspec.json.encode({**whole, "version": VERSION, **change(whole)})
            if len(data) <= LARGEST:
                replace_file(path, data)
    except OSError as error:
        raise Problem(
            f"{safe_text(path)}, where the screen remembers things, cannot be written: {error.strerror}.",
            "Check it, or start with --fresh.",
        ) from error


# Where the user is on the main screen: put back when an account is opened, and kept.


LOOK_SECONDS: Final = 5.0
"""How often it is looked whether there is something new to keep: a process may be ended at any time."""


class PlaceMemory:
    """Puts the user back to where they were in an account, and keeps where they are.

    Args:
        source: what is open, to be chosen again.
    """

    def __init__(self, main: MainScreen, state: ScreenState, source: Callable[[], SourceChoice | None]) -> None:
        self._main = main
        self._state = state
        self._source = source
        self._states = dict(state.accounts)
        self._workspace: Workspace | None = None
        self._key = ""
        self._sought: AccountState | None = None
        """The state to restore as soon as that much of the account is read."""
        self._kept: tuple[object, ...] = ()
        self._new: dict[str, AccountState] = {}
        self._failure = ""
        """Reason why it could not be saved the last time, shown once and not at each step of the user."""

    def begin(self) -> None:
        self._main.browsing.shown = self._shown
        self._main.browsing.leaving = self.note
        if not self._state.is_fresh:
            self._main.set_interval(LOOK_SECONDS, self._keep_in_thread)

    def _shown(self, first: bool) -> None:
        """An account is on screen; `first`: it was not there just before."""
        self._workspace = self._main.source_workspace
        self._key = _key_of(self._workspace) if self._workspace is not None else ""
        if first:
            self._sought = self._states.get(self._key)
            self._main.browsing.bookmarks = list(self._sought.bookmarks) if self._sought is not None else []
            self._main.pane_sizes.use(self._sought.sizes if self._sought is not None else {})
            if self._sought is not None:
                self._main.subject.table.arrange_as(self._sought.sorts, self._sought.columns)
                if self._sought.question is not None:
                    self._ask_again(self._sought)
        if self._sought is not None:
            self._put_back(self._sought)

    def _put_back(self, state: AccountState) -> None:
        explorer, workspace = self._main.explorer, self._workspace
        is_anywhere = explorer.node is not None and key_of(explorer.node) != key_of(self._main.first_branch)
        # The user may have gone somewhere meanwhile.
        is_over = not state.place or explorer.filter_input.value or is_anywhere
        is_over = is_over or self._main.browsing.put_at(state.place, state.tab)
        if is_over or workspace is None or not workspace.account.is_being_read:
            self._sought = None

    def _ask_again(self, state: AccountState) -> None:
        """Repeat the last question, unless the user begins one before it is read."""
        key = self._key

        def ask(matrix: QuestionMatrix | None) -> None:
            if matrix is not None and key == self._key and not self._main.question.is_begun:
                self._main.question.ask_matrix(matrix)

        get_in_thread(
            self._main, partial(_question_of, state), ask, lambda _problem: None,
            name="reading the last question", group="remembered",
        )  # fmt: skip

    def note(self) -> None:
        main = self._main
        if not self._key or self._sought is not None or not main.is_mounted:
            return
        node, before = main.explorer.node or main.subject.node, self._states.get(self._key)
        matrix = main.question.question_matrix if main.question.whole_answer is not None else None
        state = AccountState(
            self._key,
            place=key_of(node) if node is not None else before.place if before is not None else "",
            tab=main.subject.tab or (before.tab if before is not None else ""),
            question=_question_form(matrix),
            sorts=dict(main.subject.table.sorts),
            columns=dict(main.subject.table.chosen_columns),
            bookmarks=list(main.browsing.bookmarks),
            sizes=dict(main.pane_sizes.sizes),
        )
        if before != state:
            with suppress(msgspec.ValidationError, UnicodeEncodeError):
                data = msgspec.json.encode(state)
                state = msgspec.json.decode(data, type=prepared(AccountState))
                if len(data) > LARGEST_ACCOUNT:
                    state = msgspec.structs.replace(state, question=None)
                self._states[self._key] = self._new[self._key] = state

    def _taken(self) -> tuple[Mapping[str, AccountState], Mapping[str, str]] | None:
        """Changes since the last save, the latest account first; None where there are none."""
        self.note()
        states, source = dict(reversed(self._new.items())), _source_form(self._source())
        if not states and (not source or source == self._state.source):
            return None
        self._new.clear()
        self._state.source = source or self._state.source
        return states, source

    def _keep_in_thread(self) -> None:
        taken = self._taken()

        def keep(work: Work) -> None:
            assert taken is not None
            failure = ""
            try:
                self._state.keep_places(*taken)
            except Problem as problem:
                failure = str(problem)
            work.tell(self._say, failure)

        if taken is not None:
            in_thread(self._main, keep, name="remembering the place", group="remembered")

    def _say(self, failure: str) -> None:
        if failure and failure != self._failure:
            self._main.say(failure)
        self._failure = failure

    def keep_now(self) -> None:
        """Keep it, as the app ends; blocking. What cannot be kept then is not."""
        taken = self._taken()
        if taken is not None:
            with suppress(Problem):
                self._state.keep_places(*taken)


def _key_of(workspace: Workspace) -> str:
    from iamtui.workspace.source.opening import cache_key

    source, who = workspace.source, workspace.account.caller_arn.value_or("")
    seen_by = f"{source.kind} {source.endpoint_url}"
    return cache_key(workspace.account.id, who, seen_by)


def _source_form(choice: SourceChoice | None) -> dict[str, str]:
    """Fields that name a source; nothing for standard input, a session, or several accounts."""
    if choice is None or choice.beside or choice.org_role or choice.session_key:
        return {}
    form = {"kind": choice.kind.value}
    if choice.profile:
        form["profile"] = choice.profile
    if choice.snapshot is not None:
        form["file"] = str(choice.snapshot.absolute())
        if str(choice.snapshot) == "-" or len(form["file"]) > LARGEST_ACCOUNT:
            return {}
    try:
        msgspec.json.encode(form)
    except UnicodeEncodeError:
        return {}
    return form


def _question_form(matrix: QuestionMatrix | None) -> dict[str, Any] | None:
    if matrix is None:
        return None
    made: dict[str, Any] = msgspec.to_builtins(remembered_record_of(matrix))
    return made


def _question_of(state: AccountState) -> QuestionMatrix | None:
    try:
        return matrix_of_record(msgspec.convert(state.question, prepared(QuestionRecord)))
    except msgspec.ValidationError:
        return None
