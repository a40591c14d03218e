"""One MFA code for several roles: when it can be shared, when it is reused, and when it is forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from iamtui.account.model import Known, Missing
from iamtui.aws.errors import AwsProblem
from iamtui.credentials.assume_role import LEAST_LEFT, AssumeRoleInput, InvalidRequest, MfaWay
from iamtui.engine.decision import Outcome
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.workspace.assume.assume import assume
from iamtui.workspace.assume.assume_plan import plan_assume
from iamtui.workspace.assume.mfa import MfaCodeNeeded, MfaSessions, reuse_words
from iamtui.workspace.source.workspace import SourceKind, Workspace
from tests.support.assume_account import (
    ALICE,
    DENIED,
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

CODE = Secret("123456")
NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
ENTERED = AssumeRoleInput(ROLE, "alice", 3600, mfa_serial=SERIAL)
LONG_TERM_KEY = "AKIAIOSFODNN7EXAMPLE"
MFA_KEY = "ASIAMFASESSIONEXAMPLE"
RECENT = {"Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": "300"}}}
WRONG_CODE = sts_error("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ")


class Time:
    """A clock that the test moves; the canned STS follows it."""

    def __init__(self, sts: CannedSts) -> None:
        self.now = NOON
        self.sts = sts
        sts.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **by: float) -> None:
        self.now += timedelta(**by)
        self.sts.now = self.now


@pytest.fixture
def sts() -> CannedSts:
    return CannedSts()


@pytest.fixture
def time(sts: CannedSts) -> Time:
    return Time(sts)


@pytest.fixture
def sessions(time: Time) -> MfaSessions:
    return MfaSessions(clock=time)


@pytest.fixture
def space(sts: CannedSts) -> Workspace:
    return workspace(trust(**MFA), sts=sts)


def assumed(space: Workspace, sessions: MfaSessions, time: Time, entered: AssumeRoleInput = ENTERED) -> MfaWay:
    """Assume as a form does: ask which way, give a code only when one is needed."""
    choice = sessions.choice(space, entered)
    code = CODE if choice.needs_code else None
    assume(space, replace(entered, mfa_way=choice.way, mfa_code=code), mfa_sessions=sessions, clock=time)
    return choice.way


def calls(sts: CannedSts) -> list[tuple[str, str]]:
    return [(asked["Action"], key) for asked, key in zip(sts.requests, sts.signed_by, strict=True)]


def test_one_code_serves_several_roles(space: Workspace, sessions: MfaSessions, time: Time, sts: CannedSts) -> None:
    assert assumed(space, sessions, time) is MfaWay.SHARED
    time.passes(minutes=10)
    assert assumed(space, sessions, time) is MfaWay.REUSED
    assert [call for call in calls(sts) if call[0] != "GetCallerIdentity"] == [
        ("GetSessionToken", LONG_TERM_KEY),
        ("AssumeRole", MFA_KEY),
        ("AssumeRole", MFA_KEY),
    ]
    asked = sts.requests[0]
    assert (asked["SerialNumber"], asked["TokenCode"], asked["DurationSeconds"]) == (SERIAL, "123456", "3600")
    assert not any("TokenCode" in request for request in sts.requests[1:])


def test_a_form_can_say_that_and_how_long_a_code_is_reused(space: Workspace, sessions: MfaSessions, time: Time) -> None:
    assumed(space, sessions, time)
    time.passes(minutes=17, seconds=30)
    choice = sessions.choice(space, ENTERED)
    assert choice.session is not None
    at = f"{NOON.astimezone():%H:%M}"
    assert choice.note == reuse_words(choice.session, time.now) == f"The code from {at} is reused, 42 min left."
    assert choice.session.time_left(time.now) == timedelta(minutes=42, seconds=30)


def test_the_plan_counts_the_session_as_entered(space: Workspace, sessions: MfaSessions, time: Time) -> None:
    before = plan_assume(space, AssumeRoleInput(ROLE), mfa_sessions=sessions)
    assert before.mfa is not None
    assert before.mfa.way is MfaWay.SHARED
    assert before.decision is not None
    assert before.decision.outcome is Outcome.DEPENDS
    assert before.caller_temporary is False
    assumed(space, sessions, time)
    after = plan_assume(space, AssumeRoleInput(ROLE), mfa_sessions=sessions)
    assert after.mfa is not None
    assert after.mfa.way is MfaWay.REUSED
    assert after.decision is not None
    assert after.decision.outcome is Outcome.ALLOWED
    longer = plan_assume(space, AssumeRoleInput(ROLE, duration_seconds=7200), mfa_sessions=sessions)
    assert longer.mfa is not None
    assert longer.mfa.way is MfaWay.DIRECT


def test_a_plan_without_mfa_says_nothing_of_it(sts: CannedSts, sessions: MfaSessions) -> None:
    assert plan_assume(workspace(trust(), sts=sts), AssumeRoleInput(ROLE), mfa_sessions=sessions).mfa is None


def test_more_than_an_hour_needs_a_code_in_the_call(
    space: Workspace, sessions: MfaSessions, time: Time, sts: CannedSts
) -> None:
    assumed(space, sessions, time)
    sts.requests.clear()
    sts.signed_by.clear()
    assert assumed(space, sessions, time, replace(ENTERED, duration_seconds=7200)) is MfaWay.DIRECT
    assert calls(sts)[0] == ("AssumeRole", LONG_TERM_KEY)
    assert sts.requests[0]["TokenCode"] == "123456"


def test_a_longer_session_is_not_sent_through_a_shared_one(
    space: Workspace, sessions: MfaSessions, time: Time, sts: CannedSts
) -> None:
    entered = replace(ENTERED, duration_seconds=7200, mfa_way=MfaWay.SHARED, mfa_code=CODE)
    with pytest.raises(InvalidRequest, match="one MFA code for several roles gives: 1h at most"):
        assume(space, entered, mfa_sessions=sessions, clock=time)
    assert sts.requests == []


def test_a_role_that_wants_a_recent_code_gets_one(sessions: MfaSessions, time: Time, sts: CannedSts) -> None:
    space = workspace(trust(**RECENT), sts=sts)
    assert assumed(space, sessions, time) is MfaWay.SHARED
    time.passes(minutes=4)
    assert assumed(space, sessions, time) is MfaWay.REUSED
    time.passes(minutes=2)
    choice = sessions.choice(space, ENTERED)
    assert choice.way is MfaWay.DIRECT
    assert "too old for this role" in choice.note
    assert assumed(space, sessions, time) is MfaWay.DIRECT


def test_only_a_user_can_share(sessions: MfaSessions, sts: CannedSts) -> None:
    space = workspace(trust(ROOT, **MFA), sts=sts, caller=Known(f"arn:aws:iam::{ID}:root"))
    choice = sessions.choice(space, ENTERED)
    assert choice.way is MfaWay.DIRECT
    assert "only access keys of a user" in choice.note
    assert choice.needs_code


def test_a_roles_session_has_no_device(sessions: MfaSessions, sts: CannedSts) -> None:
    space = workspace(trust(ROOT, **MFA), sts=sts, caller=Known(f"arn:aws:sts::{ID}:assumed-role/Ops/alice"))
    choice = sessions.choice(space, ENTERED)
    assert not choice.needs_code
    assert choice.note.startswith("You act as a role's session, which has no MFA device")


def test_temporary_credentials_of_a_user_cannot_share(space: Workspace, sessions: MfaSessions) -> None:
    assert space.connection is not None
    temporary = replace(
        space, connection=space.connection.with_credentials("ASIAEXAMPLE00000", Secret("secret"), Secret("token"))
    )
    assert sessions.choice(temporary, ENTERED).way is MfaWay.DIRECT


def test_an_unknown_caller_cannot_share(sessions: MfaSessions, sts: CannedSts) -> None:
    space = workspace(trust(**MFA), sts=sts, caller=Missing("access denied"))
    assert sessions.choice(space, ENTERED).note == "The code serves this call alone: who is calling is not known."
    with pytest.raises(Problem, match="who is calling is not known"):
        sessions.start(space, SERIAL, CODE)


def test_a_foreign_role_can_use_the_shared_code(
    space: Workspace, sessions: MfaSessions, time: Time, sts: CannedSts
) -> None:
    assumed(space, sessions, time)
    sts.identity = "arn:aws:sts::999999999999:assumed-role/Partner/alice"
    assert assumed(space, sessions, time, replace(ENTERED, role_arn=FOREIGN)) is MfaWay.REUSED


def test_a_session_is_replaced_before_it_ends(
    space: Workspace, sessions: MfaSessions, time: Time, sts: CannedSts
) -> None:
    assumed(space, sessions, time)
    time.passes(minutes=57, seconds=59)
    assert sessions.choice(space, ENTERED).way is MfaWay.REUSED
    time.passes(seconds=2)
    assert sessions.live() == ()
    assert sessions.choice(space, ENTERED).way is MfaWay.SHARED
    assert timedelta(minutes=1) < LEAST_LEFT
    assumed(space, sessions, time)
    assert len(sessions.live()) == 1


def test_a_code_that_is_entered_anyway_starts_a_new_session(
    space: Workspace, sessions: MfaSessions, time: Time
) -> None:
    assumed(space, sessions, time)
    time.passes(minutes=30)
    assert sessions.choice(space, replace(ENTERED, mfa_code=CODE)).way is MfaWay.SHARED
    assume(space, replace(ENTERED, mfa_way=MfaWay.SHARED, mfa_code=CODE), mfa_sessions=sessions, clock=time)
    (session,) = sessions.live()
    assert session.time_left(time.now) == timedelta(hours=1)


def test_any_device_proves_mfa(space: Workspace, sessions: MfaSessions, time: Time) -> None:
    assumed(space, sessions, time)
    assert sessions.found(space) is not None
    assert sessions.found(space, "GAHT12345678") is None
    assert sessions.choice(space, replace(ENTERED, mfa_serial="")).way is MfaWay.REUSED


def test_a_session_is_its_callers_and_its_endpoints_alone(space: Workspace, sessions: MfaSessions, time: Time) -> None:
    assumed(space, sessions, time)
    assert space.connection is not None
    bob = space.with_account(replace(space.account, caller_arn=Known(f"arn:aws:iam::{ID}:user/bob")))
    assert sessions.found(bob) is None
    demo = replace(space, source=structs.replace(space.source, kind=SourceKind.DEMO))
    assert sessions.found(demo) is None
    elsewhere = CannedSts().connection()
    elsewhere.endpoint_url = "http://127.0.0.1:5000"
    assert sessions.found(replace(space, connection=elsewhere)) is None


def test_everything_is_forgotten(space: Workspace, sessions: MfaSessions, time: Time) -> None:
    assumed(space, sessions, time)
    (held,) = sessions.live()
    sessions.forget_all()
    assert not held.secret_access_key
    assert not held.session_token
    assert sessions.live() == ()
    assert sessions.found(space) is None
    with pytest.raises(MfaCodeNeeded) as problem:
        assume(space, replace(ENTERED, mfa_way=MfaWay.REUSED), mfa_sessions=sessions, clock=time)
    assert problem.value.next_step == "Enter a new code."


def test_what_is_forgotten_while_it_starts_stays_forgotten(
    space: Workspace, sessions: MfaSessions, sts: CannedSts
) -> None:
    sts.on_request = sessions.forget_all
    sessions.start(space, SERIAL, CODE)
    assert sessions.live() == ()


def test_a_wrong_code_is_named_as_such_and_can_be_corrected(
    space: Workspace, sessions: MfaSessions, time: Time, sts: CannedSts
) -> None:
    sts.mfa_refusal = WRONG_CODE
    with pytest.raises(AwsProblem) as problem:
        assumed(space, sessions, time)
    assert problem.value.sentence == "AWS refused the MFA code: invalid MFA one time pass code."
    assert problem.value.wrong_mfa_code
    sts.mfa_refusal = None
    assert assumed(space, sessions, time) is MfaWay.SHARED


@pytest.mark.usefixtures("quick_retries")
def test_a_code_that_may_have_been_used_up_is_told(
    space: Workspace, sessions: MfaSessions, time: Time, sts: CannedSts
) -> None:
    sts.mfa_refusal = sts_error("ServiceUnavailable", "x", 503)
    with pytest.raises(AwsProblem) as problem:
        assumed(space, sessions, time)
    assert problem.value.next_step.startswith("The MFA code may have been used up, so wait for the next one.")


def test_where_sts_refuses_to_share_the_next_code_goes_with_the_call(
    space: Workspace, sessions: MfaSessions, time: Time, sts: CannedSts
) -> None:
    sts.mfa_refusal = sts_error("AccessDenied", "Cannot call GetSessionToken with session credentials")
    with pytest.raises(AwsProblem):
        assumed(space, sessions, time)
    assert assumed(space, sessions, time) is MfaWay.DIRECT
    sessions.forget_all()
    assert sessions.choice(space, ENTERED).way is MfaWay.SHARED


def test_a_session_that_aws_does_not_accept_any_more_is_forgotten(
    space: Workspace, sessions: MfaSessions, time: Time, sts: CannedSts
) -> None:
    assumed(space, sessions, time)
    sts.refusal = sts_error("ExpiredToken", "The security token included in the request is expired")
    with pytest.raises(MfaCodeNeeded, match="does not accept the shared MFA session any more"):
        assumed(space, sessions, time)
    assert sessions.live() == ()


def test_a_refusal_with_a_shared_session_is_explained_like_any_other(
    sessions: MfaSessions, time: Time, sts: CannedSts
) -> None:
    sts.refusal = DENIED
    space = workspace(trust({"AWS": FOREIGN}, **MFA), sts=sts)
    with pytest.raises(AwsProblem, match="No statement of the role's trust policy lets the caller in"):
        assumed(space, sessions, time)


@pytest.mark.parametrize(
    ("serial", "code", "sentence"),
    [
        (SERIAL, None, "The MFA code is missing"),
        ("", None, "The MFA code is missing"),
        ("", CODE, "The MFA device is missing"),
        (SERIAL, Secret("12"), "exactly six digits"),
    ],
)
def test_a_code_that_is_none_is_not_sent(
    space: Workspace, sessions: MfaSessions, sts: CannedSts, serial: str, code: Any, sentence: str
) -> None:
    entered = replace(ENTERED, mfa_serial=serial, mfa_code=code, mfa_way=MfaWay.SHARED)
    with pytest.raises(InvalidRequest, match=sentence):
        assume(space, entered, mfa_sessions=sessions)
    assert sts.requests == []


def test_in_the_demo_our_refusal_comes_before_the_code_is_spent(sessions: MfaSessions, sts: CannedSts) -> None:
    may = document({"Effect": "Deny", "Action": "*", "Resource": "*"})
    space = workspace(trust(**MFA), sts=sts, kind=SourceKind.DEMO, may=may)
    with pytest.raises(Problem, match="AWS would refuse this, so the demo does"):
        assume(space, replace(ENTERED, mfa_way=MfaWay.SHARED, mfa_code=CODE), mfa_sessions=sessions)
    assert sts.requests == []


def test_in_the_demo_a_code_that_has_grown_too_old_since_the_plan_is_refused(
    sessions: MfaSessions, sts: CannedSts, time: Time
) -> None:
    space = workspace(trust(**RECENT), sts=sts, kind=SourceKind.DEMO)
    assumed(space, sessions, time)
    plan = plan_assume(space, ENTERED, mfa_sessions=sessions)
    assert plan.decision is not None
    assert plan.decision.outcome is Outcome.ALLOWED
    again = replace(ENTERED, mfa_way=MfaWay.REUSED)
    assert assume(space, again, plan=plan, mfa_sessions=sessions, clock=time).demo
    time.passes(seconds=301)
    with pytest.raises(Problem, match="AWS would refuse this, so the demo does"):
        assume(space, again, plan=plan, mfa_sessions=sessions, clock=time)


def test_the_secrets_of_a_session_are_not_told(space: Workspace, sessions: MfaSessions, time: Time) -> None:
    assumed(space, sessions, time)
    (session,) = sessions.live()
    assert session.caller_arn == ALICE
    assert session.secret_access_key.reveal() not in repr(session)
    assert session.session_token.reveal() not in repr(sessions.choice(space, ENTERED))
