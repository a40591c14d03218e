"""The keystroke budgets: keys that are pressed, typed text not counted, with the real engine behind them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from iamtui.credentials.assume_role import AssumeRoleInput
from iamtui.credentials.session import Session
from iamtui.tui.app import IamtuiApp
from iamtui.tui.sessions.panel import SessionsPanel
from iamtui.workspace.assume import assume as assuming
from iamtui.workspace.assume import assume_plan
from iamtui.workspace.source.workspace import Workspace
from tests.support import wording
from tests.support.panel_apps import screen_text, type_text, until
from tests.support.panel_sessions import session
from tests.support.sample_account import ID, iam
from tests.support.screen_app import RecordingCopier, make_app, settle
from tests.support.slow import one_quick

BUDGETS: Final = {
    "find": 2,
    "ask": 3,
    "why, in the band": 0,
    "why, the full trace": 1,
    "fix, impact and export": 6,
    "assume": 2,
    "copy its exports": 1,
    "theme, for every run": 2,
}

TAKEN: Final[dict[str, int]] = {}


@pytest.fixture(scope="module", autouse=True)
def _table() -> Iterator[None]:
    """Print what was counted; `pytest -s` shows it."""
    yield
    rows = (f"{job:24} {TAKEN[job]:>5} {budget:>6}" for job, budget in BUDGETS.items() if job in TAKEN)
    print("", f"{'job':24}  keys budget", *rows, sep="\n")


class Budget:
    """Presses keys one by one and counts them; typing text is free."""

    def __init__(self, pilot: Pilot[None]) -> None:
        self._pilot = pilot
        self.used = 0

    def is_kept(self, job: str) -> bool:
        """Whether the keys since the last job are within the budget of this one."""
        TAKEN[job], self.used = self.used, 0
        return TAKEN[job] <= BUDGETS[job]

    async def press(self, key: str) -> None:
        self.used += 1
        await self._pilot.press(key)
        await settle(self._pilot)

    async def type(self, text: str) -> None:
        await type_text(self._pilot, text)
        await settle(self._pilot)


def name_on_screen(app: IamtuiApp) -> str:
    node = app.main.subject.node
    return getattr(node, "name", "")


async def test_find_takes_two_keys() -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        budget = Budget(pilot)
        await budget.press("slash")
        await budget.type("deploy-p")
        await budget.press("enter")

        assert name_on_screen(app) == "deploy-prod"
        assert app.main.explorer.tree_view.has_focus
        assert budget.is_kept("find")


@one_quick("size", [(80, 24), (120, 40), (200, 60)])
async def test_ask_takes_three_keys_and_why_none(size: tuple[int, int]) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        app.main.go_to(iam("role/deploy-prod"))
        await settle(pilot)
        budget = Budget(pilot)
        await budget.press("f5")
        await budget.type("s3:getobject")
        await budget.press("enter")
        await budget.type("arn:aws:s3:::data-lake/x")
        await budget.press("enter")

        assert budget.is_kept("ask")
        answer = app.main.question.answer
        assert answer is not None
        assert answer.request.action == "s3:GetObject"
        assert answer.request.resource == "arn:aws:s3:::data-lake/x"
        band = str(app.main.query_one("#question-verdict", Static).content)
        verdict = band.lstrip()
        assert verdict.startswith((wording.ALLOWED, wording.DENIED_EXPLICITLY, wording.NOT_ALLOWED, wording.DEPENDS))
        assert verdict[:20] in screen_text(app)
        assert " by " in band
        assert all(row[:30] in screen_text(app) for row in band.splitlines())
        assert budget.is_kept("why, in the band")


async def test_the_full_trace_takes_one_key() -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.main.go_to(iam("role/deploy-prod"))
        app.main.question.ask("s3:GetObject", "arn:aws:s3:::data-lake/x")
        await settle(pilot)
        budget = Budget(pilot)
        await budget.press("f7")
        assert "Layers, in the order of evaluation" in screen_text(app)
        assert budget.is_kept("why, the full trace")


@pytest.mark.slow
async def test_fix_impact_and_export_take_six_keys() -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.main.go_to(iam("role/web-server"))
        app.main.question.ask("dynamodb:GetItem", f"arn:aws:dynamodb:us-east-1:{ID}:table/orders")
        await settle(pilot)
        assert wording.NOT_ALLOWED in str(app.main.query_one("#question-verdict", Static).content)
        budget = Budget(pilot)
        await budget.press("f")
        assert wording.ALLOWED in str(app.main.query_one("#question-verdict", Static).content)
        await budget.press("i")
        await until(pilot, lambda: "web-server" in screen_text(app) and "Impact" in screen_text(app))
        for key in ("g", "d", "x", "enter"):
            await budget.press(key)
        assert "put-role-policy" in screen_text(app)
        assert budget.is_kept("fix, impact and export")


@pytest.mark.slow
async def test_a_theme_takes_two_keys_once() -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        budget = Budget(pilot)
        await budget.press("t")
        await budget.type("frost")
        await budget.press("enter")
        assert app.theme == "iamtui-frost"
        assert budget.is_kept("theme, for every run")
    assert make_app().theme == "iamtui-frost"


async def test_assume_takes_two_keys_and_copy_one(monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[AssumeRoleInput] = []

    def assume(_workspace: Workspace, given: AssumeRoleInput, **_more: object) -> Session:
        entered.append(given)
        return session()

    monkeypatch.setattr(assuming, "assume", assume)
    plan = assume_plan.plan_assume

    def plan_without_refusal(*args: object, **kwargs: object) -> assuming.AssumePlan:
        made = plan(*args, **kwargs)  # type: ignore[arg-type]
        return replace(made, refusal="", needs_mfa=False, needs_external_id=False)

    monkeypatch.setattr(assume_plan, "plan_assume", plan_without_refusal)
    copier = RecordingCopier()
    app = make_app(copier=copier)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.main.go_to(iam("role/deploy-prod"))
        app.main.explorer.tree_view.focus()
        await settle(pilot)
        budget = Budget(pilot)
        await budget.press("a")
        await budget.press("enter")

        assert [given.role_arn for given in entered] == [iam("role/deploy-prod")]
        assert budget.is_kept("assume")
        assert app.main.query_one(SessionsPanel).active == session()
        assert "deploy-prod" in screen_text(app).split("\n")[0]

        await budget.press("c")
        assert copier.copied == [f"exports of {session().role_arn}"]
        assert budget.is_kept("copy its exports")


@pytest.mark.slow
async def test_an_mfa_code_adds_no_key_to_assuming(monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[AssumeRoleInput] = []

    def assume(_workspace: Workspace, given: AssumeRoleInput, **_more: object) -> Session:
        entered.append(given)
        return session()

    monkeypatch.setattr(assuming, "assume", assume)
    plan = assume_plan.plan_assume

    def plan_with_code(*args: object, **kwargs: object) -> assuming.AssumePlan:
        made = plan(*args, **kwargs)  # type: ignore[arg-type]
        return replace(made, refusal="", needs_mfa=True, needs_external_id=False)

    monkeypatch.setattr(assume_plan, "plan_assume", plan_with_code)
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.main.go_to(iam("role/deploy-prod"))
        app.main.explorer.tree_view.focus()
        await settle(pilot)
        budget = Budget(pilot)
        await budget.press("a")
        await budget.type("123456")
        await budget.press("enter")
        assert len(entered) == 1
        assert budget.is_kept("assume")


@pytest.mark.slow
@one_quick("key", ["ctrl+r", "a"])
async def test_any_role_takes_two_keys_and_its_arn(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[AssumeRoleInput] = []

    def assume(_workspace: Workspace, given: AssumeRoleInput, **_more: object) -> Session:
        entered.append(given)
        return session()

    monkeypatch.setattr(assuming, "assume", assume)
    plan = assume_plan.plan_assume
    monkeypatch.setattr(assume_plan, "plan_assume", lambda *args, **kwargs: replace(plan(*args, **kwargs), refusal=""))
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.main.go_to(iam("user/alice"))
        app.main.explorer.tree_view.focus()
        await settle(pilot)
        budget = Budget(pilot)
        await budget.press(key)
        await budget.type("arn:aws:iam::999999999999:role/partner")
        await budget.press("enter")

        assert [given.role_arn for given in entered] == ["arn:aws:iam::999999999999:role/partner"]
        assert budget.used == 2


async def test_holding_j_answers_for_each_principal_on_the_way() -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.main.go_to(iam("user/alice"))
        app.main.explorer.tree_view.focus()
        app.main.question.ask("s3:GetObject", "arn:aws:s3:::data-lake/x")
        await settle(pilot)
        seen = {}
        for _ in range(4):
            principal = app.main.question.principal
            answer = app.main.question.answer
            if principal is not None and answer is not None:
                assert answer.request.principal.arn == principal.arn
                seen[principal.arn] = answer.outcome
            await pilot.press("j")
            await settle(pilot)
        assert len(seen) > 1
