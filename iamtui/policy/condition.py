"""Condition lines: one operator, one key, a list of values; true, false or undetermined.

Rules: IAM User Guide, condition operators, multiple keys and values, set operators, policy variables. A
comparison that cannot be made (a value that is not of the operator's type) does not hold, negated operators
included; a variable without a value matches nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from iamtui.policy.comparison import Comparer, Comparison, Pieces, comparers, single_value_test
from iamtui.policy.context import AtLeast, KeyState, RequestContext
from iamtui.policy.document import ConditionLine
from iamtui.policy.formula import ConditionLeaf, Truth
from iamtui.policy.operators import Operator, SetOperator, parse_operator
from iamtui.policy.options import LanguageOptions
from iamtui.policy.pattern import parse_pieces, variable_names
from iamtui.policy.values import parse_policy_bool


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
        self._comparers: tuple[Comparer, ...] | None = None
        self._parsed: tuple[Pieces, ...] = ()
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
        if operator.over is not SetOperator.ALL:
            self._holds_for = single_value_test(operator.base, self._parsed, options, negated=operator.negated)

    def test(self, context: RequestContext) -> Truth:
        """Whether the line holds for this context; a leaf when that depends on something unknown."""
        operator = self.operator
        if operator is None:
            return False
        values = context.lookup(self.key) if self.key else ()
        if self._holds_for is not None and type(values) is tuple and len(values) == 1:
            return self._holds_for(values[0])
        if operator.base == "null":
            wanted = self._null_wants()
            if wanted is None:
                return False
            if operator.over is None and len(wanted) == 2:
                return True
        if values is KeyState.UNKNOWN:
            return self._leaf()
        if values is KeyState.PRESENT:
            return self._test_present() if operator.base == "null" else self._leaf()
        assert not isinstance(values, KeyState)
        if not values:
            return self._test_absent(operator)
        if isinstance(values, AtLeast):
            return self._test_at_least(operator, values, context)
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
        if operator.over is SetOperator.ALL:
            return not operator.negated or self._options.for_all_negated_holds_when_absent
        return operator.over is None and operator.negated

    def _test_present(self) -> bool:
        wanted = self._null_wants()
        return wanted is not None and False in wanted

    def _test_at_least(self, operator: Operator, values: AtLeast, context: RequestContext) -> Truth:
        """Whether the line holds whatever other values the key has."""
        if operator.base == "null":
            return self._test_present() if operator.over is None else self._leaf()
        if operator.over is None:
            # One value is compared, several are not, and how many there are is not known.
            return self._leaf()
        settled = operator.over is SetOperator.ANY
        holds = (self._holds(operator.negated, value, context) for value in values)
        return settled if any(one is settled for one in holds) else self._leaf()

    def _test_null(self, operator: Operator, values: tuple[str, ...]) -> bool:
        wanted = self._null_wants()
        assert wanted is not None
        if operator.over is None:
            return (values == ("",)) in wanted
        if values == ("",):
            return operator.over is SetOperator.ALL
        holds = [(value == "") in wanted for value in values]
        return all(holds) if operator.over is SetOperator.ALL else any(holds)

    def is_not_compared(self, values: tuple[str, ...]) -> bool:
        """Whether a key has so many values that they need a set operator, which is not there."""
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
        """Whether the comparison holds for one request value; None when undetermined."""
        undetermined = bad = False
        for comparer in self._all_comparers():
            outcome = comparer(value, context)
            if outcome is Comparison.YES:
                return not negated
            if outcome is Comparison.UNDETERMINED:
                undetermined = True
            elif outcome is not Comparison.NO:
                bad = True
        if negated and bad:
            return False
        return None if undetermined else negated

    def _all_comparers(self) -> tuple[Comparer, ...]:
        """What compares with each policy value, made when first needed."""
        if self._comparers is None:
            base = self.operator.base if self.operator is not None else ""
            self._comparers = comparers(base, self.line.values, self._parsed, self._options)
        return self._comparers

    def compare(self, value: str, context: RequestContext) -> tuple[Comparison, ...]:
        """How one request value compares with each policy value in turn, for the trace."""
        return tuple(comparer(value, context) for comparer in self._all_comparers())
