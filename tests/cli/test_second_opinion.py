"""`iamtui can ... --second-opinion`."""

from __future__ import annotations

import pytest

from tests.support import wording
from tests.support.cli_runner import Cli
from tests.support.fault_proxy import Answer, FaultProxy, error
from tests.support.moto_server import MotoServer, allow, policy
from tests.support.simulator_answers import answer, result, specific
from tests.support.slow import one_quick

ON = "arn:aws:s3:::reports/x"


@pytest.fixture
def account(moto: MotoServer) -> MotoServer:
    """A user who may read."""
    iam = moto.client("iam")
    iam.create_user(UserName="dora")
    iam.put_user_policy(UserName="dora", PolicyName="read", PolicyDocument=policy(allow("s3:*")))
    moto.client("s3").create_bucket(Bucket="reports")
    return moto


@pytest.mark.usefixtures("account")
def test_both_answers_are_printed_and_ours_is_the_exit_code(cli: Cli, fault_proxy: FaultProxy) -> None:
    fault_proxy.on(
        "SimulatePrincipalPolicy", answer(result("explicitDeny", "t", specifics=[specific("explicitDeny", ON)]))
    )

    found = cli("can", "dora", "s3:GetObject", "--on", ON, "--second-opinion", "--endpoint-url", fault_proxy.url)

    assert found.code == 0
    assert found.out.startswith(wording.ALLOWED)
    assert f"AWS's simulator: {wording.EXPLICIT_DENY}" in found.out
    assert "The answers differ." in found.out
    assert "No known limit explains the difference" in " ".join(found.out.split())
    assert "which is not AWS" in " ".join(found.out.split())


@pytest.mark.usefixtures("account")
def test_json_has_it_beside_the_decision(cli: Cli, fault_proxy: FaultProxy) -> None:
    fault_proxy.on("SimulatePrincipalPolicy", answer(result("allowed", "t", specifics=[specific("allowed", ON)])))

    found = cli(
        "can", "dora", "s3:GetObject", "--on", ON, "--second-opinion", "-o", "jsonl", "--endpoint-url", fault_proxy.url
    )

    assert found.json["decision"] == "allowed"
    assert found.json["second_opinion"]["decision"] == "allowed"
    assert found.json["second_opinion"]["agree"] is True


@pytest.mark.usefixtures("account", "quick_retries")
@one_quick("expect", [(), ("--expect", "allowed"), ("--expect", "denied")])
@one_quick(("status", "code", "says"), [(403, "AccessDenied", "may not ask"), (400, "Throttling", "")])
def test_our_answer_stands_where_aws_refuses_its_own_but_is_no_success(
    cli: Cli, fault_proxy: FaultProxy, status: int, code: str, says: str, expect: tuple[str, ...]
) -> None:
    fault_proxy.on("SimulatePrincipalPolicy", error(status, code))

    found = cli(
        "can", "dora", "s3:GetObject", "--on", ON, "--second-opinion", "--endpoint-url", fault_proxy.url, *expect
    )

    assert found.code == 2
    assert found.out.startswith(wording.ALLOWED)
    assert "AWS's simulator: [?] no opinion" in found.out
    assert "Traceback" not in found.err
    last = found.err.splitlines()[-1]
    assert last.startswith("iamtui: AWS's simulator gave no answer; this one is iamtui's alone. ")
    assert says in last


@pytest.mark.usefixtures("account", "quick_retries")
@one_quick(
    ("of_one", "calls", "says"),
    [
        (error(400, "InvalidInput"), 1, "malformed"),
        (error(400, "PolicyEvaluation"), 1, "could not evaluate a policy"),
        (answer(), 1, "without a decision"),
        (answer(result("allowed"), marker="again"), 2, "goes on, but not where"),
    ],
)
def test_one_pair_without_an_answer_leaves_the_others_and_after_a_refusal_of_all_no_more_are_asked(
    cli: Cli, fault_proxy: FaultProxy, of_one: Answer, calls: int, says: str
) -> None:
    said = answer(result("allowed", "t", specifics=[specific("allowed", ON)]))
    asked = (
        "can",
        "dora",
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "--on",
        ON,
        "--second-opinion",
        "--json",
    )
    for fault, times in ((of_one, calls), (said, 2), (error(403, "AccessDenied"), None)):
        fault_proxy.on("SimulatePrincipalPolicy", fault, times=times)

    found = cli(*asked, "--endpoint-url", fault_proxy.url)

    assert found.code == 2
    first, *others = (cell["second_opinion"] for cell in found.json)
    assert says in first["error"]
    assert [opinion["agree"] for opinion in others] == [True, True]
    assert "gave no answer on 1 of 3 pairs" in found.err

    before = fault_proxy.operations().count("SimulatePrincipalPolicy")

    found = cli(*asked, "--endpoint-url", fault_proxy.url)

    assert ["error" in cell["second_opinion"] for cell in found.json] == [True, True, True]
    assert fault_proxy.operations().count("SimulatePrincipalPolicy") == before + 1
    assert found.err.count("gave no answer on 3 of 3 pairs") == 1


def test_a_snapshot_has_no_simulator(cli: Cli, snapshot: str) -> None:
    found = cli("can", "role/web-server", "s3:GetObject", "--on", ON, "--second-opinion", "--snapshot", snapshot)

    found.failed_with("A snapshot is a file")


@pytest.mark.usefixtures("account")
def test_too_many_pairs_are_refused_before_aws_is_asked(cli: Cli, fault_proxy: FaultProxy) -> None:
    found = cli("can", "dora", "s3:Get*", "--on", "*", "--second-opinion", "--endpoint-url", fault_proxy.url)

    found.failed_with("at most 20 pairs")
    assert "SimulatePrincipalPolicy" not in fault_proxy.operations()
