"""Searching the account while typing: exact parts of a text first, then letters in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from msgspec import Struct
from textual.fuzzy import FuzzySearch

from iamtui.account.model import Account, Entity, Group, IdentityProvider, ManagedPolicy, User
from iamtui.tui.main.inventory import LEVEL_WORDS, Branch, Inventory, Kind, OtherAccount, other_accounts
from iamtui.workspace.source.workspace import Workspace

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
