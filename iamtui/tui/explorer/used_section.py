"""The section of the Access tab about what a user or role used, by CloudTrail's events that are read from there."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from time import monotonic
from typing import Final

from msgspec import structs

from iamtui.engine.request import Principal
from iamtui.presentation.used import used_of, used_report, used_words
from iamtui.problem import Problem
from iamtui.text import counted
from iamtui.tui import clock
from iamtui.tui.background import Work, in_thread
from iamtui.tui.content import Severity, line, plain
from iamtui.tui.dialogs.dialogs import LineDialog, needed
from iamtui.tui.explorer.detail_pane import DetailPane
from iamtui.tui.explorer.listings import BLANK, ListingRow, heading
from iamtui.tui.explorer.tab_contents import FoundTab
from iamtui.tui.widgets.status import Notice
from iamtui.workspace.activity.used import ReadTrails, activity_of, compare_use, read_until
from iamtui.workspace.ask.what_can import EffectiveAccess
from iamtui.workspace.source.workspace import Workspace

_TRAIL: Final = "trail"
"""The worker that reads a trail, whatever is shown meanwhile."""

_TELL_SECONDS: Final = 0.25
"""How often it tells how far it has come."""


class UsedSection:
    """Reads a trail for all callers, and adds to the Access tab of each what it used."""

    def __init__(self, pane: DetailPane) -> None:
        self._pane = pane
        self._read: ReadTrails | None = None
        self._reading = ""
        """How far the reading of a trail has come, while it lasts."""

    def add(
        self, tab: FoundTab, workspace: Workspace, principal: Principal, found: EffectiveAccess
    ) -> Mapping[str, str]:
        """Add the actions that a principal used, where a trail was read, and the row that reads one. In a thread.

        Returns:
            Notes for the services.
        """
        activity = None if self._read is None else activity_of(workspace, principal, self._read)
        uses = () if activity is None else compare_use(found, activity)
        tab.rows.append(heading("What it used"))
        if activity is not None:
            now, unused = clock.now(), sum(len(one.unused) for one in uses)
            tab.lists[len(tab.rows)] = "Used", partial(used_report, workspace, activity, uses, now)
            rest = f"; {unused:,} granted and not used"
            shorter = (f"{used_words(activity, when=False)}{rest}", f"{len(activity.actions):,} used{rest}")
            tab.rows.append(ListingRow("used", f"{used_words(activity, now=now)}{rest}", shorter=shorter))
            tab.rows.extend(ListingRow("[!]", f"Not complete: {reason}", "warning") for reason in activity.incomplete)
        tab.enters[len(tab.rows)] = self.open_trail
        reads = "Enter reads CloudTrail's events"
        row = ListingRow("trail", f"{reads}, of a file or a folder", shorter=(reads,))
        if activity is not None:
            row = ListingRow("trail", "Enter reads another file or folder")
        tab.rows.extend((ListingRow("trail", self._reading) if self._reading else row, BLANK))
        return {one.service: used_of(one) for one in uses}

    def open_trail(self) -> None:
        """Ask for a file or folder and read it, or stop the reading."""
        pane = self._pane
        if self._reading:
            pane.workers.cancel_group(pane, _TRAIL)
            self._reading = ""
            pane.find_contents()
            return
        own = "" if pane.workspace is None else pane.workspace.own_trail
        filled = "; filled in is the demo's own" if own else ""
        hint = line(f"A file or folder of CloudTrail events: JSON, .json.gz, CSV or Parquet{filled}")
        dialog = LineDialog(line("Trail"), own, hint, check=_trail_fault, is_path=True)
        pane.app.push_screen(dialog, self._read_in_thread)

    def _read_in_thread(self, path: str | None) -> None:
        if path is None:
            return

        def failed(problem: Problem) -> None:
            self._reading = ""
            self._pane.find_contents()
            self._pane.post_message(Notice(plain(problem), Severity.ERROR))

        self._show_reading("reading …")
        in_thread(self._pane, partial(self._read_trail, path), failed, name="reading a trail", group=_TRAIL)

    def _read_trail(self, path: str, work: Work) -> None:
        told_at = monotonic()

        def tell(files: int, events: int) -> bool:
            nonlocal told_at
            if monotonic() - told_at >= _TELL_SECONDS:
                told_at = monotonic()
                work.tell(
                    self._show_reading, f"reading … {counted(files, 'file')}, {counted(events, 'event')}; Enter stops"
                )
            return work.cancelled()

        read = read_until(path, tell)
        if read is not None:
            work.tell(self._hold_trails, read)

    def _hold_trails(self, read: ReadTrails) -> None:
        self._read, self._reading = read, ""
        self._pane.find_contents()

    def _show_reading(self, words: str) -> None:
        self._reading = words
        facts = self._pane.facts
        for at, enter in self._pane.enters.items():
            if enter == self.open_trail:
                rows = list(facts.rows)
                rows[at] = structs.replace(rows[at], value=words)
                facts.set_rows(rows, cursor=facts.cursor)


def _trail_fault(text: str) -> str:
    # Standard input is the terminal.
    return needed(text) or ("Name a file or a folder." if text == "-" else "")
