"""Table of a principal's access by service and access level, and the resources it reaches: cells, rows, lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from iamtui.engine.condition_words import LAYER_NAMES, first_of
from iamtui.engine.decision import Decision, Layer, Outcome
from iamtui.presentation.reports import Asked, Report, ReportRow
from iamtui.presentation.styled_words import Row, Tone, Word, row_of, shade, text_of
from iamtui.presentation.verdict import as_far_as_loaded, unloaded_layers, verdict_words
from iamtui.questions.question import Question
from iamtui.text import counted
from iamtui.workspace.ask.access import levels_of
from iamtui.workspace.ask.trust import Chain, Opening, TrustEdge, Trustee
from iamtui.workspace.ask.what_can import (
    LEVELS,
    AccessChange,
    EffectiveAccess,
    LevelCount,
    Permission,
    ServiceAccess,
    compare_access,
)
from iamtui.workspace.assume.assume_decision import what_is_known
from iamtui.workspace.assume.caller_roles import RolesOfCaller
from iamtui.workspace.source.workspace import Workspace

SHORT_LEVELS: Final = {"Permissions management": "Permissions"}
_TITLES: Final = {"Permissions management": "Perms", "Tagging": "Tags"}
_GAP: Final = "  "
_WIDEST: Final = 34
"""Characters of cells that a terminal of 80 columns has room for, beside the tree and the names of services."""


def level_cell(count: LevelCount | None, *, ascii_only: bool, of_total: bool = True) -> str:
    """`▓ 12+2?/20`: how much of it is allowed, as a shade and counted; "" where the service has no such action.

    Args:
        of_total: else it is made for a narrow table: `▓ 12+2?`, and `▓ 2?` where all of it is on a condition.
    """
    if count is None:
        return ""
    some = count.allowed + count.depends
    drawn = shade(some, count.total, ascii_only=ascii_only)
    depends = f"+{count.depends}?" if count.depends else ""
    if not some:
        return drawn
    if not of_total:
        return f"{drawn} {count.allowed or ''}{depends if count.allowed else depends.lstrip('+')}"
    return f"{drawn} {count.allowed}{depends}/{count.total}"


def service_table(found: EffectiveAccess, *, ascii_only: bool) -> tuple[str, list[tuple[ServiceAccess, str]]]:
    """The services in which something is allowed: the heading of their cells, and each with its cells in columns."""
    services = found.services
    cells = [
        [level_cell(one.levels.get(level), ascii_only=ascii_only, of_total=False) for level in LEVELS]
        for one in services
    ]
    titles = [_TITLES.get(level, level) for level in LEVELS]
    widths = [max(len(row[at]) for row in (titles, *cells)) for at in range(len(LEVELS))]

    gap = _GAP if sum(widths) + len(_GAP) * (len(widths) - 1) <= _WIDEST else " "

    def columns(row: Sequence[str]) -> str:
        return gap.join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()

    return columns(titles), [(one, columns(row)) for one, row in zip(services, cells, strict=True)]


def permissions_report(workspace: Workspace, found: EffectiveAccess, services: Sequence[ServiceAccess]) -> Report:
    """The actions of services that a principal can call, with resources and conditions; Enter asks one."""
    lines = [(action, one) for service in services for one in service.permissions for action in one.actions]
    rows = tuple(
        _permission(number, action, one, found)
        for number, (action, one) in enumerate(sorted(lines, key=lambda line: line[0].lower()))
    )
    counts = Counter(row.kind for row in rows)
    kinds = tuple(level for level in map(_short_level, LEVELS) if counts[level])
    name = workspace.short_name(found.principal.arn)
    where = f"{services[0].service}: " if len(services) == 1 else ""
    title = text_of(row_of(f"{where}what {name} can do"))
    return Report(title, rows, kinds, notes=(found.refused,) if found.refused else (), counts=counts)


def resources_report(workspace: Workspace, found: EffectiveAccess) -> Report:
    """The resources and patterns that a principal can touch, each with the actions; "*" last."""
    by_resource: dict[str, list[tuple[str, Permission]]] = {}
    for one in found.permissions:
        for resource in one.resources:
            by_resource.setdefault(resource, []).extend((action, one) for action in one.actions)
    rows: list[ReportRow] = []
    target = found.principal.role_arn or found.principal.arn
    for number, (resource, lines) in enumerate(
        sorted(by_resource.items(), key=lambda entry: (entry[0] == "*", entry[0]))
    ):
        text = counted(len(lines), "action")
        details = (row_of(resource, limit=None), row_of(", ".join(action for action, _ in lines), limit=None))
        rows.append(ReportRow(Word(""), text_of(row_of(resource)), text, "", number, details, target))
        for action, one in sorted(lines, key=lambda each: each[0]):
            row = _permission(number, action, one, found)
            rows.append(replace(row, text=_beside(resource, one), kind="", inner=True))
    name = workspace.short_name(found.principal.arn)
    return Report(text_of(row_of(f"Resources that {name} can touch")), tuple(rows))


def _beside(resource: str, one: Permission) -> str:
    """Limits of a permission listed under one of its resources: its other resources, its condition."""
    others = [other for other in one.resources if other != resource]
    also = f"also on {first_of(others)}" if others else ""
    return text_of(row_of(f"{also}{_limits(one)}".lstrip(", "), limit=None))


def _limits(one: Permission) -> str:
    """Behind the resources of a permission: how far it is known, and on what condition it is given."""
    limit = ", as far as loaded" if verdict_words(one.decision).limit == "as loaded" else ""
    return f"{limit}{f'  if {one.condition}' if one.condition else ''}"


def _short_level(level: str) -> str:
    return SHORT_LEVELS.get(level, level)


def _permission(number: int, action: str, one: Permission, found: EffectiveAccess) -> ReportRow:
    words = verdict_words(one.decision)
    condition = f"  if {one.condition}" if one.condition else ""
    request = one.decision.request
    levels = [_short_level(level) for level in levels_of(action)]
    resource = one.resources[0] if len(one.resources) == 1 else one.resource
    return ReportRow(
        mark=_verdict(one.decision),
        name=text_of(row_of(action)),
        text=text_of(row_of(f"{first_of(one.resources)}{_limits(one)}", limit=None)),
        kind=levels[0] if levels else "",
        group=number,
        details=(
            (*words.row, Word(f"  {', '.join(levels)}", Tone.QUIET)),
            row_of(f"on {', '.join(one.resources)}{condition}", limit=None),
        ),
        target=found.principal.role_arn or found.principal.arn,
        asked=Asked(found.principal, Question(action, resource, request.context, request.mode)),
    )


def where_words(one: Permission) -> str:
    """On what resources, and on what condition."""
    denied = one.decision.denied_resources
    but_not = f", not on {first_of(denied)}" if denied and not one.is_on_all else ""
    return f"{first_of(one.resources)}{but_not}{_limits(one)}"


def unloaded_words(permissions: Iterable[Permission]) -> str:
    """The layers that are not loaded and could change some of the permissions, in a sentence; "" for none."""
    layers = {layer for one in permissions for layer in unloaded_layers(one.decision)}
    names = ", ".join(LAYER_NAMES[layer].short for layer in Layer if layer in layers)
    return f"Not evaluated, and could change some of this: {names}." if names else ""


class DifferenceWords(NamedTuple):
    """How the differences of what two sides can do are called, by the kinds of `AccessChange`.

    Args:
        words: of each kind, with its mark.
        before, after: what the sides are called, raw, of one width.
        counted: a sentence with how many actions are gained, lost and changed.
    """

    words: Mapping[str, Word]
    before: str
    after: str
    counted: str

    def kind(self, kind: str) -> str:
        """The word of a kind without its mark."""
        return self.words[kind].text.partition(" ")[2]

    def sentence(self, changes: Iterable[AccessChange]) -> str:
        counts = Counter(change.kind for change in changes for _ in change.actions)
        return self.counted.format(gained=counts["gained"], lost=counts["lost"], changed=counts["changed"])


OVER_TIME: Final = DifferenceWords(
    {
        "gained": Word("[+] gained", Tone.ALLOWED, bold=True),
        "lost": Word("[-] lost", Tone.DENIED, bold=True),
        "changed": Word("[~] changed", Tone.DEPENDS, bold=True),
    },
    "before",
    "after ",
    "Actions gained: {gained:,}; lost: {lost:,}; changed: {changed:,}.",
)
_LONGEST_SIDE: Final = 24


def of_two(one: str, other: str) -> DifferenceWords:
    """The words for two principals, by their names, raw: neither gains or loses anything."""
    one, other = (text_of(row_of(name, limit=_LONGEST_SIDE)) for name in (one, other))
    width = max(len(one), len(other))
    plain = [name.replace("{", "{{").replace("}", "}}") for name in (one, other)]
    return DifferenceWords(
        {
            "gained": Word(f"[>] only {other}", Tone.STRONG, bold=True),
            "lost": Word(f"[<] only {one}", Tone.STRONG, bold=True),
            "changed": Word("[~] both, otherwise", Tone.DEPENDS, bold=True),
        },
        one.ljust(width),
        other.ljust(width),
        f"Actions that only {plain[0]} can do: {{lost:,}}; only {plain[1]}: {{gained:,}}; both, but on other resources "
        "or conditions: {changed:,}.",
    )


_NO_LEVEL: Final = "no access level"


def changes_report(
    title: str, before: EffectiveAccess, after: EffectiveAccess, words: DifferenceWords = OVER_TIME
) -> Report:
    """Access differences of two sides, by service and access level; Enter evaluates an action of the second."""
    changes = compare_access(before, after)
    levels = (*LEVELS, _NO_LEVEL)
    groups: dict[tuple[str, int, str], list[tuple[str, AccessChange]]] = {}
    for change in changes:
        for action in change.actions:
            level = next(iter(levels_of(action)), _NO_LEVEL)
            groups.setdefault((change.service, levels.index(level), change.kind), []).append((action, change))
    kinds = tuple(words.words)
    ordered = sorted(groups.items(), key=lambda group: (*group[0][:2], kinds.index(group[0][2])))
    rows: list[ReportRow] = []
    for number, ((service, at, kind), actions) in enumerate(ordered):
        name = f"{service}  {_short_level(levels[at])}"
        text = counted(len(actions), "action")
        target = after.principal.role_arn or after.principal.arn
        named = words.kind(kind)
        listed = f"{named[:1].upper()}{named[1:]}: {', '.join(action for action, _ in actions)}"
        details = (row_of(listed, limit=None),)
        rows.append(ReportRow(words.words[kind], text_of(row_of(name)), text, named, number, details, target))
        rows += (_changed_action(number, action, change, after, words) for action, change in actions)
    notes = (words.sentence(changes), unloaded_words((*before.permissions, *after.permissions)))
    counts = Counter(words.kind(change.kind) for change in changes for _ in change.actions)
    nothing = "Both can do the same: the same actions on the same resources and conditions."
    shown = tuple(map(words.kind, kinds)) if rows else ()
    return Report(title, tuple(rows), shown, tuple(filter(None, notes)), nothing, counts)


def _changed_action(
    number: int, action: str, change: AccessChange, after: EffectiveAccess, words: DifferenceWords
) -> ReportRow:
    shown = (change.after or change.before)[0]
    request = shown.decision.request
    sides = ((words.before, change.before), (words.after, change.after))
    resource = shown.resources[0] if len(shown.resources) == 1 else shown.resource
    return ReportRow(
        mark=Word(""),
        name=text_of(row_of(action)),
        text=text_of(row_of(f"on {'; '.join(map(where_words, change.after or change.before))}", limit=None)),
        kind=words.kind(change.kind),
        group=number,
        details=tuple(_side(label, one) for label, side in sides for one in side or (None,)),
        target=after.principal.role_arn or after.principal.arn,
        asked=Asked(after.principal, Question(action, resource, request.context, request.mode)),
        inner=True,
    )


def _side(label: str, one: Permission | None) -> Row:
    if one is None:
        return (Word(f"{label}  "), Word("[-] DENIED", Tone.QUIET))
    return row_of(Word(f"{label}  "), _verdict(one.decision), f"  on {where_words(one)}", limit=None)


def trustee_words(workspace: Workspace, edge: TrustEdge) -> str:
    """Who may assume a role, raw."""
    if edge.trustee is Trustee.EVERYONE:
        some = "" if edge.name == "*" else f" whose ARN matches {edge.name}"
        return f"everyone: users and roles of every account{some}"
    name = workspace.short_name(edge.name)
    return f"account {name}" if edge.trustee is Trustee.OTHER_ACCOUNT and edge.name == edge.principal.account else name


def opening_words(edge: TrustEdge) -> str:
    """A warning that the role is open to more than it names; "" where it is not."""
    if edge.lacks_external_id:
        return "[!] without an external ID"
    return "[!] every identity of the provider" if edge.opening is Opening.EVERY_IDENTITY else ""


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


def chain_words(workspace: Workspace, chain: Chain) -> tuple[str, str]:
    """The mark of a chain, and by which roles it goes and on which conditions; the second is raw."""
    certain = all(edge.decision.outcome is Outcome.ALLOWED for edge in chain)
    through = " → ".join(workspace.short_name(edge.role.arn) for edge in chain[:-1])
    conditions = [edge.condition for edge in chain if edge.condition]
    loaded = next(filter(None, (as_far_as_loaded(edge.decision) for edge in chain)), "")
    parts = [f"through {through}" if through else "", f"if {'; '.join(conditions)}" if conditions else "", loaded]
    return "[+]" if certain else "[?]", ", ".join(filter(None, parts))


_DIRECT: Final = "directly"
_THROUGH: Final = "through another role"
_ROLES_TITLE: Final = "Roles that you may assume"
_ELSEWHERE: Final = "if its trust policy, not loaded here, lets you in"
_UNKNOWN_CALLER: Final = "Who is calling is not known, so which roles it may assume is not known either."
_NO_ROLE: Final = "None of the roles that are known here lets you in."


def caller_roles_report(workspace: Workspace, found: RolesOfCaller | None) -> Report:
    """The roles that the workspace's own caller may assume; a row's target is what has to be assumed first."""
    if found is None:
        return Report(_ROLES_TITLE, nothing=_UNKNOWN_CALLER)
    rows = [_reached(workspace, number, chain) for number, chain in enumerate(found.chains)]
    for number, decision in enumerate(found.elsewhere, len(rows)):
        arn = decision.request.resource
        known = what_is_known(workspace, arn, decision)
        _, _, _, _, account, role = arn.split(":", 5)
        name = text_of(row_of(f"{account} {role}"))
        details = row_of(arn, limit=None), row_of(known, limit=None)
        rows.append(ReportRow(_verdict(decision), name, _ELSEWHERE, _DIRECT, number, details, arn))
    unlisted = workspace.account.why_unlisted("roles")
    notes = (
        f"Not all roles are known: {unlisted.reason}." if unlisted is not None else "",
        found.gap,
        "Of accounts that are not open, only the roles that a policy names in full are listed.",
    )
    counts = Counter(row.kind for row in rows)
    kinds = (_DIRECT, _THROUGH) if counts[_THROUGH] else ()
    title = f"{_ROLES_TITLE} as {found.caller.arn.split(':', 5)[-1]}"
    return Report(text_of(row_of(title)), tuple(rows), kinds, tuple(filter(None, notes)), _NO_ROLE, counts)


def _reached(workspace: Workspace, number: int, chain: Chain) -> ReportRow:
    first, last = chain[0].role, chain[-1].role
    _, words = chain_words(workspace, chain)
    open_edge = next((edge for edge in chain if edge.decision.outcome is not Outcome.ALLOWED), chain[-1])
    details = [row_of(last.arn, limit=None), row_of(words or "without a condition", limit=None)]
    if first is not last:
        details.append(row_of(f"Assume {workspace.short_name(first.arn)} first, then this role from its session."))
    name, text = text_of(row_of(workspace.short_name(last.arn))), text_of(row_of(words, limit=None))
    kind = _DIRECT if first is last else _THROUGH
    return ReportRow(_verdict(open_edge.decision), name, text, kind, number, tuple(details), first.arn)


def _verdict(decision: Decision) -> Word:
    words = verdict_words(decision)
    return Word(f"{words.mark} {words.word}", words.tone, bold=True)
