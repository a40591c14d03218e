"""The same decisions on every Python: each runs the same requests and must come to the same number."""

from .digest import digest

EXPECTED = "78df76968d16da32d8eda026478c3d1510f7e36670fc32b45580a6f0b36c956a"
"""From `python -m tests.reference.digest`; it changes only with a change of what is decided, or of the generator."""


def test_decisions_are_the_same_on_this_python() -> None:
    assert digest() == EXPECTED
