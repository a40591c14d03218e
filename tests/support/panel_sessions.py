"""Sessions and clocks that tests hold still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from iamtui.aws.caller import CallerIdentity
from iamtui.credentials.session import Session
from iamtui.secret import Secret

START = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
SECRET = "wJalrXUtnFEMIxK7MDENGxbPxRfiCYEXAMPLEKEY"
TOKEN = "FwoGZXIvYXdzE" + "Q" * 340 + "="


class StillClock:
    """A clock that moves only when told to; gives wall time and monotonic seconds."""

    def __init__(self) -> None:
        self.passed = timedelta()
        self.off = timedelta()
        """How far somebody has set the wall clock from it."""

    def __call__(self) -> datetime:
        return START + self.passed

    def monotonic(self) -> float:
        return 1000.0 + self.passed.total_seconds()

    def move(self, seconds: float) -> None:
        self.passed += timedelta(seconds=seconds)


def session(
    role: str = "deploy-prod", *, minutes: float = 60, key: str = "ASIAEXAMPLEKEY00WXYZ", **more: object
) -> Session:
    """A session that was assumed at START."""
    arn = f"arn:aws:sts::123456789012:assumed-role/{role}/iamtui-alice"
    values: dict[str, object] = {
        "role_arn": f"arn:aws:iam::123456789012:role/{role}",
        "session_name": "iamtui-alice",
        "access_key_id": key,
        "secret_access_key": Secret(SECRET),
        "session_token": Secret(TOKEN),
        "expires_at": START + timedelta(minutes=minutes),
        "assumed_at": START,
        "identity": CallerIdentity(arn, "123456789012", "AROAEXAMPLE:iamtui-alice"),
    }
    return Session(**(values | more))  # type: ignore[arg-type]


class RecordingCopier:
    """Keeps what was copied in the place of a clipboard."""

    def __init__(self) -> None:
        self.exported: list[Session] = []
        self.texts: list[str] = []

    def copy_exports(self, held: Session, name: str = "") -> str:
        self.exported.append(held)
        return f"Copied the {name or 'exports'} by xclip; cleared in 30 s."

    def format_name(self) -> str:
        return "bash"

    def copy_secret(self, text: Secret, what: str) -> str:
        self.texts.append(text.reveal())
        return f"Copied the {what} by xclip; cleared in 30 s."

    def copy_text(self, text: str, what: str) -> str:
        self.texts.append(text)
        return f"Copied the {what} by xclip."

    def copy_document(self, text: str, what: str) -> str:
        self.texts.append(text)
        return f"Copied the {what} by xclip."

    def time_left(self) -> timedelta | None:
        return None

    def clear_now(self) -> str:
        return "clipboard cleared (xclip)"
