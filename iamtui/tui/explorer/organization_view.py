"""The organization on the screen: levels with the SCPs and RCPs attached there, and loading what is not known of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from msgspec.structs import replace
from rich.cells import cell_len
from textual.screen import Screen

from iamtui.account.model import IAM_SERVICE, Account, Fact, Missing, OrganizationLevel, OrganizationPolicy
from iamtui.problem import Problem
from iamtui.text import counted, safe_text
from iamtui.tui.background import get_in_thread
from iamtui.tui.content import Severity, line, lines, plain
from iamtui.tui.dialogs.dialogs import Choice, ChoiceDialog, LineDialog, needed
from iamtui.tui.explorer.listings import BLANK, EntityTab, ListingEntry, ListingRow, TabId, heading, unknown_row
from iamtui.tui.main.inventory import LEVEL_WORDS, Branch, Kind, key_of, shorter_unknown, unknown
from iamtui.tui.sessions.export_dialog import ask_for_credentials
from iamtui.tui.widgets.status import Notice
from iamtui.workspace.source.credential_commands import UserNeeded
from iamtui.workspace.source.workspace import OrganizationSource, SourceChoice, SourceKind, Workspace, list_profiles

if TYPE_CHECKING:
    from iamtui.tui.dialogs.dialogs import Choice
    from iamtui.workspace.source.live_accounts import UnitOfAccounts

T = TypeVar("T")


HOW_TO_LOAD: Final = "L reads them with another profile, or from a file."
_SHORTER: Final = ("L: with another profile or a file",)


def organization_tabs(account: Account, branch: Branch) -> tuple[EntityTab, ...]:
    """The tabs of the organization, or of one of its levels."""
    policies = organization_entries(account, branch)
    overview = EntityTab(TabId.OVERVIEW, "Overview")
    return (overview, EntityTab(TabId.POLICIES, "Policies", len(policies))) if policies else (overview,)


def organization_rows(account: Account, branch: Branch) -> list[ListingRow]:
    """The Overview tab: place of the account in the organization, and how many policies of each level cap it."""
    fact = account.organization
    if isinstance(fact, Missing):
        return [
            ListingRow("SCPs, RCPs", "not evaluated", "warning"),
            ListingRow("Why", _why(fact), shorter=shorter_unknown(fact)[1:]),
            ListingRow("", HOW_TO_LOAD, shorter=_SHORTER),
        ]
    if fact.value is None:
        return [ListingRow("", "This account is in no organization: no SCP or RCP applies.", "muted")]
    levels = _levels(account, branch)
    if branch.folder:
        return [row for level in levels for row in _level_rows(level)]
    organization = fact.value
    administrators = organization.delegated_administrators
    named = ", ".join((administrators or {}).get(IAM_SERVICE, ())) or "none"
    management = organization.management_account
    is_management = management == account.id
    rows = [
        ListingRow("Organization", organization.id),
        ListingRow("Managed by", management or "unknown", note="this account" if is_management else ""),
        ListingRow("IAM admins", named, note="delegated administrators")
        if administrators is not None
        else unknown_row("IAM admins", Missing("not read", "organizations:ListDelegatedAdministrators")),
    ]
    if is_management:
        rows.append(ListingRow("", "SCPs and RCPs do not bind the management account.", "warning"))
    rows += [BLANK, heading("From the root to this account")]
    names = [safe_text(level.name or level.id) for level in levels]
    width = max(map(cell_len, names), default=0)
    for level, name in zip(levels, names, strict=True):
        counts = f"{' ' * (width - cell_len(name))}{_count('SCP', level.scps)}, {_count('RCP', level.rcps)}"
        target = key_of(Branch(Kind.ORGANIZATION, level.id))
        rows.append(
            ListingRow(LEVEL_WORDS.get(level.type, level.type), level.name or level.id, target=target, note=counts)
        )
    if any(isinstance(one, Missing) for level in levels for one in (level.scps, level.rcps)):
        rows += [BLANK, ListingRow("", HOW_TO_LOAD, shorter=_SHORTER)]
    return rows


def _level_rows(level: OrganizationLevel) -> list[ListingRow]:
    rows = [ListingRow(LEVEL_WORDS.get(level.type, level.type).capitalize(), level.name or level.id)]
    rows.append(ListingRow("Id", level.id))
    for kind, fact in (("SCPs", level.scps), ("RCPs", level.rcps)):
        if isinstance(fact, Missing):
            rows.append(unknown_row(kind, fact))
        elif not fact.value:
            rows.append(ListingRow(kind, "none attached", "muted"))
        else:
            names = [one.name or one.arn for one in fact.value]
            rows += [ListingRow(kind if not index else "", name) for index, name in enumerate(names)]
    return rows


def _why(fact: Missing) -> str:
    return f"{fact.reason}; needs {fact.permission}" if fact.permission else fact.reason


def _count(kind: str, fact: Fact[tuple[OrganizationPolicy, ...]]) -> str:
    if isinstance(fact, Missing):
        return f"{kind}s unknown"
    return counted(len(fact.value), kind)


def organization_entries(account: Account, branch: Branch) -> list[ListingEntry]:
    """The Policies tab: every SCP and RCP with its document, and where it is attached."""
    entries: list[ListingEntry] = []
    for level in _levels(account, branch):
        of_level: list[ListingEntry] = []
        for kind, fact in (("SCP", level.scps), ("RCP", level.rcps)):
            if isinstance(fact, Missing):
                row = ListingRow(kind, f"{kind}s unknown", "faint", note=unknown(fact))
                of_level.append(ListingEntry(row, missing=f"The {kind}s of this level: {unknown(fact)}."))
            else:
                of_level += [_entry(kind, one) for one in fact.value]
        if not branch.folder:
            of_level = [_with_level(entry, level if not index else None) for index, entry in enumerate(of_level)]
        entries += of_level
    return entries


def _entry(kind: str, policy: OrganizationPolicy) -> ListingEntry:
    unreadable = "unreadable" if policy.document.error is not None else ""
    row = ListingRow(kind, policy.name or policy.arn, "strong", note=unreadable)
    return ListingEntry(row, policy.document, names=tuple(filter(None, (policy.name, policy.arn))))


def _with_level(entry: ListingEntry, level: OrganizationLevel | None) -> ListingEntry:
    """An entry of one list for all levels: the level in front, once, and the type behind the name."""
    row = entry.row
    note = f"{row.label}  {row.note}".strip()
    label = (level.name or level.id) if level is not None else ""
    shown = ListingRow(label, row.value, row.style, note=note)
    return ListingEntry(shown, entry.document, entry.missing, entry.names)


def _levels(account: Account, branch: Branch) -> Sequence[OrganizationLevel]:
    return [level for level in account.organization_levels if branch.folder in ("", level.id)]


# Loading: which profile or file says it, and what to say of that.


_FILE: Final = "file"
_PROFILE: Final = "profile:"


class OrganizationLoading(Generic[T]):
    """Asks for a profile or a file that says the organization, and reads it in a thread.

    Args:
        loading: told with what it is read.
        prepare: makes of the workspace with its organization what is shown, in the thread.
        loaded: shows that.
        refused: given why there is none.
    """

    def __init__(
        self,
        screen: Screen[Any],
        workspace: Workspace,
        loading: Callable[[str], None],
        prepare: Callable[[Workspace], T],
        loaded: Callable[[T], None],
        refused: Callable[[Problem], None],
    ) -> None:
        self._screen = screen
        self._workspace = workspace
        self._loading = loading
        self._prepare = prepare
        self._loaded = loaded
        self._refused = refused

    def ask(self) -> None:
        fact = self._workspace.account.organization
        title = line(("Read SCPs and RCPs with", "bold"))
        why = f"Not evaluated: {_why(fact)}." if isinstance(fact, Missing) else "A part of them could not be read."
        choices = [Choice(_FILE, "A file …", "what iamtui or the AWS CLI wrote")]
        more = self._profiles if self._workspace.can_call_aws else None
        hint = lines(plain(why, "$muted"), plain("A profile of the management account or a delegate.", "$muted"))
        self._screen.app.push_screen(ChoiceDialog(title, choices, more=more, hint=hint), self._chosen)

    def _profiles(self) -> list[Choice]:
        mine = self._workspace.source.profile
        return [
            Choice(
                f"{_PROFILE}{one.name}", one.name, f"{one.kind}{'  this account' if one.name == mine else ''}".strip()
            )
            for one in list_profiles()
        ]

    def _chosen(self, key: str | None) -> None:
        if key == _FILE:
            hint = plain("What iamtui or the AWS CLI wrote of the organization.", "$muted")
            self._screen.app.push_screen(
                LineDialog(line("Organization file"), "", hint, check=needed, is_path=True),
                self._named,
            )
        elif key:
            self._load(OrganizationSource(profile=key.removeprefix(_PROFILE), profile_named=True))

    def _named(self, name: str | None) -> None:
        if name:
            self._load(OrganizationSource(file=name.strip()))

    def _load(self, where: OrganizationSource, answer: Callable[[], None] | None = None) -> None:
        def load() -> T:
            from iamtui.workspace.source.organization import load_organization

            if answer is not None:
                answer()
            return self._prepare(load_organization(self._workspace, where))

        self._loading(where.profile or where.file)
        refused = partial(self._not_loaded, where)
        get_in_thread(self._screen, load, self._loaded, refused, name="reading the organization", group="load")

    def _not_loaded(self, where: OrganizationSource, problem: Problem) -> None:
        if not isinstance(problem, UserNeeded):
            self._refused(problem)
            return
        refused = partial(self._refused, Problem(problem.refused.sentence, HOW_TO_LOAD))
        ask_for_credentials(self._screen.app, problem, partial(self._load, where), refused)


# Opening the accounts of a unit, by a role that is assumed in each.


class UnitPicking:
    """Asks for a unit in the tree of an organization, and for the role that opens its accounts.

    Args:
        choice: the account whose credentials list the accounts and assume the role.
        picked: given what is to be opened.
    """

    def __init__(self, screen: Screen[Any], choice: SourceChoice, picked: Callable[[SourceChoice], None]) -> None:
        self._screen = screen
        self._choice = choice
        self._picked = picked

    def ask(self) -> None:
        if self._choice.kind is not SourceKind.LIVE:
            words = "The accounts of an organization are opened from a live account of it: g a chooses one."
            self._screen.post_message(Notice(plain(words)))
            return
        self._screen.post_message(Notice(plain("Reading the accounts of the organization …")))

        def read() -> list[UnitOfAccounts]:
            from iamtui.workspace.source.live_accounts import organization_units

            return organization_units(self._choice)

        get_in_thread(
            self._screen, read, self._show, lambda problem: self._say(str(problem)), name="reading units", group="load"
        )

    def _say(self, words: str) -> None:
        self._screen.post_message(Notice(plain(words, limit=None), Severity.WARNING))

    def _show(self, units: Sequence[UnitOfAccounts]) -> None:
        if self._screen.app.screen is not self._screen:
            # The user went on to something else.
            return
        choices = [
            Choice(one.id, f"{'  ' * one.depth}{one.name or one.id}", counted(one.accounts, "account")) for one in units
        ]
        hint = plain("Opens every account in it and below, each by assuming a role.", "$muted")
        dialog = ChoiceDialog(
            line(("Accounts of the organization", "bold")), choices, empty="It has no account.", hint=hint
        )
        self._screen.app.push_screen(dialog, self._chosen)

    def _chosen(self, unit: str | None) -> None:
        if not unit:
            return

        def named(role: str | None) -> None:
            if role:
                self._picked(replace(self._choice, beside=(), session_key="", org_role=role, org_unit=unit))

        hint = plain("A role that each account has, with its path: OrganizationAccountAccessRole.", "$muted")
        self._screen.app.push_screen(
            LineDialog(line("Role to assume"), self._choice.org_role, hint, check=needed),
            named,
        )
