"""Previews: what will be handed over, with marks in the place of everything secret."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iamtui.credentials.export import FORMATS, hand_over, preview, users_format
from iamtui.problem import Problem
from iamtui.secret import Secret
from tests.credentials.test_formats import SESSION, START
from tests.support.sts_answers import KEY_ID, SECRET_KEY, TOKEN

SESSIONS = {
    "usual": SESSION,
    "demo": replace(SESSION, demo=True),
    "bare": replace(SESSION, region="", identity=None),
    "quoted": replace(SESSION, session_token=Secret(TOKEN.rstrip("=") + "=="), secret_access_key=Secret("a+b/c=" * 6)),
    "unquoted": replace(SESSION, session_token=Secret(TOKEN.rstrip("="))),
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", SESSIONS)
def test_a_preview_is_the_text_with_marks_for_what_is_secret(name: str, kind: str) -> None:
    session = SESSIONS[kind]
    expected = hand_over(session, name, now=START).reveal()
    for secret, shown in (
        (session.secret_access_key.reveal(), "••••"),
        (session.session_token.reveal(), "••••"),
        (KEY_ID, f"{KEY_ID[:4]}…{KEY_ID[-4:]}"),
    ):
        expected = expected.replace(secret, shown)
    shown = preview(session, name)
    assert shown == expected
    assert SECRET_KEY not in shown
    assert TOKEN[:12] not in shown


def test_a_preview_of_an_expired_session_is_still_a_preview() -> None:
    assert "AWS_SESSION_TOKEN" in preview(replace(SESSION, expires_at=START), "bash")


@pytest.mark.parametrize(
    ("shell", "name"),
    [
        ("/usr/bin/fish", "fish"), ("/bin/zsh", "bash"), ("/bin/bash", "bash"), ("/bin/dash", "posix"),
        ("/bin/ksh", "posix"), ("/usr/bin/pwsh", "powershell"), ("/usr/bin/nu", "bash"), ("", "bash"),
        ("/odd/json", "bash"),
    ],
)  # fmt: skip
def test_the_users_format_follows_the_login_shell(shell: str, name: str) -> None:
    assert users_format("", {"SHELL": shell}) == name
    assert users_format("dotenv", {"SHELL": shell}) == "dotenv"


def test_a_setting_that_names_no_format_is_a_problem_that_names_them() -> None:
    with pytest.raises(Problem, match=r'There is no format "fsh"\. Did you mean "fish"'):
        users_format("fsh", {})


def test_commands_quote_what_is_not_plain() -> None:
    bash, fish = FORMATS["bash"], FORMATS["fish"]
    assert (
        bash.command("ops", "--profile", "it's")
        == """eval "$(iamtui assume ops --profile 'it'\\''s' --format bash)\""""
    )
    assert fish.command("a b", "--demo") == "iamtui assume 'a b' --demo --format fish | source"
