"""Lists as data, on a list of fruits."""

import pytest

from iamtui.presentation.listing import ListColumn, Listing
from iamtui.secret import Secret

FRUITS = Listing[tuple[str, str | None]](
    (ListColumn("name", lambda row: row[0]), ListColumn("colour", lambda row: row[1]))
)
ROWS = (("apple", "red"), ("=plum", None))


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("csv", "name,colour\napple,red\n'=plum,\n"),
        ("json", '{"name": "apple", "colour": "red"}\n{"name": "=plum", "colour": null}\n'),
        ("markdown", "| name | colour |\n| --- | --- |\n| apple | red |\n| =plum |  |\n"),
    ],
)
def test_every_form_has_the_same_columns(form: str, text: str) -> None:
    assert FRUITS.text(form, ROWS) == text


@pytest.mark.parametrize("form", ["csv", "json", "markdown"])
def test_a_secret_in_a_cell_is_refused_without_showing_it(form: str) -> None:
    secret = Secret("hunter2-hunter2")
    listing = Listing[str]((ListColumn("key", lambda _row: secret),))  # type: ignore[arg-type,return-value]
    with pytest.raises(TypeError) as refused:
        listing.text(form, ["one"])
    assert str(refused.value) == "Cell key is Secret, not text."
