from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from textual.widgets import Input

from iamtui.aws.errors import AwsProblem
from iamtui.aws.profiles import Profile, SsoLogin
from iamtui.problem import Problem
from iamtui.tui import clock
from iamtui.tui.opening.chooser import ChooserScreen
from iamtui.workspace.source.workspace import SourceChoice, SourceKind
from tests.support.panel_apps import ScreenApp, screen_text, settle

PROFILES = [
    Profile("default", "eu-west-1", "access key"),
    Profile("ci", kind="runs a command"),
]


def chooser() -> ScreenApp:
    return ScreenApp(ChooserScreen(lambda: PROFILES))


async def test_enter_alone_opens_the_demo() -> None:
    app = chooser()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert app.returned == [SourceChoice(SourceKind.DEMO)]


async def test_profiles_are_listed_and_opened() -> None:
    app = chooser()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "default" in screen_text(app)
        assert "access key" in screen_text(app)
        await pilot.press("j", "j", "enter")
        await settle(pilot)
        assert app.returned == [SourceChoice(SourceKind.LIVE, profile="default", region="eu-west-1")]


async def test_a_profile_is_opened_at_the_endpoint_that_was_given_and_that_is_said() -> None:
    app = ScreenApp(ChooserScreen(lambda: PROFILES, endpoint_url="http://127.0.0.1:5000"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "NOT AWS: a profile calls http://127.0.0.1:5000." in screen_text(app)
        await pilot.press("j", "j", "enter")
        await settle(pilot)
        assert [choice.endpoint_url if choice else "" for choice in app.returned] == ["http://127.0.0.1:5000"]


async def test_a_snapshot_is_opened_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    file.write_text("{}")
    app = chooser()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("j", "enter")
        await settle(pilot)
        app.screen.query_one("#chooser-path", Input).value = str(file)
        await pilot.press("enter")
        await settle(pilot)
        assert app.returned == [SourceChoice(SourceKind.SNAPSHOT, snapshot=file)]


async def test_tab_completes_the_path(tmp_path: Path) -> None:
    (tmp_path / "accounts").mkdir()
    for name in ("account-prod.json", "account-test.json.gz", "notes.txt", "accounts/mine.json"):
        (tmp_path / name).write_text("{}")
    app = chooser()
    async with app.run_test(size=(120, 24)) as pilot:
        await settle(pilot)
        await pilot.press("j", "enter")
        field = app.screen.query_one("#chooser-path", Input)
        field.value = f"{tmp_path}/a"
        await settle(pilot)
        assert "Tab account-prod.json  account-test.json.gz  accounts/" in screen_text(app)
        for typed, completed in (("", "account"), ("s", "accounts/"), ("", "accounts/mine.json")):
            field.value += typed
            await settle(pilot)
            await pilot.press("tab")
            await settle(pilot)
            assert field.value == f"{tmp_path}/{completed}"
        await pilot.press("enter")
        await settle(pilot)
        assert app.returned == [SourceChoice(SourceKind.SNAPSHOT, snapshot=tmp_path / "accounts/mine.json")]


async def test_a_path_that_is_no_file_is_said(tmp_path: Path) -> None:
    app = chooser()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("j", "enter", "enter")
        await settle(pilot)
        assert "Type the path" in screen_text(app)

        field = app.screen.query_one("#chooser-path", Input)
        field.value = "nowhere.json"
        await pilot.press("enter")
        await settle(pilot)
        assert "nowhere.json does not exist." in screen_text(app)
        field.value = "nowhere.jso"
        await settle(pilot)
        assert "does not exist" not in screen_text(app), "it was said of another path"
        assert "What iamtui snapshot" in screen_text(app)

        field.value = str(tmp_path)
        await pilot.press("enter")
        await settle(pilot)
        assert "folder" in screen_text(app)
        assert app.returned == []


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("~nobody-of-this-name/account.json", "does not exist"),
        ("x" * 300, "File name too long"),
        ("/dev/zero", "is not a file"),
    ],
)
async def test_no_path_that_is_typed_ends_the_screen(path: str, words: str) -> None:
    app = chooser()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("j", "enter")
        await settle(pilot)
        app.screen.query_one("#chooser-path", Input).value = path
        await pilot.press("enter")
        await settle(pilot)
        assert words in " ".join(screen_text(app).replace("│", " ").split())
        assert app.returned == []


async def test_escape_goes_back_one_step_at_a_time() -> None:
    app = chooser()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("j", "enter", "escape")
        assert app.returned == []
        await pilot.press("escape")
        await settle(pilot)
        assert app.returned == [None]


async def test_without_profiles_it_says_so_and_the_rest_works() -> None:
    app = ScreenApp(ChooserScreen(list))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "No AWS profiles were found" in screen_text(app)
        await pilot.press("enter")
        await settle(pilot)
        assert app.returned == [SourceChoice(SourceKind.DEMO)]


async def test_a_broken_configuration_file_is_said() -> None:
    def fail() -> list[Profile]:
        raise Problem("The AWS config file cannot be read.", "Correct line 3.")

    app = ScreenApp(ChooserScreen(fail))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "The AWS config file cannot be read. Correct line 3." in screen_text(app)


async def test_after_a_sign_in_enter_opens_the_same_again_and_is_named() -> None:
    opened: list[SourceChoice] = []
    screen = ChooserScreen(lambda: PROFILES, opening=opened.append)
    app = ScreenApp(screen)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("f5")
        assert opened == []
        await pilot.press("j", "j", "enter")
        for key in ("enter", "f5"):
            screen.show_problem(
                AwsProblem("The session has expired.", "Run: aws sso login", login_command="aws sso login")
            )
            await settle(pilot)
            assert "Then Enter tries again." in screen_text(app)
            await pilot.press(key)
            await settle(pilot)
        assert [choice.profile for choice in opened] == ["default", "default", "default"]


async def test_what_is_open_is_marked() -> None:
    for opened, marked in (
        ({(SourceKind.LIVE, "ci")}, ["Profile, open  ci"]),
        ({(SourceKind.LIVE, "ci"), (SourceKind.LIVE, "default")}, ["Profile, open  ci", "Profile, open  default"]),
        ({(SourceKind.DEMO, "")}, ["Demo, open"]),
        ({(SourceKind.SNAPSHOT, "")}, ["Snapshot, open"]),
    ):
        app = ScreenApp(ChooserScreen(lambda: PROFILES, opened=opened))
        async with app.run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            assert screen_text(app).count(", open ") == len(marked)
            assert all(words in screen_text(app) for words in marked)


async def test_a_profile_shows_when_its_login_ends_and_which_command_renews_it() -> None:
    now = clock.now()
    command = "aws sso login --profile ended"
    logins = {
        "lasts": SsoLogin("", now + timedelta(hours=3, minutes=5)),
        "renewed": SsoLogin("", now + timedelta(minutes=5), renews_itself=True),
        "perhaps": SsoLogin("", now - timedelta(days=2), renews_itself=True),
        "ended": SsoLogin(command, now - timedelta(hours=2, minutes=5)),
        "never": SsoLogin("aws sso login --profile never"),
    }
    profiles = [Profile(name, "eu-west-1", "Identity Center", login=login) for name, login in logins.items()]
    app = ScreenApp(ChooserScreen(lambda: profiles))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        rows = {row.split()[2]: row for row in screen_text(app).splitlines() if "Profile  " in row}
        shown = {name: row.split(name, 1)[1].split("eu-west-1")[0].strip() for name, row in rows.items()}
        assert shown == {
            "lasts": "login ends in 3h",
            "renewed": "logged in",
            "perhaps": "login may have ended",
            "ended": "login ended 2h ago",
            "never": "not logged in",
        }
        await pilot.press("j", "j", "j", "j", "j")
        await settle(pilot)
        words = " ".join(screen_text(app).replace("│", " ").split())
        assert f"ended: login ended 2h ago. Run {command} in a shell, then Enter opens it." in words
        await pilot.press("k")
        await settle(pilot)
        assert command not in screen_text(app)
        assert "Profiles are only listed" in screen_text(app)
