"""A statement made from a question, and the places in an account where it could be added."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from iamtui.account.model import Account, Missing, Role, User
from iamtui.drafts.edits import Edit
from iamtui.drafts.words import SCP
from iamtui.engine.request import Principal
from iamtui.problem import Problem
from iamtui.questions.account_facts import entity_behind
from iamtui.questions.question import Question
from iamtui.text import safe_text
from iamtui.workspace.denied_question import prepared_question, principal_entry, single_carrier
from iamtui.workspace.draft_documents import (
    DocumentPlace,
    identity_places,
    inline_place,
    managed_place,
    organization_place,
    policy_label,
    resource_place,
    trust_place,
    with_statement,
)
from iamtui.workspace.questions import check_question
from iamtui.workspace.workspace import Workspace

EFFECTS: Final = ("Allow", "Deny")


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
    yield from _own_scps(account)


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


def _own_scps(account: Account) -> Iterator[DocumentPlace]:
    fact = account.organization
    if isinstance(fact, Missing) or fact.value is None or not fact.value.path:
        return
    level = fact.value.path[-1]
    if level.type != "ACCOUNT" or isinstance(level.scps, Missing):
        return
    for policy in level.scps.value:
        if ":organizations::aws:" not in policy.arn:
            yield organization_place(account, SCP, level.id, policy.name)


def statement_from_question(
    principal: Principal, question: Question, effect: str, place: DocumentPlace
) -> dict[str, Any]:
    """The statement that allows or denies just what is asked, in the form that the place takes.

    The context of the question becomes no condition: what holds for one request need not hold for the next.

    Raises:
        Problem: another effect, or one that the place cannot hold.
    """
    if effect not in EFFECTS:
        raise Problem(f"{safe_text(effect, limit=40)} is not an effect.", "Choose Allow or Deny.")
    if place.kind == "rcp" and effect == "Allow":
        raise Problem("Custom RCPs can only deny.", "Choose Deny.")
    statement: dict[str, Any] = {"Effect": effect}
    if place.kind in ("trust", "resource"):
        kind, name = principal_entry(principal)
        statement["Principal"] = "*" if name == "*" else {kind: name}
    elif place.kind == "rcp":
        statement["Principal"] = "*"
    statement["Action"] = question.action
    if place.kind != "trust":
        statement["Resource"] = prepared_question(principal, question).resource.text
    return statement


def edit_adding_statement(place: DocumentPlace, statement: dict[str, Any]) -> Edit:
    """The edit that adds a statement to the document of a place, or puts a new document there.

    Raises:
        Problem: the document that stands there cannot be read.
    """
    return place.put(with_statement(place.document, statement))
