"""Hostile texts are kept exactly, so that matching is exact; only the way out changes them."""

from __future__ import annotations

import re

import pytest

from iamtui.account.model import Known
from iamtui.text import safe_document, safe_text
from tests.support.evil_account import EVIL, EVIL_PATH, EVIL_RESOURCE, PAYLOADS, evil_account
from tests.support.snapshot_builder import iam

HOSTILE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def test_every_text_is_kept_as_it_is() -> None:
    account = evil_account()

    mallory = account.user("mallory")
    assert mallory is not None
    assert mallory.path == EVIL_PATH
    assert dict(mallory.tags) == {EVIL: EVIL, **PAYLOADS}
    assert account.by_arn(iam(f"user{EVIL_PATH}mallory")) is mallory
    statement = mallory.inline_policies[0].document.policy.statements[0]
    assert (statement.sid, statement.resources) == (EVIL, (EVIL_RESOURCE,))
    assert statement.conditions[0].values == (EVIL,)
    role = account.role(EVIL)
    assert role is not None
    assert role.description == Known(EVIL)
    principals = role.trust.policy.statements[0].principals
    assert principals is not None
    assert {entry.value for entry in principals} == {EVIL}
    assert role.inline_policies[1].document.error is not None
    policy = account.policy(iam(f"policy{EVIL_PATH}{EVIL}"))
    assert policy is not None
    assert policy.description == Known(EVIL)
    assert account.holders(policy.arn) == (account.user(EVIL),)
    assert account.members(EVIL) == (account.user(EVIL),)
    assert account.alias == Known(EVIL)


@pytest.mark.parametrize("text", [EVIL, *PAYLOADS.values()], ids=["all", *PAYLOADS])
def test_nothing_hostile_leaves_through_safe_text(text: str) -> None:
    assert not HOSTILE.search(safe_text(text))
    assert "\n" not in safe_text(text)


def test_documents_leave_safely_too() -> None:
    account = evil_account()
    documents = [account.roles[0].trust, *(one.document for one in account.roles[0].inline_policies)]

    for document in documents:
        assert HOSTILE.search(document.text) or HOSTILE.search(str(document.value))
        assert not HOSTILE.search(safe_document(document.text))
