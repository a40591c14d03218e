"""The line above a question, and the sentence where there is no answer."""

from __future__ import annotations

import pytest
from textual.geometry import Size

from iamtui.account.model import Account
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.tui.question.panel_text import MEDIUM, NARROW, WIDE, room_in, title_of, why_not
from tests.support.panel_records import role_principal
from tests.support.sample_account import sample_workspace


@pytest.mark.parametrize(
    ("label", "aside", "room", "strict", "words"),
    [
        ("", "", 40, True, "Question"),
        ("role/[red]", "", 40, False, "Can role/[red]"),
        ("role/a", "group/b", 40, False, "Can role/a  (group/b cannot ask)"),
        ("role/a", "group/b", 31, False, "Can role/a  (kept)"),
        ("role/a", "group/b", 32, True, "Can role/a  (kept)  strict"),
        ("role/a", "", 0, True, "Can role/a  strict"),
    ],
)
def test_before_an_answer_the_title_names_whom_it_will_be_about(
    label: str, aside: str, room: int, strict: bool, words: str
) -> None:
    assert title_of(None, label, aside, room=room, strict=strict).plain == words


def question_matrix(*actions: str) -> QuestionMatrix:
    return QuestionMatrix(actions, ("*",), Question(action=""))


def test_what_is_missing_for_an_answer_is_said_one_thing_at_a_time() -> None:
    workspace = sample_workspace()
    nobody = workspace.with_account(Account(id="123456789012"))
    asked = question_matrix("s3:GetObject")
    how = "press s and type an action"
    assert why_not(asked, None, None, how).startswith("Open an account")
    begin = why_not(question_matrix(), workspace, None, how)
    assert begin == "Press s and type an action such as s3:GetObject."
    assert why_not(asked, nobody, None, how).startswith("This account has no user and no role")
    assert why_not(asked, workspace, None, how).startswith("Move to a user or role")
    assert why_not(asked, workspace, role_principal(), how) == ""


@pytest.mark.parametrize(
    ("columns", "rows", "room"),
    [(99, 50, NARROW), (100, 29, NARROW), (100, 30, MEDIUM), (179, 60, MEDIUM), (180, 30, WIDE), (180, 29, NARROW)],
)
def test_a_low_or_narrow_window_leaves_little_room(columns: int, rows: int, room: str) -> None:
    assert room_in(Size(columns, rows)) == room
