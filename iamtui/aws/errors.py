"""AWS error codes as problems: one sentence and the next step for each."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from iamtui.aws.failures import FAILURES, UNREADABLE, CallSite, capital, detail, login_command, one_line
from iamtui.aws.operations import CREDENTIALS, iam_action
from iamtui.problem import Problem
from iamtui.text import counted


class AwsProblem(Problem):
    """A call to AWS that failed.

    Args:
        code: AWS's error code ("AccessDenied"), or the name of botocore's exception ("ReadTimeoutError").
        permission: the IAM action that the call needs ("iam:ListUsers"): as AWS named it, else as the operation
            is called; "" where the call is unknown.
        wrong_mfa_code: whether AWS refused the MFA device or its code, not the caller.
        login_command: what the user runs to sign in again, after which the same can be tried once more; else "".

    Attributes:
        denied: whether AWS answered that the caller may not do this.
        expired: whether AWS answered that the caller's credentials have expired.
        unanswered: whether the call may have been carried out although no answer came.
        bad_credentials: whether AWS does not accept the caller's credentials: expired, unknown, or wrongly signed.
        fatal: whether every other call would fail likewise: credentials, clock, or the way to AWS.
        throttled: whether AWS asked for fewer calls.
        unreachable: whether no connection came about.
        unreadable: whether the answer was not one of AWS: of a proxy in between, perhaps, or cut.
        may_pass: whether the same call may succeed a little later.
    """

    def __init__(
        self,
        sentence: str,
        next_step: str = "",
        *,
        code: str = "",
        permission: str = "",
        wrong_mfa_code: bool = False,
        login_command: str = "",
    ) -> None:
        super().__init__(sentence, next_step)
        self.code = code
        self.permission = permission
        self.wrong_mfa_code = wrong_mfa_code
        self.login_command = login_command
        self.denied = code in _DENIED
        self.expired = code in _EXPIRED
        self.unanswered = code in _UNANSWERED
        self.bad_credentials = code in _EXPIRED | _UNKNOWN_KEY | _BAD_SIGNATURE
        self.fatal = code in _FATAL
        self.throttled = code in _THROTTLED
        self.unreachable = code in _UNREACHABLE
        self.unreadable = code in _UNREADABLE
        self.may_pass = code in _MAY_PASS


_DENIED: Final = frozenset(
    (
        "AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException",
        "UnauthorizedOperation", "NotAuthorized", "403", "Forbidden",
    )
)  # fmt: skip
_UNSUPPORTED: Final = frozenset(
    ("404", "501", "InvalidAction", "NotImplemented", "NotImplementedError", "UnknownOperationException")
)
_EXPIRED: Final = frozenset(
    ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired", "ExpiredTokenError")
)
_THROTTLED: Final = frozenset(
    (
        "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "TooManyRequests",
        "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "SlowDown",
        "PriorRequestNotComplete", "429",
    )
)  # fmt: skip
_FAILED_INSIDE: Final = frozenset(
    (
        "InternalFailure", "InternalError", "ServiceUnavailable", "ServiceFailure", "500", "502", "503", "504",
    )
)  # fmt: skip
_UNKNOWN_KEY: Final = frozenset(
    (
        "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "NotSignedUp", "OptInRequired",
    )
)  # fmt: skip
_BAD_SIGNATURE: Final = frozenset(
    (
        "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "IncompleteSignatureException",
        "RequestTimeTooSkewed",
    )
)  # fmt: skip
_UNANSWERED: Final = frozenset(
    (
        "AnswerTooLarge", "AnswerTooSlow", "ConnectionClosedError", "HTTPClientError",
        "IncompleteReadError", "ReadTimeoutError", "ResponseParserError", "ResponseStreamingError", "InternalFailure",
        "InternalError", "ServiceUnavailable", "ServiceFailure", "500", "502", "503", "504",
    )
)  # fmt: skip
_FATAL: Final = _EXPIRED | _UNKNOWN_KEY | _BAD_SIGNATURE | {
    "AnswerTooSlow", "ConnectTimeoutError", "ConnectionClosedError", "ConnectionError", "CredentialRetrievalError",
    "EndpointConnectionError", "HTTPClientError", "LoginRefreshRequired", "NoCredentialsError",
    "OtherAccount", "PartialCredentialsError", "ProfileNotFound", "ProxyConnectionError", "ReadTimeoutError",
    "SSLError", "SSOTokenLoadError", "TokenRetrievalError", "UnauthorizedSSOTokenError", "UnclearHost",
}  # fmt: skip
_UNREACHABLE: Final = frozenset(
    ("ConnectTimeoutError", "ConnectionError", "EndpointConnectionError", "ProxyConnectionError")
)
_UNREADABLE: Final = frozenset(kind for kind, words in FAILURES.items() if words in UNREADABLE)
_MAY_PASS: Final = _THROTTLED | _FAILED_INSIDE | _UNREACHABLE | _UNREADABLE | {
    "ConnectionClosedError", "HTTPClientError", "ReadTimeoutError", "RequestTimeout", "RequestTimeoutException",
    "ResponseStreamingError",
}  # fmt: skip


def problem_from(
    error: BaseException,
    *,
    service: str = "",
    operation: str = "",
    profile: str = "",
    endpoint_url: str = "",
    login: str = "",
    certificates: tuple[str, str] = ("", ""),
) -> Problem:
    """Turn whatever a call to AWS raised into a Problem.

    Args:
        error: the exception; a Problem is returned as it is.
        service: botocore's name of the service that was called ("iam"), where known.
        operation: the API operation ("ListUsers"); a ClientError knows it itself.
        profile: the profile in use, to be named in the next step.
        endpoint_url: the endpoint in use when it is not AWS, to be named in the sentence.
        login: the command that renews the sign-in that the profile rests on, or "".
        certificates: the setting that names a file of certificates, and the file, or empty.
    """
    if isinstance(error, Problem):
        return error
    where = CallSite(service, operation, profile, endpoint_url, login, certificates)
    response = getattr(error, "response", None)
    if isinstance(response, dict) and isinstance(response.get("Error"), dict):
        return _from_answer(error, response, where)
    kinds = [kind.__name__ for kind in type(error).__mro__]
    if "ClientError" in kinds:
        # An answer without an error of AWS: the page of a proxy, mostly.
        kinds = ["ResponseParserError"]
    for kind in kinds:
        make = FAILURES.get(kind)
        if make is not None:
            sentence, step = make(error, where)
            return AwsProblem(
                sentence,
                step,
                code=kind,
                permission=_permission(where),
                login_command=login_command(error, where),
            )
    if isinstance(error, RuntimeError) and "still expired" in str(error):
        # What botocore says of keys in the environment whose AWS_CREDENTIAL_EXPIRATION has passed.
        return AwsProblem(f"{capital(where.credentials)} have expired.", where.login_step, code="ExpiredToken")
    name = type(error).__name__
    sentence = f"{where.call} failed: {detail(error) or name}."
    return AwsProblem(sentence, where.check_step, code=name, permission=_permission(where))


def _permission(where: CallSite) -> str:
    return iam_action(where.service, where.operation) if where.service and where.operation else ""


def _from_answer(error: BaseException, response: dict[str, object], where: CallSite) -> AwsProblem:
    answer = response["Error"]
    assert isinstance(answer, dict)
    code = str(answer.get("Code") or "Unknown")
    message = one_line(str(answer.get("Message") or ""))
    if message.startswith("<"):
        # The page of a proxy, which botocore takes for AWS's message.
        message = ""
    where.operation = str(getattr(error, "operation_name", "") or where.operation)
    # A call can also fail at what botocore asks first for the profile's credentials.
    where.service = _OF_CREDENTIALS.get(where.operation, where.service)
    permission = permission_in(message) or _permission(where)
    where.clock_words = _clock_words(response) if code in _BAD_SIGNATURE else ""
    wrong_mfa_code = code in _DENIED and message.startswith(_MFA_FAILED)
    if wrong_mfa_code:
        reason = message.removeprefix(_MFA_FAILED).strip(" ,.").removeprefix("with ") or "it did not say why"
        sentence = f"{capital(where.target)} refused the MFA code: {reason}."
        step = "Wait for the next code, since each works once, and check that the device is the caller's own."
    else:
        sentence, step = _words_for(code, message, permission, where)
    metadata = response.get("ResponseMetadata")
    retries = metadata.get("RetryAttempts") if isinstance(metadata, dict) else None
    if code in _FAILED_INSIDE and isinstance(retries, int) and retries > 0:
        sentence = f"{sentence.removesuffix('.')}, at each of {retries + 1} tries."
    return AwsProblem(sentence, step, code=code, permission=permission, wrong_mfa_code=wrong_mfa_code)


_MFA_FAILED: Final = "MultiFactorAuthentication failed"
"""How STS begins an AccessDenied that is about the device or its code, not about a policy."""


_OF_CREDENTIALS: Final = {operation: service for service, operation in CREDENTIALS}


_NOT_AUTHORIZED: Final = re.compile(r"not authorized to perform:? ([A-Za-z0-9-]+:[A-Za-z0-9*]+)")


def permission_in(message: str) -> str:
    """The action an AccessDenied message names ("... is not authorized to perform: iam:GetUser on ..."), or ""."""
    found = _NOT_AUTHORIZED.search(message)
    return found.group(1) if found else ""


def _words_for(code: str, message: str, permission: str, where: CallSite) -> tuple[str, str]:
    said = f": {message}" if message else ""
    if code in _DENIED:
        return _denied_words(message, permission or where.call, where)
    if where.operation == "AssumeRoleWithWebIdentity" and code in _WEB_IDENTITY_REFUSED:
        return (
            f"The web identity token of {where.owner} has expired or was refused{_said(message)}.",
            (
                "Have the identity provider write a new one to the file that web_identity_token_file or "
                "AWS_WEB_IDENTITY_TOKEN_FILE names, then try again."
            ),
        )
    if code in _EXPIRED:
        return f"{capital(where.credentials)} have expired ({code} from {where.call}).", where.login_step
    if code in _UNKNOWN_KEY:
        return (
            f"{capital(where.target)} does not know the access key of {where.credentials} ({code} from {where.call}).",
            (
                "Check that the key exists, is active and belongs to this partition; a temporary key also needs its "
                "session token."
            ),
        )
    if code in _BAD_SIGNATURE:
        return _signature_words(code, message, where)
    if code in _THROTTLED:
        return (
            f"{capital(where.target)} answered {where.call} with {code} at every try: too many calls in this account.",
            "Wait a minute and try again.",
        )
    if code in ("RegionDisabledException", "RegionDisabled"):
        return (
            "STS is not activated in this region for the account.",
            "Choose another region with --region, or have STS activated there in the account settings of IAM.",
        )
    if code in _UNSUPPORTED:
        return f"{capital(where.target)} does not offer {where.call} ({code}).", where.without_it_step
    assume = _ASSUME_WORDS.get(code)
    if assume is not None:
        return assume(message)
    if code in ("NoSuchEntity", "NoSuchEntityException"):
        return f"{where.call} found nothing{said}.", "It may have been deleted meanwhile: refresh."
    if code in _FAILED_INSIDE:
        return f"{capital(where.target)} failed inside while answering {where.call} ({code}).", where.check_step
    return f"{capital(where.target)} answered {where.call} with {code}{said}.", where.check_step


def _denied_words(message: str, permission: str, where: CallSite) -> tuple[str, str]:
    if permission == "sts:AssumeRole" or where.operation == "AssumeRole":
        return (
            f"AWS denied sts:AssumeRole{': ' + message if message else ''}.",
            (
                "Both the caller's policies and the role's trust policy must allow it, with the MFA code and external "
                "id the trust policy asks for; iamtui can says which side says no."
            ),
        )
    said = f": {message}" if message and permission not in message else ""
    return (
        f"Access denied: the caller may not call {permission}{said}.",
        f"Ask for the permission {permission}, or choose another profile with --profile.",
    )


def _validation_words(message: str) -> tuple[str, str]:
    if "1 hour session limit" in message:
        return (
            f"STS refused the duration: {message}.".replace("..", "."),
            "The caller's credentials are temporary themselves (role chaining), so ask for 3600 seconds or less.",
        )
    if "MaxSessionDuration" in message:
        return (
            f"STS refused the duration: {message}.".replace("..", "."),
            "Ask for at most the role's maximum session duration.",
        )
    if "okenCode" in message:
        return f"STS refused the MFA code: {message}.".replace("..", "."), "An MFA code is exactly six digits."
    return f"AWS refused a value of the request: {message}.".replace("..", "."), "Correct the value and try again."


def _policy_too_large_words(message: str) -> tuple[str, str]:
    return (
        f"The session policies and tags together are too large for STS (PackedPolicyTooLarge{_said(message)}).",
        "Shorten the session policy, or pass fewer policies and tags: the packed size limit counts all of them.",
    )


def _malformed_policy_words(message: str) -> tuple[str, str]:
    return f"STS cannot read the session policy{_said(message)}.", "iamtui lint shows what is wrong with a document."


def _signature_words(code: str, message: str, where: CallSite) -> tuple[str, str]:
    refused = f"{capital(where.target)} refused the signature of the request"
    step = "Set the clock (on Linux, timedatectl status shows whether it is kept right), then try again."
    if where.clock_words:
        return f"{refused}: this machine's clock is {where.clock_words}.", step
    if code == "RequestTimeTooSkewed" or "expired" in message or "not yet current" in message:
        return f"{refused}: this machine's clock is wrong.", step
    return (
        f"{refused} ({code} from {where.call}).",
        "Check the secret access key: it does not belong to the access key, or was copied incompletely.",
    )


def _clock_words(response: dict[str, object]) -> str:
    """How far this machine's clock is off, by the Date of an answer, where AWS would not accept it; else ""."""
    metadata = response.get("ResponseMetadata")
    headers = metadata.get("HTTPHeaders") if isinstance(metadata, dict) else None
    date = headers.get("date") if isinstance(headers, dict) else None
    try:
        ahead = datetime.now(UTC) - parsedate_to_datetime(str(date))
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""
    minutes = round(abs(ahead).total_seconds() / 60)
    if minutes < _SKEW_MINUTES:
        return ""
    return f"{counted(minutes, 'minute')} {'ahead of' if ahead.total_seconds() > 0 else 'behind'} AWS's"


_SKEW_MINUTES: Final = 4
"""AWS refuses signatures that are more than five minutes off; minutes are rounded, and an answer takes a while."""


_WEB_IDENTITY_REFUSED: Final = frozenset(
    (
        "ExpiredToken", "ExpiredTokenException", "InvalidIdentityToken", "InvalidIdentityTokenException",
        "IDPRejectedClaim", "IDPRejectedClaimException",
    )
)  # fmt: skip


_ASSUME_WORDS: Final[dict[str, Callable[[str], tuple[str, str]]]] = {
    "ValidationError": _validation_words,
    "ValidationException": _validation_words,
    "MalformedPolicyDocument": _malformed_policy_words,
    "MalformedPolicyDocumentException": _malformed_policy_words,
    "PackedPolicyTooLarge": _policy_too_large_words,
    "PackedPolicyTooLargeException": _policy_too_large_words,
}


def _said(message: str) -> str:
    return f": {message.rstrip('.')}" if message else ""
