"""`iamtui questions`: saved questions, which are a regression set for policies when they say what they expect."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import click
import msgspec

from iamtui.account.model import DEMO
from iamtui.cli.command import command, output_options
from iamtui.cli.exits import Exit
from iamtui.cli.listing import print_listing
from iamtui.cli.opening import draft_option, open_workspace, with_draft
from iamtui.cli.output import JsonRecords, Output, Span, Style, note, stderr, stdout
from iamtui.cli.question_options import (
    Demands,
    answered,
    load_policies_of,
    load_resource_policies,
    question_store,
)
from iamtui.cli.render import verdict_style
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.leaves import RUN_SAVED_PROOF
from iamtui.policy.patterns import is_pattern
from iamtui.presentation.answer_json import cell_to_json
from iamtui.presentation.listing import ListColumn, Listing
from iamtui.presentation.verdict import verdict_words
from iamtui.problem import Problem
from iamtui.questions.answers import Answer
from iamtui.text import counted, safe_text
from iamtui.workspace.ask.answers import check_matrix
from iamtui.workspace.ask.proof_result import ProofStatus
from iamtui.workspace.ask.saved_questions import (
    ProofRecord,
    QuestionStore,
    SavedProof,
    SavedQuestion,
    about_account,
    account_key,
    accounts_in_words,
    quoted,
    record_of,
    testing,
)
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import Workspace

_VERBS: Final[dict[str, tuple[int, int | None, str]]] = {
    "list": (0, 0, "no name"),
    "show": (1, 1, "one name"),
    "rename": (2, 2, "a name and the new one"),
    "remove": (1, None, "a name"),
    "run": (0, None, "names or none"),
    "forget": (0, 0, "no name"),
}
"""Verbs of `iamtui questions`: fewest and most names (None: any number), and that in words."""


@command(epilog="Exit codes: 0 done or met, 1 one is not met or disproved, 3 one is not proved; 2 an error.")
@click.argument("verb", type=click.Choice(tuple(_VERBS)), default="list")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--questions", "file", metavar="FILE", help="A questions file instead of your own, such as one in a repository."
)
@click.option(
    "--account",
    metavar="ACCOUNT",
    help="The questions of one account: 12 digits or demo. With run, they are asked about the account that is open.",
)
@Demands.options("Allowed on some of the resources is enough (run).", "An answer as far as loaded is not enough (run).")
@output_options("text", "json", "jsonl", "csv", "markdown")
@draft_option
@source_options
def questions(
    verb: str,
    names: tuple[str, ...],
    file: str | None,
    account: str | None,
    demands: Demands,
    form: str,
    draft: str | None,
    source: SourceOptions,
) -> Exit:
    """List saved questions, show NAME, rename NAME NEW, remove NAME..., run them, or forget the history.

    `run` asks all of them, or those named, about an account and compares each answer with the expected one: a test for
    policies. Save one with `iamtui can ... --expect allowed --save NAME`. `forget` empties the history that the screen
    offers; saved questions stay.
    """
    _check_count(verb, names)
    if verb == "run":
        return _run(names, file, account, source, demands, draft, as_json=form == "json")
    store = question_store(_account(account, source), file)
    if verb == "list":
        found = store.questions_and_proofs()
        print_listing(stdout(), form, QUESTIONS, found)
        if not found:
            note("No questions are saved. Save one with `iamtui can PRINCIPAL ACTION --save NAME`.")
        return Exit.OK
    if form not in ("text", "json"):
        raise Problem(f"-o {form} is for the list of questions.", "Leave it out, or give -o json.")
    if verb == "show":
        return _show(store.find_any(names[0]), as_json=form == "json")
    if verb == "rename":
        store.rename(*names)
        return Exit.OK
    if verb == "forget":
        store.clear_history()
        return Exit.OK
    for name in names:
        store.find_any(name)
    for name in names:
        store.delete(name)
    return Exit.OK


def _check_count(verb: str, names: Sequence[str]) -> None:
    least, most, expected = _VERBS[verb]
    if len(names) < least or (most is not None and len(names) > most):
        raise Problem(f"questions {verb} takes {expected}.", "See `iamtui questions --help`.")


def _account(account: str | None, source: SourceOptions) -> str:
    """The account whose questions are meant: named, or that of the source; "" for all."""
    if account is not None:
        if source.given:
            raise Problem(f"--account and {source.given[0]} both name an account.", "Leave one of them out.")
        return account
    if source.demo:
        return DEMO
    return account_key(open_workspace(source)) if source.given else ""


def _expected(question: SavedQuestion | SavedProof) -> str:
    if isinstance(question, SavedProof):
        return ProofStatus.PROVED.value
    return question.expect.value if question.expect else ""


def _in_short(question: SavedQuestion | SavedProof) -> str:
    if isinstance(question, SavedProof):
        return _proof_in_short(question.proof)
    actions, resources = question.question_matrix.actions, question.question_matrix.resources
    return f"{question.principal or 'anyone'}  {', '.join(actions)}  {', '.join(resources)}"


def _proof_in_short(proof: ProofRecord) -> str:
    if proof.never is not None:
        words = ["never", *proof.never.principals, *proof.never.actions]
        return " ".join(words) + (f" --on {proof.never.on}" if proof.never.on != "*" else "")
    return " ".join(["not-public", *proof.not_public.resources]) if proof.not_public is not None else "no-broader"


def _record(question: SavedQuestion | SavedProof) -> dict[str, Any]:
    if isinstance(question, SavedProof):
        made = msgspec.to_builtins(question.proof)
        return {"name": question.name, "account": question.account or None, "proof": made}
    record = record_of(question.question_matrix)
    return {
        "name": question.name,
        "account": question.account or None,
        "principal": question.principal or None,
        "expect": question.expect.value if question.expect else None,
        **msgspec.structs.asdict(record),
        "region": record.region or None,
        "chained_from": record.chained_from or None,
    }


QUESTIONS: Final = Listing[SavedQuestion | SavedProof](
    "questions",
    (
        ListColumn("name", lambda one: one.name),
        ListColumn("account", lambda one: one.account or None, lambda one: one.account or "any"),
        ListColumn("expects", lambda one: _expected(one) or None, lambda one: _expected(one) or "-"),
        ListColumn("question", _in_short),
    ),
    heads=True,
    data=_record,
)


def _show(question: SavedQuestion | SavedProof, *, as_json: bool) -> Exit:
    record = _record(question)
    out = stdout()
    if as_json:
        out.json(record, indent=2)
        return Exit.OK
    for key, value in record.items():
        if value in (None, [], {}):
            continue
        label = f"{key.replace('_', ' '):<18}"
        if isinstance(question, SavedProof) and key == "proof":
            value = _proof_in_short(question.proof)
        elif isinstance(value, dict):
            value = "; ".join(f"{name} = {', '.join(values) or 'absent'}" for name, values in value.items())
        elif isinstance(value, list):
            value = ", ".join(value)
        out.paragraph(value, indent=len(label), first=(Span(label, Style.QUIET),))
    return Exit.OK


def _run(
    names: Sequence[str],
    file: str | None,
    account: str | None,
    source: SourceOptions,
    demands: Demands,
    draft: str | None,
    *,
    as_json: bool,
) -> Exit:
    workspace = open_workspace(source)
    store = question_store(account_key(workspace) if account is None else account, file)
    chosen = [store.find_any(name) for name in names] if names else list(store.questions_and_proofs())
    if not chosen:
        raise _nothing_to_run(store, workspace)
    if not names:
        chosen = _about_somebody(chosen)
    if account is not None and account != account_key(workspace):
        note(
            f"Questions saved for {accounts_in_words([account])} are asked about account {workspace.account.id}, "
            "with its id in their ARNs."
        )
        chosen = [about_account(one, workspace.account.id) for one in chosen]
    for question in chosen:
        workspace = _with_policies(workspace, question)
    before = workspace
    workspace = with_draft(workspace, draft)
    drafted = None if draft is None else before
    out = stdout()
    array = JsonRecords(out) if as_json else None
    ends = []
    for question in chosen:
        end, record = _run_one(workspace, drafted, question, demands, as_json=as_json)
        ends.append(end)
        if array is not None:
            array.add(record)
        out.flush()
    if array is not None:
        array.end()
    note(_summary(chosen, ends))
    return next((end for end in (Exit.ERROR, Exit.NO, Exit.OPEN) if end in ends), Exit.OK)


def _nothing_to_run(store: QuestionStore, workspace: Workspace) -> Problem:
    what = f"No question for {accounts_in_words([store.account])} is saved in {safe_text(store.path)}"
    others = store.other_accounts()
    if not others:
        return Problem(f"{what}.", "Save one with `iamtui can PRINCIPAL ACTION --expect allowed --save NAME`.")
    return Problem(
        f"{what}; it has questions for {accounts_in_words(others)}.",
        f"Ask them about account {workspace.account.id} with --account {safe_text(others[0])}.",
    )


class _Run(NamedTuple):
    """How one question ended, and its record for JSON."""

    end: Exit
    record: dict[str, Any]


def _with_policies(workspace: Workspace, question: SavedQuestion | SavedProof) -> Workspace:
    """Load the policies of a saved question's resources."""
    if isinstance(question, SavedQuestion):
        return load_resource_policies(workspace, question.question_matrix)
    named = question.proof.not_public.resources if question.proof.not_public is not None else []
    return load_policies_of(workspace, [arn for arn in named if not is_pattern(arn)])


def _run_one(
    workspace: Workspace,
    before: Workspace | None,
    question: SavedQuestion | SavedProof,
    demands: Demands,
    *,
    as_json: bool,
) -> _Run:
    """Ask a question, or prove what is to be proved, and say how it ended.

    Args:
        before: the account without the draft that is given.
    """
    try:
        if isinstance(question, SavedProof):
            run: Callable[..., tuple[Exit, dict[str, Any]]] = RUN_SAVED_PROOF.needed()
            return _Run(*run(workspace, before, question, _proof_in_short(question.proof), as_json=as_json))
        found = ask_saved(workspace, question, demands)
        if question.expect is not None:
            demands.check_asked(found)
    except Problem as problem:
        # One question of many that cannot be asked: said, and the others are asked all the same.
        stderr().paragraph(f"iamtui: question {quoted(question.name)}: {problem}")
        return _Run(Exit.ERROR, {"name": question.name, "error": str(problem)})
    why = demands.why_unmet(found, question.expect)
    if not as_json:
        _print_result(stdout(), question, found, why)
    return _Run(Exit.NO if why else Exit.OK, _result(question, found, why))


def _about_somebody(saved: Sequence[SavedQuestion | SavedProof]) -> list[SavedQuestion | SavedProof]:
    """The questions without those that name nobody and expect nothing: of all that are saved, they test nothing."""
    _, untested = testing(one for one in saved if isinstance(one, SavedQuestion))
    left_out = [question.name for question in untested]
    chosen = [one for one in saved if one not in untested]
    if not chosen:
        raise Problem(
            f"None of the saved questions ({', '.join(map(quoted, left_out))}) has a principal or an expectation.",
            _ask_it(left_out[0]),
        )
    if left_out:
        names = ", ".join(map(quoted, left_out))
        note(f"Skipped, because they have neither a principal nor an expectation: {names}. {_ask_it(left_out[0])}")
    return chosen


def _ask_it(name: str) -> str:
    return f"Ask it with `iamtui can PRINCIPAL --saved {shlex.quote(safe_text(name))}`."


def ask_saved(workspace: Workspace, question: SavedQuestion, demands: Demands) -> Answer:
    check_matrix(question.question_matrix)
    demands.check_known(question.question_matrix)
    if not question.principal:
        raise Problem("It does not name a principal.", _ask_it(question.name))
    return answered(workspace, resolve_principal(workspace, question.principal), question.question_matrix)


def _result(question: SavedQuestion, found: Answer, why: str) -> dict[str, Any]:
    return {
        "name": question.name,
        "principal": found.principal.arn,
        "expect": question.expect.value if question.expect else None,
        "met": None if question.expect is None else not why,
        "why": why or None,
        "decision": found.worst.deciding.outcome.value,
        "worst": cell_to_json(found, found.worst),
    }


def _print_result(out: Output, question: SavedQuestion, found: Answer, why: str) -> None:
    decision = found.worst.deciding
    if question.expect is None:
        mark, style = "  -   ", Style.QUIET
    else:
        mark, style = ("NOT MET", Style.BAD) if why else ("met", Style.GOOD)
    out.line(
        Span(f"{mark:<9}", style),
        f"{question.name}  ",
        Span(str(verdict_words(decision)), verdict_style(decision)),
        f"  {found.principal.arn or 'anonymous'}  {decision.request.action}  {decision.request.resource}",
    )
    if why and question.expect is not None:
        out.paragraph(f"expected {question.expect.value}; {why}", indent=9)


def _summary(chosen: Sequence[SavedQuestion | SavedProof], ends: Sequence[Exit]) -> str:
    ended = [one for one, end in zip(chosen, ends, strict=True) if end is not Exit.ERROR]
    expecting = sum(1 for question in ended if isinstance(question, SavedProof) or question.expect)
    failed, errors = ends.count(Exit.NO) + ends.count(Exit.OPEN), ends.count(Exit.ERROR)
    wrong = f", {errors} cannot be asked" if errors else ""
    asked = counted(len(chosen), "question")
    return f"{asked}: {expecting - failed} of {expecting} expectations met{wrong}."
