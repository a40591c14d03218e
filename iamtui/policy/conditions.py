"""Condition lines: one operator, one key, a list of values; true, false or undetermined.

Rules: IAM User Guide, condition operators, multiple keys and values, set operators, policy variables. A
comparison that cannot be made (a value that is not of the operator's type) does not hold, negated operators
included; a variable without a value matches nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final, TypeAlias

from iamtui.policy.context import (
    AtLeast,
    Beginning,
    ConditionLeaf,
    KeyState,
    KnownInPart,
    Moment,
    RequestContext,
    Truth,
)
from iamtui.policy.document import ConditionLine, key_fault
from iamtui.policy.patterns import (
    Glob,
    Piece,
    Token,
    Unresolved,
    Wild,
    has_variable,
    one_variable_match,
    parse_pieces,
    pieces_match,
    plain_text,
    resolve,
    tokens_of,
    variable_names,
)
from iamtui.policy.types import LanguageOptions
from iamtui.policy.values import (
    Operator,
    SetOperator,
    lower_each,
    network_contains,
    parse_binary,
    parse_date,
    parse_network,
    parse_number,
    parse_operator,
    parse_policy_bool,
)

# Comparing a value of a request with the values of a condition line, operator by operator.


class ComparisonResult(Enum):
    """Result of comparing one request value with one policy value."""

    YES = "yes"
    NO = "no"
    BAD_VALUE = "bad value"
    """The request value is not of the operator's type."""
    BAD_PATTERN = "bad pattern"
    """The policy value is not of the operator's type."""
    UNDETERMINED = "undetermined"


_YES, _NO = ComparisonResult.YES, ComparisonResult.NO


Comparer: TypeAlias = Callable[[str, RequestContext], ComparisonResult]
"""Compares a value of the request with one policy value."""

Pieces: TypeAlias = tuple[Piece, ...]
"""A policy value, cut at its variables and wildcards."""

_Maker = Callable[[str, Pieces, LanguageOptions], Comparer]


def _variable_text(
    pieces: Pieces, options: LanguageOptions, compare: Callable[[Pieces, str], ComparisonResult], by_length: bool = True
) -> Comparer:
    """Compare with a pattern that has variables, put together for each request; `by_length`: no longer than a value."""
    wildcards = options.wildcards_in_substituted_values

    def comparer(value: str, context: RequestContext) -> ComparisonResult:
        longest = len(value) if by_length else None
        resolved = resolve(pieces, context, wildcards_in_values=wildcards, longest=longest)
        if resolved is Unresolved.NO_VALUE:
            return _NO
        if resolved is Unresolved.UNKNOWN:
            return ComparisonResult.UNDETERMINED
        assert not isinstance(resolved, Unresolved)
        return compare(resolved, value)

    return comparer


def _text_with_variable(pieces: Pieces, options: LanguageOptions, whole: Comparer) -> Comparer:
    """The same as comparing with the `whole` text, which is put together only where it must be."""
    matches = None if options.wildcards_in_substituted_values else one_variable_match(pieces)
    return whole if matches is None else lambda value, context: _FOUND[matches(value, context)] or whole(value, context)


_FOUND: Final = {True: _YES, False: _NO, None: None}


def _string_equals(_value: str, pieces: Pieces, options: LanguageOptions) -> Comparer:
    if has_variable(pieces):
        whole = _variable_text(pieces, options, lambda resolved, value: _YES if plain_text(resolved) == value else _NO)
        return _text_with_variable(pieces, options, whole)
    wanted = plain_text(pieces)
    return lambda value, _context: _YES if value == wanted else _NO


def _string_equals_ignore_case(_value: str, pieces: Pieces, options: LanguageOptions) -> Comparer:
    def same(resolved: Pieces, value: str) -> ComparisonResult:
        return _YES if lower_each(plain_text(resolved)) == lower_each(value) else _NO

    if has_variable(pieces):
        return _variable_text(pieces, options, same, by_length=False)
    wanted = lower_each(plain_text(pieces))
    return lambda value, _context: _YES if lower_each(value) == wanted else _NO


def _string_like(_value: str, pieces: Pieces, options: LanguageOptions) -> Comparer:
    if has_variable(pieces):
        whole = _variable_text(pieces, options, lambda resolved, value: _YES if pieces_match(resolved, value) else _NO)
        return _text_with_variable(pieces, options, whole)
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


def _compare_arn(fields: tuple[_Field, ...] | None, value: str) -> ComparisonResult:
    if fields is None:
        return ComparisonResult.BAD_PATTERN
    parts = value.split(":", 5)
    if len(parts) != 6:
        return ComparisonResult.BAD_VALUE
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
    if has_variable(pieces):
        with_values = _variable_text(
            pieces, options, lambda resolved, value: _compare_arn(_arn_fields(resolved), value)
        )
        # Text that is not an ARN compares with nothing, whatever the variables turn out to be.
        return lambda value, context: (
            with_values(value, context) if value.count(":") >= 5 else ComparisonResult.BAD_VALUE
        )
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

        def comparer(value: str, _context: RequestContext) -> ComparisonResult:
            seen = parse(value)
            if seen is None:
                return ComparisonResult.BAD_VALUE
            if wanted is None:
                return ComparisonResult.BAD_PATTERN
            return _YES if holds(seen, wanted) else _NO

        return comparer

    return make


def _bool(_value: str, pieces: Pieces, options: LanguageOptions) -> Comparer:
    def compare(resolved: Pieces, value: str) -> ComparisonResult:
        wanted = parse_policy_bool(plain_text(resolved))
        if wanted is None:
            return ComparisonResult.BAD_PATTERN
        return _YES if (value.lower() == "true") is wanted else _NO

    if has_variable(pieces):
        return _variable_text(pieces, options, compare, by_length=False)
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
    """Comparison functions, one for each policy value.

    Args:
        base: the operator without negation, IfExists and set operator, in lower case.
        values, parsed: the policy values, as written and cut; none are cut for Null, which compares with nothing.
    """
    return tuple(_MAKERS[base](value, pieces, options) for value, pieces in zip(values, parsed, strict=False))


_MakerForOne = Callable[[tuple[Pieces, ...], bool, LanguageOptions], Callable[[str], bool]]


def _one_string_equals(parsed: tuple[Pieces, ...], negated: bool, _options: LanguageOptions) -> Callable[[str], bool]:
    wanted = frozenset(map(plain_text, parsed))
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
    wanted = frozenset(map(parse_policy_bool, map(plain_text, parsed)))
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
    """Test of one request value against all policy values, where no other value and no variable takes part.

    The same as comparing with one after the other, only faster; None: this operator or a variable needs that.
    """
    make = _MAKERS_FOR_ONE.get(base)
    return None if make is None or any(map(has_variable, parsed)) else make(parsed, negated, options)


class CompiledCondition:
    """A condition line ready to be tested.

    `denies` is whether it stands in a Deny. `variable_keys` maps the lower-case keys of the variables in its values to
    their spelling.
    """

    __slots__ = (
        "_comparers",
        "_denies",
        "_holds_for",
        "_literal",
        "_made_leaf",
        "_null_wants",
        "_options",
        "_parsed",
        "key",
        "line",
        "operator",
        "variable_keys",
    )

    def __init__(self, line: ConditionLine, *, variables: bool, options: LanguageOptions, denies: bool = False) -> None:
        self.line = line
        self._denies = denies
        self.key = "" if key_fault(line.key) else line.key.lower()
        self.operator = parse_operator(line.operator)
        self._options = options
        self._made_leaf: ConditionLeaf | None = None
        self._literal = not variables and any("${" in value for value in line.values)
        self.variable_keys: dict[str, str] = {}
        self._comparers: tuple[Comparer, ...] | None = None
        self._parsed: tuple[Pieces, ...] = ()
        self._holds_for: Callable[[str], bool] | None = None
        # Which states of nullness the values name; None where none is true or false.
        self._null_wants: frozenset[bool | None] | None = None
        operator = self.operator
        if operator is None:
            return
        if operator.base == "null":
            named = frozenset(map(parse_policy_bool, line.values)) - {None}
            self._null_wants = named or None
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
        if operator.over is not SetOperator.ALL:
            self._holds_for = single_value_test(operator.base, self._parsed, options, negated=operator.negated)

    def test(self, context: RequestContext) -> Truth:
        """Truth of the line for this context; a leaf when it depends on something unknown."""
        operator = self.operator
        if operator is None:
            # What AWS does with an operator that it lacks is not documented. No Allow rests on it; a Deny might hold,
            # and to take it for not holding could call allowed what AWS denies.
            return self._leaf() if self._denies else False
        values = context.lookup(self.key) if self.key else ()
        if self._holds_for is not None and type(values) is tuple and len(values) == 1:
            return self._holds_for(values[0])
        if operator.base == "null":
            wanted = self._null_wants
            if wanted is None:
                return False
            if operator.over is None and len(wanted) == 2:
                return True
        if values is KeyState.UNKNOWN:
            return self._leaf()
        if values is KeyState.PRESENT:
            return self._test_present() if operator.base == "null" else self._leaf()
        if not isinstance(values, tuple):
            return self._test_in_part(operator, values, context)
        return self._test_known(operator, values, context)

    def _test_known(self, operator: Operator, values: tuple[str, ...], context: RequestContext) -> Truth:
        if not values:
            return self._test_absent(operator)
        if isinstance(values, AtLeast):
            return self._test_at_least(operator, values, context)
        if operator.base == "null":
            return self._test_null(operator, values)
        return self._test_values(operator, values, context)

    def _test_in_part(self, operator: Operator, known: KnownInPart, context: RequestContext) -> Truth:
        """Truth of the line if it is the same for every possible value of the key; else a leaf."""
        base = operator.base
        if isinstance(known, Beginning) and base.startswith("string"):
            return self._test_beginning(operator, known.text, context)
        if isinstance(known, Moment) and base != "null":
            wanted = (parse_date(value) for value in self.line.values)
            inside = (date is not None and known.first <= date <= known.last for date in wanted)
            if not base.startswith("date") or (base == "dateequals" and any(inside)):
                return self._leaf()
        truths = {self._test_known(operator, values, context) for values in known.values}
        return truths.pop() if len(truths) == 1 else self._leaf()

    def _test_beginning(self, operator: Operator, text: str, context: RequestContext) -> Truth:
        """As `_test_in_part`, of texts that begin with another."""
        may_match = False
        for pieces in self._parsed:
            found = resolve(pieces, context)
            if isinstance(found, Unresolved):
                may_match = may_match or found is Unresolved.UNKNOWN
            elif operator.base == "stringlike":
                machine, texts = Glob(tokens_of(found)).machine, (*text, Wild.ONE, Wild.ONE, Wild.STAR)
                if machine.read(texts, machine.first, machine.run_by_all, machine.step_by_all) & machine.final:
                    return not operator.negated
                reached = machine.read(texts, machine.first, machine.run_by_some, machine.step_by_some)
                may_match = may_match or bool(reached & machine.final)
            else:
                may_match = may_match or lower_each(plain_text(found)).startswith(lower_each(text))
        return self._leaf() if may_match else operator.negated

    def _leaf(self) -> ConditionLeaf:
        if self._made_leaf is None:
            op, key, values, unknown = self.line.operator, self.line.key, self.line.values, self.operator is None
            self._made_leaf = ConditionLeaf(op, key, values, literal=self._literal, unknown_operator=unknown)
        return self._made_leaf

    def _test_absent(self, operator: Operator) -> bool:
        if operator.base == "null":
            if operator.over is not None:
                return operator.over is SetOperator.ALL
            wanted = self._null_wants
            return wanted is not None and True in wanted
        if operator.if_exists:
            return True
        if operator.over is SetOperator.ALL:
            return not operator.negated or self._options.for_all_negated_holds_when_absent
        return operator.over is None and operator.negated

    def _test_present(self) -> bool:
        wanted = self._null_wants
        return wanted is not None and False in wanted

    def _test_at_least(self, operator: Operator, values: AtLeast, context: RequestContext) -> Truth:
        """Truth of the line if it is the same whatever other values the key has; else a leaf."""
        if operator.base == "null":
            return self._test_present() if operator.over is None else self._leaf()
        if operator.over is None:
            # One value is compared, several are not, and how many there are is not known.
            return self._leaf()
        settled = operator.over is SetOperator.ANY
        holds = (self._holds(operator.negated, value, context) for value in values)
        return settled if any(one is settled for one in holds) else self._leaf()

    def _test_null(self, operator: Operator, values: tuple[str, ...]) -> bool:
        wanted = self._null_wants
        assert wanted is not None
        if operator.over is None:
            return (values == ("",)) in wanted
        if values == ("",):
            return operator.over is SetOperator.ALL
        holds = [(value == "") in wanted for value in values]
        return all(holds) if operator.over is SetOperator.ALL else any(holds)

    def is_not_compared(self, values: tuple[str, ...]) -> bool:
        """True if a key has several values and the operator, without a set operator, compares none of them."""
        if len(values) < 2 or self._options.compare_multivalued_keys:
            return False
        return self.operator is not None and self.operator.over is None and self.operator.base != "null"

    def _test_values(self, operator: Operator, values: tuple[str, ...], context: RequestContext) -> Truth:
        if self.is_not_compared(values):
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
        """Result of the comparison for one request value; None when undetermined."""
        undetermined = bad = False
        for comparer in self._all_comparers():
            outcome = comparer(value, context)
            if outcome is ComparisonResult.YES:
                return not negated
            if outcome is ComparisonResult.UNDETERMINED:
                undetermined = True
            elif outcome is not ComparisonResult.NO:
                bad = True
        if negated and bad:
            return False
        return None if undetermined else negated

    def _all_comparers(self) -> tuple[Comparer, ...]:
        """Comparison functions of all policy values, made on first use."""
        if self._comparers is None:
            base = self.operator.base if self.operator is not None else ""
            self._comparers = comparers(base, self.line.values, self._parsed, self._options)
        return self._comparers

    def compare(self, value: str, context: RequestContext) -> tuple[ComparisonResult, ...]:
        """How one request value compares with each policy value in turn, for the trace."""
        return tuple(comparer(value, context) for comparer in self._all_comparers())
