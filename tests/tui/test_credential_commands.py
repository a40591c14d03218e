"""The screen shows the command that a profile runs for its credentials and asks, however the profile was opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from iamtui.aws.credential_process import CredentialCommand
from iamtui.tui.app import IamtuiApp
from iamtui.tui.main.main_screen import MainScreen
from iamtui.workspace.source import credential_commands
from iamtui.workspace.source.credential_commands import is_confirmed, refuse_unconfirmed
from iamtui.workspace.source.workspace import SourceChoice, SourceKind, Workspace
from tests.support.panel_apps import screen_text, settle, until
from tests.support.sample_account import sample_workspace
from tests.support.screen_app import RecordingCopier

COMMAND = "/opt/get-keys --for ci"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_aws_settings: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(credential_commands, "_path", lambda: tmp_path / "commands.json")
    (no_aws_settings / "config").write_text(f"[profile ci]\ncredential_process = {COMMAND}\n[profile plain]\n")


class Opener:
    """Opens what is chosen, as botocore would: profile ci runs a command, when that is approved."""

    def __init__(self, command: str = COMMAND) -> None:
        self.command = command
        self.opened: list[SourceChoice] = []

    def __call__(self, choice: SourceChoice, *_more: object) -> Workspace:
        if choice.profile == "ci":
            refuse_unconfirmed(CredentialCommand("ci", self.command))
        self.opened.append(choice)
        return sample_workspace()


def app_on(choice: SourceChoice | None, opener: Opener) -> IamtuiApp:
    return IamtuiApp(choice, opener=opener, copier=RecordingCopier())


CI = SourceChoice(SourceKind.LIVE, profile="ci")


def shown(app: IamtuiApp) -> str:
    return " ".join(screen_text(app).replace("│", " ").split())


async def test_a_profile_of_the_command_line_is_asked_about_before_anything_is_opened() -> None:
    opener = Opener()
    app = app_on(CI, opener)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "y run it, now and later" in shown(app))
        assert f"The profile ci runs this command for its credentials: {COMMAND}" in shown(app)
        await pilot.press("enter")
        await settle(pilot)
        assert opener.opened == []
        await pilot.press("y")
        await until(pilot, lambda: app.main.workspace is not None)
        assert opener.opened == [CI]
        assert is_confirmed(CredentialCommand("ci", COMMAND))
        await pilot.press("r")
        await until(pilot, lambda: [one.profile for one in opener.opened] == ["ci", "ci"])
        assert isinstance(app.screen, MainScreen)


async def test_a_refused_command_is_said_and_something_else_can_be_chosen() -> None:
    opener = Opener()
    app = app_on(CI, opener)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "y run it" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: "The command of the profile ci was not run." in shown(app))
        assert not is_confirmed(CredentialCommand("ci", COMMAND))
        assert opener.opened == []


async def test_the_chooser_asks_too_and_a_changed_command_is_a_new_one() -> None:
    opener = Opener()
    app = app_on(None, opener)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "runs a command" in shown(app))
        await pilot.press("j", "j", "enter")
        await until(pilot, lambda: "y run it" in shown(app))
        await pilot.press("n")
        await until(pilot, lambda: "was not run" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: "y run it" in shown(app))
        await pilot.press("y")
        await until(pilot, lambda: app.main.workspace is not None)
        assert [choice.profile for choice in opener.opened] == ["ci"]
        opener.command = "/opt/evil"
        await pilot.press("r")
        await until(pilot, lambda: "/opt/evil" in shown(app))
        assert len(opener.opened) == 1


async def test_where_it_cannot_be_kept_it_is_asked_once_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credential_commands, "_path", lambda: Path("/proc/none/commands.json"))
    opener = Opener()
    app = app_on(CI, opener)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "y run it" in shown(app))
        await pilot.press("y")
        await until(pilot, lambda: opener.opened == [CI])


@pytest.mark.slow
async def test_the_endpoint_that_was_given_stays_whatever_profile_is_chosen() -> None:
    """Keys that are meant for an emulator must not go to AWS."""
    opener = Opener()
    app = app_on(SourceChoice(SourceKind.LIVE, endpoint_url="http://127.0.0.1:5000"), opener)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(opener.opened) == 1)
        for presses in (("enter",), ("j", "j", "j", "enter")):
            await pilot.press("g", "a")
            await until(pilot, lambda: "plain" in shown(app) and "NOT AWS" in shown(app))
            before = len(opener.opened)
            await pilot.press(*presses)
            await until(pilot, lambda before=before: len(opener.opened) > before)
            await settle(pilot)
        assert [choice.kind for choice in opener.opened[1:]] == [SourceKind.DEMO, SourceKind.LIVE]
        assert opener.opened[2].profile == "plain"
        assert opener.opened[2].endpoint_url == "http://127.0.0.1:5000"


async def test_a_long_command_cannot_be_agreed_to_before_its_end_was_shown() -> None:
    command = f"{COMMAND} {' '.join(f'word{number}' for number in range(400))} the-end"
    opener = Opener(command)
    app = app_on(CI, opener)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "j k scroll to the end" in shown(app))
        assert "the-end" not in shown(app)
        assert "y run it" not in shown(app)
        await pilot.press("y")
        await settle(pilot)
        assert opener.opened == []
        assert "word0 " not in shown(app)
        await pilot.press("k", "pageup", "down", "space")
        for _ in range(100):
            if "the-end" in shown(app):
                break
            assert opener.opened == []
            await pilot.press("y")
        await until(pilot, lambda: "y run it, now and later" in shown(app))
        await pilot.press("y")
        await until(pilot, lambda: opener.opened == [CI])
