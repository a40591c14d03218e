"""What AWS offers: actions, resource types, condition keys, and what AWS documents in prose only.

Importing this reads no data; each lookup reads what it needs. `has_resource_type` and `global_key` are cached
and fit for every decision; searching loads all names first and belongs into a thread.
"""

from iamtui.catalog.actions import (
    ActionInfo,
    ActionResource,
    Catalogue,
    ResourceType,
    Service,
    catalogue,
    has_resource_type,
    search_actions,
)
from iamtui.catalog.condition_keys import GLOBAL_KEYS, TRUST_KEYS, ConditionKey, KeyType, condition_key, global_key
from iamtui.catalog.dependent_actions import Check, companions
from iamtui.catalog.tables import (
    RCP_SERVICES,
    RCP_SERVICES_READ,
    REGIONS,
    REGIONS_READ,
    RETIRED_SERVICES,
    UNIQUE_ID_PREFIXES,
    synthetic_resource,
    unique_id_kind,
)

__all__ = [
    "GLOBAL_KEYS",
    "RCP_SERVICES",
    "RCP_SERVICES_READ",
    "REGIONS",
    "REGIONS_READ",
    "RETIRED_SERVICES",
    "TRUST_KEYS",
    "UNIQUE_ID_PREFIXES",
    "ActionInfo",
    "ActionResource",
    "Catalogue",
    "Check",
    "ConditionKey",
    "KeyType",
    "ResourceType",
    "Service",
    "catalogue",
    "companions",
    "condition_key",
    "global_key",
    "has_resource_type",
    "search_actions",
    "synthetic_resource",
    "unique_id_kind",
]
