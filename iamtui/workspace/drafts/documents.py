"""The places in an account where a policy document stands, as an edit of a draft reaches them, and changing one."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from iamtui.account.availability import Missing
from iamtui.account.drafts.draft import (
    DeleteInlinePolicy,
    DeleteResourcePolicy,
    DetachOrganizationPolicy,
    Edit,
    PutInlinePolicy,
    PutManagedPolicy,
    PutOrganizationPolicy,
    PutResourcePolicy,
    UpdateTrustPolicy,
)
from iamtui.account.drafts.words import RCP, SCP, entity_name, level_words, policy_name, short_type
from iamtui.account.model import Account, Group, Role, User
from iamtui.policy.document import JsonValue, PolicyDocument, render
from iamtui.problem import Problem
from iamtui.text import safe_text

VERSION: Final = "2012-10-17"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document stands or can be put.

    Args:
        kind: "inline", "managed", "trust", "resource", "scp" or "rcp".
        owner: the ARN of the holder, policy, role or resource, or the id of the level.
        name: of an inline or organization policy, else "".
        title: in a few words, safe to show: "inline policy Deploy of user/alice".
        document: what stands there now; None: nothing yet.
        others: how many more users and roles it applies to than the one asked for.
    """

    kind: str
    owner: str
    name: str
    title: str
    document: PolicyDocument | None
    others: int = 0

    def put(self, text: str) -> Edit:
        """The edit that puts a document there."""
        match self.kind:
            case "inline":
                return PutInlinePolicy(self.owner, self.name, text)
            case "managed":
                return PutManagedPolicy(self.owner, text)
            case "trust":
                return UpdateTrustPolicy(self.owner, text)
            case "resource":
                return PutResourcePolicy(self.owner, text)
            case _:
                return PutOrganizationPolicy(SCP if self.kind == "scp" else RCP, self.owner, self.name, text)

    def delete(self) -> Edit | None:
        """The edit that takes the document away; None where one must always stand there."""
        match self.kind:
            case "inline":
                return DeleteInlinePolicy(self.owner, self.name)
            case "resource":
                return DeleteResourcePolicy(self.owner)
            case "scp" | "rcp":
                return DetachOrganizationPolicy(SCP if self.kind == "scp" else RCP, self.owner, self.name)
            case _:
                return None


def inline_place(account: Account, holder: User | Group | Role, name: str) -> Place:
    """The inline policy of this name, whether there is one or not."""
    document = next((policy.document for policy in holder.inline_policies if policy.name == name), None)
    others = len(account.members(holder.name)) if isinstance(holder, Group) else 0
    what = "inline policy" if document is not None else "a new inline policy"
    return Place("inline", holder.arn, name, safe_text(f"{what} {name} of {entity_name(holder.arn)}"), document, others)


def managed_place(account: Account, arn: str) -> Place:
    """A customer managed policy that the account has.

    Raises:
        Problem: it is AWS's, or its document is not loaded.
    """
    policy = account.policy(arn)
    shown = safe_text(policy_name(arn))
    if policy is not None and policy.aws_managed:
        raise Problem(f"{shown} is AWS's own policy, which only AWS changes.", "Add a policy of your own instead.")
    version = policy.default_version if policy is not None else None
    if version is None:
        raise Problem(f"The document of {shown} is not loaded, so it cannot be changed in part.", "Load it first.")
    everyone = holders_of(account, arn)
    return Place("managed", arn, "", f"policy {shown}", version.document, max(0, len(everyone) - 1))


def holders_of(account: Account, arn: str) -> tuple[str, ...]:
    """ARNs of the users and roles that a managed policy applies to, as permissions or as boundary."""
    found = dict.fromkeys(holder.arn for holder in account.bounded_by(arn))
    for holder in account.holders(arn):
        if isinstance(holder, Group):
            found |= dict.fromkeys(user.arn for user in account.members(holder.name))
        else:
            found[holder.arn] = None
    return tuple(found)


def trust_place(role: Role) -> Place:
    """A role's trust policy."""
    return Place("trust", role.arn, "", safe_text(f"trust policy of {entity_name(role.arn)}"), role.trust)


def resource_place(account: Account, resource: str) -> Place:
    """The policy of a resource.

    Raises:
        Problem: whether the resource has a policy, or what it says, is not loaded: adding to it would lose the rest.
    """
    known = account.resource_policies.get(resource)
    shown = safe_text(resource, limit=512)
    if known is None or known.state == "denied":
        raise Problem(
            f"The policy of {shown} is not loaded, so nothing can be added to it without losing the rest.",
            "Load it first, or write all of it.",
        )
    return Place("resource", resource, "", f"policy of {shown}", known.document)


def organization_place(account: Account, type_: str, level_id: str, name: str) -> Place:
    """An SCP or RCP at a level, whether there is one of that name or not."""
    document: PolicyDocument | None = None
    fact = account.organization
    if not isinstance(fact, Missing) and fact.value is not None:
        for level in fact.value.path:
            attached = level.rcps if type_ == RCP else level.scps
            if level.id == level_id and not isinstance(attached, Missing):
                document = next((policy.document for policy in attached.value if policy.name == name), None)
    title = safe_text(f"{short_type(type_)} {name} at {level_words(account, level_id)}")
    return Place("scp" if type_ == SCP else "rcp", level_id, name, title, document)


def policy_label(action: str, effect: str = "Allow") -> str:
    """A name for a new policy that allows or denies an action: "allow-s3-GetObject"."""
    return f"{effect.lower()}-" + (re.sub(r"[^A-Za-z0-9+=,.@_-]+", "-", action)[:100].strip("-") or "statement")


def identity_places(account: Account, entity: User | Role) -> Iterator[tuple[str, Place | Problem]]:
    """Where the identity policies of a user or role stand, by the name that decisions give them.

    Those of AWS, and those whose text is not loaded, come as the Problem that says so.
    """
    yield from _of_holder(account, entity, "")
    if isinstance(entity, User):
        for name in entity.groups:
            group = account.group(name)
            if group is not None:
                yield from _of_holder(account, group, f"{name}/")


def _of_holder(account: Account, holder: User | Group | Role, prefix: str) -> Iterator[tuple[str, Place | Problem]]:
    for policy in holder.inline_policies:
        yield prefix + policy.name, inline_place(account, holder, policy.name)
    for attached in holder.attached_policies:
        try:
            yield attached.arn, managed_place(account, attached.arn)
        except Problem as problem:
            yield attached.arn, problem


def _value(document: PolicyDocument | None) -> dict[str, JsonValue]:
    """A copy of a document's JSON with its statements as a list; a new document when there is none.

    Raises:
        Problem: the document cannot be read.
    """
    if document is None:
        return {"Version": VERSION, "Statement": []}
    if document.error is not None:
        raise Problem(f"The document cannot be changed in part: {document.error.sentence}", "Correct it first.")
    value: dict[str, JsonValue] = copy.deepcopy(document.value)
    if isinstance(value["Statement"], dict):
        value["Statement"] = [value["Statement"]]
    return value


def with_statement(document: PolicyDocument | None, statement: dict[str, Any]) -> str:
    """The text of a document with one more statement, at its end; the same text where it has just that one already.

    Raises:
        Problem: the document cannot be read.
    """
    value = _value(document)
    if statement not in value["Statement"]:
        value["Statement"].append(statement)
    return render(value)


def without_statements(document: PolicyDocument, indexes: Iterable[int]) -> str | None:
    """The text of a document without some statements (counted from 0); None when none is left.

    Raises:
        Problem: the document cannot be read.
    """
    gone = set(indexes)
    value = _value(document)
    value["Statement"] = [one for index, one in enumerate(value["Statement"]) if index not in gone]
    return render(value) if value["Statement"] else None


def with_principal(document: PolicyDocument, index: int, kind: str, name: str) -> str:
    """The text of a document with one more entry in a statement's Principal.

    Args:
        kind: "AWS", "Service", "Federated" or "CanonicalUser".

    Raises:
        Problem: the document cannot be read, or the statement has no Principal that takes one more.
    """
    value = _value(document)
    principal = value["Statement"][index].get("Principal")
    if isinstance(principal, str):
        principal = {"AWS": principal}
    if not isinstance(principal, dict):
        raise Problem("The statement has no Principal to add to.", "Add a statement instead.")
    principal[kind] = _more(principal.get(kind, []), name)
    value["Statement"][index]["Principal"] = principal
    return render(value)


def statement_at(document: PolicyDocument, index: int) -> dict[str, JsonValue]:
    """A copy of a statement (counted from 0).

    Raises:
        Problem: the document cannot be read.
    """
    statement: dict[str, JsonValue] = _value(document)["Statement"][index]
    return statement


def with_condition_value(document: PolicyDocument, index: int, operator: str, key: str, value: str) -> str | None:
    """The text of a document with one more value of a statement's condition; None when it has that value already.

    Args:
        operator, key: in the letter case in which they are to stand where the statement has none of them.

    Raises:
        Problem: the document cannot be read.
    """
    changed = _value(document)
    conditions = changed["Statement"][index].setdefault("Condition", {})
    tests = conditions.setdefault(_as_written(conditions, operator), {})
    name = _as_written(tests, key)
    before = tests.get(name, [])
    tests[name] = _more(before, value)
    return render(changed) if tests[name] != before else None


def _as_written(names: dict[str, JsonValue], name: str) -> str:
    """The name in the letter case that is there already."""
    return next((there for there in names if there.lower() == name.lower()), name)


def _more(now: JsonValue, added: str) -> JsonValue:
    listed = [now] if isinstance(now, str) else list(now)
    if added not in listed:
        listed.append(added)
    return listed if len(listed) != 1 else listed[0]
