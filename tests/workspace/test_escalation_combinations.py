"""Escalations whose steps change the account: each is found where it works, and not called certain where it cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from iamtui.account.model import (
    Account,
    AttachedPolicy,
    Group,
    InlinePolicy,
    InstanceProfile,
    Known,
    ManagedPolicy,
    PolicyVersion,
    Role,
    User,
)
from iamtui.workspace.review.escalation_steps import Escalation
from iamtui.workspace.review.escalations import find_escalations
from tests.support.sample_account import (
    ADMIN_ARN,
    ADMINISTRATOR,
    ID,
    allow,
    deny,
    document,
    iam,
    sample_workspace,
    trust,
)

ADMIN = (AttachedPolicy("AdministratorAccess", ADMIN_ARN),)
ME = iam("user/me")
NOBODY = trust({"Service": "config.amazonaws.com"})
FACTS: dict[str, Any] = {"access_keys": Known(()), "login_profile": Known(None), "mfa_devices": Known(())}


def user(name: str, *statements: dict[str, Any], **more: Any) -> User:
    inline = (InlinePolicy("own", document(*statements)),) if statements else ()
    return User(name, "/", iam(f"user/{name}"), f"AIDA{name.upper()}", None, inline_policies=inline, **FACTS, **more)


def role(name: str, trusts: Any = NOBODY, *statements: dict[str, Any], **more: Any) -> Role:
    inline = (InlinePolicy("own", document(*statements)),) if statements else ()
    return Role(name, "/", iam(f"role/{name}"), f"AROA{name.upper()}", None, trusts, inline, **more)


def group(name: str, *statements: dict[str, Any], **more: Any) -> Group:
    inline = (InlinePolicy("own", document(*statements)),) if statements else ()
    return Group(name, "/", iam(f"group/{name}"), f"AGPA{name.upper()}", None, inline, **more)


def policy(name: str, *versions: dict[str, Any]) -> ManagedPolicy:
    """A policy whose last version is in force."""
    every = tuple(
        PolicyVersion(f"v{number}", document(one), is_default=number == len(versions))
        for number, one in enumerate(versions, 1)
    )
    return ManagedPolicy(name, "/", iam(f"policy/{name}"), f"ANPA{name.upper()}", None, every)


def attached(*policies: ManagedPolicy) -> dict[str, Any]:
    return {"attached_policies": tuple(AttachedPolicy(one.name, one.arn) for one in policies)}


def account(*entities: User | Role | Group | ManagedPolicy, profiles: tuple[str, ...] = ()) -> Account:
    def of(kind: type) -> tuple[Any, ...]:
        return tuple(one for one in entities if isinstance(one, kind))

    return Account(
        ID,
        organization=Known(None),
        users=of(User),
        groups=of(Group),
        roles=of(Role),
        policies=(ADMINISTRATOR, *of(ManagedPolicy)),
        instance_profiles=tuple(
            InstanceProfile(name, "/", iam(f"instance-profile/{name}"), "AIPA", None, (name,)) for name in profiles
        ),
    )


def found_for(made: Account, name: str = "me") -> Escalation | None:
    report = find_escalations(sample_workspace().with_account(made))
    return next((one for one in report.escalations if one.principal.name == name), None)


def steps_of(found: Escalation) -> list[str]:
    return [step.action for move in found.moves for step in move.steps]


JOIN = allow("iam:AddUserToGroup", iam("group/*"))
IAM_FULL = allow("iam:*")
BOSS = role("boss", trust({"AWS": f"arn:aws:iam::{ID}:root"}), **attached(ADMINISTRATOR))
OLD = policy("old", allow("*"), allow("s3:ListAllMyBuckets"))
WEAK = policy("weak", allow("s3:ListAllMyBuckets"))
LIMIT = policy("limit", allow(["s3:*", "iam:*"]))
OWN_LIMIT = policy("limit", allow(["s3:*", "iam:DeleteUserPermissionsBoundary"]))
OLD_LIMIT = policy("limit", allow("*"), allow(["s3:*", "iam:SetDefaultPolicyVersion"]))
FULL_LIMIT = policy("limit", *([allow(["s3:*", "iam:CreatePolicyVersion", "iam:DeletePolicyVersion"])] * 5))
FREEING = allow("iam:PutUserPermissionsBoundary", ME)
PASSING = [
    allow("iam:PassRole", iam("role/worker")),
    allow(["lambda:CreateFunction", "lambda:InvokeFunction"], f"arn:aws:lambda:*:{ID}:function:*"),
]
WORKER = role("worker", trust({"Service": "lambda.amazonaws.com"}), allow("s3:ListAllMyBuckets"))

MISSED = {
    "a group with all of IAM": (account(user("me", JOIN), group("keys", IAM_FULL)), ["iam:AddUserToGroup"]),
    "a group with all but something": (
        account(user("me", JOIN), group("most", {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"})),
        ["iam:AddUserToGroup"],
    ),
    "a group that may assume an administrator": (
        account(user("me", JOIN), group("on", allow("sts:AssumeRole", iam("role/boss"))), BOSS),
        ["iam:AddUserToGroup", "sts:AssumeRole"],
    ),
    "two groups together": (
        account(user("me", JOIN), group("a", allow("iam:CreateRole")), group("b", allow("iam:PutRolePolicy"))),
        ["iam:AddUserToGroup", "iam:AddUserToGroup", "iam:CreateRole", "iam:PutRolePolicy", "sts:AssumeRole"],
    ),
    "a new group": (
        account(user("me", allow(["iam:CreateGroup", "iam:PutGroupPolicy", "iam:AddUserToGroup"]))),
        ["iam:CreateGroup", "iam:PutGroupPolicy", "iam:AddUserToGroup"],
    ),
    "a group whose policy can be written": (
        account(user("me", JOIN, allow("iam:CreatePolicyVersion")), group("g", **attached(WEAK)), WEAK),
        ["iam:AddUserToGroup", "iam:CreatePolicyVersion"],
    ),
    "a new role with an inline policy": (
        account(user("me", allow(["iam:CreateRole", "iam:PutRolePolicy"]))),
        ["iam:CreateRole", "iam:PutRolePolicy", "sts:AssumeRole"],
    ),
    "a new role that cannot be assumed but passed": (
        account(
            user(
                "me",
                allow(["iam:CreateRole", "iam:PutRolePolicy", "iam:PassRole"]),
                allow("cloudformation:CreateStack"),
                deny("sts:AssumeRole"),
            )
        ),
        ["iam:CreateRole", "iam:PutRolePolicy", "iam:PassRole", "cloudformation:CreateStack"],
    ),
    "a new role that is passed for certain, and assumed only on a condition": (
        account(
            user(
                "me",
                allow(["iam:CreateRole", "iam:PutRolePolicy", "iam:PassRole"]),
                allow("cloudformation:CreateStack"),
                deny("sts:AssumeRole", Condition={"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}),
            )
        ),
        ["iam:CreateRole", "iam:PutRolePolicy", "iam:PassRole", "cloudformation:CreateStack"],
    ),
    "a new user with an inline policy and a key": (
        account(user("me", allow(["iam:CreateUser", "iam:PutUserPolicy", "iam:CreateAccessKey"], iam("user/new-*")))),
        ["iam:CreateUser", "iam:PutUserPolicy", "iam:CreateAccessKey"],
    ),
    "a new user with a password": (
        account(
            user("me", allow(["iam:CreateUser", "iam:AttachUserPolicy", "iam:CreateLoginProfile"], iam("user/new-*")))
        ),
        ["iam:CreateUser", "iam:AttachUserPolicy", "iam:CreateLoginProfile"],
    ),
    "a policy and a password for another user": (
        account(user("me", allow(["iam:AttachUserPolicy", "iam:CreateLoginProfile"], iam("user/it"))), user("it")),
        ["iam:AttachUserPolicy", "iam:CreateLoginProfile"],
    ),
    "another user put into a group": (
        account(
            user("me", JOIN, allow("iam:CreateAccessKey", iam("user/it"))),
            user("it"),
            group("strong", **attached(ADMINISTRATOR)),
            role("other"),
        ),
        ["iam:AddUserToGroup"],
    ),
    "an older version that allows everything": (
        account(user("me", allow("iam:SetDefaultPolicyVersion", OLD.arn), **attached(OLD)), OLD),
        ["iam:SetDefaultPolicyVersion"],
    ),
    "an older version of its boundary that allows everything": (
        account(
            user("me", allow("*"), boundary_arn=OLD_LIMIT.arn),
            OLD_LIMIT,
        ),
        ["iam:SetDefaultPolicyVersion"],
    ),
    "a version of its full boundary deleted": (
        account(user("me", allow("*"), boundary_arn=FULL_LIMIT.arn), FULL_LIMIT),
        ["iam:DeletePolicyVersion", "iam:CreatePolicyVersion"],
    ),
    "its own boundary deleted": (
        account(
            user("me", allow("*"), boundary_arn=OWN_LIMIT.arn),
            OWN_LIMIT,
        ),
        ["iam:DeleteUserPermissionsBoundary"],
    ),
    "its own boundary replaced": (
        account(user("me", allow("*"), boundary_arn=iam("policy/limit")), policy("limit", FREEING)),
        ["iam:PutUserPermissionsBoundary"],
    ),
    "an inline policy within a boundary with all of IAM": (
        account(user("me", allow("iam:PutUserPolicy", ME), boundary_arn=LIMIT.arn), LIMIT),
        ["iam:PutUserPolicy"],
    ),
    "a role that it strengthens and passes": (
        account(user("me", allow("iam:PutRolePolicy", iam("role/worker")), *PASSING), WORKER),
        ["iam:PutRolePolicy", "iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"],
    ),
}


@pytest.mark.parametrize("which", MISSED)
def test_a_combination_is_found(which: str) -> None:
    made, first = MISSED[which]
    found = found_for(made)
    assert found is not None
    assert found.certain
    assert steps_of(found)[: len(first)] == first


def passing(*statements: dict[str, Any], trusts: Any = None) -> Account:
    """An account in which an administrator's role can be passed to Lambda, but for what makes the function."""
    boss = role("boss", trusts or trust({"Service": "lambda.amazonaws.com"}), **attached(ADMINISTRATOR))
    return account(user("me", allow("iam:PassRole", boss.arn), *statements), boss)


CALLS = allow(["lambda:CreateFunction", "lambda:InvokeFunction"])


def function(name: str, region: str = "*") -> str:
    return f"arn:aws:lambda:{region}:{ID}:function:{name}"


OTHER = "999999999999"
INVENTED = {
    "a service of another account": passing(
        CALLS,
        trusts=trust({"Service": "lambda.amazonaws.com"}, Condition={"StringEquals": {"aws:SourceAccount": OTHER}}),
    ),
    "a Deny unless it is another account": passing(
        CALLS,
        trusts=document(
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
            {
                "Effect": "Deny",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringNotEquals": {"aws:SourceAccount": OTHER}},
            },
        ),
    ),
    "a resource of another account": passing(
        CALLS,
        trusts=trust(
            {"Service": "lambda.amazonaws.com"},
            Condition={"ArnLike": {"aws:SourceArn": f"arn:aws:lambda:*:{OTHER}:function:*"}},
        ),
    ),
    "one function made, another called": passing(
        allow("lambda:CreateFunction", function("a")), allow("lambda:InvokeFunction", function("b"))
    ),
    "made in one Region, called in another": passing(
        allow("lambda:CreateFunction", function("*", "eu-west-1")),
        allow("lambda:InvokeFunction", function("*", "us-east-1")),
    ),
    "a boundary that denies nearly everything": account(
        user("me", allow("iam:PutUserPolicy", ME), boundary_arn=iam("policy/limit")),
        policy("limit", allow("*")),
    ),
}
_NEARLY = {"Effect": "Deny", "NotAction": ["s3:*", "iam:PutUserPolicy"], "Resource": "*"}
INVENTED["a boundary that denies nearly everything"] = replace(
    INVENTED["a boundary that denies nearly everything"],
    policies=(
        ADMINISTRATOR,
        replace(policy("limit", allow("*")), versions=(PolicyVersion("v1", document(allow("*"), _NEARLY), True),)),
    ),
)


@pytest.mark.parametrize("which", INVENTED)
def test_what_cannot_work_is_not_certain(which: str) -> None:
    found = found_for(INVENTED[which])
    assert found is None or not found.certain


@pytest.mark.parametrize(
    "trusts",
    [
        trust({"Service": "lambda.amazonaws.com"}, Condition={"StringEquals": {"aws:SourceAccount": ID}}),
        trust({"Service": "lambda.amazonaws.com"}),
    ],
)
def test_the_condition_of_a_trust_policy_belongs_to_the_path(trusts: Any) -> None:
    found = found_for(passing(CALLS, trusts=trusts))
    assert found is not None
    conditions = [step.condition for step in found.moves[0].steps if step.action == "sts:AssumeRole"]
    assert found.certain is not bool(conditions)
    assert all("aws:SourceAccount" in one for one in conditions)


@pytest.mark.parametrize(
    "statements",
    [
        (allow("lambda:CreateFunction", function("team-*")), allow("lambda:InvokeFunction", function("*-jobs"))),
        (allow("lambda:CreateFunction", function("*", "eu-west-1")), allow("lambda:InvokeFunction", function("x"))),
    ],
)
def test_steps_on_one_resource_hold_together(statements: tuple[dict[str, Any], ...]) -> None:
    found = found_for(passing(*statements))
    assert found is not None
    assert found.certain
    assert len({step.resource for step in found.moves[0].steps[1:]}) == 1


INSTANCES = {
    "ec2-002": ["ec2:ModifyInstanceAttribute", "ec2:StopInstances", "ec2:StartInstances"],
    "ec2-004": ["ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"],
    "ssm-001": ["ssm:StartSession"],
    "ssm-002": ["ssm:SendCommand"],
    "ec2instanceconnect-003": ["ec2-instance-connect:SendSSHPublicKey", "ec2:DescribeInstances"],
}


@pytest.mark.parametrize("id_", INSTANCES)
def test_an_instance_has_no_role_without_a_profile(id_: str) -> None:
    boss = role("boss", trust({"Service": "ec2.amazonaws.com"}), **attached(ADMINISTRATOR))
    me = user("me", allow(INSTANCES[id_]))
    assert found_for(account(me, boss)) is None
    found = found_for(account(me, boss, profiles=("boss",)))
    assert found is not None
    assert [move.path.id for move in found.moves] == [id_]
    assert not found.certain


LAUNCH = ["iam:CreateInstanceProfile", "iam:AddRoleToInstanceProfile", "ec2:RunInstances"]
INSTANCE_BOSS = role("boss", trust({"Service": "ec2.amazonaws.com"}), **attached(ADMINISTRATOR))


@pytest.mark.parametrize(("actions", "has_profile"), [(LAUNCH, False), (LAUNCH[2:], True), (LAUNCH[2:], False)])
def test_an_instance_is_launched_with_a_profile_that_is_there_or_made(actions: list[str], has_profile: bool) -> None:
    me = user("me", allow("iam:PassRole", INSTANCE_BOSS.arn), allow(actions))
    found = found_for(account(me, INSTANCE_BOSS, profiles=("boss",) if has_profile else ()))
    assert (found is not None and found.certain) is (has_profile or len(actions) > 1)


def test_a_profile_is_made_by_a_name_that_both_steps_allow() -> None:
    profiles = iam("instance-profile/team-*")
    me = user("me", allow("iam:PassRole", INSTANCE_BOSS.arn), allow(LAUNCH[:2], profiles), allow(LAUNCH[2]))
    found = found_for(account(me, INSTANCE_BOSS))
    assert found is not None
    assert [step.resource for step in found.moves[0].steps[1:3]] == [iam("instance-profile/team-new-resource")] * 2


@pytest.mark.parametrize("lacking", [None, "image", "subnet", "security-group", "network-interface", "instance"])
def test_an_instance_is_launched_by_who_may_use_all_that_it_takes(lacking: str | None) -> None:
    kinds = ["image", "instance", "network-interface", "security-group", "subnet"]
    launch = allow("ec2:RunInstances", [f"arn:aws:ec2:*:*:{kind}/*" for kind in kinds if kind != lacking])
    launch["Resource"] = [one.replace("*:*:image", "*::image") for one in launch["Resource"]]
    me = user("me", allow("iam:PassRole", INSTANCE_BOSS.arn), launch)
    assert (found_for(account(me, INSTANCE_BOSS, profiles=("boss",))) is None) is (lacking is not None)


def test_whoever_writes_the_policy_of_a_function_calls_it() -> None:
    found = found_for(passing(allow(["lambda:CreateFunction", "lambda:PutResourcePolicy"], function("x"))))
    assert found is not None
    assert ([move.path.id for move in found.moves], found.certain) == (["lambda-006-put"], True)
    there = found_for(passing(allow(["lambda:UpdateFunctionCode", "lambda:PutResourcePolicy"]), deny("iam:PassRole")))
    assert there is not None
    assert not there.certain


def test_a_key_is_replaced_whatever_keys_there_are() -> None:
    boss = replace(user("boss", **attached(ADMINISTRATOR)), access_keys=User("x", "/", "", "", None).access_keys)
    me = user("me", allow(["iam:CreateAccessKey", "iam:DeleteAccessKey"], boss.arn))
    found = found_for(account(me, boss))
    assert found is not None
    assert ([move.path.id for move in found.moves], found.certain) == (["iam-003"], True)
    only_create = replace(me, inline_policies=(InlinePolicy("own", document(allow("iam:CreateAccessKey", boss.arn))),))
    found = found_for(account(only_create, boss))
    assert found is not None
    assert not found.certain, "there may be two keys"


def test_an_opened_trust_policy_is_no_help_where_assuming_is_denied() -> None:
    me = user("me", allow("iam:UpdateAssumeRolePolicy"), deny("sts:AssumeRole"))
    assert found_for(account(me, role("boss", **attached(ADMINISTRATOR)))) is None


@pytest.mark.parametrize(("count", "is_cut"), [(3, False), (40, True)])
def test_names_that_are_not_tried_are_told(count: int, is_cut: bool) -> None:
    names = [iam(f"role/team-{number}-*") for number in range(count)]
    report = find_escalations(
        sample_workspace().with_account(account(user("me", allow(["iam:CreateRole", "iam:PutRolePolicy"], names))))
    )
    assert bool(report.left_out) is is_cut


def left_out_of(made: Account) -> str:
    return " ".join(find_escalations(sample_workspace().with_account(made)).left_out)


@pytest.mark.parametrize(("count", "is_cut"), [(8, False), (9, True)])
def test_strong_policies_that_are_not_tried_are_told(count: int, is_cut: bool) -> None:
    strong = [policy(f"strong-{number}", allow("*")) for number in range(count)]
    condition = {"ArnEquals": {"iam:PolicyARN": strong[-1].arn}}
    made = account(user("me", allow("iam:AttachUserPolicy", ME, Condition=condition)), *strong)
    assert ("attached" in left_out_of(made)) is is_cut
    assert bool(left_out_of(made)) or found_for(made) is not None


@pytest.mark.parametrize(("count", "is_cut"), [(64, False), (65, True)])
def test_boundaries_that_are_not_tried_are_told(count: int, is_cut: bool) -> None:
    names = [iam(f"policy/limit-{number}") for number in range(count)]
    condition = {"StringEquals": {"iam:PermissionsBoundary": names}}
    making = user("me", allow("iam:CreateRole", Condition=condition), allow("iam:PutRolePolicy"))
    made = account(making, *(policy(name.rpartition("/")[2], allow("*")) for name in names))
    assert ("boundaries" in left_out_of(made)) is is_cut
    found = found_for(made)
    assert found is not None
    assert found.certain


@pytest.mark.parametrize(("count", "is_cut"), [(3, False), (4, True)])
def test_mixed_names_that_are_not_tried_are_told(count: int, is_cut: bool) -> None:
    names = [function(f"{chr(97 + number)}-*") for number in range(count)]
    made = passing(allow("lambda:CreateFunction", names), allow("lambda:InvokeFunction", function("*-jobs")))
    assert ("names" in left_out_of(made)) is is_cut
    assert is_cut or found_for(made) is not None


@pytest.mark.parametrize("may_delete", [False, True])
@pytest.mark.parametrize("count", [4, 5])
def test_a_full_policy_is_written_after_a_version_is_deleted(count: int, may_delete: bool) -> None:
    held = policy("held", *([allow("s3:ListAllMyBuckets")] * count))
    actions = ["iam:CreatePolicyVersion", *(["iam:DeletePolicyVersion"] if may_delete else [])]
    found = found_for(account(user("me", allow(actions), **attached(held)), held))
    assert (found is not None) is (may_delete or count < 5)
    assert found is None or steps_of(found) == (["iam:CreatePolicyVersion"] if count < 5 else actions[::-1])


@pytest.mark.parametrize(("older", "may_lead_on"), [("iam:*", True), ("s3:*", False)])
def test_older_versions_that_lead_on_are_told(older: str, may_lead_on: bool) -> None:
    held = policy("held", allow(older), allow("s3:ListAllMyBuckets"))
    made = account(user("me", allow("iam:SetDefaultPolicyVersion"), **attached(held)), held)
    assert ("Older versions" in left_out_of(made)) is may_lead_on


@pytest.mark.parametrize("together", [False, True])
def test_more_groups_than_one_user_joins_are_told(together: bool) -> None:
    actions = ["iam:CreateRole", "iam:PutRolePolicy", "iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"]
    groups = [group(f"g{number}", allow(action)) for number, action in enumerate(actions)]
    both = [group("both", allow(actions[:2])), *groups[2:]]
    made = account(user("me", JOIN, deny("sts:AssumeRole")), *(both if together else groups))
    assert (found_for(made) is not None, "4 groups" in left_out_of(made)) == (together, not together)


CONFIGURES = "lambda:UpdateFunctionConfiguration"


@pytest.mark.parametrize(
    ("statements", "id_"),
    [
        ((allow("iam:PassRole", iam("role/boss")), allow([CONFIGURES, "lambda:UpdateFunctionCode"])), "lambda-role"),
        ((allow([CONFIGURES, "lambda:GetLayerVersion"]),), "lambda-layer"),
        ((allow("iam:PassRole", iam("role/boss")), allow(CONFIGURES)), None),
        ((allow(CONFIGURES),), None),
    ],
)
def test_the_configuration_of_a_function_gives_it_a_role_or_other_code(
    statements: tuple[dict[str, Any], ...], id_: str | None
) -> None:
    boss = role("boss", trust({"Service": "lambda.amazonaws.com"}), **attached(ADMINISTRATOR))
    found = found_for(account(user("me", *statements), boss))
    assert [move.path.id for move in found.moves] == [id_] if found and id_ else (found is None and id_ is None)
    assert found is None or not found.certain
