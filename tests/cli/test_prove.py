"""`iamtui prove`."""

from __future__ import annotations

import pytest

from tests.support.cli_runner import Cli


def test_never_is_proved(cli: Cli) -> None:
    result = cli("prove", "never", "intern.tove.dahl", "iam:CreateUser", "iam:AttachUserPolicy", "--demo")
    assert result.code == 0
    assert (
        result.out == "[x] Proved: the principal can never do iam:CreateUser, iam:AttachUserPolicy, in any context.\n"
    )


def test_never_is_not_so(cli: Cli) -> None:
    result = cli("prove", "never", "user/*", "iam:CreateUser", "--demo")
    assert result.code == 1
    assert result.out.startswith("[ ] Not so: user/admin/astrid.nilsen can call iam:CreateUser on arn:aws:iam::")
    assert "allowed by AdministratorAccess / statement 1" in result.out
    command = result.out.rsplit("Ask for its trace: ", 1)[1].split()
    assert cli(*command[1:]).code == 0, "the line that is printed is allowed"


def test_as_json(cli: Cli) -> None:
    result = cli(
        "prove", "never", "role/*", "s3:DeleteBucket", "--on", "arn:aws:s3:::puffin-data-lake", "--json", "--demo"
    )
    assert result.code == 1
    found = result.json
    assert found["status"] == "counterexample"
    assert found["counterexample"]["action"] == "s3:DeleteBucket"
    assert found["counterexample"]["context"]["aws:SecureTransport"] == ["true"]
    assert found["reasons"] == []


def test_what_is_not_proved_says_why(cli: Cli) -> None:
    result = cli("prove", "never", "user/*", "ec2:RunInstances", "--on", "arn:aws:ec2:ap-east-1:*:subnet/*", "--demo")
    assert result.code == 3
    assert "no request is known that could carry aws:RequestedRegion = " in " ".join(result.out.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["never", "nobody-*", "iam:CreateUser"], "No user and no role matches nobody-*."),
        (["never", "*", "CreateUser"], "CreateUser is not an action"),
        (["never", "*", "iam:CreateUser", "--on", "bucket"], "bucket is not a resource"),
        (["nevr"], "Did you mean never?"),
    ],
)
def test_what_cannot_be_asked(cli: Cli, words: list[str], said: str) -> None:
    result = cli("prove", *words, "--demo")
    assert result.code == 2
    assert said in " ".join(result.err.split())
