"""TOML that a person names as input: what would take the memory of the machine is refused before it is decoded."""

from __future__ import annotations

import tomllib
import tracemalloc

import pytest

from iamtui.input_files import toml_of
from iamtui.problem import Problem

NINE = "a.a.a.a.a.a.a.a.a"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a." * 10_000 + "a = 1", 1),
        (f"x = 1\n[{NINE}]", 2),
        (f"[[{NINE}]]", 1),
        (f"x = {{ {NINE} = 1 }}", 1),
        (" . ".join("a" * 9) + " = 1", 1),
        ("\t.\t".join(["'a.b'"] * 9) + " = 1", 1),
        (".".join(['"a\\".b"'] * 9) + " = 1", 1),
        (f'x = """\ny"""""\n{NINE} = 1', 3),
        (f"x = {{ y = '''z''''', {NINE} = 1 }}", 1),
        (f'x = """\\""""\n{NINE} = 1', 2),
        (f'x = """a"b""c"""\n{NINE} = 1', 2),
        (f"x = '''a'b''c'''\n{NINE} = 1", 2),
        (f'# it\'s """ here\n{NINE} = 1', 2),
        (f'x = "# no comment"\n{NINE} = 1', 2),
        (f"x = ''\n{NINE} = 1", 2),
        (f"x = 1\r\n{NINE} = 1", 2),
    ],
)
def test_a_key_of_many_parts_is_refused_before_it_is_decoded(text: str, line: int) -> None:
    if len(text) < 1000:
        tomllib.loads(text)
    tracemalloc.start()
    with pytest.raises(Problem) as caught:
        toml_of(text, "The file x.toml")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.sentence == f"The file x.toml has a key of more than 8 parts in line {line}."
    assert peak < 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        "a.a.a.a.a.a.a.a = 1",
        f"# {NINE} = 1",
        f'x = "{NINE}"',
        f"x = '{NINE}'",
        f'x = """\n{NINE}"""',
        f"x = '''\n{NINE}'''",
        f'x = "\\"{NINE}"',
        "x = [" + "1.5, " * 100 + "]",
        "x = [" + "[1], " * 100 + "]",
    ],
)
def test_texts_and_numbers_may_have_as_many_dots_as_they_like(text: str) -> None:
    assert toml_of(text, "The file x.toml") == tomllib.loads(text)
