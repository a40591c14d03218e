"""The MFA devices of the caller: from the account's data, else asked for in the caller's own name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from iamtui.account.availability import Missing
from iamtui.account.model import User
from iamtui.aws.errors import AwsProblem
from iamtui.evaluation.request import PrincipalKind, principal_from_text
from iamtui.problem import Problem
from iamtui.sources.user_details import mfa_serials
from iamtui.workspace.workspace import Workspace

_NO_CODES: Final = ":u2f/"
"""In the ARN of a FIDO security key, which shows no code: only a browser can use it (IAM User Guide: MFA)."""


@dataclass(frozen=True, slots=True)
class MfaDevices:
    """The devices whose code the caller can give.

    Args:
        serials: serial numbers or ARNs, in AWS's order.
        note: why there is none, or why they are not known, one sentence; "" when there is one.
        asked: whether AWS was asked; False when the account's data says it, or nobody can be asked.
    """

    serials: tuple[str, ...] = ()
    note: str = ""
    asked: bool = False


def known_mfa_devices(workspace: Workspace) -> MfaDevices | None:
    """What the account's data says of the caller's devices; None when it says nothing. Asks nobody."""
    caller = workspace.account.caller_arn
    user = None if isinstance(caller, Missing) else workspace.account.by_arn(caller.value)
    if not isinstance(user, User) or isinstance(user.mfa_devices, Missing):
        return None
    return _devices(tuple(device.serial for device in user.mfa_devices.value), asked=False)


def find_mfa_devices(workspace: Workspace) -> MfaDevices:
    """The caller's devices: from the account's data, else by iam:ListMFADevices. Blocking.

    Never raises: what cannot be found out is in `note`, and the user can enter the device.
    """
    known = known_mfa_devices(workspace)
    if known is not None:
        return known
    caller = workspace.account.caller_arn
    if isinstance(caller, Missing) or workspace.connection is None:
        return MfaDevices(note="Who is calling is not known, so enter the device: its serial number or ARN.")
    name = _user_name(caller.value)
    if not name:
        return MfaDevices(note="The caller is not a user, and only users and the root user have MFA devices.")
    try:
        serials = mfa_serials(workspace.connection, name)
    except Problem as problem:
        denied = isinstance(problem, AwsProblem) and problem.denied
        why = "you may not call iam:ListMFADevices" if denied else problem.sentence.rstrip(".")
        return MfaDevices(note=f"Your device is not known ({why}): enter its serial number or ARN.", asked=True)
    return _devices(serials, asked=True)


def _devices(serials: tuple[str, ...], *, asked: bool) -> MfaDevices:
    usable = tuple(serial for serial in serials if serial and _NO_CODES not in serial)
    if usable:
        return MfaDevices(usable, asked=asked)
    if serials:
        return MfaDevices(note="Your only MFA device is a security key, which STS takes no codes from.", asked=asked)
    return MfaDevices(note="You have no MFA device.", asked=asked)


def _user_name(arn: str) -> str:
    try:
        principal = principal_from_text(arn)
    except ValueError:
        return ""
    return arn.rsplit("/", 1)[-1] if principal.kind is PrincipalKind.USER else ""
