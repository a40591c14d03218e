"""`iamtui draft`, and `--draft` on the other commands."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from iamtui.account.snapshot_writer import snapshot_of
from iamtui.cli.draft import EDITS, ENTRIES
from iamtui.drafts.draft import EDIT_KINDS, Draft, read_draft, write_draft
from iamtui.drafts.edits.organization import DetachOrganizationPolicy
from iamtui.drafts.edits.principals import AttachPolicy
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.workspace.ask.saved_questions import QuestionStore
from tests.support import wording
from tests.support.cli_runner import Cli
from tests.support.draft_accounts import BUCKET, OU, drafting_account, text
from tests.support.sample_account import ID, LAKE_READ, allow, deny, iam

CAROL = iam("user/carol")


@pytest.fixture
def account(tmp_path: Path) -> str:
    file = tmp_path / "account.json"
    file.write_text(json.dumps(snapshot_of(drafting_account())))
    return str(file)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "more.draft.json"


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "policy.json"
    path.write_text(text(allow("s3:GetObject", f"{BUCKET}/*")))
    return str(path)


def draft_in(file: Path) -> Draft:
    return read_draft(file.read_text())


def written(file: Path, **changes: Any) -> Path:
    value = json.loads(write_draft(Draft(ID, "more", (AttachPolicy(CAROL, LAKE_READ.arn),))))
    file.write_text(json.dumps({**value, **changes}))
    return file


@pytest.mark.parametrize("command", ["", *ENTRIES])
def test_help_names_the_command(cli: Cli, command: str) -> None:
    result = cli("draft", *([command] if command else []), "--help")
    assert result.code == 0
    assert f"iamtui draft {command}".strip() in result.out


def test_an_unknown_command_names_the_nearest(cli: Cli) -> None:
    cli("draft", "exprt").failed_with("no command exprt", "Did you mean export?", "iamtui draft --help")
    cli("draft").failed_with("Missing command", "iamtui draft --help")


def test_a_draft_is_made_edit_by_edit(cli: Cli, account: str, file: Path) -> None:
    first = cli(
        "draft", "edit", file, "attach", "user/carol", "data-lake-read", "--name", "more", "--snapshot", account
    )
    assert first.code == 0
    assert "Edit 1: attach data-lake-read to user/carol." in first.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    cli("--snapshot", account, "draft", "edit", file, "add-to-group", "carol", "auditors")
    assert draft_in(file).name == "more"
    assert [type(edit).__name__ for edit in draft_in(file).edits] == ["AttachPolicy", "AddUserToGroup"]
    undone = cli("draft", "edit", file, "undo", "--snapshot", account)
    assert "Taken back: edit 2, add user/carol to group/auditors." in undone.err
    cli("draft", "edit", file, "drop", "1", "--snapshot", account)
    assert draft_in(file).edits == ()
    cli("draft", "edit", file, "undo", "--snapshot", account).failed_with("no edits to undo")


@pytest.mark.parametrize(
    ("words", "statement", "said"),
    [
        (
            ("put-inline", "carol", "p"),
            allow("s3:*", Principal="*"),
            "Principal is not allowed in an identity-based",
        ),
        (("put-policy", "new"), allow("s3:*", NotPrincipal="*"), "is not allowed in an identity-based policy"),
        (("set-trust", "role/web-server"), allow("sts:AssumeRole"), "AWS would refuse the document"),
        (("put-resource-policy", BUCKET), allow("s3:*"), "needs a Principal"),
        (("put-scp", OU, "p"), deny("s3:*", Principal="*"), "is not allowed in a service control policy"),
        (("put-rcp", OU, "p"), deny("s3:*"), "needs a Principal"),
        (
            ("put-resource-policy", f"arn:aws:ec2:us-east-1:{ID}:instance/i-1"),
            allow("ec2:*", Principal="*"),
            "resources of ec2 have no policies of their own",
        ),
    ],
)
def test_a_document_that_aws_would_refuse_is_no_edit(
    cli: Cli, account: str, file: Path, tmp_path: Path, words: tuple[str, ...], statement: dict[str, object], said: str
) -> None:
    document = tmp_path / "document.json"
    document.write_text(text(statement))
    result = cli("draft", "edit", file, *words, document, "--snapshot", account)
    assert result.code == 2
    assert said in result.err
    assert not file.exists()


def test_what_the_lint_says_of_a_document_stays_with_its_edit(
    cli: Cli, account: str, file: Path, tmp_path: Path
) -> None:
    document = tmp_path / "document.json"
    document.write_text(text(allow("s3:GetObjekt"), allow("iam:PassRole")))
    made = cli("draft", "edit", file, "put-policy", "AdministratorAccess", document, "--snapshot", account)
    shown = cli("draft", "show", file, "--snapshot", account)
    for output in (made.err, shown.out):
        words = " ".join(output.split())
        assert 'Error in line 6: AWS lists no action "s3:GetObjekt"' in words
        assert "Warning in line " in words
        assert "AWS has a policy AdministratorAccess too, which stays as it is" in words
    assert cli("draft", "check", file, "--fail-on-findings", "--snapshot", account).code == 1
    assert cli("draft", "check", file, "--snapshot", account).code == 0
    document.write_text(text(allow("s3:GetObjekt"), allow("iam:PassRole"), allow("sqs:*")))
    cli("draft", "edit", file, "put-policy", "AdministratorAccess", document, "--snapshot", account)
    again = " ".join(cli("draft", "show", file, "--snapshot", account).out.split())
    exported = cli("draft", "export", file, "--snapshot", account)
    assert "# EDIT 2: Error in line 6: AWS lists no action" in exported.out
    assert "Edit 2: Error in line 6: AWS lists no action" in " ".join(exported.err.split())
    assert again.count("Error in line 6: ") == 1, "said of the document that stays"
    assert again.index("2 give the policy AdministratorAccess") < again.index("Error in line 6: ")


def test_an_edit_tells_what_it_brings_and_where_the_rest_is_told(
    cli: Cli, account: str, file: Path, tmp_path: Path
) -> None:
    def told(*words: str | Path) -> str:
        made = cli("draft", "edit", file, *words, "--snapshot", account)
        assert made.code == 0
        return " ".join(made.err.split())

    document = tmp_path / "document.json"
    document.write_text(text(allow("s3:GetObjekt")))
    check = f"iamtui draft check {file} --snapshot {account}"
    assert "AWS lists no action" in (first := told("put-inline", "carol", "p", document))
    assert "draft check" not in first
    second = told("detach-scp", OU, "FullAWSAccess")
    assert "AWS lists no action" not in second
    assert "No SCP at Production allows anything then" in second
    assert f"1 earlier finding stays; all of them: {check}" in second
    third = told("attach", "user/carol", "data-lake-read")
    assert "Production" not in third
    assert f"3 earlier findings stay; all of them: {check}" in third
    assert "earlier findings stay" in (dropped := told("drop", "1"))
    assert "Production" not in dropped, "the number alone is another"
    document.write_text(text(allow("s3:GetObjekt"), allow("s3:PutObjekt")))
    assert "PutObjekt" in told("put-inline", "carol", "p", document)
    again = told("put-inline", "carol", "p", document)
    assert "already says this" in again
    assert "PutObjekt" not in again


def test_an_allow_that_others_get_too_and_a_level_that_allows_nothing_are_findings(
    cli: Cli, account: str, file: Path, policy: str
) -> None:
    cli("draft", "edit", file, "put-policy", "data-lake-read", policy, "--snapshot", account)
    cli("draft", "edit", file, "detach-scp", OU, "FullAWSAccess", "--snapshot", account)
    shown = " ".join(cli("draft", "show", file, "--snapshot", account).out.split())
    assert "data-lake-read applies to " in shown
    assert " is new or changed for all." in shown
    assert "No SCP at Production allows anything then, so nothing is allowed at that level and below it." in shown


def test_every_kind_of_edit_can_be_made(cli: Cli, account: str, file: Path, policy: str, tmp_path: Path) -> None:
    trust = tmp_path / "trust.json"
    trust.write_text(text({"Effect": "Allow", "Principal": {"AWS": CAROL}, "Action": "sts:AssumeRole"}))
    bucket = tmp_path / "bucket.json"
    bucket.write_text(text(deny("s3:*", f"{BUCKET}/*", Principal={"AWS": CAROL})))
    rcp = tmp_path / "rcp.json"
    rcp.write_text(text(deny("s3:*", Principal="*", Condition={"StringNotEquals": {"aws:PrincipalAccount": ID}})))
    words: dict[str, list[str | Path]] = {
        "attach": ["user/carol", "AdministratorAccess"],
        "detach": ["role/web-server", "data-lake-read"],
        "put-inline": ["carol", "extra", policy],
        "delete-inline": ["user/bob", "scratch-bucket"],
        "put-policy": ["brand-new", policy],
        "add-to-group": ["carol", "auditors"],
        "remove-from-group": ["user/alice", "group/admins"],
        "set-boundary": ["carol", "developer-boundary"],
        "drop-boundary": ["bob"],
        "set-trust": ["role/web-server", trust],
        "put-scp": [OU, "fence", policy],
        "detach-scp": [OU, "no-leaving"],
        "put-rcp": [ID, "ours", rcp],
        "detach-rcp": [ID, "ours"],
        "put-resource-policy": [BUCKET, bucket],
        "delete-resource-policy": [BUCKET],
        "create-role": ["made", trust],
        "delete-login-profile": ["alice"],
        "delete-access-key": ["alice", "AKIAALICE00000000002"],
        "delete-user": ["ci-deploy"],
        "delete-policy": ["ops-runbooks"],
        "delete-role": ["deploy-prod"],
    }
    assert set(words) == set(EDITS)
    for kind, given in words.items():
        result = cli("draft", "edit", file, kind, *given, "--snapshot", account)
        assert result.code == 0, result
    made = [type(edit).__name__ for edit in draft_in(file).edits]
    assert len(made) == len(words)
    assert set(made) == set(EDIT_KINDS)
    shown = cli("draft", "show", file, "--snapshot", account)
    assert shown.code == 0
    assert "create the policy brand-new" in shown.out


def test_a_level_of_the_organization_is_named_by_its_id_or_its_name(cli: Cli, account: str, file: Path) -> None:
    for level in ("Production", OU):
        result = cli("draft", "edit", file, "detach-scp", level, "no-leaving", "--snapshot", account)
        assert result.code == 0, result
        assert [edit.level_id for edit in draft_in(file).edits if isinstance(edit, DetachOrganizationPolicy)] == [OU]
        assert cli("draft", "edit", file, "undo", "--snapshot", account).code == 0


def test_a_document_can_come_from_a_pipe(cli: Cli, account: str, file: Path) -> None:
    document = text(allow("s3:*"))
    result = cli("draft", "edit", file, "put-inline", "carol", "x", "-", "--snapshot", account, stdin=document)
    assert result.code == 0, result
    assert len(draft_in(file).edits) == 1


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["atach", "carol", "data-lake-read"], ["Unknown kind of edit: atach", "Did you mean attach?"]),
        (["attach", "carol"], ["attach takes HOLDER POLICY, and 1 word came"]),
        (["undo", "2"], ["undo takes nothing more"]),
        (["attach", "karol", "data-lake-read"], ["No user, group or role of this account is karol", "user/carol"]),
        (["attach", "web-servr", "x"], ["role/web-server"]),
        (["attach", "carol", "data-lake-raed"], ["no managed policy data-lake-raed", "data-lake-read"]),
        (["detach", "carol", "data-lake-read"], ["Edit 1 of the draft", "is not attached to user/carol"]),
        (["put-inline", "carol", "x", "missing.json"], ["policy document missing.json does not exist"]),
        (["put-scp", "ou-none", "x", "-"], ["there is no level ou-none", OU]),
        (["drop", "1"], ["no edits"]),
    ],
)
def test_an_edit_that_cannot_be_is_refused_and_nothing_written(
    cli: Cli, account: str, file: Path, words: list[str], parts: list[str]
) -> None:
    result = cli("draft", "edit", file, *words, "--snapshot", account, stdin=text(allow("s3:*")))
    result.failed_with(*parts)
    assert not file.exists()


@pytest.mark.parametrize("number", ["0", "2", "x", "9" * 5000, "\u0661"])
def test_what_is_not_the_number_of_an_edit_is_not_taken_back(cli: Cli, account: str, file: Path, number: str) -> None:
    cli("draft", "edit", file, "attach", "carol", "data-lake-read", "--snapshot", account)
    refused = cli("draft", "edit", file, "drop", number, "--snapshot", account)
    refused.failed_with("is not the number of an edit", "The draft has the edits 1 to 1.")
    assert len(draft_in(file).edits) == 1


def test_a_file_that_is_no_draft_is_left_alone(cli: Cli, account: str, policy: str) -> None:
    before = Path(policy).read_bytes()
    cli("draft", "edit", policy, "attach", "carol", "data-lake-read", "--snapshot", account).failed_with("no draft")
    assert Path(policy).read_bytes() == before


@pytest.mark.parametrize("command", [["show"], ["check"], ["compare", "s3:GetObject"], ["export"], ["edit", "undo"]])
def test_a_draft_of_another_account_is_refused_with_both_ids(
    cli: Cli, account: str, file: Path, command: list[str]
) -> None:
    written(file, account_id="999999999999")
    name, *rest = command
    cli("draft", name, file, *rest, "--snapshot", account).failed_with("999999999999", ID)


def test_show_as_json(cli: Cli, account: str, file: Path) -> None:
    shown = cli("draft", "show", written(file), "--json", "--snapshot", account).json
    assert shown["fits"] is True
    assert shown["edits"] == [
        {
            "number": 1,
            "words": "attach data-lake-read to user/carol",
            "edit": "AttachPolicy",
            "holder": CAROL,
            "policy": LAKE_READ.arn,
        }
    ]
    assert shown["problems"] == []
    assert shown["findings"] == []


def misfit(file: Path) -> Path:
    return written(file, edits=[{"edit": "DetachPolicy", "holder": CAROL, "policy": LAKE_READ.arn}])


def test_what_does_not_fit_is_shown_checked_and_never_used(cli: Cli, account: str, file: Path) -> None:
    misfit(file)
    shown = cli("draft", "show", file, "--snapshot", account)
    assert shown.code == 0
    assert "[x] does not fit: data-lake-read is not attached to user/carol." in " ".join(shown.out.split())
    checked = cli("draft", "check", file, "--snapshot", account)
    assert checked.code == 1
    assert "Edit 1 of the draft" in checked.out
    for command in (
        ["draft", "compare", str(file), "s3:GetObject"],
        ["draft", "export", str(file)],
        ["can", "carol", "s3:GetObject", "--draft", str(file)],
        ["who-can", "s3:GetObject", "--draft", str(file)],
        ["list", "users", "--draft", str(file)],
        ["show", "carol", "--draft", str(file)],
    ):
        cli(*command, "--snapshot", account).failed_with("Edit 1 of the draft", "is not attached")


def test_check_can_fail_on_findings(cli: Cli, account: str, file: Path) -> None:
    edit = {"edit": "AttachPolicy", "holder": CAROL, "policy": LAKE_READ.arn}
    written(file, edits=[edit, edit])
    assert cli("draft", "check", file, "--snapshot", account).code == 0
    result = cli("draft", "check", file, "--fail-on-findings", "--json", "--snapshot", account)
    assert result.code == 1
    assert [(found["edit"], found["kind"]) for found in result.json["findings"]] == [(2, "no effect")]


def test_can_answers_as_if_the_edits_had_been_made(cli: Cli, account: str, file: Path) -> None:
    words = ["can", "carol", "s3:GetObject", "--on", f"{BUCKET}/x", "--snapshot", account]
    assert cli(*words).code == 1
    result = cli(*words, "--draft", written(file))
    assert result.code == 0
    assert "DRAFT: as if 1 edit of" in result.err
    assert f"Without the draft: {wording.IMPLICIT_DENY}." in result.err
    assert cli(*words, "--draft", "-", stdin=file.read_text()).code == 0


def test_the_other_commands_take_the_draft_too(cli: Cli, account: str, file: Path) -> None:
    written(file)
    who = cli("who-can", "s3:GetObject", "--on", f"{BUCKET}/x", "--draft", file, "--snapshot", account)
    assert "user/carol" in who.out
    shown = cli("show", "user/carol", "--json", "--draft", file, "--snapshot", account).json
    assert [policy["arn"] for policy in shown["attached_policies"]] == [LAKE_READ.arn]
    assert cli("list", "users", "--draft", file, "--snapshot", account).code == 0


def test_compare_lists_whom_the_draft_changes(cli: Cli, account: str, file: Path) -> None:
    words = ["draft", "compare", written(file), "s3:GetObject", "--on", f"{BUCKET}/x", "--snapshot", account]
    result = cli(*words)
    assert result.code == 0
    assert result.out.startswith(f"[+] gained   user/carol  {wording.IMPLICIT_DENY}  ->  {wording.ALLOWED}")
    assert len(result.out.splitlines()) == 1
    assert "1 gained, 0 lost, 0 changed otherwise, 7 the same, of 8." in result.err
    assert cli(*words, "--fail-on", "lost").code == 0
    assert cli(*words, "--fail-on", "gained").code == 1
    assert cli(*words, "--fail-on", "change").code == 1
    assert len(cli(*words, "--all").out.splitlines()) == 8
    (found,) = cli(*words, "-o", "jsonl").json_lines
    assert (found["principal"], found["effect"]) == (CAROL, "gained")
    assert (found["before"]["decision"], found["after"]["decision"]) == ("implicitDeny", "allowed")


def test_compare_has_a_row_for_users_and_roles_of_other_accounts_that_a_draft_lets_in(cli: Cli, tmp_path: Path) -> None:
    queue = "arn:aws:sqs:eu-west-1:111122223333:shipment-events"
    others = {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::999988887777:role/*"}}
    words = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "sqs:ReceiveMessage",
        "Resource": queue,
        "Condition": others,
    }
    opening = tmp_path / "queue.json"
    opening.write_text(json.dumps({"Version": "2012-10-17", "Statement": words}))
    made = tmp_path / "queue.draft.json"
    assert cli("draft", "edit", made, "put-resource-policy", queue, opening, "--demo").code == 0
    asked = ("sqs:ReceiveMessage", "--on", queue, "--demo")
    result = cli("draft", "compare", made, *asked)
    assert (result.code, "arn:aws:iam::999988887777:role/*" in result.out, "not listed" in result.err) == (
        3,
        True,
        False,
    )
    rows = cli("draft", "compare", made, *asked, "-o", "jsonl").json_lines
    assert [one["after"]["decision"] for one in rows if "stands_for" in one] == ["depends"]
    assert cli("draft", "compare", made, *asked, "--fail-on", "gained").code == 1
    assert cli("draft", "compare", made, *asked, "--principal", "role/deploy-prod").code == 0
    assert "Assumed, because policies read it: aws:SecureTransport = true; " in result.err


def test_compare_takes_one_principal_and_several_pairs(cli: Cli, account: str, file: Path) -> None:
    words = ["draft", "compare", written(file), "s3:GetObject", "s3:DeleteObject", "--on", f"{BUCKET}/x"]
    result = cli(*words, "--principal", "carol", "--snapshot", account)
    assert result.code == 0
    assert len(result.out.splitlines()) == 3
    assert "s3:DeleteObject" in result.out


def test_compare_holds_the_saved_questions_against_what_they_expect(cli: Cli, account: str, file: Path) -> None:
    written(file)
    words = ["draft", "compare", file, "--snapshot", account]
    cli(*words).failed_with("No questions are saved")
    ask = ["can", "carol", "s3:GetObject", "--on", f"{BUCKET}/x", "--snapshot", account]
    cli(*ask, "--expect", "implicitDeny", "--save", "carol reads nothing")
    result = cli(*words)
    assert result.code == 1
    assert "carol reads nothing" in result.out
    assert "expected implicitDeny; it is not, with the draft; before, it was." in " ".join(result.out.split())
    (found,) = cli(*words, "-o", "jsonl").json_lines
    assert (found["name"], found["met_before"], found["met_after"]) == ("carol reads nothing", True, False)
    empty = written(file, edits=[])
    quiet = cli("draft", "compare", empty, "--snapshot", account)
    assert (quiet.code, quiet.out) == (0, "")


def test_a_saved_question_without_a_principal_is_left_out_and_named(cli: Cli, account: str, file: Path) -> None:
    question_matrix = QuestionMatrix(("s3:GetObject",), (f"{BUCKET}/x",), Question("", "*"))
    QuestionStore(ID).save("anybody's", question_matrix)
    words = ["draft", "compare", written(file), "--snapshot", account]
    cli(*words).failed_with('None of the saved questions ("anybody\'s") has a principal', "Name one with --principal")
    QuestionStore(ID).save("carol's", question_matrix, "user/carol")
    result = cli(*words)
    assert result.code == 0
    assert 'neither a principal nor an expectation: "anybody\'s"' in result.err
    assert "1 saved question: 1 gained" in " ".join(result.err.split())
    assert "2 saved questions: 2 gained" in " ".join(cli(*words, "--principal", "user/carol").err.split())


def test_of_several_pairs_compare_says_how_many_change(cli: Cli, account: str, file: Path) -> None:
    asked = ["s3:GetObject", "ec2:RunInstances", "--on", f"{BUCKET}/x", "--on", "*", "--principal", "user/carol"]
    result = cli("draft", "compare", written(file), *asked, "--snapshot", account)
    first = result.out.splitlines()[0]
    assert first.startswith("[+] gained")
    assert first.endswith(" pairs:")
    assert "DENIED" not in first


def test_a_saved_question_that_cannot_be_asked_is_an_error(cli: Cli, account: str, file: Path) -> None:
    cli("can", "carol", "s3:GetObject", "--save", "one", "--snapshot", account)
    gone = json.loads(Path(account).read_text())
    gone["UserDetailList"] = [user for user in gone["UserDetailList"] if user["UserName"] != "carol"]
    Path(account).write_text(json.dumps(gone))
    result = cli("draft", "compare", written(file, edits=[]), "--snapshot", account)
    assert result.code == 2
    assert "No user or role of this account is" in result.out


def test_options_of_a_question_without_an_action_are_refused(cli: Cli, account: str, file: Path) -> None:
    cli("draft", "compare", written(file), "--on", "*", "--snapshot", account).failed_with("no ACTION")


def test_fix_adds_what_allows_it(cli: Cli, account: str, file: Path) -> None:
    words = ["s3:DeleteObject", "--on", f"{BUCKET}/x", "--snapshot", account]
    result = cli("draft", "fix", file, "user/bob", *words)
    assert result.code == 0
    assert "give user/bob the inline policy allow-s3-DeleteObject" in result.out or "new default version" in result.out
    assert wording.ALLOWED in result.out.splitlines()[-1]
    assert cli("can", "user/bob", *words).code == 1
    assert cli("can", "user/bob", *words, "--draft", file).code == 0


def test_fix_says_what_no_edit_can_change(cli: Cli, account: str, file: Path, tmp_path: Path) -> None:
    session = tmp_path / "session.json"
    session.write_text(text(allow("ec2:*")))
    result = cli("draft", "fix", file, "alice", "s3:GetObject", "--session-policy", session, "--snapshot", account)
    assert result.code == 1
    assert "The session policy belongs to the question" in result.err
    assert not file.exists()


@pytest.mark.parametrize(("form", "words"), [("cli", "aws iam"), ("terraform", "resource "), ("diff", "+++ ")])
def test_export_prints_what_would_make_the_changes(
    cli: Cli, account: str, file: Path, policy: str, form: str, words: str
) -> None:
    cli("draft", "edit", file, "put-inline", "carol", "extra", policy, "--snapshot", account)
    result = cli("draft", "export", file, "-o", form, "--snapshot", account)
    assert result.code == 0
    assert words in result.out


def test_an_export_from_the_demo_says_so(cli: Cli, file: Path) -> None:
    cli("draft", "edit", file, "attach", "user/amara.diallo", "ReadOnlyAccess", "--demo")
    assert "DEMO" in cli("draft", "export", file, "--demo").out


def test_the_schema_is_printed_without_an_account(cli: Cli) -> None:
    schema = cli("draft", "schema").json
    assert schema["title"] == "iamtui draft"


def test_hostile_names_are_shown_harmless(cli: Cli, account: str, file: Path) -> None:
    written(file, name="\x1b]0;x\x07\u202e", edits=[{"edit": "AttachPolicy", "holder": "\x1b[2J", "policy": "\x9b"}])
    for command in ("show", "check"):
        result = cli("draft", command, file, "--snapshot", account)
        assert "\x1b" not in result.out + result.err
        assert "\u202e" not in result.out + result.err
