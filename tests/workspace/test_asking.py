"""Copying a question as a command: the line asks the same, and says what it cannot carry."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from iamtui.account.snapshots.writing import snapshot_of
from iamtui.analysis.inquiry import Inquiry
from iamtui.analysis.question import Question
from iamtui.evaluation.decision import Layer
from iamtui.evaluation.request import Mode
from iamtui.workspace.principals import resolve_principal
from iamtui.workspace.questions.asking import as_command, ask, files_of_command
from iamtui.workspace.questions.inquiries import answer
from iamtui.workspace.workspace import SourceInfo, SourceKind, Workspace
from tests.support.cli_runner import Cli, cli
from tests.support.sample_account import sample_account, sample_workspace

__all__ = ["cli"]

LAKE = "arn:aws:s3:::data-lake/x"
ROLE = "arn:aws:iam::123456789012:role/web-server"
SESSION = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}'

INQUIRIES = {
    "one": Inquiry(("s3:GetObject",), (LAKE,), Question("")),
    "any resource": Inquiry(("s3:GetObject",), ("*",), Question("")),
    "several": Inquiry(("s3:GetObject", "s3:Delete*"), (LAKE, "arn:aws:s3:::b/*"), Question("")),
    "star among others": Inquiry(("s3:GetObject",), (LAKE, "*"), Question("")),
    "with checks": Inquiry(
        ("lambda:CreateFunction",), ("*",), Question(""), "", {"iam:PassRole": (ROLE,), "lambda:TagResource": ()}
    ),
    "chained": Inquiry(("s3:GetObject",), (LAKE,), Question(""), "arn:aws:iam::123456789012:role/deploy-prod"),
    "terms": Inquiry(
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
        ),
    ),
}


@pytest.mark.parametrize("inquiry", INQUIRIES.values(), ids=INQUIRIES)
def test_the_line_asks_the_same(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inquiry: Inquiry) -> None:
    file = tmp_path / "an account.json"
    file.write_text(json.dumps(snapshot_of(sample_account())))
    source = SourceInfo(SourceKind.SNAPSHOT, file.name, file=str(file))
    workspace = Workspace(sample_account(), source)
    principal = resolve_principal(workspace, "web-server")
    monkeypatch.chdir(tmp_path)
    for name, text in files_of_command(inquiry).items():
        Path(name).write_text(text)
    words = shlex.split(as_command(workspace, principal, inquiry))
    assert words[0] == "iamtui"
    printed = cli(*words[1:], "--json").json
    expected = answer(workspace, principal, inquiry)
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
        texts = {key: list(values) if len(values) != 1 else values[0] for key, values in inquiry.terms.context.items()}
        assert {key: given[key] or [] for key in texts} == texts
        assert [layer["state"] for layer in pair["layers"]] == [report.state.value for report in cell.decision.layers]


def test_a_question_is_copied_as_before() -> None:
    workspace = sample_workspace()
    principal = resolve_principal(workspace, "alice")
    line = as_command(workspace, principal, Question("s3:GetObject", LAKE, {"aws:x": ()}))
    assert line.startswith(f"iamtui can arn:aws:iam::123456789012:user/alice s3:GetObject --on {LAKE} --absent aws:x")


def test_texts_of_session_policies_are_files_that_the_line_names() -> None:
    inquiry = INQUIRIES["terms"]
    assert files_of_command(inquiry) == {"session-policy-1.json": SESSION, "session-policy-2.json": SESSION}
    line = as_command(sample_workspace(), resolve_principal(sample_workspace(), "alice"), inquiry)
    assert "--session-policy session-policy-1.json --session-policy session-policy-2.json" in line
    assert "Statement" not in line
    assert files_of_command(INQUIRIES["one"]) == {}


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
    assert "eu-west-3" not in line(SourceKind.DEMO, "eu-west-3", Mode.STRICT)
    assert "us-east-1" not in line(SourceKind.DEMO, "us-east-1")


def test_a_session_policy_with_a_caller_who_has_no_session_is_said_plainly() -> None:
    workspace = sample_workspace()
    question = Question("s3:GetObject", LAKE, session_policies=(SESSION,))
    told = {}
    for name in ("user/alice", "role/deploy-prod"):
        principal = resolve_principal(workspace, name)
        decision = ask(workspace, principal, question)
        session = next(report for report in decision.layers if report.layer is Layer.SESSION)
        found = answer(workspace, principal, Inquiry((question.action,), (question.resource,), question))
        assert found is not None
        assert found.worst.decision.notes == decision.notes
        told[name] = ("no session" in session.why, any("session policies" in note for note in decision.notes))
    assert told == {"user/alice": (True, True), "role/deploy-prod": (False, False)}
