"""A snapshot that is none is refused at its first bad entry, whatever its size: in seconds and within its own size."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from iamtui import input_files
from iamtui.account import snapshot_reader as reading
from iamtui.account.authorization_details import load_account
from iamtui.input_files import packed_for
from iamtui.problem import Problem
from iamtui.sources.snapshot import read_snapshot
from tests.support.slow import all_but, one_quick
from tests.support.snapshot_builder import snapshot, user

SIZE = 64_000_000

HEAD = b'{"UserDetailList": [], "x": "' + b"y" * 70_000 + b'", "a": ['

SWOLLEN: dict[str, tuple[bytes, bytes, bytes, str]] = {
    "zeros": (HEAD, b"\0" * 1000, b"", "is not text"),
    "noise": (HEAD, bytes(range(1, 256)), b"", "is not valid UTF-8"),
    "empty objects": (b"", b"{}", b"", "a text, or a gap between texts, of more"),
    "pages that say nothing": (b"", b'{"iamtui":{}, "x": "%s"}' % (b"y" * 1000), b"", "pages that are read"),
    "empty users": (b'{"UserDetailList":[', b"{},", b"{}]}", "a text, or a gap between texts, of more"),
    "empty users of some size": (b'{"UserDetailList":[', b'{"x":"%s"},' % (b"y" * 1000), b"{}]}", "UserDetailList[0]"),
    "the same user": (
        b'{"UserDetailList":[',
        b'{"UserName":"%s"},' % (b"a" * 100),
        b'{"UserName":"b"}]}',
        "more than 100,000 entries in its UserDetailList",
    ),
    "the same user, twice": (
        b'{}\n{"UserDetailList":[',
        b'{"UserName":"%s"},' % (b"a" * 100),
        b'{"UserName":"b"}]}\n{}',
        "more than 100,000 entries in its UserDetailList",
    ),
    "groups": (b'{"UserDetailList":[{"UserName":"a","GroupList":[', b'"a",', b'"a"]}]}', "values that are read"),
    "broken character": (
        b'{"a":"\\ud800","UserDetailList":[],"b":[',
        b'"%s",' % (b"x" * 1000),
        b'""]}',
        "is not JSON, or breaks off",
    ),
    "one text": (b'{"UserDetailList":[{"UserName":"', b"x" * 100, b'"}]}', "a text, or a gap between texts, of more"),
    "escaped quotes": (b'{"UserDetailList":[], "x":"', b'\\"', b'"}', "a text, or a gap between texts, of more"),
    "cut": (b'{"UserDetailList":[{"UserName":"a","x":[', b'"%s",' % (b"x" * 1000), b"", "truncated in line 1"),
    "deep": (b'{"UserDetailList":[],"a":', b"[", b"", "nested too deeply"),
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
    assert int(megabytes) < 200


def test_many_pages_are_read_one_by_one() -> None:
    pages = [json.dumps(snapshot(users=[user(f"u{number}")])) for number in range(300)]
    assert len(load_account("\n".join(pages).encode()).users) == 300
    with pytest.raises(Problem, match=r"\$\.UserDetailList\[0\]"):
        load_account(("\n".join(pages) + '{"UserDetailList": [{}]}').encode())


def test_only_a_small_file_is_given_to_the_standard_library(monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps(snapshot(users=[user("u", Tags=[{"Key": "k", "Value": "\ud800"}])]), indent=1)
    assert load_account(text.encode()).users[0].tags == (("k", "\ud800"),)
    monkeypatch.setattr(reading, "_LARGEST_SLOW", 100)
    with pytest.raises(Problem, match=r"is not JSON, or breaks off: .* in line"):
        load_account(text.encode())


@pytest.mark.parametrize("character", all_but("é", ["x", "é", "😀", "\\u0041"]))
@one_quick("length", [200_000_000, 100_000])
def test_184_mb_of_text_stay_below_500_mb(tmp_path: Path, length: int, character: str) -> None:
    size = 184_000_000
    text = character * (min(length, size) // len(character.encode()))
    whole = json.dumps(snapshot(users=[user("u")]))
    file = tmp_path / "account.json"
    many = ", ".join([f'{{"y": "{text}"}}'] * max(1, size // length))
    file.write_text(f'{whole[:-1]}, "x": [{many}]}}', "utf-8")

    command = [sys.executable, "-c", READ.replace(" - before", ""), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    *sentences, megabytes = done.stdout.splitlines()
    assert int(megabytes) < 500
    assert bool(sentences) is (length > size)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("begins", "ends", "says"),
    [
        ('{"UserDetailList": [], "x": [', "]}", ""),
        ('{"UserDetailList": [{"UserName": "a", "GroupList": [', "]}]}", "more than 1,000,000 memberships of users."),
    ],
)
def test_184_mb_of_short_texts_stay_below_500_mb(tmp_path: Path, begins: str, ends: str, says: str) -> None:
    file = tmp_path / "account.json"
    file.write_text(begins + ",".join(f'"{number:038}"' for number in range(4_500_000)) + ends)

    command = [sys.executable, "-c", READ.replace(" - before", ""), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)

    *sentences, megabytes = done.stdout.splitlines()
    assert int(megabytes) < 500
    assert says in "".join(sentences)
    assert bool(sentences) is bool(says)


def test_a_key_that_stands_twice_is_found_among_millions_of_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_MOST_PARTS", 60)
    texts = ['"', "\\", ":", ",", '": "', '":{"k', "}", "]", "k"]
    for repeated in (False, True):
        pair = ', "UserDetailList" : []' if repeated else ""
        text = f'{{"UserDetailList": [], "k": {json.dumps(texts * 4)}, "k:\\"": {{"a": ":", "b": 1.5}}{pair}}}'
        if repeated:
            with pytest.raises(Problem, match="has the key UserDetailList twice"):
                load_account(text.encode())
        else:
            assert load_account(text.encode()).users == ()


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
@pytest.mark.parametrize(
    ("text_bytes", "says"), [(1024**3, "a text, or a gap between texts, of more"), (400_000, "unpacks to more than")]
)
def test_a_packed_snapshot_is_refused_while_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text_bytes: int, says: str
) -> None:
    monkeypatch.setattr(input_files, "ONE_UNPACKED", 3 * 1024 * 1024)
    path = packed(tmp_path / name, swelling(text_bytes, 4))
    with pytest.raises(Problem, match=says):
        read_snapshot(path)


def test_a_packed_snapshot_below_the_limit_is_read(tmp_path: Path) -> None:
    assert read_snapshot(packed(tmp_path / "a.json.gz", swelling(400_000, 4))).users == ()


FIVE: dict[str, dict[str, list[Any]]] = {
    "users": {"UserDetailList": [user(f"u{number}") for number in range(5)]},
    "items": {"configurationItems": [{"resourceType": "AWS::S3::Bucket"}] * 5},
}
FORMS = {
    "one after another": lambda page: "\n".join([json.dumps(page)] * 2),
    "a list": lambda page: json.dumps([page, page]),
    "by account": lambda page: json.dumps({"111111111111": page, "222222222222": [page]}),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", FIVE)
def test_lists_of_all_pages_are_counted_together(monkeypatch: pytest.MonkeyPatch, form: str, kind: str) -> None:
    page = FIVE[kind]
    text = FORMS[form](page).encode()
    for most in (10, 9):
        monkeypatch.setattr(reading, "MOST_ENTITIES", most)
        monkeypatch.setattr(reading, "_MOST_ITEMS", most)
        # So that the small file is looked through as a large one is.
        monkeypatch.setattr(reading, "_MOST_PARTS", sum(map(text.count, (b"{", b"[", b","))))
        if most == 10:
            assert len(reading.decode_pages(text)) == 2
        else:
            with pytest.raises(Problem, match=f"has more than 9 entries in its {next(iter(page))}"):
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


def test_too_many_values_are_refused_while_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_MOST_PARTS", 60)
    check = reading.PortionCheck("The snapshot", b'{"UserDetailList": [], "x": [')
    check.add(b"1," * 50)
    with pytest.raises(Problem, match="has more than the 60 values that are read"):
        check.add(b"1," * 50)


@pytest.mark.slow
@pytest.mark.parametrize(("text_bytes", "megabytes"), [(1024**3, 600), (400_000, 600), (400_000, 155)])
def test_a_small_packed_file_takes_no_more_than_500_mb(tmp_path: Path, text_bytes: int, megabytes: int) -> None:
    path = packed(tmp_path / "a.json.gz", swelling(text_bytes, megabytes))
    command = [sys.executable, "-c", READ.replace(" - before", ""), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert int(done.stdout.splitlines()[-1]) < 500
