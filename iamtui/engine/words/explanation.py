"""A Decision in plain sentences: why it is so, everything that blocks it, and the smallest change that helps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from msgspec import Struct, structs

from iamtui.catalog.actions import is_of_another_resource
from iamtui.engine.condition_words import LAYER_NAMES, condition_of, first_of, name_of
from iamtui.engine.decision import (
    Decision,
    Layer,
    LayerState,
    Outcome,
    Reason,
    ResourceScope,
    StatementRef,
    short_policy_name,
)
from iamtui.engine.layer_reports import FEDERATED_NEEDS_SESSION_POLICY
from iamtui.engine.prepared_request import prepare_request, resource_owner
from iamtui.engine.request import Principal, PrincipalKind, is_service_linked, role_arn_of
from iamtui.engine.service_rules import closed_to_others, gift_rule
from iamtui.engine.words.trace import TracedElement, TracedLayer, TracedStatement
from iamtui.policy.document import key_fault
from iamtui.policy.patterns import parse_arn
from iamtui.policy.statement import action_name
from iamtui.policy.values import parse_operator
from iamtui.text import first_names, first_of_texts, safe_text

# The smallest changes that would allow what is denied: one for each thing that stands in the way.


_ASK_FROM_THERE: Final = (
    "Ask from the account that the resource belongs to, by a role there: no policy can open it to another."
)
_NOT_PUBLIC: Final = "Narrow the statements that make the bucket policy public: no Allow helps while it is."
_AWS_ATTACHED: Final = frozenset(("FullAWSAccess", "RCPFullAWSAccess"))
"""Policies of AWS that organizations know by their names alone."""
_OF_THE_CALLERS_ACCOUNT: Final = (Layer.IDENTITY, Layer.BOUNDARY, Layer.SESSION, Layer.SCP)


class Suggestion(Struct, frozen=True):
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
    """Suggestions for a denied request, each removing one obstacle.

    Args:
        layers: the trace of the same request, or none: near misses are then not found.
    """
    for reason in decision.reasons:
        account = acting_account(decision, reason.layer)
        for suggestion in _suggest(decision, reason, layers):
            if account and suggestion.change != _ASK_FROM_THERE:
                change = f"{suggestion.change} Account {account} has to do this."
                suggestion = structs.replace(suggestion, change=change)
            yield suggestion
    if any(
        report.layer is Layer.BLOCK_PUBLIC_ACCESS and report.state is LayerState.DENIES for report in decision.layers
    ):
        # Its gate also waits behind grants that are still lacking, where it is no reason yet.
        yield Suggestion(Layer.BLOCK_PUBLIC_ACCESS, "", _NOT_PUBLIC)


def acting_account(decision: Decision, layer: Layer) -> str:
    """The account whose administrators change a layer of a cross-account request; "" where only one takes part."""
    request = decision.request
    own = request.principal.account
    owner = resource_owner(request.resource_account, request.principal, prepare_request(request))
    if own is None or owner is None or own == owner:
        return ""
    if layer in _OF_THE_CALLERS_ACCOUNT:
        return own
    return owner if layer in (Layer.RESOURCE, Layer.RCP) else ""


def owner_alone(decision: Decision, reason: Reason) -> bool:
    """True if no policy can open the resource to callers from outside its account."""
    request = decision.request
    closed = closed_to_others(action_name(request.action), request.principal.kind, parse_arn(request.resource))
    return reason.layer is Layer.RESOURCE and closed != "" and _why(decision, Layer.RESOURCE) == closed


def lacks_session_policy(decision: Decision, reason: Reason) -> bool:
    """True if a federated-user session is denied because it was made without a session policy."""
    return reason.layer is Layer.SESSION and FEDERATED_NEEDS_SESSION_POLICY in decision.layers


def _suggest(decision: Decision, reason: Reason, layers: tuple[TracedLayer, ...]) -> Iterator[Suggestion]:
    if reason.layer is Layer.BLOCK_PUBLIC_ACCESS:
        return
    if owner_alone(decision, reason):
        yield Suggestion(reason.layer, "", _ASK_FROM_THERE)
        return
    if reason.layer is Layer.IDENTITY and reason.kind == "implicit" and not decision.identity_needed:
        return
    fixed = _fixed_by_aws(decision, reason)
    if fixed:
        yield Suggestion(reason.layer, "", fixed)
        return
    if reason.kind == "explicit":
        for ref in reason.statements:
            conditions = _conditions_of(ref, reason, layers)
            change = f"{_how_to_end(decision, ref)}{_escape(conditions)}; no Allow can override it."
            listed = any(lists_exceptions(one.operator, one.key) for one in conditions)
            yield Suggestion(reason.layer, ref.policy, change + narrowest_exception(decision, ref, listed=listed))
        return
    near = _near_miss(decision, reason, layers)
    if near is not None and not (reason.layer is Layer.SCOPE_DOWN and len(_silent_policies(reason, layers)) > 1):
        statement, element = near
        yield Suggestion(reason.layer, statement.policy, _widen(decision, statement, element))
        return
    yield _add_statement(decision, reason, layers)


def _fixed_by_aws(decision: Decision, reason: Reason) -> str:
    """Advice where nobody but AWS can change the cause of a denial; "" where its policies can be edited.

    IAM User Guide: service-linked roles; IAM Identity Center User Guide: permission sets.
    """
    principal = decision.request.principal
    if reason.layer is Layer.IDENTITY and is_service_linked(principal):
        who = safe_text(role_arn_of(principal) or principal.arn, limit=512)
        return f"Make the call as another role: {who} is a service-linked role, whose policies only AWS changes."
    if reason.layer is not Layer.RESOURCE or not _is_trust(decision):
        return ""
    role = decision.request.resource
    shown = safe_text(role, limit=512)
    if ":role/aws-service-role/" in role:
        return f"Use another role: {shown} is a service-linked role, which only its AWS service can assume."
    if _is_reserved(role):
        return (
            f"Assign the permission set of {shown} in IAM Identity Center and sign in there: "
            "nobody can edit the trust policy of a reserved role."
        )
    return ""


def _is_trust(decision: Decision) -> bool:
    return decision.request.action.lower().startswith("sts:")


def _is_reserved(role_arn: str) -> bool:
    """True if a role belongs to IAM Identity Center, which alone edits it."""
    return ":role/aws-reserved/" in role_arn or "/AWSReservedSSO_" in role_arn


def _how_to_end(decision: Decision, ref: StatementRef) -> str:
    if ref.layer is Layer.IDENTITY and _is_reserved(role_arn_of(decision.request.principal) or ""):
        return f"In the permission set, in IAM Identity Center, narrow or remove the Deny in {name_of(ref)}"
    if of_aws(ref.policy):
        how = "Replace" if ref.layer is Layer.BOUNDARY else "Detach"
        return f"{how} {short_policy_name(ref.policy)}, which AWS manages, because of the Deny in {name_of(ref)}"
    return f"Narrow or remove the Deny in {name_of(ref)}"


def narrowest_exception(decision: Decision, ref: StatementRef, *, listed: bool = False) -> str:
    """The condition that excepts just this caller from a Deny; "" where no key tells it apart, or AWS owns the policy.

    aws:PrincipalArn of a session is the ARN of its role (IAM User Guide: global condition context keys).

    Args:
        listed: whether the Deny has such a condition already, for others: a second one would stand in its place.
    """
    principal = decision.request.principal
    who = principal.arn if principal.kind is PrincipalKind.USER else role_arn_of(principal)
    if who is None or of_aws(ref.policy):
        return ""
    if listed:
        return f" The narrowest exception is {safe_text(who, limit=512)} beside the others of its aws:PrincipalArn."
    exception = f'"ArnNotEquals": {{"aws:PrincipalArn": "{safe_text(who, limit=512)}"}}'
    return f" The narrowest exception is the condition {exception} on it."


def of_aws(policy: str) -> bool:
    """True if a policy, by its name or ARN, is AWS's own: customers attach and detach it but cannot change it."""
    arn = parse_arn(policy)
    return policy in _AWS_ATTACHED or (arn is not None and arn.account == "aws")


def lists_exceptions(operator: str, key: str) -> bool:
    """True if a condition of a Deny is a list of excepted callers, as `narrowest_exception` names it."""
    return (operator.lower(), key.lower()) == ("arnnotequals", "aws:principalarn")


def _conditions_of(ref: StatementRef, reason: Reason, layers: tuple[TracedLayer, ...]) -> list[TracedElement]:
    for statement in _statements_of(reason, layers):
        if statement.policy == ref.policy and statement.statement == ref.statement:
            return [element for element in statement.elements if element.element == "Condition"]
    return []


def _escape(conditions: Sequence[TracedElement]) -> str:
    """How a conditional Deny can be avoided without editing it."""
    seen = "; ".join(map(_condition_seen, conditions))
    return f", or make one of its conditions not hold ({seen})" if seen else ""


def _condition_seen(element: TracedElement) -> str:
    seen = element.seen_words(128) or "absent"
    wanted = ", ".join(element.wanted_words(limit=128)[:4])
    return f"{safe_text(element.operator, limit=64)} {safe_text(element.key, limit=128)} {wanted}; here: {seen}"


def _statements_of(reason: Reason, layers: tuple[TracedLayer, ...]) -> Iterator[TracedStatement]:
    for layer in layers:
        if layer.layer is reason.layer and (reason.level is None or layer.level == reason.level):
            yield from layer.statements


def _silent_policies(reason: Reason, layers: tuple[TracedLayer, ...]) -> list[str]:
    """The policies of a layer of which each has to allow, and these do not, safe to show."""
    allowing: dict[str, bool] = {}
    for statement in _statements_of(reason, layers):
        name = short_policy_name(statement.policy)
        allowing[name] = allowing.get(name, False) or (statement.effect == "Allow" and statement.matched is True)
    return [name for name, allows in allowing.items() if not allows]


def _near_miss(
    decision: Decision, reason: Reason, layers: tuple[TracedLayer, ...]
) -> tuple[TracedStatement, TracedElement] | None:
    """An Allow that fails by one element only, conditions first: they can be met without editing.

    Those on a key that the check of this resource never carries cannot, nor those that AWS would refuse.
    """
    request = decision.request
    found: list[tuple[int, TracedStatement, TracedElement]] = []
    silent = _silent_policies(reason, layers) if reason.layer is Layer.SCOPE_DOWN else ()
    for statement in _statements_of(reason, layers):
        failing = statement.failing
        if reason.layer is Layer.SCOPE_DOWN and short_policy_name(statement.policy) not in silent:
            continue
        if statement.effect != "Allow" or len(failing) != 1:
            continue
        element = failing[0]
        if element.key and is_of_another_resource(request.action, request.resource, element.key):
            continue
        if element.element == "Condition" and (key_fault(element.key) or parse_operator(element.operator) is None):
            continue
        rank = {"Condition": 0, "Resource": 1, "Principal": 2}.get(element.element)
        if rank is not None and (rank == 0 or _is_editable(decision, reason, statement.policy)):
            found.append((rank, statement, element))
    if not found:
        return None
    _, statement, element = min(found, key=lambda item: item[0])
    return statement, element


def _is_editable(decision: Decision, reason: Reason, policy: str) -> bool:
    of_sso = reason.layer is Layer.IDENTITY and _is_reserved(role_arn_of(decision.request.principal) or "")
    return not of_sso and not of_aws(policy)


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
    """Words for a full match of the rest, with the other actions that would be allowed."""
    actions = next((element for element in statement.elements if element.element in ("Action", "NotAction")), None)
    if actions is None or (
        actions.element == "Action" and len(actions.wanted) == 1 and not set(actions.wanted[0]) & {"*", "?"}
    ):
        return "all else in it matches"
    listed = first_names(actions.wanted, 4, limit=128)
    but = "all but " if actions.element == "NotAction" else ""
    return f"all else in it matches, and all that it allows comes with it: {but}{listed}"


def _principal_value(decision: Decision) -> str:
    principal = decision.request.principal
    return principal.role_arn or principal.arn or "*"


def _add_statement(decision: Decision, reason: Reason, layers: tuple[TracedLayer, ...]) -> Suggestion:
    request = decision.request
    statement: dict[str, Any] = {"Effect": "Allow"}
    if reason.layer in (Layer.RESOURCE, Layer.VPC_ENDPOINT):
        statement["Principal"] = _principal_element(decision, reason.layer)
    statement["Action"] = request.action
    trust = reason.layer is Layer.RESOURCE and _is_trust(decision)
    if not trust:
        # `*` for an action without resource types, whatever was named.
        statement["Resource"] = prepare_request(request).resource.text
    target = {
        Layer.IDENTITY: _identity_target(request.principal),
        Layer.RESOURCE: "the role's trust policy"
        if trust
        else f"the policy of {safe_text(_carrier(request.resource), limit=512)}",
        Layer.SESSION: "a session policy passed to sts:GetFederationToken"
        if lacks_session_policy(decision, reason)
        else "the session policy",
        Layer.SCOPE_DOWN: _scope_down_target(reason, layers),
        Layer.BOUNDARY: _boundary_target(reason, layers),
        Layer.VPC_ENDPOINT: "the VPC endpoint's policy",
    }.get(reason.layer, "")
    if reason.layer is Layer.SCP:
        level = safe_text(reason.level_name or f"level {reason.level}", limit=128)
        target = f"a service control policy attached to {level}"
    return Suggestion(reason.layer, "", f"Allow {safe_text(request.action, limit=128)} in {target}.", statement)


def _scope_down_target(reason: Reason, layers: tuple[TracedLayer, ...]) -> str:
    lacking = first_of_texts(_silent_policies(reason, layers), 3)
    return f"each scope-down policy that lacks it{f': {lacking}' if lacking else ''}"


def _boundary_target(reason: Reason, layers: tuple[TracedLayer, ...]) -> str:
    managed = next((one.policy for one in _statements_of(reason, layers) if of_aws(one.policy)), "")
    if managed:
        return f"a policy of your own that replaces {short_policy_name(managed)}, which AWS manages, as the boundary"
    return "the permissions boundary"


def _identity_target(principal: Principal) -> str:
    """Where an Allow for a caller goes: a session has no policies but those of its role or of who made it."""
    if principal.kind is PrincipalKind.FEDERATED_USER:
        issuer = safe_text(principal.issuer, limit=512) if principal.issuer else "the user"
        return f"an identity policy of {issuer} that made this session"
    if principal.stands_for:
        return "an identity policy of the caller"
    holder = safe_text(role_arn_of(principal) or principal.arn, limit=512)
    if _is_reserved(holder):
        return f"the permission set behind {holder}, in IAM Identity Center"
    return f"an identity policy of {holder}"


def _carrier(resource: str) -> str:
    """Carrier of a resource's policy: of an object in S3 its bucket."""
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


def layer_words(decision: Decision, layer: Layer) -> str:
    """Name of a layer in an answer: the resource policy of a role is its trust policy."""
    trust = layer is Layer.RESOURCE and decision.request.action.lower().startswith("sts:")
    return "trust policy" if trust else LAYER_NAMES[layer].noun


_NEVER_BOTH: Final = "Whatever the keys that were not given are, nothing grants it or something denies it."
"""Reason where no layer denies for certain, and still no request is both granted and let through."""


class Explanation(Struct, frozen=True):
    """A decision in words.

    Args:
        paragraph: why it is so.
        blockers: one sentence for each layer that does not pass.
        suggestions: what to change, each curing one blocker; all of them together allow the request, and inside
            one account a resource policy that names the caller can make the others needless.
        surmised: whether some suggestion is a guess, so that it may take one of them or several.
    """

    paragraph: str
    blockers: tuple[str, ...]
    suggestions: tuple[Suggestion, ...]
    surmised: bool = False

    @property
    def needed(self) -> str:
        """How many of several suggestions it takes, in words; "" where there is one."""
        if len(self.suggestions) < 2:
            return ""
        return "one or more of these" if self.surmised else "all of these together"


def explain(decision: Decision, traced: Iterable[TracedLayer] = ()) -> Explanation:
    """Explain a decision.

    Args:
        traced: the trace of the same request; with it near misses are found (a statement that would allow but
            for one element), without it new statements are suggested.
    """
    layers = tuple(traced)
    blockers = tuple(_blocker(decision, reason) for reason in decision.reasons)
    suggestions: list[Suggestion] = []
    curable = not any(reason.layer is Layer.SERVICE_RULE for reason in decision.reasons)
    if curable and decision.outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY):
        suggestions.extend(suggest(decision, layers))
    closed = gift_rule(action_name(decision.request.action))
    if not curable and closed is not None and closed.why in blockers:
        suggestions.append(Suggestion(Layer.SERVICE_RULE, "", _ASK_FROM_THERE))
    return Explanation(_paragraph(decision), blockers, tuple(suggestions))


def _sentence(decision: Decision, verb: str) -> str:
    """`WHO may call ACTION on RESOURCE`, without its end."""
    request = decision.request
    who, many = request.principal.arn or "An anonymous caller", request.principal.stands_for
    if many:
        who = f"{'Everyone' if many == '*' else many}, such as {who},"
    on = "" if request.resource == "*" else f" on {safe_text(request.resource, limit=512)}"
    return f"{safe_text(who, limit=512)} {verb} {safe_text(request.action, limit=128)}{on}"


def _paragraph(decision: Decision) -> str:
    if decision.outcome is Outcome.ALLOWED:
        text = _sentence(decision, "may call") + _granted_by(decision)
        return f"{text}{_where(decision)}.{_as_far_as_loaded(decision)}"
    if decision.outcome is Outcome.DEPENDS:
        assert decision.depends_on is not None
        text = _sentence(decision, "may call") + f" only if {condition_of(decision)}"
        return f"{text}{_where(decision)}.{_as_far_as_loaded(decision)}"
    how = "is explicitly denied" if decision.outcome is Outcome.EXPLICIT_DENY else "is not allowed"
    text = _sentence(decision, "may not call") + f": it {how}. "
    text += " ".join(_blocker(decision, reason) for reason in decision.reasons) or _NEVER_BOTH
    if decision.blocked_by:
        words = ", ".join(layer_words(decision, layer) for layer in decision.blocked_by)
        text += f" Something does grant this; what stands in the way: {words}."
    return text.rstrip() + _as_far_as_loaded(decision)


def _where(decision: Decision) -> str:
    """On which resources alone an answer holds, or those on which it does not, as far as they can be named."""
    if decision.resource_scope is not ResourceScope.SOME:
        return ""
    if decision.allowed_parts:
        return f", but only on some resources: {first_of(decision.allowed_parts)}"
    denied = f", not on {first_of(decision.denied_resources)}" if decision.denied_resources else ""
    return f", but only on some resources{denied}"


def _granted_by(decision: Decision) -> str:
    rule = next(report for report in decision.layers if report.layer is Layer.SERVICE_RULE)
    if rule.state is LayerState.ALLOWS:
        return f": {rule.why[0].lower()}{rule.why[1:-1]}" if not rule.why.startswith("sts:") else f": {rule.why[:-1]}"
    granting = [
        ref for ref in decision.matched if ref.effect == "Allow" and ref.layer in (Layer.IDENTITY, Layer.RESOURCE)
    ]
    if not granting:
        return ": the root user has full access in its own account"
    names = " and ".join(
        dict.fromkeys(f"{name_of(ref)} in the {layer_words(decision, ref.layer)}" for ref in granting[:2])
    )
    more = f" (and {len(granting) - 2} more)" if len(granting) > 2 else ""
    return f", granted by {names}{more}"


def _as_far_as_loaded(decision: Decision) -> str:
    unloaded = [layer_words(decision, layer) for layer in decision.not_evaluated]
    return f" As far as loaded: not evaluated: {', '.join(unloaded)}." if unloaded else ""


def _blocker(decision: Decision, reason: Reason) -> str:
    where = layer_words(decision, reason.layer)
    at = "" if reason.level is None else f" at level {reason.level}"
    if reason.level_name:
        at += f" ({safe_text(reason.level_name, limit=128)})"
    if reason.statements:
        return f"Denied by the {where}{at}: {first_of_texts([*map(name_of, reason.statements)], 3)}."
    if reason.layer in (Layer.SERVICE_RULE, Layer.BLOCK_PUBLIC_ACCESS) or owner_alone(decision, reason):
        return _why(decision, reason.layer)
    if lacks_session_policy(decision, reason):
        return _why(decision, reason.layer)
    if reason.layer is Layer.SCOPE_DOWN:
        return "Not every scope-down policy allows it."
    return f"No statement of the {where}{at} allows it."


def _why(decision: Decision, layer: Layer) -> str:
    return next(report.why for report in decision.layers if report.layer is layer)


def explanation_to_json(explanation: Explanation) -> dict[str, Any]:
    return {
        "text": explanation.paragraph,
        "blockers": list(explanation.blockers),
        "suggestions": [
            {"layer": s.layer.value, "policy": s.policy or None, "change": s.change, "statement": s.statement}
            for s in explanation.suggestions
        ],
    }
