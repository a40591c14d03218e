"""The inputs of the assume form: what is wrong with them is said where it is, what was entered before comes back."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from iamtui.account.model import Known, ManagedPolicy, MfaDevice, Missing
from iamtui.aws.errors import AwsProblem
from iamtui.credentials.assume_role import AssumeRoleInput
from iamtui.credentials.session import AssumeExtras
from iamtui.questions.question import Question
from iamtui.tui.assume import dialog as dialogs
from iamtui.tui.assume.dialog import AssumeDialog, AssumeOptions, AssumeResult
from iamtui.tui.dialogs.dialogs import DialogBox
from iamtui.tui.drafts import editor_screen as draft_editor
from iamtui.tui.drafts.editor_screen import SessionPolicyScreen
from iamtui.workspace.assume import assume as assuming
from iamtui.workspace.assume.mfa import MfaDevices
from iamtui.workspace.source.workspace import Workspace
from tests.support.assume_account import CREATED, MFA, ROLE, SERIAL, document, trust, workspace
from tests.support.panel_apps import ScreenApp, screen_text, settle, type_text, until
from tests.support.sts_answers import CannedSts

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
TAGGED = trust(Action=["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"])
ALL = document({"Effect": "Allow", "Action": "sts:*", "Resource": "*"})


def words(app: ScreenApp) -> str:
    return " ".join(screen_text(app).replace("│", " ").split())


def dialog(space: Workspace, role: str | None = ROLE, **options: Any) -> ScreenApp:
    return ScreenApp(AssumeDialog(space, role, AssumeOptions(**options)))


def field(app: ScreenApp, name: str) -> Input:
    return app.screen.query_one(f"#assume-{name}", Input)


def result(app: ScreenApp) -> AssumeResult:
    [found] = app.returned
    assert isinstance(found, AssumeResult)
    return found


async def press(pilot: Pilot[object], *keys: str) -> None:
    await pilot.press(*keys)
    await settle(pilot)


async def fill(pilot: Pilot[object], app: ScreenApp, name: str, text: str) -> None:
    field(app, name).value = text
    await settle(pilot)


# What is wrong is said at the field


WRONG = (
    ("name", "bad name", "The session name may hold only ASCII letters, digits and _+=,.@-, and no spaces."),
    (
        "duration",
        "3h",
        "A duration of 3h (10,800 seconds) is more than the 2h that this session may last. The role",
    ),
    ("duration", "10m", "STS takes 15m to 12h"),
    ("duration", "soon", 'This is not a time: write it as "1h", "90m" or a number of seconds.'),
    ("external", "a b", "The external id may hold only ASCII letters"),
    ("device", "GAHT", "The MFA device is not a serial number or ARN"),
    ("code", "12345x", "The MFA code is exactly six digits."),
    ("policy-arns", "nonsense", '"nonsense" is not a policy ARN'),
    ("tags", "lonely", 'The tag "lonely" has no value: write it as lonely=value.'),
    ("tags", "aws:x=1", 'The tag key "aws:x" must not start with "aws:".'),
    ("transitive", "cost", 'The transitive tag key "cost" is not among the session tags.'),
    ("identity", "aws:me", 'The source identity must not start with "aws:".'),
)


async def test_a_wrong_input_is_named_at_its_field_and_not_sent() -> None:
    sts = CannedSts()
    app = dialog(workspace(TAGGED, sts=sts, may=ALL))
    async with app.run_test(size=(120, 50)) as pilot:
        await settle(pilot)
        await press(pilot, "f2")
        for name, text, sentence in WRONG:
            usual = field(app, name).value
            await fill(pilot, app, name, text)
            assert sentence in words(app), "while typing"
            await press(pilot, "f5")
            assert sentence in words(app)
            assert sts.requests == []
            assert app.focused is field(app, name)
            await fill(pilot, app, name, usual)
            assert sentence not in words(app)


async def test_what_is_only_unfinished_is_not_called_wrong_while_it_is_typed() -> None:
    app = dialog(workspace(trust(**MFA)))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await type_text(pilot, "987")
        await settle(pilot)
        assert "exactly six digits" not in words(app)
        await press(pilot, "enter")
        assert "exactly six digits" in words(app)
        assert field(app, "code").value == "987", "nothing was sent, so that it can be finished"


async def test_a_wrong_input_in_the_closed_section_opens_it() -> None:
    before = AssumeRoleInput(ROLE, "alice", 3600, extras=AssumeExtras(source_identity="a"))
    app = dialog(workspace(TAGGED, may=ALL), prefilled=before)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "More: source identity a" in words(app)
        await press(pilot, "enter")
        assert "The source identity has 1 character; STS takes 2 to 256." in words(app)
        assert app.focused is field(app, "identity")


async def test_a_device_that_is_found_rights_a_code_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    found = threading.Event()

    def devices(_workspace: Workspace) -> MfaDevices:
        assert found.wait(60)
        return MfaDevices((SERIAL,), asked=True)

    monkeypatch.setattr(dialogs, "find_mfa_devices", devices)
    app = dialog(workspace(trust(**MFA), sts=CannedSts(), devices=Missing("not loaded")))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.focused is not None)
        app.screen.set_focus(field(app, "code"))
        await type_text(pilot, "987654")
        await until(pilot, lambda: "The MFA device is missing" in words(app))
        found.set()
        await until(pilot, lambda: "The MFA device is missing" not in words(app))


@pytest.mark.slow
async def test_the_inputs_that_few_calls_need_are_shown_when_the_section_is_opened() -> None:
    app = dialog(workspace(TAGGED, may=ALL))
    async with app.run_test(size=(120, 50)) as pilot:
        await settle(pilot)
        assert not field(app, "tags").region
        await pilot.press("f2", "tab", "tab", *"a=b")
        await settle(pilot)
        assert field(app, "tags").value == "a=b"
        await press(pilot, "f2", "f2")
        assert len(app.screen.query("#assume-tags")) == 1
        assert field(app, "tags").value == "a=b"


@pytest.mark.slow
async def test_hints_beside_long_fields_keep_clear_of_them_in_a_narrower_window() -> None:
    app = dialog(workspace(TAGGED, may=ALL))
    async with app.run_test(size=(120, 50)) as pilot:
        await settle(pilot)
        await press(pilot, "f2")
        await until(pilot, lambda: "passed on by role chaining" in words(app))
        await pilot.resize_terminal(70, 50)
        await until(pilot, lambda: "passed on by role c" in words(app))


# All of them are sent


async def test_every_input_is_sent() -> None:
    sts = CannedSts()
    app = dialog(workspace(TAGGED, sts=sts, may=ALL))
    async with app.run_test(size=(120, 50)) as pilot:
        await settle(pilot)
        await press(pilot, "f2")
        for name, text in {
            "duration": "2h", "external": "partner-1", "policy-arns": READ_ONLY, "tags": "team=x 'cost center=a b'",
            "transitive": "team", "identity": "alice",
        }.items():  # fmt: skip
            await fill(pilot, app, name, text)
        assert "More: 1 managed policy, 2 tags, 1 transitive, source identity alice" in words(app)
        await press(pilot, "f5")
        [asked, _] = sts.requests
        assert asked["DurationSeconds"] == "7200"
        assert asked["ExternalId"] == "partner-1"
        assert asked["PolicyArns.member.1.arn"] == READ_ONLY
        assert (asked["Tags.member.2.Key"], asked["Tags.member.2.Value"]) == ("cost center", "a b")
        assert asked["TransitiveTagKeys.member.1"] == "team"
        assert asked["SourceIdentity"] == "alice"
        assert result(app).entered.extras.tags == (("team", "x"), ("cost center", "a b"))


@pytest.mark.slow
async def test_tags_that_the_trust_policy_does_not_allow_change_the_answer() -> None:
    app = dialog(workspace(trust(), may=ALL))
    async with app.run_test(size=(120, 50)) as pilot:
        await settle(pilot)
        await press(pilot, "f2")
        await fill(pilot, app, "tags", "team=x")
        assert "Trust [-] no: no statement of the trust policy lets you in (sts:TagSession)" in words(app)
        assert "Your side [+] yes" in words(app)


async def test_the_session_name_counts_where_the_trust_policy_asks_for_one() -> None:
    named = {"Condition": {"StringEquals": {"sts:RoleSessionName": "nightly"}}}
    app = dialog(workspace(trust(**named)))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "Trust [-] no" in words(app)
        await fill(pilot, app, "name", "nightly")
        assert "Trust [+] yes" in words(app)


@pytest.mark.slow
async def test_managed_policies_are_completed_from_the_account() -> None:
    space = workspace(trust())
    mine = ManagedPolicy("lake-read", "/", "arn:aws:iam::123456789012:policy/lake-read", "ANPA1", None)
    space = space.with_account(replace(space.account, policies=(mine,)))
    app = dialog(space)
    async with app.run_test(size=(120, 50)) as pilot:
        await settle(pilot)
        await press(pilot, "f2", "tab")
        await type_text(pilot, "lake")
        await settle(pilot)
        assert "policy/lake-read" in screen_text(app)
        await press(pilot, "enter")
        assert field(app, "policy-arns").value == mine.arn
        assert app.returned == [], "Enter took the completion"


# The session policy


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draft_editor, "PAUSE_SECONDS", 0.001)


@pytest.mark.slow
@pytest.mark.usefixtures("no_pause")
async def test_a_session_policy_is_written_with_meter_findings_and_preview() -> None:
    sts = CannedSts()
    question = Question("s3:DeleteBucket", "arn:aws:s3:::logs")
    app = dialog(workspace(trust(), sts=sts), questions=[question])
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "f2", "enter")
        assert isinstance(app.screen, SessionPolicyScreen)
        await until(pilot, lambda: "What the session could still do" in words(app))
        assert "s3:DeleteBucket arn:aws:s3:::logs" in words(app)
        assert "96 of 2,048 characters as sent" in words(app)

        editor = app.screen.query_one(TextArea)
        editor.load_text(
            '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Nothing", "Resource": "*"}]}'
        )
        await until(pilot, lambda: "s3:Nothing" in words(app).partition("characters")[2])
        await press(pilot, "ctrl+s")
        assert isinstance(app.screen, AssumeDialog)
        await press(pilot, "f5")
        sent = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Nothing","Resource":"*"}]}'
        assert sts.requests[0]["Policy"] == sent
        assert result(app).entered.extras.policy == sent


@pytest.mark.usefixtures("no_pause")
async def test_a_session_policy_that_cannot_be_read_stays_in_the_editor() -> None:
    app = dialog(workspace(trust()))
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "f2", "enter")
        app.screen.query_one(TextArea).load_text('{"Statement": [], "Statement": []}')
        await settle(pilot)
        await press(pilot, "ctrl+s")
        assert isinstance(app.screen, SessionPolicyScreen)
        assert "The session policy cannot be read" in words(app)


@pytest.mark.slow
@pytest.mark.usefixtures("no_pause")
async def test_a_session_policy_that_is_too_long_is_measured_and_refused() -> None:
    long = (
        '{"Version":"2012-10-17","Statement":[{"Sid":"'
        + "a" * 2100
        + '","Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
    )
    app = dialog(workspace(trust()), prefilled=AssumeRoleInput(ROLE, "alice", 3600, extras=AssumeExtras(policy=long)))
    async with app.run_test(size=(120, 50)) as pilot:
        await settle(pilot)
        await press(pilot, "f5")
        assert "STS takes 2048 at most" in words(app)
        await press(pilot, "enter")
        await until(pilot, lambda: "of 2,048 characters as sent" in words(app))
        assert f"{len(long):,} of 2,048" in words(app)


@pytest.mark.slow
@pytest.mark.usefixtures("no_pause")
async def test_an_emptied_session_policy_is_none() -> None:
    policy = '{"Version":"2012-10-17","Statement":[]}'
    app = dialog(workspace(trust()), prefilled=AssumeRoleInput(ROLE, "alice", 3600, extras=AssumeExtras(policy=policy)))
    async with app.run_test(size=(120, 50)) as pilot:
        await settle(pilot)
        await press(pilot, "f2", "enter")
        app.screen.query_one(TextArea).load_text("")
        await settle(pilot)
        await press(pilot, "ctrl+s")
        assert "More: session policy, managed policies, tags, source identity" in words(app)


@pytest.mark.slow
async def test_delete_drops_the_session_policy() -> None:
    policy = '{"Version":"2012-10-17","Statement":[]}'
    app = dialog(workspace(trust()), prefilled=AssumeRoleInput(ROLE, "alice", 3600, extras=AssumeExtras(policy=policy)))
    async with app.run_test(size=(120, 50)) as pilot:
        await settle(pilot)
        await press(pilot, "f2", "delete")
        await press(pilot, "f5")
        assert result(app).entered.extras == AssumeExtras()


# What was entered before


@pytest.mark.slow
async def test_inputs_come_back_for_the_same_role_but_no_secrets() -> None:
    space = workspace(TAGGED, may=ALL)
    app = dialog(space)
    async with app.run_test(size=(120, 50)) as pilot:
        await settle(pilot)
        await press(pilot, "f2")
        for name, text in {
            "name": "nightly", "duration": "30m", "external": "partner-1", "tags": "team=x", "code": "987654",
        }.items():  # fmt: skip
            await fill(pilot, app, name, text)
        await press(pilot, "f5")
        assert result(app).entered.external_id == "partner-1"

    app = dialog(space)
    async with app.run_test(size=(120, 50)) as pilot:
        await settle(pilot)
        await settle(pilot)
        assert (field(app, "name").value, field(app, "duration").value) == ("nightly", "30m")
        assert "More: 1 tag" in words(app)
        assert (field(app, "external").value, field(app, "code").value) == ("", "")
        assert "F4 afresh" in words(app)

        await press(pilot, "f4")
        assert (field(app, "name").value, field(app, "duration").value) == ("alice", "1h")
        assert "More: session policy, managed" in words(app)
        await press(pilot, "escape")

    app = dialog(space)
    async with app.run_test(size=(120, 50)) as pilot:
        await settle(pilot)
        assert field(app, "name").value == "alice", "it was forgotten"


@pytest.mark.slow
async def test_a_fresh_run_neither_fills_in_nor_keeps_what_is_entered() -> None:
    space = workspace(trust())
    for name, remembers in (("nightly", True), ("other", False)):
        app = dialog(space, remembers=remembers)
        async with app.run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            assert field(app, "name").value == "alice"
            await fill(pilot, app, "name", name)
            await press(pilot, "enter")
            await until(pilot, lambda: bool(app.returned))  # noqa: B023 - called before the next round
    app = dialog(space)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: field(app, "name").value == "nightly")


async def test_two_keys_are_enough_with_what_is_remembered() -> None:
    space = workspace(trust())
    app = dialog(space)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await fill(pilot, app, "name", "nightly")
        await press(pilot, "enter")
    app = dialog(space)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.returned))
        assert result(app).entered == AssumeRoleInput(ROLE, "nightly", 3600)


# What is found out


@pytest.mark.slow
async def test_an_unknown_device_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    found = MfaDevices(("arn:aws:iam::123456789012:mfa/alice", "arn:aws:iam::123456789012:mfa/phone"), asked=True)
    monkeypatch.setattr(dialogs, "find_mfa_devices", lambda _workspace: found)
    app = dialog(workspace(trust(**MFA), devices=Missing("not loaded")))
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await settle(pilot)
        assert field(app, "device").value == found.serials[0]
        assert "F6 another of 2" in words(app)
        assert app.focused is field(app, "code")
        await press(pilot, "f6")
        assert field(app, "device").value == found.serials[1]
        assert "six digits of phone" in words(app)


DEVICES = tuple(MfaDevice(f"arn:aws:iam::123456789012:mfa/{name}", CREATED) for name in ("alice", "phone"))


@pytest.mark.slow
async def test_one_of_several_devices_gives_the_code_and_is_remembered() -> None:
    sts = CannedSts()
    space = workspace(trust(**MFA), sts=sts, devices=Known(DEVICES))
    app = dialog(space)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert field(app, "device").value == DEVICES[0].serial
        await press(pilot, "f6", "f6", "f6")
        assert field(app, "device").value == DEVICES[1].serial
        assert app.focused is field(app, "code"), "the code can be typed at once"
        await type_text(pilot, "123456")
        await press(pilot, "enter")
        await until(pilot, lambda: bool(app.returned))
    assert next(asked for asked in sts.requests if "TokenCode" in asked)["SerialNumber"] == DEVICES[1].serial

    app = dialog(space)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert field(app, "device").value == DEVICES[1].serial
        await press(pilot, "f6")
        assert field(app, "device").value == DEVICES[0].serial


async def test_a_single_device_is_no_choice() -> None:
    app = dialog(workspace(trust(**MFA)))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "F6" not in words(app)
        await press(pilot, "f6")
        assert "No other MFA device of yours is known" in words(app)


async def test_why_no_device_is_known_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    note = "Your device is not known (you may not call iam:ListMFADevices): enter its serial number or ARN."
    monkeypatch.setattr(dialogs, "find_mfa_devices", lambda _workspace: MfaDevices(note=note, asked=True))
    app = dialog(workspace(trust(**MFA), devices=Missing("not loaded")))
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await settle(pilot)
        assert note in words(app)
        assert app.focused is field(app, "device")


@pytest.mark.parametrize(("alias", "marked"), [("acme-prod", True), ("acme-dev", False)])
async def test_production_is_marked_in_red(alias: str, marked: bool) -> None:
    space = workspace(trust())
    space = space.with_account(replace(space.account, alias=Known(alias)))
    app = dialog(space, production="prod,production")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert ("PRODUCTION" in words(app)) is marked
        assert app.screen.query_one(DialogBox).has_class("-production") is marked


async def test_a_role_that_is_typed_is_marked_too() -> None:
    app = dialog(workspace(trust()), None, production="prod")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "PRODUCTION" not in words(app)
        await fill(pilot, app, "role", "arn:aws:iam::999999999999:role/deploy-prod")
        assert "Assume deploy-prod PRODUCTION" in words(app)


@pytest.mark.slow
async def test_an_expired_login_says_what_to_run_and_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    expired = [True]
    real = assuming.assume

    def assume(*args: Any, **kwargs: Any) -> Any:
        if expired.pop() if expired else False:
            raise AwsProblem(
                "The login of the profile dev has expired.", "Run: aws sso login --profile dev",
                code="UnauthorizedSSOTokenError", login_command="aws sso login --profile dev",
            )  # fmt: skip
        return real(*args, **kwargs)

    anew: list[Workspace] = []

    def reconnected(space: Workspace) -> Workspace:
        anew.append(space)
        return space

    monkeypatch.setattr(assuming, "assume", assume)
    monkeypatch.setattr(dialogs, "reconnected", reconnected)
    app = dialog(workspace(trust()))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "enter")
        assert anew == []
        assert "> Run: aws sso login --profile dev > Then F5 tries again." in words(app)
        await press(pilot, "f5")
        assert result(app).entered == AssumeRoleInput(ROLE, "alice", 3600)
        assert len(anew) == 1, "the credentials were looked for again"
