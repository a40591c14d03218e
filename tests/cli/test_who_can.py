"""`iamtui who-can`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iamtui.workspace.ask.access import PrincipalAccess, who_has_access
from tests.support import wording
from tests.support.cli_runner import Cli

LAKE = "arn:aws:s3:::data-lake/x"
DEPLOY = "arn:aws:iam::123456789012:role/deploy-prod"


def test_lists_everyone_who_may_and_counts_on_stderr(cli: Cli, snapshot: str) -> None:
    result = cli("who-can", "s3:GetObject", "--on", LAKE, "--snapshot", snapshot)
    assert result.code == 3, "whom the bucket's policy lets in is not known"
    names = [line.split()[2] for line in result.out.splitlines()]
    assert names == ["user/alice", "user/data/bob", "user/automation/ci-deploy", "role/deploy-prod", "role/web-server"]
    assert result.err.splitlines()[-1].endswith("denied of 8 users and roles.")


def test_says_on_what_condition(cli: Cli, snapshot: str) -> None:
    result = cli("who-can", "sts:AssumeRole", "--on", DEPLOY, "--snapshot", snapshot)
    alice = next(line for line in result.out.splitlines() if "user/alice" in line)
    assert alice.startswith(wording.DEPENDS)
    assert "if aws:MultiFactorAuthPresent is true" in alice


def test_json_is_one_decision_per_line(cli: Cli, snapshot: str) -> None:
    decisions = cli("who-can", "s3:GetObject", "--on", LAKE, "-o", "jsonl", "--snapshot", snapshot).json_lines
    assert {decision["decision"] for decision in decisions} <= {"allowed", "depends"}
    assert decisions[0]["request"]["principal"] == "arn:aws:iam::123456789012:user/alice"


def test_all_lists_those_who_may_not_too(cli: Cli, snapshot: str) -> None:
    result = cli("who-can", "s3:GetObject", "--on", LAKE, "--all", "--snapshot", snapshot)
    assert len(result.out.splitlines()) == 8
    assert wording.NOT_ALLOWED in result.out


def test_of_several_pairs_a_principals_worst_decides_and_the_counts_are_said(cli: Cli, snapshot: str) -> None:
    asked = ("who-can", "s3:GetObject", "s3:DeleteObject", "--on", LAKE, "--snapshot", snapshot)
    result = cli(*asked, "--all")
    assert len(result.out.splitlines()) == 8
    web = next(line for line in result.out.splitlines() if "role/web-server" in line)
    assert web.startswith(wording.DENIED_EXPLICITLY)
    assert f"1 denied explicitly, 1 allowed {wording.AS_LOADED}; worst: s3:DeleteObject" in web
    found = {entry["principal"].rsplit("/", 1)[-1]: entry for entry in cli(*asked, "--all", "-o", "jsonl").json_lines}
    assert found["web-server"]["decision"] == "explicitDeny"
    assert found["web-server"]["counts"] == {"allowed": 1, "explicitDeny": 1}
    assert found["web-server"]["worst"]["request"]["action"] == "s3:DeleteObject"


def test_of_a_pattern_one_action_is_enough_unless_every_one_is_asked_for(cli: Cli, snapshot: str) -> None:
    asked = ("who-can", "s3:*Object", "--on", LAKE, "--snapshot", snapshot)
    (alice,) = (line for line in cli(*asked).out.splitlines() if "user/alice" in line)
    assert alice.startswith(f"{wording.ALLOWED}  user/alice  4 of 5: s3:GetObject, s3:PutObject, ")
    assert "user/alice" not in cli(*asked, "--every").out
    entries = cli(*asked, "--all", "-o", "jsonl").json_lines
    assert {entry["pairs"] for entry in entries} == {entries[0]["pairs"]}
    assert entries[0]["pairs"] > 4
    found = {entry["principal"].rsplit("/", 1)[-1]: entry for entry in entries}
    assert [one["action"] for one in found["alice"]["granted"]][:2] == ["s3:GetObject", "s3:PutObject"]
    assert found["alice"]["best"]["request"]["action"] == "s3:GetObject"


def test_any_of_several_actions_is_as_good_as_the_best_answer_of_can(cli: Cli, snapshot: str) -> None:
    actions, resources = ("s3:GetObject", "s3:DeleteObject", "s3:PutObject"), (LAKE, "arn:aws:s3:::data-lake/y")
    on = [word for resource in resources for word in ("--on", resource)]
    entries = cli("who-can", *actions, *on, "--any", "--all", "-o", "jsonl", "--snapshot", snapshot).json_lines
    ranks = ("allowed", "depends", "implicitDeny", "explicitDeny")
    for entry in entries:
        alone = cli("can", entry["principal"], *actions, *on, "--json", "--snapshot", snapshot).json
        assert entry["decision"] == min((one["decision"] for one in alone), key=ranks.index)
        granted = {
            (one["request"]["action"], one["request"]["resource"]) for one in alone if one["decision"] in ranks[:2]
        }
        assert {(one["action"], one["resource"]) for one in entry["granted"]} == granted
        assert entry["best"]["deciding"] == entry["decision"]
    assert {entry["decision"] for entry in entries} > {"allowed"}


def test_an_access_level_stands_for_the_actions_of_it_that_are_about_the_resource(cli: Cli) -> None:
    on = ("--on", "arn:aws:s3:::puffin-data-lake/raw/x")
    entries = cli("who-can", "--access-level", "write", *on, "-o", "jsonl", "--demo").json_lines
    found = {entry["principal"].rsplit("/", 1)[-1]: entry for entry in entries}
    assert [one["action"] for one in found["svc-lake-loader"]["granted"]] == ["s3:AbortMultipartUpload", "s3:PutObject"]
    assert "analytics-lake-reader" not in found
    narrow = cli("who-can", "s3:Put*", "--access-level", "tagging", *on, "-o", "jsonl", "--demo").json_lines
    assert {one["action"] for entry in narrow for one in entry["granted"]} == {
        "s3:PutObjectTagging",
        "s3:PutObjectVersionTagging",
    }


def test_says_by_which_policy_and_of_which_group(cli: Cli) -> None:
    result = cli("who-can", "s3:GetObject", "--on", "arn:aws:s3:::puffin-data-lake/x", "--demo")
    lines = {line.split()[2]: line for line in result.out.splitlines()}
    assert lines["user/data/felix.braun"].endswith("by data-lake-read / ReadLake (lines 4-15) of group data-engineers")
    assert lines["role/data/analytics-lake-reader"].endswith("by data-lake-read / ReadLake (lines 4-15)")
    both = lines["user/data/amara.diallo"]
    assert "by lake-administration / EverythingOnDataBuckets (lines 4-14), data-lake-read / ReadLake" in both
    curated = cli("who-can", "s3:GetObject", "--on", "arn:aws:s3:::puffin-data-lake/curated/x", "-o", "jsonl", "--demo")
    (outside,) = (entry for entry in curated.json_lines if "777788889999" in entry["request"]["principal"])
    assert [grant["kind"] for grant in outside["grants"]] == ["resourcePolicy"]


def test_who_gets_it_by_assuming_roles_is_listed_with_the_roles(cli: Cli) -> None:
    asked = ("who-can", "s3:GetObject", "--on", "arn:aws:s3:::puffin-data-lake/smoke-tests/x", "--demo")
    plain = cli(*asked)
    result = cli(*asked, "--through-roles")
    assert result.out.startswith(plain.out)
    rows = result.out.removeprefix(plain.out).splitlines()
    lines = {line.split()[2]: line for line in rows}
    assert "through role/deploy-prod by smoke-test-lake" in lines["role/pipelines/codepipeline-release"]
    assert lines["role/pipelines/codepipeline-release"].startswith(wording.ALLOWED)
    maya = lines["user/platform/maya.okafor"]
    assert maya.startswith(wording.DEPENDS)
    assert "if aws:MultiFactorAuthPresent is true (to assume deploy-prod)" in maya
    sure = sum(line.startswith(wording.ALLOWED) for line in rows)
    assert 0 < sure < len(rows)
    assert f" {sure} more get it by assuming roles, {len(rows) - sure} on a condition." in result.err
    entries = cli(*asked, "--through-roles", "-o", "jsonl").json_lines
    (chained,) = (one for one in entries if one.get("principal", "").endswith("user/platform/maya.okafor"))
    assert chained["decision"] == "depends"
    assert chained["through"] == ["arn:aws:iam::111122223333:role/deploy-prod"]


def test_csv_and_markdown_hold_the_same_rows(cli: Cli, tmp_path: Path) -> None:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement | {"Sid": "Read"}]}
    user: dict[str, Any] = {"Arn": "arn:aws:iam::123456789012:user/a", "UserName": "a", "UserId": "AIDA1", "Path": "/"}
    user |= {"GroupList": [], "AttachedManagedPolicies": []}
    user["UserPolicyList"] = [{"PolicyName": "=HYPERLINK(1)|x", "PolicyDocument": document}]
    file = tmp_path / "account.json"
    file.write_text(json.dumps({"UserDetailList": [user]}))
    asked = ("who-can", "s3:GetObject", "s3:PutObject", "--any", "--snapshot", str(file))
    (row,) = csv.DictReader(io.StringIO(cli(*asked, "-o", "csv").out))
    assert (row["principal"], row["decision"]) == ("arn:aws:iam::123456789012:user/a", "allowed")
    assert row["allowed"] == "s3:GetObject on *"
    assert row["by"].startswith("'=HYPERLINK(1)|x / Read")
    heading, line, found = cli(*asked, "-o", "markdown").out.splitlines()
    assert (heading, line) == (f"| {' | '.join(row)} |", "|" + " --- |" * len(row))
    assert "=HYPERLINK(1)\\|x / Read" in found


def test_prints_each_principal_as_it_is_found(cli: Cli, snapshot: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: Any, **options: Any) -> Iterator[PrincipalAccess]:
        yield next(who_has_access(*args, **options))
        raise KeyboardInterrupt

    monkeypatch.setattr("iamtui.cli.who_can.who_has_access", interrupted)
    result = cli("who-can", "s3:GetObject", "--on", LAKE, "--snapshot", snapshot)
    assert result.code == 130
    assert result.out.startswith(f"{wording.ALLOWED}  user/alice")


def test_each_row_is_handed_on_at_once(cli: Cli, snapshot: str, monkeypatch: pytest.MonkeyPatch) -> None:
    handed_on: list[int] = []
    after_each: list[int] = []

    def found(*args: Any, **options: Any) -> Iterator[PrincipalAccess]:
        for one in who_has_access(*args, **options):
            yield one
            after_each.append(len(handed_on))

    monkeypatch.setattr("iamtui.cli.who_can.who_has_access", found)
    monkeypatch.setattr("iamtui.cli.output.Output.flush", lambda self: handed_on.append(1))
    cli("who-can", "s3:GetObject", "--on", LAKE, "--all", "--snapshot", snapshot)
    assert after_each == [*range(1, 9)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "ACTION"),
        (("--access-level", "write"), "--on has to name a resource"),
        (("--access-level", "write", "s3:GetObject"), "No action of access level Write of s3:GetObject"),
        (("s3:Foo*",), "s3:Foo* matches no action"),
        (("iam:*User", "--on", LAKE), f"No action of iam:*User is about {LAKE}"),
        (("s3:GetObject", "--json", "-o", "csv"), "--json is short for -o json"),
        (("s3:GetObject", "--through-roles", "--chained-from", "web-server"), "exclude each other"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_sentence(
    cli: Cli, snapshot: str, words: tuple[str, ...], said: str
) -> None:
    cli("who-can", *words, "--snapshot", snapshot).failed_with(said)


def test_of_a_chain_of_roles_it_is_not_said_whose_credentials_are_scoped_down(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "scope.json"
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": []}))
    result = cli("who-can", "s3:GetObject", "--through-roles", "--scope-down", str(file), "--demo")
    result.failed_with("exclude each other")


def test_an_account_whose_example_assumes_roles_is_named_in_its_place(cli: Cli) -> None:
    asked = ("who-can", "s3:GetObject", "--on", "arn:aws:s3:::puffin-deploy-artifacts/x", "--through-roles", "--demo")
    result = cli(*asked)
    assert result.code == 3
    assert "any-role" not in result.out
    assert "account 555566667777" in result.out
    entries = [one for one in cli(*asked, "-o", "jsonl").json_lines if one.get("stands_for") == "555566667777"]
    assert [one["through"][-1].rsplit("/", 1)[-1] for one in entries] == ["AWSControlTowerExecution"]


def test_with_a_chain_only_roles_are_asked(cli: Cli, snapshot: str) -> None:
    result = cli(
        "who-can", "s3:GetObject", "--on", LAKE, "--chained-from", "web-server", "--all", "--snapshot", snapshot
    )
    assert "user/" not in result.out
    assert result.err.splitlines()[-1].endswith(" roles.")


def test_nobody_is_an_answer_too(cli: Cli) -> None:
    result = cli("who-can", "sts:AssumeRoot", "--demo")
    assert (result.code, result.out) == (0, "")
    assert "users and roles." in result.err


def test_whom_the_resources_policy_names_besides_is_listed(cli: Cli) -> None:
    asked = ("who-can", "s3:PutObject", "--on", "arn:aws:s3:::puffin-partner-manifests/x", "--demo", "--all")
    result = cli(*asked)
    assert [line for line in result.out.splitlines() if "arn:aws:iam::666677778888:role/parcel-exchange" in line]
    assert "users and roles and 1 whom the resource's policy names besides." in result.err
    everybody = cli("who-can", "s3:GetObject", "--on", "arn:aws:s3:::puffin-tracking-site/x", "--demo", "--all")
    assert "cloudfront.amazonaws.com" in everybody.out
    assert "anonymous" in everybody.out
    assert "everyone: users and roles of every account" in everybody.out


def test_a_pattern_of_principals_has_a_row_in_every_form_and_leaves_the_list_open(cli: Cli, tmp_path: Path) -> None:
    queue = "arn:aws:sqs:eu-west-1:111122223333:shipment-events"
    others = "arn:aws:iam::*:role/Deploy*"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:ReceiveMessage", "Resource": queue}
    opened = {**statement, "Condition": {"ArnLike": {"aws:PrincipalArn": others}}}
    (tmp_path / "queue.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": opened}))
    draft = tmp_path / "queue.draft.json"
    assert cli("draft", "edit", draft, "put-resource-policy", queue, tmp_path / "queue.json", "--demo").code == 0
    asked = ("who-can", "sqs:ReceiveMessage", "--on", queue, "--demo", "--draft", draft)
    (line,) = (line for line in cli(*asked).out.splitlines() if others in line)
    assert line.startswith(f"{wording.DEPENDS}  {others}  if ")
    assert "its own account allows it" in line
    assert "any-role" not in line
    rows = cli(*asked, "-o", "jsonl")
    assert rows.code == 3
    assert [one["stands_for"] for one in rows.json_lines if "stands_for" in one] == [others]
    (cells,) = (row for row in csv.reader(cli(*asked, "-o", "csv").out.splitlines()) if row[1] == others)
    assert cells[0] == "depends"
    assert "1 row for users and roles of other accounts." in rows.err


def test_an_account_that_a_trust_policy_names_is_asked_about_as_its_roles_not_as_its_root_user(cli: Cli) -> None:
    role = "arn:aws:iam::111122223333:role/external/skylark-cost-reader"
    lines = cli("who-can", "sts:AssumeRole", "--on", role, "--demo").out.splitlines()
    (outside,) = (line for line in lines if "999900001111" in line)
    assert outside.startswith(f"{wording.DEPENDS}  arn:aws:iam::999900001111:role/any-role")
    assert "sts:ExternalId is puffin-parcel-4471" in outside


def test_of_several_actions_each_names_whom_the_trust_policy_lets_in(cli: Cli) -> None:
    role = "arn:aws:iam::111122223333:role/pipelines/github-tracking-api"
    result = cli("who-can", "sts:AssumeRole*", "--on", role, "--demo")
    (provider,) = (line for line in result.out.splitlines() if "oidc-provider/token.actions" in line)
    assert provider.startswith(wording.DEPENDS)
    assert "sts:AssumeRoleWithWebIdentity" in provider


@pytest.mark.parametrize(
    ("on", "code"),
    [
        (("arn:aws:s3:::puffin-data-lake/x",), 0),
        (("arn:aws:s3:::puffin-data-lake/x", "arn:aws:s3:::nobody-has-it/x"), 3),
        (("arn:aws:sqs:eu-west-1:111122223333:*",), 3),
        ((), 0),
    ],
)
def test_a_list_that_may_lack_somebody_ends_with_3(cli: Cli, on: tuple[str, ...], code: int) -> None:
    action = "sqs:SendMessage" if "sqs" in str(on) else "s3:GetObject"
    result = cli("who-can", action, *(word for arn in on for word in ("--on", arn)), "--demo")
    assert result.code == code, result
    assert ("Who else the resource lets in is unknown" in result.err) == (code == 3 or not on)


def test_what_depends_names_the_part_of_a_set_that_it_is_about(cli: Cli) -> None:
    """Who may write to a folder on a condition may not write to the whole bucket on that condition."""
    asked = ("s3:PutObject", "--on", "arn:aws:s3:::puffin-data-lake/*", "--demo")
    part = "on some: arn:aws:s3:::puffin-data-lake/curated/*"
    (line,) = (line for line in cli("who-can", *asked).out.splitlines() if "role/data/data-engineer" in line)
    assert line.startswith(wording.DEPENDS)
    assert f"if s3:x-amz-server-side-encryption is aws:kms, {part}" in line
    one = cli("can", "role/data-engineer", *asked).out
    assert one.splitlines()[0].endswith(part)
    assert "only if s3:x-amz-server-side-encryption is aws:kms, but only on some resources: " in one
