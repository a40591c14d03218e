"""What AWS refuses whatever the policies say: by resource, by caller and by the kind of credentials."""

from __future__ import annotations

import re
from typing import Any

from .between_accounts import can_be_given, can_be_made
from .callers import Caller
from .context import Context
from .logic import Truth, conjunction, disjunction, negation
from .matching import Target
from .patterns import glob, plain, tokens_of
from .sets import FROZEN_MANAGED_POLICY

ALIAS_CHANGES = ("createalias", "updatealias", "deletealias")
OF_PROVIDERS = ("assumerolewithsaml", "assumerolewithwebidentity")
OF_SERVICE_LINKED_ROLES = ("createservicelinkedrole", "deleteservicelinkedrole")
FROZEN_SERVICE_LINKED_ROLE = (
    "attachrolepolicy",
    "deleterole",
    "deleterolepermissionsboundary",
    "deleterolepolicy",
    "detachrolepolicy",
    "putrolepermissionsboundary",
    "putrolepolicy",
    "updateassumerolepolicy",
)
"""What nobody but its service can do to a service-linked role."""

OF_SESSIONS = ("getscopedcredentials", "getwebidentitytoken", "getdelegatedaccesstoken")
"""What users may call with temporary credentials of theirs."""

SIDE_CHECKS = ("tagsession", "setsourceidentity")
"""What is checked beside a call of STS and is no call itself."""

TASK_POLICIES = (
    "IAMAuditRootUserCredentials",
    "IAMCreateRootUserPassword",
    "IAMDeleteRootUserCredentials",
    "S3UnlockBucketPolicy",
    "SQSUnlockQueuePolicy",
)

UNSIGNED = (
    "s3:*",
    "sqs:*",
    "sns:*",
    "execute-api:*",
    "lambda:invokefunctionurl",
    "es:eshttp*",
    "vpc-lattice-svcs:*",
    "elasticfilesystem:*",
    "ecr-public:*",
)
"""The actions that can be asked for without credentials."""


def policy_is_about_else(action: str, caller: Caller) -> bool:
    """Whether the policy of the resource, if it has one, is not asked about an action of a caller."""
    service, name = action.lower().split(":", 1)
    if service == "es":
        return re.match("eshttp|escrosscluster", name) is None
    if service == "logs":
        if name in ("putsubscriptionfilter", "createdelivery"):
            return False
        return caller.kind != "service" or name not in ("putlogevents", "createlogstream")
    ignoring_itself = ("putdomainpermissionspolicy", "putrepositorypermissionspolicy")
    return service == "iam" or (service == "codeartifact" and name in ignoring_itself)


def partition_of(caller: Caller) -> str:
    """The partition that a caller's credentials are good for; "" when the caller's name does not tell."""
    known = caller.arn or caller.name
    return known.split(":")[1] if known.startswith("arn:") else ""


def refused(
    target: Target,
    caller: Caller,
    owner: str | None,
    context: Context,
    settings: dict[str, Any],
    *,
    of_some_account: bool,
) -> Truth:
    """Whether AWS refuses the request: True, False or a tree of what has to be so that it does.

    `of_some_account`: the resource stands for those of all accounts of the organization, which are not known.
    """
    service, name = target.action.lower().split(":", 1)
    fields = target.resource.split(":", 5)
    on_resource = not target.wildcard_only and not target.is_pattern and len(fields) == 6
    return disjunction(
        [
            on_resource and _another_partition(fields, caller),
            on_resource and _nobodys_to_change(service, name, fields),
            on_resource and _trusts_its_service_alone(service, name, fields) and caller.kind != "service",
            caller.kind == "provider" and not _is_of_provider(service, name, caller),
            service == "iam" and name == "passrole" and on_resource and caller.account not in (None, owner),
            _by_kind_of_credentials(service, name, caller, context),
            service == "sts"
            and name == "assumeroot"
            and _no_root_session(fields, caller, context, settings, of_some_account=of_some_account),
            _is_no_gift(service, name, caller, owner),
            caller.account is not None and _is_of_other_accounts(target, settings),
            caller.kind == "anonymous" and negation(_takes_unsigned(target.action.lower(), context)),
        ]
    )


def _is_no_gift(service: str, name: str, caller: Caller, owner: str | None) -> Truth:
    """Whether the policy of a resource cannot give an action to a caller from outside its account."""
    if caller.kind in ("service", "provider") or (caller.account is not None and caller.account == owner):
        return False
    given = can_be_given(service, name)
    return {"missing": "documentation", "holds": False, "source": None} if given is None else not given


def _is_of_other_accounts(target: Target, settings: dict[str, Any]) -> Truth:
    """Whether the account of the caller is none of those that can make the call."""
    made = can_be_made(target.action.lower(), target.resource, settings)
    return {"missing": "organization", "holds": False, "source": None} if made is None else not made


def _takes_unsigned(action: str, context: Context) -> Truth:
    """Whether an action can be asked for without credentials."""
    if action != "lambda:invokefunction":
        return any(glob(tokens_of(plain(entry)), action) for entry in UNSIGNED)
    return _is_true("lambda:InvokedViaFunctionUrl", context)


def _another_partition(fields: list[str], caller: Caller) -> bool:
    return partition_of(caller) not in ("", fields[1])


def _nobodys_to_change(service: str, name: str, fields: list[str]) -> bool:
    _, _, kind, _, account, rest = fields
    if service == "iam" and kind == "iam":
        if account == "aws" and rest.startswith("policy/"):
            return name in FROZEN_MANAGED_POLICY
        service_linked = rest.startswith("role/aws-service-role/")
        if service_linked and name in FROZEN_SERVICE_LINKED_ROLE:
            return True
        if name in OF_SERVICE_LINKED_ROLES and not re.fullmatch(r"role/aws-service-role/.+/.+", rest, re.DOTALL):
            return True
        reads = ("get", "list", "generate", "simulate")
        return rest.startswith("role/aws-reserved/") and not name.startswith(reads)
    return service == "kms" and kind == "kms" and rest.startswith("alias/aws/") and name in ALIAS_CHANGES


def _trusts_its_service_alone(service: str, name: str, fields: list[str]) -> bool:
    return (service, name, fields[2]) == ("sts", "assumerole", "iam") and fields[5].startswith("role/aws-service-role/")


def _is_of_provider(service: str, name: str, provider: Caller) -> bool:
    """Whether a call is one that is made with the word of a provider, or checked beside it."""
    by_saml = ":saml-provider/" in (provider.name or "")
    return service == "sts" and name in (OF_PROVIDERS[0 if by_saml else 1], *SIDE_CHECKS)


def _by_kind_of_credentials(service: str, name: str, caller: Caller, context: Context) -> Truth:
    if service == "sts" and name == "getcalleridentity":
        return False
    if service == "sts" and name in OF_PROVIDERS and caller.kind not in ("provider", "anonymous"):
        return True
    calls_iam = service == "iam" and name != "passrole"
    if caller.kind == "federated":
        return calls_iam or (service == "sts" and name not in ("getscopedcredentials", "getdelegatedaccesstoken"))
    if caller.kind in ("session", "role"):
        return service == "sts" and name in ("getsessiontoken", "getfederationtoken")
    if caller.kind == "root" and service == "sts" and name == "assumerole":
        return True
    if caller.kind not in ("user", "root") or caller.credentials != "temporary":
        return False
    if service == "sts":
        return name not in ("assumerole", *OF_SESSIONS, *SIDE_CHECKS)
    # What has temporary credentials of a root user may be a session of AssumeRoot too.
    of_user = True if caller.kind == "user" else _is_false("aws:AssumedRoot", context)
    return conjunction([calls_iam, _is_false("aws:MultiFactorAuthPresent", context), of_user])


def _is_false(key: str, context: Context) -> Truth:
    """Whether a key is not known to be true: True, False or what it waits for."""
    return negation(_is_true(key, context))


def _is_true(key: str, context: Context) -> Truth:
    state, values = context.state(key)
    if state in ("unknown", "present"):
        return {"op": "Bool", "key": key, "values": ["true"], "holds": True, "source": None}
    return [value.lower() for value in values] == ["true"]


def _no_root_session(
    fields: list[str], caller: Caller, context: Context, settings: dict[str, Any], *, of_some_account: bool
) -> Truth:
    """Whether this is no caller, no root user or no task that AssumeRoot is for."""
    managing = settings.get("principal_in_management_account")
    delegated = settings.get("principal_in_iam_delegated_administrator")
    if delegated is False and not managing:
        return True
    if not caller.has_own_policies:
        return True
    if len(fields) == 6 and "*" not in fields[4]:
        own = fields[4] == caller.account
        if fields[2] != "iam" or fields[5] != "root" or (own and managing):
            return True
        if settings.get("resource_in_management_account"):
            return True
    entitled: Truth = True if managing or delegated else {"missing": "organization", "holds": True, "source": None}
    # Of the administrator's own account, which is a member account too, AWS's documentation says nothing.
    on_itself: Truth = {"missing": "documentation", "holds": True, "source": None}
    another: Truth = {"missing": "member accounts", "holds": True, "source": None} if of_some_account else True
    elsewhere: Truth = on_itself if len(fields) == 6 and fields[4] == caller.account else another
    return negation(conjunction([entitled, elsewhere, _is_task(context, caller)]))


def _is_task(context: Context, caller: Caller) -> Truth:
    tasks = [f"arn:{caller.partition}:iam::aws:policy/root-task/{name}" for name in TASK_POLICIES]
    state, values = context.state("sts:TaskPolicyArn")
    if state in ("unknown", "present"):
        return {"op": "StringEquals", "key": "sts:TaskPolicyArn", "values": tasks, "holds": True, "source": None}
    return len(values) == 1 and values[0] in tasks
