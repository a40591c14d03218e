"""`iamtui draft compare`: whose answers a draft changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import click

from iamtui.analysis.inquiry import Inquiry
from iamtui.cli.decision_text import verdict_style
from iamtui.cli.draft_option import read_drafted, say_findings
from iamtui.cli.exits import Exit
from iamtui.cli.output import Output, Span, Style, note, stdout
from iamtui.cli.questions import QuestionOptions, inquiry_of, load_resource_policies, question_options
from iamtui.cli.source import SourceOptions, open_workspace, source_options
from iamtui.evaluation.decision import Decision
from iamtui.workspace.drafting import Comparison, Drafted, Effect, compare_everyone, verdict_key
from iamtui.workspace.drafting import compare as compare_one
from iamtui.workspace.principals import resolve_principal
from iamtui.workspace.verdict import verdict_words
from iamtui.workspace.workspace import Workspace

_MARKS: Final = {
    Effect.GAINED: ("[+] gained", Style.GOOD),
    Effect.LOST: ("[x] lost", Style.BAD),
    Effect.CHANGED: ("[?] changed", Style.OPEN),
    Effect.SAME: ("[=] same", Style.QUIET),
}
_FAIL_ON: Final = ("gained", "lost", "change")


@click.command(epilog="Exit codes: 0; 1 with --fail-on; 2 an error.")
@click.argument("file")
@click.argument("actions", nargs=-1, required=True, metavar="ACTION...")
@click.option("--principal", "names", multiple=True, help="Ask for this one only; may be given again.")
@click.option("--all", "everyone", is_flag=True, help="Also list those whose answer stays the same.")
@click.option(
    "--fail-on",
    type=click.Choice(_FAIL_ON),
    help="Exit 1 when somebody gains, loses, or is answered differently in any way.",
)
@question_options
@click.option("--json", "as_json", is_flag=True, help="Print one object per line, as they are found.")
@source_options
def compare(
    file: str,
    actions: tuple[str, ...],
    names: tuple[str, ...],
    everyone: bool,
    fail_on: str | None,
    asked: QuestionOptions,
    as_json: bool,
    source: SourceOptions,
) -> Exit:
    """Who may do ACTION before and after the draft FILE (- for standard input): those whose answer changes.

    ACTION, --on and the other options are those of `who-can`.
    """
    made = inquiry_of(actions, asked)
    workspace = load_resource_policies(open_workspace(source), made)
    drafted = read_drafted(workspace, file)
    drafted.check()
    say_findings(drafted)
    out = stdout()
    counts: Counter[Effect] = Counter()
    for comparison in _comparisons(drafted, made, workspace, names):
        effect = comparison.effect
        counts[effect] += 1
        if effect is not Effect.SAME or everyone:
            if as_json:
                out.json(comparison_to_json(comparison))
            else:
                write_comparison(out, workspace, comparison)
    note(_summary(made, counts))
    return Exit.NO if _fails(fail_on, counts) else Exit.OK


def _comparisons(drafted: Drafted, made: Inquiry, workspace: Workspace, names: tuple[str, ...]) -> Iterator[Comparison]:
    if not names:
        yield from compare_everyone(drafted, made)
        return
    for principal in [resolve_principal(workspace, name) for name in names]:
        comparison = compare_one(drafted, made, principal)
        assert comparison is not None, "nothing cancels a command's question"
        yield comparison


def _fails(fail_on: str | None, counts: Counter[Effect]) -> bool:
    if fail_on is None:
        return False
    if fail_on == "change":
        return any(count for effect, count in counts.items() if effect is not Effect.SAME)
    # Of several pairs one can be gained and another lost: that is CHANGED, and either way no clean bill.
    return counts[Effect(fail_on)] + counts[Effect.CHANGED] > 0


def _summary(made: Inquiry, counts: Counter[Effect]) -> str:
    on = "" if made.resources == ("*",) else f" on {', '.join(made.resources)}"
    return (
        f"{', '.join(made.actions)}{on}: {counts[Effect.GAINED]} gained, {counts[Effect.LOST]} lost, "
        f"{counts[Effect.CHANGED]} changed otherwise, {counts[Effect.SAME]} the same, of {counts.total()}."
    )


def write_comparison(out: Output, workspace: Workspace, comparison: Comparison) -> None:
    """One principal: the verdict before and after; of several pairs those that differ, below."""
    words, style = _MARKS[comparison.effect]
    account = workspace.account
    name = comparison.principal.arn.removeprefix(f"arn:{account.partition}:iam::{account.id}:") or "anonymous"
    before, after = comparison.before.worst.deciding, comparison.after.worst.deciding
    out.line(Span(f"{words:<11}", style), f"  {name}  ", *_arrow(before, after))
    if len(comparison.before.cells) == 1:
        return
    for old, new in zip(comparison.before.cells, comparison.after.cells, strict=True):
        if verdict_key(old.deciding) != verdict_key(new.deciding):
            asked = f"{old.question.action}  {old.question.resource}  "
            out.line("             ", asked, *_arrow(old.deciding, new.deciding))


def _arrow(before: Decision, after: Decision) -> tuple[str | Span, ...]:
    return (
        Span(str(verdict_words(before)), verdict_style(before)),
        "  ->  ",
        Span(str(verdict_words(after)), verdict_style(after)),
    )


def comparison_to_json(comparison: Comparison) -> dict[str, Any]:
    """One principal's answers before and after, pair by pair."""
    return {
        "principal": comparison.principal.arn or None,
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
            for old, new in zip(comparison.before.cells, comparison.after.cells, strict=True)
        ],
    }


def _verdict(decision: Decision) -> dict[str, Any]:
    return {
        "decision": decision.outcome.value,
        "verdict": str(verdict_words(decision)),
        "complete": decision.complete,
        "resource_scope": decision.resource_scope.value,
        "allowed_resources": list(decision.allowed_resources),
        "blocked_by": [layer.value for layer in decision.blocked_by],
    }
