"""Serving a session to programs, from the keys of the screen."""

from __future__ import annotations

import re
import urllib.error
import urllib.request

import pytest

from iamtui.credentials.server import WHO_IS_ANSWERED
from iamtui.tui.dialogs.dialogs import ConfirmDialog
from iamtui.tui.sessions.session_dialogs import EndpointScreen
from tests.support.panel_apps import until
from tests.support.panel_sessions import SECRET
from tests.support.screen_app import press
from tests.support.session_stage import ask, stage
from tests.support.slow import one_quick


def variable(copied: str, name: str) -> str:
    """The value that a copied line gives a variable."""
    line = next(line for line in copied.splitlines() if line.startswith(f" export {name}="))
    return line.partition("=")[2]


@one_quick("size", [(120, 40), (80, 24), (200, 60)])
async def test_a_session_is_served_from_a_key(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    async with stage(monkeypatch, size) as it:
        await it.hold(60)
        await press(it.pilot, "enter", "e")
        assert isinstance(it.pilot.app.screen, EndpointScreen)
        assert re.search(r"Endpoint of deploy-prod  123456789012 \S+ PROD", it.text)
        await press(it.pilot, "c")
        (copied,) = it.copier.copied
        url, token = (
            variable(copied, f"AWS_CONTAINER_{name}") for name in ("CREDENTIALS_FULL_URI", "AUTHORIZATION_TOKEN")
        )
        assert "unset AWS_ACCESS_KEY_ID" in copied
        assert ask(url, token)["SecretAccessKey"] == SECRET
        with pytest.raises(urllib.error.HTTPError):
            ask(url, "guess")
        await until(it.pilot, lambda: "1 answered, 1 refused" in it.text)
        assert url.rsplit("/", 1)[1] not in it.text
        assert token not in it.text
        assert "http://127.0.0.1:" in it.text
        assert "the endpoint ends with it" in " ".join(it.text.split())
        await press(it.pilot, "R")
        assert "renewed in 40m" in it.text
        await press(it.pilot, "escape")
        assert "1 answered, 1 refused" in it.text
        assert ask(url, token)["AccessKeyId"] == "ASIAEXAMPLEKEY00WXYZ"
        await press(it.pilot, "r")
        assert ask(url, token)["AccessKeyId"] == "ASIARENEWED000000001"
        await press(it.pilot, "enter", "e", "d")
        with pytest.raises(urllib.error.URLError):
            ask(url, token)
        assert "endpoint off" in it.text


async def test_metadata_is_offered_only_after_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(60)
        await press(it.pilot, "enter", "e", "i")
        assert isinstance(it.pilot.app.screen, ConfirmDialog)
        assert "knows no authentication" in it.text
        await press(it.pilot, "enter")
        assert isinstance(it.pilot.app.screen, ConfirmDialog)
        await press(it.pilot, "escape")
        kept = it.panel.keeper.active
        assert kept is not None
        assert kept.service is not None
        assert kept.service.metadata is None
        assert "IMDSv2 stays off." in it.text
        await press(it.pilot, "i", "y")
        assert kept.service.metadata is not None
        assert f"no authentication: open to {WHO_IS_ANSWERED}" in it.text
        await press(it.pilot, "c")
        assert variable(it.copier.copied[-1], "AWS_EC2_METADATA_SERVICE_ENDPOINT") == kept.service.metadata.url


@pytest.mark.slow
async def test_an_endpoint_that_ended_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(1)
        await press(it.pilot, "enter", "e")
        kept = it.panel.keeper.active
        assert kept is not None
        service = kept.service
        assert service is not None
        it.clock.move(61)
        service.stop()
        it.panel.tick()
        await until(it.pilot, lambda: "It has stopped with its session." in it.text)
        assert "The endpoint of deploy-prod has stopped with its session." in it.said
        await press(it.pilot, "c")
        assert it.copier.copied == []


async def test_a_session_that_has_ended_is_not_served(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(1)
        it.clock.move(61)
        await press(it.pilot, "enter", "e")
        assert any("has expired" in said for said in it.heard)
        assert not isinstance(it.pilot.app.screen, EndpointScreen)
