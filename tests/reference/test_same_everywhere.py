"""The same decisions on every Python: each runs the same requests and must come to the same number."""

from .digest import digest

EXPECTED = "a64ec6ceea8a41c86cdb3000c993312a400e3f903abc74d59cb72636a4be6b24"
"""From `python -m tests.reference.digest`; it changes only with a change of what is decided, or of the generator."""


def test_decisions_are_the_same_on_this_python() -> None:
    assert digest() == EXPECTED
