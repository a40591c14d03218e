"""`iamtui info`, `permissions` and `completion`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from iamtui.aws.operations import READ, iam_action
from iamtui.workspace.source.permissions import FEATURES
from tests.support.cli_runner import Cli
from tests.support.external_tools import need


def test_info_says_what_is_in_use_and_where_it_came_from(cli: Cli) -> None:
    cli.monkeypatch.setenv("IAMTUI_CLIPBOARD_SECONDS", "5")
    file = cli.home / "xdg_config_home" / "iamtui" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('theme = "iamtui-light"\nthem = 1\n[keymap]\n"question.ask" = "g"\n')
    result = cli("info", "--json")
    facts = result.json
    assert facts["version"] == "0.1.0"
    assert facts["packages"]["textual"] == "8.2.8"
    assert facts["paths"]["config"] == str(file)
    assert facts["config"]["theme"]["value"] == "iamtui-light"
    assert facts["config"]["theme"]["from"] == "config file"
    assert facts["config"]["clipboard.seconds"]["from"] == "IAMTUI_CLIPBOARD_SECONDS"
    assert facts["config"]["keymap"]["value"] == {"question.ask": "g"}
    assert facts["keys"] == [{"id": "question.ask", "keys": "f5", "does": "Ask"}]
    assert "did you mean theme?" in facts["config_problems"][0]
    assert facts["source"]["screen"]["kind"] is None
    text = cli("info").out
    assert re.search(r"clipboard\.seconds +5 +IAMTUI_CLIPBOARD_SECONDS", text)
    assert re.search(r"clipboard\.secrets_through_terminal +false +default: ", text)
    assert "question.ask              f5                        Ask" in text


def test_info_says_which_source_would_be_used_and_why(cli: Cli) -> None:
    assert cli("info", "--demo", "--json").json["source"]["commands"] == {
        "kind": "demo", "snapshot": None, "profile": None, "region": None, "endpoint_url": None, "why": "--demo",
    }  # fmt: skip
    cli.monkeypatch.setenv("AWS_PROFILE", "prod")
    found = cli("info", "--json").json["source"]["screen"]
    assert (found["kind"], found["profile"], found["why"]) == ("live", "prod", "AWS_PROFILE")


def test_info_of_the_program_lists_the_ids_of_the_real_keys() -> None:
    done = subprocess.run([sys.executable, "-m", "iamtui", "info"], capture_output=True, text=True, check=True)
    for name in ("question.ask", "session.assume", "app.palette", "list.down"):
        assert f"  {name} " in done.stdout


def test_permissions_cover_exactly_the_reads_that_need_one() -> None:
    free = {("sts", "GetCallerIdentity")}
    needed = {iam_action(service, operation) for service, operation in READ.keys() - free}
    given = [action for feature in FEATURES for action in feature.actions]
    assert set(given) == needed
    twice = {action for action in given if given.count(action) > 1}
    # Details, and in place of the inventory; the organization above an account, and all of it.
    assert twice == {"iam:ListRoles", "iam:ListUsers", "organizations:ListRoots"}


def test_permissions_print_a_policy(cli: Cli) -> None:
    result = cli("permissions", "browse")
    assert result.json["Statement"] == [
        {"Sid": "IamtuiBrowse", "Effect": "Allow", "Action": ["iam:GetAccountAuthorizationDetails"], "Resource": "*"}
    ]
    assert "browse: " in result.err
    statements = cli("permissions").json["Statement"]
    assert len({statement["Sid"] for statement in statements}) == len(statements) > len(FEATURES)
    # On every resource it would give the values of API keys too.
    (apis,) = (statement for statement in statements if "apigateway:GET" in statement["Action"])
    assert (apis["Action"], apis["Resource"]) == (["apigateway:GET"], "arn:aws:apigateway:*::/restapis/*")
    cli("permissions", "brows").failed_with("There is no feature brows", "browse, browse-one-by-one, details")


def test_the_policy_of_all_features_has_no_findings_worse_than_a_suggestion(cli: Cli) -> None:
    document = cli("permissions").out
    assert cli("lint", "-", "--fail-on", "warning", stdin=document).code == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_that_the_shell_takes(cli: Cli, tmp_path: Path, shell: str) -> None:
    need(shell)
    file = tmp_path / "completion"
    file.write_text(cli("completion", shell).out)
    subprocess.run([shell, "-n", str(file)], check=True, capture_output=True)
