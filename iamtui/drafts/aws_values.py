"""Names, paths, ARNs, ids and tags as AWS takes them: each value of an export is checked against its kind."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from iamtui.account.model import LEVEL_ID as LEVEL_ID_PATTERN
from iamtui.account.model import Account, Fact, OrganizationLevel, OrganizationPolicy
from iamtui.policy.patterns import Arn, is_account_id, parse_arn
from iamtui.problem import Problem
from iamtui.resource_policy_services import SERVICE_SPECS
from iamtui.text import safe_text

SCP: Final = "SERVICE_CONTROL_POLICY"
RCP: Final = "RESOURCE_CONTROL_POLICY"
"""Type of RCPs in AWS Organizations (Organizations API Reference: AttachPolicy)."""


class InvalidValue(Problem):
    """A value of an edit or an account that AWS does not have."""


@dataclass(frozen=True, slots=True)
class ValueKind:
    """A kind of value.

    Args:
        words: what it is called ("a name of an IAM entity").
    """

    words: str
    expected: str
    test: Callable[[str], object]

    def checked(self, value: str) -> str:
        """The value itself.

        Raises:
            InvalidValue: it is not one in AWS.
        """
        if not self.test(value):
            shown = safe_text(value, limit=160) or "an empty text"
            raise InvalidValue(f"{shown} is not {self.words} in AWS ({self.expected})")
        return value


def _pattern(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern, re.ASCII).fullmatch


def _in_tags(text: str) -> bool:
    return all(unicodedata.category(character)[0] in "LNZ" or character in "_.:/=+-@" for character in text)


def _is_resource(text: str) -> bool:
    arn = parse_arn(text)
    spec = SERVICE_SPECS.get(arn.service) if arn is not None else None
    if arn is None or spec is None or not spec.writes:
        return False
    return _in_place(arn) and bool(re.fullmatch(spec.names, arn.resource, re.ASCII))


def _in_place(arn: Arn) -> bool:
    """True if partition, Region and account are possible; S3 leaves the last two out."""
    if not _PARTITION(arn.partition):
        return False
    if arn.service == "s3":
        return not arn.region and not arn.account
    return bool(_REGION(arn.region)) and is_account_id(arn.account)


_PARTITION: Final = _pattern("aws(-[a-z]{1,16}){0,3}")
_REGION: Final = _pattern("[a-z]{2,8}(-[a-z0-9]{1,16}){1,4}")
_NAME: Final = r"[\w+=,.@-]{1,128}"

# IAM API Reference, data types: names, paths, versions, descriptions, tags.
NAME: Final = ValueKind("a valid name", "1 to 128 letters, digits and characters of +=,.@-_", _pattern(_NAME))
PATH: Final = ValueKind("a valid path", "ASCII between two slashes", _pattern("/|/[!-~]{1,510}/"))
POLICY_PATH: Final = ValueKind(
    "a valid path of a policy",
    "letters, digits and characters of +=,.@-_ between slashes",
    _pattern(r"(/[\w.,+@=-]+)*/"),
)
POLICY_ARN: Final = ValueKind(
    "the ARN of a managed policy",
    "arn:aws:iam::ACCOUNT:policy/NAME",
    _pattern(rf"arn:aws(-[a-z]{{1,16}}){{0,3}}:iam::(aws|[0-9]{{12}}):policy(/[\w.,+@=-]+)*/{_NAME}"),
)
VERSION_ID: Final = ValueKind("the id of a version", "such as v2", _pattern(r"v[1-9][0-9]{0,9}(\.[A-Za-z0-9-]{0,64})?"))
SESSION_SECONDS: Final = ValueKind(
    "a longest session", "3600 to 43200 seconds", lambda text: text.isdecimal() and 3600 <= int(text) <= 43200
)
ROLE_DESCRIPTION: Final = ValueKind(
    "a description of a role", "at most 1,000 characters of Latin-1", _pattern("[\t\n\r -~\u00a1-\u00ff]{0,1000}")
)
POLICY_DESCRIPTION: Final = ValueKind(
    "a description of a policy", "at most 1,000 characters", _pattern("[^\0-\x08\x0b\x0c\x0e-\x1f\x7f]{0,1000}")
)
_TAG_CHARACTERS: Final = "letters, digits, spaces and characters of _.:/=+-@"
TAG_KEY: Final = ValueKind(
    "the key of a tag", f"1 to 128 {_TAG_CHARACTERS}", lambda text: 1 <= len(text) <= 128 and _in_tags(text)
)
TAG_VALUE: Final = ValueKind(
    "the value of a tag", f"at most 256 {_TAG_CHARACTERS}", lambda text: len(text) <= 256 and _in_tags(text)
)

# Organizations API Reference, data types. Ids may be shorter than AWS makes them: what they consist of is what counts.
ORGANIZATION_POLICY_NAME: Final = ValueKind(
    "the name of an organization policy",
    "1 to 128 visible characters",
    lambda text: bool(text.strip()) and len(text) <= 128 and safe_text(text, limit=None) == text,
)
ORGANIZATION_POLICY_ID: Final = ValueKind(
    "the id of an organization policy", "p-…, of letters and digits", _pattern(r"p-\w{1,128}")
)
ORGANIZATION_POLICY_TYPE: Final = ValueKind("a type of organization policy", f"{SCP} or {RCP}", (SCP, RCP).__contains__)
LEVEL_ID: Final = ValueKind(
    "the id of a root, an OU or an account", "r-…, ou-… or 12 digits", _pattern(LEVEL_ID_PATTERN)
)
ACCESS_KEY_ID: Final = ValueKind(
    "the id of an access key", "16 to 128 letters and digits", _pattern("[A-Z0-9a-z]{16,128}")
)
MFA_SERIAL: Final = ValueKind(
    "the serial number of an MFA device", "9 to 256 letters, digits and =/:,.@-", _pattern(r"[\w+=/:,.@-]{9,256}")
)
ACCOUNT_ID: Final = ValueKind("the id of an account", "12 digits", is_account_id)

RESOURCE_ARN: Final = ValueKind(
    "the ARN of a resource whose policy can be written", "its service's own form, as arn:aws:s3:::bucket", _is_resource
)


def iam_kind_and_name(arn: str) -> tuple[str, str]:
    """("user", NAME), ("group", NAME) or ("role", NAME) of an ARN.

    Raises:
        InvalidValue: it is not the ARN of one.
    """
    parsed = parse_arn(arn)
    kind = parsed.resource_type if parsed is not None else ""
    if parsed is None or parsed.service != "iam" or kind not in ("user", "group", "role"):
        shown = safe_text(arn, limit=256) or "an empty text"
        raise InvalidValue(f"{shown} is not the ARN of a user, group or role in AWS (arn:aws:iam::ACCOUNT:user/NAME)")
    return kind, NAME.checked(parsed.name)


_SHORT: Final = {SCP: "SCP", RCP: "RCP"}


def entity_name(arn: str) -> str:
    """`user/alice` for the ARN of an IAM entity (names are unique without their path), else the text itself."""
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "iam" or "/" not in parsed.resource:
        return arn or "nobody"
    return f"{parsed.resource_type}/{parsed.name}"


def policy_name(arn: str) -> str:
    """The name of a managed policy; one of AWS says so: "ReadOnlyAccess (AWS)"."""
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "iam":
        return arn or "no policy"
    return f"{parsed.name} (AWS)" if parsed.account == "aws" else parsed.name


def level_words(account: Account, level_id: str) -> str:
    """`Production (ou-ab12-x)` for a level of the organization's path, else the id."""
    level = find_level(account, level_id)
    return f"{level.name} ({level.id})" if level is not None and level.name else level_id


def find_level(account: Account, level_id: str) -> OrganizationLevel | None:
    return next((level for level in account.organization_levels if level.id == level_id), None)


def organization_account(account: Account) -> str:
    """The id of the organization's management account, or "" when it is not known."""
    organization = account.organization.value_or(None)
    return organization.management_account if organization is not None else ""


def attached(level: OrganizationLevel, type_: str) -> Fact[tuple[OrganizationPolicy, ...]]:
    """The SCPs or RCPs at a level, by AWS's long name of the type."""
    return level.rcps if type_ == RCP else level.scps


def short_type(organization_policy_type: str) -> str:
    """ "SCP" or "RCP" for AWS's long names; another text as it is."""
    return _SHORT.get(organization_policy_type, organization_policy_type)
