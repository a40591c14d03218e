"""What must hold for the engine on any request, whatever AWS's finer rules are."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from tests.conformance.cases import ALLOW_ALL, document, named
from tests.conformance.engine import decide
from tests.support.slow import blocks, one_quick

from .agreement import alone, as_session, documents, example_of, fillings, named_members, tree_truth
from .callers import read_caller
from .catalogue import actions_of, services
from .catalogue_generator import everything_but_all, make_catalogue_scenario, only_other_types
from .context import CALLER_FIXED
from .drawing import Json
from .evaluator import _Evaluation
from .generator import Maker, extra_deny, make_scenario
from .matching import as_list

SEEDS = blocks(1500, 250)
BLOCK = 250


def generated(first: int, *, discover: bool | None = None) -> Iterator[tuple[Random, Json]]:
    """Scenarios with a source of chance for each; `discover` chooses the mode, None leaves it."""
    for seed in range(first, first + BLOCK):
        random = Random(seed)
        scenario = make_scenario(random)
        if discover is not None:
            scenario["mode"] = "discover" if discover else "strict"
            if not discover:
                scenario["request"].pop("known_absent", None)
                scenario["request"].pop("any_value", None)
        yield random, scenario


def statements_of(policy: Json) -> list[Json]:
    """The statements of a named policy, as a list that can be changed in place."""
    found: list[Json] = as_list(policy["document"]["Statement"])
    policy["document"]["Statement"] = found
    return found


def allowed(scenario: Json) -> bool:
    """Whether the engine allows."""
    return bool(decide(scenario)["decision"] == "allowed")


@pytest.mark.parametrize("first", SEEDS)
def test_adding_a_deny_never_allows(first: int) -> None:
    tried = 0
    for random, scenario in generated(first):
        if allowed(scenario):
            continue
        changed = copy.deepcopy(scenario)
        policies = list(documents(changed))
        if not policies:
            continue
        layer, policy = random.choice(policies)
        statements = statements_of(policy)
        statements.insert(random.randint(0, len(statements)), extra_deny(random, scenario, layer))
        tried += 1
        assert not allowed(changed), json.dumps([scenario, changed])
    assert tried > 100


@pytest.mark.parametrize("first", SEEDS)
def test_a_scope_down_never_allows_and_several_are_their_intersection(first: int) -> None:
    said: Counter[bool] = Counter()
    for random, scenario in generated(first):
        caller = read_caller(scenario["request"])
        own = caller.has_own_policies or caller.kind == "root"
        if not own or caller.credentials == "long_term":
            continue
        without = {key: value for key, value in scenario.items() if key != "scope_down_policies"}
        maker = Maker(random)
        maker.caller = scenario["request"]
        maker.action, maker.resource = maker.caller["action"], maker.caller["resource"]
        policies = [maker.named("scope_down", most=1) or named("everything", ALLOW_ALL) for _ in range(3)]
        alone = [allowed({**without, "scope_down_policies": one}) for one in policies]
        together = allowed({**without, "scope_down_policies": [one for each in policies for one in each]})
        said[together] += 1
        assert allowed(without) or not any(alone), json.dumps(scenario)
        one = scenario["request"]["resource"]
        if "*" not in one and ":alias/" not in one and scenario.get("mode") != "discover":
            assert together == all(alone), json.dumps([scenario, policies])
        assert all(alone) or not together, json.dumps([scenario, policies])
    assert min(said[True], said[False]) > 5, said


@pytest.mark.parametrize("first", SEEDS)
def test_removing_an_allow_never_allows(first: int) -> None:
    """But for S3 Block Public Access: without its public statement a bucket policy is no longer public."""
    tried = 0
    for random, scenario in generated(first):
        if allowed(scenario):
            continue
        changed = copy.deepcopy(scenario)
        candidates = [
            (layer, policy, statement)
            for layer, policy in documents(changed)
            for statement in statements_of(policy)
            if statement["Effect"] == "Allow"
        ]
        if not candidates:
            continue
        layer, policy, statement = random.choice(candidates)
        policy["document"]["Statement"] = [other for other in statements_of(policy) if other is not statement]
        tried += 1
        if layer == "resource" and (scenario.get("settings") or {}).get("s3"):
            continue
        assert not allowed(changed), json.dumps([scenario, changed])
    assert tried > 100


def test_without_its_public_statement_a_policy_is_not_public() -> None:
    """The one way in which less is more."""
    account, outsider = "111111111111", "arn:aws:iam::222222222222:user/xavier"
    public = {"Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket", "Resource": "*"}
    grant = {"Effect": "Allow", "Principal": {"AWS": outsider}, "Action": "s3:GetObject", "Resource": "*"}
    request = {"principal": outsider, "action": "s3:GetObject", "resource": "arn:aws:s3:::b1/k"}
    scenario: Json = {
        "request": {**request, "resource_account": account},
        "identity_policies": named("identity", ALLOW_ALL),
        "resource_policy": document(public, grant),
        "settings": {"s3": {"restrict_public_buckets": True}},
    }
    found = decide(scenario)
    assert (found["decision"], found["blocked_by"]) == ("explicitDeny", ["block_public_access"])
    assert allowed({**scenario, "resource_policy": document(grant)})


FOR_ANYONE: Json = {**ALLOW_ALL, "Principal": "*"}
CAPS: dict[str, tuple[str, Any]] = {
    "boundary": ("permissions_boundaries", named("everything", ALLOW_ALL)),
    "session": ("session_policies", named("everything", ALLOW_ALL)),
    "scp": ("scps", [named("everything", ALLOW_ALL)]),
    "rcp": ("rcps", [named("everything", FOR_ANYONE)]),
    "vpc_endpoint": ("vpc_endpoint_policies", named("everything", FOR_ANYONE)),
}


@one_quick("cap", CAPS)
def test_an_absent_cap_equals_one_that_allows_everything(cap: str) -> None:
    """But for a Deny with NotPrincipal, which hits whoever has a boundary, and for federated sessions.

    A federated session has no permissions of its own without a session policy.
    """
    field, everything = CAPS[cap]
    for _, scenario in generated(0):
        if cap == "boundary" and '"NotPrincipal"' in json.dumps(scenario):
            continue
        if cap == "session" and read_caller(scenario["request"]).kind == "federated":
            continue
        without = {key: value for key, value in scenario.items() if key != field}
        one, other = decide(without), decide({**without, field: everything})
        assert (one["decision"], one["blocked_by"]) == (other["decision"], other["blocked_by"]), json.dumps(without)


@pytest.mark.parametrize("first", SEEDS)
def test_caps_alone_grant_nothing(first: int) -> None:
    """Nothing but identity and resource policies grants; root users and the free STS actions need no grant."""
    for _, scenario in generated(first):
        action = scenario["request"]["action"].lower()
        if read_caller(scenario["request"]).kind == "root" or action.startswith("sts:get"):
            continue
        scenario.pop("identity_policies", None)
        scenario.pop("resource_policy", None)
        assert not allowed(scenario), json.dumps(scenario)


@pytest.mark.parametrize("first", SEEDS)
def test_order_never_matters(first: int) -> None:
    for random, scenario in generated(first):
        changed = copy.deepcopy(scenario)
        for _, policy in documents(changed):
            random.shuffle(statements_of(policy))
        for field in (
            "identity_policies",
            "session_policies",
            "scope_down_policies",
            "vpc_endpoint_policies",
            "scps",
            "rcps",
        ):
            random.shuffle(changed.get(field) or [])
        for level in (changed.get("scps") or []) + (changed.get("rcps") or []):
            random.shuffle(level)
        one, other = decide(scenario), decide(changed)
        assert (one["decision"], one["blocked_by"]) == (other["decision"], other["blocked_by"]), json.dumps(scenario)
        if one["decision"] == "depends":
            for filled, session in fillings(scenario, 4):
                truth = tree_truth(one["depends_on"], filled, session)
                reordered = {**changed, "request": filled["request"], "mode": "strict"}
                assert truth == tree_truth(other["depends_on"], reordered, session), json.dumps(scenario)


@pytest.mark.slow
@pytest.mark.parametrize("first", SEEDS)
def test_discover_is_sure_only_of_what_every_completion_bears_out(first: int) -> None:
    seen = 0
    for _, scenario in generated(first, discover=True):
        found = decide(scenario)
        for filled, session in fillings(scenario, 8):
            asked = as_session(filled, session)
            if asked is None or found["decision"] == "depends":
                continue
            seen += 1
            strict = decide(asked)["decision"]
            assert (strict == "allowed") == (found["decision"] == "allowed"), json.dumps([scenario, asked])
            if found["decision"] == "explicitDeny":
                assert strict == "explicitDeny", json.dumps([scenario, asked])
    assert seen > 100


@pytest.mark.parametrize("first", SEEDS)
def test_what_is_not_known_never_allows(first: int) -> None:
    """Forgetting context never turns a denial into an allow."""
    seen = 0
    for random, scenario in generated(first, discover=False):
        if isinstance(scenario["request"]["principal"], str) and ":role/" in scenario["request"]["principal"]:
            continue
        if allowed(scenario):
            continue
        forgetful = copy.deepcopy(scenario)
        forgetful["mode"] = "discover"
        context = forgetful["request"].get("context", {})
        for key in list(context):
            if key.lower() not in CALLER_FIXED and random.random() < 0.5:
                del context[key]
        seen += 1
        assert not allowed(forgetful), json.dumps([scenario, forgetful])
    assert seen > 100


EVERY_NTH = 40
"""How many actions lie between those that are asked about here; the long run can ask about all."""


def typed_actions() -> list[str]:
    """Every action with resource types."""
    return [
        f"{service}:{entry['name']}"
        for service in services()
        for entry in actions_of(service).values()
        if entry["resourceTypes"]
    ]


@pytest.mark.slow
def test_denying_all_forms_of_an_action_never_allows() -> None:
    for action in typed_actions()[::EVERY_NTH]:
        assert not allowed(everything_but_all(action)), action


@pytest.mark.slow
def test_what_only_other_resource_types_are_granted_is_not_allowed() -> None:
    """But where an entry for another type takes in a resource of the action as well."""
    seen = 0
    for action in typed_actions()[:: 2 * EVERY_NTH]:
        scenario = only_other_types(action)
        if scenario is None or not allowed(scenario):
            continue
        witness = example_of(scenario)
        assert witness is not None, action
        assert _Evaluation(scenario, None).belongings().has(witness), (action, witness)
        seen += 1
    assert seen < 40


def test_a_witness_is_allowed_and_no_member_of_a_denied_set_is() -> None:
    """Asked again one by one, whatever the second evaluator makes of the set."""
    witnesses = members = 0
    for seed in range(200):
        scenario = make_catalogue_scenario(Random(seed))
        scenario["request"].pop("wildcard_only_action", None)
        decision = decide(scenario)["decision"]
        if decision == "allowed":
            witness = example_of(scenario)
            assert witness is not None, json.dumps(scenario)
            assert allowed(alone(scenario, witness)), json.dumps([scenario, witness])
            witnesses += 1
        elif decision != "depends":
            for member in named_members(scenario):
                assert not allowed(alone(scenario, member)), json.dumps([scenario, member])
                members += 1
    assert min(witnesses, members) > 40
