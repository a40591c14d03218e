"""A what-if: the kinds of edits, one class each, the Draft that holds edits of them, and its file.

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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias, get_type_hints

import msgspec
from msgspec import Meta, Struct, structs

from iamtui.account.model import Account, Missing
from iamtui.drafts.aws_values import RCP, SCP
from iamtui.drafts.edits.base import BaseEdit, describe_edit
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
from iamtui.policy.document import DocumentError, JsonValue, PolicyDocument, load_json, render
from iamtui.policy.json_text import json_text, kind_of
from iamtui.policy.patterns import is_account_id
from iamtui.policy.types import PolicyType
from iamtui.problem import Problem
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
