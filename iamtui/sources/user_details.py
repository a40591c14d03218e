"""What would cost a call for each user, loaded for one user when somebody looks: keys, MFA devices, password."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

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


def _access_keys(connection: Connection, user_name: str) -> tuple[AccessKey, ...]:
    return tuple(
        _access_key(connection, key)
        for page in connection.pages("iam", "ListAccessKeys", UserName=user_name)
        for key in page.get("AccessKeyMetadata") or ()
    )


def _access_key(connection: Connection, key: dict[str, Any]) -> AccessKey:
    key_id = str(key["AccessKeyId"])
    used = connection.call("iam", "GetAccessKeyLastUsed", AccessKeyId=key_id).get("AccessKeyLastUsed") or {}
    return AccessKey(
        id=key_id,
        status=str(key.get("Status", "")),
        created=key.get("CreateDate"),
        last_used=used.get("LastUsedDate"),
        last_service=_unless_na(used.get("ServiceName")),
        last_region=_unless_na(used.get("Region")),
    )


def _unless_na(text: str | None) -> str:
    """AWS says "N/A" for a key that was never used."""
    return "" if text is None or text == "N/A" else text


def _mfa_devices(connection: Connection, user_name: str) -> tuple[MfaDevice, ...]:
    return tuple(
        MfaDevice(str(device["SerialNumber"]), device.get("EnableDate"))
        for page in connection.pages("iam", "ListMFADevices", UserName=user_name)
        for device in page.get("MFADevices") or ()
    )


def _login_profile(connection: Connection, user_name: str) -> LoginProfile | None:
    try:
        found = connection.call("iam", "GetLoginProfile", UserName=user_name)["LoginProfile"]
    except AwsProblem as problem:
        if problem.code in ("NoSuchEntity", "NoSuchEntityException"):
            return None
        raise
    return LoginProfile(found.get("CreateDate"), bool(found.get("PasswordResetRequired")))
