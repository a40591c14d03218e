"""Action and NotAction elements (IAM User Guide: Action element): compared without regard to letter case."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from iamtui.policy.patterns import Glob, parse_pieces, tokens_of


class ActionName(NamedTuple):
    """An action in lower case, cut at its first colon.

    Args:
        full: `service:name`.
    """

    service: str
    name: str
    full: str


def action_name(text: str) -> ActionName:
    """Cut an action at its first colon; an action without a colon has an empty name."""
    service, _, name = text.lower().partition(":")
    return ActionName(service, name, f"{service}:{name}")


@lru_cache(maxsize=16384)
def _name_glob(pattern: str) -> Glob:
    return Glob(tokens_of(parse_pieces(pattern, variables=False)))


class NamePatterns:
    """The entries of one element for one service; sorted by what they cost when they are first asked."""

    __slots__ = ("_waiting", "everything", "exact", "globs", "prefixes")

    def __init__(self, names: list[str]) -> None:
        self._waiting: list[str] | None = names
        self.everything = any(not name.strip("*") for name in names)
        self.exact: frozenset[str] = frozenset()
        self.prefixes: tuple[str, ...] = ()
        self.globs: tuple[Glob, ...] = ()

    def _sort(self, names: list[str]) -> None:
        exact: list[str] = []
        prefixes: list[str] = []
        globs: list[Glob] = []
        for name in names:
            stars = name.count("*")
            if "?" not in name and not stars:
                exact.append(name)
            elif stars == 1 and name[-1] == "*" and "?" not in name:
                prefixes.append(name[:-1])
            else:
                globs.append(_name_glob(name))
        self.exact = frozenset(exact)
        self.prefixes = tuple(prefixes)
        self.globs = tuple(globs)
        # Last, so that another thread that asks meanwhile sorts for itself instead of finding half of it.
        self._waiting = None

    def match(self, name: str) -> bool:
        """Whether one of the entries matches the name of an action."""
        if self.everything:
            return True
        # Read once, because another thread may be done with sorting meanwhile.
        waiting = self._waiting
        if waiting is not None:
            self._sort(waiting)
        if name in self.exact or (self.prefixes and name.startswith(self.prefixes)):
            return True
        # Spelled out, because a statement of a thousand names is asked for every decision.
        for glob in self.globs:  # noqa: SIM110
            if glob.matches(name):
                return True
        return False


class ActionElement:
    """The compiled Action or NotAction of a statement.

    `*` and `*:*` match every action. Otherwise the service is compared literally and only the name is
    globbed; an entry of another form (no colon, blanks, an empty name) matches nothing.
    """

    __slots__ = ("_by_service", "_everything", "negated", "nothing")

    def __init__(self, entries: tuple[str, ...], *, negated: bool) -> None:
        self.negated = negated
        self.nothing = not entries
        self._everything = False
        names: dict[str, list[str]] = {}
        for entry in entries:
            text = entry.lower()
            if text in ("*", "*:*"):
                self._everything = True
                continue
            service, colon, name = text.partition(":")
            if colon and name:
                names.setdefault(service, []).append(name)
        self._by_service = {service: NamePatterns(listed) for service, listed in names.items()}

    @property
    def services(self) -> frozenset[str] | None:
        """The services whose actions can match, or None for any."""
        if self.nothing:
            return frozenset()
        if self.negated or self._everything:
            return None
        return frozenset(self._by_service)

    def whole_service(self, service: str) -> bool | None:
        """Whether it matches every action of a service (True), or none of them (False); None: some of them."""
        if self.nothing:
            return False
        if self._everything:
            return not self.negated
        patterns = self._by_service.get(service)
        if patterns is None:
            return self.negated
        return not self.negated if patterns.everything else None

    def names_of(self, service: str) -> NamePatterns:
        return self._by_service[service]

    def matches(self, action: ActionName) -> bool:
        """Whether the statement is about this action."""
        if self.nothing:
            return False
        if self._everything:
            return not self.negated
        patterns = self._by_service.get(action.service)
        return (patterns is not None and patterns.match(action.name)) is not self.negated
