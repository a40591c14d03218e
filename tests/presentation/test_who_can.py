"""Who can, without a screen: rows, their order, filters and counts."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from iamtui.engine.decision import Decision, Layer
from iamtui.engine.request import Principal, PrincipalKind
from iamtui.policy.context import And, ConditionLeaf
from iamtui.presentation.listing import Report
from iamtui.presentation.who_can import WhoCanRow, not_evaluated, who_can_row, who_can_rows
from iamtui.workspace.ask.who_can import Everybody
from tests.support import panel_records as records
from tests.support import wording


def row(name: str, decision: Decision, before: Decision | None = None, *, inside: bool = True) -> WhoCanRow:
    principal = Principal(PrincipalKind.ROLE, f"arn:aws:iam::123456789012:role/path/{name}")
    return who_can_row(principal, decision, before, inside=inside)


@pytest.fixture
def report() -> Report[WhoCanRow]:
    rows = (
        row("zoe", records.allowed_fully()),
        row("nobody", records.not_allowed()),
        row("mfa", records.depends()),
        row("alice", records.allowed(), records.not_allowed()),
        row("stopped", records.denied()),
    )
    return Report(who_can_rows(draft=True), rows)


def names(rows: Iterable[WhoCanRow]) -> list[str]:
    return [one.name for one in rows]


def test_the_best_answers_stand_first_and_those_without_a_limit_before_others(report: Report[WhoCanRow]) -> None:
    assert report.listing.order is not None
    assert names(sorted(report.rows, key=report.listing.order)) == ["zoe", "alice", "mfa", "stopped", "nobody"]


def test_rows_are_filtered_by_verdict_change_and_text(report: Report[WhoCanRow]) -> None:
    assert names(report.shown("[x] explicit", "")) == ["stopped"]
    assert names(report.shown("changed", "")) == ["alice"]
    assert names(report.shown("", "PATH NoDelete")) == ["stopped"]


def test_answers_are_counted_by_verdict_and_by_change(report: Report[WhoCanRow]) -> None:
    counts = {"[+] allowed": 2, "[?] depends": 1, "[x] explicit": 1, "[-] no allow": 1, "changed": 1}
    assert report.counts() == counts
    assert [*report.listing.kinds] == [*counts]


@pytest.mark.parametrize(
    ("decision", "why"),
    [
        (records.allowed_fully(), "data-lake-read / ReadLake"),
        (records.allowed(), f"{wording.AS_LOADED} (SCP not evaluated); data-lake-read / ReadLake"),
        (records.denied(), "data-lake-read / NoDelete"),
        (records.not_allowed(), "no Allow in: identity policies"),
    ],
)
def test_why_names_the_limit_and_the_statement(decision: Decision, why: str) -> None:
    assert row("x", decision).why == why


@pytest.mark.parametrize(
    ("principal", "inside", "name", "where"),
    [
        (Principal(PrincipalKind.USER, "arn:aws:iam::123456789012:user/data/bob"), True, "bob", "/data/"),
        (Principal(PrincipalKind.ROOT, "arn:aws:iam::999999999999:root"), False, "999999999999", "another account"),
        (Principal(PrincipalKind.ROLE, "arn:aws:iam::999999999999:role/ci"), False, "ci", "account 999999999999"),
        (Principal(PrincipalKind.SERVICE, "ec2.amazonaws.com"), False, "ec2.amazonaws.com", ""),
        (Principal(PrincipalKind.ANONYMOUS, ""), False, "anonymous", "without credentials"),
    ],
)
def test_principals_are_named_with_their_path_or_account(
    principal: Principal, inside: bool, name: str, where: str
) -> None:
    found = who_can_row(principal, records.allowed_fully(), inside=inside)
    assert (found.name, found.where) == (name, where)


def test_rows_share_what_they_say_alike_and_end_long_conditions() -> None:
    """Thousands of rows, each with the names of everybody behind a permission set, would take gigabytes."""
    leaves = tuple(ConditionLeaf("StringEquals", f"aws:PrincipalTag/{at}", ("v" * 200,)) for at in range(3_000))
    decision = records.depends().with_parts(depends_on=And(leaves))
    first, second = (
        who_can_row(
            Principal(PrincipalKind.ROLE, f"arn:aws:iam::123456789012:role/{name}"),
            decision,
            people=", ".join(f"Person {at}" for at in range(10)),
        )
        for name in ("a", "b")
    )
    assert first.people is second.people
    assert first.why is second.why
    assert first.because is second.because
    assert first.words is second.words
    texts = [getattr(first, slot) for slot in WhoCanRow.__slots__]
    assert max(len(text) for text in texts if isinstance(text, str)) <= 1_000
    assert "person 7" in first.haystack
    assert first.reason.endswith("Person 9")


def test_a_row_names_layer_statement_condition_and_limit() -> None:
    denied, nobody, depends = (
        row("a", found) for found in (records.denied(), records.not_allowed(), records.depends())
    )
    assert (denied.layer, denied.condition) == ("identity", "")
    assert "NoDelete" in denied.statement
    assert "(line" in denied.statement
    assert nobody.statement == "no Allow in: identity policies"
    assert nobody.layer == "identity"
    assert depends.condition
    assert depends.condition in depends.why
    assert row("a", records.allowed()).limit.startswith("as far as loaded")
    assert row("a", records.allowed_fully()).limit == ""


def test_what_the_list_lacks_is_one_sentence_after_the_other() -> None:
    assert not_evaluated(Everybody(()), set()) == ""
    assert not_evaluated(Everybody((), unknown="its policy is not loaded"), {Layer.RCP, Layer.SCP}) == (
        "Who else the resource lets in is unknown: its policy is not loaded. "
        "Not evaluated, and could change some answers: SCP, RCP."
    )
