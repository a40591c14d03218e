"""Places of policy documents in an account, found by name and changed by an edit of a draft."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

from msgspec import structs

from iamtui.account.model import Account, Entity, Group, ManagedPolicy, Role, User
from iamtui.drafts.aws_values import SCP, entity_name, level_words, policy_name, short_type
from iamtui.drafts.draft import DOCUMENT_KINDS, Draft, DraftProblem, Edit, statements_with
from iamtui.drafts.edits.base import AccountAfterEdits, brought_document, describe_edits, organization_policy
from iamtui.drafts.edits.policies import PutManagedPolicy
from iamtui.drafts.ledger import DraftFinding
from iamtui.lint.check_document import findings
from iamtui.lint.subject import Finding, Level
from iamtui.policy.document import JsonValue, PolicyDocument, as_list, render
from iamtui.policy.patterns import parse_arn
from iamtui.policy.resource import may_have_policy
from iamtui.policy.types import PolicyType
from iamtui.problem import Problem
from iamtui.resource_policy_services import WITH_RESOURCE_POLICIES
from iamtui.sources.managed_policies import managed_policy, managed_policy_arns
from iamtui.text import first_names, safe_text

_MOST_SUGGESTIONS = 5


@cache
def _aws_arns_by_name() -> dict[str, str]:
    return {arn.rsplit("/", 1)[-1]: arn for arn in managed_policy_arns()}


def aws_managed_policy(name_or_arn: str) -> ManagedPolicy | None:
    """An AWS managed policy by name ("ReadOnlyAccess") or ARN, with the text that came with iamtui, or None."""
    if name_or_arn.startswith("arn:"):
        return managed_policy(name_or_arn) if ":iam::aws:" in name_or_arn else None
    arn = _aws_arns_by_name().get(name_or_arn)
    return managed_policy(arn) if arn is not None else None


def aws_managed_policy_arns() -> tuple[str, ...]:
    """The ARNs of all AWS managed policies whose text came with iamtui, for completion; reads a large file once."""
    return tuple(sorted(_aws_arns_by_name().values()))


def holder_arn(account: Account, text: str) -> str:
    """The ARN of the user, group or role meant: an ARN, `user/NAME`, `group/NAME`, `role/NAME` or a unique name.

    Raises:
        Problem: nobody, or several, answer to it.
    """
    found = _holders_named(account, text.strip())
    if len(found) == 1:
        return found[0].arn
    if found:
        names = " or ".join(_kind_and_name(entity) for entity in found)
        raise Problem(f"{safe_text(text)} names more than one.", f"Say {names}.")
    raise Problem(
        f"No user, group or role of this account is {safe_text(text) or 'named'}.",
        _nearest(text, [_kind_and_name(entity) for entity in account.identities]),
    )


def policy_arn(account: Account, text: str) -> str:
    """The ARN of the managed policy meant: an ARN, or the name of one of the account's or of AWS's policies.

    An ARN is taken as it is, whether the account has it or not.

    Raises:
        Problem: no policy has the name, or several have.
    """
    text = text.strip()
    if text.startswith("arn:"):
        return text
    own = [policy.arn for policy in account.policies if policy.name == text]
    aws = aws_managed_policy(text)
    found = list(dict.fromkeys((*own, *([aws.arn] if aws is not None else []))))
    if len(found) == 1:
        return found[0]
    if found:
        raise Problem(f"{safe_text(text)} names more than one policy.", f"Give its ARN: {' or '.join(found)}.")
    names = [*(policy.name for policy in account.policies), *_aws_arns_by_name()]
    raise Problem(f"There is no managed policy {safe_text(text) or 'without a name'}.", _nearest(text, names))


def level_id(account: Account, text: str) -> str:
    """The id of the level of the organization meant: an id, or the name of one level above the account.

    What names none, or several, comes back as it is, so that applying the draft finds what is wrong with it.
    """
    levels = account.organization_levels
    found = [level.id for level in levels if level.name == text]
    return found[0] if len(found) == 1 and all(level.id != text for level in levels) else text


def _holders_named(account: Account, text: str) -> tuple[User | Group | Role, ...]:
    if text.startswith("arn:"):
        entity = account.by_arn(text)
        return (entity,) if isinstance(entity, (User, Group, Role)) else ()
    kind, slash, rest = text.partition("/")
    pools: dict[str, tuple[User | Group | Role, ...]] = {
        "user": account.users, "group": account.groups, "role": account.roles,
    }  # fmt: skip
    if slash and kind in pools:
        return tuple(e for e in pools[kind] if e.name == rest or f"{e.path}{e.name}" == f"/{rest}")[:1]
    found: tuple[Entity | None, ...] = (account.user(text), account.group(text), account.role(text))
    return tuple(entity for entity in found if isinstance(entity, (User, Group, Role)))


def _kind_and_name(entity: User | Group | Role) -> str:
    return f"{type(entity).__name__.lower()}/{entity.name}"


def _nearest(text: str, names: list[str]) -> str:
    wanted = text.lower().rsplit("/", 1)[-1]
    lowered = {name: name.lower().rsplit("/", 1)[-1] for name in names}
    close = set(difflib.get_close_matches(wanted, lowered.values(), n=_MOST_SUGGESTIONS, cutoff=0.5))
    near = [name for name, low in lowered.items() if low in close][:_MOST_SUGGESTIONS]
    return f"Nearest: {', '.join(safe_text(name) for name in near)}." if near else "Give its ARN."


def resolved_draft(account: Account, draft: Draft) -> Draft:
    """The draft with names replaced by ARNs, as somebody writes them into a file by hand.

    What cannot be resolved stays as it is, so that applying the draft finds which edit is at fault.
    """
    edits = tuple(_resolved(account, edit) for edit in draft.edits)
    return draft if all(new is old for new, old in zip(edits, draft.edits, strict=True)) else draft.with_edits(edits)


def _resolved(account: Account, edit: Edit) -> Edit:
    changed: dict[str, Any] = {}
    for field, value in structs.asdict(edit).items():
        if field == "level_id" and level_id(account, value) != value:
            changed[field] = level_id(account, value)
        if field not in ("holder_arn", "policy_arn", "user_arn", "group_arn", "role_arn"):
            continue
        if value.startswith("arn:") or not value:
            continue
        kind = field.removesuffix("_arn")
        try:
            if kind == "policy":
                changed[field] = policy_arn(account, value)
            else:
                wanted = value if kind == "holder" or "/" in value else f"{kind}/{value}"
                changed[field] = holder_arn(account, wanted)
        except Problem:
            continue
    return structs.replace(edit, **changed) if changed else edit


VERSION: Final = "2012-10-17"


@dataclass(frozen=True, slots=True)
class DocumentPlace:
    """Place of a document, or of one to create.

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
        return DOCUMENT_KINDS[self.kind].put(self.owner, self.name, text)

    def adding(self, statement: dict[str, Any]) -> Edit:
        """The edit that adds a statement to the document, or puts a new one there; Problem where it cannot be read."""
        return self.put(with_statement(self.document, statement))

    def delete(self) -> Edit | None:
        """The edit that deletes the document; None where one is mandatory."""
        delete = DOCUMENT_KINDS[self.kind].delete
        return delete(self.owner, self.name) if delete is not None else None


def inline_place(account: Account, holder: User | Group | Role, name: str) -> DocumentPlace:
    """The inline policy of this name, whether there is one or not."""
    document = next((policy.document for policy in holder.inline_policies if policy.name == name), None)
    others = len(account.members(holder.name)) if isinstance(holder, Group) else 0
    what = "inline policy" if document is not None else "a new inline policy"
    return DocumentPlace(
        "inline", holder.arn, name, safe_text(f"{what} {name} of {entity_name(holder.arn)}"), document, others
    )


def managed_place(account: Account, arn: str) -> DocumentPlace:
    """A customer managed policy that the account has.

    Raises:
        Problem: it is AWS's, or its document is not loaded.
    """
    policy = account.policy(arn)
    shown = safe_text(policy_name(arn))
    if policy is not None and policy.aws_managed:
        raise Problem(f"{shown} is AWS's own policy, which only AWS changes.", "Add a policy of your own instead.")
    document = account.document(arn)
    if document is None:
        raise Problem(f"The document of {shown} is not loaded, so it cannot be changed in part.", "Load it first.")
    everyone = holders_of(account, arn)
    return DocumentPlace("managed", arn, "", f"policy {shown}", document, max(0, len(everyone) - 1))


def holders_of(account: Account, arn: str) -> tuple[str, ...]:
    """ARNs of the users and roles that a managed policy applies to, as permissions or as boundary."""
    found = dict.fromkeys(holder.arn for holder in account.bounded_by(arn))
    for holder in account.holders(arn):
        if isinstance(holder, Group):
            found |= dict.fromkeys(user.arn for user in account.members(holder.name))
        else:
            found[holder.arn] = None
    return tuple(found)


def trust_place(role: Role) -> DocumentPlace:
    return DocumentPlace("trust", role.arn, "", safe_text(f"trust policy of {entity_name(role.arn)}"), role.trust)


def resource_place(account: Account, resource: str) -> DocumentPlace:
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
    return DocumentPlace("resource", resource, "", f"policy of {shown}", known.document)


def organization_place(account: Account, type_: str, level_id: str, name: str) -> DocumentPlace:
    """An SCP or RCP at a level, whether there is one of that name or not."""
    there = organization_policy(account, type_, level_id, name)
    title = safe_text(f"{short_type(type_)} {name} at {level_words(account, level_id)}")
    return DocumentPlace(
        "scp" if type_ == SCP else "rcp", level_id, name, title, there.document if there is not None else None
    )


def policy_label(action: str, effect: str = "Allow") -> str:
    """A name for a new policy that allows or denies an action: "allow-s3-GetObject"."""
    return f"{effect.lower()}-" + (re.sub(r"[^A-Za-z0-9+=,.@_-]+", "-", action)[:100].strip("-") or "statement")


def identity_places(account: Account, entity: User | Role) -> Iterator[tuple[str, DocumentPlace | Problem]]:
    """Places of a user's or role's identity policies, by the name that decisions give them.

    Those of AWS, and those whose text is not loaded, come as the Problem that says so.
    """
    yield from _of_holder(account, entity, "")
    if isinstance(entity, User):
        for name in entity.groups:
            group = account.group(name)
            if group is not None:
                yield from _of_holder(account, group, f"{name}/")


def _of_holder(
    account: Account, holder: User | Group | Role, prefix: str
) -> Iterator[tuple[str, DocumentPlace | Problem]]:
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
    return next((there for there in names if there.lower() == name.lower()), name)


def _more(now: JsonValue, added: str) -> JsonValue:
    listed = [now] if isinstance(now, str) else list(now)
    if added not in listed:
        listed.append(added)
    return listed if len(listed) != 1 else listed[0]


# What is to be said of the documents that a draft puts in place: what AWS would refuse, warn about, or give to others.


_REFUSED: Final = frozenset(
    (
        "action-format", "allow-not-principal", "bare-principal", "empty-element", "empty-principal",
        "federated-not-allowed", "group-principal", "id-not-allowed", "missing-principal", "missing-resource",
        "not-principal-not-allowed", "principal-not-allowed", "principal-type", "rcp-action",
        "rcp-allow", "rcp-not-action", "rcp-principal", "resource-format", "resource-in-trust-policy", "trust-action",
        "unknown-element", "unknown-operator", "unknown-version",
    )
)  # fmt: skip
"""Errors for which AWS does not take the document at all: asking as if it had been put in place would mislead.

Other errors may be about what is newer than the data iamtui came with, such as the action of a new service.
"""


def document_problems(account: Account, draft: Draft) -> Iterator[DraftProblem]:
    """A problem for every edit whose document AWS would not take, or whose resource can have no policy.

    Those whose document cannot be read, or that a later edit replaces, are left out.
    """
    all_words = tuple(describe_edits(draft.edits, account))
    for number, edit in _last_puts(draft):
        words = all_words[number - 1]
        if edit.policy_type is PolicyType.RESOURCE and (whose := _without_policies(account, edit.subject[1])):
            yield DraftProblem(
                number,
                words,
                f"{whose} no policies of their own",
                "Allow or deny in an identity policy instead.",
            )
            continue
        refused = next((found for found in _lint(edit, account.id) if found.code in _REFUSED), None)
        if refused is not None:
            reason = f"AWS would refuse the document{_line(refused)}: {safe_text(refused.message).removesuffix('.')}"
            yield DraftProblem(number, words, reason, "Correct the document.")


def _without_policies(account: Account, resource: str) -> str:
    """Kind of a resource that cannot have a policy ("resources of ec2 have"), else ""."""
    arn = parse_arn(resource)
    if arn is None or not arn.service or arn.service in ("iam", "sts") or resource in account.resource_policies:
        return ""
    if may_have_policy(arn):
        return ""
    kind = f" of type {arn.resource_type}" if arn.service in WITH_RESOURCE_POLICIES else ""
    return f"resources of {safe_text(arn.service + kind, limit=128)} have"


def document_findings(before: Account, after: Account, draft: Draft) -> Iterator[DraftFinding]:
    """Lint findings of every document put in place, and access that it gives to others than intended.

    Warnings that the document has in the account are left out: the draft is not what they are about.
    """
    current = AccountAfterEdits(before)
    for number, edit in _last_puts(draft):
        was = edit.replaced(current)
        old = (
            set()
            if was is None
            else {(one.code, one.message) for one in findings(was, edit.policy_type, account=before.id)}
        )
        for found in _lint(edit, before.id):
            if found.level is Level.SUGGESTION or (found.code, found.message) in old:
                continue
            sentence = f"{found.level.value.capitalize()}{_line(found)}: {safe_text(found.message)}"
            yield DraftFinding(number, found.level.value, sentence)
        if isinstance(edit, PutManagedPolicy) and was is None and not current.has_managed(edit.policy_arn):
            arn = parse_arn(edit.policy_arn)
            if arn is not None and aws_managed_policy(arn.name) is not None:
                yield DraftFinding(
                    number,
                    "name",
                    f"AWS has a policy {safe_text(arn.name)} too, which stays as it is: this makes another of the "
                    "account's own, that nobody has yet.",
                )
        yield from _given_to_others(after, number, edit, was)


def _last_puts(draft: Draft) -> Iterator[tuple[int, Edit]]:
    """The edits that put a document in place which stays there, with their numbers."""
    puts = [(number, edit) for number, edit in enumerate(draft.edits, 1) if edit.document is not None]
    last = {edit.subject: number for number, edit in puts}
    yield from ((number, edit) for number, edit in puts if last[edit.subject] == number)


def _lint(edit: Edit, account: str) -> tuple[Finding, ...]:
    return _linted(edit.document or "", edit.policy_type, account)


@lru_cache(maxsize=256)
def _linted(text: str, kind: PolicyType, account: str) -> tuple[Finding, ...]:
    """The lint of a text; nothing of one that cannot be read, which is a problem already."""
    document = PolicyDocument(text)
    return () if document.error is not None else findings(document, kind, account=account)


def _line(found: Finding) -> str:
    return f" in line {found.source_line}" if found.source_line else ""


def _given_to_others(after: Account, number: int, edit: Edit, was: PolicyDocument | None) -> Iterator[DraftFinding]:
    """Allows that are new or wider in a policy that several users and roles have."""
    kind, owner = edit.subject[:2]
    if kind == "managed":
        holders = holders_of(after, owner)
    else:
        holder = after.by_arn(owner) if kind == "inline" else None
        holders = tuple(user.arn for user in after.members(holder.name)) if isinstance(holder, Group) else ()
    if len(holders) < 2:
        return
    before = statements_with(was, "Allow")
    for statement in statements_with(brought_document(edit), "Allow"):
        if statement in before or _names_a_caller(statement):
            continue
        who = first_names(map(entity_name, holders), 4, limit=128)
        element = "Action" if "Action" in statement else "NotAction"
        listed = [str(one) for one in as_list(statement.get(element, []))]
        what = f"{'all but ' if element == 'NotAction' else ''}{first_names(listed, 4, limit=128)}"
        where = policy_name(edit.policy_arn) if isinstance(edit, PutManagedPolicy) else "The policy"
        yield DraftFinding(number, "shared", f"{safe_text(where)} applies to {who}: {what} is new or changed for all.")


def _names_a_caller(statement: dict[str, Any]) -> bool:
    """True for a condition on aws:PrincipalArn."""
    conditions = statement.get("Condition")
    tests = conditions.values() if isinstance(conditions, dict) else ()
    return any(isinstance(test, dict) and any(key.lower() == "aws:principalarn" for key in test) for test in tests)
