"""Traces as rows, without a screen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from iamtui.engine.decision import StatementRef
from iamtui.presentation.styled_words import Tone
from iamtui.presentation.trace import TraceRow, layer_rows, trace_rows
from iamtui.questions.answers import Answer
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.tui.main.inventory import statement_lines
from iamtui.workspace.ask.answers import answer
from iamtui.workspace.ask.questions import ask_and_trace
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import Workspace
from tests.support import panel_records as records
from tests.support import wording
from tests.support.sample_account import iam, sample_workspace

ASKED = Question("s3:GetObject", "arn:aws:s3:::data-lake/x")


def no_source(_ref: StatementRef) -> Sequence[tuple[int, str]]:
    return ()


def answered(workspace: Workspace, who: str, question: Question, chained_from: str = "") -> Answer:
    matrix = QuestionMatrix((question.action,), (question.resource,), question, chained_from)
    found = answer(workspace, resolve_principal(workspace, who), matrix)
    assert found is not None
    return found


def text(rows: Sequence[TraceRow]) -> str:
    return "\n".join(row.plain for row in rows)


def test_the_trace_names_question_verdict_layers_and_statement_text() -> None:
    account, principal = records.small_workspace().account, records.role_principal()
    source = partial(statement_lines, account, principal, ASKED.resource)
    rows = [row.plain for row in trace_rows(records.depends(), principal, ASKED, source=source)]
    text = "\n".join(rows)

    assert "Action     s3:GetObject" in text
    assert f"{wording.DEPENDS} on aws:MultiFactorAuthPresent, aws:SourceIp" in text
    assert "[?] service control policies (SCP)  not evaluated" in text
    assert '"Sid": "ReadLake",' in text
    assert any(row.startswith("       4 ") for row in rows)
    assert "Keys that matter and were not given" in text


def test_an_element_of_a_deny_has_the_colour_of_what_the_deny_does() -> None:
    workspace = sample_workspace()
    principal = resolve_principal(workspace, "role/deploy-prod")
    for resource, says, tone in (
        ("arn:aws:s3:::elsewhere/x", "Deny does not match", Tone.QUIET),
        ("arn:aws:s3:::data-lake/x", "Deny matches", Tone.DENIED),
    ):
        asked = Question("s3:DeleteObject", resource)
        decision, traced, _ = ask_and_trace(workspace, principal, asked)
        rows = list(layer_rows(decision, traced))
        heads = [at for at, row in enumerate(rows) if row.text.strip().startswith(says)]
        assert heads, says
        for at in heads:
            marks = {word.tone for row in rows[at + 1 : at + 3] for word in row.words if word.text in ("[+]", "[-]")}
            assert marks == {tone}


def test_what_else_the_call_is_checked_for_has_a_section() -> None:
    workspace = records.small_workspace()
    function = Question("lambda:CreateFunction", f"arn:aws:lambda:us-east-1:{records.ACCOUNT}:function:f")
    found = answered(workspace, "role/deploy-prod", function)
    cell = found.cells[0]

    rows = trace_rows(cell.decision, found.principal, function, source=no_source, companions=cell.companions)

    assert "The same call is also checked for, and the worst decides" in text(rows)
    assert "iam:PassRole" in text(rows)


def test_the_chain_that_comes_first_has_a_section_although_it_does_not_decide() -> None:
    found = answered(sample_workspace(), "role/web-server", Question("s3:DeleteObject", "*"), iam("role/deploy-prod"))

    rows = trace_rows(
        found.cells[0].decision, found.principal, found.cells[0].question, source=no_source, chain=found.chain
    )

    assert "Role chaining comes first, and the worst decides" in text(rows)
    assert f"sts:AssumeRole on {iam('role/web-server')}" in text(rows)
    assert f"by {iam('role/deploy-prod')}" in text(rows)


def test_without_the_statements_text_every_element_is_written_out_and_only_other_actions_are_counted() -> None:
    workspace = records.small_workspace()
    principal = records.role_principal()
    decision, traced, _ = ask_and_trace(workspace, principal, ASKED)

    short = list(layer_rows(decision, traced, partial(statement_lines, workspace.account, principal, ASKED.resource)))
    whole = list(layer_rows(decision, traced))

    assert "[+] Action  wants" not in text(short)
    assert "[+] Action  wants" in text(whole)
    assert "seen: s3:GetObject" in text(whole)
    assert not any(row.json for row in whole)
