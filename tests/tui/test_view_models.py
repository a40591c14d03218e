"""What the screen says of an account, without a screen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from iamtui.account.model import AccessKey, Account, Known, Missing, Unread
from iamtui.policy.document import PolicyDocument
from iamtui.tui import clock
from iamtui.tui.explorer.document_view import json_pieces
from iamtui.tui.explorer.listings import trust_entries
from iamtui.tui.explorer.tab_contents import record_text
from iamtui.tui.main.inventory import (
    TOP_BRANCHES,
    Branch,
    Inventory,
    Kind,
    LastUse,
    PolicyWay,
    SearchIndex,
    administrator_through,
    held_policies,
    key_of,
    last_used,
    policy_count,
)
from iamtui.tui.main.main_view import History, VisitedPlace
from iamtui.tui.widgets.lists.line_list import LINE_STYLES
from tests.support.sample_account import (
    GROUPS,
    NOW,
    ROLES,
    USERS,
    allow,
    document,
    iam,
    large_account,
    sample_account,
    trust,
)

ALICE, BOB, CAROL, CI = USERS


def test_branches_hold_folders_first_and_count_all_depths() -> None:
    inventory = Inventory(sample_account())
    users = Branch(Kind.USERS)
    assert [key_of(node) for node in inventory.children(users)] == [
        "users:/automation/",
        "users:/data/",
        iam("user/alice"),
        iam("user/carol"),
    ]
    assert len(inventory.entities(users)) == 4
    assert inventory.parents(BOB) == (users, Branch(Kind.USERS, "/data/"))


def test_policies_part_into_customers_and_awss() -> None:
    inventory = Inventory(sample_account())
    assert inventory.children(Branch(Kind.POLICIES)) == (Branch(Kind.CUSTOMER_POLICIES), Branch(Kind.AWS_POLICIES))
    assert len(inventory.entities(Branch(Kind.POLICIES))) == 4
    assert [entity.name for entity in inventory.entities(Branch(Kind.AWS_POLICIES))] == ["AdministratorAccess"]


def test_every_node_is_found_by_its_key() -> None:
    inventory = Inventory(sample_account())
    for branch in TOP_BRANCHES:
        assert inventory.find(key_of(branch)) == branch
        for child in inventory.children(branch):
            assert inventory.find(key_of(child)) == child
    assert inventory.find("arn:aws:iam::123456789012:user/nobody") is None


def test_providers_that_were_not_loaded_are_missing_not_none() -> None:
    branch = Branch(Kind.PROVIDERS)
    assert Inventory(Account(id="123456789012")).missing(branch) == Missing("not loaded")
    assert Inventory(sample_account()).missing(branch) is None
    assert Inventory(replace(sample_account(), providers=Known(()))).missing(branch) is None


def test_search_puts_whole_names_before_beginnings_before_parts_before_other_texts() -> None:
    names = ["x-web", "web", "web-x", "other"]
    users = tuple(replace(CAROL, name=name, arn=iam(f"user/{name}"), tags=()) for name in names[:3])
    tagged = replace(CAROL, name="other", arn=iam("user/other"), tags=(("app", "web"),))
    index = SearchIndex(Account(id="1", users=(*users, tagged)))
    assert [hit.entity.name for hit in index.search("web").hits] == ["web", "web-x", "x-web", "other"]
    assert index.search("web").hits[3].where == "app=web"


def test_search_needs_every_word_and_marks_where_they_stand() -> None:
    index = SearchIndex(sample_account())
    result = index.search("deploy prod")
    assert [hit.entity.name for hit in result.hits] == ["deploy-prod"]
    assert result.hits[0].positions == (0, 1, 2, 3, 4, 5, 7, 8, 9, 10)
    assert index.search("   ").total == 0


def test_short_words_are_not_found_in_unique_ids() -> None:
    index = SearchIndex(sample_account())
    assert "lambda-thumbnails" not in [hit.entity.name for hit in index.search("dat").hits]
    assert [hit.entity.name for hit in index.search("AROALAMBDAT").hits] == ["lambda-thumbnails"]


def test_a_user_is_found_by_an_access_key() -> None:
    key = AccessKey("AKIAEXAMPLE12345WXYZ", "Active", None)
    user = replace(CAROL, name="keyholder", access_keys=Known((key,)))
    [hit] = SearchIndex(Account(id="1", users=(user,))).search("akiaexample12345wxyz").hits
    assert hit.where == key.id


def test_letters_in_order_are_tried_when_nothing_else_matches() -> None:
    result = SearchIndex(large_account(users=100, roles=1000, policies=0)).search("srvc7")
    assert result.fuzzy
    assert result.total >= len(result.hits) > 0
    assert all(hit.positions for hit in result.hits)


def test_held_policies_name_their_way_and_group() -> None:
    held = held_policies(sample_account(), ALICE)
    assert [(policy.way, policy.name, policy.group) for policy in held] == [
        (PolicyWay.GROUP, "AdministratorAccess", "admins"),
        (PolicyWay.GROUP, "data-lake-read", "analysts"),
        (PolicyWay.GROUP_INLINE, "query-athena", "analysts"),
    ]
    assert policy_count(sample_account(), ALICE) == 3


def test_a_group_that_was_not_loaded_leaves_its_policies_unknown() -> None:
    account = replace(sample_account(), groups=())
    held = held_policies(account, ALICE)
    assert [policy.missing for policy in held] == ["the group was not loaded (iam:GetGroup)"] * 2


@pytest.mark.parametrize(
    ("holder", "through"),
    [(ALICE, "through group admins"), (GROUPS[0], "directly"), (ROLES[0], "directly"), (BOB, ""), (GROUPS[1], "")],
)
def test_administrator_access_is_seen_directly_and_through_groups(holder: object, through: str) -> None:
    assert administrator_through(sample_account(), holder) == through  # type: ignore[arg-type]


def test_last_use_is_the_later_of_password_and_keys_and_unknown_parts_stay_unknown() -> None:
    assert last_used(ALICE) == LastUse(NOW - timedelta(days=0.1))
    assert last_used(CI) == Missing("access denied", "iam:ListAccessKeys")
    assert last_used(CAROL) == Missing("not loaded")
    seen = replace(CI, password_last_used=Known(NOW - timedelta(days=9)))
    assert last_used(seen) == LastUse(NOW - timedelta(days=9), at_least=True)
    assert last_used(ROLES[1]) == LastUse(None)


def test_trust_rows_say_who_how_and_under_which_condition() -> None:
    account = sample_account()
    rows = [entry.row for role in ROLES for entry in trust_entries(account, role)]
    assert [(row.label, row.value) for row in rows] == [
        ("allow", "user alice"),
        ("allow", "user ci-deploy"),
        ("allow", "service lambda.amazonaws.com"),
        ("allow", "service ec2.amazonaws.com"),
        ("allow", f"provider {iam('oidc-provider/token.actions.githubusercontent.com')}"),
    ]
    everyone = replace(ROLES[0], trust=trust("*"))
    assert [entry.row.value for entry in trust_entries(account, everyone)] == ["anyone"]
    broken = replace(ROLES[0], trust=PolicyDocument("{"))
    assert [entry.row.value for entry in trust_entries(account, broken)] == ["unreadable"]
    own = replace(ROLES[0], trust=trust({"AWS": [iam("root"), "999999999999"]}))
    assert [entry.row.value for entry in trust_entries(account, own)] == ["this account", "account 999999999999"]


def test_the_record_keeps_missing_facts_apart_from_what_is_known() -> None:
    import json

    record = json.loads(record_text(ROLES[3]))
    assert record["Name"] == "github-actions"
    assert record["MaxSessionDuration"] == 3600
    assert record["Missing"] == {"Description": "not in the snapshot (needs iam:ListRoles)"}
    assert record["AssumeRolePolicyDocument"]["Statement"][0]["Effect"] == "Allow"
    assert "Missing" not in json.loads(record_text(ROLES[0]))
    assert "Unread" not in json.loads(record_text(ROLES[0]))
    part = Unread("inline policies", "iam:ListRolePolicies", "access denied")
    unread = json.loads(record_text(replace(ROLES[0], inline_policies=(), unread=(part,))))
    assert unread["Missing"] == {"InlinePolicies": "access denied (needs iam:ListRolePolicies)"}
    assert "InlinePolicies" not in unread, "nothing is known of them, not that there are none"


def test_json_lines_lose_no_character_and_use_known_styles() -> None:
    text = document(
        allow(["s3:Get*"], "arn:aws:s3:::ü/*", Sid='a "quoted" \\ Sid', Condition={"Bool": {"k": True}})
    ).text
    for line in text.split("\n"):
        pieces = json_pieces(line)
        assert "".join(piece.text for piece in pieces) == line
        assert {piece.style for piece in pieces if piece.style} <= set(LINE_STYLES)
    effect = next(line for line in text.split("\n") if "Effect" in line)
    assert "allowed" in [piece.style for piece in json_pieces(effect)]


def test_history_goes_back_forward_and_forgets_the_future_after_a_jump() -> None:
    history = History()
    assert history.back() is None
    history.move("a")
    history.jump()
    history.move("b")
    history.jump()
    history.move("c")
    assert (history.back(), history.back(), history.back()) == (VisitedPlace("b"), VisitedPlace("a"), None)
    assert history.forward() == VisitedPlace("b")
    history.jump()
    history.move("d")
    assert history.forward() is None
    assert history.back() == VisitedPlace("b")


def test_history_knows_the_tab_of_a_place() -> None:
    history = History()
    history.move("a")
    history.jump("overview")
    assert history.back("policies") == VisitedPlace("a", "overview")
    assert history.forward("overview") == VisitedPlace("a", "policies")


@pytest.mark.parametrize(
    ("delta", "words"),
    [
        (timedelta(seconds=30), "just now"),
        (timedelta(minutes=2), "2m ago"),
        (timedelta(hours=5), "5h ago"),
        (timedelta(days=3), "3d ago"),
        (timedelta(days=45), "1mo ago"),
        (timedelta(days=800), "2y ago"),
        (timedelta(hours=-2), "in 2h"),
    ],
)
def test_ages_in_one_unit(delta: timedelta, words: str) -> None:
    assert clock.ago(NOW - delta) == words
