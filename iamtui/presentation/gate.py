"""The rows of `iamtui gate`: what a plan's policies, calls, access and use come to, the worst first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import chain
from typing import Final, NamedTuple

from iamtui.account.model import Account
from iamtui.engine.condition_words import LAYER_NAMES
from iamtui.engine.decision import Layer
from iamtui.engine.request import Principal
from iamtui.lint.check_document import DocumentKind, findings, guess_kind
from iamtui.plan.terraform import TerraformPlan
from iamtui.policy.document import PolicyDocument
from iamtui.presentation.listing import ListColumn, Listing
from iamtui.presentation.reports import access_words, escalation_words, trust_words
from iamtui.presentation.verdict import because, unloaded_layers, verdict_words
from iamtui.text import counted, first_names, safe_text
from iamtui.workspace.ask.proof_result import Proof, ProofStatus
from iamtui.workspace.change.draft_session import Effect
from iamtui.workspace.change.impact import AccessShift, Impact
from iamtui.workspace.gate.plan_apply import CallVerdict, PlanApply
from iamtui.workspace.gate.plan_draft import PlanDraft, documents_of, gaps_of

_MOST_NAMED: Final = 4


class GateLevel(StrEnum):
    """How bad a row is; `OPEN`: something is not known, on which an answer may rest."""

    ERROR = "error"
    WARNING = "warning"
    OPEN = "open"
    NOTE = "note"


class GateRow(NamedTuple):
    """A thing to know about a plan.

    Args:
        answer: "lint", "apply", "access" or "use".
        code: a stable short name, which a suppression names.
        address: of the resource in the plan, "" where it is the whole plan; raw.
        message: safe to show.
        reason: of the suppression that accepts it, or "".
    """

    answer: str
    code: str
    level: GateLevel
    address: str
    message: str
    reason: str = ""


GATE: Final = Listing[GateRow](
    "gate",
    (
        ListColumn("level", lambda row: row.level.value),
        ListColumn("answer", lambda row: row.answer),
        ListColumn("code", lambda row: row.code),
        ListColumn("address", lambda row: row.address or None),
        ListColumn("message", lambda row: row.message),
        ListColumn("suppressed", lambda row: row.reason or None),
    ),
)


def worst_first(rows: Iterable[GateRow]) -> list[GateRow]:
    """Rows by level, those that are accepted behind all others."""
    levels = [*GateLevel]
    return sorted(rows, key=lambda row: (bool(row.reason), levels.index(row.level)))


def lint_rows(plan: TerraformPlan, account: str) -> Iterator[GateRow]:
    """Findings in the policies that a plan writes, by address."""
    levels = {"error": GateLevel.ERROR, "warning": GateLevel.WARNING, "suggestion": GateLevel.NOTE}
    for change in plan.changes:
        for attribute, text in documents_of(change):
            document = PolicyDocument(text)
            kind = guess_kind(document)
            if attribute == "assume_role_policy":
                kind = DocumentKind.TRUST
            elif change.type.startswith("aws_iam_"):
                kind = DocumentKind.IDENTITY
            for found in findings(document, kind, account=change.account or account):
                message = f"{attribute} {found.path}: {found.message}"
                yield GateRow(
                    "lint", found.code, levels[found.level.value], change.address, safe_text(message, limit=None)
                )


def apply_rows(account: Account, principal: Principal, found: PlanApply) -> Iterator[GateRow]:
    """Certain calls that are not allowed, and what is not mapped to calls."""
    who = safe_text(account.short_name(principal.arn or ""))
    levels = {CallVerdict.DENIED: GateLevel.ERROR, CallVerdict.DEPENDS: GateLevel.OPEN}
    codes = {CallVerdict.DENIED: "denied", CallVerdict.DEPENDS: "depends"}
    for call in found.certain:
        if call.verdict not in levels:
            continue
        verdict = verdict_words(call.decision).word if call.verdict is CallVerdict.DENIED else "DEPENDS"
        why = "".join(word.text for word in because(call.decision, beside=True))
        words = f"{who}: {verdict} {call.action} on {safe_text(call.resource, limit=512)}{f', {why}' if why else ''}"
        yield GateRow("apply", codes[call.verdict], levels[call.verdict], call.address, words)
    unsure = found.of(CallVerdict.AS_LOADED)
    if unsure:
        missing = {layer for call in unsure for layer in unloaded_layers(call.decision)}
        layers = [LAYER_NAMES[layer].title for layer in Layer if layer in missing]
        words = f"{counted(len(unsure), 'call')} allowed as far as loaded; not loaded: {', '.join(layers)}"
        yield GateRow("apply", "as-loaded", GateLevel.OPEN, "", words)
    for type_, addresses in sorted(found.not_mapped.items()):
        words = f"{safe_text(type_)} is not mapped to calls: {first_names(addresses, _MOST_NAMED)}"
        yield GateRow("apply", "not-mapped", GateLevel.OPEN, addresses[0], words)


def access_rows(
    account: Account, plan: TerraformPlan, made: PlanDraft, impact: Impact, proof: Proof | None
) -> Iterator[GateRow]:
    """Who gains and loses what, who may come in from outside, what is newly possible, and what is not compared."""
    yield from _trust_rows(account, made, impact)
    yield from _escalation_rows(account, made, impact)
    yield from _shift_rows(account, made, impact)
    if proof is not None:
        whole = not (made.not_compared or made.recovered or made.elsewhere or plan.actions or plan.errored)
        yield _proof_row(account, proof, whole=whole and plan.complete and not impact.not_compared)
    for one in made.not_compared:
        yield GateRow(
            "access",
            "not-compared",
            GateLevel.OPEN,
            one.address,
            f"not compared: it {safe_text(one.reason, limit=512)}",
        )
    for value in made.recovered:
        words = (
            f"{value.attribute} is taken to be {safe_text(value.value, limit=512)}, from {safe_text(value.reference)}"
        )
        yield GateRow("access", "recovered", GateLevel.OPEN, value.address, words)
    for sentence in impact.not_compared:
        yield GateRow("access", "not-compared", GateLevel.OPEN, "", safe_text(sentence, limit=None))
    for finding in made.drafted.findings:
        # What lint says of the documents is an answer of its own.
        if finding.kind not in ("no effect", "error", "warning"):
            level = GateLevel.OPEN if finding.kind == "unknown" else GateLevel.WARNING
            address = made.addresses[finding.edit - 1] if finding.edit else ""
            yield GateRow("access", finding.kind.replace(" ", "-"), level, address, finding.sentence)
    if plan.actions:
        words = f"actions that the plan runs are not compared: {first_names(plan.actions, _MOST_NAMED)}"
        yield GateRow("access", "not-compared", GateLevel.OPEN, plan.actions[0], words)


def incomplete_rows(plan: TerraformPlan, made: PlanDraft, answer: str) -> Iterator[GateRow]:
    """Changes that an answer leaves out: those of other accounts, and those that the plan itself lacks."""
    for gap in gaps_of(plan, made):
        yield GateRow(answer, gap.code, GateLevel.OPEN, gap.address, gap.words)


def _trust_rows(account: Account, made: PlanDraft, impact: Impact) -> Iterator[GateRow]:
    """To whom the trust of roles opens, and closes: each outsider, and those inside together."""
    inside: dict[tuple[str, Effect], list[str]] = {}
    for shift in impact.trust:
        role = shift.edge.role.arn
        opens = shift.effect is not Effect.LOST
        if opens and not shift.edge.is_inside:
            words = f"trust of {safe_text(account.short_name(role))} {trust_words(account, shift)}"
            yield GateRow("access", "public", GateLevel.ERROR, _address(made, role), words)
        else:
            inside.setdefault((role, shift.effect), []).append(account.short_name(shift.edge.name) or "anonymous")
    for (role, effect), names in inside.items():
        code, level = _CODES[effect]
        words = f"trust of {safe_text(account.short_name(role))} {_TRUST[effect]} {_named(names)}"
        yield GateRow("access", code, level, _address(made, role), words)


def _escalation_rows(account: Account, made: PlanDraft, impact: Impact) -> Iterator[GateRow]:
    """Who can become administrator by the same steps, or no longer."""
    alike: dict[tuple[Effect, str], list[str]] = {}
    for shift in impact.escalations:
        alike.setdefault((shift.effect, escalation_words(shift)), []).append(shift.principal.arn)
    for (effect, words), arns in alike.items():
        gained = effect is Effect.GAINED
        code, level = ("escalation", GateLevel.ERROR) if gained else ("lost", GateLevel.NOTE)
        yield GateRow("access", code, level, _address(made, *arns), f"{_named(map(account.short_name, arns))} {words}")


def _shift_rows(account: Account, made: PlanDraft, impact: Impact) -> Iterator[GateRow]:
    """What the same principals gain, lose or have otherwise on the same resource, outsiders apart."""
    alike: dict[tuple[object, ...], list[AccessShift]] = {}
    for shift in impact.access:
        family = shift.actions[0].partition(":")[0]
        kind = (shift.effect, shift.principals, shift.resource, shift.after, shift.when, family)
        alike.setdefault(kind, []).append(shift)
    for shifts in alike.values():
        shift = shifts[0]
        actions = list(dict.fromkeys(chain.from_iterable(one.actions for one in shifts)))
        inside = [one for one in shift.principals if f"::{account.id}:" in (one.arn or "")]
        outside = [one for one in shift.principals if one not in inside]
        for whom in filter(None, (outside, inside)):
            code, level = _CODES[shift.effect]
            if whom is outside and shift.effect is not Effect.LOST:
                code, level = "public", GateLevel.ERROR
            names = _named(account.short_name(one.arn or "") or "anonymous" for one in whom)
            verb = {Effect.GAINED: "gain", Effect.LOST: "lose", Effect.CHANGED: "have otherwise"}[shift.effect]
            words = f"{names} {verb}{'s' if len(whom) == 1 and verb != 'have otherwise' else ''}"
            address = _address(made, *(one.arn or "" for one in whom), shift.resource)
            yield GateRow("access", code, level, address, f"{words} {access_words(shift, actions)}")


def _named(names: Iterable[str]) -> str:
    """The first few names, and how many there are."""
    listed = list(names)
    count = f"{len(listed):,} principals: " if len(listed) > _MOST_NAMED else ""
    return f"{count}{first_names(listed, _MOST_NAMED)}"


_TRUST: Final = {
    Effect.GAINED: "opens to", Effect.LOST: "closes to", Effect.CHANGED: "is on another condition for",
}  # fmt: skip
_CODES: Final = {
    Effect.GAINED: ("gained", GateLevel.WARNING),
    Effect.LOST: ("lost", GateLevel.NOTE),
    Effect.CHANGED: ("changed", GateLevel.WARNING),
}


def _proof_row(account: Account, proof: Proof, *, whole: bool) -> GateRow:
    if proof.status is ProofStatus.PROVED and not whole:
        words = "nothing is newly possible by the changes that are compared; of the others it is not known"
        return GateRow("access", "not-proved", GateLevel.OPEN, "", words)
    if proof.status is ProofStatus.PROVED:
        return GateRow("access", "nothing-new", GateLevel.NOTE, "", "nothing is newly possible (proved)")
    example = proof.counterexample
    if example is None:
        reasons = first_names(proof.reasons, _MOST_NAMED, limit=256)
        return GateRow(
            "access", "not-proved", GateLevel.OPEN, "", f"that nothing is newly possible is not proved: {reasons}"
        )
    who = safe_text(account.short_name(example.principal.arn or "")) or "anonymous"
    given = "; ".join(f"{key}={','.join(map(str, values)) or 'absent'}" for key, values in example.context.items())
    words = f"newly possible: {who} {example.action} on {safe_text(example.resource, limit=512)}"
    return GateRow(
        "access",
        "newly-possible",
        GateLevel.WARNING,
        "",
        words + (f" with {safe_text(given, limit=512)}" if given else ""),
    )


def _address(made: PlanDraft, *arns: str) -> str:
    """The address of the first edit that touches one of some ARNs; "" where none does."""
    for edit, address in zip(made.drafted.draft.edits, made.addresses, strict=True):
        if edit.touched.intersection(arns) or edit.group in arns:
            return address
    return ""


def summary(rows: Sequence[GateRow], answers: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each answer with how many rows of each code it has; of lint, of each level."""
    for answer in answers:
        found = [row for row in rows if row.answer == answer and not row.reason]
        codes = [row.level.value if answer == "lint" else row.code for row in found]
        yield answer, ", ".join(f"{codes.count(code):,} {code}" for code in dict.fromkeys(codes)) or "nothing found"
