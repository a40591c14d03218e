"""Texts for files and for programs that are no shells. Each ends with a line end."""

from __future__ import annotations

import json
import re
from typing import Final

from iamtui.credentials.formats.exportable import DEMO_LABEL, Exportable
from iamtui.credentials.formats.quoting import dotenv_word, env_file_value, hcl_string, ini_value
from iamtui.credentials.variables import (
    ACCESS_KEY_ID,
    ACCOUNT_ID,
    EXPIRATION,
    PROFILES,
    REGIONS,
    SECRET_ACCESS_KEY,
    SESSION_TOKEN,
)
from iamtui.problem import Problem
from iamtui.secret import Secret

OWN_MARK: Final = "# written by iamtui, which replaces this section"
"""The comment that tells a section of iamtui's from one that it must not touch."""

_PROFILE_NAME: Final = re.compile(r"[A-Za-z0-9_.@/+=,-]{1,64}")


def check_profile_name(name: str) -> str:
    """The name, when it can be that of a section of ~/.aws/credentials.

    Raises:
        Problem: it could end the section's heading, or start a comment.
    """
    if not _PROFILE_NAME.fullmatch(name):
        raise Problem(
            f'"{name}" cannot be the name of a profile to write.',
            "Use 1 to 64 ASCII letters, digits and _.@/+=,- characters.",
        )
    return name


def _text(values: Exportable, lines: list[str]) -> Secret:
    label = [f"# {DEMO_LABEL}"] if values.demo else []
    return Secret("".join(f"{line}\n" for line in (*label, *lines)))


_CANNOT_UNSET: Final = f"# A file cannot unset variables: unset {' and '.join(PROFILES)} where it is used."


def dotenv_file(values: Exportable) -> Secret:
    """A .env file, which shells, python-dotenv, node and others read alike.

    Raises:
        Problem: a value cannot be quoted there.
    """
    lines = [f"{name}={dotenv_word(value.reveal())}" for name, value in values.variables]
    return _text(values, [_CANNOT_UNSET, *lines])


def docker_env_file(values: Exportable) -> Secret:
    """What `docker run --env-file FILE` reads: no quotes and no escapes.

    Raises:
        Problem: a value cannot be written there.
    """
    return _text(values, [f"{name}={env_file_value(value.reveal())}" for name, value in values.variables])


def docker_options() -> Secret:
    """Options of `docker run` that pass the variables on by name: no value stands in the command line.

    Docker leaves out what is not set where it is started.
    """
    names = (ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN, EXPIRATION, ACCOUNT_ID, *REGIONS)
    return Secret(" ".join(f"-e {name}" for name in names) + "\n")


def process_json(values: Exportable) -> Secret:
    """What a credential_process prints (AWS CLI User Guide: Sourcing credentials with an external process)."""
    return Secret(
        json.dumps(
            {
                **({"Comment": DEMO_LABEL} if values.demo else {}),
                "Version": 1,
                "AccessKeyId": values.access_key_id,
                "SecretAccessKey": values.secret_access_key.reveal(),
                "SessionToken": values.session_token.reveal(),
                "Expiration": values.expiration,
                **({"AccountId": values.account} if values.account else {}),
            },
            indent=2,
            ensure_ascii=True,
        )
        + "\n"
    )


def credentials_entry(values: Exportable, profile: str) -> Secret:
    """A section for ~/.aws/credentials (AWS CLI User Guide: Configuration and credential file settings).

    The end stands in `aws_credential_expiration`, which people and some tools read; the SDKs do not.

    Raises:
        Problem: the profile's name or a value cannot be written there.
    """
    settings = (
        ("aws_access_key_id", Secret(values.access_key_id)),
        ("aws_secret_access_key", values.secret_access_key),
        ("aws_session_token", values.session_token),
        ("aws_credential_expiration", Secret(values.expiration)),
        *((("aws_account_id", Secret(values.account)),) if values.account else ()),
        *((("region", Secret(values.region)),) if values.region else ()),
    )
    lines = [f"{name} = {ini_value(value.reveal())}" for name, value in settings]
    label = [f"# {DEMO_LABEL}"] if values.demo else []
    return Secret("".join(f"{line}\n" for line in (f"[{check_profile_name(profile)}]", OWN_MARK, *label, *lines)))


def terraform_provider(values: Exportable) -> Secret:
    """A provider block for Terraform. Plans and state do not keep it, a committed file would.

    Raises:
        Problem: a value cannot be quoted there.
    """
    settings = (
        *((("region", Secret(values.region)),) if values.region else ()),
        ("access_key", Secret(values.access_key_id)),
        ("secret_key", values.secret_access_key),
        ("token", values.session_token),
    )
    return _text(
        values,
        [
            f"# Valid until {values.expiration}. Do not commit it: the provider also reads the AWS_* variables.",
            'provider "aws" {',
            *(f"  {name:<10} = {hcl_string(value.reveal())}" for name, value in settings),
            "}",
        ],
    )
