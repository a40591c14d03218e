from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.presentation.styled_words import bar, needs_ascii, rest_bar, stacked_bar


@pytest.mark.parametrize(
    ("value", "most", "drawn", "ascii_drawn"),
    [
        (0, 8, "", ""),
        (8, 8, "████", "####"),
        (4, 8, "██", "##"),
        (1, 8, "▌", "#"),
        (1, 10_000, "▏", "#"),
        (3, 0, "", ""),
    ],
)
def test_a_bar(value: int, most: int, drawn: str, ascii_drawn: str) -> None:
    assert bar(value, most, 4) == drawn
    assert bar(value, most, 4, ascii_only=True) == ascii_drawn


def test_a_stacked_bar() -> None:
    assert stacked_bar((2, 1, 0, 1), 8) == ("████", "▓▓", "", "░░")
    assert stacked_bar((2, 1, 0, 1), 8, ascii_only=True) == ("####", "==", "", "..")
    assert stacked_bar((0, 0), 8) == ("", "")


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=6), st.integers(6, 60))
def test_a_stacked_bar_fills_its_width_and_hides_nothing(parts: list[int], width: int) -> None:
    pieces = stacked_bar(parts, width)
    assert sum(map(len, pieces)) == (width if any(parts) else 0)
    assert all(bool(piece) is bool(part) for piece, part in zip(pieces, parts, strict=True))


@pytest.mark.parametrize(
    ("environ", "encoding", "expected"),
    [
        ({}, "utf-8", False),
        ({}, "ascii", True),
        ({}, None, True),
        ({"LANG": "en_US.UTF-8"}, "utf-8", False),
        ({"LANG": "de_DE.ISO-8859-1"}, "utf-8", True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, "utf-8", True),
        ({"LC_CTYPE": "C.UTF-8"}, "utf-8", False),
        ({"LANG": "C", "LC_CTYPE": "en_US.UTF-8"}, "utf-8", False),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, "utf-8", True),
        ({"LC_ALL": "C.UTF-8", "LANG": "C"}, "utf-8", False),
    ],
)
def test_ascii_is_for_what_is_not_utf_8(environ: dict[str, str], encoding: str | None, expected: bool) -> None:
    assert needs_ascii(environ, encoding) is expected


def test_a_bar_of_what_is_left_has_a_cell_until_it_is_over() -> None:
    assert rest_bar(1, 4) == ("━━━━", "")
    assert rest_bar(0.5, 4) == ("━━", "──")
    assert rest_bar(0.001, 4) == ("━", "───")
    assert rest_bar(0, 4) == ("", "────")
    assert rest_bar(0.5, 4, ascii_only=True) == ("==", "--")
