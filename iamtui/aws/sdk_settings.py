"""The settings that botocore may take from the AWS files and the environment; every other one is fixed here.

Importing this module loads botocore, which is heavy.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from botocore.configprovider import (
    BOTOCORE_DEFAUT_SESSION_VARIABLES,
    ConfigChainFactory,
    ConfigValueStore,
    ConstantProvider,
)
from botocore.credentials import SSOProvider
from botocore.exceptions import BotoCoreError, InvalidConfigError, LoginTokenLoadError, SSOTokenLoadError
from botocore.session import Session
from botocore.tokens import SSOTokenProvider
from botocore.utils import JSONFileCache
from dateutil.parser import parse

from iamtui.aws.profiles import SsoLogin
from iamtui.input_files import PORTION
from iamtui.paths import home_expanded, is_folder, is_there

MOST_ATTEMPTS: Final = 10
"""How often a call is tried at most, whatever max_attempts says."""
_MOST_METADATA_SECONDS: Final = 10
LONGEST_TOKEN: Final = 64 * 1024
"""Bytes of a web identity token; STS takes 20,000 characters."""

LARGEST_CONFIG: Final = 4 * 1024 * 1024
"""Bytes of an AWS config or credentials file; one with a profile for each of 5,000 accounts has some 1 MB."""
LONGEST_HEADER: Final = 1024
LONGEST_VALUE: Final = 32 * 1024
"""Characters of a setting: a credential_process has hundreds. Splitting one into words takes as long as its square."""

LONGEST_GAP: Final = 64
MOST_SECTIONS: Final = 50_000
MOST_LINES: Final = 200_000
MOST_BAD_LINES: Final = 1_000
"""Characters of a section's header, blanks in a row in front of a value, sections, lines, and lines that are no
settings, of such a file. The time that botocore takes for headers with quotes, for such blanks, and for lines that it
cannot parse grows with the square of their number. Values may be long: a credential_process is."""
LARGEST_CERTIFICATES: Final = 4 * 1024 * 1024
"""Bytes of a file of certificates; those that all of the web trusts take 300 kB."""
LARGEST_SIGN_IN: Final = 256 * 1024
"""Bytes of a file in which the AWS CLI keeps a sign-in; real ones have some 5 kB."""

_RETRY_MODES: Final = ("standard", "adaptive", "legacy")


def _between_one_and(most: int) -> Callable[[Any], int]:
    def bounded(value: Any) -> int:
        try:
            return min(max(int(value), 1), most)
        except ValueError:
            raise InvalidConfigError(error_msg=f"{value!r} is not a whole number") from None

    return bounded


def _retry_mode(value: Any) -> str:
    mode = str(value).lower()
    if mode not in _RETRY_MODES:
        raise InvalidConfigError(error_msg=f"the retry_mode {value!r} is not one of {', '.join(_RETRY_MODES)}")
    return mode


def refuse_endless_certificates(setting: str, value: str) -> None:
    """Look at what a setting names as certificates before OpenSSL reads it: it waits for pipes, reads devices without
    end, and takes as long for a file of certificates as the square of their number.

    Raises:
        InvalidConfigError: it is none of a file and a folder, or has more than any that people use.
    """
    path = Path(value)
    if not is_there(path):
        return
    if path.is_file():
        if path.stat().st_size > LARGEST_CERTIFICATES:
            most = f"longer than {LARGEST_CERTIFICATES // 1024**2} MiB"
            raise InvalidConfigError(error_msg=f"the {setting} {value!r} is {most}")
    elif not path.is_dir():
        raise InvalidConfigError(error_msg=f"the {setting} {value!r} is neither a file nor a folder")


def refuse_endless_config(path: str) -> None:
    """Look at a config file before botocore reads it, which waits for pipes, and holds all of a file many times over.

    What is not there, or cannot be read, is left to botocore. The file is read, since some say that they are empty and
    have no end.

    Raises:
        InvalidConfigError: it is a pipe or a device, or has more than any that people write.
    """
    found = home_expanded(os.path.expandvars(path))
    if not is_there(found) or is_folder(found) or found.samefile(os.devnull):
        return
    if not found.is_file():
        raise InvalidConfigError(error_msg=f"{path!r} is not a regular file")
    content = bytearray()
    with suppress(OSError), found.open("rb") as file:
        while len(content) <= LARGEST_CONFIG and (portion := file.read(PORTION)):
            content += portion
    if len(content) > LARGEST_CONFIG:
        raise InvalidConfigError(error_msg=f"{path!r} is longer than {LARGEST_CONFIG // 1024**2} MiB")
    excess = _excess(content.decode("utf-8", "replace"))
    if excess:
        raise InvalidConfigError(error_msg=f"{path!r} {excess}")


_HEADER: Final = re.compile(r"\[.+\]")
_SETTING: Final = re.compile(r"[^=:].*?[=:]")
_GAP: Final = re.compile(rf"(?:[^=:\s]++|\s{{1,{LONGEST_GAP}}}+(?!\s))*+\s")


def _excess(content: str) -> str:
    """What a config file has too much of for Python's parser, as the rest of a sentence, or ""."""
    sections = bad = value = 0
    # Ends of lines as Python's parser sees them.
    for number, line in enumerate(io.StringIO(content, newline=None), start=1):
        text = line.strip()
        if not text or text.startswith(("#", ";")):
            continue
        if _HEADER.match(text):
            sections += 1
            if len(text) > LONGEST_HEADER:
                return f"has a section name of more than {LONGEST_HEADER:,} characters in line {number:,}"
        elif not _SETTING.match(text):
            bad += 1
        if _GAP.match(text):
            return f"has more than {LONGEST_GAP} blanks in a row in line {number:,}"
        # Indented lines go on with the value before them.
        value = value + len(text) if line[0].isspace() else len(text)
        if value > LONGEST_VALUE:
            return f"has a value of more than {LONGEST_VALUE:,} characters in line {number:,}"
        if number > MOST_LINES:
            return f"has more than {MOST_LINES:,} lines"
        if sections > MOST_SECTIONS:
            return f"has more than {MOST_SECTIONS:,} sections"
        if bad > MOST_BAD_LINES:
            return f"has more than {MOST_BAD_LINES:,} lines without a setting, such as line {number:,}"
    return ""


def _read_short(path: str, most: int, what: str) -> bytes:
    """The bytes of a file that the settings name.

    Raises:
        InvalidConfigError: it is a pipe, device or socket, or longer than `most` bytes.
        OSError: it cannot be read.
    """
    data = b""
    # What is opened may do something, so it is looked at first.
    is_file = stat.S_ISREG(Path(path).stat().st_mode)
    if is_file:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            is_file = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            data = file.read(most + 1) if is_file else b""
    if not is_file or len(data) > most:
        reason = f"longer than {most // 1024} KiB" if is_file else "not a regular file"
        raise InvalidConfigError(error_msg=f"{what} {path!r} is {reason}")
    return data


_SIGN_IN_TIMES: Final = ("expiresAt", "registrationExpiresAt")
_SIGN_IN_TEXTS: Final = (
    *("accessToken", "refreshToken", "clientId", "clientSecret", "dpopKey", "signInRegion"),
    *("accessKeyId", "secretAccessKey", "sessionToken", "accountId"),
)
"""The members of a sign-in that botocore uses."""

_LONGEST_TIME: Final = 64
_KEYS_OF_LOGIN: Final = ("accessKeyId", "secretAccessKey", "sessionToken", "accountId", "expiresAt")


class SignInCache(JSONFileCache):
    """The sign-ins that the AWS CLI keeps in files, in place of botocore's cache, which reads files of any length.

    Args:
        of_login: whether they are of `aws login`, whose access token is an object with keys.
    """

    def __init__(self, kept: Any, *, of_login: bool = False) -> None:
        super().__init__(kept._working_dir, kept._dumps)  # noqa: SLF001 - botocore has no other way
        self._of_login = of_login

    def __getitem__(self, cache_key: str) -> Any:
        """The sign-in of that key.

        Raises:
            LoginTokenLoadError, SSOTokenLoadError: its file does not hold one; signing in again replaces it.
        """
        path: str = self._convert_cache_key(cache_key)  # type: ignore[attr-defined]  # the stubs lack it
        what = "the file of a sign-in"
        try:
            found = json.loads(_read_short(path, LARGEST_SIGN_IN, what))
            fault = "" if isinstance(found, dict) else "is not a JSON object"
        except OSError as error:
            fault = f"cannot be read: {error.strerror}"
        except InvalidConfigError as error:
            raise self._refused(str(error)) from None
        except (ValueError, RecursionError):
            fault = "is not a JSON object"
        if not fault and (member := _login_fault(found) if self._of_login else _sign_in_fault(found)):
            fault = f"is damaged: {member}"
        if fault:
            raise self._refused(f"{what} {path!r} {fault}")
        return found

    def _refused(self, why: str) -> BotoCoreError:
        kind = LoginTokenLoadError if self._of_login else SSOTokenLoadError
        return kind(error_msg=f"{why}; sign in again to replace it")


def login_times(folder: str, cache_key: str, may_renew: bool) -> tuple[datetime | None, bool]:
    """When a login with Identity Center ends, from the file in which the AWS CLI keeps it, and whether it is renewed
    without a command; None: there is none. The secrets of the file are read with it, and dropped.

    Args:
        may_renew: whether botocore renews one of that kind.
    """
    try:
        found = SignInCache(JSONFileCache(folder))[cache_key]
    except SSOTokenLoadError:
        return None, False
    if "accessToken" not in found:
        return None, False
    renewed = may_renew and all(name in found for name in ("refreshToken", "clientId", "clientSecret"))
    times = found.get("expiresAt"), found.get("registrationExpiresAt") if renewed else None
    ends_at, renewable = (parse(text).astimezone(UTC) if text else None for text in times)
    return ends_at, renewable is not None and renewable > datetime.now(UTC)


def login_of(
    times: Callable[[str, str, bool], tuple[datetime | None, bool]], settings: Mapping[str, Any], command: str
) -> SsoLogin | None:
    """The login with Identity Center that a profile's settings name.

    Args:
        times: `login_times`; thousands of profiles may have one login.
        command: what renews it.
    """
    session, url = settings.get("sso_session"), settings.get("sso_start_url")
    by: Any = SSOTokenProvider if session else SSOProvider
    name = session or url
    if not isinstance(name, str) or not name:
        return None
    key = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
    return SsoLogin(command, *times(by._SSO_TOKEN_CACHE_DIR, key, bool(session)))  # noqa: SLF001 - botocore has no other way


def _login_fault(found: Mapping[str, Any]) -> str:
    """What is wrong with a sign-in of `aws login`, or "". What it lacks beside its keys, botocore says."""
    if "accessToken" not in found:
        return ""
    keys = found["accessToken"]
    if not isinstance(keys, dict):
        return "its accessToken is not an object"
    lacks = next((f"its accessToken has no {name}" for name in _KEYS_OF_LOGIN if name not in keys), "")
    return lacks or _sign_in_fault({**found, **keys, "accessToken": ""})


def _sign_in_fault(found: Mapping[str, Any]) -> str:
    """The first member of a sign-in that botocore could not use, or "": it takes each as what it expects."""
    for name in (*_SIGN_IN_TEXTS, *_SIGN_IN_TIMES):
        if not isinstance(found.get(name, ""), str):
            return f"its {name} is not a string"
    times = (name for name in _SIGN_IN_TIMES if name in found)
    return next((f"its {name} is not a time with a zone" for name in times if not _is_time(found[name])), "")


def _is_time(text: str) -> bool:
    if len(text) > _LONGEST_TIME:
        return False
    try:
        # As botocore reads it.
        found = parse(text)
        found.astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return found.tzinfo is not None


class TokenFile:
    """Reads the token of a web identity or container, in place of botocore's loaders: of a file, and not a long one."""

    def __init__(self, path: str, what: str = "the web_identity_token_file") -> None:
        self._path = path
        self._what = what

    def __call__(self) -> str:
        """The token.

        Raises:
            InvalidConfigError: it is not a file, longer than a token, or not text.
            OSError: it cannot be read.
        """
        try:
            return _read_short(self._path, LONGEST_TOKEN, self._what).decode()
        except UnicodeDecodeError:
            raise InvalidConfigError(error_msg=f"{self._what} {self._path!r} is not text") from None


READ: Final[Mapping[str, Callable[[Any], Any] | None]] = {
    "profile": None,
    "region": None,
    "config_file": None,
    "credentials_file": None,
    "ca_bundle": None,
    "max_attempts": _between_one_and(MOST_ATTEMPTS),
    "retry_mode": _retry_mode,
    "use_fips_endpoint": None,
    "use_dualstack_endpoint": None,
    "sts_regional_endpoints": None,
    "metadata_service_timeout": _between_one_and(_MOST_METADATA_SECONDS),
    "metadata_service_num_attempts": _between_one_and(MOST_ATTEMPTS),
    "ec2_metadata_service_endpoint": None,
    "ec2_metadata_service_endpoint_mode": None,
    "ec2_metadata_v1_disabled": None,
    "imds_use_ipv6": None,
}
"""botocore's names of the variables that are read, and a conversion in place of botocore's own where one is needed."""

REGION_VARIABLES: Final = ["AWS_REGION", "AWS_DEFAULT_REGION"]
"""As the AWS CLI and the other SDKs read them; botocore reads the second alone."""

ENVIRONMENT_ONLY: Final = frozenset(("ec2_metadata_service_endpoint",))
"""Those of READ that no file sets: like endpoint_url, it would say whom to ask."""

FIXED: Final[Mapping[str, Any]] = {
    "data_path": None,
    "api_versions": {},
    "ignore_configured_endpoint_urls": True,
    "parameter_validation": True,
    "csm_enabled": False,
    "csm_host": "127.0.0.1",
    "csm_port": 31000,
    "csm_client_id": "",
    "endpoint_discovery_enabled": False,
    "defaults_mode": "legacy",
    "user_agent_appid": None,
    "request_min_compression_size_bytes": 10240,
    "disable_request_compression": False,
    "sigv4a_signing_region_set": None,
    "request_checksum_calculation": "when_supported",
    "response_checksum_validation": "when_supported",
    "account_id_endpoint_mode": "disabled",
    "disable_host_prefix_injection": None,
    "auth_scheme_preference": None,
    "tcp_keepalive": None,
    "s3_disable_express_session_auth": None,
}
"""The value of every other variable of botocore. The sections s3 and proxies_config, and endpoint_url, have none.

csm_*: client-side monitoring sends access key ids and session tokens as clear datagrams. data_path, api_versions:
which request an operation is. endpoint_discovery, account_id_endpoint_mode, defaults_mode: which host is called.
"""


PROFILE_SETTINGS: Final = frozenset(
    BOTOCORE_DEFAUT_SESSION_VARIABLES[name][0] for name in READ.keys() - ENVIRONMENT_ONLY
)
"""The names that the variables of READ have in a profile."""


_NO_FILES: Final = {"config_file": os.devnull, "credentials_file": os.devnull}


def config_store(session: Session, *, reads_settings: bool) -> ConfigValueStore:
    """The variables of a session.

    A variable that a newer botocore adds has botocore's default, until it is looked at here.

    Args:
        reads_settings: whether those of READ are read from the AWS files and the environment.
    """
    chains = ConfigChainFactory(session=session)
    variables: dict[str, Any] = {}
    for name, (in_file, in_environment, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items():
        if name not in READ or not reads_settings:
            variables[name] = ConstantProvider(value={**_NO_FILES, **FIXED}.get(name, default))
            continue
        variables[name] = chains.create_config_chain(
            instance_name=name,
            env_var_names=REGION_VARIABLES if name == "region" else in_environment,
            config_property_names=None if name in ENVIRONMENT_ONLY else in_file,
            default=default,
            conversion_func=READ[name] or convert,
        )
    return ConfigValueStore(mapping=variables)
