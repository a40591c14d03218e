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
from typing import Any, Final, get_type_hints

import msgspec
from msgspec import Meta

from iamtui.drafts.draft import EDIT_KINDS, Draft, Edit
from iamtui.drafts.edits.base import BaseEdit
from iamtui.policy.document import DocumentError, JsonValue, PolicyDocument, load_json, render
from iamtui.policy.json_text import json_text, kind_of
from iamtui.policy.patterns import is_account_id
from iamtui.problem import Problem
from iamtui.text import safe_text

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
        made: Edit = msgspec.convert(value, form)
    except (msgspec.ValidationError, UnicodeEncodeError):
        # The second: msgspec compares keys as UTF-8, in which half of a surrogate pair cannot be written.
        raise _explained(value, form, path) from None
    return made


def _explained(value: dict[str, JsonValue], form: type[BaseEdit], path: str) -> DraftFormError:
    """What is wrong with an edit that its form refuses: the first fault, in the order of the form."""
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
            msgspec.convert(value[name], hints[field])
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
