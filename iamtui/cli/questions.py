"""From the words of `can` and `who-can` to questions: actions, resources, context, layers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import click

from iamtui.cli.output import note
from iamtui.cli.text_files import read_text
from iamtui.evaluation.decision import Layer
from iamtui.evaluation.request import Mode
from iamtui.policy.arn import is_account_id
from iamtui.policy.document import MAX_CHARACTERS, DocumentError, PolicyDocument, load_json, scalar_text
from iamtui.problem import Problem
from iamtui.workspace.asking import Question, check_question
from iamtui.workspace.resource_policies import with_resource_policies
from iamtui.workspace.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])

SWITCHES: Final = ("identity", "resource", "session", "boundary", "scp", "rcp", "vpc_endpoint")
"""The layers that can be switched off: those that hold policies."""

_LARGEST_CONTEXT: Final = 1024 * 1024


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
    resource_account: str | None


def question_options(command: F) -> F:
    """Add the options of a question to a command, which gets them as one `asked: QuestionOptions`."""

    @functools.wraps(command)
    def with_question(
        *args: Any,
        resources: tuple[str, ...],
        context: tuple[str, ...],
        absent: tuple[str, ...],
        context_file: str | None,
        strict: bool,
        without: tuple[str, ...],
        session_policies: tuple[str, ...],
        resource_account: str | None,
        **kwargs: Any,
    ) -> Any:
        asked = QuestionOptions(
            resources, context, absent, context_file, strict, without, session_policies, resource_account
        )
        return command(*args, asked=asked, **kwargs)

    options = (
        click.option(
            "--on", "resources", multiple=True, metavar="RESOURCE",
            help="The resource: an ARN, a pattern or *; may be given again.",
        ),
        click.option(
            "-c", "--context", multiple=True, metavar="KEY=VALUE",
            help="A condition key of the request; the same key again adds a value, KEY= gives the empty text.",
        ),
        click.option("--absent", multiple=True, metavar="KEY", help="A condition key that the request does not have."),
        click.option(
            "--context-file", metavar="FILE", help="A JSON object of condition keys; null says absent. -c wins over it."
        ),
        click.option("--strict", is_flag=True, help="Take keys that nobody gave for absent, not for unknown."),
        click.option(
            "--without", multiple=True, type=click.Choice(SWITCHES), help="Leave a layer out, as if it were not loaded."
        ),
        click.option(
            "--session-policy", "session_policies", multiple=True, metavar="FILE",
            help="A policy that the caller's session was made with.",
        ),
        click.option(
            "--resource-account", metavar="ACCOUNT", help="Who owns the resource, when its ARN does not say so."
        ),
    )  # fmt: skip
    for option in reversed(options):
        with_question = option(with_question)
    return with_question  # type: ignore[return-value]  # functools.wraps keeps what click needs


def questions(actions: tuple[str, ...], asked: QuestionOptions) -> tuple[Question, ...]:
    """One question for every pair of action and resource.

    Raises:
        Problem: something given is none of what it should be; says what and how to write it.
    """
    if asked.resource_account is not None and not is_account_id(asked.resource_account):
        raise Problem(f"--resource-account {asked.resource_account} is no account.", "An account is 12 digits.")
    context = _context(asked)
    policies = tuple(_session_policy(name) for name in asked.session_policies)
    made = tuple(
        Question(
            action,
            resource,
            context,
            Mode.STRICT if asked.strict else Mode.DISCOVER,
            asked.resource_account,
            policies,
            frozenset(Layer(name) for name in asked.without),
        )
        for action in dict.fromkeys(actions)
        for resource in dict.fromkeys(asked.resources or ("*",))
    )
    for question in made:
        check_question(question)
    return made


def _context(asked: QuestionOptions) -> dict[str, tuple[str, ...]]:
    """The context: the file's, then -c and --absent. A key has one spelling, whatever its letter case."""
    given: dict[str, list[str]] = {}
    spelling: dict[str, str] = {}
    for text in asked.context:
        key, equals, value = text.partition("=")
        if not equals:
            raise Problem(
                f"-c {text} is no KEY=VALUE.", f"Write -c {key}=VALUE; --absent {key} says that the request lacks it."
            )
        _check_key(key, f"-c {text}")
        given.setdefault(spelling.setdefault(key.lower(), key), []).append(value)
    for key in asked.absent:
        _check_key(key, f"--absent {key}")
        if key.lower() in spelling:
            raise Problem(f"{key} is both given and said to be absent.", "Leave one of the two out.")
        given[key] = []
    said = {key.lower() for key in given}
    from_file = _context_file(asked.context_file) if asked.context_file is not None else {}
    context = {key: values for key, values in from_file.items() if key.lower() not in said}
    return {**context, **{key: tuple(values) for key, values in given.items()}}


def _check_key(key: str, where: str) -> None:
    prefix, colon, name = key.partition(":")
    if not (colon and prefix and name) or any(character.isspace() for character in key):
        raise Problem(f"{where} names no condition key: expected prefix:name.", "Write -c aws:SourceIp=203.0.113.9.")


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
    context: dict[str, tuple[str, ...]] = {}
    seen: set[str] = set()
    for key, found in value.items():
        _check_key(key, f"{where}: {key}")
        if key.lower() in seen:
            raise Problem(f"{where} gives {key} twice (letter case does not count).", "Give it once.")
        seen.add(key.lower())
        items = [] if found is None else found if isinstance(found, list) else [found]
        texts = [scalar_text(item) for item in items]
        if any(item is None for item in texts):
            raise Problem(f"{where}: {key} must be a text, number or boolean, a list of these, or null for absent.")
        context[key] = tuple(item for item in texts if item is not None)
    return context


def _session_policy(name: str) -> str:
    text = read_text(name, "session policy", most=MAX_CHARACTERS)
    error = PolicyDocument(text).error
    if error is not None:
        raise Problem(f"The session policy {name} is no policy document: {error}", "iamtui lint says more.")
    return text


def load_resource_policies(workspace: Workspace, asked: tuple[Question, ...]) -> Workspace:
    """The workspace with the policies of the resources asked about; what cannot be loaded is said on stderr."""
    resources = [question.resource for question in asked if Layer.RESOURCE not in question.layers_off]
    workspace, failed = with_resource_policies(workspace, resources)
    for arn, problem in failed.items():
        note(f"The policy of {arn} is not loaded: {problem.sentence}")
    return workspace
