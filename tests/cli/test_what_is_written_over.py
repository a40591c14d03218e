"""What iamtui writes over: regular files only, never a pipe or device, and nothing that came there meanwhile."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from iamtui.catalog import service_data
from iamtui.credentials import secure_files
from iamtui.credentials.secure_files import AlreadyThere, replace_file
from iamtui.drafts.draft import Draft
from iamtui.problem import Problem
from iamtui.tui.file_exports import write_new
from iamtui.workspace.ask import saved_questions
from iamtui.workspace.ask.saved_questions import (
    QuestionRecord,
    QuestionsFile,
    QuestionStore,
    matrix_of_record,
    write_file,
)
from iamtui.workspace.change import draft_session
from iamtui.workspace.change.draft_session import save_draft_file
from iamtui.workspace.source import snapshot_file
from iamtui.workspace.source.snapshot_file import write_snapshot
from tests.support.cli_runner import Cli

DRAFT = Draft("123456789012", ())
QUESTION = matrix_of_record(QuestionRecord(["s3:GetObject"]))
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


_LAST_STEPS = {
    "a snapshot": (snapshot_file, "packed_for", WRITERS["a snapshot"]),
    "a snapshot over another": (snapshot_file, "packed_for", WRITERS["a snapshot over another"]),
    "a draft": (draft_session, "write_draft", WRITERS["a draft"]),
    "questions": (
        saved_questions,
        "record_of",
        lambda path: QuestionStore("123456789012", path).save("a", QUESTION),
    ),
}
"""What each writer does last before it looks where a path leads, and the writer."""


@pytest.mark.parametrize("leads", ["to the victim's file", "to nothing"])
@pytest.mark.parametrize("writer", _LAST_STEPS)
def test_a_link_that_others_put_there_meanwhile_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: str, leads: str
) -> None:
    shared, victim = tmp_path / "shared", tmp_path / "victim"
    shared.mkdir()
    shared.chmod(0o777)
    module, step, write = _LAST_STEPS[writer]
    if leads == "to the victim's file":
        victim.write_text("precious")
    path = shared / "x"
    do = getattr(module, step)

    def and_a_link(*args: object, **named: object) -> object:
        done = do(*args, **named)
        if not path.is_symlink():
            path.symlink_to(victim)
        return done

    monkeypatch.setattr(module, step, and_a_link)
    with pytest.raises(Problem, match=r"(a link that others may have made|is there already)"):
        write(path)
    assert (victim.read_text() if victim.exists() else "") == ("precious" if leads == "to the victim's file" else "")
    assert path.is_symlink()
    assert [entry.name for entry in shared.iterdir()] == ["x"]


@pytest.mark.parametrize("writer", ["a snapshot over another", "a draft", "questions"])
def test_a_link_that_comes_after_the_look_is_replaced_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: str
) -> None:
    path, victim = tmp_path / "x", tmp_path / "victim"
    victim.write_text("precious")
    victim.chmod(0o644)
    write_temporary = secure_files.write_temporary

    def and_a_link(target: Path, content: bytes, *, mode: int) -> Path:
        path.symlink_to(victim)
        return write_temporary(target, content, mode=mode)

    monkeypatch.setattr(secure_files, "write_temporary", and_a_link)
    if writer == "a draft":
        # Nothing was there, so that it is to be a new file.
        with pytest.raises(Problem, match="written by another program"):
            _LAST_STEPS[writer][2](path)
    else:
        _LAST_STEPS[writer][2](path)
        assert stat.S_IMODE(path.lstat().st_mode) == 0o600
        assert not path.is_symlink()
    assert victim.read_text() == "precious"


def test_questions_are_not_written_where_a_link_led_that_is_gone(tmp_path: Path) -> None:
    shared, victim = tmp_path / "shared", tmp_path / "victim"
    shared.mkdir()
    shared.chmod(0o777)
    path = shared / "questions.json"
    path.symlink_to(victim)
    store = QuestionStore("123456789012", path)
    path.unlink()
    store.save("a", QUESTION)
    assert [saved.name for saved in store.saved()] == ["a"]
    assert path.is_file()
    assert not victim.exists()


def test_a_new_snapshot_makes_no_file_where_a_link_leads(tmp_path: Path) -> None:
    link, nothing = tmp_path / "link", tmp_path / "nothing"
    link.symlink_to(nothing)
    with pytest.raises(AlreadyThere):
        write_snapshot(b"new", link)
    assert not nothing.exists()
    write_snapshot(b"new", link, overwrite=True)
    assert nothing.read_bytes() == b"new"


def test_a_link_to_an_existing_questions_file_lends_it_no_mode(tmp_path: Path) -> None:
    path, open_file = tmp_path / "questions.json", tmp_path / "open"
    open_file.write_text("x")
    open_file.chmod(0o666)
    path.symlink_to(open_file)
    replace_file(path, b"{}", keep_mode=True)
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600


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
    monkeypatch.setattr(service_data.paths, "cache_folder", lambda: tmp_path)
    names = service_data.load_action_names().names
    (cache,) = tmp_path.iterdir()
    cache.unlink()
    os.mkfifo(cache)
    assert service_data.load_action_names().names == names
    assert stat.S_ISFIFO(cache.stat().st_mode)


def _no_links(_path: Path, _target: Path) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))
