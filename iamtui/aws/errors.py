"""Failed calls as problems, one sentence and the next step for each.

AWS error codes, and failures on this side: set-up, credentials, network, malformed answers.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

from msgspec import Struct

from iamtui.aws.credential_process import OF_A_PROFILE
from iamtui.aws.operations import CREDENTIALS, iam_action
from iamtui.paths import home_expanded, is_folder
from iamtui.problem import Problem
from iamtui.text import counted

_LONGEST_DETAIL: Final = 400
_PROXY_ANSWER: Final = re.compile(r"Tunnel connection failed: (\d{3})")

OFFLINE_STEP: Final = "Without AWS, --demo opens a made-up account and --snapshot FILE a saved one."


def capital(text: str) -> str:
    """The text with a capital letter at its start; a URL stays as it is."""
    return text[:1].upper() + text[1:] if not text.startswith("http") else text


def one_line(text: str) -> str:
    """The text on one line, without a full stop at its end, cut when it is very long."""
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= _LONGEST_DETAIL else text[: _LONGEST_DETAIL - 1] + "…"


def detail(error: BaseException) -> str:
    return one_line(str(error))


class CallSite(Struct):
    """An AWS call and its configuration, as words for error messages.

    Args:
        service, operation: botocore's name of the service and the API operation, or "" where unknown.
        endpoint_url: the endpoint in use when it is not AWS, or "".
        login: the command that renews the sign-in that the credentials rest on, or "" where they rest on none.
        certificates: the setting that names a file of certificates, and the file; empty where none is set.
    """

    service: str
    operation: str
    profile: str
    endpoint_url: str
    login: str = ""
    certificates: tuple[str, str] = ("", "")
    clock_words: str = ""
    """How far this machine's clock is off, where that is why the call failed, or ""."""

    @property
    def call(self) -> str:
        """The call: "iam:ListUsers"."""
        if self.service and self.operation:
            return f"{self.service}:{self.operation}"
        return self.operation or self.service or "The call to AWS"

    @property
    def called(self) -> str:
        """The call within a sentence: "iam:ListUsers"."""
        return self.call if self.service or self.operation else "a call"

    @property
    def target(self) -> str:
        """Who was called: "AWS", or the URL of the endpoint."""
        return self.endpoint_url or "AWS"

    @property
    def credentials(self) -> str:
        return f'the credentials of profile "{self.profile}"' if self.profile else "the credentials"

    @property
    def owner(self) -> str:
        """Which profile the credentials come from."""
        return f'profile "{self.profile}"' if self.profile else "the default profile"

    @property
    def profile_option(self) -> str:
        """` --profile NAME` quoted for a shell, or nothing."""
        return f" --profile {shlex.quote(self.profile)}" if self.profile else ""

    @property
    def login_step(self) -> str:
        """How to renew the credentials."""
        if self.login:
            return f"Run {self.login}, then refresh; or choose another profile."
        if self.profile:
            return "Renew them where they came from, then refresh; or choose another profile."
        return (
            "Renew them where they came from (aws sso login, or new AWS_* variables), then start again, "
            "or choose another profile with --profile."
        )

    @property
    def check_step(self) -> str:
        """Next step when nothing more specific is known."""
        if self.endpoint_url:
            return "Check that --endpoint-url names an AWS-compatible endpoint that is running."
        return "Try again; if it stays, the AWS CLI with the same profile shows whether AWS or the set-up is at fault."

    @property
    def without_it_step(self) -> str:
        """Next step for an operation that does not exist at this endpoint or in this Region."""
        if self.endpoint_url:
            return "Everything else works without it; only the result of this call stays unknown."
        return "The service may not exist in this region; choose another with --region."


Words = Callable[[BaseException, CallSite], tuple[str, str]]


def _no_credentials(_error: BaseException, where: CallSite) -> tuple[str, str]:
    if where.profile:
        return (
            f'Profile "{where.profile}" has no credentials.',
            f"Set it up with aws configure{where.profile_option} (or aws configure sso), or choose another. "
            + OFFLINE_STEP,
        )
    return (
        "No AWS credentials were found in the environment or in the default profile.",
        "Choose a profile with --profile, or set AWS_PROFILE. " + OFFLINE_STEP,
    )


def _lost_file(error: BaseException, where: CallSite) -> tuple[str, str]:
    name = getattr(error, "filename", None) or detail(error) or "its name is not known"
    return (
        f"A file or program that {where.credentials} need cannot be used: {name}.",
        "Correct the AWS config file, or choose another profile.",
    )


def _retrieval_failed(error: BaseException, where: CallSite) -> tuple[str, str]:
    if "custom-process" in str(error):
        _, of_iamtui, said = str(error).rpartition("iamtui: ")
        said = one_line(said)
        if of_iamtui and said.startswith(OF_A_PROFILE):
            # The innermost of several that run each other.
            return f"{said}.", ""
        if of_iamtui:
            return f"{OF_A_PROFILE} {where.owner} is iamtui, and that failed: {said}.", ""
        reason = one_line(str(error).rpartition("custom-process:")[2]) or "it gave no reason"
        return f"{OF_A_PROFILE} {where.owner} failed: {reason}.", (
            "Run that command by hand in the folder / to see why: it needs the whole paths of its files. "
            "It must print one JSON object with Version 1."
        )
    return f"{capital(where.credentials)} could not be obtained: {detail(error)}.", where.login_step


def login_command(error: BaseException, where: CallSite) -> str:
    """The command that renews the sign-in whose end this exception reports, or ""."""
    for kind in type(error).__mro__:
        command = _LOGINS.get(kind.__name__)
        if command is not None:
            return where.login if where.login.startswith(f"{command} ") else f"{command}{where.profile_option}"
    return ""


_LOGINS: Final = {
    "TokenRetrievalError": "aws sso login",
    "SSOTokenLoadError": "aws sso login",
    "UnauthorizedSSOTokenError": "aws sso login",
    "SSOError": "aws sso login",
    "LoginError": "aws login",
}


def _refused(_error: BaseException, where: CallSite) -> tuple[str, str]:
    if where.endpoint_url:
        return f"Nothing answers at {where.endpoint_url}.", "Start the endpoint, or correct --endpoint-url."
    return (
        f"{where.call} could not reach AWS.",
        "Check the network, the proxy settings and that the region exists. " + OFFLINE_STEP,
    )


def _unreadable_answer(error: BaseException, where: CallSite) -> tuple[str, str]:
    # Outside of a call, the same kinds of exception are no answer's fault.
    if not where.operation:
        kind = type(error).__name__
        sentence = f"{capital(where.credentials)} could not be read: a part of them has an unexpected form ({kind})."
        return sentence, where.login_step
    return (
        f"{capital(where.target)} answered {where.called} with something that is not an AWS answer.",
        "A proxy's or captive portal's page looks like this, or an emulator that does not know the operation."
        if not where.endpoint_url
        else "Check that --endpoint-url names an AWS-compatible endpoint that knows this operation.",
    )


def _unexpected_answer(error: BaseException, where: CallSite) -> tuple[str, str]:
    sentence, step = _unreadable_answer(error, where)
    return f"{sentence.rstrip('.')} ({detail(error).replace('`', '')}).", step


def _bad_parameter(error: BaseException, where: CallSite) -> tuple[str, str]:
    report = str(error).partition("\n")[2] or str(error)
    return f"{where.call} was not sent, because a value is not acceptable: {one_line(report)}.", (
        "Correct the value and try again."
    )


def _too_slow(error: BaseException, where: CallSite) -> tuple[str, str]:
    return (
        f"{capital(where.target)} did not finish its answer to {where.called} within {detail(error)}.",
        "Try again; a proxy or VPN in between may slow answers down."
        if not where.endpoint_url
        else "Check that --endpoint-url names an AWS-compatible endpoint that is not overloaded.",
    )


def _not_verified(_error: BaseException, where: CallSite) -> tuple[str, str]:
    setting, file = where.certificates
    if not setting:
        return (
            f"The TLS certificate of {where.target} could not be verified, so nothing was sent.",
            "If a company proxy re-signs traffic, name its certificates in AWS_CA_BUNDLE.",
        )
    path = home_expanded(file)
    try:
        if is_folder(path):
            wrong = "is a folder, not a file"
        else:
            wrong = "" if _holds_certificates(path) else "holds no certificates"
    except OSError as failed:
        wrong = "does not exist" if isinstance(failed, FileNotFoundError) else "cannot be read"
    if wrong:
        sentence = f"{setting} names {file}, which {wrong}: the TLS certificate of {where.target} could not be verified"
        return f"{sentence}, so nothing was sent.", f"Correct {setting}, or unset it."
    sentence = f"The TLS certificate of {where.target} could not be verified with those in {file} ({setting})"
    step = "the file must hold the certificate of who signed it, a company proxy or AWS; or unset it."
    return f"{sentence}, so nothing was sent.", f"Correct {setting}: {step}"


def _not_through_proxy(error: BaseException, where: CallSite) -> tuple[str, str]:
    facts = getattr(error, "kwargs", {})
    # Without the user and the password that may stand in the URL.
    scheme, _, host = str(facts.get("proxy_url", "")).rpartition("://")
    proxy = one_line(f"{scheme or 'http'}://{host.rpartition('@')[2]}")
    answer = _PROXY_ANSWER.search(f"{error} {facts.get('error', '')}")
    if answer is None:
        return f"The HTTP proxy {proxy} cannot be reached.", "Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY."
    if answer[1] == "407":
        return (
            f"The HTTP proxy {proxy} asks for credentials (407), so {where.called} did not get through to AWS.",
            "Put a user and a password that it takes into HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT.",
        )
    return (
        f"The HTTP proxy {proxy} did not let {where.called} through to AWS ({answer[1]}).",
        "Check HTTPS_PROXY and NO_PROXY, and whether the proxy lets this host through.",
    )


def _holds_certificates(path: Path) -> bool:
    with path.open("rb") as file:
        return b"-----BEGIN " in file.read(1024**2)


def _says(sentence: str, step: str) -> Words:
    """Words that are the same for all failures of a kind but for the names in braces."""

    def words(error: BaseException, where: CallSite) -> tuple[str, str]:
        names = {
            "call": where.call,
            "called": where.called,
            "target": where.target,
            "Target": capital(where.target),
            "credentials": where.credentials,
            "Credentials": capital(where.credentials),
            "owner": where.owner,
            "detail": detail(error),
            "login": login_command(error, where),
            "login_step": where.login_step,
            "check_step": where.check_step,
            "without_it_step": where.without_it_step,
        }
        return sentence.format(**names), step.format(**names)

    return words


_bad_config = _says("The AWS configuration cannot be read: {detail}.", "Correct the file, or the AWS_ variable.")
_bad_region = _says("That is not a region: {detail}.", 'A region looks like "eu-central-1".')
_closed = _says(
    "The connection to {target} was cut during {called}.", "Try again; a proxy or VPN in between may cut connections."
)


def _http_failed(error: BaseException, where: CallSite) -> tuple[str, str]:
    if "Invalid header value" in str(error):
        # The text goes on with the value: the token, or the whole signature.
        return (
            f"{capital(where.credentials)} hold a line break or another character that no request can carry.",
            "Write them anew in the AWS config files or the environment.",
        )
    return _closed(error, where)


_not_offered = _says("{Target} does not offer {called}.", "{without_it_step}")
_sso_login = _says("The IAM Identity Center session of {owner} is missing or has expired ({detail}).", "Run: {login}")

# By the names of the exceptions, so that this module costs no import of botocore.
FAILURES: Final[dict[str, Words]] = {
    "NoCredentialsError": _no_credentials,
    "NoAuthTokenError": _no_credentials,
    "PartialCredentialsError": _says(
        "{Credentials} are incomplete: {detail}.", "Complete them in the AWS config files or the environment."
    ),
    "FileNotFoundError": _lost_file,
    "PermissionError": _lost_file,
    "ProfileNotFound": _says(
        "{detail}.", "aws configure list-profiles shows the names; the files are ~/.aws/config and ~/.aws/credentials."
    ),
    "ConfigParseError": _bad_config,
    "ConfigNotFound": _bad_config,
    "InfiniteLoopConfigError": _says(
        "The profile's source_profile settings lead in a circle: {detail}.",
        "Break the circle in the AWS config file, or choose another profile.",
    ),
    "InvalidConfigError": _bad_config,
    "UnknownCredentialError": _bad_config,
    "InvalidIMDSEndpointError": _bad_config,
    "InvalidIMDSEndpointModeError": _bad_config,
    "InvalidSTSRegionalEndpointsConfigError": _bad_config,
    "CredentialRetrievalError": _retrieval_failed,
    "TokenRetrievalError": _sso_login,
    "SSOTokenLoadError": _sso_login,
    "UnauthorizedSSOTokenError": _sso_login,
    "SSOError": _sso_login,
    "LoginError": _says("The sign-in session of {owner} cannot be used: {detail}.", "Run: {login}"),
    "RefreshWithMFAUnsupportedError": _says(
        "{Credentials} need an MFA code, which cannot be asked for here.",
        "Name a source_profile in place of its credential_source, or choose another profile.",
    ),
    "MetadataRetrievalError": _says(
        "The credentials service of this machine failed: {detail}.", "Try again, or choose a profile with --profile."
    ),
    "MissingDependencyException": _says(
        "The profile needs a library that is not installed: {detail}.",
        "Install botocore[crt] beside iamtui, or choose another profile.",
    ),
    "ProxyConnectionError": _not_through_proxy,
    "SSLError": _not_verified,
    "EndpointConnectionError": _refused,
    "ConnectTimeoutError": _refused,
    "ReadTimeoutError": _says(
        "{Target} did not answer {called} in time.", "Try again; a proxy or VPN in between may hold the answer back."
    ),
    "ConnectionClosedError": _closed,
    "IncompleteReadError": _closed,
    "ResponseStreamingError": _closed,
    "HTTPClientError": _http_failed,
    "ConnectionError": _refused,
    "ResponseParserError": _unreadable_answer,
    "UnexpectedAnswer": _unexpected_answer,
    # What botocore's parsers raise over an answer that is well-formed, but of another shape.
    "LookupError": _unreadable_answer,
    "TypeError": _unreadable_answer,
    "AttributeError": _unreadable_answer,
    "ParseError": _unreadable_answer,
    "OverflowError": _unreadable_answer,
    "ParserError": _unreadable_answer,
    "RecursionError": _unreadable_answer,
    "UnicodeDecodeError": _unreadable_answer,
    "NotImplementedError": _not_offered,
    "UnknownServiceError": _not_offered,
    "NoRegionError": _says("{call} needs a region, and none is set.", "Give one with --region, or set AWS_REGION."),
    "UnknownRegionError": _bad_region,
    "InvalidRegionError": _bad_region,
    "UnknownEndpointError": _bad_region,
    "EndpointResolutionError": _bad_region,
    "ParamValidationError": _bad_parameter,
    "ValidationError": _bad_parameter,
    "PaginationError": _says("{Target} repeated a page of {called}: {detail}.", "{check_step}"),
    "AnswerTooLarge": _says(
        "{Target} answered {called} with more than {detail}; the rest was not read.",
        "That is not AWS: check the endpoint.",
    ),
    "AnswerTooSlow": _too_slow,
    "UnclearHost": _says(
        "{detail} can be read as that of another host: nothing was sent.", "Write it as http://HOST:PORT/PATH."
    ),
    "JSONDecodeError": _says(
        "The credential_process of {owner} did not print what it should: {detail}.",
        "Run that command by hand; it must print one JSON object with Version 1.",
    ),
}

UNREADABLE: Final = (_unreadable_answer, _unexpected_answer)
"""The words of those failures in which something came that is not an answer of AWS."""


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
