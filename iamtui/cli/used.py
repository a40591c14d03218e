"""`iamtui used`: what recorded calls prove that a principal used, what else it may do, and the least policy."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from iamtui.activity.trails import TrailCounts
from iamtui.cli.command import command, output_options
from iamtui.cli.opening import open_workspace, tells_count
from iamtui.cli.output import Exit, Output, ProgressLine, Span, Style, note, stdout
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.lint.check_document import finding_to_json
from iamtui.policy.document import render
from iamtui.presentation.access import SHORT_LEVELS
from iamtui.presentation.used import (
    checks_of,
    remarks_on,
    times_words,
    unmapped_words,
    untold_words,
    use_cell,
    used_words,
)
from iamtui.problem import Problem
from iamtui.text import counted, first_names, safe_text
from iamtui.workspace.activity.least_policy import (
    MOST_NAMED,
    LeastDraft,
    LeastPolicy,
    check_least,
    least_policy,
    with_policies_of,
)
from iamtui.workspace.activity.used import (
    Activity,
    UseCount,
    UsedAction,
    UsedService,
    activity_of,
    compare_use,
    limits_of,
    read_trails,
)
from iamtui.workspace.ask.access import levels_of
from iamtui.workspace.ask.what_can import LEVELS, what_can
from iamtui.workspace.change.draft_session import save_draft_file
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import Progress, Workspace

_FEW: Final = 8
_MOST_JSON: Final = 1_000
_INDENT: Final = 6
_NARROWER: Final = "Name more resources one by one, with --name-at-most 1000, and report this as a bug."
_EPILOG: Final = """\
Exit codes: 0 all that was recorded is known, 3 something could not be read or mapped to an action; 2 an error. Nothing
is changed: the draft is a file, for `iamtui draft` and --draft of other commands.
"""


@command(epilog=_EPILOG)
@click.argument("principal")
@click.argument("trails", nargs=-1, metavar="[TRAIL...]")
@click.option("--service", "services", multiple=True, metavar="SERVICE", help="List the actions of a service, as s3.")
@click.option("--policy", "as_policy", is_flag=True, help="Print the least policy alone, as JSON.")
@click.option("--draft", "draft_file", metavar="FILE", help="Write the draft that leaves PRINCIPAL this policy alone.")
@click.option("--overwrite", is_flag=True, help="Replace the draft in FILE, if there is one of this account.")
@click.option(
    "--name-at-most",
    "most",
    type=click.IntRange(1, 1_000),
    default=MOST_NAMED,
    show_default=True,
    help="Resources of a kind that are named; more of them become a pattern.",
)
@output_options("text", "json")
@source_options
def used(
    principal: str,
    trails: tuple[str, ...],
    services: tuple[str, ...],
    as_policy: bool,
    draft_file: str | None,
    overwrite: bool,
    most: int,
    form: str,
    source: SourceOptions,
) -> Exit:
    """Compare what PRINCIPAL may do with what it used, and make the least policy from that.

    PRINCIPAL is a user or role, TRAIL a file or folder of CloudTrail events, as `iamtui replay` reads it; - is standard
    input; the demo has a trail of its own. Only calls that succeeded prove use. What logs cannot show is listed beside
    it.
    """
    if as_policy and form == "json":
        raise Problem("--policy prints JSON already, of the policy alone.", "Leave one of --policy and -o out.")
    _check_draft_file(draft_file, overwrite=overwrite)
    workspace = open_workspace(source)
    trails = trails_of(trails, workspace)
    who = resolve_principal(workspace, principal)
    granted = what_can(workspace, who)
    arn = who.role_arn or who.arn
    read = read_trails(trails, tells_trails(), only=arn)
    ProgressLine.clear()
    activity = activity_of(workspace, who, read, tells_count("requests", len(read.requests.get(arn, ()))))
    resources = {resource: None for used in activity.actions.values() for resource in used.resources}
    workspace, not_loaded = with_policies_of(workspace, resources, tells_count("policies of resources"))
    pairs = sum(len(used.resources) for used in activity.actions.values())
    least = least_policy(workspace, who, activity, most, told=tells_count("resources", pairs))
    ProgressLine.clear()
    checked, not_made = _check(workspace, principal, least, activity)
    uses = compare_use(granted, activity)
    shown = _ShownUse(workspace, activity, uses, least, checked, not_made)
    if as_policy:
        shown.write_policy()
    elif form == "json":
        stdout().json(shown.as_json(), indent=2)
    else:
        shown.write(stdout(), tuple(name.lower().removesuffix(":*") for name in services))
    if not_loaded:
        note(f"Not loaded: the policies of {first_names(not_loaded, _FEW, limit=256)}.")
    if draft_file is not None:
        if checked is None:
            raise Problem(f"No draft was written. {not_made}")
        if checked.widens:
            raise Problem(f"No draft was written. {checked.widens}", _NARROWER)
        checked.drafted.check()
        save_draft_file(checked.drafted.draft, Path(draft_file), overwrite=overwrite)
        note(f"Written: {safe_text(draft_file)}. See it with `iamtui draft show {shlex.quote(draft_file)}`.")
    return Exit.OPEN if activity.incomplete else Exit.OK


def trails_of(named: tuple[str, ...], workspace: Workspace) -> tuple[str, ...]:
    """The trails that a command reads: those that are named, else the demo's own.

    Raises:
        Problem: none is named, and the account is not the demo.
    """
    if named:
        return named
    if not workspace.own_trail:
        raise Problem("No trail is named.", "Give files or folders of CloudTrail events, or - for standard input.")
    note("The trail is the demo's own, of two weeks in November 2026.")
    return (workspace.own_trail,)


def tells_trails() -> Callable[[TrailCounts], None]:
    """Says on a terminal how far the reading of trails has come."""
    line = ProgressLine()
    return lambda counts: line.tell(Progress(f"{counted(counts.files, 'file')} of trails, events", counts.events))


def _check_draft_file(name: str | None, *, overwrite: bool) -> None:
    """Refuse a draft that is there already before the trails are read, which may take minutes."""
    if overwrite and name is None:
        raise Problem("--overwrite applies only with --draft.", "Leave it out.")
    if name is not None and not overwrite and os.path.lexists(name):
        raise Problem(f"{safe_text(name)} is there already.", "Give --overwrite to replace it, or another name.")


def _check(
    workspace: Workspace, principal: str, least: LeastPolicy, activity: Activity
) -> tuple[LeastDraft | None, str]:
    """The draft, checked; or why there is none."""
    try:
        return check_least(workspace, resolve_principal(workspace, principal), least, activity), ""
    except Problem as problem:
        return None, problem.sentence


@dataclass(frozen=True, slots=True)
class _ShownUse:
    """Result of `iamtui used`, for people and for programs."""

    workspace: Workspace
    activity: Activity
    uses: tuple[UsedService, ...]
    least: LeastPolicy
    checked: LeastDraft | None
    not_made: str

    def write(self, out: Output, services: tuple[str, ...]) -> None:
        activity = self.activity
        name = self.workspace.short_name(activity.principal)
        out.line(Span(f"{name}: {used_words(activity)}", Style.STRONG))
        self.say_incomplete()
        if services:
            for one in self.uses:
                if one.service in services:
                    self._write_service(out, one)
        else:
            self._write_table(out)
        out.blank()
        self._write_policy(out)
        out.blank()
        out.line(Span("What these trails cannot show:", Style.STRONG))
        for sentence in limits_of(activity, self.uses):
            out.paragraph(sentence, indent=2, first=("- ",))

    def _write_table(self, out: Output) -> None:
        headings = ("SERVICE", "USED/GRANTED", *(SHORT_LEVELS.get(level, level) for level in LEVELS), "NOT GRANTED NOW")
        rows = [
            (
                one.service,
                use_cell(UseCount(len(one.granted), len(one.used), len(one.untold))),
                *(use_cell(one.levels.get(level)) for level in LEVELS),
                str(len(one.not_granted)) if one.not_granted else "",
            )
            for one in self.uses
        ]
        if not rows:
            out.line("Nothing is granted and nothing was used.")
            return
        widths = [max(len(row[at]) for row in (headings, *rows)) for at in range(len(headings))]
        out.line(
            Span(
                "  ".join(f"{text:<{width}}" for text, width in zip(headings, widths, strict=True)).rstrip(),
                Style.QUIET,
            )
        )
        for one, row in zip(self.uses, rows, strict=True):
            text = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
            out.line(text if one.used or one.not_granted else Span(text, Style.OPEN))
        unused = [one.service for one in self.uses if one.granted and not one.used and not one.untold]
        if untold_words(self.uses):
            out.paragraph(f"{untold_words(self.uses)} --service lists them.")
        if unused:
            out.paragraph(f"Granted and not used at all: {first_names(unused, 3 * _FEW)}. --service lists actions.")

    def _write_service(self, out: Output, one: UsedService) -> None:
        out.line(Span(f"{one.service}: {len(one.used)} of {len(one.granted)} granted actions used", Style.STRONG))
        for action in (*one.used, *one.not_granted):
            self._write_used(out, self.activity.actions[action], denied=action in one.not_granted)
        for words, actions in (
            ("Granted and not used", one.unused),
            ("Granted, and these trails would not show it", one.untold),
        ):
            if actions:
                out.paragraph(f"{words} ({len(actions):,}): {', '.join(actions)}.", indent=2)

    def _write_used(self, out: Output, used: UsedAction, *, denied: bool) -> None:
        levels = ", ".join(SHORT_LEVELS.get(level, level) for level in levels_of(used.action))
        mark = Span("[!] " if denied else "[+] ", Style.OPEN if denied else Style.GOOD)
        out.line(mark, f"{used.action}  {levels}  {times_words(used)}" + ("; not granted now" if denied else ""))
        told = [resource for resource in used.resources if resource]
        if told:
            out.paragraph(f"on {first_names(told, 3, limit=512)}", indent=_INDENT)
        if used.implied_by:
            out.paragraph(f"as {first_names(used.implied_by, 3)} asks for it", indent=_INDENT)

    def say_incomplete(self) -> None:
        """On stderr why there may be more, with all calls that were not mapped."""
        if not self.activity.incomplete:
            return
        note(f"Not complete, so no policy is made from it: {'; '.join(self.activity.incomplete)}.")
        for sentence in unmapped_words(self.activity):
            note(sentence)
        for path, sentence in self.activity.read.damaged[:_FEW]:
            note(f"Passed over: {safe_text(path, limit=512)}: {sentence}")

    def _write_policy(self, out: Output) -> None:
        least = self.least
        if not least.statements:
            out.line("No policy: nothing was used that the principal's own policies grant.")
        elif self._widens:
            out.line(f"No policy. {self._widens}")
        else:
            whole = "" if not self.activity.incomplete else ", as far as known"
            out.line(Span(f"The least policy for what was used{whole} (--policy prints it alone):", Style.STRONG))
            out.document(render(least.document), indent=2, numbered=False)
            for rule in least.rules:
                out.paragraph(rule, indent=2, first=("- ",))
        for sentence in remarks_on(least):
            out.paragraph(sentence, indent=2, first=(Span("! ", Style.OPEN),))
        for good, sentence in self._checks():
            out.paragraph(
                sentence, indent=2, first=(Span("[+] " if good else "[?] ", Style.GOOD if good else Style.OPEN),)
            )

    def write_policy(self) -> None:
        """The policy alone, with what is to be known of it on stderr."""
        if not self.least.statements:
            self.say_incomplete()
            name = self.workspace.short_name(self.activity.principal)
            raise Problem(
                f"Nothing was used that the policies of {name} grant, so there is no policy.",
                "Leave --policy out to see what was recorded.",
            )
        if self._widens:
            raise Problem(f"There is no policy. {self._widens}", _NARROWER)
        stdout().json(self.least.document, indent=2, alone=True)
        self.say_incomplete()
        doubts = (words for good, words in self._checks() if not good)
        for sentence in (*self.least.rules, *remarks_on(self.least), *doubts):
            note(sentence)

    @property
    def _widens(self) -> str:
        return "" if self.checked is None else self.checked.widens

    def _checks(self) -> Iterable[tuple[bool, str]]:
        return checks_of(self.least, self.checked, self.workspace.account.id, self.not_made)

    def as_json(self) -> dict[str, Any]:
        activity, least, checked = self.activity, self.least, self.checked
        counts = activity.read.counts
        return {
            "principal": activity.principal,
            "complete": not activity.incomplete,
            "incomplete": list(activity.incomplete),
            "trails": {
                "files": counts.files,
                "events": counts.events,
                "twice": counts.twice,
                "damaged": counts.damaged,
            },
            "events": activity.events,
            "requests": activity.requests,
            "first": activity.first or None,
            "last": activity.last or None,
            "denied": activity.denied,
            "failed": [{"code": code, "events": count} for code, count in activity.failed.most_common(_MOST_JSON)],
            "not_calls": activity.not_calls,
            "unmapped": [
                {"event": name, "reason": why, "events": count}
                for (name, why), count in activity.unmapped.most_common()
            ],
            "services": [_service_json(one) for one in self.uses],
            "used": [_used_json(activity.actions[name]) for name in sorted(activity.actions)],
            "limits": list(limits_of(activity, self.uses)),
            "policy": {
                "document": least.document if least.statements and not self._widens else None,
                "rules": list(least.rules),
                "resources_not_told": list(least.open_actions),
                "not_granted": list(least.not_granted),
                "not_known": list(least.not_known),
                "by_others": list(least.by_others),
                "unread": list(least.unread),
                "findings": [finding_to_json(one) for one in least.findings(self.workspace.account.id)],
            },
            "draft": None if checked is None else _draft_json(checked),
            "no_draft": self.not_made or None,
        }


def _service_json(one: UsedService) -> dict[str, Any]:
    return {
        "service": one.service,
        "granted": len(one.granted),
        "used": list(one.used),
        "unused": list(one.unused),
        "not_told": list(one.untold),
        "not_granted": list(one.not_granted),
        "access_levels": {
            level: {"granted": count.granted, "used": count.used, "not_told": count.untold}
            for level, count in one.levels.items()
        },
    }


def _used_json(one: UsedAction) -> dict[str, Any]:
    resources = one.resources.most_common(_MOST_JSON)
    return {
        "action": one.action,
        "access_levels": list(levels_of(one.action)),
        "events": one.events,
        "first": one.first or None,
        "last": one.last or None,
        "resources": [{"resource": resource or None, "events": count} for resource, count in resources],
        "resources_left_out": len(one.resources) - len(resources),
        "calls_not_told": list(one.untold),
        "implied_by": list(one.implied_by),
        "services": dict(one.services),
    }


def _draft_json(checked: LeastDraft) -> dict[str, Any]:
    proof = checked.proof
    return {
        "edits": [
            checked.drafted.draft.words_of(number, checked.drafted.base.account)
            for number in range(len(checked.drafted.draft.edits))
        ],
        "problems": [problem.sentence for problem in checked.drafted.problems],
        "lost": [{"action": action, "resource": resource} for action, resource in checked.lost],
        "not_sure": [{"action": action, "resource": resource} for action, resource in checked.unproved],
        "not_asked": checked.unchecked,
        "may_be_needed": list(checked.besides),
        "nothing_new": None if proof is None else proof.status.value,
        "newly_possible": None
        if proof is None or proof.counterexample is None
        else {"action": proof.counterexample.action, "resource": proof.counterexample.resource},
    }
