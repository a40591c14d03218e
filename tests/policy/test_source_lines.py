"""Where values stand in JSON text."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from iamtui.policy.document import PolicyDocument, render
from iamtui.policy.json_text import positions

TEXT = """{
  "Version": "2012-10-17", "Statement": [
    {"Effect": "Allow",
     "Action": ["s3:Get*",
                "s3:{[\\"x\\"]}"],
     "Resource": "*"}, {
      "Effect": "Deny", "Action": "*", "Resource": "*"
  }]
}
"""


def test_values_are_placed_in_the_text_as_given() -> None:
    found = positions(TEXT)
    assert found["$"] == (1, 9)
    assert found["$.Version"] == (2, 2)
    assert found["$.Statement"] == (2, 8)
    assert found["$.Statement[0]"] == (3, 6)
    assert found["$.Statement[0].Action"] == (4, 5)
    assert found["$.Statement[0].Action[1]"] == (5, 5)
    assert found["$.Statement[1]"] == (6, 8)
    assert found["$.Statement[1].Action"] == (7, 7)


def test_a_single_statement_begins_at_its_key() -> None:
    text = '{"Statement":\n{"Effect": "Allow",\n"Action": "*", "Resource": "*"}}'
    assert positions(text)["$.Statement"] == (1, 3)


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
statements = st.fixed_dictionaries(
    {"Effect": st.just("Allow"), "Action": st.just("*")},
    optional={"Sid": st.text(max_size=5), "Resource": st.lists(st.text(max_size=4), max_size=3)},
)
documents = st.fixed_dictionaries(
    {"Statement": statements | st.lists(statements, max_size=4)},
    optional={"Version": st.just("2012-10-17"), "Id": st.text(max_size=4)},
)


@given(documents)
def test_agrees_with_the_lines_of_the_canonical_text(value: dict[str, object]) -> None:
    listed = isinstance(value["Statement"], list)
    lines = PolicyDocument.of(value).lines
    found = positions(render(value))
    assert [found[f"$.Statement[{at}]" if listed else "$.Statement"] for at in range(len(lines))] == list(lines)


@given(st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner), max_leaves=9))
def test_each_value_spans_the_lines_it_is_written_on(value: object) -> None:
    text = json.dumps(value, indent=1)
    lines = text.count("\n") + 1
    found = positions(text)
    assert found["$"] == (1, lines)
    assert all(1 <= first <= last <= lines for first, last in found.values())


@given(st.text(alphabet='{}[]",:\\a\n 1', max_size=40))
def test_broken_text_never_raises(text: str) -> None:
    positions(text)
