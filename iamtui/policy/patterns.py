"""ARNs and patterns: `*` and `?`, policy variables, and matching in one pass over the text.

Only `*` (any run) and `?` (one character) are special. A pattern becomes a list of tokens, in which escaped
and substituted characters are plain literals, and then a `Glob`: an automaton whose states are the bits of
one integer, so that matching takes exactly one step for each character of the text, whatever the pattern.
No regular expression is made from policy text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from functools import lru_cache
from itertools import takewhile
from typing import Final, NamedTuple, TypeAlias

from msgspec import Struct

from iamtui.policy.context import RequestContext
from iamtui.resource_policy_services import SERVICE_SPECS

# ARNs: cut at the first five colons, compared as text.


class Arn(NamedTuple):
    """`arn:partition:service:region:account:resource`; the resource may hold colons and slashes."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"

    @property
    def resource_type(self) -> str:
        """The part of the resource before its first slash or colon ("role" of role/path/name)."""
        return self.resource.replace(":", "/").split("/", 1)[0]

    @property
    def name(self) -> str:
        """The part of the resource behind its last slash ("name" of role/path/name)."""
        return self.resource.rsplit("/", 1)[-1]

    @property
    def path(self) -> str:
        """The IAM path with both slashes ("/path/" of role/path/name, "/" of role/name)."""
        parts = self.resource.split("/")
        return "/" + "/".join(parts[1:-1]) + "/" if len(parts) > 2 else "/"

    def filled(self, template: str, **more: str) -> str:
        """A template of `resource_policy_services` with the parts of this ARN filled in."""
        name = self.resource.partition("/")[2] or self.resource
        return template.format(
            arn=self,
            resource=self.resource,
            name=name,
            below=name.partition("/")[0],
            last=re.split("[/:]", name, maxsplit=1)[-1],
            domain=name.rpartition("@")[2],
            region=self.region,
            account=self.account,
            dns_suffix="amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com",
            **more,
        )


def parse_arn(text: str) -> Arn | None:
    """Return the Arn, or None when the text does not have the six fields of one."""
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        return None
    # What the constructor calls in the end: an ARN is cut for every question.
    return tuple.__new__(Arn, parts[1:])


def is_account_id(text: str) -> bool:
    return len(text) == 12 and text.isascii() and text.isdigit()


# Patterns.


def is_pattern(text: str) -> bool:
    return "*" in text or "?" in text


class Wild(Enum):
    """The wildcards of a pattern, and of the names in an ARN form: the value is which kind, and what it cannot match.

    The FIELD kinds cannot match a colon (they stay inside their ARN field), the PART kinds no slash, the NAME kinds
    neither. Only ARN forms have the latter two.
    """

    ONE = "?"
    STAR = "*"
    FIELD_ONE = "?:"
    FIELD_STAR = "*:"
    PART_ONE = "?/"
    PART_STAR = "*/"
    NAME_ONE = "?:/"
    NAME_STAR = "*:/"

    # There is one object of each; that of Enum, in Python, takes a third of the time of comparing patterns.
    __hash__ = object.__hash__


STARS: Final = frozenset((Wild.STAR, Wild.FIELD_STAR, Wild.PART_STAR, Wild.NAME_STAR))
"""The wildcards that match any number of characters, none included."""
WITHOUT: Final = {wild: wild.value[1:] for wild in Wild}
"""The separators that each wildcard cannot match."""


class Variable(Struct, frozen=True):
    """A policy variable. `key` is lower case and empty when malformed (it then never has a value)."""

    key: str
    default: str | None = None
    name: str = ""
    """The key as written."""


Token: TypeAlias = str | Wild
"""One literal character, or a wildcard."""

Piece: TypeAlias = str | Wild | Variable
"""A run of literal text, a wildcard, or a variable."""

_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")
_VARIABLE_BODY: Final = re.compile(r"\s*([^,'\s]+)\s*(?:,\s*'([^']*)'\s*)?")
_ESCAPES: Final = ("*", "?", "$")


def parse_pieces(text: str, *, variables: bool, wildcards: bool = True) -> tuple[Piece, ...]:
    """Split a pattern into literal runs, wildcards and variables.

    Args:
        text: the pattern as written.
        variables: whether `${...}` means something (document Version 2012-10-17); `${*}`, `${?}` and `${$}`
            then give the literal character. An unclosed `${` is plain text.
        wildcards: whether `*` and `?` are wildcards.
    """
    pieces: list[Piece] = []
    if not variables or "${" not in text:
        _add_text(pieces, text, wildcards)
        return tuple(pieces)
    position = 0
    # Behind the last brace nothing can close, and looking for it again and again would cost quadratic time.
    for match in _VARIABLE.finditer(text, 0, text.rfind("}") + 1):
        _add_text(pieces, text[position : match.start()], wildcards)
        body = match.group(1)
        if body in _ESCAPES:
            _add_literal(pieces, body)
        else:
            parsed = _VARIABLE_BODY.fullmatch(body)
            pieces.append(_variable(parsed))
        position = match.end()
    _add_text(pieces, text[position:], wildcards)
    return tuple(pieces)


def _variable(parsed: re.Match[str] | None) -> Variable:
    if parsed is None:
        return Variable("")
    return Variable(parsed.group(1).lower(), parsed.group(2), parsed.group(1))


def _add_text(pieces: list[Piece], text: str, wildcards: bool) -> None:
    if not wildcards:
        _add_literal(pieces, text)
        return
    for run in re.split(r"([*?])", text):
        if run == "*":
            pieces.append(Wild.STAR)
        elif run == "?":
            pieces.append(Wild.ONE)
        else:
            _add_literal(pieces, run)


def _add_literal(pieces: list[Piece], text: str) -> None:
    if not text:
        return
    if pieces and isinstance(pieces[-1], str):
        pieces[-1] += text
    else:
        pieces.append(text)


def variable_names(pieces: Iterable[Piece]) -> dict[str, str]:
    """The variables among the pieces: lower-case key to its spelling."""
    return {piece.key: piece.name for piece in pieces if isinstance(piece, Variable) and piece.key}


class Unresolved(Enum):
    """Why a pattern could not be resolved."""

    NO_VALUE = "no value"
    UNKNOWN = "unknown"


_LONGEST_VALUES: Final = 4_096
"""Characters of all values that are put into a pattern. In AWS a value has at most 2,048, as those of ARNs."""


def resolve(
    pieces: Sequence[Piece],
    context: RequestContext,
    *,
    wildcards_in_values: bool = False,
    longest: int | None = None,
) -> tuple[Piece, ...] | Unresolved:
    """Put the values of the variables in.

    Args:
        longest: the length of the only text that is tested against the pattern. One that is longer without its stars
            cannot match it, and is put together only as far as that shows.

    Returns pieces without variables; NO_VALUE when a variable has none (absent and no default, or several
    values); UNKNOWN when that depends on an unknown key and no variable is without a value, or where the values are
    longer than any that AWS has.
    """
    resolved: list[Piece] = []
    unknown = False
    length = 0
    room = None if wildcards_in_values else longest
    for piece in pieces:
        if not isinstance(piece, Variable):
            if isinstance(piece, str):
                room = _add_within(resolved, piece, room)
            else:
                resolved.append(piece)
            continue
        values = context.lookup(piece.key) if ":" in piece.key else ()
        length += max(map(len, values), default=0) if isinstance(values, tuple) else 0
        if not isinstance(values, tuple) or length > _LONGEST_VALUES:
            unknown = True
        elif len(values) == 1 or (not values and piece.default is not None):
            text = values[0] if values else piece.default or ""
            if wildcards_in_values:
                _add_text(resolved, text, wildcards=True)
            else:
                room = _add_within(resolved, text, room)
        else:
            return Unresolved.NO_VALUE
    return Unresolved.UNKNOWN if unknown else tuple(resolved)


def _add_within(pieces: list[Piece], text: str, room: int | None) -> int | None:
    """Add literal text, cut one character behind the room for it, and return the room that is left.

    The colons that tell an ARN from other text are kept.
    """
    if room is not None and len(text) > room:
        text = text[: room + 1] + ":" * min(text.count(":", room + 1), 5)
    _add_literal(pieces, text)
    return None if room is None else max(room - len(text), 0)


def with_variables_as_stars(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """The pattern that matches whatever the variables may turn out to be."""
    return tuple(Wild.STAR if isinstance(piece, Variable) else piece for piece in pieces)


def tokens_of(pieces: Sequence[Piece]) -> tuple[Token, ...]:
    """One token for each literal character and each wildcard; no variables may be left."""
    tokens: list[Token] = []
    for piece in pieces:
        assert not isinstance(piece, Variable)
        if isinstance(piece, str):
            tokens.extend(piece)
        else:
            tokens.append(piece)
    return tuple(tokens)


def pieces_match(pieces: Sequence[Piece], text: str) -> bool:
    """True if a pattern without variables matches a text; compiled only where both begin and end alike."""
    if not pieces:
        return not text
    first, last = pieces[0], pieces[-1]
    if (isinstance(first, str) and not text.startswith(first)) or (isinstance(last, str) and not text.endswith(last)):
        return False
    return Glob(tokens_of(pieces)).matches(text)


def has_variable(pieces: Iterable[Piece]) -> bool:
    return any(isinstance(piece, Variable) for piece in pieces)


def plain_text(pieces: Iterable[Piece]) -> str:
    """The text of resolved pieces, with wildcards as their own characters."""
    return "".join(
        piece if isinstance(piece, str) else piece.value for piece in pieces if not isinstance(piece, Variable)
    )


def one_variable_match(pieces: Sequence[Piece]) -> Callable[[str, RequestContext], bool | None] | None:
    """Matcher of a pattern with one variable and no wildcard before it; None for another pattern.

    It is not put together for each request. What is returned gives None where the variable has not one known value.
    """
    place = next((place for place, piece in enumerate(pieces) if not isinstance(piece, str)), len(pieces))
    variable, rest = pieces[place : place + 1], pieces[place + 1 :]
    if not variable or not isinstance(variable[0], Variable) or any(isinstance(piece, Variable) for piece in rest):
        return None
    lead, key, behind = "".join(map(str, pieces[:place])), variable[0].key, Glob(tokens_of(rest))

    def matches(text: str, context: RequestContext) -> bool | None:
        values = context.lookup(key) if ":" in key else ()
        if type(values) is not tuple or len(values) != 1 or len(values[0]) > _LONGEST_VALUES:
            return None
        start = lead + values[0]
        return text.startswith(start) and behind.matches(text[len(start) :])

    return matches


def literal_text(pieces: Sequence[Piece]) -> str | None:
    """The text of a pattern without wildcards and variables, else None."""
    if not pieces:
        return ""
    if len(pieces) == 1 and isinstance(pieces[0], str):
        return pieces[0]
    return None


class Machine:
    """Automaton of patterns. Bit i of a pattern's state: the first i non-star tokens have been matched.

    The states of several patterns stand one behind the other, so that all of them read a text at once. Stars in a row
    are taken for one that matches what any of them does; of such stars one matches all that the others do.

    Args:
        accepts: by character, the states that it leads on from.
        any: the states that a character leads on from that the pattern does not name.
        loops: by separator, the states that it leaves as they are; `other_loops` those that another character does.
        first: the state in which nothing has been matched, of each pattern.
        final: the state in which the whole pattern has been matched, of each.
    """

    __slots__ = ("_left_without", "_literal", "_ones", "accepts", "any", "final", "first", "loops", "other_loops")

    def __init__(self, *patterns: Sequence[Token]) -> None:
        accepts: dict[str, int] = {":": 0, "/": 0}
        by_separator = {":": 0, "/": 0}
        loops = {":": 0, "/": 0}
        any_character = other_loops = first = final = 0
        bit = 1
        for tokens in patterns:
            first |= bit
            for token in tokens:
                if isinstance(token, str):
                    accepts[token] = accepts.get(token, 0) | bit
                    bit <<= 1
                    continue
                without = WITHOUT[token]
                if token in STARS:
                    other_loops |= bit
                    for separator in loops:
                        if separator not in without:
                            loops[separator] |= bit
                    continue
                any_character |= bit
                for separator in by_separator:
                    if separator not in without:
                        by_separator[separator] |= bit
                bit <<= 1
            final |= bit
            bit <<= 1
        self._literal = {separator: accepts[separator] for separator in by_separator}
        self._left_without: dict[str, int] = {}
        self._ones = by_separator
        for character in accepts:
            accepts[character] |= by_separator.get(character, any_character)
        self.accepts, self.any = accepts, any_character
        self.loops, self.other_loops = loops, other_loops
        self.first, self.final = first, final

    def step(self, state: int, character: str) -> int:
        loops = self.loops.get(character, self.other_loops)
        return ((state & self.accepts.get(character, self.any)) << 1) | (state & loops)

    def step_by_some(self, state: int, without: str) -> int:
        """All states reachable by one character that is none of some separators."""
        barred = self.final
        for separator in without:
            barred |= self._literal[separator]
        return ((state & ~barred) << 1) | (state & self.other_loops)

    def run_by_some(self, state: int, without: str) -> int:
        """All states reachable by some text without some separators: up to the next state that only these leave."""
        free = self._left_without.get(without)
        if free is None:
            free = ((1 << self.final.bit_length()) - 1) & ~self.final
            for separator in without:
                free &= ~self._literal[separator]
            self._left_without[without] = free
        # Added to a row of states that are left freely, the first that is reached carries to the end of the row.
        return state | (free + (state & free)) ^ free

    def read(
        self, request: Sequence[Token], state: int, run: Callable[[int, str], int], step: Callable[[int, str], int]
    ) -> int:
        """The states that a request pattern leads to, whose wildcards are read by `run` and `step`."""
        accepts, any_character = self.accepts, self.any
        loops, other_loops = self.loops, self.other_loops
        for token in request:
            if isinstance(token, str):
                # As in `step`, which would take most of the time to be called.
                state = ((state & accepts.get(token, any_character)) << 1) | (state & loops.get(token, other_loops))
            else:
                state = (run if token in STARS else step)(state, WITHOUT[token])
            if not state:
                break
        return state

    def step_by_all(self, state: int, without: str) -> int:
        """The states that every character leads to that is none of some separators."""
        ones, loops = self.any, self.other_loops
        for separator in self.loops:
            if separator not in without:
                ones &= self._ones[separator]
                loops &= self.loops[separator]
        return ((state & ones) << 1) | (state & loops)

    def run_by_all(self, state: int, without: str) -> int:
        """The states that each text leads to that has none of some separators, whatever its length."""
        common = state
        stays = self.other_loops
        for separator in self.loops:
            if separator not in without:
                stays &= self.loops[separator]
        for _ in range(self.final.bit_length()):
            longer = self.step_by_all(state, without)
            common &= longer
            if longer == state or not common & ~stays:
                break
            state = longer
        return common


class Glob:
    """A compiled pattern.

    A pattern of literal runs and stars that match anything is matched run by run, each looked for behind the one
    before it; what is done with single characters is worked out when it is needed, which for most patterns it never is.
    """

    __slots__ = ("_lead", "_made", "_runs", "tokens")

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tuple(tokens)
        self._runs: tuple[str, ...] | None = None
        self._made: Machine | None = None
        self._lead: str | None = None

    @property
    def machine(self) -> Machine:
        if self._made is None:
            self._made = Machine(self.tokens)
        return self._made

    @property
    def lead(self) -> str:
        """Common beginning of all texts that match."""
        if self._lead is None:
            self._lead = lead_of(self.tokens)
        return self._lead

    def matches(self, text: str, count_step: Callable[[], None] | None = None) -> bool:
        """True if the whole text matches. `count_step` is called once for each character or run looked at."""
        if self._runs is None:
            self._runs = _literal_runs(self.tokens) or ()
        if self._runs:
            return _match_runs(self._runs, text, count_step)
        machine = self.machine
        state = 1
        accepts, any_character = machine.accepts, machine.any
        loops, other_loops = machine.loops, machine.other_loops
        for character in text:
            if count_step is not None:
                count_step()
            state = ((state & accepts.get(character, any_character)) << 1) | (state & loops.get(character, other_loops))
            if not state:
                return False
        return bool(state & machine.final)

    def shares(self, request: Sequence[Token]) -> bool:
        """True if some text matches both this pattern and a request pattern."""
        return self._reads(request, self.machine.run_by_some, self.machine.step_by_some)

    def covers(self, request: Sequence[Token]) -> bool:
        """True if this pattern is seen to match every text that the request pattern matches.

        It is not seen of a few patterns with question marks that match texts of different lengths each in its own way.
        """
        return self._reads(request, self.machine.run_by_all, self.machine.step_by_all)

    def _reads(self, request: Sequence[Token], run: Callable[[int, str], int], step: Callable[[int, str], int]) -> bool:
        """True if the machine reaches its end on a request pattern, whose wildcards it reads by `run` and `step`."""
        begun = 0
        for token, character in zip(request, self.lead, strict=False):
            if token != character:
                break
            begun += 1
        return bool(self.machine.read(request[begun:], 1 << begun, run, step) & self.machine.final)


def lead_of(tokens: Sequence[Token]) -> str:
    """The literal text before the first wildcard of a pattern."""
    return "".join(takewhile(lambda token: isinstance(token, str), tokens))  # type: ignore[arg-type]


def _literal_runs(tokens: Sequence[Token]) -> tuple[str, ...] | None:
    """The literal runs between the stars of a pattern that has no other wildcards, else None."""
    runs: list[list[str]] = [[]]
    for token in tokens:
        if token is Wild.STAR:
            runs.append([])
        elif isinstance(token, Wild):
            return None
        else:
            runs[-1].append(token)
    return tuple("".join(run) for run in runs)


def _match_runs(runs: tuple[str, ...], text: str, count_step: Callable[[], None] | None) -> bool:
    """True if the text starts with the first run, ends with the last, and has the others between, in order."""
    first, last = runs[0], runs[-1]
    if count_step is not None:
        count_step()
    if len(runs) == 1:
        return text == first
    end = len(text) - len(last)
    if end < len(first) or not text.startswith(first) or not text.endswith(last):
        return False
    position = len(first)
    for run in runs[1:-1]:
        if count_step is not None:
            count_step()
        found = text.find(run, position, end)
        if found < 0:
            return False
        position = found + len(run)
    return True


def arn_tokens(tokens: Sequence[Token], *, trailing_star_crosses: bool = True) -> tuple[Token, ...]:
    """Confine the wildcards of an ARN pattern to their fields (IAM User Guide: Resource element).

    In the first five fields `?` and `*` cannot match a colon, except a `*` that is the last character of its
    field; behind the fifth colon wildcards match anything.
    """
    result = list(tokens)
    colons = 0
    for i, token in enumerate(tokens):
        if token == ":":
            colons += 1
            if colons == 5:
                break
        elif token is Wild.ONE:
            result[i] = Wild.FIELD_ONE
        elif isinstance(token, Wild):
            ends_field = i + 1 == len(tokens) or tokens[i + 1] == ":"
            result[i] = Wild.STAR if ends_field and trailing_star_crosses else Wild.FIELD_STAR
    return tuple(result)


_MOST_COLONS: Final = {name: spec.most_colons for name, spec in SERVICE_SPECS.items()}
"""With how many colons a name is full, so that `subnet/*` names no subnet that `arn:aws:ec2:*::image/*` could be about,
and a set of one account's queues none that `arn:aws:sqs:*:222222222222:orders` could. The label of a table's stream and
the path of a user may have more: sets are denied there at the worst, and one resource is not touched by it."""


@lru_cache(maxsize=64)
def request_tokens(text: str) -> tuple[Token, ...]:
    """The tokens of a request resource in which `*` is a wildcard (and `?` an ordinary character).

    A star before the fifth colon stays in its field unless it ends the text; behind it, it runs over colons where
    the name of the service's resources can have more than are written.
    """
    tokens: list[Token] = []
    fields = text.split(":", 5)
    most = _MOST_COLONS.get(fields[2]) if len(fields) > 5 else None
    crosses = most is None or fields[5].count(":") < most
    colons = 0
    last = len(text) - 1
    for i, character in enumerate(text):
        if character == ":":
            colons += 1
        if character != "*":
            tokens.append(character)
        else:
            runs = crosses if colons >= 5 else i == last
            tokens.append(Wild.STAR if runs else Wild.FIELD_STAR)
    return tuple(tokens)
