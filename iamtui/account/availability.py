"""Known and Missing: every fact that a source can lack says whether it is there, and if not, why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """A fact the source gave. `Known(None)` means "asked, and there is none"."""

    value: T


@dataclass(frozen=True, slots=True)
class Missing:
    """A fact the source did not give; never to be read as "none".

    Args:
        reason: why, as a short phrase ("not in the snapshot", "access denied").
        permission: the IAM action that would let the source give it ("iam:ListRoles"), or empty.
    """

    reason: str
    permission: str = ""


Fact: TypeAlias = Known[T] | Missing


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing a whole source lacks, for the visible list of what was missing.

    Args:
        what: what is lacking ("documents of AWS managed policies", "organization").
        permission: the IAM action that would have given it, or empty.
        error: what the source or AWS said, or empty.
    """

    what: str
    permission: str = ""
    error: str = ""
