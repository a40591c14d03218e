"""An instance metadata service (IMDSv2) on the loopback address, for programs that were written for instances.

Its protocol knows no authentication: whoever reaches it may ask for a token and then for the credentials ("Use
the Instance Metadata Service" in the Amazon EC2 User Guide). It is only started where the user insists.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from iamtui.credentials.endpoint import JSON, credentials_json, error_json, expired_sentence
from iamtui.credentials.formats import aws_time
from iamtui.credentials.loopback_http import Counts, LoopbackServer, Request, Response
from iamtui.credentials.renewal import Held
from iamtui.credentials.session import Clock, utc_now
from iamtui.secret import Secret

TOKEN_PATH: Final = "/latest/api/token"
ROLES_PATH: Final = "/latest/meta-data/iam/security-credentials/"
REGION_PATH: Final = "/latest/meta-data/placement/region"
TTL_HEADER: Final = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN_HEADER: Final = "X-aws-ec2-metadata-token"

LONGEST_TTL: Final = 21_600
"""Seconds: six hours, as on an instance."""

_END_BYTES: Final = 8
_NONCE_BYTES: Final = 14
"""Makes tokens distinct, and their length a multiple of three bytes, for which base64 has one form only."""

_SIGNATURE_BYTES: Final = 32


class MetadataEndpoint:
    """Answers what SDKs ask an instance for its role's credentials; version 1, without a token, is refused.

    Args:
        held: the newest session and how its renewal stands.
        clock: the local time.
    """

    def __init__(self, held: Callable[[], Held], *, clock: Clock = utc_now) -> None:
        self._held = held
        self._clock = clock
        # A token carries its own end, signed: no table of them that somebody else could fill up.
        self._key = Secret(secrets.token_hex(32))
        self._server = LoopbackServer(self._answer)

    @property
    def url(self) -> str:
        """For AWS_EC2_METADATA_SERVICE_ENDPOINT."""
        return f"http://{self._server.authority}/"

    @property
    def counts(self) -> Counts:
        """What has been answered so far, tokens included."""
        return self._server.counts

    def start(self) -> None:
        """Begin to answer."""
        self._server.start()

    def stop(self, *, wait: bool = True) -> None:
        """Stop, for good; with `wait` only when its thread has ended."""
        self._server.stop(wait=wait)

    def let_go(self) -> None:
        """After a fork, in the process that does not answer."""
        self._server.let_go()

    def _answer(self, request: Request) -> Response:
        if request.path == TOKEN_PATH:
            if request.method != "PUT":
                return Response(405, headers={"Allow": "PUT"})
            return self._new_token(request.headers.get(TTL_HEADER.lower(), ""))
        if request.method != "GET":
            return Response(405, headers={"Allow": "GET"})
        if not self._knows(request.headers.get(TOKEN_HEADER.lower(), "")):
            return Response(401)
        return self._read(request.path)

    def _new_token(self, ttl: str) -> Response:
        if not (ttl.isascii() and ttl.isdigit() and len(ttl) <= 5 and 1 <= int(ttl) <= LONGEST_TTL):
            return Response(400)
        end = _microseconds(self._clock() + timedelta(seconds=int(ttl))).to_bytes(_END_BYTES, "big")
        signed = end + secrets.token_bytes(_NONCE_BYTES)
        return Response(200, base64.urlsafe_b64encode(signed + self._signature(signed)), headers={TTL_HEADER: ttl})

    def _knows(self, token: str) -> bool:
        try:
            content = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error):
            return False
        signed, signature = content[:-_SIGNATURE_BYTES], content[-_SIGNATURE_BYTES:]
        is_whole = len(signed) == _END_BYTES + _NONCE_BYTES and len(token) * 3 == len(content) * 4
        if not is_whole or not hmac.compare_digest(signature, self._signature(signed)):
            return False
        return _microseconds(self._clock()) < int.from_bytes(signed[:_END_BYTES], "big")

    def _signature(self, signed: bytes) -> bytes:
        return hmac.digest(bytes.fromhex(self._key.reveal()), signed, "sha256")

    def _read(self, path: str) -> Response:
        held = self._held()
        role = held.session.role_arn.rsplit("/", 1)[-1]
        if path in (ROLES_PATH, ROLES_PATH.rstrip("/")):
            return Response(200, role.encode("latin-1", "replace"))
        if path == ROLES_PATH + role:
            if held.session.expired(self._clock()):
                # An instance answers a failure with status 200 too.
                return Response(200, error_json("ExpiredToken", expired_sentence(held)), JSON)
            updated = aws_time(held.session.assumed_at)
            return Response(
                200, credentials_json(held.session, Code="Success", LastUpdated=updated, Type="AWS-HMAC"), JSON
            )
        if path == REGION_PATH and held.session.region:
            return Response(200, held.session.region.encode("ascii", "replace"))
        return Response(404)


def _microseconds(moment: datetime) -> int:
    """Since 1970, whole: a float would round them."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
