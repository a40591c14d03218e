"""The permissions of everybody in one state of an account: as it is, or as steps of an escalation leave it.

The index says of each permission who may have it, as bits; only they are decided one by one. What steps make anew has
names that the policies of the account tell apart.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from itertools import chain, islice, product
from typing import Final

from iamtui.account.model import Account, Group, ManagedPolicy, Role, User
from iamtui.catalog.actions import catalogue
from iamtui.catalog.escalation_paths import ESCALATING_ACTIONS, EscalationPath, On
from iamtui.engine.decision import Decision, Outcome
from iamtui.engine.index.index_outcomes import Outcomes
from iamtui.engine.policy_holders import bits_of, places
from iamtui.engine.request import Principal, PrincipalKind
from iamtui.policy.document import PolicyDocument, Statement
from iamtui.policy.patterns import Glob, parse_pieces, tokens_of, with_variables_as_stars
from iamtui.policy.statement import ActionElement, ActionName, action_name
from iamtui.policy.types import PolicyType
from iamtui.questions.account_index import account_index, principal_of
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.known_context import GLOBAL_SERVICES
from iamtui.questions.question import Question
from iamtui.workspace.ask.assumptions import actions_limited_now
from iamtui.workspace.ask.questions import with_region
from iamtui.workspace.review.escalation_steps import (
    MOST_BOUNDARIES,
    NO_TERMS,
    Entity,
    EscalationStep,
    Terms,
    boundaries_of_new,
    denies,
    is_about,
    is_full_access,
    is_held_back,
    named_boundaries,
)
from iamtui.workspace.source.inventory import documents_in
from iamtui.workspace.source.workspace import Workspace

_NEW: Final = "new-administrator"
"""The name of a user, role or group that is not there yet, where no pattern names it."""
_NEW_RESOURCE: Final = "new-resource"
_MOST_NEW: Final = 32
"""Patterns of names for what is new that are tried."""
_MOST_MIXED: Final = 32
"""Pairs of such patterns of which one name can be made."""
_TOO_MANY_NAMES: Final = (
    f"New users, roles, groups or resources were tried with {_MOST_NEW} names, of more that matter."
)
_ANY_REGION: Final = "us-east-1"
_ASSUMING: Final = (action_name("sts:AssumeRole"),)


class PolicyNames:
    """Names for users, roles, groups and resources that are not there: one that no pattern names, then by pattern."""

    def __init__(self, account: Account, region: str) -> None:
        self._account = account
        self._region = region or _ANY_REGION
        of_type = PolicyType.IDENTITY, PolicyType.SCP
        documents = dict.fromkeys(one for _, type_, one in documents_in(account) if type_ in of_type)
        self.statements: tuple[Statement, ...] = tuple(
            one for each in documents if each.error is None for one in each.policy.statements
        )
        self._texts = tuple(
            dict.fromkeys(
                text
                for one in self.statements
                for text in (*(one.resources or ()), *((one.not_resources or ()) if one.effect == "Deny" else ()))
            )
        )
        self.left_out: dict[str, None] = {}
        """Bounds that were reached, a sentence each."""
        self._alike: dict[str, str] = {}
        self._first_alike: dict[Hashable, str] = {}
        self._made: dict[EscalationPath, tuple[tuple[str, str], ...]] = {}
        self._assumed: dict[PolicyDocument, tuple[tuple[str, Glob], ...]] = {}

    @cached_property
    def principals(self) -> tuple[tuple[str, str], ...]:
        """ARNs of a user and a role that are not there: by a name that no pattern names, then one for each pattern."""
        return tuple(self._of_iam("user", "role"))

    @cached_property
    def groups(self) -> tuple[str, ...]:
        return tuple(one for one, _ in self._of_iam("group", "group"))

    def _of_iam(self, *kinds: str) -> Iterator[tuple[str, str]]:
        iam = f"arn:{self._account.partition}:iam::{self._account.id}"
        named = [text for text in self._texts if any(f":{kind}/" in text for kind in kinds)]
        digest = sha256("\n".join(named).encode("utf-8", "replace")).hexdigest()
        globs = [_glob_of(text) for text in named]

        def hits(name: str) -> int:
            return sum(glob.matches(f"{iam}:{kind}/{name}") for glob in globs for kind in kinds)

        name = min((_NEW, digest[:16], digest[16:27], digest[27:50]), key=hits)
        first, second = kinds
        found = {(f"{iam}:{first}/{name}", f"{iam}:{second}/{name}"): None}
        for text in named:
            kind, _, pattern = text.rpartition(":")[2].partition("/")
            own = pattern.replace("*", name).replace("?", name[0])
            pair = (f"{iam}:{first}/{own}", f"{iam}:{second}/{own}")
            if pattern and kind in kinds and not any(map(self._account.by_arn, pair)):
                found[pair] = None
            if len(found) > _MOST_NEW:
                self.left_out[_TOO_MANY_NAMES] = None
                break
        return iter(found)

    def alike(self, arn: str) -> str:
        """The first of its kind that statements about IAM tell no more from this than its own name does."""
        found = self._alike.get(arn)
        if found is None:
            entity = self._account.by_arn(arn)
            key = None
            if isinstance(entity, (User, Role, Group, ManagedPolicy)):
                key = self._told_by(entity)
            found = self._alike[arn] = arn if key is None else self._first_alike.setdefault(key, arn)
        return found

    def _told_by(self, entity: Entity | Group | ManagedPolicy) -> Hashable | None:
        """Patterns and tags by which statements about IAM can tell an entity; None: by its own name."""
        arn, read = entity.arn, self._tags_read
        exact, globs = self._naming
        patterns = [*exact.get(arn, ())]
        for number, piece, glob, told_apart in globs:
            if piece in arn and glob.matches(arn):
                if isinstance(entity, told_apart):
                    return None
                patterns.append(number)
        tags = () if isinstance(entity, Group) else entity.tags
        return type(entity), tuple(pair for pair in tags if read is None or pair[0].lower() in read), tuple(patterns)

    @cached_property
    def _about_iam(self) -> tuple[Statement, ...]:
        """The statements of all policies about an action of IAM that a path needs."""
        return self._about([action_name(action) for action in ESCALATING_ACTIONS if action.startswith("iam:")])

    def _about(self, actions: Sequence[ActionName]) -> tuple[Statement, ...]:
        documents = dict.fromkeys(one for _, _, one in documents_in(self._account))
        every = (one for each in documents if each.error is None for one in each.policy.statements)
        return tuple(one for one in every if is_about(one, *actions))

    @cached_property
    def _tags_read(self) -> frozenset[str] | None:
        """The keys of tags, in lower case, that these read of what they are about; None: any."""
        lines = [line.key.lower() for one in self._about_iam for line in one.conditions]
        values = [value for one in self._about_iam for line in one.conditions for value in line.values]
        if any("resourcetag" in value.lower() for value in values):
            return None
        return frozenset(key.partition("/")[2] for key in lines if "resourcetag/" in key)

    def told_by_assuming(self, documents: Iterable[PolicyDocument], arn: str) -> Hashable:
        """What some policies and the organization's tell of a role by their statements about assuming roles."""
        if self._roles_by_tags:
            return arn
        globs = chain.from_iterable(map(self._assumed_in, (*documents, *self._of_organization)))
        return frozenset(text for text, glob in globs if glob.matches(arn))

    @cached_property
    def _roles_by_tags(self) -> bool:
        return any("resourcetag" in line.key.lower() for one in self._about(_ASSUMING) for line in one.conditions)

    @cached_property
    def _of_organization(self) -> tuple[PolicyDocument, ...]:
        return tuple(one for _, type_, one in documents_in(self._account) if type_ is not PolicyType.IDENTITY)

    def _assumed_in(self, document: PolicyDocument) -> tuple[tuple[str, Glob], ...]:
        """The resources, but "*", of a policy's statements about assuming roles."""
        found = self._assumed.get(document)
        if found is None:
            about = (one for one in document.policy.statements if document.error is None and is_about(one, *_ASSUMING))
            texts = dict.fromkeys(text for one in about for text in ((one.resources or ()) + (one.not_resources or ())))
            found = self._assumed[document] = tuple((text, _glob_of(text)) for text in texts if text != "*")
        return found

    def _with_tags(self, text: str) -> Iterator[str]:
        """A pattern, or one with each value of the one principal tag that it has as its only variable."""
        found = re.fullmatch(r"([^$]*)\$\{aws:PrincipalTag/([^}$*?]+)\}([^$]*)", text, re.IGNORECASE)
        if found is None:
            yield text
            return
        tags = (tag for one in self._account.principals for tag in one.tags)
        values = dict.fromkeys(value for key, value in tags if key.lower() == found[2].lower())
        known = len(values) <= _MOST_NEW and not any(set("*?$") & set(value) for value in values)
        yield from (f"{found[1]}{value}{found[3]}" for value in values) if known else (text,)

    @cached_property
    def _naming(self) -> tuple[dict[str, list[int]], list[tuple[int, str, Glob, tuple[type, ...]]]]:
        """Numbers of ARNs, and patterns: a number, a piece of all ARNs that match, and whom variables tell by name."""
        exact: dict[str, list[int]] = {}
        globs: list[tuple[int, str, Glob, tuple[type, ...]]] = []
        statements = self._about_iam
        texts = dict.fromkeys(
            text
            for one in statements
            for text in (*(one.resources or ()), *(one.not_resources or ()))
            if text != "*" and _may_be_of_iam((*text.split(":", 3), "*", "*")[2])
        )
        for number, text in enumerate(dict.fromkeys(chain.from_iterable(map(self._with_tags, texts)))):
            if not set("*?$") & set(text):
                exact.setdefault(text, []).append(number)
                continue
            told_apart: tuple[type, ...] = ()
            if "$" in text:
                # Of its own name every user has another; who acts on other users is not told by that.
                is_others = "$" in text.replace("${aws:username}", "")
                told_apart = (User, Role, Group, ManagedPolicy) if is_others else (Group, ManagedPolicy)
            glob = _glob_of(text)
            pieces = re.split(r"[*?]", text.partition("$")[0])
            globs.append((number, max(pieces, key=lambda piece: len(piece.rpartition("::")[2])), glob, told_apart))
        return exact, globs

    def made(self, path: EscalationPath) -> tuple[tuple[str, str], ...]:
        """Where a path of several calls can happen: the ARN of what it makes ("" for nothing), and a Region.

        That which no policy names comes first.
        """
        found = self._made.get(path)
        if found is None:
            every = tuple(dict.fromkeys(self._places(path)))
            if len(every) > _MOST_NEW:
                self.left_out[_TOO_MANY_NAMES] = None
            found = self._made[path] = every[:_MOST_NEW]
        return found

    def _places(self, path: EscalationPath) -> Iterator[tuple[str, str]]:
        services = {action.partition(":")[0] for action, on in path.steps if on in (On.MADE, On.ANY)}
        head, _, tail = path.makes.partition("{}")
        service = next((action.partition(":")[0] for action, on in path.steps if on is On.MADE), "")

        def at(region: str, name: str) -> tuple[str, str]:
            place = "" if service in GLOBAL_SERVICES else region
            start = f"arn:{self._account.partition}:{service}:{place}:{self._account.id}:"
            return (f"{start}{head}{name}{tail}" if path.makes else "", region)

        regions, patterns = {self._region: None}, {"*": None}
        for text in self._texts:
            parts = text.split(":", 5)
            if len(parts) < 6 or parts[2] not in services:
                continue
            if parts[3] and not set("*?$") & set(parts[3]):
                regions[parts[3]] = None
            pattern = parts[5].removeprefix(head).removesuffix(tail) if parts[2] == service else "*"
            if pattern and not set("$/:") & set(pattern):
                patterns[pattern] = None
        every = dict.fromkeys((*patterns, *self._mixed(patterns)))
        names = dict.fromkeys(one.replace("*", _NEW_RESOURCE).replace("?", "x") for one in every)
        yield from (at(region, name) for name, region in product(names, regions))

    def _mixed(self, patterns: Iterable[str]) -> Iterator[str]:
        """Patterns that begin as one pattern and end as another."""
        starred = [one for one in patterns if "*" in one]
        if len(starred) ** 2 > _MOST_MIXED:
            self.left_out[_TOO_MANY_NAMES] = None
        for one, other in islice(product(starred, starred), _MOST_MIXED):
            yield f"{one.partition('*')[0]}*{other.rpartition('*')[2]}"


def _glob_of(text: str) -> Glob:
    return Glob(tokens_of(with_variables_as_stars(parse_pieces(text, variables=True))))


def _may_be_of_iam(service: str) -> bool:
    return service.lower() == "iam" or "*" in service or "?" in service


POSSIBLE: Final = (Outcome.ALLOWED, Outcome.DEPENDS)
_MOST_STRONG: Final = 8
"""Policies of the account that allow everything and are tried where conditions tell policies apart."""
_TOO_MANY_STRONG: Final = (
    f"Of the account's own policies that allow everything, {_MOST_STRONG} were tried to be attached, not all."
)
_TOO_MANY_BOUNDARIES: Final = (
    f"New users and roles were tried with {MOST_BOUNDARIES} of the boundaries that conditions name, not with all."
)
_MOST_READ: Final = 4096
_MOST_EVALUATORS: Final = 256
_STRONG: Final = ("AdministratorAccess", "IAMFullAccess")
"""Policies of AWS with which a principal is an administrator, or makes itself one."""
_ATTACHING: Final = frozenset(("iam:AttachUserPolicy", "iam:AttachRolePolicy", "iam:AttachGroupPolicy"))
_BOUNDING: Final = frozenset(("iam:PutUserPermissionsBoundary", "iam:PutRolePermissionsBoundary"))
_TOGETHER: Final = "a resource in one Region on which all these steps are allowed"


class Rights:
    """Permissions of everybody in one state of an account.

    Args:
        strong: the ARNs of those with a policy that allows everything; None: all have one.
        base: the same of the account as it is; None: this is that.
    """

    def __init__(
        self,
        workspace: Workspace,
        account: Account,
        names: PolicyNames,
        strong: frozenset[str] | None,
        base: Rights | None = None,
    ) -> None:
        self.account = account
        self._strong = strong
        self._base = base
        self._workspace = workspace
        self.names = names
        self.entities: tuple[Entity, ...] = workspace.account.principals
        self._places = {entity.arn: place for place, entity in enumerate(self.entities)}
        self._evaluators: dict[Hashable, QuestionEvaluator] = {}
        self._ways_of: dict[str, tuple[bool, ...]] = {}
        self._bits: dict[tuple[str, str, Terms], tuple[int, int, int]] = {}
        self._read: dict[tuple[Hashable, int], Outcomes] = {}
        self._calls: dict[tuple[str, str], tuple[tuple[EscalationStep, ...], str] | None] = {}
        self._classes: dict[int, Hashable] = {}
        self._opened: dict[tuple[str, Hashable], Outcome] = {}
        self._documents: dict[str, tuple[PolicyDocument, ...]] = {}
        self._trusting: dict[tuple[str, str], Decision | None] = {}

    def forget(self) -> None:
        """Free one by one what was kept: all at once, that holds the interpreter's lock for more than a frame."""
        while self._evaluators:
            self._evaluators.popitem()

    def bit(self, arn: str) -> int:
        return 1 << self._places[arn]

    @cached_property
    def everyone(self) -> int:
        return (1 << len(self.entities)) - 1

    @property
    def undecided(self) -> int:
        """Principals of whom `narrowed` tells no more than that they may be allowed."""
        return account_index(self.account).left

    @cached_property
    def administrators(self) -> int:
        """Principals that may do everything; none behind a boundary that denies nearly everything."""
        strong = self.everyone
        if self._strong is not None:
            strong = bits_of((self._places[one] for one in self._strong if one in self._places), len(self.entities))
        (evaluator, *_) = self._evaluators_of("iam:AttachUserPolicy", "*", NO_TERMS, (True,))
        outcomes = evaluator.outcomes(strong) if strong else None
        known = outcomes.allowed if outcomes is not None else 0
        left = strong if outcomes is None else outcomes.left & strong
        for place in places(left):
            if self._alone("iam:AttachUserPolicy", "*", self.entities[place]).outcome is Outcome.ALLOWED:
                known |= 1 << place
        held_back = (place for place in places(known) if not self._is_unbounded(self.account.principals[place]))
        return known & strong & ~bits_of(held_back, len(self.entities))

    def _alone(self, action: str, resource: str, entity: Entity) -> Decision:
        """A decision of which nothing is read for everybody."""
        (evaluator, *_) = self._evaluators_of(action, resource, NO_TERMS, (True,))
        return evaluator.decide(principal_of(self.account, entity), read_whole=True)

    def _is_unbounded(self, entity: Entity) -> bool:
        if not is_held_back(self.account, entity):
            return True
        user, _ = self.names.principals[0]
        making = ("iam:CreateUser", "iam:AttachUserPolicy", "iam:CreateAccessKey")
        document = self.account.document(entity.boundary_arn or "")
        allows_all = document is not None and is_full_access(document)
        return allows_all and all(self._alone(one, user, entity).outcome is Outcome.ALLOWED for one in making)

    def candidates(self, path: EscalationPath, who: int, *, certain: bool) -> int:
        """Principals of whom the index does not know that a permission of the path is denied on every resource."""
        for action, _ in path.steps:
            terms = Terms(path.service) if action == "iam:PassRole" else NO_TERMS
            who &= self.narrowed(action, "*", terms, who, certain=certain) if who else 0
        return who

    def narrowed(self, action: str, resource: str, terms: Terms, who: int, *, certain: bool) -> int:
        """Principals of whom the index does not know that an action is denied.

        About one resource it is read for all who may be allowed it on some, so that it is read once.
        """
        own = 0
        if resource != "*" and action.startswith("iam:"):
            alike = self.names.alike(resource)
            if alike != resource and alike in self._places:
                # What one may not do with itself says nothing of others.
                own = self.bit(alike) | self.bit(resource)
            resource = alike
        key = (action, resource, terms)
        asked, sure, possible = self._bits.get(key, (0, 0, 0))
        if who & ~asked:
            if resource != "*":
                asked = who | (self._bits.get((action, "*", terms), (0, 0, 0))[2] & ~self.administrators)
            else:
                asked = self.everyone if self._base is None else who
            sure, possible = self._bits_of(action, resource, terms, asked)
            self._bits[key] = asked, sure, possible
        return ((sure if certain else possible) | own) & who

    def _bits_of(self, action: str, resource: str, terms: Terms, who: int) -> tuple[int, int]:
        """Principals that may be allowed for certain by the index, and those that may be allowed at all."""
        sure = possible = 0
        for made_now in self.ways(action):
            for evaluator in self._evaluators_of(action, resource, terms, (made_now,)):
                if resource != "*":
                    outcomes = self._outcomes_on(evaluator, who & ~(sure & possible))
                else:
                    outcomes = evaluator.outcomes(None if self._base is None else who)
                denied = 0 if outcomes is None else outcomes.explicit_deny | outcomes.implicit_deny
                possible |= who & ~denied
                if made_now:
                    sure |= who & ~denied & ~(0 if outcomes is None else outcomes.depends)
        if resource == "*":
            # Of service-linked roles the index cannot tell, and each would be asked about every target.
            for place in places((sure | possible) & account_index(self.account).left):
                outcome = self.may(self.entities[place], action, "*", terms).outcome
                if outcome is not Outcome.ALLOWED:
                    sure &= ~(1 << place)
                if outcome not in POSSIBLE:
                    possible &= ~(1 << place)
        return sure, possible

    def class_of(self, place: int) -> Hashable:
        """Class of principals of the same permissions: its boundary, and policies, those of groups too."""
        found = self._classes.get(place)
        if found is None:
            one = self.account.principals[place]
            documents = tuple(dict.fromkeys(self._held_by(one)))
            found = self._classes[place] = (type(one), one.boundary_arn, documents, one.unread)
        return found

    def _held_by(self, entity: Entity) -> tuple[PolicyDocument, ...]:
        """The policies of a user or role, those of its groups too."""
        groups = filter(None, map(self.account.group, entity.groups)) if isinstance(entity, User) else ()
        return (*self._documents_of(entity), *chain.from_iterable(map(self._documents_of, groups)))

    def _documents_of(self, holder: Entity | Group) -> tuple[PolicyDocument, ...]:
        """The policies of one holder; where everybody may do all, those that deny."""
        found = self._documents.get(holder.arn)
        if found is None:
            attached = (self.account.document(one.arn) for one in holder.attached_policies)
            every = (*(one.document for one in holder.inline_policies), *filter(None, attached))
            if self._strong is None:
                every = tuple(each for each in every if each.error is not None or denies(each))
            found = self._documents[holder.arn] = every
        return found

    def _outcomes_on(self, evaluator: QuestionEvaluator, who: int) -> Outcomes | None:
        """Outcomes of a question about one resource; of most resources policies say the same as of others."""
        reading = evaluator.reading(account_index(self.account))
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

    def step(self, entity: Entity, action: str, resource: str, terms: Terms = NO_TERMS) -> EscalationStep | None:
        """A permission as a step; None where it is denied."""
        decision = self.may(entity, action, resource, terms)
        return EscalationStep(action, resource, decision, terms) if decision.outcome in POSSIBLE else None

    def opened(self, entity: Entity, arn: str, *, certain: bool) -> EscalationStep | None:
        """Assuming a role, maybe a new one, whose trust policy names the principal alone; None where that is denied.

        Args:
            certain: whether what depends on something counts as denied.
        """
        now = self.account.by_arn(entity.arn)
        assert isinstance(now, (User, Role))
        boundary = self.account.document(now.boundary_arn or "")
        documents = (*self._held_by(now), *filter(None, (boundary,)))
        key = entity.arn, self.names.told_by_assuming(documents, arn)
        wanted = (Outcome.ALLOWED,) if certain else POSSIBLE
        if self._opened.get(key, Outcome.ALLOWED) not in wanted:
            return None
        statement = {"Effect": "Allow", "Principal": {"AWS": entity.arn}, "Action": "sts:AssumeRole"}
        trust = PolicyDocument.of({"Version": "2012-10-17", "Statement": [statement]})
        role = self.account.by_arn(arn)
        role = replace(role, trust=trust) if isinstance(role, Role) else Role("new", "/", arn, "", None, trust)
        account = alone(self.account, now)
        account = replace(account, roles=(role, now) if isinstance(now, Role) else (role,))
        question = with_region(self._workspace, Question("sts:AssumeRole", arn, made_now=True))
        decision = QuestionEvaluator(account, question).decide(principal_of(account, now), read_whole=True)
        self._opened[key] = decision.outcome
        if decision.outcome not in wanted:
            return None
        return EscalationStep("sts:AssumeRole", arn, decision, Terms(opened=True))

    def calls(self, entity: Entity, path: EscalationPath) -> tuple[tuple[EscalationStep, ...], str] | None:
        """The steps of a path that are about no user, role, group or policy, and what they need besides.

        Those of several calls are on one resource, in one Region, if there is such; None where one is denied.
        """
        key = (entity.arn, path.id)
        if key not in self._calls:
            self._calls[key] = self._find_calls(entity, path)
        return self._calls[key]

    def _find_calls(self, entity: Entity, path: EscalationPath) -> tuple[tuple[EscalationStep, ...], str] | None:
        calls = [(action, on) for action, on in path.steps if on in (On.MADE, On.ANY)]
        possible: tuple[EscalationStep, ...] = ()
        for made, region in self.names.made(path) if len(calls) > 1 else ():
            found = []
            for action, on in calls:
                resource = made if on is On.MADE else _regional(action, self.account, region)
                step = self.step(entity, action, resource, Terms(region=region))
                if step is None:
                    break
                found.append(step)
            else:
                if all(step.decision.outcome is Outcome.ALLOWED for step in found):
                    return tuple(found), ""
                possible = possible or tuple(found)
        if possible:
            return possible, ""
        each = [self.step(entity, action, "*") for action, _ in calls]
        steps = tuple(filter(None, each))
        return (steps, _TOGETHER if len(calls) > 1 else "") if len(steps) == len(calls) else None

    def may(self, entity: Entity, action: str, resource: str, terms: Terms = NO_TERMS) -> Decision:
        """The decision; of attaching a policy that on the first of the strong ones that can be attached, if one can."""
        principal = principal_of(self.account, entity)
        for way in self.ways(action):
            evaluators = self._evaluators_of(action, resource, terms, (way,))
            decisions = [each.decide(principal, read_whole=self._base is not None) for each in evaluators]
            for outcome in POSSIBLE:
                for decision in decisions:
                    if decision.outcome is outcome:
                        return decision
        return decisions[0]

    def trusting(self, role: Role, service: str) -> Decision | None:
        """Decision of a role's trust policy on a service that works for this account; None: it does not admit it."""
        key = (role.arn, service)
        if key not in self._trusting:
            self._trusting[key] = self._trust(role, Principal(PrincipalKind.SERVICE, service))
        return self._trusting[key]

    def _trust(self, role: Role, caller: Principal) -> Decision | None:
        for made_now in self.ways("sts:AssumeRole"):
            (evaluator,) = self._evaluators_of("sts:AssumeRole", role.arn, NO_TERMS, (made_now,))
            decision = evaluator.decide(caller)
            if decision.outcome is Outcome.ALLOWED:
                return decision
            if decision.outcome is Outcome.DEPENDS and self._may_work_here(role, caller, made_now=made_now):
                return decision
        return None

    def _may_work_here(self, role: Role, caller: Principal, *, made_now: bool) -> bool:
        """True if a service may assume a role for this account: the policy names this one, or none."""
        account = self.account
        own: dict[str, tuple[str, ...]] = {"aws:SourceAccount": (account.id,)}
        organization = account.organization.value_or(None)
        if organization is not None:
            own["aws:SourceOrgID"] = (organization.id,)
        absent: dict[str, tuple[str, ...]] = dict.fromkeys((*own, "aws:SourceArn", "aws:SourceOrgPaths"), ())
        for given in (own, absent):
            question = Question("sts:AssumeRole", role.arn, given, made_now=made_now)
            if QuestionEvaluator(account, question).decide(caller).outcome in POSSIBLE:
                return True
        return False

    def _evaluators_of(
        self, action: str, resource: str, terms: Terms, ways: Sequence[bool]
    ) -> tuple[QuestionEvaluator, ...]:
        policies = self._strong_policies if action in _ATTACHING else ("",)
        pairs = product(ways, policies)
        return tuple(self._evaluator(action, resource, terms, policy, made_now=way) for way, policy in pairs)

    def ways(self, action: str) -> tuple[bool, ...]:
        """Kinds of calls to decide: one made now, and where its facts may deny that, any other."""
        if self._base is not None:
            return self._base.ways(action)
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

    def _evaluator(self, action: str, resource: str, terms: Terms, policy: str, *, made_now: bool) -> QuestionEvaluator:
        key = (action, resource, terms, policy, made_now)
        found = self._evaluators.get(key)
        if found is None:
            context: dict[str, tuple[str, ...]] = {}
            if action == "iam:PassRole":
                context["iam:PassedToService"] = (terms.service,)
            elif policy:
                context["iam:PolicyARN"] = (policy,)
            if terms.boundary is not None:
                context["iam:PermissionsBoundary"] = terms.boundary
            elif action in _BOUNDING:
                context["iam:PermissionsBoundary"] = (self._aws_policy(_STRONG[0]),)
            question = Question(action, resource, context, made_now=made_now, region=terms.region)
            question = with_region(self._workspace, question) if made_now else question
            if len(self._evaluators) >= _MOST_EVALUATORS:
                # The first is asked about last longest ago, or about all resources, and quickly made again.
                self._evaluators.pop(next(iter(self._evaluators)))
            found = self._evaluators[key] = QuestionEvaluator(self.account, question)
        return found

    def _aws_policy(self, name: str) -> str:
        return f"arn:{self.account.partition}:iam::aws:policy/{name}"

    @cached_property
    def _strong_policies(self) -> tuple[str, ...]:
        """The ARNs of policies that make an administrator: the first alone where no condition tells policies apart."""
        known = tuple(map(self._aws_policy, _STRONG))
        if not any(line.key.lower() == "iam:policyarn" for one in self.names.statements for line in one.conditions):
            return known[:1]
        own = (policy for policy in self.account.policies if policy.arn not in known)
        strong = [one.arn for one in own if one.document is not None and is_full_access(one.document)]
        if len(strong) > _MOST_STRONG:
            self.names.left_out[_TOO_MANY_STRONG] = None
        return (*known, *strong[:_MOST_STRONG])

    @cached_property
    def boundaries(self) -> tuple[tuple[str, ...], ...]:
        """Boundaries that hold a new user or role back from nothing, that without one first; () where none matters."""
        named = named_boundaries(self.names.statements)
        if named is None:
            return ()
        if len(named) > MOST_BOUNDARIES:
            self.names.left_out[_TOO_MANY_BOUNDARIES] = None
        return boundaries_of_new(self.account, named)


def alone(account: Account, entity: Entity) -> Account:
    """An account with one of its users or roles, and what that holds: all that decides what it may do with others."""
    groups = tuple(filter(None, map(account.group, entity.groups))) if isinstance(entity, User) else ()
    attached = [one.arn for holder in (entity, *groups) for one in holder.attached_policies]
    arns = dict.fromkeys((*attached, entity.boundary_arn or ""))
    policies = tuple(filter(None, map(account.policy, arns)))
    users, roles = ((entity,), ()) if isinstance(entity, User) else ((), (entity,))
    return replace(account, users=users, roles=roles, groups=groups, policies=policies)


def _regional(action: str, account: Account, region: str) -> str:
    """All resources of an action in one Region; "*" of an action that is about none."""
    info = catalogue().action(action)
    has_regions = info is not None and any(":${Region}:" in form for form in info.arn_forms)
    return f"arn:{account.partition}:{action.partition(':')[0]}:{region}:{account.id}:*" if has_regions else "*"
