"""Comparison of AWS's denial message with the account's own answer, and what helps against the denial."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from msgspec import structs

from iamtui.account.model import Account, ManagedPolicy, Role
from iamtui.catalog.dependent_actions import companions
from iamtui.denials.denial import Claim, Denial
from iamtui.engine.condition_words import LAYER_NAMES, condition_of, name_of
from iamtui.engine.decision import Decision, Layer, LayerState, Outcome, Reason, ResourceScope, StatementRef
from iamtui.engine.request import PrincipalKind
from iamtui.engine.words.explanation import Explanation, Suggestion, explain, lists_exceptions, narrowest_exception
from iamtui.engine.words.trace import TracedLayer
from iamtui.policy.context import ConditionLeaf, leaves
from iamtui.policy.document import PolicyDocument, Statement
from iamtui.policy.patterns import parse_arn
from iamtui.policy.statement import ActionElement, action_name
from iamtui.text import first_names, safe_text


class Agreement(StrEnum):
    """Agreement of the account's answer with AWS's message."""

    AGREES = "agrees"
    """The same outcome for the same reason, or for one that the message leaves open."""
    OTHER_REASON = "other_reason"
    """Both deny; the account for another reason than the one AWS names."""
    NOT_LOADED = "not_loaded"
    """The layer that AWS names is not loaded, so nothing here can confirm it."""
    ALLOWED_HERE = "allowed_here"
    """The account as loaded would allow it."""
    DENIED_HERE = "denied_here"
    """AWS did not deny it; the account as loaded would."""
    DEPENDS = "depends"
    """The account's answer depends on something unknown."""
    NOT_ASKED = "not_asked"
    """Too little is known for a question to the account."""

    @property
    def settles(self) -> bool:
        """True where nothing is left to explain."""
        return self is Agreement.AGREES


@dataclass(frozen=True, slots=True)
class DenialComparison:
    """The two answers side by side.

    Args:
        agreement: how they stand to each other.
        sentences: that in words, the most important first; safe to show.
    """

    agreement: Agreement
    sentences: tuple[str, ...]


WORDS: Final = {
    Agreement.AGREES: "the account agrees",
    Agreement.OTHER_REASON: "the account denies it for another reason",
    Agreement.NOT_LOADED: "the layer that AWS names is not loaded",
    Agreement.ALLOWED_HERE: "the account would allow it",
    Agreement.DENIED_HERE: "the account would deny it",
    Agreement.DEPENDS: "it depends on what is not known",
    Agreement.NOT_ASKED: "not asked",
}
"""An agreement in a few words."""


def claim_words(denial: Denial) -> str:
    """AWS's message as one sentence that is safe to show."""
    claim = denial.claim
    if not denial.denied:
        failed = f": the call failed with {safe_text(denial.code, limit=128)}" if denial.code else ""
        return f"AWS did not deny it{failed}."
    if not claim.kind:
        return "AWS denied it and did not say why."
    named = safe_text(claim.words, limit=128)
    if claim.kind == "implicit":
        return f"No {named} allows it." if named else "Nothing allows it (implicit deny)."
    if not named:
        return "It is explicitly denied; the kind of policy is not named."
    which = f": {safe_text(claim.policy, limit=512)}" if claim.policy else ""
    return f"Explicit deny in {_article(named)} {named}{which}."


def _article(words: str) -> str:
    if words.startswith("S3"):
        return "the setting"
    return "an" if words[:1].lower() in "aei" else "a"


def compare(account: Account, denial: Denial, decision: Decision) -> DenialComparison:
    """Compare the account's decision with AWS's message."""
    if not denial.denied:
        return _compare_success(decision)
    if decision.outcome is Outcome.ALLOWED:
        some = decision.resource_scope is ResourceScope.SOME
        agreement = Agreement.DEPENDS if some else Agreement.ALLOWED_HERE
        return DenialComparison(agreement, tuple(_allowed_here(account, denial, decision)))
    if decision.outcome is Outcome.DEPENDS:
        return DenialComparison(Agreement.DEPENDS, tuple(_depends(account, denial, decision)))
    return _compare_denials(account, denial, decision)


def _compare_success(decision: Decision) -> DenialComparison:
    if decision.outcome is Outcome.ALLOWED:
        return DenialComparison(Agreement.AGREES, ("AWS did not deny it, and the account allows it.",))
    if decision.outcome is Outcome.DEPENDS:
        return DenialComparison(
            Agreement.DEPENDS,
            ("AWS did not deny it; the account's answer depends on what the record does not contain.",),
        )
    sentence = "AWS did not deny it, but the account as loaded would: it may have changed since."
    return DenialComparison(Agreement.DENIED_HERE, (sentence,))


# Both deny


def _compare_denials(account: Account, denial: Denial, decision: Decision) -> DenialComparison:
    claim = denial.claim
    if not claim.kind:
        words = _layers({reason.layer for reason in decision.reasons})
        return DenialComparison(
            Agreement.AGREES, (f"The account denies it as well, for a reason that AWS did not give: {words}.",)
        )
    if not claim.layers:
        explicit = decision.outcome is Outcome.EXPLICIT_DENY
        if explicit == (claim.kind == "explicit"):
            return DenialComparison(Agreement.AGREES, (f"The account agrees: {claim.kind} deny.",))
        return DenialComparison(Agreement.OTHER_REASON, tuple(_both(denial, decision)))
    matching = [reason for reason in decision.reasons if _fits(claim, reason)]
    if not matching:
        return _no_such_reason(account, denial, decision)
    if claim.policy and not _names_policy(account, claim.policy, matching):
        sentence = f"The layer is the same, but AWS names the policy {safe_text(claim.policy, limit=512)}"
        found = ", ".join(dict.fromkeys(name_of(ref) for reason in matching for ref in reason.statements))
        loaded = named_policy(account, claim.policy) is not None
        return DenialComparison(
            Agreement.OTHER_REASON if loaded else Agreement.NOT_LOADED,
            (f"{sentence}, {'which denies nothing here' if loaded else 'which is not loaded'}; here: {found}.",),
        )
    sentences = [f"The account agrees: {reason_words(matching)}."]
    others = {reason.layer for reason in decision.reasons if reason not in matching}
    if others:
        sentences.append(f"AWS names one layer only; this denies as well: {_layers(others)}.")
    if claim.kind == "implicit" and decision.outcome is Outcome.EXPLICIT_DENY:
        sentences.append(_EXPLICIT_FIRST)
    return DenialComparison(Agreement.AGREES, tuple(sentences))


def _fits(claim: Claim, reason: Reason) -> bool:
    if reason.layer not in claim.layers:
        return False
    # AWS has reported the lack of an Allow in SCPs as an explicit deny (IAM User Guide: access denied messages).
    return reason.kind == claim.kind or (reason.layer is Layer.SCP and claim.kind == "explicit" and not claim.policy)


def _names_policy(account: Account, policy: str, reasons: list[Reason]) -> bool:
    names = {policy, *_names_of(account, policy)}
    return any(ref.policy in names for reason in reasons for ref in reason.statements)


def _names_of(account: Account, policy: str) -> tuple[str, ...]:
    found = named_policy(account, policy)
    return (found[0],) if found is not None else ()


def _no_such_reason(account: Account, denial: Denial, decision: Decision) -> DenialComparison:
    unloaded = [layer for layer in denial.claim.layers if _cannot_be_checked(account, decision, layer)]
    if unloaded:
        sentence = f"AWS names the {_layers(unloaded)}, which cannot be checked here: not loaded."
        mine = reason_words(list(decision.reasons))
        return DenialComparison(Agreement.NOT_LOADED, (sentence, f"What is loaded denies it as well: {mine}."))
    return DenialComparison(Agreement.OTHER_REASON, tuple(_both(denial, decision)))


_OF_THE_CALLER: Final = (Layer.IDENTITY, Layer.BOUNDARY, Layer.SCP)


def _cannot_be_checked(account: Account, decision: Decision, layer: Layer) -> bool:
    caller = decision.request.principal.account
    if caller is not None and caller != account.id and layer in _OF_THE_CALLER:
        # They stand in the caller's own account.
        return True
    if layer is Layer.SESSION:
        # Session policies are passed when a session is made; nothing keeps them where they could be read.
        return all(ref.layer is not Layer.SESSION for ref in decision.matched)
    state = _states(decision).get(layer)
    # No endpoint's policy is ever part of an account, and an organization that AWS names policies of exists.
    return state is LayerState.NOT_EVALUATED or (state is LayerState.NOT_APPLICABLE and layer in _OUTSIDE)


_OUTSIDE: Final = (Layer.VPC_ENDPOINT, Layer.SCP, Layer.RCP, Layer.BLOCK_PUBLIC_ACCESS)


def _states(decision: Decision) -> dict[Layer, LayerState]:
    return {report.layer: report.state for report in decision.layers}


_EXPLICIT_FIRST: Final = "AWS would have named an explicit deny first: it may be newer than the message."


def _both(denial: Denial, decision: Decision) -> Iterator[str]:
    yield "Both deny it, but for different reasons."
    yield f"AWS: {claim_words(denial)}"
    yield f"The account: {reason_words(list(decision.reasons))}."
    if denial.claim.kind == "implicit" and decision.outcome is Outcome.EXPLICIT_DENY:
        yield _EXPLICIT_FIRST
    elif denial.claim.kind == "explicit" and decision.outcome is Outcome.IMPLICIT_DENY:
        yield "As long as the Deny that AWS names is there, no Allow helps: look for it first."
    else:
        yield "The account may have changed since, or the message is about another resource or session."


def reason_words(reasons: list[Reason]) -> str:
    """Reasons of a denial, layer by layer; safe to show."""
    parts = []
    for reason in reasons:
        at = f" at {safe_text(reason.level_name, limit=128)}" if reason.level_name else ""
        if reason.statements:
            names = ", ".join(dict.fromkeys(name_of(ref) for ref in reason.statements[:3]))
            parts.append(f"explicit deny in the {LAYER_NAMES[reason.layer].noun}{at}: {names}")
        elif reason.kind == "explicit":
            parts.append(
                f"denied by {'a ' if reason.layer is Layer.SERVICE_RULE else ''}{LAYER_NAMES[reason.layer].noun}"
            )
        else:
            parts.append(f"no statement of the {LAYER_NAMES[reason.layer].noun}{at} allows it")
    return "; ".join(parts)


def _layers(layers: object) -> str:
    assert isinstance(layers, (set, list, tuple))
    return ", ".join(LAYER_NAMES[layer].noun for layer in Layer if layer in layers)


# The account allows it, or cannot tell


def _allowed_here(account: Account, denial: Denial, decision: Decision) -> Iterator[str]:
    if decision.resource_scope is ResourceScope.SOME:
        yield from _on_some_resources(denial, decision)
    else:
        yield "The account as loaded would allow it: it has changed since, or the cause is something not known here."
    named = [layer for layer in denial.claim.layers if _cannot_be_checked(account, decision, layer)]
    if named:
        yield f"AWS names the {_layers(named)}, which is not loaded: look there first."
    elif denial.claim.policy and not _names_of(account, denial.claim.policy):
        policy = safe_text(denial.claim.policy, limit=512)
        yield f"The policy that AWS names is not loaded, so look there first: {policy}."
    elif denial.claim.layers:
        yield f"AWS names the {_layers(denial.claim.layers)}; {_as_loaded(denial, decision)}."
    others = [layer for layer in decision.not_evaluated if layer not in named]
    if others:
        yield f"Not loaded: {_layers(others)}."
    of_session = decision.request.principal.kind in (PrincipalKind.ROLE_SESSION, PrincipalKind.FEDERATED_USER)
    if of_session and Layer.SESSION not in named:
        yield "A session policy, which AWS does not store, may have narrowed this session."
    if decision.missing_context:
        yield f"Not given: {', '.join(safe_text(key, limit=128) for key in decision.missing_context)}."
    if decision.assumptions:
        yield f"Assumed: {'; '.join(safe_text(one, limit=256) for one in decision.assumptions)}."
    more = dict.fromkeys(check.action for check in companions(denial.action) if check.action != denial.action)
    if more:
        yield f"The same call can also need {', '.join(more)}."


def _as_loaded(denial: Denial, decision: Decision) -> str:
    """Answer of the layers that AWS names, all of which can be checked here."""
    states = _states(decision)
    if all(states.get(layer) is LayerState.NOT_APPLICABLE for layer in denial.claim.layers):
        return "there is none here as loaded: it may have been removed since"
    if denial.claim.kind == "explicit":
        return "as loaded here it does not deny"
    if any(states.get(layer) is LayerState.ALLOWS for layer in denial.claim.layers):
        return "as loaded here it allows this"
    return "as loaded here it does not allow this either, but another policy does"


def _on_some_resources(denial: Denial, decision: Decision) -> Iterator[str]:
    """Where the account allows a request about a set of resources."""
    if decision.request.resource == denial.resource:
        yield "The account as loaded would allow it on some of these resources only, and may have refused the others."
    else:
        yield (
            "The account as loaded would allow it on some resources only, and the message does not say which one was "
            "refused."
        )
    if decision.denied_resources:
        yield f"A Deny takes these out: {first_names(decision.denied_resources, 4, limit=256)}."
    elif decision.allowed_resources and decision.request.resource not in decision.allowed_resources:
        # A NotResource element stands for all that was asked about.
        yield f"It allows it on {first_names(decision.allowed_resources, 4, limit=256)}."


def _depends(account: Account, denial: Denial, decision: Decision) -> Iterator[str]:
    assert decision.depends_on is not None
    yield f"The account allows it only if {condition_of(decision)}: AWS's answer says this did not hold."
    fitting = list(dict.fromkeys(_fitting(account, denial.claim, decision)))
    if fitting:
        yield f"What AWS says fits {', '.join(fitting[:3])}."
    elif denial.denied and denial.claim.kind:
        yield from _of_the_layers_named(account, denial, decision)
    keys = dict.fromkeys(
        leaf.key
        for leaf in leaves(decision.depends_on)
        if isinstance(leaf, ConditionLeaf) and ":" in leaf.key and not leaf.unknown_operator
    )
    if keys:
        yield f"Not given: {', '.join(safe_text(key, limit=128) for key in keys)}."


def _of_the_layers_named(account: Account, denial: Denial, decision: Decision) -> Iterator[str]:
    """Answers of the layers that AWS names, as far as they do not depend on anything."""
    states = _states(decision)
    known = [layer for layer in denial.claim.layers if not _cannot_be_checked(account, decision, layer)]
    allowing = [layer for layer in known if states.get(layer) is LayerState.ALLOWS]
    silent = [layer for layer in known if states.get(layer) is LayerState.SILENT]
    if denial.claim.kind == "implicit" and silent:
        yield f"As AWS says, no statement of the {_layers(silent)} allows it."
    elif denial.claim.kind == "implicit" and allowing:
        yield f"AWS says that no statement of the {_layers(allowing)} allows it; one does in what is loaded here."
    elif denial.claim.kind == "explicit" and (allowing or silent):
        named = _layers([*allowing, *silent])
        yield f"AWS says that there is an explicit deny in the {named}; none that applies is loaded here."


def _fitting(account: Account, claim: Claim, decision: Decision) -> Iterator[str]:
    """Undetermined statements in the layer that AWS names, of the effect that its claim would take."""
    effect = "Deny" if claim.kind == "explicit" else "Allow"
    names = {claim.policy, *_names_of(account, claim.policy)} if claim.policy else None
    for ref in decision.matched:
        if ref.undetermined and ref.layer in claim.layers and ref.effect == effect and _of(ref, names):
            yield name_of(ref)


def _of(ref: StatementRef, names: set[str] | None) -> bool:
    return names is None or ref.policy in names


_ASSUMING: Final = frozenset(("sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity"))
_GATEWAY_SERVICES: Final = frozenset(("s3", "dynamodb"))
"""Services with gateway endpoints, whose policies take no principal but "*" (VPC User Guide: gateway endpoints)."""


def named_policy(account: Account, arn: str) -> tuple[str, PolicyDocument] | None:
    """The name and document of a managed policy, SCP or RCP of the account, by its ARN; None when it is not loaded."""
    found = account.by_arn(arn)
    if isinstance(found, ManagedPolicy):
        return (found.name, found.document) if found.document is not None else None
    attached = (policy for level in account.organization_levels for policy in level.policies)
    return next(((policy.name, policy.document) for policy in attached if policy.arn == arn), None)


def not_a_role(account: Account, denial: Denial) -> str:
    """Reason why a resource cannot be assumed: it is not a role; "" where it is one, or is unknown."""
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
    suggestions, surmised = explanation.suggestions, False
    if denial.denied and claim.kind == "explicit":
        denying = tuple(reason for reason in decision.reasons if reason.kind == "explicit")
        suggestions = explain(decision.with_parts(reasons=denying), traced).suggestions if denying else ()
        if not any(suggestion.layer in claim.layers or not claim.layers for suggestion in suggestions):
            suggestions, surmised = (*_named_denies(account, denial, decision), *suggestions), True
    elif denial.denied and Layer.VPC_ENDPOINT in claim.layers:
        suggestions = (_endpoint_allow(denial, decision), *suggestions)
    elif denial.denied and claim.kind == "implicit":
        suggestions = (*_allows_unseen(account, claim, decision, traced), *suggestions)
    return structs.replace(explanation, suggestions=suggestions, surmised=surmised)


def _allows_unseen(
    account: Account, claim: Claim, decision: Decision, traced: tuple[TracedLayer, ...]
) -> tuple[Suggestion, ...]:
    """The Allow that AWS misses in a layer that cannot be checked here: without it nothing else helps."""
    lacking = tuple(
        Reason(layer, "implicit", level_name="every level above the account" if layer is Layer.SCP else None)
        for layer in claim.layers
        if _cannot_be_checked(account, decision, layer)
        and all(reason.layer is not layer for reason in decision.reasons)
    )
    found = explain(decision.with_parts(reasons=lacking), traced).suggestions if lacking else ()
    return tuple(one for one in found if one.layer in claim.layers)


def _named_denies(account: Account, denial: Denial, decision: Decision) -> Iterator[Suggestion]:
    """Suggestions against the Deny that AWS names, where the account as loaded does not show that it applies."""
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
        conditions = document.policy.statements[ref.statement].conditions
        listed = any(lists_exceptions(one.operator, one.key) for one in conditions)
        yield Suggestion(layer, claim.policy, change + narrowest_exception(decision, ref, listed=listed))


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
    """True for a denied federated sign-in, whose message names neither the role nor the provider."""
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
"""Usual causes of a refused federated sign-in (IAM User Guide: troubleshoot SAML, OIDC federation)."""
