"""`python -m benchmarks [NAME ...] [--json] [--quick] [--against CHECKOUT]`: measure, and say which figures are met.

Machines differ and are shared: times are CPU times of one core or ratios within one run, medians of repeats. The
reference loop, printed first, tells how fast the machine is just now: about 26 ms on two cores of a Xeon server.

`git worktree add ../old COMMIT` and `python -m benchmarks commands --against ../old` compare with older code.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks import activity, commands, decisions, dialogs, live, loading, memory, organization, proofs, screen
from benchmarks.results import Plan, Result, median_cpu_seconds

BENCHMARKS: Final[dict[str, Callable[[Plan], Iterator[Result]]]] = {
    "decisions": decisions.run,
    "proofs": proofs.run,
    "activity": activity.run,
    "loading": loading.run,
    "live": live.run,
    "screen": screen.run,
    "dialogs": dialogs.run,
    "memory": memory.run,
    "commands": commands.run,
    "organization": organization.run,
}


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; the exit code says only whether it ran, never whether a figure is met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what must stay fast.")
    parser.add_argument("which", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="older code, to run the commands beside")
    given = parser.parse_args(arguments)
    if given.against is not None and not (given.against / "iamtui").is_dir():
        parser.error(f"{given.against} is not a checkout of iamtui")
    unknown = [name for name in given.which if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}: expected {', '.join(BENCHMARKS)}")
    plan = replace(Plan(), against=given.against.resolve() if given.against is not None else None)
    if given.quick:
        plan = replace(plan, decisions=1_500, repeats=3, cycles=100)
    reference = _reference_ms()
    python = platform.python_version()
    results: list[Result] = []
    if not given.json:
        print(f"Python {python}, reference loop {reference:.0f} ms (lower is faster)\n\n{_line(_HEADINGS)}")
    for name in dict.fromkeys(given.which or BENCHMARKS):
        for result in BENCHMARKS[name](plan):
            results.append(result)
            if not given.json:
                print(_row(result), flush=True)
    if given.json:
        rows = [result.as_json() for result in results]
        print(json.dumps({"python": python, "reference_ms": round(reference, 1), "results": rows}, indent=2))
    else:
        judged = [result for result in results if result.met is not None]
        print(f"\n{sum(result.met is True for result in judged)} of {len(judged)} figures met.")
    return 0


_HEADINGS: Final = ("work", "measured", "figure", "met", "note")
_WIDTHS: Final = (78, 12, 10, 4, 0)


def _line(cells: tuple[str, ...]) -> str:
    aligned = [
        cells[0].ljust(_WIDTHS[0]),
        *(cell.rjust(width) for cell, width in zip(cells[1:3], _WIDTHS[1:3], strict=True)),
    ]
    return "  ".join([*aligned, cells[3].ljust(_WIDTHS[3]), cells[4]]).rstrip()


def _row(result: Result) -> str:
    goal = "" if result.goal is None else _shown(result.goal, result.unit)
    met = {True: "yes", False: "NO", None: ""}[result.met]
    return _line((result.work, _shown(result.measured, result.unit), goal, met, result.note))


def _shown(value: float, unit: str) -> str:
    if unit == "x":
        return f"{value:,.{3 if value < 1 else 2}f} x"
    digits = 0 if value >= 100 or unit == "/s" else 1
    return f"{value:,.{digits}f} {unit}"


def _reference_ms() -> float:
    """CPU milliseconds of a fixed piece of plain Python, to compare machines and minutes."""

    def loop() -> int:
        counts: dict[str, int] = {}
        for number in range(200_000):
            key = f"k{number % 997}"
            counts[key] = counts.get(key, 0) + number
        return len(counts)

    return median_cpu_seconds([loop] * 7) * 1000


if __name__ == "__main__":
    sys.exit(main())
