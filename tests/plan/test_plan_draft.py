"""Plans as drafts of an account: which edits each type is, what is recovered, and what is named as not compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from iamtui.drafts.edits.base import describe_edits
from iamtui.workspace.gate.plan_draft import PlanDraft, canonical, open_plan, plan_draft
from tests.support.plans import plan_document, plan_of, planned
from tests.support.sample_account import ADMIN_ARN, ID, allow, iam, sample_workspace, trust

READ = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:GetObject")]})
WRITE = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:PutObject")]})
TRUST = trust({"AWS": iam("user/alice")}).text
BUCKET = "arn:aws:s3:::scratch"


def drafted(*changes: dict[str, Any], **more: Any) -> PlanDraft:
    return plan_draft(sample_workspace(), plan_of(*changes, **more))


def edits(*changes: dict[str, Any], **more: Any) -> list[str]:
    found = drafted(*changes, **more)
    return list(describe_edits(found.drafted.draft.edits, found.drafted.base.account))


def policy_of(bucket: str = "scratch") -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{**allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"), "Principal": "*"}],
        }
    )


ROLE = {"name": "job", "path": "/", "assume_role_policy": TRUST}
CASES: list[tuple[dict[str, Any], list[str]]] = [
    (planned("aws_iam_role.x", "create", after=ROLE), ["create role/job"]),
    (
        planned("aws_iam_role.x", "create", after={**ROLE, "permissions_boundary": iam("policy/developer-boundary")}),
        ["create role/job", "set the permissions boundary of role/job to developer-boundary"],
    ),
    (
        planned("aws_iam_role.x", "create", after={**ROLE, "inline_policy": [{"name": "in", "policy": READ}]}),
        ["create role/job", "give role/job the inline policy in"],
    ),
    (
        planned("aws_iam_role.x", "create", after={**ROLE, "managed_policy_arns": [ADMIN_ARN]}),
        ["create role/job", "attach AdministratorAccess (AWS) to role/job"],
    ),
    (
        planned(
            "aws_iam_role.x",
            "update",
            before={"name": "deploy-prod", "assume_role_policy": TRUST},
            after={"name": "deploy-prod", "assume_role_policy": trust({"AWS": "*"}).text},
        ),
        ["replace the trust policy of role/deploy-prod"],
    ),
    (
        planned("aws_iam_role.x", "delete", before={"name": "deploy-prod", "assume_role_policy": TRUST}),
        ["delete role/deploy-prod"],
    ),
    (
        planned("aws_iam_policy.x", "create", after={"name": "p", "path": "/a/", "policy": READ}),
        ["create the policy p"],
    ),
    (
        planned(
            "aws_iam_policy.x",
            "update",
            before={"name": "developer-boundary", "policy": READ},
            after={"name": "developer-boundary", "policy": WRITE},
        ),
        ["give the policy developer-boundary a new default version"],
    ),
    (
        planned("aws_iam_user_policy.x", "create", after={"user": "carol", "name": "in", "policy": READ}),
        ["give user/carol the inline policy in"],
    ),
    (
        planned("aws_iam_user_policy.x", "delete", before={"user": "bob", "name": "scratch-bucket", "policy": READ}),
        ["delete the inline policy scratch-bucket of user/bob"],
    ),
    (
        planned("aws_iam_group_policy_attachment.x", "create", after={"group": "auditors", "policy_arn": ADMIN_ARN}),
        ["attach AdministratorAccess (AWS) to group/auditors"],
    ),
    (
        planned("aws_iam_group_policy_attachment.x", "delete", before={"group": "admins", "policy_arn": ADMIN_ARN}),
        ["detach AdministratorAccess (AWS) from group/admins"],
    ),
    (
        planned(
            "aws_iam_policy_attachment.x",
            "create",
            after={"name": "all", "policy_arn": ADMIN_ARN, "users": ["carol"], "groups": ["auditors"], "roles": []},
        ),
        ["attach AdministratorAccess (AWS) to user/carol", "attach AdministratorAccess (AWS) to group/auditors"],
    ),
    (
        planned("aws_iam_group_membership.x", "create", after={"name": "m", "group": "admins", "users": ["carol"]}),
        ["add user/carol to group/admins"],
    ),
    (
        planned(
            "aws_iam_user_group_membership.x",
            "update",
            before={"user": "alice", "groups": ["admins", "analysts"]},
            after={"user": "alice", "groups": ["analysts"]},
        ),
        ["remove user/alice from group/admins"],
    ),
    (
        planned("aws_iam_user_policies_exclusive.x", "create", after={"user_name": "bob", "policy_names": []}),
        ["delete the inline policy scratch-bucket of user/bob"],
    ),
    (
        planned(
            "aws_iam_group_policy_attachments_exclusive.x",
            "create",
            after={"group_name": "admins", "policy_arns": []},
        ),
        ["detach AdministratorAccess (AWS) from group/admins"],
    ),
    (
        planned("aws_s3_bucket_policy.x", "create", after={"bucket": "scratch", "policy": policy_of()}),
        [f"set the policy of {BUCKET}"],
    ),
    (
        planned(
            "aws_sqs_queue_policy.x",
            "create",
            after={"queue_url": f"https://sqs.eu-west-1.amazonaws.com/{ID}/jobs", "policy": policy_of()},
        ),
        [f"set the policy of arn:aws:sqs:eu-west-1:{ID}:jobs"],
    ),
    (
        planned("aws_ecr_repository_policy.x", "create", after={"repository": "app", "policy": policy_of()}),
        [f"set the policy of arn:aws:ecr:eu-west-1:{ID}:repository/app"],
    ),
    (
        planned("aws_sns_topic.x", "create", after={"name": "news", "policy": policy_of()}, unknown={"arn": True}),
        [f"set the policy of arn:aws:sns:eu-west-1:{ID}:news"],
    ),
    (planned("aws_sns_topic.x", "create", after={"name": "news"}, unknown={"arn": True, "policy": True}), []),
    (planned("aws_instance.x", "create", after={"ami": "ami-1"}), []),
    (planned("aws_iam_role.x", "no-op", before=ROLE, after=ROLE), []),
    (planned("aws_iam_role.x", "forget", before=ROLE), []),
]


@pytest.mark.parametrize(("change", "words"), CASES, ids=[f"{one['type']}-{n}" for n, (one, _) in enumerate(CASES)])
def test_each_type_is_edits(change: dict[str, Any], words: list[str]) -> None:
    assert edits(change) == words
    assert drafted(change).not_compared == ()


def test_spaces_and_the_order_of_keys_are_no_change() -> None:
    old = json.dumps({"Statement": [allow("s3:GetObject")], "Version": "2012-10-17"}, indent=4)
    before, after = ({"name": "developer-boundary", "policy": text} for text in (old, READ))
    assert canonical(old) == canonical(READ)
    assert edits(planned("aws_iam_policy.x", "update", before=before, after=after)) == []


def test_a_grant_that_moves_to_another_address_is_no_change() -> None:
    grant = {"group": "admins", "policy_arn": ADMIN_ARN}
    gone = planned("aws_iam_group_policy_attachment.old", "delete", before=grant)
    assert edits(gone, planned("aws_iam_group_policy_attachment.new", "create", after=grant)) == []


ATTACHED = "aws_iam_user_policy_attachment.a"
POLICY = planned(
    "aws_iam_policy.p", "create", after={"name": "p", "path": "/a/", "policy": READ}, unknown={"arn": True, "id": True}
)


def attached_by(references: list[str], *policies: dict[str, Any], index: Any = None) -> PlanDraft:
    change = planned(ATTACHED, "create", after={"user": "carol"}, unknown={"policy_arn": True}, index=index)
    return drafted(*policies, change, references={ATTACHED: {"policy_arn": references}})


def test_an_arn_that_is_not_known_is_taken_from_the_policy_that_the_configuration_names() -> None:
    found = attached_by(["aws_iam_policy.p.arn", "aws_iam_policy.p"], POLICY)
    edit = found.drafted.draft.edits[-1]
    assert edit.touched == {iam("user/carol")}
    assert edit.brought_policy == iam("policy/a/p")
    assert [(one.address, one.attribute, one.value) for one in found.recovered] == [
        (ATTACHED, "policy_arn", iam("policy/a/p"))
    ]
    assert found.not_compared == ()


def instances() -> list[dict[str, Any]]:
    return [
        planned(
            "aws_iam_policy.p",
            "create",
            after={"name": name, "policy": READ},
            unknown={"arn": True},
            index=name,
        )
        for name in ("one", "two")
    ]


@pytest.mark.parametrize(
    ("references", "index"),
    [
        (["aws_iam_policy.p", "each.key"], "two"),
        (['aws_iam_policy.p["two"].arn', 'aws_iam_policy.p["two"]', "aws_iam_policy.p"], None),
    ],
)
def test_of_several_instances_the_one_that_is_named_is_meant(references: list[str], index: Any) -> None:
    found = attached_by(references, *instances(), index=index)
    assert [one.value for one in found.recovered] == [iam("policy/two")]


@pytest.mark.parametrize(
    "references",
    [
        ["var.policy"],
        ["module.other.arn", "module.other"],
        ["local.policy"],
        ["aws_iam_policy.p.arn", "aws_iam_policy.p", "var.admin"],
        ["aws_iam_policy.p.arn", "aws_iam_policy.p", "aws_iam_policy.q.arn", "aws_iam_policy.q"],
        ["aws_iam_policy.p", "each.value.policy", "each.value"],
        ["aws_iam_policy.gone.arn", "aws_iam_policy.gone"],
        ["data.aws_iam_policy.p.arn", "data.aws_iam_policy.p"],
        [],
    ],
)
def test_what_may_be_anything_is_named_as_not_known(references: list[str]) -> None:
    found = attached_by(references, *instances(), index="two")
    assert [one.address for one in found.not_compared] == [f'{ATTACHED}["two"]']
    assert "policy_arn" in found.not_compared[0].reason
    assert found.recovered == ()


def test_an_instance_without_a_name_is_not_taken_for_the_one_that_is_meant() -> None:
    nameless = planned(
        "aws_iam_policy.p", "create", after={"name": "x", "policy": READ}, unknown={"arn": True}, index=""
    )
    assert attached_by(["aws_iam_policy.p.arn", "aws_iam_policy.p"], *instances(), nameless).recovered == ()


def test_a_document_that_is_not_known_leaves_the_rest_of_its_role_as_planned() -> None:
    after = {"name": "deploy-prod", "permissions_boundary": iam("policy/developer-boundary")}
    change = planned(
        "aws_iam_role.x",
        "update",
        before={"name": "deploy-prod", "assume_role_policy": TRUST},
        after=after,
        unknown={"assume_role_policy": True},
    )
    assert edits(change) == ["set the permissions boundary of role/deploy-prod to developer-boundary"]
    assert ["assume_role_policy" in one.reason for one in drafted(change).not_compared] == [True]


def test_members_that_are_not_known_are_not_taken_for_removed() -> None:
    change = planned(
        "aws_iam_group_membership.x",
        "update",
        before={"name": "m", "group": "admins", "users": ["alice"]},
        after={"name": "m", "group": "admins"},
        unknown={"users": True},
    )
    assert edits(change) == []
    assert len(drafted(change).not_compared) == 1


@pytest.mark.parametrize(
    "change",
    [
        planned("aws_lambda_permission.x", "create", after={"function_name": "f", "principal": "*"}),
        planned("aws_ssoadmin_account_assignment.x", "create", after={"principal_id": "x"}),
        planned("aws_organizations_policy.x", "delete", before={"content": "{}"}),
        planned("awscc_iam_group.x", "create", after={"group_name": "g"}),
        planned("aws_cloudformation_stack.x", "create", after={"template_body": "Resources: {}"}),
        planned("null_resource.x", "create", after={}),
        planned(
            "aws_iam_role.x",
            "create",
            after={**ROLE, "inline_policy": [{}]},
            unknown={"inline_policy": [{"policy": True}]},
        ),
        planned("aws_s3_bucket_public_access_block.x", "delete", before={"bucket": "scratch"}),
        planned("aws_vpc_endpoint.x", "update", before={"policy": READ}, after={"policy": WRITE}),
        planned("aws_iam_user.x", "create", after={"name": "eve", "path": "/"}),
        planned("aws_iam_role.x", "delete", "create", before=ROLE, after=ROLE),
        planned(ATTACHED, "create", after={"user": "nobody-here", "policy_arn": ADMIN_ARN}),
        planned(
            "aws_iam_user.x",
            "update",
            before={"name": "carol", "tags_all": {}},
            after={"name": "carol", "tags_all": {"team": "admin"}},
        ),
    ],
    ids=lambda change: change["type"],
)
def test_what_no_edit_says_is_named(change: dict[str, Any]) -> None:
    assert change["address"] in {one.address for one in drafted(change).not_compared}


@pytest.mark.parametrize(
    ("provider", "account"),
    [
        ({"assume_role": [{"role_arn": {"constant_value": "arn:aws:iam::999999999999:role/x"}}]}, "999999999999"),
        ({"assume_role": [{"role_arn": {"references": ["var.role"]}}]}, ""),
        ({"profile": {"constant_value": "other"}}, ""),
        ({"allowed_account_ids": {"constant_value": ["999999999999"]}}, "999999999999"),
    ],
)
def test_changes_of_other_accounts_are_left_out_and_named(provider: dict[str, Any], account: str) -> None:
    change = planned("aws_iam_role.x", "create", after=ROLE)
    found = drafted(change, provider=provider)
    assert found.elsewhere == {account: ("aws_iam_role.x",)}
    assert found.drafted.draft.edits == ()


def test_edits_that_do_not_fit_leave_the_others() -> None:
    gone = planned(ATTACHED, "delete", before={"user": "carol", "policy_arn": ADMIN_ARN})
    found = drafted(gone, planned("aws_iam_role.x", "create", after=ROLE))
    assert found.addresses == ("aws_iam_role.x",)
    assert [one.address for one in found.not_compared] == [ATTACHED]
    assert not found.drafted.problems


def test_what_two_resources_say_differently_is_named() -> None:
    one, two = (
        planned(f"aws_iam_user_policy.{name}", "create", after={"user": "carol", "name": "in", "policy": text})
        for name, text in (("a", READ), ("b", WRITE))
    )
    assert [one.address for one in drafted(one, two).not_compared] == ["aws_iam_user_policy.b"]


def test_what_is_forgotten_stays_beside_what_is_made_in_its_place() -> None:
    grant = {"group": "admins", "policy_arn": ADMIN_ARN}
    other = {"group": "auditors", "policy_arn": ADMIN_ARN}
    change = planned("aws_iam_group_policy_attachment.x", "create", "forget", before=grant, after=other)
    assert edits(change) == ["attach AdministratorAccess (AWS) to group/auditors"]


def test_a_plan_file_is_opened_with_everything_that_its_draft_cannot_speak_for(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    role = planned("aws_iam_role.r", "create", after={"name": "r"})
    document = plan_document(role, action_invocations=[{"address": "action.aws_lambda_invoke.x"}], errored=True)
    path.write_text(json.dumps(document))
    draft, left_out = open_plan(sample_workspace(), path)
    assert draft.name == "plan.json"
    words = "; ".join(left_out)
    assert "what the action action.aws_lambda_invoke.x does" in words
    assert "the plan ended with an error" in words
