"""What a child gets and what is taken away from it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.credentials import variables
from iamtui.credentials.child_process import SESSION_MARK, child_environment, endpoint_environment, session_mark
from iamtui.problem import Problem
from iamtui.secret import Secret
from tests.credentials.test_formats import EXPECTED, SESSION, START

OLD = {
    **dict.fromkeys(variables.ALL, "old"),
    "AWS_BEARER_TOKEN_BEDROCK": "old",
    "AWS_REGION": "old-region",
    "IAMTUI_SESSION": "old",
    "PATH": "/bin",
    "AWS_CA_BUNDLE": "/ca",
    "AWS_MAX_ATTEMPTS": "9",
}
KEPT = {"PATH": "/bin", "AWS_CA_BUNDLE": "/ca", "AWS_MAX_ATTEMPTS": "9"}


def test_a_child_gets_the_session_and_nothing_older() -> None:
    assert child_environment(SESSION, OLD, now=START).reveal() == {
        **KEPT,
        **EXPECTED,
        "IAMTUI_SESSION": "Deployer@123456789012",
    }
    assert OLD["AWS_PROFILE"] == "old", "the given environment is not changed"


def test_without_a_region_the_childs_own_stays() -> None:
    assert child_environment(SESSION, OLD, with_region=False, now=START).reveal()["AWS_REGION"] == "old-region"
    assert child_environment(replace(SESSION, region=""), OLD, now=START).reveal()["AWS_REGION"] == "old-region"


def test_an_account_that_is_not_known_is_not_left_from_before() -> None:
    assert variables.ACCOUNT_ID not in child_environment(replace(SESSION, identity=None), OLD, now=START).reveal()


def test_an_expired_session_starts_nothing() -> None:
    with pytest.raises(Problem, match="has expired"):
        child_environment(SESSION, OLD, now=SESSION.expires_at)


def test_a_child_of_the_endpoint_holds_no_credentials() -> None:
    wanted = ((variables.CONTAINER_URI, Secret("http://127.0.0.1:1/x")), (variables.CONTAINER_TOKEN, Secret("token")))
    environ = endpoint_environment(wanted, OLD, session=SESSION)
    assert environ.reveal() == {
        **KEPT,
        "AWS_REGION": "old-region",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/x",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "token",
        "IAMTUI_SESSION": "Deployer@123456789012",
    }
    assert "token" not in repr(environ)
    hidden = endpoint_environment((), OLD, session=SESSION, hide_default_profile=True).reveal()
    assert hidden["AWS_SHARED_CREDENTIALS_FILE"] == hidden["AWS_CONFIG_FILE"] == "/dev/null"


def test_credentials_that_are_not_of_aws_come_with_their_endpoint() -> None:
    emulated = replace(SESSION, endpoint_url="http://127.0.0.1:4566")
    mine = {"AWS_ENDPOINT_URL": "https://mine.example", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
    expected = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"}
    for child in (child_environment(emulated, mine, now=START), endpoint_environment((), mine, session=emulated)):
        assert expected.items() <= child.reveal().items()
    within = child_environment(emulated, {}, now=START).reveal()
    for child in (child_environment(SESSION, within, now=START), endpoint_environment((), within, session=SESSION)):
        assert not expected.keys() & child.reveal().keys(), "keys of AWS do not go to the emulator"
    assert mine.items() <= child_environment(SESSION, mine, now=START).reveal().items(), "what the user set stays"


@given(st.text(max_size=40))
def test_no_prompt_expands_the_mark(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_+=,.@-]*", session_mark(replace(SESSION, role_arn=f"a:b:c:d:1:role/{name}")))
    assert session_mark(replace(SESSION, role_arn="nonsense")) == "nonsense@"
    assert SESSION_MARK == "IAMTUI_SESSION"
