"""Resource types and ARNs of the resources of an API call, from the ARN forms of its action and its parameters.

The record's own list of resources comes first. A part of an ARN that the parameters do not tell is a `*`, but only
where the call must have worked on a resource of that form: one that it made, or the one type that its action requires.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice, product
from typing import Any, Final, NamedTuple

from iamtui.catalog import api_operations, service_data
from iamtui.catalog.actions import ENGINE_CATALOGUE
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


MOST_RESOURCES: Final = 200
"""Most resources that are read from one call; one that names more has unknown resources."""
_MOST_TEXTS: Final = 4000
_DEEPEST: Final = 8
_HIDDEN: Final = "HIDDEN_DUE_TO_SECURITY_REASONS"
_LEAD: Final = re.compile(r"[/:]([a-z]{1,4}-)$")
"""Literal text that is a part of the id itself: `ou-${OrganizationalUnitId}`."""


def tells(text: str) -> bool:
    """True if a value names something, and is no pattern within an ARN."""
    return not ("*" in text or "?" in text or "${" in text or text.startswith(_HIDDEN)) and bool(text.strip())


class Call(NamedTuple):
    """An API call, as far as its resources depend on it.

    Args:
        operation: its name, without a version.
        account: whose it is; 12 digits, or "".
        flat: its parameters by name in lower case.
        parameters: the same as they were recorded.
        resources: the ARNs that the record lists.
        response: what it answered.
        caller: the ARN of the IAM user who called, or "".
        folded: whether the key of an object is what several keys begin with, and a `*`.
    """

    operation: str
    account: str
    region: str
    flat: Mapping[str, tuple[str, ...]]
    parameters: Mapping[str, Any]
    resources: tuple[str, ...] = ()
    response: Mapping[str, Any] = {}
    caller: str = ""
    folded: bool = False


def texts_in(value: Any, key: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every text in a JSON value with its key, in lower case; nested ones too, to a bound."""
    if isinstance(value, str):
        yield key, value
    elif depth < _DEEPEST and isinstance(value, dict):
        for name, one in value.items():
            yield from texts_in(one, str(name).lower(), depth + 1)
    elif depth < _DEEPEST and isinstance(value, list):
        for one in value:
            yield from texts_in(one, key, depth + 1)


def has_key(value: Any, names: tuple[str, ...], depth: int = 0) -> bool:
    """True if an object in a JSON value has one of some keys, which are in lower case, to the same bound."""
    if depth >= _DEEPEST or not isinstance(value, dict | list):
        return False
    if isinstance(value, dict) and any(str(key).lower() in names for key in value):
        return True
    return any(has_key(one, names, depth + 1) for one in (value.values() if isinstance(value, dict) else value))


def flat_parameters(parameters: Mapping[str, Any], prefix: str) -> Mapping[str, tuple[str, ...]]:
    """Request parameters by name in lower case, each with its texts.

    Of EC2 and of DynamoDB's transactions names stand within lists of objects; elsewhere what is nested is about
    something else.
    """
    found: dict[str, tuple[str, ...]] = {}
    if prefix in ("ec2", "dynamodb"):
        nested: dict[str, list[str]] = {}
        for key, text in islice(texts_in(naming(parameters, prefix)), _MOST_TEXTS):
            nested.setdefault(key, []).append(text)
        found = {key: tuple(dict.fromkeys(texts)) for key, texts in nested.items()}
        items = next((value for key, value in parameters.items() if key.lower() == "requestitems"), None)
        if isinstance(items, dict):
            found["tablename"] = tuple(str(table) for table in islice(items, MOST_RESOURCES))
        return found
    for key, value in parameters.items():
        if isinstance(value, str):
            found[key.lower()] = (value,)
        elif isinstance(value, int) and not isinstance(value, bool):
            found[key.lower()] = (str(value),)
        elif isinstance(value, list):
            texts = tuple(text for text in islice(value, MOST_RESOURCES + 1) if isinstance(text, str))
            if texts and len(texts) <= MOST_RESOURCES:
                found[key.lower()] = texts
    return found


_FREE_WITHIN: Final[Mapping[str, tuple[str, ...]]] = {
    "dynamodb": ("expressionattributevalues", "expressionattributenames", "item", "items", "key", "parameters"),
    "ec2": ("filterset", "ippermissions", "tag", "tags", "tagset"),
}
"""Parameters, in lower case, within which names and texts are those of people's data, or are about something else."""


def naming(value: Any, prefix: str, depth: int = 0) -> Any:
    """Parameters without those within which nothing names what the call works on.

    EC2 writes a text with a number beside it as `{"content": TEXT, "tag": NUMBER}`.
    """
    if depth >= _DEEPEST:
        return value
    if isinstance(value, dict):
        if prefix == "ec2" and isinstance(value.get("content"), str):
            return value["content"]
        return {
            key: naming(one, prefix, depth + 1)
            for key, one in value.items()
            if str(key).lower() not in _FREE_WITHIN[prefix]
        }
    return [naming(one, prefix, depth + 1) for one in value] if isinstance(value, list) else value


def resources_of(action: str, call: Call) -> tuple[str, ...]:
    """The ARNs of the resources that a call worked on as far as an action is concerned.

    "*" for an action without resource types, () where the call does not tell.
    """
    prefix, _, name = action.lower().partition(":")
    has_type = ENGINE_CATALOGUE.has_resource_type(action)
    if not has_type:
        return () if has_type is None else ("*",)
    special = _SPECIAL.get(prefix)
    made = special(name, call) if special is not None else None
    if made is None:
        made = _of_types(types_of_call(prefix, name, call.operation.lower()), call, prefix) or _of_service(
            prefix, name, call
        )
    return tuple(dict.fromkeys(made)) if len(made) <= MOST_RESOURCES else ()


def _of_types(types: tuple[CallType, ...], call: Call, prefix: str) -> list[str]:
    named = [arn for arn in call.resources if any(one.pattern.fullmatch(arn) for one in types)]
    naming = (texts for key, texts in call.flat.items() if key not in _FREE)
    given = (text for texts in naming for text in texts if text.startswith("arn:") and tells(text))
    arns = dict.fromkeys((*named, *given))
    required = [one for one in types if one.required]
    found: list[str] = []
    for one in types:
        own = [arn for arn in arns if one.pattern.fullmatch(arn)]
        alone = len(types) == 1 or (one.required and len(required) == 1)
        found += own or _filled(one, call, prefix, alone=alone)
    return found


_FREE: Final = ("delimiter", "description", "input", "key", "marker", "message", "prefix", "subject", "value")
"""Parameters, in lower case, whose text is free: an ARN in it is not that of what the call works on."""


def _of_service(prefix: str, name: str, call: Call) -> list[str]:
    """The ARN in the parameter called after a type of the action, where it is of another type of the service.

    The reference lists DeleteLoadBalancer with classic load balancers only.
    """
    kinds = {letters_of(str(one["name"])) for one in service_data.actions(prefix)[name]["resourceTypes"]}
    named = [text for key, texts in call.flat.items() if key.removesuffix("arn") in kinds for text in texts]
    patterns = [pattern_of(forms) for forms in forms_of_types(prefix).values()]
    arns = [text for text in named if tells(text) and any(pattern.fullmatch(text) for pattern in patterns)]
    return arns if len(arns) == 1 else []


def _filled(one: CallType, call: Call, prefix: str, *, alone: bool) -> list[str]:
    """ARNs of a type with the names that the parameters have; [] where they do not tell enough."""
    places = [piece for piece in one.pieces if not isinstance(piece, str)]
    values = [_values(piece, call.flat) for piece in places]
    if not (_are_told(values, one, alone=alone) if places else one.alone or alone):
        return []
    where = {"${Partition}": partition_of(call.region), "${Region}": call.region, "${Account}": _account(call, prefix)}
    if any(not text and key in one.pieces for key, text in where.items()):
        return []
    every = islice(product(*(each or ("*",) for each in values)), MOST_RESOURCES + 1)
    return [_joined(one.pieces, where, iter(chosen)) for chosen in every]


def _are_told(values: Sequence[tuple[str, ...]], one: CallType, *, alone: bool) -> bool:
    """True if the parameters give enough of the ARNs of a type."""
    return all(values) or (alone and any(values)) or (one.made and not values[-1])


def _joined(pieces: tuple[str | tuple[str, ...], ...], where: Mapping[str, str], names: Iterator[str]) -> str:
    text = ""
    for piece in pieces:
        if isinstance(piece, str):
            text += where.get(piece, piece)
        else:
            lead = _LEAD.search(text)
            text += next(names).removeprefix(lead[1] if lead else "")
    return text


def _values(names: tuple[str, ...], flat: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    for name in names:
        texts = flat.get(name)
        if texts:
            return texts if not any(not tells(text) or text.startswith("arn:") for text in texts) else ()
    return ()


def _account(call: Call, prefix: str) -> str:
    given = call.flat.get(api_operations.ACCOUNT_PARAMETERS.get(prefix, ""), ())
    return given[0] if len(given) == 1 and re.fullmatch(r"\d{12}", given[0]) else call.account


# Services whose parameters name a resource otherwise than by a part of its ARN.


def _sqs(_name: str, call: Call) -> list[str] | None:
    parts = next(iter(call.flat.get("queueurl", ())), "").rstrip("/").split("/")
    if len(parts) >= 5 and parts[-2].isdigit() and not call.resources:
        return _arn("sqs", call, parts[-1], account=parts[-2])
    return None


def _s3(name: str, call: Call) -> list[str] | None:
    given = next(iter(call.flat.get("bucketname") or call.flat.get("bucket") or ()), "")
    kinds = {str(one["name"]).lower() for one in service_data.actions("s3")[name]["resourceTypes"]}
    # Who calls through an access point is authorized on that; its ARN is listed beside those of the bucket.
    listed = [arn for arn in call.resources if _POINT.fullmatch(arn)]
    points = [given] if ":accesspoint/" in given else listed
    if listed and given not in listed and call.operation in _COPYING:
        return []  # of the source, or of the target
    if "object" in kinds and len(points) == 1:
        key = next(iter(call.flat.get("key", ("*",))), "")
        return [f"{points[0]}/object/{key}"] if _tells_key(key, call) or "key" not in call.flat else []
    if "accesspoint" in kinds and "bucket" in kinds and len(points) == 1:
        return points
    if given.startswith("arn:"):
        # The ARN of a bucket of an Outpost.
        return [given]
    return _object(given, call) if "object" in kinds else None


_POINT: Final = re.compile(r"arn:[\w-]+:s3:[a-z0-9-]*:\d{12}:accesspoint/[^/]+")


def _object(bucket: str, call: Call) -> list[str] | None:
    key = next(iter(call.flat.get("key", ())), "")
    arn = f"arn:{partition_of(call.region)}:s3:::{bucket}/"
    if key or call.folded or call.operation in _COPYING:
        # A key may look like an ARN, and the record of a copy lists what it read, too.
        return [arn + key] if tells(bucket) and _tells_key(key, call) else []
    if not tells(bucket):
        return None
    listed = [arn for arn in call.resources if "/" in arn and not arn.endswith("/")]
    # A deletion of many objects does not say which.
    return listed or [f"{arn}*"]


def _tells_key(key: str, call: Call) -> bool:
    return tells(f"{key.removesuffix('*')}x" if call.folded else key)


_COPYING: Final = ("CopyObject", "UploadPartCopy")


def _kms(name: str, call: Call) -> list[str] | None:
    if name == "reencryptfrom":
        return _reencrypting("sourcekeyid", "destinationkeyid", call)
    if name == "reencryptto":
        return _reencrypting("destinationkeyid", "sourcekeyid", call)
    if "alias" in name and (alias := call.flat.get("aliasname")):
        keys = [arn for arn in call.resources if ":key/" in arn]
        return _arn("kms", call, alias[0]) + (keys or _keys("targetkeyid", call))
    return None if call.resources or "alias" in name else _keys("keyid", call) or None


def _reencrypting(parameter: str, others: str, call: Call) -> list[str]:
    """The key on one side of a ReEncrypt, of which a record lists both."""
    given = call.flat.get(parameter, ())
    told = [arn for arn in call.resources if given and arn.endswith(given[0])]
    left = [arn for arn in call.resources if not arn.endswith(call.flat.get(others, ()))]
    return told or (left if len(left) == 1 else _keys(parameter, call))


def _keys(parameter: str, call: Call) -> list[str]:
    return [arn for text in call.flat.get(parameter, ()) for arn in _key(text, call)]


def _key(text: str, call: Call) -> list[str]:
    if text.startswith("arn:"):
        return [text]
    # The key behind an alias is not told; a question about the alias is answered about it.
    return _arn("kms", call, text if text.startswith("alias/") else f"key/{text}")


def _secrets(_name: str, call: Call) -> list[str] | None:
    given = next(iter(call.flat.get("secretid") or call.flat.get("name") or ()), "")
    if given.startswith("arn:") and ":secret:" in given and not _WHOLE_SECRET.search(given) and not call.resources:
        return [f"{given}-??????"] if tells(given) else []
    if not given or given.startswith("arn:") or call.resources:
        return None
    # Behind a name stand a hyphen and six characters (Secrets Manager User Guide: the secret's ARN).
    return [f"{arn}-??????" for arn in _arn("secretsmanager", call, f"secret:{given}")]


_WHOLE_SECRET: Final = re.compile(r"-[A-Za-z0-9]{6}$")


def _logs(name: str, call: Call) -> list[str] | None:
    groups = call.flat.get("loggroupname") or call.flat.get("loggroupidentifier") or ()
    groups = groups or call.flat.get("loggroupnames") or call.flat.get("loggroupidentifiers") or ()
    types = {str(one["name"]).lower() for one in service_data.actions("logs")[name]["resourceTypes"]}
    if not groups or not types & {"log-group", "log-stream"} or "tag" in name:
        return None
    streams = call.flat.get("logstreamname", ("",)) if "log-stream" in types else ("",)
    stems = [group.removesuffix(":*") if group.startswith("arn:") else f"log-group:{group}" for group in groups]
    made = [[stem] if stem.startswith("arn:") else _arn("logs", call, stem) for stem in stems]
    # What is authorized ends with a log stream, empty where none is named (see the ARN forms of the catalogue).
    return [f"{arn}:log-stream:{stream}" for arns in made for arn in arns for stream in streams]


def _iam(name: str, call: Call) -> list[str] | None:
    kinds = {str(one["name"]).lower() for one in service_data.actions("iam")[name]["resourceTypes"]}
    for kind, key in _IAM_NAMES.items():
        given = call.flat.get(key, ())
        if kind in kinds and given and tells(given[0]):
            return _iam_entity(kind, given[0], call)
        if kinds == {"user"} == {kind} and not given and call.caller:
            return [call.caller]
    url = call.flat.get("url", ("",))[0] if name == "createopenidconnectprovider" else ""
    if call.account and tells(url):
        return [f"arn:{partition_of(call.region)}:iam::{call.account}:oidc-provider/{url.partition('://')[2] or url}"]
    return None


def _iam_entity(kind: str, name: str, call: Call) -> list[str]:
    # The path of an entity is told by the answer, and by the call that makes it.
    start = f"arn:{partition_of(call.region)}:iam::{call.account}:{kind}/"
    answered = (text for key, text in texts_in(call.response) if key == "arn")
    told = [arn for arn in answered if arn.startswith(start) and arn.endswith(f"/{name}")]
    path = call.flat.get("path", ("/",))[0] if call.operation.startswith("Create") else "/"
    return told[:1] or ([f"{start}{path.lstrip('/')}{name}"] if call.account and tells(path) else [])


_IAM_NAMES: Final[Mapping[str, str]] = {
    "role": "rolename",
    "user": "username",
    "group": "groupname",
    "instance-profile": "instanceprofilename",
    "policy": "policyname",
}


def _dynamodb(name: str, call: Call) -> list[str] | None:
    index = call.flat.get("indexname", ())
    tables_named = call.flat.get("tablename", ())
    if index and len(tables_named) == 1 and name in ("query", "scan"):
        table = tables_named[0]
        arns = [table] if table.startswith("arn:") else _arn("dynamodb", call, f"table/{table}")
        return [f"{arn}/index/{index[0]}" for arn in arns]
    return None


def _ec2(name: str, call: Call) -> list[str] | None:
    if name not in ("createtags", "deletetags"):
        return None
    found: list[str] = []
    for one in call.flat.get("resourceid", ()):
        kind = api_operations.EC2_IDS.get(one.rpartition("-")[0])
        if kind is None:
            return []
        account = "" if kind in ("image", "snapshot") else call.account
        found += _arn("ec2", call, f"{kind}/{one}", account=account)
    return found


_FUNCTION: Final = re.compile(
    r"(?:arn:(?P<partition>[\w-]+):lambda:)?(?:(?P<region>[a-z]{2}(?:-[a-z]+)+-\d+):)?(?:(?P<account>\d{12}):)?"
    r"(?:function:)?(?P<name>[\w-]+)(?::(?P<qualifier>\$LATEST|[\w-]+))?",
    re.ASCII,
)
"""How calls name a function (Lambda API Reference, Invoke: FunctionName)."""


def _lambda(name: str, call: Call) -> list[str] | None:
    """A function, or the version or alias of it that is named (Lambda Developer Guide: resources of policies)."""
    named = [_FUNCTION.fullmatch(text) for text in call.flat.get("functionname", ())]
    one = named[0] if len(named) == 1 else None
    if one is None:
        return None
    partition = one["partition"] or partition_of(call.region)
    arn = (
        f"arn:{partition}:lambda:{one['region'] or call.region}:{one['account'] or call.account}:function:{one['name']}"
    )
    qualifier = one["qualifier"] or next(iter(call.flat.get("qualifier", ())), "")
    told = f"{arn}:{qualifier}" if qualifier else arn
    types = types_of_call("lambda", name, call.operation.lower())
    return [told] if any(type_.pattern.fullmatch(text) for type_ in types for text in (arn, told)) else None


def _ssm(_name: str, call: Call) -> list[str] | None:
    documents = call.flat.get("documentname", ())
    if _name in ("sendcommand", "startsession"):
        return _sent(call)
    if documents and documents[0].startswith(_OF_AWS):
        return _arn("ssm", call, f"document/{documents[0]}", account="")
    names = call.flat.get("name") or call.flat.get("names") or call.flat.get("path") or ()
    if names and "parameter" in _name and not any(not tells(text) or text.startswith("arn:") for text in names):
        # Whether what stands behind a name's colon, a version or a label, is a part of the ARN is not documented.
        return [arn for text in names for arn in _parameter(text, call)] if ":" not in "".join(names) else []
    return None


def _parameter(name: str, call: Call) -> list[str]:
    """A parameter by its name; those of AWS have no account (Systems Manager User Guide: public parameters)."""
    owner = "" if f"{name}/".startswith("/aws/service/") else None
    return _arn("ssm", call, f"parameter/{name.lstrip('/')}", account=owner)


def _sent(call: Call) -> list[str]:
    """The document that is run, on which instances, and the bucket of what it prints; of a session, to one of them."""
    found: list[str] = []
    for name in call.flat.get("documentname", ()):
        # Documents of AWS have no account (Systems Manager User Guide: restricting access to documents).
        owner = "" if name.startswith(_OF_AWS) else None
        found += [name] if name.startswith("arn:") else _arn("ssm", call, f"document/{name}", account=owner)
    targets = [one for one in call.flat.get("target", ()) if one.startswith(("i-", "mi-"))]
    for one in (*call.flat.get("instanceids", ()), *targets):
        on_premises = one.startswith("mi-")
        service, kind = ("ssm", "managed-instance") if on_premises else ("ec2", "instance")
        found += _arn(service, call, f"{kind}/{one}")
    buckets = call.flat.get("outputs3bucketname", ())
    return found + [f"arn:{partition_of(call.region)}:s3:::{one}" for one in buckets if tells(one)]


_OF_AWS: Final = ("AWS-", "AWSEC2-", "AWSSSO-", "Amazon")


def _bedrock(name: str, call: Call) -> list[str] | None:
    """The invoked model, where it is one: a profile or a router resolves to models, which are needed too."""
    given = next(iter(call.flat.get("modelid", ())), "")
    if not name.startswith("invokemodel"):
        return None
    return [given] if _MODEL.match(given) and tells(given) else []


_MODEL: Final = re.compile(
    r"arn:[\w-]+:bedrock:[^:]*:[^:]*:(?:foundation-model|provisioned-model|imported-model|custom-model-deployment)/"
)


def _events(_name: str, call: Call) -> list[str] | None:
    bus = call.flat.get("eventbusname", ("default",))[0]
    bus = bus.rpartition(":event-bus/")[2] if bus.startswith(f"arn:{partition_of(call.region)}:events:") else bus
    rule = next(iter(call.flat.get("rule") or call.flat.get("name") or ()), "")
    kinds = {str(one["name"]).lower() for one in service_data.actions("events")[_name]["resourceTypes"]}
    if "rule-on-default-event-bus" not in kinds or not rule or not tells(rule) or bus.startswith("arn:"):
        return None
    return _arn("events", call, f"rule/{rule}" if bus == "default" else f"rule/{bus}/{rule}")


def _gateway(name: str, call: Call) -> list[str] | None:
    if name not in ("get", "put", "post", "patch", "delete"):
        return None
    found: list[str] = []
    for path in api_operations.gateway_paths().get(call.operation, ()):
        names = re.findall(r"\{(\w+)\}", path)
        values = [call.flat.get(one.lower(), ("",))[0] for one in names]
        if all(value and tells(value) for value in values):
            told = path.partition(" ")[2].removeprefix("/v2")
            for one, value in zip(names, values, strict=True):
                told = told.replace(f"{{{one}}}", value, 1)
            found.append(f"arn:{partition_of(call.region)}:apigateway:{call.region}::{told}")
    # Without parameters a path of either version of the API may be meant.
    return found if len(found) == 1 else sorted(found, key=len)[-1:]


def _lex(name: str, call: Call) -> list[str] | None:
    if call.operation == "CreateBot":
        return [f"{arn}/*" for arn in _arn("lex", call, "bot")]
    if "botid" not in call.flat:
        return None
    # ARNs with the name of a bot are those of version 1, whose calls give no id.
    made = _of_types(types_of_call("lex", name, call.operation.lower()), call, "lex")
    return [arn for arn in made if arn.split(":", 5)[-1].partition(":")[0] != "bot"]


def _arn(service: str, call: Call, resource: str, *, account: str | None = None) -> list[str]:
    owner = call.account if account is None else account
    if (account is None and not owner) or not call.region or not tells(resource):
        return []
    return [f"arn:{partition_of(call.region)}:{service}:{call.region}:{owner}:{resource}"]


def _sts(name: str, call: Call) -> list[str] | None:
    """The root user of the account in which a session of AssumeRoot is (IAM User Guide: perform a privileged task)."""
    account = call.flat.get("targetprincipal", ("",))[0]
    told = name == "assumeroot" and re.fullmatch(r"\d{12}", account)
    return [f"arn:{partition_of(call.region)}:iam::{account}:root"] if told else None


_SPECIAL: Final[Mapping[str, Any]] = {
    "apigateway": _gateway,
    "bedrock": _bedrock,
    "dynamodb": _dynamodb,
    "ec2": _ec2,
    "events": _events,
    "iam": _iam,
    "kms": _kms,
    "lambda": _lambda,
    "lex": _lex,
    "logs": _logs,
    "s3": _s3,
    "secretsmanager": _secrets,
    "sqs": _sqs,
    "ssm": _ssm,
    "sts": _sts,
}
"""By action prefix: the ARNs, or None where the forms of the resource types tell them."""


def unnamed(arns: Iterable[str]) -> bool:
    """True if ARNs have a part that the call does not give."""
    return any("*" in arn or "?" in arn for arn in arns)


def resource_of_call(source: str, action: str, parameters: Mapping[str, Any], *, account: str, region: str) -> str:
    """The ARN of the resource in a call's parameters, in the Region's partition; "" when it cannot be determined.

    An IAM entity's ARN comes without its path, which the parameters do not have.
    """
    call = Call("", account, region, flat_parameters(parameters, api_operations.iam_prefix(source)), parameters)
    found = resources_of(action, call) if action else ()
    told = [arn for arn in found if arn != "*"]
    return told[0] if len(told) == 1 else next(_arns_in(parameters), "")


def _arns_in(parameters: Mapping[str, Any]) -> Iterator[str]:
    for key, value in parameters.items():
        if isinstance(value, str) and value.startswith("arn:") and key.lower().endswith(("arn", "id", "identifier")):
            yield value
