"""A generated organization of any number of accounts, as a store that `iamtui org` asks.

python -m benchmarks.organization FOLDER [ACCOUNTS] [TRUSTED]

Most accounts are small, one in twenty has a thousand principals. They trust each other as those of the generator do;
with TRUSTED, each is of middle size, and its roles that trust another account trust so many others.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import process_time
from typing import Final

from benchmarks import generator
from benchmarks.generator import SEED, THOUSAND, TINY, Size
from benchmarks.results import Plan as ResultPlan
from benchmarks.results import Result
from benchmarks.vocabulary import ACCOUNT, OTHER_ACCOUNTS
from iamtui.account.authorization_details import load_account
from iamtui.cli.organization_answers import Plan, ask_account
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.workspace.ask.saved_questions import SavedQuestion
from iamtui.workspace.organization.organization_store import StoreWriter, open_store
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace

ACCOUNTS: Final = 300
DAY: Final = "2026-11-24"
SIZES: Final = ((TINY, 60), (Size(20, 60, 6, 40), 25), (Size(60, 150, 12, 100), 10), (THOUSAND, 5))
"""What accounts have, and how many in a hundred are so."""
DENSE: Final = ((Size(20, 60, 6, 40), 1),)
_TRUSTED: Final = re.compile(rf'"AWS": "arn:aws:iam::({"|".join(OTHER_ACCOUNTS)}):root"')


def ids(count: int) -> list[str]:
    """The ids of the accounts: those that the generator's policies name come first."""
    rest = (f"{6_000_000_000 + 7_919 * number:012}" for number in range(count))
    return [one for one, _ in zip((ACCOUNT, *OTHER_ACCOUNTS, *rest), range(count), strict=False)]


def accounts(count: int, sizes: tuple[tuple[Size, int], ...] = SIZES, trusted: int = 1) -> Iterator[Workspace]:
    """The accounts one by one: each is kept by nobody.

    Args:
        trusted: how many other accounts a role trusts that trusts any.
    """
    random = Random(SEED)
    every = ids(count)
    for number, id_ in enumerate(every):
        (size,) = random.choices([size for size, _ in sizes], [weight for _, weight in sizes])
        data = generator.snapshot_bytes(size, SEED + number).decode()
        if trusted > 1:
            data = _TRUSTED.sub(lambda _: f'"AWS": {_roots(random.sample(every, min(trusted, count)))}', data)
        # Accounts that it names are other ones in each, so that the organization is not a star.
        for named in OTHER_ACCOUNTS:
            data = data.replace(named, f"#{random.choice(every)}#" if named != OTHER_ACCOUNTS[2] else f"#{named}#")
        data = data.replace(ACCOUNT, id_).replace("#", "")
        taken_at = datetime.fromisoformat(f"{DAY}T09:00:00").replace(tzinfo=UTC)
        yield Workspace(load_account(data.encode()), SourceInfo(SourceKind.SNAPSHOT, id_, taken_at=taken_at))


def _roots(ids: list[str]) -> str:
    return json.dumps([f"arn:aws:iam::#{id_}#:root" for id_ in ids])


def write(folder: Path, count: int = ACCOUNTS, sizes: tuple[tuple[Size, int], ...] = SIZES, trusted: int = 1) -> None:
    """Write the store."""
    writer = StoreWriter(str(folder))
    for workspace in accounts(count, sizes, trusted):
        writer.take(workspace)


_ASKED: Final = 60
"""Accounts of a store that is measured: one in five of those of a large organization."""


def run(plan: ResultPlan) -> Iterator[Result]:
    """How many accounts of a store a core asks in a second, by what is asked."""
    count, sizes = (4, ((TINY, 1),)) if plan.repeats == 1 else (_ASKED, SIZES)
    matrix = QuestionMatrix(("iam:CreateUser",), ("*",), Question("", "*"))
    asked = {
        "who-can": Plan(who_can=(SavedQuestion("q", "", matrix),)),
        "escalations": Plan(escalations=True),
        "audit": Plan(audit=True),
    }
    with TemporaryDirectory() as folder:
        write(Path(folder) / "org", count, sizes)
        store = open_store(f"{folder}/org")
        day = store.day()
        size = sum(len(store.pages(day.date, id_)) for id_ in day.ids) / count / 1024
        for name, questions in asked.items():
            began = process_time()
            for id_ in day.ids:
                ask_account(questions, day.date, (id_, store.pages(day.date, id_)))
            seconds = process_time() - began
            yield Result(f"org ask, {name}, accounts", count / seconds, "/s", note=f"{size:,.0f} kB an account")


if __name__ == "__main__":
    folder, *numbers = sys.argv[1:]
    given, among = (*map(int, numbers), *(ACCOUNTS, 1)[len(numbers) :])
    write(Path(folder), given, DENSE if among > 1 else SIZES, among)
