"""What a set of resources holds: over the whole catalogue, and held against single resources."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from random import Random

import pytest
from msgspec import structs

from iamtui.catalog.actions import catalogue
from iamtui.catalog.arn_forms import ArnForm, Name, arn_forms, entries_of_other_types
from iamtui.engine.decision import Decision, Outcome
from iamtui.engine.evaluator import evaluate, read_all_layers
from iamtui.engine.prepared_request import resources_in
from iamtui.engine.scenarios.scenario import Scenario, parse_scenario
from iamtui.policy.pattern_overlap import first_common
from iamtui.policy.patterns import Glob, arn_tokens, parse_pieces, tokens_of
from iamtui.policy.resource import ResourceSet
from tests.conformance.cases import ALLOW_ALL, Json, named
from tests.reference.set_generator import make_set_scenario
from tests.support.slow import all_but, blocks

ACCOUNT = "111111111111"
SERVICES = tuple(service.prefix for service in catalogue().services())
BLOCKS = 8


def scenario(action: str, *identity: Json, resource: str = "*") -> Scenario:
    request = {"principal": f"arn:aws:iam::{ACCOUNT}:user/alice", "action": action, "resource": resource}
    return parse_scenario({"request": request, "identity_policies": named("own", *identity)})


def decided(action: str, *identity: Json, resource: str = "*") -> Decision:
    made = scenario(action, *identity, resource=resource)
    return evaluate(made.request, made.policies, made.options)


@cache
def forms_of(service: str) -> dict[str, tuple[ArnForm, ...]]:
    """The ARN forms of each action of a service that has some."""
    return {action: forms for action in catalogue().actions_of(service) if (forms := arn_forms(action))}


def entry(form: ArnForm) -> str:
    """A form as the entry of a policy, a star for each name."""
    fields = ("*" if isinstance(field, Name) else field for field in form[:3])
    return "arn:aws:" + ":".join((*fields, "".join("*" if isinstance(one, Name) else one for one in form.resource)))


def example(form: ArnForm) -> str:
    """One resource of a form."""
    words = (form.service if isinstance(form.service, str) else "x", "eu-west-1", ACCOUNT)
    fields = (word if isinstance(field, Name) else field for field, word in zip(form[:3], words, strict=True))
    return "arn:aws:" + ":".join((*fields, "".join("x" if isinstance(one, Name) else one for one in form.resource)))


def chosen(block: int) -> Iterator[tuple[str, tuple[ArnForm, ...]]]:
    """Of the actions of each eighth service, one of each that are alike."""
    for service in SERVICES[block::BLOCKS]:
        alike = {forms: action for action, forms in forms_of(service).items()}
        yield from ((action, forms) for forms, action in alike.items())


@pytest.mark.parametrize("block", all_but(0, range(BLOCKS)))
def test_a_deny_of_all_arn_forms_of_an_action_leaves_nothing(block: int) -> None:
    count = 0
    for action, forms in chosen(block):
        deny = {"Effect": "Deny", "Action": action, "Resource": [entry(form) for form in forms]}
        assert not decided(action, ALLOW_ALL, deny).allowed, action
        one_by_one = [{**deny, "Resource": entry(form)} for form in forms]
        assert not decided(action, ALLOW_ALL, *one_by_one).allowed, action
        count += 1
    assert count > 50


@pytest.mark.parametrize("block", all_but(0, range(BLOCKS)))
def test_a_grant_of_all_resources_is_shown_on_one_of_them(block: int) -> None:
    for action, forms in chosen(block):
        decision = decided(action, ALLOW_ALL)
        if action.startswith(("sts:", "account:", "organizations:", "sso:", "ram:")):
            # Whether these can be called depends on the credentials, or the place of the account in its organization.
            continue
        assert decision.allowed, action
        assert decision.example_resource is not None
        assert decided(action, ALLOW_ALL, resource=decision.example_resource).allowed or action.startswith("kms:")
        assert decision.example_resource.isprintable()
        assert decision.example_resource.isascii()
        assert any(decision.example_resource.startswith(entry(form).split("*")[0]) for form in forms), action


@pytest.mark.parametrize("block", all_but(0, range(BLOCKS)))
def test_a_grant_of_other_resource_types_allows_nothing(block: int) -> None:
    count = 0
    for service in SERVICES[block::BLOCKS]:
        every = {form for forms in forms_of(service).values() for form in forms}
        for forms, action in {forms: action for action, forms in forms_of(service).items()}.items():
            others = [form for form in every - {*forms} if not any(overlaps(form, mine) for mine in forms)]
            if others:
                allow = {"Effect": "Allow", "Action": "*", "Resource": [example(form) for form in others]}
                assert not decided(action, allow).allowed, (action, others)
                count += 1
    assert count > 50


EVERY_NTH = 48
"""How many questions lie between those that the fast suite asks about single forms of other types."""


def grants_of_another_type(service: str) -> Iterator[tuple[str, str]]:
    """Of actions that have the same resource types one, with an entry about each other type of the service."""
    alike = {forms: action for action, forms in forms_of(service).items()}
    return ((action, other) for action in alike.values() for other in entries_of_other_types(action))


def is_shown_on_another_type(action: str, other: str) -> bool:
    """Whether an action is allowed by an entry about another type, on what cannot be one of its own resources.

    An entry may take in all that has one of the action's own forms, and is then about them too, whatever else it is
    about: that of a parent ends with a star that runs over what is its part (`apps/*` and `apps/x/branches/y`, `bot:*`
    and `bot:x:y`, buckets and their objects), and that of a type without a word of its own is about any (`*/*/*`).
    """
    glob = Glob(arn_tokens(tokens_of(parse_pieces(other, variables=False))))
    sets = (resources_in("*", (form,), "aws", ACCOUNT) for form in arn_forms(action))
    if any(glob.covers(tokens) for each in sets for tokens in each.patterns):
        return False
    return decided(action, {"Effect": "Allow", "Action": "*", "Resource": other.replace("arn:*:", "arn:aws:")}).allowed


@pytest.mark.slow
def test_a_grant_of_all_resources_of_another_type_allows_nothing() -> None:
    asked = [question for service in SERVICES for question in grants_of_another_type(service)][::EVERY_NTH]
    assert len(asked) > 1_000
    assert [question for question in asked if is_shown_on_another_type(*question)] == []


@pytest.mark.long
@pytest.mark.parametrize("block", all_but(0, range(BLOCKS)))
def test_no_grant_of_all_resources_of_another_type_allows_anything(block: int) -> None:
    asked = [question for service in SERVICES[block::BLOCKS] for question in grants_of_another_type(service)]
    assert len(asked) > 1_000
    assert [question for question in asked if is_shown_on_another_type(*question)] == []


@pytest.mark.parametrize(
    ("action", "granted"),
    [
        ("connect:ListAgentStatuses", "arn:aws:connect:*:*:instance/*/queue/*"),
        ("amplifybackend:GetBackendJob", "arn:aws:amplifybackend:*:*:/backend/*/auth/*"),
        ("backup:CopyFromBackupVault", "arn:aws:backup:*:*:backup-vault:*"),
        ("logs:CreateLogGroup", "arn:aws:logs:*:*:destination:*"),
        ("lambda:InvokeFunction", "arn:aws:lambda:*:*:layer:*"),
        ("lambda:InvokeFunction", "arn:aws:lambda:*:*:event-source-mapping:*"),
    ],
)
def test_no_name_is_the_word_of_another_type(action: str, granted: str) -> None:
    assert not decided(action, {"Effect": "Allow", "Action": "*", "Resource": granted}).allowed
    everything = decided(action, ALLOW_ALL, {"Effect": "Deny", "Action": "*", "Resource": granted})
    assert everything.allowed
    assert not Glob(arn_tokens(tokens_of(parse_pieces(granted, variables=False)))).matches(
        everything.example_resource or ""
    )


@pytest.mark.parametrize(
    ("action", "granted", "is_allowed"),
    [
        ("lambda:InvokeFunction", "function:f:*", True),
        ("lambda:InvokeFunction", "function:f:PROD", True),
        ("lambda:InvokeFunction", "function:f", True),
        ("lambda:UpdateFunctionCode", "function:f:*", False),
    ],
)
def test_versions_and_aliases_of_functions_are_invoked_too(action: str, granted: str, is_allowed: bool) -> None:
    entry_text = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:{granted}"
    decision = decided(action, {"Effect": "Allow", "Action": action, "Resource": entry_text})
    assert decision.allowed is is_allowed
    if is_allowed:
        assert decision.example_resource is not None
        assert decided(action, ALLOW_ALL, resource=decision.example_resource).allowed


def overlaps(form: ArnForm, own: ArnForm) -> bool:
    """Whether one name can be of both forms, whatever Region and account are."""
    sets = (resources_in("*", (one._replace(region="", account=""),), "aws", "") for one in (form, own))
    return any(first_common(*pair) is not None for pair in product(*(one.patterns for one in sets)))


WORDS = ("a", "b", "c", "x", "ab", "abc", "/", ":", "a/b", "x/y", "secret", "logs", "", ACCOUNT, "us-east-1")


def concrete(members: ResourceSet, made: Json, random: Random) -> Iterator[str]:
    """Resources of a set, filled in at random: its patterns, and the entries of the policies."""
    whole = ["".join(t if isinstance(t, str) else "*" for t in tokens) for tokens in members.patterns]
    entries = re.findall(r'"(arn:[^"]*)"', json.dumps(made))
    for text in (*whole * 6, *entries * 3):
        filled = re.sub(r"\*+|\?|\$\{[^}]*\}", lambda _: random.choice(WORDS), text)
        if members.has(filled):
            yield filled


@pytest.mark.slow
@pytest.mark.parametrize("first", blocks(1600, 400))
def test_sets_are_answered_as_their_resources_are(first: int) -> None:
    sampled = shown = 0
    for seed in range(first, first + 400):
        made = make_set_scenario(Random(seed))
        parsed = parse_scenario(made)
        reading = read_all_layers(parsed.request, parsed.policies, parsed.options)
        if reading.about is None or reading.outcome is Outcome.DEPENDS:
            continue
        members = reading.prepared.resource.members
        if reading.outcome is Outcome.ALLOWED:
            assert reading.witness is not None
            assert members.has(reading.witness)
            assert reading.about(reading, reading.witness).outcome is Outcome.ALLOWED, seed
            if not reading.admitted_by_assumption and "*" not in reading.witness:
                alone = structs.replace(parsed.request, resource=reading.witness)
                assert evaluate(alone, parsed.policies, parsed.options).allowed, seed
            shown += 1
        elif reading.prepared.refused is None:
            for text in concrete(members, made, Random(seed)):
                assert reading.about(reading, text).total is False, (seed, text)
                sampled += 1
    assert shown > 40
    assert sampled > 1000


@pytest.mark.parametrize(
    ("action", "resource", "is_allowed"),
    [
        ("ssm:SendCommand", "arn:aws:ssm:*::document/AWS-*", True),
        ("ssm:GetDocument", "arn:aws:ssm:*::document/AWS-*", True),
        ("ssm:GetParameter", "arn:aws:ssm:*::parameter/aws/service/ami-*", True),
        ("ssm:GetParameter", "arn:aws:ssm:*::parameter/own/*", False),
        ("sagemaker:DescribeHub", "arn:aws:sagemaker:*:aws:hub/SageMakerPublicHub", True),
        ("wellarchitected:GetLens", "arn:aws:wellarchitected::aws:lens/*", True),
        ("quicksight:DescribeTheme", "arn:aws:quicksight::aws:theme/*", True),
        ("resource-explorer-2:Search", "arn:aws:resource-explorer-2:*::view/AWSServiceView*/service-view", True),
        ("ssm:DeleteDocument", "arn:aws:ssm:*::document/*", False),
        ("ssm:PutParameter", "arn:aws:ssm:*::parameter/*", False),
        ("sagemaker:DeleteHub", "arn:aws:sagemaker:*:aws:hub/*", False),
    ],
)
def test_resources_of_aws_belong_to_no_account(action: str, resource: str, is_allowed: bool) -> None:
    decision = decided(action, {"Effect": "Allow", "Action": action, "Resource": resource})
    assert decision.outcome is (Outcome.ALLOWED if is_allowed else Outcome.IMPLICIT_DENY)
