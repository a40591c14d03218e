"""Who can: principals and their answers as lists, on the screen (`who_can_rows`) and printed (`who_can_listing`).

A row of the screen is words alone: thousands of answers are much to keep.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat, takewhile
from typing import Any, Final, TypeVar

from iamtui.engine.condition_words import LAYER_NAMES, condition_of, first_of
from iamtui.engine.decision import Decision, Layer, Outcome, StatementRef, short_policy_name
from iamtui.engine.request import Principal, PrincipalKind, Request
from iamtui.policy.patterns import is_account_id, is_pattern, parse_arn
from iamtui.presentation.answer_json import cell_to_json
from iamtui.presentation.listing import At, ListColumn, Listing, Report, Target
from iamtui.presentation.styled_words import Row, Tone, Word, row_of, text_of
from iamtui.presentation.verdict import (
    OUTCOME_WORDS,
    VerdictWords,
    because,
    counts_of,
    how_far,
    lines_words,
    statement_name,
    unloaded_layers,
    verdict_words,
)
from iamtui.questions.question import QuestionMatrix
from iamtui.text import safe_text
from iamtui.workspace.ask.access import Grant, PrincipalAccess, granting_statements, grants_of, who_has_access
from iamtui.workspace.ask.questions import check_known
from iamtui.workspace.ask.who_can import Everybody, Provider, everybody
from iamtui.workspace.source.inventory import known_behind, people_behind, people_words, sign_in_json
from iamtui.workspace.source.workspace import Workspace

BEST_FIRST: Final = (Outcome.ALLOWED, Outcome.DEPENDS, Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY)
"""Outcomes to filter rows by, in the order of the answers."""

_KINDS: Final = {
    PrincipalKind.ROOT: "account",
    PrincipalKind.USER: "user",
    PrincipalKind.ROLE: "role",
    PrincipalKind.ROLE_SESSION: "session",
    PrincipalKind.FEDERATED_USER: "federated",
    PrincipalKind.SERVICE: "service",
    PrincipalKind.IDENTITY_PROVIDER: "provider",
    PrincipalKind.CANONICAL_USER: "canonical",
    PrincipalKind.ANONYMOUS: "anyone",
}

_LONGEST_WHY: Final = 240
_LONGEST_REASON: Final = 1000
"""Characters of a row's reason, beside the verdict and at length: a condition may name thousands of keys."""

T = TypeVar("T")


@lru_cache(2048)
def _shared(value: T) -> T:
    """The value that is equal to this one and was made before: most rows say what others say."""
    return value


@dataclass(frozen=True, slots=True, eq=False)
class WhoCanRow:
    """One principal and what its answer says, without the answer itself: thousands of those are much to keep.

    Args:
        principal: whom the answer is for.
        inside: whether it is a user or role of an account that is open.
        kind, name, place: what it is, what it is called, and its path or its account ("" when neither says more); raw
            text.
        people: who can sign in to a role of IAM Identity Center, or ""; raw text.
        outcome, words: the verdict.
        policy, sid: the deciding policy and statement, or ""; raw text.
        layer: that of the deciding statement, or those that lack an Allow; as are the next three, safe to show.
        statement: the deciding one with its lines, or why there is none.
        condition: what it depends on, or "".
        limit: as far as what it is said, or "".
        why: what it is limited to or depends on, and the deciding statement; short, safe to show.
        because: the same at length.
        request: the one that decided; where a role chaining comes first and decides, that of its first role.
        before: the verdict without the draft, or None when there is no draft.
        changed: whether the draft changes the outcome.
        unloaded: layers that were not evaluated and could change the answer.
    """

    principal: Principal
    inside: bool
    kind: str
    name: str
    place: str
    people: str
    outcome: Outcome
    words: VerdictWords
    policy: str
    sid: str
    layer: str
    statement: str
    condition: str
    limit: str
    why: str
    because: str
    request: Request
    before: VerdictWords | None
    changed: bool
    unloaded: tuple[Layer, ...]

    # Made when they are asked for: what a row repeats of a policy or a permission set, thousands of rows repeat.

    @property
    def where(self) -> str:
        """Its path, its account, the people behind it; raw text."""
        return ", ".join(filter(None, (self.place, self.people)))

    @property
    def reason(self) -> str:
        """Why the answer is so, and the people behind the role; safe to show."""
        return f"{self.because}. People: {safe_text(self.people)}" if self.people else self.because

    @property
    def haystack(self) -> str:
        """Text that a filter searches, in lower case: principal, verdict, and deciding policy."""
        who = f"{self.kind}/{self.name} {self.where} {self.principal.arn}"
        return f"{who} {self.words} {self.policy} {self.sid[:200]}".lower()


def who_can_row(
    principal: Principal,
    decision: Decision,
    before: Decision | None = None,
    *,
    inside: bool = True,
    elsewhere: bool = False,
    people: str = "",
) -> WhoCanRow:
    """The row of an answer; takes tens of microseconds, so a thread makes them.

    Args:
        elsewhere: whether it is of another account than the one that is looked at, though that is open too.
        people: who can sign in to a role of IAM Identity Center, or ""; raw text.
    """
    kind = "others" if principal.stands_for else _KINDS[principal.kind]
    name, place = _name_and_place(principal, inside, elsewhere)
    words = _shared(verdict_words(decision))
    ref = decision.deciding
    reason = text_of(because(decision))
    condition = condition_of(decision) if decision.outcome is Outcome.DEPENDS else ""
    return WhoCanRow(
        principal,
        inside,
        kind,
        name,
        "" if people and not elsewhere else place,
        _shared(people),
        decision.outcome,
        words,
        ref.policy if ref is not None else "",
        (ref.sid or "") if ref is not None else "",
        _shared(_layers(decision)),
        _shared(safe_text(_decided_by(decision) or reason, limit=_LONGEST_WHY)),
        _shared(safe_text(condition, limit=_LONGEST_WHY)),
        _shared(words.rest if decision.outcome is Outcome.ALLOWED else how_far(decision)),
        _shared(safe_text(_why(decision, words, reason), limit=_LONGEST_WHY)),
        _shared(safe_text(reason, limit=_LONGEST_REASON)),
        decision.request,
        _shared(verdict_words(before)) if before is not None else None,
        before is not None and before.outcome is not decision.outcome,
        unloaded_layers(decision),
    )


def _why(decision: Decision, words: VerdictWords, reason: str) -> str:
    """Limits of an answer, its condition, and the statement that decided."""
    outcome = decision.outcome
    parts = [words.rest] if outcome is Outcome.ALLOWED and words.rest else []
    if outcome is Outcome.DEPENDS and decision.depends_on is not None:
        parts.append(f"if {condition_of(decision)}")
    ref = decision.deciding
    if ref is not None and outcome is not Outcome.IMPLICIT_DENY:
        parts.append(_statement(ref, decision))
    elif not parts:
        parts.append(reason)
    if outcome is not Outcome.ALLOWED:
        parts.append(how_far(decision))
    return "; ".join(filter(None, parts))


def _layers(decision: Decision) -> str:
    """The layer that decided, in a word; of no Allow, those that lack one."""
    if decision.outcome is Outcome.IMPLICIT_DENY:
        lacking = decision.blocked_by or tuple(reason.layer for reason in decision.reasons)
        return ", ".join(LAYER_NAMES[layer].short for layer in dict.fromkeys(lacking))
    return LAYER_NAMES[decision.deciding.layer].short if decision.deciding is not None else ""


def _decided_by(decision: Decision) -> str:
    """The deciding statement with its lines; "" where none decided."""
    ref = decision.deciding
    if ref is None or decision.outcome is Outcome.IMPLICIT_DENY:
        return ""
    return f"{_statement(ref, decision)}{lines_words(ref.lines)}"


def _statement(ref: StatementRef, decision: Decision) -> str:
    """A statement in a few words; of the resource the policy's name would only repeat the ARN."""
    policy = short_policy_name(ref.policy)
    if ref.layer is Layer.RESOURCE:
        policy = "trust policy" if decision.request.action.lower().startswith("sts:") else "resource policy"
    elif ref.layer not in (Layer.IDENTITY, Layer.SERVICE_RULE):
        policy = f"{LAYER_NAMES[ref.layer].short} {policy}"
    return f"{policy} / {safe_text(ref.sid, limit=128) if ref.sid else f'statement {ref.statement + 1}'}"


def _name_and_place(principal: Principal, inside: bool, elsewhere: bool) -> tuple[str, str]:
    kind = principal.kind
    if principal.stands_for:
        return (
            ("everyone", "users and roles of every account")
            if principal.stands_for == "*"
            else (principal.stands_for, "pattern")
        )
    if kind is PrincipalKind.ANONYMOUS:
        return "anonymous", "without credentials"
    arn = parse_arn(principal.arn)
    if arn is None:
        return principal.arn, ""
    if kind is PrincipalKind.ROOT:
        return arn.account, "another account"
    if inside and not elsewhere:
        return arn.name, "" if arn.path == "/" else arn.path
    name = arn.resource.partition("/")[2] or arn.resource
    return name, f"account {arn.account}" if arn.account else ""


_CHANGED: Final = "changed"

_KIND_WORDS: Final = {
    outcome: f"{words.mark} {words.rest or words.word.lower()}" for outcome, words in OUTCOME_WORDS.items()
}


def who_can_rows(*, draft: bool) -> Listing[WhoCanRow]:
    """The list of principals and their answers on the screen, the best answer first.

    Args:
        draft: whether rows say what was answered without it.
    """

    def before(row: WhoCanRow) -> Word:
        mark = row.before.mark + row.before.star if row.before is not None else ""
        return Word(f"{mark} →", Tone.DEPENDS) if row.changed else Word(mark, Tone.FAINT)

    def name(row: WhoCanRow) -> Row:
        where = Word(f"  {row.where}", Tone.FAINT) if row.where else ""
        return row_of(Word(row.name, Tone.STRONG if row.inside else Tone.PLAIN), where, limit=None)

    def statement(row: WhoCanRow) -> Word:
        return Word(row.statement, Tone.QUIET if row.outcome is Outcome.IMPLICIT_DENY else Tone.PLAIN)

    earlier = ListColumn[WhoCanRow]("before", lambda row: row.before.mark if row.before is not None else None, before)
    return Listing(
        "who can",
        (
            *((earlier,) if draft else ()),
            ListColumn(
                "verdict", lambda row: row.words.short, lambda row: Word(row.words.short, row.words.tone, bold=True),
                sort=_best_first,
            ),
            ListColumn("name", lambda row: row.name, name),
            ListColumn("kind", lambda row: row.kind, lambda row: Word(row.kind, Tone.QUIET), gives_way=1),
            ListColumn("layer", lambda row: row.layer, lambda row: Word(row.layer, Tone.QUIET), at=At.TEXT),
            ListColumn("statement", lambda row: row.statement, statement),
            ListColumn("condition", lambda row: row.condition, gives_way=2),
            ListColumn("limit", lambda row: row.limit, lambda row: Word(row.limit, Tone.QUIET), gives_way=3),
            ListColumn("why", lambda row: row.why, lambda row: Word(row.why, Tone.QUIET), at=At.TEXT),
        ),
        title="Who can",
        nothing="This account has no users and no roles to ask about.",
        kinds=(*(_KIND_WORDS[outcome] for outcome in BEST_FIRST), *((_CHANGED,) if draft else ())),
        kind=lambda row: _KIND_WORDS[row.outcome],
        others=lambda row: (_CHANGED,) if row.changed else (),
        key=lambda row: row.principal.arn or row.name,
        order=lambda row: (*_best_first(row), not row.inside, row.name.lower(), row.kind),
        search=lambda row: row.haystack,
        details=_row_details,
        target=lambda row: Target(row.principal.arn) if row.inside else None,
        no_target="It is not in the tree: it belongs to another account or to nobody. Press w for why.",
    )  # fmt: skip


def _best_first(row: WhoCanRow) -> tuple[int, bool]:
    """A plain "allowed" is a better answer than one on some resources, or as far as loaded."""
    return BEST_FIRST.index(row.outcome), row.outcome is Outcome.ALLOWED and bool(row.words.rest)


def _row_details(row: WhoCanRow) -> list[Row]:
    before = (Word(str(row.before), Tone.QUIET), Word(" → ", Tone.DEPENDS)) if row.before and row.changed else ()
    return [row_of(before, row.words.row), row_of(row.reason, limit=None)]


def who_can_report(
    question_matrix: QuestionMatrix,
    before: Workspace | None,
    provider: Provider,
    workspace: Workspace,
    cancelled: Callable[[], bool],
) -> Report[WhoCanRow]:
    """Everybody's answers, which come one by one, in the account and in that before a draft.

    Raises:
        Problem: the question cannot be asked.
    """
    check_known(question_matrix.actions)
    found = everybody(workspace, question_matrix)
    unloaded: set[Layer] = set()

    def answers(side: Workspace) -> Iterator[tuple[Principal, Decision]]:
        return provider(side, question_matrix, found.asked, cancelled)

    def rows() -> Iterator[WhoCanRow]:
        inside = len(found.principals) - found.outside
        old = (decision for _, decision in answers(before)) if before is not None else repeat(None)
        for at, ((principal, decision), earlier) in enumerate(zip(answers(workspace), old, strict=False)):
            elsewhere, people = principal.account in workspace.others, people_behind(workspace, principal.arn)
            row = who_can_row(principal, decision, earlier, inside=at < inside, elsewhere=elsewhere, people=people)
            if not unloaded.issuperset(row.unloaded):
                unloaded.update(row.unloaded)
                report.notes = notes()
            yield row

    def notes() -> list[str]:
        return [*found.never_asked, *filter(None, (not_evaluated(found, unloaded),))]

    def export(form: str, rows: Sequence[WhoCanRow], cancelled: Callable[[], bool]) -> str:
        principals = [row.principal for row in rows]
        found = who_has_access(workspace, question_matrix, principals, only_deciding=form != "json")
        return who_can_listing(workspace).text(form, takewhile(lambda _: not cancelled(), found))

    listing = who_can_rows(draft=before is not None)
    report = Report(listing, notes=notes(), coming=rows(), expected=len(found.asked), export=export)
    return report


def not_evaluated(found: Everybody, unloaded: Collection[Layer]) -> str:
    """Principals that the list lacks, layers that could change its answers, and proofs that failed; "" when nothing."""
    layers = ", ".join(LAYER_NAMES[layer].short for layer in Layer if layer in unloaded)
    lacking = f"Not evaluated, and could change some answers: {layers}." if layers else ""
    return " ".join(filter(None, (found.lacks, lacking, found.refused)))


# As CSV, JSON and Markdown.

_MOST_OF_PEOPLE: Final = 10_000
"""Characters of the people behind one role, some hundred of them: thousands of roles may be of one permission set."""

_MOST_IN_A_CELL: Final = 100
"""People behind one role who are named in a table."""


def access_words(one: PrincipalAccess) -> VerdictWords:
    decision = one.cell.deciding
    return verdict_words(decision) if one.outcome is decision.outcome else OUTCOME_WORDS[one.outcome]


def principal_words(workspace: Workspace, principal: Principal) -> str:
    """Name of a principal, or of the principals that it represents, raw."""
    if principal.stands_for == "*":
        return "everyone: users and roles of every account"
    if is_account_id(principal.stands_for):
        return f"account {principal.stands_for}"
    return principal.stands_for or workspace.short_name(principal.arn) or "anonymous"


def is_one(one: PrincipalAccess) -> bool:
    return len(one.answer.cells) == 1 and not any(map(is_pattern, one.answer.question_matrix.actions))


def who_can_json(workspace: Workspace, one: PrincipalAccess) -> dict[str, Any]:
    """One pair: its decision as `can` prints it; several: the one that decides, and how many have which decision."""
    found = one.answer
    grants = [_grant_json(grant) for grant in grants_of(workspace, one.cell.decision)]
    chain = [edge.role.arn for edge in one.through]
    behind = known_behind(workspace, one.principal.arn)
    people = {} if behind is None else sign_in_json(behind, _MOST_OF_PEOPLE)
    if one.principal.stands_for:
        people = {"stands_for": one.principal.stands_for}
    if is_one(one):
        decided = cell_to_json(found, one.cell)
        if not chain:
            return {**decided, "grants": grants, **people}
        who = {"principal": one.principal.arn, "decision": one.outcome.value}
        return {**who, "through": chain, "role": decided, **people}
    return {
        **people,
        "principal": one.principal.arn,
        "decision": one.outcome.value,
        "pairs": len(found.counted),
        "counts": dict(sorted(Counter(cell.deciding.outcome.value for cell in found.counted).items())),
        "cut": found.cut,
        "granted": [
            {"action": cell.question.action, "resource": cell.question.resource, "decision": cell.deciding.outcome}
            for cell in one.granted
        ],
        "grants": grants,
        "through": chain,
        "best" if one.one_is_enough else "worst": cell_to_json(found, one.cell),
    }


def _grant_json(grant: Grant) -> dict[str, Any]:
    ref = grant.statement
    return {
        "kind": grant.kind,
        "policy": ref.policy,
        "groups": list(grant.groups),
        "sid": None if ref.sid is None else safe_text(ref.sid, limit=200),
        "statement": ref.statement,
        "lines": list(ref.lines) if ref.lines else None,
    }


def who_can_listing(workspace: Workspace) -> Listing[PrincipalAccess]:
    """The list of principals and what each may do."""

    def decision(one: PrincipalAccess) -> Word:
        words = access_words(one)
        return Word(f"{words.mark} {words.word}", words.tone, bold=True)

    def limits(one: PrincipalAccess) -> str:
        decision = one.cell.deciding
        return verdict_words(decision).rest if one.outcome is Outcome.ALLOWED else how_far(decision)

    def example(one: PrincipalAccess) -> str | None:
        return one.cell.decision.example_resource if one.outcome is Outcome.ALLOWED else None

    def people(one: PrincipalAccess) -> str:
        behind = known_behind(workspace, one.principal.arn)
        return "" if behind is None else people_words(behind, _MOST_IN_A_CELL)

    def people_for_people(one: PrincipalAccess) -> str:
        found = people_behind(workspace, one.principal.arn)
        return f"people: {found}" if found else ""

    def grants(one: PrincipalAccess) -> list[str]:
        return [*map(grant_words, grants_of(workspace, one.cell.decision))]

    return Listing(
        "who-can",
        (
            ListColumn("decision", lambda one: one.outcome.value, decision, least=11),
            ListColumn(
                "principal",
                lambda one: one.principal.stands_for or one.principal.arn or "anonymous",
                lambda one: principal_words(workspace, one.principal),
            ),
            ListColumn("limits", limits, _limits_and_counts),
            ListColumn("example", example, at=At.DATA),
            ListColumn(
                "allowed",
                lambda one: [f"{cell.question.action} on {cell.question.resource}" for cell in one.granted],
                at=At.DATA,
            ),
            ListColumn("condition", lambda one: one.condition, at=At.DATA),
            ListColumn("by", grants, lambda one: Word(_by(workspace, one), Tone.QUIET)),
            ListColumn("through", lambda one: [edge.role.arn for edge in one.through], at=At.DATA),
            ListColumn("people", people, people_for_people),
        ),
        data=lambda one: who_can_json(workspace, one),
    )


def _limits_and_counts(one: PrincipalAccess) -> str:
    """On what condition, how far it is known, and of several pairs how many are allowed."""
    decision, condition, words = one.cell.deciding, one.condition, access_words(one)
    rest = ", ".join(filter(None, (f"if {condition}", how_far(decision)))) if condition else words.rest
    if not is_one(one):
        return f"{_counted(one)}  {rest}".rstrip()
    return rest if decision is one.cell.decision else f"{rest}  because of {decision.request.action}"


def _counted(one: PrincipalAccess) -> str:
    """How many of several pairs are allowed, and which of them decides."""
    found = one.answer
    if one.one_is_enough:
        actions = tuple(dict.fromkeys(cell.question.action for cell in one.granted))
        named = f": {first_of(actions)}" if actions else ""
        return f"{len(one.granted)} of {len(found.counted)}{named}"
    kinds = str(counts_of(cell.deciding for cell in found.counted))
    request = one.cell.deciding.request
    return f"{kinds}; worst: {request.action}  {request.resource}" if "," in kinds else kinds


_MOST_GRANTS: Final = 2


def _by(workspace: Workspace, one: PrincipalAccess) -> str:
    """By which roles and statements it is allowed, the first of them."""
    granting = granting_statements(one.cell.decision)
    left = len(granting) - _MOST_GRANTS
    more = f" and {left} more" if left > 0 else ""
    by = ", ".join(map(grant_words, grants_of(workspace, one.cell.decision, granting[:_MOST_GRANTS])))
    roles = " -> ".join(workspace.short_name(edge.role.arn) for edge in one.through)
    return " ".join(filter(None, (f"through {roles}" if roles else "", f"by {by}{more}" if by else "")))


def grant_words(grant: Grant) -> str:
    groups = f" of group {', '.join(map(safe_text, grant.groups))}" if grant.groups else ""
    return f"{statement_name(grant.statement)}{groups}"
