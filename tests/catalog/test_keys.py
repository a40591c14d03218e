"""Types and multiplicity of condition keys."""

from __future__ import annotations

import pytest

from iamtui.catalog.condition_keys import GLOBAL_KEYS, KeyType, condition_key, global_key


@pytest.mark.parametrize(
    ("name", "types", "multivalued"),
    [
        ("aws:SourceIp", (KeyType.IP,), False),
        ("AWS:sourceip", (KeyType.IP,), False),
        ("aws:PrincipalTag/Team", (KeyType.STRING,), False),
        ("aws:TagKeys", (KeyType.STRING,), True),
        ("aws:PrincipalOrgPaths", (KeyType.STRING,), True),
        ("aws:CalledVia", (KeyType.STRING,), True),
        ("aws:EpochTime", (KeyType.DATE, KeyType.NUMERIC), False),
        ("aws:IsMcpServiceAction", (), None),
        ("sts:ExternalId", (KeyType.STRING,), False),
        ("sts:TransitiveTagKeys", (KeyType.STRING,), True),
        ("saml:aud", (KeyType.STRING,), False),
        ("SAML:edupersonaffiliation", (KeyType.STRING,), True),
        ("cognito-identity.amazonaws.com:amr", (KeyType.STRING,), True),
        ("token.actions.githubusercontent.com:sub", (KeyType.STRING,), False),
        ("oidc.eks.us-east-1.amazonaws.com/id/ABC:sub", (KeyType.STRING,), False),
        ("kms:EncryptionContext:project", (KeyType.STRING,), False),
        ("s3:ExistingObjectTag/class", (KeyType.STRING,), False),
        ("ec2:ResourceTag/team", (KeyType.STRING,), False),
        ("elasticloadbalancing:ResourceTag/team", (KeyType.STRING,), False),
        ("secretsmanager:ResourceTag/team", (KeyType.STRING,), False),
        ("s3:max-keys", (KeyType.NUMERIC,), False),
    ],
)
def test_known_keys(name: str, types: tuple[KeyType, ...], multivalued: bool | None) -> None:
    key = condition_key(name)
    assert key is not None
    assert (key.types, key.multivalued) == (types, multivalued)


@pytest.mark.parametrize(
    "name",
    ["", "aws", "aws:", "aws:NoSuchKey", "aws:PrincipalTag", "aws:PrincipalTag/", "s3:nope", "nope:key", "host:aud"],
)
def test_unknown_keys(name: str) -> None:
    assert condition_key(name) is None


def test_global_table_has_no_repetition_and_is_reached_in_any_case() -> None:
    assert len(GLOBAL_KEYS) > 55
    for lowered, key in GLOBAL_KEYS.items():
        assert lowered == key.name.lower()
        asked = key.name.replace("${TagKey}", "k").upper()
        assert global_key(asked) == key
