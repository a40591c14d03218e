"""Answering inquiries: the matrix, patterns, companions, chains of roles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from iamtui.account.model import Account, InlinePolicy, Role
from iamtui.analysis.inquiry import Inquiry
from iamtui.analysis.question import Question
from iamtui.evaluation.decision import Decision, Outcome, ResourceScope
from iamtui.evaluation.request import Mode
from iamtui.problem import Problem
from iamtui.workspace.principals import resolve_principal
from iamtui.workspace.questions.answers import Answer, Companion, severity, worst_first
from iamtui.workspace.questions.inquiries import MOST_CELLS, InquiryPoll, answer, answer_all, expand_actions
from iamtui.workspace.questions.who_can import everybody
from iamtui.workspace.workspace import SourceInfo, SourceKind, Workspace
from tests.support.sample_account import ID, allow, deny, document, iam, sample_workspace, trust

LAKE = "arn:aws:s3:::data-lake/x"
FUNCTION = f"arn:aws:lambda:us-east-1:{ID}:function:f"


def role(name: str, *statements: dict[str, Any], trusts: Any = None) -> Role:
    return Role(
        name,
        "/",
        iam(f"role/{name}"),
        f"AROA{name.upper():0<16}"[:20],
        None,
        trust=trusts or trust({"Service": "ec2.amazonaws.com"}),
        inline_policies=(InlinePolicy("p", document(*statements)),) if statements else (),
    )


def workspace_of(*roles: Role, region: str = "us-east-1") -> Workspace:
    account = Account(id=ID, partition="aws", roles=roles)
    return Workspace(account, SourceInfo(SourceKind.SNAPSHOT, "test", region=region))


def asked(
    workspace: Workspace, who: str, actions: Iterable[str], resources: Iterable[str] = ("*",), **more: Any
) -> Answer:
    terms = more.pop("terms", Question(""))
    inquiry = Inquiry(tuple(actions), tuple(resources), terms, **more)
    found = answer(workspace, resolve_principal(workspace, who), inquiry)
    assert found is not None
    return found


def companion(found: Answer, action: str, resource: str = "") -> Companion:
    (one,) = (
        one for one in found.cells[0].companions if one.question.action == action and resource in one.question.resource
    )
    return one


def test_cells_come_row_by_row_and_the_worst_decides() -> None:
    found = asked(
        sample_workspace(), "role/web-server", ("s3:GetObject", "s3:DeleteObject"), (LAKE, "arn:aws:s3:::b/x")
    )
    assert [(cell.question.action, cell.question.resource) for cell in found.cells] == [
        ("s3:GetObject", LAKE),
        ("s3:GetObject", "arn:aws:s3:::b/x"),
        ("s3:DeleteObject", LAKE),
        ("s3:DeleteObject", "arn:aws:s3:::b/x"),
    ]
    assert found.worst is found.cells[2]
    assert found.worst.deciding.outcome is Outcome.EXPLICIT_DENY
    assert worst_first(found.cells)[0] is found.worst
    assert worst_first(found.cells)[-1] is found.cells[0]


def test_of_allowed_answers_the_one_in_part_is_worse_than_the_one_as_far_as_loaded() -> None:
    found = asked(sample_workspace(), "role/web-server", ("s3:GetObject",), (LAKE, "arn:aws:s3:::*"))
    assert [cell.decision.resource_scope for cell in found.cells] == [ResourceScope.ONE, ResourceScope.SOME]
    assert severity(found.cells[1].deciding) < severity(found.cells[0].deciding)
    assert found.worst is found.cells[1]


def test_a_pattern_is_every_action_that_matches_in_any_letter_case_each_once() -> None:
    workspace = workspace_of(role("r", allow("sqs:*")))
    found = asked(workspace, "role/r", ("SQS:*message*", "sqs:SendMessage", "sqs:deletequeue"))
    names = [cell.question.action for cell in found.cells]
    assert {"sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"} < set(names)
    assert len(names) == len({name.lower() for name in names})
    assert names[-1] == "sqs:deletequeue"
    assert {cell.pattern for cell in found.cells} == {"SQS:*message*", ""}
    assert found.cut == 0


def test_what_is_too_much_is_cut_and_counted_but_never_what_is_written_out() -> None:
    everything, _ = expand_actions(("ec2:*",), 100_000)
    actions, cut = expand_actions(("ec2:*", "s3:GetObject"), 10)
    assert [name for name, _ in actions][-1] == "s3:GetObject"
    assert len(actions) == 10
    assert cut == len(everything) - 9
    poll = InquiryPoll(
        sample_workspace(), Inquiry(("ec2:*",), tuple(f"arn:aws:ec2:::x/{i}" for i in range(10)), Question(""))
    )
    assert len(poll.actions) == MOST_CELLS // 10
    assert poll.cut == len(everything) - len(poll.actions)


def test_an_action_named_by_a_pattern_and_written_out_is_not_counted_as_cut() -> None:
    written = tuple(name for name, _ in expand_actions(("sqs:*",))[0])
    assert expand_actions((*written, "sqs:*"), 1)[1] == 0


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("iam:Paas*", ("iam:Paas* matches no action", "Nearest: iam:PassRole.")),
        ("s33:Get*", ("s33:Get* matches no action", "s3:*")),
        ("*:Get*", ("is no action", "s3:Get*")),
        ("*", ("is no action",)),
        ("arn:aws:s3:::bucket", ("is no action", "looks like an ARN")),
    ],
)
def test_a_pattern_that_matches_nothing_names_the_nearest(pattern: str, parts: tuple[str, ...]) -> None:
    with pytest.raises(Problem) as caught:
        asked(sample_workspace(), "role/web-server", (pattern,))
    for part in parts:
        assert part in str(caught.value)


def test_actions_of_a_pattern_that_are_about_other_resources_take_no_part() -> None:
    workspace = workspace_of(role("r", allow(["s3:*Object*"], "arn:aws:s3:::b/*")))
    found = asked(workspace, "role/r", ("s3:*Object*",), ("arn:aws:s3:::b/x",))
    by_action = {cell.question.action: cell for cell in found.cells}
    assert by_action["s3:GetObject"].fits
    assert not by_action["s3:GetBucketObjectLockConfiguration"].fits
    assert found.worst.deciding.allowed
    assert all(cell.deciding.allowed for cell in found.taking_part)
    buckets = asked(workspace, "role/r", ("s3:*Object*",), ("arn:aws:s3:::b",))
    assert {cell.question.action for cell in buckets.taking_part} >= {"s3:GetBucketObjectLockConfiguration"}
    assert "s3:GetObject" not in {cell.question.action for cell in buckets.taking_part}


def test_an_action_that_is_written_out_and_has_none_of_the_resources_is_answered_with_a_note() -> None:
    found = asked(workspace_of(role("r", allow("s3:*"))), "role/r", ("s3:ListBucket",), ("arn:aws:s3:::b/x",))
    assert found.cells[0].fits
    (note,) = (note for note in found.cells[0].decision.notes if note.startswith("AWS never asks this"))
    assert "arn:aws:s3:::${BucketName}" in note


def test_pairs_of_an_action_with_the_resource_of_another_take_no_part() -> None:
    workspace = workspace_of(role("r", allow("s3:GetObject", "arn:aws:s3:::b/*"), allow("s3:ListBucket")))
    found = asked(workspace, "role/r", ("s3:GetObject", "s3:ListBucket"), ("arn:aws:s3:::b", "arn:aws:s3:::b/x"))
    assert [cell.fits for cell in found.cells] == [False, True, True, False]
    assert found.worst.deciding.allowed
    assert not any("AWS never asks" in note for cell in found.taking_part for note in cell.decision.notes)


def test_a_pattern_of_arns_fits_whatever_it_can_name() -> None:
    workspace = workspace_of(role("r", allow("s3:*")))
    found = asked(workspace, "role/r", ("s3:*Object*",), ("arn:aws:s3:::b*",))
    by_action = {cell.question.action: cell.fits for cell in found.cells}
    assert by_action["s3:GetObject"]
    assert by_action["s3:GetBucketObjectLockConfiguration"]


def test_an_action_without_resource_types_says_that_it_needs_no_resource() -> None:
    found = asked(workspace_of(role("r", allow("ec2:Describe*"))), "role/r", ("ec2:DescribeInstances",), (LAKE,))
    assert any("has no resource type" in note for note in found.cells[0].decision.notes)


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
    assert found.cells[0].decision.allowed
    assert found.worst.deciding.outcome is Outcome.IMPLICIT_DENY
    assert found.worst.deciding.request.resource == f"{arn}:subnet/*"
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


def chained(first: Role, second: Role, **more: Any) -> Answer:
    return asked(
        workspace_of(first, second), f"role/{second.name}", ("s3:GetObject",), (LAKE,), chained_from=first.arn, **more
    )


def test_a_chain_decides_with_the_answer() -> None:
    second = role("second", allow("s3:*"), trusts=trust({"AWS": iam("role/first")}))
    found = chained(role("first"), second)
    assert found.chain is not None
    assert found.chain.question.action == "sts:AssumeRole"
    assert found.chain.question.resource == second.arn
    assert found.chain.decision.request.principal.arn == iam("role/first")
    assert found.chain.decision.allowed
    assert found.worst.deciding.allowed
    stranger = role("second", allow("s3:*"), trusts=trust({"AWS": iam("role/other")}))
    found = chained(role("first"), stranger)
    assert found.cells[0].decision.allowed
    assert found.worst.deciding.outcome is Outcome.IMPLICIT_DENY
    assert found.chain is not None
    assert found.worst.deciding is found.chain.decision


def test_whether_a_chained_session_carries_mfa_is_left_open_and_said() -> None:
    needs_mfa = allow("s3:*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})
    second = role("second", needs_mfa, trusts=trust({"AWS": iam("role/first")}))
    found = chained(role("first"), second)
    assert found.worst.deciding.outcome is Outcome.DEPENDS
    assert any("left unknown" in text for text in found.cells[0].decision.assumptions)
    strict = chained(role("first"), second, terms=Question("", mode=Mode.STRICT))
    assert strict.worst.deciding.outcome is Outcome.IMPLICIT_DENY
    assert any("taken for absent" in text for text in strict.cells[0].decision.assumptions)
    said = chained(role("first"), second, terms=Question("", context={"aws:multifactorauthpresent": ("true",)}))
    assert said.worst.deciding.allowed
    assert not any("role chaining" in text for text in said.cells[0].decision.assumptions)


def test_an_answer_that_rests_on_mfa_of_a_role_session_says_that_aws_is_of_two_minds() -> None:
    needs_mfa = allow("s3:GetObject", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})
    workspace = workspace_of(role("r", needs_mfa, allow("s3:PutObject")))
    terms = Question("", context={"AWS:MultiFactorAuthPresent": ("True",)})
    reads, writes = asked(workspace, "role/r", ("s3:GetObject", "s3:PutObject"), (LAKE,), terms=terms).cells
    assert reads.decision.allowed
    assert any("AWS's pages differ" in note for note in reads.decision.notes)
    assert not any("AWS's pages differ" in note for note in writes.decision.notes)


def test_the_chain_sees_the_environment_and_the_sts_keys_but_not_the_rest_of_the_context() -> None:
    condition = {"StringEquals": {"sts:ExternalId": "x"}, "IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    second = role("second", allow("s3:*"), trusts=trust({"AWS": iam("role/first")}, Condition=condition))
    context = {"sts:ExternalId": ("x",), "aws:SourceIp": ("192.0.2.1",), "s3:prefix": ("p",)}
    found = chained(role("first"), second, terms=Question("", context=context))
    assert found.chain is not None
    assert found.chain.decision.allowed
    assert "s3:prefix" not in found.chain.question.context


def test_a_chain_needs_roles_at_both_ends() -> None:
    with pytest.raises(Problem, match="is no role"):
        asked(sample_workspace(), "user/alice", ("s3:GetObject",), chained_from=iam("role/web-server"))
    with pytest.raises(Problem, match="is no role"):
        asked(sample_workspace(), "role/web-server", ("s3:GetObject",), chained_from=iam("user/alice"))


def test_a_foreign_role_at_the_start_of_a_chain_leaves_the_answer_open() -> None:
    second = role("second", allow("s3:*"), trusts=trust({"AWS": "arn:aws:iam::999999999999:role/partner"}))
    found = asked(
        workspace_of(second),
        "role/second",
        ("s3:GetObject",),
        (LAKE,),
        chained_from="arn:aws:iam::999999999999:role/partner",
    )
    assert found.worst.deciding.outcome is Outcome.DEPENDS


def test_it_stops_between_cells_when_cancelled() -> None:
    workspace = sample_workspace()
    calls = iter([False, False, True])
    inquiry = Inquiry(("sqs:*",), ("*",), Question(""))
    assert answer(workspace, resolve_principal(workspace, "alice"), inquiry, cancelled=lambda: next(calls)) is None
    assert next(calls, None) is None


def test_all_are_answered_in_the_accounts_order_as_one_by_one() -> None:
    workspace = sample_workspace()
    inquiry = Inquiry(("s3:GetObject", "s3:DeleteObject"), (LAKE,), Question(""))
    found = list(answer_all(workspace, inquiry, everybody(workspace, inquiry).principals))
    everyone = (*workspace.account.users, *workspace.account.roles)
    assert [principal.arn for principal, _ in found] == [entity.arn for entity in everyone]
    for principal, one in found:
        alone = answer(workspace, principal, inquiry)
        assert alone is not None
        assert [cell.deciding.outcome for cell in one.cells] == [cell.deciding.outcome for cell in alone.cells]


def test_companions_are_about_the_account_of_the_caller() -> None:
    workspace = workspace_of(role("r", allow("*")))
    foreign = asked(workspace, "arn:aws:iam::999999999999:role/x", ("lambda:CreateFunction",), (FUNCTION,))
    assert companion(foreign, "iam:PassRole").question.resource == "arn:aws:iam::999999999999:role/*"
    own = asked(workspace, "role/r", ("lambda:CreateFunction",), (FUNCTION,))
    assert companion(own, "iam:PassRole").question.resource == f"arn:aws:iam::{ID}:role/*"


def test_an_unknown_action_and_an_empty_inquiry() -> None:
    assert asked(sample_workspace(), "alice", ("nosuch:Thing",)).cells[0].decision.notes
    for actions, resources in (((), ("*",)), (("s3:GetObject",), ()), (("s3:GetObject",), ("x",))):
        with pytest.raises(Problem):
            asked(sample_workspace(), "alice", actions, resources)


def test_what_the_table_says_of_an_action_is_a_note() -> None:
    found = asked(workspace_of(role("r", allow("iam:*"))), "role/r", ("iam:CreateRole",))
    assert any("iam:PermissionsBoundary" in note for note in found.cells[0].decision.notes)


def test_denied_by_policy_beats_a_companion_that_is_only_not_allowed() -> None:
    workspace = workspace_of(role("r", allow("lambda:*"), deny("lambda:CreateFunction")))
    found = asked(workspace, "role/r", ("lambda:CreateFunction",), (FUNCTION,))
    assert found.worst.deciding is found.cells[0].decision
    assert found.worst.deciding.outcome is Outcome.EXPLICIT_DENY


@pytest.mark.parametrize("actions", [("s3:GetObject",), ("s3:*Object",), ("lambda:CreateFunction", "s3:GetObject")])
def test_the_verdict_alone_is_that_of_the_answer(actions: tuple[str, ...]) -> None:
    workspace = sample_workspace()
    inquiry = Inquiry(actions, (LAKE,), Question(""))
    poll = InquiryPoll(workspace, inquiry)
    for principal, found in answer_all(
        workspace, inquiry, everybody(workspace, inquiry).principals, only_deciding=True
    ):
        alone = poll.decide(principal)
        assert alone is not None
        assert severity(alone) == severity(found.worst.deciding)
        assert all(one.decides for cell in found.cells for one in cell.companions)
    chain = Inquiry(actions, (LAKE,), Question(""), iam("role/deploy-prod"))
    for principal, found in answer_all(workspace, chain, everybody(workspace, chain).principals):
        alone = InquiryPoll(workspace, chain).decide(principal)
        assert alone is not None
        assert severity(alone) == severity(found.worst.deciding)
    assert poll.decide(resolve_principal(workspace, "alice"), cancelled=lambda: True) is None


SMALL_ONLY = {"StringEquals": {"ec2:InstanceType": "t3.micro"}}


def test_a_key_of_the_instance_is_absent_where_the_image_is_checked() -> None:
    workspace = workspace_of(role("r", {**allow("ec2:RunInstances"), "Condition": SMALL_ONLY}))
    image, instance = "arn:aws:ec2:us-east-1::image/ami-1", f"arn:aws:ec2:us-east-1:{ID}:instance/*"
    given = Question("", context={"ec2:InstanceType": ("t3.micro",)})
    for terms, of_instance in ((Question(""), Outcome.DEPENDS), (given, Outcome.ALLOWED)):
        found = asked(workspace, "role/r", ("ec2:RunInstances",), (image,), terms=terms)
        assert found.cells[0].decision.outcome is Outcome.IMPLICIT_DENY
        found = asked(workspace, "role/r", ("ec2:RunInstances",), (instance,), terms=terms)
        assert found.cells[0].decision.outcome is of_instance
        assert found.worst.deciding.outcome is Outcome.IMPLICIT_DENY, "an instance cannot be run without an image"
    dropped = asked(workspace, "role/r", ("ec2:RunInstances",), (image,), terms=given).cells[0].decision
    assert "ec2:InstanceType is absent: AWS checks this resource without it" in dropped.assumptions


def test_a_key_that_no_resource_of_the_action_has_is_left_as_it_is() -> None:
    bound = {"StringEquals": {"aws:SourceVpc": "vpc-1"}}
    workspace = workspace_of(role("r", {**allow("ec2:RunInstances"), "Condition": bound}))
    found = asked(workspace, "role/r", ("ec2:RunInstances",), ("arn:aws:ec2:us-east-1::image/ami-1",))
    assert found.cells[0].decision.outcome is Outcome.DEPENDS


def test_a_pattern_of_one_kind_of_ec2_resource_is_not_met_by_an_entry_about_another() -> None:
    images = "arn:aws:ec2:*::image/*"
    workspace = workspace_of(role("r", allow("ec2:RunInstances", images)))
    subnets = asked(workspace, "role/r", ("ec2:RunInstances",), (f"arn:aws:ec2:*:{ID}:subnet/*",))
    assert subnets.cells[0].decision.outcome is Outcome.IMPLICIT_DENY
    assert asked(workspace, "role/r", ("ec2:RunInstances",), (images,)).cells[0].decision.allowed


@pytest.mark.parametrize("who", ["anonymous", "cloudfront.amazonaws.com"])
def test_companions_of_a_caller_without_an_account_are_about_this_accounts_partition(who: str) -> None:
    found = asked(sample_workspace(), who, ("s3:GetObject",), ("arn:aws:s3:::data-lake/x",))
    assert all(one.question.resource.startswith("arn:aws:") for one in found.cells[0].companions)


def test_a_grant_on_what_the_action_is_never_about_is_said_to_allow_nothing() -> None:
    bucket, objects = "arn:aws:s3:::b", "arn:aws:s3:::b/*"
    workspace = workspace_of(
        role("mistaken", allow("s3:GetObject", bucket)),
        role("right", allow("s3:GetObject", [bucket, objects])),
        role("all", allow("s3:*", "*")),
    )
    for name, said in (("mistaken", True), ("right", False), ("all", False)):
        (cell,) = asked(workspace, f"role/{name}", ["s3:GetObject"]).cells
        assert cell.decision.outcome is Outcome.ALLOWED
        assert cell.never_asked.startswith(f"AWS never asks what is allowed here, on {bucket}: s3:GetObject") is said
        assert bool(cell.never_asked) is said
        assert (cell.never_asked in cell.decision.notes) is said
    (cell,) = asked(workspace, "role/mistaken", ["s3:ListBucket"]).cells
    assert not cell.never_asked


@pytest.mark.parametrize(
    ("actions", "resources", "ever"),
    [
        (["s3:GetObjct"], ["*"], False),
        (["s3:GetObject"], ["arn:aws:s3:::b"], False),
        (["s3:GetObject", "ec2:RunInstances"], [LAKE], True),
        (["s3:GetObject"], ["*"], True),
    ],
)
def test_a_question_is_asked_by_aws_where_one_of_its_pairs_is(
    actions: list[str], resources: list[str], ever: bool
) -> None:
    workspace = workspace_of(role("mistaken", allow("s3:GetObject", "arn:aws:s3:::b")))
    assert asked(workspace, "role/mistaken", actions, resources).is_ever_asked is ever
