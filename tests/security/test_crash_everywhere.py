"""A crash in any handler, any drawing and any worker of the screen, with live credentials: no report has a secret."""

from __future__ import annotations

import ast
import inspect
import io
from dataclasses import dataclass, field
from typing import Any

import pytest
from rich.console import Console
from textual.app import App
from textual.pilot import Pilot

from iamtui.tui import terminal_app as crash
from iamtui.tui.app import IamtuiApp
from iamtui.tui.sessions.panel import SessionsPanel
from iamtui.tui.terminal_app import crash_report
from iamtui.tui.widgets.status import MessageLine
from tests.support.federation import SIGN_IN_TOKEN
from tests.support.panel_sessions import SECRET, TOKEN, session
from tests.support.screen_app import make_app, opened, settle
from tests.support.tui_functions import Function, handlers, worker_calls, workers

pytestmark = pytest.mark.screen

CODE = "271828"
USES_NOTHING: set[str] = set()
"""Workers that use nothing of their object, so that nothing in them can fail here."""


@dataclass
class Live:
    """An app that holds a session and serves it."""

    app: IamtuiApp
    secrets: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Words that hold every secret, as an unforeseen error might."""
        return f"failed on {self.secrets} and {CODE}"

    def leaked(self, text: str) -> list[str]:
        return [secret for secret in (*self.secrets, CODE) if secret in text]


class Bomb:
    """Stands for the object of a method, or for its message: whatever is asked of it fails, with secrets in hand."""

    def __init__(self, live: Live) -> None:
        object.__setattr__(self, "_live", live)

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return object.__getattribute__(self, name)
        live: Live = object.__getattribute__(self, "_live")
        held = session()
        plain = {"secret": held.secret_access_key.reveal(), "token": held.session_token.reveal(), "code": CODE}
        raise RuntimeError(f"{live.text()} {plain}")

    __setattr__ = __call__ = __iter__ = __getitem__ = __len__ = __bool__ = (  # type: ignore[assignment]
        lambda self, *_args: self.anything
    )


def call_with_bombs(function: Function, bomb: Bomb) -> Any:
    """Call a method on a bomb, with a bomb for everything it must be given."""
    parameters = list(inspect.signature(function.call).parameters.values())[1:]
    needed = [p for p in parameters if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    named = {p.name: bomb for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty}
    return function.call(bomb, *[bomb for _ in needed], **named)


async def run(function: Function, bomb: Bomb) -> None:
    """Run it to its end, whatever it is."""
    result = call_with_bombs(function, bomb)
    if inspect.isawaitable(result):
        await result
    elif inspect.isgenerator(result):
        list(result)


async def live(pilot: Pilot[None]) -> Live:
    app = pilot.app
    assert isinstance(app, IamtuiApp)
    panel = app.main.query_one(SessionsPanel)
    panel.add_session(session(minutes=60 * 24 * 365 * 30))
    kept = panel.keeper.active
    assert kept is not None
    panel.keeper.serve(kept)
    await settle(pilot)
    assert kept.service is not None
    return Live(app, [SECRET, TOKEN[:40], SIGN_IN_TOKEN, kept.service.endpoint.token.reveal()])


def reported(app: IamtuiApp, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the app prints of its errors; it goes on after them."""
    printed = io.StringIO()
    app.error_console = Console(file=printed, width=400)
    monkeypatch.setattr(app, "_close_messages_no_wait", lambda: None)
    return printed


async def test_a_crash_in_any_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = handlers()
    assert len(functions) > 400, "the functions are not found any more"
    silent: list[str] = []
    with_secrets = 0
    async with opened() as pilot:
        it = await live(pilot)
        bomb = Bomb(it)
        printed = reported(it.app, monkeypatch)
        for function in functions:
            try:
                await run(function, bomb)
            except Exception:  # noqa: BLE001 - also what Textual raises where there is no widget
                it.app._fatal_error()
            else:
                silent.append(str(function))
                continue
            it.app._print_error_renderables()
            report = printed.getvalue()
            printed.seek(0)
            printed.truncate()
            assert f"in {function.call.__name__}" in report, function
            assert it.leaked(report) == [], function
            with_secrets += "RuntimeError: failed on" in report
        assert it.leaked(it.app.export_screenshot()) == []
        it.app.main.query_one(SessionsPanel).forget_all()
    assert len(silent) < 0.05 * len(functions), silent
    assert with_secrets > 0.9 * len(functions)


@pytest.mark.slow
async def test_the_check_sees_what_textual_itself_would_print(monkeypatch: pytest.MonkeyPatch) -> None:
    """The positive control: with the base class's own report every secret is found."""
    async with opened() as pilot:
        it = await live(pilot)
        printed = reported(it.app, monkeypatch)
        try:
            await run(handlers()[0], Bomb(it))
        except RuntimeError:
            App._fatal_error(it.app)
        it.app._print_error_renderables()
        shown = "".join(printed.getvalue().split())
        assert SECRET in shown
        assert CODE in shown
        it.app.main.query_one(SessionsPanel).forget_all()


@pytest.mark.slow
async def test_a_crash_in_any_worker() -> None:
    functions = workers()
    assert len(functions) > 25, "the functions are not found any more"
    async with opened(make_app(), size=(200, 60)) as pilot:
        it = await live(pilot)
        bomb = Bomb(it)
        line = it.app.main.query_one(MessageLine)
        for function in functions:
            if str(function) in USES_NOTHING:
                continue
            line.say("")
            worker = it.app.main.run_worker(
                lambda function=function: call_with_bombs(function, bomb),  # type: ignore[misc]
                thread=True,
                exit_on_error=False,
                name=function.name.strip("_"),
            )
            await settle(pilot)
            assert worker.error is not None, function
            assert f"{type(worker.error).__name__}, an error in iamtui" in line.words, function
            assert it.leaked(line.words + it.app.export_screenshot()) == [], function
            assert it.leaked(crash_report(worker.error)) == [], function
        it.app.main.query_one(SessionsPanel).forget_all()


@pytest.mark.slow
def test_no_worker_ends_the_screen() -> None:
    """Its error becomes a sentence: every call says so, since Textual's own choice is to end the app."""
    calls = list(worker_calls())
    # All go through one function, which also clears what an idle thread would keep.
    assert [where.rpartition(":")[0] for where, _call in calls] == ["iamtui.tui.background"]
    for where, call in calls:
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        value = named.get("exit_on_error")
        assert isinstance(value, ast.Constant), where
        assert value.value is False, where


@pytest.mark.parametrize("length", [16, 20, 40, 100, 356])
def test_words_that_look_like_secrets_are_cut_out(length: int) -> None:
    text = ("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY=" * 10)[:length]
    assert text not in crash.crash_report(ValueError(f"({text}) [{text}] {text!r} x={text};"))
