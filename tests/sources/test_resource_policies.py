from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias
from urllib.parse import unquote

import pytest
from botocore.awsrequest import AWSResponse

from iamtui.account.model import Account, PublicAccessBlock, ResourcePolicy
from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem
from iamtui.aws.operations import iam_action
from iamtui.problem import Problem
from iamtui.resource_policy_services import SERVICE_SPECS
from iamtui.sources.resource_policy_loader import load_resource_policy
from tests.support.canned_aws import OF_A_RESOURCE, CannedAws
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


def log_group(moto: MotoServer, given: bool) -> str:
    logs = moto.client("logs")
    logs.create_log_group(logGroupName="/app")
    if given:
        logs.put_resource_policy(policyName="p", policyDocument=TEXT)
    return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/app"


def search_domain(moto: MotoServer, given: bool) -> str:
    made = moto.client("opensearch").create_domain(DomainName="search", **({"AccessPolicies": TEXT} if given else {}))
    return str(made["DomainStatus"]["ARN"])


def rest_api(moto: MotoServer, given: bool) -> str:
    made = moto.client("apigateway").create_rest_api(name="api", **({"policy": TEXT} if given else {}))
    return f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{made['id']}"


def email_identity(moto: MotoServer, given: bool) -> str:
    ses = moto.client("sesv2")
    ses.create_email_identity(EmailIdentity="example.com")
    if given:
        ses.create_email_identity_policy(EmailIdentity="example.com", PolicyName="p", Policy=TEXT)
    return f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/example.com"


def stream(moto: MotoServer, given: bool) -> str:
    kinesis = moto.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    arn = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"
    if given:
        kinesis.put_resource_policy(ResourceARN=arn, Policy=TEXT)
    return arn


def data_catalog(moto: MotoServer, given: bool) -> str:
    if given:
        moto.client("glue").put_resource_policy(PolicyInJson=TEXT)
    return f"arn:aws:glue:{REGION}:{ACCOUNT}:catalog"


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
    log_group,
    search_domain,
    rest_api,
    email_identity,
    stream,
    data_catalog,
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


# A key and a topic always have a policy; moto gives an empty answer about a catalog where AWS gives an error.
@pytest.mark.parametrize("make", [kind for kind in KINDS if kind not in (key, topic, data_catalog)])
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


Answered: TypeAlias = str | dict[str, Any]
"""An error by its code, or an answer."""

NO_POLICY: dict[tuple[str, str], tuple[Answered, Answered]] = {
    ("apigateway", "GetRestApi"): ({"id": "a1b2c3"}, "NotFoundException"),
    ("backup", "GetBackupVaultAccessPolicy"): ("ResourceNotFoundException", "AccessDeniedException"),
    ("codeartifact", "GetDomainPermissionsPolicy"): ("ResourceNotFoundException", ""),
    ("codeartifact", "GetRepositoryPermissionsPolicy"): ("ResourceNotFoundException", ""),
    ("dynamodb", "GetResourcePolicy"): ("PolicyNotFoundException", "ResourceNotFoundException"),
    ("ecr", "GetRepositoryPolicy"): ("RepositoryPolicyNotFoundException", "RepositoryNotFoundException"),
    ("efs", "DescribeFileSystemPolicy"): ("PolicyNotFound", "FileSystemNotFound"),
    ("events", "DescribeEventBus"): ({"Name": "b", "Arn": "arn"}, "ResourceNotFoundException"),
    ("glue", "GetResourcePolicy"): ("EntityNotFoundException", ""),
    ("kinesis", "GetResourcePolicy"): ({"Policy": "{}"}, "ResourceNotFoundException"),
    ("kms", "GetKeyPolicy"): ("", "NotFoundException"),
    ("lambda", "GetPolicy"): ("ResourceNotFoundException", ""),
    ("logs", "DescribeResourcePolicies"): ({"resourcePolicies": []}, ""),
    ("opensearch", "DescribeDomain"): ({"DomainStatus": {"ARN": "arn"}}, "ResourceNotFoundException"),
    ("s3", "GetBucketPolicy"): ("NoSuchBucketPolicy", "NoSuchBucket"),
    ("secretsmanager", "GetResourcePolicy"): ({"ARN": "arn"}, "ResourceNotFoundException"),
    ("sesv2", "GetEmailIdentityPolicies"): ({"Policies": {}}, "NotFoundException"),
    ("sns", "GetTopicAttributes"): ("", "NotFound"),
    ("sqs", "GetQueueAttributes"): ({"Attributes": {"QueueArn": "arn"}}, "QueueDoesNotExist"),
    ("sqs", "GetQueueUrl"): ("", "AWS.SimpleQueueService.NonExistentQueue"),
}
"""By read: what comes where a resource has no policy, and where there is no such resource.

"" where that never comes: a key and a topic always have a policy; AWS says the same of a function, or of what
CodeArtifact has, without a policy and of one that does not exist; each account has a catalog; and policies about log
groups belong to the account. AWS Backup tells nobody that there is no such vault.
"""


def answers(aws: CannedAws, pair: tuple[str, str], what: Answered) -> None:
    if isinstance(what, str):
        aws.errors[pair] = what
    else:
        aws.wrong[pair] = json.dumps(what).encode()


def test_each_read_says_what_comes_without_a_policy() -> None:
    reads = {(read.service, read.operation) for spec in SERVICE_SPECS.values() for read in spec.reads}
    assert reads == NO_POLICY.keys()


@pytest.mark.parametrize("pair", [pair for pair, said in NO_POLICY.items() if said[0]], ids=":".join)
def test_a_resource_is_known_to_have_no_policy_by_what_its_service_says(pair: tuple[str, str]) -> None:
    aws = CannedAws()
    answers(aws, pair, NO_POLICY[pair][0])

    loaded = load_resource_policy(aws.connection, Account(ACCOUNT), OF_A_RESOURCE[pair])

    assert loaded.resource_policies == {OF_A_RESOURCE[pair]: ResourcePolicy("none")}


@pytest.mark.parametrize(
    "pair", [pair for pair, said in NO_POLICY.items() if said[1] not in ("", "AccessDeniedException")], ids=":".join
)
def test_a_resource_that_is_not_there_is_said_not_to_be(pair: tuple[str, str]) -> None:
    aws = CannedAws()
    answers(aws, pair, NO_POLICY[pair][1])

    with pytest.raises(Problem, match=r"^There is no "):
        load_resource_policy(aws.connection, Account(ACCOUNT), OF_A_RESOURCE[pair])


@pytest.mark.parametrize("pair", NO_POLICY, ids=":".join)
def test_a_denied_read_of_each_service_is_not_the_absence_of_a_policy(pair: tuple[str, str]) -> None:
    aws = CannedAws()
    aws.denied.add(pair)

    loaded = load_resource_policy(aws.connection, Account(ACCOUNT), OF_A_RESOURCE[pair])

    denied = ResourcePolicy("denied", permission=iam_action(*pair))
    assert loaded.resource_policies == {OF_A_RESOURCE[pair]: denied}


BY_NAME_ALONE = ("apigateway", "backup", "efs", "glue", "logs", "opensearch", "sesv2")
"""The services that look a name up in the caller's own account."""


@pytest.mark.parametrize("pair", [pair for pair in NO_POLICY if pair[0] in BY_NAME_ALONE], ids=":".join)
def test_a_resource_of_another_account_is_not_taken_for_one_of_the_same_name_here(pair: tuple[str, str]) -> None:
    aws = CannedAws()
    arn = OF_A_RESOURCE[pair].replace(ACCOUNT, "999999999999")

    with pytest.raises(Problem, match=f"cannot be read from account {ACCOUNT}"):
        load_resource_policy(aws.connection, Account(ACCOUNT), arn)
    assert aws.asked == []


@pytest.mark.parametrize("pair", [pair for pair in NO_POLICY if pair[0] not in BY_NAME_ALONE], ids=":".join)
def test_others_are_asked_for_with_their_account(pair: tuple[str, str]) -> None:
    aws = CannedAws()
    arn = OF_A_RESOURCE[pair].replace(ACCOUNT, "999999999999")

    assert load_resource_policy(aws.connection, Account(ACCOUNT), arn).resource_policies[arn].state == "present"


def statement(sid: str, version: str, resource: str = "*") -> str:
    one = {"Sid": sid, "Effect": "Allow", "Principal": {"Service": "x.amazonaws.com"}, "Action": "logs:*"}
    return json.dumps({"Version": version, "Statement": {**one, "Resource": resource}})


def of_log_groups(*texts: str, next_token: str = "") -> bytes:
    policies = [{"policyName": f"p{i}", "policyDocument": text} for i, text in enumerate(texts)]
    more = {"nextToken": next_token} if next_token else {}
    return json.dumps({"resourcePolicies": policies, **more}).encode()


LOGS = ("logs", "DescribeResourcePolicies")


def test_all_policies_about_a_log_group_are_in_force_together() -> None:
    aws = CannedAws()
    aws.wrong[LOGS] = of_log_groups(
        statement("new", "2012-10-17", "arn:aws:logs:*:*:${aws:PrincipalTag/a}"),
        statement("old", "2008-10-17", "arn:aws:logs:*:*:${aws:PrincipalTag/a}"),
    )

    found = load_resource_policy(aws.connection, Account(ACCOUNT), OF_A_RESOURCE[LOGS]).resource_policies

    document = found[OF_A_RESOURCE[LOGS]].document
    assert document is not None
    assert document.error is None
    # The account's policies, then those of the log group itself, which here are the same.
    assert aws.asked == [LOGS, LOGS]
    assert [(one["Sid"], one["Resource"]) for one in document.value["Statement"]] == [
        ("new", "arn:aws:logs:*:*:${aws:PrincipalTag/a}"),
        # The older version has no variables: a dollar is a dollar.
        ("old", "arn:aws:logs:*:*:${$}{aws:PrincipalTag/a}"),
    ]


def test_one_policy_of_several_that_cannot_be_read_is_not_left_out() -> None:
    aws = CannedAws()
    aws.wrong[LOGS] = of_log_groups(statement("a", "2012-10-17"), '{"Statement": [')

    found = load_resource_policy(aws.connection, Account(ACCOUNT), OF_A_RESOURCE[LOGS]).resource_policies

    document = found[OF_A_RESOURCE[LOGS]].document
    assert document is not None
    assert document.error is not None


@pytest.mark.parametrize("is_escaped", [True, False])
def test_the_policy_of_an_api_is_read_from_its_escaped_text_with_short_arns(is_escaped: bool) -> None:
    aws, pair = CannedAws(), ("apigateway", "GetRestApi")
    api = OF_A_RESOURCE[pair]
    text = policy(allow("execute-api:Invoke", "execute-api:/prod/*", Sid='a "b" \\', Principal="*"))
    answers(aws, pair, {"id": "a1b2c3", "policy": json.dumps(text)[1:-1] if is_escaped else text})

    found = load_resource_policy(aws.connection, Account(ACCOUNT), api).resource_policies[api].document

    assert found is not None
    (read,) = found.value["Statement"]
    assert (read["Sid"], read["Resource"]) == ('a "b" \\', f"{api}/prod/*")


class LogPages:
    """CloudWatch Logs with a policy on each of two pages, and one of the log group itself."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []

    def __call__(self, request: Any, **_: Any) -> AWSResponse:
        asked = json.loads(request.body)
        self.asked.append(asked)
        if asked["policyScope"] == "RESOURCE":
            body = of_log_groups(statement("own", "2012-10-17"))
        elif "nextToken" in asked:
            body = of_log_groups(statement("second", "2012-10-17"))
        else:
            body = of_log_groups(statement("first", "2012-10-17"), next_token="t")

        class Raw(io.BytesIO):
            def stream(self, **_: Any) -> Iterator[bytes]:
                yield self.read()

        return AWSResponse(request.url, 200, {}, Raw(body))


def test_the_policies_of_all_pages_and_of_the_log_group_itself_are_read() -> None:
    logs = LogPages()
    arn = OF_A_RESOURCE[LOGS]
    connection = Connection.with_stub(logs, access_key_id="AKIA", secret_access_key="s", region=REGION)

    found = load_resource_policy(connection, Account(ACCOUNT), arn).resource_policies[arn]

    assert found.document is not None
    assert [one.sid for one in found.document.policy.statements] == ["first", "second", "own"]
    assert logs.asked[1]["nextToken"] == "t"
    assert logs.asked[2]["resourceArn"] == arn


class SesIdentities:
    """SES with policies by identity; None: no such identity."""

    def __init__(self, **policies: dict[str, str] | None) -> None:
        self.policies = {"a@example.com": policies.get("address"), "example.com": policies.get("domain")}

    def connect(self) -> Connection:
        return Connection.with_stub(self, access_key_id="AKIA", secret_access_key="s", region=REGION)

    def __call__(self, request: Any, **_: Any) -> AWSResponse:
        name = unquote(request.url.split("/identities/")[1].split("/")[0])
        policies = self.policies[name]
        status, headers = (404, {"x-amzn-errortype": "NotFoundException"}) if policies is None else (200, {})

        class Raw(io.BytesIO):
            def stream(self, **_: Any) -> Iterator[bytes]:
                yield self.read()

        return AWSResponse(request.url, status, headers, Raw(json.dumps({"Policies": policies}).encode()))


@pytest.mark.parametrize(
    ("address", "domain", "sids"),
    [
        ({"p": statement("own", "2012-10-17")}, {"p": statement("domain", "2012-10-17")}, ["own"]),
        ({}, {"p": statement("domain", "2012-10-17")}, ["domain"]),
        ({}, {}, None),
        ({}, None, None),
    ],
)
def test_the_policies_of_an_address_take_precedence_over_those_of_its_domain(
    address: dict[str, str], domain: dict[str, str] | None, sids: list[str] | None
) -> None:
    arn = f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/a@example.com"

    loaded = load_resource_policy(SesIdentities(address=address, domain=domain).connect(), Account(ACCOUNT), arn)

    found = loaded.resource_policies[arn].document
    assert (None if found is None else [one.sid for one in found.policy.statements]) == sids


def test_an_address_that_is_no_identity_is_said_not_to_be_there() -> None:
    ses = SesIdentities(domain={})
    with pytest.raises(Problem, match=r"There is no identity a@example\.com"):
        load_resource_policy(ses.connect(), Account(ACCOUNT), f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/a@example.com")


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
        (f"arn:aws:backup:{REGION}:{ACCOUNT}:recovery-point:r", "is not a backup vault"),
        (f"arn:aws:logs:{REGION}:{ACCOUNT}:destination:d", "is not a log group"),
        (f"arn:aws:glue:{REGION}:{ACCOUNT}:job/j", "is not a Data Catalog"),
        (f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:s", "of states cannot be loaded"),
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
