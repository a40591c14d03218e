"""`/` in a document: hits are marked, n and N go around them, Escape ends it."""

from __future__ import annotations

from iamtui.tui.widgets.detail.document_view import DocumentView
from iamtui.tui.widgets.detail.find_line import FindLine
from iamtui.tui.widgets.detail.hits import Hits
from iamtui.tui.widgets.line_view import Piece
from tests.support.panel_apps import screen_text, type_text
from tests.support.sample_account import iam
from tests.support.screen_app import opened, press, settle


def test_stepping_goes_around_the_ends() -> None:
    hits = Hits(["Allow", "x", "allow"], "ALLOW")

    assert [hits.step(1), hits.step(1), hits.step(1), hits.step(-1)] == [0, 2, 0, 2]
    assert hits.words == "2 of 2"
    assert Hits(["x"], "y").words == "nothing found"
    assert Hits(["x"], "").step(1) is None


def test_hits_are_cut_out_of_the_pieces_they_run_over() -> None:
    pieces = [Piece('"s3:', "json-string"), Piece("Get", "json-key"), Piece('Object"')]

    marked = list(Hits(["x"], "3:geto").marked(pieces))

    assert marked == [
        Piece('"s', "json-string"),
        Piece("3:", "hit"),
        Piece("Get", "hit"),
        Piece("O", "hit"),
        Piece('bject"', ""),
    ]


async def test_slash_finds_in_the_document_that_has_the_focus() -> None:
    async with opened() as pilot:
        app = pilot.app
        app.main.go_to(iam("role/deploy-prod"))
        await press(pilot, "4")
        app.main.subject.active_view.focus()
        await press(pilot, "slash")
        await type_text(pilot, "arn:")
        await settle(pilot)
        record = app.query_one("#record", DocumentView)
        assert app.query_one(FindLine).display
        assert "▸" in screen_text(app)
        await press(pilot, "enter", "n")
        assert "2 of " in screen_text(app)
        assert record.has_focus
        await press(pilot, "escape")
        assert not app.query_one(FindLine).display
        assert "▸ " not in "".join(strip.text for strip in record.render_lines(record.region.reset_offset))
        await press(pilot, "slash")
        assert app.query_one(FindLine).display


async def test_another_document_ends_the_search() -> None:
    async with opened() as pilot:
        app = pilot.app
        app.main.go_to(iam("role/deploy-prod"))
        await press(pilot, "4")
        app.main.subject.active_view.focus()
        await press(pilot, "slash", "a", "enter")
        app.main.go_to(iam("user/alice"))
        await settle(pilot)
        assert not app.query_one(FindLine).display
