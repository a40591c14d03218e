from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from iamtui.account.model import Account, PublicAccessBlock, ResourcePolicy
from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem
from iamtui.problem import Problem
from iamtui.sources.resource_policy_loader import load_resource_policy
from tests.support.fault_proxy import FaultProxy, json_error
from tests.support.moto_server import ACCOUNT, REGION, MotoServer, allow, policy, trust

TEXT = policy(allow("s3:GetObject", "arn:aws:s3:::data/*", Sid="open", Principal="*"))


def connect(url: str) -> Connection:
    return Connection.open(profile=None, region=None, endpoint_url=url)


def bucket(moto: MotoServer, given: bool) -> str:
    s3 = moto.client("s3")
    s3.create_bucket(Bucket="data")
    if given:
        s3.put_bucket_policy(Bucket="data", Policy=TEXT)
    return "arn:aws:s3:::data"


def key(moto: MotoServer, given: bool) -> str:
    kms = moto.client("kms")
    made = kms.create_key(Policy=TEXT) if given else kms.create_key()
    return str(made["KeyMetadata"]["Arn"])


def queue(moto: MotoServer, given: bool) -> str:
    moto.client("sqs").create_queue(QueueName="jobs", Attributes={"Policy": TEXT} if given else {})
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs"


def topic(moto: MotoServer, given: bool) -> str:
    sns = moto.client("sns")
    arn = sns.create_topic(Name="news")["TopicArn"]
    if given:
        sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=TEXT)
    return str(arn)


def secret(moto: MotoServer, given: bool) -> str:
    api = moto.client("secretsmanager")
    arn = api.create_secret(Name="db", SecretString="x")["ARN"]
    if given:
        api.put_resource_policy(SecretId=arn, ResourcePolicy=TEXT)
    return str(arn)


def repository(moto: MotoServer, given: bool) -> str:
    ecr = moto.client("ecr")
    arn = ecr.create_repository(repositoryName="team/app")["repository"]["repositoryArn"]
    if given:
        ecr.set_repository_policy(repositoryName="team/app", policyText=TEXT)
    return str(arn)


def table(moto: MotoServer, given: bool) -> str:
    api = moto.client("dynamodb")
    arn = api.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]["TableArn"]
    if given:
        api.put_resource_policy(ResourceArn=arn, Policy=TEXT)
    return str(arn)


def file_system(moto: MotoServer, given: bool) -> str:
    efs = moto.client("efs")
    made = efs.create_file_system(CreationToken="t")
    if given:
        efs.put_file_system_policy(FileSystemId=made["FileSystemId"], Policy=TEXT)
    return str(made["FileSystemArn"])


def event_bus(moto: MotoServer, given: bool) -> str:
    events = moto.client("events")
    arn = events.create_event_bus(Name="bus")["EventBusArn"]
    if given:
        events.put_permission(EventBusName="bus", Policy=TEXT)
    return str(arn)


KINDS: list[Callable[[MotoServer, bool], str]] = [
    bucket,
    key,
    queue,
    topic,
    secret,
    repository,
    table,
    file_system,
    event_bus,
]


@pytest.mark.parametrize("make", KINDS)
def test_the_policy_of_a_resource_arrives(moto: MotoServer, make: Callable[[MotoServer, bool], str]) -> None:
    arn = make(moto, True)
    account = Account(ACCOUNT)

    loaded = load_resource_policy(connect(moto.url), account, arn)

    found = loaded.resource_policies[arn]
    assert found.state == "present"
    assert found.document is not None
    assert found.document.value["Statement"] == json.loads(TEXT)["Statement"]
    assert account.resource_policies == {}


# A key and a topic always have a policy.
@pytest.mark.parametrize("make", [kind for kind in KINDS if kind not in (key, topic)])
def test_a_resource_without_policy_is_known_to_have_none(
    moto: MotoServer, make: Callable[[MotoServer, bool], str]
) -> None:
    arn = make(moto, False)

    loaded = load_resource_policy(connect(moto.url), Account(ACCOUNT), arn)

    assert loaded.resource_policies == {arn: ResourcePolicy("none")}


def test_a_function(moto: MotoServer) -> None:
    moto.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=trust())
    api = moto.client("lambda")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("f.py", "def h(e, c): pass")
    arn = api.create_function(
        FunctionName="f",
        Runtime="python3.11",
        Role=f"arn:aws:iam::{ACCOUNT}:role/r",
        Handler="f.h",
        Code={"ZipFile": code.getvalue()},
    )["FunctionArn"]
    connection = connect(moto.url)

    assert load_resource_policy(connection, Account(ACCOUNT), arn).resource_policies[arn].state == "none"
    api.add_permission(FunctionName="f", StatementId="s", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
    found = load_resource_policy(connection, Account(ACCOUNT), arn).resource_policies[arn]
    assert found.document is not None
    assert found.document.policy.statements[0].sid == "s"


@pytest.mark.parametrize(
    ("make", "operation", "permission"),
    [
        (key, "GetKeyPolicy", "kms:GetKeyPolicy"),
        (secret, "GetResourcePolicy", "secretsmanager:GetResourcePolicy"),
        (queue, "GetQueueAttributes", "sqs:GetQueueAttributes"),
    ],
)
def test_a_policy_one_may_not_read_is_denied_not_none(
    moto: MotoServer, fault_proxy: FaultProxy, make: Callable[[MotoServer, bool], str], operation: str, permission: str
) -> None:
    arn = make(moto, True)
    fault_proxy.on(operation, json_error(400, "AccessDeniedException"))

    loaded = load_resource_policy(connect(fault_proxy.url), Account(ACCOUNT), arn)

    assert loaded.resource_policies == {arn: ResourcePolicy("denied", permission=permission)}


@pytest.mark.parametrize(
    ("arn", "says"),
    [
        ("arn:aws:s3:::missing", "no bucket missing"),
        (f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000", "no key 00000000-"),
        (f"arn:aws:sqs:{REGION}:{ACCOUNT}:missing", "no queue missing"),
        (f"arn:aws:sns:{REGION}:{ACCOUNT}:missing", "no topic missing"),
        (f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:missing-abcdef", "no secret missing-abcdef"),
        (f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/team/missing", "no repository team/missing"),
        (f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/missing", "no event bus missing"),
    ],
)
def test_a_resource_that_does_not_exist_is_said_to_be_none_and_not_to_be_tried_again(
    moto: MotoServer, arn: str, says: str
) -> None:
    with pytest.raises(Problem, match=f"There is {says}") as raised:
        load_resource_policy(connect(moto.url), Account(ACCOUNT), arn)
    assert raised.value.next_step.startswith("Check the name")
    if ACCOUNT in arn:
        assert f"account {ACCOUNT} and region {REGION}" in raised.value.sentence


@pytest.mark.parametrize(
    ("service", "resource", "code", "says"),
    [
        ("dynamodb", "table/missing", "ResourceNotFoundException", "table or stream missing"),
        ("dynamodb", "table/t/stream/2026", "ResourceNotFoundException", "table or stream t/stream/2026"),
        ("elasticfilesystem", "file-system/fs-1", "FileSystemNotFound", "file system fs-1"),
    ],
)
def test_a_table_or_file_system_that_does_not_exist_is_said_to_be_none(
    moto: MotoServer, fault_proxy: FaultProxy, service: str, resource: str, code: str, says: str
) -> None:
    fault_proxy.on("*", json_error(400, code))

    with pytest.raises(Problem, match=f"There is no {says} in account"):
        load_resource_policy(
            connect(fault_proxy.url), Account(ACCOUNT), f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"
        )


@pytest.mark.parametrize(
    ("arn", "says"),
    [
        ("nonsense", "does not name one resource"),
        ("arn:aws:s3:::data*", "does not name one resource"),
        ("arn:aws:s3:::data/key", "is not a bucket"),
        (f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/a", "has the alias a"),
        (f"arn:aws:kms:{REGION}:{ACCOUNT}:custom-key-store/a", "is not a KMS key"),
        (f"arn:aws:events:{REGION}:{ACCOUNT}:rule/r", "is not an event bus"),
        (f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-1", "of ec2 cannot be loaded"),
        ("arn:aws::::x", "of no service"),
    ],
)
def test_what_has_no_policy_that_can_be_read(moto: MotoServer, arn: str, says: str) -> None:
    with pytest.raises(Problem, match=says):
        load_resource_policy(connect(moto.url), Account(ACCOUNT), arn)


BLOCK = (
    "<PublicAccessBlockConfiguration><RestrictPublicBuckets>{}</RestrictPublicBuckets></PublicAccessBlockConfiguration>"
)
NO_BLOCK = "<Error><Code>NoSuchPublicAccessBlockConfiguration</Code><Message>no</Message></Error>"
DENIED = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"


class S3:
    """Answers for AWS: the policy of bucket "data", its public access block and the account's."""

    def __init__(self, own: str, whole: str) -> None:
        self.own = own
        self.whole = whole
        self.owners: list[str] = []

    def __call__(self, request: Any, **_: Any) -> AWSResponse:
        if "publicAccessBlock" not in request.url:
            status, body = 404, "<Error><Code>NoSuchBucketPolicy</Code></Error>"
        elif request.url.startswith(f"https://{ACCOUNT}.s3-control."):
            status, body = 200, self.whole
        else:
            self.owners.append(request.headers["x-amz-expected-bucket-owner"].decode())
            status, body = 200, self.own
        if "<Error>" in body:
            status = 403 if "Denied" in body else 404

        class Raw(io.BytesIO):
            def stream(self, **_: Any) -> Iterator[bytes]:
                yield self.read()

        return AWSResponse(request.url, status, {}, Raw(body.encode()))

    def connect(self) -> Connection:
        return Connection.with_stub(self, access_key_id="AKIA", secret_access_key="s", region=REGION)


@pytest.mark.parametrize(
    ("own", "whole", "effective"),
    [
        (BLOCK.format("true"), DENIED, True),
        (BLOCK.format("false"), BLOCK.format("true"), True),
        (BLOCK.format("false"), BLOCK.format("false"), False),
        (NO_BLOCK, BLOCK.format("true"), True),
        (NO_BLOCK, NO_BLOCK, False),
    ],
)
def test_the_stricter_public_access_block_counts(own: str, whole: str, effective: bool) -> None:
    s3 = S3(own, whole)

    loaded = load_resource_policy(s3.connect(), Account(ACCOUNT), "arn:aws:s3:::data")

    assert loaded.public_access_blocks == {"data": PublicAccessBlock(effective)}
    assert loaded.resource_policies == {"arn:aws:s3:::data": ResourcePolicy("none")}
    assert loaded.gaps == ()
    assert s3.owners == [ACCOUNT]


@pytest.mark.parametrize(
    ("own", "whole", "permission"),
    [
        (DENIED, NO_BLOCK, "s3:GetBucketPublicAccessBlock"),
        (NO_BLOCK, DENIED, "s3:GetAccountPublicAccessBlock"),
    ],
)
def test_a_public_access_block_that_cannot_be_read_is_a_gap(own: str, whole: str, permission: str) -> None:
    connection = S3(own, whole).connect()

    loaded = load_resource_policy(connection, Account(ACCOUNT), "arn:aws:s3:::data")
    again = load_resource_policy(connection, loaded, "arn:aws:s3:::data")

    assert loaded.public_access_blocks == {}
    assert [(gap.what, gap.permission, gap.error) for gap in again.gaps] == [
        ("public access block of bucket data", permission, "access denied")
    ]


def test_an_endpoint_that_is_not_aws_leaves_the_accounts_block_unknown(moto: MotoServer) -> None:
    loaded = load_resource_policy(connect(moto.url), Account(ACCOUNT), bucket(moto, True))

    assert loaded.public_access_blocks == {}
    assert [gap.permission for gap in loaded.gaps] == ["s3:GetAccountPublicAccessBlock"]


def test_credentials_that_ended_are_a_problem(moto: MotoServer, fault_proxy: FaultProxy) -> None:
    arn = key(moto, True)
    fault_proxy.on("GetKeyPolicy", json_error(400, "ExpiredTokenException"))

    with pytest.raises(Problem, match="expired"):
        load_resource_policy(connect(fault_proxy.url), Account(ACCOUNT), arn)


def test_an_alias_of_a_key_brings_the_aliases_of_its_region_and_the_policy_of_the_key(moto: MotoServer) -> None:
    arn = key(moto, True)
    moto.client("kms").create_alias(AliasName="alias/app", TargetKeyId=arn)
    alias = f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/app"

    loaded = load_resource_policy(connect(moto.url), Account(ACCOUNT), alias)

    assert loaded.kms_aliases[alias] == arn
    assert all(one.startswith(f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/") for one in loaded.kms_aliases)
    assert loaded.resource_policies[arn].state == "present"
    assert alias not in loaded.resource_policies


@pytest.mark.parametrize(
    ("alias", "said"),
    [
        (f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/nothing", "has the alias nothing"),
        (f"arn:aws:kms:{REGION}:999999999999:alias/app", "cannot be listed from account"),
    ],
)
def test_an_alias_that_cannot_be_followed_says_why(moto: MotoServer, alias: str, said: str) -> None:
    with pytest.raises(Problem, match=said):
        load_resource_policy(connect(moto.url), Account(ACCOUNT), alias)


def test_aliases_that_may_not_be_listed_name_the_permission(moto: MotoServer, fault_proxy: FaultProxy) -> None:
    fault_proxy.on("ListAliases", json_error(400, "AccessDeniedException"))
    with pytest.raises(AwsProblem) as raised:
        load_resource_policy(connect(fault_proxy.url), Account(ACCOUNT), f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/app")
    assert raised.value.permission == "kms:ListAliases"
