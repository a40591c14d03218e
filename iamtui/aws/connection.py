"""Connection: the only place where a boto3 session or client configuration is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Caller:
    """What sts:GetCallerIdentity says."""

    arn: str
    account: str
    user_id: str


class Connection:
    """A way to call AWS as one set of credentials; makes clients, each with the project's safe settings.

    Safe settings: configured endpoint URLs ignored unless given on purpose, no redirects to other hosts,
    connect 3 s and read 10 s timeouts, standard retries (3 attempts), no metadata-service wait when nothing
    configures one.
    """

    profile: str
    region: str
    endpoint_url: str

    @classmethod
    def open(cls, *, profile: str | None, region: str | None, endpoint_url: str | None) -> Connection:
        """Connect through boto3's credential chain.

        Raises:
            Problem: unknown profile, no credentials, no region where one is needed, a bad endpoint URL.
        """
        raise NotImplementedError

    @classmethod
    def with_stub(
        cls, before_send: Callable[..., Any], *, access_key_id: str, secret_access_key: str, region: str
    ) -> Connection:
        """A connection whose every request is answered by `before_send`: nothing reaches a network (the demo)."""
        raise NotImplementedError

    def with_credentials(self, access_key_id: str, secret_access_key: str, session_token: str) -> Connection:
        """The same endpoint and settings, as somebody else."""
        raise NotImplementedError

    def client(self, service: str) -> Any:
        """A boto3 client (kept and reused) for one service."""
        raise NotImplementedError

    def caller(self) -> Caller:
        """Who these credentials are (sts:GetCallerIdentity).

        Raises:
            Problem: the call failed; says why and what to do.
        """
        raise NotImplementedError
