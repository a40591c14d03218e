"""The account whose every text attacks, on every screen, tab and dialog (threats: markup, terminal escapes)."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs
from textual.app import App
from textual.widgets import Input, Static

from iamtui.aws.caller import CallerIdentity
from iamtui.aws.credential_process import CredentialCommand
from iamtui.aws.profiles import Profile, SsoLogin
from iamtui.credentials.assume_role import InputName, InputProblem
from iamtui.engine.decision import Decision, Layer, LayerReport, LayerState, Outcome, Reason, ResourceScope
from iamtui.policy.context import And, ConditionLeaf, MissingLeaf, Or, SessionLeaf, Source
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.tui.app import IamtuiApp
from iamtui.tui.assume.dialog import AssumeDialog
from iamtui.tui.content import plain
from iamtui.tui.dialogs.help import HelpScreen
from iamtui.tui.opening.chooser import ChooserScreen
from iamtui.tui.question.panel import QuestionPanel
from iamtui.tui.question.trace_screen import TraceScreen
from iamtui.tui.sessions.panel import SessionsPanel
from iamtui.tui.widgets.status import Notice
from iamtui.workspace.ask import questions as asking
from iamtui.workspace.assume import assume as assuming
from iamtui.workspace.assume import assume_plan
from iamtui.workspace.assume.assume_plan import AssumePlan
from iamtui.workspace.source.credential_commands import UnconfirmedCommand
from iamtui.workspace.source.workspace import SourceChoice, SourceInfo, SourceKind, Workspace
from tests.support import panel_records as records
from tests.support.evil_account import EVIL, EVIL_RESOURCE, PAYLOADS, evil_account
from tests.support.hostile_text import assert_clean, hostile_characters
from tests.support.panel_apps import PanelApp, ScreenApp, screen_text, until
from tests.support.panel_apps import settle as settle_panel
from tests.support.panel_sessions import RecordingCopier, StillClock, session
from tests.support.screen_app import make_app, press, settle
from tests.support.slow import one_quick
from tests.support.terminal_run import run_on_terminal

SIZES = [(80, 24), (120, 40), (200, 60)]


def evil_workspace() -> Workspace:
    source = SourceInfo(SourceKind.SNAPSHOT, EVIL, region=EVIL, profile=EVIL, endpoint_url=f"http://{EVIL}")
    return Workspace(evil_account(), source)


def evil_decision() -> Decision:
    """A decision with hostile text wherever a decision has text."""
    source = Source("identity", EVIL, 0, "Allow")
    ref = structs.replace(records.statement(sid=EVIL), policy=EVIL)
    node = And(
        (
            ConditionLeaf(EVIL, EVIL, (EVIL, EVIL), source=source),
            Or((SessionLeaf(EVIL, source=source), MissingLeaf(EVIL, EVIL))),
        )
    )
    return Decision(
        records.request(action=EVIL, resource=EVIL),
        Outcome.DEPENDS,
        tuple(LayerReport(layer, LayerState.NOT_EVALUATED, EVIL) for layer in Layer),
        reasons=(Reason(Layer.SCP, "explicit", 1, EVIL, (ref,)),),
        matched=(ref, structs.replace(ref, effect="Deny", layer=Layer.SCP, level=0)),
        resource_scope=ResourceScope.SOME,
        allowed_resources=(EVIL,),
        depends_on=node,
        missing_context=(EVIL,),
        assumptions=(EVIL,),
        notes=(EVIL,),
        complete=False,
    )


def test_the_check_itself_sees_each_payload() -> None:
    hostile = {name for name in PAYLOADS if "markup" not in name and name != "action"}

    assert {name for name, text in PAYLOADS.items() if hostile_characters(text)} == hostile


async def test_the_check_itself_sees_a_link() -> None:
    class Careless(App[None]):
        def compose(self) -> Iterator[Static]:
            yield Static("[@click=app.quit]x[/]")

    app = Careless()
    async with app.run_test() as pilot:
        await pilot.pause()
        with pytest.raises(AssertionError, match="runs"):
            assert_clean(app)


# The whole app


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
async def test_every_branch_entity_and_tab(size: tuple[int, int]) -> None:
    app = make_app(evil_workspace())
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        seen: set[str] = set()
        assert_clean(app)
        explorer = app.main.explorer
        for entity in evil_account().entities():
            explorer.reveal(entity.arn)
            await settle(pilot)
            for tab in "12345":
                app.main.action_tab(tab)
                await settle(pilot)
                seen.add(assert_clean(app))
        assert len(seen) > 10


async def test_filter_and_tables() -> None:
    app = make_app(evil_workspace())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        for _ in range(12):
            await press(pilot, "l", "j")
            assert_clean(app)
        await press(pilot, "slash")
        field = app.main.explorer.filter_input
        for text in (EVIL, "[red]x[/]", "[/oops]", "mallory"):
            field.value = text
            await settle(pilot)
            assert_clean(app)


@pytest.mark.slow
async def test_a_question_about_evil_things_with_the_real_engine() -> None:
    app = make_app(evil_workspace())
    async with app.run_test(size=(200, 60)) as pilot:
        await settle(pilot)
        account = evil_account()
        for arn in (account.users[1].arn, account.roles[0].arn):
            app.main.explorer.reveal(arn)
            for action, resource in (("s3:GetObject", EVIL_RESOURCE), ("s3:PutObject", "*"), (EVIL, EVIL)):
                app.main.question.ask(action, resource)
                await settle(pilot)
                assert_clean(app)
                app.main.question.action_why()
                await settle(pilot)
                assert_clean(app)
                if isinstance(app.screen, TraceScreen):
                    app.screen.dismiss(None)
                await settle(pilot)


async def test_messages() -> None:
    app = make_app(evil_workspace())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.say(EVIL)
        await pilot.pause()
        assert_clean(app)
        app.main.post_message(Notice(plain(EVIL)))
        await settle(pilot)
        assert_clean(app)


@pytest.mark.slow
async def test_a_source_that_fails_with_an_evil_error() -> None:
    def fail(*_args: object) -> Workspace:
        raise Problem(EVIL, EVIL)

    app: IamtuiApp = make_app(opener=fail)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        assert_clean(app)


# Panels and dialogs with evil records


@pytest.mark.slow
@one_quick("size", SIZES)
async def test_the_question_panel(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "ask", lambda *_: evil_decision())
    monkeypatch.setattr(asking, "check_question", lambda _question: None)
    panel = QuestionPanel(catalogue=records.FewActions())
    app = PanelApp(panel)
    async with app.run_test(size=size) as pilot:
        panel.set_workspace(evil_workspace())
        panel.set_principal(records.role_principal(), EVIL)
        panel.ask("s3:GetObject", EVIL_RESOURCE)
        await settle_panel(pilot)
        assert "[red]x[/]" in assert_clean(app)
        panel.set_principal(None, EVIL)
        await settle_panel(pilot)
        assert_clean(app)
        app.query_one("#question-resource", Input).value = ""
        app.query_one("#question-resource").focus()
        await settle_panel(pilot)
        assert "arn:aws:s3:::" in assert_clean(app)
        app.query_one("#question-context").focus()
        await settle_panel(pilot)
        assert_clean(app)


async def test_a_problem_with_evil_text_in_the_question_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_question: Question) -> None:
        raise Problem(EVIL, EVIL)

    monkeypatch.setattr(asking, "check_question", refuse)
    panel = QuestionPanel(catalogue=records.FewActions())
    app = PanelApp(panel)
    async with app.run_test(size=(80, 24)) as pilot:
        panel.set_workspace(evil_workspace())
        panel.set_principal(records.role_principal(), EVIL)
        panel.ask("s3:GetObject", "*", EVIL.replace("'", ""))
        await settle_panel(pilot)
        assert_clean(app)


async def test_the_trace_screen() -> None:
    question = Question(EVIL, EVIL, {EVIL: (EVIL,)})
    app = ScreenApp(TraceScreen(evil_workspace(), evil_decision(), records.role_principal(), question, EVIL))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle_panel(pilot)
        assert_clean(app)
        for _ in range(8):
            await pilot.press("pagedown")
            assert_clean(app)
        await pilot.press("slash")
        for needle in ("[red]", "[/oops]", "click"):
            app.screen.query_one("#find-needle", Input).value = needle
            await settle_panel(pilot)
            assert_clean(app)


@one_quick("size", SIZES)
async def test_the_sessions_panel(size: tuple[int, int]) -> None:
    clock = StillClock()
    panel = SessionsPanel(clock=clock, monotonic=clock.monotonic)
    app = PanelApp(panel)
    async with app.run_test(size=size) as pilot:
        panel.add_session(session(key="ASIA1", identity=None, identity_error=EVIL, role_arn=EVIL))
        panel.add_session(session(key=EVIL, identity=CallerIdentity(EVIL, EVIL, EVIL), role_arn=f"x/{EVIL}"))
        panel.focus()
        await settle_panel(pilot)
        assert_clean(app)
        await pilot.press("enter", "i", "enter", "s", "enter", "t", "d")
        await settle_panel(pilot)
        assert_clean(app)
        clock.move(90000)
        panel.tick()
        await settle_panel(pilot)
        assert_clean(app)


EVIL_PROFILE = Profile(EVIL, EVIL, EVIL, login=SsoLogin(EVIL))


async def test_the_question_about_a_command() -> None:
    def opener(*_more: object) -> Workspace:
        raise UnconfirmedCommand(CredentialCommand(EVIL, EVIL, EVIL))

    app = IamtuiApp(SourceChoice(SourceKind.LIVE, profile=EVIL), opener=opener, copier=RecordingCopier())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "run it, now and later" in screen_text(app))
        assert_clean(app)
        await pilot.press("n")
        await until(pilot, lambda: "run it, now and later" not in screen_text(app))
        assert_clean(app)


async def test_the_chooser() -> None:
    app = ScreenApp(ChooserScreen(lambda: [EVIL_PROFILE, structs.replace(EVIL_PROFILE, name="[/oops]")]))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle_panel(pilot)
        assert_clean(app)
        await pilot.press("j", "enter")
        app.screen.query_one("#chooser-path", Input).value = "[/oops]\x1b[2J"
        await pilot.press("enter")
        await settle_panel(pilot)
        assert "does not exist" in assert_clean(app)


async def test_profiles_that_cannot_be_listed() -> None:
    def fail() -> list[Profile]:
        raise Problem(EVIL)

    app = ScreenApp(ChooserScreen(fail))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle_panel(pilot)
        assert_clean(app)


@pytest.mark.parametrize("refusal", ["", EVIL])
async def test_the_assume_dialog(monkeypatch: pytest.MonkeyPatch, refusal: str) -> None:
    plan = AssumePlan(EVIL, evil_decision(), refusal, True, True, (EVIL, EVIL), EVIL, 3600, EVIL)
    monkeypatch.setattr(assume_plan, "plan_assume", lambda *_args, **_kwargs: plan)
    monkeypatch.setattr(
        assuming, "check_input", lambda *_args: (InputProblem(InputName.ROLE, EVIL), InputProblem(InputName.TAGS, EVIL))
    )
    app = ScreenApp(AssumeDialog(evil_workspace(), EVIL))
    async with app.run_test(size=(120, 60)) as pilot:
        await settle_panel(pilot)
        assert_clean(app)
        await pilot.press("enter")
        await settle_panel(pilot)
        assert "[red]x[/]" in assert_clean(app)


@pytest.mark.slow
async def test_the_help() -> None:
    app = make_app(evil_workspace())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.push_screen(HelpScreen(app.screen))
        await settle(pilot)
        assert "Verdicts" in screen_text(app) or "Help" in screen_text(app)
        assert_clean(app)


@pytest.mark.slow
def test_nothing_evil_reaches_a_real_terminal(tmp_path: Path) -> None:
    script = tmp_path / "evil.py"
    script.write_text(
        textwrap.dedent(
            """
            import sys
            from tests.support.screen_app import SAMPLE, RecordingCopier
            from tests.support.evil_account import EVIL, evil_account
            from tests.tui.test_evil_account import evil_workspace
            from iamtui.tui.app import IamtuiApp

            async def tour(app):
                app.say(EVIL, stays=True)
                for entity in evil_account().entities():
                    app.main.go_to(entity.arn)
                    for tab in "12345":
                        app.main.action_tab(tab)
                        app.refresh()
                        await asyncio.sleep(0.02)
                app.exit()

            import asyncio
            IamtuiApp.on_ready = lambda app: app.set_timer(1.5, lambda: app.run_worker(tour(app)))
            app = IamtuiApp(SAMPLE, opener=lambda *_: evil_workspace(), copier=RecordingCopier())
            app.run()
            sys.exit(app.return_code or 0)
            """
        )
    )

    text, code = run_on_terminal(script)

    assert code == 0, text[-2000:]
    assert "mallory" in text
    assert "[red]x[/]" in text
    assert "\x1b]52;" not in text
    assert not {"\x9b", "\x9d", "\u202e", "\u2066", "\u200b", "\u2060", "\ufeff", "\U000e0041"} & set(text)
