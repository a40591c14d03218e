"""Every bad input ends with code 2 and one clear sentence: what, where, what was expected, what to do."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from tests.support.cli_runner import Cli
from tests.support.fault_proxy import Answer, FaultProxy, Reset, Stall, Truncate, error
from tests.support.moto_server import KEY_ID, SECRET, MotoServer

DETAILS = "GetAccountAuthorizationDetails"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b" \n ", "is empty"),
        (b"not json", "is not JSON"),
        (b'{"UserDetailList": [', "not JSON"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is not text"),
        (bytes(range(256)), "is not text"),
        (b"<html><body>no</body></html>", "is not JSON"),
        (b"[1, 2, 3]", ""),
        (b"42", "is not JSON"),
        (b'{"some": "thing"}', ""),
        (b'{"UserDetailList": 5}', "UserDetailList"),
        (b'{"UserDetailList": [{"UserName": 5}]}', "UserDetailList[0]"),
        (b"[" * 100_000, ""),
    ],
    ids=lambda value: repr(value)[:24] if isinstance(value, bytes) else "",
)
@pytest.mark.parametrize("words_of", [("list", "users"), ("can", "alice", "s3:GetObject"), ("show", "alice")])
def test_a_snapshot_that_is_none(cli: Cli, tmp_path: Path, data: bytes, words: str, words_of: tuple[str, ...]) -> None:
    file = tmp_path / "account.json"
    file.write_bytes(data)
    cli(*words_of, "--snapshot", file).failed_with(str(file), words)


def test_no_such_file_and_a_directory(cli: Cli, tmp_path: Path) -> None:
    cli("list", "users", "--snapshot", tmp_path / "gone.json").failed_with("gone.json does not exist")
    cli("list", "users", "--snapshot", tmp_path).failed_with("is a directory")
    cli("simulate", tmp_path / "gone.json").failed_with("The scenario file", "gone.json does not exist")
    cli("simulate", tmp_path).failed_with("is a directory")
    cli("can", "a", "s3:GetObject", "--context-file", tmp_path / "gone.json", "--demo").failed_with("does not exist")
    cli("can", "a", "s3:GetObject", "--session-policy", tmp_path, "--demo").failed_with("is a directory")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"), ("nope", "Not JSON"), ("[]", "is not a JSON object"), ('{"aws:X": {}}', "aws:X"),
        ('{"NoColon": "x"}', "is not a condition key"), ('{"aws:X": 1, "AWS:x": 2}', "twice"),
        ('{"aws:X": 1, "aws:X": 2}', "aws:X"), ('{"aws:X": [null]}', "aws:X"),
    ],
)  # fmt: skip
def test_a_context_file_that_is_none(cli: Cli, tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "context.json"
    file.write_text(text)
    cli("can", "x", "s3:GetObject", "--context-file", file, "--demo").failed_with(str(file), words)


def test_a_context_file_of_noise(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "context.json"
    file.write_bytes(b"\xff\xfe\x00")
    cli("can", "x", "s3:GetObject", "--context-file", file, "--demo").failed_with("is not UTF-8 text")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-c", "aws:SourceIp"], "Write -c aws:SourceIp=VALUE; --absent aws:SourceIp says"),
        (
            ["-c", r"aws:RequestTag/a\=b c"],
            r"Write -c 'aws:RequestTag/a\=b c=VALUE'; --absent 'aws:RequestTag/a=b c' says",
        ),
        (["-c", "SourceIp=1"], "is not a condition key"),
        (["-c", "=1"], "is not a condition key"),
        (["--absent", "foo"], "is not a condition key"),
        (["-c", "aws:X=1", "--absent", "AWS:x"], "both given and absent"),
        (["--on", "bucket"], "bucket is not a resource: expected * or an ARN"),
        (["--on", ""], "is not a resource"),
        (["--resource-account", "12"], "An account is 12 digits"),
        (["--without", "nothing"], "--without cannot be nothing: expected identity"),
        (["--expect", "yes"], "--expect cannot be yes: expected allowed"),
    ],
)
def test_options_of_a_question(cli: Cli, words: list[str], expected: str) -> None:
    cli("can", "amara.diallo", "s3:GetObject", *words, "--demo").failed_with(expected)


@pytest.mark.parametrize("action", ["s3", "GetObject", "s3:", ":GetObject", "*:Get*", "s3:Get Object", ""])
def test_an_action_that_is_none(cli: Cli, action: str) -> None:
    cli("can", "amara.diallo", action, "--demo").failed_with("such as s3:GetObject" if action in ("",) else "")
    cli("who-can", action, "--demo").failed_with("action")


@pytest.mark.parametrize(
    ("action", "example"),
    [
        ("sts:AssumeRole", "arn:aws:iam::123456789012:role/RoleNameWithPath"),
        ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:123456789012:QueueName"),
        ("s3:NoSuchAction", "arn:aws:s3:::bucket/key"),
    ],
)
def test_a_resource_that_is_none_is_told_what_those_of_the_action_look_like(
    cli: Cli, action: str, example: str
) -> None:
    cli("can", "amara.diallo", action, "--on", "role/ops", "--demo").failed_with("role/ops is not a resource", example)


def test_a_principal_that_is_unknown_or_ambiguous_names_the_nearest(cli: Cli, snapshot: str) -> None:
    cli("can", "amara.dialo", "s3:GetObject", "--demo").failed_with("amara.dialo", "Nearest: user/amara.diallo")
    cli("can", "zzzzzz", "s3:GetObject", "--demo").failed_with("zzzzzz", "iamtui list users")
    cli("can", "arn:aws:s3:::b", "s3:GetObject", "--demo").failed_with("does not name a principal")
    cli("can", "", "s3:GetObject", "--demo").failed_with("No principal is named")
    record = json.loads(Path(snapshot).read_text())
    record["RoleDetailList"][0] |= {"RoleName": "alice", "Arn": "arn:aws:iam::123456789012:role/alice"}
    Path(snapshot).write_text(json.dumps(record))
    cli("can", "alice", "s3:GetObject", "--snapshot", snapshot).failed_with(
        "Both a user and a role are named alice", "user/alice or role/alice"
    )


# Credentials and endpoints.


def test_no_credentials_names_the_ways_without_them(cli: Cli) -> None:
    cli("list", "users").failed_with("No AWS credentials were found", "--demo", "--snapshot")


def test_an_unknown_profile(cli: Cli) -> None:
    cli("list", "users", "--profile", "nope").failed_with("nope")
    cli.monkeypatch.setenv("AWS_PROFILE", "nope")
    cli("list", "users").failed_with("nope")


def test_a_config_file_that_cannot_be_parsed(cli: Cli, no_aws_settings: Path) -> None:
    (no_aws_settings / "config").write_text("[profile x\nregion")
    cli("list", "users", "--profile", "x").failed_with("config")


@pytest.mark.usefixtures("quick_retries")
def test_expired_credentials(cli: Cli, fault_proxy: FaultProxy) -> None:
    fault_proxy.on("*", error(403, "ExpiredToken", "The security token included in the request is expired"))
    cli("list", "users", "--endpoint-url", fault_proxy.url).failed_with("expired")


@pytest.mark.usefixtures("quick_retries")
def test_access_denied_on_the_first_call_names_the_permission(cli: Cli, fault_proxy: FaultProxy) -> None:
    for operation in (DETAILS, "ListUsers", "ListGroups", "ListRoles", "ListPolicies", "GetCallerIdentity"):
        fault_proxy.on(operation, error(403, "AccessDenied", "no"))
    cli("can", "alice", "s3:GetObject", "--endpoint-url", fault_proxy.url).failed_with(
        "Access denied", f"iam:{DETAILS}"
    )


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize(
    "fault",
    [
        Reset(),
        Truncate(40),
        Answer(200, b"<html><body>Sign in</body></html>", "text/html"),
        Answer(200, b"", "text/xml"),
        Answer(200, b"\x00\xff noise"),
        Answer(302, b"", headers={"Location": "http://127.0.0.1:9/"}),
        Answer(503, b"busy", "text/plain"),
        error(400, "Throttling", "Rate exceeded"),
    ],
    ids=["reset", "truncated", "html", "empty", "noise", "redirect", "busy", "throttled"],
)
def test_an_endpoint_that_misbehaves(cli: Cli, fault_proxy: FaultProxy, fault: Answer) -> None:
    fault_proxy.on("*", fault)
    cli("list", "users", "--endpoint-url", fault_proxy.url).failed_with(fault_proxy.url)


@pytest.mark.usefixtures("quick_retries")
def test_an_endpoint_that_stalls(cli: Cli, fault_proxy: FaultProxy) -> None:
    cli.monkeypatch.setattr("iamtui.aws.http.READ_SECONDS", 0.3)
    fault_proxy.on("*", Stall())
    cli("list", "users", "--endpoint-url", fault_proxy.url).failed_with(fault_proxy.url)


@pytest.mark.usefixtures("quick_retries")
def test_an_endpoint_that_refuses(cli: Cli, moto: MotoServer) -> None:
    cli("list", "users", "--endpoint-url", "http://127.0.0.1:9").failed_with("127.0.0.1:9")


@pytest.mark.parametrize("url", ["ftp://x", "http://example.com", "x", "http://u:p@localhost", "http://localhost/?a=b"])
def test_an_endpoint_that_is_none(cli: Cli, url: str) -> None:
    cli("list", "users", "--endpoint-url", url).failed_with("--endpoint-url")


def test_no_secret_of_the_environment_is_ever_said(cli: Cli, fault_proxy: FaultProxy) -> None:
    fault_proxy.on("*", error(403, "SignatureDoesNotMatch", "no"))
    result = cli("list", "users", "--endpoint-url", fault_proxy.url)
    assert result.code == 2
    assert SECRET not in result.err
    assert KEY_ID not in result.err


def test_answers_of_the_demo_are_never_given_unasked(cli: Cli) -> None:
    for words in (("list", "users"), ("can", "amara.diallo", "s3:GetObject"), ("who-can", "s3:GetObject"),
                  ("show", "amara.diallo"), ("assume", "ops-readonly")):  # fmt: skip
        result = cli(*words)
        assert result.code == 2
        assert result.out == result.nothing


def test_nothing_is_left_running(cli: Cli) -> None:
    before = set(threading.enumerate())
    cli("can", "amara.diallo", "s3:GetObject", "--demo")
    # Those of tests before this one may end meanwhile.
    assert not set(threading.enumerate()) - before
