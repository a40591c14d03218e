"""Saved questions on the command line: `can --save`, `can --saved` and `iamtui questions`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iamtui.questions.question import Question, QuestionMatrix
from iamtui.workspace.ask.saved_questions import QuestionStore
from tests.support import wording
from tests.support.cli_runner import Cli

LAKE = "arn:aws:s3:::data-lake/x"


@pytest.fixture
def saved(cli: Cli, snapshot: str) -> str:
    """A snapshot about which a met, an unmet and an open expectation are saved."""
    for name, action, expect in (
        ("reads", "s3:GetObject", "allowed"),
        ("deletes", "s3:DeleteObject", "allowed"),
        ("deletes not", "s3:DeleteObject", "explicitDeny"),
    ):
        cli("can", "web-server", action, "--on", LAKE, "--expect", expect, "--save", name, "--snapshot", snapshot)
    cli("can", "web-server", "s3:PutObject", "--save", "just asked", "--snapshot", snapshot)
    return snapshot


def questions_file(cli: Cli) -> Path:
    return next(cli.home.rglob("questions.json"))


def test_saved_questions_are_listed_and_shown(cli: Cli, saved: str) -> None:
    result = cli("questions")
    assert result.code == 0
    assert saved
    assert [line.split("  ")[0].strip() for line in result.out.splitlines()] == [
        "NAME", "reads", "deletes", "deletes not", "just asked",
    ]  # fmt: skip
    assert [entry["expect"] for entry in cli("questions", "list", "--json").json] == [
        "allowed", "allowed", "explicitDeny", None,
    ]  # fmt: skip
    assert "explicitDeny" in cli("questions", "show", "deletes not").out
    shown = cli("questions", "show", "reads", "--json").json
    assert shown["principal"] == "arn:aws:iam::123456789012:role/web-server"
    assert shown["resources"] == [LAKE]


def test_running_them_is_a_test_whose_end_says_whether_all_are_met(cli: Cli, saved: str) -> None:
    result = cli("questions", "run", "--snapshot", saved)
    assert result.code == 1
    lines = result.out.splitlines()
    assert lines[0].startswith(f"met      reads  {wording.ALLOWED}")
    assert lines[1].startswith(f"NOT MET  deletes  {wording.EXPLICIT_DENY}")
    assert "expected allowed; s3:DeleteObject" in lines[2]
    assert "2 of 3 expectations met" in result.err
    assert cli("questions", "run", "reads", "deletes not", "just asked", "--snapshot", saved).code == 0
    assert cli("questions", "run", "reads", "--complete", "--snapshot", saved).code == 1
    records = cli("questions", "run", "--json", "--snapshot", saved).json
    assert [record["met"] for record in records] == [True, False, True, None]
    assert records[1]["worst"]["decision"] == "explicitDeny"


def test_one_that_cannot_be_asked_is_an_error_and_the_others_are_asked(cli: Cli, saved: str) -> None:
    file = questions_file(cli)
    data = json.loads(file.read_text())
    data["saved"][0]["principal"] = "role/gone"
    data["saved"][2]["principal"] = ""
    file.write_text(json.dumps(data))
    result = cli("questions", "run", "--snapshot", saved)
    assert result.code == 2
    assert 'iamtui: question "reads": No user or role of this account is role/gone' in result.err
    assert 'iamtui: question "deletes not": It does not name a principal' in result.err
    assert "NOT MET  deletes" in result.out
    records = cli("questions", "run", "--json", "--snapshot", saved).json
    assert "role/gone" in records[0]["error"]


def test_one_that_names_nobody_and_expects_nothing_is_left_out_and_named(cli: Cli, saved: str) -> None:
    file = questions_file(cli)
    data = json.loads(file.read_text())
    data["saved"][3]["principal"] = ""
    file.write_text(json.dumps(data))
    result = cli("questions", "run", "--snapshot", saved)
    assert result.code == 1
    assert 'neither a principal nor an expectation: "just asked"' in result.err
    assert "iamtui can PRINCIPAL --saved 'just asked'" in result.err
    assert "3 questions: 2 of 3 expectations met." in result.err
    assert cli("questions", "run", "just asked", "--snapshot", saved).code == 2
    data["saved"] = data["saved"][3:]
    file.write_text(json.dumps(data))
    cli("questions", "run", "--snapshot", saved).failed_with('None of the saved questions ("just asked") has a')


def test_can_asks_a_saved_question_and_holds_it_against_what_it_expects(cli: Cli, saved: str) -> None:
    assert cli("can", "--saved", "reads", "--snapshot", saved).code == 0
    result = cli("can", "--saved", "deletes", "--snapshot", saved)
    assert result.code == 1
    assert "Expected allowed" in result.err
    assert cli("can", "--saved", "deletes not", "--snapshot", saved).code == 0
    assert cli("can", "--saved", "deletes not", "--expect", "allowed", "--snapshot", saved).code == 1
    other = cli("can", "alice", "--saved", "reads", "-o", "jsonl", "--snapshot", saved).json
    assert other["request"]["principal"].endswith("user/alice")


@pytest.mark.parametrize("words", [("alice", "s3:GetObject"), ("--strict",), ("-c", "aws:x=1"), ("--save", "b")])
def test_a_saved_question_is_asked_as_it_is(cli: Cli, saved: str, words: tuple[str, ...]) -> None:
    cli("can", *words, "--saved", "reads", "--snapshot", saved).failed_with("--saved asks a question as it was saved")


def test_the_demo_and_a_real_account_do_not_see_each_other(cli: Cli, saved: str) -> None:
    assert saved
    cli("can", "amara.diallo", "iam:ListUsers", "--save", "reads", "--demo")
    assert len(cli("questions", "--demo", "--json").json) == 1
    assert len(cli("questions", "--account", "123456789012", "--json").json) == 4
    assert len(cli("questions", "--snapshot", saved, "--json").json) == 4
    cli("questions", "show", "reads").failed_with("Several accounts", "123456789012, demo")
    assert cli("questions", "show", "reads", "--account", "demo", "--json").json["actions"] == ["iam:ListUsers"]
    cli("questions", "--account", "demo", "--demo").failed_with("both name an account")


def test_renaming_and_removing(cli: Cli, saved: str) -> None:
    assert saved
    assert cli("questions", "rename", "reads", "lake").code == 0
    assert cli("questions", "remove", "deletes", "deletes not").code == 0
    assert [entry["name"] for entry in cli("questions", "--json").json] == ["lake", "just asked"]
    cli("questions", "remove", "lake", "gone").failed_with('No question is saved as "gone"')
    assert len(cli("questions", "--json").json) == 2


def test_the_questions_once_asked_are_forgotten_and_the_saved_ones_stay(cli: Cli, saved: str) -> None:
    assert saved
    for account, resource in (("123456789012", LAKE), ("demo", "*")):
        asked = QuestionMatrix(("s3:GetObject",), (resource,), Question("s3:GetObject"))
        QuestionStore(account, questions_file(cli)).add_to_history(asked)

    assert cli("questions", "forget", "--account", "demo").code == 0
    assert "demo" not in [entry["account"] for entry in json.loads(questions_file(cli).read_text())["history"]]
    assert LAKE in questions_file(cli).read_text()
    assert cli("questions", "forget").code == 0
    assert json.loads(questions_file(cli).read_text()).get("history", []) == []
    assert len(cli("questions", "--json").json) == 4


def test_a_name_is_not_taken_over(cli: Cli, saved: str) -> None:
    result = cli("can", "alice", "s3:GetObject", "--save", "reads", "--snapshot", saved)
    result.failed_with('A question "reads" is saved already')


@pytest.mark.parametrize(
    ("words", "part"),
    [(("list", "x"), "takes no name"), (("forget", "x"), "takes no name"), (("show",), "takes one name"),
     (("rename", "x"), "takes a name and the new one"), (("remove",), "takes a name"),
     (("show", "reads"), 'No question is saved as "reads"'),
     (("--questions", "gone.json"), "gone.json does not exist"),
     (("run", "--demo"), "No question for the demo account is saved")],
)  # fmt: skip
def test_what_cannot_be_done(cli: Cli, words: tuple[str, ...], part: str) -> None:
    cli("questions", *words).failed_with(part)


def test_nothing_saved_says_how_to_save(cli: Cli) -> None:
    result = cli("questions")
    assert result.code == 0
    assert result.out == ""
    assert "--save NAME" in result.err


def test_a_file_of_a_repository_is_run_in_its_place(cli: Cli, snapshot: str, tmp_path: Path) -> None:
    file = tmp_path / "expected.json"
    asked = ("can", "web-server", "s3:GetObject", "--on", LAKE, "--snapshot", snapshot, "--questions", file)
    assert cli(*asked, "--expect", "allowed", "--save", "reads").code == 0
    assert cli("questions", "run", "--questions", file, "--snapshot", snapshot).code == 0
    assert cli("questions", "--questions", file, "--json").json[0]["name"] == "reads"
    assert cli("questions", "--json").json == []
    data = json.loads(file.read_text())
    data["saved"][0]["account"] = ""
    data["saved"][0]["expect"] = "implicitDeny"
    file.write_text(json.dumps(data))
    assert cli("questions", "run", "--questions", file, "--snapshot", snapshot).code == 1


def test_a_faulty_file_is_an_error_and_stays(cli: Cli, snapshot: str, tmp_path: Path) -> None:
    file = tmp_path / "expected.json"
    file.write_text('{"saved": [{"name": "a", "question": {"actions": ["s3:GetObject"]}, "expct": "allowed"}]}')
    before = file.read_text()
    cli("questions", "run", "--questions", file, "--snapshot", snapshot).failed_with("$.saved[0]", "expct")
    cli("can", "alice", "s3:GetObject", "--save", "b", "--questions", file, "--snapshot", snapshot).failed_with("expct")
    assert file.read_text() == before


def test_a_saved_question_says_what_it_expects_and_where_it_was_saved(cli: Cli, saved: str) -> None:
    result = cli("can", "--saved", "deletes not", "--snapshot", saved)
    assert result.code == 0
    assert 'The question "deletes not" has the expected answer: explicitDeny.' in result.err
    assert result.out.startswith(wording.EXPLICIT_DENY)
    again = cli("can", "web-server", "s3:PutObject", "--save", "one more", "--snapshot", saved)
    assert f'Saved as "one more" in {questions_file(cli)}.' in again.err
    assert "1 question: 1 of 1 expectations met." in cli("questions", "run", "reads", "--snapshot", saved).err


def test_a_question_of_more_pairs_than_can_be_answered_at_once_is_refused(cli: Cli, saved: str, tmp_path: Path) -> None:
    own = questions_file(cli)
    found = json.loads(own.read_text())
    found["saved"][0]["question"]["resources"] = [f"arn:aws:s3:::b{number}" for number in range(10_001)]
    file = tmp_path / "many.json"
    file.write_text(json.dumps(found))
    result = cli("questions", "run", "--questions", file, "--snapshot", saved)
    assert result.code == 2
    assert 'question "reads": The question names 10,001 pairs of an action and a resource' in result.err
    assert "NOT MET  deletes" in result.out
    found["saved"] = found["saved"][1:2] * 10_001
    file.write_text(json.dumps(found))
    cli("questions", "run", "--questions", file, "--snapshot", saved).failed_with("10000", "$.saved")


# Proofs among them.

GEOCODER = "arn:aws:iam::111122223333:role/apps/address-geocoder-lambda"


@pytest.fixture
def proofs(cli: Cli, tmp_path: Path) -> Path:
    """A file with a proof that holds, one that does not, one that is not proved, and a question."""
    file = tmp_path / "tests.json"
    options = ["--questions", file, "--demo"]
    cli("prove", "never", "intern.tove.dahl", "iam:CreateUser", "--save", "interns", *options)
    cli("prove", "never", "user/*", "iam:CreateUser", "--except", "svc-smtp", "--save", "users", *options)
    cli("prove", "not-public", GEOCODER, "--save", "geocoder", *options)
    cli("prove", "not-public", "arn:aws:s3:::puffin-access-logs", "--save", "logs", *options)
    cli("can", "role/ops-readonly", "iam:CreateUser", "--expect", "denied", "--save", "no new users", *options)
    return file


@pytest.mark.slow
def test_proofs_are_run_with_the_questions(cli: Cli, proofs: Path) -> None:
    result = cli("questions", "run", "--questions", proofs, "--demo")
    assert result.code == 1
    lines = result.out.splitlines()
    assert lines[0] == "met      interns  proved  never intern.tove.dahl iam:CreateUser"
    assert lines[1].startswith("NOT MET  users  counterexample  never user/* iam:CreateUser")
    assert "can call iam:CreateUser on arn:aws:iam::" in result.out
    assert f"met      geocoder  proved  not-public {GEOCODER}" in lines
    assert "OPEN     logs  not proved  not-public arn:aws:s3:::puffin-access-logs" in lines
    assert "not loaded: S3 access control lists" in result.out
    assert "5 questions: 3 of 5 expectations met." in result.err
    some = ["run", "interns", "geocoder", "no new users"]
    assert cli("questions", *some, "--questions", proofs, "--demo").code == 0
    assert cli("questions", "run", "logs", "interns", "--questions", proofs, "--demo").code == 3
    records = cli("questions", "run", "--questions", proofs, "--json", "--demo").json
    assert [one["met"] for one in records] == [True, False, True, False, True]
    assert [one.get("status") for one in records][:2] == ["proved", "counterexample"]
    assert records[1]["proof"] == {
        "never": {"principals": ["user/*"], "actions": ["iam:CreateUser"], "except": ["svc-smtp"]}
    }


def test_proofs_are_listed_shown_renamed_and_removed(cli: Cli, proofs: Path) -> None:
    file = ["--questions", proofs]
    listed = cli("questions", "list", *file).out
    assert "interns" in listed
    assert "never intern.tove.dahl iam:CreateUser" in listed
    assert "not-public" in cli("questions", "show", "geocoder", *file).out
    assert cli("questions", "show", "geocoder", "--json", *file).json["proof"] == {
        "not-public": {"resources": [GEOCODER]}
    }
    assert cli("questions", "rename", "interns", "no interns", *file).code == 0
    assert cli("questions", "remove", "no interns", *file).code == 0
    assert "interns" not in cli("questions", "list", *file).out
    asked = cli("can", "--saved", "users", *file, "--demo")
    assert asked.code == 2
    assert '"users" is a proof' in asked.err
    again = cli("prove", "never", "intern.tove.dahl", "iam:CreateUser", "--save", "users", *file, "--demo")
    assert again.code == 2
    assert "is saved already" in again.err


def test_the_questions_of_the_screen_are_without_proofs(proofs: Path) -> None:
    store = QuestionStore("demo", proofs)
    assert [one.name for one in store.saved()] == ["no new users"]
    assert len(store.questions_and_proofs()) == 5


def test_a_draft_is_proved_to_be_no_broader(cli: Cli, tmp_path: Path) -> None:
    file, wider = tmp_path / "tests.json", tmp_path / "wider.json"
    file.write_text(json.dumps({"saved": [{"name": "nothing new", "account": "demo", "proof": {"no-broader": {}}}]}))
    without = cli("questions", "run", "--questions", file, "--demo")
    assert without.code == 2
    assert "It is about a draft, and none is given." in " ".join(without.err.split())
    on = "arn:aws:s3:::puffin-data-lake/x"
    cli("draft", "fix", wider, "role/deploy-prod", "s3:PutObject", "--on", on, "--demo")
    found = cli("questions", "run", "--questions", file, "--draft", wider, "--demo")
    assert found.code == 1
    assert f"deploy-prod can call s3:PutObject on {on}" in " ".join(found.out.split())


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"proof": {}}, "a proof is one of never, not-public and no-broader"),
        ({}, "it has either a question or a proof"),
        ({"proof": {"no-broader": {}}, "expect": "denied"}, "no expectation beside it"),
        ({"proof": {"never": {"principals": [], "actions": ["a:b"]}}}, "length >= 1"),
        ({"proof": {"never": {"principals": ["*"] * 101, "actions": ["a:b"]}}}, "length <= 100"),
        ({"proof": {"not-public": {"resources": ["*"], "outside": "town"}}}, "Invalid enum value 'town'"),
        ({"proof": {"nevr": {}}}, "unknown field"),
    ],
)
def test_a_faulty_proof_is_named_with_its_place(cli: Cli, tmp_path: Path, entry: dict[str, object], said: str) -> None:
    file = tmp_path / "tests.json"
    file.write_text(json.dumps({"saved": [{"name": "x", **entry}]}))
    result = cli("questions", "run", "--questions", file, "--demo")
    assert result.code == 2
    assert said in " ".join(result.err.split())
    assert "$.saved[0]" in result.err


@pytest.fixture
def of_the_demo(cli: Cli, tmp_path: Path) -> str:
    """A file of questions saved with `--demo`."""
    file = str(tmp_path / "of-the-demo.json")
    lake = "arn:aws:s3:::puffin-data-lake/x"
    for name, expect in (("deletes not", "denied"), ("assumes not", "denied")):
        action = "s3:DeleteObject" if name == "deletes not" else "sts:AssumeRole"
        on = lake if name == "deletes not" else "arn:aws:iam::111122223333:role/deploy-prod"
        words = ("role/analytics-lake-reader", action, "--on", on, "--expect", expect, "--save", name)
        assert cli("can", *words, "--questions", file, "--demo").code == 0
    return file


@pytest.mark.slow
def test_questions_of_the_demo_run_against_a_snapshot_of_it(cli: Cli, of_the_demo: str, tmp_path: Path) -> None:
    account = str(tmp_path / "demo-account.json")
    assert cli("snapshot", account, "--demo").code == 0
    result = cli("questions", "run", "--questions", of_the_demo, "--snapshot", account)
    assert result.code == 0, result.err
    assert "2 of 2 expectations met" in result.err


def test_questions_of_another_account_are_named_and_run_with_its_name(
    cli: Cli, of_the_demo: str, snapshot: str
) -> None:
    run = ("questions", "run", "--questions", of_the_demo, "--snapshot", snapshot)
    refused = cli(*run)
    refused.failed_with("No question for account 123456789012 is saved in")
    assert "it has questions for the demo account" in refused.err
    assert "Ask them about account 123456789012 with --account demo." in refused.err
    cli(*run, "deletes not").failed_with("is saved for the demo account, not for account 123456789012")
    text = Path(of_the_demo).read_text().replace("role/data/analytics-lake-reader", "role/web-server")
    Path(of_the_demo).write_text(text)
    result = cli(*run, "--account", "demo", "--json")
    assert "are asked about account 123456789012, with its id in their ARNs" in result.err
    assert [one["principal"] for one in result.json] == ["arn:aws:iam::123456789012:role/web-server"] * 2
    assert result.json[1]["worst"]["request"]["resource"] == "arn:aws:iam::123456789012:role/deploy-prod"


@pytest.mark.parametrize(
    ("content", "part"),
    [(b"", "is empty"), (b"\x92\x00", "it is not UTF-8 text (byte 1)"), (b"[", "it is not JSON")],
)
def test_a_file_that_is_no_questions_file_is_named_in_a_sentence(
    cli: Cli, tmp_path: Path, content: bytes, part: str
) -> None:
    file = tmp_path / "questions.json"
    file.write_bytes(content)
    cli("questions", "list", "--questions", file).failed_with(part, "Nothing is written over it")
