"""`P` opens another account in place of the one on screen: nothing of that stays but what the user keeps."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from msgspec.structs import replace as with_fields
from textual.pilot import Pilot

from iamtui.aws.errors import AwsProblem
from iamtui.problem import Problem
from iamtui.tui import clock
from iamtui.tui.app import IamtuiApp
from iamtui.tui.dialogs.dialogs import ChoiceDialog
from iamtui.tui.main.main_screen import MainScreen
from iamtui.tui.opening.chooser import ChooserScreen, LoginDialog
from iamtui.tui.sessions.controller import LockScreen
from iamtui.tui.widgets.status import MessageLine, StatusLine
from iamtui.workspace.source.workspace import SourceChoice, SourceKind, Workspace
from tests.support.panel_apps import screen_text, until
from tests.support.panel_sessions import SECRET, StillClock, session
from tests.support.sample_account import sample_account, sample_workspace
from tests.support.screen_app import RecordingCopier, press, settle

LOGIN = "aws sso login --profile corp"


@pytest.fixture(autouse=True)
def profiles(no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (no_aws_settings / "config").write_text("[profile first]\nregion=eu-west-1\n[profile second]\n[profile broken]\n")
    monkeypatch.setattr(clock, "now", StillClock())


@dataclass
class Stage:
    """The app with an account open, and what was opened."""

    pilot: Pilot[None]
    opened: list[SourceChoice] = field(default_factory=list)

    @property
    def app(self) -> IamtuiApp:
        assert isinstance(self.pilot.app, IamtuiApp)
        return self.pilot.app

    @property
    def main(self) -> MainScreen:
        return self.app.main

    @property
    def words(self) -> str:
        return " ".join(screen_text(self.app).replace("│", " ").split())

    @property
    def status(self) -> str:
        return self.main.query_one(StatusLine).render().plain

    async def choose(self, profile: str) -> None:
        """Press g a and choose a profile in the list."""
        await press(self.pilot, "g", "a")
        await until(self.pilot, lambda: "broken" in self.words)
        rows = ["demo", "snapshot", "first", "second", "broken"]
        await press(self.pilot, *["j"] * rows.index(profile), "enter")


@asynccontextmanager
async def stage(gate: threading.Event | None = None) -> AsyncIterator[Stage]:
    """Run the app on the first profile; the second one waits for the gate."""
    opened: list[SourceChoice] = []

    def opener(wanted: SourceChoice, *_more: object) -> Workspace:
        opened.append(wanted)
        if wanted.profile == "broken":
            raise Problem("Nothing answers.", "Choose another.")
        if gate is not None and wanted.profile == "second":
            gate.wait()
        workspace = sample_workspace()
        account = replace(workspace.account, id="222222222222") if wanted.profile == "second" else workspace.account
        name = wanted.profile or ""
        source = with_fields(workspace.source, label=name, profile=name, kind=SourceKind.LIVE)
        return replace(workspace, account=account, source=source)

    app = IamtuiApp(SourceChoice(SourceKind.LIVE, profile="first"), opener=opener, copier=RecordingCopier())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.main.workspace is not None)
        yield Stage(pilot, opened)


@pytest.mark.slow
async def test_the_profile_that_is_open_is_marked() -> None:
    async with stage() as it:
        await press(it.pilot, "g", "a")
        await until(it.pilot, lambda: "Profile, open first eu-west-1" in it.words)
        assert it.words.count(", open ") == 1


async def test_held_sessions_are_asked_about_and_forgotten_once_the_other_account_is_open() -> None:
    async with stage() as it:
        held = session()
        it.main.sessions.add_session(held)
        await it.choose("second")
        assert "What should happen to 1 session?" in it.words
        assert len(it.opened) == 1
        await press(it.pilot, "escape")
        assert isinstance(it.app.screen, ChooserScreen)
        assert "Cancelled. Choose something else" in it.words
        await press(it.pilot, "enter", "f")
        await until(it.pilot, lambda: "222222222222" in it.status)
        assert isinstance(it.app.screen, MainScreen)
        assert it.main.sessions.sessions == ()
        with pytest.raises(Problem):
            held.secret_access_key.reveal()


@pytest.mark.slow
async def test_sessions_are_kept_where_the_user_says_so() -> None:
    async with stage() as it:
        it.main.sessions.add_session(session())
        await it.choose("second")
        await press(it.pilot, "k")
        await until(it.pilot, lambda: "222222222222" in it.status)
        assert [one.secret_access_key.reveal() for one in it.main.sessions.sessions] == [SECRET]


@pytest.mark.slow
async def test_sessions_stay_where_the_other_account_cannot_be_opened() -> None:
    async with stage() as it:
        it.main.sessions.add_session(session())
        await it.choose("broken")
        await press(it.pilot, "f")
        await until(it.pilot, lambda: "Nothing answers." in it.words)
        await press(it.pilot, "escape", "R")
        await until(it.pilot, lambda: len(it.opened) == 3)
        await settle(it.pilot)
        assert it.opened[2].profile == "first"
        assert len(it.main.sessions.sessions) == 1, "reading the same account again forgets nothing"


@pytest.mark.slow
async def test_opening_the_same_again_asks_nothing() -> None:
    async with stage() as it:
        it.main.sessions.add_session(session())
        await it.choose("first")
        await until(it.pilot, lambda: isinstance(it.app.screen, MainScreen))
        assert len(it.main.sessions.sessions) == 1


@pytest.mark.slow
async def test_screens_about_the_old_account_are_closed() -> None:
    async with stage() as it:
        await press(it.pilot, "g", "f")
        await until(it.pilot, lambda: not isinstance(it.app.screen, MainScreen))
        await it.choose("second")
        await until(it.pilot, lambda: "222222222222" in it.status)
        assert isinstance(it.app.screen, MainScreen)
        principal = it.main.question.principal
        assert principal is None or principal.account == "222222222222"


@pytest.mark.slow
async def test_a_lock_stays_on_screen_when_the_other_account_has_come() -> None:
    gate = threading.Event()
    async with stage(gate=gate) as it:
        await press(it.pilot, "g", "a")
        await until(it.pilot, lambda: "broken" in it.words)
        await it.pilot.press("j", "j", "j", "enter")
        await until(it.pilot, lambda: len(it.opened) == 2)
        await it.pilot.press("f12")
        await until(it.pilot, lambda: isinstance(it.app.screen, LockScreen))
        gate.set()
        await until(it.pilot, lambda: "222222222222" in it.status)
        assert isinstance(it.app.screen, LockScreen)


@pytest.mark.parametrize("key", ["enter", "escape"])
async def test_an_ended_login_is_waited_for_and_tried_again_on_enter(key: str) -> None:
    tries: list[SourceChoice] = []

    def opener(choice: SourceChoice, *_more: object) -> Workspace:
        tries.append(choice)
        if len(tries) == 1:
            raise AwsProblem("The login has ended.", f"Run: {LOGIN}", login_command=LOGIN)
        return sample_workspace()

    app = IamtuiApp(SourceChoice(SourceKind.LIVE, profile="corp"), opener=opener, copier=RecordingCopier())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LoginDialog))
        words = " ".join(screen_text(app).replace("│", " ").split())
        assert f"The login has ended. Run {LOGIN} in another shell. Enter tries again Esc not now" in words
        assert len(tries) == 1
        await press(pilot, key)
        assert isinstance(app.screen, MainScreen)
        assert len(tries) == (2 if key == "enter" else 1)
        if key == "escape":
            assert LOGIN in app.main.query_one(MessageLine).words
            await press(pilot, "f5")
        await until(pilot, lambda: app.main.workspace is not None)
        assert sample_account().id in app.main.query_one(StatusLine).render().plain


async def test_a_region_is_chosen_for_questions_and_calls_and_nothing_is_read_again() -> None:
    async with stage() as it:
        shown = it.main.source_workspace
        assert shown is not None
        await press(it.pilot, "ctrl+g", *"sa-e", "enter")
        await until(it.pilot, lambda: "Questions are about sa-east-1." in it.words)
        assert len(it.opened) == 1
        moved = it.main.source_workspace
        assert moved is not None
        assert moved.account is shown.account
        assert moved.source.region == "sa-east-1"
        await press(it.pilot, "R")
        await until(it.pilot, lambda: len(it.opened) == 2)
        assert (it.opened[1].profile, it.opened[1].region) == ("first", "sa-east-1")


@pytest.mark.slow
async def test_a_region_that_is_chosen_while_the_account_is_read_is_read_in() -> None:
    gate = threading.Event()
    async with stage(gate=gate) as it:
        await press(it.pilot, "g", "a")
        await until(it.pilot, lambda: "broken" in it.words)
        await it.pilot.press("j", "j", "j", "enter")
        await until(it.pilot, lambda: len(it.opened) == 2)
        it.app.opening.choose_region()
        await until(it.pilot, lambda: isinstance(it.app.screen, ChoiceDialog))
        await it.pilot.press(*"sa-e", "enter")
        await until(it.pilot, lambda: len(it.opened) == 3)
        gate.set()
        await until(it.pilot, lambda: "sa-east-1" in it.status or len(it.opened) == 3)
        assert it.opened[2].region == "sa-east-1"


@pytest.mark.slow
async def test_the_demo_stays_in_its_region() -> None:
    app = IamtuiApp(SourceChoice(SourceKind.DEMO), copier=RecordingCopier())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.main.workspace is not None)
        await press(pilot, "ctrl+g", *"sa-e", "enter")
        await until(pilot, lambda: "The demo account is in one Region" in app.main.query_one(MessageLine).words)
        await press(pilot, "ctrl+g", "escape")
        assert isinstance(app.screen, MainScreen)
