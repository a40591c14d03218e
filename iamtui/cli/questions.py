"""Options of questions and the question matrix that they make; `iamtui questions`, the saved ones.

Saved questions are a regression set for policies when they say what they expect.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import click
import msgspec

from iamtui.account.model import DEMO
from iamtui.cli.command import command, output_options, topic_option
from iamtui.cli.input import read_text
from iamtui.cli.listing import print_listing
from iamtui.cli.opening import draft_option, open_workspace, with_draft
from iamtui.cli.output import Exit, JsonRecords, Output, Span, Style, note, stderr, stdout
from iamtui.cli.render import verdict_style
from iamtui.cli.source_options import SourceOptions, record_options, source_options
from iamtui.engine.decision import Decision, Expectation, Layer, Outcome, ResourceScope
from iamtui.engine.request import Mode
from iamtui.leaves import RUN_SAVED_PROOF
from iamtui.policy.document import MAX_CHARACTERS, DocumentError, PolicyDocument, load_json
from iamtui.policy.patterns import is_account_id, is_pattern
from iamtui.presentation.answer_json import cell_to_json
from iamtui.presentation.listing import ListColumn, Listing
from iamtui.presentation.verdict import verdict_words
from iamtui.problem import Problem
from iamtui.questions.answers import Answer
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.text import counted, safe_text
from iamtui.workspace.ask.answers import answer, check_matrix
from iamtui.workspace.ask.assumptions import assumed_of
from iamtui.workspace.ask.context_syntax import at_time, from_ip, split_key, through_endpoint, with_mfa, written_key
from iamtui.workspace.ask.context_values import check_key, context_of, read_all_values, undocumented
from iamtui.workspace.ask.proof_result import ProofStatus
from iamtui.workspace.ask.questions import check_action, check_known
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
from iamtui.workspace.source.opening import with_resource_policies
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import Workspace

if TYPE_CHECKING:
    from iamtui.engine.request import Principal
    from iamtui.questions.answers import Answer


F = TypeVar("F", bound=Callable[..., Any])

SWITCHES: Final = ("identity", "resource", "session", "boundary", "scp", "rcp", "vpc_endpoint")
"""The layers that can be switched off: those that hold policies."""

_LARGEST_CONTEXT: Final = 1024 * 1024
_HINT: Final = "Write -c aws:SourceIp=203.0.113.9."


@dataclass(frozen=True, slots=True)
class QuestionOptions:
    """The options of a question, as given."""

    resources: tuple[str, ...]
    context: tuple[str, ...]
    absent: tuple[str, ...]
    context_file: str | None
    strict: bool
    without: tuple[str, ...]
    session_policies: tuple[str, ...]
    scope_downs: tuple[str, ...]
    resource_account: str | None
    chained_from: str | None
    with_checks: tuple[str, ...]
    mfa: bool | None
    from_ip: str | None
    through_vpce: str | None
    at: str | None

    @property
    def given(self) -> bool:
        return any(getattr(self, entry.name) not in (None, False, ()) for entry in fields(self)) or self.mfa is not None


_option: Final = topic_option("request")

question_options = record_options(
    QuestionOptions,
    "asked",
    click.option(
        "--on", "resources", multiple=True, metavar="RESOURCE",
        help="The resource: an ARN, a pattern or *. Repeatable.",
    ),
    click.option(
        "-c", "--context", multiple=True, metavar="KEY=VALUE",
        help="A condition key of the request. Repeatable; KEY= is empty text.",
    ),
    _option("--absent", multiple=True, metavar="KEY", help="A condition key that is absent; * is any text."),
    _option(
        "--context-file", metavar="FILE", help="A JSON object of condition keys; null says absent. -c wins over it."
    ),
    _option(
        "--strict",
        is_flag=True,
        help="Treat condition keys that are not given as absent, unless AWS always sends them (the time, the Region).",
    ),
    _option(
        "--without", multiple=True, type=click.Choice(SWITCHES), help="Ignore a layer, as if it were not loaded."
    ),
    _option(
        "--session-policy", "session_policies", multiple=True, metavar="FILE",
        help="A session policy of the caller's session.",
    ),
    _option(
        "--scope-down", "scope_downs", multiple=True, metavar="FILE",
        help="A policy that the caller's temporary credentials are scoped down by. Repeatable; each has to allow.",
    ),
    _option(
        "--resource-account", metavar="ACCOUNT", help="The account that owns the resource, if its ARN does not say."
    ),
    _option(
        "--with", "with_checks", multiple=True, metavar="ACTION[=RESOURCE]",
        help="The call also needs this, such as iam:PassRole=ROLE-ARN or ec2:CreateTags.",
    ),
    _option(
        "--chained-from", metavar="ROLE", help="The role whose session assumes the asking role (role chaining)."
    ),
    _option("--mfa/--no-mfa", default=None, help="Temporary credentials with, or without, an MFA code."),
    _option("--from-ip", metavar="ADDRESS", help="From this address, not through a VPC endpoint."),
    _option("--through-vpce", metavar="ENDPOINT", help="Through this VPC endpoint."),
    _option("--at", metavar="TIME", help="At another time: now+1h, 2026-12-24 or 2026-12-24T18:00:00Z."),
)  # fmt: skip
"""Decorator that adds the options of a question to a command, which gets them as one QuestionOptions."""


def say_assumed(
    workspace: Workspace, terms: Question, actions: Sequence[str] = (), principal: Principal | None = None
) -> None:
    """Say on stderr what answers assume of keys that policies read, as `assumed_of` finds it."""
    found = assumed_of(workspace, terms, actions, principal)
    if found:
        note(f"Assumed, because policies read it: {'; '.join(map(safe_text, found))}.")


def matrix_of(actions: tuple[str, ...], asked: QuestionOptions, *, anyway: bool = False) -> QuestionMatrix:
    """The question matrix of a command's words.

    Args:
        anyway: whether actions that AWS does not have, as far as is known here, are taken.
    """
    if asked.resource_account is not None and not is_account_id(asked.resource_account):
        raise Problem(f"--resource-account {asked.resource_account} is not an account.", "An account is 12 digits.")
    terms = Question(
        "",
        "*",
        _checked(_with_presets(_context(asked), asked)),
        Mode.STRICT if asked.strict else Mode.DISCOVER,
        asked.resource_account,
        tuple(_policy_of("session policy", name) for name in asked.session_policies),
        frozenset(Layer(name) for name in asked.without),
        scope_downs=tuple(_policy_of("scope-down policy", name) for name in asked.scope_downs),
    )
    made = QuestionMatrix(
        tuple(dict.fromkeys(actions)),
        tuple(dict.fromkeys(asked.resources or ("*",))),
        terms,
        asked.chained_from or "",
        _checks(asked.with_checks),
    )
    check_matrix(made)
    if not anyway:
        check_known(made.actions)
    return made


def _checked(context: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The context with values parsed by the types of their keys; notes keys that AWS does not document.

    Raises:
        Problem: a value that its key's type does not take, which would be taken for no match by every condition.
    """
    read = read_all_values(context)
    for key in read:
        remark = undocumented(key)
        if remark:
            note(remark)
    return read


def _checks(given: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """`ACTION=RESOURCE` words as action to resources."""
    checks: dict[str, tuple[str, ...]] = {}
    for text in given:
        action, equals, resource = text.partition("=")
        check_action(action)
        if equals and not resource:
            raise Problem(f"--with {text} does not name a resource.", f"Write --with {action}=ARN, or --with {action}.")
        checks[action] = checks.get(action, ()) + ((resource,) if resource else ())
    return checks


def _with_presets(context: dict[str, tuple[str, ...]], asked: QuestionOptions) -> dict[str, tuple[str, ...]]:
    """The context with that of --mfa, --from-ip, --through-vpce and --at."""
    presets: list[tuple[str, Mapping[str, tuple[str, ...]]]] = []
    if asked.mfa is not None:
        presets.append(("--mfa" if asked.mfa else "--no-mfa", with_mfa(asked.mfa)))
    if asked.from_ip is not None:
        presets.append(("--from-ip", from_ip(asked.from_ip)))
    if asked.through_vpce is not None:
        presets.append(("--through-vpce", through_endpoint(asked.through_vpce)))
    if asked.at is not None:
        presets.append(("--at", at_time(asked.at, datetime.now(UTC))))
    said_by = {key.lower(): "-c, --absent or the context file" for key in context}
    for option, keys in presets:
        for key, values in keys.items():
            if key.lower() in said_by:
                raise Problem(f"{option} and {said_by[key.lower()]} both set {key}.", "Leave one of them out.")
            said_by[key.lower()] = option
            context[key] = values
    return context


def _context(asked: QuestionOptions) -> dict[str, tuple[str, ...]]:
    """The context: the file's, then -c and --absent. A key has one spelling, whatever its letter case."""
    given: dict[str, list[str]] = {}
    spelling: dict[str, str] = {}
    for text in asked.context:
        key, equals, value = split_key(text)
        if not equals:
            pair, alone = shlex.quote(f"{written_key(key)}=VALUE"), shlex.quote(key)
            raise Problem(
                f"-c {text} is no KEY=VALUE.", f"Write -c {pair}; --absent {alone} says that the request lacks it."
            )
        check_key(key, f"-c {text}", _HINT)
        given.setdefault(spelling.setdefault(key.lower(), key), []).append(value)
    for key in asked.absent:
        check_key(key, f"--absent {key}", _HINT)
        if key.lower() in spelling:
            raise Problem(f"{key} is both given and absent.", "Leave out one of the two.")
        given[key] = []
    said = {key.lower() for key in given}
    from_file = _context_file(asked.context_file) if asked.context_file is not None else {}
    context = {key: values for key, values in from_file.items() if key.lower() not in said}
    return {**context, **{key: tuple(values) for key, values in given.items()}}


def _context_file(name: str) -> dict[str, tuple[str, ...]]:
    what = "context file"
    text = read_text(name, what, most=_LARGEST_CONTEXT)
    where = f"The {what} {'standard input' if name == '-' else name}"
    if not text.strip():
        raise Problem(f"{where} is empty.", 'Expected a JSON object, such as {"aws:SourceIp": "203.0.113.9"}.')
    try:
        value = load_json(text, max_characters=_LARGEST_CONTEXT)
    except DocumentError as error:
        raise Problem(f"{where}: {error}", "Expected a JSON object of condition keys.") from None
    if not isinstance(value, dict):
        raise Problem(f"{where} is not a JSON object.", 'Write {"aws:SourceIp": "203.0.113.9"}, for example.')
    return context_of(value, f"{where}: ", _HINT)


def _policy_of(what: str, name: str) -> str:
    text = read_text(name, what, most=MAX_CHARACTERS)
    if not text.strip():
        raise Problem(f"The {what} {name} is empty.", "Expected a JSON object with a Statement.")
    error = PolicyDocument(text).error
    if error is not None:
        raise Problem(f"The {what} {name} is not a policy document: {error}", "iamtui lint says more.")
    return text


def load_resource_policies(workspace: Workspace, asked: QuestionMatrix) -> Workspace:
    """Load the policies of the question's resources; notes on stderr the ones that cannot be loaded."""
    if Layer.RESOURCE in asked.terms.layers_off:
        return workspace
    named = [resource for resources in asked.with_checks.values() for resource in resources]
    return load_policies_of(workspace, [*asked.resources, *named], asked.terms.resource_account)


def load_policies_of(workspace: Workspace, arns: Iterable[str], owner: str | None = None) -> Workspace:
    """Load the policies of some resources; notes on stderr the ones that cannot be loaded."""
    workspace, failed = with_resource_policies(workspace, arns, owner)
    for arn, problem in failed.items():
        note(f"The policy of {arn} is not loaded: {problem}")
    return workspace


# Saved questions: their file, and the answer to one.


def question_store(account: str, file: str | None, *, must_exist: bool = True) -> QuestionStore:
    """The questions of an account ("": of all), in the user's own file or in another."""
    store = QuestionStore(account, Path(file) if file is not None else None)
    if file is not None and must_exist and not os.path.exists(store.path):  # noqa: PTH110 - Path.exists raises for a long name
        raise Problem(f"The questions file {file} does not exist.", "Check the path.")
    return store


def answered(workspace: Workspace, who: Principal, asked: QuestionMatrix) -> Answer:
    found = answer(workspace, who, asked)
    assert found is not None, "nothing cancels a command's question"
    return found


def expect_option(words: str) -> Callable[[F], F]:
    """`--expect DECISION`, given at most once: of two, neither would surely be meant.

    Args:
        words: the help text.

    Returns:
        What adds the option to a command, which then gets an `expect: Expectation | None`.
    """

    def read(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> Expectation | None:
        if len(given) > 1:
            raise Problem("--expect is given more than once.", "Give it once; denied is met by both kinds of denial.")
        return Expectation(given[0]) if given else None

    choices = click.Choice(tuple(item.value for item in Expectation))
    return click.option("--expect", multiple=True, type=choices, callback=read, metavar="DECISION", help=words)


@dataclass(frozen=True, slots=True)
class Demands:
    """How sure an answer must be.

    Args:
        any_resource: allowed on some of the resources is enough.
        complete: allowed as far as loaded is not enough, nor denied by default where that is expected.
        anyway: the answer to what AWS never asks, as far as the catalogue knows, is enough.
    """

    any_resource: bool = False
    complete: bool = False
    anyway: bool = False

    @staticmethod
    def options(any_resource: str, complete: str) -> Callable[[F], F]:
        """Decorator that adds these options, with their help texts, to a command, which gets them as one Demands."""
        return record_options(
            Demands,
            "demands",
            click.option("--any-resource", is_flag=True, help=any_resource),
            click.option("--complete", is_flag=True, help=complete),
            click.option(
                "--anyway",
                is_flag=True,
                help="Accept an unknown action, or a resource of another kind.",
            ),
        )

    def check_asked(self, found: Answer) -> None:
        """Refuse to hold an answer against an expectation where AWS never asks the question: it would prove nothing."""
        if found.never_asked and not self.anyway:
            raise Problem(found.never_asked[0], "An expectation of it would test nothing; --anyway accepts it.")

    def check_known(self, asked: QuestionMatrix) -> None:
        """Refuse actions that AWS does not have, as far as is known here."""
        if not self.anyway:
            try:
                check_known(asked.actions)
            except Problem as problem:
                raise Problem(problem.sentence, f"{problem.next_step} --anyway asks all the same.".strip()) from None

    def doubt(self, decision: Decision) -> str:
        """Why an allowed decision is no plain yes, or ""."""
        if decision.allowed and decision.resource_scope is ResourceScope.SOME and not self.any_resource:
            return "it is allowed only on some of the resources (--any-resource says that this is enough)"
        if decision.allowed and not decision.complete and self.complete:
            return "it is allowed only as far as loaded"
        return ""

    def code(self, decision: Decision) -> Exit:
        if decision.outcome is Outcome.DEPENDS or self.doubt(decision):
            return Exit.OPEN
        return Exit.OK if decision.allowed else Exit.NO

    def worst(self, decisions: Sequence[Decision]) -> Exit:
        """The exit code of several decisions: denied is worse than open, open worse than allowed."""
        codes = {self.code(decision) for decision in decisions}
        return next(code for code in (Exit.NO, Exit.OPEN, Exit.OK) if code in codes)

    def why_unmet(self, found: Answer, expected: Expectation | None) -> str:
        """Why an answer is not what is expected of it, as a clause, or "" when it is, or nothing is expected."""
        if expected is None:
            return ""
        for cell in found.taking_part:
            why = self.unmet(cell.deciding, expected)
            if why:
                return f"{cell.question.action} on {cell.question.resource}: {why}"
        return f"{found.cut} actions are not answered" if found.cut else ""

    def unmet(self, decision: Decision, expected: Expectation) -> str:
        """Why a decision is not the expected one, as a clause, or "" when it is."""
        if not expected.met_by(decision.outcome):
            return f"it is {decision.outcome.value}"
        if self.complete and not decision.complete and decision.outcome is Outcome.IMPLICIT_DENY:
            # What is not loaded may allow it; of an explicit Deny it can take nothing away.
            return "it is denied only as far as loaded"
        return self.doubt(decision)


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
