"""Handing a session over from the main screen: the clipboard's countdown."""

from __future__ import annotations

from datetime import timedelta

import pytest

from iamtui.tui.widgets.message_line import MessageLine
from iamtui.tui.widgets.status_line import StatusLine
from tests.support.screen_app import RecordingCopier, make_app, opened, settle


@pytest.mark.parametrize(("size", "words"), [((80, 24), " clip 24 s "), ((120, 40), " clipboard clears in 24 s ")])
async def test_the_status_line_counts_down_until_the_clipboard_is_cleared(size: tuple[int, int], words: str) -> None:
    copier = RecordingCopier()
    async with opened(make_app(copier=copier), size=size) as pilot:
        main = pilot.app.main
        status = main.query_one(StatusLine)
        assert "clip" not in status.render().plain

        copier.left = timedelta(seconds=23.2)
        main.watch_clipboard()
        assert words in status.render().plain
        assert "READ-ONLY" in status.render().plain

        copier.left = timedelta()
        main.watch_clipboard()
        await settle(pilot)
        assert main.query_one(MessageLine).words == "Clipboard cleared (xclip, read back)."
        main.watch_clipboard()
        assert "clip" not in status.render().plain
