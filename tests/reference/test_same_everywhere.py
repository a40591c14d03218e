"""The same decisions on every Python: each runs the same requests and must come to the same number."""

from .digest import digest

EXPECTED = "ea7780540ae6cd807e8fae6143875d351b6799c6451059a9cb9524478ef3b0af"
"""From `python -m tests.reference.digest`; it changes only with a change of what is decided, or of the generator."""


def test_decisions_are_the_same_on_this_python() -> None:
    assert digest() == EXPECTED
