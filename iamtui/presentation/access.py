"""What a principal can do as a table of services by access level, and what it reaches: cells, rows, and their lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from iamtui.account.model import Account
from iamtui.engine.condition_words import first_of
from iamtui.engine.decision import Outcome
from iamtui.presentation.reports import Asked, Report, ReportRow
from iamtui.presentation.styled_words import Tone, Word, row_of, shade, text_of
from iamtui.presentation.verdict import as_far_as_loaded, verdict_words
from iamtui.questions.question import Question
from iamtui.workspace.trust import Chain, TrustEdge, Trustee
from iamtui.workspace.what_can import LEVELS, EffectiveAccess, LevelCount, Permission, ServiceAccess, levels_of

SHORT_LEVELS: Final = {"Permissions management": "Permissions"}
_TITLES: Final = {"Permissions management": "Perms", "Tagging": "Tags"}
_GAP: Final = "  "


def level_cell(count: LevelCount | None, *, ascii_only: bool, of_total: bool = True) -> str:
    """`▓ 12+2?/20`: how much of it is allowed, as a shade and counted; "" where the service has no such action."""
    if count is None:
        return ""
    some = count.allowed + count.depends
    drawn = shade(some, count.total, ascii_only=ascii_only)
    depends = f"+{count.depends}?" if count.depends else ""
    total = f"/{count.total}" if of_total else ""
    return f"{drawn} {count.allowed}{depends}{total}" if some else drawn


def service_table(found: EffectiveAccess, *, ascii_only: bool) -> tuple[str, list[tuple[ServiceAccess, str]]]:
    """The services in which something is allowed: the heading of their cells, and each with its cells in columns."""
    services = found.services
    cells = [
        [level_cell(one.levels.get(level), ascii_only=ascii_only, of_total=False) for level in LEVELS]
        for one in services
    ]
    titles = [_TITLES.get(level, level) for level in LEVELS]
    widths = [max(len(row[at]) for row in (titles, *cells)) for at in range(len(LEVELS))]

    def columns(row: Sequence[str]) -> str:
        return _GAP.join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()

    return columns(titles), [(one, columns(row)) for one, row in zip(services, cells, strict=True)]


def permissions_report(account: Account, found: EffectiveAccess, service: ServiceAccess) -> Report:
    """The actions of a service that a principal can call, with resources and conditions; Enter asks one."""
    lines = [(action, one) for one in service.permissions for action in one.actions]
    rows = tuple(
        _permission(number, action, one, found)
        for number, (action, one) in enumerate(sorted(lines, key=lambda line: line[0].lower()))
    )
    counts = Counter(row.kind for row in rows)
    kinds = tuple(level for level in map(_short_level, LEVELS) if counts[level])
    name = account.short_name(found.principal.arn)
    return Report(text_of(row_of(f"{service.service}: what {name} can do")), rows, kinds, counts=counts)


def _short_level(level: str) -> str:
    return SHORT_LEVELS.get(level, level)


def _permission(number: int, action: str, one: Permission, found: EffectiveAccess) -> ReportRow:
    words = verdict_words(one.decision)
    limit = ", as far as loaded" if words.limit == "as loaded" else ""
    condition = f"  if {one.condition}" if one.condition else ""
    request = one.decision.request
    levels = [_short_level(level) for level in levels_of(action)]
    resource = one.resources[0] if len(one.resources) == 1 else one.resource
    return ReportRow(
        mark=Word(f"{words.mark} {words.word}", words.tone, bold=True),
        name=text_of(row_of(action)),
        text=text_of(row_of(f"{first_of(one.resources)}{limit}{condition}", limit=None)),
        kind=levels[0] if levels else "",
        group=number,
        details=(
            (*words.row, Word(f"  {', '.join(levels)}", Tone.QUIET)),
            row_of(f"on {', '.join(one.resources)}{condition}", limit=None),
        ),
        target=found.principal.role_arn or found.principal.arn,
        asked=Asked(found.principal, Question(action, resource, request.context, request.mode)),
    )


def trustee_words(account: Account, edge: TrustEdge) -> str:
    """Who may assume a role, raw."""
    if edge.trustee is Trustee.EVERYONE:
        some = "" if edge.name == "*" else f" whose ARN matches {edge.name}"
        return f"everyone: users and roles of every account{some}"
    name = account.short_name(edge.name)
    return f"account {name}" if edge.trustee is Trustee.OTHER_ACCOUNT and edge.name == edge.principal.account else name


NO_EXTERNAL_ID: Final = "[!] without an external ID"


def outside_first(edges: Iterable[TrustEdge]) -> list[TrustEdge]:
    """Everyone first, then other accounts: not to be cut off behind the account's own and services."""
    return sorted(edges, key=lambda edge: 0 if edge.trustee is Trustee.EVERYONE else 1 if edge.is_outside else 2)


def edge_words(edge: TrustEdge) -> str:
    """By which call, and on what condition; raw, "" where there is nothing to say."""
    parts = [
        f"by {edge.action.removeprefix('sts:')}" if edge.action != "sts:AssumeRole" else "",
        f"if {edge.condition}" if edge.condition else "",
        as_far_as_loaded(edge.decision),
        "where its own account allows it" if edge.is_outside else "",
    ]
    return ", ".join(filter(None, parts))


def chain_words(account: Account, chain: Chain) -> tuple[str, str]:
    """The mark of a chain, and by which roles it goes and on which conditions; the second is raw."""
    certain = all(edge.decision.outcome is Outcome.ALLOWED for edge in chain)
    through = " → ".join(account.short_name(edge.role.arn) for edge in chain[:-1])
    conditions = [edge.condition for edge in chain if edge.condition]
    loaded = next(filter(None, (as_far_as_loaded(edge.decision) for edge in chain)), "")
    parts = [f"through {through}" if through else "", f"if {'; '.join(conditions)}" if conditions else "", loaded]
    return "[+]" if certain else "[?]", ", ".join(filter(None, parts))
