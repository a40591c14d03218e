"""What is marked as production."""

from __future__ import annotations

import pytest

from iamtui.config import Config
from iamtui.workspace.source.principals import is_production

DEFAULT = Config().production


@pytest.mark.parametrize(
    "name",
    [
        "prod",
        "PROD",
        "deploy-prod",
        "prod_admin",
        "ProdAdmin",
        "adminPROD",
        "acme-production",
        "prd2",
        "acmeprod",
        "present-prod",
    ],
)
def test_names_of_production(name: str) -> None:
    assert is_production(name, DEFAULT)


@pytest.mark.parametrize(
    "name",
    ["", "staging", "product-reader", "products", "reproduce", "non-prod", "nonprod", "acme-pre-prod", "preproduction"],
)
def test_names_of_anything_else(name: str) -> None:
    assert not is_production(name, DEFAULT)


@pytest.mark.parametrize(
    ("name", "patterns", "expected"),
    [
        ("deploy-prod", "", False),
        ("live-reader", "prod live", True),
        ("123456789012", "123456789012", True),
        ("acme-preprod", "*-preprod", True),
        ("break-glass-admin", "break-glass*, root", True),
        ("a[b]c", "a[b]?", True),
        ("ab", "a${x}", False),
    ],
)
def test_patterns_of_ones_own(name: str, patterns: str, expected: bool) -> None:
    assert is_production(name, patterns) is expected
