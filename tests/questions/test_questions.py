"""Questions over an account: which policies are in force, what the account says of the context, what is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from iamtui.account.model import (
    Account,
    AttachedPolicy,
    Group,
    InlinePolicy,
    Known,
    ManagedPolicy,
    Missing,
    Organization,
    OrganizationLevel,
    OrganizationPolicy,
    PolicyVersion,
    PublicAccessBlock,
    ResourcePolicy,
    Role,
    User,
)
from iamtui.engine.condition_words import condition_of
from iamtui.engine.decision import Decision, Layer, LayerState, Outcome, ResourceScope
from iamtui.engine.evaluator import evaluate
from iamtui.engine.request import Mode, Principal, PrincipalKind
from iamtui.engine.scenarios.scenario import parse_scenario
from iamtui.engine.words.decision_json import derived_context, request_to_json
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.questions.account_index import account_index
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question
from iamtui.workspace.ask.questions import BulkEvaluator, as_command, ask, ask_and_trace, check_question
from iamtui.workspace.ask.what_can import what_can
from iamtui.workspace.prove.draft_proofs import prove_nothing_new
from iamtui.workspace.prove.proofs import prove_never
from iamtui.workspace.source.principals import principal_for, resolve_principal
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace

ID = "111122223333"
OTHER = "444455556666"
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
BUCKET = "arn:aws:s3:::lake"
OBJECT = "arn:aws:s3:::lake/x"


def document(*statements: dict[str, Any]) -> PolicyDocument:
    return PolicyDocument.of({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def arn(rest: str, account: str = ID) -> str:
    return f"arn:aws:iam::{account}:{rest}"


SAME_TEAM = {"StringEquals": {"aws:ResourceTag/Team": "${aws:PrincipalTag/Team}"}}
FULL_ACCESS = OrganizationPolicy(
    "arn:aws:organizations::aws:policy/p-FullAWSAccess", "FullAWSAccess", document(allow("*"))
)
NO_QUEUES = OrganizationPolicy("arn:p-queues", "no-queues", document(deny("sqs:*")))


def level(name: str, *scps: OrganizationPolicy, type: str = "ORGANIZATIONAL_UNIT") -> OrganizationLevel:  # noqa: A002
    return OrganizationLevel(name, name, type, Known(scps), Known(()))


def workspace(**changes: Any) -> Workspace:
    read = ManagedPolicy(
        "read", "/", arn("policy/read"), "ANPA1", None,
        versions=(
            PolicyVersion("v1", document(allow("s3:*")), is_default=False),
            PolicyVersion("v2", document(allow("s3:GetObject", f"{BUCKET}/*")), is_default=True),
        ),
    )  # fmt: skip
    edge = ManagedPolicy("edge", "/", arn("policy/edge"), "ANPA2", None,
                         versions=(PolicyVersion("v1", document(allow("ec2:*")), is_default=True),))  # fmt: skip
    account = Account(
        id=ID,
        caller_arn=Known(arn("user/alice")),
        users=(
            User("alice", "/", arn("user/alice"), "AIDAALICE000000000001", None, groups=("readers",),
                 tags=(("Team", "blue"),)),
            User("bound", "/", arn("user/bound"), "AIDABOUND000000000001", None, groups=("readers",),
                 boundary_arn=edge.arn),
            User("lost", "/", arn("user/lost"), "AIDALOST0000000000001", None,
                 attached_policies=(AttachedPolicy("gone", arn("policy/gone")),)),
        ),
        groups=(
            Group("readers", "/", arn("group/readers"), "AGPA1", None,
                  inline_policies=(InlinePolicy("own", document(allow("sqs:SendMessage"))),),
                  attached_policies=(AttachedPolicy("read", read.arn),)),
        ),
        roles=(
            Role("deploy", "/ops/", arn("role/ops/deploy"), "AROADEPLOY00000000001", None,
                 document({"Effect": "Allow", "Principal": {"AWS": ID}, "Action": "sts:AssumeRole"}),
                 inline_policies=(InlinePolicy("mine", document(allow("ec2:StopInstances", Condition=SAME_TEAM))),)),
        ),
        policies=(read, edge),
        organization=Known(None),
    )  # fmt: skip
    return Workspace(
        replace(account, **changes),
        SourceInfo(SourceKind.SNAPSHOT, "a b.json", region="eu-west-1", file="/tmp/x/a b.json"),
    )


def answer(ws: Workspace, who: str, action: str, resource: str = "*", **more: Any) -> Decision:
    return ask(ws, resolve_principal(ws, who), Question(action, resource, **more), now=NOW)


def state(decision: Decision, layer: Layer) -> LayerState:
    return next(report.state for report in decision.layers if report.layer is layer)


def test_group_policies_count_and_only_the_default_version() -> None:
    ws = workspace()
    assert answer(ws, "alice", "s3:GetObject", OBJECT).outcome is Outcome.ALLOWED
    assert answer(ws, "alice", "s3:PutObject", OBJECT).outcome is Outcome.IMPLICIT_DENY
    sent = answer(ws, "alice", "sqs:SendMessage", f"arn:aws:sqs:eu-west-1:{ID}:q")
    assert sent.deciding is not None
    assert sent.deciding.policy == "readers/own"


def test_the_boundary_is_found_through_its_arn() -> None:
    decision = answer(workspace(), "bound", "s3:GetObject", OBJECT)
    assert decision.outcome is Outcome.IMPLICIT_DENY
    assert decision.blocked_by == (Layer.BOUNDARY,)


def test_a_document_that_is_missing_is_never_read_as_empty() -> None:
    decision = answer(workspace(), "lost", "s3:GetObject", OBJECT)
    assert decision.outcome is Outcome.DEPENDS
    assert "policy/gone" in str(decision.depends_on)


def test_an_unreadable_document_makes_the_answer_depend_on_it() -> None:
    ws = workspace()
    broken = replace(ws.account.groups[0], inline_policies=(InlinePolicy("own", PolicyDocument("{not json")),))
    ws = ws.with_account(replace(ws.account, groups=(broken,)))
    assert answer(ws, "alice", "s3:GetObject", OBJECT).outcome is Outcome.DEPENDS
    assert answer(ws, "alice", "s3:PutObject", OBJECT).outcome is Outcome.DEPENDS


def test_scps_that_are_not_loaded_leave_allowed_standing_as_far_as_loaded() -> None:
    ws = workspace(organization=Missing("access denied", "organizations:ListPolicies"))
    decision = answer(ws, "alice", "s3:GetObject", OBJECT)
    assert decision.outcome is Outcome.ALLOWED
    assert not decision.complete
    assert state(decision, Layer.SCP) is LayerState.NOT_EVALUATED
    assert state(decision, Layer.RCP) is LayerState.NOT_EVALUATED


def test_scp_levels_and_the_exempt_management_account() -> None:
    queue = f"arn:aws:sqs:eu-west-1:{ID}:q"
    path = (level("root", FULL_ACCESS, type="ROOT"), level("prod", FULL_ACCESS, NO_QUEUES))
    member = workspace(organization=Known(Organization("o-1", OTHER, path)))
    decision = answer(member, "alice", "sqs:SendMessage", queue)
    assert decision.outcome is Outcome.EXPLICIT_DENY
    assert [(r.layer, r.level, r.level_name) for r in decision.reasons] == [(Layer.SCP, 1, "prod")]
    management = workspace(organization=Known(Organization("o-1", ID, path)))
    assert answer(management, "alice", "sqs:SendMessage", queue).outcome is Outcome.ALLOWED


@pytest.mark.parametrize(
    ("management", "delegates", "outcome"),
    [
        (ID, None, Outcome.ALLOWED),
        (OTHER, {"iam.amazonaws.com": (ID,)}, Outcome.ALLOWED),
        (OTHER, {"iam.amazonaws.com": (OTHER,), "ram.amazonaws.com": (ID,)}, Outcome.IMPLICIT_DENY),
        (OTHER, {}, Outcome.IMPLICIT_DENY),
        (OTHER, None, Outcome.DEPENDS),
    ],
)
def test_the_organization_says_who_assumes_the_root_of_a_member_account(
    management: str, delegates: dict[str, tuple[str, ...]] | None, outcome: Outcome
) -> None:
    path = (level("root", FULL_ACCESS, type="ROOT"), level("prod", FULL_ACCESS))
    ws = workspace(organization=Known(Organization("o-1", management, path, delegates)))
    admin = replace(ws.account.users[0], inline_policies=(InlinePolicy("all", document(allow("*"))),))
    ws = ws.with_account(replace(ws.account, users=(admin,)))
    given = {"sts:TaskPolicyArn": ("arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy",)}
    root = arn("root", "777777777777")
    assert answer(ws, "alice", "sts:AssumeRoot", root, context=given).outcome is outcome
    # Which other accounts the organization has is not loaded.
    of_any = Outcome.DEPENDS if outcome is Outcome.ALLOWED else outcome
    for roots in ("*", "arn:aws:iam::*:root"):
        decision = answer(ws, "alice", "sts:AssumeRoot", roots, context=given)
        assert (decision.outcome, decision.example_resource) == (of_any, None)
    for fact, expected in ((Known(None), Outcome.IMPLICIT_DENY), (Missing("not loaded"), Outcome.DEPENDS)):
        other = ws.with_account(replace(ws.account, organization=fact))
        for one in (root, "*"):
            assert answer(other, "alice", "sts:AssumeRoot", one, context=given).outcome is expected


def test_the_account_says_what_the_principal_carries() -> None:
    ws = workspace()
    tagged = replace(ws.account.users[0], inline_policies=(
        InlinePolicy("abac", document(allow("s3:PutObject", f"{BUCKET}/${{aws:PrincipalTag/team}}/*"))),))  # fmt: skip
    ws = ws.with_account(replace(ws.account, users=(tagged,)))
    assert answer(ws, "alice", "s3:PutObject", f"{BUCKET}/blue/x").outcome is Outcome.ALLOWED
    assert answer(ws, "alice", "s3:PutObject", f"{BUCKET}/red/x").outcome is Outcome.IMPLICIT_DENY


def test_a_role_may_carry_session_tags_so_its_tags_stay_open() -> None:
    instance = f"arn:aws:ec2:eu-west-1:{ID}:instance/i-1"
    decision = answer(workspace(), "deploy", "ec2:StopInstances", instance)
    assert decision.outcome is Outcome.DEPENDS
    assert set(decision.missing_context) == {"aws:PrincipalTag/Team", "aws:ResourceTag/Team"}
    given = {"aws:ResourceTag/Team": ("blue",), "aws:PrincipalTag/Team": ("blue",)}
    assert answer(workspace(), "deploy", "ec2:StopInstances", instance, context=given).outcome is Outcome.ALLOWED
    assert (
        answer(workspace(), "deploy", "ec2:StopInstances", instance, mode=Mode.STRICT).outcome is Outcome.IMPLICIT_DENY
    )


def test_a_bucket_of_this_account_is_foreign_to_a_foreign_caller() -> None:
    ws = workspace(
        resource_policies={BUCKET: ResourcePolicy("none")},
        public_access_blocks={"lake": PublicAccessBlock()},
    )
    decision = answer(ws, arn("user/eve", OTHER), "s3:GetObject", OBJECT)
    assert decision.outcome is Outcome.IMPLICIT_DENY
    assert decision.request.resource_account == ID
    assert Layer.RESOURCE in {reason.layer for reason in decision.reasons}


def test_a_foreign_callers_own_policies_are_unknown() -> None:
    policy = document(allow("s3:GetObject", f"{BUCKET}/*", Principal={"AWS": OTHER}))
    ws = workspace(resource_policies={BUCKET: ResourcePolicy("present", policy)},
                   public_access_blocks={"lake": PublicAccessBlock()})  # fmt: skip
    decision = answer(ws, arn("user/eve", OTHER), "s3:GetObject", OBJECT)
    assert decision.outcome is Outcome.DEPENDS
    assert "identity policies of" in str(decision.depends_on)


def test_a_resource_policy_that_is_not_loaded_is_said_and_where_it_must_admit_it_decides() -> None:
    ws = workspace()
    readable = answer(ws, "alice", "s3:GetObject", OBJECT)
    assert state(readable, Layer.RESOURCE) is LayerState.NOT_EVALUATED
    key = f"arn:aws:kms:eu-west-1:{ID}:key/k"
    assert answer(ws, "root", "kms:Decrypt", key).outcome is Outcome.DEPENDS
    anonymous = answer(ws, "anonymous", "s3:GetObject", OBJECT)
    assert anonymous.outcome is Outcome.DEPENDS


def test_the_trust_policy_takes_part_in_assume_role() -> None:
    ws = workspace()
    decision = answer(ws, "alice", "sts:AssumeRole", arn("role/ops/deploy"))
    assert decision.outcome is Outcome.IMPLICIT_DENY
    assert decision.reasons[0].layer is Layer.IDENTITY
    service = answer(ws, "lambda.amazonaws.com", "sts:AssumeRole", arn("role/ops/deploy"))
    assert service.outcome is Outcome.IMPLICIT_DENY


def test_a_pattern_is_never_a_bare_allowed() -> None:
    decision = answer(workspace(), "alice", "s3:GetObject", "*")
    assert decision.resource_scope is ResourceScope.SOME
    assert decision.allowed_resources == (f"{BUCKET}/*",)
    inside = answer(workspace(), "alice", "s3:GetObject", f"{BUCKET}/a/*")
    assert inside.resource_scope is ResourceScope.ALL


def test_discover_prints_what_it_assumes_and_a_given_value_wins() -> None:
    decision = answer(workspace(), "alice", "s3:GetObject", OBJECT)
    assert "aws:SecureTransport = true" in decision.assumptions
    assert "aws:CurrentTime = 2026-11-25T12:00:00Z" in decision.assumptions
    given = answer(workspace(), "alice", "s3:GetObject", OBJECT, context={"AWS:securetransport": ("false",)})
    assert "aws:SecureTransport = true" not in given.assumptions
    forwarded = answer(workspace(), "alice", "s3:GetObject", OBJECT, context={"aws:CalledVia": ("x.amazonaws.com",)})
    assert not any("ViaAWSService" in assumed for assumed in forwarded.assumptions), "a service forwards it"
    strict = answer(workspace(), "alice", "s3:GetObject", OBJECT, mode=Mode.STRICT)
    assert set(decision.assumptions) < set(strict.assumptions)
    assert "aws:UserAgent: present, value unknown" in strict.assumptions


def test_a_switched_off_layer_is_shown_as_not_evaluated() -> None:
    decision = answer(workspace(), "bound", "s3:GetObject", OBJECT, layers_off=frozenset({Layer.BOUNDARY}))
    assert decision.outcome is Outcome.ALLOWED
    assert state(decision, Layer.BOUNDARY) is LayerState.NOT_EVALUATED
    assert not decision.complete


def test_one_evaluator_for_everyone_gives_what_ask_gives() -> None:
    ws = workspace(organization=Missing("not loaded"))
    question = Question("s3:GetObject", OBJECT)
    together = BulkEvaluator(ws, question, now=NOW)
    everyone = [principal_for(ws, entity) for entity in (*ws.account.users, *ws.account.roles)]
    assert [together.ask(p).outcome for p in everyone] == [ask(ws, p, question, now=NOW).outcome for p in everyone]
    assert len(everyone) == 4


def test_the_trace_and_the_explanation_name_the_near_miss() -> None:
    ws = workspace()
    decision, traced, explanation = ask_and_trace(
        ws, resolve_principal(ws, "alice"), Question("s3:GetObject", "arn:aws:s3:::other/x"), now=NOW
    )
    assert decision.outcome is Outcome.IMPLICIT_DENY
    near = [s for layer in traced for s in layer.statements if s.policy == arn("policy/read")]
    assert [(e.element, e.matched) for e in near[0].elements] == [("Action", True), ("Resource", False)]
    assert near[0].elements[1].wanted == (f"{BUCKET}/*",)
    assert near[0].elements[1].seen == ("arn:aws:s3:::other/x",)
    assert "Add arn:aws:s3:::other/x to the Resource of read" in explanation.suggestions[0].change


def test_an_explicit_deny_is_never_answered_with_an_allow() -> None:
    path = (level("root", FULL_ACCESS, NO_QUEUES, type="ROOT"),)
    ws = workspace(organization=Known(Organization("o-1", OTHER, path)))
    _, _, explanation = ask_and_trace(
        ws, resolve_principal(ws, "alice"), Question("sqs:SendMessage", f"arn:aws:sqs:eu-west-1:{ID}:q"), now=NOW
    )
    assert [s.statement for s in explanation.suggestions] == [None]
    assert "no Allow can override it" in explanation.suggestions[0].change


@pytest.mark.parametrize(
    "question",
    [
        Question(""),
        Question("GetObject"),
        Question("s3:"),
        Question("s3:Get Object"),
        Question("s3:*"),
        Question("s3:GetObject", "my-bucket"),
        Question("s3:GetObject", "arn:aws:s3"),
        Question("s3:GetObject", "*", {"SourceIp": ("x",)}),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_sentence(question: Question) -> None:
    with pytest.raises(Problem) as caught:
        check_question(question)
    assert caught.value.next_step
    assert "\n" not in str(caught.value)


def test_copy_as_command_is_quoted() -> None:
    ws = workspace()
    line = as_command(ws, resolve_principal(ws, "alice"),
                      Question("s3:GetObject", OBJECT, {"aws:SourceIp": ("203.0.113.9",)}, Mode.STRICT))  # fmt: skip
    assert line == (
        f"iamtui can {arn('user/alice')} s3:GetObject --on {OBJECT} "
        "-c aws:SourceIp=203.0.113.9 --strict --snapshot '/tmp/x/a b.json' --region eu-west-1"
    )


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("alice", PrincipalKind.USER, arn("user/alice")),
        ("user/alice", PrincipalKind.USER, arn("user/alice")),
        (arn("user/alice"), PrincipalKind.USER, arn("user/alice")),
        ("AIDAALICE000000000001", PrincipalKind.USER, arn("user/alice")),
        ("deploy", PrincipalKind.ROLE, arn("role/ops/deploy")),
        ("role/deploy", PrincipalKind.ROLE, arn("role/ops/deploy")),
        ("role/ops/deploy", PrincipalKind.ROLE, arn("role/ops/deploy")),
        ("root", PrincipalKind.ROOT, arn("root")),
        ("lambda.amazonaws.com", PrincipalKind.SERVICE, "lambda.amazonaws.com"),
        ("anonymous", PrincipalKind.ANONYMOUS, ""),
        (
            f"arn:aws:sts::{ID}:assumed-role/deploy/s",
            PrincipalKind.ROLE_SESSION,
            f"arn:aws:sts::{ID}:assumed-role/deploy/s",
        ),
        (arn("user/eve", OTHER), PrincipalKind.USER, arn("user/eve", OTHER)),
    ],
)
def test_principals_by_every_name(text: str, kind: PrincipalKind, expected: str) -> None:
    principal = resolve_principal(workspace(), text)
    assert (principal.kind, principal.arn) == (kind, expected)


def test_a_session_knows_its_roles_path() -> None:
    session: Principal = resolve_principal(workspace(), f"arn:aws:sts::{ID}:assumed-role/deploy/s")
    assert session.role_arn == arn("role/ops/deploy")


@pytest.mark.parametrize("text", ["alise", "user/deploy", arn("user/nobody"), arn("policy/read"), "", "arn:aws:iam"])
def test_nobody_answers(text: str) -> None:
    with pytest.raises(Problem):
        resolve_principal(workspace(), text)


def test_the_nearest_names_are_offered() -> None:
    with pytest.raises(Problem, match=r"user/alice"):
        resolve_principal(workspace(), "alise")


KEY, ALIAS = f"arn:aws:kms:eu-west-1:{ID}:key/1", f"arn:aws:kms:eu-west-1:{ID}:alias/app"
OTHER_ALIAS = f"arn:aws:kms:eu-west-1:{ID}:alias/other"
OTHER_KEY = f"arn:aws:kms:eu-west-1:{ID}:key/2"


def with_keys(*statements: dict[str, Any], aliases: dict[str, str]) -> Workspace:
    policy = document(allow("kms:*", "*", Principal={"AWS": f"arn:aws:iam::{ID}:root"}))
    ws = workspace(resource_policies={key: ResourcePolicy("present", policy) for key in (KEY, OTHER_KEY)})
    alice = replace(ws.account.users[0], inline_policies=(InlinePolicy("keys", document(*statements)),))
    return ws.with_account(replace(ws.account, users=(alice,), kms_aliases=aliases))


def test_a_question_about_a_known_alias_is_answered_about_its_key() -> None:
    aliases = {ALIAS: KEY, f"{ALIAS}2": KEY, OTHER_ALIAS: OTHER_KEY}
    ws = with_keys(allow("kms:Decrypt", KEY), aliases=aliases)
    decision = answer(ws, "alice", "kms:Decrypt", ALIAS)
    assert decision.outcome is Outcome.ALLOWED
    assert decision.request.resource == KEY
    assert derived_context(decision.request)["kms:requestalias"] == "alias/app"
    assert derived_context(decision.request)["kms:resourcealiases"] == ["alias/app", "alias/app2"]
    assert any(f"alias/app stands for {KEY}" in note for note in decision.notes)
    assert (
        answer(ws, "alice", "kms:Decrypt", f"arn:aws:kms:eu-west-1:{ID}:alias/other").outcome is Outcome.IMPLICIT_DENY
    )
    named = with_keys(allow("kms:Decrypt", ALIAS), aliases=aliases)
    assert answer(named, "alice", "kms:Decrypt", ALIAS).outcome is Outcome.IMPLICIT_DENY
    unknown = with_keys(allow("kms:Decrypt", KEY), aliases={})
    assert answer(unknown, "alice", "kms:Decrypt", ALIAS).outcome is Outcome.DEPENDS


GROUP = f"arn:aws:logs:eu-west-1:{ID}:log-group:app"


@pytest.mark.parametrize(
    ("entry", "action", "outcome"),
    [
        (GROUP, "logs:DeleteLogGroup", Outcome.IMPLICIT_DENY),
        (GROUP, "logs:CreateLogStream", Outcome.IMPLICIT_DENY),
        (GROUP, "logs:TagResource", Outcome.ALLOWED),
        (f"{GROUP}:*", "logs:DeleteLogGroup", Outcome.ALLOWED),
        (f"{GROUP}:*", "Logs:createlogstream", Outcome.ALLOWED),
        (f"{GROUP}:*", "logs:TagResource", Outcome.IMPLICIT_DENY),
        (f"{GROUP}*", "logs:PutRetentionPolicy", Outcome.ALLOWED),
        (f"{GROUP}:log-stream:", "logs:PutRetentionPolicy", Outcome.ALLOWED),
        (f"{GROUP}:log-stream:", "logs:PutLogEvents", Outcome.IMPLICIT_DENY),
        (f"{GROUP}:log-stream:*", "logs:PutLogEvents", Outcome.ALLOWED),
    ],
)
def test_a_log_group_is_authorized_as_its_streams_but_for_its_tags(entry: str, action: str, outcome: Outcome) -> None:
    base = workspace()
    alice = replace(base.account.users[0], inline_policies=(InlinePolicy("logs", document(allow("logs:*", entry))),))
    ws = base.with_account(replace(base.account, users=(alice,)))
    question = Question(action, GROUP)
    decision = answer(ws, "alice", action, GROUP)
    assert decision.outcome is outcome
    account_index(ws.account)
    evaluator = QuestionEvaluator(ws.account, question, NOW)
    outcomes = evaluator.outcomes()
    assert outcomes is not None
    assert (outcomes.allowed == 1) is (outcome is Outcome.ALLOWED)
    assert any(f"{GROUP}:*" in note for note in decision.notes) is ("Tag" not in action)
    proof = prove_never(ws, ["user/alice"], [action], resource=GROUP)
    assert proof.is_proved is (outcome is not Outcome.ALLOWED), proof
    able = {name for one in what_can(ws, resolve_principal(ws, "alice")).permissions for name in one.actions}
    assert (action.split(":")[1].lower() in {name.split(":")[-1].lower() for name in able}) is (
        outcome is Outcome.ALLOWED
    )


def test_a_deny_of_streams_denies_calls_on_their_log_group() -> None:
    base = workspace()
    policy = document(allow("logs:*", f"{GROUP}:*"), deny("logs:Delete*", f"{GROUP}:log-stream:*"))
    alice = replace(base.account.users[0], inline_policies=(InlinePolicy("logs", policy),))
    ws = base.with_account(replace(base.account, users=(alice,)))
    assert answer(ws, "alice", "logs:DeleteLogGroup", GROUP).outcome is Outcome.EXPLICIT_DENY


@pytest.mark.parametrize(
    ("denied", "action", "outcome"),
    [
        (deny("logs:*", GROUP), "logs:DeleteLogGroup", Outcome.DEPENDS),
        (deny("logs:*", GROUP.replace("app", "a?p")), "logs:DeleteLogGroup", Outcome.DEPENDS),
        (deny("logs:*", "arn:aws:logs:*:*:*:app"), "logs:DeleteLogGroup", Outcome.DEPENDS),
        (deny("logs:*", "arn:*:*:*:*:*app"), "logs:DeleteLogGroup", Outcome.DEPENDS),
        (deny("logs:*", GROUP.replace("app", "${aws:username}")), "logs:DeleteLogGroup", Outcome.ALLOWED),
        (deny("logs:*", GROUP.replace("app", "${aws:PrincipalTag/app}")), "logs:DeleteLogGroup", Outcome.DEPENDS),
        ({"Effect": "Allow", "Action": "logs:*", "NotResource": GROUP}, "logs:DeleteLogGroup", Outcome.DEPENDS),
        ({"Effect": "Deny", "Action": "logs:*", "NotResource": GROUP}, "logs:DeleteLogGroup", Outcome.EXPLICIT_DENY),
        (deny("logs:*", GROUP) | {"Resource": [GROUP, f"{GROUP}:*"]}, "logs:DeleteLogGroup", Outcome.EXPLICIT_DENY),
        (deny("logs:*", GROUP), "logs:TagResource", Outcome.EXPLICIT_DENY),
        (deny("logs:*", GROUP), "logs:PutLogEvents", Outcome.ALLOWED),
        (deny("logs:*", f"{GROUP}le"), "logs:DeleteLogGroup", Outcome.ALLOWED),
    ],
)
def test_a_deny_of_a_log_group_alone_may_deny(denied: dict[str, Any], action: str, outcome: Outcome) -> None:
    # AWS's pages say that such an entry is for tags alone; who wrote it meant to keep callers out.
    base = workspace()
    statements = [denied] if denied["Effect"] == "Allow" else [allow("logs:*"), denied]
    alice = replace(
        base.account.users[0], inline_policies=(InlinePolicy("logs", document(*statements)),), tags=(("app", "app"),)
    )
    ws = base.with_account(replace(base.account, users=(alice,)))
    decision = answer(ws, "alice", action, GROUP)
    assert decision.outcome is outcome
    account_index(ws.account)
    for question in (Question(action, GROUP), Question(action, GROUP, mode=Mode.STRICT)):
        outcomes = QuestionEvaluator(ws.account, question, NOW).outcomes()
        assert outcomes is not None
        assert outcomes.of(0) is (None if outcomes.left & 1 else outcome)
    proof = prove_never(ws, ["user/alice"], [action], resource=GROUP)
    assert proof.is_proved is (outcome is Outcome.EXPLICIT_DENY), proof
    assert (proof.counterexample is None) is (outcome is not Outcome.ALLOWED), proof
    if outcome is Outcome.DEPENDS:
        assert "CloudWatch Logs makes the resource" in condition_of(decision)
        assert decision.missing_context == ()
        assert not any("does not list" in note for note in decision.notes)


@pytest.mark.parametrize("where", ["boundary", "scp", "session", "group"])
@pytest.mark.parametrize("asked", [GROUP, f"{GROUP}:*"])
def test_a_deny_of_a_log_group_alone_may_deny_wherever_it_stands(where: str, asked: str) -> None:
    base = workspace()
    limit = document(allow("*"), deny("logs:*", GROUP))
    full = (InlinePolicy("all", document(allow("*"))),)
    alice = replace(base.account.users[0], inline_policies=full)
    bounding = ManagedPolicy(
        "logs", "/", arn("policy/logs"), "ANPA3", None, versions=(PolicyVersion("v1", limit, is_default=True),)
    )
    changes: dict[str, Any] = {"policies": (*base.account.policies, bounding)}
    if where == "boundary":
        alice = replace(alice, boundary_arn=bounding.arn)
    elif where == "group":
        changes["groups"] = (
            replace(base.account.groups[0], attached_policies=(AttachedPolicy("logs", bounding.arn),)),
        )
    elif where == "scp":
        scp = OrganizationPolicy("arn:p-logs", "logs", limit)
        changes["organization"] = Known(
            Organization("o-1", OTHER, (level("Root", FULL_ACCESS, type="ROOT"), level("Dev", scp)))
        )
    ws = base.with_account(replace(base.account, users=(alice, *base.account.users[1:]), **changes))
    session = (limit.raw,) if where == "session" else ()
    delete = "logs:DeleteLogGroup"
    assert answer(ws, "alice", delete, asked, session_policies=session).outcome is Outcome.DEPENDS
    account_index(ws.account)
    evaluator = QuestionEvaluator(ws.account, Question(delete, asked, session_policies=session), NOW)
    outcomes = evaluator.outcomes()
    assert outcomes is None or outcomes.of(0) in (None, Outcome.DEPENDS)
    assert answer(ws, "alice", delete, f"{GROUP}le", session_policies=session).outcome is Outcome.ALLOWED


def test_without_a_deny_of_a_log_group_alone_more_may_be_allowed() -> None:
    base = workspace()

    def having(*statements: dict[str, Any]) -> Workspace:
        policy = InlinePolicy("logs", document(*statements))
        return base.with_account(
            replace(base.account, users=(replace(base.account.users[0], inline_policies=(policy,)),))
        )

    delete = "logs:DeleteLogGroup"
    free, kept_out = having(allow(delete)), having(allow(delete), deny(delete, GROUP))
    assert prove_nothing_new(free, kept_out).is_proved
    proof = prove_nothing_new(kept_out, free)
    assert (proof.is_proved, proof.counterexample) == (False, None)


def test_an_alias_that_a_region_lacks_is_denied_where_its_aliases_are_known() -> None:
    lacking = f"arn:aws:kms:eu-west-1:{ID}:alias/lacking"
    ws = with_keys(allow("kms:*"), aliases={ALIAS: KEY})
    decision = answer(ws, "alice", "kms:Decrypt", lacking)
    assert (decision.outcome, decision.blocked_by) == (Outcome.IMPLICIT_DENY, ())
    why = f"No KMS key of account {ID} in eu-west-1 has the alias lacking."
    assert why in [report.why for report in decision.layers]
    for unknown in (lacking.replace("eu-west-1", "eu-west-2"), lacking.replace("alias/lacking", "alias/aws/ebs")):
        assert answer(ws, "alice", "kms:Decrypt", unknown).outcome is Outcome.DEPENDS
    assert answer(ws, "alice", "kms:CreateAlias", lacking).outcome is Outcome.ALLOWED


IN_REGION = f"arn:aws:kms:eu-west-1:{ID}:"


@pytest.mark.parametrize(
    ("pattern", "statements", "outcome", "example"),
    [
        ("alias/app*", [allow("kms:Decrypt", KEY)], Outcome.ALLOWED, ALIAS),
        ("alias/o*", [allow("kms:Decrypt", KEY)], Outcome.IMPLICIT_DENY, None),
        ("alias/*", [allow("kms:Decrypt", KEY)], Outcome.ALLOWED, ALIAS),
        # An alias of AWS may come to stand for a key.
        ("alias/*", [allow("kms:Decrypt", f"{KEY}?")], Outcome.DEPENDS, None),
        ("alias/ap*", [allow("kms:Decrypt", f"{KEY}?")], Outcome.IMPLICIT_DENY, None),
        ("alias/app*", [allow("kms:Decrypt", ALIAS)], Outcome.IMPLICIT_DENY, None),
        ("alias/app*", [allow("kms:*"), deny("kms:*", KEY)], Outcome.EXPLICIT_DENY, None),
        ("alias/none*", [allow("kms:*")], Outcome.IMPLICIT_DENY, None),
        (
            "alias/app*",
            [allow("kms:*", Condition={"StringEquals": {"kms:RequestAlias": "alias/app2"}})],
            Outcome.ALLOWED,
            f"{ALIAS}2",
        ),
        (
            "alias/app*",
            [allow("kms:*", Condition={"StringEquals": {"kms:EncryptionContext:a": "b"}})],
            Outcome.DEPENDS,
            None,
        ),
    ],
)
def test_a_pattern_of_aliases_is_answered_from_those_that_are_known(
    pattern: str, statements: list[dict[str, Any]], outcome: Outcome, example: str | None
) -> None:
    ws = with_keys(*statements, aliases={ALIAS: KEY, f"{ALIAS}2": KEY, OTHER_ALIAS: OTHER_KEY})
    decision = answer(ws, "alice", "kms:Decrypt", IN_REGION + pattern)
    assert (decision.outcome, decision.example_resource) == (outcome, example)
    if example is not None:
        assert answer(ws, "alice", "kms:Decrypt", example).outcome is Outcome.ALLOWED
        assert example in decision.allowed_resources
        assert decision.resource_scope is ResourceScope.SOME
    account_index(ws.account)
    for_many = QuestionEvaluator(ws.account, Question("kms:Decrypt", IN_REGION + pattern), NOW)
    for_many.outcomes()
    assert for_many.decide(resolve_principal(ws, "alice")).outcome is outcome


def test_a_pattern_of_aliases_of_which_some_are_not_known_is_about_some_key() -> None:
    granted = with_keys(allow("kms:Decrypt"), aliases={ALIAS: KEY})
    assert answer(granted, "alice", "kms:Decrypt", f"arn:aws:kms:eu-west-2:{ID}:alias/app*").outcome is Outcome.DEPENDS
    everywhere = f"arn:aws:kms:*:{ID}:alias/app*"
    assert answer(granted, "alice", "kms:Decrypt", everywhere).example_resource == ALIAS
    other = with_keys(allow("kms:Decrypt", f"arn:aws:kms:*:{ID}:key/3"), aliases={ALIAS: KEY})
    assert answer(other, "alice", "kms:Decrypt", everywhere).outcome is Outcome.DEPENDS
    # The policy of the key behind it is not loaded.
    unloaded = granted.with_account(replace(granted.account, resource_policies={}))
    assert answer(unloaded, "alice", "kms:Decrypt", f"{ALIAS}*").outcome is Outcome.DEPENDS


@pytest.mark.parametrize("lacking", ["alias/lacking", "alias/lack*"])
def test_a_saved_request_by_an_alias_that_is_lacking_is_denied_too(lacking: str) -> None:
    ws = with_keys(allow("kms:*"), aliases={ALIAS: KEY})
    decision = answer(ws, "alice", "kms:Decrypt", IN_REGION + lacking)
    saved = request_to_json(decision.request)
    assert saved["resource_exists"] is False
    identity = [{"document": {"Version": "2012-10-17", "Statement": [allow("kms:*")]}}]
    scenario = parse_scenario({"request": saved, "mode": "discover", "identity_policies": identity})
    again = evaluate(scenario.request, scenario.policies)
    assert (again.outcome, again.blocked_by) == (decision.outcome, ())
    assert any("is known not to exist" in report.why for report in again.layers)
    assert "resource_exists" not in request_to_json(answer(ws, "alice", "kms:Decrypt", ALIAS).request)


def test_aliases_of_a_key_are_condition_keys_of_its_requests() -> None:
    by_request = allow("kms:Decrypt", "*", Condition={"StringEquals": {"kms:RequestAlias": "alias/app"}})
    by_key = allow("kms:Decrypt", "*", Condition={"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/app"}})
    aliases = {ALIAS: KEY, OTHER_ALIAS: OTHER_KEY}
    for statement, of_key, of_other in (
        (by_request, Outcome.DEPENDS, Outcome.DEPENDS),
        (by_key, Outcome.ALLOWED, Outcome.IMPLICIT_DENY),
    ):
        ws = with_keys(statement, aliases=aliases)
        assert answer(ws, "alice", "kms:Decrypt", ALIAS).outcome is Outcome.ALLOWED
        assert answer(ws, "alice", "kms:Decrypt", KEY).outcome is of_key
        assert answer(ws, "alice", "kms:Decrypt", OTHER_KEY).outcome is of_other
        assert answer(ws, "alice", "kms:CreateAlias", ALIAS).request.resource == ALIAS
