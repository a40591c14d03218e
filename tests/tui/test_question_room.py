"""An answer in the room that there is: what stays in sight, what is cut, and what the cursor is on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iamtui.account.model import Account, InlinePolicy
from iamtui.presentation.verdict import layer_text
from iamtui.tui.explorer.explorer import ExplorerTree
from iamtui.tui.question.answer_lists import LayersList, MatrixView
from iamtui.tui.question.context_field import ContextView
from iamtui.tui.question.panel import QuestionPanel
from tests.support.panel_apps import screen_text, type_text
from tests.support.question_asked import LAKE_OBJECT, account, asked, form_of, typed
from tests.support.sample_account import allow, deny, document, iam, sample_workspace
from tests.support.screen_app import opened, press, settle
from tests.support.slow import one_quick

__all__ = ["account"]


async def test_what_is_cut_and_what_is_kept_back_is_said_in_a_small_window(account: Account) -> None:
    async with opened(size=(80, 24), account=account) as pilot:
        panel = await asked(pilot, action="s3:PutBucketAcl", resource="arn:aws:s3:::data-lake")
        assert panel.answer is not None
        assert panel.answer.notes
        assert f"{len(panel.answer.notes)} note" in screen_text(pilot.app)
        await asked(pilot)
        assert "3 other checks" in screen_text(pilot.app)


@pytest.mark.slow
async def test_that_aws_never_asks_this_stands_with_the_verdict(account: Account) -> None:
    async with opened(size=(80, 24), account=account) as pilot:
        await asked(pilot, action="s3:ListBucket")
        assert "[!] AWS never asks this: s3:ListBucket is about" in screen_text(pilot.app)


@one_quick("size", [(80, 24), (60, 20)])
async def test_the_layers_stay_in_sight_below_the_longest_answer(size: tuple[int, int]) -> None:
    statements = [
        deny("s3:Get*", "*", Sid="x" * 120),
        allow("s3:*", [f"arn:aws:s3:::{'b' * 50}-{n}/*" for n in range(9)]),
    ]
    account = sample_workspace().account
    web = account.role("web-server")
    assert web is not None
    wordy = replace(web, inline_policies=(InlinePolicy("p" * 120, document(*statements)),))
    roles = tuple(wordy if role is web else role for role in account.roles)
    async with opened(size=size, account=replace(account, roles=roles)) as pilot:
        for action in ("s3:GetObject", "s3:PutObject"):
            panel = await asked(pilot, action=action, resource="arn:aws:s3:::b*")
            assert panel.answer is not None
            layers = pilot.app.screen.query_one(LayersList)
            side = pilot.app.screen.query_one("#side")
            assert layers.region.height == 1
            assert layers.region.bottom <= side.region.bottom
            assert "identity [" in screen_text(pilot.app)
            layers.focus()
            await settle(pilot)
            assert layers.region.height >= 2
            assert layers.region.bottom <= side.region.bottom
            assert "not evaluated" in screen_text(pilot.app)
            pilot.app.screen.query_one(ExplorerTree).focus()


@pytest.mark.slow
async def test_the_layers_stay_in_sight_beside_condition_keys_and_a_matrix() -> None:
    async with opened(size=(80, 24)) as pilot:

        def in_sight() -> bool:
            layers, side = pilot.app.screen.query_one(LayersList), pilot.app.screen.query_one("#side")
            return layers.region.height == 1 and layers.region.bottom <= side.region.bottom

        await asked(pilot, action="s3:GetObject", resource=LAKE_OBJECT)
        await press(pilot, "f9")
        assert in_sight()
        await press(pilot, "escape")
        assert in_sight()
        await asked(pilot, action="s3:GetObject, s3:DeleteObject, s3:PutObject, s3:Get*", resource=LAKE_OBJECT)
        assert in_sight()


async def test_another_answer_puts_the_cursor_on_the_layer_that_decides_and_a_switch_leaves_it() -> None:
    async with opened() as pilot:
        panel = await asked(pilot, "user/alice", "s3:DeleteObject")
        layers = pilot.app.screen.query_one(LayersList)
        layers.focus()
        await press(pilot, "j")
        assert layers.cursor == 1
        await press(pilot, "space")
        await settle(pilot)
        assert layers.cursor == 1
        panel.ask("s3:DeleteObject", LAKE_OBJECT, "aws:SourceIp=203.0.113.7")
        await settle(pilot)
        assert layers.cursor == 0
        assert "▶[x] identity" in screen_text(pilot.app)


@pytest.mark.slow
async def test_the_keys_can_be_read_and_left_in_the_smallest_window(account: Account) -> None:
    async with opened(size=(60, 20), account=account) as pilot:
        await asked(pilot)
        layers = pilot.app.screen.query_one(LayersList)
        layers.focus()
        await press(pilot, "f9")
        text = screen_text(pilot.app)
        assert "aws:SourceIp" in text
        assert "not given  unknown" in text
        assert "esc Back" in text
        await press(pilot, "j")
        keys = pilot.app.screen.query_one(ContextView)
        assert keys.cursor == 2
        await press(pilot, "escape")
        assert layers.has_focus
        assert not keys.display
        await press(pilot, "f9", "f9")
        assert layers.has_focus


@pytest.mark.slow
async def test_a_smaller_window_leaves_no_empty_lines_and_a_larger_one_says_again_what_would_help() -> None:
    async with opened() as pilot:
        panel = await asked(pilot, "user/carol")
        assert "Would help" in screen_text(pilot.app)
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert "" not in [row.partition("│")[2].strip() for row in screen_text(pilot.app).split("\n")[14:22]]
        await pilot.resize_terminal(120, 40)
        await settle(pilot)
        assert panel.answer is not None
        assert "Would help" in screen_text(pilot.app)


@pytest.mark.slow
async def test_a_field_says_where_it_is_cut() -> None:
    async with opened(size=(80, 24)) as pilot:
        await asked(pilot, resource=f"{LAKE_OBJECT}{'y' * 60}z")
        row = next(row for row in screen_text(pilot.app).split("\n") if "Resource " in row)
        assert row.rstrip().endswith("…")
        form_of(pilot).resource_field.focus()
        await press(pilot, "end")
        row = next(row for row in screen_text(pilot.app).split("\n") if "Resource " in row)
        assert "Resource …yyy" in row
        assert row.rstrip().endswith("z")


@pytest.mark.slow
async def test_the_names_of_keys_are_read_in_a_column_too(account: Account) -> None:
    async with opened(size=(200, 60), account=account) as pilot:
        await asked(pilot, "user/alice")
        text = screen_text(pilot.app)
        assert "aws:SecureTransport " in text
        assert "aws:RequestedRegion " in text


@pytest.mark.slow
@one_quick(("size", "front"), [((80, 24), "Step"), ((120, 40), "Layers of step")])
async def test_the_layers_of_a_chain_say_which_step_they_are_of(size: tuple[int, int], front: str) -> None:
    async with opened(size=size) as pilot:
        panel = await asked(pilot)
        assert panel.question_matrix is not None
        panel.ask_matrix(replace(panel.question_matrix, chained_from=iam("role/deploy-prod")))
        await settle(pilot)
        assert panel.whole_answer is not None
        chain = panel.whole_answer.chain
        assert chain is not None
        first = panel.answer is chain.decision
        words = "deploy-prod assumes web-server" if first else "web-server does s3:GetObject"
        assert f"{front} {1 if first else 2} of 2: {words}" in screen_text(pilot.app)
        layers = pilot.app.screen.query_one(LayersList)
        assert layers.region.height >= 1
        assert layers.region.bottom <= pilot.app.screen.query_one("#side").region.bottom
        panel.ask_matrix(replace(panel.question_matrix, chained_from=""))
        await settle(pilot)
        assert "of 2: " not in screen_text(pilot.app)


@pytest.mark.slow
@one_quick("size", [(120, 40), (190, 30), (190, 40), (200, 60)])
async def test_the_layer_that_denies_is_in_sight_below_a_matrix(size: tuple[int, int]) -> None:
    async with opened(size=size) as pilot:
        panel = await asked(
            pilot,
            "user/carol",
            "s3:Get* s3:Put* s3:List*",
            f"{LAKE_OBJECT} arn:aws:s3:::data-lake arn:aws:s3:::other/x",
        )
        assert panel.answer is not None
        layers, side = pilot.app.screen.query_one(LayersList), pilot.app.screen.query_one("#side")
        for key in ("f9", "escape", "j", "l", "j"):
            await press(pilot, key)
            assert layers.region.bottom <= side.region.bottom
            mark = layer_text(panel.answer.layers[0], panel.answer).mark
            assert (f"identity {mark}" if layers.region.height == 1 else f"{mark} identity") in screen_text(pilot.app)


async def test_the_worst_of_a_matrix_is_looked_at_first() -> None:
    async with opened(size=(120, 40)) as pilot:
        panel = await asked(
            pilot, "user/carol", "s3:GetObject s3:ListBucket", "arn:aws:s3:::other arn:aws:s3:::other/x"
        )
        assert panel.whole_answer is not None
        assert pilot.app.screen.query_one(MatrixView).chosen == 1
        assert panel.question is not None
        assert (panel.question.action, panel.question.resource) == ("s3:GetObject", "arn:aws:s3:::other/x")


@pytest.mark.slow
@one_quick("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_band_is_filled_from_edge_to_edge_and_no_line_of_an_answer_is_blank(size: tuple[int, int]) -> None:
    async with opened(size=size) as pilot:
        await asked(pilot, "role/web-server")
        band = pilot.app.screen.query_one("#question-verdict")
        for strip in band.render_lines(band.size.region):
            assert strip.cell_length == band.size.width
            assert len({segment.style.bgcolor for segment in strip if segment.style is not None}) == 1
        rows = screen_text(pilot.app).split("\n")
        below = rows[band.region.bottom : band.parent.region.bottom if size[0] < 180 else band.region.bottom]
        assert all(row[band.region.x :].strip() for row in below)


async def test_the_layers_in_one_line_unfold_where_the_focus_goes_to_them() -> None:
    async with opened(size=(80, 24)) as pilot:
        await asked(pilot, "role/web-server")
        layers = pilot.app.screen.query_one(LayersList)
        assert layers.region.height == 1
        assert "identity [+] ─ resource [?]" in screen_text(pilot.app)
        layers.focus()
        await settle(pilot)
        assert layers.region.height > 2
        assert "[?] resource not evaluated" in screen_text(pilot.app)
        pilot.app.screen.query_one(ExplorerTree).focus()
        await settle(pilot)
        assert layers.region.height == 1


@one_quick("size", [(100, 30), (120, 40)])
async def test_the_text_of_the_deciding_statement_stands_beside_the_layers(size: tuple[int, int]) -> None:
    async with opened(size=size) as pilot:
        panel = await asked(pilot, "user/alice", "s3:DeleteObject")
        layers, quote = pilot.app.screen.query_one(LayersList), pilot.app.screen.query_one("#question-statement")
        assert panel.answer is not None
        assert panel.answer.deciding is not None
        assert quote.region.y == layers.region.y
        assert f'"Sid": "{panel.answer.deciding.sid}"' in screen_text(pilot.app)
        assert quote.region.bottom <= pilot.app.screen.query_one("#side").region.bottom
        await asked(pilot, "user/carol")
        assert not quote.display


@pytest.mark.slow
async def test_a_wide_window_gives_a_grid_the_room_for_its_columns_and_takes_it_back() -> None:
    async with opened(size=(200, 60)) as pilot:
        resources = " ".join(f"arn:aws:s3:::data-lake/{name}" for name in "xyz")
        await asked(pilot, "user/carol", "s3:GetObject s3:PutObject s3:DeleteObject s3:ListBucket", resources)
        side, matrix = pilot.app.screen.query_one("#side"), pilot.app.screen.query_one(MatrixView)
        assert side.outer_size.width > 90
        assert matrix.rows == 5
        assert "arn:aws:s3:::data-lake/z" in screen_text(pilot.app)
        matrix.focus()
        await press(pilot, "z")
        assert side.outer_size.width == 200
        await press(pilot, "z")
        await asked(pilot, "user/carol", "s3:GetObject", "arn:aws:s3:::data-lake/x")
        assert side.outer_size.width == 60


@pytest.mark.slow
async def test_a_grid_that_is_about_to_be_hidden_can_be_drawn_once_more() -> None:
    async with opened() as pilot:
        await asked(pilot, "user/carol", "s3:GetObject s3:PutObject", "arn:aws:s3:::data-lake/x arn:aws:s3:::y/x")
        matrix = pilot.app.screen.query_one(MatrixView)
        region = matrix.size.region
        assert region.height == 3
        matrix.show(None, 1)
        assert not "".join(strip.text for strip in matrix.render_lines(region)).strip()


@pytest.mark.slow
@one_quick("columns", [67, 68, 82])
async def test_a_quote_is_as_wide_as_its_half_of_the_panel(columns: int) -> None:
    async with opened(size=(120, 40)) as pilot:
        await asked(pilot, "user/alice", "s3:DeleteObject")
        pilot.app.main.pane_sizes.use({"medium tree": 118 - columns})
        await settle(pilot)
        quote = pilot.app.screen.query_one("#question-statement")
        rows = [row.strip() for row in screen_text(pilot.app).split("\n")[quote.region.y : quote.region.bottom]]
        assert not any(row.rstrip("│ ").endswith(" ,") for row in rows)
        assert max(line.cell_length for line in quote.content.split("\n")) <= quote.content_size.width


@pytest.mark.slow
async def test_a_whole_column_counts_the_lines_that_it_has_no_room_for() -> None:
    async with opened(size=(200, 40)) as pilot:
        await asked(pilot, "user/alice", "s3:DeleteObject")
        more = pilot.app.screen.query_one("#question-more")

        def shown() -> list[str]:
            rows = screen_text(pilot.app).split("\n")[more.content_region.y : more.content_region.bottom]
            return [row[more.content_region.x : more.content_region.right].rstrip() for row in rows]

        assert shown()[-1].strip().startswith("…")
        assert shown()[-1].strip().endswith("more lines")
        # What is above takes more lines, which nobody says.
        pilot.app.screen.query_one("#question-because").styles.height = 5
        await settle(pilot)
        assert shown()[-1].strip().endswith("more lines")
        pilot.app.screen.query_one("#question-because").styles.height = 0
        await pilot.resize_terminal(200, 120)
        await settle(pilot)
        assert not any("more lines" in row for row in shown())


@pytest.mark.slow
@one_quick("size", [(80, 24), (120, 40)])
async def test_no_blank_rows_stay_after_half_an_action(size: tuple[int, int]) -> None:
    async with opened(size=size) as pilot:
        await asked(pilot)
        panel = pilot.app.screen.query_one(QuestionPanel)

        def blank() -> int:
            rows = [row[panel.region.x :] for row in screen_text(pilot.app).split("\n")]
            return sum(not row.strip(" │┃") for row in rows[panel.region.y : panel.region.bottom])

        panel.action_ask()
        await type_text(pilot, "s3:GetObjec")
        await settle(pilot)
        assert "is not a complete action yet" in screen_text(pilot.app)
        assert blank() == 0
        await press(pilot, "backspace", *["backspace"] * 10)
        await settle(pilot)
        assert "Type an action such as s3:GetObject." in screen_text(pilot.app)
        assert blank() == 0


@pytest.mark.slow
async def test_the_key_that_asks_is_named_as_it_is_where_the_focus_is() -> None:
    async with opened() as pilot:
        await press(pilot, "f6")
        assert "Press s and type an action such as s3:GetObject." in screen_text(pilot.app)
        assert "There is no question to ask about everybody yet: press s and type an action." in screen_text(pilot.app)
        assert "s Ask ─╯" in screen_text(pilot.app)
        await press(pilot, "slash")
        assert "Press F5 and type an action such as s3:GetObject." in screen_text(pilot.app)
        await press(pilot, "enter")
        assert "Press s and type an action such as s3:GetObject." in screen_text(pilot.app)
        await press(pilot, "s")
        await settle(pilot)
        assert "Type an action such as s3:GetObject." in screen_text(pilot.app)
        await press(pilot, "f7")
        assert "There is no answer to explain yet: type an action." in screen_text(pilot.app)
        form_of(pilot).context_field.focus()
        await settle(pilot)
        assert "Press F5 and type an action such as s3:GetObject." in screen_text(pilot.app)
        assert "F5 Ask ─╯" in screen_text(pilot.app)


@pytest.mark.slow
async def test_a_sentence_in_place_of_an_answer_stands_together() -> None:
    async with opened(size=(200, 60)) as pilot:
        form = form_of(pilot)
        await typed(pilot, form.action_field, "s3:GetObject")
        await typed(pilot, form.context_field, "arn:aws:s3:::puffin-data-lake/x")
        form.resource_field.focus()
        await settle(pilot)
        rows = screen_text(pilot.app).splitlines()
        first = next(at for at, row in enumerate(rows) if "! The context has" in row)
        assert "without a value." in rows[first + 1]
