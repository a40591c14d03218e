"""Callers for whom two documents are compared: anybody, or one of each class that policies of resources tell apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from typing import Final

from msgspec import structs

from iamtui.engine.decision import Outcome
from iamtui.engine.evaluator import evaluate
from iamtui.engine.layers import reached_as
from iamtui.engine.policy_sets import caller_facts
from iamtui.engine.possible_requests import ACCOUNT, Values
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
from iamtui.policy.context import CommonContext, RequestContext, Truth, any_of
from iamtui.policy.document import PolicyDocument
from iamtui.policy.operators import parse_operator
from iamtui.policy.patterns import (
    is_account_id,
    parse_arn,
)
from iamtui.policy.statement import Caller, CompiledStatement, PrincipalRules, Strength
from iamtui.proofs.caller_classes import (
    Inside,
    OutsideCallers,
    account_in,
    canonical_users_that_matter,
    whose_canonical_user,
)
from iamtui.proofs.carried_keys import always_carried
from iamtui.proofs.texts import Bounds
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
