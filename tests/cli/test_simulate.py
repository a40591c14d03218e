"""`iamtui simulate`."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from iamtui.cli.main import run
from iamtui.cli.output import Screen
from tests.support import wording
from tests.support.cli_runner import Cli
from tests.support.slow import one_quick

ALLOW = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}


def scenario(name: str | int | None = None, action: str = "s3:GetObject", **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "request": {
            "principal": "arn:aws:iam::111111111111:user/a", "action": action, "resource": "arn:aws:s3:::b/x",
        },
        "identity_policies": [{"name": "p", "document": ALLOW}],
        **more,
    }  # fmt: skip


def lines(*scenarios: Any) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in scenarios)


def test_one_object_gives_one_decision(cli: Cli) -> None:
    result = cli("simulate", "-", "--json", stdin=json.dumps(scenario("one"), indent=2))
    assert result.code == 0
    assert result.json["id"] == "one"
    assert result.json["decision"] == "allowed"


def test_an_array_gives_an_array_and_lines_give_lines(cli: Cli) -> None:
    both = [scenario("a"), scenario("b", "ec2:RunInstances")]
    array = cli("simulate", "-", "--json", stdin="\ufeff  " + json.dumps(both)).json
    assert [(d["id"], d["decision"]) for d in array] == [("a", "allowed"), ("b", "implicitDeny")]
    assert cli("simulate", "-", "--json", stdin=lines(*both)).json_lines == array


def test_text_is_one_line_each(cli: Cli) -> None:
    result = cli("simulate", "-", stdin=lines(scenario("a"), scenario(None, identity_policies=[])))
    assert [line.split("  ")[:2] for line in result.out.splitlines()] == [
        ["a", wording.ALLOWED], ["#2", wording.IMPLICIT_DENY],
    ]  # fmt: skip


def test_reads_a_file(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "scenarios.json"
    file.write_text(lines(scenario("a")))
    assert cli("simulate", file).code == 0


def test_a_malformed_scenario_keeps_its_place_and_the_exit_code_is_two(cli: Cli) -> None:
    text = lines(scenario("a"), scenario("b", "s3")) + "{no json\n" + lines(scenario("d", expect="implicitDeny"))
    result = cli("simulate", "-", "--json", stdin=text)
    assert result.code == 2
    a, b, c, d = result.json_lines
    assert (a["id"], d["id"]) == ("a", "d")
    assert b["id"] == "b"
    assert b["error"]["path"] == "$.request.action"
    assert c["error"]["path"] == "$"
    assert "2 malformed" in result.err
    shown = cli("simulate", "-", stdin=text).out.splitlines()
    assert shown[1].startswith("b  [!] MALFORMED $.request.action: ")
    assert shown[2].startswith("#3  [!] MALFORMED")
    assert [line.count("(line ") for line in shown[:4]] == [0, 1, 1, 0]


@pytest.mark.parametrize(("expect", "code"), [("allowed", 0), ("implicitDeny", 1), (None, 0)])
def test_an_expectation_of_the_scenario_decides_the_exit_code(cli: Cli, expect: str | None, code: int) -> None:
    result = cli("simulate", "-", "--json", stdin=json.dumps(scenario("a", expect=expect)))
    assert result.code == code
    assert ("a: expected implicitDeny, but it is allowed." in result.err) == (code == 1)


def test_the_option_expects_of_those_that_expect_nothing(cli: Cli) -> None:
    text = lines(scenario("a"), scenario("b", expect="allowed"))
    assert cli("simulate", "-", "--expect", "implicitDeny", stdin=text).code == 1
    result = cli("simulate", "-", "--expect", "allowed", stdin=text)
    assert result.code == 0
    assert "2 of 2 as expected" in result.err


def test_trace_is_added(cli: Cli) -> None:
    text = json.dumps(scenario("a"))
    assert cli("simulate", "-", "--json", "--trace", stdin=text).json["trace"][0]["layer"] == "identity"
    assert "[+] Action  wants s3:*  seen: s3:GetObject" in cli("simulate", "-", "--trace", stdin=text).out


@pytest.mark.parametrize("expect", ["allowed", "denied"])
def test_what_holds_on_some_of_the_resources_is_neither_allowed_nor_denied(cli: Cli, expect: str) -> None:
    denied = {"Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::b/x"}
    policies = [{"name": "p", "document": {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}, denied]}}]
    asked = scenario("a", expect=expect, identity_policies=policies)
    asked["request"] = {**asked["request"], "resource": "arn:aws:s3:::b/*"}
    result = cli("simulate", "-", stdin=json.dumps(asked))
    assert result.code == 1
    assert "0 of 1 as expected" in result.err
    assert ("it is allowed only on some of the resources" in result.out) == (expect == "allowed")


def test_text_says_why_a_decision_is_not_the_expected_one_and_what_it_rests_on(cli: Cli) -> None:
    misspelt = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": "*"}
    policies = [{"name": "p", "document": {"Version": "2012-10-17", "Statement": misspelt}}]
    unmet, met = (scenario("a", identity_policies=policies, expect=expect) for expect in ("implicitDeny", "allowed"))
    told = cli("simulate", "-", stdin=lines(unmet)).out
    assert "granted by p / statement 1" in told
    assert "assumed        the resource belongs to the caller's account 111111111111" in told
    assert "has a Principal, which AWS would refuse" in told
    assert "[+] Action" not in told
    assert len(cli("simulate", "-", stdin=lines(met)).out.splitlines()) == 1
    traced = cli("simulate", "-", "--trace", stdin=lines(met)).out
    assert "granted by p / statement 1" in traced
    assert traced.index("[+] Action") < traced.index("has a Principal")


@pytest.mark.parametrize("form", [(), ("--json",)])
@pytest.mark.parametrize(
    ("action", "resource", "said"),
    [
        ("s3:ListBucket", "arn:aws:s3:::b/x", "a: AWS never asks this: s3:ListBucket is about arn:aws:s3:::"),
        ("s3:GetObject", "arn:aws:s3:::b/x", ""),
    ],
)
def test_a_denial_that_is_expected_of_what_aws_never_asks_is_met_and_said(
    cli: Cli, form: tuple[str, ...], action: str, resource: str, said: str
) -> None:
    asked = scenario("a", action, expect="denied", identity_policies=[])
    asked["request"]["resource"] = resource
    result = cli("simulate", "-", *form, stdin=lines(asked))
    assert result.code == 0
    assert "1 of 1 as expected" in result.err
    if form:
        assert ("never_asked" in result.json) == bool(said)
        assert result.json.get("never_asked", "").startswith(said.removeprefix("a: "))
    assert (said in result.err) if said else ("never asks" not in result.err)
    assert "never asks" not in cli("simulate", "-", *form, stdin=lines({**asked, "expect": None})).err
    asked["request"]["wildcard_only_action"] = False
    meant = cli("simulate", "-", *form, stdin=lines(asked))
    assert "never asks" not in meant.err + meant.out


@pytest.mark.parametrize("options", [(), ("--json",), ("--expect", "denied")])
def test_an_action_that_aws_does_not_have_is_the_error_of_its_entry(cli: Cli, options: tuple[str, ...]) -> None:
    entries = [scenario(name, action, identity_policies=[]) for name, action in (("a", "s3:GetObjct"), ("b", "s3:X"))]
    entries.append(scenario("c", "s3:GetObject", identity_policies=[]))
    result = cli("simulate", "-", *options, stdin=lines(*entries))
    assert result.code == 2
    assert "$.request.action" in result.out
    assert "AWS has no action s3:GetObjct" in " ".join(result.out.split())
    assert "Nearest: s3:GetObject" in " ".join(result.out.split())
    assert "3 scenarios" in result.err
    assert "2 malformed" in result.err
    entries[0]["request"]["wildcard_only_action"] = False
    assert cli("simulate", "-", stdin=lines(entries[0])).code == 0


BUCKET_ALONE = "AWS never asks this: s3:GetObject is about arn:aws:s3:::${BucketName}/${ObjectName}"


def test_what_aws_never_asks_is_not_allowed_whatever_the_policies_say(cli: Cli) -> None:
    asked = scenario("a")
    asked["request"]["resource"] = "arn:aws:s3:::b"
    shown = cli("simulate", "-", stdin=lines(asked))
    assert shown.out.startswith("a  [!] NEVER ASKED (the policies alone would say ALLOWED)  ")
    assert BUCKET_ALONE in " ".join(shown.out.split())
    decision = cli("simulate", "-", "--json", stdin=lines(asked)).json
    assert decision["never_asked"].startswith(BUCKET_ALONE)
    assert decision["never_asked"] in decision["notes"]
    for form in ((), ("--json",)):
        unmet = cli("simulate", "-", *form, "--expect", "allowed", stdin=lines(asked))
        assert unmet.code == 1
        assert "0 of 1 as expected" in unmet.err
        assert f"a: {BUCKET_ALONE}" in unmet.err
    assert "a: expected allowed, but AWS never asks this." in unmet.err


FUNCTION = "arn:aws:lambda:us-east-1:111111111111:function:f"
THROUGH_URL = {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}


@pytest.mark.parametrize(
    ("allowed", "condition", "deciding"),
    [
        (["lambda:InvokeFunctionUrl"], {}, "implicitDeny"),
        (["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"], {}, "allowed"),
        (["lambda:InvokeFunction"], {}, "implicitDeny"),
        (["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"], THROUGH_URL, "allowed"),
    ],
)
def test_a_call_through_a_function_url_needs_both_actions(
    cli: Cli, allowed: list[str], condition: dict[str, Any], deciding: str
) -> None:
    statements = [{"Effect": "Allow", "Action": allowed[:1], "Resource": "*"}]
    statements += [{"Effect": "Allow", "Action": allowed[1:], "Resource": "*", "Condition": condition}]
    policies = [{"name": "p", "document": {"Version": "2012-10-17", "Statement": statements[: len(allowed)]}}]
    asked = scenario("a", "lambda:InvokeFunctionUrl", identity_policies=policies)
    asked["request"]["resource"] = FUNCTION
    found = cli("simulate", "-", "--json", stdin=lines(asked)).json
    own = "allowed" if "lambda:InvokeFunctionUrl" in allowed else "implicitDeny"
    assert (found["decision"], found["deciding"]) == (own, deciding)
    (beside,) = found["companions"]
    assert (beside["action"], beside["resource"], beside["decides"]) == ("lambda:InvokeFunction", FUNCTION, True)
    assert beside["answer"]["request"]["context"] == {"lambda:InvokedViaFunctionUrl": "true"}
    shown = cli("simulate", "-", "--expect", "allowed", stdin=lines(asked))
    assert shown.code == (0 if deciding == "allowed" else 1)
    if own == "allowed" != deciding:
        assert shown.out.startswith(
            f"a  {wording.IMPLICIT_DENY}  expected allowed, but it is implicitDeny (lambda:InvokeFunction)"
        )
        assert f"by itself is {wording.ALLOWED}" in shown.out


def test_a_call_of_one_action_has_no_others_beside_it(cli: Cli) -> None:
    found = cli("simulate", "-", "--json", stdin=lines(scenario("a"))).json
    assert not {"deciding", "companions", "never_asked"} & set(found)


def test_the_trace_says_of_each_level_what_that_level_does(cli: Cli) -> None:
    everything = [{"name": "all", "document": ALLOW}]
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    rcp = {"name": "no", "document": {"Version": "2012-10-17", "Statement": deny}}
    asked = scenario("a", scps=[everything, []], rcps=[[], [rcp]])
    told = [line.strip() for line in cli("simulate", "-", "--trace", stdin=lines(asked)).out.splitlines()]
    assert [line for line in told if line.startswith(("SCP level", "RCP level"))] == [
        "SCP level 0  all / statement 1 allows it.",
        "SCP level 1  No SCP of this level allows it.",
        "RCP level 0  No RCP of this level denies it.",
        "RCP level 1  no / statement 1 denies it.",
    ]
    maybe = scenario("a", mode="discover", rcps=[[rcp]])
    document = maybe["rcps"][0][0]["document"]
    document["Statement"]["Condition"] = {"StringEquals": {"aws:SourceVpc": "vpc-1"}}
    out = cli("simulate", "-", "--trace", stdin=lines(maybe)).out
    assert "RCP level 0  No RCP of this level denies it, unless no / statement 1 turns out to deny it." in out


def test_the_trace_shows_an_empty_text_an_unknown_key_and_why_several_values_do_not_compare(cli: Cli) -> None:
    conditions = {
        "StringLike": {"s3:prefix": ["", "home/*"]},
        "StringEquals": {"s3:delimiter": "", "aws:TagKeys": ["a", "b"]},
    }
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": conditions}
    asked = scenario(
        "a",
        mode="discover",
        identity_policies=[{"name": "p", "document": {"Version": "2012-10-17", "Statement": statement}}],
    )
    asked["request"]["context"] = {"s3:delimiter": "", "aws:TagKeys": ["a", "b"]}
    out = cli("simulate", "-", "--trace", stdin=lines(asked)).out
    assert '[?] StringLike s3:prefix  wants "", home/*  seen: The key is unknown.' in out
    assert '[+] StringEquals s3:delimiter  wants ""  seen: ""' in out
    assert "[-] StringEquals aws:TagKeys  wants a, b  seen: a, b  Several values without ForAnyValue or" in out


def test_schemas_are_printed(cli: Cli) -> None:
    assert cli("simulate", "--schema").json["title"] == "iamtui scenario"
    assert cli("simulate", "--decision-schema").json["title"] == "iamtui decision"


@pytest.mark.parametrize("text", ["", " \n ", "[]"])
def test_no_scenario_at_all_is_an_error(cli: Cli, text: str) -> None:
    cli("simulate", "-", stdin=text).failed_with("Standard input holds no scenario")


@pytest.mark.parametrize("data", [b"\xff\xfe\x00noise", b"\x00\x01\x02", b"<html></html>", b"42", b'"text"', b"null"])
def test_noise_is_malformed_and_never_an_answer(cli: Cli, data: bytes) -> None:
    result = cli("simulate", "-", "--json", stdin=data)
    assert result.code == 2
    assert "error" in result.json_lines[0]


def test_hostile_text_is_shown_harmlessly(cli: Cli) -> None:
    text = json.dumps(scenario("evil\x1b]52;c;cHduZWQ=\x07\u202e", expect="implicitDeny"))
    for words in (("simulate", "-"), ("simulate", "-", "--json"), ("simulate", "-", "--trace")):
        result = cli(*words, stdin=text)
        assert "\x1b" not in result.out + result.err
        assert "\u202e" not in result.out + result.err


@pytest.mark.parametrize("options", [("--json",), ()])
def test_lines_are_answered_while_more_are_to_come(options: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "iamtui", "simulate", "-", *options]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=buffered) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(2):
            process.stdin.write((json.dumps(scenario(f"scenario-{number}")) + "\n").encode())
            process.stdin.flush()
            assert f"scenario-{number}".encode() in process.stdout.readline()
        process.stdin.close()
        assert not process.stdout.read()
    assert process.returncode == 0


@pytest.mark.parametrize("options", [("--json",), (), ("--trace", "--json")])
@one_quick("resource", ["arn:aws:s3:::b/*", "arn:aws:s3:::b/x"])
def test_an_answer_leaves_nothing_to_the_garbage_collector(cli: Cli, options: tuple[str, ...], resource: str) -> None:
    def left_by(count: int) -> int:
        text = lines(*(scenario(number) for number in range(count))).replace("arn:aws:s3:::b/x", resource)
        gc.collect()
        gc.disable()
        try:
            assert cli("simulate", "-", *options, stdin=text).code == 0
            return gc.collect()
        finally:
            gc.enable()

    left_by(2)
    few, many = left_by(10), left_by(60)
    assert many < few + 50


@pytest.mark.slow
def test_a_long_stream_needs_no_more_memory_than_a_short_one(cli: Cli, tmp_path: Path) -> None:
    def peak(count: int) -> int:
        file = tmp_path / f"{count}.jsonl"
        with file.open("w") as out:
            for number in range(count):
                out.write(json.dumps(scenario(number)) + "\n")
        with (tmp_path / "out").open("w") as sink, cli.monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", sink)
            gc.collect()
            tracemalloc.start()
            code = run(["simulate", str(file), "--json"], Screen(lambda *_given: 0, tuple, lambda _choice, _name: None))
            high = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert code == 0
        return high

    peak(10)
    # What is remembered of patterns has a bound: memory grows at first.
    short, long = peak(2000), peak(8000)
    assert long < short + 800_000, "less than what 6,000 scenarios weigh"


def test_a_decision_that_rests_on_an_open_point_says_so(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    file.write_text(
        json.dumps(
            {
                "request": {
                    "principal": "arn:aws:sts::111111111111:federated-user/f",
                    "issuer": "arn:aws:iam::111111111111:user/alice",
                    "action": "s3:GetObject",
                    "resource": "arn:aws:s3:::b/k",
                },
                "identity_policies": [
                    {"name": "p", "document": {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}}
                ],
            }
        )
    )
    decision = json.loads(cli("simulate", str(file), "--json").out)
    assert decision["decision"] == "implicitDeny"
    assert any("deny_federated_without_session_policy" in note for note in decision["notes"])


@pytest.mark.slow
def test_a_thousand_malformed_entries_in_a_row_are_the_wrong_file(cli: Cli) -> None:
    result = cli("simulate", "-", "--json", stdin="[" + ",".join(["[]"] * 5_000) + "]")
    assert result.code == 2
    assert "1,000 entries of the scenario file in a row are not scenarios" in result.err
    assert len(result.json) == 1_001
    some = "\n".join(["{}"] * 900)
    good = '{"request": {"principal": "arn:aws:iam::123456789012:user/x", "action": "s3:GetObject", "resource": "*"}}'
    assert len(cli("simulate", "-", "--json", stdin=f"{some}\n{good}\n{some}").json_lines) == 1_801
