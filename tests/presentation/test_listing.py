"""Lists as data, on a list of fruits."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from iamtui.presentation import listing
from iamtui.presentation.listing import At, ListColumn, Listing, Report
from iamtui.presentation.styled_words import Tone, Word, text_of
from iamtui.problem import Problem
from iamtui.secret import Secret


@dataclass(frozen=True)
class Fruit:
    name: str
    colour: str | None
    grams: int = 0
    seeds: tuple["Fruit", ...] = ()


FRUITS = Listing[Fruit](
    "fruits",
    (
        ListColumn("name", lambda row: row.name, lambda row: Word(row.name, Tone.STRONG)),
        ListColumn("colour", lambda row: row.colour),
        ListColumn("ripe", lambda row: row.grams > 100, at=At.DATA),
        ListColumn("kin", lambda row: [seed.name for seed in row.seeds], at=At.DATA),
    ),
    kinds=("light", "heavy"),
    kind=lambda row: "heavy" if row.grams > 100 else "light",
    inner=lambda row: row.seeds,
)
ROWS = (
    Fruit("apple", "red", 150, (Fruit("pip", "brown"), Fruit("core", "white"))),
    Fruit("=plum", None, 50),
    Fruit("cherry", "red", 5),
)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("csv", ("name,colour,ripe,kin\n"
                "\"apple\",\"red\",\"true\",\"pip; core\"\n'=plum,,false,\ncherry,red,false,\n")),
        (
            "json",
            ('{"name": "apple", "colour": "red", "ripe": true, "kin": ["pip", "core"]}\n'
            '{"name": "=plum", "colour": null, "ripe": false, "kin": []}\n'
            '{"name": "cherry", "colour": "red", "ripe": false, "kin": []}\n'),
        ),
        (
            "markdown",
            ("| name | colour | ripe | kin |\n| --- | --- | --- | --- |\n"
            "| apple | red | true | pip; core |\n| =plum |  | false |  |\n| cherry | red | false |  |\n"),
        ),
    ],
)  # fmt: skip
def test_every_form_has_the_same_columns(form: str, text: str) -> None:
    assert FRUITS.text(form, ROWS) == text


def test_people_read_words_and_programs_values() -> None:
    (name,) = FRUITS.columns[0].shown(ROWS[0])
    assert (name.text, name.tone) == ("apple", Tone.STRONG)
    assert text_of(FRUITS.columns[1].shown(ROWS[1])) == ""
    assert [column.id for column in FRUITS.columns_at(At.PEOPLE)] == ["name", "colour"]
    assert replace(FRUITS, data=lambda row: {"fruit": row.name}).record(ROWS[0]) == {"fruit": "apple"}


def test_rows_are_narrowed_with_their_inner_rows_and_counted_by_kind() -> None:
    report = Report(FRUITS, ROWS)
    assert report.counts() == {"heavy": 1, "light": 2}
    assert [row.name for row in report.shown("light", "")] == ["=plum", "cherry"]
    assert [row.name for row in report.shown("", "PIP")] == ["apple"]
    assert report.shown("light", "pip") == []
    aside = Report(replace(FRUITS, aside="heavy"), ROWS)
    assert [row.name for row in aside.shown("", "")] == ["=plum", "cherry"]
    assert [row.name for row in aside.shown("heavy", "")] == ["apple"]


@pytest.mark.parametrize("form", ["csv", "json", "markdown"])
def test_a_secret_in_a_cell_is_refused_without_showing_it(form: str) -> None:
    secret = Secret("hunter2-hunter2")
    refused = Listing[str]("keys", (ListColumn("key", lambda _row: secret),))  # type: ignore[arg-type,return-value]
    with pytest.raises(TypeError) as error:
        refused.text(form, ["one"])
    assert str(error.value) == "Cell key is Secret, not text, a number or a list of texts."
    within = Listing[str]("keys", (), data=lambda _row: {"key": secret})
    with pytest.raises(TypeError):
        within.text("json", ["one"])


def test_a_list_that_is_too_long_for_one_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_LONGEST_TEXT", 2_000_000)
    made = 0

    def endless() -> Iterator[Fruit]:
        nonlocal made
        while True:
            made += 1
            yield Fruit("c" * 500_000, None)

    with pytest.raises(Problem, match="As JSON the list has more than 2 million characters"):
        FRUITS.text("json", endless())
    assert made < 10
