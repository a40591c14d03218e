"""Questions about a set of which one call needs several resources at once."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.model import ServiceModel

from iamtui.catalog import arn_forms, service_data
from iamtui.catalog.arn_forms import needs
from iamtui.engine.decision import Decision, Outcome
from iamtui.engine.evaluator import evaluate
from iamtui.engine.scenarios.scenario import parse_scenario

A = "111111111111"


def _asked(action: str, *statements: dict[str, Any], resource: str = "*", **more: Any) -> Decision:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    request = {"principal": f"arn:aws:iam::{A}:user/alice", "action": action, "resource": resource}
    made = parse_scenario({"request": request, "identity_policies": [{"name": "own", "document": document}], **more})
    return evaluate(made.request, made.policies, made.options)


def _allow(*resources: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "*", "Resource": list(resources)}


def _deny(*resources: str) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": "*", "Resource": list(resources)}


def test_a_denied_call_says_what_it_needs_and_what_of_that_is_denied() -> None:
    decision = _asked("ec2:RunInstances", _allow("*"), _deny("arn:aws:ec2:*:*:instance/*", "arn:aws:ec2:*:*:subnet/*"))
    assert decision.outcome is Outcome.EXPLICIT_DENY
    assert decision.example_resource is None
    assert (
        "Every call of ec2:RunInstances needs image, instance, network-interface, security-group and subnet at once: "
        "instance, subnet are not allowed." in decision.notes
    )


def test_where_it_is_not_known_whether_both_are_needed_the_answer_depends_on_that() -> None:
    decision = _asked("ecs:ExecuteCommand", _allow("arn:aws:ecs:*:*:task/*"))
    assert decision.outcome is Outcome.DEPENDS
    assert decision.example_resource is None
    assert any(note.endswith("this stands in the way: cluster is not allowed.") for note in decision.notes)


_LAUNCH = ("image", "network-interface", "security-group", "subnet")


@pytest.mark.parametrize(
    ("instances", "outcome"),
    [
        (["us-east-1"], Outcome.DEPENDS),
        (["us-east-1", "eu-west-1"], Outcome.ALLOWED),
        (["*"], Outcome.ALLOWED),
        (["eu-*"], Outcome.ALLOWED),
        (["us-*"], Outcome.DEPENDS),
    ],
)
def test_what_one_call_needs_lies_in_one_region(instances: list[str], outcome: Outcome) -> None:
    rest = [f"arn:aws:ec2:eu-west-1:*:{kind}/*" for kind in _LAUNCH]
    decision = _asked("ec2:RunInstances", _allow(*rest, *(f"arn:aws:ec2:{one}:*:instance/*" for one in instances)))
    assert decision.outcome is outcome
    said = any("no Region is known in which all of them are allowed" in note for note in decision.notes)
    assert said is (outcome is Outcome.DEPENDS)


def test_one_resource_is_answered_alone_with_a_note_on_the_others() -> None:
    instance = f"arn:aws:ec2:eu-west-1:{A}:instance/i-1"
    decision = _asked("ec2:RunInstances", _allow("*"), _deny("arn:aws:ec2:*:*:subnet/*"), resource=instance)
    assert decision.outcome is Outcome.ALLOWED
    assert any("this answers for what was named alone" in note for note in decision.notes)


def test_a_table_of_glue_is_read_below_its_database_and_catalog() -> None:
    under = ["arn:aws:glue:*:*:table/*", "arn:aws:glue:*:*:database/*", "arn:aws:glue:*:*:catalog"]
    assert _asked("glue:GetTable", _allow(*under)).outcome is Outcome.ALLOWED
    for missing in under:
        granted = [entry for entry in under if entry != missing]
        assert _asked("glue:GetTable", _allow(*granted)).outcome is Outcome.IMPLICIT_DENY, missing


def test_what_is_granted_of_no_type_is_denied_whether_or_not_both_are_needed() -> None:
    assert _asked("ecs:ExecuteCommand", _allow("arn:aws:s3:::*")).outcome is Outcome.IMPLICIT_DENY


def _parts(words: str) -> str:
    """What a name comes to without its kind: `RouteTableIds` and `route-table` are both `routetable`."""
    return re.sub(r"(arns?|ids?|names?)$", "", re.sub("[^a-z]", "", words.lower()))


_CREATED = ("ec2:runinstances", "ec2:createsnapshot", "ec2:createsnapshots")
_CALLED_OTHERWISE = {"elastic-ip": "allocation"}


@cache
def _model_of_ec2() -> ServiceModel:
    return botocore.session.get_session().get_service_model("ec2")


@pytest.mark.parametrize("action", sorted(action for action in arn_forms._NEED_ALL if action.startswith("ec2:")))
def test_calls_that_need_all_types_require_a_parameter_for_each(action: str) -> None:
    assert needs(action).is_known
    if action in _CREATED:
        return
    model = _model_of_ec2()
    (operation,) = (name for name in model.operation_names if name.lower() == action.removeprefix("ec2:"))
    required = {_parts(member) for member in model.operation_model(operation).input_shape.required_members}
    assert {_parts(_CALLED_OTHERWISE.get(need.name, need.name)) for need in needs(action).each} <= required


def test_every_action_of_the_tables_is_one_that_the_reference_requires_several_types_for() -> None:
    for action in (*arn_forms._NEED_ALL, *arn_forms._NEED_ONE):
        service, _, name = action.partition(":")
        types = service_data.actions(service)[name]["resourceTypes"]
        assert len([one for one in types if one["required"]]) > 1, action


def test_all_that_a_call_needs_is_among_what_every_call_names() -> None:
    counted = {True: 0, False: 0}
    for service in service_data.service_names():
        for name in service_data.actions(service):
            found = needs(f"{service}:{name}")
            forms = [form for need in found.each for form in need.forms]
            assert not found.each or set(forms) == set(arn_forms.required_arn_forms(f"{service}:{name}"))
            counted[found.is_known] += len(found.each) > 1
    assert counted[True] > 80
    assert counted[False] > 900
