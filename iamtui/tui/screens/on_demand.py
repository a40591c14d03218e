"""What a source gives only when asked: the policy of a resource, a user's keys and devices. Blocking; for a thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iamtui.account.availability import Missing
from iamtui.account.model import Entity, User
from iamtui.problem import Problem
from iamtui.tui.inventory import Inventory
from iamtui.workspace.workspace import Workspace

if TYPE_CHECKING:
    from iamtui.tui.search import SearchIndex


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load came to.

    Args:
        before: the workspace it began with.
        workspace: the same with what could be loaded.
        inventory, index: of that workspace's account.
        what: what was loaded, in words, each.
        problems: why the rest could not be.
    """

    before: Workspace
    workspace: Workspace
    inventory: Inventory
    index: SearchIndex
    what: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def lacks_details(workspace: Workspace, node: Entity | object) -> bool:
    """Whether the source can be asked for more about a user than was loaded with the account."""
    if not isinstance(node, User) or not workspace.can_call_aws:
        return False
    return any(isinstance(fact, Missing) for fact in (node.access_keys, node.mfa_devices, node.login_profile))


def load(workspace: Workspace, carriers: Sequence[str], user: User | None = None) -> Loaded:
    """Ask the source for the policies of these resources and for the details of a user.

    Args:
        carriers: ARNs that have a policy of their own.
        user: whose access keys, MFA devices and console password are wanted, or None.
    """
    from iamtui.tui.search import SearchIndex  # noqa: PLC0415 - not before a frame
    from iamtui.workspace.opening import load_user_details  # noqa: PLC0415 - brings boto3: only in a thread
    from iamtui.workspace.resource_policies import with_resource_policies  # noqa: PLC0415 - likewise

    now, failed = with_resource_policies(workspace, carriers)
    what = [f"the policy of {carrier}" for carrier in carriers if carrier not in failed]
    problems = list(failed.values())
    if user is not None:
        try:
            now = load_user_details(now, user.name)
            what.append(f"keys, MFA devices and password of {user.name}")
        except Problem as problem:
            problems.append(problem)
    account = now.account
    return Loaded(workspace, now, Inventory(account), SearchIndex(account), tuple(what), tuple(problems))
