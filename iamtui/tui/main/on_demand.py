"""OnDemandLoading: facts that a source gives on demand: a resource's policy, a user's keys, one entity anew."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from iamtui.account.model import Entity, Group, ManagedPolicy, Missing, Role, User
from iamtui.problem import Problem
from iamtui.tui.background import Work, get_in_thread, in_thread
from iamtui.tui.content import Severity, line, plain
from iamtui.tui.drafts.controller import DraftController
from iamtui.tui.explorer.organization_view import OrganizationLoading
from iamtui.tui.main.inventory import OVERVIEW, Branch, IndexedAccount, Kind
from iamtui.tui.main.paned import PanedScreen
from iamtui.tui.sessions.export_dialog import ask_for_credentials
from iamtui.workspace.source.credential_commands import UserNeeded
from iamtui.workspace.source.unknown_facts import unknown_facts
from iamtui.workspace.source.workspace import OpeningCancelled, Progress, SourceKind, Workspace

if TYPE_CHECKING:
    from iamtui.questions.question import Question
    from iamtui.tui.main.inventory import IndexedAccount
    from iamtui.workspace.change.account_diff import EntityChange


Alone: TypeAlias = User | Group | Role | ManagedPolicy
"""Entities that can be read again one by one."""


class Loaded(Struct, frozen=True):
    """Result of a load.

    Args:
        before: the workspace it began with.
        now: the same with what could be loaded.
        what: what was loaded, in words, each.
        problems: why the rest could not be.
        changes: what is not as it was, of something that was read again.
    """

    before: Workspace
    now: IndexedAccount
    what: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    changes: tuple[EntityChange, ...] = ()


def lacks_details(workspace: Workspace, node: Entity | object) -> bool:
    """True where the source may have more about a user or role than was loaded with the account."""
    if isinstance(node, Role):
        return node.sso_reserved and workspace.lacks_people
    if not isinstance(node, User) or not workspace.can_call_aws:
        return False
    return any(isinstance(fact, Missing) for fact in (node.access_keys, node.mfa_devices, node.login_profile))


def lacks_facts(workspace: Workspace) -> bool:
    """True where AWS may have facts that the findings and the overview need: no lists that broke off."""
    account = workspace.account
    if account.is_being_read or account.unlisted or not workspace.can_call_aws:
        return False
    return any(fact.severities for fact in unknown_facts(account))


def lacks_organization(workspace: Workspace, node: object) -> bool:
    """True on the organization, where another profile or a file may have its unknown facts."""
    if not isinstance(node, Branch) or node.kind is not Kind.ORGANIZATION:
        return False

    from iamtui.workspace.source import organization

    return organization.lacks_organization(workspace.account)


def can_load(workspace: Workspace, node: Entity | object) -> bool:
    return lacks_organization(workspace, node) or lacks_details(workspace, node)


def load(workspace: Workspace, carriers: Sequence[str], node: User | Role | None = None) -> Loaded:
    """Ask the source for the policies of these resources, and for the details of a user or role, in a thread.

    Args:
        carriers: ARNs that have a policy of their own.
        node: a user whose access keys, MFA devices and console password are wanted, a role of IAM Identity Center to
            which it is wanted who can sign in, or None.
    """
    from iamtui.workspace.source.opening import load_user_details, with_resource_policies
    from iamtui.workspace.source.organization import with_identity_center

    now, failed = with_resource_policies(workspace, carriers)
    what, problems = [], list(failed.values())
    for carrier in carriers:
        policy = now.account.resource_policies.get(carrier)
        if policy is not None and policy.state == "denied":
            sentence = f"The policy of {carrier} may not be read: access denied."
            problems.append(Problem(sentence, f"It needs {policy.permission}." if policy.permission else ""))
        elif carrier not in failed:
            what.append(f"the policy of {carrier}")
    if isinstance(node, User):
        try:
            now = load_user_details(now, node.name)
            what.append(f"keys, MFA devices and password of {node.name}")
        except Problem as problem:
            problems.append(problem)
    elif node is not None:
        now = with_identity_center(now)
        lacking = now.account.identity_center
        if isinstance(lacking, Missing):
            need = f"It needs {lacking.permission}." if lacking.permission else ""
            problems.append(Problem(f"Who can sign in to {node.name} is not known: {lacking.reason}.", need))
        else:
            what.append("the people behind roles of IAM Identity Center")
    return Loaded(workspace, IndexedAccount.of(now), tuple(what), tuple(problems))


def read_again(workspace: Workspace, entity: Alone) -> Loaded:
    """Ask the source for one user, group, role or policy again. Blocking; for a thread.

    Raises:
        Problem: a part of it cannot be read.
    """
    from iamtui.workspace.change.account_diff import entity_changes
    from iamtui.workspace.source.opening import read_again

    now = read_again(workspace, entity)
    changes = tuple(entity_changes(workspace.account, now.account))
    return Loaded(workspace, IndexedAccount.of(now), (entity.name,), (), changes)


class OnDemandLoading:
    """Asks the source, in a thread, for what the user looks at or asks about: what was not loaded, or may be old.

    Args:
        mark_changed: marks what is not as it was, by ARN.
    """

    def __init__(
        self, screen: PanedScreen, drafts: DraftController, mark_changed: Callable[[Collection[str]], None]
    ) -> None:
        self._screen = screen
        self._drafts = drafts
        self._mark_changed = mark_changed
        self.people_loaded: Callable[[Workspace], object] = lambda _workspace: None
        """Told of an account to which the people behind its roles of IAM Identity Center came."""
        self._meant_resource = ""
        self._tried: set[str] = set()

    def load_policy_of(self, question: Question | None, *, again: bool = False) -> None:
        """Load the policy of the resource of a question that the user wants to know; `again`: even if that failed."""
        self._meant_resource = question.resource if question is not None else ""
        if again:
            self._tried.clear()
        self._load_policy()

    def again(self) -> None:
        """There is another account, or newer data: what could not be loaded before may be loaded now."""
        self._tried.clear()
        self._load_policy()

    def _load_policy(self) -> None:
        """Load the policy of the resource that was meant, unless that is loaded or was tried in vain."""
        question, workspace = self._screen.question.question, self._drafts.source_workspace
        if question is None or workspace is None or not workspace.can_call_aws:
            return
        if question.resource != self._meant_resource:
            return
        question_matrix = self._screen.question.question_matrix
        resources = question_matrix.resources if question_matrix is not None else (question.resource,)

        from iamtui.workspace.source.opening import unloaded_policies

        carriers = [arn for arn in unloaded_policies(workspace, resources) if arn not in self._tried]
        if carriers:
            self._tried.update(carriers)
            self._load(workspace, carriers, None)

    def load_here(self, what: str = "") -> None:
        """Load the details of the user or role under the cursor, or the organization; else the resource's policy.

        Args:
            what: "organization" for that, wherever the cursor is.
        """
        node, workspace = self._screen.subject.node, self._drafts.source_workspace
        if workspace is not None and (what or lacks_organization(workspace, node)):
            self._load_organization(workspace)
            return
        if workspace is not None and isinstance(node, User | Role) and lacks_details(workspace, node):
            self._load(workspace, [], node)
            return
        self.load_policy_of(self._screen.question.question, again=True)
        if not self._tried:
            self._screen.say(plain("Nothing more to load."))

    def _load_organization(self, workspace: Workspace) -> None:
        def prepare(now: Workspace) -> Loaded:
            return Loaded(workspace, IndexedAccount.of(now), ("the organization: its SCPs and RCPs",))

        def loading(name: str) -> None:
            self._screen.say(line("Reading the organization with ", (name, "bold"), " …"), stays=True)

        def refused(problem: Problem) -> None:
            self._screen.say(str(problem), Severity.WARNING)

        OrganizationLoading(self._screen, workspace, loading, prepare, self._show_loaded, refused).ask()

    def read_again_here(self, answer: Callable[[], None] = lambda: None) -> bool:
        """Read the user, group, role or policy under the cursor of a live account again; False where there is none.

        On the overview it is what that counts by and the account lacks.

        Args:
            answer: gives the profile what it takes before AWS is called, such as an MFA code.
        """
        entity, workspace = self._screen.subject.entity or self._screen.subject.node, self._drafts.source_workspace
        if workspace is None or workspace.source.kind is not SourceKind.LIVE:
            return False
        if entity == OVERVIEW and not workspace.source.cached and lacks_facts(workspace):
            self._load_facts(workspace, answer)
            return True
        if not isinstance(entity, Alone):
            return False
        entity = workspace.account.by_arn(entity.arn)
        if not isinstance(entity, Alone):
            # A draft made it.
            return False
        self._screen.say(line("Reading ", (entity.name, "bold"), " again …  R reads everything"), stays=True)

        def get() -> Loaded:
            answer()
            return read_again(workspace, entity)

        get_in_thread(self._screen, get, self._show_read_again, self._not_read, name="reading again", group="load")
        return True

    def _not_read(self, problem: Problem) -> None:
        if not isinstance(problem, UserNeeded):
            self._screen.say(str(problem), Severity.ERROR)
            return
        refused = partial(self._screen.say, str(problem.refused), Severity.ERROR)
        ask_for_credentials(self._screen.app, problem, self.read_again_here, refused)

    def _load_facts(self, workspace: Workspace, answer: Callable[[], None]) -> None:
        def load_facts(work: Work) -> None:
            from iamtui.workspace.source.opening import load_account_facts

            answer()

            def tell(progress: Progress) -> None:
                if work.cancelled():
                    raise OpeningCancelled
                work.tell(partial(self._screen.say, plain(f"Reading {progress.words}"), stays=True))

            with suppress(OpeningCancelled):
                found = IndexedAccount.of(load_account_facts(workspace, tell))
                work.tell(self._show_loaded, Loaded(workspace, found, ("facts about the account",)))

        self._screen.say(plain("Reading facts about the account …  R reads everything"), stays=True)
        in_thread(self._screen, load_facts, self._not_read, name="reading facts about the account", group="load")

    def _show_read_again(self, loaded: Loaded) -> None:
        if loaded.before is not self._drafts.source_workspace:
            return
        self._mark_changed([change.name for change in loaded.changes])
        self._drafts.show_account(loaded.now)
        account, name = loaded.now.workspace.account, loaded.what[0]
        words = "; ".join(
            f"{account.short_name(one.name)} {one.change}" + (f" ({', '.join(one.details)})" if one.details else "")
            for one in loaded.changes
        )
        self._screen.say(line("Read ", (name, "bold"), f" again: {words or 'nothing has changed'}."))

    def _load(self, workspace: Workspace, carriers: Sequence[str], node: User | Role | None) -> None:
        self._screen.say(
            line("Asking for ", (node.name if node is not None else carriers[0], "bold"), " …"), stays=True
        )
        get = partial(load, workspace, carriers, node)
        get_in_thread(self._screen, get, self._show_loaded, name="loading on demand", group="load")

    def _show_loaded(self, loaded: Loaded) -> None:
        if loaded.before is not self._drafts.source_workspace:
            return
        now = loaded.now.workspace
        if now is not loaded.before:
            # That a policy may not be read is known from then on, too.
            self._drafts.show_account(loaded.now)
        if now.account.identity_center is not loaded.before.account.identity_center:
            self.people_loaded(now)
        if loaded.what:
            self._screen.say(line("Loaded ", (", ".join(loaded.what), "bold"), "."))
        for problem in loaded.problems:
            self._screen.say(str(problem), Severity.WARNING)
