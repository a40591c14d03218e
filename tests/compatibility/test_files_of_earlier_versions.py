"""Files that version 0.1.0 wrote are opened unchanged: they belong to users, pipelines and repositories.

Everything goes through the command line, so that the rooms behind it can move.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iamtui.config import load_config
from tests.support.cli_runner import Cli

DATA = Path(__file__).parent / "data"
SNAPSHOT = ("--snapshot", str(DATA / "snapshot.json"))
EDITS = (
    "AttachPolicy", "DetachPolicy", "PutInlinePolicy", "DeleteInlinePolicy", "PutManagedPolicy", "AddUserToGroup",
    "RemoveUserFromGroup", "PutPermissionsBoundary", "DeletePermissionsBoundary", "UpdateTrustPolicy",
    "PutOrganizationPolicy", "DetachOrganizationPolicy", "PutResourcePolicy", "DeleteResourcePolicy",
)  # fmt: skip


def test_a_snapshot(cli: Cli) -> None:
    users = cli("list", "users", "--json", *SNAPSHOT).json
    assert [user["name"] for user in users] == ["alice", "bob", "carol", "ci-deploy"]
    assert set(users[0]) >= {"kind", "name", "arn", "id", "path", "created", "last_used", "tags"}


def test_a_draft_with_every_kind_of_edit(cli: Cli) -> None:
    draft = str(DATA / "draft.json")
    written = json.loads((DATA / "draft.json").read_text())
    assert [edit["edit"] for edit in written["edits"]] == list(EDITS)
    assert cli("draft", "check", draft, *SNAPSHOT).code == 0
    for form in ("cli", "terraform", "diff"):
        assert cli("draft", "export", draft, "-o", form, *SNAPSHOT).out
    assert cli("can", "carol", "s3:GetObject", "--on", "arn:aws:s3:::b/k", "--draft", draft, *SNAPSHOT).code == 0


def test_saved_questions(cli: Cli) -> None:
    file = str(DATA / "questions.json")
    listed = cli("questions", "list", "--questions", file, "--json").json
    assert [saved["name"] for saved in listed] == ["bob reads the lake", "deploy starts servers"]
    assert cli("questions", "run", "bob reads the lake", "--questions", file, *SNAPSHOT).code == 0


@pytest.mark.parametrize("lines", [True, False], ids=["json lines", "array"])
def test_scenarios(cli: Cli, tmp_path: Path, lines: bool) -> None:
    file = DATA / "scenarios.jsonl"
    if not lines:
        file = tmp_path / "scenarios.json"
        file.write_text(json.dumps([json.loads(line) for line in (DATA / "scenarios.jsonl").read_text().splitlines()]))
    result = cli("simulate", str(file), "--json")
    assert result.code == 0
    decisions = result.json_lines if lines else result.json
    assert [decision["decision"] for decision in decisions] == ["allowed", "explicitDeny"]
    for decision in decisions:
        assert set(decision) >= {
            "id", "request", "decision", "layers", "blocked_by", "reasons", "matched", "resource_scope",
            "allowed_resources", "denied_resources", "depends_on", "missing_context", "assumptions",
            "derived_context", "notes",
        }  # fmt: skip


def test_a_config() -> None:
    config, problems = load_config(DATA / "config.toml", {})
    assert problems == ()
    assert (config.theme, config.production, config.keymap) == ("iamtui-light", "prod|live", {"copy.arn": "ctrl+y"})
    assert (config.clipboard.seconds, config.clipboard.local_over_ssh) == (20, True)
    assert (config.question.mode, config.source.region, config.export.format) == ("strict", "eu-west-1", "fish")
    assert (config.assume.seconds, config.assume.mfa_seconds, config.lock.idle_minutes) == (1800, 7200, 10)
