"""Leaves: parts of iamtui that can be cut off, and what the others have of them where they are there.

Proofs, recorded activity and the organization store are known to nobody but lists of names: this one, and those of the
commands. `tools/cut_leaf.py` lists the files of each.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, NamedTuple

from iamtui.problem import Problem


class LeafEntry(NamedTuple):
    """An attribute of a module of a leaf.

    Args:
        subject: what it is for, which is missing without the leaf.
    """

    module: str
    name: str
    subject: str

    def load(self) -> Any | None:
        """Import it; None where its leaf is not there."""
        return getattr(import_module(self.module), self.name) if is_there(self.module) else None

    def needed(self) -> Any:
        """As `load`.

        Raises:
            Problem: its leaf is not there.
        """
        found = self.load()
        if found is None:
            raise Problem(f"This iamtui has no {self.subject}.", "Install the whole of it.")
        return found


PROVE_DRAFT: Final = LeafEntry("iamtui.workspace.prove.draft_proofs", "prove_nothing_new", "proofs")
PROVE_SAVED: Final = LeafEntry("iamtui.workspace.prove.draft_proofs", "prove_saved", "proofs")
PROVE_NOT_PUBLIC: Final = LeafEntry("iamtui.workspace.prove.public_proofs", "prove_closed", "proofs")
RUN_SAVED_PROOF: Final = LeafEntry("iamtui.cli.prove", "run_saved_proof", "proofs")
PROOF_TO_JSON: Final = LeafEntry("iamtui.cli.prove", "proof_to_json", "proofs")
USE_ROWS: Final = LeafEntry("iamtui.cli.replay", "use_rows", "recorded activity")
USED_SECTION: Final = LeafEntry("iamtui.tui.explorer.used_section", "UsedSection", "recorded activity")
WRITE_STORE: Final = LeafEntry("iamtui.cli.org", "write_store", "organization store")


def is_there(module: str) -> bool:
    """True where a module exists; it is not imported for that, but the packages around it are."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
