"""Contexts that make a truth true: each condition key as finitely many classes of values.

What is undetermined of a request is a formula over condition lines. Of each key that they read, every value that it can
have is answered by them like one of a few: texts by which patterns match them, numbers, dates and addresses by the
intervals between the bounds that are written, and the lack of a value. The operators themselves are not written anew:
each of these values is tested by the condition as the evaluator tests it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain, combinations, pairwise
from typing import Final, NamedTuple, TypeAlias

from iamtui.catalog.condition_keys import KeyType, condition_key
from iamtui.catalog.tables import REGIONS
from iamtui.engine.possible_requests import (
    ACCOUNT,
    Occasion,
    Values,
    carries,
    coming_moments,
    proper_key,
    same_as,
    shapes_of,
    told_apart,
    why_impossible,
    why_no_value,
)
from iamtui.engine.request import PrincipalKind, Request
from iamtui.policy.conditions import CompiledCondition
from iamtui.policy.context import (
    And,
    ConditionLeaf,
    KeyState,
    KeyValue,
    Leaf,
    MissingLeaf,
    Or,
    RequestContext,
    SessionLeaf,
    Truth,
    leaves,
)
from iamtui.policy.document import ConditionLine
from iamtui.policy.patterns import Glob, Token, Unresolved, Wild, arn_tokens, parse_pieces, resolve, tokens_of
from iamtui.policy.resource import NAMED_BY_STREAMS
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS
from iamtui.policy.values import parse_date, parse_network, parse_number
from iamtui.proofs.texts import ANY_OTHER, Bounds, GroupKind, PatternGroup, Unproved, representative_strings
from iamtui.text import safe_text

ALWAYS_THERE: Final = frozenset(
    (
        "aws:securetransport",
        "aws:currenttime",
        "aws:epochtime",
        "aws:viaawsservice",
        "aws:requestedregion",
    )
)
"""Keys of the request itself that each carries; those of the caller: `policy.public_access`."""


@dataclass(frozen=True)
class Carried:
    """Known contexts of the requests of one kind; keys in lower case, () is absent.

    Args:
        likely: values that they are known to have.
        doubt: why it is not certain that they can have a value, or "".
        occasion: what is known of the requests besides their keys.
        always: keys that they always have, besides those of all requests.
        never: values that a key cannot have, as patterns.
        only: the values that a key can have, as patterns; of keys with one text.
    """

    likely: Mapping[str, Values] = field(default_factory=dict)
    doubt: Callable[[str, Values], str] = lambda _key, _values: ""
    occasion: Occasion | None = None
    always: frozenset[str] = frozenset()
    never: Mapping[str, tuple[tuple[Token, ...], ...]] = field(default_factory=dict)
    only: Mapping[str, tuple[tuple[Token, ...], ...]] = field(default_factory=dict)


ANYTHING: Final = Carried()

TAGS_OF_PRINCIPAL: Final = "aws:principaltag/"
WITHOUT_SESSION_TAGS: Final = (PrincipalKind.USER, PrincipalKind.ROOT)
_SESSIONS: Final = (PrincipalKind.ROLE, PrincipalKind.ROLE_SESSION, PrincipalKind.FEDERATED_USER)
_SIGNED: Final = (*_SESSIONS, PrincipalKind.USER, PrincipalKind.ROOT)
_OF_SIGNED: Final = frozenset(
    ("aws:principalarn", "aws:principalaccount", "aws:principaltype", "aws:principalisawsservice", "aws:userid")
)
"""Keys that every signed request of a user, a role or the root user carries."""
_VIA_A_SERVICE: Final = ("aws:viaawsservice", ("true",))


def always_carried(kind: PrincipalKind) -> frozenset[str]:
    """The keys that every request of such a caller carries, besides those of all requests."""
    if kind not in _SIGNED:
        return frozenset()
    return _OF_SIGNED | {"aws:tokenissuetime"} if kind in _SESSIONS else _OF_SIGNED


def may_have_session_tags(kind: PrincipalKind, request: Request) -> bool:
    """True where the caller's session may have tags of its own, which replace those of a role."""
    return kind not in WITHOUT_SESSION_TAGS and "aws:PrincipalTag/*" not in request.known_absent


def doubt_about(
    kind: PrincipalKind, action: str, likely: Mapping[str, Values], key: str, values: Values, *, own_tags: bool = True
) -> str:
    """Why it is not certain that a request carries values of a key, or carries none; "" where it can.

    Args:
        likely: what is known of the caller.
        own_tags: whether the tags of the caller are known.
    """
    if own_tags and key.startswith(TAGS_OF_PRINCIPAL) and kind not in WITHOUT_SESSION_TAGS:
        return "" if likely.get(key, ()) == values else "a session tag that the role's session would need"
    if (key, values) == ("aws:sourceip", ()) or (values and key.startswith(("aws:sourcevp", "aws:vpc"))):
        return "the policy of a VPC endpoint is not loaded"
    if not values:
        return ""
    if key.startswith(("aws:calledvia", "aws:chatbot", "aws:assumedroot")) or (key, values) == _VIA_A_SERVICE:
        return f"a request that comes through an AWS service or tool ({proper_key(key)})"
    if key.startswith("s3:dataaccesspoint"):
        return "the policy of an access point is not loaded"
    if key == "aws:sourceowner":
        return "AWS does not document who carries aws:SourceOwner"
    if not key.startswith("aws:") and not carries(action, key):
        return f"{action} is not known to carry {safe_text(key, limit=100)}"
    return ""


MOST_CONTEXTS: Final = 100_000
_MOST_EITHER: Final = 8
_MOST_CLASSES: Final = 4_000
_MOST_PATTERNS: Final = 2_000


class FoundContext(NamedTuple):
    """A context that makes a truth true.

    Args:
        values: by key as it is written; () is absent.
    """

    values: Mapping[str, Values]


@dataclass(frozen=True)
class Doubt:
    """That only a context which is not modelled for certain could make a truth true; `reasons` say what is not."""

    reasons: tuple[str, ...]


class _Choice(NamedTuple):
    """One class of values of a key: a value of it, and what the lines about the key come to.

    Args:
        doubt: why it is not certain that a request can carry it, or "".
    """

    values: Values
    holds: tuple[bool, ...]
    doubt: str


class _Line(NamedTuple):
    leaf: ConditionLeaf
    condition: CompiledCondition


def find_context(
    truth: Truth, context: RequestContext, bounds: Bounds, carried: Carried = ANYTHING
) -> FoundContext | Doubt | None:
    """A context that makes a truth true; None: there is none.

    Args:
        context: what is known of the request, in which every other key is unknown.
        carried: what is known of the other keys.

    Raises:
        Unproved: there are too many contexts.
    """
    if isinstance(truth, bool):
        return FoundContext({}) if truth else None
    lines, free = _read(truth, context)
    choices: dict[str, tuple[_Choice, ...]] = {}
    for key, of_key in lines.items():
        try:
            # Of keys that say the same, each is told apart by what is compared with the others, too.
            same = [line for other in lines if same_as(other) == same_as(key) for line in lines[other].values()]
            choices[key] = _choices(key, [*of_key.values()], same, context, bounds, carried)
        except Unproved as unproved:
            free.update(dict.fromkeys(of_key, f"the values of {safe_text(key, limit=200)}: {unproved.reason}"))
    ids: dict[str, tuple[tuple[object, ...], ...]] = {key: tuple(lines[key]) for key in choices}
    possible = next(_Search(truth, _with_either(choices, ids, free), ids, bounds, sure=False).solutions(), None)
    if possible is None:
        return None
    names = {key: next(iter(lines[key].values())).leaf.key for key in choices}
    for solution in _Search(truth, choices, ids, bounds, sure=True).solutions():
        values = {key: choice.values for key, choice in solution.items()}
        if carried.occasion is None or not why_impossible(values, carried.occasion):
            return FoundContext({names[key]: found for key, found in values.items()})
    return Doubt(tuple(dict.fromkeys(_doubts_of(possible, names, free.values()))))


def _doubts_of(possible: Mapping[str, _Choice], names: Mapping[str, str], free: Iterable[str]) -> list[str]:
    """Doubts about a context: its uncertain lines and values, or else that a request has all of them at once."""
    doubts = [*free, *(choice.doubt for choice in possible.values() if choice.doubt)]
    if doubts:
        return doubts
    shown = (
        f"{names[key]} = {', '.join(choice.values)}" if choice.values else f"no {names[key]}"
        for key, choice in possible.items()
        if key in names
    )
    return [f"no request is known that can have {safe_text(' and '.join(shown), limit=400)}"]


def _with_either(
    choices: Mapping[str, tuple[_Choice, ...]],
    ids: dict[str, tuple[tuple[object, ...], ...]],
    free: Mapping[tuple[object, ...], str],
) -> Mapping[str, tuple[_Choice, ...]]:
    """The choices and, as far as they are few, those of what is not modelled: it holds everywhere, or nowhere.

    So what two documents say in the same words of something unknown is the same for both of them.
    """
    if len(free) > _MOST_EITHER:
        return choices
    either = dict(choices)
    for number, (identity, reason) in enumerate(free.items()):
        key = f"{number}"
        ids[key] = (identity,)
        either[key] = tuple(_Choice((), (holds,), reason) for holds in (True, False))
    return either


def _identity(leaf: Leaf) -> tuple[object, ...]:
    if isinstance(leaf, ConditionLeaf):
        return (leaf.op, leaf.key.lower(), leaf.values, leaf.literal, leaf.whole, leaf.unknown_operator)
    if isinstance(leaf, SessionLeaf):
        return ("session", leaf.name)
    return ("missing", leaf.document, leaf.effect)


def _read(
    truth: Truth, context: RequestContext
) -> tuple[dict[str, dict[tuple[object, ...], _Line]], dict[tuple[object, ...], str]]:
    """The condition lines by key, and what is not modelled, each with the reason."""
    lines: dict[str, dict[tuple[object, ...], _Line]] = {}
    free: dict[tuple[object, ...], str] = {}
    for leaf in leaves(truth):
        identity = _identity(leaf)
        if identity in free:
            continue
        line = _line_of(leaf, context)
        if isinstance(line, str):
            free[identity] = line
        else:
            lines.setdefault(line.leaf.key.lower(), {})[identity] = line
    return lines, free


def _line_of(leaf: Leaf, context: RequestContext) -> _Line | str:
    """A condition line that can be tested, with its variables put in; else why it cannot."""
    if isinstance(leaf, MissingLeaf):
        if leaf.effect == "Apart":
            return f"AWS does not say whether it asks for {safe_text(leaf.document, limit=200)}"
        return f"not loaded: {safe_text(leaf.document, limit=200)}"
    if isinstance(leaf, SessionLeaf):
        return "a policy names a session of the role"
    which = safe_text(f"{leaf.op} {leaf.key}".strip(), limit=200)
    where = f" in {safe_text(leaf.source.policy, limit=200)}" if leaf.source is not None else ""
    if leaf.unknown_operator:
        return f"unknown condition operator: {which}{where}"
    if leaf.key == NAMED_BY_STREAMS:
        entries = safe_text(", ".join(leaf.values), limit=200)
        return f"AWS is not clear about entries that name a log group alone: {entries}{where}"
    if leaf.of_resource:
        return f"a variable without a known value in {which}{where}"
    line = ConditionLine(leaf.op, leaf.key, leaf.values)
    condition = CompiledCondition(line, variables=not leaf.literal, options=DEFAULT_LANGUAGE_OPTIONS)
    if condition.operator is None or not condition.key:
        return f"not understood: {which}{where}"
    if context.lookup(condition.key) is not KeyState.UNKNOWN:
        return f"the values of {which} are known in part{where}"
    if not all(isinstance(context.lookup(key), tuple) for key in condition.variable_keys):
        return f"a variable without a known value is compared: {which}{where}"
    return _Line(leaf, condition)


# The classes of one key.


class _Given(RequestContext):
    """Known context of a request, with chosen values of one key."""

    __slots__ = ("_context", "_key", "_values")

    def __init__(self, context: RequestContext, key: str, values: Values) -> None:
        self._context, self._key, self._values = context, key, values

    def lookup(self, key: str) -> KeyValue:
        return self._values if key == self._key else self._context.lookup(key)


def _tests(lines: Sequence[_Line]) -> int:
    """How much work it is to test one value."""
    return sum(2 + len(line.leaf.values) for line in lines)


def _choices(
    key: str,
    lines: Sequence[_Line],
    same: Sequence[_Line],
    context: RequestContext,
    bounds: Bounds,
    carried: Carried,
) -> tuple[_Choice, ...]:
    """The classes of a key, those first that say least.

    Args:
        same: the lines about it and about keys that say the same.
    """
    by_truth: dict[Hashable, _Choice] = {}
    likely = [(carried.likely[key], "")] if key in carried.likely else []
    classes = (
        (values, doubt or carried.doubt(key, values))
        for values, doubt in _classes_of(key, same, context, bounds, carried)
        if values or key not in carried.always
    )
    for values, doubt in chain(likely, classes):
        tested = tuple(line.condition.test(_Given(context, line.condition.key, values)) for line in (*lines, *same))
        if not all(isinstance(truth, bool) for truth in tested):
            raise Unproved("they cannot be told apart")
        holds = tuple(truth is True for truth in tested[: len(lines)])
        doubt = doubt or next(filter(None, (why_no_value(key, value) for value in values)), "")
        class_ = (tested, told_apart(key, values), values if len(same) > len(lines) else ())
        known = by_truth.get(class_)
        if known is None or (known.doubt and not doubt):
            by_truth[class_] = _Choice(values, holds, doubt)
    return tuple(by_truth.values())


_Found: TypeAlias = tuple[Values, str]

_TEXTS: Final = frozenset(("stringequals", "stringequalsignorecase", "stringlike", "arnlike"))
_EXAMPLES: Final = {
    KeyType.IP: "192.0.2.1",
    KeyType.NUMERIC: "1",
    KeyType.DATE: "2026-01-01T00:00:00Z",
    KeyType.BINARY: "eA==",
}
"""Values for keys of which it only matters whether they are there."""
_NOT_OF_ITS_TYPE: Final = "a value that is not of the type that the key is compared as"


def _classes_of(
    key: str,
    lines: Sequence[_Line],
    context: RequestContext,
    bounds: Bounds,
    carried: Carried,
) -> Iterator[_Found]:
    """Values of a key, among them one of each class."""
    info = condition_key(key)
    types = info.types if info is not None else ()
    operators = [line.condition.operator for line in lines]
    bases = {operator.base for operator in operators if operator is not None} - {"null"}
    if key not in ALWAYS_THERE:
        yield (), ""
    singles = _singles(key, types, bases, lines, context, bounds, carried)
    # "" is what a tag can be; of other keys it is not known that they ever are.
    empty = "" if "tag/" in key else "an empty value"
    singles = [(value, doubt or (empty if not value else "")) for value, doubt in singles]
    for value, doubt in sorted(singles, key=lambda one: not one[0]):
        # Trying one takes as long as there are values in conditions.
        bounds.spend(_tests(lines))
        yield (value,), doubt
    is_compared_as_set = any(operator is not None and operator.over is not None for operator in operators)
    if info.multivalued if info is not None and info.multivalued is not None else is_compared_as_set:
        yield from _sets(_different(singles, lines, context, bounds), len(lines))


def _sets(singles: Sequence[tuple[str, str]], lines: int) -> Iterator[_Found]:
    """Sets of two values or more.

    A line about a set holds, or not, by at most one of its values, so that one for each line and one more are enough.
    """
    sizes = range(2, min(len(singles), lines + 1) + 1)
    for count, some in enumerate(chain.from_iterable(combinations(singles, size) for size in sizes)):
        if count >= _MOST_CLASSES:
            raise Unproved("there are too many sets of them")
        yield tuple(value for value, _ in some), next((doubt for _, doubt in some if doubt), "")


def _different(
    singles: Sequence[tuple[str, str]], lines: Sequence[_Line], context: RequestContext, bounds: Bounds
) -> list[tuple[str, str]]:
    """Of single values that come to the same in all lines the first, for certain ones before doubtful ones."""
    found: dict[tuple[Truth, ...], tuple[str, str]] = {}
    for value, doubt in sorted(singles, key=lambda one: one[1] != ""):
        bounds.spend(_tests(lines))
        given = [_Given(context, line.condition.key, (value,)) for line in lines]
        told = tuple(line.condition.test(one) for line, one in zip(lines, given, strict=True))
        found.setdefault((*told, value == ""), (value, doubt))
    return list(found.values())


def _singles(
    key: str,
    types: tuple[KeyType, ...],
    bases: set[str],
    lines: Sequence[_Line],
    context: RequestContext,
    bounds: Bounds,
    carried: Carried,
) -> list[tuple[str, str]]:
    if types == (KeyType.BOOL,) or (bases == {"bool"} and not types):
        return [("true", ""), ("false", "")]
    if not bases:
        if coming := coming_moments(key):
            return [((_as_date if KeyType.DATE in types else _as_number)(coming[0]), "")]
        for type_, value in _EXAMPLES.items():
            if type_ in types:
                return [(value, "")]
    if not bases or bases <= _TEXTS:
        if set(types) & {KeyType.NUMERIC, KeyType.DATE, KeyType.IP, KeyType.BINARY} and bases:
            raise Unproved(f"a key of type {types[0]} is compared as text")
        return list(_text_values(key, types, lines, context, bounds, carried))
    return _typed_values(key, types, bases, lines)


def _typed_values(
    key: str, types: tuple[KeyType, ...], bases: set[str], lines: Sequence[_Line]
) -> list[tuple[str, str]]:
    """Numbers, dates or addresses, and what is none of them."""
    written = [value for line in lines if line.condition.operator is not None for value in line.leaf.values]
    coming = coming_moments(key)
    if all(base.startswith("numeric") for base in bases):
        numbers = {number for value in written if (number := parse_number(value)) is not None}
        found = [*map(_as_number, coming), *_between(numbers | {Decimal(0), *coming}, _as_number)]
        is_typed = KeyType.NUMERIC in types
    elif all(base.startswith("date") for base in bases):
        moments = {moment for value in written if (moment := parse_date(value)) is not None}
        found = [*map(_as_date, coming), *_between(moments | set(coming), _as_date)]
        is_typed = KeyType.DATE in types
    elif bases == {"ipaddress"}:
        found = _addresses(written)
        is_typed = KeyType.IP in types
    else:
        raise Unproved(f"compared as {' and '.join(sorted(bases))}")
    return [(value, "") for value in found] + ([] if is_typed else [("x", _NOT_OF_ITS_TYPE)])


def _between(bounds: set[Decimal], spell: Callable[[Decimal], str]) -> list[str]:
    """Each bound, and one value of each interval between them."""
    ordered = sorted(bounds)
    if not ordered:
        return [spell(Decimal(0))]
    values = [ordered[0] - 1, *ordered, ordered[-1] + 1]
    halves = [(low + high) / 2 for low, high in pairwise(ordered)]
    # Most have no fraction, as a request has none.
    whole = {value // 1 + more for value in (*values, *halves) for more in (0, 1)}
    return [spell(value) for value in (*sorted({*values, *whole}), *halves)]


def _as_number(value: Decimal) -> str:
    text = f"{value:f}"
    if parse_number(text) != value:
        raise Unproved("numbers too long to be halved")
    return text


def _as_date(value: Decimal) -> str:
    seconds = int(value // 1)
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        raise Unproved("dates that no calendar has") from None
    fraction = f"{value - seconds:f}".partition(".")[2].rstrip("0")
    text = moment.strftime("%Y-%m-%dT%H:%M:%S").zfill(19) + (f".{fraction}" if fraction else "") + "Z"
    if parse_date(text) != value:
        raise Unproved("dates that cannot be halved")
    return text


def _addresses(written: Iterable[str]) -> list[str]:
    """Where each block of addresses begins, and where the addresses behind it do, besides some others."""
    found = {4: {0}, 6: {0}}
    for text in written:
        network = parse_network(text)
        if network is not None:
            found[network.version].update((int(network.network_address), int(network.broadcast_address) + 1))
    four = [str(ipaddress.IPv4Address(number)) for number in sorted(found[4]) if number < 1 << 32]
    six = [str(ipaddress.IPv6Address(number)) for number in sorted(found[6]) if number < 1 << 128]
    return [*four[1:], four[0], *six[1:], six[0]]


# Texts.

_ARN_SHAPE: Final = (*"arn:", *(Wild.FIELD_STAR, ":") * 4, Wild.STAR)
_WITH_FIVE_COLONS: Final = (*(Wild.FIELD_STAR, ":") * 5, Wild.STAR)
_PLAIN: Final = "xabcdefghijklmnopqrstuvwyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.+=@,"
_REGION: Final = "aws:requestedregion"
_USUAL_REGIONS: Final = ("us-east-1", "eu-west-1", "us-west-2", "ap-southeast-2", "sa-east-1", "ca-central-1")
_REGIONS: Final = tuple(dict.fromkeys((*_USUAL_REGIONS, *(one for part in REGIONS.values() for one in sorted(part)))))


def _text_values(
    key: str,
    types: tuple[KeyType, ...],
    lines: Sequence[_Line],
    context: RequestContext,
    bounds: Bounds,
    carried: Carried,
) -> Iterator[tuple[str, str]]:
    never, only = carried.never.get(key, ()), carried.only.get(key, ())
    groups = [PatternGroup(GroupKind.TELLS, tuple(_patterns(line, context))) for line in lines]
    if any(line.condition.operator is not None and line.condition.operator.base == "arnlike" for line in lines):
        groups.append(PatternGroup(GroupKind.TELLS, (_WITH_FIVE_COLONS,)))
    if never:
        groups.append(PatternGroup(GroupKind.NEVER, never))
    if sum(len(group.patterns) for group in groups) > _MOST_PATTERNS:
        raise Unproved("too many patterns")
    if len(set(_ignore_case(lines))) > 1:
        raise Unproved("compared with and without regard to letter case")
    if key == _REGION:
        yield from ((region, "") for region in _REGIONS)
    any_text = (_ARN_SHAPE if types == (KeyType.ARN,) else (Wild.ONE, Wild.STAR),)
    # What requests have, then what they could have as far as policies can tell.
    for shapes in (only,) if only else filter(None, (shapes_of(key), any_text)):
        for text, _ in representative_strings([PatternGroup(GroupKind.MUST, shapes), *groups], bounds):
            spelled = _spelled(key, text, lines, context, [Glob(tokens) for tokens in never])
            yield spelled, "" if ANY_OTHER not in spelled else "a value of unusual characters"
    if types != (KeyType.ARN,) and not only:
        yield "", ""


def _ignore_case(lines: Sequence[_Line]) -> Iterator[bool]:
    """Of each line that compares values, whether it does so without regard to letter case."""
    for line in lines:
        operator = line.condition.operator
        if operator is not None and operator.base != "null":
            yield operator.base == "stringequalsignorecase"


def _spelled(key: str, text: str, lines: Sequence[_Line], context: RequestContext, never: Sequence[Glob]) -> str:
    """The text in plain characters, as far as it stays the same to all lines; one that a request can have, if any."""
    if ANY_OTHER not in text:
        return text

    def told(one: str) -> list[Truth]:
        return [line.condition.test(_Given(context, line.condition.key, (one,))) for line in lines]

    before = told(text)
    with_account = (text.replace(ANY_OTHER * len(one), one) for one in (ACCOUNT, "111122223333"))
    plain = (one.replace(ANY_OTHER, letter) for one in (*with_account, text) for letter in _PLAIN)
    alike = [one for one in dict.fromkeys(plain) if told(one) == before]
    alike = [one for one in alike if not any(glob.matches(one) for glob in never)]
    return next((one for one in alike if not why_no_value(key, one)), alike[0] if alike else text)


def _patterns(line: _Line, context: RequestContext) -> Iterator[tuple[Token, ...]]:
    operator = line.condition.operator
    assert operator is not None
    if operator.base == "null":
        return
    has_wildcards = operator.base in ("stringlike", "arnlike")
    for value in line.leaf.values:
        pieces = resolve(parse_pieces(value, variables=not line.leaf.literal, wildcards=has_wildcards), context)
        if pieces is Unresolved.UNKNOWN:
            raise Unproved("a variable without a known value")
        if isinstance(pieces, Unresolved):
            continue
        tokens = tokens_of(pieces)
        if operator.base == "arnlike" and tokens != (Wild.STAR,):
            tokens = arn_tokens(tokens, trailing_star_crosses=False)
        yield tokens


# The search over all keys.


_MOST_KEYS: Final = 100
_TRIED_AT_ONCE: Final = 256
_STEPS_OF_CONTEXT: Final = 20


class _Search:
    """The contexts in which a truth holds, key by key.

    Args:
        sure: whether only what is certain counts: no doubtful value, and what is not modelled does not hold; else all
            that may be.
    """

    def __init__(
        self,
        truth: Truth,
        choices: Mapping[str, tuple[_Choice, ...]],
        ids: Mapping[str, tuple[tuple[object, ...], ...]],
        bounds: Bounds,
        *,
        sure: bool,
    ) -> None:
        if len(choices) > _MOST_KEYS:
            # Each takes the search one call deeper.
            raise Unproved(f"conditions are about more than {_MOST_KEYS} keys")
        self._truth = truth
        self._choices = [
            (key, tuple(choice for choice in found if not (sure and choice.doubt))) for key, found in choices.items()
        ]
        self._ids = ids
        self._modelled = {identity for key in choices for identity in ids[key]}
        self._bounds = bounds
        self._sure = sure
        self._chosen: dict[str, _Choice] = {}
        self._known: dict[tuple[object, ...], bool] = {}
        self._tried = 0

    def solutions(self, place: int = 0) -> Iterator[dict[str, _Choice]]:
        self._tried += 1
        if self._tried > MOST_CONTEXTS:
            raise Unproved(f"there are more than {MOST_CONTEXTS} kinds of contexts")
        if self._tried % _TRIED_AT_ONCE == 0:
            self._bounds.spend(_TRIED_AT_ONCE * _STEPS_OF_CONTEXT)
        value = self._value(self._truth)
        if value is False:
            return
        if place == len(self._choices):
            if value is True:
                yield dict(self._chosen)
            return
        key, choices = self._choices[place]
        for choice in choices:
            self._chosen[key] = choice
            self._known.update(zip(self._ids[key], choice.holds, strict=True))
            yield from self.solutions(place + 1)
        self._chosen.pop(key, None)
        for identity in self._ids[key]:
            self._known.pop(identity, None)

    def _value(self, truth: Truth) -> bool | None:
        """Truth under the choices so far; None: it depends on the others."""
        if isinstance(truth, bool):
            return truth
        if isinstance(truth, (And, Or)):
            decides = isinstance(truth, Or)
            is_open = False
            for part in truth.parts:
                value = self._value(part)
                if value is decides:
                    return decides
                is_open = is_open or value is None
            return None if is_open else not decides
        identity = _identity(truth)
        if identity not in self._modelled:
            return not self._sure
        known = self._known.get(identity)
        return None if known is None else known is truth.holds
