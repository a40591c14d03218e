"""Several accounts at once: lists and questions over all of them, and those that concern two."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec import structs

from iamtui.questions.question import Question
from iamtui.workspace.ask.questions import as_command
from iamtui.workspace.source.credential_commands import UnconfirmedCommand
from iamtui.workspace.source.open_accounts import open_accounts
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import SourceChoice, SourceKind
from tests.support import moto_server
from tests.support.cli_runner import Cli
from tests.support.moto_accounts import client_in, profiles
from tests.support.moto_server import MotoServer, policy
from tests.support.snapshot_builder import ID, iam
from tests.support.two_accounts import BUCKET, OTHER, TARGET, files

__all__ = ["files"]


def both(files: tuple[str, str]) -> tuple[str, ...]:
    return tuple(word for file in files for word in ("--snapshot", file))


def test_a_list_says_which_account_each_is_of(cli: Cli, files: tuple[str, str]) -> None:
    found = cli("list", "roles", *both(files), "--json")
    assert found.code == 0
    assert [(one["account"], one["arn"].split(":")[4], one["name"]) for one in found.json] == [
        (ID, ID, "ci"), (ID, ID, "same"), (OTHER, OTHER, "same"), (OTHER, OTHER, "target"),
    ]  # fmt: skip
    text = cli("list", "roles", *both(files))
    assert text.out.split()[:2] == ["ACCOUNT", "NAME"]
    assert text.err.endswith("4 roles of 2 accounts.\n")
    assert cli("list", "roles", "--snapshot", files[0], "--json").json[0].get("account") is None


@pytest.mark.parametrize("turned", [False, True])
def test_both_sides_decide_whichever_account_is_named_first(cli: Cli, files: tuple[str, str], turned: bool) -> None:
    named = both(files[::-1] if turned else files)
    mine = ("--snapshot", files[0])
    assume = ("sts:AssumeRole", "--on", TARGET)
    assert cli("can", iam("user/alice"), *assume, *mine).code == 3
    assert cli("can", iam("user/alice"), *assume, *named, "-o", "jsonl").json["decision"] == "allowed"
    # The trust policy lets in the account: who of it has no policy is not let in by that.
    assert cli("can", iam("user/bob"), *assume, *named, "-o", "jsonl").json["decision"] == "implicitDeny"
    read = ("s3:GetObject", "--on", f"{BUCKET}/x")
    bob = cli("can", iam("user/bob"), *read, *named, "-o", "jsonl").json
    assert (bob["decision"], bob["request"]["resource_account"]) == ("allowed", OTHER)
    # The bucket lets the role in, but its own account allows it nothing.
    assert cli("can", iam("role/ci"), *read, *named, "-o", "jsonl").json["decision"] == "implicitDeny"
    assert cli("can", iam("role/ci"), "s3:GetObject", "--on", "arn:aws:s3:::nobodys/x", *named).code == 1


def test_who_can_asks_everybody_of_all_accounts_once(cli: Cli, files: tuple[str, str]) -> None:
    found = cli("who-can", "sts:AssumeRole", "--on", TARGET, *both(files), "--all", "-o", "jsonl")
    answers = [(one["request"]["principal"], one["decision"]) for one in found.json_lines]
    assert len(answers) == len(dict(answers)) == 9
    allowed = {arn for arn, decision in answers if decision == "allowed"}
    assert allowed == {iam("user/alice")}
    text = cli("who-can", "sts:AssumeRole", "--on", TARGET, *both(files))
    assert text.code == 0
    assert f"{ID} user/alice" in text.out
    assert "of 9 users and roles." in text.err


def test_a_name_that_several_accounts_have_is_refused_with_the_arns(cli: Cli, files: tuple[str, str]) -> None:
    same = f"arn:aws:iam::{OTHER}:role/same"
    cli("can", "role/same", "s3:GetObject", *both(files)).failed_with("2 of the accounts", iam("role/same"), same)
    cli("show", "role/same", *both(files)).failed_with("things of 2 accounts", iam("role/same"), same)
    cli("can", "root", "s3:GetObject", *both(files)).failed_with("Each of the 2 accounts", "root")
    cli("can", "nobody", "s3:GetObject", *both(files)).failed_with("the accounts that are open")
    assert cli("show", same, *both(files), "--json").json["arn"] == same
    assert cli("can", "alice", "sts:AssumeRole", "--on", TARGET, *both(files)).code == 0


def test_findings_and_ways_to_become_administrator_are_those_of_each_account(cli: Cli, files: tuple[str, str]) -> None:
    for command in ("audit", "escalations"):
        alone = [cli(command, "--snapshot", file, "-o", "jsonl").json_lines for file in files]
        found = cli(command, *both(files), "-o", "jsonl").json_lines
        without = [{key: value for key, value in one.items() if key != "account"} for one in found]
        assert sorted(map(json.dumps, without)) == sorted(json.dumps(one) for each in alone for one in each)
    findings = cli("audit", *both(files), "-o", "jsonl").json_lines
    assert {one["account"] for one in findings} == {ID, OTHER}
    assert all(one["subject"].split(":")[4] == one["account"] for one in findings)
    log = cli("audit", *both(files), "-o", "sarif").json
    places = {one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in log["runs"][0]["results"]}
    assert places == {f"aws-account-{ID}", f"aws-account-{OTHER}"}


def test_a_denial_is_held_against_both_accounts(cli: Cli, files: tuple[str, str]) -> None:
    said = "An error occurred (AccessDenied) when calling the AssumeRole operation: User: {} is not authorized to perform: sts:AssumeRole on resource: {}"  # noqa: E501
    bob, ci = (said.format(iam(who), TARGET) for who in ("user/bob", "role/same"))
    for named in (both(files), both(files[::-1])):
        found = cli("explain", f"{bob}\n{ci}", *named, "--json")
        assert found.code == 0, found
        assert [one["decision"]["decision"] for one in found.json] == ["implicitDeny"] * 2
        assert [one["decision"]["request"]["principal"] for one in found.json] == [iam("user/bob"), iam("role/same")]
    assert cli("explain", bob, "--snapshot", files[1], "--json").json[0]["decision"]["decision"] != "implicitDeny"


def test_the_numbers_are_those_of_each_account(cli: Cli, files: tuple[str, str]) -> None:
    alone = [cli("overview", "--snapshot", file, "--json").json for file in files]
    assert cli("overview", *both(files), "--json").json == alone
    drawn = cli("overview", *both(files), "--ascii").out
    assert drawn.index(ID) < drawn.index(OTHER)
    listed = cli("overview", *both(files), "--list", "roles").out.split()
    assert {arn.split(":")[4] for arn in listed} == {ID, OTHER}


def test_one_account_is_never_opened_twice(cli: Cli, files: tuple[str, str], tmp_path: Path) -> None:
    copy = tmp_path / "copy.json"
    copy.write_bytes(Path(files[0]).read_bytes())
    refused = cli("list", "users", "--snapshot", files[0], "--snapshot", copy)
    refused.failed_with(f"one.json and copy.json are both of account {ID}.")


def test_a_file_that_cannot_be_read_is_a_mistake(cli: Cli, files: tuple[str, str]) -> None:
    cli("list", "users", "--snapshot", files[0], "--snapshot", "/no/such.json").failed_with("/no/such.json")


def test_several_accounts_of_one_file_are_opened_by_their_ids(cli: Cli, files: tuple[str, str], tmp_path: Path) -> None:
    dump = tmp_path / "dump.json"
    dump.write_text("".join(Path(file).read_text() for file in files))
    ids = ("--snapshot-account", ID, "--snapshot-account", OTHER)
    found = cli("list", "users", "--snapshot", dump, *ids, "--json")
    assert {one["account"] for one in found.json} == {ID, OTHER}
    refused = cli("list", "users", *both(files), "--snapshot-account", ID)
    refused.failed_with("--snapshot-account applies only with one --snapshot")


@pytest.mark.parametrize("command", [("impact", "x"), ("draft", "show", "x"), ("snapshot", "x.json"), ("info",)])
def test_what_is_about_one_account_says_which_option_to_drop(
    cli: Cli, files: tuple[str, str], command: tuple[str, ...]
) -> None:
    refused = cli(*command, *both(files))
    assert refused.code == 2
    assert "is about one account, and --snapshot names several" in " ".join(refused.err.split())


@pytest.fixture
def live(moto: MotoServer, no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch) -> MotoServer:
    """Two accounts of one moto, with a profile for each: dora of the first may read a bucket of the second."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    iam_of_first = moto.client("iam")
    iam_of_first.create_user(UserName="dora")
    iam_of_first.put_user_policy(UserName="dora", PolicyName="read", PolicyDocument=policy(moto_server.allow("s3:*")))
    client_in(moto, OTHER, "iam").create_role(RoleName="theirs", AssumeRolePolicyDocument=moto_server.trust())
    s3 = client_in(moto, OTHER, "s3")
    s3.create_bucket(Bucket="lake")
    who = {"AWS": iam("user/dora")}
    s3.put_bucket_policy(Bucket="lake", Policy=policy(moto_server.allow("s3:GetObject", f"{BUCKET}/*", Principal=who)))
    profiles(moto, no_aws_settings, first=ID, second=OTHER, again=ID)
    return moto


def test_profiles_are_opened_beside_each_other(cli: Cli, live: MotoServer) -> None:
    named = ("--profile", "first", "--profile", "second", "--endpoint-url", live.url)
    found = cli("list", "roles", *named, "--json")
    assert (found.code, [(one["account"], one["name"]) for one in found.json]) == (0, [(OTHER, "theirs")])
    twice = cli("list", "roles", *named, "--profile", "again")
    twice.failed_with(f"are both of account {ID}.")


def test_what_one_account_refuses_is_named_and_the_rest_is_shown(
    cli: Cli, live: MotoServer, no_aws_settings: Path
) -> None:
    credentials = no_aws_settings / "credentials"
    credentials.write_text(credentials.read_text() + "[expired]\naws_access_key_id = ASIAX\n")
    named = ("--profile", "expired", "--profile", "first", "--endpoint-url", live.url)
    found = cli("list", "users", *named, "--json")
    assert (found.code, [one["name"] for one in found.json]) == (3, ["dora"])
    assert "The profile expired could not be opened: " in found.err


def test_where_none_can_be_opened_that_is_said_of_all(cli: Cli, live: MotoServer, no_aws_settings: Path) -> None:
    credentials = no_aws_settings / "credentials"
    credentials.write_text("[expired]\naws_access_key_id = ASIAX\n[gone]\naws_access_key_id = ASIAX\n")
    named = ("--profile", "expired", "--profile", "gone", "--endpoint-url", live.url)
    cli("list", "users", *named).failed_with("None of the 2 accounts could be opened. The profile expired: ")


@pytest.mark.slow
def test_the_policy_of_a_resource_is_read_by_the_account_that_owns_it(cli: Cli, live: MotoServer) -> None:
    named = ("--profile", "first", "--profile", "second", "--endpoint-url", live.url)
    queue = client_in(live, OTHER, "sqs").create_queue(QueueName="jobs")["QueueUrl"]
    who = {"AWS": iam("user/dora")}
    arn = f"arn:aws:sqs:us-east-1:{OTHER}:jobs"
    text = policy(moto_server.allow("sqs:SendMessage", arn, Principal=who))
    client_in(live, OTHER, "sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": text})
    denied = cli("can", "dora", "sqs:SendMessage", "--on", arn, *named, "-o", "jsonl").json
    assert denied["decision"] == "implicitDeny"
    assert {layer["layer"]: layer["state"] for layer in denied["layers"]}["resource"] == "allows"
    # moto lets everybody read the policy of a bucket, which AWS does not.
    asked = ("who-can", "s3:GetObject", "--on", f"{BUCKET}/x", *named, "-o", "jsonl")
    cli(*asked).failed_with(f"{ID} and {OTHER}", "--resource-account")
    allowed = cli(*asked, "--resource-account", OTHER)
    assert [one["request"]["principal"] for one in allowed.json_lines] == [iam("user/dora")]


def test_a_command_of_one_of_the_profiles_is_asked_about_and_not_passed_over(
    live: MotoServer, no_aws_settings: Path
) -> None:
    (no_aws_settings / "config").write_text("[profile runs]\ncredential_process = /bin/true\n")
    runs = SourceChoice(SourceKind.LIVE, profile="runs", endpoint_url=live.url)
    with pytest.raises(UnconfirmedCommand, match="/bin/true"):
        open_accounts(SourceChoice(SourceKind.LIVE, profile="first", endpoint_url=live.url, beside=(runs,)))


def test_a_live_account_stands_beside_snapshots(cli: Cli, live: MotoServer, files: tuple[str, str]) -> None:
    named = ("--profile", "first", "--snapshot", files[1], "--endpoint-url", live.url)
    found = cli("list", "users", *named, "--json")
    assert (found.code, [(one["account"], one["name"]) for one in found.json]) == (
        0, [(ID, "dora"), (OTHER, "both"), (OTHER, "owner")],
    )  # fmt: skip
    assert f"NOT AWS: the answers come from {live.url}." in found.err
    twin = cli("list", "users", "--snapshot", files[0], *named)
    twin.failed_with(f"are both of account {ID}.")
    cli("list", "users", *named[:2], "--snapshot", "/no/such.json").failed_with("/no/such.json")
    choice = SourceChoice(SourceKind.LIVE, profile="first", region="us-east-1", endpoint_url=live.url)
    workspace = open_accounts(
        structs.replace(choice, beside=(SourceChoice(SourceKind.SNAPSHOT, Path(files[1]), region="us-east-1"),))
    )
    for here in (workspace, workspace.at(OTHER)):
        command = as_command(here, resolve_principal(here, iam("user/dora")), Question("s3:GetObject"))
        words = f"--profile first --snapshot {files[1]} --region us-east-1 --endpoint-url {live.url}"
        assert words in command


def test_what_one_account_is_enough_for_refuses_a_snapshot_beside_a_profile(cli: Cli, files: tuple[str, str]) -> None:
    refused = cli("snapshot", "x.json", "--snapshot", files[0], "--profile", "first")
    refused.failed_with("is about one account, and --snapshot beside --profile names several", "Give one source alone")
    role = cli("list", "users", "--snapshot", files[0], "--profile", "first", "--org-role", "r")
    role.failed_with("--snapshot and --org-role cannot be combined")
