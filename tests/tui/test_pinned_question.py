"""The question stays while the cursor moves, and is answered for every principal on screen."""

from __future__ import annotations

import re

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from iamtui.presentation.verdict import PENDING
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.tui.app import IamtuiApp
from iamtui.tui.explorer.children_table import ChildrenTable
from iamtui.tui.explorer.detail_pane import DetailPane, ListAndDocument
from iamtui.tui.explorer.explorer import ExplorerTree
from iamtui.tui.main.inventory import Branch, Kind, key_of
from iamtui.tui.main.main_view import JumpToStatement
from iamtui.tui.question import pinned_verdicts as pinned_module
from iamtui.tui.question.answer_lists import LayersList, MatrixView
from iamtui.tui.question.panel import QuestionPanel
from iamtui.tui.question.pinned_verdicts import PinnedQuestion
from iamtui.tui.widgets.lists.line_list import LineView
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.workspace import SourceChoice, SourceKind
from tests.support import wording
from tests.support.panel_apps import screen_text
from tests.support.sample_account import LAKE_READ, iam, sample_workspace
from tests.support.screen_app import make_app, opened, press, settle

LAKE_OBJECT = "arn:aws:s3:::data-lake/x"

DELETING = QuestionMatrix(("s3:DeleteObject",), (LAKE_OBJECT,), Question(""))


def drawn(view: LineView) -> list[str]:
    """The text of every line as it is drawn."""
    return ["".join(piece.text for piece in view.pieces(i, view.size.width)) for i in range(view.total)]


async def ask(pilot: Pilot[None], action: str, resource: str) -> None:
    pilot.app.query_one(QuestionPanel).ask(action, resource)
    await settle(pilot)


@pytest.fixture
def app_node() -> str:
    return iam("user/alice")


@pytest.mark.slow
async def test_each_principal_in_tree_and_table_gets_its_own_mark(app_node: str) -> None:
    async with opened() as pilot:
        pilot.app.main.go_to(app_node)
        await ask(pilot, "s3:DeleteObject", LAKE_OBJECT)
        tree = pilot.app.query_one(ExplorerTree)
        lines = drawn(tree)
        assert next(text for text in lines if "alice" in text).rstrip().endswith("[x]")
        assert next(text for text in lines if "carol" in text).endswith("[-]*")
        pilot.app.main.go_to(key_of(Branch(Kind.USERS)))
        await settle(pilot)
        rows = drawn(pilot.app.query_one(ChildrenTable))
        assert [row.rstrip().rsplit("  ", 1)[-1].strip() for row in rows] == [
            wording.DENIED_EXPLICITLY,
            wording.DENIED_EXPLICITLY,
            f"{wording.NOT_ALLOWED}*",
            wording.DEPENDS,
        ]


async def test_an_allowed_that_is_not_the_whole_truth_has_a_star_or_its_limit(app_node: str) -> None:
    async with opened() as pilot:
        pilot.app.main.go_to(app_node)
        await ask(pilot, "s3:GetObject", LAKE_OBJECT)
        assert next(text for text in drawn(pilot.app.query_one(ExplorerTree)) if "alice" in text).endswith("[+]*")
        pilot.app.main.go_to(key_of(Branch(Kind.USERS)))
        await settle(pilot)
        assert any(row.rstrip().endswith(f"{wording.ALLOWED}*") for row in drawn(pilot.app.query_one(ChildrenTable)))
        await pilot.resize_terminal(210, 60)
        await settle(pilot)
        assert any(
            row.rstrip().endswith(f"{wording.ALLOWED} as loaded") for row in drawn(pilot.app.query_one(ChildrenTable))
        )


async def test_the_verdict_follows_the_cursor(app_node: str) -> None:
    async with opened() as pilot:
        pilot.app.main.go_to(app_node)
        await ask(pilot, "s3:GetObject", LAKE_OBJECT)
        panel = pilot.app.query_one(QuestionPanel)
        assert panel.answer is not None
        assert panel.answer.allowed
        pilot.app.query_one(ExplorerTree).focus()
        await press(pilot, "j")
        assert panel.principal is not None
        assert panel.principal.arn == iam("user/carol")
        assert not panel.answer.allowed


@pytest.mark.slow
async def test_marks_go_when_the_question_does(app_node: str) -> None:
    async with opened() as pilot:
        pilot.app.main.go_to(app_node)
        legend = "* in part, or as far as loaded"
        await ask(pilot, "s3:GetObject", LAKE_OBJECT)
        assert legend in screen_text(pilot.app)
        await ask(pilot, "", "")
        assert legend not in screen_text(pilot.app)
        assert not [text for text in drawn(pilot.app.query_one(ExplorerTree)) if "[" in text]


async def test_enter_on_a_layer_goes_to_the_deciding_statement(app_node: str) -> None:
    async with opened() as pilot:
        app: IamtuiApp = pilot.app  # type: ignore[assignment]
        app.main.go_to(app_node)
        await ask(pilot, "s3:DeleteObject", LAKE_OBJECT)
        app.query_one(LayersList).focus()
        await press(pilot, "enter")
        assert app.query_one(DetailPane).active_tab == "policies"
        version = LAKE_READ.default_version
        assert version is not None
        first, last = version.document.lines[1]
        assert app.query_one(ListAndDocument).document_view.marked == range(first, last + 1)


@pytest.mark.slow
async def test_a_trust_statement_is_shown_in_the_role(app_node: str) -> None:
    async with opened() as pilot:
        app: IamtuiApp = pilot.app  # type: ignore[assignment]
        app.main.go_to(app_node)
        await ask(pilot, "sts:AssumeRole", iam("role/deploy-prod"))
        answer = app.query_one(QuestionPanel).answer
        assert answer is not None
        ref = next(ref for ref in answer.matched if ref.layer.value == "resource")
        principal = app.query_one(QuestionPanel).principal
        assert principal is not None
        jump = JumpToStatement(ref, principal, iam("role/deploy-prod"))
        app.query_one(QuestionPanel).post_message(jump)
        await settle(pilot)
        detail = app.query_one(DetailPane)
        assert detail.entity is not None
        assert detail.entity.arn == iam("role/deploy-prod")
        assert detail.active_tab == "trust"


def test_verdicts_are_found_by_whoever_is_asked_for_them_and_never_while_drawing() -> None:
    workspace = sample_workspace()
    started: list[PinnedQuestion] = []
    pinned = PinnedQuestion(workspace, DELETING, wanted=started.append)
    alice, carol = workspace.account.user("alice"), workspace.account.user("carol")
    assert alice is not None
    assert carol is not None
    assert pinned(alice) is PENDING
    assert pinned(carol) is PENDING
    assert pinned(workspace.account.groups[0]) is None
    assert started == [pinned], "one thread is asked for, however many verdicts are wanted"
    drawn_again: list[str] = []
    pinned.find(lambda: False, lambda: drawn_again.append("found"))
    assert drawn_again
    assert [verdict.mark for one in (alice, carol) if (verdict := pinned(one)) is not None] == ["[x]", "[-]"]
    assert len(started) == 1
    assert pinned(workspace.account.roles[0]) is PENDING
    assert len(started) == 2, "what is wanted after the thread has ended starts another one"


def test_finding_verdicts_stops_when_the_question_is_replaced() -> None:
    workspace = sample_workspace()
    pinned = PinnedQuestion(workspace, DELETING, wanted=lambda _: None)
    user = workspace.account.users[0]
    assert pinned(user) is PENDING
    pinned.find(lambda: True, lambda: pytest.fail("nothing was found"))
    assert pinned(user) is PENDING


def test_the_first_verdicts_are_found_before_anybody_asks_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinned_module, "_AHEAD_SECONDS", 3600)
    workspace = sample_workspace()
    pinned = PinnedQuestion(workspace, DELETING, wanted=lambda _: pytest.fail("they are there"))
    alice, carol = workspace.account.user("alice"), workspace.account.user("carol")
    assert alice is not None
    assert carol is not None
    pinned.find_first((alice, workspace.account.groups[0], carol), lambda: False)
    assert [verdict.mark for one in (alice, carol) if (verdict := pinned(one)) is not None] == ["[x]", "[-]"]


def test_of_the_first_verdicts_none_is_found_once_the_question_is_replaced() -> None:
    workspace = sample_workspace()
    pinned = PinnedQuestion(workspace, DELETING, wanted=lambda _: None)
    pinned.find_first(workspace.account.users, lambda: True)
    assert pinned(workspace.account.users[0]) is PENDING


def test_a_verdict_that_cannot_be_found_holds_up_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = sample_workspace()
    pinned = PinnedQuestion(workspace, DELETING, wanted=lambda _: None)
    monkeypatch.setattr(PinnedQuestion, "_ask", lambda *_: 1 / 0)
    pinned.find_first(workspace.account.users, lambda: False)
    assert pinned(workspace.account.users[0]) is PENDING, "the thread that finds the rest meets the error, and says so"


async def test_marks_come_with_the_answer(app_node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinned_module, "_AHEAD_SECONDS", 10.0)
    monkeypatch.setattr(PinnedQuestion, "find", lambda *_: pytest.fail("marks are left to be found later"))
    async with opened() as pilot:
        pilot.app.main.go_to(app_node)
        await ask(pilot, "s3:DeleteObject", LAKE_OBJECT)
        assert next(text for text in drawn(pilot.app.query_one(ExplorerTree)) if "alice" in text).endswith("[x] ")
        await ask(pilot, "s3:GetObject", LAKE_OBJECT)
        assert next(text for text in drawn(pilot.app.query_one(ExplorerTree)) if "alice" in text).endswith("[+]*")


@pytest.mark.slow
async def test_pairs_that_aws_never_asks_stand_last_and_are_not_counted(app_node: str) -> None:
    async with opened() as pilot:
        pilot.app.main.go_to(app_node)
        await ask(pilot, "s3:GetObject s3:ListBucket", f"{LAKE_OBJECT} arn:aws:s3:::data-lake")
        summary = str(pilot.app.query_one("#question-summary", Static).content)
        assert summary.endswith(", 2 never asked")
        rows = drawn(pilot.app.query_one(MatrixView))
        assert sum(row.count("[!] never") for row in rows) == 2
        await ask(pilot, "s3:Get*", LAKE_OBJECT)
        summary = str(pilot.app.query_one("#question-summary", Static).content)
        assert summary.split(" ")[1] == "actions:"
        assert summary.endswith(" never asked")
        await ask(pilot, "s3:GetBucketP*", LAKE_OBJECT)
        rows = drawn(pilot.app.query_one(MatrixView))
        assert all("[!] never" in row for row in rows if row.strip())


@pytest.mark.slow
async def test_of_a_matrix_the_worst_is_marked_whichever_cell_is_looked_at(app_node: str) -> None:
    async with opened() as pilot:
        app: IamtuiApp = pilot.app  # type: ignore[assignment]
        app.main.go_to(app_node)
        await ask(pilot, "s3:GetObject,s3:DeleteObject", LAKE_OBJECT)
        panel = app.query_one(QuestionPanel)
        marks = []
        for key in ("home", "end"):
            app.query_one(MatrixView).focus()
            await press(pilot, key)
            entity = app.query_one(DetailPane).entity
            assert entity is not None
            pinned = app.main._pinning.pinned
            assert pinned is not None
            marks.append(pinned(entity))
        assert panel.whole_answer is not None
        assert [mark.mark for mark in marks if mark is not None] == ["[x]", "[x]"]


@pytest.mark.slow
async def test_a_mark_never_touches_the_name_in_front_of_it() -> None:
    demo = make_app(open_source(SourceChoice(SourceKind.DEMO)))
    async with opened(demo, size=(80, 24)) as pilot:
        pilot.app.main.go_to("arn:aws:iam::111122223333:role/developer-sandbox")  # type: ignore[attr-defined]
        await ask(pilot, "s3:GetObject", "arn:aws:s3:::puffin-data-lake/x")
        marked = [text for text in drawn(pilot.app.query_one(ExplorerTree)) if re.search(r"\[.\]", text)]
        assert any("developer-sand" in text for text in marked)
        assert not [text for text in marked if re.search(r"[^ ]\[.\][ *]?$", text)]
