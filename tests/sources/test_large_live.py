"""Large accounts behind a server that pages as AWS does, and calls that fail at random."""

from __future__ import annotations

import random

import pytest

from benchmarks.iam_pager import IamPager
from iamtui.aws.connection import Connection
from tests.support.fault_proxy import Answer, Call, Fault, FaultProxy, Reset, Truncate, error
from tests.support.live_account import load_live
from tests.support.slow import one_quick


def connect(url: str) -> Connection:
    return Connection.open(profile=None, region=None, endpoint_url=url)


FAULTS: tuple[Fault, ...] = (
    error(400, "Throttling", "Rate exceeded"),
    error(503, "ServiceUnavailable"),
    error(500, "InternalFailure"),
    Answer(502, b"<html>Bad gateway</html>", "text/html"),
    Reset(),
    Truncate(200),
)


def test_pages_are_those_of_aws(large_account: IamPager, pager_keys: None) -> None:
    large_account.asked.clear()

    account = load_live(connect(large_account.url))

    assert (len(account.users), len(account.roles), len(account.policies)) == (5_000, 1_000, 1)
    assert large_account.asked.count("GetAccountAuthorizationDetails") == 31
    assert account.users[0].inline_policies[0].document.policy.statements[0].actions == ("s3:Get*",)
    assert account.users[0].tags == (("team", "a & b"),)
    assert account.gaps == ()


@pytest.mark.slow
@one_quick("attempts", ["", "8"])
def test_with_three_in_ten_calls_failing_everything_comes(
    large_proxy: FaultProxy, quick_retries: None, monkeypatch: pytest.MonkeyPatch, attempts: str
) -> None:
    if attempts:
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", attempts)
    drawn = random.Random(16)
    failed: list[Call] = []

    def rule(call: Call) -> Fault | None:
        if drawn.random() >= 0.3:
            return None
        failed.append(call)
        return drawn.choice(FAULTS)

    large_proxy.rules.append(rule)

    account = load_live(connect(large_proxy.url))

    assert (len(account.users), len(account.roles), len(account.policies)) == (5_000, 1_000, 1)
    assert account.gaps == ()
    assert 0.2 < len(failed) / len(large_proxy.calls) < 0.4


@pytest.mark.slow
def test_one_try_is_one_try(large_proxy: FaultProxy, quick_retries: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    large_proxy.on("ListAccountAliases", error(400, "Throttling"))

    account = load_live(connect(large_proxy.url))

    assert [gap.what for gap in account.gaps] == ["the account alias"]
    assert large_proxy.operations().count("ListAccountAliases") == 1


@pytest.mark.slow
def test_what_is_waited_for_is_told(large_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    large_proxy.on("GetAccountAuthorizationDetails", error(400, "Throttling"), times=4)
    monkeypatch.setattr("iamtui.aws.retries.pause", lambda stopped, _seconds: stopped.wait(0.3))
    told: list[str] = []

    load_live(connect(large_proxy.url), lambda _what, _done, waiting="": told.append(waiting))

    assert [words for words in dict.fromkeys(told) if words] == [
        f"waiting for AWS: throttled, try {number}" for number in (2, 3, 4, 5)
    ]
