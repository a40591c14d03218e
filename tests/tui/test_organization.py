"""The organization in the tree: levels, the policies attached there, and loading what is not known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Input

from iamtui.account.model import Account, Known, Missing
from iamtui.sources.organization import SCP
from iamtui.tui.app import IamtuiApp
from iamtui.tui.explorer.detail_pane import ListAndDocument
from iamtui.tui.explorer.organization_view import organization_entries, organization_rows
from iamtui.tui.main.inventory import Branch, Inventory, Kind, OtherAccount, SearchIndex, key_of
from iamtui.tui.widgets.status import MessageLine
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.snapshot_file import snapshot_bytes
from iamtui.workspace.source.workspace import OrganizationSource, SourceChoice, SourceKind
from tests.support.company import MANAGEMENT_KEYS, Company, write_profiles
from tests.support.fault_proxy import FaultProxy, json_error
from tests.support.moto_server import ACCOUNT, MotoServer, allow, policy
from tests.support.panel_apps import screen_text, until
from tests.support.screen_app import RecordingCopier, opened, press
from tests.support.slow import one_quick

ORGANIZATION = Branch(Kind.ORGANIZATION)
DENIED = Missing("access denied", "organizations:DescribeAccount")


@pytest.fixture(scope="module")
def demo() -> Account:
    return open_source(SourceChoice(SourceKind.DEMO)).account


def texts(account: Account, branch: Branch = ORGANIZATION) -> list[str]:
    return [" ".join(filter(None, (row.label, row.value, row.note))) for row in organization_rows(account, branch)]


def test_administrators_that_were_not_read_are_unknown(demo: Account) -> None:
    assert isinstance(demo.organization, Known)
    unread = Known(replace(demo.organization.value, delegated_administrators=None))
    wanted = "IAM admins unknown (not read; needs organizations:ListDelegatedAdministrators)"
    assert wanted in texts(replace(demo, organization=unread))


def test_the_levels_from_the_root_to_the_account(demo: Account) -> None:
    assert texts(demo)[0] == "Organization o-pf7nparcel"
    assert texts(demo)[-4:] == [
        "root Root        2 SCPs, 2 RCPs",
        "unit Workloads   2 SCPs, 1 RCP",
        "unit Production  2 SCPs, 2 RCPs",
        "account puffin-prod 1 SCP, 2 RCPs",
    ]
    inventory = Inventory(demo)
    levels = inventory.children(ORGANIZATION)
    assert [inventory.count(level) for level in levels if isinstance(level, Branch)] == [4, 3, 4, 3]
    assert inventory.count(ORGANIZATION) == 14
    target = organization_rows(demo, ORGANIZATION)[-1].target
    assert inventory.find(target) == levels[-1]


def test_where_each_policy_is_attached(demo: Account) -> None:
    rows = [entry.row for entry in organization_entries(demo, ORGANIZATION)]
    assert [(row.label, row.value, row.note) for row in rows[:5]] == [
        ("Root", "FullAWSAccess", "SCP"),
        ("", "keep-the-audit", "SCP"),
        ("", "RCPFullAWSAccess", "RCP"),
        ("", "only-our-identities", "RCP"),
        ("Workloads", "FullAWSAccess", "SCP"),
    ]
    (unit,) = (
        one for one in Inventory(demo).children(ORGANIZATION) if isinstance(one, Branch) and one.name == "Workloads"
    )
    assert [entry.row.value for entry in organization_entries(demo, unit)] == [
        "FullAWSAccess",
        "region-fence",
        "RCPFullAWSAccess",
    ]


def test_the_management_account_is_not_bound(demo: Account) -> None:
    assert isinstance(demo.organization, Known)
    assert demo.organization.value is not None
    own = replace(demo, organization=Known(replace(demo.organization.value, management_account=demo.id)))
    assert "SCPs and RCPs do not bind the management account." in texts(own)
    assert "SCPs and RCPs do not bind the management account." not in texts(demo)


def test_what_is_not_known_is_not_none(demo: Account) -> None:
    unknown = replace(demo, organization=DENIED)
    assert texts(unknown)[:2] == ["SCPs, RCPs not evaluated", "Why access denied; needs organizations:DescribeAccount"]
    assert Inventory(unknown).count(ORGANIZATION) is None
    assert isinstance(demo.organization, Known)
    assert demo.organization.value is not None
    first, *rest = demo.organization.value.path
    lacking = replace(first, scps=DENIED, rcps=DENIED)
    partly = replace(demo, organization=Known(replace(demo.organization.value, path=(lacking, *rest))))
    assert "root Root        SCPs unknown, RCPs unknown" in texts(partly)
    assert organization_entries(partly, ORGANIZATION)[0].missing.startswith("The SCPs of this level: unknown (access")
    assert Inventory(partly).count(Branch(Kind.ORGANIZATION, first.id)) is None
    assert texts(replace(demo, organization=Known(None))) == [
        "This account is in no organization: no SCP or RCP applies."
    ]


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_tree_leads_to_the_documents(demo: Account, size: tuple[int, int]) -> None:
    async with opened(account=demo, size=size) as pilot:
        app = pilot.app
        assert isinstance(app, IamtuiApp)
        await press(pilot, "G", "space", "j", "j")
        assert "Workloads" in str(app.main.subject.border_title)
        await press(pilot, "2", "l")
        assert app.main.subject.active_view.has_focus
        await press(pilot, "j")
        assert "aws:RequestedRegion" in app.main.query_one(ListAndDocument).document_view.text
        await press(pilot, "h")
        assert app.main.explorer.node == Branch(Kind.ORGANIZATION, "ou-pf7n-72da24fd")
        await press(pilot, "h")
        assert app.main.explorer.node == ORGANIZATION


class MemberAccount:
    """A member account on the screen, whose own credentials may not read its organization."""

    def __init__(self, company: Company, url: str) -> None:
        choice = SourceChoice(SourceKind.LIVE, profile="member", endpoint_url=url)
        self.company = company
        self.app = IamtuiApp(choice, copier=RecordingCopier())

    @property
    def organization(self) -> object:
        workspace = self.app.main.workspace
        return workspace.account.organization if workspace is not None else None

    @property
    def said(self) -> str:
        return self.app.main.query_one(MessageLine).words


@pytest.fixture
def member(
    moto: MotoServer, fault_proxy: FaultProxy, no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> MemberAccount:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    company = Company(moto)
    company.enable(SCP)
    company.attach(SCP, "keep-queues", company.unit)
    keys = company.keys(company.member)
    iam = company.client("iam", keys)
    iam.create_user(UserName="alice")
    iam.put_user_policy(UserName="alice", PolicyName="all", PolicyDocument=policy(allow("*")))
    write_profiles(no_aws_settings, member=keys, management=MANAGEMENT_KEYS)
    return MemberAccount(company, fault_proxy.url)


@pytest.mark.slow
async def test_another_profile_is_offered_and_stays_for_later_readings(
    member: MemberAccount, fault_proxy: FaultProxy
) -> None:
    app = member.app
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(member.organization, Missing))
        app.main.browsing.go_to(key_of(ORGANIZATION))
        await press(pilot, "L")
        await until(pilot, lambda: "management" in screen_text(app))
        assert "Not evaluated: the organization that these credentials may" in screen_text(app)
        await pilot.press(*"management", "enter")
        await until(pilot, lambda: isinstance(member.organization, Known))
        await until(pilot, lambda: "Loaded the organization" in member.said)
        assert "Prod [red]" in screen_text(app)

        asked = fault_proxy.operations().count("DescribePolicy")
        await press(pilot, "R")
        await until(pilot, lambda: fault_proxy.operations().count("DescribePolicy") > asked)
        await until(pilot, lambda: app.opening.is_settled and isinstance(member.organization, Known))


@pytest.mark.slow
async def test_the_reasons_of_an_answer_offer_it_too(member: MemberAccount) -> None:
    app = member.app
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(member.organization, Missing))
        app.main.browsing.go_to(f"arn:aws:iam::{member.company.member}:user/alice")
        app.main.question.ask("sqs:ListQueues")
        await until(pilot, lambda: "ALLOWED as far as loaded (SCP" in screen_text(app))
        app.main.explorer.tree_view.focus()
        await press(pilot, "w", "L")
        await until(pilot, lambda: "management" in screen_text(app))
        await pilot.press(*"management", "enter")
        await until(pilot, lambda: "DENIED explicit" in screen_text(app))


async def test_a_command_of_the_profile_is_shown_first_and_need_not_run(
    member: MemberAccount, no_aws_settings: Path, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    (no_aws_settings / "config").write_text(f"[profile program]\ncredential_process = touch {ran}\n")
    app = member.app
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(member.organization, Missing))
        app.main.browsing.go_to(key_of(ORGANIZATION))
        await press(pilot, "L")
        await until(pilot, lambda: "program" in screen_text(app))
        assert not ran.exists()
        await pilot.press(*"program", "enter")
        await until(pilot, lambda: "runs this command for its credentials" in screen_text(app))
        assert "touch" in screen_text(app)
        assert not ran.exists()
        await pilot.press("n")
        await until(pilot, lambda: "The command of the profile program was not run." in member.said)
        assert not ran.exists()
        await press(pilot, "L")
        await until(pilot, lambda: "program" in screen_text(app))
        await pilot.press(*"program", "enter")
        await until(pilot, lambda: "runs this command for its credentials" in screen_text(app))
        await pilot.press("y")
        await until(pilot, lambda: ran.exists() and "x" in member.said)
        assert isinstance(member.organization, Missing), "it printed no credentials"


@pytest.mark.slow
async def test_a_file_says_it_for_a_snapshot(demo: Account, tmp_path: Path) -> None:
    assert isinstance(demo.organization, Known)
    own = open_source(SourceChoice(SourceKind.DEMO))
    file = tmp_path / "organization.json"

    file.write_text(json.dumps({"organization": json.loads(snapshot_bytes(own.account))["organization"]}))
    async with opened(account=replace(demo, organization=DENIED)) as pilot:
        app = pilot.app
        assert isinstance(app, IamtuiApp)
        app.main.browsing.go_to(key_of(ORGANIZATION))
        await press(pilot, "L", "enter")
        app.screen.query_one(Input).value = str(tmp_path / "none.json")
        await press(pilot, "enter")
        assert "none.json does not exist" in app.main.query_one(MessageLine).words
        await press(pilot, "L", "enter")
        app.screen.query_one(Input).value = str(file)
        await press(pilot, "enter")
        assert app.main.workspace is not None
        assert texts(app.main.workspace.account) == texts(demo)
        assert [entry.row for entry in organization_entries(app.main.workspace.account, ORGANIZATION)] == [
            entry.row for entry in organization_entries(demo, ORGANIZATION)
        ]
        assert app.main.workspace.source.organization == OrganizationSource(file=str(file))


@one_quick("size", [(80, 24), (120, 40)])
async def test_a_unit_is_picked_from_the_tree_and_its_accounts_are_opened(
    member: MemberAccount, fault_proxy: FaultProxy, size: tuple[int, int]
) -> None:
    company = member.company
    choice = SourceChoice(SourceKind.LIVE, profile="management", region="us-east-1", endpoint_url=fault_proxy.url)
    app = IamtuiApp(choice, copier=RecordingCopier())

    def ids() -> list[str]:
        return [one.id for one in app.main.workspace.accounts] if app.main.workspace is not None else []

    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.opening.is_settled)
        assert ids() == [ACCOUNT]
        await press(pilot, "g", "O")
        await until(pilot, lambda: "Accounts of the organization" in screen_text(app))
        lines = [" ".join(one.split()) for one in screen_text(app).splitlines()]
        assert any("Root 2 accounts" in one for one in lines)
        assert any("Prod [red] 1 account" in one for one in lines)
        await press(pilot, "down", "enter")
        await until(pilot, lambda: "Role to assume" in screen_text(app))
        await pilot.press(*"Reader", "enter")
        await until(pilot, lambda: ids() == [company.member])
        assert app.main.workspace is not None
        assert app.main.workspace.source.acting_as == "Reader"
        # The login opens them still, and not the role of the account that is looked at.
        await press(pilot, "g", "O")
        await until(pilot, lambda: "Accounts of the organization" in screen_text(app))
        await press(pilot, "enter")
        await until(pilot, lambda: "Role to assume" in screen_text(app) and "Reader" in screen_text(app))
        await press(pilot, "enter")
        await until(pilot, lambda: sorted(ids()) == sorted((ACCOUNT, company.member)))


async def test_who_may_not_list_the_accounts_is_told_so(member: MemberAccount, fault_proxy: FaultProxy) -> None:
    fault_proxy.on("ListRoots", json_error(400, "AccessDeniedException"))
    async with member.app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(member.organization, Missing))
        await press(pilot, "g", "O")
        await until(pilot, lambda: "The accounts of the organization cannot be listed: " in member.said)


async def test_a_snapshot_has_no_login_for_other_accounts() -> None:
    async with opened() as pilot:
        await press(pilot, "g", "O")
        assert "are opened from a live account" in screen_text(pilot.app)


@pytest.mark.slow
@one_quick("size", [(80, 24), (120, 40)])
async def test_search_finds_units_and_policies_of_the_organization(demo: Account, size: tuple[int, int]) -> None:
    async with opened(account=demo, size=size) as pilot:
        app = pilot.app
        assert isinstance(app, IamtuiApp)
        await press(pilot, "slash", *"region-f")
        assert "1 match" in screen_text(app)
        tree = app.main.explorer.tree_view
        assert "".join(piece.text for piece in tree.pieces(1, 60)).split() == [
            "region-fence", "SCP", "at", "Workloads",
        ]  # fmt: skip
        await press(pilot, "enter")
        assert app.main.subject.node == Branch(Kind.ORGANIZATION, "ou-pf7n-72da24fd")
        await press(pilot, "enter")
        assert app.main.subject.tab == "policies"
        assert "aws:RequestedRegion" in app.main.query_one(ListAndDocument).document_view.text
        await press(pilot, "escape", "escape", "slash", *"workloads")
        assert "".join(piece.text for piece in tree.pieces(1, 60)).split() == ["Workloads", "unit"]


def test_what_is_around_an_account_is_found_by_name_and_id(demo: Account) -> None:
    beside = replace(demo, id="444455556666", users=(), roles=(), groups=(), policies=(), instance_profiles=())
    index = SearchIndex(demo, [beside], [OtherAccount("444455556666", "zz-ledger")])

    def found(words: str) -> list[tuple[object, str, str]]:
        return [(hit.entity, hit.policy, hit.where) for hit in index.search(words).hits]

    assert [hit.where for hit in index.search("ou-pf7n-72da24fd").hits] == [
        "unit",
        *["SCP at Workloads"] * 2,
        "RCP at Workloads",
    ]
    assert found("zz-ledger") == [(OtherAccount("444455556666", "zz-ledger"), "", "")]
    assert found("44445555") == [(OtherAccount("444455556666", "zz-ledger"), "", "")]
    assert [one[1:] for one in found("keep-the-audit")] == [("keep-the-audit", "SCP at Root")], "both have that level"
