"""The environment of a child that gets a session's credentials, and nothing older beside them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from iamtui.aws.credential_process import ASKING
from iamtui.credentials import variables
from iamtui.credentials.formats import exportable
from iamtui.credentials.session import Session
from iamtui.secret import Secret

SESSION_MARK: Final = "IAMTUI_SESSION"
"""Tells a child, and an iamtui inside it, whose session it has: ROLE@ACCOUNT. For prompts; nothing reads it."""

NO_DEFAULT_PROFILE: Final = "/dev/null"


class ChildEnvironment:
    """The environment of a child, whose values nothing prints by accident: a traceback may print local variables.

    Args:
        values: names and values; they are wrapped at once.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {name: Secret(value) for name, value in values.items()}

    def reveal(self) -> dict[str, str]:
        """Names and values, for the one call that starts the child."""
        return {name: value.reveal() for name, value in self._values.items()}

    def path(self) -> list[str]:
        """The folders in which the child's program is looked for."""
        return os.get_exec_path({"PATH": self._values["PATH"].reveal()} if "PATH" in self._values else {})

    def with_secret(self, name: str, value: Secret) -> ChildEnvironment:
        """The same with one more variable."""
        more = ChildEnvironment({})
        more._values = {**self._values, name: value}
        return more

    def without(self, *names: str) -> ChildEnvironment:
        """The same without some variables."""
        fewer = ChildEnvironment({})
        fewer._values = {name: value for name, value in self._values.items() if name not in names}
        return fewer

    def __repr__(self) -> str:
        return f"ChildEnvironment({', '.join(self._values)})"


def child_environment(
    session: Session, base_env: Mapping[str, str], *, with_region: bool = True, now: datetime | None = None
) -> ChildEnvironment:
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
            environ = environ.with_secret(name, value)
    return environ.with_secret(SESSION_MARK, Secret(session_mark(session)))


def endpoint_environment(
    wanted: Iterable[tuple[str, Secret]],
    base_env: Mapping[str, str],
    *,
    session: Session,
    hide_default_profile: bool = False,
) -> ChildEnvironment:
    """The environment of a child that asks an endpoint for credentials, instead of holding them.

    Args:
        wanted: the variables that name the endpoint.
        base_env: the environment to start from; not changed.
        session: whose credentials the endpoint gives, for the mark.
        hide_default_profile: point the AWS files at nothing: the SDKs prefer a default profile to the endpoint.
    """
    environ = without_credentials(base_env)
    for name, value in wanted:
        environ = environ.with_secret(name, value)
    if hide_default_profile:
        for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
            environ = environ.with_secret(name, Secret(NO_DEFAULT_PROFILE))
    return environ.with_secret(SESSION_MARK, Secret(session_mark(session)))


def without_credentials(base_env: Mapping[str, str]) -> ChildEnvironment:
    """A copy of the environment without anything that credentials come from."""
    return ChildEnvironment(base_env).without(*variables.ALL, SESSION_MARK, ASKING)


def session_mark(session: Session) -> str:
    """ROLE@ACCOUNT, in characters that no shell's prompt expands."""
    account = session.role_arn.split(":", 5)[4] if session.role_arn.count(":") >= 5 else ""
    name = re.sub(r"[^A-Za-z0-9_+=,.@-]", "-", session.role_arn.rsplit("/", 1)[-1])
    return f"{name}@{account}"
