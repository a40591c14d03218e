"""`iamtui used` on the demo account: the table, the policy, the draft, and what is not known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from iamtui.cli import used
from tests.support.cli_runner import Cli

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/data/data-engineer"


def event(source: str, name: str, parameters: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "eventType": "AwsApiCall",
        "eventTime": "2026-11-01T10:00:00Z",
        "awsRegion": "eu-west-1",
        "recipientAccountId": ACCOUNT,
        "requestParameters": parameters,
        "userIdentity": {
            "type": "AssumedRole",
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/data-engineer/ana",
            "accountId": ACCOUNT,
            "sessionContext": {"sessionIssuer": {"type": "Role", "arn": ROLE}},
        },
        **more,
    }


def trail(folder: Path, *more: dict[str, Any]) -> str:
    file = folder / "trail.json"
    lake = {"bucketName": "puffin-data-lake"}
    events = [event("s3", "GetObject", {**lake, "key": f"raw/{day}"}) for day in range(12)]
    events += [event("s3", "ListObjects", lake), event("athena", "StartQueryExecution", {"workGroup": "w"}), *more]
    somebody = {"userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/x", "accountId": ACCOUNT}}
    events.append(event("s3", "PutObject", {**lake, "key": "x"}, **somebody))
    file.write_text(json.dumps({"Records": events}))
    return str(file)


def test_the_table_the_policy_and_what_cannot_be_shown(cli: Cli, tmp_path: Path) -> None:
    result = cli("used", "data-engineer", trail(tmp_path), "--demo")

    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].startswith("role/data/data-engineer: 3 actions used in 14 events, 2026-11-01T10:00:00Z")
    assert next(line for line in lines if line.startswith("s3 ")).split()[:2] == ["s3", "2/4"]
    assert '"Resource": "arn:aws:s3:::puffin-data-lake/raw/*"' in result.out
    assert "- More than 10 resources: arn:aws:s3:::puffin-data-lake/raw/* covers them." in result.out
    assert "! Used, denied now, and not in the policy: athena:StartQueryExecution." in result.out
    assert "[+] Nothing is newly possible with the draft (proved)." in result.out
    assert "What these trails cannot show:" in result.out


def test_what_the_trails_would_not_show_is_not_counted_as_unused(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "data.json"
    data = {"eventCategory": "Data", "managementEvent": False}
    one = event("s3", "GetObject", {"bucketName": "puffin-data-lake", "key": "raw/a"}, **data)
    file.write_text(json.dumps({"Records": [one]}))

    out = cli("used", "data-engineer", str(file), "--demo").out

    kms, s3 = (next(line.split() for line in out.splitlines() if line.startswith(name)) for name in ("kms", "s3"))
    assert kms == ["kms", "?/2", "?/2"]
    # The bucket's data events of calls that read are in the trail.
    assert s3[:2] == ["s3", "1?/4"]
    words = " ".join(out.split())
    assert "?: these trails do not show every one of these actions, so that more may have been used." in words
    assert "These trails have data events only, no management events: what it did besides reading" in words
    assert "not used at all" not in words


@pytest.mark.slow
def test_an_administrator_of_the_demo_that_needs_three_actions(cli: Cli, snapshot: Path) -> None:
    result = cli("used", "nightly-maintenance", "--demo")
    assert result.code == 0
    assert result.out.startswith("role/nightly-maintenance: 3 actions used in 42 events")
    cli("used", "nightly-maintenance", "--snapshot", snapshot).failed_with("No trail is named")


def test_one_event_is_not_written_as_several(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    file.write_text(json.dumps({"Records": [event("s3", "ListObjects", {"bucketName": "puffin-data-lake"})]}))
    assert "1 action used in 1 event, 2026-11-01" in cli("used", "data-engineer", str(file), "--demo").out


def test_the_actions_of_a_service(cli: Cli, tmp_path: Path) -> None:
    out = cli("used", "data-engineer", trail(tmp_path), "--service", "s3", "--demo").out
    assert "[+] s3:GetObject  Read  12 times, 2026-11-01T10:00:00Z" in out
    assert "Granted and not used (2): s3:AbortMultipartUpload, s3:PutObject." in " ".join(out.split())


def test_what_is_not_mapped_is_listed_and_nothing_is_called_complete(cli: Cli, tmp_path: Path) -> None:
    file = trail(tmp_path, event("glue", "Non\x1bsense"), event("glue", "Other"))
    for options in ((), ("--policy",), ("--json",)):
        result = cli("used", "data-engineer", file, "--demo", *options)
        assert result.code == 3
        assert "\x1b" not in result.out + result.err
        if options != ("--json",):
            assert "Not complete, so no policy is made from it: 2 events could not be mapped" in result.err
            assert "glue.amazonaws.com:Non␛sense 1, glue.amazonaws.com:Other 1" in result.err
    assert "as far as known" in cli("used", "data-engineer", file, "--demo").out


def test_as_json(cli: Cli, tmp_path: Path) -> None:
    found = cli("used", "data-engineer", trail(tmp_path, event("glue", "Other")), "--json", "--demo").json
    assert (found["principal"], found["complete"], found["events"]) == (ROLE, False, 15)
    assert found["unmapped"] == [
        {"event": "glue.amazonaws.com:Other", "reason": "the catalogue has no action for this operation", "events": 1}
    ]
    used = {one["action"]: one for one in found["used"]}
    assert used["s3:GetObject"]["events"] == 12
    assert used["s3:ListBucket"]["resources"] == [{"resource": "arn:aws:s3:::puffin-data-lake", "events": 1}]
    assert found["policy"]["findings"] == []
    assert found["draft"]["nothing_new"] == "proved"
    assert {one["service"] for one in found["services"]} >= {"s3", "athena", "kms"}


def test_the_policy_alone_can_be_linted(cli: Cli, tmp_path: Path) -> None:
    made = cli("used", "data-engineer", trail(tmp_path), "--policy", "--demo")
    assert made.code == 0
    assert cli("lint", "-", stdin=made.out).code == 0


def test_the_draft_is_written_for_other_commands(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "draft.json"
    result = cli("used", "data-engineer", trail(tmp_path), "--draft", file, "--demo")
    assert result.code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert "give role/data-engineer the inline policy used-only" in cli("draft", "show", file, "--demo").out
    question = ("can", "data-engineer", "s3:GetObject", "--on", "arn:aws:s3:::puffin-data-lake/raw/1", "--demo")
    assert cli(*question).code == cli(*question, "--draft", file).code
    other = ("can", "data-engineer", "s3:GetObject", "--on", "arn:aws:s3:::puffin-data-lake/else", "--demo")
    assert cli(*other, "--draft", file).code == 1


def test_it_is_told_how_far_the_reading_of_requests_has_come(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int, int | None]] = []
    monkeypatch.setattr(used, "tells_count", lambda what, total=None: lambda count: told.append((what, count, total)))
    assert cli("used", "data-engineer", trail(tmp_path), "--demo").code == 0
    for what in ("requests", "resources"):
        counts = [(count, total) for one, count, total in told if one == what]
        assert [count for count, _ in counts] == list(range(len(counts)))
        assert {total for _, total in counts} == {len(counts)}


def test_a_draft_is_not_written_over_something_else(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "draft.json"
    file.write_text("mine")
    result = cli("used", "data-engineer", trail(tmp_path), "--draft", file, "--demo")
    assert result.code == 2
    assert file.read_text() == "mine"
    assert cli("used", "data-engineer", trail(tmp_path), "--draft", file, "--overwrite", "--demo").code == 2
    assert file.read_text() == "mine"


@pytest.mark.slow
def test_another_draft_is_replaced_only_where_that_is_said(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "draft.json"
    asked = ("used", "data-engineer", trail(tmp_path), "--draft", file, "--demo")
    assert cli(*asked).code == 0
    made = file.read_text()
    another = made.replace("only what data-engineer used", "another")
    file.write_text(another)
    cli(*asked).failed_with("is there already. Give --overwrite to replace it, or another name.")
    assert file.read_text() == another != made
    assert cli(*asked, "--overwrite").code == 0
    assert file.read_text() == made
    cli("used", "data-engineer", "--overwrite", "--demo").failed_with("--overwrite applies only with --draft.")


def test_without_events_of_it_there_is_no_policy(cli: Cli, tmp_path: Path) -> None:
    out = cli("used", "ops-readonly", trail(tmp_path), "--demo").out
    assert "no event of it among 15" in out
    assert "No policy: nothing was used that the principal's own policies grant." in out
    assert cli("used", "ops-readonly", trail(tmp_path), "--draft", tmp_path / "d.json", "--demo").code == 2
    assert not (tmp_path / "d.json").exists()
    cli("used", "ops-readonly", trail(tmp_path), "--policy", "--demo").failed_with("so there is no policy")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nobody", "trail.json"), "nobody"),
        (("data-engineer", "missing.json"), "missing.json"),
        (("data-engineer", "trail.json", "--policy", "--json"), "--policy prints JSON already"),
        ((), "Missing argument"),
    ],
)
def test_bad_input_is_one_sentence(cli: Cli, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    trail(tmp_path)
    cli.monkeypatch.chdir(tmp_path)
    cli("used", *arguments, "--demo").failed_with(words)
