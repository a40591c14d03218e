"""What is said of a call that STS refuses: which side does, and what to enter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from iamtui.account.model import (
    Known,
    ManagedPolicy,
    Missing,
    Organization,
    OrganizationLevel,
    OrganizationPolicy,
    PolicyVersion,
)
from iamtui.aws.errors import AwsProblem
from iamtui.credentials.assume_role import AssumeRoleInput
from iamtui.credentials.session import AssumeExtras
from iamtui.engine.words.explanation import explain
from iamtui.policy.document import PolicyDocument
from iamtui.secret import Secret
from iamtui.workspace.assume.assume import assume
from iamtui.workspace.assume.assume_plan import plan_assume
from iamtui.workspace.source.workspace import Workspace
from tests.support.assume_account import (
    ALICE,
    CREATED,
    DENIED,
    ENTERED,
    EXTERNAL,
    FOREIGN,
    ID,
    MFA,
    ROLE,
    ROOT,
    SERIAL,
    document,
    trust,
    workspace,
)
from tests.support.sts_answers import CannedSts, sts_error


def refused(space: Workspace, entered: AssumeRoleInput = ENTERED) -> AwsProblem:
    with pytest.raises(AwsProblem) as problem:
        assume(space, entered)
    assert problem.value.code == "AccessDenied"
    assert problem.value.sentence.startswith("AWS denied sts:AssumeRole")
    return problem.value


def test_a_refusal_names_the_trust_policy() -> None:
    problem = refused(workspace(trust({"AWS": FOREIGN}), sts=CannedSts(refusal=DENIED)))
    assert "By our own reading: No statement of the role's trust policy lets the caller in." in problem.sentence


def test_a_refusal_names_the_identity_side() -> None:
    problem = refused(workspace(trust(ROOT), sts=CannedSts(refusal=DENIED), may=None))
    assert "No identity policy of the caller allows sts:AssumeRole on the role." in problem.sentence
    assert "trust policy lets" not in problem.sentence


def test_a_refusal_names_an_explicit_deny() -> None:
    may = document({"Sid": "Never", "Effect": "Deny", "Action": "sts:*", "Resource": "*"})
    problem = refused(workspace(trust(), sts=CannedSts(refusal=DENIED), may=may))
    assert "may-assume / Never" in problem.sentence


@pytest.mark.parametrize(
    ("conditions", "entered", "step"),
    [
        (MFA, ENTERED, "Enter an MFA code"),
        (EXTERNAL, ENTERED, "Enter the external id"),
        (EXTERNAL, replace(ENTERED, external_id="wrong"), "Enter the right external id."),
        (
            {"Condition": {**MFA["Condition"], **EXTERNAL["Condition"]}},
            ENTERED,
            "Enter the external id and an MFA code.",
        ),
    ],
)
def test_a_refusal_says_what_was_not_entered(conditions: Any, entered: AssumeRoleInput, step: str) -> None:
    problem = refused(workspace(trust(**conditions), sts=CannedSts(refusal=DENIED)), entered)
    assert step in problem.next_step
    assert "role's trust policy asks for" in problem.sentence
    assert "wrong" not in problem.sentence, "an external id is not repeated"


def test_a_refusal_that_we_would_not_make_says_what_else_it_may_be() -> None:
    entered = replace(ENTERED, mfa_serial=SERIAL, mfa_code=Secret("123456"))
    problem = refused(workspace(trust(**MFA), sts=CannedSts(refusal=DENIED)), entered)
    assert "By our own reading the policies that are loaded allow it." in problem.sentence
    assert "the MFA code was wrong or used already" in problem.next_step
    unloaded = workspace(trust(), sts=CannedSts(refusal=DENIED))
    account = replace(unloaded.account, organization=Missing("access denied"))
    problem = refused(unloaded.with_account(account))
    assert "something that is not loaded forbids it (SCP" in problem.next_step


def test_what_aws_names_is_not_taken_for_a_change_where_it_is_not_loaded() -> None:
    said = "User: x is not authorized to perform: sts:AssumeRole on resource: y with an explicit deny in a service "
    refusal = sts_error("AccessDenied", f"{said}control policy")
    for missing in (True, False):
        space = workspace(trust(), sts=CannedSts(refusal=refusal))
        if missing:
            space = space.with_account(replace(space.account, organization=Missing("access denied")))
        step = refused(space).next_step
        assert step == (
            "AWS names a service control policy (SCP), and none is loaded here: ask whoever manages the organization."
        )


def test_a_denial_of_the_trust_policy_is_not_called_one_of_the_resource_policy() -> None:
    decision = plan_assume(
        workspace(trust(Principal={"AWS": f"arn:aws:iam::{ID}:user/bob"})), AssumeRoleInput(ROLE)
    ).decision
    assert decision is not None
    words = explain(decision)
    assert "trust policy allows it" in " ".join(words.blockers)
    assert "resource policy" not in words.paragraph


BOUNDARY = ManagedPolicy(
    "only-s3",
    "/",
    f"arn:aws:iam::{ID}:policy/only-s3",
    "ANPABOUNDARY00000000",
    CREATED,
    (PolicyVersion("v1", document({"Sid": "S3", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}), True),),
)
NO_STS = document({"Sid": "NoChaining", "Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"})
EVERYTHING = document({"Effect": "Allow", "Action": "*", "Resource": "*"})


def bounded() -> Workspace:
    found = workspace(trust(ROOT), sts=CannedSts(refusal=DENIED))
    alice = replace(found.account.users[0], boundary_arn=BOUNDARY.arn)
    return found.with_account(replace(found.account, users=(alice,), policies=(BOUNDARY,)))


def in_organization(*policies: PolicyDocument) -> Workspace:
    scps = tuple(OrganizationPolicy(f"p-{number}", f"scp-{number}", one) for number, one in enumerate(policies))
    full = (OrganizationPolicy("p-FullAWSAccess", "FullAWSAccess", EVERYTHING),)
    path = (
        OrganizationLevel("r-ab12", "Root", "ROOT", Known(full), Known(())),
        OrganizationLevel("ou-ab12-prod", "Prod", "ORGANIZATIONAL_UNIT", Known(scps), Known(())),
        OrganizationLevel(ID, "here", "ACCOUNT", Known(full), Known(())),
    )
    found = workspace(trust(), sts=CannedSts(refusal=DENIED))
    organization = Known(Organization("o-1", "999999999999", path))
    return found.with_account(replace(found.account, organization=organization))


@pytest.mark.parametrize(
    ("space", "says"),
    [
        (bounded(), "No statement of the permissions boundary allows it."),
        (in_organization(EVERYTHING, NO_STS), "scp-1 / NoChaining"),
        (in_organization(document({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})), "Prod"),
    ],
)
def test_a_refusal_names_boundary_and_scp(space: Workspace, says: str) -> None:
    problem = refused(space)
    assert problem.sentence.startswith("AWS denied sts:AssumeRole. By our own reading: ")
    assert says in problem.sentence
    assert problem.next_step == "Have that changed, or assume another role."


def test_a_refusal_names_everything_that_stands_in_the_way() -> None:
    problem = refused(workspace(trust({"AWS": FOREIGN}), sts=CannedSts(refusal=DENIED), may=None))
    assert "No identity policy of the caller allows sts:AssumeRole on the role." in problem.sentence
    assert "No statement of the role's trust policy lets the caller in." in problem.sentence


@pytest.mark.parametrize(
    ("extras", "says"),
    [
        (AssumeExtras(tags=(("team", "blue"),)), "with session tags (sts:TagSession)"),
        (AssumeExtras(source_identity="alice"), "with a source identity (sts:SetSourceIdentity)"),
    ],
)
def test_a_refusal_of_tags_and_source_identity_says_so(extras: AssumeExtras, says: str) -> None:
    assert says in refused(workspace(trust(), sts=CannedSts(refusal=DENIED)), replace(ENTERED, extras=extras)).sentence


def test_a_callers_own_policy_that_wants_mfa_is_told_from_the_trust_policy() -> None:
    condition = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
    never = {"Sid": "NoMfa", "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
    may = document({"Effect": "Allow", "Action": "*", "Resource": "*"}, never)
    problem = refused(workspace(trust(), sts=CannedSts(refusal=DENIED), may=may))
    assert problem.sentence.endswith("A policy asks for MFA, and no code was entered.")
    assert problem.next_step == "Enter an MFA code."


def test_a_session_name_that_is_not_accepted_is_named() -> None:
    trusts = trust(Condition={"StringEquals": {"sts:RoleSessionName": "${aws:username}"}})
    problem = refused(workspace(trusts, sts=CannedSts(refusal=DENIED)), replace(ENTERED, session_name="bob"))
    assert "does not accept this session name" in problem.sentence
    assert problem.next_step == "Enter another session name."


def test_what_is_missing_besides_a_closed_door_is_not_asked_for() -> None:
    """Neither an external id nor MFA would open a trust policy that names somebody else."""
    both = {"Condition": {**MFA["Condition"], **EXTERNAL["Condition"]}}
    problem = refused(workspace(trust({"AWS": FOREIGN}, **both), sts=CannedSts(refusal=DENIED)))
    assert "Enter" not in problem.next_step
    assert "lets the caller in" in problem.sentence


def test_what_aws_says_of_the_reason_is_kept() -> None:
    because = "because no identity-based policy allows the sts:AssumeRole action"
    said = f"User: {ALICE} is not authorized to perform: sts:AssumeRole on resource: {ROLE} {because}"
    problem = refused(workspace(trust(), sts=CannedSts(refusal=sts_error("AccessDenied", said))))
    assert problem.sentence.startswith(f"AWS denied sts:AssumeRole: {because}. By our own reading")


def test_a_wrong_code_is_not_blamed_on_a_policy() -> None:
    said = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
    space = workspace(trust({"AWS": FOREIGN}), sts=CannedSts(refusal=sts_error("AccessDenied", said)))
    with pytest.raises(AwsProblem) as problem:
        assume(space, replace(ENTERED, mfa_serial=SERIAL, mfa_code=Secret("123456")))
    assert problem.value.sentence == "AWS refused the MFA code: invalid MFA one time pass code."
    assert problem.value.next_step.startswith("Wait for the next code")


def test_a_code_that_may_have_been_used_up_is_told() -> None:
    sts = CannedSts(refusal=sts_error("ServiceUnavailable", "x", 503))
    with pytest.raises(AwsProblem) as problem:
        assume(workspace(trust(), sts=sts), replace(ENTERED, mfa_serial=SERIAL, mfa_code=Secret("123456")))
    assert problem.value.next_step.startswith("The MFA code may have been used up, so wait for the next one.")
    with pytest.raises(AwsProblem) as problem:
        assume(workspace(trust(), sts=sts), ENTERED)
    assert "MFA" not in problem.value.next_step


def test_a_refusal_that_depends_says_on_what() -> None:
    conditions = {"Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}
    problem = refused(workspace(trust(**conditions), sts=CannedSts(refusal=DENIED)))
    assert "only if aws:SourceIp is in 203.0.113.0/24" in problem.sentence


def test_a_refusal_about_a_foreign_role_does_not_guess() -> None:
    problem = refused(workspace(trust(), sts=CannedSts(refusal=DENIED)), replace(ENTERED, role_arn=FOREIGN))
    assert problem.sentence.endswith(
        "By our own reading: your side allows it; the trust policy, in account 999999999999, is not loaded."
    )
    assert problem.next_step.startswith("Ask the role's owner")
    unknown = workspace(trust(), sts=CannedSts(refusal=DENIED), caller=Missing("access denied"))
    problem = refused(unknown, replace(ENTERED, role_arn=FOREIGN))
    assert "The reason is not known: who is calling is not known" in problem.sentence


def test_a_temporary_caller_may_have_brought_its_mfa_along() -> None:
    """Whether the session behind ASIA keys was made with MFA is not known, so it is not said to be missing."""
    space = workspace(trust(**MFA), sts=CannedSts(refusal=DENIED))
    assert space.connection is not None
    temporary = space.connection.with_credentials("ASIAIOSFODNN7EXAMPLE", Secret("secret"), Secret("token"))
    problem = refused(replace(space, connection=temporary))
    assert "only if aws:MultiFactorAuthPresent is true" in problem.sentence


def test_another_failure_is_passed_on_as_it_is() -> None:
    sts = CannedSts(refusal=sts_error("ExpiredToken", "The security token included in the request is expired", 400))
    with pytest.raises(AwsProblem) as problem:
        assume(workspace(trust(), sts=sts), ENTERED)
    assert problem.value.code == "ExpiredToken"
    assert "our own reading" not in problem.value.sentence
