"""The names that policies tell users, roles and resources by, and names of what is not there yet."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import cached_property
from hashlib import sha256
from itertools import chain, islice, product
from typing import Final

from iamtui.account.model import Account, Group, ManagedPolicy, Role, User
from iamtui.catalog.escalation_paths import ESCALATING_ACTIONS, EscalationPath, On
from iamtui.policy.document import Statement
from iamtui.policy.patterns import Glob, parse_pieces, tokens_of, with_variables_as_stars
from iamtui.policy.statement import ActionElement, action_name
from iamtui.policy.types import PolicyType
from iamtui.questions.known_context import GLOBAL_SERVICES
from iamtui.workspace.review.escalation_steps import Entity
from iamtui.workspace.source.inventory import documents_in

_NEW: Final = "new-administrator"
"""The name of a user, role or group that is not there yet, where no pattern names it."""
_NEW_RESOURCE: Final = "new-resource"
_MOST_NEW: Final = 32
"""Patterns of names for what is new that are tried."""
_MOST_MIXED: Final = 32
"""Pairs of such patterns of which one name can be made."""
_TOO_MANY_NAMES: Final = (
    f"New users, roles, groups or resources were tried with {_MOST_NEW} names, of more that matter."
)
_ANY_REGION: Final = "us-east-1"
_ASSUMING: Final = ("sts:AssumeRole",)


class PolicyNames:
    """Names for users, roles, groups and resources that are not there: one that no pattern names, then by pattern."""

    def __init__(self, account: Account, region: str) -> None:
        self._account = account
        self._region = region or _ANY_REGION
        of_type = PolicyType.IDENTITY, PolicyType.SCP
        documents = dict.fromkeys(one for _, type_, one in documents_in(account) if type_ in of_type)
        self.statements: tuple[Statement, ...] = tuple(
            one for each in documents if each.error is None for one in each.policy.statements
        )
        self._texts = tuple(
            dict.fromkeys(text for one in self.statements for text in (*(one.resources or ()), *_spared(one)))
        )
        self.left_out: dict[str, None] = {}
        """Bounds that were reached, a sentence each."""
        self._alike: dict[str, str] = {}
        self._first_alike: dict[Hashable, str] = {}
        self._made: dict[EscalationPath, tuple[tuple[str, str], ...]] = {}

    @cached_property
    def principals(self) -> tuple[tuple[str, str], ...]:
        """ARNs of a user and a role that are not there: by a name that no pattern names, then one for each pattern."""
        return tuple(self._of_iam("user", "role"))

    @cached_property
    def groups(self) -> tuple[str, ...]:
        return tuple(one for one, _ in self._of_iam("group", "group"))

    def _of_iam(self, *kinds: str) -> Iterator[tuple[str, str]]:
        iam = f"arn:{self._account.partition}:iam::{self._account.id}"
        named = [text for text in self._texts if any(f":{kind}/" in text for kind in kinds)]
        digest = sha256("\n".join(named).encode("utf-8", "replace")).hexdigest()
        globs = [Glob(tokens_of(with_variables_as_stars(parse_pieces(text, variables=True)))) for text in named]

        def hits(name: str) -> int:
            return sum(glob.matches(f"{iam}:{kind}/{name}") for glob in globs for kind in kinds)

        name = min((_NEW, digest[:16], digest[16:27], digest[27:50]), key=hits)
        first, second = kinds
        found = {(f"{iam}:{first}/{name}", f"{iam}:{second}/{name}"): None}
        for text in named:
            kind, _, pattern = text.rpartition(":")[2].partition("/")
            own = pattern.replace("*", name).replace("?", name[0])
            pair = (f"{iam}:{first}/{own}", f"{iam}:{second}/{own}")
            if pattern and kind in kinds and not any(map(self._account.by_arn, pair)):
                found[pair] = None
            if len(found) > _MOST_NEW:
                self.left_out[_TOO_MANY_NAMES] = None
                break
        return iter(found)

    def alike(self, arn: str) -> str:
        """The first of its kind that statements about IAM tell no more from this than its own name does."""
        found = self._alike.get(arn)
        if found is None:
            entity = self._account.by_arn(arn)
            key = None
            if isinstance(entity, (User, Role, Group, ManagedPolicy)):
                key = self._told_by(entity)
            found = self._alike[arn] = arn if key is None else self._first_alike.setdefault(key, arn)
        return found

    def _told_by(self, entity: Entity | Group | ManagedPolicy) -> Hashable | None:
        """Patterns and tags by which statements about IAM can tell an entity; None: by its own name."""
        arn, read = entity.arn, self._tags_read
        exact, globs = self._naming
        patterns = [*exact.get(arn, ())]
        for number, piece, glob, told_apart in globs:
            if piece in arn and glob.matches(arn):
                if isinstance(entity, told_apart):
                    return None
                patterns.append(number)
        tags = () if isinstance(entity, Group) else entity.tags
        return type(entity), tuple(pair for pair in tags if read is None or pair[0].lower() in read), tuple(patterns)

    @cached_property
    def _about_iam(self) -> tuple[Statement, ...]:
        """The statements of all policies about an action of IAM that a path needs."""
        return self._about(tuple(action for action in ESCALATING_ACTIONS if action.startswith("iam:")))

    def _about(self, actions: Sequence[str]) -> tuple[Statement, ...]:
        names = [action_name(action) for action in actions]

        def is_about(one: Statement) -> bool:
            about = ActionElement(one.actions or one.not_actions or (), negated=one.not_actions is not None)
            return any(map(about.matches, names))

        documents = dict.fromkeys(one for _, _, one in documents_in(self._account))
        return tuple(one for each in documents if each.error is None for one in each.policy.statements if is_about(one))

    @cached_property
    def _tags_read(self) -> frozenset[str] | None:
        """The keys of tags, in lower case, that these read of what they are about; None: any."""
        lines = [line.key.lower() for one in self._about_iam for line in one.conditions]
        values = [value for one in self._about_iam for line in one.conditions for value in line.values]
        if any("resourcetag" in value.lower() for value in values):
            return None
        return frozenset(key.partition("/")[2] for key in lines if "resourcetag/" in key)

    def is_assumed_by_name(self, arn: str) -> bool:
        """True if a statement about assuming roles tells this one from others, by its ARN or by tags."""
        return self._roles_by_tags or any(glob.matches(arn) for glob in self._assumed)

    @cached_property
    def _roles_by_tags(self) -> bool:
        return any("resourcetag" in line.key.lower() for one in self._about(_ASSUMING) for line in one.conditions)

    @cached_property
    def _assumed(self) -> tuple[Glob, ...]:
        texts = dict.fromkeys(
            text
            for one in self._about(_ASSUMING)
            for text in (*(one.resources or ()), *(one.not_resources or ()))
            if text != "*"
        )
        return tuple(Glob(tokens_of(with_variables_as_stars(parse_pieces(text, variables=True)))) for text in texts)

    def _with_tags(self, text: str) -> Iterator[str]:
        """A pattern, or one with each value of the one principal tag that it has as its only variable."""
        found = re.fullmatch(r"([^$]*)\$\{aws:PrincipalTag/([^}$*?]+)\}([^$]*)", text, re.IGNORECASE)
        if found is None:
            yield text
            return
        tags = (tag for one in self._account.principals for tag in one.tags)
        values = dict.fromkeys(value for key, value in tags if key.lower() == found[2].lower())
        known = len(values) <= _MOST_NEW and not any(set("*?$") & set(value) for value in values)
        yield from (f"{found[1]}{value}{found[3]}" for value in values) if known else (text,)

    @cached_property
    def _naming(self) -> tuple[dict[str, list[int]], list[tuple[int, str, Glob, tuple[type, ...]]]]:
        """Numbers of ARNs, and patterns: a number, a piece of all ARNs that match, and whom variables tell by name."""
        exact: dict[str, list[int]] = {}
        globs: list[tuple[int, str, Glob, tuple[type, ...]]] = []
        statements = self._about_iam
        texts = dict.fromkeys(
            text
            for one in statements
            for text in (*(one.resources or ()), *(one.not_resources or ()))
            if text != "*" and _may_be_of_iam((*text.split(":", 3), "*", "*")[2])
        )
        for number, text in enumerate(dict.fromkeys(chain.from_iterable(map(self._with_tags, texts)))):
            if not set("*?$") & set(text):
                exact.setdefault(text, []).append(number)
                continue
            told_apart: tuple[type, ...] = ()
            if "$" in text:
                # Of its own name every user has another; who acts on other users is not told by that.
                is_others = "$" in text.replace("${aws:username}", "")
                told_apart = (User, Role, Group, ManagedPolicy) if is_others else (Group, ManagedPolicy)
            glob = Glob(tokens_of(with_variables_as_stars(parse_pieces(text, variables=True))))
            pieces = re.split(r"[*?]", text.partition("$")[0])
            globs.append((number, max(pieces, key=lambda piece: len(piece.rpartition("::")[2])), glob, told_apart))
        return exact, globs

    def made(self, path: EscalationPath) -> tuple[tuple[str, str], ...]:
        """Where a path of several calls can happen: the ARN of what it makes ("" for nothing), and a Region.

        That which no policy names comes first.
        """
        found = self._made.get(path)
        if found is None:
            every = tuple(dict.fromkeys(self._places(path)))
            if len(every) > _MOST_NEW:
                self.left_out[_TOO_MANY_NAMES] = None
            found = self._made[path] = every[:_MOST_NEW]
        return found

    def _places(self, path: EscalationPath) -> Iterator[tuple[str, str]]:
        services = {action.partition(":")[0] for action, on in path.steps if on in (On.MADE, On.ANY)}
        head, _, tail = path.makes.partition("{}")
        service = next((action.partition(":")[0] for action, on in path.steps if on is On.MADE), "")

        def at(region: str, name: str) -> tuple[str, str]:
            place = "" if service in GLOBAL_SERVICES else region
            start = f"arn:{self._account.partition}:{service}:{place}:{self._account.id}:"
            return (f"{start}{head}{name}{tail}" if path.makes else "", region)

        regions, patterns = {self._region: None}, {"*": None}
        for text in self._texts:
            parts = text.split(":", 5)
            if len(parts) < 6 or parts[2] not in services:
                continue
            if parts[3] and not set("*?$") & set(parts[3]):
                regions[parts[3]] = None
            pattern = parts[5].removeprefix(head).removesuffix(tail) if parts[2] == service else "*"
            if pattern and not set("$/:") & set(pattern):
                patterns[pattern] = None
        every = dict.fromkeys((*patterns, *self._mixed(patterns)))
        names = dict.fromkeys(one.replace("*", _NEW_RESOURCE).replace("?", "x") for one in every)
        yield from (at(region, name) for name, region in product(names, regions))

    def _mixed(self, patterns: Iterable[str]) -> Iterator[str]:
        """Patterns that begin as one pattern and end as another."""
        starred = [one for one in patterns if "*" in one]
        if len(starred) ** 2 > _MOST_MIXED:
            self.left_out[_TOO_MANY_NAMES] = None
        for one, other in islice(product(starred, starred), _MOST_MIXED):
            yield f"{one.partition('*')[0]}*{other.rpartition('*')[2]}"


def _spared(statement: Statement) -> tuple[str, ...]:
    """The resources that a Deny spares."""
    return (statement.not_resources or ()) if statement.effect == "Deny" else ()


def _may_be_of_iam(service: str) -> bool:
    return service.lower() == "iam" or "*" in service or "?" in service
