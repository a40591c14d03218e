"""The layers of a decision in one line, as much as fits."""

from __future__ import annotations

import pytest

from iamtui.engine.decision import Layer
from iamtui.presentation.styled_words import Tone, text_of
from iamtui.presentation.verdict import DecisionLayers, LayerText, pipeline


def layers(*states: tuple[Layer, str, str, str, Tone]) -> DecisionLayers:
    texts = tuple(LayerText(layer, mark, name, words, tone, "") for layer, name, mark, words, tone in states)
    return DecisionLayers(texts, None, ())


LAYERS = layers(
    (Layer.IDENTITY, "identity", "[-]", "no allow", Tone.DENIED),
    (Layer.RESOURCE, "resource", "[x]", "denies", Tone.DENIED),
    (Layer.BOUNDARY, "boundary", " · ", "does not apply", Tone.QUIET),
    (Layer.SCP, "SCP", "[+]", "allows", Tone.ALLOWED),
)


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (80, "identity [-] ─ resource [x] ─ boundary · ─ SCP [+]   · has no say"),
        (64, "identity [-] ─ resource [x] ─ boundary · ─ SCP [+]"),
        (47, "identity [-] ─ resource [x] ─ SCP [+] ─ 1 n/a"),
        (37, "identity [-] ─ resource [x] ─ SCP [+]"),
        (36, "identity [-] resource [x] SCP [+]"),
    ],
)
def test_what_fits_is_shown_in_the_order_of_evaluation(width: int, line: str) -> None:
    assert text_of(pipeline(LAYERS, width)) == line
