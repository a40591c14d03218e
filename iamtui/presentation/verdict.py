"""A decision as a mark and words, and why: the same wherever it is shown; never a bare "allowed" that is not one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from iamtui.engine.condition_words import (
    LAYER_NAMES,
    condition_of,
    depends_lines,
    depends_summary,
    first_of,
    kept_by_formula,
)
from iamtui.engine.decision import (
    ONLY_UNDER_CONDITIONS,
    Decision,
    Layer,
    LayerReport,
    LayerState,
    Outcome,
    ResourceScope,
    StatementRef,
    short_policy_name,
)
from iamtui.policy.context import And, ConditionLeaf, MissingLeaf, Node, Or, leaves
from iamtui.presentation.styled_words import Row, Tone, Word, row_of, text_of
from iamtui.text import counted, safe_text

if TYPE_CHECKING:
    from iamtui.workspace.ask.aws_simulator import SecondOpinion, SimulatedResult

LIMITED: Final = "*"
"""Behind a verdict, or its mark alone, that holds only on some resources, or only as far as loaded."""


class VerdictWords(Struct, frozen=True):
    """A verdict. All of it is safe to show.

    Args:
        mark: "[+]", "[x]", "[-]" or "[?]".
        word: "ALLOWED", "DENIED" or "DEPENDS".
        rest: the words behind it, or "".
        limit: where the answer is not all that its word says ("on some", "as loaded"), that in few words; else "".
        before: the verdict without the draft, where that is known.
    """

    mark: str
    word: str
    rest: str
    limit: str = ""
    before: VerdictWords | None = None

    def __str__(self) -> str:
        return f"{self.mark} {self.word} {self.rest}".rstrip()

    @property
    def tone(self) -> Tone:
        return _TONES.get(self.word, Tone.QUIET)

    @property
    def is_pending(self) -> bool:
        return not self.word

    @property
    def changed(self) -> bool:
        return self.before is not None and str(self.before) != str(self)

    @property
    def row(self) -> Row:
        head = Word(f"{self.mark} {self.word}", self.tone, bold=True)
        return (head, Word(f" {self.rest}", self.tone)) if self.rest else (head,)

    @property
    def star(self) -> str:
        """Star behind the mark or the word where the limit is not written out, or ""."""
        return LIMITED if self.limit else ""

    @property
    def short(self) -> str:
        """Mark and word, for where there is no room for more; a star marks a limit."""
        return f"{self.mark} {self.word}{self.star}"


PENDING: Final = VerdictWords("   ", "", "")
"""In place of a verdict that is still being found."""

OUTCOME_WORDS: Final[Mapping[str, VerdictWords]] = {
    Outcome.ALLOWED: VerdictWords("[+]", "ALLOWED", ""),
    Outcome.EXPLICIT_DENY: VerdictWords("[x]", "DENIED", "explicit"),
    Outcome.IMPLICIT_DENY: VerdictWords("[-]", "DENIED", "no allow"),
    Outcome.DEPENDS: VerdictWords("[?]", "DEPENDS", ""),
}
_TONES: Final = {
    OUTCOME_WORDS[outcome].word: tone
    for outcome, tone in (
        (Outcome.ALLOWED, Tone.ALLOWED),
        (Outcome.EXPLICIT_DENY, Tone.DENIED),
        (Outcome.IMPLICIT_DENY, Tone.DENIED),
        (Outcome.DEPENDS, Tone.DEPENDS),
    )
}
"""The verdict of each outcome, before what it depends on and how far it reaches is added."""

_ON_SOME, _AS_LOADED = "on some", "as loaded"


def unloaded_layers(decision: Decision) -> tuple[Layer, ...]:
    """The layers that were not evaluated and could make the decision another one.

    An explicit deny stands whatever the rest says, and a missing allow stands where a cap is silent; elsewhere only
    a layer that grants could change that. A document that the decision waits for is named by its condition.
    """
    missing = decision.not_evaluated
    if not missing or decision.outcome is Outcome.EXPLICIT_DENY:
        return ()
    if decision.outcome is Outcome.IMPLICIT_DENY:
        granting = tuple(layer for layer in missing if layer in (Layer.IDENTITY, Layer.RESOURCE))
        return () if granting and decision.is_capped else granting
    if decision.outcome is Outcome.DEPENDS and decision.depends_on is not None:
        waited_for = _layers_of_documents(decision.depends_on)
        return tuple(layer for layer in missing if layer.value not in waited_for) if waited_for else missing
    return missing


@kept_by_formula
def _layers_of_documents(node: Node) -> frozenset[str]:
    """The layers, by value, of the documents that are not known and that something waits for."""
    return frozenset(leaf.source.layer for leaf in leaves(node) if isinstance(leaf, MissingLeaf) and leaf.source)


def layers_that_depend(decision: Decision) -> frozenset[str]:
    """The layers (by value) whose Allow waits for something unknown; of a denial also such that do not deny it."""
    if decision.outcome is Outcome.IMPLICIT_DENY:
        open_ones = (report for report in decision.layers if report.state is LayerState.SILENT)
        return frozenset(report.layer.value for report in open_ones if ONLY_UNDER_CONDITIONS in report.why)
    if decision.outcome is not Outcome.DEPENDS or decision.depends_on is None:
        return frozenset()
    return frozenset(leaf.source.layer for leaf in leaves(decision.depends_on) if leaf.source is not None)


def as_far_as_loaded(decision: Decision) -> str:
    """`as far as loaded (SCP not evaluated)`; empty where nothing that was left out could change the decision."""
    layers = unloaded_layers(decision)
    if layers:
        return _as_far_as_without(layers)
    allowed = decision.outcome is Outcome.ALLOWED
    return "as far as loaded (some layers not evaluated)" if allowed and not decision.complete else ""


@lru_cache(maxsize=64)
def _as_far_as_without(layers: tuple[Layer, ...]) -> str:
    return f"as far as loaded ({', '.join(LAYER_NAMES[layer].short for layer in layers)} not evaluated)"


@lru_cache(maxsize=64)
def _not_allowed(unloaded: str) -> VerdictWords:
    plain = OUTCOME_WORDS[Outcome.IMPLICIT_DENY]
    return VerdictWords(plain.mark, plain.word, _joined(plain.rest, unloaded), _AS_LOADED if unloaded else "")


def verdict_words(decision: Decision) -> VerdictWords:
    plain = OUTCOME_WORDS[decision.outcome]
    if decision.outcome is Outcome.EXPLICIT_DENY:
        return plain
    unloaded = as_far_as_loaded(decision)
    if decision.outcome is Outcome.IMPLICIT_DENY:
        return _not_allowed(unloaded)
    if decision.outcome is Outcome.DEPENDS:
        about = depends_summary(decision.depends_on) if decision.depends_on is not None else "more facts"
        return VerdictWords(plain.mark, plain.word, _joined(f"on {about}", how_far(decision)))
    if decision.resource_scope is not ResourceScope.SOME:
        return VerdictWords(plain.mark, plain.word, unloaded, _AS_LOADED if unloaded else "")
    return VerdictWords(plain.mark, plain.word, how_far(decision), _ON_SOME)


def how_far(decision: Decision) -> str:
    """On which resources alone an answer holds that is no denial, and what of it is not loaded; "" for all."""
    unloaded = as_far_as_loaded(decision)
    if decision.denied or decision.resource_scope is not ResourceScope.SOME:
        return unloaded
    # The patterns last: there may be many, and lines are cut at their end.
    patterns = _scope_patterns(decision)
    some = _joined("on some" if patterns else "on some resources", unloaded)
    return f"{some}: {patterns}" if patterns else some


def aged(verdict: Row, age: str) -> Row:
    """A verdict with how old the account is that it rests on ("read 3h ago"), or "": behind its word, never cut off."""
    return (verdict[0], Word(f" ({age})", Tone.DEPENDS), *verdict[1:]) if age else verdict


def _scope_patterns(decision: Decision) -> str:
    """Where an answer that holds on some resources holds, or where it does not, as far as either can be named."""
    if decision.allowed_parts:
        return first_of(decision.allowed_parts)
    return f"not on {first_of(decision.denied_resources)}" if decision.denied_resources else ""


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


_DENIED_EXPLICITLY, _DENIED, _DEPENDS = "denied explicitly", "denied", "on a condition"
_ALLOWED_ON_SOME, _ALLOWED_AS_LOADED, _ALLOWED = "allowed on some", "allowed as far as loaded", "allowed"


class VerdictCounts(Counter[str]):
    """How many answers have which verdict; as text the worst first: "3 denied, 1 on a condition, 20 allowed"."""

    def count(self, words: VerdictWords) -> None:
        self[_kind(words)] += 1

    @property
    def allowed(self) -> int:
        return self[_ALLOWED] + self.limited

    @property
    def limited(self) -> int:
        """How many are allowed only on some resources, or only as far as loaded."""
        return self[_ALLOWED_ON_SOME] + self[_ALLOWED_AS_LOADED]

    @property
    def depends(self) -> int:
        return self[_DEPENDS]

    @property
    def denied(self) -> int:
        return self[_DENIED_EXPLICITLY] + self[_DENIED]

    def __str__(self) -> str:
        kinds = _DENIED_EXPLICITLY, _DENIED, _DEPENDS, _ALLOWED_ON_SOME, _ALLOWED_AS_LOADED, _ALLOWED
        return ", ".join(f"{self[kind]} {kind}" for kind in kinds if self[kind])

    def short(self, *, best_first: bool = False) -> Row:
        """In as few words as fit; `best_first`: in this order, and with those that nobody has."""
        allowed = [Word(f"{self.allowed:,} allowed", Tone.ALLOWED, bold=True)]
        if self.limited:
            allowed.append(Word(f" ({self.limited:,}{LIMITED})", Tone.ALLOWED))
        depends = Word(f"{self.depends:,} depend{'s' if self.depends == 1 else ''}", Tone.DEPENDS, bold=True)
        denied = Word(f"{self.denied:,} denied", Tone.DENIED, bold=not best_first)
        kinds = [(self.denied, [denied]), (self.depends, [depends]), (self.allowed, allowed)]
        if best_first:
            kinds = [(1, words if count else [Word(words[0].text, Tone.QUIET)]) for count, words in reversed(kinds)]
        row: list[Word] = []
        for words in (words for count, words in kinds if count):
            row += [Word(", ", Tone.QUIET if best_first else Tone.PLAIN), *words] if row else words
        return tuple(row)


def _kind(words: VerdictWords) -> str:
    if words.tone is Tone.DENIED:
        return _DENIED_EXPLICITLY if words.mark == OUTCOME_WORDS[Outcome.EXPLICIT_DENY].mark else _DENIED
    if words.tone is Tone.DEPENDS:
        return _DEPENDS
    return {_ON_SOME: _ALLOWED_ON_SOME, _AS_LOADED: _ALLOWED_AS_LOADED}.get(words.limit, _ALLOWED)


def counts_of(decisions: Iterable[Decision]) -> VerdictCounts:
    counts = VerdictCounts()
    for decision in decisions:
        counts.count(verdict_words(decision))
    return counts


@lru_cache(maxsize=4096)
def statement_name(ref: StatementRef) -> str:
    """How a statement is named: `policy / Sid (lines 3-9)`, or `policy / statement 2 (line 5)` without a Sid."""
    sid = safe_text(ref.sid, limit=128) if ref.sid else f"statement {ref.statement + 1}"
    return f"{short_policy_name(ref.policy)} / {sid}{lines_words(ref.lines)}"


def lines_words(lines: tuple[int, int] | None) -> str:
    """` (lines 3-9)`, to follow a name; "" where they are not known."""
    if lines is None:
        return ""
    first, last = lines
    return f" (line {first})" if first == last else f" (lines {first}-{last})"


def because(decision: Decision, *, short: bool = False, beside: bool = False) -> Row:
    """Why, in one row: the condition on which it depends (`short`: unless `conditions` lists it), the statement.

    Args:
        beside: the verdict stands in front, so that "denied" and "no allow" need not be said again.
    """
    deciding = _deciding(decision, beside=beside)
    listed = short and isinstance(decision.depends_on, And | Or)
    if decision.outcome is not Outcome.DEPENDS or decision.depends_on is None or listed:
        return deciding
    condition = Word("if ", Tone.QUIET), Word(condition_of(decision), Tone.STRONG)
    return (*condition, Word(" · ", Tone.QUIET), *deciding) if deciding else condition


def _deciding(decision: Decision, *, beside: bool) -> Row:
    """The deciding statement, or the layers without an allow."""
    ref = decision.deciding
    if ref is None:
        implicit = decision.outcome is Outcome.IMPLICIT_DENY
        return (Word(_why_no_allow(decision, beside=beside), Tone.QUIET),) if implicit else ()
    denies = ref.effect == "Deny" and not (beside and decision.outcome is Outcome.EXPLICIT_DENY)
    verb = "denied by " if denies else "by "
    if decision.outcome is Outcome.DEPENDS and ref.effect == "Allow":
        verb = "would be allowed by "
    row = [Word(verb, Tone.QUIET), Word(statement_name(ref), Tone.STRONG)]
    if ref.layer is not Layer.IDENTITY:
        row.append(Word(f" in the {LAYER_NAMES[ref.layer].short} layer", Tone.QUIET))
    others = sum(1 for other in decision.matched if (other.effect, other.layer) == (ref.effect, ref.layer)) - 1
    if others > 0:
        row.append(Word(f" and {others} more", Tone.QUIET))
    return tuple(row)


def _why_no_allow(decision: Decision, *, beside: bool) -> str:
    blocked = decision.blocked_by or tuple(reason.layer for reason in decision.reasons)
    if not blocked:
        return "no statement allows it"
    names: list[str] = []
    for layer in dict.fromkeys(blocked):
        level = next((r for r in decision.reasons if r.layer is layer and r.level is not None), None)
        trust = layer is Layer.RESOURCE and decision.request.action.lower().startswith("sts:")
        name = "trust policy" if trust else LAYER_NAMES[layer].title
        if level is not None:
            name += f" at level {level.level}"
            if level.level_name:
                name += f" ({safe_text(level.level_name, limit=64)})"
        names.append(name)
    return f"{'none in' if beside else 'no Allow in:'} {', '.join(names)}"


def conditions(decision: Decision) -> list[Row]:
    """Conditions of a decision as an indented list; empty when one row (`because`) holds them all."""
    if not isinstance(decision.depends_on, And | Or):
        return []
    return [(Word(text),) for text in depends_lines(decision.depends_on, request=decision.request)]


def notes(decision: Decision, *, long: bool = False, besides: str = "") -> list[Row]:
    """Further notes on a decision, a row each: keys not given, notes.

    Args:
        long: what was taken for granted, too.
        besides: a note that is told already.
    """
    rows: list[Row] = []
    named = _keys_named(decision)
    missing = [safe_text(key, limit=128) for key in decision.missing_context if key not in named]
    if missing:
        rows.append((Word("Not given: ", Tone.QUIET), Word(", ".join(missing))))
    rows += [(Word(safe_text(note), Tone.QUIET),) for note in decision.notes if note != besides]
    if long and decision.assumptions:
        taken = ", ".join(safe_text(assumption) for assumption in decision.assumptions)
        rows.append((Word(f"Assumed: {taken}", Tone.FAINT),))
    return rows


def _keys_named(decision: Decision) -> set[str]:
    if decision.depends_on is None:
        return set()
    return {leaf.key for leaf in leaves(decision.depends_on) if isinstance(leaf, ConditionLeaf)}


# AWS's answer beside ours, and why they differ.


_MOST_STATEMENTS: Final = 8


def their_rows(result: SimulatedResult) -> Iterator[Row]:
    """AWS's answer, with the statements that it names; then, behind an empty row, what it says besides."""
    words = OUTCOME_WORDS.get(result.decision)
    yield words.row if words else row_of(Word(f"[?] {result.decision or 'no decision'}", Tone.DEPENDS, bold=True))
    for statement in result.matched[:_MOST_STATEMENTS]:
        kind = f"  {statement.policy_type}" if statement.policy_type else ""
        at = f" (AWS's lines {statement.lines[0]}-{statement.lines[1]})" if statement.lines else ""
        policy = Word(statement.policy, Tone.STRONG)
        yield row_of(Word("by ", Tone.QUIET), policy, Word(f"{kind}{at}", Tone.QUIET))
    if len(result.matched) > _MOST_STATEMENTS:
        yield (Word(f"and {counted(len(result.matched) - _MOST_STATEMENTS, 'more statement')}", Tone.QUIET),)
    if not result.matched:
        yield (Word("no statement named", Tone.QUIET),)
    yield ()
    yield _flag("The SCPs allow it", "The SCPs do not allow it", result.allowed_by_organizations, "SCPs")
    yield _flag("The boundary allows it", "The boundary does not allow it", result.allowed_by_boundary, "a boundary")
    if result.missing_context:
        yield row_of(Word("[?] keys not given: ", Tone.DEPENDS), ", ".join(result.missing_context))
    for source, said in result.details.items():
        yield row_of(Word(f"{source}: ", Tone.QUIET), said)


def _flag(yes: str, no: str, allowed: bool | None, name: str) -> Row:
    """AWS's result for a cap (SCPs, a boundary), in words; None: its answer has no result for it."""
    if allowed is None:
        return (Word(f" ·  AWS says nothing of {name}", Tone.QUIET),)
    return (Word(f"[+] {yes}", Tone.ALLOWED) if allowed else Word(f"[-] {no}", Tone.DENIED),)


def comparison_rows(opinion: SecondOpinion) -> Iterator[Row]:
    if opinion.agree:
        yield (Word("Both agree.", Tone.ALLOWED, bold=True),)
    else:
        yield (Word("The answers differ.", Tone.DEPENDS, bold=True),)
    for sentence in opinion.differences:
        unexplained = sentence == opinion.unexplained
        tone = Tone.DENIED if unexplained else Tone.PLAIN
        yield row_of(Word(f"- {sentence}", tone, bold=unexplained), limit=None)
    if opinion.remarks and not opinion.agree:
        yield ()
    yield from (row_of(Word(f"- {remark}", Tone.QUIET), limit=None) for remark in opinion.remarks)
    if opinion.endpoint:
        yield row_of(Word(f"- Answered by {opinion.endpoint}, which is not AWS.", Tone.DEPENDS))


class LayerText(NamedTuple):
    """One layer of a decision in words.

    Args:
        name: the short one.
        words: its state.
        why: why it says so; raw text, without what the state says already.
        statement: the one to show for it, a denying one first, then one that matched; None: none took part.
    """

    layer: Layer
    mark: str
    name: str
    words: str
    tone: Tone
    why: str
    statement: StatementRef | None = None


_ABSENT: Final = "does not apply"
_STATE_WORDS: Final = {
    LayerState.ALLOWS: ("[+]", "allows", Tone.ALLOWED),
    LayerState.DENIES: ("[x]", "denies", Tone.DENIED),
    LayerState.SILENT: ("[-]", "no allow", Tone.DENIED),
    LayerState.NOT_APPLICABLE: (" · ", _ABSENT, Tone.QUIET),
    LayerState.NOT_EVALUATED: ("[?]", "not evaluated", Tone.DEPENDS),
}
_NOT_NEEDED: Final = (" · ", "no allow", Tone.QUIET)
CONDITIONAL: Final = ("[?]", "depends", Tone.DEPENDS)
"""Of a silent layer whose Allow waits for something that is not known."""


def layer_text(report: LayerReport, decision: Decision) -> LayerText:
    mark, words, tone = _state(report, decision)
    why = report.why.removeprefix("Not evaluated: ") if report.state is LayerState.NOT_EVALUATED else report.why
    name, statement = LAYER_NAMES[report.layer].short, _statement(decision, report.layer)
    return LayerText(report.layer, mark, name, words, tone, why, statement)


class DecisionLayers(NamedTuple):
    """Every layer in evaluation order.

    Args:
        every: those that take part, and those that do not apply.
        deciding: the layer of the deciding statement, else the first that does not pass; None: the first of all.
        request: whose they are, to tell another answer to the same request from that to another.
    """

    every: tuple[LayerText, ...]
    deciding: Layer | None
    request: tuple[object, ...]

    @property
    def applying(self) -> tuple[LayerText, ...]:
        return tuple(layer for layer in self.every if layer.words != _ABSENT)

    @property
    def absent(self) -> tuple[LayerText, ...]:
        return tuple(layer for layer in self.every if layer.words == _ABSENT)


def decision_layers(decision: Decision) -> DecisionLayers:
    every = tuple(layer_text(report, decision) for report in decision.layers)
    if decision.deciding is not None:
        deciding: Layer | None = decision.deciding.layer
    else:
        deciding = next((reason.layer for reason in decision.reasons), None)
    asked = decision.request
    request = asked.principal, asked.action, asked.resource, asked.context
    return DecisionLayers(every, deciding, request)


def _statement(decision: Decision, layer: Layer) -> StatementRef | None:
    denying = [ref for reason in decision.reasons if reason.layer is layer for ref in reason.statements]
    matched = sorted((ref for ref in decision.matched if ref.layer is layer), key=lambda ref: ref.effect != "Deny")
    return next(iter([*denying, *matched]), None)


def _state(report: LayerReport, decision: Decision) -> tuple[str, str, Tone]:
    in_the_way = {*decision.blocked_by, *(reason.layer for reason in decision.reasons)}
    if report.state is LayerState.SILENT and report.layer not in in_the_way:
        return CONDITIONAL if report.layer.value in layers_that_depend(decision) else _NOT_NEEDED
    return _STATE_WORDS[report.state]


def layer_row(layer: LayerText, *, compact: bool = False, short: bool = False) -> Row:
    """One layer in one row: mark, name, state in words and why.

    Args:
        compact: without columns.
        short: why only where the layer is open.
    """
    name, words = f"{layer.name} ", f"{layer.words}: "
    if not compact:
        name, words = layer.name.ljust(13), layer.words.ljust(15)
    row = Word(f"{layer.mark} ", layer.tone), Word(name), Word(words, layer.tone)
    return row if short and layer.tone is not Tone.DEPENDS else (*row, _reason(layer))


def pipeline(layers: DecisionLayers, width: int) -> Row:
    """The layers in one line, in the order of evaluation: `identity [-] ─ resource [x] ─ boundary · ─ SCP [+]`.

    As much as fits into so many cells: those that do not apply are counted where there is no room for their names,
    then the lines between the others go. What the dot means is told where there is room.
    """
    absent, applying = layers.absent, layers.applying
    rest = (Word(f"{_LINK}{len(absent)} n/a", Tone.FAINT),) if absent else ()
    for row in (_linked(layers.every, _LINK), (*_linked(applying, _LINK), *rest), _linked(applying, _LINK)):
        if len(text_of(row)) <= width:
            said = _NO_SAY if any(word.text == _NOT_NEEDED[0].strip() for word in row) else ""
            return (*row, Word(said, Tone.FAINT)) if said and len(text_of(row)) + len(said) <= width else row
    return _linked(applying, " ")


_LINK: Final = " ─ "
_NO_SAY: Final = "   · has no say"


def _linked(layers: Sequence[LayerText], link: str) -> Row:
    words: list[Word] = []
    for layer in layers:
        if words:
            words.append(Word(link, Tone.FAINT))
        quiet = Tone.FAINT if layer.words == _ABSENT else Tone.PLAIN
        words += [
            Word(f"{layer.name} ", quiet),
            Word(layer.mark.strip(), layer.tone, bold=layer.tone is not Tone.QUIET),
        ]
    return tuple(words)


def layer_block(layer: LayerText) -> tuple[Row, Row]:
    """One layer in two rows, for a column that is narrow and high: the reason is below."""
    head = Word(f"{layer.mark} ", layer.tone), Word(layer.name.ljust(13)), Word(layer.words, layer.tone)
    return head, (_reason(layer),)


def _reason(layer: LayerText) -> Word:
    """Why a layer says so, first what could change it."""
    why = layer.why
    if layer.words == "not evaluated":
        why = why[:1].upper() + why[1:]
    elif layer.words == CONDITIONAL[1] and ", unless " in why:
        head, _, unless = why.removesuffix(".").partition(", unless ")
        why = f"unless {unless}. {head}."
    return Word(safe_text(why), Tone.QUIET)


def absent_layers(layers: Sequence[LayerText], *, short: bool = False) -> Row:
    """The layers that do not apply, together in one row; `short`: how many they are."""
    first = layers[0]
    if short:
        says = "1 other does not apply" if len(layers) == 1 else f"{len(layers)} others do not apply"
        return (Word(f"{first.mark} {says}", first.tone),)
    return (Word(f"{first.mark} {first.words}: {', '.join(layer.name for layer in layers)}", first.tone),)
