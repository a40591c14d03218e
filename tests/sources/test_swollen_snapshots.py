"""A snapshot that is none is refused at its first bad entry, whatever its size: in seconds and within its own size."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from iamtui import input_files
from iamtui.account import snapshot_reader as reading
from iamtui.account.authorization_details import load_account
from iamtui.input_files import packed_for
from iamtui.problem import Problem
from iamtui.sources.snapshot import read_snapshot
from tests.support.slow import one_quick
from tests.support.snapshot_builder import snapshot, user

SIZE = 64_000_000

HEAD = b'{"UserDetailList": [], "x": "' + b"y" * 70_000 + b'", "a": ['

SWOLLEN: dict[str, tuple[bytes, bytes, bytes, str]] = {
    "zeros": (HEAD, b"\0" * 1000, b"", "is not JSON, or breaks off"),
    "noise": (HEAD, bytes(range(1, 256)), b"", "is not valid UTF-8"),
    "empty objects": (b"", b"{}", b"", "values that are read"),
    "pages that say nothing": (b"", b'{"iamtui":{}, "x": "%s"}' % (b"y" * 1000), b"", "pages that are read"),
    "empty users of some size": (b'{"UserDetailList":[', b'{"x":"%s"},' % (b"y" * 1000), b"{}]}", "UserDetailList[0]"),
    "the same user": (
        b'{"UserDetailList":[',
        b'{"UserName":"%s"},' % (b"a" * 100),
        b'{"UserName":"b"}]}',
        "more than 100,000 entries in its UserDetailList",
    ),
    "groups": (b'{"UserDetailList":[{"UserName":"a","GroupList":[', b'"a",', b'"a"]}]}', "values that are read"),
    "cut": (b'{"UserDetailList":[{"UserName":"a","x":[', b'"%s",' % (b"x" * 1000), b"", "truncated at line 1"),
    "deep": (b'{"UserDetailList":[],"a":', b"[", b"", "values that are read"),
}
"""How it begins, what is repeated up to SIZE, how it ends, and what is said of it."""

READ = """
import sys, time
from pathlib import Path
from iamtui.problem import Problem
from iamtui.sources.snapshot import read_snapshot
from tests.support.peak_memory import peak_megabytes
started = time.monotonic()
before = peak_megabytes()
try:
    read_snapshot(Path(sys.argv[1]))
except Problem as problem:
    print(problem.sentence)
print(peak_megabytes() - before)
"""


@one_quick("name", SWOLLEN)
def test_what_is_swollen_is_refused_cheaply(tmp_path: Path, name: str) -> None:
    begins, repeated, ends, says = SWOLLEN[name]
    file = tmp_path / "account.json"
    file.write_bytes(begins + repeated * (SIZE // len(repeated)) + ends)

    command = [sys.executable, "-c", READ, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)

    sentence, megabytes = done.stdout.splitlines()
    assert says in sentence
    assert int(megabytes) < 500


def test_many_pages_are_read_one_by_one() -> None:
    pages = [json.dumps(snapshot(users=[user(f"u{number}")])) for number in range(300)]
    assert len(load_account("\n".join(pages).encode()).users) == 300
    with pytest.raises(Problem, match=r"\$\.UserDetailList\[0\]"):
        load_account(("\n".join(pages) + '{"UserDetailList": [{}]}').encode())


def swelling(text_bytes: int, megabytes: int) -> Iterator[bytes]:
    """A snapshot with texts of a size, which packs to a ninetieth: too much of it is random to be refused for that."""
    random = Random(1)
    yield b'{"UserDetailList": [], "x": ["'
    size = 0
    for _ in range(megabytes * 1024):
        yield b"A" * 1008 + b"%016x" % random.getrandbits(64)
        size += 1024
        if size >= text_bytes:
            size = 0
            yield b'","'
    yield b'"]}'


def packed(path: Path, pieces: Iterator[bytes]) -> Path:
    if path.suffix == ".gz":
        with gzip.open(path, "wb", 6) as file:
            file.writelines(pieces)
    else:
        path.write_bytes(packed_for(path.name, b"".join(pieces)))
    return path


@pytest.mark.parametrize("name", ["a.json.gz", "a.json.zst"])
@pytest.mark.parametrize(("text_bytes", "says"), [(1024**3, "unpacks to more than"), (400_000, "unpacks to more than")])
def test_a_packed_snapshot_is_refused_while_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text_bytes: int, says: str
) -> None:
    monkeypatch.setattr(input_files, "ONE_UNPACKED", 3 * 1024 * 1024)
    path = packed(tmp_path / name, swelling(text_bytes, 4))
    with pytest.raises(Problem, match=says):
        read_snapshot(path)


def test_a_packed_snapshot_below_the_limit_is_read(tmp_path: Path) -> None:
    assert read_snapshot(packed(tmp_path / "a.json.gz", swelling(400_000, 4))).users == ()


FORMS = {
    "one after another": lambda page: "\n".join([json.dumps(page)] * 2),
    "a list": lambda page: json.dumps([page, page]),
    "by account": lambda page: json.dumps({"111111111111": page, "222222222222": [page]}),
}


@pytest.mark.parametrize("form", FORMS)
def test_lists_of_all_pages_are_counted_together(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    text = FORMS[form]({"UserDetailList": [user(f"u{number}") for number in range(5)]}).encode()
    monkeypatch.setattr(reading, "MOST_ENTITIES", 10)
    assert len(reading.decode_pages(text)) == 2
    monkeypatch.setattr(reading, "MOST_ENTITIES", 9)
    with pytest.raises(Problem, match="has more than 9 entries in its UserDetailList"):
        reading.decode_pages(text)


@pytest.mark.parametrize("name", ["a.json.gz", "a.json.zst"])
def test_an_archive_of_many_members_is_read(tmp_path: Path, name: str) -> None:
    random = Random(1)
    members = [f' {{"UserDetailList": [], "x": "{random.randbytes(400).hex()}"}}'.encode() for _ in range(200)]
    path = tmp_path / name
    path.write_bytes(b"".join(packed_for(name, member) for member in members))
    assert read_snapshot(path).users == ()


@pytest.mark.slow
@one_quick("name", ["a.json.gz", "a.json.zst"])
def test_what_cannot_be_packed_is_read(tmp_path: Path, name: str) -> None:
    text = Random(1).randbytes(6_000_000).hex()
    data = (
        b'{"UserDetailList": [], "x": ["%s"]}'
        % '","'.join(text[at : at + 100_000] for at in range(0, len(text), 100_000)).encode()
    )
    path = tmp_path / name
    path.write_bytes(packed_for(name, data))
    assert read_snapshot(path).users == ()


@pytest.mark.slow
@pytest.mark.parametrize(("text_bytes", "megabytes"), [(1024**3, 600), (400_000, 600), (400_000, 155)])
def test_a_small_packed_file_takes_no_more_than_500_mb(tmp_path: Path, text_bytes: int, megabytes: int) -> None:
    path = packed(tmp_path / "a.json.gz", swelling(text_bytes, megabytes))
    command = [sys.executable, "-c", READ.replace(" - before", ""), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert int(done.stdout.splitlines()[-1]) < 500
