"""Loading the policies of the resources that are asked about, before the question is answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from iamtui.account.model import Account
from iamtui.analysis.policies_in_force import WITH_RESOURCE_POLICIES, resource_policy_arn
from iamtui.policy.arn import parse_arn
from iamtui.problem import Problem
from iamtui.workspace.opening import load_resource_policy
from iamtui.workspace.workspace import Workspace


def unloaded_carriers(account: Account, resources: Iterable[str]) -> Iterator[str]:
    """The ARNs whose policies would decide about these resources and have not been asked for, each once.

    An alias of a KMS key that is not known stands for itself.
    """
    seen: set[str] = set()
    for resource in resources:
        carrier = resource_policy_arn(resource)
        carrier = account.kms_aliases.get(carrier, carrier)
        arn = parse_arn(carrier)
        if arn is None or arn.service not in WITH_RESOURCE_POLICIES or "*" in carrier or "?" in carrier:
            continue
        if carrier not in seen and carrier not in account.resource_policies:
            seen.add(carrier)
            yield carrier


def with_resource_policies(workspace: Workspace, resources: Iterable[str]) -> tuple[Workspace, dict[str, Problem]]:
    """Load what is not loaded of the policies that decide about some resources. Blocking.

    Returns:
        The workspace with what could be loaded, and why the rest could not, by ARN. A snapshot is returned as
        it is: it cannot be asked for more.
    """
    failed: dict[str, Problem] = {}
    if workspace.can_call_aws:
        for carrier in unloaded_carriers(workspace.account, resources):
            try:
                workspace = load_resource_policy(workspace, carrier)
            except Problem as problem:
                failed[carrier] = problem
    return workspace, failed
