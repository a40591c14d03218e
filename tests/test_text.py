"""safe_text: whatever comes in, what goes out cannot steer a terminal or hide from a reader."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.text import LABEL_LIMIT, counted, safe_document, safe_text

ANYTHING = st.text(alphabet=st.characters(exclude_categories=[]))
INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")

# Unicode: Default_Ignorable_Code_Point, which terminals draw as nothing.
DEFAULT_IGNORABLE = [
    *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), *range(0x200B, 0x2010)),
    *(*range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x3164, *range(0xFE00, 0xFE10), 0xFEFF, 0xFFA0),
    *(*range(0xFFF0, 0xFFF9), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000)),
]


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b]52;c;cHduZWQ=\x07", "␛]52;c;cHduZWQ=␇"),
        ("\x1b[2J", "␛[2J"),
        ("\x9b31m", "<U+009B>31m"),
        ("\x00\x08\x7f", "␀␈␡"),
        ("two\r\nlines", "two␍␊lines"),
        ("tab\tbed", "tab␉bed"),
        ("admin\u202egpj", "admin<U+202E>gpj"),
        ("ad\u200bmin", "ad<U+200B>min"),
        ("\u2066x\u2069", "<U+2066>x<U+2069>"),
        ("\ufeffbom", "<U+FEFF>bom"),
        ("a\ufe0fb\U000e0100", "a<U+FE0F>b<U+E0100>"),
        ("tag\U000e0041", "tag<U+E0041>"),
        ("half \ud83d", "half \ufffd"),
        ("a\u2028b\u2029", "a<U+2028>b<U+2029>"),
        ("admin\u00a0\u3000x", "admin<U+00A0><U+3000>x"),
        ("admin\u2800", "admin<U+2800>"),
        ("\ue000\U000f0000\U0010fffd", "<U+E000><U+F0000><U+10FFFD>"),
        ("\u0378\ufdd0\U0001fffe", "<U+0378><U+FDD0><U+1FFFE>"),
        ("[red]not ours to touch[/]", "[red]not ours to touch[/]"),
        ("Zoë 日本 🚀", "Zoë 日本 🚀"),
        ("", ""),
    ],
)
def test_hostile_characters_become_visible(hostile: str, shown: str) -> None:
    assert safe_text(hostile) == shown


def test_every_invisible_character_of_unicode_is_replaced() -> None:
    wrong = []
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if unicodedata.category(character) in INVISIBLE and character in safe_text(character):
            wrong.append(f"U+{code:04X}")
    assert wrong == []


def test_every_default_ignorable_character_is_replaced() -> None:
    assert [f"U+{code:04X}" for code in DEFAULT_IGNORABLE if chr(code) in safe_text(chr(code))] == []


LOOK_ALIKES = [
    *(0x00A0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000),  # spaces
    *(0x2800, 0x115F, 0x1160, 0x3164, 0xFFA0, 0x16FE4, 0x1D159),  # blank patterns and fillers
    *(*range(0xE000, 0xF900), 0xF0000, 0x10FFFD, *range(0xFDD0, 0xFDF0), 0x0378, 0x3FFFF),  # private and unassigned
]


def test_every_look_alike_of_a_space_or_of_nothing_is_shown_as_what_it_is() -> None:
    assert [f"U+{code:04X}" for code in LOOK_ALIKES if safe_text(f"a{chr(code)}b") != f"a<U+{code:04X}>b"] == []


READABLE = (
    "Zoë Łódź Ångström ĳ ß ﬁ", "Ελληνικά Кириллица Հայերեն ქართული", "עִבְרִית العَرَبِيَّة", "हिन्दी தமிழ் ไทยที่นี่ ខ្មែរ",
    "日本語 한국어 繁體字 𠮷", "Việt Nam", "Việt", "🚀 🇩🇪 👍🏽 ☑ ½ € ™ → ─│┌┐ ▁▂▃ ◌", "🫨 \U0001fae9 \U00031350",
)  # fmt: skip


@pytest.mark.parametrize("text", READABLE)
def test_ordinary_scripts_accents_and_emoji_stay_readable(text: str) -> None:
    assert safe_text(text) == text
    for form in ("NFC", "NFD"):
        assert safe_text(unicodedata.normalize(form, text)) == unicodedata.normalize(form, text)


@given(ANYTHING)
@example("\x1b\x9b\u202e\ud800\U000e0001\u0301")
def test_the_result_holds_nothing_invisible_and_can_be_encoded(text: str) -> None:
    shown = safe_text(text)
    assert not [character for character in shown if unicodedata.category(character) in INVISIBLE]
    assert shown.encode("utf-8").decode("utf-8") == shown


@given(ANYTHING)
def test_a_safe_text_is_left_as_it_is(text: str) -> None:
    once = safe_text(text)
    assert safe_text(once) == once


@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=LABEL_LIMIT))
def test_plain_ascii_is_the_same_object(text: str) -> None:
    """Nothing is built for the common case, so that ten thousand labels cost next to nothing."""
    assert safe_text(text) is text


@given(ANYTHING, st.integers(min_value=0, max_value=12))
def test_the_result_is_never_longer_than_the_limit(text: str, limit: int) -> None:
    assert len(safe_text(text, limit=limit)) <= limit


def test_labels_are_cut_and_say_so() -> None:
    assert safe_text("x" * LABEL_LIMIT) == "x" * LABEL_LIMIT
    assert safe_text("x" * (LABEL_LIMIT + 1)) == "x" * (LABEL_LIMIT - 1) + "…"
    assert len(safe_text("\x9b" * LABEL_LIMIT)) == LABEL_LIMIT
    assert safe_text("x" * 9000, limit=None) == "x" * 9000


# A combining acute, a spacing Devanagari sign, a Hangul vowel, a kana mark, a skin tone.
JOINING = ["\u0301", "\u0903", "\u1161\u11a8", "\u3099", "\U0001f3fb"]


@pytest.mark.parametrize("mark", JOINING)
@pytest.mark.parametrize("before", ["", "user/", "statement ", '"', "a, ", "key=", "(", "arn:aws:iam::1:", "<U+200B>"])
def test_a_mark_at_the_start_of_a_name_stays_off_what_stands_before_it(before: str, mark: str) -> None:
    assert safe_text(f"{before}{mark}x") == f"{before}\u25cc{mark}x"


@pytest.mark.parametrize(
    "text", ["e\u0301", "5\u20e3", "\u0915\u094d\u0937\u093f", "\u1112\u1161\u11ab", "\U0001f44d\U0001f3fb"]
)
def test_a_mark_on_a_letter_stays_there(text: str) -> None:
    assert safe_text(f"user/{text}") == f"user/{text}"


def test_combining_marks_neither_pile_up_nor_reach_the_text_before() -> None:
    assert safe_text("Z" + "\u0310" * 500 + "a") == "Z" + "\u0310" * 4 + "<496 more marks>a"
    assert safe_text("x" + "\u20dd" * 5) == "x" + "\u20dd" * 4 + "<1 more mark>"  # of combining class 0
    assert safe_text("\u0338name") == "\u25cc\u0338name"
    assert safe_text("e\u0301te\u0301") == "e\u0301te\u0301"


def test_anything_can_be_shown() -> None:
    assert safe_text(Problem("No \x1b role.", "Try again.")) == "No ␛ role. Try again."
    assert safe_text(12) == "12"
    assert safe_text(None) == "None"
    assert safe_text(Secret("hunter2")) == "••••••••"


def test_a_document_keeps_its_lines() -> None:
    assert safe_document('{\r\n\t"a": 1\n}\x1b[0m\n') == '{\n    "a": 1\n}␛[0m\n'
    long = "x" * 9000
    assert safe_document(long) == long


@given(ANYTHING)
def test_a_document_holds_nothing_invisible_but_line_ends(text: str) -> None:
    shown = safe_document(text)
    assert not [c for c in shown if c != "\n" and unicodedata.category(c) in INVISIBLE]
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert shown.count("\n") == text.count("\n")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((0, "file"), "0 files"),
        ((1, "file"), "1 file"),
        ((2_000, "file"), "2,000 files"),
        ((1, "policy", "policies"), "1 policy"),
        ((2, "policy", "policies"), "2 policies"),
    ],
)
def test_a_number_has_its_noun_as_one_or_many(given: tuple[int, str] | tuple[int, str, str], words: str) -> None:
    assert counted(*given) == words
