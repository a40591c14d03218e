"""Tables for other programs: any text of an account stands in its cell as it is, and does nothing there."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from iamtui.presentation.styled_words import markdown_row
from iamtui.text import safe_text
from tests.support.evil_account import EVIL


@pytest.mark.parametrize(
    "text",
    [
        "\x1b]8;;https://evil.example\x07x\u202ey\u200bz\ud800",
        EVIL,
        "a | b || c",
        "x\n| y | z |\n\n# title",
        "<script>alert(1)</script>",
        "[click](https://evil.example/)",
        "![x](https://evil.example/x.png)",
        "<https://evil.example>",
        "see https://evil.example and HTTP://evil.example",
        "www.evil.example WWW.evil.example",
        "&lt;b&gt; &#x3c;",
        "`code` **bold** _it_ ~~gone~~ $x$",
        "\\| \\\\",
        "---",
    ],
)
def test_markdown_shows_any_text_as_it_is(text: str) -> None:
    table = markdown_row(["name", "more"], heading=True) + markdown_row([text, "end"])
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(table)
    cells = [token for token in tokens if token.type == "inline"]
    assert [cell.content for cell in cells[:2]] == ["name", "more"]
    assert len(cells) == 4, "the text has left its cell"
    kinds = {child.type for child in cells[2].children or ()}
    assert kinds <= {"text", "text_special"}
    shown = "".join(child.content for child in cells[2].children or ()).replace("\u200b", "")
    assert shown.strip() == safe_text(text).strip()


@pytest.mark.parametrize("text", ["@octocat", "x @team/all", "(@someone)"])
def test_markdown_mentions_nobody(text: str) -> None:
    assert re.search(r"@\w", markdown_row([text])) is None
    assert "a@example.com" in markdown_row(["a@example.com"])


@pytest.mark.parametrize("text", ["https://evil.example", "x http://evil.example", "www.evil.example", "ftp://evil"])
def test_markdown_has_no_bare_address_that_becomes_a_link(text: str) -> None:
    cell = markdown_row([text])
    assert "://" not in cell
    assert "www." not in cell
