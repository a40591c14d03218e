"""What would cost a call for each user, loaded for one user when somebody looks: keys, MFA devices, password."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from msgspec import Struct, field

from iamtui.account.availability import Fact, Known, Missing
from iamtui.account.model import AccessKey, Account, LoginProfile, MfaDevice
from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem
from iamtui.problem import Problem
from iamtui.sources.reading import failure

T = TypeVar("T")


def load_user_details(connection: Connection, account: Account, user_name: str) -> Account:
    """The same account with one user's access keys, MFA devices and console password.

    What the caller may not read stays Missing, with the permission. Secrets are never read.

    Raises:
        Problem: no such user in the account, or AWS cannot be reached.
    """
    user = account.user(user_name)
    if user is None:
        raise Problem(f'The account has no user "{user_name}".', "Refresh, or check the name.")
    loaded = replace(
        user,
        access_keys=_fact("iam:ListAccessKeys", lambda: _access_keys(connection, user_name)),
        mfa_devices=_fact("iam:ListMFADevices", lambda: _mfa_devices(connection, user_name)),
        login_profile=_fact("iam:GetLoginProfile", lambda: _login_profile(connection, user_name)),
    )
    return replace(account, users=tuple(loaded if one is user else one for one in account.users))


def _fact(permission: str, read: Callable[[], T]) -> Fact[T]:
    try:
        return Known(read())
    except AwsProblem as problem:
        if problem.fatal:
            raise
        return Missing(failure(problem), problem.permission or permission)


class _AccessKey(Struct, rename="pascal"):
    access_key_id: str
    status: str = ""
    create_date: datetime | None = None


class _AccessKeysPage(Struct, rename="pascal"):
    access_key_metadata: list[_AccessKey]


class _LastUse(Struct, rename="pascal"):
    last_used_date: datetime | None = None
    service_name: str = ""
    region: str = ""


class _LastUseAnswer(Struct, rename="pascal"):
    access_key_last_used: _LastUse


class _MfaDevice(Struct, rename="pascal"):
    serial_number: str
    enable_date: datetime | None = None


class _MfaDevicesPage(Struct):
    devices: list[_MfaDevice] = field(name="MFADevices")


class _LoginProfile(Struct, rename="pascal"):
    create_date: datetime | None = None
    password_reset_required: bool = False


class _LoginProfileAnswer(Struct, rename="pascal"):
    login_profile: _LoginProfile


def _access_keys(connection: Connection, user_name: str) -> tuple[AccessKey, ...]:
    return tuple(
        _access_key(connection, key)
        for page in connection.pages("iam", "ListAccessKeys", _AccessKeysPage, UserName=user_name)
        for key in page.access_key_metadata
    )


def _access_key(connection: Connection, key: _AccessKey) -> AccessKey:
    used = connection.call(
        "iam", "GetAccessKeyLastUsed", _LastUseAnswer, AccessKeyId=key.access_key_id
    ).access_key_last_used
    return AccessKey(
        id=key.access_key_id,
        status=key.status,
        created=key.create_date,
        last_used=used.last_used_date,
        last_service=_unless_na(used.service_name),
        last_region=_unless_na(used.region),
    )


def _unless_na(text: str) -> str:
    """AWS says "N/A" for a key that was never used."""
    return "" if text == "N/A" else text


def mfa_serials(connection: Connection, user_name: str) -> tuple[str, ...]:
    """The serial numbers or ARNs of a user's MFA devices (iam:ListMFADevices).

    Raises:
        Problem: the call failed.
    """
    return tuple(device.serial for device in _mfa_devices(connection, user_name))


def _mfa_devices(connection: Connection, user_name: str) -> tuple[MfaDevice, ...]:
    return tuple(
        MfaDevice(device.serial_number, device.enable_date)
        for page in connection.pages("iam", "ListMFADevices", _MfaDevicesPage, UserName=user_name)
        for device in page.devices
    )


def _login_profile(connection: Connection, user_name: str) -> LoginProfile | None:
    try:
        found = connection.call("iam", "GetLoginProfile", _LoginProfileAnswer, UserName=user_name).login_profile
    except AwsProblem as problem:
        if problem.code in ("NoSuchEntity", "NoSuchEntityException"):
            return None
        raise
    return LoginProfile(found.create_date, found.password_reset_required)
