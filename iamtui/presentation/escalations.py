"""The list of principals that can become administrator, each with the steps of its path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from iamtui.account.model import Account
from iamtui.engine.condition_words import LAYER_NAMES, first_of
from iamtui.engine.decision import Layer, StatementRef
from iamtui.lint.sarif import SarifResult
from iamtui.presentation.listing import At, Edge, Fix, ListColumn, Listing, Report, StatementPlace, Target
from iamtui.presentation.styled_words import Row, Tone, Word, row_of, text_of
from iamtui.presentation.verdict import because, unloaded_layers, verdict_words
from iamtui.questions.question import Question
from iamtui.text import counted
from iamtui.workspace.review.escalation_steps import Escalation, EscalationReport, EscalationStep, Move, only_grant
from iamtui.workspace.source.workspace import Workspace

_CERTAIN: Final = Word("[!] certain", Tone.DENIED, bold=True)
_POSSIBLE: Final = Word("[?] possible", Tone.DEPENDS, bold=True)
_MOST_CLOSING: Final = 3


@dataclass(frozen=True, slots=True)
class PathRow:
    """The path of a principal, or a step of it.

    Args:
        step: with the move that it belongs to; None: the whole path.
        complete: whether everything was read and evaluated that could show more or stand in the way.
    """

    path: Escalation
    step: tuple[Move, EscalationStep] | None = None
    complete: bool = True

    @property
    def kind(self) -> str:
        return "certain" if self.path.certain else "possible"

    @property
    def arn(self) -> str:
        return self.path.principal.arn


def path_rows(workspace: Workspace, reports: Sequence[EscalationReport]) -> list[PathRow]:
    """The paths of several accounts."""
    whole = not any(report.left_out for report in reports)
    every = [one for report in reports for one in report.escalations]
    unread = {account.id for account in workspace.accounts if account.unlisted}
    return [
        PathRow(one, complete=whole and one.principal.arn.split(":")[4] not in unread and not not_evaluated([one]))
        for one in every
    ]


def escalations(workspace: Workspace) -> Listing[PathRow]:
    """The list of paths in a workspace."""

    def short(arn: str) -> str:
        return workspace.short_name(arn)

    def mark(row: PathRow) -> Word:
        if row.step is None:
            return _CERTAIN if row.path.certain else _POSSIBLE
        words = verdict_words(row.step[1].decision)
        return Word(words.mark, words.tone)

    def name(row: PathRow) -> Word:
        return Word(short(row.arn), Tone.STRONG) if row.step is None else Word(row.step[1].action)

    def steps(row: PathRow) -> str:
        if row.step is None:
            return _path_words(workspace, row.path)
        condition = f"  if {row.step[1].condition}" if row.step[1].condition else ""
        return f"on {short(row.step[1].resource)}{condition}"

    def edge(row: PathRow) -> Edge:
        first = row.path.moves[0]
        becomes = short(first.becomes) if first.becomes else "any permission"
        return Edge(short(row.arn), becomes, first.path.id, dashed=not first.certain)

    def sarif(row: PathRow) -> SarifResult:
        moves = row.path.moves
        return SarifResult(
            rule=moves[0].path.id,
            level="error" if row.path.certain else "warning",
            message=f"{short(row.arn)} can become administrator: {'; then '.join(move.path.title for move in moves)}.",
            file=f"aws-account-{row.arn.split(':')[4]}",
            element=row.arn,
        )

    return Listing(
        "escalations",
        (
            ListColumn("certain", lambda row: row.path.certain, mark, least=12),
            ListColumn("principal", lambda row: row.arn, name),
            ListColumn("steps", lambda row: [move.path.title for move in row.path.moves], steps),
            ListColumn("paths", _ids, lambda row: Word(_ids_words(row), Tone.QUIET), at=At.PRINTED),
            ListColumn("becomes", lambda row: row.path.moves[-1].becomes, at=At.DATA),
            ListColumn("complete", lambda row: row.complete, at=At.DATA),
        ),
        title="Escalations",
        nothing="Nobody who is not an administrator can become one by a path that was looked for.",
        kinds=("certain", "possible"),
        kind=lambda row: row.kind,
        inner=_steps,
        details=lambda row: _details(workspace, row),
        target=_target,
        fix=lambda row: _fix(_account(workspace, row), row),
        data=_record,
        sarif=sarif,
        edge=edge,
        help_uri="https://pathfinding.cloud/paths/",
    )


def escalations_report(workspace: Workspace, found: EscalationReport) -> Report[PathRow]:
    """Who can become administrator in the account that is looked at."""
    notes = [summary([found], found.escalations)]
    short = workspace.short_name
    closing = [f"{count:,} need {short(name)}" for name, count in found.closing[:_MOST_CLOSING] if count > 1]
    if closing:
        notes.append(f"Of these paths {'; '.join(closing)}.")
    notes += found.left_out
    if layers := not_evaluated(found.escalations):
        notes.append(f"Not evaluated, and could stand in the way: {layers}.")
    safe = [text_of(row_of(note, limit=None)) for note in notes]
    return Report(escalations(workspace), path_rows(workspace, [found]), safe)


def summary(reports: Sequence[EscalationReport], found: Sequence[Escalation]) -> str:
    certain = sum(one.certain for one in found)
    administrators = counted(sum(len(report.administrators) for report in reports), "administrator")
    return f"{administrators}; {certain:,} more can become one, {len(found) - certain:,} more under conditions."


def not_evaluated(found: Iterable[Escalation]) -> str:
    """The layers that were not evaluated in some steps, or ""."""
    steps = (step.decision for one in found for move in one.moves for step in move.steps)
    layers = {layer for decision in steps for layer in unloaded_layers(decision)}
    return ", ".join(LAYER_NAMES[layer].short for layer in Layer if layer in layers)


def _account(workspace: Workspace, row: PathRow) -> Account:
    return workspace.at(row.arn.split(":")[4]).account


def _ids(row: PathRow) -> list[str]:
    return [row.step[0].path.id] if row.step is not None else [move.path.id for move in row.path.moves]


def _ids_words(row: PathRow) -> str:
    """The ids of a path; of a step only where they are not those of the path."""
    return "" if row.step is not None and len(row.path.moves) == 1 else f"[{' '.join(_ids(row))}]"


def _steps(row: PathRow) -> list[PathRow]:
    if row.step is not None:
        return []
    return [PathRow(row.path, (move, step)) for move in row.path.moves for step in move.steps]


def _path_words(workspace: Workspace, path: Escalation) -> str:
    return "; then ".join(_move_words(workspace, move) for move in path.moves)


def _move_words(workspace: Workspace, move: Move) -> str:
    about = f": {workspace.short_name(move.target)}" if move.target else ""
    needs = f", if there is {move.needs}" if move.needs else ""
    return f"{move.path.title}{about}{needs}"


def _details(workspace: Workspace, row: PathRow) -> list[Row]:
    fix = _fix(_account(workspace, row), row)
    place = fix.target.place if fix is not None and fix.target is not None else None
    edits = f" f edits {place.policy} in a draft." if place is not None else ""
    short = workspace.short_name
    if row.step is not None:
        move, step = row.step
        words = verdict_words(step.decision)
        return [
            row_of(f"To {_move_words(workspace, move)}", Word(f"  {move.path.id}", Tone.QUIET), limit=None),
            row_of(
                words.row,
                Word(f" as {short(move.principal)} ", Tone.QUIET),
                because(step.decision),
                limit=None,
            ),
            row_of(Word(f"Enter asks it.{edits}", Tone.QUIET)),
        ]
    steps = [(move, step) for move in row.path.moves for step in move.steps]
    only = dict.fromkeys(filter(None, (only_grant(move, step) for move, step in steps)))
    one_of = "one of " if len(only) > 1 else ""
    closed = [row_of(f"Closed without {one_of}{first_of([short(name) for name in only])}.", limit=None)] if only else []
    return [
        row_of(f"It can {_path_words(workspace, row.path)}", limit=None),
        *closed,
        row_of(Word(f"Enter goes to {short(row.arn)} in the tree.{edits}", Tone.QUIET)),
    ]


def _target(row: PathRow) -> Target:
    if row.step is None:
        return Target(row.arn)
    move, step = row.step
    request = step.decision.request
    question = Question(step.action, step.resource, request.context, request.mode)
    return Target(move.principal, asked=(request.principal, question))


def _fix(account: Account, row: PathRow) -> Fix | None:
    """The statement that grants a step, or the first of a path, where it is the account's own."""
    steps = [row.step] if row.step is not None else [(move, step) for move in row.path.moves for step in move.steps]
    found = (_grant(account, move, step.decision.deciding) for move, step in steps)
    target = next(filter(None, found), None)
    return Fix(target=target) if target is not None else None


def _grant(account: Account, move: Move, ref: StatementRef | None) -> Target | None:
    if ref is None or ref.effect != "Allow" or ref.layer is not Layer.IDENTITY:
        return None
    policy = account.policy(ref.policy)
    if policy is not None:
        return None if policy.aws_managed else Target(policy.arn, StatementPlace(policy.name, ref.statement))
    inline = getattr(account.by_arn(move.principal), "inline_policies", ())
    holds = any(one.name == ref.policy for one in inline)
    return Target(move.principal, StatementPlace(ref.policy, ref.statement)) if holds else None


def _record(row: PathRow) -> dict[str, Any]:
    moves = [*map(_move_record, row.path.moves)]
    return {"principal": row.arn, "certain": row.path.certain, "moves": moves, "complete": row.complete}


def _move_record(move: Move) -> dict[str, Any]:
    return {
        "path": move.path.id,
        "title": move.path.title,
        "principal": move.principal,
        "target": move.target or None,
        "becomes": move.becomes or None,
        "certain": move.certain,
        "needs": move.needs or None,
        "steps": [
            {
                "action": step.action,
                "resource": step.resource,
                "decision": step.decision.outcome.value,
                "complete": step.decision.complete,
                "condition": step.condition or None,
            }
            for step in move.steps
        ],
    }
