"""The settings that botocore may take from the AWS files and the environment; every other one is fixed here.

Importing this module loads botocore, which is heavy.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from botocore.configprovider import (
    BOTOCORE_DEFAUT_SESSION_VARIABLES,
    ConfigChainFactory,
    ConfigValueStore,
    ConstantProvider,
)
from botocore.exceptions import InvalidConfigError, SSOTokenLoadError
from botocore.session import Session
from botocore.utils import JSONFileCache
from dateutil.parser import parse

from iamtui.aws.profiles import SsoLogin
from iamtui.paths import home_expanded

MOST_ATTEMPTS: Final = 10
"""How often a call is tried at most, whatever max_attempts says."""
_MOST_METADATA_SECONDS: Final = 10

_RETRY_MODES: Final = ("standard", "adaptive", "legacy")

LOGIN_FOLDER: Final = "~/.aws/sso/cache"
"""Where the AWS CLI and botocore keep the logins with Identity Center."""


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


def login_of(
    times: Callable[[str, bool], tuple[datetime | None, bool]], settings: Mapping[str, Any], command: str
) -> SsoLogin | None:
    """The login with Identity Center that a profile's settings name.

    Args:
        times: `login_times`; thousands of profiles may have one login.
        command: what renews it.
    """
    session = settings.get("sso_session")
    name = session or settings.get("sso_start_url")
    return SsoLogin(command, *times(name, bool(session))) if name and isinstance(name, str) else None


def login_times(name: str, may_renew: bool) -> tuple[datetime | None, bool]:
    """When a login with Identity Center ends, from the file in which the AWS CLI keeps it, and whether it is renewed
    without a command; None: there is none. The secrets of the file are read with it, and dropped.

    Args:
        name: of its session, or where that has none the URL.
        may_renew: whether botocore renews one of that kind.
    """
    try:
        found = Logins()[hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()]
        ends_at = parse(found["expiresAt"]).astimezone(UTC)
        renewed = may_renew and all(one in found for one in ("refreshToken", "clientId", "clientSecret"))
        until = parse(found["registrationExpiresAt"]) if renewed and "registrationExpiresAt" in found else None
        return ends_at, until is not None and until.astimezone(UTC) > datetime.now(UTC)
    except (SSOTokenLoadError, TypeError, ValueError, OverflowError):
        return None, False


class Logins(JSONFileCache):
    """The logins with Identity Center, as the AWS CLI keeps them, each in a file that may be damaged."""

    def __init__(self) -> None:
        super().__init__(
            str(home_expanded(LOGIN_FOLDER)),
            partial(json.dumps, default=lambda time: time.strftime("%Y-%m-%dT%H:%M:%SZ")),
        )

    def __getitem__(self, cache_key: str) -> Any:
        """The login of that key.

        Raises:
            SSOTokenLoadError: its file does not hold one; signing in again replaces it.
        """
        try:
            found = super().__getitem__(cache_key)
        except (KeyError, RecursionError):
            found = None
        texts = [found.get(name) for name in ("accessToken", "expiresAt")] if isinstance(found, dict) else [None]
        if not all(isinstance(text, str) for text in texts):
            raise SSOTokenLoadError(error_msg="the file of the login is damaged; sign in again to replace it")
        return found


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
