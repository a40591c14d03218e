"""Logs of any length, from files and pipes: packed, in any encoding, cut anywhere, never held as a whole."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from iamtui.denials import reader as denial_reading
from iamtui.denials import reader as denial_stream
from iamtui.denials.denial import Findings
from iamtui.denials.reader import find_denials, read_log
from iamtui.input_files import PORTION, packed_for
from iamtui.input_files import unpacked as unpacked_file
from iamtui.problem import Problem
from tests.support.slow import one_quick

DENIED = (
    "2026-11-24T10:00:00Z ERROR User: arn:aws:iam::111122223333:user/u{} is not authorized to perform: s3:GetObject on "
    'resource: "arn:aws:s3:::logs/2026/x y.gz" because no identity-based policy allows the s3:GetObject action\n'
)
NOISE = "2026-11-24T10:00:01Z INFO GET /index.html handled in {} ms\n"


def record(number: int) -> dict[str, object]:
    return {
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "errorCode": "AccessDenied",
        "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::111122223333:user/u{number}", "accountId": "1"},
        "requestParameters": {"bucketName": "lake", "key": 'a "quoted" {key}'},
    }


def log(lines: int) -> str:
    each = (DENIED.format(n % 7) if n % 40 == 3 else NOISE.format(n) for n in range(lines))
    records = (json.dumps(record(n)) + "\n" for n in range(3))
    return "".join([*itertools.islice(each, lines // 2), *records, *each])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few characters are held at once, so that a short text is a long one."""
    monkeypatch.setattr(denial_reading, "MOST_WHOLE", 20_000)
    monkeypatch.setattr(denial_stream, "PORTION", 7_001)


def told(findings: Findings) -> list[tuple[str, int, int]]:
    return [(one.caller, one.count, one.place.record or one.place.line) for one in findings.denials]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_long_log_holds_what_a_short_one_would(pack: type[bytes]) -> None:
    text = log(4_000)

    read = read_log(io.BytesIO(pack(text.encode())))

    assert told(read.findings) == told(find_denials(text))
    assert len(read.findings.denials) == 10
    assert read.findings.records == 3
    assert read.lines == 4_003
    assert read.head == text[: denial_reading.HEAD]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_long_file_of_records_is_read_record_by_record(indent: int | None, wrapped: bool) -> None:
    records = [record(number % 30) for number in range(400)]
    text = json.dumps({"Records": records} if wrapped else records, indent=indent)

    findings = read_log(io.BytesIO(text.encode())).findings

    assert told(findings) == told(find_denials(text))
    assert (findings.records, findings.notes) == (400, ())
    assert [one.count for one in findings.denials][:2] == [14, 14]


@pytest.mark.usefixtures("small")
def test_records_that_break_off_are_kept_and_said() -> None:
    text = json.dumps({"Records": [record(number) for number in range(200)]})[:-60]

    findings = read_log(io.BytesIO(text.encode())).findings

    assert len(findings.denials) == 199
    assert findings.notes == ("The list of records cannot be read behind record 199.",)


@pytest.mark.parametrize("indent", [None, 2])
def test_a_record_that_breaks_off_in_a_short_text_is_said(indent: int | None) -> None:
    whole = json.dumps({"Records": [record(1)]}, indent=indent)
    assert find_denials(whole).notes == ()
    assert find_denials(log(10)).notes == ()
    (said,) = find_denials(f"{DENIED}{whole[:-60]}").notes
    assert said.startswith("A record cannot be read as JSON")


@pytest.mark.usefixtures("small")
def test_a_long_line_without_an_end_is_searched() -> None:
    text = "[" + "x" * 100_000 + DENIED.format(1).strip() + "y" * 100_000

    assert told(read_log(io.BytesIO(text.encode())).findings) == told(find_denials(text))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_encodings(encoding: str) -> None:
    text = "é" + DENIED.format(1)
    assert told(read_log(io.BytesIO(text.encode(encoding))).findings) == told(find_denials(text))


def test_several_members_of_an_archive_are_one_text() -> None:
    text = json.dumps({"Records": [record(1)]})
    packed = gzip.compress(text[:50].encode()) + gzip.compress(text[50:].encode())
    assert read_log(io.BytesIO(packed)).findings.records == 1


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(b"x" * 2000)[:-20],
        b"\x1f\x8bnonsense that is no archive",
        gzip.compress(b"\0" * 10_000_000),
        b"\0\1\2" * 5000,
    ],
    ids=["cut", "damaged", "bomb", "binary"],
)
def test_what_cannot_be_read_is_said(data: bytes) -> None:
    with pytest.raises(Problem):
        read_log(io.BytesIO(data))


class Endless:
    """A log that is made while it is read."""

    def __init__(self, portions: int) -> None:
        self._portions = portions
        self._text: Iterator[bytes] = itertools.cycle(
            [(NOISE.format(1) * 800 + DENIED.format(number)).encode() for number in range(5)]
        )

    def read(self, _size: int, /) -> bytes:
        self._portions -= 1
        return next(self._text) if self._portions >= 0 else b""


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_memory_does_not_grow_with_the_log() -> None:
    def peak(portions: int) -> int:
        tracemalloc.start()
        try:
            assert len(read_log(Endless(portions)).findings.denials) == 5
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    assert peak(80) < 1.5 * peak(20)


def test_what_was_found_so_far_remains_when_cancelled() -> None:
    assert read_log(io.BytesIO(log(400).encode()), lambda: True).findings.denials[0].place.record == 1


@one_quick("filling", [b" ", b"x", b"\n", b"a line\n"])
@pytest.mark.parametrize("compress", [gzip.compress, partial(packed_for, "x.zst")])
def test_an_archive_that_swells_is_refused_before_it_is_unpacked(
    filling: bytes, compress: Callable[[bytes], bytes]
) -> None:
    bomb = compress(filling * (50_000_000 // len(filling)))
    started = time.process_time()
    with pytest.raises(Problem, match="unpacks to more than 100 times its size"):
        read_log(io.BytesIO(compress(b"a\n") + bomb * 20))
    assert time.process_time() - started < 10


@pytest.mark.slow
def test_an_archive_of_a_repetitive_log_is_read() -> None:
    lines = b"".join(b"2026-01-02T03:04:%02d %d GET /health 200\n" % (number % 60, number) for number in range(600_000))
    assert read_log(io.BytesIO(gzip.compress(lines))).lines == 600_000


class Portions:
    """A file that is read in portions of its own."""

    def __init__(self, *portions: bytes) -> None:
        self._portions = iter(portions)

    def read(self, _size: int, /) -> bytes:
        return next(self._portions, b"")


def unpacked(*portions: bytes) -> list[bytes]:
    return list(iter(partial(unpacked_file(Portions(*portions)).read, PORTION), b""))


def test_what_stands_behind_the_last_member_is_no_log() -> None:
    with pytest.raises(Problem, match="damaged"):
        unpacked(gzip.compress(b"text") + b"more")


@pytest.mark.parametrize("split", range(1, 60, 7))
def test_a_member_that_begins_at_the_end_of_a_portion_is_read(split: int) -> None:
    first, second = gzip.compress(b"first "), gzip.compress(b"second")
    whole = first + second
    for at in (split, len(first) + 1):
        assert b"".join(unpacked(whole[:at], whole[at:])) == b"first second"


def test_very_many_members_are_unpacked_in_large_portions() -> None:
    packed = gzip.compress(b" " * 90) * 30_000
    portions = unpacked(*(packed[at : at + 65_536] for at in range(0, len(packed), 65_536)))
    assert sum(map(len, portions)) == 90 * 30_000
    assert len(portions) <= 90 * 30_000 // PORTION + 1


_NESTED = """
import io, time
from iamtui.denials.reader import read_log
from tests.support.peak_memory import peak_megabytes
chain = '{"":' * 90 + "1" + "}" * 90
record = '{"x":[' + ",".join([chain] * (16_500_000 // len(chain))) + "]}"
first = FIRST
text = '{"Records":[' + first + record + "," + record + "]}"
log = io.BytesIO(text.encode())
del text, record
before = peak_megabytes()
findings = read_log(log).findings
print(peak_megabytes() - before, time.process_time(), *findings.notes)
"""


@pytest.mark.slow
@one_quick("first", ["", '{"eventName":"GetObject"},'])
def test_a_record_of_a_million_objects_is_not_read(first: str) -> None:
    script = _NESTED.replace("FIRST", repr(first))
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=True)
    megabytes, _, *notes = run.stdout.split()
    assert int(megabytes) < 250
    assert bool(notes) is bool(first)


def test_a_record_that_comes_in_many_portions_is_tried_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    class Decoder(json.JSONDecoder):
        def raw_decode(self, s: str, idx: int = 0) -> tuple[object, int]:
            tries.append(len(s) - idx)
            return super().raw_decode(s, idx)

    monkeypatch.setattr(json, "JSONDecoder", Decoder)
    text = '{"Records":[' + json.dumps({"a": "x" * 500_000}) + ',{"b":1}]}'
    portions = (text[at : at + 100] for at in range(0, len(text), 100))
    assert [len(str(value)) for value in denial_stream.records_in(portions)] == [500_009, 8]
    assert sum(tries) < 3 * len(text)
