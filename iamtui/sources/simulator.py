"""AWS's policy simulator: the call of iam:SimulatePrincipalPolicy and its answer (IAM API Reference).

A read: it evaluates the policies that are attached to a user or role and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from msgspec import Struct

from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem
from iamtui.problem import Problem

MOST_PAGES: Final = 100
"""Pages of one answer that are read before the endpoint is taken for broken: one question makes one page."""


@dataclass(frozen=True, slots=True)
class ContextEntry:
    """One condition key of the simulated request.

    Args:
        type: AWS's name of the type: string, numeric, boolean, ip, binary, date, or one of them with "List".
    """

    key: str
    values: tuple[str, ...]
    type: str


@dataclass(frozen=True, slots=True)
class Simulation:
    """Parameters of a simulation by AWS.

    Args:
        source_arn: the user or role whose attached policies are simulated.
        action: "service:Operation", without wildcards.
        resources: ARNs or patterns; "*" alone is AWS's default.
        caller_arn: the user who calls, wanted with a resource policy; "" leaves it to AWS.
    """

    source_arn: str
    action: str
    resources: tuple[str, ...] = ("*",)
    context: tuple[ContextEntry, ...] = ()
    caller_arn: str = ""
    resource_policy: str = ""
    resource_owner: str = ""

    def parameters(self) -> dict[str, Any]:
        """The parameters of the call, as the API names them."""
        sent: dict[str, Any] = {
            "PolicySourceArn": self.source_arn,
            "ActionNames": [self.action],
            "ResourceArns": list(self.resources),
        }
        if self.context:
            sent["ContextEntries"] = [
                {"ContextKeyName": entry.key, "ContextKeyValues": list(entry.values), "ContextKeyType": entry.type}
                for entry in self.context
            ]
        optional = {
            "CallerArn": self.caller_arn,
            "ResourcePolicy": self.resource_policy,
            "ResourceOwner": self.resource_owner,
        }
        return {**sent, **{name: value for name, value in optional.items() if value}}


@dataclass(frozen=True, slots=True)
class SimulatedStatement:
    """A statement that AWS says took part.

    Args:
        policy: AWS's id of the policy: its name, or "user_NAME_POLICY" for an inline one.
        policy_type: "user", "aws-managed", "IAM Policy", ...: whatever AWS says, or "".
        lines: first and last line in the text as AWS holds it, which need not be ours; None when not said.
    """

    policy: str
    policy_type: str = ""
    lines: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class SimulatedResult:
    """AWS's answer for one resource.

    Args:
        resource: an ARN, "*", or a template such as "arn:${Partition}:s3:::${BucketName}/${KeyName}".
        decision: "allowed", "explicitDeny" or "implicitDeny".
        missing_context: keys that the policies read and that were not sent; AWS took them for absent.
        allowed_by_organizations: what the SCPs say; None when AWS does not say (no SCP applies).
        allowed_by_boundary: what the permissions boundary says; None when AWS does not say (there is none).
        details: policy source to decision, which AWS fills for requests across accounts.
    """

    action: str
    resource: str
    decision: str
    matched: tuple[SimulatedStatement, ...] = ()
    missing_context: tuple[str, ...] = ()
    allowed_by_organizations: bool | None = None
    allowed_by_boundary: bool | None = None
    details: Mapping[str, str] = field(default_factory=dict)


class IncompleteAnswer(Problem):
    """An answer of AWS's simulator that lacks the requested part."""


def simulate(
    connection: Connection, simulation: Simulation, cancelled: Callable[[], bool] = lambda: False
) -> tuple[SimulatedResult, ...]:
    """Ask AWS; every page of its answer. Empty when cancelled between pages. Blocking.

    Raises:
        Problem: AWS refused the call, could not be reached, or answered without a decision.
    """
    results: list[SimulatedResult] = []
    marker = ""
    for _ in range(MOST_PAGES):
        if cancelled():
            return ()
        parameters = simulation.parameters() | ({"Marker": marker} if marker else {})
        try:
            page = connection.call("iam", "SimulatePrincipalPolicy", _Page, **parameters)
        except AwsProblem as problem:
            raise _in_words(problem, simulation) from None
        for evaluation in page.evaluation_results:
            results += _results(evaluation)
        following = page.marker
        if not page.is_truncated:
            break
        if not following or following == marker:
            raise IncompleteAnswer("AWS's simulator says that its answer goes on, but not where.", "Ask again.")
        marker = following
    else:
        raise Problem(
            f"AWS's simulator answered with more than {MOST_PAGES} pages for one question.", "Check the endpoint."
        )
    if not results:
        raise IncompleteAnswer("AWS's simulator answered without a decision.", "Ask again, or check the endpoint.")
    return tuple(results)


_Decision = Literal["allowed", "explicitDeny", "implicitDeny"]


class _Position(Struct, rename="pascal", frozen=True):
    line: int = 0


class _Statement(Struct, rename="pascal"):
    source_policy_id: str = ""
    source_policy_type: str = ""
    start_position: _Position = _Position()
    end_position: _Position = _Position()


class _BoundaryAnswer(Struct, rename="pascal", frozen=True):
    allowed_by_permissions_boundary: bool | None = None


class _Organizations(Struct, rename="pascal", frozen=True):
    allowed_by_organizations: bool | None = None


class _SimulatorAnswer(Struct, rename="pascal"):
    """Result of an evaluation as a whole, and likewise of each resource."""

    matched_statements: list[_Statement] = []
    missing_context_values: list[str] = []
    permissions_boundary_decision_detail: _BoundaryAnswer = _BoundaryAnswer()
    eval_decision_details: dict[str, str] = {}


class _OfOneResource(_SimulatorAnswer, rename="pascal", kw_only=True):
    eval_resource_name: str
    eval_resource_decision: _Decision


class _Evaluation(_SimulatorAnswer, rename="pascal", kw_only=True):
    eval_action_name: str
    eval_decision: _Decision
    eval_resource_name: str = ""
    organizations_decision_detail: _Organizations = _Organizations()
    resource_specific_results: list[_OfOneResource] = []


class _Page(Struct, rename="pascal"):
    evaluation_results: list[_Evaluation]
    is_truncated: bool = False
    marker: str = ""


_SAID: Final = {
    "InvalidInput": (
        "AWS's simulator refused the question as malformed",
        "Check the action's name and the resource's ARN; it takes no wildcard in an action.",
    ),
    "PolicyEvaluation": (
        "AWS's simulator could not evaluate a policy of this principal",
        "The message says which; AWS's simulator does not support every policy that AWS itself does.",
    ),
    "NoSuchEntity": (
        "AWS does not know this principal (any more)",
        "It may have been deleted or renamed since the account was read: refresh.",
    ),
}


_OF_ONE_QUESTION: Final = frozenset(("InvalidInput", "PolicyEvaluation"))


def is_about_one_question(problem: Problem) -> bool:
    """True if AWS refused this one question, or answered it in part, so that it may answer another."""
    if isinstance(problem, AwsProblem):
        return _code(problem) in _OF_ONE_QUESTION
    return isinstance(problem, IncompleteAnswer)


def _code(problem: AwsProblem) -> str:
    return problem.code.removesuffix("Exception")


def _in_words(problem: AwsProblem, simulation: Simulation) -> AwsProblem:
    said = _SAID.get(_code(problem))
    if said is not None:
        sentence, step = said
        _, _, detail = problem.sentence.partition(": ")
        return AwsProblem(
            f"{sentence}{': ' + detail.rstrip('.') if detail else ''}.",
            step,
            code=problem.code,
            permission=problem.permission,
        )
    if problem.denied:
        return AwsProblem(
            f"The caller may not ask AWS's simulator about {simulation.source_arn}.",
            "It needs iam:SimulatePrincipalPolicy on that user or role: iamtui permissions second-opinion.",
            code=problem.code,
            permission="iam:SimulatePrincipalPolicy",
        )
    return problem


def _results(evaluation: _Evaluation) -> Iterator[SimulatedResult]:
    """The answers in one evaluation result, by resource where AWS gives them so.

    AWS answers once for each action, with the most restrictive decision over all resources and perhaps a template
    for a name; what holds for each resource stands in ResourceSpecificResults. Older answers have one result for
    each action and resource, and no such list.
    """
    for answer in evaluation.resource_specific_results:
        yield _result(evaluation, answer, answer.eval_resource_name, answer.eval_resource_decision)
    if not evaluation.resource_specific_results:
        yield _result(evaluation, evaluation, evaluation.eval_resource_name, evaluation.eval_decision)


def _result(evaluation: _Evaluation, answer: _SimulatorAnswer, resource: str, decision: _Decision) -> SimulatedResult:
    by_boundary = answer.permissions_boundary_decision_detail.allowed_by_permissions_boundary
    if by_boundary is None:
        by_boundary = evaluation.permissions_boundary_decision_detail.allowed_by_permissions_boundary
    return SimulatedResult(
        action=evaluation.eval_action_name,
        resource=resource or "*",
        decision=decision,
        matched=tuple(
            SimulatedStatement(one.source_policy_id, one.source_policy_type, lines if all(lines) else None)
            for one in answer.matched_statements
            for lines in [(one.start_position.line, one.end_position.line)]
        ),
        missing_context=tuple(answer.missing_context_values or evaluation.missing_context_values),
        allowed_by_organizations=evaluation.organizations_decision_detail.allowed_by_organizations,
        allowed_by_boundary=by_boundary,
        details=answer.eval_decision_details,
    )
