"""`iamtui explain`: text, files and pipes, exit codes, JSON."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from iamtui.account.snapshot_writer import snapshot_of
from tests.support.cli_runner import Cli
from tests.support.denial_account import ALICE, CAROL, FENCE_ARN, LAKE, denial_account, message
from tests.support.sample_account import ID

AGREED = message(CAROL, "s3:GetObject", f"{LAKE}/x", "because no identity-based policy allows the s3:GetObject action")
DIFFERENT = message(ALICE, "sqs:SendMessage", f"arn:aws:sqs:us-east-1:{ID}:q", "with an explicit deny")


@pytest.fixture
def fenced(tmp_path: Path) -> str:
    file = tmp_path / "fenced.json"
    file.write_text(json.dumps(snapshot_of(denial_account())))
    return str(file)


def test_a_message_as_the_argument(cli: Cli, fenced: str) -> None:
    result = cli("explain", AGREED, "--snapshot", fenced)

    assert result.code == 0, result
    for part in (CAROL, "s3:GetObject", "No identity-based policy allows it.", "[=]", "would help", "DENIED"):
        assert part in result.out
    assert cli("explain", *AGREED.split(), "--snapshot", fenced).out == result.out


def test_the_denying_statement_has_its_lines(cli: Cli, fenced: str) -> None:
    text = message(ALICE, "s3:PutBucketPolicy", LAKE, f"with an explicit deny in a service control policy: {FENCE_ARN}")

    result = cli("explain", "-", "--snapshot", fenced, stdin=text)

    assert result.code == 0
    assert "fence / NoBucketPolicies (lines 4 to " in result.out


def test_several_the_worst_decides(cli: Cli, fenced: str, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text(f"1 {AGREED}\n2 {AGREED}\n3 {DIFFERENT}\n")

    result = cli("explain", log, "--snapshot", fenced)

    assert result.code == 3
    assert "(line 1, 2 times)" in result.out
    assert "(line 3)" in result.out
    assert "[!]" in result.out


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_is_explained_while_it_is_written(fenced: str, form: str) -> None:
    options = ["--json"] if form == "json" else []
    command = [sys.executable, "-m", "iamtui", "explain", "-", "--snapshot", fenced, *options]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=buffered) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        for line, action in ((AGREED, b"s3:GetObject"), (DIFFERENT, b"sqs:SendMessage")):
            process.stdin.write(f"[2026-12-01] {line}\n[2026-12-01] {line}\n".encode())
            process.stdin.flush()
            while action not in process.stdout.readline():
                assert process.poll() is None
        process.stdin.write(AGREED.encode())
        process.stdin.close()
        rest = process.stdout.read()
        narration = process.stderr.read()
    assert process.returncode == 3
    assert b"s3:GetObject" not in rest
    assert b"s3:GetObject in line 1 came 3 times in all." in narration


def test_a_document_that_comes_in_parts_is_read_to_its_end(fenced: str) -> None:
    record = {"eventSource": "s3.amazonaws.com", "eventName": "ListObjectsV2", "errorCode": "AccessDenied"}
    text = json.dumps({"Records": [{**record, "userIdentity": {"type": "IAMUser", "arn": CAROL}}]}, indent=2)
    command = [sys.executable, "-m", "iamtui", "explain", "-", "--snapshot", fenced, "--json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for part in (text[:40], text[40:]):
            process.stdin.write(part.encode())
            process.stdin.flush()
            time.sleep(0.5)
        process.stdin.close()
        (found,) = json.loads(process.stdout.read())
    assert found["caller"] == CAROL


def test_json(cli: Cli, fenced: str) -> None:
    result = cli("explain", AGREED, "--json", "--snapshot", fenced)

    (one,) = result.json
    assert result.code == 0
    assert one["aws"] == {
        "kind": "implicit", "layers": ["identity"], "words": "identity-based policy", "policy": None, "encoded": False,
    }  # fmt: skip
    assert one["decision"]["decision"] == "implicitDeny"
    assert one["agreement"] == "agrees"
    assert one["explained"] is True
    assert one["explanation"]["suggestions"]
    assert result.out.isascii()


def test_packed_records(cli: Cli, fenced: str, tmp_path: Path) -> None:
    record = {
        "eventSource": "s3.amazonaws.com",
        "eventName": "ListObjectsV2",
        "errorCode": "AccessDenied",
        "sourceIPAddress": "203.0.113.7",
        "requestParameters": {"bucketName": "data-lake"},
        "userIdentity": {"type": "IAMUser", "arn": CAROL, "accountId": ID, "accessKeyId": "AKIAX"},
    }
    file = tmp_path / "trail.json.gz"
    file.write_bytes(gzip.compress(json.dumps({"Records": [record]}).encode()))

    result = cli("explain", file, "--snapshot", fenced)

    assert result.code == 0, result
    assert "s3:ListBucket" in result.out
    assert "record 1" in result.out
    assert "aws:SourceIp=203.0.113.7" in result.out
    assert cli("explain", "-", "--snapshot", fenced, stdin=file.read_bytes()).code == 0


def test_calls_that_were_not_denied_are_passed_over(cli: Cli, fenced: str) -> None:
    def record(code: str | None, number: int = 0) -> dict[str, object]:
        return {
            "eventSource": "s3.amazonaws.com",
            "eventName": "ListObjectsV2",
            **({"errorCode": code} if code else {}),
            "requestParameters": {"bucketName": "data-lake", "prefix": str(number)},
            "userIdentity": {"type": "IAMUser", "arn": CAROL, "accountId": ID},
        }

    many = [record(None, number) for number in range(3_000)]

    result = cli("explain", "-", "--snapshot", fenced, stdin=json.dumps({"Records": [*many, record("AccessDenied")]}))

    assert result.code == 0, result
    assert result.out.count("caller  ") == 1
    assert "(record 3001)" in result.out
    assert "Skipped 3,000 records that were not denied." in result.err
    alone = cli("explain", "-", "--snapshot", fenced, stdin=json.dumps(record(None)))
    assert "it was not denied" in alone.out


def test_who_called_can_be_given(cli: Cli, fenced: str) -> None:
    text = "An error occurred (AccessDenied) when calling the ListBuckets operation: Access Denied"

    alone = cli("explain", text, "--snapshot", fenced)
    told = cli("explain", text, "--as", "carol", "--snapshot", fenced)

    assert alone.code == 3
    assert "--as PRINCIPAL" in alone.out
    assert told.code == 0
    cli("explain", text, "--as", "nobody-here", "--snapshot", fenced).failed_with("nobody-here")


def test_an_encoded_message_says_how_to_go_on(cli: Cli, fenced: str) -> None:
    text = "You are not authorized to perform this operation. Encoded authorization failure message: " + "Ab1-" * 30

    assert "--decode" in cli("explain", text, "--snapshot", fenced).out
    result = cli("explain", text, "--decode", "--snapshot", fenced)
    assert result.code == 3
    assert "snapshot cannot decode" in result.out


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ((), "Nothing to explain"),
        (("",), "Nothing to explain was given."),
        (("", " "), "Nothing to explain was given."),
        (("all is well",), "No denial was found"),
        (("-",), "No denial was found"),
        (("missing.log",), "does not exist"),
    ],
)
def test_nothing_to_explain(cli: Cli, fenced: str, arguments: tuple[str, ...], part: str) -> None:
    cli("explain", *arguments, "--snapshot", fenced).failed_with(part)


def test_what_cannot_be_read(cli: Cli, fenced: str, tmp_path: Path) -> None:
    packed = tmp_path / "x.gz"
    packed.write_bytes(b"\x1f\x8b no archive")
    cli("explain", packed, "--snapshot", fenced).failed_with("gzip")
    cli("explain", tmp_path, "--snapshot", fenced).failed_with("directory")
    binary = tmp_path / "binary.log"
    binary.write_bytes(b"\0\1" * 1000)
    cli("explain", binary, "--snapshot", fenced).failed_with("not text")


def test_what_is_in_a_message_cannot_act_on_the_terminal(cli: Cli, fenced: str) -> None:
    text = (
        "User: arn:aws:iam::1:user/\x1b]52;c;eA==\x07x is not authorized to perform: s3:GetObject on resource: \u202ex"
    )

    result = cli("explain", text, "--snapshot", fenced)

    assert "\x1b" not in result.out
    assert "\u202e" not in result.out


def test_a_record_that_broke_off_is_said_where_nothing_else_is_found(cli: Cli) -> None:
    cli("explain", "-", "--demo", stdin='{"eventName": "GetObject", "errorCode": "Acc').failed_with(
        "No denial was found", "A record cannot be read as JSON"
    )


def test_a_word_that_is_no_message_is_said_to_be_no_file(cli: Cli) -> None:
    cli("explain", "trail").failed_with("No denial was found in the text, and there is no file trail.")


def test_a_text_without_a_denial_is_not_taken_for_a_file(cli: Cli) -> None:
    cli("explain", "all is well").failed_with("No denial was found in the text. Give")
