"""A denied question with what is known of it, and where the policies stand that its denial names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from iamtui.account.model import Account, Missing, Role, User
from iamtui.catalog.actions import ENGINE_CATALOGUE
from iamtui.drafts.edits import Edit
from iamtui.drafts.words import RCP, SCP, entity_name, policy_name
from iamtui.engine.decision import Decision, Layer, Reason
from iamtui.engine.prepared_request import PreparedAction, prepare
from iamtui.engine.request import Principal, PrincipalKind, partition_of
from iamtui.engine.trace import TracedLayer
from iamtui.policy.resource import ResourceKind
from iamtui.problem import Problem
from iamtui.questions.account_facts import entity_behind, policy_carrier
from iamtui.questions.question import Question
from iamtui.text import safe_text
from iamtui.workspace.draft_documents import (
    DocumentPlace,
    identity_places,
    managed_place,
    organization_place,
    resource_place,
    trust_place,
)


@dataclass(frozen=True, slots=True)
class SuggestedEdits:
    """A suggestion of the engine as edits.

    Args:
        edits: what to add to the draft, in this order.
        caution: what else the edits do, one sentence, safe to show, or "".
        past_guard: whether they let the caller past what limits others too, or open something to the whole world:
            not to be done for nothing.
    """

    edits: tuple[Edit, ...]
    caution: str = ""
    past_guard: bool = False


class NoEdit(Problem):
    """A suggestion is about something that a draft cannot, or should not, change; the sentence says what."""


@dataclass(frozen=True, slots=True)
class DeniedQuestion:
    """A denied question with everything that its suggestions are about."""

    account: Account
    principal: Principal
    decision: Decision
    traced: tuple[TracedLayer, ...]
    reason: Reason
    prepared: PreparedAction

    @property
    def entity(self) -> User | Role:
        """The user or role whose policies the caller has.

        Raises:
            NoEdit: it is not one of this account, or only AWS changes it.
        """
        entity = entity_behind(self.account, self.principal)
        if entity is None:
            who = safe_text(self.principal.arn or "An anonymous caller", limit=512)
            raise NoEdit(
                f"{who} is not a user or role of account {self.account.id}, so a draft cannot change its policies."
            )
        if isinstance(entity, Role) and entity.service_linked:
            raise NoEdit(
                f"{safe_text(entity_name(entity.arn))} is a service-linked role, whose policies only its AWS service "
                "changes."
            )
        return entity


_ROLES: Final = frozenset((PrincipalKind.ROLE, PrincipalKind.ROLE_SESSION))


def own_arn(principal: Principal) -> str | None:
    """The aws:PrincipalArn by which policies tell a user or role apart, whatever session it comes with, else None."""
    if principal.kind is PrincipalKind.USER:
        return principal.arn
    return principal.role_arn if principal.kind in _ROLES else None


def prepared_question(principal: Principal, question: Question) -> PreparedAction:
    """The action and resource of a question as they are evaluated for a caller."""
    return prepare(
        question.action,
        question.resource,
        None,
        partition_of(principal),
        principal.account or "",
        ENGINE_CATALOGUE,
        question.resource_account,
    )


def place_of(case: DeniedQuestion, policy: str) -> DocumentPlace:
    """Where the policy of this name, as the decision names it, stands.

    Raises:
        Problem: it cannot be changed, or is not found.
    """
    account, layer = case.account, case.reason.layer
    if layer is Layer.IDENTITY:
        for name, place in identity_places(account, case.entity):
            if name == policy:
                if isinstance(place, Problem):
                    raise place
                return place
    elif layer is Layer.BOUNDARY:
        return managed_place(account, policy)
    elif layer is Layer.RESOURCE:
        return resource_place_of(case)
    elif layer in (Layer.SCP, Layer.RCP):
        type_ = SCP if layer is Layer.SCP else RCP
        place = organization_place(account, type_, level_id_of(case), policy)
        if place.document is not None:
            return place
    raise NoEdit(f"The policy {safe_text(policy_name(policy))} is not one that a draft of this account can change.")


def single_carrier(prepared: PreparedAction) -> str | None:
    """The one ARN that carries the policy of what is asked about; None where that can be several, or none."""
    if prepared.resource.kind is ResourceKind.NONE:
        return None
    carrier = policy_carrier(prepared)
    return None if "*" in carrier else carrier


def resource_place_of(case: DeniedQuestion) -> DocumentPlace:
    """The policy of what is asked about, which of a pattern within one bucket is the bucket's, or a trust policy.

    Raises:
        NoEdit: no single policy belongs to what is asked about, or it is not loaded.
    """
    resource, carrier = case.prepared.resource, single_carrier(case.prepared)
    if carrier is None:
        raise NoEdit("No single resource is asked about, so there is no policy to add to.", "Ask about one resource.")
    if case.prepared.trust:
        role = case.account.by_arn(resource.text)
        if not isinstance(role, Role):
            raise NoEdit(f"The role {safe_text(resource.text, limit=512)} is not in account {case.account.id}.")
        return trust_place(role)
    try:
        return resource_place(case.account, carrier)
    except Problem as problem:
        raise NoEdit(problem.sentence, problem.next_step) from None


def level_id_of(case: DeniedQuestion) -> str:
    """The id of the level of the organization that the denial names."""
    fact, level = case.account.organization, case.reason.level
    if isinstance(fact, Missing) or fact.value is None or level is None or level >= len(fact.value.path):
        raise NoEdit("The level of the organization is not loaded.")
    return fact.value.path[level].id


_PRINCIPAL_KINDS: Final = {
    PrincipalKind.SERVICE: "Service",
    PrincipalKind.IDENTITY_PROVIDER: "Federated",
    PrincipalKind.CANONICAL_USER: "CanonicalUser",
}


def principal_entry(principal: Principal) -> tuple[str, str]:
    """The key and the value by which a Principal element names a caller; the value is "*" for one without an ARN."""
    return _PRINCIPAL_KINDS.get(principal.kind, "AWS"), principal.role_arn or principal.arn or "*"
