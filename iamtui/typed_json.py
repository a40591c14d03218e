"""JSON read into records: decoders by type, which several threads may ask for at once."""

from __future__ import annotations

from threading import Lock
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")

_ONE_AT_A_TIME: Final = Lock()
_DECODERS: Final[dict[Any, msgspec.json.Decoder[Any]]] = {}


def decoder(form: type[T]) -> msgspec.json.Decoder[T]:
    """The decoder of a type, made once.

    msgspec (0.22) keeps what it finds out about a type on the type itself, and crashes the process where another thread
    meets that half made.
    """
    found = _DECODERS.get(form)
    if found is None:
        with _ONE_AT_A_TIME:
            found = _DECODERS.get(form) or _DECODERS.setdefault(form, msgspec.json.Decoder(form))
    return found


def decode(data: bytes | str | memoryview | msgspec.Raw, form: type[T]) -> T:
    """Read JSON into a type.

    Raises:
        msgspec.DecodeError: it is not JSON, or not of the type.
    """
    return decoder(form).decode(data)


def convert(value: Any, form: type[T]) -> T:
    """Make a type of what JSON was read into.

    Raises:
        msgspec.ValidationError: it is not of the type.
    """
    decoder(form)
    return msgspec.convert(value, form)
