"""The role that would replace a user's access keys: it grants what was used, and nothing that the user may not."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import structs

from iamtui.account.model import (
    AccessKey,
    Account,
    AttachedPolicy,
    Group,
    InlinePolicy,
    Known,
    LastAccessed,
    ManagedPolicy,
    Missing,
    PolicyVersion,
    ResourcePolicy,
    Role,
    ServiceUse,
    Unread,
    User,
)
from iamtui.drafts.draft import read_draft, write_draft
from iamtui.drafts.edits.principals import CreateRole, Tag
from iamtui.engine.decision import Outcome
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.sources.demo import load_demo_account
from iamtui.workspace.ask.questions import ask
from iamtui.workspace.change.draft_session import apply
from iamtui.workspace.review.service_accounts import RoleDraft, draft_role_for
from iamtui.workspace.source.principals import resolve_principal
from tests.support.sample_account import ID, allow, deny, document, iam, sample_workspace, trust

NOW = datetime(2026, 11, 25, tzinfo=UTC)
KEYS = Known((AccessKey("AKIA1", "Active", NOW),))
OIDC = "token.actions.githubusercontent.com"


def user(*policies: PolicyDocument, **facts: Any) -> User:
    inline = tuple(InlinePolicy(f"p{number}", policy) for number, policy in enumerate(policies))
    return User("svc", "/", iam("user/svc"), "AIDASVC", NOW, inline_policies=inline, **{"access_keys": KEYS, **facts})


def drafted(one: User, *uses: ServiceUse, place: str = "ec2", **parts: Any) -> RoleDraft:
    accessed = {one.arn: LastAccessed(NOW, uses)} if uses else {}
    account = Account(ID, users=(one,), last_accessed=accessed, **{"providers": Known(()), **parts})
    return draft_role_for(account, one, place)


def statements(draft: RoleDraft, name: str = "p0") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = draft.inline[name]["Statement"]
    return found


def test_what_was_never_used_is_left_out_and_named() -> None:
    one = user(document(allow(["s3:GetObject", "sqs:*", "s3:DeleteBucket"]), allow("kms:Decrypt"), deny("s3:Put*")))

    draft = drafted(
        one, ServiceUse("s3", NOW, actions={"DeleteBucket": None}), ServiceUse("sqs", None), ServiceUse("kms", None)
    )

    assert [one["Action"] for one in statements(draft)] == [["s3:GetObject"], "s3:Put*"]
    assert draft.left_out == ["sqs:* (p0)", "s3:DeleteBucket (p0)", "kms:Decrypt (p0)"]


def test_without_data_nothing_is_left_out_and_that_is_said() -> None:
    draft = drafted(user(document(allow("s3:*"))))
    assert statements(draft)[0]["Action"] == "s3:*"
    assert any("not known" in note for note in draft.notes)


def test_a_deny_stays_when_all_that_its_policy_allows_is_unused() -> None:
    draft = drafted(user(document(allow("sqs:*"), deny("s3:Put*")), document(allow("s3:*"))), ServiceUse("sqs", None))
    assert [one["Effect"] for one in statements(draft)] == ["Deny"]
    assert "p1" in draft.inline


def test_the_name_of_the_user_stands_for_its_variable() -> None:
    own = "arn:aws:s3:::b/${aws:username}/*"
    old = PolicyDocument.of({"Version": "2008-10-17", "Statement": [allow("s3:*", own)]})

    draft = drafted(user(document(allow("s3:*", own)), old))

    assert statements(draft)[0]["Resource"] == "arn:aws:s3:::b/svc/*"
    # There it is no variable.
    assert statements(draft, "p1")[0]["Resource"] == own


def test_a_managed_policy_that_stays_as_it_is_is_attached() -> None:
    versions = (PolicyVersion("v1", document(allow("s3:*")), is_default=True),)
    policy = ManagedPolicy("m", "/", iam("policy/m"), "ANPA", NOW, versions)
    cut = replace(
        policy,
        name="c",
        arn=iam("policy/c"),
        versions=(structs.replace(versions[0], document=document(allow("sqs:*"), allow("s3:*"))),),
    )
    held = tuple(AttachedPolicy(one.name, one.arn) for one in (policy, cut))
    group = Group("g", "/", iam("group/g"), "AGPA", NOW, (InlinePolicy("own", document(allow("s3:*"))),), held[:1])
    one = user(attached_policies=held, groups=("g", "gone"))

    draft = drafted(one, ServiceUse("s3", NOW), ServiceUse("sqs", None), policies=(policy, cut), groups=(group,))

    assert draft.attached == [policy.arn]
    assert set(draft.inline) == {"c", "g-own"}
    assert any("group gone are not loaded" in note for note in draft.notes)


def test_a_policy_of_one_statement_that_is_no_list_is_attached_too() -> None:
    bare = PolicyDocument.of({"Version": "2012-10-17", "Statement": allow("s3:*", "arn:aws:s3:::${aws:userid}")})
    versions = (PolicyVersion("v1", bare, is_default=True),)
    policies = [ManagedPolicy(f"m{n}", "/", iam(f"policy/m{n}"), f"ANPA{n}", NOW, versions) for n in range(11)]
    one = user(attached_policies=tuple(AttachedPolicy(policy.name, policy.arn) for policy in policies))

    draft = drafted(one, ServiceUse("s3", NOW), policies=tuple(policies))

    assert len(draft.attached) == 11
    assert draft.inline == {}
    assert any("a role takes 10" in note for note in draft.notes)
    assert any("uses ${aws:userid}" in note for note in draft.notes)


@pytest.mark.parametrize(
    ("place", "principal"),
    [
        ("ec2", {"Service": "ec2.amazonaws.com"}),
        ("ecs", {"Service": "ecs-tasks.amazonaws.com"}),
        ("lambda", {"Service": "lambda.amazonaws.com"}),
        ("onprem", {"Service": "rolesanywhere.amazonaws.com"}),
        ("glue.amazonaws.com", {"Service": "glue.amazonaws.com"}),
        ("github:acme/app", {"Federated": iam(f"oidc-provider/{OIDC}")}),
        ("999999999999", {"AWS": "999999999999"}),
        (iam("role/r"), {"AWS": iam("role/r")}),
    ],
)
def test_the_role_trusts_the_place_where_the_program_runs(place: str, principal: dict[str, str]) -> None:
    (statement,) = drafted(user(document(allow("s3:*"))), place=place).trust["Statement"]
    assert statement["Principal"] == principal
    assert ("Condition" in statement) is (place in ("ecs", "onprem") or place.startswith("github:"))
    assert PolicyDocument.of({"Version": "2012-10-17", "Statement": [statement]}).error is None


def test_source_addresses_mean_a_place_outside_aws() -> None:
    outside = {"Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}
    assert "rolesanywhere" in str(drafted(user(document(allow("s3:*", **outside))), place="").trust)
    assert "ec2" in str(drafted(user(document(allow("s3:*"))), place="").trust)


@pytest.mark.parametrize(
    "place",
    [
        "moon",
        "arn:aws:s3:::b",
        "*",
        "arn:aws:iam::999999999999:role/*",
        "arn:aws:iam::999999999999:group/g",
        "arn:aws:iam::aws:policy/P",
        "arn:aws:iam::x:root",
        "ec2.evil.com",
        ".amazonaws.com",
        "a..amazonaws.com",
        "github:",
        "github:acme",
        "github:*",
        "github:*/*",
        "github:acme/*",
        "github:acme/app:x",
        "github:acme/${aws:username}",
    ],
)
def test_a_place_that_is_none_is_one_sentence(place: str) -> None:
    with pytest.raises(Problem, match="is not a place"):
        drafted(user(document(allow("s3:*"))), place=place)


def test_a_user_without_keys_is_no_service_account() -> None:
    with pytest.raises(Problem, match="no access keys"):
        drafted(user(access_keys=Known(())))


def test_what_needs_a_look_is_said() -> None:
    tested = document(
        allow(
            "s3:*", Condition={"StringEquals": {"aws:username": "svc"}, "Bool": {"aws:MultiFactorAuthPresent": "true"}}
        ),
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
        allow("*"),
    )
    large = document(allow("s3:*", [f"arn:aws:s3:::{'b' * 60}{number}/*" for number in range(150)]))
    trusting = Role("r", "/", iam("role/r"), "AROA", NOW, trust({"AWS": iam("user/svc")}))
    named = ResourcePolicy("present", trust({"AWS": iam("user/svc")}, "s3:GetObject"))
    unreadable = PolicyDocument("{")

    draft = drafted(
        user(tested, large, unreadable, tags=(("team", "blue"),)),
        ServiceUse("s3", NOW),
        roles=(trusting, replace(trusting, name="svc", arn=iam("role/svc"))),
        resource_policies={"arn:aws:s3:::b": named},
    )

    made = draft.edits()[0]
    assert isinstance(made, CreateRole)
    assert made.tags == (Tag("team", "blue"),)
    said = " ".join(draft.notes)
    for words in (
        "tests aws:username",
        "requires MFA",
        "everything but some actions",
        "allows every service",
        "make managed policies",
        "p2 cannot be read",
        "let those of r, svc name the role",
        "let those of arn:aws:s3:::b name the role",
    ):
        assert words in said
    assert draft.name == "svc-role"


def test_what_the_boundary_says_of_a_user_alone_is_said() -> None:
    version = PolicyVersion("v1", document(allow("s3:*", "arn:aws:s3:::${aws:username}/*")), is_default=True)
    boundary = ManagedPolicy("b", "/", iam("policy/b"), "ANPA", NOW, (version,))
    one = user(document(allow("s3:*")), boundary_arn=boundary.arn)
    assert "boundary b uses ${aws:username}" in " ".join(drafted(one, policies=(boundary,)).notes)
    assert f"boundary {boundary.arn} is not known" in " ".join(drafted(one).notes)


def test_what_is_not_known_of_the_user_is_said() -> None:
    tags = Unread("tags", "AccessDenied", "iam:ListUserTags")
    said = " ".join(drafted(user(document(allow("s3:*")), access_keys=Missing("not in it"), unread=(tags,))).notes)
    assert "Whether the user has access keys is not known: not in it." in said
    assert "The tags of the user could not be read" in said


def test_in_china_ec2_has_a_principal_of_its_own() -> None:
    assert drafted(user(), partition="aws-cn").trust["Statement"][0]["Principal"] == {"Service": "ec2.amazonaws.com.cn"}


def run_script(draft: RoleDraft, *, account: str = ID, create_role: str = "true") -> subprocess.CompletedProcess[str]:
    """Run it in a shell in which `aws` prints its words and input."""
    aws = f"""aws() {{
        case "$*" in
            *get-caller-identity*) echo {account}; return ;;
            *create-role*) {create_role} || return ;;
        esac
        printf '%s|' "$@"; cat
    }}
    """
    script = aws + draft.export("cli", "a remark")
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def test_the_commands_are_read_by_a_shell_as_they_are_meant() -> None:
    one = replace(user(document(allow("s3:*", "arn:aws:s3:::b/$(touch x)'\u202e"))), boundary_arn=iam("policy/b"))

    run = run_script(drafted(one))

    assert run.returncode == 0
    create, put = run.stdout.split("iam|")[1:]
    assert create.startswith("create-role|--role-name|svc|--path|/|--permissions-boundary|" + iam("policy/b"))
    assert json.loads(put.partition("file:///dev/stdin|")[2])["Statement"][0]["Resource"].endswith("$(touch x)'\u202e")


def test_nothing_goes_to_another_account_or_to_a_role_that_was_there_before() -> None:
    draft = drafted(user(document(allow("s3:*"))))

    elsewhere = run_script(draft, account="999999999999")
    assert elsewhere.returncode == 1
    assert elsewhere.stdout == ""
    assert elsewhere.stderr == f"These commands are for account {ID}, not for 999999999999.\n"

    there_already = run_script(draft, create_role="false")
    assert there_already.returncode == 1
    assert "put-role-policy" not in there_already.stdout
    assert "put-role-policy" in run_script(draft).stdout


def test_a_name_that_no_other_has_is_found_within_what_iam_takes() -> None:
    long = "n" * 64
    one = replace(user(document(allow("s3:*"))), name=long)
    names = [long, f"{'n' * 59}-role", *(f"{'n' * (59 - len(str(number)))}-role{number}" for number in range(1, 1_000))]
    roles = tuple(Role(name.upper(), "/", iam(f"role/{name}"), "AROA", NOW, trust({"AWS": ID})) for name in names)
    assert drafted(one, roles=roles).name == f"{'n' * 55}-role1000"

    held = tuple(InlinePolicy(name, document(allow("s3:*"))) for name in ("p" * 128, "P" * 128, "p" * 126 + "-2"))
    drafted_names = list(drafted(replace(one, inline_policies=held)).inline)
    assert drafted_names == ["p" * 128, "P" * 126 + "-2", "p" * 126 + "-3"]


@pytest.mark.parametrize("name", ["-x", "a b", "svc;true"])
def test_a_name_that_aws_does_not_have_is_refused_or_stays_one_word(name: str) -> None:
    one = replace(user(document(allow("s3:*"))), name=name)
    if name == "-x":
        assert any("create-role --role-name=-x " in line for line in drafted(one).export("cli").splitlines())
    else:
        with pytest.raises(Problem, match="not a valid name"):
            drafted(one).export("cli")


DEMO = load_demo_account()
SERVICE_ACCOUNTS = [one for one in DEMO.users if one.name.startswith("svc-")]
ASKED = (
    ("s3:GetObject", "arn:aws:s3:::puffin-partner-manifests/sftp/svc-carrier-sftp/a"),
    ("s3:GetObject", "arn:aws:s3:::puffin-partner-manifests/sftp/svc-smtp/a"),
    ("s3:PutObject", "arn:aws:s3:::puffin-data-lake/raw/x"),
    ("s3:PutObject", "arn:aws:s3:::puffin-terraform-state/prod/x"),
    ("backup:StartBackupJob", "*"),
    ("backup:StartCopyJob", "*"),
    ("cloudwatch:GetMetricData", "*"),
    ("ecs:DescribeClusters", "*"),
    ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:shipment-events"),
    ("sts:AssumeRole", "arn:aws:iam::111122223333:role/ops-readonly"),
)


@pytest.mark.parametrize("one", SERVICE_ACCOUNTS, ids=lambda one: one.name)
def test_the_role_may_nothing_that_the_user_may_not(one: User) -> None:
    draft = draft_role_for(DEMO, one)
    laid = apply(sample_workspace().with_account(DEMO), draft.draft())
    assert not laid.problems
    role = laid.after.account.by_arn(draft.arn)
    assert isinstance(role, Role)
    assert role.boundary_arn == one.boundary_arn
    same = 0
    for action, resource in ASKED:
        theirs, ours = (
            ask(laid.after, resolve_principal(laid.after, arn), Question(action, resource)).outcome
            for arn in (one.arn, role.arn)
        )
        if ours in (Outcome.ALLOWED, Outcome.DEPENDS):
            assert ours is theirs
        same += ours is theirs
    assert same >= len(ASKED) - 2
    assert "create-role" in draft.export("cli")
    assert 'resource "aws_iam_role"' in draft.export("terraform")
    assert read_draft(write_draft(draft.draft())) == draft.draft()
