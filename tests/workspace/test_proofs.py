"""What nobody can ever do: by hand from AWS's documentation, and random accounts, sampled by the evaluator."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from iamtui.account.model import (
    UNLISTED,
    Gap,
    InlinePolicy,
)
from iamtui.engine.decision import Outcome
from iamtui.engine.request import Mode
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.workspace.ask.proof_result import Proof, ProofStatus
from iamtui.workspace.ask.questions import evaluator_of
from iamtui.workspace.prove.proofs import prove_never
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import Workspace
from tests.support.alice_and_dev import BUCKET, ORG, Statements, workspace
from tests.support.sample_account import ID, allow, deny, document, iam
from tests.support.slow import few_slow


def never(found: Workspace, action: str = "s3:GetObjectTagging", who: str = "user/alice", **more: Any) -> Proof:
    more.setdefault("resource", f"{BUCKET}/*" if action == "s3:GetObjectTagging" else "*")
    return prove_never(found, (who,), (action,), **more)


def test_what_nothing_allows_is_proved_of_all_resources_and_contexts() -> None:
    assert never(workspace()).status is ProofStatus.PROVED
    assert never(workspace(allow("s3:PutObject"))).status is ProofStatus.PROVED
    assert never(workspace(allow("s3:GetObjectTagging", "arn:aws:s3:::other/*"))).status is ProofStatus.PROVED


def test_an_example_is_the_shortest_request_and_is_allowed() -> None:
    proof = never(workspace(allow("s3:Get*", f"{BUCKET}/home/*")))
    assert proof.status is ProofStatus.COUNTEREXAMPLE
    found = proof.counterexample
    assert found is not None
    assert found.resource == f"{BUCKET}/home/"
    assert found.decision.outcome is Outcome.ALLOWED
    assert dict(found.context) == {}


def test_a_gap_that_denies_leave_is_found() -> None:
    denies = deny("s3:GetObjectTagging", [f"{BUCKET}/a*", f"{BUCKET}/?b*"])
    found = never(workspace(allow("s3:GetObjectTagging", f"{BUCKET}/??*"), denies)).counterexample
    assert found is not None
    assert len(found.resource) == len(f"{BUCKET}/xx")
    both = deny("s3:GetObjectTagging", [f"{BUCKET}/a*", f"{BUCKET}/*"])
    assert never(workspace(allow("s3:GetObjectTagging", f"{BUCKET}/*"), both)).status is ProofStatus.PROVED


def test_a_union_of_denies_covers_what_none_of_them_does() -> None:
    grant = allow("s3:GetObjectTagging", f"{BUCKET}/a*z")
    union = workspace(grant, deny("s3:*", f"{BUCKET}/ab*"), {**deny("s3:*"), "Resource": f"{BUCKET}/*z"})
    assert never(union).status is ProofStatus.PROVED


def test_conditions_that_cannot_hold_together_are_proved() -> None:
    # IAM User Guide: all conditions of a statement have to hold, and an explicit Deny wins.
    grant = allow("s3:GetObjectTagging", f"{BUCKET}/*", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})
    outside = deny("s3:*", Condition={"IpAddress": {"aws:SourceIp": "203.0.0.0/16"}})
    assert never(workspace(grant, outside)).status is ProofStatus.PROVED
    narrower = deny("s3:*", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/25"}})
    found = never(workspace(grant, narrower)).counterexample
    assert found is not None
    assert found.context == {"aws:SourceIp": ("203.0.113.128",)}


def test_an_absent_key_satisfies_a_negated_operator() -> None:
    grant = allow("s3:GetObjectTagging", f"{BUCKET}/*", Condition={"StringNotEquals": {"aws:SourceIdentity": "a"}})
    present = deny("s3:*", Condition={"Null": {"aws:SourceIdentity": "false"}})
    found = never(workspace(grant, present), who="role/dev").counterexample
    assert found is not None
    assert found.context == {"aws:SourceIdentity": ()}


@pytest.mark.parametrize("layer", ["boundary", "scps"])
def test_a_cap_that_does_not_allow_is_a_proof(layer: str) -> None:
    # Both limit what identity policies grant (IAM User Guide: policy evaluation logic).
    limited = {"boundary": {"boundary": [allow("ec2:*")]}, "scps": {"scps": [deny("s3:Get*")]}}[layer]
    assert never(workspace(allow("s3:*"), **limited)).status is ProofStatus.PROVED  # type: ignore[arg-type]
    assert never(workspace(allow("s3:*"))).status is ProofStatus.COUNTEREXAMPLE


def test_rcps_deny() -> None:
    closed = [{**deny("s3:*"), "Principal": "*"}]
    assert never(workspace(allow("s3:*"), rcps=closed)).status is ProofStatus.PROVED


def test_the_policy_of_a_resource_grants_by_itself_within_an_account() -> None:
    # IAM User Guide: in one account either an identity-based or a resource-based policy is enough.
    grant = {**allow("s3:GetObjectTagging", f"{BUCKET}/*"), "Principal": {"AWS": iam("user/alice")}}
    assert never(workspace(buckets={BUCKET: document(grant)})).status is ProofStatus.COUNTEREXAMPLE
    assert never(workspace(buckets={BUCKET: document(grant)}), who="role/dev").status is ProofStatus.PROVED
    barred = {**deny("s3:*", f"{BUCKET}/*"), "Principal": "*"}
    assert never(workspace(allow("s3:*"), buckets={BUCKET: document(barred)})).status is ProofStatus.PROVED


def test_a_policy_that_is_not_loaded_is_never_guessed() -> None:
    proof = never(workspace(buckets={}))
    assert proof.status is ProofStatus.NOT_PROVED
    assert any("policies of resources of s3" in reason for reason in proof.reasons)
    # A Deny of the caller's own holds whatever that policy says.
    assert never(workspace(deny("s3:*"), buckets={})).status is ProofStatus.PROVED


def test_an_organization_that_is_not_loaded_may_deny() -> None:
    proof = never(workspace(allow("s3:*"), organization=False))
    assert proof.status is ProofStatus.NOT_PROVED
    assert "not loaded" in next(iter(proof.reasons))
    assert never(workspace(deny("s3:*"), organization=False)).status is ProofStatus.PROVED


def test_a_variable_that_is_known_is_put_in() -> None:
    # IAM User Guide: ${aws:username} is the name of the user; a role session has none.
    home = allow("s3:GetObjectTagging", f"{BUCKET}/home/${{aws:username}}/*")
    found = never(workspace(home)).counterexample
    assert found is not None
    assert found.resource == f"{BUCKET}/home/alice/"
    assert never(workspace(home), who="role/dev").status is ProofStatus.PROVED


def test_a_variable_that_is_not_known_is_not_guessed() -> None:
    proof = never(workspace(allow("s3:GetObjectTagging", f"{BUCKET}/${{aws:userid}}/*")), who="role/dev")
    assert proof.status is ProofStatus.NOT_PROVED
    assert "variable" in next(iter(proof.reasons))


DEV = "AROADEV0000000000001"


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"StringLike": {"aws:userid": "AROAOTHER00000000001:*"}}, ProofStatus.PROVED),
        ({"StringNotLike": {"aws:userid": f"{DEV}:*"}}, ProofStatus.PROVED),
        ({"StringEquals": {"aws:userid": DEV}}, ProofStatus.PROVED),
        ({"StringEquals": {"aws:userid": ""}}, ProofStatus.PROVED),
        ({"StringLike": {"aws:userid": f"{DEV}:*"}}, ProofStatus.COUNTEREXAMPLE),
        ({"StringLike": {"aws:userid": "AROADEV*:ci-*"}}, ProofStatus.COUNTEREXAMPLE),
        ({"StringNotLike": {"aws:userid": f"{DEV}:ci-*"}}, ProofStatus.COUNTEREXAMPLE),
    ],
)
def test_the_sessions_of_a_role_have_its_id(condition: dict[str, Any], status: ProofStatus) -> None:
    """IAM User Guide, principal key values: aws:userid of a role's session is the role's id, a colon and its name."""
    found = workspace(allow("s3:GetObjectTagging", f"{BUCKET}/*", Condition=condition))
    proof = never(found, who="role/dev")
    assert proof.status is status, proof.reasons
    if proof.counterexample is not None:
        (values,) = [values for key, values in proof.counterexample.context.items() if key == "aws:userid"]
        assert values[0].startswith(f"{DEV}:")


def test_an_unknown_operator_in_a_deny_is_not_guessed() -> None:
    grant = allow("s3:GetObjectTagging", f"{BUCKET}/*")
    proof = never(workspace(grant, deny("s3:*", Condition={"StringSounds": {"s3:prefix": "a"}})))
    assert proof.status is ProofStatus.NOT_PROVED
    assert "unknown condition operator" in next(iter(proof.reasons))


def test_a_tag_that_a_session_could_replace_is_not_relied_on() -> None:
    # IAM User Guide: a session tag overrides a principal tag of the same key.
    wants = allow("s3:GetObjectTagging", f"{BUCKET}/*", Condition={"StringEquals": {"aws:PrincipalTag/team": "red"}})
    assert never(workspace(wants), who="user/alice").status is ProofStatus.PROVED
    assert never(workspace(wants, tags=(("team", "red"),)), who="role/dev").status is ProofStatus.COUNTEREXAMPLE
    assert never(workspace(wants, tags=(("team", "blue"),)), who="role/dev").status is ProofStatus.PROVED
    blue = never(workspace(wants, tags=(("team", "blue"),), trusted="root"), who="role/dev")
    assert blue.status is ProofStatus.NOT_PROVED
    assert "session tag" in next(iter(blue.reasons))


def test_a_session_always_has_a_time_of_issue() -> None:
    # IAM User Guide: aws:TokenIssueTime is in requests with temporary credentials, which a role always has.
    without = allow("s3:GetObjectTagging", f"{BUCKET}/*", Condition={"Null": {"aws:TokenIssueTime": "true"}})
    assert never(workspace(without), who="role/dev").status is ProofStatus.PROVED
    assert never(workspace(without)).status is ProofStatus.COUNTEREXAMPLE


def test_mfa_without_its_age_is_not_an_example() -> None:
    condition = {"Bool": {"aws:MultiFactorAuthPresent": "true"}, "Null": {"aws:MultiFactorAuthAge": "true"}}
    for who in ("user/alice", "role/dev"):
        proof = never(workspace(allow("s3:GetObjectTagging", f"{BUCKET}/*", Condition=condition)), who=who)
        assert proof.status is ProofStatus.NOT_PROVED
        assert "no request is known that can have" in next(iter(proof.reasons))


def test_trust_policies_decide_which_roles_are_assumed() -> None:
    found = never(workspace(), "sts:AssumeRole").counterexample
    assert found is not None
    assert found.resource == iam("role/dev")
    assert never(workspace(), "sts:AssumeRole", "role/dev").status is ProofStatus.PROVED
    # Roles of other accounts may trust whoever may assume all roles.
    other = never(workspace(allow("sts:AssumeRole", "arn:aws:iam::999999999999:role/*")), "sts:AssumeRole", "role/dev")
    assert other.status is ProofStatus.NOT_PROVED
    assert any("other accounts" in reason for reason in other.reasons)


@pytest.mark.parametrize(
    "spared",
    [
        {"Resource": "*", "Condition": {"StringNotLike": {"aws:ResourceAccount": "9999*"}}},
        {"Resource": "*", "Condition": {"StringNotLikeIfExists": {"AWS:resourceaccount": "9999????????"}}},
        {"Resource": "*", "Condition": {"NumericLessThan": {"aws:ResourceAccount": "900000000000"}}},
        {"NotResource": "arn:aws:sqs:eu-west-1:9999*"},
        {"NotResource": "arn:aws:sqs:*:9999*:q"},
    ],
    ids=["wildcard", "question marks", "size", "short ARN", "ARN"],
)
def test_an_account_that_policies_name_in_part_is_not_overlooked(spared: dict[str, Any]) -> None:
    # A queue of such an account may let in whoever its own account lets.
    grant, denies = allow("sqs:SendMessage"), {"Effect": "Deny", "Action": "sqs:*", **spared}
    for found in (workspace(grant, denies), workspace(grant, scps=[denies])):
        assert never(found, "sqs:SendMessage").status is ProofStatus.NOT_PROVED
    asked = never(workspace(grant), "sqs:SendMessage", resource="arn:aws:sqs:*:9999*:q")
    assert asked.status is ProofStatus.NOT_PROVED
    whole = deny("sqs:*", Condition={"StringNotEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}})
    own = deny("sqs:*", f"arn:aws:sqs:*:{ID}:*")
    assert never(workspace(grant, whole, own), "sqs:SendMessage").status is ProofStatus.PROVED


@pytest.mark.parametrize("id_", ["777788889999", "77778888999\\u0039"])
def test_an_account_is_found_however_a_policy_is_written(id_: str) -> None:
    # IAM gives documents percent-encoded, and JSON has escapes.
    grant = allow("sqs:SendMessage", Condition={"StringEquals": {"aws:ResourceAccount": id_}})
    written = json.dumps(document(grant, deny("sqs:*", f"arn:aws:sqs:*:{ID}:*")).value).replace("\\\\u", "\\u")
    for text in (written, quote(written)):
        found = workspace()
        own = replace(found.account.users[0], inline_policies=(InlinePolicy("own", PolicyDocument(text)),))
        opened = found.with_account(replace(found.account, users=(own,)))
        assert "not loaded: the policies of resources in other accounts" in never(opened, "sqs:SendMessage").reasons


@pytest.mark.parametrize("resource", ["arn:aws:s3:::elsewhere/x", "arn:aws:s3:::elsewhere/*"])
@pytest.mark.parametrize(
    "closed",
    [
        {"rcps": [{**deny("s3:*"), "Principal": "*"}]},
        {"scps": [deny("s3:*", Condition={"StringEquals": {"aws:ResourceAccount": ID}})]},
        {"scps": [deny("s3:*", Condition={"StringEquals": {"aws:ResourceOrgID": ORG}})]},
    ],
)
def test_a_bucket_that_is_not_known_may_be_of_another_account(closed: dict[str, Any], resource: str) -> None:
    # An ARN of S3 names no account; RCPs apply to the resources of accounts of the organization alone.
    found = workspace(allow("s3:GetObjectTagging"), **closed)
    assert never(found, resource=resource).status is ProofStatus.NOT_PROVED
    assert never(found, resource=resource.replace("elsewhere", "data")).status is ProofStatus.PROVED
    assert never(workspace(deny("s3:*")), resource=resource).status is ProofStatus.PROVED


def test_what_aws_leaves_open_is_not_proved() -> None:
    own = iam("role/dev")
    proof = never(workspace(allow("sts:AssumeRole", own)), "sts:AssumeRole", "role/dev", resource=own)
    assert proof.status is ProofStatus.NOT_PROVED
    assert list(proof.reasons) == ["AWS leaves open whether an old role still trusts itself"]


def test_actions_that_aws_may_add_are_covered() -> None:
    proof = never(workspace(allow("s3:Qu*")), "s3:*", resource="*")
    assert proof.status is ProofStatus.NOT_PROVED
    assert any("no known action is allowed" in reason for reason in proof.reasons)
    with pytest.raises(Problem, match="AWS has no action s3:QuantumBucket"):
        never(workspace(allow("s3:Qu*")), "s3:QuantumBucket", resource="*")
    newer = never(workspace(allow("sts:*")), "sts:GetScopedCredentials", resource="*")
    assert newer.status is ProofStatus.NOT_PROVED
    assert any("newer than the action data" in reason for reason in newer.reasons)
    assert newer.actions == 0
    assert never(workspace(allow("ec2:*"), deny("s3:*")), "s3:Get*", resource="*").status is ProofStatus.PROVED


def test_everyone_but_some() -> None:
    both = workspace(allow("iam:CreateUser"))
    found = never(both, "iam:CreateUser", "*", excepted=("user/*",)).counterexample
    assert found is not None
    assert found.principal.arn == iam("role/dev")
    proof = never(both, "iam:CreateUser", "*", excepted=("user/alice", "role/d*"))
    assert (proof.status, proof.principals) == (ProofStatus.PROVED, 0)


@pytest.mark.parametrize(
    ("lacking", "who", "proved"),
    [
        ("roles", "*", False),
        ("roles", "role/*", False),
        ("roles", "role/ci-*", False),
        ("roles", "arn:aws:iam::*:*", False),
        ("roles", "user/*", True),
        ("roles", "user/alice", True),
        ("users", "role/*", True),
        ("users", "*a*", False),
    ],
)
def test_users_and_roles_that_are_not_loaded_may_do_anything(lacking: str, who: str, *, proved: bool) -> None:
    found = workspace(allow("s3:PutObject"))
    found = found.with_account(replace(found.account, gaps=(Gap(UNLISTED[lacking], "", "it was denied"),)))
    proof = never(found, "iam:CreateUser", who)
    assert proof.status is (ProofStatus.PROVED if proved else ProofStatus.NOT_PROVED)
    assert set(proof.reasons) == (set() if proved else {f"not all {lacking} are loaded"})


def test_an_answer_does_not_hang_on_how_fast_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    statements = [allow("s3:GetObjectTagging", f"{BUCKET}/*{n}*{n + 1}*") for n in range(6)]
    asked = workspace(*statements, deny("s3:*", "*"))
    before = never(asked)
    later = iter(range(0, 10**9, 3_600))
    monkeypatch.setattr("time.monotonic", lambda: float(next(later)))
    assert never(asked) == before


def test_the_key_that_decides_is_shown() -> None:
    # Of whom a bucket is, its ARN does not say.
    own = {"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}}
    found = never(workspace(allow("s3:GetObjectTagging", f"{BUCKET}/*", Condition=own))).counterexample
    assert found is not None
    assert found.context == {"aws:ResourceAccount": (ID,)}


def test_every_example_is_found_by_action() -> None:
    asked = workspace(allow(["s3:GetObjectTagging", "s3:PutObjectTagging"], f"{BUCKET}/*"))
    proof = prove_never(asked, ["*"], ["s3:*"], every=True)
    assert proof.status is ProofStatus.COUNTEREXAMPLE
    found = [(one.action, one.principal.arn, one.alike) for one in proof.examples]
    assert found == [
        ("s3:GetObjectTagging", iam("role/dev"), ()),
        ("s3:GetObjectTagging", iam("user/alice"), ()),
        ("s3:PutObjectTagging", iam("role/dev"), ()),
        ("s3:PutObjectTagging", iam("user/alice"), ()),
    ]
    assert proof.counterexample == proof.examples[0]


def test_work_is_bounded() -> None:
    statements = [allow("s3:GetObjectTagging", f"{BUCKET}/*{n}*{n + 1}*") for n in range(12)]
    conditions = [deny("s3:*", f"{BUCKET}/*{n}*", Condition={"StringLike": {"s3:prefix": f"*{n}*"}}) for n in range(12)]
    proof = never(workspace(*statements, *conditions, deny("s3:*", "*")), steps=30_000_000)
    assert proof.status is ProofStatus.PROVED
    proof = never(workspace(*statements, *conditions), steps=50)
    assert proof.status is ProofStatus.NOT_PROVED
    assert "it takes more than" in next(iter(proof.reasons))


def test_work_grows_with_the_values_of_a_condition() -> None:
    numbers = {"NumericLessThan": {"s3:max-keys": [str(n) for n in range(300)]}}
    grant = allow("s3:GetObjectTagging", f"{BUCKET}/*", Condition=numbers)
    asked = workspace(grant, deny("s3:*", "*", Condition=numbers))
    assert never(asked, steps=100_000).status is ProofStatus.NOT_PROVED
    assert never(asked).status is ProofStatus.PROVED


def test_conditions_about_more_keys_than_can_be_searched_are_not_proved() -> None:
    tags = [
        deny("s3:*", "*", Condition={"StringEquals": {f"aws:PrincipalTag/t{n}": "x"}}, Sid=f"s{n}")
        for n in range(1_200)
    ]
    proof = never(workspace(allow("s3:GetObjectTagging", f"{BUCKET}/*"), *tags, trusted="root"), who="role/dev")
    assert proof.status is ProofStatus.NOT_PROVED
    assert "conditions are about more than 100 keys" in proof.reasons


@pytest.mark.parametrize(("who", "words"), [("role/nobody-*", "No user and no role matches"), ("bob", "bob")])
def test_nobody_of_that_name(who: str, words: str) -> None:
    with pytest.raises(Problem, match=words):
        never(workspace(), who=who)


# Random accounts.

PIECES = ["*", "a*", "*b", "a?", "ab*", "home/${aws:username}/*", "home/*"]
CONDITIONS: list[dict[str, Any]] = [
    {"StringEquals": {"aws:PrincipalOrgID": ORG}},
    {"StringLike": {"aws:UserAgent": ["a*", "*b"]}},
    {"StringNotLike": {"aws:UserAgent": "a*"}},
    {"Bool": {"aws:SecureTransport": "false"}},
    {"Bool": {"aws:SecureTransport": "true"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    {"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/9", "10.128.0.0/9"]}},
    {"StringEqualsIfExists": {"aws:referer": "${aws:username}"}},
    {"Null": {"aws:referer": "true"}},
]
CONTEXTS: dict[str, list[tuple[str, ...]]] = {
    "aws:UserAgent": [(), ("a",), ("b",), ("ab",), ("x",)],
    "aws:SecureTransport": [("true",), ("false",)],
    "aws:SourceIp": [("10.1.1.1",), ("10.200.1.1",), ("192.0.2.1",)],
    "aws:referer": [(), ("alice",), ("x",)],
}
OBJECTS = ["", "a", "b", "ab", "ax", "xb", "abc", "home/alice/x", "home/bob/x", "home/"]


def random_statement(chance: random.Random, *, effect: str = "") -> dict[str, Any]:
    element = "NotResource" if chance.random() < 0.15 else "Resource"
    pieces = chance.sample(PIECES, chance.randint(1, 2))
    return {
        "Effect": effect or chance.choice(["Allow", "Allow", "Deny"]),
        "Action": chance.choice(["s3:GetObjectTagging", "s3:*", "s3:Put*", "*"]),
        element: [f"{BUCKET}/{piece}" for piece in pieces],
        **({"Condition": chance.choice(CONDITIONS)} if chance.random() < 0.6 else {}),
    }


def random_workspace(chance: random.Random) -> Workspace:
    def some(most: int) -> Statements:
        return [random_statement(chance) for _ in range(chance.randint(0, most))]

    bucket = [{**one, "Principal": chance.choice(["*", {"AWS": iam("user/alice")}])} for one in some(2)]
    return workspace(
        random_statement(chance, effect="Allow"),
        *some(3),
        boundary=[random_statement(chance, effect="Allow"), *some(2)] if chance.random() < 0.4 else None,
        scps=[one for one in some(2) if one["Effect"] == "Deny"],
        buckets={BUCKET: document(*bucket) if bucket else None},
    )


@pytest.mark.slow
@pytest.mark.parametrize("first", few_slow(range(0, 60, 4), 3))
def test_no_sampled_request_contradicts_a_proof(first: int) -> None:
    seen = set()
    for chance in (random.Random(10 * first + number) for number in range(40)):
        made = random_workspace(chance)
        for who in ("user/alice", "role/dev"):
            proof = never(made, who=who, steps=30_000_000)
            seen.add(proof.status)
            if proof.status is not ProofStatus.PROVED:
                continue
            principal = resolve_principal(made, who)
            for _ in range(60):
                context = {key: chance.choice(values) for key, values in CONTEXTS.items()}
                resource = f"{BUCKET}/{chance.choice(OBJECTS)}"
                question = Question("s3:GetObjectTagging", resource, context, Mode.STRICT)
                outcome = evaluator_of(made, question).decide(principal).outcome
                assert outcome is not Outcome.ALLOWED, (resource, context)
    assert {ProofStatus.PROVED, ProofStatus.COUNTEREXAMPLE} <= seen


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_an_answer_changes_when_one_deny_loses_a_character(seed: int) -> None:
    """Mutation: a grant that a Deny covers exactly is proved, and no longer where the Deny is narrower."""
    chance = random.Random(seed)
    for _ in range(8):
        prefix = "".join(chance.choice("abc/") for _ in range(chance.randint(1, 6)))
        grant = allow("s3:GetObjectTagging", f"{BUCKET}/{prefix}*")
        assert never(workspace(grant, deny("s3:*", f"{BUCKET}/{prefix}*"))).status is ProofStatus.PROVED
        for narrower in (f"{prefix}?*", f"{prefix}{chance.choice('abc')}*", f"{prefix}*x"):
            found = never(workspace(grant, deny("s3:*", f"{BUCKET}/{narrower}")))
            assert found.status is ProofStatus.COUNTEREXAMPLE, narrower


def test_what_no_policy_tells_is_not_proved() -> None:
    # S3 User Guide: an ACL can grant; KMS Developer Guide: so can a grant on a key. Neither is read.
    lists = never(workspace(), "s3:GetObject", resource=f"{BUCKET}/*")
    assert lists.status is ProofStatus.NOT_PROVED
    assert "S3 access control lists" in next(iter(lists.reasons))
    assert never(workspace(deny("s3:GetObject")), "s3:GetObject").status is ProofStatus.PROVED
    assert never(workspace(scps=[deny("s3:GetObject")]), "s3:GetObject").status is ProofStatus.PROVED
    grants = never(workspace(), "kms:Decrypt")
    assert grants.status is ProofStatus.NOT_PROVED
    assert any("grants on KMS keys" in reason for reason in grants.reasons)
    assert never(workspace(deny("kms:*")), "kms:Decrypt").status is ProofStatus.PROVED
