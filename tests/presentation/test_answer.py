"""An answer in words: what decides, what else is asked, drafts, and all cells in rows and counts."""

from __future__ import annotations

from msgspec import structs

from iamtui.catalog.dependent_actions import Check
from iamtui.presentation.answer import AnsweredQuestion, AnswerWords, Shown, answer_words, matrix_words
from iamtui.presentation.styled_words import text_of
from iamtui.questions.answers import Answer, DependentAnswer
from iamtui.questions.question import Question, QuestionMatrix
from tests.support import panel_records as records
from tests.support import wording
from tests.support.question_panel import X, Y

LAKE = "arn:aws:s3:::data-lake"


def matrix(*actions: str, resources: tuple[str, ...] = (X,)) -> QuestionMatrix:
    return QuestionMatrix(actions, resources, Question(""))


def canned(*actions: str, resources: tuple[str, ...] = (X,)) -> Answer:
    found = records.canned_matrix(
        records.small_workspace(), records.role_principal(), matrix(*actions, resources=resources)
    )
    assert found is not None
    return found


def words_of(answer: Answer, before: Answer | None = None, index: int = 0) -> AnswerWords:
    asked = AnsweredQuestion(records.small_workspace(), answer.principal, answer.question_matrix, "role/deploy-prod")
    return answer_words(Shown(asked, answer, before, index))


def test_a_companion_that_decides_is_told_with_the_answer_to_the_action_itself() -> None:
    passing = Question("iam:PassRole", "arn:aws:iam::123456789012:role/x")
    denied = records.not_allowed()
    whole = records.answer_of(records.role_principal(), matrix("s3:GetObject"), [records.allowed_fully()])
    needed = DependentAnswer(Check("iam:PassRole", "the execution role"), passing, denied, decides=True)
    cell = structs.replace(whole.cells[0], companions=(needed,), deciding=denied)

    words = words_of(structs.replace(whole, cells=(cell,), worst=cell))

    assert text_of(words.verdict) == f"{wording.IMPLICIT_DENY} for iam:PassRole, which the call needs too"
    assert text_of(words.about) == "iam:PassRole, which the call needs too"
    assert [text_of(row) for row in words.others] == [
        f"The action itself: {wording.ALLOWED}",
        f"Needs also iam:PassRole on {passing.resource}: {wording.NOT_ALLOWED}",
    ]


def test_what_only_some_calls_need_is_told_as_marks_a_row_each_and_as_a_count() -> None:
    whole = canned("s3:GetObject")
    tagging = Check("s3:PutObjectTagging", "the object", when="it sets tags")
    optional = DependentAnswer(tagging, Question(tagging.action, "*"), records.not_allowed(), decides=False)
    cell = structs.replace(whole.cells[0], companions=(optional, optional))

    words = words_of(structs.replace(whole, cells=(cell,), worst=cell))

    assert words.others == ()
    assert text_of(words.optional_marks) == "May need also: s3:PutObjectTagging [-], s3:PutObjectTagging [-]"
    assert text_of(words.optional[0]) == (
        f"May need s3:PutObjectTagging on the object (it sets tags): {wording.NOT_ALLOWED}"
    )
    assert text_of(words.rest).startswith("2 other checks")
    partly = structs.replace(optional, decision=records.allowed())
    partial = structs.replace(cell, companions=(partly,))
    words = words_of(structs.replace(whole, cells=(partial,), worst=partial))
    assert text_of(words.optional_marks).endswith("s3:PutObjectTagging [+]*")
    assert text_of(words.optional[0]).endswith(f": {wording.ALLOWED} as loaded"), (
        "no star where there is room for its words"
    )


def test_with_a_draft_the_verdict_without_it_is_told() -> None:
    principal, asked = records.role_principal(), matrix("s3:GetObject")
    now = records.answer_of(principal, asked, [records.allowed_fully()])
    denied = records.answer_of(principal, asked, [records.not_allowed()])

    assert words_of(now).before == ()
    assert text_of(words_of(now, denied).before) == f"Without the draft: {wording.IMPLICIT_DENY}"
    assert text_of(words_of(now, now).before) == "Without the draft: the same"


def test_of_several_cells_the_verdict_names_the_action() -> None:
    answer = canned("s3:GetObject", "s3:DeleteObject")

    assert text_of(words_of(answer, index=1).verdict) == f"s3:DeleteObject: {wording.EXPLICIT_DENY}"


def test_cells_are_listed_with_the_worst_first_and_counted() -> None:
    words = matrix_words(canned("s3:GetObject", "s3:DeleteObject", resources=(X, Y)))

    assert words.rows(grid=True) == [(2, 3), (0, 1)]
    assert words.rows(grid=False) == [(2,), (3,), (0,), (1,)]
    assert [cell.verdict for cell in words.cells] == [f"{wording.ALLOWED}*"] * 2 + [wording.DENIED_EXPLICITLY] * 2
    assert text_of(words.summary) == "2 denied, 2 allowed (2*) of 4"


def test_pairs_that_aws_never_asks_stand_last_and_are_not_counted() -> None:
    answer = canned("s3:GetObject", "s3:DeleteObject")
    never = structs.replace(answer.cells[1], never_asked="AWS never asks it.")

    words = matrix_words(structs.replace(answer, cells=(answer.cells[0], never)))

    assert words.rows(grid=False) == [(0,), (1,)]
    assert words.cells[1].verdict == "[!] never"
    assert text_of(words.summary) == "1 allowed (1*), 1 never asked"


def test_a_pattern_is_told_with_how_many_actions_it_stands_for() -> None:
    answer = canned("s3:GetObject", "s3:DeleteObject")
    cells = tuple(structs.replace(cell, pattern="s3:*Object") for cell in answer.cells)

    assert text_of(matrix_words(structs.replace(answer, cells=cells)).summary).startswith(
        "s3:*Object (2 actions) 1 denied"
    )
    alone = structs.replace(answer, cells=cells, question_matrix=matrix("s3:*Object"), cut=3)
    assert text_of(matrix_words(alone).summary) == (
        "2 actions: 1 denied, 1 allowed (1*) of 2; 3 more not asked: too many"
    )
