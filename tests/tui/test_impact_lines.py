"""The lines of a draft's impact: how much room names and verdicts have."""

from __future__ import annotations

import pytest
from textual.screen import Screen

from iamtui.presentation.verdict import VerdictWords
from iamtui.tui.drafts.impact_screen import ImpactLines, ImpactRow, before_and_after
from tests.support import wording
from tests.support.panel_apps import ScreenApp, settle

WAS = VerdictWords("[-]", "DENIED", "no allow")
NOW = VerdictWords("[+]", "ALLOWED", "on some: arn:aws:s3:::b/*", "on some", WAS)
LABEL = "role/AWSReservedSSO_AdministratorAccess_57e5720f0123"


@pytest.mark.parametrize(
    ("width", "says"),
    [
        (120, f"gains   {LABEL}  {wording.NOT_ALLOWED}, now {wording.ALLOWED} on some: arn:aws:s3:::b/*"),
        (80, f"gains   role/AWSReservedSSO_A…  {wording.NOT_ALLOWED}, now {wording.ALLOWED}* on some: arn:aws…"),
    ],
)
async def test_a_name_is_cut_only_where_the_verdicts_need_the_room(width: int, says: str) -> None:
    lines = ImpactLines()
    app = ScreenApp(Screen())
    async with app.run_test(size=(width, 20)) as pilot:
        await app.screen.mount(lines)
        lines.show_rows([ImpactRow("", LABEL, "gained", NOW)], None)
        await settle(pilot)
        assert "".join(piece.text for piece in lines.pieces(0, width)) == says


def test_two_bars_show_the_verdicts_before_and_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setattr("sys.__stdout__", None)
    denied = VerdictWords("[-]", "DENIED", "no allow")
    rows = [
        ImpactRow("", "gains", "gained", NOW),
        *(ImpactRow("", "stays", "same", denied) for _ in range(3)),
        ImpactRow("", "not asked", "problem", None),
    ]
    before, after = (row.plain for row in before_and_after(rows, 8))
    assert before == "before  --------  0 allowed, 0 depend, 4 denied"
    assert after == "after   ##------  1 allowed (1*), 0 depend, 3 denied"
    assert list(before_and_after(rows[-1:], 8)) == []
