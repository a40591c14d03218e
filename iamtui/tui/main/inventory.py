"""The account as a tree to walk and a list to search. Pure: built in a worker, read by widgets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeAlias, TypeVar

from msgspec import Struct
from textual.fuzzy import FuzzySearch

from iamtui.account.model import (
    UNLISTED,
    Account,
    AttachedPolicy,
    Entity,
    Fact,
    Group,
    IdentityProvider,
    InlinePolicy,
    InstanceProfile,
    Known,
    ManagedPolicy,
    Missing,
    Role,
    User,
)
from iamtui.engine.decision import Layer, StatementRef
from iamtui.engine.request import Principal
from iamtui.policy.document import PolicyDocument
from iamtui.workspace.source.workspace import Workspace


class Kind(StrEnum):
    """The branches of the tree, in order."""

    OVERVIEW = "overview"
    USERS = "users"
    GROUPS = "groups"
    ROLES = "roles"
    POLICIES = "policies"
    CUSTOMER_POLICIES = "customer policies"
    AWS_POLICIES = "AWS policies"
    INSTANCE_PROFILES = "instance profiles"
    PROVIDERS = "identity providers"
    ORGANIZATION = "organization"


@dataclass(frozen=True, slots=True)
class Branch:
    """A kind of thing, or those of a kind whose IAM path starts with one folder ("/service-role/").

    Of the organization, `folder` is the id of a level (root, OU, account) and `name` what that is called.
    """

    kind: Kind
    folder: str = ""
    name: str = field(default="", compare=False)

    @property
    def is_leaf(self) -> bool:
        return self.kind is Kind.OVERVIEW or (self.kind is Kind.ORGANIZATION and bool(self.folder))


Node: TypeAlias = Branch | User | Group | Role | ManagedPolicy | InstanceProfile | IdentityProvider

OVERVIEW: Final = Branch(Kind.OVERVIEW)
"""The account in numbers: a node of the tree that holds nothing."""

_OF_POLICIES: Final = {Kind.CUSTOMER_POLICIES: "Customer managed", Kind.AWS_POLICIES: "AWS managed"}
"""The branches within that of the policies, and their titles."""

TOP_BRANCHES: Final = tuple(Branch(kind) for kind in Kind if kind not in _OF_POLICIES)

LEVEL_WORDS: Final = {"ROOT": "root", "ORGANIZATIONAL_UNIT": "unit", "ACCOUNT": "account"}
"""Words for the types of an organization's levels."""

_KIND_WORDS: Final = {
    User: "user",
    Group: "group",
    Role: "role",
    ManagedPolicy: "policy",
    InstanceProfile: "instance profile",
    IdentityProvider: "identity provider",
}


class OtherAccount(Struct, frozen=True):
    """An account that is open beside the one on screen, or something in it.

    Args:
        id: "" of one that could not be opened.
        name: its alias, or what it was opened by, or was to be; raw text.
        count: its users and roles.
        entity: what of it is meant, or a level of its organization, or None.
        policy: the name of an SCP or RCP that is meant at that level, or "".
        problem: why it could not be opened; safe to show.
        age: how old it is, where it is as it was read last, or "".
    """

    id: str
    name: str
    count: int = 0
    entity: Entity | Branch | None = None
    policy: str = ""
    problem: str = ""
    age: str = ""

    @property
    def key(self) -> str:
        """A text that names it as `key_of` names a node."""
        return f"account:{self.id or self.name}:{key_of(self.entity) if self.entity is not None else ''}"


def other_accounts(workspace: Workspace) -> tuple[OtherAccount, ...]:
    """The accounts beside the one that is looked at, by id, then those that could not be opened."""
    opened = [
        OtherAccount(one.account.id, account_name(one), len(one.account.users) + len(one.account.roles), age=one.age)
        for one in workspace.beside
    ]
    failed = (OtherAccount("", one.name, problem=str(one.problem)) for one in workspace.not_opened)
    return (*sorted(opened, key=lambda one: one.id), *failed)


def account_name(workspace: Workspace) -> str:
    """The alias of an account, where it has one that is known; else what it was opened by. Raw text."""
    return workspace.account.alias.value_or("") or workspace.source.label


def title_of(branch: Branch) -> str:
    return branch.name or branch.folder or _OF_POLICIES.get(branch.kind) or branch.kind.capitalize()


def kind_word(entity: Entity) -> str:
    """Kind of an entity in the singular: "role", "AWS managed policy"."""
    if isinstance(entity, ManagedPolicy):
        return "AWS managed policy" if entity.aws_managed else "customer managed policy"
    return _KIND_WORDS[type(entity)]


def key_of(node: Node) -> str:
    """A text that names a node across reloads of the account."""
    return f"{node.kind}:{node.folder}" if isinstance(node, Branch) else node.arn


def kind_of(entity: Entity) -> Kind:
    """The branch kind that holds an entity."""
    if isinstance(entity, ManagedPolicy):
        return Kind.AWS_POLICIES if entity.aws_managed else Kind.CUSTOMER_POLICIES
    return Kind(f"{_KIND_WORDS[type(entity)]}s")


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
        self._children[OVERVIEW] = ()
        providers = account.providers.value_or(())
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
        self._levels = {Branch(Kind.ORGANIZATION, level.id, level.name): level for level in account.organization_levels}
        self._children[Branch(Kind.ORGANIZATION)] = tuple(self._levels)
        self._children.update(dict.fromkeys(self._levels, ()))

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
        """Children of a branch: folders first, then entities by name."""
        return self._children.get(branch, ())

    def entities(self, branch: Branch) -> tuple[Entity, ...]:
        return self._entities.get(branch, ())

    def count(self, branch: Branch) -> int | None:
        """How many entities, or SCPs and RCPs, a branch holds; None where the source lacks them."""
        if branch.kind is not Kind.ORGANIZATION or isinstance(self.account.organization, Missing):
            return None if self.missing(branch) else len(self.entities(branch))
        levels = [self._levels[branch]] if branch in self._levels else self._levels.values()
        facts = [fact.value for level in levels for fact in (level.scps, level.rcps) if isinstance(fact, Known)]
        return sum(map(len, facts)) if facts or not levels else None

    def missing(self, branch: Branch) -> Missing | None:
        """Why the source has nothing about a branch, or None when it has."""
        if branch.kind is Kind.ORGANIZATION and isinstance(self.account.organization, Missing):
            return self.account.organization
        if branch.kind is Kind.PROVIDERS and isinstance(self.account.providers, Missing):
            return self.account.providers
        listed_as = Kind.POLICIES if branch.kind in _OF_POLICIES else branch.kind
        if self.entities(branch) or listed_as not in UNLISTED:
            return None
        return self.account.why_unlisted(listed_as)

    def parents(self, node: Node) -> tuple[Branch, ...]:
        """The branches above a node, outermost first."""
        if isinstance(node, Branch):
            chain = [Branch(node.kind)] if node.folder else []
            kind = node.kind
        else:
            kind = kind_of(node)
            folder = _folder_of(node)
            chain = [Branch(kind), *([Branch(kind, folder)] if folder else [])]
        if kind in _OF_POLICIES:
            chain.insert(0, Branch(Kind.POLICIES))
        return tuple(chain)

    def find(self, key: str) -> Node | None:
        entity = self.account.by_arn(key)
        if entity is not None:
            return entity
        return next((branch for branch in self._children if key_of(branch) == key), None)


# What the detail pane says of an entity: its policies from every way, who holds it, and what is unknown. Pure.


T = TypeVar("T")

ADMINISTRATOR_POLICY: Final = "AdministratorAccess"


class PolicyWay(StrEnum):
    """How a policy comes to apply to its holder."""

    MANAGED = "managed"
    INLINE = "inline"
    GROUP = "group"
    GROUP_INLINE = "group inline"
    BOUNDARY = "boundary"


class EntityPolicy(Struct, frozen=True):
    """One policy of a user, group or role.

    Args:
        name: policy name.
        arn: of a managed policy, else "".
        group: the group it comes through, or "".
        document: the version in force, or None when it was not loaded.
        missing: why there is no document ("" when there is one).
    """

    way: PolicyWay
    name: str
    arn: str = ""
    group: str = ""
    document: PolicyDocument | None = None
    missing: str = ""


def held_policies(account: Account, holder: User | Group | Role) -> tuple[EntityPolicy, ...]:
    """Every policy that takes part when this holder acts: managed, inline, through groups, boundary."""
    held = _own(account, holder, PolicyWay.MANAGED, PolicyWay.INLINE, "")
    if isinstance(holder, User):
        for name in holder.groups:
            group = account.group(name)
            if group is None:
                missing = "the group was not loaded (iam:GetGroup)"
                held.append(EntityPolicy(PolicyWay.GROUP, "policies unknown", group=name, missing=missing))
            else:
                held.extend(_own(account, group, PolicyWay.GROUP, PolicyWay.GROUP_INLINE, name))
    if not isinstance(holder, Group) and holder.boundary_arn:
        attached = AttachedPolicy(holder.boundary_arn.rsplit("/", 1)[-1], holder.boundary_arn)
        held.append(_managed(account, attached, PolicyWay.BOUNDARY, ""))
    return tuple(held)


def _own(
    account: Account, holder: User | Group | Role, managed: PolicyWay, inline: PolicyWay, group: str
) -> list[EntityPolicy]:
    own = [_managed(account, attached, managed, group) for attached in holder.attached_policies]
    own.extend(_inline(policy, inline, group) for policy in holder.inline_policies)
    return own


def _managed(account: Account, attached: AttachedPolicy, way: PolicyWay, group: str) -> EntityPolicy:
    document = account.document(attached.arn)
    if document is None:
        return EntityPolicy(way, attached.name, attached.arn, group, None, "not loaded (iam:GetPolicyVersion)")
    return EntityPolicy(way, attached.name, attached.arn, group, document)


def _inline(policy: InlinePolicy, way: PolicyWay, group: str) -> EntityPolicy:
    return EntityPolicy(way, policy.name, "", group, policy.document)


def policy_count(account: Account, holder: User | Group | Role) -> int:
    """How many policies grant to a holder, boundary not counted."""
    count = len(holder.attached_policies) + len(holder.inline_policies)
    if isinstance(holder, User):
        for name in holder.groups:
            group = account.group(name)
            if group is not None:
                count += len(group.attached_policies) + len(group.inline_policies)
    return count


def administrator_through(account: Account, holder: User | Group | Role) -> str:
    """How AdministratorAccess is attached: "directly", "through group NAME", or "" when it is not.

    A flag for the eye, nothing more: a Deny, boundary or SCP may still stand in the way, and other policies
    may grant as much.
    """
    if _has_administrator(holder):
        return "directly"
    if isinstance(holder, User):
        for name in holder.groups:
            group = account.group(name)
            if group is not None and _has_administrator(group):
                return f"through group {name}"
    return ""


def _has_administrator(holder: User | Group | Role) -> bool:
    return any(
        attached.name == ADMINISTRATOR_POLICY and attached.arn.endswith(":aws:policy/AdministratorAccess")
        for attached in holder.attached_policies
    )


class LastUse(Struct, frozen=True):
    """When something was last used; `at_least` says that a later use may be hidden in what was not loaded."""

    moment: datetime | None
    at_least: bool = False


def last_used(entity: Entity) -> LastUse | Missing:
    """When a user (password or any access key) or role was last used; Missing where the source does not say."""
    if isinstance(entity, Role):
        return entity.last_used if isinstance(entity.last_used, Missing) else LastUse(entity.last_used.value)
    if not isinstance(entity, User):
        return Missing("IAM keeps no last use of this")
    moments: list[datetime] = []
    lacking: Missing | None = None
    if isinstance(entity.password_last_used, Missing):
        lacking = entity.password_last_used
    elif entity.password_last_used.value is not None:
        moments.append(entity.password_last_used.value)
    if isinstance(entity.access_keys, Missing):
        lacking = entity.access_keys
    else:
        moments.extend(key.last_used for key in entity.access_keys.value if key.last_used is not None)
    if lacking is not None and not moments:
        return lacking
    return LastUse(max(moments, default=None), at_least=lacking is not None)


def unknown(missing: Missing) -> str:
    """A missing fact in words: `unknown (not loaded; needs iam:ListRoles)`."""
    needs = f"; needs {missing.permission}" if missing.permission else ""
    return f"unknown ({missing.reason}{needs})"


def shorter_unknown(missing: Missing) -> tuple[str, ...]:
    """The same in fewer words, in which the permission comes before anything else is cut."""
    if not missing.permission:
        return ()
    return (f"unknown; needs {missing.permission}", f"needs {missing.permission}", missing.permission)


def fact_text(fact: Fact[T], words: Callable[[T], str]) -> str:
    return unknown(fact) if isinstance(fact, Missing) else words(fact.value)


def attachments(account: Account, policy: ManagedPolicy) -> int | None:
    """How many holders a policy has: as the source counts, else as seen in the account."""
    if not isinstance(policy.attachment_count, Missing):
        return policy.attachment_count.value
    return len(account.holders(policy.arn))


# From a statement that took part in a decision to the text of it in the account. Pure.


def entity_of(account: Account, principal: Principal) -> User | Role | None:
    """The user or role that a principal of this account is, or whose session it is; None for others."""
    entity = account.by_arn(principal.role_arn or principal.arn)
    if isinstance(entity, User | Role):
        return entity
    name = principal.role_name
    return account.role(name) if name is not None and principal.account == account.id else None


def document_of(account: Account, principal: Principal, resource: str, ref: StatementRef) -> PolicyDocument | None:
    """The document of a statement, or None when it is not one of the account's records."""
    if ref.layer in (Layer.IDENTITY, Layer.BOUNDARY):
        entity = entity_of(account, principal)
        held = held_policies(account, entity) if entity is not None else ()
        for policy in held:
            if (policy.way is PolicyWay.BOUNDARY) is (ref.layer is Layer.BOUNDARY) and ref.policy in (
                policy.arn,
                policy.name,
            ):
                return policy.document
        return None
    if ref.layer is Layer.RESOURCE:
        owner_role = account.by_arn(resource)
        if isinstance(owner_role, Role):
            return owner_role.trust
        owner = resource.partition("/")[0] if resource.startswith("arn:aws:s3:::") else resource
        policy_of = account.resource_policies.get(resource) or account.resource_policies.get(owner)
        return policy_of.document if policy_of is not None else None
    return _organization_document(account, ref)


def _organization_document(account: Account, ref: StatementRef) -> PolicyDocument | None:
    path = account.organization_levels
    if ref.level is None or ref.level >= len(path):
        return None
    level = path[ref.level]
    policies = (level.scps if ref.layer is Layer.SCP else level.rcps).value_or(())
    return next((policy.document for policy in policies if ref.policy in (policy.arn, policy.name)), None)


def statement_lines(account: Account, principal: Principal, resource: str, ref: StatementRef) -> list[tuple[int, str]]:
    """The lines of a statement as the JSON tab shows them, each with its number; none without a readable document."""
    document = document_of(account, principal, resource, ref)
    if document is None or document.error is not None or ref.lines is None:
        return []
    first, last = ref.lines
    rows = _lines_of(document)
    return [(number, rows[number - 1]) for number in range(first, min(last, len(rows)) + 1)]


@lru_cache(16)
def _lines_of(document: PolicyDocument) -> list[str]:
    """The lines of a document: answers that follow each other quote the same one."""
    return document.text.split("\n")


# Searching the account while typing: exact parts of a text first, then letters in order.


HIT_LIMIT: Final = 500
"""Most hits that are returned; the count of all is shown beside them."""

ID_LETTERS: Final = 5
"""Shorter words do not match unique ids, where any few letters occur by chance."""

FUZZY_BELOW: Final = 1
"""With fewer exact hits than this, letters in order are tried as well."""

FUZZY_CANDIDATES: Final = 400
"""Most names that are scored letter by letter: scoring ten thousand would take several frames."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One entity found, a level of the organization, or another account that is open.

    Args:
        entity: of an SCP or RCP the level where it is attached.
        positions: offsets in its name that matched, for marking.
        where: what matched when it was not the name: "ARN", "id", "tag team=data", or ""; of what belongs to the
            organization, what it is.
        policy: the name of an SCP or RCP, or "".
        account: the account that it is of, where that is not the one that is looked at, or "".
    """

    entity: Entity | Branch | OtherAccount
    positions: tuple[int, ...] = ()
    where: str = ""
    policy: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits best first, at most HIT_LIMIT; `total` counts all; `fuzzy` says that no text matched exactly."""

    hits: tuple[Hit, ...]
    total: int
    fuzzy: bool = False


class SearchIndex:
    """Lower-case texts of everything that has a name, made once for an account and those that are open beside it.

    Args:
        accounts: how those are called.
    """

    def __init__(self, account: Account, others: Iterable[Account] = (), accounts: Iterable[OtherAccount] = ()) -> None:
        entities: list[Entity] = list(account.entities())
        own = len(entities)
        around = [*_around(account)]
        levels = {hit.entity for hit in around}
        for other in others:
            # Each account has the policies of AWS, and they are the same; and the levels above it may be.
            entities += (one for one in other.entities() if not (isinstance(one, ManagedPolicy) and one.aws_managed))
            around += (replace(hit, account=other.id) for hit in _around(other) if hit.entity not in levels)
            levels |= {hit.entity for hit in around}
        around += (Hit(one) for one in accounts if one.id)
        self._hits = [
            *(Hit(one, account="" if at < own else one.arn.split(":", 5)[4]) for at, one in enumerate(entities)),
            *around,
        ]
        self._names = [*(entity.name.lower() for entity in entities), *(_name(hit).lower() for hit in around)]
        self._rest = [
            *map(_other_texts, entities),
            *(f"{hit.entity.folder if isinstance(hit.entity, Branch) else ''}\n\n" for hit in around),
        ]

    def search(self, query: str) -> SearchResult:
        """Find entities whose name, ARN, ids or tags hold every word of the query, in any letter case.

        A word `tag:TEXT` is looked for in the tags only (`key=value`).
        """
        words = query.lower().split()
        if not words:
            return SearchResult((), 0)
        found: list[tuple[int, int]] = []
        for index, name in enumerate(self._names):
            rank = _rank(words, name, self._rest[index])
            if rank is not None:
                found.append((rank, index))
        if len(found) < FUZZY_BELOW:
            return self._fuzzy("".join(words))
        found.sort(key=lambda pair: pair[0])
        hits = tuple(self._hit(words, index) for _, index in found[:HIT_LIMIT])
        return SearchResult(hits, len(found))

    def _hit(self, words: list[str], index: int) -> Hit:
        name, found = self._names[index], self._hits[index]
        positions: set[int] = set()
        where = ""
        for word in words:
            at = name.find(word)
            if at >= 0:
                positions.update(range(at, at + len(word)))
            elif not where and not isinstance(found.entity, Branch | OtherAccount):
                where = _where(found.entity, word)
        return replace(found, positions=tuple(sorted(positions)), where=found.where or where)

    def _fuzzy(self, letters: str) -> SearchResult:
        candidates = [i for i, name in enumerate(self._names) if _in_order(letters, name)]
        matcher = FuzzySearch()
        scored: list[tuple[float, int, tuple[int, ...]]] = []
        for index in candidates[:FUZZY_CANDIDATES]:
            score, positions = matcher.match(letters, self._names[index])
            if score > 0:
                scored.append((score, index, tuple(positions)))
        scored.sort(key=lambda item: -item[0])
        hits = tuple(replace(self._hits[index], positions=positions) for _, index, positions in scored[:HIT_LIMIT])
        return SearchResult(hits, len(candidates), fuzzy=True)


class IndexedAccount(Struct, frozen=True):
    """A workspace with the inventory and the search index of its account, made by a worker to be shown."""

    workspace: Workspace
    inventory: Inventory
    index: SearchIndex

    @classmethod
    def of(cls, workspace: Workspace) -> IndexedAccount:
        account, others = workspace.account, workspace.others.values()
        return cls(workspace, Inventory(account), SearchIndex(account, others, other_accounts(workspace)))


def _around(account: Account) -> Iterator[Hit]:
    """The levels of an account's organization, and the SCPs and RCPs attached there, as they are when found."""
    for level in account.organization_levels:
        branch = Branch(Kind.ORGANIZATION, level.id, level.name)
        yield Hit(branch, where=LEVEL_WORDS.get(level.type, level.type))
        for word, fact in (("SCP", level.scps), ("RCP", level.rcps)):
            for policy in fact.value_or(()):
                yield Hit(branch, where=f"{word} at {level.name or level.id}", policy=policy.name or policy.arn)


def _name(hit: Hit) -> str:
    if isinstance(hit.entity, OtherAccount):
        return f"{hit.entity.id} {hit.entity.name}"
    return hit.policy or hit.entity.name


def _other_texts(entity: Entity) -> str:
    """ARN, ids and tags in lower case, on a line each so that no match runs over two of them."""
    tags = "" if isinstance(entity, (Group, IdentityProvider)) else "\n".join(f"tag:{k}={v}" for k, v in entity.tags)
    return f"{entity.arn}\n{' '.join(_ids(entity))}\n{tags}".lower()


def _ids(entity: Entity) -> tuple[str, ...]:
    """The unique id, and the ids of a user's access keys as far as they are loaded."""
    if isinstance(entity, IdentityProvider):
        return ()
    keys = entity.access_keys.value_or(()) if isinstance(entity, User) else ()
    return (entity.id, *(key.id for key in keys))


def _rank(words: list[str], name: str, rest: str) -> int | None:
    """How good a match is, best 0; None when a word is nowhere."""
    worst = 0
    for word in words:
        if word in name:
            rank = 0 if name == word else 1 if name.startswith(word) else 2
        elif _in_rest(word, rest):
            rank = 3
        else:
            return None
        worst = max(worst, rank)
    return worst


def _in_rest(word: str, rest: str) -> bool:
    if word.startswith("tag:"):
        return any(line.startswith("tag:") and word[4:] in line[4:] for line in rest.split("\n"))
    if word not in rest:
        return False
    if len(word) >= ID_LETTERS:
        return True
    arn, _ids_of_it, tags = rest.split("\n", 2)
    return word in arn or word in tags


def _where(entity: Entity, word: str) -> str:
    if not isinstance(entity, (Group, IdentityProvider)):
        text = word.removeprefix("tag:")
        for key, value in entity.tags:
            if text in f"{key}={value}".lower():
                return f"{key}={value}"
    ids = _ids(entity) if len(word) >= ID_LETTERS else ()
    return next((found for found in ids if word in found.lower()), "ARN")


def _in_order(letters: str, name: str) -> bool:
    at = -1
    for letter in letters:
        at = name.find(letter, at + 1)
        if at < 0:
            return False
    return True
