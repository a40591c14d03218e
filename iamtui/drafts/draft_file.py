"""The file form of a draft: JSON with the documents as objects, so that it can be read, reviewed and kept in git.

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
from dataclasses import fields
from typing import Annotated, Any, Final, Literal, TypeAlias, get_type_hints

import msgspec
from msgspec import Meta, Struct

from iamtui.drafts import edits as records
from iamtui.drafts.edits import Draft, Edit
from iamtui.policy.arn import is_account_id
from iamtui.policy.document import DocumentError, JsonValue, PolicyDocument, load_json, render
from iamtui.policy.json_text import WrittenNumber, json_text
from iamtui.problem import Problem
from iamtui.text import safe_text

VERSION: Final = 1
MARK: Final = "iamtui_draft"
"""The key that every draft has; its value is the version of the form."""

LARGEST: Final = 8 * 1024 * 1024
"""Characters of the largest draft that is read."""


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


def _described(text: str) -> Meta:
    return Meta(description=text)


Holder: TypeAlias = Annotated[str, _described("the ARN of a user, group or role")]
Bounded: TypeAlias = Annotated[str, _described("the ARN of a user or role")]
Policy: TypeAlias = Annotated[str, _described("the ARN of a managed policy")]
Name: TypeAlias = Annotated[str, _described("the name of the policy")]
UserArn: TypeAlias = Annotated[str, _described("the ARN of a user")]
GroupArn: TypeAlias = Annotated[str, _described("the ARN of a group")]
RoleArn: TypeAlias = Annotated[str, _described("the ARN of a role")]
Resource: TypeAlias = Annotated[str, _described("the ARN of the resource that has the policy")]
Level: TypeAlias = Annotated[str, _described("the id of the root, an OU or the account")]
Document: TypeAlias = Annotated[dict[str, Any] | str, _described("a policy document: a JSON object, or its text")]
Type: TypeAlias = Annotated[
    Literal["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"],
    _described('"SERVICE_CONTROL_POLICY" or "RESOURCE_CONTROL_POLICY"'),
]


class AttachPolicyForm(Struct, tag_field="edit", tag="AttachPolicy", forbid_unknown_fields=True):
    """Attach a managed policy, the account's own or one of AWS."""

    holder: Holder
    policy: Policy


class DetachPolicyForm(Struct, tag_field="edit", tag="DetachPolicy", forbid_unknown_fields=True):
    """Detach a managed policy."""

    holder: Holder
    policy: Policy


class PutInlinePolicyForm(Struct, tag_field="edit", tag="PutInlinePolicy", forbid_unknown_fields=True):
    """Add an inline policy, or replace the one of that name."""

    holder: Holder
    name: Name
    document: Document


class DeleteInlinePolicyForm(Struct, tag_field="edit", tag="DeleteInlinePolicy", forbid_unknown_fields=True):
    """Take an inline policy away."""

    holder: Holder
    name: Name


class PutManagedPolicyForm(Struct, tag_field="edit", tag="PutManagedPolicy", forbid_unknown_fields=True):
    """Give a customer managed policy a new default version, or create it."""

    policy: Policy
    document: Document


class AddUserToGroupForm(Struct, tag_field="edit", tag="AddUserToGroup", forbid_unknown_fields=True):
    """Put a user into a group."""

    user: UserArn
    group: GroupArn


class RemoveUserFromGroupForm(Struct, tag_field="edit", tag="RemoveUserFromGroup", forbid_unknown_fields=True):
    """Take a user out of a group."""

    user: UserArn
    group: GroupArn


class PutPermissionsBoundaryForm(Struct, tag_field="edit", tag="PutPermissionsBoundary", forbid_unknown_fields=True):
    """Set a permissions boundary."""

    holder: Bounded
    policy: Policy


class DeletePermissionsBoundaryForm(
    Struct, tag_field="edit", tag="DeletePermissionsBoundary", forbid_unknown_fields=True
):
    """Drop a permissions boundary."""

    holder: Bounded


class UpdateTrustPolicyForm(Struct, tag_field="edit", tag="UpdateTrustPolicy", forbid_unknown_fields=True):
    """Replace a role's trust policy."""

    role: RoleArn
    document: Document


class PutOrganizationPolicyForm(Struct, tag_field="edit", tag="PutOrganizationPolicy", forbid_unknown_fields=True):
    """Attach an SCP or RCP at a level, or replace its text."""

    type: Type
    level: Level
    name: Name
    document: Document


class DetachOrganizationPolicyForm(
    Struct, tag_field="edit", tag="DetachOrganizationPolicy", forbid_unknown_fields=True
):
    """Take an SCP or RCP away from a level."""

    type: Type
    level: Level
    name: Name


class PutResourcePolicyForm(Struct, tag_field="edit", tag="PutResourcePolicy", forbid_unknown_fields=True):
    """Set or replace the policy of a resource."""

    resource: Resource
    document: Document


class DeleteResourcePolicyForm(Struct, tag_field="edit", tag="DeleteResourcePolicy", forbid_unknown_fields=True):
    """Take a resource's policy away."""

    resource: Resource


EditForm: TypeAlias = (
    AttachPolicyForm
    | DetachPolicyForm
    | PutInlinePolicyForm
    | DeleteInlinePolicyForm
    | PutManagedPolicyForm
    | AddUserToGroupForm
    | RemoveUserFromGroupForm
    | PutPermissionsBoundaryForm
    | DeletePermissionsBoundaryForm
    | UpdateTrustPolicyForm
    | PutOrganizationPolicyForm
    | DetachOrganizationPolicyForm
    | PutResourcePolicyForm
    | DeleteResourcePolicyForm
)


class DraftForm(Struct, forbid_unknown_fields=True):
    """A what-if: edits laid over an account, oldest first."""

    iamtui_draft: Annotated[int, Meta(ge=1, le=VERSION, description=f"the version of this form, {VERSION}")]
    account_id: Annotated[str, Meta(pattern=r"^[0-9]{12}$", description="the 12 digits of the account's id")]
    edits: Annotated[list[EditForm], _described("a list of edits")]
    name: Annotated[str, _described("a text, what the draft is called")] = ""


_FORMS: Final[dict[str, type[Struct]]] = {str(form.__struct_config__.tag): form for form in EditForm.__args__}
EDIT_KINDS: Final = tuple(_FORMS)
"""The kinds of edit that a draft can hold, as the file calls them."""

_FIELDS: Final = {
    "holder": "holder_arn",
    "policy": "policy_arn",
    "user": "user_arn",
    "group": "group_arn",
    "role": "role_arn",
    "resource": "resource_arn",
    "level": "level_id",
}
"""What the file calls a field of a record that has a longer name."""

_SHORT: Final = {long: short for short, long in _FIELDS.items()}


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


def draft_from_json(value: JsonValue) -> Draft:
    """The draft that a decoded JSON value holds.

    Raises:
        DraftFormError: it is no draft.
    """
    if not isinstance(value, dict) or MARK not in value:
        raise DraftFormError(
            f'no draft: expected an object with "{MARK}": {VERSION}, "account_id" and "edits", found {_kind(value)}',
            foreign=True,
        )
    version = value[MARK]
    if type(version) is not int or version < 1:
        raise DraftFormError(f"found {_kind(version)}, expected {VERSION}", path=f"$.{MARK}", foreign=True)
    if version > VERSION:
        raise DraftFormError(
            f"version {version} is newer than the {VERSION} that this iamtui reads: upgrade iamtui", path=f"$.{MARK}"
        )
    for key in value:
        if key not in DraftForm.__struct_fields__:
            raise DraftFormError(f"unknown key, {_nearest(key, DraftForm.__struct_fields__)}", path=f"${_step(key)}")
    account = value.get("account_id")
    if not isinstance(account, str) or not is_account_id(account):
        raise DraftFormError(f"{_found(value, 'account_id')}, expected 12 digits as a text", path="$.account_id")
    name = value.get("name", "")
    if not isinstance(name, str):
        raise DraftFormError(f"found {_kind(name)}, expected a text", path="$.name")
    edits = value.get("edits")
    if not isinstance(edits, list):
        raise DraftFormError(f"{_found(value, 'edits')}, expected a list of edits", path="$.edits")
    return Draft(account, name, tuple(_edit(edit, f"$.edits[{index}]") for index, edit in enumerate(edits)))


def _edit(value: JsonValue, path: str) -> Edit:
    kinds = f"Kinds of edit: {', '.join(EDIT_KINDS)}"
    if not isinstance(value, dict):
        raise DraftFormError(f'found {_kind(value)}, expected an object with "edit" and its fields', path=path)
    kind = value.get("edit")
    if "edit" not in value:
        raise DraftFormError(f"missing, expected a kind of edit. {kinds}", path=f"{path}.edit")
    if not isinstance(kind, str):
        raise DraftFormError(f"found {_kind(kind)}, expected a kind of edit. {kinds}", path=f"{path}.edit")
    form = _FORMS.get(kind)
    if form is None:
        close = difflib.get_close_matches(kind, EDIT_KINDS, n=1, cutoff=0.6)
        meant = f'; did you mean "{close[0]}"?' if close else "."
        raise DraftFormError(
            f"there is no edit {safe_text(json.dumps(kind), limit=80)}{meant} {kinds}", path=f"{path}.edit"
        )
    try:
        converted = msgspec.convert(value, form)
    except (msgspec.ValidationError, UnicodeEncodeError):
        # The second: msgspec compares keys as UTF-8, in which half of a surrogate pair cannot be written.
        raise _explained(value, form, path) from None
    given = {_FIELDS.get(field, field): getattr(converted, field) for field in form.__struct_fields__}
    if "document" in given and isinstance(given["document"], dict):
        given["document"] = render(given["document"])
    made: Edit = getattr(records, kind)(**given)
    return made


def _explained(value: dict[str, JsonValue], form: type[Struct], path: str) -> DraftFormError:
    """What is wrong with an edit that its form refuses: the first fault, in the order of the form."""
    hints = get_type_hints(form, include_extras=True)
    for field in form.__struct_fields__:
        meaning = next(meta.description for meta in hints[field].__metadata__ if isinstance(meta, Meta))
        if field not in value:
            return DraftFormError(f"missing, expected {meaning}", path=f"{path}.{field}")
        try:
            msgspec.convert(value[field], hints[field])
        except (msgspec.ValidationError, UnicodeEncodeError):
            return DraftFormError(f"found {_kind(value[field])}, expected {meaning}", path=f"{path}.{field}")
    key = next((key for key in value if key != "edit" and key not in form.__struct_fields__), None)
    if key is None:
        return DraftFormError("a text has half of a surrogate pair, expected whole characters", path=path)
    return DraftFormError(f"unknown key, {_nearest(key, form.__struct_fields__)}", path=f"{path}{_step(key)}")


def _nearest(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    return f'did you mean "{close[0]}"' if close else f"expected one of {', '.join(known)}"


def _step(key: str) -> str:
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key)
    return f".{key}" if plain else f"[{safe_text(json.dumps(key), limit=80)}]"


def _found(value: dict[str, JsonValue], key: str) -> str:
    return f"found {_kind(value[key])}" if key in value else "missing"


def _kind(value: JsonValue) -> str:
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    names = {str: "the text", bool: "the boolean", int: "the number", float: "the number", WrittenNumber: "the number"}
    return f"{names.get(type(value), 'the value')} {safe_text(json_text(value, ensure_ascii=True), limit=60)}"


def draft_to_json(draft: Draft) -> dict[str, Any]:
    """The draft as JSON values, as the file has them."""
    return {
        MARK: VERSION,
        "account_id": draft.account_id,
        "name": draft.name,
        "edits": [edit_to_json(edit) for edit in draft.edits],
    }


def edit_to_json(edit: Edit) -> dict[str, Any]:
    """One edit as JSON values."""
    made: dict[str, Any] = {"edit": type(edit).__name__}
    for field in fields(edit):
        value = getattr(edit, field.name)
        made[_SHORT.get(field.name, field.name)] = _document(value) if field.name == "document" else value
    return made


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
    schema = msgspec.json.schema(DraftForm)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "iamtui draft", **schema}
