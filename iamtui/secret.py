"""Secret: a text that nothing prints, copies or stores by accident."""

from __future__ import annotations

import hashlib
import hmac
import os
from contextlib import suppress
from typing import Final, NoReturn

from iamtui.problem import Problem

_MASK = "••••••••"

_HASH_KEY: Final = os.urandom(32)


class Secret:
    """Wraps a secret text so that only `reveal()` gives it out, and that can be wiped.

    str, format, repr, pickle, copy and JSON encoding never show it: the first three give a mask, the others
    raise TypeError. Equality is constant-time and only with another Secret; equal secrets hash alike, under a
    key of this process.

    The text is held in bytes that are overwritten by `wipe()`, and when the last reference goes. Python cannot
    overwrite a str: the one that it was made from and each that `reveal()` gives are freed as they are, and stay in
    free memory until something else is written there.
    """

    __slots__ = ("__bytes", "__wiped")

    def __init__(self, text: str) -> None:
        self.__bytes = bytearray(text, "utf-8", "surrogatepass")
        self.__wiped = False

    def __del__(self) -> None:
        # Also of one whose making failed, which has no bytes.
        with suppress(AttributeError):
            self.wipe()

    def wipe(self) -> None:
        """Overwrite the text, for all who hold this Secret: from now on `reveal()` refuses, and it counts as empty."""
        held = self.__bytes
        held[:] = bytes(len(held))
        self.__bytes = bytearray()
        self.__wiped = True

    def reveal(self) -> str:
        """Return the secret text, for the one place the user sent it to.

        Tracebacks may print local variables: pass the result on, do not keep it in one.
        """
        if self.__wiped:
            raise Problem("These credentials have been forgotten.", "Assume the role again.")
        return self.__bytes.decode("utf-8", "surrogatepass")

    def __str__(self) -> str:
        return _MASK

    def __format__(self, spec: str) -> str:
        return format(_MASK, spec)

    def __repr__(self) -> str:
        return "Secret(••••)"

    def __bool__(self) -> bool:
        return bool(self.__bytes)

    def __len__(self) -> int:
        return len(self.__bytes.decode("utf-8", "surrogatepass"))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__bytes, other.__bytes)

    def __hash__(self) -> int:
        return int.from_bytes(hashlib.blake2b(self.__bytes, key=_HASH_KEY, digest_size=8).digest())

    def __getstate__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied")
