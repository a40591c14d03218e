"""Two documents compared for all requests: whether one allows anything that the other does not.

Identity policies, boundaries and SCPs for whoever calls, policies of resources and roles for each class of callers.
What else is in force is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice, product
from typing import Final, NamedTuple

from msgspec import structs

from iamtui.catalog.actions import ENGINE_CATALOGUE
from iamtui.engine.decision import Outcome
from iamtui.engine.evaluator import evaluate
from iamtui.engine.layers import reached_as
from iamtui.engine.policy_sets import caller_facts
from iamtui.engine.possible_requests import (
    ACCOUNT,
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
from iamtui.engine.request import (
    Mode,
    NamedPolicy,
    PoliciesInForce,
    Principal,
    PrincipalKind,
    Request,
    caller_fixed_keys,
    principal_from_text,
)
from iamtui.policy.context import CommonContext, RequestContext, Truth, all_of, any_of, negate
from iamtui.policy.document import PolicyDocument
from iamtui.policy.patterns import Token, Variable, Wild, is_account_id, is_pattern, parse_arn, parse_pieces
from iamtui.policy.resource import RequestResource, ResourceKind
from iamtui.policy.statement import Caller, CompiledStatement, PrincipalRules, Strength, action_name, compile_policy
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType
from iamtui.policy.values import parse_operator
from iamtui.proofs.caller_classes import (
    Inside,
    OutsideCallers,
    account_in,
    canonical_users_that_matter,
    whose_canonical_user,
)
from iamtui.proofs.contexts import Carried, Doubt, FoundContext, always_carried, find_context
from iamtui.proofs.requests import IN_REGIONS, action_classes, groups_of, region_of, services_named, without_open_parts
from iamtui.proofs.texts import ANY_OTHER, Bounds, GroupKind, PatternGroup, Unproved, representative_strings
from iamtui.text import safe_text

_RULES: Final = PrincipalRules()
_ANOTHER: Final = "210987654321"
_DIRECT: Final = frozenset((Strength.SESSION, Strength.USER, Strength.WILDCARD, Strength.SERVICE, Strength.FEDERATED))
_CAPPED: Final = _DIRECT | {Strength.ROLE, Strength.ISSUER}
_ANY: Final = frozenset(Strength)
_SERVICE_NAME: Final = "aws:principalservicename"
_WITH_BOUNDARY: Final = (PrincipalKind.USER, PrincipalKind.ROLE_SESSION)
_NONE: Final[frozenset[Strength]] = frozenset()
"""Where the caller's own policies allow it, so that only what is denied matters."""
_STRENGTHS: Final = {
    PrincipalKind.ROOT: (_ANY, _NONE),
    PrincipalKind.USER: (_DIRECT, _ANY, _NONE),
    PrincipalKind.ROLE_SESSION: (_DIRECT, _CAPPED, _ANY, _NONE),
    PrincipalKind.FEDERATED_USER: (_DIRECT, _CAPPED, _ANY, _NONE),
}
"""How a grant counts for a caller; for the others all do alike."""


def _policy(name: str, *actions: str) -> NamedPolicy:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return NamedPolicy(name, PolicyDocument.of({"Version": "2012-10-17", "Statement": statement}))


_ALLOWS_ALL: Final = _policy("allows all", "*")
_ALLOWS_NOTHING: Final = _policy("allows nothing that matters", "iamtui:Nothing")
_LETS_THE_ACCOUNT_IN: Final = NamedPolicy(
    "lets the account in",
    PolicyDocument.of(
        {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "*", "Resource": "*"},
        }
    ),
)
"""The policy of a key or role, which leaves the rest to the caller's own policies."""


@dataclass(frozen=True)
class ComparedCaller:
    """Callers whose requests are compared; by default anybody, of documents without principals.

    Args:
        principal: the one of them that is asked about; None: anybody.
        strengths: the forms of grants that count.
        rules: how principals are read.
        other_rules: other readings that AWS leaves open, by what they are about.
        has_boundary: whether they have a permissions boundary.
        keys: of anybody, what the requests of one that is looked at carry.
    """

    principal: Principal | None = None
    strengths: frozenset[Strength] = _ANY
    rules: PrincipalRules = _RULES
    other_rules: tuple[tuple[str, PrincipalRules], ...] = ()
    has_boundary: bool = False
    keys: Mapping[str, Values] = field(default_factory=dict)

    @cached_property
    def context(self) -> RequestContext:
        fixed = caller_fixed_keys(self.principal) if self.principal is not None else self.keys
        return RequestContext(CommonContext({}, discover=True), fixed=fixed)

    @property
    def always(self) -> frozenset[str]:
        # Policies without principals are read for signed requests alone.
        return always_carried(PrincipalKind.USER if self.principal is None else self.principal.kind)

    @cached_property
    def _caller(self) -> Caller | None:
        if self.principal is None:
            return None
        facts = caller_facts(self.principal, lasting=False)
        return facts.caller(session_may_vary=False, has_boundary=self.has_boundary)

    def reached_by(self, one: CompiledStatement, rules: PrincipalRules) -> Truth:
        """Match of a statement's principals with the callers, by a form that counts."""
        if self.principal is None:
            return True
        assert self._caller is not None, "it is of a principal"
        found = reached_as(one, self._caller, rules)
        return any_of(truth for strength, truth in found.items() if not one.allows or strength in self.strengths)

    @property
    def is_allowed_by_own_policies(self) -> bool:
        return not self.strengths

    @property
    def _is_of_own_account(self) -> bool:
        return self.strengths is not _ANY

    def may_ask_for(self, resource: str) -> bool:
        """True where such callers may request a resource: a form without a policy counts in its own account alone."""
        arn = parse_arn(resource)
        named = arn.account if arn is not None and is_account_id(arn.account) else None
        return not self._is_of_own_account or self.principal is None or named in (None, self.principal.account)

    @property
    def owner(self) -> str:
        """The account that owns the resource of an example."""
        if self.principal is None:
            return ACCOUNT
        own = self.principal.account or ""
        return own if self._is_of_own_account else ACCOUNT if own != ACCOUNT else _ANOTHER

    def outcome(
        self, document: PolicyDocument, action: str, resource: str, context: Mapping[str, Values], owner: str = ""
    ) -> Outcome:
        """Outcome of a request under a document alone, by the evaluator.

        Args:
            owner: the account of the resource; "" as for others of these callers.
        """
        owner = owner or self.owner
        if self.principal is None:
            partition = resource.split(":", 2)[1] if resource.startswith("arn:") else "aws"
            example = f"arn:{partition}:iam::{ACCOUNT}:user/example"
            arn = self.keys.get("aws:principalarn", (example,))[0]
            policies = PoliciesInForce(identity=(NamedPolicy("document", document),), resource=_LETS_THE_ACCOUNT_IN)
            asked = Request(principal_from_text(arn), action, resource, owner, context, mode=Mode.RAW)
            return evaluate(asked, policies).outcome
        is_federated = self.principal.kind is PrincipalKind.FEDERATED_USER
        session = (_ALLOWS_NOTHING,) if self.strengths is _DIRECT else (_ALLOWS_ALL,) if is_federated else ()
        if self.principal.kind is PrincipalKind.USER:
            session = ()
        policies = PoliciesInForce(
            identity=(_ALLOWS_ALL,) if self.strengths in (_ANY, _NONE) else (),
            boundaries=(_ALLOWS_ALL,) if self.has_boundary else (),
            session=session,
            resource=NamedPolicy("document", document),
        )
        return evaluate(Request(self.principal, action, resource, owner, context, mode=Mode.RAW), policies).outcome


ANYBODY: Final = ComparedCaller()


def some_of_anybody(partition: str) -> Iterator[ComparedCaller]:
    """A user and a role, of which all keys are known that the variables of policies are mostly about."""
    user, role = ("user", "AIDAEXAMPLEEXAMPLE123"), ("role", "AROAEXAMPLEEXAMPLE123:session")
    for (kind, id_), owner in ((user, ACCOUNT), (role, ACCOUNT), (user, _ANOTHER)):
        principal = principal_from_text(f"arn:{partition}:iam::{ACCOUNT}:{kind}/example")
        keys = {**caller_fixed_keys(principal), "aws:userid": (id_,), "aws:resourceaccount": (owner,)}
        yield ComparedCaller(keys=keys)


class ComparedCallers:
    """The classes of callers that two documents tell apart.

    A resource's policy lets callers in by forms of different strength: some need no policy of their own, some none but
    are limited by their boundary and session policies, some need one (IAM User Guide: policy evaluation logic). Each
    strength is compared by itself.

    Args:
        trust: whether they are trust policies of roles.
    """

    def __init__(
        self, documents: Sequence[PolicyDocument], partitions: Sequence[str], *, trust: bool, bounds: Bounds
    ) -> None:
        self._policies = policies = [document.policy for document in documents]
        self._statements = [one for policy in policies for one in policy.statements]
        self._entries = list(
            dict.fromkeys(e for one in self._statements for e in (*(one.principals or ()), *(one.not_principals or ())))
        )
        self._partitions = partitions
        nobody = Inside(frozenset())
        entries = (e for one in self._statements for e in (*(one.resources or ()), *(one.not_resources or ())))
        self._classes = OutsideCallers(
            policies,
            partitions[0],
            nobody,
            frozenset(),
            bounds,
            with_service_linked=True,
            # In its own account a caller needs no policy of the resource, but a Deny counts.
            owners=map(account_in, entries),
        )
        self._trust = trust

    def doubts(self) -> Iterator[str]:
        """Parts of the documents that the classes do not represent."""
        yield from (doubt for doubt in self._classes.doubts() if not doubt.startswith(("whether ", "whose ")))
        yield from map(whose_canonical_user, canonical_users_that_matter(*([one] for one in self._policies)))
        named = {entry.value.split(":", 2)[1] for entry in self._entries if entry.value.startswith("arn:")}
        if named | {*self._partitions} != {self._partitions[0]}:
            yield "several partitions are named"
        for one in self._statements:
            for line in one.conditions:
                operator = parse_operator(line.operator)
                is_exact = operator is not None and operator.base in ("stringequals", "null")
                if line.key.lower() == _SERVICE_NAME and not is_exact:
                    yield f"a pattern of services: {safe_text(line.operator, limit=100)} {line.key}"

    def callers(self) -> Iterator[ComparedCaller]:
        rules = PrincipalRules(trust=self._trust)
        others = tuple(self._other_readings(rules))
        with_boundary = any(one.effect == "Deny" and one.not_principals is not None for one in self._statements)
        for principal in self._principals():
            bounded = (False, True) if with_boundary and principal.kind in _WITH_BOUNDARY else (False,)
            for strengths, has_boundary in product(_STRENGTHS.get(principal.kind, (_ANY,)), bounded):
                if self._trust and strengths is _NONE:
                    # Nobody assumes a role that does not let it.
                    continue
                yield ComparedCaller(principal, strengths, rules, others, has_boundary)

    def _principals(self) -> Iterator[Principal]:
        ids = [
            entry.value for entry in self._entries if entry.kind == "AWS" and entry.value.startswith(("AIDA", "AROA"))
        ]
        for found in self._classes.classes():
            yield found.principal
            begins = {PrincipalKind.USER: "AIDA", PrincipalKind.ROLE_SESSION: "AROA"}.get(found.principal.kind)
            yield from (replace(found.principal, unique_id=id_) for id_ in ids if begins and id_.startswith(begins))
        services = [entry.value for entry in self._entries if entry.kind == "Service"]
        for one in self._statements:
            services += [
                v for line in one.conditions if line.key.lower() == "aws:principalservicename" for v in line.values
            ]
        unnamed = next(f"service{n or ''}.amazonaws.com" for n in range(len(services) + 1)
                       if f"service{n or ''}.amazonaws.com" not in services)  # fmt: skip
        yield from (Principal(PrincipalKind.SERVICE, name) for name in dict.fromkeys((*services, unnamed)))

    def _other_readings(self, rules: PrincipalRules) -> Iterator[tuple[str, PrincipalRules]]:
        if any(entry.value == "*" for entry in self._entries):
            yield 'whether an Allow to "*" includes AWS services', structs.replace(rules, star_includes_services=False)
            if self._trust:
                admits = structs.replace(rules, aws_star_admits_services=True)
                yield 'whether {"AWS": "*"} in a trust policy admits services', admits
        if any(one.not_principals is not None for one in self._statements):
            yield (
                "whether NotPrincipal spares a caller whose account root is not listed",
                structs.replace(rules, account_root_needed=True),
            )
            yield (
                "whether an Allow with NotPrincipal grants to everyone who is not listed",
                structs.replace(rules, outsiders_are_granted=False),
            )


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
            # Known values of the keys that statements read, of the requests of a caller.
            names = {key.lower(): proper_key(key) for key, _ in _read_keys(sides)}
            context = {**{name: caller.keys[key] for key, name in names.items() if key in caller.keys}, **found.values}
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
