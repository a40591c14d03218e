"""A crash shows no secret: not on the terminal, not in the screen's picture (threats: traceback, screenshot)."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from textual.worker import WorkerState

from iamtui.credentials.session import Session
from iamtui.tui.app import IamtuiApp
from iamtui.tui.sessions.panel import SessionsPanel
from tests.support.panel_apps import until
from tests.support.panel_sessions import SECRET, TOKEN, session
from tests.support.screen_app import make_app, settle
from tests.support.slow import one_quick
from tests.support.terminal_run import run_on_terminal


def recording(app: IamtuiApp) -> io.StringIO:
    """Where the app prints after the screen is gone, from now on."""
    stream = io.StringIO()
    app.error_console = Console(file=stream, width=200)
    return stream


def assert_no_secret(text: str) -> None:
    assert SECRET not in text
    assert TOKEN[:40] not in text


def explode(held: Session) -> None:
    """Raise with secrets in every kind of local variable."""
    plain = held.secret_access_key.reveal()
    everything = {"token": held.session_token.reveal(), "session": held, "secret": plain}
    if everything:
        raise RuntimeError("something broke")


def in_a_handler(app: IamtuiApp, held: Session) -> None:
    app.main.call_later(explode, held)


def in_a_timer(app: IamtuiApp, held: Session) -> None:
    app.main.set_timer(0.01, lambda: explode(held))


def in_a_panel(app: IamtuiApp, held: Session) -> None:
    app.main.query_one(SessionsPanel).call_after_refresh(explode, held)


def in_a_worker_that_ends_the_app(app: IamtuiApp, held: Session) -> None:
    app.main.run_worker(lambda: explode(held), thread=True, exit_on_error=True)


@one_quick("crash", [in_a_handler, in_a_timer, in_a_panel, in_a_worker_that_ends_the_app])
async def test_a_crash_prints_where_but_no_values(crash: Callable[[IamtuiApp, Session], None]) -> None:
    app = make_app()
    stream = recording(app)
    with pytest.raises(Exception, match="something broke"):  # noqa: PT012 - it is raised where the app ends
        async with app.run_test() as pilot:
            await settle(pilot)
            app.main.query_one(SessionsPanel).add_session(session())
            await settle(pilot)
            crash(app, session())
            await until(pilot, lambda: app.return_code not in (0, None))

    text = stream.getvalue()
    assert "something broke" in text
    assert "in explode" in text
    assert_no_secret(text)
    assert app.return_code not in (0, None)


async def test_a_worker_that_fails_is_reported_without_values(monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.main.query_one(SessionsPanel).add_session(session())
        said: list[str] = []
        monkeypatch.setattr(app, "say", lambda text, *_args, **_kwargs: said.append(str(text)))

        def work() -> None:
            explode(session())

        worker = app.run_worker(work, thread=True, exit_on_error=False, name="testing")
        await until(pilot, lambda: any("RuntimeError, an error in iamtui" in words for words in said))

        assert worker.state is WorkerState.ERROR
        picture = app.export_screenshot()
        assert_no_secret(picture + "".join(said))


async def test_the_palette_offers_no_screenshot() -> None:
    app = make_app()
    async with app.run_test() as pilot:
        await settle(pilot)
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert titles
        assert "Screenshot" not in titles


async def test_what_was_copied_cannot_be_pasted_back() -> None:
    app = make_app()
    async with app.run_test() as pilot:
        await settle(pilot)
        app.copy_to_clipboard(SECRET)
        assert app.clipboard == ""


@pytest.mark.slow
def test_a_crash_on_a_real_terminal_shows_no_secret(tmp_path: Path) -> None:
    script = tmp_path / "crash.py"
    script.write_text(
        textwrap.dedent(
            """
            import sys
            from tests.support.panel_sessions import session
            from tests.support.sample_account import sample_workspace
            from tests.support.screen_app import SAMPLE, RecordingCopier
            from tests.tui.test_crashes import explode
            from iamtui.tui.app import IamtuiApp
            from iamtui.tui.sessions.panel import SessionsPanel

            def crash(app):
                held = session()
                app.main.query_one(SessionsPanel).add_session(held)
                app.main.set_timer(0.3, lambda: explode(held))

            IamtuiApp.on_ready = lambda app: app.set_timer(1.0, lambda: crash(app))
            app = IamtuiApp(SAMPLE, opener=lambda *_: sample_workspace(), copier=RecordingCopier())
            app.run()
            sys.exit(app.return_code or 0)
            """
        )
    )
    text, code = run_on_terminal(script)

    assert "something broke" in text
    assert code == 1
    assert "deploy-prod" in text
    assert_no_secret(text)
