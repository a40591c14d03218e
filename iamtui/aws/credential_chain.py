"""The chain of providers that finds a profile's credentials: botocore's own, made with our arguments.

Every credential_process is approved before it runs, nobody is asked for MFA codes, and credentials in the clear go
through no proxy. Loaded with botocore, not before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import urllib3
from botocore import credentials, utils
from botocore.tokens import SSOTokenProvider

from iamtui.aws.credential_process import Approve, approved_run, check_command
from iamtui.aws.errors import AwsProblem
from iamtui.aws.http import HttpSender, refuse_unclear_url
from iamtui.aws.sdk_settings import Logins

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
    """The credentials of a container, whose token is sent to no other host than the one that botocore checks."""

    def __init__(self, certificates: str) -> None:
        timeout = urllib3.Timeout(utils.ContainerMetadataFetcher.TIMEOUT_SECONDS)
        sender: Any = HttpSender(certificates, timeout, uses_proxies=False, url_is=self.ENV_VAR_FULL)
        fetcher: Any = utils.ContainerMetadataFetcher(sender)
        self._full_url = fetcher.full_url
        super().__init__(fetcher=fetcher)

    def load(self) -> Any:
        """The credentials, or None where the environment names no container."""
        path = os.environ.get(self.ENV_VAR)
        if path is not None:
            # A path is put behind a host, and "@" or "." at its beginning would make that another one.
            if not path.startswith("/"):
                raise AwsProblem(
                    f"{self.ENV_VAR} does not begin with a slash, and so could name another host: nothing was "
                    "sent there.",
                    "Set it to a path such as /v2/credentials/ID, or unset it.",
                    code="UnclearUrl",
                )
            refuse_unclear_url(self._full_url(path), self.ENV_VAR)
        elif self.ENV_VAR_FULL in os.environ:
            refuse_unclear_url(os.environ[self.ENV_VAR_FULL], self.ENV_VAR_FULL)
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
        url = self._fetcher.get_base_url()
        refuse_unclear_url(url, "AWS_EC2_METADATA_SERVICE_ENDPOINT")
        if utils.get_environ_proxies(url):
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
