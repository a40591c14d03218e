"""Drafts as files: saved whole, for the owner only, and never over something else."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from iamtui.credentials import secure_files
from iamtui.drafts.draft import Draft, write_draft
from iamtui.drafts.edits.principals import AddUserToGroup, AttachPolicy
from iamtui.problem import Problem
from iamtui.workspace.change import draft_session as draft_files
from iamtui.workspace.change.draft_session import (
    open_draft_file,
    save_draft_file,
    saved_drafts,
    suggested_path,
)

DRAFT = Draft("123456789012", "more", (AttachPolicy("arn:a", "arn:b"),))
LONGER = DRAFT.with_edit(AddUserToGroup("arn:u", "arn:g"))
OTHER = Draft("999999999999", "theirs")


def refused(path: Path, draft: Draft = DRAFT, *, seen: Draft | None = None, overwrite: bool = False) -> str:
    before = path.read_bytes()
    with pytest.raises(Problem) as caught:
        save_draft_file(draft, path, seen=seen, overwrite=overwrite)
    assert path.read_bytes() == before
    assert caught.value.next_step
    assert [entry.name for entry in path.parent.iterdir() if entry.name.endswith(".tmp")] == []
    return caught.value.sentence


def test_a_draft_is_saved_for_its_owner_only_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "more.draft.json"
    save_draft_file(DRAFT, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_draft_file(path, DRAFT.account_id) == DRAFT
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_saving_again_what_was_seen_replaces_it(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    save_draft_file(DRAFT, path)
    save_draft_file(LONGER, path, seen=DRAFT)
    assert open_draft_file(path) == LONGER
    save_draft_file(LONGER, path)


def test_two_programs_do_not_save_what_they_made_of_one_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secure_files, "_WAIT_SECONDS", 0.05)
    path = save_draft_file(DRAFT, tmp_path / "d.json")
    with secure_files.locked(path), pytest.raises(Problem, match="Another program is writing"):
        save_draft_file(LONGER, path, seen=DRAFT)
    assert open_draft_file(path) == DRAFT
    save_draft_file(LONGER, path, seen=DRAFT)


def test_another_draft_or_a_changed_one_is_not_replaced_unless_told(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    save_draft_file(LONGER, path)
    assert "holds another draft" in refused(path)
    assert "was changed since" in refused(path, DRAFT, seen=DRAFT.with_edit(AttachPolicy("x", "y")))
    save_draft_file(DRAFT, path, overwrite=True)
    assert open_draft_file(path) == DRAFT


@pytest.mark.parametrize(
    "content", ["", "not a draft", "[]", '{"Version": "2012-10-17"}', '{"iamtui_draft": 99}', "\xff"]
)
def test_what_is_no_draft_is_never_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / "policy.json"
    path.write_bytes(content.encode("latin-1"))
    assert "holds no draft that can be read" in refused(path, overwrite=True)


def test_a_draft_of_another_account_is_neither_replaced_nor_opened(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    save_draft_file(OTHER, path)
    sentence = refused(path, overwrite=True)
    assert "999999999999" in sentence
    assert "123456789012" in sentence
    with pytest.raises(Problem, match=r"for account 999999999999, and account 123456789012 is open") as caught:
        open_draft_file(path, "123456789012")
    assert "999999999999" in caught.value.sentence


def test_a_link_is_followed_and_stays_one(tmp_path: Path) -> None:
    target, link = tmp_path / "real.json", tmp_path / "link.json"
    save_draft_file(DRAFT, target)
    link.symlink_to(target)
    save_draft_file(LONGER, link, seen=DRAFT)
    assert link.is_symlink()
    assert open_draft_file(target) == LONGER


def test_nothing_is_written_through_a_link_that_others_may_have_made(tmp_path: Path) -> None:
    shared, profile = tmp_path / "shared", tmp_path / ".profile"
    shared.mkdir()
    (shared / "d.json").symlink_to(profile)
    (shared / "drafts").symlink_to(tmp_path)
    shared.chmod(0o777)
    for path in (shared / "d.json", shared / "drafts" / "d.json"):
        with pytest.raises(Problem, match="a link that others may have made"):
            save_draft_file(DRAFT, path)
    assert [*tmp_path.iterdir()] == [shared]
    save_draft_file(DRAFT, shared / "own.json")
    assert open_draft_file(shared / "own.json") == DRAFT


@pytest.mark.parametrize("umask", [0, 0o777])
def test_the_folders_that_are_made_are_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "data" / "drafts" / "d.json"
    before = os.umask(umask)
    try:
        save_draft_file(DRAFT, path)
    finally:
        os.umask(before)
    assert [stat.S_IMODE(place.stat().st_mode) for place in (path, *path.parents[:2])] == [0o600, 0o700, 0o700]


def test_a_failed_save_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "d.json"
    save_draft_file(DRAFT, path)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "cannot be written: No space left on device" in refused(path, LONGER, seen=DRAFT)


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(Problem, match="The draft"):
        open_draft_file(tmp_path / name)


def test_a_faulty_file_is_named_with_the_path_inside_it(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text(json.dumps({"iamtui_draft": 1, "account_id": "123456789012", "edits": [{"edit": "Attach"}]}))
    with pytest.raises(Problem, match=r"d\.json cannot be read: \$\.edits\[0\]\.edit"):
        open_draft_file(path)


def test_a_file_from_a_windows_editor_is_read(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_bytes(b"\xef\xbb\xbf" + write_draft(DRAFT).replace("\n", "\r\n").encode())
    assert open_draft_file(path) == DRAFT


def test_the_folder_lists_the_drafts_of_one_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draft_files, "data_folder", lambda: tmp_path)
    assert list(saved_drafts(DRAFT.account_id)) == []
    for draft in (DRAFT, OTHER, Draft(DRAFT.account_id, "Ünïcode / ..")):
        save_draft_file(draft, suggested_path(draft))
    (draft_files.drafts_folder() / "note.json").write_text("{}")
    assert [draft.name for _, draft in saved_drafts(DRAFT.account_id)] == ["more", "Ünïcode / .."]
