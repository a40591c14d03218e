"""`iamtui lint`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli_runner import Cli

POLICY = """{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"},
    {"Effect": "Allow", "Action": "s3:GetObjekt", "Resource": "*"}
  ]
}
"""
CLEAN = (
    '{"Version": "2012-10-17", "Statement":'
    ' [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}]}'
)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    file = tmp_path / "policy.json"
    file.write_text(POLICY)
    return file


@pytest.mark.parametrize("name", ["::stop-commands::x.json", " ::error::x.json"])
def test_a_file_name_in_text_is_no_command_to_a_runner(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]}))
    result = cli("lint", name)
    assert f"./{name}:" in result.out
    assert not any(line.lstrip().startswith("::") for line in (result.out + result.err).splitlines())


def test_annotations_hold_no_other_command(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = "a,line=9::b\n::stop-commands::x%0A.json"
    statement = {"Effect": "Allow", "Action": "s3:Get\n::error::Objekt%0A", "Resource": "*"}
    Path(name).write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=1))
    result = cli("lint", "-o", "github", name, "missing.json")
    first, *_, last = result.out.splitlines()
    assert first.startswith("::error file=a%2Cline=9%3A%3Ab␊%3A%3Astop-commands%3A%3Ax%250A.json,line=")
    assert "s3:Get␊::error::Objekt%250A" in first
    assert last.startswith("::error file=missing.json,line=1,title=unreadable::")
    assert all(
        line.startswith(("::error file=", "::warning file=", "::notice file=")) for line in result.out.splitlines()
    )
    Path("accepted.json").write_text(Path(name).read_text())
    code = first.partition("title=")[2].partition("::")[0]
    assert f"title={code}" not in cli("lint", "-o", "github", "accepted.json", "--suppress", f"{code}=known").out


def test_names_file_and_line(cli: Cli, policy: Path) -> None:
    result = cli("lint", policy)
    assert result.code == 0
    assert result.out.startswith(f"{policy}:5: [x] error ")
    assert "s3:GetObject" in result.out
    assert "[unknown-action]" in result.out


def test_names_the_code_of_aws_and_the_count(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    file.write_text(CLEAN.replace('"s3:GetObject"', '["s3:GetObject", "s3:GetObject", "s3:GetObject"]'))
    assert cli("lint", file).out.endswith("[redundant-action] REDUNDANT_ACTION (2 entries)\n")
    [finding] = cli("lint", file, "--json").json[0]["findings"]
    assert (finding["aws_code"], finding["count"]) == ("REDUNDANT_ACTION", 2)


def test_fail_on_a_level_and_worse(cli: Cli, policy: Path, tmp_path: Path) -> None:
    assert cli("lint", policy, "--fail-on", "error").code == 1
    assert cli("lint", policy, "--fail-on", "suggestion").code == 1
    clean = tmp_path / "clean.json"
    clean.write_text(CLEAN)
    result = cli("lint", clean, "--fail-on", "error")
    assert result.code == 0
    assert result.out == ""
    warned = tmp_path / "warned.json"
    warned.write_text('{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}')
    assert cli("lint", warned, "--fail-on", "error").code == 0
    assert cli("lint", warned, "--fail-on", "warning").code == 1


def test_reads_standard_input(cli: Cli) -> None:
    assert cli("lint", "-", stdin=POLICY).out.startswith("<stdin>:5: ")


def test_json_has_an_object_for_each_file(cli: Cli, policy: Path) -> None:
    first, second = cli("lint", policy, policy, "--json").json
    assert first == second
    assert first["kind"] == "identity"
    assert first["findings"][0]["source_line"] == 5


def test_the_kind_is_told_from_the_document_unless_given(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "trust.json"
    file.write_text(
        '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",'
        ' "Principal": {"Service": "ec2.amazonaws.com"}}}'
    )
    assert cli("lint", file, "--json").json[0]["kind"] == "trust"
    given = cli("lint", file, "--kind", "identity", "--json").json[0]
    assert given["kind"] == "identity"
    assert given["findings"]


@pytest.mark.parametrize("text", ["{no json", "[]", '{"a": 1}', "{" * 5000, '{"Statement": []', "<html>"])
def test_what_is_no_policy_is_a_finding_and_an_error(cli: Cli, tmp_path: Path, text: str) -> None:
    file = tmp_path / "p.json"
    file.write_text(text)
    result = cli("lint", file, "--fail-on", "error")
    assert result.code == 2
    assert result.out.startswith(f"{file}:1: [x] error ")
    assert "cannot be read as a policy document" in result.err


def test_a_file_that_is_not_there_is_not_counted_as_one_without_findings(cli: Cli, tmp_path: Path) -> None:
    result = cli("lint", tmp_path / "gone.json")
    assert result.code == 2
    assert "gone.json does not exist" in result.err
    assert "no findings" not in result.err


def test_a_file_that_cannot_be_read_does_not_hide_the_others(cli: Cli, policy: Path, tmp_path: Path) -> None:
    empty, noise = tmp_path / "empty.json", tmp_path / "noise.bin"
    empty.touch()
    noise.write_bytes(bytes(range(256)))
    result = cli("lint", tmp_path / "gone.json", tmp_path, empty, noise, policy)
    assert result.code == 2
    assert "unknown-action" in result.out
    for words in ("gone.json does not exist", "is a directory", "empty.json is empty", "noise.bin is not UTF-8 text"):
        assert words in result.err
    reports = cli("lint", tmp_path / "gone.json", policy, "--json").json
    assert "does not exist" in reports[0]["error"]
    assert reports[1]["findings"]
