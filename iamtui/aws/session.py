"""The botocore session behind every connection: package models only, pinned requests, AWS hosts only.

Importing this module loads botocore, which is heavy: others import it where they make a session.
"""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import urlsplit

import botocore.config
import botocore.configloader
import botocore.credentials
import botocore.endpoint
import botocore.exceptions
import botocore.handlers
import botocore.httpsession
import botocore.loaders
import botocore.session
import botocore.utils
import msgspec

from iamtui.aws.credential_process import Approve, approved_run, check_command, refuse_command
from iamtui.aws.errors import AwsProblem, problem_from
from iamtui.aws.limited_http import AnswerParsers, limit_answers, limit_metadata, refuse_unclear_url
from iamtui.aws.operations import ALLOWED
from iamtui.aws.profiles import Keys, Profile, is_loopback, profiles_of
from iamtui.aws.retries import note_try, sleep_between_tries
from iamtui.aws.sdk_settings import (
    PROFILE_SETTINGS,
    SignInCache,
    TokenFile,
    config_store,
    login_of,
    login_times,
    refuse_endless_certificates,
    refuse_endless_config,
)
from iamtui.resource_policy_services import OperationRequest

CONNECT_SECONDS = 3
READ_SECONDS = 10
"""Connect and read timeouts in seconds."""

LONGEST_RETRIES: Final = 60.0
"""Seconds after the start of a call within which its last try begins, however many the settings ask for."""

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
_NOT_OF_A_SOURCE: Final = ("assume-role", "ec2-credentials-file", "boto-config", "container-role", "iam-role")
_DMI_VENDOR: Final = Path("/sys/class/dmi/id/sys_vendor")


class _ModelFile(botocore.loaders.JSONFileLoader):
    """Reads a file of botocore's package, in a third of the time in which botocore holds the interpreter's lock for it:
    the largest kept the screen waiting for 60 ms.
    """

    def _load_file(self, full_path: str, open_method: Callable[..., Any]) -> Any:
        if not Path(full_path).is_file():
            return None
        with open_method(full_path, "rb") as file:
            return msgspec.json.decode(file.read())


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


class SdkSession(botocore.session.Session):
    """A botocore session that calls the allowed operations as they are pinned, at AWS or at one endpoint, and no other.

    Args:
        profile: the profile to use; "" for the chain's own choice.
        reads_settings: whether the AWS files and the environment are read at all.
        as_source: whether only credentials of the profile's own count, as of one that another's role starts from.
    """

    def __init__(
        self,
        profile: str = "",
        endpoint_url: str = "",
        *,
        reads_settings: bool = True,
        approve: Approve = refuse_command,
        as_source: bool = False,
    ) -> None:
        super().__init__(profile=profile or None)
        silence_debug_logging()
        self._endpoint_url = endpoint_url
        self._approve = approve
        self._as_source = as_source
        self._chain_is_safe = False
        self._config_has_end = False
        self.register_component("config_store", config_store(self, reads_settings=reads_settings))
        self.register_component("data_loader", shared_loader())
        self.register_component("response_parser_factory", AnswerParsers())
        decode: Any = botocore.handlers.json_decode_policies
        self.unregister("after-call.iam", decode)
        self.register("before-parameter-build", _refuse_other_operations)
        self.register("before-parameter-build", _note_start)
        self.register("before-send", partial(_refuse_other_hosts, endpoint_url))

    @property
    def full_config(self) -> dict[str, Any]:
        """The AWS config and credentials files, of which neither may be without end. Read before any provider does."""
        if not self._config_has_end:
            for variable in ("config_file", "credentials_file"):
                refuse_endless_config(self.get_config_variable(variable))
            self._config_has_end = True
        return super().full_config

    @property
    def known_profiles(self) -> dict[str, Any]:
        """The profiles of the files, as far as they have been parsed already."""
        profiles: dict[str, Any] = (getattr(self, "_config", None) or {}).get("profiles", {})
        return profiles

    def get_scoped_config(self) -> dict[str, Any]:
        """The profile's settings, as far as any may be read: botocore looks into them beside its variables too."""
        return {name: value for name, value in super().get_scoped_config().items() if name in PROFILE_SETTINGS}

    def get_credentials(self) -> Any:
        """Those that were given, else botocore's: from a chain in which every credential_process is approved, nobody is
        asked for MFA codes, and every answer has an end."""
        if getattr(self, "_credentials", None) is None and not self._chain_is_safe:
            self._make_safe(self.get_component("credential_provider"))
            self._chain_is_safe = True
        return super().get_credentials()

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

    def _make_safe(self, chain: Any) -> None:
        """Change the providers of a chain. Fails, so that nothing is run, where those of a newer botocore differ.

        A role's source profiles have chains of their own, which its provider makes by a builder.
        """
        role = chain.get_provider("assume-role")
        builder = role._profile_provider_builder  # noqa: SLF001 - botocore has no other way
        by_token = chain.get_provider("assume-role-with-web-identity")
        # They must be there.
        _ = role._prompter, builder._create_process_provider, by_token._token_loader_cls  # noqa: SLF001 - as above
        make = self._approved_process_provider
        role._prompter = _refuse_prompt  # noqa: SLF001 - as above
        builder._create_process_provider = make  # noqa: SLF001 - as above
        create_by_token = builder._create_web_identity_provider  # noqa: SLF001 - as above
        builder._create_web_identity_provider = lambda *args: _read_short_token(create_by_token(*args))  # noqa: SLF001 - as above
        _read_short_token(by_token)
        chain.insert_after("custom-process", make(self.get_config_variable("profile") or "default"))
        # The first of that name, which is botocore's.
        chain.remove("custom-process")
        _read_short_sign_ins(chain.get_provider("sso"), chain.get_provider("login"), builder)
        _parse_short_files(chain.get_provider("boto-config"), "_ini_parser")
        _parse_short_files(chain.get_provider("ec2-credentials-file"), "_parser")
        # Roles with a credential_source ask the same two.
        by_container = chain.get_provider("container-role")
        _read_short_container_token(by_container)
        _check_container_url(by_container)
        container = by_container._fetcher  # noqa: SLF001 - as above
        instance = chain.get_provider("iam-role")._role_fetcher  # noqa: SLF001 - as above
        limit_metadata(container, container.TIMEOUT_SECONDS, by_container.ENV_VAR_FULL)
        limit_metadata(instance, instance._timeout, "AWS_EC2_METADATA_SERVICE_ENDPOINT")  # noqa: SLF001 - as above
        if not asks_metadata_service(os.environ):
            chain.remove("iam-role")
        for other in _NOT_OF_A_SOURCE if self._as_source else ():
            chain.remove(other)

    def _approved_process_provider(self, profile: str) -> Any:
        """botocore's provider of the credentials that a command prints, which has each run of that approved."""
        run = approved_run(profile, lambda: self.full_config, self._approve)
        provider: Any = botocore.credentials.ProcessProvider(profile, lambda: self.full_config, run)
        use = provider._retrieve_credentials_using  # noqa: SLF001 - botocore has no other way

        def use_checked(command: str) -> Any:
            check_command(profile, command)
            return use(command)

        provider._retrieve_credentials_using = use_checked  # noqa: SLF001 - as above
        return provider

    def get_auth_token(self, **_kwargs: Any) -> Any:
        """None: no allowed call is authorized by a token, which botocore would load and renew for each client."""
        return None

    def _register_client_plugins(self, client: Any) -> None:
        """No plugins: botocore would import the modules that BOTOCORE_EXPERIMENTAL__PLUGINS names."""

    def create_client(self, service_name: str, *args: Any, **kwargs: Any) -> Any:
        """A client with limited answers; also those that botocore makes by itself, for a profile's credentials."""
        setting, file = self.configured_certificates()
        refuse_endless_certificates(setting, file)
        if self._endpoint_url:
            _refuse_sign_in(service_name)
            kwargs["endpoint_url"] = self._endpoint_url
        client = limit_answers(super().create_client(service_name, *args, **kwargs))
        silence_debug_logging()
        doubles = client.meta.config.retries.get("mode", "legacy") == "legacy"
        # Of several handlers, the first that has an opinion counts.
        client.meta.events.register_first(
            f"needs-retry.{client.meta.service_model.service_id.hyphenize()}",
            partial(_end_retries, _LONGEST_DOUBLED if doubles else _LONGEST_PAUSE),
        )
        return client

    def sign_as_checked(self, client: Any, check: Callable[[], Callable[[Any, str], Any] | None]) -> None:
        """Have requests signed with the very credentials that were checked, not with those of a renewal since.

        Args:
            check: gives what is called with the client's credentials and the operation, and returns them as they are.
        """
        client.meta.events.register("before-sign", partial(_sign_as_checked, check))


def _parse_short_files(provider: Any, attribute: str) -> None:
    """Have a provider refuse a file without end, of those that are no config or credentials file of AWS."""
    parse = getattr(provider, attribute)

    def parse_short(path: str) -> Any:
        refuse_endless_config(path)
        return parse(path)

    setattr(provider, attribute, parse_short)


def _read_short_sign_ins(identity_center: Any, login: Any, builder: Any) -> None:
    """Have providers, and those that a builder makes for a role's source profiles, read no long file of a sign-in."""
    by_session = identity_center._token_provider  # noqa: SLF001 - botocore has no other way
    kept = SignInCache(by_session._cache)  # noqa: SLF001 - as above
    by_session._cache = by_session._token_loader._cache = kept  # noqa: SLF001 - as above
    identity_center._token_cache = builder._sso_token_cache = kept  # noqa: SLF001 - as above
    kept = SignInCache(login._token_cache, of_login=True)  # noqa: SLF001 - as above
    login._token_cache = builder._login_token_cache = kept  # noqa: SLF001 - as above


def _read_short_token(provider: Any) -> Any:
    """The provider, which reads its token from a file, and no more than a token may be long."""
    provider._token_loader_cls = TokenFile  # noqa: SLF001 - botocore has no other way
    return provider


def _read_short_container_token(provider: Any) -> None:
    """Have a provider read the token that it shows to a container's service from a file, and no more than one."""
    build, check = provider._build_headers, provider._validate_auth_token  # noqa: SLF001 - botocore has no other way

    def build_headers() -> Any:
        path = os.environ.get(provider.ENV_VAR_AUTH_TOKEN_FILE)
        if path is None:
            return build()
        token = TokenFile(path, f"the {provider.ENV_VAR_AUTH_TOKEN_FILE}")()
        check(token)
        return {"Authorization": token}

    provider._build_headers = build_headers  # noqa: SLF001 - as above


def _check_container_url(provider: Any) -> None:
    """Have a provider send its token to no other host than the one that botocore checks.

    A path is put behind a host, and "@" or "." at its beginning would make that another one.
    """
    retrieve = provider._retrieve_or_fail  # noqa: SLF001 - botocore has no other way

    def retrieve_checked() -> Any:
        path = os.environ.get(provider.ENV_VAR)
        if path is None:
            refuse_unclear_url(os.environ[provider.ENV_VAR_FULL], provider.ENV_VAR_FULL)
        else:
            if not path.startswith("/"):
                raise AwsProblem(
                    f"{provider.ENV_VAR} does not begin with a slash, and so could name another host: nothing was "
                    "sent there.",
                    "Set it to a path such as /v2/credentials/ID, or unset it.",
                    code="UnclearUrl",
                )
            refuse_unclear_url(provider._fetcher.full_url(path), provider.ENV_VAR)  # noqa: SLF001 - as above
        return retrieve()

    provider._retrieve_or_fail = retrieve_checked  # noqa: SLF001 - as above


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


class _UnloggedContext(ssl.SSLContext):
    """A TLS context that tells nobody its keys, and opens no file for them: botocore heeds SSLKEYLOGFILE."""

    @property  # type: ignore[override]  # the stubs lack None
    def keylog_filename(self) -> str | None:
        return None

    @keylog_filename.setter
    def keylog_filename(self, _name: str | None) -> None:
        pass


# It takes indented lines below a name without a value for settings of their own, which none of those has that are read
# here, and then expects a text.
botocore.configloader._parse_nested = str.strip  # type: ignore[attr-defined]  # noqa: SLF001 - as below
botocore.httpsession.SSLContext = _UnloggedContext  # type: ignore[attr-defined]  # nor do they have this
# botocore has no other way to end its pauses, of which it makes no other use of the module.
botocore.endpoint.time = SimpleNamespace(sleep=sleep_between_tries)  # type: ignore[attr-defined]  # as above


@cache
def aws_domains() -> tuple[str, ...]:
    """The domains that AWS's endpoints lie in, each with a dot in front: those of the partitions, and for sign-in."""
    partitions = shared_loader().load_data("partitions")["partitions"]
    suffixes = {partition["outputs"][kind] for partition in partitions for kind in ("dnsSuffix", "dualStackDnsSuffix")}
    return tuple(sorted(f".{domain}" for domain in {*suffixes, *_SIGN_IN_DOMAINS}))


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
    session = SdkSession(profile, endpoint_url, reads_settings=reads_settings, approve=approve, as_source=as_source)
    if region:
        session.set_config_variable("region", region)
    # The default client configuration also reaches the clients that botocore makes by itself (STS and SSO
    # calls of a profile), which would otherwise follow an endpoint_url of the config file.
    session.set_default_client_config(botocore.config.Config(**_client_settings(endpoint_url, stub)))
    if stub is not None:
        session.get_component("event_emitter").register_first("before-send", _only_from(stub))
    if keys is not None:
        session.set_credentials(
            keys.access_key_id, keys.secret_access_key.reveal(), keys.session_token.reveal() or None
        )
    return session


def _sign_as_checked(check: Callable[[], Callable[[Any, str], Any] | None], /, **event: Any) -> None:
    credentials = event["request_signer"]._credentials  # noqa: SLF001 - botocore has no other way
    checked = check()
    if credentials is None or checked is None:
        return
    now = checked(credentials, event["operation_name"])
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


def _client_settings(endpoint_url: str, stub: Callable[..., Any] | None) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "ignore_configured_endpoint_urls": True,
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
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


_LONGEST_DOUBLED: Final = 2.0**10
_LONGEST_PAUSE: Final = 25.0
"""Seconds between two tries, at most: pauses double from one on, in the retry modes beside legacy not as far."""


def _note_start(**event: Any) -> None:
    event["context"]["iamtui_started"] = monotonic()


def _end_retries(longest_pause: float, /, **event: Any) -> bool | None:
    """False, which ends the tries of a call, where the next could begin too late; otherwise None."""
    note_try(event["response"], event["caught_exception"])
    passed = monotonic() - event["request_dict"]["context"]["iamtui_started"]
    pause = min(2.0 ** (event["attempts"] - 1), longest_pause)
    return False if passed + pause > LONGEST_RETRIES else None


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
    url = urlsplit(event["request"].url)
    if endpoint_url:
        expected = urlsplit(endpoint_url)
        good = (url.scheme, url.netloc) == (expected.scheme, expected.netloc)
    else:
        good = url.scheme == "https" and f".{url.hostname}".endswith(aws_domains())
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


def _refuse_prompt(_text: str) -> str:
    """Stand in for getpass, which would write over the screen and wait for ever."""
    raise AwsProblem(
        "The profile assumes a role that needs an MFA code, which cannot be asked for here.",
        "Name a source_profile in place of its credential_source, or choose another profile.",
        code="MfaRequired",
    )
