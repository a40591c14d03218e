"""Difference between two snapshots of an account: entities added, removed and changed, and what everybody gained."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import nsmallest
from itertools import chain
from pathlib import Path
from typing import Any, Final, TypeAlias

from iamtui.account.identity_center import Assignee, IdentityCenter, PermissionSet
from iamtui.account.model import (
    REST_OF_ACCOUNT,
    UNLISTED,
    Account,
    AttachedPolicy,
    Entity,
    Fact,
    Group,
    IdentityProvider,
    InlinePolicy,
    InstanceProfile,
    Known,
    ManagedPolicy,
    Missing,
    Organization,
    PolicyVersion,
    ResourcePolicy,
    Role,
    User,
)
from iamtui.engine.request import MissingPolicy
from iamtui.policy.document import DocumentPool, JsonValue, PolicyDocument
from iamtui.problem import Problem
from iamtui.questions.account_index import principal_of
from iamtui.questions.policies_in_force import principal_policies
from iamtui.text import counted
from iamtui.workspace.change.compared_states import aligned
from iamtui.workspace.change.draft_session import Effect
from iamtui.workspace.change.impact import Impact, impact_between
from iamtui.workspace.source.inventory import DESCRIBES_SETS, first_words
from iamtui.workspace.source.opening import is_whole, open_snapshot
from iamtui.workspace.source.workspace import SourceChoice, SourceKind, Workspace


@dataclass(frozen=True, slots=True)
class EntityChange:
    """An entity, a resource's policy or a level of the organization that is not as it was; raw text.

    Args:
        kind: "user", "role", "policy", "resource policy", "organization", ...
        name: its ARN or id.
        change: "added", "removed", "changed", or "made anew": deleted and made again under the same ARN.
        details: what differs ("trust policy", "attached policies: +ReadOnlyAccess").
        effects: of a permission set, whether there is somebody who can sign in with it now, or no longer.
    """

    kind: str
    name: str
    change: str
    details: tuple[str, ...] = ()
    effects: frozenset[Effect] = frozenset()


@dataclass(frozen=True, slots=True)
class AccountDiff:
    """Differences between two snapshots of an account.

    Args:
        entities: those of which it is known; what only a part that was not read could have is in neither list.
        impact: what everybody gained and lost; of who was added or removed, everything.
    """

    before: Workspace
    after: Workspace
    entities: tuple[EntityChange, ...]
    impact: Impact

    @property
    def complete(self) -> bool:
        """True where both were read completely."""
        return not (self.before.account.unlisted or self.after.account.unlisted)

    def effects(self) -> frozenset[Effect]:
        """Everything that happens, in access, trust, escalation, or by who can sign in with a permission set."""
        return self.impact.effects().union(*(one.effects for one in self.entities))


def diff_snapshots(
    before: Path,
    after: Path,
    *,
    account: str | None = None,
    now: datetime | None = None,
) -> AccountDiff:
    """Compare two files. Blocking.

    Args:
        account: which of the accounts in the files; None: there is one in each.

    Raises:
        Problem: one cannot be read, or they are of two accounts.
    """
    pool = SameDocuments()
    first, second = (
        open_snapshot(SourceChoice(SourceKind.SNAPSHOT, path, snapshot_account=account), pool=pool)
        for path in (before, after)
    )
    if first.account.id != second.account.id:
        raise Problem(
            f"{before} is of account {first.account.id or '(unknown)'}, {after} of {second.account.id or '(unknown)'}.",
            "Compare two snapshots of one account. Redacted ones have made-up ids, so redact neither or compare first.",
        )
    return diff(first, second, now=now)


def diff(
    before: Workspace, after: Workspace, cancelled: Callable[[], bool] = lambda: False, *, now: datetime | None = None
) -> AccountDiff:
    """Compare two states of an account, whose equal documents are the same objects."""
    old, new = before.account, after.account
    # Who is missing where only a part was read is not known to be gone.
    unread = frozenset((*_unread(old, new), *_unread(new, old)))
    apart = dict(_read_apart(old, new))
    states = aligned(before, after, left_out={*unread, *apart})
    impact = impact_between(states, {one.arn for one in states.before.account.principals}, cancelled, now=now)
    said = (*_said_of_parts(unread, apart), *_said_of_people(old.identity_center, new.identity_center))
    impact = replace(impact, not_compared=(*said, *impact.not_compared))
    changed = tuple(one for one in entity_changes(old, new) if one.name not in unread)
    return AccountDiff(before, after, changed, impact)


class SameDocuments(DocumentPool):
    """Gives one PolicyDocument for all texts that say the same, however they are spelled."""

    def __init__(self) -> None:
        super().__init__()
        self._spelled: dict[str, PolicyDocument] = {}

    def document(self, raw: Mapping[str, JsonValue] | str) -> PolicyDocument:
        found = super().document(raw)
        if found.error is not None:
            return found
        return self._spelled.setdefault(json.dumps(found.value, sort_keys=True), found)


def _unread(account: Account, other: Account) -> Iterator[str]:
    """The ARNs of what an account has and another lacks that may be in the part of that which was not read."""
    gaps = {gap.what for gap in other.gaps}
    for kind, word in _KINDS:
        if REST_OF_ACCOUNT in gaps or _LISTS.get(word) in gaps:
            for entity in account.entities():
                if isinstance(entity, kind) and not isinstance(other.by_arn(entity.arn), kind):
                    yield entity.arn


def _read_apart(old: Account, new: Account) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The ARNs of users and roles of whose policies some could be read in one of the states only, with their names."""
    for entity in old.principals:
        other = new.by_arn(entity.arn)
        if isinstance(other, (User, Role)):
            names = _not_read(old, entity) ^ _not_read(new, other)
            if names:
                yield entity.arn, tuple(sorted(names))


def _not_read(account: Account, entity: User | Role) -> frozenset[str]:
    own = principal_policies(account, principal_of(account, entity))
    return frozenset(policy.name for policy in (*own.identity, *own.boundaries) if isinstance(policy, MissingPolicy))


_MOST_NAMED: Final = 10


def _said_of_parts(unread: Collection[str], apart: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Sentences, without their end, about parts that were not read and are not compared."""
    if unread:
        count = counted(len(unread), "entity", "entities")
        yield f"Not compared, because the other snapshot holds only a part of the account: {count} of one of them"
    names = sorted({name for each in apart.values() for name in each})
    for name in names[:_MOST_NAMED]:
        what = f"the policy {name} says" if name.startswith("arn:") else f"the {name} say"
        yield f"What {what} is not known in one of the snapshots"
    if len(names) > _MOST_NAMED:
        yield f"The same holds for {counted(len(names) - _MOST_NAMED, 'more policy', 'more policies')}"
    if apart:
        count = counted(len(apart), "user or role", "users and roles")
        yield f"What {count} may do rests on such policies, and is not compared"


# Entities: what is there in one of the states only, and what is not as it was.


_ATTRIBUTES: Final[Mapping[str, str]] = {
    "groups": "groups",
    "inline_policies": "inline policies",
    "attached_policies": "attached policies",
    "boundary_arn": "permissions boundary",
    "trust": "trust policy",
    "tags": "tags",
    "description": "description",
    "max_session_seconds": "longest session",
    "roles": "roles",
    "audiences": "audiences",
    "versions": "versions",
    "access_keys": "access keys",
    "mfa_devices": "MFA devices",
    "login_profile": "console password",
}
"""Compared fields of an entity. Dates of use and counts of attachments change all the time."""

_KINDS: Final[tuple[tuple[type[Entity], str], ...]] = (
    (User, "user"),
    (Group, "group"),
    (Role, "role"),
    (ManagedPolicy, "policy"),
    (InstanceProfile, "instance profile"),
    (IdentityProvider, "provider"),
)


_LISTS: Final[Mapping[str, str]] = {
    "user": UNLISTED["users"],
    "group": UNLISTED["groups"],
    "role": UNLISTED["roles"],
    "policy": UNLISTED["policies"],
    "instance profile": UNLISTED["roles"],
}
"""Name of the gap when those of a kind could not be listed; instance profiles come with the roles."""


def changes_since(was: Mapping[str, Workspace], workspace: Workspace) -> Sequence[EntityChange] | None:
    """Changed entities of accounts matched by id; None where no account can be compared."""
    pairs = [(was[one.id].account, one) for one in workspace.accounts if one.id in was]
    compared = [
        entity_changes(before, now) for before, now in pairs if before is not now and is_whole(before) and is_whole(now)
    ]
    return tuple(chain.from_iterable(compared)) if compared else None


def entity_changes(before: Account, after: Account) -> Iterator[EntityChange]:
    """The entities that are not as they were."""
    for kind, word in _KINDS:
        old = {one.arn: one for one in before.entities() if isinstance(one, kind)}
        new = {one.arn: one for one in after.entities() if isinstance(one, kind)}
        if kind is IdentityProvider and any(isinstance(one.providers, Missing) for one in (before, after)):
            continue
        for arn in {**old, **new}:
            if arn not in new:
                yield EntityChange(word, arn, "removed")
            elif arn not in old:
                yield EntityChange(word, arn, "added")
            else:
                yield from _changed(word, old[arn], new[arn])
    yield from _resources(before, after)
    yield from _organization(before, after)
    yield from _identity_center(before.identity_center, after.identity_center)


def _changed(word: str, old: Entity, new: Entity) -> Iterator[EntityChange]:
    details = tuple(_details(old, new))
    ids = [getattr(entity, "id", "") for entity in (old, new)]
    if all(ids) and ids[0] != ids[1]:
        yield EntityChange(word, new.arn, "made anew", details)
    elif details:
        yield EntityChange(word, new.arn, "changed", details)


def _details(old: Entity, new: Entity) -> Iterator[str]:
    for name, words in _ATTRIBUTES.items():
        was, now = _value(getattr(old, name, None)), _value(getattr(new, name, None))
        if was is not None and now is not None and was != now:
            yield words if name in ("trust", "description") else f"{words}: {_listed(was, now)}"


_Parts: TypeAlias = dict[str, object]
"""The parts of a value by name, with what else of each is compared."""


def _listed(was: _Parts, now: _Parts) -> str:
    gone = [f"-{name}" for name in was if name not in now]
    come = [f"+{name}" for name in now if name not in was]
    return ", ".join((*gone, *come, *(f"~{name}" for name in now if name in was and was[name] != now[name])))


def _value(fact: Any) -> _Parts | None:
    """The parts of a value by name; None: not known."""
    if isinstance(fact, Missing):
        return None
    value = fact.value if isinstance(fact, Known) else fact
    if value is None or value == "":
        return {}
    return dict(map(_named, value if isinstance(value, tuple) else (value,)))


def _named(one: Any) -> tuple[str, object]:
    """The name of a part, and what else of it is compared."""
    if isinstance(one, InlinePolicy):
        return one.name, _ComparedDocument(one.document)
    if isinstance(one, AttachedPolicy):
        return one.arn, None
    if isinstance(one, PolicyDocument):
        return "", _ComparedDocument(one)
    if isinstance(one, PolicyVersion):
        return one.id, (one.is_default, _ComparedDocument(one.document))
    if isinstance(one, tuple):
        return f"{one[0]}={one[1]}", None
    for name in ("serial", "id"):
        if hasattr(one, name):
            return str(getattr(one, name)), getattr(one, "status", "")
    return ("set", one) if hasattr(one, "reset_required") else (str(one), None)


class _ComparedDocument:
    """A document, equal to those that say the same, however they are spelled."""

    __slots__ = ("_document",)
    __hash__ = None  # type: ignore[assignment]  # it is compared, and no more

    def __init__(self, document: PolicyDocument) -> None:
        self._document = document

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _ComparedDocument):
            return NotImplemented
        one, two = self._document, other._document
        if one == two or one.error is not None or two.error is not None:
            return one == two
        return json.dumps(one.value, sort_keys=True) == json.dumps(two.value, sort_keys=True)


def _resources(before: Account, after: Account) -> Iterator[EntityChange]:
    old, new = before.resource_policies, after.resource_policies
    for arn in old:
        # What was not asked for in one of the states is not known to be gone.
        if arn in new and _policy(old[arn]) != _policy(new[arn]):
            states = [one[arn].state for one in (old, new)]
            change = {"none": "added", "present": "changed"}.get(states[0], "changed")
            yield EntityChange("resource policy", arn, "removed" if states == ["present", "none"] else change)
    for bucket, block in before.public_access_blocks.items():
        if after.public_access_blocks.get(bucket, block) != block:
            yield EntityChange("block public access", bucket, "changed")


def _policy(policy: ResourcePolicy) -> tuple[str, _ComparedDocument | None]:
    return policy.state, None if policy.document is None else _ComparedDocument(policy.document)


def _organization(before: Account, after: Account) -> Iterator[EntityChange]:
    old, new = before.organization, after.organization
    if not isinstance(old, Known) or not isinstance(new, Known) or old == new:
        return
    if old.value is None or new.value is None or old.value.id != new.value.id:
        name = (new.value or old.value).id if new.value or old.value else ""  # type: ignore[union-attr]
        yield EntityChange("organization", name, "removed" if new.value is None else "added")
        return
    yield from _levels(old.value, new.value)


def _levels(old: Organization, new: Organization) -> Iterator[EntityChange]:
    if [level.id for level in old.path] != [level.id for level in new.path]:
        ways = [" / ".join(level.name or level.id for level in one.path) for one in (old, new)]
        yield EntityChange("organization", new.id, "changed", (f"the account moved from {ways[0]} to {ways[1]}",))
    known = {level.id: level for level in old.path}
    for level in new.path:
        was = known.get(level.id)
        if was is None:
            continue
        details = []
        for word, first, second in (("SCPs", was.scps, level.scps), ("RCPs", was.rcps, level.rcps)):
            if isinstance(first, Known) and isinstance(second, Known):
                parts: list[_Parts] = [
                    {one.name: _ComparedDocument(one.document) for one in fact.value} for fact in (first, second)
                ]
                if parts[0] != parts[1]:
                    details.append(f"{word}: {_listed(*parts)}")
        if details:
            yield EntityChange("organization", level.name or level.id, "changed", tuple(details))


# IAM Identity Center: permission sets, and who can sign in with them.


_SET: Final = "permission set"
_MOST_COMPARED: Final = 5_000_000
"""People who are looked at, over all permission sets: some seconds."""


def _said_of_people(old: Fact[IdentityCenter], new: Fact[IdentityCenter]) -> Iterator[str]:
    """Sentences, without their end, about people whose signing in is not compared, because it was not read."""
    centers = [one.value for one in (old, new) if isinstance(one, Known)]
    if len(centers) == 1:
        yield "Who can sign in through IAM Identity Center is known in one of the snapshots only, and is not compared"
    if len(centers) != len((old, new)):
        return
    unknown: dict[str, None] = {}
    for center in centers:
        if DESCRIBES_SETS in center.unread:
            unknown["what some permission sets are called"] = None
        for one in center.permission_sets:
            if one.assignees is None:
                unknown[f"whom the permission set {one.name} is assigned to"] = None
            groups = (center.group(each.id) for each in one.assignees or () if each.type == "GROUP")
            unknown |= {f"the members of the group {each.words}": None for each in groups if each.members is None}
    if unknown:
        words = first_words([*unknown][:_MOST_NAMED], len(unknown))
        yield f"Who can sign in through what one of the snapshots does not hold is not compared: {words}"


def _identity_center(old: Fact[IdentityCenter], new: Fact[IdentityCenter]) -> Iterator[EntityChange]:
    """Permission sets and who can sign in with them, where both are known: what was not read is not compared."""
    if isinstance(old, Missing) or isinstance(new, Missing):
        return
    signing_in = _SigningIn(old.value, new.value)
    sets = [{one.name: one for one in center.value.permission_sets} for center in (old, new)]
    for name in {**sets[0], **sets[1]}:
        was, now = sets[0].get(name), sets[1].get(name)
        if was is not None and now is not None:
            moves = signing_in.moves(was.assignees, now.assignees)
            details = (*_set_details(was, now), *moves.details)
            if details:
                yield EntityChange(_SET, name, "changed", details, moves.effects)
        elif was is not None and DESCRIBES_SETS not in new.value.unread:
            moves = signing_in.moves(was.assignees, ())
            yield EntityChange(_SET, name, "removed", moves.details, moves.effects or _if_unknown(was, Effect.LOST))
        elif now is not None and DESCRIBES_SETS not in old.value.unread:
            moves = signing_in.moves((), now.assignees)
            yield EntityChange(_SET, name, "added", moves.details, moves.effects or _if_unknown(now, Effect.GAINED))


def _if_unknown(one: PermissionSet, effect: Effect) -> frozenset[Effect]:
    """Possible effects of a permission set that comes or goes, where its assignments are unknown."""
    return frozenset((effect,)) if one.assignees is None else frozenset()


def _set_details(was: PermissionSet, now: PermissionSet) -> Iterator[str]:
    if was.description != now.description:
        yield "description"
    if was.session_duration and now.session_duration and was.session_duration != now.session_duration:
        yield f"longest session: {was.session_duration} is now {now.session_duration}"


@dataclass(frozen=True, slots=True)
class _Moves:
    """Differences in who can sign in, in words, and whether somebody came or went."""

    details: tuple[str, ...] = ()
    effects: frozenset[Effect] = frozenset()


_Ids: TypeAlias = frozenset[str]


class _SigningIn:
    """Compares whom permission sets are assigned to, and the people among them: equal assignments once."""

    def __init__(self, old: IdentityCenter, new: IdentityCenter) -> None:
        self._old, self._new = old, new
        self._moves: dict[tuple[frozenset[Assignee], frozenset[Assignee]], _Moves] = {}
        self._shifts: dict[tuple[Assignee, bool, bool], tuple[_Ids, _Ids] | None] = {}
        self._left = _MOST_COMPARED

    def moves(self, was: Collection[Assignee] | None, now: Collection[Assignee] | None) -> _Moves:
        if was is None or now is None:
            return _Moves()
        key = (frozenset(was), frozenset(now))
        found = self._moves.get(key)
        if found is None:
            found = self._moves[key] = self._compared(*key)
        return found

    def _compared(self, was: frozenset[Assignee], now: frozenset[Assignee]) -> _Moves:
        come: set[str] = set()
        gone: set[str] = set()
        unread: set[Effect] = set()
        shifts = []
        for one in was | now:
            shift = self._shift(one, one in was, one in now)
            if shift is not None:
                shifts.append(shift)
            elif one not in was or one not in now:
                # Who is in a group that was not read is not known, but comes or goes with it.
                unread.add(Effect.LOST if one in was else Effect.GAINED)
        groups = self._groups(was, now)
        if self._left < 0 and any(map(any, shifts)):
            opened = {effect for shift in shifts for effect, ids in zip(_DIRECTIONS, shift, strict=True) if ids}
            return _Moves((*groups, "people: too many to be compared"), frozenset(unread | opened))
        come.update(*(first for first, _ in shifts))
        gone.update(*(second for _, second in shifts))
        self._left -= len(come) + len(gone)
        otherwise = come | gone
        if come:
            come.difference_update(*self._people(self._old, was))
        if gone:
            gone.difference_update(*self._people(self._new, now))
        otherwise -= come | gone
        effects = {effect for effect, ids in zip(_DIRECTIONS, (come, gone), strict=True) if ids}
        return _Moves((*groups, *self._named(come, gone, otherwise)), frozenset(unread | effects))

    def _shift(self, one: Assignee, in_old: bool, in_new: bool) -> tuple[_Ids, _Ids] | None:
        """Who comes and who goes by an assignment or as a member of its group; None: not known."""
        key = (one, in_old, in_new)
        if key not in self._shifts:
            was = _members(self._old, one) if in_old else frozenset()
            now = _members(self._new, one) if in_new else frozenset()
            self._shifts[key] = None if was is None or now is None else (now - was, was - now)
        return self._shifts[key]

    def _people(self, center: IdentityCenter, assignees: Iterable[Assignee]) -> Iterator[Collection[str]]:
        for one in assignees:
            members = (one.id,) if one.type == "USER" else center.group(one.id).members or ()
            self._left -= len(members)
            yield members

    def _groups(self, was: frozenset[Assignee], now: frozenset[Assignee]) -> Iterator[str]:
        """The groups that are assigned in one of the states only, or have another name."""
        first, second = (
            {one.id: center.group(one.id) for one in sorted(each, key=lambda one: one.id) if one.type == "GROUP"}
            for each, center in ((was, self._old), (now, self._new))
        )
        named = [f"-{one.words}" for one in first.values() if one.id not in second]
        named += [f"+{one.words}" for one in second.values() if one.id not in first]
        named += [f"~{one.words}" for one in second.values() if first.get(one.id, one).name not in ("", one.name)]
        if named:
            yield f"groups: {first_words(named[:_MOST_NAMED], len(named))}"

    def _named(self, come: Collection[str], gone: Collection[str], otherwise: Collection[str]) -> Iterator[str]:
        """The first of the people who come, go, or are in it by other groups than before."""
        named: list[str] = []
        for mark, ids, center in (("-", gone, self._old), ("+", come, self._new), ("~", otherwise, self._new)):
            first = nsmallest(
                _MOST_NAMED - len(named), map(center.person, ids), key=lambda one: (one.words.lower(), one.id)
            )
            named += (f"{mark}{one.words}" for one in first)
        if named:
            yield f"people: {first_words(named, len(come) + len(gone) + len(otherwise))}"


_DIRECTIONS: Final = (Effect.GAINED, Effect.LOST)


def _members(center: IdentityCenter, one: Assignee) -> _Ids | None:
    if one.type == "USER":
        return frozenset((one.id,))
    members = center.group(one.id).members
    return None if members is None else frozenset(members)
