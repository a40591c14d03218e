"""The smallest changes that would allow what is denied: one for each thing that stands in the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from iamtui.catalog.engine_facts import ENGINE_CATALOGUE
from iamtui.catalog.request_keys import is_of_another_resource
from iamtui.evaluation.caller import partition_of, role_arn_of
from iamtui.evaluation.decision import Decision, Layer, LayerState, Reason, StatementRef
from iamtui.evaluation.layer_reports import FEDERATED_NEEDS_SESSION_POLICY
from iamtui.evaluation.prepared import prepare
from iamtui.evaluation.request import Principal, PrincipalKind
from iamtui.evaluation.services import takes_resource_policy
from iamtui.evaluation.trace import TracedElement, TracedLayer, TracedStatement
from iamtui.evaluation.wording import name_of, short_policy_name
from iamtui.policy.action import action_name
from iamtui.policy.arn import parse_arn
from iamtui.text import safe_text

_ASK_FROM_THERE: Final = (
    "Ask from the account that the resource belongs to, by a role there: no policy can open it to another."
)
_NOT_PUBLIC: Final = "Narrow the statements that make the bucket policy public: no Allow helps while it is."


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The smallest change that would take one obstacle away. A suggestion, never an instruction.

    Args:
        layer: where to change.
        policy: the policy to change, or "" for a new one.
        change: what to do, one sentence.
        statement: a statement to add, as a JSON object, or None.
    """

    layer: Layer
    policy: str
    change: str
    statement: dict[str, Any] | None = None


def suggest(decision: Decision, layers: tuple[TracedLayer, ...]) -> Iterator[Suggestion]:
    """What to change, each curing one thing that stands in the way of a denied request.

    Args:
        layers: the trace of the same request, or none: near misses are then not found.
    """
    for reason in decision.reasons:
        yield from _suggest(decision, reason, layers)
    if any(
        report.layer is Layer.BLOCK_PUBLIC_ACCESS and report.state is LayerState.DENIES for report in decision.layers
    ):
        # Its gate also waits behind grants that are still lacking, where it is no reason yet.
        yield Suggestion(Layer.BLOCK_PUBLIC_ACCESS, "", _NOT_PUBLIC)


def owner_alone(decision: Decision, reason: Reason) -> bool:
    """Whether the resource is of a service that no policy on it opens to other accounts."""
    return reason.layer is Layer.RESOURCE and not takes_resource_policy(action_name(decision.request.action))


def lacks_session_policy(decision: Decision, reason: Reason) -> bool:
    """Whether a federated-user session is denied because it was made without a session policy."""
    return reason.layer is Layer.SESSION and FEDERATED_NEEDS_SESSION_POLICY in decision.layers


def _suggest(decision: Decision, reason: Reason, layers: tuple[TracedLayer, ...]) -> Iterator[Suggestion]:
    if reason.layer is Layer.BLOCK_PUBLIC_ACCESS:
        return
    if owner_alone(decision, reason):
        yield Suggestion(reason.layer, "", _ASK_FROM_THERE)
        return
    if reason.layer is Layer.IDENTITY and reason.kind == "implicit" and not decision.identity_needed:
        return
    if reason.kind == "explicit":
        for ref in reason.statements:
            how = "Narrow or remove"
            if _of_aws(ref.policy):
                how = f"Detach {short_policy_name(ref.policy)}, which AWS manages, because of"
            yield Suggestion(
                reason.layer,
                ref.policy,
                f"{how} the Deny in {name_of(ref)}{_escape(ref, reason, layers)}; no Allow can override it.",
            )
        return
    near = _near_miss(decision, reason, layers)
    if near is not None:
        statement, element = near
        yield Suggestion(reason.layer, statement.policy, _widen(decision, statement, element))
        return
    yield _add_statement(decision, reason, _resource_asked(decision))


def _resource_asked(decision: Decision) -> str:
    """The resource that policies are held against: `*` for an action without resource types, whatever was named."""
    request = decision.request
    prepared = prepare(
        request.action,
        request.resource,
        request.wildcard_only_action,
        partition_of(request.principal),
        request.principal.account or "",
        ENGINE_CATALOGUE,
    )
    return prepared.resource.text


def _of_aws(policy: str) -> bool:
    """Whether a policy is AWS's own, which its users can attach and detach but not change."""
    arn = parse_arn(policy)
    return arn is not None and arn.account == "aws"


def _escape(ref: StatementRef, reason: Reason, layers: tuple[TracedLayer, ...]) -> str:
    """How a conditional Deny can be avoided without editing it."""
    for statement in _statements_of(reason, layers):
        if statement.policy == ref.policy and statement.statement == ref.statement:
            conditions = [element for element in statement.elements if element.element == "Condition"]
            if conditions:
                seen = "; ".join(_condition_seen(element) for element in conditions)
                return f", or make one of its conditions not hold ({seen})"
    return ""


def _condition_seen(element: TracedElement) -> str:
    seen = element.seen_words(128) or "absent"
    wanted = ", ".join(element.wanted_words(limit=128)[:4])
    return f"{safe_text(element.operator, limit=64)} {safe_text(element.key, limit=128)} {wanted}; here: {seen}"


def _statements_of(reason: Reason, layers: tuple[TracedLayer, ...]) -> Iterator[TracedStatement]:
    for layer in layers:
        if layer.layer is reason.layer and (reason.level is None or layer.level == reason.level):
            yield from layer.statements


def _near_miss(
    decision: Decision, reason: Reason, layers: tuple[TracedLayer, ...]
) -> tuple[TracedStatement, TracedElement] | None:
    """An Allow that fails by one element only, conditions first: they can be met without editing.

    Those on a key that the check of this resource never carries cannot.
    """
    request = decision.request
    found: list[tuple[int, TracedStatement, TracedElement]] = []
    for statement in _statements_of(reason, layers):
        failing = statement.failing
        if statement.effect != "Allow" or len(failing) != 1:
            continue
        element = failing[0]
        if element.key and is_of_another_resource(request.action, request.resource, element.key):
            continue
        rank = {"Condition": 0, "Resource": 1, "Principal": 2}.get(element.element)
        if rank is not None and (rank == 0 or not _of_aws(statement.policy)):
            found.append((rank, statement, element))
    if not found:
        return None
    _, statement, element = min(found, key=lambda item: item[0])
    return statement, element


def _widen(decision: Decision, statement: TracedStatement, element: TracedElement) -> str:
    sid = safe_text(statement.sid, limit=128) if statement.sid else f"statement {statement.statement + 1}"
    where = f"{short_policy_name(statement.policy)} / {sid}"
    if element.element == "Condition":
        return f"{where} would allow it if its condition held: {_condition_seen(element)}."
    if element.element == "Resource":
        return f"Add {safe_text(element.seen[0], limit=512)} to the Resource of {where}; {_all_else(statement)}."
    who = safe_text(_principal_value(decision), limit=512)
    return f"Add {who} to the Principal of {where}; {_all_else(statement)}."


def _all_else(statement: TracedStatement) -> str:
    """That the rest matches, and which actions would be allowed with the one asked about."""
    actions = next((element for element in statement.elements if element.element in ("Action", "NotAction")), None)
    if actions is None or (
        actions.element == "Action" and len(actions.wanted) == 1 and not set(actions.wanted[0]) & {"*", "?"}
    ):
        return "all else in it matches"
    listed = ", ".join(safe_text(action, limit=128) for action in actions.wanted[:4])
    more = f" and {len(actions.wanted) - 4} more" if len(actions.wanted) > 4 else ""
    but = "all but " if actions.element == "NotAction" else ""
    return f"all else in it matches, and all that it allows comes with it: {but}{listed}{more}"


def _principal_value(decision: Decision) -> str:
    principal = decision.request.principal
    return principal.role_arn or principal.arn or "*"


def _add_statement(decision: Decision, reason: Reason, resource: str) -> Suggestion:
    request = decision.request
    statement: dict[str, Any] = {"Effect": "Allow"}
    if reason.layer in (Layer.RESOURCE, Layer.VPC_ENDPOINT):
        statement["Principal"] = _principal_element(decision, reason.layer)
    statement["Action"] = request.action
    trust = reason.layer is Layer.RESOURCE and request.action.lower().startswith("sts:")
    if not trust:
        statement["Resource"] = resource
    target = {
        Layer.IDENTITY: _identity_target(request.principal),
        Layer.RESOURCE: "the role's trust policy"
        if trust
        else f"the policy of {safe_text(_carrier(request.resource), limit=512)}",
        Layer.SESSION: "a session policy passed to sts:GetFederationToken"
        if lacks_session_policy(decision, reason)
        else "the session policy",
        Layer.BOUNDARY: "the permissions boundary",
        Layer.VPC_ENDPOINT: "the VPC endpoint's policy",
    }.get(reason.layer, "")
    if reason.layer is Layer.SCP:
        level = safe_text(reason.level_name or f"level {reason.level}", limit=128)
        target = f"a service control policy attached to {level}"
    return Suggestion(reason.layer, "", f"Allow {safe_text(request.action, limit=128)} in {target}.", statement)


def _identity_target(principal: Principal) -> str:
    """Where an Allow for a caller goes: a session has no policies but those of its role or of who made it."""
    if principal.kind is PrincipalKind.FEDERATED_USER:
        issuer = safe_text(principal.issuer, limit=512) if principal.issuer else "the user"
        return f"an identity policy of {issuer} that made this session"
    holder = safe_text(role_arn_of(principal) or principal.arn, limit=512)
    if "/aws-reserved/sso.amazonaws.com/" in holder:
        return f"the permission set behind {holder}, in IAM Identity Center"
    return f"an identity policy of {holder}"


def _carrier(resource: str) -> str:
    """What holds the policy of a resource: of an object in S3 its bucket."""
    arn = parse_arn(resource)
    return resource.partition("/")[0] if arn is not None and arn.service == "s3" and not arn.account else resource


def _principal_element(decision: Decision, layer: Layer) -> dict[str, str] | str:
    principal = decision.request.principal
    if layer is Layer.VPC_ENDPOINT and principal.kind.value == "identity_provider":
        # Federated entries mean something in role trust policies only.
        return "*"
    kinds = {"service": "Service", "identity_provider": "Federated", "canonical_user": "CanonicalUser"}
    if principal.kind.value == "anonymous":
        return "*"
    return {kinds.get(principal.kind.value, "AWS"): _principal_value(decision)}
