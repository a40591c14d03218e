"""Which calls of a plan a principal may make: a verdict for each certain call, counts of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from iamtui.engine.calls.planned_calls import planned_calls
from iamtui.engine.decision import Decision, Outcome, ResourceScope
from iamtui.engine.request import Principal
from iamtui.plan.terraform import PlanChange
from iamtui.policy.patterns import parse_arn
from iamtui.questions.question import Question
from iamtui.workspace.ask.denials import with_path
from iamtui.workspace.ask.questions import ask
from iamtui.workspace.source.workspace import Workspace


class CallVerdict(StrEnum):
    """Verdict on a certain call; `AS_LOADED`: allowed, but a layer that could deny it was not loaded."""

    ALLOWED = "allowed"
    AS_LOADED = "allowed as loaded"
    DENIED = "denied"
    DEPENDS = "depends"


class CertainCall(NamedTuple):
    """A certain call of a change, answered.

    Args:
        resource: its ARN; a pattern or "*" where the plan does not tell all of it.
    """

    address: str
    action: str
    resource: str
    verdict: CallVerdict
    decision: Decision


class PlanApply(NamedTuple):
    """Answer about all calls of a plan.

    Args:
        possible: by address, the actions that the change may need besides; they deny nothing.
        not_mapped: by type, the addresses whose calls are not known.
    """

    certain: tuple[CertainCall, ...]
    possible: Mapping[str, tuple[str, ...]]
    not_mapped: Mapping[str, tuple[str, ...]]

    def of(self, verdict: CallVerdict) -> tuple[CertainCall, ...]:
        return tuple(one for one in self.certain if one.verdict is verdict)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every certain action with its resource, once: what credentials for the plan have to allow."""
        return tuple(dict.fromkeys((one.action, one.resource) for one in self.certain))


def plan_apply(workspace: Workspace, principal: Principal, changes: Iterable[PlanChange]) -> PlanApply:
    """The calls of a plan's changes in the account that is open, answered for the principal that applies it."""
    certain: list[CertainCall] = []
    possible: dict[str, tuple[str, ...]] = {}
    not_mapped: dict[str, tuple[str, ...]] = {}
    known: dict[tuple[Any, ...], Decision] = {}
    account = workspace.account.id
    for change in changes:
        region = _region(workspace, change)
        unknown = [name for name in change.after_unknown if change.is_unknown(name)]
        calls = planned_calls(
            change.type, change.actions, change.before, change.after, account=account, region=region, unknown=unknown
        )
        if not calls.mapped:
            not_mapped[change.type] = (*not_mapped.get(change.type, ()), change.address)
            continue
        if calls.possible:
            possible[change.address] = calls.possible
        for action in calls.certain:
            context = dict(action.context)
            for resource in action.resources or ("*",):
                resource, exact = _with_path(workspace, action.action, resource)
                about = (action.action, resource, action.context, region)
                if about not in known:
                    known[about] = ask(workspace, principal, Question(action.action, resource, context, region=region))
                verdict = _verdict(known[about], untold=bool(action.untold) or not exact)
                certain.append(CertainCall(change.address, action.action, resource, verdict, known[about]))
    return PlanApply(tuple(certain), possible, not_mapped)


def _region(workspace: Workspace, change: PlanChange) -> str:
    own = (change.after or change.before).get("region")
    configured = change.provider.region if change.provider is not None else None
    return own if isinstance(own, str) and own else configured or workspace.source.region


def _with_path(workspace: Workspace, action: str, resource: str) -> tuple[str, bool]:
    """A resource of IAM with the path that the account knows; False beside it where the path is not known."""
    arn = parse_arn(resource)
    if arn is None or arn.service != "iam" or action.startswith("iam:Create") or "*" in resource:
        return resource, True
    found = with_path(workspace, resource, arn.resource_type, arn.name)
    exact = workspace.account.by_arn(found) is not None or arn.resource_type not in ("role", "user", "group")
    return found, exact


def _verdict(decision: Decision, *, untold: bool) -> CallVerdict:
    """Allowed on every resource that may be meant, denied on every one, or open."""
    if decision.denied:
        return CallVerdict.DENIED
    whole = decision.resource_scope in (ResourceScope.ONE, ResourceScope.ALL)
    if decision.outcome is Outcome.ALLOWED and whole and not untold:
        return CallVerdict.ALLOWED if decision.complete else CallVerdict.AS_LOADED
    return CallVerdict.DEPENDS
