"""Every function of the screen that Textual calls: handlers, actions, watchers, drawing, and what workers run."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from textual.message_pump import MessagePump

import iamtui.tui

_PREFIXES = ("on_", "_on_", "action_", "watch_", "validate_", "compute_", "key_")
_DRAWING = ("compose", "render", "render_line", "check_action")


@dataclass(frozen=True)
class Function:
    """A method: its class, its name, and the function itself (without the decorator that makes a worker of it)."""

    owner: type
    name: str
    call: Callable[..., Any]

    def __str__(self) -> str:
        return f"{self.owner.__name__}.{self.name}"


def modules() -> Iterator[ModuleType]:
    """Every module of the tui room."""
    for found in pkgutil.walk_packages(iamtui.tui.__path__, "iamtui.tui."):
        yield importlib.import_module(found.name)


def handlers() -> list[Function]:
    """What Textual calls in the event loop."""
    return [
        Function(owner, name, inspect.unwrap(function))
        for owner, name, function in _methods()
        if issubclass(owner, MessagePump)
        and (name.startswith(_PREFIXES) or name in _DRAWING or hasattr(function, "_textual_on"))
    ]


def workers() -> list[Function]:
    """What threads run: methods that are decorated as workers, and those that are given to `run_worker`."""
    found = [
        Function(owner, name, inspect.unwrap(function)) for owner, name, function in _methods() if _is_work(function)
    ]
    given = {(owner, name) for owner, names in _given_to_run_worker() for name in names}
    return found + [Function(owner, name, function) for owner, name, function in _methods() if (owner, name) in given]


_AFTER_THEIR_OWNER = ("run_worker_in_thread", "in_thread", "get_in_thread")
_STARTS = ("run_worker", *_AFTER_THEIR_OWNER)


def worker_calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call of `run_worker` and every use of `work`, with where it is."""
    for module in modules():
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            calls = [node] if isinstance(node, ast.Call) and _called(node) == "run_worker" else []
            if isinstance(node, ast.FunctionDef):
                calls = [part for part in node.decorator_list if isinstance(part, ast.Call) and _called(part) == "work"]
            for call in calls:
                yield f"{module.__name__}:{call.lineno}", call


def _methods() -> Iterator[tuple[type, str, Callable[..., Any]]]:
    for module in modules():
        for owner in vars(module).values():
            if inspect.isclass(owner) and owner.__module__ == module.__name__:
                for name, function in vars(owner).items():
                    if inspect.isfunction(function):
                        yield owner, name, function


def _is_work(function: Callable[..., Any]) -> bool:
    return hasattr(function, "__wrapped__") and "textual/_work_decorator" in function.__code__.co_filename


def _given_to_run_worker() -> Iterator[tuple[type, set[str]]]:
    """The methods of a class that it names where it starts work in threads: `self._x`, or `partial(self._x, ...)`."""
    for module in modules():
        classes = {name: owner for name, owner in vars(module).items() if inspect.isclass(owner)}
        for node in ast.parse(inspect.getsource(module)).body:
            if not isinstance(node, ast.ClassDef) or node.name not in classes:
                continue
            starts = [f for f in ast.walk(node) if isinstance(f, ast.FunctionDef) and _starts_workers(f)]
            names = {
                part.attr
                for function in starts
                for call in ast.walk(function)
                if isinstance(call, ast.Call) and _called(call) in (*_STARTS, "partial")
                for part in call.args[:1] + call.args[1:2] * (_called(call) in _AFTER_THEIR_OWNER)
                if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "self"
            }
            yield classes[node.name], names


def _starts_workers(function: ast.FunctionDef) -> bool:
    return any(isinstance(node, ast.Call) and _called(node) in _STARTS for node in ast.walk(function))


def _called(call: ast.Call) -> str:
    function = call.func
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )
