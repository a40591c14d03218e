"""Answers of AWS Organizations given before: remembered for the other accounts, or recorded in a file.

The file is what iamtui writes of an organization, or what the AWS CLI prints (`aws organizations ...`).
"""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

import msgspec

from iamtui.account.authorization_details import load_account
from iamtui.account.model import (
    Account,
    Known,
    Missing,
    Organization,
)
from iamtui.aws.answers import shaped
from iamtui.aws.caller import CallerIdentity
from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem
from iamtui.input_files import open_input, read_whole, text_of, unpacked
from iamtui.paths import home_expanded
from iamtui.policy.patterns import is_account_id
from iamtui.problem import Problem
from iamtui.sources.organization import NOT_RECORDED, OrganizationAnswers, read_organization

T = TypeVar("T")

_LARGEST: Final = 12 * 1024 * 1024
"""Bytes that are read: in memory they can be 30 times as much."""
_MOST: Final = 200_000
"""Answers in one file."""

_PARTIAL: Final = ("--query", "--starting-token", "--max-items", "--next-token")
"""With these options the AWS CLI prints a part of what AWS answered."""
_LONGEST_COMMAND: Final = 4096
"""How long shlex takes grows with the square of a word's length."""
_HOW: Final = "docs/snapshots.md#the-organization says how to make one."

_ARGUMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "DescribeOrganization": (),
    "ListRoots": (),
    "DescribeAccount": ("AccountId",),
    "DescribeOrganizationalUnit": ("OrganizationalUnitId",),
    "DescribePolicy": ("PolicyId",),
    "ListParents": ("ChildId",),
    "ListPoliciesForTarget": ("TargetId", "Filter"),
    "ListDelegatedAdministrators": ("ServicePrincipal",),
    "ListAccountsForParent": ("ParentId",),
    "ListOrganizationalUnitsForParent": ("ParentId",),
}
"""Arguments that identify the answer of an operation in a file; other operations are not read."""

_Call = tuple[str, tuple[str, ...]]
"""An operation, and the values of its arguments."""

_MOST_REMEMBERED: Final = 20_000


class RememberedAnswers:
    """Cache of Organizations' answers about roots, units and policies that many accounts share.

    AWS lets an organization be asked some times a second, and each account needs some twenty answers.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._kept: dict[tuple[Any, ...], Any] = {}

    def call(self, service: str, operation: str, into: type[T], /, **parameters: Any) -> T:
        """As `Connection.call`."""
        return self._once(parameters, operation, lambda: self._connection.call(service, operation, into, **parameters))

    def pages(self, service: str, operation: str, into: type[T], /, **parameters: Any) -> Iterator[T]:
        """As `Connection.pages`."""
        pages = self._once(
            parameters, operation, lambda: [*self._connection.pages(service, operation, into, **parameters)]
        )
        yield from pages

    def unexpected(self, service: str, operation: str, what: str, /) -> Problem:
        return self._connection.unexpected(service, operation, what)

    def caller(self) -> CallerIdentity:
        return self._connection.caller()

    def _once(self, parameters: Mapping[str, Any], operation: str, ask: Callable[[], T]) -> T:
        key = (operation, *sorted(parameters.items()))
        if any(map(is_account_id, parameters.values())):
            # No other account asks for it.
            return ask()
        if key not in self._kept:
            answer = ask()
            if len(self._kept) >= _MOST_REMEMBERED:
                self._kept.clear()
            self._kept[key] = answer
            return answer
        found: T = self._kept[key]
        return found


class OrganizationFile:
    """A file that places accounts in their organization, with the attached policies.

    It holds JSON values, one after the other or in a list: objects with an "organization" as a snapshot has it, for one
    account each; or objects {"command", "output"} of the AWS CLI, whose outputs do not all say what they are about.
    """

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._own: dict[str, Organization] = {}
        self._recorded: dict[_Call, Any] = {}

    @classmethod
    def read(cls, path: str) -> OrganizationFile:
        """Read a file, packed (gzip, zstd) or not. Blocking.

        Raises:
            Problem: it cannot be read, or is of another kind.
        """
        found = cls(f"The organization file {path}")
        with open_input(home_expanded(path), found.origin, missing=f"Check the path. {_HOW}") as stream:
            data = read_whole(unpacked(stream, found.origin), found.origin, most=_LARGEST)
        for place, value in _values(text_of(data, found.origin), found.origin):
            found._add(place, value)
        if not found._own and not found._recorded:
            raise Problem(f"{found.origin} says nothing of an organization.", _HOW)
        return found

    def of(self, account: Account) -> Organization:
        """The organization of an account.

        Raises:
            Problem: the file does not list the account, or does not say where it stands.
        """
        own = self._own.get(account.id)
        if own is not None:
            return own
        if not self._recorded:
            listed = ", ".join(sorted(self._own)[:5])
            raise Problem(
                f"{self.origin} does not list the account {account.id}: it is about {listed}.",
                "Name the file that is about this account.",
            )
        found = read_organization(_Recorded(self._recorded), account.id)
        if isinstance(found, Missing) or found.value is None:
            why = found.reason if isinstance(found, Missing) else "no organization is described"
            raise Problem(f"{self.origin} does not say where account {account.id} is in the organization: {why}.", _HOW)
        return found.value

    def _add(self, place: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise Problem(f"{self.origin} has something other than an object at {place}.", _HOW)
        if "organization" in value:
            self._add_own(place, value["organization"])
        elif "command" in value:
            self._add_printed(place, value["command"], value.get("output"))
        else:
            call = _described(value)
            if call is None:
                what = ", ".join(sorted(value)[:3]) or "nothing"
                raise Problem(
                    f"{self.origin} has an object at {place} that does not say what it is about: it has {what}.",
                    f'Put its command beside it: {{"command": "list-parents --child-id ID", "output": ...}}. {_HOW}',
                )
            self._record(place, call, value)

    def _add_own(self, place: str, value: Any) -> None:
        path = value.get("path") if isinstance(value, dict) else None
        last = path[-1] if isinstance(path, list) and path else None
        account_id = last.get("id") if isinstance(last, dict) and last.get("type") == "ACCOUNT" else None
        if not isinstance(account_id, str):
            raise Problem(
                f"{self.origin} has an organization at {place} whose path does not end with an account.", _HOW
            )
        page = {"iamtui": {"version": 1, "account_id": account_id}, "organization": value}
        try:
            read = load_account(json.dumps(page).encode(), origin=f"{self.origin} ({place})").organization
        except Problem as problem:
            raise Problem(problem.sentence, _HOW) from None
        if not isinstance(read, Known) or read.value is None or read.value.path[0].type != "ROOT":
            raise Problem(f"{self.origin} has an organization at {place} whose path does not begin with a root.", _HOW)
        if self._own.setdefault(account_id, read.value) != read.value:
            raise Problem(f"{self.origin} says two things of the account {account_id}.", "Leave one of them out.")

    def _add_printed(self, place: str, command: Any, output: Any) -> None:
        call = _call(command)
        if call is None:
            raise Problem(
                f"{self.origin} has a command at {place} that is not one of AWS Organizations that iamtui reads, or "
                f"lacks an argument: {str(command)[:200]}.",
                f"Leave it out, or write it as it was run. {_HOW}",
            )
        if output is None:
            return
        if not isinstance(output, dict):
            raise Problem(f"{self.origin} has something other than an object as the output at {place}.", _HOW)
        self._record(place, call, output)

    def _record(self, place: str, call: _Call, output: dict[str, Any]) -> None:
        if output.get("NextToken"):
            raise Problem(
                f"{self.origin} has a listing at {place} that goes on elsewhere (NextToken).",
                "Run the command without --max-items, --no-paginate and --query.",
            )
        if self._recorded.setdefault(call, output) != output:
            raise Problem(f"{self.origin} has two different answers to {_words(call)}.", "Leave one of them out.")


def _values(text: str, origin: str) -> Iterator[tuple[str, Any]]:
    """The JSON values of a text, those of a list one by one, each with its position."""
    decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)
    at, number = _past_white(text, 0), 0
    while at < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise Problem(f"{origin} is not JSON: {error.msg} in line {error.lineno:,}.", _HOW) from None
        except RecursionError:
            raise Problem(f"{origin} is nested too deeply.", _HOW) from None
        except ValueError as error:
            raise Problem(f"{origin} is not what it should be: {error}.", _HOW) from None
        for one in value if isinstance(value, list) else (value,):
            number += 1
            if number > _MOST:
                raise Problem(f"{origin} has more than the {_MOST:,} answers that are read.", _HOW)
            yield f"value {number}", one
        at = _past_white(text, at)
    if not number:
        raise Problem(f"{origin} is empty.", _HOW)


def _past_white(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"an object has {twice[:80]!r} twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _call(command: Any) -> _Call | None:
    """The call that a command line of the AWS CLI makes, with or without `aws organizations` in front."""
    try:
        words = shlex.split(command) if isinstance(command, str) and len(command) <= _LONGEST_COMMAND else []
    except ValueError:
        return None
    if words[:2] == ["aws", "organizations"]:
        words = words[2:]
    operation = "".join(part.capitalize() for part in words[0].split("-")) if words else ""
    if operation not in _ARGUMENTS:
        return None
    given: dict[str, str] = {}
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name.startswith("--"):
            key = "".join(part.capitalize() for part in name[2:].split("-"))
            given[key] = value if equals else "".join(words[at + 1 : at + 2])
    values = tuple(given.get(name, "") for name in _ARGUMENTS[operation])
    return (operation, values) if all(values) and not any(word.startswith(_PARTIAL) for word in words) else None


def _described(output: dict[str, Any]) -> _Call | None:
    """The call that an output is the answer to, where the output says it."""
    if "Organization" in output:
        return "DescribeOrganization", ()
    if "Roots" in output:
        return "ListRoots", ()
    account, unit, policy = (output.get(name) for name in ("Account", "OrganizationalUnit", "Policy"))
    if isinstance(policy, dict):
        policy = policy.get("PolicySummary")
    operations = ("DescribeAccount", "DescribeOrganizationalUnit", "DescribePolicy")
    for operation, about in zip(operations, (account, unit, policy), strict=True):
        if isinstance(about, dict) and isinstance(about.get("Id"), str):
            return operation, (about["Id"],)
    return None


def _words(call: _Call) -> str:
    """A call as a command line of the AWS CLI."""
    words = [_kebab(call[0])]
    for name, value in zip(_ARGUMENTS[call[0]], call[1], strict=True):
        words += [f"--{_kebab(name)}", value]
    return " ".join(words)


def _kebab(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


_NAMELESS: Final = {"DescribeAccount": "Account", "DescribeOrganizationalUnit": "OrganizationalUnit"}
"""Operations that only give a name, which may be missing."""


class _Recorded(OrganizationAnswers):
    """Answers calls with what the AWS CLI printed."""

    def __init__(self, recorded: Mapping[_Call, Any]) -> None:
        self._recorded = recorded

    def call(self, service: str, operation: str, into: type[T], /, **parameters: Any) -> T:
        """The answer to one call.

        Raises:
            AwsProblem: it is not there, or not one of this operation.
        """
        call = (operation, tuple(parameters[name] for name in _ARGUMENTS[operation]))
        found = self._recorded.get(call)
        if found is None and operation in _NAMELESS:
            found = {_NAMELESS[operation]: {"Id": call[1][0]}}
        if found is None:
            raise AwsProblem(f"it lacks what this prints: aws organizations {_words(call)}", code=NOT_RECORDED)
        try:
            return shaped(found, into)
        except msgspec.ValidationError as error:
            raise self.unexpected(service, operation, str(error)) from None

    def pages(self, service: str, operation: str, into: type[T], /, **parameters: Any) -> Iterator[T]:
        """The answer to a listing, which is one page.

        Raises:
            AwsProblem: as `call`.
        """
        yield self.call(service, operation, into, **parameters)

    def unexpected(self, _service: str, operation: str, what: str, /) -> AwsProblem:
        return AwsProblem(f"what {_kebab(operation)} printed is not an answer to it: {what}", code="UnexpectedAnswer")
