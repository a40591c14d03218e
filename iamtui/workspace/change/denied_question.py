"""A denied question with its known facts, and the places of the policies in its denial."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from iamtui.account.model import Account, Missing, Role, User
from iamtui.drafts.aws_values import RCP, SCP, entity_name, policy_name
from iamtui.drafts.draft import Edit
from iamtui.engine.decision import Decision, Layer, Reason
from iamtui.engine.prepared_request import PreparedAction, prepare
from iamtui.engine.request import Principal, PrincipalKind, partition_of
from iamtui.engine.words.trace import TracedLayer
from iamtui.policy.resource import ResourceKind
from iamtui.problem import Problem
from iamtui.questions.policies_in_force import entity_behind, policy_carrier
from iamtui.questions.question import Question
from iamtui.text import safe_text
from iamtui.workspace.ask.questions import check_question
from iamtui.workspace.change.draft_documents import (
    DocumentPlace,
    identity_places,
    inline_place,
    managed_place,
    organization_place,
    policy_label,
    resource_place,
    trust_place,
)
from iamtui.workspace.source.workspace import Workspace


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
        question.resource_account,
        context=question.context,
    )


def place_of(case: DeniedQuestion, policy: str) -> DocumentPlace:
    """Place of a policy by the name that the decision gives it.

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
    """The one ARN that carries the policy of the prepared resource; None where that can be several, or none."""
    if prepared.resource.kind is ResourceKind.NONE:
        return None
    carrier = policy_carrier(prepared)
    return None if "*" in carrier else carrier


def resource_place_of(case: DeniedQuestion) -> DocumentPlace:
    """Policy of the denied resource: of a pattern within one bucket the bucket's, or a trust policy.

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
    levels, level = case.account.organization_levels, case.reason.level
    if level is None or level >= len(levels):
        raise NoEdit("The level of the organization is not loaded.")
    return levels[level].id


_PRINCIPAL_KINDS: Final = {
    PrincipalKind.SERVICE: "Service",
    PrincipalKind.IDENTITY_PROVIDER: "Federated",
    PrincipalKind.CANONICAL_USER: "CanonicalUser",
}


def principal_entry(principal: Principal) -> tuple[str, str]:
    """The key and the value by which a Principal element names a caller; the value is "*" for one without an ARN."""
    return _PRINCIPAL_KINDS.get(principal.kind, "AWS"), principal.role_arn or principal.arn or "*"


# A statement made from a question, and the places in an account where it could be added.


def statement_places(
    workspace: Workspace, principal: Principal, question: Question, effect: str = "Allow"
) -> tuple[DocumentPlace, ...]:
    """Where a statement about a question could be added, the narrowest effect first.

    A new inline policy of the caller's user or role, then its inline and customer managed policies and those of
    its groups, its boundary, the trust or resource policy of what is asked about, and a new or present SCP of the
    account's own level. Policies of AWS, and documents that are not loaded, are left out.

    Args:
        effect: "Allow" or "Deny"; a new policy is called by it.

    Raises:
        Problem: the question cannot be asked.
    """
    check_question(question)
    account = workspace.account
    return tuple(_places(account, principal, question, effect))


def _places(account: Account, principal: Principal, question: Question, effect: str) -> Iterator[DocumentPlace]:
    entity = entity_behind(account, principal)
    if entity is not None and not (isinstance(entity, Role) and entity.service_linked):
        yield from _of_entity(account, entity, question, effect)
    prepared = prepared_question(principal, question)
    carrier = single_carrier(prepared)
    if carrier is not None:
        role = account.by_arn(prepared.resource.text)
        if prepared.trust:
            if isinstance(role, Role) and not role.service_linked:
                yield trust_place(role)
        else:
            with suppress(Problem):
                yield resource_place(account, carrier)
    level = next(reversed(account.organization_levels), None)
    if level is None or level.type != "ACCOUNT" or isinstance(level.scps, Missing):
        return
    for policy in level.scps.value:
        if ":organizations::aws:" not in policy.arn:
            yield organization_place(account, SCP, level.id, policy.name)


def _of_entity(account: Account, entity: User | Role, question: Question, effect: str) -> Iterator[DocumentPlace]:
    new = new_inline_name(entity, question.action, effect)
    yield inline_place(account, entity, new)
    ranked = [place for _, place in identity_places(account, entity) if isinstance(place, DocumentPlace)]
    yield from sorted(ranked, key=lambda place: (place.others, place.kind))
    if entity.boundary_arn is not None:
        try:
            boundary = managed_place(account, entity.boundary_arn)
        except Problem:
            return
        yield replace(boundary, title=f"{boundary.title} (permissions boundary)")


def new_inline_name(entity: User | Role, action: str, effect: str = "Allow") -> str:
    """A name for a new inline policy about an action that the user or role does not have yet."""
    name = policy_label(action, effect)
    taken = {policy.name.lower() for policy in entity.inline_policies}
    number, free = 1, name
    while free.lower() in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def statement_from_question(
    principal: Principal, question: Question, effect: str, place: DocumentPlace
) -> dict[str, Any]:
    """The statement that allows or denies just the question, in the form that the place takes.

    The context of the question becomes no condition: what holds for one request need not hold for the next.
    """
    statement: dict[str, Any] = {"Effect": effect}
    if place.kind in ("trust", "resource"):
        kind, name = principal_entry(principal)
        statement["Principal"] = "*" if name == "*" else {kind: name}
    statement["Action"] = question.action
    if place.kind != "trust":
        statement["Resource"] = prepared_question(principal, question).resource.text
    return statement
