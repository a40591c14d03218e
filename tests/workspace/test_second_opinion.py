"""Two answers to one question, AWS's over HTTP from a canned endpoint, and what explains a difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from iamtui.account.model import (
    Account,
    InlinePolicy,
    Known,
    Missing,
    Organization,
    OrganizationLevel,
    OrganizationPolicy,
    ResourcePolicy,
)
from iamtui.aws.connection import Connection
from iamtui.engine.decision import Layer
from iamtui.engine.request import Principal, PrincipalKind
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.workspace.ask.aws_simulator import UNEXPLAINED, SecondOpinion, can_ask_aws, second_opinion, simulation_of
from iamtui.workspace.source.permissions import find_feature
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.fault_proxy import FaultProxy
from tests.support.panel_records import ACCOUNT, role_principal, small_account, small_workspace, user_principal
from tests.support.simulator_answers import answer, result, specific

GET = Question("s3:GetObject", "arn:aws:s3:::data-lake/x")
EVERYTHING = PolicyDocument.of(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
)

Live = Callable[[Account], Workspace]


def document(effect: str, action: str = "s3:*", **more: object) -> PolicyDocument:
    return PolicyDocument.of(
        {"Version": "2012-10-17", "Statement": {"Effect": effect, "Action": action, "Resource": "*", **more}}
    )


def organization(*, scp: PolicyDocument = EVERYTHING, rcp: PolicyDocument = EVERYTHING) -> Known[Organization | None]:
    def level(id_: str, kind: str, scps: PolicyDocument, rcps: PolicyDocument) -> OrganizationLevel:
        return OrganizationLevel(
            id_,
            id_,
            kind,
            Known((OrganizationPolicy(f"arn:aws:organizations::1:policy/{id_}-s", "the-scp", scps),)),
            Known((OrganizationPolicy(f"arn:aws:organizations::1:policy/{id_}-r", "the-rcp", rcps),)),
        )

    levels = (level("r-1", "ROOT", EVERYTHING, EVERYTHING), level(ACCOUNT, "ACCOUNT", scp, rcp))
    return Known(Organization("o-abc", "999999999999", levels))


def with_role_policies(account: Account, *policies: PolicyDocument) -> Account:
    role = replace(
        account.roles[0],
        attached_policies=(),
        inline_policies=tuple(InlinePolicy(f"p{at}", policy) for at, policy in enumerate(policies)),
    )
    return replace(account, roles=(role,))


@pytest.fixture
def live(fault_proxy: FaultProxy, quick_retries: None) -> Live:
    connection = Connection.open(profile=None, region="us-east-1", endpoint_url=fault_proxy.url)

    def workspace(account: Account) -> Workspace:
        source = SourceInfo(SourceKind.LIVE, "test", region="us-east-1", endpoint_url=fault_proxy.url)
        return Workspace(account, source, connection)

    return workspace


def opinion_on(
    proxy: FaultProxy,
    workspace: Workspace,
    principal: Principal,
    question: Question,
    decision: str,
    *,
    missing: tuple[str, ...] = (),
    organizations: bool | None = None,
) -> SecondOpinion:
    specifics = [specific(decision, question.resource, missing=missing)]
    said = result(decision, "template", action=question.action, specifics=specifics, organizations=organizations)
    proxy.on("SimulatePrincipalPolicy", answer(said))
    found = second_opinion(workspace, principal, question)
    assert found is not None
    return found


# Whether AWS can be asked.


def test_a_snapshot_the_demo_and_foreigners_cannot_be_asked_about(live: Live) -> None:
    snapshot = small_workspace()
    demo = replace(snapshot, source=SourceInfo(SourceKind.DEMO, "DEMO"))
    here = live(small_account())
    foreign = Principal(PrincipalKind.USER, "arn:aws:iam::999999999999:user/eve", "999999999999")

    assert "snapshot" in str(can_ask_aws(snapshot, role_principal()))
    assert "demo" in str(can_ask_aws(demo, role_principal()))
    assert "another account" in str(can_ask_aws(here, foreign))
    assert "users and roles only" in str(can_ask_aws(here, Principal(PrincipalKind.ANONYMOUS, "")))
    assert can_ask_aws(here, role_principal()) is None
    assert can_ask_aws(here, user_principal()) is None


def test_asking_anyway_raises_the_same_words() -> None:
    with pytest.raises(Problem, match="snapshot"):
        second_opinion(small_workspace(), role_principal(), GET)


# What is sent.


def test_a_user_brings_the_resource_policy_and_a_role_does_not(live: Live) -> None:
    policy = document("Allow", Principal="*")
    account = replace(small_account(), resource_policies={"arn:aws:s3:::data-lake": ResourcePolicy("present", policy)})

    of_user = simulation_of(live(account), user_principal(), GET)
    of_role = simulation_of(live(account), role_principal(), GET)

    assert (of_user.caller_arn, of_user.resource_policy) == (user_principal().arn, policy.raw)
    assert (of_role.caller_arn, of_role.resource_policy) == ("", "")


def test_context_keys_are_sent_with_aws_types_and_without_those_aws_fills(live: Live) -> None:
    question = replace(
        GET,
        context={
            "aws:sourceip": ("203.0.113.9",),
            "aws:TagKeys": ("a",),
            "aws:MultiFactorAuthAge": ("60",),
            "aws:PrincipalTag/Team": ("data",),
            "aws:SourceVpc": (),
        },
    )

    sent = {
        entry.key: (entry.values, entry.type)
        for entry in simulation_of(live(small_account()), role_principal(), question).context
    }

    assert sent["aws:SourceIp"] == (("203.0.113.9",), "ip")
    assert sent["aws:TagKeys"] == (("a",), "stringList")
    assert sent["aws:MultiFactorAuthAge"] == (("60",), "numeric")
    assert sent["aws:PrincipalTag/Team"] == (("data",), "string")
    assert sent["aws:SecureTransport"] == (("true",), "boolean")
    assert sent["aws:PrincipalArn"] == ((role_principal().arn,), "string")
    assert "aws:SourceVpc" not in sent
    assert not {key.lower() for key in sent} & {"aws:principalaccount", "aws:userid", "aws:principalorgid"}


def test_another_owner_of_the_resource_is_told(live: Live) -> None:
    queue = Question("sqs:SendMessage", "arn:aws:sqs:us-east-1:999999999999:q")

    assert simulation_of(live(small_account()), role_principal(), queue).resource_owner == "999999999999"
    assert simulation_of(live(small_account()), role_principal(), GET).resource_owner == ""


# Both answers.


def test_two_that_agree_need_no_explanation(live: Live, fault_proxy: FaultProxy) -> None:
    found = opinion_on(fault_proxy, live(small_account()), role_principal(), GET, "allowed")

    assert found.agree
    assert found.differences == ()
    assert found.endpoint == fault_proxy.url


def test_a_depends_agrees_when_it_does_with_the_missing_keys_absent(live: Live, fault_proxy: FaultProxy) -> None:
    condition = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    account = with_role_policies(small_account(), document("Allow", Condition=condition))

    found = opinion_on(
        fault_proxy, live(account), role_principal(), GET, "implicitDeny", missing=("aws:MultiFactorAuthPresent",)
    )

    assert found.ours.outcome.value == "depends"
    assert found.agree
    assert "iamtui says the same" in found.remarks[0]
    assert any("aws:MultiFactorAuthPresent" in remark for remark in found.remarks)


def test_an_rcp_that_denies_is_a_known_limit(live: Live, fault_proxy: FaultProxy) -> None:
    denies = document("Deny", Principal="*")
    account = replace(small_account(), organization=organization(rcp=denies))

    found = opinion_on(fault_proxy, live(account), role_principal(), GET, "allowed", organizations=True)

    assert not found.agree
    assert UNEXPLAINED not in found.differences
    assert "resource control policies" in found.differences[0]


def test_a_trust_policy_that_keeps_the_caller_out_is_a_known_limit(live: Live, fault_proxy: FaultProxy) -> None:
    account = small_account()
    trust = PolicyDocument.of(
        {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"},
        }
    )
    alice = replace(account.users[0], inline_policies=(InlinePolicy("all", EVERYTHING),))
    account = replace(account, users=(alice, *account.users[1:]), roles=(replace(account.roles[0], trust=trust),))
    question = Question("sts:AssumeRole", account.roles[0].arn)

    found = opinion_on(fault_proxy, live(account), user_principal(), question, "allowed")

    assert not found.agree
    assert UNEXPLAINED not in found.differences
    assert "trust policy" in " ".join(found.differences)


def test_a_resource_policy_that_lets_a_role_in_is_a_known_limit(live: Live, fault_proxy: FaultProxy) -> None:
    principal = role_principal()
    policy = document("Allow", Principal={"AWS": principal.arn})
    account = with_role_policies(small_account())
    account = replace(account, resource_policies={"arn:aws:s3:::data-lake": ResourcePolicy("present", policy)})

    found = opinion_on(fault_proxy, live(account), principal, GET, "implicitDeny")

    assert found.ours.allowed
    assert UNEXPLAINED not in found.differences
    assert "only for users" in " ".join(found.differences)


@pytest.mark.parametrize(
    ("policy", "says"), [(document("Deny"), "denies it"), (document("Allow", "ec2:*"), "does not allow it")]
)
def test_a_session_policy_that_does_not_let_it_pass_is_a_known_limit(
    live: Live, fault_proxy: FaultProxy, policy: PolicyDocument, says: str
) -> None:
    question = replace(GET, session_policies=(policy.raw,))

    found = opinion_on(fault_proxy, live(small_account()), role_principal(), question, "allowed")

    assert UNEXPLAINED not in found.differences
    assert f"takes no session policies; here the session policy {says}." in " ".join(found.differences)


def test_a_layer_switched_off_here_explains_what_aws_evaluates(live: Live, fault_proxy: FaultProxy) -> None:
    account = replace(small_account(), organization=organization(scp=document("Deny")))
    question = replace(GET, layers_off=frozenset({Layer.SCP}))

    found = opinion_on(fault_proxy, live(account), role_principal(), question, "explicitDeny", organizations=False)

    assert found.ours.allowed
    assert UNEXPLAINED not in found.differences
    assert "Switched off here: scp" in found.differences[0]


def test_scps_that_are_not_loaded_explain_a_denial_by_aws(live: Live, fault_proxy: FaultProxy) -> None:
    account = replace(small_account(), organization=Missing("not loaded", "organizations:DescribeOrganization"))

    found = opinion_on(fault_proxy, live(account), role_principal(), GET, "implicitDeny", organizations=False)

    assert UNEXPLAINED not in found.differences
    assert "one denies it or none of a level allows it; the SCPs are not loaded" in " ".join(found.differences)


@pytest.mark.parametrize(
    ("scp", "theirs", "allowed", "said"),
    [
        (EVERYTHING, "implicitDeny", False, "As loaded here: Every level has an SCP that allows it."),
        (document("Allow", "ec2:*"), "allowed", True, f"As loaded here: No SCP at level 1 ({ACCOUNT}) allows it."),
        (document("Deny"), "allowed", True, f"the-scp / statement 1 at level 1 ({ACCOUNT}) denies it."),
    ],
)
def test_where_only_one_says_that_the_scps_allow_it_ours_say_whether_one_denies_or_none_allows(
    live: Live, fault_proxy: FaultProxy, scp: PolicyDocument, theirs: str, allowed: bool, said: str
) -> None:
    account = replace(small_account(), organization=organization(scp=scp))

    found = opinion_on(fault_proxy, live(account), role_principal(), GET, theirs, organizations=allowed)

    assert not found.agree
    assert said in " ".join(found.differences)
    assert "an SCP denies" not in " ".join(found.differences)


@pytest.mark.parametrize(
    ("scp", "ours", "theirs", "why"),
    [
        (document("Deny"), "explicitDeny", "implicitDeny", "the-scp / statement 1 at level 1"),
        (document("Allow", "ec2:*"), "implicitDeny", "explicitDeny", "No SCP at level 1"),
    ],
)
def test_a_denial_by_the_same_scp_agrees_however_it_is_called(
    live: Live, fault_proxy: FaultProxy, scp: PolicyDocument, ours: str, theirs: str, why: str
) -> None:
    account = replace(small_account(), organization=organization(scp=scp))

    found = opinion_on(fault_proxy, live(account), role_principal(), GET, theirs, organizations=False)

    assert found.ours.outcome.value == ours
    assert found.agree
    assert "same cap" in found.remarks[0]
    assert why in found.remarks[0]


def test_a_difference_that_no_limit_explains_is_called_so(live: Live, fault_proxy: FaultProxy) -> None:
    found = opinion_on(fault_proxy, live(small_account()), role_principal(), GET, "explicitDeny")

    assert found.differences[-1] == UNEXPLAINED


def test_an_rcp_does_not_explain_a_denial_that_identity_policies_do_not_make(
    live: Live, fault_proxy: FaultProxy
) -> None:
    """AWS says implicitDeny where the identity policies allow: an RCP that denies here cannot be why."""
    account = replace(small_account(), organization=organization(rcp=document("Deny", Principal="*")))

    found = opinion_on(fault_proxy, live(account), role_principal(), GET, "implicitDeny", organizations=True)

    assert UNEXPLAINED in found.differences


def test_nothing_comes_of_it_once_it_is_cancelled(live: Live, fault_proxy: FaultProxy) -> None:
    assert second_opinion(live(small_account()), role_principal(), GET, lambda: True) is None
    assert fault_proxy.calls == []


def test_the_permission_it_needs_is_listed() -> None:
    assert find_feature("second-opinion").actions == ("iam:SimulatePrincipalPolicy",)
