"""The public Python API: its examples, that it answers as the command line, and that its names stay."""

from __future__ import annotations

import dataclasses
import doctest
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from iamtui import api
from tests.support.cli_runner import Cli, cli

__all__ = ["cli"]

ROOT = Path(__file__).parent.parent
SNAPSHOT = ROOT / "tests" / "compatibility" / "data" / "snapshot.json"
PAGE = (ROOT / "docs" / "python-api.md").read_text(encoding="utf-8")
LAKE = "arn:aws:s3:::puffin-data-lake/raw/x"
SCENARIOS = ROOT / "tests" / "compatibility" / "data" / "scenarios.jsonl"


@pytest.fixture(scope="module")
def demo() -> api.OpenedAccount:
    return api.open_demo()


def test_the_examples_of_the_module_are_true() -> None:
    found = doctest.testmod(api)
    assert found.attempted > 10
    assert found.failed == 0


@pytest.mark.slow
def test_the_pytest_example_of_the_page_passes_and_can_fail(tmp_path: Path) -> None:
    text = next(text for text in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "def test_" in text)
    (tmp_path / "account.json").write_bytes(SNAPSHOT.read_bytes())
    (tmp_path / "test_iam.py").write_text(text)

    def outcome() -> str:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_iam.py"]
        environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
        return subprocess.run(
            command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False, timeout=120
        ).stdout

    tests = text.count("def test_")
    assert f"{tests} passed" in outcome()
    changed = json.loads(SNAPSHOT.read_text())
    for role in changed["RoleDetailList"]:
        role["AttachedManagedPolicies"] = []
        role["RolePolicyList"] = []
    (tmp_path / "account.json").write_text(json.dumps(changed))
    assert "failed" in outcome()


@pytest.mark.parametrize("strict", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["discover", "strict"])
def test_it_answers_as_the_command_line(cli: Cli, demo: api.OpenedAccount, strict: bool) -> None:
    options = ["--strict"] if strict else []
    listed = cli("who-can", "s3:GetObject", "--on", LAKE, "--all", "-o", "jsonl", "--demo", *options).json_lines
    printed = {one["request"]["principal"]: (one["deciding"], one["blocked_by"]) for one in listed}
    found = demo.who_can("s3:GetObject", LAKE, strict=strict)
    assert len(printed) == found.asked
    assert found.principals == {name for name, (decided, _) in printed.items() if decided in ("allowed", "depends")}
    for name, (decided, blocked) in printed.items():
        verdict = demo.ask(name, "s3:GetObject", LAKE, strict=strict)
        assert (verdict.decision, list(verdict.blocked_by)) == (decided, blocked)


def test_scenarios_are_decided_as_by_simulate() -> None:
    for line in SCENARIOS.read_text().splitlines():
        found = api.simulate(json.loads(line))
        assert found.met is (True if found.expect else None)
    wrong = json.loads(SCENARIOS.read_text().splitlines()[0])
    wrong["expect"] = "explicitDeny" if wrong.get("expect") != "explicitDeny" else "allowed"
    assert api.simulate(wrong).met is False


def test_what_aws_never_asks_is_neither_allowed_nor_denied(demo: api.OpenedAccount) -> None:
    verdict = demo.ask("deploy-prod", "s3:ListBucket", LAKE)
    assert (verdict.allowed, verdict.denied) == (False, False)
    assert "s3:ListBucket is about" in verdict.never_asked
    assert verdict.never_asked in demo.who_can("s3:ListBucket", LAKE).gaps


def test_what_holds_for_some_resources_is_not_allowed() -> None:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::site/public/*"}
    request = {"principal": "arn:aws:iam::111122223333:role/r", "action": "s3:GetObject"}
    policies = [{"name": "p", "document": {"Statement": [statement]}}]

    def asked(resource: str) -> api.Verdict:
        return api.simulate({"request": {**request, "resource": resource}, "identity_policies": policies}).verdict

    assert (asked("arn:aws:s3:::site/*").allowed, asked("arn:aws:s3:::site/*").on_some) == (False, True)
    assert asked("arn:aws:s3:::site/public/x").allowed


def test_what_is_not_loaded_is_said() -> None:
    account = api.open_snapshot(SNAPSHOT)
    assert account.ask("carol", "iam:ListUsers").complete
    assert not account.ask(
        "carol", "s3:GetObject", "arn:aws:s3:::b/k"
    ).complete  # the bucket's policy is not in the file


def test_what_only_the_sdk_knows_is_not_allowed(demo: api.OpenedAccount) -> None:
    found = demo.ask("astrid.nilsen", "sts:GetScopedCredentials")
    assert (found.decision, found.allowed, found.denied) == ("depends", False, False)
    assert {one.decision for one in demo.who_can("sts:GetScopedCredentials").verdicts} == {"depends"}


def test_a_context_is_read_as_that_of_the_command_line(demo: api.OpenedAccount) -> None:
    given = demo.ask("amara.diallo", "s3:GetObject", LAKE, context={"aws:MultiFactorAuthPresent": True})
    assert "aws:MultiFactorAuthPresent" not in given.missing_keys
    with pytest.raises(api.Problem, match="aws:SourceIp takes an IP address"):
        demo.ask("amara.diallo", "s3:GetObject", LAKE, context={"aws:SourceIp": "here"})
    with pytest.raises(api.Problem, match="twice"):
        demo.ask("amara.diallo", "s3:GetObject", LAKE, context={"aws:SourceIp": None, "AWS:sourceip": None})


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda demo: demo.ask("deploy-prd", "s3:GetObject"), "Nearest: role/deploy-prod"),
        (lambda demo: demo.ask("deploy-prod", "s3:Get*"), "is a pattern of actions"),
        (lambda demo: demo.ask("deploy-prod", "s3:GetObjekt"), "AWS has no action s3:GetObjekt.*Nearest: s3:GetObject"),
        (lambda demo: demo.who_can("s3:GetObjekt"), "AWS has no action s3:GetObjekt.*Nearest: s3:GetObject"),
        (lambda demo: demo.ask("deploy-prod", "s3:GetObject", "bucket"), "is not a resource"),
        (lambda demo: demo.ask("deploy-prod", "s3:GetObject", resource_account="12"), "is not an account ID"),
        (lambda demo: demo.ask("deploy-prod", "s3:GetObject", session_policies=["{"]), "is not a policy document"),
        (lambda _: api.simulate({"request": {}}), r"\$\.request\.principal: missing"),
        (lambda _: api.lint({}, kind="policy"), "is not a kind of policy"),
        (lambda _: api.lint({}, account="x"), "is not an account ID"),
        (lambda _: api.open_snapshot("nowhere.json"), "does not exist"),
    ],
)
def test_bad_input_is_a_problem_with_one_sentence(demo: api.OpenedAccount, call: Any, words: str) -> None:
    with pytest.raises(api.Problem, match=words) as raised:
        call(demo)
    assert raised.value.next_step or words.startswith(r"\$")


def test_a_verdict_is_not_true_by_itself(demo: api.OpenedAccount) -> None:
    with pytest.raises(TypeError, match=r"look at its fields, such as \.allowed"):
        assert demo.ask("amara.diallo", "s3:GetObject", LAKE)
    with pytest.raises(TypeError):
        bool(demo.who_can("s3:GetObject", LAKE))


def test_an_explained_message_has_the_verdict_and_what_would_help(demo: api.OpenedAccount) -> None:
    message = (
        "User: arn:aws:sts::111122223333:assumed-role/analytics-lake-reader/etl is not authorized to perform: "
        'sns:Publish on resource: "arn:aws:sns:eu-west-1:111122223333:orders" because no identity-based policy allows '
        "the sns:Publish action"
    )
    (found,) = demo.explain(message)
    assert found.agreement == "agrees"
    assert found.explained
    assert found.verdict is not None
    assert found.verdict.denied
    assert found.suggestions
    assert demo.explain("nothing of the kind") == ()


def test_no_denial_of_a_text_is_passed_over(demo: api.OpenedAccount) -> None:
    log = "\n".join(
        f"User: arn:aws:iam::111122223333:user/u{number} is not authorized to perform: s3:GetObject on resource: "
        f'"arn:aws:s3:::b/{number}"'
        for number in range(2_001)
    )
    with pytest.raises(api.Problem, match="holds 1 more denials"):
        demo.explain(log)


def test_it_brings_in_neither_a_door_nor_boto3() -> None:
    code = "import sys, iamtui.api; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {name.partition(".")[0] for name in loaded}.isdisjoint(
        {"textual", "rich", "click", "boto3", "botocore", "moto"}
    )


def test_it_is_typed() -> None:
    assert (ROOT / "iamtui" / "py.typed").exists()
    assert "Typing :: Typed" in (ROOT / "pyproject.toml").read_text()


PUBLIC = json.loads((ROOT / "tests" / "compatibility" / "data" / "public_api.json").read_text())


def surface() -> dict[str, list[str]]:
    """Every public name with its parameters or fields, in their order."""
    found: dict[str, list[str]] = {}
    for name in api.__all__:
        one = getattr(api, name)
        if dataclasses.is_dataclass(one):
            found[name] = [field.name for field in dataclasses.fields(one)]
        elif inspect.isfunction(one):
            found[name] = list(inspect.signature(one).parameters)
        elif one is not api.Problem:
            for method, value in vars(one).items():
                if not method.startswith("_"):
                    called = list(inspect.signature(value).parameters)[1:] if inspect.isfunction(value) else []
                    found[f"{name}.{method}"] = called
    return found


def test_names_parameters_and_fields_stay() -> None:
    """What is added is added to the file; what is there may only go with a new major version."""
    assert surface() == PUBLIC


def test_the_page_names_everything_that_is_public() -> None:
    for name in api.__all__:
        assert re.search(rf"\b{name}\b", PAGE), name
