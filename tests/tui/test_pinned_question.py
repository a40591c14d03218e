"""The question stays while the cursor moves, and is answered for every principal on screen."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from iamtui.tui.app import IamtuiApp
from iamtui.tui.inventory import Branch, Kind, key_of
from iamtui.tui.widgets.children_table import ChildrenTable
from iamtui.tui.widgets.detail.detail_pane import DetailPane
from iamtui.tui.widgets.detail.list_and_document import ListAndDocument
from iamtui.tui.widgets.explorer_tree import ExplorerTree
from iamtui.tui.widgets.line_view import LineView
from iamtui.tui.widgets.question.layers import LayersList
from iamtui.tui.widgets.question.panel import QuestionPanel
from tests.support.sample_account import LAKE_READ, iam
from tests.support.screen_app import opened, press, settle

LAKE_OBJECT = "arn:aws:s3:::data-lake/x"


def drawn(view: LineView) -> list[str]:
    """The text of every line as it is drawn."""
    return ["".join(piece.text for piece in view.pieces(i, view.size.width)) for i in range(view.total)]


async def ask(pilot: Pilot[None], action: str, resource: str) -> None:
    pilot.app.query_one(QuestionPanel).ask(action, resource)
    await settle(pilot)


@pytest.fixture
def app_node() -> str:
    return iam("user/alice")


async def test_each_principal_in_tree_and_table_gets_its_own_mark(app_node: str) -> None:
    async with opened() as pilot:
        pilot.app.main.go_to(app_node)
        await ask(pilot, "s3:DeleteObject", LAKE_OBJECT)
        tree = pilot.app.query_one(ExplorerTree)
        lines = drawn(tree)
        assert next(text for text in lines if "alice" in text).rstrip().endswith("[x]")
        assert next(text for text in lines if "carol" in text).rstrip().endswith("[-]")
        pilot.app.main.go_to(key_of(Branch(Kind.USERS)))
        await settle(pilot)
        rows = drawn(pilot.app.query_one(ChildrenTable))
        assert [row.rstrip().rsplit("  ", 1)[-1].strip() for row in rows] == [
            "[x] DENIED",
            "[x] DENIED",
            "[-] DENIED",
            "[?] DEPENDS",
        ]


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


async def test_marks_go_when_the_question_does(app_node: str) -> None:
    async with opened() as pilot:
        pilot.app.main.go_to(app_node)
        await ask(pilot, "s3:GetObject", LAKE_OBJECT)
        await ask(pilot, "", "")
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
        app.query_one(QuestionPanel).post_message(QuestionPanel.JumpToStatement(ref, principal))
        await settle(pilot)
        detail = app.query_one(DetailPane)
        assert detail.entity is not None
        assert detail.entity.arn == iam("role/deploy-prod")
        assert detail.active_tab == "trust"
