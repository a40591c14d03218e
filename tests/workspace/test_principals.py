"""The caller of an account as a principal, without a search for names that are like theirs."""

from __future__ import annotations

import difflib
from dataclasses import replace

import pytest

from iamtui.account.model import Known, Missing
from iamtui.workspace.source.principals import caller_principal
from tests.support.sample_account import ID, iam, sample_account, sample_workspace


@pytest.mark.parametrize(
    "arn",
    [
        iam("user/nobody"),
        iam("role/nobody"),
        f"arn:aws:sts::{ID}:assumed-role/nobody/session",
        "no ARN",
        "arn:aws:sts::123:assumed-role",
    ],
)
def test_a_caller_who_is_not_there_is_not_looked_for_among_similar_names(
    monkeypatch: pytest.MonkeyPatch, arn: str
) -> None:
    def searched(*_words: object, **_more: object) -> list[str]:
        raise AssertionError("thousands of names are compared while the screen waits")

    monkeypatch.setattr(difflib, "get_close_matches", searched)
    workspace = sample_workspace().with_account(replace(sample_account(), caller_arn=Known(arn)))
    assert caller_principal(workspace) is None


@pytest.mark.parametrize(
    ("arn", "found"),
    [
        (iam("user/carol"), iam("user/carol")),
        (f"arn:aws:sts::{ID}:assumed-role/deploy-prod/me", f"arn:aws:sts::{ID}:assumed-role/deploy-prod/me"),
        (iam("root"), iam("root")),
        ("arn:aws:iam::999988887777:user/other", "arn:aws:iam::999988887777:user/other"),
    ],
)
def test_a_caller_who_is_there_or_elsewhere_is_the_principal(arn: str, found: str) -> None:
    workspace = sample_workspace().with_account(replace(sample_account(), caller_arn=Known(arn)))
    principal = caller_principal(workspace)
    assert principal is not None
    assert principal.arn == found


def test_an_unknown_caller_is_none() -> None:
    account = replace(sample_account(), caller_arn=Missing("access denied"))
    assert caller_principal(sample_workspace().with_account(account)) is None
