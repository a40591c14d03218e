from __future__ import annotations

import io
import logging
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name

from iamtui.aws import connection as module
from iamtui.aws import http
from iamtui.aws import session as sdk_session
from iamtui.aws.connection import MOST_CLIENTS, Connection
from iamtui.aws.errors import AwsProblem
from iamtui.problem import Problem
from iamtui.secret import Secret
from tests.support.connecting import Listener, config, connect
from tests.support.fault_proxy import Answer, FaultProxy, Reset, Stall, Truncate, error
from tests.support.moto_server import ACCOUNT, SECRET, MotoServer, trust
from tests.support.tls_server import tls_server


def test_no_credentials_is_said_at_once() -> None:
    with pytest.raises(Problem) as raised:
        connect()

    assert "No AWS credentials" in raised.value.sentence
    assert "--demo" in raised.value.next_step
    assert "--snapshot" in raised.value.next_step


def test_an_unknown_profile_is_said() -> None:
    with pytest.raises(Problem, match="nobody"):
        connect(profile="nobody")


def test_a_profile_of_the_environment_is_used_and_named(no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config(no_aws_settings, "[profile dev]\naws_access_key_id=A\naws_secret_access_key=B\nregion=eu-west-1\n")
    monkeypatch.setenv("AWS_PROFILE", "dev")

    connection = connect()

    assert (connection.profile, connection.region, connection.endpoint_url) == ("dev", "eu-west-1", "")


def test_a_connection_goes_on_in_another_region(no_aws_settings: Path) -> None:
    config(no_aws_settings, "[profile dev]\naws_access_key_id=A\naws_secret_access_key=B\nregion=eu-west-1\n")
    connection = connect(profile="dev")
    session = connection.with_credentials("ASIAIOSFODNN7EXAMPLE", Secret("s"), Secret("t"))

    for before in (connection, session):
        after = before.reopened(in_same_account=True, region="sa-east-1")

        assert (before.region, after.region) == ("eu-west-1", "sa-east-1")
        assert after.has_own_keys is before.has_own_keys
        assert after.client("sqs").meta.region_name == "sa-east-1"
    assert session.reopened(region="eu-west-1") is session


def test_keys_of_the_environment_win_over_its_profile(no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config(no_aws_settings, "[profile dev]\naws_access_key_id=A\naws_secret_access_key=B\n")
    monkeypatch.setenv("AWS_PROFILE", "dev")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "C")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "D")

    assert connect().profile == ""


@pytest.mark.parametrize("by", ["option", "AWS_PROFILE", "AWS_PROFILE beside keys"])
def test_the_settings_of_the_profile_count_for_sessions_made_from_it_and_its_credentials_do_not(
    no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    others = "ca_bundle=/none/default.pem\nmax_attempts=9\nuse_fips_endpoint=false\n"
    own = "ca_bundle=/none/dev.pem\nmax_attempts=2\nuse_fips_endpoint=true\nregion=us-east-2\n"
    keys = "aws_access_key_id=AKIADEV\naws_secret_access_key=B\n"
    config(no_aws_settings, f"[default]\n{keys}{others}[profile dev]\n{keys}{own}")
    if by != "option":
        monkeypatch.setenv("AWS_PROFILE", "dev")
    if by == "AWS_PROFILE beside keys":
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "C")

    first = connect(profile="dev" if by == "option" else None).with_credentials("ASIA1", Secret("s"), Secret("t"))
    second = first.with_credentials("ASIA2", Secret("s"), Secret("t"))

    for connection, key in ((first, "ASIA1"), (second, "ASIA2")):
        session = connection._botocore_session()
        assert connection.ca_bundle() == "/none/dev.pem"
        assert session.get_config_variable("max_attempts") == 2
        assert session.get_config_variable("use_fips_endpoint") is True
        assert session.get_credentials().access_key == key
        assert connection.profile == ""


def test_nothing_heavy_is_imported_before_the_first_client() -> None:
    import subprocess

    code = (
        "import sys; from iamtui.aws.connection import Connection; from iamtui.secret import Secret; "
        "c = Connection.with_stub(lambda **_: None, access_key_id='a', secret_access_key='b', region='us-east-1'); "
        "c.with_credentials('a', Secret('b'), Secret('c')); "
        "print(sorted(set(sys.modules) & {'boto3', 'botocore', 'moto', 'urllib3', 'dateutil'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_the_caller_over_http(moto: MotoServer) -> None:
    caller = connect(moto.url).caller()

    assert caller.account == ACCOUNT
    assert caller.arn.startswith(f"arn:aws:sts::{ACCOUNT}:")


def test_other_credentials_at_the_same_endpoint(moto: MotoServer) -> None:
    iam = moto.client("iam")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust())
    connection = connect(moto.url)
    given = connection.call("sts", "AssumeRole", dict, RoleArn=f"arn:aws:iam::{ACCOUNT}:role/r", RoleSessionName="mine")
    keys = given["Credentials"]

    other = connection.with_credentials(
        keys["AccessKeyId"], Secret(keys["SecretAccessKey"]), Secret(keys["SessionToken"])
    )

    assert other.caller().arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/r/mine"
    assert (other.endpoint_url, other.region) == (connection.endpoint_url, connection.region)
    assert keys["Expiration"].tzinfo is not None


def test_clients_are_kept(moto: MotoServer) -> None:
    connection = connect(moto.url)

    assert connection.client("iam") is connection.client("iam")
    assert connection.client("kms", "eu-west-1") is not connection.client("kms", "eu-west-2")
    assert connection.client("s3", "eu-west-1") is not connection.client("s3", "eu-west-2")


def test_clients_of_many_regions_are_not_all_kept(moto: MotoServer) -> None:
    connection = connect(moto.url)
    first = connection.client("kms", "us-east-1")
    listed = connection.pages("kms", "ListAliases", dict, in_region="us-east-2")
    page = next(listed)

    for number in range(MOST_CLIENTS + 1):
        connection.call("sts", "GetCallerIdentity", dict, in_region=f"us-nowhere-{number}")

    assert page["Aliases"]
    assert list(listed) == []
    assert connection.client("kms", "us-east-1") is not first
    assert connection.call("kms", "ListAliases", dict, in_region="us-east-1")["Aliases"]


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1", "us-isob-east-1", "evil", "us-east-1\n", "x" * 500])
def test_no_region_of_another_partition_is_called(moto: MotoServer, region: str) -> None:
    connection = connect(moto.url)

    with pytest.raises(Problem, match="is not a Region of the partition aws") as refused:
        connection.call("sts", "GetCallerIdentity", dict, in_region=region)
    assert len(refused.value.sentence) < 200
    assert connection.call("sts", "GetCallerIdentity", dict, in_region="us-new-9")


@pytest.mark.parametrize("name", [".", ".."])
def test_no_name_leads_up_in_the_path_of_a_call(moto: MotoServer, name: str) -> None:
    with pytest.raises(Problem, match="are not names"):
        connect(moto.url).call("s3", "GetBucketPolicy", dict, Bucket=name)


def test_a_regional_service_without_region_is_a_problem(moto: MotoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    connection = connect(moto.url)

    assert connection.region == ""
    assert connection.caller().account == ACCOUNT
    with pytest.raises(Problem, match="needs a region"):
        connection.client("kms")


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("iam", "CreateUser", {"UserName": "x"}),
        ("iam", "PutRolePolicy", {"RoleName": "r", "PolicyName": "p", "PolicyDocument": "{}"}),
        ("s3", "PutBucketPolicy", {"Bucket": "b", "Policy": "{}"}),
        ("secretsmanager", "GetSecretValue", {"SecretId": "s"}),
    ],
)
def test_operations_that_are_not_on_the_list_are_never_sent(
    fault_proxy: FaultProxy, service: str, operation: str, parameters: dict[str, str]
) -> None:
    connection = connect(fault_proxy.url)

    with pytest.raises(Problem, match="never writes"):
        connection.call(service, operation, dict, **parameters)
    with pytest.raises(Problem, match="never writes"):
        getattr(connection.client(service), xform_name(operation))(**parameters)
    assert fault_proxy.calls == []


@pytest.mark.parametrize(("service", "operation"), [("iam", "GetNothing"), ("nothing", "ListUsers")])
def test_what_does_not_exist_is_a_problem(moto: MotoServer, service: str, operation: str) -> None:
    with pytest.raises(Problem):
        connect(moto.url).call(service, operation, dict)
    with pytest.raises(Problem):
        next(connect(moto.url).pages(service, operation, dict))


def test_an_endpoint_that_nobody_runs(moto: MotoServer, quick_retries: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with pytest.raises(AwsProblem, match="Nothing answers") as raised:
        connect(f"http://127.0.0.1:{port}").caller()
    assert raised.value.fatal


HTML = b"<html><body><h1>Welcome to the hotel</h1></body></html>"


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Reset(), "was cut"),
        (Answer(200, HTML, "text/html"), "not an AWS answer"),
        (Answer(200, b""), "not an AWS answer"),
        (Answer(200, b"<GetCallerIdentityResponse"), "not an AWS answer"),
        (Truncate(120), "not an AWS answer"),
        (Answer(500, HTML, "text/html"), ""),
        (Answer(403, HTML, "text/html"), ""),
        (Answer(301, b"", headers={"Location": "http://127.0.0.1:9/"}), ""),
        (error(403, "InvalidClientTokenId"), "does not know the access key"),
        (error(403, "SignatureDoesNotMatch"), "refused the signature"),
        (error(403, "ExpiredToken"), "have expired"),
        (error(400, "Throttling", "Rate exceeded"), "too many calls"),
        (error(403, "RegionDisabledException"), "not activated"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_whatever_comes_back_is_one_sentence(
    fault_proxy: FaultProxy, quick_retries: None, fault: Any, says: str
) -> None:
    fault_proxy.on("GetCallerIdentity", fault)

    with pytest.raises(AwsProblem) as raised:
        connect(fault_proxy.url).caller()

    assert says in raised.value.sentence
    assert raised.value.next_step
    assert "html" not in str(raised.value)


def test_throttling_is_tried_three_times(fault_proxy: FaultProxy, quick_retries: None) -> None:
    fault_proxy.on("GetCallerIdentity", error(400, "Throttling"), times=2)

    assert connect(fault_proxy.url).caller().account == ACCOUNT
    assert len(fault_proxy.calls) == 3

    fault_proxy.on("GetCallerIdentity", error(400, "Throttling"))
    with pytest.raises(AwsProblem):
        connect(fault_proxy.url).caller()
    assert len(fault_proxy.calls) == 6


def test_a_stall_ends(fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.2)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    fault_proxy.on("GetCallerIdentity", Stall())

    with pytest.raises(AwsProblem, match="did not answer") as raised:
        connect(fault_proxy.url).caller()
    assert raised.value.fatal


@pytest.mark.parametrize("status", [301, 302, 307, 400])
def test_a_redirect_of_a_bucket_that_says_no_region_is_the_answer(fault_proxy: FaultProxy, status: int) -> None:
    """botocore would look for the region by another operation, which is not on the list."""
    fault_proxy.on("*", Answer(status, b"<Error><Code>PermanentRedirect</Code><Message>m</Message></Error>"))

    with pytest.raises(AwsProblem, match="answered s3:GetBucketPolicy with PermanentRedirect"):
        connect(fault_proxy.url, region="eu-west-1").call("s3", "GetBucketPolicy", dict, Bucket="b")
    assert len(fault_proxy.calls) == 1


def test_no_redirect_is_followed(fault_proxy: FaultProxy, listener: Listener, quick_retries: None) -> None:
    for status in (301, 302, 307, 308):
        fault_proxy.rules.clear()
        fault_proxy.on("GetCallerIdentity", Answer(status, b"", headers={"Location": f"{listener.url}/"}))
        with pytest.raises(Problem):
            connect(fault_proxy.url).caller()

    assert listener.visitors == 0


@pytest.mark.parametrize("when", ["before", "after"])
def test_debug_logging_prints_no_secret(moto: MotoServer, when: str) -> None:
    loggers = [logging.getLogger(name) for name in ("", "botocore", "botocore.endpoint", "urllib3")]
    levels = [logger.level for logger in loggers]
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    try:
        logging.getLogger().addHandler(handler)
        if when == "before":
            for logger in loggers:
                logger.setLevel(logging.DEBUG)
        connection = connect(moto.url)
        connection.caller()
        if when == "after":
            for logger in loggers:
                logger.setLevel(logging.DEBUG)
        secret, token = "S" * 40, "T" * 100
        connection.with_credentials("ASIAXXXXXXXXXXXXXXXX", Secret(secret), Secret(token)).caller()
        connection.call(
            "sts",
            "AssumeRole",
            dict,
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/r",
            RoleSessionName="mine",
            TokenCode="987654",
            SerialNumber="arn:aws:iam::1:mfa/m",
            ExternalId="external-secret",
        )
    finally:
        logging.getLogger().removeHandler(handler)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)

    for hidden in (secret, token, "987654", "external-secret", SECRET, "SecretAccessKey"):
        assert hidden not in stream.getvalue()


def test_warnings_of_botocore_are_still_heard(caplog: pytest.LogCaptureFixture) -> None:
    sdk_session.silence_debug_logging()

    logging.getLogger("botocore.credentials").warning("heard")

    assert "heard" in caplog.text


def test_secrets_are_in_no_repr_of_a_connection() -> None:
    connection = Connection(region="r").with_credentials("AKIAX", Secret("SECRETKEY"), Secret("TOKEN"))

    assert "SECRETKEY" not in repr(vars(connection))
    assert "TOKEN" not in repr(vars(connection))


def stub(answers: list[Any]) -> Any:
    from botocore.awsrequest import AWSResponse

    def before_send(request: Any, **_: Any) -> Any:
        answers.append(request)
        body = (
            "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/x</Arn>"
            "<UserId>U</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
        )

        class Raw(io.BytesIO):
            def stream(self, **_: Any) -> Iterator[bytes]:
                yield self.read()

        return AWSResponse(request.url, 200, {}, Raw(body.encode()))

    return before_send


def test_a_stub_answers_instead_of_the_network() -> None:
    requests: list[Any] = []
    connection = Connection.with_stub(
        stub(requests), access_key_id="AKIADEMO", secret_access_key="s", region="eu-central-1"
    )

    assert connection.caller().arn == "arn:aws:iam::111122223333:user/x"
    assert (
        connection.with_credentials("ASIAX", Secret("s"), Secret("t")).caller().arn
        == "arn:aws:iam::111122223333:user/x"
    )
    assert "ASIAX" in str(requests[-1].headers["Authorization"])
    assert connection.region == "eu-central-1"


def test_a_stub_takes_nothing_of_the_aws_files_and_the_environment(
    no_aws_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (no_aws_settings / "config").write_text("[[[ broken")
    for name, value in (
        ("AWS_PROFILE", "nobody"),
        ("AWS_MAX_ATTEMPTS", "x"),
        ("AWS_RETRY_MODE", "x"),
        ("AWS_USE_FIPS_ENDPOINT", "true"),
        ("AWS_CA_BUNDLE", "/none.pem"),
    ):
        monkeypatch.setenv(name, value)
    requests: list[Any] = []
    connection = Connection.with_stub(
        stub(requests), access_key_id="AKIADEMO", secret_access_key="s", region="us-east-1"
    )

    connection.caller()
    connection.with_credentials("ASIAX", Secret("s"), Secret("t")).caller()

    assert [request.url for request in requests] == ["https://sts.us-east-1.amazonaws.com/"] * 2
    assert connection.ca_bundle() != "/none.pem"


def test_what_a_stub_does_not_answer_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object) -> None:
        raise AssertionError("something was sent")

    monkeypatch.setattr("iamtui.aws.http.HttpSender.send", no_network)
    connection = Connection.with_stub(lambda **_: None, access_key_id="A", secret_access_key="s", region="eu-central-1")

    with pytest.raises(Problem, match="demo cannot answer"):
        connection.caller()


def test_threads_share_a_connection(moto: MotoServer) -> None:
    connection = connect(moto.url)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(connection.caller().account)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert found == [ACCOUNT] * 8


def test_an_endless_listing_is_given_up(fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PAGES", 3)
    count = iter(range(1000))

    def rule(call: Any) -> Answer | None:
        body = (
            f"<R><ListUsersResult><IsTruncated>true</IsTruncated><Marker>{next(count)}</Marker></ListUsersResult></R>"
        )
        return Answer(200, body.encode()) if call.operation == "ListUsers" else None

    fault_proxy.rules.append(rule)

    with pytest.raises(Problem, match="pages"):
        list(connect(fault_proxy.url).pages("iam", "ListUsers", dict))


def test_a_repeated_page_is_given_up(fault_proxy: FaultProxy) -> None:
    body = b"<R><ListUsersResult><IsTruncated>true</IsTruncated><Marker>same</Marker></ListUsersResult></R>"
    fault_proxy.on("ListUsers", Answer(200, body))

    with pytest.raises(Problem, match="the same page again"):
        list(connect(fault_proxy.url).pages("iam", "ListUsers", dict))


def test_a_closed_connection_begins_anew() -> None:
    connection = Connection.with_stub(stub([]), access_key_id="AKIADEMO", secret_access_key="s", region="eu-central-1")
    before = connection.client("sts")
    with connection:
        assert connection.caller().account == "111122223333"
    assert connection.caller().account == "111122223333"
    assert connection.client("sts") is not before


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "which does not exist"),
        ("", "which holds no certificates"),
        ("hello", "which holds no certificates"),
        ("other", "could not be verified with those in"),
        ("folder", "which is a folder, not a file"),
    ],
)
def test_a_wrong_file_of_certificates_is_named_as_the_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pager_keys: None, content: str | None, says: str
) -> None:
    bundle = tmp_path / "company.pem"
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    with tls_server(tmp_path, b"") as server, tls_server(tmp_path / "other", b"") as other:
        if content == "folder":
            bundle.mkdir()
        elif content is not None:
            bundle.write_text(other.certificate.read_text() if content == "other" else content)
        with pytest.raises(AwsProblem) as raised:
            connect(f"https://localhost:{server.port}").caller()

    assert says in raised.value.sentence
    assert str(bundle) in raised.value.sentence
    assert "AWS_CA_BUNDLE" in raised.value.next_step
    assert "company proxy re-signs" not in raised.value.next_step
    assert server.received == []


def test_the_setting_that_names_the_certificates_is_named(
    tmp_path: Path, no_aws_settings: Path, pager_keys: None
) -> None:
    (no_aws_settings / "config").write_text("[default]\nca_bundle = /none/company.pem\n")
    with tls_server(tmp_path, b"") as server, pytest.raises(AwsProblem, match=r"^ca_bundle names /none/company\.pem"):
        connect(f"https://localhost:{server.port}").caller()
