"""What of a text can still be reached in this process: from every object, frame, thread and module."""

from __future__ import annotations

import base64
import gc
import io
import re
import sys
from collections import deque
from types import CellType, CodeType, FunctionType
from typing import Any

_LONGEST_SHOWN = 90


class Sought:
    """A secret that is looked for, held so that holding it is not what is found: backwards.

    Of a long one a stretch of letters and digits is enough, which no quoting changes; so is that stretch in base64,
    as terminals are sent what they copy.
    """

    def __init__(self, secret: str) -> None:
        # Tokens all begin alike.
        stretches = re.findall(r"[A-Za-z0-9]{8,}", secret[len(secret) // 4 :] if len(secret) > 100 else secret)
        self._backwards = max(stretches, key=len)[:60][::-1]

    def needles(self) -> list[str]:
        """New texts to look for."""
        plain = self._backwards[::-1]
        coded = (base64.b64encode(b"." * shift + plain.encode()).decode()[4:-4] for shift in range(3))
        return [plain, *coded]


def paths_to(*sought: Sought) -> list[str]:
    """Every text, bytes or buffer that holds one of the secrets, each with what refers to it; secrets are not shown."""
    texts = [needle for one in sought for needle in one.needles()]
    search = re.compile("|".join(map(re.escape, texts)))
    search_bytes = re.compile("|".join(map(re.escape, texts)).encode())
    # Garbage counts as well: nothing may wait for the collector. What was frozen is in no list of the collector's.
    gc.unfreeze()
    own: set[int] = {id(texts), id(sys._getframe())}
    own.update(map(id, (*texts, search, search_bytes, search.pattern, search_bytes.pattern, *sought)))
    found: list[str] = []
    came_from: dict[int, object] = {}
    waiting: deque[object] = deque((*gc.get_objects(), *sys._current_frames().values(), sys.modules))
    alive: list[object] = []
    own.update(map(id, (waiting, came_from, alive)))
    # Each is put in once: those that are looked at stay alive, so that no id is another's later.
    seen = {id(one) for one in waiting}
    while waiting:
        one = waiting.popleft()
        if id(one) in own:
            continue
        alive.append(one)
        if type(one) not in _HOLDS_NO_TEXT and _holds(one, search, search_bytes):
            found.append(_path(one, came_from))
        for other in gc.get_referents(one):
            if id(other) not in seen:
                seen.add(id(other))
                if isinstance(other, (str, bytes, bytearray)):
                    came_from[id(other)] = one
                waiting.append(other)
    # The patterns are kept by `re`, too; the rest is garbage, which the next walk is not to find.
    re.purge()
    for held in (texts, alive, came_from, waiting):
        held.clear()
    seen.clear()
    del search, search_bytes, one, other
    gc.collect()
    return found


_HOLDS_NO_TEXT = {dict, tuple, list, set, frozenset, FunctionType, CellType, CodeType, type, int, float, bool}
"""Nearly all that there is: what these hold is looked at by itself."""


def _holds(one: object, search: re.Pattern[str], search_bytes: re.Pattern[bytes]) -> bool:
    kind = type(one)
    if kind is str or isinstance(one, str):
        return search.search(one) is not None  # type: ignore[arg-type]
    if isinstance(one, (bytes, bytearray)):
        return search_bytes.search(one) is not None
    if isinstance(one, memoryview):
        return search_bytes.search(bytes(one)) is not None
    if isinstance(one, io.BytesIO) and not one.closed:
        return search_bytes.search(one.getbuffer()) is not None
    if isinstance(one, io.StringIO) and not one.closed:
        return search.search(one.getvalue()) is not None
    return False


def _path(one: object, came_from: dict[int, object]) -> str:
    """What refers to it, a few steps up."""
    steps = [type(one).__name__]
    holder: Any = came_from.get(id(one))
    for _ in range(5):
        if holder is None:
            break
        steps.append(_named(holder))
        above = [other for other in gc.get_referrers(holder) if other is not came_from and not _is_of_the_walk(other)]
        holder = above[0] if above else None
    return " < ".join(steps)


def _is_of_the_walk(other: object) -> bool:
    return type(other).__name__ in ("deque", "frame") or (isinstance(other, list) and len(other) > 100_000)


def _named(holder: object) -> str:
    if isinstance(holder, dict):
        return f"dict({', '.join(map(str, list(holder)[:4]))})"[:_LONGEST_SHOWN]
    wrapped = getattr(holder, "__wrapped__", None)
    if wrapped is not None:
        return f"cache of {wrapped.__module__}.{wrapped.__qualname__}"
    kind = type(holder)
    return f"{kind.__module__}.{kind.__qualname__}"
