"""Work over the accounts of a store on a Ray cluster of two nodes, one of which goes during a run."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from iamtui.problem import Problem
from iamtui.workspace.organization.organization_run import RayWorkers, over_accounts
from tests.support.external_tools import optional_module

IDS = [f"{number:012}" for number in range(60)]
GOES = 20
"""After how many accounts the second node goes."""


class Place(NamedTuple):
    """Where a task was done."""

    account: str
    node: str


def place(account: str) -> Place:
    ray: Any = __import__("ray")
    if account == IDS[7]:
        raise Problem("It is damaged.", "Fetch it.")
    return Place(account, ray.get_runtime_context().get_node_id())


def ends_its_worker(account: str) -> str:
    if account == IDS[9]:
        os._exit(9)
    return account


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    optional_module("ray")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((os.getcwd(), os.environ.get("PYTHONPATH", ""))))  # noqa: PTH109
    utils: Any = __import__("ray.cluster_utils", fromlist=["Cluster"])
    found = utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    yield found
    # A cluster ends only once nothing is connected to it.
    __import__("ray").shutdown()
    found.shutdown()


def wait_for_one_node() -> None:
    ray: Any = __import__("ray")
    while sum(node["Alive"] for node in ray.nodes()) > 1:
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_run_is_whole_and_nothing_comes_twice_when_a_node_goes(cluster: Any) -> None:
    second = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    workers = RayWorkers(cluster.address)
    assert workers.at_once == 2
    found = []
    for number, one in enumerate(over_accounts(IDS, lambda account: account, place, workers)):
        found.append(one)
        if number == GOES:
            cluster.remove_node(second, allow_graceful=False)
            wait_for_one_node()
    assert [one.account for one in found] == IDS
    assert [str(one.problem) for one in found if one.problem is not None] == ["It is damaged. Fetch it."]
    places = [one.found for one in found if one.found is not None]
    assert [one.account for one in places] == [id_ for id_ in IDS if id_ != IDS[7]]
    assert len({one.node for one in places[:GOES]}) == 2
    assert len({one.node for one in places[GOES + 8 :]}) == 1


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_account_that_ends_its_worker_is_given_up_and_no_other(
    cluster: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    found = [*over_accounts(IDS[:16], lambda account: account, ends_its_worker, RayWorkers(cluster.address))]
    assert [one.account for one in found if one.problem is not None] == [IDS[9]]
    assert "The worker that read account 000000000009 came to an end" in str(found[9].problem)
    # Ray tells of it when it comes to know, which may be later.
    ray_worker: Any = __import__("ray._private.worker", fromlist=["worker"])
    ray_worker.print_to_stdstream({"lines": ["died"], "pid": "raylet", "is_err": False}, ignore_prefix=False)
    assert capfd.readouterr().out == ""


def test_what_is_not_a_cluster_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(Problem, match="Ray is not installed"):
        RayWorkers("auto")
