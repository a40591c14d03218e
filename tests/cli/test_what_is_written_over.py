"""What iamtui writes over: regular files only, never a pipe or device, and nothing that came there meanwhile."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from iamtui.catalog import action_names
from iamtui.credentials import secure_files
from iamtui.credentials.secure_files import AlreadyThere, replace_file
from iamtui.drafts.draft_file import Draft
from iamtui.problem import Problem
from iamtui.tui.export_screen import write_new
from iamtui.workspace.draft_session import save_draft_file
from iamtui.workspace.saved_questions import QuestionsFile, write_file
from iamtui.workspace.snapshot_file import write_snapshot
from tests.support.cli_runner import Cli

DRAFT = Draft("123456789012", ())
WRITERS: dict[str, Callable[[Path], object]] = {
    "any file": lambda path: replace_file(path, b"{}"),
    "a new file": lambda path: replace_file(path, b"{}", new=True),
    "a snapshot": lambda path: write_snapshot(b"{}", path),
    "a snapshot over another": lambda path: write_snapshot(b"{}", path, overwrite=True),
    "questions": lambda path: write_file(path, QuestionsFile()),
    "a draft": lambda path: save_draft_file(DRAFT, path, overwrite=True),
    "an export": lambda path: write_new(path, "x"),
}


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("writer", WRITERS)
def test_no_pipe_is_replaced(tmp_path: Path, writer: str, linked: bool) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    with pytest.raises(Problem, match=r"(link|pipe) is (a pipe, and is left as it is|there already)"):
        WRITERS[writer](link if linked else pipe)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert link.is_symlink()
    assert {entry.name for entry in tmp_path.iterdir()} == {"pipe", "link"}


@pytest.mark.parametrize("option", [(), ("--overwrite",)])
def test_the_snapshot_command_leaves_pipes_alone(cli: Cli, tmp_path: Path, option: tuple[str, ...]) -> None:
    os.mkfifo(tmp_path / "pipe")
    cli("snapshot", tmp_path / "pipe", "--demo", *option).failed_with("is a pipe, and is left as it is")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_snapshot_goes_through_a_link_to_a_file(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("old")
    link.symlink_to(file)
    with pytest.raises(AlreadyThere):
        write_snapshot(b"new", link)
    write_snapshot(b"new", link, overwrite=True)
    assert link.is_symlink()
    assert file.read_text() == "new"


@pytest.mark.parametrize("writer", ["a new file", "a snapshot", "an export", "a draft that is new"])
@pytest.mark.parametrize("links", [True, False])
def test_what_comes_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: str, links: bool) -> None:
    path = tmp_path / "x"
    write_temporary = secure_files.write_temporary

    def and_another(target: Path, content: bytes, *, mode: int) -> Path:
        path.write_text("another's")
        return write_temporary(target, content, mode=mode)

    monkeypatch.setattr(secure_files, "write_temporary", and_another)
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", _no_links)
    write = WRITERS.get(writer, lambda path: save_draft_file(DRAFT, path))
    with pytest.raises((Problem, FileExistsError)):
        write(path)
    assert path.read_text() == "another's"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x"]


def test_new_files_need_no_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "hardlink_to", _no_links)
    replace_file(tmp_path / "x", b"new", new=True)
    assert (tmp_path / "x").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["x"]


def test_a_pipe_in_the_place_of_the_cache_is_neither_read_nor_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(action_names.paths, "cache_folder", lambda: tmp_path)
    names = action_names.load().names
    (cache,) = tmp_path.iterdir()
    cache.unlink()
    os.mkfifo(cache)
    assert action_names.load().names == names
    assert stat.S_ISFIFO(cache.stat().st_mode)


def _no_links(_path: Path, _target: Path) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))
