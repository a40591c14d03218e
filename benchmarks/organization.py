"""A generated organization of any number of accounts, as a store that `iamtui org` asks.

python -m benchmarks.organization FOLDER [ACCOUNTS]

Most accounts are small, one in twenty has a thousand principals. They trust each other as those of the generator do.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

from benchmarks import generator
from benchmarks.generator import SEED, THOUSAND, TINY, Size
from benchmarks.vocabulary import ACCOUNT, OTHER_ACCOUNTS
from iamtui.account.authorization_details import load_account
from iamtui.workspace.organization_writer import StoreWriter
from iamtui.workspace.workspace import SourceInfo, SourceKind, Workspace

ACCOUNTS: Final = 300
DAY: Final = "2026-11-24"
SIZES: Final = ((TINY, 60), (Size(20, 60, 6, 40), 25), (Size(60, 150, 12, 100), 10), (THOUSAND, 5))
"""What accounts have, and how many in a hundred are so."""


def ids(count: int) -> list[str]:
    """The ids of the accounts: those that the generator's policies name come first."""
    rest = (f"{6_000_000_000 + 7_919 * number:012}" for number in range(count))
    return [one for one, _ in zip((ACCOUNT, *OTHER_ACCOUNTS, *rest), range(count), strict=False)]


def accounts(count: int, sizes: tuple[tuple[Size, int], ...] = SIZES) -> Iterator[Workspace]:
    """The accounts one by one: each is kept by nobody."""
    random = Random(SEED)
    every = ids(count)
    for number, id_ in enumerate(every):
        (size,) = random.choices([size for size, _ in sizes], [weight for _, weight in sizes])
        data = generator.snapshot_bytes(size, SEED + number).decode()
        # Accounts that it names are other ones in each, so that the organization is not a star.
        for named in OTHER_ACCOUNTS:
            data = data.replace(named, f"#{random.choice(every)}#" if named != OTHER_ACCOUNTS[2] else f"#{named}#")
        data = data.replace(ACCOUNT, id_).replace("#", "")
        taken_at = datetime.fromisoformat(f"{DAY}T09:00:00").replace(tzinfo=UTC)
        yield Workspace(load_account(data.encode()), SourceInfo(SourceKind.SNAPSHOT, id_, taken_at=taken_at))


def write(folder: Path, count: int = ACCOUNTS, sizes: tuple[tuple[Size, int], ...] = SIZES) -> None:
    """Write the store."""
    writer = StoreWriter(str(folder))
    for workspace in accounts(count, sizes):
        writer.take(workspace)


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else ACCOUNTS)
