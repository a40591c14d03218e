"""Commands and the cache of accounts: read anew unless --cached, which says how old the answer is."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest

from iamtui import paths
from iamtui.engine.words.decision_json import decision_schema
from tests.cli.test_lint_sarif import SCHEMA
from tests.support.cli_runner import Cli
from tests.support.fault_proxy import FaultProxy, error
from tests.support.moto_server import ACCOUNT, MotoServer, allow, policy


@pytest.fixture
def url(moto: MotoServer, fault_proxy: FaultProxy) -> str:
    """Where an account with one user answers, who may use S3."""
    iam = moto.client("iam")
    iam.create_user(UserName="dora")
    iam.put_user_policy(UserName="dora", PolicyName="read", PolicyDocument=policy(allow("s3:*")))
    return fault_proxy.url


def files() -> list[Path]:
    return sorted(paths.accounts_folder().glob("*"))


def test_a_command_reads_anew_and_keeps_what_it_read(cli: Cli, moto: MotoServer, url: str) -> None:
    cli("list", "users", "--endpoint-url", url)
    assert len(files()) == 1
    moto.client("iam").create_user(UserName="new")
    result = cli("list", "users", "--endpoint-url", url)
    assert "new" in result.out
    assert "CACHED" not in result.err
    result = cli("list", "users", "--endpoint-url", url, "--cached")
    assert "new" in result.out


def test_a_cached_answer_asks_who_is_calling_and_nothing_else(
    cli: Cli, moto: MotoServer, url: str, fault_proxy: FaultProxy
) -> None:
    cli("list", "users", "--endpoint-url", url)
    moto.client("iam").delete_user_policy(UserName="dora", PolicyName="read")
    fault_proxy.calls.clear()
    result = cli("can", "dora", "s3:ListAllMyBuckets", "--endpoint-url", url, "--cached", "-o", "jsonl")
    assert fault_proxy.operations() == ["GetCallerIdentity"]
    assert result.code == 0
    assert result.json["decision"] == "allowed"
    assert result.json["cached"]["age_seconds"] >= 0
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT[0-9:.]+Z", result.json["cached"]["read_at"])
    jsonschema.validate(result.json, decision_schema())
    assert "CACHED: the account is as it was read just now (20" in result.err
    anew = cli("can", "dora", "s3:ListAllMyBuckets", "--endpoint-url", url, "-o", "jsonl")
    assert anew.json["decision"] == "implicitDeny"
    assert "cached" not in anew.json


@pytest.mark.slow
@pytest.mark.parametrize("option", [("list", "users"), ("what-can", "dora"), ("who-can", "s3:ListAllMyBuckets")])
def test_every_object_says_how_old_it_is(cli: Cli, url: str, option: tuple[str, ...]) -> None:
    cli("list", "users", "--endpoint-url", url)
    found = cli(*option, "--endpoint-url", url, "--cached", "--json").json
    objects = found if isinstance(found, list) else [found]
    assert objects
    assert all(set(one["cached"]) == {"read_at", "age_seconds"} for one in objects)


@pytest.mark.slow
def test_sarif_says_it_where_the_format_lets_it(cli: Cli, url: str) -> None:
    cli("list", "users", "--endpoint-url", url)
    log = cli("audit", "--endpoint-url", url, "--cached", "-o", "sarif").json
    assert set(log) == {"$schema", "version", "runs"}
    assert "read_at" in log["runs"][0]["properties"]["cached"]
    jsonschema.Draft4Validator(SCHEMA).validate(log)


def test_a_policy_that_is_printed_stays_one(cli: Cli, url: str) -> None:
    cli("list", "users", "--endpoint-url", url)
    result = cli("what-can", "dora", "--endpoint-url", url, "--cached", "--policy")
    assert set(result.json) == {"Version", "Statement"}


def test_with_nothing_in_the_cache_it_is_read_anew_and_says_so(cli: Cli, url: str) -> None:
    result = cli("list", "users", "--endpoint-url", url, "--cached", "--json")
    assert result.json[0]["name"] == "dora"
    assert "cached" not in result.json[0]
    assert "Nothing of this account is in the cache. It was read anew." in result.err


def test_a_damaged_file_is_one_sentence(cli: Cli, url: str) -> None:
    cli("list", "users", "--endpoint-url", url)
    files()[0].write_bytes(b"{}")
    result = cli("list", "users", "--endpoint-url", url, "--cached")
    assert "dora" in result.out
    assert "The account in the cache is not used: it is damaged." in result.err
    assert "CACHED" not in result.err


def test_without_the_cache_it_is_neither_read_nor_written(cli: Cli, moto: MotoServer, url: str) -> None:
    assert cli("list", "users", "--endpoint-url", url, "--no-cache").code == 0
    assert files() == []
    cli("list", "users", "--endpoint-url", url)
    before = files()[0].read_bytes()
    moto.client("iam").create_user(UserName="new")
    assert "new" in cli("list", "users", "--endpoint-url", url, "--no-cache").out
    assert files()[0].read_bytes() == before


@pytest.mark.usefixtures("quick_retries")
def test_without_knowing_who_is_calling_nothing_of_the_cache_is_shown(
    cli: Cli, url: str, fault_proxy: FaultProxy
) -> None:
    cli("list", "users", "--endpoint-url", url)
    fault_proxy.on("GetCallerIdentity", error(403, "AccessDenied"))
    result = cli("list", "users", "--endpoint-url", url, "--cached", "--json")
    assert "cached" not in result.json[0]
    assert "AWS does not say whose credentials these are" in result.err
    fault_proxy.rules.clear()
    fault_proxy.on("GetCallerIdentity", error(403, "ExpiredToken"))
    result = cli("list", "users", "--endpoint-url", url, "--cached")
    assert (result.code, result.out) == (2, "")


def test_another_endpoint_is_another_account(cli: Cli, moto: MotoServer, url: str) -> None:
    cli("list", "users", "--endpoint-url", url)
    result = cli("list", "users", "--endpoint-url", moto.url, "--cached")
    assert "Nothing of this account is in the cache" in result.err


def test_another_caller_is_another_account(
    cli: Cli, moto: MotoServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("list", "users", "--endpoint-url", url)
    key = moto.client("iam").create_access_key(UserName="dora")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    result = cli("list", "users", "--endpoint-url", url, "--cached")
    assert "Nothing of this account is in the cache" in result.err
    assert len(files()) == 2


def test_the_options_say_what_they_do_not_go_with(cli: Cli, snapshot: str) -> None:
    for source in (("--demo",), ("--snapshot", snapshot)):
        for option in ("--cached", "--no-cache"):
            result = cli("list", "users", *source, option)
            assert (result.code, result.out) == (2, "")
            assert f"{source[0]} and {option} cannot be combined." in result.err
    assert "--cached and --no-cache cannot be combined." in cli("list", "users", "--cached", "--no-cache").err
    assert "--cached does not apply to lint." in cli("--cached", "lint", "-").err


def test_the_cache_is_cleared(cli: Cli, url: str) -> None:
    cli("list", "users", "--endpoint-url", url)
    result = cli("cache", "clear")
    assert (result.code, result.out) == (0, "")
    assert result.err == f"Removed 1 account from {paths.accounts_folder()}.\n"
    assert files() == []
    assert cli("cache", "clear").err.startswith("Removed 0 accounts from ")


def test_the_account_is_the_callers_own(cli: Cli, url: str) -> None:
    cli("list", "users", "--endpoint-url", url)
    result = cli("overview", "--endpoint-url", url, "--cached", "--json")
    assert ACCOUNT in result.out
    assert result.json["cached"]["age_seconds"] < 3600
