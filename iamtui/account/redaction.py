"""Redaction of a snapshot: names, ids, ARNs, tags, addresses and dates replaced, so that it answers as before.

A text is a row of words with what stands between them. Each word has one substitute everywhere, in names, paths, tags,
ARNs, documents and conditions, so that what was equal stays equal. What a pattern cuts off (`app*`) is a word of its
own in every word that begins, ends or is made up with it, so that the pattern still cuts the same. What AWS has named
stays: services, actions, condition keys, Regions, resource types, AWS managed policies.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from itertools import islice, pairwise
from random import Random
from typing import Any, Final, TypeAlias

from iamtui.account.model import DEMO, ROOT_ROW
from iamtui.account.redacted_words import (
    AWS_VALUED,
    Knows,
    RedactedWords,
    TextPlace,
    is_region,
    is_service_host,
    is_word_of_aws,
    parts_of_key,
    refusal,
)
from iamtui.policy.document import as_list
from iamtui.policy.operators import parse_operator

Json: TypeAlias = dict[str, Any]
Rename: TypeAlias = Callable[[str], str]

_REGION_KEYS: Final = frozenset(
    (
        "Region", "region", "LastAuthenticatedRegion", "access_key_1_last_used_region",
        "access_key_2_last_used_region",
    )
)  # fmt: skip
_SERVICE_KEYS: Final = frozenset(
    ("ServiceName", "ServiceNamespace", "access_key_1_last_used_service", "access_key_2_last_used_service")
)
_CHOICES: Final[Mapping[str, frozenset[str]]] = {
    "PermissionsBoundaryType": frozenset(("PermissionsBoundaryPolicy", "Policy")),
    "Status": frozenset(("Active", "Inactive")),
    "state": frozenset(("present", "none", "denied")),
    "type": frozenset(("ROOT", "ORGANIZATIONAL_UNIT", "ACCOUNT", "OIDC", "SAML")),
}
"""Keys whose texts are one of a few."""
_NO_REGION: Final = ("", "N/A", "aws-global", "no_information")
_CHECKED_KEYS: Final = frozenset(
    (
        "version", "password_enabled", "mfa_active", "access_key_1_active", "access_key_2_active", "part",
        "session_duration",
    )
)  # fmt: skip
"""Keys whose texts are AWS's own words, or reading the snapshot refuses them."""

_DOCUMENT_KEYS: Final = frozenset(("PolicyDocument", "AssumeRolePolicyDocument", "Document", "document"))
_BY_NAME: Final = frozenset(
    (
        "user_details", "role_details", "access_keys", "mfa_devices", "login_profiles", "resource_policies",
        "public_access_block", "kms_aliases", "service_last_accessed", "unread",
    )
)  # fmt: skip
"""Objects whose keys are names or ARNs."""

_VERSION: Final = re.compile(r"v[0-9]{1,5}")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")
_DATE_KEYS: Final = frozenset(
    (
        "CreateDate", "UpdateDate", "UploadDate", "EnableDate", "Expiration", "GeneratedTime", "JobCompletionDate",
        "LastUsedDate", "LastAuthenticated", "LastAccessedTime", "PasswordLastUsed", "taken_at", "created",
        "password_last_used", "password_last_changed", "password_next_rotation",
        "access_key_1_last_used_date", "access_key_2_last_used_date", "access_key_1_last_rotated",
        "access_key_2_last_rotated", "cert_1_last_rotated", "cert_2_last_rotated", "user_creation_time",
    )
)  # fmt: skip
"""Fields of a snapshot that hold dates; anywhere else, a date is a text."""

_ACCOUNT: Final = re.compile(r"\d{12}")
_SEPARATOR: Final = re.compile(r"\{[^{}]*\}|([:/])")
_WORD: Final = re.compile(r"[^\W_]+")
_PARTITIONS: Final = ("aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc")
_OF_AWS: Final = re.compile(
    rf"arn:(?:{'|'.join(_PARTITIONS)}):(?:iam|organizations)::aws:policy/[\w+=,.@/-]+", re.ASCII
)
_OF_AWS_KEYS: Final = (
    "Arn",
    "PolicyArn",
    "arn",
    "PolicyId",
    "id",
    "Path",
    "DefaultVersionId",
    "PermissionsBoundaryType",
)
_ARN_SERVICES: Final = ("elasticmapreduce", "aws-marketplace", "catalog", "cloudhsm")
_DIRECTIONS: Final = (
    *("north", "northeast", "northwest", "south", "southeast", "southwest"),
    *("east", "west", "central"),
)
_AREAS: Final = (
    *("us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx", "cn", "us-gov", "us-iso", "us-isob", "us-isof"),
    *("eu-isoe", "eusc-de"),
)
_REGIONS: Final = tuple(
    f"{area}-{direction}-{number}" for area in _AREAS for direction in _DIRECTIONS for number in range(1, 10)
)
_SUMMARY: Final = re.compile(
    r"(Users|Groups|Roles|Policies|InstanceProfiles|ServerCertificates|PolicyVersionsInUse|(AttachedPolicies|Groups"
    r"|AccessKeys|SigningCertificates)Per(User|Group|Role)|VersionsPerPolicy|PolicySize|AssumeRolePolicySize"
    r"|(User|Group|Role)PolicySize|GlobalEndpointTokenVersion)(Quota|InUse)?|MFADevices(InUse)?|Providers"
    r"|PolicyVersionsInUse(Quota)?|Account(MFAEnabled|AccessKeysPresent|PasswordPresent|SigningCertificatesPresent)"
)
"""Keys of the summary of an account."""

_PRINCIPALS: Final = ("AWS", "Service", "Federated", "CanonicalUser")
_ELEMENTS: Final = ("Sid", "Principal", "NotPrincipal", "Resource", "NotResource", "Condition")
_ACTION: Final = re.compile(r"\*|[a-zA-Z0-9*?-]+:[a-zA-Z0-9*?]*")
_OPERATOR: Final = re.compile(
    r"(?:ForA(?:ll|ny)Values?:)?(String|Arn|Numeric|Date|Bool|Null|Binary|Ip|NotIp)\w*", re.IGNORECASE
)
_LITERAL: Final = re.compile(
    r"[+-]?\d{1,11}(\.\d{1,11})?|true|false|\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?",
    re.IGNORECASE,
)
_NETWORK: Final = re.compile(r"[0-9a-fA-F.:]+(/\d+)?")
_FORMS: Final = {
    **dict.fromkeys(("numeric", "bool", "null", "date"), _LITERAL),
    **dict.fromkeys(("ip", "notip"), _NETWORK),
    "binary": re.compile(r"(?!)"),
}
"""By the family of an operator that does not compare texts, what its values may be. They stay; only addresses go."""

_RENAMED_KEY: Final = re.compile(
    r"(?!eks:loggingtype/).*[/.].*|[^:]*:[^:]*:.*|[^:]*|aws:(principal|resource|request|source|user|federated|tag).*"
    r"|.*(account|arn|id|name|identity|provider|tags?|keys)",
    re.DOTALL,
)
"""Condition keys in lower case whose values the redaction renames: tags, names, ids, ARNs."""

_NOT_RENAMED: Final = frozenset(
    ("aws:sourceip", "aws:principalisawsservice", "aws:requestedregion", "s3:max-keys", "sts:maxkeys")
)

UNREADABLE: Final = "redacted, because it could not be read"
"""What stands in the place of a document that cannot be read."""

_PERSON: Final = re.compile(r"\$\.identity_center\.(?:people|groups)\[\d+\]\.(?:user_name|display_name|name)\Z")
"""Where the names of people and their groups stand."""

_NOWHERE: Final = "https://redacted.invalid"


def redact(snapshot: Json, types: Mapping[str, Collection[str]], knows: Knows, random: Random) -> tuple[Json, Rename]:
    """A snapshot in which nothing of the original remains but AWS's own words, and what renames other texts alike.

    Args:
        snapshot: what `snapshot_of` makes.
        types: by service, what the ARNs of its resource types have beside names, such as "table".
        knows: whether AWS has a service, an action, a pattern of actions or a condition key of that name.
        random: where substitutes come from.

    Raises:
        Problem: a pattern cuts what has to keep its form, such as the id of an account; says where.
    """
    words = RedactedWords(
        {word for several in types.values() for word in _WORD.findall(" ".join(several))}, random, knows
    )
    _Walk(words.note, lambda date: date, _Addresses(random).of, words.keep, types, knows).snapshot(snapshot)
    words.settle()
    ago = timedelta(days=random.randrange(30, 400), seconds=random.randrange(86_400))
    addresses = _Addresses(random)
    renamed = _Walk(
        lambda text, place: words.of_person(text) if place.kind == "person" else words.of(text),
        lambda date: _earlier(date, ago),
        addresses.of,
        lambda _text, _always: None,
        types,
        knows,
    )
    return renamed.snapshot(snapshot), lambda text: renamed.text(text, TextPlace(""))


def _earlier(date: str, ago: timedelta) -> str:
    try:
        return (datetime.fromisoformat(date) - ago).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):
        return date


class _Walk:
    """One walk through a snapshot, in which each text is given to whoever notes or replaces it.

    Args:
        words: gets a text with its place.
        keep: gets a text of AWS's own words, and whether they stay although a name is the same.
    """

    def __init__(
        self,
        words: Callable[[str, TextPlace], str],
        date: Rename,
        address: Rename,
        keep: Callable[[str, bool], None],
        types: Mapping[str, Collection[str]],
        knows: Knows,
    ) -> None:
        self._types = types
        self._knows = knows
        self._public = False
        self._service = ""
        self._words = words
        self._keep = keep
        self._date = date
        self._address = address

    def snapshot(self, snapshot: Json) -> Json:
        found: Json = {}
        for key, value in snapshot.items():
            if key == "missing":
                gaps = [gap["permission"] for gap in value if self._knows(gap.get("permission") or "")]
                found[key] = [{"what": f"what {one} would tell", "permission": one} for one in dict.fromkeys(gaps)]
                if any(gap.get("permission") not in gaps for gap in value):
                    found[key].append({"what": "more that could not be read"})
            elif key == "iamtui":
                found[key] = self._header(value)
            elif key == "account_summary":
                found[key] = {
                    name if _SUMMARY.fullmatch(name) else self.text(name, TextPlace(f"$.{key}")): count
                    for name, count in value.items()
                }
            else:
                found[key] = self._value(value, key, f"$.{key}")
        return found

    def _header(self, header: Json) -> Json:
        found: Json = self._value(header, "iamtui", "$.iamtui")
        if header.get("not_aws"):
            found["not_aws"] = DEMO if header["not_aws"] == DEMO else _NOWHERE
        return found

    def _value(self, value: Any, key: str, where: str) -> Any:
        if isinstance(value, dict):
            if key in _DOCUMENT_KEYS:
                return self._document(value, where)
            if _OF_AWS.fullmatch(value.get("Arn") or value.get("PolicyArn") or value.get("arn") or ""):
                return self._of_aws(value, where)
            named = key in _BY_NAME
            self._service = value.get("ServiceNamespace") or self._service
            return {
                self.text(name, TextPlace(where)) if named else name: self._value(
                    entry, "" if named else name, f"{where}.{name}"
                )
                for name, entry in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._value(entry, key, f"{where}[{number}]") for number, entry in enumerate(value)]
        return self._entry(value, key, where) if isinstance(value, str) else value

    def _entry(self, value: str, key: str, where: str) -> str:
        """The text that a key of a record has."""
        if self._is_of_aws(value, key) or (value == ROOT_ROW and key == "user"):
            return value
        if key in _DOCUMENT_KEYS:
            return UNREADABLE if value else value
        if key.lower() == "description":
            return "redacted" if value else value
        if key == "unread" and self._knows(value):
            return value
        if key in _DATE_KEYS and _DATE.fullmatch(value):
            # Moved, a date that everybody knows would tell by how much all others were.
            return value if self._public else self._date(value)
        if _PERSON.match(where):
            return self._words(value, TextPlace(where, kind="person"))
        return self.text(value, TextPlace(where, kind="tag" * (key == "Value")))

    def _is_of_aws(self, value: str, key: str) -> bool:
        """Whether the text of a key is AWS's own word, whoever wrote the file."""
        if key in _REGION_KEYS:
            return is_region(value) or value in _NO_REGION
        if key in _SERVICE_KEYS:
            return self._knows(value) or value in _NO_REGION
        if key in ("permission", "ActionName"):
            return self._knows(value if key == "permission" else f"{self._service}:{value}")
        if key in ("VersionId", "DefaultVersionId"):
            return _VERSION.fullmatch(value) is not None
        if key == "partition":
            return value in _PARTITIONS
        return key in _CHECKED_KEYS or value in _CHOICES.get(key, ())

    def _of_aws(self, value: Json, where: str) -> Json:
        """A policy of AWS's own: its name is public, and its document and dates the same in every account."""
        arn = value.get("Arn") or value.get("PolicyArn") or value["arn"]
        self.text(arn, TextPlace(where))
        found: Json = {}
        self._public = True
        for key, entry in value.items():
            plain = isinstance(entry, str) and not _DATE.fullmatch(entry) and key not in _DOCUMENT_KEYS
            of_aws = key in _OF_AWS_KEYS or (key in ("PolicyName", "name") and arn.endswith(f"/{entry}"))
            found[key] = entry if plain and of_aws else self._value(entry, key, f"{where}.{key}")
        self._public = False
        return found

    def text(self, text: str, place: TextPlace) -> str:
        """A name, an ARN, or another text."""
        if _OF_AWS.fullmatch(text):
            self._keep(text, True)
            return text
        if not text.startswith("arn:"):
            alone = not place.kind and _ACCOUNT.fullmatch(text)
            return self._words(text, place._replace(kind="account") if alone else place)
        # What stands behind a star may be of any field.
        fields = _fields_of(text)
        stars = [number for number, field in enumerate(fields[:4]) if set("*?$") & set(field)]
        count = stars[0] + 1 if stars else 4
        place = place._replace(whole=text)
        kept = [self._field(number, field, place, stars) for number, field in enumerate(fields[1:count], 1)]
        if stars:
            rest = [self._words(":".join(fields[count:]), place._replace(kind="any"))] if fields[count:] else []
        elif len(fields) > 4:
            rest = [self._words(fields[4], place._replace(kind="account"))]
            service = fields[2] if fields[3] or fields[4] else ""
            rest += [self._resource(service, resource, place) for resource in fields[5:]]
        else:
            rest = []
        return ":".join(("arn", *kept, *rest))

    def _field(self, number: int, field: str, place: TextPlace, stars: list[int]) -> str:
        """The partition, service or Region of an ARN, which stays if AWS has such a one."""
        known = (
            not field.strip("*?")
            or (number == 1 and any(_fits(field, one) for one in _PARTITIONS))
            or (
                number == 2
                and (self._knows(field) or field in _ARN_SERVICES or (number in stars and self._fits_service(field)))
            )
            or (number == 3 and (is_region(field) or (number in stars and any(_fits(field, one) for one in _REGIONS))))
        )
        if not known and (number in stars or number == 2) and place.pattern:
            raise refusal(f"{field!r} in {place.whole!r} is not known as a part of AWS's ARNs", place.where)
        if known:
            self._keep(field, bool(stars))
            return field
        return self._words(field, place._replace(kind="any") if stars else place)

    def _fits_service(self, pattern: str) -> bool:
        return any(_fits(pattern, service) for service in self._types)

    def _resource(self, service: str, resource: str, place: TextPlace) -> str:
        """What stands behind the fifth colon, in which AWS's own words stand between the names."""
        types = self._types.get(service, ())
        parts = list(_parts_of(resource))
        for part in parts:
            cut = part.strip("*?")
            if types and cut != part and cut and any(one.startswith(cut) or one.endswith(cut) for one in types):
                self._keep(" ".join((cut, *types)), True)
        return "".join(part if part in types or not part else self._words(part, place) for part in parts)

    def _document(self, document: Json, where: str) -> Json:
        found: Json = {}
        for key, value in document.items():
            if key == "Version" and value in ("2012-10-17", "2008-10-17"):
                found[key] = value
            elif key == "Statement":
                several = value if isinstance(value, list) else [value]
                made = [self._statement(one, f"{where}.Statement[{number}]") for number, one in enumerate(several)]
                found[key] = made if isinstance(value, list) else made[0]
            else:
                name = key if key in ("Id", "Version") else self.text(key, TextPlace(where))
                found[name] = self._any(value, TextPlace(f"{where}.{key}"))
        return found

    def _statement(self, statement: Any, where: str) -> Any:
        if not isinstance(statement, dict):
            return self._any(statement, TextPlace(where))
        found: Json = {}
        for key, value in statement.items():
            at = f"{where}.{key}"
            if key in ("Effect", "Action", "NotAction"):
                found[key] = self._of_language(value, at)
            elif key in ("Principal", "NotPrincipal") and isinstance(value, dict):
                found[key] = {
                    (kind if kind in _PRINCIPALS else self.text(kind, TextPlace(at))): self._whom(
                        kind, whom, f"{at}.{kind}"
                    )
                    for kind, whom in value.items()
                }
            elif key == "Condition" and isinstance(value, dict):
                found[key] = {
                    operator if parse_operator(operator) else self.text(operator, TextPlace(at)): self._tests(
                        operator, tests, at
                    )
                    for operator, tests in value.items()
                }
            else:
                name = key if key in _ELEMENTS else self.text(key, TextPlace(at))
                found[name] = self._any(value, TextPlace(at, pattern=key in ("Resource", "NotResource")))
        return found

    def _of_language(self, value: Any, where: str) -> Any:
        """Actions and effects, which stay; what is none is a text like any other."""
        if isinstance(value, list):
            return [self._of_language(one, where) for one in value]
        if not isinstance(value, str) or (value not in ("Allow", "Deny") and not _ACTION.fullmatch(value)):
            return self._any(value, TextPlace(where))
        service, _, name = value.partition(":")
        telling = len(name.replace("*", "")) > _FEW_LETTERS or not self._knows(service.lower())
        if value not in ("Allow", "Deny", "*", "*:*") and telling and not self._public and not self._knows(value):
            raise refusal(f"{value!r} is not known as an action of AWS", where)
        return value

    def _whom(self, kind: str, whom: Any, where: str) -> Any:
        if kind != "Service":
            return self._any(whom, TextPlace(where))
        if isinstance(whom, list):
            return [self._whom(kind, one, where) for one in whom]
        if not isinstance(whom, str) or not whom.lower().endswith((".amazonaws.com", ".amazonaws.com.cn")):
            return whom if whom == "*" else self._any(whom, TextPlace(where))
        if not is_service_host(whom, self._knows):
            raise refusal(f"{whom!r} is not known as a service of AWS", where)
        return whom

    def _any(self, value: Any, place: TextPlace) -> Any:
        """Whatever stands where texts do, all of them renamed."""
        if isinstance(value, str):
            return self.text(value, place)
        if isinstance(value, list):
            return [self._any(one, place) for one in value]
        if isinstance(value, dict):
            return {self.text(key, place): self._any(one, place) for key, one in value.items()}
        if isinstance(value, float) and abs(value) >= _TELLING:
            raise refusal(f"{value!r} stands where a text does", place.where)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _TELLING:
            renamed = self.text(str(value), place)
            return int(renamed) if renamed.isdigit() else renamed
        return value

    def _tests(self, operator: str, tests: Any, where: str) -> Any:
        if not isinstance(tests, dict):
            return self._any(tests, TextPlace(where))
        found: Json = {}
        for key, values in tests.items():
            at = f"{where}.{operator}.{key}"
            found[self._key(key, at)] = self._values(operator, key.lower(), values, at)
        return found

    def _values(self, operator: str, key: str, values: Any, where: str) -> Any:
        """The values of a condition key in lower case.

        Raises:
            Problem: they are compared as texts with AWS's own words, and are none; or as `_numbers_or_addresses` says.
        """
        known = _OPERATOR.fullmatch(operator) if parse_operator(operator) else None
        kind = known[1].lower() if known is not None else "string"
        if kind in _FORMS:
            return self._numbers_or_addresses(operator, kind, key, values, where)
        if _is_aws_valued(key):
            for value in as_list(values):
                host = "amazonaws" in str(value) and not self._public and not set("*?") & set(str(value))
                if not is_word_of_aws(str(value)) or (host and not is_service_host(value, self._knows)):
                    raise refusal(f"{value!r} is not known as one of AWS's own values of {key}", where)
            return values
        pattern = kind == "arn" or "like" in operator.lower()
        of = "tag" if "tag/" in key else "account" if key.endswith("account") else ""
        return self._any(values, TextPlace(where, pattern, of))

    def _numbers_or_addresses(self, operator: str, kind: str, key: str, values: Any, where: str) -> Any:
        """The values of an operator that compares numbers, times, addresses or the like.

        Raises:
            Problem: they are compared with what is renamed, or are nothing that the operator compares.
        """
        if kind != "null" and _RENAMED_KEY.fullmatch(key) and key not in _NOT_RENAMED:
            raise refusal(f"{operator} does not compare texts, and the values of {key} are renamed", where)
        for value in as_list(values):
            if not _FORMS[kind].fullmatch(str(value)):
                raise refusal(f"{value!r} is not a value that {operator} can compare", where)
        if kind not in ("ip", "notip"):
            return values
        try:
            return _each(values, self._address)
        except ValueError as error:
            raise refusal(f"{error}", where) from error

    def _key(self, key: str, where: str) -> str:
        if self._public and "/" not in key:
            return key
        return "".join(
            self.text(part, TextPlace(where)) if renamed and part else part
            for part, renamed in parts_of_key(key, self._knows)
        )


_FEW_LETTERS: Final = 2

_TELLING: Final = 100_000
"""From where on a number may be an id."""


def _fits(pattern: str, text: str) -> bool:
    if not set("*?") & set(pattern):
        return pattern == text
    return fnmatchcase(text, pattern.replace("[", "[[]")) and len(pattern.replace("*", "")) > 0


def _parts_of(text: str) -> Iterator[str]:
    """What stands between colons and slashes, and these; not those of a variable."""
    begin = 0
    for found in _SEPARATOR.finditer(text):
        if found[1]:
            yield text[begin : found.start()]
            yield found[1]
            begin = found.end()
    yield text[begin:]


def _fields_of(arn: str) -> list[str]:
    """The fields of an ARN, six at most."""
    ends = islice((found.start() for found in _SEPARATOR.finditer(arn) if found[1] == ":"), 5)
    edges = [-1, *ends, len(arn)]
    return [arn[before + 1 : after] for before, after in pairwise(edges)]


def _is_aws_valued(key: str) -> bool:
    """Whether the values of a condition key in lower case are AWS's own words; a tag may be named like such a key."""
    service, _, name = key.partition(":")
    return name in AWS_VALUED and "." not in service and "/" not in service


def _each(values: Any, rename: Rename) -> Any:
    if isinstance(values, list):
        return [_each(one, rename) for one in values]
    return rename(values) if isinstance(values, str) else values


class _Addresses:
    """Addresses of networks: what lies in one before lies in it afterwards."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._flipped: dict[tuple[int, str], bool] = {}

    def of(self, text: str) -> str:
        network = ipaddress.ip_network(text, strict=False)
        size = network.max_prefixlen
        bits = f"{int(network.network_address):0{size}b}"[: network.prefixlen]
        renamed = "".join(str(int(bit) ^ self._flips(size, bits[:at])) for at, bit in enumerate(bits))
        address = type(network.network_address)(int(renamed.ljust(size, "0") or "0", 2))
        return f"{address}/{network.prefixlen}" if "/" in text else str(address)

    def _flips(self, size: int, prefix: str) -> bool:
        return self._flipped.setdefault((size, prefix), self._random.random() < 0.5)
