"""What the command line is told of the screen, which it must not import."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from iamtui.credentials.session import Session
    from iamtui.workspace.opening import SourceChoice


class KeyBinding(NamedTuple):
    """One key of the screen: the id the config names it by, the keys, and what they do."""

    id: str
    keys: str
    description: str


class Screen(NamedTuple):
    """The other door.

    Args:
        open: runs the screen on a source (None: the user is asked) and returns its exit code.
        bindings: the keys that the config can change.
        pick: runs the screen on a source until the user picks a session for the format of this name; gives None when
            the user picks none, and raises Problem when the screen ends by an error.
    """

    open: Callable[[SourceChoice | None], int]
    bindings: Callable[[], Sequence[KeyBinding]]
    pick: Callable[[SourceChoice | None, str], Session | None]
