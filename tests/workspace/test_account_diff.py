"""The difference between two snapshots: entities, and what everybody gained and lost, held against single questions."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from benchmarks import generator
from iamtui.account.authorization_details import load_account
from iamtui.engine.decision import Outcome
from iamtui.problem import Problem
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question
from iamtui.workspace.change import account_diff
from iamtui.workspace.change.account_diff import AccountDiff, diff_snapshots, entity_changes
from iamtui.workspace.change.draft_session import Effect
from tests.support.snapshot_builder import (
    ID,
    allow,
    attached,
    complete,
    document,
    group,
    iam,
    inline,
    policy,
    role,
    snapshot,
    trust,
    user,
    write,
)

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
POSSIBLE = (Outcome.ALLOWED, Outcome.DEPENDS)
FULL = {"Version": "2012-10-17", "Statement": [allow("*")]}


def account() -> dict[str, Any]:
    reader = policy("reader", body=document(allow("s3:GetObject", "arn:aws:s3:::data/*")))
    tagged = document(allow("sqs:SendMessage", "*", Condition={"StringEquals": {"aws:PrincipalTag/team": "blue"}}))
    levels = [
        {"id": "r-ab12", "name": "Root", "type": "ROOT", "scps": [{"arn": "a", "name": "Full", "document": FULL}]},
        {"id": ID, "name": "own", "type": "ACCOUNT", "scps": [{"arn": "a", "name": "Full", "document": FULL}]},
    ]
    for level in levels:
        level["rcps"] = []
    return snapshot(
        users=[
            user("alice", GroupList=["devs"], AttachedManagedPolicies=[attached(iam("policy/reader"))]),
            user("bob", UserPolicyList=[inline("queue", tagged)], Tags=[{"Key": "team", "Value": "red"}]),
        ],
        groups=[group("devs", GroupPolicyList=[inline("own", document(allow("sns:Publish")))])],
        roles=[
            role("deploy", RolePolicyList=[inline("ship", document(allow("s3:PutObject", "arn:aws:s3:::data/*")))]),
            role("idle", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"})),
        ],
        policies=[reader],
        iamtui={"version": 1, "account_id": ID},
        organization={"id": "o-a", "management_account": "999999999999", "path": levels},
        resource_policies={"arn:aws:s3:::data": {"state": "none"}},
    )


def difference(folder: Path, before: dict[str, Any], after: dict[str, Any]) -> AccountDiff:
    files = [write(folder, one, f"{number}.json") for number, one in enumerate((before, after))]
    return diff_snapshots(*files, now=NOW)


def access(found: AccountDiff) -> set[tuple[str, str, str, str]]:
    return {
        (shift.effect.value, principal.arn.removeprefix(iam("")), action, shift.resource)
        for shift in found.impact.access
        for principal in shift.principals
        for action in shift.actions
        if not action.startswith("sts:Get")  # what everybody may do
    }


def entities(found: AccountDiff) -> list[tuple[str, str, str, tuple[str, ...]]]:
    return [(one.change, one.kind, one.name.removeprefix(iam("")), one.details) for one in found.entities]


def agrees(found: AccountDiff) -> None:
    """What is said to be gained or lost is, when it is asked for by itself."""
    for shift in found.impact.access:
        before, after = (
            QuestionEvaluator(one.account, Question(shift.actions[0], shift.resource), NOW)
            for one in (found.before, found.after)
        )
        for principal in shift.principals:
            reach = [
                (Outcome.DEPENDS, Outcome.ALLOWED).index(outcome) + 1
                if (one.account.by_arn(principal.arn) is not None or principal.arn == iam("root"))
                and (outcome := evaluator.decide(principal).outcome) in POSSIBLE
                else 0
                for one, evaluator in ((found.before, before), (found.after, after))
            ]
            if shift.effect == "gained":
                assert reach[0] < reach[1], shift
            elif shift.effect == "lost":
                assert reach[0] > reach[1], shift


def test_a_snapshot_differs_in_nothing_from_itself_however_it_is_spelled(tmp_path: Path) -> None:
    text = json.dumps(account())
    encoded = account()
    for one in encoded["RoleDetailList"]:
        one["AssumeRolePolicyDocument"] = quote(json.dumps(one["AssumeRolePolicyDocument"]))
        for own in one["RolePolicyList"]:
            own["PolicyDocument"] = json.dumps(own["PolicyDocument"], indent=3, sort_keys=True)
    for again in (json.loads(text), encoded):
        found = difference(tmp_path, account(), again)
        assert (found.entities, found.impact.access, found.impact.trust, found.impact.escalations) == ((), (), (), ())
        assert found.impact.not_compared == ()
    again = complete()
    again["RoleDetailList"][0]["RoleLastUsed"] = {"LastUsedDate": "2026-11-02T08:30:00+00:00", "Region": "us-east-1"}
    assert entities(difference(tmp_path, complete(), again)) == []


def test_policies_that_change(tmp_path: Path) -> None:
    after = account()
    after["Policies"][0]["PolicyVersionList"][0]["Document"] = document(allow("s3:DeleteObject", "arn:aws:s3:::data/*"))
    after["RoleDetailList"][0]["RolePolicyList"].append(inline("more", document(allow("ec2:RunInstances"))))
    after["GroupDetailList"][0]["GroupPolicyList"] = []
    found = difference(tmp_path, account(), after)
    assert entities(found) == [
        ("changed", "group", "group/devs", ("inline policies: -own",)),
        ("changed", "role", "role/deploy", ("inline policies: +more",)),
        ("changed", "policy", "policy/reader", ("versions: ~v1",)),
    ]
    assert access(found) == {
        ("gained", "user/alice", "s3:DeleteObject", "arn:aws:s3:::data/*"),
        ("lost", "user/alice", "s3:GetObject", "arn:aws:s3:::data/*"),
        ("lost", "user/alice", "sns:Publish", "*"),
        ("gained", "role/deploy", "ec2:RunInstances", "*"),
    }
    agrees(found)


def test_principals_that_come_and_go(tmp_path: Path) -> None:
    after = account()
    del after["UserDetailList"][0]
    admin = [inline("all", document(allow(["iam:PutUserPolicy", "s3:GetObject"])))]
    after["UserDetailList"].append(user("carol", UserPolicyList=admin))
    after["RoleDetailList"].append(role("deploy", "/new/"))
    del after["RoleDetailList"][0]
    found = difference(tmp_path, account(), after)
    assert {(one[0], one[2]) for one in entities(found)} == {
        ("removed", "user/alice"),
        ("added", "user/carol"),
        ("removed", "role/deploy"),
        ("added", "role/new/deploy"),
    }
    assert access(found) == {
        ("gained", "user/carol", "iam:PutUserPolicy", "*"),
        ("gained", "user/carol", "s3:GetObject", "*"),
        ("lost", "user/alice", "s3:GetObject", "arn:aws:s3:::data/*"),
        ("lost", "user/alice", "sns:Publish", "*"),
        ("lost", "role/deploy", "s3:PutObject", "arn:aws:s3:::data/*"),
    }
    agrees(found)
    assert ("gained", "carol") in [(one.effect, one.principal.name) for one in found.impact.escalations]


def test_tags_trust_resources_and_the_organization(tmp_path: Path) -> None:
    after = account()
    after["UserDetailList"][1]["Tags"][0]["Value"] = "blue"
    after["RoleDetailList"][1]["AssumeRolePolicyDocument"] = trust({"AWS": "888888888888"})
    open_to_all = document(allow("s3:GetObject", "arn:aws:s3:::data/*", Principal={"AWS": iam("role/idle")}))
    after["resource_policies"] = {"arn:aws:s3:::data": {"state": "present", "document": open_to_all}}
    deny = {"Version": "2012-10-17", "Statement": [{**allow("s3:PutObject"), "Effect": "Deny"}]}
    after["organization"]["path"][1]["scps"].append({"arn": "b", "name": "fence", "document": deny})
    found = difference(tmp_path, account(), after)
    assert entities(found) == [
        ("changed", "user", "user/bob", ("tags: -team=red, +team=blue",)),
        ("changed", "role", "role/idle", ("trust policy",)),
        ("added", "resource policy", "arn:aws:s3:::data", ()),
        ("changed", "organization", "own", ("SCPs: +fence",)),
    ]
    assert {
        ("gained", "user/bob", "sqs:SendMessage", "*"),
        ("gained", "role/idle", "s3:GetObject", "arn:aws:s3:::data/*"),
        ("lost", "role/deploy", "s3:PutObject", "*"),
    } <= access(found)
    agrees(found)
    assert ("gained", "888888888888") in {(one.effect.value, one.edge.name) for one in found.impact.trust}


@pytest.mark.parametrize("backwards", [False, True])
def test_what_scps_denied_is_gained_where_an_account_leaves_its_organization(tmp_path: Path, backwards: bool) -> None:
    fenced, alone = account(), account()
    deny = {"Version": "2012-10-17", "Statement": [{**allow("s3:PutObject"), "Effect": "Deny"}]}
    fenced["organization"]["path"][1]["scps"].append({"arn": "b", "name": "fence", "document": deny})
    alone["organization"] = None
    found = difference(tmp_path, *((alone, fenced) if backwards else (fenced, alone)))
    assert (Effect.LOST if backwards else Effect.GAINED) in found.impact.effects()
    assert "role/deploy" in {one[1] for one in access(found)}
    agrees(found)


def test_a_block_that_is_lifted_from_a_bucket_whose_policy_is_not_known_is_said(tmp_path: Path) -> None:
    before, after = account(), account()
    for one, blocked in ((before, True), (after, False)):
        one["public_access_block"] = {"unread": {"RestrictPublicBuckets": blocked}}
    found = difference(tmp_path, before, after)
    assert found.impact.not_compared == (
        "Block Public Access of unread differs, and what its policy says is not known",
    )


def test_a_recreated_principal_is_said(tmp_path: Path) -> None:
    after = account()
    after["UserDetailList"][0]["UserId"] = "AIDAANOTHERALICE"
    assert entities(difference(tmp_path, account(), after)) == [("made anew", "user", "user/alice", ())]


def test_what_is_unknown_in_one_of_them_is_no_change_and_is_said(tmp_path: Path) -> None:
    after = account()
    del after["organization"]
    after["resource_policies"] = {"arn:aws:s3:::other": {"state": "none"}}
    after["Policies"] = []
    found = difference(tmp_path, account(), after)
    assert [one[:3] for one in entities(found)] == [("removed", "policy", "policy/reader")]
    said = " ".join(found.impact.not_compared)
    assert "The organization is known in one of the states only" in said
    assert "What the policy of arn:aws:s3:::data says is not known after" in said
    assert "What the policy of arn:aws:s3:::other says is not known before" in said
    assert f"What the policy {iam('policy/reader')} says is not known" in said


def test_two_accounts_are_not_compared(tmp_path: Path) -> None:
    other = json.loads(json.dumps(account()).replace(ID, "777777777777"))
    with pytest.raises(Problem, match=r"is of account 123456789012, .* of 777777777777"):
        difference(tmp_path, account(), other)


def test_large_changes_are_asked_of_the_first_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iamtui.workspace.change.impact.MOST_STRANGERS", 1)
    after = deepcopy(account())
    after["UserDetailList"] += [user(name, UserPolicyList=[inline("p", FULL)]) for name in ("x", "y")]
    found = difference(tmp_path, account(), after)
    assert {one[1] for one in access(found)} == {"user/x"}
    assert (
        "What was allowed is compared for only 1 of 2 principals that were added or removed"
        in found.impact.not_compared
    )


def test_an_account_whose_documents_are_spelled_otherwise_has_not_changed() -> None:
    data = generator.snapshot_bytes(generator.TINY)
    respelled = json.dumps(json.loads(data)).encode()
    assert respelled != data
    assert list(entity_changes(load_account(data), load_account(respelled))) == []


GROUP_OF_ALL = [{"type": "GROUP", "id": "g1"}]


def with_people(*assignees: dict[str, str], members: dict[str, list[str] | None], sets: int = 1) -> dict[str, Any]:
    """The account, where groups with some people may sign in with permission sets."""
    arn = "arn:aws:sso:::permissionSet/ssoins-1/ps-{}"
    return account() | {
        "identity_center": {
            "instance": "arn:aws:sso:::instance/ssoins-1",
            "permission_sets": [
                {"arn": arn.format(number), "name": f"S{number}", "assignees": list(assignees)}
                for number in range(sets)
            ],
            "groups": [{"id": one, "name": f"{one}-name", "members": ids} for one, ids in members.items()],
        }
    }


def test_people_who_come_gain_and_those_who_go_lose(tmp_path: Path) -> None:
    few = with_people(*GROUP_OF_ALL, members={"g1": ["u1"]})
    more = with_people(*GROUP_OF_ALL, members={"g1": ["u1", "u2"]})
    come, gone = difference(tmp_path, few, more), difference(tmp_path, more, few)
    assert entities(come) == [("changed", "permission set", "S0", ("people: +u2",))]
    assert (come.effects(), gone.effects()) == ({Effect.GAINED}, {Effect.LOST})
    # Who is assigned by another group than before has gained nothing.
    other = with_people({"type": "GROUP", "id": "g2"}, members={"g1": ["u1"], "g2": ["u1"]})
    assert entities(difference(tmp_path, few, other))[0][3] == ("groups: -g1-name, +g2-name", "people: ~u1")
    assert not difference(tmp_path, few, other).effects()
    # With a permission set come all who are assigned to it.
    two = with_people(*GROUP_OF_ALL, members={"g1": ["u1"]}, sets=2)
    assert entities(difference(tmp_path, few, two)) == [
        ("added", "permission set", "S1", ("groups: +g1-name", "people: +u1"))
    ]
    assert difference(tmp_path, few, two).effects() == {Effect.GAINED}
    two["identity_center"]["permission_sets"][1]["assignees"] = None
    assert difference(tmp_path, two, few).effects() == {Effect.LOST}


def test_people_are_compared_beside_a_group_that_was_not_read(tmp_path: Path) -> None:
    before = with_people(*GROUP_OF_ALL, members={"g1": ["u1"]})
    after = with_people(*GROUP_OF_ALL, {"type": "GROUP", "id": "g9"}, members={"g1": ["u1", "u2"]})
    found = difference(tmp_path, before, after)
    assert entities(found) == [("changed", "permission set", "S0", ("groups: +g9", "people: +u2"))]
    (said,) = found.impact.not_compared
    assert said.endswith("is not compared: the members of the group g9")
    # A group that comes with people who are not known may let somebody in.
    after["identity_center"]["groups"][0]["members"] = ["u1"]
    assert difference(tmp_path, before, after).effects() == {Effect.GAINED}
    assert difference(tmp_path, after, before).effects() == {Effect.LOST}


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (with_people(*GROUP_OF_ALL, members={"g1": None}), "the members of the group g1-name"),
        (account(), "known in one of the snapshots only"),
    ],
)
def test_people_who_were_not_read_in_one_of_them_neither_come_nor_go(
    tmp_path: Path, after: dict[str, Any], said: str
) -> None:
    before = with_people(*GROUP_OF_ALL, members={"g1": ["u1"]})
    for states in ((before, after), (after, before)):
        found = difference(tmp_path, *states)
        assert (entities(found), found.effects()) == ([], frozenset())
        assert said in found.impact.not_compared[0]


def test_equal_assignments_are_compared_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = [
        with_people(*GROUP_OF_ALL, members={"g1": [f"{letter}{number}" for number in range(100)]}, sets=50)
        for letter in "uv"
    ]
    # Room for the people of one of the permission sets alone.
    monkeypatch.setattr(account_diff, "_MOST_COMPARED", 500)
    found = difference(tmp_path, *states)
    assert {one.details for one in found.entities} == {
        ("people: -u0, -u1, -u10, -u11, -u12, -u13, -u14, -u15, -u16, -u17 and 190 more",)
    }
    assert len(found.entities) == 50


def test_people_past_a_bound_count_as_come_and_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = [
        with_people(*GROUP_OF_ALL, members={"g1": [f"{letter}{number}" for number in range(100)]}, sets=3)
        for letter in "uv"
    ]
    for state in states:
        for number, one in enumerate(state["identity_center"]["permission_sets"]):
            one["assignees"].append({"type": "USER", "id": f"w{number}"})
    monkeypatch.setattr(account_diff, "_MOST_COMPARED", 100)
    found = difference(tmp_path, *states)
    assert [one.details for one in found.entities][1:] == [("people: too many to be compared",)] * 2
    assert all(one.effects == {Effect.GAINED, Effect.LOST} for one in found.entities)
