"""The findings below a document that is being written: each in full, however narrow the window is."""

from __future__ import annotations

import pytest

from iamtui.policy.types import PolicyType
from iamtui.tui.content import plain
from iamtui.tui.drafts.editor_screen import DraftEditorScreen, FindingLines
from tests.support.panel_apps import ScreenApp, screen_text, settle

TWO_LONG_ONES = """{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "s3:GetObjekt", "Resource": "*"},
    {"Effect": "Allow", "Action": "s3:PutObjekt", "Resource": "*"}
  ]
}"""


def editor(text: str) -> ScreenApp:
    return ScreenApp(DraftEditorScreen(plain("Edit"), text, PolicyType.IDENTITY, "123456789012", "p"))


def words(app: ScreenApp) -> str:
    return " ".join(screen_text(app).replace("▌", " ").replace("▏", " ").split())


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (120, 40)])
async def test_an_error_of_json_is_read_in_full(size: tuple[int, int]) -> None:
    app = editor('{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",, "Action": "*"}]}')
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        assert "line 1 Not JSON: Expecting property name enclosed in double quotes." in words(app)
        assert "…" not in screen_text(app)


async def test_the_cursor_goes_from_finding_to_finding_and_marks_all_its_lines() -> None:
    app = editor(TWO_LONG_ONES)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        found = app.screen.query_one(FindingLines)
        first, second = (finding.message for finding in found.findings)
        assert f"line 4 {first}" in words(app)
        assert f"line 5 {second}" in words(app)
        assert found.total > 2
        found.focus()
        await pilot.press("j")
        rows = [row for row in screen_text(app).split("\n") if row.startswith("▌")]
        assert len(rows) > 1
        assert " ".join(" ".join(rows).replace("▌", " ").split()) == f"x error line 5 {second}"
        await pilot.press("enter")
        assert app.screen.query_one("#editor").cursor_location == (4, 0)  # type: ignore[attr-defined]


async def test_findings_are_wrapped_anew_in_another_width_with_the_cursor_where_it_was() -> None:
    app = editor(TWO_LONG_ONES)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        found = app.screen.query_one(FindingLines)
        found.focus()
        await pilot.press("j")
        await pilot.resize_terminal(200, 60)
        await settle(pilot)
        assert (found.total, found.cursor) == (2, 1)
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert found.total > 2
        assert found.finding_at(found.cursor) is found.findings[1]


async def test_what_is_repeated_is_one_finding_with_its_count() -> None:
    app = editor(TWO_LONG_ONES.replace('"s3:GetObjekt"', '["s3:GetObjekt", "s3:GetObjekt", "s3:GetObjekt"]'))
    async with app.run_test(size=(80, 40)) as pilot:
        await settle(pilot)
        assert "(3 entries)" in words(app)
