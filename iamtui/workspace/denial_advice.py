"""What helps against a denial: an exception from the Deny AWS names, an endpoint policy, the role that was meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from iamtui.account.model import Account, ManagedPolicy, Missing, Role
from iamtui.denials.denial import Denial
from iamtui.engine.condition_words import LAYER_NAMES, name_of
from iamtui.engine.decision import Decision, Layer, StatementRef
from iamtui.engine.explanation import Explanation, Suggestion, explain, narrowest_exception
from iamtui.engine.trace import TracedLayer
from iamtui.policy.document import PolicyDocument, Statement
from iamtui.policy.patterns import parse_arn
from iamtui.policy.statement import ActionElement, action_name
from iamtui.text import safe_text

_ASSUMING: Final = frozenset(("sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity"))
_GATEWAY_SERVICES: Final = frozenset(("s3", "dynamodb"))
"""Services with gateway endpoints, whose policies take no principal but "*" (VPC User Guide: gateway endpoints)."""


def named_policy(account: Account, arn: str) -> tuple[str, PolicyDocument] | None:
    """The name and document of a managed policy, SCP or RCP of the account, by its ARN; None when it is not loaded."""
    found = account.by_arn(arn)
    if isinstance(found, ManagedPolicy):
        version = found.default_version
        return (found.name, version.document) if version is not None else None
    fact = account.organization
    if isinstance(fact, Missing) or fact.value is None:
        return None
    for level in fact.value.path:
        for held in (level.scps, level.rcps):
            if not isinstance(held, Missing):
                for policy in held.value:
                    if policy.arn == arn:
                        return policy.name, policy.document
    return None


def not_a_role(account: Account, denial: Denial) -> str:
    """Why a resource cannot be assumed: it is not a role; "" where it is one, or is not told."""
    arn = parse_arn(denial.resource)
    if denial.action.lower() not in _ASSUMING or arn is None or (arn.service, arn.resource_type) == ("iam", "role"):
        return ""
    what = {"user": "a user", "group": "a group", "policy": "a policy", "root": "an account's root user"}
    kind = what.get(arn.resource_type, "something else") if arn.service == "iam" else "something else"
    same = account.role(arn.name)
    meant = same.arn if same is not None and arn.account == account.id else f"arn:aws:iam::{arn.account}:role/NAME"
    return (
        f"{safe_text(denial.resource, limit=512)} is not a role but {kind}, which nobody can assume: "
        f"{denial.action} takes the ARN of a role, such as {safe_text(meant, limit=512)}."
    )


def with_advice(
    account: Account, denial: Denial, decision: Decision, traced: tuple[TracedLayer, ...], explanation: Explanation
) -> Explanation:
    """The explanation with what helps against what AWS named, and without what cannot help.

    No Allow overrides an explicit Deny: where AWS names one, nothing but the Denies is left to change.
    """
    claim = denial.claim
    suggestions = explanation.suggestions
    if denial.denied and claim.kind == "explicit":
        denying = tuple(reason for reason in decision.reasons if reason.kind == "explicit")
        suggestions = explain(replace(decision, reasons=denying), traced).suggestions if denying else ()
        if not any(suggestion.layer in claim.layers or not claim.layers for suggestion in suggestions):
            suggestions = (*_named_denies(account, denial, decision), *suggestions)
    elif denial.denied and Layer.VPC_ENDPOINT in claim.layers:
        suggestions = (_endpoint_allow(denial, decision), *suggestions)
    return replace(explanation, suggestions=suggestions)


def _named_denies(account: Account, denial: Denial, decision: Decision) -> Iterator[Suggestion]:
    """What ends the Deny that AWS names, where the account as loaded does not show that it applies."""
    claim = denial.claim
    if not claim.layers:
        return
    layer = claim.layers[-1]
    if layer is Layer.VPC_ENDPOINT:
        yield Suggestion(layer, "", f"Narrow or remove the Deny in {_endpoint(denial, decision)}; no Allow helps.")
        return
    found = named_policy(account, claim.policy) if claim.policy else None
    if found is None:
        exception = narrowest_exception(decision, StatementRef(layer, "Deny", claim.policy, None, 0, None))
        where = f"the {LAYER_NAMES[layer].noun}: none that applies is loaded here, and no Allow can override it"
        if claim.policy:
            where = f"{safe_text(claim.policy, limit=512)}, which is not loaded here: no Allow can override it"
        yield Suggestion(layer, claim.policy, f"Find the Deny in {where}.{exception}")
        return
    name, document = found
    for ref in denies_of(name, document, layer, denial.action):
        change = f"Look at the Deny in {name_of(ref)}, whose action fits: no Allow can override it."
        yield Suggestion(layer, claim.policy, change + narrowest_exception(decision, ref))


def denies_of(name: str, document: PolicyDocument, layer: Layer, action: str) -> Iterator[StatementRef]:
    """The Deny statements of a document that are about an action, whatever their resources and conditions."""
    if document.error is not None:
        return
    for statement in document.policy.statements:
        if statement.effect == "Deny" and _is_about(statement, action):
            lines = document.lines[statement.index]
            yield StatementRef(layer, "Deny", name, statement.sid, statement.index, lines)


def _is_about(statement: Statement, action: str) -> bool:
    negated = statement.not_actions is not None
    entries = statement.not_actions if negated else statement.actions
    return ActionElement(entries or (), negated=negated).matches(action_name(action))


def _endpoint(denial: Denial, decision: Decision) -> str:
    """The VPC endpoint policy that decided, as far as a denial tells which."""
    endpoint = denial.context.get("aws:SourceVpce", ())
    if endpoint:
        return f"the policy of the VPC endpoint {safe_text(endpoint[0], limit=64)}"
    service = decision.request.action.partition(":")[0]
    return f"the policy of the VPC endpoint for {safe_text(service, limit=64)} that the request went through"


def _endpoint_allow(denial: Denial, decision: Decision) -> Suggestion:
    request = decision.request
    who = request.principal.role_arn or request.principal.arn
    statement: dict[str, object] = {"Effect": "Allow", "Principal": "*"}
    statement |= {"Action": request.action, "Resource": request.resource}
    if who:
        statement["Condition"] = {"ArnEquals": {"aws:PrincipalArn": who}}
    if request.action.partition(":")[0].lower() not in _GATEWAY_SERVICES and who:
        statement["Principal"] = {"AWS": who}
        del statement["Condition"]
    action = safe_text(request.action, limit=128)
    return Suggestion(Layer.VPC_ENDPOINT, "", f"Allow {action} in {_endpoint(denial, decision)}.", statement)


def federated_action(denial: Denial) -> bool:
    """Whether a denial is about a federated sign-in, whose message tells neither the role nor the provider."""
    return denial.action.lower() in _ASSUMING - {"sts:assumerole"}


def trusted_providers(role: Role, action: str) -> Iterator[str]:
    """The identity providers that a role's trust policy allows an action to."""
    if role.trust.error is not None:
        return
    for statement in role.trust.policy.statements:
        if statement.effect == "Allow" and _is_about(statement, action):
            for principal in statement.principals or ():
                if principal.kind == "Federated":
                    yield principal.value


USUAL_CAUSES: Final = {
    "sts:assumerolewithwebidentity": (
        "Usual causes: the token's audience (aud) or subject (sub) is not one that the trust policy names; the role "
        "or the provider does not exist, or is in another account; the provider's certificate no longer has the "
        "thumbprint that IAM holds, where it checks one; the token has expired or a clock is wrong."
    ),
    "sts:assumerolewithsaml": (
        "Usual causes: the assertion's Role attribute names another role or provider; its audience or recipient is "
        "not the AWS sign-in URL; the provider's metadata in IAM is out of date; a clock is wrong."
    ),
}
"""What mostly lies behind a refused federated sign-in (IAM User Guide: troubleshoot SAML, OIDC federation)."""
