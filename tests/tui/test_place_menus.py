"""What can be copied of what is under the cursor, and bookmarks, which are kept for each account."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import pytest

from iamtui.account.model import Role
from iamtui.tui.main.inventory import key_of
from iamtui.tui.main.paned import MOST_BOOKMARKS
from iamtui.tui.main.place_menus import command_for, console_link, texts_of
from iamtui.workspace.source.workspace import SourceInfo, SourceKind
from tests.support.panel_apps import screen_text
from tests.support.sample_account import iam, sample_workspace
from tests.support.screen_app import RecordingCopier, make_app, opened, press
from tests.support.slow import one_quick

DEPLOY = iam("role/deploy-prod")


@one_quick(
    ("letter", "copied"),
    [
        ("y", DEPLOY),
        ("n", "deploy-prod"),
        ("l", "https://console.aws.amazon.com/iam/home#/roles/details/deploy-prod"),
    ],
)
async def test_a_letter_copies_a_text_of_what_is_under_the_cursor(letter: str, copied: str) -> None:
    copier = RecordingCopier()
    app = make_app(copier=copier)
    async with opened(app) as pilot:
        app.main.go_to(DEPLOY)
        await press(pilot, "y")
        assert "Copy of deploy-prod" in screen_text(app)
        await press(pilot, letter)
        assert copier.copied == [copied]


async def test_json_and_command() -> None:
    workspace = sample_workspace()
    role = workspace.account.by_arn(DEPLOY)
    assert isinstance(role, Role)
    texts = {one.what: one.text() for one in texts_of(workspace, role)}
    assert json.loads(texts["JSON"])["Name"] == "deploy-prod"
    assert texts["Command"].startswith(f"iamtui show {DEPLOY} ")
    demo = replace(workspace, source=SourceInfo(SourceKind.DEMO, "demo"))
    assert command_for(demo, role) == f"iamtui show {DEPLOY} --demo"
    odd = replace(role, name="a b;rm", arn=f"{DEPLOY};rm -rf /\nx")
    assert "\n" not in command_for(demo, odd)
    assert "'" in command_for(demo, odd)


@pytest.mark.parametrize(
    ("partition", "host"),
    [
        ("aws", "console.aws.amazon.com"),
        ("aws-us-gov", "console.amazonaws-us-gov.com"),
        ("aws-cn", "console.amazonaws.cn"),
        ("aws-iso", ""),
        ("aws-nowhere", ""),
    ],
)
def test_the_console_link_is_in_the_partition_of_the_account(partition: str, host: str) -> None:
    workspace = sample_workspace()
    role = workspace.account.by_arn(DEPLOY)
    assert isinstance(role, Role)
    moved = replace(workspace.account, partition=partition)
    link = console_link(moved, workspace.source, role)
    assert link == (f"https://{host}/iam/home#/roles/details/deploy-prod" if host else "")


def test_a_link_holds_names_as_data_and_leads_to_no_emulator() -> None:
    workspace = sample_workspace()
    role = workspace.account.by_arn(DEPLOY)
    assert isinstance(role, Role)
    odd = replace(role, name="../../x?y=1#z@evil.example")
    link = console_link(workspace.account, workspace.source, odd)
    assert link == "https://console.aws.amazon.com/iam/home#/roles/details/..%2F..%2Fx%3Fy%3D1%23z%40evil.example"
    policy = workspace.account.policies[0]
    assert "%3Apolicy%2F" in console_link(workspace.account, workspace.source, policy)
    there = msgspec.structs.replace(workspace.source, endpoint_url="http://127.0.0.1:5000")
    assert console_link(workspace.account, there, role) == ""


async def test_on_a_branch_there_is_nothing_to_copy() -> None:
    app = make_app()
    async with opened(app) as pilot:
        await press(pilot, "y")
        assert "Put the cursor on a user" in screen_text(app)


async def test_a_bookmark_is_set_gone_to_dropped_and_remembered() -> None:
    app = make_app()
    async with opened(app) as pilot:
        app.main.go_to(DEPLOY)
        await press(pilot, "m")
        assert "Bookmarked deploy-prod" in screen_text(app)
        app.main.go_to(iam("user/carol"))
        app.exit()
    app = make_app()
    async with opened(app) as pilot:
        assert app.main.browsing.bookmarks == [DEPLOY]
        await press(pilot, "g", "b", "enter")
        assert app.main.subject.node is not None
        assert key_of(app.main.subject.node) == DEPLOY
        await press(pilot, "m")
        assert app.main.browsing.bookmarks == []


async def test_a_bookmark_on_what_is_gone_is_said_and_there_are_no_more_than_so_many() -> None:
    app = make_app()
    async with opened(app) as pilot:
        for number in range(MOST_BOOKMARKS + 1):
            app.main.browsing.bookmark(iam(f"role/gone-{number}"))
        assert len(app.main.browsing.bookmarks) == MOST_BOOKMARKS
        await press(pilot, "g", "b")
        assert "not in the account as loaded" in screen_text(app)
        await press(pilot, "down", "enter")
        assert "Not in this account as loaded" in screen_text(app)
