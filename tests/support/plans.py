"""Terraform plans for tests, as `terraform show -json` writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from iamtui.plan.terraform import TerraformPlan, read_plan


def planned(
    address: str,
    *actions: str,
    before: Any = None,
    after: Any = None,
    unknown: Any = None,
    module: str = "",
    index: Any = None,
    **more: Any,
) -> dict[str, Any]:
    """A change of the resource at an address of a module ("aws_iam_role.app")."""
    kind, name = address.split(".")
    shown = address if index is None else f"{address}[{json.dumps(index)}]"
    change = {"actions": [*actions], "before": before, "after": after, "after_unknown": unknown or {}}
    return {
        "address": f"{module}.{shown}" if module else shown,
        **({"module_address": module} if module else {}),
        **({} if index is None else {"index": index}),
        "mode": "managed",
        "type": kind,
        "name": name,
        "provider_name": "registry.terraform.io/hashicorp/aws",
        "change": {**change, **more},
    }


def plan_document(
    *changes: dict[str, Any],
    references: Mapping[str, Mapping[str, list[str]]] | None = None,
    provider: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A plan.

    Args:
        references: by address and attribute, what its expression refers to.
        provider: the expressions of the provider's configuration.
    """
    resources = [
        {
            "address": address,
            "provider_config_key": "aws",
            "expressions": {name: {"references": found} for name, found in (references or {}).get(address, {}).items()},
        }
        for address in {f"{one['type']}.{one['name']}": None for one in changes}
    ]
    settings = provider if provider is not None else {"region": {"constant_value": "eu-west-1"}}
    return {
        "format_version": "1.2",
        "terraform_version": "1.14.0",
        "resource_changes": list(changes),
        "configuration": {
            "provider_config": {"aws": {"name": "aws", "expressions": settings}},
            "root_module": {"resources": resources},
        },
        **more,
    }


def plan_of(*changes: dict[str, Any], **more: Any) -> TerraformPlan:
    return read_plan(json.dumps(plan_document(*changes, **more)).encode(), "The plan p.json")
