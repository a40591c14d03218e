"""`iamtui draft compare`: whose answers a draft changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import click

from iamtui.cli.command import command, output_options
from iamtui.cli.opening import open_workspace, read_drafted, say_findings, whole_or_open
from iamtui.cli.output import Exit, JsonRecords, Output, Span, Style, note, stdout
from iamtui.cli.questions import (
    QuestionOptions,
    load_resource_policies,
    matrix_of,
    question_options,
    say_assumed,
)
from iamtui.cli.render import verdict_style
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.engine.decision import Decision
from iamtui.engine.request import Principal
from iamtui.presentation.verdict import verdict_words
from iamtui.presentation.who_can import principal_words
from iamtui.problem import Problem
from iamtui.questions.question import QuestionMatrix
from iamtui.text import counted, safe_text
from iamtui.workspace.ask.saved_questions import QuestionStore, SavedQuestion, account_key, quoted, testing
from iamtui.workspace.change.draft_session import (
    DraftComparison,
    DraftedAccount,
    Effect,
    SavedComparison,
    compare_everyone,
    compare_saved,
    unlisted_strangers,
    verdict_key,
)
from iamtui.workspace.change.draft_session import compare as compare_one
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import Workspace

_MARKS: Final = {
    Effect.GAINED: ("[+] gained", Style.GOOD),
    Effect.LOST: ("[x] lost", Style.BAD),
    Effect.CHANGED: ("[?] changed", Style.OPEN),
    Effect.SAME: ("[=] same", Style.QUIET),
}
_FAIL_ON: Final = ("gained", "lost", "change")


@command(
    epilog="Exit codes: 0; 1 with --fail-on, or when a saved question is not answered as expected with the draft; 2 an "
    "error, also when a saved question cannot be asked; 3 when everybody is asked and the list may lack "
    "somebody: only a part of the account was read, whom else a resource lets in is not known, or a row stands for "
    "users and roles of other accounts."
)
@click.argument("file")
@click.argument("actions", nargs=-1, metavar="[ACTION]...")
@click.option("--principal", "names", multiple=True, help="Ask for this principal only. Repeatable.")
@click.option("--all", "everyone", is_flag=True, help="Also list unchanged answers.")
@click.option(
    "--fail-on",
    type=click.Choice(_FAIL_ON),
    help="Exit 1 if a principal gains access, loses it, or has any other change.",
)
@question_options
@output_options("text", "json", "jsonl")
@source_options
def compare(
    file: str,
    actions: tuple[str, ...],
    names: tuple[str, ...],
    everyone: bool,
    fail_on: str | None,
    asked: QuestionOptions,
    form: str,
    source: SourceOptions,
) -> Exit:
    """List the principals whose answer to ACTION changes with the draft FILE (- for standard input).

    ACTION, --on and the other options are those of `who-can`. Without an ACTION, the saved questions of the account
    are asked instead, as a regression test for policies. `iamtui impact` compares everything.
    """
    out = stdout()
    records = JsonRecords(out, lines=form == "jsonl") if form != "text" else None
    shown = _Shown(out, records, everyone)
    if not actions:
        if asked.given:
            raise Problem("Options of a question were given, but no ACTION.", "Name an action, such as s3:GetObject.")
        return _compare_saved(shown, file, names, fail_on, source)
    made = matrix_of(actions, asked)
    workspace = load_resource_policies(open_workspace(source), made)
    drafted = read_drafted(workspace, file)
    drafted.check()
    say_findings(drafted.findings)
    counts: Counter[Effect] = Counter()
    described = False
    for comparison in _comparisons(drafted, made, workspace, names):
        counts[comparison.effect] += 1
        described |= bool(comparison.principal.stands_for) and comparison.effect is not Effect.SAME
        shown.comparison(workspace, comparison)
    shown.end()
    on = "" if made.resources == ("*",) else f" on {', '.join(made.resources)}"
    note(f"{', '.join(made.actions)}{on}: {_summary(counts)}.")
    say_assumed(drafted.after, made.terms, made.actions)
    strangers = unlisted_strangers(drafted, made) if asked.resources and not names else ""
    if strangers:
        note(strangers)
    if _fails(fail_on, counts):
        return Exit.NO
    if names:
        return Exit.OK
    return Exit.OPEN if strangers or described else whole_or_open(workspace.account)


@dataclass(frozen=True, slots=True)
class _Shown:
    """How and how much is printed."""

    out: Output
    records: JsonRecords | None
    everyone: bool

    def end(self) -> None:
        if self.records is not None:
            self.records.end()

    def comparison(self, workspace: Workspace, comparison: DraftComparison) -> None:
        """Print one principal's, if wanted."""
        if comparison.effect is Effect.SAME and not self.everyone:
            return
        if self.records is not None:
            self.records.add(comparison_to_json(comparison))
        else:
            write_comparison(self.out, workspace, comparison)

    def saved(self, workspace: Workspace, found: SavedComparison) -> None:
        """Print one saved question's, if wanted: always where it is not as expected."""
        quiet = found.effect is Effect.SAME and found.met_after is not False
        if quiet and not self.everyone:
            return
        if self.records is not None:
            self.records.add(saved_to_json(found))
            return
        self.out.line(Span(found.saved.name, Style.STRONG))
        if found.problem is not None:
            self.out.paragraph(str(found.problem), indent=6, first=("  ", Span("[?]", Style.OPEN)))
        if found.comparison is not None:
            write_comparison(self.out, workspace, found.comparison, indent=2)
        if found.met_after is False:
            when = "before or with the draft" if found.met_before is False else "with the draft; before, it was"
            sentence = f"expected {found.saved.expect}; it is not, {when}."
            self.out.paragraph(sentence, indent=6, first=("  ", Span("[x]", Style.BAD)))


def _compare_saved(
    shown: _Shown, file: str, names: tuple[str, ...], fail_on: str | None, source: SourceOptions
) -> Exit:
    workspace = open_workspace(source)
    saved = QuestionStore(account_key(workspace)).saved()
    if not saved:
        raise Problem(
            "No questions are saved for this account.",
            "Name an action, save questions first, or see `iamtui impact` for the whole account.",
        )
    if len(names) > 1:
        raise Problem(
            "The saved questions name their principals.", "Give at most one --principal, for questions that name none."
        )
    asking = resolve_principal(workspace, names[0]) if names else None
    if asking is None:
        saved = _with_a_principal(saved)
    for entry in saved:
        workspace = load_resource_policies(workspace, entry.question_matrix)
    drafted = read_drafted(workspace, file)
    drafted.check()
    say_findings(drafted.findings)
    counts: Counter[Effect] = Counter()
    unmet = failed = 0
    for found in compare_saved(drafted, saved, asking=asking):
        shown.saved(workspace, found)
        unmet += found.met_after is False
        failed += found.problem is not None
        if found.effect is not None:
            counts[found.effect] += 1
    shown.end()
    asked = counted(len(saved), "saved question")
    note(f"{asked}: {_summary(counts)}; {unmet} not as expected, {failed} that cannot be asked.")
    if failed:
        return Exit.ERROR
    return Exit.NO if unmet or _fails(fail_on, counts) else Exit.OK


def _with_a_principal(saved: Sequence[SavedQuestion]) -> tuple[SavedQuestion, ...]:
    """The questions without those that name nobody and expect nothing, which are named on stderr."""
    chosen, left_out = testing(saved)
    names = ", ".join(quoted(question.name) for question in left_out)
    if not chosen:
        raise Problem(
            f"None of the saved questions ({names}) has a principal or an expectation.",
            "Name one with --principal.",
        )
    if left_out:
        note(f"Skipped, because they have neither a principal nor an expectation: {names}. Name one with --principal.")
    return tuple(chosen)


def _comparisons(
    drafted: DraftedAccount, made: QuestionMatrix, workspace: Workspace, names: tuple[str, ...]
) -> Iterator[DraftComparison]:
    if not names:
        yield from compare_everyone(drafted, made)
        return
    for principal in [_principal(drafted, workspace, name) for name in names]:
        comparison = compare_one(drafted, made, principal)
        assert comparison is not None, "nothing cancels a command's question"
        yield comparison


def _principal(drafted: DraftedAccount, workspace: Workspace, name: str) -> Principal:
    """Resolve a name to a principal of the account, or of the draft, which may make a role."""
    try:
        return resolve_principal(workspace, name)
    except Problem:
        if not drafted.states.only_after:
            raise
        return resolve_principal(drafted.after, name)


def _fails(fail_on: str | None, counts: Counter[Effect]) -> bool:
    if fail_on is None:
        return False
    if fail_on == "change":
        return any(count for effect, count in counts.items() if effect is not Effect.SAME)
    # Of several pairs one can be gained and another lost: that is CHANGED, and either way no clean bill.
    return counts[Effect(fail_on)] + counts[Effect.CHANGED] > 0


def _summary(counts: Counter[Effect]) -> str:
    return (
        f"{counts[Effect.GAINED]} gained, {counts[Effect.LOST]} lost, {counts[Effect.CHANGED]} changed otherwise, "
        f"{counts[Effect.SAME]} the same, of {counts.total()}"
    )


def write_comparison(out: Output, workspace: Workspace, comparison: DraftComparison, *, indent: int = 0) -> None:
    """One principal: the verdict before and after; of several pairs those that differ, below."""
    words, style = _MARKS[comparison.effect]
    name = safe_text(principal_words(workspace, comparison.principal))
    left, changed = " " * indent, comparison.changed_cells
    of_several = len(comparison.cells) > 1
    partly = of_several and 0 < len(changed) < len(comparison.cells)
    says = (f"{len(changed)} of {len(comparison.cells)} pairs:",) if partly else _arrow(*comparison.telling)
    out.line(left, Span(f"{words:<11}", style), f"  {name}  ", *says)
    for old, new in changed if of_several else ():
        asked = f"{old.question.action}  {old.question.resource}  "
        out.line(left, "             ", asked, *_arrow(old.deciding, new.deciding))


def _arrow(before: Decision, after: Decision) -> tuple[str | Span, ...]:
    return (
        Span(str(verdict_words(before)), verdict_style(before)),
        "  ->  ",
        Span(str(verdict_words(after)), verdict_style(after)),
    )


def comparison_to_json(comparison: DraftComparison) -> dict[str, Any]:
    """One principal's answers before and after, pair by pair."""
    many = comparison.principal.stands_for
    return {
        "principal": comparison.principal.arn or None,
        **({"stands_for": many} if many else {}),
        "effect": comparison.effect.value,
        "before": _verdict(comparison.before.worst.deciding),
        "after": _verdict(comparison.after.worst.deciding),
        "pairs": [
            {
                "action": old.question.action,
                "resource": old.question.resource,
                "changed": verdict_key(old.deciding) != verdict_key(new.deciding),
                "before": _verdict(old.deciding),
                "after": _verdict(new.deciding),
            }
            for old, new in comparison.cells
        ],
    }


def saved_to_json(found: SavedComparison) -> dict[str, Any]:
    """Answers to a saved question before and after; the comparison's keys are null where it has no answer."""
    saved = found.saved
    answers = comparison_to_json(found.comparison) if found.comparison is not None else {"principal": None}
    return {
        "name": saved.name,
        "expect": saved.expect.value if saved.expect is not None else None,
        "met_before": found.met_before,
        "met_after": found.met_after,
        "error": str(found.problem) if found.problem is not None else None,
        **answers,
    }


def _verdict(decision: Decision) -> dict[str, Any]:
    return {
        "decision": decision.outcome.value,
        "verdict": str(verdict_words(decision)),
        "complete": decision.complete,
        "resource_scope": decision.resource_scope.value,
        "allowed_resources": list(decision.allowed_resources),
        "denied_resources": list(decision.denied_resources),
        "example_resource": decision.example_resource,
        "blocked_by": [layer.value for layer in decision.blocked_by],
    }
