"""A caller that is excepted from a Deny stays denied what the question does not need, and others all of it."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from iamtui.drafts.draft import Draft, is_only_for
from iamtui.drafts.edits.policies import PutResourcePolicy
from iamtui.engine.decision import Layer, Outcome
from iamtui.policy.document import PolicyDocument
from iamtui.questions.question import Question
from iamtui.workspace.ask.questions import ask
from iamtui.workspace.change.draft_fixes import SuggestedDraft, only_for, spare, with_fix, with_own_sid
from iamtui.workspace.change.draft_session import DraftedAccount, apply, as_matrix
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import Workspace
from tests.support.sample_account import NOW, iam, sample_workspace

BUCKET = "arn:aws:s3:::data-lake"
ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectAcl")
RESOURCES = (f"{BUCKET}/x", f"{BUCKET}/y/z", f"{BUCKET}/keep/x")
CALLER, OTHER = "role/web-server", "user/alice"


def account_with(*statements: dict[str, Any]) -> Workspace:
    """The sample account; everybody in it may do anything with the lake, but for these statements."""
    everything = {"Effect": "Allow", "Principal": {"AWS": [iam(CALLER), iam(OTHER)]}, "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [everything, *statements]})
    sample = sample_workspace()
    return apply(sample, Draft(sample.account.id, edits=(PutResourcePolicy(BUCKET, document),))).after


def denying(**more: Any) -> dict[str, Any]:
    return {"Sid": "Guard", "Effect": "Deny", "Principal": "*", **more}


def fixed(workspace: Workspace, action: str, resource: str) -> tuple[SuggestedDraft, DraftedAccount]:
    who = resolve_principal(workspace, CALLER)
    made = with_fix(workspace, Draft(workspace.account.id), who, as_matrix(Question(action, resource)), now=NOW)
    return made, apply(workspace, made.draft)


def by_bucket(workspace: Workspace, who: str) -> dict[tuple[str, str], bool]:
    """For each action and resource, whether a statement of the bucket's policy denies it."""
    principal = resolve_principal(workspace, who)
    found = {}
    for action, resource in itertools.product(ACTIONS, RESOURCES):
        decision = ask(workspace, principal, Question(action, resource), now=NOW)
        found[action, resource] = any(ref.effect == "Deny" and ref.layer is Layer.RESOURCE for ref in decision.matched)
    return found


@pytest.mark.parametrize(
    ("elements", "released"),
    [
        ({"Action": ["s3:PutObject", "s3:GetObject"], "Resource": [f"{BUCKET}/x", f"{BUCKET}/y/z"]}, {ACTIONS[1]}),
        ({"Action": ["s3:Put*", "s3:GetObject"], "Resource": [f"{BUCKET}/keep/*", f"{BUCKET}/x"]}, {*ACTIONS[1::3]}),
        ({"NotAction": "s3:GetObject", "Resource": [f"{BUCKET}/x", f"{BUCKET}/keep/*"]}, {*ACTIONS[1:]}),
        ({"Action": ["s3:DeleteObject", "s3:PutObject"], "NotResource": f"{BUCKET}/y/z"}, {ACTIONS[1]}),
        ({"Action": "s3:PutObject", "Resource": f"{BUCKET}/x"}, {ACTIONS[1]}),
        ({"Action": "*", "Resource": "*"}, {*ACTIONS}),
    ],
)
def test_only_the_entries_that_were_asked_about_are_released(elements: dict[str, Any], released: set[str]) -> None:
    workspace = account_with(denying(**elements))
    made, drafted = fixed(workspace, "s3:PutObject", RESOURCES[0])

    assert not made.left
    before, after = by_bucket(workspace, CALLER), by_bucket(drafted.after, CALLER)
    narrow = "Resource" in elements and isinstance(elements["Resource"], list)
    assert before["s3:PutObject", RESOURCES[0]]
    for (action, resource), denied in before.items():
        about = action in released and (resource == RESOURCES[0] or not narrow)
        assert after[action, resource] is (denied and not about), (action, resource)
    assert by_bucket(drafted.after, OTHER) == by_bucket(workspace, OTHER)


def test_what_no_longer_applies_is_said() -> None:
    exact, _ = fixed(account_with(denying(Action="s3:PutObject", Resource=RESOURCES[0])), "s3:PutObject", RESOURCES[0])
    partly, drafted = fixed(
        account_with(denying(Action=["s3:Put*", "s3:GetObject"], Resource=f"{BUCKET}/*")), "s3:PutObject", RESOURCES[0]
    )
    all_of_it, _ = fixed(account_with(denying(Action="s3:*", Resource="*")), "s3:PutObject", RESOURCES[0])

    front = f"role/web-server is excepted from the Deny Guard (policy of {BUCKET})"
    assert f"{front}; others stay denied." in exact.cautions
    assert f"{front} for s3:Put* on {BUCKET}/* (more than was asked); others stay denied." in partly.cautions
    covers = "with all that it is about: s3:* on * (more than was asked)"
    assert f"{front} {covers}; others stay denied." in all_of_it.cautions
    said = [finding.sentence for finding in drafted.findings if finding.kind == "denies less"]
    assert said == ["The Deny Guard denies role/web-server less."]


def test_the_next_question_narrows_what_was_left() -> None:
    workspace = account_with(denying(Action=["s3:PutObject", "s3:GetObject", "s3:DeleteObject"], Resource="*"))
    _, once = fixed(workspace, "s3:PutObject", RESOURCES[0])
    made, twice = fixed(once.after, "s3:DeleteObject", RESOURCES[1])

    assert not made.left
    bucket = next(edit for edit in made.draft.edits if isinstance(edit, PutResourcePolicy))
    denies = [one for one in PolicyDocument(bucket.document).value["Statement"] if one["Effect"] == "Deny"]
    assert [(one["Sid"], one["Action"]) for one in denies][1:] == [("GuardRest2", "s3:GetObject")]
    still = {action for (action, _), denied in by_bucket(twice.after, CALLER).items() if denied}
    assert still == {"s3:GetObject"}
    assert by_bucket(twice.after, OTHER) == by_bucket(workspace, OTHER)
    who = resolve_principal(twice.after, CALLER)
    assert ask(twice.after, who, Question("s3:PutObject", RESOURCES[0]), now=NOW).outcome is Outcome.ALLOWED


def test_a_statement_about_one_caller_keeps_its_other_conditions() -> None:
    who = iam(CALLER)
    region = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
    statement = denying(Action="s3:*", Resource="*", Condition={**region, "arnequals": {"AWS:principalarn": "*"}})
    narrowed = only_for(statement, who)

    assert narrowed["Condition"] == {**region, "arnequals": {"aws:PrincipalArn": who}}
    assert is_only_for(narrowed, who)
    assert not is_only_for(statement, who)
    assert statement["Condition"]["arnequals"] == {"AWS:principalarn": "*"}
    assert with_own_sid(statement, ["Guard", "GuardRest"])["Sid"] == "GuardRest2"
    assert "Sid" not in with_own_sid({"Effect": "Deny"}, [])


def test_variables_and_patterns_are_taken_to_meet_what_is_asked() -> None:
    entries = [f"{BUCKET}/${{aws:username}}/*", f"{BUCKET}/keep/*"]
    named = spare(denying(Action="s3:*", Resource=entries), "s3:GetObject", f"{BUCKET}/bob/x")
    any_of_them = spare(denying(Action="s3:*", Resource=entries), "s3:GetObject", f"{BUCKET}/*")

    assert [rest["Resource"] for rest in named.rests] == [entries[1]]
    assert not any_of_them.rests
