"""`/` in a document: hits are marked, n and N go around them, Escape ends it."""

from __future__ import annotations

from iamtui.tui.dialogs.help import help_sections
from iamtui.tui.explorer.document_view import DocumentView, FindLine
from iamtui.tui.widgets.lists.line_list import Piece
from iamtui.tui.widgets.lists.wrapped_text import Hits
from tests.support.drafting import app_of
from tests.support.panel_apps import screen_text, type_text
from tests.support.sample_account import iam
from tests.support.screen_app import opened, press, settle
from tests.support.slow import one_quick


def test_stepping_goes_around_the_ends() -> None:
    hits = Hits(["Allow", "x", "allow"], "ALLOW")

    assert [hits.step(1), hits.step(1), hits.step(1), hits.step(-1)] == [0, 2, 0, 2]
    assert hits.words == "2 of 2"
    assert Hits(["x"], "y").words == "no match; Esc ends"
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


# What the help says of the keys of a document.


@one_quick("size", [(80, 24), (120, 40)])
async def test_the_help_lists_the_keys_that_work_in_a_document_and_no_others(size: tuple[int, int]) -> None:
    async with opened(size=size) as pilot:
        app = app_of(pilot)
        app.main.go_to(iam("role/deploy-prod"))
        await press(pilot, "4")
        app.main.subject.active_view.focus()
        await settle(pilot)
        keys = help_sections(app.screen)
        assert keys["Find"]["Find a text in the document"] == "/"
        assert "Filter the tree while typing" not in keys["Find"], "the key finds here"
        assert "Open what is under the cursor" not in keys["Move"], "there is no cursor"
        assert "Go to the next hit" not in keys["Find"]
        assert keys["Window"]["Give the pane the whole window, and back"] == "z"
        assert not any(words.startswith("Hand the active session") for words in keys["Hand over"]), "no picker"
        await press(pilot, "slash", "s", "t", "s", "enter")
        keys = help_sections(app.screen)
        assert keys["Find"]["Go to the next hit"] == "n"
        assert keys["Find"]["End finding"] == "esc"
        assert not any(words.startswith("Go back to the tree") for words in keys["Move"])
