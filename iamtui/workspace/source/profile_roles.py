"""Roles of profiles that need an MFA code: one code for all profiles of a device, by sessions in memory alone.

botocore asks for a code on the terminal at each opening, and uses it up for one role. Here a code starts a session of
the user (sts:GetSessionToken), as which the roles of all profiles with that device are assumed. Where STS gives none
(the source's credentials are temporary, or a policy forbids it), the code goes with sts:AssumeRole, and the role's
session is kept.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final, TypeAlias

from iamtui.aws.connection import Connection
from iamtui.aws.credential_process import Approve
from iamtui.aws.errors import AwsProblem
from iamtui.aws.profiles import LONGEST_CHAIN, Keys, Profile, RenewedKeys
from iamtui.config import load_config
from iamtui.credentials.assume_role import (
    ANY_CODE,
    CHAINED_SECONDS,
    LEAST_LEFT,
    AssumeRoleInput,
    ask_for_credentials,
    mfa_problems,
    start_mfa_session,
)
from iamtui.credentials.credentials_file import credentials_file, remove_left_overs
from iamtui.credentials.session import TemporaryCredentials, utc_now
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.workspace.source.credential_commands import ProfileCodeNeeded, asks_codes, refuse_unconfirmed
from iamtui.workspace.source.workspace import list_profiles

_SESSION_NAME: Final = "iamtui-read"


def open_profile(
    *, profile: str | None, region: str | None, endpoint_url: str | None, approve: Approve | None = None
) -> Connection:
    """Connect as a profile, or by the chain's own choice, as `Connection.open` does. Blocking.

    Args:
        approve: asked before a credential_process is run; None: what was confirmed may run.

    Raises:
        ProfileCodeNeeded: an MFA code is needed, and nobody can be asked here.
        Problem: as `Connection.open`; also what STS says of a role on the way.
    """
    remove_left_overs(credentials_file())
    opening = partial(Connection.open, endpoint_url=endpoint_url, approve=approve or refuse_unconfirmed)
    source, *roles = _way_with_mfa(profile)
    if source is None:
        return opening(profile=profile, region=region)
    if not any(map(os.environ.get, ("AWS_REGION", "AWS_DEFAULT_REGION"))):
        region = region or roles[-1].region or None
    own = source.has_keys or source.kind != "assumes a role"
    connection = opening(profile=source.name, region=region, as_source=own)
    for one in roles:
        name = one.session_name or _SESSION_NAME
        entered = AssumeRoleInput(one.role_arn, name, one.duration_seconds or CHAINED_SECONDS, one.external_id)
        wrong = (*entered.problems(), *(mfa_problems(one.mfa_serial, ANY_CODE) if one.mfa_serial else ()))
        if wrong:
            raise Problem(
                f"The role of the profile {one.name} cannot be assumed: {wrong[0].sentence}",
                "Correct it in the AWS config file, or choose another profile.",
            )
        connection = _renewing(connection, partial(_given, connection, one, entered), one.name)
    return connection


def _way_with_mfa(profile: str | None) -> tuple[Profile | None, *tuple[Profile, ...]]:
    """The profile that has credentials, and those whose roles are assumed from there one after the other.

    (None,) where none of them has an MFA device, or botocore is to say what is wrong with them.
    """
    name = profile or os.environ.get("AWS_DEFAULT_PROFILE") or os.environ.get("AWS_PROFILE") or "default"
    if not profile and all(map(os.environ.get, ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))):
        return (None,)
    try:
        profiles = {one.name: one for one in list_profiles()}
    except Problem:
        return (None,)
    way: list[Profile] = []
    found = profiles.get(name)
    while found is not None and found.kind == "assumes a role" and found.source_profile:
        if way and found.has_keys:
            break
        if found in way or len(way) == LONGEST_CHAIN:
            return (None,)
        way.append(found)
        found = profiles.get(found.source_profile)
    if found is None or not any(one.mfa_serial for one in way):
        return (None,)
    return (found, *reversed(way))


def as_role(connection: Connection, role_arn: str, session_name: str, seconds: int) -> Connection:
    """A connection as a role, for reading, which it assumes again when its session is near its end.

    Its sessions are neither shown nor kept anywhere else.
    """
    return _renewing(connection, partial(_assumed, connection, AssumeRoleInput(role_arn, session_name, seconds)))


def _renewing(connection: Connection, give: Callable[[], TemporaryCredentials], profile: str = "") -> Connection:
    def keys() -> tuple[Keys, datetime]:
        given = give()
        fresh = Keys(given.access_key_id, given.secret_access_key, given.session_token)
        return fresh, given.expires_at - given.clock_skew

    renewed = RenewedKeys(keys)
    return connection.with_credentials(*renewed.newest().parts, renewed, profile)


def _assumed(connection: Connection, entered: AssumeRoleInput) -> TemporaryCredentials:
    return ask_for_credentials(
        lambda: connection.call("sts", "AssumeRole", dict, **entered.parameters()),
        "sts:AssumeRole",
        utc_now,
        mfa_code=entered.mfa_code,
    )


# The codes: each is sent once, and what it gives is kept until it ends.


_Key: TypeAlias = tuple[object, ...]
"""The endpoint, the access key that a session rests on, and the device; the role too, where a code serves that alone.

What AWS gave never goes to another endpoint, and a device that is named wrongly gives nobody another's session.
"""

_kept: Final[dict[_Key, TemporaryCredentials]] = {}
_unshared: Final[set[_Key]] = set()
"""Those to whom STS refused a session for several roles."""

_asking: Final = threading.RLock()
"""Held during a prompt for a code: it may serve those who wait."""


def forget_codes() -> None:
    """Overwrite the sessions of all devices: the next opening asks for a code."""
    for given in list(_kept.values()):
        given.wipe()
    _kept.clear()
    _unshared.clear()


def _given(source: Connection, one: Profile, entered: AssumeRoleInput) -> TemporaryCredentials:
    """A session of a profile's role, with a prompt where it needs a code. Blocking."""
    if not one.mfa_serial:
        return _assumed(source, entered)
    try:
        return _without_new_code(source, one, entered)
    except ProfileCodeNeeded:
        if (ask := asks_codes()) is None:
            raise
    with _asking:
        while True:
            try:
                return _without_new_code(source, one, entered)
            except ProfileCodeNeeded as needed:
                needed.use(ask(needed))


def _without_new_code(source: Connection, one: Profile, entered: AssumeRoleInput) -> TemporaryCredentials:
    keys = source.current_keys()
    device: _Key = (source.endpoint_url, keys.access_key_id, one.mfa_serial)
    if keys.session_token or device in _unshared:
        key = (*device, entered)

        def assume(code: Secret) -> None:
            _keep(key, _assumed(source, replace(entered, mfa_serial=one.mfa_serial, mfa_code=code)))

        kept = _found(key)
        if kept is None:
            why = "STS gave no session for several roles, so this code serves this role alone."
            raise ProfileCodeNeeded(one.name, one.mfa_serial, assume, why if device in _unshared else "")
        return kept

    def start(code: Secret) -> None:
        life = max(load_config()[0].assume.mfa_seconds, one.duration_seconds)
        try:
            session = start_mfa_session(source, caller_arn="", serial=one.mfa_serial, code=code, seconds=life)
        except AwsProblem as problem:
            if not problem.denied or problem.wrong_mfa_code:
                raise
            _unshared.add(device)
        else:
            _keep(device, session)

    needed = ProfileCodeNeeded(one.name, one.mfa_serial, start)
    session = _found(device)
    if session is None:
        raise needed
    # It is temporary, so that the limit of role chaining holds; the next session is assumed with it as well.
    hourly = replace(entered, duration_seconds=min(entered.duration_seconds, CHAINED_SECONDS))
    try:
        with session.connection(source) as caller:
            return _assumed(caller, hourly)
    except AwsProblem as problem:
        if not problem.bad_credentials:
            raise
        del _kept[device]
    raise needed


def _found(key: _Key) -> TemporaryCredentials | None:
    given = _kept.get(key)
    return given if given is not None and given.time_left() >= LEAST_LEFT else None


def _keep(key: _Key, given: TemporaryCredentials) -> None:
    for ended in [one for one in _kept if _found(one) is None]:
        del _kept[ended]
    _kept[key] = given
