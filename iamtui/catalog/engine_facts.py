"""The few facts of the catalogue that decide requests, looked up fast and by any spelling."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from iamtui.catalog import service_data, tables


class EngineCatalogue:
    """What the evaluator asks of the catalogue."""

    def has_resource_type(self, action: str) -> bool | None:
        """Whether the action ("service:Operation", any case) has a resource type; None when it is not known."""
        service, _, name = action.lower().partition(":")
        return _resource_types_of(service).get(name)

    def arn_services(self, action: str) -> tuple[str, ...]:
        """What the ARNs of an action's resources have in their service field; () where that is open or not known."""
        service, _, name = action.lower().partition(":")
        return _arn_services_of(service).get(name, ())

    def synthetic_resource(self, action: str, account: str, partition: str) -> str | None:
        """The ARN that a list action without resource type is authorized against, or None."""
        return tables.synthetic_resource(action, account, partition)

    def supports_rcp(self, service: str) -> bool:
        """Whether RCPs affect a service, by its action prefix in lower case."""
        return service in tables.RCP_SERVICES

    def takes_unsigned(self, action: str) -> bool | None:
        """Whether the action can be called without a signature; None where AWS does not say, or has no such service."""
        service, _, name = action.lower().partition(":")
        if service in tables.UNSIGNED_REQUESTS_NOT_DOCUMENTED or not service_data.is_service(service):
            return None
        found = tables.UNSIGNED_REQUESTS.get(service)
        return found is not None and any(
            name.startswith(entry[:-1]) if entry.endswith("*") else name == entry for entry in found.actions
        )


@lru_cache(maxsize=1024)
def _resource_types_of(service: str) -> Mapping[str, bool]:
    """Whether each action of a service has a resource type; small enough to keep for every service."""
    if not service_data.is_service(service):
        return _NO_SERVICE
    return {name: bool(found["resourceTypes"]) for name, found in service_data.read_actions_once(service).items()}


_NO_SERVICE: Final[Mapping[str, bool]] = {}


@lru_cache(maxsize=1024)
def _arn_services_of(service: str) -> Mapping[str, tuple[str, ...]]:
    """The service fields of the resources of each action of a service for which they are known."""
    fields = {name: _service_field(str(found["arn"])) for name, found in service_data.resource_types(service).items()}
    kept: dict[tuple[str, ...], tuple[str, ...]] = {}
    result: dict[str, tuple[str, ...]] = {}
    for name, found in service_data.actions(service).items():
        types = (str(one["name"]).lower() for one in found["resourceTypes"])
        services = tuple(sorted({fields.get(one, "") for one in types}))
        if services and services[0]:
            # The actions of a service share a few such tuples.
            result[name] = kept.setdefault(services, services)
    return result


def _service_field(arn: str) -> str:
    """The service field of an ARN form, or "" where it leaves that open."""
    parts = arn.split(":")
    return parts[2] if len(parts) > 5 and not {"$", "*"} & {*parts[2]} else ""


ENGINE_CATALOGUE: Final = EngineCatalogue()
