"""`iamtui escalations`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from iamtui.workspace.review.escalation_steps import EscalationReport
from iamtui.workspace.review.escalations import find_escalations
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.workspace import SourceChoice, SourceKind, Workspace
from tests.support.cli_runner import Cli


@pytest.fixture(scope="module")
def of_the_demo() -> EscalationReport:
    return find_escalations(open_source(SourceChoice(SourceKind.DEMO)))


@pytest.fixture(autouse=True)
def _found_once(monkeypatch: pytest.MonkeyPatch, of_the_demo: EscalationReport) -> None:
    """The paths of the demo are found once for all of these tests."""

    def find(workspace: Workspace, cancelled: Callable[[], bool]) -> EscalationReport:
        return of_the_demo if workspace.source.kind is SourceKind.DEMO else find_escalations(workspace, cancelled)

    monkeypatch.setattr("iamtui.workspace.review.escalations.find_escalations", find)


def test_paths_are_listed_step_by_step_and_summed_up(cli: Cli) -> None:
    result = cli("escalations", "--demo")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].startswith("[!] certain   user/")
    assert lines[0].endswith("]")
    assert lines[1].startswith("    [+]  iam:")
    assert "9 administrators;" in result.err
    assert "of these paths need" in result.err


def test_one_principal(cli: Cli) -> None:
    result = cli("escalations", "diego.fuentes", "--demo")
    first = result.out.splitlines()[0]
    assert first.startswith("[!] certain   user/engineering/diego.fuentes  ")
    assert first.endswith("run a function as the role: role/nightly-maintenance  [lambda-001]")
    assert "user/admin/astrid.nilsen is an administrator" in cli("escalations", "astrid.nilsen", "--demo").err
    assert "cannot become administrator" in cli("escalations", "intern.tove.dahl", "--demo").err


def test_json_and_sarif_hold_the_same_principals(cli: Cli) -> None:
    found = cli("escalations", "-o", "jsonl", "--demo").json_lines
    log = cli("escalations", "-o", "sarif", "--demo").json
    assert [len(one["moves"]) >= 1 for one in found] == [True] * len(found)
    assert [one["ruleId"] for one in log["runs"][0]["results"]] == [one["moves"][0]["path"] for one in found]


@pytest.mark.parametrize(("form", "first"), [("dot", "digraph escalations {"), ("mermaid", "flowchart LR")])
def test_a_graph(cli: Cli, form: str, first: str) -> None:
    lines = cli("escalations", "-o", form, "--demo").out.splitlines()
    assert lines[0] == first
    assert any("lambda-001" in line for line in lines)


@pytest.mark.parametrize(("words", "code"), [(["--fail-on", "certain"], 1), (["--fail-on", "possible"], 1), ([], 0)])
def test_fail_on(cli: Cli, words: list[str], code: int) -> None:
    assert cli("escalations", *words, "--demo").code == code


@pytest.mark.parametrize(
    "name",
    [" diego.fuentes", "user/engineering/diego.fuentes ", "arn:aws:sts::111122223333:assumed-role/deploy-prod/ci"],
)
def test_however_one_principal_is_named_the_path_is_found(cli: Cli, name: str) -> None:
    found = cli("escalations", name, "--fail-on", "possible", "--demo")
    assert (found.code, "cannot become administrator" in found.err) == (1, False)


@pytest.mark.parametrize("name", ["root", "anonymous", "arn:aws:sts::111122223333:federated-user/diego.fuentes"])
def test_nothing_is_said_of_whose_paths_are_not_looked_for(cli: Cli, name: str) -> None:
    found = cli("escalations", name, "--fail-on", "certain", "--demo")
    assert (found.code, f"{name} is not a user or role of this account" in " ".join(found.err.split())) == (2, True)


def test_what_cannot_be_done_is_one_sentence(cli: Cli) -> None:
    result = cli("escalations", "--json", "-o", "dot", "--demo")
    assert result.code == 2
    assert "--json is short for -o json" in result.err
    assert cli("escalations", "nix", "--demo").code == 2


def test_a_layer_that_is_not_loaded_is_named_beside_a_path_that_it_could_stop(cli: Cli, tmp_path: Path) -> None:
    user = "arn:aws:iam::123456789012:user/u"
    statement = {"Effect": "Allow", "Action": "iam:PutUserPolicy", "Resource": user}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    policies = [{"PolicyName": "own", "PolicyDocument": document}]
    entry = {"UserName": "u", "UserId": "AIDAU", "Arn": user, "Path": "/", "UserPolicyList": policies}
    file = tmp_path / "account.json"
    file.write_text(
        json.dumps({"UserDetailList": [entry], "GroupDetailList": [], "RoleDetailList": [], "Policies": []})
    )
    result = cli("escalations", "--snapshot", str(file))
    assert "user/u" in result.out
    assert "could stand in the way of some of these paths: SCP" in result.err
    (found,) = cli("escalations", "-o", "jsonl", "--snapshot", str(file)).json_lines
    assert found["moves"][0]["steps"][0]["complete"] is False
    assert found["complete"] is False
