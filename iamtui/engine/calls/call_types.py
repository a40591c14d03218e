"""Resource types of an action as its calls name them: ARN forms, parameters that fill these, and what is missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from iamtui.catalog import api_operations, service_data
from iamtui.catalog.arn_forms import ArnForm, Name, forms_of_types, resource_types_of, types_of_each_call
from iamtui.catalog.tables import REGIONS

_PLACEHOLDER: Final = re.compile(r"\$\{([^}]*)\}|\*")
_FIELDS: Final = ("Partition", "Region", "Account")
_MAKING: Final = ("create", "allocate", "copy", "import", "register", "request", "run", "provision", "purchase")
_GENERIC: Final = ("resourceid", "id", "name", "resourcename", "resourcepath", "identifier")
_SUFFIXES: Final = ("identifier", "name", "id")


class CallType(NamedTuple):
    """A resource type of an action: how its ARNs are made and recognized.

    Args:
        pieces: literal text, or for a name the parameters that have it.
        required: whether every call names one.
        alone: whether no other type stands in for it.
        made: whether a call makes it, so that its id does not exist yet.
        pattern: what its ARNs look like.
    """

    pieces: tuple[str | tuple[str, ...], ...]
    required: bool
    alone: bool
    made: bool
    pattern: re.Pattern[str]


@lru_cache(maxsize=8192)
def types_of_call(prefix: str, name: str, operation: str) -> tuple[CallType, ...]:
    forms = service_data.resource_types(prefix)
    found = service_data.actions(prefix)[name]["resourceTypes"]
    made = api_operations.MADE_HERE.get(f"{prefix}:{name}", ())
    alone = {types[0] for types in types_of_each_call(f"{prefix}:{name}") if len(types) == 1}
    types: list[CallType] = []
    for one in found:
        kind = str(one["name"]).lower()
        pattern = pattern_of(forms_of_types(prefix).get(kind, ()))
        for form in str(forms.get(kind, {}).get("arn", "")).split(", "):
            if not form:
                continue
            required = bool(one.get("required"))
            makes = kind in made or (required and _makes(operation, kind))
            types.append(
                CallType(tuple(_pieces(form, prefix, kind, operation)), required, kind in alone, makes, pattern)
            )
    return tuple(types)


def _makes(operation: str, kind: str) -> bool:
    """True if an operation is named after the type: CreateVolume makes a volume."""
    verb = next((verb for verb in _MAKING if operation.startswith(verb)), "")
    return bool(verb) and operation.removeprefix(verb).removesuffix("s") == letters_of(kind).removesuffix("s")


def letters_of(text: str) -> str:
    return re.sub("[^a-z]", "", text.lower())


@lru_cache(maxsize=4096)
def pattern_of(forms: tuple[ArnForm, ...]) -> re.Pattern[str]:
    """Regular expression of a resource type's ARNs."""
    return re.compile("|".join(map(_regex, forms)) or r"(?!)", re.DOTALL)


def _regex(form: ArnForm) -> str:
    fields = (form.service, form.region, form.account)
    head = ":".join("[^:]*" if isinstance(field, Name) else re.escape(field) for field in fields)
    names = (
        re.escape(piece) if isinstance(piece, str) else f"[^{re.escape(piece.without)}]+" if piece.without else ".+"
        for piece in form.resource
    )
    return f"arn:[^:]+:{head}:{''.join(names)}"


def _pieces(form: str, prefix: str, kind: str, operation: str) -> Iterator[str | tuple[str, ...]]:
    position = 0
    head = len(form) - len(form.split(":", 5)[-1])
    for match in _PLACEHOLDER.finditer(form):
        if match.start() > position:
            yield form[position : match.start()]
        if match.group() == "*":
            yield "*"
        elif match.start() < head:
            # Some forms call the account otherwise.
            yield match.group() if match.group(1) in _FIELDS else "${Account}"
        else:
            yield tuple(dict.fromkeys(_parameters(prefix, match[1], kind, operation)))
        position = match.end()
    if position < len(form):
        yield form[position:]


def _parameters(prefix: str, name: str, kind: str, operation: str) -> Iterator[str]:
    """The request parameters that may have a name of an ARN form, the likeliest first."""
    yield from api_operations.PARAMETERS.get(prefix, {}).get(name, ())
    plain = name.lower().removesuffix("withpath")
    if plain not in _GENERIC:
        yield plain
        yield f"{plain}s"
    suffix = next((one for one in _SUFFIXES if plain.endswith(one)), "")
    stem = letters_of(kind) if plain in _GENERIC else plain.removesuffix(suffix)
    if plain in _GENERIC:
        yield from (f"{stem}{suffix}", f"{stem}{suffix}s")
    if suffix != "id":
        yield from (stem, f"{stem}s")
    if prefix in api_operations.IDENTIFIES or suffix == "identifier":
        yield f"{stem}identifier"
    # A plain "name" is that of what the operation is called after: the alias, of CreateStateMachineAlias.
    if suffix in ("name", "id") and stem and operation.removesuffix("s").endswith(stem.removesuffix("s")):
        yield suffix
        if prefix in api_operations.IDENTIFIES:
            yield "identifier"


def untold_types(action: str, resources: Iterable[str], parameters: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """The resource types that a call worked on and no ARN tells; those together of which it named one.

    It did so by the reference, which requires them, or by its parameters, which name one.
    """
    prefix, _, name = action.lower().partition(":")
    if prefix == "apigateway":
        # A call is authorized on its path alone (API Gateway Developer Guide: control access with IAM policies).
        return ()
    forms = forms_of_types(prefix)
    patterns = {kind: pattern_of(forms.get(kind, ())) for kind in resource_types_of(action)}
    told = {kind for kind, pattern in patterns.items() for arn in resources if pattern.fullmatch(arn)}
    needed = types_of_each_call(action)
    # The reference lacks some ARN forms, so that what is of no type may be of the only one.
    if len(needed) == 1 and any(not any(one.fullmatch(arn) for one in patterns.values()) for arn in resources):
        needed = ()
    untold = [types for types in needed if told.isdisjoint(types)]
    told.update(kind for types in needed if not told.isdisjoint(types) for kind in types)
    named = (kinds for kinds in _named_types(prefix, name, patterns, parameters) if told.isdisjoint(kinds))
    return tuple(dict.fromkeys((*untold, *named)))


def _named_types(
    prefix: str, name: str, types: Iterable[str], parameters: Mapping[str, Any]
) -> Iterator[tuple[str, ...]]:
    """The types of an action that a call's parameters are called after."""
    otherwise = api_operations.NAMED_OTHERWISE.get(f"{prefix}:{name}", {})
    for key, value in parameters.items():
        plain, named = _NAMING.sub("", letters_of(key)), otherwise.get(key.lower(), ())
        kinds = tuple(kind for kind in types if letters_of(kind) == plain or kind in named)
        if value and kinds and key.lower() != api_operations.ACCOUNT_PARAMETERS.get(prefix):
            yield kinds


_NAMING: Final = re.compile(r"(?:id|name|arn|identifier)?s?(?:list)?$")


def patterns_of_type(action: str, kind: str, region: str, account: str) -> list[str]:
    """The patterns of all resources of a type that an account has in a Region."""
    fields = {"${Partition}": partition_of(region), "${Region}": region or "*", "${Account}": account or "*"}
    forms = str(service_data.resource_types(action.partition(":")[0].lower()).get(kind, {}).get("arn", "")).split(", ")
    return [_PLACEHOLDER.sub(lambda found: fields.get(found.group(), "*"), form) for form in forms if form]


@lru_cache(maxsize=128)
def partition_of(region: str) -> str:
    return next((partition for partition, regions in REGIONS.items() if region in regions), "aws")
