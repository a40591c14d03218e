"""`iamtui gate`: may a plan be applied, and whose access changes, for pull requests."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import click

from iamtui.cli.command import command, output_options
from iamtui.cli.diff import impact_json
from iamtui.cli.input import opened, read_text, shown_name
from iamtui.cli.listing import print_listing
from iamtui.cli.opening import open_workspace, say_part
from iamtui.cli.output import Exit, Output, Span, Style, note, progress_report, stdout
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.drafts.draft import Draft, write_draft
from iamtui.drafts.edits.base import describe_edits
from iamtui.drafts.edits.policies import PutInlinePolicy
from iamtui.engine.request import Principal
from iamtui.leaves import PROOF_TO_JSON, PROVE_DRAFT, USE_ROWS
from iamtui.lint.check_document import suppression_tables
from iamtui.lint.sarif import SarifResult, sarif_log
from iamtui.paths import is_there
from iamtui.plan.terraform import LARGEST, TerraformPlan, read_plan
from iamtui.policy.json_text import json_text
from iamtui.presentation.gate import (
    GATE,
    GateLevel,
    GateRow,
    access_rows,
    apply_rows,
    incomplete_rows,
    lint_rows,
    summary,
    worst_first,
)
from iamtui.presentation.styled_words import markdown_row
from iamtui.problem import Problem
from iamtui.text import counted, safe_text
from iamtui.workspace.ask.proof_result import Proof
from iamtui.workspace.change.draft_documents import VERSION
from iamtui.workspace.change.draft_session import apply
from iamtui.workspace.change.impact import Impact, impact_of
from iamtui.workspace.gate.plan_apply import CallVerdict, PlanApply, plan_apply
from iamtui.workspace.gate.plan_draft import PlanDraft, plan_draft
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import Progress, Workspace

ANSWERS: Final = ("lint", "apply", "access", "use")
_FAILS: Final[Mapping[str, frozenset[str]]] = {
    "denied": frozenset(("denied",)),
    "gained": frozenset(("gained", "changed", "newly-possible", "public", "escalation")),
    "public": frozenset(("public",)),
    "escalation": frozenset(("escalation",)),
    "broken": frozenset(("broken",)),
}
"""The codes of rows with which each value of --fail-on ends with 1; "lint" are errors of policies."""

_SUPPRESSIONS: Final = ".iamtui-gate.toml"
_LARGEST: Final = 1024 * 1024
_MOST_TF_FILES: Final = 2_000
_PROOF_STEPS: Final = 5_000_000
_MOST_SHOWN: Final = 10
_STYLES: Final = {
    GateLevel.ERROR: ("[x]", Style.BAD),
    GateLevel.WARNING: ("[!]", Style.OPEN),
    GateLevel.OPEN: ("[?]", Style.OPEN),
    GateLevel.NOTE: ("[-]", Style.QUIET),
}
_SARIF_LEVELS: Final = {
    GateLevel.ERROR: "error",
    GateLevel.WARNING: "warning",
    GateLevel.OPEN: "warning",
    GateLevel.NOTE: "note",
}

_EPILOG: Final = f"""\
A suppression accepts rows of a code and says why; {_SUPPRESSIONS} holds those that stay (address is optional):

\b
  [[suppress]]
  code = "public"
  address = "aws_s3_bucket_policy.site*"
  reason = "A public web site; see SEC-17"

Exit codes: 0; 1 with --fail-on; 2 if the plan cannot be read; 3 with --complete if something is not known.
"""


@dataclass(frozen=True, slots=True)
class _Suppression:
    """An accepted code of rows, a pattern of addresses, and why."""

    code: str
    address: str
    reason: str

    def covers(self, row: GateRow) -> bool:
        return self.code == row.code and fnmatch.fnmatchcase(row.address, self.address)


@dataclass(frozen=True, slots=True)
class _Gate:
    """What was found out about a plan, as far as it was wanted."""

    name: str
    workspace: Workspace
    rows: tuple[GateRow, ...]
    answers: tuple[str, ...]
    draft: PlanDraft | None
    impact: Impact | None
    proof: Proof | None
    calls: PlanApply | None

    @property
    def complete(self) -> bool:
        return not any(row.level is GateLevel.OPEN for row in self.rows) and not self.workspace.account.unlisted


@command("gate", epilog=_EPILOG)
@click.argument("plan_file", metavar="PLAN")
@click.option("--as", "role", metavar="ROLE", help="Who applies the plan: may it make the calls?")
@click.option("--only", type=click.Choice(ANSWERS), multiple=True, help="Only this answer. Repeatable.")
@click.option("--trail", "trails", metavar="TRAIL", multiple=True, help="CloudTrail events: was what goes away used?")
@click.option("--fix", is_flag=True, help="Print the smallest policy that --as lacks, instead of the answers.")
@click.option(
    "--fail-on", type=click.Choice(("lint", *_FAILS)), multiple=True, help="Exit 1 where this is found. Repeatable."
)
@click.option("--complete", "whole", is_flag=True, help="Exit 3 if something is unknown, not mapped or not compared.")
@click.option("--suppress", metavar="CODE[:ADDRESS]=REASON", multiple=True, help="Accept rows of this code.")
@click.option("--suppressions", metavar="FILE", help=f"Read suppressions here instead of {_SUPPRESSIONS}.")
@output_options("text", "json", "csv", "markdown", "sarif", "draft")
@source_options
def gate(
    plan_file: str,
    role: str | None,
    only: tuple[str, ...],
    trails: tuple[str, ...],
    fix: bool,
    fail_on: tuple[str, ...],
    whole: bool,
    suppress: tuple[str, ...],
    suppressions: str | None,
    form: str,
    source: SourceOptions,
) -> Exit:
    """Judge the Terraform plan PLAN, as `terraform show -json` prints it (- for standard input).

    Four answers: lint of its policies; whether --as may apply it (certain calls alone count as denied); who gains and
    loses access, from outside too, and whether anything is newly possible; and with --trail whether what goes away
    was used. Nothing is applied, and no credentials of the plan are used.
    """
    answers = _answers(only, role, trails, fix=fix)
    accepted = _suppressions(suppress, suppressions)
    with opened(plan_file, "plan") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Problem(f"The plan {shown_name(plan_file)} is larger than {LARGEST // 2**20} MB.", "Split the plan.")
    plan = read_plan(data, f"The plan {shown_name(plan_file)}")
    workspace = open_workspace(source)
    say_part(workspace.account)
    found = _judged(workspace, plan, shown_name(plan_file), role, answers, trails, accepted)
    if fix:
        return _print_fix(found, role or "", plan)
    out = stdout()
    if form == "json":
        out.json(_to_json(found), indent=2)
    elif form == "draft":
        if found.draft is None:
            raise Problem("-o draft prints the access answer.", "Leave --only out, or name access.")
        out.raw(write_draft(found.draft.drafted.draft))
    elif form == "sarif":
        out.json(_sarif(found.rows, plan_file), indent=2)
    elif form == "csv":
        print_listing(out, form, GATE, found.rows)
    elif form == "markdown":
        out.raw("".join(_markdown(found)))
    else:
        _print(out, found)
    fails = any(_fails(row, fail_on) for row in found.rows)
    return Exit.NO if fails else Exit.OPEN if whole and not found.complete else Exit.OK


def _answers(only: Sequence[str], role: str | None, trails: Sequence[str], *, fix: bool) -> tuple[str, ...]:
    if role is None and ("apply" in only or fix):
        raise Problem("Nobody is named who applies the plan.", "Name the role with --as ROLE.")
    if "use" in only and not trails:
        raise Problem("No trail is given to see what was used.", "Name CloudTrail events with --trail.")
    if fix:
        return ("apply",)
    possible = [one for one in ANSWERS if (one != "apply" or role is not None) and (one != "use" or trails)]
    return tuple(one for one in possible if not only or one in only)


def _suppressions(options: Iterable[str], file: str | None) -> tuple[_Suppression, ...]:
    given = []
    for text in options:
        what, _, reason = (part.strip() for part in text.partition("="))
        code, _, address = what.partition(":")
        if not code or not reason:
            raise Problem(f"--suppress {text} has no code or no reason.", "Write CODE[:ADDRESS]=REASON.")
        given.append(_Suppression(code, address or "*", reason))
    name = file if file is not None else _SUPPRESSIONS
    if file is None and not is_there(Path(name)):
        return tuple(given)
    text = read_text(name, "suppression file", most=_LARGEST)
    for table, _ in suppression_tables(text, name, ("code", "reason", "address"), "gate"):
        given.append(_Suppression(table["code"], table.get("address", "*"), table["reason"]))
    return tuple(given)


def _judged(
    workspace: Workspace,
    plan: TerraformPlan,
    name: str,
    role: str | None,
    answers: tuple[str, ...],
    trails: tuple[str, ...],
    accepted: Collection[_Suppression],
) -> _Gate:
    """All answers that are wanted, as rows and as data."""
    account = workspace.account
    rows: list[Iterable[GateRow]] = []
    if "lint" in answers:
        rows.append(lint_rows(plan, account.id))
    draft, impact, proof, calls = None, None, None, None
    if {"access", "use", "apply"}.intersection(answers):
        draft = plan_draft(workspace, plan)
    if "apply" in answers and role is not None and draft is not None:
        who = resolve_principal(workspace, role)
        calls = _calls(workspace, who, plan, draft)
        rows.append(apply_rows(account, who, calls))
        rows.append(incomplete_rows(plan, draft, "apply"))
    if "access" in answers and draft is not None:
        report = progress_report()
        impact = impact_of(
            draft.drafted, told=lambda pairs: report(Progress("pairs of action and resource compared", pairs))
        )
        prove = PROVE_DRAFT.load()
        if prove is not None:
            proof = prove(draft.drafted.base, draft.drafted.after, in_all=_PROOF_STEPS)
        rows.append(access_rows(account, plan, draft, impact, proof))
        rows.append(incomplete_rows(plan, draft, "access"))
    if "use" in answers and draft is not None:
        rows.append(USE_ROWS.needed()(trails, workspace, draft.drafted))
    judged = []
    for row in chain.from_iterable(rows):
        reason = next((one.reason for one in accepted if one.covers(row)), "")
        judged.append(row._replace(reason=reason) if reason else row)
    return _Gate(name, workspace, tuple(worst_first(judged)), answers, draft, impact, proof, calls)


def _calls(workspace: Workspace, who: Principal, plan: TerraformPlan, draft: PlanDraft) -> PlanApply:
    elsewhere = {address for addresses in draft.elsewhere.values() for address in addresses}
    changes = [one for one in plan.changes if one.mode == "managed" and one.address not in elsewhere]
    return plan_apply(workspace, who, changes)


def _fails(row: GateRow, fail_on: Collection[str]) -> bool:
    if row.reason:
        return False
    if row.answer == "lint":
        return "lint" in fail_on and row.level is GateLevel.ERROR
    return any(row.code in _FAILS.get(one, ()) for one in fail_on)


def _print_fix(found: _Gate, role: str, plan: TerraformPlan) -> Exit:
    """Print a policy that allows what is denied, and say what no policy of the role can allow."""
    assert found.calls is not None
    assert found.draft is not None
    denied = found.calls.of(CallVerdict.DENIED)
    if not denied:
        note("No certain call is denied.")
        return Exit.OK
    by_resources: dict[tuple[str, ...], list[str]] = {}
    resources: dict[str, list[str]] = {}
    for call in denied:
        resources.setdefault(call.action, []).append(call.resource)
    for action, needed in resources.items():
        by_resources.setdefault(tuple(sorted(set(needed))), []).append(action)
    statements = [
        {"Effect": "Allow", "Action": sorted(actions), "Resource": list(needed)}
        for needed, actions in by_resources.items()
    ]
    policy = json_text({"Version": VERSION, "Statement": statements}, indent=2)
    who = resolve_principal(found.workspace, role)
    drafted = apply(
        found.workspace,
        Draft(found.workspace.account.id, edits=(PutInlinePolicy(who.arn or "", "iamtui-gate", policy),)),
    )
    drafted.check()
    left = _calls(drafted.after, resolve_principal(drafted.after, role), plan, found.draft).of(CallVerdict.DENIED)
    stdout().document(policy, numbered=False)
    for call in left:
        words = f"{safe_text(call.action)} on {safe_text(call.resource)}"
        note(f"Still denied with it, by another layer: {words}.")
    return Exit.NO if left else Exit.OK


def _print(out: Output, found: _Gate) -> None:
    for row in found.rows:
        mark, style = _STYLES[row.level]
        lead = (Span(mark, style), f" {row.code}{f'  {safe_text(row.address, limit=256)}' if row.address else ''}")
        out.line(*lead, *((Span(f"  suppressed: {row.reason}", Style.QUIET),) if row.reason else ()))
        out.paragraph(row.message, indent=4)
    for answer, words in summary(found.rows, found.answers):
        note(f"{answer}: {words}.")


def _markdown(found: _Gate) -> Iterator[str]:
    """One comment for a pull request: the sums, the worst rows, and the rest folded."""
    denied = sum(row.level is GateLevel.ERROR and not row.reason for row in found.rows)
    yield f"### iamtui gate: {counted(denied, 'problem') if denied else 'no problems'}\n\n"
    yield markdown_row(("answer", "found"), heading=True)
    for answer, words in summary(found.rows, found.answers):
        yield markdown_row((answer, words))
    open_rows = [row for row in found.rows if not row.reason]
    for rows, folded in ((open_rows[:_MOST_SHOWN], ""), (open_rows[_MOST_SHOWN:], "more")):
        yield from _table(rows, folded)
    yield from _table([row for row in found.rows if row.reason], "accepted, with a reason")
    account = safe_text(found.workspace.account.id)
    yield f"\nAgainst account {account}; nothing was applied.\n"


def _table(rows: Sequence[GateRow], folded: str) -> Iterator[str]:
    if not rows:
        return
    yield f"\n<details><summary>{len(rows):,} {folded}</summary>\n\n" if folded else "\n"
    yield markdown_row(("", "what", "where", "says"), heading=True)
    for row in rows:
        says = f"{row.message}; accepted: {row.reason}" if row.reason else row.message
        yield markdown_row((row.level.value, row.code, row.address, says))
    if folded:
        yield "\n</details>\n"


def _sarif(rows: Sequence[GateRow], plan_file: str) -> dict[str, Any]:
    places = _places(Path(plan_file).parent) if plan_file != "-" else {}
    results = []
    for row in rows:
        file, line = places.get(_block(row.address), (plan_file, None))
        results.append(
            SarifResult(
                rule=row.code,
                level=_SARIF_LEVELS[row.level],
                message=row.message,
                file=file,
                line=line,
                element=row.address,
                reason=row.reason or None,
            )
        )
    return sarif_log(results)


def _block(address: str) -> tuple[str, str]:
    """The type and the name of the block that an address is of."""
    *_, kind, name = ("", "", *re.sub(r"\[[^\]]*\]", "", address).split("."))
    return kind, name


_BLOCK: Final = re.compile(r'^\s*resource\s+"(\w+)"\s+"([\w-]+)"', re.MULTILINE)


def _places(folder: Path) -> dict[tuple[str, str], tuple[str, int]]:
    """File and line of each resource block in the .tf files beside a plan, and in folders of modules below."""
    found: dict[tuple[str, str], tuple[str, int]] = {}
    files = (path for path in sorted(folder.rglob("*.tf")) if ".terraform" not in path.parts)
    for _, path in zip(range(_MOST_TF_FILES), files, strict=False):
        try:
            with path.open("rb") as file:
                text = file.read(_LARGEST).decode(errors="replace")
        except OSError:
            continue
        for match in _BLOCK.finditer(text):
            found.setdefault((match[1], match[2]), (str(path), text.count("\n", 0, match.start(1)) + 1))
    return found


def _to_json(found: _Gate) -> dict[str, Any]:
    calls, draft = found.calls, found.draft
    made: dict[str, Any] = {"plan": found.name, "account": found.workspace.account.id}
    made["rows"] = [GATE.record(row) for row in found.rows]
    if calls is not None:
        made["apply"] = {
            "certain": [
                {"address": one.address, "action": one.action, "resource": one.resource, "verdict": one.verdict.value}
                for one in calls.certain
            ],
            "possible": {address: list(actions) for address, actions in calls.possible.items()},
            "not_mapped": {type_: list(addresses) for type_, addresses in calls.not_mapped.items()},
        }
    if draft is not None:
        words = describe_edits(draft.drafted.draft.edits, draft.drafted.base.account)
        made["edits"] = [
            {"address": address, "edit": said} for address, said in zip(draft.addresses, words, strict=True)
        ]
    if found.impact is not None:
        made["impact"] = impact_json(found.impact, complete=found.complete)
    if found.proof is not None:
        made["proof"] = PROOF_TO_JSON.needed()(found.proof)
    made["complete"] = found.complete
    return made
