"""Impact of a draft on the whole account: what is gained and lost, held against single questions before and after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import structs

from iamtui.account.model import Account
from iamtui.catalog.tables import REGIONS
from iamtui.drafts.aws_values import SCP
from iamtui.drafts.draft import Draft, DraftProblem, Edit
from iamtui.drafts.edits.organization import PutOrganizationPolicy
from iamtui.drafts.edits.policies import PutInlinePolicy, PutManagedPolicy, PutResourcePolicy
from iamtui.drafts.edits.principals import AttachPolicy, PutPermissionsBoundary, UpdateTrustPolicy
from iamtui.engine.decision import Outcome
from iamtui.policy.patterns import Glob, parse_arn, request_tokens
from iamtui.questions.question import Question
from iamtui.workspace.ask.questions import evaluator_of
from iamtui.workspace.change.compared_states import aligned
from iamtui.workspace.change.draft_session import DraftedAccount, Effect, apply, compare_everyone
from iamtui.workspace.change.impact import Count, Impact, family_of, impact_between, impact_of
from iamtui.workspace.source.principals import principal_for
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.questions.random_accounts import AccountMaker, QuestionMaker
from tests.support.draft_accounts import BUCKET, KEY, OPEN_BUCKET, drafting_account, drafting_workspace, edits, text
from tests.support.sample_account import ADMIN_ARN, BOUNDARY, ID, LAKE_READ, allow, deny, iam, trust
from tests.support.slow import few_slow

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
CAROL, BOB = iam("user/carol"), iam("user/data/bob")
WEB = iam("role/web-server")
POSSIBLE = (Outcome.ALLOWED, Outcome.DEPENDS)
ASKED = tuple(
    Question(action, resource)
    for action, resource in (
        ("s3:GetObject", f"{BUCKET}/table/1"),
        ("s3:PutObject", f"{OPEN_BUCKET}/x"),
        ("s3:GetObject", "arn:aws:s3:::scratch/y"),
        ("kms:Decrypt", KEY),
        ("lambda:InvokeFunction", f"arn:aws:lambda:us-east-1:{ID}:function:f"),
        ("ec2:DescribeInstances", "*"),
    )
)


def drafted(*made: Edit) -> DraftedAccount:
    return apply(drafting_workspace(), Draft(ID, edits=made))


def impact(*made: Edit) -> Impact:
    return impact_of(drafted(*made), now=NOW)


def access(found: Impact) -> set[tuple[str, str, str, str]]:
    return {
        (shift.effect.value, principal.arn, action, shift.resource)
        for shift in found.access
        for principal in shift.principals
        for action in shift.actions
    }


def test_an_edited_policy_is_counted_for_each_of_its_holders() -> None:
    found = impact(PutManagedPolicy(LAKE_READ.arn, text(allow("s3:ListBucket", BUCKET), allow("s3:PutObject", "*"))))
    assert ("gained", WEB, "s3:PutObject", "*") in access(found)
    assert ("lost", WEB, "s3:GetObject", f"{BUCKET}/*") in access(found)
    assert not {one for one in access(found) if one[2] == "s3:ListBucket"}, "what stays is not asked about"
    assert not {one for one in access(found) if one[1] == CAROL}
    by_principal = {principal.arn: count for principal, count in found.by_principal().items()}
    assert by_principal[WEB] == Count(gained=1, lost=2)
    deploy = next(count for arn, count in by_principal.items() if arn == iam("role/deploy-prod"))
    deleting = {one[2] for one in access(found) if one[1] == iam("role/deploy-prod") and one[0] == "gained"}
    assert {"s3:DeleteObject", "s3:DeleteObjectVersion"} <= deleting, "the Deny is gone too"
    writing = {one[:3] for one in access(found) if one[0] == "gained" and family_of(one[2]) == "s3 Write"}
    assert found.by_family()["s3 Write"].gained == len(writing)
    assert deploy.gained == len(deleting)


def test_a_boundary_that_comes_is_about_all_that_its_holder_may_do() -> None:
    lost = access(impact(PutPermissionsBoundary(WEB, BOUNDARY.arn)))
    assert {one[2] for one in lost if one[:2] == ("lost", WEB)} >= {"kms:Decrypt"}
    assert not {one for one in lost if one[2] == "s3:GetObject" and one[0] == "lost"}


def test_an_organizations_deny_takes_from_everybody_and_the_root_user() -> None:
    found = access(impact(PutOrganizationPolicy(SCP, ID, "fence", text(deny("s3:GetObject", f"{BUCKET}/*")))))
    assert {("lost", WEB, "s3:GetObject", f"{BUCKET}/*"), ("lost", iam("root"), "s3:GetObject", f"{BUCKET}/*")} <= found


def test_whom_a_resource_policy_names_outside_the_account_gains_too() -> None:
    stranger = "arn:aws:iam::555566667777:role/partner"
    policy = text(allow("s3:GetObject", f"{BUCKET}/*", Principal={"AWS": [stranger, CAROL]}))
    found = access(impact(PutResourcePolicy(BUCKET, policy)))
    assert ("gained", stranger, "s3:GetObject", f"{BUCKET}/*") in found
    assert ("gained", CAROL, "s3:GetObject", f"{BUCKET}/*") in found
    assert ("lost", BOB, "s3:PutObject", f"{BUCKET}/*") in found
    public = text(allow("s3:GetObject", f"{BUCKET}/*", Principal="*"))
    opened = impact(PutResourcePolicy(BUCKET, public))
    assert ("gained", "", "s3:GetObject", f"{BUCKET}/*") in access(opened), "anonymous"
    assert opened.not_compared == ()
    by_name = {one.stands_for: count.gained for one, count in opened.by_principal().items() if one.stands_for}
    assert by_name == {"*": 1}


def test_whom_a_resource_policy_describes_gains_and_loses_too() -> None:
    def opened(pattern: str) -> PutResourcePolicy:
        asks = {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::*:role/{pattern}"}}
        return PutResourcePolicy(BUCKET, text(allow("s3:GetObject", f"{BUCKET}/*", Principal="*", Condition=asks)))

    (shift,) = (
        one for one in impact(opened("Deploy*")).access if any(principal.stands_for for principal in one.principals)
    )
    assert {one.stands_for for one in shift.principals if one.stands_for} == {"arn:aws:iam::*:role/Deploy*"}
    assert (shift.effect, shift.before, shift.after) == (Effect.GAINED, Outcome.IMPLICIT_DENY, Outcome.DEPENDS)


def test_roles_whose_trust_opens_and_closes() -> None:
    found = impact(UpdateTrustPolicy(WEB, trust({"AWS": CAROL}).text))
    shifts = {(shift.effect, shift.edge.role.name, shift.edge.name) for shift in found.trust}
    assert shifts == {
        (Effect.GAINED, "web-server", CAROL),
        (Effect.LOST, "web-server", "ec2.amazonaws.com"),
    }


@pytest.mark.parametrize("action", ["sts:SetSourceIdentity", "sts:TagSession"])
def test_a_trust_policy_that_opens_what_goes_with_a_session(action: str) -> None:
    """A source identity and session tags are what conditions on them go by, so who may set them counts."""
    stranger = "arn:aws:iam::555566667777:role/partner"
    actions = ["sts:AssumeRole", action]
    who = {"Service": "ec2.amazonaws.com"}
    lets_in = [
        {"Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "Principal": {"AWS": stranger}, "Action": actions},
    ]
    found = impact(UpdateTrustPolicy(WEB, text(*lets_in)))
    shifts = {(shift.effect, shift.edge.name, shift.edge.action) for shift in found.trust}
    assert shifts == {(Effect.GAINED, stranger, one) for one in actions}
    # Whom the role already lets in gains it, too.
    found = impact(UpdateTrustPolicy(WEB, text({"Effect": "Allow", "Principal": who, "Action": actions})))
    (shift,) = found.trust
    assert (shift.effect, shift.edge.name, shift.edge.action) == (Effect.GAINED, "ec2.amazonaws.com", action)


@pytest.mark.slow
def test_who_becomes_administrator_by_a_path_or_is_one() -> None:
    found = impact(AttachPolicy(CAROL, ADMIN_ARN), PutInlinePolicy(BOB, "extra", text(allow("iam:*"))))
    shifts = {shift.principal.name: shift for shift in found.escalations}
    assert shifts["carol"].effect is Effect.GAINED
    assert shifts["carol"].escalation is None
    assert "bob" not in shifts, "the boundary of bob holds iam back"
    path = impact(PutInlinePolicy(CAROL, "extra", text(allow("iam:PutUserPolicy", CAROL))))
    (shift,) = path.escalations
    assert shift.escalation is not None
    assert shift.escalation.moves[0].steps[0].action == "iam:PutUserPolicy"


def test_escalations_are_searched_only_where_the_draft_can_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_workspace: object) -> None:
        raise AssertionError("searched")

    monkeypatch.setattr("iamtui.workspace.change.impact.find_escalations", never)
    assert impact(PutInlinePolicy(CAROL, "extra", text(allow("s3:GetObject", f"{BUCKET}/*")))).access


def test_what_an_attached_policy_says_that_is_not_loaded_is_said_to_be_unknown() -> None:
    found = impact(AttachPolicy(CAROL, iam("policy/ops-runbooks")))
    assert found.not_compared == (f"What the policy {iam('policy/ops-runbooks')} says is not known",)


def test_the_questions_are_bounded_and_the_bound_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iamtui.workspace.change.impact.MOST_QUESTIONS", 3)
    found = impact(AttachPolicy(CAROL, ADMIN_ARN))
    assert "Only the first 3 pairs of action and resource are compared" in found.not_compared


def test_answers_that_are_worked_out_one_by_one_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iamtui.workspace.change.impact.MOST_DECISIONS", 1)
    found = impact(PutManagedPolicy(LAKE_READ.arn, text(allow("s3:*", f"{BUCKET}/x*"), allow("sqs:*", "*"))))
    assert any(said.startswith("Only the first ") for said in found.not_compared)


def test_a_boundary_that_is_not_known_is_named() -> None:
    unknown = iam("policy/ops-runbooks")
    said = f"What the policy {unknown} says is not known"
    assert impact(PutPermissionsBoundary(BOB, unknown)).not_compared == (said,)
    assert impact(PutPermissionsBoundary(CAROL, unknown)).not_compared == (said,)


@pytest.mark.slow
def test_it_tells_how_many_pairs_were_compared() -> None:
    told: list[int] = []
    impact_of(drafted(AttachPolicy(CAROL, ADMIN_ARN)), told=told.append, now=NOW)
    assert told == list(range(len(told)))
    assert len(told) > 100


def test_a_draft_that_does_not_fit_has_no_impact() -> None:
    with pytest.raises(DraftProblem):
        impact(AttachPolicy(iam("user/nobody"), ADMIN_ARN))


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(st.lists(edits(drafting_account()), min_size=1, max_size=2))
def test_whatever_a_single_question_finds_gained_or_lost_is_in_it(made: list[Edit]) -> None:
    found = drafted(*made)
    assume(not found.problems)
    whole = impact_of(found, now=NOW)
    for asked in ASKED:
        for comparison in compare_everyone(found, asked, now=NOW):
            before, after = comparison.before.worst.deciding.outcome, comparison.after.worst.deciding.outcome
            if (before in POSSIBLE) is (after in POSSIBLE):
                continue
            named = [
                shift
                for shift in whole.access
                if asked.action in shift.actions and comparison.principal.arn in {one.arn for one in shift.principals}
            ]
            assert named or whole.not_compared, (asked, comparison.principal.arn, before, after)


def changed_at_random(account: Account, other: Account, random: Random) -> Account:
    """The account with the policies of some user or role, or of a level of the organization, taken from another."""
    users, roles, organization = list(account.users), list(account.roles), account.organization
    kind = random.choice(("user", "role", "trust", "organization"))
    if kind == "user":
        at, given = random.randrange(len(users)), random.choice(other.users)
        users[at] = replace(users[at], inline_policies=given.inline_policies, groups=given.groups)
    elif kind == "organization":
        organization = other.organization
    else:
        at, given_role = random.randrange(len(roles)), random.choice(other.roles)
        changes = {"trust": given_role.trust} if kind == "trust" else {"inline_policies": given_role.inline_policies}
        roles[at] = replace(roles[at], **changes)
    return replace(account, users=tuple(users), roles=tuple(roles), organization=organization)


@pytest.mark.slow
@pytest.mark.parametrize("first", few_slow(range(0, 60, 6), 1))
def test_what_a_single_question_finds_gained_or_lost_in_random_accounts_is_in_it(first: int) -> None:
    differing = 0
    for seed in range(first, first + 6):
        making = AccountMaker(Random(seed))
        account = making.account()
        maker = QuestionMaker(Random(f"impact {seed}"), making.services)
        after = changed_at_random(account, AccountMaker(Random(f"other {seed}")).account(), Random(seed))
        old, new = (
            Workspace(one, SourceInfo(SourceKind.SNAPSHOT, "x.json", region="eu-west-1")) for one in (account, after)
        )
        found = impact_between(aligned(old, new), {one.arn for one in account.principals}, now=NOW)
        for asked in (maker.question() for _ in range(20)):
            if asked.action.endswith(":") or parse_arn(asked.resource) is None:
                continue
            plain = Question(asked.action, asked.resource, region="eu-west-1")
            asks_for = Glob(request_tokens(asked.resource))
            evaluators = evaluator_of(old, plain, NOW), evaluator_of(new, plain, NOW)
            for one in account.principals:
                was, now = (
                    evaluator.decide(principal_for(at, one)).outcome in POSSIBLE
                    for evaluator, at in zip(evaluators, (old, new), strict=True)
                )
                if was is now:
                    continue
                differing += 1
                named = [
                    *(shift.principals for shift in found.access if is_about(shift.actions, asked.action)),
                    *((shift.edge.principal,) for shift in found.trust if asks_for.matches(shift.edge.role.arn)),
                ]
                is_named = any(one.arn == each.arn for some in named for each in some)
                assert is_named or found.not_compared, (seed, plain, one.arn, was, now)
    assert differing, "nothing was compared"


def is_about(actions: Iterable[str], action: str) -> bool:
    return action.lower() in map(str.lower, actions)


_REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "ap-south-1")
_CONDITIONS: tuple[dict[str, dict[str, Any]], ...] = (
    {},
    {"StringEquals": {"aws:RequestedRegion": "us-west-2"}},
    {"StringNotEquals": {"aws:RequestedRegion": ["us-east-1", "eu-west-1"]}},
    {"StringLike": {"aws:RequestedRegion": "eu-*"}},
    {"Bool": {"aws:SecureTransport": "false"}},
    {"Bool": {"aws:SecureTransport": "true"}},
    {"Bool": {"aws:ViaAWSService": "true"}},
    {"DateGreaterThan": {"aws:CurrentTime": "2999-01-01T00:00:00Z"}},
    {"DateLessThan": {"aws:CurrentTime": "2999-01-01T00:00:00Z"}, "Bool": {"aws:SecureTransport": "false"}},
)
_STATEMENTS = st.lists(
    st.builds(
        lambda effect, condition: {"Effect": effect, "Action": "sqs:SendMessage", "Resource": "*"} | condition,
        st.sampled_from(["Allow", "Allow", "Deny"]),
        st.sampled_from([{"Condition": one} if one else {} for one in _CONDITIONS]),
    ),
    min_size=1,
    max_size=3,
)
_OTHER_CALLS = tuple(
    ({"aws:SecureTransport": (tls,), "aws:ViaAWSService": (via,), "aws:CurrentTime": (time,)}, region)
    for tls in ("true", "false")
    for via in ("true", "false")
    for time in ("2026-11-25T12:00:00Z", "3000-01-01T00:00:00Z")
    for region in _REGIONS
)


@settings(max_examples=20, deadline=None)
@given(_STATEMENTS, _STATEMENTS, _STATEMENTS, st.sampled_from(_REGIONS))
def test_what_is_gained_in_any_region_at_any_time_by_any_call_is_in_it(
    before: list[dict[str, Any]], after: list[dict[str, Any]], scp: list[dict[str, Any]], region: str
) -> None:
    """Also where what differs is unconditional, and a policy that stays hides it from a call of now."""
    queue = f"arn:aws:sqs:*:{ID}:q"
    old, new = (_with_policies(own, [allow("*", "*"), *scp], region) for own in (before, after))
    found = impact_between(aligned(old, new), {WEB}, now=NOW)
    shown = {shift.effect for shift in found.access if "sqs:SendMessage" in shift.actions}
    assume(not found.not_compared)
    role = old.account.role("web-server")
    assert role is not None
    web = principal_for(old, role)
    for context, where in _OTHER_CALLS:
        asked = Question("sqs:SendMessage", queue, context, region=where)
        was, now = (evaluator_of(one, asked, NOW).decide(web).outcome in POSSIBLE for one in (old, new))
        wanted = Effect.GAINED if now else Effect.LOST
        assert was is now or shown & {wanted, Effect.CHANGED}, (context, where)


def test_a_region_that_no_policy_names_is_shown_by_one_that_exists() -> None:
    elsewhere = allow("sqs:SendMessage", Condition={"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}})
    old, new = (_with_policies(own, [allow("*")], "us-east-1") for own in ([], [elsewhere]))
    (shift,) = (one for one in impact_between(aligned(old, new), {WEB}, now=NOW).access if one.actions)
    assert shift.when.removeprefix("aws:RequestedRegion = ") in REGIONS["aws"]


def test_a_condition_that_another_statement_makes_is_the_same() -> None:
    office: dict[str, Any] = {"Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}
    queue = f"arn:aws:sqs:us-east-1:{ID}:q"
    everywhere, only = allow("sqs:SendMessage", **office), allow("sqs:SendMessage", queue, **office)
    old = _with_policies([everywhere], [allow("*")], "us-east-1")
    new = _with_policies([deny("s3:*"), only], [allow("*")], "us-east-1")
    found = impact_between(aligned(old, new), {WEB}, now=NOW)
    changed = {(shift.effect, shift.resource) for shift in found.access if "sqs:SendMessage" in shift.actions}
    assert changed == {(Effect.CHANGED, "*")}


def _with_policies(own: list[dict[str, Any]], scp: list[dict[str, Any]], region: str) -> Workspace:
    base = drafting_workspace()
    base = replace(base, source=structs.replace(base.source, region=region))
    made = (PutInlinePolicy(WEB, "own", text(*own)), PutOrganizationPolicy(SCP, ID, "fence", text(*scp)))
    return apply(base, Draft(ID, edits=made)).after
