"""Trails: CloudTrail events from files, folders and standard input, each event once, in constant memory.

What cannot be read is named and passed over.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import msgspec

from iamtui.activity.event_rows import PARQUET_MAGIC, csv_events, is_csv, parquet_events
from iamtui.activity.events import NESTED, UNREAD, Event, JsonEvents, is_json
from iamtui.input_files import PORTION, open_input, open_standard_input, unpacked
from iamtui.paths import home_expanded
from iamtui.problem import Problem
from iamtui.text import counted, safe_text

STANDARD_INPUT: Final = "-"

MOST_NAMED: Final = 100
"""Damaged files listed by name; the rest are only counted."""

_WINDOW: Final = 250_000
"""Event ids that are remembered, twice over: CloudTrail delivers an event twice within minutes, if at all."""

_MOST_HELD: Final = 5_000
_MOST_HELD_BYTES: Final = 16 * 1024 * 1024
"""Calls that only the account of the resource has recorded so far, and the size of them, held for the caller's own."""

_DEEPEST: Final = 32
_TRAIL_NAMES: Final = re.compile(
    r"\.(?:json|jsonl|ndjson|csv|parquet|log)(?:\.gz|\.zst)?$|\.(?:gz|zst)$", re.IGNORECASE
)
_NOT_EVENTS: Final = frozenset(("CloudTrail-Digest", "CloudTrail-Insight", "CloudTrail-Aggregated"))
"""Folders that CloudTrail writes beside those of its events (CloudTrail User Guide: log file locations)."""


@dataclass(frozen=True, slots=True)
class DamagedFile:
    """A file, or the rest of one, that was passed over.

    Args:
        path: as it was found; raw.
        problem: why.
        events: how many were read of it before.
    """

    path: str
    problem: Problem
    events: int

    @property
    def sentence(self) -> str:
        return self.problem.sentence


@dataclass(slots=True)
class TrailCounts:
    """Counts of files and events read so far.

    Args:
        entries: what stood where an event should, and was none.
        twice: events that came again.
        passed: files in folders whose names are not those of trails.
        unread: files, or entries in them, that could not be read when requests were kept.
    """

    files: int = 0
    events: int = 0
    twice: int = 0
    entries: int = 0
    passed: int = 0
    damaged: int = 0
    unread: int = 0

    @property
    def whole(self) -> bool:
        return not (self.damaged or self.entries or self.unread)


class Trails:
    """Files and folders of CloudTrail events, read once.

    Args:
        paths: as a person gave them; "-" is standard input.
        told: called again and again while they are read; may raise, to stop.
    """

    def __init__(self, paths: Iterable[str], told: Callable[[TrailCounts], None] = lambda _counts: None) -> None:
        self._paths = tuple(paths)
        self._told = told
        self._seen: set[tuple[int, int]] = set()
        self._ids: tuple[set[int], set[int]] = (set(), set())
        self._held: dict[int, Event] = {}
        self._held_bytes = 0
        self.counts = TrailCounts()
        self.damaged: list[DamagedFile] = []

    def events(self) -> Iterator[list[Event]]:
        """The events, some at a time, in the order of the paths and of the names in folders.

        Calls that another account than the caller's recorded come after those that may turn out to be the same.

        Raises:
            Problem: a path that was given does not exist or cannot be opened. What lies in folders is passed over.
        """
        for path in self._paths:
            if path == STANDARD_INPUT:
                with open_standard_input("The trail on standard input", told=self._tell) as file:
                    yield from self._of_file(file, path)
                continue
            given = home_expanded(path)
            if Path(given).is_dir():
                yield from self._of_folder(os.fspath(given), 0)
            else:
                yield from self._of_path(os.fspath(given))
        yield self._released()

    def check(self) -> None:
        """Refuse what had no event at all.

        Raises:
            Problem: nothing could be read, and why the first of the files could not.
        """
        if self.counts.events:
            return
        if not self.damaged:
            raise Problem("There are no CloudTrail events in what was named.", "Give files or folders of trails.")
        first = self.damaged[0]
        sentence = first.problem.sentence
        subject = "Standard input" if first.path == STANDARD_INPUT else f"The trail {safe_text(first.path)}"
        if sentence.startswith("It "):
            sentence = f"{subject} {sentence.removeprefix('It ')}"
        elif subject not in sentence:
            sentence = f"{subject} cannot be read: {sentence}"
        raise Problem(sentence, first.problem.next_step)

    def _tell(self, _size: int) -> None:
        self._told(self.counts)

    def _of_folder(self, folder: str, depth: int) -> Iterator[list[Event]]:
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            self._pass_over(folder, Problem(f"The folder cannot be read: {error.strerror}."), 0)
            return
        if depth > _DEEPEST:
            self._pass_over(folder, Problem(f"It is more than {_DEEPEST} folders deep."), 0)
            return
        for entry in entries:
            # A link to a folder may lead round in a circle; one to a file is read.
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _NOT_EVENTS:
                    yield from self._of_folder(entry.path, depth + 1)
            elif not _TRAIL_NAMES.search(entry.name) or entry.is_dir():
                self.counts.passed += 1
            else:
                try:
                    yield from self._of_path(entry.path, pipes=False)
                except Problem as problem:
                    self._pass_over(entry.path, problem, 0)

    def _of_path(self, path: str, *, pipes: bool = True) -> Iterator[list[Event]]:
        with open_input(path, f"The trail {safe_text(path)}", told=self._tell, pipes=pipes) as file:
            found = os.fstat(file.fileno())
            identity = found.st_dev, found.st_ino
            if identity not in self._seen:
                self._seen.add(identity)
                yield from self._of_file(file, path)

    def _of_file(self, file: IO[bytes], path: str) -> Iterator[list[Event]]:
        self.counts.files += 1
        before, entries = self.counts.events, self.counts.entries
        portions = _Portions(file)
        try:
            for events in _events(file, portions):
                yield self._counted(events)
                self._told(self.counts)
        except Problem as problem:
            portions.damage = portions.damage or problem
        read = self.counts.events - before
        if portions.damage is not None:
            self._pass_over(path, portions.damage, read)
        elif self.counts.entries > entries:
            unread = counted(self.counts.entries - entries, "entry", "entries")
            why = Problem(f"It has {unread} that cannot be read as an event of CloudTrail.", "Is it a trail?")
            self._pass_over(path, why, read)

    def _pass_over(self, path: str, problem: Problem, events: int) -> None:
        self.counts.damaged += 1
        if len(self.damaged) < MOST_NAMED:
            self.damaged.append(DamagedFile(path, problem, events))

    def _counted(self, events: Iterable[Event | None]) -> list[Event]:
        """The events that did not come before."""
        recent, older = self._ids
        kept: list[Event] = []
        for event in events:
            if event is None:
                self.counts.entries += 1
                continue
            if event.eventID is not None:
                # Ids that were made alike, as where they were taken out, are no reason to leave an event out.
                identity = hash((event.eventID, event.eventName, event.eventTime, bytes(event.requestParameters)))
                shared = (
                    hash((event.sharedEventID, event.eventName, event.eventTime)) if event.sharedEventID else identity
                )
                # What the account of the caller has of a call tells more than what that of the resource has.
                of_caller = f'"{event.recipientAccountId}"'.encode() in bytes(event.userIdentity)
                seen = (identity,) if of_caller else (identity, shared)
                if any(one in recent or one in older for one in seen):
                    self.counts.twice += 1
                    continue
                recent.update((identity, shared))
                if of_caller and (other := self._held.pop(shared, None)) is not None:
                    self.counts.twice += 1
                    self.counts.events -= other.count
                elif event.sharedEventID and not of_caller:
                    self._hold(shared, event)
                    continue
            if event.lost == UNREAD:
                self.counts.unread += event.count
            else:
                kept.append(event)
        if len(recent) > _WINDOW:
            self._ids = set(), recent
        self.counts.events += sum(event.count for event in kept)
        if len(self._held) > _MOST_HELD or self._held_bytes > _MOST_HELD_BYTES:
            kept += self._released()
        return kept

    def _hold(self, shared: int, event: Event) -> None:
        # What is nested would keep the whole portion of the file that it is cut from.
        nested = {name: getattr(event, name).copy() for name in (*NESTED, "detail")}
        self._held[shared] = msgspec.structs.replace(event, **nested)
        self._held_bytes += sum(len(bytes(text)) for text in nested.values()) + sys.getsizeof(event)
        self.counts.events += event.count

    def _released(self) -> list[Event]:
        held = [*self._held.values()]
        self._held.clear()
        self._held_bytes = 0
        return held


class _Portions:
    """The bytes of a file, unpacked, up to its end or to its damage."""

    def __init__(self, file: IO[bytes]) -> None:
        self.damage: Problem | None = None
        self._stream = None
        try:
            self._stream = unpacked(file, "It")
        except Problem as problem:
            self.damage = problem

    def __call__(self) -> bytes:
        if self._stream is None or self.damage is not None:
            return b""
        try:
            return self._stream.read(PORTION)
        except Problem as problem:
            self.damage = problem
            return b""


def _events(file: IO[bytes], portions: _Portions) -> Iterator[list[Event | None]]:
    beginning = portions()
    if not beginning.strip():
        return
    if beginning.startswith(PARQUET_MAGIC):
        yield from parquet_events(file)
    elif is_json(beginning):
        yield from JsonEvents(portions, beginning)
    elif is_csv(beginning):
        yield from csv_events(portions, beginning)
    else:
        raise Problem("It is not a trail: neither JSON, nor CSV with CloudTrail's columns, nor Parquet.")
