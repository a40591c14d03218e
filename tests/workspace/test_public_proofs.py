"""Who can use a resource from outside its account: by hand from AWS's documentation, sampled, and by mutation."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from iamtui.account.model import (
    UNLISTED,
    Account,
    Gap,
    Known,
    Missing,
    Organization,
    OrganizationLevel,
    OrganizationPolicy,
    PublicAccessBlock,
    ResourcePolicy,
    Role,
    User,
)
from iamtui.engine.decision import Outcome
from iamtui.engine.evaluator import evaluate
from iamtui.engine.request import (
    Mode,
    NamedPolicy,
    PoliciesInForce,
    Principal,
    PrincipalKind,
    Request,
    principal_from_text,
)
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.workspace.ask.proof_result import Proof, ProofStatus
from iamtui.workspace.prove.public_proofs import prove_not_public
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.sample_account import ID, days_ago, document, iam, sample_workspace
from tests.support.slow import few_slow, one_quick

PROVED, NOT_PROVED, EXAMPLE = ProofStatus.PROVED, ProofStatus.NOT_PROVED, ProofStatus.COUNTEREXAMPLE
OTHER, THIRD, MANAGEMENT = "222222222222", "333333333333", "999999999999"
ORG = "o-exampleorg"
QUEUE = f"arn:aws:sqs:eu-west-1:{ID}:orders"
BUCKET = "arn:aws:s3:::data"
KEY = f"arn:aws:kms:eu-west-1:{ID}:key/11111111-2222-3333-4444-555555555555"
ROLE = iam("role/dev")
Statement = dict[str, Any]


OF_ACCOUNT = {"StringEquals": {"aws:PrincipalAccount": ID}}


def organization(rcp: PolicyDocument | None = None) -> Known[Organization | None]:
    full = document({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"})
    found = [OrganizationPolicy(f"arn:aws:organizations::{MANAGEMENT}:policy/p-full", "p-full", full)]
    if rcp is not None:
        found.append(OrganizationPolicy(f"arn:aws:organizations::{MANAGEMENT}:policy/p-own", "p-own", rcp))
    scps = Known((OrganizationPolicy("p-scp", "p-scp", document({"Effect": "Allow", "Action": "*", "Resource": "*"})),))
    levels = (
        OrganizationLevel("r-root", "Root", "ROOT", scps, Known(tuple(found))),
        OrganizationLevel(ID, "prod", "ACCOUNT", scps, Known(tuple(found[:1]))),
    )
    return Known(Organization(ORG, MANAGEMENT, path=levels))


def workspace(
    policies: dict[str, PolicyDocument | None] | None = None,
    *,
    trust: PolicyDocument | None = None,
    rcp: PolicyDocument | None = None,
    blocks: dict[str, PublicAccessBlock] | None = None,
    known: bool = True,
) -> Workspace:
    account = Account(
        id=ID,
        users=(User("alice", "/", iam("user/alice"), "AIDAALICE00000000001", days_ago(9)),),
        roles=(Role("dev", "/", ROLE, "AROADEV0000000000001", days_ago(9), trust=trust or document()),),
        organization=organization(rcp) if known else Missing("not loaded", "organizations:DescribeOrganization"),
        resource_policies={
            arn: ResourcePolicy("none") if found is None else ResourcePolicy("present", found)
            for arn, found in (policies or {}).items()
        },
        public_access_blocks=blocks or {},
    )
    return Workspace(account, SourceInfo(SourceKind.SNAPSHOT, "proof.json", region="eu-west-1"))


def of_queue(*statements: Statement, **more: Any) -> Proof:
    return prove_not_public(workspace({QUEUE: document(*statements)}), [QUEUE], **more)[QUEUE]


def of_role(*statements: Statement, **more: Any) -> Proof:
    return prove_not_public(workspace(trust=document(*statements)), [ROLE], **more)[ROLE]


def allow(principal: Any, action: Any = "sqs:SendMessage", **more: Any) -> Statement:
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **more}


def deny(principal: Any, action: Any = "sqs:*", **more: Any) -> Statement:
    return {**allow(principal, action, **more), "Effect": "Deny"}


def trusting(principal: Any, action: str = "sts:AssumeRole", **more: Any) -> Statement:
    return {"Effect": "Allow", "Principal": principal, "Action": action, **more}


@pytest.mark.parametrize(
    ("statements", "status"),
    [
        ([], PROVED),
        ([allow({"AWS": ID})], PROVED),
        ([allow({"AWS": [iam("user/alice"), ROLE]})], PROVED),
        ([allow({"AWS": "AIDAALICE00000000001"})], PROVED),
        ([allow("*")], EXAMPLE),
        ([allow("*", Condition={**OF_ACCOUNT, "StringNotLike": {"aws:PrincipalArn": "*:role/*"}})], PROVED),
        ([allow("*"), deny("*", Condition={"StringNotLike": {"aws:PrincipalArn": "*:role/a*"}})], EXAMPLE),
        ([allow("*"), deny("*", Condition={"StringNotLike": {"aws:PrincipalArn": "*:q*:role/*"}})], PROVED),
        ([allow({"AWS": OTHER})], EXAMPLE),
        ([allow({"AWS": f"arn:aws:iam::{OTHER}:user/bob"})], EXAMPLE),
        ([allow({"AWS": f"arn:aws:sts::{OTHER}:assumed-role/app/session"})], EXAMPLE),
        ([allow({"AWS": f"arn:aws:sts::{OTHER}:federated-user/bob"})], EXAMPLE),
        # The id may be that of a user or role of any account.
        ([allow({"AWS": "AROAUNKNOWN000000001"})], NOT_PROVED),
        # A wildcard in an ARN matches nobody, and a star in the Federated or Service keys neither.
        ([allow({"AWS": f"arn:aws:iam::{OTHER}:user/*"})], PROVED),
        # Services do not count.
        ([allow({"Service": "sns.amazonaws.com"})], PROVED),
        # IAM User Guide: the account of whoever calls.
        ([allow("*", Condition={"StringEquals": {"aws:PrincipalAccount": ID}})], PROVED),
        ([allow("*", Condition={"StringEquals": {"aws:PrincipalAccount": [ID, OTHER]}})], EXAMPLE),
        ([allow("*", Condition={"StringLike": {"aws:PrincipalAccount": f"{ID[:6]}*"}})], EXAMPLE),
        ([allow("*", Condition={"StringEqualsIfExists": {"aws:PrincipalAccount": ID}})], PROVED),
        ([allow("*", Condition={"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ID}:*"}})], PROVED),
        ([allow("*", Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/dev"}})], EXAMPLE),
        # The key is absent of anonymous callers.
        ([allow("*", Condition={"ArnLikeIfExists": {"aws:PrincipalArn": f"arn:aws:iam::{ID}:*"}})], EXAMPLE),
        ([allow("*", Condition={"StringEquals": {"aws:username": "alice"}})], EXAMPLE),
        ([allow("*", Condition={"StringEquals": {"aws:PrincipalOrgID": ORG}})], EXAMPLE),
        # aws:SourceArn is in direct calls of services alone.
        ([allow("*", Condition={"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}})], PROVED),
        ([allow("*", Condition={"StringLike": {"aws:userid": "AROADEV0000000000001:*"}})], PROVED),
        ([allow("*", Condition={"StringLike": {"aws:userid": "ARO*:*"}})], EXAMPLE),
        ([allow("*"), deny("*", Condition={"StringNotEquals": {"aws:PrincipalAccount": ID}})], PROVED),
        # Without regard to what the others are: anonymous callers have no ARN, so that ArnNotLike holds.
        ([allow("*"), deny("*", Condition={"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{ID}:*"}})], PROVED),
        ([allow("*"), deny({"AWS": OTHER})], EXAMPLE),
        ([allow({"AWS": OTHER}), deny({"AWS": OTHER})], PROVED),
        # Listing the account does not spare its principals; listing a user spares that user.
        ([allow("*"), {**deny("*"), "Principal": None, "NotPrincipal": {"AWS": [ID, ROLE]}}], PROVED),
        ([allow("*"), {**deny("*"), "Principal": None, "NotPrincipal": {"AWS": f"arn:aws:iam::{OTHER}:user/b"}}],
         EXAMPLE),
        # Everybody but a few.
        ([{**allow("*"), "Principal": None, "NotPrincipal": {"AWS": OTHER}}], EXAMPLE),
        # A user's own federated sessions come with it.
        ([allow({"AWS": f"arn:aws:iam::{OTHER}:user/b"}),
          deny("*", Condition={"StringEquals": {"aws:PrincipalType": "User"}})], EXAMPLE),
        ([allow("*", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})], EXAMPLE),
        ([allow("*", Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}})], NOT_PROVED),
        ([allow("*", "s3:*")], PROVED),
        # SQS Developer Guide, limitations of custom policies: what no policy gives to others.
        ([allow("*", ["sqs:DeleteQueue", "sqs:SetQueueAttributes", "sqs:AddPermission"])], PROVED),
        ([allow({"AWS": OTHER}, "sqs:RemovePermission")], PROVED),
        ([allow("*", "sqs:*")], EXAMPLE),
        ([allow("*", Resource="arn:aws:sqs:eu-west-1:123456789012:other")], PROVED),
        ([{**allow("*"), "Action": None, "NotAction": "sqs:*"}], PROVED),
    ],
)  # fmt: skip
def test_who_can_use_a_queue(statements: list[Statement], status: ProofStatus) -> None:
    made = [{key: value for key, value in one.items() if value is not None} for one in statements]
    found = of_queue(*made)
    assert found.status is status, found
    if found.counterexample is not None:
        assert found.counterexample.decision.outcome is Outcome.ALLOWED
        assert found.counterexample.principal.account != ID


def test_services_that_are_let_in_are_named() -> None:
    assert of_queue(allow({"Service": ["sns.amazonaws.com", "s3.amazonaws.com"]})).services == (
        "sns.amazonaws.com",
        "s3.amazonaws.com",
    )


@pytest.mark.parametrize(
    ("statements", "status"),
    [
        ([trusting({"AWS": ID})], PROVED),
        ([trusting({"Service": "ec2.amazonaws.com"})], PROVED),
        ([trusting({"AWS": OTHER})], EXAMPLE),
        ([trusting({"AWS": "*"})], EXAMPLE),
        ([trusting({"AWS": OTHER}, Condition={"StringEquals": {"sts:ExternalId": "x1"}})], EXAMPLE),
        ([trusting({"AWS": "*"}, Condition={"StringEquals": {"aws:PrincipalAccount": ID}})], PROVED),
        # The root user of an account cannot assume roles (STS API Reference).
        ([trusting({"AWS": "*"}, Condition={"StringEquals": {"aws:PrincipalType": "Account"}})], PROVED),
        ([trusting({"Federated": "accounts.google.com"}, "sts:AssumeRoleWithWebIdentity")], EXAMPLE),
        # The action must be the one of providers.
        ([trusting({"Federated": "accounts.google.com"})], PROVED),
        ([trusting({"AWS": OTHER}, "sts:AssumeRoleWithWebIdentity")], PROVED),
        ([trusting({"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},
                   "sts:AssumeRoleWithWebIdentity",
                   Condition={"StringLike": {"token.actions.githubusercontent.com:sub": "repo:acme/*"}})], EXAMPLE),
        ([trusting({"Federated": "arn:aws:iam::123456789012:saml-provider/idp"}, "sts:AssumeRoleWithSAML")], EXAMPLE),
        # Whether the star names providers is not documented.
        ([trusting("*", "sts:AssumeRoleWithWebIdentity")], NOT_PROVED),
        ([trusting({"AWS": "*"}, "sts:AssumeRoleWithWebIdentity")], PROVED),
        # A tag alone lets nobody in.
        ([trusting({"AWS": OTHER}, "sts:TagSession")], PROVED),
        # Every token has a subject.
        ([trusting({"Federated": "accounts.google.com"}, "sts:AssumeRoleWithWebIdentity",
                   Condition={"Null": {"accounts.google.com:sub": "true"}})], NOT_PROVED),
    ],
)  # fmt: skip
def test_who_can_assume_a_role(statements: list[Statement], status: ProofStatus) -> None:
    found = of_role(*statements)
    assert found.status is status, found


def test_whom_one_excepts_does_not_count() -> None:
    both = (allow({"AWS": [OTHER, THIRD]}),)
    assert of_queue(*both, excepted=[OTHER]).status is EXAMPLE
    assert of_queue(*both, excepted=[OTHER, f"arn:aws:iam::{THIRD}:root"]).status is PROVED
    one = allow({"AWS": f"arn:aws:iam::{OTHER}:role/app/x"})
    assert of_queue(one, excepted=[f"arn:aws:iam::{OTHER}:role/app/*"]).status is PROVED
    assert of_queue(one, excepted=[f"arn:aws:iam::{OTHER}:role/app/y"]).status is EXAMPLE
    saml = trusting({"Federated": iam("saml-provider/idp")}, "sts:AssumeRoleWithSAML")
    assert of_role(saml, excepted=[iam("saml-provider/*")]).status is PROVED
    with pytest.raises(Problem, match="is not an account, an ARN"):
        of_queue(one, excepted=["44445555"])


def test_roles_that_are_not_loaded_may_be_public() -> None:
    found = workspace({QUEUE: document(deny("*"))}, trust=document(trusting({"AWS": iam("root")})))
    found = found.with_account(replace(found.account, gaps=(Gap(UNLISTED["roles"], "", "it was denied"),)))
    for pattern in ("arn:aws:iam::*:role/*", "arn:aws:iam::*:role/none-*"):
        assert prove_not_public(found, [pattern])[pattern].reasons == {"not all roles are loaded": 1}
        assert prove_not_public(found, [pattern], organization=True)[pattern].status is NOT_PROVED
    assert set(prove_not_public(found, ["arn:aws:sqs:*:*:*"])) == {QUEUE}


def test_the_organization() -> None:
    own = allow("*", Condition={"StringEquals": {"aws:PrincipalOrgID": ORG}})
    assert of_queue(own).status is EXAMPLE
    assert of_queue(own, organization=True).status is PROVED
    paths = allow("*", Condition={"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": f"{ORG}/r-root/*"}})
    assert of_queue(paths).status is EXAMPLE
    assert of_queue(paths, organization=True).status is PROVED
    wider = allow("*", Condition={"StringLike": {"aws:PrincipalOrgID": "o-example*"}})
    assert of_queue(wider, organization=True).status is EXAMPLE
    if_there = allow("*", Condition={"StringEqualsIfExists": {"aws:PrincipalOrgID": ORG}})
    assert of_queue(if_there, organization=True).status is EXAMPLE
    # The management account is a member; of others it is not known.
    assert of_queue(allow({"AWS": MANAGEMENT}), organization=True).status is PROVED
    unsure = of_queue(allow({"AWS": OTHER}), organization=True)
    assert unsure.status is NOT_PROVED
    assert list(unsure.reasons) == [f"whether account {OTHER} belongs to the organization"]
    unloaded = workspace({QUEUE: document(own)}, known=False)
    assert prove_not_public(unloaded, [QUEUE], organization=True)[QUEUE].status is NOT_PROVED


def test_what_is_closed_to_all_others_is_closed_where_no_organization_is_known() -> None:
    of_resource = allow("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}})
    of_account = allow("*", Condition={"StringEquals": {"aws:PrincipalAccount": ID}})
    for statement, in_none, unknown in (
        (of_resource, PROVED, NOT_PROVED),
        (of_account, PROVED, PROVED),
        (allow("*"), EXAMPLE, NOT_PROVED),
    ):
        unloaded = workspace({QUEUE: document(statement)}, known=False)
        alone = replace(unloaded, account=replace(unloaded.account, organization=Known(None)))
        for of, expected in ((alone, in_none), (unloaded, unknown)):
            found = prove_not_public(of, [QUEUE], organization=True)[QUEUE]
            assert found.status is expected, (statement, found)


def test_whether_a_named_account_is_in_an_organization_is_not_guessed() -> None:
    found = of_queue(allow({"AWS": OTHER}, Condition={"StringEquals": {"aws:PrincipalOrgID": ORG}}))
    assert found.status is NOT_PROVED
    assert list(found.reasons) == [f"whether account {OTHER} is in an organization, and in which"]
    member = allow({"AWS": MANAGEMENT}, Condition={"StringEquals": {"aws:PrincipalOrgID": ORG}})
    assert of_queue(member).status is EXAMPLE


def test_rcps_count() -> None:
    def under(condition: Statement, **more: Any) -> ProofStatus:
        rcp = document(deny("*", Condition=condition))
        return prove_not_public(workspace({QUEUE: document(allow("*"))}, rcp=rcp), [QUEUE], **more)[QUEUE].status

    # A negated operator holds of who is in no organization, and so lacks the key.
    outside: Statement = {"StringNotEquals": {"aws:PrincipalOrgID": ORG}}
    assert under(outside) is EXAMPLE
    assert under(outside, organization=True) is PROVED
    assert under({**outside, "Null": {"aws:PrincipalOrgID": "false"}}, organization=True) is EXAMPLE


@pytest.mark.slow
@one_quick(
    "statements",
    [
        [allow({"CanonicalUser": "ab" * 32}, "s3:*")],
        [allow({"CanonicalUser": "ab" * 32}, "s3:*", Condition={"StringEquals": {"aws:PrincipalAccount": OTHER}})],
        [allow({"CanonicalUser": "ab" * 32}, "s3:*"),
         deny("*", "s3:*", Condition={"StringNotEquals": {"aws:PrincipalAccount": [ID, OTHER]}})],
        [allow({"AWS": OTHER}, "s3:*"),
         {"Effect": "Deny", "NotPrincipal": {"CanonicalUser": "ab" * 32}, "Action": "s3:*", "Resource": "*"}],
    ],
)  # fmt: skip
def test_whose_a_canonical_user_is_is_not_known(statements: list[Statement]) -> None:
    made = workspace({BUCKET: document(*statements)}, blocks={"data": PublicAccessBlock(False)})
    found = prove_not_public(made, [BUCKET], policy_alone=True)[BUCKET]
    assert found.status is NOT_PROVED, found
    assert any(reason.startswith("whose the canonical user") for reason in found.reasons)
    assert prove_not_public(made, [BUCKET], policy_alone=True, excepted=["ab" * 32, OTHER])[BUCKET].status is PROVED


def test_public_access_block_closes_a_public_policy() -> None:
    # S3 User Guide: RestrictPublicBuckets admits services and the owner's account alone.
    public = {BUCKET: document(allow("*", "s3:PutObjectTagging", Resource=f"{BUCKET}/*"))}
    for block, status in ((True, PROVED), (False, EXAMPLE), (None, NOT_PROVED)):
        blocks = {} if block is None else {"data": PublicAccessBlock(block)}
        found = prove_not_public(workspace(public, blocks=blocks), [BUCKET], policy_alone=True)[BUCKET]
        assert found.status is status, found
    # One that names its callers is not public.
    named = {BUCKET: document(allow({"AWS": OTHER}, "s3:PutObjectTagging", Resource=f"{BUCKET}/*"))}
    blocked = workspace(named, blocks={"data": PublicAccessBlock(True)})
    assert prove_not_public(blocked, [BUCKET], policy_alone=True)[BUCKET].status is EXAMPLE


@pytest.mark.slow
def test_what_is_granted_beside_policies_is_not_proved() -> None:
    own = workspace(
        {BUCKET: document(allow({"AWS": ID}, "s3:GetObject*")), KEY: document(allow({"AWS": ID}, "kms:De*"))},
        blocks={"data": PublicAccessBlock(True)},
    )
    for arn, reason in ((BUCKET, "not loaded: S3 access control lists"), (KEY, "not loaded: grants on KMS keys")):
        found = prove_not_public(own, [arn])[arn]
        assert found.status is NOT_PROVED
        assert list(found.reasons) == [reason]
        assert prove_not_public(own, [arn], policy_alone=True)[arn].status is PROVED


def test_keys_and_the_account_of_the_caller() -> None:
    by_service = allow({"AWS": "*"}, "kms:Decrypt", Condition={"StringEquals": {"kms:CallerAccount": ID}})
    for condition, status in ((ID, PROVED), (OTHER, EXAMPLE)):
        one = {**by_service, "Condition": {"StringEquals": {"kms:CallerAccount": condition}}}
        found = prove_not_public(workspace({KEY: document(one)}), [KEY], policy_alone=True)[KEY]
        assert found.status is status, found


def test_what_is_not_loaded_is_not_proved() -> None:
    made = workspace({QUEUE: None})
    assert prove_not_public(made, [QUEUE])[QUEUE].status is PROVED
    assert prove_not_public(made, [BUCKET])[BUCKET].status is NOT_PROVED
    made.account.resource_policies[QUEUE + "2"] = ResourcePolicy("denied")  # type: ignore[index]
    assert prove_not_public(made, [QUEUE + "2"])[QUEUE + "2"].status is NOT_PROVED


@pytest.mark.parametrize(
    ("arn", "statement", "status"),
    [
        # The policy of a catalog speaks of its tables, and that of an event bus of its rules.
        (f"arn:aws:glue:eu-west-1:{ID}:catalog",
         allow("*", "glue:GetTable", Resource=f"arn:aws:glue:eu-west-1:{ID}:table/db/t"), EXAMPLE),
        (f"arn:aws:events:eu-west-1:{ID}:event-bus/b",
         allow("*", "events:PutRule", Resource=f"arn:aws:events:eu-west-1:{ID}:rule/b/*"), NOT_PROVED),
        # The policy of the registry is in force beside that of a repository.
        (f"arn:aws:ecr:eu-west-1:{ID}:repository/r", allow({"AWS": ID}, "ecr:BatchGetImage"), NOT_PROVED),
        (f"arn:aws:dynamodb:eu-west-1:{ID}:table/t",
         allow("*", "dynamodb:Query", Resource=f"arn:aws:dynamodb:eu-west-1:{ID}:table/t/index/i"), EXAMPLE),
        (f"arn:aws:execute-api:eu-west-1:{ID}:abc",
         allow("*", "execute-api:Invoke", Resource="execute-api:/*"), NOT_PROVED),
        (f"arn:aws:sns:eu-west-1:{ID}:t",
         allow("*", "sns:Publish", Condition={"StringEquals": {"AWS:SourceOwner": ID}}), NOT_PROVED),
    ],
)  # fmt: skip
def test_policies_that_speak_of_more_than_their_resource(arn: str, statement: Statement, status: ProofStatus) -> None:
    found = prove_not_public(workspace({arn: document(statement)}), [arn])[arn]
    assert found.status is status, found


def test_a_caller_of_an_open_account_does_not_speak_for_all_of_it() -> None:
    red = allow({"AWS": OTHER}, Condition={"StringEquals": {"aws:PrincipalTag/team": "red"}})
    own = workspace({QUEUE: document(red)})
    user = User("x", "/", f"arn:aws:iam::{OTHER}:user/x", "AIDAX000000000000001", days_ago(9))
    role = Role("x", "/", f"arn:aws:iam::{OTHER}:role/x", "AROAX000000000000001", days_ago(9), trust=document())
    beside = replace(own, account=Account(id=OTHER, users=(user,), roles=(role,)))
    found = prove_not_public(replace(own, beside=(beside,)), [QUEUE])[QUEUE]
    assert found.status is EXAMPLE


def test_variables_of_the_caller_are_not_guessed() -> None:
    homes = allow("*", Resource="arn:aws:sqs:eu-west-1:123456789012:${aws:PrincipalAccount}")
    found = of_queue(homes)
    assert found.status is NOT_PROVED
    assert any("${aws:PrincipalAccount}" in reason for reason in found.reasons)
    # Of the account's own it does not matter.
    assert of_queue({**homes, "Principal": {"AWS": ID}}).status is PROVED


@pytest.mark.parametrize(
    ("arn", "words"),
    [
        ("queue", "is not a resource"),
        (f"{QUEUE},{QUEUE}", "looks like several"),
        (f"arn:aws:sqs:eu-west-1:{OTHER}:x", f"is a resource of account {OTHER}"),
        (iam("role/nobody"), "No role of this account"),
        (f"arn:aws:ec2:eu-west-1:{ID}:instance/i-1", "not a resource that can have a policy"),
        ("arn:aws:sqs:*:*:nothing", "matches"),
    ],
)
def test_what_cannot_be_asked(arn: str, words: str) -> None:
    with pytest.raises(Problem, match=words.replace("*", r"\*")):
        prove_not_public(workspace({QUEUE: None}), [arn])


# Random policies, sampled.

PRINCIPALS: list[Any] = [
    "*", {"AWS": ID}, {"AWS": OTHER}, {"AWS": f"arn:aws:iam::{OTHER}:role/app/x"}, {"AWS": iam("user/alice")},
    {"AWS": f"arn:aws:sts::{OTHER}:assumed-role/x/s1"}, {"AWS": f"arn:aws:iam::{THIRD}:user/bob"},
    {"AWS": [f"arn:aws:iam::{OTHER}:user/bob", ID]},
]  # fmt: skip
CONDITIONS: list[Statement] = [
    {"StringEquals": {"aws:PrincipalAccount": [ID, OTHER]}},
    {"StringNotEquals": {"aws:PrincipalAccount": ID}},
    {"StringNotLike": {"aws:PrincipalAccount": "22*"}},
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/app/*"}},
    {"ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::222222222222:*", f"arn:aws:iam::{ID}:*"]}},
    {"StringLike": {"aws:PrincipalArn": "*bob"}},
    {"StringEquals": {"aws:username": "bob"}},
    {"StringNotEqualsIfExists": {"aws:username": "b?b"}},
    {"StringEquals": {"aws:PrincipalType": ["User", "Account"]}},
    {"StringEquals": {"aws:PrincipalOrgID": ORG}},
    {"StringNotEquals": {"aws:PrincipalOrgID": ORG}},
    {"Bool": {"aws:SecureTransport": "true"}},
    {"Null": {"aws:PrincipalArn": "true"}},
    {"Bool": {"aws:PrincipalIsAWSService": "false"}},
]
CALLERS = [
    principal_from_text(text)
    for text in (
        "anonymous", OTHER, THIRD, "444444444444", f"arn:aws:iam::{OTHER}:user/bob", f"arn:aws:iam::{THIRD}:user/bob",
        "arn:aws:iam::444444444444:user/p/bob", "arn:aws:iam::444444444444:user/bib",
        f"arn:aws:iam::{THIRD}:user/zoe", f"arn:aws:sts::{OTHER}:assumed-role/x/s1",
        f"arn:aws:sts::{OTHER}:assumed-role/x/s2", f"arn:aws:sts::{THIRD}:assumed-role/bob/s1",
        f"arn:aws:sts::{OTHER}:federated-user/bob", "arn:aws:sts::444444444444:federated-user/f",
    )
]  # fmt: skip
# A session is one of a role whose path AWS knows.
CALLERS = [
    replace(one, role_arn=f"arn:aws:iam::{one.account}:role/{path}{one.role_name}") if path is not None else one
    for one in CALLERS
    for path in (("", "app/") if one.kind is PrincipalKind.ROLE_SESSION else (None,))
]
ANYTHING = NamedPolicy("own", document({"Effect": "Allow", "Action": "*", "Resource": "*"}))


def random_policy(chance: random.Random) -> list[Statement]:
    found = []
    for number in range(chance.randint(1, 4)):
        one = allow(chance.choice(PRINCIPALS), chance.choice(["sqs:SendMessage", "sqs:*"]))
        if number and chance.random() < 0.5:
            one["Effect"] = "Deny"
            if chance.random() < 0.3:
                one["NotPrincipal"] = one.pop("Principal")
                if one["NotPrincipal"] == "*":
                    one["NotPrincipal"] = {"AWS": ID}
        if chance.random() < 0.7:
            one["Condition"] = {}
            for condition in chance.sample(CONDITIONS, chance.randint(1, 2)):
                one["Condition"].update(condition)
        found.append(one)
    return found


def outcome(policy: PolicyDocument, caller: Principal, context: dict[str, tuple[str, ...]]) -> Outcome:
    session = (ANYTHING,) if caller.kind is PrincipalKind.FEDERATED_USER else ()
    in_force = PoliciesInForce(identity=(ANYTHING,), session=session, resource=NamedPolicy("queue", policy))
    return evaluate(Request(caller, "sqs:SendMessage", QUEUE, ID, context, mode=Mode.STRICT), in_force).outcome


@pytest.mark.slow
@pytest.mark.parametrize("seed", few_slow(range(6), 3))
def test_no_sampled_caller_contradicts_a_proof(seed: int) -> None:
    chance = random.Random(seed)
    seen: set[ProofStatus] = set()
    for _ in range(40):
        statements = random_policy(chance)
        found = of_queue(*statements)
        policy = document(*statements)
        seen.add(found.status)
        allowed = [
            (caller, context)
            for caller in CALLERS
            for secure in ("true", "false")
            for org in ((), (ORG,), ("o-other",))
            if not (org and caller.kind is PrincipalKind.ANONYMOUS)
            for context in ({"aws:SecureTransport": (secure,), "aws:PrincipalOrgID": org},)
            if outcome(policy, caller, context) is Outcome.ALLOWED
        ]
        assert not (found.status is PROVED and allowed), (statements, allowed[:1])
    assert {PROVED, EXAMPLE} <= seen


@pytest.mark.parametrize(
    ("closed", "open_"),
    [
        ({"StringEquals": {"aws:PrincipalAccount": ID}}, {"StringLike": {"aws:PrincipalAccount": ID[:-1] + "?"}}),
        (
            {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ID}:role/*"}},
            {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ID[:-1]}*:role/*"}},
        ),
    ],
)
def test_an_answer_changes_when_a_pattern_is_widened_by_a_character(closed: Statement, open_: Statement) -> None:
    assert of_queue(allow("*", Condition=closed)).status is PROVED
    assert of_queue(allow("*", Condition=open_)).status is EXAMPLE


@pytest.mark.parametrize(
    ("principal", "status"), [("*", ProofStatus.COUNTEREXAMPLE), ({"AWS": ID}, ProofStatus.NOT_PROVED)]
)
def test_an_access_point_names_the_policy_of_its_bucket_that_is_not_loaded(principal: Any, status: ProofStatus) -> None:
    point = f"arn:aws:s3:us-east-1:{ID}:accesspoint/ap"
    statement = {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": f"{point}/object/*"}
    policy = ResourcePolicy("present", PolicyDocument.of({"Version": "2012-10-17", "Statement": [statement]}))
    workspace = sample_workspace()
    account = replace(workspace.account, resource_policies={point: policy}, organization=Known(None))
    workspace = replace(workspace, account=account)
    proof = prove_not_public(workspace, [point])[point]
    assert proof.status is status
    assert "not loaded: policy of the bucket behind it" in proof.reasons
