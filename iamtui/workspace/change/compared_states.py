"""Two states of an account to compare: the same users and roles in the same order, and the statements that differ."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Final, NamedTuple

from iamtui.account.model import Account, Fact, InlinePolicy, Known, OrganizationLevel, OrganizationPolicy, Role, User
from iamtui.policy.document import ConditionLine, PolicyDocument
from iamtui.policy.patterns import parse_arn
from iamtui.policy.statement import ActionElement, ActionName
from iamtui.questions.account_index import account_index
from iamtui.workspace.ask.assumptions import ConditionedActions
from iamtui.workspace.source.workspace import Workspace


@dataclass(frozen=True, slots=True)
class AlignedStates:
    """Two states with the same principals: one that only one state has is in the other without permissions.

    Args:
        only_before, only_after: who really is in one of them only, by ARN.
    """

    before: Workspace
    after: Workspace
    only_before: Mapping[str, User | Role]
    only_after: Mapping[str, User | Role]


def aligned(before: Workspace, after: Workspace, left_out: Collection[str] = ()) -> AlignedStates:
    """Two states; where the same users and roles are in both, these themselves.

    Args:
        left_out: the ARNs of those who shall be in neither.
    """
    old, new = before.account, after.account
    if not left_out and old.users is new.users and old.roles is new.roles:
        return AlignedStates(before, after, {}, {})
    only_before, only_after = _only_in(old, new, left_out), _only_in(new, old, left_out)
    there = [one.arn for one in old.principals]
    order = [*(one for one in old.principals if one.arn not in left_out), *only_after.values()]
    if not left_out and not only_before and not only_after and [one.arn for one in new.principals] == there:
        return AlignedStates(before, after, {}, {})
    first, second = (one.with_account(_aligned(one.account, order)) for one in (before, after))
    return AlignedStates(first, second, only_before, only_after)


def _only_in(account: Account, other: Account, left_out: Collection[str]) -> dict[str, User | Role]:
    return {
        entity.arn: entity
        for entity in account.principals
        if entity.arn not in left_out and not isinstance(other.by_arn(entity.arn), type(entity))
    }


def _aligned(account: Account, order: list[User | Role]) -> Account:
    def found(entity: User | Role) -> User | Role:
        here = account.by_arn(entity.arn)
        return here if isinstance(here, type(entity)) else _nobody(account, entity)

    everyone = [found(entity) for entity in order]
    users = tuple(entity for entity in everyone if isinstance(entity, User))
    roles = tuple(entity for entity in everyone if isinstance(entity, Role))
    return replace(account, users=users, roles=roles)


_EMPTY: Final = PolicyDocument.of({"Version": "2012-10-17", "Statement": []})
_NOTHING: Final = PolicyDocument.of(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
)


def _nobody(account: Account, entity: User | Role) -> User | Role:
    """Somebody who may do nothing, whom no policy of a resource lets in, under a name that no other has."""
    taken = account.user(entity.name) if isinstance(entity, User) else account.role(entity.name)
    name, path, arn = entity.name if taken is None else entity.arn, entity.path, entity.arn
    if isinstance(entity, User):
        return User(name, path, arn, "", None, inline_policies=(InlinePolicy("no such user", _NOTHING),))
    return Role(name, path, arn, "", None, _EMPTY, inline_policies=(InlinePolicy("no such role", _NOTHING),))


# What the statements that differ speak of, and to whom they apply.


_VARIABLE: Final = re.compile(r"\$\{[^}]*\}")


class Saying(NamedTuple):
    """One action entry and one resource entry of a statement, with all else that it says; hashable to be compared."""

    effect: str
    conditions: tuple[ConditionLine, ...]
    about: tuple[object, ...]
    actions: tuple[str, ...]
    negated: bool
    resource: str


def _sayings(document: PolicyDocument | None, carrier: str = "") -> frozenset[Saying]:
    """All that a document says.

    Args:
        carrier: the ARN of the resource whose policy it is.
    """
    if document is None or document.error is not None:
        return frozenset()
    found: set[Saying] = set()
    substitutes = document.policy.substitutes_variables
    for one in document.policy.statements:
        about = (one.principals, one.not_principals, one.not_resources, substitutes)
        actions: list[tuple[tuple[str, ...], bool]] = [((entry,), False) for entry in one.actions or ()]
        if one.not_actions is not None:
            actions.append((one.not_actions, True))
        for resource in one.resources or ("*",):
            asked = _VARIABLE.sub("*", resource) if substitutes else resource
            if asked != "*" and parse_arn(asked) is None:
                asked = "*"
            inside: tuple[str, ...] = (asked,)
            if asked == "*" and carrier:
                inside = (carrier, f"{carrier}/*") if carrier.split(":", 3)[2:3] == ["s3"] else (carrier,)
            found.update(
                Saying(one.effect, one.conditions, (*about, resource), entries, negated, text)
                for entries, negated in actions
                for text in inside
            )
    return frozenset(found)


class ChangedStatements:
    """Statements of an account's documents that only one of its two states has.

    Args:
        before, after: the states, with the same users and roles in the same order.
        reached: the ARNs of those who can differ.
        only_before, only_after: the ARNs of those who really are in one of the states only; nobody who is reached.

    Attributes:
        said: by resource and by the users and roles to whom it applies, as bits: the actions.
        on_condition: what of it stands under conditions.
        carriers: the resources whose policies differ.
        unknown: what could not be read, sentences without their end.
    """

    def __init__(
        self,
        before: Account,
        after: Account,
        reached: Collection[str],
        only_before: Collection[str] = (),
        only_after: Collection[str] = (),
    ) -> None:
        self.before, self.after = before, after
        self.only_before, self.only_after = only_before, only_after
        self._reached = reached
        self.said: dict[tuple[str, int], set[tuple[tuple[str, ...], bool]]] = {}
        self.on_condition: dict[ConditionedActions, None] = {}
        self.unknown: list[str] = []
        self.index = account_index(before)
        self._everyone = self.index.everyone
        self.binds_root = False
        self._of_entities()
        self._of_organization()
        self.carriers = tuple(self._of_resources())
        self.opened = tuple(
            role
            for role in after.roles
            if isinstance(was := before.by_arn(role.arn), Role) and was.trust is not role.trust
        )
        for role in self.opened:
            was = before.by_arn(role.arn)
            self._note_said(_sayings(was.trust if isinstance(was, Role) else None) ^ _sayings(role.trust))

    def touches(self, actions: Iterable[ActionName]) -> bool:
        """True where one of the actions is among those of changed statements."""
        elements = [ActionElement(entries, negated=negated) for key in self.said.values() for entries, negated in key]
        return any(element.matches(action) for action in actions for element in elements)

    def _note(self, sayings: Iterable[Saying], who: int) -> None:
        for one in sayings:
            self.said.setdefault((one.resource, who), set()).add((one.actions, one.negated))

    def _note_said(self, sayings: Iterable[Saying]) -> None:
        self.on_condition.update(
            (ConditionedActions(one.effect, one.actions, one.negated, one.conditions), None)
            for one in sayings
            if one.conditions
        )

    def _of_entities(self) -> None:
        """Add the policies of users, roles, their groups, and their boundaries."""
        holders: dict[tuple[PolicyDocument | None, PolicyDocument | None], int] = {}
        rest: list[tuple[frozenset[Saying], int]] = []
        for place, one in enumerate(self.index.principals):
            if one.principal.arn not in self._reached:
                continue
            was, now = self.before.by_arn(one.principal.arn), self.after.by_arn(one.principal.arn)
            if not isinstance(was, (User, Role)) or not isinstance(now, (User, Role)):
                continue
            old, new = _documents(self.before, was), _documents(self.after, now)
            pairs = [(old.get(key), new.get(key)) for key in {**old, **new}]
            bounds = _bound(self.before, was), _bound(self.after, now)
            self._note_unknown({**old, **bounds[0]}, {**new, **bounds[1]})
            if was.tags != now.tags or (was.boundary_arn is None) is not (now.boundary_arn is None):
                # A boundary that comes or goes, and tags, are about all that the principal is allowed, which nobody
                # knows where one of the policies cannot be read.
                self._note_unknown({}, {**old, **new})
                own = frozenset().union(*map(_sayings, (*old.values(), *new.values())))
                self._note_said(own)
                rest.append((own, 1 << place))
                for carrier, policy in self.after.resource_policies.items():
                    rest.append((_sayings(policy.document, carrier), 1 << place))
            if (was.boundary_arn is None) is (now.boundary_arn is None):
                pairs += zip(*(one.values() for one in bounds), strict=True)
            for pair in pairs:
                if pair[0] is not pair[1]:
                    holders[pair] = holders.get(pair, 0) | 1 << place
        for (document, other), who in holders.items():
            self._note(_sayings(document) ^ _sayings(other), who)
            self._note_said(_sayings(document) ^ _sayings(other))
        for sayings, who in rest:
            self._note(sayings, who)

    def _note_unknown(self, old: Mapping[str, PolicyDocument | None], new: Mapping[str, PolicyDocument | None]) -> None:
        for name in {**old, **new}:
            documents = [known[name] for known in (old, new) if name in known]
            changed = (name in old) is not (name in new) or documents[0] is not documents[-1]
            if changed and any(document is None or document.error is not None for document in documents):
                self.unknown.append(f"What the policy {name} says is not known")

    def _of_organization(self) -> None:
        before, after = self.before.organization, self.after.organization
        if before is after:
            return
        if not isinstance(before, Known) or not isinstance(after, Known):
            if isinstance(before, Known) or isinstance(after, Known):
                self.unknown.append("The organization is known in one of the states only, and not compared")
            return
        self.binds_root = True
        # Above an account that is in no organization there is no level, and nothing that binds it.
        paths = [() if one.value is None else one.value.path for one in (before, after)]
        for was, now in zip_longest(*paths):
            for old, new in zip(_policies(was), _policies(now), strict=True):
                if isinstance(old, Known) and isinstance(new, Known) and old != new:
                    said = frozenset().union(*(_sayings(policy.document) for policy in old.value))
                    says = frozenset().union(*(_sayings(policy.document) for policy in new.value))
                    self._note(said ^ says, self._everyone)
                    self._note_said(said ^ says)
                elif old != new:
                    self.unknown.append("SCPs or RCPs that could be read in one of the states only are not compared")
            if _policies(was)[1] != _policies(now)[1]:
                self.unknown.append("Which principals of other accounts the RCPs keep out is not compared")

    def _of_resources(self) -> Iterator[str]:
        before, after = self.before.resource_policies, self.after.resource_policies
        opened = self.before.public_access_blocks, self.after.public_access_blocks
        named = {carrier.rpartition(":")[2] for carrier in (*before, *after)}
        for bucket in opened[0]:
            if bucket not in named and opened[0][bucket] != opened[1].get(bucket, opened[0][bucket]):
                self.unknown.append(f"Block Public Access of {bucket} differs, and what its policy says is not known")
        if before is after and opened[0] == opened[1]:
            return
        for carrier in {**before, **after}:
            was, now = before.get(carrier), after.get(carrier)
            bucket = carrier.rpartition(":")[2]
            blocks = [account.public_access_blocks.get(bucket) for account in (self.before, self.after)]
            if was == now and blocks[0] == blocks[1]:
                continue
            for policy, when in ((was, "before"), (now, "after")):
                if policy is None or policy.state == "denied":
                    self.unknown.append(f"What the policy of {carrier} says is not known {when}")
            old = _sayings(was.document if was is not None else None, carrier)
            new = _sayings(now.document if now is not None else None, carrier)
            self._note(old ^ new if blocks[0] == blocks[1] else old | new, self._everyone)
            self._note_said(old ^ new)
            yield carrier


def _policies(level: OrganizationLevel | None) -> tuple[Fact[tuple[OrganizationPolicy, ...]], ...]:
    """The SCPs and the RCPs of a level; none where there is no such level."""
    return (Known(()), Known(())) if level is None else (level.scps, level.rcps)


def _documents(account: Account, entity: User | Role) -> dict[str, PolicyDocument | None]:
    """The identity policies of a user or role, by what names them; None: not known."""
    found: dict[str, PolicyDocument | None] = {}
    groups = (account.group(name) for name in entity.groups) if isinstance(entity, User) else ()
    for holder in (entity, *filter(None, groups)):
        found.update((f"{inline.name} of {holder.name}", inline.document) for inline in holder.inline_policies)
        found.update((attached.arn, account.document(attached.arn)) for attached in holder.attached_policies)
    return found


def _bound(account: Account, entity: User | Role) -> dict[str, PolicyDocument | None]:
    return {} if entity.boundary_arn is None else {entity.boundary_arn: account.document(entity.boundary_arn)}
