"""Reports over a whole account as rows: overview, findings of the audit, escalation paths, what a number counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from iamtui.account.model import Account, ManagedPolicy
from iamtui.engine.condition_words import LAYER_NAMES, first_of
from iamtui.engine.decision import Layer, StatementRef
from iamtui.engine.request import Principal
from iamtui.presentation.findings import FINDINGS, JudgedFinding
from iamtui.presentation.listing import ListColumn, Listing
from iamtui.presentation.overview import SEVERITY_WORDS
from iamtui.presentation.styled_words import (
    Row,
    Tone,
    Word,
    row_of,
    text_of,
)
from iamtui.presentation.verdict import because, unloaded_layers, verdict_words
from iamtui.questions.question import Question
from iamtui.text import counted, first_names, safe_text
from iamtui.workspace.review.audit import AuditFinding, AuditSuppression
from iamtui.workspace.review.audit_edits import mending_words
from iamtui.workspace.review.escalation_steps import Escalation, EscalationReport, EscalationStep, Move, only_grant
from iamtui.workspace.review.overview import Figure
from iamtui.workspace.source.unknown_facts import FindingSeverity, UnknownFact

if TYPE_CHECKING:
    from iamtui.workspace.change.impact import AccessShift, EscalationShift, TrustShift

_CERTAIN: Final = Word("[!] certain", Tone.DENIED, bold=True)
_POSSIBLE: Final = Word("[?] possible", Tone.DEPENDS, bold=True)
_MOST_CLOSING: Final = 3


class StatementPlace(NamedTuple):
    """Place in an entity that Enter shows: a statement of a policy, its trust policy, or a row of its overview."""

    policy: str = ""
    statement: int = 0
    trust: bool = False
    row: str = ""


class Asked(NamedTuple):
    """Question of a row, with its principal."""

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
        finding: what an edit of a draft may mend, or None.
        judged: the finding that the row is about, or None.
        grant: the ARN of what holds the statement that a draft may edit to mend it, and where that is, or None.
    """

    mark: Word
    name: str
    text: str
    kind: str
    group: int
    details: tuple[Row, ...] = ()
    target: str = ""
    place: StatementPlace | None = None
    asked: Asked | None = None
    inner: bool = False
    finding: AuditFinding | None = None
    judged: JudgedFinding | None = None
    grant: tuple[str, StatementPlace] | None = None

    @property
    def is_mendable(self) -> bool:
        return self.finding is not None or self.grant is not None


@dataclass(frozen=True, slots=True)
class Report:
    """Rows under a title.

    Args:
        kinds: what the rows can be narrowed to, in the order of the keys.
        notes: what the report does not know, or counts; safe to show.
        nothing: what to say when there are no rows.
        aside: a kind whose rows are shown only when it is chosen, or "".
    """

    title: str
    rows: tuple[ReportRow, ...] = ()
    kinds: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    nothing: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    aside: str = ""


def shown_rows(report: Report, kind: str, needle: str) -> list[ReportRow]:
    """The rows of a kind ("": of all) in whose group a text occurs, in any letter case."""
    rows = [row for row in report.rows if (row.kind == kind if kind else not row.kind or row.kind != report.aside)]
    wanted = needle.lower()
    if not wanted:
        return rows
    texts = (" ".join((row.mark.text, row.name, row.text, *map(text_of, row.details))) for row in rows)
    found = {row.group for row, text in zip(rows, texts, strict=True) if wanted in text.lower()}
    return [row for row in rows if row.group in found]


_LINES: Final = Listing[ReportRow](
    (
        ListColumn("mark", lambda row: row.mark.text.strip()),
        ListColumn("name", lambda row: row.name.strip()),
        ListColumn("text", lambda row: row.text.strip()),
        ListColumn("kind", lambda row: row.kind),
        ListColumn("arn", lambda row: row.target),
    )
)


def report_text(form: str, rows: Sequence[ReportRow]) -> str:
    """Rows in one of the formats that lists are exported in; findings with the columns of `iamtui audit`."""
    findings = [row.judged for row in rows if row.judged is not None]
    return FINDINGS.text(form, findings) if findings else _LINES.text(form, rows)


def findings_report(
    account: Account,
    findings: Iterable[AuditFinding],
    unknown: Iterable[UnknownFact],
    accepted: Sequence[AuditSuppression] = (),
) -> Report:
    """Findings of the audit, the worst first; accepted ones are listed apart, with the reason."""
    order = tuple(FindingSeverity)
    ordered = sorted(findings, key=lambda one: (order.index(one.severity), one.code))
    rows = tuple(
        _finding(account, number, one, next((each for each in accepted if each.covers(one)), None))
        for number, one in enumerate(ordered)
    )
    facts = "; ".join(fact.words for fact in unknown)
    counts = Counter(row.kind for row in rows)
    return Report(
        title="Findings",
        rows=rows,
        kinds=(*map(str, order), *((_SUPPRESSED,) if counts[_SUPPRESSED] else ())),
        notes=(text_of(row_of(f"Not checked: {facts}.", limit=None)),) if facts else (),
        nothing="The audit finds nothing.",
        counts=counts,
        aside=_SUPPRESSED,
    )


_SUPPRESSED: Final = "suppressed"
_LONGEST_MESSAGE: Final = 150
"""Characters of a finding in two lines below the list, which have its fix as well; the export has all of it."""


def _finding(account: Account, number: int, finding: AuditFinding, accepted: AuditSuppression | None) -> ReportRow:
    control = f"  CIS {finding.control}" if finding.control else ""
    fix = row_of(finding.fix, Word(f"  {finding.code}{control}", Tone.QUIET), limit=None)
    place, mending = _place(account, finding), mending_words(account, finding)
    if accepted is not None:
        fix = row_of(f"Accepted because: {accepted.reason}", Word(f"  {finding.code}{control}", Tone.QUIET), limit=None)
    elif not mending and place is not None and not place.row:
        mending = "opens the statement to edit it"
    return ReportRow(
        mark=SEVERITY_WORDS[finding.severity] if accepted is None else Word("[~] suppressed", Tone.QUIET),
        name=_short(account, finding.subject),
        text=_safe(finding.message),
        kind=str(finding.severity) if accepted is None else _SUPPRESSED,
        group=number,
        details=(
            row_of(finding.message, limit=_LONGEST_MESSAGE),
            fix,
            *([row_of(Word(f"A, in a draft: {mending}.", Tone.QUIET))] if mending else []),
        ),
        target=finding.subject if account.by_arn(finding.subject) is not None else "",
        place=place,
        finding=finding if mending else None,
        judged=JudgedFinding(account.id, finding, accepted),
    )


def _place(account: Account, finding: AuditFinding) -> StatementPlace | None:
    if finding.code.startswith(("trust-", "oidc-")):
        return StatementPlace(trust=True)
    name, _, which = finding.statement.rpartition(", statement ")
    holder = account.by_arn(finding.subject)
    documents = []
    if isinstance(holder, ManagedPolicy):
        documents = [holder.document] if holder.document is not None else []
    elif name:
        documents = [one.document for one in getattr(holder, "inline_policies", ()) if one.name == name]
    for document in documents if name else ():
        for statement in document.policy.statements if document.error is None else ():
            if which in (statement.sid, str(statement.index + 1)):
                return StatementPlace(name, statement.index)
    row = _ROWS.get(finding.code, "")
    return StatementPlace(row=row) if row else None


_ROWS: Final = {
    **dict.fromkeys(("access-key-old", "access-key-unused", "two-access-keys", "service-account"), "Access keys"),
    "console-without-mfa": "MFA",
    **dict.fromkeys(("password-unused", "user-unused"), "Password used"),
    "role-unused": "Last used",
    **dict.fromkeys(("policy-on-user", "inline-policy", "permission-unused"), "Policies"),
}
"""Row of a user's or role's overview for the code of a finding."""


def escalations_report(account: Account, report: EscalationReport) -> Report:
    """Who can become administrator, each with the steps of its path."""
    found = report.escalations
    rows = tuple(row for number, one in enumerate(found) for row in _escalation(account, number, one))
    certain = sum(one.certain for one in found)
    more = f"{certain:,} more can become one, {len(found) - certain:,} more under conditions"
    notes = [f"{counted(len(report.administrators), 'administrator')}; {more}."]
    closing = [f"{count:,} need {_short(account, name)}" for name, count in report.closing[:_MOST_CLOSING] if count > 1]
    if closing:
        notes.append(f"Of these paths {'; '.join(closing)}.")
    notes += report.left_out
    if layers := not_evaluated(found):
        notes.append(f"Not evaluated, and could stand in the way: {layers}.")
    return Report(
        title="Escalations",
        rows=rows,
        kinds=("certain", "possible"),
        notes=tuple(notes),
        nothing="Nobody who is not an administrator can become one by a path that was looked for.",
        counts={"certain": certain, "possible": len(found) - certain},
    )


def not_evaluated(found: Iterable[Escalation]) -> str:
    """The layers that were not evaluated in some steps, or ""."""
    steps = (step.decision for one in found for move in one.moves for step in move.steps)
    layers = {layer for decision in steps for layer in unloaded_layers(decision)}
    return ", ".join(LAYER_NAMES[layer].short for layer in Layer if layer in layers)


def _escalation(account: Account, number: int, one: Escalation) -> Iterator[ReportRow]:
    kind = "certain" if one.certain else "possible"
    path = "; then ".join(_move_words(account, move) for move in one.moves)
    steps = [(move, step) for move in one.moves for step in move.steps]
    rows = [_step(account, number, kind, move, step) for move, step in steps]
    only = dict.fromkeys(filter(None, (only_grant(move, step) for move, step in steps)))
    one_of = "one of " if len(only) > 1 else ""
    without = f"Closed without {one_of}{first_of([_short(account, name) for name in only])}." if only else ""
    grant = next((row.grant for row in rows if row.grant is not None), None)
    yield ReportRow(
        mark=_CERTAIN if one.certain else _POSSIBLE,
        name=_short(account, one.principal.arn),
        text=path,
        kind=kind,
        group=number,
        details=(
            row_of("It can ", path, limit=None),
            *([row_of(without, limit=None)] if without else []),
            row_of(
                Word(
                    f"Enter goes to {_short(account, one.principal.arn)} in the tree.{_how_to_edit(grant)}", Tone.QUIET
                )
            ),
        ),
        target=one.principal.arn,
        grant=grant,
    )
    yield from rows


def _grant(account: Account, move: Move, ref: StatementRef | None) -> tuple[str, StatementPlace] | None:
    """ARN of the policy or principal whose statement grants a step, with its place; None: not the account's own."""
    if ref is None or ref.effect != "Allow" or ref.layer is not Layer.IDENTITY:
        return None
    policy = account.policy(ref.policy)
    if policy is not None:
        return None if policy.aws_managed else (policy.arn, StatementPlace(policy.name, ref.statement))
    inline = getattr(account.by_arn(move.principal), "inline_policies", ())
    holds = any(one.name == ref.policy for one in inline)
    return (move.principal, StatementPlace(ref.policy, ref.statement)) if holds else None


def _how_to_edit(grant: tuple[str, StatementPlace] | None) -> str:
    return f" A edits {_safe(grant[1].policy)} in a draft." if grant is not None else ""


def _move_words(account: Account, move: Move) -> str:
    about = f": {_short(account, move.target)}" if move.target else ""
    needs = f", if there is {move.needs}" if move.needs else ""
    return _safe(f"{move.path.title}{about}{needs}")


def _step(account: Account, number: int, kind: str, move: Move, step: EscalationStep) -> ReportRow:
    condition = f"  if {step.condition}" if step.condition else ""
    request = step.decision.request
    words, grant = verdict_words(step.decision), _grant(account, move, step.decision.deciding)
    return ReportRow(
        mark=Word(words.mark, words.tone),
        name=_safe(step.action),
        text=_safe(f"on {_short(account, step.resource)}{condition}"),
        kind=kind,
        group=number,
        details=(
            row_of(f"To {_move_words(account, move)}", Word(f"  {move.path.id}", Tone.QUIET), limit=None),
            row_of(
                words.row,
                Word(f" as {_short(account, move.principal)} ", Tone.QUIET),
                because(step.decision),
                limit=None,
            ),
            row_of(Word(f"Enter asks it.{_how_to_edit(grant)}", Tone.QUIET)),
        ),
        target=move.principal,
        grant=grant,
        asked=Asked(request.principal, Question(step.action, step.resource, request.context, request.mode)),
        inner=True,
    )


def members_report(account: Account, figure: Figure, parts: Sequence[Figure] = ()) -> Report:
    """Members that a number of the overview counts, each with the way to it in the tree.

    Args:
        parts: what the number is made up of; its list can be narrowed to each.
    """
    kinds = {member: part.label.rpartition(": ")[2] for part in parts for member in part.members}
    rows = tuple(_member(account, at, member, kinds.get(member, "")) for at, member in enumerate(figure.members))
    notes = (f"For {figure.unknown:,} more it is not known whether they belong here.",) if figure.unknown else ()
    label = _safe(figure.label[:1].upper() + figure.label[1:])
    counts = Counter(row.kind for row in rows)
    names = tuple(name for name in dict.fromkeys(kinds.values()) if counts[name])
    return Report(label, rows, names, notes, f"{label}: none in this account.", counts)


def _member(account: Account, number: int, member: str, kind: str) -> ReportRow:
    arn, _, rest = member.partition(" ")
    target = arn if account.by_arn(arn) is not None else ""
    return ReportRow(Word(kind, Tone.QUIET), _short(account, arn), _safe(rest), kind, number, target=target)


def _short(account: Account, arn: str) -> str:
    return _safe(account.short_name(arn))


def _safe(value: object) -> str:
    return text_of(row_of(value, limit=None))


# Effects of a draft on access, trust and ways to become administrator, in words.


_TRUST: Final = {"gained": "opens to", "lost": "closes to", "changed": "changes for"}


_MOST_NAMED: Final = 4


def access_words(shift: AccessShift, actions: Sequence[str] = ()) -> str:
    """Which actions are gained, lost or changed, on what and on what condition; safe to show.

    Args:
        actions: those of them that are meant; empty: all.
    """
    before, after = shift.before.value, shift.after.value
    if before == after:
        outcomes = ", on other resources or conditions than before"
    else:
        outcomes = ", on a condition" if "depends" in (before, after) else ""
    named = first_names(actions or shift.actions, _MOST_NAMED)
    return f"{named} on {safe_text(shift.resource)}{outcomes}{when_words(shift)}"


def trust_words(account: Account, shift: TrustShift) -> str:
    """To whom the trust of a role opens, or closes, and on what condition; safe to show."""
    edge = shift.edge
    trusted = "everyone" if edge.name == "*" else safe_text(account.short_name(edge.name)) or "anonymous"
    what = "" if edge.action.startswith("sts:AssumeRole") else f" for {edge.action}"
    condition = f" if {edge.condition}" if edge.condition else ""
    return f"{_TRUST[shift.effect.value]} {trusted}{what}{condition}{when_words(shift)}"


def when_words(shift: AccessShift | TrustShift) -> str:
    """Of which calls it is so, where not of those of now."""
    return f", when {safe_text(shift.when)}" if shift.when else ""


def escalation_words(shift: EscalationShift) -> str:
    again = "is" if shift.effect.value == "gained" else "is no longer"
    if shift.escalation is None:
        return f"{again} an administrator"
    can = "can" if shift.effect.value == "gained" else "can no longer"
    sure = "" if shift.escalation.certain else ", under conditions"
    steps = ", then ".join(move.path.title for move in shift.escalation.moves)
    return f"{can} become administrator{sure}: {steps}"
