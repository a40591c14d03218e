"""Questions about sets in an account, which knows its roles and the policies of some resources."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from iamtui.account.model import Account, ResourcePolicy, Role
from iamtui.engine.decision import Decision, Outcome, ResourceScope
from iamtui.engine.evaluator import evaluate
from iamtui.engine.request import Principal, PrincipalKind
from iamtui.engine.words.trace import trace
from iamtui.policy.document import PolicyDocument
from iamtui.questions.account_index import account_index
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question
from tests.support.question_matrices import role
from tests.support.sample_account import ID, allow, document, iam, trust

KEY = f"arn:aws:kms:eu-west-1:{ID}:key"
CALLER = Principal(PrincipalKind.ROLE, iam("role/caller"), account=ID, role_arn=iam("role/caller"))


def account(*others: Role, own: tuple[dict[str, Any], ...] = (), **policies: PolicyDocument) -> Account:
    named = {name.replace("__", "/"): ResourcePolicy("present", found) for name, found in policies.items()}
    return Account(id=ID, roles=(role("caller", *own), *others), resource_policies=named)


def ask(account: Account, action: str, resource: str = "*", **more: Any) -> Decision:
    """The decision, found in every way that there is."""
    question = Question(action, resource, region="eu-west-1", **more)
    asker = QuestionEvaluator(account, question)
    decision, whole = asker.decide(CALLER), asker.decide(CALLER, read_whole=True)
    assert (decision.outcome, decision.complete) == (whole.outcome, whole.complete)
    account_index(account)
    for_many = QuestionEvaluator(account, question)
    for_many.outcomes()
    among_many = for_many.decide(CALLER)
    assert (among_many.outcome, among_many.complete) == (whole.outcome, whole.complete)
    request, policies = asker.request_and_policies(CALLER)
    assert evaluate(request, policies).outcome is whole.outcome
    assert trace(request, policies)
    assert decision.example_resource == whole.example_resource
    if decision.example_resource is not None and not any("lets the caller in" in said for said in whole.assumptions):
        alone = QuestionEvaluator(account, replace(question, resource=decision.example_resource)).decide(CALLER)
        assert alone.allowed
    return decision


def test_a_role_is_assumed_only_where_its_trust_policy_lets_the_caller_in() -> None:
    every = allow("sts:AssumeRole")
    other, root = trust({"AWS": iam("user/other")}), trust({"AWS": iam("root")})
    assert ask(account(role("a", trusts=other), own=(every,)), "sts:AssumeRole").outcome is Outcome.IMPLICIT_DENY
    found = ask(account(role("a", trusts=other), role("b", trusts=root), own=(every,)), "sts:AssumeRole")
    assert found.allowed
    assert found.example_resource == iam("role/b")
    assert found.resource_scope is ResourceScope.SOME
    assert found.allowed_resources == (iam("role/b"),)
    assert not any("lets the caller in" in said for said in found.assumptions)


def test_a_role_that_names_the_caller_lets_it_in_without_its_own_policies() -> None:
    found = ask(account(role("a", trusts=trust({"AWS": CALLER.arn}))), "sts:AssumeRole")
    assert found.allowed
    assert found.example_resource == iam("role/a")
    assert not ask(account(role("a", trusts=trust({"AWS": iam("root")}))), "sts:AssumeRole").allowed


def test_a_role_that_is_granted_is_not_the_one_that_trusts() -> None:
    root = trust({"AWS": iam("root")})
    granted = allow("sts:AssumeRole", iam("role/a"))
    roles = (role("a"), role("b", trusts=root))
    assert not ask(account(*roles, own=(granted,)), "sts:AssumeRole").allowed
    assert not ask(account(*roles, own=(granted,)), "sts:AssumeRole", iam("role/*")).allowed
    assert ask(account(*roles, own=(allow("sts:AssumeRole", iam("role/b*")),)), "sts:AssumeRole").allowed


def test_what_a_trust_policy_waits_for_is_what_the_answer_depends_on() -> None:
    condition = {"StringEquals": {"sts:ExternalId": "x"}}
    found = ask(account(role("a", trusts=trust({"AWS": CALLER.arn}, Condition=condition))), "sts:AssumeRole")
    assert found.outcome is Outcome.DEPENDS
    assert "sts:ExternalId" in found.missing_context
    assert found.example_resource is None


def test_roles_of_another_account_are_not_known() -> None:
    granted = allow("sts:AssumeRole")
    found = ask(account(own=(granted,)), "sts:AssumeRole", "arn:aws:iam::999999999999:role/*")
    assert not found.allowed


def test_a_key_whose_policy_is_loaded_comes_before_one_that_is_taken_to_let_the_caller_in() -> None:
    named = trust({"AWS": CALLER.arn}, "kms:*", Resource="*")
    others = trust({"AWS": iam("user/other")}, "kms:*", Resource="*")
    found = ask(account(**{f"{KEY}/a": others, f"{KEY}/b": named}), "kms:Decrypt")
    assert found.allowed
    assert found.example_resource == f"{KEY}/b"
    assert found.allowed_resources == (f"{KEY}/b",)
    assert not ask(account(**{f"{KEY}/a": others}), "kms:Decrypt").allowed
    taken = ask(account(own=(allow("kms:*"),), **{f"{KEY}/a": others}), "kms:Decrypt")
    assert taken.allowed
    assert taken.example_resource == f"{KEY}/x"
    assert any("lets the caller in" in said for said in taken.assumptions)


def test_a_key_that_alone_is_granted_and_lets_nobody_in_is_not_allowed() -> None:
    others = trust({"AWS": iam("user/other")}, "kms:*", Resource="*")
    granted = account(own=(allow("kms:*", f"{KEY}/a"),), **{f"{KEY}/a": others})
    assert ask(granted, "kms:Decrypt", f"{KEY}/*").outcome is Outcome.IMPLICIT_DENY


@pytest.mark.parametrize("denied", [True, False])
def test_the_policy_of_a_bucket_is_asked_where_it_is_loaded(denied: bool) -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"}
    policy = document({**deny, "Action": "s3:*" if denied else "s3:Put*"})
    found = ask(account(own=(allow("s3:GetObject", "arn:aws:s3:::b/*"),), **{"arn:aws:s3:::b": policy}), "s3:GetObject")
    assert found.allowed is not denied
    assert found.example_resource == (None if denied else "arn:aws:s3:::b/x")


def test_a_queue_in_another_region_is_asked_about_in_its_region() -> None:
    away = f"arn:aws:sqs:us-east-1:{ID}:q"
    here = f"arn:aws:sqs:eu-west-1:{ID}:q"
    only = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
    assert not ask(account(own=(allow("sqs:*", away, Condition=only),)), "sqs:SendMessage").allowed
    found = ask(account(own=(allow("sqs:*", [away, here], Condition=only),)), "sqs:SendMessage")
    assert found.example_resource == here


def test_the_objects_of_one_bucket_are_under_its_policy_without_a_look_at_each(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = "arn:aws:s3:::lake"
    denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"{bucket}/private/*"}
    known = Account(
        id=ID,
        roles=(role("caller", allow("s3:GetObject")),),
        resource_policies={bucket: ResourcePolicy("present", document(denied))},
    )

    def look(self: QuestionEvaluator, text: str) -> QuestionEvaluator:
        raise AssertionError(f"the account was asked about {text}")

    monkeypatch.setattr(QuestionEvaluator, "about", look)
    found = ask(known, "s3:GetObject", f"{bucket}/*")
    private = ask(known, "s3:GetObject", f"{bucket}/private/*")
    assert (found.allowed, found.resource_scope) == (True, ResourceScope.SOME)
    assert found.denied_resources == (f"{bucket}/private/*",)
    assert private.outcome is Outcome.EXPLICIT_DENY
    # Buckets that a pattern matches have policies of their own.
    with pytest.raises(AssertionError, match="the account was asked about"):
        ask(known, "s3:GetObject", "arn:aws:s3:::lak*/private/x")
