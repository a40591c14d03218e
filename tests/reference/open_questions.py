"""Requests on which AWS's documentation leaves room, and the two evaluators may differ.

They are left out of the comparison, one by one and by name, so that everything else has to agree.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from .agreement import documents
from .callers import FEDERATION_ACTIONS, read_caller
from .context import values_of
from .evaluator import TRUST_ACTIONS, WILDCARD_ONLY
from .matching import as_list

Json = dict[str, Any]


def _refused_by_kind_of_credentials(scenario: Json) -> bool:
    """STS refuses some calls by the kind of credentials, whatever the policies say.

    A role session cannot get session or federation tokens, a federated session can call STS only to ask who it is,
    and the root user cannot assume a role. Whether that is part of a policy decision is a matter of taste: the
    engine reports a service rule, the reference looks at policies alone.
    """
    caller = read_caller(scenario["request"])
    action: str = scenario["request"]["action"].lower()
    if caller.kind in ("session", "role"):
        return action in ("sts:getsessiontoken", "sts:getfederationtoken")
    if caller.kind == "federated":
        return action.startswith("sts:")
    return caller.kind == "root" and action in TRUST_ACTIONS


def _provider_calls_something_else(scenario: Json) -> bool:
    """An identity provider calls nothing but the two STS actions that it exists for."""
    caller = read_caller(scenario["request"])
    return caller.kind == "provider" and scenario["request"]["action"].lower() not in FEDERATION_ACTIONS


def _set_of_frozen_policies(scenario: Json) -> bool:
    """A change to "any policy managed by AWS".

    No customer can change any of them, so the reference says that no resource of the set is allowed; the engine
    applies the refusal to single policies only.
    """
    request = scenario["request"]
    frozen = request["resource"].startswith("arn:aws:iam::aws:policy/") and "*" in request["resource"]
    return frozen and request["action"].lower() == "iam:createpolicyversion"


def _boundary_of_a_caller_without_one(scenario: Json) -> bool:
    """A Deny with NotPrincipal, and a boundary document for a caller that cannot have a boundary.

    Such a document is ignored, says the reference; the engine takes it as a boundary for this one rule.
    """
    caller = read_caller(scenario["request"])
    no_boundary = not caller.has_own_policies or caller.service_linked
    return bool(no_boundary and scenario.get("permissions_boundaries") and '"NotPrincipal"' in json.dumps(scenario))


def _provider_named_outside_trust(scenario: Json) -> bool:
    """A Federated entry in an RCP or endpoint policy, where AWS has none: for nobody, or for that provider?"""
    return '"Federated": ' in json.dumps([scenario.get("rcps"), scenario.get("vpc_endpoint_policies")])


def _null_without_true_or_false(scenario: Json) -> bool:
    """ForAllValues:Null with other values: true because no value fails it, or false because it means nothing?"""
    for _, policy in documents(scenario):
        for statement in as_list(policy["document"]["Statement"]):
            for operator, block in statement.get("Condition", {}).items():
                if operator == "ForAllValues:Null":
                    for values in block.values():
                        texts = values_of(values)
                        if not texts or any(text not in ("true", "false") for text in texts):
                            return True
    return False


def _public_access_without_a_bucket(scenario: Json) -> bool:
    """Block Public Access and an S3 action without resource type, beside a policy of some bucket.

    The reference takes "*" as a request on buckets; the engine says that no bucket is asked for.
    """
    request = scenario["request"]
    wildcard_only = request.get("wildcard_only_action")
    if wildcard_only is None:
        wildcard_only = request["action"].lower() in WILDCARD_ONLY
    return bool(wildcard_only and (scenario.get("settings") or {}).get("s3"))


def _star_without_services_in_endpoint(scenario: Json) -> bool:
    """Whether the option that an Allow to "*" leaves out services speaks of endpoint policies too."""
    option = (scenario.get("options") or {}).get("star_allow_includes_services", True)
    return not option and bool(scenario.get("vpc_endpoint_policies"))


def _negated_arn_with_variable(scenario: Json) -> bool:
    """A negated ARN operator, a variable, and a value in the request that may be no ARN.

    What is no ARN cannot be compared, so the reference says false; a variable without a value matches nothing, so
    the engine says true.
    """
    return re.search(r'"[^"]*arnnot[^"]*": {"[^"]*": (\[[^\]]*)?"[^"]*\$\{', json.dumps(scenario).lower()) is not None


OPEN: tuple[Callable[[Json], bool], ...] = (
    _refused_by_kind_of_credentials,
    _provider_calls_something_else,
    _set_of_frozen_policies,
    _boundary_of_a_caller_without_one,
    _provider_named_outside_trust,
    _null_without_true_or_false,
    _public_access_without_a_bucket,
    _star_without_services_in_endpoint,
    _negated_arn_with_variable,
)


def is_open(scenario: Json) -> bool:
    """Whether a scenario asks one of these questions."""
    return any(question(scenario) for question in OPEN)
