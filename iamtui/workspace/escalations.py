"""Privilege escalation: who can become administrator, by which steps, and which single statement closes the most paths.

Every step is decided by the engine on the real resource, after conditions, boundaries, SCPs and RCPs, with the trust
policy of the role. The search goes back from the administrators, so that each path is a shortest one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from iamtui.account.model import Account, Group, Known, ManagedPolicy, Role, User
from iamtui.catalog.escalation_paths import ESCALATION_PATHS, EscalationPath, Gain, On
from iamtui.engine.condition_words import condition_of
from iamtui.engine.decision import Decision, Outcome
from iamtui.engine.request import Principal, PrincipalKind
from iamtui.policy.document import PolicyDocument
from iamtui.questions.account_index import account_index
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question
from iamtui.workspace.principals import principal_for
from iamtui.workspace.questions import with_region
from iamtui.workspace.workspace import Workspace

Entity: TypeAlias = User | Role

_POSSIBLE: Final = (Outcome.ALLOWED, Outcome.DEPENDS)
_MOST_VERSIONS: Final = 5
"""IAM User Guide: IAM and AWS STS quotas, versions of a managed policy."""
_MOST_KEYS: Final = 2
_NEW: Final = "new-administrator"
"""The name of a user or role that is not there yet."""
_ATTACHING: Final = frozenset(("iam:AttachUserPolicy", "iam:AttachRolePolicy", "iam:AttachGroupPolicy"))


@dataclass(frozen=True, slots=True)
class Step:
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
    steps: tuple[Step, ...]
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


def find_escalations(workspace: Workspace) -> EscalationReport:
    """Everybody who can become administrator, certain paths before possible ones, else in the account's order."""
    search = _Search(workspace)
    certain = search.reach(certain=True)
    possible = search.reach(certain=False)
    entities: tuple[Entity, ...] = (*workspace.account.users, *workspace.account.roles)
    found = [
        Escalation(entity, certain.get(entity.arn) or possible[entity.arn])
        for entity in entities
        if entity.arn in possible and entity.arn not in search.administrators
    ]
    found.sort(key=lambda one: not one.certain)
    administrators = tuple(entity for entity in entities if entity.arn in search.administrators)
    return EscalationReport(administrators, tuple(found), _closing(found))


class _Search:
    """The search over one account; what was decided is kept for both rounds."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._account = account = workspace.account
        self._entities: tuple[Entity, ...] = (*account.users, *account.roles)
        self._principals = {entity.arn: principal_for(workspace, entity) for entity in self._entities}
        self._evaluators: dict[tuple[str, str, str], QuestionEvaluator] = {}
        self._candidates: dict[str, frozenset[str]] = {}
        self.administrators = frozenset(
            entity.arn
            for entity in self._entities
            if _holds_everything(account, entity)
            and self._may(entity, "iam:AttachUserPolicy", "*").outcome is Outcome.ALLOWED
        )

    def reach(self, *, certain: bool) -> dict[str, tuple[Move, ...]]:
        """The moves of everybody who becomes administrator, by ARN; those of the administrators are empty."""
        reached: dict[str, tuple[Move, ...]] = dict.fromkeys(self.administrators, ())
        frontier = [entity for entity in self._entities if entity.arn in self.administrators]
        for entity in self._entities:
            if entity.arn not in reached and (move := self._first(self._alone(entity), certain=certain)):
                reached[entity.arn] = (move,)
                frontier.append(entity)
        while frontier:
            following = []
            for target in frontier:
                for entity in self._entities:
                    if entity.arn in reached:
                        continue
                    move = self._first(self._over(entity, target), certain=certain)
                    if move is not None:
                        reached[entity.arn] = (move, *reached[target.arn])
                        following.append(entity)
            frontier = following
        return reached

    @staticmethod
    def _first(moves: Iterator[Move], *, certain: bool) -> Move | None:
        return next((move for move in moves if move.certain or not certain), None)

    def _alone(self, entity: Entity) -> Iterator[Move]:
        """Paths by which a principal gets any permission."""
        for path in ESCALATION_PATHS:
            if path.gain is not Gain.ANYTHING or not self._is_candidate(entity, path):
                continue
            for targets in self._targets(entity, path):
                move = self._move(entity, path, targets)
                if move is not None and self._is_worth_it(entity, path):
                    yield move

    def _over(self, entity: Entity, target: Entity) -> Iterator[Move]:
        """Paths by which a principal gets the rights of another."""
        for path in ESCALATION_PATHS:
            if path.gain is not Gain.TARGET or not self._is_candidate(entity, path):
                continue
            needs = _what_is_needed(self._account, path, target)
            if needs is None:
                continue
            if path.service and (not isinstance(target, Role) or not self._trusts(target, path.service)):
                continue
            kinds = {on for _, on in path.steps}
            fits = isinstance(target, User) if On.USER in kinds else isinstance(target, Role)
            move = self._move(entity, path, {On.USER: target.arn, On.ROLE: target.arn}) if fits else None
            if move is not None:
                yield replace(move, becomes=target.arn, needs=needs, target=target.arn)

    def _is_candidate(self, entity: Entity, path: EscalationPath) -> bool:
        """Whether each permission is allowed on some resource at all, which one question for everybody tells."""
        return all(entity.arn in self._candidates_of(action) for action, _ in path.steps)

    def _candidates_of(self, action: str) -> frozenset[str]:
        if action in ("sts:AssumeRole", "iam:PassRole"):
            return frozenset(self._principals)
        found = self._candidates.get(action)
        if found is None:
            outcomes = self._evaluator(action, "*", "").outcomes()
            index = account_index(self._account)
            denied = 0 if outcomes is None else outcomes.explicit_deny | outcomes.implicit_deny
            found = self._candidates[action] = frozenset(
                one.principal.arn for place, one in enumerate(index.principals) if not denied >> place & 1
            )
        return found

    def _move(self, entity: Entity, path: EscalationPath, targets: dict[On, str]) -> Move | None:
        steps = []
        for action, on in path.steps:
            resource = "*" if on is On.ANY else targets[on]
            if action == "sts:AssumeRole" and resource == entity.arn:
                return None
            decision = self._may(entity, action, resource, path.service if action == "iam:PassRole" else "")
            if decision.outcome not in _POSSIBLE:
                return None
            steps.append(Step(action, resource, decision))
        about = next((targets[on] for _, on in path.steps if on not in (On.SELF, On.ANY)), "")
        return Move(path, entity.arn, about, tuple(steps))

    def _targets(self, entity: Entity, path: EscalationPath) -> Iterator[dict[On, str]]:
        """What the permissions of a path to any right can be about."""
        kinds = {on for _, on in path.steps}
        account = self._account
        if On.SELF in kinds:
            if ("User" in path.steps[0][0]) is isinstance(entity, User) and not _is_untouchable(entity):
                yield {On.SELF: entity.arn}
        elif On.OWN_GROUP in kinds or On.STRONG_GROUP in kinds:
            groups = entity.groups if isinstance(entity, User) else None
            for group in account.groups if groups is not None else ():
                member = group.name in (groups or ())
                if member if On.OWN_GROUP in kinds else (not member and _is_strong(account, group)):
                    yield dict.fromkeys((On.OWN_GROUP, On.STRONG_GROUP), group.arn)
        elif On.NEW_USER in kinds or On.NEW_ROLE in kinds:
            iam = f"arn:{account.partition}:iam::{account.id}"
            yield {On.NEW_USER: f"{iam}:user/{_NEW}", On.NEW_ROLE: f"{iam}:role/{_NEW}"}
        elif On.OWN_POLICY in kinds:
            yield from ({On.OWN_POLICY: policy.arn} for policy in _own_policies(account, entity))
        elif On.USER in kinds:
            yield from (
                {On.USER: user.arn} for user in account.users if user is not entity and _keys(user) < _MOST_KEYS
            )
        else:
            for role in account.roles:
                if role is entity or _is_untouchable(role):
                    continue
                if On.ROLE_POLICY in kinds:
                    policies = _own_policies(account, role)
                    yield from ({On.ROLE: role.arn, On.ROLE_POLICY: policy.arn} for policy in policies)
                else:
                    yield {On.ROLE: role.arn}

    def _is_worth_it(self, entity: Entity, path: EscalationPath) -> bool:
        """Whether new permissions of a principal itself are not held back by its permissions boundary."""
        others = any(on in (On.USER, On.ROLE, On.NEW_USER, On.NEW_ROLE) for _, on in path.steps)
        if entity.boundary_arn is None or others:
            return True
        policy = self._account.policy(entity.boundary_arn)
        version = policy.default_version if policy is not None else None
        if version is not None and _allows_everything(version.document):
            return True
        kind = "User" if isinstance(entity, User) else "Role"
        return self._may(entity, f"iam:Delete{kind}PermissionsBoundary", entity.arn).outcome is Outcome.ALLOWED

    def _trusts(self, role: Role, service: str) -> bool:
        """Whether the trust policy admits a service."""
        decision = self._evaluator("sts:AssumeRole", role.arn, "").decide(Principal(PrincipalKind.SERVICE, service))
        return decision.outcome in _POSSIBLE

    def _may(self, entity: Entity, action: str, resource: str, service: str = "") -> Decision:
        return self._evaluator(action, resource, service).decide(self._principals[entity.arn])

    def _evaluator(self, action: str, resource: str, service: str) -> QuestionEvaluator:
        key = (action, resource, service)
        found = self._evaluators.get(key)
        if found is None:
            context: dict[str, tuple[str, ...]] = {}
            if action == "iam:PassRole":
                context["iam:PassedToService"] = (service,)
            elif action in _ATTACHING:
                context["iam:PolicyARN"] = (f"arn:{self._account.partition}:iam::aws:policy/AdministratorAccess",)
            question = with_region(self._workspace, Question(action, resource, context))
            found = self._evaluators[key] = QuestionEvaluator(self._account, question)
        return found


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
    return len(user.access_keys.value) if isinstance(user.access_keys, Known) else 0


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


def _holds_everything(account: Account, entity: Entity) -> bool:
    groups = entity.groups if isinstance(entity, User) else ()
    holders: list[User | Role | Group] = [entity, *(g for name in groups if (g := account.group(name)) is not None)]
    return any(_is_strong(account, holder) for holder in holders)


def _is_strong(account: Account, holder: User | Role | Group) -> bool:
    documents = [inline.document for inline in holder.inline_policies]
    for attached in holder.attached_policies:
        policy = account.policy(attached.arn)
        if policy is not None and policy.default_version is not None:
            documents.append(policy.default_version.document)
    return any(_allows_everything(document) for document in documents)


def _allows_everything(document: PolicyDocument) -> bool:
    if document.error is not None:
        return False
    return any(
        statement.effect == "Allow"
        and "*" in (statement.resources or ())
        and any(action in ("*", "*:*") for action in statement.actions or ())
        and not statement.conditions
        for statement in document.policy.statements
    )


def _closing(found: Sequence[Escalation]) -> tuple[tuple[str, int], ...]:
    counts: Counter[str] = Counter()
    for one in found:
        alone = {name for move in one.moves for step in move.steps if (name := _only_grant(step)) is not None}
        counts.update(alone)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _only_grant(step: Step) -> str | None:
    """The one statement that grants a step, when it is one."""
    allows = [one for one in step.decision.matched if one.effect == "Allow" and one.level is None]
    if len(allows) != 1:
        return None
    return f"{allows[0].policy} / {allows[0].sid or f'statement {allows[0].statement + 1}'}"
