"""The assume dialog with the real engine behind it and a canned STS: before the call, the call, and what it gives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from iamtui.account.model import Known
from iamtui.credentials.assume_role import AssumeRoleInput, InputName
from iamtui.problem import Problem
from iamtui.tui.assume.form import AssumeForm
from iamtui.workspace.assume import assume as assuming
from iamtui.workspace.assume import assume_plan
from iamtui.workspace.source.workspace import SourceKind
from tests.support.assume_account import DENIED, EXTERNAL, FOREIGN, MFA, ROLE, ROOT, SERIAL, trust, workspace
from tests.support.assume_dialog import Gate, dialog, field, gate, is_shown, press, result, words
from tests.support.panel_apps import screen_text, settle, type_text, until
from tests.support.slow import one_quick
from tests.support.sts_answers import CannedSts, sts_error

__all__ = ["gate"]

ENTERED = AssumeRoleInput(ROLE, "alice", 3600)

# The plain case


@one_quick("size", [(80, 24), (120, 40), (200, 60)])
async def test_enter_alone_assumes_with_what_is_prefilled(size: tuple[int, int]) -> None:
    sts = CannedSts()
    app = dialog(workspace(trust(), sts=sts))
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        assert "Trust [+] yes: statement 1 allows it" in words(app)
        assert "Your side [+] yes: may-assume / statement 1 allows it" in words(app)
        assert "As user/team/alice" in words(app)
        assert "15m to 2h, the role's most" in words(app)
        assert not is_shown(app, "external")
        assert not is_shown(app, "code")

        await press(pilot, "enter")
        assert result(app).entered == ENTERED
        assert result(app).session.session_name == "alice"
        assert result(app).caller_key == ""
        assert [asked["Action"] for asked in sts.requests] == ["AssumeRole", "GetCallerIdentity"]


async def test_enter_before_the_plan_is_there_waits_for_it(monkeypatch: pytest.MonkeyPatch, gate: Gate) -> None:
    plan = assume_plan.plan_assume

    def late(*args: Any, **kwargs: Any) -> assuming.AssumePlan:
        gate()
        return plan(*args, **kwargs)

    monkeypatch.setattr(assume_plan, "plan_assume", late)
    app = dialog(workspace(trust()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        assert "checking the trust policy" in words(app)
        assert app.returned == []
        gate.opened.set()
        await until(pilot, lambda: bool(app.returned))
        assert result(app).entered == ENTERED


async def test_the_seconds_of_the_config_are_the_beginning_as_far_as_the_role_allows() -> None:
    app = dialog(workspace(trust()), seconds=43_200)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert field(app, "duration").value == "2h"


# What the role asks for


async def test_a_trust_policy_that_asks_gets_its_fields() -> None:
    both = {"Condition": {**MFA["Condition"], **EXTERNAL["Condition"]}}
    sts = CannedSts()
    app = dialog(workspace(trust(**both), sts=sts))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "Trust [?] only if" in words(app)
        assert app.focused is field(app, "external")
        await type_text(pilot, "partner-1")
        await press(pilot, "tab")
        assert app.focused is field(app, "code")
        assert not is_shown(app, "device"), "the device is known"
        await type_text(pilot, "987654")
        await settle(pilot)
        assert "Trust [+] yes" in words(app)
        assert "987654" not in screen_text(app)

        await press(pilot, "enter")
        assert result(app).entered == replace(ENTERED, external_id="partner-1", mfa_serial=SERIAL)
        [asked, _] = sts.requests
        assert (asked["ExternalId"], asked["SerialNumber"], asked["TokenCode"]) == ("partner-1", SERIAL, "987654")


async def test_what_is_lacking_is_said_once_and_enter_again_sends_it_so() -> None:
    sts = CannedSts(refusal=DENIED)
    app = dialog(workspace(trust(**MFA), sts=sts))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "enter")
        assert "The answer depends on an MFA code. Enter again asks STS without." in words(app)
        assert app.focused is field(app, "code")
        assert sts.requests == []
        await press(pilot, "enter")
        assert len(sts.requests) == 1
        assert "Enter an MFA code." in words(app)


@pytest.mark.slow
async def test_an_unknown_device_is_asked_for() -> None:
    sts = CannedSts()
    app = dialog(workspace(trust(**MFA), sts=sts, devices=Known(())))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert app.focused is field(app, "device")
        await type_text(pilot, "GAHT12345678")
        await pilot.press("tab")
        await type_text(pilot, "987654")
        await press(pilot, "enter")
        assert sts.requests[0]["SerialNumber"] == "GAHT12345678"


@pytest.mark.slow
async def test_a_foreign_role_may_ask_for_anything() -> None:
    sts = CannedSts(identity="arn:aws:sts::999999999999:assumed-role/Partner/alice")
    app = dialog(workspace(trust(), sts=sts), FOREIGN)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "Trust [?] not known: the role is in account 999999999999" in words(app)
        assert "Your side [+] yes: may-assume / statement 1 allows it" in words(app)
        assert is_shown(app, "external")
        assert is_shown(app, "code")
        assert "The longest session of the role is not known" in words(app)
        assert app.focused is field(app, "name"), "none of it may be needed"
        await press(pilot, "enter")
        assert "ExternalId" not in sts.requests[0]
        assert result(app).entered.role_arn == FOREIGN


async def test_what_the_own_side_lacks_is_told_apart() -> None:
    app = dialog(workspace(trust(ROOT), may=None))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "Trust [+] yes" in words(app)
        assert "Your side [-] no: no policy of yours allows it" in words(app)
        assert "STS will most likely refuse; Enter tries all the same." in words(app)


# What fails


async def test_a_refusal_of_our_own_is_final_in_the_demo() -> None:
    sts = CannedSts()
    app = dialog(workspace(trust({"AWS": FOREIGN}), sts=sts, kind=SourceKind.DEMO))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "Trust [-] no: no statement of the trust policy lets you in" in words(app)
        assert "AWS would refuse this, so the demo does" in words(app)
        await press(pilot, "enter")
        assert sts.requests == []
        assert "Nothing was sent to STS." in words(app)


@pytest.mark.slow
async def test_enter_without_a_role_says_why_nothing_was_sent() -> None:
    sts = CannedSts()
    app = dialog(workspace(trust(), sts=sts), None)
    async with app.run_test(size=(80, 24)) as pilot:
        for typed, said in (
            ("", "Nothing was sent to STS: no role is given."),
            ("/none", "Nothing was sent to STS: /none is not the ARN of a role."),
            ("x" * 50, "xxx… is not the ARN of a role."),
        ):
            field(app, "role").value = ""
            await settle(pilot)
            await type_text(pilot, typed)
            await settle(pilot)
            assert ("No role that is known here has this in its name." in words(app)) is bool(typed)
            await press(pilot, "enter")
            assert said in words(app)
            assert app.focused is field(app, "role")
            assert sts.requests == []
            await type_text(pilot, "y")
            await settle(pilot)
            assert said not in words(app)


async def test_a_denial_is_explained_and_stays_until_the_input_changes() -> None:
    app = dialog(workspace(trust({"AWS": FOREIGN}), sts=CannedSts(refusal=DENIED)))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "enter")
        assert "By our own reading: No statement of the role's trust policy lets the caller in." in words(app)
        await press(pilot, "tab", "shift+tab")
        assert "By our own reading" in words(app)
        await type_text(pilot, "x")
        await settle(pilot)
        assert "By our own reading" not in words(app)


async def test_a_long_error_scrolls_from_any_field() -> None:
    app = dialog(workspace(trust(), sts=CannedSts(refusal=sts_error("Weird", "word " * 400))))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "enter")
        assert "word word" in words(app)
        assert "assume-name" in str(app.focused)
        assert "at fault" not in words(app)
        await press(pilot, *["pagedown"] * 10)
        assert "at fault" in words(app)
        await press(pilot, *["pageup"] * 10)
        assert "at fault" not in words(app)


async def test_a_call_that_failed_can_be_tried_again() -> None:
    sts = CannedSts(refusal=sts_error("ServiceUnavailable", status=400))
    app = dialog(workspace(trust(), sts=sts))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "f5")
        assert app.returned == []
        sts.refusal = None
        await press(pilot, "f5")
        assert result(app).entered == ENTERED


@pytest.mark.slow
async def test_a_running_call_shows_progress_and_can_be_cancelled(gate: Gate) -> None:
    app = dialog(workspace(trust(), sts=CannedSts(on_request=gate)))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        name = app.screen.query_one(AssumeForm).row(InputName.SESSION_NAME).field
        assert name.has_focus
        await pilot.press("enter")
        await pilot.pause()
        assert gate.started.wait(60)
        duration = field(app, "duration")
        assert duration.styles.text_opacity < 1, "nothing can be typed"
        assert all(one.styles.text_opacity == 1 for one in duration.ancestors_with_self[1:]), "its label is read on"
        assert "Asking STS" in words(app)
        before = name.value
        await pilot.press("9")
        assert name.value == before

        await pilot.press("escape")
        await pilot.pause()
        assert "Cancelled" in words(app)
        assert name.has_focus
        await pilot.press("9")
        assert name.value != before
        gate.opened.set()
        await until(pilot, lambda: all(worker.is_finished for worker in app.workers))
        assert app.returned == []
        await press(pilot, "escape")
        assert app.returned == [None]


async def test_a_role_that_cannot_be_planned_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise Problem("A snapshot cannot call STS.", "Open the account live.")

    monkeypatch.setattr(assume_plan, "plan_assume", refuse)
    app = dialog(workspace(trust()))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "A snapshot cannot call STS. > Open the account live." in words(app)


@one_quick("part", ["plan_assume", "assume"])
async def test_an_error_of_our_own_ends_nothing_and_shows_no_data(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise ValueError("wJalrXUtnFEMI")

    monkeypatch.setattr(assume_plan if part == "plan_assume" else assuming, part, fail)
    app = dialog(workspace(trust()))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: part == "plan_assume" or "Trust [+]" in words(app))
        await pilot.press("enter")
        await until(pilot, lambda: "ValueError, an error in iamtui" in words(app))
        assert "wJalrXUtnFEMI" not in screen_text(app)


async def test_a_given_role_whose_arn_sts_would_refuse_is_shown_with_what_is_wrong() -> None:
    app = dialog(workspace(trust()), "arn:aws:iam::12345:role/Emulated")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "is not a role ARN" in words(app))
        assert is_shown(app, "role")
        await pilot.press("enter")
        await until(pilot, lambda: field(app, "role").has_focus)
