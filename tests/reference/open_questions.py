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
from .evaluator import TRUST_ACTIONS, _Evaluation
from .matching import as_list

Json = dict[str, Any]


def _refused_by_kind_of_credentials(scenario: Json) -> bool:
    """STS refuses some calls by the kind of credentials, whatever the policies say.

    Temporary credentials get no session or federation tokens, a federated session can call STS only to ask who it is,
    the root user cannot assume a role, and an anonymous caller signs nothing. Whether that is part of a policy
    decision is a matter of taste: the engine reports a service rule, the reference looks at policies alone.
    """
    caller = read_caller(scenario["request"])
    action: str = scenario["request"]["action"].lower()
    if caller.kind in ("session", "role") or caller.credentials == "temporary":
        return action in ("sts:getsessiontoken", "sts:getfederationtoken")
    if caller.kind in ("federated", "anonymous"):
        return action.startswith("sts:")
    return caller.kind == "root" and action in TRUST_ACTIONS


def _provider_calls_something_else(scenario: Json) -> bool:
    """An identity provider calls nothing but the two STS actions that it exists for."""
    caller = read_caller(scenario["request"])
    return caller.kind == "provider" and scenario["request"]["action"].lower() not in FEDERATION_ACTIONS


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


def _star_without_services_in_endpoint(scenario: Json) -> bool:
    """Whether the option that an Allow to "*" leaves out services speaks of endpoint policies too."""
    option = (scenario.get("options") or {}).get("star_allow_includes_services", True)
    return not option and bool(scenario.get("vpc_endpoint_policies"))


def _provider_spared_outside_trust(scenario: Json) -> bool:
    """An identity provider in the NotPrincipal of an RCP or endpoint policy, which AWS accepts in neither.

    Federated entries mean something in trust policies only; the engine then does not spare the provider, the
    reference does.
    """
    outside = json.dumps([scenario.get("rcps"), scenario.get("vpc_endpoint_policies")])
    return re.search(r'"NotPrincipal": \{[^}]*"Federated"', outside) is not None


def _policy_behind_alias_not_given(scenario: Json) -> bool:
    """A key used by its alias without a key policy: the engine says that it depends on that policy."""
    return scenario.get("resource_policy") is None and _Evaluation(scenario, None).uses_alias()


OPEN: tuple[Callable[[Json], bool], ...] = (
    _refused_by_kind_of_credentials,
    _provider_calls_something_else,
    _null_without_true_or_false,
    _provider_spared_outside_trust,
    _star_without_services_in_endpoint,
    _policy_behind_alias_not_given,
)


def is_open(scenario: Json) -> bool:
    """Whether a scenario asks one of these questions."""
    return any(question(scenario) for question in OPEN)
