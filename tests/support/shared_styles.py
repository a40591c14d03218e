"""Style sheets and shipped themes that are read once for all apps of a test run, and styles that are found once for all
widgets that are alike: each app would take a third of its start for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from textual.css.model import CombinatorType, RuleSet, Selector
from textual.css.styles import RulesMap, Styles
from textual.css.stylesheet import Stylesheet
from textual.css.types import CSSLocation
from textual.dom import DOMNode
from textual.theme import Theme

from iamtui.tui import themes

_parse = Stylesheet._parse_rules
_read_theme = themes.read_theme
_parsed: dict[object, list[RuleSet]] = {}


def parsed_once(
    sheet: Stylesheet,
    css: str,
    read_from: CSSLocation,
    is_default_rules: bool = False,
    tie_breaker: int = 0,
    scope: str = "",
) -> list[RuleSet]:
    """In the place of `Stylesheet._parse_rules`: the rules of a source, with the variables of the theme."""
    source = css, read_from, is_default_rules, tie_breaker, scope
    if source not in sheet._parse_cache:
        key = source, frozenset(sheet._variables.items())
        if key not in _parsed:
            _parsed[key] = _parse(sheet, *source)
        sheet._parse_cache[source] = _parsed[key]
    return sheet._parse_cache[source]


def theme_read_once(file: Path) -> tuple[Theme | None, list[str]]:
    """In the place of `read_theme`: what a shipped file says, which no test changes."""
    return _shipped(file) if file.parent == themes.shipped_themes() else _read_theme(file)


@cache
def _shipped(file: Path) -> tuple[Theme | None, list[str]]:
    return _read_theme(file)


class _Rules:
    """The styles that rules give to a node: as they are written, and as they stand in the node once they are set."""

    def __init__(self, written: RulesMap) -> None:
        styles = Styles()
        for name, value in written.items():
            setattr(styles, name, value)
        self.written = written
        self.stands: dict[str, Any] = {**styles.get_rules()}

    def give_to(self, node: DOMNode) -> None:
        """Set them, as `Stylesheet.replace_rules` does, which sets also what stands there already."""
        base = node.styles.base
        now: dict[str, Any] = base._rules  # type: ignore[assignment]
        if now or node._is_mounted:
            for name in now.keys() | self.stands.keys():
                value = self.stands.get(name)
                if now.get(name) is not value:
                    setattr(base, name, value)
        else:
            # Nothing is laid out or painted yet that they would change.
            now.update(self.stands)
            base._updates += len(now)
            node._nodes.updated()
        node.notify_style_update()


class _Alike:
    """Nodes with the same types, ids and classes from the app down to them: which states of which of these nodes their
    rules ask for, and the styles of those that have the same ones."""

    def __init__(self, path: list[DOMNode], rules: Iterable[RuleSet]) -> None:
        asked = {
            (at, state)
            for rule in rules
            for chain in rule.selector_set
            for selector, is_last in _selectors(chain.selectors)
            if selector.pseudo_classes
            for at, node in enumerate(path)
            if (node is path[-1] or not is_last) and selector._check(node)
            for state in selector.pseudo_classes
        }
        self.asked = tuple(asked)
        self.styles: dict[tuple[bool, ...], tuple[_Rules, tuple[bool, ...]]] = {}


def _selectors(chain: list[Selector]) -> Iterator[tuple[Selector, bool]]:
    """The selectors of a chain, each with whether it is about the node itself, and not one above it."""
    is_last = True
    for selector in reversed(chain):
        yield selector, is_last
        is_last = is_last and selector.combinator is CombinatorType.SAME


class _Found(Stylesheet):
    """Finds the styles that some rules give to nodes, once for all that are alike, and leaves the nodes as they are."""

    def __init__(self, rules: list[RuleSet]) -> None:
        super().__init__()
        self._rules = rules
        self._last: RulesMap = {}
        self._kinds: dict[object, _Alike] = {}

    def of(self, node: DOMNode) -> _Rules:
        """The styles of a node; it is told what else its rules say of it."""
        path = node.css_path_nodes
        kind = tuple([(type(one), one.id, one.classes) for one in path])
        alike = self._kinds.get(kind)
        if alike is None:
            names = self.rules_map.keys() & node._selector_names
            alike = self._kinds[kind] = _Alike(path, {rule for name in names for rule in self.rules_map[name]})
        states = tuple([path[at].has_pseudo_class(state) for at, state in alike.asked])
        if states not in alike.styles:
            self._last = {}
            apply_as_textual(self, node)
            flags = node._has_hover_style, node._has_focus_within, node._has_order_style, node._has_odd_or_even
            alike.styles[states] = _Rules(self._last), flags
        styles, flags = alike.styles[states]
        node._has_hover_style, node._has_focus_within, node._has_order_style, node._has_odd_or_even = flags
        return styles

    def replace_rules(self, node: DOMNode, rules: RulesMap, animate: bool = False) -> None:  # type: ignore[override]
        self._last = rules

    def _process_component_classes(self, node: DOMNode) -> None:
        """They are left to the sheet that asks."""


apply_as_textual = Stylesheet.apply
_found: dict[tuple[int, ...], _Found] = {}


def applied_once(
    sheet: Stylesheet, node: DOMNode, *, animate: bool = False, cache: dict[tuple[Any, ...], RulesMap] | None = None
) -> None:
    """In the place of `Stylesheet.apply`: give a node what the same rules have given to one like it."""
    rules, found = vars(sheet).get("_shared", (None, None))
    if rules is not sheet.rules:
        rules = sheet.rules
        same = tuple(map(id, rules))
        if same not in _found:
            _found[same] = _Found(rules)
        found = _found[same]
        vars(sheet)["_shared"] = rules, found
    styles = found.of(node)
    if animate:
        sheet.replace_rules(node, styles.written, animate)
    elif styles.written:
        styles.give_to(node)
    sheet._process_component_classes(node)
