"""For every test: no AWS settings of the machine, no credentials, no proxy, no metadata service, nothing cached."""

from __future__ import annotations

import gc
import os
import signal
import weakref
from collections import deque
from collections.abc import Generator, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from iamtui import paths
from iamtui.aws.connection import Connection
from iamtui.aws.credential_process import DEPTH

pytest_plugins = [
    "tests.support.moto_server",
    "tests.support.fault_proxy",
    "tests.support.large_account",
    "tests.support.federation",
    "tests.support.connecting",
    "tests.support.mfa_profiles",
    "tests.support.permission_gate",
]

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")

# A busy machine is not a failure, and in CI the same code gives the same result.
settings.register_profile("iamtui", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("iamtui")

# Some cases are texts of megabytes.
_LONGEST_IN_A_NAME = 200

_TIMER = pytest.StashKey[Any]()

# Garbage is looked for once for every few tests: rounds through all that thousands of tests have loaded take a quarter
# of their time. Nearly all that a test leaves goes in the first round after it.
_COLLECTOR_ROUNDS = 100_000, 5, 5
_FULL_ROUNDS = pytest.StashKey[int]()

_used_connections = weakref.WeakSet[Connection]()


def pytest_configure() -> None:
    """A suite that runs in the background may ignore these signals: the programs that it starts do not."""
    # Collecting makes hundreds of thousands of objects, and no garbage: looking for some is a fifth of its time.
    gc.disable()
    for number in (signal.SIGHUP, signal.SIGINT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _nothing)


def _nothing(_number: int, _frame: object) -> None:
    """A handler in place of ignoring: unlike that, it is not inherited."""


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a case by the beginning of a long text: workers send all names, and each test its own with every report."""
    if isinstance(val, str | bytes) and len(val) > _LONGEST_IN_A_NAME:
        beginning = val[: _LONGEST_IN_A_NAME // 2]
        return f"{beginning.decode('latin-1') if isinstance(beginning, bytes) else beginning}... {len(val)}"
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with tests that have a limit of their own, so that no worker is alone with one at the end.

    Let --reruns run again only what drives a screen: elsewhere a failure that goes away is a failure still.
    """
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)
    if config.getoption("reruns", default=None):
        for item in items:
            if item.get_closest_marker("screen") is None:
                item.add_marker(pytest.mark.flaky(reruns=0))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave what collecting has made, which stays, out of the garbage collector's rounds."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR_ROUNDS)
    gc.enable()
    session.config.stash[_FULL_ROUNDS] = _full_rounds()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Leave out what has outlived a full round too, or each would take longer than the one before."""
    if _full_rounds() > item.config.stash[_FULL_ROUNDS]:
        gc.collect()
        gc.freeze()
        item.config.stash[_FULL_ROUNDS] = _full_rounds()
    gc.set_threshold(*_COLLECTOR_ROUNDS)
    for connection in [*_used_connections]:
        for client in [*connection._clients.values()]:
            client.close()
        _used_connections.discard(connection)


@pytest.fixture(scope="session", autouse=True)
def note_connections() -> Iterator[None]:
    """Note connections that are used. What an app of a test leaves is garbage that may be frozen, with its sockets: a
    worker that ran all such tests would have a thousand open."""
    made = Connection.client

    def noted(connection: Connection, service: str, region: str = "") -> Any:
        _used_connections.add(connection)
        return made(connection, service, region)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "client", noted)
        yield


def _full_rounds() -> int:
    return gc.get_stats()[2]["collections"]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Spare the end of the run, at which pytest looks for garbage five times, what there is after the first time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Send no keywords: a worker sends three reports for each test, and nobody asks them for their keywords."""
    data = yield
    if data is not None and "keywords" in data:
        data["keywords"] = {}
    return data


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> None:
    """Remember the limit: pytest-timeout sets it once a test, and a failure ends it."""
    item.stash[_TIMER] = settings


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Set the limit again when a test is run again."""
    if getattr(item, "execution_count", 1) > 1:
        item.ihook.pytest_timeout_set_timer(item=item, settings=item.stash[_TIMER])


# What a thread of an earlier test may still write is seen before its folder serves again.
_TESTS_BETWEEN = 32
_AWS_FILES = {"AWS_CONFIG_FILE": "config", "AWS_SHARED_CREDENTIALS_FILE": "credentials"}


class AwsFolders:
    """Folders with empty AWS files. One that a test left as it was serves a later one, too: few tests write there."""

    def __init__(self, parent: Path) -> None:
        # pytest looks through all of its own folders to make one more.
        self._paths = (parent / str(number) for number in count())
        self._made: deque[tuple[Path, list[tuple[str, int, int]]]] = deque()

    def take(self) -> Path:
        folder, empty = self._made.popleft() if len(self._made) == _TESTS_BETWEEN else self._make()
        if self._contents(folder) != empty:
            folder, empty = self._make()
        self._made.append((folder, empty))
        return folder

    def _make(self) -> tuple[Path, list[tuple[str, int, int]]]:
        folder = next(self._paths)
        folder.mkdir()
        for file in _AWS_FILES.values():
            (folder / file).touch()
        return folder, self._contents(folder)

    @staticmethod
    def _contents(folder: Path) -> list[tuple[str, int, int]]:
        try:
            with os.scandir(folder) as entries:
                found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
            files = sorted((name, status.st_size, status.st_mode) for name, status in found)
            return [("", 0, folder.stat().st_mode), *files]
        except OSError:
            return []


@pytest.fixture(scope="session")
def aws_folders(tmp_path_factory: pytest.TempPathFactory) -> AwsFolders:
    return AwsFolders(tmp_path_factory.mktemp("aws"))


@pytest.fixture(autouse=True)
def no_aws_settings(monkeypatch: pytest.MonkeyPatch, aws_folders: AwsFolders) -> Iterator[Path]:
    """Clear all AWS variables, point the AWS files at empty ones and cached accounts at none, and remember nothing of
    other runs; returns their folder."""
    for name in [*os.environ]:
        if name.startswith("AWS_") or name in _PROXIES:
            monkeypatch.delenv(name)
    folder = aws_folders.take()
    for variable, file in _AWS_FILES.items():
        monkeypatch.setenv(variable, str(folder / file))
    monkeypatch.setattr(paths, "accounts_folder", lambda: folder / "accounts")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    yield folder
    # A process that has asked a profile says so to those that it starts; the next test is another one.
    os.environ.pop(DEPTH, None)
