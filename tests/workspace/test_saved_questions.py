"""The history of questions and the saved ones: kept apart by account, written whole, never over a faulty file."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from iamtui.credentials import secure_files as folder_lock
from iamtui.credentials import secure_files as private_file
from iamtui.credentials.secure_files import locked
from iamtui.engine.decision import Expectation, Layer
from iamtui.engine.request import Mode
from iamtui.problem import Problem
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.workspace.ask.saved_questions import MOST_IN_HISTORY, QuestionStore, account_key
from iamtui.workspace.source.workspace import SourceInfo, SourceKind
from tests.support.sample_account import sample_workspace

ACCOUNT = "123456789012"
OTHER = "999999999999"
WHEN = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def ask(action: str = "s3:GetObject") -> QuestionMatrix:
    return QuestionMatrix((action,), ("*",), Question(""))


EVERYTHING = QuestionMatrix(
    ("s3:Get*", "s3:PutObject"),
    ("arn:aws:s3:::b/*", "*"),
    Question(
        "",
        "*",
        {"aws:SourceIp": ("192.0.2.1", "2001:db8::1"), "aws:TagKeys": (), "aws:x/\u00e9": ("",)},
        Mode.STRICT,
        OTHER,
        ('{"Version": "2012-10-17", "Statement": []}',),
        frozenset((Layer.SCP, Layer.RCP)),
        "eu-west-1",
    ),
    "arn:aws:iam::123456789012:role/first",
    {"iam:PassRole": ("arn:aws:iam::123456789012:role/x",), "kms:Decrypt": ()},
)


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data" / "questions.json"
    assert not list((tmp_path / "data").glob(".*.tmp")) if (tmp_path / "data").exists() else True


@pytest.fixture
def store(path: Path) -> QuestionStore:
    return QuestionStore(ACCOUNT, path)


def test_a_file_that_does_not_exist_holds_nothing_and_is_not_made_by_reading(store: QuestionStore) -> None:
    assert store.history() == ()
    assert store.saved() == ()
    assert not store.path.parent.exists()


def test_every_part_of_a_question_comes_back(store: QuestionStore) -> None:
    store.save("all of it", EVERYTHING, "role/x", expect=Expectation.IMPLICIT_DENY)
    store.add_to_history(EVERYTHING, "role/x", now=WHEN)
    (found,) = store.saved()
    assert found.question_matrix == EVERYTHING
    assert (found.name, found.account, found.principal) == ("all of it", ACCOUNT, "role/x")
    assert found.expect is Expectation.IMPLICIT_DENY
    (asked,) = store.history()
    assert (asked.question_matrix, asked.principal, asked.asked_at) == (EVERYTHING, "role/x", WHEN)


def test_the_history_has_the_latest_first_and_each_once(store: QuestionStore) -> None:
    for action in ("s3:A", "s3:B", "s3:A"):
        store.add_to_history(ask(action), "alice", now=WHEN)
    store.add_to_history(ask("s3:A"), "bob", now=WHEN)
    assert [(entry.question_matrix.actions[0], entry.principal) for entry in store.history()] == [
        ("s3:A", "bob"),
        ("s3:A", "alice"),
        ("s3:B", "alice"),
    ]


def test_the_history_holds_no_external_id_and_a_saved_question_what_was_saved(store: QuestionStore) -> None:
    terms = Question("", "*", {"STS:ExternalId": ("between-us-two",), "aws:SourceIp": ("203.0.113.9",)})
    asked = QuestionMatrix(("sts:AssumeRole",), ("*",), terms)
    store.add_to_history(asked)
    assert "between-us-two" not in store.path.read_text()
    assert dict(store.history()[0].question_matrix.terms.context) == {"aws:SourceIp": ("203.0.113.9",)}
    store.save("mine", asked)
    assert store.find("mine").question_matrix == asked


def test_the_history_is_capped_by_account(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iamtui.workspace.ask.saved_questions.MOST_IN_HISTORY", 3)
    mine, others = QuestionStore(ACCOUNT, path), QuestionStore(OTHER, path)
    others.add_to_history(ask("s3:Other"))
    for number in range(5):
        mine.add_to_history(ask(f"s3:A{number}"))
    assert [entry.question_matrix.actions[0] for entry in mine.history()] == ["s3:A4", "s3:A3", "s3:A2"]
    assert len(others.history()) == 1
    assert MOST_IN_HISTORY == 200


def test_accounts_do_not_see_each_other_and_the_demo_is_none_of_them(path: Path) -> None:
    mine, others, everyone = QuestionStore(ACCOUNT, path), QuestionStore(OTHER, path), QuestionStore("", path)
    mine.save("a", ask())
    others.save("a", ask("s3:PutObject"))
    mine.add_to_history(ask())
    assert [entry.account for entry in mine.saved()] == [ACCOUNT]
    assert others.history() == ()
    assert [entry.account for entry in everyone.saved()] == [ACCOUNT, OTHER]
    with pytest.raises(Problem, match=r"Several accounts have a question .a."):
        everyone.find("a")
    workspace = sample_workspace()
    assert account_key(workspace) == workspace.account.id
    assert account_key(replace(workspace, source=SourceInfo(SourceKind.DEMO, "DEMO"))) == "demo"
    assert account_key(replace(workspace, account=replace(workspace.account, not_aws="demo"))) == "demo"


def test_clearing_the_history_leaves_other_accounts_and_saved_questions(path: Path) -> None:
    mine, others = QuestionStore(ACCOUNT, path), QuestionStore(OTHER, path)
    for store in (mine, others):
        store.add_to_history(ask())
        store.save("a", ask())
    mine.clear_history()
    assert mine.history() == ()
    assert len(others.history()) == 1
    assert len(mine.saved()) == 1


def test_a_name_is_taken_once_and_overwritten_only_when_told(store: QuestionStore) -> None:
    store.save("a", ask())
    store.save("b", ask())
    with pytest.raises(Problem, match=r"A question .a. is saved already"):
        store.save("a", ask("s3:PutObject"))
    store.save("a", ask("s3:PutObject"), overwrite=True)
    assert [(entry.name, entry.question_matrix.actions) for entry in store.saved()] == [
        ("a", ("s3:PutObject",)),
        ("b", ("s3:GetObject",)),
    ]


@pytest.mark.parametrize("name", ["", " ", " a", "a\n", "a\x1b[2J", "\u202ea", "x" * 101])
def test_what_cannot_be_a_name(store: QuestionStore, name: str) -> None:
    with pytest.raises(Problem) as caught:
        store.save(name, ask())
    assert "\x1b" not in str(caught.value)
    assert store.saved() == ()


def test_renaming_and_deleting(store: QuestionStore) -> None:
    store.save("a", ask(), expect=Expectation.ALLOWED)
    store.save("b", ask())
    with pytest.raises(Problem, match="saved already"):
        store.rename("a", "b")
    store.rename("a", "c")
    assert [(entry.name, entry.expect) for entry in store.saved()] == [("c", Expectation.ALLOWED), ("b", None)]
    store.delete("c")
    assert [entry.name for entry in store.saved()] == ["b"]


@pytest.mark.parametrize("change", ["rename", "delete", "find"])
def test_a_name_that_nothing_has_names_the_nearest(store: QuestionStore, change: str) -> None:
    store.save("lake-read", ask())
    words = ("lake-raed", "x") if change == "rename" else ("lake-raed",)
    with pytest.raises(Problem, match=r"No question is saved as .lake-raed.\. Nearest: .lake-read.\."):
        getattr(store, change)(*words)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ("is empty",)),
        ("{", ("it is not JSON",)),
        ("[]", ("Expected `object`",)),
        ('{"saved": [{"name": "a"}]}', ("$.saved[0]", "question")),
        ('{"saved": [{"name": "a", "question": {"actions": []}, "expct": "allowed"}]}', ("$.saved[0]", "expct")),
        ('{"saved": [{"name": "a", "question": {"actions": []}, "expect": "yes"}]}', ("$.saved[0].expect", "yes")),
        ('{"saved": [{"name": "a", "question": {"actions": [1]}}]}', ("$.saved[0].question.actions[0]",)),
        ('{"version": 2}', ("version 2", "newer iamtui")),
        ('{"saved": [], "saved": []}', ("saved", "twice")),
        ("[" * 100_000, ("faulty",)),
    ],
)
def test_a_faulty_file_is_said_with_the_place_and_never_written_over(
    store: QuestionStore, text: str, parts: tuple[str, ...]
) -> None:
    store.path.parent.mkdir()
    store.path.write_text(text)
    for attempt in (store.history, store.saved, lambda: store.add_to_history(ask()), lambda: store.save("a", ask())):
        with pytest.raises(Problem) as caught:
            attempt()
        for part in (*parts, str(store.path)):
            assert part in str(caught.value)
        assert store.path.read_text() == text


def test_a_binary_file_and_a_directory_are_faulty_too(store: QuestionStore) -> None:
    store.path.parent.mkdir()
    store.path.write_bytes(b'{"saved": [{"name": "\xff"}]}')
    with pytest.raises(Problem, match="faulty"):
        store.saved()
    store.path.unlink()
    store.path.mkdir()
    with pytest.raises(Problem, match="is a directory"):
        store.saved()


def test_only_the_owner_reads_the_file_and_its_folder(store: QuestionStore) -> None:
    store.save("a", ask())
    assert store.path.stat().st_mode & 0o777 == 0o600
    assert store.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_of_a_repository_stays_as_readable_as_it_is_and_ones_own_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared, own = tmp_path / "shared.json", tmp_path / "questions.json"
    for file in (shared, own):
        file.write_text("{}")
        file.chmod(0o644)
    monkeypatch.setattr("iamtui.workspace.ask.saved_questions.questions_path", lambda: own)
    QuestionStore(ACCOUNT, shared).save("a", ask())
    QuestionStore(ACCOUNT).save("a", ask())
    assert shared.stat().st_mode & 0o777 == 0o644
    assert own.stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_written_is_left_as_it_was(store: QuestionStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save("a", ask())
    before = store.path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(private_file.os, "fsync", full)
    with pytest.raises(Problem, match="No space left on device"):
        store.save("b", ask())
    assert store.path.read_bytes() == before
    assert [entry.name for entry in os.scandir(store.path.parent)] == [store.path.name]


def test_half_of_a_character_cannot_be_kept(store: QuestionStore) -> None:
    with pytest.raises(Problem, match="half of a character"):
        store.add_to_history(ask("s3:\ud800"))
    assert store.history() == ()


def test_a_link_stays_one(tmp_path: Path) -> None:
    real = tmp_path / "kept" / "q.json"
    real.parent.mkdir()
    real.write_text("{}")
    link = tmp_path / "questions.json"
    link.symlink_to(real)
    QuestionStore(ACCOUNT, link).save("a", ask())
    assert link.is_symlink()
    assert len(json.loads(real.read_text())["saved"]) == 1


def test_nothing_is_written_through_a_link_that_others_may_have_made(tmp_path: Path) -> None:
    shared, profile = tmp_path / "shared", tmp_path / ".profile"
    shared.mkdir()
    link = shared / "questions.json"
    link.symlink_to(profile)
    shared.chmod(0o777)
    with pytest.raises(Problem, match="a link that others may have made"):
        QuestionStore(ACCOUNT, link).save("a", ask())
    assert not profile.exists()
    QuestionStore(ACCOUNT, shared / "own.json").save("a", ask())


@pytest.mark.parametrize("umask", [0, 0o777])
def test_the_folders_that_are_made_are_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "share" / "iamtui" / "questions.json"
    before = os.umask(umask)
    try:
        QuestionStore(ACCOUNT, path).save("a", ask())
    finally:
        os.umask(before)
    assert [stat.S_IMODE(place.stat().st_mode) for place in (path.parent, path.parents[1])] == [0o700, 0o700]


def test_a_shared_set_may_leave_the_account_open(store: QuestionStore) -> None:
    store.path.parent.mkdir()
    store.path.write_text('{"saved": [{"name": "a", "principal": "alice", "question": {"actions": ["s3:GetObject"]}}]}')
    (found,) = store.saved()
    assert found.account == ""
    assert found.question_matrix == ask()
    store.delete("a")
    assert store.saved() == ()


def test_programs_that_write_at_once_lose_nothing(store: QuestionStore) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from iamtui.workspace.ask.saved_questions import QuestionStore\n"
        "from iamtui.questions.question import Question, QuestionMatrix\n"
        "store = QuestionStore(sys.argv[1], Path(sys.argv[2]))\n"
        "for i in range(10):\n"
        "    store.save(sys.argv[3] + str(i), QuestionMatrix(('s3:GetObject',), ('*',), Question('')))\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, ACCOUNT, str(store.path), name]) for name in ("a", "b")]
    assert [process.wait(60) for process in running] == [0, 0]
    assert {entry.name for entry in store.saved()} == {f"{name}{i}" for name in "ab" for i in range(10)}


def test_a_lock_that_is_held_too_long_is_a_problem(store: QuestionStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_lock, "_WAIT_SECONDS", 0.05)
    with locked(store.path), pytest.raises(Problem, match="Another program is writing"):
        store.save("a", ask())
    store.save("a", ask())
    assert len(store.saved()) == 1
