"""Every operation that opening an account calls, with every fault of a network: what is lost is said, and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from benchmarks.iam_pager import IamPager
from iamtui.account.model import REST_OF_ACCOUNT, Account, Known, Missing
from iamtui.aws.connection import Connection
from iamtui.engine.decision import Outcome
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.workspace.ask.questions import ask
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.fault_proxy import Answer, Call, Fault, FaultProxy, Reset, Stall, Truncate, error, json_error
from tests.support.large_account import arn, snapshot
from tests.support.live_account import load_live
from tests.support.slow import one_quick

HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><p>Welcome</p></body></html>"
OTHER_XML = b'<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name></ListBucketResult>'

FAULTS: dict[str, Fault] = {
    "{}": Answer(200, b"{}", "application/json"),
    "HTML": Answer(200, HTML, "text/html"),
    "HTML of a gateway": Answer(502, HTML, "text/html"),
    "HTML that refuses": Answer(403, HTML, "text/html"),
    "other XML": Answer(200, OTHER_XML),
    "nothing": Answer(200, b""),
    "cut": Truncate(90),
    "reset": Reset(),
    "throttled": error(400, "Throttling", "Rate exceeded"),
    "failed inside": error(500, "InternalFailure"),
    "denied": error(403, "AccessDenied"),
    "redirect": Answer(302, b"", headers={"Location": "https://login.example.com/"}),
}

FATAL: dict[str, Fault] = {
    "expired": error(403, "ExpiredToken", "The security token included in the request is expired"),
    "clock": error(403, "SignatureDoesNotMatch", "Signature not yet current: 20261128T040000Z is still later than"),
}

PARTS = {
    "GetCallerIdentity": "the caller's identity",
    "ListUsers": "last use of passwords",
    "ListRoles": "descriptions and longest sessions of roles",
    "ListAccountAliases": "the account alias",
    "ListInstanceProfiles": "instance profiles without a role",
    "ListSAMLProviders": "identity providers",
    "ListOpenIDConnectProviders": "identity providers",
    "DescribeOrganization": "organization: SCPs and RCPs",
}
WITH_THE_REST = ("documents of 1 customer managed policy", "1 group that users are in")
"""What the users that came name, and the rest would have told."""

DETAILS = "GetAccountAuthorizationDetails"


@pytest.fixture(scope="module")
def pager() -> Iterator[IamPager]:
    served = IamPager(snapshot(450, 10))
    yield served
    served.stop()


@pytest.fixture(scope="module")
def one_page() -> Iterator[IamPager]:
    served = IamPager(snapshot(9, 2))
    yield served
    served.stop()


@pytest.fixture
def proxy(pager: IamPager, pager_keys: None, quick_retries: None) -> Iterator[FaultProxy]:
    between = FaultProxy(pager)
    yield between
    between.stop()


@pytest.fixture
def small_proxy(one_page: IamPager, pager_keys: None, quick_retries: None) -> Iterator[FaultProxy]:
    between = FaultProxy(one_page)
    yield between
    between.stop()


def load(proxy: FaultProxy) -> Account:
    return load_live(Connection.open(profile=None, region=None, endpoint_url=proxy.url))


def gaps(account: Account) -> dict[str, str]:
    return {gap.what: gap.error for gap in account.gaps}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@one_quick("operation", [*PARTS])
def test_a_fault_costs_one_part(small_proxy: FaultProxy, operation: str, fault: Fault) -> None:
    small_proxy.on(operation, fault)
    try:
        account = load(small_proxy)
    except Problem:
        # Who is asking has to be known where no call comes through.
        assert operation == "GetCallerIdentity"
        assert isinstance(fault, Reset)
        return
    assert list(gaps(account)) == [PARTS[operation]]
    assert gaps(account)[PARTS[operation]]
    assert (len(account.users), len(account.roles)) == (9, 2)
    if operation == "DescribeOrganization":
        assert isinstance(account.organization, Missing)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@one_quick("page", [2, 3])
def test_a_fault_in_the_middle_costs_the_rest(proxy: FaultProxy, page: int, fault: Fault) -> None:
    proxy.rules.append(at_page(page, fault))
    account = load(proxy)
    assert gaps(account).pop(REST_OF_ACCOUNT)
    assert gaps(account).keys() <= {REST_OF_ACCOUNT, *WITH_THE_REST}
    assert len(account.users) == min(200 * (page - 1), 450)
    # The group and the policy come at the end.
    workspace = Workspace(account, SourceInfo(SourceKind.LIVE, "live"))
    decision = ask(workspace, resolve_principal(workspace, arn("user/u0")), Question("s3:GetObject", "*"))
    assert decision.outcome is Outcome.DEPENDS


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_at_the_first_page_is_one_sentence(small_proxy: FaultProxy, fault: Fault) -> None:
    small_proxy.on(DETAILS, fault)
    if fault == FAULTS["denied"]:
        assert len(load(small_proxy).users) == 9, "read one by one"
        return
    with pytest.raises(Problem) as raised:
        load(small_proxy)
    assert raised.value.sentence
    assert raised.value.next_step


@pytest.mark.parametrize("fault", FATAL.values(), ids=FATAL)
@one_quick("operation", [*(name for name in PARTS if name.endswith(("s", "y"))), DETAILS])
def test_what_ends_all_calls_keeps_what_came_and_is_said(proxy: FaultProxy, operation: str, fault: Fault) -> None:
    seen: list[str] = []

    def rule(call: Call) -> Fault | None:
        seen.append(call.operation)
        is_late = operation != DETAILS or "Marker" in call.parameters
        return fault if call.operation == operation and is_late else None

    proxy.rules.append(rule)
    if operation == "GetCallerIdentity":
        with pytest.raises(Problem, match=r"expired|clock"):
            load(proxy)
        return
    account = load(proxy)
    assert account.users
    said = [error for what, error in gaps(account).items() if what not in WITH_THE_REST]
    assert said
    assert all("expired" in error or "clock" in error for error in said)


def test_duplicate_pages_are_one(proxy: FaultProxy, pager: IamPager) -> None:
    """A proxy that gives the first page again for the second one's marker, with the marker that goes on."""
    first: list[Call] = []

    def rule(call: Call) -> Fault | None:
        if call.operation != DETAILS or "Marker" not in call.parameters or first:
            return None
        first.append(call)
        return Answer(200, pager._xml_answer({"Action": DETAILS, "MaxItems": call.parameters["MaxItems"]})[2])

    proxy.rules.append(rule)
    account = load(proxy)
    names = [user.name for user in account.users]
    assert len(names) == len(set(names)) == 200
    assert "the same page again" in gaps(account)[REST_OF_ACCOUNT]


def test_a_marker_that_comes_again_ends_the_listing_and_keeps_its_pages(proxy: FaultProxy, pager: IamPager) -> None:
    page = pager._xml_answer({"Action": DETAILS, "MaxItems": "200"})[2]
    proxy.on(DETAILS, Answer(200, page))
    account = load(proxy)
    assert len(account.users) == 200
    assert "the same page again" in gaps(account)[REST_OF_ACCOUNT]


def test_an_answer_that_stalls_is_given_up(proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iamtui.aws.http.READ_SECONDS", 0.3)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    proxy.rules.append(at_page(2, Stall()))
    account = load(proxy)
    assert len(account.users) == 200
    assert "did not answer" in gaps(account)[REST_OF_ACCOUNT]


def test_a_name_that_is_not_found_in_the_middle_costs_the_rest(
    proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server goes away, as it does where a network or its name service does."""
    proxy.rules.append(stopping(proxy, 2))
    account = load(proxy)
    assert len(account.users) == 200
    assert gaps(account)[REST_OF_ACCOUNT]
    assert isinstance(account.organization, Known | Missing)


def test_wrong_json_in_a_policy_makes_answers_depend_on_it(pager_keys: None) -> None:
    found = snapshot(1, 0)
    found["UserDetailList"][0]["UserPolicyList"][0]["PolicyDocument"] = '{"Statement": [{"Effect": "Allow"'
    served = IamPager(found)
    try:
        account = load_live(Connection.open(profile=None, region=None, endpoint_url=served.url))
    finally:
        served.stop()
    workspace = Workspace(account, SourceInfo(SourceKind.LIVE, "live"))
    decision = ask(workspace, resolve_principal(workspace, arn("user/u0")), Question("s3:GetObject", "*"))
    assert decision.outcome is Outcome.DEPENDS


@pytest.mark.parametrize("operation", ["DescribeOrganization"])
def test_an_organization_that_cannot_be_read_is_never_none(proxy: FaultProxy, operation: str) -> None:
    proxy.on(operation, json_error(400, "AccessDeniedException"))
    account = load(proxy)
    assert isinstance(account.organization, Missing)
    assert account.organization.permission == "organizations:DescribeOrganization"


def at_page(page: int, fault: Fault) -> Callable[[Call], Fault | None]:
    """A fault in place of a page of the listing and of all behind it."""
    markers: list[str] = []

    def rule(call: Call) -> Fault | None:
        if call.operation != DETAILS:
            return None
        marker = call.parameters.get("Marker", "")
        if marker not in markers:
            markers.append(marker)
        return fault if markers.index(marker) >= page - 1 else None

    return rule


def stopping(proxy: FaultProxy, page: int) -> Callable[[Call], Fault | None]:
    inner = at_page(page, Reset())

    def rule(call: Call) -> Fault | None:
        fault = inner(call)
        if fault is not None:
            proxy._server.socket.close()
        return fault

    return rule
