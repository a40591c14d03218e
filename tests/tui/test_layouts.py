"""What is around an answer keeps its place while somebody types, and nothing is cut off in a small window."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual.widgets import Input

from iamtui.account.model import Account
from iamtui.tui.question.answer_view import AnswerView
from iamtui.tui.question.form import QuestionForm
from tests.support.drafting import app_of
from tests.support.question_asked import account, asked, panel_of, typed
from tests.support.screen_app import opened, press, settle
from tests.support.slow import one_quick

__all__ = ["account"]


@pytest.mark.slow
@one_quick("size", [(80, 24), (120, 40)])
async def test_the_panel_is_as_high_as_what_it_says_while_somebody_types(
    account: Account, size: tuple[int, int]
) -> None:
    async with opened(size=size, account=account) as pilot:
        panel = await asked(pilot)
        field = panel.query_one(QuestionForm).action_field
        await typed(pilot, field, "s3:GetObject")
        answered = panel.region
        assert panel.answer is not None
        await press(pilot, "backspace", "backspace")
        await settle(pilot)
        assert panel.answer is None
        view = panel.query_one(AnswerView)
        assert view.region.height <= 3, "the sentence alone"
        await press(pilot, "c", "t")
        await settle(pilot)
        assert panel.answer is not None
        assert panel.region == answered
        await press(pilot, "backspace", "escape", "escape")
        await settle(pilot)
        assert not panel_of(pilot).has_focus_within
        assert panel.region.height <= answered.height
        assert view.region.height <= 3, "the sentence alone"


async def test_what_a_field_is_for_is_not_cut_off_in_a_small_window() -> None:
    async with opened(size=(80, 24)) as pilot:
        app = app_of(pilot)
        app.main.explorer.tree_view.focus()
        await settle(pilot)
        focused = set()
        for key in ("", "colon", "ctrl+r", "f4"):
            await press(pilot, *filter(None, [key]))
            focused.add(app.focused)
            fields = [field for field in app.screen.query(Input) if field.region.area and not field.value]
            assert fields
            for field in fields:
                words = str(field.placeholder)
                assert cell_len(words) <= field.content_size.width, words
            if key:
                await press(pilot, "escape")
            assert app.screen is app.main
        assert len(focused) == 4
