"""Getting an account's policies ready in the background."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from iamtui.account.model import Account, Role, User
from iamtui.sources.demo import load_demo_account
from iamtui.tui import background as compiling
from iamtui.tui.background import compile_all, note_input, yield_to_user
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace


@pytest.fixture
def workspace() -> Workspace:
    account: Account = replace(load_demo_account())
    return Workspace(account, SourceInfo(SourceKind.DEMO, "demo"))


def documents(workspace: Workspace) -> Iterator[bool]:
    """Whether each inline policy was compiled."""
    entities: tuple[User | Role, ...] = (*workspace.account.users, *workspace.account.roles)
    for entity in entities:
        for inline in entity.inline_policies:
            yield bool(inline.document.compiled)


def test_everybodys_policies_are_compiled_once(workspace: Workspace) -> None:
    asked: list[bool] = []

    def cancelled() -> bool:
        asked.append(True)
        return False

    compile_all(workspace, cancelled)
    assert all(documents(workspace))
    assert len(asked) >= len(workspace.account.users) + len(workspace.account.roles)
    asked.clear()
    compile_all(workspace, cancelled)
    assert not asked


def test_it_stops_when_cancelled(workspace: Workspace) -> None:
    steps: list[int] = []

    def cancelled() -> bool:
        steps.append(1)
        return len(steps) == 3

    compile_all(workspace, cancelled)
    assert len(steps) == 3


def test_what_nobody_asked_for_stands_still_while_the_user_does_something(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    rests: list[float] = []

    def sleep(seconds: float) -> None:
        rests.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(compiling, "_touched_at", 0.0)  # set back afterwards
    monkeypatch.setattr(compiling, "monotonic", lambda: now[0])
    monkeypatch.setattr(compiling, "sleep", sleep)
    cancelled = yield_to_user(lambda: False)
    assert not cancelled()
    assert not rests
    note_input()
    assert not cancelled()
    assert sum(rests) >= 0.3
    rests.clear()
    assert not cancelled()
    assert not rests
    note_input()
    assert yield_to_user(lambda: True)()
    assert not rests
