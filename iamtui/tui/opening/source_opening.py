"""Opening sources in threads: what was read last first, with progress, cancel and a chooser, and what came of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace
from textual.content import Content
from textual.worker import get_current_worker

from iamtui.catalog.tables import REGIONS
from iamtui.problem import Problem
from iamtui.tui import clock
from iamtui.tui.background import compile_once_drawn, free_replaced_account, get_in_thread, run_worker_in_thread
from iamtui.tui.content import Severity, line, plain
from iamtui.tui.dialogs.dialogs import Choice, ChoiceDialog
from iamtui.tui.dialogs.list_dialogs import MenuDialog, MenuItem
from iamtui.tui.explorer.organization_view import UnitPicking
from iamtui.tui.main.inventory import IndexedAccount
from iamtui.tui.main.main_screen import MainScreen
from iamtui.tui.opening.chooser import ChooserScreen, LoginDialog
from iamtui.tui.sessions.controller import LockScreen
from iamtui.tui.sessions.export_dialog import ask_for_credentials
from iamtui.tui.terminal_app import TerminalApp
from iamtui.tui.widgets.status import MessageLine
from iamtui.workspace.source.credential_commands import UserNeeded, end_commands
from iamtui.workspace.source.workspace import (
    NO_ORGANIZATION_SOURCE,
    CacheUse,
    OpeningCancelled,
    OrganizationSource,
    Progress,
    ProgressReport,
    SourceChoice,
    SourceKind,
    Workspace,
)

if TYPE_CHECKING:
    from iamtui.workspace.change.account_diff import EntityChange


Opener = Callable[[SourceChoice, ProgressReport, Callable[[], bool]], Workspace]
"""Loads what a choice names, blocking; the app calls it in a thread."""

_LOADING: Final = "loading"


def open_blocking(
    choice: SourceChoice, report: ProgressReport, cancelled: Callable[[], bool], so_far: Workspace | None = None
) -> Workspace:
    from iamtui.workspace.source.open_accounts import open_accounts

    return open_accounts(choice, report, cancelled, parts=True, so_far=so_far)


class SourceOpening:
    """Opens sources in threads, with progress, cancel and a chooser, and says what came of it.

    What was opened last is on the main screen, and stays there until something else is.

    Args:
        choice: what to open; None: ask first.
        opener: loads what is chosen.
        say_opened: says what there is to say of an account that was opened, and what is new since it was shown last.
        organization: where else the organization of an account that is chosen is read.
        last: what was opened in the run before (kind, profile, file), to begin with when the user is asked.
    """

    def __init__(
        self,
        app: TerminalApp,
        main: MainScreen,
        choice: SourceChoice | None,
        opener: Opener,
        say_opened: Callable[[Workspace, str], None],
        organization: OrganizationSource = NO_ORGANIZATION_SOURCE,
        last: Mapping[str, str] | None = None,
    ) -> None:
        self._app = app
        self._main = main
        self._say_opened = say_opened
        self.choice = None if choice is not None and choice.asks else choice
        self._cache = choice.cache if choice is not None else CacheUse.KEEP
        self._endpoint_url = choice.endpoint_url if choice is not None else None
        """Given for this run, whatever account is chosen later: keys for an emulator must not go to AWS."""
        self._last = last or {}
        self._organization = organization
        if choice is not None and choice.kind is SourceKind.LIVE and not choice.asks:
            self._organization = replace(choice.organization, file="")
        self._opened: SourceChoice | None = None
        self._own: SourceChoice | None = None
        """The source that was open before an account was browsed as a session."""
        self._unfinished: tuple[SourceChoice, Workspace] | None = None
        self._leaves = self._forgets = False
        """True where the opened account replaces another, and where the sessions of that one go with it."""
        self._chooser: ChooserScreen | None = None
        self._opener = opener
        main.on_demand.people_loaded = self._keep
        self.end_commands: Callable[[], None] = lambda: None
        """Ends commands for credentials: they have no terminal, so that nothing tells them when ours has gone."""

    @property
    def opened(self) -> SourceChoice | None:
        """The source on screen, or that of before an account was browsed as a session; None before anything is
        whole."""
        return self._own or self._opened

    def open_or_choose(self) -> None:
        if self.choice is None:
            self.choose()
        else:
            self.open(self.choice)

    def open_anew(self) -> None:
        """Read the source again from its beginning."""
        self._unfinished = None
        self.open_or_choose()

    @property
    def is_settled(self) -> bool:
        """True where the chosen source is on screen, and nothing of it that may come is lacking."""
        return self.choice is not None and self.choice is self._opened and self._unfinished_of(self.choice) is None

    def open(self, choice: SourceChoice, answer: Callable[[], None] | None = None) -> None:
        """Load a source in a worker; one that is still loading is cancelled.

        Args:
            answer: uses what the user has just agreed to or typed, before anything else.
        """
        if choice.cache is not self._cache:
            beside = tuple(replace(one, cache=self._cache) for one in choice.beside)
            choice = replace(choice, cache=self._cache, beside=beside)
        shown = self._main.source_workspace if choice is self._opened else None
        if shown is not None and shown.source.organization != choice.organization:
            # It was chosen since where the organization is read.
            where = shown.source.organization
            choice = self._opened = replace(choice, organization=where)
            if self._unfinished is not None:
                self._unfinished = choice, self._unfinished[1].reading_organization(where)
        self.choice = choice
        try:
            opener = self._opener_as_session(choice) if choice.session_key else self._opener
        except Problem as problem:
            self._show_problem(choice, problem)
            return
        so_far = self._some_of(choice)
        if so_far is not None:
            opener = partial(open_blocking, so_far=so_far)
        self._main.tries_again = False
        self._main.browsing.show_opening(_name_of(choice))
        self._say(line("Opening ", (_name_of(choice), "bold"), " …"), stays=True)
        load = partial(self._load, choice, opener, answer, self._unfinished_of(choice), shown)
        run_worker_in_thread(self._app, load, "opening the account", group=_LOADING, exclusive=True)

    def _unfinished_of(self, choice: SourceChoice) -> Workspace | None:
        """The part of a source that was read where reading broke off and can go on."""
        if self._unfinished is None or self._unfinished[0] != choice or self._unfinished[1].reading is None:
            return None
        return self._unfinished[1]

    def _some_of(self, choice: SourceChoice) -> Workspace | None:
        """Those of several accounts that are there, where opening them broke off."""
        broke_off = choice.is_of_several and choice is not self._opened and self._unfinished is not None
        return self._unfinished[1] if broke_off and self._unfinished and self._unfinished[0] == choice else None

    def _load(
        self,
        choice: SourceChoice,
        opener: Opener,
        answer: Callable[[], None] | None,
        unfinished: Workspace | None,
        shown: Workspace | None,
    ) -> None:
        """Load a source, in a thread.

        Args:
            unfinished: what was read of it so far, to go on from.
            shown: the same source as it is on screen, which stays there until it is read whole.
        """
        from iamtui.workspace.change.account_diff import changes_since
        from iamtui.workspace.source.opening import go_on_reading, keep_in_cache
        from iamtui.workspace.source.organization import with_people_again

        worker = get_current_worker()

        def arrive(callback: Callable[..., None], *args: object) -> None:
            if not worker.is_cancelled:  # Which it may be since this was told.
                callback(*args)

        tell = partial(self._app.call_later, arrive)
        if choice.kind is SourceKind.LIVE:
            self.end_commands = end_commands
        was = {one.account.id: one for one in (shown, *shown.beside)} if shown is not None else {}

        def report(progress: Progress) -> None:
            if worker.is_cancelled:
                raise OpeningCancelled
            part = progress.part
            if part is None:
                tell(self._show_progress, progress)
            elif shown is None:
                for one in (part, *part.beside):
                    if one.source.cached:
                        was.setdefault(one.account.id, one)
                tell(self._show_part, choice, self._indexed(part))

        try:
            if answer is not None:
                answer()
            if unfinished is not None:
                workspace = go_on_reading(unfinished, report, lambda: worker.is_cancelled)
            else:
                wanted = choice if shown is None else replace(choice, cache=CacheUse.NOTHING)
                workspace = opener(wanted, report, lambda: worker.is_cancelled)
            if was:
                workspace = with_people_again(was, workspace, report)
            made = self._indexed(workspace)
        except OpeningCancelled:
            pass
        except Problem as problem:
            tell(self._show_problem, choice, problem)
        else:
            changes = changes_since(was, workspace)
            age = next(filter(None, (one.own_age for one in was.values())), "")
            tell(self._show, choice, made, _words_of(changes, age, workspace) if changes is not None else "", changes)
            if choice.cache is CacheUse.KEEP:
                keep_in_cache(workspace)

    def _keep(self, workspace: Workspace) -> None:
        if self._cache is CacheUse.KEEP:
            from iamtui.workspace.source.opening import keep_in_cache

            keep = partial(keep_in_cache, workspace)
            get_in_thread(self._main, keep, lambda _kept: None, name="keeping the account", group="cache")

    def _show_progress(self, progress: Progress) -> None:
        words = line(progress.words)
        if self._chooser is not None:
            self._chooser.show_progress(words)
        else:
            self._say(line(words, ("  esc cancels", "$muted")), stays=True)

    def _indexed(self, workspace: Workspace) -> IndexedAccount:
        """The index of accounts on screen: of the one on screen, where it is one of them."""
        on_screen = self._main.source_workspace
        return IndexedAccount.of(workspace if on_screen is None else workspace.at(on_screen.account.id))

    def _put_on_screen(self, made: IndexedAccount) -> None:
        """Show an account; where the user went to another one of several meanwhile, that."""
        was, others = self._main.source_workspace, made.workspace.others
        if was is not None:
            free_replaced_account(self._app, was.account)
        self._leave_old_account()
        self._main.drafts.show_account(made)
        if was is not None and was.account.id in others:
            self._main.drafts.look_at(was.account.id)

    def _show_part(self, choice: SourceChoice, made: IndexedAccount) -> None:
        """Show an account as it was read last, or as far as it is read; the message line still says how far that is."""
        if choice is not self.choice or self._app.is_leaving:
            return
        part = made.workspace
        self._unfinished = choice, part
        if self._chooser is not None:
            self._chooser.finish()
        self._main.mark_changed(())
        self._put_on_screen(made)
        if part.source.cached and not choice.is_of_several:
            self._opened = choice
            self._app.call_after_refresh(compile_once_drawn, self._main, part)

    def _show(
        self, choice: SourceChoice, made: IndexedAccount, news: str, changes: Sequence[EntityChange] | None
    ) -> None:
        if choice is not self.choice or self._app.is_leaving:
            return
        workspace = made.workspace
        self._opened, self._unfinished = choice, (choice, workspace)
        self._end_lending()
        if not choice.session_key:
            self._own = None
        if self._chooser is not None:
            self._chooser.finish()
        self._main.mark_changed([change.name for change in changes or ()])
        self._put_on_screen(made)
        self._app.call_after_refresh(compile_once_drawn, self._main, workspace)
        self._say_opened(workspace, news)

    def _leave_old_account(self) -> None:
        """Where another account takes its place, let nothing of the one on screen stay but what the user keeps."""
        if not self._leaves:
            return
        self._leaves = False
        self._main.kept_denials = None
        if not isinstance(self._app.screen, LockScreen):
            for screen in reversed(self._app.screen_stack[1:]):
                screen.dismiss(None)
        if self._forgets:
            self._main.sessions.forget_all()
            self._main.lifecycle.forget_mfa_sessions()

    def _show_problem(self, choice: SourceChoice, problem: Problem) -> None:
        if choice is not self.choice:
            return
        if isinstance(problem, UserNeeded):
            self._ask_user(choice, problem)
            return
        main, self._leaves = self._main, False
        self._end_lending()
        main.browsing.show_nothing_open(problem if self._chooser is None else None)
        if self._chooser is not None:
            # The line below said that it is being opened.
            self._say("")
            self._chooser.show_problem(problem)
        else:
            needs_login = bool(problem.login_command)
            main.tries_again = needs_login and main.workspace is None
            key = "F5" if main.tries_again else "r"
            again = f"  ({key} then tries again.)" if needs_login else ""
            if needs_login and self._app.screen is main:
                self._wait_for_login(choice, problem)
            age = main.workspace.own_age if main.workspace is not None else ""
            old = f"  The account is shown as {age}." if age else ""
            self._say(f"{problem}{again}{old}", Severity.ERROR)
        self.choice = self._opened or self.choice

    def _wait_for_login(self, choice: SourceChoice, problem: Problem) -> None:
        def answered(again: bool | None) -> None:
            if again:
                self.open(choice)

        self._app.push_screen(LoginDialog(problem), answered)

    def _ask_user(self, choice: SourceChoice, needed: UserNeeded) -> None:
        """Ask for what the credentials of the profile take, and then open the source, unless another was chosen."""

        def go_on(answer: Callable[[], None]) -> None:
            if choice is self.choice:
                self.open(choice, answer)

        ask_for_credentials(self._app, needed, go_on, partial(self._show_problem, choice, needed.refused))

    def stop(self) -> None:
        running = [worker for worker in self._app.workers if worker.group == _LOADING and worker.is_running]
        for worker in running:
            worker.cancel()
        self.choice, self._leaves = self._opened or self.choice, False
        if running:
            self._main.browsing.show_nothing_open()
            in_part = self.choice is not None and self._unfinished_of(self.choice) is not None
            goes_on = "A part of the account is there, r reads the rest." if in_part else "r tries again."
            if self.choice is not None and self._some_of(self.choice) is not None:
                goes_on = "Some of the accounts are there, r reads the rest."
            self._say(plain(f"Cancelled. {goes_on} g a chooses a source."))

    def choose(self) -> None:
        if self._chooser is None:
            self._main.browsing.show_nothing_open()
            self._chooser = ChooserScreen(
                opening=self._switch,
                cancelling=self.stop,
                endpoint_url=self._endpoint_url,
                opened=self._open_sources(),
                last=self._last,
            )
            self._app.push_screen(self._chooser, self._chooser_left)

    def _open_sources(self) -> frozenset[tuple[SourceKind, str]]:
        workspace = self._main.source_workspace
        sources = [one.source for one in (workspace, *workspace.beside)] if workspace is not None else []
        return frozenset((one.kind, one.profile) for one in sources if not one.session_key)

    def _switch(self, choice: SourceChoice) -> None:
        """Open what was chosen in place of what is open; ask what becomes of the sessions of that."""
        if choice.kind is SourceKind.LIVE and not choice.org_role:
            choice = replace(choice, organization=self._organization)
        # Of an account that is on screen in part, sessions may be held as well.
        shown = self._opened or (self._unfinished[0] if self._unfinished is not None else None)
        self._leaves = shown is not None and not _is_same(choice, shown)
        held = len(self._main.sessions.keeper)
        self._forgets = not held
        if not held or not self._leaves:
            self.open(choice)
            return

        def answered(wanted: str | None) -> None:
            if wanted is not None:
                self._forgets = wanted == "forget"
                self.open(choice)
            elif self._chooser is not None:
                self._chooser.action_leave()

        until = "once the other account is open. What AWS has issued stays valid until its end."
        items = (
            MenuItem("forget", "Forget them", "f", detail=f"They are forgotten {until}"),
            MenuItem("keep", "Keep them", "k", detail="They go on being renewed as before."),
        )
        title = line(f"What should happen to {held} session{'s' if held > 1 else ''}?")
        self._app.push_screen(MenuDialog(title, items), answered)

    def choose_unit(self) -> None:
        """Ask for a unit of the organization, and open its accounts in place of what is open."""
        shown, workspace = self._own or self._opened or self.choice, self._main.source_workspace
        if shown is None:
            self._say(plain("Open an account first: g a chooses one."))
            return
        if workspace is not None and shown is self._opened:
            shown = replace(shown, organization=workspace.source.organization)
        UnitPicking(self._main, shown, self._switch).ask()

    # Browsing as a session that was assumed here.

    def browse_as(self) -> None:
        """Open the account of the active session with its credentials; where that is open, as before."""
        kept, workspace, opened = self._main.sessions.kept_or_say(), self._main.source_workspace, self._opened
        if kept is None:
            return
        if workspace is None or opened is None or not workspace.can_call_aws:
            self._say(plain("A session is browsed as from a live account, or the demo: g a chooses one."))
            return
        own = self._own or opened
        self._leaves, self._forgets = True, False
        if opened.session_key == kept.key:
            self.open(own)
        else:
            self._own = own
            self.open(
                replace(opened, session_key=kept.key, beside=(), org_role="", organization=NO_ORGANIZATION_SOURCE)
            )

    def _opener_as_session(self, choice: SourceChoice) -> Opener:
        """Opens the account of a held session.

        Raises:
            Problem: the session is gone, has ended, or is not who it should be.
        """
        from iamtui.workspace.assume.assume import open_as

        workspace = self._main.source_workspace
        assert workspace is not None
        session = self._main.sessions.keeper.newest(choice.session_key)
        acting = self._acting(workspace, choice)
        return lambda wanted, report, cancelled: open_as(acting, session, wanted, report, cancelled)

    def _acting(self, workspace: Workspace, choice: SourceChoice) -> Workspace:
        """A workspace with the newest credentials of the chosen session, which are lent: forget ends that too."""
        from iamtui.workspace.assume.assume import as_session

        keeper = self._main.sessions.keeper
        acting = as_session(workspace, keeper.newest(choice.session_key), clock.now())
        assert acting.connection is not None
        connection = acting.connection.reopened(region=choice.region or "")
        kept = keeper.get(choice.session_key)
        if kept is not None:
            kept.lend(connection)
        return dataclasses.replace(acting, connection=connection, beside=(), not_opened=())

    def _end_lending(self) -> None:
        opened = self._opened.session_key if self._opened is not None else ""
        for kept in self._main.sessions.keeper:
            if kept.key != opened:
                kept.end_lending()

    def look_after_session(self) -> None:
        """Once a second: take the credentials that a renewal gave, and leave the account of a forgotten session."""
        opened, workspace = self._opened, self._main.source_workspace
        if opened is None or not opened.session_key or opened is not self.choice or workspace is None:
            return
        kept = self._main.sessions.keeper.get(opened.session_key)
        if kept is None:
            self._leave_session(opened, workspace)
        elif kept.session.access_key_id != kept.lent_key and not kept.session.expired(clock.now()):
            try:
                moved = dataclasses.replace(workspace, connection=self._acting(workspace, opened).connection)
            except Problem as problem:
                self._leave_session(opened, workspace)
                self._say(str(problem), Severity.ERROR)
                return
            self._unfinished = opened, moved
            self._main.drafts.show_again(moved)

    def _leave_session(self, opened: SourceChoice, workspace: Workspace) -> None:
        """Go on as the profile's own caller; until its account is read, the one on screen has no connection."""
        own = self._own or replace(opened, session_key="")
        source = replace(workspace.source, label="forgotten session", acting_as="", session_key="")
        self._main.drafts.show_again(dataclasses.replace(workspace, source=source, connection=None))
        self._opened, self._leaves, self._forgets = own, True, False
        self.open(replace(own))

    def choose_region(self) -> None:
        workspace = self._main.source_workspace
        if workspace is None:
            self._say(plain("Open an account first: g a chooses one."))
            return
        partition = workspace.account.partition
        choices = [
            Choice(region, region, "in use" if region == workspace.source.region else "")
            for region in sorted(REGIONS.get(partition, ()))
        ]
        self._app.push_screen(ChoiceDialog(line("Region"), choices), self._region_chosen)

    def _region_chosen(self, region: str | None) -> None:
        workspace, choice = self._main.source_workspace, self._opened or self.choice
        if region is None or workspace is None or choice is None:
            return
        if all(one.source.region == region for one in (workspace, *workspace.beside)):
            return
        there = replace(choice, region=region, beside=tuple(replace(one, region=region) for one in choice.beside))
        if any(worker.group == _LOADING and worker.is_running for worker in self._app.workers):
            # Read anew, as what is being read is of the other Region.
            self.open(there)
            return

        def go_on(moved: Workspace) -> None:
            if workspace is self._main.source_workspace:
                if choice.session_key:
                    moved = dataclasses.replace(moved, connection=self._acting(workspace, there).connection)
                self.choice = self._opened = there
                self._unfinished = there, moved
                self._main.drafts.show_again(moved)
                calls = ", and calls go there" if moved.can_call_aws else ""
                self._say(line("Questions are about ", (region, "bold"), f"{calls}."))

        from iamtui.workspace.source.opening import in_region

        get_in_thread(
            self._main, partial(in_region, workspace, region), go_on,
            lambda problem: self._say(str(problem), Severity.ERROR), name="changing the Region", group=_LOADING,
        )  # fmt: skip

    def _chooser_left(self, _choice: SourceChoice | None) -> None:
        self._chooser = None
        if self._main.workspace is None and self._opened is None:
            self._say(plain("Nothing chosen. Press g a to choose what to open, q to quit."), stays=True)

    def _say(self, text: Content | str, severity: Severity = Severity.INFORMATION, *, stays: bool = False) -> None:
        # A screen that is being left has lost its lines already.
        if self._main.query(MessageLine):
            self._main.say(text, severity, stays=stays)


def _is_same(choice: SourceChoice, other: SourceChoice) -> bool:
    return all(
        getattr(choice, name) == getattr(other, name)
        for name in ("kind", "snapshot", "profile", "snapshot_account", "beside", "session_key", "org_role", "org_unit")
    )


_MOST_NAMES: Final = 3


def _words_of(changes: Sequence[EntityChange], age: str, workspace: Workspace) -> str:
    """ "Since it was read 3h ago: 1 changed (user/dora), 2 added (…)."."""
    since = f"it was {age or 'read before'}"
    if not changes:
        return f"Nothing has changed since {since}."
    kinds: dict[str, list[str]] = {}
    for change in changes:
        kinds.setdefault(change.change, []).append(workspace.short_name(change.name))
    named = [
        f"{len(names):,} {kind}" + (f" ({', '.join(names)})" if len(names) <= _MOST_NAMES else "")
        for kind, names in kinds.items()
    ]
    return f"Since {since}: {', '.join(named)}."


def _name_of(choice: SourceChoice) -> str:
    if choice.org_role:
        return f"accounts of the organization as {choice.org_role}"
    if choice.beside:
        return f"{len(choice.beside) + 1} accounts"
    if choice.session_key:
        return "the session's account"
    if choice.kind is SourceKind.SNAPSHOT and choice.snapshot is not None:
        return choice.snapshot.name
    if choice.kind is SourceKind.DEMO:
        return "the demo account"
    return f"profile {choice.profile}" if choice.profile else "the AWS account"
