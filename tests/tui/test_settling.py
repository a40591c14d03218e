"""What tests of the screen wait for: workers that begin late."""

from __future__ import annotations

import asyncio
import time

from tests.support.screen_app import make_app, opened, settle


async def test_a_worker_that_a_slow_handler_begins_is_waited_for() -> None:
    app = make_app()
    ended: list[bool] = []

    def work() -> None:
        time.sleep(0.2)
        ended.append(True)

    async def begin() -> None:
        await asyncio.sleep(0.1)
        app.main.run_worker(work, thread=True)

    async with opened(app) as pilot:
        app.main.call_later(begin)
        await settle(pilot)
        assert ended
