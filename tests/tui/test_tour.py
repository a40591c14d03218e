"""The tour of five keys: offered once, where nothing is remembered yet; it goes on with each key, and can be ended."""

from __future__ import annotations

import pytest

from iamtui.config import Config
from iamtui.tui.app import IamtuiApp
from iamtui.tui.dialogs.help import STEPS, HelpScreen, Tour, start_tour
from iamtui.tui.main.screen_state import ScreenState
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
        assert f"Tour 1 of {len(STEPS)} (esc ends it)  / filters" in shown(app)
        assert "Tour 1 of 5" in screen_text(app)
        await press(pilot, "slash")
        assert shown(app) == "Tour 1 of 5  Type part of a name; Enter goes to the hits."
        await press(pilot, "escape")
        assert "Tour 1 of 5" in shown(app), "nothing was filtered"
        await press(pilot, "slash", *"deploy", "enter")
        assert "Tour 2 of 5  s asks" in shown(app)
        await press(pilot, "escape")
        assert "Tour 2 of 5 (esc ends it)  s asks" in shown(app), "the filter is left, not the tour"
        await press(pilot, "s", *"s3:ListBucket")
        assert shown(app) == "Tour 2 of 5  Type an action, as s3:GetObject; esc goes back."
        await press(pilot, "escape")
        assert "Tour 3 of 5" in shown(app)
        await press(pilot, "w", "escape")
        assert "Tour 4 of 5 (esc ends it)  a assumes" in shown(app)
        app.main.go_to(iam("role/deploy-prod"))
        await press(pilot, "a")
        assert app.screen is not app.main
        await press(pilot, "escape")
        assert "Tour 5 of 5" in shown(app)
        await press(pilot, "question_mark")
        assert shown(app) == ""


async def test_in_a_field_it_names_the_key_that_works_there_and_goes_on_with_it() -> None:
    app = first_run()
    async with opened(app) as pilot:
        await press(pilot, "slash", *"deploy", "enter", "s", *"s3:ListBucket", "escape", "escape", "slash")
        assert "Tour 3 of 5  F7 shows why" in shown(app)
        await press(pilot, "w")
        assert "Tour 3 of 5" in shown(app)
        await press(pilot, "f7")
        assert "Tour 4 of 5" in shown(app)


@pytest.mark.slow
async def test_where_no_key_of_the_step_works_in_a_field_it_names_the_way_out() -> None:
    app = first_run()
    async with opened(app) as pilot:
        app.main.query_one(Tour).remove()
        await press(pilot, "slash")
        start_tour(app.main)
        await settle(pilot)
        assert "Tour 1 of 5  esc leaves the field." in shown(app)
        await press(pilot, "escape")
        assert "Tour 1 of 5 (esc ends it)  / filters" in shown(app)


@pytest.mark.slow
async def test_every_step_is_one_line_of_a_small_window() -> None:
    app = first_run()
    async with opened(app, size=(80, 24)) as pilot:
        for key in ("slash", "d", "enter", "s"):
            assert app.main.query_one(Tour).region.height == 1
            await press(pilot, key)
        await press(pilot, "escape")
    words = [f" F5 {step.words}" for step in STEPS] + [step.typing for step in STEPS]
    assert all(len(f"Tour 1 of 5 (esc ends it) {one}") <= 78 for one in words)


@pytest.mark.slow
async def test_escape_ends_it_and_the_help_takes_it_again() -> None:
    app = first_run()
    async with opened(app) as pilot:
        await press(pilot, "escape")
        assert shown(app) == ""
        await press(pilot, "question_mark")
        assert isinstance(app.screen, HelpScreen)
        await press(pilot, "enter")
        assert app.screen is app.main
        assert "Tour 1 of 5" in shown(app)
        await press(pilot, "question_mark", "enter")
        assert len(app.main.query(Tour)) == 1


async def test_it_names_the_keys_of_the_users_keymap() -> None:
    app = first_run(config=Config(keymap={"go.filter": "f3"}))
    async with opened(app) as pilot:
        assert "F3 filters" in shown(app)
        await press(pilot, "f3", "d", "enter")
        assert "Tour 2 of 5" in shown(app)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(60, 20), (80, 24)])
async def test_it_covers_nothing(size: tuple[int, int]) -> None:
    app = first_run()
    async with opened(app, size=size):
        assert "esc ends it" in screen_text(app)
        assert "users" in screen_text(app)
        assert "Help" in screen_text(app)


@pytest.mark.slow
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


@pytest.mark.slow
async def test_one_escape_leaves_one_thing_and_the_tour_last() -> None:
    app = first_run()
    async with opened(app) as pilot:
        tree, field = app.main.explorer.tree_view, app.main.explorer.filter_input
        await press(pilot, "slash", *"deploy", "enter", "s")
        assert "(esc ends it)" not in shown(app)
        await press(pilot, "escape")
        assert tree.has_focus
        assert field.value == "deploy"
        assert "Tour 2 of 5  s asks" in shown(app), "the filter is left first"
        await press(pilot, "escape")
        assert field.value == ""
        assert "Tour 2 of 5 (esc ends it)" in shown(app)
        await press(pilot, "escape")
        assert shown(app) == ""
