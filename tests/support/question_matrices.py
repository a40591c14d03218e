"""Question matrices about a few roles made for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from iamtui.account.model import Account, InlinePolicy, Role
from iamtui.questions.answers import Answer, DependentAnswer
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.workspace.ask.answers import answer
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.sample_account import ID, document, iam, trust

LAKE = "arn:aws:s3:::data-lake/x"


def role(name: str, *statements: dict[str, Any], trusts: Any = None) -> Role:
    """A role with these statements, which EC2 may assume."""
    return Role(
        name,
        "/",
        iam(f"role/{name}"),
        f"AROA{name.upper():0<16}"[:20],
        None,
        trust=trusts or trust({"Service": "ec2.amazonaws.com"}),
        inline_policies=(InlinePolicy("p", document(*statements)),) if statements else (),
    )


def workspace_of(*roles: Role, region: str = "us-east-1") -> Workspace:
    """An account of these roles."""
    account = Account(id=ID, partition="aws", roles=roles)
    return Workspace(account, SourceInfo(SourceKind.SNAPSHOT, "test", region=region))


def asked(
    workspace: Workspace, who: str, actions: Iterable[str], resources: Iterable[str] = ("*",), **more: Any
) -> Answer:
    """The answer to a question matrix."""
    terms = more.pop("terms", Question(""))
    question_matrix = QuestionMatrix(tuple(actions), tuple(resources), terms, **more)
    found = answer(workspace, resolve_principal(workspace, who), question_matrix)
    assert found is not None
    return found


def companion(found: Answer, action: str, resource: str = "") -> DependentAnswer:
    """The companion of the first cell with this action."""
    (one,) = (
        one for one in found.cells[0].companions if one.question.action == action and resource in one.question.resource
    )
    return one
