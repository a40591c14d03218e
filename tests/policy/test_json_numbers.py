"""Numbers of JSON are read, compared and written as they stand, not as the nearest double."""

from __future__ import annotations

import copy
import json
import pickle
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.policy.document import DocumentError, DocumentPool, PolicyDocument, load_json, render
from iamtui.policy.json_text import WrittenNumber, json_text, scalar_text
from iamtui.policy.values import parse_number

EXACT = "0.10000000000000000555"


def policy(number: str) -> str:
    condition = f'{{"NumericEquals": {{"k:n": [{number}, "{EXACT}", 10]}}}}'
    return f'{{"Statement": [{{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {condition}}}]}}'


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (EXACT, EXACT),
        ("0.1", "0.1"),
        ("1.50", "1.50"),
        ("-0.0", "-0.0"),
        ("1e3", "1000"),
        ("1.25E+2", "125"),
        ("15e-1", "1.5"),
        ("-1.5e-7", "-0.00000015"),
        ("0.1e0", "0.1"),
    ],
)
def test_a_number_is_compared_as_it_is_written(written: str, text: str) -> None:
    assert scalar_text(load_json(written)) == text
    assert parse_number(text) == Decimal(written)
    assert PolicyDocument(policy(written)).policy.statements[0].conditions[0].values == (text, EXACT, "10")


@pytest.mark.parametrize("text", ["1e400", "-1e400", "1e401", "1e-401", "1e-999999999", "1e" + "9" * 5000, "9" * 5000])
def test_a_number_that_cannot_be_written_out_is_refused(text: str) -> None:
    with pytest.raises(DocumentError, match="A number in the document is too large or too small to be read"):
        load_json(f"[{text}]")
    error = PolicyDocument(policy(text)).error
    assert error is not None
    assert "too large or too small" in str(error)


def test_a_document_is_shown_and_handed_on_with_its_numbers() -> None:
    value = load_json(policy(EXACT))
    assert f"\n            {EXACT},\n" in render(value)
    assert EXACT in PolicyDocument(policy(EXACT)).text
    for document in (PolicyDocument.of(value), DocumentPool().document(value), PolicyDocument(render(value))):
        assert document.policy.statements[0].conditions[0].values == (EXACT, EXACT, "10")


@pytest.mark.parametrize("number", ["1e3", EXACT])
def test_a_copy_of_a_number_is_written_like_it(number: str) -> None:
    for made in (copy.deepcopy(WrittenNumber(number)), pickle.loads(pickle.dumps(WrittenNumber(number)))):
        assert (made, made.written) == (float(number), number)


texts = st.text(max_size=6) | st.sampled_from(['"NaN"', "NaN", '\\"', "\\", '"', "1.5"])
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | texts
    | st.decimals(allow_nan=False, allow_infinity=False, places=25, min_value=-10, max_value=10).map(
        lambda number: WrittenNumber(f"{number:f}")
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(values, st.sampled_from([None, 2]), st.booleans())
def test_numbers_are_put_back_where_they_stood(value: object, indent: int | None, ensure_ascii: bool) -> None:
    text = json_text(value, indent=indent, ensure_ascii=ensure_ascii)
    again = load_json(text)
    assert again == value
    assert json_text(again, indent=indent, ensure_ascii=ensure_ascii) == text
    decimals = json.loads(text, parse_float=str)
    assert decimals == _with_texts(value)


def _with_texts(value: object) -> object:
    if isinstance(value, dict):
        return {key: _with_texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_texts(item) for item in value]
    return value.written if isinstance(value, WrittenNumber) else value
