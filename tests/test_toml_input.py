"""TOML that a person names as input: what would take the memory of the machine is refused before it is decoded."""

from __future__ import annotations

import tracemalloc

import pytest

from iamtui.input_files import toml_of
from iamtui.problem import Problem


@pytest.mark.parametrize(("text", "line"), [("a." * 10_000 + "a = 1", 1), ("x = 1\r\n[" + "a." * 10_000 + "a]", 2)])
def test_a_key_of_many_parts_is_refused_before_it_is_decoded(text: str, line: int) -> None:
    tracemalloc.start()
    with pytest.raises(Problem) as caught:
        toml_of(text, "The file x.toml")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.sentence == f"The file x.toml has more than 1,000 dots in line {line}."
    assert peak < 1_000_000


def test_the_longest_key_that_is_read_takes_little() -> None:
    tracemalloc.start()
    toml_of("a." * 1_000 + "a = 1", "The file x.toml")
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


def test_numbers_may_have_hundreds_of_dots() -> None:
    assert toml_of("x = [" + "1.5, " * 500 + "]", "The file x.toml") == {"x": [1.5] * 500}
