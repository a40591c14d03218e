"""The profiles of the AWS config files: names and what they are, read without connecting or running anything."""

from __future__ import annotations

import ipaddress
import shlex
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct

from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.text import ago


class Keys(Struct, frozen=True):
    """Explicit credentials, in place of a profile's."""

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret

    @property
    def parts(self) -> tuple[str, Secret, Secret]:
        return self.access_key_id, self.secret_access_key, self.session_token


_EARLY: Final = timedelta(minutes=5)
"""How long before their end keys are renewed, unless that is more than a quarter of their time."""


class RenewedKeys:
    """Keys that are given anew when they are near their end. Thread-safe.

    Args:
        give: gives keys and their end by the clock of this machine; called at once, and again in any thread.
    """

    def __init__(self, give: Callable[[], tuple[Keys, datetime]]) -> None:
        self._give = give
        self._lock = threading.Lock()
        self._renew()

    def newest(self) -> Keys:
        """The keys as they are now, which may take a call.

        Raises:
            Problem: they have ended, and no others are given.
        """
        with self._lock:
            if now() >= self._renew_at:
                try:
                    self._renew()
                except Problem:
                    if now() >= self._ends_at:
                        raise
            return self._keys

    def forget(self) -> None:
        """Overwrite the keys as they are; whoever needs them next is given others."""
        with self._lock:
            self._keys.secret_access_key.wipe()
            self._keys.session_token.wipe()
            self._renew_at = self._ends_at = datetime.min.replace(tzinfo=UTC)

    def _renew(self) -> None:
        begun = now()
        self._keys: Keys
        self._keys, self._ends_at = self._give()
        self._renew_at = self._ends_at - min(_EARLY, (self._ends_at - begun) / 4)


def now() -> datetime:
    return datetime.now(UTC)


class SsoLogin(Struct, frozen=True):
    """A login with IAM Identity Center, as far as the AWS CLI's token cache tells.

    Args:
        command: the command that renews it.
        ends_at: when it ends, or, where it renews itself, what is kept of it; None: there is none.
        renews_itself: whether it is renewed without the command, until a time that only AWS knows.
    """

    command: str
    ends_at: datetime | None = None
    renews_itself: bool = False

    def has_ended(self, now: datetime) -> bool:
        """True if the command must be run before the profile can be used."""
        return self.ends_at is None or (self.ends_at <= now and not self.renews_itself)

    def words(self, now: datetime) -> str:
        """Its state in a list: "login ends in 3h"."""
        if self.ends_at is None:
            return "not logged in"
        if self.renews_itself:
            return "logged in" if self.ends_at > now else "login may have ended"
        return f"login {'ends' if self.ends_at > now else 'ended'} {ago(self.ends_at, now)}"


class Profile(Struct, frozen=True):
    """A profile as written in the files; raw text.

    Args:
        kind: where its credentials come from, as words for a list: "access key", "Identity Center",
            "assumes a role", "web identity", "runs a command", "aws login", or "" when it has none.
        command: the credential_process that choosing it could run, its own and those of the profiles it starts
            from (joined by "and"), or "": to be shown before it is run.
        has_keys: whether it holds access keys, which a profile that starts from it uses before anything else.
        login_profile: the profile whose sign-in (Identity Center, aws login) it rests on, its own or one that it
            starts from, or "".
    """

    name: str
    region: str = ""
    kind: str = ""
    role_arn: str = ""
    command: str = ""
    source_profile: str = ""
    external_id: str = ""
    mfa_serial: str = ""
    session_name: str = ""
    duration_seconds: int = 0
    has_keys: bool = False
    login_profile: str = ""
    login: SsoLogin | None = None


LoginOf = Callable[[Mapping[str, Any], str], SsoLogin | None]


def profiles_of(
    settings: Mapping[str, Mapping[str, Any]], login_of: LoginOf = lambda _settings, _command: None
) -> tuple[Profile, ...]:
    """The profiles that the settings of the config and credentials files describe, in their order.

    Args:
        login_of: looks up the sign-in of a profile's settings, which a command renews.
    """
    return tuple(_profile(name, settings, login_of) for name in settings)


def login_profile_of(name: str, profiles: Mapping[str, Mapping[str, Any]]) -> str:
    """The profile whose sign-in a profile rests on, or "".

    Args:
        name: the profile, "" for the default one.
    """
    return next((one for one, own in _chain(name or "default", profiles) if any(map(own.get, _SIGN_INS))), "")


def login_command_of(name: str, profiles: Mapping[str, Mapping[str, Any]]) -> str:
    """The command that renews the sign-in that a profile rests on, for a shell, or "".

    Args:
        name: the profile, "" for the default one.
    """
    login = login_profile_of(name, profiles)
    if not login:
        return ""
    by_sso = any(map(profiles[login].get, _SSO))
    return f"aws {'sso login' if by_sso else 'login'} --profile {shlex.quote(login)}"


_KINDS = (
    ("web_identity_token_file", "web identity"),
    ("role_arn", "assumes a role"),
    ("sso_session", "Identity Center"),
    ("sso_start_url", "Identity Center"),
    ("aws_access_key_id", "access key"),
    ("login_session", "aws login"),
    ("credential_process", "runs a command"),
)


def _profile(
    name: str,
    profiles: Mapping[str, Mapping[str, Any]],
    login_of: LoginOf,
) -> Profile:
    settings, login = profiles[name], login_profile_of(name, profiles)
    kind = next((words for setting, words in _KINDS if settings.get(setting)), "")
    return Profile(
        name=name,
        region=_text(settings.get("region")),
        kind=kind,
        role_arn=_text(settings.get("role_arn")),
        command=_command(name, profiles),
        source_profile=_text(settings.get("source_profile")),
        external_id=_text(settings.get("external_id")),
        mfa_serial=_text(settings.get("mfa_serial")),
        session_name=_text(settings.get("role_session_name")),
        duration_seconds=_number(settings.get("duration_seconds")),
        has_keys=any(map(settings.__contains__, ("aws_access_key_id", "aws_secret_access_key"))),
        login_profile=login,
        login=login_of(profiles[login], login_command_of(name, profiles)) if login else None,
    )


_SSO = ("sso_session", "sso_start_url")
_SIGN_INS = (*_SSO, "login_session")


def _command(name: str, profiles: Mapping[str, Mapping[str, Any]]) -> str:
    """The commands of the profile and of those its role is assumed from.

    Which of them botocore runs depends on what else the profiles hold: all are shown, so that none runs unseen.
    """
    commands = (_text(settings.get("credential_process")) for _, settings in _chain(name, profiles))
    return " and ".join(dict.fromkeys(command for command in commands if command))


LONGEST_CHAIN: Final = 8
"""Profiles in a row that each start from the next: real chains have two or three, and each link is a call of STS."""


def _chain(name: str, profiles: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """A profile and those its role is assumed from, by source_profile, as far as such a chain is followed."""
    seen: set[str] = set()
    while name in profiles and name not in seen and len(seen) < LONGEST_CHAIN:
        seen.add(name)
        yield name, profiles[name]
        name = _text(profiles[name].get("source_profile"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int:
    """A whole number of the file; 0 for what is none."""
    text = _text(value).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


# Endpoints that are not AWS: which may be called.


def check_endpoint_url(url: str) -> str:
    """Return the URL when calls may go there: https, or http to this machine.

    Raises:
        Problem: another scheme, plain http to another machine, or no URL at all.
    """
    step = "Give an https:// URL, or http:// with localhost or 127.0.0.1 (for example http://127.0.0.1:5000)."
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        raise Problem(f"--endpoint-url {url} is not a URL.", step) from None
    if (
        parts.scheme not in ("http", "https")
        or not host
        or any(c.isspace() or c == "\\" or not c.isprintable() for c in url)
    ):
        raise Problem(f"--endpoint-url {url} is not an http or https URL.", step)
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise Problem("--endpoint-url must not hold a user name, a query or a fragment.", step)
    if parts.scheme == "http" and not is_loopback(host):
        raise Problem(f"--endpoint-url {url} would send credentials unencrypted to another machine.", step)
    return url


def is_loopback(host: str) -> bool:
    """True if a host name or address is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
