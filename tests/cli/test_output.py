"""What leaves the command line."""

from __future__ import annotations

import csv
import io

import pytest

from iamtui.cli.listing import print_graph, print_listing
from iamtui.cli.output import Output, Span, Style, stdout, wants_colour
from iamtui.lint.sarif import SarifResult, sarif_log
from iamtui.presentation.listing import Edge, ListColumn, Listing
from iamtui.presentation.styled_words import csv_row
from tests.support import wording


def written(*, colour: bool = False, width: int | None = None) -> tuple[Output, io.StringIO]:
    stream = io.StringIO()
    return Output(stream, colour=colour, width=width), stream


EVIL = "a\x1b[31m\x9b\u202eb\x07"


def test_every_way_out_makes_text_safe() -> None:
    out, stream = written(colour=False, width=60)
    out.line(EVIL, Span(EVIL, Style.BAD))
    out.paragraph(EVIL, indent=4, first=(EVIL,))
    for heads in (False, True):
        evil = ListColumn[str](EVIL, lambda row: row)
        listing = Listing(EVIL, (evil, evil), heads=heads, group=lambda row: row, inner=lambda row: (row,))
        for form in ("text", "json", "csv", "markdown"):
            print_listing(out, form, listing, [EVIL])
    out.document(f"{EVIL}\n{EVIL}\t")
    out.json({EVIL: EVIL})
    assert not {"\x1b", "\x9b", "\u202e", "\x07"} & set(stream.getvalue())


def test_spans_are_coloured_only_when_wanted_and_words_stay() -> None:
    plain, stream = written()
    plain.line("x ", Span(wording.ALLOWED, Style.GOOD))
    assert stream.getvalue() == f"x {wording.ALLOWED}\n"
    coloured, stream = written(colour=True)
    coloured.line("x ", Span(wording.ALLOWED, Style.GOOD))
    assert stream.getvalue() == f"x \x1b[1;32m{wording.ALLOWED}\x1b[0m\n"


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "xterm", "NO_COLOR": ""}, True),
     ({"TERM": "dumb"}, False)],
)  # fmt: skip
def test_no_color(environ: dict[str, str], wanted: bool) -> None:
    assert wants_colour(environ) is wanted


def test_paragraphs_are_wrapped_for_a_terminal_and_not_for_a_program() -> None:
    text = "word " * 30
    out, stream = written(width=50)
    out.paragraph(text, indent=4, first=("  ", Span("-", Style.QUIET)))
    lines = stream.getvalue().splitlines()
    assert len(lines) > 3
    assert lines[0].startswith("  - word")
    assert all(line.startswith("    word") for line in lines[1:])
    assert max(map(len, lines)) <= 50
    out, stream = written()
    out.paragraph(text, indent=4, first=("  ", Span("-", Style.QUIET)))
    assert len(stream.getvalue().splitlines()) == 1


def test_json_is_ascii() -> None:
    out, stream = written()
    out.json({"é": "\x7f"})
    assert stream.getvalue() == '{"\\u00e9": "\\u007f"}\n'


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_cell_of_a_table_begins_a_formula_whatever_parts_the_cells(sign: str) -> None:
    text = csv_row([f"{sign}1", f"a;{sign}2", f"b; {sign}3", f"c{sign}4"])
    (row,) = csv.reader(io.StringIO(text))
    assert row == [f"'{sign}1", f"a;'{sign}2", f"b;' {sign}3", f"c{sign}4"]
    assert text.startswith('"')
    for cells in (csv.reader(io.StringIO(text)), csv.reader(io.StringIO(text.replace('"', "")), delimiter=";")):
        assert not any(cell.strip().startswith(sign) for cell in next(cells))
    assert csv_row(["a", "b"]) == "a,b\n"


HOSTILE = "role/%%{init:{'theme':'dark'}}%%/`x` [y](http://e.example) &#10;n0-->n1 \"q\""


def test_no_label_of_a_graph_is_read_as_anything_else(capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("mermaid", "dot"):
        print_graph(stdout(), "g", [Edge(HOSTILE, "b", HOSTILE)], form)
    mermaid, _, dot = capsys.readouterr().out.partition("digraph")
    assert not set("%`&") & set(mermaid)
    assert mermaid.count("-->") == 1
    start = "role/#37;#37;{init:{'theme':'dark'}}#37;#37;/#96;x#96; [y](http://e.example) "
    assert f'n0["{start}#amp;#35;10;n0--#gt;n1 #quot;q#quot;"]' in mermaid
    assert "&amp;#10;n0-->n1" in dot
    assert "&#" not in dot


@pytest.mark.parametrize(
    ("text", "written"), [("a [y](http://e)", r"a \[y\](http://e)"), (r"a \[y](u)", r"a \\\[y\](u)"), ("a\\b", "a\\b")]
)
def test_no_text_is_a_link_in_sarif(text: str, written: str) -> None:
    (run,) = sarif_log([SarifResult("r", "error", text, "f")], failures=[("f", text)])["runs"]
    assert run["results"][0]["message"]["text"] == written
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"] == written
