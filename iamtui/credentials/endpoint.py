"""The container credentials endpoint: SDKs ask it for a session's credentials, and again before these end.

The protocol is that of "Container credential provider" in the AWS SDKs and Tools Reference Guide: the URL stands
in AWS_CONTAINER_CREDENTIALS_FULL_URI, and what is in AWS_CONTAINER_AUTHORIZATION_TOKEN is sent as Authorization.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable
from typing import Final

from iamtui.credentials.formats import aws_time
from iamtui.credentials.loopback_http import Counts, LoopbackServer, Request, Response
from iamtui.credentials.renewal import Held
from iamtui.credentials.session import Clock, Session, utc_now
from iamtui.secret import Secret

JSON: Final = "application/json"


class CredentialsEndpoint:
    """Answers GET on one path that nobody can guess, with one token that nobody can guess, for one session.

    There is no way to ask for another role. Answers come from what is held; nothing is renewed while a client
    waits (the JavaScript SDK waits a second, botocore two).

    Args:
        held: the newest session and how its renewal stands.
        clock: the local time.
    """

    def __init__(self, held: Callable[[], Held], *, clock: Clock = utc_now) -> None:
        self._held = held
        self._clock = clock
        self._path = Secret(f"/{secrets.token_urlsafe(16)}")
        self.token: Final = Secret(secrets.token_urlsafe(32))
        self._server = LoopbackServer(self._answer)

    @property
    def uri(self) -> Secret:
        """The URL, for AWS_CONTAINER_CREDENTIALS_FULL_URI."""
        return Secret(f"http://{self._server.authority}{self._path.reveal()}")

    @property
    def authority(self) -> str:
        """Host and port; no secret."""
        return self._server.authority

    @property
    def counts(self) -> Counts:
        """What has been answered so far."""
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
        if not _same(request.path, self._path):
            return Response(404)
        if request.method != "GET":
            return Response(405, headers={"Allow": "GET"})
        if not _same(request.headers.get("authorization", ""), self.token):
            return Response(403)
        held = self._held()
        if not held.session.expired(self._clock()):
            return Response(200, credentials_json(held.session), JSON)
        return Response(400, error_json("ExpiredToken", expired_sentence(held)), JSON)


def _same(given: str, expected: Secret) -> bool:
    """Compare in a time that tells nothing of where they differ."""
    return hmac.compare_digest(given.encode("latin-1"), expected.reveal().encode("latin-1"))


def credentials_json(session: Session, **more: str) -> bytes:
    """A session as both protocols name its parts, after `more`."""
    account = session.identity.account if session.identity is not None else ""
    return json.dumps(
        {
            **more,
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret_access_key.reveal(),
            "Token": session.session_token.reveal(),
            "Expiration": aws_time(session.expires_at),
            **({"AccountId": account} if account else {}),
        }
    ).encode("ascii")


def error_json(code: str, message: str) -> bytes:
    """An error as both protocols tell one."""
    return json.dumps({"Code": code, "Message": message}).encode("ascii")


def expired_sentence(held: Held) -> str:
    """What a client is told when the session has ended."""
    why = f" Renewing it failed: {held.failures.sentence}" if held.failures.sentence else ""
    return f"The session of {held.session.role_arn} has expired.{why}"
