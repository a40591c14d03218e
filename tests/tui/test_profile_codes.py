"""The screen asks for the MFA code of a profile's role, once for all profiles of a device."""

from __future__ import annotations

import pytest

from iamtui.tui.app import IamtuiApp
from iamtui.tui.opening.source_opening import open_blocking
from iamtui.tui.sessions.export_dialog import CodeDialog
from iamtui.workspace.source.workspace import CacheUse, SourceChoice, SourceKind
from tests.support.mfa_alice import AliceWithMfa
from tests.support.mfa_profiles import SERIAL
from tests.support.panel_apps import screen_text, settle, until
from tests.support.screen_app import RecordingCopier


def shown(app: IamtuiApp) -> str:
    return " ".join(screen_text(app).replace("│", " ").split())


async def test_a_code_opens_the_profiles_of_its_device(alice_in_profiles: AliceWithMfa) -> None:
    alice = alice_in_profiles
    dev = SourceChoice(SourceKind.LIVE, profile="dev", endpoint_url=alice.proxy.url, cache=CacheUse.NOTHING)
    app = IamtuiApp(dev, opener=open_blocking, copier=RecordingCopier())
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, CodeDialog))
        assert f"Its role takes a code of {SERIAL}." in shown(app)
        await pilot.press(*"999999", "enter")
        await until(pilot, lambda: "refused the MFA code" in shown(app))
        assert app.main.workspace is None
        await pilot.press(*"123456", "enter")
        await until(pilot, lambda: app.main.workspace is not None)
        assert app.main.workspace is not None
        assert app.main.workspace.source.profile == "dev"
        # Read again, and another profile: no second code.
        before = app.main.workspace
        await pilot.press("r")
        await until(pilot, lambda: app.main.workspace is not before)
        await pilot.press("g", "a")
        await until(pilot, lambda: "Profile ops" in " ".join(shown(app).split()))
        await pilot.press(*"jjjj", "enter")
        await until(pilot, lambda: app.main.workspace is not None and app.main.workspace.source.profile == "ops")
        assert alice.operations().count("GetSessionToken") == 2, "the refused one and the one that was given"


async def test_no_code_is_said_and_the_lock_forgets_the_session(
    alice_in_profiles: AliceWithMfa, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = alice_in_profiles
    dev = SourceChoice(SourceKind.LIVE, profile="dev", endpoint_url=alice.proxy.url, cache=CacheUse.NOTHING)
    app = IamtuiApp(dev, opener=open_blocking, copier=RecordingCopier())
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, CodeDialog))
        await pilot.press("escape")
        await until(pilot, lambda: "No MFA code was given, so the profile dev was not opened." in shown(app))
        assert alice.operations() == []
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, CodeDialog))
        await pilot.press(*"123456", "enter")
        await until(pilot, lambda: app.main.workspace is not None)
        app.main.lifecycle.lock_up()
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, CodeDialog))
