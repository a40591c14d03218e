"""An account of which only a part was read: no command gives its answer out as that of the whole."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from iamtui.account.authorization_details import load_account
from iamtui.account.model import REST_OF_ACCOUNT
from iamtui.engine.decision import Outcome
from iamtui.questions.question import Question
from tests.questions.test_index import compare
from tests.support.cli_runner import Cli
from tests.support.snapshot_builder import (
    ID,
    allow,
    document,
    group,
    iam,
    inline,
    policy,
    role,
    snapshot,
    trust,
    user,
)

LETS_BOB_IN = role("open", AssumeRolePolicyDocument=trust({"AWS": iam("user/bob")}))
GAPS = (REST_OF_ACCOUNT, "all roles")


def partly_read(what: str = REST_OF_ACCOUNT) -> bytes:
    """Alice and bob may assume any role; carol may nothing; one role that was read lets bob in."""
    everything = [inline("p", document(allow("sts:AssumeRole")))]
    users = [user("alice", UserPolicyList=everything), user("bob", UserPolicyList=everything), user("carol")]
    gap = {"what": what, "permission": "iam:GetAccountAuthorizationDetails", "error": "it broke off"}
    made = snapshot(users=users, roles=[LETS_BOB_IN], missing=[gap], organization=None)
    return json.dumps({**made, "iamtui": {"version": 1, "account_id": ID}}).encode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "part.json"
    path.write_bytes(partly_read())
    return path


@pytest.mark.parametrize("on", ["*", f"arn:aws:iam::{ID}:role/*"])
@pytest.mark.parametrize(("name", "code"), [("alice", 3), ("bob", 0), ("carol", 1)])
def test_roles_that_were_not_read_may_let_somebody_in(cli: Cli, file: Path, on: str, name: str, code: int) -> None:
    asked = cli("can", f"user/{name}", "sts:AssumeRole", "--on", on, "--any-resource", "--snapshot", file)
    assert asked.code == code
    assert ("DEPENDS on trust policies of roles that were not read" in asked.out) is (code == 3)


@pytest.mark.parametrize("what", GAPS)
def test_the_index_agrees_with_the_evaluator(what: str) -> None:
    account = load_account(partly_read(what))
    said: Counter[str | None] = Counter()
    for resource in ("*", f"arn:aws:iam::{ID}:role/*", f"arn:aws:iam::{ID}:role/open"):
        compare(account, Question("sts:AssumeRole", resource), said)
    assert said[Outcome.DEPENDS]


COMMANDS = [
    ("who-can", "s3:GetObject"),
    ("trust",),
    ("trust", "open"),
    ("trust", "--from", "user/bob"),
    ("trust", "-o", "dot"),
    ("escalations",),
    ("escalations", "--fail-on", "possible"),
    ("audit",),
    ("overview",),
    ("list", "users"),
    ("list", "users", "--json"),
    ("show", "role/open", "--explain"),
    ("snapshot", "-"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_an_answer_about_the_whole_account_stays_open(cli: Cli, file: Path, words: tuple[str, ...]) -> None:
    found = cli(*words, "--snapshot", file)
    assert found.code == 3
    assert "Only a part of the account was read: it broke off." in found.err


def test_a_snapshot_of_a_part_is_written_and_says_so(cli: Cli, file: Path, tmp_path: Path) -> None:
    assert cli("snapshot", tmp_path / "again.json", "--snapshot", file).code == 3
    assert cli("list", "users", "--snapshot", tmp_path / "again.json").code == 3


def test_what_is_found_in_a_part_fails_a_check_all_the_same(cli: Cli, file: Path) -> None:
    assert cli("audit", "--fail-on", "low", "--snapshot", file).code == 1


@pytest.mark.parametrize("command", ["audit", "escalations"])
def test_sarif_says_that_the_run_did_not_succeed(cli: Cli, file: Path, command: str) -> None:
    (run,) = cli(command, "-o", "sarif", "--snapshot", file).json["runs"]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    (said,) = invocation["toolExecutionNotifications"]
    assert said["message"]["text"] == "Not read: the rest of the account: it broke off."


def test_audit_and_overview_name_what_was_not_read(cli: Cli, file: Path) -> None:
    audit = " ".join(cli("audit", "--snapshot", file).err.split())
    assert "Not checked: the rest of the account: it broke off (needs iam:GetAccountAuthorizationDetails)." in audit
    assert cli("overview", "--json", "--snapshot", file).json["complete"] is False
    assert cli("overview", "--json", "--demo").json["complete"] is True


def test_no_number_of_a_part_passes_as_that_of_the_whole(cli: Cli, file: Path) -> None:
    cli("can", "user/alice", "s3:GetObject", "--on", "arn:aws:s3:::b/k", "--save", "reads", "--snapshot", file)
    listed = cli("list", "users", "--snapshot", file)
    assert "3 users, and perhaps more that were not read." in listed.err
    drawn = {line[:26].strip(): line[26:34].strip() for line in cli("overview", "--snapshot", file).out.splitlines()}
    assert drawn["users of unknown kind"] == "3+"
    assert drawn["roles"] == "1+"
    assert "? of 4+ allowed" in cli("overview", "--snapshot", file).out
    incomplete = cli("overview", "--json", "--snapshot", file).json["incomplete"]
    assert {"users", "users.unknown", "roles", "groups", "policies"} <= incomplete.keys()


def test_an_answer_names_only_gaps_that_verdicts_rest_on(cli: Cli, tmp_path: Path) -> None:
    everything = [inline("p", document(allow("s3:GetObject")))]
    dump = {
        "UserDetailList": [user("ann", UserPolicyList=everything)], "RoleDetailList": [role("app")],
        "GroupDetailList": [], "Policies": [],
    }  # fmt: skip
    file = tmp_path / "dump.json"
    file.write_text(json.dumps(dump))
    found = cli("can", "user/ann", "s3:GetObject", "--on", "arn:aws:s3:::b/k", "--snapshot", file)
    assert found.err == (
        "Not loaded: organization: SCPs and RCPs (needs organizations:DescribeOrganization), resource policies. "
        "Answers that rest on them say so.\n"
    )
    overview = cli("overview", "--snapshot", file)
    assert "0 groups, 0 customer policies, ? instance profiles" in overview.out
    assert "last use of passwords: not in the snapshot (needs iam:ListUsers);" in overview.err
    assert "MFA devices: not in the snapshot (needs iam:ListMFADevices)" in overview.err
    assert "organization" not in overview.err.split("Not known: ")[1]
    listed = cli("list", "instance-profiles", "--snapshot", file)
    assert listed.err.endswith("No instance profiles were read, and there may be some.\n")
    assert listed.code == 3


def test_what_can_counts_on_no_role_that_was_not_read(cli: Cli, file: Path) -> None:
    found = cli("what-can", "user/alice", "--service", "sts", "--json", "--snapshot", file).json["actions"]
    assert {one["decision"] for one in found if one["action"] == "sts:AssumeRole"} == {"depends"}


@pytest.mark.parametrize(("command", "lines"), [("audit", 3), ("escalations", 1)])
def test_every_line_says_whether_the_whole_account_was_read(
    cli: Cli, file: Path, tmp_path: Path, command: str, lines: int
) -> None:
    data = json.loads(file.read_bytes())
    passes = document(allow("iam:AttachUserPolicy"))
    data["UserDetailList"].append(user("dora", UserPolicyList=[inline("p", passes)]))
    part, whole = tmp_path / "more.json", tmp_path / "whole.json"
    part.write_text(json.dumps(data))
    whole.write_text(json.dumps({**data, "missing": []}))
    for name, code, complete in ((part, 3, False), (whole, 0, True)):
        found = cli(command, "-o", "jsonl", "--snapshot", name)
        assert (found.code, {one["complete"] for one in found.json_lines}) == (code, {complete})
        assert len(found.json_lines) >= lines


def test_impact_says_whether_the_whole_account_was_read(cli: Cli, file: Path, tmp_path: Path) -> None:
    draft = tmp_path / "draft.json"
    draft.write_text(json.dumps({"iamtui_draft": 1, "account_id": ID, "name": "nothing", "edits": []}))
    found = cli("impact", draft, "--json", "--snapshot", file)
    assert (found.code, found.json["complete"]) == (3, False)
    asked = ("draft", "compare", draft, "s3:GetObject", "--snapshot", file)
    assert cli(*asked).code == 3
    assert cli(*asked, "--principal", "user/alice").code == 0


@pytest.fixture
def whole(file: Path, tmp_path: Path) -> Path:
    """The same account read as a whole: it has a user, a group, a role and a policy more."""
    data = json.loads(file.read_bytes())
    del data["missing"]
    data["UserDetailList"].append(user("dora", UserPolicyList=[inline("p", document(allow("s3:*")))]))
    data["GroupDetailList"].append(group("devs"))
    data["RoleDetailList"].append(role("admin", RolePolicyList=[inline("p", document(allow("*")))]))
    data["Policies"].append(policy("reader"))
    made = tmp_path / "whole.json"
    made.write_text(json.dumps(data))
    return made


@pytest.mark.parametrize("backwards", [False, True])
def test_nothing_is_said_to_come_or_go_with_a_part_that_was_not_read(
    cli: Cli, file: Path, whole: Path, backwards: bool
) -> None:
    files = (whole, file) if backwards else (file, whole)
    found = cli("diff", *files, "--json", "--fail-on", "change")
    assert found.code == 3
    assert f"Only a part of {file} was read: it broke off." in " ".join(found.err.split())
    said = found.json
    assert (said["complete"], said["entities"], said["access"], said["escalations"]) == (False, [], [], [])
    assert "holds only a part of the account: 4 entities of one of them" in said["not_compared"][0]
    both = cli("diff", whole, whole, "--json", "--fail-on", "change")
    assert (both.code, both.json["complete"], both.json["not_compared"]) == (0, True, [])


def test_a_list_that_was_not_read_hides_only_those_of_its_kind(cli: Cli, whole: Path, tmp_path: Path) -> None:
    data = json.loads(whole.read_bytes())
    data["UserDetailList"], data["RoleDetailList"] = data["UserDetailList"][:2], data["RoleDetailList"][:1]
    data["missing"] = [{"what": "all roles", "permission": "iam:ListRoles", "error": "AccessDenied"}]
    part = tmp_path / "no-roles.json"
    part.write_text(json.dumps(data))
    found = cli("diff", whole, part, "--json")
    assert (found.code, {one["name"].rpartition(":")[2] for one in found.json["entities"]}) == (
        3,
        {"user/carol", "user/dora"},
    )


def test_what_a_group_gives_that_was_not_read_is_not_lost(cli: Cli, file: Path, whole: Path, tmp_path: Path) -> None:
    """What cannot be read in one of two snapshots makes nobody gain or lose."""
    data = json.loads(whole.read_bytes())
    data["GroupDetailList"] = [group("devs", GroupPolicyList=[inline("own", document(allow("sns:Publish")))])]
    data["UserDetailList"][2]["GroupList"] = ["devs"]
    whole.write_text(json.dumps(data))
    data["GroupDetailList"] = []
    data["missing"] = json.loads(file.read_bytes())["missing"]
    file.write_text(json.dumps(data))
    for files in ((whole, file), (file, whole)):
        found = cli("diff", *files, "--json", "--fail-on", "change")
        assert (found.code, found.json["access"], found.json["entities"]) == (3, [], [])
        assert "What the policies of group devs say is not known in one of the snapshots" in found.json["not_compared"]
        assert "What 1 user or role may do rests on such policies, and is not compared" in found.json["not_compared"]


def test_an_answer_about_one_principal_holds_whatever_else_was_not_read(cli: Cli, file: Path, tmp_path: Path) -> None:
    """`can`, `explain` and `questions run`: what could differ depends on what was not read, and all else is certain."""
    questions = tmp_path / "questions.json"
    saved = ("--questions", questions, "--snapshot", file)
    on = ("--on", f"arn:aws:iam::{ID}:role/*")
    cli("can", "user/carol", "s3:GetObject", "--expect", "denied", "--save", "certain", *saved)
    assert cli("questions", "run", *saved).code == 0
    cli("can", "user/alice", "sts:AssumeRole", *on, "--expect", "denied", "--save", "open", *saved)
    assert cli("questions", "run", *saved).code == 1
    by = "because no identity-based policy allows the s3:GetObject action"
    for name, code in (("carol", 0), ("nobody", 3)):
        words = f"User: {iam(f'user/{name}')} is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/x"
        assert cli("explain", f"{words} {by}", "--snapshot", file).code == code
    asked = cli("explain", "Not authorized to perform sts:AssumeRoleWithWebIdentity", "--snapshot", file)
    assert "No role of the part of this account that was read trusts" in " ".join(asked.out.split())
    assert asked.code == 3


NOT_READ = pytest.mark.parametrize("kept", [{"AssumeRolePolicyDocument": "{not JSON"}, {}])
DENIED = inline("p", {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})


def with_trust(tmp_path: Path, name: str, kept: dict[str, object]) -> Path:
    """Nobody of the account may assume the role; whom else its trust policy lets in is what `kept` says."""
    made = role("target", RolePolicyList=[DENIED])
    del made["AssumeRolePolicyDocument"]
    file = tmp_path / name
    file.write_text(json.dumps(snapshot(users=[user("u", UserPolicyList=[DENIED])], roles=[made | kept])))
    return file


@NOT_READ
def test_whom_a_trust_policy_that_was_not_read_lets_in_is_unknown_and_not_nobody(
    cli: Cli, tmp_path: Path, kept: dict[str, object]
) -> None:
    file = with_trust(tmp_path, "account.json", kept)
    told = cli("trust", "--snapshot", file)
    assert told.code == 3
    assert "nobody may assume it" not in told.out
    assert "[?]  others  not known: its trust policy" in told.out
    (row,) = cli("trust", "-o", "jsonl", "--snapshot", file).json_lines
    assert (row["kind"], row["decision"], row["complete"]) == ("unknown", "depends", False)
    assert "Not checked: trust policies of roles (1): " in cli("audit", "--snapshot", file).err
    counted = cli("overview", "--json", "--snapshot", file).json
    assert counted["incomplete"]["trust-outside"] == 1
    assert any(words.startswith("trust policies of ") for words in counted["not_known"])
    cli("snapshot", "--org", tmp_path / "org", "--snapshot", file)
    of_all = cli("org", "ask", "--store", tmp_path / "org", "--audit", "--workers", "1").err
    assert (
        f"Not checked: trust policies of roles ({'cannot be read' if kept else 'needs iam:GetRole'}): of {ID}" in of_all
    )


@NOT_READ
def test_nobody_from_outside_is_lost_with_a_trust_policy_that_was_not_read(
    cli: Cli, tmp_path: Path, kept: dict[str, object]
) -> None:
    before = with_trust(tmp_path, "before.json", {"AssumeRolePolicyDocument": trust({"AWS": "222222222222"})})
    compared = cli("diff", before, with_trust(tmp_path, "after.json", kept), "--fail-on", "lost")
    assert compared.code == 3
    assert "Whom else" in compared.out + compared.err


def test_an_audit_names_policies_that_it_could_not_read(cli: Cli, tmp_path: Path) -> None:
    unread = user("u", UserPolicyList=[inline("p", "{not JSON")])
    attached = user("v", AttachedManagedPolicies=[{"PolicyName": "x", "PolicyArn": iam("policy/x")}])
    file = tmp_path / "account.json"
    lacking = user("w")
    del lacking["AttachedManagedPolicies"]
    file.write_text(json.dumps(snapshot(users=[unread, attached, lacking])))
    said = cli("audit", "--snapshot", file).err
    assert "Not checked: policies (1): cannot be read." in said
    assert "Not checked: policies (1): not loaded (needs iam:GetPolicyVersion)." in said
    assert "Not checked: attached policies of users, groups and roles (1): " in said


def test_tags_that_an_entry_does_not_tell_are_unknown(cli: Cli, tmp_path: Path) -> None:
    ann = {key: value for key, value in user("ann").items() if key != "Tags"}
    file = tmp_path / "dump.json"
    users = [ann, {**user("bob"), "Tags": []}]
    file.write_text(json.dumps({"UserDetailList": users, "RoleDetailList": [], "GroupDetailList": [], "Policies": []}))
    shown = [cli("show", f"user/{name}", "--snapshot", file).out.split("tags", 1)[1] for name in ("ann", "bob")]
    assert [words.split()[0] for words in shown] == ["unknown:", "none"]
    assert cli("show", "user/ann", "--json", "--snapshot", file).json["tags"] is None
