"""Answers of AWS: what is too much of one, and the shapes in which they are read."""

from __future__ import annotations

import http.client
import io
import ssl
import time
from collections.abc import Hashable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Generic, TypeVar, cast

import msgspec

from iamtui.typed_json import prepared

T = TypeVar("T")


class AnswerTooLarge(Exception):
    """An endpoint answered with more bytes than the limit, which the text names."""


class AnswerTooSlow(Exception):
    """An endpoint did not come to the end of its answer in the time that the text names."""


MOST_PAGES: Final = 1_000
"""Pages of a listing. All of an account at AWS's highest quotas has some 200."""


def shaped(answer: Any, into: type[T]) -> T:
    """An answer as a type of msgspec.

    Raises:
        msgspec.ValidationError, TypeError: it has another shape.
    """
    plain = msgspec.to_builtins(answer, builtin_types=(bytes,))
    return msgspec.convert(plain, prepared(into))


class Part(msgspec.Struct, Generic[T]):
    """An answer of which one part is needed."""

    value: T


def only(key: str, form: type[T]) -> type[Part[T]]:
    """The shape of an answer of which the part of this name is needed, which must be there."""
    return cast("type[Part[T]]", _part(key, cast("Hashable", form)))


def list_of(key: str, form: type[T]) -> type[Part[list[T]]]:
    """The shape of a page of which the list of this name is needed, which must be there."""
    return cast("type[Part[list[T]]]", _part(key, list.__class_getitem__(form)))


@lru_cache(maxsize=256)
def _part(key: str, form: Hashable) -> type[Any]:
    return msgspec.defstruct("Part", [("value", form, msgspec.field(name=key))])


# HTTP answers held to a limit of bytes and seconds, and the certificates that servers are checked with.


class AnswerLimit:
    """Bytes and seconds of one HTTP answer, headers included, counted from when it is made.

    A read timeout starts anew with every byte: an endpoint that sends one now and then would be waited for without
    end.
    """

    def __init__(self, size: int, seconds: float) -> None:
        self.size = size
        self.seconds = seconds
        self._left = size
        self._deadline = time.monotonic() + seconds

    def check(self) -> None:
        """To be called before each read.

        Raises:
            AnswerTooSlow: the answer should have come to its end.
        """
        if time.monotonic() > self._deadline:
            raise AnswerTooSlow(f"{self.seconds:g} seconds")

    def count(self, size: int) -> None:
        """To be called with the bytes of each read.

        Raises:
            AnswerTooLarge: there are too many.
        """
        self._left -= size
        if self._left < 0:
            raise AnswerTooLarge(f"{self.size / 1024**2:g} MiB")


LARGEST: Final = 16 * 1024 * 1024
"""Bytes of an answer. AWS's largest, pages of GetAccountAuthorizationDetails, have some 2 MB. moto sends an account at
AWS's default quotas as one page, of 14 MB."""
LONGEST: Final = 60.0

LARGEST_OBJECT: Final = 64 * 1024 * 1024
"""Bytes of an object of S3: a packed snapshot of an account at AWS's highest quotas has some 10 MB."""
LONGEST_OBJECT: Final = 120.0


class LimitedReads(io.RawIOBase):
    """A socket's bytes, held to a limit. One waits for the read timeout at most."""

    def __init__(self, raw: io.RawIOBase, limit: AnswerLimit) -> None:
        super().__init__()
        self._raw = raw
        self._limit = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        """Read into a buffer, as far as the limit allows."""
        self._limit.check()
        read = self._raw.readinto(buffer)
        self._limit.count(read or 0)
        return read

    def close(self) -> None:
        """Close the socket's file too."""
        self._raw.close()
        super().close()


class LimitedResponse(http.client.HTTPResponse):
    """An answer held to a limit, also that of a proxy to CONNECT."""

    def __init__(self, limit: AnswerLimit | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        raw: Any = self.fp
        if limit is not None:
            # Nothing has been read of it yet.
            self.fp = io.BufferedReader(LimitedReads(raw.detach(), limit))


def tls_context(certificates: str) -> ssl.SSLContext:
    """TLS context that trusts the certificates of a file or folder; "" for the system's.

    Not ssl.create_default_context, nor urllib3's: they open the file of SSLKEYLOGFILE for the keys of all connections.

    Raises:
        OSError: they cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not certificates:
        context.load_default_certs()
    elif Path(certificates).is_dir():
        context.load_verify_locations(capath=certificates)
    else:
        context.load_verify_locations(cafile=certificates)
    return context
