"""Texts for files and programs, read back by what reads them."""

from __future__ import annotations

import configparser
import json
import os
import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.credentials.export import dotenv_word, env_file_value, hand_over, hcl_string, ini_value
from iamtui.credentials.export_values import DEMO_LABEL
from iamtui.problem import Problem
from tests.credentials.test_formats import EXPECTED, SESSION, START, handed
from tests.support.external_tools import need
from tests.support.sts_answers import KEY_ID, SECRET_KEY, TOKEN

LASTING = replace(SESSION, expires_at=datetime.now(UTC) + timedelta(hours=1))


# .env files


def test_node_reads_the_dotenv_file(tmp_path: Path) -> None:
    need("node")
    (tmp_path / "file").write_text(handed(replace(SESSION, demo=True), "dotenv"))
    run = subprocess.run(
        ["node", "--env-file=file", "-e", "console.log(JSON.stringify(process.env))"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        check=True,
        timeout=60,
    )
    found = json.loads(run.stdout)
    assert {name: value for name, value in found.items() if name.startswith("AWS_")} == EXPECTED


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_a_shell_that_sources_it_reads_the_same(shell: str, tmp_path: Path) -> None:
    need(shell)
    (tmp_path / "file").write_text(handed(name="dotenv"))
    run = subprocess.run(
        [shell, "-c", "set -a; . ./file; env -0"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        check=True,
        timeout=60,
    )
    found = dict(entry.split("=", 1) for entry in run.stdout.decode().split("\0") if entry)
    assert {name: value for name, value in found.items() if name.startswith("AWS_")} == EXPECTED


@given(st.text(max_size=30))
def test_dotenv_values_need_no_escape_or_are_refused(value: str) -> None:
    try:
        word = dotenv_word(value)
    except Problem:
        assert re.search(r"['\\$`\x00-\x1f\x7f-\x9f\u2028\u2029]", value)
        return
    assert word == f"'{value}'"
    assert not set(value) & set("'\\$`\n\r")


# docker


def test_docker_reads_the_env_file_line_by_line() -> None:
    """docker/cli opts/envfile: a line that starts with # is a comment, the first equals sign ends the name."""
    lines = handed(replace(SESSION, demo=True), "docker-env-file").splitlines()
    assert lines[0] == f"# {DEMO_LABEL}"
    assert dict(line.split("=", 1) for line in lines if not line.startswith("#")) == EXPECTED


@given(st.text(max_size=30))
def test_env_file_values_are_the_rest_of_one_line_or_refused(value: str) -> None:
    try:
        written = env_file_value(value)
    except Problem:
        return
    assert written == value
    assert f"N={written}".splitlines() == [f"N={value}"]


def test_docker_options_name_every_variable_and_hold_no_value() -> None:
    text = handed(name="docker")
    assert text.split() == [word for name in EXPECTED for word in ("-e", name)]
    assert KEY_ID not in text
    assert SECRET_KEY not in text
    assert TOKEN not in text


# ~/.aws/credentials


def entry(**more: object) -> str:
    return hand_over(LASTING, "credentials", profile="work", **more).reveal()  # type: ignore[arg-type]


def test_botocore_reads_the_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "credentials").write_text(entry())
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    session = botocore.session.Session(profile="work")
    credentials = session.get_credentials()
    assert credentials is not None
    frozen = credentials.get_frozen_credentials()
    assert (frozen.access_key, frozen.secret_key, frozen.token) == (KEY_ID, SECRET_KEY, TOKEN)
    assert frozen.account_id == "123456789012"
    assert session.get_config_variable("region") == "eu-central-1"


def test_the_entry_tells_its_end_and_whose_it_is() -> None:
    text = handed(name="credentials")
    assert text.splitlines()[:2] == ["[iamtui]", "# written by iamtui, which replaces this section"]
    assert "aws_credential_expiration = 2026-11-25T11:00:00Z" in text


@pytest.mark.parametrize("name", ["", "a]b", "a\nb", "a b", "#x", ";x", "a" * 65, "é", "[x"])
def test_a_profile_name_that_could_end_its_heading_is_refused(name: str) -> None:
    with pytest.raises(Problem, match="cannot be the name of a profile"):
        hand_over(SESSION, "credentials", profile=name, now=START)


@given(st.text(max_size=30))
def test_ini_values_are_read_back_or_refused(value: str) -> None:
    try:
        written = ini_value(value)
    except Problem:
        return
    # With every comment character that some SDK knows, and the interpolation that Python's parser has by default.
    parser = configparser.ConfigParser(inline_comment_prefixes=("#", ";"))
    parser.read_string(f"[p]\nk = {written}\nnext = 1\n")
    assert dict(parser["p"]) == {"k": value, "next": "1"}


# Terraform


def hcl_reads(text: str) -> str:
    """The value of one quoted template without templates (HCL native syntax), or an error."""
    assert text[0] == text[-1] == '"'
    body, value, position = text[1:-1], "", 0
    named = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
    while position < len(body):
        rest = body[position:]
        if rest[0] == "\\":
            if rest[1] == "u":
                value, position = value + chr(int(rest[2:6], 16)), position + 6
            else:
                value, position = value + named[rest[1]], position + 2
        elif rest.startswith(("$${", "%%{")):
            value, position = value + rest[1:3], position + 3
        else:
            assert not rest.startswith(("${", "%{")), "a template"
            assert rest[0] not in '"\n\r'
            value, position = value + rest[0], position + 1
    return value


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", '"plain"'),
        ("a+b/c=", '"a+b/c="'),
        ('"', '"\\""'),
        ("\\", '"\\\\"'),
        ("${x}", '"$${x}"'),
        ("%{if}", '"%%{if}"'),
        ("$x %y $", '"$x %y $"'),
        ("a\nb", '"a\\nb"'),
        ("\x1b", '"\\u001b"'),
    ],
)
def test_hcl_strings_by_table(value: str, written: str) -> None:
    assert hcl_string(value) == written
    assert hcl_reads(written) == value


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from('${}%"\\\n')), max_size=30))
def test_hcl_strings_are_read_back_or_refused(value: str) -> None:
    try:
        written = hcl_string(value)
    except Problem:
        assert re.search("[\0\ud800-\udfff]|[$%]{2,}{", value)
        return
    assert hcl_reads(written) == value


def test_the_provider_block_as_it_is() -> None:
    assert handed(name="terraform").splitlines() == [
        "# Valid until 2026-11-25T11:00:00Z. Do not commit it: the provider also reads the AWS_* variables.",
        'provider "aws" {',
        '  region     = "eu-central-1"',
        f'  access_key = "{KEY_ID}"',
        f'  secret_key = "{SECRET_KEY}"',
        f'  token      = "{TOKEN}"',
        "}",
    ]
    assert "region" not in handed(replace(SESSION, region=""), "terraform")
