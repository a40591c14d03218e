"""JSON in the user's editor: a private copy, read-only, gone afterwards; and sentences when that fails."""

from __future__ import annotations

import os
import stat
import subprocess
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from iamtui.tui.app import IamtuiApp
from iamtui.tui.text_screens import editor_command, show_in_editor
from iamtui.tui.widgets.status import MessageLine
from tests.support.sample_account import iam
from tests.support.screen_app import opened, press

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

    monkeypatch.setattr("iamtui.tui.main_screen.show_in_editor", show)
    async with opened() as pilot:
        await press(pilot, "e")
        assert "Put the cursor on" in pilot.app.query_one(MessageLine).words
        assert shown == []

        pilot.app.main.go_to(iam("role/deploy-prod"))
        await press(pilot, "3", "e")
        assert shown[0] == "deploy-prod"
        assert "sts:AssumeRole" in shown[1]
