"""What is said with a reading: how the question was read, and what was taken for granted."""

from __future__ import annotations

from collections.abc import Iterator

from iamtui.evaluation.caller import WITH_IAM_POLICIES, role_arn_of
from iamtui.evaluation.prepared import owner_is_assumed
from iamtui.evaluation.reading import Evaluation
from iamtui.evaluation.request import PrincipalKind


def notes(reading: Evaluation) -> Iterator[str]:
    """One sentence each on how the question was read."""
    yield from reading.prepared.notes
    policies = reading.policies
    if reading.request.principal.kind not in WITH_IAM_POLICIES:
        if policies.identity or policies.boundaries or policies.session:
            yield "This caller has no identity, boundary or session policies: those given are ignored."
    elif policies.boundaries and reading.facts.service_linked:
        yield "Service-linked roles have no permissions boundary: the one given is ignored."


def assumptions(reading: Evaluation) -> Iterator[str]:
    """What was taken for granted, as "key = value" or a sentence."""
    request = reading.request
    principal = request.principal
    yield from request.assumptions
    if owner_is_assumed(request, reading.prepared):
        yield f"the resource belongs to the caller's account {reading.owner}"
    if principal.kind is PrincipalKind.ROLE_SESSION and principal.role_arn is None:
        fixed = reading.facts.fixed_keys(anonymous_userid=reading.options.anonymous_userid)
        if reading.context.lookup("aws:principalarn") == fixed["aws:principalarn"]:
            yield f"the role has no path: aws:PrincipalArn = {role_arn_of(principal)}"
    if reading.free is not None and reading.prepared.action.name == "getsessiontoken" and principal.credentials is None:
        yield "the caller uses long-term credentials"
    if reading.admitted_by_assumption:
        which = "role's trust policy" if reading.prepared.trust else "key's policy"
        yield f"each {which} lets the caller in (a set of resources has no policy of its own)"
