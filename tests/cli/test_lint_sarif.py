"""`iamtui lint -o sarif`: logs that the schema of the standard accepts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.support.cli_runner import Cli

SCHEMA = json.loads((Path(__file__).parent / "data" / "sarif-schema-2.1.0.json").read_text())
POLICIES = Path(__file__).parents[1] / "lint" / "access_analyzer" / "policies"


def log_of(cli: Cli, *arguments: Any, **options: Any) -> dict[str, Any]:
    log = cli("lint", "-o", "sarif", *arguments, **options).json
    jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(log)
    [run] = log["runs"]
    assert log["version"] == "2.1.0"
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    return run  # type: ignore[no-any-return]


def test_the_schema_is_not_empty_words() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator(SCHEMA).validate({"version": "2.1.0", "runs": [{"results": []}]})


def test_every_policy_of_the_reference_gives_a_valid_log(cli: Cli) -> None:
    files = sorted(POLICIES.glob("*.json"))
    run = log_of(cli, *files)
    assert {result["level"] for result in run["results"]} == {"error", "warning", "note"}
    found = {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]}
    # Without --kind the policies of organizations are read as identity-based ones, and some are fine as such.
    assert len(found) > 140


def test_a_result_has_its_place_and_the_code_of_aws(cli: Cli, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my policy.json").write_text(
        '{"Version": "2012-10-17", "Statement": [\n'
        '{"Effect": "Allow",\n "Action": ["s3:GetObject", "s3:GetObject", "s3:GetObject"], "Resource": "*"}]}'
    )
    [result] = log_of(cli, "my policy.json")["results"]
    assert result["ruleId"] == "redundant-action"
    assert result["level"] == "note"
    assert result["occurrenceCount"] == 2
    assert result["properties"] == {"awsCode": "REDUNDANT_ACTION"}
    [location] = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "my%20policy.json"},
        "region": {"startLine": 3},
    }
    assert location["logicalLocations"] == [{"fullyQualifiedName": "$.Statement[0].Action[1]"}]


def test_what_is_suppressed_stays_with_its_reason(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    file.write_text('{"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}')
    [result] = log_of(cli, file, "--suppress", "MISSING_VERSION=old but tested")["results"]
    assert result["suppressions"] == [{"kind": "external", "justification": "old but tested"}]


def test_files_that_cannot_be_read_are_in_the_log(cli: Cli, tmp_path: Path) -> None:
    [invocation] = log_of(cli, tmp_path / "gone.json", "-", stdin="{no json")["invocations"]
    assert invocation["executionSuccessful"] is False
    [notification] = invocation["toolExecutionNotifications"]
    assert "does not exist" in notification["message"]["text"]
    assert cli("lint", "-o", "sarif", "-", stdin="{no json").code == 2


def test_hostile_names_and_texts_make_a_valid_log(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "a#b%20\u202e.json"
    file.write_text(
        json.dumps({"Statement": [{"Effect": "Allow", "Action": "s3:\x1b[31m\u202e", "Resource": "\ud800"}]})
    )
    assert log_of(cli, file)["results"]


def test_json_and_sarif_exclude_each_other(cli: Cli) -> None:
    result = cli("lint", "-", "--json", "-o", "sarif", stdin="{}")
    assert result.code == 2
    assert "--json is short for -o json" in result.err
