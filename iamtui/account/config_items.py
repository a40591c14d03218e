"""AWS Config's configuration items of IAM resources as pages of a snapshot (AWS Config resource schemas).

Read are configuration snapshots and histories, and what the AWS CLI prints of get-resource-config-history,
batch-get-resource-config and select-resource-config: there the configuration is JSON in a text. Of several items of one
resource the newest counts. AWS Config records no policies of AWS's own, and no last use.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from iamtui.account.snapshot_format import (
    ConfigItemShape,
    GroupShape,
    HeaderShape,
    ManagedPolicyShape,
    MissingShape,
    RoleShape,
    SnapshotShape,
    UserShape,
)
from iamtui.account.snapshot_reader import AWS_DOCUMENTS, MOST_ENTITIES, SnapshotProblem, with_raw, wrong_shape
from iamtui.problem import Problem
from iamtui.typed_json import prepared

Json: TypeAlias = dict[str, Any]

_TYPES: Final[dict[str, tuple[str, type[Struct], tuple[str, ...]]]] = {
    "AWS::IAM::User": ("users", UserShape, ("userPolicyList", "attachedManagedPolicies", "groupList")),
    "AWS::IAM::Group": ("groups", GroupShape, ("groupPolicyList", "attachedManagedPolicies")),
    "AWS::IAM::Role": ("roles", RoleShape, ("rolePolicyList", "attachedManagedPolicies")),
    "AWS::IAM::Policy": ("policies", ManagedPolicyShape, ("policyVersionList",)),
}
"""By resource type: the list of a page, the shape of its entries, and what they cannot be without."""

_GONE: Final = ("ResourceDeleted", "ResourceDeletedNotRecorded")
_NOT_RECORDED: Final = "ResourceNotRecorded"

_MOST_PARTS: Final = 1_500_000
"""Lists, objects and commas in what the newest items say: each becomes objects. An account at five times AWS's default
quotas has 39,000 resources, of some thirty parts each."""

_MARKS: Final = (b"{", b"[", b",")

_DEEPEST: Final = 100
"""Objects and lists within one another: an item has ten, and what makes its shape calls itself for each."""


def pages_of(pages: Sequence[SnapshotShape], origin: str) -> Iterator[SnapshotShape]:
    """The pages, with one for each account in place of all that hold configuration items.

    Raises:
        Problem: an item is none of an IAM resource; says which.
    """
    of_config = [page for page in pages if page.is_of_config]
    yield from (page for page in pages if not page.is_of_config)
    if of_config:
        yield from _of_items(of_config, origin)


def _of_items(pages: Sequence[SnapshotShape], origin: str) -> Iterator[SnapshotShape]:
    accounts: dict[str, _RecordedAccount] = {}
    # A later page may hold a newer item of the same resource, or say that it is gone.
    newest = _newest((item for page in pages for item in _items(page, origin)), origin)
    parts = sum(bytes(item.configuration).count(mark) for _, item in newest for mark in _MARKS)
    if parts > _MOST_PARTS:
        raise SnapshotProblem(f"{origin} has more than {_MOST_PARTS:,} values in its items of IAM.")
    for where, item in newest:
        if item.configuration_item_status in _GONE:
            continue
        known = _TYPES[item.resource_type]
        account = accounts.setdefault(item.aws_account_id or item.account_id or "", _RecordedAccount())
        if item.configuration_item_status == _NOT_RECORDED:
            account.unrecorded += 1
        else:
            account.add(known, item, f"{origin} is not an account at {where}.configuration", origin)
    if not accounts:
        raise Problem(
            f"{origin} holds configuration items of AWS Config, but none of an IAM user, group, role or policy.",
            "Let AWS Config record the IAM resource types, or read the account itself.",
        )
    for account_id, account in accounts.items():
        made = account.page(account_id)
        made.next_token = pages[-1].next_token
        yield made


def _items(page: SnapshotShape, origin: str) -> Iterator[tuple[str, ConfigItemShape]]:
    for name, items in (
        ("configurationItems", page.configuration_items),
        ("baseConfigurationItems", page.base_configuration_items),
    ):
        for index, item in enumerate(items or ()):
            yield f"$.{name}[{index}]", item
    for index, text in enumerate(page.results or ()):
        try:
            yield f"$.Results[{index}]", msgspec.json.decode(text, type=prepared(ConfigItemShape))
        except RecursionError:
            raise _too_deep(f"{origin} is not an account at $.Results[{index}]") from None
        except (msgspec.DecodeError, UnicodeEncodeError) as error:
            raise SnapshotProblem(f"{origin} is not an account at $.Results[{index}]: {error}.") from None


def _newest(items: Iterator[tuple[str, ConfigItemShape]], origin: str) -> list[tuple[str, ConfigItemShape]]:
    """The newest item of each resource of IAM."""
    found: dict[tuple[str, str], tuple[str, ConfigItemShape]] = {}
    for where, item in items:
        if item.resource_type not in _TYPES:
            continue
        key = (item.resource_type, item.long_arn or item.arn or item.resource_id)
        known = found.get(key)
        if known is None or str(known[1].captured) <= str(item.captured):
            found[key] = (where, item)
        if len(found) > MOST_ENTITIES:
            raise SnapshotProblem(f"{origin} has items of more than {MOST_ENTITIES:,} resources of IAM.")
    return list(found.values())


class _RecordedAccount:
    """The items of one account."""

    def __init__(self) -> None:
        self.lists: dict[str, list[Any]] = {}
        self.unrecorded = 0
        self._unbounded = 0

    def add(
        self, known: tuple[str, type[Struct], Sequence[str]], item: ConfigItemShape, said: str, origin: str
    ) -> None:
        name, shape, needed = known
        configuration = _configuration(item, said)
        for key in needed:
            if configuration.get(key) is None:
                raise SnapshotProblem(f"{said}: it has no {key}, so its value is unknown.")
        if name in ("users", "roles") and "permissionsBoundary" not in configuration:
            # Older items do not say whether there is one: decisions depend on it.
            arn = str(configuration.get("arn") or item.long_arn or item.arn or "")
            unknown = ":".join((*arn.split(":")[:5], "policy/(not recorded by AWS Config)"))
            configuration["permissionsBoundary"] = {"permissionsBoundaryArn": unknown}
            self._unbounded += 1
        if not configuration.get("tags") and isinstance(item.tags, dict):
            configuration["tags"] = [{"key": key, "value": value} for key, value in item.tags.items()]
        try:
            entry = msgspec.convert(with_raw(_pascal(configuration), AWS_DOCUMENTS), prepared(shape))
        except msgspec.ValidationError as error:
            raise wrong_shape(str(error), origin, said.partition(" at ")[2]) from None
        self.lists.setdefault(name, []).append(entry)

    def page(self, account_id: str) -> SnapshotShape:
        missing = []
        if self.unrecorded:
            missing.append(MissingShape(f"{self.unrecorded} resources that AWS Config does not record"))
        if self._unbounded:
            missing.append(MissingShape(f"permissions boundaries of {self._unbounded} users and roles", "iam:GetUser"))
        page = SnapshotShape(iamtui=HeaderShape(account_id=account_id or None), missing=missing)
        for name, entries in self.lists.items():
            setattr(page, name, entries)
        return page


def _configuration(item: ConfigItemShape, said: str) -> Json:
    try:
        value = msgspec.json.decode(item.configuration)
        if isinstance(value, str):
            value = msgspec.json.decode(value)
    except RecursionError:
        raise _too_deep(said) from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise SnapshotProblem(f"{said}: it is not JSON ({error}).") from None
    if not isinstance(value, dict):
        raise SnapshotProblem(f"{said}: expected an object.")
    if _is_deep(value):
        raise _too_deep(said)
    return value


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            part
            for one in level
            for part in (one.values() if isinstance(one, dict) else one)
            if isinstance(part, (dict, list))
        ]
        if not level:
            return False
    return True


def _too_deep(said: str) -> Problem:
    return SnapshotProblem(f"{said}: it is nested more than {_DEEPEST} deep.")


def _pascal(value: Any) -> Any:
    """The value under the names that IAM gives its keys, documents left as they are."""
    if isinstance(value, list):
        return [_pascal(one) for one in value]
    if isinstance(value, dict):
        named = {key[:1].upper() + key[1:]: one for key, one in value.items()}
        return {key: one if key in AWS_DOCUMENTS else _pascal(one) for key, one in named.items()}
    return value
