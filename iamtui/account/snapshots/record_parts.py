"""Parts of records from parts of the snapshot's shapes: dates, tags, attachments, keys."""

from __future__ import annotations

from datetime import UTC, datetime

from iamtui.account.model import AccessKey, AttachedPolicy, LoginProfile, MfaDevice, Tags
from iamtui.account.snapshots.format import (
    AccessKeyShape,
    AttachmentShape,
    BoundaryShape,
    LoginProfileShape,
    MfaDeviceShape,
    TagShape,
    When,
)


def parse_time(value: When) -> datetime | None:
    """A date of a file as a datetime in UTC; None when there is none or it is unreadable.

    A text without a time zone is taken as UTC, which is what AWS means.
    """
    if value is None:
        return None
    try:
        if isinstance(value, str):
            try:
                found = datetime.fromisoformat(value.strip())
            except ValueError:
                found = datetime.fromtimestamp(float(value), UTC)
        else:
            found = datetime.fromtimestamp(value, UTC)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def attached(shapes: list[AttachmentShape] | None) -> tuple[AttachedPolicy, ...]:
    """The attachments; a name that lacks comes from the ARN."""
    if not shapes:
        return ()
    return tuple(
        AttachedPolicy(shape.policy_name or shape.policy_arn.rsplit("/", 1)[-1], shape.policy_arn) for shape in shapes
    )


def boundary(shape: BoundaryShape | None) -> str | None:
    """The ARN of the permissions boundary, or None."""
    return (shape.permissions_boundary_arn or None) if shape is not None else None


def tags(shapes: list[TagShape] | None) -> Tags:
    """The tags, in their order."""
    return tuple((shape.key, shape.value) for shape in shapes) if shapes else ()


def access_keys(shapes: list[AccessKeyShape]) -> tuple[AccessKey, ...]:
    """The access keys of one user."""
    return tuple(
        AccessKey(
            id=shape.access_key_id,
            status=shape.status,
            created=parse_time(shape.create_date),
            last_used=parse_time(shape.last_used_date),
            # AWS says "N/A" for a key that was never used.
            last_service=_unless_na(shape.service_name),
            last_region=_unless_na(shape.region),
        )
        for shape in shapes
    )


def _unless_na(text: str | None) -> str:
    return "" if text is None or text == "N/A" else text


def mfa_devices(shapes: list[MfaDeviceShape]) -> tuple[MfaDevice, ...]:
    """The MFA devices of one user."""
    return tuple(MfaDevice(shape.serial_number, parse_time(shape.enable_date)) for shape in shapes)


def login_profile(shape: LoginProfileShape | None) -> LoginProfile | None:
    """The console password of one user, or None."""
    return LoginProfile(parse_time(shape.create_date), shape.password_reset_required) if shape is not None else None
