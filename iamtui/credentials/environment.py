"""The environment of a child that gets a session's credentials, and nothing older beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from iamtui.credentials import variables
from iamtui.credentials.formats import exportable
from iamtui.credentials.session import Session

SESSION_MARK: Final = "IAMTUI_SESSION"
"""Tells a child, and an iamtui inside it, whose session it has: ROLE@ACCOUNT. For prompts; nothing reads it."""

NO_DEFAULT_PROFILE: Final = "/dev/null"


def child_environment(
    session: Session, base_env: Mapping[str, str], *, with_region: bool = True, now: datetime | None = None
) -> dict[str, str]:
    """A copy of the environment with the session's credentials, for a child that the user asked for.

    Every other way to find credentials in the environment is removed first, the profile's too.

    Args:
        session: whose credentials.
        base_env: the environment to start from; not changed.
        with_region: whether to set the session's region, where it has one; else the base's stays.
        now: the local time, UTC (default: the clock).

    Raises:
        Problem: the session cannot be exported.
    """
    values = exportable(session, now)
    environ = without_credentials(base_env)
    for name, value in values.variables:
        if with_region or name not in variables.REGIONS:
            environ[name] = value.reveal()
    environ[SESSION_MARK] = session_mark(session)
    return environ


def endpoint_environment(
    uri: str,
    token: str,
    base_env: Mapping[str, str],
    *,
    session: Session,
    with_region: bool = True,
    hide_default_profile: bool = False,
) -> dict[str, str]:
    """The environment of a child that asks an endpoint for credentials, instead of holding them.

    Args:
        uri, token: where to ask and with what; see `iamtui.credentials.endpoint`.
        session: whose credentials the endpoint gives, for the region and the mark.
        hide_default_profile: point the AWS files at nothing: the SDKs prefer a default profile to the endpoint.
    """
    environ = without_credentials(base_env)
    environ[variables.CONTAINER_URI] = uri
    environ[variables.CONTAINER_TOKEN] = token
    if with_region and session.region:
        environ.update(dict.fromkeys(variables.REGIONS, session.region))
    if hide_default_profile:
        environ["AWS_SHARED_CREDENTIALS_FILE"] = environ["AWS_CONFIG_FILE"] = NO_DEFAULT_PROFILE
    environ[SESSION_MARK] = session_mark(session)
    return environ


def without_credentials(base_env: Mapping[str, str]) -> dict[str, str]:
    """A copy of the environment without anything that credentials come from."""
    return {name: value for name, value in base_env.items() if name not in variables.ALL and name != SESSION_MARK}


def session_mark(session: Session) -> str:
    """ROLE@ACCOUNT, in characters that no shell's prompt expands."""
    account = session.role_arn.split(":", 5)[4] if session.role_arn.count(":") >= 5 else ""
    name = re.sub(r"[^A-Za-z0-9_+=,.@-]", "-", session.role_arn.rsplit("/", 1)[-1])
    return f"{name}@{account}"
