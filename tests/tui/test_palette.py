"""The palette finds everything that has a name, each thing once, the best first, and completes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from textual.command import Command, CommandList
from textual.pilot import Pilot
from textual.widgets import Input

from iamtui.account.model import ResourcePolicy
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.tui.dialogs.palette import ActionPalette
from iamtui.tui.main.inventory import key_of
from iamtui.tui.question.answer_lists import LayersList
from iamtui.tui.question.form import QuestionForm
from iamtui.tui.question.who_can_screen import WhoCanScreen
from iamtui.tui.widgets.status import MessageLine
from iamtui.workspace.ask.saved_questions import QuestionStore
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.workspace import SourceChoice, SourceKind
from tests.support.drafting import ask
from tests.support.evil_account import evil_account
from tests.support.hostile_text import assert_clean
from tests.support.panel_apps import screen_text, type_text, until
from tests.support.panel_sessions import session
from tests.support.sample_account import ID, allow, document, iam, sample_workspace
from tests.support.screen_app import make_app, opened, press, settle
from tests.support.slow import one_quick

SECRET = f"arn:aws:secretsmanager:eu-west-1:{ID}:secret:payments/db-k7Vq2x"


def listed(pilot: Pilot[None]) -> list[str]:
    commands = pilot.app.screen.query_one(CommandList)
    options = [commands.get_option_at_index(at) for at in range(commands.option_count)]
    return [option.hit.text or "" for option in options if isinstance(option, Command)]


async def look_for(pilot: Pilot[None], words: str) -> list[str]:
    await press(pilot, "colon")
    await type_text(pilot, words)
    await until(pilot, lambda: bool(listed(pilot)))
    await settle(pilot)
    return listed(pilot)


async def test_each_action_is_listed_once() -> None:
    async with opened() as pilot:
        pilot.app.main.explorer.tree_view.focus()  # type: ignore[attr-defined]
        await press(pilot, "colon")
        await until(pilot, lambda: len(listed(pilot)) > 10)
        doubles = [name for name, count in Counter(listed(pilot)).items() if count > 1]
        assert not doubles


async def test_no_word_stands_for_two_commands() -> None:
    async with opened() as pilot:
        await press(pilot, "colon")
        await until(pilot, lambda: len(listed(pilot)) > 10)
        words = Counter(name.partition("  (")[0] for name in listed(pilot))
        assert not [word for word, count in words.items() if count > 1]


PLAIN_WORDS = {
    "prove": "Draft",
    "trust": "Trust",
    "used": "Used",
    "who can": "Who can",
    "why": "Why",
    "escalat": "Escalations",
    "findings": "Findings",
    "audit": "Findings",
    "snapshot": "Snapshot",
    "organization": "Organization",
    "region": "Region",
}


async def test_jobs_are_found_by_their_plain_words_one_line_an_entry() -> None:
    async with opened() as pilot:
        for words, name in PLAIN_WORDS.items():
            found = await look_for(pilot, words)
            assert found[0].partition("  (")[0] == name, (words, found)
            commands = pilot.app.screen.query_one(CommandList)
            assert commands.virtual_size.height == commands.option_count, words
            await press(pilot, "escape")
        await look_for(pilot, "trust")
        await press(pilot, "enter")
        assert "Trust" in screen_text(pilot.app).splitlines()[0]


@pytest.mark.slow
@one_quick("words", ["resize", "resize the pane"])
async def test_the_keys_that_resize_a_pane_are_found_by_that_word(words: str) -> None:
    async with opened() as pilot:
        pilot.app.main.explorer.tree_view.focus()  # type: ignore[attr-defined]
        assert any(name.startswith("Divider left  (") for name in await look_for(pilot, words))


@pytest.mark.slow
async def test_what_a_narrow_answers_key_line_has_no_room_for_is_still_found() -> None:
    async with opened(size=(80, 24)) as pilot:
        await ask(pilot, iam("user/carol"), "s3:GetObject", "arn:aws:s3:::data-lake/x")
        pilot.app.main.query_one(LayersList).focus()  # type: ignore[attr-defined]
        await settle(pilot)
        assert any(name.startswith("Ask  (") for name in await look_for(pilot, "ask"))


EXPECTED = {
    "admin": ("Escalations", "Findings"),
    "assume": ("Assume", "Any role", "Roles you may assume"),
    "column": ("Columns",),
    "copy": ("Copy", "Copy as command", "Copy …"),
    "copy arn": ("Copy …",),
    "credentials": ("Assume", "Copy", "Export"),
    "dark": ("Theme",),
    "deny": ("Denied", "Draft a fix", "Why"),
    "env": ("Copy", "Export", "Shell"),
    "export": ("Export", "Copy", "Snapshot"),
    "key": ("Keys", "Help"),
    "login": ("Assume", "Console", "Account"),
    "mfa": ("MFA", "Findings"),
    "org": ("Organization",),
    "pass": ("Presets", "Findings"),
    "profile": ("Account", "Export"),
    "proof": ("Draft",),
    "quit": ("Quit now", "Quit"),
    "region": ("Region",),
    "replay": ("Used",),
    "resize": ("Divider down", "Divider left", "Divider right", "Divider up"),
    "roles": ("Roles you may assume",),
    "shell": ("Shell",),
    "simulate": ("2nd opinion", "Ask", "Draft"),
    "size": ("Divider down", "Divider left", "Divider right", "Divider up", "Zoom", "Usual sizes"),
    "theme": ("Theme",),
    "trail": ("Used",),
    "unused": ("Findings",),
    "used": ("Used",),
    "who": ("Who can",),
    "why": ("Why",),
}


@pytest.mark.slow
async def test_what_people_type_finds_what_they_mean() -> None:
    app = make_app(open_source(SourceChoice(SourceKind.DEMO)))
    async with opened(app) as pilot:
        app.main.explorer.tree_view.focus()
        for typed, expected in EXPECTED.items():
            found = [name.partition("  (")[0] for name in await look_for(pilot, typed)]
            # In front of all that the account has of such a name, and each once.
            assert set(found[: len(expected)]) == set(expected), (typed, found)
            assert not [name for name, count in Counter(found).items() if count > 1 and name in expected]
            await press(pilot, "escape")


@pytest.mark.slow
async def test_what_can_do_nothing_now_says_what_it_lacks() -> None:
    app = make_app()
    async with opened(app) as pilot:
        app.main.go_to(iam("role/deploy-prod"))
        await look_for(pilot, "columns")
        await press(pilot, "enter")
        words = "There is no table here: users, groups, roles and policies have columns."
        assert app.query_one(MessageLine).words == words
        await look_for(pilot, "activity")
        await press(pilot, "enter")
        assert app.main.subject.tab == "access"
        app.main.go_to("users:")
        await look_for(pilot, "activity")
        await press(pilot, "enter")
        assert app.query_one(MessageLine).words == "There is no Access tab here: go to a user or role."


@pytest.mark.slow
async def test_letters_scattered_over_a_sentence_find_no_command() -> None:
    async with opened() as pilot:
        assert not [name for name in await look_for(pilot, "deploy") if "(" in name]


@one_quick(
    ("typed", "name", "key"),
    [
        ("carol", "carol", iam("user/carol")),
        ("deploy-prod", "deploy-prod", iam("role/deploy-prod")),
        ("data-lake-read", "data-lake-read", iam("policy/data/data-lake-read")),
    ],
)
async def test_an_entity_is_found_by_its_name_and_gone_to(typed: str, name: str, key: str) -> None:
    app = make_app()
    async with opened(app) as pilot:
        assert (await look_for(pilot, typed))[0] == name
        await press(pilot, "enter")
        assert app.screen is app.main
        assert app.main.subject.node is not None
        assert key_of(app.main.subject.node) == key
        await press(pilot, "left_square_bracket")
        assert key_of(app.main.subject.node) == "users:", "the way there leads back"


async def test_a_statement_is_found_by_its_sid_and_marked_where_it_stands() -> None:
    app = make_app(open_source(SourceChoice(SourceKind.DEMO)))
    async with opened(app) as pilot:
        assert "ReadSmokeTests" in await look_for(pilot, "readsmoke")
        await press(pilot, "enter")
        assert app.main.subject.tab == "policies"
        assert '"Sid": "ReadSmokeTests"' in screen_text(app)


async def test_a_resource_is_found_and_who_can_use_it_is_asked_in_a_few_keys() -> None:
    policy = ResourcePolicy("present", document(allow("secretsmanager:*", "*", Principal={"AWS": iam("user/carol")})))
    workspace = sample_workspace()
    account = replace(workspace.account, resource_policies={SECRET: policy})
    app = make_app(workspace.with_account(account))
    async with opened(app) as pilot:
        assert SECRET in await look_for(pilot, "secret:payments")
        await press(pilot, "enter")
        assert app.screen is app.main
        await type_text(pilot, "getsecretval")
        await press(pilot, "tab", "f6")
        screen = app.screen
        assert isinstance(screen, WhoCanScreen)
        assert screen.question_matrix.actions == ("secretsmanager:GetSecretValue",)
        assert screen.question_matrix.resources == (SECRET,)


@pytest.mark.slow
async def test_a_resource_that_the_account_does_not_name_can_be_pasted() -> None:
    app = make_app()
    async with opened(app) as pilot:
        assert (await look_for(pilot, SECRET)) == [SECRET]
        await press(pilot, "enter")
        form = app.main.query_one(QuestionForm)
        assert form.resource_field.value == SECRET
        assert form.action_field.has_focus
        assert form.action_field.is_open, "actions of its service are offered"
        await press(pilot, "escape", "escape")
        assert SECRET not in await look_for(pilot, iam("role/deploy-prod")), "what the tree has is gone to"


@pytest.mark.slow
async def test_a_saved_question_is_found_by_its_name_and_asked() -> None:
    matrix = QuestionMatrix(("s3:GetObject",), ("arn:aws:s3:::data-lake/x",), Question("", "*"))
    QuestionStore(ID).save("who reads the lake", matrix, "user/carol")
    app = make_app()
    async with opened(app) as pilot:
        await until(pilot, lambda: bool(app.main.question.saved_questions))
        assert "who reads the lake" in await look_for(pilot, "who reads")
        await press(pilot, "enter")
        assert app.main.question.question_matrix is not None
        assert app.main.question.question_matrix.actions == ("s3:GetObject",)


async def test_a_session_is_found_by_its_role_and_gone_to() -> None:
    app = make_app()
    async with opened(app) as pilot:
        for role in ("reader", "writer"):
            app.main.sessions.add_session(session(role_arn=iam(f"role/{role}")))
        await settle(pilot)
        await look_for(pilot, "reader")
        await press(pilot, "enter")
        assert app.main.sessions.has_focus
        assert app.main.sessions.active is not None
        assert app.main.sessions.active.role_arn == iam("role/reader")


@pytest.mark.slow
async def test_a_command_whose_name_begins_so_comes_before_names_of_the_account() -> None:
    async with opened() as pilot:
        assert (await look_for(pilot, "zoom"))[0].startswith("Zoom")


async def test_tab_completes_what_was_typed() -> None:
    async with opened() as pilot:
        await look_for(pilot, "deplo")
        await press(pilot, "tab")
        assert isinstance(pilot.app.screen, ActionPalette)
        assert pilot.app.screen.query_one(Input).value == "deploy-prod"


@pytest.mark.slow
async def test_hostile_names_are_drawn_as_text() -> None:
    app = make_app()
    async with opened(app, account=evil_account()) as pilot:
        for typed in ("re", "ro", "us", "po"):
            await press(pilot, "colon")
            await type_text(pilot, typed)
            await settle(pilot)
            assert_clean(pilot.app)
            await press(pilot, "escape")
            if isinstance(pilot.app.screen, ActionPalette):
                await press(pilot, "escape")
