"""Quoting for shells: read back by bash, zsh, dash and fish; PowerShell and cmd by their rules, written down here."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iamtui.credentials.export import (
    CMD,
    FISH,
    LONGEST_CMD_LINE,
    POSIX,
    POWERSHELL,
    ShellSyntax,
    assignments,
    cmd_assignment,
    evaluating_format,
    posix_word,
    powershell_word,
    shell_format,
)
from iamtui.problem import Problem
from iamtui.secret import Secret
from tests.support.external_tools import need

SHELLS = {"bash": POSIX, "zsh": POSIX, "dash": POSIX, "fish": FISH}
ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
NASTY = [
    "",
    " ",
    "$(id)",
    "`id`",
    "${HOME}",
    "$HOME",
    "'",
    "''",
    "\\",
    "\\'",
    "'\\''",
    '"',
    "a\nb",
    "\n",
    "\r\n",
    "\t",
    "!!",
    "!x",
    "~",
    "~root",
    "*",
    "?",
    "[a]",
    "{a,b}",
    "#x",
    "a#b",
    "=x",
    "&",
    "|",
    ";",
    "<x",
    ">x",
    "(id)",
    "-n",
    "%s",
    "^",
    "\x1b[31m",
    "\x7f",
    "\u202e",
    "é",
    "日本",
    "\U0001f600",
    "‘x’",
    "\x85",
    "\u2028",
]


def read_back(shell: str, values: list[str], script: str = "") -> list[str]:
    """What a process sees in variables that the shell was told to set, through the shell's own way of eval."""
    need(shell)
    variables = [(f"V{number}", Secret(value)) for number, value in enumerate(values)]
    text = assignments(SHELLS[shell], variables, ("OLD", "NEVER_SET"), label="it's", for_paste=False).reveal()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "handed").write_bytes(text.encode())
        usual = "cat handed | source; and env -0" if shell == "fish" else 'eval "$(cat handed)" && env -0'
        environ = {"PATH": os.environ["PATH"], "HOME": folder, "LC_ALL": "C.UTF-8", "OLD": "x"}
        plain = {"fish": ["--no-config"], "zsh": ["-f"]}.get(shell, [])
        run = subprocess.run(
            [shell, *plain, "-c", script or usual], cwd=folder, env=environ, capture_output=True, timeout=60, check=True
        )
    assert run.stderr == b""
    found = dict(entry.split("=", 1) for entry in run.stdout.decode().split("\0") if entry)
    assert "OLD" not in found
    return [found[name] for name, _ in variables]


@pytest.mark.parametrize("shell", SHELLS)
def test_values_full_of_syntax_come_back_as_they_went_in(shell: str) -> None:
    assert read_back(shell, NASTY) == NASTY


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=12, deadline=None)
@given(values=st.lists(ANY_TEXT, min_size=20, max_size=60))
def test_any_text_comes_back_as_it_went_in(shell: str, values: list[str]) -> None:
    assert read_back(shell, values) == values


def test_fish_takes_the_lines_joined_by_spaces_too() -> None:
    values = [value for value in NASTY if "\n" not in value]
    assert read_back("fish", values, "eval (cat handed); and env -0") == values


@pytest.mark.parametrize("script", ["cat handed | source", "eval (cat handed)"])
@pytest.mark.parametrize("before", ["", "set -Ux OLD u; set -gx OLD g;", "set -Ux OLD u;", "set -g OLD g;"])
def test_fish_erases_every_scope_and_never_fails(script: str, before: str, tmp_path: Path) -> None:
    need("fish")
    text = assignments(FISH, [], ("NEVER_SET", "OLD", "NOR_THIS"), label="", for_paste=False).reveal()
    (tmp_path / "handed").write_text(text)
    run = subprocess.run(
        ["fish", "-c", f"{before} {script}; echo $status; set -S OLD"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert (run.stdout, run.stderr) == (b"0\n", b"")


@pytest.mark.parametrize(
    ("shell", "script"),
    [
        ("bash", 'eval "$(cat handed)" && echo on'),
        ("bash", 'set -e; eval "$(cat handed)"; echo on'),
        ("zsh", 'eval "$(cat handed)" && echo on'),
        ("dash", 'set -e; eval "$(cat handed)"; echo on'),
        ("fish", "eval (cat handed); and echo on"),
        ("fish", "cat handed | source; and echo on"),
    ],
)
def test_the_line_of_a_failure_lets_the_shell_stop(shell: str, script: str, tmp_path: Path) -> None:
    need(shell)
    (tmp_path / "handed").write_text(f"{SHELLS[shell].failure}\n")
    run = subprocess.run([shell, "-c", script], cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (1, b"", b"")


@pytest.mark.parametrize(
    ("wanted", "parent", "name"),
    [
        ("", "bash", "bash"),
        ("", "make", "bash"),
        ("", "fish", "fish"),
        ("", "-zsh", "bash"),
        ("", "python3", "bash"),
        ("fish", "", "fish"),
        ("fish", "make", "fish"),
        ("fish", "sh", "posix"),
        ("json", "", "bash"),
        ("nonsense", "", "bash"),
    ],
)
def test_what_is_evaluated_is_for_the_shell_that_does(wanted: str, parent: str, name: str) -> None:
    assert evaluating_format(wanted, parent) == name


@pytest.mark.parametrize("syntax", [POSIX, FISH, POWERSHELL, CMD])
@pytest.mark.parametrize("bad", ["\0", "a\0b", "\ud800"])
def test_what_no_variable_can_hold_is_refused(syntax: ShellSyntax, bad: str) -> None:
    with pytest.raises(Problem, match="cannot be written") as problem:
        syntax.assign("NAME", bad)
    assert bad not in str(problem.value)


# PowerShell: about_Quoting_Rules. A string in single quotes ends at the next single quote that is not doubled,
# and U+2018, U+2019, U+201A and U+201B are single quotes too.

POWERSHELL_QUOTES = "'\u2018\u2019\u201a\u201b"


def powershell_reads(text: str) -> str:
    """The value of one single-quoted string; fails when the text is anything more or less than that."""
    assert text[0] == "'"
    value, position = "", 1
    while True:
        character = text[position]
        if character in POWERSHELL_QUOTES:
            if position + 1 < len(text) and text[position + 1] in POWERSHELL_QUOTES:
                value, position = value + character, position + 2
                continue
            assert position == len(text) - 1, "the string ends before the text does"
            return value
        value, position = value + character, position + 1


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("plain", "'plain'"),
        ("", "''"),
        ("it's", "'it''s'"),
        ("‘a’", "'‘‘a’’'"),
        ("$(id) `n $env:X ${x}", "'$(id) `n $env:X ${x}'"),
        ('say "x"', "'say \"x\"'"),
        ("a;b|c&d", "'a;b|c&d'"),
        ("#<@", "'#<@'"),
    ],
)
def test_powershell_quoting_by_table(value: str, quoted: str) -> None:
    assert powershell_word(value) == quoted
    assert powershell_reads(quoted) == value


@given(st.text(alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from("'‘’‚‛$`\"(){};&|@#")), max_size=40))
@example("'‘")
def test_powershell_reads_any_text_back_or_it_is_refused(value: str) -> None:
    try:
        quoted = powershell_word(value)
    except Problem:
        assert re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", value)
        return
    assert powershell_reads(quoted) == value
    assert len(quoted.splitlines()) == 1


# cmd.exe: percent signs expand and quotes toggle even inside quotes, and nothing escapes them everywhere; inside
# one pair of quotes the rest of printable ASCII is literal (delayed expansion would also read !).


@pytest.mark.parametrize(
    "bad", ['"', "%", "^", "&", "<", ">", "|", "!", "\n", "\r", "\t", "\x1a", "é", "\u202e", "%PATH%"]
)
def test_cmd_refuses_what_it_cannot_quote(bad: str) -> None:
    for value in (bad, f"a{bad}", f"{bad}a"):
        with pytest.raises(Problem, match="cannot be written for cmd"):
            cmd_assignment("NAME", value)


@pytest.mark.parametrize("value", ["plain", "a=b", "a b", "(x)", "a,b;c", "C:\\x\\", "'", "`", "$x", "~", "#", "@"])
def test_cmd_takes_the_rest(value: str) -> None:
    assert cmd_assignment("NAME", value) == f'set "NAME={value}"'


@given(st.text(max_size=40))
def test_cmd_assignments_hold_exactly_one_pair_of_quotes_and_nothing_that_expands(value: str) -> None:
    try:
        line = cmd_assignment("NAME", value)
    except Problem:
        assert re.search(r'["%^&<>|!]|[^ -~]', value)
        return
    assert line == f'set "NAME={value}"'
    assert line.count('"') == 2
    assert not set(line) & set("%^&<>|!\r\n")


def test_cmd_refuses_a_line_longer_than_it_reads() -> None:
    room = LONGEST_CMD_LINE - len('set "NAME="')
    assert len(cmd_assignment("NAME", "x" * room)) == LONGEST_CMD_LINE
    with pytest.raises(Problem, match="too long for cmd"):
        cmd_assignment("NAME", "x" * (room + 1))


@pytest.mark.parametrize(
    ("syntax", "lines"),
    [
        (POSIX, ["# note", "unset A B", "export N=v"]),
        (
            FISH,
            [
                ": 'note';",
                "while set -q A; set -e A; or break; end;",
                "while set -q B; set -e B; or break; end;",
                "set -gx N 'v';",
            ],
        ),
        (POWERSHELL, ["# note", "$env:A = $null", "$env:B = $null", "$env:N = 'v'"]),
        (CMD, ["rem note", 'set "A="', 'set "B="', 'set "N=v"']),
    ],
)
def test_the_lines_of_each_shell(syntax: ShellSyntax, lines: list[str]) -> None:
    said = assignments(syntax, [("N", Secret("v"))], ("A", "B"), label="note", for_paste=False).reveal()
    assert said.splitlines() == lines
    pasted = assignments(syntax, [("N", Secret("v"))], ("A", "B"), label="note", for_paste=True).reveal()
    assert all(line.startswith(" ") for line in pasted.splitlines())


def test_a_format_for_no_shell_is_no_shell() -> None:
    assert shell_format("zsh")[1] is POSIX
    with pytest.raises(Problem, match='"json" is for no shell') as problem:
        shell_format("json")
    assert "bash, posix, fish, powershell, cmd" in problem.value.next_step


def test_posix_words_are_single_quoted_when_they_need_it() -> None:
    assert posix_word("a/b+c=") == "'a/b+c='"
    assert posix_word("it's") == "'it'\\''s'"
    assert posix_word("plain") == "plain"
