"""Completing the fields of a question: what is offered, and what Enter takes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from rich.cells import cell_len
from textual.widgets import Static

from iamtui.account.model import Account
from iamtui.tui.question.asking import SearchableCatalogue
from iamtui.tui.question.completing_input import Offer
from iamtui.tui.question.completion import Completer, CompletionContext
from iamtui.tui.widgets.status import KeyLine
from tests.support.panel_apps import screen_text, type_text, until
from tests.support.question_asked import OFFICE, account, asked, form_of, typed
from tests.support.sample_account import iam
from tests.support.screen_app import opened, press, settle
from tests.support.slow import one_quick

__all__ = ["account"]


@pytest.mark.slow
async def test_no_completion_is_marked_while_enter_keeps_what_is_typed() -> None:
    async with opened() as pilot:
        await asked(pilot)
        field = form_of(pilot).resource_field
        field.value = ""
        await typed(pilot, field, "arn:aws:s3:::data-l")
        assert field.is_open
        assert field.completions.highlighted == -1
        assert "Down chooses" in screen_text(pilot.app)
        assert "Tab takes" not in screen_text(pilot.app)
        await press(pilot, "down")
        assert field.completions.highlighted == 0
        assert "Tab takes" in screen_text(pilot.app)
        chosen = field.completions.offers[0].value
        await press(pilot, "enter")
        assert field.value == chosen


@pytest.mark.slow
async def test_part_of_a_roles_name_is_completed_by_enter() -> None:
    async with opened() as pilot:
        panel = await asked(pilot)
        await press(pilot, "f4")
        field = form_of(pilot).caller_row.field
        await type_text(pilot, "chain")
        await settle(pilot)
        await press(pilot, "enter")
        assert field.value == "from="
        await type_text(pilot, "deploy")
        await settle(pilot)
        await press(pilot, "enter")
        assert field.value == "from=role/deploy-prod"
        await settle(pilot)
        assert panel.question_matrix is not None
        assert panel.question_matrix.chained_from == iam("role/deploy-prod")
        assert "chained from role/deploy-prod" in screen_text(pilot.app)


@pytest.mark.slow
@one_quick("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_list_covers_neither_the_fields_nor_the_verdict(size: tuple[int, int]) -> None:
    async with opened(size=size) as pilot:
        await asked(pilot)
        form = form_of(pilot)
        band = pilot.app.screen.query_one("#question-verdict")
        for field, text in ((form.action_field, "s3:GetObj"), (form.resource_field, "lake"), (form.context_field, "a")):
            await typed(pilot, field, text)
            assert field.is_open
            listed = field.completions.region
            assert not listed.overlaps(field.region)
            assert not listed.overlaps(band.region)
            assert "Tab takes" in screen_text(pilot.app)
            await press(pilot, "escape")


@pytest.mark.slow
async def test_the_list_closes_when_the_name_is_whole_and_opens_for_a_longer_one() -> None:
    async with opened() as pilot:
        await asked(pilot)
        field = form_of(pilot).action_field
        field.value = ""
        await typed(pilot, field, "s3:GetObjec")
        assert field.is_open
        await type_text(pilot, "t")
        await settle(pilot)
        assert not field.is_open
        await type_text(pilot, "A")
        await settle(pilot)
        assert field.is_open
        assert field.completions.offers[0].value == "s3:GetObjectAcl"


async def test_tab_takes_the_completion_and_goes_on_and_without_one_goes_on_alone() -> None:
    async with opened() as pilot:
        await asked(pilot)
        form = form_of(pilot)
        form.action_field.value = ""
        await typed(pilot, form.action_field, "s3:getobjectac")
        await press(pilot, "tab")
        assert form.action_field.value == "s3:GetObjectAcl"
        assert form.resource_field.has_focus
        await press(pilot, "tab")
        assert form.context_field.has_focus


@pytest.mark.parametrize(
    ("word", "offered"),
    [
        ("aws:SourceIp=", ["aws:SourceIp=203.0.113.0/24"]),
        ("AWS:sourceip=203", ["AWS:sourceip=203.0.113.0/24"]),
        ("aws:SourceIp=203.0.113.0/24", []),
        ("aws:SourceVpce=", []),
    ],
)
def test_the_values_that_policies_name_are_offered(word: str, offered: list[str]) -> None:
    around = CompletionContext(None, "", ("s3:GetObject",), wanted={"aws:sourceip": (OFFICE,)})
    found = Completer(SearchableCatalogue()).context(word, around, datetime(2026, 1, 1, tzinfo=UTC))
    assert [offer.value for offer in found] == offered


def offered_keys(word: str, action: str, **around: object) -> list[str]:
    here = CompletionContext(None, "", (action,), **around)  # type: ignore[arg-type]
    return [
        offer.value for offer in Completer(SearchableCatalogue()).context(word, here, datetime(2026, 1, 1, tzinfo=UTC))
    ]


@pytest.mark.parametrize(
    ("word", "first"),
    [
        ("mfa", ["aws:MultiFactorAuthPresent=", "aws:MultiFactorAuthAge="]),
        ("factorauth", ["aws:MultiFactorAuthPresent=", "aws:MultiFactorAuthAge="]),
        ("aws:mfaa", ["aws:MultiFactorAuthAge="]),
        ("sourcei", ["aws:SourceIp=", "ec2:SourceInstanceArn=", "ssm:SourceInstanceArn="]),
        ("!mfa", ["!aws:MultiFactorAuthPresent", "!aws:MultiFactorAuthAge"]),
        ("!tag", ["!aws:TagKeys"]),
    ],
)
def test_keys_complete_as_actions_do(word: str, first: list[str]) -> None:
    assert offered_keys(word, "s3:GetObject")[: len(first)] == first


def test_a_key_of_any_letters_is_offered_once_and_missing_ones_come_first() -> None:
    found = offered_keys("source", "s3:GetObject", missing_keys=("AWS:sourcearn", "aws:RequestTag/source\nü"))
    assert found[0] == "AWS:sourcearn="
    assert [name.lower() for name in found].count("aws:sourcearn=") == 1
    assert found[-1] == "aws:RequestTag/source\nü="


def test_what_an_identity_provider_claims_is_offered_where_it_takes_part() -> None:
    assert not any("accounts.google.com" in key or "saml:" in key for key in offered_keys("", "sts:AssumeRole"))
    assert "sts:ExternalId=" in offered_keys("", "sts:AssumeRole")
    assert "accounts.google.com:aud=" in offered_keys("", "sts:AssumeRoleWithWebIdentity")
    assert "saml:aud=" in offered_keys("", "sts:AssumeRoleWithSAML")
    assert offered_keys("google", "sts:AssumeRole")[0] == "accounts.google.com:aud=", "sessions that come from there"
    missing = offered_keys("", "sts:AssumeRole", missing_keys=("accounts.google.com:aud",))
    assert missing[0] == "accounts.google.com:aud="


@pytest.mark.slow
async def test_nobody_is_told_to_choose_from_a_list_that_is_not_there() -> None:
    async with opened() as pilot:
        panel = await asked(pilot)
        panel.action_ask()
        await type_text(pilot, "s3:GetObjectTorren")
        await settle(pilot)
        assert "Choose one from the list" in screen_text(pilot.app)
        await press(pilot, "escape")
        assert "Choose one from the list" not in screen_text(pilot.app)
        assert "Type the rest of its name" in screen_text(pilot.app)
        # The list may come after the words, from what is found in another thread.
        form = form_of(pilot)
        form.call_later(form.action_field.completions.show, [Offer("s3:GetObjectTorrent")], "s3:")
        await settle(pilot)
        assert "Choose one from the list" in screen_text(pilot.app)
        assert "Type the rest of its name" not in screen_text(pilot.app)


@one_quick("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_list_covers_no_words_said_in_place_of_a_verdict(size: tuple[int, int]) -> None:
    async with opened(size=size) as pilot:
        panel = await asked(pilot, resource="")
        form = form_of(pilot)
        form.resource_field.focus()
        await type_text(pilot, "arn:aws:s3:::data-l")
        await settle(pilot)
        form.resource_field.value = "lake"
        await settle(pilot)
        assert panel.answer is None
        said = pilot.app.screen.query_one("#question-because", Static)
        assert "Type it as arn:aws:s3:::BucketName/ObjectName, or * for any resource." in " ".join(
            str(said.content).split()
        )
        listed = form.resource_field.completions
        assert listed.display
        assert listed.region.y > 0
        for part in (form.resource_field, pilot.app.screen.query_one("#question-because")):
            assert not listed.region.overlaps(part.region)


@pytest.mark.slow
async def test_an_action_of_another_service_is_followed_by_resources_of_it() -> None:
    """The one of the question before is known too, and Enter still keeps it."""
    async with opened() as pilot:
        await asked(pilot, resource="arn:aws:s3:::data-lake/*")
        form = form_of(pilot)
        form.action_field.focus()
        form.action_field.value = "secretsmanager:GetSecretValue"
        await press(pilot, "enter")
        assert form.resource_field.has_focus
        await until(pilot, lambda: form.resource_field.is_open)
        assert form.resource_field.completions.highlighted == -1
        assert ":secretsmanager:" in form.resource_field.completions.offers[0].value
        await press(pilot, "down", "enter")
        assert ":secretsmanager:" in form.resource_field.value


async def test_the_resource_field_shows_what_its_arn_looks_like() -> None:
    async with opened(size=(80, 24)) as pilot:
        panel = await asked(pilot, resource="")
        field = form_of(pilot).resource_field
        await until(pilot, lambda: field.placeholder == "arn:aws:s3:::BucketName/ObjectName (empty: *)")
        panel.ask("sts:GetCallerIdentity")
        await until(pilot, lambda: field.placeholder == "needs no resource")
        panel.ask("s3:NoSuchAction")
        await until(pilot, lambda: field.placeholder == "ARN, pattern or * (empty: *)")


@pytest.mark.slow
async def test_what_is_wrong_with_the_context_is_not_hidden_by_completions(account: Account) -> None:
    async with opened(account=account) as pilot:
        panel = await asked(pilot)
        field = form_of(pilot).context_field
        await typed(pilot, field, "aws:SourceIp=nowhere ")
        assert panel.answer is None
        assert not field.is_open
        assert "aws:SourceIp takes an IP address or network; nowhere is not one." in screen_text(pilot.app)


@pytest.mark.slow
async def test_keys_given_already_are_not_offered_again_behind_them(account: Account) -> None:
    async with opened(account=account) as pilot:
        await asked(pilot)
        field = form_of(pilot).context_field
        await typed(pilot, field, "aws:MultiFactorAuthPresent=true mfa")
        assert [offer.value for offer in field.completions.offers] == ["aws:MultiFactorAuthAge="]
        assert "MFA yes" in screen_text(pilot.app)


async def test_what_is_said_of_the_completions_stands_in_columns() -> None:
    async with opened(size=(80, 24)) as pilot:
        field = form_of(pilot).action_field
        await typed(pilot, field, "apigateway")
        shown = field.completions
        first = shown.highlighted
        for width, says_level in ((41, True), (71, True), (24, False)):
            shown.highlight(first)

            def row(at: int, width: int = width) -> str:
                return "".join(piece.text for piece in shown.pieces(at, width))

            levels = [
                (row(at), offer) for at, offer in enumerate(shown.offers) if at != shown.highlighted and offer.kind
            ]
            assert {text.find(f"  {offer.kind}", 1) > 0 for text, offer in levels} == {says_level}
            assert len({text.find(f"  {offer.kind}", 1) for text, offer in levels}) == 1, "in one column"
            assert max(cell_len(text) for text, _ in levels) <= width
            assert all(offer.value in text or "…" in text for text, offer in levels)
            longest = max(range(len(shown.offers)), key=lambda at: len(shown.offers[at].value))
            assert (shown.offers[longest].value in row(longest)) is (width == 71)
            shown.highlight(longest)
            assert row(longest)[1:].startswith(shown.offers[longest].value[: width - 3]), "where Enter would take it"


@pytest.mark.slow
async def test_the_key_line_says_what_escape_does_with_a_list_open_and_without() -> None:
    async with opened(size=(80, 24)) as pilot:
        field, keys = form_of(pilot).resource_field, pilot.app.screen.query_one(KeyLine)
        await typed(pilot, field, "arn:aws:s3:::data-l")
        assert field.is_open
        assert "Close completions" in keys.render().plain
        await press(pilot, "enter")
        assert not field.is_open
        assert "Close completions" not in keys.render().plain
        await typed(pilot, field, "zzz")
        assert not field.is_open
        assert "Close completions" not in keys.render().plain


@pytest.mark.slow
async def test_the_key_line_is_true_once_nothing_is_offered_for_what_was_typed() -> None:
    async with opened(size=(80, 24)) as pilot:
        field, keys = form_of(pilot).resource_field, pilot.app.screen.query_one(KeyLine)
        await typed(pilot, field, "zzz")
        field.watch_value()
        assert field.is_waiting
        keys.look_again()
        await settle(pilot)
        assert "Close completions" in keys.render().plain, "Escape is kept for what may come"
        field.offer((), "zzz")
        await settle(pilot)
        assert "Close completions" not in keys.render().plain
