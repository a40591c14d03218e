"""Table of a principal's access by service and access level, and the resources it reaches: cells, rows, lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeAlias

from iamtui.engine.condition_words import LAYER_NAMES, first_of
from iamtui.engine.decision import Decision, Layer, Outcome
from iamtui.presentation.listing import At, ListColumn, Listing, Report, Target
from iamtui.presentation.reports import ReportRow, lines_report
from iamtui.presentation.styled_words import Row, Tone, Word, row_of, shade, text_of
from iamtui.presentation.trust import chain_words
from iamtui.presentation.verdict import unloaded_layers, verdict_words
from iamtui.questions.question import Question
from iamtui.text import counted, first_names
from iamtui.workspace.ask.access import levels_of
from iamtui.workspace.ask.trust import Chain
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


def permissions_report(
    workspace: Workspace, found: EffectiveAccess, services: Sequence[ServiceAccess]
) -> Report[ReportRow]:
    """The actions of services that a principal can call, with resources and conditions; Enter asks one."""
    lines = [(action, one) for service in services for one in service.permissions for action in one.actions]
    rows = [_permission(action, one, found) for action, one in sorted(lines, key=lambda line: line[0].lower())]
    some = {row.kind for row in rows}
    kinds = [level for level in map(_short_level, LEVELS) if level in some]
    where = f"{services[0].service}: " if len(services) == 1 else ""
    title = f"{where}what {workspace.short_name(found.principal.arn)} can do"
    return lines_report(title, rows, kinds, [found.refused], names=("decision", "action", "resources"))


def resources_report(workspace: Workspace, found: EffectiveAccess) -> Report[ReportRow]:
    """The resources and patterns that a principal can touch, each with the actions; "*" last."""
    by_resource: dict[str, list[tuple[str, Permission]]] = {}
    for one in found.permissions:
        for resource in one.resources:
            by_resource.setdefault(resource, []).extend((action, one) for action in one.actions)
    rows: list[ReportRow] = []
    for resource, lines in sorted(by_resource.items(), key=lambda entry: (entry[0] == "*", entry[0])):
        lines.sort(key=lambda each: each[0])
        details = (row_of(resource, limit=None), row_of(", ".join(action for action, _ in lines), limit=None))
        inner = [
            replace(_permission(action, one, found), text=_beside(resource, one), kind="") for action, one in lines
        ]
        text = counted(len(lines), "action")
        rows.append(ReportRow(Word(""), resource, text, "", details, Target(_holder(found)), tuple(inner)))
    return lines_report(
        f"Resources that {workspace.short_name(found.principal.arn)} can touch",
        rows,
        names=("decision", "resource", "actions"),
    )


def _holder(found: EffectiveAccess) -> str:
    """The ARN of the user or role whose access it is."""
    return found.principal.role_arn or found.principal.arn


def _beside(resource: str, one: Permission) -> str:
    """Limits of a permission listed under one of its resources: its other resources, its condition."""
    others = [other for other in one.resources if other != resource]
    also = f"also on {first_of(others)}" if others else ""
    return f"{also}{_limits(one)}".lstrip(", ")


def _limits(one: Permission) -> str:
    """Behind the resources of a permission: how far it is known, and on what condition it is given."""
    limit = ", as far as loaded" if verdict_words(one.decision).limit == "as loaded" else ""
    return f"{limit}{f'  if {one.condition}' if one.condition else ''}"


def _short_level(level: str) -> str:
    return SHORT_LEVELS.get(level, level)


def _permission(action: str, one: Permission, found: EffectiveAccess) -> ReportRow:
    words = verdict_words(one.decision)
    condition = f"  if {one.condition}" if one.condition else ""
    levels = [_short_level(level) for level in levels_of(action)]
    return ReportRow(
        mark=_verdict(one.decision),
        name=action,
        text=f"{first_of(one.resources)}{_limits(one)}",
        kind=levels[0] if levels else "",
        details=(
            (*words.row, Word(f"  {', '.join(levels)}", Tone.QUIET)),
            row_of(f"on {', '.join(one.resources)}{condition}", limit=None),
        ),
        target=_asking(action, one, found),
    )


def _asking(action: str, one: Permission, found: EffectiveAccess) -> Target:
    """Enter asks the question of a permission."""
    request = one.decision.request
    resource = one.resources[0] if len(one.resources) == 1 else one.resource
    question = Question(action, resource, request.context, request.mode)
    return Target(_holder(found), asked=(found.principal, question))


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
) -> Report[ReportRow]:
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
    for (service, at, kind), actions in ordered:
        named = words.kind(kind)
        listed = f"{named[:1].upper()}{named[1:]}: {', '.join(action for action, _ in actions)}"
        inner = [_changed_action(action, change, after, words) for action, change in actions]
        name, text = f"{service}  {_short_level(levels[at])}", counted(len(actions), "action")
        details, target = (row_of(listed, limit=None),), Target(_holder(after))
        rows.append(ReportRow(words.words[kind], name, text, named, details, target, tuple(inner)))
    notes = (words.sentence(changes), unloaded_words((*before.permissions, *after.permissions)))
    nothing = "Both can do the same: the same actions on the same resources and conditions."
    return lines_report(
        title, rows, [*map(words.kind, kinds)] if rows else (), notes, nothing, ("change", "access", "details")
    )


def _changed_action(action: str, change: AccessChange, after: EffectiveAccess, words: DifferenceWords) -> ReportRow:
    sides = ((words.before, change.before), (words.after, change.after))
    shown = change.after or change.before
    return ReportRow(
        mark=Word(""),
        name=action,
        text=f"on {'; '.join(map(where_words, shown))}",
        kind=words.kind(change.kind),
        details=tuple(_side(label, one) for label, side in sides for one in side or (None,)),
        target=_asking(action, shown[0], after),
    )


def _side(label: str, one: Permission | None) -> Row:
    if one is None:
        return (Word(f"{label}  "), Word("[-] DENIED", Tone.QUIET))
    return row_of(Word(f"{label}  "), _verdict(one.decision), f"  on {where_words(one)}", limit=None)


# Actions and changes of access as lists of the command line.


ActionRow: TypeAlias = tuple[str, Permission]


ACTIONS: Final = Listing[ActionRow](
    "what-can",
    (
        ListColumn("decision", lambda row: row[1].outcome.value, lambda row: _verdict(row[1].decision)),
        ListColumn("action", lambda row: row[0]),
        ListColumn(
            "access_levels",
            lambda row: levels_of(row[0]),
            lambda row: ", ".join(map(_short_level, levels_of(row[0]))),
        ),
        ListColumn("resources", lambda row: row[1].resources, lambda row: where_words(row[1])),
        ListColumn("denied_resources", lambda row: row[1].decision.denied_resources, at=At.DATA),
        ListColumn("condition", lambda row: row[1].condition or None, at=At.DATA),
        ListColumn("complete", lambda row: row[1].decision.complete, at=At.DATA),
    ),
    heads=True,
)


class ChangeRow(NamedTuple):
    """A change of access, or one of its sides: what a permission is called there, and the permission."""

    change: AccessChange
    side: tuple[str, Permission] | None = None


def access_changes(words: DifferenceWords) -> Listing[ChangeRow]:
    """The list of differences of what two sides can do, each with both sides below it."""

    def mark(row: ChangeRow) -> Word:
        if row.side is None:
            return words.words[row.change.kind]
        label, permission = row.side
        when = f"{label} " if row.change.kind == "changed" else ""
        return Word(f"{when}{_verdict(permission.decision).text}", Tone.QUIET)

    def what(row: ChangeRow) -> Word:
        if row.side is None:
            return Word(first_names(row.change.actions, _MOST_NAMED))
        return Word(where_words(row.side[1]), Tone.QUIET)

    def sides(row: ChangeRow) -> list[ChangeRow]:
        labelled = ((words.before, row.change.before), (words.after, row.change.after))
        return [ChangeRow(row.change, (label, one)) for label, side in labelled for one in side]

    return Listing(
        "what-can",
        (
            ListColumn(
                "change", lambda row: row.change.kind, mark, least=max(len(one.text) for one in words.words.values())
            ),
            ListColumn("service", lambda row: row.change.service, at=At.DATA),
            ListColumn("actions", lambda row: row.change.actions, what),
            ListColumn("before", lambda row: [*map(where_words, row.change.before)], at=At.DATA),
            ListColumn("after", lambda row: [*map(where_words, row.change.after)], at=At.DATA),
        ),
        inner=sides,
        data=lambda row: _change_json(row.change),
    )


def permission_json(one: Permission) -> dict[str, Any]:
    return {
        "decision": one.outcome.value,
        "complete": one.decision.complete,
        "asked": one.resource,
        "resource_scope": one.decision.resource_scope.value,
        "resources": list(one.resources),
        "denied_resources": list(one.decision.denied_resources),
        "condition": one.condition or None,
    }


def _change_json(change: AccessChange) -> dict[str, Any]:
    return {
        "change": change.kind,
        "service": change.service,
        "actions": list(change.actions),
        "before": [*map(permission_json, change.before)],
        "after": [*map(permission_json, change.after)],
    }


_MOST_NAMED: Final = 8
_DIRECT: Final = "directly"
_THROUGH: Final = "through another role"
_ROLES_TITLE: Final = "Roles that you may assume"
_ELSEWHERE: Final = "if its trust policy, not loaded here, lets you in"
_UNKNOWN_CALLER: Final = "Who is calling is not known, so which roles it may assume is not known either."
_NO_ROLE: Final = "None of the roles that are known here lets you in."


def caller_roles_report(workspace: Workspace, found: RolesOfCaller | None) -> Report[ReportRow]:
    """The roles that the workspace's own caller may assume; a row's target is what has to be assumed first."""
    if found is None:
        return lines_report(_ROLES_TITLE, nothing=_UNKNOWN_CALLER)
    rows = [_reached(workspace, chain) for chain in found.chains]
    for decision in found.elsewhere:
        arn = decision.request.resource
        known = what_is_known(workspace, arn, decision)
        _, _, _, _, account, role = arn.split(":", 5)
        details = row_of(arn, limit=None), row_of(known, limit=None)
        rows.append(ReportRow(_verdict(decision), f"{account} {role}", _ELSEWHERE, _DIRECT, details, Target(arn)))
    unlisted = workspace.account.why_unlisted("roles")
    notes = (
        f"Not all roles are known: {unlisted.reason}." if unlisted is not None else "",
        found.gap,
        "Of accounts that are not open, only the roles that a policy names in full are listed.",
    )
    kinds = (_DIRECT, _THROUGH) if any(row.kind == _THROUGH for row in rows) else ()
    title = f"{_ROLES_TITLE} as {found.caller.arn.split(':', 5)[-1]}"
    return lines_report(title, rows, kinds, notes, _NO_ROLE, ("decision", "role", "way"))


def _reached(workspace: Workspace, chain: Chain) -> ReportRow:
    first, last = chain[0].role, chain[-1].role
    _, words = chain_words(workspace, chain)
    open_edge = next((edge for edge in chain if edge.decision.outcome is not Outcome.ALLOWED), chain[-1])
    details = [row_of(last.arn, limit=None), row_of(words or "without a condition", limit=None)]
    if first is not last:
        details.append(row_of(f"Assume {workspace.short_name(first.arn)} first, then this role from its session."))
    kind, name = _DIRECT if first is last else _THROUGH, workspace.short_name(last.arn)
    return ReportRow(_verdict(open_edge.decision), name, words, kind, tuple(details), Target(first.arn))


def _verdict(decision: Decision) -> Word:
    words = verdict_words(decision)
    return Word(f"{words.mark} {words.word}", words.tone, bold=True)
