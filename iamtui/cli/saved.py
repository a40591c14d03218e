"""What the commands on saved questions share: their file, and the answer to one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from iamtui.problem import Problem
from iamtui.workspace.answers import answer
from iamtui.workspace.saved_questions import QuestionStore

if TYPE_CHECKING:
    from iamtui.engine.request import Principal
    from iamtui.questions.answers import Answer
    from iamtui.questions.question import QuestionMatrix
    from iamtui.workspace.workspace import Workspace


def question_store(account: str, file: str | None, *, must_exist: bool = True) -> QuestionStore:
    """The questions of an account ("": of all), in the user's own file or in another."""
    store = QuestionStore(account, Path(file) if file is not None else None)
    if file is not None and must_exist and not store.path.exists():
        raise Problem(f"The questions file {file} does not exist.", "Check the path.")
    return store


def answered(workspace: Workspace, who: Principal, asked: QuestionMatrix) -> Answer:
    found = answer(workspace, who, asked)
    assert found is not None, "nothing cancels a command's question"
    return found
