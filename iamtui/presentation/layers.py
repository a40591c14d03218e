"""The layers of a decision as rows: mark, name, state in words and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from iamtui.engine.condition_words import LAYER_NAMES
from iamtui.engine.decision import Decision, Layer, LayerReport, LayerState, StatementRef
from iamtui.presentation.styled_words import Row, Tone, Word, text_of
from iamtui.presentation.verdict import layers_that_depend
from iamtui.text import safe_text


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
    """One layer in two rows, for a column that is narrow and high: why it says so stands below."""
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
