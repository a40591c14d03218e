"""A gate in a proxy in front of moto that denies what a policy does not allow, as AWS says it in each protocol."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from iamtui.account.model import Account
from iamtui.aws.operations import READ, iam_action
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.aws_errors import aws_error
from tests.support.canned_aws import GOOD
from tests.support.company import Company
from tests.support.fault_proxy import Answer, Call, FaultProxy
from tests.support.moto_server import ACCOUNT, MotoServer, allow, policy, trust
from tests.support.sign_in_people import add_role

CALLER = "arn:aws:iam::123456789012:user/reader"
FREE = ("sts", "GetCallerIdentity")
"""What needs no permission."""


class PermissionGate:
    """A rule of a proxy.

    Args:
        allowed: the IAM actions that the caller may use; None: all.
        denied: those that it may not use all the same.
        canned: the operations that are answered here, because moto has none or other answers.
    """

    def __init__(
        self,
        proxy: FaultProxy,
        allowed: Collection[str] | None = None,
        denied: Collection[str] = (),
        canned: Collection[tuple[str, str]] = (),
    ) -> None:
        self.used: set[str] = set()
        self.refused: set[str] = set()
        self._allowed = allowed
        self._denied = denied
        self._canned = canned
        proxy.rules.append(self._answer)

    def _answer(self, call: Call) -> Answer | None:
        pair = operation_of(call)
        action = iam_action(*pair)
        may = (self._allowed is None or action in self._allowed) and action not in self._denied
        if pair != FREE:
            (self.used if may else self.refused).add(action)
        protocol = READ[pair].protocol
        if not may and pair != FREE:
            return _denial(protocol, action)
        if pair not in self._canned:
            return None
        return Answer(200, GOOD[pair], "application/json" if "json" in protocol else "text/xml")


def _denial(protocol: str, action: str) -> Answer:
    code = "AccessDeniedException" if "json" in protocol else "AccessDenied"
    message = (
        f"User: {CALLER} is not authorized to perform: {action} on resource: * "
        f"because no identity-based policy allows the {action} action"
    )
    # Services that speak JSON over POST say it with 400, all others with 403.
    error = aws_error(protocol, 400 if protocol == "json" else 403, code, message)
    headers = dict(error.headers)
    return Answer(error.status, error.body, headers.pop("Content-Type"), headers)


def operation_of(call: Call) -> tuple[str, str]:
    """The operation that a call is, among those that iamtui reads with."""
    for pair, request in READ.items():
        if iam_action(*pair).partition(":")[0] != call.service:
            continue
        if request.protocol in ("query", "json"):
            if call.operation == pair[1]:
                return pair
        elif call.method == request.method and not call.operation and _is_at(request.uri, call.path):
            return pair
    raise AssertionError(f"{call.method} {call.path} ({call.service} {call.operation}) is not a read of the list")


def _is_at(uri: str, path: str) -> bool:
    """Whether a path is one of a template of the service model, with all of the template's query."""
    template, _, wanted = uri.partition("?")
    place, _, query = path.partition("?")
    pattern = re.sub(r"\\\{[^}]*\}", lambda name: ".+" if "+" in name[0] else "[^/]+", re.escape(template))
    given = {*query.split("&"), *(one.partition("=")[0] for one in query.split("&"))}
    return re.fullmatch(pattern, place) is not None and (not wanted or wanted in given)


OF_THE_STORE = {("s3", "GetObject"), ("s3", "ListObjectsV2")}
CANNED = {
    *(pair for pair in READ if pair[0] not in ("iam", "organizations", "sts") and pair not in OF_THE_STORE),
    ("iam", "GenerateServiceLastAccessedDetails"),
    ("iam", "GetServiceLastAccessedDetails"),
    ("iam", "SimulatePrincipalPolicy"),
    ("organizations", "ListDelegatedAdministrators"),
    ("sts", "DecodeAuthorizationMessage"),
}
"""What moto does not have, or does not answer in full."""

_EVERYTHING = policy(allow("*"))


@pytest.fixture(scope="module")
def filled_account(running_moto: MotoServer) -> MotoServer:
    """An account with something of everything that is read."""
    moto = running_moto
    moto.reset()
    iam = moto.client("iam")
    made = iam.create_policy(PolicyName="p", PolicyDocument=_EVERYTHING)["Policy"]["Arn"]
    tags = [{"Key": "team", "Value": "red"}]
    iam.create_group(GroupName="devs")
    iam.put_group_policy(GroupName="devs", PolicyName="own", PolicyDocument=_EVERYTHING)
    iam.attach_group_policy(GroupName="devs", PolicyArn=made)
    iam.create_user(UserName="alice", Tags=tags, PermissionsBoundary=made)
    iam.put_user_policy(UserName="alice", PolicyName="own", PolicyDocument=_EVERYTHING)
    iam.attach_user_policy(UserName="alice", PolicyArn=made)
    iam.add_user_to_group(UserName="alice", GroupName="devs")
    iam.create_access_key(UserName="alice")
    iam.create_login_profile(UserName="alice", Password="x-X-9-x-X-9")
    serial = iam.create_virtual_mfa_device(VirtualMFADeviceName="alice")["VirtualMFADevice"]["SerialNumber"]
    iam.enable_mfa_device(
        UserName="alice", SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="654321"
    )
    iam.create_role(
        RoleName="ci", AssumeRolePolicyDocument=trust(), Description="d", Tags=tags, PermissionsBoundary=made
    )
    iam.put_role_policy(RoleName="ci", PolicyName="own", PolicyDocument=_EVERYTHING)
    iam.attach_role_policy(RoleName="ci", PolicyArn=made)
    add_role(iam)
    iam.create_account_alias(AccountAlias="acme")
    iam.create_instance_profile(InstanceProfileName="host")
    iam.create_saml_provider(Name="idp", SAMLMetadataDocument="x" * 1024)
    iam.create_open_id_connect_provider(Url="https://idp.example.com", ThumbprintList=[])
    iam.update_account_password_policy(MinimumPasswordLength=14)
    iam.upload_server_certificate(ServerCertificateName="c", CertificateBody="b", PrivateKey="k")
    company = Company(moto)
    company.enable("SERVICE_CONTROL_POLICY")
    iam.create_policy(PolicyName="nobodys", PolicyDocument=_EVERYTHING)
    company.api.move_account(AccountId=ACCOUNT, SourceParentId=company.root, DestinationParentId=company.unit)
    put_store(moto)
    return moto


STORE = "s3://store-of-snapshots/org"


def put_store(moto: MotoServer) -> None:
    """Make a bucket with a store of one account."""
    from iamtui.workspace.organization.organization_store import StoreWriter  # a leaf, and this is loaded by every test

    with tempfile.TemporaryDirectory() as folder:
        taken_at = datetime(2026, 11, 28, tzinfo=UTC)
        source = SourceInfo(SourceKind.SNAPSHOT, "x", taken_at=taken_at)
        StoreWriter(f"{folder}/org").take(Workspace(Account(id=ACCOUNT, taken_at=taken_at), source))
        s3 = moto.client("s3")
        s3.create_bucket(Bucket="store-of-snapshots")
        for file in Path(folder).rglob("*.*"):
            if file.is_file():
                s3.put_object(
                    Bucket="store-of-snapshots", Key=file.relative_to(folder).as_posix(), Body=file.read_bytes()
                )


@pytest.fixture
def gated_proxy(filled_account: MotoServer, pager_keys: None, quick_retries: None) -> Iterator[FaultProxy]:
    between = FaultProxy(filled_account)
    yield between
    between.stop()
