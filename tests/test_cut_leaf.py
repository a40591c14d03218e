"""Leaves can be cut off: the rest is imported, prints its help and opens its screens without them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from iamtui import leaves
from tools.cut_leaf import LEAVES, ROOT

ENTRIES = [one for one in vars(leaves).values() if isinstance(one, leaves.LeafEntry)]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_what_is_had_by_name_is_there_and_belongs_to_a_leaf(entry: leaves.LeafEntry) -> None:
    assert callable(entry.load())
    file = f"{entry.module.replace('.', '/')}.py"
    assert any(file == one or file.startswith(f"{one}/") for leaf in LEAVES.values() for one in leaf.code)


def test_a_leaf_that_is_not_there_is_named() -> None:
    gone = leaves.LeafEntry("iamtui.gone.module", "run", "proofs")
    assert gone.load() is None
    with pytest.raises(leaves.Problem, match=r"This iamtui has no proofs\."):
        gone.needed()


@pytest.mark.slow
@pytest.mark.parametrize("leaf", LEAVES)
def test_the_rest_stands_without_a_leaf(leaf: str) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "tools.cut_leaf", leaf, "--only", "import"],
        check=False, cwd=ROOT, capture_output=True, text=True, timeout=170,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout[-4_000:] + made.stderr[-4_000:]
