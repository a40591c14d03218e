"""The tour of five keys: offered once, where nothing is remembered yet; it goes on with each key, and can be ended."""

from __future__ import annotations

import pytest

from iamtui.config import Config
from iamtui.tui.app import IamtuiApp
from iamtui.tui.help import HelpScreen
from iamtui.tui.screen_state import ScreenState
from iamtui.tui.tour import STEPS, Tour
from tests.support.panel_apps import screen_text
from tests.support.sample_account import iam, sample_workspace
from tests.support.screen_app import SAMPLE, RecordingCopier, make_app, opened, press, settle


def first_run(*, fresh: bool = False, config: Config | None = None) -> IamtuiApp:
    opened_as = sample_workspace()
    return IamtuiApp(
        SAMPLE, opener=lambda *_: opened_as, copier=RecordingCopier(), tour=True, fresh=fresh, config=config
    )


def shown(app: IamtuiApp) -> str:
    found = [*app.main.query(Tour)]
    return found[0].render().plain if found else ""  # type: ignore[union-attr]


async def test_the_tour_goes_on_with_each_key_and_ends_after_the_last() -> None:
    app = first_run()
    async with opened(app) as pilot:
        assert f"Tour 1 of {len(STEPS)}  / filters" in shown(app)
        assert "Tour 1 of 5" in screen_text(app)
        await press(pilot, "slash")
        assert "Tour 2 of 5  s asks" in shown(app)
        await press(pilot, "s", "s")
        assert "Tour 2 of 5" in shown(app), "what is typed into a field is text"
        await press(pilot, "escape")
        assert "Tour 2 of 5" in shown(app), "the field is left, not the tour"
        await press(pilot, "s", "escape", "w")
        assert "Tour 4 of 5  a assumes" in shown(app)
        app.main.go_to(iam("role/deploy-prod"))
        await press(pilot, "a")
        assert app.screen is not app.main
        await press(pilot, "escape")
        assert "Tour 5 of 5" in shown(app)
        await press(pilot, "question_mark")
        assert shown(app) == ""


async def test_escape_ends_it_and_the_help_takes_it_again() -> None:
    app = first_run()
    async with opened(app) as pilot:
        await press(pilot, "escape")
        assert shown(app) == ""
        await press(pilot, "question_mark")
        assert isinstance(app.screen, HelpScreen)
        await press(pilot, "T")
        assert app.screen is app.main
        assert "Tour 1 of 5" in shown(app)
        await press(pilot, "question_mark", "T")
        assert len(app.main.query(Tour)) == 1


async def test_it_names_the_keys_of_the_users_keymap() -> None:
    app = first_run(config=Config(keymap={"go.filter": "f3"}))
    async with opened(app) as pilot:
        assert "F3 filters" in shown(app)
        await press(pilot, "f3")
        assert "Tour 2 of 5" in shown(app)


@pytest.mark.parametrize("size", [(60, 20), (80, 24)])
async def test_it_covers_nothing(size: tuple[int, int]) -> None:
    app = first_run()
    async with opened(app, size=size):
        assert "esc ends it" in screen_text(app)
        assert "users" in screen_text(app)
        assert "Help" in screen_text(app)


async def test_it_is_offered_only_where_nothing_is_remembered() -> None:
    async with opened(first_run(fresh=True)) as pilot:
        assert not pilot.app.query(Tour)
    async with opened(make_app()) as pilot:
        assert not pilot.app.query(Tour), "only the program itself offers it"
    app = first_run()
    async with opened(app):
        assert shown(app)
        app.exit()
    assert not ScreenState().is_first
    async with opened(first_run()) as pilot:
        await settle(pilot)
        assert not pilot.app.query(Tour)
