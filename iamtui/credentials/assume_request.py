"""AssumeRoleRequest: what sts:AssumeRole is asked, checked on our side against all of its limits.

The limits and patterns are those of the AssumeRole page of the AWS STS API Reference. botocore checks only
types and minimum lengths, and STS names one problem per attempt; here all problems are named at once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from iamtui.credentials.durations import duration_text, duration_words
from iamtui.problem import Problem
from iamtui.secret import Secret

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
    """Whether the text is shaped like a role's ARN (IAM User Guide: IAM identifiers)."""
    return 20 <= len(text) <= _LONGEST_ARN and _ROLE_ARN.fullmatch(text) is not None


class InvalidRequest(Problem):
    """The request breaks limits of STS, so it was not sent. `problems` has one sentence for each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(" ".join(problems), "Correct it and try again." if len(problems) == 1 else "Correct them.")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class AssumeRoleRequest:
    """The parameters of sts:AssumeRole. A text that is "" and a tuple that is empty are not sent.

    Args:
        role_arn: the role to assume.
        session_name: RoleSessionName, seen in CloudTrail and in the session's ARN.
        duration_seconds: 900 to 43200, and at most the role's MaxSessionDuration.
        external_id: what the role's owner agreed on with a third party; sensitive, so repr leaves it out.
        mfa_serial, mfa_code: serial number or ARN of the caller's MFA device, and its six digits.
        policy: JSON text of an inline session policy.
        policy_arns: managed session policies.
        tags: session tags, as pairs of key and value.
        transitive_tag_keys: keys of `tags` that role chaining passes on.
        source_identity: SourceIdentity, which no later session can change.
    """

    role_arn: str
    session_name: str
    duration_seconds: int = DEFAULT_SECONDS
    external_id: str = field(default="", repr=False)
    mfa_serial: str = ""
    mfa_code: Secret | None = None
    policy: str = ""
    policy_arns: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    transitive_tag_keys: tuple[str, ...] = ()
    source_identity: str = ""

    @property
    def role_name(self) -> str:
        """The role's name, without its path."""
        return self.role_arn.rsplit("/", 1)[-1]

    @property
    def account(self) -> str:
        """The role's account, or "" when the ARN has none."""
        parts = self.role_arn.split(":", 5)
        return parts[4] if len(parts) == 6 else ""

    def problems(self) -> tuple[str, ...]:
        """One sentence for everything STS would refuse about the request as such; empty when all is well."""
        return tuple(_problems(self))

    def policy_problems(self) -> tuple[str, ...]:
        """As `problems`, about the session policies alone."""
        return tuple(_policy_problems(self))

    def parameters(self) -> dict[str, Any]:
        """The parameters as botocore takes them.

        They hold the MFA code in the clear: pass them on, do not keep them in a variable.
        """
        given: dict[str, Any] = {
            "RoleArn": self.role_arn,
            "RoleSessionName": self.session_name,
            "DurationSeconds": self.duration_seconds,
            "ExternalId": self.external_id,
            "SerialNumber": self.mfa_serial,
            "TokenCode": self.mfa_code.reveal() if self.mfa_code is not None else "",
            "Policy": self.policy,
            "PolicyArns": [{"arn": arn} for arn in self.policy_arns],
            "Tags": [{"Key": key, "Value": value} for key, value in self.tags],
            "TransitiveTagKeys": list(self.transitive_tag_keys),
            "SourceIdentity": self.source_identity,
        }
        return {name: value for name, value in given.items() if value not in ("", [])}


def _problems(request: AssumeRoleRequest) -> Iterator[str]:
    if not is_role_arn(request.role_arn):
        yield f'"{request.role_arn}" is not a role ARN; one looks like arn:aws:iam::123456789012:role/NAME.'
    yield from _name_problems("session name", request.session_name, shortest=2, longest=64)
    if not SHORTEST_SECONDS <= request.duration_seconds <= LONGEST_SECONDS:
        yield (
            f"The duration is {duration_words(request.duration_seconds)}; STS takes {duration_text(SHORTEST_SECONDS)} "
            f"to {duration_text(LONGEST_SECONDS)}."
        )
    if request.external_id:
        if not 2 <= len(request.external_id) <= 1224:
            yield f"The external id has {_characters(request.external_id)}; STS takes 2 to 1224."
        if not _EXTERNAL_ID.fullmatch(request.external_id):
            yield "The external id may hold only ASCII letters, digits and _+=,.@:/-."
    yield from mfa_problems(request.mfa_serial, request.mfa_code)
    if request.source_identity:
        yield from _name_problems("source identity", request.source_identity, shortest=2, longest=256)
        if request.source_identity.lower().startswith("aws:"):
            yield 'The source identity must not start with "aws:".'
    yield from _policy_problems(request)
    yield from _tag_problems(request)


def _characters(text: str) -> str:
    return "1 character" if len(text) == 1 else f"{len(text)} characters"


def _name_problems(what: str, name: str, *, shortest: int, longest: int) -> Iterator[str]:
    if not name:
        yield f"The {what} is missing."
        return
    if not shortest <= len(name) <= longest:
        yield f"The {what} has {_characters(name)}; STS takes {shortest} to {longest}."
    if not _NAME.fullmatch(name):
        yield f"The {what} may hold only ASCII letters, digits and _+=,.@-, and no spaces."


def mfa_problems(serial: str, code: Secret | None) -> Iterator[str]:
    """One sentence for everything STS would refuse about an MFA device and its code; nothing when neither is given."""
    if serial:
        if not 9 <= len(serial) <= 256 or not _SERIAL.fullmatch(serial):
            yield (
                "The MFA device is not a serial number or ARN; one looks like "
                "arn:aws:iam::123456789012:mfa/NAME or GAHT12345678."
            )
        if not code:
            yield "The MFA code is missing; it is the six digits that the device shows."
    if code:
        if not _MFA_CODE.fullmatch(code.reveal()):
            yield "The MFA code is exactly six digits."
        if not serial:
            yield "The MFA device is missing; an MFA code needs its serial number or ARN."


def policy_characters(policy: str, policy_arns: tuple[str, ...]) -> int:
    """The characters that count against LONGEST_POLICIES."""
    return len(policy) + sum(map(len, policy_arns))


def _policy_problems(request: AssumeRoleRequest) -> Iterator[str]:
    if not _POLICY_TEXT.fullmatch(request.policy):
        yield "The session policy may hold only tabs, line ends and characters from U+0020 to U+00FF."
    characters = policy_characters(request.policy, request.policy_arns)
    if characters > LONGEST_POLICIES:
        what = "session policies have" if request.policy_arns else "session policy has"
        together = " together" if request.policy_arns else ""
        yield f"The {what} {characters} characters{together}; STS takes {LONGEST_POLICIES} at most."
    if len(request.policy_arns) > _MOST_POLICY_ARNS:
        yield (f"{len(request.policy_arns)} managed session policies are given; STS takes {_MOST_POLICY_ARNS} at most.")
    for arn in request.policy_arns:
        match = _POLICY_ARN.fullmatch(arn)
        if match is None or not 20 <= len(arn) <= _LONGEST_ARN:
            yield f'"{arn}" is not a policy ARN; one looks like arn:aws:iam::123456789012:policy/NAME.'
        elif match.group(1) not in ("aws", request.account):
            yield f"The session policy {arn} is in another account than the role."
        elif arn.split(":")[1] != request.role_arn.partition(":")[2].partition(":")[0]:
            yield f"The session policy {arn} is in another partition than the role."


def _tag_problems(request: AssumeRoleRequest) -> Iterator[str]:
    if len(request.tags) > _MOST_TAGS:
        yield f"{len(request.tags)} session tags are given; STS takes {_MOST_TAGS} at most."
    seen: set[str] = set()
    for key, value in request.tags:
        if not 1 <= len(key) <= _LONGEST_TAG_KEY or not _is_tag_text(key):
            yield f'The tag key "{key}" must have 1 to {_LONGEST_TAG_KEY} letters, digits, spaces or _.:/=+-@.'
        if len(value) > _LONGEST_TAG_VALUE or not _is_tag_text(value):
            yield (
                f'The value of the tag "{key}" must have at most {_LONGEST_TAG_VALUE} letters, digits, spaces '
                "or _.:/=+-@."
            )
        if key.lower().startswith("aws:"):
            yield f'The tag key "{key}" must not start with "aws:".'
        if key.lower() in seen:
            yield f'The tag key "{key}" is given twice; letter case does not make keys differ.'
        seen.add(key.lower())
    transitive: set[str] = set()
    for key in request.transitive_tag_keys:
        if key.lower() not in seen:
            yield f'The transitive tag key "{key}" is not among the session tags.'
        if key.lower() in transitive:
            yield f'The transitive tag key "{key}" is given twice.'
        transitive.add(key.lower())


def _is_tag_text(text: str) -> bool:
    return all(character in _TAG_PUNCTUATION or unicodedata.category(character)[0] in "LZN" for character in text)
