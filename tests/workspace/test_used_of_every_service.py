"""That a draft of what was used denies no recorded call, held against the reference alone, for all the SDK calls."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import botocore.session
import pytest

from iamtui.account.model import Account
from iamtui.activity.distinct_requests import RequestCollector
from iamtui.activity.events import event_of
from iamtui.activity.trails import TrailCounts
from iamtui.catalog import service_data
from iamtui.engine.calls.api_calls import iam_actions
from iamtui.engine.decision import Decision, Outcome
from iamtui.questions.question import Question
from iamtui.workspace.activity.least_policy import LeastPolicy, least_policy
from iamtui.workspace.activity.replay import allows_all
from iamtui.workspace.activity.used import Activity, ReadTrails, activity_of
from iamtui.workspace.ask.questions import BulkEvaluator
from iamtui.workspace.source.principals import principal_for
from tests.engine.test_api_calls import _parameters as parameters_of
from tests.workspace.test_used import ACCOUNT, ROLE, allow, event, role_with, workspace_of, workspace_with

NOW = datetime.now(UTC)
PLACEHOLDER = re.compile(r"\$\{[^}]*\}|\*")
OF_ANY_TYPE = re.compile(r"(resource)?arn", re.IGNORECASE)
"""A parameter that names a resource of whatever type the action has, so that no other has to be named."""

IN_PLACE_OF_OTHERS = (("chime:", "/bot/"), ("ram:", ":permission/"))
"""Types that the reference requires beside others, in whose place one parameter names them."""


def recorded(services: list[str] | None, *, whole: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """An action with the record of a call, which gives the parameters that the SDK requires, or all."""
    session = botocore.session.get_session()
    for service in services or session.get_available_services():
        model = session.get_service_model(service)
        sources = dict.fromkeys((model.signing_name, model.endpoint_prefix, service))
        for name in model.operation_names:
            source = next((one for one in sources if iam_actions(one, name)), service)
            action = next(iter(iam_actions(source, name)), "")
            shape = model.operation_model(name).input_shape
            members = shape.members if shape else {}
            given = {key: one for key, one in members.items() if whole or key in shape.required_members}
            if action:
                parameters = dict(parameters_of(given, action))
                yield action, event(source.removesuffix(".amazonaws.com"), name, parameters)


def required_forms(action: str) -> Iterator[list[str]]:
    prefix, _, name = action.lower().partition(":")
    for one in service_data.actions(prefix)[name]["resourceTypes"]:
        forms = str(service_data.resource_types(prefix).get(str(one["name"]).lower(), {}).get("arn", ""))
        if one.get("required") and forms:
            yield forms.split(", ")


def filled(form: str, name: str) -> str:
    fields = {"${Partition}": "aws", "${Region}": "eu-west-1", "${Account}": ACCOUNT}
    return PLACEHOLDER.sub(lambda found: fields.get(found.group(), name), form)


def is_of(arn: str, forms: list[str]) -> bool:
    return any(re.fullmatch(".+".join(map(re.escape, PLACEHOLDER.split(form))), arn) for form in forms)


def grants(action: str) -> Iterator[list[dict[str, Any]]]:
    forms = [form for forms in required_forms(action) for form in forms]
    team = {"Condition": {"StringEquals": {"aws:PrincipalTag/team": "x"}}}
    yield [allow(action)]
    yield [allow(f"{action.partition(':')[0]}:*", [filled(form, "*") for form in forms])]
    yield [allow(action, filled(form, "*"), **(team if number % 2 else {})) for number, form in enumerate(forms)]
    yield [{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::none"}]


def least_of(statements: list[dict[str, Any]], record: dict[str, Any]) -> tuple[Activity, LeastPolicy]:
    workspace, role = workspace_with(*statements)
    collector = RequestCollector()
    found = event_of(json.dumps(record))
    assert found is not None
    collector.add([found])
    read = ReadTrails({ROLE: list(collector.requests())}, frozenset(), frozenset(), Counter(), TrailCounts(1, 1), ())
    activity = activity_of(workspace, principal_for(workspace, role), read)
    return activity, least_policy(workspace, principal_for(workspace, role), activity)


def decided(statements: tuple[dict[str, Any], ...] | list[dict[str, Any]], action: str, resource: str) -> Decision:
    role = role_with(*statements)
    workspace = workspace_of(Account(ACCOUNT, roles=(role,)), "eu-west-1")
    question = Question(action, resource, region="eu-west-1")
    return BulkEvaluator(workspace, question, now=NOW).ask(principal_for(workspace, role))


def denied_by_draft(action: str, record: dict[str, Any], statements: list[dict[str, Any]]) -> list[str]:
    """Resources that the call may have worked on, which were granted and which the draft denies."""
    activity, least = least_of(statements, record)
    if action not in activity.actions:
        return []  # what the items or statements of a transaction do is not in its name
    told = [one for one in activity.actions[action].resources if one not in ("", "*")]
    if any(OF_ANY_TYPE.fullmatch(key) for key in record["requestParameters"] or {}) and len(told) == 1:
        return []
    lost = []
    for forms in required_forms(action):
        if any(action.startswith(service) and part in forms[0] for service, part in IN_PLACE_OF_OTHERS):
            continue
        own = [one.replace("?", "x").replace("*", "x") for one in told if is_of(one, forms)]
        for resource in own or [filled(form, "another") for form in forms]:
            before, after = decided(statements, action, resource), decided(least.statements, action, resource)
            same = allows_all(after) or (before.outcome is after.outcome is Outcome.DEPENDS)
            if not before.denied and not same:
                lost.append(resource)
    return lost


def check(services: list[str] | None, part: int, *, whole: bool) -> int:
    """That nothing is lost; returns how many calls were looked at."""
    count = 0
    calls = [one for one in recorded(services, whole=whole) if any(required_forms(one[0]))]
    for action, record in Random(part).sample(calls, len(calls) // part):
        for statements in grants(action):
            assert denied_by_draft(action, record, statements) == [], (action, record["requestParameters"], statements)
        count += 1
    return count


@pytest.mark.parametrize("service", ["glue", "ssm", "sso-admin", "kms", "lambda", "dynamodb"])
@pytest.mark.slow
def test_no_call_of_a_service_is_denied_by_a_draft_of_what_was_used(service: str) -> None:
    assert check([service], 3, whole=False) > 5


@pytest.mark.long
@pytest.mark.parametrize("whole", [False, True], ids=["required", "all"])
def test_no_call_of_any_service_is_denied_by_a_draft_of_what_was_used(whole: bool) -> None:
    assert check(None, 20, whole=whole) > 400
