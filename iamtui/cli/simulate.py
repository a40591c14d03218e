"""`iamtui simulate`: scenarios without an account, from a file or a pipe, one at a time."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, Final, cast

import click

from iamtui.cli.decision_text import subject_of, verdict_style, write_basis, write_trace
from iamtui.cli.exits import Exit
from iamtui.cli.expectations import expect_option
from iamtui.cli.output import Output, Span, Style, note, stdout
from iamtui.cli.text_files import opened
from iamtui.evaluation.decision import Decision
from iamtui.evaluation.decision_json import decision_schema, decision_to_json
from iamtui.evaluation.evaluator import evaluate
from iamtui.evaluation.expectation import Expectation
from iamtui.evaluation.explanation import explain
from iamtui.evaluation.open_points import with_open_points
from iamtui.evaluation.scenario import MalformedScenario, Scenario, read_scenarios, scenario_schema
from iamtui.evaluation.trace import trace, trace_to_json
from iamtui.problem import Problem
from iamtui.workspace.questions.never_asked import never_asked
from iamtui.workspace.questions.verdict import verdict_words

_PEEK: Final = 64 * 1024
_WHITE: Final = b" \t\r\n"
_BOM: Final = b"\xef\xbb\xbf"
_INDENT: Final = 4
_MOST_MALFORMED: Final = 1_000
"""Malformed entries one after the other, after which it is the wrong file."""

_doubt_about: Final = lru_cache(maxsize=1024)(never_asked)
_LINE: Final = re.compile(r"\(line [0-9]+\)")


@dataclass(slots=True)
class _Tally:
    """What has been seen so far."""

    decided: int = 0
    malformed: int = 0
    malformed_on_end: int = 0
    expected: int = 0
    unmet: int = 0

    @property
    def exit(self) -> Exit:
        if self.malformed:
            return Exit.ERROR
        return Exit.NO if self.unmet else Exit.OK

    @property
    def sentence(self) -> str:
        total = self.decided + self.malformed
        words = f"{total} {'scenario' if total == 1 else 'scenarios'}"
        if self.expected:
            words += f", {self.expected - self.unmet} of {self.expected} as expected"
        if self.malformed:
            words += f", {self.malformed} malformed"
        return words + "."


@click.command(epilog="Exit codes: 0; 1 when a decision is not the expected one; 2 when a scenario is malformed.")
@click.argument("file", required=False)
@expect_option("The decision expected of scenarios that expect none.")
@click.option("--trace", "with_trace", is_flag=True, help="Show every statement and element that was looked at.")
@click.option("--json", "as_json", is_flag=True, help="Print decisions as JSON, in the form of the input.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of a scenario and stop.")
@click.option("--decision-schema", is_flag=True, help="Print the JSON Schema of a decision and stop.")
def simulate(
    file: str | None, expect: Expectation | None, with_trace: bool, as_json: bool, schema: bool, decision_schema: bool
) -> Exit:
    """Decide the scenarios in FILE (- for standard input): a request and the policies in force each.

    One JSON object, an array of them, or JSON lines, which are read and answered one at a time. A malformed
    scenario keeps its place in the output.
    """
    if schema or decision_schema:
        return _print_schema(stdout(), of_decisions=decision_schema)
    if file is None:
        raise Problem("No scenario file is named.", "Give one, or - for standard input; --schema shows its form.")
    out, tally = stdout(), _Tally()
    what = "scenario file"
    with opened(file, what) as stream:
        buffered = stream if hasattr(stream, "peek") else io.BufferedReader(cast("io.RawIOBase", stream))
        writer = _JsonWriter(out, _is_array(buffered)) if as_json else _TextWriter(out)
        for entry in read_scenarios(buffered):
            _answer(entry, expect, writer, tally, with_trace=with_trace)
            if tally.malformed_on_end > _MOST_MALFORMED:
                writer.end()
                raise Problem(
                    f"{_MOST_MALFORMED:,} entries of the {what} one after the other are not scenarios; "
                    "the rest was not read.",
                    "Is it the right file? --schema shows the form of a scenario.",
                )
        if tally.decided + tally.malformed == 0:
            where = "Standard input" if file == "-" else f"The {what} {file}"
            raise Problem(f"{where} holds no scenario.", "Expected a JSON object, an array of them, or JSON lines.")
        writer.end()
    note(tally.sentence)
    return tally.exit


def _print_schema(out: Output, *, of_decisions: bool) -> Exit:
    out.json(decision_schema() if of_decisions else scenario_schema(), indent=2)
    return Exit.OK


def _is_array(stream: IO[bytes]) -> bool:
    """Whether the first character that counts opens an array; nothing is taken from the stream."""
    head: bytes = stream.peek(_PEEK)  # type: ignore[attr-defined]  # a BufferedReader
    return head.removeprefix(_BOM).lstrip(_WHITE).startswith(b"[")


def _answer(
    entry: Scenario | MalformedScenario,
    expect: Expectation | None,
    writer: _JsonWriter | _TextWriter,
    tally: _Tally,
    *,
    with_trace: bool,
) -> None:
    if isinstance(entry, MalformedScenario):
        tally.malformed += 1
        tally.malformed_on_end += 1
        writer.malformed(entry)
        return
    decision = evaluate(entry.request, entry.policies, entry.options)
    decision = with_open_points(decision, entry.request, entry.policies, entry.options)
    expected = entry.expect or expect
    tally.decided += 1
    tally.malformed_on_end = 0
    tally.expected += expected is not None
    unmet = expected is not None and not expected.met_by(decision.outcome)
    tally.unmet += unmet
    if expected is not None and not unmet and not decision.allowed and entry.request.wildcard_only_action is None:
        # What AWS never asks is never allowed: such an expectation is met whatever the policies say.
        doubt = _doubt_about(entry.request.action, entry.request.resource)
        if doubt:
            note(f"{_named(entry)}{doubt}")
    writer.decided(entry, decision, expected if unmet else None, with_trace=with_trace)


def _named(entry: Scenario) -> str:
    return "" if entry.id is None else f"{entry.id}: "


class _JsonWriter:
    """Decisions as JSON lines, or as the elements of one array."""

    def __init__(self, out: Output, array: bool) -> None:
        self._out = out
        self._array = array
        self._started = False

    def malformed(self, entry: MalformedScenario) -> None:
        """Write an error in its place."""
        self._write(entry.as_json())

    def decided(self, entry: Scenario, decision: Decision, unmet: str | None, *, with_trace: bool) -> None:
        """Write a decision; that it is not the expected one goes to stderr."""

        traced = trace_to_json(trace(entry.request, entry.policies, entry.options)) if with_trace else None
        self._write(decision_to_json(decision, id=entry.id, trace=traced))
        if unmet is not None:
            note(f"{_named(entry)}expected {unmet}, but it is {decision.outcome.value}.")

    def _write(self, value: object) -> None:
        if self._array:
            self._out.raw(",\n" if self._started else "[\n")
        self._started = True
        self._out.json(value, end="" if self._array else "\n")

    def end(self) -> None:
        """Close what is open."""
        if self._array:
            self._out.raw("\n]\n")


class _TextWriter:
    """One line for each scenario; of one that is not as expected also why, and what that rests on."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._number = 0

    def malformed(self, entry: MalformedScenario) -> None:
        """Write what is wrong, in its place."""
        text = str(entry.error)
        at = "" if entry.line is None or _LINE.search(text) else f" (line {entry.line})"
        self._out.line(*self._name(entry.id), Span("[!] MALFORMED", Style.BAD), f" {text}{at}")

    def decided(self, entry: Scenario, decision: Decision, unmet: str | None, *, with_trace: bool) -> None:
        """Write a decision."""

        words = verdict_words(decision)
        wrong = (Span(f"  expected {unmet}", Style.BAD),) if unmet is not None else ()
        self._out.line(
            *self._name(entry.id),
            Span(f"{words.mark} {words.word}", verdict_style(decision)),
            f" {words.rest}" if words.rest else "",
            *wrong,
            Span(f"  {subject_of(decision)}", Style.QUIET),
        )
        if unmet is None and not with_trace:
            return
        self._out.paragraph(explain(decision).paragraph, indent=_INDENT)
        if with_trace:
            write_trace(self._out, decision, trace(entry.request, entry.policies, entry.options))
        write_basis(self._out, decision)

    def _name(self, given: str | int | None) -> tuple[str | Span, ...]:
        self._number += 1
        return (f"{given if given is not None else f'#{self._number}'}  ",)

    def end(self) -> None:
        """Nothing is open."""
