"""Offering a session to programs: what both doors need to start the endpoint, and what stands in its way."""

from __future__ import annotations

from collections.abc import Mapping

from iamtui.credentials import variables
from iamtui.credentials.service import CredentialsService
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.workspace.opening import list_profiles


def default_profile_in_the_way() -> bool:
    """Whether the SDKs would take the credentials of a default profile rather than ask the endpoint.

    They look into the AWS files before they ask a container's endpoint (AWS SDKs and Tools Reference Guide:
    Standardized credential providers). Files that cannot be read count as in the way.
    """
    try:
        return any(profile.name == "default" and profile.kind for profile in list_profiles())
    except Problem:
        return True


def endpoint_variables(service: CredentialsService, environ: Mapping[str, str]) -> tuple[tuple[str, Secret], ...]:
    """Names and values of what a shell must set for its programs to find the endpoints.

    Args:
        environ: the shell's environment: what NO_PROXY and no_proxy hold stays in both.
    """
    region = service.renewer.held.session.region
    found = [(variables.CONTAINER_URI, service.endpoint.uri), (variables.CONTAINER_TOKEN, service.endpoint.token)]
    if region:
        found += [(name, Secret(region)) for name in variables.REGIONS]
    if service.metadata is not None:
        found += [
            (variables.METADATA_ENDPOINT, Secret(service.metadata.url)),
            (variables.METADATA_DISABLED, Secret("false")),
            *((name, Secret(_with_loopback(environ))) for name in variables.NO_PROXIES),
        ]
    return tuple(found)


ENDPOINT_STALE = tuple(
    name
    for name in (*variables.KEYS, *variables.PROFILES, *variables.OTHER_SOURCES)
    if name not in (variables.CONTAINER_URI, variables.CONTAINER_TOKEN, variables.METADATA_ENDPOINT)
)
"""What a shell must unset: the SDKs prefer keys, profiles and web identities to the endpoint."""


def _with_loopback(environ: Mapping[str, str]) -> str:
    """What NO_PROXY must hold in both spellings: botocore sends even requests to the loopback address to HTTP_PROXY.

    Programs read either spelling, so what only one of them holds must be in both.
    """
    given = (name.strip() for variable in variables.NO_PROXIES for name in environ.get(variable, "").split(","))
    names = list(dict.fromkeys(name for name in given if name))
    if "*" in names:
        # It stands for every host only where it stands alone.
        return "*"
    return ",".join(names if "127.0.0.1" in names else [*names, "127.0.0.1"])
