"""What has the focus is seen: the line of its pane, the label of its field, and in a small window all fields."""

from __future__ import annotations

import pytest
from textual.widget import Widget
from textual.widgets import Label

from iamtui.tui.widgets.status import KeyLine
from tests.support.panel_apps import screen_text
from tests.support.question_asked import account, asked, form_of
from tests.support.sample_account import iam
from tests.support.screen_app import opened, press, settle

__all__ = ["account"]


def is_lit(pane: Widget) -> bool:
    """Whether the line above a pane has the colour for the focus."""
    lit = pane.app.theme_variables["rule-focused"]
    return str(pane.styles.border_top[1].hex).lower() == lit.lower()


async def test_the_pane_with_the_focus_has_a_lit_line() -> None:
    async with opened() as pilot:
        main = pilot.app.main
        panes = [main.explorer, main.subject, main.question]
        main.go_to(iam("role/web-server"))
        await settle(pilot)
        assert [is_lit(pane) for pane in panes] == [True, False, False]
        for keys, lit in (("enter", 1), ("s", 2), ("tab", 2), ("escape", 0)):
            await press(pilot, keys)
            await settle(pilot)
            assert [is_lit(pane) for pane in panes] == [number == lit for number in range(3)], keys
        main.query_one("#sessions").focus()
        await settle(pilot)
        assert not any(is_lit(pane) for pane in panes)


async def test_the_label_of_the_field_that_is_typed_into_stands_out() -> None:
    async with opened() as pilot:
        form = form_of(pilot)
        labels = form.query(Label)
        plain = {label.styles.color for label in labels}
        assert len(plain) == 1
        for field in (form.action_field, form.resource_field, form.context_field):
            field.focus()
            await settle(pilot)
            bold = [label for label in labels if label.styles.color not in plain]
            assert bold == [field.parent.query_one(Label)]
        await press(pilot, "escape", "escape")
        await settle(pilot)
        assert {label.styles.color for label in labels} == plain


@pytest.mark.slow
async def test_a_small_window_shows_all_fields_once_somebody_types_or_asks() -> None:
    async with opened(size=(80, 24)) as pilot:
        pilot.app.main.go_to(iam("role/web-server"))
        await settle(pilot)
        assert "Resource" not in screen_text(pilot.app)
        await press(pilot, "s")
        await settle(pilot)
        assert "Resource" in screen_text(pilot.app)
        assert "Caller" not in screen_text(pilot.app), "it is there for those who want it: F4"
        await press(pilot, "escape")
        await settle(pilot)
        assert "Resource" not in screen_text(pilot.app)
        await asked(pilot)
        pilot.app.main.explorer.tree_view.focus()
        await settle(pilot)
        assert "Resource" in screen_text(pilot.app)


async def test_the_keys_follow_the_focus_and_the_answer() -> None:
    async with opened() as pilot:
        keys = pilot.app.query_one(KeyLine)
        assert "Why" not in keys.render().plain
        await asked(pilot)
        await settle(pilot)
        assert "Why" in keys.render().plain
        assert "Why" in screen_text(pilot.app).splitlines()[-1]
        pilot.app.main.explorer.filter_input.focus()
        await settle(pilot)
        assert "To the hits" in screen_text(pilot.app).splitlines()[-1]
