"""One answer reads the layers once, and prepares the request once, unless an open point can matter."""

from __future__ import annotations

from iamtui.questions.question import Question, QuestionMatrix
from iamtui.workspace.ask.answers import answer
from iamtui.workspace.ask.questions import ask, ask_and_trace, explained
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import SourceChoice, SourceKind
from tools.trace_walk import walk

_ONCE = Question("s3:DeleteObject", "arn:aws:s3:::puffin-data-lake/x")


def test_the_layers_are_read_once() -> None:
    workspace = open_source(SourceChoice(SourceKind.DEMO))
    principal = resolve_principal(workspace, "role/analytics-lake-reader")
    asked = walk(lambda: ask(workspace, principal, _ONCE).layers)
    assert asked["engine/evaluator.py", "read_all_layers"] == 1
    assert asked["engine/prepared_request.py", "prepare"] == 1
    traced = walk(lambda: ask_and_trace(workspace, principal, _ONCE))
    assert traced["engine/evaluator.py", "read_all_layers"] == 1


def test_few_files_are_passed_through() -> None:
    workspace = open_source(SourceChoice(SourceKind.DEMO))
    principal = resolve_principal(workspace, "role/analytics-lake-reader")
    ask(workspace, principal, _ONCE)  # compiles policies, which is another walk
    asked = walk(lambda: ask(workspace, principal, _ONCE))
    assert len({file for file, _ in asked}) < 20


def test_each_check_of_a_call_is_read_once() -> None:
    workspace = open_source(SourceChoice(SourceKind.DEMO))
    principal = resolve_principal(workspace, "role/analytics-lake-reader")
    matrix = QuestionMatrix((_ONCE.action,), (_ONCE.resource,), _ONCE)
    found = answer(workspace, principal, matrix)
    assert found is not None
    calls = walk(lambda: answer(workspace, principal, matrix))
    assert calls["engine/evaluator.py", "read_all_layers"] == 1 + len(found.cells[0].companions)


def test_the_layers_are_read_again_for_each_open_point_that_can_matter() -> None:
    workspace = open_source(SourceChoice(SourceKind.DEMO))
    principal = resolve_principal(workspace, "role/analytics-lake-reader")
    question = Question(_ONCE.action, _ONCE.resource, {"aws:CalledVia": ("a", "b*")})
    unread = walk(lambda: ask(workspace, principal, question).layers)
    assert unread["engine/evaluator.py", "read_all_layers"] == 1
    calls = walk(lambda: ask(workspace, principal, question).notes)
    assert calls["engine/evaluator.py", "read_all_layers"] == 3  # several values, and a star in one
    assert calls["engine/prepared_request.py", "prepare"] == 1


def test_an_explanation_alone_looks_for_no_open_points() -> None:
    workspace = open_source(SourceChoice(SourceKind.DEMO))
    principal = resolve_principal(workspace, "role/analytics-lake-reader")
    question = Question(_ONCE.action, _ONCE.resource, {"aws:CalledVia": ("a", "b*")})
    calls = walk(lambda: explained(workspace, principal, question))
    assert calls["engine/evaluator.py", "read_all_layers"] == 1
    _, _, explanation = ask_and_trace(workspace, principal, question)
    assert explained(workspace, principal, question) == explanation
