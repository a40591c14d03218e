"""The same decisions on every Python: each runs the same requests and must come to the same number."""

from .digest import digest

EXPECTED = "29ff65b0af94271e88089c1bdb6e91eaa47627c9d8589ae0c92df8e8b579fc7e"
"""From `python -m tests.reference.digest`; it changes only with a change of what is decided, or of the generator."""


def test_decisions_are_the_same_on_this_python() -> None:
    assert digest() == EXPECTED
