"""A lint over the syntax trees of a room: no text that is not a literal reaches a widget as a str.

Textual reads a str as markup in most widgets, so data in it could style itself, crash the app or run an
action. What may reach a widget: a literal without markup, or a Content made by the helpers of
`iamtui.tui.content` (or by a function, property or variable that is annotated or assigned as one).
What cannot be recognised as such is a finding.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

TEXT_WIDGETS = frozenset(
    [
        "Label",
        "Static",
        "Button",
        "Checkbox",
        "RadioButton",
        "Option",
        "Selection",
        "Tab",
        "TabPane",
        "Collapsible",
        "Link",
        "Digits",
        "ListItem",
        "Header",
        "OptionList",
        "SelectionList",
        "Switch",
        "Rule",
        "Welcome",
        "Markdown",
        "Pretty",
        "Placeholder",
    ]
)
"""Widgets and parts of widgets whose first argument is text."""

RAW_FIELDS = frozenset({"Input", "TextArea"})
"""Fields that draw what was pasted or put into them as it is, control characters included."""

LIST_WIDGETS = frozenset({"OptionList", "SelectionList"})

TEXT_KEYWORDS = frozenset(
    [
        "content",
        "label",
        "prompt",
        "title",
        "renderable",
        "tooltip",
        "border_title",
        "border_subtitle",
    ]
)
TEXT_METHODS = frozenset(
    [
        "update",
        "add_leaf",
        "add_option",
        "set_label",
        "notify",
        "add_row",
        "add_column",
        "add_columns",
        "write_line",
        "replace_option_prompt",
        "replace_option_prompt_at_index",
        "set_content",
        "add_options",
        "set_options",
    ]
)
TEXT_ATTRIBUTES = frozenset(
    [
        "border_title",
        "border_subtitle",
        "tooltip",
        "label",
        "title",
        "sub_title",
    ]
)
LITERAL_PLACES = frozenset({"placeholder"})
"""Shown as they are, without markup: a literal or safe_text(...) will do."""

SAFE_HELPERS = frozenset({"plain", "line", "lines", "document"})
CONTENT_METHODS = frozenset(
    [
        "join",
        "stylize",
        "stylize_before",
        "assemble",
        "styled",
        "blank",
        "pad",
        "pad_left",
        "pad_right",
        "truncate",
        "right_crop",
        "from_rich_text",
        "highlight",
        "expand_tabs",
        "append",
        "append_text",
        "simplify",
    ]
)
FORBIDDEN_CALLS = frozenset({"from_markup", "notify", "escape"})
SAFE_TEXTS = frozenset({"safe_text", "safe_document"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where raw text may reach a widget."""

    where: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.where}:{self.line}: {self.what}"


@dataclass
class Room:
    """What the whole room declares.

    Args:
        content_names: functions, properties and attributes that give Content.
        collection_names: names and attributes that hold a set or a dict, whose `update` is no widget's.
    """

    content_names: set[str] = field(default_factory=set)
    collection_names: set[str] = field(default_factory=set)


def check_room(files: Iterable[Path], root: Path) -> list[Finding]:
    """Check every file of a room; what one file declares counts in all of them."""
    trees = {str(file.relative_to(root)): ast.parse(file.read_text(encoding="utf-8")) for file in files}
    return check_trees(trees)


def check_source(source: str) -> list[Finding]:
    """Check one piece of source by itself."""
    return check_trees({"sample.py": ast.parse(source)})


def check_trees(trees: Mapping[str, ast.Module]) -> list[Finding]:
    """Check several modules as one room."""
    room = Room()
    for tree in trees.values():
        room.content_names |= set(_declared_contents(tree))
        room.collection_names |= set(_declared_collections(tree))
    return [finding for name, tree in trees.items() for finding in _Checker(name, room).check(tree)]


def _declared_contents(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and _is_content(node.returns):
            yield node.name
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _kept_arguments(node)
        elif isinstance(node, ast.AnnAssign) and _is_content(node.annotation):
            if isinstance(node.target, ast.Attribute):
                yield node.target.attr
            elif isinstance(node.target, ast.Name):
                yield node.target.id


def _kept_arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """Attributes that are set to an argument that is annotated as Content."""
    arguments = [*function.args.args, *function.args.kwonlyargs]
    contents = {argument.arg for argument in arguments if _is_content(argument.annotation)}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id in contents:
            yield from (target.attr for target in node.targets if isinstance(target, ast.Attribute))


def _declared_collections(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):
            annotation = ast.unparse(node.annotation)
            if annotation.startswith(("set[", "dict[")):
                yield _name_of(node.target)


def _is_content(annotation: ast.expr | None) -> bool:
    """Whether an annotation is Content (or None), or a collection of nothing but Content."""
    if annotation is None:
        return False
    names = {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(annotation) if isinstance(node, ast.Attribute)}
    return "Content" in names and "str" not in names and "object" not in names


class _Checker:
    def __init__(self, where: str, room: Room) -> None:
        self._where = where
        self._room = room
        self._findings: list[Finding] = []
        self._scopes: list[dict[str, bool]] = []

    def check(self, tree: ast.Module) -> list[Finding]:
        self._scope(tree, {})
        return self._findings

    def _find(self, node: ast.AST, what: str) -> None:
        self._findings.append(Finding(self._where, getattr(node, "lineno", 0), what))

    # Scopes: which local names hold Content, or a text that has been made safe.

    def _scope(self, owner: ast.Module | ast.FunctionDef | ast.AsyncFunctionDef, outer: dict[str, bool]) -> None:
        names = dict(outer)
        if not isinstance(owner, ast.Module):
            for argument in [*owner.args.posonlyargs, *owner.args.args, *owner.args.kwonlyargs]:
                names[argument.arg] = _is_content(argument.annotation)
        self._scopes.append(names)
        statements = [node for child in owner.body for node in _without_functions(child)]
        for _ in range(2):  # a name may be used above (in a loop) where it is assigned
            self._learn(statements, names)
        for node in statements:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self._scope(node, names)
            else:
                self._visit(node)
        self._scopes.pop()

    def _learn(self, nodes: list[ast.AST], names: dict[str, bool]) -> None:
        assigned: dict[str, list[bool]] = {}
        for node in nodes:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._learn_target(target, node.value, assigned)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                assigned.setdefault(node.target.id, []).append(_is_content(node.annotation))
            elif isinstance(node, ast.NamedExpr):
                assigned.setdefault(node.target.id, []).append(self._safe(node.value))
            elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)) and isinstance(node.target, ast.Name):
                assigned.setdefault(node.target.id, []).append(self._safe(node.iter))
        names.update({name: all(verdicts) for name, verdicts in assigned.items()})

    def _learn_target(self, target: ast.expr, value: ast.expr, assigned: dict[str, list[bool]]) -> None:
        if isinstance(target, ast.Name):
            assigned.setdefault(target.id, []).append(self._safe(value))
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            for part, part_value in zip(target.elts, value.elts, strict=True):
                self._learn_target(part, part_value, assigned)
        elif isinstance(target, ast.Tuple):
            for part in target.elts:
                if isinstance(part, ast.Name):
                    assigned.setdefault(part.id, []).append(False)

    # Places.

    def _visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Call):
            self._call(node)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Attribute) and target.attr in TEXT_ATTRIBUTES:
                    self._demand(node.value, f"{target.attr} is set to")
                if isinstance(target, ast.Attribute) and target.attr in LITERAL_PLACES:
                    self._demand(node.value, f"{target.attr} is set to", text_will_do=True)

    def _call(self, node: ast.Call) -> None:
        name = _name_of(node.func)
        if name in FORBIDDEN_CALLS or (name == "highlight" and "matcher" in ast.unparse(node.func)):
            self._find(node, f"{name}() reads markup or shows a str")
            return
        for keyword in node.keywords:
            if keyword.arg in LITERAL_PLACES:
                self._demand(keyword.value, f"{name}({keyword.arg}=...) is given", text_will_do=True)
            elif keyword.arg == "markup" and not _is_constant(keyword.value, False):
                self._find(keyword.value, f"{name}(markup=...) switches markup on")
        if isinstance(node.func, ast.Name) and node.func.id in RAW_FIELDS:
            self._find(node, f"{name}() draws its value raw: use SafeInput")
        elif isinstance(node.func, ast.Name) and node.func.id in TEXT_WIDGETS:
            texts = node.args if name in LIST_WIDGETS else node.args[:1]
            self._demand_all([*texts, *_keywords(node)], f"{name}() is given")
        elif isinstance(node.func, ast.Attribute) and name in TEXT_METHODS:
            if name == "update" and self._is_collection_update(node):
                return
            texts = node.args[1:2] if name.startswith("replace_option_prompt") else node.args
            self._demand_all([*texts, *_keywords(node)], f".{name}() is given")

    def _demand_all(self, values: Iterable[ast.expr], words: str) -> None:
        for value in values:
            self._demand(value, words)

    def _demand(self, value: ast.expr, words: str, *, text_will_do: bool = False) -> None:
        if text_will_do and isinstance(value, ast.Call) and _name_of(value.func) in SAFE_TEXTS:
            return
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            if "[" in value.value and not text_will_do:
                self._find(value, f"{words} a literal with markup")
            return
        if not self._safe(value):
            self._find(value, f"{words} {ast.unparse(value)[:80]}, which is not known to be Content")

    def _is_collection_update(self, call: ast.Call) -> bool:
        """Whether `x.update(...)` is a dict's or a set's, by what x is declared as or what it is given."""
        assert isinstance(call.func, ast.Attribute)
        if _name_of(call.func.value) in self._room.collection_names:
            return True
        if not call.args:
            return True
        argument = call.args[0]
        if isinstance(argument, (ast.Dict, ast.Set, ast.DictComp, ast.SetComp, ast.GeneratorExp)):
            return True
        return isinstance(argument, ast.Call) and ast.unparse(argument.func) in ("dict", "set", "dict.fromkeys", "zip")

    # Values.

    def _safe(self, value: ast.expr) -> bool:
        """Whether an expression is known to be Content, a collection of it, None, or a literal without markup."""
        if isinstance(value, ast.Constant):
            return value.value is None or (isinstance(value.value, str) and "[" not in value.value)
        if isinstance(value, ast.IfExp):
            return self._safe(value.body) and self._safe(value.orelse)
        if isinstance(value, ast.BoolOp):
            return all(self._safe(part) for part in value.values)
        if isinstance(value, (ast.List, ast.Tuple)):
            return all(self._safe(part) for part in value.elts)
        if isinstance(value, (ast.ListComp, ast.GeneratorExp)):
            return self._safe(value.elt)
        if isinstance(value, ast.Starred):
            return self._safe(value.value)
        if isinstance(value, ast.NamedExpr):
            return self._safe(value.value)
        if isinstance(value, ast.Subscript):
            return self._safe(value.value)
        if isinstance(value, ast.Name):
            return self._scopes[-1].get(value.id, value.id in self._room.content_names)
        if isinstance(value, ast.Attribute):
            return value.attr in self._room.content_names
        return isinstance(value, ast.Call) and self._safe_call(value)

    def _safe_call(self, call: ast.Call) -> bool:
        name = _name_of(call.func)
        if isinstance(call.func, ast.Name):
            if name == "Content":
                return all(self._safe_text(argument) for argument in call.args)
            return name in SAFE_HELPERS | TEXT_WIDGETS or name in self._room.content_names
        if isinstance(call.func, ast.Attribute):
            if name in CONTENT_METHODS:
                return _name_of(call.func.value) == "Content" or self._safe(call.func.value)
            return name in self._room.content_names
        return False

    def _safe_text(self, value: ast.expr) -> bool:
        if isinstance(value, ast.Constant):
            return True
        return isinstance(value, ast.Call) and _name_of(value.func) in SAFE_TEXTS


def _without_functions(node: ast.AST) -> Iterator[ast.AST]:
    """A node and everything in it, but only the heads of the functions in it."""
    yield node
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return
    for child in ast.iter_child_nodes(node):
        yield from _without_functions(child)


def _name_of(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _keywords(call: ast.Call) -> list[ast.expr]:
    return [keyword.value for keyword in call.keywords if keyword.arg in TEXT_KEYWORDS]


def _is_constant(value: ast.expr, wanted: object) -> bool:
    return isinstance(value, ast.Constant) and value.value is wanted
