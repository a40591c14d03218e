"""Actions that the data lacks: what the SDK's models and the overlay know of them."""

from __future__ import annotations

import re

import botocore.session
import pytest

from iamtui.catalog import service_data
from iamtui.catalog.actions import ENGINE_CATALOGUE, Knowledge, catalogue, knowledge
from iamtui.catalog.condition_keys import KeyType, condition_key
from iamtui.catalog.newer import overlay, without_effect
from iamtui.engine.calls.api_calls import iam_actions

SERVICES = ("iam", "sts", "signin", "organizations", "iam-toolbox", "s3", "s3control", "kms", "lambda")


@pytest.mark.parametrize(
    ("action", "found"),
    [
        ("s3:GetObject", Knowledge.KNOWN),
        ("IAM:putaccountproperties", Knowledge.KNOWN),
        ("lambda:PutResourcePolicy", Knowledge.KNOWN),
        ("sts:GetScopedCredentials", Knowledge.NEWER),
        ("STS:getscopedcredentials", Knowledge.NEWER),
        ("sts:SetWebIdentityTokenScope", Knowledge.NEWER),
        ("iam:GetRequestAuthorizationPolicy", Knowledge.NEWER),
        ("signin:BatchRevokeSessions", Knowledge.NEWER),
        ("s3:GetObjekt", Knowledge.UNKNOWN),
        ("nosuchservice:Get", Knowledge.UNKNOWN),
        ("aws-mcp:InvokeMcp", Knowledge.UNKNOWN),
        ("", Knowledge.UNKNOWN),
    ],
)
def test_how_far_an_action_is_known(action: str, found: Knowledge) -> None:
    assert knowledge(action) is found
    assert ENGINE_CATALOGUE.is_newer(action) is (found is Knowledge.NEWER)


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_has_an_action_or_is_listed_as_an_exception(service: str) -> None:
    model = botocore.session.get_session().get_service_model(service)
    sources = dict.fromkeys((model.signing_name, model.endpoint_prefix, service))
    without = [name for name in model.operation_names if not any(iam_actions(source, name) for source in sources)]
    assert [name for name in without if f"{model.signing_name}:{name}" not in overlay().operations] == []


def test_the_overlay_holds_nothing_that_the_data_has() -> None:
    found = overlay()
    for action, (about, _) in (*found.operations.items(), *found.permissions.items()):
        assert (knowledge(action) is Knowledge.NEWER) or "without a signature" in about, action
    for key in found.service_keys:
        prefix = key.partition(":")[0]
        assert key.lower() not in service_data.condition_keys(prefix)
    sources = [told[-1] for part in found for told in part.values()]
    assert all(re.search("Guide|Reference", source) for source in sources)


@pytest.mark.parametrize(
    ("key", "kind", "many"),
    [
        ("aws:OriginIdentity/Subject", KeyType.STRING, False),
        ("aws:originidentity/federatedproviderarn", KeyType.ARN, False),
        ("aws:TransactionContext/IdentityProvider/department", KeyType.STRING, None),
        ("iam:EnableIdentityPropagation", KeyType.BOOL, False),
        ("sts:IdentityTokenScope", KeyType.STRING, True),
    ],
)
def test_keys_of_identity_propagation(key: str, kind: KeyType, *, many: bool | None) -> None:
    found = condition_key(key)
    assert found is not None
    assert (found.types, found.multivalued) == ((kind,), many)
    assert condition_key("aws:OriginIdentity/Sbject") is None


def test_the_search_offers_them_after_those_of_the_data() -> None:
    assert catalogue().search_actions("sts:GetS")[-1] == "sts:GetScopedCredentials"
    assert catalogue().search_actions("sts:GetS")[0] == "sts:GetSessionToken"
    assert catalogue().search_actions("signin:batchrevoke")[-1] == "signin:BatchRevokeSessions"
    assert "signin:BatchRevokeSessions" not in catalogue().search_actions("", 10)
    assert catalogue().expand("signin:BatchRevoke*") == []


def test_what_aws_no_longer_checks() -> None:
    assert "aws:CalledViaAWSMCP" in without_effect("AWS-MCP:InvokeMcp")
    assert without_effect("s3:GetObject") == ""
