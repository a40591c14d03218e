"""Reader of GetAccountAuthorizationDetails output, AWS Config items and snapshots into an Account (`snapshot_format`).

Tolerant where meaning is certain: names and paths come from ARNs where they lack, entities that several pages
repeat are one. What is absent becomes Missing, and a Gap of the account; never "none". A policy document that
cannot be read is kept and says why; the rest loads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from iamtui.account.model import (
    NOT_IN_SNAPSHOT,
    Account,
    Fact,
    Group,
    InlinePolicy,
    InstanceProfile,
    Known,
    LoginProfile,
    ManagedPolicy,
    MfaDevice,
    Missing,
    PolicyVersion,
    PublicAccessBlock,
    Role,
    ServerCertificate,
    Tags,
    Unread,
    User,
)
from iamtui.account.snapshot_format import (
    BoundaryShape,
    ConfigItemShape,
    GroupShape,
    HeaderShape,
    LastUsedShape,
    ManagedPolicyShape,
    MissingShape,
    OrganizationShape,
    PolicyShape,
    RoleNameShape,
    RoleShape,
    SnapshotShape,
    TagShape,
    UserShape,
)
from iamtui.account.snapshot_parts import (
    access_keys,
    arn_fault,
    attached,
    credential_report,
    find_gaps,
    identity_providers,
    last_accessed,
    lists_lacking,
    organization,
    parse_time,
    record_of,
    records_of,
    resource_policies,
    tags,
)
from iamtui.account.snapshot_reader import (
    AWS_DOCUMENTS,
    MOST_ENTITIES,
    SnapshotProblem,
    decode_pages,
    with_raw,
    wrong_shape,
)
from iamtui.policy.document import DocumentPool, PolicyDocument
from iamtui.policy.patterns import Arn, is_account_id, parse_arn
from iamtui.problem import Problem
from iamtui.typed_json import prepared

Json: TypeAlias = dict[str, Any]

_TYPES: Final[dict[str, tuple[str, type[Struct], tuple[str, ...]]]] = {
    "AWS::IAM::User": ("users", UserShape, ("userPolicyList", "attachedManagedPolicies", "groupList")),
    "AWS::IAM::Group": ("groups", GroupShape, ("groupPolicyList", "attachedManagedPolicies")),
    "AWS::IAM::Role": ("roles", RoleShape, ("rolePolicyList", "attachedManagedPolicies")),
    "AWS::IAM::Policy": ("policies", ManagedPolicyShape, ("policyVersionList",)),
}
"""By resource type: the list of a page, the shape of its entries, and what they cannot be without."""

_GONE: Final = ("ResourceDeleted", "ResourceDeletedNotRecorded")
_NOT_RECORDED: Final = "ResourceNotRecorded"

_MOST_PARTS: Final = 1_500_000
"""Lists, objects and commas in what the newest items say: each becomes objects. An account at five times AWS's default
quotas has 39,000 resources, of some thirty parts each."""

_MARKS: Final = (b"{", b"[", b",")


def pages_of(pages: Sequence[SnapshotShape], origin: str) -> Iterator[SnapshotShape]:
    """The pages, with one for each account in place of all that hold configuration items.

    Raises:
        Problem: an item is none of an IAM resource; says which.
    """
    of_config = [page for page in pages if page.is_of_config]
    yield from (page for page in pages if not page.is_of_config)
    if of_config:
        yield from _of_items(of_config, origin)


def _of_items(pages: Sequence[SnapshotShape], origin: str) -> Iterator[SnapshotShape]:
    accounts: dict[str, _RecordedAccount] = {}
    # A later page may hold a newer item of the same resource, or say that it is gone.
    newest = _newest((item for page in pages for item in _items(page, origin)), origin)
    parts = sum(bytes(item.configuration).count(mark) for _, item in newest for mark in _MARKS)
    if parts > _MOST_PARTS:
        raise SnapshotProblem(f"{origin} has more than {_MOST_PARTS:,} values in its items of IAM.")
    for where, item in newest:
        if item.configuration_item_status in _GONE:
            continue
        known = _TYPES[item.resource_type]
        account = accounts.setdefault(item.aws_account_id or item.account_id or "", _RecordedAccount())
        if item.configuration_item_status == _NOT_RECORDED:
            account.unrecorded += 1
        else:
            account.add(known, item, f"{origin} is not an account at {where}.configuration", origin)
    if not accounts:
        raise Problem(
            f"{origin} holds configuration items of AWS Config, but none of an IAM user, group, role or policy.",
            "Let AWS Config record the IAM resource types, or read the account itself.",
        )
    for account_id, account in accounts.items():
        made = account.page(account_id)
        made.next_token = pages[-1].next_token
        yield made


def _items(page: SnapshotShape, origin: str) -> Iterator[tuple[str, ConfigItemShape]]:
    for name, items in (
        ("configurationItems", page.configuration_items),
        ("baseConfigurationItems", page.base_configuration_items),
    ):
        for index, item in enumerate(items or ()):
            yield f"$.{name}[{index}]", item
    for index, text in enumerate(page.results or ()):
        try:
            yield f"$.Results[{index}]", msgspec.json.decode(text, type=prepared(ConfigItemShape))
        except RecursionError:
            raise _too_deep(f"{origin} is not an account at $.Results[{index}]") from None
        except (msgspec.DecodeError, UnicodeEncodeError) as error:
            raise SnapshotProblem(f"{origin} is not an account at $.Results[{index}]: {error}.") from None


def _newest(items: Iterator[tuple[str, ConfigItemShape]], origin: str) -> list[tuple[str, ConfigItemShape]]:
    """The newest item of each resource of IAM."""
    found: dict[tuple[str, str], tuple[str, ConfigItemShape]] = {}
    for where, item in items:
        if item.resource_type not in _TYPES:
            continue
        key = (item.resource_type, item.long_arn or item.arn or item.resource_id)
        known = found.get(key)
        if known is None or str(known[1].captured) <= str(item.captured):
            found[key] = (where, item)
        if len(found) > MOST_ENTITIES:
            raise SnapshotProblem(f"{origin} has items of more than {MOST_ENTITIES:,} resources of IAM.")
    return list(found.values())


class _RecordedAccount:
    """The items of one account."""

    def __init__(self) -> None:
        self.lists: dict[str, list[Any]] = {}
        self.unrecorded = 0
        self._unbounded = 0

    def add(
        self, known: tuple[str, type[Struct], Sequence[str]], item: ConfigItemShape, said: str, origin: str
    ) -> None:
        name, shape, needed = known
        configuration = _configuration(item, said)
        for key in needed:
            if configuration.get(key) is None:
                raise SnapshotProblem(f"{said}: it has no {key}, so its value is unknown.")
        if name in ("users", "roles") and "permissionsBoundary" not in configuration:
            # Older items do not say whether there is one: decisions depend on it.
            arn = str(configuration.get("arn") or item.long_arn or item.arn or "")
            unknown = ":".join((*arn.split(":")[:5], "policy/(not recorded by AWS Config)"))
            configuration["permissionsBoundary"] = {"permissionsBoundaryArn": unknown}
            self._unbounded += 1
        if not configuration.get("tags") and isinstance(item.tags, dict):
            configuration["tags"] = [{"key": key, "value": value} for key, value in item.tags.items()]
        try:
            entry = msgspec.convert(with_raw(_pascal(configuration), AWS_DOCUMENTS), prepared(shape))
        except msgspec.ValidationError as error:
            raise wrong_shape(str(error), origin, said.partition(" at ")[2]) from None
        except RecursionError:
            raise _too_deep(said) from None
        self.lists.setdefault(name, []).append(entry)

    def page(self, account_id: str) -> SnapshotShape:
        missing = []
        if self.unrecorded:
            missing.append(MissingShape(f"{self.unrecorded} resources that AWS Config does not record"))
        if self._unbounded:
            missing.append(MissingShape(f"permissions boundaries of {self._unbounded} users and roles", "iam:GetUser"))
        page = SnapshotShape(iamtui=HeaderShape(account_id=account_id or None), missing=missing)
        for name, entries in self.lists.items():
            setattr(page, name, entries)
        return page


def _configuration(item: ConfigItemShape, said: str) -> Json:
    try:
        value = msgspec.json.decode(item.configuration)
        if isinstance(value, str):
            value = msgspec.json.decode(value)
    except RecursionError:
        raise _too_deep(said) from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise SnapshotProblem(f"{said}: it is not JSON ({error}).") from None
    if not isinstance(value, dict):
        raise SnapshotProblem(f"{said}: expected an object.")
    return value


def _too_deep(said: str) -> Problem:
    return SnapshotProblem(f"{said}: it is nested too deeply.")


def _pascal(value: Any) -> Any:
    """The value under the names that IAM gives its keys, documents left as they are."""
    if isinstance(value, list):
        return [_pascal(one) for one in value]
    if isinstance(value, dict):
        named = {key[:1].upper() + key[1:]: one for key, one in value.items()}
        return {key: one if key in AWS_DOCUMENTS else _pascal(one) for key, one in named.items()}
    return value


_ALL_LISTS: Final = "iam:GetAccountAuthorizationDetails"

_FOREIGN: Final = 0
"""The version of a header that is made here, for a file that iamtui did not write."""
LARGEST_TRUST: Final = 131_072
"""Characters of any document that the IAM API takes, spaces aside; of a trust policy it takes 8,192 at most."""

T = TypeVar("T")
E = TypeVar("E", User, Group, Role, ManagedPolicy, InstanceProfile)


def load_account(
    data: bytes,
    *,
    origin: str = "The snapshot",
    pool: DocumentPool | None = None,
    account_id: str | None = None,
    absent: str = NOT_IN_SNAPSHOT,
) -> Account:
    """Read an account from the bytes of a file: see `snapshot_reader` for what else than snapshots is read.

    Args:
        data: the bytes of the file.
        origin: what it is called in an error ("The snapshot account.json").
        pool: where documents come from, so that the equal ones of another account are the same objects.
        account_id: the account that is meant, of those in the file; None: there is one.
        absent: why a fact is Missing that is not there and was not refused.

    Raises:
        Problem: it is not an account, or entities of two accounts stand in it; says where.
    """
    pages = list(pages_of(decode_pages(data, origin=origin), origin))
    if account_id is not None:
        pages = _of_account(pages, account_id, origin)
    return account_from_pages(pages, origin=origin, absent=absent, pool=pool)


_LISTS: Final = ("users", "groups", "roles", "policies")


def _of_account(pages: Sequence[SnapshotShape], account_id: str, origin: str) -> list[SnapshotShape]:
    """The pages of one account, and of those that mix several the entities of this one.

    Raises:
        Problem: there is nothing of that account.
    """
    owners = [_owners(page) for page in pages]
    known = set().union(*owners)
    if account_id not in known:
        ids = ", ".join(sorted(known)[:10]) or "none"
        raise Problem(f"{origin} has no account {account_id}.", f"It has: {ids}.")
    # Of several accounts in one file, a page that names none of them could be of any.
    alone = [{account_id}, set()] if len(known) == 1 else [{account_id}]
    return [
        page if whose in alone else _only_of(page, account_id, origin)
        for page, whose in zip(pages, owners, strict=True)
        if whose <= {account_id} or account_id in whose
    ]


def _owners(page: SnapshotShape) -> set[str]:
    """The accounts that a page is of: those of its entities, its header and the place in the organization."""
    arns = (parse_arn(entity.arn) for name in _LISTS for entity in _listed(page, name) or () if entity.arn)
    owners = {arn.account for arn in arns if arn is not None and is_account_id(arn.account)}
    if page.iamtui is not None and page.iamtui.account_id:
        owners.add(page.iamtui.account_id)
    if isinstance(page.organization, OrganizationShape):
        owners.update(level.id for level in page.organization.path if level.type == "ACCOUNT")
    return owners


def _listed(page: SnapshotShape, name: str) -> list[Any] | None:
    found = getattr(page, name)
    return None if isinstance(found, UnsetType) else found


def _only_of(page: SnapshotShape, account_id: str, origin: str) -> SnapshotShape:
    """The entities of one account of a page that mixes accounts; what else it says could be of any of them."""
    lists: dict[str, Any] = {}
    for name in _LISTS:
        entities = _listed(page, name)
        for index, entity in enumerate(entities or ()):
            if not entity.arn:
                raise Problem(
                    f"{origin} mixes accounts, and does not say whose the entry {index} of its {name} is.",
                    "Make a file of each account.",
                )
        if entities is not None:
            wanted = (f"::{account_id}:", "::aws:")
            lists[name] = [entity for entity in entities if any(owner in entity.arn for owner in wanted)]
    return SnapshotShape(
        iamtui=HeaderShape(version=_FOREIGN, account_id=account_id),
        is_truncated=page.is_truncated,
        marker=page.marker,
        next_token=page.next_token,
        unread=page.unread,
        missing=page.missing,
        **lists,
    )


def account_from_pages(
    pages: Sequence[SnapshotShape],
    *,
    origin: str = "The snapshot",
    absent: str = NOT_IN_SNAPSHOT,
    pool: DocumentPool | None = None,
) -> Account:
    """Make one account of the pages of a listing.

    Args:
        pages: in their order.
        origin: what the source is called in an error.
        absent: why a fact that no page has is Missing.
        pool: where documents come from, so that the equal ones of another account are the same objects.
    """
    return _AccountReader(pages, origin, absent, DocumentPool() if pool is None else pool).account()


class _AccountReader:
    """One reading of some pages: what they say as a whole, and the records made from it."""

    def __init__(self, pages: Sequence[SnapshotShape], origin: str, absent: str, pool: DocumentPool) -> None:
        self._pages = pages
        self._origin = origin
        self._absent = absent
        self._pool = pool
        self._refused = _refused(pages)
        self._header = _merged_header(pages)
        self._users = [shape for page in pages for shape in page.users or ()]
        self._groups = [shape for page in pages for shape in page.groups or ()]
        roles = [shape for page in pages for shape in page.roles or ()]
        policies = [shape for page in pages for shape in page.policies or ()]
        # Some downloaders put the managed policies of roles into the list of roles.
        self._roles = [role for role in roles if not _is_policy(role)]
        self._policies: list[ManagedPolicyShape] = [*policies, *(role for role in roles if _is_policy(role))]
        self._id, self._partition = self._whose()
        self._noted: dict[str, list[Unread]] = self._table("unread")
        # iamtui itself leaves out the tags of what has none.
        self._tags_are_printed = all(page.iamtui is None or page.iamtui.version == _FOREIGN for page in pages)

    def account(self) -> Account:
        header = self._header
        account = Account(
            id=self._id,
            partition=self._partition,
            alias=self._missing("iam:ListAccountAliases") if header.alias is UNSET else Known(_set(header.alias)),
            caller_arn=Known(header.caller) if header.caller else self._missing("sts:GetCallerIdentity"),
            taken_at=parse_time(header.taken_at),
            region=header.region or "",
            not_aws=header.not_aws or "",
            users=self._make_users(),
            groups=self._make_groups(),
            roles=self._make_roles(),
            policies=self._make_policies(),
            instance_profiles=self._make_instance_profiles(),
            providers=identity_providers(self._pages, self._missing, self._origin, self._partition),
            organization=organization(self._pages, self._document, self._missing),
            resource_policies=resource_policies(self._pages, self._document, self._origin),
            public_access_blocks={
                bucket: PublicAccessBlock(shape.restrict_public_buckets)
                for bucket, shape in self._table("public_access_block").items()
            },
            kms_aliases=self._table("kms_aliases"),
            **self._account_facts(),
        )
        return replace(account, gaps=find_gaps(account, self._pages, from_file=self._absent == NOT_IN_SNAPSHOT))

    def _account_facts(self) -> dict[str, Any]:
        summary = self._table("account_summary")
        policies = [page.password_policy for page in self._pages if page.password_policy is not UNSET]
        certificates = [page.server_certificates for page in self._pages if page.server_certificates is not None]
        reports = [page.credential_report for page in self._pages if page.credential_report is not None]
        try:
            report = credential_report(reports[-1]) if reports else None
        except ValueError as error:
            raise SnapshotProblem(f"{self._origin} is not an account at $.credential_report.{error}.") from None
        centers = [page.identity_center for page in self._pages if page.identity_center is not None]
        return {
            "identity_center": Known(centers[-1]) if centers else self._missing("sso:ListInstances"),
            "summary": Known(summary) if summary else self._missing("iam:GetAccountSummary"),
            "password_policy": Known(_set(policies[-1])) if policies else self._missing("iam:GetAccountPasswordPolicy"),
            "credential_report": self._missing("iam:GenerateCredentialReport") if report is None else Known(report),
            "server_certificates": Known(records_of(ServerCertificate, chain.from_iterable(certificates)))
            if certificates
            else self._missing("iam:ListServerCertificates"),
            "last_accessed": {arn: last_accessed(shape) for arn, shape in self._table("service_last_accessed").items()},
        }

    def _missing(self, permission: str) -> Missing:
        return Missing(self._refused.get(permission, self._absent), permission)

    def _table(self, key: str) -> dict[str, Any]:
        """One of the optional objects, of all pages."""
        table: dict[str, Any] = {}
        for page in self._pages:
            for name, entry in (getattr(page, key) or {}).items():
                if table.setdefault(name, entry) != entry:
                    raise self._contradiction(f"{name[:256]!r} twice, and differently", f"$.{key}")
        return table

    def _contradiction(self, what: str, at: str) -> Problem:
        """A Problem for a file that gives two values for one thing, so that it is not known which is in force."""
        return Problem(f"{self._origin} has {what}: {at}.", "Leave one of them out, or read the account again.")

    def _unread(self, arn: str, shape: UserShape | GroupShape | RoleShape) -> tuple[Unread, ...]:
        """Unread parts of an entity: those the file notes, and the lists it lacks."""
        found = tuple(self._noted.get(arn, ()))
        lacks = lists_lacking(shape)
        if not lacks:
            return found
        why, noted = self._missing(_ALL_LISTS), {one.part for one in found}
        if not self._tags_are_printed:
            noted.add("tags")
        return (*found, *(Unread(part, why.permission, why.reason) for part in lacks if part not in noted))

    def _boundary(self, shape: BoundaryShape | None, at: str) -> str | None:
        if shape is None:
            return None
        if not shape.permissions_boundary_arn:
            raise SnapshotProblem(
                f"{self._origin} is not an account at {at}.PermissionsBoundary: expected a PermissionsBoundaryArn."
            )
        return shape.permissions_boundary_arn

    def _tags(self, shapes: list[TagShape] | None, at: str) -> Tags:
        """The tags of an entity, whose keys differ in more than case (IAM User Guide: tags)."""
        if shapes and len({shape.key.lower() for shape in shapes}) < len(shapes):
            raise self._contradiction("two tags of one key", f"{at}.Tags")
        return tags(shapes)

    def _whose(self) -> tuple[str, str]:
        """The account's id and partition: as the file says, else as its ARNs say."""
        header = self._header
        owners = sorted(set().union(*map(_owners, self._pages)))
        if len(owners) > 1:
            raise Problem(
                f"{self._origin} mixes several accounts ({', '.join(owners[:3])}).",
                "Name one of them with --snapshot-account ID.",
            )
        shapes: Iterable[UserShape | GroupShape | ManagedPolicyShape]
        shapes = chain(self._users, self._groups, self._roles, self._policies)
        arns = (parse_arn(shape.arn) for shape in shapes if shape.arn)
        found = next((arn for arn in arns if arn is not None and is_account_id(arn.account)), None)
        partition = header.partition or (found.partition if found else "aws")
        return (owners[0] if owners else ""), partition

    def _identify(
        self, kind: str, where: str, index: int, name: str | None, path: str | None, arn: str | None
    ) -> tuple[str, str, str]:
        """Name, path and ARN of an entity, each from the others where it lacks."""
        if not arn:
            if not name:
                raise SnapshotProblem(f"{self._origin} has an entry without name and ARN at $.{where}[{index}].")
            path = path or "/"
            return name, path, f"arn:{self._partition}:iam::{self._id}:{kind}{path}{name}"
        parsed = parse_arn(arn)
        if parsed is None or parsed.service != "iam" or not parsed.resource.startswith(f"{kind}/"):
            raise SnapshotProblem(f"{self._origin} has no ARN of a {kind} at $.{where}[{index}].Arn, but {arn[:80]!r}.")
        fault = arn_fault(parsed, self._partition, of_aws=kind == "policy")
        if fault:
            raise SnapshotProblem(f"{self._origin} has {arn[:80]!r} at $.{where}[{index}].Arn, {fault}.")
        if name and not parsed.resource.endswith(f"/{name}"):
            raise SnapshotProblem(
                f"{self._origin} names {name[:80]!r} at $.{where}[{index}], whose ARN is {arn[:128]!r}."
            )
        return name or parsed.name, path or parsed.path, arn

    def _once(
        self, where: str, entities: list[E], decisive: Callable[[E], object] = lambda entity: entity
    ) -> tuple[E, ...]:
        """Each entity once: pages that are read while an account changes can repeat one.

        Args:
            decisive: what decisions rest on, which must not differ.

        Raises:
            Problem: two of one ARN differ, so that what is in force is not known.
        """
        found: dict[str, tuple[int, E]] = {}
        for index, entity in enumerate(entities):
            first, same = found.setdefault(entity.arn, (index, entity))
            if same is not entity and decisive(same) != decisive(entity):
                at = f"$.{where}[{first}] and [{index}]"
                raise self._contradiction(f"{entity.arn[:256]!r} twice, and differently", at)
        if where != "Policies":
            # Names of users, groups and roles are unique whatever their paths; groups are referred to by name.
            names: dict[str, int] = {}
            for index, entity in found.values():
                first = names.setdefault(entity.name, index)
                if first != index:
                    raise self._contradiction(
                        f"two entities named {entity.name!r}", f"$.{where}[{first}] and [{index}]"
                    )
        return tuple(entity for _, entity in found.values())

    def _document(self, raw: Raw) -> PolicyDocument:
        data = bytes(raw)
        if data[:1] != b'"':
            return self._pool.document(data.decode("utf-8"))
        try:
            text = msgspec.json.decode(data, type=str)
        except msgspec.DecodeError:
            text = json.loads(data)  # lone surrogates
        return self._pool.document(text)

    def _trust(self, raw: Raw, index: int) -> PolicyDocument:
        """The trust policy of a role: who may assume it takes minutes to tell of one that IAM would never take."""
        document = self._document(raw)
        if len(document.raw) > LARGEST_TRUST and document.error is None:
            size = len("".join(document.text.split()))
            if size > LARGEST_TRUST:
                raise SnapshotProblem(
                    f"{self._origin} has a trust policy of {size:,} characters at "
                    f"$.RoleDetailList[{index}].AssumeRolePolicyDocument, "
                    f"more than the {LARGEST_TRUST:,} that IAM takes."
                )
        return document

    def _inline(self, shapes: list[PolicyShape] | None) -> tuple[InlinePolicy, ...]:
        if not shapes:
            return ()
        return tuple(InlinePolicy(shape.policy_name, self._document(shape.policy_document)) for shape in shapes)

    def _holder(self, kind: str, index: int, shape: UserShape | GroupShape | RoleShape) -> dict[str, Any]:
        """What users, groups and roles have in common; an entry names it after its kind."""
        where = f"{kind.capitalize()}DetailList"
        own = {name: getattr(shape, f"{kind}_{name}") for name in ("name", "id", "policy_list")}
        name, path, arn = self._identify(kind, where, index, own["name"], shape.path, shape.arn)
        common: dict[str, Any] = {
            "name": name,
            "path": path,
            "arn": arn,
            "id": own["id"] or "",
            "created": parse_time(shape.create_date),
            "inline_policies": self._inline(own["policy_list"]),
            "attached_policies": attached(shape.attached_managed_policies),
            "unread": self._unread(arn, shape),
        }
        if not isinstance(shape, GroupShape):
            at = f"$.{where}[{index}]"
            common |= {
                "boundary_arn": self._boundary(shape.permissions_boundary, at),
                "tags": self._tags(shape.tags, at),
            }
        return common

    def _make_users(self) -> tuple[User, ...]:
        details, keys = self._table("user_details"), self._table("access_keys")
        devices, logins = self._table("mfa_devices"), self._table("login_profiles")
        no_details, no_keys = self._missing("iam:ListUsers"), self._missing("iam:ListAccessKeys")
        no_devices, no_login = self._missing("iam:ListMFADevices"), self._missing("iam:GetLoginProfile")
        users: list[User] = []
        for index, shape in enumerate(self._users):
            common = self._holder("user", index, shape)
            name = common["name"]
            users.append(
                User(
                    **common,
                    groups=tuple(shape.group_list or ()),
                    password_last_used=_fact(details, name, no_details, lambda d: parse_time(d.password_last_used)),
                    access_keys=_fact(keys, name, no_keys, access_keys),
                    mfa_devices=_fact(devices, name, no_devices, partial(records_of, MfaDevice)),
                    login_profile=_fact(logins, name, no_login, lambda one: one and record_of(LoginProfile, one)),
                )
            )
        return self._once("UserDetailList", users)

    def _make_groups(self) -> tuple[Group, ...]:
        groups = [Group(**self._holder("group", index, shape)) for index, shape in enumerate(self._groups)]
        return self._once("GroupDetailList", groups)

    def _make_roles(self) -> tuple[Role, ...]:
        details = self._table("role_details")
        no_details = self._missing("iam:ListRoles")
        no_last_use = self._missing(_ALL_LISTS)
        roles: list[Role] = []
        for index, shape in enumerate(self._roles):
            common = self._holder("role", index, shape)
            used = shape.role_last_used if isinstance(shape.role_last_used, LastUsedShape) else None
            detail = details.get(common["name"])
            longest = detail.max_session_duration if detail else None
            roles.append(
                Role(
                    **common,
                    trust=self._trust(shape.assume_role_policy_document, index),
                    description=Known(detail.description or "") if detail else no_details,
                    max_session_seconds=Known(longest) if longest is not None else no_details,
                    last_used=no_last_use if used is None else Known(parse_time(used.last_used_date)),
                    last_used_region=(used.region or "") if used is not None else "",
                )
            )
        return self._once("RoleDetailList", roles)

    def _make_policies(self) -> tuple[ManagedPolicy, ...]:
        absent = self._missing(_ALL_LISTS)
        no_text = self._missing("iam:GetPolicy")
        policies = [
            ManagedPolicy(
                *self._identify("policy", "Policies", index, shape.policy_name, shape.path, shape.arn),
                id=shape.policy_id or "",
                created=parse_time(shape.create_date),
                versions=self._versions(shape, f"$.Policies[{index}]"),
                attachment_count=_given(shape.attachment_count, absent),
                boundary_count=_given(shape.permissions_boundary_usage_count, absent),
                description=no_text if shape.description is UNSET else Known(_set(shape.description) or ""),
                updated=parse_time(shape.update_date),
                tags=tags(shape.tags),
            )
            for index, shape in enumerate(self._policies)
        ]
        return self._once("Policies", policies, lambda policy: policy.versions)

    def _versions(self, shape: ManagedPolicyShape, at: str) -> tuple[PolicyVersion, ...]:
        versions = shape.policy_version_list or []
        defaults = {version.version_id for version in versions if version.is_default_version}
        if len({version.version_id for version in versions}) < len(versions):
            raise self._contradiction("two versions of one id", f"{at}.PolicyVersionList")
        if len(defaults) > 1 or (defaults and shape.default_version_id and shape.default_version_id not in defaults):
            raise self._contradiction("two default versions of one policy", at)
        marked = bool(defaults)
        return tuple(
            PolicyVersion(
                id=version.version_id,
                document=self._document(version.document),
                is_default=version.is_default_version if marked else version.version_id == shape.default_version_id,
                created=parse_time(version.create_date),
            )
            for version in versions
            if len(version.document)
        )

    def _make_instance_profiles(self) -> tuple[InstanceProfile, ...]:
        carried = [(profile, _role_name(role)) for role in self._roles for profile in role.instance_profile_list or ()]
        alone = [(profile, "") for page in self._pages for profile in page.instance_profiles or ()]
        where = "InstanceProfileList"
        profiles: dict[str, InstanceProfile] = {}
        for index, (shape, carrier) in enumerate((*carried, *alone)):
            nested = tuple(map(_role_name, shape.roles or ()))
            profile = InstanceProfile(
                *self._identify("instance-profile", where, index, shape.instance_profile_name, shape.path, shape.arn),
                id=shape.instance_profile_id or "",
                created=parse_time(shape.create_date),
                roles=tuple(role for role in nested if role) or ((carrier,) if carrier else ()),
                tags=tags(shape.tags),
            )
            profiles[profile.arn] = profile
        return tuple(profiles.values())


_NOBODY: Final = Arn("", "", "", "", "")


def _merged_header(pages: Sequence[SnapshotShape]) -> HeaderShape:
    """The header of all pages: each field from the first page that has it."""
    merged = HeaderShape()
    for page in pages:
        header = page.iamtui
        if header is None:
            continue
        for name in ("account_id", "partition", "caller", "taken_at", "region", "not_aws"):
            setattr(merged, name, getattr(merged, name) or getattr(header, name))
        if merged.alias is UNSET:
            merged.alias = header.alias
    return merged


def _refused(pages: Sequence[SnapshotShape]) -> dict[str, str]:
    """By permission, the error that the writer of the pages got: why a fact is missing, better than that it is."""
    return {
        entry.permission: entry.error
        for page in pages
        for entry in page.missing or ()
        if entry.permission and entry.error and entry.permission != _ALL_LISTS
    }


def _role_name(role: RoleShape | RoleNameShape) -> str:
    return role.role_name or (parse_arn(role.arn or "") or _NOBODY).name


def _is_policy(role: RoleShape) -> bool:
    return not role.role_name and (role.policy_version_list is not None or ":policy/" in (role.arn or ""))


def _fact(table: Mapping[str, Any], name: str, absent: Missing, make: Callable[[Any], T]) -> Fact[T]:
    return Known(make(table[name])) if name in table else absent


def _given(value: T | None, absent: Missing) -> Fact[T]:
    return absent if value is None else Known(value)


def _set(value: T | UnsetType) -> T:
    assert not isinstance(value, UnsetType)
    return value
