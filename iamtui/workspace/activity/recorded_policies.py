"""Policies of the resources that recorded calls name, loaded into a workspace where they are not yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from iamtui.activity.requests import DistinctRequest
from iamtui.engine.calls.api_calls import authorized_by
from iamtui.policy.patterns import is_pattern
from iamtui.workspace.source.opening import unloaded_policies, with_resource_policies
from iamtui.workspace.source.workspace import Workspace

MOST_LOADED: Final = 200
"""Most resources whose policies are loaded."""


def with_named_policies(
    workspace: Workspace, requests: Iterable[DistinctRequest], told: Callable[[int], None] = lambda _count: None
) -> tuple[Workspace, dict[str, str]]:
    """The workspace with the policies of the resources that requests name, up to MOST_LOADED; and why others are not.

    Blocking: they are asked for where they are not loaded.
    """
    if not workspace.can_call_aws:
        return workspace, {}
    calls = (one for one in requests if one.is_call and not (one.error and not one.denied))
    named = (arn for call in calls for action in authorized_by(call.record()).actions for arn in action.resources)
    return with_policies_of(workspace, named, told)


def with_policies_of(
    workspace: Workspace, resources: Iterable[str], told: Callable[[int], None] = lambda _count: None
) -> tuple[Workspace, dict[str, str]]:
    """The same, of resources by their ARNs; patterns are passed over."""
    if not workspace.can_call_aws:
        return workspace, {}
    wanted = dict.fromkeys(unloaded_policies(workspace, (arn for arn in resources if arn and not is_pattern(arn))))
    loaded = list(wanted)[:MOST_LOADED]
    failed = dict.fromkeys(list(wanted)[MOST_LOADED:], f"more than {MOST_LOADED} are not loaded at once")
    for number, carrier in enumerate(loaded):
        told(number)
        workspace, refused = with_resource_policies(workspace, [carrier])
        failed |= {arn: problem.sentence for arn, problem in refused.items()}
    return workspace, failed
