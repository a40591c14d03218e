"""What `iamtui assume` is told reaches its verdict, and an MFA code is asked for only where one is needed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.support import wording
from tests.support.cli_runner import Cli
from tests.support.fault_proxy import FaultProxy, error
from tests.support.moto_server import ACCOUNT, MotoServer, allow, policy, trust

BOB = f"arn:aws:iam::{ACCOUNT}:user/bob"


class Bob:
    """A user who may assume every role, and what the proxy saw of him."""

    def __init__(self, cli: Cli, moto: MotoServer, proxy: FaultProxy) -> None:
        self.cli = cli
        self.proxy = proxy
        self.iam = moto.client("iam")
        self.iam.create_user(UserName="bob")
        key = self.iam.create_access_key(UserName="bob")["AccessKey"]
        self.may(allow("sts:*"))
        cli.monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        cli.monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])

    def may(self, *statements: dict[str, Any]) -> None:
        self.iam.put_user_policy(UserName="bob", PolicyName="own", PolicyDocument=policy(*statements))

    def role(self, name: str, trusts: str) -> str:
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusts)["Role"]["Arn"]
        assert isinstance(made, str)
        return made

    def assume(self, *words: str) -> Any:
        return self.cli("assume", *words, "--endpoint-url", self.proxy.url)

    def sent(self) -> dict[str, str]:
        return [call for call in self.proxy.calls if call.operation == "AssumeRole"][-1].parameters


@pytest.fixture
def bob(cli: Cli, moto: MotoServer, fault_proxy: FaultProxy) -> Bob:
    return Bob(cli, moto, fault_proxy)


def condition(operator: str, key: str, value: str) -> str:
    return trust({"AWS": BOB}, Condition={operator: {key: value}})


@pytest.mark.parametrize(
    ("operator", "key", "value", "right", "wrong"),
    [
        ("StringLike", "sts:RoleSessionName", "${aws:username}", ("--session-name", "bob"), ("--session-name", "zed")),
        ("StringEquals", "sts:RoleSessionName", "fixed", ("--session-name", "fixed"), ()),
        ("StringEquals", "sts:ExternalId", "abc", ("--external-id", "abc"), ("--external-id", "abd")),
    ],
)
def test_what_is_given_decides(
    bob: Bob, operator: str, key: str, value: str, right: tuple[str, ...], wrong: tuple[str, ...]
) -> None:
    bob.role("asks", condition(operator, key, value))
    assert f"{wording.ALLOWED}   sts:AssumeRole" in bob.assume("asks", *right).err
    assert f"{wording.IMPLICIT_DENY}   sts:AssumeRole" in bob.assume("asks", *wrong).err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("action", "operator", "key", "value", "option", "right", "wrong"),
    [
        ("sts:TagSession", "StringEquals", "aws:RequestTag/team", "red", "--tag", "team=red", "team=blue"),
        ("sts:TagSession", "ForAllValues:StringEquals", "aws:TagKeys", "team", "--tag", "team=x", "cost=x"),
        ("sts:SetSourceIdentity", "StringEquals", "sts:SourceIdentity", "bob", "--source-identity", "bob", "eve"),
    ],
)
def test_tags_and_source_identity_decide(
    bob: Bob, action: str, operator: str, key: str, value: str, option: str, right: str, wrong: str
) -> None:
    more = {"Effect": "Allow", "Principal": {"AWS": BOB}}
    trusts = policy(
        {**more, "Action": "sts:AssumeRole"}, {**more, "Action": action, "Condition": {operator: {key: value}}}
    )
    bob.role("asks", trusts)
    assert wording.ALLOWED in bob.assume("asks", option, right).err
    assert f"{wording.IMPLICIT_DENY}   {action}" in bob.assume("asks", option, wrong).err


IF_EXISTS = {"Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}}


def test_no_code_is_demanded_where_none_is_needed(bob: Bob) -> None:
    bob.cli.monkeypatch.setattr("getpass.getpass", lambda _prompt: pytest.fail("asked"))
    bob.role("asks", trust({"AWS": BOB}, **IF_EXISTS))
    found = bob.assume("asks")
    assert found.code == 0, found
    assert wording.ALLOWED in found.err
    assert "No MFA code is needed, so none is asked for; --mfa sends one anyway." in found.err
    assert "TokenCode" not in bob.sent()


def test_a_deny_that_long_term_keys_do_not_meet_demands_no_device(bob: Bob) -> None:
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    bob.may(allow("*"), {**deny, "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}})
    bob.role("open", trust({"AWS": BOB}))
    found = bob.assume("open")
    assert found.code == 0, found
    assert wording.ALLOWED in found.err


def test_no_mfa_asks_sts_without(bob: Bob) -> None:
    bob.role("guarded", condition("Bool", "aws:MultiFactorAuthPresent", "true"))
    bob.cli.monkeypatch.setattr("iamtui.cli.input.TERMINAL", Path(os.devnull))
    bob.assume("guarded").failed_with("You have no MFA device", "--no-mfa")
    found = bob.assume("guarded", "--no-mfa")
    assert found.code == 0, found
    assert wording.IMPLICIT_DENY in found.err
    assert "TokenCode" not in bob.sent()
    bob.assume("guarded", "--no-mfa", "--mfa").failed_with("--no-mfa and --mfa cannot be combined")


def test_a_profiles_device_is_not_used_with_no_mfa(bob: Bob, no_aws_settings: Path) -> None:
    arn = bob.role("open", trust({"AWS": BOB}))
    (no_aws_settings / "config").write_text(
        f"[profile work]\nrole_arn = {arn}\nmfa_serial = arn:aws:iam::{ACCOUNT}:mfa/bob\n"
    )
    bob.cli.monkeypatch.setattr("getpass.getpass", lambda _prompt: pytest.fail("asked"))
    assert bob.assume("work", "--no-mfa").code == 0
    assert "SerialNumber" not in bob.sent()


@pytest.mark.parametrize(("typed", "code"), [(["", ""], None), (["", "123456"], "123456")])
def test_an_empty_code_is_said_once_and_then_is_none(bob: Bob, typed: list[str], code: str | None) -> None:
    bob.role("open", trust({"AWS": BOB}))
    left = list(typed)
    bob.cli.monkeypatch.setattr("iamtui.cli.input.TERMINAL", Path(os.devnull))
    bob.cli.monkeypatch.setattr("getpass.getpass", lambda _prompt: left.pop(0))
    found = bob.assume("open", "--mfa-serial", f"arn:aws:iam::{ACCOUNT}:mfa/bob")
    assert found.code == 0, found
    assert found.err.count("No code was typed. Press Enter again to ask STS without one.") == 1
    assert bob.sent().get("TokenCode") == code
    assert ("SerialNumber" in bob.sent()) == (code is not None)
    assert left == []


def test_a_role_by_its_arn_is_checked_against_the_account_that_was_read_before(bob: Bob) -> None:
    """As by its name: the verdict stands before the call, and a denial is explained."""
    arn = bob.role("closed", trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/zed"}))
    where = ("--endpoint-url", bob.proxy.url)
    refused = error(403, "AccessDenied", f"User: {BOB} is not authorized to perform: sts:AssumeRole")
    bob.proxy.on("AssumeRole", refused)
    unread = bob.assume(arn)
    assert "Whether the role trusts the caller is not checked." in unread.err
    assert bob.cli("list", "roles", *where).code == 0
    named, by_arn = bob.assume("closed"), bob.assume(arn)
    verdict = next(line for line in named.err.splitlines() if f"sts:AssumeRole on {arn}" in line)
    assert "DENIED" in verdict
    assert verdict in by_arn.err.splitlines()
    assert "CACHED: the role is checked against the account as it was read" in by_arn.err
    assert by_arn.err.strip().splitlines()[-1] == named.err.strip().splitlines()[-1], "explained alike"
    assert "trust policy" in by_arn.err.strip().splitlines()[-1]
    assert "not checked" in bob.assume(arn, "--no-cache").err


def test_a_profile_is_checked_so_too_and_an_allowed_role_is_assumed(bob: Bob, no_aws_settings: Path) -> None:
    arn = bob.role("open", trust({"AWS": BOB}))
    key, secret = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
    (no_aws_settings / "config").write_text(
        f"[profile base]\naws_access_key_id={key}\naws_secret_access_key={secret}\nregion=us-east-1\n"
        f"[profile open]\nrole_arn={arn}\nsource_profile=base\n"
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        bob.cli.monkeypatch.delenv(name)
    assert bob.cli("list", "roles", "--profile", "base", "--endpoint-url", bob.proxy.url).code == 0
    result = bob.assume("open", "--format", "json")
    assert result.code == 0, result
    assert f"ALLOWED sts:AssumeRole on {arn}" in " ".join(result.err.split())
    # What was read before is no answer of STS: it is asked all the same.
    assert bob.sent()["RoleArn"] == arn
