"""A session on offer: its endpoint, and the thread that renews it in time. For `serve` and for the screen."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from iamtui.credentials.endpoint import CredentialsEndpoint
from iamtui.credentials.loopback_http import Counts
from iamtui.credentials.metadata_endpoint import MetadataEndpoint
from iamtui.credentials.renewal import Held, Renewer
from iamtui.credentials.session import Clock, utc_now


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """What a screen shows of a service.

    Args:
        held: the session and how its renewal stands.
        counts: requests to the container endpoint.
        metadata_counts: requests to the instance metadata service, or None when there is none.
        running: whether it still answers.
    """

    held: Held
    counts: Counts
    metadata_counts: Counts | None
    running: bool


class CredentialsService:
    """Offers a session on the loopback address until `stop`, or until the session has ended and nothing renews it.

    Args:
        renewer: the session.
        with_metadata: whether to offer it as an instance metadata service too, which knows no authentication.
        clock: the local time.
    """

    def __init__(self, renewer: Renewer, *, with_metadata: bool = False, clock: Clock = utc_now) -> None:
        self.renewer = renewer
        self._clock = clock
        self.endpoint = CredentialsEndpoint(self._held, clock=clock)
        self.metadata = MetadataEndpoint(self._held, clock=clock) if with_metadata else None
        self._wake = threading.Event()
        self._ended = threading.Event()

    def _held(self) -> Held:
        return self.renewer.held

    @property
    def status(self) -> ServiceStatus:
        """How it stands. Never blocks."""
        return ServiceStatus(
            self._held(),
            self.endpoint.counts,
            self.metadata.counts if self.metadata is not None else None,
            not self._ended.is_set(),
        )

    def start(self) -> None:
        """Begin to answer and to renew, in threads that hold up no exit."""
        self.endpoint.start()
        if self.metadata is not None:
            self.metadata.start()
        threading.Thread(target=self._keep_fresh, name="iamtui renewal", daemon=True).start()

    def offer_metadata(self) -> None:
        """Answer as an instance metadata service from now on, too. Call it after `start`, in the same thread."""
        if self.metadata is None and not self._ended.is_set():
            self.metadata = MetadataEndpoint(self._held, clock=self._clock)
            self.metadata.start()

    def stop(self, *, wait: bool = True) -> None:
        """Stop answering and renewing, for good. May be called more than once.

        Args:
            wait: until nothing of it runs any more; without it, this never blocks.
        """
        self._ended.set()
        self._wake.set()
        self.endpoint.stop(wait=wait)
        if self.metadata is not None:
            self.metadata.stop(wait=wait)

    def let_go(self) -> None:
        """After a fork, in the process that does not answer: leave the sockets to the other."""
        self._ended.set()
        self.endpoint.let_go()
        if self.metadata is not None:
            self.metadata.let_go()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it has stopped, or for so long; returns whether it has."""
        return self._ended.wait(seconds)

    def _keep_fresh(self) -> None:
        while not self._ended.is_set():
            self.renewer.tick()
            if self.renewer.over:
                self.stop()
                return
            self._wake.wait(self.renewer.wait_seconds())
