"""CloudTrail records: who called what, on which resource, in which context (CloudTrail User Guide: record contents)."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from iamtui.analysis.api_calls import iam_action, resource_of_call
from iamtui.analysis.denials.denial import Claim, Denial, DenialForm, Place
from iamtui.analysis.denials.kms_records import encryption_context
from iamtui.analysis.denials.record_fields import dict_in, list_in, text_in
from iamtui.analysis.denials.search import messages_in
from iamtui.analysis.denials.sts_records import federated_caller, session_context
from iamtui.policy.arn import is_account_id

_DENIED_WORDS: Final = ("accessdenied", "unauthorized", "notauthorized", "authorizationerror", "forbidden")
_LONGEST_MESSAGE: Final = 64 * 1024
_SERVICE: Final = ".amazonaws.com"


def is_record(value: Any) -> bool:
    """Whether a JSON value looks like a CloudTrail record."""
    return isinstance(value, dict) and "eventName" in value and ("eventSource" in value or "userIdentity" in value)


def read_record(record: Mapping[str, Any], place: Place) -> Denial:
    """A CloudTrail record as a denial, or as a request that was not denied (`denied` is False)."""
    code = text_in(record, "errorCode")
    denied = any(word in code.lower().replace(".", "") for word in _DENIED_WORDS)
    source, event = text_in(record, "eventSource"), text_in(record, "eventName")
    identity = _caller(dict_in(record, "userIdentity"), dict_in(record, "requestParameters"))
    message = text_in(record, "errorMessage")[:_LONGEST_MESSAGE]
    told = next((found for found in messages_in(message) if found.action or found.claim.kind or found.encoded), None)
    notes, unknown = list(identity.notes), list(identity.unknown)
    action = iam_action(source, event)
    call = f"{source.removesuffix(_SERVICE)}:{event}"
    resource = _resource(record, source, action)
    if told is not None and told.action:
        if action and told.action.lower() != action.lower():
            notes.append(f"The call was {call}; what was refused is {told.action}.")
        action, resource = told.action, told.resource or resource
        notes += told.notes
    elif not action:
        unknown.append(f"No IAM action is known for the call {call}.")
    elif action.lower() != call.lower():
        notes.append(f"The call {call} is allowed by the action {action}.")
    if not resource:
        unknown.append("The record does not name the resource in a form that gives its ARN.")
    claim = told.claim if told is not None else Claim()
    if denied and not claim.kind:
        unknown.append("It does not say which kind of policy refused.")
    if not denied:
        notes.append(
            f"CloudTrail records this call as failed with {code}, which is no denial."
            if code
            else "CloudTrail records this call as successful: it was not denied."
        )
    context, context_notes = _context(record, identity, action)
    return Denial(
        DenialForm.CLOUDTRAIL,
        place,
        identity.caller or (told.caller if told is not None else ""),
        action,
        resource,
        claim,
        denied=denied,
        code=code,
        operation=event,
        service=source,
        encoded=told.encoded if told is not None else "",
        request_id=text_in(record, "requestID"),
        authorization_id=told.authorization_id if told is not None else "",
        context=context,
        credentials=identity.credentials,
        issuer=identity.issuer,
        account=identity.account,
        resource_account=_resource_account(record, resource),
        unknown=tuple(unknown),
        notes=(*notes, *context_notes),
    )


@dataclass(frozen=True, slots=True)
class _Caller:
    caller: str = ""
    account: str = ""
    credentials: str = ""
    issuer: str = ""
    kind: str = ""
    forwarded_by: str = ""
    session: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def _caller(identity: Mapping[str, Any], parameters: Mapping[str, Any]) -> _Caller:
    """Who called (CloudTrail User Guide: userIdentity element)."""
    kind = text_in(identity, "type")
    key = text_in(identity, "accessKeyId")
    session = dict_in(identity, "sessionContext")
    credentials = {"AKIA": "long_term", "ASIA": "temporary"}.get(key[:4], "temporary" if session else "")
    issuer = text_in(dict_in(session, "sessionIssuer"), "arn")
    invoked_by = text_in(identity, "invokedBy")
    base = _Caller(text_in(identity, "arn"), text_in(identity, "accountId"), credentials, "", kind, invoked_by, session)
    if kind == "AssumedRole":
        return _assumed_role(base, issuer)
    if kind == "FederatedUser":
        return replace(base, issuer=issuer, credentials="temporary")
    if kind == "Root":
        account = base.account
        arn = base.caller or (f"arn:aws:iam::{account}:root" if is_account_id(account) else "")
        return replace(base, caller=arn)
    if kind == "AWSService":
        return replace(base, caller=invoked_by, forwarded_by="", credentials="")
    if kind in ("WebIdentityUser", "SAMLUser"):
        provider = federated_caller(identity, parameters)
        user = text_in(identity, "userName")
        note = f"The caller was {user} of the identity provider {provider or 'that is not told'}." if user else ""
        missing = () if provider else ("The record does not say which identity provider vouched for the caller.",)
        return replace(base, caller=provider, credentials="", notes=(note,) if note else (), unknown=missing)
    if kind == "IdentityCenterUser":
        user = text_in(dict_in(identity, "onBehalfOf"), "userId")
        return replace(
            base, unknown=(f"The caller is the Identity Center user {user or 'of a directory'}, no IAM one.",)
        )
    if kind == "AWSAccount":
        if base.account.lower().startswith("anonymous"):
            return replace(base, caller="anonymous", account="", credentials="")
        whose = f" with the id {identity['principalId']}" if text_in(identity, "principalId") else ""
        return replace(
            base,
            unknown=() if base.caller else (f"The caller is a principal of account {base.account}{whose}.",),
        )
    if not base.caller:
        return replace(
            base, unknown=(f"The record does not say who called (userIdentity {kind or 'without a type'}).",)
        )
    return base


def _assumed_role(base: _Caller, role: str) -> _Caller:
    if base.caller or not role:
        return replace(base, credentials="temporary")
    return replace(
        base,
        caller=role,
        credentials="temporary",
        notes=("The record names the role only: the session's name is not told.",),
    )


def _context(
    record: Mapping[str, Any], caller: _Caller, action: str
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """The condition keys that a record tells (IAM User Guide: global condition context keys)."""
    context: dict[str, tuple[str, ...]] = {}
    notes: list[str] = []
    _network(record, caller, context)
    agent = _user_agent(record, caller)
    if agent:
        context["aws:UserAgent"] = (agent,)
    for key, name in (
        ("aws:RequestedRegion", "awsRegion"),
        ("aws:CurrentTime", "eventTime"),
    ):
        value = text_in(record, name)
        if value:
            context[key] = (value,)
    if dict_in(record, "tlsDetails"):
        context["aws:SecureTransport"] = ("true",)
    _session(caller, context, notes)
    _parameters(record, context)
    context.update(session_context(record))
    context.update(encryption_context(record, action))
    enriched = dict_in(record, "eventContext")
    for key, value in dict_in(enriched, "requestContext").items():
        values = value if isinstance(value, list) else [value]
        if ":" in key and all(isinstance(one, (str, int, bool)) for one in values):
            context[key] = tuple(str(one).lower() if isinstance(one, bool) else str(one) for one in values)
    tags = dict_in(enriched, "tagContext")
    for key, value in dict_in(tags, "principalTags").items():
        if isinstance(value, str):
            context[f"aws:PrincipalTag/{key}"] = (value,)
    resources = tags.get("resourceTags")
    if isinstance(resources, list) and len(resources) == 1 and isinstance(resources[0], dict):
        for key, value in dict_in(resources[0], "tags").items():
            if isinstance(value, str):
                context[f"aws:ResourceTag/{key}"] = (value,)
    return context, tuple(notes)


def _network(record: Mapping[str, Any], caller: _Caller, context: dict[str, tuple[str, ...]]) -> None:
    source = text_in(record, "sourceIPAddress")
    endpoint = text_in(record, "vpcEndpointId")
    service = caller.forwarded_by if caller.forwarded_by.endswith(_SERVICE) else ""
    # Of a call that a service forwards, nothing says whose address this is.
    address = _is_address(source) and not service
    if endpoint:
        context["aws:SourceVpce"] = (endpoint,)
        context["aws:SourceIp"] = ()
        if address:
            context["aws:VpcSourceIp"] = (source,)
        owner = text_in(record, "vpcEndpointAccountId")
        if owner:
            context["aws:VpceAccount"] = (owner,)
    elif address:
        context["aws:SourceIp"] = (source,)
    if service:
        context["aws:ViaAWSService"] = ("true",)
        # aws:CalledVia can name more services in front of this one, which the record does not tell.
        context["aws:CalledViaLast"] = (service,)
    elif address:
        context["aws:ViaAWSService"] = ("false",)


def _user_agent(record: Mapping[str, Any], caller: _Caller) -> str:
    """The header as it was sent, or "": S3's records put it in brackets, a service's call has its name there."""
    agent = text_in(record, "userAgent")
    if caller.forwarded_by or agent.endswith(_SERVICE):
        return ""
    bracketed = text_in(record, "eventSource").startswith("s3") and agent.startswith("[") and agent.endswith("]")
    return agent[1:-1] if bracketed else agent


def _session(caller: _Caller, context: dict[str, tuple[str, ...]], notes: list[str]) -> None:
    session = caller.session or {}
    attributes = dict_in(session, "attributes")
    web = dict_in(session, "webIdFederationData")
    created = text_in(attributes, "creationDate")
    if created:
        context["aws:TokenIssueTime"] = (created,)
    mfa = str(attributes.get("mfaAuthenticated", "")).lower()
    if web:
        context["aws:MultiFactorAuthPresent"] = ()
        provider = text_in(web, "federatedProvider")
        if provider:
            context["aws:FederatedProvider"] = (provider,)
    elif mfa == "true":
        context["aws:MultiFactorAuthPresent"] = ("true",)
    elif mfa == "false" and caller.kind == "AssumedRole":
        # SAML sessions are recorded so, too, and lack the key: neither may be taken for granted.
        notes.append("mfaAuthenticated is false: aws:MultiFactorAuthPresent was false, or absent in a SAML session.")
    elif mfa == "false":
        context["aws:MultiFactorAuthPresent"] = ("false",)
    elif caller.credentials == "long_term":
        context["aws:MultiFactorAuthPresent"] = ()
    identity = text_in(session, "sourceIdentity")
    if identity:
        context["aws:SourceIdentity"] = (identity,)
    delivery = session.get("ec2RoleDelivery")
    if isinstance(delivery, str) and delivery:
        context["ec2:RoleDelivery"] = (delivery,)


_PARAMETER_KEYS: Final = {
    ("sts.amazonaws.com", "externalId"): "sts:ExternalId",
    ("sts.amazonaws.com", "roleSessionName"): "sts:RoleSessionName",
    ("sts.amazonaws.com", "sourceIdentity"): "sts:SourceIdentity",
    ("s3.amazonaws.com", "prefix"): "s3:prefix",
    ("s3.amazonaws.com", "delimiter"): "s3:delimiter",
    ("s3.amazonaws.com", "x-amz-server-side-encryption"): "s3:x-amz-server-side-encryption",
    ("s3.amazonaws.com", "x-amz-acl"): "s3:x-amz-acl",
    ("iam.amazonaws.com", "permissionsBoundary"): "iam:PermissionsBoundary",
}
"""Request parameters that are condition keys as they stand (Service Authorization Reference)."""


def _parameters(record: Mapping[str, Any], context: dict[str, tuple[str, ...]]) -> None:
    source = text_in(record, "eventSource")
    parameters = dict_in(record, "requestParameters")
    for (service, name), key in _PARAMETER_KEYS.items():
        value = parameters.get(name)
        if service == source and isinstance(value, str) and value:
            context[key] = (value,)


def _resource(record: Mapping[str, Any], source: str, action: str) -> str:
    """The ARN that the record's `resources` or its parameters name."""
    found = [
        text_in(entry, "ARN") or text_in(entry, "arn")
        for entry in list_in(record, "resources")
        if isinstance(entry, dict)
    ]
    found = [arn for arn in found if arn.startswith("arn:")]
    if source.startswith("s3.") and len(found) > 1:
        on_object = "Object" in action and "Bucket" not in action
        found = [arn for arn in found if ("/" in arn) == on_object] or found
    if len(found) == 1 and not (source.startswith("s3.") and "Object" in action and "/" not in found[0]):
        return found[0]
    made = resource_of_call(
        source,
        action,
        dict_in(record, "requestParameters"),
        account=text_in(record, "recipientAccountId") or text_in(dict_in(record, "userIdentity"), "accountId"),
        region=text_in(record, "awsRegion"),
    )
    return made or (found[0] if found else "")


def _resource_account(record: Mapping[str, Any], resource: str) -> str:
    """Who owns the resource, where its ARN does not say so."""
    for entry in list_in(record, "resources"):
        if isinstance(entry, dict) and (text_in(entry, "ARN") or text_in(entry, "arn")) in resource:
            account = text_in(entry, "accountId")
            if is_account_id(account):
                return account
    return ""


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
