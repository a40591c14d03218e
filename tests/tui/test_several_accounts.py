"""Several accounts on the screen: one tree, one level up; questions, lists and searches over all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from iamtui.problem import Problem
from iamtui.tui.app import IamtuiApp
from iamtui.tui.question.who_can_screen import WhoCanScreen
from iamtui.tui.widgets.status import MessageLine, StatusLine
from iamtui.workspace.source.open_accounts import open_accounts
from iamtui.workspace.source.workspace import NotOpened, SourceChoice, SourceKind, Workspace
from tests.support.panel_apps import screen_text, type_text, until
from tests.support.screen_app import RecordingCopier, press
from tests.support.snapshot_builder import ID, iam
from tests.support.two_accounts import OTHER, TARGET, files

__all__ = ["files"]


class Stage:
    """The app with two accounts open."""

    def __init__(self, pilot: Pilot[None], app: IamtuiApp) -> None:
        self.pilot, self.app = pilot, app

    @property
    def words(self) -> str:
        return " ".join(screen_text(self.app).replace("│", " ").split())

    @property
    def other(self) -> str:
        """What stands on the right when the cursor is on another account."""
        welcome = self.app.main.query_one("#welcome", Static)
        return " ".join(str(welcome.render()).split()) if welcome.display else ""

    @property
    def tree(self) -> list[str]:
        """The lines of the tree, from where its accounts begin."""
        view = self.app.main.explorer.tree_view
        return ["".join(piece.text for piece in view.pieces(i, 40)).rstrip() for i in range(view.total)]

    def looks_at(self, account: str) -> bool:
        workspace = self.app.main.workspace
        return (
            workspace is not None
            and workspace.account.id == account
            and account in (self.app.main.query_one(StatusLine).render().plain)
        )


@asynccontextmanager
async def stage(files: tuple[str, str], *, not_opened: tuple[NotOpened, ...] = ()) -> AsyncIterator[Stage]:
    one, other = (SourceChoice(SourceKind.SNAPSHOT, Path(file)) for file in files)

    def opener(wanted: SourceChoice, *_more: object) -> Workspace:
        return replace(open_accounts(wanted), not_opened=not_opened)

    choice = SourceChoice(SourceKind.SNAPSHOT, one.snapshot, beside=(other,))
    app = IamtuiApp(choice, opener=opener, copier=RecordingCopier())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.main.workspace is not None)
        yield Stage(pilot, app)


async def test_each_account_is_a_line_and_enter_looks_at_another(files: tuple[str, str]) -> None:
    async with stage(files) as it:
        assert it.tree[0].startswith(f"▾ {ID}")
        assert it.tree[1].startswith("  ▸ Users")
        assert it.tree[-1].split() == ["▸", OTHER, "other.json", "4"]
        assert it.app.main.query_one(MessageLine).render().plain.startswith(f"! 2 accounts; {ID}: 3 users")
        await press(it.pilot, "end")
        assert it.other == f"{OTHER} other.json Enter goes there."
        assert it.app.main.subject.node is None
        assert it.looks_at(ID)
        await press(it.pilot, "enter")
        await until(it.pilot, lambda: it.looks_at(OTHER))
        assert it.tree[0].split() == ["▸", ID, "one.json", "5"]
        await press(it.pilot, "home", "right")
        await until(it.pilot, lambda: it.looks_at(ID))


async def test_both_sides_answer_and_who_can_lists_all_accounts(files: tuple[str, str]) -> None:
    async with stage(files) as it:
        it.app.main.go_to(iam("user/alice"))
        await press(it.pilot, "f5")
        await type_text(it.pilot, "sts:AssumeRole")
        await press(it.pilot, "tab")
        await type_text(it.pilot, TARGET)
        await press(it.pilot, "enter")
        await until(it.pilot, lambda: "[+] ALLOWED" in it.words)
        await press(it.pilot, "f6")
        await until(it.pilot, lambda: isinstance(it.app.screen, WhoCanScreen) and "? 9 ▸1 all" in it.words)
        assert f"both account {OTHER} user" in it.words
        assert "[+] ALLOWED* alice user" in it.words
        await press(it.pilot, "end", "enter")
        await until(it.pilot, lambda: it.looks_at(OTHER))
        await until(it.pilot, lambda: getattr(it.app.main.subject.node, "name", "") == "target")


async def test_search_finds_in_all_accounts_and_goes_there(files: tuple[str, str]) -> None:
    async with stage(files) as it:
        await press(it.pilot, "slash")
        await type_text(it.pilot, "both")
        await until(it.pilot, lambda: "2 matches" in it.words)
        await press(it.pilot, "enter", "down")
        assert it.other == f"{OTHER} both Enter goes there."
        assert it.app.main.subject.node is None, "nothing of another account stands under the name of this one"
        await press(it.pilot, "enter")
        await until(it.pilot, lambda: it.looks_at(OTHER))
        await until(it.pilot, lambda: getattr(it.app.main.subject.node, "arn", "") == f"arn:aws:iam::{OTHER}:user/both")


@pytest.mark.slow
async def test_search_finds_an_account_by_its_id(files: tuple[str, str]) -> None:
    async with stage(files) as it:
        await press(it.pilot, "slash", *OTHER[:6])
        await until(it.pilot, lambda: OTHER in it.tree[0])
        await press(it.pilot, "enter")
        assert it.other == f"{OTHER} other.json Enter goes there."
        await press(it.pilot, "enter")
        await until(it.pilot, lambda: it.looks_at(OTHER))


async def test_where_an_account_has_no_room_its_name_stands_before_the_end_of_its_id(files: tuple[str, str]) -> None:
    async with stage(files) as it:
        view = it.app.main.explorer.tree_view
        lines = ["".join(piece.text for piece in view.pieces(view.total - 1, width)) for width in (40, 28, 20)]
        assert [one.split()[1:-1] for one in lines] == [
            [OTHER, "other.json"], ["other.json", f"…{OTHER[-4:]}"], ["other.j…", f"…{OTHER[-4:]}"],
        ]  # fmt: skip


async def test_what_could_not_be_opened_stands_in_the_tree_with_why(files: tuple[str, str]) -> None:
    refused = NotOpened("The profile old", Problem("The login has expired.", "Run aws sso login."))
    async with stage(files, not_opened=(refused,)) as it:
        said = it.app.main.query_one(MessageLine).render().plain
        assert "The profile old could not be opened: The login has expired." in said
        assert it.tree[-1].split() == ["✗", "The", "profile", "old"]
        await press(it.pilot, "end", "enter")
        assert it.other == "The profile old The login has expired. Run aws sso login."
        assert it.looks_at(ID)


@pytest.mark.slow
async def test_reading_anew_stays_at_the_account_that_is_looked_at(files: tuple[str, str]) -> None:
    async with stage(files) as it:
        await press(it.pilot, "end", "enter")
        await until(it.pilot, lambda: it.looks_at(OTHER))
        was = it.app.main.workspace
        await press(it.pilot, "R")
        await until(it.pilot, lambda: it.app.main.workspace is not was)
        assert it.looks_at(OTHER)
        assert [one.id for one in it.app.main.workspace.accounts] == [OTHER, ID] if it.app.main.workspace else False
