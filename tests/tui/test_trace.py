"""The trace: where it opens, what it folds, searching, jumping to statements, copying, drafting."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.content import Content
from textual.message import Message
from textual.pilot import Pilot
from textual.screen import Screen

from iamtui.account.model import (
    Account,
    InlinePolicy,
    Known,
    Organization,
    OrganizationLevel,
    OrganizationPolicy,
    ResourcePolicy,
)
from iamtui.policy.document import PolicyDocument
from iamtui.presentation.styled_words import Word
from iamtui.presentation.trace import TraceRow, document_rows
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.tui.main.main_view import DraftSuggestion, JumpToStatement
from iamtui.tui.question.trace_screen import DocumentScreen, ReadingScreen, TraceScreen, TraceView
from iamtui.workspace.ask import questions as asking
from iamtui.workspace.source.workspace import Workspace
from tests.support.panel_apps import ScreenApp, screen_text, settle, type_text
from tests.support.panel_records import (
    ACCOUNT,
    role_principal,
    small_account,
    small_workspace,
    statement,
    user_principal,
)
from tests.support.sample_account import iam
from tests.support.screen_app import RecordingCopier, make_app
from tests.support.screen_app import press as press_in_app
from tests.support.screen_app import settle as settle_app
from tests.support.slow import one_quick

OBJECT = "arn:aws:s3:::data-lake/x"
READ = Question("s3:GetObject", OBJECT)


def document(*statements: dict[str, object]) -> PolicyDocument:
    return PolicyDocument.of({"Version": "2012-10-17", "Statement": list(statements)})


def with_role_policy(account: Account, *statements: dict[str, object]) -> Account:
    role = replace(
        account.roles[0], attached_policies=(), inline_policies=(InlinePolicy("broad", document(*statements)),)
    )
    return replace(account, roles=(role,))


class Below(Screen[None]):
    """Stands in for the main screen and keeps what is sent to it."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Message] = []

    def on_draft_suggestion(self, event: DraftSuggestion) -> None:
        self.heard.append(event)

    def on_question_panel_jump_to_statement(self, event: JumpToStatement) -> None:
        self.heard.append(event)


class TraceApp(ScreenApp):
    """A trace over a screen that keeps what is sent to it."""

    def __init__(self, screen: TraceScreen) -> None:
        super().__init__(screen)
        self.below = Below()
        self.copier = RecordingCopier()

    def get_default_screen(self) -> Screen[None]:
        return self.below


def trace_app(workspace: Workspace, question: Question = READ, *, user: str = "") -> TraceApp:
    principal = user_principal(user) if user else role_principal()
    decision = asking.ask(workspace, principal, question)
    return TraceApp(TraceScreen(workspace, decision, principal, question, user or "role/deploy-prod"))


def on_cursor(app: ScreenApp) -> str:
    assert isinstance(app.screen, ReadingScreen)
    row = app.screen.view.row
    assert row is not None
    return row.plain


async def test_it_opens_at_the_statement_that_decided() -> None:
    app = trace_app(small_workspace())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "Allow matches" in on_cursor(app)
        assert "Allow matches" in screen_text(app)
        assert "Principal  arn:aws" not in screen_text(app)
        await pilot.press("home")
        await settle(pilot)
        assert "Principal  arn:aws" in screen_text(app)


async def test_an_explicit_denial_opens_at_the_deny_and_has_blockers_and_cure_on_top() -> None:
    deny = {"Sid": "No", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    app = trace_app(small_workspace().with_account(with_role_policy(small_account(), allow, deny)))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "Deny matches  broad / No" in on_cursor(app)
        await pilot.press("home")
        await settle(pilot)
        text = screen_text(app)
        assert "What blocks it" in text
        assert text.index("What blocks it") < text.index("The smallest change that would allow it")


async def test_statements_that_did_not_match_are_folded_with_their_count() -> None:
    others = [
        {"Sid": f"Other{at}", "Effect": "Allow", "Action": f"ec2:Thing{at}", "Resource": "*"} for at in range(412)
    ]
    workspace = small_workspace().with_account(with_role_policy(small_account(), *others))
    app = trace_app(workspace)
    async with app.run_test(size=(100, 40)) as pilot:
        await settle(pilot)
        assert "▸ 412 statements did not match: action" in screen_text(app)
        assert "Other7" not in screen_text(app)
        assert isinstance(app.screen, ReadingScreen)
        view = app.screen.view
        closed = view.total
        await pilot.press("space")
        await settle(pilot)
        assert view.total == closed + 412
        assert "▾ 412 statements" in view_text(view)
        await pilot.press("space")
        await settle(pilot)
        assert view.total == closed


def view_text(view: TraceView) -> str:
    return "\n".join("".join(piece.text for piece in view.pieces(index, 100)) for index in range(view.total))


async def test_a_search_unfolds_what_holds_a_hit_and_marks_every_one() -> None:
    others = [{"Sid": f"Other{at}", "Effect": "Allow", "Action": "ec2:Run", "Resource": "*"} for at in range(30)]
    app = trace_app(small_workspace().with_account(with_role_policy(small_account(), *others)))
    async with app.run_test(size=(100, 40)) as pilot:
        await settle(pilot)
        await pilot.press("slash")
        await type_text(pilot, "other2")
        await settle(pilot)
        assert "1 of 11" in screen_text(app)
        assert isinstance(app.screen, ReadingScreen)
        hits = [
            piece.text
            for index in range(app.screen.view.total)
            for piece in app.screen.view.pieces(index, 100)
            if piece.style == "hit"
        ]
        assert hits == ["Other2"] * 11
        await pilot.press("enter", "N")
        await settle(pilot)
        assert "11 of 11" in screen_text(app)
        await pilot.press("escape")
        await settle(pilot)
        assert app.returned == []


async def test_a_hit_across_a_wrapped_line_counts() -> None:
    app = ScreenApp(ReadingScreen(Content("Title")))
    async with app.run_test(size=(40, 12)) as pilot:
        await settle(pilot)
        assert isinstance(app.screen, ReadingScreen)
        app.screen.view.show([TraceRow((Word("one " * 9 + "needle in two words " + "x " * 30),))])
        assert app.screen.view.search("needle in two") == "1 of 1"


async def test_enter_goes_to_the_statement_in_the_tree() -> None:
    app = trace_app(small_workspace())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert app.screen is app.below
        (heard,) = app.below.heard
        assert isinstance(heard, JumpToStatement)
        assert heard.ref.sid == "ReadLake"


def scp_workspace() -> Workspace:
    deny = {"Sid": "NoS3", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    full = {"Effect": "Allow", "Action": "*", "Resource": "*"}

    def level(id_: str, kind: str, *statements: dict[str, object]) -> OrganizationLevel:
        scp = OrganizationPolicy(f"arn:aws:organizations::1:policy/{id_}", "guard", document(*statements))
        return OrganizationLevel(id_, id_, kind, Known((scp,)), Known(()))

    path = (level("r-1", "ROOT", full), level(ACCOUNT, "ACCOUNT", full, deny))
    organization = Organization("o-1", "999999999999", path)
    return small_workspace().with_account(replace(small_account(), organization=Known(organization)))


async def test_an_scp_that_is_not_in_the_tree_opens_as_a_document_at_its_statement() -> None:
    app = trace_app(scp_workspace())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "Deny matches  guard / NoS3" in on_cursor(app)
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, DocumentScreen)
        assert '"Sid": "NoS3"' in screen_text(app)
        assert app.screen.view.row is not None
        assert app.screen.view.row.ground == "statement"
        await pilot.press("escape")
        await settle(pilot)
        assert isinstance(app.screen, TraceScreen)


async def test_the_policy_of_a_bucket_opens_as_a_document() -> None:
    policy = document(
        {
            "Sid": "Bob",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/bob"},
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::data-lake/*",
        }
    )
    account = replace(small_account(), resource_policies={"arn:aws:s3:::data-lake": ResourcePolicy("present", policy)})
    app = trace_app(small_workspace().with_account(account), user="bob")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, DocumentScreen)
        assert '"Sid": "Bob"' in screen_text(app)


def test_a_document_that_cannot_be_read_is_shown_with_why() -> None:
    rows, first = document_rows(PolicyDocument('{"a":\n'), statement())

    assert "cannot be read" in rows[0].plain
    assert first == 0
    assert any('{"a":' in row.plain for row in rows)


async def test_a_denial_can_be_drafted_and_an_answer_that_allows_cannot() -> None:
    app = trace_app(small_workspace(), user="bob")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "Draft a fix" in screen_text(app)
        await pilot.press("f")
        await settle(pilot)
        assert app.screen is app.below
        (heard,) = app.below.heard
        assert isinstance(heard, DraftSuggestion)
        assert heard.question == READ
        assert heard.principal == user_principal("bob")
        assert heard.suggestions[0].statement is not None
        assert heard.suggestions[0].statement["Action"] == "s3:GetObject"

    app = trace_app(small_workspace())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("f")
        await settle(pilot)
        assert isinstance(app.screen, TraceScreen)
        assert app.below.heard == []


async def test_y_copies_all_of_it_as_text() -> None:
    app = trace_app(small_workspace(), user="bob")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("y")
        await settle(pilot)
        (copied,) = app.copier.copied
        assert copied.startswith("Why  Can bob do s3:GetObject?")
        assert "What blocks it" in copied
        assert "Text copied." in screen_text(app)


async def chained(pilot: Pilot[None], action: str) -> str:
    """The trace of a question that role/web-server asks, chained from role/deploy-prod."""
    app = pilot.app
    await settle_app(pilot)
    asked = QuestionMatrix((action,), (OBJECT,), Question(""), chained_from=iam("role/deploy-prod"))
    app.main.go_to(iam("role/web-server"))  # type: ignore[attr-defined]
    app.main.question.ask_matrix(asked)  # type: ignore[attr-defined]
    await settle_app(pilot)
    await press_in_app(pilot, "f7")
    await settle_app(pilot)
    return screen_text(app)


@pytest.mark.slow
async def test_a_chain_that_decides_is_traced_as_the_call_of_the_role_it_starts_from() -> None:
    async with make_app().run_test(size=(120, 50)) as pilot:
        text = await chained(pilot, "s3:GetObject")
        assert "Why  Can role/deploy-prod do sts:AssumeRole?" in text
        assert f"Principal  {iam('role/deploy-prod')}" in text
        assert f"Resource   {iam('role/web-server')}" in text


@pytest.mark.slow
async def test_what_would_help_a_chain_is_said_of_the_role_it_starts_from() -> None:
    async with make_app().run_test(size=(120, 50)) as pilot:
        await chained(pilot, "s3:GetObject")
        await press_in_app(pilot, "q")
        said = " ".join(screen_text(pilot.app).replace("│", " ").split())
        assert f"Would help: Add {iam('role/deploy-prod')} to the Principal of" in said


async def test_long_rows_wrap_and_wrap_anew_when_the_window_changes() -> None:
    app = trace_app(small_workspace(), user="bob")
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        assert isinstance(app.screen, ReadingScreen)
        wide = app.screen.view.total
        await pilot.resize_terminal(62, 24)
        await settle(pilot)
        assert app.screen.view.total > wide
        assert all(len(row) <= 62 for row in screen_text(app).split("\n"))


@one_quick("size", [(200, 60), (180, 40), (160, 40), (120, 40), (80, 24)])
async def test_what_is_wanted_and_seen_stands_side_by_side_where_there_is_room(size: tuple[int, int]) -> None:
    until = {"StringEquals": {"aws:PrincipalTag/team": "somebody-else"}}
    allow = {"Sid": "Theirs", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": until}
    workspace = small_workspace().with_account(with_role_policy(small_account(), allow))
    app = trace_app(workspace)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        view = app.screen.view
        texts = [line.content.plain for line in view._lines]
        beside = [text for text in texts if "wants " in text and "seen: " in text]
        assert bool(beside) is (size[0] >= 180)
        assert any(text.lstrip().startswith("seen: ") for text in texts) is not bool(beside)
        assert len({text.index("seen: ") for text in beside}) <= 1, "they stand one below the other"
        assert max(len(text) for text in texts) <= size[0] - 1
        said = view.plain_text()
        assert said.count("seen: ") == sum(1 for row in view.rows if row.beside), "what is copied says it once"
        view.search("seen: ")
        assert view.place


async def go_why(pilot: Pilot[None]) -> None:
    app = pilot.app
    app.main.go_to(iam("role/deploy-prod"))  # type: ignore[attr-defined]
    app.main.question.ask("s3:GetObject", OBJECT)  # type: ignore[attr-defined]
    await settle_app(pilot)
    await press_in_app(pilot, "f7")


async def test_in_the_app_enter_shows_the_policy_at_the_statement() -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle_app(pilot)
        await go_why(pilot)
        assert isinstance(app.screen, TraceScreen)
        await press_in_app(pilot, "enter")
        assert app.screen is app.main
        assert app.main.subject.detail.active_tab == "policies"
        assert '"Sid": "ReadLake"' in screen_text(app)


@pytest.mark.slow
async def test_back_from_there_shows_the_tab_before_and_the_trace_at_the_statement() -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle_app(pilot)
        await go_why(pilot)
        at = on_cursor(app)
        await press_in_app(pilot, "enter", "left_square_bracket")
        assert isinstance(app.screen, TraceScreen)
        assert on_cursor(app) == at
        assert app.main.subject.detail.active_tab == "overview"
        await press_in_app(pilot, "q", "right_square_bracket")
        assert app.screen is app.main
        assert app.main.subject.detail.active_tab == "policies"


@pytest.mark.slow
async def test_back_does_not_show_a_trace_of_what_is_not_answered_any_more() -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle_app(pilot)
        await go_why(pilot)
        await press_in_app(pilot, "enter")
        assert app.main.workspace is not None
        app.main.workspace = app.main.workspace.with_account(app.main.workspace.account)
        await press_in_app(pilot, "left_square_bracket")
        assert app.screen is app.main
        assert app.main.subject.detail.active_tab == "overview"
