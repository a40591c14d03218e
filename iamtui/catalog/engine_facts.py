"""The few facts of the catalogue that decide requests, looked up fast and by any spelling."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from iamtui.catalog import service_data, tables
from iamtui.catalog.arn_forms import ArnForm, arn_forms, entries_of_other_types


class EngineCatalogue:
    """What the evaluator asks of the catalogue."""

    def has_resource_type(self, action: str) -> bool | None:
        """Whether the action ("service:Operation", any case) has a resource type; None when it is not known."""
        service, _, name = action.lower().partition(":")
        return _resource_types_of(service).get(name)

    def arn_forms(self, action: str) -> tuple[ArnForm, ...]:
        """The ARN forms of all resource types of an action; () where none is known."""
        return arn_forms(action)

    def entries_of_other_types(self, action: str) -> tuple[str, ...]:
        """Entries that take in all resources of the types that the action's service has besides those of the action."""
        return entries_of_other_types(action)

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


ENGINE_CATALOGUE: Final = EngineCatalogue()
