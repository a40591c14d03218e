"""What is said with a reading: how the question was read, and what was taken for granted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from iamtui.evaluation.caller import WITH_IAM_POLICIES, role_arn_of
from iamtui.evaluation.decision import Layer
from iamtui.evaluation.layer_reports import name_of_statement, statement_name
from iamtui.evaluation.layers import Match
from iamtui.evaluation.policy_set import Member
from iamtui.evaluation.prepared import owner_is_assumed
from iamtui.evaluation.reading import Evaluation, principal_rules
from iamtui.evaluation.request import PrincipalKind
from iamtui.evaluation.services import names_only_root, takes_resource_policy
from iamtui.evaluation.wording import MOST_NAMED, first_of, short_policy_name
from iamtui.policy.comparison import Comparison
from iamtui.policy.condition import CompiledCondition
from iamtui.policy.document import VERSIONS, Statement
from iamtui.policy.principal import PrincipalRules, Strength, allow_strengths, deny_applies
from iamtui.policy.values import parse_policy_bool
from iamtui.text import safe_text


def notes(reading: Evaluation) -> Iterator[str]:
    """One sentence each on how the question was read."""
    yield from reading.request.notes
    yield from reading.prepared.notes
    if reading.among_known:
        yield "The account has no role among these that lets this caller in and that its own policies let it assume."
    elif reading.members and reading.refused is not None:
        yield f"Of these resources nothing is granted but {first_of(reading.granted) or 'what no policy can allow'}."
    elif reading.members and reading.deny is True and not reading.granted:
        yield "Each of these resources is denied, though not all of them by one statement."
    elif reading.members:
        named = f": {first_of(reading.granted)}" if reading.granted else ""
        yield (
            "What is granted of these resources is not let through, each part because of a Deny or of a policy that "
            f"does not allow it{named}."
        )
    if reading.is_unsettled:
        yield (
            "The patterns of these policies overlap in too many ways to tell whether one of these resources is "
            "allowed: ask about a smaller set, or about one resource."
        )
    policies = reading.policies
    if policies.resource is not None and not takes_resource_policy(reading.prepared.action):
        if reading.prepared.action.service == "sts":
            yield "A root user has no policy that lets callers in: the one given is ignored."
        else:
            yield "The policy of an IAM role speaks of assuming it and has no say in this: the one given is ignored."
    for match in reading.resource.matches if reading.resource is not None else ():
        if _spared_but_for_boundary(match, reading):
            yield (
                f"The NotPrincipal of {statement_name(match)} lists the caller, which spares nobody who has a "
                "permissions boundary."
            )
    if reading.request.principal.kind not in WITH_IAM_POLICIES:
        if policies.identity or policies.boundaries or policies.session:
            yield "This caller has no identity, boundary or session policies: those given are ignored."
    elif policies.boundaries and reading.facts.service_linked:
        yield "Service-linked roles have no permissions boundary: the one given is ignored."
    refused = list(dict.fromkeys(_refused_by_aws(reading)))
    yield from refused[:MOST_NAMED]
    if len(refused) > MOST_NAMED:
        yield f"{len(refused) - MOST_NAMED:,} more documents or statements have what AWS would refuse."


def assumptions(reading: Evaluation) -> Iterator[str]:
    """What was taken for granted, as "key = value" or a sentence."""
    request = reading.request
    principal = request.principal
    prepared = reading.prepared
    yield from request.assumptions
    if owner_is_assumed(request, prepared):
        yield f"the resource belongs to the caller's account {reading.owner}"
    if principal.kind is PrincipalKind.ROLE_SESSION and principal.role_arn is None:
        fixed = reading.facts.fixed_keys(anonymous_userid=reading.options.anonymous_userid)
        if reading.context.lookup("aws:principalarn") == fixed["aws:principalarn"]:
            yield f"the role has no path: aws:PrincipalArn = {role_arn_of(principal)}"
    if reading.free is not None and prepared.action.name == "getsessiontoken" and principal.credentials is None:
        yield "the caller uses long-term credentials"
    if prepared.action.full == "sts:assumeroot" and reading.total is not False:
        yield f"account {reading.owner} is a member of the organization, which has centralized root access enabled"
    if reading.admitted_by_assumption:
        which = "role's trust policy" if prepared.trust else "key's policy"
        yield f"each {which} lets the caller in (a set of resources has no policy of its own)"
    if reading.total is not False and names_only_root(prepared.action, principal, _endpoint_strengths(reading)):
        yield (
            "the VPC endpoint is an interface endpoint: a gateway endpoint whose policy names an account admits its "
            "root user alone"
        )


def unsafe_denies(reading: Evaluation) -> Iterator[str]:
    """The Denies that do not match only because they are not as AWS has them: what AWS does is not known."""
    found = list(_not_compared(reading))
    for member, what in found[:MOST_NAMED]:
        statement = member.compiled.statement
        sid = safe_text(statement.sid, limit=128) if statement.sid else f"statement {statement.index + 1}"
        yield (
            f"The Deny {sid} of {safe_text(member.policy.name, limit=256)} {what}: it is taken not to match, and that "
            "cannot be proved."
        )
    if len(found) > MOST_NAMED:
        yield f"{len(found) - MOST_NAMED:,} more Denies cannot be compared: they are taken not to match, too."


def _not_compared(reading: Evaluation) -> Iterator[tuple[Member, str]]:
    """The Denies that match, or may match, but for what cannot be compared, and what that is."""
    resource = reading.prepared.resource
    for layer, _, policies in reading.sets():
        nobody_named = layer in (Layer.RESOURCE, Layer.RCP)
        for member in policies.about(reading.asked.action):
            compiled = member.compiled
            if compiled.allows:
                continue
            unsafe: str | None = None
            if nobody_named and not (compiled.statement.principals or compiled.statement.not_principals):
                unsafe = "names no Principal"
            elif not reading.is_reached(layer, member):
                continue
            for condition in compiled.conditions:
                if condition.test(reading.context) is not False:
                    continue
                bad = _what_is_bad(condition, reading)
                if bad is None:
                    break
                unsafe = unsafe or bad
            else:
                about = compiled.matches_resource(resource, reading.context, reading.language, everywhere=False)
                if unsafe is not None and about is not False:
                    yield member, unsafe


def _what_is_bad(condition: CompiledCondition, reading: Evaluation) -> str | None:
    """Why a condition that does not hold cannot be compared, or None where it can."""
    line = condition.line
    if condition.operator is None:
        return f"has the condition operator {safe_text(line.operator, limit=128)}, which AWS does not have"
    key = safe_text(line.key, limit=256)
    cannot = f"which {safe_text(line.operator, limit=128)} cannot compare"
    if condition.operator.base == "null":
        wrong = next((value for value in line.values if parse_policy_bool(value) is None), None)
        return None if wrong is None else f'has for {key} the value "{safe_text(wrong, limit=128)}", {cannot}'
    seen = reading.context.lookup(condition.key) if condition.key else ()
    for value in seen if isinstance(seen, tuple) else ():
        for wanted, outcome in zip(line.values, condition.compare(value, reading.context), strict=True):
            if outcome is Comparison.BAD_PATTERN:
                return f'has for {key} the value "{safe_text(wanted, limit=128)}", {cannot}'
            if outcome is Comparison.BAD_VALUE:
                return f'reads {key}, and the request has "{safe_text(value, limit=128)}", {cannot}'
    return None


def _refused_by_aws(reading: Evaluation) -> Iterator[str]:
    """What AWS would refuse of the documents with statements about the action, and how it was read all the same."""
    for _, _, policies in reading.sets():
        for member in policies.about(reading.prepared.action):
            policy = member.policy.document.policy
            name = short_policy_name(member.policy.name)
            if policy.version is not None and policy.version not in VERSIONS:
                version = safe_text(policy.version, limit=64)
                yield f'{name} has the Version "{version}", which AWS would refuse: it is read as 2008-10-17.'
            statement = member.compiled.statement
            for where, elements in (
                (name, policy.unknown_elements),
                (name_of_statement(member.policy, statement), statement.unknown_elements),
            ):
                if elements:
                    yield (
                        f"{where} has what is no element of a policy ({first_of(elements)}): AWS would refuse the "
                        "document, which is read without it."
                    )


def _spared_but_for_boundary(match: Match, reading: Evaluation) -> bool:
    """Whether a Deny with NotPrincipal hits the caller only because of its permissions boundary."""
    statement = match.statement.statement
    if match.statement.allows or statement.not_principals is None or not reading.caller.has_boundary:
        return False
    unbound = replace(reading.caller, has_boundary=False)
    rules = principal_rules(reading, of_resource=match.layer is Layer.RESOURCE)
    return deny_applies(statement, unbound, rules) is False


def _endpoint_strengths(reading: Evaluation) -> set[Strength]:
    """By which forms the Allows of the endpoint's policies that match, or may match, reach the caller."""
    matches = reading.vpc_endpoint.matches if reading.vpc_endpoint is not None else ()
    return {
        strength
        for match in matches
        if match.statement.allows
        for strength in _forms(match.statement.statement, reading)
    }


def _forms(statement: Statement, reading: Evaluation) -> Iterable[Strength]:
    if statement.principals is None and statement.not_principals is None:
        return (Strength.WILDCARD,)
    return allow_strengths(statement, reading.caller, PrincipalRules())
