"""Going back returns to where one was: filter, sort, selection and scroll of what was left."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from iamtui.drafts.edits.principals import AttachPolicy, DetachPolicy
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.tui.drafts.draft_screen import DraftScreen
from iamtui.tui.drafts.impact_screen import DraftImpactScreen
from iamtui.tui.main.inventory import Branch, Kind, key_of
from iamtui.tui.question.who_can_screen import WhoCanScreen
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.workspace import SourceChoice, SourceKind
from tests.support.drafting import ask, lay, own_data_folder
from tests.support.panel_apps import type_text, until
from tests.support.sample_account import LAKE_READ, iam
from tests.support.screen_app import make_app, opened, press, settle

__all__ = ["own_data_folder"]

ROLES = Branch(Kind.ROLES)
ON_LAKE = ("s3:GetObject", "arn:aws:s3:::data-lake/x")


async def test_back_in_a_branch_the_line_the_scroll_and_the_order_are_as_they_were() -> None:
    demo = open_source(SourceChoice(SourceKind.DEMO))
    app = make_app(demo, first_branch=ROLES)
    async with opened(app, size=(120, 30)) as pilot:
        table = app.main.subject.table
        table.focus()
        await press(pilot, "o")
        table.move_to(table.total // 2)
        table.scroll_to(y=table.cursor - 3, animate=False)
        await settle(pilot)
        before, top = table.entity, table.scroll_offset.y
        assert top
        await press(pilot, "enter")
        assert app.main.subject.node == before
        await press(pilot, "left_square_bracket")
        assert app.main.subject.node == ROLES
        assert (table.entity, table.scroll_offset.y, table.sort) == (before, top, ("name", True))
        assert table.has_focus
        await press(pilot, "right_square_bracket")
        assert app.main.subject.node == before


async def test_back_in_a_detail_the_line_is_as_it_was() -> None:
    app = make_app()
    async with opened(app) as pilot:
        app.main.go_to(iam("role/web-server"))
        app.main.subject.active_view.focus()
        facts = app.main.subject.detail.facts
        facts.move_to(next(at for at, row in enumerate(facts.rows) if row.target))
        at = facts.cursor
        assert at
        await press(pilot, "enter")
        assert app.main.subject.node is not None
        assert key_of(app.main.subject.node) != iam("role/web-server")
        await press(pilot, "left_square_bracket")
        assert (facts.cursor, facts.has_focus) == (at, True)


async def test_back_among_the_hits_of_a_search_the_filter_and_the_hit_are_as_they_were() -> None:
    app = make_app()
    async with opened(app) as pilot:
        await press(pilot, "slash")
        await type_text(pilot, "deploy")
        await press(pilot, "enter", "j", "j")
        hit, shown = app.main.explorer.node, app.main.explorer.tree_view.total
        assert hit is not None
        app.main.go_to(iam("role/web-server"))
        await settle(pilot)
        assert not app.main.explorer.filter_input.value
        await press(pilot, "left_square_bracket")
        assert app.main.explorer.filter_input.value == "deploy"
        assert (app.main.explorer.node, app.main.explorer.tree_view.total) == (hit, shown)
        await press(pilot, "right_square_bracket")
        assert app.main.explorer.filter_input.value == ""


@pytest.mark.slow
async def test_who_can_of_the_same_question_is_as_it_was_left() -> None:
    app = make_app()
    async with opened(app) as pilot:
        await ask(pilot, iam("user/carol"), *ON_LAKE)
        await press(pilot, "W")
        screen = app.screen
        assert isinstance(screen, WhoCanScreen)
        await press(pilot, "n", "slash")
        await type_text(pilot, "e")
        await press(pilot, "enter", "j")
        shown, row, order = [one.name for one in screen.list.shown], screen.list.row, screen.list.order
        await press(pilot, "f6")
        assert app.screen is app.main
        await press(pilot, "W")
        again = app.screen
        assert isinstance(again, WhoCanScreen)
        assert again is not screen
        assert [one.name for one in again.list.shown] == shown
        assert row is not None
        assert again.list.row is not None
        assert (again.list.row.principal.arn, again.list.order) == (row.principal.arn, order)
        assert again.query_one(Input).value == "e"
        await press(pilot, "f6")
        await ask(pilot, iam("user/carol"), "s3:PutObject", "*")
        await press(pilot, "W")
        other = app.screen
        assert isinstance(other, WhoCanScreen)
        assert other.query_one(Input).value == "", "it is another question"


@pytest.mark.slow
async def test_the_cell_of_a_matrix_stays_while_one_is_elsewhere() -> None:
    app = make_app()
    async with opened(app) as pilot:
        matrix = QuestionMatrix(("s3:GetObject", "s3:PutObject"), (ON_LAKE[1], "*"), Question("", "*"))
        app.main.go_to(iam("role/deploy-prod"))
        app.main.question.ask_matrix(matrix)
        await settle(pilot)
        await press(pilot, "s", "enter")
        await press(pilot, "j", "j")
        question = app.main.question.question
        app.main.go_to(iam("user/carol"))
        await settle(pilot)
        await press(pilot, "left_square_bracket")
        assert app.main.question.question == question


@pytest.mark.slow
async def test_the_impact_and_the_list_of_edits_are_as_they_were_left() -> None:
    async with opened() as pilot:
        carol, web = iam("user/carol"), iam("role/web-server")
        await ask(pilot, carol, *ON_LAKE)
        await lay(pilot, AttachPolicy(carol, LAKE_READ.arn), DetachPolicy(web, LAKE_READ.arn))
        await press(pilot, "i", "space")
        screen = pilot.app.screen
        assert isinstance(screen, DraftImpactScreen)
        await until(pilot, lambda: screen.lines.total > 2)
        await press(pilot, "j")
        row, total = screen.lines.row, screen.lines.total
        await press(pilot, "enter", "left_square_bracket")
        again = pilot.app.screen
        assert isinstance(again, DraftImpactScreen)
        await until(pilot, lambda: again.lines.total == total)
        assert again.lines.row == row
        await press(pilot, "q", "g", "d", "j", "q", "g", "d")
        edits = pilot.app.screen
        assert isinstance(edits, DraftScreen)
        assert edits.edits.cursor == 1


@pytest.mark.slow
async def test_a_draft_leaves_the_cursor_on_the_hit_of_the_filter() -> None:
    app = make_app()
    async with opened(app) as pilot:
        explorer = app.main.explorer
        await press(pilot, "slash")
        await type_text(pilot, "deploy")
        await press(pilot, "enter", "down")
        at, first = explorer.node, explorer.tree_view.cursor
        assert at is not None
        await lay(pilot, AttachPolicy(iam("user/alice"), LAKE_READ.arn))
        assert (explorer.node, explorer.tree_view.cursor) == (at, first)
        assert app.main.subject.node == at
        assert explorer.filter_input.value == "deploy"


@pytest.mark.slow
async def test_q_leaves_a_pane_beside_the_filtered_tree_before_it_clears_the_filter() -> None:
    async with opened() as pilot:
        explorer = pilot.app.main.explorer
        await press(pilot, "slash", *"deploy", "enter")
        pilot.app.main.subject.active_view.focus()
        await press(pilot, "q")
        assert explorer.tree_view.has_focus
        assert explorer.filter_input.value == "deploy"
        await press(pilot, "q")
        assert explorer.filter_input.value == ""
