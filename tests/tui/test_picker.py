"""`iamtui pick` in real shells in a real terminal: the screen on stderr, the credentials into the shell."""

from __future__ import annotations

from pathlib import Path

import pytest

from iamtui.tui.app import IamtuiApp, PickerApp
from iamtui.tui.sessions.panel import SessionsPanel
from iamtui.tui.widgets.status import MessageLine, StatusLine
from tests.support.external_tools import need
from tests.support.panel_apps import screen_text
from tests.support.sample_account import sample_workspace
from tests.support.screen_app import SAMPLE, RecordingCopier, press, settle
from tests.support.slow import one_quick
from tests.support.tmux_screen import IAMTUI, LEFT, ON_SCREEN, tmux_screen
from tests.tui.test_handing_over import held

SHELLS = {
    "bash": ("bash --norc --noprofile", f'eval "$({IAMTUI} pick --demo)"'),
    "zsh": ("zsh -f", f'eval "$({IAMTUI} pick --demo)"'),
    "fish": ("fish --no-config", f"{IAMTUI} pick --demo --format fish | source"),
}
SHOW = 'echo "key=$AWS_ACCESS_KEY_ID profile=<$AWS_PROFILE>"'


@one_quick("shell", SHELLS)
def test_what_is_picked_is_in_the_shell(shell: str, tmp_path: Path) -> None:
    start, pick = SHELLS[shell]
    need(shell)
    with tmux_screen(tmp_path, start, columns=100, rows=30, environ={"AWS_PROFILE": "old"}) as screen:
        screen.type(pick)
        shown = screen.until("Pick for your shell")
        assert len(shown.splitlines()) == 30, "it has the size of the terminal"
        assert "PICK" in shown
        assert screen.modes == ON_SCREEN
        screen.assume("ops-readonly")
        screen.until("hands it to your shell")
        screen.keys("c")
        screen.gone("PICK")
        screen.type(SHOW)
        screen.until("key=ASIA")
        assert "profile=<>" in screen.text
        assert screen.modes == LEFT


@pytest.mark.slow
def test_nothing_picked_leaves_the_shell_as_it_was(tmp_path: Path) -> None:
    with tmux_screen(tmp_path, "bash --norc --noprofile", environ={"AWS_PROFILE": "old"}) as screen:
        screen.type(f'{IAMTUI} pick --demo > out; echo "code $? size $(wc -c < out) dir $?"; rm out')
        screen.until("Pick for your shell")
        screen.keys("q")
        # The line that lets `eval` fail.
        shown = screen.until("code 1 size 6")
        assert "Nothing was picked." in shown


@pytest.mark.slow
def test_a_screen_that_is_killed_hands_nothing_over(tmp_path: Path) -> None:
    with tmux_screen(tmp_path, "bash --norc --noprofile") as screen:
        screen.type(f'{IAMTUI} pick --demo > out; echo "code $? size $(wc -c < out)"; rm out')
        screen.assume("ops-readonly")
        screen.tmux("run-shell", f"kill -TERM {screen.child()}")
        screen.until("code 143 size 0")
        assert screen.modes == LEFT


def picker() -> PickerApp:
    opened = sample_workspace()
    return PickerApp("fish", SAMPLE, opener=lambda *_: opened, copier=RecordingCopier())


@one_quick("focused", [False, True])
@one_quick("key", ["c", "enter"])
async def test_c_anywhere_and_enter_on_the_session_pick_it(key: str, focused: bool) -> None:
    app = picker()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        assert "PICK fish" in app.main.query_one(StatusLine).render().plain
        await press(pilot, "c")
        assert "There is no session" in app.main.query_one(MessageLine).words
        panel = app.main.query_one(SessionsPanel)
        panel.add_session(held())
        await settle(pilot)
        assert " c Pick " in screen_text(app)
        assert "Copy exports" not in screen_text(app)
        if focused:
            await press(pilot, "g", "s")
            assert " c Pick " in screen_text(app)
        await press(pilot, key)
        if key == "c" or focused:
            assert app._exit
            assert app.picked == held()
        else:
            assert app.picked is None


async def test_what_cannot_be_handed_over_is_not_picked() -> None:
    app = picker()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.main.query_one(SessionsPanel).add_session(held(region="no region; rm -rf"))
        await settle(pilot)
        await press(pilot, "c")
        assert '"no region; rm -rf" is not a region' in app.main.query_one(MessageLine).words
        assert app.picked is None


async def test_the_usual_screen_picks_nothing() -> None:
    opened = sample_workspace()
    copier = RecordingCopier()
    app = IamtuiApp(SAMPLE, opener=lambda *_: opened, copier=copier)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.main.query_one(SessionsPanel).add_session(held())
        await press(pilot, "g", "s", "enter")
        assert not app._exit
        assert not app._exit
        await press(pilot, "c")
        assert copier.copied == ["exports of arn:aws:iam::123456789012:role/deploy-prod"]
        assert " c Pick " not in screen_text(app)
