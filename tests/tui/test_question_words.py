"""What the question's fields read: words, typed values, absent keys, the caller's line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from iamtui.problem import Problem
from iamtui.tui.question.answer_view import with_rest_counted
from iamtui.tui.question.caller import CallerTerms, caller_offers, read_caller, read_policy_file
from iamtui.tui.question.completing_input import joined, last_word, said
from iamtui.tui.question.context_field import parse_context, read_context, with_keys, write_context
from iamtui.workspace.ask.context_values import read_values, value_offers
from tests.support.panel_records import ACCOUNT, READ_LAKE, small_account

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ("s3:GetObject", ("s3:GetObject",)),
        (" s3:GetObject,s3:PutObject  s3:Get* ", ("s3:GetObject", "s3:PutObject", "s3:Get*")),
        ("s3:GetObject s3:GetObject", ("s3:GetObject",)),
        (" , ", ()),
    ],
)
def test_actions_are_separated_by_spaces_or_commas(text: str, actions: tuple[str, ...]) -> None:
    assert said(text, commas=True) == actions


@pytest.mark.parametrize(
    ("text", "resources"),
    [
        ("arn:aws:s3:::a/x,y", ("arn:aws:s3:::a/x,y",)),
        ("arn:aws:s3:::a/x arn:aws:s3:::b/y", ("arn:aws:s3:::a/x", "arn:aws:s3:::b/y")),
        ("arn:aws:s3:::a/x, arn:aws:s3:::b/y", ("arn:aws:s3:::a/x", "arn:aws:s3:::b/y")),
        ("arn:aws:s3:::a/x,arn:aws:s3:::b/y", ("arn:aws:s3:::a/x", "arn:aws:s3:::b/y")),
        ("'arn:aws:s3:::a/my file' *", ("arn:aws:s3:::a/my file", "*")),
        ("arn:aws:s3:::a/it's", ("arn:aws:s3:::a/it's",)),
        ("'arn:aws:s3:::a/open", ("'arn:aws:s3:::a/open",)),
    ],
)
def test_resources_are_separated_by_spaces(text: str, resources: tuple[str, ...]) -> None:
    assert said(text, commas=False) == resources


@given(
    st.lists(
        st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="'\""), min_size=1)
        .map(str.strip)
        .filter(bool)
        .map("arn:aws:s3:::b/{}".format)
        .filter(lambda arn: not arn.endswith(",") and ",arn:" not in arn),
        unique=True,
    )
)
def test_joined_resources_are_read_back(resources: list[str]) -> None:
    assert said(joined(resources), commas=False) == tuple(resources)


def test_the_last_word_is_the_one_being_typed() -> None:
    assert last_word("s3:GetObject s3:Pu", commas=True) == ("s3:GetObject ", "s3:Pu")
    assert last_word("s3:GetObject,", commas=True) == ("s3:GetObject,", "")
    assert last_word("", commas=False) == ("", "")


@given(
    st.dictionaries(
        st.text(st.characters(blacklist_categories=("Cs",)), min_size=1).map("kms:EncryptionContext:{}".format),
        st.lists(st.text(st.characters(blacklist_categories=("Cs",))), max_size=3).map(tuple),
    )
)
def test_any_context_is_read_back_as_it_was_written(context: dict[str, tuple[str, ...]]) -> None:
    assert parse_context(write_context(context)) == context


def test_a_backslash_keeps_a_comma_in_a_value_and_an_equals_sign_in_a_key() -> None:
    context = {
        "aws:UserAgent": ("KHTML, like Gecko",),
        "kms:EncryptionContext:a=b": ("c=d",),
        "saml:sub": (r"CORP\ann",),
    }

    line = write_context(context)

    assert line == r"""'aws:UserAgent=KHTML\, like Gecko' 'kms:EncryptionContext:a\=b=c=d' 'saml:sub=CORP\ann'"""
    assert parse_context(line) == context
    assert parse_context(with_keys(line, {"kms:encryptioncontext:A=B": ("e",)})) == {
        "aws:UserAgent": ("KHTML, like Gecko",),
        "saml:sub": (r"CORP\ann",),
        "kms:encryptioncontext:A=B": ("e",),
    }


def test_a_key_can_be_said_to_be_absent() -> None:
    context: Mapping[str, tuple[str, ...]] = {"aws:SourceIp": (), "aws:TagKeys": ("a", "b")}

    assert write_context(context) == "!aws:SourceIp aws:TagKeys=a,b"
    assert parse_context(write_context(context)) == context
    assert with_keys("aws:SourceIp=10.0.0.1", {"aws:sourceip": ()}) == "!aws:sourceip"
    with pytest.raises(Problem, match="without a value"):
        parse_context("!aws:SourceIp=1")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("aws:MultiFactorAuthPresent", "true"),
        ("aws:SourceIp", "203.0.113.9"),
        ("aws:SourceIp", "10.0.0.0/8"),
        ("aws:MultiFactorAuthAge", "3600"),
        ("aws:CurrentTime", "2026-03-01T10:00:00Z"),
        ("aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/x"),
        ("aws:PrincipalTag/team", "anything"),
        ("nobody:knows", "anything"),
    ],
)
def test_values_of_the_keys_type_are_taken_as_they_are(key: str, value: str) -> None:
    assert read_values(key, [value], NOW).values == (value,)


@pytest.mark.parametrize(
    ("key", "values", "words"),
    [
        ("aws:MultiFactorAuthPresent", ["yes"], "takes true or false; yes is not one"),
        ("aws:SourceIp", ["203.0.113"], "takes an IP address or network; 203.0.113 is not one"),
        ("aws:SourceIp", [""], "nothing is given"),
        ("aws:MultiFactorAuthAge", ["1h"], "takes a number"),
        ("aws:CurrentTime", ["soon"], "takes a time"),
        ("aws:SourceIp", ["10.0.0.1", "10.0.0.2"], "has one value in a request, not 2"),
    ],
)
def test_other_values_are_a_problem_in_one_sentence(key: str, values: list[str], words: str) -> None:
    with pytest.raises(Problem, match=words) as caught:
        read_values(key, values, NOW)

    assert caught.value.next_step
    assert "\n" not in caught.value.sentence


def test_times_in_words_become_times() -> None:
    context = read_context("aws:CurrentTime=now+1h", NOW)

    assert context == {"aws:CurrentTime": ("2026-03-01T10:30:00Z",)}
    assert "now+1h" in value_offers("aws:CurrentTime", NOW)
    assert value_offers("aws:MultiFactorAuthPresent", NOW) == ("true", "false")


def test_the_callers_line_is_read() -> None:
    policy = READ_LAKE.raw.replace(" ", "")
    terms = read_caller(f"mfa from=role/deploy-prod session={policy}", small_account(), {})

    assert terms == CallerTerms(True, f"arn:aws:iam::{ACCOUNT}:role/deploy-prod", (policy,))
    assert read_caller("", None, {}) == CallerTerms()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("who", "says nothing about a caller"),
        ("from=role/nobody", "No role of this account is role/nobody"),
        ("from=", "does not name a role"),
        ("session=policy.json", "is not read yet"),
        ("session=", "does not name a policy"),
        ("session={", "is not readable"),
    ],
)
def test_a_callers_line_that_says_nothing_is_a_problem(text: str, words: str) -> None:
    with pytest.raises(Problem, match=words):
        read_caller(text, small_account(), {})


def test_a_session_policy_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text(READ_LAKE.raw)

    assert read_policy_file(str(file)) == READ_LAKE.raw
    with pytest.raises(Problem, match=r"does not exist|is a directory"):
        read_policy_file(str(tmp_path / "other.json"))
    with pytest.raises(Problem, match=r"does not exist|is a directory"):
        read_policy_file(str(tmp_path))
    file.write_text("[1, 2")
    with pytest.raises(Problem, match="is not readable"):
        read_policy_file(str(file))


def test_the_caller_completes_over_roles() -> None:
    assert [offer.value for offer in caller_offers("from=dep", small_account())] == ["from=role/deploy-prod"]
    (role,) = small_account().roles
    account = replace(small_account(), roles=(replace(role, name="a-deployer"), role))
    first, *_ = caller_offers("from=dep", account)
    assert first.value == "from=role/deploy-prod", "Enter takes it"
    assert [offer.value for offer in caller_offers("m", None)] == ["mfa"]


def test_what_does_not_fit_of_the_other_requests_is_counted() -> None:
    rows = [Content(f"May need number {number}") for number in range(9)]
    shown = [row.plain for row in with_rest_counted(rows, 40, 5)]
    assert shown == [*(f"May need number {number}" for number in range(4)), "and 5 more: w"]
    assert len(with_rest_counted(rows, 40, 9)) == 9
    assert [row.plain for row in with_rest_counted([Content("a word " * 20)], 20, 2)][-1].endswith("…")
