"""Live account: read from AWS, or from a compatible endpoint, by reading calls only.

One listing holds nearly everything (GetAccountAuthorizationDetails); ListUsers and ListRoles add what it never
returns (PasswordLastUsed, Description, MaxSessionDuration). Where the first listing is denied, entities are read one by
one. What else is denied is Missing and a Gap. Facts that would cost a call for each user are loaded on demand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from iamtui.account.authorization_details import account_from_pages
from iamtui.account.model import (
    BEING_READ,
    NOT_LOADED,
    REST_OF_ACCOUNT,
    UNLISTED,
    Account,
    Fact,
    Known,
    Missing,
    Organization,
)
from iamtui.account.snapshot_format import RoleNameShape, SnapshotShape, TagShape
from iamtui.aws.answers import list_of
from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem
from iamtui.policy.patterns import parse_arn
from iamtui.problem import Problem
from iamtui.sources.one_by_one import OneByOne, origin_of, page_of
from iamtui.sources.organization import read_organization, with_organization
from iamtui.sources.parallel import Step, Tasks, failure, no_step

PAGE_SIZE: Final = 200
"""Entities per page of a listing: small enough that parsing one does not hold up the screen."""

_FEW: Final = 1000
"""The largest page AWS gives, for listings whose entries are small."""

_MOST_PROVIDERS: Final = 100
"""AWS's quota of OIDC providers; each costs one call."""

_AT_ONCE: Final = 4
_AT_ONCE_BESIDE_A_SCREEN: Final = 2
"""Calls in flight. Each thread that reads an answer takes its share of the time from a screen: with two, the screen
still goes on, and what is read beside the listing is there before the listing is."""

_ENTITIES: Final = "users, groups, roles and policies"
_LISTS: Final = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")

_GROWTH: Final = 3
"""How many times as much of an account must have come before it is shown again while it is being read."""

_OLD_MARKER: Final = frozenset(("InvalidInput", "InvalidParameterValue", "ValidationError", "ValidationException"))
"""Error codes of AWS for a marker that has expired."""


class _User(Struct, rename="pascal"):
    user_name: str
    password_last_used: datetime | None = None


class _Role(Struct, rename="pascal"):
    role_name: str
    description: str | None = None
    max_session_duration: int | None = None


class _InstanceProfile(Struct, rename="pascal"):
    """Its name and path are left to its ARN, which they could contradict."""

    arn: Annotated[str, Meta(pattern=r"^arn:[a-z-]+:iam::[0-9]{12}:instance-profile/(.*/)?[^/]+\Z")]
    instance_profile_id: str = ""
    create_date: datetime | None = None
    roles: list[RoleNameShape] = []
    tags: list[TagShape] = []


class _Provider(Struct, rename="pascal"):
    arn: str
    create_date: datetime | None = None


class _OidcProvider(Struct):
    url: str = msgspec.field(name="Url")
    created: datetime | None = msgspec.field(name="CreateDate", default=None)
    audiences: list[str] = msgspec.field(name="ClientIDList", default_factory=list)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the account that is read beside the one listing, by itself.

    Args:
        what: what its gap is called.
        permission: what reading it needs, where the answer does not say it.
        read: gives what pages of the snapshot's form have of it, one for each answer.
    """

    what: str
    permission: str
    read: Callable[[Connection], Iterable[dict[str, Any]]]


class LiveReading:
    """The reading of an account: what came of it stays when it breaks off, and it can go on from there."""

    def __init__(self) -> None:
        self._pages: list[SnapshotShape] = []
        self._marker = ""
        self._is_whole = False
        self._one_by_one = OneByOne()
        self._entities: dict[str, Any] | None = None
        """Entities that were read one by one in place of pages."""
        self._broke_off: AwsProblem | None = None
        self._header: dict[str, Any] = {"version": 1, "taken_at": datetime.now(UTC)}
        self._no_caller: AwsProblem | None = None
        self._is_identified = False
        self._found: dict[str, SnapshotShape] = {}
        self._failed: dict[str, AwsProblem] = {}
        self._organization: Fact[Organization | None] = NOT_LOADED
        self._fatal: AwsProblem | None = None
        self._read_with: Connection | None = None

    @property
    def may_go_on(self) -> bool:
        """True if a part is missing that reading on may still give."""
        failed = [self._broke_off, self._fatal, *self._failed.values()]
        return self._one_by_one.may_pass or any(
            problem is not None and (problem.may_pass or problem.fatal) for problem in failed
        )

    def identify(self, connection: Connection, step: Step = no_step) -> tuple[str, str] | None:
        """The account and the ARN of whoever reads; None where AWS does not say. The next reading need not ask again.

        Raises:
            Problem: nothing can be asked.
        """
        with Tasks(1, step) as tasks:
            tasks.what = "the caller's identity"
            tasks.watch(tasks.add(lambda: self._read_caller(connection)))
        self._is_identified = True
        return None if self._no_caller is not None else (self._header["account_id"], self._header["caller"])

    def read(
        self,
        connection: Connection,
        step: Step = no_step,
        show: Callable[[Account], None] | None = None,
        *,
        beside_a_screen: bool = False,
    ) -> Account:
        """Read what is lacking: everything, or the rest.

        Args:
            step: called now and then; an exception from it stops the load.
            show: given the account as far as it is read, now and then.
            beside_a_screen: whether a screen has to go on meanwhile, as it does where something is shown.

        Raises:
            Problem: GetAccountAuthorizationDetails is not permitted, or fails before it gave anything.
        """
        self._fatal = self._broke_off = None
        self._failed.clear()
        at_once = _AT_ONCE_BESIDE_A_SCREEN if show is not None or beside_a_screen else _AT_ONCE
        if not self._is_identified:
            self.identify(connection, step)
        self._is_identified = False
        with Tasks(at_once, self._showing(connection, step, show)) as tasks:
            tasks.what, tasks.done = _ENTITIES, self._count()
            details = tasks.add(lambda: self._read_details(connection, tasks))
            parts = [tasks.add(partial(self._read_part, connection, part)) for part in _PARTS]
            try:
                tasks.watch(details)
            except AwsProblem as problem:
                if not problem.denied:
                    raise
                self._entities = self._one_by_one.read(connection, tasks)
                if self._entities is None:
                    raise _without_inventory(problem, self._one_by_one.why_nothing) from None
            parts.append(tasks.add(lambda: self._read_organization(connection)))
            tasks.what, tasks.done = "details and the organization", 0
            tasks.watch(*parts)
        return self._account(connection)

    def _showing(self, connection: Connection, step: Step, show: Callable[[Account], None] | None) -> Step:
        """The step, which also shows the account each time when several times as much of it has come."""
        if show is None:
            return step
        shown = self._count()

        def step_and_show(what: str, done: int, waiting: str = "", /) -> None:
            nonlocal shown
            step(what, done, waiting)
            count = self._count()
            if count > _GROWTH * shown and not self._is_whole:
                shown = count
                show(self._account(connection, so_far=True))

        return step_and_show

    def _count(self) -> int:
        return sum(map(_entities, self._pages))

    def _read_caller(self, connection: Connection) -> None:
        self._no_caller = caller = None
        try:
            caller = connection.caller()
        except AwsProblem as problem:
            if problem.fatal:
                raise
            self._no_caller = problem
        if self._read_with is not None and not connection.reads_same_account_as(self._read_with):
            # Other credentials: nothing of one account may stand under the name of another.
            no_caller = self._no_caller
            vars(self).update(vars(LiveReading()))
            self._no_caller = no_caller
        self._read_with = connection
        if caller is not None:
            self._header |= {"account_id": caller.account, "caller": caller.arn, "partition": caller.partition}

    def _read_details(self, connection: Connection, tasks: Tasks) -> None:
        """The listing that holds nearly everything, from where it broke off."""
        if self._is_whole:
            return
        goes_on = bool(self._marker)
        try:
            self._read_pages(connection, tasks)
        except AwsProblem as problem:
            if goes_on and problem.code in _OLD_MARKER:
                self._pages.clear()
                self._marker = ""
                self._read_details(connection, tasks)
            elif self._pages:
                self._broke_off = problem
                if problem.fatal and not problem.may_pass:
                    self._fatal = problem
            else:
                raise

    def _read_pages(self, connection: Connection, tasks: Tasks) -> None:
        marker = {"Marker": self._marker} if self._marker else {}
        for answer in connection.pages("iam", "GetAccountAuthorizationDetails", dict, MaxItems=PAGE_SIZE, **marker):
            page = _checked_page(connection, "GetAccountAuthorizationDetails", answer)
            if not page.says_anything and page.is_truncated is None:
                raise connection.unexpected("iam", "GetAccountAuthorizationDetails", "it holds nothing of an account")
            self._pages.append(page)
            self._marker = str(answer.get("Marker") or "")
            tasks.done = self._count()
        self._is_whole = True
        self._one_by_one, self._entities = OneByOne(), None

    def _read_part(self, connection: Connection, part: _Part) -> None:
        """One part; when it fails, note why. Not tried when nothing can be reached any more."""
        if part.what in self._found:
            return
        try:
            if self._fatal is not None:
                raise self._fatal
            checked = partial(_checked_page, connection, part.permission.removeprefix("iam:"))
            self._found[part.what] = _joined(map(checked, part.read(connection)))
        except AwsProblem as problem:
            self._failed[part.what] = problem
            # One that is not answered says nothing of the others; when two are not, there is no way to AWS.
            unanswered = [one for one in list(self._failed.values()) if one.fatal and one.may_pass]
            if problem.fatal and (not problem.may_pass or len(unanswered) > 1):
                self._fatal = problem

    def _read_organization(self, connection: Connection) -> None:
        if isinstance(self._organization, Known):
            return
        if self._fatal is not None:
            self._organization = Missing(failure(self._fatal), "organizations:DescribeOrganization")
            return
        account_id = self._header.get("account_id") or account_from_pages(self._entity_pages()).id
        self._organization = read_organization(connection, account_id)

    def _account(self, connection: Connection, *, so_far: bool = False) -> Account:
        missing: list[dict[str, str]] = []
        if self._no_caller is not None:
            missing.append(_missing("the caller's identity", "sts:GetCallerIdentity", self._no_caller))
        if so_far:
            rest = {"what": REST_OF_ACCOUNT, "permission": "", "error": BEING_READ}
            missing.append(rest)
        elif self._broke_off is not None:
            missing.append(_missing(REST_OF_ACCOUNT, "iam:GetAccountAuthorizationDetails", self._broke_off))
        failed = dict(self._failed)
        missing += [_missing(part.what, part.permission, failed[part.what]) for part in _PARTS if part.what in failed]
        extra: dict[str, Any] = {"missing": missing, "iamtui": self._header}
        pages = self._entity_pages()
        if self._entities is not None:
            extra["unread"] = self._entities["unread"]
            missing += self._entities["missing"]
        carried = {
            profile.arn for page in pages for role in page.roles or () for profile in role.instance_profile_list or ()
        }
        for page in dict(self._found).values():
            others = [profile for profile in page.instance_profiles or () if profile.arn not in carried]
            is_listed = page.instance_profiles is not None
            pages.append(msgspec.structs.replace(page, instance_profiles=others) if is_listed else page)
        pages.append(page_of(extra))
        try:
            account = account_from_pages(pages, origin=origin_of(connection), absent=NOT_LOADED.reason)
        except Problem as problem:
            # One entity that contradicts itself leaves all in doubt.
            raise Problem(
                problem.sentence, "Read the account again. If that stays, the endpoint does not answer as AWS does."
            ) from None
        return account if so_far else with_organization(account, self._organization)

    def _entity_pages(self) -> list[SnapshotShape]:
        if self._entities is not None:
            return [page_of({key: self._entities[key] for key in _LISTS})]
        return _latest(list(self._pages))


def _missing(what: str, permission: str, problem: AwsProblem) -> dict[str, str]:
    return {"what": what, "permission": problem.permission or permission, "error": failure(problem)}


def _without_inventory(problem: AwsProblem, why_no_list: str) -> AwsProblem:
    """Problem to show where the inventory is denied, and no list of entities can be read in its place.

    Args:
        why_no_list: what failed of a list that was not denied, or "".
    """
    lists = f" Users, groups, roles and policies cannot be listed either: {why_no_list}." if why_no_list else ""
    return AwsProblem(
        f"{problem.sentence}{lists}",
        f"Nothing of the account can be shown without it: ask for {problem.permission}, choose another profile "
        "with --profile, or open a file that somebody else made with --snapshot FILE. To assume a role it is "
        "not needed: give the role's whole ARN (iamtui assume arn:aws:iam::ACCOUNT:role/NAME).",
        code=problem.code,
        permission=problem.permission,
    )


def _checked_page(connection: Connection, operation: str, answer: dict[str, Any]) -> SnapshotShape:
    try:
        return page_of(answer)
    except (msgspec.ValidationError, TypeError) as error:
        # botocore puts whole elements of XML where it looks for a text and finds a list of them.
        raise connection.unexpected("iam", operation, str(error)) from None


def _entities(page: SnapshotShape) -> int:
    return sum(len(found or ()) for found in (page.users, page.groups, page.roles, page.policies))


def _latest(pages: list[SnapshotShape]) -> list[SnapshotShape]:
    """The pages with each entity once, as it was read last: pages repeat one where the account changes meanwhile."""
    seen: set[tuple[str, str]] = set()
    kept: list[SnapshotShape] = []
    for page in reversed(pages):
        once: dict[str, Any] = {}
        for kind in ("users", "groups", "roles", "policies"):
            entries = getattr(page, kind) or ()
            ids = [(kind, _identity(kind, entry)) for entry in entries]
            if not seen.isdisjoint(ids) or len(set(ids)) < len(ids):
                last = {one: entry for one, entry in zip(ids, entries, strict=True) if one not in seen}
                once[kind] = list(last.values())
            seen.update(ids)
        kept.append(msgspec.structs.replace(page, **once) if once else page)
    return kept[::-1]


def _identity(kind: str, entry: Any) -> str:
    """Identity of an entry in its account: a policy's ARN, else the name, whatever its path."""
    if kind == "policies":
        return str(entry.arn or entry.policy_name)
    name = {"users": "user_name", "groups": "group_name", "roles": "role_name"}[kind]
    return str(getattr(entry, name) or entry.arn.rpartition("/")[2])


# What is read beside that listing: the cheapest first.


def _alias(connection: Connection) -> Iterator[dict[str, Any]]:
    answer = connection.call("iam", "ListAccountAliases", list_of("AccountAliases", str))
    yield {"iamtui": {"alias": next(iter(answer.value), None)}}


def _providers(connection: Connection) -> Iterator[dict[str, Any]]:
    saml = connection.call("iam", "ListSAMLProviders", list_of("SAMLProviderList", _Provider)).value
    listed_oidc = list_of("OpenIDConnectProviderList", _Provider)
    oidc = connection.call("iam", "ListOpenIDConnectProviders", listed_oidc).value
    for operation, listed in (("ListSAMLProviders", saml), ("ListOpenIDConnectProviders", oidc)):
        for one in listed:
            if parse_arn(one.arn) is None:
                raise connection.unexpected("iam", operation, "a provider in it has no ARN")
    providers: list[dict[str, Any]] = [{"arn": one.arn, "type": "SAML", "created": one.create_date} for one in saml]
    for one in oidc[:_MOST_PROVIDERS]:
        detail = connection.call("iam", "GetOpenIDConnectProvider", _OidcProvider, OpenIDConnectProviderArn=one.arn)
        providers.append({"arn": one.arn, "type": "OIDC", "created": detail.created, "audiences": detail.audiences})
    yield {"identity_providers": providers}


def _instance_profiles(connection: Connection) -> Iterator[dict[str, Any]]:
    form = list_of("InstanceProfiles", _InstanceProfile)
    for page in connection.pages("iam", "ListInstanceProfiles", form, MaxItems=_FEW):
        yield {"instance_profiles": page.value}


def _roles(connection: Connection) -> Iterator[dict[str, Any]]:
    for page in connection.pages("iam", "ListRoles", list_of("Roles", _Role), MaxItems=_FEW):
        yield {
            "role_details": {
                role.role_name: {"Description": role.description, "MaxSessionDuration": role.max_session_duration}
                for role in page.value
            }
        }


def _users(connection: Connection) -> Iterator[dict[str, Any]]:
    for page in connection.pages("iam", "ListUsers", list_of("Users", _User), MaxItems=_FEW):
        yield {"user_details": {user.user_name: {"PasswordLastUsed": user.password_last_used} for user in page.value}}


_PARTS: Final = (
    _Part("the account alias", "iam:ListAccountAliases", _alias),
    _Part("identity providers", "iam:ListSAMLProviders", _providers),
    _Part(UNLISTED["instance profiles"], "iam:ListInstanceProfiles", _instance_profiles),
    _Part("descriptions and longest sessions of roles", "iam:ListRoles", _roles),
    _Part("last use of passwords", "iam:ListUsers", _users),
)


def _joined(pages: Iterable[SnapshotShape]) -> SnapshotShape:
    """The pages of a part as one; where they tell of an entity twice, as it was read last.

    They are decoded one by one before: all at once, that holds the interpreter's lock for 40 ms.
    """
    joined = SnapshotShape()
    for page in pages:
        joined.iamtui = page.iamtui or joined.iamtui
        for name in ("identity_providers", "instance_profiles"):
            if getattr(page, name) is not None:
                setattr(joined, name, [*(getattr(joined, name) or ()), *getattr(page, name)])
        for name in ("role_details", "user_details"):
            if getattr(page, name) is not None:
                setattr(joined, name, {**(getattr(joined, name) or {}), **getattr(page, name)})
    return joined
