"""`python -m tools.measure [ROW ...] [--list]`: the size and the structure of iamtui, as figures with goals.

`--list` prints what is behind each figure. Most figures are read from the source; `walk` traces a decision and the
assume form in the demo account. `lifted`, which is measured only when named, imports each module in a process of its
own to find the imports inside functions that would cost nothing at the top.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
PACKAGE: Final = "iamtui"

LONGEST_FILE: Final = 800
LARGEST_FOLDER: Final = 25
HIGHEST_COMPLEXITY: Final = 20
LONGEST_SCREEN: Final = 500


@dataclass(frozen=True)
class Import:
    """One imported module, where it is imported, and whether only there when the function runs."""

    importer: str
    line: int
    target: str
    in_function: bool
    """Whether it is run only when a function is called."""
    for_types: bool
    """Whether it stands under `if TYPE_CHECKING`."""


@dataclass
class Figure:
    """A row of the table."""

    name: str
    value: int
    goal: int | None = None
    details: list[str] = field(default_factory=list)


class Source:
    """The parsed modules of the package."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.paths = {_module_name(path, root): path for path in sorted((root / PACKAGE).rglob("*.py"))}
        self.texts = {module: path.read_text() for module, path in self.paths.items()}
        self._trees: dict[str, ast.Module] = {}

    def tree(self, module: str) -> ast.Module:
        if module not in self._trees:
            self._trees[module] = ast.parse(self.texts[module])
        return self._trees[module]

    @property
    def nodes(self) -> Iterator[ast.AST]:
        return (node for tree in self.trees.values() for node in ast.walk(tree))

    @property
    def trees(self) -> dict[str, ast.Module]:
        return {module: self.tree(module) for module in self.texts}

    def place(self, module: str, line: int) -> str:
        return f"{self.paths[module].relative_to(self.root)}:{line}"

    @cached_property
    def imports(self) -> list[Import]:
        """All imports, of this project's modules and of others."""
        return [found for module in self.texts for found in self._imports_of(module)]

    def _imports_of(self, module: str) -> Iterator[Import]:
        def visit(node: ast.AST, in_function: bool, for_types: bool) -> Iterator[Import]:
            if isinstance(node, ast.Import | ast.ImportFrom):
                for target in self._targets(module, node):
                    yield Import(module, node.lineno, target, in_function, for_types)
            in_function = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for_types = for_types or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
                    yield from visit(child, in_function, for_types)

        return visit(self.tree(module), in_function=False, for_types=False)

    def _targets(self, module: str, node: ast.Import | ast.ImportFrom) -> list[str]:
        if isinstance(node, ast.Import):
            return [alias.name for alias in node.names]
        base = node.module or ""
        if node.level:
            package = module if self.paths[module].name == "__init__.py" else module.rpartition(".")[0]
            base = ".".join([*package.split(".")[: len(package.split(".")) - node.level + 1], *filter(None, [base])])
        # "from package import module" imports the module, "from module import name" the module named first.
        return list(dict.fromkeys(self._module_of(base, alias.name) for alias in node.names))

    def _module_of(self, base: str, name: str) -> str:
        return f"{base}.{name}" if f"{base}.{name}" in self.paths else base


def _module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def size(source: Source) -> Iterator[Figure]:
    """Weight of the package and of its tests: bytes, files and functions (each `def`), by room."""
    lines = {module: text.count("\n") for module, text in source.texts.items()}
    weight = {module: len(text.encode()) for module, text in source.texts.items()}
    folders = Counter(path.parent.relative_to(source.root) for path in source.paths.values())
    functions = sum(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in source.nodes)
    weights: Counter[str] = Counter()
    for module, count in weight.items():
        weights[".".join(module.split(".")[:2])] += count
    yield Figure(
        "kilobytes of code", sum(weight.values()) // 1000, 4_500, [f"{room}: {n}" for room, n in weights.most_common()]
    )
    yield Figure("lines of code", sum(lines.values()))
    yield Figure("files", len(lines), 270)
    yield Figure("functions", functions, 6_800)
    large = [f"{folder}: {count} files" for folder, count in folders.most_common() if count > LARGEST_FOLDER]
    yield Figure(f"folders of more than {LARGEST_FOLDER} files", len(large), 1, large)
    # A table of data is as long as its data.
    long = {module: count for module, count in lines.items() if count > LONGEST_FILE and "_data" not in module}
    details = [f"{source.place(module, count)}" for module, count in long.items()]
    yield Figure(f"files of more than {LONGEST_FILE} lines", len(long), 0, details)
    tests = [path.read_text().count("\n") for path in (source.root / "tests").rglob("*.py")]
    yield Figure("lines of tests", sum(tests), 92_000)


def density(source: Source) -> Iterator[Figure]:
    """Mean length of a line in bytes, its end included, and the share of lines of over 100 columns."""
    every = [line for text in source.texts.values() for line in text.splitlines()]
    long = sum(len(line) > 100 for line in every)
    yield Figure(
        "bytes a line, mean, in tenths", round(sum(len(line.encode()) + 1 for line in every) * 10 / len(every)), 425
    )
    yield Figure("lines of over 100 columns, in thousandths", round(long * 1000 / len(every)), 90)


_DIALECT: Final = re.compile(r"(What|Whether|Whose?|Whom)\b|.*\b(said|told|asked|stands?)\b")


def docstrings(source: Source) -> Iterator[Figure]:
    """First lines of docstrings, of names too, that begin with What, Whether or Who, or speak in dialect."""
    found = []
    summaries = 0
    for module, tree in source.trees.items():
        for node in ast.walk(tree):
            for statement in getattr(node, "body", ()) if isinstance(getattr(node, "body", ()), list) else ():
                match statement:
                    case ast.Expr(value=ast.Constant(value=str(text))):
                        summaries += 1
                        if _DIALECT.match(summary := text.strip().partition("\n")[0]):
                            found.append(f"{source.place(module, statement.lineno)} {summary}")
    yield Figure("docstring summaries", summaries)
    yield Figure("summaries with What, Whether, Who, said, told, asked, stands", len(found), 250, found)


def class_names(source: Source) -> Iterator[Figure]:
    """Names that more than one class of the package has."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for module, tree in source.trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(source.place(module, node.lineno))
    shared = [f"{name}: {', '.join(where)}" for name, where in sorted(places.items()) if len(where) > 1]
    yield Figure("names of several classes", len(shared), 0, shared)


def importers(source: Source) -> Iterator[Figure]:
    """Modules that a single other module imports, by any kind of import."""
    known: defaultdict[str, set[str]] = defaultdict(set)
    for found in source.imports:
        if found.target in source.paths and found.target != found.importer:
            known[found.target].add(found.importer)
    single = {
        module: next(iter(by))
        for module, by in known.items()
        if len(by) == 1 and source.paths[module].name != "__init__.py"
    }
    lines = sum(source.texts[module].count("\n") for module in single)
    details = [f"{module} <- {by}" for module, by in sorted(single.items())]
    yield Figure("modules with exactly one importer", len(single), 40, [*details, f"{lines} lines in them"])


def function_imports(source: Source) -> Iterator[Figure]:
    """Import statements that run when a function is called; about 90 are the screen's, where a feature begins that the
    first frame does without."""
    places = {(found.importer, found.line): found for found in source.imports if found.in_function}
    details = [f"{source.place(module, line)} {found.target}" for (module, line), found in sorted(places.items())]
    yield Figure("imports inside functions", len(places), 122, details)


def noqa(source: Source) -> Iterator[Figure]:
    """Places that suppress a rule of the linter."""
    places: list[str] = []
    for module, text in source.texts.items():
        for line, content in enumerate(text.splitlines(), 1):
            if match := re.search(r"#\s*noqa:?\s*([A-Z0-9, ]*)", content):
                places.append(f"{source.place(module, line)} {match[1].strip()}")
    yield Figure("noqa", len(places), None, places)


def circles(source: Source) -> Iterator[Figure]:
    """Circular imports: at the top of modules, and with those inside functions and for types."""
    for name, wanted in (
        ("circular imports at the top of modules", [i for i in source.imports if not (i.in_function or i.for_types)]),
        ("circular imports, functions and types counted", source.imports),
    ):
        graph: dict[str, set[str]] = {module: set() for module in source.paths}
        for found in wanted:
            if found.target in graph and found.target != found.importer:
                graph[found.importer].add(found.target)
        yield Figure(name, len(found := circles_of(graph)), 0, [" <-> ".join(sorted(circle)) for circle in found])


def circles_of(graph: dict[str, set[str]]) -> list[set[str]]:
    """The groups of modules that reach each other."""
    reached = {start: _reach(graph, start) for start in graph}
    groups = {
        frozenset({start, *(other for other in reached[start] if start in reached[other])})
        for start in graph
        if start in reached[start]
    }
    return [set(group) for group in sorted(groups, key=sorted)]


def _reach(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for other in graph[waiting.pop()] - seen:
            seen.add(other)
            waiting.append(other)
    return seen


_BRANCHES: Final = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.Assert, ast.match_case)


def complexity(function: ast.AST) -> int:
    """McCabe's number with boolean operators and comprehensions, as radon counts it; ruff's C901 leaves both out."""
    count = 1
    for node in ast.walk(function):
        if isinstance(node, _BRANCHES):
            count += 1
        elif isinstance(node, ast.BoolOp):
            count += len(node.values) - 1
        elif isinstance(node, ast.comprehension):
            count += 1 + len(node.ifs)
    return count


def complex_functions(source: Source) -> Iterator[Figure]:
    """Functions that branch too often."""
    found = [
        (count, f"{source.place(module, node.lineno)} {node.name} ({count})")
        for module, tree in source.trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (count := complexity(node)) > HIGHEST_COMPLEXITY
    ]
    details = [place for _, place in sorted(found, reverse=True)]
    yield Figure(f"functions of complexity over {HIGHEST_COMPLEXITY}", len(found), 0, details)


def private_use(source: Source) -> Iterator[Figure]:
    """Private names of Textual and botocore that are imported, read, called or overridden, and what is assigned into
    their modules: modules for Textual, places for botocore."""
    own = {name for tree in source.trees.values() for name in _private_definitions(tree)}
    used: defaultdict[str, set[str]] = defaultdict(set)
    for module, name, _ in _private_uses(source, "textual", own, f"{PACKAGE}.tui"):
        used[module].add(name)
    for module, name in _private_overrides(source):
        used[module].add(name)
    details = [f"{module}: {', '.join(sorted(names))}" for module, names in sorted(used.items())]
    yield Figure("modules that use private names of Textual", len(used), 2, details)
    found = [f"{source.place(module, line)} {name}" for module, name, line in _private_uses(source, "botocore", own)]
    yield Figure("private uses of botocore, assignments into it", len(found), 0, found)


def _private_uses(source: Source, library: str, own: set[str], room: str = PACKAGE) -> Iterator[tuple[str, str, int]]:
    private = set()
    for path in Path(inspect.getfile(import_module(library))).parent.rglob("*.py"):
        private |= set(_private_definitions(ast.parse(path.read_text())))
    for module, tree in source.trees.items():
        if not module.startswith(room) or library not in source.texts[module]:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(library):
                names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
                yield from ((module, name, node.lineno) for name in names if _is_private(name))
            elif isinstance(node, ast.Attribute) and node.attr in private - own - {"_exit"}:  # os._exit
                yield module, node.attr, node.lineno
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                target = ast.unparse(node)
                yield from [(module, target, node.lineno)] if target.startswith(f"{library}.") else ()


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _private_definitions(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and _is_private(node.name):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_private(node.attr):
            yield node.attr
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and _is_private(node.id):
            yield node.id


def _classes(source: Source) -> Iterator[type]:
    for module in source.paths:
        if module.startswith(f"{PACKAGE}.tui"):
            for member in vars(import_module(module)).values():
                if inspect.isclass(member) and member.__module__ == module:
                    yield member


def _private_overrides(source: Source) -> Iterator[tuple[str, str]]:
    """Private methods of Textual's classes that a class of this project replaces."""
    for cls in _classes(source):
        theirs = [base for base in cls.__mro__ if base.__module__.startswith("textual.")]
        for name, member in vars(cls).items():
            if _is_private(name) and inspect.isfunction(member) and any(name in vars(base) for base in theirs):
                yield cls.__module__, name


def screens(source: Source) -> Iterator[Figure]:
    """Each screen with everything that it inherits from this project."""
    from textual.screen import Screen

    found: list[tuple[int, int, str]] = []
    for cls in _classes(source):
        if issubclass(cls, Screen):
            own = [base for base in cls.__mro__ if base.__module__.startswith(f"{PACKAGE}.")]
            lines = sum(len(inspect.getsourcelines(base)[0]) for base in own)
            methods = {name for base in own for name, member in vars(base).items() if inspect.isroutine(member)}
            found.append((lines, len(methods), f"{cls.__module__}.{cls.__name__} ({len(own)} classes)"))
    found.sort(reverse=True)
    details = [f"{name}: {lines} lines, {methods} methods" for lines, methods, name in found]
    yield Figure("lines of the longest screen, with what it inherits", found[0][0], LONGEST_SCREEN, details)
    yield Figure("methods of that screen", found[0][1])
    yield Figure(f"screens of more than {LONGEST_SCREEN} lines", sum(row[0] > LONGEST_SCREEN for row in found), 0)


def lifted(source: Source) -> Iterator[Figure]:
    """Imports inside functions whose target the module's other imports load anyway."""
    by_module: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for found in source.imports:
        if found.in_function:
            by_module[found.importer][found.line] = found.target

    def check(module: str) -> list[str]:
        code = f"import sys, {module}\nprint('\\n'.join(sys.modules))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=source.root)
        loaded = set(done.stdout.split())
        return [
            f"{source.place(module, line)} {target}" for line, target in by_module[module].items() if target in loaded
        ]

    with ThreadPoolExecutor(2) as pool:
        places = [place for found in pool.map(check, by_module) for place in found]
    yield Figure("imports inside functions that cost nothing at the top", len(places), 0, places)


def walked(_source: Source) -> Iterator[Figure]:
    """The files and functions that common jobs pass through, and climbs to a higher room; see `tools.trace_walk`."""
    # Only this row needs it, and with it the whole program.
    from tools.trace_walk import walks

    files = {"decision": 14, "can": 40, "who-can": 45, "a key in the question bar": 60}
    files |= {"opening the assume form": 29, "the assume form with its answer": 45, "Enter in the assume form": 24}
    functions = {"a key in the question bar": 500}
    climbs = {"can": 0, "who-can": 0, "a key in the question bar": 0}
    for name, calls in walks():
        by_file = Counter(f"{PACKAGE}/{file}" for file, _ in calls)
        details = [f"{file}: {count} functions" for file, count in by_file.most_common()]
        yield Figure(f"files passed through by: {name}", len(by_file), files.get(name), details)
        yield Figure(f"functions passed through by: {name}", len(calls), functions.get(name))
        details = [f"{caller} calls {called}: {count}" for (caller, called), count in calls.climbs.most_common()]
        yield Figure(f"climbs to a higher room: {name}", calls.climbs.total(), climbs.get(name), details)


ROWS: Final[dict[str, Callable[[Source], Iterator[Figure]]]] = {
    "size": size,
    "density": density,
    "docstrings": docstrings,
    "classes": class_names,
    "importers": importers,
    "function_imports": function_imports,
    "noqa": noqa,
    "circles": circles,
    "complexity": complex_functions,
    "private": private_use,
    "screens": screens,
    "walk": walked,
    "lifted": lifted,
}
_SLOW: Final = {"lifted"}
"""Rows that are measured only when they are named."""


def main(arguments: list[str] | None = None) -> int:
    """Print the rows asked for; the exit code says only whether they were measured."""
    parser = argparse.ArgumentParser(prog="python -m tools.measure", description="Measure the structure of iamtui.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--list", action="store_true", help="list what is behind each figure")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.rows if name not in ROWS]:
        parser.error(f"{unknown[0]} is not a row: expected {', '.join(ROWS)}")
    source = Source()
    _print_row("measure", "now", "at most")
    for name in given.rows or [row for row in ROWS if row not in _SLOW]:
        for figure in ROWS[name](source):
            _print_row(figure.name, str(figure.value), "" if figure.goal is None else str(figure.goal))
            if given.list:
                _print_all(figure.details)
    return 0


def _print_row(name: str, value: str, goal: str) -> None:
    print(f"{name:58}{value:>8}{goal:>9}", flush=True)


def _print_all(details: Iterable[str]) -> None:
    for detail in details:
        print(f"    {detail}")


if __name__ == "__main__":
    sys.exit(main())
