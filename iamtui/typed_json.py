"""Types that JSON is read into, made ready in one thread at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Final, TypeVar, cast

import msgspec

T = TypeVar("T")

_ONE_AT_A_TIME: Final = Lock()


def _prepared(form: type[T]) -> type[T]:
    with _ONE_AT_A_TIME:
        msgspec.json.Decoder(form)
    return form


prepared: Final = cast("Callable[[type[T]], type[T]]", cache(_prepared))
"""The type that is given, ready for `msgspec.json.decode`, `convert` and `Decoder` in any thread.

At its first use msgspec (0.22) keeps on a type what it finds out about it, and where another thread meets that half
made, the process ends with a segmentation fault.
"""
