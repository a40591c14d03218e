"""Assuming a role: the STS call, and proof of who one has become."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from msgspec import Struct

from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem
from iamtui.credentials.session import (
    NO_EXTRAS,
    AssumeExtras,
    Clock,
    Session,
    TemporaryCredentials,
    duration_text,
    duration_words,
    malformed_value,
    utc_now,
)
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.text import counted

# AssumeRoleInput: what sts:AssumeRole takes, checked on our side against all of its limits.


SHORTEST_SECONDS: Final = 900
LONGEST_SECONDS: Final = 43_200
DEFAULT_SECONDS: Final = 3_600
CHAINED_SECONDS: Final = 3_600
"""Durations of a session; the last is the most STS gives to a caller with a role's credentials (role chaining)."""

_ROLE_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\x21-\x7e]+")
_POLICY_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::(aws|[0-9]{12}):policy/[\x21-\x7e]+")
_NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@-]*")
_EXTERNAL_ID: Final = re.compile(r"[A-Za-z0-9_+=,.@:/-]*")
_SERIAL: Final = re.compile(r"[A-Za-z0-9_+=/:,.@-]*")
_MFA_CODE: Final = re.compile(r"[0-9]{6}")
_POLICY_TEXT: Final = re.compile(r"[\t\n\r\x20-\xff]*")
_TAG_PUNCTUATION: Final = frozenset("_.:/=+-@")

_LONGEST_ARN: Final = 2048
LONGEST_POLICIES: Final = 2048
"""Characters of the inline session policy and the ARNs of managed ones together."""

_MOST_POLICY_ARNS: Final = 10
_MOST_TAGS: Final = 50
_LONGEST_TAG_KEY: Final = 128
_LONGEST_TAG_VALUE: Final = 256


def is_role_arn(text: str) -> bool:
    """True if the text has the form of a role's ARN (IAM User Guide: IAM identifiers)."""
    return 20 <= len(text) <= _LONGEST_ARN and _ROLE_ARN.fullmatch(text) is not None


class InputName(StrEnum):
    """The inputs of sts:AssumeRole, as a person calls them."""

    ROLE = "role"
    SESSION_NAME = "session name"
    DURATION = "duration"
    EXTERNAL_ID = "external ID"
    MFA_DEVICE = "MFA device"
    MFA_CODE = "MFA code"
    POLICY = "session policy"
    POLICY_ARNS = "managed session policies"
    TAGS = "session tags"
    TRANSITIVE_TAGS = "transitive tags"
    SOURCE_IDENTITY = "source identity"
    SCOPE_DOWN = "scope-down policy"


class InputProblem(NamedTuple):
    """Invalid input of sts:AssumeRole: the input to change, and one sentence."""

    input: InputName
    sentence: str


class InvalidRequest(Problem):
    """The request breaks limits of STS, so it was not sent. Its `problems` name their inputs."""

    def __init__(self, problems: tuple[InputProblem, ...]) -> None:
        sentences = " ".join(problem.sentence for problem in problems)
        super().__init__(sentences, "Correct it and try again." if len(problems) == 1 else "Correct them.")
        self.problems = problems


class MfaWay(StrEnum):
    """How an MFA code reaches STS.

    DIRECT: it goes with sts:AssumeRole and serves this one call. SHARED: it starts a session of the caller
    (sts:GetSessionToken) that serves other roles too. REUSED: no code is needed, such a session is there.
    """

    DIRECT = "direct"
    SHARED = "shared"
    REUSED = "reused"


ANY_CODE: Final = Secret("000000")
"""Stands for an MFA code that will be there, while everything else is planned and checked."""


@dataclass(frozen=True, slots=True)
class AssumeRoleInput:
    """Parameters of sts:AssumeRole, as the user entered them. A text that is "" and a tuple that is empty are not sent.

    Args:
        session_name: RoleSessionName, seen in CloudTrail and in the session's ARN; "" while it is still to be chosen.
        duration_seconds: 900 to 43200, and at most the role's MaxSessionDuration.
        external_id: what the role's owner agreed on with a third party; sensitive, so repr leaves it out.
        mfa_serial, mfa_code: serial number or ARN of the caller's MFA device, and its six digits.
        extras: session policies, session tags and source identity.
        mfa_way: what to do with the code; SHARED and REUSED need the `MfaSessions` that advised it.
    """

    role_arn: str
    session_name: str = ""
    duration_seconds: int = DEFAULT_SECONDS
    external_id: str = field(default="", repr=False)
    mfa_serial: str = ""
    mfa_code: Secret | None = None
    extras: AssumeExtras = NO_EXTRAS
    mfa_way: MfaWay = MfaWay.DIRECT

    @property
    def account(self) -> str:
        parts = self.role_arn.split(":", 5)
        return parts[4] if len(parts) == 6 else ""

    def problems(
        self, longest_seconds: int = LONGEST_SECONDS, why_longest: str = "", inherited: AssumeExtras = NO_EXTRAS
    ) -> tuple[InputProblem, ...]:
        """Everything that STS would refuse about the request as such; empty when all is well.

        Args:
            longest_seconds, why_longest: the longest session that this caller gets of this role, and a sentence on why.
            inherited: what the caller's own session was made with, which no other may contradict (role chaining).
        """
        problems = (*_problems(self), *_chaining_problems(inherited, self.extras))
        return (*problems, *_duration_problems(self, longest_seconds, why_longest))

    def policy_problems(self) -> tuple[InputProblem, ...]:
        """As `problems`, about the session policies alone."""
        return tuple(_policy_problems(self))

    def parameters(self) -> dict[str, Any]:
        """The parameters as botocore takes them: without device and code where a session proves the MFA.

        They hold the MFA code in the clear: pass them on, do not keep them in a variable.
        """
        direct = self.mfa_way is MfaWay.DIRECT
        given: dict[str, Any] = {
            "RoleArn": self.role_arn,
            "RoleSessionName": self.session_name,
            "DurationSeconds": self.duration_seconds,
            "ExternalId": self.external_id,
            "SerialNumber": self.mfa_serial if direct else "",
            "TokenCode": self.mfa_code.reveal() if direct and self.mfa_code is not None else "",
            "Policy": self.extras.policy,
            "PolicyArns": [{"arn": arn} for arn in self.extras.policy_arns],
            "Tags": [{"Key": key, "Value": value} for key, value in self.extras.tags],
            "TransitiveTagKeys": list(self.extras.transitive_tag_keys),
            "SourceIdentity": self.extras.source_identity,
        }
        return {name: value for name, value in given.items() if value not in ("", [])}


def _problems(entered: AssumeRoleInput) -> Iterator[InputProblem]:
    if not is_role_arn(entered.role_arn):
        yield InputProblem(
            InputName.ROLE,
            f'"{entered.role_arn}" is not a role ARN; one looks like arn:aws:iam::123456789012:role/NAME.',
        )
    yield from _name_problems(InputName.SESSION_NAME, entered.session_name, longest=64)
    yield from impossible_durations(entered.duration_seconds)
    if entered.external_id:
        if not 2 <= len(entered.external_id) <= 1224:
            has = counted(len(entered.external_id), "character")
            yield InputProblem(InputName.EXTERNAL_ID, f"The external id has {has}; STS takes 2 to 1224.")
        if not _EXTERNAL_ID.fullmatch(entered.external_id):
            yield InputProblem(
                InputName.EXTERNAL_ID, "The external id may hold only ASCII letters, digits and _+=,.@:/-."
            )
    if entered.mfa_way is not MfaWay.REUSED:
        must = entered.mfa_way is MfaWay.SHARED
        yield from mfa_problems(entered.mfa_serial, entered.mfa_code, must=must)
    identity = entered.extras.source_identity
    if identity:
        yield from _name_problems(InputName.SOURCE_IDENTITY, identity, longest=256)
        if identity.lower().startswith("aws:"):
            yield InputProblem(InputName.SOURCE_IDENTITY, 'The source identity must not start with "aws:".')
    yield from _policy_problems(entered)
    yield from _tag_problems(entered.extras)
    scope_down = entered.extras.scope_down
    if len(scope_down) > LONGEST_POLICIES:
        size = f"The scope-down policy has {len(scope_down)} characters; STS takes {LONGEST_POLICIES} at most."
        yield InputProblem(InputName.SCOPE_DOWN, size)


def _chaining_problems(inherited: AssumeExtras, others: AssumeExtras) -> Iterator[InputProblem]:
    """Inputs that STS refuses to a chained session (IAM User Guide: Pass session tags, chaining roles;
    Monitor and control actions taken with assumed roles)."""
    passed_on = {key.lower() for key in inherited.transitive_tag_keys}
    for key, _ in others.tags:
        if key.lower() in passed_on:
            came = "came as a transitive one with the session that you go on from, and cannot be given anew"
            yield InputProblem(InputName.TAGS, f'The tag "{key}" {came}.')
    identity = inherited.source_identity
    if identity and others.source_identity not in ("", identity):
        yield InputProblem(
            InputName.SOURCE_IDENTITY,
            f"The session that you go on from has the source identity {identity}, which stays.",
        )


def impossible_durations(seconds: int) -> Iterator[InputProblem]:
    """The problem of a duration that STS takes for no role at all."""
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        bounds = f"{duration_text(SHORTEST_SECONDS)} to {duration_text(LONGEST_SECONDS)}"
        yield InputProblem(InputName.DURATION, f"The duration is {duration_words(seconds)}; STS takes {bounds}.")


def _duration_problems(entered: AssumeRoleInput, longest_seconds: int, why: str) -> Iterator[InputProblem]:
    seconds = entered.duration_seconds
    if longest_seconds < seconds <= LONGEST_SECONDS:
        most = f"the {duration_text(longest_seconds)} that this session may last. {why}".rstrip()
    elif entered.mfa_way is not MfaWay.DIRECT and CHAINED_SECONDS < seconds <= longest_seconds:
        most = f"one MFA code for several roles gives: {duration_text(CHAINED_SECONDS)} at most."
    else:
        return
    yield InputProblem(InputName.DURATION, f"A duration of {duration_words(seconds)} is more than {most}")


def _name_problems(what: InputName, name: str, *, longest: int) -> Iterator[InputProblem]:
    if not name:
        yield InputProblem(what, f"The {what} is missing.")
        return
    if not 2 <= len(name) <= longest:
        yield InputProblem(what, f"The {what} has {counted(len(name), 'character')}; STS takes 2 to {longest}.")
    if not _NAME.fullmatch(name):
        yield InputProblem(what, f"The {what} may hold only ASCII letters, digits and _+=,.@-, and no spaces.")


def mfa_problems(serial: str, code: Secret | None, *, must: bool = False) -> Iterator[InputProblem]:
    """Everything that STS would refuse about an MFA device and its code; nothing when neither is given.

    Args:
        must: whether a code has to be there.
    """
    if serial and (not 9 <= len(serial) <= 256 or not _SERIAL.fullmatch(serial)):
        yield InputProblem(
            InputName.MFA_DEVICE,
            "The MFA device is not a serial number or ARN; one looks like "
            "arn:aws:iam::123456789012:mfa/NAME or GAHT12345678.",
        )
    if not code and (serial or must):
        yield InputProblem(InputName.MFA_CODE, "The MFA code is missing; it is the six digits that the device shows.")
    if code and not _MFA_CODE.fullmatch(code.reveal()):
        yield InputProblem(InputName.MFA_CODE, "The MFA code is exactly six digits.")
    if code and not serial:
        yield InputProblem(
            InputName.MFA_DEVICE, "The MFA device is missing; an MFA code needs its serial number or ARN."
        )


def policy_characters(policy: str, policy_arns: tuple[str, ...]) -> int:
    """The characters that count against LONGEST_POLICIES."""
    return len(policy) + sum(map(len, policy_arns))


def _policy_problems(entered: AssumeRoleInput) -> Iterator[InputProblem]:
    policy, arns = entered.extras.policy, entered.extras.policy_arns
    if not _POLICY_TEXT.fullmatch(policy):
        yield InputProblem(
            InputName.POLICY, "The session policy may hold only tabs, line ends and characters from U+0020 to U+00FF."
        )
    characters = policy_characters(policy, arns)
    if characters > LONGEST_POLICIES:
        what = "session policies have" if arns else "session policy has"
        together = " together" if arns else ""
        yield InputProblem(
            InputName.POLICY if policy else InputName.POLICY_ARNS,
            f"The {what} {characters} characters{together}; STS takes {LONGEST_POLICIES} at most.",
        )
    if len(arns) > _MOST_POLICY_ARNS:
        yield InputProblem(
            InputName.POLICY_ARNS,
            f"{len(arns)} managed session policies are given; STS takes {_MOST_POLICY_ARNS} at most.",
        )
    for arn in arns:
        sentence = _policy_arn_problem(arn, entered)
        if sentence:
            yield InputProblem(InputName.POLICY_ARNS, sentence)


def _policy_arn_problem(arn: str, entered: AssumeRoleInput) -> str:
    match = _POLICY_ARN.fullmatch(arn)
    if match is None or not 20 <= len(arn) <= _LONGEST_ARN:
        return f'"{arn}" is not a policy ARN; one looks like arn:aws:iam::123456789012:policy/NAME.'
    if not is_role_arn(entered.role_arn):
        return ""
    if match.group(1) not in ("aws", entered.account):
        return f"The session policy {arn} is in another account than the role."
    if arn.split(":")[1] != entered.role_arn.split(":")[1]:
        return f"The session policy {arn} is in another partition than the role."
    return ""


def _tag_problems(extras: AssumeExtras) -> Iterator[InputProblem]:
    if len(extras.tags) > _MOST_TAGS:
        yield InputProblem(
            InputName.TAGS, f"{len(extras.tags)} session tags are given; STS takes {_MOST_TAGS} at most."
        )
    seen: set[str] = set()
    for key, value in extras.tags:
        if not 1 <= len(key) <= _LONGEST_TAG_KEY or not _is_tag_text(key):
            yield InputProblem(
                InputName.TAGS,
                f'The tag key "{key}" must have 1 to {_LONGEST_TAG_KEY} letters, digits, spaces or _.:/=+-@.',
            )
        if len(value) > _LONGEST_TAG_VALUE or not _is_tag_text(value):
            yield InputProblem(
                InputName.TAGS,
                f'The value of the tag "{key}" must have at most {_LONGEST_TAG_VALUE} letters, digits, spaces '
                "or _.:/=+-@.",
            )
        if key.lower().startswith("aws:"):
            yield InputProblem(InputName.TAGS, f'The tag key "{key}" must not start with "aws:".')
        if key.lower() in seen:
            yield InputProblem(
                InputName.TAGS, f'The tag key "{key}" is given twice; letter case does not make keys differ.'
            )
        seen.add(key.lower())
    transitive: set[str] = set()
    for key in extras.transitive_tag_keys:
        if key.lower() not in seen:
            yield InputProblem(
                InputName.TRANSITIVE_TAGS, f'The transitive tag key "{key}" is not among the session tags.'
            )
        if key.lower() in transitive:
            yield InputProblem(InputName.TRANSITIVE_TAGS, f'The transitive tag key "{key}" is given twice.')
        transitive.add(key.lower())


def _is_tag_text(text: str) -> bool:
    return all(character in _TAG_PUNCTUATION or unicodedata.category(character)[0] in "LZN" for character in text)


# A distrustful reading of what STS answers: its values end in shells and files, and an endpoint may lie.


LONGEST_LIFE: Final = timedelta(hours=36)
"""No STS credentials live longer (GetSessionToken and GetFederationToken: 129,600 seconds)."""

_SMALLEST_SKEW: Final = timedelta(seconds=2)
"""Below this, whole seconds in the Date header and the way of the answer explain the difference."""


def ask_for_credentials(
    call: Callable[[], dict[str, Any]], what: str, now: Callable[[], datetime], *, mfa_code: Secret | None = None
) -> TemporaryCredentials:
    """Make a call of STS that answers with Credentials, and check them. Blocking.

    Args:
        call: makes the call; its frames may hold secrets, and are not kept.
        what: the call, for sentences ("sts:AssumeRole").
        mfa_code: the code in the request, if any: STS repeats values that it refuses, and our sentences must not.

    Raises:
        AwsProblem: STS refused, or could not be reached.
        Problem: the answer is none that STS would give.
    """
    answer = _asked(call, mfa_code)
    local = now()
    skew = _clock_skew(answer.server_time, local)
    expires_at = _checked_end(answer, what, local + skew)
    return TemporaryCredentials(
        access_key_id=answer.access_key_id,
        secret_access_key=answer.secret_access_key,
        session_token=answer.session_token,
        expires_at=expires_at,
        assumed_at=local + skew,
        clock_skew=skew,
    )


class _Answer(Struct, frozen=True):
    """Response of sts:AssumeRole, unchecked; the secrets already wrapped."""

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret
    expires_at: datetime | None
    server_time: datetime | None

    @classmethod
    def of(cls, response: dict[str, Any]) -> _Answer:
        """Wrap an answer. Never raises, so that no traceback can hold it."""
        given = _mapping(response.get("Credentials"))
        headers = _mapping(_mapping(response.get("ResponseMetadata")).get("HTTPHeaders"))
        expiration = given.get("Expiration")
        return cls(
            _text(given.get("AccessKeyId")),
            Secret(_text(given.get("SecretAccessKey"))),
            Secret(_text(given.get("SessionToken"))),
            expiration if isinstance(expiration, datetime) and expiration.tzinfo is not None else None,
            _http_date(_text(headers.get("date"))),
        )


def clock_skew_of(response: dict[str, Any], local: datetime) -> timedelta:
    """Server clock minus local clock, by the Date header of an answer that came at `local`; zero when it has none."""
    headers = _mapping(_mapping(response.get("ResponseMetadata")).get("HTTPHeaders"))
    return _clock_skew(_http_date(_text(headers.get("date"))), local)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _http_date(text: str) -> datetime | None:
    """The time of a Date header (RFC 9110), UTC, or None when it cannot be read."""
    try:
        when = parsedate_to_datetime(text)
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _asked(call: Callable[[], dict[str, Any]], mfa_code: Secret | None) -> _Answer:
    try:
        return _Answer.of(call())
    except Problem as failure:
        problem = failure
    if mfa_code:
        problem.sentence = re.sub(f"(?<![0-9]){re.escape(mfa_code.reveal())}(?![0-9])", "••••", problem.sentence)
        problem.args = (problem.sentence,)
    # The frames of the call hold the MFA code and the external id, and the error behind the Problem does too.
    problem.__context__ = problem.__cause__ = None
    raise problem.with_traceback(None)


def _clock_skew(server_time: datetime | None, now: datetime) -> timedelta:
    if server_time is None:
        return timedelta()
    skew = server_time - now
    return skew if abs(skew) >= _SMALLEST_SKEW else timedelta()


def _checked_end(answer: _Answer, what: str, server_now: datetime) -> datetime:
    """Refuse what STS would never answer: it could be code in the shell that the credentials are exported to."""
    step = "Check what answers the calls: the endpoint, or a proxy in between; nothing of the answer was used."
    wrong = malformed_value(answer.access_key_id, answer.secret_access_key, answer.session_token)
    if wrong is not None:
        raise Problem(f"The answer to {what} has no valid {wrong[0]}.", step)
    if answer.expires_at is None:
        raise Problem(f"The answer to {what} has no valid Expiration.", step)
    if answer.expires_at <= server_now:
        raise Problem(f"The credentials that {what} answered have already expired.", step)
    if answer.expires_at - server_now > LONGEST_LIFE:
        raise Problem(
            f"The credentials that {what} answered would last longer than 36 hours, the limit of a session.", step
        )
    return answer.expires_at


def assume_role(
    connection: Connection,
    entered: AssumeRoleInput,
    *,
    source_arn: str = "",
    demo: bool = False,
    clock: Clock = utc_now,
) -> Session:
    """Call sts:AssumeRole, then GetCallerIdentity with what it gave. Blocking.

    Args:
        source_arn: who the caller is, to be kept in the session.
        demo: whether to mark the session, and so its exports, as DEMO.

    Raises:
        AwsProblem: STS refused, or could not be reached.
        Problem: the answer is none that STS would give.
    """
    given = ask_for_credentials(
        lambda: connection.call("sts", "AssumeRole", dict, **entered.parameters()),
        "sts:AssumeRole",
        clock,
        mfa_code=entered.mfa_code,
    )
    session = given.given_to(
        Session,
        role_arn=entered.role_arn,
        session_name=entered.session_name,
        source_arn=source_arn,
        region=connection.region,
        demo=demo,
        from_long_term=_is_long_term(connection),
        endpoint_url=connection.endpoint_url,
    )
    if entered.extras.scope_down:
        session = _scoped_down(connection, session, entered.extras.scope_down, clock)
    try:
        with session.connection(connection) as own:
            identity = own.caller()
    except Problem as problem:
        return session.identified(None, str(problem))
    role = entered.role_arn.rsplit("/", 1)[-1]
    # Of the partition, too: an id is that of another account in each.
    partition = entered.role_arn.partition(":iam:")[0]
    expected = f"{partition}:sts::{entered.account}:assumed-role/{role}/{entered.session_name}"
    if identity.account == entered.account and identity.arn == expected:
        return session.identified(identity, "")
    whose = identity.arn or "nobody"
    return session.identified(identity, f"These credentials belong to {whose}, not to the session that was asked for.")


def _scoped_down(connection: Connection, session: Session, policy: str, clock: Clock) -> Session:
    """The session with what both its own permissions and a policy allow (STS API Reference: GetScopedCredentials).

    The wider credentials are wiped, also where STS refuses: nobody gets more than was asked for.
    """
    try:
        with session.connection(connection) as own:
            given = ask_for_credentials(
                lambda: own.call("sts", "GetScopedCredentials", dict, Policy=policy), "sts:GetScopedCredentials", clock
            )
    except AwsProblem as problem:
        failure = Problem(
            f"The session was not scoped down, so it was dropped: {problem.sentence}",
            "The policy can be given as a session policy with --policy instead, which every Region takes.",
        )
    else:
        narrowed = {entry.name: getattr(given, entry.name) for entry in fields(given)}
        return replace(session, **{**narrowed, "expires_at": min(given.expires_at, session.expires_at)})
    finally:
        session.wipe()
    raise failure from None


def _is_long_term(connection: Connection) -> bool:
    """True if the caller is known to have long-term keys."""
    try:
        return not connection.is_temporary()
    except Problem:
        return False


# MfaSession: a session of an IAM user that carries the MFA, given by sts:GetSessionToken for one code.


LEAST_LEFT: Final = timedelta(minutes=2)
"""With less left a session is not used any more, and the next code starts another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MfaSession(TemporaryCredentials):
    """Temporary credentials of an IAM user who has shown an MFA code."""

    caller_arn: str
    serial: str

    def age(self, now: datetime | None = None) -> timedelta:
        """How long ago the code was given: what aws:MultiFactorAuthAge says of its requests."""
        return max((now or utc_now()) - self.code_at, timedelta())

    @property
    def code_at(self) -> datetime:
        """When the code was given, by the local clock, UTC."""
        return self.assumed_at - self.clock_skew


def start_mfa_session(
    connection: Connection, *, caller_arn: str, serial: str, code: Secret, seconds: int, clock: Clock = utc_now
) -> MfaSession:
    """Call sts:GetSessionToken with an MFA code. Blocking.

    Args:
        connection: the caller, an IAM user with long-term credentials: STS refuses it to all others.
        serial, code: the device and its six digits, which work once.
        seconds: how long it shall live, 900 to 129,600.

    Raises:
        InvalidRequest: the device or the code is none; nothing was sent.
        AwsProblem: STS refused, or could not be reached.
        Problem: the answer is none that STS would give.
    """
    problems = tuple(mfa_problems(serial, code, must=True))
    if problems:
        raise InvalidRequest(problems)
    given = ask_for_credentials(
        lambda: connection.call(
            "sts", "GetSessionToken", dict, DurationSeconds=seconds, SerialNumber=serial, TokenCode=code.reveal()
        ),
        "sts:GetSessionToken",
        clock,
        mfa_code=code,
    )
    return given.given_to(MfaSession, caller_arn=caller_arn, serial=serial)
