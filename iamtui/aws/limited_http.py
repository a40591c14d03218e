"""HTTP answers held to a limit of bytes and seconds, and the certificates that servers are checked with."""

from __future__ import annotations

import http.client
import io
import ssl
import time
from pathlib import Path
from typing import Any, Final

from iamtui.aws.answers import AnswerTooLarge, AnswerTooSlow


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
