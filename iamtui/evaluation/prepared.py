"""A request made ready: the action cut, the resource classified, its owner and the rules that apply found."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from iamtui.evaluation.request import Principal, Request
from iamtui.evaluation.services import (
    is_key_question,
    is_trust_question,
    is_use_of_alias,
    on_plain_bucket,
    refusal,
)
from iamtui.policy.action import ActionName, action_name
from iamtui.policy.arn import Arn, is_account_id, parse_arn
from iamtui.policy.resource import RequestResource, ResourceKind


class ActionCatalogue(Hashable, Protocol):
    """What the evaluator needs to know of AWS's actions."""

    def has_resource_type(self, action: str) -> bool | None:
        """Whether the action has a resource type; None when the action is not known."""

    def synthetic_resource(self, action: str, account: str, partition: str) -> str | None:
        """The ARN that a list action without resource type is authorized against, or None."""

    def supports_rcp(self, service: str) -> bool:
        """Whether RCPs affect the service (its action prefix)."""


class PreparedAction(NamedTuple):
    """What action and resource say without the caller.

    Args:
        action: the action, cut.
        resource: the resource as evaluated.
        arn: the same cut, or None when it is `*`.
        owner: the account in the ARN, or None.
        trust: whether a role trust policy takes part.
        key: whether a KMS key policy takes part.
        refused: why no customer policy can allow this, or None.
        on_plain_bucket: whether Block Public Access of a bucket is asked.
        owner_open: whether the ARN leaves its owner open (an account that is not named, but not `aws`).
        plain: whether nothing but policies that can be known decides.
        notes: one sentence each on how the question was read.
    """

    action: ActionName
    resource: RequestResource
    arn: Arn | None
    owner: str | None
    trust: bool
    key: bool
    refused: str | None
    on_plain_bucket: bool
    owner_open: bool
    plain: bool
    notes: tuple[str, ...]


def prepare(
    action_text: str,
    resource_text: str,
    wildcard_only: bool | None,
    partition: str,
    account: str,
    catalogue: ActionCatalogue,
) -> PreparedAction:
    """Classify an action and a resource.

    Args:
        wildcard_only: whether the action has no resource type; None: ask the catalogue (unknown: it has one).
        partition, account: the caller's, for the synthetic resources of list actions.
    """
    action, has_type = _read_action(action_text, catalogue)
    notes: list[str] = []
    if wildcard_only is None:
        if has_type is None:
            notes.append(f"{action_text} is not in the catalogue: evaluated with the resource as given.")
        wildcard_only = has_type is False
        text = catalogue.synthetic_resource(action_text, account, partition) if wildcard_only and account else None
        if text is not None:
            notes.append(f"{action_text} is authorized against {text}.")
            return _prepared(action, RequestResource(text, ResourceKind.ONE), notes)
    if wildcard_only:
        if resource_text != "*":
            notes.append(f"{action_text} has no resource type: the resource is *, whatever ARN is named.")
        every_bucket = f"arn:{partition or 'aws'}:s3:::*" if action.full == "s3:listallmybuckets" else ""
        return _prepared(action, RequestResource("*", ResourceKind.NONE, every_bucket), notes)
    kind = ResourceKind.SET if "*" in resource_text else ResourceKind.ONE
    return _prepared(action, RequestResource(resource_text, kind), notes)


@lru_cache(maxsize=65536)
def _read_action(text: str, catalogue: ActionCatalogue) -> tuple[ActionName, bool | None]:
    """The action, cut, and whether it has a resource type."""
    return action_name(text), catalogue.has_resource_type(text)


_WITH_RULES_OF_THEIR_OWN: Final = frozenset(("iam", "kms", "s3", "sts"))
"""The services for which more than policies may decide."""


def _prepared(action: ActionName, resource: RequestResource, notes: list[str]) -> PreparedAction:
    arn = parse_arn(resource.text)
    owner = None
    owner_open = False
    if arn is not None:
        owner = arn.account if is_account_id(arn.account) else None
        owner_open = arn.account != "aws"
    if action.service not in _WITH_RULES_OF_THEIR_OWN:
        return PreparedAction(
            action, resource, arn, owner, False, False, None, False, owner_open, True, tuple(notes)
        )  # positional: this is made for every question
    by_alias = is_use_of_alias(action, resource)
    if arn is not None and by_alias:
        notes.append(
            "KMS authorizes this against the key behind the alias, and by that key's policy: ask about the key's ARN."
        )
    trust = is_trust_question(action, resource)
    key = is_key_question(action, resource)
    refused = refusal(action, resource)
    return PreparedAction(
        action=action,
        resource=resource,
        arn=arn,
        owner=owner,
        trust=trust,
        key=key,
        refused=refused,
        on_plain_bucket=on_plain_bucket(action, resource, arn),
        owner_open=owner_open,
        plain=not (trust or by_alias or refused is not None or action.service == "sts"),
        notes=tuple(notes),
    )


def resource_owner(named: str | None, caller: Principal, prepared: PreparedAction) -> str | None:
    """The account that owns the resource.

    The explicit input, else the account in the ARN, else the caller's account. `aws` as owner (AWS managed
    policies) is evaluated as the caller's own account.

    Args:
        named: the explicit input, or None.
    """
    if named is not None and named != "aws":
        return named
    return prepared.owner if prepared.owner is not None else caller.account


def owner_is_assumed(request: Request, prepared: PreparedAction) -> bool:
    """Whether the owner is the caller's account only because nothing else names one."""
    return (
        request.resource_account is None
        and prepared.owner is None
        and prepared.owner_open
        and request.principal.account is not None
    )
