"""Facts about an account beside its entities, loaded on demand: credentials, root user, password policy, last use.

Each is read by itself, several at once, the cheapest first. What the caller may not read stays Missing, with the
permission. Secrets are never read.
"""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final

import msgspec
from msgspec import Struct

from iamtui.account.model import (
    AccessKey,
    Account,
    CredentialReport,
    Fact,
    Gap,
    Known,
    LastAccessed,
    LoginProfile,
    MfaDevice,
    Missing,
    PasswordPolicy,
    ServerCertificate,
    User,
    Whole,
)
from iamtui.account.snapshot_format import (
    AccessKeyShape,
    CredentialReportShape,
    LastAccessedShape,
    LoginProfileShape,
    MfaDeviceShape,
    ServerCertificateShape,
    ServiceUseShape,
    When,
)
from iamtui.account.snapshot_parts import (
    access_keys,
    credential_report,
    last_accessed,
    record_of,
    records_of,
)
from iamtui.aws.answers import list_of, only, shaped
from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem
from iamtui.aws.retries import Retries, retrying
from iamtui.problem import Problem
from iamtui.sources.parallel import FactReader, Step, Tasks, no_step
from iamtui.sources.resource_policy_loader import read_kms_aliases

_AT_ONCE: Final = 8
"""Calls in flight: fewer than the ten connections that botocore keeps to one service."""

_MOST_USERS: Final = 500
"""Most users that are read one by one, with three calls and more each; for more, the credential report is read."""

_MOST_KEYS: Final = 10
"""Most access keys read of one user, a call each. AWS lets a user have two."""

_MOST_COLUMNS: Final = 64
"""Columns of a credential report; AWS writes 26."""

_WAITS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between two looks at a report that AWS is making: about a minute in all."""

_MOST_PAGES: Final = 20
"""Pages of the services of one entity, of a hundred services each."""

_NOT_THERE: Final = ("NoSuchEntity", "NoSuchEntityException")


class _CredentialReport(Struct, rename="pascal"):
    content: bytes
    generated_time: datetime | None = None


class _JobAnswer(Struct, rename="pascal"):
    job_status: str
    services_last_accessed: list[Any] = []
    job_completion_date: datetime | None = None
    is_truncated: bool = False
    marker: str | None = None


class _LastUse(Struct, rename="pascal"):
    last_used_date: When = None
    service_name: str | None = None
    region: str | None = None


def load_account_facts(
    connection: Connection, account: Account, step: Step = no_step, *, waits: Sequence[float] = _WAITS
) -> Account:
    """The same account with what of its facts is Missing and can be read.

    Args:
        step: called now and then while calls are made; an exception from it stops the load.
        waits: seconds between two looks at a report that is not ready.
    """
    reading = _OnDemandReader(connection, waits)
    users = [user for user in account.users if any(isinstance(getattr(user, name), Missing) for name, _ in _OF_USERS)]
    tasks: dict[str, Callable[[], Any]] = {
        name: task for name, task in _tasks(reading).items() if isinstance(getattr(account, name), Missing)
    }
    region = connection.region
    if region and not any(f":kms:{region}:" in alias for alias in account.kms_aliases):
        tasks["kms_aliases"] = lambda: reading.fact(
            "kms:ListAliases", lambda: read_kms_aliases(connection, account, region)
        )
    if len(users) <= _MOST_USERS:
        tasks |= {user.arn: partial(reading.user, user) for user in users}
    found = reading.beside(tasks, step, "facts about the account")
    if len(users) > _MOST_USERS:
        reason = f"not asked about one by one: more than {_MOST_USERS} users"
        for user in users:
            lacking: dict[str, Any] = {
                name: Missing(reason, permission)
                for name, permission in _OF_USERS
                if isinstance(getattr(user, name), Missing)
            }
            found[user.arn] = replace(user, **lacking)
    aliases: Fact[dict[str, str]] = found.pop("kms_aliases", Known({}))
    if isinstance(aliases, Known):
        account = replace(account, kms_aliases={**account.kms_aliases, **aliases.value})
    else:
        gap = Gap(f"aliases of KMS keys in {region}", aliases.permission, aliases.reason)
        account = replace(account, gaps=(*(one for one in account.gaps if one.what != gap.what), gap))
    everybody = tuple(found.pop(user.arn, user) for user in account.users)
    return replace(account, users=everybody, **found)


def load_user_details(connection: Connection, account: Account, user_name: str) -> Account:
    """The same account with one user's access keys, MFA devices and console password.

    Raises:
        Problem: no such user in the account, or AWS cannot be reached.
    """
    user = account.user(user_name)
    if user is None:
        raise Problem(f'The account has no user "{user_name}".', "Refresh, or check the name.")
    reading = _OnDemandReader(connection, ())
    with retrying(Retries()):
        loaded = reading.user(replace(user, access_keys=_UNREAD, mfa_devices=_UNREAD, login_profile=_UNREAD))
    if reading.broken is not None:
        raise reading.broken
    return replace(account, users=tuple(loaded if one is user else one for one in account.users))


def load_last_accessed(
    connection: Connection,
    account: Account,
    arns: Collection[str],
    step: Step = no_step,
    *,
    waits: Sequence[float] = _WAITS,
) -> tuple[Account, Mapping[str, Missing]]:
    """The same account with when these entities last used the services that they may use; a job of AWS for each.

    Returns:
        The account, and by ARN why it could not be read of the others.
    """
    reading = _OnDemandReader(connection, waits)
    tasks = {arn: partial(reading.last_accessed, arn) for arn in arns}
    found: dict[str, Fact[LastAccessed]] = reading.beside(tasks, step, "last use of services")
    known = {arn: fact.value for arn, fact in found.items() if isinstance(fact, Known)}
    missing = {arn: fact for arn, fact in found.items() if isinstance(fact, Missing)}
    return replace(account, last_accessed={**account.last_accessed, **known}), missing


def mfa_serials(connection: Connection, user_name: str) -> tuple[str, ...]:
    """The serial numbers or ARNs of a user's MFA devices (iam:ListMFADevices).

    Raises:
        Problem: the call failed.
    """
    return tuple(device.serial for device in _mfa_devices(connection, user_name))


_UNREAD: Final = Missing("not loaded")

_OF_USERS: Final = (
    ("access_keys", "iam:ListAccessKeys"),
    ("mfa_devices", "iam:ListMFADevices"),
    ("login_profile", "iam:GetLoginProfile"),
)


def _tasks(reading: _OnDemandReader) -> dict[str, Callable[[], Any]]:
    """By the field of an Account, what reads it: the dearest last, which is the one that is waited for."""
    connection = reading.connection
    summary = only("SummaryMap", dict[str, Whole])
    return {
        "summary": lambda: reading.fact(
            "iam:GetAccountSummary", lambda: connection.call("iam", "GetAccountSummary", summary).value
        ),
        "password_policy": lambda: reading.fact("iam:GetAccountPasswordPolicy", lambda: _password_policy(connection)),
        "server_certificates": lambda: reading.fact(
            "iam:ListServerCertificates", lambda: _server_certificates(connection)
        ),
        "credential_report": lambda: reading.fact("iam:GenerateCredentialReport", reading.credential_report),
    }


class _OnDemandReader(FactReader):
    """Facts that are read beside each other."""

    def __init__(self, connection: Connection, waits: Sequence[float]) -> None:
        super().__init__()
        self.connection = connection
        self._waits = waits
        self._stopped = threading.Event()

    def beside(self, tasks: Mapping[str, Callable[[], Any]], step: Step, what: str) -> dict[str, Any]:
        """The results of the tasks, which are done in their order, some at a time."""
        try:
            with Tasks(_AT_ONCE, step) as beside:
                beside.what = what
                return dict(zip(tasks, beside.do_all(tasks.values()), strict=True))
        finally:
            self._stopped.set()

    def user(self, user: User) -> User:
        """The user with its access keys, MFA devices and console password, where they are Missing."""
        connection, name = self.connection, user.name
        reads: dict[str, Callable[[], Any]] = {
            "access_keys": lambda: _access_keys(connection, name),
            "mfa_devices": lambda: _mfa_devices(connection, name),
            "login_profile": lambda: _login_profile(connection, name),
        }
        found: dict[str, Any] = {
            fact: self.fact(permission, reads[fact])
            for fact, permission in _OF_USERS
            if isinstance(getattr(user, fact), Missing)
        }
        return replace(user, **found)

    def credential_report(self) -> CredentialReport:
        """The credential report: AWS makes a new one when the last is older than four hours."""

        def is_ready() -> bool:
            return self.connection.call("iam", "GenerateCredentialReport", only("State", str)).value == "COMPLETE"

        self._wait_for(is_ready, "iam:GenerateCredentialReport", "the credential report")
        answer = self.connection.call("iam", "GetCredentialReport", _CredentialReport)
        if not answer.content.startswith(b"user,"):
            raise self.connection.unexpected("iam", "GetCredentialReport", "it is not a table of users")
        try:
            rows = _rows_of(answer.content.decode())
            shape = shaped(
                {"Rows": rows, "GeneratedTime": answer.generated_time and answer.generated_time.isoformat()},
                CredentialReportShape,
            )
            return credential_report(shape)
        except (ValueError, csv.Error) as error:
            raise self.connection.unexpected("iam", "GetCredentialReport", str(error)) from None

    def last_accessed(self, arn: str) -> Fact[LastAccessed]:
        permission = "iam:GenerateServiceLastAccessedDetails"
        return self.fact(permission, lambda: self._last_accessed(arn))

    def _last_accessed(self, arn: str) -> LastAccessed:
        connection = self.connection
        job = connection.call(
            "iam", "GenerateServiceLastAccessedDetails", only("JobId", str), Arn=arn, Granularity="ACTION_LEVEL"
        ).value
        answer = _JobAnswer("")

        def is_ready() -> bool:
            nonlocal answer
            answer = connection.call("iam", "GetServiceLastAccessedDetails", _JobAnswer, JobId=job)
            return answer.job_status != "IN_PROGRESS"

        self._wait_for(is_ready, "iam:GetServiceLastAccessedDetails", "the last use of services")
        if answer.job_status != "COMPLETED":
            raise AwsProblem("AWS could not find it out.", code="JobFailed")
        services = answer.services_last_accessed
        for _ in range(_MOST_PAGES):
            if not (answer.is_truncated and answer.marker):
                break
            answer = connection.call(
                "iam", "GetServiceLastAccessedDetails", _JobAnswer, JobId=job, Marker=answer.marker
            )
            services = services + answer.services_last_accessed
        try:
            shapes = shaped(services, list[ServiceUseShape])
        except msgspec.ValidationError as error:
            raise connection.unexpected("iam", "GetServiceLastAccessedDetails", str(error)) from None
        done = answer.job_completion_date
        return last_accessed(LastAccessedShape(shapes, None if done is None else done.timestamp()))

    def _wait_for(self, is_ready: Callable[[], bool], permission: str, what: str) -> None:
        if is_ready():
            return
        for seconds in self._waits:
            if self._stopped.wait(seconds):
                break
            if is_ready():
                return
        raise AwsProblem(f"{what} was not ready in time", code="NotReady", permission=permission)


def _password_policy(connection: Connection) -> PasswordPolicy | None:
    try:
        return connection.call("iam", "GetAccountPasswordPolicy", only("PasswordPolicy", PasswordPolicy)).value
    except AwsProblem as problem:
        if problem.code in _NOT_THERE:
            return None
        raise


def _server_certificates(connection: Connection) -> tuple[ServerCertificate, ...]:
    form = list_of("ServerCertificateMetadataList", ServerCertificateShape)
    pages = connection.pages("iam", "ListServerCertificates", form)
    return records_of(ServerCertificate, (one for page in pages for one in page.value))


def _rows_of(report: str) -> list[dict[str, str]]:
    """The rows of a credential report, each with a cell for every column.

    Raises:
        ValueError: it is not such a table. Rows without their cells would take far more memory than they have text.
    """
    lines = csv.reader(io.StringIO(report), strict=True)
    columns = next(lines, [])
    if len(columns) > _MOST_COLUMNS:
        raise ValueError(f"it has {len(columns):,} columns")
    rows = []
    for cells in lines:
        if len(cells) != len(columns):
            raise ValueError(f"line {lines.line_num} has {len(cells):,} cells instead of {len(columns)}")
        rows.append(dict(zip(columns, cells, strict=True)))
    return rows


def _access_keys(connection: Connection, user_name: str) -> tuple[AccessKey, ...]:
    pages = connection.pages("iam", "ListAccessKeys", list_of("AccessKeyMetadata", AccessKeyShape), UserName=user_name)
    keys = [key for page in pages for key in page.value]
    if len(keys) > _MOST_KEYS:
        raise connection.unexpected("iam", "ListAccessKeys", f"it names {len(keys):,} keys of one user")
    form = only("AccessKeyLastUsed", _LastUse)
    for key in keys:
        used = connection.call("iam", "GetAccessKeyLastUsed", form, AccessKeyId=key.id).value
        key.last_used, key.last_service, key.last_region = used.last_used_date, used.service_name, used.region
    return access_keys(keys)


def _mfa_devices(connection: Connection, user_name: str) -> tuple[MfaDevice, ...]:
    pages = connection.pages("iam", "ListMFADevices", list_of("MFADevices", MfaDeviceShape), UserName=user_name)
    return records_of(MfaDevice, (device for page in pages for device in page.value))


def _login_profile(connection: Connection, user_name: str) -> LoginProfile | None:
    try:
        found = connection.call("iam", "GetLoginProfile", only("LoginProfile", LoginProfileShape), UserName=user_name)
    except AwsProblem as problem:
        if problem.code in _NOT_THERE:
            return None
        raise
    return record_of(LoginProfile, found.value)
