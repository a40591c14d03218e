"""~/.aws/credentials: one section written, everything else kept, and never half a file."""

from __future__ import annotations

import configparser
import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.credentials import credentials_file
from iamtui.credentials.credentials_file import _merged, _sections, write_profile
from iamtui.credentials.secure_files import hold_folder
from iamtui.problem import Problem
from iamtui.secret import Secret
from tests.credentials.test_formats import SESSION, START
from tests.credentials.test_leaks import leaked, shown_everywhere
from tests.support.slow import one_quick
from tests.support.sts_answers import KEY_ID, SECRET_KEY, TOKEN

FOREIGN_SECRET = "foreignSecretOfSomebodyElse0000000000KEY"
FOREIGN = f"""# my keys; do not touch\r
[default]
aws_access_key_id=AKIAFOREIGN0000000AA
aws_secret_access_key={FOREIGN_SECRET}
s3 =
    addressing_style = path

; the next one is for work\t
[work]   # inline
aws_access_key_id = AKIAFOREIGN0000000BB
aws_secret_access_key = x\xe9\xff
""".encode("latin-1")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "credentials"
    path.write_bytes(FOREIGN)
    path.chmod(0o600)
    return path


def write(path: Path, profile: str = "prod", **more: bool) -> None:
    write_profile(SESSION, profile, path, now=START, **more)


def only_file(path: Path) -> bool:
    """Whether nothing but the file is left in its folder."""
    return [entry.name for entry in path.parent.iterdir()] == [path.name]


def read(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.read_string(path.read_bytes().decode("latin-1"))
    return parser


def test_a_new_file_is_for_the_owner_only_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "aws" / "credentials"
    before = os.umask(0)
    try:
        write(path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert read(path)["prod"]["aws_session_token"] == TOKEN
    assert only_file(path)


def test_everything_else_stays_byte_for_byte(file: Path) -> None:
    write(file)
    first = file.read_bytes()
    assert first.startswith(FOREIGN + b"\n[prod]\n")
    file.write_bytes(first + b"\n# about the last\n[last]\nregion = x")
    write_profile(replace(SESSION, region="us-east-1"), "prod", file, now=START)
    second = file.read_bytes()
    assert second.startswith(FOREIGN)
    assert second.endswith(b"\n\n# about the last\n[last]\nregion = x")
    assert second.count(b"[prod]") == 1
    assert read(file)["prod"]["region"] == "us-east-1"
    assert file.stat().st_mode & 0o777 == 0o600
    assert only_file(file)


def test_a_file_without_a_last_line_end_gets_one(file: Path) -> None:
    file.write_bytes(b"[a]\nregion = x")
    write(file)
    assert file.read_bytes().startswith(b"[a]\nregion = x\n\n[prod]\n")


def test_a_section_of_somebody_else_is_replaced_only_when_told(file: Path) -> None:
    with pytest.raises(Problem, match=r"section \[work\] that iamtui did not write") as problem:
        write(file, "work")
    assert "--overwrite" in problem.value.next_step
    assert file.read_bytes() == FOREIGN
    write(file, "work", overwrite=True)
    text = file.read_bytes()
    assert text.startswith(FOREIGN[: FOREIGN.index(b"[work]")])
    assert read(file)["work"]["aws_access_key_id"] == KEY_ID
    assert b"AKIAFOREIGN0000000BB" not in text


def test_a_section_that_stands_there_twice_is_refused(file: Path) -> None:
    twice = FOREIGN + b"[work]\nregion = y\n"
    file.write_bytes(twice)
    with pytest.raises(Problem, match="twice"):
        write(file, "work", overwrite=True)
    assert file.read_bytes() == twice


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602, 0o644, 0o777])
def test_a_file_that_others_can_read_or_write_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(Problem, match=f"mode {mode:04o}") as problem:
        write(file)
    assert "chmod 600" in problem.value.next_step
    assert file.read_bytes() == FOREIGN
    assert only_file(file)


def test_a_read_only_file_is_respected(file: Path) -> None:
    file.chmod(0o400)
    with pytest.raises(Problem, match="is read-only"):
        write(file)


def test_a_folder_on_the_way_that_others_may_have_linked_is_not_followed(file: Path, tmp_path: Path) -> None:
    mine, shared = tmp_path / "mine", tmp_path / "shared"
    mine.mkdir()
    file = file.rename(mine / "credentials")
    shared.mkdir()
    (shared / "aws").symlink_to(mine)
    shared.chmod(0o777)
    for refused in (write, lambda path: credentials_file.check_profile("prod", path)):
        with pytest.raises(Problem, match="a link that others may have made"):
            refused(shared / "aws" / "credentials")
    assert file.read_bytes() == FOREIGN
    shared.chmod(0o755)
    write(shared / "aws" / "credentials")
    assert KEY_ID in file.read_text("latin-1")


def test_a_home_folder_of_nobody_is_a_folder_of_that_name() -> None:
    environ = {"AWS_SHARED_CREDENTIALS_FILE": "~nobody-of-this-name/credentials"}
    assert credentials_file.credentials_file(environ) == Path("~nobody-of-this-name/credentials")


def test_a_link_is_not_followed(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(file)
    with pytest.raises(Problem, match="symbolic link"):
        write(link)
    assert link.is_symlink()
    assert file.read_bytes() == FOREIGN


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "credentials"
    if kind == "folder":
        path.mkdir(mode=0o700)
    else:
        os.mkfifo(path, 0o600)
    with pytest.raises(Problem, match=r"not a regular file|cannot be written"):
        write(path)


class FullDisk:
    """A file object on a disk that is full."""

    def __init__(self, descriptor: int) -> None:
        self._file = os.fdopen(descriptor, "wb")

    def __enter__(self) -> FullDisk:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, content: bytes) -> None:
        self._file.write(content[:10])
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_the_old_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fdopen
    monkeypatch.setattr(
        credentials_file.os,
        "fdopen",
        lambda descriptor, mode: (
            FullDisk(descriptor) if mode == "wb" and monkeypatch.undo() is None else real(descriptor, mode)
        ),
    )
    with pytest.raises(Problem, match="No space left on device") as problem:
        write(file)
    assert leaked(shown_everywhere(problem.value)) == []
    assert FOREIGN_SECRET not in shown_everywhere(problem.value)
    assert file.read_bytes() == FOREIGN
    assert only_file(file)


_DIES = """
import os, signal, sys
from pathlib import Path
from iamtui.credentials import credentials_file
from tests.credentials.test_formats import SESSION, START

def die(*_args):
    os.kill(os.getpid(), signal.SIGKILL)

setattr(*{"fsync": (os, "fsync", die), "replace": (Path, "replace", die)}[sys.argv[2]])
credentials_file.write_profile(SESSION, "prod", Path(sys.argv[1]), now=START)
"""


@one_quick("step", ["fsync", "replace"])
def test_a_crash_half_way_leaves_the_old_file(file: Path, step: str) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", _DIES, str(file), step], cwd=root, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert file.read_bytes() == FOREIGN
    left = [entry for entry in file.parent.iterdir() if entry != file]
    assert all(entry.stat().st_mode & 0o777 == 0o600 for entry in left)
    assert left, "a copy of all profiles, which nobody looks for"
    other = file.with_name(".credentials.mine")
    other.write_text("not written by iamtui")
    write(file)
    assert read(file)["prod"]["aws_access_key_id"] == KEY_ID
    assert set(file.parent.iterdir()) == {file, other}


def test_copies_of_killed_runs_go_unless_a_run_is_writing(file: Path) -> None:
    copies = [file.with_name(f".{file.name}.{digit * 16}") for digit in "0f"]
    others = [file.with_name(f".{file.name}.mine"), file.with_name(f".config.{'0' * 16}")]
    for path in (*copies, *others):
        path.write_text("x")
    with hold_folder(file.parent, 0):
        credentials_file.remove_left_overs(file)
        assert all(copy.exists() for copy in copies)
    credentials_file.remove_left_overs(file)
    assert set(file.parent.iterdir()) == {file, *others}
    credentials_file.remove_left_overs(file.parent / "none" / "credentials")


def test_writers_at_the_same_time_lose_nothing(file: Path) -> None:
    failures: list[BaseException] = []

    def one(number: int) -> None:
        try:
            for _ in range(3):
                write(file, f"p{number}")
        except BaseException as error:  # noqa: BLE001 - told by the main thread
            failures.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert set(read(file).sections()) == {"default", "work", *(f"p{number}" for number in range(6))}
    assert file.read_bytes().startswith(FOREIGN)
    assert only_file(file)


def test_a_writer_that_never_finishes_is_not_waited_for_for_ever(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials_file, "LOCK_SECONDS", 0.1)
    descriptor = os.open(file.parent, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with pytest.raises(Problem, match="does not finish"):
            write(file)
    finally:
        os.close(descriptor)
    assert file.read_bytes() == FOREIGN


def changing(file: Path, times: int) -> Iterator[None]:
    """Somebody who writes the file between our reading and our writing."""
    for number in range(times):
        file.write_bytes(FOREIGN + f"# change {number}\n".encode())
        yield
    while True:
        yield


@pytest.mark.parametrize(("times", "written"), [(1, True), (3, True), (99, False)])
def test_changes_by_others_meanwhile_are_not_lost(
    file: Path, times: int, written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody, merge = changing(file, times), credentials_file._merged

    def merge_late(*arguments: object) -> Secret:
        next(somebody)
        return merge(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(credentials_file, "_merged", merge_late)
    if written:
        write(file)
        assert f"# change {times - 1}\n\n[prod]\n".encode() in file.read_bytes()
    else:
        with pytest.raises(Problem, match="keeps being changed"):
            write(file)
    assert only_file(file)


def test_nothing_secret_is_in_a_refusal(file: Path) -> None:
    for profile, path in (("work", file), ("bad]name", file), ("x", file.parent)):
        with pytest.raises(Problem) as problem:
            write(path, profile)
        shown = shown_everywhere(problem.value)
        assert leaked(shown) == []
        assert FOREIGN_SECRET not in shown
        assert SECRET_KEY not in shown


def test_an_expired_session_changes_nothing(file: Path) -> None:
    with pytest.raises(Problem, match="has expired"):
        write_profile(SESSION, "prod", file, now=SESSION.expires_at)
    assert file.read_bytes() == FOREIGN


def test_the_file_is_where_the_environment_says() -> None:
    assert credentials_file.credentials_file({"AWS_SHARED_CREDENTIALS_FILE": "/x/y"}) == Path("/x/y")
    assert credentials_file.credentials_file({}) == Path("~/.aws/credentials").expanduser()


MARK = "# written by iamtui, which replaces this section\n"
KINDS = [
    "[a]\n",
    "[prod]\n",
    " [b]\n",
    "[a",
    "k = v\n",
    "  more\n",
    "# c\n",
    ";c\r\n",
    "\n",
    " \n",
    "[]\n",
    "é\n",
    MARK,
]
LINES = st.lists(st.sampled_from(KINDS))


@given(LINES)
def test_sections_joined_are_the_file_and_only_one_changes(lines: list[str]) -> None:
    content = "".join(lines)
    sections = _sections(Secret(content))
    assert "".join(section.text.reveal() for section in sections) == content
    merged = _merged(sections, "prod", Secret("[prod]\nE\n")).reveal()
    named = [section for section in sections if section.name == "prod"]
    for section in sections:
        if section not in named:
            assert section.text.reveal() in merged
    if not named:
        assert merged.startswith(content)
        assert merged.endswith("[prod]\nE\n")
