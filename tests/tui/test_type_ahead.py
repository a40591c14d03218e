"""What is typed at once behind the key that opens a screen."""

from __future__ import annotations

import pytest
from textual import events
from textual.widgets import Input

from iamtui.tui.assume.dialog import AssumeDialog
from tests.support.drafting import app_of, until
from tests.support.sample_account import iam
from tests.support.screen_app import opened, settle


@pytest.mark.slow
async def test_what_is_typed_at_once_behind_the_key_for_assuming_reaches_the_form() -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        app.main.go_to(iam("role/deploy-prod"))
        app.main.explorer.tree_view.focus()
        await settle(pilot)
        for key in "a12":
            # A key that is pressed waits for what it does; these come while the first one is still on its way.
            app.post_message(events.Key(key, key))
        await until(pilot, lambda: isinstance(app.screen, AssumeDialog) and isinstance(app.focused, Input))
        assert isinstance(app.focused, Input)
        assert app.focused.value.endswith("12")
        assert app.main.subject.detail.active_tab == "overview"
