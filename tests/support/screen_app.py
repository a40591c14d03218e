"""The whole app on the sample account, without a source, a clipboard or sleeps."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from iamtui.account.model import Account
from iamtui.config import Config
from iamtui.credentials.session import Session
from iamtui.secret import Secret
from iamtui.tui.app import IamtuiApp
from iamtui.tui.main.inventory import Branch, Kind
from iamtui.workspace.source.workspace import ProgressReport, SourceChoice, SourceKind, Workspace
from tests.support.sample_account import sample_workspace
from tests.support.settling import settled

SAMPLE = SourceChoice(SourceKind.SNAPSHOT)
USERS = Branch(Kind.USERS)


class RecordingCopier:
    """A clipboard that remembers what was put on it."""

    def __init__(self) -> None:
        self.copied: list[str] = []
        self.left: timedelta | None = None

    def copy_exports(self, session: Session, name: str = "") -> str:
        self.copied.append(f"exports of {session.role_arn}{f' as {name}' if name else ''}")
        return "Export lines copied."

    def format_name(self) -> str:
        return "bash"

    def copy_secret(self, text: Secret, what: str) -> str:
        self.copied.append(text.reveal())
        return f"{what} copied."

    def copy_text(self, text: str, what: str) -> str:
        self.copied.append(text)
        return f"{what} copied."

    def copy_document(self, text: str, what: str) -> str:
        self.copied.append(text)
        return f"{what} copied."

    def time_left(self) -> timedelta | None:
        return self.left

    def clear_now(self) -> str:
        self.left = None
        return "clipboard cleared (xclip)"


def make_app(
    workspace: Workspace | None = None,
    *,
    opener: Callable[[SourceChoice, ProgressReport, Callable[[], bool]], Workspace] | None = None,
    copier: RecordingCopier | None = None,
    config: Config | None = None,
    first_branch: Branch = USERS,
) -> IamtuiApp:
    """An app that opens this workspace (the sample) in place of a source, with the cursor among the users."""
    opened = workspace or sample_workspace()
    app = IamtuiApp(SAMPLE, config=config, opener=opener or (lambda *_: opened), copier=copier or RecordingCopier())
    app.main.first_branch = first_branch
    return app


async def settle(pilot: Pilot[Any]) -> None:
    """Wait until no worker runs and every message they posted has been handled; no cursor blinks from then on."""
    await settled(pilot)
    blinking = [field for field in pilot.app.screen.query(Input) if field.cursor_blink]
    if blinking:
        for field in blinking:
            field.cursor_blink = False
        await settled(pilot)


@asynccontextmanager
async def opened(
    app: IamtuiApp | None = None, size: tuple[int, int] = (120, 40), account: Account | None = None
) -> AsyncIterator[Pilot[None]]:
    """Run an app until its account is on screen."""
    if account is not None:
        workspace = sample_workspace()
        app = make_app(workspace.with_account(account))
    running = app or make_app()
    async with running.run_test(size=size) as pilot:
        await settle(pilot)
        yield pilot


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys and wait for what they start."""
    await pilot.press(*keys)
    await settle(pilot)
