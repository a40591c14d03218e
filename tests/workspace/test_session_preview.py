"""What a session could still do under session policies, and the meter of their size."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from iamtui.account.model import InlinePolicy
from iamtui.credentials.session import AssumeExtras
from iamtui.engine.decision import Outcome
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.workspace.assume.assume_plan import compact_policy, policy_problem
from iamtui.workspace.assume.session_preview import MOST_TYPICAL, PreviewRow, SessionPreview, preview_session
from iamtui.workspace.source.workspace import Workspace
from tests.support.assume_account import FOREIGN, ID, ROLE, document, trust, workspace

READ = {"Effect": "Allow", "Action": ["s3:Get*", "s3:ListBucket"], "Resource": "*"}
LOGS = {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"]}
QUEUE = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": f"arn:aws:sqs:eu-west-1:{ID}:jobs"}
TEAM = {
    "Effect": "Allow",
    "Action": "dynamodb:GetItem",
    "Resource": "*",
    "Condition": {"StringEquals": {"aws:PrincipalTag/team": "blue"}},
}


def space(*statements: dict[str, Any]) -> Workspace:
    found = workspace(trust())
    (role,) = found.account.roles
    role = replace(role, inline_policies=(InlinePolicy("own", document(*statements)),))
    return found.with_account(replace(found.account, roles=(role,)))


def inline(*statements: dict[str, Any]) -> AssumeExtras:
    return AssumeExtras(policy=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def outcomes(preview: SessionPreview) -> dict[str, tuple[Outcome, Outcome]]:
    return {row.question.action: (row.before.outcome, row.after.outcome) for row in preview.rows}


def test_what_is_typical_is_what_the_roles_own_policies_allow() -> None:
    preview = preview_session(space(LOGS, QUEUE), ROLE, inline(READ))
    assert outcomes(preview) == {
        "s3:GetObject": (Outcome.ALLOWED, Outcome.ALLOWED),
        "s3:PutObject": (Outcome.ALLOWED, Outcome.IMPLICIT_DENY),
        "s3:ListBucket": (Outcome.ALLOWED, Outcome.ALLOWED),
        "sqs:SendMessage": (Outcome.ALLOWED, Outcome.IMPLICIT_DENY),
    }
    assert [row.question.resource for row in preview.rows if row.question.action == "s3:GetObject"] == [
        "arn:aws:s3:::logs/*"
    ]
    assert preview.lost == 2
    assert not any(row.asked for row in preview.rows)


def test_the_question_that_was_asked_comes_first() -> None:
    pinned = Question("s3:DeleteObject", "arn:aws:s3:::logs/x")
    preview = preview_session(space(LOGS), ROLE, inline(READ), (pinned,))
    first: PreviewRow = preview.rows[0]
    assert first.asked
    assert first.lost
    assert first.changed
    assert first.question is pinned
    assert (first.before.outcome, first.after.outcome) == (Outcome.ALLOWED, Outcome.IMPLICIT_DENY)


def test_what_a_policy_that_cannot_be_read_does_is_not_known_and_not_taken_away() -> None:
    preview = preview_session(space(LOGS, QUEUE), ROLE, AssumeExtras(policy='{"Statement": ['))
    assert preview.rows
    assert {row.after.outcome for row in preview.rows} == {Outcome.DEPENDS}
    assert (preview.lost, preview.doubtful) == (0, len(preview.rows))


def test_without_session_policies_nothing_changes() -> None:
    preview = preview_session(space(LOGS), ROLE, AssumeExtras())
    assert preview.rows
    assert not any(row.changed for row in preview.rows)
    assert (preview.characters, preview.findings, preview.problems, preview.notes) == (0, (), (), ())


def test_a_session_policy_adds_nothing() -> None:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    preview = preview_session(space(QUEUE), ROLE, inline(everything), (Question("iam:CreateUser"),))
    assert preview.rows[0].after.outcome is Outcome.IMPLICIT_DENY


def test_an_explicit_deny_in_it_is_one() -> None:
    never = {"Effect": "Deny", "Action": "s3:Put*", "Resource": "*"}
    preview = preview_session(space(LOGS), ROLE, inline(READ, never))
    assert outcomes(preview)["s3:PutObject"][1] is Outcome.EXPLICIT_DENY


def test_managed_session_policies_count_and_those_of_aws_are_known() -> None:
    extras = AssumeExtras(policy_arns=("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",))
    preview = preview_session(space(LOGS), ROLE, extras)
    assert outcomes(preview)["s3:GetObject"] == (Outcome.ALLOWED, Outcome.ALLOWED)
    assert outcomes(preview)["s3:PutObject"] == (Outcome.ALLOWED, Outcome.IMPLICIT_DENY)
    assert preview.characters == len(extras.policy_arns[0])
    assert preview.notes == ()


def test_one_that_is_not_loaded_is_named_and_never_taken_for_a_yes() -> None:
    arn = f"arn:aws:iam::{ID}:policy/elsewhere"
    preview = preview_session(space(LOGS), ROLE, AssumeExtras(policy_arns=(arn,)))
    assert {after for _, after in outcomes(preview).values()} == {Outcome.DEPENDS}
    assert preview.notes == (f"{arn} is not loaded, so what it allows is not known.",)


def test_both_answers_are_those_of_a_session_with_the_tags() -> None:
    tagged = structs.replace(
        inline({"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}), tags=(("team", "blue"),)
    )
    assert outcomes(preview_session(space(TEAM), ROLE, tagged)) == {
        "dynamodb:GetItem": (Outcome.ALLOWED, Outcome.ALLOWED)
    }
    wrong = structs.replace(tagged, tags=(("team", "red"),))
    assert preview_session(space(TEAM), ROLE, wrong).rows == ()


def test_size_findings_and_problems_are_told() -> None:
    long = {"Effect": "Allow", "Action": "s3:GetObjekt", "Resource": ["arn:aws:s3:::" + "x" * 2000]}
    extras = structs.replace(inline(long), policy_arns=("arn:aws:iam::999999999999:policy/p",))
    preview = preview_session(space(LOGS), ROLE, extras)
    assert preview.characters == len(extras.policy) + len(extras.policy_arns[0])
    assert "unknown-action" in {finding.code for finding in preview.findings}
    assert any(f"have {preview.characters} characters together; STS takes 2048" in one for one in preview.problems)
    assert any("in another account" in one for one in preview.problems)


def test_a_policy_that_cannot_be_read_is_a_finding_and_no_yes() -> None:
    preview = preview_session(space(LOGS), ROLE, AssumeExtras(policy="{"))
    assert preview.findings[0].code == "not-json"
    assert Outcome.ALLOWED not in {after for _, after in outcomes(preview).values()}


def test_of_a_role_that_is_not_loaded_only_the_policy_is_judged() -> None:
    preview = preview_session(space(LOGS), FOREIGN, inline(READ), (Question("s3:GetObject"),))
    assert preview.rows == ()
    assert preview.notes == ("What the role may do is not known: its policies are not loaded.",)
    assert preview.characters > 0


def test_a_question_that_cannot_be_asked_is_a_note() -> None:
    preview = preview_session(space(LOGS), ROLE, inline(READ), (Question("nonsense"),))
    assert preview.notes[0].startswith("nonsense is not an action")
    assert preview.rows


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
    ],
)
def test_of_a_role_that_may_everything_the_well_known_are_shown(statement: dict[str, Any]) -> None:
    preview = preview_session(space(statement), ROLE, inline(READ))
    assert len(preview.rows) == MOST_TYPICAL
    services = [row.question.action.partition(":")[0] for row in preview.rows]
    assert len(set(services)) == MOST_TYPICAL, "one of each service before a second of any"
    assert ("iam" in services) is (statement.get("Action") == "*")


def test_a_role_without_policies_has_nothing_to_show() -> None:
    assert preview_session(workspace(trust()), ROLE, inline(READ)).rows == ()


def test_a_cancelled_preview_stops_and_is_not_kept() -> None:
    found = space(LOGS)
    assert preview_session(found, ROLE, inline(READ), (Question("s3:GetObject"),), cancelled=lambda: True).rows == ()
    assert preview_session(found, ROLE, inline(READ)).rows


@pytest.mark.parametrize("broken", ["not json", '{"Statement": 7}'])
def test_an_unreadable_policy_of_the_role_is_no_crash(broken: str) -> None:
    found = workspace(trust())
    (role,) = found.account.roles
    role = replace(role, inline_policies=(InlinePolicy("own", PolicyDocument(broken)),))
    assert preview_session(found.with_account(replace(found.account, roles=(role,))), ROLE, inline(READ)).rows == ()


# The text that is sent


def test_a_policy_is_written_as_short_as_it_can_be() -> None:
    spaced = '{ "Version": "2012-10-17",\n "Statement": [ ] }'
    assert compact_policy(spaced) == '{"Version":"2012-10-17","Statement":[]}'
    assert compact_policy('{"Sid": "ü\u20ac"}') == '{"Sid":"\\u00fc\\u20ac"}'
    assert compact_policy('{"a": "\U0001f600"}') == '{"a":"\\ud83d\\ude00"}'
    assert json.loads(compact_policy('{"a": "\U0001f600\\n\\u001b"}')) == {"a": "\U0001f600\n\x1b"}
    assert compact_policy('{"n": [0.10000000000000000555, 1.50, "NaN"]}') == '{"n":[0.10000000000000000555,1.50,"NaN"]}'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "cannot be read (line 1): Not JSON"),
        ("[]", "is not a JSON object"),
        ('{"Effect": "Deny", "Effect": "Allow"}', "appears twice in one object"),
        ("[" * 1000, "Nested deeper"),
    ],
)
def test_a_text_that_is_no_policy_is_told(text: str, sentence: str) -> None:
    with pytest.raises(Problem) as problem:
        compact_policy(text)
    assert sentence in problem.value.sentence


def test_a_document_that_sts_could_not_read_is_told_before_the_call() -> None:
    assert policy_problem("") == ""
    assert policy_problem('{"Statement": []}') == ""
    assert policy_problem('{"Statement": 7}').startswith("The session policy cannot be read: Statement is an object")
