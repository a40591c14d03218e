"""Makes the pictures of the README from the demo account: `make screenshots`.

Each is an SVG as Textual exports it, without its links to fonts on the web. The clock of the screen stands still,
so that ages and dates stay as they are; the time of the request that an answer assumes does not.
"""

from __future__ import annotations

import asyncio
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
CELL: Final = 12.2
"""Width of a character in Textual's pictures."""

# Nothing of the machine gets into a picture: no config, no AWS settings.
_HOME = tempfile.mkdtemp(prefix="iamtui-screenshots-")
for _name in [name for name in os.environ if name.startswith(("AWS_", "IAMTUI_", "XDG_"))]:
    del os.environ[_name]
os.environ |= {"HOME": _HOME, "TEXTUAL_ANIMATIONS": "none", "COLORTERM": "truecolor"}
os.environ.pop("NO_COLOR", None)

from textual.pilot import Pilot  # noqa: E402 - the environment must be clean first

from iamtui.tui import clock  # noqa: E402
from iamtui.tui.app import IamtuiApp  # noqa: E402
from iamtui.tui.widgets.status import MessageLine  # noqa: E402
from iamtui.workspace.workspace import SourceChoice, SourceKind  # noqa: E402

Steps = Callable[[Pilot[None], IamtuiApp], Awaitable[None]]


@dataclass(frozen=True)
class Picture:
    """A picture: its file's name and how to get there from the opened demo account."""

    name: str
    steps: Steps


async def settle(pilot: Pilot[None]) -> None:
    """Wait until nothing is loading and everything is painted."""
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
    await pilot.pause()


async def type_text(pilot: Pilot[None], text: str) -> None:
    """Type into the field that has the focus."""
    names = {":": "colon", "/": "slash", "-": "minus", ".": "full_stop", "*": "asterisk", "_": "underscore"}
    await pilot.press(*(names.get(character, character) for character in text))
    await settle(pilot)


async def ask(pilot: Pilot[None], app: IamtuiApp, action: str = "s3:DeleteObject") -> None:
    """A role's policies, and whether it may do something in the data lake."""
    app.main.go_to("arn:aws:iam::111122223333:role/data/analytics-lake-reader")
    await settle(pilot)
    await pilot.press("2", "s")
    await type_text(pilot, action)
    await pilot.press("tab")
    await type_text(pilot, "arn:aws:s3:::puffin-data-lake/raw/2026.parquet")
    await pilot.press("escape")
    await settle(pilot)


async def browse(pilot: Pilot[None], app: IamtuiApp) -> None:
    """All users, each with the verdict of the pinned question."""
    await ask(pilot, app, "s3:GetObject")
    app.main.go_to("users:")
    await settle(pilot)


PICTURES: Final = (Picture("ask", ask), Picture("browse", browse))


async def take(picture: Picture) -> Path:
    """Make one picture and write it."""
    app = IamtuiApp(SourceChoice(SourceKind.DEMO))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        workspace = app.main.workspace
        assert workspace is not None
        taken = workspace.account.taken_at
        assert taken is not None
        clock.now = lambda: taken + timedelta(minutes=2)
        await picture.steps(pilot, app)
        app.query_one(MessageLine).clear()
        await settle(pilot)
        svg = app.export_screenshot(title="iamtui --demo")
    file = FOLDER / f"{picture.name}.svg"
    file.write_text(with_firm_spaces(without_web_fonts(svg)), encoding="utf-8")
    return file


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


def main() -> int:
    """Make all pictures; returns an exit code."""
    for picture in PICTURES:
        file = asyncio.run(take(picture))
        sys.stdout.write(f"{file.relative_to(FOLDER.parent)}  {file.stat().st_size // 1024} kB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
