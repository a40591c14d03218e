"""`iamtui prove`: what is so for all resources and all contexts, or a request that shows that it is not."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import click
import msgspec

from iamtui.cli.command import command, output_options
from iamtui.cli.input import read_text, shown_name
from iamtui.cli.main import CommandEntry, LazyGroup
from iamtui.cli.opening import draft_option, open_workspace, read_drafted, say_findings, whole_or_open, with_draft
from iamtui.cli.output import Exit, Span, Style, note, stdout
from iamtui.cli.questions import load_policies_of, question_store
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.engine.condition_words import LAYER_NAMES
from iamtui.engine.decision import Layer
from iamtui.policy.document import PolicyDocument
from iamtui.policy.patterns import is_pattern
from iamtui.presentation.who_can import grant_words
from iamtui.problem import Problem
from iamtui.proofs.documents import AllowedByOne, Comparison, find_broader
from iamtui.proofs.requests import GRANTED_BESIDE
from iamtui.proofs.texts import STEPS, Bounds
from iamtui.text import counted, first_names
from iamtui.workspace.ask.access import granting_statements, grants_of
from iamtui.workspace.ask.proof_result import Counterexample, Proof, ProofStatus
from iamtui.workspace.ask.questions import as_command
from iamtui.workspace.ask.saved_questions import (
    NeverRecord,
    NotPublicRecord,
    ProofRecord,
    SavedProof,
    account_key,
    quoted,
)
from iamtui.workspace.prove.draft_proofs import prove_nothing_new, prove_saved
from iamtui.workspace.prove.proofs import all_proofs, prove_never
from iamtui.workspace.prove.public_proofs import ASSUMED, prove_not_public
from iamtui.workspace.source.workspace import Workspace

PROOF_EXITS: Final = {
    ProofStatus.PROVED: Exit.OK,
    ProofStatus.COUNTEREXAMPLE: Exit.NO,
    ProofStatus.NOT_PROVED: Exit.OPEN,
}
_MARKS: Final = {
    ProofStatus.PROVED: ("[+]", Style.GOOD),
    ProofStatus.COUNTEREXAMPLE: ("[x]", Style.BAD),
    ProofStatus.NOT_PROVED: ("[?]", Style.OPEN),
}
_MOST_GRANTS: Final = 3
_NOT_PROVED: Final = "Not proved, and no request is known that shows the opposite"
_EPILOG: Final = "Exit codes: 0 proved, 1 a request shows that it is not so, 3 not proved; 2 an error."


_SAVE: Final = click.option("--save", metavar="NAME", help="Save it, for `iamtui questions run`.")
_STEPS: Final = click.option(
    "--steps", type=click.IntRange(1_000), default=STEPS, show_default=True, help="The most work for each part of it."
)
_QUESTIONS: Final = click.option("--questions", "file", metavar="FILE", help="The file of --save, instead of your own.")


@command("never", epilog=_EPILOG)
@click.argument("principals", metavar="PRINCIPALS")
@click.argument("actions", nargs=-1, required=True, metavar="ACTION...")
@click.option("--on", "resource", default="*", metavar="PATTERN", help="Only on resources like this ARN, or this one.")
@click.option("--except", "excepted", multiple=True, metavar="PRINCIPALS", help="Who may: as PRINCIPALS, repeatable.")
@_STEPS
@_SAVE
@_QUESTIONS
@output_options("text", "json")
@click.option("--all", "every", is_flag=True, help="List every example, by action, instead of the first.")
@draft_option
@source_options
def never(
    principals: str,
    actions: tuple[str, ...],
    resource: str,
    excepted: tuple[str, ...],
    steps: int,
    save: str | None,
    file: str | None,
    form: str,
    every: bool,
    draft: str | None,
    source: SourceOptions,
) -> Exit:
    """Prove that PRINCIPALS can never do ACTION: to no resource, in no context, through all layers that are loaded.

    PRINCIPALS is a principal as `iamtui can` takes it, a pattern of users and roles such as role/dev-*, or * for all of
    them. ACTION may be a pattern such as iam:Create*, which stands for actions that AWS may add, too.
    """
    workspace = with_draft(open_workspace(source), draft)
    proof = prove_never(
        workspace, (principals,), actions, resource=resource, excepted=excepted, steps=steps, every=every
    )
    if form == "json":
        stdout().json(proof_to_json(proof), indent=2)
    else:
        _print_never(workspace, proof, ", ".join(actions), resource, "" if draft is None else _with_draft(draft))
    if save is not None:
        asked = NeverRecord([principals], list(actions), resource, list(excepted))
        _save(workspace, save, file, ProofRecord(never=asked))
    code = PROOF_EXITS[proof.status]
    return whole_or_open(workspace.account, code) if is_pattern(principals) else code


def _save(workspace: Workspace, name: str, file: str | None, proof: ProofRecord) -> None:
    question_store(account_key(workspace), file, must_exist=False).save_proof(name, proof)
    note(f"Saved as {quoted(name)}: `iamtui questions run` proves it again.")


def _with_draft(draft: str) -> str:
    return f" --draft {shlex.quote(draft)}"


def _print_never(workspace: Workspace, proof: Proof, actions: str, resource: str, more: str) -> None:
    out = stdout()
    where = "" if resource == "*" else f" on {resource}"
    if proof.examples:
        _print_examples(workspace, proof, more)
    elif proof.counterexample is not None:
        _print_example(workspace, proof, proof.counterexample, more=more)
    elif proof.status is ProofStatus.PROVED:
        who = f"none of {_principals(proof)} can ever" if proof.principals != 1 else "the principal can never"
        out.line(_mark(proof.status), f" Proved: {who} do {actions}{where}, in any context.")
    else:
        out.line(
            _mark(proof.status), f" Not proved, and no request is known that shows the opposite: {actions}{where}."
        )
        _print_reasons(proof)
    _note_counts(proof)


def _principals(proof: Proof) -> str:
    return counted(proof.principals, "principal")


def _note_counts(proof: Proof) -> None:
    classes = counted(proof.classes, "class", "classes")
    note(f"{_principals(proof)}, {classes} of actions, {counted(proof.actions, 'known action')}.")


def _print_reasons(proof: Proof, besides: Sequence[str] = ()) -> None:
    """Show why something is not proved.

    Args:
        besides: what --policy-alone leaves out.
    """
    for reason, count in proof.reasons.items():
        more = f" (in {count:,} kinds of requests)" if count > 1 else ""
        if reason in (f"not loaded: {what}" for what in besides):
            # How many classes of callers and actions there are says nothing of it.
            more = ": they may let others in; --policy-alone leaves them out"
        if reason.startswith((LAYER_NAMES[Layer.SCP].noun, LAYER_NAMES[Layer.RCP].noun)):
            more += "; --organization-profile NAME or --organization FILE reads them"
        stdout().line(f"      {reason}{more}")


def _print_example(workspace: Workspace, proof: Proof, found: Counterexample, when: str = "", more: str = "") -> None:
    """Show a counterexample.

    Args:
        when: what is said of when it is allowed.
        more: options for the line that shows its trace.
    """
    out = stdout()
    who = workspace.short_name(found.principal.arn) or "anybody, without credentials,"
    out.line(_mark(proof.status), f" Not so: {who} can call {found.action} on {found.resource}{when}.")
    _print_context(found.context)
    if found.resource_account not in ("", workspace.account.id):
        out.line(f"      the resource belongs to account {found.resource_account}")
    granting = granting_statements(found.decision)[:_MOST_GRANTS]
    grants = (one for one in grants_of(workspace, found.decision, granting) if one.statement.policy != ASSUMED)
    for name in map(grant_words, grants):
        out.line(f"      allowed by {name}")
    line = f"{as_command(workspace, found.principal, found.question)}{more} --trace"
    out.line(Span(f"      Ask for its trace: {line}", Style.QUIET))


def _print_examples(workspace: Workspace, proof: Proof, more: str) -> None:
    """Show all counterexamples, by action."""
    out = stdout()
    actions = list(dict.fromkeys((one.action, one.alike) for one in proof.examples))
    for action, alike in actions:
        others = f", and {counted(len(alike), 'action')} answered alike: {first_names(alike, 3)}" if alike else ""
        out.line(_mark(proof.status), f" {action} can be called{others}.")
        for found in proof.examples:
            if (found.action, found.alike) == (action, alike):
                out.line(f"      {workspace.short_name(found.principal.arn)} on {found.resource}")
                line = f"{as_command(workspace, found.principal, found.question)}{more} --trace"
                out.line(Span(f"          {line}", Style.QUIET))
    if proof.reasons:
        out.line(_mark(ProofStatus.NOT_PROVED), " Not proved, besides:")
        _print_reasons(proof)


def _mark(status: ProofStatus) -> Span:
    mark, style = _MARKS[status]
    return Span(mark, style)


def _print_context(context: Mapping[str, tuple[str, ...]]) -> None:
    for key, values in context.items():
        stdout().line(f"      {key} = {', '.join(values)}" if values else f"      {key} is absent")


def proof_to_json(proof: Proof) -> dict[str, Any]:
    found = proof.counterexample
    return {
        "status": proof.status.value,
        "counterexample": None if found is None else _example_json(found),
        "reasons": [{"reason": reason, "count": count} for reason, count in proof.reasons.items()],
        "principals": proof.principals,
        "classes": proof.classes,
        "actions": proof.actions,
    } | ({"counterexamples": [_example_json(one) for one in proof.examples]} if proof.examples else {})


def _example_json(found: Counterexample) -> dict[str, Any]:
    return {
        "principal": found.principal.arn,
        "action": found.action,
        "resource": found.resource,
        "resource_account": found.resource_account or None,
        "context": {key: list(values) for key, values in found.context.items()},
        "decision": found.decision.outcome.value,
    }


# A proof as one of the saved questions.


_TEST_MARKS: Final = {
    ProofStatus.PROVED: ("met", Style.GOOD),
    ProofStatus.COUNTEREXAMPLE: ("NOT MET", Style.BAD),
    ProofStatus.NOT_PROVED: ("OPEN", Style.OPEN),
}


def run_saved_proof(
    workspace: Workspace, before: Workspace | None, saved: SavedProof, words: str, *, as_json: bool
) -> tuple[Exit, dict[str, Any]]:
    """Prove what is saved and print how it ended, for `iamtui questions run`.

    Args:
        before: the account without the draft that is given.
        words: the proof, in short.

    Returns:
        The exit code, and its record for JSON.
    """
    proof, whole = prove_saved(workspace, before, saved.proof)
    end = PROOF_EXITS[proof.status]
    if whole:
        end = whole_or_open(workspace.account, end)
    asked = {"name": saved.name, "proof": msgspec.to_builtins(saved.proof), "met": end is Exit.OK}
    if not as_json:
        mark, style = _TEST_MARKS[proof.status]
        out = stdout()
        out.line(Span(f"{mark:<9}", style), f"{saved.name}  ", Span(proof.status.value, style), f"  {words}")
        example = proof.counterexample
        if example is not None:
            who = example.principal.arn or "anonymous"
            out.paragraph(f"{who} can call {example.action} on {example.resource}", indent=9)
        for reason in proof.reasons:
            out.paragraph(reason, indent=9)
    return end, {**asked, **proof_to_json(proof)}


@command("no-broader", epilog=_EPILOG)
@click.argument("one", metavar="A", required=False)
@click.argument("other", metavar="B", required=False)
@_STEPS
@output_options("text", "json")
@draft_option
@source_options
def no_broader(
    one: str | None, other: str | None, steps: int, form: str, draft: str | None, source: SourceOptions
) -> Exit:
    """Prove that the policy document A allows nothing that B does not, whoever calls what, in any context; or, with
    --draft, that no user and no role of the account can do anything with the draft that it cannot without.

    A and B are files, or - for standard input: two identity policies, boundaries or SCPs, or two policies of resources
    or roles, of which the principals are compared, too.
    """
    if draft is not None and one is None:
        return _nothing_new(draft, steps, source, as_json=form == "json")
    if one is None or other is None or draft is not None or source.given:
        raise click.UsageError("Expected two documents, or --draft FILE and the account that it is for.")
    found = find_broader(*_read_both(one, other), Bounds(steps))
    return _say_compared(one, other, ((one, other, found),), as_json=form == "json")


def _nothing_new(draft: str, steps: int, source: SourceOptions, *, as_json: bool) -> Exit:
    drafted = read_drafted(open_workspace(source), draft)
    drafted.check()
    say_findings(drafted.findings)
    proof = prove_nothing_new(drafted.base, drafted.after, steps)
    if as_json:
        stdout().json(proof_to_json(proof), indent=2)
        return PROOF_EXITS[proof.status]
    out = stdout()
    if proof.counterexample is not None:
        _print_example(drafted.after, proof, proof.counterexample, " with the draft", _with_draft(draft))
    elif proof.status is ProofStatus.PROVED:
        out.line(_mark(proof.status), " Proved: nothing is newly possible with the draft, in any context.")
    else:
        out.line(_mark(proof.status), " Not proved, and nothing is known that is newly possible with the draft.")
        _print_reasons(proof)
    _note_counts(proof)
    return whole_or_open(drafted.after.account, PROOF_EXITS[proof.status])


@command("same", epilog=_EPILOG)
@click.argument("one", metavar="A")
@click.argument("other", metavar="B")
@_STEPS
@output_options("text", "json")
def same(one: str, other: str, steps: int, form: str) -> Exit:
    """Prove that the policy documents A and B allow the same, whoever calls what, in any context.

    A and B are files, or - for standard input: two identity policies, boundaries or SCPs, or two policies of resources
    or roles, of which the principals are compared, too.
    """
    a, b = _read_both(one, other)
    ways = [(one, other, find_broader(a, b, Bounds(steps)))]
    if ways[0][2].example is None:
        ways.append((other, one, find_broader(b, a, Bounds(steps))))
    return _say_compared(one, other, ways, as_json=form == "json", both=True)


_LARGEST: Final = 1024 * 1024


def _read(name: str) -> PolicyDocument:
    """A policy document.

    Raises:
        Problem: it cannot be read.
    """
    shown = shown_name(name)
    document = PolicyDocument(read_text(name, "policy document", most=_LARGEST))
    if document.error is not None:
        raise Problem(f"The policy document {shown} cannot be read: {document.error}.", "See `iamtui lint`.")
    return document


def _read_both(one: str, other: str) -> tuple[PolicyDocument, PolicyDocument]:
    """Two documents of one kind.

    Raises:
        Problem: one cannot be read, or names principals where the other does not.
    """
    documents = _read(one), _read(other)
    kinds = {_names_principals(document) for document in documents if document.policy.statements}
    if len(kinds) > 1:
        without = one if not _names_principals(documents[0]) else other
        raise Problem(
            f"The policy document {shown_name(without)} names no principals, and the other does.",
            "Compare two policies of resources or roles, or two of users, boundaries or SCPs.",
        )
    return documents


def _names_principals(document: PolicyDocument) -> bool:
    return any(one.principals is not None or one.not_principals is not None for one in document.policy.statements)


def _say_compared(
    one: str, other: str, ways: Sequence[tuple[str, str, Comparison]], *, as_json: bool, both: bool = False
) -> Exit:
    """Say what came of comparing documents.

    Args:
        ways: each with the document that should allow no more, and the other.
    """
    broader = next(((a, b, way.example) for a, b, way in ways if way.example is not None), None)
    reasons = tuple(dict.fromkeys(reason for _, _, way in ways for reason in way.reasons))
    status = ProofStatus.NOT_PROVED if reasons else ProofStatus.PROVED
    if broader is not None:
        status, reasons = ProofStatus.COUNTEREXAMPLE, ()
    if as_json:
        stdout().json(_compared_json(status, broader, reasons, sum(way.classes for _, _, way in ways)), indent=2)
        return PROOF_EXITS[status]
    out = stdout()
    what = f"{one} and {other} allow the same" if both else f"{one} allows nothing that {other} does not"
    if broader is not None:
        a, b, example = broader
        who = f"{example.principal} " if example.principal else ""
        out.line(_mark(status), f" Not so: {a} allows {who}{example.action} on {example.resource}, and {b} does not.")
        _print_context(example.context)
    elif status is ProofStatus.PROVED:
        out.line(_mark(status), f" Proved: {what}, in any context.")
    else:
        out.line(_mark(status), f" {_NOT_PROVED}: {what}.")
        for reason in reasons:
            out.line(f"      {reason}")
    return PROOF_EXITS[status]


def _compared_json(
    status: ProofStatus, broader: tuple[str, str, AllowedByOne] | None, reasons: Sequence[str], classes: int
) -> dict[str, Any]:
    example = None
    if broader is not None:
        a, b, found = broader
        example = {
            "allowed_by": a,
            "not_allowed_by": b,
            "principal": found.principal or None,
            "action": found.action,
            "resource": found.resource,
            "context": {key: list(values) for key, values in found.context.items()},
        }
    return {
        "status": status.value,
        "counterexample": example,
        "reasons": [{"reason": reason, "count": 1} for reason in reasons],
        "classes": classes,
    }


@command("not-public", epilog=_EPILOG)
@click.argument("resources", nargs=-1, required=True, metavar="ARN...")
@click.option("--outside", type=click.Choice(("account", "organization")), default="account", help="Outside of what.")
@click.option("--except", "excepted", multiple=True, metavar="WHO", help="An account, ARN or provider that may.")
@click.option("--policy-alone", is_flag=True, help="Leave out what S3 ACLs and grants on KMS keys may allow.")
@_STEPS
@_SAVE
@_QUESTIONS
@output_options("text", "json")
@draft_option
@source_options
def not_public(
    resources: tuple[str, ...],
    outside: Literal["account", "organization"],
    excepted: tuple[str, ...],
    policy_alone: bool,
    steps: int,
    save: str | None,
    file: str | None,
    form: str,
    draft: str | None,
    source: SourceOptions,
) -> Exit:
    """Prove that nobody outside the account can use the resources ARN by their policies, or assume the roles ARN by
    their trust policies, whatever the caller's own account allows.

    ARN may be a pattern of the roles, and of the resources whose policy is known. AWS services do not count, and are
    named where a policy lets them in.
    """
    workspace = open_workspace(source)
    workspace = load_policies_of(workspace, [one for one in resources if not is_pattern(one)])
    workspace = with_draft(workspace, draft)
    proofs = prove_not_public(
        workspace,
        resources,
        organization=outside == "organization",
        excepted=excepted,
        policy_alone=policy_alone,
        steps=steps,
    )
    status = all_proofs(proofs.values()).status
    if form == "json":
        found = [{"resource": arn, **proof_to_json(one), "services": list(one.services)} for arn, one in proofs.items()]
        stdout().json({"status": status.value, "resources": found}, indent=2)
    else:
        for arn, proof in proofs.items():
            _print_not_public(workspace, arn, proof, outside, "" if draft is None else _with_draft(draft))
    if save is not None:
        closed = NotPublicRecord(list(resources), outside, list(excepted), policy_alone)
        _save(workspace, save, file, ProofRecord(not_public=closed))
    code = PROOF_EXITS[status]
    return whole_or_open(workspace.account, code) if any(map(is_pattern, resources)) else code


def _print_not_public(workspace: Workspace, arn: str, proof: Proof, outside: str, more: str) -> None:
    out = stdout()
    if proof.counterexample is not None:
        of_account = proof.counterexample.principal.account is not None
        _print_example(
            workspace, proof, proof.counterexample, ", if its own account lets it" if of_account else "", more
        )
        _print_reasons(proof)
    elif proof.status is ProofStatus.PROVED:
        out.line(_mark(proof.status), f" Proved: nobody outside the {outside} can use {arn} by its policy.")
    else:
        out.line(_mark(proof.status), f" {_NOT_PROVED}: nobody outside the {outside} can use {arn}.")
        _print_reasons(proof, GRANTED_BESIDE)
    if proof.services:
        out.line(
            Span(f"      AWS services that it lets in do not count: {first_names(proof.services, 5)}", Style.QUIET)
        )


ENTRIES: Final = {
    "never": CommandEntry("iamtui.cli.prove", "never", "Prove that principals can never do something."),
    "no-broader": CommandEntry("iamtui.cli.prove", "no_broader", "Prove that a document allows no more than another."),
    "not-public": CommandEntry("iamtui.cli.prove", "not_public", "Prove that nobody outside can use a resource."),
    "same": CommandEntry("iamtui.cli.prove", "same", "Prove that two documents allow the same."),
}


@click.group("prove", cls=LazyGroup, entries=ENTRIES, epilog=_EPILOG)
def prove() -> None:
    """Prove something for all resources and all contexts, or show a request for which it is not so."""
