"""Policies found by service: the same whoever asks first, and whichever threads ask at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from threading import Barrier, Thread

import pytest

from iamtui.engine.policy_sets import LayerStatement, PolicySet, policy_set
from iamtui.engine.request import NamedPolicy, PolicyInForce
from iamtui.policy.document import PolicyDocument
from iamtui.policy.statement import action_name
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType

SERVICES = tuple(f"svc{number}" for number in range(40))


def policies(name: str, *services: str) -> tuple[PolicyInForce, ...]:
    actions = [f"{service}:*" for service in services]
    document = PolicyDocument.of({"Statement": [{"Effect": "Deny", "Action": actions, "Resource": "*"}]})
    return (NamedPolicy(name, document),)


def lasting(given: tuple[PolicyInForce, ...]) -> PolicySet:
    return policy_set(given, PolicyType.IDENTITY, DEFAULT_LANGUAGE_OPTIONS, lasting=True)


@pytest.fixture
def turns_at_every_step() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("turns_at_every_step")
def test_policies_made_ready_while_others_are_asked_about_lose_no_statement() -> None:
    warm = lasting(policies("asked about before", *SERVICES))
    assert all(len(warm.of_service(service)) == 1 for service in SERVICES)
    shared = [policies(f"policy {number}", *SERVICES) for number in range(400)]
    lost: list[str] = []
    start = Barrier(4)

    def ask(thread: int) -> None:
        start.wait()
        for number, (policy,) in enumerate(shared):
            # As principals carry the same managed policy, each in a tuple of its own.
            carried = lasting((policy,))
            own = lasting(policies(f"policy {thread} {number}", f"svc{thread}-{number // 8}"))
            asked = SERVICES[number % len(SERVICES)]
            if len(carried.of_service(asked)) != 1:
                lost.append(f"a statement about {asked}")
            if len(own.of_service(f"svc{thread}-{number // 8}")) != 1:
                lost.append("a statement of a policy of its own")

    def guarded(thread: int) -> None:
        try:
            ask(thread)
        except RuntimeError as error:
            lost.append(str(error))

    threads = [Thread(target=guarded, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not lost, lost[:5]


def test_an_action_without_a_service_finds_what_names_it() -> None:
    made = lasting(policies("odd", ""))
    assert len(made.of_service("")) == 1


def test_the_statements_about_an_action_are_found_once_for_all_who_carry_a_policy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    statements = [{"Effect": "Allow", "Action": [f"iam:Get{number}*", "iam:List*"]} for number in range(100)]
    policy = NamedPolicy("p", PolicyDocument.of({"Statement": [{**one, "Resource": "*"} for one in statements]}))
    looked_at = []
    is_about = LayerStatement.is_about
    monkeypatch.setattr(LayerStatement, "is_about", lambda *given: looked_at.append(given) or is_about(*given))
    for _ in range(50):
        carriers = lasting((policy,))
        assert len(list(carriers.about(action_name("iam:ListUsers")))) == 100
    assert len(looked_at) == 100
    assert len(list(carriers.about(action_name("iam:Get7User")))) == 1
    assert len(list(carriers.about(action_name("iam:ListUsers")))) == 100
