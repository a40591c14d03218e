"""Condition lines: one operator, one key, a list of values; true, false or undetermined.

Rules: IAM User Guide, condition operators, multiple keys and values, set operators, policy variables. A
comparison that cannot be made (a value that is not of the operator's type) does not hold, negated operators
included; a variable without a value matches nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from iamtui.policy.context import KeyState, RequestContext
from iamtui.policy.document import ConditionLine
from iamtui.policy.formula import ConditionLeaf, Truth
from iamtui.policy.options import LanguageOptions
from iamtui.policy.pattern import (
    Glob,
    Piece,
    Token,
    Unresolved,
    Variable,
    Wild,
    parse_pieces,
    resolve,
    tokens_of,
    variable_names,
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


_Comparer = Callable[[str, RequestContext], Comparison]


class SetOperator(Enum):
    """ForAllValues or ForAnyValue."""

    ALL = "forallvalues"
    ANY = "foranyvalue"


@dataclass(frozen=True, slots=True)
class Operator:
    """A condition operator taken apart: base in lower case ("stringequals"), negation, IfExists, set operator."""

    base: str
    negated: bool
    if_exists: bool
    over: SetOperator | None


_POSITIVE: Final = {
    "stringequals": "stringequals",
    "stringequalsignorecase": "stringequalsignorecase",
    "stringlike": "stringlike",
    "numericequals": "numericequals",
    "numericlessthan": "numericlessthan",
    "numericlessthanequals": "numericlessthanequals",
    "numericgreaterthan": "numericgreaterthan",
    "numericgreaterthanequals": "numericgreaterthanequals",
    "dateequals": "dateequals",
    "datelessthan": "datelessthan",
    "datelessthanequals": "datelessthanequals",
    "dategreaterthan": "dategreaterthan",
    "dategreaterthanequals": "dategreaterthanequals",
    "bool": "bool",
    "binaryequals": "binaryequals",
    "ipaddress": "ipaddress",
    "arnequals": "arnlike",
    "arnlike": "arnlike",
}
_NEGATED: Final = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
    "notipaddress": "ipaddress",
    "arnnotequals": "arnlike",
    "arnnotlike": "arnlike",
}


@lru_cache(maxsize=1024)
def parse_operator(text: str) -> Operator | None:
    """Take an operator apart, in any letter case; None when AWS has no such operator."""
    name = text.lower()
    over = None
    prefix, colon, rest = name.partition(":")
    if colon:
        over = next((kind for kind in SetOperator if kind.value == prefix), None)
        if over is None:
            return None
        name = rest
    if name == "null":
        return Operator("null", negated=False, if_exists=False, over=over)
    if_exists = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    if name in _POSITIVE:
        return Operator(_POSITIVE[name], negated=False, if_exists=if_exists, over=over)
    if name in _NEGATED:
        return Operator(_NEGATED[name], negated=True, if_exists=if_exists, over=over)
    return None


class CompiledCondition:
    """A condition line ready to be tested.

    `variable_keys` maps the lower-case keys of the variables in its values to their spelling.
    """

    __slots__ = (
        "_comparers",
        "_holds_for",
        "_literal",
        "_made_leaf",
        "_options",
        "_parsed",
        "key",
        "line",
        "operator",
        "variable_keys",
    )

    def __init__(self, line: ConditionLine, *, variables: bool, options: LanguageOptions) -> None:
        self.line = line
        self.key = line.key.lower() if ":" in line.key else ""
        self.operator = parse_operator(line.operator)
        self._options = options
        self._made_leaf: ConditionLeaf | None = None
        self._literal = not variables and any("${" in value for value in line.values)
        self.variable_keys: dict[str, str] = {}
        self._comparers: tuple[_Comparer, ...] | None = None
        self._parsed: tuple[tuple[Piece, ...], ...] = ()
        self._holds_for: Callable[[str], bool] | None = None
        operator = self.operator
        if operator is None or operator.base == "null":
            return
        takes_variables = variables and (
            operator.base.startswith(("string", "arn"))
            or (operator.base == "bool" and options.substitute_variables_in_bool)
        )
        self._parsed = tuple(
            parse_pieces(value, variables=takes_variables, wildcards=operator.base in ("stringlike", "arnlike"))
            for value in line.values
        )
        self.variable_keys = variable_names(piece for pieces in self._parsed for piece in pieces)
        make = _MAKERS_FOR_ONE.get(operator.base)
        if make is not None and operator.over is not SetOperator.ALL and not any(map(_has_variable, self._parsed)):
            self._holds_for = make(self._parsed, operator.negated, options)

    def test(self, context: RequestContext) -> Truth:
        """Whether the line holds for this context; a leaf when that depends on something unknown."""
        operator = self.operator
        if operator is None:
            return False
        values = context.lookup(self.key) if self.key else ()
        if self._holds_for is not None and type(values) is tuple and len(values) == 1:
            return self._holds_for(values[0])
        if operator.base == "null" and self._null_wants() is None:
            return False
        if values is KeyState.UNKNOWN:
            return self._leaf()
        if values is KeyState.PRESENT:
            return self._test_present() if operator.base == "null" else self._leaf()
        assert not isinstance(values, KeyState)
        if not values:
            return self._test_absent(operator)
        if operator.base == "null":
            return self._test_null(operator, values)
        return self._test_values(operator, values, context)

    def _leaf(self) -> ConditionLeaf:
        if self._made_leaf is None:
            self._made_leaf = ConditionLeaf(self.line.operator, self.line.key, self.line.values, literal=self._literal)
        return self._made_leaf

    def _null_wants(self) -> frozenset[bool] | None:
        """Which states of nullness the values name; None when no value is true or false."""
        wanted = frozenset(parsed for value in self.line.values if (parsed := parse_policy_bool(value)) is not None)
        return wanted or None

    def _test_absent(self, operator: Operator) -> bool:
        if operator.base == "null":
            if operator.over is not None:
                return operator.over is SetOperator.ALL
            wanted = self._null_wants()
            return wanted is not None and True in wanted
        if operator.if_exists:
            return True
        if operator.over is not None:
            return operator.over is SetOperator.ALL
        return operator.negated

    def _test_present(self) -> bool:
        wanted = self._null_wants()
        return wanted is not None and False in wanted

    def _test_null(self, operator: Operator, values: tuple[str, ...]) -> bool:
        wanted = self._null_wants()
        assert wanted is not None
        if operator.over is None:
            return (values == ("",)) in wanted
        if values == ("",):
            return operator.over is SetOperator.ALL
        holds = [(value == "") in wanted for value in values]
        return all(holds) if operator.over is SetOperator.ALL else any(holds)

    def _test_values(self, operator: Operator, values: tuple[str, ...], context: RequestContext) -> Truth:
        if operator.over is None and len(values) > 1 and not self._options.compare_multivalued_keys:
            return operator.negated
        if operator.over is SetOperator.ALL and values == ("",):
            return True
        if len(values) == 1:
            holds = self._holds(operator.negated, values[0], context)
            return self._leaf() if holds is None else holds
        hold = [self._holds(operator.negated, value, context) for value in values]
        if operator.over is SetOperator.ALL or (operator.over is None and operator.negated):
            result = False if False in hold else None if None in hold else True
        else:
            result = True if True in hold else None if None in hold else False
        return self._leaf() if result is None else result

    def _holds(self, negated: bool, value: str, context: RequestContext) -> bool | None:
        """Whether the comparison holds for one request value; None when undetermined."""
        undetermined = bad = False
        for comparer in self._all_comparers():
            outcome = comparer(value, context)
            if outcome is _YES:
                return not negated
            if outcome is Comparison.UNDETERMINED:
                undetermined = True
            elif outcome is not _NO:
                bad = True
        if negated and bad:
            return False
        return None if undetermined else negated

    def _all_comparers(self) -> tuple[_Comparer, ...]:
        """What compares with each policy value, made when first needed."""
        if self._comparers is None:
            make = _MAKERS[self.operator.base] if self.operator is not None and self.operator.base != "null" else None
            self._comparers = (
                ()
                if make is None
                else tuple(
                    make(value, pieces, self._options)
                    for value, pieces in zip(self.line.values, self._parsed, strict=True)
                )
            )
        return self._comparers

    def compare(self, value: str, context: RequestContext) -> tuple[Comparison, ...]:
        """How one request value compares with each policy value in turn, for the trace."""
        return tuple(comparer(value, context) for comparer in self._all_comparers())


_Maker = Callable[[str, tuple[Piece, ...], LanguageOptions], _Comparer]


def _variable_text(
    pieces: tuple[Piece, ...], options: LanguageOptions, compare: Callable[[tuple[Piece, ...], str], Comparison]
) -> _Comparer:
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


def _has_variable(pieces: tuple[Piece, ...]) -> bool:
    return any(isinstance(piece, Variable) for piece in pieces)


def _plain(pieces: Sequence[Piece]) -> str:
    """The text of resolved pieces; a wildcard stands for its own character."""
    return "".join(
        piece if isinstance(piece, str) else piece.value for piece in pieces if not isinstance(piece, Variable)
    )


def _string_equals(_value: str, pieces: tuple[Piece, ...], options: LanguageOptions) -> _Comparer:
    if _has_variable(pieces):
        return _variable_text(pieces, options, lambda resolved, value: _YES if _plain(resolved) == value else _NO)
    wanted = _plain(pieces)
    return lambda value, _context: _YES if value == wanted else _NO


def _string_equals_ignore_case(_value: str, pieces: tuple[Piece, ...], options: LanguageOptions) -> _Comparer:
    def same(resolved: tuple[Piece, ...], value: str) -> Comparison:
        return _YES if lower_each(_plain(resolved)) == lower_each(value) else _NO

    if _has_variable(pieces):
        return _variable_text(pieces, options, same)
    wanted = lower_each(_plain(pieces))
    return lambda value, _context: _YES if lower_each(value) == wanted else _NO


def _string_like(_value: str, pieces: tuple[Piece, ...], options: LanguageOptions) -> _Comparer:
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


def _arn_like(_value: str, pieces: tuple[Piece, ...], options: LanguageOptions) -> _Comparer:
    if pieces == (Wild.STAR,) and options.bare_star_in_arn_operator:
        return lambda _value, _context: _YES
    if _has_variable(pieces):
        with_values = _variable_text(
            pieces, options, lambda resolved, value: _compare_arn(_arn_fields(resolved), value)
        )
        # Text that is no ARN compares with nothing, whatever the variables turn out to be.
        return lambda value, context: with_values(value, context) if value.count(":") >= 5 else Comparison.BAD_VALUE
    fields = _arn_fields(pieces)
    return lambda value, _context: _compare_arn(fields, value)


def _typed(
    parse: Callable[[str], object | None],
    holds: Callable[..., bool],
    parse_pattern: Callable[[str], object | None] | None = None,
) -> _Maker:
    """Compare values of one type; `holds(request value, policy value)`."""

    def make(text: str, _pieces: tuple[Piece, ...], _options: LanguageOptions) -> _Comparer:
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


def _bool(_value: str, pieces: tuple[Piece, ...], options: LanguageOptions) -> _Comparer:
    def compare(resolved: tuple[Piece, ...], value: str) -> Comparison:
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


# What one request value comes to against all policy values of a line that has no variables and where the value is
# not one of a set that has to match as a whole: the same as comparing with one after the other, only faster.

_MakerForOne = Callable[[tuple[tuple[Piece, ...], ...], bool, LanguageOptions], Callable[[str], bool]]


def _one_string_equals(
    parsed: tuple[tuple[Piece, ...], ...], negated: bool, _options: LanguageOptions
) -> Callable[[str], bool]:
    wanted = frozenset(map(_plain, parsed))
    return lambda value: (value in wanted) is not negated


def _one_string_like(
    parsed: tuple[tuple[Piece, ...], ...], negated: bool, _options: LanguageOptions
) -> Callable[[str], bool]:
    globs = tuple(Glob(tokens_of(pieces)) for pieces in parsed)

    def holds(value: str) -> bool:
        for glob in globs:
            if glob.matches(value):
                return not negated
        return negated

    return holds


def _one_bool(
    parsed: tuple[tuple[Piece, ...], ...], _negated: bool, _options: LanguageOptions
) -> Callable[[str], bool]:
    wanted = frozenset(map(parse_policy_bool, map(_plain, parsed)))
    return lambda value: (value.lower() == "true") in wanted


def _one_arn_like(
    parsed: tuple[tuple[Piece, ...], ...], negated: bool, options: LanguageOptions
) -> Callable[[str], bool]:
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
