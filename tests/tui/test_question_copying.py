"""The question panel copies the command that asks the same, or says why there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from iamtui.engine.request import Principal, PrincipalKind
from iamtui.questions.question import QuestionMatrix
from iamtui.tui.question.panel import QuestionPanel
from tests.support import panel_records as records
from tests.support.panel_apps import screen_text, settle, type_text
from tests.support.question_panel import X, asked, listener, opened

__all__ = ["asked"]

SESSION_POLICY = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}'


async def test_the_command_that_asks_the_same_is_copied(asked: list[QuestionMatrix]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject s3:PutObject", X, "aws:SourceIp=10.0.0.1")
        await settle(pilot)
        panel.action_copy_command()
        await settle(pilot)

        [copied] = [event for event in app.heard if isinstance(event, QuestionPanel.Copy)]
        assert copied.text.startswith("iamtui can arn:aws:iam::123456789012:role/deploy-prod s3:GetObject s3:PutObject")
        assert "-c aws:SourceIp=10.0.0.1" in copied.text
        assert copied.also == ""
        assert asked
        panel.set_before(records.small_workspace())
        await settle(pilot)
        panel.action_copy_command()
        await settle(pilot)
        with_draft = [event for event in app.heard if isinstance(event, QuestionPanel.Copy)][-1]
        assert with_draft.also.startswith("It asks without the draft")


@pytest.mark.slow
async def test_a_session_policy_from_a_file_is_copied_by_its_name_and_one_without_has_to_be_written(
    asked: list[QuestionMatrix], tmp_path: Path
) -> None:
    file = tmp_path / "mine only.json"
    file.write_text(SESSION_POLICY)
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject", X)
        await settle(pilot)
        panel.action_caller()
        await type_text(pilot, f"'session={file}'")
        await settle(pilot)
        assert "is not read yet (Enter reads it)" in " ".join(screen_text(app).split())
        await pilot.press("escape", "enter")
        await settle(pilot)
        assert asked[-1].terms.session_policies == (SESSION_POLICY,)
        panel.action_copy_command()
        await settle(pilot)
        panel.ask_matrix(asked[-1])
        await settle(pilot)
        panel.action_copy_command()
        await settle(pilot)
        by_name, to_write = [event for event in app.heard if isinstance(event, QuestionPanel.Copy)]
        assert f"--session-policy '{file}'" in by_name.text
        assert by_name.also == ""
        assert "--session-policy session-policy-1.json" in to_write.text
        assert to_write.also == "It reads session-policy-1.json, which you have to write."


async def test_a_caller_whom_no_command_names_is_not_copied_as_somebody_else_nor_expected_anything_of(
    asked: list[QuestionMatrix],
) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.set_principal(Principal(PrincipalKind.IDENTITY_PROVIDER, "accounts.google.com"), "accounts.google.com")
        panel.ask("s3:DeleteObject", X)
        await settle(pilot)
        assert panel.answer is not None
        panel.action_copy_command()
        await settle(pilot)
        assert "No command can name accounts.google.com as this caller" in app.notices[-1]
        assert not [event for event in app.heard if isinstance(event, QuestionPanel.Copy)]
        panel.action_save()
        await settle(pilot)
        assert "also expects this answer" not in screen_text(app)
        await pilot.press("escape")
        panel.set_principal(records.role_principal(), "role/deploy-prod")
        await settle(pilot)
        panel.action_save()
        await settle(pilot)
        assert "also expects this answer" in screen_text(app)
