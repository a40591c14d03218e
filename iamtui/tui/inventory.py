"""The account as a tree to walk and a list to search. Pure: built in a worker, read by widgets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from iamtui.account.availability import Missing
from iamtui.account.model import Account, Entity, Group, IdentityProvider, InstanceProfile, ManagedPolicy, Role, User


class Kind(StrEnum):
    """The branches of the tree, in the order in which they stand."""

    USERS = "users"
    GROUPS = "groups"
    ROLES = "roles"
    POLICIES = "policies"
    CUSTOMER_POLICIES = "customer policies"
    AWS_POLICIES = "AWS policies"
    INSTANCE_PROFILES = "instance profiles"
    PROVIDERS = "identity providers"


@dataclass(frozen=True, slots=True)
class Branch:
    """A kind of thing, or those of a kind whose IAM path starts with one folder ("/service-role/")."""

    kind: Kind
    folder: str = ""


Node: TypeAlias = Branch | User | Group | Role | ManagedPolicy | InstanceProfile | IdentityProvider

TOP_BRANCHES: Final = (
    Branch(Kind.USERS),
    Branch(Kind.GROUPS),
    Branch(Kind.ROLES),
    Branch(Kind.POLICIES),
    Branch(Kind.INSTANCE_PROFILES),
    Branch(Kind.PROVIDERS),
)

_TITLES: Final = {
    Kind.USERS: "Users",
    Kind.GROUPS: "Groups",
    Kind.ROLES: "Roles",
    Kind.POLICIES: "Policies",
    Kind.CUSTOMER_POLICIES: "Customer managed",
    Kind.AWS_POLICIES: "AWS managed",
    Kind.INSTANCE_PROFILES: "Instance profiles",
    Kind.PROVIDERS: "Identity providers",
}

_KIND_WORDS: Final = {
    User: "user",
    Group: "group",
    Role: "role",
    ManagedPolicy: "policy",
    InstanceProfile: "instance profile",
    IdentityProvider: "identity provider",
}


def title_of(branch: Branch) -> str:
    """What a branch is called."""
    return branch.folder or _TITLES[branch.kind]


def kind_word(entity: Entity) -> str:
    """What kind of thing an entity is, in the singular: "role", "AWS managed policy"."""
    if isinstance(entity, ManagedPolicy):
        return "AWS managed policy" if entity.aws_managed else "customer managed policy"
    return _KIND_WORDS[type(entity)]


def key_of(node: Node) -> str:
    """A text that names a node across reloads of the account."""
    return f"{node.kind}:{node.folder}" if isinstance(node, Branch) else node.arn


def kind_of(entity: Entity) -> Kind:
    """The branch kind that holds an entity."""
    if isinstance(entity, User):
        return Kind.USERS
    if isinstance(entity, Group):
        return Kind.GROUPS
    if isinstance(entity, Role):
        return Kind.ROLES
    if isinstance(entity, ManagedPolicy):
        return Kind.AWS_POLICIES if entity.aws_managed else Kind.CUSTOMER_POLICIES
    if isinstance(entity, InstanceProfile):
        return Kind.INSTANCE_PROFILES
    return Kind.PROVIDERS


def _folder_of(entity: Entity) -> str:
    """The first segment of an entity's IAM path with both slashes, or "" at the root."""
    path = "" if isinstance(entity, IdentityProvider) else entity.path
    end = path.find("/", 1)
    return path[: end + 1] if end > 0 else ""


class Inventory:
    """An account sorted into branches, folders and entities. Reading it never changes it."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self._entities: dict[Branch, tuple[Entity, ...]] = {}
        self._children: dict[Branch, tuple[Node, ...]] = {}
        providers = () if isinstance(account.providers, Missing) else account.providers.value
        self._sort(Kind.USERS, account.users)
        self._sort(Kind.GROUPS, account.groups)
        self._sort(Kind.ROLES, account.roles)
        self._sort(Kind.CUSTOMER_POLICIES, [policy for policy in account.policies if not policy.aws_managed])
        self._sort(Kind.AWS_POLICIES, [policy for policy in account.policies if policy.aws_managed])
        self._sort(Kind.INSTANCE_PROFILES, account.instance_profiles)
        self._sort(Kind.PROVIDERS, providers)
        customer, aws = Branch(Kind.CUSTOMER_POLICIES), Branch(Kind.AWS_POLICIES)
        self._children[Branch(Kind.POLICIES)] = (customer, aws)
        self._entities[Branch(Kind.POLICIES)] = self._entities[customer] + self._entities[aws]

    def _sort(self, kind: Kind, entities: Iterable[Entity]) -> None:
        ordered = sorted(entities, key=lambda entity: (entity.name.lower(), entity.name))
        folders: dict[str, list[Entity]] = {}
        for entity in ordered:
            folders.setdefault(_folder_of(entity), []).append(entity)
        here = folders.pop("", [])
        branches = [Branch(kind, folder) for folder in sorted(folders)]
        for branch in branches:
            inside = tuple(folders[branch.folder])
            self._entities[branch] = inside
            self._children[branch] = inside
        self._entities[Branch(kind)] = tuple(ordered)
        self._children[Branch(kind)] = (*branches, *here)

    def children(self, branch: Branch) -> tuple[Node, ...]:
        """What stands directly under a branch: folders first, then entities by name."""
        return self._children.get(branch, ())

    def entities(self, branch: Branch) -> tuple[Entity, ...]:
        """Every entity under a branch, at any depth, by name."""
        return self._entities.get(branch, ())

    def missing(self, branch: Branch) -> Missing | None:
        """Why the source has nothing about a branch, or None when it has."""
        if branch.kind is Kind.PROVIDERS and isinstance(self.account.providers, Missing):
            return self.account.providers
        return None

    def parents(self, node: Node) -> tuple[Branch, ...]:
        """The branches above a node, outermost first."""
        if isinstance(node, Branch):
            chain = [Branch(node.kind)] if node.folder else []
            kind = node.kind
        else:
            kind = kind_of(node)
            folder = _folder_of(node)
            chain = [Branch(kind), *([Branch(kind, folder)] if folder else [])]
        if kind in (Kind.CUSTOMER_POLICIES, Kind.AWS_POLICIES):
            chain.insert(0, Branch(Kind.POLICIES))
        return tuple(chain)

    def find(self, key: str) -> Node | None:
        """The node that `key_of` named so, or None when it is gone."""
        entity = self.account.by_arn(key)
        if entity is not None:
            return entity
        return next((branch for branch in self._children if key_of(branch) == key), None)
