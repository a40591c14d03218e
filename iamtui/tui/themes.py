"""Themes: ours and the user's own, read from TOML by the same code, checked before Textual sees them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from functools import cache
from itertools import islice
from os import scandir
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from rich.errors import StyleSyntaxError
from rich.style import Style
from textual.color import Color, ColorParseError
from textual.design import ColorSystem
from textual.theme import BUILTIN_THEMES, Theme

from iamtui.input_files import read_document, text_of, toml_of
from iamtui.paths import exposure, is_folder, shipped_themes, user_themes
from iamtui.problem import Problem
from iamtui.text import safe_text

DEFAULT_DARK: Final = "iamtui-dark"
_SIXTEEN: Final = "iamtui-ansi"
_MONOCHROME: Final = "iamtui-mono"
_TEXTUAL_DARK: Final = "textual-dark"

FALLBACK_VARIABLES: Final[Mapping[str, str]] = {
    "verdict-allowed": "$text-success",
    "verdict-denied": "$text-error",
    "verdict-depends": "$text-warning",
    "verdict-unknown": "$foreground 70%",
    "band-text": "$background",
    "session-active": "$text-success",
    "session-warning": "$text-warning",
    "session-expired": "$text-error",
    "muted": "$foreground 72%",
    "faint": "$foreground 58%",
    "heading": "$text-primary",
    "link": "$text-primary",
    "match": "$text-accent",
    "rule": "$foreground 20%",
    "rule-focused": "$primary",
    "cursor": "$primary 30%",
    "cursor-blurred": "$foreground 9%",
    "statement": "$warning 14%",
    "chip": "$foreground 14%",
    "banner": "$error",
    "banner-text": "auto",
    "json-key": "$text-primary",
    "json-string": "$text-success",
    "json-number": "$text-warning",
    "json-constant": "$text-secondary",
    "json-punctuation": "$foreground 60%",
}
"""Values of iamtui's own variables in a theme that does not set them, in terms of Textual's variables."""

_COLOURS: Final = (
    "primary", "secondary", "warning", "error", "success", "accent",
    "foreground", "background", "surface", "panel", "boost",
)  # fmt: skip
_NUMBERS: Final = ("luminosity_spread", "text_alpha")
_FLAGS: Final = ("dark", "ansi")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_TEXT_STYLE: Final = re.compile(r"(?:none|bold|dim|italic|underline|strike|reverse|not|\s)+")
_WITH_OPACITY: Final = re.compile(r"(.+?)\s+(100|[0-9]{1,2})%")


class LoadedThemes(NamedTuple):
    """The themes that can be used, and one sentence for everything that was wrong in their files."""

    themes: tuple[Theme, ...]
    problems: tuple[str, ...]


def load_themes(folders: Iterable[Path] | None = None) -> LoadedThemes:
    """Read every `*.toml` of the folders; a later theme of the same name replaces an earlier one.

    Args:
        folders: where to look; None: the shipped themes, then the user's own.
    """
    own = user_themes()
    if folders is None:
        shipped = shipped_themes()
        folders = [*([shipped] if shipped is not None else []), own]
    themes: dict[str, Theme] = {}
    problems: list[str] = []
    for folder in folders:
        for file in sorted(folder.glob("*.toml")) if is_folder(folder) else []:
            theme, found = read_own_theme(file) if folder == own else read_theme(file)
            problems.extend(found)
            if theme is not None:
                themes[theme.name] = theme
    return LoadedThemes(tuple(themes.values()), tuple(problems))


_LARGEST: Final = 32 * 1024
"""Bytes of a theme file."""


def terminal_theme(environ: Mapping[str, str], colours: str | None) -> str:
    """The name of the theme that suits a terminal best, where nobody has chosen one.

    Args:
        environ: the environment, which may ask for no colours at all.
        colours: which the terminal has, as Rich names them ("truecolor", "256", "standard"), or None.
    """
    if "NO_COLOR" in environ:
        return _MONOCHROME
    return DEFAULT_DARK if colours in ("truecolor", "256") else _SIXTEEN


def first_theme(
    wanted: str, ours: Mapping[str, Theme], chosen: str = "", default: str = DEFAULT_DARK
) -> tuple[str, list[str]]:
    """The name of the theme to begin with, and what is wrong with the one that is wanted.

    Without one in the settings that is the one that was chosen last, if there still is such a theme.

    Args:
        wanted: the name in the settings; "" for none.
        ours: the themes that were loaded, beside Textual's own.
        chosen: the name of the one that was chosen last, or "".
        default: the name of the one for those who chose none.
    """
    known = {**BUILTIN_THEMES, **ours}
    problems: list[str] = []
    if wanted and wanted not in known:
        near = get_close_matches(wanted, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "t lists them."
        problems.append(f"There is no theme {wanted}; {hint}")
    return next(
        (name for name in (wanted, "" if wanted else chosen, default, DEFAULT_DARK) if name in known), _TEXTUAL_DARK
    ), problems


def read_own_theme(file: Path) -> tuple[Theme | None, list[str]]:
    """Read a theme file of the user's, unless somebody else could have written it."""
    # A theme runs nothing, but one that somebody else wrote could hide a warning in its background.
    if (exposed := exposure(file)) is not None:
        return None, [f"Theme {file.name} is ignored, because others could have written it: {exposed}"]
    theme, problems = read_theme(file)
    try:
        if theme is not None:
            fallback_variables(theme)
    except (ColorParseError, ArithmeticError, ValueError, LookupError) as error:
        why = safe_text(str(error), limit=128)
        return None, [f"Theme {file.name} cannot be used: its colours do not go together ({why})."]
    return theme, problems


def read_theme(file: Path) -> tuple[Theme | None, list[str]]:
    """Read one theme file: the Theme, or None when it cannot be used at all, and what was wrong.

    Whether the colours go together takes as long as all else, and is known of the themes that are shipped.
    """
    try:
        subject = f"Theme {file.name}"
        data = toml_of(text_of(read_document(file, subject, most=_LARGEST, pipes=False), subject), subject)
    except Problem as problem:
        return None, [problem.sentence]
    return theme_from(data, file.name)


def theme_from(data: Mapping[str, Any], where: str) -> tuple[Theme | None, list[str]]:
    """Check decoded TOML and make a Theme; wrong entries are reported and left to their default."""
    problems: list[str] = []
    name = data.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        problems.append(f"Theme {where} needs a name of letters, digits, - and _ (at name).")
    if not isinstance(data.get("primary"), str) or not _is_plain_colour(data["primary"]):
        problems.append(f'Theme {where} needs a colour such as "#6cb6ff" (at primary).')
    is_whole = not problems
    known = [field.name for field in fields(Theme)]
    accepted: dict[str, Any] = {}
    for key, value in data.items():
        if key not in known:
            problems.append(f"Theme {where}: unknown key {key}{_nearest(key, known)}; it is ignored.")
        elif key in ("name", "primary"):
            accepted[key] = value
        elif key in _COLOURS and not (isinstance(value, str) and _is_plain_colour(value)):
            problems.append(f'Theme {where}: {key} is not a colour such as "#6cb6ff"; the default is used.')
        elif key in _FLAGS and not isinstance(value, bool):
            problems.append(f"Theme {where}: {key} is true or false; the default is used.")
        elif key in _NUMBERS and not (type(value) in (int, float) and 0 <= value <= 1):
            problems.append(f"Theme {where}: {key} is a number from 0 to 1; the default is used.")
        elif key != "variables":
            accepted[key] = value
    accepted["variables"] = _variables(data.get("variables", {}), where, problems)
    if not is_whole:
        return None, problems
    return Theme(**accepted), problems


def fallback_variables(theme: Theme) -> dict[str, str]:
    """Our own variables worked out for a theme that may not set them, such as Textual's built-in ones.

    Textual does not look variables up inside the values of variables, so each is made a plain colour here:
    an opacity is blended over the background.
    """
    colours = theme.to_color_system().generate()
    background = _colour(colours["background"])
    resolved: dict[str, str] = {}
    for name, value in FALLBACK_VARIABLES.items():
        if not value.startswith("$"):
            resolved[name] = value
            continue
        base, _, opacity = value[1:].partition(" ")
        colour = colours[base]
        if not opacity or colour.startswith(("ansi_", "auto")):
            resolved[name] = colour
        else:
            resolved[name] = background.blend(_colour(colour), float(opacity.rstrip("%")) / 100, alpha=1).hex
    return {**_ansi_variables(theme), **resolved} if theme.ansi else resolved


def _ansi_variables(theme: Theme) -> Mapping[str, str]:
    """Variables that Textual's styles read in a theme of the terminal's own colours, and only Textual's own themes
    set."""
    return BUILTIN_THEMES["ansi-dark" if theme.dark else "ansi-light"].variables


def _colour(text: str) -> Color:
    opacity = _WITH_OPACITY.fullmatch(text)
    return Color.parse(opacity.group(1) if opacity else text)


def is_colour(text: str) -> bool:
    """True for a colour that Textual reads: `#rgb`, a CSS name, `auto`, each with or without `50%`."""
    opacity = _WITH_OPACITY.fullmatch(text)
    colour = opacity.group(1) if opacity else text
    return colour == "auto" or _is_plain_colour(colour)


def _is_plain_colour(text: str) -> bool:
    """True for a colour by itself, from which Textual works out others."""
    try:
        Color.parse(text)
    except (ColorParseError, ArithmeticError, ValueError):
        return False
    return True


def _variables(raw: object, where: str, problems: list[str]) -> dict[str, str]:
    if not isinstance(raw, Mapping):
        problems.append(f"Theme {where}: [variables] is a table; it is ignored.")
        return {}
    known = {*FALLBACK_VARIABLES, *_textual_variables()}
    accepted: dict[str, str] = {}
    for key, value in raw.items():
        if key not in known:
            problems.append(f"Theme {where}: unknown variable {key}{_nearest(key, known)}; it is ignored.")
        elif not isinstance(value, str) or not _fits(key, value):
            kind = "text style" if "-style" in key else "colour"
            problems.append(f"Theme {where}: the variable {key} is not a {kind}; the default is used.")
        else:
            accepted[key] = value
    return accepted


_NEVER_AUTO: Final = ("rule", "rule-focused", "cursor")
"""Ours that colour borders and grounds, where Textual takes no `auto`."""


def _fits(key: str, value: str) -> bool:
    if "-style" in key:
        return bool(_TEXT_STYLE.fullmatch(value)) and _is_text_style(value)
    if key in FALLBACK_VARIABLES:
        return is_colour(value) and not (key in _NEVER_AUTO and value.startswith("auto"))
    # Textual works others out from most of its own, and takes `auto` and an opacity where it has them itself.
    return is_colour(value) if _textual_variables()[key].startswith("auto") else _is_plain_colour(value)


def _is_text_style(value: str) -> bool:
    try:
        Style.parse(value)
    except StyleSyntaxError:
        return False
    return True


@cache
def _textual_variables() -> Mapping[str, str]:
    return ColorSystem(primary="#000000").generate()


def _nearest(key: str, known: Iterable[str]) -> str:
    close = get_close_matches(key, list(known), n=1, cutoff=0.6)
    return f" (did you mean {close[0]}?)" if close else ""


# The user's theme files while they are being edited.


THEME_LOOK_SECONDS: Final = 0.5
"""How often the folder is looked at. A look takes a few microseconds for each file."""

_MOST_FILES: Final = 200
"""Theme files that are looked at for changes."""

_Stamp: TypeAlias = tuple[int, int, int]


class ThemeFiles:
    """Notices which theme files of the user's folder are new or changed, once whoever writes them is done."""

    def __init__(self) -> None:
        self._folder = user_themes()
        self._read = self._seen = self._look()

    def changed(self) -> list[Path]:
        """The files that are others than when they were read, and the same as at the look before."""
        before, self._seen = self._seen, self._look()
        changed = [
            file for file, stamp in self._seen.items() if stamp == before.get(file) and stamp != self._read.get(file)
        ]
        self._read = {file: stamp for file, stamp in self._read.items() if file in self._seen}
        self._read.update((file, self._seen[file]) for file in changed)
        return changed

    def _look(self) -> dict[Path, _Stamp]:
        try:
            with scandir(self._folder) as entries:
                files = [entry for entry in islice(entries, _MOST_FILES) if entry.name.endswith(".toml")]
                stats = [(Path(entry.path), entry.stat()) for entry in files]
        except OSError:
            return {}
        return {file: (status.st_mtime_ns, status.st_size, status.st_ino) for file, status in stats}
