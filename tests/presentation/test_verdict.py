"""The verdict's words are the same at both doors."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from iamtui.engine.decision import Decision, Layer, Outcome, ResourceScope
from iamtui.engine.request import Principal, PrincipalKind, Request
from iamtui.presentation.styled_words import text_of
from iamtui.presentation.verdict import verdict_words
from iamtui.questions.question import Question
from iamtui.workspace.ask.questions import ask
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import SourceChoice, SourceKind, Workspace
from tests.support import wording
from tests.support.sample_account import sample_workspace

LAKE = "arn:aws:s3:::data-lake/x"
DEPLOY = "arn:aws:iam::123456789012:role/deploy-prod"


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return sample_workspace()


@pytest.mark.parametrize(
    ("principal", "action", "resource", "starts"),
    [
        ("web-server", "s3:GetObject", LAKE, f"{wording.ALLOWED} {wording.AS_LOADED} ("),
        (
            "web-server",
            "s3:GetObject",
            "arn:aws:s3:::*",
            f"{wording.ALLOWED} on some, {wording.AS_LOADED} (resource, SCP, RCP not evaluated): arn:aws:s3:::data",
        ),
        ("web-server", "s3:DeleteObject", LAKE, wording.EXPLICIT_DENY),
        ("web-server", "ec2:RunInstances", "*", wording.IMPLICIT_DENY),
        ("alice", "sts:AssumeRole", DEPLOY, f"{wording.DEPENDS} on aws:MultiFactorAuthPresent"),
    ],
)
def test_as_text_and_as_a_row_it_says_the_same(
    workspace: Workspace, principal: str, action: str, resource: str, starts: str
) -> None:
    who = principal if principal != "web-server" else "role/web-server"
    decision = ask(workspace, resolve_principal(workspace, who), Question(action, resource))
    assert str(verdict_words(decision)).startswith(starts)
    assert text_of(verdict_words(decision).row) == str(verdict_words(decision))


def test_an_answer_to_which_nothing_is_missing_is_a_bare_allowed() -> None:
    demo = open_source(SourceChoice(SourceKind.DEMO))
    question = Question("s3:GetObject", "arn:aws:s3:::puffin-data-lake/x")
    decision = ask(demo, resolve_principal(demo, "amara.diallo"), question)
    assert decision.outcome is Outcome.ALLOWED
    assert str(verdict_words(decision)) == wording.ALLOWED
    without = ask(
        demo,
        resolve_principal(demo, "amara.diallo"),
        Question(question.action, question.resource, layers_off=frozenset({Layer.SCP})),
    )
    assert str(verdict_words(without)) == f"{wording.ALLOWED} {wording.AS_LOADED} (SCP not evaluated)"


@pytest.mark.parametrize(
    ("principal", "action", "resource", "off", "says"),
    [
        (
            "user/carol",
            "s3:GetObject",
            LAKE,
            (),
            f"{wording.IMPLICIT_DENY}, {wording.AS_LOADED} (resource not evaluated)",
        ),
        ("role/web-server", "s3:DeleteObject", LAKE, (), wording.EXPLICIT_DENY),
        ("user/carol", "ec2:RunInstances", "*", (), wording.IMPLICIT_DENY),
        (
            "user/carol",
            "ec2:RunInstances",
            "*",
            ("identity",),
            f"{wording.IMPLICIT_DENY}, {wording.AS_LOADED} (identity not evaluated)",
        ),
        (
            "user/alice",
            "sts:AssumeRole",
            DEPLOY,
            (),
            f"{wording.DEPENDS} on aws:MultiFactorAuthPresent, {wording.AS_LOADED} (SCP, RCP not evaluated)",
        ),
    ],
)
def test_a_layer_that_could_change_the_verdict_is_named_in_it(
    workspace: Workspace, principal: str, action: str, resource: str, off: tuple[str, ...], says: str
) -> None:
    question = Question(action, resource, layers_off=frozenset(Layer(name) for name in off))
    assert str(verdict_words(ask(workspace, resolve_principal(workspace, principal), question))) == says


def test_a_document_that_the_answer_waits_for_is_named_once(workspace: Workspace) -> None:
    question = Question("sts:AssumeRole", "arn:aws:iam::123456789012:role/elsewhere")
    says = str(verdict_words(ask(workspace, resolve_principal(workspace, "user/alice"), question)))
    assert says.startswith(f"{wording.DEPENDS} on policy of arn:aws:iam::123456789012:role/elsewhere (not loaded)")
    assert "resource" not in says


def test_of_many_resources_the_first_are_named_and_the_others_counted() -> None:
    parts = tuple(f"arn:aws:s3:::bucket-{number}" for number in range(2_000))
    decision = Decision(
        Request(Principal(PrincipalKind.USER, "arn:aws:iam::111122223333:user/a"), "s3:ListBucket", "*"),
        Outcome.ALLOWED,
        (),
        resource_scope=ResourceScope.SOME,
        allowed_resources=parts,
    )
    assert str(verdict_words(decision)).endswith("arn:aws:s3:::bucket-4 and 1,995 more")
    denied = decision.with_parts(allowed_resources=("*",), denied_resources=parts)
    assert str(verdict_words(denied)).endswith("arn:aws:s3:::bucket-4 and 1,995 more")


def test_tests_of_answers_take_the_words_of_verdicts_from_one_table() -> None:
    tests = Path(__file__).parents[1]
    written = re.compile(r"\[[-+x?]\] (ALLOWED|DENIED|DEPENDS)")
    about_answers = (
        *tests.glob("presentation/*.py"),
        *tests.glob("tui/test_question*.py"),
        *tests.glob("*/test_who_can.py"),
    )
    assert len(about_answers) > 10
    assert not [path.name for path in about_answers if written.search(path.read_text(encoding="utf-8"))]
