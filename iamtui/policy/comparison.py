"""Comparing a value of a request with the values of a condition line, operator by operator.

Rules: IAM User Guide, condition operators and policy variables. A variable without a value matches nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final, TypeAlias

from iamtui.policy.context import RequestContext
from iamtui.policy.options import LanguageOptions
from iamtui.policy.pattern import (
    Glob,
    Piece,
    Token,
    Unresolved,
    Variable,
    Wild,
    resolve,
    tokens_of,
)
from iamtui.policy.values import (
    lower_each,
    network_contains,
    parse_binary,
    parse_date,
    parse_network,
    parse_number,
    parse_policy_bool,
)


class Comparison(Enum):
    """What comparing one request value with one policy value gives."""

    YES = "yes"
    NO = "no"
    BAD_VALUE = "bad value"
    """The request value is not of the operator's type."""
    BAD_PATTERN = "bad pattern"
    """The policy value is not of the operator's type."""
    UNDETERMINED = "undetermined"


_YES, _NO = Comparison.YES, Comparison.NO


Comparer: TypeAlias = Callable[[str, RequestContext], Comparison]
"""Compares a value of the request with one policy value."""

Pieces: TypeAlias = tuple[Piece, ...]
"""A policy value, cut at its variables and wildcards."""

_Maker = Callable[[str, Pieces, LanguageOptions], Comparer]


def _variable_text(pieces: Pieces, options: LanguageOptions, compare: Callable[[Pieces, str], Comparison]) -> Comparer:
    """Compare with a pattern that has variables, put together for each request."""

    def comparer(value: str, context: RequestContext) -> Comparison:
        resolved = resolve(pieces, context, wildcards_in_values=options.wildcards_in_substituted_values)
        if resolved is Unresolved.NO_VALUE:
            return _NO
        if resolved is Unresolved.UNKNOWN:
            return Comparison.UNDETERMINED
        assert not isinstance(resolved, Unresolved)
        return compare(resolved, value)

    return comparer


def _has_variable(pieces: Pieces) -> bool:
    return any(isinstance(piece, Variable) for piece in pieces)


def _plain(pieces: Sequence[Piece]) -> str:
    """The text of resolved pieces; a wildcard stands for its own character."""
    return "".join(
        piece if isinstance(piece, str) else piece.value for piece in pieces if not isinstance(piece, Variable)
    )


def _string_equals(_value: str, pieces: Pieces, options: LanguageOptions) -> Comparer:
    if _has_variable(pieces):
        return _variable_text(pieces, options, lambda resolved, value: _YES if _plain(resolved) == value else _NO)
    wanted = _plain(pieces)
    return lambda value, _context: _YES if value == wanted else _NO


def _string_equals_ignore_case(_value: str, pieces: Pieces, options: LanguageOptions) -> Comparer:
    def same(resolved: Pieces, value: str) -> Comparison:
        return _YES if lower_each(_plain(resolved)) == lower_each(value) else _NO

    if _has_variable(pieces):
        return _variable_text(pieces, options, same)
    wanted = lower_each(_plain(pieces))
    return lambda value, _context: _YES if lower_each(value) == wanted else _NO


def _string_like(_value: str, pieces: Pieces, options: LanguageOptions) -> Comparer:
    if _has_variable(pieces):
        return _variable_text(
            pieces, options, lambda resolved, value: _YES if Glob(tokens_of(resolved)).matches(value) else _NO
        )
    glob = Glob(tokens_of(pieces))
    return lambda value, _context: _YES if glob.matches(value) else _NO


def _split_fields(tokens: Sequence[Token]) -> list[Sequence[Token]] | None:
    """Cut the tokens of an ARN pattern at the first five colons; None when there are fewer."""
    fields: list[Sequence[Token]] = []
    start = 0
    for i, token in enumerate(tokens):
        if token == ":":
            fields.append(tokens[start:i])
            start = i + 1
            if len(fields) == 5:
                fields.append(tokens[start:])
                return fields
    return None


_Field = Glob | str | None
"""One field of an ARN pattern: a text to equal, a pattern to match, or None for anything."""


def _arn_fields(pieces: Sequence[Piece]) -> tuple[_Field, ...] | None:
    fields = _split_fields(tokens_of(pieces))
    return None if fields is None else tuple(map(_arn_field, fields))


def _arn_field(tokens: Sequence[Token]) -> _Field:
    if tuple(tokens) == (Wild.STAR,):
        return None
    if any(isinstance(token, Wild) for token in tokens):
        return Glob(tokens)
    return "".join(token for token in tokens if isinstance(token, str))


def _compare_arn(fields: tuple[_Field, ...] | None, value: str) -> Comparison:
    if fields is None:
        return Comparison.BAD_PATTERN
    parts = value.split(":", 5)
    if len(parts) != 6:
        return Comparison.BAD_VALUE
    for field, part in zip(fields, parts, strict=True):
        if field is None:
            continue
        if isinstance(field, str):
            if field != part:
                return _NO
        elif not field.matches(part):
            return _NO
    return _YES


def _arn_like(_value: str, pieces: Pieces, options: LanguageOptions) -> Comparer:
    if pieces == (Wild.STAR,) and options.bare_star_in_arn_operator:
        return lambda _value, _context: _YES
    if _has_variable(pieces):
        with_values = _variable_text(
            pieces, options, lambda resolved, value: _compare_arn(_arn_fields(resolved), value)
        )
        # Text that is not an ARN compares with nothing, whatever the variables turn out to be.
        return lambda value, context: with_values(value, context) if value.count(":") >= 5 else Comparison.BAD_VALUE
    fields = _arn_fields(pieces)
    return lambda value, _context: _compare_arn(fields, value)


def _typed(
    parse: Callable[[str], object | None],
    holds: Callable[..., bool],
    parse_pattern: Callable[[str], object | None] | None = None,
) -> _Maker:
    """Compare values of one type; `holds(request value, policy value)`."""

    def make(text: str, _pieces: Pieces, _options: LanguageOptions) -> Comparer:
        wanted = (parse_pattern or parse)(text)

        def comparer(value: str, _context: RequestContext) -> Comparison:
            seen = parse(value)
            if seen is None:
                return Comparison.BAD_VALUE
            if wanted is None:
                return Comparison.BAD_PATTERN
            return _YES if holds(seen, wanted) else _NO

        return comparer

    return make


def _bool(_value: str, pieces: Pieces, options: LanguageOptions) -> Comparer:
    def compare(resolved: Pieces, value: str) -> Comparison:
        wanted = parse_policy_bool(_plain(resolved))
        if wanted is None:
            return Comparison.BAD_PATTERN
        return _YES if (value.lower() == "true") is wanted else _NO

    if _has_variable(pieces):
        return _variable_text(pieces, options, compare)
    return lambda value, _context: compare(pieces, value)


_MAKERS: Final[dict[str, _Maker]] = {
    "stringequals": _string_equals,
    "stringequalsignorecase": _string_equals_ignore_case,
    "stringlike": _string_like,
    "arnlike": _arn_like,
    "bool": _bool,
    "binaryequals": _typed(parse_binary, lambda seen, wanted: seen == wanted),
    "ipaddress": _typed(parse_network, lambda seen, wanted: network_contains(wanted, seen)),
    "numericequals": _typed(parse_number, lambda seen, wanted: seen == wanted),
    "numericlessthan": _typed(parse_number, lambda seen, wanted: seen < wanted),
    "numericlessthanequals": _typed(parse_number, lambda seen, wanted: seen <= wanted),
    "numericgreaterthan": _typed(parse_number, lambda seen, wanted: seen > wanted),
    "numericgreaterthanequals": _typed(parse_number, lambda seen, wanted: seen >= wanted),
    "dateequals": _typed(parse_date, lambda seen, wanted: seen == wanted),
    "datelessthan": _typed(parse_date, lambda seen, wanted: seen < wanted),
    "datelessthanequals": _typed(parse_date, lambda seen, wanted: seen <= wanted),
    "dategreaterthan": _typed(parse_date, lambda seen, wanted: seen > wanted),
    "dategreaterthanequals": _typed(parse_date, lambda seen, wanted: seen >= wanted),
}


def comparers(
    base: str, values: tuple[str, ...], parsed: tuple[Pieces, ...], options: LanguageOptions
) -> tuple[Comparer, ...]:
    """What compares with each policy value in turn.

    Args:
        base: the operator without negation, IfExists and set operator, in lower case.
        values, parsed: the policy values, as written and cut; none are cut for Null, which compares with nothing.
    """
    return tuple(_MAKERS[base](value, pieces, options) for value, pieces in zip(values, parsed, strict=False))


_MakerForOne = Callable[[tuple[Pieces, ...], bool, LanguageOptions], Callable[[str], bool]]


def _one_string_equals(parsed: tuple[Pieces, ...], negated: bool, _options: LanguageOptions) -> Callable[[str], bool]:
    wanted = frozenset(map(_plain, parsed))
    return lambda value: (value in wanted) is not negated


def _one_string_like(parsed: tuple[Pieces, ...], negated: bool, _options: LanguageOptions) -> Callable[[str], bool]:
    globs = tuple(Glob(tokens_of(pieces)) for pieces in parsed)

    def holds(value: str) -> bool:
        for glob in globs:
            if glob.matches(value):
                return not negated
        return negated

    return holds


def _one_bool(parsed: tuple[Pieces, ...], _negated: bool, _options: LanguageOptions) -> Callable[[str], bool]:
    wanted = frozenset(map(parse_policy_bool, map(_plain, parsed)))
    return lambda value: (value.lower() == "true") in wanted


def _one_arn_like(parsed: tuple[Pieces, ...], negated: bool, options: LanguageOptions) -> Callable[[str], bool]:
    everything = options.bare_star_in_arn_operator and (Wild.STAR,) in parsed
    patterns = [_arn_fields(pieces) for pieces in parsed]
    bad_pattern = None in patterns
    # The last field, in which ARNs differ most, is looked at first.
    tests = tuple(
        tuple((index, field) for index, field in reversed(tuple(enumerate(fields))) if field is not None)
        for fields in patterns
        if fields is not None
    )

    def holds(value: str) -> bool:
        if everything:
            return not negated
        parts = value.split(":", 5)
        if len(parts) != 6:
            # It compares with no pattern; where there is none, nothing stands against a negated line.
            return negated and not parsed
        for fields in tests:
            for index, field in fields:
                if not (field == parts[index] if isinstance(field, str) else field.matches(parts[index])):
                    break
            else:
                return not negated
        return negated and not bad_pattern

    return holds


_MAKERS_FOR_ONE: Final[dict[str, _MakerForOne]] = {
    "stringequals": _one_string_equals,
    "stringlike": _one_string_like,
    "bool": _one_bool,
    "arnlike": _one_arn_like,
}


def single_value_test(
    base: str, parsed: tuple[Pieces, ...], options: LanguageOptions, *, negated: bool
) -> Callable[[str], bool] | None:
    """What one request value comes to against all policy values, where no other value and no variable takes part.

    The same as comparing with one after the other, only faster; None: this operator or a variable needs that.
    """
    make = _MAKERS_FOR_ONE.get(base)
    return None if make is None or any(map(_has_variable, parsed)) else make(parsed, negated, options)
