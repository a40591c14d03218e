"""The MFA code of the assume dialog: one for several roles, and a secret."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from iamtui.credentials.assume_role import AssumeRoleInput, MfaWay
from iamtui.secret import Secret
from iamtui.tui import background
from iamtui.tui.assume.dialog import AssumeDialog
from iamtui.workspace.assume import assume as assuming
from iamtui.workspace.assume import assume_plan
from iamtui.workspace.assume.mfa import MfaSessions
from tests.support.assume_account import DENIED, MFA, ROLE, SERIAL, trust, workspace
from tests.support.assume_dialog import Gate, dialog, field, gate, press, result, words
from tests.support.panel_apps import screen_text, settle, type_text, until
from tests.support.slow import one_quick
from tests.support.sts_answers import CannedSts, sts_error

__all__ = ["gate"]

ENTERED = AssumeRoleInput(ROLE, "alice", 3600)


async def test_a_code_that_is_typed_before_the_plan_is_there_is_never_readable(
    monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    plan = assume_plan.plan_assume

    def late(*args: Any, **kwargs: Any) -> assuming.AssumePlan:
        gate()
        return plan(*args, **kwargs)

    monkeypatch.setattr(assume_plan, "plan_assume", late)
    sts = CannedSts()
    app = dialog(workspace(trust(**MFA), sts=sts))
    async with app.run_test(size=(80, 24)) as pilot:
        for key in (*"987654", "enter"):
            await pilot.press(key)
        assert "987654" not in screen_text(app)
        gate.opened.set()
        await until(pilot, lambda: bool(app.returned))
        assert result(app).entered == replace(ENTERED, mfa_serial=SERIAL)
        assert sts.requests[0]["TokenCode"] == "987654"


@pytest.mark.slow
async def test_one_code_serves_the_next_role_and_a_new_one_replaces_it() -> None:
    sts = CannedSts()
    space, held = workspace(trust(**MFA), sts=sts), MfaSessions()
    first = dialog(space, mfa_sessions=held)
    async with first.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "The code also serves the next roles that you assume." in words(first)
        await type_text(pilot, "987654")
        await press(pilot, "enter")
        assert result(first).entered.mfa_way is MfaWay.SHARED
    assert [asked["Action"] for asked in sts.requests] == ["GetSessionToken", "AssumeRole", "GetCallerIdentity"]

    second = dialog(space, mfa_sessions=held)
    async with second.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "Trust [+] yes" in words(second)
        assert "is reused" in words(second)
        assert "min left. Type a new one to replace it." in words(second)
        assert second.focused is field(second, "code"), "where a code is typed out of habit"
        await press(pilot, "enter")
        assert result(second).entered.mfa_way is MfaWay.REUSED
    assert [asked["Action"] for asked in sts.requests[3:]] == ["AssumeRole", "GetCallerIdentity"]

    third = dialog(space, mfa_sessions=held)
    async with third.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        field(third, "code").focus()
        await type_text(pilot, "111111")
        await press(pilot, "enter")
        assert result(third).entered.mfa_way is MfaWay.SHARED
    assert sts.requests[5]["TokenCode"] == "111111"


@pytest.mark.parametrize("ahead", [True, False])
async def test_a_code_that_is_typed_where_none_is_needed_is_no_session_name(
    monkeypatch: pytest.MonkeyPatch, gate: Gate, ahead: bool
) -> None:
    """Out of habit: the code of a minute ago still serves, and CloudTrail would keep what stands in the name."""
    held, sts = MfaSessions(), CannedSts()
    space = workspace(trust(**MFA), sts=sts)
    held.start(space, SERIAL, Secret("123456"))
    plan = assume_plan.plan_assume

    def late(*args: Any, **kwargs: Any) -> assuming.AssumePlan:
        if ahead:
            gate()
        return plan(*args, **kwargs)

    monkeypatch.setattr(assume_plan, "plan_assume", late)
    app = dialog(space, mfa_sessions=held)
    async with app.run_test(size=(80, 24)) as pilot:
        if not ahead:
            await until(pilot, lambda: "is reused" in words(app))
        for key in "987654":
            await pilot.press(key)
        gate.opened.set()
        await until(pilot, lambda: "is reused" in words(app) or "987654" in screen_text(app))
        await settle(pilot)
        assert "987654" not in screen_text(app)
        await press(pilot, "enter")
        await until(pilot, lambda: bool(app.returned))
        assert result(app).entered.session_name == "alice"
        assert [request.get("TokenCode") for request in sts.requests].count("987654") == 1


async def test_a_code_for_a_role_that_wants_none_goes_nowhere(monkeypatch: pytest.MonkeyPatch, gate: Gate) -> None:
    plan = assume_plan.plan_assume

    def late(*args: Any, **kwargs: Any) -> assuming.AssumePlan:
        gate()
        return plan(*args, **kwargs)

    monkeypatch.setattr(assume_plan, "plan_assume", late)
    app = dialog(workspace(trust(), sts=CannedSts()))
    async with app.run_test(size=(80, 24)) as pilot:
        for key in (*"987654", "enter"):
            await pilot.press(key)
        gate.opened.set()
        await until(pilot, lambda: bool(app.returned))
        assert result(app).entered.session_name == "alice"


@pytest.mark.slow
async def test_a_shared_code_that_aws_no_longer_takes_is_asked_for_again() -> None:
    sts = CannedSts()
    space, held = workspace(trust(**MFA), sts=sts), MfaSessions()
    app = dialog(space, mfa_sessions=held)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await type_text(pilot, "987654")
        await press(pilot, "enter")
    sts.refusal = sts_error("InvalidClientTokenId")
    app = dialog(space, mfa_sessions=held)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "enter")
        assert "AWS does not accept the shared MFA session any more." in words(app)
        assert app.focused is field(app, "code")
        assert "Trust [?] only if" in words(app), "our own answer is about no code now"


@pytest.mark.slow
async def test_more_than_an_hour_needs_a_code_of_its_own() -> None:
    app = dialog(workspace(trust(**MFA)), mfa_sessions=MfaSessions())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        field(app, "duration").value = "2h"
        await settle(pilot)
        assert "More than 1 hour needs a code in the call itself" in words(app)
        await type_text(pilot, "987654")
        await press(pilot, "enter")
        assert result(app).entered.mfa_way is MfaWay.DIRECT


@one_quick("keys", [("ctrl+c",), ("ctrl+x",), ("super+c",)])
async def test_the_mfa_code_can_neither_be_copied_nor_cut(keys: tuple[str, ...]) -> None:
    app = dialog(workspace(trust(**MFA)))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await type_text(pilot, "987654")
        await press(pilot, "ctrl+shift+a", *keys)
        assert app.clipboard == ""
        assert field(app, "code").value == "987654"


async def test_a_code_is_pasted_with_its_blanks() -> None:
    app = dialog(workspace(trust(**MFA)))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        field(app, "code").insert_text_at_cursor(" 987 654 ")
        await settle(pilot)
        assert field(app, "code").value == "987654"


async def test_the_mfa_code_is_cleared_when_it_is_used_and_when_the_dialog_closes() -> None:
    app = dialog(workspace(trust(**MFA), sts=CannedSts(refusal=DENIED)))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await type_text(pilot, "987654")
        await press(pilot, "enter")
        await until(pilot, lambda: "AWS denied sts:AssumeRole" in words(app))
        assert field(app, "code").value == ""
        assert app.focused is field(app, "code")

        await type_text(pilot, "654321")
        field_of_code = field(app, "code")
        await press(pilot, "escape")
        assert field_of_code.value == ""
        assert app.returned == [None]


@pytest.mark.slow
async def test_a_refusal_that_comes_at_once_stays_on_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code that leaves its field must not clear it: here STS answers before the field can say that it changed."""
    run_worker = AssumeDialog.run_worker

    def at_once(self: AssumeDialog, work: Callable[[], None], name: str, *, group: str, **more: Any) -> None:
        if group == "assume":
            work()
        else:
            run_worker(self, work, name, group=group, **more)

    monkeypatch.setattr(AssumeDialog, "run_worker", at_once)
    monkeypatch.setattr(background, "get_current_worker", lambda: SimpleNamespace(is_cancelled=False))
    app = dialog(workspace(trust(**MFA), sts=CannedSts(refusal=DENIED)))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await type_text(pilot, "987654")
        await press(pilot, "enter")
        assert "AWS denied sts:AssumeRole" in words(app)
