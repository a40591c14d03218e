"""Opening a source, whole or only its connection; loading more of it on demand; the cache of live accounts.

The ways to AWS are imported where they are taken: a command on a snapshot starts in 160 ms, with them in 190.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Struct

from iamtui import __version__, paths
from iamtui.account.authorization_details import load_account
from iamtui.account.model import NOT_LOADED, REST_OF_ACCOUNT, Account, Group, Known, ManagedPolicy, Missing, Role, User
from iamtui.account.snapshot_writer import snapshot_of
from iamtui.credentials.secure_files import check_private, replace_file
from iamtui.input_files import LARGEST_RATIO, ONE_UNPACKED, open_input, packed_for, read_whole, unpacked
from iamtui.policy.document import DocumentPool
from iamtui.policy.patterns import parse_arn
from iamtui.policy.resource import may_have_policy, resource_policy_arn
from iamtui.problem import Problem
from iamtui.sources.snapshot import STANDARD_INPUT, read_snapshot
from iamtui.text import safe_text
from iamtui.typed_json import prepared
from iamtui.workspace.source.workspace import (
    NO_ORGANIZATION_SOURCE,
    CacheUse,
    OpeningCancelled,
    OrganizationSource,
    Progress,
    ProgressReport,
    SourceChoice,
    SourceInfo,
    SourceKind,
    Workspace,
    steps,
)

if TYPE_CHECKING:
    from iamtui.aws.connection import Connection
    from iamtui.aws.credential_process import Approve
    from iamtui.sources.live import LiveReading
    from iamtui.sources.parallel import Step
    from iamtui.workspace.source.organization import OrganizationReading


def open_source(
    choice: SourceChoice,
    report: ProgressReport = lambda _progress: None,
    cancelled: Callable[[], bool] = lambda: False,
    approve: Approve | None = None,
    *,
    parts: bool = False,
    pool: DocumentPool | None = None,
    approve_other: Approve | None = None,
) -> Workspace:
    """Load the account that `choice` names, and none beside it. Blocking: screens call it in a worker.

    Args:
        parts: whether to report the account as it was read last, or else as far as it is read, while it is being read.
        approve: asked before a credential_process is run; None: what was confirmed may run.
        pool: where the documents of a snapshot come from, so that the equal ones of others are the same objects.
        approve_other: the same for the profile that reads the organization.

    Raises:
        Problem: the source cannot be read; the sentence says why and what to do.
        OpeningCancelled: `cancelled` returned True between two steps.
    """
    step = steps(report, cancelled)
    organization = _organization(choice.organization, approve_other)
    if choice.kind is SourceKind.LIVE:
        step("finding credentials", 0)
        workspace = _open_live(_connected(choice, approve), choice.cache, step, report if parts else None)
    elif choice.kind is SourceKind.DEMO:
        from iamtui.sources.demo import demo_connection, load_demo_account

        step("the demo account", 0)
        account = load_demo_account()
        connection = demo_connection()
        source = SourceInfo(SourceKind.DEMO, "DEMO", region=connection.region, taken_at=account.taken_at)
        workspace = Workspace(account, source, connection)
    else:
        workspace = open_snapshot(choice, step, pool)
    if organization is not None:
        workspace = organization.of(workspace, step)
    return _settled(workspace, cancelled)


def open_connected(
    connection: Connection,
    choice: SourceChoice,
    report: ProgressReport,
    cancelled: Callable[[], bool],
    *,
    parts: bool = True,
) -> Workspace:
    """Load the account of a connection's credentials, as `open_source` does. Blocking."""
    step, organization = steps(report, cancelled), _organization(choice.organization)
    workspace = _open_live(connection, choice.cache, step, report if parts else None)
    return _settled(workspace if organization is None else organization.of(workspace, step), cancelled)


def go_on_reading(
    workspace: Workspace,
    report: ProgressReport = lambda _progress: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Workspace:
    """Read what is lacking of an account whose reading broke off, with credentials looked for anew. Blocking.

    What is read is reported as parts, too.

    Raises:
        Problem: nothing more can be read; what was there can still be gone on with.
        OpeningCancelled: as `open_source`.
    """
    step = steps(report, cancelled)
    step("finding credentials", 0)
    organization = _organization(workspace.source.organization)
    connection = _connection(workspace).reopened()
    read = _read_live(connection, workspace.reading or _new_reading(), step, report)
    if workspace.source.cached:
        read = _unless_in_part(read, workspace)
    if organization is not None:
        read = organization.of(read, step)
    kept = replace(
        read, caller_extras=workspace.caller_extras, beside=workspace.beside, not_opened=workspace.not_opened
    )
    return _settled(kept, cancelled)


def _organization(where: OrganizationSource, approve: Approve | None = None) -> OrganizationReading | None:
    """Reader of the account's organization elsewhere; an invalid file is refused at once."""
    if where == NO_ORGANIZATION_SOURCE:
        return None
    from iamtui.workspace.source.organization import OrganizationReading

    return OrganizationReading(where, approve)


def _settled(workspace: Workspace, cancelled: Callable[[], bool]) -> Workspace:
    if cancelled():
        raise OpeningCancelled
    return workspace


def _no_step(_what: str, _done: int, _waiting: str = "", /) -> None:
    """A progress report that nobody reads."""


def open_snapshot(choice: SourceChoice, step: Step = _no_step, pool: DocumentPool | None = None) -> Workspace:
    """The account in a file.

    Args:
        pool: where documents come from, so that the equal ones of another account are the same objects.
    """
    if choice.snapshot is None:
        raise Problem("No snapshot was named.", "Give its path: --snapshot FILE.")
    name = "standard input" if choice.snapshot == STANDARD_INPUT else choice.snapshot.name
    reading = f"reading {name}"
    step(reading, 0)
    account = read_snapshot(choice.snapshot, lambda _size: step(reading, 0), pool, choice.snapshot_account)
    source = SourceInfo(
        SourceKind.SNAPSHOT,
        name,
        choice.region or account.region,
        endpoint_url=account.not_aws if "://" in account.not_aws else "",
        taken_at=account.taken_at,
        file=str(choice.snapshot),
        snapshot_account=choice.snapshot_account or "",
    )
    return Workspace(account, source)


def _new_reading() -> LiveReading:
    from iamtui.sources.live import LiveReading

    return LiveReading()


def _open_live(connection: Connection, cache: CacheUse, step: Step, report_parts: ProgressReport | None) -> Workspace:
    """Read an account, or take it from the cache.

    It is shown from there only once AWS has said whose credentials these are: never as somebody else's account.
    """
    reading = _new_reading()
    kept, remark = None, ""
    if cache is CacheUse.ANSWER or (cache is CacheUse.KEEP and report_parts is not None):
        kept, remark = _kept(connection, reading, step)
    if kept is None:
        if cache is CacheUse.ANSWER:
            remark = f"{remark or 'Nothing of this account is in the cache.'} It was read anew."
        return replace(_read_live(connection, reading, step, report_parts), remark=remark)
    if report_parts is None:
        return kept
    report_parts(Progress("", part=kept))
    return _unless_in_part(_read_live(connection, reading, step, None, beside_a_screen=True), kept)


def _kept(connection: Connection, reading: LiveReading, step: Step) -> tuple[Workspace | None, str]:
    """The account from the cache, if it is there; else a sentence about why not, where there is something to say."""
    caller = reading.identify(connection, step)
    if caller is None:
        return None, "The cache is not used, because AWS does not say whose credentials these are."
    try:
        account = kept_account(*caller, connection.endpoint_url)
    except Problem as problem:
        return None, str(problem)
    if account is None:
        return None, ""
    source = msgspec.structs.replace(_live_source(connection, account.taken_at), cached=True)
    return Workspace(account, source, connection), ""


def _unless_in_part(read: Workspace, kept: Workspace) -> Workspace:
    """The new reading; where it is only a part, the cached account, which can go on being read."""
    rest = next((gap for gap in read.account.gaps if gap.what == REST_OF_ACCOUNT), None)
    if rest is None:
        return read
    return replace(kept, reading=read.reading, remark=f"Only a part could be read anew: {rest.error}.")


def keep_in_cache(workspace: Workspace) -> bool:
    """Keep live accounts as they were just read, if all of them was; whether the first is kept. Blocking."""
    for one in workspace.beside:
        keep_in_cache(one)
    source = workspace.source
    if source.organization.file:
        # What it says is not what AWS said when the account was read.
        return False
    if source.kind is not SourceKind.LIVE or source.cached or workspace.reading is not None:
        return False
    return keep_account(workspace.account, source.endpoint_url)


def _read_live(
    connection: Connection,
    reading: LiveReading,
    step: Step,
    report_parts: ProgressReport | None,
    *,
    beside_a_screen: bool = False,
) -> Workspace:
    """Read an account, or the rest of one."""

    def opened(account: Account) -> Workspace:
        return Workspace(account, _live_source(connection, account.taken_at), connection)

    def show(account: Account) -> None:
        if report_parts is not None:
            report_parts(Progress("", part=replace(opened(account), reading=reading)))

    account = reading.read(connection, step, None if report_parts is None else show, beside_a_screen=beside_a_screen)
    return replace(opened(account), reading=reading if reading.may_go_on else None)


def _connected(choice: SourceChoice, approve: Approve | None) -> Connection:
    from iamtui.workspace.source.profile_roles import open_profile

    return open_profile(profile=choice.profile, region=choice.region, endpoint_url=choice.endpoint_url, approve=approve)


def _live_source(connection: Connection, taken_at: datetime | None = None) -> SourceInfo:
    return SourceInfo(
        SourceKind.LIVE,
        connection.profile or "default credentials",
        region=connection.region,
        profile=connection.profile,
        endpoint_url=connection.endpoint_url,
        taken_at=taken_at,
    )


def reconnected(workspace: Workspace) -> Workspace:
    """The same workspace with its credentials looked for again, after the user has signed in. Blocking.

    Raises:
        Problem: there still are none, they are of another account, or the profile would run another command for them,
            which was not confirmed.
    """
    if workspace.connection is None:
        return workspace
    return replace(workspace, connection=workspace.connection.reopened(in_same_account=True))


def in_region(workspace: Workspace, region: str) -> Workspace:
    """The same accounts, evaluated and called in another Region. Blocking; nothing of them is read again.

    Raises:
        Problem: as `reconnected`; or the demo's, which is in one Region.
    """
    if workspace.source.kind is SourceKind.DEMO:
        raise Problem(
            f"The demo account is in one Region, {workspace.source.region}.",
            f"Ask with -c aws:RequestedRegion={region} in the context, or open another account with g a.",
        )
    connection = workspace.connection
    if connection is not None:
        connection = connection.reopened(in_same_account=True, region=region)
    source = msgspec.structs.replace(workspace.source, region=region)
    beside = tuple(in_region(one, region) for one in workspace.beside)
    return replace(workspace, source=source, connection=connection, beside=beside)


def connect(choice: SourceChoice, approve: Approve | None = None) -> Workspace:
    """A workspace that can call AWS and knows who is calling, but nothing of the account's inventory.

    The demo is opened whole: it costs nothing, and its answers rest on it. Blocking.

    Args:
        approve: asked before a credential_process is run.

    Raises:
        Problem: the source is a snapshot, which nothing can be asked of, or no credentials can be found.
    """
    if choice.kind is SourceKind.SNAPSHOT:
        raise Problem("A snapshot has no credentials to call AWS with.", "Use --profile, or --demo to try it out.")
    if choice.kind is SourceKind.DEMO:
        return open_source(choice)
    connection = _connected(choice, approve)
    caller = connection.caller()
    gone = Missing("not loaded: the role was given by its ARN")
    account = Account(id=caller.account, caller_arn=Known(caller.arn), alias=gone, organization=gone, providers=gone)
    return Workspace(account, _live_source(connection), connection)


def with_kept_account(workspace: Workspace) -> Workspace:
    """The workspace with what the cache keeps of its account, as this caller read it last; else as it is. Blocking."""
    account, source = workspace.account, workspace.source
    if source.kind is not SourceKind.LIVE:
        return workspace
    try:
        kept = kept_account(account.id, account.caller_arn.value_or(""), source.endpoint_url)
    except Problem:
        return workspace
    if kept is None:
        return workspace
    return replace(workspace, account=kept, source=msgspec.structs.replace(source, taken_at=kept.taken_at, cached=True))


# Loading more.


def load_user_details(workspace: Workspace, user_name: str) -> Workspace:
    """The same workspace with one user's access keys, MFA devices and console password. Blocking."""
    from iamtui.sources import on_demand_facts

    connection = _connection(workspace)
    return workspace.with_account(on_demand_facts.load_user_details(connection, workspace.account, user_name))


def read_again(workspace: Workspace, entity: User | Group | Role | ManagedPolicy) -> Workspace:
    """The same workspace with one entity as that is now, and of a user the details that were loaded. Blocking.

    Raises:
        Problem: a part of it cannot be read; nothing of it is taken then.
    """
    from iamtui.sources import one_by_one

    read = workspace.with_account(one_by_one.read_again(_connection(workspace), workspace.account, entity))
    loaded = isinstance(entity, User) and isinstance(entity.access_keys, Known)
    return load_user_details(read, entity.name) if loaded and read.account.user(entity.name) else read


def load_account_facts(workspace: Workspace, report: ProgressReport = lambda _progress: None) -> Workspace:
    """The same workspace with what is Missing of the account's own facts: credentials, root user, password policy.

    Blocking. What cannot be read stays Missing; a snapshot is returned as it is.
    """
    if workspace.connection is None:
        return workspace
    from iamtui.sources import on_demand_facts

    connection, step = workspace.connection, steps(report)
    return workspace.with_account(on_demand_facts.load_account_facts(connection, workspace.account, step))


def load_last_accessed(
    workspace: Workspace, arns: Collection[str], report: ProgressReport = lambda _progress: None
) -> tuple[Workspace, Mapping[str, Missing]]:
    """The same workspace with when these entities last used the services that they may use. Blocking.

    Returns:
        The workspace, and by ARN why it could not be read of the others.

    Raises:
        Problem: the source cannot be asked.
    """
    from iamtui.sources import on_demand_facts

    connection, step = _connection(workspace), steps(report)
    account, missing = on_demand_facts.load_last_accessed(connection, workspace.account, arns, step)
    return workspace.with_account(account), missing


def load_resource_policy(workspace: Workspace, resource_arn: str) -> Workspace:
    """The same workspace with the policy that decides about a resource: of an object, its bucket's. Blocking.

    Raises:
        Problem: the source cannot be asked, the service has no known call, or the calls fail.
    """
    from iamtui.sources import resource_policy_loader

    carrier = resource_policy_arn(resource_arn)
    account = resource_policy_loader.load_resource_policy(_connection(workspace), workspace.account, carrier)
    return workspace.with_account(account)


def _connection(workspace: Workspace) -> Connection:
    if workspace.connection is None:
        raise Problem(
            "A snapshot has no more than was read when it was made.",
            "Open the account itself with --profile, or take a newer snapshot.",
        )
    return workspace.connection


def unloaded_carriers(account: Account, resources: Iterable[str]) -> Iterator[str]:
    """ARNs whose policies would decide about these resources and were not loaded, each once.

    An alias of a KMS key that is not known stands for itself.
    """
    seen: set[str] = set()
    for resource in resources:
        carrier = resource_policy_arn(resource)
        carrier = account.kms_aliases.get(carrier, carrier)
        arn = parse_arn(carrier)
        if arn is None or not may_have_policy(arn) or "*" in carrier or "?" in carrier:
            continue
        if carrier not in seen and carrier not in account.resource_policies:
            seen.add(carrier)
            yield carrier


def unloaded_policies(workspace: Workspace, resources: Iterable[str]) -> Iterator[str]:
    """The same over all open accounts: the policies that a resource's owner has not loaded."""
    for resource in resources:
        accounts = [workspace.at(one).account for one in _may_own(workspace, resource, None)]
        found = dict.fromkeys(carrier for one in accounts for carrier in unloaded_carriers(one, [resource]))
        for carrier in found:
            if not any((known := one.resource_policies.get(carrier)) and known.state != "denied" for one in accounts):
                yield carrier


def _may_own(workspace: Workspace, resource: str, owner: str | None) -> Sequence[str]:
    """Accounts that may have the policy of a resource: its owner, or where that is unknown, all of them."""
    here, arn = workspace.account.id, parse_arn(resource)
    named = (arn.account or owner) if arn is not None else here
    return (named if named in workspace.others else here,) if named else [one.id for one in workspace.accounts]


def with_resource_policies(
    workspace: Workspace, resources: Iterable[str], owner: str | None = None
) -> tuple[Workspace, dict[str, Problem]]:
    """Load what is not loaded of the policies that decide about some resources, each by the account that owns it.

    Blocking.

    Args:
        owner: the account that owns those whose ARN names none; None: whichever may read the policy.

    Returns:
        The workspace with what could be loaded, and why the rest could not, by ARN. A snapshot is returned as
        it is: it cannot be asked for more.
    """
    failed: dict[str, Problem] = {}
    here = workspace.account.id
    for resource in resources:
        for account in _may_own(workspace, resource, owner):
            workspace = workspace.at(account)
            for carrier in unloaded_carriers(workspace.account, [resource]) if workspace.can_call_aws else ():
                try:
                    workspace = load_resource_policy(workspace, carrier)
                except Problem as problem:
                    failed[carrier] = problem
    for one in workspace.accounts if workspace.beside else ():
        for arn_of_read in one.resource_policies.keys() & failed.keys():
            if one.resource_policies[arn_of_read].state != "denied":
                del failed[arn_of_read]
    return workspace.at(here), failed


# Cache of live accounts as they were read last, a file for each account, caller and endpoint, for the user alone.


_VERSION: Final = 1
_MOST_FILES: Final = 16
_LARGEST_FILE: Final = 32 * 1024 * 1024
"""Accounts that are kept, and the bytes of one, packed: one at AWS's highest quotas takes 10 MB."""

_CLOCKS_DIFFER: Final = timedelta(minutes=5)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""No clock shows an earlier time, and some of those cannot be shown in every zone."""

_OURS: Final = re.compile(r"[0-9a-f]{32}\.account|\.[0-9a-f]{32}\.account\.[0-9a-f]{16}")
"""Names of our files: an account, and one that was not written to its end."""

_MADE_UP_NAME: Final = re.compile(r"(:assumed-role/[^/]+)/botocore-session-[0-9]+\Z")
"""The session of a profile with a role: botocore makes up another name each time, if the profile gives none."""


class _CacheHeader(Struct, frozen=True):
    """The first line of a file: who wrote it, and whose account it is as seen by whom, where, and when."""

    cache: int
    iamtui: str
    account: str
    caller: str
    endpoint: str
    read_at: Annotated[datetime, msgspec.Meta(tz=True)]


_HEADERS: Final = msgspec.json.Decoder(prepared(_CacheHeader))


def kept_account(account_id: str, caller_arn: str, endpoint_url: str) -> Account | None:
    """The cached account, as this caller read it last; None where there is none.

    Args:
        account_id, caller_arn: as sts:GetCallerIdentity has just said them: a name in a config file may lead to
            another account today than yesterday.
        endpoint_url: what answers in the place of AWS, or "".

    Raises:
        Problem: there is a file that is not used; says why.
    """
    path = _path(account_id, caller_arn, endpoint_url)
    try:
        status = path.lstat()
    except OSError:
        return None
    origin = safe_text(path)
    exposed = paths.exposure(path.parent)
    if exposed is not None:
        raise _unused(f"{safe_text(exposed.path)} {exposed.reason}")
    try:
        check_private(path, status, "")
        with open_input(path, origin, pipes=False) as file:
            data = read_whole(unpacked(file, origin), origin, most=ONE_UNPACKED)
        line, _, snapshot = data.partition(b"\n")
        header = _HEADERS.decode(line)
        if (header.cache, header.iamtui) != (_VERSION, __version__):
            raise _unused("another version of iamtui wrote it")
        if header.read_at < _EPOCH:
            raise _unused("it is damaged")
        account = load_account(snapshot, origin=origin, absent=NOT_LOADED.reason)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise _unused("it is damaged") from None
    except Problem as problem:
        raise problem if isinstance(problem, _Unused) else _unused(problem.sentence) from None
    named = (header.account, account.id, header.endpoint, _who(header.caller))
    if named != (account_id, account_id, endpoint_url, _who(caller_arn)):
        raise _unused("it is of another account")
    if header.read_at > datetime.now(UTC) + _CLOCKS_DIFFER:
        raise _unused("it was read in the future")
    return replace(account, caller_arn=Known(caller_arn), taken_at=header.read_at)


_LARGEST_NAMED: Final = 512 * 1024
_LONGEST_HEADER: Final = 8192


def last_kept_account(endpoint_url: str) -> Account | None:
    """The account that was read last from an endpoint, for names to complete to, and never for answers: AWS is not
    asked whose credentials these are. None where nothing is kept, or what is kept is too large to be read at once.
    """
    try:
        for path in _newest_first():
            if path.lstat().st_size > _LARGEST_NAMED:
                continue
            with open_input(path, safe_text(path), pipes=False) as file:
                header = _HEADERS.decode(unpacked(file, safe_text(path)).readline(_LONGEST_HEADER))
            if header.endpoint == endpoint_url:
                return kept_account(header.account, header.caller, header.endpoint)
    except (OSError, Problem, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return None


def keep_account(account: Account, endpoint_url: str) -> bool:
    """Keep an account in place of what was kept of it, and let go of those that were not read for longest. Blocking.

    An account of which a part could not be read is not kept: it would take the place of one that is whole.

    Returns:
        Whether it is kept. Where it cannot be written that is of no consequence.
    """
    caller = account.caller_arn
    if not isinstance(caller, Known) or account.taken_at is None or not is_whole(account):
        return False
    header = _CacheHeader(_VERSION, __version__, account.id, caller.value, endpoint_url, account.taken_at)
    # The account as a snapshot in one line, encoded entry by entry, so that a screen can go on meanwhile.
    parts = [b"{"]
    for key, value in snapshot_of(account).items():
        parts += (b"," if len(parts) > 1 else b"", msgspec.json.encode(key), b":")
        if isinstance(value, list):
            # A `map` would be gone through without letting the screen have the interpreter's lock.
            parts += (b"[", b",".join([msgspec.json.encode(entry) for entry in value]), b"]")
        else:
            parts.append(msgspec.json.encode(value))
    data = b"\n".join((msgspec.json.encode(header), b"".join((*parts, b"}"))))
    packed = packed_for(".zst", data)
    if len(data) >= LARGEST_RATIO * len(packed):
        # It would be taken for a bomb.
        packed = data
    path = _path(account.id, caller.value, endpoint_url)
    try:
        paths.make_private_folder(path.parent)
        if len(packed) > _LARGEST_FILE or len(data) > ONE_UNPACKED or paths.exposure(path.parent) is not None:
            return False
        replace_file(path, packed)
        for old in _newest_first()[_MOST_FILES:]:
            old.unlink(missing_ok=True)
    except (OSError, Problem):
        return False
    return True


def clear_accounts() -> int:
    """Remove every account from the cache; returns how many there were. Blocking.

    Raises:
        Problem: one cannot be removed, or the folder cannot be looked into.
    """
    count = 0
    try:
        found = _newest_first()
    except OSError as error:
        folder = safe_text(paths.accounts_folder())
        raise Problem(f"{folder} cannot be looked into: {error.strerror}.", "Check it; nothing was removed.") from None
    for path in found:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise Problem(f"{safe_text(path)} cannot be removed: {error.strerror}.", "Remove it yourself.") from None
        count += not path.name.startswith(".")
    return count


def _path(account_id: str, caller_arn: str, endpoint_url: str) -> Path:
    return paths.accounts_folder() / f"{cache_key(account_id, caller_arn, endpoint_url)}.account"


def cache_key(account_id: str, caller_arn: str, endpoint_url: str) -> str:
    """A digest that tells accounts apart, as they are seen by different callers at different endpoints."""
    # A snapshot may name a caller that is no text.
    named = [text.encode(errors="backslashreplace").decode() for text in (account_id, _who(caller_arn), endpoint_url)]
    key = msgspec.json.encode(named)
    return hashlib.sha256(key).hexdigest()[:32]


def _who(caller_arn: str) -> str:
    return _MADE_UP_NAME.sub(r"\1", caller_arn)


def is_whole(account: Account) -> bool:
    """True where every user, group, role and policy was read completely."""
    return not account.unlisted and not any(holder.unread for holder in account.identities)


def _newest_first() -> list[Path]:
    """Our files in the folder.

    Raises:
        OSError: it cannot be looked into.
    """

    def files() -> Iterator[tuple[float, Path]]:
        with suppress(FileNotFoundError):
            for path in paths.accounts_folder().iterdir():
                with suppress(OSError):
                    if _OURS.fullmatch(path.name):
                        yield path.lstat().st_mtime, path

    return [path for _, path in sorted(files(), reverse=True)]


class _Unused(Problem):
    """A file of the cache is not used."""


def _unused(why: str) -> _Unused:
    return _Unused(f"The account in the cache is not used: {why.rstrip('.')}.", "`iamtui cache clear` removes it.")
