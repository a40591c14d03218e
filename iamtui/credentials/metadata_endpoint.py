"""An instance metadata service (IMDSv2) on the loopback address, for programs that were written for instances.

Its protocol knows no authentication: whoever reaches it may ask for a token and then for the credentials ("Use
the Instance Metadata Service" in the Amazon EC2 User Guide). It is only started where the user insists.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from iamtui.credentials.endpoint import JSON, credentials_json, error_json, expired_sentence
from iamtui.credentials.formats import aws_time
from iamtui.credentials.loopback_http import Counts, LoopbackServer, Request, Response
from iamtui.credentials.renewal import Held
from iamtui.credentials.session import Clock, utc_now

TOKEN_PATH: Final = "/latest/api/token"
ROLES_PATH: Final = "/latest/meta-data/iam/security-credentials/"
REGION_PATH: Final = "/latest/meta-data/placement/region"
TTL_HEADER: Final = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN_HEADER: Final = "X-aws-ec2-metadata-token"

LONGEST_TTL: Final = 21_600
"""Seconds: six hours, as on an instance."""

MOST_TOKENS: Final = 256


class MetadataEndpoint:
    """Answers what SDKs ask an instance for its role's credentials; version 1, without a token, is refused.

    Args:
        held: the newest session and how its renewal stands.
        clock: the local time.
    """

    def __init__(self, held: Callable[[], Held], *, clock: Clock = utc_now) -> None:
        self._held = held
        self._clock = clock
        self._ends: dict[bytes, datetime] = {}
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
        token = secrets.token_urlsafe(40)
        now = self._clock()
        ends = {digest: end for digest, end in self._ends.items() if end > now}
        while len(ends) >= MOST_TOKENS:
            del ends[next(iter(ends))]
        self._ends = {**ends, _digest(token): now + timedelta(seconds=int(ttl))}
        return Response(200, token.encode("ascii"), headers={TTL_HEADER: ttl})

    def _knows(self, token: str) -> bool:
        # Looking up a digest tells nothing about the token by its timing.
        end = self._ends.get(_digest(token))
        return end is not None and self._clock() < end

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


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("latin-1", "replace")).digest()
