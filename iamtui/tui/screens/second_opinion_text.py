"""Two answers to one question in words: ours, AWS's, and why they differ. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from textual.content import Content

from iamtui.evaluation.decision import Decision, LayerState
from iamtui.tui.safe import line, plain
from iamtui.tui.widgets.question.layer_text import absent_layers_line, layer_line
from iamtui.tui.widgets.question.verdict import because, verdict
from iamtui.workspace.questions.opinion_comparison import UNEXPLAINED, SecondOpinion
from iamtui.workspace.questions.second_opinion import SimulatedResult, Simulation

_WORDS: Final = {
    "allowed": ("[+] ALLOWED", "", "$verdict-allowed"),
    "explicitDeny": ("[x] DENIED", " explicit", "$verdict-denied"),
    "implicitDeny": ("[-] DENIED", " no allow", "$verdict-denied"),
}

_MOST_STATEMENTS: Final = 8


def request_rows(simulation: Simulation) -> list[Content]:
    """What is sent to AWS, a line each."""
    rows = [
        line(("Principal  ", "$muted"), simulation.source_arn),
        line(("Action     ", "$muted"), simulation.action),
        line(("Resource   ", "$muted"), ", ".join(simulation.resources)),
    ]
    for entry in simulation.context:
        values = ", ".join(entry.values)
        rows.append(
            line(("Context    ", "$muted"), entry.key, (" = ", "$muted"), values, (f"  {entry.type}", "$faint"))
        )
    if simulation.resource_policy:
        size = len(simulation.resource_policy)
        rows.append(line(("Policy     ", "$muted"), f"the resource's own, {size:,} characters"))
    if simulation.resource_owner:
        rows.append(line(("Owner      ", "$muted"), f"account {simulation.resource_owner}"))
    return rows


def our_rows(decision: Decision) -> list[Content]:
    """Our answer with its layers."""
    rows = [verdict(decision).content]
    why = because(decision)
    if why:
        rows.append(why)
    rows.append(Content(""))
    absent = [report for report in decision.layers if report.state is LayerState.NOT_APPLICABLE]
    rows += [layer_line(report, decision, compact=True) for report in decision.layers if report not in absent]
    if absent:
        rows.append(absent_layers_line(absent))
    return rows


def their_rows(result: SimulatedResult) -> list[Content]:
    """AWS's answer with what it says besides."""
    head, rest, style = _WORDS.get(result.decision, (f"[?] {result.decision or 'no decision'}", "", "$verdict-depends"))
    rows = [line((head, f"bold {style}"), (rest, style))]
    for statement in result.matched[:_MOST_STATEMENTS]:
        kind = f"  {statement.policy_type}" if statement.policy_type else ""
        at = f" (AWS's lines {statement.lines[0]}-{statement.lines[1]})" if statement.lines else ""
        rows.append(line(("by ", "$muted"), (statement.policy, "bold"), (f"{kind}{at}", "$muted")))
    if len(result.matched) > _MOST_STATEMENTS:
        rows.append(plain(f"and {len(result.matched) - _MOST_STATEMENTS} more statements", "$muted"))
    if not result.matched:
        rows.append(plain("no statement named", "$muted"))
    rows.append(Content(""))
    rows.append(_flag("The SCPs allow it", "The SCPs do not allow it", result.allowed_by_organizations, "SCPs"))
    rows.append(
        _flag("The boundary allows it", "The boundary does not allow it", result.allowed_by_boundary, "a boundary")
    )
    if result.missing_context:
        rows.append(line(("[?] keys not given: ", "$verdict-depends"), ", ".join(result.missing_context)))
    for source, said in result.details.items():
        rows.append(line((f"{source}: ", "$muted"), said))
    return rows


def _flag(yes: str, no: str, allowed: bool | None, name: str) -> Content:
    """What AWS says of a cap; it says nothing where there is none."""
    if allowed is None:
        return plain(f" ·  AWS says nothing of {name}", "$muted")
    return plain(f"[+] {yes}", "$verdict-allowed") if allowed else plain(f"[-] {no}", "$verdict-denied")


def comparison_rows(opinion: SecondOpinion) -> Iterator[Content]:
    """Whether both agree, and what explains it when they do not."""
    if opinion.agree:
        yield plain("Both agree.", "bold $verdict-allowed")
    else:
        yield plain("The answers differ.", "bold $verdict-depends")
    for sentence in opinion.differences:
        style = "bold $verdict-denied" if sentence == UNEXPLAINED else ""
        yield plain(f"- {sentence}", style, limit=None)
    if opinion.remarks:
        if not opinion.agree:
            yield Content("")
        yield from (plain(f"- {remark}", "$muted", limit=None) for remark in opinion.remarks)
    if opinion.endpoint:
        yield plain(f"- Answered by {opinion.endpoint}, which is not AWS.", "$verdict-depends")
