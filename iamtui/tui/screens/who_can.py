"""WhoCanScreen: the question put to everybody, with counts, a filter and the reasons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Label, Static
from textual.worker import Worker, WorkerState, get_current_worker

from iamtui.analysis.inquiry import Inquiry
from iamtui.evaluation.decision import Layer
from iamtui.problem import Problem
from iamtui.tui.crash import worker_failure
from iamtui.tui.safe import line, lines, plain
from iamtui.tui.screens.who_can_asking import row_batches
from iamtui.tui.screens.who_can_list import WhoCanList
from iamtui.tui.screens.who_can_rows import Bucket, Row
from iamtui.tui.widgets.key_line import KeyLine
from iamtui.tui.widgets.notice import Notice
from iamtui.tui.widgets.question.terms import terms_of
from iamtui.tui.widgets.safe_input import SafeInput
from iamtui.workspace.asking import ask
from iamtui.workspace.verdict import SHORT_LAYER_NAMES, VerdictWords
from iamtui.workspace.who_can import Everybody, Provider, everybody, who_can
from iamtui.workspace.workspace import Workspace

_FILTERS: Final = (
    (None, "", "all", "$foreground"),
    (Bucket.ALLOWED, "[+]", "allowed", "$verdict-allowed"),
    (Bucket.DEPENDS, "[?]", "depends", "$verdict-depends"),
    (Bucket.EXPLICIT, "[x]", "explicit", "$verdict-denied"),
    (Bucket.NO_ALLOW, "[-]", "no allow", "$verdict-denied"),
)


class WhoCanScreen(Screen[str | None]):
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

    @dataclass
    class _Started(Message):
        ticket: int
        everybody: Everybody

    @dataclass
    class _Came(Message):
        ticket: int
        rows: list[Row]
        done: bool

    @dataclass
    class _Refused(Message):
        ticket: int
        problem: Problem

    def __init__(
        self,
        workspace: Workspace,
        inquiry: Inquiry,
        *,
        before: Workspace | None = None,
        provider: Provider = who_can,
    ) -> None:
        """Make the screen.

        Args:
            before: the workspace without the draft that `workspace` holds: every row then shows both answers.
            provider: what answers.
        """
        super().__init__()
        self._workspace = workspace
        self._inquiry = inquiry
        self._before = before
        self._provider = provider
        self._ticket = 0
        self._everybody = Everybody(())
        self._done = False
        self._unloaded: set[Layer] = set()
        self._problem: Problem | None = None

    def compose(self) -> ComposeResult:
        """Question, counts, filters, list, reason of the row under the cursor, keys."""
        yield Label(self._heading(), id="whocan-title")
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

    @property
    def done(self) -> bool:
        """Whether all answers are there."""
        return self._done

    def set_workspace(self, workspace: Workspace, before: Workspace | None = None) -> None:
        """Answer from newer data."""
        if workspace is not self._workspace or before is not self._before:
            self._workspace, self._before = workspace, before
            self._ask()

    def _heading(self) -> Content:
        inquiry = self._inquiry
        actions = ", ".join(inquiry.actions)
        on_what = ", ".join(inquiry.resources)
        parts: list[object] = [("Who can  ", "bold $heading"), (actions, "bold")]
        if on_what != "*":
            parts += [("  on ", "$muted"), on_what]
        terms = terms_of(inquiry)
        return lines(line(*parts), line(("Given    ", "$muted"), terms)) if terms else line(*parts)

    # Asking, in a thread.

    def _ask(self) -> None:
        self._ticket += 1
        self._done, self._problem = False, None
        self._unloaded.clear()
        self.list.start(draft=self._before is not None)
        self._show_counts()
        work = partial(self._answer, self._ticket, self._workspace, self._before)
        self.run_worker(
            work, thread=True, exclusive=True, group="who can", exit_on_error=False, name="asking everybody"
        )

    def _answer(self, ticket: int, workspace: Workspace, before: Workspace | None) -> None:
        worker = get_current_worker()
        try:
            found = everybody(workspace, self._inquiry)
            self.post_message(self._Started(ticket, found))
            batches = row_batches(self._provider, workspace, before, self._inquiry, found, lambda: worker.is_cancelled)
            for rows in batches:
                self.post_message(self._Came(ticket, rows, False))
            if not worker.is_cancelled:
                self.post_message(self._Came(ticket, [], True))
        except Problem as problem:
            self.post_message(self._Refused(ticket, problem))

    @on(_Started)
    def _started(self, event: _Started) -> None:
        event.stop()
        if event.ticket == self._ticket:
            self._everybody = event.everybody
            self._show_counts()

    @on(_Came)
    def _came(self, event: _Came) -> None:
        event.stop()
        if event.ticket == self._ticket:
            self._done = event.done
            self._unloaded.update(layer for row in event.rows for layer in row.unloaded)
            self.list.add(event.rows)
            self._show_counts()

    @on(_Refused)
    def _refused(self, event: _Refused) -> None:
        event.stop()
        if event.ticket == self._ticket:
            self._problem, self._done = event.problem, True
            self._show_counts()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Answers that cannot be made are a sentence."""
        event.stop()
        if event.state is WorkerState.ERROR:
            self._problem, self._done = Problem(worker_failure(event.worker), "Go back and ask again."), True
            self._show_counts()

    # Showing.

    def _show_counts(self) -> None:
        rows, total = self.list.rows, len(self._everybody.principals)
        denied = rows.counts[Bucket.EXPLICIT] + rows.counts[Bucket.NO_ALLOW]
        allowed, depends = rows.counts[Bucket.ALLOWED], rows.counts[Bucket.DEPENDS]
        parts: list[object] = [
            (f"{allowed:,} allowed", "bold $verdict-allowed" if allowed else "$muted"),
            (", ", "$muted"),
            (f"{depends:,} depend{'s' if depends == 1 else ''}", "bold $verdict-depends" if depends else "$muted"),
            (", ", "$muted"),
            (f"{denied:,} denied", "$verdict-denied" if denied else "$muted"),
            (f" of {len(rows.all):,}", "$muted"),
        ]
        if not self._done and self._problem is None:
            parts.append((f"   asking … {len(rows.all) * 100 // max(1, total)} %", "bold $match"))
        if self._before is not None:
            parts.append((f"   {rows.changed:,} changed", "bold $match" if rows.changed else "$muted"))
        if rows.needle or rows.bucket is not None or rows.only_changed:
            parts.append((f"   {len(rows.shown):,} shown", "bold $match"))
        parts.append((f"   {rows.order.title}", "$faint"))
        self.query_one("#whocan-counts", Label).update(line(*parts))
        self.query_one(KeyLine).refresh()
        self._show_filters()
        self._show_note()
        self._show_empty()

    def _show_filters(self) -> None:
        rows = self.list.rows
        chips: list[object] = []
        for number, (bucket, mark, word, style) in enumerate(_FILTERS, 1):
            active = bucket is rows.bucket and not rows.only_changed
            chip = f"{'▸' if active else ' '}{number} {mark}{' ' if mark else ''}{word}"
            chips.append((chip, f"bold underline {style}" if active else "$muted"))
        if self._before is not None:
            chip = f"{'▸' if rows.only_changed else ' '}6 changed"
            chips.append((chip, "bold underline $match" if rows.only_changed else "$muted"))
        if rows.needle:
            chips.append((f" / {rows.needle}", "bold $match"))
        self.query_one("#whocan-filters", Label).update(line(*chips))

    def _show_note(self) -> None:
        note = self.query_one("#whocan-note", Label)
        found = self._everybody
        words = ""
        if found.unknown:
            words = f"Whom else the resource lets in is unknown: {found.unknown}."
        elif found.everyone:
            words = "The resource's policy names everybody (*): users and roles of other accounts are not listed."
        layers = ", ".join(SHORT_LAYER_NAMES[layer] for layer in Layer if layer in self._unloaded)
        if layers:
            words = f"{words} Not evaluated, and could change some answers: {layers}.".lstrip()
        note.display = bool(words)
        note.update(plain(words))

    def _show_empty(self) -> None:
        rows = self.list.rows
        words: Content | None = None
        if self._problem is not None:
            words = line(("! ", "bold $verdict-denied"), str(self._problem))
        elif not rows.shown and self._done:
            if not rows.all:
                words = plain("This account has no users and no roles to ask about.")
            else:
                words = plain("Nobody matches this filter. Press 1 for all, or Escape to end the text filter.")
        elif not rows.shown:
            words = plain("Asking …")
        empty = self.query_one("#whocan-empty", Static)
        empty.display = words is not None
        self.list.display = words is None
        if words is not None:
            empty.update(words)
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
        answer = _verdict(row.bucket, row.words)
        if row.before is not None and row.changed:
            answer = line((str(row.before), "$muted"), (" → ", "bold $match"), answer)
        self.query_one("#whocan-why", Static).update(lines(answer, plain(row.reason)))

    # Keys.

    def action_show(self, number: str) -> None:
        """Filter by verdict."""
        rows = self.list.rows
        at = int(number) - 1
        if at < len(_FILTERS):
            self.list.choose(bucket=_FILTERS[at][0], needle=rows.needle)
        elif self._before is not None:
            self.list.choose(bucket=None, only_changed=True, needle=rows.needle)
        self._show_counts()

    @on(WhoCanList.Sorted)
    def _sorted(self, event: WhoCanList.Sorted) -> None:
        event.stop()
        self._show_counts()

    @on(WhoCanList.Step)
    def _step(self, event: WhoCanList.Step) -> None:
        event.stop()
        buckets = [bucket for bucket, *_ in _FILTERS]
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
        self._show_counts()

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
        self.workers.cancel_group(self, "who can")
        self.dismiss(None)

    @on(WhoCanList.Chosen)
    def _chosen(self, event: WhoCanList.Chosen) -> None:
        event.stop()
        if not event.row.inside:
            words = "It is not in the tree: it belongs to another account or to nobody. Press w for why."
            self.query_one("#whocan-why", Static).update(
                lines(_verdict(event.row.bucket, event.row.words), plain(words))
            )
            return
        self.workers.cancel_group(self, "who can")
        self.dismiss(event.row.principal.arn)

    def action_why(self) -> None:
        """Show the trace for the principal under the cursor."""
        from iamtui.tui.screens.trace import TraceScreen  # noqa: PLC0415 - the tracing part of the engine, on demand

        row = self.list.row
        if row is None:
            return
        question = replace(self._inquiry.terms, action=row.action, resource=row.resource, context=row.context)
        decision = ask(self._workspace, row.principal, question)
        label = f"{row.kind}/{row.name}"
        self.app.push_screen(TraceScreen(self._workspace, decision, row.principal, question, label))

    def idle_actions(self) -> frozenset[str]:
        """Without a row there is nothing to explain."""
        return frozenset() if self.list.row is not None else frozenset({"why"})

    @on(Notice)
    def _notice(self, event: Notice) -> None:
        event.stop()


def _verdict(bucket: Bucket, words: VerdictWords) -> Content:
    style = next(style for kind, _, _, style in _FILTERS if kind is bucket)
    return line((f"{words.mark} {words.word}", f"bold {style}"), (f" {words.rest}", style))
