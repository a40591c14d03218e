"""Drafts as they look, in every layout."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from iamtui.drafts.edits.policies import PutInlinePolicy
from iamtui.drafts.edits.principals import AddUserToGroup, AttachPolicy, DetachPolicy
from iamtui.tui.drafts.editor_screen import DraftEditorScreen
from iamtui.tui.drafts.impact_screen import DraftImpactScreen
from iamtui.tui.widgets.status import MessageLine
from iamtui.workspace.ask.proof_result import Proof
from iamtui.workspace.prove import draft_proofs
from iamtui.workspace.source.workspace import Workspace
from tests.support.drafting import app_of, ask, lay, until
from tests.support.panel_apps import screen_text
from tests.support.sample_account import ADMIN_ARN, LAKE_READ, iam
from tests.support.screen_app import make_app, press, settle
from tests.support.slow import EACH_SIZE, SIZES, one_quick

SnapCompare = Callable[..., bool]
prove_nothing_new = draft_proofs.prove_nothing_new
proofs: list[Proof] = []
Run = Callable[[Pilot[None]], Awaitable[None]]

CAROL, DEPLOY = iam("user/carol"), iam("role/deploy-prod")
EXTRA = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
EDITS = (
    AttachPolicy(CAROL, LAKE_READ.arn),
    DetachPolicy(iam("role/web-server"), LAKE_READ.arn),
    DetachPolicy(DEPLOY, ADMIN_ARN),
    PutInlinePolicy(DEPLOY, "deploy", EXTRA),
    AddUserToGroup(CAROL, iam("group/data/analysts")),
)


@pytest.fixture(autouse=True)
def _proved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prove the one draft of all pictures once, and whole: how far a proof comes in its time differs."""

    def prove(base: Workspace, after: Workspace, **_bounds: object) -> Proof:
        if not proofs:
            proofs.append(prove_nothing_new(base, after))
        return proofs[0]

    monkeypatch.setattr(draft_proofs, "prove_nothing_new", prove)


def drafted(*keys: str, place: str = CAROL) -> Run:
    """Ask, apply the edits, go somewhere, press keys."""

    async def run(pilot: Pilot[None]) -> None:
        await settle(pilot)
        main = app_of(pilot).main
        await ask(pilot, CAROL, "s3:GetObject", "arn:aws:s3:::data-lake/x")
        await lay(pilot, *EDITS)
        main.go_to(place)
        await until(pilot, lambda: main.question.answer is not None)
        await press(pilot, *keys)
        await until(pilot, lambda: "Looking for what is newly" not in screen_text(app_of(pilot)))
        for messages in pilot.app.screen.query(MessageLine):
            messages.clear()
        await pilot.pause()

    return run


@pytest.mark.parametrize("size", EACH_SIZE)
def test_an_account_with_a_draft(snap_compare: SnapCompare, size: str) -> None:
    assert snap_compare(make_app(), terminal_size=SIZES[size], run_before=drafted("2"))


@pytest.mark.slow
@pytest.mark.parametrize("size", EACH_SIZE)
def test_a_table_with_a_draft(snap_compare: SnapCompare, size: str) -> None:
    assert snap_compare(make_app(), terminal_size=SIZES[size], run_before=drafted(place="roles:"))


@pytest.mark.slow
def test_the_policies_of_a_changed_role(snap_compare: SnapCompare) -> None:
    assert snap_compare(make_app(), terminal_size=SIZES["medium"], run_before=drafted("2", "l", "j", place=DEPLOY))


@pytest.mark.slow
def test_the_json_of_a_changed_role(snap_compare: SnapCompare) -> None:
    assert snap_compare(make_app(), terminal_size=SIZES["medium"], run_before=drafted("4", place=DEPLOY))


@pytest.mark.slow
@pytest.mark.parametrize("size", EACH_SIZE)
def test_the_edits(snap_compare: SnapCompare, size: str) -> None:
    assert snap_compare(make_app(), terminal_size=SIZES[size], run_before=drafted("g", "d", "j", "j", "j"))


@pytest.mark.slow
@pytest.mark.parametrize("size", EACH_SIZE)
def test_the_menu_of_edits(snap_compare: SnapCompare, size: str) -> None:
    assert snap_compare(make_app(), terminal_size=SIZES[size], run_before=drafted("e", place=DEPLOY))


@pytest.mark.parametrize("size", EACH_SIZE)
def test_the_impact(snap_compare: SnapCompare, size: str) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await drafted("i", "space")(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, DraftImpactScreen)
        await until(pilot, lambda: screen.lines.total == 8)

    assert snap_compare(make_app(), terminal_size=SIZES[size], run_before=run)


@pytest.mark.slow
@pytest.mark.parametrize("size", EACH_SIZE)
def test_the_editor(snap_compare: SnapCompare, size: str) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await drafted("g", "d", "j", "j", "j", "enter")(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, DraftEditorScreen)
        screen.editor.cursor_blink = False
        screen.editor.load_text(screen.editor.text.replace("s3:*", "s3:Gett"))
        await until(pilot, lambda: any("Gett" in finding.message for finding in screen.found.findings))

    assert snap_compare(make_app(), terminal_size=SIZES[size], run_before=run)


@one_quick(
    ("form", "size"),
    [("cli", "medium"), ("cli", "narrow"), ("cli", "wide"), ("terraform", "medium"), ("diff", "medium")],
)
def test_the_export(snap_compare: SnapCompare, size: str, form: str) -> None:
    down = {"cli": (), "terraform": ("down",), "diff": ("down", "down")}[form]
    assert snap_compare(make_app(), terminal_size=SIZES[size], run_before=drafted("g", "d", "x", *down, "enter"))


@pytest.mark.slow
@pytest.mark.parametrize("size", EACH_SIZE)
def test_no_draft(snap_compare: SnapCompare, size: str) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, "g", "d")

    assert snap_compare(make_app(), terminal_size=SIZES[size], run_before=run)
