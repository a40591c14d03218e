"""Pasting a denial: what is found while typing, where it leads, and how it looks."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual import events
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import Input, Label

from iamtui.engine.request import PrincipalKind
from iamtui.tui.denials import LONGEST, DenialReportScreen, DenialScreen
from iamtui.tui.main.main_screen import MainScreen
from iamtui.tui.question.trace_screen import DocumentScreen
from iamtui.tui.widgets.status import KeyLine, MessageLine
from iamtui.workspace.ask import denials
from tests.support.denial_account import ALICE, CAROL, DEPLOY, FENCE_ARN, LAKE, denial_workspace, message
from tests.support.sample_account import ID, NOW, iam
from tests.support.screen_app import make_app, opened, press, settle
from tests.support.slow import EACH_SIZE, SIZES

AGREED = message(CAROL, "s3:GetObject", f"{LAKE}/x", "because no identity-based policy allows the s3:GetObject action")
DENIED = message(DEPLOY, "s3:PutBucketPolicy", LAKE, "with an explicit deny in a service control policy")
DIFFERENT = message(
    ALICE, "sqs:SendMessage", f"arn:aws:sqs:us-east-1:{ID}:q", "with an explicit deny in a permissions boundary"
)
BARE = "An error occurred (AccessDenied) when calling the ListBuckets operation: Access Denied"
ENCODED = "You are not authorized to perform this operation. Encoded authorization failure message: " + "Ab1-" * 30
LOG = "\n".join((AGREED, AGREED, DENIED, DIFFERENT, BARE, ENCODED))

SnapCompare = Callable[..., bool]


async def paste(pilot: Pilot[None], text: str) -> None:
    """Paste as a terminal does: line ends are carriage returns."""
    pilot.app.screen.query_one("#denial-text").post_message(events.Paste(text.replace("\n", "\r")))
    await pilot.pause()
    await settle(pilot)


def dialog(pilot: Pilot[None]) -> DenialScreen:
    screen = pilot.app.screen
    assert isinstance(screen, DenialScreen)
    return screen


def main(pilot: Pilot[None]) -> MainScreen:
    screen = pilot.app.screen
    assert isinstance(screen, MainScreen)
    return screen


def said(pilot: Pilot[None]) -> str:
    content = main(pilot).query_one(MessageLine).render()
    assert isinstance(content, Content)
    return content.plain


def note(pilot: Pilot[None]) -> str:
    return str(dialog(pilot).query_one("#denial-note", Label).render())


def drawn(pilot: Pilot[None], *, header: bool = False) -> str:
    """The line under the cursor, or the names of the columns."""
    rows = dialog(pilot).list
    pieces = rows.header_pieces(0, rows.size.width) if header else rows.pieces(rows.cursor, rows.size.width)
    return "".join(piece.text for piece in pieces)


def key_line(pilot: Pilot[None]) -> str:
    content = dialog(pilot).query_one(KeyLine).render()
    assert isinstance(content, Content)
    return content.plain


def main_of(pilot: Pilot[None]) -> MainScreen:
    screen = pilot.app.screen_stack[-2]
    assert isinstance(screen, MainScreen)
    return screen


async def test_paste_and_enter_go_to_the_principal_with_the_question() -> None:
    async with opened(make_app(denial_workspace())) as pilot:
        await press(pilot, "g", "n")
        await paste(pilot, AGREED)
        await press(pilot, "enter")

        screen = main(pilot)
        assert screen.subject.node is not None
        assert screen.subject.node.arn == CAROL  # type: ignore[union-attr]
        question = screen.question.question
        assert question is not None
        assert (question.action, question.resource) == ("s3:GetObject", f"{LAKE}/x")
        assert "the account agrees" in said(pilot)
        assert "AWS: identity: no allow" in said(pilot)


@pytest.mark.slow
async def test_the_columns_are_chosen_and_kept_for_the_next_log() -> None:
    async with opened(make_app(denial_workspace()), size=(80, 24)) as pilot:
        await press(pilot, "g", "n")
        assert "Columns" not in key_line(pilot), "there is nothing to show yet"
        await paste(pilot, LOG)
        await press(pilot, "j")
        assert "v Columns" in key_line(pilot)
        before = drawn(pilot)
        assert before.split()[:2] == ["line", "3"]
        assert "…" in before
        # The first column is where it was found, the second who called.
        await press(pilot, "v", "space", "j", "space", "escape")
        assert drawn(pilot).split()[0] == "s3:PutBucketPolicy"
        assert LAKE.rpartition(":")[2] in drawn(pilot), "the others have the room"
        assert "where" not in drawn(pilot, header=True)
        await press(pilot, "escape", "g", "n")
        assert drawn(pilot).split()[0] == "s3:PutBucketPolicy"
        assert main_of(pilot).list_columns["denials"] == ("action", "resource", "claim")


@pytest.mark.slow
async def test_of_a_resource_that_has_no_room_the_end_is_shown() -> None:
    async with opened(make_app(denial_workspace()), size=(80, 24)) as pilot:
        await press(pilot, "g", "n")
        await paste(pilot, message(CAROL, "s3:GetObject", f"{LAKE}/raw/2026/11/orders.parquet"))
        assert "/orders.parquet" in drawn(pilot)


@pytest.mark.slow
async def test_the_session_asks_until_the_cursor_leaves_its_role() -> None:
    async with opened(make_app(denial_workspace())) as pilot:
        await press(pilot, "g", "n")
        await paste(pilot, DENIED)
        await press(pilot, "enter")

        screen = main(pilot)
        assert screen.question.principal is not None
        assert screen.question.principal.kind is PrincipalKind.ROLE_SESSION
        screen.go_to(ALICE)
        await settle(pilot)
        screen.go_to(iam("role/deploy-prod"))
        await settle(pilot)
        assert screen.question.principal is not None
        assert screen.question.principal.kind is PrincipalKind.ROLE


@pytest.mark.slow
async def test_where_the_two_differ_both_are_shown() -> None:
    async with opened(make_app(denial_workspace())) as pilot:
        await press(pilot, "g", "n")
        await paste(pilot, LOG)
        await press(pilot, "j", "j", "enter")

        assert isinstance(pilot.app.screen, DenialReportScreen)
        rows = "\n".join(row.plain for row in pilot.app.screen._rows)
        assert "Explicit deny in a permissions boundary." in rows
        assert "The account as loaded would allow it" in rows
        await press(pilot, "escape")
        assert "the account would allow it" in said(pilot)


async def test_each_request_is_listed_once_with_its_count_and_place() -> None:
    async with opened(make_app(denial_workspace())) as pilot:
        await press(pilot, "g", "n")
        await paste(pilot, LOG)

        screen = dialog(pilot)
        assert screen.list.total == 5
        first = "".join(piece.text for piece in screen.list.pieces(0, 118))
        assert "line 1 x2" in first
        assert "carol" in first
        assert screen.list.has_focus
        await press(pilot, "j")
        assert screen.text.cursor_location[0] == 2


async def test_what_is_typed_is_found_and_f5_explains_it() -> None:
    async with opened(make_app(denial_workspace())) as pilot:
        await press(pilot, "g", "n")
        screen = dialog(pilot)
        screen.text.insert(f"User: {CAROL} is not authorized to perform: s3:ListBucket")
        await settle(pilot)

        assert screen.list.total == 1
        assert screen.text.has_focus
        await press(pilot, "f5")
        assert main(pilot).question.question is not None


async def test_a_file_is_read_and_a_wrong_path_is_said(tmp_path: Path) -> None:
    record = {
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "errorCode": "AccessDenied",
        "sourceIPAddress": "203.0.113.7",
        "requestParameters": {"bucketName": "data-lake", "key": "x"},
        "userIdentity": {"type": "IAMUser", "arn": CAROL, "accountId": ID, "accessKeyId": "AKIAX"},
    }
    file = tmp_path / "trail.json"
    file.write_text(json.dumps({"Records": [record]}))
    async with opened(make_app(denial_workspace())) as pilot:
        await press(pilot, "g", "n", "ctrl+o")
        path = dialog(pilot).query_one("#denial-file", Input)
        path.value = str(tmp_path / "none")
        await press(pilot, "enter")
        assert "does not exist" in note(pilot)

        path.value = str(file)
        await press(pilot, "enter")
        assert dialog(pilot).list.total == 1
        await press(pilot, "enter")
        question = main(pilot).question.question
        assert question is not None
        assert question.context["aws:SourceIp"] == ("203.0.113.7",)


@pytest.mark.slow
async def test_a_long_text_is_held_and_can_be_dropped() -> None:
    async with opened(make_app(denial_workspace())) as pilot:
        await press(pilot, "g", "n")
        await paste(pilot, "noise\n" * (LONGEST // 6 + 10) + AGREED)

        screen = dialog(pilot)
        assert screen.list.total == 1
        assert len(screen.text.text) < LONGEST
        assert "lines" in note(pilot)
        await press(pilot, "ctrl+l")
        assert screen.list.total == 0
        assert screen.text.text == ""
        assert not screen.text.read_only


async def test_nothing_hostile_is_held_by_the_field() -> None:
    async with opened(make_app(denial_workspace())) as pilot:
        await press(pilot, "g", "n")
        await paste(
            pilot, "\x1b]52;c;eA==\x07 \u202e User: arn:aws:iam::1:user/[red]x[/] is not authorized to perform: a:B"
        )

        screen = dialog(pilot)
        assert "\x1b" not in screen.text.text
        assert "\u202e" not in screen.text.text
        assert screen.list.total == 1
        await press(pilot, "enter")


@pytest.mark.slow
async def test_decoding_says_why_not() -> None:
    async with opened(make_app(denial_workspace())) as pilot:
        await press(pilot, "g", "n")
        await paste(pilot, AGREED)
        await press(pilot, "f9")
        assert "no encoded message" in note(pilot)
        await press(pilot, "ctrl+l")
        await paste(pilot, ENCODED)
        await press(pilot, "f9")
        assert "snapshot makes no calls" in note(pilot)


@pytest.mark.slow
async def test_who_called_is_asked_for_where_the_message_does_not_say() -> None:
    async with opened(make_app(denial_workspace())) as pilot:
        main(pilot).go_to(ALICE)
        await settle(pilot)
        await press(pilot, "g", "n")
        await paste(pilot, BARE)
        await press(pilot, "enter")

        assert "does not say who called" in note(pilot)
        field = dialog(pilot).query_one("#denial-caller", Input)
        assert field.has_focus
        assert field.value == "", "who is asked about in the tree called nothing"
        field.value = "nobody-here"
        await press(pilot, "enter")
        assert "No user or role of this account is nobody-here." in note(pilot)
        field.value = "carol"
        await press(pilot, "enter")
        screen = main(pilot)
        assert screen.subject.node.arn == CAROL  # type: ignore[union-attr]
        assert screen.question.question is not None
        assert screen.question.question.action == "s3:ListAllMyBuckets"


@pytest.mark.slow
async def test_the_caller_of_one_denial_is_not_taken_for_that_of_another() -> None:
    async with opened(make_app(denial_workspace())) as pilot:
        await press(pilot, "g", "n")
        await paste(pilot, f"{DENIED}\n{BARE}\n{BARE.replace('ListBuckets', 'PutObject')}")
        screen, field = dialog(pilot), dialog(pilot).query_one("#denial-caller", Input)
        assert [denial.caller != "" for denial in screen.findings.denials] == [True, False, False]
        await press(pilot, "j", "enter")
        assert field.has_focus
        assert field.value == ""
        field.value = "nobody-here"
        await press(pilot, "enter", "escape", "enter")
        assert field.value == "nobody-here", "to be corrected"
        await press(pilot, "escape", "j", "enter")
        assert field.has_focus
        assert field.value == ""


@pytest.mark.slow
async def test_without_a_caller_the_report_says_so() -> None:
    async with opened(make_app(denial_workspace())) as pilot:
        await press(pilot, "g", "n")
        await paste(pilot, BARE)
        await press(pilot, "enter")
        await press(pilot, "escape")
        assert dialog(pilot).list.has_focus
        await press(pilot, "enter")
        dialog(pilot).query_one("#denial-caller", Input).value = ""
        await press(pilot, "enter")

        assert isinstance(pilot.app.screen, DenialReportScreen)
        assert any("who called" in row.plain for row in pilot.app.screen._rows)
        await press(pilot, "escape")
        assert said(pilot).count("AWS") == 1


@pytest.mark.slow
async def test_the_next_denial_of_a_log_is_one_key_away() -> None:
    async with opened(make_app(denial_workspace())) as pilot:
        await press(pilot, "g", "n")
        await paste(pilot, LOG)
        await press(pilot, "j", "enter")
        assert main(pilot).question.question is not None
        await press(pilot, "g", "n")

        assert dialog(pilot).list.has_focus
        assert dialog(pilot).list.cursor == 1
        assert dialog(pilot).text.text.count("User:") == 4
        await press(pilot, "k", "enter")
        assert main(pilot).subject.node.arn == CAROL  # type: ignore[union-attr]

        await press(pilot, "g", "n")
        dialog(pilot).list.post_message(events.Paste(DIFFERENT))
        await pilot.pause()
        await settle(pilot)
        found = dialog(pilot).list.denial
        assert found is not None
        assert (found.caller, dialog(pilot).text.text) == (ALICE, DIFFERENT)


@pytest.mark.slow
async def test_a_denial_is_held_against_the_account_also_while_a_draft_is_open() -> None:
    async with opened(make_app(denial_workspace())) as pilot:
        screen = main(pilot)
        await press(pilot, "g", "n")
        await paste(pilot, AGREED)
        await press(pilot, "enter", "f")
        await settle(pilot)
        assert screen.drafts.before_workspace is not None
        await press(pilot, "g", "n", "enter")

        assert "the account agrees" in said(pilot)
        assert screen.question.question is not None
        assert screen.question.question.action == "s3:GetObject"


@pytest.mark.slow
async def test_escape_leaves_without_a_question() -> None:
    async with opened(make_app(denial_workspace())) as pilot:
        await press(pilot, "g", "n", "ctrl+o", "escape")
        assert isinstance(pilot.app.screen, DenialScreen)
        await press(pilot, "f5")
        assert "listed here" in note(pilot)
        await press(pilot, "escape")
        assert main(pilot).question.question is None


# Looks.


def walk(*keys: str, text: str = LOG) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def run(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, "g", "n")
        if text:
            await paste(pilot, text)
        await press(pilot, *keys)
        await pilot.pause()

    return run


@pytest.fixture(autouse=True)
def _one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same time for every question, so that the report is the same."""
    ask = denials.ask_and_trace
    monkeypatch.setattr(denials, "ask_and_trace", lambda *args, **_: ask(*args, now=NOW))


@pytest.mark.slow
@pytest.mark.parametrize("size", EACH_SIZE)
def test_before_the_paste(snap_compare: SnapCompare, size: str) -> None:
    assert snap_compare(make_app(denial_workspace()), terminal_size=SIZES[size], run_before=walk(text=""))


@pytest.mark.parametrize("size", EACH_SIZE)
def test_what_was_found(snap_compare: SnapCompare, size: str) -> None:
    assert snap_compare(make_app(denial_workspace()), terminal_size=SIZES[size], run_before=walk("j"))


@pytest.mark.parametrize("size", EACH_SIZE)
def test_a_report(snap_compare: SnapCompare, size: str) -> None:
    assert snap_compare(make_app(denial_workspace()), terminal_size=SIZES[size], run_before=walk("j", "j", "enter"))


@pytest.mark.slow
async def test_o_opens_the_policy_that_aws_names() -> None:
    named = message(
        DEPLOY, "s3:PutBucketPolicy", LAKE, f"with an explicit deny in a service control policy: {FENCE_ARN}"
    )
    async with opened(make_app(denial_workspace())) as pilot:
        await press(pilot, "g", "n")
        await paste(pilot, named)
        await press(pilot, "P")

        screen = pilot.app.screen
        assert isinstance(screen, DocumentScreen)
        assert "NoBucketPolicies" in screen.copied_text()


async def test_a_federated_sign_in_is_explained_without_asking_who_called() -> None:
    bare = (
        "An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: "
        "Not authorized to perform sts:AssumeRoleWithWebIdentity"
    )
    async with opened(make_app(denial_workspace())) as pilot:
        await press(pilot, "g", "n")
        await paste(pilot, bare)
        await press(pilot, "enter")

        assert isinstance(pilot.app.screen, DenialReportScreen)
