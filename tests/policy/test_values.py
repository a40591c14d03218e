"""The values of typed operators: what is read, and what is not a value."""

from decimal import Decimal

import pytest

from iamtui.policy.values import lower_each, network_contains, parse_date, parse_network, parse_number


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970", 0),
        ("1970-01-02", 86400),
        ("2020-01-01T00:00:00Z", 1577836800),
        ("2020-01-01T01:00+01:00", 1577836800),
        ("2019-12-31T23:30:00-00:30", 1577836800),
        ("2020-01-01T00:00:00.25Z", Decimal("1577836800.25")),
        ("1577836800", 1577836800),
        ("1577836800000", 1577836800),
        ("1577836800.5", Decimal("1577836800.5")),
        ("99999999999", 99999999999),
    ],
)
def test_dates(text: str, seconds: object) -> None:
    assert parse_date(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "2020-02-30", "2020-13", "2020-01-01T24:00:00Z", "2020-01-01T00:00:00", "2020-1-1", "0000", "-5", "1e3",
     "2020-01-01 00:00:00Z", "2020-01-01T00:00:00+24:00", "２０２０", "2020-01-01T00:00:00Z\n"],
)  # fmt: skip
def test_no_dates(text: str) -> None:
    assert parse_date(text) is None


@pytest.mark.parametrize(("text", "number"), [("10", 10), ("+1.50", Decimal("1.5")), ("-0", 0), ("007", 7)])
def test_numbers(text: str, number: object) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize("text", ["", "1e3", " 1", "1 ", ".5", "5.", "1,000", "Infinity", "NaN", "٣"])
def test_no_numbers(text: str) -> None:
    assert parse_number(text) is None


@pytest.mark.parametrize(
    ("block", "address", "inside"),
    [
        ("203.0.113.0/24", "203.0.113.255", True),
        ("203.0.113.7/24", "203.0.113.9", True),
        ("203.0.113.5", "203.0.113.5", True),
        ("203.0.113.5", "203.0.113.6", False),
        ("2001:DB8::/32", "2001:0db8:0:0::1", True),
        ("::ffff:203.0.113.0/120", "203.0.113.9", False),
        ("0.0.0.0/0", "::1", False),
        ("10.0.0.0/8", "10.1.0.0/16", True),
        ("10.1.0.0/16", "10.0.0.0/8", False),
    ],
)
def test_networks(block: str, address: str, inside: bool) -> None:
    outer, inner = parse_network(block), parse_network(address)
    assert outer is not None
    assert inner is not None
    assert network_contains(outer, inner) is inside


@pytest.mark.parametrize(
    "text",
    ["", "203.0.113", "203.0.113.0/255.255.255.0", "203.0.113.0/024", "203.0.113.0/33", "fe80::1%eth0", "a/8", "/8"],
)
def test_no_networks(text: str) -> None:
    assert parse_network(text) is None


def test_lower_each_is_no_case_folding() -> None:
    assert lower_each("ẞSS") == "ßss"
