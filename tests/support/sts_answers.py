"""A canned STS: answers its calls for credentials and GetCallerIdentity as told, through `Connection.with_stub`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSResponse

from iamtui.aws.connection import Connection

ROLE_ARN = "arn:aws:iam::123456789012:role/deploy/Deployer"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE//token+of+the+session/" + "Zm9v" * 60 + "=="
KEY_ID = "ASIAIOSFODNN7EXAMPLE"
SCOPED_KEY_ID = "ASIASCOPEDDOWNEXAMPLE"
LONG_TERM_SECRET = "longTermSecretOfTheCaller0000000000KEY"

Answer = tuple[int, str]


def sts_error(code: str, message: str = "no", status: int = 403) -> Answer:
    """An error as the query protocol words it."""
    return status, (
        f'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
        f"<Code>{code}</Code><Message>{escape(message)}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
    )


@dataclass
class CannedSts:
    """What the canned STS says, and what it was asked.

    Args:
        now: the server's clock, sent as the Date header; None sends none.
        life: how long the credentials live.
        credentials: replaces fields of Credentials; None leaves a field out.
        refusal: answered to AssumeRole instead of credentials.
        mfa_refusal: answered to GetSessionToken instead of credentials.
        scope_refusal: answered to GetScopedCredentials instead of credentials.
        mfa_key: the access key id that GetSessionToken gives.
        identity: the ARN that GetCallerIdentity tells, or an error.
        requests: the parameters of every request, in order.
        signed_by: the access key id of every request, in order.
    """

    now: datetime | None = field(default_factory=lambda: datetime.now(UTC))
    life: timedelta = timedelta(hours=1)
    credentials: dict[str, str | None] = field(default_factory=dict)
    refusal: Answer | None = None
    mfa_refusal: Answer | None = None
    scope_refusal: Answer | None = None
    mfa_key: str = "ASIAMFASESSIONEXAMPLE"
    identity: str | Answer = "arn:aws:sts::123456789012:assumed-role/Deployer/alice"
    requests: list[dict[str, str]] = field(default_factory=list)
    signed_by: list[str] = field(default_factory=list)
    on_request: Callable[[], None] | None = None

    def connection(self, region: str = "eu-central-1") -> Connection:
        """A connection that this answers."""
        return Connection.with_stub(
            self, access_key_id="AKIAIOSFODNN7EXAMPLE", secret_access_key=LONG_TERM_SECRET, region=region
        )

    def __call__(self, request: Any, **_more: Any) -> AWSResponse:
        body = request.body.decode() if isinstance(request.body, bytes) else request.body
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        self.requests.append(asked)
        authorization = request.headers["Authorization"]
        text = authorization.decode() if isinstance(authorization, bytes) else str(authorization)
        self.signed_by.append(text.partition("Credential=")[2].partition("/")[0])
        if self.on_request is not None:
            self.on_request()
        if asked["Action"] == "AssumeRole":
            status, text = self.refusal or (200, self._assumed())
        elif asked["Action"] == "GetScopedCredentials":
            scoped = self._credentials("GetScopedCredentials", SCOPED_KEY_ID, self.life)
            status, text = self.scope_refusal or (200, scoped)
        elif asked["Action"] == "GetSessionToken":
            status, text = self.mfa_refusal or (200, self._mfa_session(int(asked["DurationSeconds"])))
        else:
            status, text = (200, self._caller(self.identity)) if isinstance(self.identity, str) else self.identity
        headers = {"Content-Type": "text/xml"}
        if self.now is not None:
            headers["Date"] = format_datetime(self.now, usegmt=True)
        return AWSResponse(request.url, status, headers, _Body(text.encode()))

    def _assumed(self) -> str:
        return self._credentials("AssumeRole", KEY_ID, self.life)

    def _mfa_session(self, seconds: int) -> str:
        return self._credentials("GetSessionToken", self.mfa_key, timedelta(seconds=seconds))

    def _credentials(self, operation: str, key_id: str, life: timedelta) -> str:
        end = (self.now or datetime.now(UTC)) + life
        fields: dict[str, str | None] = {
            "AccessKeyId": key_id,
            "SecretAccessKey": SECRET_KEY,
            "SessionToken": TOKEN,
            "Expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        } | self.credentials
        inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items() if value is not None)
        return (
            f'<{operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{operation}Result>'
            f"<Credentials>{inner}</Credentials></{operation}Result></{operation}Response>"
        )

    def _caller(self, arn: str) -> str:
        return (
            '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
            f"<Arn>{escape(arn)}</Arn><UserId>AROAEXAMPLE:alice</UserId><Account>{arn.split(':')[4]}</Account>"
            "</GetCallerIdentityResult></GetCallerIdentityResponse>"
        )


class _Body:
    """The raw body of an answer, as botocore reads one."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_more: Any) -> list[bytes]:
        return [self._content]
