"""Reference commands: what assumes the same role again, quoted, and what it costs."""

from __future__ import annotations

import shlex

import pytest

from iamtui.cli.assume import assume
from iamtui.credentials.assume_role import AssumeRoleInput
from iamtui.credentials.export import FORMATS
from iamtui.credentials.session import AssumeExtras
from iamtui.workspace.source.reference_commands import Provenance, Reference, format_reference, references
from iamtui.workspace.source.workspace import SourceInfo, SourceKind
from tests.support.panel_sessions import session

ARN = "arn:aws:iam::123456789012:role/deploy-prod"
HELD = session(source_arn="arn:aws:iam::123456789012:user/iamtui-alice")
DEMO = Provenance(SourceInfo(SourceKind.DEMO, "DEMO", region="eu-west-1"))
LIVE = Provenance(
    SourceInfo(SourceKind.LIVE, "my prod", region="eu-west-1", profile="my prod", endpoint_url="http://127.0.0.1:5000"),
    AssumeRoleInput(
        ARN,
        "iamtui-alice",
        7200,
        external_id="ext 1",
        mfa_serial="arn:aws:iam::123456789012:mfa/alice",
        extras=AssumeExtras(
            '{"Version": "2012-10-17"}', ("arn:aws:iam::aws:policy/ReadOnlyAccess",), (("a", "b c"),), ("a",), "al"
        ),
    ),
    via=("arn:aws:iam::1:role/hop",),
)


def by_key(found: tuple[Reference, ...]) -> dict[str, Reference]:
    return {reference.key: reference for reference in found}


def test_the_users_shell_comes_first() -> None:
    found = references(HELD, DEMO, "fish")
    assert [reference.key for reference in found] == ["shell", "exec", "serve", "process"]
    assert found[0].command == f"iamtui assume {ARN} --demo --format fish | source"
    assert references(HELD, DEMO, "bash")[0].command == f'eval "$(iamtui assume {ARN} --demo --format bash)"'


def test_what_each_use_costs_is_said_with_the_better_way() -> None:
    found = by_key(references(HELD, DEMO, "bash"))
    assert found["process"].command == f"credential_process = iamtui assume {ARN} --demo --format json"
    assert "One STS call and one MFA prompt for every program" in found["process"].note
    assert "iamtui serve asks once" in found["process"].note
    assert found["exec"].command == f"iamtui exec {ARN} --demo -- COMMAND"
    assert found["serve"].command == f"iamtui serve {ARN} --demo -- COMMAND"


def test_the_command_assumes_as_the_session_was_assumed() -> None:
    """The words are read by the command line's own parser."""
    command = format_reference(HELD, LIVE, "json").command
    words = shlex.split(command.removeprefix("credential_process = "))
    assert words[:2] == ["iamtui", "assume"]
    given = assume.make_context("assume", words[2:]).params
    assert given["role"] == ARN
    assert {name: given[name] for name in ("profile", "region", "endpoint_url", "duration", "external_id")} == {
        "profile": ("my prod",), "region": "eu-west-1", "endpoint_url": "http://127.0.0.1:5000", "duration": 7200,
        "external_id": "ext 1",
    }  # fmt: skip
    assert given["mfa_serial"] == "arn:aws:iam::123456789012:mfa/alice"
    assert given["policy_arn"] == ("arn:aws:iam::aws:policy/ReadOnlyAccess",)
    assert (given["tag"], given["transitive"], given["source_identity"]) == (("a=b c",), ("a",), "al")
    assert given["via"] == ("arn:aws:iam::1:role/hop",)
    assert given["session_name"] is None
    notes = [format_reference(HELD, LIVE, "bash").note, *(one.note for one in references(HELD, LIVE, "bash"))]
    assert all("inline session policy is not in it" in note for note in notes)
    assert all("holds the external id, which every user of this machine can read" in note for note in notes)


def test_another_name_than_the_callers_is_in_the_command() -> None:
    other = session(source_arn="arn:aws:iam::123456789012:user/bob")
    assert "--session-name iamtui-alice" in format_reference(other, LIVE, "bash").command


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_a_command_or_says_why_not(name: str) -> None:
    found = format_reference(HELD, LIVE, name)
    if name == "cmd":
        assert found.command == ""
        assert "cannot be named in a command for cmd" in found.note
    else:
        assert "iamtui " in found.command
        assert ARN in found.command
    assert format_reference(HELD, DEMO, name).command
