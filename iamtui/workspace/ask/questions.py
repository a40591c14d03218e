"""Asking: one question, for one principal or for all of them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from msgspec import structs

from iamtui.catalog.actions import Knowledge, catalogue, knowledge
from iamtui.catalog.dependent_actions import companions
from iamtui.engine.combined_layers import Evaluation
from iamtui.engine.decision import Decision, Layer
from iamtui.engine.evaluator import EvaluatedDecision, read_all_layers, with_undocumented_behaviour
from iamtui.engine.request import Mode, PolicyInForce, Principal, PrincipalKind
from iamtui.engine.service_rules import scope_down_problem
from iamtui.engine.words.explanation import Explanation, explain
from iamtui.engine.words.trace import TracedLayer, traced
from iamtui.policy.document import PolicyDocument
from iamtui.policy.patterns import is_pattern, parse_arn
from iamtui.problem import Problem
from iamtui.questions.account_index import make_index_ready
from iamtui.questions.answers import unknown_action
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.text import safe_text
from iamtui.workspace.ask.context_syntax import written_key
from iamtui.workspace.source.principals import options_naming
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace

_NO_FILES: Final[Mapping[str, str]] = MappingProxyType({})


def check_question(question: Question) -> None:
    """Refuse an invalid question.

    Raises:
        Problem: an action without a service, a resource that is neither `*` nor an ARN, and the like.
    """
    check_action(question.action)
    check_resource(question.resource, question.action)
    check_terms(question)


def check_action(action: str, *, pattern: bool = False) -> None:
    """Refuse what is not an action.

    Args:
        pattern: whether `*` and `?` may stand for several operations of a service.
    """
    service, colon, name = action.partition(":")
    if not action.strip():
        raise Problem("No action is named.", "Give one as service:Operation, such as s3:GetObject.")
    if pattern and ("*" in service or "?" in service):
        raise Problem(
            f"{safe_text(action)} is not an action: a pattern stands for operations of one service.",
            "Write it as s3:Get*, for example.",
        )
    if not colon or not service or not name or any(character.isspace() for character in action):
        raise Problem(
            f"{safe_text(action)} is not an action: expected service:Operation.",
            "Write it as s3:GetObject, for example.",
        )
    if ":" in name or "/" in name:
        raise Problem(
            f"{safe_text(action, limit=256)} is not an action: it looks like an ARN.",
            "Actions are written as s3:GetObject; name resources as resources.",
        )
    if _NOT_IN_NAMES.search(name) or _NOT_IN_NAMES.search(service):
        raise Problem(
            f"{safe_text(action, limit=256)} is not an action: its name has letters and digits only.",
            "Give several actions one by one, each as s3:GetObject, for example.",
        )
    if not pattern and is_pattern(action):
        raise Problem(
            f"{safe_text(action)} names more than one action.", "Ask about one action at a time, such as s3:GetObject."
        )


def check_known(actions: Iterable[str]) -> None:
    """Refuse actions that neither the catalogue nor the SDK's models know; calls with actions of other names are known.

    Raises:
        Problem: one is unknown; names the nearest.
    """
    for action in actions:
        if not is_pattern(action) and knowledge(action) is Knowledge.UNKNOWN and not companions(action):
            raise unknown_action(action)


_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9*?-]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def check_resource(resource: str, action: str = "") -> None:
    """Refuse what is neither `*` nor an ARN.

    Args:
        action: what is to be done with it, of which an example is taken.
    """
    if ",arn:" in resource.replace(" ", ""):
        raise Problem(
            f"{safe_text(resource, limit=256)} is not a resource: it looks like several.", "Give one ARN at a time."
        )
    if _CONTROL.search(resource) and ":s3:" not in resource:
        raise Problem(
            f"{safe_text(resource, limit=256)} is not a resource: only names of S3 objects hold control characters.",
            "Leave them out.",
        )
    if resource != "*" and parse_arn(resource) is None:
        raise Problem(
            f"{safe_text(resource)} is not a resource: expected * or an ARN of six fields.",
            f"Write it as {_example_of(action)}, for example, or * for any.",
        )


def _example_of(action: str) -> str:
    info = catalogue().action(action)
    return example_of(info.arn_forms if info is not None else ()) or "arn:aws:s3:::bucket/key"


def example_of(forms: Sequence[str]) -> str:
    """An ARN like the shortest of some forms of ARNs, with names of its parts; "" of none."""
    if not forms:
        return ""
    return _PLACEHOLDER.sub(lambda found: _EXAMPLES.get(found[1], found[1]), min(forms, key=len))


_PLACEHOLDER: Final = re.compile(r"\$\{([^}]*)\}")
_EXAMPLES: Final = {"Partition": "aws", "Region": "eu-west-1", "Account": "123456789012"}


def check_terms(terms: Question) -> None:
    """Refuse an invalid context."""
    for key in terms.context:
        if ":" not in key:
            raise Problem(
                f"{safe_text(key)} is not a condition key: expected prefix:name.",
                "Write it as aws:SourceIp=203.0.113.9.",
            )
    check_scope_downs(None, terms)


def check_scope_downs(principal: Principal | None, terms: Question) -> None:
    """Refuse scope-downs that STS would not take, from some principal or (None) from any."""
    problem = scope_down_problem(principal, [*map(PolicyDocument, terms.scope_downs)])
    if problem:
        raise Problem(f"The credentials cannot be scoped down: {problem}.", _HOW_TO_SCOPE_DOWN)


_HOW_TO_SCOPE_DOWN: Final = (
    "sts:GetScopedCredentials scopes temporary credentials down, three times at most, each time by 2,048 characters."
)


def with_region(workspace: Workspace, question: Question) -> Question:
    """The question with the region in use, when it names none."""
    if question.region or not workspace.source.region:
        return question
    return replace(question, region=workspace.source.region)


def evaluator_of(workspace: Workspace, question: Question, now: datetime | None = None) -> QuestionEvaluator:
    """Evaluator of a question for callers of the workspace's account, with the other open accounts."""
    return QuestionEvaluator(workspace.account, with_region(workspace, question), now, others=workspace.others)


def ask(
    workspace: Workspace,
    principal: Principal,
    question: Question,
    *,
    session: tuple[PolicyInForce, ...] = (),
    now: datetime | None = None,
) -> Decision:
    """Answer one question for one principal, locally, with the open points it rests on in its notes.

    Args:
        session: the policies that the caller's session was made with; those of the question when it has none.
        now: time of the request, UTC; None: the clock.

    Raises:
        Problem: the question cannot be asked.
    """
    reading = _evaluated(workspace, principal, question, session, now)
    return without_a_session(with_undocumented_behaviour(reading), question)


def _evaluated(
    workspace: Workspace,
    principal: Principal,
    question: Question,
    session: tuple[PolicyInForce, ...],
    now: datetime | None,
) -> Evaluation:
    check_question(question)
    there = workspace.at(principal.account) if workspace.beside else workspace
    evaluator = evaluator_of(there, with_region(workspace, question), now)
    request, policies, asked = evaluator.put_by(principal)
    if session:
        policies = structs.replace(policies, session=session)
    return read_all_layers(request, policies, asked=asked)


class BulkEvaluator:
    """One question put to many principals; what they share is worked out once.

    Decisions come without the notes on open points, which are for a single answer.

    Args:
        read_whole: whether more than the outcome will be read of every decision.
    """

    def __init__(
        self, workspace: Workspace, question: Question, *, now: datetime | None = None, read_whole: bool = False
    ) -> None:
        check_question(question)
        self._asker = evaluator_of(workspace, question, now)
        self._read_whole = read_whole

    def ask(self, principal: Principal) -> Decision:
        return self._asker.decide(principal, read_whole=self._read_whole)


def make_ready(workspace: Workspace) -> Iterator[None]:
    """Compile the policies of every user and role, one principal at each step."""
    yield from make_index_ready(workspace.account)


def ask_and_trace(
    workspace: Workspace, principal: Principal, question: Question, *, now: datetime | None = None
) -> tuple[Decision, tuple[TracedLayer, ...], Explanation]:
    """Answer one question with its trace and its explanation in plain sentences."""
    reading = _evaluated(workspace, principal, question, (), now)
    decision = without_a_session(with_undocumented_behaviour(reading), question)
    layers = traced(reading)
    return decision, layers, explain(decision, layers)


def explained(workspace: Workspace, principal: Principal, question: Question) -> Explanation:
    """The explanation of an answer, which reads none of its notes on open points: those take most of the time."""
    reading = _evaluated(workspace, principal, question, (), None)
    return explain(without_a_session(EvaluatedDecision(reading), question), traced(reading))


_WITHOUT_SESSION: Final = frozenset((PrincipalKind.USER, PrincipalKind.ROOT))

_NO_SESSION: Final = (
    "Only sessions of roles and federated users carry session policies: a request of this caller itself carries none, "
    "so this answer is about a request that cannot be made. Leave the session policy out, or ask as a role."
)
"""IAM User Guide: Policies and permissions in AWS Identity and Access Management, Session policies."""


def without_a_session(decision: Decision, question: Question) -> Decision:
    """The decision, with a note where a session policy is given for a caller without a session.

    The policy is evaluated all the same, which can only narrow the answer.
    """
    if not question.session_policies or decision.request.principal.kind not in _WITHOUT_SESSION:
        return decision
    layers = tuple(
        structs.replace(report, why=f"The caller has no session that could carry it. {report.why}")
        if report.layer is Layer.SESSION
        else report
        for report in decision.layers
    )
    return decision.with_parts(layers=layers, notes=(*decision.notes, _NO_SESSION))


def as_command(
    workspace: Workspace, principal: Principal, asked: Question | QuestionMatrix, written: Mapping[str, str] = _NO_FILES
) -> str:
    """The `iamtui can ...` line that asks the same, quoted for a POSIX shell.

    What a line cannot carry stands in files that it names; `files_of_command` says which are to be written.

    Args:
        written: the files that texts of session policies came from, by the text.

    Raises:
        Problem: no line names this caller.
    """
    question_matrix = (
        asked if isinstance(asked, QuestionMatrix) else QuestionMatrix((asked.action,), (asked.resource,), asked)
    )
    terms = question_matrix.terms
    options = options_naming(workspace, principal, question_matrix.actions)
    if options is None:
        raise Problem(
            f"No command can name {safe_text(principal.arn, limit=512)} as this caller.",
            "The answer is on the screen only.",
        )
    words = ["iamtui", "can", principal.arn or "anonymous", *question_matrix.actions]
    words += [word for name, value in options.items() for word in (f"--{name}", value)]
    words += _matrix_words(question_matrix)
    words += _terms_words(workspace, terms, written)
    source, region = workspace.source, terms.region or workspace.source.region
    if source.session_key and source.kind is SourceKind.LIVE:
        # With the credentials of the caller's own profile it would be asked of another account.
        outside, inside = (structs.replace(source, read_through="", profile=name) for name in (source.profile, ""))
        first = ["iamtui", "exec", source.read_through, *source_words([outside], source.region), "--"]
        return shlex.join([*first, *words, *source_words([inside], region)])
    return shlex.join([*words, *source_words([source, *(one.source for one in workspace.beside)], region)])


def _matrix_words(question_matrix: QuestionMatrix) -> list[str]:
    words: list[str] = []
    if question_matrix.resources != ("*",):
        for resource in question_matrix.resources:
            words += ["--on", resource]
    for action, resources in question_matrix.with_checks.items():
        words += [word for resource in resources for word in ("--with", f"{action}={resource}")] or ["--with", action]
    if question_matrix.chained_from:
        words += ["--chained-from", question_matrix.chained_from]
    return words


def _terms_words(workspace: Workspace, terms: Question, written: Mapping[str, str]) -> list[str]:
    words: list[str] = []
    for option, name, _ in _policy_files(terms, written):
        words += [option, name]
    for key, values in terms.context.items():
        for value in values:
            words += ["-c", f"{written_key(key)}={value}"]
        if not values:
            words += ["--absent", key]
    region = terms.region or workspace.source.region
    if (
        region != workspace.source.region
        and workspace.source.kind is SourceKind.DEMO
        and "aws:requestedregion" not in map(str.lower, terms.context)
    ):
        # The demo has a region of its own, which --region would contradict.
        words += ["-c", f"aws:RequestedRegion={region}"]
    if terms.mode is Mode.STRICT:
        words.append("--strict")
    for layer in sorted(terms.layers_off):
        words += ["--without", layer.value]
    if terms.resource_account:
        words += ["--resource-account", terms.resource_account]
    return words


def source_words(sources: Sequence[SourceInfo], region: str) -> list[str]:
    if sources[0].kind is SourceKind.DEMO:
        return ["--demo"]
    live = [one for one in sources if one.kind is SourceKind.LIVE]
    files = [one for one in sources if one.kind is SourceKind.SNAPSHOT]
    source = next(iter(live), sources[0])
    options = [("--profile", one.profile) for one in live]
    through = next((one.read_through for one in live if one.read_through), "")
    if through:
        options = [("--profile", source.profile), ("--org-role", through.partition(":role/")[2])]
    options += [("--snapshot", name) for name in dict.fromkeys(one.file or one.label for one in files)]
    options += [("--snapshot-account", one.snapshot_account) for one in files]
    options.append(("--region", region))
    if live:
        options.append(("--endpoint-url", source.endpoint_url))
    where = source.organization
    options += [
        ("--organization-profile", where.profile if where.profile_named else ""),
        ("--organization", where.file),
    ]
    return [word for option, value in options if value for word in (option, value)]


def files_of_command(asked: Question | QuestionMatrix, written: Mapping[str, str] = _NO_FILES) -> Mapping[str, str]:
    """The files that the line of `as_command` names and its reader has to write: name to text.

    They are the session policies and scope-downs that came from no file, whose texts do not belong on a command line.
    """
    terms = asked.terms if isinstance(asked, QuestionMatrix) else asked
    return {name: text for _, name, text in _policy_files(terms, written) if text not in written}


def _policy_files(terms: Question, written: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Option, file and text of each policy of the session."""
    for what, texts in (("session-policy", terms.session_policies), ("scope-down", terms.scope_downs)):
        for number, text in enumerate(texts, 1):
            yield f"--{what}", written.get(text, f"{what}-{number}.json"), text
