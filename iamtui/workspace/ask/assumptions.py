"""Assumptions of questions about a call: time, Region, TLS, no service between; and other values that policies read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain, product
from typing import Final, NamedTuple

from iamtui.account.model import Account
from iamtui.catalog.actions import catalogue
from iamtui.catalog.tables import REGIONS
from iamtui.engine.request import Principal
from iamtui.policy.conditions import CompiledCondition
from iamtui.policy.context import CommonContext, RequestContext
from iamtui.policy.document import ConditionLine, PolicyDocument, Statement
from iamtui.policy.statement import ActionElement, ActionName, action_name
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS
from iamtui.policy.values import parse_date
from iamtui.questions.known_context import GLOBAL_SERVICES, ONLY_FORWARDED, assumed_environment
from iamtui.questions.question import Question
from iamtui.workspace.ask.policy_reads import own_documents, variables_in
from iamtui.workspace.ask.questions import with_region
from iamtui.workspace.source.inventory import documents_in
from iamtui.workspace.source.workspace import Workspace

Circumstances = Mapping[str, str]
"""Values of keys that a question would otherwise assume, by their names."""

_REGION: Final = "aws:RequestedRegion"
_FORWARDED: Final = "aws:ViaAWSService"
_MOST_CIRCUMSTANCES: Final = 24
_UNKNOWN_REGION: Final = "xx-other-1"
"""For what holds in none of the Regions that are known."""
_ASSUMABLE: Final = frozenset(
    key.lower()
    for key in (
        *(text.partition(" = ")[0] for text in assumed_environment("any", 0, frozenset()).names),
        *ONLY_FORWARDED,
    )
)
"""The keys, in lower case, of which questions may assume values."""
_KEPT_AS: Final = "readings of assumed keys"
_FIRST, _LAST = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (1, 9999))


class ConditionedActions(NamedTuple):
    """The actions of a statement, and its conditions."""

    effect: str
    actions: tuple[str, ...]
    negated: bool
    conditions: tuple[ConditionLine, ...]


class _ReadKeys(NamedTuple):
    """A statement that reads keys of which questions assume values.

    Args:
        lines: by the name of the key, or by the key in lower case where it stands for any question.
        spelled: the keys, so named, for whose values its variables stand.
        is_changed: whether it is in one of two compared states only.
    """

    allows: bool
    element: ActionElement
    lines: Mapping[str, tuple[CompiledCondition, ...]]
    spelled: frozenset[str]
    is_changed: bool


def _readings_in(document: PolicyDocument) -> tuple[_ReadKeys, ...]:
    """The statements of a document that read keys of which questions may assume values, by keys in lower case."""
    found: tuple[_ReadKeys, ...] | None = document.compiled.get(_KEPT_AS)
    if found is None:
        statements = document.policy.statements if document.error is None else ()
        found = document.compiled[_KEPT_AS] = tuple(filter(None, map(_reading, statements)))
    return found


def _reading(one: Statement) -> _ReadKeys | None:
    spelled = _ASSUMABLE.intersection(variables_in(one))
    lines = _lines_of(one.effect, one.conditions)
    if not lines and not spelled:
        return None
    entries = tuple((one.actions if one.not_actions is None else one.not_actions) or ())
    element = ActionElement(entries, negated=one.not_actions is not None)
    return _ReadKeys(one.effect == "Allow", element, lines, spelled, is_changed=False)


def _readings_of(changed: Iterable[ConditionedActions]) -> Iterator[_ReadKeys]:
    for one in changed:
        lines = _lines_of(one.effect, one.conditions)
        element = ActionElement(one.actions, negated=one.negated)
        yield _ReadKeys(one.effect == "Allow", element, lines, frozenset(), is_changed=True)


def _lines_of(effect: str, conditions: Iterable[ConditionLine]) -> dict[str, tuple[CompiledCondition, ...]]:
    found: dict[str, tuple[CompiledCondition, ...]] = {}
    for line in conditions:
        key = line.key.lower()
        if key in _ASSUMABLE:
            compiled = CompiledCondition(
                line, variables=True, options=DEFAULT_LANGUAGE_OPTIONS, denies=effect == "Deny"
            )
            found[key] = (*found.get(key, ()), compiled)
    return found


class Assumptions:
    """Assumptions of a moment's questions, and the statements that read them.

    Args:
        region: that in use, or "".
        given: the keys that questions give; nothing is assumed of them.
        changed: statements of one of two states only, of which each value matters.
    """

    def __init__(
        self,
        documents: Iterable[PolicyDocument],
        region: str,
        now: datetime,
        given: Iterable[str] = (),
        changed: Iterable[ConditionedActions] = (),
    ) -> None:
        self._assumed = assumed_environment(region, int(now.timestamp()), frozenset(map(str.lower, given)))
        self._values = {name: value for name, _, value in (text.partition(" = ") for text in self._assumed.names)}
        self._by_key = {name.lower(): name for name in self._values}
        if _FORWARDED in self._values:
            self._by_key |= dict.fromkeys(map(str.lower, ONLY_FORWARDED), _FORWARDED)
        self._base = self._context({})
        readings = (*chain.from_iterable(map(_readings_in, dict.fromkeys(documents))), *_readings_of(changed))
        self._readings = [found for one in readings if (found := self._about_assumed(one)) is not None]
        self._circumstances: dict[tuple[int, ...], tuple[tuple[Circumstances, ...], tuple[str, ...]]] = {}

    def _about_assumed(self, one: _ReadKeys) -> _ReadKeys | None:
        """A reading by the names of the keys of which something is assumed, and without the others."""
        lines: dict[str, tuple[CompiledCondition, ...]] = {}
        for key, of_key in one.lines.items():
            name = self._by_key.get(key)
            if name is not None:
                lines[name] = (*lines.get(name, ()), *of_key)
        spelled = frozenset(self._by_key[key] for key in one.spelled if key in self._by_key)
        return one._replace(lines=lines, spelled=spelled) if lines or spelled else None

    def _context(self, circumstances: Circumstances) -> RequestContext:
        values = {name.lower(): (circumstances.get(name, value),) for name, value in self._values.items()}
        absent = () if _FORWARDED in circumstances else self._assumed.absent
        return RequestContext(CommonContext({}, derived=(values,), known_absent=absent, discover=True))

    def read(self, actions: Sequence[ActionName] = ()) -> tuple[str, ...]:
        """Assumed keys that the documents read, as `aws:RequestedRegion = eu-west-1`.

        Args:
            actions: only where they may be about one of these; empty: about any.
        """
        names: set[str] = set()
        for one in self._readings:
            if not actions or any(map(one.element.matches, actions)):
                names |= {*one.lines, *one.spelled}
        if actions and all(action.service in GLOBAL_SERVICES for action in actions):
            names.discard(_REGION)
        return tuple(f"{name} = {value}" for name, value in self._values.items() if name in names)

    @property
    def limited(self) -> tuple[ActionElement, ...]:
        """The actions that a call of now lacks, or is denied, and another call may not."""
        found: dict[ActionElement, None] = {}
        for one in self._readings:
            tested = (line.test(self._base) for lines in one.lines.values() for line in lines)
            if any((truth is False) if one.allows else (truth is True) for truth in tested):
                found[one.element] = None
        return tuple(found)

    def others(self, action: ActionName | None) -> tuple[Circumstances, ...]:
        """The other circumstances in which an action, or one of all, may be answered otherwise than as assumed."""
        return self._others(action)[0]

    def untold(self, action: ActionName | None) -> tuple[str, ...]:
        """The keys of which `others` does not have all values that matter to an action."""
        return self._others(action)[1]

    def _others(self, action: ActionName | None) -> tuple[tuple[Circumstances, ...], tuple[str, ...]]:
        numbers = tuple(
            number for number, one in enumerate(self._readings) if action is None or one.element.matches(action)
        )
        found = self._circumstances.get(numbers)
        if found is None:
            found = self._circumstances[numbers] = self._found([self._readings[number] for number in numbers])
        return found

    def _found(self, readings: Iterable[_ReadKeys]) -> tuple[tuple[Circumstances, ...], tuple[str, ...]]:
        lines: dict[str, list[CompiledCondition]] = {}
        untold: dict[str, None] = {}
        matter: set[str] = set()
        for one in readings:
            if one.is_changed or one.allows or self._may_deny_now(one):
                matter.update(one.lines)
            untold.update(dict.fromkeys(one.spelled))
            for name, of_key in one.lines.items():
                lines.setdefault(name, []).extend(of_key)
        choices = {name: self._choices(name, lines[name], untold) for name in lines if name in matter}
        every = [dict(zip(choices, values, strict=True)) for values in _some(product(*choices.values()))]
        if len(every) > _MOST_CIRCUMSTANCES:
            every = [{name: value} for name, values in choices.items() for value in values][:_MOST_CIRCUMSTANCES]
            untold.update(dict.fromkeys(choices))
        others = ({name: value for name, value in one.items() if value} for one in every)
        return tuple(one for one in others if one), tuple(untold)

    def _may_deny_now(self, one: _ReadKeys) -> bool:
        """True where a statement may deny a call of now, or one in which not only one key is another.

        If not, it can only deny more for another value of its key, before as after.
        """
        tested = (line.test(self._base) for of_key in one.lines.values() for line in of_key)
        return len(one.lines) > 1 or all(truth is not False for truth in tested)

    def _choices(self, name: str, lines: list[CompiledCondition], untold: dict[str, None]) -> tuple[str, ...]:
        """A value for each way in which the lines about a key can come out; "" for that which is assumed."""
        found: dict[tuple[object, ...], str] = {self._truths(lines, {}): ""}
        if any(line.variable_keys for line in lines):
            untold[name] = None
        for value in _candidates(name, self._values[name], lines):
            found.setdefault(self._truths(lines, {name: value}), value)
        return tuple(found.values())

    def _truths(self, lines: Iterable[CompiledCondition], circumstances: Circumstances) -> tuple[object, ...]:
        context = self._context(circumstances)
        return tuple(truth if isinstance(truth := line.test(context), bool) else None for line in lines)


def _some(found: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """One more than are looked at, of what may be very many."""
    return (one for _, one in zip(range(_MOST_CIRCUMSTANCES + 1), found, strict=False))


def _candidates(name: str, assumed: str, lines: Iterable[CompiledCondition]) -> Iterator[str]:
    """Values of a key, among them one for each way in which conditions can come out."""
    written = dict.fromkeys(value for line in lines for value in line.line.values)
    if name == _REGION:
        known = next((regions for regions in REGIONS.values() if assumed in regions), REGIONS["aws"])
        yield from (value for value in written if not set("*?$") & set(value))
        yield from sorted(known)
        yield _UNKNOWN_REGION
    elif name == "aws:CurrentTime":
        for moment in sorted(date for value in written if (date := parse_date(value)) is not None):
            for second in (moment - 1, moment, moment + 1):
                if _FIRST <= second < _LAST:
                    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(second))
                    yield f"{time.isoformat()[:19]}Z"
    else:
        yield from ("true", "false")


def under(question: Question, circumstances: Circumstances) -> Question:
    """A question in other circumstances than those that it would assume."""
    rest = {name: (value,) for name, value in circumstances.items() if name != _REGION}
    region = circumstances.get(_REGION, question.region)
    return replace(question, context={**question.context, **rest}, region=region)


def circumstances_text(circumstances: Circumstances) -> str:
    return " and ".join(f"{name} = {value}" for name, value in circumstances.items())


def actions_limited_now(workspace: Workspace, now: datetime, region: str) -> tuple[ActionElement, ...]:
    """The actions that a call of now in a region lacks, or is denied, and another call may not."""
    return Assumptions(documents_of(workspace.account), region, now).limited


def documents_of(account: Account) -> Iterator[PolicyDocument]:
    """All policies of an account in force."""
    yield from (document for _, _, document in documents_in(account))
    yield from (role.trust for role in account.roles)


def documents_on(account: Account, principal: Principal) -> Iterator[PolicyDocument]:
    """The policies in force on what a principal does, those of all resources and all trust policies among them."""
    yield from own_documents(account, principal)
    yield from documents_beside(account)


def documents_beside(account: Account) -> Iterator[PolicyDocument]:
    """The policies that may matter to what anybody does: of all resources, all trust policies, RCPs."""
    yield from (role.trust for role in account.roles)
    yield from (one.document for level in account.organization_levels for one in level.rcps.value_or(()))
    yield from filter(None, (one.document for one in account.resource_policies.values()))


def assumed_of(
    workspace: Workspace, terms: Question, actions: Sequence[str] = (), principal: Principal | None = None
) -> tuple[str, ...]:
    """Assumed values of keys that policies read, each as `aws:RequestedRegion = eu-west-1`.

    Args:
        terms: of the questions, whose action and resource are not read.
        actions: what is asked about, patterns among them; empty: all.
        principal: who is asked about, whose own policies count alone; None: everybody.
    """
    account = workspace.account
    documents = documents_of(account) if principal is None else documents_on(account, principal)
    region = with_region(workspace, terms).region
    named = [action_name(one) for action in actions for one in (catalogue().expand(action) or (action,))]
    return Assumptions(documents, region, datetime.now(UTC), terms.context).read(named)
