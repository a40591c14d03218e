"""The benchmarks run, and their accounts are what they say. No figure is asserted: machines differ."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import commands, decisions, dialogs, generator, live, loading, screen
from benchmarks.__main__ import main
from benchmarks.generator import TINY, Size
from benchmarks.results import SMOKE, Result
from iamtui.account.model import Account
from iamtui.engine.request import NamedPolicy
from iamtui.engine.scenarios.scenario import Scenario, read_scenarios
from iamtui.questions.policies_in_force import identity_policies
from tests.support.slow import one_quick

CHECKOUT = Path(__file__).resolve().parents[1]
SMALL = Size(120, 40, 12, 60)


@pytest.fixture(scope="module")
def small() -> Account:
    return generator.account(SMALL)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_in_every_process() -> None:
    here = hashlib.sha256(generator.snapshot_bytes(TINY)).hexdigest()
    program = (
        "import hashlib; from benchmarks.generator import TINY, snapshot_bytes;"
        "print(hashlib.sha256(snapshot_bytes(TINY)).hexdigest())"
    )
    there = subprocess.run(
        [sys.executable, "-c", program],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == here
    assert generator.snapshot_bytes(TINY, seed=2) != generator.snapshot_bytes(TINY)


@pytest.mark.slow
def test_questions_are_the_same_for_the_same_seed(small: Account) -> None:
    assert generator.questions(small, 30, seed=4) == generator.questions(small, 30, seed=4)
    assert generator.questions(small, 30, seed=4) != generator.questions(small, 30, seed=5)


def test_an_account_has_the_size_it_was_asked_for(small: Account) -> None:
    own = [policy for policy in small.policies if not policy.aws_managed]
    assert (len(small.users), len(small.roles), len(small.groups), len(own)) == (120, 40, 12, 60)
    assert SMALL.principals == 160


def test_what_an_account_consists_of(small: Account) -> None:
    principals = (*small.users, *small.roles)
    in_force = [policy for entity in principals for policy in identity_policies(small, entity)]
    assert all(isinstance(policy, NamedPolicy) for policy in in_force), "an attached policy is not in the snapshot"
    documents = {policy.document for policy in in_force if isinstance(policy, NamedPolicy)}
    statements = [statement for document in documents for statement in document.policy.statements]
    conditioned = sum(bool(statement.conditions) for statement in statements) / len(statements)
    bounded = sum(entity.boundary_arn is not None for entity in principals) / len(principals)
    assert 0.35 < conditioned < 0.55
    assert 0.2 < bounded < 0.4
    assert any(len(statement.actions or ()) >= 500 for statement in statements), "no broad AWS managed policy"
    assert any("${aws:" in value for statement in statements for line in statement.conditions for value in line.values)
    assert {statement.effect for statement in statements} == {"Allow", "Deny"}


def test_scenarios_are_well_formed() -> None:
    lines = decisions.scenarios(12, seed=3)
    assert len(lines.splitlines()) == 12
    assert all(isinstance(found, Scenario) for found in read_scenarios(io.BytesIO(lines)))


@one_quick(
    "benchmark",
    [loading.run, decisions.run, live.run, screen.run, dialogs.run],
    ids=["loading", "decisions", "live", "screen", "dialogs"],
)
def test_a_benchmark_runs(benchmark, monkeypatch) -> None:
    # Each dialog takes a process.
    monkeypatch.setattr(dialogs, "_KEYS", {"who-can": "W"})
    results = list(benchmark(SMOKE))
    assert results
    assert all(result.measured >= 0 for result in results)
    assert len({result.work for result in results}) == len(results)


@pytest.mark.slow
def test_commands_run_beside_those_of_another_checkout() -> None:
    results = list(commands.run(replace(SMOKE, against=CHECKOUT)))
    assert all(result.unit == "x" and result.measured > 0 and result.goal for result in results)
    assert any("who-can" in result.work for result in results)


def test_what_is_not_a_checkout_is_refused(tmp_path, capsys) -> None:
    with pytest.raises(SystemExit):
        main(["commands", "--against", str(tmp_path)])
    assert "is not a checkout of iamtui" in capsys.readouterr().err


@pytest.mark.slow
def test_decisions_are_measured_against_the_yardstick() -> None:
    by_work = {result.work: result for result in decisions.run(SMOKE)}
    where = f"{TINY.principals:,} principals"
    ratio = by_work[f"decisions against the yardstick, {where}"]
    assert ratio.unit == "x"
    assert ratio.goal is None
    assert by_work[f"yes or no only, {where} (yardstick)"].goal is None
    assert by_work[f"decisions, {where}"].goal == decisions.DECISIONS_GOAL


def test_met_depends_on_which_way_is_better() -> None:
    assert Result("decisions", 40_000, "/s", 39_000, more_is_better=True).met
    assert not Result("decisions", 38_000, "/s", 39_000, more_is_better=True).met
    assert Result("a key", 20, "ms", 50).met
    assert Result("a key", 60, "ms", 50).met is False
    assert Result("no goal", 60, "ms").met is None


@pytest.mark.slow
def test_the_command_prints_json_and_a_table(monkeypatch, capsys) -> None:
    rows = [
        Result("some work", 12.5, "ms", 10.0, note="why"),
        Result("other work", 1234.0, "/s"),
        Result("a share", 0.1234, "x"),
    ]
    monkeypatch.setattr("benchmarks.__main__.BENCHMARKS", {"loading": lambda _plan: iter(rows)})
    assert main(["loading", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [row["met"] for row in printed["results"]] == [False, None, None]
    # Once is enough of a loop that takes a second.
    monkeypatch.setattr("benchmarks.__main__._reference_ms", lambda: 26.0)
    assert main(["loading"]) == 0
    table = capsys.readouterr().out
    assert "12.5 ms" in table
    assert "1,234 /s" in table
    assert "0.123 x" in table
    assert "0 of 1 figures met." in table


def test_a_name_that_is_no_benchmark_is_refused(capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["speed"])
    assert stopped.value.code == 2
    assert "decisions" in capsys.readouterr().err
