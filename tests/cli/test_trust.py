"""`iamtui trust`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.cli_runner import Cli


def test_one_role_is_listed_with_all_who_may_assume_it(cli: Cli, snapshot: str) -> None:
    result = cli("trust", "deploy-prod", "--snapshot", snapshot)
    assert result.code == 0
    first, *rest = result.out.splitlines()
    assert first == "role/deploy-prod"
    alice = next(line for line in rest if "user/alice" in line)
    assert "[?]" in alice
    assert "if aws:MultiFactorAuthPresent is true" in alice


def test_every_role_is_listed_and_those_that_nobody_may_assume_say_so(cli: Cli) -> None:
    out = cli("trust", "--demo").out
    assert "\nrole/ops-readonly\n" in out
    assert "ec2.amazonaws.com" in out
    assert re.search(r"and \d+ more: iamtui trust ", out)


def test_who_comes_from_outside_is_listed_first(cli: Cli, tmp_path: Path) -> None:
    may = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    arn = "arn:aws:iam::123456789012"
    users = [
        {"UserName": f"u{n}", "Arn": f"{arn}:user/u{n}", "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": may}]}
        for n in range(20)
    ]
    trusting = [
        {"Effect": "Allow", "Principal": {"AWS": whom}, "Action": "sts:AssumeRole"} for whom in ("222222222222", "*")
    ]
    role = {"RoleName": "r", "Arn": f"{arn}:role/r", "AssumeRolePolicyDocument": {**may, "Statement": trusting}}
    file = tmp_path / "account.json"
    file.write_text(json.dumps({"UserDetailList": users, "RoleDetailList": [role]}))
    lines = cli("trust", "--snapshot", str(file)).out.splitlines()
    assert "everyone" in lines[1]
    assert "account 222222222222" in lines[2]
    assert "more: iamtui trust r" in lines[-1]


def test_json_is_one_edge_a_line(cli: Cli, snapshot: str) -> None:
    edges = cli("trust", "deploy-prod", "-o", "jsonl", "--snapshot", snapshot).json_lines
    assert {edge["role"].rsplit("/", 1)[-1] for edge in edges} == {"deploy-prod"}
    alice = next(edge for edge in edges if edge["principal"].endswith("user/alice"))
    assert alice["kind"] == "user"
    assert alice["decision"] == "depends"
    assert alice["condition"] == "aws:MultiFactorAuthPresent is true"
    assert alice["without_external_id"] is False


def test_from_a_principal_the_chains_are_listed_and_counted(cli: Cli) -> None:
    result = cli("trust", "--from", "maya.okafor", "--demo")
    assert result.out.splitlines()[0] == "[+]  role/ops-readonly"
    assert "reaches 5 roles, 5 of them directly" in result.err
    steps = cli("trust", "--from", "maya.okafor", "-o", "jsonl", "--demo").json_lines
    assert [len(chain["steps"]) for chain in steps] == [1] * 5


@pytest.mark.parametrize(
    ("form", "first", "arrow"), [("dot", "digraph trust {", "->"), ("mermaid", "flowchart LR", "-->")]
)
def test_a_graph_for_other_tools(cli: Cli, form: str, first: str, arrow: str) -> None:
    lines = cli("trust", "ops-readonly", "-o", form, "--demo").out.splitlines()
    assert lines[0] == first
    assert any(arrow in line for line in lines)
    assert (lines[-1] == "}") is (form == "dot")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nix"], "No user or role of this account is role/nix."),
        (["user/maya.okafor"], "user/maya.okafor is not a role."),
        (["ops-readonly", "--from", "maya.okafor"], "Give ROLE or --from PRINCIPAL, not both."),
        (["--json", "-o", "dot"], "--json is short for -o json, and excludes -o dot."),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(cli: Cli, words: list[str], said: str) -> None:
    result = cli("trust", *words, "--demo")
    assert result.code == 2
    assert said in result.err


@pytest.mark.slow
def test_a_terminal_shows_how_many_roles_are_read(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iamtui.cli.output._on_terminal", lambda: True)
    monkeypatch.setattr("iamtui.cli.output._QUIET_SECONDS", -1)
    monkeypatch.setattr("iamtui.cli.output._LINE_SECONDS", -1)
    monkeypatch.setenv("TERM", "xterm")
    for words in (("--from", "user/maya.okafor"), ("-o", "dot"), ("--json",), ()):
        result = cli("trust", *words, "--demo")
        assert re.search(r"\rRoles and who may assume them \d+ of \d+ … ctrl\+c stops", result.err)
        assert "who may assume them" not in result.out
        assert result.err.rsplit("\r", 1)[-1].startswith("\x1b[K"), "the line is taken away in the end"


def test_trust_says_what_it_takes_for_granted(cli: Cli) -> None:
    said = "Assumed, because policies read it: aws:ViaAWSService = false; aws:RequestedRegion = eu-west-1."
    assert said in cli("trust", "deploy-prod", "--demo").err
    assert said in cli("trust", "--from", "maya.okafor", "--demo").err
