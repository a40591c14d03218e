"""Tree, filter, table, tabs and history, by keys."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs
from textual import events
from textual.events import Key
from textual.widgets import Input

from iamtui.account.model import Role, User
from iamtui.tui.app import IamtuiApp
from iamtui.tui.dialogs.help import HelpScreen
from iamtui.tui.explorer.children_table import ChildrenTable
from iamtui.tui.explorer.detail_pane import DetailPane, ListAndDocument
from iamtui.tui.explorer.explorer import ExplorerTree
from iamtui.tui.explorer.listings import TabBar
from iamtui.tui.main.inventory import TOP_BRANCHES, Branch, Kind, key_of
from iamtui.tui.main.place_menus import JumpScreen
from iamtui.tui.widgets.status import KeyLine, MessageLine
from tests.support.drafting import app_of, ask
from tests.support.panel_apps import screen_text
from tests.support.sample_account import LAKE_READ, iam, large_account, sample_account
from tests.support.screen_app import RecordingCopier, make_app, opened, press, settle
from tests.support.settling import nothing_ready
from tests.support.slow import one_quick


def node_key(app: IamtuiApp) -> str:
    node = app.main.explorer.node
    return key_of(node) if node is not None else ""


@pytest.mark.slow
async def test_vim_keys_and_arrows_move_the_tree_cursor() -> None:
    async with opened() as pilot:
        tree = pilot.app.query_one(ExplorerTree)
        assert tree.node == Branch(Kind.USERS)
        await press(pilot, "j", "j", "down")
        assert node_key(pilot.app) == iam("user/alice")
        await press(pilot, "k", "up")
        assert tree.cursor == 2
        await press(pilot, "G")
        assert tree.cursor == tree.total - 1
        await press(pilot, "g", "g")
        assert tree.cursor == 0
        await press(pilot, "ctrl+d")
        assert tree.cursor > 1
        await press(pilot, "ctrl+u")
        assert tree.cursor == 0


@pytest.mark.slow
async def test_l_and_h_walk_into_branches_and_out_again() -> None:
    async with opened() as pilot:
        await press(pilot, "j", "l", "l")
        assert node_key(pilot.app) == iam("user/automation/ci-deploy")
        await press(pilot, "h")
        assert pilot.app.main.explorer.node == Branch(Kind.USERS, "/automation/")
        await press(pilot, "h", "h")
        assert pilot.app.main.explorer.node == Branch(Kind.USERS)
        await press(pilot, "h")
        assert pilot.app.query_one(ExplorerTree).total == len(TOP_BRANCHES)


FOUND = {
    "deploy-p": (iam("role/deploy-prod"), 1),
    "DEPLOY": (iam("role/deploy-prod"), 2),
    iam("role/web-server"): (iam("role/web-server"), 1),
    "aroagithub": (iam("role/github-actions"), 1),
    "tag:env=prod": (iam("role/deploy-prod"), 1),
    "cost-center=4711": (iam("user/alice"), 1),
    "dplyprd": (iam("role/deploy-prod"), 1),
}
"""What comes first for what is typed, and how many there are."""


async def test_filter_finds_names_arns_ids_tags_and_letters_in_order() -> None:
    async with opened() as pilot:
        for query, (first, total) in FOUND.items():
            await press(pilot, "slash")
            pilot.app.main.explorer.filter_input.value = query
            await press(pilot, "enter")
            result = pilot.app.query_one(ExplorerTree).result
            assert result is not None
            assert result.total == total, query
            assert node_key(pilot.app) == first, query
            detail = pilot.app.query_one(DetailPane)
            assert detail.entity is not None
            assert detail.entity.arn == first
            await press(pilot, "escape")


async def test_what_is_typed_at_once_behind_the_key_reaches_the_filter() -> None:
    async with opened() as pilot:
        for key, character in (("slash", "/"), ("q", "q"), ("slash", "/"), ("x", "x")):
            pilot.app.post_message(Key(key, character))
        await settle(pilot)
        assert pilot.app.main.explorer.filter_input.value == "q/x"


@pytest.mark.slow
async def test_filter_says_when_nothing_matches_and_escape_brings_the_tree_back() -> None:
    async with opened() as pilot:
        tree = pilot.app.query_one(ExplorerTree)
        before = tree.total
        await press(pilot, "slash", "q", "q", "q", "z")
        assert tree.total == 0
        assert "no match; Esc clears" in str(pilot.app.query_one("#filter-count").render())
        pilot.app.main.explorer.filter_input.value = "arn:aws:s3:::lake/x"
        await settle(pilot)
        assert "no match; ^p asks about it" in str(pilot.app.query_one("#filter-count").render()), (
            "no entity, but a name"
        )
        await press(pilot, "escape")
        assert tree.total == before
        assert tree.has_focus


@pytest.mark.slow
async def test_filter_caps_the_list_and_says_the_count() -> None:
    async with opened(account=large_account()) as pilot:
        await press(pilot, "slash", "u", "s", "e", "r", "-")
        result = pilot.app.query_one(ExplorerTree).result
        assert result is not None
        assert (result.total, len(result.hits)) == (6000, 500)
        assert "6,000 matches, first 500 shown" in str(pilot.app.query_one("#filter-count").render())


async def test_a_branch_shows_its_entities_of_all_paths_as_a_table() -> None:
    async with opened() as pilot:
        table = pilot.app.query_one(ChildrenTable)
        assert [entity.name for entity in table.entities] == ["alice", "bob", "carol", "ci-deploy"]


async def test_table_sorts_by_every_column_and_back() -> None:
    async with opened() as pilot:
        table = pilot.app.query_one(ChildrenTable)
        table.focus()
        await press(pilot, "greater_than_sign")
        assert table.sort == ("created", False)
        assert [entity.name for entity in table.entities] == ["alice", "bob", "ci-deploy", "carol"]
        await press(pilot, "o")
        assert [entity.name for entity in table.entities] == ["carol", "ci-deploy", "bob", "alice"]
        await press(pilot, "greater_than_sign", "greater_than_sign", "o")
        assert table.sort == ("policies", True)
        assert next(entity.name for entity in table.entities) == "alice"
        await press(pilot, "less_than_sign", "less_than_sign", "less_than_sign")
        assert table.sort == ("name", False)


@pytest.mark.slow
async def test_a_version_that_aws_does_not_count_so_is_sorted_all_the_same() -> None:
    numbers = ["v\u00b2", "v10", f"v{'9' * 5000}", "v9"]
    policies = tuple(
        replace(
            LAKE_READ,
            name=f"policy-{at}",
            arn=iam(f"policy/policy-{at}"),
            versions=(structs.replace(LAKE_READ.versions[0], id=number, is_default=True),),
        )
        for at, number in enumerate(numbers)
    )
    async with opened(account=replace(sample_account(), policies=policies)) as pilot:
        pilot.app.main.explorer.reveal(key_of(Branch(Kind.CUSTOMER_POLICIES)))
        await settle(pilot)
        table = pilot.app.query_one(ChildrenTable)
        table.focus()
        await press(pilot, *["greater_than_sign"] * 3)
        assert table.sort == ("version", False)
        assert [entity.name for entity in table.entities] == ["policy-0", "policy-2", "policy-3", "policy-1"]


@pytest.mark.slow
async def test_sorting_keeps_the_cursor_on_its_entity() -> None:
    async with opened() as pilot:
        table = pilot.app.query_one(ChildrenTable)
        table.focus()
        await press(pilot, "j", "greater_than_sign", "space")
        assert table.entity is not None
        assert table.entity.name == "bob"


async def test_a_click_on_a_column_title_sorts_by_it() -> None:
    async with opened() as pilot:
        table = pilot.app.query_one(ChildrenTable)
        header = "".join(piece.text for piece in table.header_pieces(0, table.size.width))
        await pilot.click(ChildrenTable, offset=(header.index("last used") + 2, 0))
        assert table.sort == ("used", False)


async def test_enter_in_the_table_opens_the_entity_and_back_returns() -> None:
    async with opened() as pilot:
        pilot.app.query_one(ChildrenTable).focus()
        await press(pilot, "j", "enter")
        assert node_key(pilot.app) == iam("user/data/bob")
        assert pilot.app.query_one(DetailPane).has_focus_within
        await press(pilot, "left_square_bracket")
        assert pilot.app.main.explorer.node == Branch(Kind.USERS)
        await press(pilot, "right_square_bracket")
        assert node_key(pilot.app) == iam("user/data/bob")


@pytest.mark.slow
async def test_tabs_by_number_stay_while_the_cursor_moves() -> None:
    async with opened() as pilot:
        detail = pilot.app.query_one(DetailPane)
        await press(pilot, "j", "j", "j", "2")
        assert detail.active_tab == "policies"
        await press(pilot, "j")
        assert isinstance(detail.entity, User)
        assert detail.active_tab == "policies"
        await press(pilot, "5")
        assert "no tab 5" in pilot.app.query_one(MessageLine).words
        assert detail.active_tab == "policies"


async def test_a_reference_is_followed_and_left_again() -> None:
    async with opened() as pilot:
        app = pilot.app
        app.main.go_to(iam("instance-profile/web-server"))
        await press(pilot, "2", "1")
        app.query_one(DetailPane).facts.focus()
        await press(pilot, "G", "k", "k", "enter") if app.query_one(DetailPane).facts.row is None else None
        facts = app.query_one(DetailPane).facts
        facts.move_to(next(i for i, row in enumerate(facts.rows) if row.target == iam("role/web-server")))
        await press(pilot, "enter")
        assert node_key(app) == iam("role/web-server")
        await press(pilot, "left_square_bracket")
        assert node_key(app) == iam("instance-profile/web-server")


@pytest.mark.slow
async def test_trust_names_who_may_assume_and_marks_the_statement() -> None:
    async with opened() as pilot:
        app = pilot.app
        app.main.go_to(iam("role/deploy-prod"))
        await press(pilot, "3")
        assert app.query_one(DetailPane).active_tab == "trust"
        both = app.query_one(ListAndDocument)
        assert [row.value for row in both.rows_view.rows[:2]] == ["user alice", "user ci-deploy"]
        assert both.rows_view.rows[0].note == "if aws:MultiFactorAuthPresent"
        both.rows_view.focus()
        await press(pilot, "j")
        role = app.query_one(DetailPane).entity
        assert isinstance(role, Role)
        first, last = role.trust.lines[1]
        assert both.document_view.marked == range(first, last + 1)


async def test_show_statement_marks_the_lines_of_the_document() -> None:
    async with opened() as pilot:
        app = pilot.app
        app.main.go_to(iam("role/deploy-prod"))
        detail = app.query_one(DetailPane)
        assert detail.show_statement("data-lake-read", 1)
        assert detail.active_tab == "policies"
        version = LAKE_READ.default_version
        assert version is not None
        first, last = version.document.lines[1]
        await pilot.pause()
        document = app.query_one(ListAndDocument).document_view
        assert document.marked == range(first, last + 1)
        assert '"Sid": "NoDelete"' in document.text.split("\n")[first]
        assert detail.show_statement(LAKE_READ.arn, 0)
        assert not detail.show_statement("no-such-policy", 0)


async def test_policies_tab_lists_every_way_a_policy_applies() -> None:
    async with opened() as pilot:
        app = pilot.app
        app.main.go_to(iam("user/data/bob"))
        await press(pilot, "2")
        rows = app.query_one(ListAndDocument).rows_view.rows
        assert [(row.label, row.value) for row in rows] == [
            ("inline", "scratch-bucket"),
            ("group", "data-lake-read"),
            ("group inline", "query-athena"),
            ("boundary", "developer-boundary"),
        ]
        assert rows[1].note == "from analysts"


@pytest.mark.slow
async def test_missing_and_unreadable_documents_say_so() -> None:
    async with opened() as pilot:
        app = pilot.app
        app.main.go_to(iam("user/automation/ci-deploy"))
        await press(pilot, "2")
        both = app.query_one(ListAndDocument)
        assert "not loaded (iam:GetPolicyVersion)" in both.document_view.text
        both.rows_view.move_to(2)
        await pilot.pause()
        assert "cannot be read" in both.document_view.text
        assert "line 1" in both.document_view.text


async def test_missing_facts_are_unknown_and_never_none() -> None:
    async with opened() as pilot:
        app = pilot.app
        app.main.go_to(iam("user/automation/ci-deploy"))
        await pilot.pause()
        rows = {row.label: row.value for row in app.query_one(DetailPane).facts.rows}
        assert rows["Access keys"] == "unknown (access denied; needs iam:ListAccessKeys)"
        assert rows["MFA"] == "unknown (not loaded)"
        assert rows["Password used"] == "never"


async def test_q_steps_back_and_quits_only_at_the_end() -> None:
    async with opened() as pilot:
        app = pilot.app
        app.main.go_to(iam("role/deploy-prod"))
        await press(pilot, "z")
        assert app.main.has_class("-zoomed")
        await press(pilot, "q")
        assert not app.main.has_class("-zoomed")
        await press(pilot, "q")
        assert app.main.explorer.node == Branch(Kind.USERS)
        assert app.is_running
        await pilot.press("q")
        await pilot.pause()
        assert app.return_code == 0


async def test_zoom_gives_the_focused_pane_the_whole_body() -> None:
    async with opened() as pilot:
        app = pilot.app
        await press(pilot, "z")
        assert app.main.explorer.region.width == 120
        assert not app.main.subject.region.area
        await press(pilot, "z")
        app.query_one(ChildrenTable).focus()
        await press(pilot, "z")
        assert app.main.subject.region.width == 120
        assert not app.main.explorer.region.area


async def test_jump_mode_moves_the_focus_by_a_letter() -> None:
    async with opened() as pilot:
        await press(pilot, "ctrl+o", "d")
        assert pilot.app.query_one(ChildrenTable).has_focus
        await press(pilot, "ctrl+o", "e")
        assert pilot.app.query_one(ExplorerTree).has_focus
        await press(pilot, "ctrl+o", "escape")
        assert pilot.app.screen is pilot.app.main


@pytest.mark.slow
async def test_jump_mode_goes_to_fields() -> None:
    async with opened() as pilot:
        fields = {"f": "filter", "r": "question-resource", "c": "question-context", "q": "question-action"}
        for letter, focused in fields.items():
            pilot.app.main.explorer.tree_view.focus()
            await press(pilot, "ctrl+o", letter)
            assert pilot.app.focused is not None
            assert pilot.app.focused.id == focused


@pytest.mark.slow
async def test_jump_mode_goes_to_tabs_and_offers_only_what_is_there() -> None:
    async with opened() as pilot:
        await press(pilot, "ctrl+o", "2")
        assert isinstance(pilot.app.screen, JumpScreen), "a branch has no tabs"
        await press(pilot, "escape")
        with pilot.app.batch_update():
            # As by a key that comes before the next frame.
            pilot.app.main.go_to(iam("role/deploy-prod"))
            await nothing_ready()
            pilot.app.main.action_menu("jump")
        await press(pilot, "3")
        assert pilot.app.main.subject.tab == "trust"
        assert pilot.app.main.subject.active_view.has_focus


@pytest.mark.slow
@one_quick(
    ("pane", "key", "focused"),
    [("tree", "s", "question-action"), ("table", "s", "question-action"), ("table", "slash", "filter"),
     ("table", "g s", "sessions"), ("question-action", "escape", "tree")],
)  # fmt: skip
async def test_a_key_that_leaves_a_zoomed_pane_gives_the_others_their_place_back(
    pane: str, key: str, focused: str
) -> None:
    async with opened() as pilot:
        main = pilot.app.main
        main.query_one(f"#{pane}").focus()
        await settle(pilot)
        await pilot.app.run_action("screen.zoom")
        await settle(pilot)
        assert main.has_class("-zoomed")
        await press(pilot, *key.split())
        assert not main.has_class("-zoomed")
        assert pilot.app.focused is not None
        assert pilot.app.focused.id == focused
        assert pilot.app.focused.region.area, "it can be seen"
        assert "Zoomed" not in pilot.app.query_one(MessageLine).words


@pytest.mark.slow
async def test_f1_is_the_help_in_a_text_field_too() -> None:
    async with opened() as pilot:
        for key in ("slash", "s"):
            await press(pilot, key, "x", "f1")
            assert isinstance(pilot.app.screen, HelpScreen)
            await press(pilot, "escape")
            assert isinstance(pilot.app.focused, Input)


@pytest.mark.slow
async def test_the_filter_stays_while_one_goes_to_a_hit_of_it() -> None:
    async with opened() as pilot:
        main = pilot.app.main
        await press(pilot, "slash", *"deploy", "enter")
        main.go_to(iam("role/deploy-prod"))
        await settle(pilot)
        assert main.explorer.filter_input.value == "deploy"
        assert main.subject.node.name == "deploy-prod"
        main.go_to(iam("role/web-server"))
        await settle(pilot)
        assert main.explorer.filter_input.value == ""
        assert main.subject.node.name == "web-server"
        assert main.explorer.node is main.subject.node


@pytest.mark.slow
async def test_the_wheel_moves_a_list_and_a_click_presses_a_key_of_a_field() -> None:
    async with opened(size=(80, 24)) as pilot:
        await press(pilot, "slash")
        line = pilot.app.main.query_one(KeyLine)
        await pilot.click(line, offset=(line.render().plain.index("Help"), 0))
        await settle(pilot)
        assert isinstance(pilot.app.screen, HelpScreen)
        view = pilot.app.screen.view
        await pilot._post_mouse_events([events.MouseScrollDown], view, (5, 5))
        await settle(pilot)
        assert view.scroll_offset.y > 0
        await pilot._post_mouse_events([events.MouseScrollUp], view, (5, 5))
        await settle(pilot)
        assert view.scroll_offset.y == 0


async def test_the_mouse_takes_rows_headers_tabs_and_keys_of_the_footer() -> None:
    async with opened() as pilot:
        main = pilot.app.main
        table = main.subject.table
        await pilot.click(table, offset=(4, 4))
        await settle(pilot)
        assert (table.has_focus, table.cursor) == (True, 2)
        await pilot.click(table, offset=(2, 0))
        await settle(pilot)
        assert table.sort == ("name", True)
        await pilot.click(main.explorer.tree_view, offset=(6, 2))
        await settle(pilot)
        assert main.explorer.tree_view.has_focus
        main.go_to(iam("role/deploy-prod"))
        await settle(pilot)
        bar = main.query_one(TabBar)
        await pilot.click(bar, offset=([x for _, x in bar.places()][1] + 1, 0))
        await settle(pilot)
        assert main.subject.tab == "policies"
        line = main.query_one(KeyLine)
        await pilot.click(line, offset=(line.render().plain.index("Help"), 0))
        await settle(pilot)
        assert isinstance(pilot.app.screen, HelpScreen)


async def test_copying_the_arn_of_what_is_under_the_cursor() -> None:
    copier = RecordingCopier()
    async with opened(make_app(copier=copier)) as pilot:
        await press(pilot, "y", "y")
        assert copier.copied == []
        pilot.app.main.go_to(iam("role/deploy-prod"))
        await press(pilot, "y", "y")
        assert copier.copied == [iam("role/deploy-prod")]
        assert pilot.app.query_one(MessageLine).words == "ARN copied."


async def test_a_refresh_keeps_the_place() -> None:
    async with opened() as pilot:
        pilot.app.main.go_to(iam("role/service-role/lambda-thumbnails"))
        await press(pilot, "r")
        assert node_key(pilot.app) == iam("role/service-role/lambda-thumbnails")


@pytest.mark.slow
async def test_a_jump_out_of_the_filtered_tree_brings_the_whole_tree_back() -> None:
    async with opened() as pilot:
        await press(pilot, "slash", "d", "e", "p", "enter")
        pilot.app.main.go_to(iam("user/alice"))
        await settle(pilot)
        assert "▸" in screen_text(pilot.app)
        await press(pilot, "k")
        assert pilot.app.main.explorer.node != pilot.app.main.workspace.account.user("alice")


@pytest.mark.slow
async def test_names_have_the_room_that_other_columns_leave() -> None:
    async with opened(size=(200, 60)) as pilot:
        pilot.app.main.go_to("roles:")  # type: ignore[attr-defined]
        await settle(pilot)
        text = screen_text(pilot.app)
        assert "lambda-thumbnails  /service-role/ " in text
        assert "developer-boundary " in text


@pytest.mark.slow
async def test_a_question_about_oneself_says_so() -> None:
    async with opened() as pilot:
        app = app_of(pilot)
        assert "Can you (user/alice)" in screen_text(app)
        app.main.go_to(iam("user/data/bob"))
        await settle(pilot)
        assert "Can user/bob" in screen_text(app)
        await ask(pilot, iam("user/alice"), "s3:GetObject", "arn:aws:s3:::data-lake/x")
        assert "Can you (user/alice) do s3:GetObject?" in screen_text(app)
