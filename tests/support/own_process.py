"""Tests that need a process of their own: of one that thousands of tests ran in, memory says little."""

from __future__ import annotations

import functools
import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

_CHILD = "IAMTUI_TEST_IN_OWN_PROCESS"


def in_own_process(test: Callable[..., Any], *, seconds: float = 170) -> Callable[..., Any]:
    """Run a test of a module by itself, in a new process with a pytest of its own; what it prints is printed."""
    if os.environ.get(_CHILD):
        return test

    @functools.wraps(test)
    def run() -> None:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        test_id = f"{inspect.getfile(test)}::{test.__name__}"
        options = ["-q", "-rP", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", ""]
        command = [sys.executable, "-m", "pytest", *options, test_id]
        environ[_CHILD] = "1"
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=seconds, check=False)
        print(done.stdout)
        assert done.returncode == 0, done.stdout + done.stderr

    # pytest looks at the signature for fixtures: those are the child's.
    del run.__wrapped__
    return run
