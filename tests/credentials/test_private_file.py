"""Files for the user alone: written as a whole or not at all, and never through or over what is not the user's."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from iamtui.credentials import secure_files as private_file
from iamtui.credentials.secure_files import AlreadyThere, write_private
from iamtui.problem import Problem
from iamtui.secret import Secret

TEXT = Secret("export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI\n")


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("umask", [0, 0o777, 0o022])
def test_a_new_file_is_the_users_alone(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "out.sh"
    before = os.umask(umask)
    try:
        written = write_private(path, TEXT)
    finally:
        os.umask(before)
    assert written == path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == TEXT.reveal()
    assert left_in(tmp_path) == ["out.sh"]


def test_the_home_folder_has_its_short_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert write_private(Path("~/x"), TEXT) == tmp_path / "x"


def test_what_is_there_is_replaced_only_when_that_was_said(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("mine")
    path.chmod(0o600)
    with pytest.raises(AlreadyThere, match="is there already"):
        write_private(path, TEXT)
    assert path.read_text() == "mine"
    write_private(path, TEXT, overwrite=True)
    assert path.read_text() == TEXT.reveal()
    assert left_in(tmp_path) == [".env"]


def test_what_comes_meanwhile_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    write = private_file.write_temporary

    def and_another(target: Path, content: Secret, **more: int) -> Path:
        path.write_text("another's")
        return write(target, content, **more)

    monkeypatch.setattr(private_file, "write_temporary", and_another)
    with pytest.raises(AlreadyThere):
        write_private(path, TEXT)
    assert path.read_text() == "another's"
    assert left_in(tmp_path) == ["x"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_links_folders_and_pipes_are_refused(tmp_path: Path, overwrite: bool) -> None:
    target = tmp_path / "target"
    target.write_text("foreign")
    for name in ("link", "dangling"):
        (tmp_path / name).symlink_to(target if name == "link" else tmp_path / "nowhere")
        with pytest.raises(Problem, match="is a symbolic link"):
            write_private(tmp_path / name, TEXT, overwrite=overwrite)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Problem, match="is not a regular file"):
        write_private(tmp_path / "pipe", TEXT, overwrite=overwrite)
    with pytest.raises(Problem, match="is a folder"):
        write_private(tmp_path, TEXT, overwrite=overwrite)
    assert target.read_text() == "foreign"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o602])
def test_a_file_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "x"
    path.write_text("shared")
    path.chmod(mode)
    with pytest.raises(Problem, match=f"by others \\(mode {mode:04o}\\)"):
        write_private(path, TEXT, overwrite=True)
    assert path.read_text() == "shared"


def test_the_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    path.touch(0o600)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(Problem, match="belongs to another user"):
        write_private(path, TEXT, overwrite=True)


@pytest.mark.parametrize("name", ["no/such/folder", "x\0y", "y" * 300])
def test_a_path_that_does_not_work_is_one_sentence_without_the_text(tmp_path: Path, name: str) -> None:
    with pytest.raises(Problem, match="cannot be written") as problem:
        write_private(tmp_path / name, TEXT)
    assert "wJalr" not in str(problem.value)
    assert left_in(tmp_path) == []


def test_a_disk_that_fills_up_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    path = tmp_path / "x"
    path.write_text("before")
    path.chmod(0o600)
    with pytest.raises(Problem, match="No space left"):
        write_private(path, TEXT, overwrite=True)
    assert path.read_text() == "before"
    assert left_in(tmp_path) == ["x"]


def test_no_secret_goes_through_a_link_to_a_folder_that_others_may_have_made(tmp_path: Path) -> None:
    shared, mine = tmp_path / "shared", tmp_path / "mine"
    shared.mkdir()
    mine.mkdir()
    (shared / "keys").symlink_to(mine)
    shared.chmod(0o777)
    with pytest.raises(Problem, match="a link that others may have made"):
        write_private(shared / "keys" / "x", TEXT)
    assert list(mine.iterdir()) == []
    shared.chmod(0o755)
    assert write_private(shared / "keys" / "x", TEXT) == shared / "keys" / "x"
