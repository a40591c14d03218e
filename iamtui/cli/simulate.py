"""`iamtui simulate`: scenarios without an account, from a file or a pipe, one at a time."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import IO, Final, cast

import click

from iamtui.cli.command import command, output_options
from iamtui.cli.input import opened
from iamtui.cli.output import Exit, JsonRecords, Output, Span, Style, note, stdout
from iamtui.cli.questions import expect_option
from iamtui.cli.render import subject_of, verdict_style, write_basis, write_trace
from iamtui.engine.decision import Expectation
from iamtui.engine.scenarios.scenario import MalformedScenario, Scenario, ScenarioError, read_scenarios, scenario_schema
from iamtui.engine.words.decision_json import decision_schema as schema_of_decisions
from iamtui.engine.words.decision_json import decision_to_json
from iamtui.engine.words.explanation import explain
from iamtui.engine.words.trace import trace, trace_to_json
from iamtui.presentation.answer_json import companion_to_json
from iamtui.presentation.verdict import verdict_words
from iamtui.problem import Problem
from iamtui.text import counted
from iamtui.workspace.ask.dependent_questions import ScenarioAnswer, answer_scenario

_PEEK: Final = 64 * 1024
_WHITE: Final = b" \t\r\n"
_BOM: Final = b"\xef\xbb\xbf"
_INDENT: Final = 4
_MOST_MALFORMED: Final = 1_000
"""Malformed entries one after the other, after which it is the wrong file."""

_LINE: Final = re.compile(r"\(line [0-9]+\)")


@dataclass(slots=True)
class _Tally:
    """Counts of the decisions so far."""

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
        words = counted(total, "scenario")
        if self.expected:
            words += f", {self.expected - self.unmet} of {self.expected} as expected"
        if self.malformed:
            words += f", {self.malformed} malformed"
        return words + "."


@command(epilog="Exit codes: 0; 1 when a decision is not the expected one; 2 when a scenario is malformed.")
@click.argument("file", required=False)
@expect_option("Decision expected of scenarios without one: allowed, denied, explicitDeny, implicitDeny or depends.")
@click.option("--trace", "with_trace", is_flag=True, help="Show every statement and element that was evaluated.")
@output_options("text", "json")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of a scenario and stop.")
@click.option("--decision-schema", is_flag=True, help="Print the JSON Schema of a decision and stop.")
def simulate(
    file: str | None, expect: Expectation | None, with_trace: bool, form: str, schema: bool, decision_schema: bool
) -> Exit:
    """Evaluate the scenarios in FILE (- for standard input): each is a request and the policies in force.

    FILE holds one JSON object, an array of them, or JSON lines, which are read and answered one at a time. A malformed
    scenario keeps its place in the output.
    """
    if schema or decision_schema:
        stdout().json(schema_of_decisions() if decision_schema else scenario_schema(), indent=2)
        return Exit.OK
    if file is None:
        raise Problem("No scenario file is named.", "Give one, or - for standard input; --schema shows its form.")
    out, tally = stdout(), _Tally()
    what = "scenario file"
    with opened(file, what) as stream:
        buffered = stream if hasattr(stream, "peek") else io.BufferedReader(cast("io.RawIOBase", stream))
        writer = _JsonWriter(out, _is_array(buffered)) if form == "json" else _TextWriter(out)
        for entry in read_scenarios(buffered):
            _answer(entry, expect, writer, tally, with_trace=with_trace)
            if tally.malformed_on_end > _MOST_MALFORMED:
                writer.end()
                raise Problem(
                    f"{_MOST_MALFORMED:,} entries of the {what} in a row are not scenarios; the rest was not read.",
                    "Is it the right file? --schema shows the form of a scenario.",
                )
        if tally.decided + tally.malformed == 0:
            where = "Standard input" if file == "-" else f"The {what} {file}"
            raise Problem(f"{where} holds no scenario.", "Expected a JSON object, an array of them, or JSON lines.")
        writer.end()
    note(tally.sentence)
    return tally.exit


def _is_array(stream: IO[bytes]) -> bool:
    """True if the first character that is not blank opens an array; takes nothing from the stream."""
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
    if isinstance(entry, Scenario):
        try:
            answer = answer_scenario(entry)
        except ScenarioError as error:
            # A scenario all the same, so that the file is not taken for another.
            entry, tally.malformed_on_end = MalformedScenario(entry.id, error), -1
    if isinstance(entry, MalformedScenario):
        tally.malformed += 1
        tally.malformed_on_end += 1
        writer.malformed(entry)
        return
    expected = entry.expect or expect
    tally.decided += 1
    tally.malformed_on_end = 0
    tally.expected += expected is not None
    unmet = "" if expected is None else answer.unmet(expected)
    tally.unmet += bool(unmet)
    if answer.never_asked and expected is not None:
        note(f"{_named(entry)}{answer.never_asked}")
    writer.decided(entry, answer, f"expected {expected}, but {unmet}" if unmet else "", with_trace=with_trace)


def _named(entry: Scenario) -> str:
    return "" if entry.id is None else f"{entry.id}: "


class _JsonWriter:
    """Decisions as JSON lines, or as the elements of one array."""

    def __init__(self, out: Output, array: bool) -> None:
        self._records = JsonRecords(out, lines=not array, indent=None)

    def malformed(self, entry: MalformedScenario) -> None:
        self._write(entry.as_json())

    def decided(self, entry: Scenario, answer: ScenarioAnswer, unmet: str, *, with_trace: bool) -> None:
        """Write an answer; that it is not the expected one goes to stderr."""
        traced = trace_to_json(trace(entry.request, entry.policies, entry.options)) if with_trace else None
        found = decision_to_json(answer.decision, id=entry.id, trace=traced)
        if answer.beside:
            found["deciding"] = answer.deciding.outcome.value
            found["companions"] = [companion_to_json(one) for one in answer.beside]
        if answer.never_asked:
            found["never_asked"] = answer.never_asked
        self._write(found)
        if unmet:
            note(f"{_named(entry)}{unmet}.")

    def _write(self, value: object) -> None:
        self._records.add(value)

    def end(self) -> None:
        self._records.end()


class _TextWriter:
    """One line for each scenario; of one that is not as expected also why, and what that rests on."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._number = 0

    def malformed(self, entry: MalformedScenario) -> None:
        text = str(entry.error)
        at = "" if entry.line is None or _LINE.search(text) else f" (line {entry.line})"
        self._out.line(*self._name(entry.id), Span("[!] MALFORMED", Style.BAD), f" {text}{at}")
        self._out.flush()

    def decided(self, entry: Scenario, answer: ScenarioAnswer, unmet: str, *, with_trace: bool) -> None:
        self._write(entry, answer, unmet, with_trace=with_trace)
        self._out.flush()

    def _write(self, entry: Scenario, answer: ScenarioAnswer, unmet: str, *, with_trace: bool) -> None:
        decision, deciding = answer.decision, answer.deciding
        words = verdict_words(deciding)
        told = f"{words.word} {words.rest}".strip()
        verdict = Span(f"{words.mark} {words.word}", verdict_style(deciding)), f" {words.rest}" if words.rest else ""
        if answer.never_asked:
            verdict = Span("[!] NEVER ASKED", Style.OPEN), f" (the policies alone would say {told})"
        self._out.line(
            *self._name(entry.id),
            *verdict,
            *((f"  {unmet}",) if unmet and not answer.never_asked else ()),
            Span(f"  {subject_of(deciding)}", Style.QUIET),
        )
        if not unmet and not with_trace:
            if answer.never_asked:
                self._out.paragraph(answer.never_asked, indent=_INDENT)
            return
        self._out.paragraph(explain(deciding).paragraph, indent=_INDENT)
        if deciding is not decision:
            self._out.paragraph(
                f"It is checked with {decision.request.action}, of which the answer by itself is "
                f"{verdict_words(decision)}.",
                indent=_INDENT,
            )
        if with_trace:
            write_trace(self._out, decision, trace(entry.request, entry.policies, entry.options))
        write_basis(self._out, deciding)

    def _name(self, given: str | int | None) -> tuple[str | Span, ...]:
        self._number += 1
        return (f"{given if given is not None else f'#{self._number}'}  ",)

    def end(self) -> None:
        """Nothing is open."""
