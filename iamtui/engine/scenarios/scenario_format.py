"""The JSON form of a scenario: its shape as msgspec Structs, the JSON Schema, and errors with an exact path."""

from __future__ import annotations

import difflib
import json
import re
from typing import Annotated, Any, Final, Literal, get_type_hints

import msgspec
from msgspec import Meta, Struct, structs

from iamtui.engine.request import EngineOptions
from iamtui.policy.document import JsonValue
from iamtui.policy.json_text import kind_of
from iamtui.problem import Problem
from iamtui.typed_json import prepared


class ScenarioError(Problem):
    """A scenario cannot be understood.

    Args:
        message: what was found and what was expected, without the path.
        path: where in the scenario, as `$.identity_policies[0].document.Statement[0].Effect`.
    """

    def __init__(self, message: str, *, path: str = "$") -> None:
        super().__init__(f"{path}: {message}.")
        self.message = message
        self.path = path


def _described(text: str) -> Meta:
    return Meta(description=text)


Document = Annotated[dict[str, Any] | str, _described("a policy document: an object, or its JSON text")]
Names = Annotated[list[str] | None, _described("a list of condition key names")]
Flag = Annotated[bool | None, _described("true, false or null")]


class PrincipalForm(Struct, forbid_unknown_fields=True):
    """A caller that has no ARN."""

    type: Annotated[Literal["Anonymous", "Federated"], _described('"Anonymous" or "Federated"')]
    provider: Annotated[str | None, _described("the ARN or host of the identity provider")] = None


class RequestForm(Struct, forbid_unknown_fields=True):
    """Who asks for what."""

    principal: Annotated[
        str | PrincipalForm,
        _described('an ARN, a service name, {"type": "Anonymous"} or {"type": "Federated", "provider": "..."}'),
    ]
    action: Annotated[str, _described("one action, as service:Operation")]
    resource: Annotated[str, _described('an ARN, an ARN pattern with *, or "*"')]
    credentials: Annotated[Literal["long_term", "temporary"] | None, _described('"long_term", "temporary" or null')] = (
        None
    )
    issuer: Annotated[str | None, _described("the ARN of the user behind a federated-user session, or null")] = None
    resource_account: Annotated[str | None, _described("the 12-digit account that owns the resource, or null")] = None
    context: Annotated[
        dict[str, Any] | None,
        _described("an object of condition keys, each with a text, number or boolean, or a list of these"),
    ] = None
    known_absent: Annotated[
        list[str] | None, _described("a list of condition key names, in which a * stands for any text")
    ] = None
    any_value: Names = None
    wildcard_only_action: Flag = None
    resource_exists: Annotated[
        bool | None, _described("false: the resource is known not to exist; true or null: it may")
    ] = None


class PolicyForm(Struct, forbid_unknown_fields=True):
    """A policy document under a name."""

    document: Document
    name: Annotated[
        Annotated[str, Meta(max_length=512)] | None,
        _described("the policy's name, of at most 512 characters"),
    ] = None


class S3Form(Struct, forbid_unknown_fields=True):
    """S3 Block Public Access."""

    restrict_public_buckets: Flag = None
    public_policy: Annotated[
        bool | None, _described("whether the bucket policy counts as public; null: it is judged")
    ] = None


class SettingsForm(Struct, forbid_unknown_fields=True):
    """Facts beside the policies."""

    principal_in_management_account: Flag = None
    resource_in_management_account: Flag = None
    principal_in_iam_delegated_administrator: Annotated[
        bool | None,
        _described("whether the caller's account is a delegated administrator for IAM; null: it is not known"),
    ] = None
    users_may_change_password: Flag = None
    principal_delegated_services: Annotated[
        list[Annotated[str, Meta(max_length=128)]] | None,
        _described("services of which the caller's account is a delegated administrator"),
    ] = None
    s3: Annotated[S3Form | None, _described("the S3 Block Public Access settings")] = None


Policies = Annotated[list[PolicyForm] | None, _described('a list of {"name": ..., "document": ...}')]
Levels = Annotated[
    list[list[PolicyForm]] | None,
    _described('a list of levels from the root, each a list of {"name": ..., "document": ...}'),
]


class ScenarioForm(Struct, forbid_unknown_fields=True):
    """One request and the policies in force."""

    request: Annotated[RequestForm, _described("an object with principal, action and resource")]
    id: Annotated[str | int | None, _described("a text or whole number that names this scenario")] = None
    expect: Annotated[
        Literal["allowed", "denied", "explicitDeny", "implicitDeny", "depends"] | None,
        _described('"allowed", "denied", "explicitDeny", "implicitDeny", "depends" or null'),
    ] = None
    mode: Annotated[Literal["strict", "discover"] | None, _described('"strict", "discover" or null')] = None
    identity_policies: Policies = None
    permissions_boundaries: Policies = None
    session_policies: Policies = None
    scope_down_policies: Policies = None
    resource_policy: Annotated[
        dict[str, Any] | str | None, _described("the policy document of the resource: an object, or its JSON text")
    ] = None
    scps: Levels = None
    rcps: Levels = None
    vpc_endpoint_policies: Policies = None
    settings: Annotated[SettingsForm | None, _described("an object of settings")] = None
    options: Annotated[dict[str, Any] | None, _described("an object of engine options")] = None


OPTION_NAMES: Final = EngineOptions.__struct_fields__
"""The engine options; each is true or false."""


def to_form(value: JsonValue) -> ScenarioForm:
    """Check the shape of a decoded scenario.

    Raises:
        ScenarioError: a key is missing or unknown, or a value has the wrong type; the path says which.
    """
    if not isinstance(value, dict):
        raise ScenarioError(f"expected an object with a request, found {kind_of(value)}")
    try:
        return msgspec.convert(value, prepared(ScenarioForm))
    except msgspec.ValidationError as error:
        raise _explained(str(error), value) from None
    except UnicodeEncodeError:
        # msgspec compares keys as UTF-8, in which half of a surrogate pair cannot be written.
        raise ScenarioError("a key or a value has half of a surrogate pair, expected whole characters") from None


_AT: Final = re.compile(r"(.*?)(?: - at (?:`key` in )?`(\$.*)`)?", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(.*)`", re.DOTALL)
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_STEP: Final = re.compile(r"\.([A-Za-z_0-9]+)|\[(\d+)\]")


def _explained(message: str, value: JsonValue) -> ScenarioError:
    """Turn msgspec's message into ours, which names what was expected and the nearest known key."""
    match = _AT.fullmatch(message)
    what, path = (match[1], match[2] or "$") if match else (message, "$")
    form, meaning, found = _follow(path, value)
    if missing := _MISSING.fullmatch(what):
        key = missing[1]
        hint = ""
        if form is PolicyForm and isinstance(found, dict) and "Statement" in found:
            hint = '; a bare document goes into {"name": "...", "document": {...}}'
        return ScenarioError(f"missing, expected {_meaning(form, key)}{hint}", path=f"{path}.{key}")
    if unknown := _UNKNOWN.fullmatch(what):
        key = unknown[1]
        if form is PolicyForm and isinstance(found, dict) and "Statement" in found:
            return ScenarioError(
                'a bare policy document, expected {"name": "...", "document": {...}} around it', path=path
            )
        known = form.__struct_fields__ if form is not None else ()
        return ScenarioError(f"unknown key, {_nearest(key, known)}", path=f"{path}{step(key)}")
    return ScenarioError(f"found {kind_of(found)}, expected {meaning}", path=path)


def _follow(path: str, value: JsonValue) -> tuple[type[Struct] | None, str, JsonValue]:
    """Walk a path: the form of the object there (if it is one), what is expected there, and what is there."""
    form: type[Struct] | None = ScenarioForm
    expected: Any = ScenarioForm
    meaning = "a scenario"
    found = value
    for name, index in _STEP.findall(path):
        if name and form is not None:
            expected = get_type_hints(form, include_extras=True).get(name)
            meaning = _description(expected) or meaning
            found = found.get(name) if isinstance(found, dict) else None
        elif index:
            expected = _item(expected)
            meaning = 'an object {"name": ..., "document": ...}' if _struct(expected) else _of_item(expected)
            found = found[int(index)] if isinstance(found, list) and int(index) < len(found) else None
        form = _struct(expected)
    return form, meaning, found


def _description(hint: Any) -> str:
    return next((m.description or "" for m in getattr(hint, "__metadata__", ()) if isinstance(m, Meta)), "")


def _meaning(form: type[Struct] | None, key: str) -> str:
    return _description(get_type_hints(form, include_extras=True).get(key)) if form is not None else "a value"


def _options_of(hint: Any) -> tuple[Any, ...]:
    """The members of a union, or the type itself, without its annotations."""
    bare = getattr(hint, "__origin__", hint) if hasattr(hint, "__metadata__") else hint
    args = getattr(bare, "__args__", ())
    return tuple(args) if getattr(bare, "__origin__", None) is None and args else (bare,)


def _item(hint: Any) -> Any:
    for option in _options_of(hint):
        if getattr(option, "__origin__", None) is list:
            return option.__args__[0]
    return None


def _of_item(hint: Any) -> str:
    if hint is str:
        return "a text"
    return 'a list of {"name": ..., "document": ...}'


def _struct(hint: Any) -> type[Struct] | None:
    for option in _options_of(hint):
        if isinstance(option, type) and issubclass(option, Struct):
            return option
    return None


def step(key: str) -> str:
    """One step of a path: `.name` for a plain name, else `["the key"]`."""
    return f".{key}" if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key) else f"[{json.dumps(key)}]"


def _nearest(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    return f'did you mean "{close[0]}"' if close else "expected one of " + ", ".join(sorted(known))


def engine_options(value: dict[str, JsonValue] | None) -> EngineOptions:
    """Check the options of a scenario; null means the default.

    Raises:
        ScenarioError: an unknown name or a value of the wrong type.
    """
    chosen: dict[str, Any] = {}
    for name, setting in (value or {}).items():
        path = f"$.options{step(name)}"
        if name not in OPTION_NAMES:
            raise ScenarioError(f"unknown option, {_nearest(name, OPTION_NAMES)}", path=path)
        if setting is None:
            continue
        if not isinstance(setting, bool):
            raise ScenarioError(f"found {kind_of(setting)}, expected true or false", path=path)
        chosen[name] = setting
    return EngineOptions(**chosen)


def scenario_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of one scenario."""
    schema = msgspec.json.schema(ScenarioForm)
    scalar = {"type": ["string", "number", "boolean"]}
    schema["$defs"]["RequestForm"]["properties"]["context"]["anyOf"] = [
        {
            "type": "object",
            "additionalProperties": {"anyOf": [scalar, {"type": "array", "items": scalar}]},
        },
        {"type": "null"},
    ]
    options = {
        field.name: {"type": ["boolean", "null"], "default": field.default} for field in structs.fields(EngineOptions)
    }
    schema["$defs"]["ScenarioForm"]["properties"]["options"]["anyOf"] = [
        {"type": "object", "properties": options, "additionalProperties": False},
        {"type": "null"},
    ]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "iamtui scenario", **schema}
