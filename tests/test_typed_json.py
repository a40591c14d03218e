"""Decoders by type: several threads may need a type for the first time at once."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import iamtui

_RACE = '''
import sys, types
from threading import Barrier, Thread
from iamtui.typed_json import {read}

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
        {read}({data}, module.Outer)
    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
'''
_DATA = {"x": [{"a": 1, "b": {"k": [1]}}], "y": {"a": 2}, "z": {"k": {"a": 1}}}


def test_threads_that_read_a_type_for_the_first_time_at_once_do_not_crash() -> None:
    for read, data in (("decode", repr(str(_DATA).replace("'", '"'))), ("convert", repr(_DATA))):
        ran = subprocess.run([sys.executable, "-c", _RACE.format(read=read, data=data)], check=False)
        assert ran.returncode == 0


def test_types_are_read_through_one_module() -> None:
    found = []
    root = Path(iamtui.__file__).parent
    for path in root.rglob("*.py"):
        if path.name == "typed_json.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            typed = isinstance(node, ast.Call) and (
                len(node.args) > 1 or any(one.arg == "type" for one in node.keywords)
            )
            if name in ("msgspec.convert", "msgspec.json.Decoder") or (name == "msgspec.json.decode" and typed):
                found.append(f"{path.relative_to(root)}:{node.lineno}")
    assert not found
