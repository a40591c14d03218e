"""Policies that AWS evaluates beside a resource's own: of an ECR registry, a CodeArtifact domain, a bucket."""

from __future__ import annotations

import json
import re
from typing import Any

import botocore.session
import pytest

from iamtui.account.authorization_details import load_account
from iamtui.account.model import Account
from iamtui.engine.decision import Decision, Layer, Outcome
from iamtui.questions.account_index import account_index, principal_of
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question
from iamtui.resource_policy_services import SERVICE_SPECS, WITH_RESOURCE_POLICIES
from tests.support.snapshot_builder import ID, allow, document, inline, role, snapshot, user

REPOSITORY = f"arn:aws:ecr:eu-west-1:{ID}:repository/app"
PACKAGES = f"arn:aws:codeartifact:eu-west-1:{ID}:repository/shop/npm"
DOMAIN = f"arn:aws:codeartifact:eu-west-1:{ID}:domain/shop"
ACCESS_POINT = f"arn:aws:s3:eu-west-1:{ID}:accesspoint/lake"
NONE, EVERYBODY = {"state": "none"}, {"Principal": "*", "Resource": "*"}


def present(effect: str, action: str) -> dict[str, Any]:
    statement = {**allow(action), **EVERYBODY, "Effect": effect}
    return {"state": "present", "document": document(statement)}


def account(**resource_policies: Any) -> Account:
    everything = inline("all", document(allow("*")))
    made = snapshot(
        users=[user("alice", UserPolicyList=[everything])],
        roles=[role("AWSServiceRoleForFake", RolePolicyList=[everything])],
        resource_policies=resource_policies,
        organization=None,
    )
    return load_account(json.dumps(made).encode())


def decide(of: Account, action: str, resource: str) -> Decision:
    alice = of.user("alice")
    assert alice is not None
    evaluator = QuestionEvaluator(of, Question(action, resource))
    found = evaluator.decide(principal_of(of, alice))
    account_index(of)
    listed = QuestionEvaluator(of, Question(action, resource)).decide(principal_of(of, alice))
    assert (listed.outcome, listed.complete) == (found.outcome, found.complete)
    return found


@pytest.mark.parametrize(
    ("action", "resource", "carrier", "whose"),
    [
        ("ecr:BatchGetImage", REPOSITORY, REPOSITORY, "the policy of the registry"),
        ("codeartifact:ReadFromRepository", PACKAGES, PACKAGES, "the policy of the domain"),
        ("s3:ListBucket", ACCESS_POINT, ACCESS_POINT, "the policy of the bucket behind it"),
        ("s3:GetObject", f"{ACCESS_POINT}/object/x", ACCESS_POINT, "the policy of the bucket behind it"),
    ],
)
def test_an_answer_is_not_complete_while_a_policy_beside_the_resources_own_is_not_read(
    action: str, resource: str, carrier: str, whose: str
) -> None:
    for policy in (NONE, present("Allow", "*")):
        found = decide(account(**{carrier: policy}), action, resource)
        assert (found.outcome, found.complete, found.not_evaluated) == (Outcome.ALLOWED, False, (Layer.RESOURCE,))
        reports = {report.layer: report.why for report in found.layers}
        assert whose in reports[Layer.RESOURCE]
    denied = decide(account(**{carrier: present("Deny", "*")}), action, resource)
    assert (denied.outcome, denied.complete) == (Outcome.EXPLICIT_DENY, True)


def test_a_domain_that_is_known_to_have_no_policy_leaves_nothing_open() -> None:
    found = decide(account(**{PACKAGES: NONE, DOMAIN: NONE}), "codeartifact:ReadFromRepository", PACKAGES)
    assert (found.outcome, found.complete) == (Outcome.ALLOWED, True)


def test_a_caller_of_another_account_may_be_let_in_by_the_policy_beside() -> None:
    elsewhere = REPOSITORY.replace(ID, "777777777777")
    found = decide(account(**{elsewhere: present("Allow", "ecr:Nothing")}), "ecr:BatchGetImage", elsewhere)
    assert found.outcome is Outcome.DEPENDS
    assert (
        decide(account(**{elsewhere: present("Allow", "*")}), "ecr:BatchGetImage", elsewhere).outcome is Outcome.ALLOWED
    )


def test_a_role_that_only_has_the_name_of_a_service_linked_one_is_bound_like_others() -> None:
    of = account()
    fake = of.role("AWSServiceRoleForFake")
    assert fake is not None
    assert not fake.service_linked
    scp = {"arn": "arn:aws:organizations::aws:policy/p-x", "name": "x", "document": document()}
    level = {"id": "r-ab12", "name": "Root", "type": "ROOT", "scps": [scp], "rcps": []}
    member = {"id": ID, "name": "acme", "type": "ACCOUNT", "scps": [scp], "rcps": []}
    made = snapshot(
        roles=[role("AWSServiceRoleForFake", RolePolicyList=[inline("all", document(allow("*")))])],
        organization={"id": "o-abc123", "management_account": "999999999999", "path": [level, member]},
    )
    of = load_account(json.dumps(made).encode())
    caller = principal_of(of, of.roles[0])
    assert QuestionEvaluator(of, Question("s3:ListAllMyBuckets", "*")).decide(caller).outcome is Outcome.IMPLICIT_DENY


WITHOUT_POLICIES = {
    "access-analyzer": "a generated policy",
    "apigateway": "execute-api has the policies; product sharing is of portals",
    "apiportal": "product sharing",
    "application-autoscaling": "scaling",
    "autoscaling": "scaling",
    "bcm-dashboards": "read by AWS RAM alone",
    "billing": "read by AWS RAM alone",
    "cognito-idp": "client metadata",
    "cloudformation": "stack policies are no IAM policies",
    "config": "rules",
    "continuum": "not in the Service Authorization Reference",
    "dlm": "life cycles",
    "ds": "enrollment of certificates",
    "ec2": "verified access is not of IAM",
    "elasticmapreduce": "scaling",
    "fms": "firewall policies",
    "gamelift": "scaling",
    "iam": "trust policies are read as such",
    "iot": "policies of things, which are no IAM policies",
    "iotsitewise": "access policies of portals",
    "ivs": "playback",
    "lakeformation": "permissions of its own",
    "mpa": "approval teams, whose policies are versions of their own",
    "network-security-manager": "firewall policies",
    "organizations": "delegates to accounts and denies nothing to the account's own callers",
    "quicksight": "approvals",
    "ram": "lists those of others",
    "resiliencehub": "targets of recovery",
    "route53": "traffic",
    "securityhub": "configuration",
    "signin": "sign-in",
    "transfer": "encryption",
    "verifiedpermissions": "Cedar",
    "workmail": "retention",
}
"""Services with an operation that sounds like it, and what its policies are."""


@pytest.mark.slow
def test_every_service_whose_resources_carry_policies_is_known() -> None:
    reads = re.compile(r"(Get|Describe)\w*(ResourcePolic(y|ies)|(?<!Lifecycle)(?<!Scaling)Policy)$|(Put|Set)\w*Policy$")
    loader = botocore.session.get_session()
    unknown = {}
    for name in loader.get_available_services():
        model = loader.get_service_model(name)
        service = model.signing_name
        found = [operation for operation in model.operation_names if reads.fullmatch(operation)]
        if found and not {service, name} & (WITH_RESOURCE_POLICIES | WITHOUT_POLICIES.keys()):
            unknown[service] = found
    assert unknown == {}
    assert not WITHOUT_POLICIES.keys() & WITH_RESOURCE_POLICIES
    assert SERVICE_SPECS["dsql"].has_policies


IDENTITY = f"arn:aws:ses:eu-west-1:{ID}:identity/example.com"
FILES = f"arn:aws:elasticfilesystem:eu-west-1:{ID}:file-system/fs-0123456789abcdef0"


@pytest.mark.parametrize(("carrier", "action"), [(IDENTITY, "ses:SendEmail"), (FILES, "elasticfilesystem:ClientMount")])
def test_what_a_policy_asks_that_it_does_not_see_leaves_the_answer_open(carrier: str, action: str) -> None:
    unseen = {"StringEquals": {"aws:PrincipalAccount": ID}}
    seen = {"Bool": {"aws:SecureTransport": "true"}}
    elsewhere = carrier.replace(ID, "777777777777")

    def asked(of: str, effect: str, **condition: Any) -> Decision:
        policy = present(effect, "*")
        policy["document"]["Statement"][0].update(condition)
        return decide(account(**{of: policy}), action, of)

    assert asked(elsewhere, "Allow", Condition=seen).outcome is Outcome.ALLOWED
    found = asked(elsewhere, "Allow", Condition=unseen)
    assert (found.outcome, found.complete) == (Outcome.DEPENDS, False)
    assert "aws:PrincipalAccount" in next(one.why for one in found.layers if one.layer is Layer.RESOURCE)
    assert asked(elsewhere, "Allow", Condition=seen | unseen).outcome is Outcome.DEPENDS
    assert asked(carrier, "Deny", Condition=seen).outcome is Outcome.EXPLICIT_DENY
    found = asked(carrier, "Deny", Condition=unseen)
    assert (found.outcome, found.complete) == (Outcome.ALLOWED, False)
