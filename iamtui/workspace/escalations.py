"""Privilege escalation: who can become administrator, by which steps, and which single statement closes the most paths.

Every step is decided by the engine on the real resource, after conditions, boundaries, SCPs and RCPs, with the trust
policy of the role. The search goes back from the administrators, so that each path is a shortest one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from itertools import islice, product
from threading import Lock
from typing import Final, TypeAlias

from iamtui.account.model import Account, Group, Known, ManagedPolicy, Role, User
from iamtui.catalog.escalation_paths import ESCALATION_PATHS, EscalationPath, Gain, On
from iamtui.drafts.aws_values import entity_name
from iamtui.engine.condition_words import condition_of
from iamtui.engine.decision import Decision, Layer, Outcome
from iamtui.engine.index_outcomes import Outcomes
from iamtui.engine.policy_holders import places
from iamtui.engine.request import Principal, PrincipalKind
from iamtui.policy.document import Statement
from iamtui.policy.patterns import Glob, parse_pieces, tokens_of, with_variables_as_stars
from iamtui.policy.statement import ActionElement, action_name
from iamtui.policy.types import PolicyType
from iamtui.questions.account_index import account_index
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.known_context import GLOBAL_SERVICES
from iamtui.questions.question import Question
from iamtui.workspace.administrators import boundaries_of_new, is_full_access, left_by_boundary, strong_holders
from iamtui.workspace.assumptions import actions_limited_now
from iamtui.workspace.inventory import documents_in
from iamtui.workspace.principals import principal_for
from iamtui.workspace.questions import with_region
from iamtui.workspace.workspace import Workspace

Entity: TypeAlias = User | Role

_POSSIBLE: Final = (Outcome.ALLOWED, Outcome.DEPENDS)
_MOST_VERSIONS: Final = 5
"""IAM User Guide: IAM and AWS STS quotas, versions of a managed policy."""
_MOST_KEYS: Final = 2
_OF_ITSELF: Final = frozenset((On.SELF, On.OWN_GROUP, On.OWN_POLICY, On.STRONG_GROUP))
_OWN_PATHS: Final = tuple(path for path in ESCALATION_PATHS if path.gain is Gain.ANYTHING)
_TARGET_PATHS: Final = tuple(path for path in ESCALATION_PATHS if path.gain is Gain.TARGET)
_NEW: Final = "new-administrator"
"""The name of a user or role that is not there yet, where no pattern names it."""
_MOST_NEW: Final = 32
"""Patterns of names for new users and roles that are tried."""
_MOST_STRONG: Final = 8
_MOST_READ: Final = 4096
_STRONG: Final = ("AdministratorAccess", "IAMFullAccess")
"""Policies of AWS with which a principal is an administrator, or makes itself one."""
_ATTACHING: Final = frozenset(("iam:AttachUserPolicy", "iam:AttachRolePolicy", "iam:AttachGroupPolicy"))


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """One permission of a path, as it was decided."""

    action: str
    resource: str
    decision: Decision

    @property
    def condition(self) -> str:
        return condition_of(self.decision)


@dataclass(frozen=True, slots=True)
class Move:
    """One path taken by one principal.

    Args:
        target: the ARN of what it is about; "" for the principal itself.
        needs: what has to be there that is not known ("a function with the role"), or "".
        becomes: the ARN of the principal whose rights it gains, or "" when it can give itself any.
    """

    path: EscalationPath
    principal: str
    target: str
    steps: tuple[EscalationStep, ...]
    needs: str = ""
    becomes: str = ""

    @property
    def certain(self) -> bool:
        return not self.needs and all(step.decision.outcome is Outcome.ALLOWED for step in self.steps)


@dataclass(frozen=True, slots=True)
class Escalation:
    """A principal that is not an administrator and can become one.

    Args:
        moves: one after the other; the last gives any permission, or the rights of an administrator.
    """

    principal: Entity
    moves: tuple[Move, ...]

    @property
    def certain(self) -> bool:
        """Whether it works as the account stands; else it depends on conditions or on what is not known."""
        return all(move.certain for move in self.moves)


@dataclass(frozen=True, slots=True)
class EscalationReport:
    """What was found.

    Args:
        closing: statements (policy and name) each of which alone grants a step, with how many principals lose their
            path with it; the most first.
    """

    administrators: tuple[Entity, ...]
    escalations: tuple[Escalation, ...]
    closing: tuple[tuple[str, int], ...] = field(default=())


_KEPT: Final = "escalations"
_SEARCHED: Final = "escalations are searched"
_LOOK_SECONDS: Final = 0.05


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


def kept_escalations(account: Account) -> EscalationReport | None:
    """What `find_escalations` found in an account; None where it did not search to the end."""
    return account.memo.get(_KEPT)


def _find(workspace: Workspace, cancelled: Callable[[], bool]) -> EscalationReport:
    search = EscalationSearch(workspace, cancelled)
    try:
        return search.report(search.reach(certain=True), search.reach(certain=False))
    finally:
        search.forget()


Reached: TypeAlias = Mapping[str, tuple[Move, ...]]
"""The moves of everybody who becomes administrator, by ARN; those of the administrators are empty."""


class EscalationSearch:
    """The search over one account; what was decided is kept for both rounds.

    The index says of each permission who may have it, as bits; only they are decided one by one.
    """

    def __init__(self, workspace: Workspace, cancelled: Callable[[], bool] = lambda: False) -> None:
        self._workspace = workspace
        self._cancelled = cancelled
        self._account = account = workspace.account
        self._entities: tuple[Entity, ...] = account.principals
        self._index = account_index(account)
        self._places = {entity.arn: place for place, entity in enumerate(self._entities)}
        self._principals = {entity.arn: principal_for(workspace, entity) for entity in self._entities}
        self._evaluators: dict[Hashable, QuestionEvaluator] = {}
        self._ways_of: dict[str, tuple[bool, ...]] = {}
        self._bits: dict[tuple[str, str, str, bool], tuple[int, int]] = {}
        self._read: dict[tuple[Hashable, int], Outcomes] = {}
        self._strong = strong_holders(account)
        self.administrators = frozenset(
            entity.arn
            for entity in self._entities
            if entity.arn in self._strong and self._may(entity, "iam:AttachUserPolicy", "*").outcome is Outcome.ALLOWED
        )

    def forget(self) -> None:
        """Free one by one what was kept: all at once, that holds the interpreter's lock for more than a frame."""
        while self._evaluators:
            self._evaluators.popitem()

    def report(self, certain: Reached, possible: Reached) -> EscalationReport:
        """What was found, of what was reached in both rounds."""
        found = [
            Escalation(entity, certain.get(entity.arn) or possible[entity.arn])
            for entity in self._entities
            if entity.arn in possible and entity.arn not in self.administrators
        ]
        found.sort(key=lambda one: not one.certain)
        administrators = tuple(entity for entity in self._entities if entity.arn in self.administrators)
        return EscalationReport(administrators, tuple(found), _closing(found))

    def reach(self, *, certain: bool, elsewhere: Reached | None = None) -> Reached:
        """Everybody who becomes administrator.

        Args:
            elsewhere: the moves of those who become administrator of another account.
        """
        reached: dict[str, tuple[Move, ...]] = {**(elsewhere or {}), **dict.fromkeys(self.administrators, ())}
        unreached = (1 << len(self._entities)) - 1
        for arn in reached:
            unreached &= ~self._bit(arn)
        frontier = [entity for entity in self._entities if entity.arn in reached]
        for path in _OWN_PATHS:
            for entity, move in self._alone(path, unreached, certain=certain):
                if entity.arn not in reached:
                    reached[entity.arn] = (move,)
                    unreached &= ~self._bit(entity.arn)
                    frontier.append(entity)
        able = [(path, self._candidates(path, unreached, certain=certain)) for path in _TARGET_PATHS]
        while frontier and unreached and not self._cancelled():
            following = []
            for target in frontier:
                for path, who in able:
                    for entity, move in self._over(path, target, who & unreached, certain=certain):
                        reached[entity.arn] = (move, *reached[target.arn])
                        unreached &= ~self._bit(entity.arn)
                        following.append(entity)
                if not unreached:
                    break
            frontier = following
        return reached

    def _bit(self, arn: str) -> int:
        return 1 << self._places[arn]

    def _alone(self, path: EscalationPath, who: int, *, certain: bool) -> Iterator[tuple[Entity, Move]]:
        """Who gets any permission by a path."""
        who = self._candidates(path, who, certain=certain)
        kinds = {on for _, on in path.steps}
        if kinds & _OF_ITSELF:
            for entity in self._at(who):
                moves = (self._move(entity, path, targets) for targets in self._own_targets(entity, kinds, path))
                move = next((one for one in moves if one is not None and (one.certain or not certain)), None)
                freed = self._freed(entity, entity, move) if move is not None else None
                if freed is not None:
                    yield entity, freed
            return
        for targets in self._targets(kinds):
            left = self._narrowed(path, targets, who, certain=certain)
            for entity in self._at(left):
                move = self._move_of_another(entity, path, targets) if entity.arn not in targets.values() else None
                if move is not None and (move.certain or not certain):
                    who &= ~self._bit(entity.arn)
                    yield entity, move
            if not who or self._cancelled():
                return

    def _over(self, path: EscalationPath, target: Entity, who: int, *, certain: bool) -> Iterator[tuple[Entity, Move]]:
        """Who of those that have its permissions gets the rights of a target by a path."""
        if not who:
            return
        kinds = {on for _, on in path.steps}
        if not (isinstance(target, User) if On.USER in kinds else isinstance(target, Role)):
            return
        needs = _what_is_needed(self._account, path, target)
        if needs is None or (needs and certain):
            return
        if path.service and not (isinstance(target, Role) and self._trusts(target, path.service)):
            return
        targets = {On.USER: target.arn, On.ROLE: target.arn}
        for entity in self._at(self._narrowed(path, targets, who, certain=certain)):
            move = self._move(entity, path, targets) if entity is not target else None
            if move is not None and (move.certain or not certain):
                yield entity, replace(move, becomes=target.arn, needs=needs, target=target.arn)

    def _at(self, places: int) -> Iterator[Entity]:
        while places and not self._cancelled():
            yield self._entities[(places & -places).bit_length() - 1]
            places &= places - 1

    def _candidates(self, path: EscalationPath, who: int, *, certain: bool) -> int:
        """Those of whom the index does not know that a permission of the path is denied on every resource."""
        for action, _ in path.steps:
            who &= self._possible(action, "*", path.service if action == "iam:PassRole" else "", who, certain=certain)
        return who

    def _narrowed(self, path: EscalationPath, targets: dict[On, str], who: int, *, certain: bool) -> int:
        """Those of whom the index does not know that a permission of the path is denied on its target."""
        for action, on in path.steps:
            if who and on is not On.ANY:
                service = path.service if action == "iam:PassRole" else ""
                who &= self._possible(action, targets[on], service, who, certain=certain)
        return who

    def _possible(self, action: str, resource: str, service: str, who: int, *, certain: bool) -> int:
        """Those of whom the index does not know that it is denied; of nobody else than `who` when it is one resource.

        There are as many resources as principals, and few of these are left when it comes to one of them.
        """
        key = (action, resource, service, certain)
        asked, found = self._bits.get(key, (0, 0))
        if who & ~asked:
            asked = (1 << len(self._entities)) - 1 if resource == "*" else who
            found = 0
            for evaluator in self._evaluators_of(action, resource, service, self._ways(action)[: 1 if certain else 2]):
                outcomes = evaluator.outcomes() if resource == "*" else self._outcomes_on(evaluator, who & ~found)
                ruled_out = 0 if outcomes is None else outcomes.explicit_deny | outcomes.implicit_deny
                if certain and outcomes is not None:
                    ruled_out |= outcomes.depends
                found |= asked & ~ruled_out
            if resource == "*":
                # Of service-linked roles the index cannot tell, and each would be asked about every target.
                wanted = _POSSIBLE[:1] if certain else _POSSIBLE
                for place in places(found & self._index.left):
                    if self._may(self._entities[place], action, "*", service).outcome not in wanted:
                        found &= ~(1 << place)
            self._bits[key] = asked, found
        return found

    def _outcomes_on(self, evaluator: QuestionEvaluator, who: int) -> Outcomes | None:
        """What some get of a question about one resource; of most resources policies say the same as of others."""
        reading = evaluator.reading(self._index)
        if reading is None:
            return None
        told = reading.follows_from()
        if told is None:
            return reading.outcomes(who)
        found = self._read.get((told, who))
        if found is None:
            if len(self._read) >= _MOST_READ:
                self._read.clear()
            found = self._read[told, who] = reading.outcomes(who)
        return found

    def _move(
        self, entity: Entity, path: EscalationPath, targets: dict[On, str], boundary: tuple[str, ...] | None = None
    ) -> Move | None:
        steps = []
        for action, on in path.steps:
            resource = "*" if on is On.ANY else targets[on]
            decision = self._may(entity, action, resource, path.service if action == "iam:PassRole" else "", boundary)
            if decision.outcome not in _POSSIBLE:
                return None
            steps.append(EscalationStep(action, resource, decision))
        about = next((targets[on] for _, on in path.steps if on not in (On.SELF, On.ANY)), "")
        return Move(path, entity.arn, about, tuple(steps))

    def _own_targets(self, entity: Entity, kinds: Set[On], path: EscalationPath) -> Iterator[dict[On, str]]:
        """What of a principal's own the permissions of a path can be about."""
        account = self._account
        if On.SELF in kinds:
            if ("User" in path.steps[0][0]) is isinstance(entity, User) and not _is_untouchable(entity):
                yield {On.SELF: entity.arn}
        elif On.OWN_POLICY in kinds:
            yield from ({On.OWN_POLICY: policy.arn} for policy in _own_policies(account, entity))
        elif isinstance(entity, User):
            for group in account.groups:
                member = group.name in entity.groups
                if member if On.OWN_GROUP in kinds else (not member and group.arn in self._strong):
                    yield dict.fromkeys((On.OWN_GROUP, On.STRONG_GROUP), group.arn)

    def _targets(self, kinds: Set[On]) -> Iterator[dict[On, str]]:
        """What the permissions of a path by way of another principal can be about."""
        account = self._account
        if On.NEW_USER in kinds or On.NEW_ROLE in kinds:
            yield from ({On.NEW_USER: user, On.NEW_ROLE: role} for user, role in self._new_principals)
        elif On.USER in kinds:
            yield from ({On.USER: user.arn} for user in account.users if _keys(user) < _MOST_KEYS)
        else:
            for role in account.roles:
                if _is_untouchable(role):
                    continue
                if On.ROLE_POLICY in kinds:
                    policies = _own_policies(account, role)
                    yield from ({On.ROLE: role.arn, On.ROLE_POLICY: policy.arn} for policy in policies)
                else:
                    yield {On.ROLE: role.arn}

    def _freed(self, entity: Entity, holder: Entity, move: Move) -> Move | None:
        """A move by which a principal, or another, gets anything, in spite of its boundary, which may be deleted."""
        left = left_by_boundary(self._account, holder)
        if left == "":
            return move
        freed = self._with_deleted(entity, "User" if isinstance(holder, User) else "Role", move, holder.arn)
        if freed is not None and freed.steps[-1].decision.outcome is Outcome.ALLOWED:
            return freed
        return None if left is None or holder is entity else replace(move, needs=left)

    def _with_deleted(self, entity: Entity, kind: str, move: Move, holder: str) -> Move | None:
        """A move with the deletion of a boundary; None where that is denied."""
        action = f"iam:Delete{kind}PermissionsBoundary"
        decision = self._may(entity, action, holder)
        step = EscalationStep(action, holder, decision)
        return replace(move, steps=(*move.steps, step)) if decision.outcome in _POSSIBLE else None

    def _move_of_another(self, entity: Entity, path: EscalationPath, targets: dict[On, str]) -> Move | None:
        """A path by another user or role, which no boundary holds back; or by a new one, whose boundary is chosen."""
        found = self._move(entity, path, targets)
        if found is None:
            return None
        if On.NEW_USER not in targets:
            holder = self._account.by_arn(targets.get(On.USER) or targets[On.ROLE])
            return self._freed(entity, holder, found) if isinstance(holder, (User, Role)) else found
        if not self._boundaries or any(self._move(entity, path, targets, one) for one in self._boundaries):
            return found
        return self._with_deleted(entity, "User" if "User" in path.steps[0][0] else "Role", found, found.target)

    @cached_property
    def _boundaries(self) -> tuple[tuple[str, ...], ...]:
        return boundaries_of_new(self._account, self._statements)

    def _trusts(self, role: Role, service: str) -> bool:
        """Whether the trust policy admits a service."""
        caller = Principal(PrincipalKind.SERVICE, service)
        evaluators = self._evaluators_of("sts:AssumeRole", role.arn, "", self._ways("sts:AssumeRole"))
        return any(each.decide(caller).outcome in _POSSIBLE for each in evaluators)

    def _may(
        self, entity: Entity, action: str, resource: str, service: str = "", boundary: tuple[str, ...] | None = None
    ) -> Decision:
        """The decision; of attaching a policy that on the first of the strong ones that can be attached, if one can."""
        principal = self._principals[entity.arn]
        for way in self._ways(action):
            evaluators = self._evaluators_of(action, resource, service, (way,), boundary)
            decisions = [each.decide(principal) for each in evaluators]
            for outcome in _POSSIBLE:
                for decision in decisions:
                    if decision.outcome is outcome:
                        return decision
        return decisions[0]

    def _evaluators_of(
        self,
        action: str,
        resource: str,
        service: str,
        ways: Sequence[bool],
        boundary: tuple[str, ...] | None = None,
    ) -> tuple[QuestionEvaluator, ...]:
        policies = self._strong_policies if action in _ATTACHING else ("",)
        pairs = product(ways, policies)
        return tuple(
            self._evaluator(action, resource, service, policy, boundary, made_now=way) for way, policy in pairs
        )

    def _ways(self, action: str) -> tuple[bool, ...]:
        """Whether it is asked of a call of now, and then, where that may be denied for it, of any other."""
        found = self._ways_of.get(action)
        if found is None:
            name = action_name(action)
            limited = self._limited[name.service in GLOBAL_SERVICES]
            found = (True, False) if any(one.matches(name) for one in limited) else (True,)
            self._ways_of[action] = found
        return found

    @cached_property
    def _limited(self) -> tuple[tuple[ActionElement, ...], ...]:
        """The actions that a call of now lacks: in the region in use, and in that of global services."""
        regions = self._workspace.source.region, "us-east-1"
        return tuple(actions_limited_now(self._workspace, datetime.now(UTC), region) for region in regions)

    def _evaluator(
        self, action: str, resource: str, service: str, policy: str, boundary: tuple[str, ...] | None, *, made_now: bool
    ) -> QuestionEvaluator:
        key = (action, resource, service, policy, boundary, made_now)
        found = self._evaluators.get(key)
        if found is None:
            context: dict[str, tuple[str, ...]] = {}
            if action == "iam:PassRole":
                context["iam:PassedToService"] = (service,)
            elif policy:
                context["iam:PolicyARN"] = (policy,)
            if boundary is not None:
                context["iam:PermissionsBoundary"] = boundary
            question = Question(action, resource, context, made_now=made_now)
            question = with_region(self._workspace, question) if made_now else question
            found = self._evaluators[key] = QuestionEvaluator(self._account, question)
        return found

    @cached_property
    def _statements(self) -> tuple[Statement, ...]:
        of_type = PolicyType.IDENTITY, PolicyType.SCP
        documents = dict.fromkeys(one for _, type_, one in documents_in(self._account) if type_ in of_type)
        return tuple(one for each in documents if each.error is None for one in each.policy.statements)

    @cached_property
    def _strong_policies(self) -> tuple[str, ...]:
        """The ARNs of policies that make an administrator: the first alone where no condition tells policies apart."""
        account = self._account
        known = tuple(f"arn:{account.partition}:iam::aws:policy/{name}" for name in _STRONG)
        if not any(line.key.lower() == "iam:policyarn" for one in self._statements for line in one.conditions):
            return known[:1]
        own = (policy for policy in account.policies if policy.arn not in known)
        strong = (one.arn for one in own if one.document is not None and is_full_access(one.document))
        return (*known, *islice(strong, _MOST_STRONG))

    @cached_property
    def _new_principals(self) -> tuple[tuple[str, str], ...]:
        """ARNs of a user and a role that are not there: by a name that no pattern names, then one for each pattern."""
        iam = f"arn:{self._account.partition}:iam::{self._account.id}"
        texts = dict.fromkeys(text for one in self._statements for text in (*(one.resources or ()), *_spared(one)))
        named = [text for text in texts if ":user/" in text or ":role/" in text]
        digest = sha256("\n".join(named).encode("utf-8", "replace")).hexdigest()
        globs = [Glob(tokens_of(with_variables_as_stars(parse_pieces(text, variables=True)))) for text in named]

        def hits(name: str) -> int:
            return sum(glob.matches(f"{iam}:{kind}/{name}") for glob in globs for kind in ("user", "role"))

        name = min((_NEW, digest[:16], digest[16:27], digest[27:50]), key=hits)
        found = {(f"{iam}:user/{name}", f"{iam}:role/{name}"): None}
        for text in named:
            kind, _, pattern = text.rpartition(":")[2].partition("/")
            own = pattern.replace("*", name).replace("?", name[0])
            pair = (f"{iam}:user/{own}", f"{iam}:role/{own}")
            if pattern and kind in ("user", "role") and not any(map(self._account.by_arn, pair)):
                found[pair] = None
            if len(found) > _MOST_NEW:
                break
        return tuple(found)


def _spared(statement: Statement) -> tuple[str, ...]:
    """The resources that a Deny spares."""
    return (statement.not_resources or ()) if statement.effect == "Deny" else ()


def _what_is_needed(account: Account, path: EscalationPath, target: Entity) -> str | None:
    """What a path needs besides its permissions to gain the rights of a target; None: it cannot work."""
    if isinstance(target, User):
        return _needed_of_user(path, target)
    if _is_untouchable(target) and path.id == "iam-012":
        return None
    if path.passes_role and path.service == "ec2.amazonaws.com":
        return path.existing if any(target.name in one.roles for one in account.instance_profiles) else None
    return path.existing


def _needed_of_user(path: EscalationPath, user: User) -> str | None:
    keys = _keys(user)
    if path.id == "iam-002":
        return None if keys >= _MOST_KEYS else "" if isinstance(user.access_keys, Known) else "fewer than two keys"
    if path.id == "iam-003":
        return "" if keys >= _MOST_KEYS else None
    if not isinstance(user.login_profile, Known):
        return "a console password" if path.id == "iam-006" else "no console password"
    has_password = user.login_profile.value is not None
    if path.id == "iam-006" and has_password:
        return "" if user.mfa_devices == Known(()) else "the user's MFA device, or none"
    return "" if path.id == "iam-004" and not has_password else None


def _keys(user: User) -> int:
    return len(user.access_keys.value_or(()))


def _is_untouchable(entity: Entity) -> bool:
    """Whether only AWS can edit it (IAM User Guide: service-linked roles; Identity Center: reserved roles)."""
    return isinstance(entity, Role) and (entity.service_linked or entity.sso_reserved)


def _own_policies(account: Account, holder: Entity) -> Iterator[ManagedPolicy]:
    """The customer managed policies of a principal that can take another version."""
    holders: list[User | Role | Group] = [holder]
    if isinstance(holder, User):
        holders += [group for name in holder.groups if (group := account.group(name)) is not None]
    for one in holders:
        for attached in one.attached_policies:
            policy = account.policy(attached.arn)
            if policy is not None and not policy.aws_managed and len(policy.versions) < _MOST_VERSIONS:
                yield policy


def _closing(found: Sequence[Escalation]) -> tuple[tuple[str, int], ...]:
    counts: Counter[str] = Counter()
    for one in found:
        alone = {name for move in one.moves for step in move.steps if (name := only_grant(move, step)) is not None}
        counts.update(alone)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def only_grant(move: Move, step: EscalationStep) -> str | None:
    """The one statement that grants a step, when it is one; inline policies of one name are others for each holder."""
    allows = [one for one in step.decision.matched if one.effect == "Allow" and one.level is None]
    if len(allows) != 1:
        return None
    policy = allows[0].policy
    if allows[0].layer is Layer.IDENTITY and not policy.startswith("arn:") and "/" not in policy:
        policy = f"{policy} of {entity_name(move.principal)}"
    return f"{policy} / {allows[0].sid or f'statement {allows[0].statement + 1}'}"
