"""The Access and Trust tabs: what a role can do by service, what it reaches, and who may assume it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from iamtui.account.model import Unread
from iamtui.sources.demo import load_demo_account
from iamtui.tui.explorer.detail_pane import DetailPane, ListAndDocument
from iamtui.tui.explorer.listings import NOTHING_TO_GO_TO, RowsView, TabBar, TabId
from iamtui.tui.explorer.tab_contents import found_tab
from iamtui.tui.reports.report_screen import ReportScreen
from iamtui.workspace.ask.trust import by_principal, chains_from, who_may_assume
from iamtui.workspace.ask.what_can import what_can
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.panel_apps import screen_text
from tests.support.sample_account import iam
from tests.support.screen_app import make_app, press, settle

ROLE = "arn:aws:iam::111122223333:role/deploy-prod"
PIPELINE = "arn:aws:iam::111122223333:role/pipelines/codepipeline-release"


def demo() -> Workspace:
    return Workspace(load_demo_account(), SourceInfo(SourceKind.SNAPSHOT, "puffin.json", region="eu-west-1"))


async def go_to(pilot: Pilot[None], arn: str, tab: str) -> DetailPane:
    await settle(pilot)
    app = pilot.app
    app.main.go_to(arn)  # type: ignore[attr-defined]
    detail = app.screen.query_one(DetailPane)
    assert detail.select_tab(tab)
    await settle(pilot)
    return detail


async def test_the_access_tab_counts_the_services_and_lists_the_actions_of_one() -> None:
    workspace = demo()
    found = what_can(workspace, resolve_principal(workspace, ROLE))
    app = make_app(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        detail = await go_to(pilot, ROLE, "access")
        labels = [row.label for row in detail.facts.rows]
        begin = labels.index("Service") + 1
        assert [one.service for one in found.services] == labels[begin : begin + len(found.services)]
        detail.facts.focus()
        detail.facts.move_to(labels.index("ecs"))
        await press(pilot, "enter")
        screen = app.screen
        assert isinstance(screen, ReportScreen)
        ecs = next(one for one in found.services if one.service == "ecs")
        assert len(screen.list.shown) == ecs.allowed + ecs.depends
        row = screen.list.row
        assert row is not None
        assert row.target.asked is not None
        await press(pilot, "enter")
        assert app.main.question.question is not None
        assert app.main.question.question.action == row.target.asked[1].action
        assert app.main.question.answer is not None
        assert app.main.question.answer.outcome.value == "allowed"


@pytest.mark.slow
async def test_the_access_tab_lists_every_action_and_the_resources_it_touches() -> None:
    workspace = demo()
    found = what_can(workspace, resolve_principal(workspace, ROLE))
    app = make_app(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        detail = await go_to(pilot, ROLE, "access")
        labels = [row.label for row in detail.facts.rows]
        detail.facts.focus()
        detail.facts.move_to(labels.index("all"))
        await press(pilot, "enter")
        screen = app.screen
        assert isinstance(screen, ReportScreen)
        assert {row.name for row in screen.list.shown} == set(found.by_action())
        await press(pilot, "escape")
        detail.facts.move_to(labels.index("resources"))
        await press(pilot, "enter")
        screen = app.screen
        assert isinstance(screen, ReportScreen)
        touched = {resource for one in found.permissions for resource in one.resources}
        assert {row.name for row in screen.list.outer} == touched
        buckets = next(row for row in screen.list.outer if row.name.startswith("arn:aws:s3"))
        inside = [row.name for row in buckets.inner]
        assert inside
        assert all(name.startswith("s3:") for name in inside)
        columns = set()
        for at, row in enumerate(screen.list.shown):
            text = "".join(piece.text for piece in screen.list.pieces(at, 120))
            assert text.startswith(row.name if row.inner else "  ["), "a heading begins at the edge, its actions inside"
            columns |= {text.index(row.text[:8])} if row.text and len(row.name) < 36 else set()
        assert len(columns) == 1, "what is said stands in one column"


@pytest.mark.slow
async def test_the_access_tab_names_the_roles_that_a_principal_reaches() -> None:
    workspace = demo()
    edges = by_principal(edge for role in workspace.account.roles for edge in who_may_assume(workspace, role))
    chains = list(chains_from(resolve_principal(workspace, PIPELINE), edges))
    assert chains
    app = make_app(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        detail = await go_to(pilot, PIPELINE, "access")
        assert [row.target for row in detail.facts.rows if row.target] == [chain[-1].role.arn for chain in chains]


async def test_the_access_tab_says_that_there_are_too_many_roles_to_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iamtui.workspace.ask.trust._MOST_EDGES", 3)
    app = make_app(demo())
    async with app.run_test(size=(120, 40)) as pilot:
        detail = await go_to(pilot, PIPELINE, "access")
        labels = [row.label for row in detail.facts.rows]
        assert "resources" in labels
        assert detail.facts.rows[-1].value.startswith("More than 3 pairs of a principal and a role")


async def test_the_trust_tab_adds_who_may_assume_the_role_below_its_statements() -> None:
    workspace = demo()
    role = workspace.account.role("deploy-prod")
    assert role is not None
    edges = list(who_may_assume(workspace, role))
    app = make_app(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await go_to(pilot, ROLE, "trust")
        both = app.main.query_one(ListAndDocument)
        rows = both.rows_view.rows
        at = next(i for i, row in enumerate(rows) if row.heading)
        assert f"({len(edges)})" in rows[at].label
        assert [row.target for row in rows[at + 1 :]] == [edge.principal.arn for edge in edges]
        assert all(row.label == "[?] depends" for row in rows[at + 1 :] if "MultiFactorAuth" in row.note)


@pytest.mark.slow
def test_both_tabs_name_the_permissions_without_which_they_may_lack_something() -> None:
    workspace = demo()
    user, *others = workspace.account.users
    unread = replace(user, unread=(Unread("inline policies", "iam:ListUserPolicies", "access denied"),))
    lacking = workspace.with_account(replace(workspace.account, users=(unread, *others)))
    trust = found_tab(lacking, lacking.account.roles[0], TabId.TRUST, lambda: False)
    access = found_tab(lacking, unread, TabId.ACCESS, lambda: False)
    for rows in ([entry.row for entry in trust.entries], access.rows):
        needed = [(row.value, row.note) for row in rows if row.label == "[?] needs"]
        assert needed == [("iam:ListUserPolicies", "access denied")]


async def test_what_was_found_for_another_place_is_not_shown() -> None:
    app = make_app(demo())
    async with app.run_test(size=(120, 40)) as pilot:
        detail = await go_to(pilot, ROLE, "access")
        detail.select_tab("overview")
        await settle(pilot)
        assert detail.facts.rows[0].label != ""
        assert all("What it can use" not in row.label for row in app.main.query_one("#facts", RowsView).rows)


async def test_the_tabs_of_a_role_fit_a_narrow_window() -> None:
    app = make_app(demo())
    async with app.run_test(size=(80, 24)) as pilot:
        await go_to(pilot, ROLE, "overview")
        bar = app.main.query_one(TabBar)
        words = bar.render().plain
        assert "5 Access" in words
        assert len(words) <= bar.size.width


@pytest.mark.parametrize("tab", ["overview", "trust"])
async def test_a_line_that_leads_nowhere_says_so(tab: str) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        detail = await go_to(pilot, iam("role/web-server"), tab)
        detail.active_view.focus()
        await press(pilot, "enter")
        assert NOTHING_TO_GO_TO in screen_text(app)


async def test_all_access_levels_fit_a_narrow_window() -> None:
    app = make_app(demo())
    async with app.run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "arn:aws:iam::111122223333:role/data/data-lake-admin", "access")
        await settle(pilot)
        lines = screen_text(app).splitlines()
        assert any("Perms  Tags" in line for line in lines)
        s3 = next(line for line in lines if "│ s3 " in line)
        assert s3.split("│")[1].split() == ["s3", "█", "18", "▓", "65", "▓", "95", "▓", "26", "█", "12"]
