"""Copying a question as a command: the line asks the same, and says what it cannot carry."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from iamtui.account.snapshot_writer import snapshot_of
from iamtui.engine.decision import Layer
from iamtui.engine.request import Mode, Principal, PrincipalKind
from iamtui.engine.words.decision_json import request_to_json
from iamtui.problem import Problem
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.workspace.ask.answers import answer
from iamtui.workspace.ask.questions import as_command, ask, files_of_command
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.cli_runner import Cli, cli, snapshot
from tests.support.sample_account import sample_account, sample_workspace
from tests.support.slow import one_quick

__all__ = ["cli", "snapshot"]

LAKE = "arn:aws:s3:::data-lake/x"
ROLE = "arn:aws:iam::123456789012:role/web-server"
SESSION = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}'

MATRICES = {
    "one": QuestionMatrix(("s3:GetObject",), (LAKE,), Question("")),
    "any resource": QuestionMatrix(("s3:GetObject",), ("*",), Question("")),
    "several": QuestionMatrix(("s3:GetObject", "s3:Delete*"), (LAKE, "arn:aws:s3:::b/*"), Question("")),
    "star among others": QuestionMatrix(("s3:GetObject",), (LAKE, "*"), Question("")),
    "with checks": QuestionMatrix(
        ("lambda:CreateFunction",), ("*",), Question(""), "", {"iam:PassRole": (ROLE,), "lambda:TagResource": ()}
    ),
    "chained": QuestionMatrix(("s3:GetObject",), (LAKE,), Question(""), "arn:aws:iam::123456789012:role/deploy-prod"),
    "terms": QuestionMatrix(
        ("s3:GetObject",),
        (LAKE,),
        Question(
            "",
            "*",
            {
                "aws:CalledVia": ("athena.amazonaws.com", "s3.amazonaws.com"),
                "aws:Referer": ("it's",),
                "aws:TagKeys": (),
                "aws:UserAgent": ("KHTML, like Gecko",),
                "aws:RequestTag/the team=a": ("b=c",),
                "aws:RequestTag/d=e": (),
            },
            Mode.STRICT,
            "999999999999",
            (SESSION, SESSION),
            frozenset((Layer.SCP, Layer.BOUNDARY)),
            "eu-west-3",
            scope_downs=(SESSION, SESSION),
        ),
    ),
}


@pytest.mark.parametrize("question_matrix", MATRICES.values(), ids=MATRICES)
def test_the_line_asks_the_same(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, question_matrix: QuestionMatrix
) -> None:
    file = tmp_path / "an account.json"
    file.write_text(json.dumps(snapshot_of(sample_account())))
    source = SourceInfo(SourceKind.SNAPSHOT, file.name, file=str(file))
    workspace = Workspace(sample_account(), source)
    principal = resolve_principal(workspace, "web-server")
    monkeypatch.chdir(tmp_path)
    for name, text in files_of_command(question_matrix).items():
        Path(name).write_text(text)
    words = shlex.split(as_command(workspace, principal, question_matrix))
    assert words[0] == "iamtui"
    printed = cli(*words[1:], "--json").json
    expected = answer(workspace, principal, question_matrix)
    assert expected is not None
    pairs = printed if isinstance(printed, list) else [printed]
    assert [(pair["request"]["action"], pair["request"]["resource"], pair["deciding"]) for pair in pairs] == [
        (cell.question.action, cell.question.resource, cell.deciding.outcome.value) for cell in expected.cells
    ]
    for pair, cell in zip(pairs, expected.cells, strict=True):
        assert [(one["action"], one["resource"], one["decides"]) for one in pair["companions"]] == [
            (one.question.action, one.question.resource, one.decides) for one in cell.companions
        ]
        given = pair["request"]["context"]
        texts = {
            key: list(values) if len(values) != 1 else values[0]
            for key, values in question_matrix.terms.context.items()
        }
        assert {key: given[key] or [] for key in texts} == texts
        assert [layer["state"] for layer in pair["layers"]] == [report.state.value for report in cell.decision.layers]


ALICE = "arn:aws:iam::123456789012:user/alice"
FEDERATED = Principal(
    PrincipalKind.FEDERATED_USER,
    "arn:aws:sts::123456789012:federated-user/ana",
    "123456789012",
    issuer=ALICE,
    credentials="temporary",
)


@one_quick(
    ("principal", "action", "says"),
    [
        (FEDERATED, "s3:GetObject", ["--issuer", ALICE]),
        (replace(FEDERATED, issuer=None), "s3:GetObject", []),
        ("user/alice", "s3:GetObject", []),
        ("user/alice, long_term", "sts:GetSessionToken", ["--credentials", "long_term"]),
        ("user/alice, temporary", "sts:GetSessionToken", ["--credentials", "temporary"]),
        (
            Principal(PrincipalKind.IDENTITY_PROVIDER, "cognito-identity.amazonaws.com"),
            "sts:AssumeRoleWithWebIdentity",
            [],
        ),
        (Principal(PrincipalKind.SERVICE, "cognito-identity.amazonaws.com"), "s3:GetObject", []),
    ],
)
def test_the_line_names_the_same_caller(
    cli: Cli, tmp_path: Path, principal: Principal | str, action: str, says: list[str]
) -> None:
    file = tmp_path / "account.json"
    file.write_text(json.dumps(snapshot_of(sample_account())))
    workspace = Workspace(sample_account(), SourceInfo(SourceKind.SNAPSHOT, file.name, file=str(file)))
    if isinstance(principal, str):
        name, _, credentials = principal.partition(", ")
        principal = replace(resolve_principal(workspace, name), credentials=credentials or None)
    words = shlex.split(as_command(workspace, principal, Question(action)))

    assert [word for word in words if word in ("--issuer", "--credentials")] == says[:1]
    request = cli(*words[1:], "-o", "jsonl").json["request"]
    decision = ask(workspace, principal, Question(action))
    assert request == request_to_json(decision.request)
    if says:
        at = words.index(says[0])
        assert words[at + 1] == says[1]
        del words[at : at + 2]
        assert cli(*words[1:], "-o", "jsonl").json["request"] != request


def test_what_no_line_names_is_not_copied_as_somebody_else() -> None:
    provider = Principal(PrincipalKind.IDENTITY_PROVIDER, "cognito-identity.amazonaws.com")
    for principal in (provider, replace(FEDERATED, issuer="arn:aws:iam::123456789012:user/gone")):
        with pytest.raises(Problem, match="No command can name"):
            as_command(sample_workspace(), principal, Question("s3:GetObject"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("alice", "--issuer", "alice"), "Only a federated-user session has an issuer"),
        ((FEDERATED.arn, "--issuer", "role/web-server"), "which is a user"),
        ((FEDERATED.arn, "--issuer", "nobody"), "No user or role of this account is nobody"),
        (
            (FEDERATED.arn, "--issuer", "arn:aws:iam::999999999999:user/alice"),
            "arn:aws:iam::999999999999:user/alice is not a user of account 123456789012",
        ),
        (
            ("arn:aws:sts::999999999999:federated-user/ana", "--issuer", "alice"),
            "Name a user of 999999999999 as issuer",
        ),
        (("role/web-server", "--credentials", "temporary"), "Only a user can come with"),
        (("alice", "--credentials", "long_term", "--save", "x"), "by an ARN alone"),
    ],
)
def test_what_cannot_be_said_of_a_caller_is_refused(
    cli: Cli, snapshot: str, options: tuple[str, ...], says: str
) -> None:
    who, *more = options
    cli("can", who, "s3:GetObject", "--snapshot", snapshot, *more).failed_with(says)


def test_a_question_is_copied_as_before() -> None:
    workspace = sample_workspace()
    principal = resolve_principal(workspace, "alice")
    line = as_command(workspace, principal, Question("s3:GetObject", LAKE, {"aws:x": ()}))
    assert line.startswith(f"iamtui can arn:aws:iam::123456789012:user/alice s3:GetObject --on {LAKE} --absent aws:x")


def test_texts_of_session_policies_are_files_that_the_line_names() -> None:
    question_matrix = MATRICES["terms"]
    names = [f"{what}-{number}.json" for what in ("session-policy", "scope-down") for number in (1, 2)]
    assert files_of_command(question_matrix) == dict.fromkeys(names, SESSION)
    line = as_command(sample_workspace(), resolve_principal(sample_workspace(), "alice"), question_matrix)
    assert "--session-policy session-policy-1.json --session-policy session-policy-2.json" in line
    assert "--scope-down scope-down-1.json --scope-down scope-down-2.json" in line
    assert "Statement" not in line
    assert files_of_command(MATRICES["one"]) == {}


def test_another_region_than_the_sources_is_carried() -> None:
    workspace = sample_workspace()
    principal = resolve_principal(workspace, "alice")

    def line(kind: SourceKind, region: str, mode: Mode = Mode.DISCOVER) -> str:
        at = replace(workspace, source=SourceInfo(kind, "x", region="us-east-1", file="x"))
        return as_command(at, principal, Question("s3:GetObject", region=region, mode=mode))

    assert line(SourceKind.SNAPSHOT, "eu-west-3").endswith("--snapshot x --region eu-west-3")
    assert line(SourceKind.SNAPSHOT, "").endswith("--snapshot x --region us-east-1")
    assert line(SourceKind.LIVE, "eu-west-3").endswith("--region eu-west-3")
    assert "-c aws:RequestedRegion=eu-west-3" in line(SourceKind.DEMO, "eu-west-3")
    assert "-c aws:RequestedRegion=eu-west-3" in line(SourceKind.DEMO, "eu-west-3", Mode.STRICT)
    assert "us-east-1" not in line(SourceKind.DEMO, "us-east-1")


def test_a_session_policy_with_a_caller_who_has_no_session_is_said_plainly() -> None:
    workspace = sample_workspace()
    question = Question("s3:GetObject", LAKE, session_policies=(SESSION,))
    told = {}
    for name in ("user/alice", "role/deploy-prod"):
        principal = resolve_principal(workspace, name)
        decision = ask(workspace, principal, question)
        session = next(report for report in decision.layers if report.layer is Layer.SESSION)
        found = answer(workspace, principal, QuestionMatrix((question.action,), (question.resource,), question))
        assert found is not None
        assert found.worst.decision.notes == decision.notes
        told[name] = ("no session" in session.why, any("session policies" in note for note in decision.notes))
    assert told == {"user/alice": (True, True), "role/deploy-prod": (False, False)}


def test_the_line_names_the_account_of_a_file_with_several() -> None:
    source = SourceInfo(SourceKind.SNAPSHOT, "all.json", file="all.json", snapshot_account="123456789012")
    workspace = Workspace(sample_account(), source)
    line = as_command(workspace, resolve_principal(workspace, "role/web-server"), Question("s3:GetObject", LAKE))
    assert "--snapshot all.json --snapshot-account 123456789012" in line
