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
from .catalogue import has_no_resource_type
from .context import values_of
from .matching import as_list

Json = dict[str, Any]


def _signed_call_for_a_provider(scenario: Json) -> bool:
    """A call that carries no credentials, asked for somebody whose credentials STS refuses for its signed calls."""
    caller = read_caller(scenario["request"])
    temporary = caller.credentials == "temporary" or bool(scenario.get("scope_down_policies"))
    signed = caller.kind in ("root", "federated") or temporary
    return signed and scenario["request"]["action"].lower() in FEDERATION_ACTIONS


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


def _kms_call_said_to_have_resources(scenario: Json) -> bool:
    """A set of resources of a KMS call that has none (kms:ListKeys), which the request says to have some.

    Whether such a resource is a key, needs a key policy or can be an alias is then a question about nothing: the
    reference takes every ARN for one, the engine keys.
    """
    request = scenario["request"]
    return (
        request["action"].lower().startswith("kms:")
        and request.get("wildcard_only_action") is False
        and "*" in request["resource"]
        and has_no_resource_type(request["action"])
    )


def _pattern_of_aliases(scenario: Json) -> bool:
    """Keys named by a pattern of aliases (`alias/*`): whether any alias has such a name is not known.

    The engine takes it for some key, and never says "allowed"; the reference knows no such resource.
    """
    named = re.fullmatch(r"arn:[^:]*:kms:[^:]*:[^:]*:alias/.*", scenario["request"]["resource"], re.DOTALL)
    return named is not None and "*" in scenario["request"]["resource"]


OPEN: tuple[Callable[[Json], bool], ...] = (
    _signed_call_for_a_provider,
    _kms_call_said_to_have_resources,
    _pattern_of_aliases,
    _provider_calls_something_else,
    _null_without_true_or_false,
    _provider_spared_outside_trust,
    _star_without_services_in_endpoint,
)


def is_open(scenario: Json) -> bool:
    """Whether a scenario asks one of these questions."""
    return any(question(scenario) for question in OPEN)
