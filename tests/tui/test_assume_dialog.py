from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from iamtui.credentials.session import Session
from iamtui.evaluation.decision import Decision
from iamtui.problem import Problem
from iamtui.tui.dialogs.assume.dialog import AssumeDialog
from iamtui.tui.dialogs.assume.result import AssumeResult
from iamtui.workspace import assuming, chaining
from iamtui.workspace.assuming import AssumeExtras, AssumeInput, AssumePlan
from iamtui.workspace.workspace import Workspace
from tests.support import panel_records as records
from tests.support.panel_apps import ScreenApp, screen_text, settle, type_text, until
from tests.support.panel_sessions import session

ROLE = "arn:aws:iam::123456789012:role/deploy-prod"
PLAN = AssumePlan(ROLE, records.allowed_fully(), "", False, False, "", "iamtui-alice", 7200, "The role says so.")


@dataclass
class Sts:
    """Stands in for planning and STS; keeps what it was given."""

    plan: AssumePlan = PLAN
    planned: list[tuple[str, bool]] = field(default_factory=list)
    entered: list[AssumeInput] = field(default_factory=list)
    errors: tuple[str, ...] = ()
    problem: Problem | None = None
    hold: threading.Event = field(default_factory=threading.Event)
    started: threading.Event = field(default_factory=threading.Event)

    def plan_assume(self, _w: Workspace, _arn: str, *, external_id: str = "", with_mfa: bool = False) -> AssumePlan:
        self.planned.append((external_id, with_mfa))
        return self.plan

    def check_input(self, _plan: AssumePlan, _entered: AssumeInput) -> tuple[str, ...]:
        return self.errors

    def assume(self, _workspace: Workspace, entered: AssumeInput) -> Session:
        self.entered.append(entered)
        self.started.set()
        assert self.hold.wait(30)
        if self.problem is not None:
            raise self.problem
        return session()


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sts]:
    double = Sts()
    double.hold.set()
    for name in ("plan_assume", "check_input", "assume"):
        monkeypatch.setattr(assuming, name, getattr(double, name))
    yield double
    double.hold.set()


def dialog() -> ScreenApp:
    return ScreenApp(AssumeDialog(records.small_workspace(), ROLE))


def value(app: ScreenApp, name: str) -> str:
    return app.screen.query_one(f"#assume-{name}", Input).value


async def test_enter_alone_assumes_with_what_is_prefilled(sts: Sts) -> None:
    app = dialog()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "[+] ALLOWED" in screen_text(app)
        assert "15m to 2h" in screen_text(app)
        assert "The role says so." in screen_text(app)

        await pilot.press("enter")
        await settle(pilot)
        assert sts.entered == [AssumeInput(ROLE, "iamtui-alice", 3600)]
        assert app.returned == [AssumeResult(session(), sts.entered[0])]


async def test_enter_before_the_plan_is_there_waits_for_it(sts: Sts, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def wait(*args: object, **kwargs: object) -> AssumePlan:
        assert gate.wait(30)
        return PLAN

    monkeypatch.setattr(assuming, "plan_assume", wait)
    app = dialog()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        assert sts.entered == []
        gate.set()
        await settle(pilot)
        await settle(pilot)
        assert len(sts.entered) == 1


async def test_fields_for_external_id_and_mfa_appear_only_when_asked_for(sts: Sts) -> None:
    app = dialog()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "External ID" not in screen_text(app)
        assert "MFA" not in screen_text(app)


async def test_a_trust_policy_that_asks_gets_its_fields(sts: Sts) -> None:
    sts.plan = replace(PLAN, needs_external_id=True, needs_mfa=True, mfa_serial="arn:aws:iam::1:mfa/alice")
    app = dialog()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert app.focused is app.screen.query_one("#assume-external")
        await type_text(pilot, "partner-7")
        await settle(pilot)
        await pilot.press("tab")
        await type_text(pilot, "987654")
        await settle(pilot)
        assert ("partner-7", True) in sts.planned
        assert "987654" not in screen_text(app)

        await pilot.press("enter")
        await settle(pilot)
        [entered] = sts.entered
        assert (entered.external_id, entered.mfa_serial) == ("partner-7", "arn:aws:iam::1:mfa/alice")
        assert entered.mfa_code is not None
        assert entered.mfa_code.reveal() == "987654"
        assert app.returned == [AssumeResult(session(), replace(entered, mfa_code=None))]


async def test_an_unknown_device_is_asked_for(sts: Sts) -> None:
    sts.plan = replace(PLAN, needs_mfa=True)
    app = dialog()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await type_text(pilot, "GAHT12345678")
        await pilot.press("tab")
        await type_text(pilot, "987654")
        await pilot.press("enter")
        await settle(pilot)
        assert sts.entered[0].mfa_serial == "GAHT12345678"


@pytest.mark.parametrize("keys", [("ctrl+c",), ("ctrl+x",), ("super+c",)])
async def test_the_mfa_code_can_neither_be_copied_nor_cut(sts: Sts, keys: tuple[str, ...]) -> None:
    sts.plan = replace(PLAN, needs_mfa=True, mfa_serial="arn:aws:iam::1:mfa/alice")
    app = dialog()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await type_text(pilot, "987654")
        await pilot.press("ctrl+shift+a", *keys)
        await settle(pilot)

        assert app.clipboard == ""
        assert value(app, "code") == "987654"


async def test_the_mfa_code_is_cleared_when_it_is_used_and_when_the_dialog_closes(sts: Sts) -> None:
    sts.plan = replace(PLAN, needs_mfa=True, mfa_serial="arn:aws:iam::1:mfa/alice")
    sts.problem = Problem("AccessDenied.", "Try again.")
    app = dialog()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await type_text(pilot, "987654")
        await pilot.press("enter")
        await settle(pilot)
        assert value(app, "code") == ""
        assert "AccessDenied. Try again." in screen_text(app)
        assert app.focused is app.screen.query_one("#assume-code")

        await type_text(pilot, "654321")
        field_of_code = app.screen.query_one("#assume-code", Input)
        await pilot.press("escape")
        await settle(pilot)
        assert field_of_code.value == ""
        assert app.returned == [None]


async def test_errors_are_said_before_the_call(sts: Sts) -> None:
    sts.errors = ("The session name has a space.", "The duration is longer than 2h.")
    app = dialog()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert "! The session name has a space." in screen_text(app)
        assert "! The duration is longer than 2h." in screen_text(app)
        assert sts.entered == []


async def test_a_duration_that_is_none_is_said(sts: Sts) -> None:
    app = dialog()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.screen.query_one("#assume-duration", Input).value = "soon"
        await pilot.press("enter")
        await settle(pilot)
        assert "The duration is not a time" in screen_text(app)
        assert sts.entered == []


async def test_a_refusal_of_our_own_is_final(sts: Sts) -> None:
    sts.plan = replace(PLAN, decision=records.not_allowed(), refusal="The demo refuses what its policies refuse.")
    app = dialog()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "[-] DENIED no allow" in screen_text(app)
        await pilot.press("enter")
        await settle(pilot)
        assert sts.entered == []
        assert app.returned == []
        assert "The demo refuses what its policies refuse." in screen_text(app)
        assert "Nothing was sent to STS." in screen_text(app)


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        (records.denied(), "STS will most likely refuse"),
        (None, "[?] UNKNOWN"),
        (records.depends(), "[?] DEPENDS"),
    ],
)
async def test_our_answer_is_shown_before_the_call(sts: Sts, decision: Decision | None, words: str) -> None:
    sts.plan = replace(PLAN, decision=decision)
    app = dialog()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert words in screen_text(app)


async def test_a_running_call_shows_progress_and_can_be_cancelled(sts: Sts) -> None:
    sts.hold.clear()
    app = dialog()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await pilot.pause()
        assert sts.started.wait(30)
        assert "Asking STS" in screen_text(app)

        await pilot.press("escape")
        await pilot.pause()
        assert "Cancelled" in screen_text(app)
        sts.hold.set()
        await until(pilot, lambda: all(worker.is_finished for worker in app.workers))
        assert app.returned == []

        await pilot.press("escape")
        await pilot.pause()
        assert app.returned == [None]


async def test_a_role_that_cannot_be_planned_says_why(sts: Sts, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_kwargs: object) -> AssumePlan:
        raise Problem("A snapshot cannot call STS.", "Open the account live.")

    monkeypatch.setattr(assuming, "plan_assume", refuse)
    app = dialog()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "A snapshot cannot call STS. Open the account live." in screen_text(app)


async def test_an_error_of_our_own_ends_nothing_and_shows_no_data(sts: Sts, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object) -> Session:
        raise ValueError("wJalrXUtnFEMI")

    monkeypatch.setattr(assuming, "assume", fail)
    app = dialog()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "ValueError, an error in iamtui" in screen_text(app))
        assert "wJalrXUtnFEMI" not in screen_text(app)


async def a_code_is_typed(pilot: Pilot[object]) -> None:
    await settle(pilot)
    await type_text(pilot, "987654")


async def test_a_screenshot_does_not_hold_the_code(sts: Sts) -> None:
    sts.plan = replace(PLAN, needs_mfa=True, mfa_serial="arn:aws:iam::1:mfa/alice")
    app = dialog()
    async with app.run_test(size=(80, 24)) as pilot:
        await a_code_is_typed(pilot)
        assert value(app, "code") == "987654"
        assert "987654" not in app.export_screenshot()


async def test_a_session_can_be_the_caller_and_its_inputs_the_beginning(
    sts: Sts, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_session = replace(records.small_workspace())
    monkeypatch.setattr(chaining, "as_session", lambda _workspace, _session: of_session)
    before = AssumeInput(ROLE, "nightly", 1800, extras=AssumeExtras(source_identity="alice"))
    held = session("hub", key="ASIAHUB")
    app = ScreenApp(AssumeDialog(records.small_workspace(), ROLE, caller=held, prefilled=before))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert sts.entered == [before]
        assert app.returned == [AssumeResult(session(), before, "ASIAHUB")]


async def test_a_session_that_has_ended_cannot_be_the_caller(sts: Sts) -> None:
    ended = session(minutes=-60)
    app = ScreenApp(AssumeDialog(records.small_workspace(), ROLE, caller=ended))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "! " in screen_text(app)
        assert sts.planned == []


async def test_without_a_role_its_arn_is_asked_for(sts: Sts) -> None:
    app = ScreenApp(AssumeDialog(records.small_workspace(), None))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await type_text(pilot, ROLE)
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert sts.entered == [AssumeInput(ROLE, "iamtui-alice", 3600)]
