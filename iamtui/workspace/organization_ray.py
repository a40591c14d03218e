"""Workers of a Ray cluster: the same tasks in actors, which keep the accounts they have compiled for the next question.

Ray places them, starts them again where a node goes, and tries their tasks again; nothing here schedules.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any, Final, TypeVar

from iamtui import __version__
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.workspace.organization_run import Failed, attempt
from iamtui.workspace.organization_store import keep_accounts

D = TypeVar("D")
T = TypeVar("T")

_MOST_ACTORS: Final = 1_000
_TRIES: Final = 3
"""How often a task is done again whose node went."""


class RayWorkers:
    """Actors of a cluster, as many as are wanted, or one for each of its processors.

    Args:
        address: of the cluster; "auto" is the one of this machine, and "local" starts one for this run.

    Raises:
        Problem: Ray is not installed, the cluster cannot be reached, or has another iamtui.
    """

    def __init__(self, address: str, wanted: int | None = None) -> None:
        # Ray would tell its makers about the cluster that it starts.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            ray: Any = importlib.import_module("ray")  # an extra, and a second of the start
        except ImportError:
            raise Problem("Ray is not installed.", 'pip install "iamtui[ray]"') from None
        self._ray = ray
        try:
            ray.init(address, namespace="iamtui", log_to_driver=False, logging_level=logging.CRITICAL)
        except Exception as error:  # noqa: BLE001 - Ray raises anything
            raise Problem(
                f"The Ray cluster {safe_text(address)} cannot be reached: {safe_text(error, limit=300)}.",
                "Start one with `ray start --head`, and give its address, or auto.",
            ) from None
        try:
            self.at_once = min(wanted or max(1, int(ray.cluster_resources().get("CPU", 1))), _MOST_ACTORS)
            kind = ray.remote(max_restarts=-1, max_task_retries=_TRIES, scheduling_strategy="SPREAD")(_Actor)
            self._actors: list[Any] = [kind.remote() for _ in range(self.at_once)]
            found = {*ray.get([actor.version.remote() for actor in self._actors])}
        except Exception as error:  # noqa: BLE001 - as above
            ray.shutdown()
            raise Problem(
                f"iamtui cannot be started on the Ray cluster: {safe_text(error, limit=300)}.",
                f"Install iamtui {__version__} on each of its nodes.",
            ) from None
        if found != {__version__}:
            ray.shutdown()
            raise Problem(
                f"The Ray cluster has iamtui {', '.join(sorted(found))}, and this is {__version__}.",
                "Install the same version everywhere.",
            )
        self._places = count()

    def submit(self, task: Callable[[D], T], data: D, account: str) -> Callable[[], T | Failed]:
        """Give it to the actor that has the account, or takes the next one."""
        # The same account goes to the same actor, where it may be compiled already.
        place = int(account[:12]) if account[:12].isdigit() else next(self._places)
        actor = self._actors[place % len(self._actors)]
        return partial(self._result, actor.do.remote(task, data), task, data, account)

    def _result(self, reference: Any, task: Callable[[D], T], data: D, account: str) -> T | Failed:
        try:
            found: T | Failed = self._ray.get(reference)
            return found
        except self._ray.exceptions.RayError:
            return self._alone(task, data, account)

    def _alone(self, task: Callable[[D], T], data: D, account: str) -> T | Failed:
        """Do it in an actor of its own: it may not be the account that ends them."""
        actor = self._ray.remote(max_restarts=0)(_Actor).remote()
        try:
            found: T | Failed = self._ray.get(actor.do.remote(task, data))
            return found
        except self._ray.exceptions.RayError as error:
            raise Problem(
                f"The worker that read account {account} came to an end: {type(error).__name__}.",
                "Do the nodes have enough memory?",
            ) from None
        finally:
            self._ray.kill(actor)

    def close(self) -> None:
        """End the actors and leave the cluster."""
        self._ray.shutdown()


class _Actor:
    """Does tasks in a process of the cluster."""

    def __init__(self) -> None:
        keep_accounts()

    def version(self) -> str:
        return __version__

    def do(self, task: Callable[[D], T], data: D) -> T | Failed:
        return attempt(task, data)
