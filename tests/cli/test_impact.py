"""`iamtui impact`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli_runner import Cli
from tests.support.slow import one_quick

ON = "arn:aws:s3:::puffin-data-lake/x"


@pytest.fixture
def draft(cli: Cli, tmp_path: Path) -> str:
    path = str(tmp_path / "change.json")
    assert cli("draft", "fix", path, "role/deploy-prod", "s3:PutObject", "--on", ON, "--demo").code == 0
    return path


def test_the_whole_account_is_counted_drawn_and_listed(cli: Cli, draft: str) -> None:
    result = cli("impact", draft, "--ascii", "--demo")
    assert result.code == 0
    lines = [" ".join(line.split()) for line in result.out.splitlines()]
    assert f"role/deploy-prod 1 0 0 {'#' * 24}" in lines
    assert f"s3 Write 1 0 0 {'#' * 24}" in lines
    assert lines[-2:] == [f"[+] gained s3:PutObject on {ON}", "role/deploy-prod"]
    assert "1 gain, 0 lose, 0 change otherwise; trust: 0 opened, 0 closed;" in result.err


def test_json_is_one_object(cli: Cli, draft: str) -> None:
    found = cli("impact", draft, "--json", "--demo").json
    arn = "arn:aws:iam::111122223333:role/deploy-prod"
    assert found["principals"] == [{"principal": arn, "gained": 1, "lost": 0, "changed": 0}]
    (access,) = found["access"]
    assert (access["effect"], access["actions"], access["principals"]) == ("gained", ["s3:PutObject"], [arn])
    assert found["trust"] == found["escalations"] == found["not_compared"] == []


@pytest.mark.parametrize(("fail_on", "code"), [("gained", 1), ("change", 1), ("lost", 0)])
def test_a_pipeline_can_fail_on_it(cli: Cli, draft: str, fail_on: str, code: int) -> None:
    assert cli("impact", draft, "--fail-on", fail_on, "--demo").code == code


def test_an_opened_trust_fails_too(cli: Cli, tmp_path: Path) -> None:
    trust = tmp_path / "trust.json"
    trust.write_text(
        '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", '
        '"Principal": {"AWS": "arn:aws:iam::555566667777:root"}}}'
    )
    path = str(tmp_path / "open.json")
    assert cli("draft", "edit", path, "set-trust", "role/deploy-prod", str(trust), "--demo").code == 0
    result = cli("impact", path, "--fail-on", "gained", "--demo")
    assert result.code == 1
    assert "trust of role/deploy-prod opens to" in result.out
    assert "trust of role/deploy-prod closes to" in result.out


def test_whom_a_trust_policy_lets_in_from_outside_comes_first(cli: Cli, tmp_path: Path) -> None:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    (tmp_path / "trust.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    path = str(tmp_path / "open.json")
    edited = cli("draft", "edit", path, "set-trust", "role/ops-readonly", str(tmp_path / "trust.json"), "--demo")
    assert edited.code == 0
    lines = [line for line in cli("impact", path, "--demo").out.splitlines() if "trust of" in line]
    assert len(lines) > 100
    assert "trust of role/ops-readonly opens to everyone" in lines[0]


def test_what_is_not_compared_is_not_called_nothing(cli: Cli, tmp_path: Path) -> None:
    """A policy whose text nobody knows may allow anything."""
    path = str(tmp_path / "unknown.json")
    attached = cli("draft", "edit", path, "attach", "user/diego.fuentes", "arn:aws:iam::aws:policy/Unheard", "--demo")
    assert attached.code == 0
    result = cli("impact", path, "--fail-on", "gained", "--json", "--demo")
    assert "policy/Unheard says is not known" in result.err
    assert (result.code, result.json["complete"]) == (3, False)


@pytest.mark.parametrize(
    ("condition", "when"),
    [
        ({"DateGreaterThan": {"aws:CurrentTime": "2999-01-01T00:00:00Z"}}, "aws:CurrentTime = 2999-01-01T00:00:01Z"),
        ({"StringEquals": {"aws:RequestedRegion": "eu-north-1"}}, "aws:RequestedRegion = eu-north-1"),
        ({"Bool": {"aws:SecureTransport": "false"}}, "aws:SecureTransport = false"),
        ({"Bool": {"aws:ViaAWSService": "true"}}, "aws:ViaAWSService = true"),
        ({"StringEquals": {"aws:CalledViaFirst": "athena.amazonaws.com"}}, "aws:ViaAWSService = true"),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-another"}}, ""),
    ],
)
@one_quick("kind", ["put-inline", "set-trust"])
def test_what_is_gained_at_another_time_or_in_another_region_is_found(
    cli: Cli, tmp_path: Path, kind: str, condition: dict[str, Any], when: str
) -> None:
    path, role = str(tmp_path / "later.json"), "role/deploy-prod"
    statement = {"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "*", "Condition": condition}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    if kind == "set-trust":
        trust = cli("show", role, "--json", "--demo").json["trust_policy"]["document"]
        before = trust["Statement"] if isinstance(trust["Statement"], list) else [trust["Statement"]]
        stranger = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
        document = trust | {"Statement": [*before, stranger | {"Condition": condition}]}
    (tmp_path / "document.json").write_text(json.dumps(document))
    words = (role, "later") if kind == "put-inline" else (role,)
    assert cli("draft", "edit", path, kind, *words, str(tmp_path / "document.json"), "--demo").code == 0
    result = cli("impact", path, "--fail-on", "gained", "--demo")
    assert result.code == (1 if when else 0)
    assert (f", when {when}" in result.out) is bool(when)
    assert "is compared for" not in result.err
