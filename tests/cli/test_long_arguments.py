"""What the user gave is repeated in sentences, but not a hundred thousand characters of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from iamtui.cli.output import LONGEST_WORD
from tests.support.cli_runner import Cli

LONG = "x" * 100_000
SENTENCE = "x y " * 25_000
ROLE = "role/deploy-prod"


@pytest.mark.parametrize("given", [LONG, SENTENCE], ids=["word", "words"])
@pytest.mark.parametrize(
    "words",
    [
        ("{}",),
        ("--{}",),
        ("can", "{}", "s3:GetObject"),
        ("can", "arn:aws:iam::111122223333:role/{}", "s3:GetObject"),
        ("can", ROLE, "{}"),
        ("can", ROLE, "s3:{}"),
        ("can", ROLE, "s3:GetObject", "--on", "{}"),
        ("can", ROLE, "s3:GetObject", "-c", "{}"),
        ("can", ROLE, "s3:GetObject", "-c", "aws:{}=1"),
        ("can", ROLE, "s3:GetObject", "--absent", "{}"),
        ("can", ROLE, "s3:GetObject", "--at", "{}"),
        ("can", ROLE, "s3:GetObject", "--from-ip", "{}"),
        ("can", ROLE, "s3:GetObject", "--with", "s3:GetObject={}"),
        ("can", ROLE, "s3:GetObject", "--draft", "{}"),
        ("can", ROLE, "s3:GetObject", "--context-file", "{}"),
        ("can", ROLE, "s3:GetObject", "--session-policy", "{}"),
        ("can", ROLE, "s3:GetObject", "--chained-from", "{}"),
        ("can", ROLE, "s3:GetObject", "--expect", "{}"),
        ("can", ROLE, "s3:GetObject", "--save", "{}"),
        ("who-can", "{}"),
        ("who-can", "s3:GetObject", "--on", "{}"),
        ("explain", "{}"),
        ("explain", "--as", "{}", "An error occurred (403) when calling the HeadObject operation: Forbidden"),
        ("simulate", "{}"),
        ("lint", "{}"),
        ("list", "{}"),
        ("show", "{}"),
        ("show", ROLE, "{}"),
        ("draft", "{}"),
        ("draft", "show", "{}"),
        ("draft", "fix", "{}", ROLE, "s3:GetObject"),
        ("snapshot", "{}"),
        ("questions", "run", "--questions", "{}"),
        ("questions", "run", "{}"),
        ("assume", "{}"),
        ("assume", ROLE, "--format", "{}"),
        ("assume", ROLE, "--write-profile", "{}"),
        ("assume", ROLE, "--session-name", "{}"),
        ("exec", "{}", "--", "true"),
        ("serve", ROLE, "--format", "{}"),
        ("console", "{}"),
        ("revoke", "{}"),
        ("completion", "{}"),
    ],
    ids=lambda words: " ".join(words).replace(ROLE, "ROLE"),
)
def test_an_error_repeats_the_beginning_of_a_long_argument(cli: Cli, words: tuple[str, ...], given: str) -> None:
    sources = [] if words[0] in ("{}", "--{}", "simulate", "lint", "completion") else ["--demo"]
    before, dashes, after = [*words], [], []
    if "--" in words:
        before, dashes, after = [*words[:-2]], ["--"], [words[-1]]
    result = cli(*(word.format(given) for word in (*before, *sources, *dashes, *after)))
    assert result.code != 0
    assert len(result.err) < 4 * LONGEST_WORD, result.err[:400]
    assert len(result.out) < 10 * LONGEST_WORD
    assert given[:2000] not in result.err
    assert "error in iamtui itself" not in result.err


@pytest.mark.parametrize(
    "words",
    [
        ("can", "amara.diallo", "s3:GetObject", "--on", "arn:aws:s3:::puffin-data-lake/{}"),
        ("can", "amara.diallo", "s3:Get*", "--on", "arn:aws:s3:::puffin-data-lake/{}"),
        ("can", "amara.diallo", "s3:GetObject", "--on", "arn:aws:s3:::puffin-data-lake/x", "-c", "aws:SourceVpc={}"),
        ("can", "amara.diallo", "s3:GetObject", "--on", "arn:aws:s3:::puffin-data-lake/{}", "--trace"),
        ("who-can", "s3:GetObject", "--on", "arn:aws:s3:::puffin-data-lake/{}"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_an_answer_repeats_the_beginning_of_a_long_argument(cli: Cli, words: tuple[str, ...]) -> None:
    result = cli(*(word.format(LONG) for word in words), "--demo")
    assert result.code in (0, 1, 3)
    assert LONG[: 2 * LONGEST_WORD] not in result.out + result.err
    assert "…[cut]" in result.out + result.err or "SourceVpc" in words[-1]


def test_json_holds_what_was_asked_in_full(cli: Cli) -> None:
    resource = f"arn:aws:s3:::puffin-data-lake/{LONG}"
    assert resource in cli("can", "amara.diallo", "s3:GetObject", "--on", resource, "--demo", "-o", "jsonl").out


def test_the_command_of_a_profile_is_shown_to_its_end(cli: Cli, no_aws_settings: Path) -> None:
    command = f"/bin/echo {LONG[:30_000]};last"
    (no_aws_settings / "config").write_text(f"[profile evil]\ncredential_process = {command}\n")
    assert ";last" in cli("list", "roles", "--profile", "evil").err
