"""After forget and lock no copy of a session's secret or token can be reached in the process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from iamtui.credentials.clipboard import ClipboardOptions
from iamtui.credentials.console_url import Host
from iamtui.secret import Secret
from iamtui.tui import app as tui_app
from iamtui.tui.app import IamtuiApp
from iamtui.tui.clipboard import Copier
from iamtui.tui.sessions.session_dialogs import ConsoleDialog
from iamtui.workspace.source.workspace import SourceChoice, SourceKind
from tests.support.drafting import until
from tests.support.hostile_endpoint import answering, whole
from tests.support.moto_server import ACCOUNT, MotoServer, trust
from tests.support.own_process import in_own_process
from tests.support.panel_apps import screen_text
from tests.support.reachable import Sought, paths_to
from tests.support.screen_app import press, settle

ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"

PLAIN = f"arn:aws:iam::{ACCOUNT}:role/plain"

CODE = "271828"


@dataclass
class Life:
    """The screen, and what has been secret in it.

    Args:
        sought: the secret keys and tokens, as they came to be.
    """

    pilot: Pilot[None]
    app: DrawingApp
    sought: list[Sought] = field(default_factory=list)

    async def press(self, *keys: str) -> None:
        for key in keys:
            await press(self.pilot, key)

    @property
    def words(self) -> str:
        return " ".join(screen_text(self.app).split())

    def learn(self) -> None:
        """Take note of what is held now, without keeping it."""
        for kept in self.app.main.sessions.keeper:
            self.sought += [
                Sought(kept.session.secret_access_key.reveal()),
                Sought(kept.session.session_token.reveal()),
            ]
        for shared in self.app.main.lifecycle.mfa_sessions.live():
            self.sought += [Sought(shared.secret_access_key.reveal()), Sought(shared.session_token.reveal())]

    def check_that_nothing_is_left(self) -> None:
        left = paths_to(*self.sought)
        assert not left, "\n" + "\n".join(left)

    async def assume(self, role: str = PLAIN, *, code: str = "") -> None:
        """Assume a role by its ARN, as the account's own caller."""
        count = len(self.app.main.sessions.keeper)
        await self.press("ctrl+r")
        self.app.screen.query_one("#assume-role", Input).value = role
        await settle(self.pilot)
        if code:
            self.app.screen.query_one("#assume-code", Input).value = code
            await settle(self.pilot)
        await self.press("enter")
        assert len(self.app.main.sessions.keeper) == count + 1, self.words
        self.learn()


class DrawingApp(IamtuiApp):
    """Also makes what it would send to a terminal, once it has started: without a terminal Textual leaves that out."""

    # Files beside its own module, not beside this one.
    CSS_PATH = [Path(tui_app.__file__).parent / path for path in IamtuiApp.CSS_PATH]  # noqa: RUF012 - declared so by the base class
    draws = False

    @property
    def is_headless(self) -> bool:
        return not self.draws and super().is_headless


@pytest.fixture
def app(moto: MotoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DrawingApp:
    """The screen on a moto account over HTTP, whose clipboard is the terminal's, as the settings allow."""
    iam = moto.client("iam")
    iam.create_user(UserName="dora")
    key = iam.create_access_key(UserName="dora")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    iam.create_virtual_mfa_device(VirtualMFADeviceName="dora")
    device = f"arn:aws:iam::{ACCOUNT}:mfa/dora"
    codes = {"AuthenticationCode1": "111111", "AuthenticationCode2": "222222"}
    iam.enable_mfa_device(UserName="dora", SerialNumber=device, **codes)
    with_mfa = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
    iam.create_role(RoleName="deploy", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}, **with_mfa))
    iam.create_role(RoleName="plain", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    for name in ("TMUX", "DISPLAY", "WAYLAND_DISPLAY", "SSH_TTY", "SSH_CONNECTION", "IAMTUI_CLIPBOARD_CMD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("SHELL", "/bin/bash")
    for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.chdir(tmp_path)
    # A slow machine takes longer for the walk through everything that can be reached than a secret stays shown.
    monkeypatch.setattr("iamtui.tui.sessions.panel.REVEAL_SECONDS", 600.0)
    copier = Copier(lambda _text: None, ClipboardOptions(secrets_through_terminal=True))
    return DrawingApp(SourceChoice(SourceKind.LIVE, endpoint_url=moto.url), copier=copier)


@asynccontextmanager
async def life_of(app: DrawingApp) -> AsyncIterator[Life]:
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.draws = True
        yield Life(pilot, app)


@pytest.mark.slow
@in_own_process
async def test_nothing_of_a_forgotten_session_can_be_reached(app: DrawingApp) -> None:
    async with life_of(app) as life:
        await life.assume()
        assert len(paths_to(*life.sought)) >= 2, "the walk finds what is held"
        await life.press("g", "s", "d", "d")
        assert "Forgot the session" in life.words
        life.check_that_nothing_is_left()
        assert not app.main.hand_over._provenances, "nor how it was asked for"


@pytest.mark.slow
@in_own_process
async def test_nothing_can_be_reached_of_a_session_that_is_forgotten_while_its_secret_is_shown(app: DrawingApp) -> None:
    async with life_of(app) as life:
        await life.assume()
        await life.press("g", "s", "enter", "s", "enter", "t", "d", "d")
        assert "Forgot the session" in life.words, life.words
        life.check_that_nothing_is_left()


@pytest.mark.slow
@in_own_process
async def test_nothing_can_be_reached_of_a_session_that_was_handed_over_in_every_way(
    app: DrawingApp, tmp_path: Path
) -> None:
    async with life_of(app) as life:
        await life.assume()
        await life.press("g", "s", "enter", "i", "enter", "s", "enter", "t")
        revealed = paths_to(*life.sought)
        assert any(path.startswith("str < ") for path in revealed), "the walk finds what is on screen"
        await life.press("enter", "s", "enter", "t")
        await life.press("c")
        assert "cleared in" in life.words or "overwritten in" in life.words, life.words
        await life.press("x")
        await life.press("down", "down", "up", "F")
        await life.press("enter")
        assert [file.name for file in tmp_path.iterdir() if file.suffix == ".sh"], life.words
        await life.press("y", "s", "escape", "g", "s")
        await life.press("enter", "e")
        service = next(iter(app.main.sessions.keeper)).service
        assert service is not None, life.words
        await asyncio.to_thread(ask_in_a_process, service.endpoint.uri, service.endpoint.token)
        assert service.endpoint.counts.served == 1
        del service
        await life.press("c", "escape")
        await life.press("r")
        assert "Renewed" in life.words
        life.learn()
        await life.press("d", "d")
        assert "Forgot the session" in life.words, life.words
        life.check_that_nothing_is_left()


@pytest.mark.slow
@in_own_process
async def test_nothing_can_be_reached_of_a_session_that_signed_in_to_the_console(
    app: DrawingApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with answering(whole(b'{"SigninToken": "EXAMPLE-TOKEN"}', b"Content-Type: application/json\r\n")) as endpoint:
        host = Host("127.0.0.1", int(endpoint.url.rpartition(":")[2]), tls=False)
        monkeypatch.setattr("iamtui.credentials.console_url.sign_in_host", lambda *_args, **_kwargs: host)
        async with life_of(app) as life:
            await life.assume()
            await life.press("g", "s", "b")
            assert isinstance(app.screen, ConsoleDialog), life.words
            await life.press("enter")
            await until(life.pilot, lambda: not isinstance(app.screen, ConsoleDialog))
            assert endpoint.requests == 1
            assert "Sign-in URL copied through the terminal" in life.words, life.words
            await life.press("d", "d")
            assert "Forgot the session" in life.words, life.words
            life.check_that_nothing_is_left()


@pytest.mark.slow
@in_own_process
async def test_nothing_can_be_reached_of_a_session_that_a_shell_was_opened_with(
    app: DrawingApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shell = tmp_path / "bash"
    shell.write_text('#!/bin/sh\n[ -n "$AWS_SESSION_TOKEN" ] && : > had-a-token\n')
    shell.chmod(0o700)
    monkeypatch.setenv("SHELL", str(shell))
    # There is no terminal to leave in a test.
    monkeypatch.setattr(DrawingApp, "suspend", nullcontext)
    async with life_of(app) as life:
        await life.assume()
        await life.press("g", "s", "exclamation_mark")
        assert (tmp_path / "had-a-token").exists(), life.words
        await life.press("d", "d")
        assert "Forgot the session" in life.words, life.words
        life.check_that_nothing_is_left()


@pytest.mark.slow
@in_own_process
async def test_nothing_can_be_reached_after_the_lock(app: DrawingApp) -> None:
    async with life_of(app) as life:
        await life.assume(ROLE, code=CODE)
        assert app.main.lifecycle.mfa_sessions.live(), "the code serves several roles"
        await life.assume(PLAIN)
        await life.press("g", "s", "enter", "s", "c")
        # A role that is assumed by a session, and dialogs that are open when it is locked.
        await life.press("a")
        app.screen.query_one("#assume-role", Input).value = PLAIN
        await settle(life.pilot)
        await life.press("enter")
        assert len(app.main.sessions.keeper) == 3, life.words
        life.learn()
        await life.press("g", "s", "x")
        assert paths_to(*life.sought)
        await life.press("f12")
        assert "Forgotten: 3 sessions" in life.words
        life.check_that_nothing_is_left()


@pytest.mark.slow
@in_own_process
async def test_nothing_can_be_reached_of_a_forgotten_session_whose_account_was_browsed(app: DrawingApp) -> None:
    await browse_and_end(app, "d", "d")


@pytest.mark.slow
@in_own_process
async def test_nothing_can_be_reached_after_the_lock_of_a_session_whose_account_was_browsed(app: DrawingApp) -> None:
    await browse_and_end(app, "f12")


async def browse_and_end(app: DrawingApp, *keys: str) -> None:
    """Browse as a session, renew it and end it by these keys."""
    async with life_of(app) as life:
        await life.assume()
        await life.press("g", "s", "enter", "w")
        await until(life.pilot, lambda: "AS plain" in life.words)
        assert len(paths_to(*life.sought)) >= 2
        await life.press("r")
        await until(life.pilot, lambda: "Renewed" in life.words)
        life.learn()
        app.opening.look_after_session()
        await life.press(*keys)
        app.opening.look_after_session()
        await settle(life.pilot)
        assert "AS plain" not in life.words
        life.check_that_nothing_is_left()


def ask_in_a_process(uri: Secret, token: Secret) -> None:
    """Ask the endpoint as a program does; what it answers stays there."""
    ask = (
        "import sys, urllib.request as u; url, token = sys.stdin.read().split(); "
        "u.build_opener(u.ProxyHandler({})).open(u.Request(url, headers={'Authorization': token}), timeout=60).read()"
    )
    words = f"{uri.reveal()} {token.reveal()}"
    subprocess.run([sys.executable, "-c", ask], input=words, text=True, check=True, timeout=60)
