from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import botocore.exceptions as be
import botocore.parsers
import pytest
from botocore.exceptions import ClientError

from iamtui.aws.answers import AnswerTooLarge, AnswerTooSlow
from iamtui.aws.errors import AwsProblem, permission_in, problem_from
from iamtui.problem import Problem


def answered(code: str, message: str = "", operation: str = "ListUsers") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@pytest.mark.parametrize(
    ("code", "message", "operation", "says", "step"),
    [
        ("AccessDenied", "", "ListUsers", "may not call iam:ListUsers", "Ask for the permission iam:ListUsers"),
        ("ExpiredToken", "x", "ListUsers", "have expired", "aws sso login --profile dev"),
        ("ExpiredTokenException", "x", "ListUsers", "have expired", "aws sso login --profile dev"),
        ("InvalidClientTokenId", "x", "ListUsers", "does not know the access key", "session token"),
        ("SignatureDoesNotMatch", "x", "ListUsers", "refused the signature", "secret access key"),
        (
            "SignatureDoesNotMatch",
            "Signature expired: 1 before 2",
            "ListUsers",
            "clock is wrong",
            "Set the clock",
        ),
        ("RequestTimeTooSkewed", "x", "ListUsers", "this machine's clock is wrong", "Set the clock"),
        ("RegionDisabledException", "no", "AssumeRole", "not activated", "--region"),
        ("Throttling", "Rate exceeded", "ListUsers", "too many calls", "Wait"),
        ("TooManyRequestsException", "x", "ListUsers", "too many calls", "Wait"),
        ("NoSuchEntity", "no user x", "GetUser", "found nothing: no user x", "refresh"),
        ("InternalFailure", "x", "ListUsers", "failed inside", "Try again"),
        ("404", "Not yet implemented", "ListUsers", "does not offer iam:ListUsers", "--region"),
        ("Strange", "words of AWS.", "ListUsers", "with Strange: words of AWS.", "Try again"),
        ("MalformedPolicyDocument", "Syntax errors.", "AssumeRole", "cannot read the session policy", "lint"),
        ("PackedPolicyTooLarge", "120%", "AssumeRole", "too large", "Shorten"),
        (
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
            "AssumeRole",
            "1 hour session limit",
            "3600 seconds or less",
        ),
        (
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            "AssumeRole",
            "MaxSessionDuration set for this role.",
            "maximum session duration",
        ),
        ("ValidationError", "Value '' at 'tokenCode' failed", "AssumeRole", "MFA code", "six digits"),
        ("ValidationError", "1 validation error", "AssumeRole", "1 validation error", "Correct"),
        ("InvalidIdentityToken", "bad", "AssumeRoleWithWebIdentity", "or was refused: bad", "write a new one"),
        ("ExpiredTokenException", "old", "AssumeRoleWithWebIdentity", "web identity token", "write a new one"),
        (
            "AccessDenied",
            "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number",
            "AssumeRole",
            "refused the MFA code: unable to validate MFA code. Please verify your MFA serial number.",
            "next code",
        ),
    ],
)
def test_what_aws_answers(code: str, message: str, operation: str, says: str, step: str) -> None:
    login = "aws sso login --profile dev"
    problem = problem_from(answered(code, message, operation), service="iam", profile="dev", login=login)

    assert says in problem.sentence
    assert step in problem.next_step
    assert problem.sentence.endswith(".")
    assert ".." not in problem.sentence
    assert "\n" not in str(problem)
    assert isinstance(problem, AwsProblem)
    assert problem.code == code


def test_access_denied_names_the_permission_of_the_message_first() -> None:
    message = "User: arn:aws:iam::1:user/x is not authorized to perform: s3:ListBucketVersions on resource: arn"
    problem = problem_from(answered("AccessDenied", message, "GetBucketPolicy"), service="s3")

    assert isinstance(problem, AwsProblem)
    assert problem.denied
    assert problem.permission == "s3:ListBucketVersions"
    assert permission_in("nothing") == ""


@pytest.mark.parametrize(
    ("service", "operation", "action"),
    [
        ("s3", "GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock"),
        ("s3control", "GetPublicAccessBlock", "s3:GetAccountPublicAccessBlock"),
        ("efs", "DescribeFileSystemPolicy", "elasticfilesystem:DescribeFileSystemPolicy"),
        ("iam", "ListUsers", "iam:ListUsers"),
    ],
)
def test_access_denied_names_the_iam_action_of_the_operation(service: str, operation: str, action: str) -> None:
    problem = problem_from(answered("AccessDeniedException", "", operation), service=service)

    assert isinstance(problem, AwsProblem)
    assert problem.permission == action


def test_a_denied_assume_role_names_both_sides() -> None:
    problem = problem_from(answered("AccessDenied", "not authorized", "AssumeRole"), service="sts")

    assert "denied sts:AssumeRole" in problem.sentence
    assert "trust policy" in problem.next_step
    assert "iamtui can" in problem.next_step


URL = "https://iam.amazonaws.com/"


@pytest.mark.parametrize(
    ("error", "says", "step"),
    [
        (be.NoCredentialsError(), "No AWS credentials", "--demo"),
        (be.NoCredentialsError(), "No AWS credentials", "--snapshot"),
        (be.PartialCredentialsError(provider="env", cred_var="secret"), "incomplete", "Complete them"),
        (FileNotFoundError(2, "No such file", "/no/token"), "/no/token", "Correct the AWS config"),
        (be.ProfileNotFound(profile="x"), "profile (x) could not be found", "list-profiles"),
        (be.ConfigParseError(path="/c"), "cannot be read", "Correct the file"),
        (be.InfiniteLoopConfigError(source_profile="a", visited_profiles=["a"]), "circle", "Break the circle"),
        (be.InvalidConfigError(error_msg="bad source"), "bad source", "Correct the file"),
        (be.CredentialRetrievalError(provider="custom-process", error_msg="exit 3"), "exit 3", "Version 1"),
        (be.CredentialRetrievalError(provider="sso", error_msg="gone"), "could not be obtained", "Renew them"),
        (be.SSOTokenLoadError(error_msg="no token"), "Identity Center", "aws sso login"),
        (be.UnauthorizedSSOTokenError(), "Identity Center", "aws sso login"),
        (be.TokenRetrievalError(provider="sso", error_msg="expired"), "Identity Center", "aws sso login"),
        (be.LoginRefreshRequired(), "sign-in session", "aws login"),
        (be.RefreshWithMFAUnsupportedError(), "need an MFA code", "source_profile"),
        (be.MetadataRetrievalError(error_msg="m"), "credentials service", "--profile"),
        (be.MissingDependencyException(msg="crt"), "not installed", "botocore[crt]"),
        (be.EndpointConnectionError(endpoint_url=URL), "could not reach AWS", "network"),
        (be.ConnectTimeoutError(endpoint_url=URL), "could not reach AWS", "network"),
        (be.ReadTimeoutError(endpoint_url=URL), "did not answer", "Try again"),
        (be.ConnectionClosedError(endpoint_url=URL), "was cut", "Try again"),
        (be.HTTPClientError(error=ValueError("odd")), "was cut", "Try again"),
        (be.HTTPClientError(error=ValueError("Invalid header value b'tok\\n'")), "a line break or another", "anew"),
        (be.IncompleteReadError(actual_bytes=1, expected_bytes=2), "was cut", "Try again"),
        (be.ProxyConnectionError(proxy_url="http://p"), "proxy", "HTTPS_PROXY"),
        (be.SSLError(endpoint_url=URL, error="bad"), "certificate", "AWS_CA_BUNDLE"),
        (botocore.parsers.ResponseParserError("<html>page</html>"), "not an AWS answer", "captive portal"),
        (NotImplementedError(), "does not offer", "--region"),
        (be.UnknownServiceError(service_name="x", known_service_names="y"), "does not offer", "--region"),
        (be.NoRegionError(), "needs a region", "--region"),
        (be.InvalidRegionError(region_name="a b"), "not a region", "eu-central-1"),
        (be.ParamValidationError(report="Invalid length for parameter X"), "Invalid length", "Correct"),
        (be.PaginationError(message="same token"), "repeated a page", "Try again"),
        (json.JSONDecodeError("Expecting value", "x", 0), "credential_process", "Version 1"),
        (be.WaiterError(name="n", reason="r", last_response={}), "failed", "Try again"),
        (RuntimeError("dictionary changed"), "failed: dictionary changed", "Try again"),
        (OSError(), "failed: OSError", "Try again"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_what_fails_on_our_side(error: BaseException, says: str, step: str) -> None:
    problem = problem_from(error, service="iam", operation="ListUsers")

    assert says in problem.sentence
    assert step in problem.next_step
    assert "\n" not in str(problem)
    assert "<html>" not in str(problem)


def test_every_exception_of_botocore_becomes_a_sentence() -> None:
    unsaid = []
    for name, kind in vars(be).items():
        if not isinstance(kind, type) or not issubclass(kind, be.BotoCoreError):
            continue
        problem = problem_from(_any_of(kind), service="iam", operation="ListUsers")
        if not problem.sentence.endswith(".") or not problem.next_step or "\n" in str(problem):
            unsaid.append(name)

    assert not unsaid


def _any_of(kind: type[be.BotoCoreError]) -> BaseException:
    class Anything(dict[str, Any]):
        def __missing__(self, key: str) -> str:
            return "something"

    error = kind.__new__(kind)
    Exception.__init__(error, kind.fmt.format_map(Anything()))
    return error


def test_the_endpoint_and_the_profile_are_named() -> None:
    url = "http://127.0.0.1:5000"
    refused = problem_from(be.EndpointConnectionError(endpoint_url=url), service="iam", endpoint_url=url)

    assert url in refused.sentence
    assert "--endpoint-url" in refused.next_step
    assert '"my profile"' in problem_from(be.NoCredentialsError(), profile="my profile").sentence
    hostile = problem_from(be.SSOTokenLoadError(error_msg="x"), profile="a; rm -rf ~")
    assert "--profile 'a; rm -rf ~'" in hostile.next_step


@pytest.mark.parametrize("value", [{}, 7, [], "x" * 20, "9" * 60, 10**400])
def test_a_date_of_credentials_that_is_none(value: object) -> None:
    import dateutil.parser

    with pytest.raises((TypeError, OverflowError, ValueError)) as raised:
        dateutil.parser.parse(value)  # type: ignore[arg-type]
    problem = problem_from(raised.value, profile="dev", login="aws sso login --profile dev")
    assert problem.sentence.startswith('The credentials of profile "dev" could not be read: a part of them has')
    assert "aws sso login --profile dev" in problem.next_step


@pytest.mark.parametrize("error", [AnswerTooLarge("4 MiB"), AnswerTooSlow("20 seconds")])
def test_a_call_without_a_name_is_a_call(error: Exception) -> None:
    sentence = problem_from(error).sentence
    assert "a call" in sentence
    assert "The call" not in sentence


def test_a_problem_stays_as_it_is() -> None:
    problem = Problem("one", "two")

    assert problem_from(problem) is problem


def test_a_long_message_is_cut() -> None:
    assert len(problem_from(answered("Odd", "x" * 10_000)).sentence) < 600


@pytest.mark.parametrize(("code", "fatal"), [("ExpiredToken", True), ("AccessDenied", False), ("Throttling", False)])
def test_fatal_is_what_every_other_call_would_meet_too(code: str, fatal: bool) -> None:
    problem = problem_from(answered(code))

    assert isinstance(problem, AwsProblem)
    assert problem.fatal is fatal


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (17, "this machine's clock is 17 minutes behind AWS's."),
        (-60, "this machine's clock is 60 minutes ahead of AWS's."),
        (1, "(SignatureDoesNotMatch from iam:ListUsers)."),
    ],
)
def test_a_clock_that_is_wrong_is_measured_by_the_answers_date(minutes: int, words: str) -> None:
    error = answered("SignatureDoesNotMatch", "no", "ListUsers")
    server = datetime.now(UTC) + timedelta(minutes=minutes)
    error.response["ResponseMetadata"] = {"HTTPHeaders": {"date": format_datetime(server, usegmt=True)}}
    assert problem_from(error, service="iam").sentence.endswith(words)  # type: ignore[attr-defined]


@pytest.mark.parametrize("date", [None, "", "yesterday", "Mon, 99 Foo 2026 00:00:00 GMT"])
def test_a_date_that_is_none_tells_nothing(date: str | None) -> None:
    error = answered("SignatureDoesNotMatch", "no", "ListUsers")
    error.response["ResponseMetadata"] = {"HTTPHeaders": {"date": date}}
    assert "SignatureDoesNotMatch" in problem_from(error, service="iam").sentence  # type: ignore[attr-defined]
