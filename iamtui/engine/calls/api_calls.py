"""From an API call to the IAM actions that it was authorized by, and to the ARNs of the resources that it worked on.

What the record of a call does not tell stays open: nothing here is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from iamtui.catalog import api_operations
from iamtui.catalog.actions import catalogue
from iamtui.catalog.dependent_actions import Check, companions
from iamtui.engine.calls.call_resources import (
    Call,
    flat_parameters,
    has_key,
    naming,
    partition_of,
    resources_of,
    tells,
    texts_in,
    untold_types,
)
from iamtui.policy.json_text import dict_in, list_in, text_in

MOST_ACTIONS: Final = 32
"""Different actions that one call is read for: a transaction has five kinds of items."""

FOLDED: Final = "iamtui:folded"
"""Field of a record of several events: its objects' keys are known by their prefix alone."""

_VERSION: Final = re.compile(r"(?:20\d{6}|20\d\d_\d\d_\d\d)(?:v\d)?$")
PROFILE: Final = "iaminstanceprofile"
"""The parameter, in lower case, that names an instance profile, whose role is passed."""

_ROLE: Final = re.compile(r"arn:[\w-]+:iam::\d{12}:role/.+")
_ROLE_NAME: Final = re.compile(r"[\w+=,.@/-]{1,576}", re.ASCII)
_NAMES_ROLES: Final = ("role", "rolearn", "rolename")
_NAMES_PROFILES: Final = ("jobflowrole",)
"""Parameters of this name have the name of an instance profile (EMR API Reference: RunJobFlow)."""

_TAGS: Final = ("tags", "tagset", "taglist", "tagspecification", "tagspecificationset", "tagspecifications")
_NOT_CALLS: Final[Mapping[str, str]] = {
    "AwsServiceEvent": "AWS did it by itself: nobody called",
    "AwsConsoleSignIn": "it is a step of signing in, which no policy allows",
    "AwsVpceEvent": "it is what a VPC endpoint policy refused",
    "AwsCloudTrailInsight": "it is an insight, not a call",
}
"""Types of events that are no calls of the API (CloudTrail User Guide: record contents, eventType)."""


class AuthorizedAction(NamedTuple):
    """An action that a call was authorized by.

    Args:
        action: as AWS writes it ("s3:GetObject").
        resources: ARNs, with `*` or `?` for what the record does not tell of one; "*" for an action that has no
            resource types; () where it does not tell which.
        context: condition keys of this check alone.
        implied: whether it is checked along with another action and has no record of its own, as iam:PassRole.
        untold: resource types that the call needed, too, and of which the record tells nothing; those together of
            which it named one.
    """

    action: str
    resources: tuple[str, ...] = ()
    context: tuple[tuple[str, tuple[str, ...]], ...] = ()
    implied: bool = False
    untold: tuple[tuple[str, ...], ...] = ()


class CallActions(NamedTuple):
    """Actions that a call was authorized by; where none is known, `unmapped` says why.

    Args:
        possible: what it may have been checked for besides, which the record does not tell.
    """

    actions: tuple[AuthorizedAction, ...] = ()
    unmapped: str = ""
    possible: tuple[AuthorizedAction, ...] = ()


def iam_action(source: str, operation: str) -> str:
    """The IAM action that allows an API call; "" when the catalogue knows none.

    Args:
        source: event source or SDK service name; "" when unknown: an operation that one service only has is found.
        operation: the API operation, with or without the version that Lambda and CloudFront put behind it.
    """
    if not source:
        name = _VERSION.sub("", operation)
        return _only_service_with(name) if name else ""
    return next(iter(iam_actions(source, operation)), "")


@lru_cache(maxsize=8192)
def iam_actions(source: str, operation: str) -> tuple[str, ...]:
    """The IAM actions of an API call as its name tells them; () when the catalogue knows none.

    Of a source with several prefixes the first that has the action is meant.
    """
    name = _VERSION.sub("", operation)
    if not name:
        return ()
    proper = catalogue().names.proper
    for prefix in api_operations.prefixes_of(source):
        if prefix == "dynamodb" and name == "ExecuteStatement":
            # What the statement does is not in the name: a denial shows the most usual.
            return ("dynamodb:PartiQLSelect",)
        if prefix == "dynamodb" and name == "TransactWriteItems":
            return ("dynamodb:PutItem",)
        if prefix == "apigateway" and not proper(f"{prefix}:{name}"):
            return tuple(_of_gateway(name))
        mapped = api_operations.ACTIONS.get(prefix, {}).get(name, (name,))
        known = [proper(one if ":" in one else f"{prefix}:{one}") for one in mapped]
        if all(known):
            return tuple(one for one in known if one)
    return ()


def _of_gateway(name: str) -> Iterator[str]:
    methods = {path.partition(" ")[0] for path in api_operations.gateway_paths().get(name, ())}
    if len(methods) == 1:
        yield f"apigateway:{methods.pop()}"


def _only_service_with(operation: str) -> str:
    told = {
        actions[0] if ":" in actions[0] else f"{prefix}:{actions[0]}"
        for prefix, table in api_operations.ACTIONS.items()
        if (actions := table.get(operation))
    }
    wanted = f":{operation.lower()}"
    told.update(name for name in catalogue().names.search(operation, 400) if name.lower().endswith(wanted))
    return next(iter(told)) if len(told) == 1 else ""


def authorized_by(record: Mapping[str, Any]) -> CallActions:
    """The actions by which the call of a CloudTrail record was authorized, with their resources."""
    kind, source, event = (text_in(record, name) for name in ("eventType", "eventSource", "eventName"))
    if kind in _NOT_CALLS:
        return CallActions(unmapped=_NOT_CALLS[kind])
    name = _VERSION.sub("", event)
    parameters = record.get("requestParameters")
    if not isinstance(parameters, dict):
        parameters = {}
    call = _call(record, name, parameters)
    actions = _actions_of(source, name, call)
    if not actions:
        why = api_operations.NO_ACTION.get(
            api_operations.source_name(source), "the catalogue has no action for this operation"
        )
        return CallActions(unmapped=why)
    found = [_authorized(action, _of_its_tables(action, call)) for action in islice(actions, MOST_ACTIONS)]
    operation = f"{api_operations.iam_prefix(source)}:{name}"
    found += _implied(operation, found, call)
    return CallActions(tuple(found), possible=tuple(_possible(operation, found, call)))


def _authorized(action: str, call: Call) -> AuthorizedAction:
    resources = resources_of(action, call)
    if not resources:
        return AuthorizedAction(action)
    untold = dict.fromkeys((*untold_types(action, resources, call.parameters), *_one_more(action, resources)))
    return AuthorizedAction(action, resources, untold=tuple(untold))


def _one_more(action: str, resources: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """The types of which a call worked on one more than its record tells.

    An alias is moved from one key to another, of which the record has the second (KMS Developer Guide: controlling
    access to aliases); a session runs a document although none is named (Systems Manager User Guide: enforce a session
    document permission check).
    """
    if action == "kms:UpdateAlias" and sum(":key/" in arn for arn in resources) == 1:
        yield ("key",)
    if action == "ssm:StartSession" and not any(":document/" in arn for arn in resources):
        yield ("document",)


def _of_its_tables(action: str, call: Call) -> Call:
    """The call with the tables alone that an action of a transaction, or of PartiQL, is about."""
    if call.operation not in _DYNAMODB:
        return call
    names = dict.fromkeys(_tables_named(action, call))
    if "" in names or not names:
        # What is not told of one of them is told of none, unless there is one table.
        return call._replace(flat={}, resources=call.resources if len(call.resources) == 1 else ())
    listed = {arn.partition(":table/")[2]: arn for arn in call.resources}
    where = f"arn:{partition_of(call.region)}:dynamodb:{call.region}:{call.account}:table/"
    own = [listed.get(name) or name for name in names if name in listed or name.startswith("arn:")]
    for name in names:
        table, of_index, index = name.partition("/index/")
        if of_index and name not in listed:
            own.append(f"{listed.get(table, where + table)}/index/{index}")
    return call._replace(flat={"tablename": tuple(one for one in names if "/" not in one)}, resources=tuple(own))


def _tables_named(action: str, call: Call) -> Iterator[str]:
    """The tables, or `TABLE/index/INDEX`, that an action of a transaction, or of PartiQL, names; "" is not known."""
    for item in _objects_in(naming(call.parameters, "dynamodb")):
        given = {key.lower(): value for key, value in item.items() if isinstance(value, str)}
        if api_operations.PARTIQL.get(_verb(given.get("statement", ""))) == action:
            statement = _STATEMENT.match(given["statement"])
            yield "/index/".join(filter(None, statement.groups())) if statement is not None else ""
        elif api_operations.TRANSACTION.get(given.get("operation", "").lower()) == action:
            yield given.get("tablename", "")


def _verb(statement: str) -> str:
    """The first word of a PartiQL statement, in lower case."""
    found = re.match(r"\s*(\w+)", statement)
    return found[1].lower() if found is not None else ""


_STATEMENT: Final = re.compile(
    r"""\s*(?:update|insert\s+into|delete\s+from|select\s(?:(?!\bfrom\b).)*\bfrom)\s+"""
    r"""["']?([\w.-]+)["']?(?:(?<=["'])\.["']([\w.-]+)["'])?(?=[\s;]|$)""",
    re.IGNORECASE | re.DOTALL,
)
"""A PartiQL statement up to the name of its table, or of the table and its index."""


def _objects_in(value: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    if depth < _DEEPEST and isinstance(value, dict | list):
        if isinstance(value, dict):
            yield value
        for one in value.values() if isinstance(value, dict) else value:
            yield from _objects_in(one, depth + 1)


def _call(record: Mapping[str, Any], name: str, parameters: Mapping[str, Any]) -> Call:
    prefix = api_operations.iam_prefix(text_in(record, "eventSource"))
    if prefix == "ec2":
        # Some calls are recorded as `{"CreateFlowLogsRequest": PARAMETERS}`.
        wrapped = (one for key, one in parameters.items() if key.endswith("Request") and isinstance(one, dict))
        parameters = {**parameters, **next(wrapped, {})}
    identity = dict_in(record, "userIdentity")
    account = text_in(record, "recipientAccountId") or text_in(identity, "accountId")
    caller = text_in(identity, "arn") if identity.get("type") == "IAMUser" else ""
    arns = (text_in(one, "ARN") or text_in(one, "arn") for one in list_in(record, "resources") if isinstance(one, dict))
    own = tuple(arn for arn in arns if arn.startswith("arn:") and tells(arn))
    return Call(
        name,
        account,
        text_in(record, "awsRegion"),
        flat_parameters(parameters, prefix),
        parameters,
        own,
        dict_in(record, "responseElements"),
        caller,
        record.get(FOLDED) is True,
    )


def _actions_of(source: str, name: str, call: Call) -> tuple[str, ...]:
    prefix = api_operations.iam_prefix(source)
    if prefix == "dynamodb" and name in _DYNAMODB:
        return _dynamodb(call)
    actions = iam_actions(source, name)
    if prefix == "s3" and "versionid" in call.flat:
        return tuple(api_operations.VERSION_ACTIONS.get(action, action) for action in actions)
    if prefix == "autoscaling" and "servicenamespace" in call.flat:
        # Application Auto Scaling records its calls under the same source.
        return iam_actions("application-autoscaling", name) or actions
    return actions


_DYNAMODB: Final = ("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction", "TransactWriteItems")


def _dynamodb(call: Call) -> tuple[str, ...]:
    """Actions of statements and of the items of a transaction; () unless each of them is known."""
    statements = [_verb(text) for text in call.flat.get("statement", ()) if text.strip()]
    operations = [text.lower() for text in call.flat.get("operation", ())]
    words = [(api_operations.PARTIQL, word) for word in statements] or [
        (api_operations.TRANSACTION, word) for word in operations
    ]
    found = [table.get(word, "") for table, word in words]
    return tuple(dict.fromkeys(found)) if all(found) else ()


def _implied(operation: str, found: list[AuthorizedAction], call: Call) -> Iterator[AuthorizedAction]:
    """The actions that are checked along with a call and have no record of their own (`companions`)."""
    first = found[0]
    for check in companions(operation):
        context = tuple((key, (value,)) for key, value in check.context)
        match check.action:
            case "iam:PassRole":
                for roles in _passed_roles(check, call):
                    yield AuthorizedAction(check.action, roles, context, implied=True)
            case "bedrock:ApplyGuardrail":
                named = next((text for key, text in texts_in(call.parameters) if key == "guardrailidentifier"), None)
                if named is not None:
                    asked = call._replace(flat={"guardrailidentifier": (named,)}, resources=())
                    yield AuthorizedAction(check.action, resources_of(check.action, asked), implied=True)
            case "s3:GetObject" if "x-amz-copy-source" in call.flat:
                yield _copied(call)
            case _ if _is_told(check, call):
                yield AuthorizedAction(check.action, first.resources, context, implied=True)
            case _ if _sets_tags(check) and any(call.parameters.get(key) for key in _tag_keys(call.parameters)):
                made = _tagged(call) if check.action == "ec2:CreateTags" else ()
                made = made or tuple(arn for arn in first.resources if not check.arn or _is_like(arn, check.arn))
                yield AuthorizedAction(check.action, made, context, implied=True)


def _passed_roles(check: Check, call: Call) -> Iterator[tuple[str, ...]]:
    """The roles that a call passes; () where it passes one that its record does not name."""
    roles = tuple(dict.fromkeys((*_roles_in(call.parameters), *_named_roles(call))))
    if roles:
        yield roles
    # Which role an instance profile has is not in the record.
    if has_key(call.parameters, (PROFILE, *_NAMES_PROFILES)) or not (roles or check.when):
        yield ()


_PARAMETER_OF: Final = {"sts:SetSourceIdentity": "sourceidentity", "s3:PutObjectTagging": "x-amz-tagging"}
"""The parameter with which an action is checked along with a call."""

_TOLD_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "an ACL is set": ("x-amz-acl", "x-amz-grant"),
    "an Object Lock retention is set": ("x-amz-object-lock-mode", "x-amz-object-lock-retain"),
    "a legal hold is set": ("x-amz-object-lock-legal-hold",),
    "governance retention is bypassed": ("x-amz-bypass-governance-retention",),
    "object ownership is set": ("x-amz-object-ownership",),
    "Object Lock is enabled": ("x-amz-bucket-object-lock-enabled",),
}
"""Prefixes of the parameters that show when a check is made (S3 API Reference: request headers)."""

_TOLD: Final = frozenset(
    (*_TOLD_BY, "tags are set", "session tags are set", "a source identity is set", "a version id is given",
     "an instance profile is given", "a key pair is named", "the instance has EBS volumes",
     "it is called through its function URL", "the key does not exist", "a guardrail is given")
)  # fmt: skip
"""When checks are made that the parameters of a call tell, or its failure; of all others it may have been made."""

_UNTOLD_ROLES: Final = frozenset(
    ("instances get a profile", "the job definition has a role", "the service or its tasks have a role",
     "the task has a role", "the new task definition has a role")
)  # fmt: skip
"""When roles are passed that no parameter of a call names: a task definition or template does."""

_OF_TEMPLATES: Final = frozenset(
    ("tags are set", "an instance profile is given", "a launch template is used", "the launch template sets tags")
)
_LAUNCH_TEMPLATE: Final = "launchtemplate"
_MOST_KEYS: Final = 1_000
_DEEPEST: Final = 8


def _is_told(check: Check, call: Call) -> bool:
    parameter = _PARAMETER_OF.get(check.action)
    if parameter is not None and parameter in call.flat:
        return True
    begins = _TOLD_BY.get(check.when, ())
    return any(key.startswith(begins) and values != ("false",) for key, values in call.flat.items())


def _possible(operation: str, found: list[AuthorizedAction], call: Call) -> Iterator[AuthorizedAction]:
    """Further actions that a call may have been checked for, which its record does not show."""
    checks, has_template = companions(operation), _names_template(call.parameters)
    yield from _possible_checks(operation, found, call, checks, has_template=has_template)
    known = {check.action for check in checks}
    if "iam:PassRole" not in known:
        roles = tuple(dict.fromkeys(role for role in _roles_in(call.parameters) if role not in found[0].resources))
        if roles:
            yield AuthorizedAction("iam:PassRole", roles, implied=True)
    yield from _possible_tagging(found, call)
    yield from _possible_on_replicas(operation, found, call)
    if has_template and "ec2:RunInstances" not in known and not operation.startswith("ec2:"):
        yield AuthorizedAction("ec2:RunInstances", implied=True)


_ON_A_REPLICA: Final = {
    "create": (
        "CreateTable", "CreateTableReplica", "Scan", "Query", "UpdateItem", "PutItem", "GetItem", "DeleteItem",
        "BatchWriteItem",
    ),
    "delete": ("DeleteTable", "DeleteTableReplica"),
}  # fmt: skip
"""Actions on a table of another Region that becomes, or was, a replica (DynamoDB Developer Guide: global tables)."""


def _possible_on_replicas(operation: str, found: list[AuthorizedAction], call: Call) -> Iterator[AuthorizedAction]:
    """Actions in the Regions of the replicas that an update of a table makes or deletes."""
    for update in list_in(call.parameters, "replicaUpdates") if operation == "dynamodb:UpdateTable" else ():
        for kind, names in _ON_A_REPLICA.items():
            region = text_in(dict_in(update, kind), "regionName") if isinstance(update, dict) else ""
            there = tuple(
                ":".join((*fields[:3], region, *fields[4:]))
                for fields in (arn.split(":", 5) for arn in found[0].resources)
                if len(fields) > 4
            )
            for name in names if region else ():
                yield AuthorizedAction(f"dynamodb:{name}", there, implied=True)


def _possible_tagging(found: list[AuthorizedAction], call: Call) -> Iterator[AuthorizedAction]:
    """Tagging action that a call may be checked for when it tags the resources it makes."""
    if not any(call.parameters.get(key) for key in _tag_keys(call.parameters)):
        return
    prefix = found[0].action.partition(":")[0]
    if prefix == "s3" or any(one.action.partition(":")[2].startswith(_TAGGING) for one in found):
        return
    named = (catalogue().names.proper(f"{prefix}:{name}") for name in _TAGGING)
    action = next(filter(None, named), None)
    if action is not None:
        yield AuthorizedAction(action, _tagged(call) if prefix == "ec2" else (), implied=True)


_TAGGING: Final = (
    "TagResource",
    "AddTagsToResource",
    "AddTags",
    "CreateTags",
    "Tag",
    "Untag",
    "RemoveTags",
    "DeleteTags",
)


def _possible_checks(
    operation: str, found: list[AuthorizedAction], call: Call, checks: Iterable[Check], *, has_template: bool
) -> Iterator[AuthorizedAction]:
    own, certain = found[0], {one.action for one in found}
    for check in checks:
        if check.action == own.action:
            if _is_of_another_type(check, own, has_template=has_template):
                where = {"partition": partition_of(call.region), "region": call.region, "account": call.account}
                yield AuthorizedAction(check.action, (check.arn.format(**where),), implied=True)
        elif check.when or check.action not in certain:
            # The keys of a request that deletes many, with their versions, are in its body.
            by_body = operation == "s3:DeleteObjects" and check.when == "a version id is given"
            if by_body or _may_be_made(check, call, has_template=has_template):
                yield AuthorizedAction(check.action, implied=True)


def _is_of_another_type(check: Check, own: AuthorizedAction, *, has_template: bool) -> bool:
    """True if the action itself is checked on a resource of a type that a call does not name.

    A subnet or security group that is not named is the default one, or that of the template.
    """
    is_made = not check.when or (has_template and check.when == "a key pair is named")
    is_named = any(_is_like(arn, check.arn) for arn in own.resources) if check.arn else True
    return is_made and bool(own.resources) and not is_named


def _may_be_made(check: Check, call: Call, *, has_template: bool) -> bool:
    """True if a check may have been made that is not known to have been."""
    if check.via:
        return False  # it has a record of its own
    if check.when in _OF_TEMPLATES:
        return has_template
    if check.action == "iam:PassRole":
        return check.when in _UNTOLD_ROLES
    if check.when == "its tags are copied":
        return call.flat.get("x-amz-tagging-directive", ("",))[0].upper() != "REPLACE"
    if check.when == "it is connected to a VPC":
        vpc = next((value for key, value in call.parameters.items() if key.lower() == "vpcconfig"), None)
        return any(text for _, text in texts_in(vpc))
    return check.when not in _TOLD


def _names_template(parameters: Mapping[str, Any]) -> bool:
    names = (key for key, _ in islice(texts_in(parameters), _MOST_KEYS))
    return any(key.lower().startswith(_LAUNCH_TEMPLATE) for key in (*parameters, *names))


def _sets_tags(check: Check) -> bool:
    return check.when in ("tags are set", "session tags are set") and not check.action.startswith("s3:")


def _tagged(call: Call) -> tuple[str, ...]:
    """Resources that a call of EC2 makes and tags: each of them names a type."""
    where = f"arn:{partition_of(call.region)}:ec2:{call.region}:"
    given = (call.parameters[key] for key in _tag_keys(call.parameters))
    kinds = (text for value in given for key, text in texts_in(value) if key == "resourcetype" and tells(text))
    owners = {"image": "", "snapshot": ""}
    return tuple(dict.fromkeys(f"{where}{owners.get(kind, call.account)}:{kind}/*" for kind in kinds))


def _tag_keys(parameters: Mapping[str, Any]) -> Iterable[str]:
    return (key for key in parameters if key.lower() in _TAGS)


def _is_like(arn: str, form: str) -> bool:
    """True if an ARN is of the kind of a form that ends with `KIND/*`."""
    return arn.split(":", 5)[-1].partition("/")[0] == form.split(":", 5)[-1].partition("/")[0]


def _roles_in(parameters: Mapping[str, Any]) -> Iterator[str]:
    for key, text in texts_in(parameters):
        if "role" in key and _ROLE.fullmatch(text):
            yield text


def _named_roles(call: Call) -> Iterator[str]:
    """ARNs of roles that parameters give by name, which some calls take; the path is unknown."""
    for key, text in texts_in(call.parameters):
        if key.endswith(_NAMES_ROLES) and key not in _NAMES_PROFILES and _ROLE_NAME.fullmatch(text):
            yield f"arn:{partition_of(call.region)}:iam::{call.account}:role/{text.rpartition('/')[2]}"


def _copied(call: Call) -> AuthorizedAction:
    path, _, query = call.flat["x-amz-copy-source"][0].partition("?")
    action = "s3:GetObjectVersion" if "versionId=" in query else "s3:GetObject"
    source = unquote(path).lstrip("/")
    if source.startswith("arn:"):
        # "ARN OF AN ACCESS POINT/object/KEY", or of an Outpost, which has actions of its own.
        bucket, slash, key = source.partition("/object/")
        slash = slash if ":accesspoint/" in bucket and ":s3:" in bucket else ""
    else:
        bucket, slash, key = source.partition("/")
    copied = Call("", call.account, call.region, {"bucketname": (bucket,), "key": (key,)}, {})
    return AuthorizedAction(action, resources_of(action, copied) if slash and key else (), implied=True)
