from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.policy.json_text import brackets_of, line_deeper_than

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def one_by_one(text: str) -> tuple[str, bool]:
    """The same, looking at one character after the other."""
    found, inside, escaped = "", False, False
    for character in text:
        if inside:
            inside = escaped or character != '"'
            escaped = not escaped and character == "\\"
        elif character == '"':
            inside = True
        elif character in "[]{}":
            found += character
    return found, inside


@given(st.text(alphabet='ab"\\[]{}\n ,', max_size=40))
def test_the_brackets_outside_of_texts_are_found(text: str) -> None:
    assert tuple(brackets_of(text)) == one_by_one(text)


def nesting(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(nesting, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(nesting, value), default=0)
    return 0


@given(values)
def test_a_value_closes_and_nests_as_deep_as_it_is(value: object) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=2)):
        found = brackets_of(text)
        assert not found.text_left_open
        assert found.left_open == 0
        assert found.deepest == nesting(value)
        assert line_deeper_than(text, found.deepest) is None


@pytest.mark.parametrize(
    ("text", "depth", "line"), [("[\n[\n[", 2, 3), ('{"[[[": [\n"{"]}', 1, 1), ("[]\n[]\n[[", 1, 3), ("]\n[[", 0, 2)]
)
def test_the_line_at_which_it_gets_too_deep(text: str, depth: int, line: int) -> None:
    assert line_deeper_than(text, depth) == line
