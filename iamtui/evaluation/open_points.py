"""Says when a decision rests on a point that AWS's documentation leaves open.

Each option is tried the other way; where that changes the decision, a note says so.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Final

from iamtui.evaluation.decision import Decision
from iamtui.evaluation.policies import DEFAULT_OPTIONS, EngineOptions, PoliciesInForce
from iamtui.evaluation.reading import read_all_layers
from iamtui.evaluation.request import Request

_WHAT: Final = {
    "substitute_variables_in_bool": "whether policy variables work in Bool conditions",
    "anonymous_userid": "whether an anonymous caller has aws:userid",
    "deny_federated_without_session_policy": "whether a federated-user session can do without session policies",
    "role_grant_limited_by_caps": "whether a boundary limits a resource policy that names the role",
    "not_principal_root_required": "whether NotPrincipal spares a caller whose account root is not listed",
    "compare_multivalued_keys": "how a key with several values compares without a set operator",
    "trailing_star_crosses_colons": "whether a star at the end of an ARN field runs past colons",
    "list_buckets_on_bucket_arn": "whether arn:aws:s3:::* matches s3:ListAllMyBuckets",
    "bare_star_in_arn_operator": "whether * matches every ARN in an ARN condition",
    "wildcards_in_substituted_values": "whether a star inside a substituted value is a wildcard",
    "star_allow_includes_services": 'whether an Allow to "*" includes AWS services',
    "trust_aws_star_admits_everyone": 'whether {"AWS": "*"} in a trust policy admits services and federated callers',
    "legacy_role_self_trust": "whether an old role still trusts itself",
    "block_public_access_is_explicit": "whether a Block Public Access rejection counts as an explicit deny",
}


def option_names() -> tuple[str, ...]:
    """The names of the engine options."""
    return tuple(field.name for field in fields(EngineOptions))


def with_open_points(
    decision: Decision, request: Request, policies: PoliciesInForce, options: EngineOptions = DEFAULT_OPTIONS
) -> Decision:
    """The decision with a note for every open point that it rests on."""
    notes: list[str] = []
    for name in option_names():
        other = replace(options, **{name: not getattr(options, name)})
        if read_all_layers(request, policies, other).outcome is not decision.outcome:
            notes.append(f"Rests on a point AWS leaves open: {_WHAT[name]} (option {name}).")
    return replace(decision, notes=(*decision.notes, *notes)) if notes else decision
