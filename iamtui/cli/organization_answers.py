"""Questions about each account of an organization, and their rows: small, and the same from any process.

`ask_account` runs in the processes that do the work.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field, structs

from iamtui.account.model import DEMO, Account, Gap, Known, Missing
from iamtui.cli.questions import Demands
from iamtui.drafts.draft import Draft, OrganizationDraft
from iamtui.engine.condition_words import condition_of
from iamtui.engine.decision import Decision, Outcome
from iamtui.leaves import PROOF_TO_JSON, PROVE_NOT_PUBLIC, PROVE_SAVED
from iamtui.lint.sarif import SarifResult
from iamtui.presentation.answer_json import cell_to_json
from iamtui.presentation.listing import At, ListColumn, Listing
from iamtui.presentation.styled_words import Tone, Word
from iamtui.presentation.verdict import verdict_words
from iamtui.presentation.who_can import access_words, who_can_json
from iamtui.problem import Problem
from iamtui.text import first_names, safe_text
from iamtui.workspace.ask.access import who_has_access
from iamtui.workspace.ask.answers import answer
from iamtui.workspace.ask.proof_result import NothingNamed, Proof, ProofStatus
from iamtui.workspace.ask.saved_questions import SavedProof, SavedQuestion
from iamtui.workspace.ask.trust import organization_id
from iamtui.workspace.ask.who_can import everybody
from iamtui.workspace.change.draft_session import DraftedAccount, Effect, apply
from iamtui.workspace.change.impact import impact_of
from iamtui.workspace.organization.organization_paths import (
    AccountIndex,
    Climb,
    CrossEdge,
    TrustingRole,
    account_of,
    index_of,
)
from iamtui.workspace.organization.organization_store import LOST_POLICIES, fresh_account, workspace_of
from iamtui.workspace.review.audit import audit as findings_of
from iamtui.workspace.review.escalations import find_escalations
from iamtui.workspace.source.principals import UnknownPrincipal, resolve_principal
from iamtui.workspace.source.unknown_facts import unknown_facts
from iamtui.workspace.source.workspace import Workspace

_MOST_NAMED: Final = 4
_MOST_ROWS: Final = 100_000
"""Rows per account; any more are left out, with a note."""


class Plan(Struct, frozen=True):
    """Questions for every account.

    Args:
        questions: saved ones; those of another account are left out.
        who_can: questions put to everybody.
        proofs: what is to be proved; those of another account are left out.
        trust: ways from account to account; those from `start` alone where that is an ARN.
        draft: SCPs and RCPs as if they were attached.
        whole: whether rows carry the whole record of an answer, some 50 kB each, and not only what decided.
        organizations: the id of the organization of each account of the store, "" where it is in none or not known.
    """

    questions: tuple[SavedQuestion, ...] = ()
    demands: Demands = field(default_factory=Demands)
    who_can: tuple[SavedQuestion, ...] = ()
    proofs: tuple[SavedProof, ...] = ()
    escalations: bool = False
    trust: bool = False
    start: str = ""
    audit: bool = False
    draft: OrganizationDraft | None = None
    whole: bool = False
    organizations: dict[str, str] = field(default_factory=dict)


class AnswerRow(Struct, frozen=True):
    """One line of an answer.

    Args:
        kind: "question", "who-can", "proof", "escalation", "trust", "chain", "audit" or "draft".
        question: which of them, where there are several.
        subject: an ARN, mostly of a principal; raw text.
        verdict: one word or two: "met", "allowed", "proved", "high", "lost".
        tone: "bad", "open", "good" or "": what the verdict means.
        message: one sentence or phrase; raw text.
        complete: whether everything was loaded that it rests on.
        details: what decided; where the plan wants it the whole record, as the command for one account prints it.
    """

    account: str
    kind: str
    question: str
    subject: str
    verdict: str
    tone: str
    message: str
    action: str = ""
    resource: str = ""
    complete: bool = True
    details: dict[str, Any] = field(default_factory=dict)


class AccountAnswer(Struct, frozen=True):
    """Rows and gaps of one account.

    Args:
        asked: how often each question of the plan was asked here: not where nobody of that name is.
        lacking: what is not known of the account and could change answers, sentences; raw text.
        part: whether something was not asked of the account because of that.
        unasked: questions that could not be asked, sentences; raw text.
        index: by which ways into other accounts, and from them, are found.
    """

    account: str
    rows: tuple[AnswerRow, ...]
    asked: dict[str, int] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()
    part: bool = False
    unasked: tuple[str, ...] = ()
    index: AccountIndex | None = None


def ask_account(plan: Plan, day: str, data: tuple[str, bytes]) -> AccountAnswer:
    """Ask an account everything.

    Args:
        data: its id, and its pages from `OrganizationStore.pages`.

    Raises:
        Problem: it cannot be read.
    """
    account, pages = data
    workspace = workspace_of(fresh_account(pages, day, account))
    rows: list[AnswerRow] = []
    asked: Counter[str] = Counter()
    unasked: list[str] = []
    parts: list[str] = []
    said: list[str] = []
    gaps = _gaps(workspace.account)
    fact = workspace.account.organization
    organization = fact.value.id if isinstance(fact, Known) and fact.value is not None else ""
    if plan.organizations.get(account, "") not in ("", organization):
        parts.append("It was of another organization when the members were read: ask again")
    before = workspace
    drafted: DraftedAccount | None = None
    if plan.draft is not None:
        own = plan.draft.for_account(workspace.account)
        if isinstance(own, Draft):
            drafted = apply(workspace, own)
            drafted.check()
            workspace = drafted.after
        elif own:
            # Without the draft it would be another answer.
            return AccountAnswer(account, (), lacking=(own,), part=True)
    for label, ask in _questions(plan, workspace, before, drafted, parts, said):
        try:
            for row in ask():
                if len(rows) >= _MOST_ROWS:
                    parts.append(f"It has more than {_MOST_ROWS:,} rows; the others are left out")
                    break
                # As in the commands for one account; what is open may be so for want of what is not read.
                rests = gaps and (row.kind in ("audit", "escalation") or row.tone == "open")
                rows.append(structs.replace(row, complete=False) if rests else row)
            asked[label] += 1
        except (UnknownPrincipal, NothingNamed):
            # It is about nothing in this account.
            continue
        except Problem as problem:
            unasked.append(f"{label}: {problem}")
    lacking = [*_lacking(workspace.account, plan), *parts, *said]
    part = bool(parts or unasked or gaps)
    across = (plan.trust or plan.escalations) and plan.draft is None
    index = index_of(workspace, escalations=plan.escalations) if across else None
    return AccountAnswer(account, tuple(rows), dict(asked), tuple(dict.fromkeys(lacking)), part, tuple(unasked), index)


def _gaps(account: Account) -> list[Gap]:
    """Gaps of an account that leave every answer about it open."""
    return [*account.unlisted, *(gap for gap in account.gaps if gap.what == LOST_POLICIES)]


def _lacking(account: Account, plan: Plan) -> Iterator[str]:
    """Sentences on gaps that may affect every answer about an account."""
    if account.not_aws:
        yield "It is the built-in demo account" if account.not_aws == DEMO else f"NOT AWS: it is of {account.not_aws}"
    for gap in _gaps(account):
        yield f"Not read: {gap.what}" + (f": {gap.error}" if gap.error else "")
    if isinstance(account.organization, Missing):
        yield f"SCPs and RCPs are not loaded ({account.organization.reason})"
    if plan.audit:
        for fact in unknown_facts(account):
            yield f"Not checked: {fact.what} ({f'needs {fact.permission}' if fact.permission else fact.reason})"


Ask = Callable[[], Iterator[AnswerRow]]


def _questions(
    plan: Plan,
    workspace: Workspace,
    before: Workspace,
    drafted: DraftedAccount | None,
    parts: list[str],
    said: list[str],
) -> Iterator[tuple[str, Ask]]:
    """Questions for one account, each with its name.

    Args:
        workspace, before: the account with the draft, where that is about it, and without.
        parts, said: where asking puts what was not asked, and what else is not known.
    """
    id_ = workspace.account.id
    for saved in plan.questions:
        if saved.account in ("", id_) and _is_of(saved.principal, id_):
            yield saved.name, lambda saved=saved: _saved(workspace, saved, plan, parts, said)  # type: ignore[misc]
    for wanted in plan.who_can:
        yield wanted.name, lambda wanted=wanted: _who_can(workspace, wanted, plan, parts, said)  # type: ignore[misc]
    for proof in plan.proofs:
        if proof.account in ("", id_):
            yield proof.name, lambda proof=proof: _proof(workspace, before if plan.draft else None, proof, plan)  # type: ignore[misc]
    if plan.escalations:
        yield "escalations", lambda: _escalations(workspace, parts)
    if plan.audit:
        yield "audit", lambda: _audit(workspace)
    if drafted is not None:
        yield "draft", lambda: _draft(drafted, parts)


def _is_of(principal: str, account: str) -> bool:
    """True if a principal may be one of an account: an ARN names its account."""
    parts = principal.split(":", 5)
    return not (principal.startswith("arn:") and len(parts) > 5 and parts[4].isdigit()) or parts[4] == account


def _saved(
    workspace: Workspace, question: SavedQuestion, plan: Plan, parts: list[str], said: list[str]
) -> Iterator[AnswerRow]:
    demands = plan.demands
    if not question.principal:
        yield from _who_can(workspace, question, plan, parts, said, demands)
        return
    principal = resolve_principal(workspace, question.principal)
    found = answer(workspace, principal, question.question_matrix)
    assert found is not None, "nothing cancels it"
    if question.expect is not None:
        demands.check_asked(found)
    why = demands.why_unmet(found, question.expect)
    decision = found.worst.deciding
    words = verdict_words(decision)
    verdict = "asked" if question.expect is None else "not met" if why else "met"
    expected = "" if question.expect is None or not why else f"; expected {question.expect.value}: {why}"
    yield AnswerRow(
        workspace.account.id,
        "question",
        question.name,
        found.principal.arn,
        verdict,
        {"met": "good", "not met": "bad"}.get(verdict, _tone(decision.outcome)),
        f"{words.word} {words.rest}".rstrip() + expected,
        decision.request.action,
        decision.request.resource,
        decision.complete,
        {"expect": question.expect, "why": why or None}
        | ({"worst": cell_to_json(found, found.worst)} if plan.whole else _what_decided(decision)),
    )


def _what_decided(decision: Decision) -> dict[str, Any]:
    ref = decision.deciding
    return {
        "decision": decision.outcome.value,
        "condition": condition_of(decision) or None,
        "blocked_by": [layer.value for layer in decision.blocked_by],
        "statement": None
        if ref is None
        else {
            "layer": ref.layer.value,
            "policy": ref.policy,
            "sid": None if ref.sid is None else safe_text(ref.sid, limit=200),
            "statement": ref.statement,
            "lines": list(ref.lines) if ref.lines else None,
        },
    }


def _tone(outcome: Outcome) -> str:
    return {Outcome.ALLOWED: "good", Outcome.DEPENDS: "open"}.get(outcome, "")


def _who_can(
    workspace: Workspace,
    question: SavedQuestion,
    plan: Plan,
    parts: list[str],
    said: list[str],
    demands: Demands | None = None,
) -> Iterator[AnswerRow]:
    """Everybody who may, or, of a question that expects something of everybody, those of whom that is not so."""
    matrix = question.question_matrix
    concerned = everybody(workspace, matrix)
    # Of strangers who are not listed nothing is known, nor that it is as expected.
    listed = matrix.resources == ("*",) or not (concerned.lacks if question.expect is not None else concerned.unknown)
    for sentence, where in ((concerned.lacks, said if listed else parts), (concerned.refused, said)):
        where += [f"{question.name}: {sentence}"] if sentence else []
    for one in who_has_access(workspace, matrix, concerned.asked, only_deciding=not plan.whole):
        decision, words = one.cell.deciding, access_words(one)
        verdict = one.outcome.value
        tone = _tone(one.outcome)
        message = words.rest
        if demands is not None and question.expect is not None:
            why = demands.why_unmet(one.answer, question.expect)
            if not why:
                continue
            verdict, tone, message = "not met", "bad", f"{words.word}; expected {question.expect.value}: {why}"
        elif one.outcome not in (Outcome.ALLOWED, Outcome.DEPENDS):
            continue
        yield AnswerRow(
            workspace.account.id,
            "who-can",
            question.name,
            one.principal.stands_for or one.principal.arn or "anonymous",
            verdict,
            tone,
            message,
            decision.request.action,
            matrix.resources[0],
            decision.complete,
            who_can_json(workspace, one) if plan.whole else _what_decided(decision),
        )


_PROOFS: Final = {
    ProofStatus.PROVED: "good",
    ProofStatus.COUNTEREXAMPLE: "bad",
    ProofStatus.NOT_PROVED: "open",
}


def _proof(workspace: Workspace, before: Workspace | None, saved: SavedProof, plan: Plan) -> Iterator[AnswerRow]:
    """A proof; of resources that are not to be public, one of each."""
    asked = saved.proof
    if asked.not_public is not None:
        own = organization_id(workspace.account)
        members = frozenset(
            account for account, organization in plan.organizations.items() if own and organization == own
        )
        prove_each: Callable[..., Mapping[str, Proof]] = PROVE_NOT_PUBLIC.needed()
        for arn, proof in prove_each(workspace, asked.not_public, members).items():
            yield _proved(workspace, saved, proof, arn)
        return
    prove: Callable[..., tuple[Proof, bool]] = PROVE_SAVED.needed()
    proof, _ = prove(workspace, before, asked)
    subject = ", ".join(asked.never.principals) if asked.never is not None else "every user and role"
    yield _proved(workspace, saved, proof, subject)


def _proved(workspace: Workspace, saved: SavedProof, proof: Proof, subject: str) -> AnswerRow:
    """A row about what is to be proved of a subject; the principal of a counterexample is one, too."""
    found = proof.counterexample
    if found is not None:
        context = "".join(f", {key} = {' or '.join(values) or 'absent'}" for key, values in found.context.items())
        message = f"{found.principal.arn or 'anonymous'} can call {found.action} on {found.resource}{context}"
    else:
        message = "; ".join(proof.reasons)
    return AnswerRow(
        workspace.account.id,
        "proof",
        saved.name,
        subject,
        proof.status.value,
        _PROOFS[proof.status],
        message,
        "" if found is None else found.action,
        "" if found is None else found.resource,
        # What stands in the way of a proof is mostly something that is not loaded.
        proof.is_proved or (found is not None and found.decision.complete),
        PROOF_TO_JSON.needed()(proof),
    )


def _escalations(workspace: Workspace, parts: list[str]) -> Iterator[AnswerRow]:
    report = find_escalations(workspace)
    parts += (f"escalations: {sentence}" for sentence in report.left_out)
    for one in report.escalations:
        decisions = [step.decision for move in one.moves for step in move.steps]
        yield AnswerRow(
            workspace.account.id,
            "escalation",
            "escalations",
            one.principal.arn,
            "certain" if one.certain else "possible",
            "bad" if one.certain else "open",
            "; then ".join(
                f"{move.path.title}{f': {workspace.short_name(move.target)}' if move.target else ''}"
                f"{f' if {move.condition}' if move.condition else ''}"
                for move in one.moves
            ),
            complete=not report.left_out and all(decision.complete for decision in decisions),
            details={
                "path": [move.path.id for move in one.moves],
                "targets": [move.target for move in one.moves],
                "conditions": [move.condition or None for move in one.moves],
            },
        )


def climb_row(climb: Climb) -> AnswerRow:
    """Who becomes administrator by roles of other accounts, as a row."""
    return AnswerRow(
        account_of(climb.principal),
        "escalation",
        "escalations across accounts",
        climb.principal,
        "certain" if climb.certain else "possible",
        "bad" if climb.certain else "open",
        "; then ".join(climb.path),
        details={"path": list(climb.path)},
    )


def edge_row(edge: CrossEdge) -> AnswerRow:
    """Who may assume a role of another account, as a row of that account."""
    return AnswerRow(
        account_of(edge.role),
        "trust",
        "trust",
        edge.principal,
        "may assume" if edge.certain else "on a condition",
        "good" if edge.certain else "open",
        f"{edge.role}{f' if {edge.condition}' if edge.condition else ''}",
        "sts:AssumeRole",
        edge.role,
        edge.complete,
        {"role": edge.role, "condition": edge.condition or None},
    )


def chain_row(start: str, chain: Sequence[CrossEdge]) -> AnswerRow:
    """A role that is reached by assuming one role after the other, as a row of its account."""
    sure = all(edge.certain for edge in chain)
    conditions = [edge.condition for edge in chain if edge.condition]
    return AnswerRow(
        account_of(chain[-1].role),
        "chain",
        "trust",
        start,
        "reaches" if sure else "on a condition",
        "good" if sure else "open",
        " -> ".join(edge.role for edge in chain) + (f" if {'; '.join(conditions)}" if conditions else ""),
        "sts:AssumeRole",
        chain[-1].role,
        all(edge.complete for edge in chain),
        {"roles": [edge.role for edge in chain], "conditions": conditions},
    )


def outside_row(role: TrustingRole, accounts: tuple[str, ...] | None) -> AnswerRow:
    """That a role trusts accounts which are not in the store, as a row."""
    named = "any account" if accounts is None else first_names(accounts, _MOST_NAMED)
    return AnswerRow(
        role.account,
        "trust",
        "trust",
        role.arn,
        "outside",
        "open",
        f"its trust policy may let in {named}, of which the store has nothing",
        "sts:AssumeRole",
        role.arn,
        details={"accounts": None if accounts is None else list(accounts)},
    )


_SEVERITIES: Final = {"high": "bad", "medium": "open", "low": ""}


def _audit(workspace: Workspace) -> Iterator[AnswerRow]:
    for finding in findings_of(workspace):
        yield AnswerRow(
            workspace.account.id,
            "audit",
            finding.code,
            finding.subject,
            finding.severity.value,
            _SEVERITIES[finding.severity.value],
            f"{finding.message} {finding.fix}",
            details={"cis": finding.control or None},
        )


_EFFECTS: Final = {Effect.GAINED: "open", Effect.LOST: "bad", Effect.CHANGED: "open"}


def _draft(drafted: DraftedAccount, parts: list[str]) -> Iterator[AnswerRow]:
    workspace, found = drafted.after, impact_of(drafted)
    parts += (f"Not compared: {sentence}" for sentence in found.not_compared)
    for shift in found.access:
        yield AnswerRow(
            workspace.account.id,
            "draft",
            "draft",
            first_names((workspace.short_name(one.arn) or "anonymous" for one in shift.principals), _MOST_NAMED),
            shift.effect.value,
            _EFFECTS[shift.effect],
            f"{first_names(shift.actions, _MOST_NAMED)} on {shift.resource}",
            first_names(shift.actions, 1),
            shift.resource,
            details={
                "actions": list(shift.actions),
                "before": shift.before.value,
                "after": shift.after.value,
                "principals": [one.arn or None for one in shift.principals],
            },
        )
    for edge in found.trust:
        yield AnswerRow(
            workspace.account.id, "draft", "trust", edge.edge.role.arn, edge.effect.value, _EFFECTS[edge.effect],
            f"{'opens to' if edge.effect is Effect.GAINED else 'closes to'} {edge.edge.name}",
        )  # fmt: skip
    for one in found.escalations:
        gained = one.effect is Effect.GAINED
        yield AnswerRow(
            workspace.account.id, "draft", "escalations", one.principal.arn, one.effect.value,
            "bad" if gained else "good", f"can {'' if gained else 'no longer '}become administrator",
        )  # fmt: skip


_MARKS: Final = {
    "bad": Word("[x]", Tone.DENIED),
    "open": Word("[?]", Tone.DEPENDS),
    "good": Word("[+]", Tone.ALLOWED),
    "": Word("[-]", Tone.QUIET),
}
_LEVELS: Final = {"bad": "error", "open": "warning", "": "note"}


def answers(day: str) -> Listing[AnswerRow]:
    """The list of answers of an organization as it was on a day."""
    return Listing(
        "organization",
        (
            ListColumn("date", lambda _row: day, at=At.DATA),
            ListColumn("account", lambda row: row.account, lambda row: (_MARKS[row.tone], Word(f" {row.account}"))),
            ListColumn("kind", lambda row: row.kind, at=At.DATA),
            ListColumn("question", lambda row: row.question, at=At.DATA),
            ListColumn("subject", lambda row: row.subject, lambda row: Word(_subject_name(row), Tone.STRONG)),
            ListColumn("verdict", lambda row: row.verdict, at=At.DATA),
            ListColumn(
                "message",
                lambda row: row.message,
                lambda row: f"{row.verdict}{f': {row.message}' if row.message else ''}",
            ),
            ListColumn("of", lambda row: row.question, lambda row: Word(f"[{row.question}]", Tone.QUIET), at=At.TEXT),
            ListColumn("action", lambda row: row.action, at=At.DATA),
            ListColumn("resource", lambda row: row.resource, at=At.DATA),
            ListColumn("complete", lambda row: row.complete, at=At.DATA),
        ),
        data=lambda row: row_json(row, day),
        sarif=_sarif,
    )


def _subject_name(row: AnswerRow) -> str:
    """The subject without its account, where that is the row's: users of many accounts have the same name."""
    *_, owner, rest = fields if len(fields := row.subject.split(":", 5)) == 6 else (row.account, row.subject)
    return rest if owner in (row.account, "") else row.subject


def _sarif(row: AnswerRow) -> SarifResult:
    return SarifResult(
        rule=row.question if row.kind == "audit" else row.kind,
        level=_LEVELS[row.tone],
        message=f"{row.subject}: {row.verdict}: {row.message}",
        file=f"aws-account-{row.account}",
        element=row.subject,
        properties=(("question", row.question),),
    )


def row_json(row: AnswerRow, day: str) -> dict[str, Any]:
    return {"date": day, **{name: getattr(row, name) for name in row.__struct_fields__ if name != "tone"}}


def row_cells(row: AnswerRow, day: str) -> dict[str, Any]:
    """A row for a table of columns that are all texts or yes and no."""
    cells = row_json(row, day)
    return {**cells, "details": json.dumps(cells["details"], default=str)}
