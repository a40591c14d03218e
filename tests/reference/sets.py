"""The resources of a set: one of each kind, where two are of one kind when the same patterns match both.

Plain and slow: all patterns are read side by side, a character at a time, and wherever what is left of them is the
same as before, nothing new can follow.
"""

from __future__ import annotations

import re
import string
from collections import deque
from collections.abc import Iterator
from enum import Enum
from functools import lru_cache

from .catalogue import forms_of, needs_of, other_forms, required_forms_of
from .patterns import IN_LABEL, Token, covers, shares

Pattern = list[Token]
Tokens = tuple[Token, ...]

NAMES_WITHOUT_COLON = ("dynamodb", "ec2", "ecr", "eks", "iam", "kms", "sns", "sqs", "secretsmanager")
FROZEN_MANAGED_POLICY = (
    "createpolicy",
    "createpolicyversion",
    "deletepolicy",
    "deletepolicyversion",
    "setdefaultpolicyversion",
    "tagpolicy",
    "untagpolicy",
)
"""What nobody can do to a policy of AWS."""

_VARIABLE = re.compile(r"(\$\{[^}]*\}|\*)")


def exactly(text: str) -> Pattern:
    """The pattern of one text."""
    return [("char", character) for character in text]


class Names(Enum):
    """What the names of resources may hold, but for paths and the like.

    The documentation tells of few services which of them their names may hold, so that any of these will do.
    """

    PLAIN = "no slash and no colon"
    PATHS = "slashes, but no colon"
    ANY = "slashes and colons"


class Form:
    """The ARN form of a resource type in one partition ("" is any) and account: as a pattern and as an expression."""

    def __init__(self, text: str, partition: str, account: str, *, names: Names = Names.ANY) -> None:
        fields = text.split(":", 5)
        if partition:
            fields[1] = partition
        if _VARIABLE.fullmatch(fields[4]):
            fields[4] = account
        self.in_any_account = fields[4] == ANY_ACCOUNT
        self.pattern: Pattern = []
        expression = ""
        for number, field in enumerate(fields):
            if field == ANY_ACCOUNT:
                self.pattern += [("one", False)] * 12 + exactly(":")
                expression += "[0-9]{12}:"
                continue
            for part in _VARIABLE.split(field):
                if not _VARIABLE.fullmatch(part):
                    self.pattern += exactly(part)
                    expression += re.escape(part)
                    continue
                if number == 3 and part == "*":
                    self.pattern += [("run", False)]
                    expression += "[^:]*"
                    continue
                if part.endswith("WithPath}"):
                    self.pattern += [("run", False), ("one", IN_NAME)]
                    expression += "[^:]*[^:/]"
                    continue
                across: bool | str = number == 5 and _may_hold_colons(fields[2], part)
                if part == STREAM_LABEL:
                    across = IN_LABEL
                if number == 5 and names is not Names.ANY and not _HOLDS_COLONS.search(part):
                    across = False if names is Names.PATHS or _HOLDS_SLASHES.search(part) else IN_NAME
                self.pattern += [("one", across), ("run", across)]
                expression += {True: ".+", False: "[^:]+", IN_NAME: "[^:/]+", IN_LABEL: "[^/]+"}[across]
            if number < 5:
                self.pattern += exactly(":")
                expression += ":"
        self._expression = re.compile(expression, re.DOTALL)

    def has(self, text: str) -> bool:
        """Whether a text has this form."""
        return self._expression.fullmatch(text) is not None


ANY_ACCOUNT = "any account"
IN_NAME = "in name"
"""What may stand for neither a slash nor a colon."""

_HOLDS_COLONS = re.compile(r"ObjectName|StreamLabel")
_HOLDS_SLASHES = re.compile(r"Path|LogGroupName|ParameterName|SecretId|RepositoryName")


STREAM_LABEL = "${StreamLabel}"
"""A time of day, as 2015-05-11T21:21:33.291 (DynamoDB Developer Guide): colons, where names have none, and no slash."""


def _may_hold_colons(service: str, variable: str) -> bool:
    return service not in NAMES_WITHOUT_COLON or variable == STREAM_LABEL


def _any_arn(partition: str) -> Pattern:
    anything: Pattern = [("run", False), ("char", ":")]
    something: Pattern = [("one", False), *anything]
    return [
        *exactly("arn:"),
        *(exactly(f"{partition}:") if partition else something),
        *something,
        *anything,
        *anything,
        ("one", True),
        ("run", True),
    ]


BUCKET = "arn:${Partition}:s3:::${BucketName}"
IN_A_BUCKET = "arn:${Partition}:s3:::${BucketName}/"
"""What no bucket is called; an object of it has a longer name."""


API_ROOT = "arn:${Partition}:execute-api:${Region}:${Account}:${ApiId}/${Stage}/${Method}/"
PACKAGE = "arn:${Partition}:codeartifact:${Region}:${Account}:package/${DomainName}/${RepositoryName}/${PackageFormat}/"
LOG_GROUP = "arn:${Partition}:logs:${Region}:${Account}:log-group:${LogGroupName}"
SHORTER = {
    f"{API_ROOT}${{ApiSpecificResourcePath}}": [API_ROOT],
    LOG_GROUP: [f"{LOG_GROUP}:log-stream:"],
    f"{PACKAGE}${{PackageNamespace}}/${{PackageName}}": [f"{PACKAGE}/${{PackageName}}"],
}
NAMED_ALONE = {"logs:tagresource", "logs:untagresource", "logs:listtagsforresource"}
"""Forms whose last part may be empty, and the actions for which it may not.

A log group is asked about as a stream without a name, but for the calls about its tags, which alone name the group
itself (CloudWatch Logs API Reference: LogGroup). A package may have no namespace (CodeArtifact User Guide: ARNs of
packages). The root of an API has no path: `{apiId}/{stage}/{httpVerb}/[{resource}/[{child-resources}]]` (API Gateway
Developer Guide: input to a Lambda authorizer).
"""


def _entry_for(form: str) -> Pattern:
    """The entry of a policy about all resources of a type; a star that ends a field runs over colons."""
    rest = form.split(":", 2)[2]
    found = [token for part in _VARIABLE.split(rest) for token in _run_or_text(part)]
    return [*exactly("arn:"), ("run", False), *exactly(":"), *found]


def _run_or_text(part: str) -> Pattern:
    return [("run", True)] if _VARIABLE.fullmatch(part) else exactly(part)


def _is_narrower(one: Form, other: Form) -> bool:
    return covers(other.pattern, one.pattern) and not covers(one.pattern, other.pattern)


def _with_shorter(form: str, action: str) -> list[str]:
    if form != LOG_GROUP:
        return [form, *SHORTER.get(form, ())]
    return [form] if action.lower() in NAMED_ALONE else SHORTER[form]


class Belongings:
    """What the resources of a set have in common.

    They have one of the forms of the action, and not a narrower one of another type of the service. Nor would an entry
    about another type find them, unless it finds all that has one of the forms.

    Where some types are required, they are of those: no call succeeds without one, whatever else is allowed. They are
    of others only where the question names nothing but others.
    """

    def __init__(
        self, action: str, asked: Pattern, partition: str, accounts: list[str], *, names: Names = Names.ANY
    ) -> None:
        self._asked = asked
        service, name = action.lower().split(":", 1)
        texts = [text for form in forms_of(action) for text in _with_shorter(form, action)]
        required = [text for form in required_forms_of(action) for text in _with_shorter(form, action)]
        attachable = service == "iam" and name not in FROZEN_MANAGED_POLICY
        forms: list[tuple[str, Form]] = []
        for text in texts:
            owners = [*accounts, "aws"] if attachable and ":policy/" in text else accounts
            if text.split(":")[4] == "*":
                # As the devices of Amazon Braket, which belong to no account.
                owners = [*owners, ""]
            forms += [(text, Form(text, partition, owner, names=names)) for owner in owners]
        self._others = [
            Form(text, partition, owner, names=Names.PLAIN)
            for text in [*other_forms(action), *([IN_A_BUCKET] if BUCKET in texts else [])]
            for owner in accounts
            if any(_is_narrower(Form(text, partition, owner), Form(own, partition, owner)) for own in texts)
        ]
        every = [Form(text, "*", "*", names=names).pattern for text in texts]
        entries = [_entry_for(text) for text in other_forms(action)] if texts else []
        self._of_others = [
            entry
            for entry in entries
            if any(shares(entry, form) for form in every) and not any(covers(entry, form) for form in every)
        ]
        self._known = bool(texts)
        self._anything = _any_arn(partition)
        meeting = [(text, form) for text, form in forms if shares(form.pattern, asked)]
        self._forms = [form for text, form in meeting if text in required]
        needs, self.needs_are_known = needs_of(action)
        if not any(self.kinds([])):
            self._forms = [form for _, form in meeting]
            needs = []
        of_each_need = [[form for text, form in meeting if text in need] for need in needs]
        self.needs = [forms for forms in of_each_need if forms]
        """What one call needs at once, of the set: the forms of each, if it is more than one."""

    def has(self, text: str) -> bool:
        """Whether a resource is one of them."""
        one = exactly(text)
        if not covers(self._asked, one):
            return False
        if not self._known:
            return covers(self._anything, one)
        if any(covers(entry, one) for entry in self._of_others):
            return False
        return any(form.has(text) for form in self._forms) and not any(other.has(text) for other in self._others)

    def samples(self) -> Iterator[str]:
        """A resource of each form, if it is in the set."""
        for form in self._forms:
            if form.in_any_account:
                continue
            text = "".join(detail if kind == "char" else "x" for kind, detail in form.pattern if kind != "run")
            if self.has(text):
                yield text

    def kinds(self, entries: list[Pattern]) -> Iterator[str]:
        """One of each kind, as the entries tell them apart.

        Raises:
            TooMany: there are more ways than are tried.
        """
        apart = [*entries, *(other.pattern for other in self._others)]
        told = [form.pattern for form in self._forms if not form.in_any_account]
        for pattern in told if self._known else [self._anything]:
            telling = [entry for entry in apart if shares(entry, pattern) and not covers(entry, pattern)]
            yield from filter(self.has, one_of_each_kind([self._asked, pattern], telling))


@lru_cache(maxsize=500)
def belongings_of(action: str, asked: Tokens, partition: str, accounts: tuple[str, ...], *, names: Names) -> Belongings:
    """The same for every way of filling in a question, of which there are dozens."""
    return Belongings(action, [*asked], partition, [*accounts], names=names)


MOST_STATES = 6000
"""How far to read; what needs more is left to the engine alone."""

Places = frozenset[int]


class TooMany(Exception):
    """The patterns of a scenario overlap in too many ways to try them all."""


def _resting(pattern: Tokens, places: set[int]) -> Places:
    """The places in a pattern, and those behind the runs there, which may stand for nothing."""
    result = set(places)
    for place in places:
        while place < len(pattern) and pattern[place][0] == "run":
            place += 1
            result.add(place)
    return frozenset(result)


def _never(detail: bool | str) -> str:
    """The characters that a wildcard does not stand for."""
    return {IN_NAME: ":/", IN_LABEL: "/"}.get(str(detail), "" if detail else ":")


def _behind(pattern: Tokens, places: Places, character: str) -> Places:
    result = set()
    for place in places:
        if place == len(pattern):
            continue
        kind, detail = pattern[place]
        if kind == "char":
            if detail == character:
                result.add(place + 1)
        elif character not in _never(detail):
            result.add(place if kind == "run" else place + 1)
    return _resting(pattern, result)


_LETTERS = "xyzwvqkj" + string.ascii_lowercase + string.digits + string.ascii_uppercase


def one_of_each_kind(needed: list[Pattern], others: list[Pattern]) -> Iterator[str]:
    """A text for each kind, of those that all needed patterns match.

    Raises:
        TooMany: there are more ways than are tried.
    """
    found, all_of_them = _kinds(tuple(map(tuple, needed)), tuple(map(tuple, others)))
    yield from found
    if not all_of_them:
        raise TooMany


@lru_cache(maxsize=2_000)
def _kinds(needed: tuple[Tokens, ...], others: tuple[Tokens, ...]) -> tuple[list[str], bool]:
    """Those that are found, and whether they are all. Most ways of filling in a question have the same."""
    patterns = [*needed, *others]
    used = {detail for pattern in patterns for kind, detail in pattern if kind == "char"}
    other = next(letter for letter in _LETTERS + "".join(map(chr, range(0x3B1, 0x3FF))) if letter not in used)
    start = tuple(_resting(pattern, {0}) for pattern in patterns)
    seen = {start}
    waiting = deque([(start, "")])
    kinds = set()
    found: list[str] = []
    while waiting:
        state, text = waiting.popleft()
        matched = tuple(len(pattern) in places for pattern, places in zip(patterns, state, strict=True))
        if all(matched[: len(needed)]) and matched not in kinds:
            kinds.add(matched)
            found.append(text)
        following = {":", other}
        for pattern, places in zip(patterns, state, strict=True):
            following |= {pattern[place][1] for place in places if place < len(pattern) and pattern[place][0] == "char"}
        for character in sorted(following):
            there = tuple(_behind(pattern, places, character) for pattern, places in zip(patterns, state, strict=True))
            if all(there[: len(needed)]) and there not in seen:
                seen.add(there)
                waiting.append((there, text + character))
        if len(seen) > MOST_STATES:
            return found, False
    return found, True
