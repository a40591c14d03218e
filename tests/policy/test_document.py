"""Reading policy documents: tolerant where AWS is, exact where something is wrong."""

import json
import subprocess
import sys
from contextlib import suppress
from unittest.mock import patch
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.policy.document import (
    MAX_CHARACTERS,
    DocumentError,
    DocumentPool,
    PolicyDocument,
    load_json,
    parse_policy,
    render,
    statement_lines,
)
from iamtui.policy.json_text import percent_decoded, plain_document
from tests.support.slow import one_quick

ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def document(*statements: object, **top: object) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": list(statements), **top}


def test_a_single_statement_needs_no_brackets_and_a_single_value_no_list() -> None:
    one = parse_policy({"Statement": ALLOW})
    many = parse_policy({"Statement": [{**ALLOW, "Action": ["s3:GetObject"], "Resource": ["*"]}]})
    assert one.statements == many.statements


def test_unquoted_scalars_in_conditions_become_the_text_aws_compares() -> None:
    condition = {"Bool": {"aws:SecureTransport": True}, "NumericLessThan": {"s3:max-keys": [10, 2.5]}}
    statement = parse_policy(document({**ALLOW, "Condition": condition})).statements[0]
    assert [line.values for line in statement.conditions] == [("true",), ("10", "2.5")]


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ([], "$"),
        ({"Version": "2012-10-17"}, "$"),
        ({"Statement": "x"}, "$.Statement"),
        (document({**ALLOW, "Effect": "allow"}), "$.Statement[0].Effect"),
        (document(ALLOW, {"Action": "*", "Resource": "*"}), "$.Statement[1].Effect"),
        (document({"Effect": "Deny", "Resource": "*"}), "$.Statement[0]"),
        (document({**ALLOW, "NotAction": "s3:*"}), "$.Statement[0]"),
        (document({**ALLOW, "Action": ["s3:*", 7]}), "$.Statement[0].Action[1]"),
        (document({**ALLOW, "Condition": []}), "$.Statement[0].Condition"),
        (document({**ALLOW, "Condition": {"Bool": "x"}}), "$.Statement[0].Condition.Bool"),
        (document({**ALLOW, "Condition": {"Bool": {"a:b": [{}]}}}), "$.Statement[0].Condition.Bool.a:b"),
        (document({**ALLOW, "Principal": 5}), "$.Statement[0].Principal"),
        (document({**ALLOW, "Principal": {"AWS": [1]}}), "$.Statement[0].Principal.AWS"),
    ],
)
def test_an_error_names_the_place(value: object, path: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_policy(value)
    assert caught.value.path == path
    assert path in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Empty, and JSON is expected"),
        ("{", "Not JSON"),
        ('{\n  "Statement": [,]\n}', "line 2"),
        ("[" * 10_000, "Nested deeper"),
        ('{"a":' * 10_000, "Nested deeper"),
        ('{"Statement": [], "Statement": []}', 'The key "Statement" appears twice'),
        ('{"Statement": [{"Effect": "Deny", "Effect": "Allow", "Action": "*", "Resource": "*"}]}', '"Effect" appears'),
        ('{"Statement": NaN}', "NaN is not JSON"),
        ('{"Statement": -Infinity}', "-Infinity is not JSON"),
        ('{"Statement": ' + "9" * 5000 + "}", "too large"),
        ('{"Statement": [' + " " * MAX_CHARACTERS + "]}", "characters"),
    ],
)
def test_hostile_text_gets_one_sentence(text: str, words: str) -> None:
    error = PolicyDocument(text).error
    assert error is not None
    assert words in str(error)
    assert "\n" not in str(error)


def long_statement(**more: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **more}


@pytest.mark.parametrize(
    ("statements", "path", "words"),
    [
        ([long_statement(Resource="arn:aws:s3:::*" + "a*" * 40_000)], "$.Statement[0].Resource", "80,014 characters"),
        ([long_statement(), long_statement(Action="s3:" + "e*" * 40_000)], "$.Statement[1].Action", "characters"),
        ([long_statement()] * 4_097, "$.Statement", "4,097 statements"),
        ([long_statement(Resource=[f"arn:aws:s3:::bucket-{i}*" for i in range(5_000)])], "Resource", "4,096 resources"),
        (
            [long_statement(Principal={"AWS": [f"arn:aws:iam::111122223333:role/r{i}" for i in range(5_000)]})],
            "$.Statement[0].Principal",
            "resources and principals",
        ),
    ],
    ids=["resource", "action", "statements", "resources", "principals"],
)
def test_what_no_policy_of_aws_can_hold_is_not_compared(
    statements: list[dict[str, object]], path: str, words: str
) -> None:
    error = PolicyDocument.of(document(*statements)).error
    assert error is not None
    assert path in str(error)
    assert words in str(error)


def test_the_size_of_the_largest_policies_of_aws_is_read() -> None:
    actions = [f"service{i}:DescribeSomethingOfIt{i}" for i in range(7_000)]
    assert PolicyDocument.of(document(long_statement(Action=actions))).error is None


def test_brackets_inside_strings_are_not_nesting() -> None:
    assert PolicyDocument(json.dumps(document({**ALLOW, "Sid": "[" * 500}))).error is None


def test_object_json_text_and_percent_encoding_are_the_same_document() -> None:
    value = document({**ALLOW, "Resource": "arn:aws:s3:::b/100%+ä"})
    text = json.dumps(value)
    for raw in (text, quote(text, safe=""), PolicyDocument.of(value).raw):
        assert PolicyDocument(raw).value == value


def test_a_pool_gives_equal_texts_one_document() -> None:
    pool = DocumentPool()
    assert pool.document(document(ALLOW)) is pool.document(document(ALLOW))
    assert len(pool) == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)


@given(before=json_values, statements=st.lists(st.dictionaries(st.text(max_size=6), json_values), max_size=4))
def test_statement_lines_are_where_the_rendering_has_them(before: object, statements: list[object]) -> None:
    value = {"Id": before, "Statement": statements, "Version": "2012-10-17"}
    lines = render(value).split("\n")
    ranges = statement_lines(value)
    assert len(ranges) == len(statements)
    for (first, last), statement in zip(ranges, statements, strict=True):
        text = "\n".join(lines[first - 1 : last]).rstrip(",")
        assert json.loads(text) == statement


@given(json_values)
def test_any_json_parses_or_is_a_document_error(value: object) -> None:
    with suppress(DocumentError):
        parse_policy(value)


def test_what_breaks_off_is_missing_on_its_last_line() -> None:
    for text in ('{\n"Version":', '{\n"Version":\n', '{\n"Version":\n\n  \n'):
        with pytest.raises(DocumentError) as caught:
            load_json(text)
        assert caught.value.line == 2, text


_LONG = """
from iamtui.policy.document import PolicyDocument
from tests.support.peak_memory import peak_megabytes
before = peak_megabytes()
document = PolicyDocument("{piece}" * ({length} // len("{piece}")))
assert document.error is not None
assert len(document.text) <= 1_048_576, len(document.text)
print(peak_megabytes() - before)
"""


@one_quick(("piece", "length"), [("%7B\u0100", 3_145_000), ("%7B", 3_145_000), ("%7B", 60_000_000), ("{", 60_000_000)])
def test_reading_a_long_document_takes_little_memory(piece: str, length: int) -> None:
    script = _LONG.replace("{piece}", piece).replace("{length}", str(length))
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=True)
    assert int(run.stdout) < 100


@pytest.mark.parametrize("start", range(12))
def test_percent_encoding_is_read_as_urllib_reads_it(start: int) -> None:
    text = "x" * start + "%c3%a9 %zz\u00e9%f0%9f%98%80%c3\u00e9%" * 5_000
    assert percent_decoded(text) == unquote(text)


@pytest.mark.parametrize("element", ["Condition", "Resource"])
def test_an_entry_of_thousands_of_different_characters_is_refused(element: str) -> None:
    """The pattern of such an entry takes memory with the square of its length: 5 GB of a file of 2 MB."""
    long = "".join(chr(0x4E00 + number) for number in range(5_000))
    parts = {
        "Condition": {"Resource": "*", "Condition": {"StringLike": {"aws:username": ["x", long]}}},
        "Resource": {"Resource": ["*", long]},
    }
    statement = {"Effect": "Allow", "Action": "*", **parts[element]}
    document = PolicyDocument(json.dumps({"Version": "2012-10-17", "Statement": [statement]}, ensure_ascii=False))
    assert document.error is not None
    assert f"{element} has an entry of too many different characters to compare" in str(document.error)


def test_more_patterns_in_conditions_than_can_be_compared_are_refused() -> None:
    """100,000 of them against an ARN of 2,000 characters took a minute."""

    def with_values(*values: str) -> PolicyDocument:
        condition = {"StringNotLike": {"aws:PrincipalArn": values}}
        statement = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
        return PolicyDocument(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))

    few = [f"*?{number}*" for number in range(1_024)] + [f"${{aws:username}}{number}" for number in range(1_024)]
    assert with_values(*few, *(f"*{number}*" for number in range(3_000))).error is None
    refused = with_values(*few, "?")
    assert "Condition has more than 2,048 values with a question mark or a variable" in str(refused.error)
    assert "$.Statement[0].Condition" in str(refused.error)


def json_of(pairs: list[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{json.dumps(key, ensure_ascii=False)}: {value}" for key, value in pairs) + "}"


scalars = st.one_of(
    st.sampled_from(
        ("*", "s3:Get?", "", "${aws:username}", "Allow", "a\nb", 'say "so"', "\\", "é", "\ud800", "x" * 1025)
    ),
    st.sampled_from((True, None, 3, 0.5)),
)
written_scalars = scalars.flatmap(
    lambda value: st.sampled_from((json.dumps(value), json.dumps(value, ensure_ascii=False)))
)
texts = st.one_of(written_scalars, st.lists(written_scalars, max_size=3).map(lambda found: f"[{', '.join(found)}]"))
blocks = st.lists(st.tuples(st.sampled_from(("AWS", "aws:username", "Bool", "NoSuch")), texts), max_size=3).map(json_of)
conditions = st.lists(st.tuples(st.sampled_from(("Bool", "StringLike", "NoSuch")), blocks | texts), max_size=3).map(
    json_of
)
ordinary = [("Effect", '"Allow"'), ("Action", '"s3:GetObject"'), ("Resource", '"*"')]
elements = st.one_of(
    st.tuples(st.sampled_from(("Action", "NotAction", "Resource", "NotResource", "Sid")), texts),
    st.tuples(st.sampled_from(("Principal", "NotPrincipal")), texts | blocks),
    st.tuples(st.just("Condition"), conditions | texts),
    st.tuples(st.sampled_from(("Effect", "Efect")), st.sampled_from(('"Deny"', '"deny"', "null"))),
)
statements = st.tuples(st.just(ordinary), st.lists(elements, max_size=3), st.integers(0, 3)).map(
    lambda found: json_of(found[0][found[2] :] + found[1])
)
tops = st.lists(
    st.one_of(
        st.tuples(st.just("Version"), st.sampled_from(('"2012-10-17"', '"2008-10-17"', '"2012"', "null"))),
        st.tuples(st.sampled_from(("Id", "Statment")), texts),
        st.tuples(
            st.just("Statement"),
            st.one_of(statements, st.lists(statements, max_size=3).map(", ".join).map("[{}]".format)),
        ),
    ),
    max_size=3,
)


@given(tops, statements, st.sampled_from(("", "\ufeff", " ", "}")))
def test_a_document_is_the_same_read_in_one_step_or_with_care(
    tops: list[tuple[str, str]], statement: str, rest: str
) -> None:
    text = json_of([("Statement", statement), *tops]) + rest if len(tops) < 2 else json_of(tops) + rest
    found, careful = PolicyDocument(text), PolicyDocument(text)
    with patch("iamtui.policy.document.plain_document", return_value=None):
        error = careful.error
    assert str(found.error) == str(error)
    if error is None:
        assert (found.policy, found.value, found.lines) == (careful.policy, careful.value, careful.lines)
        assert found.text == careful.text


@pytest.mark.parametrize(
    "text",
    [
        '{"Statement": [{"Effect": "Allow", "Effect": "Deny", "Action": "*", "Resource": "*"}]}',
        '{"Statement": [], "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}',
        '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {}, "Bool": {}}}}',
        '{"Version": null, "Version": "2012-10-17", "Statement": []}',
    ],
)
def test_a_key_that_stands_twice_is_seen_in_a_plain_document(text: str) -> None:
    assert plain_document(text) is None
    assert "twice" in str(PolicyDocument(text).error)


def test_nearly_all_documents_are_plain() -> None:
    assert plain_document(json.dumps(document(ALLOW, {**ALLOW, "Condition": {"Bool": {"aws:SecureTransport": True}}})))
