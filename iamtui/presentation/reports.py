"""Reports over a whole account as rows: findings of the audit, escalation paths, and what a number counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from iamtui.account.model import Account, ManagedPolicy
from iamtui.engine.condition_words import LAYER_NAMES
from iamtui.engine.decision import Layer
from iamtui.engine.request import Principal
from iamtui.presentation.styled_words import Row, Tone, Word, row_of, text_of
from iamtui.presentation.verdict import unloaded_layers, verdict_words
from iamtui.questions.question import Question
from iamtui.workspace.audit import AuditFinding, Severity, UnknownFact
from iamtui.workspace.escalations import Escalation, EscalationReport, Move, Step
from iamtui.workspace.overview import Figure

SEVERITY_WORDS: Final[Mapping[Severity, Word]] = {
    Severity.HIGH: Word("[x] high", Tone.DENIED, bold=True),
    Severity.MEDIUM: Word("[!] medium", Tone.DEPENDS, bold=True),
    Severity.LOW: Word("[-] low", Tone.QUIET),
}
_CERTAIN: Final = Word("[x] certain", Tone.DENIED, bold=True)
_POSSIBLE: Final = Word("[?] possible", Tone.DEPENDS, bold=True)
_MOST_CLOSING: Final = 3


class Place(NamedTuple):
    """What Enter shows of an entity: a statement of one of its policies, or its trust policy where that is named."""

    policy: str = ""
    statement: int = 0
    trust: bool = False


class Asked(NamedTuple):
    """A question that a row stands for."""

    principal: Principal
    question: Question


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A line of a report.

    Args:
        mark: the first column.
        name, text: what it is about, and what is said of it; safe to show.
        kind: which of the report's kinds it belongs to.
        group: rows of one group are shown or left out together.
        details: what stands below the list while the cursor is here.
        target: the raw ARN of what Enter goes to, or "".
        place: what Enter shows there, or None.
        asked: the question that Enter asks, or None.
        inner: whether it is a part of the row above.
    """

    mark: Word
    name: str
    text: str
    kind: str
    group: int
    details: tuple[Row, ...] = ()
    target: str = ""
    place: Place | None = None
    asked: Asked | None = None
    inner: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """Rows under a title.

    Args:
        kinds: what the rows can be narrowed to, in the order of the keys.
        notes: what the report does not know, or counts; safe to show.
        nothing: what to say when there are no rows.
    """

    title: str
    rows: tuple[ReportRow, ...] = ()
    kinds: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    nothing: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)


def shown_rows(report: Report, kind: str, needle: str) -> list[ReportRow]:
    """The rows of a kind ("": of all) in whose group a text occurs, in any letter case."""
    rows = [row for row in report.rows if not kind or row.kind == kind]
    wanted = needle.lower()
    if not wanted:
        return rows
    found = {row.group for row in rows if wanted in f"{row.mark.text} {row.name} {row.text} {_details(row)}".lower()}
    return [row for row in rows if row.group in found]


def _details(row: ReportRow) -> str:
    return " ".join(map(text_of, row.details))


def findings_report(account: Account, findings: Iterable[AuditFinding], unknown: Iterable[UnknownFact]) -> Report:
    """The findings of the audit, the worst first."""
    order = tuple(Severity)
    ordered = sorted(findings, key=lambda one: (order.index(one.severity), one.code))
    rows = tuple(_finding(account, number, one) for number, one in enumerate(ordered))
    facts = "; ".join(fact.words for fact in unknown)
    return Report(
        title="Findings",
        rows=rows,
        kinds=tuple(map(str, order)),
        notes=(text_of(row_of(f"Not checked: {facts}.", limit=None)),) if facts else (),
        nothing="The audit finds nothing.",
        counts=Counter(row.kind for row in rows),
    )


def _finding(account: Account, number: int, finding: AuditFinding) -> ReportRow:
    control = f"  CIS {finding.control}" if finding.control else ""
    return ReportRow(
        mark=SEVERITY_WORDS[finding.severity],
        name=_short(account, finding.subject),
        text=_safe(finding.message),
        kind=str(finding.severity),
        group=number,
        details=(
            row_of(finding.message, limit=None),
            row_of(finding.fix, Word(f"  {finding.code}{control}", Tone.QUIET), limit=None),
        ),
        target=finding.subject if account.by_arn(finding.subject) is not None else "",
        place=_place(account, finding),
    )


def _place(account: Account, finding: AuditFinding) -> Place | None:
    if finding.code.startswith(("trust-", "oidc-")):
        return Place(trust=True)
    name, _, which = finding.statement.rpartition(", statement ")
    holder = account.by_arn(finding.subject)
    documents = []
    if isinstance(holder, ManagedPolicy):
        documents = [holder.default_version.document] if holder.default_version is not None else []
    elif name:
        documents = [one.document for one in getattr(holder, "inline_policies", ()) if one.name == name]
    for document in documents if name else ():
        for statement in document.policy.statements if document.error is None else ():
            if which in (statement.sid, str(statement.index + 1)):
                return Place(name, statement.index)
    return None


def escalations_report(account: Account, report: EscalationReport) -> Report:
    """Who can become administrator, each with the steps of its path."""
    found = report.escalations
    rows = tuple(row for number, one in enumerate(found) for row in _escalation(account, number, one))
    certain = sum(one.certain for one in found)
    more = f"{certain} more can become one, {len(found) - certain} more under conditions"
    notes = [f"{len(report.administrators)} administrators; {more}."]
    closing = [f"{count} need {_short(account, name)}" for name, count in report.closing[:_MOST_CLOSING] if count > 1]
    if closing:
        notes.append(f"Of these paths {'; '.join(closing)}.")
    steps = (step.decision for one in found for move in one.moves for step in move.steps)
    layers = {layer for decision in steps for layer in unloaded_layers(decision)}
    if layers:
        names = ", ".join(LAYER_NAMES[layer].short for layer in Layer if layer in layers)
        notes.append(f"Not evaluated, and could stand in the way: {names}.")
    return Report(
        title="Escalations",
        rows=rows,
        kinds=("certain", "possible"),
        notes=tuple(notes),
        nothing="Nobody who is not an administrator can become one by a known path.",
        counts={"certain": certain, "possible": len(found) - certain},
    )


def _escalation(account: Account, number: int, one: Escalation) -> Iterator[ReportRow]:
    kind = "certain" if one.certain else "possible"
    path = "; then ".join(_move_words(account, move) for move in one.moves)
    yield ReportRow(
        mark=_CERTAIN if one.certain else _POSSIBLE,
        name=_short(account, one.principal.arn),
        text=path,
        kind=kind,
        group=number,
        details=(row_of("It can ", path, limit=None), row_of(Word("Enter goes to it in the tree.", Tone.QUIET))),
        target=one.principal.arn,
    )
    for move in one.moves:
        for step in move.steps:
            yield _step(account, number, kind, move, step)


def _move_words(account: Account, move: Move) -> str:
    about = f": {_short(account, move.target)}" if move.target else ""
    needs = f", if there is {move.needs}" if move.needs else ""
    return _safe(f"{move.path.title}{about}{needs}")


def _step(account: Account, number: int, kind: str, move: Move, step: Step) -> ReportRow:
    condition = f"  if {step.condition}" if step.condition else ""
    request = step.decision.request
    words = verdict_words(step.decision)
    return ReportRow(
        mark=Word(words.mark, words.tone),
        name=_safe(step.action),
        text=_safe(f"on {_short(account, step.resource)}{condition}"),
        kind=kind,
        group=number,
        details=(
            row_of(f"To {_move_words(account, move)}", Word(f"  {move.path.id}", Tone.QUIET), limit=None),
            row_of(words.row, Word(f" as {_short(account, move.principal)}.  Enter asks it.", Tone.QUIET), limit=None),
        ),
        target=move.principal,
        asked=Asked(request.principal, Question(step.action, step.resource, request.context, request.mode)),
        inner=True,
    )


def members_report(account: Account, figure: Figure) -> Report:
    """What a number of the overview counts: each with the way to it in the tree."""
    rows = tuple(_member(account, number, member) for number, member in enumerate(figure.members))
    notes = (f"Of {figure.unknown:,} more it is not known whether they belong here.",) if figure.unknown else ()
    label = figure.label[:1].upper() + figure.label[1:]
    return Report(_safe(label), rows, notes=notes, nothing=f"{_safe(label)}: none in this account.")


def _member(account: Account, number: int, member: str) -> ReportRow:
    arn, _, rest = member.partition(" ")
    entity = account.by_arn(arn)
    return ReportRow(Word(""), _short(account, arn), _safe(rest), "", number, target=arn if entity is not None else "")


def _short(account: Account, arn: str) -> str:
    return _safe(account.short_name(arn))


def _safe(value: object) -> str:
    return text_of(row_of(value, limit=None))
