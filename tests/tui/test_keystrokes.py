"""The keystroke budgets: keys that are pressed, typed text not counted, with the real engine behind them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from iamtui.credentials.session import Session
from iamtui.tui.app import IamtuiApp
from iamtui.tui.sessions.panel import SessionsPanel
from iamtui.workspace import assume as assuming
from iamtui.workspace.assume import AssumeRoleInput
from iamtui.workspace.workspace import Workspace
from tests.support import wording
from tests.support.panel_apps import screen_text, type_text
from tests.support.panel_sessions import session
from tests.support.sample_account import iam
from tests.support.screen_app import RecordingCopier, make_app, settle
from tests.support.slow import one_quick


class Budget:
    """Presses keys one by one and counts them; typing text is free."""

    def __init__(self, pilot: Pilot[None]) -> None:
        self._pilot = pilot
        self.used = 0

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
        assert budget.used == 2


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

        assert budget.used == 3
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


async def test_the_full_trace_takes_one_key() -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.main.go_to(iam("role/deploy-prod"))
        app.main.question.ask("s3:GetObject", "arn:aws:s3:::data-lake/x")
        await settle(pilot)
        await pilot.press("f7")
        await settle(pilot)
        assert "Layers, in the order of evaluation" in screen_text(app)


async def test_assume_takes_two_keys_and_copy_one(monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[AssumeRoleInput] = []

    def assume(_workspace: Workspace, given: AssumeRoleInput, **_more: object) -> Session:
        entered.append(given)
        return session()

    monkeypatch.setattr(assuming, "assume", assume)
    plan = assuming.plan_assume

    def plan_without_refusal(*args: object, **kwargs: object) -> assuming.AssumePlan:
        made = plan(*args, **kwargs)  # type: ignore[arg-type]
        return replace(made, refusal="", needs_mfa=False, needs_external_id=False)

    monkeypatch.setattr(assuming, "plan_assume", plan_without_refusal)
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
        assert budget.used == 2
        assert app.main.query_one(SessionsPanel).active == session()
        assert "deploy-prod" in screen_text(app).split("\n")[0]

        await budget.press("c")
        assert copier.copied == [f"exports of {session().role_arn}"]
        assert budget.used == 3


@one_quick("key", ["ctrl+r", "a"])
async def test_any_role_takes_two_keys_and_its_arn(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[AssumeRoleInput] = []

    def assume(_workspace: Workspace, given: AssumeRoleInput, **_more: object) -> Session:
        entered.append(given)
        return session()

    monkeypatch.setattr(assuming, "assume", assume)
    plan = assuming.plan_assume
    monkeypatch.setattr(assuming, "plan_assume", lambda *args, **kwargs: replace(plan(*args, **kwargs), refusal=""))
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
