"""What is generated from the code is what the code says now."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from iamtui.config import settings
from tools.generate import SDK_FILES, generated, keys_table, settings_table

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", list(generated()))
def test_it_is_current(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == generated()[name], "run: make generate"


@pytest.mark.slow
@pytest.mark.parametrize("name", list(SDK_FILES))
def test_what_is_made_of_the_sdk_is_current(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == SDK_FILES[name](), "run: make generate"


def test_every_setting_and_key_has_a_row() -> None:
    table = settings_table()
    assert [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")] == [s.name for s in settings()]
    rows = [line for line in keys_table().splitlines() if line.startswith("| `")]
    assert len(rows) > 80
    assert all(line.rstrip(" |").rpartition("|")[2].strip() for line in rows), "each says what it does"


def test_the_schema_says_of_every_setting_what_the_program_says() -> None:
    schema = json.loads((ROOT / "iamtui" / "config.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.Draft202012Validator(schema)
    values: list[object] = [
        "x",
        "",
        "discover",
        0,
        -1,
        60,
        900,
        10**9,
        1.5,
        True,
        [],
        {},
        {"a": "b"},
        {"a": 1},
        {"a": " "},
    ]
    values += ["arn:aws:iam::111122223333:role/team/audit", "arn:aws:iam::1:role/x"]
    for setting in settings():
        for value in values:
            section, dot, name = setting.name.partition(".")
            file = {section: {name: value}} if dot else {section: value}
            assert checker.is_valid(file) is (setting.check(value) == ""), (setting.name, value)
    assert not checker.is_valid({"them": "x"})
    assert not checker.is_valid({"clipboard": {"second": 1}})
