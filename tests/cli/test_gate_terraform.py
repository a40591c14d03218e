"""The gate against Terraform itself: what it denies, apply is denied; what it allows, apply does.

The account is a moto server that checks identity policies, but knows no conditions and no `?`, and tells letter case
apart. The provider, a few lines of the tests, makes the calls that a resource cannot do without. The plan and the state
are those of Terraform.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli_runner import Cli
from tests.support.external_tools import terraform
from tests.support.moto_server import MotoServer, allow, policy, trust

HEAD = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" { region = "us-east-1" }
"""
TRUST = json.dumps(trust({"AWS": "*"}))
READ = json.dumps(policy(allow("s3:GetObject")))
ROLE = f'resource "aws_iam_role" "r" {{\n  name = "r"\n  assume_role_policy = {TRUST}\n}}\n'
POLICY = f'resource "aws_iam_policy" "p" {{\n  name = "p"\n  policy = {READ}\n}}\n'
CONFIGURATIONS = {
    "queue": 'resource "aws_sqs_queue" "q" {\n  name = "jobs"\n}\n',
    "topic": 'resource "aws_sns_topic" "t" {\n  name = "news"\n}\n',
    "role": ROLE,
    "policy": POLICY,
    "user": 'resource "aws_iam_user" "u" {\n  name = "u"\n}\n',
    "attached": ROLE
    + POLICY
    + 'resource "aws_iam_role_policy_attachment" "a" {\n  role = aws_iam_role.r.id\n'
    + "  policy_arn = aws_iam_policy.p.arn\n}\n",
    "inline": ROLE
    + f'resource "aws_iam_role_policy" "i" {{\n  role = aws_iam_role.r.id\n  name = "in"\n  policy = {READ}\n}}\n',
    "two": 'resource "aws_sqs_queue" "q" {\n  for_each = toset(["a", "b"])\n  name = each.key\n}\n'
    'resource "aws_sns_topic" "t" {\n  count = 2\n  name = "t${count.index}"\n}\n',
}


@dataclass(frozen=True)
class Scenario:
    """A configuration, what its applier is allowed and denied, and the calls that are denied."""

    configuration: str
    allowed: tuple[str, ...]
    denied: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    through: str = "user"


def deny(*actions: str) -> dict[str, Any]:
    return {**allow([*actions]), "Effect": "Deny"}


SCENARIOS = [
    Scenario("queue", ("sqs:CreateQueue",)),
    Scenario("queue", ("sns:*",), refused=("sqs:CreateQueue",)),
    Scenario("attached", ("iam:*",)),
    Scenario("attached", ("iam:CreateRole", "iam:CreatePolicy"), refused=("iam:AttachRolePolicy",)),
    Scenario("queue", ("sqs:*",), denied=("sqs:Create*",), refused=("sqs:CreateQueue",)),
    Scenario("role", ("iam:CreateRole",), through="group"),
    # Further ones, of the same kinds.
    Scenario("queue", ("sqs:Create*",)),
    Scenario("queue", ("*",), denied=("sqs:DeleteQueue",)),
    Scenario("queue", (), refused=("sqs:CreateQueue",)),
    Scenario("topic", ("sns:CreateTopic",)),
    Scenario("topic", ("sns:Publish",), refused=("sns:CreateTopic",)),
    Scenario("topic", ("sns:*", "sqs:*"), denied=("*",), refused=("sns:CreateTopic",)),
    Scenario("topic", ("sns:CreateTopic",), through="managed"),
    Scenario("role", ("iam:CreateUser",), refused=("iam:CreateRole",)),
    Scenario("role", ("iam:Create*",)),
    Scenario("role", ("iam:*",), denied=("iam:CreateRole",), refused=("iam:CreateRole",), through="managed"),
    Scenario("role", ("iam:CreateRole",), through="managed"),
    Scenario("policy", ("iam:CreatePolicy",)),
    Scenario("policy", ("iam:CreatePolicyVersion",), refused=("iam:CreatePolicy",)),
    Scenario("policy", ("iam:*Policy",), through="group"),
    Scenario("user", ("iam:CreateUser",)),
    Scenario("user", ("iam:CreateRole",), refused=("iam:CreateUser",)),
    Scenario("user", ("iam:*User",), denied=("iam:DeleteUser",)),
    Scenario("attached", ("iam:AttachRolePolicy", "iam:CreatePolicy"), refused=("iam:CreateRole",)),
    Scenario("attached", ("iam:CreateRole", "iam:CreatePolicy", "iam:AttachRolePolicy"), through="group"),
    Scenario("attached", ("iam:*",), denied=("iam:Attach*",), refused=("iam:AttachRolePolicy",)),
    Scenario("inline", ("iam:CreateRole", "iam:PutRolePolicy")),
    Scenario("inline", ("iam:CreateRole",), refused=("iam:PutRolePolicy",)),
    Scenario("inline", ("iam:*",), denied=("iam:PutUserPolicy",)),
    Scenario("two", ("sqs:CreateQueue", "sns:CreateTopic")),
    Scenario("two", ("sqs:CreateQueue",), refused=("sns:CreateTopic",)),
    Scenario("two", ("sns:CreateTopic",), refused=("sqs:CreateQueue",), through="managed"),
]
QUICK = 6
"""Scenarios that every run of the slow tests has; the others are among the long ones."""


@dataclass(frozen=True)
class Terraform:
    """Terraform in a folder of its own, with the provider of the tests."""

    programs: Path
    folder: Path
    endpoint: str

    def run(self, *words: str, keys: tuple[str, str] = ("test", "test")) -> subprocess.CompletedProcess[str]:
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder.parent),
            "TF_CLI_CONFIG_FILE": str(self.folder.parent / "terraform.rc"),
            "TEST_ENDPOINT": self.endpoint,
            "AWS_ACCESS_KEY_ID": keys[0],
            "AWS_SECRET_ACCESS_KEY": keys[1],
            "CHECKPOINT_DISABLE": "1",
        }
        program = [str(self.programs / "terraform"), *words]
        return subprocess.run(
            program, cwd=self.folder, env=environ, capture_output=True, text=True, check=False, timeout=120
        )

    def plan(self, configuration: str) -> Path:
        (self.folder / "main.tf").write_text(HEAD + configuration)
        made = self.run("plan", "-out", "tf.plan", "-input=false", "-no-color")
        assert made.returncode == 0, made.stdout + made.stderr
        shown = self.run("show", "-json", "tf.plan")
        assert shown.returncode == 0, shown.stderr
        (self.folder / "plan.json").write_text(shown.stdout)
        return self.folder / "plan.json"


@pytest.fixture
def tool(moto: MotoServer, tmp_path: Path) -> Terraform:
    programs = terraform()
    provider = tmp_path / "provider" / "terraform-provider-aws"
    provider.parent.mkdir()
    source = Path(__file__).parents[1] / "support" / "terraform_provider.py"
    provider.write_text(f'#!/bin/sh\nexec "{programs / "python"}" "{source}" "$@"\n')
    provider.chmod(0o755)
    overrides = (
        f'provider_installation {{\n  dev_overrides {{ "hashicorp/aws" = "{provider.parent}" }}\n  direct {{}}\n}}\n'
    )
    (tmp_path / "terraform.rc").write_text(overrides)
    (tmp_path / "work").mkdir()
    return Terraform(programs, tmp_path / "work", moto.url)


def applier(moto: MotoServer, scenario: Scenario) -> tuple[str, str]:
    """The access key of a user with the policies of a scenario."""
    iam = moto.client("iam")
    iam.create_user(UserName="applier")
    statements = [
        *([allow([*scenario.allowed])] if scenario.allowed else []),
        *([deny(*scenario.denied)] if scenario.denied else []),
    ]
    if statements and scenario.through == "group":
        iam.create_group(GroupName="appliers")
        iam.put_group_policy(GroupName="appliers", PolicyName="own", PolicyDocument=policy(*statements))
        iam.add_user_to_group(GroupName="appliers", UserName="applier")
    elif statements and scenario.through == "managed":
        arn = iam.create_policy(PolicyName="apply", PolicyDocument=policy(*statements))["Policy"]["Arn"]
        iam.attach_user_policy(UserName="applier", PolicyArn=arn)
    elif statements:
        iam.put_user_policy(UserName="applier", PolicyName="own", PolicyDocument=policy(*statements))
    key = iam.create_access_key(UserName="applier")["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "scenario",
    [pytest.param(one, marks=[] if place < QUICK else pytest.mark.long) for place, one in enumerate(SCENARIOS)],
    ids=[f"{place}-{one.configuration}" for place, one in enumerate(SCENARIOS)],
)
def test_apply_does_what_the_gate_allows_and_is_denied_what_it_denies(
    scenario: Scenario, tool: Terraform, moto: MotoServer, cli: Cli
) -> None:
    keys = applier(moto, scenario)
    plan = tool.plan(CONFIGURATIONS[scenario.configuration])
    options = ("--as", "user/applier", "--only", "apply", "--fail-on", "denied", "-o", "json")
    judged = cli("gate", str(plan), "--endpoint-url", moto.url, *options)
    calls = judged.json["apply"]["certain"]
    assert {one["action"] for one in calls if one["verdict"] == "denied"} == set(scenario.refused)
    assert all(one["verdict"] in ("denied", "allowed", "allowed as loaded") for one in calls)
    assert judged.json["apply"]["not_mapped"] == {}
    assert judged.code == (1 if scenario.refused else 0)
    moto.enforce_policies()
    applied = tool.run("apply", "-input=false", "-no-color", "tf.plan", keys=keys)
    said = " ".join((applied.stdout + applied.stderr).replace("│", " ").split())
    assert (applied.returncode != 0) is bool(scenario.refused), said
    for action in scenario.refused:
        assert f"not authorized to perform: {action}" in said
    assert said.count("not authorized to perform") >= len(scenario.refused)
