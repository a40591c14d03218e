"""One search for privilege escalation: back from the administrators, through all states of users and roles."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Final, NamedTuple, TypeAlias

from iamtui.account.model import Group, Role, User
from iamtui.catalog.escalation_paths import CHANGES, JOIN, NEW_PRINCIPALS, USES, EscalationPath, Gain, On, together
from iamtui.engine.decision import Outcome
from iamtui.engine.policy_holders import places
from iamtui.workspace.review.escalation_rights import Rights
from iamtui.workspace.review.escalation_states import (
    AFTER,
    AccountStates,
    State,
    Targets,
    groups_to_join,
    is_untouchable,
    puts_into_group,
    targets_of,
    what_is_needed,
)
from iamtui.workspace.review.escalation_steps import NO_TERMS, Entity, EscalationStep, Move, Terms, allows_all

_MOST_JOINED: Final = 4
"""Groups that one user joins on its way."""
_TOO_MANY_GROUPS: Final = f"Paths on which a user joins more than {_MOST_JOINED} groups were not followed."
_MOST_TARGETS: Final = 256
"""Users and roles that one who was changed is tried to act as."""
_TOO_MANY_TARGETS: Final = (
    f"What a changed user or role can do with others was tried with {_MOST_TARGETS} of them, not with all."
)
_NOT_DENIED: Final = "nothing on the way that a policy of the group denies"
_OPENING: Final = ("iam:UpdateAssumeRolePolicy", On.ROLE)
_WITHOUT_PROFILE: Final = frozenset(("ec2-001", "ec2-003"))
_PASSING: Final = tuple(
    path for path in USES if path.passes_role and not path.existing and path.id not in _WITHOUT_PROFILE
)
"""Uses of a new role."""
_WITHIN: Final = "a way on within its permissions boundary"

Moves: TypeAlias = tuple[Move, ...]
Reached: TypeAlias = Mapping[str, Moves]
"""The moves of everybody who becomes administrator, by ARN; those of the administrators are empty."""


class _Change(NamedTuple):
    """Steps that bring a user or role into another state, and who may have the permissions for them."""

    paths: tuple[EscalationPath, ...]
    targets: Targets
    who: int


class _Waiting(NamedTuple):
    """Principals that gain by a state of a user or role, if that leads to an administrator.

    Args:
        use: how they act as it; None where they are it.
    """

    state: State
    change: _Change
    use: EscalationPath | None


class EscalationRound:
    """One search: for what is certain, or for what is possible."""

    def __init__(self, states: AccountStates, known: Reached, *, certain: bool, cancelled: Callable[[], bool]) -> None:
        self._states = states
        self._account = states.account
        self._certain = certain
        self._cancelled = cancelled
        self._entities = states.account.principals
        self._as_is = states.rights(State.AS_IS)
        self._reached: dict[State, dict[str, Moves]] = {state: {} for state in State}
        self._reached[State.AS_IS].update(known)
        self._waiting: dict[tuple[State, str], list[_Waiting]] = {}
        self._fresh = [entity for entity in self._entities if entity.arn in known]
        self._unexplored = {State.AS_IS: self._as_is.everyone}
        for entity in self._fresh:
            self._unexplored[State.AS_IS] &= ~self._as_is.bit(entity.arn)
        self._open = dict.fromkeys(State, 0)
        self._seen = dict.fromkeys(State, 0)
        self._classes: dict[tuple[State, Hashable], int] = {}
        self._behind: dict[tuple[State, Hashable], int] = {}
        self._last_joined: list[str] = []
        self.left_out: tuple[str, ...] = ()

    def run(self) -> Reached:
        """Look at whoever is in a state of which something depends, until nothing new is found."""
        targets: list[Entity] = []
        while not self._cancelled():
            exploring, self._unexplored = self._unexplored, {}
            for state, opened in exploring.items():
                who = opened if state is State.AS_IS else self._one_of_each_class(state, opened)
                self._open[state] |= who
                self._change_themselves(state, who)
                self._make_others(state, who)
                self._use(state, targets)
                self._use_found(targets)
                self._change_others(state, who)
            self._use_found(targets)
            self._go_on_with_classes()
            if not self._unexplored:
                break
        return self._reached[State.AS_IS]

    def _use_found(self, targets: list[Entity]) -> None:
        """Search who acts as those found last, and so on; add these to the targets."""
        while self._fresh and not self._cancelled():
            fresh, self._fresh = self._fresh, []
            targets += fresh
            for state in State:
                self._use(state, fresh)

    def _one_of_each_class(self, state: State, who: int) -> int:
        """Some of whom all others have the same rights in a state, up to their own names; those come after them."""
        rights, found = self._states.rights(state), 0
        for place in places(who):
            if self._cancelled():
                break
            key = (state, rights.class_of(place))
            first = self._classes.setdefault(key, place)
            if first == place or self._entities[first].arn in self._reached[state]:
                found |= 1 << place
            else:
                self._behind[key] = self._behind.get(key, 0) | 1 << place
        return found

    def _go_on_with_classes(self) -> None:
        """Look at the others of a class too when the first of it becomes administrator."""
        for key in list(self._behind):
            state = key[0]
            if self._entities[self._classes[key]].arn in self._reached[state]:
                self._unexplored[state] = self._unexplored.get(state, 0) | self._behind.pop(key)

    def _found(self, state: State, entity: Entity, moves: Moves) -> None:
        """Somebody in a state becomes administrator; so do those who wait for it."""
        settled = [(state, entity, moves)]
        while settled:
            state, entity, moves = settled.pop()
            bit = self._as_is.bit(entity.arn)
            if entity.arn in self._reached[state]:
                continue
            self._reached[state][entity.arn] = moves
            self._open[state] &= ~bit
            if state is State.AS_IS:
                self._fresh.append(entity)
            for waiting in self._waiting.pop((state, entity.arn), ()):
                for one, theirs in self._gaining(waiting, state, entity, moves):
                    settled.append((waiting.state, one, theirs))

    def _gaining(self, waiting: _Waiting, state: State, subject: Entity, rest: Moves) -> Iterator[tuple[Entity, Moves]]:
        """Principals that become administrator by bringing another, or themselves, into a state that leads there."""
        for entity in self._at(waiting.change.who & self._open[waiting.state]):
            if entity.arn in self._reached[waiting.state]:
                continue
            if state is State.JOINED:
                moves = self._joining(waiting, entity, subject, rest)
            else:
                move = self._changing(waiting, entity, subject)
                moves = (move, *rest) if move is not None else None
            if moves is not None:
                yield entity, moves

    def _at(self, who: int) -> Iterator[Entity]:
        while who and not self._cancelled():
            yield self._entities[(who & -who).bit_length() - 1]
            who &= who - 1

    def _wanted(self, move: Move | None) -> bool:
        return move is not None and (move.certain or not self._certain)

    # What one changes: itself, others that one can act as, new users and roles.

    def _moves_when(self, state: State, subject: Entity) -> Moves | None:
        """The moves of a user or role in a state; None where none are known."""
        found = self._reached[state].get(subject.arn)
        return () if found is None and self._states.is_administrator(state, subject) else found

    def _depend(self, waiting: _Waiting, state: State, subject: Entity) -> None:
        """Let principals gain by a state of a user or role as soon as that leads to an administrator."""
        moves = self._moves_when(state, subject)
        if moves is not None:
            for entity, theirs in self._gaining(waiting, state, subject, moves):
                self._found(waiting.state, entity, theirs)
            return
        self._waiting.setdefault((state, subject.arn), []).append(waiting)
        bit = self._as_is.bit(subject.arn)
        if not self._seen[state] & bit:
            self._seen[state] |= bit
            self._unexplored[state] = self._unexplored.get(state, 0) | bit

    def _change_themselves(self, state: State, who: int) -> None:
        rights = self._states.rights(state)
        for path in (*CHANGES, JOIN):
            after = AFTER.get((state, path.gain))
            if after is None:
                continue
            able = rights.candidates(path, who & self._open[state], certain=self._certain)
            for entity in self._at(able):
                bit = rights.bit(entity.arn)
                if not self._open[state] & bit or (path.gain is Gain.FREEDOM and entity.boundary_arn is None):
                    continue
                for targets in targets_of(self._states, entity, path):
                    if not self._narrowed(rights, path, targets, bit):
                        continue
                    change = _Change((path,), targets, bit)
                    waiting = _Waiting(state, change, None)
                    moves = None if path.gain is Gain.GROUP else self._moves_when(after, entity)
                    move = None if path.gain is Gain.GROUP else self._changing(waiting, entity, entity)
                    if move is not None and moves is not None:
                        self._found(state, entity, (move, *moves))
                    elif move is not None or path.gain is Gain.GROUP:
                        self._depend(waiting, after, entity)
                    else:
                        continue
                    break

    def _change_others(self, state: State, who: int) -> None:
        rights = self._states.rights(state)
        changes = [
            (path, able)
            for path in (*CHANGES, JOIN)
            if (able := rights.candidates(path, who & self._open[state], certain=self._certain))
        ]
        if not changes:
            return
        uses = self._able_to_use(state, who)
        acting = {User: 0, Role: 0}
        for use, able in uses:
            acting[User if any(on is On.USER for _, on in use.steps) else Role] |= able
        # Whom one may put into a group does not follow from who that is.
        joined = {
            path: [
                (name, targets, some)
                for name, targets in groups_to_join(self._states, path)
                if (some := self._narrowed(rights, path, targets, able))
            ]
            for path, able in changes
            if puts_into_group(path)
        }
        subjects: Sequence[Entity] = self._entities
        if state is not State.AS_IS and len(subjects) > _MOST_TARGETS:
            subjects = sorted(subjects, key=lambda one: one.boundary_arn is not None)[:_MOST_TARGETS]
            self.left_out = (*self.left_out, _TOO_MANY_TARGETS)
        for subject in subjects:
            if self._cancelled():
                return
            if is_untouchable(subject):
                continue
            others = acting[type(subject)] & self._open[state] & ~rights.bit(subject.arn)
            if not others:
                continue
            found = self._changes_of(state, subject, changes, joined, others)
            if found:
                self._use_changed(state, subject, found, uses)

    def _changes_of(
        self,
        state: State,
        subject: Entity,
        changes: Sequence[tuple[EscalationPath, int]],
        joined: Mapping[EscalationPath, Iterable[tuple[str, Targets, int]]],
        others: int,
    ) -> dict[State, list[_Change]]:
        """Changes that some principals can make to another user or role, by the state that it is in then.

        Args:
            joined: by change, into which groups whom it puts can be put, and by whom.
            others: those principals.
        """
        rights = self._states.rights(state)
        found: dict[State, list[_Change]] = {}
        # One change into a state is enough for each of them.
        left = dict.fromkeys(State, others)
        for path, able in changes:
            after = AFTER.get((State.AS_IS, path.gain))
            if after is None or not able & left[after] or (path.gain is Gain.FREEDOM and subject.boundary_arn is None):
                continue
            known = joined.get(path)
            if known is None:
                known = (("", targets, able) for targets in targets_of(self._states, subject, path))
            elif not isinstance(subject, User):
                continue
            for name, targets, some in known:
                if isinstance(subject, User) and name in subject.groups:
                    continue
                some &= left[after]
                if some and path not in joined:
                    some = self._narrowed(rights, path, targets, some)
                if some:
                    found.setdefault(after, []).append(_Change((path,), targets, some))
                    if not self._is_weakened(targets):
                        left[after] &= ~some | rights.undecided
                if not left[after]:
                    break
        both = self._granted_and_freed(subject, found)
        if both:
            found[State.UNLIMITED] = both
        return found

    def _granted_and_freed(self, subject: Entity, found: Mapping[State, Sequence[_Change]]) -> list[_Change]:
        """The changes by which some give any policy and take away the boundary, where the first alone is too little."""
        both = [
            _Change((*one.paths, *other.paths), {**one.targets, **other.targets}, one.who & other.who)
            for one, other in product(found.get(State.GRANTED, ()), found.get(State.FREED, ()))
            if one.who & other.who
        ]
        return [] if both and self._states.is_administrator(State.GRANTED, subject) else both

    def _use_changed(
        self,
        state: State,
        subject: Entity,
        found: Mapping[State, Sequence[_Change]],
        uses: Sequence[tuple[EscalationPath, int]],
    ) -> None:
        rights = self._states.rights(state)
        everybody = 0
        for changes in found.values():
            for change in changes:
                everybody |= change.who
        for use, able in uses:
            able &= everybody & self._open[state]
            if not able or not self._fits(use, subject):
                continue
            able = self._narrowed(rights, use, {On.USER: subject.arn, On.ROLE: subject.arn}, able)
            for after, changes in found.items():
                left = able
                for change in changes:
                    some = change.who & left & self._open[state]
                    if some:
                        left &= ~some | rights.undecided
                        self._depend(_Waiting(state, change._replace(who=some), use), after, subject)

    def _make_others(self, state: State, who: int) -> None:
        rights = self._states.rights(state)
        for path in NEW_PRINCIPALS:
            able = rights.candidates(path, who & self._open[state], certain=self._certain)
            if not able:
                continue
            strong = [group.arn for group in self._account.groups if group.arn in self._states.strong]
            joins = any(on is On.STRONG_GROUP for _, on in path.steps)
            for (user, role), group in product(self._states.names.principals, strong if joins else ("",)):
                targets = {On.NEW_USER: user, On.NEW_ROLE: role, On.STRONG_GROUP: group}
                for entity in self._at(self._narrowed(rights, path, targets, able & self._open[state])):
                    move = self._making(rights, entity, path, targets)
                    if move is not None and self._wanted(move):
                        self._found(state, entity, (move,))

    def _making(self, rights: Rights, entity: Entity, path: EscalationPath, targets: Targets) -> Move | None:
        """Move of one who makes a user or role that no boundary holds back."""
        is_user = path.steps[0][1] is On.NEW_USER
        made = targets[On.NEW_USER] if is_user else targets[On.NEW_ROLE]
        steps: tuple[EscalationStep, ...] | None = None
        needs = ""
        for boundary in rights.boundaries or (None,):
            found = self._steps(rights, entity, path, targets, boundary)
            if found is not None:
                document = self._account.document(boundary[0]) if boundary else None
                needs = _WITHIN if document is not None and not allows_all(document) else ""
                steps = found[0]
                if not needs:
                    break
        if steps is None or needs:
            kind = "User" if is_user else "Role"
            freed = rights.step(entity, f"iam:Delete{kind}PermissionsBoundary", made)
            if freed is not None and (found := self._steps(rights, entity, path, targets)) is not None:
                steps, needs = (*found[0], freed), ""
        if steps is None:
            return None
        if is_user:
            return Move(path, entity.arn, made, steps, needs)
        assumed = rights.opened(entity, made, certain=self._certain)
        if assumed is not None:
            return Move(path, entity.arn, made, (*steps, assumed), needs)
        for passing in _PASSING:
            passed = self._steps(rights, entity, passing, {On.ROLE: made})
            if passed is not None:
                needs = needs or passed[1]
                return Move(together(path, passing), entity.arn, made, (*steps, *passed[0]), needs)
        return None

    def _joining(self, waiting: _Waiting, entity: Entity, subject: Entity, rest: Moves) -> Moves | None:
        """The moves of one who puts a user, or itself, into the fewest groups with which that goes on."""
        rights = self._states.rights(waiting.state)
        steps: dict[str, EscalationStep] = {}
        for group in self._states.groups_leading_on:
            if not isinstance(subject, User) or group.name in subject.groups:
                continue
            if self._narrowed(rights, JOIN, {On.OTHER_GROUP: group.arn}, rights.bit(entity.arn)):
                step = rights.step(entity, "iam:AddUserToGroup", group.arn)
                if step is not None and (step.decision.outcome is Outcome.ALLOWED or not self._certain):
                    steps[group.name] = step
        if not steps or not isinstance(subject, User):
            return None
        found = self._fewest_groups(subject, list(steps), rest[0])
        if found is None:
            return None
        chosen, first = found
        self._last_joined = chosen
        if len(chosen) > _MOST_JOINED:
            self.left_out = (*self.left_out, _TOO_MANY_GROUPS)
            return None
        path = JOIN if waiting.use is None else together(JOIN, waiting.use)
        joining = tuple(steps[name] for name in chosen)
        groups = {group.name: group.arn for group in self._states.groups_leading_on}
        if waiting.use is None:
            move: Move | None = Move(path, entity.arn, groups[chosen[0]], joining, becomes=entity.arn)
        else:
            used = self._using(rights, entity, waiting.use, subject)
            move = None
            if used is not None:
                move = replace(used, path=path, steps=(*joining, *used.steps), target=subject.arn)
        return (move, first, *rest[1:]) if move is not None and self._wanted(move) else None

    def _fewest_groups(self, subject: User, names: Sequence[str], move: Move) -> tuple[list[str], Move] | None:
        """Groups with which a user can make a move: those of last time, one, or so many that none can be left out."""
        for some in (self._last_joined, *([name] for name in names)):
            if some and set(names) >= set(some):
                alone = self._as_joined(subject, some, move)
                if alone is not None:
                    return some, alone
        chosen = list(names)
        first = self._as_joined(subject, chosen, move)
        if first is None:
            return None
        for name in names:
            fewer = [one for one in chosen if one != name]
            found = self._as_joined(subject, fewer, move)
            if found is not None:
                chosen, first = fewer, found
        return chosen, first

    def _as_joined(self, subject: User, names: Sequence[str], move: Move) -> Move | None:
        """A move of a user as one of some groups; None where these do not allow it."""
        joined = replace(subject, groups=(*subject.groups, *names))
        alone = replace(self._account, users=(joined,))
        rights = Rights(self._states.workspace, alone, self._states.names, self._states.strong, self._as_is)
        steps = []
        for step in move.steps:
            again: EscalationStep | None = step
            if step.terms.opened:
                again = rights.opened(joined, step.resource, certain=self._certain)
            elif step.terms.service == "" or step.action == "iam:PassRole":
                again = rights.step(joined, step.action, step.resource, step.terms)
            if again is None:
                return None
            steps.append(again)
        found = replace(move, steps=tuple(steps))
        return found if self._wanted(found) else None

    def _changing(self, waiting: _Waiting, entity: Entity, subject: Entity) -> Move | None:
        """The move of one who changes another that it can act as, or itself."""
        rights, change, path = self._states.rights(waiting.state), waiting.change, waiting.change.paths[0]
        used = None
        if waiting.use is not None:
            used = self._using(rights, entity, waiting.use, subject)
            if used is None or not self._wanted(used):
                return None
        steps: list[EscalationStep] = []
        for one in change.paths:
            found = self._steps(rights, entity, one, change.targets)
            if found is None:
                return None
            steps += found[0]
        needs = _NOT_DENIED if self._is_weakened(change.targets) else ""
        if waiting.use is None or used is None:
            about = next((change.targets[on] for _, on in path.steps if on is not On.SELF), "")
            move = Move(path, entity.arn, about, tuple(steps), needs)
        else:
            path = together(*change.paths, waiting.use)
            needs = "; ".join(filter(None, (needs, used.needs)))
            move = Move(path, entity.arn, subject.arn, (*steps, *used.steps), needs, subject.arn)
        return move if self._wanted(move) else None

    def _is_weakened(self, targets: Targets) -> bool:
        """True if a change is about a group that allows everything and denies something."""
        group = self._account.by_arn(targets.get(On.STRONG_GROUP, ""))
        return isinstance(group, Group) and group not in self._states.groups_without_deny

    # How one acts as another.

    def _able_to_use(self, state: State, who: int) -> list[tuple[EscalationPath, int]]:
        rights = self._states.rights(state)
        return [
            (path, able)
            for path in USES
            if (able := rights.candidates(path, who & self._open[state], certain=self._certain))
        ]

    def _use(self, state: State, targets: Sequence[Entity]) -> None:
        """Search principals in a state that act as one of those who become administrator."""
        if not self._open[state] or not targets:
            return
        rights = self._states.rights(state)
        uses = self._able_to_use(state, self._open[state])
        if state is not State.AS_IS and len(targets) > _MOST_TARGETS:
            targets = sorted(targets, key=lambda one: len(self._reached[State.AS_IS][one.arn]))[:_MOST_TARGETS]
            self.left_out = (*self.left_out, _TOO_MANY_TARGETS)
        for target in targets:
            if self._cancelled():
                return
            for path, able in uses:
                able &= self._open[state]
                if not able or not self._fits(path, target):
                    continue
                narrowed = self._narrowed(rights, path, {On.USER: target.arn, On.ROLE: target.arn}, able)
                for entity in self._at(narrowed):
                    move = self._using(rights, entity, path, target) if entity is not target else None
                    if move is not None and self._wanted(move):
                        self._found(state, entity, (move, *self._reached[State.AS_IS][target.arn]))

    def _fits(self, path: EscalationPath, target: Entity) -> bool:
        """True if a path can gain the permissions of a user or role, by what is known besides policies."""
        kinds = {on for _, on in path.steps}
        if not (isinstance(target, User) if On.USER in kinds else isinstance(target, Role)):
            return False
        needs = what_is_needed(self._account, path, target)
        if needs is None or (needs and self._certain):
            return False
        if not path.service:
            return True
        trusting = self._as_is.trusting(target, path.service) if isinstance(target, Role) else None
        return trusting is not None and (trusting.outcome is Outcome.ALLOWED or not self._certain)

    def _using(self, rights: Rights, entity: Entity, path: EscalationPath, target: Entity) -> Move | None:
        """The move of one who acts as another."""
        needs = what_is_needed(self._account, path, target)
        assumed = rights.opened(entity, target.arn, certain=self._certain) if _OPENING in path.steps else None
        if needs is None or (_OPENING in path.steps and assumed is None):
            return None
        found = self._steps(rights, entity, path, {On.USER: target.arn, On.ROLE: target.arn})
        if found is None:
            return None
        steps, needs = found[0], needs or found[1]
        if path.service and isinstance(target, Role):
            trusting = self._as_is.trusting(target, path.service)
            if trusting is None:
                return None
            if trusting.outcome is not Outcome.ALLOWED:
                steps = (*steps, EscalationStep("sts:AssumeRole", target.arn, trusting, Terms(path.service)))
        if assumed is not None:
            steps = (*steps, assumed)
        return Move(path, entity.arn, target.arn, steps, needs, target.arn)

    def _narrowed(self, rights: Rights, path: EscalationPath, targets: Targets, who: int) -> int:
        """Principals of whom the index does not know that a permission of the path is denied on its target."""
        for action, on in path.steps:
            if who and on in targets:
                terms = Terms(path.service) if action == "iam:PassRole" else NO_TERMS
                who = rights.narrowed(action, targets[on], terms, who, certain=self._certain)
        return who

    def _steps(
        self,
        rights: Rights,
        entity: Entity,
        path: EscalationPath,
        targets: Targets,
        boundary: tuple[str, ...] | None = None,
    ) -> tuple[tuple[EscalationStep, ...], str] | None:
        """The steps of a path, and what they need besides; None where one is denied.

        Those of several calls are on one resource, in one Region, if there is such.
        """
        calls = rights.calls(entity, path)
        if calls is None or (calls[1] and self._certain):
            return None
        rest = list(calls[0])
        steps: list[EscalationStep] = []
        for action, on in path.steps:
            if on in targets:
                terms = Terms(path.service if action == "iam:PassRole" else "", boundary)
                step = rights.step(entity, action, targets[on], terms)
                if step is None:
                    return None
                steps.append(step)
            else:
                steps.append(rest.pop(0))
        return tuple(steps), calls[1]
