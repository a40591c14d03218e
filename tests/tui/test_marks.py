"""Marks beside users and roles, and two of them compared: with each other, with a draft, in two snapshots."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from iamtui.account.model import AttachedPolicy
from iamtui.drafts.edits.principals import AttachPolicy
from iamtui.tui.dialogs.help import HelpScreen
from iamtui.tui.explorer.listings import ADMINISTRATOR, CERTAIN, POSSIBLE
from iamtui.tui.main.marks import MARKED
from iamtui.tui.reports.report_screen import ReportScreen
from iamtui.tui.widgets.lists.line_list import Piece
from iamtui.workspace.review import escalations
from iamtui.workspace.review.escalations import find_escalations
from iamtui.workspace.source import unknown_facts
from iamtui.workspace.source.workspace import SourceChoice, SourceInfo, SourceKind, Workspace
from tests.support.drafting import app_of, lay, message, own_data_folder, until
from tests.support.panel_apps import screen_text
from tests.support.sample_account import ADMIN_ARN, LAKE_READ, iam, sample_workspace
from tests.support.screen_app import make_app, opened, press, settle
from tests.support.slow import one_quick
from tests.tui.test_access_and_trust_tabs import demo

__all__ = ["own_data_folder"]

BOB, CAROL, DEPLOY = iam("user/data/bob"), iam("user/carol"), iam("role/deploy-prod")


def demo_arn(name: str) -> str:
    return f"arn:aws:iam::111122223333:{name}"


@one_quick("size", [(80, 24), (120, 40), (200, 60)])
async def test_who_can_become_administrator_is_marked_in_the_tree_and_in_tables(size: tuple[int, int]) -> None:
    workspace = demo()
    found = find_escalations(demo())
    marks = {one.principal.arn: CERTAIN if one.certain else POSSIBLE for one in found.escalations}
    marks |= {entity.arn: ADMINISTRATOR for entity in found.administrators}
    app = make_app(workspace)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        main = app.main
        main.go_to("roles:")
        await settle(pilot)
        assert "▲ 14 △ 13" in str(main.explorer.border_title)
        entities = [*workspace.account.users, *workspace.account.roles]
        assert {one.arn: main._marks.of(one) for one in entities} == {
            one.arn: [marks[one.arn]] if one.arn in marks else [] for one in entities
        }
        main.go_to(demo_arn("role/release-manager"))
        await settle(pilot)
        tree = main.explorer.tree_view
        assert text_of(tree.pieces(tree.cursor, 36)).strip() == "release-manager ▲"
        main.go_to("roles:")
        await settle(pilot)
        table = main.subject.table
        at = next(at for at, one in enumerate(table.entities) if one.name == "release-manager")
        assert "release-manager ▲" in text_of(table.pieces(at, 80))


def text_of(pieces: Iterable[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


@pytest.mark.slow
async def test_what_nobody_looked_for_is_unknown_and_not_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unknown_facts, "MOST_SEARCHED", 1)
    app = make_app(demo().with_account(replace(demo().account)))
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        assert "▲ ?" in str(app.main.explorer.border_title)
        await press(pilot, "question_mark")
        assert isinstance(app.screen, HelpScreen)
        await press(pilot, "escape")
        await press(pilot, "g", "e")
        assert isinstance(app.screen, ReportScreen)
        await press(pilot, "escape")
        await settle(pilot)
        assert "▲ 14 △ 13" in str(app.main.explorer.border_title), "the screen of escalations has looked"


def test_escalations_are_kept_with_the_account_once_they_are_complete() -> None:
    workspace = sample_workspace()
    find_escalations(workspace, lambda: True)
    assert escalations.kept_escalations(workspace.account) is None
    found = find_escalations(workspace)
    assert escalations.kept_escalations(workspace.account) is found
    assert find_escalations(workspace) is found


async def test_two_principals_are_compared_by_service_and_access_level() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to(DEPLOY)
        await press(pilot, "space")
        assert message(pilot) == "Marked deploy-prod: = compares it with the one under the cursor."
        main.go_to(BOB)
        await settle(pilot)
        assert main._marks.of(main.workspace.account.by_arn(DEPLOY))[-1] == MARKED  # type: ignore[union-attr, arg-type]
        await press(pilot, "equals_sign")
        screen = app_of(pilot).screen
        assert isinstance(screen, ReportScreen)
        assert "role/deploy-prod and user/data/bob" in screen_text(app_of(pilot))
        heads = screen.list.outer
        # Neither of two gains or loses anything.
        assert {row.kind for row in heads} <= {"only bob", "only deploy-prod", "both, otherwise"}
        assert "[<] only deploy-prod" in screen_text(app_of(pilot))
        gained = next(row for row in heads if row.kind == "only bob")
        actions = gained.inner
        assert gained.text == f"{len(actions)} action{'' if len(actions) == 1 else 's'}"
        assert gained.name.split()[0] == actions[0].name.partition(":")[0]
        # Enter asks the action of the one under the cursor.
        screen.list.move_to(screen.list.shown.index(actions[0]))
        await press(pilot, "enter")
        assert main.question.question is not None
        assert main.question.question.action == actions[0].name
        assert main.question.principal is not None
        assert main.question.principal.arn == BOB


@pytest.mark.slow
async def test_the_line_of_a_table_is_marked_and_compared() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to("users:")
        main.subject.table.focus()
        await press(pilot, "space", "j", "equals_sign")
        assert isinstance(app_of(pilot).screen, ReportScreen)


@pytest.mark.slow
async def test_what_cannot_be_compared_says_why() -> None:
    async with opened() as pilot:
        none = "None is marked: space marks the user or role under the cursor, = compares with it."
        for place, keys, words in (
            ("users:", ("equals_sign",), "Put the cursor on a user or role to compare it."),
            (BOB, ("equals_sign",), none),
            (BOB, ("space", "equals_sign"), "This is the marked one: put the cursor on another user or role."),
            (BOB, ("space",), "bob is no longer marked."),
        ):
            app_of(pilot).main.go_to(place)
            await press(pilot, *keys)
            assert message(pilot) == words


@pytest.mark.slow
async def test_a_principal_is_compared_before_and_with_a_draft() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await lay(pilot, AttachPolicy(CAROL, ADMIN_ARN))
        main.go_to(CAROL)
        await press(pilot, "equals_sign")
        app = app_of(pilot)
        assert isinstance(app.screen, ReportScreen)
        assert "user/carol before the draft → user/carol with it" in screen_text(app)
        assert {row.kind for row in app.screen.list.shown} == {"gained"}
        assert any(row.name == "iam:CreateUser" for row in app.screen.list.shown)


@pytest.mark.slow
async def test_a_principal_is_compared_in_two_snapshots() -> None:
    earlier = sample_workspace()
    account = earlier.account
    lake = AttachedPolicy(LAKE_READ.name, LAKE_READ.arn)
    users = tuple(replace(one, attached_policies=(lake,)) if one.arn == CAROL else one for one in account.users)
    sources = [
        Workspace(account, SourceInfo(SourceKind.SNAPSHOT, "monday.json", file="monday.json")),
        Workspace(replace(account, users=users), SourceInfo(SourceKind.SNAPSHOT, "friday.json", file="friday.json")),
    ]
    app = make_app(opener=lambda *_: sources.pop(0))
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.main.go_to(CAROL)
        await press(pilot, "space")
        app.opening.open(SourceChoice(SourceKind.SNAPSHOT))
        await until(pilot, lambda: not sources)
        await settle(pilot)
        app.main.go_to(CAROL)
        await press(pilot, "equals_sign")
        assert "user/carol in monday.json → user/carol in friday.json" in screen_text(app)
        assert isinstance(app.screen, ReportScreen)
        assert {row.name for row in app.screen.list.shown if row not in app.screen.list.outer} >= {"s3:GetObject"}
        assert {row.kind for row in app.screen.list.shown} == {"gained"}
