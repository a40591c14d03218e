"""Live account: read from AWS, or from a compatible endpoint, by reading calls only.

One listing holds nearly everything (GetAccountAuthorizationDetails); ListUsers and ListRoles add what it never
returns (PasswordLastUsed, Description, MaxSessionDuration). Only the first listing must be permitted: what the
others would have told is Missing and a Gap. Facts that would cost a call for each user are loaded on demand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

from iamtui.account.authorization_details import account_from_pages
from iamtui.account.model import NOT_LOADED, Account, Fact, Missing, Organization
from iamtui.account.snapshot_format import FORMAT_VERSION, SnapshotShape, TagShape
from iamtui.account.snapshot_reader import collector_paused
from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem
from iamtui.policy.patterns import parse_arn
from iamtui.sources.organization import read_organization, with_organization
from iamtui.sources.progress import Step, failure, no_step

PAGE_SIZE: Final = 200
"""Entities asked for in one page: small enough that parsing one does not hold up the screen."""

_FEW: Final = {"PageSize": 1000}
"""The largest page AWS gives, for listings whose entries are small."""

_MOST_PROVIDERS: Final = 100
"""AWS's quota of OIDC providers; each costs one call."""

_DECODER: Final = msgspec.json.Decoder(SnapshotShape)

_DETAILS: Final = ("iam", "GetAccountAuthorizationDetails")

P = TypeVar("P")
T = TypeVar("T")


class _User(Struct, rename="pascal"):
    user_name: str
    password_last_used: datetime | None = None


class _UsersPage(Struct, rename="pascal"):
    users: list[_User]


class _Role(Struct, rename="pascal"):
    role_name: str
    description: str | None = None
    max_session_duration: int | None = None


class _RolesPage(Struct, rename="pascal"):
    roles: list[_Role]


class _InstanceProfile(Struct, rename="pascal"):
    """Its name and path are left to its ARN, which they could contradict."""

    arn: Annotated[str, Meta(pattern=r"^arn:[a-z-]+:iam::\d{12}:instance-profile/(.*/)?[^/]+$")]
    instance_profile_id: str = ""
    create_date: datetime | None = None
    tags: list[TagShape] = []


class _InstanceProfilesPage(Struct, rename="pascal"):
    instance_profiles: list[_InstanceProfile]


class _Aliases(Struct, rename="pascal"):
    account_aliases: list[str]


class _Provider(Struct, rename="pascal"):
    arn: str
    create_date: datetime | None = None


class _SamlProviders(Struct):
    providers: list[_Provider] = msgspec.field(name="SAMLProviderList")


class _OidcProviders(Struct):
    providers: list[_Provider] = msgspec.field(name="OpenIDConnectProviderList")


class _OidcProvider(Struct):
    url: str = msgspec.field(name="Url")
    created: datetime | None = msgspec.field(name="CreateDate", default=None)
    audiences: list[str] = msgspec.field(name="ClientIDList", default_factory=list)


def load_live(connection: Connection, step: Step = no_step) -> Account:
    """Read the account that the connection's credentials belong to.

    Args:
        step: called between any two calls; an exception from it stops the load.

    Raises:
        Problem: GetAccountAuthorizationDetails is not permitted or fails.
    """
    with collector_paused():
        return _Loading(connection, step).account()


class _Loading:
    """One load: what came so far, and what could not be read."""

    def __init__(self, connection: Connection, step: Step) -> None:
        self._connection = connection
        self._step = step
        self._missing: list[dict[str, str]] = []
        self._broken: AwsProblem | None = None

    def account(self) -> Account:
        """Read everything."""
        header: dict[str, Any] = {"version": FORMAT_VERSION, "taken_at": datetime.now(UTC)}
        extra: dict[str, Any] = {"iamtui": header, "missing": self._missing}
        self._step("the caller's identity", 0)
        header |= self._read_caller()
        pages = self._read_authorization_details()
        roles = [role for page in pages for role in page.roles or ()]
        carried = {profile.arn for role in roles for profile in role.instance_profile_list or ()}
        self._optional("last use of passwords", "iam:ListUsers", lambda: self._read_users(extra))
        self._optional("descriptions and longest sessions of roles", "iam:ListRoles", lambda: self._read_roles(extra))
        self._optional("the account alias", "iam:ListAccountAliases", lambda: self._read_alias(header))
        self._optional(
            "instance profiles without a role",
            "iam:ListInstanceProfiles",
            lambda: self._read_instance_profiles(extra, carried),
        )
        self._optional("identity providers", "iam:ListSAMLProviders", lambda: self._read_providers(extra))
        account = account_from_pages([*pages, _page(extra)], origin=_origin(self._connection), absent=NOT_LOADED.reason)
        return with_organization(account, self._read_organization(account.id))

    def _read_caller(self) -> dict[str, str]:
        try:
            caller = self._connection.caller()
        except AwsProblem as problem:
            if problem.fatal:
                raise
            self._note("the caller's identity", "sts:GetCallerIdentity", problem)
            return {}
        arn = parse_arn(caller.arn)
        return {"account_id": caller.account, "caller": caller.arn, **({"partition": arn.partition} if arn else {})}

    def _note(self, what: str, permission: str, problem: AwsProblem) -> None:
        self._missing.append({"what": what, "permission": problem.permission or permission, "error": failure(problem)})

    def _optional(self, what: str, permission: str, read: Callable[[], None]) -> None:
        """Do one reading; when it fails, note what is missing. Not tried when nothing can be reached any more."""
        self._step(what, 0)
        try:
            if self._broken is not None:
                raise self._broken
            read()
        except AwsProblem as problem:
            self._note(what, permission, problem)
            if problem.fatal:
                self._broken = problem

    def _told(self, what: str, pages: Iterator[P], entries: Callable[[P], list[T]]) -> Iterator[T]:
        """The entries of a listing, page by page, telling how many have come."""
        done = 0
        for page in pages:
            found = entries(page)
            done += len(found)
            yield from found
            self._step(what, done)

    def _read_authorization_details(self) -> list[SnapshotShape]:
        pages: list[SnapshotShape] = []
        done = 0
        listing = self._connection.pages(
            "iam", "GetAccountAuthorizationDetails", PaginationConfig={"PageSize": PAGE_SIZE}
        )
        try:
            for answer in listing:
                page = self._details_page(answer)
                pages.append(page)
                done += sum(len(found or ()) for found in (page.users, page.groups, page.roles, page.policies))
                self._step("users, groups, roles and policies", done)
        except AwsProblem as problem:
            if not problem.denied:
                raise
            raise AwsProblem(
                problem.sentence,
                f"Nothing of the account can be shown without it: ask for {problem.permission}, choose another profile "
                "with --profile, or open a file that somebody else made with --snapshot FILE. To assume a role it is "
                "not needed: give the role's whole ARN (iamtui assume arn:aws:iam::ACCOUNT:role/NAME).",
                code=problem.code,
                permission=problem.permission,
            ) from None
        return pages

    def _details_page(self, answer: dict[str, Any]) -> SnapshotShape:
        try:
            page = _page(answer)
        except (msgspec.ValidationError, TypeError) as error:
            # botocore puts whole elements of XML where it looks for a text and finds a list of them.
            raise self._connection.unexpected(*_DETAILS, str(error)) from None
        if not page.says_anything and page.is_truncated is None:
            raise self._connection.unexpected(*_DETAILS, "it holds nothing of an account")
        return page

    def _read_users(self, extra: dict[str, Any]) -> None:
        pages = self._connection.pages("iam", "ListUsers", _UsersPage, PaginationConfig=_FEW)
        extra["user_details"] = {
            user.user_name: {"PasswordLastUsed": user.password_last_used}
            for user in self._told("last use of passwords", pages, lambda page: page.users)
        }

    def _read_roles(self, extra: dict[str, Any]) -> None:
        pages = self._connection.pages("iam", "ListRoles", _RolesPage, PaginationConfig=_FEW)
        extra["role_details"] = {
            role.role_name: {"Description": role.description, "MaxSessionDuration": role.max_session_duration}
            for role in self._told("descriptions and longest sessions of roles", pages, lambda page: page.roles)
        }

    def _read_alias(self, header: dict[str, Any]) -> None:
        answer = self._connection.call("iam", "ListAccountAliases", _Aliases)
        header["alias"] = next(iter(answer.account_aliases), None)

    def _read_instance_profiles(self, extra: dict[str, Any], carried: set[str | None]) -> None:
        pages = self._connection.pages("iam", "ListInstanceProfiles", _InstanceProfilesPage, PaginationConfig=_FEW)
        found = self._told("instance profiles", pages, lambda page: page.instance_profiles)
        extra["instance_profiles"] = [profile for profile in found if profile.arn not in carried]

    def _read_providers(self, extra: dict[str, Any]) -> None:
        saml = self._connection.call("iam", "ListSAMLProviders", _SamlProviders).providers
        oidc = self._connection.call("iam", "ListOpenIDConnectProviders", _OidcProviders).providers
        providers: list[dict[str, Any]] = [{"arn": one.arn, "type": "SAML", "created": one.create_date} for one in saml]
        for one in oidc[:_MOST_PROVIDERS]:
            self._step("identity providers", len(providers))
            detail = self._connection.call(
                "iam", "GetOpenIDConnectProvider", _OidcProvider, OpenIDConnectProviderArn=one.arn
            )
            providers.append({"arn": one.arn, "type": "OIDC", "created": detail.created, "audiences": detail.audiences})
        extra["identity_providers"] = providers

    def _read_organization(self, account_id: str) -> Fact[Organization | None]:
        if self._broken is not None:
            return Missing(failure(self._broken), "organizations:DescribeOrganization")
        return read_organization(self._connection, account_id, self._step)


def _page(answer: dict[str, Any]) -> SnapshotShape:
    """An answer of boto3, through the same decoder as a file."""
    wanted = {key: value for key, value in answer.items() if key != "ResponseMetadata"}
    return _DECODER.decode(msgspec.json.encode(wanted))


def _origin(connection: Connection) -> str:
    return f"The account at {connection.endpoint_url}" if connection.endpoint_url else "The account"
