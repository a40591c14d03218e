"""Redaction of a snapshot: names, ids, ARNs, tags, addresses and dates replaced, so that it answers as before.

A text is a row of words with what stands between them. Each word has one pseudonym everywhere, in names, paths, tags,
ARNs, documents and conditions, so that what was equal stays equal. What a pattern cuts off (`app*`) is a word of its
own in every word that begins, ends or is made up with it, so that the pattern still cuts the same. What AWS has named
stays: services, actions, condition keys, Regions, resource types, AWS managed policies and their documents. A policy
document that could not decide as before is left out: it counts as one that cannot be read, so nothing is allowed by it
or in spite of it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final, NamedTuple, TypeAlias

from iamtui.account.model import DEMO, ROOT_ROW
from iamtui.account.redacted_words import (
    AWS_VALUED,
    Knows,
    RedactedWords,
    Unsafe,
    is_region,
    is_service_host,
    is_word_of_aws,
    parts_of_key,
)
from iamtui.account.snapshot_parts import GAPS_WITHOUT_NAMES
from iamtui.policy.document import PolicyDocument, as_list
from iamtui.policy.values import parse_operator

Json: TypeAlias = dict[str, Any]
Rename: TypeAlias = Callable[[str], str]

_PARTITIONS: Final = ("aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc")
_AREAS: Final = ("us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx", "cn", "us-gov", "us-iso", "us-isob", "us-isof")
_SIDES: Final = ("north", "northeast", "northwest", "south", "southeast", "southwest", "east", "west", "central")
_REGIONS: Final = tuple(f"{area}-{side}" for area in (*_AREAS, "eu-isoe", "eusc-de") for side in _SIDES)
"""Regions without their numbers."""
_ARN_SERVICES: Final = ("elasticmapreduce", "aws-marketplace", "catalog", "cloudhsm")
"""Services of ARNs that are not the prefixes of actions."""

_KEPT_FIELDS: Final = re.compile(
    r"version:\d+|session_duration:PT[0-9HMS]+|(password_enabled|mfa_active|access_key_\d_active):(true|false)"
    r"|part:(groups|inline policies|attached policies|permissions boundary|tags)|(Default)?VersionId:v\d{1,5}"
    r"|PermissionsBoundaryType:(PermissionsBoundaryPolicy|Policy)|Status:(Active|Inactive)|state:(present|none|denied)"
    rf"|partition:({'|'.join(_PARTITIONS)})|type:(ROOT|ORGANIZATIONAL_UNIT|ACCOUNT|OIDC|SAML)|user:{re.escape(ROOT_ROW)}"
    r"|([Rr]egion|LastAuthenticatedRegion|ServiceName|ServiceNamespace|access_key_\d_last_used_(region|service))"
    r":(N/A|aws-global|no_information)?"
)
"""Fields of records whose texts are one of AWS's few words, or that reading the snapshot checks."""
_REGION_FIELD: Final = re.compile(r"[Rr]egion|LastAuthenticatedRegion|access_key_\d_last_used_region")
_NAME_OF_AWS_FIELD: Final = re.compile(
    r"ServiceName|ServiceNamespace|access_key_\d_last_used_service|permission|unread"
)
_DOCUMENT_FIELDS: Final = frozenset(("PolicyDocument", "AssumeRolePolicyDocument", "Document", "document"))
_BY_NAME: Final = frozenset(
    (
        "user_details", "role_details", "access_keys", "mfa_devices", "login_profiles", "resource_policies",
        "public_access_block", "kms_aliases", "service_last_accessed", "unread",
    )
)  # fmt: skip
"""Objects whose keys are names or ARNs."""
_SUMMARY: Final = re.compile(
    "(Account|Access|Assume|Attached|Certificates|Devices|Enabled|Endpoint|Global|Groups?|In|Instance|Keys|MFA|Password"
    "|Per|Policies|Policy|Present|Profiles|Providers|Quota|Roles?|Server|Signing|Size|Token|Use|Users?|Versions?)+"
)
"""Keys of the summary of an account."""
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")
_PERSON: Final = re.compile(r"\$\.identity_center\.(?:people|groups)\[\d+\]\.(?:user_name|display_name|name)\Z")
"""JSON paths of the names of people and their groups."""

_OF_AWS: Final = re.compile(
    rf"arn:(?:{'|'.join(_PARTITIONS)}):(?:iam|organizations)::aws:policy/[\w+=,.@/-]+", re.ASCII
)
_FIELDS_OF_AWS: Final = frozenset(
    (
        "Arn", "PolicyArn", "arn", "PolicyId", "id", "Path", "DefaultVersionId", "PermissionsBoundaryType",
        "Description", "CreateDate", "UpdateDate", "PolicyVersionList", "PolicyDocument", "Document", "document",
    )
)  # fmt: skip

_PRINCIPALS: Final = frozenset(("AWS", "Service", "Federated", "CanonicalUser"))
_COLON: Final = re.compile(r":(?![^{}]*\})")
_ACTION: Final = re.compile(r"\*|\*:\*|[a-zA-Z0-9-]+:\*")
_LITERAL: Final = re.compile(
    r"[+-]?\d{1,11}(\.\d{1,11})?|true|false|\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?",
    re.IGNORECASE,
)
_NETWORK: Final = re.compile(r"[0-9a-fA-F.:]+(/\d+)?")
_NOT_TEXTS: Final = {
    "numeric": _LITERAL, "date": _LITERAL, "bool": _LITERAL, "null": _LITERAL, "ip": _NETWORK,
    "binary": re.compile(r"(?!)"),
}  # fmt: skip
"""By how an operator begins that does not compare texts: what its values may be. They stay; only addresses go."""
_RENAMED_KEY: Final = re.compile(
    r"(?!eks:loggingtype/).*[/.].*|[^:]*:[^:]*:.*|[^:]*|aws:(principal|resource|request|source|user|federated|tag).*"
    r"|.*(account|arn|id|name|identity|provider|tags?|keys)",
    re.DOTALL,
)
"""Condition keys in lower case whose values the redaction renames: tags, names, ids, ARNs."""
_NOT_RENAMED: Final = frozenset(
    ("aws:sourceip", "aws:principalisawsservice", "aws:requestedregion", "s3:max-keys", "sts:maxkeys")
)
_TELLING: Final = 100_000
"""From where on a number may be an id."""

UNREADABLE: Final = "redacted, because it could not be read"
"""Placeholder for a document that cannot be read."""
LEFT_OUT: Final = "left out of the redaction"
"""Placeholder for a document that cannot be redacted."""


class Redaction(NamedTuple):
    """A redacted snapshot.

    Args:
        snapshot: nothing of the original is in it but AWS's own words.
        left_out: the policies that are not in it, each with its place and why, in the original's words.
        rename: renames other texts alike.
    """

    snapshot: Json
    left_out: tuple[str, ...]
    rename: Rename


def redact(snapshot: Json, types: Mapping[str, Collection[str]], knows: Knows, random: Random) -> Redaction:
    """Redact a snapshot.

    Args:
        snapshot: what `snapshot_of` makes.
        types: by service, what the ARNs of its resource types have beside names, such as "table".
        knows: whether AWS has a service, an action, a pattern of actions or a condition key of that name.
        random: where pseudonyms come from.
    """
    left_out: dict[int, str] = {}
    ago = timedelta(days=random.randrange(30, 400), seconds=random.randrange(86_400))
    known = -1
    while len(left_out) > known:
        # What is left out takes its words and patterns with it.
        known = len(left_out)
        words = RedactedWords(knows, random)
        walk = _SnapshotRedactor(words, types, knows, _Addresses(random), ago, left_out)
        walk.snapshot(snapshot)
        if len(left_out) == known:
            left_out |= {document: f"{walk.places[document]}: {why}" for document, why in words.settle().items()}
    walk.renaming = True
    return Redaction(walk.snapshot(snapshot), tuple(left_out[one] for one in sorted(left_out)), walk.text)


class _SnapshotRedactor:
    """A walk through a snapshot: the first takes its words, and the last replaces them.

    Args:
        left_out: the documents that are left out, by the order in which they are come by; more are added.
    """

    def __init__(
        self,
        words: RedactedWords,
        types: Mapping[str, Collection[str]],
        knows: Knows,
        addresses: _Addresses,
        ago: timedelta,
        left_out: dict[int, str],
    ) -> None:
        self.renaming = False
        self.places: dict[int, str] = {}
        self._left_out = left_out
        self._words = words
        self._types = types
        self._knows = knows
        self._addresses = addresses
        self._ago = ago
        self._document = 0
        self._service = ""
        self._every_name = frozenset(types) | {one for several in types.values() for one in several} | {*_REGIONS}

    def snapshot(self, snapshot: Json) -> Json:
        self.places = {}
        found: Json = {}
        for key, value in snapshot.items():
            if key == "account_summary":
                found[key] = {name: count for name, count in value.items() if _SUMMARY.fullmatch(name)}
            elif key != "missing":
                found[key] = self._value(value, key, f"$.{key}")
        if found.get("iamtui", {}).get("not_aws") not in (None, "", DEMO):
            found["iamtui"]["not_aws"] = "https://redacted.invalid"
        gaps: dict[str, Json] = {}
        for gap in snapshot.get("missing", ()):
            permission = gap.get("permission") or ""
            needs = {"permission": permission} if self._knows(permission) else {}
            what = f"what {permission} would tell" if needs else "more that could not be read"
            # Answers about everybody are open as long as a list of the account is named as missing.
            what = gap["what"] if gap["what"] in GAPS_WITHOUT_NAMES else what
            gaps.setdefault(what, {"what": what, **needs})
        missing = [*gaps.values()]
        missing += [{"what": f"the policy {self.places[one]}, {LEFT_OUT}"} for one in sorted(self._left_out)]
        return found | ({"missing": missing} if missing else {})

    def _value(self, value: Any, key: str, where: str) -> Any:
        if isinstance(value, dict) and key not in _DOCUMENT_FIELDS:
            arn = value.get("Arn") or value.get("PolicyArn") or value.get("arn") or ""
            of_aws = _OF_AWS.fullmatch(arn) is not None
            if of_aws:
                self._note_of_aws(arn, value)
            self._service = value.get("ServiceNamespace") or self._service
            made: Json = {}
            for name, entry in value.items():
                if of_aws and (
                    name in _FIELDS_OF_AWS or (name in ("PolicyName", "name") and arn.endswith(f"/{entry}"))
                ):
                    made[name] = entry
                elif key in _BY_NAME:
                    renamed = self.text(name)
                    made[renamed] = self._value(entry, "", f"{where}.{renamed}")
                else:
                    made[name] = self._value(entry, name, f"{where}.{name}")
            return made
        if isinstance(value, list | tuple) and key not in _DOCUMENT_FIELDS:
            return [self._value(entry, key, f"{where}[{number}]") for number, entry in enumerate(value)]
        if key in _DOCUMENT_FIELDS and value:
            return self._document_of(value, where)
        return self._entry(value, key, where) if isinstance(value, str) else value

    def _entry(self, value: str, key: str, where: str) -> str:
        """The text that a field of a record has."""
        if _KEPT_FIELDS.fullmatch(f"{key}:{value}") or (_REGION_FIELD.fullmatch(key) and is_region(value)):
            return value
        if _NAME_OF_AWS_FIELD.fullmatch(key) and self._knows(value):
            return value
        if key == "ActionName" and self._knows(f"{self._service}:{value}"):
            return value
        if key.lower() == "description":
            return "redacted" if value else value
        if key not in ("Key", "Value") and _DATE.fullmatch(value):
            with suppress(ValueError, OverflowError):
                return (datetime.fromisoformat(value) - self._ago).isoformat().replace("+00:00", "Z")
        if _PERSON.match(where) and self.renaming:
            return self._words.of_person(value)
        return self.text(value)

    def _note_of_aws(self, arn: str, record: Json) -> None:
        """Let the words of an AWS managed policy stay, since others may name the same."""
        self._words.keep(arn)
        documents = [one.get("Document") for one in record.get("PolicyVersionList", ())] + [record.get("document")]
        for document in documents:
            for statement in as_list(document.get("Statement", ())) if isinstance(document, dict) else ():
                for element in ("Resource", "NotResource", "Condition"):
                    for text in _texts(statement.get(element)):
                        self._words.note_of_aws(text)

    def _document_of(self, document: Any, where: str) -> Any:
        """A policy document with all names replaced, or the placeholder for one that is left out or unreadable."""
        number = len(self.places) + 1
        self.places[number] = where
        if number in self._left_out:
            return LEFT_OUT
        if not isinstance(document, dict) or PolicyDocument.of(document).error is not None:
            return UNREADABLE
        self._document = number
        try:
            found: Json = {}
            for key, value in document.items():
                if key == "Version":
                    found[key] = value
                elif key == "Statement":
                    made = [self._statement(one) for one in as_list(value)]
                    found[key] = made if isinstance(value, list) else made[0]
                else:
                    found[key] = self._any(value)
            return found
        except Unsafe as error:
            self._left_out[number] = f"{where}: {error}"
            return LEFT_OUT
        finally:
            self._document = 0

    def _statement(self, statement: Json) -> Json:
        found: Json = {}
        for key, value in statement.items():
            if key in ("Effect", "Action", "NotAction"):
                for action in as_list(value) if key != "Effect" else ():
                    if not self._knows(action) and not (
                        _ACTION.fullmatch(action) and self._knows_service(action.partition(":")[0])
                    ):
                        raise Unsafe(f"{action!r} is not known as an action of AWS")
                found[key] = value
            elif key in ("Principal", "NotPrincipal") and isinstance(value, dict):
                if not value.keys() <= _PRINCIPALS:
                    raise Unsafe(f"{next(iter(value.keys() - _PRINCIPALS))!r} is no kind of principal")
                found[key] = {kind: self._principals(kind, several) for kind, several in value.items()}
            elif key == "Condition":
                found[key] = {
                    operator: {
                        "".join(
                            self.text(part) if own and part else part for part, own in parts_of_key(name, self._knows)
                        ): self._values(operator, name, values)
                        for name, values in tests.items()
                    }
                    for operator, tests in value.items()
                }
            else:  # Sid, Resource, NotResource: every text is renamed like a name.
                found[key] = self._any(value, pattern=key in ("Resource", "NotResource"))
        return found

    def _principals(self, kind: str, value: Any) -> Any:
        if kind != "Service":
            return self._any(value)
        for host in as_list(value):
            if host.lower().endswith((".amazonaws.com", ".amazonaws.com.cn")) and not is_service_host(
                host, self._knows
            ):
                raise Unsafe(f"{host!r} is not known as a service of AWS")
        return _each(value, lambda host: host if is_service_host(host, self._knows) else self.text(host))

    def _values(self, operator: str, key: str, values: Any) -> Any:
        """The values of a condition key; those that are no texts and AWS's own words stay.

        Raises:
            Unsafe: they are compared with what is renamed in another way, or are not what the operator compares.
        """
        parsed, key = parse_operator(operator), key.lower()
        if parsed is None:
            raise Unsafe(f"{operator!r} is not known as an operator of conditions")
        base = parsed.base
        form = next((form for family, form in _NOT_TEXTS.items() if base.startswith(family)), None)
        if form is not None:
            if base != "null" and _RENAMED_KEY.fullmatch(key) and key not in _NOT_RENAMED:
                raise Unsafe(f"{operator} does not compare texts, and the values of {key} are renamed")
            for value in as_list(values):
                if not form.fullmatch(str(value)):
                    raise Unsafe(f"{value!r} is not a value that {operator} can compare")
            return _each(values, self._addresses.of) if base.startswith("ip") else values
        service, _, name = key.partition(":")
        if name in AWS_VALUED and not set("./") & set(service):
            for value in as_list(values):
                host = "amazonaws" in str(value) and not set("*?") & set(str(value))
                if not is_word_of_aws(str(value)) or (host and not is_service_host(value, self._knows)):
                    raise Unsafe(f"{value!r} is not known as one of AWS's own values of {key}")
            return values
        return self._any(values, pattern=base in ("arnlike", "stringlike"))

    def _any(self, value: Any, *, pattern: bool = False) -> Any:
        """Any JSON value in the place of a text, with all texts in it renamed."""
        if isinstance(value, str):
            return self.text(value, pattern=pattern)
        if isinstance(value, list):
            return [self._any(one, pattern=pattern) for one in value]
        if isinstance(value, dict):
            return {self.text(key): self._any(one) for key, one in value.items()}
        if isinstance(value, float) and abs(value) >= _TELLING:
            raise Unsafe(f"{value!r} stands where a text does")
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _TELLING:
            renamed = self.text(str(value))
            return int(renamed) if renamed.isdigit() else renamed
        return value

    def text(self, text: str, *, pattern: bool = False) -> str:
        """A name, an ARN, or another text, in which AWS's own words stay."""
        self._keep_words_of_aws(text, pattern=pattern)
        if self.renaming:
            return self._words.of(text, variables=self._document != 0)
        self._words.note(text, self._document, pattern=pattern)
        return text

    def _keep_words_of_aws(self, text: str, *, pattern: bool) -> None:
        """Keep the words that an ARN, or a pattern of ARNs, has from AWS: in its head and between its names."""
        if _OF_AWS.fullmatch(text):
            self._words.keep(text)
        fields = [*_COLON.split(text, 5), "", "", "", "", ""][:6]
        names: Collection[str] = self._every_name
        if fields[0] == "arn":
            names, text = self._types.get(fields[2], ()), fields[5]
            for known, field in zip((_PARTITIONS, (*self._types, *_ARN_SERVICES), _REGIONS), fields[1:4], strict=True):
                start = re.split(r"[*?$]", field)[0] if pattern else field
                if field in known or is_region(field) or self._knows_service(field):
                    self._words.keep(field)
                elif start != field:
                    # What the wildcard takes in may end anywhere.
                    self._words.keep(" ".join(name for name in known if name.startswith(start)))
                    names, text = names or self._every_name, ":".join(fields[1:]).partition(field[len(start) :])[2]
                    break
        elif text.startswith("execute-api:/"):
            # As a policy of API Gateway shortens the ARNs of its own API.
            self._words.keep(fields[0])
            names = self._types.get(fields[0], ())
        elif not (pattern and text[:1] in ("*", "?")):
            return
        for part in re.split("[:/]", text):
            self._words.keep(" ".join(name for name in names if _fits(part, name)) if pattern else "")
            self._words.keep(part if part in names else "")

    def _knows_service(self, name: str) -> bool:
        return name in ("*", *_ARN_SERVICES) or self._knows(name.lower())


def _fits(pattern: str, name: str) -> bool:
    """True if a name has a literal piece of a pattern where the pattern can have it."""
    start, *inner, end = re.split(r"[*?]+", pattern) if set("*?") & set(pattern) else ("", "")
    return (
        bool(start and name.startswith(start))
        or bool(end and name.endswith(end))
        or any(one and one in name for one in inner)
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for one in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
        yield from _texts(one)


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
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError as error:
            raise Unsafe(str(error)) from error
        size = network.max_prefixlen
        bits = f"{int(network.network_address):0{size}b}"[: network.prefixlen]
        renamed = ""
        for at, bit in enumerate(bits):
            flips = self._flipped.setdefault((size, bits[:at]), self._random.random() < 0.5)
            renamed += str(int(bit) ^ flips)
        address = type(network.network_address)(int(renamed.ljust(size, "0") or "0", 2))
        return f"{address}/{network.prefixlen}" if "/" in text else str(address)
