"""Answering question matrices: the matrix, patterns, and what AWS never asks."""

from __future__ import annotations

from typing import Any

import pytest

from iamtui.account.model import Role
from iamtui.engine.decision import Outcome, ResourceScope, severity
from iamtui.engine.request import Mode
from iamtui.problem import Problem
from iamtui.questions.answers import Answer, worst_first
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.workspace.ask.answers import MOST_CELLS, BulkMatrixEvaluator, answer, answer_all, expand_actions
from iamtui.workspace.ask.who_can import everybody
from iamtui.workspace.source.principals import resolve_principal
from tests.support.question_matrices import LAKE, asked, role, workspace_of
from tests.support.sample_account import ID, allow, iam, sample_workspace, trust


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
    poll = BulkMatrixEvaluator(
        sample_workspace(), QuestionMatrix(("ec2:*",), tuple(f"arn:aws:ec2:::x/{i}" for i in range(10)), Question(""))
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
        ("*:Get*", ("is not an action", "s3:Get*")),
        ("*", ("is not an action",)),
        ("arn:aws:s3:::bucket", ("is not an action", "looks like an ARN")),
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
    with pytest.raises(Problem, match="is not a role"):
        asked(sample_workspace(), "user/alice", ("s3:GetObject",), chained_from=iam("role/web-server"))
    with pytest.raises(Problem, match="is not a role"):
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
    question_matrix = QuestionMatrix(("sqs:*",), ("*",), Question(""))
    assert (
        answer(workspace, resolve_principal(workspace, "alice"), question_matrix, cancelled=lambda: next(calls)) is None
    )
    assert next(calls, None) is None


def test_all_are_answered_in_the_accounts_order_as_one_by_one() -> None:
    workspace = sample_workspace()
    question_matrix = QuestionMatrix(("s3:GetObject", "s3:DeleteObject"), (LAKE,), Question(""))
    found = list(answer_all(workspace, question_matrix, everybody(workspace, question_matrix).principals))
    everyone = (*workspace.account.users, *workspace.account.roles)
    assert [principal.arn for principal, _ in found] == [entity.arn for entity in everyone]
    for principal, one in found:
        alone = answer(workspace, principal, question_matrix)
        assert alone is not None
        assert [cell.deciding.outcome for cell in one.cells] == [cell.deciding.outcome for cell in alone.cells]


def test_an_unknown_action_and_an_empty_matrix() -> None:
    assert asked(sample_workspace(), "alice", ("nosuch:Thing",)).cells[0].decision.notes
    for actions, resources in (((), ("*",)), (("s3:GetObject",), ()), (("s3:GetObject",), ("x",))):
        with pytest.raises(Problem):
            asked(sample_workspace(), "alice", actions, resources)


def test_what_the_table_says_of_an_action_is_a_note() -> None:
    found = asked(workspace_of(role("r", allow("iam:*"))), "role/r", ("iam:CreateRole",))
    assert any("iam:PermissionsBoundary" in note for note in found.cells[0].decision.notes)


@pytest.mark.parametrize("actions", [("s3:GetObject",), ("s3:*Object",), ("lambda:CreateFunction", "s3:GetObject")])
def test_the_verdict_alone_is_that_of_the_answer(actions: tuple[str, ...]) -> None:
    workspace = sample_workspace()
    question_matrix = QuestionMatrix(actions, (LAKE,), Question(""))
    poll = BulkMatrixEvaluator(workspace, question_matrix)
    for principal, found in answer_all(
        workspace, question_matrix, everybody(workspace, question_matrix).principals, only_deciding=True
    ):
        alone = poll.decide(principal)
        assert severity(alone) == severity(found.worst.deciding)
        assert all(one.decides for cell in found.cells for one in cell.companions)
    chain = QuestionMatrix(actions, (LAKE,), Question(""), iam("role/deploy-prod"))
    for principal, found in answer_all(workspace, chain, everybody(workspace, chain).principals):
        alone = BulkMatrixEvaluator(workspace, chain).decide(principal)
        assert severity(alone) == severity(found.worst.deciding)


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


def test_a_grant_on_what_the_action_is_never_about_allows_nothing() -> None:
    bucket, objects = "arn:aws:s3:::b", "arn:aws:s3:::b/*"
    workspace = workspace_of(
        role("mistaken", allow("s3:GetObject", bucket)),
        role("right", allow("s3:GetObject", [bucket, objects])),
        role("all", allow("s3:*", "*")),
    )
    for name, example in (("mistaken", None), ("right", "arn:aws:s3:::b/x"), ("all", "arn:aws:s3:::example/x")):
        (cell,) = asked(workspace, f"role/{name}", ["s3:GetObject"]).cells
        assert cell.decision.allowed is (example is not None)
        assert cell.decision.example_resource == example
        assert not cell.never_asked


def test_in_a_matrix_a_pair_that_aws_never_asks_is_not_counted() -> None:
    workspace = workspace_of(role("r", allow("s3:GetObject", "arn:aws:s3:::b/*")))
    actions = ("s3:GetObject", "ecs:UpdateService", "s3:GetObjct")
    found = asked(workspace, "role/r", actions, ("arn:aws:s3:::b/k",))
    assert [bool(cell.never_asked) for cell in found.cells] == [False, True, True]
    assert found.worst is found.cells[0]
    assert found.worst.deciding.allowed
    assert found.taking_part == found.counted == found.cells[:1]
    assert len(found.never_asked) == 2
    decided = BulkMatrixEvaluator(workspace, found.question_matrix).decide(found.principal)
    assert decided is not None
    assert decided.allowed
    nothing = asked(workspace, "role/r", actions[1:], ("arn:aws:s3:::b/k",))
    assert nothing.counted == ()
    assert len(nothing.never_asked) == 2
    single = asked(workspace, "role/r", actions[1:2], ("arn:aws:s3:::b/k",))
    assert single.counted == single.cells


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
