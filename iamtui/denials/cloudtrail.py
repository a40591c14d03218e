"""CloudTrail records: who called what, on which resource, in which context (CloudTrail User Guide: record contents)."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from iamtui.denials.denial import Denial, DenialForm, SourcePlace
from iamtui.denials.messages import messages_in
from iamtui.engine.calls.api_calls import iam_action
from iamtui.engine.calls.call_resources import resource_of_call
from iamtui.engine.decision import Layer
from iamtui.policy.json_text import dict_in, list_in, text_in
from iamtui.policy.patterns import is_account_id
from iamtui.policy.values import is_private

# What CloudTrail's records of KMS calls tell of the encryption context.


_KMS: Final = "kms.amazonaws.com"

_PARAMETERS: Final = {
    "kms:reencryptfrom": ("sourceEncryptionContext",),
    "kms:reencryptto": ("destinationEncryptionContext",),
}
"""Request parameters with the encryption context, where they have another name: each check of ReEncrypt has its own."""

_CONSTRAINTS: Final = ("encryptionContextEquals", "encryptionContextSubset")


def encryption_context(record: Mapping[str, Any], action: str) -> dict[str, tuple[str, ...]]:
    """The condition keys that the encryption context of a KMS call gives; none where it has none.

    Args:
        action: what is authorized, which one call may ask twice (ReEncrypt).
    """
    if text_in(record, "eventSource") != _KMS:
        return {}
    pairs = _pairs(dict_in(record, "requestParameters"), action.lower())
    if not pairs:
        return {}
    # The names of condition keys know no letter case, so that nothing tells which of two pairs is read.
    spelt = Counter(key.lower() for key in pairs)
    context: dict[str, tuple[str, ...]] = {
        f"kms:EncryptionContext:{key}": (value,)
        for key, value in pairs.items()
        if isinstance(value, str) and spelt[key.lower()] == 1
    }
    context["kms:EncryptionContextKeys"] = tuple(pairs)
    return context


def _pairs(parameters: Mapping[str, Any], action: str) -> dict[str, Any]:
    """The pairs of the encryption context; of a grant those that it is constrained to."""
    of_grant = action == "kms:creategrant"
    given = dict_in(parameters, "constraints") if of_grant else parameters
    names = _CONSTRAINTS if of_grant else _PARAMETERS.get(action, ("encryptionContext",))
    return {key: value for name in names for key, value in dict_in(given, name).items() if key}


# What CloudTrail's records of STS calls tell: the identity provider with its claims, and session tags.


_STS: Final = "sts.amazonaws.com"
_COGNITO: Final = "cognito-identity.amazonaws.com"
_OIDC: Final = ":oidc-provider/"

_KEY_OF_USER: Final = {"www.amazon.com": "user_id", "graph.facebook.com": "id"}
"""Condition key part for the user's id at these providers; others use "sub"."""

_KEY_OF_APPLICATION: Final = {"www.amazon.com": "app_id", "graph.facebook.com": "app_id"}
"""Condition key part for the application's id at these providers; others use "aud"."""


def federated_caller(identity: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    """Provider that vouched for a SAML or web identity, as a trust policy names it; "" when the record has none.

    Args:
        parameters: its requestParameters: of a SAML provider userIdentity has no name but only a hash.
    """
    provider = text_in(identity, "identityProvider")
    if text_in(identity, "type") == "SAMLUser":
        told = text_in(parameters, "principalArn")
        return told or (provider if provider.startswith("arn:") else "")
    return _COGNITO if provider == "cognito-identity.amazon.com" else provider


def session_context(record: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The condition keys that a call of STS carries for whom it signs in and with which tags."""
    if text_in(record, "eventSource") != _STS:
        return {}
    identity, parameters = dict_in(record, "userIdentity"), dict_in(record, "requestParameters")
    return {key: (value,) for key, value in _claims(identity)} | _tags(parameters)


def _claims(identity: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    user, provider = text_in(identity, "userName"), text_in(identity, "identityProvider")
    if text_in(identity, "type") == "SAMLUser":
        if user:
            yield "saml:sub", user
        if provider and not provider.startswith("arn:"):
            yield "saml:namequalifier", provider
    elif text_in(identity, "type") == "WebIdentityUser" and user and provider:
        issuer = provider.partition(_OIDC)[2] or federated_caller(identity, {})
        yield f"{issuer}:{_KEY_OF_USER.get(issuer, 'sub')}", user
        # "PROVIDER:APPLICATION:USER", each of which may hold colons.
        start, end, told = f"{provider}:", f":{user}", text_in(identity, "principalId")
        application = told[len(start) : -len(end)] if told.startswith(start) and told.endswith(end) else ""
        if application:
            yield f"{issuer}:{_KEY_OF_APPLICATION.get(issuer, 'aud')}", application


def _tags(parameters: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The requested session tags, and those that the caller's own session passes on."""
    context: dict[str, tuple[str, ...]] = {}
    asked = {
        text_in(tag, "key"): text_in(tag, "value")
        for tag in list_in(parameters, "tags")
        if isinstance(tag, dict) and text_in(tag, "key")
    } or _texts(dict_in(parameters, "principalTags"))
    for key, value in asked.items():
        context[f"aws:RequestTag/{key}"] = (value,)
    if asked:
        context["aws:TagKeys"] = tuple(asked)
    transitive = tuple(key for key in list_in(parameters, "transitiveTagKeys") if isinstance(key, str))
    if transitive:
        context["sts:TransitiveTagKeys"] = transitive
    for key, value in _texts(dict_in(parameters, "incomingTransitiveTags")).items():
        context[f"aws:PrincipalTag/{key}"] = (value,)
    return context


def _texts(tags: Mapping[str, Any]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if isinstance(value, str)}


DENIED_WORDS: Final = ("accessdenied", "unauthorized", "notauthorized", "authorizationerror", "forbidden")
_LONGEST_MESSAGE: Final = 64 * 1024
_SERVICE: Final = ".amazonaws.com"
_SILENT: Final = Denial(DenialForm.CLOUDTRAIL, SourcePlace(1, 0))
"""Reading of an error message without any facts."""


def is_denied(code: str) -> bool:
    """True if an error code means that a call was refused for lack of permission."""
    return any(word in code.lower().replace(".", "") for word in DENIED_WORDS)


def is_outside_policies(denial: Denial) -> bool:
    """True if the refusal came from a policy that no account stores, or not from the call's own policies.

    User pools answer a wrong password so, and a service whose caller lacks the key of what it is called for.
    """
    code = denial.code.lower()
    by_policy = not {Layer.SESSION, Layer.VPC_ENDPOINT}.isdisjoint(denial.claim.layers) or code.startswith("vpce")
    by_key = code.startswith("kms") and denial.service != _KMS
    return by_policy or by_key or (code == "notauthorizedexception" and denial.service.startswith("cognito-"))


def is_record(value: Any) -> bool:
    """True if a JSON value looks like a CloudTrail record."""
    return isinstance(value, dict) and "eventName" in value and ("eventSource" in value or "userIdentity" in value)


def read_record(record: Mapping[str, Any], place: SourcePlace) -> Denial:
    """A CloudTrail record as a denial, or as a request that was not denied (`denied` is False)."""
    code = text_in(record, "errorCode")
    denied = is_denied(code)
    source, event = text_in(record, "eventSource"), text_in(record, "eventName")
    identity = _caller(dict_in(record, "userIdentity"), dict_in(record, "requestParameters"))
    message = text_in(record, "errorMessage")[:_LONGEST_MESSAGE]
    messages = messages_in(message) if message else ()
    told = next((found for found in messages if found.action or found.claim.kind or found.encoded), _SILENT)
    notes, unknown = list(identity.notes), list(identity.unknown)
    action = iam_action(source, event)
    call = f"{source.removesuffix(_SERVICE)}:{event}"
    resource = told.resource if told.action and told.resource else _resource(record, source, action)
    if told.action:
        if action and told.action.lower() != action.lower():
            notes.append(f"The call was {call}; AWS refused {told.action}.")
        action = told.action
        notes += told.notes
    elif not action:
        unknown.append(f"No IAM action is known for the call {call}.")
    elif action.lower() != call.lower():
        notes.append(f"The call {call} is allowed by the action {action}.")
    if not resource:
        unknown.append("The record does not name the resource in a form that gives its ARN.")
    if denied and not told.claim.kind:
        unknown.append("It does not name the kind of policy that refused.")
    if not denied:
        notes.append(
            f"CloudTrail records this call as failed with {code}, which is not a denial."
            if code
            else "CloudTrail records this call as successful: it was not denied."
        )
    context, context_notes = _context(record, identity, action)
    return Denial(
        DenialForm.CLOUDTRAIL,
        place,
        identity.caller or told.caller,
        action,
        resource,
        told.claim,
        denied=denied,
        code=code,
        operation=event,
        service=source,
        encoded=told.encoded,
        request_id=text_in(record, "requestID"),
        authorization_id=told.authorization_id,
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
    match kind:
        case "AssumedRole":
            base = replace(base, credentials="temporary")
            if base.caller or not issuer:
                return base
            return replace(base, caller=issuer, notes=("The record names the role only, not its session.",))
        case "FederatedUser":
            return replace(base, issuer=issuer, credentials="temporary")
        case "Root":
            account = base.account
            arn = base.caller or (f"arn:aws:iam::{account}:root" if is_account_id(account) else "")
            return replace(base, caller=arn)
        case "AWSService":
            return replace(base, caller=invoked_by, forwarded_by="", credentials="")
        case "WebIdentityUser" | "SAMLUser":
            return _federated(base, federated_caller(identity, parameters), text_in(identity, "userName"))
        case "IdentityCenterUser":
            user = text_in(dict_in(identity, "onBehalfOf"), "userId") or "of a directory"
            return replace(base, unknown=(f"The caller is the Identity Center user {user}, not an IAM user.",))
        case "AWSAccount":
            if base.account.lower().startswith("anonymous"):
                return replace(base, caller="anonymous", account="", credentials="")
            if not base.caller:
                id_ = text_in(identity, "principalId")
                whose = f"a principal of account {base.account}{f' with the id {id_}' if id_ else ''}"
                return replace(base, unknown=(f"The caller is {whose}.",))
    if not base.caller:
        return replace(
            base, unknown=(f"The record does not say who called (userIdentity {kind or 'without a type'}).",)
        )
    return base


def _federated(base: _Caller, provider: str, user: str) -> _Caller:
    of = provider or "an identity provider that the record does not name"
    unknown = () if provider else ("The record does not say which identity provider vouched for the caller.",)
    notes = (f"The caller was {user} of {of}.",) if user else ()
    return replace(base, caller=provider, credentials="", notes=notes, unknown=unknown)


def _context(
    record: Mapping[str, Any], caller: _Caller, action: str
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """The condition keys that a record tells (IAM User Guide: global condition context keys)."""
    context: dict[str, tuple[str, ...]] = {}
    notes: list[str] = []
    _network(record, caller, context)
    told = {
        "aws:UserAgent": _user_agent(record, caller),
        "aws:RequestedRegion": text_in(record, "awsRegion"),
        "aws:CurrentTime": text_in(record, "eventTime"),
        "aws:SecureTransport": "true" if dict_in(record, "tlsDetails") else "",
    }
    context |= {key: (value,) for key, value in told.items() if value}
    _session(caller, context, notes)
    parameters, source = dict_in(record, "requestParameters"), text_in(record, "eventSource")
    told = {key: text_in(parameters, name) for (service, name), key in _PARAMETER_KEYS.items() if service == source}
    context |= {key: (value,) for key, value in told.items() if value}
    context.update(session_context(record))
    context.update(encryption_context(record, action))
    enriched = dict_in(record, "eventContext")
    for key, value in dict_in(enriched, "requestContext").items():
        values = value if isinstance(value, list) else [value]
        if ":" in key and all(isinstance(one, (str, int, bool)) for one in values):
            context[key] = tuple(str(one).lower() if isinstance(one, bool) else str(one) for one in values)
    tags = dict_in(enriched, "tagContext")
    context |= {f"aws:PrincipalTag/{key}": (value,) for key, value in _texts(dict_in(tags, "principalTags")).items()}
    resources = tags.get("resourceTags")
    if isinstance(resources, list) and len(resources) == 1 and isinstance(resources[0], dict):
        context |= {f"aws:ResourceTag/{key}": (value,) for key, value in _texts(dict_in(resources[0], "tags")).items()}
    return context, tuple(notes)


def _network(record: Mapping[str, Any], caller: _Caller, context: dict[str, tuple[str, ...]]) -> None:
    source = text_in(record, "sourceIPAddress")
    endpoint = text_in(record, "vpcEndpointId")
    service = caller.forwarded_by if caller.forwarded_by.endswith(_SERVICE) else ""
    # Of a call that a service forwards, nothing says whose address this is. A private one came through an endpoint,
    # which no aws:SourceIp tells of, even if the record does not name it.
    address = _is_address(source) and not service
    if endpoint:
        context["aws:SourceVpce"] = (endpoint,)
        context["aws:SourceIp"] = ()
        if address:
            context["aws:VpcSourceIp"] = (source,)
        owner = text_in(record, "vpcEndpointAccountId")
        if owner:
            context["aws:VpceAccount"] = (owner,)
    elif address and not is_private(ipaddress.ip_network(source)):
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
"""Request parameters that are condition keys unchanged (Service Authorization Reference)."""


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
