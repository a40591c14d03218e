"""ARNs made up from patterns, in plain letters: the resources on which an answer about a set is shown to hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from iamtui.policy.patterns import STARS, Glob, Token, Wild

_ARN_FIELDS: Final = 5
_FIRST_PRIVATE, _LAST_PRIVATE = "\ue000", "\uf8ff"
_LETTERS: Final = "xabcdefghijklmnopqrstuvwyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.+=@,"
"""What names are made of, the likeliest first."""
_REGIONS: Final = {
    "aws": ("eu-west-1", "us-east-1", "us-west-2", "eu-central-1", "ap-southeast-2"),
    "aws-cn": ("cn-north-1", "cn-northwest-1"),
    "aws-us-gov": ("us-gov-west-1", "us-gov-east-1"),
}
_ACCOUNT: Final = "123456789012"
_MANAGED_POLICY: Final = "policy/ReadOnlyAccess"


class ArnDefaults(NamedTuple):
    """What stands in the fields of a made-up ARN where nothing else is named: service and Region, or ""."""

    service: str
    region: str


def spelled(tokens: Sequence[Token], around: ArnDefaults, letter: str = _LETTERS[0]) -> str:
    """An ARN that a pattern matches.

    Args:
        tokens: with all six fields of an ARN.
        letter: what stands for the wildcards of names.
    """
    fields = _fields(tokens)
    names = (_MANAGED_POLICY,) if fields[4] == list("aws") else ()
    likely: tuple[tuple[str, ...], ...] = (
        (),
        tuple(_REGIONS),
        (around.service,),
        (around.region, *_regions(fields[1])),
        (_ACCOUNT,),
        names,
    )
    made: list[str] = []
    for field, words in zip(fields, likely, strict=True):
        glob = Glob(field)
        known = next((word for word in words if word and glob.matches(word)), None)
        if known is None:
            known = _account(field) if len(made) == _ARN_FIELDS - 1 else _filled(field, letter)
        made.append(known)
    return ":".join(made)


def _account(field: Sequence[Token]) -> str:
    """An account that a pattern matches: of as many digits as accounts have, if there is one."""
    missing = len(_ACCOUNT) - sum(token not in STARS for token in field)
    for place, token in enumerate(field):
        if token in STARS and missing >= 0:
            rest = [one for one in field[place + 1 :] if one not in STARS]
            return "".join(one if isinstance(one, str) else "1" for one in [*field[:place], *"1" * missing, *rest])
    return _filled(field, "1")


def spellings(text: str, around: ArnDefaults) -> Iterator[str]:
    """A text in which characters for private use stand for any, with characters of names instead."""
    exact: list[Token] = []
    wide: list[Token] = []
    for character in text:
        if not _FIRST_PRIVATE <= character <= _LAST_PRIVATE:
            exact.append(character)
            wide.append(character)
            continue
        exact.append(Wild.ONE)
        # What stands in one of the first fields may be longer.
        wide += (Wild.FIELD_ONE, Wild.FIELD_STAR) if exact.count(":") < _ARN_FIELDS else (Wild.ONE,)
    for region in (around.region, *_regions(_fields(list(text))[1])):
        yield spelled(wide, around._replace(region=region))
    for tokens in (wide, exact):
        for letter in _LETTERS:
            yield spelled(tokens, around, letter)


def _regions(partition: Sequence[Token]) -> tuple[str, ...]:
    glob = Glob(partition)
    return next((regions for name, regions in _REGIONS.items() if glob.matches(name)), _REGIONS["aws"])


def _fields(tokens: Sequence[Token]) -> list[list[Token]]:
    fields: list[list[Token]] = [[]]
    for token in tokens:
        if token == ":" and len(fields) <= _ARN_FIELDS:
            fields.append([])
        else:
            fields[-1].append(token)
    while len(fields) <= _ARN_FIELDS:
        fields.append([])
    return fields


def _filled(tokens: Sequence[Token], letter: str) -> str:
    """The text with each run of wildcards as one letter, or as many as it has to be."""
    made: list[str] = []
    position = 0
    while position < len(tokens):
        token = tokens[position]
        if isinstance(token, str):
            made.append(token)
            position += 1
            continue
        end = position
        while end < len(tokens) and isinstance(tokens[end], Wild):
            end += 1
        run = tokens[position:end]
        least = sum(one not in STARS for one in run)
        is_open = least < len(run)
        is_whole = (position == 0 or tokens[position - 1] in ("/", ":")) and end < len(tokens) and tokens[end] == "/"
        if is_whole and is_open and least <= len("example") and letter == _LETTERS[0]:
            made.append("example")
        else:
            made.append(letter * max(least, 1))
        position = end
    return "".join(made)
