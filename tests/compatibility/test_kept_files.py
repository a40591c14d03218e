"""Every kind of file that users keep is read as what it holds: the files in `kept/`, which `write_kept.py` has made."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from iamtui import paths
from iamtui.account.authorization_details import load_account
from iamtui.account.model import Known
from iamtui.account.snapshot_writer import snapshot_of
from iamtui.aws.credential_process import CredentialCommand
from iamtui.config import load_config
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.tui import themes
from iamtui.tui.app import IamtuiApp
from iamtui.tui.main.inventory import key_of
from iamtui.workspace.ask.saved_questions import QuestionStore
from iamtui.workspace.assume.remembered_assume_input import remembered_input
from iamtui.workspace.source import opening
from iamtui.workspace.source.credential_commands import is_confirmed
from iamtui.workspace.source.opening import kept_account
from iamtui.workspace.source.workspace import SourceChoice, SourceInfo, SourceKind, Workspace
from tests.support.cli_runner import Cli
from tests.support.external_tools import optional_module
from tests.support.panel_apps import until
from tests.support.screen_app import opened
from tests.support.snapshot_builder import ID, iam

KEPT = Path(__file__).parent / "kept"
SNAPSHOT = ("--snapshot", str(KEPT / "snapshot.json"))
READ_AT = datetime(2026, 11, 24, 9, tzinfo=UTC)
ALICE, BOB, DEPLOY = iam("user/staff/alice"), iam("user/bob"), iam("role/ci/deploy")
OBJECT = "arn:aws:s3:::plain/k"
ON = ("--on", OBJECT)
ASKED = QuestionMatrix(("s3:GetObject",), (OBJECT,), Question("", "*"))


def put(name: str, place: Path) -> None:
    """A kept file where a user has it, as private as it was written: a checkout does not keep that."""
    paths.make_private_folder(place.parent)
    shutil.copyfile(KEPT / name, place)
    place.chmod(0o600)


@pytest.fixture
def workspace() -> Workspace:
    account = load_account((KEPT / "snapshot.json").read_bytes())
    return Workspace(account, SourceInfo(SourceKind.SNAPSHOT, "acme.json", taken_at=account.taken_at))


def test_a_snapshot_gives_its_answers(cli: Cli) -> None:
    who = cli("who-can", "s3:GetObject", *ON, "-o", "jsonl", *SNAPSHOT).json_lines
    assert [one["request"]["principal"] for one in who] == [ALICE, BOB]
    by = cli("can", DEPLOY, "s3:PutObject", "--on", "arn:aws:s3:::b/k", "-o", "jsonl", *SNAPSHOT).json
    assert (by["decision"], by["blocked_by"]) == ("implicitDeny", ["boundary"])


def test_a_snapshot_is_written_again_as_it_was(workspace: Workspace) -> None:
    written = json.loads((KEPT / "snapshot.json").read_text())
    assert json.loads(json.dumps(snapshot_of(workspace.account))) == written


def test_a_draft_changes_the_answers(cli: Cli) -> None:
    draft = str(KEPT / "draft.json")
    changed = {}
    for action in ("s3:GetObject", "s3:PutObject"):
        before = cli("can", BOB, action, *ON, "-o", "jsonl", *SNAPSHOT).json
        after = cli("can", BOB, action, *ON, "--draft", draft, "-o", "jsonl", *SNAPSHOT).json
        changed[action] = (before["decision"], after["decision"])
    assert changed == {"s3:GetObject": ("allowed", "implicitDeny"), "s3:PutObject": ("implicitDeny", "allowed")}
    lines = cli("draft", "export", draft, "-o", "cli", *SNAPSHOT).out
    for command in ("detach-user-policy", "put-user-policy", "create-role", "delete-role", "delete-login-profile"):
        assert f"iam {command}" in lines


def test_scenarios_have_their_decisions(cli: Cli) -> None:
    result = cli("simulate", KEPT / "scenarios.jsonl", "--json")
    assert result.code == 0
    assert [(one["id"], one["decision"]) for one in result.json_lines] == [
        ("allowed", "allowed"),
        ("everything", "explicitDeny"),
    ]


def test_saved_questions_and_proofs_are_met(cli: Cli) -> None:
    found = cli("questions", "run", "--questions", KEPT / "questions.json", "--json", *SNAPSHOT)
    assert found.code == 0, found
    assert [(one["name"], one["met"]) for one in found.json] == [
        ("alice reads", True),
        ("bob cannot write", True),
        ("bob makes no user", True),
    ]
    assert found.json[1]["decision"] == "implicitDeny"
    assert found.json[1]["worst"]["request"]["context"] == {"aws:SourceIp": "203.0.113.9"}


def test_the_history_of_questions_is_offered(cli: Cli) -> None:
    put("questions.json", paths.data_folder() / "questions.json")
    (entry,) = QuestionStore(ID).history()
    assert (entry.question_matrix.actions, entry.question_matrix.resources) == (ASKED.actions, ASKED.resources)
    assert cli("questions", "list", "--json").json[0]["name"] == "alice reads"


def test_every_setting_of_a_config_is_in_use(cli: Cli) -> None:
    config, problems = load_config(KEPT / "config.toml", {})
    assert problems == ()
    assert (config.theme, config.production, config.keymap) == ("iamtui-light", "prod|live", {"copy.arn": "ctrl+y"})
    assert config.clipboard.seconds == 20
    assert (config.clipboard.command, config.clipboard.local_over_ssh) == ("wl-copy --sensitive", True)
    assert config.clipboard.secrets_through_terminal
    assert (config.question.mode, config.source.profile, config.source.region) == ("strict", "work", "eu-west-1")
    assert config.organization.profile == "management"
    assert config.organization.role == "arn:aws:iam::999999999999:role/OrganizationReader"
    assert (config.assume.seconds, config.assume.mfa_seconds, config.export.format) == (1800, 7200, "fish")
    assert config.lock.idle_minutes == 10
    put("config.toml", paths.config_file())
    shown = cli("config", "show", "--json").json
    assert [name for name, one in shown.items() if one["value"] == one["default"]] == []


def test_a_theme_has_its_colours() -> None:
    theme, problems = themes.read_theme(KEPT / "theme.toml")
    assert problems == []
    assert theme is not None
    assert (theme.name, theme.dark, theme.primary) == ("acme", False, "#123456")
    assert (theme.luminosity_spread, theme.text_alpha, theme.surface) == (0.2, 0.9, "#221d29")
    assert theme.variables["verdict-denied"] == "#654321"
    assert theme.variables["block-cursor-text-style"] == "none"
    assert set(themes.FALLBACK_VARIABLES) <= set(theme.variables)


@pytest.mark.screen
async def test_the_screen_begins_where_its_state_says(workspace: Workspace) -> None:
    put("screen.json", paths.screen_state())
    choice = SourceChoice(SourceKind.SNAPSHOT, snapshot=Path("acme.json"))
    app = IamtuiApp(choice, opener=lambda *_: workspace)
    async with opened(app) as pilot:
        await until(pilot, lambda: app.main.question.whole_answer is not None)
        assert app.main.explorer.node is not None
        assert key_of(app.main.explorer.node) == DEPLOY
        assert app.main.subject.tab == "policies"
        assert app.main.subject.table.sorts == {"roles": ("created", True)}
        assert app.main.browsing.bookmarks == [BOB]
        assert app.theme == "iamtui-dusk"
        matrix = app.main.question.question_matrix
        assert matrix is not None
        assert (matrix.actions, matrix.resources) == (ASKED.actions, ASKED.resources)
        app.exit()


def test_the_cache_of_this_version_has_the_account(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache is only read by the version that wrote it; while the form has its number, that version could be ours."""
    (file,) = (KEPT / "accounts").iterdir()
    put(f"accounts/{file.name}", paths.accounts_folder() / file.name)
    monkeypatch.setattr(opening, "__version__", "0.1.0")
    found = kept_account(ID, ALICE, "")
    assert found is not None
    assert (found.taken_at, found.caller_arn) == (READ_AT, Known(ALICE))
    assert snapshot_of(found) == snapshot_of(workspace.account)


def test_kept_requests_are_replayed(cli: Cli) -> None:
    assert optional_module("pyarrow")
    found = cli("replay", KEPT / "requests.parquet", "--json", *SNAPSHOT).json
    assert (found["events"], found["requests"]) == (4, 3)
    assert found["verdicts"] == {
        "agrees": {"requests": 2, "events": 3},
        "differs": {"requests": 1, "events": 1},
        "open": {"requests": 0, "events": 0},
    }
    (group,) = found["groups"]
    assert (group["caller"], group["action"], group["resources"]) == (DEPLOY, "s3:DeleteObject", ["arn:aws:s3:::b/k"])
    assert (group["first"], group["sessions"]) == ("2026-10-04T10:00:00Z", ["release"])


def test_a_store_of_an_organization_answers_for_each_account(cli: Cli) -> None:
    store = ("--store", KEPT / "organization")
    found = cli("org", "ask", *store, "--who-can", "s3:GetObject", *ON, "-o", "jsonl")
    lines = [(one["date"], one["account"], one["subject"], one["verdict"]) for one in found.json_lines]
    other = "444455556666"
    assert lines == [
        ("2026-11-24", account, arn.replace(ID, account), "allowed") for account in (ID, other) for arn in (ALICE, BOB)
    ]
    assert found.code == 3
    assert "777788889999 (lost)" in found.err
    assert "AWS denied sts:AssumeRole." in found.err


def test_what_was_entered_to_assume_a_role_is_offered(cli: Cli, workspace: Workspace) -> None:
    put("assume.json", cli.home / "xdg_data_home" / "iamtui" / "assume.json")
    found = remembered_input(workspace, DEPLOY)
    assert found is not None
    assert (found.session_name, found.duration_seconds, found.mfa_serial) == ("release", 1800, iam("mfa/alice"))
    assert (found.extras.tags, found.extras.transitive_tag_keys) == ((("stage", "prod"),), ("stage",))
    assert found.extras.source_identity == "alice"
    assert (found.external_id, found.mfa_code) == ("", None)


def test_only_the_command_that_was_confirmed_is(cli: Cli) -> None:
    put("commands.json", cli.home / "xdg_data_home" / "iamtui" / "commands.json")
    assert is_confirmed(CredentialCommand("work", "/opt/bin/credentials --account work", "/"))
    assert not is_confirmed(CredentialCommand("work", "/opt/bin/credentials --account other", "/"))


def test_suppressions_cover_their_findings(cli: Cli) -> None:
    found = cli("audit", "--suppressions", KEPT / "audit.toml", "-o", "jsonl", *SNAPSHOT).json_lines
    inline = {one["subject"]: one["suppressed"] for one in found if one["code"] == "inline-policy"}
    assert inline[iam("group/teams/devs")] == "shared on purpose"
    assert inline[DEPLOY] is None


def test_nothing_kept_names_a_machine() -> None:
    for file in KEPT.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert not [word for word in (b"/tmp/", b"/root/", b"/home/", b"/Users/") if word in data], file
