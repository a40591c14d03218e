"""Decoders by type: several threads may need a type for the first time at once."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import iamtui

_RACE = '''
import sys, types
from threading import Barrier, Thread
import msgspec
from iamtui.typed_json import prepared

sys.setswitchinterval(1e-6)
FORMS = """
from __future__ import annotations
import msgspec
class Inner(msgspec.Struct):
    a: int = 0
    b: dict[str, list[int]] = {{}}
class Outer(msgspec.Struct):
    x: list[Inner] = []
    y: Inner | None = None
    z: dict[str, Inner] = {{}}
"""
for number in range(100):
    module = types.ModuleType(f"forms{{number}}")
    sys.modules[module.__name__] = module
    exec(FORMS, module.__dict__)
    barrier = Barrier(4)
    def run():
        barrier.wait()
        {read}
    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
'''
_DATA = {"x": [{"a": 1, "b": {"k": [1]}}], "y": {"a": 2}, "z": {"k": {"a": 1}}}


def test_threads_that_read_a_type_for_the_first_time_at_once_do_not_crash() -> None:
    for read in (
        f"msgspec.json.decode({json.dumps(_DATA)!r}, type=prepared(module.Outer))",
        f"msgspec.convert({_DATA}, prepared(module.Outer))",
    ):
        assert subprocess.run([sys.executable, "-c", _RACE.format(read=read)], check=False).returncode == 0


_READY: Final = ("prepared(", "str", "Raw", "msgspec.Raw", "dict[str, Raw]", "dict[str, Any]")
"""Beside what is prepared, the types of which msgspec keeps nothing."""


def test_every_type_is_prepared_before_it_is_read() -> None:
    root = Path(iamtui.__file__).parent
    found: Counter[bool] = Counter()
    for path in root.rglob("*.py"):
        source = path.read_text()
        if "msgspec." not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and path.name != "typed_json.py":
                named = {
                    "msgspec.convert": node.args[1:],
                    "msgspec.json.Decoder": node.args,
                    "msgspec.json.decode": [one.value for one in node.keywords if one.arg == "type"],
                }
                for form in named.get(ast.unparse(node.func), ()):
                    text = ast.unparse(form)
                    assert text.startswith(_READY[0]) or text in _READY, f"{path.relative_to(root)}:{node.lineno}"
                    found[text.startswith(_READY[0])] += 1
    assert found[True] > 20
