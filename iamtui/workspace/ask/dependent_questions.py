"""Dependent questions of a call: on which resource, in which context, whether they decide; and those of scenarios."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from msgspec import Struct, structs

from iamtui.catalog.actions import catalogue
from iamtui.catalog.dependent_actions import Check, companions
from iamtui.engine.decision import Decision, Expectation, ResourceScope
from iamtui.engine.evaluator import read_all_layers, with_undocumented_behaviour
from iamtui.engine.request import Request
from iamtui.engine.scenarios.scenario import Scenario, ScenarioError
from iamtui.policy.patterns import parse_arn
from iamtui.policy.resource import resource_policy_arn
from iamtui.problem import Problem
from iamtui.questions.answers import DependentAnswer, never_asked, worst_of
from iamtui.questions.question import Question
from iamtui.text import safe_text
from iamtui.workspace.ask.questions import check_known

_LOST_ON_THE_WAY: Final = (
    "aws:SourceVpc",
    "aws:SourceVpcArn",
    "aws:SourceVpce",
    "aws:VpceAccount",
    "aws:VpceOrgID",
    "aws:VpceOrgPaths",
    "aws:VpcSourceIp",
)
"""Keys of the first hop that a forward access session does not carry (IAM User Guide: forward access sessions)."""


class DependentQuestion(Struct, frozen=True):
    """A companion to be answered: the check, the request it is answered as, and whether it decides."""

    check: Check
    question: Question
    decides: bool


class AuthorizedCall(Struct, frozen=True):
    """The authorized action of a call, with its checks.

    Args:
        action: the action that is authorized; not what was typed for a call without an action of its own name.
        checks: what is authorized besides.
        note: what the table says of the action itself, or "".
    """

    action: str
    checks: tuple[Check, ...]
    note: str = ""

    @classmethod
    def of(cls, typed: str) -> AuthorizedCall:
        """The call behind an action or API call, in any letter case."""
        checks = companions(typed)
        if not checks:
            return cls(typed, ())
        first, *rest = checks
        return cls(typed if catalogue().knows(typed) else first.action, tuple(rest), first.note)


def companion_questions(
    call: AuthorizedCall,
    question: Question,
    named: Mapping[str, tuple[str, ...]],
    partition: str,
    account: str,
) -> Iterator[DependentQuestion]:
    """The companions of a question.

    Args:
        question: the action itself on its resource, with its region.
        named: companions that the call does make, by action in lower case, to their resources (none: whatever
            fits). They decide, as those of every call do.
        partition, account: where the resources of companions that nobody named are looked for.
    """
    several = _checked_more_than_once(call)
    for check in call.checks:
        key = check.action.lower()
        given = named.get(key)
        if given is not None and key in several:
            # Which of the checks of this action a resource is for shows in its type.
            given = tuple(resource for resource in given if _same_type(check, resource, partition, account)) or None
        if (
            not given
            and key == question.action.lower()
            and (not check.arn or _same_type(check, question.resource, partition, account))
        ):
            continue
        for resource in given or (_resource_of(check, question, partition, account),):
            context = _context_of(check, question, resource)
            asked = replace(question, action=check.action, resource=resource, context=context)
            yield DependentQuestion(check, asked, not check.when or given is not None or named.get(key) == ())


def requests_beside(request: Request) -> Iterator[tuple[Check, Request]]:
    """Companion requests on the same resource of every call with this request, so that the same policies decide."""
    call = AuthorizedCall.of(request.action)
    for check in call.checks:
        if check.when or check.arn or check.via or check.action.lower() == request.action.lower():
            continue
        given = {key.lower() for key in request.context}
        carried = {key: (value,) for key, value in check.context if key.lower() not in given}
        named = {key.lower() for key in carried}
        yield (
            check,
            structs.replace(
                request,
                action=check.action,
                context={**request.context, **carried},
                known_absent=tuple(key for key in request.known_absent if key.lower() not in named),
                any_value=tuple(key for key in request.any_value if key.lower() not in named),
                wildcard_only_action=None,
            ),
        )


def _checked_more_than_once(call: AuthorizedCall) -> frozenset[str]:
    counts = Counter(check.action.lower() for check in call.checks)
    counts[call.action.lower()] += 1
    return frozenset(action for action, count in counts.items() if count > 1)


def _resource_of(check: Check, question: Question, partition: str, account: str) -> str:
    if not check.arn:
        return question.resource
    arn = parse_arn(question.resource)
    if arn is not None and arn.service == "s3" and arn.account and "{bucket}" in check.arn:
        # An access point stands for its bucket.
        return resource_policy_arn(question.resource, arn)
    bucket = arn.resource.split("/", 1)[0] if arn is not None and arn.service == "s3" else "*"
    region = (arn.region if arn is not None else "") or _region_of(question)
    return check.arn.format(partition=partition, account=account, bucket=bucket, region=region)


def _region_of(question: Question) -> str:
    given = {key.lower(): values for key, values in question.context.items()}.get("aws:requestedregion", ())
    return given[0] if len(given) == 1 else question.region or "*"


def _same_type(check: Check, resource: str, partition: str, account: str) -> bool:
    """True where a resource is of the type that a check of another resource is about (a subnet, for subnets)."""
    form = parse_arn(check.arn.format(partition=partition, account=account, bucket="*", region="*"))
    arn = parse_arn(resource)
    if form is None or arn is None or arn.service != form.service:
        return False
    return arn.resource.split("/", 1)[0] == form.resource.split("/", 1)[0]


def is_about(check: Check, resource: str) -> bool:
    """True where a resource, which may be a pattern, is of the type that a check of another resource is about."""
    return _same_type(check, resource, "aws", "")


# What is said of companions, as in `QuestionMatrix.with_checks`: by action, to the resources.


def _others(named: Mapping[str, tuple[str, ...]], check: Check) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Named resources of other actions, and of this action's checks of other resources."""
    of_others = {action: on for action, on in named.items() if action.lower() != check.action.lower()}
    own = next((on for action, on in named.items() if action.lower() == check.action.lower()), ())
    return of_others, tuple(resource for resource in own if check.arn and not is_about(check, resource))


def on_resource(named: Mapping[str, tuple[str, ...]], check: Check, resource: str) -> dict[str, tuple[str, ...]]:
    others, own = _others(named, check)
    return {**others, check.action: (*own, resource)}


def whatever_fits(named: Mapping[str, tuple[str, ...]], check: Check) -> dict[str, tuple[str, ...]]:
    """Say that the call makes a check, on whatever fits; so does then every check of the same action."""
    return {**_others(named, check)[0], check.action: ()}


def unsaid(named: Mapping[str, tuple[str, ...]], check: Check) -> dict[str, tuple[str, ...]]:
    others, own = _others(named, check)
    return {**others, check.action: own} if own else others


def _context_of(check: Check, question: Question, resource: str) -> dict[str, tuple[str, ...]]:
    """The context of a companion: what the check always carries, and what a forwarded request keeps and loses."""
    context = dict(question.context)
    given = {key.lower() for key in context}
    for key, value in check.context:
        if key.lower() not in given:
            context[key] = (value,)
    if not check.via:
        return context
    lost = {key.lower() for key in _LOST_ON_THE_WAY} | {"aws:viaawsservice"}
    context = {key: values for key, values in context.items() if key.lower() not in lost}
    context |= dict.fromkeys(_LOST_ON_THE_WAY, ())
    context["aws:ViaAWSService"] = ("true",)
    arn = parse_arn(resource)
    if arn is not None and arn.region and "*" not in arn.region and "kms:viaservice" not in given:
        # A key is used by the service of its own Region only.
        context["kms:ViaService"] = (f"{check.via}.{arn.region}.amazonaws.com",)
    return context


def check_named(named: Mapping[str, tuple[str, ...]], calls: Sequence[AuthorizedCall]) -> None:
    """Refuse companions that no call is checked for, and resources that none of several checks is about.

    Raises:
        Problem: it is so; names what is checked.
    """
    known = {check.action.lower(): check.action for call in calls for check in call.checks}
    for name, resources in named.items():
        if name.lower() not in known:
            hint = f"What is checked too: {', '.join(known.values())}." if known else "Ask about it by itself."
            raise Problem(f"{safe_text(name)} is not checked with any call in the question.", hint)
        several = [call for call in calls if name.lower() in _checked_more_than_once(call)]
        for resource in resources:
            checks = [check for call in several for check in call.checks if check.action.lower() == name.lower()]
            if checks and not any(check.arn and _same_type(check, resource, "aws", "") for check in checks):
                words = ", ".join(dict.fromkeys(check.resource for check in checks))
                raise Problem(
                    f"{safe_text(name)} is not checked on {safe_text(resource)}.", f"It is checked on: {words}."
                )


_doubt_about: Final = lru_cache(maxsize=1024)(never_asked)


@dataclass(frozen=True, slots=True)
class ScenarioAnswer:
    """Answer of one scenario, as `iamtui can` gives it for a question.

    Args:
        decision: about the request itself.
        beside: what every call with it is checked for too, on the same resource.
        never_asked: why AWS never asks it, or "".
    """

    decision: Decision
    beside: tuple[DependentAnswer, ...]
    never_asked: str

    @property
    def deciding(self) -> Decision:
        """The worst of all: the call needs each."""
        return worst_of((self.decision, *(one.decision for one in self.beside)))

    def unmet(self, expected: Expectation) -> str:
        """Why this is not what was expected, as a clause, or "" when it is."""
        deciding = self.deciding
        if not expected.met_by(deciding.outcome):
            besides = "" if deciding is self.decision else f" ({deciding.request.action})"
            return f"it is {deciding.outcome.value}{besides}"
        if deciding.allowed and deciding.resource_scope is ResourceScope.SOME:
            return "it is allowed only on some of the resources"
        # What AWS never asks is never allowed: a denial is as expected whatever the policies say.
        return "AWS never asks this" if self.never_asked and expected is Expectation.ALLOWED else ""


def answer_scenario(entry: Scenario) -> ScenarioAnswer:
    """The answer to a scenario.

    Raises:
        ScenarioError: AWS has no such action, as far as is known here, and the scenario does not say what it is about.
    """

    def decide(request: Request) -> Decision:
        return with_undocumented_behaviour(read_all_layers(request, entry.policies, entry.options))

    asked = entry.request
    if asked.wildcard_only_action is None:
        try:
            check_known([asked.action])
        except Problem as problem:
            raise ScenarioError(str(problem).rstrip("."), path="$.request.action") from None
    doubt = _doubt_about(asked.action, asked.resource) if asked.wildcard_only_action is None else ""
    decision = decide(asked)
    if doubt:
        decision = decision.with_parts(notes=(*decision.notes, doubt))
    beside = tuple(
        DependentAnswer(check, Question(request.action, request.resource), decide(request), decides=True)
        for check, request in requests_beside(asked)
    )
    return ScenarioAnswer(decision, beside, doubt)
