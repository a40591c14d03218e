"""No text that is not a literal reaches a widget as a str, anywhere in the room (threat: markup injection)."""

from __future__ import annotations

from pathlib import Path

import pytest

import iamtui.tui
from tests.support.raw_text_lint import check_room, check_source

ROOM = Path(iamtui.tui.__file__).parent


def test_the_room_gives_widgets_no_raw_text() -> None:
    files = sorted(ROOM.rglob("*.py"))

    assert len(files) > 20
    assert [str(finding) for finding in check_room(files, ROOM)] == []


@pytest.mark.parametrize(
    "source",
    [
        "Label(name)",
        "Label(f'{role.name}')",
        "Static('role ' + name)",
        "Static(str(role))",
        "Static('[b]bold[/b]')",
        "Static(content=name)",
        "Static(safe_text(name))",
        "Button(label=name)",
        "Checkbox(name)",
        "Option(role.arn, id='x')",
        "options.add_option(name)",
        "tree.root.add_leaf(policy.name)",
        "node.set_label(name)",
        "TabPane(name)",
        "widget.tooltip = role.description",
        "widget.border_title = f'{name}'",
        "widget.border_subtitle = name.upper()",
        "self.notify(str(error))",
        "Content.from_markup(name)",
        "Text.from_markup(name)",
        "Static(plain(name), markup=True)",
        "self.query_one('#a', Static).update(name)",
        "self.query_one('#a', Static).update(f'{count} roles')",
        "table.add_row(name, 'x')",
        "options.replace_option_prompt('id', name)",
        "options.set_options([role.name])",
        "self.matcher.highlight(name)",
        "OptionList(role.name)",
        "SafeInput(placeholder=name)",
        "SafeInput(placeholder=f'{name}')",
        "Input(placeholder='search')",
        "Static(Content(name))",
        "Static(plain(name) if ok else name)",
        "Static(shown or name)",
        "def show(self, words: str):\n    self.update(words)",
        "def show(self, words: Content | str):\n    self.update(words)",
        "def show(self, role):\n    words = plain(role.name)\n    words = role.name\n    Label(words)",
        "def show(self):\n    for words in names:\n        Label(words)",
        "def text(self) -> str: ...\nLabel(text())",
        "Label(self.words)",
    ],
)
def test_raw_text_is_found(source: str) -> None:
    assert len(check_source(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "Label('Action')",
        "Label()",
        "Static(plain(name), id='x')",
        "Static(line('Can ', (name, 'bold')))",
        "Static(document(text))",
        "Static(Content(safe_text(name)))",
        "Static(Content('\\n').join(rows))",
        "Static(plain(name) if ok else '')",
        "SafeInput(placeholder='search', value=name)",
        "SafeInput(placeholder=safe_text(name))",
        "widget.border_title = line('Sessions')",
        "widget.border_title = None",
        "known: set[str] = set()\nknown.update(names)",
        "found.update({key: value})",
        "def show(self, words: Content):\n    self.update(words)",
        "def show(self, role):\n    words = plain(role.name)\n    Label(words)",
        "def show(self, rows: Sequence[Content]):\n    for row in rows:\n        Label(row)",
        "def text(self) -> Content: ...\nLabel(self.text())",
        "def __init__(self, words: Content):\n    self._words = words\n\ndef b(self):\n    Label(self._words)",
        "def rows(self) -> list[Content]: ...\noptions.add_options([Option(row) for row in rows()])",
    ],
)
def test_what_the_helpers_made_is_let_through(source: str) -> None:
    assert [str(finding) for finding in check_source(source)] == []
