"""Handing a session over from the main screen: copy menu, exports, files, profiles, and the clipboard's countdown."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from iamtui.credentials.assume_role import AssumeRoleInput
from iamtui.credentials.clipboard import OnlyThroughTerminal
from iamtui.credentials.export import FORMATS
from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.tui.assume.dialog import AssumeResult
from iamtui.tui.dialogs.list_dialogs import MenuDialog
from iamtui.tui.sessions.export_dialog import ExportDialog
from iamtui.tui.sessions.hand_over import announcement
from iamtui.tui.sessions.panel import SessionsPanel
from iamtui.tui.widgets.status import MessageLine, StatusLine
from tests.support.panel_apps import screen_text, until
from tests.support.panel_sessions import SECRET, START, TOKEN, session
from tests.support.sample_account import NOW
from tests.support.screen_app import RecordingCopier, make_app, opened, press, settle
from tests.support.slow import one_quick

ARN = "arn:aws:iam::123456789012:role/deploy-prod"
LETTERS = {name: entry.letter for name, entry in FORMATS.items()}


def held(**more: object) -> Session:
    """A session that lives at the time that the tests stand still at."""
    return replace(session(**more), assumed_at=NOW, expires_at=NOW + timedelta(hours=1))


@asynccontextmanager
async def stage(
    copier: RecordingCopier, size: tuple[int, int] = (120, 40), *sessions: Session
) -> AsyncIterator[Pilot[None]]:
    async with opened(make_app(copier=copier), size=size) as pilot:
        for one in sessions or (held(),):
            pilot.app.main.query_one(SessionsPanel).add_session(one)
        await settle(pilot)
        yield pilot


def said(pilot: Pilot[None]) -> str:
    return pilot.app.main.query_one(MessageLine).words


@one_quick(("size", "words"), [((80, 24), " clip 24 s "), ((120, 40), " clipboard clears in 24 s ")])
async def test_the_status_line_counts_down_until_the_clipboard_is_cleared(size: tuple[int, int], words: str) -> None:
    copier = RecordingCopier()
    async with stage(copier, size, held(role="a-role-with-a-rather-long-name")) as pilot:
        main = pilot.app.main
        status = main.query_one(StatusLine)
        assert "clip" not in status.render().plain

        copier.left = timedelta(seconds=23.2)
        main.hand_over.watch_clipboard()
        shown = status.render().plain
        assert words in shown
        assert "READ-ONLY" in shown
        assert "1h 00m" in shown, "the session's own time stays in sight"

        copier.left = timedelta()
        main.hand_over.watch_clipboard()
        await settle(pilot)
        assert said(pilot) == "Clipboard cleared (xclip)."
        main.hand_over.watch_clipboard()
        assert "clip" not in status.render().plain


@one_quick("key", ["c", "x", "exclamation_mark"])
async def test_without_a_session_the_keys_say_what_to_do(key: str) -> None:
    async with opened() as pilot:
        await press(pilot, key)
        assert (
            said(pilot) == "There is no session. No role can be assumed from a snapshot: it has no connection to AWS."
        )
        assert pilot.app.screen is pilot.app.main


async def test_c_copies_with_one_key_and_says_what_goes_wrong_without_data() -> None:
    copier = RecordingCopier()
    async with stage(copier) as pilot:
        await press(pilot, "c")
        assert copier.copied == [f"exports of {ARN}"]
        assert said(pilot) == "Export lines copied."
        await press(pilot, "g", "s", "c")
        assert len(copier.copied) == 2

        def refuse(_session: Session, _name: str = "") -> str:
            raise Problem("No clipboard can be reached from here.", "Use iamtui assume.")

        copier.copy_exports = refuse  # type: ignore[method-assign]
        await press(pilot, "c")
        assert said(pilot) == "x No clipboard can be reached from here. Use iamtui assume."

        def break_down(held: Session, _name: str = "") -> str:
            raise ValueError(held.secret_access_key.reveal())

        copier.copy_exports = break_down  # type: ignore[method-assign]
        await pilot.press("c")
        await until(pilot, lambda: "ValueError" in said(pilot))
        assert said(pilot) == "x ValueError, an error in iamtui while copying the credentials."


@pytest.mark.slow
@one_quick("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_first_line_of_the_copy_menu_is_the_reference_command(size: tuple[int, int]) -> None:
    copier = RecordingCopier()
    async with stage(copier, size) as pilot:
        await press(pilot, "y", "s")
        assert isinstance(pilot.app.screen, MenuDialog)
        shown = screen_text(pilot.app)
        assert "By reference" in shown
        assert "One STS call each time" in shown
        assert SECRET not in shown
        await press(pilot, "enter")
        assert copier.copied == [f'eval "$(iamtui assume {ARN} --region us-east-1 --format bash)"']
        assert said(pilot) == "Command copied."


async def test_a_letter_copies_at_once() -> None:
    copier = RecordingCopier()
    one = replace(held(), expires_at=held().assumed_at + timedelta(hours=1))
    copied = {
        "1": "ASIAEXAMPLEKEY00WXYZ",
        "2": SECRET,
        "3": TOKEN,
        "y": "arn:aws:sts::123456789012:assumed-role/deploy-prod/iamtui-alice",
        "4": "123456789012",
        "5": ARN,
        "6": f"{one.expires_at:%Y-%m-%dT%H:%M:%SZ}",
        **{letter: f"exports of {ARN} as {name}" for name, letter in LETTERS.items()},
    }
    async with stage(copier, (120, 40), one) as pilot:
        for key in copied:
            await press(pilot, "y", "s", key)
    assert copier.copied == [*copied.values()]


def test_every_format_has_a_letter_of_its_own_that_moves_nothing() -> None:
    letters = [*LETTERS.values(), *"rxvpy123456"]
    assert len(set(letters)) == len(letters)
    assert not set(letters) & set("ghjklqG")
    assert not set(LETTERS.values()) & set("cFpr"), "keys of the export dialog"


@pytest.mark.slow
async def test_arrows_reach_every_line_and_escape_copies_nothing() -> None:
    copier = RecordingCopier()
    async with stage(copier, (80, 24)) as pilot:
        await press(pilot, "y", "s", "end", "enter")
        assert copier.copied == [f"exports of {ARN} as terraform"]
        await press(pilot, "y", "s", "j", "down", "escape")
        assert len(copier.copied) == 1


@pytest.mark.slow
async def test_the_reference_knows_how_the_session_came_about() -> None:
    copier = RecordingCopier()
    async with stage(copier) as pilot:
        main = pilot.app.main
        first = main.query_one(SessionsPanel).active
        assert first is not None
        second = held(role="audit", key="ASIAEXAMPLEKEY00AAAA")
        entered = AssumeRoleInput(second.role_arn, "iamtui-alice", 900, external_id="x1")
        assert main.workspace is not None
        main.lifecycle.assumed(main.workspace, AssumeResult(second, entered, first.key))
        await press(pilot, "y", "s", "r")
        [command] = copier.copied
        assert f"--via {ARN}" in command
        assert "--duration 900" in command
        assert "--external-id x1" in command


async def test_the_export_dialog_shows_every_format_masked_and_copies_the_one_shown() -> None:
    copier = RecordingCopier()
    async with stage(copier, (120, 40), held(demo=True)) as pilot:
        await press(pilot, "x")
        assert isinstance(pilot.app.screen, ExportDialog)
        for letter in LETTERS.values():
            await press(pilot, letter)
            shown = screen_text(pilot.app)
            assert SECRET not in shown
            assert TOKEN[:20] not in shown
        await press(pilot, "f")
        shown = screen_text(pilot.app)
        assert "set -gx AWS_SECRET_ACCESS_KEY '••••'" in shown
        assert "--format fish | source" in shown
        await press(pilot, "c")
        assert copier.copied == [f"exports of {ARN} as fish"]
        await press(pilot, "x", "e", "r")
        assert "--format dotenv" in copier.copied[-1]
        await press(pilot, "x", "w", "enter")
        assert copier.copied[-1] == f"exports of {ARN} as powershell"


async def type_line(pilot: Pilot[None], text: str) -> None:
    pilot.app.screen.query_one(Input).value = text
    await press(pilot, "enter")


def without_lines(text: str) -> str:
    return "".join(character for character in text if character not in "│" and not character.isspace())


async def test_a_file_is_written_for_the_user_alone_and_replaced_only_when_confirmed(tmp_path: Path) -> None:
    path = tmp_path / "out.env"
    async with stage(RecordingCopier()) as pilot:
        await press(pilot, "x", "e", "F")
        assert pilot.app.screen.query_one(Input).value == ".env"
        await type_line(pilot, str(path))
        assert said(pilot).startswith(f"Written to {path}, for you alone (0600).")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        first = path.read_text()
        assert f"AWS_SECRET_ACCESS_KEY='{SECRET}'" in first

        await press(pilot, "x", "t", "F")
        await type_line(pilot, str(path))
        # A long path may break the sentence anywhere.
        await until(pilot, lambda: "istherealready" in without_lines(screen_text(pilot.app)))
        await press(pilot, "enter")
        assert path.read_text() == first, "the first choice leaves it"

        await press(pilot, "x", "t", "F")
        await type_line(pilot, str(path))
        await press(pilot, "down", "enter")
        assert path.read_text().startswith("# Valid until")
        assert [file.name for file in tmp_path.iterdir()] == ["out.env"]


@pytest.mark.slow
async def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    async with stage(RecordingCopier()) as pilot:
        await press(pilot, "x", "F")
        await type_line(pilot, str(tmp_path / "link"))
        assert "is a symbolic link" in said(pilot)
        assert not (tmp_path / "target").exists()


@pytest.mark.slow
async def test_a_profile_is_written_and_a_foreign_one_only_when_confirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "aws" / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    async with stage(RecordingCopier()) as pilot:
        await press(pilot, "x", "p")
        assert pilot.app.screen.query_one(Input).value == "iamtui"
        await press(pilot, "enter")
        assert said(pilot) == f"Written to {path}: use it with --profile iamtui. Nothing renews it."
        assert SECRET in path.read_text()

        path.write_text(path.read_text() + "\n[mine]\naws_access_key_id = AKIA\n")
        await press(pilot, "x", "p")
        await type_line(pilot, "mine")
        assert "that iamtui did not write" in screen_text(pilot.app)
        await press(pilot, "escape")
        assert "AKIA" in path.read_text()
        await press(pilot, "x", "p")
        await type_line(pilot, "mine")
        await press(pilot, "down", "enter")
        assert "AKIA" not in path.read_text()

        await press(pilot, "x", "p")
        await type_line(pilot, "bad]name")
        assert "cannot be the name of a profile" in said(pilot)


@pytest.mark.slow
async def test_titles_say_what_to_think_of() -> None:
    unproved = replace(held(demo=True), identity=None, identity_error="no network")
    async with stage(RecordingCopier(), (120, 40), unproved) as pilot:
        for keys in (("x",), ("x", "F"), ("x", "p")):
            await press(pilot, *keys)
            shown = screen_text(pilot.app)
            assert "deploy-prod  123456789012" in shown
            assert "DEMO  NOT confirmed" in shown
            await press(pilot, "escape")


async def test_an_expired_session_hands_nothing_over(tmp_path: Path) -> None:
    gone = replace(held(), expires_at=NOW)
    async with stage(RecordingCopier(), (120, 40), gone) as pilot:
        pilot.app.main.query_one(SessionsPanel).tick()  # says once that it has expired
        await press(pilot, "x", "F")
        await type_line(pilot, str(tmp_path / "x"))
        assert "has expired, so there is nothing to hand over" in said(pilot)
        await press(pilot, "exclamation_mark")
        assert "has expired, so there is nothing to hand over" in said(pilot)
        assert list(tmp_path.iterdir()) == []


def test_a_shell_is_announced_with_what_to_think_of() -> None:
    told = announcement(session(), {}, START, production=True)
    assert "PRODUCTION: the role or its account is marked as such." in told
    assert "Confirmed as arn:aws:sts::123456789012:assumed-role/deploy-prod/iamtui-alice." in told
    assert "PRODUCTION" not in announcement(session(), {}, START)


async def test_a_shell_needs_a_terminal() -> None:
    async with stage(RecordingCopier()) as pilot:
        await press(pilot, "exclamation_mark")
        assert said(pilot) == "x A shell needs the terminal, which iamtui cannot give away here."


async def test_where_only_the_terminal_could_copy_the_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_copier: RecordingCopier, _held: Session, _name: str = "") -> str:
        raise OnlyThroughTerminal("Not copied: a recorder would keep the secret.", "Allow it.")

    monkeypatch.setattr(RecordingCopier, "copy_exports", refuse)
    async with stage(RecordingCopier()) as pilot:
        await pilot.press("c")
        await settle(pilot)
        assert 'keep the secret. Run this in your shell instead: eval "$(iamtui assume arn:aws' in said(pilot)
