from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from iamtui.input_files import packed_for
from iamtui.problem import Problem
from iamtui.sources import snapshot as module
from iamtui.sources.snapshot import read_snapshot
from tests.support.evil_account import evil_account, evil_snapshot
from tests.support.peak_memory import peak_megabytes
from tests.support.slow import one_quick
from tests.support.snapshot_builder import complete, snapshot, user, write


def refusal(path: Path) -> Problem:
    with pytest.raises(Problem) as raised:
        read_snapshot(path)
    problem = raised.value
    assert problem.next_step
    assert "\n" not in str(problem)
    assert str(path) in problem.sentence
    return problem


def test_a_file_is_read(tmp_path: Path) -> None:
    account = read_snapshot(write(tmp_path, complete()))

    assert account.id == "123456789012"
    assert [one.name for one in account.users] == ["alice", "bob"]


def test_a_hostile_file_is_read_as_it_is(tmp_path: Path) -> None:
    assert read_snapshot(write(tmp_path, evil_snapshot())) == evil_account()


def test_a_large_file_is_read_whole(tmp_path: Path) -> None:
    users = [user(f"user-{number}") for number in range(2000)]

    assert len(read_snapshot(write(tmp_path, snapshot(users=users))).users) == 2000


def test_no_such_file(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "missing.json").sentence
    assert "cannot be read" in refusal(write(tmp_path, b"{}") / "below").sentence


def test_a_directory(tmp_path: Path) -> None:
    assert "is a directory" in refusal(tmp_path).sentence


def test_a_path_that_is_none() -> None:
    with pytest.raises(Problem, match="cannot be read"):
        read_snapshot(Path("a\0b"))
    with pytest.raises(Problem):
        read_snapshot(Path("x" * 5000))


def test_a_file_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, complete())

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    # Root may read every file, so the refusal is made up.
    monkeypatch.setattr(os, "open", refuse)

    assert "may not be read" in refusal(path).sentence


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b" \n\t", "is empty"),
        (b"hello", "starts with 'hello'"),
        (b"---\nyaml: true\n", "starts with"),
        (b"\x1f\x8b\x08\x00\x00", "ends too early"),
        (b"\x00" * 100, "starts with"),
        (b"\xff\xfe\x00\xdc", "is not text"),
        (b"{'UserDetailList': []}" + b" " * 100, "line 1, column 2"),
        (b'{"UserDetailList": [}' + b" " * 100, "line 1, column 21"),
        (b'{"UserDetailList": [', "not JSON"),
        (b'{"Version": "2012-10-17", "Statement": []}', "found Version, Statement"),
        (b'{"UserDetailList": 7}', "$.UserDetailList"),
        (b"[" * 100_000, "expected object, got array"),
        (b"{}", "an empty object"),
    ],
    ids=lambda value: str(value[:24]),
)
def test_what_is_no_snapshot(tmp_path: Path, data: bytes, says: str) -> None:
    assert says in refusal(write(tmp_path, data)).sentence


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sparse.json"
    with path.open("wb") as file:
        file.write(b'{"UserDetailList": []}' + b" " * 100_000)
        file.truncate(module.LARGEST + 1)

    assert "more than the 256 MB" in refusal(path).sentence


def test_a_pipe_that_never_ends_is_not_read_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 1024 * 1024)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = subprocess.Popen(
        [
            sys.executable,
            "-c",
            'import sys\nwith open(sys.argv[1], "w") as f:\n  while True: f.write("[[]," * 9999)',
            str(pipe),
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        refusal(pipe)
    finally:
        writer.kill()
        writer.wait()


def test_a_pipe_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    whole = write(tmp_path, complete())
    with subprocess.Popen(["/bin/sh", "-c", 'cat "$1" > "$2"', "sh", str(whole), str(pipe)]):
        assert read_snapshot(pipe) == read_snapshot(whole)


@pytest.mark.parametrize("name", ["account.json.gz", "account.json.zst", "account.json"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_packed_file_is_read_whatever_its_name(tmp_path: Path, name: str, encoding: str) -> None:
    data = json.dumps(complete()).encode(encoding)
    for kind in (".gz", ".zst"):
        assert read_snapshot(write(tmp_path, packed_for(kind, data), name)).users[0].name == "alice"
    halves = packed_for(".gz", data[:1000]) + packed_for(".gz", data[1000:])
    assert read_snapshot(write(tmp_path, halves, name)).users[0].name == "alice"


@one_quick("kind", [".gz", ".zst"])
def test_a_packed_file_that_swells_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    text = b'"' + b" " * 100_000 + b'"'
    bomb = packed_for(kind, b'{"Unknown": [' + b", ".join([text] * 1_500) + b"]}")
    before = peak_megabytes()
    assert "unpacks to more than 100 times its size" in refusal(write(tmp_path, bomb)).sentence
    assert peak_megabytes() - before < 100


@pytest.mark.parametrize("kind", [".gz", ".zst"])
def test_a_packed_file_is_held_to_the_size_of_a_document(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST", 100_000)
    path = write(tmp_path, packed_for(kind, b'{"UserDetailList": []' + b" " * 200_000 + b"}"))
    assert "unpacks to more than the 100,000 bytes" in refusal(path).sentence


@pytest.mark.parametrize("kind", [".gz", ".zst"])
def test_a_packed_file_that_is_cut_or_damaged(tmp_path: Path, kind: str) -> None:
    data = packed_for(kind, json.dumps(complete()).encode())
    assert "ends too early" in refusal(write(tmp_path, data[:-200])).sentence
    noise = bytes(byte ^ 255 for byte in data[200:400])
    refusal(write(tmp_path, data[:200] + noise + data[400:]))
    assert "is damaged" in refusal(write(tmp_path, data[:-1] + bytes((data[-1] ^ 1,)))).sentence
    assert "is damaged" in refusal(write(tmp_path, data + b"more")).sentence
