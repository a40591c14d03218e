"""Formats: a session's credentials as text for a shell or a program.

Every format renders only values that have been checked (`exportable`), so that no answer of a hostile
endpoint becomes code in a shell; quoting comes on top. The result is a `Secret`.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Final

from iamtui.credentials.assume import (
    access_key_id_is_valid,
    secret_access_key_is_valid,
    session_token_is_valid,
)
from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.secret import Secret

DEMO_LABEL: Final = "DEMO credentials of the iamtui demo account: they work nowhere else"

_REGION: Final = re.compile(r"[a-z]{2,8}(?:-[a-z0-9]{1,16}){1,4}")
_ACCOUNT: Final = re.compile(r"[0-9]{12}")


@dataclass(frozen=True, slots=True)
class Exportable:
    """Credentials that are safe to write into a shell or a file.

    Args:
        expiration: as AWS writes it ("2026-11-25T10:00:00Z").
        region: a region, or "".
        account: the account of the session, or "" when GetCallerIdentity did not say.
        demo: whether the text must say DEMO.
    """

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret
    expiration: str
    region: str
    account: str
    demo: bool


Render = Callable[[Exportable, bool], Secret]


@dataclass(frozen=True, slots=True)
class Format:
    """One way to hand credentials over.

    Args:
        name: what `--format` takes.
        label: what a menu shows.
        render: makes the text; the flag says that it will be pasted at a prompt.
    """

    name: str
    label: str
    render: Render


def exportable(session: Session, now: datetime | None = None) -> Exportable:
    """Check a session's values for export.

    Args:
        session: the session.
        now: the local time, UTC (default: the clock).

    Raises:
        Problem: the session has expired, belongs to somebody else than was asked for, or a value could be more
            than a value where it is written to.
    """
    if session.contradicted:
        raise Problem(
            f"Nothing is handed over: {session.identity_error}",
            "Forget this session and check the endpoint that gave it.",
        )
    if session.expired(now):
        raise Problem(
            f"The session {session.session_name} of {session.role_arn} has expired, so there is nothing to hand over.",
            "Assume the role again.",
        )
    step = "Nothing was written. Forget this session and check the endpoint that gave it."
    if not access_key_id_is_valid(session.access_key_id):
        raise Problem("The access key id of the session holds characters that no access key id has.", step)
    if not secret_access_key_is_valid(session.secret_access_key):
        raise Problem("The secret access key of the session holds characters that no secret access key has.", step)
    if not session_token_is_valid(session.session_token):
        raise Problem("The session token of the session holds characters that no session token has.", step)
    if session.region and not _REGION.fullmatch(session.region):
        raise Problem(f'"{session.region}" is not a region.', 'Choose a region such as "eu-central-1", or none.')
    account = session.identity.account if session.identity is not None else ""
    if account and not _ACCOUNT.fullmatch(account):
        raise Problem("The account of the session is not twelve digits.", step)
    return Exportable(
        session.access_key_id,
        session.secret_access_key,
        session.session_token,
        session.expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        session.region,
        account,
        session.demo,
    )


def hand_over(session: Session, name: str, *, for_paste: bool = False, now: datetime | None = None) -> Secret:
    """Return a session's credentials in one of the FORMATS.

    Args:
        session: the session.
        name: the format's name.
        for_paste: the text will be pasted at a prompt instead of being read by a program: shell lines then
            begin with a space, which keeps them out of the history of shells that are set up so
            (HISTCONTROL=ignorespace in bash, HIST_IGNORE_SPACE in zsh; fish always), and hold no comment, which
            zsh does not know at its prompt.
        now: the local time, UTC (default: the clock).

    Raises:
        Problem: no such format, or the session cannot be exported.
    """
    return find_format(name).render(exportable(session, now), for_paste)


def find_format(name: str) -> Format:
    """The format of this name.

    Raises:
        Problem: there is none; names the nearest.
    """
    found = FORMATS.get(name)
    if found is None:
        near = get_close_matches(name, FORMATS, n=1)
        meant = f'Did you mean "{near[0]}"? ' if near else ""
        raise Problem(f'There is no format "{name}".', f"{meant}Formats: {', '.join(FORMATS)}.")
    return found


def _variables(values: Exportable) -> tuple[tuple[str, Secret], ...]:
    """The environment variables that the SDKs and the AWS CLI read, in the order they are written."""
    region = (("AWS_REGION", Secret(values.region)), ("AWS_DEFAULT_REGION", Secret(values.region)))
    return (
        ("AWS_ACCESS_KEY_ID", Secret(values.access_key_id)),
        ("AWS_SECRET_ACCESS_KEY", values.secret_access_key),
        ("AWS_SESSION_TOKEN", values.session_token),
        ("AWS_CREDENTIAL_EXPIRATION", Secret(values.expiration)),
        *(region if values.region else ()),
    )


def _bash(values: Exportable, for_paste: bool) -> Secret:
    """Lines for bash, zsh and POSIX shells.

    AWS_PROFILE is unset, because boto3 would prefer these keys and the JavaScript SDK the profile.
    """
    label = f": {shlex.quote(DEMO_LABEL)}" if for_paste else f"# {DEMO_LABEL}"
    start = " " if for_paste else ""
    head = (
        [label, "unset AWS_PROFILE AWS_DEFAULT_PROFILE"] if values.demo else ["unset AWS_PROFILE AWS_DEFAULT_PROFILE"]
    )
    return Secret(
        "".join(
            f"{start}{line}\n"
            for line in (
                *head,
                *(f"export {name}={shlex.quote(value.reveal())}" for name, value in _variables(values)),
            )
        )
    )


def _json(values: Exportable, _for_paste: bool) -> Secret:
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


FORMATS: Final[dict[str, Format]] = {
    entry.name: entry
    for entry in (
        Format("bash", "bash, zsh and POSIX shells: export lines", _bash),
        Format("json", "credential_process: JSON, version 1", _json),
    )
}
"""The formats by name, in the order menus show them; a new one needs only its entry here."""
