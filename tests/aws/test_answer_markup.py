"""The cheap look at markup lets nothing through that is deeper or larger than allowed, and everything else."""

from __future__ import annotations

import itertools
import json
from typing import Any
from xml.etree import ElementTree as ET

import botocore.parsers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.aws import limited_http
from iamtui.aws.answer_limits import DEEPEST, LONGEST_NAMESPACE, LONGEST_TEXT, Markup, too_much_markup
from iamtui.aws.session import SdkSession

D = DEEPEST


def nested(levels: int, inside: bytes = b"") -> bytes:
    return b"<a>" * levels + inside + b"</a>" * levels


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"x",
        b"<" * 500,
        b"<a" * 500,
        b"<>" * 500,
        nested(D),
        b"\xef\xbb\xbf" + nested(D),
        b'<?xml version="1.0"?>\n' + nested(D),
        nested(D - 1, b"<b/>" * 500),
        nested(D - 1, b'<b c="/>"/>' * 500),
        nested(D - 1, b"<b></b>" * 500),
        nested(D - 1, b"<!-- <a> -->" * 500),
        nested(D - 1, b"<![CDATA[<a>]]>" * 500),
        nested(D, b"/>" * 500),
        b"[" * D + b"]" * D,
        json.dumps({"text": "[{" * 5000 + '\\"' * 100}).encode(),
        b"[" + b",".join([b"[]"] * 500) + b"]",
    ],
    ids=itertools.count(),
)
def test_what_is_allowed_passes(data: bytes) -> None:
    assert too_much_markup(data, 20_000) is None


@pytest.mark.parametrize(
    "data",
    [
        nested(D + 1),
        b"<a>" * 5000,
        nested(D + 1, b"</b>"),
        b'<a b="/>">' * (D + 1) + b"</a>" * (D + 1),
        b"<a b='/>'>" * (D + 1),
        b"<a>/>" * (D + 1),
        b"<a>x/></b>".replace(b"</b>", b"") * (D + 1),
        b"<r><!-- </a> -->" + nested(D),
        b"<r><![CDATA[" + b"</a>" * 50 + b"]]>" + nested(D),
        b"<r><?x " + b"</a>" * 50 + b"?>" + nested(D),
        b"<r b='" + b"&lt;/a>" * 50 + b"'>" + nested(D),
        b"[" * (D + 1),
        b'{"a":' * (D + 1),
        b'["]]]]]]]",' * (D + 1),
        b'["\\"]]]]]]]",' * (D + 1),
    ],
    ids=itertools.count(),
)
def test_what_is_too_deep_is_found(data: bytes) -> None:
    assert too_much_markup(data, 10_000) is Markup.DEEP


@pytest.mark.parametrize(
    "data",
    [
        b"<a/>" * 2000,
        b"<a " + b'b="" ' * 2000,
        b"[{}" * 1000,
        b"[" + b"1," * 2000,
        b"<a>" + b"&#256;" * 2000 + b"</a>",
        b"<a>" + b"b\n" * 2000 + b"</a>",
        b"<a>" + b"b\r" * 2000 + b"</a>",
        b"<a><![CDATA[" + b"b]" * 2000 + b"]]></a>",
    ],
    ids=itertools.count(),
)
def test_what_is_too_much_is_found(data: bytes) -> None:
    assert too_much_markup(data, 1_999) is Markup.MANY


@pytest.mark.parametrize("before", [b"<a>", b"<a>" + b"<b/>" * 5_000_000, b"<a " + b" " * 100])
def test_a_text_between_two_tags_has_a_length(before: bytes) -> None:
    long = LONGEST_TEXT - len(b"<b/>")
    assert too_much_markup(b"<a>" + b"x" * long + b"</a>" + b"<b/>" * 50 + b"x" * long, 6_000_000) is None
    assert too_much_markup(before + b"x" * (LONGEST_TEXT + 1) + b"</a>", 6_000_000) is Markup.TEXT


@pytest.mark.parametrize(
    "data",
    [
        b'<a xmlns="%b"><b/></a>' % (b"u" * LONGEST_NAMESPACE),
        b"<a b='%b'/>" % (b"u" * 5000),
        b'<a><b>xmlns="%b</b></a>' % (b"u" * 5000),
        b"<a><!-- xmlns='%b' --></a>" % (b"u" * 5000),
        b'<!DOCTYPE html><html lang="en"></html>',
    ],
    ids=itertools.count(),
)
def test_other_long_texts_than_namespaces_pass(data: bytes) -> None:
    assert too_much_markup(data, 20_000) is None


@pytest.mark.parametrize(
    "data",
    [
        b'<a xmlns="%b"><b/></a>',
        b"<a xmlns='%b'><b/></a>",
        b'<a xmlns:c = \n\t"%b"><b/></a>',
        b'<r><a b="/>" xmlns="%b">',
        b'<r b=\'"\'><a xmlns="%b"/>',
        b'<r><!-- \'" --><a xmlns="%b"/></r>',
        b'<?xml version="1.0"?><r>="<c/><a xmlns="%b"/>',
    ],
    ids=itertools.count(),
)
@pytest.mark.parametrize("filling", [b"u", b">", b"&#65;" * 2, "é".encode()], ids=itertools.count())
def test_a_long_namespace_is_found(data: bytes, filling: bytes) -> None:
    assert too_much_markup(data % (filling * (LONGEST_NAMESPACE + 1)), 20_000) is Markup.NAMESPACE


@pytest.mark.parametrize("declaration", [b'<!ENTITY b "c">', b'<!ENTITY % b "c">', b'<!ATTLIST b c CDATA "d">'])
def test_what_stands_for_more_than_is_written_is_found(declaration: bytes) -> None:
    assert too_much_markup(b"<!DOCTYPE a [" + declaration + b"]><a/>", 20_000) is Markup.DECLARATIONS


_PIECES = st.sampled_from(
    (b"<a>", b"</a>", b"<a/>", b'<a b="/>">', b"<a b='>'/>", b"/>", b"<!--</a>-->", b"<![CDATA[</a>]]>", b"<?x </a>?>")
)


@given(st.lists(_PIECES, max_size=600))
def test_the_tags_alone_say_of_no_deep_xml_that_it_is_not(pieces: list[bytes]) -> None:
    data = b"<r>" + b"".join(pieces)
    deepest = depth = 0
    parser = ET.XMLPullParser(("start", "end"))
    try:
        parser.feed(data)
        for event, _ in parser.read_events():
            depth += 1 if event == "start" else -1
            deepest = max(deepest, depth)
    except ET.ParseError:
        pass
    assert (too_much_markup(data, 10**6) is Markup.DEEP) or deepest <= D


# Parsed in pieces, an answer is what botocore makes of it at once.


PIECE = limited_http._PIECE


@pytest.mark.parametrize("before", range(PIECE - 30, PIECE + 2), ids=lambda before: str(before - PIECE))
def test_a_piece_may_end_anywhere(before: int) -> None:
    text = f"<r xmlns='urn:x'>{'x' * (before - 30)}<b c='d'>é😀&amp;</b><!-- - --><![CDATA[<]]></r>"
    assert ET.tostring(xml_parser()._parse_xml_string_to_dom(text.encode())) == ET.tostring(ET.fromstring(text))


@pytest.mark.parametrize("body", [b"", b"<", b"<a></b>", b"<a>" + b"x" * 3 * PIECE, b"<a/>" + b" " * PIECE + b"x"])
def test_what_is_wrong_is_said_as_by_botocore(body: bytes) -> None:
    with pytest.raises(botocore.parsers.ResponseParserError) as said:
        xml_parser()._parse_xml_string_to_dom(body)
    with pytest.raises(botocore.parsers.ResponseParserError) as expected:
        botocore.parsers.create_parser("query")._parse_xml_string_to_dom(body)
    assert str(said.value) == str(expected.value)


def test_no_piece_holds_up_other_threads_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    fed: list[int] = []

    class Parser(ET.XMLParser):
        def feed(self, data: bytes, /) -> None:
            fed.append(len(data))
            super().feed(data)

    monkeypatch.setattr(limited_http.ET, "XMLParser", Parser)
    body = b"<r>" + b"<b>text</b>" * 50_000 + b"</r>"

    assert len(xml_parser()._parse_xml_string_to_dom(body)) == 50_000
    assert sum(fed) == len(body)
    assert max(fed) <= 64 * 1024


def xml_parser() -> Any:
    return SdkSession(reads_settings=False).get_component("response_parser_factory").create_parser("query")
