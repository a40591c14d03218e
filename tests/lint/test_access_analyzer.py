"""Every check of IAM Access Analyzer's policy check reference, against a policy that has what it finds.

`access_analyzer/checks.csv` lists the issue codes in the order of that topic, the kind of policy, and what `lint`
finds it as, or why it does not; `access_analyzer/policies` holds a policy for each.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from iamtui.lint.check_document import DocumentKind, findings
from iamtui.lint.subject import Finding
from iamtui.policy.document import PolicyDocument
from tests.lint.test_findings import CASES

HERE = Path(__file__).parent / "access_analyzer"
POLICIES = HERE / "policies"

with (HERE / "checks.csv").open(newline="") as file:
    CHECKS = list(csv.DictReader(file))


def found_in(check: dict[str, str]) -> tuple[Finding, ...]:
    text = (POLICIES / f"{check['aws_code'].lower()}.json").read_text()
    return findings(PolicyDocument(text), DocumentKind(check["kind"]))


@pytest.mark.parametrize("check", CHECKS, ids=[check["aws_code"] for check in CHECKS])
def test_check(check: dict[str, str]) -> None:
    found = {(f"{finding.level.value}:{finding.code}", finding.aws_code) for finding in found_in(check)}
    if check["found_as"]:
        assert not check["not_found_because"]
        assert (check["found_as"], check["aws_code"]) in found
    else:
        assert check["not_found_because"]
        assert check["aws_code"] not in {aws_code for _, aws_code in found}


def test_the_table_is_whole() -> None:
    codes = [check["aws_code"] for check in CHECKS]
    assert len(codes) == len(set(codes)) == 160
    assert {path.stem for path in POLICIES.glob("*.json")} == {code.lower() for code in codes}
    assert sum(bool(check["found_as"]) for check in CHECKS) >= 159


def test_no_finding_has_a_code_that_the_reference_lacks() -> None:
    codes = {check["aws_code"] for check in CHECKS}
    given = {finding.aws_code for check in CHECKS for finding in found_in(check)}
    for _, value, kind, _ in CASES:
        given |= {finding.aws_code for finding in findings(PolicyDocument.of(value), DocumentKind(kind))}
    assert given - {None} <= codes
    lint = Path(__file__).parents[2] / "iamtui" / "lint"
    written = {code for path in lint.glob("*.py") for code in re.findall(r'aws="([A-Z_]+)"', path.read_text())}
    assert len(written) > 50
    assert written <= codes
