"""ARN forms of resource types (Service Authorization Reference), parsed: what the ARN of a resource is made of.

`${BucketName}` stands for some text without the separators that such names cannot have. A name that another form of
its service goes on behind with a slash has no slash itself: `${BucketName}/${ObjectName}` is an object, so that no
bucket is called `a/b`. Nor has one beside which another type begins: with `table/${TableName}/import/${ImportArn}` no
index `table/${TableName}/index/${IndexName}` is called `import/x`, which an entry about imports would take in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from iamtui.catalog import service_data


class Name(NamedTuple):
    """A part of an ARN form that is filled in: one character or more.

    Args:
        without: the separators (of ":/") that it cannot have.
        with_path: whether it is a name behind a path, so that it does not end with a slash.
    """

    without: str
    with_path: bool = False


class ArnForm(NamedTuple):
    """The ARNs of one resource type.

    Args:
        service, region, account: literal text, or `Name`: some text ("*" in the reference: or none).
        resource: what stands behind the fifth colon.
        may_lack: whether region and account may be empty although they are a `Name`.
    """

    service: str | Name
    region: str | Name
    account: str | Name
    resource: tuple[str | Name, ...]
    may_lack: bool = False


_PLACEHOLDER: Final = re.compile(r"\$\{[^}]*\}|\*")
_FIELD: Final = Name(":")
_BLANK: Final = "\0"

_WITH_COLONS: Final = (
    re.compile(r"dynamodb \$\{StreamLabel\}"),  # a time
    re.compile(r"bedrock \$\{ResourceId\}"),  # anthropic.claude-v2:1
    re.compile(r"cognito-\w+ \$\{Identity(Pool)?Id\}"),  # eu-west-1:UUID
    re.compile(r"codebuild \$\{Build(Batch)?Id\}"),  # PROJECT:UUID
    re.compile(r"glue \$\{(Database|Table)Name\}"),  # aws:cloudtrail (AWS managed policy CloudTrailServiceRolePolicy)
    re.compile(r"s3 \$\{BucketName\}"),  # told from an object by the slash alone
)
"""The names, each behind its service, that have colons but no slash (each service's guide). Most names have none: a
star that ends the account of an entry runs past colons (IAM User Guide: Resource element), and would find in
`foundation-model/x:guardrail/y` a model for an entry about guardrails."""
_WITH_ANYTHING: Final = re.compile(r"s3[\w-]* \$\{ObjectName\}|[\w-]+ \$\{\w+Arn\}")
"""The names with colons and slashes: keys of objects, and ARNs within ARNs."""
_WITH_SLASHES: Final = ("logs", "secretsmanager")
"""The services whose names have slashes although their types end with a colon."""
_ALSO: Final = {
    # What CloudWatch Logs authorizes calls on a log group against, so that policies name log groups as `NAME:*`.
    "log-group:${LogGroupName}": ("log-group:${LogGroupName}:log-stream:",),
    # Automated snapshots, and those of AWS Backup.
    "snapshot:${SnapshotName}": ("snapshot:rds:${SnapshotName}", "snapshot:awsbackup:${SnapshotName}"),
    "cluster-snapshot:${ClusterSnapshotName}": (
        "cluster-snapshot:rds:${ClusterSnapshotName}",
        "cluster-snapshot:awsbackup:${ClusterSnapshotName}",
    ),
    "snapshot:${ClusterName}/${SnapshotName}": ("snapshot:${ClusterName}/rds:${SnapshotName}",),
    # A package without a namespace, and the root of an API.
    "package/${DomainName}/${RepositoryName}/${PackageFormat}/${PackageNamespace}/${PackageName}": (
        "package/${DomainName}/${RepositoryName}/${PackageFormat}//${PackageName}",
    ),
    "${ApiId}/${Stage}/${Method}/${ApiSpecificResourcePath}": ("${ApiId}/${Stage}/${Method}/",),
}
"""ARNs of a resource type that its form in the reference leaves out, by the form's text behind the fifth colon."""

_OF_THE_LOG_GROUP_ITSELF: Final = ("logs:tagresource", "logs:untagresource", "logs:listtagsforresource")
"""The calls on a log group whose policies name it without anything behind its name; those of all others name it
`NAME:*` (CloudWatch Logs User Guide: overview of managing access permissions; API Reference: LogGroup)."""
_BARE_LOG_GROUP: Final = re.compile(r"arn:[^:]*:logs:[^:]*:[^:]*:log-group:[^:]*[^:*]")


def authorized_resource(action: str, resource: str) -> str:
    """The ARN, or pattern, that a call is authorized against, which for a log group is that of its log streams."""
    if not action.lower().startswith("logs:") or not _BARE_LOG_GROUP.fullmatch(resource):
        return resource
    types = {*resource_types_of(action)}
    if not types & {"log-group", "log-stream"} or action.lower() in _OF_THE_LOG_GROUP_ITSELF:
        return resource
    return f"{resource}:log-stream:{'' if 'log-group' in types else '*'}"


_QUALIFIED: Final = ("function alias", "function version")
_CALLED_BY_VERSION: Final = (
    "addpermission", "createfunctionurlconfig", "deletefunctioneventinvokeconfig",
    "deletefunctionurlconfig", "getfunction", "getfunctionconfiguration", "getfunctioneventinvokeconfig",
    "getfunctionscalingconfig", "getfunctionurlconfig", "getpolicy", "getruntimemanagementconfig", "invokefunction",
    "invokefunctionurl", "listdurableexecutionsbyfunction", "putfunctioneventinvokeconfig",
    "putfunctionscalingconfig", "putruntimemanagementconfig", "removepermission", "updatefunctioneventinvokeconfig",
    "updatefunctionurlconfig",
)  # fmt: skip
_MORE_TYPES: Final[Mapping[str, tuple[str, ...]]] = {f"lambda:{name}": _QUALIFIED for name in _CALLED_BY_VERSION}
"""Resource types that the reference leaves out: calls that take the version or alias of a function as Qualifier (Lambda
API Reference; Lambda Developer Guide: fine-tuning the Resources and Conditions sections of policies)."""


_IN_PLACE_OF_A_REQUIRED_TYPE: Final[Mapping[str, str]] = {
    "dynamodb:partiqlselect": "index",
    "dynamodb:query": "index",
    "dynamodb:scan": "index",
    "s3express:createsession": "accesspoint",
}
"""Optional types that a call may name alone: the index of a table (DynamoDB Developer Guide: fine-grained access
control), the access point of a directory bucket (S3 User Guide: managing access with access points)."""


_OF_AWS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "ssm:document": (
        "arn:${Partition}:ssm:${Region}::document/${DocumentName}",
        (
            "createassociation", "describedocument", "getdocument", "listdocumentversions", "sendcommand",
            "startautomationexecution", "startchangerequestexecution", "startsession", "updateassociation",
        ),
    ),
    "ssm:automation-definition": (
        "arn:${Partition}:ssm:${Region}::automation-definition/${AutomationDefinitionName}:${VersionId}",
        ("startautomationexecution", "startchangerequestexecution"),
    ),
    "ssm:parameter": (
        "arn:${Partition}:ssm:${Region}::parameter/aws/service/${ParameterName}",
        ("getparameter", "getparameterhistory", "getparameters", "getparametersbypath"),
    ),
    "sagemaker:hub": (
        "arn:${Partition}:sagemaker:${Region}:aws:hub/${HubName}",
        ("describehub", "describehubcontent", "listhubcontents"),
    ),
    "sagemaker:hub-content": (
        "arn:${Partition}:sagemaker:${Region}:aws:hub-content/${HubName}/${HubContentType}/${HubContentName}",
        ("describehubcontent", "listhubcontents"),
    ),
    "resource-explorer-2:view": (
        "arn:${Partition}:resource-explorer-2:${Region}::view/${ViewName}/service-view",
        ("search",),
    ),
    "wellarchitected:lens": ("arn:${Partition}:wellarchitected::aws:lens/${ResourceId}", ("getlens",)),
    "quicksight:theme": ("arn:${Partition}:quicksight::aws:theme/${ResourceId}", ("describetheme",)),
}  # fmt: skip
"""Resources of AWS's own, which belong to no account, by service and type, and the actions on them.

The reference gives them the form of an account's. AWS managed policies name them so (AmazonBedrockReadOnly,
AWSElasticDisasterRecoveryLaunchActionsPolicy, AWSStorageGatewayReadOnlyAccess, CloudWatchFullAccessV2), and so do
the Systems Manager User Guide (setting up identity-based policies: AWS's own documents have no account), the API
Reference of Well-Architected Tool (GetLens) and that of QuickSight (CreateAccountCustomization).
"""


@lru_cache(maxsize=1024)
def patterns_of_aws(service: str) -> tuple[str, ...]:
    """Patterns of the resources of a service that belong to AWS, and to no account."""
    return tuple(_entry(text) for key, (text, _) in _OF_AWS.items() if key.startswith(f"{service}:"))


def may_be_of_aws(action: str) -> bool:
    """True if some resources of an action ("service:operation", lower case) belong to AWS, and to no account."""
    service, _, name = action.partition(":")
    return any(key.startswith(f"{service}:") and name in actions for key, (_, actions) in _OF_AWS.items())


_OF_EC2: Final = (
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
_OF_KMS: Final = ("createalias", "deletealias", "updatealias")
_NEED_ALL: Final = frozenset((*(f"ec2:{name}" for name in _OF_EC2), *(f"kms:{name}" for name in _OF_KMS)))
"""Actions of which every call needs a resource of each required type at once.

EC2 checks all resources that a call has to specify (EC2 User Guide: example policies, Work with volumes): those above
require a parameter for each type, but for CreateSnapshot and CreateSnapshots (ibid., Work with snapshots) and
RunInstances, which "requires an AMI and creates an instance", with a network interface in a subnet under a security
group (ibid., Launch instances). KMS checks alias and key (KMS Developer Guide: controlling access to aliases).
"""
_UNDER_THE_DATA_CATALOG: Final = frozenset(("rootcatalog", "database", "table", "userdefinedfunction", "connection"))
"""Types of Glue of which a call needs all that are required: who uses an object of the Data Catalog needs its
ancestors, and who deletes one its descendants too (Glue Developer Guide: specifying resource ARNs)."""
_OF_ANY_TYPE: Final = re.compile(r"(un)?tagresource|listtag|(add|remove|change)tags|resourcepolicy$")
"""Actions whose one parameter is the ARN of whatever has the tags or the policy."""
_NEED_ONE: Final = frozenset(
    (
        "appsync:graphql", "appsync:sourcegraphql", "bedrock:invokemodel", "bedrock:invokemodelwithresponsestream",
        "comprehend:deleteendpoint", "comprehend:describeendpoint", "comprehend:importmodel",
        "comprehend:updateendpoint", "forecast:deleteresourcetree", "forecast:stopresource",
        "iam:generateservicelastaccesseddetails", "iam:listpoliciesgrantingserviceaccess",
        "network-firewall:deleterulegroup", "redshift-data:describetable", "redshift-data:listdatabases",
        "redshift-data:listschemas", "redshift-data:listtables", "ses:listresourcetenants",
        "states:describeexecution", "states:listexecutions",
    )
)  # fmt: skip
"""Actions of which a call names one resource, of any of the types that the reference calls required: one parameter
(or one of two) of the API stands for all of them (API reference of each service; AppSync Developer Guide: IAM
authorization)."""
_ONE_OF: Final[Mapping[str, tuple[frozenset[str], ...]]] = {
    "bedrock": (
        frozenset((
            "foundation-model", "custom-model", "inference-profile", "application-inference-profile", "prompt-router",
            "default-prompt-router",
        )),
        frozenset(("automated-reasoning-policy", "automated-reasoning-policy-version")),
        frozenset(("prompt", "prompt-version")),
    ),
    "chime": (frozenset(("app-instance-user", "app-instance-bot")),),
    "ram": (frozenset(("permission", "customer-managed-permission")),),
}  # fmt: skip
"""Types that one parameter names, where the reference calls each of them required (API reference of each service)."""
_NEEDED_TOO: Final[Mapping[str, tuple[str, ...]]] = {"glue:createconnection": ("connection",)}
"""Types that a call needs as well (Glue Developer Guide: specifying resource ARNs, connections)."""
_TELLING_NO_TYPE: Final = frozenset(("", "app", "resource"))


class Need(NamedTuple):
    """Required resource types of an action of which a call names one: the only one, or one in place of the others.

    Args:
        name: of the types.
        others: entries of policies that take in all resources of the types of the other needs.
    """

    name: str
    forms: tuple[ArnForm, ...]
    others: tuple[str, ...]


class Needs(NamedTuple):
    """Resource types that one call of an action needs together, as far as the reference tells.

    Args:
        each: where several types are required that do not stand in for each other; else ().
        is_known: whether every call needs all of them. The reference calls some types required that only some calls
            name.
    """

    each: tuple[Need, ...] = ()
    is_known: bool = False


_NO_NEEDS: Final = Needs()


class ArnForms(NamedTuple):
    """The ARN forms of the resource types of an action.

    Args:
        every: of all of them.
        required: of those of which every call names one; `every` where none is required.
        types: the names of the types, in lower case.
    """

    every: tuple[ArnForm, ...] = ()
    required: tuple[ArnForm, ...] = ()
    needs: Needs = _NO_NEEDS
    types: tuple[str, ...] = ()


def arn_forms(action: str) -> tuple[ArnForm, ...]:
    """The ARN forms of all resource types of an action ("service:Operation", any case); () where none is known."""
    return _of_action(action).every


def required_arn_forms(action: str) -> tuple[ArnForm, ...]:
    """The ARN forms of the required resource types of an action, of which every call names one; else of all of them."""
    return _of_action(action).required


def needs(action: str) -> Needs:
    """The Needs of an action that takes resources of several types at once."""
    return _of_action(action).needs


def types_of_each_call(action: str) -> tuple[tuple[str, ...], ...]:
    """The resource types that the reference requires of an action, those together of which a call names one."""
    service, _, name = action.lower().partition(":")
    if name not in service_data.actions(service):
        return ()
    required, every = _named_as_required(service, name), _required_types_of(service, name)
    groups = tuple(types for types, _ in _needed_types(service, name)) or ((required,) if required else ())
    more = tuple(one for one in every if one not in required)
    also = tuple((one,) for one in _NEEDED_TOO.get(f"{service}:{name}", ()))
    return (*((*types, *more) for types in groups), *also)


def _of_action(action: str) -> ArnForms:
    service, _, name = action.lower().partition(":")
    return _forms_of(service).get(name, _NO_FORMS)


_NO_FORMS: Final = ArnForms()


def entries_of_types(service: str) -> tuple[str, ...]:
    """Entries of policies that take in all resources of each type that a service has."""
    return tuple(dict.fromkeys(_entry(text) for each in _texts_of_types(service).values() for text in each))


def entries_of_other_types(action: str) -> tuple[str, ...]:
    """Entries of policies that take in all resources of the types that the service has, but for those of the action."""
    types = _of_action(action).types
    texts = _texts_of_types(action.lower().partition(":")[0])
    own = {text for one in types for text in texts.get(one, ())}
    others = dict.fromkeys(text for each in texts.values() for text in each if text not in own)
    return tuple(map(_entry, others)) if types else ()


def resource_types_of(action: str) -> tuple[str, ...]:
    """The names of the resource types of an action ("service:Operation", any case); () where none is known."""
    service, _, name = action.lower().partition(":")
    return _types_of(service, name)


def parts_between_names(service: str) -> frozenset[str]:
    """Fixed parts of the ARNs of a service's resources, such as "table" and "index"."""
    resources = (text.split(":", 5)[-1] for texts in _texts_of_types(service).values() for text in texts)
    return frozenset(part for text in resources for part in re.split("[:/]", _blanked(text)) if _BLANK not in part)


def _entry(form: str) -> str:
    _, _, fields = form.split(":", 2)
    return "arn:*:" + _PLACEHOLDER.sub("*", fields)


@lru_cache(maxsize=1024)
def _forms_of(service: str) -> Mapping[str, ArnForms]:
    parsed = forms_of_types(service)
    kept: dict[tuple[ArnForm, ...], tuple[ArnForm, ...]] = {}
    kept_types: dict[tuple[str, ...], tuple[str, ...]] = {}

    of_aws = {one: _OF_AWS[key] for one in parsed if (key := f"{service}:{one}") in _OF_AWS}

    def forms_of(types: tuple[str, ...], name: str) -> tuple[ArnForm, ...]:
        own = dict.fromkeys(form for one in types for form in parsed.get(one, ()))
        texts = (of_aws[one] for one in types if one in of_aws)
        own |= dict.fromkeys(_parsed(text, ()) for text, actions in texts if name in actions)
        itself = f"{service}:{name}" in _OF_THE_LOG_GROUP_ITSELF
        forms = tuple(one for one in own if one.resource[0] != "log-group:" or (len(one.resource) == 2) == itself)
        # The actions of a service share a few such tuples.
        return kept.setdefault(forms, forms)

    result: dict[str, ArnForms] = {}
    for name in service_data.actions(service):
        types = _types_of(service, name)
        every = forms_of(types, name)
        if every:
            required = forms_of(_required_types_of(service, name), name)
            each = tuple(
                Need(" or ".join(needed), forms_of(needed, name), others)
                for needed, others in _needed_types(service, name)
            )
            result[name] = ArnForms(
                every, required or every, _needs(service, name, each), kept_types.setdefault(types, types)
            )
    return result


@lru_cache(maxsize=1024)
def forms_of_types(service: str) -> Mapping[str, tuple[ArnForm, ...]]:
    """The ARN forms of each resource type of a service, by its name in lower case."""
    texts = _texts_of_types(service)
    blanked = [_blanked(text) for each in texts.values() for text in each]
    return {name: tuple(_parsed(text, blanked) for text in each) for name, each in texts.items()}


def _types_of(service: str, name: str) -> tuple[str, ...]:
    """The resource types of an action, by its name in lower case."""
    found = service_data.actions(service).get(name)
    if found is None:
        return ()
    types = (str(one["name"]).lower() for one in found["resourceTypes"])
    return (*types, *_MORE_TYPES.get(f"{service}:{name}", ()))


def _required_types_of(service: str, name: str) -> tuple[str, ...]:
    """Those of which every call names one; () where there are none."""
    types = service_data.actions(service)[name]["resourceTypes"]
    required = tuple(str(one["name"]).lower() for one in types if one.get("required"))
    full = f"{service}:{name}"
    alone = _IN_PLACE_OF_A_REQUIRED_TYPE.get(full)
    return (*required, *(() if alone is None else (alone,)), *_MORE_TYPES.get(full, ())) if required else ()


def _named_as_required(service: str, name: str) -> tuple[str, ...]:
    types = (one for one in service_data.actions(service)[name]["resourceTypes"] if one.get("required"))
    return tuple(dict.fromkeys(str(one["name"]).lower() for one in types))


def _needs(service: str, name: str, each: tuple[Need, ...]) -> Needs:
    of_data_catalog = service == "glue" and _UNDER_THE_DATA_CATALOG.issuperset(_named_as_required(service, name))
    is_known = of_data_catalog or f"{service}:{name}" in _NEED_ALL
    return Needs(each, is_known) if len(each) > 1 else _NO_NEEDS


def _needed_types(service: str, name: str) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The required types of an action, those together of which a call names one, with entries about the others."""
    if f"{service}:{name}" in _NEED_ONE or _OF_ANY_TYPE.search(name):
        return
    found: list[tuple[str, ...]] = []
    for one in _named_as_required(service, name):
        place = next((at for at, types in enumerate(found) if _stands_in(service, one, types)), None)
        if place is None:
            found.append((one,))
        else:
            found[place] += (one,)
    texts = _texts_of_types(service)
    for types in found:
        others = (one for each in found if each != types for one in each)
        yield types, tuple(_entry(text) for one in others for text in texts[one])


def _stands_in(service: str, one: str, others: tuple[str, ...]) -> bool:
    """True if the parameter that names resources of some types also names those of another.

    So it is where the last name in their ARNs is the same and tells what they are: a ListenerId, whether behind
    `listener/app` or `listener/net`.
    """
    if any(one in group and group.issuperset(others) for group in _ONE_OF.get(service, ())):
        return True
    (text, *_), (other, *_) = (_texts_of_types(service).get(name, ("",)) for name in (one, others[0]))
    if text == other:
        return True
    names, others_names = (_PLACEHOLDER.findall(each.split(":", 5)[-1]) for each in (text, other))
    if not names or not others_names or names[-1] != others_names[-1]:
        return False
    kind = names[-1].strip("${}").removesuffix("Id").lower()
    is_told = kind not in _TELLING_NO_TYPE and all(kind in _letters(each) for each in (text, other))
    is_part = any(_blanked(each).startswith(_blanked(of) + "/") for each, of in ((text, other), (other, text)))
    return is_told and not is_part


def _letters(text: str) -> str:
    """The letters of an ARN form but for its names."""
    return re.sub("[^a-z]", "", _PLACEHOLDER.sub("", text).lower())


@lru_cache(maxsize=1024)
def _texts_of_types(service: str) -> Mapping[str, tuple[str, ...]]:
    types = service_data.resource_types(service).items()
    return {name: tuple(_texts_of(str(found["arn"]))) for name, found in types}


def _texts_of(forms: str) -> list[str]:
    """The forms of a resource type: a few have two in one text."""
    texts: list[str] = []
    for text in forms.split(", "):
        texts.append(text)
        *head, resource = text.split(":", 5)
        texts += (":".join((*head, other)) for other in _ALSO.get(resource, ()))
    return texts


def _blanked(text: str) -> str:
    return _PLACEHOLDER.sub(_BLANK, text)


def _parsed(text: str, blanked: Iterable[str]) -> ArnForm:
    """One form.

    Args:
        blanked: all forms of the service, placeholders blanked.
    """
    # Placeholders have no colon, so that the first five part the fields.
    _, _, service, region, account, resource = text.split(":", 5)
    head = text[: len(text) - len(resource)]
    pieces: list[str | Name] = []
    position = 0
    for match in _PLACEHOLDER.finditer(resource):
        if match.start() > position:
            pieces.append(resource[position : match.start()])
        place = len(_blanked(head + resource[: match.start()]))
        # Types that end with a colon have names without slashes, as have versions and ids behind a name and a colon.
        behind_colon = resource[: match.start()].endswith(":") and service not in _WITH_SLASHES
        has_slash = not behind_colon and not _parts_types(_blanked(text), place, blanked, match.group())
        without = _without(f"{service} {match.group()}", has_slash=has_slash)
        pieces.append(Name(without, match.group().endswith("WithPath}")))
        position = match.end()
    if position < len(resource):
        pieces.append(resource[position:])
    return ArnForm(_field(service), _field(region), _field(account), tuple(pieces), "*" in (region, account))


def _parts_types(form: str, place: int, blanked: Iterable[str], name: str) -> bool:
    """True if a name with a slash could be part of another ARN form of the service.

    Args:
        form: the form of the name, blanked.
        place: of the name in it.
        name: the placeholder; a path has slashes as long as no form goes on behind it.
    """
    if any(other.startswith(form[: place + 1] + "/") for other in blanked):
        return True
    if name == "*" or "Path" in name:
        return False
    if any(other.startswith(form[:place]) and "/" in other[place:] and other[place] != _BLANK for other in blanked):
        return True
    for earlier in (index for index in range(place) if form[index] == _BLANK):
        following = form.index(_BLANK, earlier + 1)
        goes_on = (other for other in blanked if other.startswith(form[: earlier + 1] + "/"))
        if any(not other.startswith(form[: following + 1]) for other in goes_on):
            return True
    return False


def _without(name: str, *, has_slash: bool) -> str:
    """The separators that a name, behind its service, cannot have."""
    if _WITH_ANYTHING.fullmatch(name):
        return ""
    if any(pattern.fullmatch(name) for pattern in _WITH_COLONS):
        return "/"
    return ":" if has_slash else ":/"


def _field(text: str) -> str | Name:
    return _FIELD if _PLACEHOLDER.search(text) else text
