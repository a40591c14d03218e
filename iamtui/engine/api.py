"""The evaluator: one request and the policies in force give one Decision, with notes on what AWS leaves open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Final, NamedTuple

from iamtui.catalog.actions import ENGINE_CATALOGUE
from iamtui.engine.decision import Decision
from iamtui.engine.decision_details import DecisionDetails
from iamtui.engine.evaluation import Evaluation
from iamtui.engine.evaluator import read_all_layers
from iamtui.engine.prepared_request import ActionCatalogue, PreparedRequest
from iamtui.engine.request import (
    DEFAULT_OPTIONS,
    EngineOptions,
    PoliciesInForce,
    PrincipalKind,
    Request,
    caller_fixed_keys,
)
from iamtui.policy.operators import SetOperator
from iamtui.policy.resource import ResourceKind
from iamtui.policy.statement import CompiledStatement


def evaluate(
    request: Request,
    policies: PoliciesInForce,
    options: EngineOptions = DEFAULT_OPTIONS,
    *,
    catalogue: ActionCatalogue = ENGINE_CATALOGUE,
) -> Decision:
    """Decide one request.

    All layers are read at once; what a Decision says besides its outcome is put together when it is read.

    Args:
        request: the question.
        policies: what is in force for it.
        options: how the open points of AWS's documentation are read.
        catalogue: what is known of AWS's actions.
    """
    return concluded(read_all_layers(request, policies, options, catalogue=catalogue), catalogue)


def concluded(reading: Evaluation, catalogue: ActionCatalogue = ENGINE_CATALOGUE) -> Decision:
    return Decision.concluded(
        reading.outcome, complete=not reading.not_evaluated, conclude=lambda: DecisionDetails(reading, catalogue)
    )


_WHAT: Final = {
    "substitute_variables_in_bool": "whether policy variables work in Bool conditions",
    "anonymous_userid": "whether an anonymous caller has aws:userid",
    "deny_federated_without_session_policy": "whether a federated-user session can do without session policies",
    "role_grant_limited_by_caps": "whether a boundary limits a resource policy that names the role",
    "one_session_policy_is_enough": "whether one of several session policies is enough to allow",
    "not_principal_root_required": "whether NotPrincipal spares a caller whose account root is not listed",
    "not_principal_allow_grants": "whether an Allow with NotPrincipal grants to everyone who is not listed",
    "compare_multivalued_keys": "how a key with several values compares without a set operator",
    "for_all_negated_holds_when_absent": "whether ForAllValues with a negated operator holds for an absent key",
    "short_arns_match": "whether an ARN of fewer than six fields in a policy matches anything",
    "trailing_star_crosses_colons": "whether a star at the end of an ARN field runs past colons",
    "list_buckets_on_bucket_arn": "whether arn:aws:s3:::* matches s3:ListAllMyBuckets",
    "bare_star_in_arn_operator": "whether * matches every ARN in an ARN condition",
    "wildcards_in_substituted_values": "whether a star inside a substituted value is a wildcard",
    "star_allow_includes_services": 'whether an Allow to "*" includes AWS services',
    "trust_aws_star_admits_everyone": 'whether {"AWS": "*"} in a trust policy admits services',
    "legacy_role_self_trust": "whether an old role still trusts itself",
    "block_public_access_is_explicit": "whether a Block Public Access rejection counts as an explicit deny",
}


def option_names() -> tuple[str, ...]:
    return tuple(field.name for field in fields(EngineOptions))


def with_undocumented_behaviour(reading: Evaluation) -> Decision:
    """The decision of an evaluation, with a note for every open point that it rests on."""
    decision = concluded(reading)
    read = _Read(reading, tuple(_statements(reading)))
    notes = [
        f"Rests on a point AWS leaves open: {_WHAT[name]} (option {name})."
        for name in option_names()
        if _may_matter(name, read) and _the_other_way(reading, name).outcome is not decision.outcome
    ]
    return replace(decision, notes=(*decision.notes, *notes)) if notes else decision


def _the_other_way(reading: Evaluation, name: str) -> Evaluation:
    """The same request, evaluated with one option changed; what is asked depends on none, so it is prepared once."""
    options = replace(reading.options, **{name: not getattr(reading.options, name)})
    asked = None
    if not reading.by_alias:
        asked = PreparedRequest(reading.prepared, options.language, of_a_set=reading.asked.of_a_set)
    return read_all_layers(reading.request, reading.policies, options, asked=asked)


class _Read(NamedTuple):
    """A reading and the statements about the action in every layer that takes part in it."""

    reading: Evaluation
    statements: tuple[CompiledStatement, ...]


def _may_matter(name: str, read: _Read) -> bool:
    """Whether an option can change this decision at all: a cheap look before the request is read again."""
    test = _CAN_MATTER.get(name)
    return test is None or test(read)


def _statements(reading: Evaluation) -> Iterator[CompiledStatement]:
    """The statements about the action in every layer that takes part."""
    for _, _, policies in reading.sets():
        for member in policies.about(reading.prepared.action):
            yield member.compiled


def _has_condition(read: _Read, base: str, holds: Callable[[str], bool]) -> bool:
    return any(
        condition.operator is not None and condition.operator.base == base and any(map(holds, condition.line.values))
        for statement in read.statements
        for condition in statement.conditions
    )


def _has_negated_for_all(read: _Read) -> bool:
    """Whether a condition with ForAllValues and a negated operator is about a key that is known to be absent."""
    return any(
        condition.operator is not None
        and condition.operator.over is SetOperator.ALL
        and condition.operator.negated
        and not condition.operator.if_exists
        and not (condition.key and read.reading.context.lookup(condition.key))
        for statement in read.statements
        for condition in statement.conditions
    )


def _has_not_principal(read: _Read, effect: str) -> bool:
    return any(
        statement.statement.not_principals is not None and statement.statement.effect == effect
        for statement in read.statements
    )


def _known_values(reading: Evaluation) -> Iterator[tuple[str, ...]]:
    request = reading.request
    yield from request.context.values()
    for values in request.derived:
        yield from values.values()
    yield from caller_fixed_keys(request.principal).values()


def _has_short_arn(read: _Read) -> bool:
    return any(
        text.count(":") < 5 and text.startswith("arn:")
        for statement in read.statements
        if statement.resource.matcher is not None
        for text in statement.resource.matcher.texts
    )


def _has_short_arn_or_long_resource(read: _Read) -> bool:
    resource = read.reading.prepared.resource
    return resource.kind is not ResourceKind.ONE or resource.text.count(":") > 5 or _has_short_arn(read)


_CAN_MATTER: Final[dict[str, Callable[[_Read], bool]]] = {
    "substitute_variables_in_bool": lambda read: _has_condition(read, "bool", lambda value: "${" in value),
    "anonymous_userid": lambda read: read.reading.request.principal.kind is PrincipalKind.ANONYMOUS,
    "deny_federated_without_session_policy": (
        lambda read: read.reading.request.principal.kind is PrincipalKind.FEDERATED_USER
    ),
    "role_grant_limited_by_caps": lambda read: read.reading.boundary is not None and read.reading.resource is not None,
    "one_session_policy_is_enough": lambda read: (
        isinstance(read.reading.policies.session, tuple) and len(read.reading.policies.session) > 1
    ),
    "not_principal_root_required": lambda read: _has_not_principal(read, "Deny"),
    "not_principal_allow_grants": lambda read: _has_not_principal(read, "Allow"),
    "compare_multivalued_keys": lambda read: any(len(values) > 1 for values in _known_values(read.reading)),
    "for_all_negated_holds_when_absent": _has_negated_for_all,
    "short_arns_match": _has_short_arn,
    "trailing_star_crosses_colons": _has_short_arn_or_long_resource,
    "list_buckets_on_bucket_arn": lambda read: bool(read.reading.prepared.resource.every_bucket),
    "bare_star_in_arn_operator": lambda read: _has_condition(read, "arnlike", lambda value: value == "*"),
    "wildcards_in_substituted_values": lambda read: any(
        "*" in value or "?" in value for values in _known_values(read.reading) for value in values
    ),
    "star_allow_includes_services": lambda read: read.reading.request.principal.kind is PrincipalKind.SERVICE,
    "trust_aws_star_admits_everyone": lambda read: read.reading.prepared.trust,
    "legacy_role_self_trust": lambda read: read.reading.prepared.trust,
    "block_public_access_is_explicit": lambda read: read.reading.block_public_access_closes,
}
