"""The lines between panes: moved by keys and by the mouse, remembered for each account, and put back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widget import Widget

from iamtui.questions.question import Question, QuestionMatrix
from iamtui.tui.app import IamtuiApp
from iamtui.tui.main.paned import MOST_SIZES, Divider
from iamtui.tui.widgets.status import MessageLine
from iamtui.workspace.source.workspace import SourceChoice, SourceKind
from tests.support.panel_apps import screen_text
from tests.support.sample_account import iam, sample_workspace
from tests.support.screen_app import RecordingCopier, make_app, opened, press, settle
from tests.support.slow import EACH_SIZE, SIZES

SnapCompare = Callable[..., bool]


def pane(pilot: Pilot[None], name: str) -> Widget:
    return pilot.app.main.query_one(f"#{name}")  # type: ignore[attr-defined]


def size_of(pilot: Pilot[None], divider: Divider, layout: str) -> int:
    if divider is Divider.TREE:
        return pane(pilot, "explorer").region.width
    if divider is Divider.SESSIONS:
        return pane(pilot, "sessions").region.height
    side = pane(pilot, "side").region
    return side.width if layout == "wide" else side.height


def grip_of(pilot: Pilot[None], divider: Divider, layout: str) -> tuple[int, int]:
    """A place on a divider, on the screen."""
    if divider is Divider.TREE:
        return pane(pilot, "explorer").region.right - 1, 10
    region = pane(pilot, "side" if divider is Divider.SIDE else "sessions").region
    return (region.x, 10) if divider is Divider.SIDE and layout == "wide" else (region.x + 20, region.y)


async def drag(pilot: Pilot[None], start: tuple[int, int], right: int = 0, down: int = 0) -> None:
    """Press the button, move a cell at a time, and let go."""
    x, y = start
    await pilot.mouse_down(offset=(x, y))
    for step in range(1, max(abs(right), abs(down)) + 1):
        at = x + max(-step, min(step, right)), y + max(-step, min(step, down))
        await pilot.hover(offset=at)
    await pilot.mouse_up(offset=(x + right, y + down))
    await settle(pilot)


async def begin(pilot: Pilot[None]) -> None:
    pilot.app.main.go_to(iam("role/deploy-prod"))  # type: ignore[attr-defined]
    pilot.app.main.question.ask("s3:GetObject", "arn:aws:s3:::data-lake/x")  # type: ignore[attr-defined]
    await settle(pilot)


DIVIDERS = [
    *(("medium", divider) for divider in Divider),
    *(("wide", divider) for divider in Divider),
    ("narrow", Divider.TREE),
    ("narrow", Divider.SIDE),
]
QUICK = (("medium", Divider.SESSIONS), ("wide", Divider.SIDE), ("narrow", Divider.SIDE))


@pytest.mark.parametrize(
    ("layout", "divider"),
    [pytest.param(*one, marks=[] if one in QUICK else pytest.mark.slow) for one in DIVIDERS],
)
async def test_a_divider_follows_the_mouse(layout: str, divider: Divider) -> None:
    async with opened(size=SIZES[layout]) as pilot:
        await begin(pilot)
        is_upright = divider is Divider.TREE or (divider is Divider.SIDE and layout == "wide")
        for way in (3, -2) if divider is Divider.TREE else (-3, 2):
            before = size_of(pilot, divider, layout)
            where = {"right": way} if is_upright else {"down": way}
            await drag(pilot, grip_of(pilot, divider, layout), **where)
            grown = way if divider is Divider.TREE else -way
            assert size_of(pilot, divider, layout) == before + grown
        focused = pilot.app.focused
        await pilot.hover(offset=(5, 5))
        assert size_of(pilot, divider, layout) == before + grown, "it was let go"
        assert pilot.app.focused is focused
        await press(pilot, "Z")
        assert not pilot.app.main.pane_sizes.sizes  # type: ignore[attr-defined]


@pytest.mark.slow
async def test_the_mouse_moves_nothing_elsewhere() -> None:
    async with opened() as pilot:
        await begin(pilot)
        for start in ((10, 10), (60, 8), (60, 0), (60, 1)):
            await drag(pilot, start, right=5, down=3)
        assert not pilot.app.main.pane_sizes.sizes  # type: ignore[attr-defined]


KEYS = {
    "narrow": {"explorer": ("right", Divider.TREE), "subject": ("up", Divider.SIDE), "question": ("up", Divider.SIDE)},
    "medium": {
        "explorer": ("right", Divider.TREE),
        "subject": ("right", Divider.TREE),
        "question": ("up", Divider.SIDE),
        "sessions": ("up", Divider.SESSIONS),
    },
    "wide": {
        "explorer": ("right", Divider.TREE),
        "subject": ("left", Divider.SIDE),
        "question": ("left", Divider.SIDE),
        "sessions": ("up", Divider.SESSIONS),
    },
}
OPPOSITE = {"right": "left", "left": "right", "up": "down", "down": "up"}


async def focus(pilot: Pilot[None], name: str) -> None:
    keys = {
        "explorer": ("escape",),
        "subject": ("escape", "enter"),
        "question": ("f5", "enter"),
        "sessions": ("g", "s"),
    }
    await press(pilot, *keys[name])
    if name == "question":
        pilot.app.main.question.query_one("#question-layers").focus()  # type: ignore[attr-defined]
        await settle(pilot)


@pytest.mark.parametrize("layout", EACH_SIZE)
async def test_keys_move_the_divider_beside_the_focus_as_far_as_there_is_room(layout: str) -> None:
    async with opened(size=SIZES[layout]) as pilot:
        await begin(pilot)
        for name, (grows, divider) in KEYS[layout].items():
            await focus(pilot, name)
            before = size_of(pilot, divider, layout)
            await press(pilot, f"shift+{grows}")
            assert size_of(pilot, divider, layout) > before, name
            await press(pilot, f"ctrl+{OPPOSITE[grows]}")
            assert size_of(pilot, divider, layout) == before, name
            for direction in (grows, OPPOSITE[grows]):
                for _ in range(90):
                    pilot.app.main.pane_sizes.move(direction)  # type: ignore[attr-defined]
                await settle(pilot)
                for other in ("explorer", "subject", "question"):
                    region = pane(pilot, other).region
                    assert region.width >= 16, (name, direction, other)
                    assert region.height >= 3, (name, direction, other)
            await press(pilot, "Z")
            assert size_of(pilot, divider, layout) == before, name
            assert "usual sizes" in screen_text(pilot.app)


@pytest.mark.slow
async def test_where_there_is_no_divider_a_key_says_so() -> None:
    async with opened(size=SIZES["wide"]) as pilot:
        await begin(pilot)
        await press(pilot, "z", "shift+right")
        assert "Nothing to move" in screen_text(pilot.app)
        assert not pilot.app.main.pane_sizes.sizes  # type: ignore[attr-defined]


@pytest.mark.slow
async def test_a_zoomed_pane_has_all_of_the_window_and_gives_sizes_back() -> None:
    async with opened() as pilot:
        await begin(pilot)
        await press(pilot, *["shift+right"] * 3)
        tree = pane(pilot, "explorer").region.width
        await press(pilot, "z")
        assert pane(pilot, "explorer").region.width == 120
        await press(pilot, "z")
        assert pane(pilot, "explorer").region.width == tree


@pytest.mark.slow
async def test_sizes_belong_to_a_layout_and_fit_any_window() -> None:
    async with opened(size=(179, 50)) as pilot:
        await begin(pilot)
        usual = pane(pilot, "explorer").region.width
        await press(pilot, *["shift+right"] * 60)
        large = pane(pilot, "explorer").region.width
        assert large > 100
        for size in ((200, 60), (80, 24)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
            assert pane(pilot, "explorer").region.width <= usual + 4
        await pilot.resize_terminal(101, 31)
        await settle(pilot)
        assert pane(pilot, "subject").region.width >= 30, "it is as large as there is room for"
        await pilot.resize_terminal(179, 50)
        await settle(pilot)
        assert pane(pilot, "explorer").region.width == large


@pytest.mark.slow
async def test_resources_side_by_side_have_a_width_of_their_own() -> None:
    async with opened(size=SIZES["wide"]) as pilot:
        await begin(pilot)
        await drag(pilot, grip_of(pilot, Divider.SIDE, "wide"), right=-7)
        alone = pane(pilot, "side").region.width
        pilot.app.main.question.ask_matrix(  # type: ignore[attr-defined]
            QuestionMatrix(("s3:GetObject",), ("arn:aws:s3:::a/x", "arn:aws:s3:::b/x"), Question("", "*"))
        )
        await settle(pilot)
        beside = pane(pilot, "side").region.width
        assert beside > alone
        await drag(pilot, grip_of(pilot, Divider.SIDE, "wide"), right=5)
        assert pane(pilot, "side").region.width == beside - 5
        await begin(pilot)
        assert pane(pilot, "side").region.width == alone


@pytest.mark.slow
async def test_a_higher_question_shows_more_of_a_grid() -> None:
    async with opened(size=SIZES["narrow"]) as pilot:
        actions = " ".join(
            f"s3:Get{name}" for name in ("Object", "ObjectAcl", "BucketAcl", "BucketCors", "BucketTagging")
        )
        pilot.app.main.question.ask(actions, "arn:aws:s3:::data-lake/x arn:aws:s3:::data-lake")  # type: ignore[attr-defined]
        await settle(pilot)
        matrix = pilot.app.main.question.query_one("#question-matrix")  # type: ignore[attr-defined]
        assert matrix.region.height == 3
        await press(pilot, *["shift+up"] * 12)
        assert matrix.region.height > 3
        assert "identity [" in screen_text(pilot.app), "the layers have their line"


def app_of(*, fresh: bool = False) -> IamtuiApp:
    workspace = sample_workspace()
    choice = SourceChoice(SourceKind.SNAPSHOT, snapshot=Path("/tmp/account.json"))
    return IamtuiApp(choice, opener=lambda *_: workspace, copier=RecordingCopier(), fresh=fresh)


@pytest.mark.slow
async def test_sizes_come_back_in_the_next_run_but_for_a_fresh_one() -> None:
    async with opened(app_of()) as pilot:
        usual = pane(pilot, "explorer").region.width
        await drag(pilot, grip_of(pilot, Divider.TREE, "medium"), right=9)
        pilot.app.exit()
    async with opened(app_of(fresh=True)) as pilot:
        assert pane(pilot, "explorer").region.width == usual
    async with opened(app_of()) as pilot:
        assert pane(pilot, "explorer").region.width == usual + 9
        await press(pilot, "Z")
        pilot.app.exit()
    async with opened(app_of()) as pilot:
        assert pane(pilot, "explorer").region.width == usual


def test_all_sizes_have_a_place_in_the_file() -> None:
    assert len(DIVIDERS) + 1 <= MOST_SIZES, "each divider in each layout, and the matrix"


@pytest.mark.slow
async def test_a_higher_question_says_more() -> None:
    async with opened(size=SIZES["narrow"]) as pilot:
        await begin(pilot)
        assert "identity" in screen_text(pilot.app)
        before = len(screen_text(pilot.app).split())
        await focus(pilot, "question")
        await press(pilot, "escape", *["shift+up"] * 12)
        assert len(screen_text(pilot.app).split()) > before


def resized(*keys: str, theme: str = "iamtui-dark") -> Callable[[Pilot[None]], Awaitable[None]]:
    async def run(pilot: Pilot[None]) -> None:
        await settle(pilot)
        pilot.app.theme = theme
        await begin(pilot)
        await press(pilot, *keys)
        pilot.app.query_one(MessageLine).clear()
        await pilot.pause()

    return run


@pytest.mark.parametrize("size", EACH_SIZE)
def test_panes_of_other_sizes(snap_compare: SnapCompare, size: str) -> None:
    keys = ["shift+right"] * 4 + ["shift+up"] * 5
    assert snap_compare(make_app(), terminal_size=SIZES[size], run_before=resized(*keys))
