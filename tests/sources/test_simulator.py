"""AWS's simulator, answered by a canned endpoint: moto has no SimulatePrincipalPolicy."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from iamtui.aws.connection import Connection
from iamtui.problem import Problem
from iamtui.sources.simulator import ContextEntry, SimulatedResult, Simulation, simulate
from tests.support.fault_proxy import FaultProxy, error
from tests.support.moto_server import MotoServer
from tests.support.simulator_answers import ALICE, answer, result, specific

ASKED = Simulation(ALICE, "s3:GetObject", ("arn:aws:s3:::data-lake/x",))


def test_what_is_sent_has_the_names_of_the_api() -> None:
    simulation = Simulation(
        ALICE,
        "s3:GetObject",
        ("arn:aws:s3:::data-lake/x",),
        (ContextEntry("aws:SourceIp", ("203.0.113.9",), "ip"),),
        caller_arn=ALICE,
        resource_policy="{}",
        resource_owner="999999999999",
    )
    client: Any = boto3.client(
        "iam", region_name="us-east-1", aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="x"
    )
    with Stubber(client) as stub:
        stub.add_response(
            "simulate_principal_policy",
            {"EvaluationResults": [{"EvalActionName": "s3:GetObject", "EvalDecision": "allowed"}]},
            {
                "PolicySourceArn": ALICE,
                "ActionNames": ["s3:GetObject"],
                "ResourceArns": ["arn:aws:s3:::data-lake/x"],
                "ContextEntries": [
                    {
                        "ContextKeyName": "aws:SourceIp",
                        "ContextKeyValues": ["203.0.113.9"],
                        "ContextKeyType": "ip",
                    }
                ],
                "CallerArn": ALICE,
                "ResourcePolicy": "{}",
                "ResourceOwner": "999999999999",
            },
        )
        client.simulate_principal_policy(**simulation.parameters())


def test_optional_parameters_that_say_nothing_are_left_out() -> None:
    assert Simulation(ALICE, "s3:ListAllMyBuckets").parameters() == {
        "PolicySourceArn": ALICE,
        "ActionNames": ["s3:ListAllMyBuckets"],
        "ResourceArns": ["*"],
    }


@pytest.fixture
def connection(fault_proxy: FaultProxy, quick_retries: None) -> Connection:
    return Connection.open(profile=None, region="us-east-1", endpoint_url=fault_proxy.url)


def test_the_answer_for_each_resource_counts_before_the_one_for_the_action(
    fault_proxy: FaultProxy, connection: Connection
) -> None:
    fault_proxy.on(
        "SimulatePrincipalPolicy",
        answer(
            result(
                "implicitDeny",
                "arn:${Partition}:s3:::${BucketName}/${KeyName}",
                specifics=[
                    specific("allowed", "arn:aws:s3:::data-lake/x", statements=[("ReadLake", "IAM Policy", 3, 9)]),
                    specific("explicitDeny", "arn:aws:s3:::data-lake/y", missing=["aws:SourceIp"]),
                ],
                organizations=True,
                boundary=False,
            )
        ),
    )

    one, two = simulate(connection, ASKED)

    assert (one.resource, one.decision) == ("arn:aws:s3:::data-lake/x", "allowed")
    assert [(s.policy, s.policy_type, s.lines) for s in one.matched] == [("ReadLake", "IAM Policy", (3, 9))]
    assert one.allowed_by_organizations is True
    assert one.allowed_by_boundary is False
    assert (two.decision, two.missing_context) == ("explicitDeny", ("aws:SourceIp",))


def test_an_older_answer_without_resources_is_read_at_the_top(fault_proxy: FaultProxy, connection: Connection) -> None:
    fault_proxy.on("SimulatePrincipalPolicy", answer(result("implicitDeny", "*", missing=["aws:SourceIp"])))

    assert simulate(connection, ASKED) == (
        SimulatedResult("s3:GetObject", "*", "implicitDeny", missing_context=("aws:SourceIp",)),
    )


def test_every_page_is_read(fault_proxy: FaultProxy, connection: Connection) -> None:
    def pages(call: Any) -> Any:
        if call.operation != "SimulatePrincipalPolicy":
            return None
        if call.parameters.get("Marker") == "next":
            return answer(result("explicitDeny", "b"))
        return answer(result("allowed", "a"), marker="next")

    fault_proxy.rules.append(pages)

    assert [found.resource for found in simulate(connection, ASKED)] == ["a", "b"]


def test_a_marker_that_comes_back_is_refused(fault_proxy: FaultProxy, connection: Connection) -> None:
    fault_proxy.on("SimulatePrincipalPolicy", answer(result("allowed", "a"), marker="same"))

    with pytest.raises(Problem, match="goes on, but not where"):
        simulate(connection, ASKED)


def test_nothing_is_asked_once_it_is_cancelled(fault_proxy: FaultProxy, connection: Connection) -> None:
    assert simulate(connection, ASKED, lambda: True) == ()
    assert fault_proxy.calls == []


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (400, "InvalidInput", "refused the question as malformed: Invalid Action"),
        (500, "PolicyEvaluation", "could not evaluate a policy of this principal: Invalid Action"),
        (404, "NoSuchEntity", "does not know this principal"),
        (403, "AccessDenied", "may not ask AWS's simulator about " + ALICE),
        (400, "Throttling", "too many calls"),
        (501, "NotImplemented", "does not offer iam:SimulatePrincipalPolicy"),
    ],
)
def test_an_error_is_a_sentence_with_a_next_step(
    fault_proxy: FaultProxy, connection: Connection, status: int, code: str, words: str
) -> None:
    fault_proxy.on("SimulatePrincipalPolicy", error(status, code, "Invalid Action"))

    with pytest.raises(Problem) as raised:
        simulate(connection, ASKED)

    assert words in raised.value.sentence
    assert raised.value.next_step


def test_moto_has_no_simulator_and_that_is_said(moto: MotoServer) -> None:
    connection = Connection.open(profile=None, region="us-east-1", endpoint_url=moto.url)

    with pytest.raises(Problem) as raised:
        simulate(connection, ASKED)

    assert "SimulatePrincipalPolicy" in str(raised.value)


def test_an_answer_without_a_decision_is_refused(fault_proxy: FaultProxy, connection: Connection) -> None:
    fault_proxy.on("SimulatePrincipalPolicy", answer())

    with pytest.raises(Problem, match="without a decision"):
        simulate(connection, ASKED)
