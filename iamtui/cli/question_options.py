"""Options of questions, the question matrix that they make, and what an answer means for the exit code."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from iamtui.cli.command import topic_option
from iamtui.cli.exits import Exit
from iamtui.cli.input import read_text
from iamtui.cli.output import note
from iamtui.cli.source_options import record_options
from iamtui.engine.decision import Decision, Expectation, Layer, Outcome, ResourceScope
from iamtui.engine.request import Mode
from iamtui.policy.document import MAX_CHARACTERS, DocumentError, PolicyDocument, load_json
from iamtui.policy.patterns import is_account_id
from iamtui.problem import Problem
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.text import safe_text
from iamtui.workspace.ask.answers import answer, check_matrix
from iamtui.workspace.ask.assumptions import assumed_of
from iamtui.workspace.ask.context_syntax import at_time, from_ip, split_key, through_endpoint, with_mfa, written_key
from iamtui.workspace.ask.context_values import check_key, context_of, read_all_values, undocumented
from iamtui.workspace.ask.questions import check_action, check_known
from iamtui.workspace.ask.saved_questions import QuestionStore
from iamtui.workspace.source.opening import with_resource_policies
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
