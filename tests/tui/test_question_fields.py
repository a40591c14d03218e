from __future__ import annotations

import pytest

from iamtui.credentials.session import duration_text, parse_duration
from iamtui.problem import Problem
from iamtui.tui.question import completion
from iamtui.tui.question.context_field import cycle_mfa, mfa_state, parse_context, with_key
from tests.support.panel_records import ACCOUNT, small_account


@pytest.mark.parametrize(
    ("text", "context"),
    [
        ("", {}),
        ("aws:SourceIp=203.0.113.9", {"aws:SourceIp": ("203.0.113.9",)}),
        ("aws:TagKeys=a,b aws:TagKeys=c", {"aws:TagKeys": ("a", "b", "c")}),
        ("'aws:PrincipalTag/team=data lake' s3:prefix=", {"aws:PrincipalTag/team": ("data lake",), "s3:prefix": ("",)}),
    ],
)
def test_context_line_is_read(text: str, context: dict[str, tuple[str, ...]]) -> None:
    assert parse_context(text) == context


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("aws:SourceIp", "without a value"),
        ("SourceIp=1", "no prefix"),
        ("'aws:SourceIp=1", "not closed"),
    ],
)
def test_context_line_that_cannot_be_read_is_a_problem(text: str, words: str) -> None:
    with pytest.raises(Problem, match=words) as caught:
        parse_context(text)

    assert caught.value.next_step.startswith("Write key=value")


def test_mfa_toggle_goes_round_and_keeps_the_rest() -> None:
    line = "'aws:PrincipalTag/team=data lake'"

    said = cycle_mfa(line)
    denied = cycle_mfa(said)
    unsaid = cycle_mfa(denied)

    assert (mfa_state(line), mfa_state(said), mfa_state(denied)) == (None, True, False)
    assert said == f"{line} aws:MultiFactorAuthPresent=true"
    assert unsaid == line


def test_keys_are_replaced_in_any_letter_case() -> None:
    assert with_key("AWS:SOURCEIP=1 s3:prefix=x", "aws:SourceIp", "2") == "s3:prefix=x aws:SourceIp=2"


def test_matches_at_the_front_come_before_matches_inside() -> None:
    candidates = ["s3:PutObject", "object", "s3:GetObject"]

    assert completion.best_matches("OBJ", candidates) == ["object", "s3:PutObject", "s3:GetObject"]


def test_completions_are_capped() -> None:
    assert len(completion.best_matches("x", [f"x{number}" for number in range(1000)])) == completion.MOST
    assert len(completion.best_matches("x", [f"a x{number}" for number in range(1000)])) == completion.MOST


def test_resources_of_the_actions_service_come_first() -> None:
    found = list(completion.resource_candidates(small_account(), ["arn:aws:s3:::*/*"], {"s3"}))

    assert found[:4] == ["arn:aws:s3:::*/*", "arn:aws:s3:::data-lake/*", "*", "arn:aws:s3:::data-lake"]
    assert f"arn:aws:iam::{ACCOUNT}:role/deploy-prod" in found[4:]


def test_resources_asked_about_before_come_first_only_where_the_action_can_be_about_them() -> None:
    bob, deploy = f"arn:aws:iam::{ACCOUNT}:user/bob", f"arn:aws:iam::{ACCOUNT}:role/deploy-prod"
    users = f"arn:aws:iam::{ACCOUNT}:user/*"
    found = list(completion.resource_candidates(small_account(), [users], {"iam"}, [deploy, bob]))
    assert found[:2] == [bob, users]
    assert found.index(deploy) > found.index("*")


def test_sts_asks_about_roles() -> None:
    services = {completion.service_of_arns("sts")}

    assert next(iter(completion.resource_candidates(small_account(), [], services))).startswith("arn:aws:iam:")


def test_arn_forms_are_filled_with_what_is_known() -> None:
    form = "arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}"

    assert (
        completion.fill_template(form, small_account(), "eu-west-1") == f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/*"
    )
    assert completion.fill_template(form, None, "") == "arn:aws:dynamodb:*:*:table/*"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1h", 3600), ("90m", 5400), ("1h30m", 5400), ("3600", 3600), ("900s", 900), (" 2H ", 7200)],
)
def test_durations_are_read(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "1d", "-1h", "1.5h", "٣h", "h"])
def test_other_texts_are_no_durations(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize("seconds", [0, 59, 900, 3600, 5400, 43200, 3661])
def test_durations_are_written_as_they_are_read(seconds: int) -> None:
    assert parse_duration(duration_text(seconds)) == seconds
