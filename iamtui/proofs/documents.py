"""Two documents compared for all requests: whether one allows anything that the other does not.

Identity policies, boundaries and SCPs for whoever calls, policies of resources and roles for each class of callers.
What else is in force is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, NamedTuple

from iamtui.catalog.actions import ENGINE_CATALOGUE
from iamtui.engine.decision import Outcome
from iamtui.engine.possible_requests import (
    KNOWN_REGIONS,
    Occasion,
    Values,
    carries,
    proper_key,
    why_impossible,
    why_no_value,
)
from iamtui.engine.prepared_request import prepare
from iamtui.engine.representatives import ArnDefaults, spellings
from iamtui.engine.request import PrincipalKind
from iamtui.policy.context import CommonContext, RequestContext, Truth, all_of, any_of, negate
from iamtui.policy.document import PolicyDocument
from iamtui.policy.patterns import Token, Variable, Wild, is_account_id, is_pattern, parse_arn, parse_pieces
from iamtui.policy.resource import RequestResource, ResourceKind
from iamtui.policy.statement import CompiledStatement, PrincipalRules, action_name, compile_policy
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType
from iamtui.proofs.carried_keys import Carried
from iamtui.proofs.compared_callers import ANYBODY, ComparedCaller, ComparedCallers, some_of_anybody
from iamtui.proofs.contexts import Doubt, FoundContext, find_context
from iamtui.proofs.requests import IN_REGIONS, action_classes, groups_of, region_of, services_named, without_open_parts
from iamtui.proofs.texts import ANY_OTHER, Bounds, GroupKind, PatternGroup, Unproved, representative_strings

_UNKNOWN: Final = RequestContext(CommonContext({}, discover=True))
_ANY_ARN: Final[tuple[tuple[Token, ...], ...]] = tuple(
    (*"arn:", *((Wild.FIELD_ONE, Wild.FIELD_STAR, ":") * 2), Wild.FIELD_STAR, ":", *account, ":", Wild.STAR)
    for account in ((), (Wild.FIELD_ONE,) * 12, tuple("aws"))
)
_MOST_SPELLINGS: Final = 48
_STEPS_OF_CALLER: Final = 50
_MOST_REASONS: Final = 20
_UNNAMED: Final = ("sns", "sqs", "s3", "iam", "ec2")
"""Services that represent all that are not named."""


class AllowedByOne(NamedTuple):
    """A request that one document allows and the other does not."""

    action: str
    resource: str
    context: dict[str, Values]
    principal: str = ""


@dataclass(frozen=True)
class Comparison:
    """Result of comparing two documents.

    Args:
        example: what the one allows and the other does not, or None.
        reasons: where there is neither an example nor a proof, what stands in the way of it.
        classes: how many classes of actions were looked at.
    """

    example: AllowedByOne | None = None
    reasons: tuple[str, ...] = ()
    classes: int = 0

    @property
    def proved(self) -> bool:
        return self.example is None and not self.reasons


class _Sides(NamedTuple):
    """The statements about one action: of the document that should allow no more, and of the other."""

    one: tuple[CompiledStatement, ...]
    other: tuple[CompiledStatement, ...]


def find_broader(
    one: PolicyDocument, other: PolicyDocument, bounds: Bounds, *, policy_type: PolicyType | None = None
) -> Comparison:
    """A request that the one document allows and the other does not, or that there is none.

    Args:
        policy_type: what they are; None: what they may be, as far as they show it.

    Raises:
        DocumentError: a document cannot be read.
    """
    found: list[Comparison] = []
    try:
        for type_ in _types_of((one, other)) if policy_type is None else (policy_type,):
            found.append(_Comparer(one, other, type_, bounds).compare())
            if found[-1].example is not None:
                return found[-1]
    except Unproved as unproved:
        return Comparison(None, (unproved.reason,))
    reasons = dict.fromkeys(reason for each in found for reason in each.reasons)
    return Comparison(None, tuple(reasons), sum(each.classes for each in found))


class _Comparer:
    def __init__(self, one: PolicyDocument, other: PolicyDocument, policy_type: PolicyType, bounds: Bounds) -> None:
        self._documents = (one, other)
        self._partitions = _partitions(documents=self._documents)
        self._type = policy_type
        self._statements = tuple(
            compile_policy(document, self._type, DEFAULT_LANGUAGE_OPTIONS).statements for document in self._documents
        )
        is_trust = self._type is PolicyType.TRUST
        self._asked = (
            None
            if self._type is PolicyType.IDENTITY
            else ComparedCallers(self._documents, self._partitions, trust=is_trust, bounds=bounds)
        )
        self._callers = (ANYBODY,) if self._asked is None else tuple(self._asked.callers())
        self._bounds = bounds
        # The same words mean the same in both.
        self._same_language = len({document.policy.substitutes_variables for document in self._documents}) == 1
        self._doubts: dict[str, None] = {}
        self._elsewhere = False

    def compare(self) -> Comparison:
        elements = list(dict.fromkeys(one.action for statements in self._statements for one in statements))
        number = 0
        for service in self._services():
            if self._says_no_more(service):
                continue
            patterns = _OF_TRUST if self._type is PolicyType.TRUST else (f"{service}:*",)
            alone = self._type is not PolicyType.TRUST
            for some in action_classes(patterns, elements, by_documents_alone=alone):
                number += 1
                example = self._about(some.action)
                if example is not None:
                    return Comparison(example, (), number)
        if self._asked is not None and number:
            self._doubts.update(dict.fromkeys(self._asked.doubts()))
        return Comparison(None, tuple(self._doubts)[:_MOST_REASONS], number)

    def _services(self) -> Iterator[str]:
        """Services that a document names, and two that represent the others, where the first allows something of them.

        One of these is a service of AWS, so that there is an example, and one is none, whose resources are any ARNs.
        """
        named = {
            service for statements in self._statements for one in statements for service in one.action.named_services
        }
        if self._type is PolicyType.TRUST:
            yield "sts"
            return
        wider = [one for one in self._statements[0] if one.allows]
        if self._type is PolicyType.RESOURCE:
            wider += [one for one in self._statements[1] if not one.allows]
        of_any = any(one.action.services is None for one in wider)
        if of_any:
            said = (one.statement for statements in self._statements for one in statements)
            named = named.union(*map(services_named, said))
        yield from sorted(named)
        if of_any:
            yield from [service for service in _UNNAMED if service not in named][:1]
            yield next(f"service{number}" for number in range(len(named) + 1) if f"service{number}" not in named)

    def _says_no_more(self, service: str) -> bool:
        """True where the other document has all that the first allows of a service, in the same words.

        And no Deny that the first does not say.
        """
        if not self._same_language:
            return False
        one, other = (
            [each for each in found if each.action.whole_service(service) is not False] for found in self._statements
        )
        return all(
            any(_says_as_much(each, more) for more in other if more.allows) for each in one if each.allows
        ) and all(
            any(_says_as_much(each, more) for more in one if not more.allows) for each in other if not each.allows
        )

    def _about(self, action: str) -> AllowedByOne | None:
        name = action_name(action)
        sides = _Sides(*(tuple(one for one in found if one.action.matches(name)) for found in self._statements))
        # Of a resource's policy a Deny takes away what the caller's own policies allow, too.
        takes_away = self._type is PolicyType.RESOURCE and any(not one.allows for one in sides.other)
        if not (takes_away or any(one.allows for one in sides.one)) or self._is_covered(sides):
            return None
        doubts: dict[str, None] = {}
        self._elsewhere = False
        example = self._of_callers(action, sides, self._callers, doubts)
        if example is None and self._elsewhere:
            # The shortest names of Regions are those of none that is known.
            example = self._of_callers(action, sides, self._callers, {}, IN_REGIONS)
        if example is None and doubts and self._asked is None:
            # What holds for some values of a variable is seen where they are known.
            some = (_with_samples(one, sides) for one in some_of_anybody(self._partitions[0]))
            example = next(filter(None, (self._of_callers(action, sides, (one,), {}) for one in some)), None)
        if example is None:
            self._doubts.update(doubts)
        return example

    def _of_callers(
        self,
        action: str,
        sides: _Sides,
        callers: Sequence[ComparedCaller],
        doubts: dict[str, None],
        within: Sequence[tuple[Token, ...]] = (),
    ) -> AllowedByOne | None:
        context = callers[0].context if callers[0].keys else _UNKNOWN
        for resource, is_certain in self._resources(action, sides, context, within):
            for caller in callers:
                example = self._of_caller(action, sides, resource, caller, doubts, is_certain=is_certain)
                if example is not None:
                    return example
        return None

    def _of_caller(
        self,
        action: str,
        sides: _Sides,
        resource: RequestResource,
        caller: ComparedCaller,
        doubts: dict[str, None],
        *,
        is_certain: bool,
    ) -> AllowedByOne | None:
        self._bounds.spend(_STEPS_OF_CALLER)
        is_key = action.startswith("kms:")
        if not caller.may_ask_for(resource.text) or (is_key and caller.is_allowed_by_own_policies):
            return None
        found = self._found(action, sides, resource, caller, caller.rules)
        if isinstance(found, FoundContext):
            context = {**_known_keys(caller, sides), **found.values}
            example = self._confirmed(action, resource, context, caller) if is_certain else None
            if example is not None:
                return example
            found = Doubt((_doubt(action, resource, is_certain=is_certain),))
            self._elsewhere = self._elsewhere or (is_certain and region_of(resource.text) not in ("", *KNOWN_REGIONS))
        if found is not None:
            doubts.update(dict.fromkeys(found.reasons))
        for point, rules in caller.other_rules:
            if isinstance(self._found(action, sides, resource, caller, rules), FoundContext):
                doubts[f"AWS leaves open {point}"] = None
        return None

    def _found(
        self, action: str, sides: _Sides, resource: RequestResource, caller: ComparedCaller, rules: PrincipalRules
    ) -> FoundContext | Doubt | None:
        allowed, by_other = (_allows(found, resource, caller, rules) for found in sides)
        carried = _carried(action, resource.text, caller)
        return find_context(all_of((allowed, negate(by_other))), caller.context, self._bounds, carried)

    def _is_covered(self, sides: _Sides) -> bool:
        """True where the other document allows everything of the action, or all that each statement does, in its
        words."""
        if not all(one.allows for one in sides.other):
            return False
        plain = [one for one in sides.other if not one.conditions]
        if self._type is PolicyType.IDENTITY and any(one.any_resource for one in plain):
            return True
        if not self._same_language:
            return False
        said = {_but_for_actions(one) for one in sides.other}
        return all(_but_for_actions(one) in said for one in sides.one if one.allows)

    def _resources(
        self, action: str, sides: _Sides, context: RequestContext, within: Sequence[tuple[Token, ...]]
    ) -> Iterator[tuple[RequestResource, bool]]:
        """Resources that speak for all of an action, each with whether it is one that there may be."""
        for partition in self._partitions:
            yield from self._resources_in(partition, action, sides, context, within)

    def _resources_in(
        self,
        partition: str,
        action: str,
        sides: _Sides,
        context: RequestContext,
        inside: Sequence[tuple[Token, ...]],
    ) -> Iterator[tuple[RequestResource, bool]]:
        prepared = prepare(action, "*", None, partition, "")
        is_known = ENGINE_CATALOGUE.has_resource_type(action) is not None
        if prepared.resource.kind is ResourceKind.NONE or not is_known:
            yield prepare(action, "*", True, partition, "").resource, is_known
        if prepared.resource.kind is ResourceKind.NONE:
            return
        members = prepared.resource.whole or prepared.resource.members
        within = [patterns for patterns in (members.patterns, members.forms) if patterns] if is_known else [_ANY_ARN]
        groups = [PatternGroup(GroupKind.MUST, tuple(patterns)) for patterns in (*within, inside) if patterns]
        never = tuple(glob.tokens for glob in members.never)
        if never and is_known:
            groups.append(PatternGroup(GroupKind.NEVER, never))
        for number, statements in enumerate(sides):
            # Statements about different callers are not taken for one.
            told = (((number, one.statement.principals, one.statement.not_principals), one) for one in statements)
            found = groups_of(told, context, DEFAULT_LANGUAGE_OPTIONS)
            groups += (group.turned for group in found) if number else found
        for text, _ in representative_strings(groups, self._bounds):
            if "*" in text:
                raise Unproved("a policy names a resource with a star in its name")
            yield RequestResource(text, ResourceKind.ONE), is_known

    def _confirmed(
        self, action: str, resource: RequestResource, context: dict[str, Values], caller: ComparedCaller
    ) -> AllowedByOne | None:
        """The request as the evaluator answers it under each document alone; None where it does not agree."""
        texts: Sequence[str] = (resource.text,)
        lowered = {key.lower(): found for key, found in context.items()}
        owner = (lowered.get("aws:resourceaccount") or (caller.owner,))[0]
        if ANY_OTHER in resource.text:
            around = ArnDefaults(action_name(action).service, (lowered.get("aws:requestedregion") or ("eu-west-1",))[0])
            fields = resource.text.split(":", 5)
            if len(fields) == 6 and ANY_OTHER in fields[4]:
                fields[4] = owner
            texts = list(dict.fromkeys(spellings(":".join(fields), around)))[:_MOST_SPELLINGS]
        occasion = Occasion(caller.principal.kind if caller.principal is not None else None, action)
        for text in texts:
            if why_impossible(lowered, replace(occasion, resource=text)):
                continue
            outcomes = [caller.outcome(document, action, text, context, owner) for document in self._documents]
            if outcomes[0] is Outcome.ALLOWED and outcomes[1] is not Outcome.ALLOWED:
                who = "" if caller.principal is None else caller.principal.arn or "anonymous"
                return AllowedByOne(action, text, context, who)
        return None


_OF_TRUST: Final = ("sts:AssumeRole*", "sts:TagSession", "sts:SetSourceIdentity")


def _types_of(documents: Sequence[PolicyDocument]) -> tuple[PolicyType, ...]:
    """Possible types of documents: policies of resources or roles, if they name principals.

    The policy of a repository of ECR, and others, have no Resource, as that of a role has none.
    """
    statements = [one for document in documents for one in document.policy.statements]
    if all(one.principals is None and one.not_principals is None for one in statements):
        return (PolicyType.IDENTITY,)
    if any(one.resources is not None or one.not_resources is not None for one in statements):
        return (PolicyType.RESOURCE,)
    services = {action.partition(":")[0].lower() for one in statements for action in one.actions or ()}
    if "*" in services or any(one.not_actions is not None for one in statements):
        return (PolicyType.TRUST, PolicyType.RESOURCE)
    both = (PolicyType.TRUST, "sts" in services), (PolicyType.RESOURCE, bool(services - {"sts"}))
    return tuple(type_ for type_, may_be in both if may_be) or (PolicyType.TRUST,)


def _but_for_actions(one: CompiledStatement) -> tuple[object, ...]:
    """Elements of a statement besides its actions."""
    said = one.statement
    return (said.principals, said.not_principals, said.resources, said.not_resources, one.conditions)


def _says_as_much(one: CompiledStatement, other: CompiledStatement) -> bool:
    """True where another statement of the same effect has the same elements for all of a statement's actions, or
    more."""
    a, b = one.statement, other.statement
    if _but_for_actions(one) != _but_for_actions(other):
        return False
    if a.actions is not None and b.actions is not None:
        return set(a.actions) <= set(b.actions)
    return (a.actions, a.not_actions) == (b.actions, b.not_actions)


def _doubt(action: str, resource: RequestResource, *, is_certain: bool) -> str:
    if not is_certain:
        return f"no known action is allowed, but one of another name, that AWS may add, would be: {action}"
    return f"whether {action} is allowed on a resource like {resource.text.replace(ANY_OTHER, '?')}"


def _read_keys(sides: _Sides) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The keys that statements read, in conditions and as variables, as they are written; each with values compared."""
    for one in (*sides.one, *sides.other):
        said = one.statement
        for line in said.conditions:
            yield line.key, line.values
        texts = (*(said.resources or ()), *(said.not_resources or ()), *(v for c in said.conditions for v in c.values))
        pieces = (piece for text in texts for piece in parse_pieces(text, variables=True))
        yield from ((piece.name, ()) for piece in pieces if isinstance(piece, Variable))


def _known_keys(caller: ComparedCaller, sides: _Sides) -> dict[str, Values]:
    """Known values of the keys that statements read, of the requests of a caller."""
    names = {key.lower(): proper_key(key) for key, _ in _read_keys(sides)}
    return {name: caller.keys[key] for key, name in names.items() if key in caller.keys}


def _with_samples(caller: ComparedCaller, sides: _Sides) -> ComparedCaller:
    """The caller with a value for each variable of statements: one that is compared with its key, or a letter."""
    read = list(_read_keys(sides))
    samples: dict[str, Values] = {}
    for key in dict.fromkeys(key.lower() for key, values in read if not values):
        compared = (value for name, values in read if name.lower() == key for value in values)
        plain = (value for value in (*compared, "x") if not set(value) & set("*?$") and not why_no_value(key, value))
        samples[key] = tuple(islice(plain, 1))
    return replace(caller, keys={**samples, **caller.keys})


def _partitions(documents: Sequence[PolicyDocument]) -> tuple[str, ...]:
    """The partitions that resources are named in, and that of most accounts where none is."""
    found = {
        entry.split(":", 2)[1]
        for document in documents
        for statement in document.policy.statements
        for entry in (*(statement.resources or ()), *(statement.not_resources or ()))
        if entry.startswith("arn:")
    }
    return tuple(sorted(one for one in found if one.startswith("aws") and not is_pattern(one))) or ("aws",)


def _allows(
    statements: Sequence[CompiledStatement], resource: RequestResource, caller: ComparedCaller, rules: PrincipalRules
) -> Truth:
    truths: dict[bool, list[Truth]] = {True: [True] if caller.is_allowed_by_own_policies else [], False: []}
    context = caller.context
    for one in statements:
        reached = caller.reached_by(one, rules)
        if reached is False:
            continue
        about = one.matches_resource(resource, context, DEFAULT_LANGUAGE_OPTIONS, everywhere=False)
        if about is not False:
            truths[one.allows].append(all_of((reached, about, one.holds(context))))
    return all_of((any_of(truths[True]), negate(any_of(truths[False]))))


def _carried(action: str, resource: str, caller: ComparedCaller) -> Carried:
    who = caller.principal

    def doubt(key: str, values: Values) -> str:
        if not values and key == "aws:resourceaccount":
            return "aws:ResourceAccount is absent for few actions alone"
        of_provider = who is not None and who.kind is PrincipalKind.IDENTITY_PROVIDER
        if key == "kms:calleraccount" and who is not None and values != ((who.account,) if who.account else ()):
            return "kms:CallerAccount is the account of whoever calls"
        if not values or key.startswith("aws:") or of_provider or carries(action, key):
            return ""
        return f"{action} is not known to carry {key}"

    arn = parse_arn(resource)
    likely: dict[str, Values] = {"aws:securetransport": ("true",)}
    if arn is not None:
        likely["aws:resourceaccount"] = (arn.account if is_account_id(arn.account) else caller.owner,)
        if arn.region.strip(ANY_OTHER):
            likely["aws:requestedregion"] = (arn.region,)
    return Carried(
        likely,
        doubt,
        Occasion(who.kind if who is not None else None, action, without_open_parts(resource)),
        caller.always,
    )
