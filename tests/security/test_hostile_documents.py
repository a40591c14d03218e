"""Documents made to cost time or memory, or to be read as what they are not, through the real program."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from iamtui import input_files
from iamtui.engine.scenarios.scenario import MalformedScenario, Scenario, read_scenarios
from iamtui.policy.document import PolicyDocument
from iamtui.policy.json_text import LONGEST_PATH, positions
from iamtui.problem import Problem
from iamtui.sources.snapshot import read_snapshot
from tests.support.evil_account import evil_snapshot
from tests.support.program_on_terminal import PROGRAM, environment
from tests.support.slow import one_quick
from tests.support.snapshot_builder import as_bytes

CPU_SECONDS = 20
MEMORY_BYTES = 3 * 1024**3
"""Beyond these the program is killed; what it needs is a small part of them."""

QUOTES = "[]" * 65 + '"' + '\\"' * 120_000
"""A text that never ends: every quote in it looks like the start of another one."""

DOCUMENTS = {
    "a text that never ends": QUOTES,
    "brackets": "[" * 250_000,
    "objects": '{"a":' * 50_000,
    "a long key with many values": json.dumps({"Statement": [], "k" * 100_000: [0] * 50_000}),
    "variables that never end": json.dumps(
        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "${" * 120_000}}
    ),
    "stars": json.dumps({"Statement": {"Effect": "Allow", "Action": "*a" * 60_000, "Resource": "*a" * 60_000 + "b"}}),
    "actions of stars and question marks": json.dumps(
        {"Statement": {"Effect": "Allow", "Action": [f"s3:{i}a{'*?' * 50}" for i in range(500)], "Resource": "*"}}
    ),
    "a resource of stars and question marks": json.dumps(
        {
            "Statement": {
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": [f"arn:aws:s3:::{i}{'*?' * 1_900}" for i in range(30)],
            }
        }
    ),
    "many actions": json.dumps(
        {"Statement": {"Effect": "Allow", "Action": [f"s3:G*t*{i}*" for i in range(12_000)], "Resource": "*"}}
    ),
    "long resources that might cover each other": json.dumps(
        {
            "Statement": {
                "Effect": "Allow",
                "Action": "s3:GetObjekt",
                "Resource": ["arn:aws:s3:::" + "a*" * 900 + str(i) for i in range(250)]
                + ["arn:aws:s3:::" + "a" * 900 + str(i) for i in range(250)],
            }
        }
    ),
    "statements that trust alike": json.dumps(
        {
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "rolesanywhere.amazonaws.com"}, "Action": f"sts:X{i}"}
                for i in range(4_000)
            ]
        }
    ),
}


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def run_limited(home: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run the program with little time and memory."""
    return subprocess.run(
        [*PROGRAM, *words],
        env=environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        preexec_fn=_limit,
        check=False,
    )


@one_quick("name", list(DOCUMENTS))
def test_lint_is_not_worn_out(name: str, tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text(DOCUMENTS[name])
    done = run_limited(tmp_path, "lint", str(file))
    assert done.returncode in (0, 2), done.stderr[-500:]
    assert b"error in iamtui itself" not in done.stderr
    assert b"error" in done.stdout


LARGER_THAN_IAM_TAKES = {
    "long resources that might cover each other",
    "statements that trust alike",
    "many actions",
}
"""Documents that no role can have; as a file of their own they are read."""


@one_quick("name", list(DOCUMENTS))
def test_an_account_with_such_a_document_is_shown(name: str, tmp_path: Path) -> None:
    role = {
        "RoleName": "r",
        "RoleId": "AROAR",
        "Arn": "arn:aws:iam::123456789012:role/r",
        "Path": "/",
        "CreateDate": "2024-01-01T00:00:00Z",
        "AssumeRolePolicyDocument": DOCUMENTS[name],
    }
    file = tmp_path / "account.json"
    file.write_text(json.dumps({"RoleDetailList": [role]}))
    done = run_limited(tmp_path, "can", "role/r", "s3:GetObject", "--snapshot", str(file))
    shown = run_limited(tmp_path, "show", "role/r", "--snapshot", str(file))
    if name in LARGER_THAN_IAM_TAKES:
        for refused in (done, shown):
            assert refused.returncode == 2
            assert b"more than the 131,072 that IAM takes" in refused.stderr
    else:
        assert done.returncode in (1, 3), done.stderr[-500:]
        assert shown.returncode == 0


ARN = "arn:aws:iam::123456789012:user/" + "/".join(["p" * 500] * 4)[:1_990] + "/u"
LONG = "${aws:PrincipalArn}?"
VARIABLES = {
    "condition": {
        "Resource": "*",
        "Condition": {"StringLike": {"aws:username": [f"{LONG * 90}{i}" for i in range(450)]}},
    },
    "resource": {"Resource": [f"arn:aws:s3:::{LONG * 15}{i}" for i in range(150)]},
    "wide resource": {"Resource": [f"arn:aws:s3:::*{LONG}{i}" for i in range(1_200)]},
    "too long a resource": {"Resource": f"arn:aws:s3:::{LONG * 20}"},
}
"""Entries of one statement whose variables stand for an ARN of 2,000 characters each."""


@one_quick("name", VARIABLES)
@one_quick("question", ["can user/u s3:GetObject --on arn:aws:s3:::b/*", "what-can user/u"])
def test_values_put_into_patterns_do_not_wear_it_out(question: str, name: str, tmp_path: Path) -> None:
    allowing = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [allowing, {"Effect": "Deny", "Action": "s3:*", **VARIABLES[name]}]}
    user = {"UserName": "u", "Arn": ARN, "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": policy}]}
    file = tmp_path / "account.json"
    file.write_text(json.dumps({"UserDetailList": [user]}))
    done = run_limited(tmp_path, *question.split(), "--snapshot", str(file))
    assert done.returncode in (0, 1, 3), done.stderr[-500:]
    assert b"error in iamtui itself" not in done.stderr


@pytest.mark.slow
def test_places_of_values_do_not_outgrow_the_text() -> None:
    found = positions(DOCUMENTS["a long key with many values"])
    assert found["$.Statement"] == (1, 1)
    assert max(len(path) for path in found) <= LONGEST_PATH
    assert len(positions("[" * 1_000_000)) == 0


def test_a_number_that_would_become_infinity_is_refused() -> None:
    condition = '{"NumericLessThan": {"aws:MultiFactorAuthAge": 1e999}}'
    text = '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": ' + condition + "}}"
    assert "too large" in str(PolicyDocument(text).error)
    fine = PolicyDocument(text.replace("1e999", "1e99"))
    assert fine.error is None


def test_a_broken_character_makes_one_scenario_malformed_and_not_the_rest(tmp_path: Path) -> None:
    request = {"principal": "arn:aws:iam::123456789012:user/x", "action": "s3:GetObject", "resource": "*"}
    broken = ({"\ud800": 1}, {"request": {**request, "\udfff": 1}}, {"id": "\ud800", "\udfff": 1, "request": request})
    lines = [json.dumps(value) for value in (*broken, {"request": request})]
    file = tmp_path / "scenarios.jsonl"
    file.write_text("\n".join(lines))
    with file.open("rb") as stream:
        kinds = [type(entry) for entry in read_scenarios(stream)]
    assert kinds == [MalformedScenario] * 3 + [Scenario]


class Stopped(Exception):
    """Somebody stopped waiting."""


def test_a_pipe_that_nobody_writes_into_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_files, "PATIENCE_SECONDS", 0.2)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(Problem, match="pipe without a writer"):
        read_snapshot(pipe)


def test_waiting_for_a_pipe_can_be_stopped(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)
    asked = 0

    def stop(_size: int) -> None:
        nonlocal asked
        asked += 1
        if asked > 2:
            raise Stopped

    try:
        with pytest.raises(Stopped):
            read_snapshot(pipe, stop)
    finally:
        os.close(writer)


def test_a_slow_writer_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_files, "PATIENCE_SECONDS", 0.0)
    pipe, whole = tmp_path / "pipe", tmp_path / "whole.json"
    os.mkfifo(pipe)
    whole.write_bytes(as_bytes(evil_snapshot()))
    code = (
        "import sys, time\n"
        "data = open(sys.argv[1], 'rb').read()\n"
        "with open(sys.argv[2], 'r+b', buffering=0) as out:\n"
        "    print('open', flush=True)\n"
        "    for start in range(0, len(data), 9999):\n"
        "        time.sleep(0.05)\n"
        "        out.write(data[start:start + 9999])\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(whole), str(pipe)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdin is not None
        writer.stdout.readline()
        ended = False

        def let_it_end(_size: int) -> None:
            nonlocal ended
            if not ended and writer.stdin is not None:
                ended = True
                writer.stdin.close()

        assert read_snapshot(pipe, let_it_end) == read_snapshot(whole)
