"""The other requests behind a call, answered with it."""

from __future__ import annotations

import pytest

from iamtui.engine.decision import Decision, Outcome, ResourceScope
from iamtui.problem import Problem
from iamtui.questions.question import Question
from tests.support.question_matrices import LAKE, asked, companion, role, workspace_of
from tests.support.sample_account import ID, allow, deny, iam, sample_workspace

FUNCTION = f"arn:aws:lambda:us-east-1:{ID}:function:f"


def test_a_companion_of_every_call_decides() -> None:
    without = workspace_of(role("r", allow("lambda:CreateFunction")))
    found = asked(without, "role/r", ("lambda:CreateFunction",), (FUNCTION,))
    assert found.cells[0].decision.allowed
    passed = companion(found, "iam:PassRole")
    assert passed.decides
    assert passed.question.resource == f"arn:aws:iam::{ID}:role/*"
    assert found.worst.deciding is passed.decision
    assert found.worst.deciding.outcome is Outcome.IMPLICIT_DENY


def test_a_role_is_passed_to_the_service_of_the_call() -> None:
    def may_pass_to(service: str) -> Decision:
        condition = {"StringEquals": {"iam:PassedToService": service}}
        workspace = workspace_of(role("r", allow("lambda:*"), allow("iam:PassRole", "*", Condition=condition)))
        return companion(asked(workspace, "role/r", ("lambda:CreateFunction",), (FUNCTION,)), "iam:PassRole").decision

    assert may_pass_to("lambda.amazonaws.com").allowed
    assert may_pass_to("ec2.amazonaws.com").outcome is Outcome.IMPLICIT_DENY


def test_a_passed_role_that_nobody_named_is_allowed_on_some_only() -> None:
    workspace = workspace_of(role("r", allow("lambda:*"), allow("iam:PassRole", iam("role/app-*"))))
    found = asked(workspace, "role/r", ("lambda:CreateFunction",), (FUNCTION,))
    assert found.worst.deciding.resource_scope is ResourceScope.SOME
    named = {"iam:PassRole": (iam("role/app-1"),)}
    found = asked(workspace, "role/r", ("lambda:CreateFunction",), (FUNCTION,), with_checks=named)
    assert found.worst.deciding.resource_scope is ResourceScope.ONE
    assert found.worst.deciding.allowed
    named = {"IAM:passrole": (iam("role/app-1"), iam("role/other"))}
    found = asked(workspace, "role/r", ("lambda:CreateFunction",), (FUNCTION,), with_checks=named)
    assert [one.question.resource for one in found.cells[0].companions[:2]] == [iam("role/app-1"), iam("role/other")]
    assert found.worst.deciding.outcome is Outcome.IMPLICIT_DENY


def test_a_conditional_companion_is_answered_and_does_not_decide_unless_it_is_named() -> None:
    workspace = workspace_of(role("r", allow("s3:GetObject")))
    found = asked(workspace, "role/r", ("s3:GetObject",), (LAKE,))
    decrypt = companion(found, "kms:Decrypt")
    assert not decrypt.decides
    assert decrypt.check.when
    assert not decrypt.decision.allowed
    assert found.worst.deciding is found.cells[0].decision
    found = asked(workspace, "role/r", ("s3:GetObject",), (LAKE,), with_checks={"kms:Decrypt": ()})
    assert companion(found, "kms:Decrypt").decides
    assert found.worst.deciding.outcome is Outcome.IMPLICIT_DENY


def test_what_is_no_companion_of_the_call_is_refused() -> None:
    with pytest.raises(Problem, match=r"kms:Encrypt is not checked with any call .* kms:Decrypt"):
        asked(sample_workspace(), "role/web-server", ("s3:GetObject",), (LAKE,), with_checks={"kms:Encrypt": ()})


def test_a_companion_that_comes_through_another_service_carries_what_a_forwarded_request_does() -> None:
    key = f"arn:aws:kms:eu-west-1:{ID}:key/1"
    terms = Question("", context={"aws:SourceVpce": ("vpce-0a1b2c3d",), "aws:SourceIp": ("192.0.2.1",)})
    found = asked(
        workspace_of(role("r", allow("*"))),
        "role/r",
        ("s3:GetObject",),
        (LAKE,),
        terms=terms,
        with_checks={"kms:Decrypt": (key,)},
    )
    context = companion(found, "kms:Decrypt").question.context
    assert context["kms:ViaService"] == ("s3.eu-west-1.amazonaws.com",)
    assert context["aws:ViaAWSService"] == ("true",)
    assert context["aws:SourceVpce"] == ()
    assert context["aws:SourceIp"] == ("192.0.2.1",)
    assert found.cells[0].question.context["aws:SourceVpce"] == ("vpce-0a1b2c3d",)


def test_without_a_key_the_region_of_the_forwarding_service_stays_unknown() -> None:
    found = asked(workspace_of(role("r", allow("*")), region=""), "role/r", ("s3:GetObject",), (LAKE,))
    assert "kms:ViaService" not in companion(found, "kms:Decrypt").question.context


def test_run_instances_is_answered_for_each_type_of_resource_by_itself() -> None:
    arn = f"arn:aws:ec2:us-east-1:{ID}"
    launch = [f"{arn}:instance/*", "arn:aws:ec2:us-east-1::image/*", f"{arn}:network-interface/*"]
    workspace = workspace_of(role("r", allow("ec2:RunInstances", [*launch, f"{arn}:security-group/*"])))
    found = asked(workspace, "role/r", ("ec2:RunInstances",))
    assert found.worst.deciding.outcome is Outcome.IMPLICIT_DENY
    assert companion(found, "ec2:RunInstances", "instance").decision.allowed
    subnet = companion(found, "ec2:RunInstances", "subnet")
    assert subnet.question.resource == f"{arn}:subnet/*"
    assert subnet.decision.outcome is Outcome.IMPLICIT_DENY
    assert not companion(found, "ec2:RunInstances", "volume").decides
    one = asked(workspace, "role/r", ("ec2:RunInstances",), (f"{arn}:instance/*",))
    types = [c.question.resource for c in one.cells[0].companions if c.question.action == "ec2:RunInstances"]
    assert not any(":instance/" in resource for resource in types)


def test_of_several_checks_of_one_action_a_named_resource_is_for_the_one_of_its_type() -> None:
    arn = f"arn:aws:ec2:us-east-1:{ID}"
    workspace = workspace_of(role("r", allow("ec2:RunInstances"), deny("ec2:RunInstances", f"{arn}:subnet/subnet-2")))
    named = {"ec2:RunInstances": (f"{arn}:subnet/subnet-1", f"{arn}:volume/*")}
    found = asked(workspace, "role/r", ("ec2:RunInstances",), with_checks=named)
    assert companion(found, "ec2:RunInstances", "subnet").question.resource.endswith("subnet-1")
    assert companion(found, "ec2:RunInstances", "volume").decides
    assert not companion(found, "ec2:RunInstances", "key-pair").decides
    assert companion(found, "ec2:RunInstances", "instance").decides
    assert found.worst.deciding.allowed
    named = {"ec2:RunInstances": (f"{arn}:subnet/subnet-2",)}
    found = asked(workspace, "role/r", ("ec2:RunInstances",), (f"{arn}:subnet/*",), with_checks=named)
    assert found.worst.deciding.outcome is Outcome.EXPLICIT_DENY
    with pytest.raises(Problem, match=r"not checked on .*:vpc/1\. It is checked on: the instance, the image"):
        asked(workspace, "role/r", ("ec2:RunInstances",), with_checks={"ec2:RunInstances": (f"{arn}:vpc/1",)})


def test_a_call_without_an_action_of_its_name_is_answered_as_what_it_is_authorized_as() -> None:
    workspace = workspace_of(role("r", allow("s3:PutObject", "arn:aws:s3:::to/*"), allow("s3:GetObject", LAKE)))
    found = asked(
        workspace, "role/r", ("s3:CopyObject",), ("arn:aws:s3:::to/x",), with_checks={"s3:GetObject": (LAKE,)}
    )
    assert found.cells[0].question.action == "s3:PutObject"
    assert found.cells[0].pattern == "s3:CopyObject"
    assert found.worst.deciding.allowed
    other = {"s3:GetObject": ("arn:aws:s3:::other/x",)}
    found = asked(workspace, "role/r", ("s3:CopyObject",), ("arn:aws:s3:::to/x",), with_checks=other)
    assert found.worst.deciding.outcome is Outcome.IMPLICIT_DENY
    assert asked(workspace, "role/r", ("s3:HeadObject",), (LAKE,)).worst.deciding.allowed


def test_the_bucket_of_a_companion_is_that_of_the_object() -> None:
    found = asked(sample_workspace(), "role/web-server", ("s3:GetObject",), (LAKE,))
    assert companion(found, "s3:ListBucket").question.resource == "arn:aws:s3:::data-lake"


def test_companions_are_about_the_account_of_the_caller() -> None:
    workspace = workspace_of(role("r", allow("*")))
    foreign = asked(workspace, "arn:aws:iam::999999999999:role/x", ("lambda:CreateFunction",), (FUNCTION,))
    assert companion(foreign, "iam:PassRole").question.resource == "arn:aws:iam::999999999999:role/*"
    own = asked(workspace, "role/r", ("lambda:CreateFunction",), (FUNCTION,))
    assert companion(own, "iam:PassRole").question.resource == f"arn:aws:iam::{ID}:role/*"


def test_denied_by_policy_beats_a_companion_that_is_only_not_allowed() -> None:
    workspace = workspace_of(role("r", allow("lambda:*"), deny("lambda:CreateFunction")))
    found = asked(workspace, "role/r", ("lambda:CreateFunction",), (FUNCTION,))
    assert found.worst.deciding is found.cells[0].decision
    assert found.worst.deciding.outcome is Outcome.EXPLICIT_DENY


@pytest.mark.parametrize("who", ["anonymous", "cloudfront.amazonaws.com"])
def test_companions_of_a_caller_without_an_account_are_about_this_accounts_partition(who: str) -> None:
    found = asked(sample_workspace(), who, ("s3:GetObject",), ("arn:aws:s3:::data-lake/x",))
    assert all(one.question.resource.startswith("arn:aws:") for one in found.cells[0].companions)


def test_a_function_url_needs_the_call_of_the_function_too() -> None:
    url = allow("lambda:InvokeFunctionUrl")
    found = asked(workspace_of(role("r", url)), "role/r", ("lambda:InvokeFunctionUrl",), (FUNCTION,))
    assert found.cells[0].decision.allowed
    assert any("needs lambda:InvokeFunction too" in note for note in found.cells[0].decision.notes)
    besides = companion(found, "lambda:InvokeFunction")
    assert besides.decides
    assert besides.question.context["lambda:InvokedViaFunctionUrl"] == ("true",)
    assert found.worst.deciding.outcome is Outcome.IMPLICIT_DENY
    through_url = {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}
    both = workspace_of(role("r", url, allow("lambda:InvokeFunction", Condition=through_url)))
    assert asked(both, "role/r", ("lambda:InvokeFunctionUrl",), (FUNCTION,)).worst.deciding.allowed
