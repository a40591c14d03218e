"""Many Resource and NotResource elements against one resource at once: as each of them for itself."""

from __future__ import annotations

from random import Random

import pytest

from iamtui.policy.context import CommonContext, ConditionLeaf, RequestContext
from iamtui.policy.patterns import Glob, Wild, request_tokens
from iamtui.policy.resource import (
    Reach,
    RequestResource,
    ResourceElement,
    ResourceElements,
    ResourceKind,
    ResourceMatcher,
    ResourceSet,
)
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType

ENTRIES = (
    "*",
    "arn:aws:iam::111122223333:role/a",
    "arn:aws:iam::111122223333:role/a*",
    "arn:aws:iam::111122223333:role/*a*",
    "arn:aws:iam::*:role/?",
    "arn:*:iam::111122223333:role/ab",
    "arn:aws:iam::111122223333:*",
    "arn:aws:iam",
    "arn:aws:*",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::${a b}",
    "nothing",
)
ONE = ("arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:role/ab", "arn:aws:s3:::b/x", "arn:aws:iam::1:x")
SETS = ("arn:aws:iam::111122223333:role/*", "arn:aws:s3:::b/*", "arn:aws:iam::111122223333:role/a*", "*")


def asked() -> list[RequestResource]:
    ones = [RequestResource(text, ResourceKind.ONE) for text in ONE]
    sets = [RequestResource(text, ResourceKind.SET, members=ResourceSet((request_tokens(text),))) for text in SETS]
    return [*ones, *sets]


def element(random: Random, policy_type: PolicyType) -> tuple[ResourceElement, bool, bool]:
    entries = tuple(random.sample(ENTRIES, random.randrange(4)))
    matcher = ResourceMatcher(entries, policy_type=policy_type, variables=True, options=DEFAULT_LANGUAGE_OPTIONS)
    made = ResourceElement(
        None if random.random() < 0.1 else matcher, negated=random.random() < 0.4, implied=random.random() < 0.5
    )
    return made, random.random() < 0.5, random.random() < 0.1


@pytest.mark.parametrize("policy_type", [PolicyType.IDENTITY, PolicyType.RESOURCE, PolicyType.SCP])
def test_it_is_about_what_each_element_is_about(policy_type: PolicyType) -> None:
    random, context = Random(str(policy_type)), RequestContext(CommonContext({}))
    hits = 0
    for _ in range(200):
        elements = [element(random, policy_type) for _ in range(random.randrange(1, 12))]
        together = ResourceElements(elements)
        for resource in asked():
            expected = [
                place
                for place, (one, allows, certain) in enumerate(elements)
                if certain
                or one.applies(
                    resource, context, DEFAULT_LANGUAGE_OPTIONS, reach=Reach.SHARES if allows else Reach.COVERS
                )
                is True
            ]
            assert together.about(resource) == expected, resource
            hits += len(expected)
    assert hits > 2000


def test_an_entry_of_many_elements_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    matchers = [
        ResourceMatcher(
            (f"arn:aws:iam::*:role/*{number % 3}*", f"arn:aws:iam::*:role/*{number % 5}?"),
            policy_type=PolicyType.IDENTITY,
            variables=True,
            options=DEFAULT_LANGUAGE_OPTIONS,
        )
        for number in range(300)
    ]
    together = ResourceElements((ResourceElement(one, negated=False, implied=False), True, False) for one in matchers)
    tried: list[str] = []
    matches = Glob.matches
    monkeypatch.setattr(Glob, "matches", lambda glob, text: tried.append(text) or matches(glob, text))
    assert len(together.about(RequestResource("arn:aws:iam::111122223333:role/r2", ResourceKind.ONE))) == 100
    assert len(tried) <= 8


@pytest.mark.parametrize("reach", list(Reach))
@pytest.mark.parametrize("resource", [asked()[0], asked()[4]], ids=["one", "set"])
def test_entries_that_are_too_long_with_their_values_stay_open(resource: RequestResource, reach: Reach) -> None:
    """Neither that they match nor that they do not: a Deny of them would be lost."""
    long = [f"arn:aws:iam::*:*${{aws:x}}?{i}" for i in range(200)]
    matcher = ResourceMatcher(
        (*long, "arn:aws:iam::*:${aws:y}*"),
        policy_type=PolicyType.IDENTITY,
        variables=True,
        options=DEFAULT_LANGUAGE_OPTIONS,
    )
    context = RequestContext(CommonContext({"aws:x": ("x" * 2_000,), "aws:y": ("role",)}))
    whole = ResourceElement(matcher, negated=False, implied=False)
    held = whole.applies(resource, context, DEFAULT_LANGUAGE_OPTIONS, reach=reach)
    # One ARN that is short is held against all of them; a set could have a member as long.
    if resource.kind is ResourceKind.ONE or reach is Reach.SHARES:
        assert held is True
    else:
        assert isinstance(held, ConditionLeaf)
    assert (Wild.STAR,) in matcher.patterns(context, DEFAULT_LANGUAGE_OPTIONS).possible
