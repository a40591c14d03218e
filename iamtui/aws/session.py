"""The botocore session behind every connection: package models only, pinned requests, AWS hosts only.

Everything is handed to botocore by its public ways (components, events, constructors' arguments), and `check_sdk` tries
once that the installed botocore still heeds them. Importing this module loads botocore, which is heavy: others import
it where they make a session.
"""

from __future__ import annotations

import gzip
import logging
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import botocore
import botocore.config
import botocore.credentials
import botocore.exceptions
import botocore.handlers
import botocore.httpsession
import botocore.loaders
import botocore.parsers
import botocore.session
import botocore.utils
import msgspec
from botocore import credentials, utils
from botocore.awsrequest import AWSResponse
from botocore.hooks import HierarchicalEmitter, first_non_none_response
from botocore.tokens import SSOTokenProvider
from urllib3.util import parse_url

from iamtui.aws.answers import UnclearHost
from iamtui.aws.credential_process import Approve, approved_run, check_command, refuse_command
from iamtui.aws.errors import AwsProblem, problem_from
from iamtui.aws.http import HttpSender, ReadBody, is_unclear
from iamtui.aws.operations import ALLOWED
from iamtui.aws.profiles import Keys, Profile, profiles_of
from iamtui.aws.retries import current_retries
from iamtui.aws.sdk_settings import PROFILE_SETTINGS, Logins, config_store, login_of, login_times
from iamtui.resource_policy_services import OperationRequest

_NOT_OF_A_SOURCE: Final = ("assume-role", "ec2-credentials-file", "boto-config", "container-role", "iam-role")
_DMI_VENDOR: Final = Path("/sys/class/dmi/id/sys_vendor")


class CredentialChain(credentials.CredentialResolver):
    """A botocore session's `credential_provider`; its providers are made when credentials are first needed, since the
    AWS files are read for it.

    Args:
        as_source: see `SdkSession`.
    """

    def __init__(self, session: Any, approve: Approve, *, as_source: bool) -> None:
        super().__init__([])
        self._session = session
        self._approve = approve
        self._as_source = as_source

    def load_credentials(self) -> Any:
        """The first credentials that a provider has, or None."""
        if not self.providers:
            self.providers = self.session_providers()
        return super().load_credentials()

    def session_providers(self) -> list[Any]:
        """All that may have the session's credentials, in botocore's order."""
        session = self._session
        cache: dict[str, Any] = {}
        profile = session.get_config_variable("profile") or "default"
        is_named = session.instance_variables().get("profile") is not None
        environment, container, instance = (
            credentials.EnvProvider(),
            _Container(session.certificates()),
            _Instance(session),
        )
        of_profiles = _ProfileProviders(session, self._approve, cache)
        role = credentials.AssumeRoleProvider(
            load_config=lambda: session.full_config,
            client_creator=session.create_client,
            cache=cache,
            profile_name=profile,
            prompter=_refuse_prompt,
            credential_sourcer=credentials.CanonicalNameCredentialSourcer([environment, container, instance]),
            profile_provider_builder=of_profiles,
        )
        found = [
            # A profile that was named beats the keys of the environment.
            *([] if is_named else [environment]),
            role,
            *of_profiles.providers(profile, disable_env_vars=is_named),
            credentials.OriginalEC2Provider(),
            credentials.BotoProvider(),
            container,
            *([instance] if asks_metadata_service(os.environ) else []),
        ]
        return [one for one in found if not self._as_source or one.METHOD not in _NOT_OF_A_SOURCE]


class _ProfileProviders:
    """Makes the providers of one profile; botocore also asks for those of the profiles that a role starts from."""

    def __init__(self, session: Any, approve: Approve, cache: dict[str, Any]) -> None:
        self._session = session
        self._approve = approve
        self._cache = cache

    def providers(self, profile_name: str, disable_env_vars: bool = False) -> list[Any]:
        """Those of a profile, in botocore's order.

        Args:
            disable_env_vars: whether a web identity of the environment is left out.
        """
        session = self._session
        of_profile: dict[str, Any] = {"profile_name": profile_name, "load_config": lambda: session.full_config}
        makes_clients = {**of_profile, "client_creator": session.create_client}
        logins: Any = Logins()
        token = SSOTokenProvider(session, cache=logins, profile_name=profile_name)
        return [
            credentials.AssumeRoleWithWebIdentityProvider(
                **makes_clients, cache=self._cache, disable_env_vars=disable_env_vars
            ),
            credentials.SSOProvider(**makes_clients, cache=self._cache, token_cache=logins, token_provider=token),
            credentials.SharedCredentialProvider(session.get_config_variable("credentials_file"), profile_name),
            credentials.LoginProvider(**makes_clients),
            _ProcessProvider(profile_name, of_profile["load_config"], self._approve),
            credentials.ConfigProvider(session.get_config_variable("config_file"), profile_name),
        ]


class _ProcessProvider(credentials.ProcessProvider):
    """The credentials that a command prints, of which each run is approved."""

    def __init__(self, profile: str, load_config: Callable[[], Mapping[str, Any]], approve: Approve) -> None:
        super().__init__(profile, load_config, approved_run(profile, load_config, approve))
        self._checked_profile = profile

    def load(self) -> Any:
        """The credentials, or None where the profile has no command."""
        command = self.profile_config.get("credential_process")
        if command is not None:
            check_command(self._checked_profile, str(command))
        return super().load()


class _Container(credentials.ContainerProvider):
    """The credentials of a container, held to the limits of an answer and asked for through no proxy."""

    def __init__(self, certificates: str) -> None:
        seconds = utils.ContainerMetadataFetcher.TIMEOUT_SECONDS
        sender: Any = HttpSender(certificates, (seconds, seconds), uses_proxies=False)
        fetcher: Any = utils.ContainerMetadataFetcher(sender)
        super().__init__(fetcher=fetcher)

    def load(self) -> Any:
        """The credentials, or None where no variable names a place."""
        # It follows the host in the URL: without a slash between them it would change the host.
        if not os.environ.get(self.ENV_VAR, "/").startswith("/"):
            raise UnclearHost(self.ENV_VAR)
        if is_unclear(os.environ.get(self.ENV_VAR_FULL, "")):
            raise UnclearHost(self.ENV_VAR_FULL)
        return super().load()


class _Instance(credentials.InstanceMetadataProvider):
    """The credentials of an EC2 instance, which come in the clear and so through no proxy."""

    def __init__(self, session: Any) -> None:
        names = ("ec2_metadata_service_endpoint", "ec2_metadata_v1_disabled")
        config = {name: session.get_config_variable(name) for name in names}
        config["ec2_metadata_service_endpoint_mode"] = utils.resolve_imds_endpoint_mode(session)
        self._fetcher = utils.InstanceMetadataFetcher(
            timeout=session.get_config_variable("metadata_service_timeout"),
            num_attempts=session.get_config_variable("metadata_service_num_attempts"),
            user_agent=session.user_agent(),
            config=config,
        )
        super().__init__(iam_role_fetcher=self._fetcher)

    def load(self) -> Any:
        """The credentials, or None where the service has none."""
        if is_unclear(self._fetcher.get_base_url()):
            raise UnclearHost("AWS_EC2_METADATA_SERVICE_ENDPOINT")
        if utils.get_environ_proxies(self._fetcher.get_base_url()):
            raise AwsProblem(
                "The credentials of this machine would go through the proxy that http_proxy names, in the clear: "
                "nothing was sent.",
                "Add the host of the metadata service to no_proxy (169.254.169.254).",
                code="ProxyConnectionError",
            )
        return super().load()


def _refuse_prompt(_text: str) -> str:
    """Stand in for getpass, which would write over the screen and wait for ever."""
    raise AwsProblem(
        "The profile assumes a role that needs an MFA code, which cannot be asked for here.",
        "Name a source_profile in place of its credential_source, or choose another profile.",
        code="MfaRequired",
    )


def asks_metadata_service(environ: Mapping[str, str], vendor_file: Path = _DMI_VENDOR) -> bool:
    """True if credentials may come from the EC2 instance metadata service; see `Connection`."""
    disabled = environ.get("AWS_EC2_METADATA_DISABLED", "").lower()
    if disabled:
        return disabled == "false"
    if environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"):
        return True
    try:
        return vendor_file.read_text(encoding="ascii", errors="replace").strip() == "Amazon EC2"
    except OSError:
        return False


_SIGN_IN_SERVICES: Final = frozenset(("sso", "sso-oidc", "signin"))
_SIGN_IN_DOMAINS: Final = (
    "amazonaws-eusc.eu",
    "amazonaws-us-gov.com",
    "c2shome.ic.gov",
    "csphome.adc-e.uk",
    "csphome.hci.ic.gov",
    "sc2shome.sgov.gov",
    "signin.amazonaws.cn",
    "signin.aws",
    "signin.aws.amazon.com",
)
"""Where `aws login` signs in: the domains that are not those of a partition's services."""


class _ModelFile(botocore.loaders.JSONFileLoader):
    """Reads a file of botocore's package, in a third of the time in which botocore holds the interpreter's lock for it:
    the largest kept the screen waiting for 60 ms.
    """

    def load_file(self, file_path: str) -> Any:
        """The JSON of a path without its ending, or None."""
        for ending, open_file in ((".json", open), (".json.gz", gzip.open)):
            if Path(f"{file_path}{ending}").is_file():
                with open_file(f"{file_path}{ending}", "rb") as file:
                    return msgspec.json.decode(file.read())
        return None


class _PackageLoader(botocore.loaders.Loader):
    """Loads service models and endpoint rule sets from botocore's own package, whatever anybody adds to its paths.

    botocore itself would prefer those of ~/.aws/models and of the data_path setting, in which a read can be a write.
    """

    FILE_LOADER_CLASS = _ModelFile

    @property
    def search_paths(self) -> list[str]:
        return [self.BUILTIN_DATA_PATH]


@cache
def shared_loader() -> botocore.loaders.Loader:
    """The one loader of all sessions, so that each model is read and kept once."""
    return _PackageLoader()


class _Events(HierarchicalEmitter):
    """A session's hooks; where no handler of before-send has answered a request, we send it, and not botocore."""

    send: Callable[..., Any]

    def emit(self, event_name: str, **kwargs: Any) -> Any:
        """The handlers with what each returned."""
        answers = super().emit(event_name, **kwargs)
        if event_name.startswith("before-send.") and first_non_none_response(answers) is None:
            answers.append((self.send, self.send(event_name=event_name, **kwargs)))
        return answers


class SdkSession(botocore.session.Session):
    """A botocore session that calls the allowed operations as they are pinned, at AWS or at one endpoint, and no other.

    Args:
        profile: the profile to use; "" for the chain's own choice.
        reads_settings: whether the AWS files and the environment are read at all.
        as_source: whether only credentials of the profile's own count, as of one that another's role starts from.
        stub: what answers every request instead of the network, or None.
    """

    def __init__(
        self,
        profile: str = "",
        endpoint_url: str = "",
        *,
        reads_settings: bool = True,
        approve: Approve = refuse_command,
        as_source: bool = False,
        stub: Callable[..., Any] | None = None,
    ) -> None:
        # Not an argument: botocore copies the hooks for each client.
        events = _Events()
        events.send = self._send if stub is None else _only_from(stub)
        super().__init__(profile=profile or None, event_hooks=events)
        silence_debug_logging()
        self._endpoint_url = endpoint_url
        self._sender: HttpSender | None = None
        self._given: Any = None
        self._profiles_read: dict[str, Any] = {}
        self.register_component("config_store", config_store(self, reads_settings=reads_settings))
        self.register_component("data_loader", shared_loader())
        parsers = botocore.parsers.ResponseParserFactory()
        parsers.set_parser_defaults(timestamp_parser=parse_timestamp)
        self.register_component("response_parser_factory", parsers)
        self.register_component("credential_provider", CredentialChain(self, approve, as_source=as_source))
        decode: Any = botocore.handlers.json_decode_policies
        self.unregister("after-call.iam", decode)
        self.register("before-parameter-build", _refuse_other_operations)
        self.register("before-send", partial(_refuse_other_hosts, endpoint_url))

    @property
    def full_config(self) -> dict[str, Any]:
        """The AWS config and credentials files."""
        found: dict[str, Any] = super().full_config
        self._profiles_read = found.get("profiles", {})
        return found

    @property
    def known_profiles(self) -> dict[str, Any]:
        """The profiles of the files, as far as they have been parsed already."""
        return self._profiles_read

    def get_scoped_config(self) -> dict[str, Any]:
        """The profile's settings, as far as any may be read: botocore looks into them beside its variables too."""
        return {name: value for name, value in super().get_scoped_config().items() if name in PROFILE_SETTINGS}

    def set_keys(self, keys: Keys) -> None:
        """Use these in place of the chain's."""
        self.set_credentials(keys.access_key_id, keys.secret_access_key.reveal(), keys.session_token.reveal() or None)
        self._given = self.get_credentials()

    def require_credentials(self) -> None:
        """Find credentials, or raise NoCredentialsError."""
        if self.get_credentials() is None:
            raise botocore.exceptions.NoCredentialsError

    def certificates(self) -> str:
        """The file of certificates that calls over TLS are checked with: as configured, else botocore's own."""
        return self.configured_certificates()[1] or str(botocore.httpsession.get_cert_path(verify=True))

    def configured_certificates(self) -> tuple[str, str]:
        """The setting that names a file of certificates, and the file; empty where botocore's own are used."""
        configured = self.get_config_variable("ca_bundle")
        if configured:
            return "AWS_CA_BUNDLE" if os.environ.get("AWS_CA_BUNDLE") == configured else "ca_bundle", str(configured)
        requests = os.environ.get("REQUESTS_CA_BUNDLE", "")
        return ("REQUESTS_CA_BUNDLE", requests) if requests else ("", "")

    def get_auth_token(self, **_kwargs: Any) -> Any:
        """None: no allowed call is authorized by a token, which botocore would load and renew for each client."""
        return None

    def create_client(  # type: ignore[override]  # the stubs name each
        self, service_name: str, region_name: str | None = None, **kwargs: Any
    ) -> Any:
        """A client that sends through us; also those that botocore makes by itself, for a profile's credentials."""
        if self._endpoint_url:
            _refuse_sign_in(service_name)
            kwargs["endpoint_url"] = self._endpoint_url
        # Nested: botocore would import the modules that BOTOCORE_EXPERIMENTAL__PLUGINS names into any other.
        plain: Any = super()
        client = botocore.utils.create_nested_client(plain, service_name, region_name=region_name, **kwargs)
        silence_debug_logging()
        # Of several handlers all are called, and the first that has an opinion counts.
        service = client.meta.service_model.service_id.hyphenize()
        client.meta.events.register_first(f"needs-retry.{service}", _leave_tries_to_load)
        return client

    def _send(self, request: Any, **_event: Any) -> Any:
        if self._sender is None:
            self._sender = HttpSender(self.certificates())
        return self._sender.send(request)

    def sign_as_checked(self, client: Any, check: Callable[[], Callable[[Any, str], Any] | None]) -> None:
        """Have requests signed with the very credentials that were checked, not with those of a renewal since.

        Args:
            check: gives what is called with the session's credentials and the operation, and returns them as they are.
        """
        client.meta.events.register("before-sign", partial(_sign_as_checked, self.get_credentials, check))

    def close(self) -> None:
        """Cut what is connected, and overwrite the keys that were given, for the clients that hold them."""
        if self._sender is not None:
            self._sender.close()
        if self._given is not None:
            self._given.secret_key = self._given.token = ""


# Keeping secrets out of botocore's debug logs.


_NOISY_LOGGERS: Final = ("botocore", "boto3", "urllib3", "s3transfer")


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


@cache
def aws_domains() -> tuple[str, ...]:
    """The domains that AWS's endpoints lie in, each with a dot in front: those of the partitions, and for sign-in."""
    partitions = shared_loader().load_data("partitions")["partitions"]
    suffixes = {partition["outputs"][kind] for partition in partitions for kind in ("dnsSuffix", "dualStackDnsSuffix")}
    return tuple(sorted(f".{domain}" for domain in {*suffixes, *_SIGN_IN_DOMAINS}))


# The hooks of botocore that the rest of this module relies on.


_HOOKS: Final = ("before-parameter-build", "before-sign", "before-send", "needs-retry")
_PROBE: Final = botocore.credentials.Credentials("AKIAPROBE", "probe", None)


@cache
def check_sdk() -> None:
    """Try once, without a network, that the installed botocore heeds what is handed to it: a hook that it no longer
    calls would let a request out unchecked.

    Raises:
        AwsProblem: something is missing, which it names.
    """
    seen: set[str] = set()

    def answer(request: Any, **_event: Any) -> AWSResponse:
        if "Credential=AKIAPROBE/" in str(request.headers["Authorization"]):
            seen.add("request_credentials")
        body = b"<R><GetCallerIdentityResult><Arn>probe</Arn></GetCallerIdentityResult></R>"
        headers: Any = {}
        return AWSResponse(request.url, 200, headers, ReadBody(body))

    missing: list[str] = []
    try:
        session = SdkSession(endpoint_url="http://127.0.0.1:1", reads_settings=False, stub=answer)
        for hook in _HOOKS:
            session.register(hook, lambda hook=hook, **_event: seen.add(hook))
        session.set_credentials("AKIAOTHER", "other")
        client = session.create_client("sts", "us-east-1")
        client.meta.events.register("before-sign", partial(_sign_with, _PROBE))
        client.get_caller_identity()
        session.get_component("credential_provider").session_providers()
    except Exception as error:  # noqa: BLE001 - a botocore that differs fails in any way
        missing.append(f"{type(error).__name__}: {error}")
    missing[:0] = [hook for hook in (*_HOOKS, "request_credentials") if hook not in seen]
    if missing:
        raise AwsProblem(
            f"The installed botocore {botocore.__version__} lacks what iamtui's protection of credentials relies on "
            f"({', '.join(missing)}): nothing was sent.",
            "Install the version of botocore that iamtui was released with, or a newer iamtui.",
            code="OtherSdk",
        )


def make_sdk_session(
    *,
    profile: str = "",
    region: str = "",
    endpoint_url: str = "",
    keys: Keys | None = None,
    reads_settings: bool = True,
    stub: Callable[..., Any] | None = None,
    approve: Approve = refuse_command,
    as_source: bool = False,
) -> SdkSession:
    """A botocore session with the project's safe settings, which `Connection` names.

    Args:
        profile: the profile whose settings count, and whose credentials where no keys are given; "" for the chain's
            own choice.
        region: the region to call, for a profile's credentials too; "" for the one that is set.
        keys: explicit credentials; None for the chain's.
        reads_settings: whether the AWS files and the environment are read at all.
        stub: what answers every request instead of the network, or None.
    """
    check_sdk()
    session = SdkSession(
        profile, endpoint_url, reads_settings=reads_settings, approve=approve, as_source=as_source, stub=stub
    )
    if region:
        session.set_config_variable("region", region)
    # The default client configuration also reaches the clients that botocore makes by itself (STS and SSO
    # calls of a profile), which would otherwise follow an endpoint_url of the config file.
    # Emulators do not serve a host name for each bucket or account.
    to_emulator = {"s3": {"addressing_style": "path"}, "inject_host_prefix": False} if endpoint_url else {}
    settings: dict[str, Any] = {"ignore_configured_endpoint_urls": True, **to_emulator}
    session.set_default_client_config(botocore.config.Config(**settings))
    if keys is not None:
        session.set_keys(keys)
    return session


def _sign_as_checked(
    credentials_of: Callable[[], Any], check: Callable[[], Callable[[Any, str], Any] | None], /, **event: Any
) -> None:
    credentials, checked = credentials_of(), check()
    if credentials is None or checked is None:
        return
    _sign_with(checked(credentials, event["operation_name"]), **event)


def _sign_with(now: Any, /, **event: Any) -> None:
    context = event["request"].context
    exact = botocore.credentials.Credentials(now.access_key, now.secret_key, now.token)
    context["signing"] = {**context.get("signing", {}), "request_credentials": exact}


def available_profiles() -> tuple[Profile, ...]:
    """Every profile of the config and credentials files, in their order.

    Nothing is connected to and no credential_process is run.

    Raises:
        Problem: a file cannot be parsed.
    """
    try:
        return profiles_of(SdkSession().full_config.get("profiles", {}), partial(login_of, cache(login_times)))
    except Exception as error:  # noqa: BLE001 - hand-written files: encodings, permissions, syntax
        raise problem_from(error) from None


def session_without_settings() -> Any:
    """A boto3 session without settings, for a library that only wants botocore's data."""
    import boto3  # heavy, and only the demo needs it

    return boto3.Session(botocore_session=SdkSession(reads_settings=False))


def _refuse_other_operations(**event: Any) -> None:
    """Refuse, before it is built, an operation that is not on the list, or is another request than the list says.

    Raises:
        AwsProblem: it is.
        ClientError: it is what botocore asks by itself after a redirect of S3 that does not say where the bucket is;
            it then goes on with the redirect as the answer.
    """
    model = event["model"]
    service: str = model.service_model.service_name
    if (service, model.name) == ("s3", "HeadBucket"):
        unknown: Any = {"ResponseMetadata": {"HTTPHeaders": {}}}
        raise botocore.exceptions.ClientError(unknown, model.name)
    pinned = ALLOWED.get((service, model.name))
    if pinned is None:
        raise AwsProblem(
            f"iamtui does not call {service}:{model.name}: it never writes to an account.", code="OperationNotAllowed"
        )
    # botocore takes the bucket out of the URI at the first call, since its rule set puts it into the endpoint.
    without_bucket = pinned._replace(uri=pinned.uri.removeprefix("/{Bucket}"))
    if request_of(model) not in (pinned, without_bucket) or model.wire_name != model.name:
        raise AwsProblem(
            f"iamtui does not call {service}:{model.name}: botocore describes it as another request than iamtui knows.",
            "Install the version of botocore that iamtui was released with, or a newer iamtui.",
            code="OperationNotAllowed",
        )


def _leave_tries_to_load(**_event: Any) -> Any:
    """False, which ends the tries of a call, where a load tries it again by itself; else None, for botocore's own."""
    return None if current_retries() is None else False


def request_of(model: Any) -> OperationRequest:
    """The request that a botocore operation model describes."""
    service = model.service_model
    protocol: str = service.resolved_protocol
    api = {"query": service.api_version, "json": service.metadata.get("targetPrefix", "")}.get(protocol, "")
    return OperationRequest(protocol, model.http["method"], model.http["requestUri"], api)


def _refuse_other_hosts(endpoint_url: str, /, **event: Any) -> None:
    """Refuse, before it is sent, a request to a host that is neither the given endpoint nor AWS's, or in the clear.

    Raises:
        AwsProblem: it is.
    """
    # As the library reads it that connects.
    url = parse_url(event["request"].url)
    if endpoint_url:
        expected = parse_url(endpoint_url)
        good = (url.scheme, url.netloc) == (expected.scheme, expected.netloc)
    else:
        good = url.scheme == "https" and f".{url.host}".endswith(aws_domains())
    if not good:
        raise AwsProblem(
            f"A call was about to go to {url.scheme}://{url.netloc}, which is not "
            f"{endpoint_url or 'an endpoint of AWS'}: nothing was sent.",
            "Check the region and the settings of the profile; an endpoint of your own is given with --endpoint-url.",
            code="OtherEndpoint",
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


_LONGEST_TIMESTAMP: Final = 40


def parse_timestamp(value: Any) -> datetime:
    """A timestamp of an AWS answer as a datetime in UTC.

    The forms of AWS's protocols: ISO 8601, seconds since 1970, RFC 822. botocore's own parser accepts almost anything,
    for which it takes half of the time of a large answer.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, str) and len(value) > _LONGEST_TIMESTAMP:
        raise ValueError(f"a timestamp of {len(value):,} characters")
    for read in (lambda one: datetime.fromtimestamp(float(one), UTC), datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = read(value)
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, TypeError, OverflowError, OSError):
            continue
    raise ValueError("a timestamp of an unknown form")
