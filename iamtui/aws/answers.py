"""Answers of AWS: what is too much of one, and the shapes in which they are read."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar, cast

import msgspec

from iamtui.typed_json import prepared

T = TypeVar("T")


class AnswerTooLarge(Exception):
    """An endpoint answered with more bytes than the limit, which the text names."""


class AnswerTooSlow(Exception):
    """An endpoint did not come to the end of its answer in the time that the text names."""


class UnclearHost(Exception):
    """A URL that libraries read as one of different hosts, or with a user before the host; the text names it."""


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


# The limits of an HTTP answer.


LARGEST: Final = 16 * 1024 * 1024
"""Bytes of an answer. AWS's largest, pages of GetAccountAuthorizationDetails, have some 2 MB. moto sends an account at
AWS's default quotas as one page, of 14 MB."""
LONGEST: Final = 60.0

LARGEST_OBJECT: Final = 64 * 1024 * 1024
"""Bytes of an object of S3: a packed snapshot of an account at AWS's highest quotas has some 10 MB."""
LONGEST_OBJECT: Final = 120.0
