"""The environment variables that SDKs and the AWS CLI read credentials from (AWS SDKs and Tools Reference Guide)."""

from __future__ import annotations

from typing import Final

ACCESS_KEY_ID: Final = "AWS_ACCESS_KEY_ID"
SECRET_ACCESS_KEY: Final = "AWS_SECRET_ACCESS_KEY"
SESSION_TOKEN: Final = "AWS_SESSION_TOKEN"
EXPIRATION: Final = "AWS_CREDENTIAL_EXPIRATION"
ACCOUNT_ID: Final = "AWS_ACCOUNT_ID"
REGIONS: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")

CONTAINER_URI: Final = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
CONTAINER_TOKEN: Final = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
METADATA_ENDPOINT: Final = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
METADATA_DISABLED: Final = "AWS_EC2_METADATA_DISABLED"
NO_PROXIES: Final = ("NO_PROXY", "no_proxy")

ENDPOINT: Final = ("AWS_ENDPOINT_URL", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
"""Where all services are called, and whether SDKs leave that out."""

PROFILES: Final = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
"""Beside keys, boto3 would follow the keys and the JavaScript SDK the profile."""

OLD_TOKEN: Final = "AWS_SECURITY_TOKEN"
"""boto3 prefers this old name of the session token to the present one."""

STALE: Final = (*PROFILES, OLD_TOKEN)
"""Variables that an earlier setting must not leave behind when keys are set."""

KEYS: Final = (ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN, OLD_TOKEN, EXPIRATION, ACCOUNT_ID)

OTHER_SOURCES: Final = (
    "AWS_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SESSION_EXPIRATION",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CREDENTIAL_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    CONTAINER_URI,
    CONTAINER_TOKEN,
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    METADATA_ENDPOINT,
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
)
"""Every other way by which a program could find credentials in its environment."""

BEARER_TOKENS: Final = "AWS_BEARER_TOKEN_"
"""Begins the variables of tokens for one service, such as AWS_BEARER_TOKEN_BEDROCK."""

ALL: Final = (*KEYS, *PROFILES, *OTHER_SOURCES)
"""Variables that a child with a session must not inherit."""
