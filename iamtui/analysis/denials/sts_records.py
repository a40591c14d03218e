"""What CloudTrail's records of STS calls tell: the identity provider with its claims, and session tags.

IAM User Guide: logging IAM and AWS STS API calls with AWS CloudTrail; keys for AWS web identity federation and SAML.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from iamtui.analysis.denials.record_fields import dict_in, list_in, text_in

_STS: Final = "sts.amazonaws.com"
_COGNITO: Final = "cognito-identity.amazonaws.com"
_OIDC: Final = ":oidc-provider/"

_KEY_OF_USER: Final = {"www.amazon.com": "user_id", "graph.facebook.com": "id"}
"""What these call the user's id; others call it "sub"."""

_KEY_OF_APPLICATION: Final = {"www.amazon.com": "app_id", "graph.facebook.com": "app_id"}
"""What these call the application's id; others call it "aud"."""


def federated_caller(identity: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    """The provider that vouched for a SAML or web identity, as a trust policy names it; "" when it is not told.

    Args:
        identity: the record's userIdentity.
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
    """The tags of the session that is asked for, and those that the caller's own session hands on."""
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
