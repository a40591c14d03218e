"""Privilege escalation: who can become administrator, by which steps, and which single statement closes the most paths.

Every step is decided by the engine on the real resource, after conditions, boundaries, SCPs and RCPs, with the trust
policy of the role. What a step changes is taken as changed by the steps after it: a user or role that can be given any
policy, freed of its boundary or put into a group is looked at as it is then. The search goes back from the
administrators, and so is not cut by the number of writes or of principals that a path has. Each number that bounds it
is a constant named `_MOST_...` beside what it bounds, and has a sentence in the report where it cut something. What one
principal alone cannot do is bounded from above (`EscalationBound`), with a sentence where it may matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from threading import Lock
from typing import Final

from iamtui.account.model import Account, Group, ManagedPolicy, Role, User
from iamtui.catalog.escalation_paths import CHANGES, JOIN, NEW_PRINCIPALS, USES, EscalationPath, Gain, On
from iamtui.engine.decision import Outcome
from iamtui.engine.policy_holders import bits_of, places
from iamtui.policy.statement import action_name
from iamtui.text import first_names
from iamtui.workspace.ask.trust import TrustEdge, Trustee, TrustReader
from iamtui.workspace.review.escalation_round import EscalationRound, Reached
from iamtui.workspace.review.escalation_states import (
    AccountStates,
    State,
    Targets,
    policies_of,
    targets_of,
    what_is_needed,
)
from iamtui.workspace.review.escalation_steps import (
    NO_TERMS,
    Entity,
    Escalation,
    EscalationReport,
    EscalationStep,
    Move,
    Terms,
    closing_statements,
    denies,
    documents_of,
    group_leads_on,
    is_about,
    is_full_access,
    leads_on,
)
from iamtui.workspace.source.workspace import Workspace

_ASSUMING: Final = next(path for path in USES if path.id == "sts-001")
_KEPT: Final = "escalations"
_SEARCHED: Final = "escalations are searched"
_LOOK_SECONDS: Final = 0.05
_AFTER: Final = {Gain.ANYTHING: State.GRANTED, Gain.FREEDOM: State.FREED}
_ADDING: Final = "iam:AddUserToGroup"
_OPENING: Final = "iam:UpdateAssumeRolePolicy"
_ON_GROUP: Final = ("iam:PutGroupPolicy", "iam:AttachGroupPolicy")
_ON_POLICY: Final = ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion")
_REMOVING: Final = {
    User: ("iam:PutUserPolicy", "iam:DeleteUserPolicy", "iam:DetachUserPolicy"),
    Role: ("iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:DetachRolePolicy"),
    Group: ("iam:PutGroupPolicy", "iam:DeleteGroupPolicy", "iam:DetachGroupPolicy", "iam:RemoveUserFromGroup"),
}
"""Actions that take a policy that denies something away from a user, role or group, or replace it."""
_MOST_TOGETHER: Final = 256
"""Users and roles, none found to become administrator, whose permissions are looked at together."""
_TOO_MANY: Final = (
    f"Among more than {_MOST_TOGETHER} users and roles it was not checked whether there are other paths: of several of "
    "them together, or by policies that deny something and are taken away."
)
_OLDER_VERSIONS: Final = "Older versions of policies that allow less than everything were not tried as the default."
_DENYING_GROUPS: Final = "Groups that deny something were not joined on the way."


def find_escalations(workspace: Workspace, cancelled: Callable[[], bool] = lambda: False) -> EscalationReport:
    """Everybody who can become administrator, certain paths before possible ones, else in the account's order.

    What is found is kept with the account; threads that ask for it meanwhile wait for the first. Cancelled, it ends
    soon, with a part of them.
    """
    memo = workspace.account.memo
    lock: Lock = memo.setdefault(_SEARCHED, Lock())
    while not lock.acquire(timeout=_LOOK_SECONDS):
        if cancelled():
            return EscalationReport((), ())
    try:
        found: EscalationReport = memo.get(_KEPT) or _find(workspace, cancelled)
        if not cancelled():
            memo[_KEPT] = found
        return found
    finally:
        lock.release()


def find_escalations_across(
    workspace: Workspace, cancelled: Callable[[], bool] = lambda: False
) -> tuple[EscalationReport, ...]:
    """Reports on all accounts that are open, in their order.

    Whoever can assume a role of another account that is, or becomes, administrator there, is found as well, and so is
    who gets the rights of these.
    """
    if not workspace.beside:
        return (find_escalations(workspace, cancelled),)
    search = _SearchAcross(workspace, cancelled)
    certain, possible = search.reach(certain=True), search.reach(certain=False)
    return tuple(one.report(certain[id_], possible[id_]) for id_, one in search.by_account.items())


def kept_escalations(account: Account) -> EscalationReport | None:
    """Report that `find_escalations` made of an account; None where it did not search to the end."""
    return account.memo.get(_KEPT)


def _find(workspace: Workspace, cancelled: Callable[[], bool]) -> EscalationReport:
    search = EscalationSearch(workspace, cancelled)
    try:
        return search.report(search.reach(certain=True), search.reach(certain=False))
    finally:
        search.forget()


class EscalationSearch:
    """The search over one account; what was decided is kept for both rounds."""

    def __init__(self, workspace: Workspace, cancelled: Callable[[], bool] = lambda: False) -> None:
        self._cancelled = cancelled
        self._states = AccountStates(workspace)
        self._entities = workspace.account.principals
        found = self._states.rights(State.AS_IS).administrators
        self.administrators = frozenset(self._entities[place].arn for place in places(found))
        self._left_out: dict[str, None] = {}

    def forget(self) -> None:
        """Free what was kept for the rounds."""
        self._states.forget()

    def report(self, certain: Reached, possible: Reached) -> EscalationReport:
        """Report on those who were reached in both rounds."""
        found = [
            Escalation(entity, certain.get(entity.arn) or possible[entity.arn])
            for entity in self._entities
            if entity.arn in possible and entity.arn not in self.administrators
        ]
        found.sort(key=lambda one: not one.certain)
        bound = EscalationBound(self._states, self.administrators | frozenset(possible), self._cancelled)
        self._left_out.update(dict.fromkeys(bound.left_out()))
        administrators = tuple(entity for entity in self._entities if entity.arn in self.administrators)
        return EscalationReport(
            administrators,
            tuple(found),
            closing_statements(found),
            tuple({**self._left_out, **self._states.names.left_out}),
        )

    def reach(self, *, certain: bool, elsewhere: Reached | None = None) -> Reached:
        """Everybody who becomes administrator.

        Args:
            elsewhere: the moves of those who become administrator of another account.
        """
        known = {**(elsewhere or {}), **dict.fromkeys(self.administrators, ())}
        search = EscalationRound(self._states, known, certain=certain, cancelled=self._cancelled)
        found = search.run()
        self._left_out.update(dict.fromkeys(search.left_out))
        return found


class _SearchAcross:
    """The search over all accounts that are open."""

    def __init__(self, workspace: Workspace, cancelled: Callable[[], bool]) -> None:
        self._workspace = workspace
        self._cancelled = cancelled
        ids = [account.id for account in workspace.accounts]
        self.by_account = {id_: EscalationSearch(workspace.at(id_), cancelled) for id_ in ids}
        self._readers = {id_: TrustReader(workspace.at(id_)) for id_ in ids}
        self._edges: dict[str, tuple[TrustEdge, ...]] = {}

    def reach(self, *, certain: bool) -> dict[str, Reached]:
        reached = {id_: search.reach(certain=certain) for id_, search in self.by_account.items()}
        elsewhere: dict[str, dict[str, tuple[Move, ...]]] = {id_: {} for id_ in reached}
        looked_at: set[str] = set()
        while True:
            grown: set[str] = set()
            new = {arn: moves for found in reached.values() for arn, moves in found.items() if arn not in looked_at}
            looked_at.update(new)
            for arn, moves in new.items():
                for edge in self._from_elsewhere(arn):
                    account, who = edge.principal.account or "", edge.principal.arn
                    is_certain = edge.decision.outcome is Outcome.ALLOWED
                    if (is_certain or not certain) and who not in reached[account] and who not in elsewhere[account]:
                        step = EscalationStep("sts:AssumeRole", arn, edge.decision)
                        elsewhere[account][who] = (Move(_ASSUMING, who, arn, (step,), becomes=arn), *moves)
                        grown.add(account)
            if not grown or self._cancelled():
                return reached
            for account in grown:
                search = self.by_account[account]
                reached[account] = search.reach(certain=certain, elsewhere=elsewhere[account])

    def _from_elsewhere(self, arn: str) -> tuple[TrustEdge, ...]:
        """Users and roles of the other accounts that may assume a role, or may on a condition."""
        found = self._edges.get(arn)
        if found is None:
            found = self._edges[arn] = tuple(self._read(arn))
        return found

    def _read(self, arn: str) -> Iterator[TrustEdge]:
        account = arn.split(":", 5)[4]
        role = self._workspace.at(account).account.by_arn(arn)
        if isinstance(role, Role):
            for edge in self._readers[account].edges(role, self._cancelled, inside=False):
                if edge.trustee in (Trustee.USER, Trustee.ROLE) and edge.action == "sts:AssumeRole":
                    yield edge


class EscalationBound:
    """An upper bound of who can escalate: several principals that one attacker holds, with their permissions together.

    The search follows one principal at a time. Here every permission of whoever an attacker controls counts as its
    own, in whatever order and whatever state of theirs it can bring about, and nothing is decided beyond what the index
    rules out. Whoever stays below this bound cannot become administrator by the writes that are tried.

    Args:
        found: the ARNs of all administrators and of everybody who was found.
    """

    def __init__(self, states: AccountStates, found: frozenset[str], cancelled: Callable[[], bool]) -> None:
        self._states = states
        self._account = states.account
        self._cancelled = cancelled
        self._entities = states.account.principals
        self._found = [entity for entity in self._entities if entity.arn in found]
        self._as_is = states.rights(State.AS_IS)
        self._rest = self._as_is.everyone
        for entity in self._found:
            self._rest &= ~self._as_is.bit(entity.arn)
        self._control: dict[int, int] = {}
        """Principals that control another, by its place."""
        self._controlled = 0
        self._brought: dict[State, dict[int, int]] = {state: {} for state in State}
        """Principals that bring one into a state, by its place."""
        self._joins: dict[str, int] = {}
        """Principals that put users into a group, by its ARN; only groups that deny nothing."""
        self._read: dict[tuple[str, str, Terms], int] = {}
        self._allowing: dict[tuple[str, str], bool] = {}

    def left_out(self) -> Iterator[str]:
        """Reasons why there may be more escalations than were found, a sentence each."""
        if self._rest.bit_count() > _MOST_TOGETHER:
            removes = any(self._may(action, "*") for some in _REMOVING.values() for action in some)
            if removes or any(map(self._is_split, (*CHANGES, JOIN, *NEW_PRINCIPALS, *USES))):
                yield _TOO_MANY
            return
        while not self._cancelled() and self._grow():
            self._read.clear()
        self._read.clear()
        more = 0 if self._cancelled() else self._reaching() & self._not_alone()
        if more:
            yield f"There may be paths in which an attacker uses several principals in turn, from {self._names(more)}."
        if any(map(self._is_restored_in_part, self._account.policies)):
            yield _OLDER_VERSIONS
        if any(map(self._is_joined_in_vain, self._account.groups)):
            yield _DENYING_GROUPS
        removing = self._removing()
        if removing:
            yield f"There may be paths that take away a policy that denies something, from {self._names(removing)}."

    def _names(self, who: int) -> str:
        return first_names((self._entities[place].arn.rpartition(":")[2] for place in places(who)), 3)

    def _is_split(self, path: EscalationPath) -> bool:
        """True if somebody may have each permission of a path that several principals can take together."""
        together = path.gain is not Gain.TARGET or len(path.steps) > 1
        return together and all(
            self._as_is.narrowed(action, "*", Terms(path.service) if passes else NO_TERMS, self._rest, certain=False)
            for action, _ in path.steps
            for passes in (action == "iam:PassRole",)
        )

    def _not_alone(self) -> int:
        """Principals that control others, or change themselves; the search looked at all others whole."""
        found = 0
        for who in (*self._control.values(), *self._joins.values()):
            found |= who
        for brought in self._brought.values():
            for who in brought.values():
                found |= who
        return found & self._rest

    def _controlling(self, place: int) -> int:
        return self._control.get(place, 0) | (1 << place & self._rest)

    def _may(self, action: str, resource: str, terms: Terms = NO_TERMS) -> int:
        """Principals that control one who may have a permission, in a state into which they can bring that."""
        key = action, resource, terms
        if key not in self._read:
            self._read[key] = self._find(action, resource, terms)
        return self._read[key]

    def _find(self, action: str, resource: str, terms: Terms) -> int:
        able = self._as_is.narrowed(action, resource, terms, self._rest, certain=False)
        found = able | self._of_controlled(able)
        joining = 0
        for group in self._account.groups:
            if group.arn in self._joins and self._allows(group, action):
                joining |= self._joins[group.arn]
        if joining:
            able = self._states.rights(State.JOINED).narrowed(action, resource, terms, self._rest, certain=False)
            found |= (able | self._of_controlled(able)) & joining
        for state, brought in self._brought.items():
            who = bits_of(brought, len(self._entities)) if brought else 0
            for now, also in ((state, -1), (State.JOINED_FREED, joining)) if state is State.FREED else ((state, -1),):
                if not who or not also:
                    continue
                able = self._states.rights(now).narrowed(action, resource, terms, who, certain=False)
                for place in places(able):
                    found |= self._controlling(place) & brought[place] & also
        return found & self._rest

    def _of_controlled(self, who: int) -> int:
        found = 0
        for place in places(who & self._controlled):
            found |= self._control[place]
        return found

    def _allows(self, group: Group, action: str) -> bool:
        key = group.arn, action
        if key not in self._allowing:
            name = action_name(action)
            statements = (one for each in documents_of(self._account, group) for one in each.policy.statements)
            self._allowing[key] = any(one.effect == "Allow" and is_about(one, name) for one in statements)
        return self._allowing[key]

    def _all_of(self, path: EscalationPath, targets: Targets) -> int:
        """Principals with all permissions of a path, by those whom they control."""
        who = self._rest
        for action, on in path.steps:
            if not who:
                break
            terms = Terms(path.service) if action == "iam:PassRole" else NO_TERMS
            if on in targets:
                who &= self._may(action, "*", terms)
            who &= self._may(action, targets.get(on, "*"), terms) if who else 0
        return who

    def _grow(self) -> bool:
        """Add whom one controls, and the states of these, with what is known of that so far; whether there was more."""
        grown = False
        for group in self._account.groups:
            who = self._may(_ADDING, group.arn) if self._may(_ADDING, "*") else 0
            if who and group in self._states.groups_leading_on and who & ~self._joins.get(group.arn, 0):
                self._joins[group.arn] = self._joins.get(group.arn, 0) | who
                grown = True
        changes = [path for path in CHANGES if self._all_of(path, {})]
        uses = [path for path in USES if self._all_of(path, {})]
        for place in places(self._rest) if changes or uses else ():
            if self._cancelled():
                return False
            entity = self._entities[place]
            for use in uses:
                grown |= self._add(self._control, place, self._using(use, entity) & ~(1 << place))
            for change in changes:
                if change.gain is Gain.ANYTHING or entity.boundary_arn is not None:
                    for targets in targets_of(self._states, entity, change):
                        grown |= self._add(self._brought[_AFTER[change.gain]], place, self._all_of(change, targets))
            granted, freed = (self._brought[state].get(place, 0) for state in (State.GRANTED, State.FREED))
            grown |= self._add(self._brought[State.UNLIMITED], place, granted & freed)
        return grown

    def _add(self, known: dict[int, int], place: int, who: int) -> bool:
        before = known.get(place, 0)
        if not who & ~before:
            return False
        known[place] = before | who
        if known is self._control:
            self._controlled |= 1 << place
        return True

    def _using(self, use: EscalationPath, target: Entity) -> int:
        """Principals that can act as a user or role in one way."""
        is_user = any(on is On.USER for _, on in use.steps)
        if is_user is isinstance(target, Role) or what_is_needed(self._account, use, target) is None:
            return 0
        who = self._all_of(use, {On.USER: target.arn, On.ROLE: target.arn})
        if who and use.service and isinstance(target, Role) and self._as_is.trusting(target, use.service) is None:
            who &= self._may(_OPENING, target.arn)
        if who and any(action == _OPENING for action, _ in use.steps):
            alone = who & ~self._not_alone()
            for place in places(alone):
                opened = self._as_is.opened(self._entities[place], target.arn, certain=False)
                if opened is None:
                    who &= ~(1 << place)
        return who

    def _reaching(self) -> int:
        """Principals that come to control an administrator."""
        found = 0
        for state, brought in self._brought.items():
            for place, who in brought.items():
                if self._states.is_administrator(state, self._entities[place]):
                    found |= who & self._controlling(place)
        for use in USES:
            if self._all_of(use, {}):
                for target in self._found:
                    found |= self._using(use, target)
        strong = [group.arn for group in self._account.groups if group.arn in self._states.strong]
        for path in NEW_PRINCIPALS:
            joins = any(on is On.STRONG_GROUP for _, on in path.steps)
            for (user, role), group in product(self._states.names.principals, strong if joins else ("",)):
                targets = {On.NEW_USER: user, On.NEW_ROLE: role, On.STRONG_GROUP: group}
                found |= self._all_of(path, targets)
        return found & self._rest

    def _is_joined_in_vain(self, group: Group) -> bool:
        """True if a group can be joined that leads on, or can be made to, but denies something."""
        if group in self._states.groups_without_deny or not self._may(_ADDING, group.arn):
            return False
        writing = (
            *((one, group.arn) for one in _ON_GROUP),
            *((one, policy.arn) for one in _ON_POLICY for policy in policies_of(self._account, group)),
        )
        return group_leads_on(self._account, group) or any(self._may(*one) for one in writing)

    def _is_restored_in_part(self, policy: ManagedPolicy) -> bool:
        """True if an older version of a policy, short of everything, leads on and can be made the default."""
        older = [one.document for one in policy.versions if not one.is_default and one.document.error is None]
        leads = any(leads_on(one) and not is_full_access(one) for one in older)
        return not policy.aws_managed and leads and self._may("iam:SetDefaultPolicyVersion", policy.arn) != 0

    def _removing(self) -> int:
        """Principals that may take a policy that denies something away from those whom they control."""
        actions = [action for some in (*_REMOVING.values(), _ON_POLICY) for action in some]
        able = {action for action in actions if self._may(action, "*")}
        found = 0
        for place in places(self._rest) if able else ():
            entity, controlling = self._entities[place], self._controlling(place)
            groups = filter(None, map(self._account.group, entity.groups)) if isinstance(entity, User) else ()
            for holder in (entity, *groups):
                if any(one.error is None and denies(one) for one in documents_of(self._account, holder)):
                    for action in able & set(_REMOVING[type(holder)]):
                        found |= self._may(action, holder.arn) & controlling
                for policy in policies_of(self._account, holder):
                    if policy.document is not None and policy.document.error is None and denies(policy.document):
                        for action in able & set(_ON_POLICY):
                            found |= self._may(action, policy.arn) & controlling
        return found
