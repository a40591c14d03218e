"""Connection: the only place where a boto3 session or client configuration is made.

Importing this module, and making a Connection, loads neither boto3 nor botocore: they come with the first
client, so that a connection that is never used (the demo's, mostly) costs nothing.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from iamtui.aws.answer_size import LARGEST_LISTING, limit_answers, read_here
from iamtui.aws.errors import AwsProblem, problem_from
from iamtui.aws.operations import ALLOWED
from iamtui.aws.process_loop import enter_profile
from iamtui.aws.profiles import login_profile_of
from iamtui.core_dumps import forbid_core_dumps
from iamtui.problem import Problem
from iamtui.secret import Secret

CONNECT_SECONDS = 3
READ_SECONDS = 10
ATTEMPTS = 3
"""Connect and read timeouts in seconds, and how often a call is tried in all."""

MOST_PAGES: Final = 10_000
"""Pages read of one listing before the endpoint is taken for hostile: at AWS's quotas 200 are usual."""

DEFAULT_REGION: Final = "us-east-1"
"""Where the services that have one endpoint for a whole partition are called when no region is set."""

_GLOBAL_SERVICES: Final = frozenset(("iam", "organizations", "sts"))
_NOISY_LOGGERS: Final = ("botocore", "boto3", "urllib3", "s3transfer")
_SIGN_IN_SERVICES: Final = frozenset(("sso", "sso-oidc", "signin"))
_DMI_VENDOR: Final = Path("/sys/class/dmi/id/sys_vendor")


@dataclass(frozen=True, slots=True)
class Caller:
    """What sts:GetCallerIdentity says."""

    arn: str
    account: str
    user_id: str


@dataclass(frozen=True, slots=True)
class _Keys:
    """Explicit credentials."""

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret


class Connection:
    """A way to call AWS as one set of credentials; makes clients, each with the project's safe settings.

    Safe settings: configured endpoint URLs ignored unless given on purpose, no redirects to other hosts,
    connect 3 s and read 10 s timeouts, standard retries (3 attempts), operations outside
    `iamtui.aws.operations` refused before anything is sent, no password prompt on the terminal.

    The instance metadata service is asked for credentials only on an EC2 machine, or when the environment
    mentions it (AWS_EC2_METADATA_DISABLED=false, AWS_EC2_METADATA_SERVICE_ENDPOINT or ..._MODE): elsewhere
    botocore would wait two seconds for an answer that never comes. AWS_EC2_METADATA_DISABLED=true is heeded.

    Dates in answers are datetimes in UTC. Policy documents in answers of IAM are the text that was sent
    (percent-encoded JSON), not objects. Thread-safe.

    Attributes:
        profile: the profile in use, or "".
        region: the region in use, or "" when none is set.
        endpoint_url: an endpoint that is not AWS, or "".
    """

    def __init__(
        self,
        *,
        profile: str = "",
        region: str = "",
        endpoint_url: str = "",
        keys: _Keys | None = None,
        stub: Callable[..., Any] | None = None,
    ) -> None:
        self.profile = profile
        self.region = region
        self.endpoint_url = endpoint_url
        self._keys = keys
        self._stub = stub
        self._lock = threading.RLock()
        self._session: Any = None
        self._boto3_session: Any = None
        self._clients: dict[tuple[str, str], Any] = {}

    @classmethod
    def open(cls, *, profile: str | None, region: str | None, endpoint_url: str | None) -> Connection:
        """Connect through boto3's credential chain. Sends nothing yet, but may run a credential_process.

        Args:
            profile: the profile to use; None for the chain's own choice (environment, default profile, machine).
            region: the region; None for what the environment or the profile says.
            endpoint_url: an AWS-compatible endpoint to call instead of AWS; None for AWS.

        Raises:
            Problem: unknown profile, no credentials, a bad endpoint URL or region.
        """
        forbid_core_dumps()
        checked = check_endpoint_url(endpoint_url) if endpoint_url else ""
        connection = cls(profile=profile or "", region=region or "", endpoint_url=checked)
        try:
            session = connection._botocore_session()
            connection.region = region or session.get_config_variable("region") or ""
            if not connection._keys_in_environment():
                enter_profile(connection._profile_in_use())
            if session.get_credentials() is None:
                import botocore.exceptions  # noqa: PLC0415 - heavy

                raise botocore.exceptions.NoCredentialsError  # noqa: TRY301 - said like every other failure
        except Exception as error:  # noqa: BLE001 - the chain runs processes and reads files: anything can come
            raise connection._problem(error, "", "") from None
        connection.profile = connection._profile_in_use()
        return connection

    def reopened(self) -> Connection:
        """The same connection from the start, for when the user has signed in again; explicit credentials stay.

        Raises:
            Problem: as `open`.
        """
        if self._keys is not None:
            return self
        return Connection.open(
            profile=self.profile or None, region=self.region or None, endpoint_url=self.endpoint_url or None
        )

    @classmethod
    def with_stub(
        cls, before_send: Callable[..., Any], *, access_key_id: str, secret_access_key: str, region: str
    ) -> Connection:
        """A connection whose every request is answered by `before_send`: nothing reaches a network (the demo).

        Args:
            before_send: called with `request=AWSPreparedRequest`, returns an AWSResponse; called from any
                thread. When it returns None the call is refused, never sent.
        """
        keys = _Keys(access_key_id, Secret(secret_access_key), Secret(""))
        return cls(region=region, keys=keys, stub=before_send)

    def with_credentials(self, access_key_id: str, secret_access_key: str, session_token: str) -> Connection:
        """The same endpoint and settings, as somebody else."""
        forbid_core_dumps()
        keys = _Keys(access_key_id, Secret(secret_access_key), Secret(session_token))
        return Connection(region=self.region, endpoint_url=self.endpoint_url, keys=keys, stub=self._stub)

    def client(self, service: str, region: str = "") -> Any:
        """A boto3 client (kept and reused) for one service, in `region` when given.

        Raises:
            Problem: the service needs a region and none is set, or does not exist.
        """
        where = region or self.region or (DEFAULT_REGION if service in _GLOBAL_SERVICES else "")
        with self._lock:
            found = self._clients.get((service, where))
            if found is None:
                try:
                    found = self._make_client(service, where)
                except Exception as error:  # noqa: BLE001 - credentials may be fetched here: anything can come
                    raise self._problem(error, service, "") from None
                self._clients[service, where] = found
            return found

    def call(self, service: str, operation: str, /, *, in_region: str = "", **parameters: Any) -> dict[str, Any]:
        """Call one operation ("iam", "GetLoginProfile") and return its answer.

        Raises:
            Problem: mostly an AwsProblem, which says whether the call was denied or unsupported.
        """
        client = self.client(service, in_region)
        try:
            answer: dict[str, Any] = client._make_api_call(operation, parameters)  # noqa: SLF001 - boto3's methods do the same
        except Exception as error:  # noqa: BLE001 - emulators and credential chains raise anything
            raise self._problem(error, service, operation) from None
        return answer

    def pages(self, service: str, operation: str, /, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Call a listing operation until its last page, yielding each answer.

        Raises:
            Problem: as `call`; also when the endpoint repeats a page or never ends.
        """
        client = self.client(service)
        try:
            name = client_method(client, operation)
            pages = iter(client.get_paginator(name).paginate(**parameters))
        except Exception as error:  # noqa: BLE001 - as in call
            raise self._problem(error, service, operation) from None
        before = read_here(client)
        for _ in range(MOST_PAGES):
            if read_here(client) - before > LARGEST_LISTING:
                raise AwsProblem(
                    f"{self.endpoint_url or 'AWS'} answered {service}:{operation} with more than "
                    f"{LARGEST_LISTING // 1024**2:,} MiB in all.",
                    "That is no AWS account: check the endpoint.",
                    code="AnswerTooLarge",
                )
            try:
                page = next(pages, None)
            except Exception as error:  # noqa: BLE001 - as in call
                raise self._problem(error, service, operation) from None
            if page is None:
                return
            yield page
        raise AwsProblem(
            f"{self.endpoint_url or 'AWS'} answered {service}:{operation} with more than {MOST_PAGES:,} pages.",
            "That is no AWS account: check the endpoint.",
            code="PaginationError",
        )

    def caller(self) -> Caller:
        """Who these credentials are (sts:GetCallerIdentity).

        Raises:
            Problem: the call failed; says why and what to do.
        """
        answer = self.call("sts", "GetCallerIdentity")
        return Caller(str(answer.get("Arn", "")), str(answer.get("Account", "")), str(answer.get("UserId", "")))

    @property
    def has_own_keys(self) -> bool:
        """Whether the credentials were given as they are (a session's), not found by boto3's chain."""
        return self._keys is not None

    def is_temporary(self) -> bool:
        """Whether the credentials are temporary: they come with a session token. May fetch or renew them.

        Raises:
            Problem: the credentials cannot be obtained.
        """
        if self._keys is not None:
            return bool(self._keys.session_token)
        try:
            credentials = self._botocore_session().get_credentials()
            return credentials is not None and bool(credentials.get_frozen_credentials().token)
        except Exception as error:  # noqa: BLE001 - the chain runs processes and reads files: anything can come
            raise self._problem(error, "", "") from None

    def ca_bundle(self) -> str:
        """The file of certificates that calls over TLS are checked with: as configured, else botocore's own."""
        import botocore.httpsession  # noqa: PLC0415 - heavy

        configured = self._botocore_session().get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")
        return str(configured or botocore.httpsession.get_cert_path(verify=True))

    def _problem(self, error: Exception, service: str, operation: str) -> Problem:
        profile = self._profile_in_use()
        return problem_from(
            error,
            service=service,
            operation=operation,
            profile=profile,
            endpoint_url=self.endpoint_url,
            login_profile="" if self._keys is not None else login_profile_of(profile),
        )

    def _profile_in_use(self) -> str:
        """The profile's name as the chain sees it; "" when credentials are explicit or the default's."""
        if self.profile or self._keys is not None:
            return self.profile
        if self._keys_in_environment():
            return ""
        return os.environ.get("AWS_DEFAULT_PROFILE") or os.environ.get("AWS_PROFILE") or ""

    def _keys_in_environment(self) -> bool:
        """Whether the chain ends at the environment's keys; a profile that was named beats them."""
        return not self.profile and bool(
            os.environ.get("AWS_ACCESS_KEY_ID") and os.environ.get("AWS_SECRET_ACCESS_KEY")
        )

    def _make_client(self, service: str, region: str) -> Any:
        import boto3  # noqa: PLC0415 - heavy

        if self._boto3_session is None:
            # One for all clients: a second one would register boto3's own handlers twice.
            self._boto3_session = boto3.Session(botocore_session=self._botocore_session())
        client = self._boto3_session.client(service, region_name=region or None, endpoint_url=self.endpoint_url or None)
        silence_debug_logging()
        return client

    def _botocore_session(self) -> Any:
        with self._lock:
            if self._session is None:
                self._session = self._make_session()
            return self._session

    def _make_session(self) -> Any:
        import botocore.config  # noqa: PLC0415 - heavy
        import botocore.handlers  # noqa: PLC0415 - heavy
        import botocore.session  # noqa: PLC0415 - heavy

        silence_debug_logging()

        endpoint_url = self.endpoint_url

        class _Session(botocore.session.Session):
            """Limits the clients that botocore makes by itself too, for a profile's credentials."""

            def create_client(self, service_name: str, *args: Any, **kwargs: Any) -> Any:
                if endpoint_url and not kwargs.get("endpoint_url"):
                    _refuse_sign_in(service_name)
                    kwargs["endpoint_url"] = endpoint_url
                return limit_answers(super().create_client(service_name, *args, **kwargs))

        # With explicit keys no profile counts: the environment's may not even exist.
        variables = _NO_PROFILE if self._keys is not None else None
        session: Any = _Session(session_vars=variables, profile=self.profile or None)
        # The default client configuration also reaches the clients that botocore makes by itself (STS and SSO
        # calls of a profile), which would otherwise follow an endpoint_url of the config file.
        session.set_default_client_config(botocore.config.Config(**_client_settings(self.endpoint_url, self._stub)))
        session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=parse_timestamp)
        session.unregister("after-call.iam", botocore.handlers.json_decode_policies)
        session.register("before-parameter-build", _refuse_other_operations)
        if self._stub is not None:
            session.get_component("event_emitter").register_first("before-send", _only_from(self._stub))
        if self._keys is not None:
            session.set_credentials(
                self._keys.access_key_id,
                self._keys.secret_access_key.reveal(),
                self._keys.session_token.reveal() or None,
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
    if parts.scheme not in ("http", "https") or not host or any(c.isspace() or not c.isprintable() for c in url):
        raise Problem(f"--endpoint-url {url} is not an http or https URL.", step)
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise Problem("--endpoint-url must not hold a user name, a query or a fragment.", step)
    if parts.scheme == "http" and not _is_loopback(host):
        raise Problem(f"--endpoint-url {url} would send credentials unencrypted to another machine.", step)
    return url


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def asks_metadata_service(environ: Mapping[str, str], vendor_file: Path = _DMI_VENDOR) -> bool:
    """Whether credentials may come from the EC2 instance metadata service; see Connection."""
    disabled = environ.get("AWS_EC2_METADATA_DISABLED", "").lower()
    if disabled:
        return disabled == "false"
    if environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"):
        return True
    try:
        return vendor_file.read_text(encoding="ascii", errors="replace").strip() == "Amazon EC2"
    except OSError:
        return False


def client_method(client: Any, operation: str) -> str:
    """The name of the client's method for an operation ("ListUsers": "list_users").

    Raises:
        NotImplementedError: the service has no such operation.
    """
    names: dict[str, str] = client.meta.method_to_api_mapping
    for method, api_name in names.items():
        if api_name == operation:
            return method
    raise NotImplementedError(operation)


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
    if stub is not None or _is_loopback(urlsplit(endpoint_url).hostname or ""):
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


class _NothingBelowInfo(logging.Filter):
    """Drops DEBUG records: botocore writes secret keys, session tokens and MFA codes into them."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.INFO


_FILTER: Final = _NothingBelowInfo()


def silence_debug_logging() -> None:
    """Make sure that no level set by anybody lets botocore and its kin log below INFO.

    A level would be undone by the next `setLevel`, and a filter on a parent is not asked for its children's
    records, so every one of their loggers gets the filter.
    """
    for name in list(logging.Logger.manager.loggerDict):
        if name.split(".", 1)[0] in _NOISY_LOGGERS:
            logging.getLogger(name).addFilter(_FILTER)
    for name in _NOISY_LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
