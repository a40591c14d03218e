"""JSON in the user's editor: a private copy, read-only, gone afterwards; and sentences when that fails."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from iamtui.tui.app import IamtuiApp
from iamtui.tui.dialogs.text_screens import editor_command, show_in_editor
from iamtui.tui.drafts.editor_screen import LONGEST, DraftEditorScreen, edit_in_editor
from iamtui.tui.widgets.status import MessageLine
from tests.support.drafting import app_of, choose, until
from tests.support.panel_apps import screen_text
from tests.support.sample_account import iam
from tests.support.screen_app import make_app, opened, press, settle

APP: Any = SimpleNamespace(suspend=nullcontext)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """An editor that looks at what it is given."""
    seen: list[Path] = []

    def run(command: list[str], *, check: bool) -> SimpleNamespace:
        assert not check
        assert command[:2] == ["vim", "-R"]
        path = Path(command[-1])
        assert stat.S_IMODE(path.stat().st_mode) == 0o400
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert path.read_text() == '{"a": 1}\n'
        seen.append(path)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "vim -R")
    return seen


@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
def test_the_copy_is_private_and_gone_afterwards(ran: list[Path], umask: int) -> None:
    before = os.umask(umask)
    try:
        said, _severity = show_in_editor(APP, '{"a": 1}', "../../deploy prod")
    finally:
        os.umask(before)

    [path] = ran
    assert path.name == "_.._deploy_prod.json"
    assert not path.parent.exists()
    assert said.plain.startswith("Back from the editor")


@pytest.mark.parametrize(
    ("editor", "words"),
    [("", "No editor is set"), ("'vim", "quotes do not match"), ("/no/such/editor", "cannot be started")],
)
def test_what_cannot_be_started_is_said(monkeypatch: pytest.MonkeyPatch, editor: str, words: str) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", editor)

    assert words in show_in_editor(APP, "{}", "x")[0].plain


def test_visual_comes_before_editor() -> None:
    assert editor_command({"VISUAL": "code --wait", "EDITOR": "vi"}) == ["code", "--wait"]
    assert editor_command({}) is None


async def test_e_shows_the_document_of_the_open_tab(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    def show(_app: IamtuiApp, text: str, name: str) -> tuple[str, str]:
        shown.extend((name, text))
        return "shown", "information"

    monkeypatch.setattr("iamtui.tui.main.paned.show_in_editor", show)
    async with opened() as pilot:
        await press(pilot, "E")
        assert "Put the cursor on" in pilot.app.query_one(MessageLine).words
        assert shown == []

        pilot.app.main.go_to(iam("role/deploy-prod"))
        await press(pilot, "3", "E")
        assert shown[0] == "deploy-prod"
        assert "sts:AssumeRole" in shown[1]


async def test_that_no_editor_is_set_goes_with_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    app = make_app()
    async with opened(app) as pilot:
        app.main.go_to(iam("role/deploy-prod"))
        await press(pilot, "E")
        assert app.query_one(MessageLine).words.startswith("! No editor is set: export EDITOR=vim")
        await press(pilot, "j")
        assert "editor" not in app.query_one(MessageLine).words


@pytest.fixture
def no_temporary_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It was removed while the program ran."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    monkeypatch.setenv("EDITOR", "true")


def _full(*_args: object, **_named: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_copy_that_finds_no_room_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(Path, "write_text", _full)
    monkeypatch.setenv("EDITOR", "true")

    says = "The copy for the editor cannot be written: No space left on device."
    shown, severity = show_in_editor(APP, "{}", "x")
    assert shown.plain.startswith(says)
    assert severity == "error"
    text, said = edit_in_editor(APP, "{}", "x")
    assert (text, said.plain) == (None, f"{says} Nothing was taken over.")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.usefixtures("no_temporary_folder")
async def test_without_a_temporary_folder_the_screen_and_what_was_typed_stay() -> None:
    says = "The copy for the editor cannot be written: No such file or directory."
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to(iam("role/deploy-prod"))
        await press(pilot, "3", "E")
        assert says in pilot.app.query_one(MessageLine).words
        main.go_to(iam("user/data/bob"))
        await press(pilot, "e")
        await choose(pilot, "Edit scratch-bucket")
        screen = pilot.app.screen
        assert isinstance(screen, DraftEditorScreen)
        screen.editor.load_text("typed")
        # What is found in it is said a moment later.
        await settle(pilot)
        await until(pilot, lambda: screen._pause is None)
        await press(pilot, "f2")
        assert says in screen_text(app_of(pilot))
        assert pilot.app.screen is screen
        assert screen.editor.text == "typed"


def _replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _remove_folder(path: Path) -> None:
    path.unlink()
    path.parent.rmdir()


@pytest.mark.parametrize(
    ("left", "says"),
    [
        (Path.unlink, "does not exist"),
        (_remove_folder, "does not exist"),
        (_replace_by_folder, "is a directory"),
        (_replace_by_pipe, "is a pipe"),
        (lambda path: path.write_bytes(b"\xff\xfe{"), "is not UTF-8 text"),
        (lambda path: path.write_bytes(b"{\0}"), "is not text"),
        (lambda path: path.write_bytes(b" " * (4 * LONGEST + 1)), "more than the"),
        (lambda path: path.write_text("x" * (LONGEST + 1)), "more than the 200,000 characters"),
        (lambda path: path.write_text("\x1b" * (LONGEST // 2)), "more than the 200,000 characters"),
    ],
)
def test_what_cannot_be_taken_over_from_the_editor_is_said(
    monkeypatch: pytest.MonkeyPatch, left: Callable[[Path], object], says: str
) -> None:
    def run(command: list[str], *, check: bool) -> SimpleNamespace:
        left(Path(command[-1]))
        return SimpleNamespace(returncode=int(check))

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setenv("EDITOR", "true")
    text, said = edit_in_editor(APP, "{}", "x")
    assert text is None
    assert said.plain.startswith("The editor's file ")
    assert says in said.plain
    assert said.plain.endswith(" Nothing was taken over.")


@pytest.mark.slow
async def test_a_long_document_is_replaced_by_another_whole() -> None:
    async with opened() as pilot:
        app_of(pilot).main.go_to(iam("user/data/bob"))
        await press(pilot, "e")
        await choose(pilot, "Edit scratch-bucket")
        screen = pilot.app.screen
        assert isinstance(screen, DraftEditorScreen)
        long = "\n".join(["x" * 99] * (LONGEST // 100 - 1))
        screen.editor.load_text(long)
        screen.editor.replace(long.replace("x", "y"), (0, 0), screen.editor.document.end)
        assert screen.editor.text == long.replace("x", "y")
        screen.editor.insert("z" * 1000)
        assert len(screen.editor.text) == LONGEST
