"""`iamtui can ... --second-opinion`."""

from __future__ import annotations

import pytest

from tests.support.cli_runner import Cli
from tests.support.fault_proxy import FaultProxy, error
from tests.support.moto_server import MotoServer, allow, policy
from tests.support.simulator_answers import answer, result, specific

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
    assert found.out.startswith("[+] ALLOWED")
    assert "AWS's simulator: [x] DENIED explicit" in found.out
    assert "The answers differ." in found.out
    assert "No known limit explains the difference" in " ".join(found.out.split())
    assert "which is not AWS" in " ".join(found.out.split())


@pytest.mark.usefixtures("account")
def test_json_has_it_beside_the_decision(cli: Cli, fault_proxy: FaultProxy) -> None:
    fault_proxy.on("SimulatePrincipalPolicy", answer(result("allowed", "t", specifics=[specific("allowed", ON)])))

    found = cli(
        "can", "dora", "s3:GetObject", "--on", ON, "--second-opinion", "--json", "--endpoint-url", fault_proxy.url
    )

    assert found.json["decision"] == "allowed"
    assert found.json["second_opinion"]["decision"] == "allowed"
    assert found.json["second_opinion"]["agree"] is True


@pytest.mark.usefixtures("account", "quick_retries")
def test_a_refusal_is_an_error_and_prints_no_answer(cli: Cli, fault_proxy: FaultProxy) -> None:
    fault_proxy.on("SimulatePrincipalPolicy", error(403, "AccessDenied"))

    found = cli("can", "dora", "s3:GetObject", "--on", ON, "--second-opinion", "--endpoint-url", fault_proxy.url)

    found.failed_with("may not ask AWS's simulator", "iam:SimulatePrincipalPolicy")


def test_a_snapshot_has_no_simulator(cli: Cli, snapshot: str) -> None:
    found = cli("can", "role/web-server", "s3:GetObject", "--on", ON, "--second-opinion", "--snapshot", snapshot)

    found.failed_with("A snapshot is a file")


@pytest.mark.usefixtures("account")
def test_too_many_pairs_are_refused_before_aws_is_asked(cli: Cli, fault_proxy: FaultProxy) -> None:
    found = cli("can", "dora", "s3:Get*", "--on", "*", "--second-opinion", "--endpoint-url", fault_proxy.url)

    found.failed_with("at most 20 pairs")
    assert "SimulatePrincipalPolicy" not in fault_proxy.operations()
