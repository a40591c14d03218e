"""Theme files: ours are whole and readable, a user's are checked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.color import Color
from textual.pilot import Pilot
from textual.theme import BUILTIN_THEMES, Theme

from iamtui.config import Config
from iamtui.paths import shipped_themes
from iamtui.tui import themes
from iamtui.tui.app import IamtuiApp
from iamtui.tui.themes import FALLBACK_VARIABLES, fallback_variables, load_themes, read_theme, theme_from
from iamtui.tui.widgets.status import MessageLine
from tests.support.screen_app import make_app, opened
from tests.support.settling import settled

TEXT_VARIABLES = [
    "verdict-allowed", "verdict-denied", "verdict-depends", "verdict-unknown",
    "session-active", "session-warning", "session-expired",
    "muted", "faint", "heading", "link", "match",
    "json-key", "json-string", "json-number", "json-constant", "json-punctuation",
]  # fmt: skip


def shipped() -> tuple[Theme, ...]:
    folder = shipped_themes()
    assert folder is not None
    loaded = load_themes([folder])
    assert loaded.problems == ()
    return loaded.themes


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of WCAG 2: 1 (none) to 21."""

    def luminance(colour: Color) -> float:
        parts = [part / 255 for part in colour.rgb]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_eight_themes_are_shipped_and_set_every_variable() -> None:
    assert {(theme.name, theme.dark) for theme in shipped()} == {
        ("iamtui-dark", True),
        ("iamtui-dusk", True),
        ("iamtui-light", False),
        ("iamtui-frost", False),
        ("iamtui-contrast", True),
        ("iamtui-color-blind", True),
        ("iamtui-ansi", True),
        ("iamtui-mono", True),
    }
    for theme in shipped():
        assert set(FALLBACK_VARIABLES) <= set(theme.variables)


def test_the_themes_for_few_colours_have_no_others() -> None:
    ansi, mono = (next(theme for theme in shipped() if theme.name == f"iamtui-{name}") for name in ("ansi", "mono"))
    assert ansi.ansi
    for value in ansi.variables.values():
        assert value.startswith("ansi_") or value == "none"
    for value in mono.variables.values():
        assert value == "none" or len(set(Color.parse(value).rgb)) == 1


@pytest.mark.parametrize("theme", shipped(), ids=lambda theme: theme.name)
@pytest.mark.parametrize("variable", TEXT_VARIABLES)
def test_text_has_contrast_on_every_ground_it_stands_on(theme: Theme, variable: str) -> None:
    text = Color.parse(theme.variables[variable])
    assert theme.background is not None
    assert theme.surface is not None
    high = theme.name == "iamtui-contrast"
    for ground in (theme.background, theme.surface):
        assert contrast(text, Color.parse(ground)) >= (7.0 if high else 4.5)
    for ground in ("cursor", "cursor-blurred", "statement"):
        assert contrast(text, Color.parse(theme.variables[ground])) >= (4.5 if high else 3.0)


@pytest.mark.parametrize("theme", shipped(), ids=lambda theme: theme.name)
def test_text_on_a_filled_ground_has_contrast(theme: Theme) -> None:
    def ratio(text: str, ground: str) -> float:
        return contrast(Color.parse(theme.variables[text]), Color.parse(theme.variables[ground]))

    for verdict in ("allowed", "denied", "depends"):
        assert ratio("band-text", f"verdict-{verdict}") >= 4.5
    assert ratio("banner-text", "banner") >= 4.5
    assert ratio("block-cursor-foreground", "block-cursor-background") >= 4.5
    assert theme.foreground is not None
    for ground in ("chip", "cursor", "cursor-blurred", "statement"):
        assert contrast(Color.parse(theme.foreground), Color.parse(theme.variables[ground])) >= 4.5


def test_allowed_and_denied_differ_for_colour_blind_people_in_hue_and_lightness() -> None:
    theme = next(theme for theme in shipped() if theme.name == "iamtui-color-blind")
    allowed, denied, depends = (Color.parse(theme.variables[f"verdict-{v}"]) for v in ("allowed", "denied", "depends"))
    # Blue is what red-green blindness leaves; denied and depends have little of it and differ in lightness.
    assert allowed.b > 200
    assert max(denied.b, depends.b) < 100
    assert contrast(denied, depends) >= 1.5


@pytest.mark.parametrize("theme", BUILTIN_THEMES.values(), ids=lambda theme: theme.name)
def test_our_variables_have_a_colour_in_every_built_in_theme(theme: Theme) -> None:
    resolved = fallback_variables(theme)
    assert set(FALLBACK_VARIABLES) <= set(resolved)
    assert not [value for value in resolved.values() if "$" in value]


def test_unknown_keys_and_bad_colours_are_named_with_the_nearest_and_left_to_the_default(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'name = "mine"\nprimary = "#00ff00"\nwarnign = "#ffff00"\nerror = "no-colour"\ndark = "yes"\n'
        '[variables]\nverdict-alowed = "#00ff00"\nverdict-denied = "reddish"\nmuted = "#888888"\n'
    )
    theme, problems = read_theme(file)
    assert theme is not None
    assert theme.error is None
    assert theme.dark is True
    assert theme.variables == {"muted": "#888888"}
    text = "\n".join(problems)
    assert "unknown key warnign (did you mean warning?)" in text
    assert 'error is not a colour such as "#6cb6ff"' in text
    assert "dark is true or false" in text
    assert "unknown variable verdict-alowed (did you mean verdict-allowed?)" in text
    assert "the variable verdict-denied is not a colour" in text
    assert len(problems) == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "is not TOML"),
        ("name = 1" + "0" * 5000, "is not TOML"),
        ("a." * 3000 + "a = 1", "has more than 1,000 dots in line 1"),
        ('primary = "#ffffff"', "needs a name"),
        ('name = "[red]x"\nprimary = "#ffffff"', "needs a name"),
        ('name = "x"', "needs a colour"),
        ('name = "x"\nprimary = "nope"', "needs a colour"),
    ],
)
def test_a_theme_that_cannot_be_used_is_reported(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "broken.toml"
    file.write_text(text)
    theme, problems = read_theme(file)
    assert theme is None
    assert said in problems[0]
    assert "broken.toml" in problems[0]


@pytest.mark.parametrize("number", ["nan", "inf", "-1e308", "1.5", "9" * 3000, "true"])
@pytest.mark.parametrize("key", ["luminosity_spread", "text_alpha"])
def test_a_number_out_of_its_range_is_left_to_the_default(tmp_path: Path, key: str, number: str) -> None:
    file = tmp_path / "numbers.toml"
    file.write_text(f'name = "x"\nprimary = "#ffffff"\n{key} = {number}\n')
    theme, problems = read_theme(file)
    assert theme is not None
    assert problems == [f"Theme numbers.toml: {key} is a number from 0 to 1; the default is used."]
    theme.to_color_system().generate()


@pytest.mark.parametrize("colour", ["auto", "auto 50%", "#fff 99%", "#fff 999%", "rgba(1,1,1,1e400)", "#fff ٣٣%"])
def test_a_colour_that_others_are_made_of_is_plain(tmp_path: Path, colour: str) -> None:
    file = tmp_path / "colours.toml"
    for key in ("background", "surface", "secondary", "boost"):
        file.write_text(f'name = "x"\nprimary = "#ffffff"\n{key} = "{colour}"\n')
        theme, problems = read_theme(file)
        assert theme is not None
        assert problems == [f'Theme colours.toml: {key} is not a colour such as "#6cb6ff"; the default is used.']
        fallback_variables(theme)
    file.write_text(f'name = "x"\nprimary = "{colour}"\n')
    assert read_theme(file)[0] is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("background", "auto"), ("background-darken-1", "#fff 50%"), ("primary-lighten-1", "auto"),
        ("rule", "auto"), ("rule-focused", "auto 50%"), ("cursor", "auto"), ("muted", "#fff 999%"),
        ("link-style", "not"), ("block-cursor-text-style", "not not"), ("link-style-hover", "none bold not"),
    ],
)  # fmt: skip
def test_a_variable_that_ends_the_styles_is_left_to_the_default(key: str, value: str) -> None:
    theme, problems = theme_from({"name": "x", "primary": "#ffffff", "variables": {key: value}}, "x.toml")
    assert theme is not None
    assert theme.variables == {}
    kind = "text style" if "-style" in key else "colour"
    assert problems == [f"Theme x.toml: the variable {key} is not a {kind}; the default is used."]


@pytest.mark.parametrize(("key", "value"), [("muted", "#888 50%"), ("banner-text", "auto"), ("text-muted", "auto 50%")])
def test_a_variable_may_have_an_opacity_where_styles_take_it(key: str, value: str) -> None:
    theme, problems = theme_from({"name": "x", "primary": "#ffffff", "variables": {key: value}}, "x.toml")
    assert (theme is not None and theme.variables, problems) == ({key: value}, [])


def test_variables_must_be_a_table() -> None:
    theme, problems = theme_from({"name": "x", "primary": "#ffffff", "variables": "all"}, "x.toml")
    assert theme is not None
    assert problems == ["Theme x.toml: [variables] is a table; it is ignored."]


def test_a_folder_that_cannot_be_looked_into_has_no_themes(tmp_path: Path) -> None:
    assert load_themes([tmp_path / ("x" * 300)]) == ((), ())


def test_a_theme_that_others_could_have_written_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs, mine = tmp_path / "theirs.toml", tmp_path / "mine.toml"
    for file in (theirs, mine):
        file.write_text(f'name = "{file.stem}"\nprimary = "#228833"\n')
    theirs.chmod(0o666)
    monkeypatch.setattr(themes, "user_themes", lambda: tmp_path)
    loaded = load_themes()
    assert [theme.name for theme in loaded.themes if theme.name in ("theirs", "mine")] == ["mine"]
    assert f"Run `chmod go-w {theirs}`." in loaded.problems[0]


async def test_a_users_theme_is_found_beside_ours_and_its_problems_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "forest.toml").write_text('name = "forest"\nprimary = "#228833"\nbackgruond = "#000000"\n')
    monkeypatch.setattr(themes, "user_themes", lambda: tmp_path)
    assert "backgruond (did you mean background?)" in load_themes().problems[0]
    async with opened() as pilot:
        assert {"iamtui-dark", "iamtui-light", "forest"} <= set(pilot.app.available_themes)
        assert pilot.app.theme == "iamtui-dark"
        for name in ("iamtui-light", "iamtui-ansi", "forest", "nord", "iamtui-dark"):
            pilot.app.theme = name
            await pilot.pause()
            assert pilot.app.theme == name


@pytest.mark.slow
async def test_a_users_theme_of_the_terminals_colours_needs_no_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plain.toml").write_text('name = "plain"\nprimary = "ansi_blue"\nansi = true\n')
    monkeypatch.setattr(themes, "user_themes", lambda: tmp_path)
    async with opened() as pilot:
        pilot.app.theme = "plain"
        await pilot.pause()
        assert pilot.app.theme == "plain"


MINE = 'name = "mine"\nprimary = "#00ff00"\n[variables]\nmuted = "{muted}"\n'


@asynccontextmanager
async def in_own_theme(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Pilot[None], IamtuiApp, Path]]:
    """The app in a theme of the user's, and its file."""
    monkeypatch.setattr(themes, "user_themes", lambda: folder)
    file = folder / "mine.toml"
    file.write_text(MINE.format(muted="#808080"))
    app = make_app(config=Config(theme="mine"))
    async with opened(app) as pilot:
        assert app.theme_variables["muted"] == "#808080"
        yield pilot, app, file


async def look_twice(pilot: Pilot[None], app: IamtuiApp) -> str:
    """Have the app look for edited themes until it reads them; returns what it says."""
    app.query_one(MessageLine).clear()
    for _ in range(2):
        app.look_for_themes()
    await settled(pilot)
    return app.query_one(MessageLine).words


async def test_a_theme_is_shown_as_it_is_edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with in_own_theme(tmp_path, monkeypatch) as (pilot, app, file):
        assert await look_twice(pilot, app) == ""
        file.write_text(MINE.format(muted="#909090"))
        app.look_for_themes()
        assert app.theme_variables["muted"] == "#808080", "whoever writes it may not be done"
        assert await look_twice(pilot, app) == "Theme mine was read."
        assert app.theme == "mine"
        assert app.theme_variables["muted"] == "#909090"
        assert await look_twice(pilot, app) == ""


async def test_a_new_theme_can_be_chosen_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with in_own_theme(tmp_path, monkeypatch) as (pilot, app, _file):
        (tmp_path / "second.toml").write_text('name = "second"\nprimary = "#ffff00"\n')
        await look_twice(pilot, app)
        assert "second" in app.available_themes
        assert app.theme == "mine"


async def test_a_theme_with_faults_keeps_its_look_and_all_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with in_own_theme(tmp_path, monkeypatch) as (pilot, app, file):
        for text, faults in (
            ('name = "mine"\nprimary = "green-ish"\nwarnign = "#fff"\n[variables]\nmuted = "#nocolour"\n', 3),
            ('name = "mine"\nprimary = "#00ff00"\n[variables]\nmuted = "#a0a0a0"\nfiant = "#fff"\n', 1),
            ("name = ", 1),
        ):
            file.write_text(text)
            said = await look_twice(pilot, app)
            assert said.startswith("! Theme mine.toml")
            assert said.count("mine.toml") == faults, said
            assert app.theme_variables["muted"] == "#808080"
        file.unlink()
        assert await look_twice(pilot, app) == ""
        assert app.theme_variables["muted"] == "#808080"


async def test_an_edited_theme_that_others_can_write_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with in_own_theme(tmp_path, monkeypatch) as (pilot, app, file):
        file.write_text(MINE.format(muted="#a0a0a0"))
        file.chmod(0o666)
        assert "mine.toml is ignored, because others could have written it" in await look_twice(pilot, app)
        assert app.theme_variables["muted"] == "#808080"
