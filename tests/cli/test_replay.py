"""`iamtui replay`: what it prints, how it ends, and the files that it writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli_runner import Cli
from tests.support.external_tools import optional_module
from tests.support.sample_account import ID, iam
from tests.workspace.test_replay import event

BOB = {"type": "IAMUser", "arn": iam("user/data/bob"), "accountId": ID, "accessKeyId": "AKIAAAAAAAAAAAAAAAAA"}
LAKE = {"bucketName": "data-lake", "key": "a"}


def call(name: str = "GetObject", key: str = "a", **more: Any) -> dict[str, Any]:
    given = {"requestParameters": LAKE | {"key": key}, "resources": [{"ARN": f"arn:aws:s3:::data-lake/{key}"}]}
    return event(name, **{"userIdentity": BOB, **given, **more})


@pytest.fixture
def trail(tmp_path: Path) -> str:
    records = [call(), call(key="b"), call(key="b"), call("GetThat"), call(errorCode="NoSuchKey")]
    (tmp_path / "trail.json").write_text(json.dumps({"Records": records}))
    return str(tmp_path / "trail.json")


@pytest.fixture
def draft(cli: Cli, snapshot: str, tmp_path: Path) -> str:
    path = str(tmp_path / "draft.json")
    result = cli("draft", "edit", path, "detach", "group/analysts", "data-lake-read", "--snapshot", snapshot)
    assert result.code == 0, result
    return path


def test_answers_are_counted_and_what_is_open_is_named(cli: Cli, snapshot: str, trail: str) -> None:
    result = cli("replay", trail, "--snapshot", snapshot)
    assert result.code == 3
    assert "5 events in 1 file: 4 distinct requests" in result.out
    assert "3  answered here as AWS did" in result.out
    assert "not mapped to an action: s3.amazonaws.com:GetThat 1" in result.out
    assert "failed otherwise, which proves nothing: NoSuchKey 1" in result.out


def test_a_draft_that_breaks_something_says_what_keeps_it(
    cli: Cli, snapshot: str, trail: str, draft: str, tmp_path: Path
) -> None:
    fixed = tmp_path / "fixed.json"
    words = ["replay", trail, "--draft", draft, "--snapshot", snapshot]
    result = cli(*words, "--fail-on", "broken", "--fix", fixed)
    assert result.code == 1
    assert "3  denied with the draft" in result.out
    assert "[x] user/data/bob  s3:GetObject  3 times, 2026-10-01T10:00:00Z" in result.out
    assert "arn:aws:s3:::data-lake/a" in result.out
    assert len(json.loads(fixed.read_text())["edits"]) == 2
    again = cli("replay", trail, "--draft", fixed, "--fail-on", "broken", "--snapshot", snapshot)
    assert again.code == 3, "GetThat is not mapped"
    assert "0  denied with the draft" in again.out


def test_json_has_the_same(cli: Cli, snapshot: str, trail: str, draft: str) -> None:
    found = cli("replay", trail, "--draft", draft, "--json", "--snapshot", snapshot).json
    assert found["verdicts"] == {
        "kept": {"requests": 0, "events": 0},
        "broken": {"requests": 2, "events": 3},
        "open": {"requests": 0, "events": 0},
    }
    (group,) = found["groups"]
    assert (group["caller"], group["action"], group["events"]) == (iam("user/data/bob"), "s3:GetObject", 3)
    assert found["unmapped"][0]["event"] == "s3.amazonaws.com:GetThat"
    assert len(found["addition"]["edits"]) == 1


def test_all_that_could_be_told_ends_with_nought(cli: Cli, snapshot: str, draft: str, tmp_path: Path) -> None:
    path = tmp_path / "trail.json"
    path.write_text(json.dumps({"Records": [call()]}))
    assert cli("replay", path, "--snapshot", snapshot).code == 0
    path.write_text(json.dumps({"Records": [call(), {"not": "an event"}]}))
    result = cli("replay", path, "--snapshot", snapshot)
    assert result.code == 3
    assert "Passed over behind 1 event:" in result.err


def test_the_trail_of_another_account_says_nothing_of_a_draft(
    cli: Cli, snapshot: str, draft: str, tmp_path: Path
) -> None:
    stranger = {"type": "IAMUser", "arn": "arn:aws:iam::999988887777:user/x", "accountId": "999988887777"}
    other = call(userIdentity=stranger, recipientAccountId="999988887777")
    for records, code in (([other], 3), ([other, call(key="b", userIdentity=BOB | {"arn": iam("user/carol")})], 0)):
        (tmp_path / "other.json").write_text(json.dumps({"Records": records}))
        asked = (tmp_path / "other.json", "--draft", draft, "--fail-on", "broken", "--snapshot", snapshot)
        result = cli("replay", *asked)
        assert (result.code, "recorded in accounts that are not open: 999988887777 1" in result.out) == (code, True)


def test_standard_input_is_a_trail_and_is_called_so(cli: Cli, snapshot: str) -> None:
    result = cli("replay", "-", "--snapshot", snapshot, stdin=json.dumps({"Records": [call(), {}]}))
    assert result.code == 3
    assert "Passed over behind 1 event: standard input: It has 1 entry that cannot" in result.err


def test_an_answer_that_differs_fails_when_asked_to(cli: Cli, snapshot: str, tmp_path: Path) -> None:
    path = tmp_path / "trail.json"
    path.write_text(json.dumps({"Records": [call("DeleteObject")]}))
    result = cli("replay", path, "--fail-on", "differs", "--snapshot", snapshot)
    assert result.code == 1
    assert "[!] once  AWS allowed it. Here it is denied" in result.out


def test_kept_requests_are_a_trail(cli: Cli, snapshot: str, trail: str, tmp_path: Path) -> None:
    optional_module("pyarrow")
    kept = tmp_path / "kept.parquet"
    first = cli("replay", trail, "--keep", kept, "--snapshot", snapshot)
    assert kept.stat().st_mode & 0o777 == 0o600
    again = cli("replay", kept, "--snapshot", snapshot)
    assert again.out == first.out
    cli("replay", trail, "--keep", kept, "--snapshot", snapshot).failed_with("is already there")


def test_kept_requests_say_what_they_lack(
    cli: Cli, snapshot: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    optional_module("pyarrow")
    folder, kept = tmp_path / "trails", tmp_path / "kept.parquet"
    folder.mkdir()
    records = [call(key=f"x/{n}") for n in range(4)] + [
        call(f"List{number}", resources=[], requestParameters={}) for number in range(4)
    ]
    (folder / "a.json").write_text(json.dumps({"Records": records}))
    (folder / "b.json").write_text("{broken")
    monkeypatch.setattr("iamtui.activity.distinct_requests.MOST_DISTINCT", 3)
    cli("replay", folder, "--keep", kept, "--snapshot", snapshot)
    monkeypatch.undo()

    result = cli("replay", kept, "--json", "--snapshot", snapshot)
    found = json.loads(result.out)
    assert result.code == 3
    assert (found["events"], found["folded"], found["unread_before"]) == (8, 4, 1)
    assert sum(one["events"] for one in found["left_out"]) == 2
    assert (
        "1 file or entry that could not be read when they were kept" in cli("replay", kept, "--snapshot", snapshot).err
    )
    used = json.loads(cli("used", "user/data/bob", kept, "--json", "--snapshot", snapshot).out)
    assert not used["complete"]
    assert {reason.partition(" ")[2] for reason in used["incomplete"]} >= {
        "events beyond the limit of distinct requests were left out",
        "or parts of them could not be read",
    }


def test_the_demo_has_a_trail_of_its_own_that_it_answers_as_aws_did(cli: Cli) -> None:
    result = cli("replay", "--demo", "--fail-on", "differs")
    assert result.code == 0
    assert result.out.splitlines()[0].startswith("584 events in 1 file: ")
    assert "584  answered here as AWS did" in result.out
    assert "The trail is the demo's own" in result.err


def test_requests_that_cannot_be_kept_are_not_read_first(cli: Cli, snapshot: str, tmp_path: Path) -> None:
    optional_module("pyarrow")
    (tmp_path / "nowhere").symlink_to(tmp_path / "none")
    # The trail is not there, which reading it would say.
    for kept in (tmp_path, tmp_path / "nowhere"):
        cli("replay", "none.json", "--keep", kept, "--snapshot", snapshot).failed_with("is already there")


def test_the_query_for_athena_is_printed_without_a_trail(cli: Cli, snapshot: str) -> None:
    result = cli("replay", "--athena", "logs.cloudtrail", "--snapshot", snapshot)
    assert result.code == 0
    assert result.out.startswith("SELECT\n")
    assert "FROM logs.cloudtrail\n" in result.out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "No trail is named"),
        (["trail.json", "--athena", "t"], "--athena prints a query"),
        (["--athena", "a b"], "not the name of a table"),
        (["trail.json", "--fix", "x"], "--fix applies only with a draft"),
        (["trail.json", "--fail-on", "broken"], "--fail-on broken applies only with a draft"),
        (["none.json"], "none.json does not exist"),
        (["empty"], "There are no CloudTrail events"),
        (["text.json"], "text.json is not a trail"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    cli: Cli, snapshot: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.json").write_text("hello")
    cli("replay", *words, "--snapshot", snapshot).failed_with(sentence)


def test_what_a_record_says_is_made_safe(cli: Cli, snapshot: str, tmp_path: Path) -> None:
    path = tmp_path / "trail.json"
    evil = "\x1b]52;c;x\x07"
    record = call(evil, key=evil, eventSource=f"s3{evil}.amazonaws.com", errorCode="AccessDenied", errorMessage=evil)
    other = call("DeleteObject", key=evil, userIdentity={"type": evil, "arn": evil})
    path.write_text(json.dumps({"Records": [record, other]}))
    for more in ([], ["--json"]):
        result = cli("replay", path, "--snapshot", snapshot, *more)
        assert result.code == 3
        assert "\x1b" not in result.out + result.err
