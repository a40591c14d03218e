"""What-if drafts on the screen: the list of edits, undoing, saving, opening and exporting them."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest
from textual.widgets import Input

from iamtui.account.model import Known
from iamtui.drafts.draft import read_draft
from iamtui.drafts.edits.policies import PutInlinePolicy
from iamtui.drafts.edits.principals import AddUserToGroup, AttachPolicy, DetachPolicy
from iamtui.problem import Problem
from iamtui.tui.dialogs.dialogs import ChoiceDialog, LineDialog
from iamtui.tui.drafts import draft_screen
from iamtui.tui.drafts.draft_screen import DraftScreen
from iamtui.tui.drafts.editor_screen import DraftEditorScreen
from iamtui.tui.file_exports import ExportScreen, write_new
from iamtui.tui.question.trace_screen import TraceScreen
from iamtui.workspace.ask.proof_result import Proof, ProofStatus
from tests.support.draft_accounts import text
from tests.support.drafting import app_of, choose, draft, laid, lay, own_data_folder, until
from tests.support.panel_apps import screen_text
from tests.support.sample_account import ADMIN_ARN, LAKE_READ, allow, iam, sample_account
from tests.support.screen_app import RecordingCopier, make_app, opened, press, settle
from tests.support.slow import one_quick

__all__ = ["own_data_folder"]

CAROL, DEPLOY = iam("user/carol"), iam("role/deploy-prod")


# The list of edits.


@pytest.mark.slow
async def test_the_draft_is_undone_and_taken_apart() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await lay(
            pilot,
            AttachPolicy(CAROL, LAKE_READ.arn),
            AddUserToGroup(CAROL, iam("group/auditors")),
            DetachPolicy(DEPLOY, ADMIN_ARN),
        )
        await press(pilot, "g", "d")
        text = screen_text(app_of(pilot))
        assert "Attach" in text
        assert "group/auditors" in text
        await press(pilot, "u")
        await laid(pilot)
        assert main.drafts.open_draft is not None
        assert len(main.drafts.open_draft.draft.edits) == 2
        await press(pilot, "d")
        await laid(pilot)
        assert main.drafts.open_draft.draft.edits == (AddUserToGroup(CAROL, iam("group/auditors")),)
        await press(pilot, "u")
        await laid(pilot)
        assert len(main.drafts.open_draft.draft.edits) == 2, "what was taken out last comes back first"
        await press(pilot, "u", "u")
        await laid(pilot)
        assert "The draft has no edits" in screen_text(app_of(pilot))
        assert "0 edits left" in screen_text(app_of(pilot))
        await press(pilot, "U", "U")
        await laid(pilot)
        assert main.drafts.open_draft.draft.edits == (
            AttachPolicy(CAROL, LAKE_READ.arn),
            AddUserToGroup(CAROL, iam("group/auditors")),
        )
        await press(pilot, "escape")
        assert pilot.app.screen is main


@pytest.mark.slow
async def test_the_document_of_an_edit_is_edited_again() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await lay(pilot, PutInlinePolicy(CAROL, "p", text(allow("s3:GetObject"))))
        await press(pilot, "g", "d", "enter")
        screen = pilot.app.screen
        assert isinstance(screen, DraftEditorScreen)
        screen.editor.load_text(text({**allow("s3:GetObject"), "Sid": "again"}))
        await press(pilot, "ctrl+s")
        await laid(pilot)
        assert main.drafts.open_draft is not None
        [edit] = main.drafts.open_draft.draft.edits
        assert isinstance(edit, PutInlinePolicy)
        assert "again" in edit.document
        assert isinstance(pilot.app.screen, DraftScreen)


@pytest.mark.slow
async def test_the_document_that_an_edit_had_before_is_put_back() -> None:
    first = PutInlinePolicy(CAROL, "p", text(allow("s3:GetObject")))
    other = AddUserToGroup(CAROL, iam("group/auditors"))
    async with opened() as pilot:
        main = app_of(pilot).main
        await lay(pilot, first, other)
        await press(pilot, "g", "d", "enter")
        screen = pilot.app.screen
        assert isinstance(screen, DraftEditorScreen)
        screen.editor.load_text(text({**allow("s3:GetObject"), "Sid": "again"}))
        await press(pilot, "ctrl+s")
        await laid(pilot)
        assert "U puts it back as it was before" in screen_text(app_of(pilot))
        await press(pilot, "d")
        await laid(pilot)
        assert main.drafts.open_draft is not None
        assert main.drafts.open_draft.draft.edits == (other,)
        await press(pilot, "U")
        await laid(pilot)
        [again, _] = main.drafts.open_draft.draft.edits
        assert isinstance(again, PutInlinePolicy)
        assert "again" in again.document, "what was done last is put back first"
        await press(pilot, "U")
        await laid(pilot)
        assert main.drafts.open_draft.draft.edits == (first, other)
        await press(pilot, "U")
        assert main.drafts.open_draft.draft.edits == (first, other)


@pytest.mark.slow
async def test_what_is_newly_possible_is_shown_and_traced() -> None:
    account = replace(sample_account(), organization=Known(None))
    async with opened(account=account) as pilot:
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn))
        await press(pilot, "g", "d")
        await until(pilot, lambda: "Newly possible: user/carol can s3:GetObject on" in screen_text(app_of(pilot)))
        await press(pilot, "w")
        assert isinstance(pilot.app.screen, TraceScreen)
        assert "Can user/carol do s3:GetObject?" in screen_text(app_of(pilot))
        await press(pilot, "escape", "d")
        await laid(pilot)
        await lay(pilot, DetachPolicy(DEPLOY, ADMIN_ARN))
        await until(pilot, lambda: "Nothing newly possible (proved)" in screen_text(app_of(pilot)))
        await press(pilot, "w")
        assert "Nothing is known that is newly possible." in screen_text(app_of(pilot))


async def test_what_is_not_proved_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draft_screen, "_PROOF_STEPS", 0)
    async with opened() as pilot:
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn))
        await press(pilot, "g", "d")
        await until(pilot, lambda: "Not proved: it takes more than 0 steps" in screen_text(app_of(pilot)))


@pytest.mark.slow
async def test_a_proof_ends_with_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[bool] = []
    async with opened() as pilot:
        app = app_of(pilot)

        def prove(*_: object, stopped: Callable[[], bool], **__: object) -> Proof:
            app.call_from_thread(app.pop_screen)
            end = monotonic() + 60
            while not stopped() and monotonic() < end:
                pass
            ended.append(stopped())
            return Proof(ProofStatus.NOT_PROVED)

        monkeypatch.setattr("iamtui.workspace.prove.draft_proofs.prove_nothing_new", prove)
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn))
        await press(pilot, "g", "d")
        await until(pilot, lambda: bool(ended))
        assert ended == [True]


@pytest.mark.slow
async def test_what_was_drafted_here_is_taken_back_from_the_menu() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to(CAROL)
        await settle(pilot)
        inline = PutInlinePolicy(CAROL, "p", text(allow("s3:GetObject")))
        await lay(pilot, inline, DetachPolicy(DEPLOY, ADMIN_ARN), AttachPolicy(CAROL, LAKE_READ.arn))
        main.explorer.tree_view.focus()
        await press(pilot, "e")
        shown = screen_text(app_of(pilot))
        assert "Drafted here" in shown
        assert "Take back: detach" not in shown, "that is on another one"
        await choose(pilot, "Take back: give user/carol the inline policy p")
        await laid(pilot)
        assert main.drafts.open_draft is not None
        assert main.drafts.open_draft.draft.edits == (
            DetachPolicy(DEPLOY, ADMIN_ARN),
            AttachPolicy(CAROL, LAKE_READ.arn),
        )


async def test_a_draft_is_saved_discarded_and_opened_again(tmp_path: Path) -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        edit = AttachPolicy(CAROL, LAKE_READ.arn)
        await lay(pilot, edit)
        await press(pilot, "g", "d", "ctrl+s")
        pilot.app.screen.query_one(Input).value = "let carol read"
        await press(pilot, "enter")
        await until(pilot, lambda: main.drafts.open_draft is not None and not main.drafts.open_draft.unsaved)
        [path] = (tmp_path / "data" / "drafts").iterdir()
        assert read_draft(path.read_text()) == draft(edit, name="let carol read")
        await press(pilot, "D")
        assert main.drafts.open_draft is None
        await press(pilot, "g", "d", "f3")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        await choose(pilot, "let carol read")
        await until(pilot, lambda: main.drafts.open_draft is not None)
        await laid(pilot)
        assert main.drafts.open_draft is not None
        assert main.drafts.open_draft.draft.edits == (edit,)
        assert not main.drafts.open_draft.unsaved


async def test_discarding_what_is_not_saved_asks_once() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn))
        await press(pilot, "g", "d", "D")
        assert main.drafts.open_draft is not None
        assert "not saved" in screen_text(app_of(pilot))
        await press(pilot, "D")
        assert main.drafts.open_draft is None
        assert pilot.app.screen is main
        assert main.workspace is main.source_workspace


@pytest.mark.slow
@one_quick("name", ["x.json", "~nobody-of-this-name/x.json", "x" * 300])
async def test_a_file_that_is_no_draft_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    async with opened() as pilot:
        await press(pilot, "g", "d", "f3")
        await choose(pilot, "Another file")
        await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
        pilot.app.screen.query_one(Input).value = name if name.startswith("~") else str(tmp_path / name)
        await press(pilot, "enter")
        words = "does not exist" if name.startswith("~") else "cannot be read"
        await until(pilot, lambda: words in " ".join(screen_text(app_of(pilot)).split()))
        assert app_of(pilot).main.drafts.open_draft is None


# Export.


@one_quick(
    ("form", "words"), [("CLI", "aws iam attach-user-policy"), ("Terraform", "aws_iam_user_policy"), ("Diff", "+++ b/")]
)
async def test_an_export_is_shown_copied_and_written(form: str, words: str, tmp_path: Path) -> None:
    copier = RecordingCopier()
    async with opened(make_app(copier=copier)) as pilot:
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn))
        await press(pilot, "g", "d", "x")
        await choose(pilot, form)
        screen = pilot.app.screen
        assert isinstance(screen, ExportScreen)
        await until(pilot, lambda: bool(screen.text))
        assert words in screen.text
        assert words in screen_text(app_of(pilot))
        await press(pilot, "c")
        assert copier.copied == [screen.text]
        target = tmp_path / "out"
        for _ in range(2):
            await press(pilot, "ctrl+s")
            pilot.app.screen.query_one(Input).value = str(target)
            await press(pilot, "enter")
            await settle(pilot)
        assert target.read_text() == screen.text
        assert target.stat().st_mode & 0o077 == 0
        assert "is there already" in screen_text(app_of(pilot))


def test_an_export_that_fails_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(Problem, match="half a character"):
        write_new(tmp_path / "out", "\ud800")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Problem, match="No space left"):
        write_new(tmp_path / "out", "text")
    assert not list(tmp_path.iterdir())
