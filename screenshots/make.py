"""Makes every picture of the documentation from the demo account: `make screenshots`, all in one theme and size.

`python -m screenshots.make --check` makes them again and says which are no longer what the screen shows.

Each is an SVG as Textual exports it, without its links to fonts on the web. The clock of the screen stands still, so
that ages and dates stay as they are. The time of the request that an answer assumes does not: keep it out of pictures.
"""

from __future__ import annotations

import asyncio
import difflib
import html
import os
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
SIZE: Final = (120, 40)
THEME: Final = "iamtui-dark"
CELL: Final = 12.2
"""Width of a character in Textual's pictures."""

# Nothing of the machine gets into a picture: no config, no AWS settings.
_HOME = tempfile.mkdtemp(prefix="iamtui-screenshots-")
for _name in [name for name in os.environ if name.startswith(("AWS_", "IAMTUI_", "XDG_"))]:
    del os.environ[_name]
os.environ |= {"HOME": _HOME, "TEXTUAL_ANIMATIONS": "none", "COLORTERM": "truecolor", "TZ": "UTC", "LANG": "C.UTF-8"}
os.environ["IAMTUI_THEME"] = THEME
os.environ.pop("NO_COLOR", None)

from textual.pilot import Pilot  # noqa: E402 - the environment must be clean first

from iamtui.tui import clock  # noqa: E402
from iamtui.tui.app import IamtuiApp  # noqa: E402
from iamtui.tui.widgets.status import MessageLine  # noqa: E402
from iamtui.workspace.source.workspace import SourceChoice, SourceKind  # noqa: E402
from tests.support.settling import handled, settled  # noqa: E402

for _module in ("textual.app", "textual.pilot"):
    sys.modules[_module].wait_for_idle = handled  # type: ignore[attr-defined]  # Textual's depends on the machine

Steps = Callable[[Pilot[None], IamtuiApp], Awaitable[None]]


@dataclass(frozen=True)
class Picture:
    """A picture: its file's name and how to get there from the opened demo account."""

    name: str
    steps: Steps


async def type_text(pilot: Pilot[None], text: str) -> None:
    """Type into the field that has the focus."""
    names = {":": "colon", "/": "slash", "-": "minus", ".": "full_stop", "*": "asterisk", "_": "underscore"}
    await pilot.press(*(names.get(character, character) for character in text))
    await settled(pilot)


async def ask(pilot: Pilot[None], app: IamtuiApp, action: str = "s3:DeleteObject") -> None:
    """A role's policies, and whether it may do something in the data lake."""
    app.main.go_to("arn:aws:iam::111122223333:role/data/analytics-lake-reader")
    await settled(pilot)
    await pilot.press("2", "s")
    await type_text(pilot, action)
    await pilot.press("tab")
    await type_text(pilot, "arn:aws:s3:::puffin-data-lake/raw/2026.parquet")
    await pilot.press("escape")
    await settled(pilot)


async def browse(pilot: Pilot[None], app: IamtuiApp) -> None:
    """All users, each with the verdict of the pinned question."""
    await ask(pilot, app, "s3:GetObject")
    app.main.go_to("users:")
    await settled(pilot)


async def assume(pilot: Pilot[None], app: IamtuiApp) -> None:
    """The form that assumes a role, with what both sides say of it."""
    app.main.go_to("arn:aws:iam::111122223333:role/ops-readonly")
    await settled(pilot)
    await pilot.press("a")
    await settled(pilot)


PICTURES: Final = (Picture("ask", ask), Picture("browse", browse), Picture("assume", assume))


async def take(picture: Picture) -> str:
    """Make one picture; returns its SVG. Nothing is remembered of the one before: each has a home of its own."""
    os.environ["HOME"] = tempfile.mkdtemp(prefix=f"{picture.name}-", dir=_HOME)
    app = IamtuiApp(SourceChoice(SourceKind.DEMO), fresh=True)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        workspace = app.main.workspace
        assert workspace is not None
        taken = workspace.account.taken_at
        assert taken is not None
        clock.now = lambda: taken + timedelta(minutes=2)
        await picture.steps(pilot, app)
        app.query_one(MessageLine).clear()
        await settled(pilot)
        svg = app.export_screenshot(title="iamtui --demo")
    return with_firm_spaces(without_web_fonts(svg))


def without_web_fonts(svg: str) -> str:
    """The picture with the fonts of the machine that shows it."""
    return re.sub(r"\s*@font-face\s*\{[^}]*\}", "", svg)


_SPACED: Final = re.compile(r'x="([\d.]+)" (y="[\d.]+" textLength=)"([\d.]+)"([^>]*)>((?:&#160;)+)')


def with_firm_spaces(svg: str) -> str:
    """The picture with texts that begin where their first visible character stands.

    Some viewers drop the spaces that a text begins with, and draw what follows in their place.
    """

    def moved(found: re.Match[str]) -> str:
        x, middle, length, rest, spaces = found.groups()
        shift = spaces.count("&#160;") * CELL
        return f'x="{float(x) + shift:.1f}" {middle}"{float(length) - shift:.1f}"{rest}>'

    return _SPACED.sub(moved, svg)


def words_of(svg: str) -> list[str]:
    """What stands in a picture, line for line."""
    return [html.unescape(text).replace("\xa0", " ").strip() for text in re.findall(r"<text[^>]*>(.*?)</text>", svg)]


def main(check: bool) -> int:
    """Make all pictures, or compare them; returns an exit code."""
    stale = []
    for picture in PICTURES:
        file = FOLDER / f"{picture.name}.svg"
        svg = asyncio.run(take(picture))
        if not check:
            file.write_text(svg, encoding="utf-8")
            sys.stdout.write(f"{file.relative_to(FOLDER.parent)}  {len(svg) // 1024} kB\n")
        elif not file.exists() or file.read_text(encoding="utf-8") != svg:
            stale.append(picture.name)
            before = words_of(file.read_text(encoding="utf-8")) if file.exists() else []
            changes = [line for line in difflib.ndiff(before, words_of(svg)) if line[0] in "+-"]
            sys.stdout.write("\n".join([f"{file.name} is not what the screen shows:", *changes[:40], ""]))
    if stale:
        sys.stdout.write("run: make screenshots\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
