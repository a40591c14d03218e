"""Keys of callers that AWS fixes in part: whose session it is, since when, with which tags, and with MFA or without."""

from __future__ import annotations

from typing import Any

import pytest

from iamtui.account.model import Account, InlinePolicy, Role
from iamtui.engine.decision import Decision, Outcome
from iamtui.engine.request import Mode, principal_from_text
from iamtui.questions.account_index import account_index
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question
from iamtui.workspace.ask.proof_result import ProofStatus
from iamtui.workspace.ask.questions import ask_and_trace
from iamtui.workspace.prove.proofs import prove_never
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.questions.test_strict import ALLOWED, DENIED, DEPENDS, ID, NOON, deny, document

SAML = {"Federated": f"arn:aws:iam::{ID}:saml-provider/idp"}
OIDC = {"Federated": f"arn:aws:iam::{ID}:oidc-provider/token.example"}
EC2 = {"Service": "ec2.amazonaws.com"}
ROOT = {"AWS": f"arn:aws:iam::{ID}:root"}
USER = {"AWS": f"arn:aws:iam::{ID}:user/alice"}
ACTION = {"Service": "sts:AssumeRole", "AWS": "sts:AssumeRole", "Federated": "sts:AssumeRoleWithSAML"}


def trust(*principals: dict[str, str], tags: bool = False) -> Any:
    """A trust policy that lets principals in, each by the call that it takes."""
    return document(
        *(
            {
                "Effect": "Allow",
                "Principal": one,
                "Action": [ACTION[next(iter(one))], *(["sts:TagSession"] if tags else [])],
            }
            for one in principals
        )
    )


def account(condition: dict[str, Any], trusted: Any, *, effect: str = "Deny") -> Account:
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    statements = (allow, deny(condition)) if effect == "Deny" else ({**allow, "Condition": condition},)
    own = (InlinePolicy("own", document(*statements)),)
    roles = tuple(
        Role(name, "/", f"arn:aws:iam::{ID}:role/{name}", f"AROA{name.upper()}", None, trusted, own, (), tags=tags)
        for name, tags in (("dev", (("team", "red"),)), ("ops", ()), ("web", ()))
    )
    return Account(id=ID, roles=roles)


def asked(of: Account, who: str = "role/dev", mode: Mode = Mode.DISCOVER, **context: tuple[str, ...]) -> Decision:
    """The decision, which is the same for a role of the index."""
    workspace = Workspace(of, SourceInfo(SourceKind.SNAPSHOT, "x"))
    principal = principal_from_text(who) if who.startswith("arn:") else resolve_principal(workspace, who)
    given = {f"aws:{key}": values for key, values in context.items()}
    question = Question("ecs:ListClusters", "*", given, mode, region="eu-west-1")
    found = QuestionEvaluator(of, question, NOON).decide(principal)
    index = account_index(of)
    place = index.place_of(principal)
    outcomes = QuestionEvaluator(of, question, NOON).outcomes()
    if place is not None and outcomes is not None:
        assert outcomes.of(place) in (found.outcome, None)
        assert not outcomes.left >> place & 1
    return found


@pytest.mark.parametrize("mode", [Mode.DISCOVER, Mode.STRICT])
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringLike": {"aws:userid": "AROADEV:*"}}, DENIED),
        ({"StringNotLike": {"aws:userid": "AROADEV:*"}}, ALLOWED),
        ({"StringNotLike": {"aws:userid": ["AIDAX", "AROAOPS:*", "AROADEV:*"]}}, ALLOWED),
        ({"StringNotLikeIfExists": {"aws:userid": "AROADEV:??*"}}, ALLOWED),
        ({"ForAllValues:StringLike": {"aws:userid": "AROA*"}}, DENIED),
        ({"StringLike": {"aws:userid": "AROAOPS:*"}}, ALLOWED),
        ({"StringNotLike": {"aws:userid": "AROAOPS:*"}}, DENIED),
        ({"StringNotLike": {"aws:userid": "AROADEV"}}, DENIED),
        ({"StringEquals": {"aws:userid": "AROAOPS:me"}}, ALLOWED),
        ({"StringEquals": {"aws:userid": "AROADEV:me"}}, DEPENDS),
        ({"StringEqualsIgnoreCase": {"aws:userid": "aroadev:me"}}, DEPENDS),
        ({"StringLike": {"aws:userid": "AROADEV:a*"}}, DEPENDS),
        ({"StringLike": {"aws:userid": "AROADEV:???*"}}, DEPENDS),
        ({"StringLike": {"aws:userid": ["AROADEV:a*", "*:*"]}}, DENIED),
        ({"StringLike": {"aws:userid": "${aws:PrincipalTag/none}:*"}}, ALLOWED),
        ({"StringLike": {"aws:userid": "${aws:userid}"}}, DEPENDS),
        ({"Null": {"aws:userid": "true"}}, ALLOWED),
        ({"ArnLike": {"aws:userid": "AROADEV:*"}}, ALLOWED),
        ({"Bool": {"aws:userid": "true"}}, ALLOWED),
        # A session of now, whose credentials last at most 36 hours.
        ({"DateLessThan": {"aws:TokenIssueTime": "2026-01-01T00:00:00Z"}}, ALLOWED),
        ({"DateGreaterThan": {"aws:TokenIssueTime": "2026-01-01T00:00:00Z"}}, DENIED),
        ({"DateGreaterThan": {"aws:TokenIssueTime": "2030-01-01"}}, ALLOWED),
        ({"DateEquals": {"aws:TokenIssueTime": "2026-01-01"}}, ALLOWED),
        ({"DateNotEquals": {"aws:TokenIssueTime": "2026-01-01"}}, DENIED),
        ({"DateLessThan": {"aws:TokenIssueTime": f"{NOON:%Y-%m-%dT%H:%M:%S}Z"}}, DEPENDS),
        ({"DateEquals": {"aws:TokenIssueTime": f"{NOON:%Y-%m-%d}"}}, DEPENDS),
        ({"Null": {"aws:TokenIssueTime": "false"}}, DENIED),
        ({"StringLike": {"aws:TokenIssueTime": "2026*"}}, DEPENDS),
    ],
)
def test_whose_session_it_is_and_since_when(condition: dict[str, Any], expected: Outcome, mode: Mode) -> None:
    assert asked(account(condition, trust(EC2)), mode=mode).outcome is expected


def test_a_session_that_is_named_and_other_callers_have_whole_ids() -> None:
    of = account({"StringNotEquals": {"aws:userid": "AROADEV:me"}}, trust(ROOT))
    assert asked(of, f"arn:aws:sts::{ID}:assumed-role/dev/me").outcome is ALLOWED
    assert asked(of, f"arn:aws:sts::{ID}:assumed-role/dev/you").outcome is DENIED


def test_a_time_that_is_given_is_that_of_the_session_too() -> None:
    of = account({"DateLessThan": {"aws:TokenIssueTime": "2026-01-01T00:00:00Z"}}, trust(EC2))
    assert asked(of, CurrentTime=("2025-06-01T00:00:00Z",)).outcome is DENIED
    assert asked(of, CurrentTime=("2026-01-01T06:00:00Z",)).outcome is DEPENDS
    assert asked(of, TokenIssueTime=("2025-12-01T00:00:00Z",)).outcome is DENIED


MFA = "aws:MultiFactorAuthPresent"
FOUR = [{"Bool": {MFA: "true"}}, {"BoolIfExists": {MFA: "false"}}, {"Bool": {MFA: "false"}}, {"Null": {MFA: "true"}}]


@pytest.mark.parametrize(
    ("trusted", "expected"),
    [
        ((EC2,), (ALLOWED, DENIED, DEPENDS, DEPENDS)),
        ((EC2, SAML), (ALLOWED, DENIED, DEPENDS, DEPENDS)),
        ((SAML,), (ALLOWED, DENIED, ALLOWED, DENIED)),
        ((OIDC, SAML), (ALLOWED, DENIED, ALLOWED, DENIED)),
        ((USER,), (DEPENDS,) * 4),
        ((ROOT, EC2), (DEPENDS,) * 4),
        ((), (DEPENDS,) * 4),
    ],
)
def test_mfa_of_a_session_follows_from_who_can_start_it(
    trusted: tuple[dict[str, str], ...], expected: tuple[Outcome, ...]
) -> None:
    found = tuple(asked(account(condition, trust(*trusted))).outcome for condition in FOUR)
    assert found == expected
    strict = tuple(asked(account(condition, trust(*trusted)), mode=Mode.STRICT).outcome for condition in FOUR)
    assert strict == (ALLOWED, DENIED, ALLOWED, DENIED), "nobody gave it"
    given = asked(account(FOUR[0], trust(*trusted)), MultiFactorAuthPresent=("true",))
    assert given.outcome is DENIED


@pytest.mark.parametrize(
    ("trusted", "tags", "expected"),
    [
        ((EC2,), False, (ALLOWED, DENIED)),
        ((SAML, USER), False, (ALLOWED, DENIED)),
        ((EC2,), True, (DEPENDS, DEPENDS)),
        ((ROOT,), False, (DEPENDS, DEPENDS)),
        (({"AWS": "*"},), False, (DEPENDS, DEPENDS)),
        (({"AWS": f"arn:aws:iam::{ID}:role/ops"},), False, (DEPENDS, DEPENDS)),
    ],
)
def test_without_tag_session_a_session_has_the_tags_of_its_role_alone(
    trusted: tuple[dict[str, str], ...], tags: bool, expected: tuple[Outcome, Outcome]
) -> None:
    trusts = trust(*trusted, tags=tags)
    other = {"StringEquals": {"aws:PrincipalTag/cost": "1"}}
    lacking = {"StringNotEquals": {"aws:PrincipalTag/cost": "1"}}
    assert (asked(account(other, trusts)).outcome, asked(account(lacking, trusts)).outcome) == expected
    own = account({"StringEquals": {"aws:PrincipalTag/team": "blue"}}, trusts)
    settled = expected[0] is ALLOWED
    assert ("no session tag replaces a tag of dev" in asked(own).assumptions) is not settled
    workspace = Workspace(own, SourceInfo(SourceKind.SNAPSHOT, "x"))
    assert (prove_never(workspace, ["role/dev"], ["ecs:ListClusters"]).status is ProofStatus.PROVED) is False
    red = account({"StringEquals": {"aws:PrincipalTag/team": "red"}}, trusts)
    proof = prove_never(Workspace(red, SourceInfo(SourceKind.SNAPSHOT, "x")), ["role/dev"], ["ecs:ListClusters"])
    assert (proof.status is ProofStatus.PROVED) is settled


def test_the_trace_says_what_is_known_of_a_key() -> None:
    of = account({"StringLike": {"aws:userid": "AROADEV:a*"}}, trust(EC2))
    workspace = Workspace(of, SourceInfo(SourceKind.SNAPSHOT, "x"))
    principal = resolve_principal(workspace, "role/dev")
    decision, trace, *_ = ask_and_trace(workspace, principal, Question("ecs:ListClusters", "*"), now=NOON)
    assert decision.missing_context == ("aws:userid",)
    assert "it begins with AROADEV:" in repr(trace)
