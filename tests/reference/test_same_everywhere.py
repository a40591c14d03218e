"""The same decisions on every Python: each runs the same requests and must come to the same number."""

from .digest import digest

EXPECTED = "c45d46525c3113cb4fe315487f139863c8cd8206a27ff8598c671d35ee09ee9d"
"""From `python -m tests.reference.digest`; it changes only with a change of what is decided, or of the generator."""


def test_decisions_are_the_same_on_this_python() -> None:
    assert digest() == EXPECTED
