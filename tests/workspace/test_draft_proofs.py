"""Whether a change makes anything newly possible: by hand, and random accounts sampled by the evaluator."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from iamtui.account.model import UNLISTED, Gap
from iamtui.engine.decision import Outcome
from iamtui.engine.request import Mode
from iamtui.policy.document import PolicyDocument
from iamtui.questions.question import Question
from iamtui.workspace.ask.proof_result import ProofStatus
from iamtui.workspace.ask.questions import evaluator_of
from iamtui.workspace.ask.saved_questions import (
    NeverRecord,
    NothingNewRecord,
    NotPublicRecord,
    ProofRecord,
    QuestionsFile,
    SavedRecord,
    read_file,
    write_file,
)
from iamtui.workspace.prove.draft_proofs import prove_nothing_new, prove_saved
from iamtui.workspace.prove.proofs import prove_never
from iamtui.workspace.prove.public_proofs import prove_not_public
from iamtui.workspace.source.principals import resolve_principal
from tests.support.alice_and_dev import BUCKET, workspace
from tests.support.sample_account import allow, deny, document, iam
from tests.support.slow import few_slow
from tests.workspace.test_proofs import CONTEXTS, OBJECTS, random_statement, random_workspace

OBJECT = "s3:GetObjectTagging"
Given = dict[str, Any]


def given(*identity: Given, **more: Any) -> Given:
    return {"identity": identity, **more}


def made(one: Given) -> Any:
    return workspace(*one["identity"], **{key: value for key, value in one.items() if key != "identity"})


def to_bucket(*statements: Given) -> Any:
    return {BUCKET: document(*({**one, "Principal": {"AWS": iam("user/alice")}} for one in statements))}


SOME = allow(OBJECT, f"{BUCKET}/a*")
MORE = allow(OBJECT, f"{BUCKET}/*")


@pytest.mark.parametrize(
    ("before", "after", "proved"),
    [
        (given(MORE), given(MORE), True),
        (given(MORE), given(SOME), True),
        (given(SOME), given(MORE), False),
        (given(MORE), given(MORE, deny("s3:*", f"{BUCKET}/b*")), True),
        (given(MORE, deny("s3:*", f"{BUCKET}/b*")), given(MORE), False),
        # Said otherwise, but the same.
        (given(allow("sqs:SendMessage")), given(allow(["sqs:SendMessag?"])), False),
        (given(allow("sns:*")), given(allow("sns:Publish"), allow("sns:*")), True),
        # Of all services, one is named in a resource or condition key alone.
        (given(), given(allow("*", "arn:aws:dynamodb:*:*:table/x")), False),
        (given(), given(allow("*", Condition={"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}})), False),
        # What is granted stays within boundary and SCPs.
        (given(SOME, boundary=[SOME]), given(MORE, boundary=[SOME]), True),
        (given(MORE, boundary=[SOME]), given(MORE, boundary=[MORE]), False),
        (given(MORE, boundary=[SOME]), given(MORE), False),
        (given(MORE, boundary=[]), given(MORE), False),
        (given(SOME, scps=[deny(OBJECT)]), given(MORE, scps=[deny(OBJECT)]), True),
        (given(MORE, scps=[deny(OBJECT, f"{BUCKET}/b*")]), given(MORE, scps=[deny(OBJECT)]), True),
        (given(MORE, scps=[deny(OBJECT)]), given(MORE, scps=[deny(OBJECT, f"{BUCKET}/b*")]), False),
        # The policy of a resource.
        (given(buckets=to_bucket(SOME)), given(buckets=to_bucket(MORE)), False),
        (given(MORE, buckets=to_bucket(SOME)), given(MORE, buckets=to_bucket(MORE)), True),
        (given(buckets=to_bucket(MORE)), given(buckets=to_bucket(SOME)), True),
        # A condition that is dropped, and one that is added.
        (
            given({**MORE, "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/25"}}}),
            given({**MORE, "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}),
            False,
        ),
        (
            given({**MORE, "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}),
            given({**MORE, "Condition": {"IpAddress": {"aws:SourceIp": ["203.0.113.0/25", "203.0.113.128/25"]}}}),
            True,
        ),
    ],
)
def test_what_is_newly_possible(before: Given, after: Given, proved: bool) -> None:
    then, now = made(before), made(after)
    proof = prove_nothing_new(then, now)
    found = proof.counterexample
    if proved:
        assert (proof.status, proof.reasons) == (ProofStatus.PROVED, {})
    elif found is not None:
        question = Question(found.action, found.resource, found.context, Mode.STRICT)
        assert found.decision.outcome is Outcome.ALLOWED
        assert evaluator_of(then, question).decide(found.principal).outcome is not Outcome.ALLOWED
    else:
        # sqs:SendMessag? lets AWS add an action, of which there is none.
        assert proof.status is ProofStatus.NOT_PROVED
        assert after == given(allow(["sqs:SendMessag?"]))


OTHER, THIRD = "444455556666", "777788889999"


UNREADABLE = PolicyDocument("{not JSON")


def from_outside(principal: Any, **more: Any) -> Any:
    return {BUCKET: document({**allow(OBJECT, f"{BUCKET}/*"), "Principal": principal, **more})}


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        (from_outside({"AWS": "123456789012"}), from_outside({"AWS": OTHER}), ProofStatus.COUNTEREXAMPLE),
        ({BUCKET: None}, from_outside({"AWS": OTHER}), ProofStatus.COUNTEREXAMPLE),
        (from_outside({"AWS": [OTHER, "777788889999"]}), from_outside({"AWS": OTHER}), ProofStatus.PROVED),
        (from_outside({"AWS": OTHER}, Condition={"Bool": {"aws:SecureTransport": "true"}}),
         from_outside({"AWS": OTHER}), ProofStatus.NOT_PROVED),
        ({BUCKET: None}, from_outside({"Service": "logs.amazonaws.com"}), ProofStatus.NOT_PROVED),
        (from_outside({"Service": ["logs.amazonaws.com", "x.amazonaws.com"]}),
         from_outside({"Service": "logs.amazonaws.com"}), ProofStatus.PROVED),
        # What cannot be read may have let in anybody, or may.
        ({BUCKET: UNREADABLE}, from_outside({"AWS": OTHER}), ProofStatus.NOT_PROVED),
        ({BUCKET: UNREADABLE}, from_outside({"Service": "logs.amazonaws.com"}), ProofStatus.NOT_PROVED),
        (from_outside({"AWS": OTHER}), {BUCKET: UNREADABLE}, ProofStatus.NOT_PROVED),
        # A Deny of the account's own canonical user keeps its users out.
        (from_outside({"CanonicalUser": "ab" * 32}, Effect="Deny"), {BUCKET: None}, ProofStatus.NOT_PROVED),
    ],
)  # fmt: skip
def test_others_than_users_and_roles_count(before: Any, after: Any, status: ProofStatus) -> None:
    proof = prove_nothing_new(workspace(buckets=before), workspace(buckets=after))
    assert proof.status is status, proof
    if proof.counterexample is not None:
        assert proof.counterexample.principal.account == OTHER


def test_the_policy_of_a_repository_has_no_resource() -> None:
    repository = "arn:aws:ecr:eu-west-1:123456789012:repository/app"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}
    before = workspace(buckets={repository: document({**statement, "Principal": {"AWS": "123456789012"}})})
    proof = prove_nothing_new(before, workspace(buckets={repository: document(statement)}))
    assert proof.counterexample is not None
    assert proof.counterexample.resource == repository


def test_users_and_roles_that_are_not_loaded_may_gain_by_what_all_share() -> None:
    def lacking(one: Any) -> Any:
        return one.with_account(replace(one.account, gaps=(Gap(UNLISTED["roles"], "", "it was denied"),)))

    to_role = from_outside({"AWS": "arn:aws:iam::123456789012:role/other"})
    closed, opened = lacking(workspace(buckets={BUCKET: None})), lacking(workspace(buckets=to_role))
    assert "not all users and roles are loaded" in prove_nothing_new(closed, opened).reasons
    own = lacking(workspace(deny("s3:*")))
    assert prove_nothing_new(lacking(workspace()), own).status is ProofStatus.PROVED


def test_what_rcps_newly_let_others_do_is_not_proved() -> None:
    others = {"StringNotEquals": {"aws:PrincipalAccount": "123456789012"}}
    closed = [{**deny("s3:GetObject", Condition=others), "Principal": "*"}]
    proof = prove_nothing_new(workspace(rcps=closed), workspace())
    assert proof.status is ProofStatus.NOT_PROVED
    assert "what others than users and roles can newly do where RCPs change" in proof.reasons


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"scps": [deny("ec2:StartInstances")]}, {}),
        ({"buckets": from_outside("*", Effect="Deny")}, {}),
        ({"buckets": from_outside({"AWS": "arn:aws:iam::123456789012:root"}, Effect="Deny")}, {}),
    ],
)
def test_what_the_root_user_newly_can_counts(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = prove_nothing_new(workspace(**before), workspace(**after)).counterexample
    assert found is not None
    assert found.principal.arn == "arn:aws:iam::123456789012:root"
    assert prove_nothing_new(workspace(**after), workspace(**before)).status is ProofStatus.PROVED


FEDERATED = {"AWS": "arn:aws:sts::123456789012:federated-user/x"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({BUCKET: None}, from_outside(FEDERATED)),
        (from_outside(FEDERATED, Effect="Deny"), {BUCKET: None}),
        ({BUCKET: None},
         from_outside({"AWS": "123456789012"}, Condition={"StringEquals": {"aws:PrincipalType": "FederatedUser"}})),
    ],
)  # fmt: skip
def test_what_federated_users_newly_can_is_not_proved(before: Any, after: Any) -> None:
    proof = prove_nothing_new(workspace(buckets=before), workspace(buckets=after))
    assert list(proof.reasons) == [f"whether federated users of the account can do more with {BUCKET}"]
    assert prove_nothing_new(workspace(buckets=after), workspace(buckets=before)).status is ProofStatus.PROVED


def test_a_tag_that_changes_is_not_guessed() -> None:
    wants = {**MORE, "Condition": {"StringEquals": {"s3:prefix": "${aws:PrincipalTag/team}"}}}
    proof = prove_nothing_new(workspace(wants, tags=(("team", "a"),)), workspace(wants, tags=(("team", "b"),)))
    assert proof.status is ProofStatus.NOT_PROVED
    assert any("tags of the principal change" in reason for reason in proof.reasons)


@pytest.mark.slow
@pytest.mark.parametrize("seed", few_slow(range(8), 4))
def test_no_sampled_request_is_newly_allowed_against_a_proof(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(6):
        then = random_workspace(chance)
        narrow = chance.random() < 0.5
        now = workspace(random_statement(chance), deny("s3:Put*")) if narrow else random_workspace(chance)
        proof = prove_nothing_new(then, now)
        if proof.status is not ProofStatus.PROVED:
            continue
        for who in ("user/alice", "role/dev"):
            for question in sampled(chance):
                assert allowed(then, who, question) or not allowed(now, who, question)


@pytest.mark.slow
@pytest.mark.parametrize("seed", few_slow(range(30), 1))
def test_a_saved_proof_is_proved_anew_of_each_account(tmp_path: Path, seed: int) -> None:
    """As the question asked at once is, and as the evaluator answers of requests that are tried."""
    chance = random.Random(seed)
    then, now = random_workspace(chance), random_workspace(chance)
    who = chance.choice(["user/alice", "role/dev", "*"])
    excepted = ["role/dev"] if who == "*" and chance.random() < 0.5 else []
    never = NeverRecord([who], [chance.choice([OBJECT, "s3:GetObject*"])], f"{BUCKET}/*", excepted)
    closed = NotPublicRecord([BUCKET], excepted=[OTHER] if chance.random() < 0.5 else [])
    records = [ProofRecord(never=never), ProofRecord(not_public=closed), ProofRecord(no_broader=NothingNewRecord())]
    file = tmp_path / "questions.json"
    saved = [SavedRecord(name, proof=record) for name, record in zip("abc", records, strict=True)]
    write_file(file, QuestionsFile(saved=saved))
    again = [one.proof for one in read_file(file).saved if one.proof is not None]
    assert again == records
    for before, after in ((then, now), (now, now)):
        found = [prove_saved(after, before, record)[0] for record in again]
        direct = prove_never(after, never.principals, never.actions, resource=never.on, excepted=excepted)
        assert found[0].status is direct.status
        (of_bucket,) = prove_not_public(after, [BUCKET], excepted=closed.excepted).values()
        assert found[1].status is of_bucket.status
        for proof in found:
            if proof.counterexample is not None:
                assert proof.counterexample.decision.outcome is Outcome.ALLOWED
        callers = [name for name in ("user/alice", "role/dev") if who in ("*", name) and name not in excepted]
        if found[0].is_proved:
            assert not any(allowed(after, name, question) for name in callers for question in sampled(chance))
        if found[1].is_proved:
            assert not any(allowed(after, f"arn:aws:iam::{THIRD}:root", question) for question in sampled(chance))
        if found[2].is_proved:
            for name in ("user/alice", "role/dev"):
                for question in sampled(chance):
                    assert allowed(before, name, question) or not allowed(after, name, question)


def sampled(chance: random.Random) -> list[Question]:
    """Requests with every key of the random conditions."""
    found = []
    for _ in range(60):
        context = {key: chance.choice(values) for key, values in CONTEXTS.items()}
        found.append(Question(OBJECT, f"{BUCKET}/{chance.choice(OBJECTS)}", context, Mode.STRICT))
    return found


def allowed(found: Any, who: str, question: Question) -> bool:
    principal = resolve_principal(found, who)
    return evaluator_of(found, question).decide(principal).outcome is Outcome.ALLOWED
