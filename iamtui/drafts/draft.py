"""A what-if: the kinds of edits, one class each, the Draft that holds edits of them, its file, and its application.

The file is JSON with the documents as objects, so that it can be read, reviewed and kept in git.

    {"iamtui_draft": 1,
     "account_id": "123456789012",
     "name": "let alice read the lake",
     "edits": [{"edit": "AttachPolicy", "holder": "arn:aws:iam::123456789012:user/alice", "policy": "ARN"},
               {"edit": "PutInlinePolicy", "holder": "ARN", "name": "extra", "document": {...}}]}

A document that is not a JSON object (a draft may hold unfinished ones) is kept as text.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias, get_type_hints

import msgspec
from msgspec import Meta, Struct, structs

from iamtui.account.model import (
    DRAFTED_FROM,
    Account,
    Group,
    ManagedPolicy,
    Missing,
    OrganizationLevel,
    Role,
    User,
)
from iamtui.drafts.aws_values import RCP, SCP, entity_name, find_level, policy_name, short_type
from iamtui.drafts.edits.base import AccountAfterEdits, BaseEdit, brought_document, describe_edit
from iamtui.drafts.edits.deletions import (
    DeleteAccessKey,
    DeleteLoginProfile,
    DeletePolicy,
    DeleteRole,
    DeleteUser,
)
from iamtui.drafts.edits.organization import DetachOrganizationPolicy, PutOrganizationPolicy
from iamtui.drafts.edits.policies import (
    DeleteInlinePolicy,
    DeleteResourcePolicy,
    PutInlinePolicy,
    PutManagedPolicy,
    PutResourcePolicy,
)
from iamtui.drafts.edits.principals import (
    AddUserToGroup,
    AttachPolicy,
    CreateRole,
    DeletePermissionsBoundary,
    DetachPolicy,
    PutPermissionsBoundary,
    RemoveUserFromGroup,
    UpdateTrustPolicy,
)
from iamtui.drafts.ledger import DraftFinding, Ledger, Managed, Misfit
from iamtui.policy.document import DocumentError, JsonValue, PolicyDocument, as_list, load_json, render
from iamtui.policy.json_text import json_text, kind_of
from iamtui.policy.patterns import is_account_id, parse_arn
from iamtui.policy.types import PolicyType
from iamtui.problem import Problem
from iamtui.resource_policy_services import SERVICE_SPECS
from iamtui.text import safe_text
from iamtui.typed_json import prepared

Edit: TypeAlias = (
    AttachPolicy
    | DetachPolicy
    | PutInlinePolicy
    | DeleteInlinePolicy
    | PutManagedPolicy
    | AddUserToGroup
    | RemoveUserFromGroup
    | PutPermissionsBoundary
    | DeletePermissionsBoundary
    | UpdateTrustPolicy
    | PutOrganizationPolicy
    | DetachOrganizationPolicy
    | PutResourcePolicy
    | DeleteResourcePolicy
    | CreateRole
    | DeleteRole
    | DeleteUser
    | DeleteAccessKey
    | DeleteLoginProfile
    | DeletePolicy
)
"""The kinds of edits; a new one needs its class and its name here."""

EDIT_KINDS: Final[dict[str, type[Edit]]] = {kind.__name__: kind for kind in Edit.__args__}
"""The kinds of edits by the names that the file has for them."""


class Draft(Struct, frozen=True, tag_field="iamtui_draft", tag=1, forbid_unknown_fields=True):
    """A what-if: edits applied to an account, oldest first."""

    account_id: Annotated[str, Meta(pattern=r"^[0-9]{12}$", description="the 12 digits of the account's id")]
    name: Annotated[str, Meta(description="a text, what the draft is called")] = ""
    edits: Annotated[tuple[Edit, ...], Meta(description="a list of edits")] = ()

    def with_edit(self, edit: Edit) -> Draft:
        return self.with_edits((*self.edits, edit))

    def with_edits(self, edits: tuple[Edit, ...]) -> Draft:
        return structs.replace(self, edits=edits)

    def named(self, name: str) -> Draft:
        return structs.replace(self, name=name)

    def undone(self) -> Draft:
        """The draft without its last edit; an empty draft stays as it is."""
        return self.with_edits(self.edits[:-1])

    def words_of(self, index: int, account: Account) -> str:
        """One of its edits of an account in words, safe to show."""
        return describe_edit(self.edits[index], account, self.edits[:index])

    def without(self, index: int) -> Draft:
        return self.with_edits((*self.edits[:index], *self.edits[index + 1 :]))


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """Use of the documents of a kind, and the edits that put and delete one.

    Args:
        put: of the owner's ARN or level's id, the name and the text.
        delete: of the owner and the name; None where a document must always stand.
    """

    policy_type: PolicyType
    put: Callable[[str, str, str], Edit]
    delete: Callable[[str, str], Edit] | None


DOCUMENT_KINDS: Final = {
    "inline": DocumentKind(PolicyType.IDENTITY, PutInlinePolicy, DeleteInlinePolicy),
    "managed": DocumentKind(PolicyType.IDENTITY, lambda arn, _name, text: PutManagedPolicy(arn, text), None),
    "trust": DocumentKind(PolicyType.TRUST, lambda arn, _name, text: UpdateTrustPolicy(arn, text), None),
    "resource": DocumentKind(
        PolicyType.RESOURCE,
        lambda arn, _name, text: PutResourcePolicy(arn, text),
        lambda arn, _name: DeleteResourcePolicy(arn),
    ),
    "scp": DocumentKind(
        PolicyType.SCP,
        lambda level, name, text: PutOrganizationPolicy(SCP, level, name, text),
        lambda level, name: DetachOrganizationPolicy(SCP, level, name),
    ),
    "rcp": DocumentKind(
        PolicyType.RCP,
        lambda level, name, text: PutOrganizationPolicy(RCP, level, name, text),
        lambda level, name: DetachOrganizationPolicy(RCP, level, name),
    ),
}
"""By the first part of the edits' subjects."""


VERSION: Final = 1
MARK: Final = "iamtui_draft"
"""The key that every draft has; its value is the version of the form."""

_KEYS: Final = (MARK, "account_id", "edits", "name")

LARGEST: Final = 8 * 1024 * 1024
"""Characters of the largest draft that is read."""
_MOST_EDITS: Final = 5_000
"""Edits of a draft: as many as an account has users by default."""


class DraftFormError(Problem):
    """A text is no draft.

    Args:
        message: what was found and what was expected, without the path.
        path: where, as `$.edits[2].policy`.
        foreign: whether the text is no draft at all, rather than a faulty one.
    """

    def __init__(self, message: str, *, path: str = "$", foreign: bool = False) -> None:
        super().__init__(f"{path}: {message}.")
        self.message = message
        self.path = path
        self.foreign = foreign


def read_draft(text: str) -> Draft:
    """The draft that a text holds.

    Raises:
        DraftFormError: it is no draft; the path says where, and the message what was expected there.
    """
    try:
        value = load_json(text, max_characters=LARGEST)
    except DocumentError as error:
        at = f" (line {error.line})" if error.line else ""
        raise DraftFormError(f"{safe_text(error.message)}{at}", foreign=True) from None
    return draft_from_json(value)


def parse_draft(text: str, what: str, account_id: str | None = None) -> Draft:
    """The draft in a text.

    Args:
        what: where the text is from, for the sentence ("standard input").

    Raises:
        Problem: no draft, a faulty one (with the path inside it), or one for another account.
    """
    if not text.strip():
        raise Problem(f"The draft {safe_text(what)} is an empty file.", "Expected a file made by iamtui as a draft.")
    try:
        draft = read_draft(text)
    except DraftFormError as error:
        next_step = "Expected a file made by iamtui as a draft." if error.foreign else "Correct the file."
        raise Problem(f"The draft {safe_text(what)} cannot be read: {error.sentence}", next_step) from None
    if account_id is not None and draft.account_id != account_id:
        raise Problem(
            f"The draft {safe_text(what)} is for account {draft.account_id}, and account {account_id} is open.",
            "Open the account it was made for.",
        )
    return draft


def draft_from_json(value: JsonValue) -> Draft:
    """The draft that a decoded JSON value holds.

    Raises:
        DraftFormError: it is no draft.
    """
    if not isinstance(value, dict) or MARK not in value:
        raise DraftFormError(
            f'no draft: expected an object with "{MARK}": {VERSION}, "account_id" and "edits", found {kind_of(value)}',
            foreign=True,
        )
    version = value[MARK]
    if type(version) is not int or version < 1:
        raise DraftFormError(f"found {kind_of(version)}, expected {VERSION}", path=f"$.{MARK}", foreign=True)
    if version > VERSION:
        raise DraftFormError(
            f"version {version} is newer than the {VERSION} that this iamtui reads: upgrade iamtui", path=f"$.{MARK}"
        )
    for key in value:
        if key not in _KEYS:
            raise DraftFormError(f"unknown key, {_nearest(key, _KEYS)}", path=f"${_step(key)}")
    account = value.get("account_id")
    if not isinstance(account, str) or not is_account_id(account):
        raise DraftFormError(f"{_found(value, 'account_id')}, expected 12 digits as a text", path="$.account_id")
    name = value.get("name", "")
    if not isinstance(name, str):
        raise DraftFormError(f"found {kind_of(name)}, expected a text", path="$.name")
    edits = value.get("edits")
    if not isinstance(edits, list):
        raise DraftFormError(f"{_found(value, 'edits')}, expected a list of edits", path="$.edits")
    if len(edits) > _MOST_EDITS:
        raise DraftFormError(f"found {len(edits):,} edits, expected at most {_MOST_EDITS:,}", path="$.edits")
    return Draft(account, name, tuple(_edit(edit, f"$.edits[{index}]") for index, edit in enumerate(edits)))


def _edit(value: JsonValue, path: str) -> Edit:
    kinds = f"Kinds of edit: {', '.join(EDIT_KINDS)}"
    if not isinstance(value, dict):
        raise DraftFormError(f'found {kind_of(value)}, expected an object with "edit" and its fields', path=path)
    kind = value.get("edit")
    if "edit" not in value:
        raise DraftFormError(f"missing, expected a kind of edit. {kinds}", path=f"{path}.edit")
    if not isinstance(kind, str):
        raise DraftFormError(f"found {kind_of(kind)}, expected a kind of edit. {kinds}", path=f"{path}.edit")
    form = EDIT_KINDS.get(kind)
    if form is None:
        close = difflib.get_close_matches(kind, EDIT_KINDS, n=1, cutoff=0.6)
        meant = f'; did you mean "{close[0]}"?' if close else "."
        raise DraftFormError(
            f"there is no edit {safe_text(json.dumps(kind), limit=80)}{meant} {kinds}", path=f"{path}.edit"
        )
    if isinstance(value.get("document"), dict):
        value = {**value, "document": render(value["document"])}
    try:
        made: Edit = msgspec.convert(value, prepared(form))
    except (msgspec.ValidationError, UnicodeEncodeError):
        # The second: msgspec compares keys as UTF-8, in which half of a surrogate pair cannot be written.
        raise _explained(value, form, path) from None
    return made


def _explained(value: dict[str, JsonValue], form: type[BaseEdit], path: str) -> DraftFormError:
    """Error for an edit that its form refuses: the first fault, in the order of the form."""
    hints = get_type_hints(form, include_extras=True)
    names = form.__struct_encode_fields__
    optional = form.__struct_fields__[len(form.__struct_fields__) - len(form.__struct_defaults__) :]
    for field, name in zip(form.__struct_fields__, names, strict=True):
        meaning = next(meta.description for meta in hints[field].__metadata__ if isinstance(meta, Meta))
        if name not in value:
            if field in optional:
                continue
            return DraftFormError(f"missing, expected {meaning}", path=f"{path}.{name}")
        try:
            msgspec.convert(value[name], prepared(hints[field]))
        except (msgspec.ValidationError, UnicodeEncodeError):
            return DraftFormError(f"found {kind_of(value[name])}, expected {meaning}", path=f"{path}.{name}")
    key = next((key for key in value if key != "edit" and key not in names), None)
    if key is None:
        return DraftFormError("a text has half of a surrogate pair, expected whole characters", path=path)
    return DraftFormError(f"unknown key, {_nearest(key, names)}", path=f"{path}{_step(key)}")


def _nearest(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    return f'did you mean "{close[0]}"' if close else f"expected one of {', '.join(known)}"


def _step(key: str) -> str:
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key)
    return f".{key}" if plain else f"[{safe_text(json.dumps(key), limit=80)}]"


def _found(value: dict[str, JsonValue], key: str) -> str:
    return f"found {kind_of(value[key])}" if key in value else "missing"


def draft_to_json(draft: Draft) -> dict[str, Any]:
    """The draft as JSON values, as the file has them."""
    return {
        MARK: VERSION,
        "account_id": draft.account_id,
        "name": draft.name,
        "edits": [edit_to_json(edit) for edit in draft.edits],
    }


def edit_to_json(edit: Edit) -> dict[str, Any]:
    made: dict[str, Any] = msgspec.to_builtins(edit)
    return {**made, "document": _document(edit.document)} if edit.document is not None else made


def _document(text: str) -> dict[str, Any] | str:
    """The JSON object in a text, or the text itself when it holds none."""
    try:
        value = load_json(PolicyDocument(text).source_text)
    except DocumentError:
        return text
    return value if isinstance(value, dict) else text


def write_draft(draft: Draft) -> str:
    """The text of a draft's file, ending with a line end. Characters beyond ASCII are escaped."""
    return json_text(draft_to_json(draft), indent=2, ensure_ascii=True) + "\n"


def draft_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a draft's file."""
    schema = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(Draft)))
    # A file has its edits, even if there are none.
    draft = schema["$defs"]["Draft"]
    draft["required"].append("edits")
    del draft["properties"]["edits"]["default"]
    for form in schema["$defs"].values():
        if "document" in form["properties"]:
            form["properties"]["document"]["type"] = ["object", "string"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "iamtui draft", **schema}


_LARGEST_OF_ORGANIZATION = 1024 * 1024
_NAME_OF_ORGANIZATION = "the draft"


class OrganizationDraft(Struct, frozen=True):
    """Edits of SCPs and RCPs, or one document and where it would be attached.

    Args:
        edits: at levels that they name by their ids.
        document: the text of an SCP or RCP; "" where there are edits.
        kind: which of them it is.
        level: the id or name of a root, unit or account that it would be attached to; "" is each root.
    """

    edits: tuple[PutOrganizationPolicy | DetachOrganizationPolicy, ...] = ()
    document: str = ""
    kind: str = SCP
    level: str = ""

    def for_account(self, account: Account) -> Draft | str:
        """The draft of one account, or why there is none, a sentence; "" where its policies stay as they are."""
        if isinstance(account.organization, Missing):
            return "What the draft does is not known: its place in the organization is not loaded"
        path = account.organization_levels
        if self.document:
            named = [level for level in path if self.level in (level.id, level.name)] if self.level else path[:1]
            return _draft(
                account,
                [PutOrganizationPolicy(self.kind, one.id, _NAME_OF_ORGANIZATION, self.document) for one in named],
            )
        ids = {level.id for level in path}
        return _draft(account, [edit for edit in self.edits if edit.level_id in ids])


def _draft(account: Account, edits: Sequence[PutOrganizationPolicy | DetachOrganizationPolicy]) -> Draft | str:
    return Draft(account.id, _NAME_OF_ORGANIZATION, tuple(edits)) if edits else ""


def read_organization_draft(text: str, shown: str, level: str = "") -> OrganizationDraft:
    """The draft in a text: a draft of iamtui, or the document of an SCP or RCP.

    Args:
        shown: what a sentence calls the file.
        level: where a document would be attached.

    Raises:
        Problem: it is neither, or has edits of anything but SCPs and RCPs.
    """
    try:
        value = load_json(text, max_characters=_LARGEST_OF_ORGANIZATION)
    except DocumentError as error:
        raise Problem(f"The draft {safe_text(shown)} cannot be read: {error}", "Correct the file.") from None
    if isinstance(value, dict) and MARK in value:
        if level:
            raise Problem("--at applies only to a document: a draft says itself where.", "Leave it out.")
        draft = parse_draft(text, shown)
        edits = [one for one in draft.edits if isinstance(one, PutOrganizationPolicy | DetachOrganizationPolicy)]
        if len(edits) < len(draft.edits):
            raise Problem(
                f"The draft {safe_text(shown)} has edits of one account, and not of SCPs and RCPs alone.",
                "Ask them of that account: `iamtui impact`.",
            )
        if not edits:
            raise Problem(f"The draft {safe_text(shown)} is empty.", "Add an edit: `iamtui draft edit`.")
        return OrganizationDraft(tuple(edits))
    document = PolicyDocument(text)
    if document.error is not None:
        raise Problem(f"The policy document {safe_text(shown)} cannot be read: {document.error}", "See `iamtui lint`.")
    names = any(one.principals is not None or one.not_principals is not None for one in document.policy.statements)
    return OrganizationDraft(document=text, kind=RCP if names else SCP, level=level)


# Applying the edits of a draft to an account, which stays as it is; what is worth knowing of them.


class DraftProblem(Problem):
    """An edit of a draft does not fit the account.

    Args:
        number: which edit, from 1; 0: the draft as a whole.
    """

    def __init__(self, number: int, words: str, reason: str, next_step: str = "") -> None:
        what = f"Edit {number} of the draft ({words}) does not fit: {reason}." if number else f"{reason}."
        super().__init__(what, next_step)
        self.number = number
        self.words = words
        self.reason = reason


@dataclass(frozen=True, slots=True)
class AppliedDraft:
    """A draft applied to an account as far as it fits.

    Args:
        account: the account with every edit that fits.
        problems: the edits that do not fit and are left out; unless it is empty, `account` is not what the
            draft means, and no answer about it may be shown as the draft's.
        findings: what is worth knowing about the edits that fit, in their order.
    """

    account: Account
    problems: tuple[DraftProblem, ...]
    findings: tuple[DraftFinding, ...]


def apply_draft(account: Account, draft: Draft, managed: Managed) -> AppliedDraft:
    """Apply the edits to the account in order, with what does not fit and what is worth knowing.

    The account given is not touched; what no edit is about is shared. Edits stop where AWS or the account's own data
    make them meaningless (unknown holder, unreadable document, a policy that is not attached); what AWS may refuse
    while the meaning is clear (quotas) is a finding.

    Args:
        managed: finds an AWS managed policy, which the account lacks, by its name or ARN.
    """
    if draft.account_id != account.id:
        problem = DraftProblem(
            0,
            "",
            f"The draft is for account {safe_text(draft.account_id, limit=64)}, and this is account {account.id}",
            "Open the account it was made for, or start a new draft.",
        )
        return AppliedDraft(account, (problem,), ())
    ledger = Ledger(account, managed)
    problems: list[DraftProblem] = []
    earlier = AccountAfterEdits(account)
    for number, edit in enumerate(draft.edits, 1):
        ledger.number = number
        try:
            edit.apply(ledger)
        except Misfit as misfit:
            words = safe_text(edit.words(earlier))
            problems.append(DraftProblem(number, words, misfit.sentence, misfit.next_step))
        earlier.make(edit)
    after = ledger.account()
    after.memo[DRAFTED_FROM] = account
    findings = (*ledger.findings, *_denial_findings(account, draft), *_quota_findings(account, after, ledger.touched))
    return AppliedDraft(after, tuple(problems), tuple(sorted(findings, key=lambda finding: finding.edit)))


# What a draft would leave above AWS's default quotas: findings, for a quota can be raised (IAM User Guide: IAM and AWS
# STS quotas; AWS Organizations User Guide: Quotas for AWS Organizations).


_ATTACHED: Final = {User: (10, "20"), Role: (20, "25"), Group: (10, "")}
"""Managed policies of a user, role, group: the default and what it can be raised to."""

_INLINE: Final = {User: 2_048, Role: 10_240, Group: 5_120}
_MANAGED, _TRUST, _TRUST_RAISED = 6_144, 2_048, 8_192
_GROUPS, _VERSIONS = 10, 5
_ORGANIZATION: Final = {SCP: (10, 10_240), RCP: (5, 5_120)}
"""Policies at one level, and characters of one."""


def _counted_characters(document: PolicyDocument) -> int:
    """Characters that IAM counts: white space is free."""
    return len("".join(document.source_text.split()))


def _quota_findings(before: Account, after: Account, touched: Mapping[str, int]) -> Iterator[DraftFinding]:
    """The quotas that the touched entities, levels and resources exceed after the draft.

    Args:
        touched: ARN or level id to the number of the last edit about it.
    """
    for name, number in touched.items():
        for sentence in _exceeded(before, after, name):
            yield DraftFinding(number, "quota", sentence)
        level = find_level(after, name)
        if level is not None and _nothing_allowed(level):
            where = safe_text(level.name or level.id)
            sentence = f"No SCP at {where} allows anything then, so nothing is allowed at that level and below it."
            yield DraftFinding(number, "nothing allowed", sentence)


def _nothing_allowed(level: OrganizationLevel) -> bool:
    """True if the SCPs of a level are known, there are some, and none of them has an Allow."""
    policies = level.scps.value_or(())
    return bool(policies) and not any(
        statement.effect == "Allow"
        for policy in policies
        if policy.document.error is None
        for statement in policy.document.policy.statements
    )


def _exceeded(before: Account, after: Account, name: str) -> Iterator[str]:
    entity = after.by_arn(name)
    if isinstance(entity, (User, Group, Role)):
        yield from _of_holder(before, entity)
    elif isinstance(entity, ManagedPolicy):
        yield from _of_policy(before, entity)
    elif name in after.resource_policies:
        yield from _of_resource(after, name)
    else:
        level = find_level(after, name)
        if level is not None:
            where = safe_text(level.name or level.id)
            for type_, fact in ((SCP, level.scps), (RCP, level.rcps)):
                if isinstance(fact, Missing):
                    continue
                most, longest = _ORGANIZATION[type_]
                if len(fact.value) > most:
                    yield f"{where} would have {len(fact.value)} {short_type(type_)}s; the quota is {most}."
                if type_ == SCP and not fact.value:
                    yield (
                        f"{where} would have no SCP, which denies everything below it; AWS refuses to detach the last "
                        "one: attach another first."
                    )
                for policy in fact.value:
                    size = len(policy.document.source_text)
                    if size > longest:
                        yield (
                            f"The {short_type(type_)} {safe_text(policy.name)} has {size:,} characters; "
                            f"the quota is {longest:,}, white space included."
                        )


def _of_holder(before: Account, holder: User | Group | Role) -> Iterator[str]:
    who = safe_text(entity_name(holder.arn))
    most, raised = _ATTACHED[type(holder)]
    if len(holder.attached_policies) > most:
        up_to = f", which can be raised to {raised}" if raised else ""
        yield f"{who} would have {len(holder.attached_policies)} managed policies; the quota is {most}{up_to}."
    was = before.by_arn(holder.arn)
    size = sum(_counted_characters(policy.document) for policy in holder.inline_policies)
    inline_changed = not isinstance(was, (User, Group, Role)) or was.inline_policies != holder.inline_policies
    if inline_changed and size > _INLINE[type(holder)]:
        yield (
            f"The inline policies of {who} would have {size:,} characters together; "
            f"the quota is {_INLINE[type(holder)]:,}."
        )
    if isinstance(holder, User) and len(holder.groups) > _GROUPS:
        yield f"{who} would be in {len(holder.groups)} groups; the quota is {_GROUPS}."
    if isinstance(holder, Role) and not (isinstance(was, Role) and was.trust is holder.trust):
        size = _counted_characters(holder.trust)
        if size > _TRUST:
            yield (
                f"The trust policy of {who} would have {size:,} characters; the quota is {_TRUST:,}, "
                f"which can be raised to {_TRUST_RAISED:,}."
            )


def _of_policy(before: Account, policy: ManagedPolicy) -> Iterator[str]:
    was = before.policy(policy.arn)
    version = policy.default_version
    if policy.aws_managed or version is None or (was is not None and was.default_version is version):
        return
    name = safe_text(policy_name(policy.arn))
    if len(policy.versions) > _VERSIONS:
        yield (
            f"{name} has {_VERSIONS} versions already, the most there can be: the oldest has to go first, which the "
            "exported commands see to."
        )
    size = _counted_characters(version.document)
    if size > _MANAGED:
        yield f"{name} would have {size:,} characters; the quota is {_MANAGED:,}."


def _of_resource(after: Account, resource: str) -> Iterator[str]:
    policy = after.resource_policies[resource]
    arn = parse_arn(resource)
    spec = SERVICE_SPECS.get(arn.service) if arn is not None else None
    longest = spec.most_bytes if spec is not None else None
    if longest is not None and policy.document is not None:
        size = len(policy.document.source_text.encode("utf-8", "replace"))
        if size > longest:
            yield f"The policy of {safe_text(resource)} has {size:,} bytes; the most is {longest:,}."


# What a draft no longer denies: the Deny statements of the account that its edits take away or change.


_EXCEPTING: Final = frozenset(("arnnotequals", "arnnotlike", "stringnotequals", "stringnotlike"))


def _denial_findings(account: Account, draft: Draft) -> Iterator[DraftFinding]:
    """A finding for every edit that takes away or changes a Deny which the account has."""
    base, earlier = AccountAfterEdits(account), AccountAfterEdits(account)
    for number, edit in enumerate(draft.edits, 1):
        known = statements_with(edit.replaced(base), "Deny")
        now = statements_with(edit.replaced(earlier), "Deny")
        after = statements_with(brought_document(edit), "Deny")
        kept = [_meaning(one) for one in after]
        for deny in now:
            if deny in known and _meaning(deny) not in kept:
                new = [one for one in after if one not in now]
                yield DraftFinding(number, "denies less", _lost_denial(edit, deny, after, new))
        earlier.make(edit)


def _lost_denial(edit: BaseEdit, deny: dict[str, Any], after: list[dict[str, Any]], new: list[dict[str, Any]]) -> str:
    """Consequence of an edit that removes or changes a Deny, as a sentence.

    Args:
        after: the denies of the document that the edit brings.
        new: those of them that stood nowhere before.
    """
    sid = _sid(deny)
    words = f"The Deny {safe_text(sid, limit=128)}" if sid else "A Deny without a Sid"
    if edit.detachment:
        return f"{words} of {safe_text(edit.detachment)}."
    named = next((one for one in reversed(after) if sid and _sid(one) == sid), None)
    if named is not None and (excepted := _newly_excepted(deny, named)):
        whom = safe_text(" and ".join(entity_name(arn) for arn in excepted))
        partly = all(any(is_only_for(other, arn) for other in new) for arn in excepted)
        return f"{words} denies {whom} less." if partly else f"{words} no longer denies {whom}."
    if named is not None or any(_about(deny) == _about(other) for other in new):
        return f"{words} is changed and may deny others less too."
    return f"{words} is gone, for everyone that it denied something."


def statements_with(document: PolicyDocument | None, effect: str) -> list[dict[str, Any]]:
    """The statements of a document, as they are written, that have an effect."""
    if document is None or document.error is not None:
        return []
    value = document.value["Statement"]
    statements = as_list(value)
    return [one for one in statements if isinstance(one, dict) and one.get("Effect") == effect]


def _meaning(statement: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in statement.items() if key != "Sid"}


def _about(statement: dict[str, Any]) -> tuple[Any, Any]:
    """Actions of a Deny, which identify it when its name changes."""
    return statement.get("Action"), statement.get("NotAction")


def _newly_excepted(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The ARNs that a Deny excepts now and did not before, where nothing else of it differs; else nothing."""
    rest_before, excepted_before = _exceptions(before)
    rest_after, excepted_after = _exceptions(after)
    more = [arn for arn in excepted_after if arn not in excepted_before]
    kept = all(arn in excepted_after for arn in excepted_before)
    return more if kept and rest_before == rest_after and not any("*" in arn or "?" in arn for arn in more) else []


def is_only_for(statement: Mapping[str, Any], arn: str) -> bool:
    """True if a statement concerns one caller alone by a condition on its ARN: the rest of a Deny with an exception."""
    conditions = statement.get("Condition")
    for operator, tests in conditions.items() if isinstance(conditions, dict) else ():
        if operator.lower() == "arnequals" and isinstance(tests, dict):
            return any(key.lower() == "aws:principalarn" and value in (arn, [arn]) for key, value in tests.items())
    return False


def _exceptions(statement: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A statement without the ARNs that it excepts by ArnNotEquals and its like, and those ARNs."""
    conditions = statement.get("Condition")
    if not isinstance(conditions, dict):
        return _meaning(statement), []
    rest: dict[str, Any] = {}
    arns: list[str] = []
    for operator, tests in conditions.items():
        kept = dict(tests) if isinstance(tests, dict) else tests
        if operator.lower() in _EXCEPTING and isinstance(kept, dict):
            for key in [key for key in kept if key.lower() == "aws:principalarn"]:
                value = kept.pop(key)
                arns += [str(one) for one in as_list(value)]
        if kept != {}:
            rest[operator] = kept
    other = {key: value for key, value in _meaning(statement).items() if key != "Condition"}
    return {**other, "Condition": rest} if rest else other, arns


def _sid(statement: dict[str, Any]) -> str:
    sid = statement.get("Sid")
    return sid if isinstance(sid, str) else ""
