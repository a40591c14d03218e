"""WhoCanScreen: the question put to everybody, with counts, a filter and the reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Label, Static

from iamtui.tui.safe import lines, plain
from iamtui.tui.screens.who_can.asking import GROUP, AskingScreen
from iamtui.tui.screens.who_can.listing import WhoCanList
from iamtui.tui.screens.who_can.rows import Row
from iamtui.tui.screens.who_can.text import FILTERS, answer, counts, empty, filters, heading, not_evaluated, verdict
from iamtui.tui.widgets.key_line import KeyLine
from iamtui.tui.widgets.notice import Notice
from iamtui.tui.widgets.safe_input import SafeInput
from iamtui.workspace.questions.asking import ask


class WhoCanScreen(AskingScreen):
    """Answers come from a thread that ends with the screen; it returns the ARN to go to, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Filter", key_display="/", id="whocan.filter", tooltip="Show what holds a text"),
        Binding("w,f7", "why", "Why", id="whocan.why", tooltip="Show the whole trace for this principal"),
        Binding("f6,W", "back", "Can", id="whocan.back", tooltip="Back to one principal"),
        Binding("1", "show('1')", "All", show=False, id="whocan.all", tooltip="Show every principal"),
        Binding("2", "show('2')", "Allowed", show=False, id="whocan.allowed", tooltip="Show who is allowed"),
        Binding("3", "show('3')", "Depends", show=False, id="whocan.depends", tooltip="Show for whom it depends"),
        Binding("4", "show('4')", "Explicit", show=False, id="whocan.explicit", tooltip="Show whom a Deny stops"),
        Binding("5", "show('5')", "No allow", show=False, id="whocan.no-allow", tooltip="Show whom nothing allows"),
        Binding("6", "show('6')", "Changed", show=False, id="whocan.changed", tooltip="Show what the draft changes"),
        Binding("escape,q", "leave", "Back", id="whocan.leave", tooltip="End the filter, or go back"),
    ]  # fmt: skip

    DEFAULT_CSS = """
    WhoCanScreen {
        background: $background;

        & #whocan-title {
            height: auto;
            max-height: 3;
            width: 100%;
            padding: 0 1;
            background: $panel;
        }
        & #whocan-counts, & #whocan-filters {
            height: 1;
            width: 100%;
            padding: 0 1;
        }
        & #whocan-note {
            height: auto;
            max-height: 3;
            width: 100%;
            padding: 0 1;
            color: $verdict-depends;
            display: none;
        }
        & WhoCanList {
            height: 1fr;
        }
        & #whocan-empty {
            height: 1fr;
            padding: 1 2;
            color: $muted;
            display: none;
        }
        & #whocan-why {
            height: 4;
            padding: 0 1;
            border-top: solid $rule;
        }
        & #whocan-search {
            height: 1;
            padding: 0 1;
            display: none;
        }
        &.-searching #whocan-search {
            display: block;
        }
        & #whocan-search Label {
            width: auto;
            color: $heading;
        }
        & #whocan-search Input {
            width: 1fr;
            background: $foreground 10%;
        }
    }
    """

    def compose(self) -> ComposeResult:
        """Question, counts, filters, list, reason of the row under the cursor, keys."""
        yield Label(heading(self._inquiry, self._left_out), id="whocan-title")
        yield Label(id="whocan-counts")
        yield Label(id="whocan-filters")
        yield Label(id="whocan-note")
        yield WhoCanList(id="whocan-list")
        yield Static(id="whocan-empty")
        yield Static(id="whocan-why")
        with Horizontal(id="whocan-search"):
            yield Label("/")
            yield SafeInput(placeholder="name, path or policy; Enter keeps it", compact=True, id="whocan-needle")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        """Ask."""
        self.list.focus()
        self._ask()

    @property
    def list(self) -> WhoCanList:
        """The list."""
        return self.query_one(WhoCanList)

    # Showing.

    def start_rows(self, *, draft: bool) -> None:
        """Drop what is shown."""
        self.list.start(draft=draft)

    def add_rows(self, rows: Sequence[Row]) -> None:
        """Show more."""
        self.list.add(rows)

    def show_answers(self) -> None:
        """Counts, filters and notes, and what stands in the place of an empty list."""
        rows, draft = self.list.rows, self._before is not None
        asking = None if self._done else len(self._everybody.principals)
        self.query_one("#whocan-counts", Label).update(counts(rows, asking=asking, draft=draft))
        self.query_one("#whocan-filters", Label).update(filters(rows, draft=draft))
        note = self.query_one("#whocan-note", Label)
        words = not_evaluated(self._everybody, self._unloaded)
        note.display = bool(words)
        note.update(plain(words))
        self.query_one(KeyLine).look_again()
        self._show_empty()

    def _show_empty(self) -> None:
        words = empty(self.list.rows, self._problem, done=self._done)
        place = self.query_one("#whocan-empty", Static)
        place.display = words is not None
        self.list.display = words is None
        if words is not None:
            place.update(words)
            self.query_one("#whocan-why", Static).update(Content(""))
        elif self.focused is None:
            self.list.focus()

    @on(WhoCanList.Moved)
    def _moved(self, event: WhoCanList.Moved) -> None:
        event.stop()
        row = event.row
        if row is None:
            self.query_one("#whocan-why", Static).update(Content(""))
            return
        self.query_one("#whocan-why", Static).update(lines(answer(row), plain(row.reason)))

    # Keys.

    def action_show(self, number: str) -> None:
        """Filter by verdict."""
        rows = self.list.rows
        at = int(number) - 1
        if at < len(FILTERS):
            self.list.choose(bucket=FILTERS[at].bucket, needle=rows.needle)
        elif self._before is not None:
            self.list.choose(bucket=None, only_changed=True, needle=rows.needle)
        self.show_answers()

    @on(WhoCanList.Sorted)
    def _sorted(self, event: WhoCanList.Sorted) -> None:
        event.stop()
        self.show_answers()

    @on(WhoCanList.Step)
    def _step(self, event: WhoCanList.Step) -> None:
        event.stop()
        buckets = [entry.bucket for entry in FILTERS]
        at = (buckets.index(self.list.rows.bucket) + event.direction) % len(buckets)
        self.action_show(str(at + 1))

    def action_search(self) -> None:
        """Type what to look for."""
        self.add_class("-searching")
        self.query_one("#whocan-needle", Input).focus()

    @on(Input.Changed, "#whocan-needle")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        rows = self.list.rows
        self.list.choose(bucket=rows.bucket, only_changed=rows.only_changed, needle=event.value)
        self.show_answers()

    @on(Input.Submitted, "#whocan-needle")
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.list.focus()

    def action_leave(self) -> None:
        """End the filter, or go back."""
        if self.has_class("-searching"):
            self.remove_class("-searching")
            self.query_one("#whocan-needle", Input).value = ""
            self.list.focus()
        else:
            self.action_back()

    def action_back(self) -> None:
        """Back to one principal."""
        self.workers.cancel_group(self, GROUP)
        self.dismiss(None)

    @on(WhoCanList.Chosen)
    def _chosen(self, event: WhoCanList.Chosen) -> None:
        event.stop()
        if not event.row.inside:
            words = "It is not in the tree: it belongs to another account or to nobody. Press w for why."
            self.query_one("#whocan-why", Static).update(lines(verdict(event.row), plain(words)))
            return
        self.workers.cancel_group(self, GROUP)
        self.dismiss(event.row.principal.arn)

    def action_why(self) -> None:
        """Show the trace for the principal under the cursor."""
        from iamtui.tui.screens.trace.screen import TraceScreen  # noqa: PLC0415 - the tracing part of the engine, on demand

        row = self.list.row
        if row is None:
            return
        question = replace(self._inquiry.terms, action=row.action, resource=row.resource, context=row.context)
        decision = ask(self._workspace, row.requester, question)
        label = f"{row.kind}/{row.name}"
        if row.requester != row.principal:
            label = f"{label}, chained from {row.requester.arn.rpartition(':')[2]}"
        without = self._left_out
        self.app.push_screen(TraceScreen(self._workspace, decision, row.requester, question, label, left_out=without))

    def idle_actions(self) -> frozenset[str]:
        """Without a row there is nothing to explain."""
        return frozenset() if self.list.row is not None else frozenset({"why"})

    @on(Notice)
    def _notice(self, event: Notice) -> None:
        event.stop()
