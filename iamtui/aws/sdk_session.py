"""The SDK's session: the only place where one is made, with settings under which nothing unasked is called.

boto3 and botocore are loaded when a session is made, not with this module.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from iamtui.aws.answer_size import limit_answers
from iamtui.aws.endpoint_url import is_loopback
from iamtui.aws.errors import AwsProblem
from iamtui.aws.operations import ALLOWED
from iamtui.aws.sdk_logging import silence_debug_logging
from iamtui.secret import Secret

CONNECT_SECONDS = 3
READ_SECONDS = 10
ATTEMPTS = 3
"""Connect and read timeouts in seconds, and how often a call is tried in all."""

_SIGN_IN_SERVICES: Final = frozenset(("sso", "sso-oidc", "signin"))
_DMI_VENDOR: Final = Path("/sys/class/dmi/id/sys_vendor")


@dataclass(frozen=True, slots=True)
class Keys:
    """Explicit credentials."""

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret


def make_sdk_session(profile: str, endpoint_url: str, keys: Keys | None, stub: Callable[..., Any] | None) -> Any:
    """A botocore session with the project's safe settings, which `Connection` names.

    Args:
        profile: the profile to use; "" for the chain's own choice.
        endpoint_url: an endpoint to call instead of AWS, or "".
        keys: explicit credentials; None for the chain's.
        stub: what answers every request instead of the network, or None.
    """
    import botocore.config  # noqa: PLC0415 - heavy
    import botocore.handlers  # noqa: PLC0415 - heavy
    import botocore.session  # noqa: PLC0415 - heavy

    silence_debug_logging()

    class _Session(botocore.session.Session):
        """Limits the clients that botocore makes by itself too, for a profile's credentials."""

        def create_client(self, service_name: str, *args: Any, **kwargs: Any) -> Any:
            if endpoint_url and not kwargs.get("endpoint_url"):
                _refuse_sign_in(service_name)
                kwargs["endpoint_url"] = endpoint_url
            return limit_answers(super().create_client(service_name, *args, **kwargs))

    # With explicit keys no profile counts: the environment's may not even exist.
    variables = _NO_PROFILE if keys is not None else None
    session: Any = _Session(session_vars=variables, profile=profile or None)
    # The default client configuration also reaches the clients that botocore makes by itself (STS and SSO
    # calls of a profile), which would otherwise follow an endpoint_url of the config file.
    session.set_default_client_config(botocore.config.Config(**_client_settings(endpoint_url, stub)))
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=parse_timestamp)
    session.unregister("after-call.iam", botocore.handlers.json_decode_policies)
    session.register("before-parameter-build", _refuse_other_operations)
    if stub is not None:
        session.get_component("event_emitter").register_first("before-send", _only_from(stub))
    if keys is not None:
        session.set_credentials(
            keys.access_key_id,
            keys.secret_access_key.reveal(),
            keys.session_token.reveal() or None,
        )
    else:
        chain = session.get_component("credential_provider")
        if not asks_metadata_service(os.environ):
            chain.remove("iam-role")
        chain.get_provider("assume-role")._prompter = _refuse_prompt  # noqa: SLF001 - botocore has no other way
    return session


_NO_PROFILE: Final = {"profile": (None, None, None, None)}
"""Makes botocore read the name of the profile from nowhere."""


def session_without_profile() -> Any:
    """A boto3 session that reads no profile, for a library that only wants botocore's data."""
    import boto3  # noqa: PLC0415 - heavy
    import botocore.session  # noqa: PLC0415 - heavy

    return boto3.Session(botocore_session=botocore.session.Session(session_vars=_NO_PROFILE))


def asks_metadata_service(environ: Mapping[str, str], vendor_file: Path = _DMI_VENDOR) -> bool:
    """Whether credentials may come from the EC2 instance metadata service; see `Connection`."""
    disabled = environ.get("AWS_EC2_METADATA_DISABLED", "").lower()
    if disabled:
        return disabled == "false"
    if environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"):
        return True
    try:
        return vendor_file.read_text(encoding="ascii", errors="replace").strip() == "Amazon EC2"
    except OSError:
        return False


_FAST_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)")


def parse_timestamp(value: Any) -> datetime:
    """A timestamp of an AWS answer as a datetime in UTC.

    botocore's own parser takes half of the time of a large answer, because it accepts almost anything; the
    usual form is read directly and all else left to it.
    """
    if type(value) is str and _FAST_TIMESTAMP.fullmatch(value):
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    import botocore.utils  # noqa: PLC0415 - heavy

    parsed: datetime = botocore.utils.parse_timestamp(value)
    return parsed.astimezone(UTC)


def _client_settings(endpoint_url: str, stub: Callable[..., Any] | None) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "ignore_configured_endpoint_urls": True,
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
        "retries": {"mode": "standard", "total_max_attempts": ATTEMPTS},
    }
    if endpoint_url:
        # Emulators do not serve a host name for each bucket or account.
        settings["s3"] = {"addressing_style": "path"}
        settings["inject_host_prefix"] = False
    if stub is not None or is_loopback(urlsplit(endpoint_url).hostname or ""):
        # A proxy from the environment cannot reach this machine's loopback, and must not see what goes there.
        settings["proxies"] = {}
    return settings


def _refuse_other_operations(**event: Any) -> None:
    """Refuse an operation that is not on the list before it is built, so that no code can ever write."""
    model = event["model"]
    pair = (model.service_model.service_name, model.name)
    if pair not in ALLOWED:
        raise AwsProblem(
            f"iamtui does not call {pair[0]}:{pair[1]}: it never writes to an account.", code="OperationNotAllowed"
        )


def _refuse_sign_in(service_name: str) -> None:
    """Refuse to ask AWS for credentials that are meant for an endpoint, or to send a sign-in's token there.

    Raises:
        AwsProblem: the service is one that gives credentials for a sign-in.
    """
    if service_name in _SIGN_IN_SERVICES:
        raise AwsProblem(
            "The profile signs in at AWS itself, and with --endpoint-url nothing but the endpoint is called.",
            "Choose a profile with keys for the endpoint, or leave --endpoint-url out.",
            code="EndpointOnly",
        )


def _only_from(stub: Callable[..., Any]) -> Callable[..., Any]:
    """The stub, with a refusal where it would let a request go out to the network."""

    def answer(request: Any, **more: Any) -> Any:
        response = stub(request=request, **more)
        if response is None:
            raise AwsProblem(f"The demo cannot answer {urlsplit(request.url).hostname}.", code="NotImplementedError")
        return response

    return answer


def _refuse_prompt(_text: str) -> str:
    """Stand in for getpass, which would write over the screen and wait for ever."""
    raise AwsProblem(
        "The profile assumes a role that needs an MFA code, which cannot be asked for here.",
        "Open the profile that it starts from (its source_profile), and assume the role from there.",
        code="MfaRequired",
    )
