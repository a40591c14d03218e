"""One resource of each kind out of a set: two are of one kind when the same patterns match both.

Plain and slow: all patterns are read side by side, a character at a time, and wherever what is left of them is the
same as before, nothing new can follow.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from .patterns import Token, shares

SOMETHING: list[Token] = [("one", False), ("run", False)]


def arn(partition: str = "", service: str = "") -> list[Token]:
    """Any ARN: a partition, a service and a name, perhaps a Region and an account; "" stands for any of them."""

    def field(text: str) -> list[Token]:
        return [("char", character) for character in text] or SOMETHING

    return [
        *field("arn:"),
        *field(partition),
        ("char", ":"),
        *field(service),
        ("char", ":"),
        *[("run", False), ("char", ":")] * 2,
        ("one", True),
        ("run", True),
    ]


ARN_SERVICES: dict[str, tuple[str, ...]] = {
    "ec2:runinstances": ("ec2", "elastic-inference", "license-manager", "resource-groups"),
    "s3:nope": ("",),
    "s3:probe": ("",),
}
"""What the ARNs of an action's resources have in their service field ("" is any), where it is not the service."""


def arn_services(action: str) -> tuple[str, ...]:
    """What the ARNs of the resources of an action, in lower case, have in their service field."""
    service = action.split(":", maxsplit=1)[0]
    return ARN_SERVICES.get(action, ("iam",) if service == "sts" else (service,))


def ways_to_be_in(asked: list[Token], principal: str, services: tuple[str, ...]) -> list[list[list[Token]]]:
    """What each resource of a set matches, in one way or another.

    That is the set, and an ARN of the caller's partition and one of the services, where one can be in it, or else any
    ARN.
    """
    partition = principal.split(":")[1] if principal.startswith("arn:") else ""
    for shapes in ([arn(partition, service) for service in services], [arn()]):
        within = [shape for shape in shapes if shares(shape, asked)]
        if within:
            return [[asked, shape] for shape in within]
    return [[asked]]


MOST_STATES = 6000
"""How far to read; what needs more is left to the engine alone."""

Places = frozenset[int]


class TooMany(Exception):
    """The patterns of a scenario overlap in too many ways to try them all."""


def _resting(pattern: list[Token], places: set[int]) -> Places:
    """The places in a pattern, and those behind the runs there, which may stand for nothing."""
    result = set(places)
    for place in range(len(pattern)):
        if place in result and pattern[place][0] == "run":
            result.add(place + 1)
    return frozenset(result)


def _behind(pattern: list[Token], places: Places, character: str) -> Places:
    result = set()
    for place in places:
        if place == len(pattern):
            continue
        kind, detail = pattern[place]
        if kind == "char":
            if detail == character:
                result.add(place + 1)
        elif detail or character != ":":
            result.add(place if kind == "run" else place + 1)
    return _resting(pattern, result)


def one_of_each_kind(needed: list[list[Token]], others: list[list[Token]]) -> Iterator[str]:
    """A text for each kind, of those that all needed patterns match.

    Raises:
        TooMany: there are more ways than are tried.
    """
    patterns = [*needed, *others]
    used = {detail for pattern in patterns for kind, detail in pattern if kind == "char"}
    other = next(character for character in map(chr, range(0x3B1, 0x3FF)) if character not in used)
    start = tuple(_resting(pattern, {0}) for pattern in patterns)
    seen = {start}
    waiting = deque([(start, "")])
    kinds = set()
    while waiting:
        state, text = waiting.popleft()
        matched = tuple(len(pattern) in places for pattern, places in zip(patterns, state, strict=True))
        if all(matched[: len(needed)]) and matched not in kinds:
            kinds.add(matched)
            yield text
        following = {":", other}
        for pattern, places in zip(patterns, state, strict=True):
            following |= {pattern[place][1] for place in places if place < len(pattern) and pattern[place][0] == "char"}
        for character in sorted(following):
            there = tuple(_behind(pattern, places, character) for pattern, places in zip(patterns, state, strict=True))
            if all(there[: len(needed)]) and there not in seen:
                seen.add(there)
                waiting.append((there, text + character))
        if len(seen) > MOST_STATES:
            raise TooMany
