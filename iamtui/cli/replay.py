"""`iamtui replay`: recorded calls compared with the account's answers, or with those that a draft would give."""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

import click

from iamtui.activity.distinct_requests import COLUMNS, RequestCollector
from iamtui.activity.event_rows import athena_query, write_parquet
from iamtui.activity.trails import TrailCounts, Trails
from iamtui.cli.command import command, output_options
from iamtui.cli.input import shown_name
from iamtui.cli.opening import open_workspace, read_drafted, say_findings, tells_count
from iamtui.cli.output import Exit, Output, ProgressLine, Span, Style, note, stdout
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.cli.used import tells_trails, trails_of
from iamtui.credentials.secure_files import replace_file
from iamtui.drafts.draft import Edit
from iamtui.input_files import pyarrow_module
from iamtui.presentation.gate import GateLevel, GateRow
from iamtui.problem import Problem
from iamtui.text import counted, first_names, safe_text
from iamtui.workspace.activity.least_policy import with_named_policies
from iamtui.workspace.activity.replay import Replay, Replayer, ReplayGroup, ReplayVerdict
from iamtui.workspace.activity.replay_fixes import fixed_to_the_end
from iamtui.workspace.ask.policy_reads import PolicyReads
from iamtui.workspace.change.draft_fixes import SuggestedDraft
from iamtui.workspace.change.draft_session import DraftedAccount, apply, save_draft_file
from iamtui.workspace.source.workspace import Workspace

_MARKS: Final = {
    ReplayVerdict.BROKEN: ("[x]", Style.BAD),
    ReplayVerdict.DIFFERS: ("[!]", Style.BAD),
    ReplayVerdict.OPEN: ("[?]", Style.OPEN),
}
_WORDS: Final = {
    ReplayVerdict.AGREES: "answered here as AWS did",
    ReplayVerdict.DIFFERS: "answered here otherwise than AWS did",
    ReplayVerdict.KEPT: "still allowed with the draft",
    ReplayVerdict.BROKEN: "denied with the draft",
    ReplayVerdict.OPEN: "could not be determined",
}
_MOST_SHOWN: Final = 20
_MOST_PRINTED: Final = 1_000
"""Entries of a list in the JSON."""
_FEW: Final = 3
_MOST_LINES: Final = 60
"""Lines of a document that is shown; a longer one is in the file that --fix writes."""
_INDENT: Final = 4
_ROWS: Final = 2_000
_EPILOG: Final = (
    "Exit codes: 0 all could be determined; 1 with --fail-on; 3 something could not be determined or read; 2 an error."
)


@command(epilog=_EPILOG)
@click.argument("trails", nargs=-1, metavar="[TRAIL...]")
@click.option("--draft", "draft_file", metavar="FILE", help="Say what this draft would have denied.")
@click.option("--fix", "fixed_file", metavar="FILE", help="Write the draft with what keeps all that it would deny.")
@click.option(
    "--fail-on",
    type=click.Choice(["broken", "differs"]),
    help="Exit 1 if the draft would have denied a call, or if an answer differs from what AWS did.",
)
@click.option("--keep", "kept_file", metavar="FILE", help="Write the distinct requests as Parquet, a TRAIL for later.")
@click.option(
    "--athena", "table", metavar="TABLE", help="Print the query that collapses this table; its result is a TRAIL."
)
@click.option(
    "--days", type=click.IntRange(1, 3_660), default=90, show_default=True, help="With --athena: how far back."
)
@click.option("--all", "show_all", is_flag=True, help="Show all groups, not only the first few.")
@output_options("text", "json")
@source_options
def replay(
    trails: tuple[str, ...],
    draft_file: str | None,
    fixed_file: str | None,
    fail_on: str | None,
    kept_file: str | None,
    table: str | None,
    days: int,
    show_all: bool,
    form: str,
    source: SourceOptions,
) -> Exit:
    """Hold recorded calls against the account: where its answers differ from AWS's, or what a draft would have denied.

    TRAIL is a file or folder of CloudTrail events: as CloudTrail writes them (.json.gz, a bucket's folders), JSON
    lines, what `aws cloudtrail lookup-events` prints, or a result of Athena or CloudTrail Lake as CSV or Parquet. - is
    standard input; the demo has a trail of its own. Only a call that succeeded proves that it was allowed. What a
    record does not tell, and calls without a known action, are counted and shown as open.
    """
    _check(trails, draft_file, fixed_file, fail_on, table)
    workspace = open_workspace(source, several=draft_file is None)
    if table is not None:
        stdout().document(_query(table, days, PolicyReads(workspace.accounts)), numbered=False)
        return Exit.OK
    trails = trails_of(trails, workspace)
    drafted = None if draft_file is None else _read_draft(workspace, draft_file)
    if kept_file is not None:
        _check_keep(Path(kept_file))
    reads = PolicyReads(workspace.accounts if drafted is None else [*workspace.accounts, drafted.after.account])
    read, collector = _collected(trails, reads)
    if kept_file is not None:
        _keep(Path(kept_file), collector, read.counts)
    workspace, not_loaded = with_named_policies(workspace, collector.requests(), tells_count("policies of resources"))
    if drafted is not None:
        drafted = apply(workspace, drafted.draft)
        drafted.check()
    replayer = Replayer(workspace, reads, drafted)
    tell = tells_count("requests")
    # Those that ask the same of the account stand together, and are answered at once.
    for number, request in enumerate(collector.in_order_of_questions()):
        replayer.add(request)
        tell(number)
    ProgressLine.clear()
    found = replayer.finish()
    fixed = None
    if drafted is not None:
        fixed = fixed_to_the_end(workspace, drafted, found, reads, collector.in_order_of_questions)
    shown = _ShownReplay(workspace, read, collector, found, drafted, fixed, not_loaded)
    if form == "json":
        stdout().json(shown.as_json(), indent=2)
    else:
        shown.write(stdout(), _MOST_PRINTED if show_all else _MOST_SHOWN)
    if drafted is not None and fixed is not None and fixed_file is not None:
        save_draft_file(fixed.draft, Path(fixed_file), seen=drafted.draft)
        note(f"Written: {fixed_file}, the draft with {shown.added_words}.")
    failed = {"broken": ReplayVerdict.BROKEN, "differs": ReplayVerdict.DIFFERS}.get(fail_on or "")
    if failed is not None and found.events[failed]:
        return Exit.NO
    return Exit.OK if found.told and read.counts.whole and not collector.left_out else Exit.OPEN


def use_rows(trails: tuple[str, ...], workspace: Workspace, drafted: DraftedAccount) -> Iterator[GateRow]:
    """The rows of a plan's gate about calls of a trail that the plan's draft would deny."""
    reads = PolicyReads([*workspace.accounts, drafted.after.account])
    read, collector = _collected(trails_of(trails, workspace), reads)
    workspace, not_loaded = with_named_policies(workspace, collector.requests(), tells_count("policies of resources"))
    replayer = Replayer(workspace, reads, apply(workspace, drafted.draft))
    for request in collector.in_order_of_questions():
        replayer.add(request)
    found = replayer.finish()
    for group in found.of(ReplayVerdict.BROKEN):
        who = safe_text(workspace.short_name(group.caller) if group.caller.startswith("arn:") else group.caller)
        on = first_names(group.resources, _FEW, limit=256)
        words = f"was used and would be denied: {who} {group.action} on {on}, {_times(group.events)}; {group.reason}"
        yield GateRow("use", "broken", GateLevel.ERROR, "", words)
    if not found.told or not read.counts.whole or collector.left_out or not_loaded:
        words = f"{found.events[ReplayVerdict.OPEN]:,} of {read.counts.events:,} events could not be determined"
        yield GateRow("use", "not-determined", GateLevel.OPEN, "", words)
    yield GateRow("use", "kept", GateLevel.NOTE, "", f"{found.events[ReplayVerdict.KEPT]:,} events stay allowed")


def _check(
    trails: tuple[str, ...], draft: str | None, fixed: str | None, fail_on: str | None, table: str | None
) -> None:
    if trails and table is not None:
        raise Problem("--athena prints a query and reads no trail.", "Leave one of them out.")
    if draft is None and (fixed is not None or fail_on == "broken"):
        raise Problem(
            f"{'--fix' if fixed is not None else '--fail-on broken'} applies only with a draft.",
            "Name it with --draft.",
        )
    if draft is not None and fail_on == "differs":
        raise Problem("--fail-on differs applies only without a draft.", "Leave --draft out.")
    if draft == "-" and "-" in trails:
        raise Problem("The draft and a trail cannot both be read from standard input.", "Name a file for one of them.")


def _query(table: str, days: int, reads: PolicyReads) -> str:
    since = datetime.now(UTC) - timedelta(days=days)
    return athena_query(table, f"{since:%Y-%m-%dT%H:%M:%SZ}", reads.keys)


def _read_draft(workspace: Workspace, name: str) -> DraftedAccount:
    drafted = read_drafted(workspace, name)
    drafted.check()
    say_findings(drafted.findings)
    return drafted


def _collected(names: tuple[str, ...], reads: PolicyReads) -> tuple[Trails, RequestCollector]:
    read = Trails(names, tells_trails())
    collector = RequestCollector(reads.keys, sessions=reads.sessions)
    for events in read.events():
        collector.add(events)
    ProgressLine.clear()
    read.check()
    return read, collector


def _check_keep(path: Path) -> None:
    """Refuse what cannot be written before trails are read, which may take long."""
    pyarrow_module()
    if os.path.lexists(path):
        raise _already_there(path)


def _already_there(path: Path) -> Problem:
    return Problem(f"{safe_text(path)} is already there.", "Choose another name, or remove it.")


def _keep(path: Path, collector: RequestCollector, counts: TrailCounts) -> None:
    data = io.BytesIO()
    unread = counts.damaged + counts.entries + counts.unread
    write_parquet(data, _tables(chain((one.row() for one in collector.requests()), collector.lost_rows(unread))))
    try:
        replace_file(path, data.getvalue(), new=True)
    except FileExistsError:
        raise _already_there(path) from None
    except OSError as error:
        raise Problem(f"{safe_text(path)} cannot be written: {error.strerror}.", "Check the path.") from None
    note(f"Written: {safe_text(path)}, {counted(len(collector), 'distinct request')}.")


def _tables(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, list[Any]]]:
    rows = iter(rows)
    while held := list(islice(rows, _ROWS)):
        yield {name: [row.get(name) for row in held] for name in COLUMNS}


@dataclass(frozen=True, slots=True)
class _ShownReplay:
    """Result of a replay, for people and for programs."""

    workspace: Workspace
    read: Trails
    collector: RequestCollector
    found: Replay
    drafted: DraftedAccount | None
    fixed: SuggestedDraft | None
    not_loaded: dict[str, str]

    @property
    def first_added(self) -> int:
        return 0 if self.drafted is None else len(self.drafted.draft.edits)

    @property
    def added(self) -> tuple[Edit, ...]:
        return () if self.fixed is None else self.fixed.draft.edits[self.first_added :]

    @property
    def added_words(self) -> str:
        return f"{counted(len(self.added), 'edit')} more"

    def write(self, out: Output, most: int) -> None:
        counts, found = self.read.counts, self.found
        requests = counted(len(self.collector), "distinct request")
        events = counted(counts.events, "event")
        out.line(Span(f"{events} in {counted(counts.files, 'file')}: {requests}", Style.STRONG))
        for verdict in ReplayVerdict:
            if found.events[verdict] or verdict in self._asked_for:
                out.line(f"{found.events[verdict]:>12,}  {_WORDS[verdict]}")
        self._write_rest(out)
        broken = found.of(ReplayVerdict.BROKEN)
        out.blank()
        for group in broken[:most]:
            self._write_group(out, group)
        self._say_more(out, len(broken) - most)
        self._write_fix(out)
        alike: dict[tuple[ReplayVerdict, str], list[ReplayGroup]] = {}
        for group in found.groups:
            if group.verdict is not ReplayVerdict.BROKEN:
                alike.setdefault((group.verdict, group.reason), []).append(group)
        ranked = sorted(alike.values(), key=lambda some: (some[0].verdict is ReplayVerdict.OPEN, -_events(some)))
        for some in ranked[:most]:
            self._write_alike(out, some)
        self._say_more(out, len(ranked) - most)
        self._say_what_is_missing()

    @property
    def _asked_for(self) -> tuple[ReplayVerdict, ...]:
        return (
            (ReplayVerdict.KEPT, ReplayVerdict.BROKEN)
            if self.found.drafted
            else (ReplayVerdict.AGREES, ReplayVerdict.DIFFERS)
        )

    def _write_rest(self, out: Output) -> None:
        found = self.found
        unmapped: Counter[str] = Counter()
        for (name, _), count in found.unmapped.items():
            unmapped[name] += count
        for counter, words in (
            (unmapped, "not mapped to an action"),
            (found.failed, "failed otherwise, which proves nothing"),
            (found.not_calls, "no calls"),
            (found.elsewhere, "recorded in accounts that are not open"),
            (self.collector.left_out, "left out, beyond the limit of distinct requests"),
        ):
            if counter:
                named = ", ".join(
                    f"{safe_text(name, limit=128)} {count:,}" for name, count in counter.most_common(_FEW)
                )
                more = f", and {len(counter) - _FEW:,} more" if len(counter) > _FEW else ""
                out.paragraph(f"{words}: {named}{more}", indent=14, first=(f"{counter.total():>12,}  ",))
        if self.collector.folded_events:
            words = "of objects that are counted by the beginning of their keys, because there are too many"
            out.line(f"{self.collector.folded_events:>12,}  {words}")
        if found.refused:
            out.line(f"{found.refused:>12,}  denied by AWS, which says nothing about the draft")
        if found.ungrouped:
            out.line(f"{found.ungrouped:>12,}  not shown: too many different answers")

    def _write_group(self, out: Output, group: ReplayGroup) -> None:
        mark, style = _MARKS[group.verdict]
        who = safe_text(self._name(group), limit=256)
        out.line(Span(mark, style), f" {who}  {group.action}  {_times(group.events)}{_when(group)}")
        more = max(0, len(group.resources) - _FEW)
        resources = ", ".join(safe_text(one, limit=512) for one in list(group.resources)[:_FEW])
        out.paragraph(f"on {resources}{f' and {more:,} more' if more else ''}", indent=_INDENT)
        if group.sessions:
            out.paragraph(f"sessions {first_names(group.sessions, _FEW, limit=128)}", indent=_INDENT)
        out.paragraph(group.reason, indent=_INDENT)

    def _write_alike(self, out: Output, groups: list[ReplayGroup]) -> None:
        """Write groups with one reason, and their callers and actions, as one entry."""
        mark, style = _MARKS[groups[0].verdict]
        lead = (Span(mark, style), f" {_times(_events(groups))}  ")
        width = len(mark) + len(lead[1])
        out.paragraph(groups[0].reason, indent=width, first=lead)
        callers: Counter[str] = Counter()
        actions: Counter[str] = Counter()
        for group in groups:
            callers[self._name(group)] += group.events
            actions[group.action] += group.events
        out.paragraph(f"by {_named(callers)}", indent=_INDENT)
        out.paragraph(_named(actions), indent=_INDENT)

    def _name(self, group: ReplayGroup) -> str:
        return self.workspace.short_name(group.caller) if group.caller.startswith("arn:") else group.caller

    @staticmethod
    def _say_more(out: Output, more: int) -> None:
        if more > 0:
            out.line(f"{more:,} more: --all, or --json.")

    def _write_fix(self, out: Output) -> None:
        if self.fixed is None or not self.found.events[ReplayVerdict.BROKEN]:
            return
        out.blank()
        if self.added:
            out.line(Span("The smallest addition to the draft that keeps it (--fix FILE writes it):", Style.STRONG))
        for index in range(self.first_added, len(self.fixed.draft.edits)):
            out.line(f"  {index + 1}  {self.fixed.draft.words_of(index, self.workspace.account)}")
            document = getattr(self.fixed.draft.edits[index], "document", None)
            if isinstance(document, str) and document.count("\n") < _MOST_LINES:
                out.document(document, indent=_INDENT, numbered=False)
        for caution in self.fixed.cautions:
            note(caution)
        for why in self.fixed.left:
            out.paragraph(why.sentence, indent=_INDENT, first=("  - ",))

    def _say_what_is_missing(self) -> None:
        for one in self.read.damaged[:_MOST_SHOWN]:
            after = f" behind {counted(one.events, 'event')}" if one.events else ""
            note(f"Passed over{after}: {safe_text(shown_name(one.path), limit=512)}: {one.sentence}")
        if self.read.counts.damaged > _MOST_SHOWN:
            note(f"Passed over, too: {counted(self.read.counts.damaged - _MOST_SHOWN, 'more file')}.")
        if self.read.counts.unread:
            note(
                f"Not in the kept requests: {counted(self.read.counts.unread, 'file or entry', 'files or entries')} "
                "that could not be read when they were kept."
            )
        if self.read.counts.twice:
            note(f"Counted once: {counted(self.read.counts.twice, 'event')} that came twice.")
        if self.not_loaded:
            note(f"Not loaded: the policies of {first_names(self.not_loaded, _FEW, limit=256)}.")

    def as_json(self) -> dict[str, Any]:
        counts, found = self.read.counts, self.found
        groups = found.groups[:_MOST_PRINTED]
        made = None
        if self.fixed is not None:
            edits = range(self.first_added, len(self.fixed.draft.edits))
            made = {
                "edits": [self.fixed.draft.words_of(index, self.workspace.account) for index in edits],
                "cautions": list(self.fixed.cautions),
                "left": [why.sentence for why in self.fixed.left[:_MOST_PRINTED]],
            }
        return {
            "files": counts.files,
            "events": counts.events,
            "twice": counts.twice,
            "requests": len(self.collector),
            "verdicts": {
                verdict.value: {"requests": found.requests[verdict], "events": found.events[verdict]}
                for verdict in ReplayVerdict
                if found.events[verdict] or verdict in (*self._asked_for, ReplayVerdict.OPEN)
            },
            "unaffected": found.unaffected if found.drafted else None,
            "groups": [_group_json(group) for group in groups],
            "groups_left_out": len(found.groups) - len(groups),
            "not_told_apart": found.ungrouped,
            "unmapped": [
                {"event": name, "reason": why, "events": count}
                for (name, why), count in found.unmapped.most_common(_MOST_PRINTED)
            ],
            "failed": _counter_json(found.failed, "code"),
            "not_calls": _counter_json(found.not_calls, "event"),
            "elsewhere": _counter_json(found.elsewhere, "account"),
            "left_out": _counter_json(self.collector.left_out, "event"),
            "folded": self.collector.folded_events,
            "unread_before": counts.unread,
            "refused": found.refused,
            "damaged": [{"path": one.path, "reason": one.sentence, "events": one.events} for one in self.read.damaged],
            "damaged_files": counts.damaged,
            "not_loaded": dict(list(self.not_loaded.items())[:_MOST_PRINTED]),
            "addition": made,
        }


def _events(groups: Iterable[ReplayGroup]) -> int:
    return sum(group.events for group in groups)


def _times(events: int) -> str:
    return "once" if events == 1 else f"{events:,} times"


def _named(counter: Counter[str]) -> str:
    named = ", ".join(safe_text(name, limit=256) for name, _ in counter.most_common(_FEW))
    return f"{named} and {len(counter) - _FEW:,} more" if len(counter) > _FEW else named


def _when(group: ReplayGroup) -> str:
    if not group.last:
        return ""
    return f", {group.first}" if group.first == group.last else f", {group.first} to {group.last}"


def _counter_json(counter: Counter[str], name: str) -> list[dict[str, Any]]:
    return [{name: key, "events": count} for key, count in counter.most_common(_MOST_PRINTED)]


def _group_json(group: ReplayGroup) -> dict[str, Any]:
    return {
        "verdict": group.verdict.value,
        "caller": group.caller,
        "action": group.action,
        "reason": group.reason,
        "resources": list(group.resources)[:_MOST_SHOWN],
        "requests": group.requests,
        "events": group.events,
        "first": group.first or None,
        "last": group.last or None,
        "sessions": list(group.sessions),
    }
